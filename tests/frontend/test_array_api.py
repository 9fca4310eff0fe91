"""The Array API standard: every function and operator through `jit` gives what NumPy gives.

    pytest tests/frontend/test_array_api.py -s     # also prints how many calls were compared

Each call is traced and interpreted (fast, and independent of LLVM); some go all the way.
"""

import copy
from collections import Counter
from functools import partial

import array_api
import numpy as np
import pytest
from agreement import outcome, run, same

import hotloop
from hotloop.frontend.trace import trace
from hotloop.ir import verify
from hotloop.runtime.jit import _calling

NAMES = [*array_api.TABLE, *array_api.METHODS]
CALLS = 10
counted: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    print(f"\nArray API: {len(NAMES)} functions, {counted['calls']} calls "
          f"({counted['errors']} of them errors), {counted['mismatches']} mismatches")


def test_the_standard_is_covered():
    info = np.__array_namespace_info__
    assert info is not None
    missing = {"abs", "astype", "clip", "concat", "cumulative_prod", "diff", "take_along_axis",
               "unstack", "where", "linalg.vector_norm", "fft.hfft"} - set(NAMES)
    assert not missing and len(array_api.TABLE) > 150


def explain(name, args, keywords, expected, got):
    counted["mismatches"] += 1
    return f"{name}{args} {keywords}: {expected!r} in NumPy, {got!r}"


def compare(name, args, keywords, expected, got, arguments):
    counted["calls"] += 1
    if isinstance(expected, Exception) or isinstance(got, Exception):
        counted["errors"] += 1
        assert type(expected) is type(got), explain(name, args, keywords, expected, got)
        return
    differences = same(expected, got) + same(*arguments, "arguments")
    assert not differences, explain(name, args, keywords, expected, got) + str(differences)


def numbers(args):
    """0-d arrays come to a Program as numbers."""
    return tuple(x[()] if isinstance(x, np.ndarray) and not x.ndim else x for x in args)


def interpreted(function, args, keywords):
    traced = trace(_calling(function), args, keywords)
    verify.verify(traced.program)
    return run(traced, {"args": args, "kwargs": keywords})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_traced(name):
    function = array_api.function_of(name)
    for args, keywords in array_api.calls(name, CALLS):
        theirs, ours = copy.deepcopy((args, keywords)), copy.deepcopy((args, keywords))
        expected = outcome(partial(function, *theirs[0], **theirs[1]))
        got = outcome(partial(interpreted, function, *ours))
        if isinstance(expected, np.generic | np.ndarray) and not expected.ndim:
            expected = np.asarray(expected)[()]         # an argument itself may have come back
            got = np.asarray(got)[()] if not isinstance(got, Exception) else got
        given = numbers(theirs[0]), numbers(ours[0])
        compare(name, args, keywords, expected, got, given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES[::6])
def test_compiled(name):
    function = array_api.function_of(name)
    for args, keywords in array_api.calls(name, 2, seed=5):
        theirs, ours = copy.deepcopy((args, keywords)), copy.deepcopy((args, keywords))
        expected = outcome(partial(function, *theirs[0], **theirs[1]))
        jitted = hotloop.jit(function, cache=False)
        got = outcome(partial(jitted, *ours[0], **ours[1]))
        compare(name, args, keywords, expected, got, (theirs[0], ours[0]))


def test_stores_to_0d_arguments():
    @hotloop.jit
    def add(x, y):
        x += y
        return x

    x = np.array(3.0)
    assert add(x, 2.0) is x and x == 5.0
