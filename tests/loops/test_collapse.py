"""Loops over contiguous axes become one, in the same order."""

import numpy as np
import pytest
from meaning import loops, transformed

from hotloop.loops.collapse import collapse
from hotloop.loops.contract import contract
from hotloop.loops.fuse import fuse

A = np.arange(24.0).reshape(2, 3, 4)


def nest(value, extra=""):
    return f"""
        kernel f
          a: f64[n, m, 4] in
          b: f64[4] in
          c: f64[n, m] in
          s: f64[n, m, 4] in strides (s1, s2, s3)
          body
            alloc r: f64[n, m, 4] result 0
            nest i in n, j in m, k in 4
              r[i, j, k] <- {value}
            {extra}
          results r
    """


ARGS = A, np.arange(4.0), np.arange(6.0).reshape(2, 3), A[:, :, ::-1]


@pytest.mark.parametrize(("value", "count"), [
    ("mul(a[i, j, k], 2.0)", 1),
    ("mul(a[i, j, k], c[0, 0])", 1),
    ("1.0", 1),
    ("mul(a[i, j, k], b[k])", 2),               # the first two
    ("mul(a[i, j, k], c[i, j])", 2),
    ("mul(a[i, j, k], s[i, j, k])", 3),         # not in C order
    ("convert((i + j), f64)", 3),
    ("a[0, j, k]", 2),                          # the last two
    ("a[i, j, (k + 0)]", 1),
    ("a[i, 0, k]", 3),
])
def test_maps(value, count):
    kernel = transformed(nest(value), [fuse, collapse], *ARGS)
    assert len(loops(kernel)) == count


def test_reduction_and_map_together():
    kernel = transformed(nest("exp(a[i, j, k])", """
            alloc t: f64[]
            nest i2 in n, j2 in m, k2 in 4 reduce 3 by add
              t[] <- a[i2, j2, k2]
            alloc u: f64[1] result 1
            u[0] <- t[]""").replace("results r", "results r, u"), [fuse, contract, collapse], *ARGS)
    (loop,) = loops(kernel)
    assert [c.reduce for c in loop.carries] == ["add"]


def test_reduction_of_rows_keeps_them():
    kernel = transformed("""
        kernel f
          a: f64[n, m, 4] in
          body
            alloc t: f64[n]
            nest i in n, j in m, k in 4 reduce 2 by maximum
              t[i] <- a[i, j, k]
            alloc r: f64[n] result 0
            nest q in n
              r[q] <- t[q]
          results r
    """, [fuse, contract, collapse], A)
    assert len(loops(kernel)) == 2


@pytest.mark.parametrize(("rows", "columns", "count"), [("n", "m", 1), ("p", "m", 2),
                                                         ("n", "(m + -1)", 2)])
def test_loops_of_the_user(rows, columns, count):
    """Bounds that are the array's own extents are not negative, others may be."""
    kernel = transformed(f"""
        kernel f
          a: f64[n, m] inout
          p: i64
          body
            for i in 0..{rows} step 1
              for j in 0..{columns} step 1
                a[i, j] <- add(a[i, j], 1.0)
    """ + "  results\n", [collapse], np.arange(6.0).reshape(2, 3), 1)
    assert len(loops(kernel)) == count


def test_order_stays():
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          body
            alloc r: f64[1] result 0
            r[0] <- 1.0
            for i in 0..n step 1
              for j in 0..m step 1
                r[0] <- div(a[i, j], r[0])
          results r
    """, [collapse], np.arange(6.0).reshape(2, 3) + 1)
    assert len(loops(kernel)) == 1
