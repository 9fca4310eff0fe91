"""Builtins, math, cmath and operator on run-time values: values, kinds, and Python's errors."""

import cmath
import itertools
import math
import operator

import numpy as np
import pytest
from agreement import agree
from numpy_table import check, table

import hotloop

f = np.array([0.5, -1.25, 3.0, 2.0, -0.75])
i = np.array([3, -1, 4, 1, -5])
b = np.array([True, False, True])
nan = np.array([1.0, np.nan, 3.0])


def enumerated(x):
    total = 0.0
    for k, v in enumerate(x, 2):
        total += k * v
    return total


def zipped(x, y):
    total = 0.0
    for p, q in zip(x, y):
        total += p * q
    return total


def backwards(n):
    last = -1
    for k in reversed(range(n)):
        last = last * 3 + k
    return last


def backwards_array(x):
    r = 0.0
    for v in reversed(x):
        r = r / 2 + v
    return r


def zip_of_range(x, n):
    t = 0
    for k, v in zip(range(1, n), x):
        t += k * v
    return t


CASES = table(
    (lambda x: len(x), [f]),
    (lambda a, b: max(a, b), [(1, 2), (1.5, 0.5), (1, 2.5), (2.5, 1), (np.float64(1), 2.0),
                              (math.nan, 1.0), (1.0, math.nan), (True, 0), (np.int32(3), 4)]),
    (lambda a, b: min(a, b, 0.5), [(1.5, 2.5)]),
    (lambda a, b: min(a, b), [(1, 2), (1.5, 0.5), (2, 1.5), (np.float32(1), np.float32(2))]),
    (lambda a, b: max([a, b, 3]), [(1, 7)]),
    (lambda x: max(x), [f, i, nan]),
    (lambda x: min(x), [f, i]),
    (lambda x: max(0.0, x[0]), [f]),
    (lambda x: sum(x), [f, i, b]),
    (lambda x: sum(x), [np.ones((2, 3))]),
    (lambda a, b: sum([a, b, 1]), [(1.5, 2), (1, 2)]),
    (lambda a, b: sum((a, b), 0.5), [(1, 2)]),
    (lambda x: abs(x), [-3, -1.5, True, 3 + 4j, np.float32(-2), np.int8(-128)]),
    (lambda x: round(x), [2.5, 3.5, -0.5, 7, True, np.float64(2.5)]),
    (lambda x: round(x, 2), [2.675, 1.005, -0.125, 7, np.float64(2.675)]),
    (lambda x: round(x, -1), [25.0]),
    (lambda a, b: divmod(a, b), [(7, 3), (-7, 3), (7.5, -2.0), (7, 0), (1.0, 0.0)]),
    (lambda a, b: pow(a, b), [(2, 5), (2.0, 0.5), (3, 0)]),
    (lambda x: int(x), [2.9, -2.9, True, 7, np.float64(3.5), np.int32(4)]),
    (lambda x: int(x), [math.inf]),
    (lambda x: int(x), [math.nan]),
    (lambda x: int(x), [1j]),
    (lambda x: float(x), [3, True, 2.5, np.float32(0.1), np.int64(3)]),
    (lambda x: bool(x), [3, 0.0, math.nan, np.float64(0), 0j]),
    (lambda x: complex(x), [3, 2.5, 1j]),
    (lambda a, b: complex(a, b), [(1, 2), (1.5, 2.5)]),
    (lambda x: isinstance(x, int), [3, True, 2.5, np.int64(3)]),
    (lambda x: isinstance(x, (float, np.floating)), [3, 2.5, np.float32(3)]),
    (lambda x: isinstance(x, np.ndarray), [f, 3]),
    (lambda x: type(x) is float, [3.0, 3, np.float64(3)]),
    (lambda x: any(x), [b, f]),
    (lambda x: all(x), [b, f]),
    (lambda a, b: any([a > 0, b > 0]), [(1, -1), (-1, -1)]),
    (lambda a, b: all([a > 0, b > 0]), [(1, -1), (1, 1)]),
    (lambda a, b, c: sorted([a, b, c]), [(3, 1, 2), (1.5, -1.0, 0.5)]),
    (lambda a, b, c: sorted([a, b, c], reverse=True), [(3, 1, 2)]),
    (lambda n: list(range(4))[-1] + n, [3]),
    (lambda a, b: operator.add(a, b), [(1, 2), (f, 1.5)]),
    (lambda a, b: operator.lt(a, b), [(1, 2.5)]),
    (lambda a: operator.neg(a), [3, f]),
    (lambda a, k: operator.getitem(a, k), [(f, 2)]),
    *[(fn, [(f, f[::-1].copy())]) for fn in (zipped,)],
    (enumerated, [f]), (backwards, [5, 0]), (backwards_array, [f]), (zip_of_range, [(f, 4)]),
)


@pytest.mark.parametrize(("function", "args"), CASES)
def test_builtin(function, args):
    check(function, args)


UNARY = [
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "fabs",
    "degrees", "radians", "floor", "ceil", "trunc", "isnan", "isinf", "isfinite", "erf",
    "erfc", "gamma", "lgamma", "modf"]
POINTS = [0.5, -0.5, 0.0, -0.0, 1.0, -1.0, 1.5, -1.5, 800.0, -800.0, 1e300, math.inf, -math.inf,
          math.nan, 2, 0, -3, True, np.float32(0.25), np.float64(2.5), np.int32(1)]


@pytest.mark.parametrize("name", [n for n in UNARY if hasattr(math, n)])
def test_math_unary(name):
    function = getattr(math, name)
    for x in POINTS:
        if not (name in ("floor", "ceil", "trunc") and x == 1e300):     # beyond 64 bits
            agree(lambda x: function(x), (x,))


@pytest.mark.parametrize("name", ["pow", "fmod", "remainder", "atan2", "copysign", "hypot", "log",
                                  "isclose"])
def test_math_binary(name):
    function = getattr(math, name)
    points = [0.25, -2.0, 3.0, 0.0, 1e200, math.inf, -math.inf, math.nan, 2, -1]
    for x in points:
        agree(lambda x, y: function(x, y), *[(x, y) for y in points])


MATH = table(
    (lambda x, n: math.ldexp(x, n), [(0.75, 10), (0.75, -1070), (1.0, 5000), (1e-300, 2000)]),
    (lambda n: math.factorial(n), [5, 0]),
    (lambda n, k: math.comb(n, k), [(5, 2)]),
    (lambda n, k: math.gcd(n, k), [(12, 18)]),
    (lambda n: math.isqrt(n), [17]),
    (lambda a, b: math.prod([a, b, 2]), [(3, 4), (1.5, 2)]),
    (lambda a, b: math.dist([a, b], [0.0, 1.0]), [(3.0, 4.0)]),
    (lambda a, b: math.hypot(a, b, 2.0), [(3.0, 4.0)]),
    (lambda x: math.sqrt(x[0]), [np.abs(f)]),
    (lambda x: math.floor(x) + 1, [2.5, -2.5, np.float64(3.7)]),
    (lambda z: cmath.exp(z), [1 + 2j, 0.5]),
    (lambda z: cmath.sqrt(z), [-1.0, 1 + 2j]),
    (lambda z: cmath.log(z), [1 + 2j, 0j]),
    (lambda z: cmath.log(z, 2.0), [1 + 2j]),
    (lambda z: cmath.phase(z), [1 + 2j]),
    (lambda z: cmath.polar(z), [1 + 2j]),
    (lambda r, t: cmath.rect(r, t), [(2.0, 0.5)]),
    (lambda z: (z.real, z.imag, z.conjugate(), abs(z)), [1 + 2j]),
    (lambda x: (x.real, x.imag, x.conjugate()), [1.5, 3, True]),
    (lambda x: x.is_integer(), [1.5, 3.0, math.inf]),
    (lambda n: n.bit_length(), [0, 1, 255, -256, 2**62]),
)


@pytest.mark.parametrize(("function", "args"), MATH)
def test_math(function, args):
    check(function, args)

def test_slices_of_ranges():
    """range(...)[i:j:k], items, lengths and reversed(range(...)) of run-time bounds."""
    def sliced(a, b, s, n):
        out = 0
        for i in range(a, b, 3)[::-1]:
            out = out * 7 + i
        for i in range(n)[1:]:
            out += i * i
        for i in range(a, b)[2:-1:2]:
            out = out * 5 + i
        for i in range(b, a, -2)[s:n]:
            out = out * 5 + i
        for i in reversed(range(b, a, -3)):
            out = out * 2 + i
        return out, len(range(a, b, 3)), len(range(b, a, -2)), len(range(n)[s::2])

    jitted = hotloop.jit(sliced)
    item = hotloop.jit(lambda a, b, k: range(a, b, -3)[k])
    for a, b, s, n in itertools.product((-3, 0, 5), (-2, 1, 7), (-9, -1, 0, 3), (0, 1, 4)):
        assert jitted(a, b, s, n) == sliced(a, b, s, n)
        try:
            expected = range(b, a, -3)[n]
        except IndexError:
            with pytest.raises(IndexError, match="range object index out of range"):
                item(b, a, n)
        else:
            assert item(b, a, n) == expected
    assert not [k for k in jitted.cache_info().calls if k.startswith("python")]
