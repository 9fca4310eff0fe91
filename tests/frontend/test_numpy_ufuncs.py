"""Every ufunc with a rule, over dtypes, scalars and layouts; out=, where=, methods of ufuncs."""

import numpy as np
import pytest
from agreement import agree, bind, run
from numpy_table import (
    B,
    F,
    I,
    b,
    c,
    check,
    f,
    f4,
    g,
    h,
    i,
    i4,
    nan,
    strided,
    table,
    u1,
)

from hotloop.frontend.numpy_elementwise import RULES
from hotloop.frontend.trace import trace

INPUTS = {"b": b, "i": i, "I": i4, "u": u1, "f": f, "F": f4, "h": h, "c": c, "n": nan}
UNARY = sorted(n for n in RULES if getattr(np, n).nin == 1)
BINARY = sorted(n for n in RULES if getattr(np, n).nin == 2)


def works(ufunc, *args):
    try:
        with np.errstate(all="ignore"):
            ufunc(*args)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    ufunc = getattr(np, name)
    for x in INPUTS.values():
        if works(ufunc, x):
            agree(lambda x: ufunc(x), (x,))
            agree(lambda x: ufunc(x), (x[0],))
    agree(lambda x: ufunc(x), (strided(f if works(ufunc, f) else i),))


PAIRS = [(f, g), (f4, f4[::-1].copy()), (f4, f), (i, np.abs(i)), (i4, u1), (u1, u1), (b, b[::-1]),
         (c, c[::-1].copy()), (nan, nan[::-1].copy()), (i, 3), (f4, 2.5), (u1, 3), (f4, 2),
         (i, 0), (f, 0.0), (i, np.int8(3)), (2, f4), (b, 1), (c, 2), (h, 1.5)]


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    ufunc = getattr(np, name)
    for x, y in PAIRS:
        if works(ufunc, x, y):
            agree(lambda x, y: ufunc(x, y), (x, y))
    x = f if works(ufunc, f, f) else i
    agree(lambda x, y: ufunc(x, y), (x[:3, None], x[None, :4]))
    agree(lambda x, y: ufunc(x, y), (x[0], x))
    agree(lambda x, y: ufunc(x, y), (x[0], x[1]))


CASES = table(
    (lambda x, y: np.add(x, y, out=x), [(f, g), (f4, g[0]), (f4, f4)]),
    (lambda x, m: np.negative(x, where=m, out=np.zeros(7)), [(f, b)]),
    (lambda x, y: np.multiply(x, y, dtype=np.float32), [(f4, f4)]),
    (lambda x: np.add.reduce(x), [f, F, I, B]),
    (lambda x: np.multiply.reduce(x, axis=None), [F, I]),
    (lambda x: np.maximum.reduce(x, axis=1), [F, I]),
    (lambda x: np.logical_or.reduce(x, axis=0), [B, F]),
    (lambda x: np.bitwise_xor.reduce(x), [i]),
    (lambda x: np.logaddexp.reduce(x), [f]),
    (lambda x: np.add.accumulate(x, axis=0), [F, I]),
    (lambda x: np.maximum.accumulate(x), [f, i]),
    (lambda x, y: np.subtract.outer(x, y), [(f, g), (i, f)]),
    (lambda x, y: np.divmod(x, y), [(i, 3), (f, g), (i4, i4)]),
    (lambda x: np.modf(x), [f, nan]),
    (lambda x: np.frexp(x), [f]),
    (lambda x, y: np.ldexp(x, y), [(f, i)]),
    (lambda x, y: np.gcd(x, y), [(i, 6)]),
    (lambda x, y: np.nextafter(x, y), [(f, g)]),
    (lambda x: x ** 2, [f, f4, i, c, u1]),
    (lambda x: x ** 0.5, [np.abs(f)]),
    (lambda x: x ** -1, [g, i]),
    (lambda x: x ** 3, [i, i4, u1, f]),
    (lambda x: 2 ** x, [np.abs(i), f]),
    (lambda x: -x, [f, i, u1, c]),
    (lambda x: abs(x), [f, i, c]),
    (lambda x: ~x, [i, b, u1]),
    (lambda x: x - x, [b]),
    (lambda x: x + 300, [u1]),
    (lambda x, k: x + k, [(u1, 3), (u1, 300), (i4, 2**40)]),
    (lambda x: x < 300, [u1]),
    (lambda x: x == -1, [u1]),
    (lambda x: x > -1, [u1, u1.astype("u8")]),
    (lambda x: x >= 2**63, [i, u1.astype("u8")]),
    (lambda x, y: (x < y, y <= x, x == y, y != x, x > y, y >= x),
     [(i, u1.astype("u8")), (i, np.abs(i).astype("u8"))]),
    (lambda x, k: (x < k, x != k), [(u1.astype("u8"), -3), (u1.astype("u8"), 3)]),
    (lambda x: np.where(x > 3, x, -1), [u1]),
    (lambda x, k: x < k, [(u1, 300), (i4, -2**40), (u1, 3)]),
    (lambda x: (x > 0) & (x < 2), [f]),
    (lambda x: np.arctan(x), [c]),
    (lambda x: np.float32(x), [1.5, np.float64(2.5), 3]),
    (lambda x: np.int32(x), [1, True]),
)


@pytest.mark.parametrize(("function", "args"), CASES)
def test_calls(function, args):
    check(function, args)


def test_negative_power_of_ints_is_an_error():
    agree(lambda x, y: x ** y, (i, i))


def test_at():
    def scatter(x, k, v):
        np.add.at(x, k, v)
        return x
    agree(scatter, (f, np.array([0, 0, 2]), 1.5), (f, np.array([0, 0, -9]), 1.5))


@pytest.mark.parametrize(("ufunc", "args"), [
    (np.maximum, (f, np.array([0, 0, 2, -1]), np.array([1.5, 2.5, -9.0, 9.0]))),
    (np.multiply, (f, np.array([0, 0, 2]), 3)),
    (np.divide, (np.ones((3, 2)), (np.array([0, 0, -1]), 1), np.array([2.0, 4.0, 8.0]))),
    (np.minimum, (np.ones((3, 4)).T[::2], np.array([True, False]), np.array([[2.0, -1.0, 0.5]]))),
    (np.power, (np.arange(4), np.array([2, 3, 2]), 2)),
    (np.negative, (f, np.array([0, 1, 0]))),
    (np.hypot, (f, np.zeros(0, int), 1.0))])
def test_at_of_other_ufuncs(ufunc, args):
    """One element after the other, as a loop in machine code."""
    def scatter(*args):
        x, *others = args
        ufunc.at(x, *others)
        return x
    agree(scatter, args)
    assert "call_numpy" not in str(trace(scatter, args, {}).program)


@pytest.mark.parametrize("args", [(i, f), (u1, i), (f4, c)])
def test_out_of_another_kind_is_an_error(args):
    def add(x, y):
        return np.add(x, y, out=x)
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output from"):
        add(*args)
    traced = trace(add, args, {})
    with pytest.raises(TypeError, match="Cannot cast ufunc 'add' output from"):
        run(traced, bind(add, args))
