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


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
