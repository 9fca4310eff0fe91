"""Integers that a `while` loop carries stay between bounds, which prove checks; and what does not
stay there keeps its checks."""

import random
import textwrap

import numpy as np
import pytest
from compare import check, define
from meaning import kernel_of

from hotloop.loops.core import Check, walk
from hotloop.loops.expr import I64, e, fresh_table, lit, var
from hotloop.loops.intervals import Intervals
from hotloop.loops.prove import prove
from hotloop.loops.verify import verify


def insertion_sort(x):
    for i in range(1, len(x)):
        v = x[i]
        j = i - 1
        while j >= 0 and x[j] > v:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = v


def bisect(x, v):
    low, high = 0, len(x)
    while low < high:
        middle = (low + high) // 2
        if x[middle] < v:
            low = middle + 1
        else:
            high = middle
    return low


def pairs(x, v):
    i, j, found = 0, len(x) - 1, 0
    while i < j:
        s = x[i] + x[j]
        if s < v:
            i += 1
        elif s > v:
            j -= 1
        else:
            found += 1
            i += 1
            j -= 1
    return found


def shell_sort(x):
    gap = len(x) // 2
    while gap > 0:
        for i in range(gap, len(x)):
            v, j = x[i], i
            while j >= gap and x[j - gap] > v:
                x[j] = x[j - gap]
                j -= gap
            x[j] = v
        gap //= 2


def merged(x, v):
    out = np.empty(len(x))
    half = len(x) // 2
    i, j = 0, half
    for k in range(len(x)):
        if i < half and (j >= len(x) or x[i] <= x[j]):
            out[k] = x[i]
            i += 1
        else:
            out[k] = x[j]
            j += 1
    return out


@pytest.mark.parametrize(("function", "kept"), [
    (insertion_sort, 0), (bisect, 0), (pairs, 0), (shell_sort, 0), (merged, None)])
def test_algorithms(function, kept):
    args = (0.5,) * (function.__code__.co_argcount - 1)
    rng = np.random.default_rng(0)
    jitted = None
    for n in (0, 1, 2, 3, 10, 57):
        x = rng.random(n)
        jitted = check(function, np.sort(x) if function is bisect else x, *args, jitted=jitted)
    if kept is not None:
        text = str(jitted.lower(rng.random(9), *args).loops)
        assert text.count("check ") == kept
        assert "select(lt(" not in text


LOOP = """
    kernel f
      a: f64[n] inout
      p: i64
      error builtins:IndexError '{}'
      body
        while
          carry j: i64 = START
          unless COND leave
          check WANT, j error 0
          a[j] <- 1.0
          next j = NEXT
      results j
"""


@pytest.mark.parametrize(("start", "cond", "following", "want", "proven"), [
    ("(n + -1)", "ge(j, 0)", "(j + -1)", "lt(j, n)", True),
    ("(n + -1)", "ge(j, 0)", "(j + -1)", "ge(j, 0)", True),
    ("(n + -1)", "ge(j, 0)", "(j + -3)", "lt(j, n)", True),
    ("0", "lt(j, n)", "(j + 7)", "ge(j, 0)", True),
    ("0", "lt(j, p)", "(j + 1)", "ge(j, 0)", True),
    ("(n + -1)", "gt(j, 0)", "idiv(j, 2)", "lt(j, n)", True),
    ("n", "ge(j, 0)", "(j + -1)", "lt(j, n)", False),           # begins at n
    ("(n + -1)", "gt(j, p)", "(j + -1)", "ge(j, 0)", False),
    ("0", "lt(j, p)", "(j + 2)", "ge(j, 0)", False),            # may wrap: p is 2**63 - 1
    ("0", "ne(j, p)", "(j + 1)", "ge(j, 0)", False),
    ("p", "lt(j, n)", "(j + 1)", "ge(j, 0)", False),
    ("(p + 1)", "lt(j, n)", "(j + 1)", "gt(j, p)", False),      # p + 1 may wrap
    ("(n + -1)", "ge(j, 0)", "select(lt(j, p), (j + 1), (j + -1))", "lt(j, n)", False),
    ("0", "lt(j, n)", "mul(j, j)", "ge(j, 0)", True),            # is 0 for ever
    ("2", "lt(j, n)", "mul(j, j)", "ge(j, 0)", False),
])
def test_one_carry(start, cond, following, want, proven):
    text = LOOP.replace("START", start).replace("COND", cond).replace("NEXT", following)
    with fresh_table():
        kernel = prove(kernel_of(text.replace("WANT", want)))
        verify(kernel)
        assert proven != any(isinstance(s, Check) for s in walk(kernel.body))


@pytest.mark.parametrize(("x", "fits"), [
    ((0, 1, 0), True), ((1, 1, 0), True), ((-1, 1, 0), False),      # (constant, of i, of n)
    ((0, 2, 0), True), ((5, 1, 3), True), ((0, 0, 2**13), False), ((2**62, 0, 1), False)])
def test_what_fits_64_bits(x, fits):
    """i in p..n - 1, n a size: n + (i - p) is not known to."""
    with fresh_table():
        i, n = var("i"), var("n")
        known = Intervals({"i": (lit(0) if x[0] >= 0 else var("p"), e.sub(n, lit(1)))},
                          frozenset("n"))
        value = e.add(e.add(lit(x[0]), e.mul(i, lit(x[1]))), e.mul(n, lit(x[2])))
        assert known.fits(value) == fits


@pytest.mark.parametrize(("op", "by", "least", "most"), [
    ("idiv", 2, "0", "(n + -1)"), ("irem", 5, "0", "4"), ("idiv", 3, "0", "(2*n + -2)")])
def test_quotients(op, by, least, most):
    with fresh_table():
        i = var("i")
        known = Intervals({"i": (lit(0), e.sub(var("n"), lit(1)))}, frozenset("n"))
        x = e.op(op, e.mul(i, lit(2)), lit(by))
        assert repr(known.smallest(x)) == least
        assert repr(known.largest(x)) == most
        assert known.sides(e.op(op, var("q"), lit(by)))[0] in (None, lit(1 - by))
        assert x.dtype == I64


CONDITIONS = ("j >= 0", "j < len(a)", "j > k", "k < len(a)", "j < p", "k >= p", "k > 0", "i < j",
              "a[j] < 0.7", "2 * j + 1 < len(a)", "j != p", "k - p >= 0")
STEPS = ("j -= 1", "j += 1", "j -= 2", "k += 1", "k -= 3", "j = (j + k) // 2", "k = j", "j = k - 1",
         "j //= 2", "k = j % 3", "j -= p", "j = min(j, k)", "k = i", "i += 1", "j = 2 * j + 1",
         "k = (j + i + 1) // 2", "j = abs(j)")
USES = ("s += a[j]", "a[j] = s", "a[j + 1] = a[j]", "s += a[k]", "a[k - 1] += 1.0", "s += a[i]",
        "a[j - p] = 0.5", "s += a[(j + k) // 2]", "a[j % len(a)] = 2.0")
STARTS = ("0", "len(a) - 1", "p", "len(a)", "len(a) // 2", "-1", "p + 1")


def program(seed):
    rng = random.Random(seed)

    def lines(depth):
        found = []
        for _ in range(rng.randrange(1, 4)):
            kind = rng.random()
            if kind < 0.45:
                found.append(rng.choice(USES))
            elif kind < 0.75 or depth == 0:
                found.append(rng.choice(STEPS))
            elif kind < 0.9:
                found.append(f"if {rng.choice(CONDITIONS)}:")
                found += ["    " + x for x in lines(depth - 1)]
                if rng.random() < 0.5:
                    found += ["else:", *["    " + x for x in lines(depth - 1)]]
            else:
                found += loop(depth - 1)
        return found

    def loop(depth):
        tests = " and ".join(["fuel > 0", *rng.sample(CONDITIONS, rng.randrange(1, 3))])
        return [f"while {tests}:", "    fuel -= 1", *["    " + x for x in lines(depth)]]

    body = [f"{name} = {rng.choice(STARTS)}" for name in "ijk"]
    body += [*loop(2), rng.choice(USES)]
    if rng.random() < 0.5:
        body = ["for r in range(1, len(a)):", *["    " + x for x in body]]
    return "def f(a, p):\n    s, fuel = 0.5, 40\n    i = j = k = 0\n" + textwrap.indent(
        "\n".join(body), "    ") + "\n    return s, i, j, k\n"


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    function = define(program(seed), f"invariants_{seed}")
    rng = np.random.default_rng(seed)
    jitted = None
    for p in (0, 1, 2, -1, 3, 7):
        for n in (0, 1, 2, 5, 8):
            jitted = check(function, rng.random(n), p, jitted=jitted, compiled=False)
