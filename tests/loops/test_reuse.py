"""Temporaries that have memory in turn."""

import numpy as np
import pytest
from meaning import transformed

import hotloop
from hotloop.loops.core import Alloc, Free, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.reuse import pointwise, reuse
from hotloop.loops.text import parse

HEAD = """
kernel f
  a1: f64[n1] in
  p1: i64
  body
    alloc r0: f64[n1] result 0
    alloc b1: f64[n1]
    alloc b2: f64[n1]
"""
A = np.arange(5.0)


def plan(kernel):
    """{temporary: whose memory it has}, {temporaries that are freed}"""
    statements = list(walk(kernel.body))
    return ({s.buffer.name: s.over.name if s.over else "" for s in statements
             if isinstance(s, Alloc) and s.buffer.name != "r0"},
            {s.buffer.name for s in statements if isinstance(s, Free)})


def run(body, *args):
    lines = "".join("    " + line + "\n" for line in body.strip().splitlines())
    return plan(transformed(HEAD + lines + "  results r0", [reuse], *(args or (A, np.int64(3)))))


FIRST = """
for i1 in 0..n1 step 1
  b1[i1] <- mul(a1[i1], 2.0)
  r0[i1] <- 0.0
"""
LAST = """
for i9 in 0..n1 step 1
  r0[i9] <- b2[(-1*i9 + n1 + -1)]
"""
COPIES = {
    "in place": ("b2[i2] <- add(b1[i2], 1.0)", True),
    "elsewhere": ("b2[i2] <- add(b1[(-1*i2 + n1 + -1)], 1.0)", False),
    "twice": ("b2[i2] <- add(b1[i2], b1[0])", False),
    "one by one": ("t1 = b1[i2]\nb2[i2] <- t1", True),
    "read after": ("b2[i2] <- b1[i2]\ncheck ge(b1[i2], 0.0) error 0", False),
    "both stored": ("b2[i2] <- b1[i2]\nb1[i2] <- 5.0", False),
    "several": ("for i3 in 0..2 step 1\n  b2[i2] <- add(b1[i2], convert(i3, f64))", False),
}


@pytest.mark.parametrize("body, shared", COPIES.values(), ids=COPIES)
def test_in_place(body, shared):
    if "check" in body:
        head = HEAD.replace("  body", "  error builtins:ValueError 'x'\n  body")
    else:
        head = HEAD
    second = "for i2 in 0..n1 step 1\n" + "".join(f"  {line}\n" for line in body.splitlines())
    lines = "".join("    " + line + "\n" for line in (
        FIRST.strip() + "\n" + second + LAST.strip()).splitlines())
    found, _ = plan(transformed(head + lines + "  results r0", [reuse], A, np.int64(3)))
    assert found == {"b1": "", "b2": "b1" if shared else ""}


def test_of_an_iteration():
    """b1 and b2 live in an iteration only; what a loop carries lives through it."""
    found, freed = run("""
for i0 in 0..p1 step 1
  for i1 in 0..n1 step 1
    b1[i1] <- a1[i1]
  for i2 in 0..n1 step 1
    r0[i2] <- b1[(-1*i2 + n1 + -1)]
  for i3 in 0..n1 step 1
    b2[i3] <- r0[i3]
  for i4 in 0..n1 step 1
    r0[i4] <- b2[(-1*i4 + n1 + -1)]
""")
    assert found == {"b1": "", "b2": "b1"} and freed == set()
    found, freed = run("""
for i5 in 0..n1 step 1
  b2[i5] <- a1[i5]
for i0 in 0..p1 step 1
  for i1 in 0..n1 step 1
    b1[i1] <- b2[(-1*i1 + n1 + -1)]
  for i2 in 0..n1 step 1
    b2[i2] <- add(b1[i2], 1.0)
for i9 in 0..n1 step 1
  r0[i9] <- b2[(-1*i9 + n1 + -1)]
""")
    assert found == {"b1": "r0", "b2": ""} and freed == set()


def test_exchanged_memory_stays():
    found, freed = run("""
for i5 in 0..n1 step 1
  b2[i5] <- a1[i5]
for i0 in 0..p1 step 1
  for i1 in 0..n1 step 1
    b1[i1] <- b2[(-1*i1 + n1 + -1)]
  swap b1 b2
  swap b2 b1
for i9 in 0..n1 step 1
  r0[i9] <- b2[(-1*i9 + n1 + -1)]
""")
    assert found == {"b1": "", "b2": ""} and not freed


def test_freed_when_it_is_dead():
    found, freed = run("""
for i1 in 0..n1 step 1
  b1[i1] <- a1[i1]
  r0[i1] <- 0.0
for i2 in 0..n1 step 1
  b2[i2] <- add(b1[(-1*i2 + n1 + -1)], 1.0)
for i3 in 0..n1 step 1
  r0[i3] <- b2[(-1*i3 + n1 + -1)]
""")
    assert found == {"b1": "", "b2": ""} and freed == {"b1"}


def test_iterations_that_may_run_at_the_same_time():
    """Temporaries of all iterations are not over one another."""
    with fresh_table():
        kernel = reuse(parse("""
kernel f
  a1: f64[n1, n1] in
  body
    alloc r0: f64[n1] result 0
    alloc b1: f64[n1, n1]
    alloc b2: f64[n1, n1]
    for i1 in 0..n1 step 1 regular
      for i2 in 0..n1 step 1
        b1[i1, i2] <- a1[i1, i2]
      for i3 in 0..n1 step 1
        b2[i3, i1] <- b1[i1, i3]
      r0[i1] <- b2[0, i1]
  results r0
"""))
        assert plan(kernel)[0] == {"b1": "", "b2": ""}


def test_pointwise_needs_the_whole_index():
    with fresh_table():
        kernel = parse("""
kernel f
  a1: f64[n1, n1] in
  body
    alloc b1: f64[n1, n1]
    alloc b2: f64[n1, n1]
    for i1 in 0..n1 step 1
      for i2 in 0..n1 step 1
        b2[i1, i2] <- b1[i1, i2]
    for i3 in 0..n1 step 1
      for i4 in 0..n1 step 1
        b2[i3, i3] <- b1[i3, i3]
    for i5 in 0..n1 step 1
      carry c1: f64 = 0.0
      b2[i5, i5] <- b1[i5, i5]
      next c1 = b1[i5, 0]
  results
""")
        b1, b2 = (s.buffer for s in kernel.body[:2])
        assert [pointwise(s, b1, b2) for s in kernel.body[2:]] == [True, False, False]


def test_on_arrays():
    def f(a, b):
        h = np.tanh(a @ b)
        h = np.maximum(h @ b, 0)
        e = np.exp(h @ b)
        for _ in range(2):
            s = np.cumsum(e, axis=0)
            e = np.cumsum(s[::-1] / s.max(), axis=1)
        return e @ b, h.sum()
    g = hotloop.jit(f, cache=False)
    for n in (1, 3, 40):
        a, b = np.random.default_rng(n).random((2, n, n))
        for x, y in zip(g(a, b), f(a, b), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9)


def test_a_chain_needs_two_arrays():
    def chain(a):
        for _ in range(6):
            a = np.cumsum(np.cumsum(np.sin(a), axis=0)[::-1], axis=1)
        return a
    loops = hotloop.jit(chain, cache=False).lower(np.zeros((3, 3))).loops
    own = [line for line in loops.splitlines()
           if line.strip().startswith("alloc b") and " over " not in line]
    assert len(own) <= 2, loops
