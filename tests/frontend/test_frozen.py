"""Arguments that are numbers and decide what the Program looks like: one Program for each value."""

import numpy as np
import pytest
from agreement import agree
from compare import check

import hotloop
from hotloop.errors import StagingError
from hotloop.frontend.trace import trace

X = np.arange(24.0).reshape(2, 3, 4)


def total(x, axis, keepdims):
    return np.sum(x, axis=axis, keepdims=keepdims)


def test_axis_and_flags():
    agree(total, (X, 0, False), (X, 1, False), (X, -1, True), (X, 0, False), traces=3)


def test_what_follows_from_arguments():
    def f(x, k):
        return np.moveaxis(x, k - 1, 2 * k)

    agree(f, (X, 1), (X, 1), traces=1)


def test_items_and_attributes():
    def f(x, axes, options):
        return np.sum(x, axis=axes), np.max(x, axis=options["axis"])

    agree(f, (X, (0, 2), {"axis": 1}), (X, (0, 1), {"axis": 1}), traces=2)


def test_only_what_matters():
    def f(x, axis, scale):
        return np.sum(x, axis=axis) * scale

    agree(f, (X, 0, 2), (X, 0, 3), (X, 0, 4), traces=1)


def test_errors():
    agree(total, (X, 5, False), (X, 2, False))


def test_values_that_are_no_arguments():
    with pytest.raises(StagingError, match="Python int"):
        trace(lambda x, n: x + np.zeros((1,) * n[0]), (X, np.arange(2)), {})


def test_many_values_run_as_python():
    @hotloop.jit
    def part(x, k):
        return np.sum(np.zeros((1,) * 30) + x, axis=k)

    for k in range(20):
        assert part(1.5, k).shape == (1,) * 29
    assert part.cache_info().specializations <= 16


def translated(x):
    return x * 2.0 + np.array([1.0, 2.0, 3.0])


def without_last(x):
    return x[:-1] + np.array([1.0, 2.0])


def turned(p):
    return np.array([[0.6, -0.8], [0.8, 0.6]]) @ p


@pytest.mark.parametrize(("f", "size"), [(translated, 3), (without_last, 3), (turned, 2)])
def test_sizes_that_the_function_wants_are_compiled_in(f, size):
    program = trace(f, (np.ones(size),), {}).program
    assert program.params[0].shape == (size,) and len(program.params) == 1
    jitted = hotloop.jit(f, cache=False)
    check(f, np.arange(float(size)), jitted=jitted)
    check(f, np.ones(1), jitted=jitted)
    check(f, np.ones(size + 4), jitted=jitted)          # an error, or another specialization
    check(f, np.arange(float(size)), jitted=jitted)
    assert jitted.cache_info().specializations <= 3


def test_other_sizes_stay_open():
    for f in (lambda x: x[:3] + np.ones(3), lambda x: x + np.ones(40), lambda x: x + x[0]):
        param = trace(f, (np.ones(40),), {}).program.params[0]
        assert not isinstance(param.shape[0], int)
