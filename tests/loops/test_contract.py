"""Stored values reach loads without memory; temporaries shrink or vanish; the dead goes."""

import numpy as np
import pytest
from meaning import kernel_of, loops, shapes, transformed

from hotloop.loops.contract import contract
from hotloop.loops.core import Let, Store, walk
from hotloop.loops.drop import drop
from hotloop.loops.expr import fresh_table
from hotloop.loops.fuse import fuse


def stores(kernel):
    return [s.buffer.name for s in walk(kernel.body) if isinstance(s, Store)]


def test_chain_needs_no_memory():
    kernel = transformed("""
        kernel f
          a: f64[n] in
          body
            alloc t: f64[n]
            nest i in n
              t[i] <- exp(a[i])
            alloc u: f64[n]
            nest j in n
              u[j] <- mul(t[j], t[j])
            alloc r: f64[n] result 0
            nest k in n
              r[k] <- add(u[k], t[k])
          results r
    """, [fuse, contract], np.arange(4.0))
    assert shapes(kernel) == {"r": "n"}
    assert stores(kernel) == ["r"]


@pytest.mark.parametrize("between", [
    "t[p] <- 5.0",                                     # perhaps the same place
    "for k in 0..n step 1\n              t[k] <- 6.0",
    "if lt(p, 2)\n              t[1] <- 7.0",
])
def test_a_store_between_may_be_of_the_same_place(between):
    kernel = transformed(f"""
        kernel f
          a: f64[n] inout
          p: i64
          body
            alloc t: f64[n]
            for i in 0..n step 1
              t[i] <- 0.0
            t[1] <- a[0]
            {between}
            a[1] <- t[1]
    """ + "  results\n", [contract], np.arange(4.0), 1)
    assert "t" in shapes(kernel)


def test_a_store_elsewhere_is_not():
    kernel = transformed("""
        kernel f
          a: f64[n] inout
          body
            alloc t: f64[n]
            t[1] <- a[0]
            t[2] <- a[1]
            a[1] <- add(t[1], t[2])
    """ + "  results\n", [contract], np.arange(4.0))
    assert shapes(kernel) == {}


def test_an_index_that_changes_is_another_place():
    transformed("""
        kernel f
          a: i64[n] inout
          b: f64[n] inout
          body
            b[a[0]] <- 5.0
            a[0] <- 2
            b[3] <- b[a[0]]
    """ + "  results\n", [contract], np.array([1, 1, 1]), np.arange(4.0))


def test_a_value_of_the_last_iteration_is_not_that_of_this():
    transformed("""
        kernel f
          a: f64[n] in
          body
            alloc t: f64[n]
            for k in 0..n step 1
              t[k] <- 0.5
            alloc r: f64[n] result 0
            for i in 0..n step 1
              r[i] <- t[0]
              t[0] <- a[i]
          results r
    """, [contract], np.arange(4.0))


def test_into_the_carry_of_the_loop_around():
    kernel = transformed("""
        kernel f
          a: f64[n] in
          body
            alloc t: f64[n]
            for i in 0..n step 1
              carry c: f64 = 0.0
              t[i] <- mul(a[i], 2.0)
              next c = add(c, t[i])
          results c
    """, [contract], np.arange(4.0))
    assert shapes(kernel) == {}


def test_values_come_from_the_right_arm():
    transformed("""
        kernel f
          p: i64
          body
            alloc t: f64[]
            t[] <- 1.0
            if lt(p, 2)
              t[] <- 2.0
              give t[]
            else
              give t[]
            -> x: f64
          results x, t[]
    """, [contract], 1)


def test_swapped_memory_is_not_known():
    transformed("""
        kernel f
          body
            alloc t: f64[3]
            alloc u: f64[3]
            for k in 0..3 step 1
              u[k] <- 9.0
              t[k] <- 8.0
            t[0] <- 1.0
            for i in 0..1 step 1
              u[1] <- 3.0
              swap t u
              swap u t
            alloc r: f64[1] result 0
            r[0] <- t[0]
          results r
    """, [contract])


def test_rows_of_two_levels():
    kernel = transformed("""
        kernel f
          a: f64[n, m, k] in
          body
            alloc t: f64[n, m, k]
            alloc r: f64[n, m, k] result 0
            for x in 0..n step 1
              for y in 0..m step 1
                for z in 0..k step 1
                  t[x, y, z] <- exp(a[x, y, z])
                for z2 in 0..k step 1
                  r[x, y, z2] <- t[x, y, (-1*z2 + k + -1)]
          results r
    """, [contract], np.arange(24.0).reshape(2, 3, 4))
    assert shapes(kernel)["t"] == "k"


@pytest.mark.parametrize("outer", ["for q in 0..2 step 1", "while"])
def test_no_shrinking_if_a_later_round_reads_it(outer):
    """t[i] of the first round is read in the second."""
    head = "for q in 0..2 step 1" if outer != "while" else (
        "while\n              carry c: i64 = 0\n              unless lt(c, 2) leave")
    tail = "" if outer != "while" else "\n              next c = (c + 1)"
    kernel = transformed(f"""
        kernel f
          a: f64[n] inout
          body
            alloc t: f64[n]
            for k in 0..n step 1
              t[k] <- 1.0
            {head}
              for i in 0..n step 1
                a[i] <- add(a[i], t[i])
                t[i] <- a[i]{tail}
    """ + "  results\n", [contract], np.arange(4.0))
    assert shapes(kernel)["t"] == "n"


def test_drop():
    with fresh_table():
        kernel = drop(kernel_of("""
            kernel f
              a: f64[n] inout
              body
                alloc t: f64[n]
                x = exp(a[0])
                y = add(x, 1.0)
                for i in 0..n step 1
                  carry c: f64 = 0.0
                  carry d: f64 = 0.0
                  t[i] <- y
                  z = mul(a[i], 2.0)
                  next c = add(c, z)
                  next d = add(d, c)
                for j in 0..n step 1
                  t[j] <- 0.0
                if lt(a[0], 1.0)
                  w = 2.0
              results c
        """))
    assert shapes(kernel) == {}
    (loop,) = loops(kernel)
    assert [c.name for c in loop.carries] == ["c"]
    assert [s.name for s in walk(kernel.body) if isinstance(s, Let)] == ["z"]
    assert kernel.body == [loop]
