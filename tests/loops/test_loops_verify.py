"""Each rule of the verifier, broken."""

import pytest

from hotloop.errors import InternalError
from hotloop.loops.core import Alloc, Buffer, Kernel, Let, Nest, Store
from hotloop.loops.expr import e, fresh_table, lit, load, var
from hotloop.loops.text import parse
from hotloop.loops.verify import verify

HEAD = "kernel k\n  a1: f64[n1, 2] in\n  w1: f64[n1] inout\n  p1: f64\n  body\n"

GOOD = """
    alloc b1: f64[n1]
    nest j1 in n1
      b1[j1] <- a1[j1, 0]
    for i1 in 0..n1 step 1
      carry c1: f64 = 0.0
      t1 = add(b1[i1], c1)
      next c1 = t1
    w1[0] <- c1
"""

BROKEN = {
    "is bound twice": "    t1 = 1.0\n    t1 = 2.0\n",
    "has no memory here": "    if lt(p1, 0.0)\n      alloc b1: f64[3]\n    t1 = b1[0]\n",
    "of rank 2 at 3 indices": "    t1 = a1[0, 0, 0]\n",
    "a store to the argument": "    a1[0, 0] <- 1.0\n",
    "is stored to w1 of float64": "    w1[0] <- 1\n",
    "is allocated again": "    alloc b1: f64[3]\n    alloc b1\n",
    "the condition": "    if 1\n      w1[0] <- 1.0\n",
    "no error 0": "    check lt(p1, 0.0) error 0\n",
    "is no combiner": "    w1[0] sub <- 1.0\n",
    "no call-back 0": "    call python 0 (a1) -> () ()\n",
    "changes its memory": "    alloc b1: f64[n1]\n    for i1 in 0..3 step 1\n"
                          "      swap w1 b1\n      swap b1 w1\n",
    "no permutation": "    alloc b1: f64[n1]\n    alloc b2: f64[n1]\n    for i1 in 0..3 step 1\n"
                      "      swap b1 b2\n",
    "a reduction stores once": "    nest j1 in n1 reduce 1 by add\n      w1[j1] <- 1.0\n",
    "no bool carry": "    for i1 in 0..3 step 1 until c1\n      carry c1: f64 = 0.0\n"
                     "      next c1 = 1.0\n",
    "a bound of a loop": "    for i1 in 0..p1 step 1\n      t1 = 1.0\n",
    "is never allocated": None,
}


def test_good():
    with fresh_table():
        verify(parse(HEAD + GOOD + "  results c1\n"))


@pytest.mark.parametrize("message", BROKEN)
def test_broken(message):
    body = BROKEN[message]
    with fresh_table(), pytest.raises(InternalError, match=message):
        if body is None:
            verify(Kernel("k", [], [Buffer("r0", lit(0).dtype, (), "result", None, 0)], []))
        verify(parse(HEAD + (body or "") + "  results\n"))


def test_scope_of_names():
    with fresh_table():
        b = Buffer("b1", lit(1.0, "f8").dtype, (lit(3),), "temp")
        j = var("j1")
        nest = Nest(("j1",), (lit(3),), [(b, (j,), e.convert(j, "f8"))])
        verify(Kernel("k", [], [], [Alloc(b), nest, Store(b, (lit(0),), load(b, (lit(1),)))]))
        with pytest.raises(InternalError, match=r"j1 is not bound here\nin t1 = b1\[j1\]"):
            verify(Kernel("k", [], [], [Alloc(b), nest, Let("t1", load(b, (j,)))]))
