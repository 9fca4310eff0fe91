"""Loops that run in lanes until something seldom happens."""

import math
import random

import numpy as np
import pytest
from compare import check
from meaning import kernel_of, loops, run

import hotloop
from hotloop.loops.expr import fresh_table
from hotloop.loops.vectorize import vectorize
from hotloop.loops.verify import verify

RNG = np.random.default_rng(0)
X = RNG.normal(size=150)


def fast_loops(kernel):
    return [loop for loop in loops(kernel) if loop.lanes and loop.stop]


SEARCH = """
    kernel f
      a: f64[n] in
      body
        for i in 0..n step 1 until c
          carry c: bool = False
          carry k: i64 = -1
          t = gt(a[i], 2.0)
          next c = or(c, t)
          next k = select(t, i, -1)
      results k
"""

LARGEST = """
    kernel f
      a: f64[n] in
      body
        for i in (n + -1)..-1 step -1
          carry m: f64 = 0.0
          carry k: i64 = -1
          t = gt(a[i], m)
          if t
            give i
          else
            give k
          -> t2: i64
          next m = select(t, a[i], m)
          next k = t2
      results m, k
"""

SUM = """
    kernel f
      a: i64[n] in
      p: i64
      error builtins:OverflowError 'too large'
      body
        for i in 0..n step 1
          carry c: i64 = p
          t = add_overflows(c, a[i])
          check not(t) error 0
          next c = (c + a[i])
      results c
"""

GATHER = """
    kernel f
      a: f64[n] in
      k: i64[m] in
      r: f64[m] inout
      error builtins:IndexError 'no {}'
      error builtins:ValueError 'negative'
      body
        for i in 0..m step 1
          r[i] <- 1.0
          t = k[i]
          check ge(t, 0), t error 0
          check lt(t, n), t error 0
          t2 = exp(a[t])
          check gt(t2, 0.1) error 1
          r[i] <- t2
      results
"""


def outcome(kernel, args, seed):
    try:
        return run(kernel, args, seed)
    except (OverflowError, IndexError, ValueError) as error:
        return type(error), str(error)


@pytest.mark.parametrize(("text", "args"), [
    (SEARCH, [[x] for x in (X, X[:3], X[:0], np.full(99, 1.0), np.full(99, 3.0))]),
    (LARGEST, [[x] for x in (X, X[:0], np.arange(90.0), np.arange(90.0)[::-1].copy())]),
    (SUM, [[x, p] for x in (np.arange(80), np.full(70, 2**60), np.full(70, -2**57))
           for p in (0, 2**62, -2**63)]),
    (GATHER, [[X, k, np.zeros(150)] for k in (
        np.arange(150), np.r_[np.arange(100), 150, np.arange(49)], np.full(150, -1))]),
])
def test_same_results(text, args):
    """Wherever the fast loop stops."""
    with fresh_table():
        before, after = kernel_of(text), vectorize(kernel_of(text))
        verify(after)
        assert len(fast_loops(after)) == 1
        for some in args:
            want = outcome(before, some, 0)
            for seed in range(6):
                got = outcome(after, some, seed)
                if isinstance(want[0], type):
                    assert got == want
                else:
                    for x, y in zip([*got[0], *got[1]], [*want[0], *want[1]], strict=True):
                        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("text", [
    # the store of an argument comes before the check, and is read
    GATHER.replace("r[i] <- 1.0", "r[i] <- add(r[i], 1.0)\n          t9 = r[i]")
          .replace("gt(t2, 0.1)", "gt(t9, 0.1)"),
    # the flag may be set before the loop
    SEARCH.replace("c: bool = False", "c: bool = True"),
    # each iteration needs what the one before computes
    LARGEST.replace("next m = select(t, a[i], m)", "next m = mul(m, a[i])"),
    # not a sum
    SUM.replace("next c = (c + a[i])", "next c = (2*c + a[i])"),
])
def test_not_fit(text):
    with fresh_table():
        assert not fast_loops(vectorize(kernel_of(text)))


def first(x, v):
    for i in range(len(x)):
        if x[i] == v:
            return i
    return -1


def extremes(x):
    low, high, where, nans = x[0], x[0], 0, 0
    for i in range(len(x)):
        if x[i] < low:
            low = x[i]
        elif x[i] > high:
            high, where = x[i], i
        if x[i] != x[i]:
            nans += 1
    return low, high, where, nans


def gather(x, k, out, n):
    for i in range(n):
        out[i] = x[k[i]] + 1.0


def total(a, s):
    for i in range(len(a)):
        if a[i] > 3:
            s += int(a[i])
    return s


def roots(x, out):
    for i in range(len(x)):
        out[i] += math.sqrt(x[i]) / x[i]


def until_negative(x):
    out, last = np.zeros(len(x)), -1
    for i in range(len(x)):
        if x[i] < 0:
            break
        out[i] = math.sqrt(x[i])
        last = i
    return out, last


def arguments(name, rng, n):
    x = rng.normal(size=n)
    if n and rng.random() < 0.3:
        x[rng.integers(n)] = np.nan
    if name == "first":
        return x, x[rng.integers(n)] if n and rng.random() < 0.7 else 9.0
    if name == "extremes":
        return (np.sort(x) if rng.random() < 0.3 else x,) if n else (np.ones(1),)
    if name == "gather":
        k = rng.integers(0, max(n, 1), n)
        if n and rng.random() < 0.5:
            k[rng.integers(n)] = rng.choice([n, -1, -n, -n - 1, 10**9])
        return x, k, np.zeros(max(0, n - rng.integers(0, 3))), n + int(rng.integers(0, 2))
    if name == "total":
        large = 2**62 if rng.random() < 0.3 else 9
        return rng.integers(-large, large, n), int(rng.choice([0, 3, 2**62, -2**63]))
    x = abs(x)
    if n and rng.random() < 0.5:
        x[rng.integers(n)] = rng.choice([-1.0, 0.0, -0.0])
    return (x, np.ones(n)) if name == "roots" else (x,)


def sums_to(a, s):
    """Does `total` stay within 64 bits all the time?"""
    for v in a[a > 3]:
        s += int(v)
        if not -2**63 <= s < 2**63:
            return False
    return True


@pytest.mark.parametrize("f", [first, extremes, gather, total, roots, until_negative])
def test_like_python(f):
    """Errors come at their iteration, with all before it done and nothing after it."""
    name = f.__name__
    jitted = hotloop.jit(f, cache=False)
    rng, sizes = np.random.default_rng(1), [0, 1, 7, 8, 9, 31, 32, 33, 40, 41, 64, 65, 257] * 2
    random.Random(2).shuffle(sizes)
    for n in [500, *sizes]:
        args = arguments(name, rng, n)
        if name == "total" and not sums_to(*args):
            with pytest.raises(OverflowError):
                jitted(*args)
        else:
            check(f, *args, jitted=jitted, exact=True, compiled=False)
    assert "line" in hotloop.explain(jitted) and "vectorized" in hotloop.explain(jitted)
