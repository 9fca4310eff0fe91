"""What the last iterations stored is carried."""

import numpy as np
import pytest
from compare import check
from meaning import loops, transformed

from hotloop.loops.recur import recur

A = np.arange(1.0, 13.0)


def kernel(body, head="for i in 2..n step 1"):
    lines = "\n".join("              " + line for line in body.strip().split("\n"))
    return f"""
        kernel f
          a: f64[n] inout
          p: i64
          error builtins:ValueError 'no'
          body
            {head}
{lines}
          results
    """


def carries(text, *args):
    return [len(loop.carries) for loop in loops(transformed(text, [recur], *args))]


@pytest.mark.parametrize(("body", "head", "count"), [
    ("a[i] <- add(a[(i + -1)], 1.0)", "for i in 2..n step 1", 1),
    ("a[i] <- add(a[(i + -1)], a[(i + -2)])", "for i in 2..n step 1", 2),
    ("a[i] <- add(a[(i + 2)], a[i])", "for i in (n + -3)..-1 step -2", 1),
    ("a[i] <- add(a[(i + -1)], 1.0)", "for i in p..p step 1", 1),
    # nothing one iteration back; the carry would need a load that the loop does not make
    ("a[i] <- add(a[(i + -2)], 1.0)", "for i in 2..n step 1", 0),
    # only some iterations store, or load
    ("if gt(a[i], 3.0)\n  a[i] <- a[(i + -1)]", "for i in 2..n step 1", 0),
    ("if gt(a[i], 3.0)\n  give a[(i + -1)]\nelse\n  give 0.0\n-> t: f64\na[i] <- t",
     "for i in 2..n step 1", 0),
    # another store
    ("a[i] <- add(a[(i + -1)], 1.0)\na[0] <- a[i]", "for i in 2..n step 1", 0),
    # a check comes first
    ("check lt(i, n) error 0\na[i] <- add(a[(i + -1)], 1.0)", "for i in 2..n step 1", 0),
    # all iterations store to one place
    ("a[p] <- add(a[(i + -1)], 1.0)", "for i in 2..n step 1", 0),
])
def test_carries(body, head, count):
    assert carries(kernel(body, head), A, 3) == [count]


def test_no_iteration():
    """Nothing is loaded then."""
    assert carries(kernel("a[i] <- add(a[(i + -1)], 1.0)", "for i in 0..(n + -12) step 1"),
                   A, 3) == [1]


def smooth(x, k):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = k * y[i - 1] + (1 - k) * x[i]
    for i in range(len(x) - 3, -1, -1):
        y[i] = y[i] - 0.25 * y[i + 1] - 0.125 * y[i + 2]
    return y


def grid(g):
    n, m = g.shape
    for i in range(1, n):
        for j in range(1, m):
            g[i, j] += 0.5 * g[i, j - 1] + 0.25 * g[i - 1, j]


def test_like_python():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 50):
        check(smooth, rng.normal(size=n), 0.3, exact=True)
        check(grid, rng.normal(size=(n, 7)), exact=True)
