"""Sizes at run time: slices, broadcasting, masks, arrays that change their size."""

import numpy as np
import pytest
from agreement import Cases, agree

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


@cases((f8(7), 3), (f8(7), -3), (f8(7), 0), (f8(7), 99), (f8(7), -99))
def dyn_slices(x, k):
    return (x[k:].sum(), x[:k].sum(), x[-k:].sum(), x[k:k + 2].sum(),
            x[::-1][:k].sum(), x[k::2].sum())


@cases((f8(7),), (f8(2),), (f8(0),))
def static_slices(x):
    return (x[1:-1].sum(), x[-3:].sum(), x[:-2].sum(), x[2:].sum(), x[5:2].sum(), x[-5:-2].sum())


@cases((f8(7), f8(6)), (f8(2), f8(5)), (f8(4), f8(5)))
def bcast_runtime_one(x, y):
    return x[1:] + y


@cases((f8(7), f8(7)), (f8(2), f8(7)), (f8(3), f8(1)[:1]))
def dims_check(x, y):
    return (x * y).sum()


@cases((f8(7), 4.0), (f8(7), 400.0))
def mask_rw(x, t):
    m = x > t
    y = x[m] * 2
    x[m] = y
    x[~m] = 0
    return (y, y.shape[0], len(y))


@cases((f8(17),), (f8(1),), (f8(0),))
def shape_shrinks(x):
    n = 0
    while len(x) > 1:
        x = x[::2] + 1.0
        n += 1
    return (x, n)


@cases((f8(9), 4.0))
def filter_loop(x, t):
    c = 0
    while x.size > 0:
        x = x[x > t]
        t = t * 2 + 1
        c += 1
    return c


@cases((f8(5), f8(4)))
def enum_zip(x, y):
    s = 0.0
    for i, (a, b) in enumerate(zip(x, y)):
        s += i * a * b
    return s


@cases((f8(3),))
def newaxis(x):
    return ((x[:, None] * x[None, :]).sum(axis=0), x[..., 0], x[None].shape)


@cases((f8(5), np.array([3, 1, 1])))
def fancy(x, ix):
    x[ix] += 1.0
    y = x[ix]
    y[0] = 100.0
    return y


@cases((f8(5), 3), (f8(5), 4))
def eqbranch(x, n):
    if n == 3:
        y = np.zeros(n)
    else:
        y = np.zeros(n + 1)
    return y + 1


@cases((f8(5), 3), (f8(5), 0))
def grow(x, n):
    y = np.zeros(0)
    for i in range(n):
        y = np.concatenate((y, x[i:i + 1]))
    return y


@cases((f8(5),), (f8(1),), (f8(0),))
def reductions(x):
    return (x.mean(), np.max(x), x.argmax())


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
