"""A fill that is overwritten before it is read goes; others stay."""

import numpy as np
import pytest
from meaning import loops, transformed

from hotloop.loops.fuse import fuse
from hotloop.loops.overwritten import overwritten


@pytest.mark.parametrize(("body", "gone"), [
    ("for i in 0..n step 1\n  for j in 0..m step 1\n    r[i, j] <- a[i, j]", True),
    ("for j in 0..m step 1\n  x = a[0, j]\n  for i in 0..n step 1\n    r[i, j] <- x", True),
    ("nest i in n, j in m\n  r[i, j] <- a[i, j]", True),
    ("b[0] <- 1.0\nfor i in 0..n step 1\n  for j in 0..m step 1\n    r[i, j] <- a[i, j]", True),
    ("for i in 0..n step 1\n  for j in 0..m step 1\n    r[i, j] <- add(r[i, j], 1.0)", False),
    ("for i in 1..n step 1\n  for j in 0..m step 1\n    r[i, j] <- a[i, j]", False),
    ("for i in 0..n step 1\n  for j in 0..m step 2\n    r[i, j] <- a[i, j]", False),
    ("for i in 0..n step 1\n  r[i, 0] <- a[i, 0]", False),
    ("for i in 0..n step 1\n  if lt(i, 1)\n    for j in 0..m step 1\n      r[i, j] <- 1.0", False),
    ("b[0] <- r[0, 0]\nfor i in 0..n step 1\n  for j in 0..m step 1\n    r[i, j] <- 1.0", False),
    ("for k in 0..p step 1\n  for i in 0..n step 1\n    for j in 0..m step 1\n"
     "      r[i, j] <- 1.0", False),
    ("for i in 0..n step 1\n  for j in 0..m step 1\n    r[i, j] add <- a[i, j]", False),
    ("for i in 0..n step 1\n  nest j in m\n    r[i, j] <- a[i, j]", True),
    ("for i in 0..n step 1\n  nest j in m\n    r[i, 0] <- a[i, j]", False),
    ("for i in 0..n step 1\n  nest j in m\n    r[i, j] <- add(r[i, j], 1.0)", False),
    ("for k in 0..p step 1\n  nest i in n, j in m\n    r[i, j] <- 1.0", False),
    ("for i in 0..n step 1\n  nest j in p\n    r[i, j] <- 1.0", False),
])
def test_fill(body, gone):
    lines = "\n".join("            " + line for line in body.split("\n"))
    kernel = transformed(f"""
        kernel f
          a: f64[n, m] in
          b: f64[n] inout
          p: i64
          body
            alloc r: f64[n, m] result 0
            nest f in n, g in m
              r[f, g] <- 7.0
{lines}
          results r
    """, [overwritten, fuse], np.arange(6.0).reshape(2, 3), np.zeros(2), 0)
    assert gone != any(loop.var == "f" for loop in loops(kernel))
