"""All of NumPy's functions through `jit` against NumPy: values, dtypes, shapes, kinds, errors.

    pytest tests/frontend/test_numpy_all.py -s          # prints calls tried and mismatches
    HOTLOOP_TEST_CALLS=50 pytest ...                    # 50 random calls of each function, not 3

Dtypes and layouts (strided, reversed, Fortran order, empty, 0-d, read-only) are drawn for each
call. Calls are traced and interpreted; some go all the way.
"""

import linecache
import os
from collections import Counter
from functools import partial

import numpy as np
import pytest
from agreement import outcome, run, same
from numpy_calls import ARGUMENTS, CALLS, DTYPES, LAYOUTS, arguments, text

import hotloop
from hotloop.frontend.names import coverage
from hotloop.frontend.trace import trace
from hotloop.ir import verify

COUNT = int(os.environ.get("HOTLOOP_TEST_CALLS", "3"))
REFUSED = ("a store to a read-only array", "whose result has another rank")
"""A message of what Python runs, and one of what is not supported."""

counted: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    print(f"\nNumPy: {len(CALLS)} functions, {counted['calls']} calls ({counted['errors']} of them "
          f"errors), {counted['mismatches']} mismatches")


def functions(name, count, seed=0):
    """(source, function, arguments) for random calls."""
    for j in range(count):
        number = seed * 7919 + 101 * j + sum(map(ord, name))
        rng = np.random.default_rng(number)
        call = CALLS[name][int(rng.integers(len(CALLS[name])))]
        source = f"def call({', '.join(ARGUMENTS)}):\n    {text(name, call)}\n"
        space = {"np": np}
        file = f"<call {name} {number}>"
        linecache.cache[file] = len(source), None, source.splitlines(True), file
        exec(compile(source, file, "exec"), space)
        dtype, layout = DTYPES[rng.integers(len(DTYPES))], LAYOUTS[rng.integers(len(LAYOUTS))]
        given = arguments(number, dtype, layout)
        yield f"{source} {dtype} {layout}", space["call"], tuple(given[n] for n in ARGUMENTS)


def copied(args):
    """Copies in the same layout."""
    def like(x):
        if not isinstance(x, np.ndarray):
            return x
        wide = np.empty_like(x, order="K")
        if x.ndim and x.strides != wide.strides:
            wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
            wide = wide[..., ::2] if x.strides[-1] > 0 else wide[..., ::-2]
        wide[...] = x
        wide.flags.writeable = x.flags.writeable
        return wide
    return tuple(map(like, args))


def scalars(args):
    return tuple(map(plain, args))


def plain(x):
    """0-d arrays, in tuples too, as numbers."""
    if type(x) is tuple:
        return scalars(x)
    return x[()] if isinstance(x, np.ndarray) and not x.ndim else x


def interpreted(function, args):
    traced = trace(function, args, {})
    verify.verify(traced.program)
    return run(traced, dict(zip(ARGUMENTS, args, strict=True)))


def compare(source, expected, got, theirs, ours):
    counted["calls"] += 1
    if isinstance(expected, Exception) or isinstance(got, Exception):
        counted["errors"] += 1
        differences = [] if type(expected) is type(got) else ["errors"]
    else:
        # an argument itself may have come back
        differences = same(plain(expected), plain(got)) + same(theirs, ours, "arguments")
    if differences:
        counted["mismatches"] += 1
        raise AssertionError(f"{source}\n{expected!r} in NumPy, {got!r}: {differences}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_traced(name):
    for source, function, args in functions(name, COUNT):
        theirs, ours = copied(args), copied(args)
        expected = outcome(partial(function, *theirs))
        got = outcome(partial(interpreted, function, ours))
        if not any(reason in str(got) for reason in REFUSED):
            compare(source, expected, got, scalars(theirs), scalars(ours))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(CALLS)[::12])
def test_compiled(name):
    for source, function, args in functions(name, 1, seed=3):
        theirs, ours = copied(args), copied(args)
        expected = outcome(partial(function, *theirs))
        got = outcome(partial(hotloop.jit(function, cache=False), *ours))
        compare(source, expected, got, theirs, ours)


def test_other_byte_order():
    x = np.arange(6.0).astype(">f8").reshape(2, 3)
    f = hotloop.jit(lambda x: np.sort(x, axis=None)[::-1] + 1)
    assert f(x).tolist() == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_every_function_is_called():
    """What `hotloop coverage` calls covered is called here, but for random numbers."""
    covered = {n for n, word in coverage().items() if word in ("native", "via NumPy")}
    missing = {n for n in covered if not n.startswith("random.") and n not in CALLS}
    assert missing <= OTHERS, sorted(missing - OTHERS)


OTHERS = {"empty", "empty_like", "argpartition", "partition", "einsum_path",
          "ndarray.argpartition", "ndarray.partition", "ndarray.flat", "ndarray.base",
          "isfortran", "ndarray.flags", "ndarray.strides"}
"""What gives undefined values, or another type than in NumPy."""
