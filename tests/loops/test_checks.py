"""Checks of scalar loops are one comparison each, and the same errors come in the same order."""

import itertools
import random

import numpy as np
import pytest
from compare import check, define
from meaning import kernel_of, run

from hotloop.loops.checks import checks
from hotloop.loops.core import Check, If, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.verify import verify

DEPOSIT = """
    kernel f
      a: f64[n] in
      b: f64[n] in
      g: f64[m, k] inout
      error builtins:ValueError 'NaN 1'
      error builtins:OverflowError 'infinity 1'
      error builtins:OverflowError 'large 1'
      error builtins:ValueError 'NaN 2'
      error builtins:OverflowError 'infinity 2'
      error builtins:OverflowError 'large 2'
      error builtins:IndexError '{} of {}'
      error builtins:IndexError '{} of {} columns'
      error builtins:IndexError '{} again'
      body
        for i in 0..n step 1
          t1 = a[i]
          t2 = trunc(t1)
          check not(isnan(t1)) error 0
          check not(eq(abs(t1), inf)) error 1
          check and(ge(t2, -9.223372036854776e+18), lt(t2, 9.223372036854776e+18)) error 2
          p = convert(t2, i64)
          t3 = b[i]
          t4 = trunc(t3)
          check not(isnan(t3)) error 3
          check not(eq(abs(t3), inf)) error 4
          check and(ge(t4, -9.223372036854776e+18), lt(t4, 9.223372036854776e+18)) error 5
          q = convert(t4, i64)
          t5 = lt(p, 0)
          t6 = select(t5, (p + m), p)
          t7 = ge(t6, 0)
          t8 = lt(t6, m)
          check and(t7, t8), p, m error 6
          t9 = lt(q, 0)
          t10 = select(t9, k, 0)
          check and(lt((q + t10), k), ge((q + t10), 0)), q, k error 7
          g[t6, (q + t10)] <- add(g[t6, (q + t10)], 1.0)
          t11 = select(lt((p + 1), 0), (p + m + 1), (p + 1))
          check and(lt(t11, m), ge(t11, 0)), (p + 1) error 8
          g[t11, (q + t10)] <- t1
      results
"""

NUMBERS = [0.0, 2.9, 3.0, -0.5, -4.0, -5.0, np.nan, np.inf, -np.inf, 1e300, -1e300, -2.0**63,
           2.0**63]


def outcome(kernel, args):
    args = [x.copy() for x in args]
    try:
        with np.errstate(all="ignore"):
            return "value", run(kernel, args)[1]
    except (ValueError, OverflowError, IndexError) as error:
        return type(error).__name__, str(error)


@pytest.fixture(scope="module")
def both():
    with fresh_table():
        before, after = kernel_of(DEPOSIT), checks(kernel_of(DEPOSIT))
        verify(after)
        yield before, after


def test_one_comparison_each(both):
    _, after = both
    loop, = after.body
    assert not any(isinstance(s, Check) for s in loop.body)
    assert sum(isinstance(s, If) and s.likely for s in loop.body) == 3


@pytest.mark.parametrize("x", NUMBERS)
def test_errors_in_order(both, x):
    before, after = both
    for y in NUMBERS:
        args = [np.array([1.0, x]), np.array([2.0, y]), np.zeros((4, 5))]
        want, got = outcome(before, args), outcome(after, args)
        assert want[0] == got[0]
        if want[0] == "value":
            for u, v in zip(want[1], got[1], strict=True):
                np.testing.assert_array_equal(u, v)
        else:
            assert want[1] == got[1]


def transformed(text):
    with fresh_table():
        kernel = checks(kernel_of(text))
        verify(kernel)
        return kernel, sum(isinstance(s, If) and s.likely for s in walk(kernel.body))


LOOP = """
    kernel f
      m: i64[n] inout
      p: i64
      error builtins:IndexError '{}'
      body
        for i in 0..n step 1
          t1 = m[i]
          t2 = select(lt(t1, 0), (t1 + p), t1)
          BETWEEN
          check and(ge(t2, 0), lt(t2, p)), t1 error 0
          m[t2] <- t2
      results
"""


@pytest.mark.parametrize(("between", "likely"), [
    ("t4 = (t2 + 3)", 1), ("m[i] <- t2", 0), ("t4 = m[t2]", 0),
    ("check lt(t2, 7) error 0", 0), ("m[i] <- 3", 1)])
def test_names_that_depend_on_the_place(between, likely):
    """They are bound after it, unless they are used before."""
    assert transformed(LOOP.replace("BETWEEN", between))[1] == likely


@pytest.mark.parametrize("p", [3, 0, -1, -3, -2**63, 2**63 - 1])
def test_sizes_that_may_be_negative(p):
    text = LOOP.replace("          BETWEEN\n", "").replace("m[t2] <- t2", "m[i] <- t2")
    args = np.array([2, -1, -3, -2**63, 2**63 - 1, 3, -4])
    with fresh_table():
        before, after = kernel_of(text), checks(kernel_of(text))
        for x in args:
            data = [np.array([x]), np.int64(p)]
            want, got = outcome(before, data), outcome(after, data)
            assert str(want) == str(got)


def test_loads_wait_for_what_guards_them():
    kernel, likely = transformed("""
        kernel f
          a: f64[n] in
          b: i64[n] inout
          error builtins:ValueError 'no int'
          body
            for i in 0..n step 1
              t1 = a[i]
              check not(isnan(t1)) error 0
              check not(eq(abs(t1), inf)) error 0
              t2 = convert(t1, i64)
              t3 = b[t2]
              check and(ge(t2, 0), lt(t2, n)) error 0
              b[t2] <- t3
          results
    """)
    assert likely == 1
    loop, = kernel.body
    kinds = [type(s).__name__ for s in loop.body]
    assert kinds == ["Let", "Let", "If", "Let", "Check", "Store"]


LINES = """
k = int(x[i])
k = int(y[i])
k = w[i]
j = int(y[i])
j = w[i]
j = k + 1
k = i - 2
a[k] += 1.0
a[j] = x[i]
s += a[k - 1]
b[j, k] = s
b[k, k + 1] += 0.5
s += b[j - 1, k] if k > 0 else 2.0
if j >= 0: a[j] = s
if 0 <= k < len(a): a[k] -= 1.0
for r in range(k, 3): a[r] += 1.0
while j > 1 and a[j] < s: j -= 1
""".strip().splitlines()


def program(seed):
    rng = random.Random(seed)
    lines = "".join(f"        {rng.choice(LINES)}\n" for _ in range(rng.randrange(3, 9)))
    return ("def f(x, y, w, a, b):\n    s = 0.0\n    k = j = 0\n"
            f"    for i in range(len(x)):\n{lines}    return s, k, j\n")


def arguments(rng):
    n = int(rng.integers(1, 8))
    x, y = rng.uniform(-0.9, 3, n), rng.uniform(-4, 4, n)
    for some in (x, y):
        if rng.random() < 0.4:
            some[rng.integers(n)] = rng.choice([np.nan, np.inf, -np.inf, -9.0, 12.0, -2.0])
    return x, y, rng.integers(-2, 4, n), rng.random(5), rng.random((4, 6))


@pytest.mark.parametrize("seed", range(25))
def test_random_programs(seed):
    text = program(seed)
    function = define(text, f"checks_{seed}")
    rng = np.random.default_rng(seed)
    jitted = None
    for _ in range(12):
        jitted = check(function, *arguments(rng), jitted=jitted, compiled=False)


def test_extremes_of_int64():
    def f(w, a):
        s = 0.0
        for i in range(len(w)):
            s += a[w[i]]
        return s
    jitted = None
    for w in itertools.chain.from_iterable([(k, k + 2**63 - 6)] for k in range(-5, 6)):
        jitted = check(f, np.array(w, "i8"), np.arange(5.0), jitted=jitted)
    for k in (-2**63, -2**63 + 1, 2**63 - 1):
        check(f, np.array([k]), np.arange(5.0), jitted=jitted)
