"""NumPy's functions that call the user's functions: these are traced into the loops."""

import math

import numpy as np
import pytest
from agreement import agree

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.frontend.trace import trace
from hotloop.ir.core import walk

X = np.arange(24.0).reshape(2, 3, 4)
P = np.array([1.0, -3.0, 2.0])


@np.vectorize
def larger(a, b):
    if a > b:
        return a
    return b


@np.vectorize
def small(a):
    for k in range(3):
        if a == k:
            return k
    return -1


pair = np.vectorize(lambda a, b=2: (a + b, a * b))
narrow = np.vectorize(lambda a: a, otypes=[np.float32])
sine = np.vectorize(math.sin)
scaled = np.vectorize(lambda a, table: a * len(table), excluded=["table"])


def spread(v):
    low = high = v[0]
    for x in v:
        low, high = min(low, x), max(high, x)
    return high - low


CASES = [
    (lambda x: np.apply_along_axis(spread, 1, x), X),
    (lambda x: np.apply_along_axis(spread, 0, x), P),
    (lambda x: np.apply_along_axis(lambda v: np.sort(v)[::-1] * 2, 1, x), X),
    (lambda x: np.apply_along_axis(lambda v, k: np.outer(v, v) + k, 1, x, 3.0), X),
    (lambda x: np.apply_along_axis(spread, 0, x), np.zeros((3, 0))),
    (lambda x: np.apply_over_axes(lambda a, k: a.sum(axis=k), x, (0, -1)), X),
    (lambda x: np.piecewise(x, [x < 0, x >= 2], [-1, lambda v: v * v, 7]), P),
    (lambda x: np.piecewise(x, x < 0, [lambda v: -v, lambda v: v]), P),
    (lambda x: np.piecewise(x, [x > 9], [np.max, 1]), P),
    (lambda x: np.piecewise(x, [x < 0, x > 5, x == 1], [1, 2]), P),
    (lambda x: np.fromfunction(lambda i, j: i * x[0] + j, (2, 3)), P),
    (lambda x: larger(x[:, None], x), P),
    (lambda x: larger(x[0], 0.5), P),
    (lambda x: small(x), P),
    (lambda x: pair(x, b=3), P),
    (lambda x: pair(x), np.arange(4)),
    (lambda x: narrow(x), np.arange(3)),
    (lambda x: narrow(x), np.zeros(0, int)),
    (lambda x: larger(x, 0.5), np.zeros(0)),
    (lambda x: sine(x), P),
    (lambda x: np.vectorize(lambda v: v**2 if v < 0 else math.sqrt(v))(x), P),
    (lambda x: scaled(x, table=[1, 2]), P),
]


@pytest.mark.parametrize("f, x", CASES, ids=[str(k) for k in range(len(CASES))])
def test_agrees(f, x):
    agree(f, (x,))


def test_nothing_is_called_back():
    traced = trace(lambda x: larger(x, 0.5) + np.piecewise(x, [x < 0], [0, 1]), (P,), {})
    assert not any(e.op.name.startswith("call_") for e in walk(traced.program))


def test_compiled():
    f = hotloop.jit(lambda x: larger(x, 0.5).sum() + np.apply_along_axis(spread, 0, x))
    assert f(P) == 3.5 + 5.0


def test_results_of_no_certain_type():
    uncertain = np.vectorize(lambda a: 1 if a > 0 else 2.5)
    with pytest.raises(UnsupportedError, match="otypes"):
        trace(lambda x: uncertain(x), (P,), {})
