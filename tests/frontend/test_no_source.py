"""Functions whose source Python has not kept: typed into its prompt, given by -c, made by exec."""

import subprocess
import sys

import numpy as np
import pytest

import hotloop
from hotloop.errors import SourceError

TOTAL = """
def total(x):
    s = 0.0
    for v in x:
        s += v
    return s
"""


def made(source):
    space = {"np": np}
    exec(source, space)
    return space


def test_straight_line_code_is_compiled():
    f = hotloop.jit(made("def f(x, y=2):\n    z = np.abs(x) * y\n    return z.sum(), z[1:]")["f"])
    x = np.arange(4.0)
    got, expected = f(x), f.__wrapped__(x)
    assert got[0] == expected[0] and np.array_equal(got[1], expected[1])
    assert f.cache_info().calls["compiled"] == 1


def test_control_flow_runs_in_python_with_one_warning():
    f = hotloop.jit(made(TOTAL)["total"])
    with pytest.warns(RuntimeWarning, match=r"(?s)plain Python: .*the source of total.*in a file"
                      ) as found:
        assert [f(np.arange(n * 1.0)) for n in (2, 3, 4)] == [1.0, 3.0, 6.0]
    assert len(found) == 1


def test_derivatives_need_the_source():
    with pytest.raises(SourceError, match="source of total is not known"):
        hotloop.grad(made(TOTAL)["total"])(np.ones(3))


def test_the_error_of_a_caller_with_source_stays_its_own():
    helper = made("def helper(x):\n    return x * 2")["helper"]

    def f(x):
        return eval("helper(x)") if x[0] > 0 else {}
    with pytest.raises(hotloop.errors.UnsupportedError) as found:
        hotloop.jit(lambda x: (helper(x), f(x)))(np.ones(3))
    assert not isinstance(found.value, SourceError)


@pytest.mark.parametrize("before", ["", "exec('def total(x):\\n    return 1')\nnp = 3\n"])
def test_a_command(before):
    text = ("import warnings; warnings.simplefilter('error')\nimport numpy, hotloop\n" + before
            + TOTAL + "\nf = hotloop.jit(total)\n"
            "print(f(numpy.ones(3)), f.cache_info().calls['compiled'])\n")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True,
                          check=False, timeout=120)
    assert done.stdout == "3.0 1\n", done.stderr
