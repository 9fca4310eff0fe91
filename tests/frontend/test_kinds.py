# ruff: noqa: B007
"""Kinds of scalars: Python or NumPy, widening over loops and branches, zero trips."""

import numpy as np
import pytest
from agreement import Cases, agree

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


@cases((f8(3), 3), (f8(3), 0))
def widen_int_float(x, n):
    acc = 0
    for i in range(n):
        acc += x[i]
    return acc


@cases((3,), (0,))
def widen_py(n):
    acc = 0
    for i in range(n):
        acc += 1.5
    return acc


@cases((3,), (0,))
def widen_bool(n):
    c = False
    for i in range(n):
        c += True
    return c


@cases((np.ones(3, 'f4'), 3), (np.ones(3, 'f4'), 0))
def weak_then_f32(x, n):
    s = 0.0
    for i in range(n):
        s += x[i]
    return x * s


@cases((7,), (0,))
def fib(n):
    a, b = (0, 1)
    for _ in range(n):
        a, b = (b, a + b)
    return a


@cases((7, 2), (-7, 2), (7, -2))
def int_div(a, b):
    return (a // b, a % b, a / b, -a // 3, divmod(a, b))


@cases((1.0, 2.0), (1.0, 0.0))
def py_zero_div(a, b):
    return a / b


@cases((np.float64(1.0), 2.0), (np.float64(1.0), 0.0))
def np_zero_div(a, b):
    return a / b


@cases((np.arange(3, dtype='u1'), 300), (np.arange(3, dtype='u1'), 3))
def weak_u8(x, k):
    return x + k


@cases((3.7,), (-3.2,))
def conversions(x):
    return (int(x), float(int(x)), round(x), abs(x), max(x, 1), min(x, 2.5), bool(x),
            isinstance(x, float))


@cases((np.arange(5), 2), (np.arange(5), 0))
def npint_kinds(x, k):
    a = x[1]
    b = a + k
    c = x[k] / 2
    d = x[x[1]]
    return (a, b, c, d, x.shape[0] - a)


@cases((np.arange(5, dtype='i4'), 2))
def i4(x, n):
    s = 0
    for i in range(n):
        s += x[i]
    return (s, s + 1, s / 2, x.sum(), x.mean(), -x, abs(x), x ** 2, x // 2, x / 2, x > 1)


@cases((3, 4), (4, 3))
def ifexp_kinds(a, b):
    return (a if a > b else 0.5, (a > b) * 3, (a > b) + (a < b))


@cases((np.arange(3), 2), (np.arange(3), 0))
def maybe_np_index(x, n):
    k = 0
    for i in range(n):
        k = x[i]
    return x[k]


@cases((1.0, 50), (1.0, 0))
def newton(a, n):
    x = a
    err = 1
    while err > 1e-10 and n > 0:
        y = 0.5 * (x + 2 / x)
        err = abs(y - x)
        x = y
        n -= 1
    return (x, err)


@cases((5, 3.0), (0, 3.0))
def int_mod_sign(n, x):
    return (-n % 3, n % -3 if n else 0, x % -2.0, -7 // 2 + n, n << 2, n & 3, ~n)


@cases((3, 5), (0, 5), (3, 0))
def and_or(a, b):
    return (a and b, a or b, not a, 0 < a < b, a > 1 and b > 1 or a == b)


@cases((3,), (9,))
def in_tuple(a):
    return 1 if a in (1, 2, 3) else 2


@cases((27,), (1,))
def collatz(n):
    c = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        c += 1
    return c


@cases((5, 0), (5, 2))
def div_by_zero_loop(n, k):
    s = 0
    for i in range(n):
        s += i // k
    return s


@cases((f8(3), 2), (f8(3), 0))
def deep_nest(x, n):
    acc = 0
    for a in range(n):
        for b in range(n):
            for c in range(n):
                for d in range(n):
                    acc += 1.5
    return acc


@cases((True, False), (True, True))
def bools(a, b):
    return a + b, a & b, a | b, a ^ b, a and b, a or b, not a, -a, a * 2.5, a == b, a < b


@cases((0.5, 2.0), (-1.5, 2.0), (1e200, 3.0), (0.0, -1.0), (0.0, 0.5))
def float_powers(a, b):
    return a ** b, a ** 2, a ** 3


@cases((f8(3),), (np.float32(2),), (2,), (True,), (2 + 1j,), (np.int16(7),))
def any_number(x):
    return x + 1, x * 2.0, x * x


@cases((np.array(2.5), 3.0),)
def array_of_rank_zero(x, y):
    return x + y, x * 2, float(x)


@cases((f8(5), 3), (f8(5), -3))
def none_or_number(x, k):
    r = None
    if k > 0:
        r = x[0] * k
    if r is None:
        return -1.0
    return r + 1


@cases((f8(4), 0.3, 3), (f8(4), 0.3, 0))
def kind_matters(x, y, n):
    for i in range(n):
        y = min(y, x[i])
    return y, y + 1, y > 0.1, abs(y), int(y), [y], y / 2


@cases((3,), (0,), (-2,))
def ranges(n):
    s = 0
    for i in range(10, n, -2):
        s += i
    for i in range(n, 10, 3):
        s += i * 2
    for i in reversed(range(n)):
        s = s * 3 + i
    for k, i in enumerate(range(2, n + 5), start=1):
        s += k * i
    return s


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
