"""return, break, continue, raise and assert at every depth."""

import math

import numpy as np
import pytest
from agreement import Cases, agree

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


@cases((f8(5), 3.25), (f8(5), 99.0))
def early_return(x, v):
    for i in range(x.shape[0]):
        if x[i] == v:
            return i
    return -1


@cases((np.arange(12.0).reshape(3, 4), 6.0), (np.arange(12.0).reshape(3, 4), 60.0))
def return_two_deep(x, v):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if x[i, j] == v:
                return (i, j)
    return (-1, -1)


@cases((5,), (-5,))
def return_kinds(n):
    if n > 0:
        return 1
    return 0.5


@cases((5,), (-5,))
def return_none_or(n):
    if n > 0:
        return 1


@cases((10, 4), (10, 40), (1, 1))
def for_else(n, k):
    r = 0
    for i in range(n):
        if i == k:
            break
        if i % 2:
            continue
        r += i
    else:
        r = -r
    return r


@cases((f8(4), 3, 2), (f8(4), 0, 2))
def mixed_ret(x, n, k):
    for i in range(n):
        if x[i] > k:
            return x[i]
    return None


@cases((5, 2), (5, -2))
def while_else(n, k):
    r = 0
    while n > 0:
        n -= 1
        if n == k:
            break
    else:
        r = 10
    return (r, n)


@cases((f8(5), 2.0), (f8(5), -2.0))
def nested_ifs(x, t):
    for i in range(len(x)):
        if x[i] > t:
            if x[i] > t + 2:
                x[i] = 0
                continue
            x[i] = 1
        elif i > 3:
            break
        else:
            x[i] *= 2
        x[i] += 10
    return x


@cases((10,))
def while_true(n):
    while True:
        n -= 3
        if n < 0:
            return n


@cases((3.0,), (-3.0,))
def raises(x):
    if x < 0:
        raise ValueError('negative')
    return math.sqrt(x)


@cases((3.0,), (-3.0,))
def asserts(x):
    assert x > 0, 'pos'
    return x + 1


@cases((f8(4), 3), (f8(4), 9))
def raise_in_loop(x, n):
    s = 0.0
    for i in range(n):
        if i >= x.shape[0]:
            raise KeyError(i)
        s += x[i]
    return s


@cases((f8(6), 2), (f8(6), 9), (f8(6), -1))
def loops_with_else(x, k):
    for i in range(len(x)):
        for j in range(3):
            if i * j == k:
                break
            if i + j == k + 4:
                return i, j
        else:
            if i == k:
                return -5, i
            continue
        x[i] = -1
        if i > 4:
            break
    else:
        return 7, 7
    return 8, x.shape[0]


@cases((f8(4), 2), (f8(4), 5))
def jumps_out_of_with(x, n):
    for i in range(n):
        with np.errstate(all="ignore"):
            if i == 3:
                return x
            x[i % 4] += 1
            if i == 1:
                continue
            x[0] = 7
    return x * 2


@cases((1,), (2,), (7,), (4,))
def match_constants(k):
    match k:
        case 1:
            return 10
        case 2 | 3:
            r = 2.5
        case n if n > 5:
            r = n * 1.0
        case _:
            r = 0.0
    return r


@cases((10,), (3,))
def message_with_values(n):
    if n > 5:
        raise ValueError(f"n={n} is too big: {n * 0.5:.2f}")
    return n


@cases((f8(5), f8(5)), (f8(5), f8(3)))
def compares_shapes(x, y):
    if x.shape != y.shape:
        raise ValueError("shapes")
    return x + y


@cases((f8(5), 3), (f8(5), 0))
def try_around_what_cannot_raise(x, n):
    r = 0
    try:
        y = x * 2
        r = n + 0.5
    except ValueError:
        r = 1
    finally:
        z = 3
    return y, r, z


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
