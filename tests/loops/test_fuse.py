"""Which nests share loops, and that sharing changes nothing."""

import numpy as np
import pytest
from meaning import loops, shapes, transformed

from hotloop.loops.contract import contract
from hotloop.loops.core import Check, For, walk
from hotloop.loops.fuse import fuse

A23 = np.arange(6.0).reshape(2, 3) / 7

SOFTMAX = """
    kernel softmax
      a: f64[n, m] in
      body
        alloc x: f64[n]
        nest i1 in n, j1 in m reduce 1 by maximum
          x[i1] <- a[i1, j1]
        alloc y: f64[n, m]
        nest i2 in n, j2 in m
          y[i2, j2] <- exp(sub(a[i2, j2], x[i2]))
        alloc s: f64[n]
        nest i3 in n, j3 in m reduce 1 by add
          s[i3] <- y[i3, j3]
        alloc r: f64[n, m] result 0
        nest i4 in n, j4 in m
          r[i4, j4] <- div(y[i4, j4], s[i4])
      results r
"""


def test_softmax_is_three_loops_a_row():
    kernel = transformed(SOFTMAX, [fuse, contract], A23)
    outer, *inner = loops(kernel)
    assert [s for s in outer.body if isinstance(s, For)] == inner
    assert len(inner) == 3
    assert shapes(kernel) == {"y": "m", "r": "n, m"}
    assert "fused 4 loops" in kernel.notes


def test_without_sharing():
    kernel = transformed(SOFTMAX, [lambda k: fuse(k, share=False)], A23)
    assert len(loops(kernel)) == 8


def two_nests(first, second, extra="", result="f64[n]"):
    return f"""
        kernel f
          a: f64[n] in
          b: f64[n] inout
          c: f64[n, n] inout
          body
            alloc t: f64[n]
            alloc r: {result} result 0
            nest i in n{first}
            {extra}
            nest j in n{second}
          results r
    """


@pytest.mark.parametrize(("first", "second", "count"), [
    # read what was stored at the same place
    ("\n  t[i] <- a[i]", "\n  r[j] <- t[j]", 1),
    # elsewhere: all of the first nest comes before
    ("\n  t[i] <- a[i]", "\n  r[j] <- t[(-1*j + n + -1)]", 2),
    ("\n  t[i] <- a[i]", "\n  r[j] <- t[0]", 2),
    # overwrite what was read
    ("\n  t[i] <- b[i]", "\n  b[j] <- a[j]", 1),
    ("\n  r[i] <- b[0]", "\n  b[j] <- a[j]", 2),
    # both store to it
    ("\n  r[i] <- a[i]", "\n  r[j] <- b[j]", 1),
    ("\n  r[i] <- a[i]", "\n  r[(-1*j + n + -1)] <- b[j]", 2),
    # the place is told by another axis than the first
    ("\n  c[0, i] <- a[i]", "\n  r[j] <- c[0, j]", 1),
    ("\n  c[0, i] <- a[i]", "\n  r[j] <- c[j, 0]", 2),
])
def test_dependences(first, second, count):
    def nested(text):
        return text.replace("\n  ", "\n" + " " * 14)
    kernel = transformed(two_nests(nested(first), nested(second)), [fuse, contract],
                         np.arange(4.0), np.arange(4.0) * 3, np.ones((4, 4)))
    assert len(loops(kernel)) == count


def test_reduction_and_map_share_all_loops():
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          body
            alloc r: f64[n, m] result 0
            nest i in n, j in m
              r[i, j] <- exp(a[i, j])
            alloc s: f64[]
            nest k in n, l in m reduce 2 by add
              s[] <- r[k, l]
            alloc z: f64[]
            nest k2 in n, l2 in m reduce 2 by maximum
              z[] <- a[k2, l2]
          results r, s[], z[]
    """, [fuse, contract], A23)
    assert len(loops(kernel)) == 2
    assert len(loops(kernel)[0].carries) == 2
    assert shapes(kernel) == {"r": "n, m"}


def test_reduction_is_complete_before_it_is_read():
    kernel = transformed("""
        kernel f
          a: f64[n] in
          body
            alloc s: f64[]
            nest i in n reduce 1 by add
              s[] <- a[i]
            alloc r: f64[n] result 0
            nest j in n
              r[j] <- div(a[j], s[])
          results r
    """, [fuse, contract], np.arange(5.0))
    assert len(loops(kernel)) == 2


def test_reduction_reads_before_a_later_nest_overwrites():
    kernel = transformed("""
        kernel f
          b: f64[n] inout
          body
            alloc s: f64[]
            nest i in n reduce 1 by add
              s[] <- b[i]
            nest j in n
              b[j] <- 0.0
          results s[]
    """, [fuse], np.arange(5.0))
    assert len(loops(kernel)) == 1


def test_deep_and_flat_nests_stay_apart():
    kernel = transformed("""
        kernel f
          a: f64[n, n] in
          b: f64[n] in
          body
            alloc s: f64[]
            nest i in n reduce 1 by add
              s[] <- b[i]
            alloc r: f64[n, n] result 1
            nest i2 in n, j2 in n
              r[i2, j2] <- a[i2, j2]
          results s[], r
    """, [fuse], np.ones((3, 3)), np.ones(3))
    assert len(loops(kernel)) == 3


def test_stores_of_a_nest_are_simultaneous():
    transformed("""
        kernel f
          a: f64[n] inout
          b: f64[n] inout
          body
            nest i in n
              a[i] <- b[i]
              b[i] <- a[i]
    """ + "  results\n", [fuse, contract], np.arange(4.0), np.arange(4.0) * 5)


@pytest.mark.parametrize(("kind", "count"), [("r", 1), ("b", 2)])
def test_checks_move_up_unless_the_caller_would_see_it(kind, count):
    """A check may come before the loop that fills a result, not before one that fills an
    argument: what Python has done before the exception must be done."""
    kernel = transformed(f"""
        kernel f
          a: f64[n] in
          b: f64[n] inout
          p: f64
          error builtins:ValueError 'no'
          body
            alloc r: f64[n] result 0
            nest i in n
              {kind}[i] <- a[i]
            check lt(p, 1.0) error 0
            alloc q: f64[n] result 1
            nest j in n
              q[j] <- mul(a[j], p)
          results r, q
    """, [fuse], np.arange(4.0), np.arange(4.0), 0.5)
    assert len(loops(kernel)) == count
    at = next(k for k, s in enumerate(kernel.body) if isinstance(s, Check))
    assert isinstance(kernel.body[at - 1], For) == (count == 2)


def test_scalars_between_move_up():
    kernel = transformed("""
        kernel f
          a: f64[n] in
          p: f64
          body
            alloc r: f64[n] result 0
            nest i in n
              r[i] <- mul(a[i], p)
            t = exp(p)
            alloc q: f64[n] result 1
            nest j in n
              q[j] <- mul(a[j], t)
          results r, q
    """, [fuse], np.arange(4.0), 0.5)
    assert len(loops(kernel)) == 1


def test_short_floats_are_summed_in_double():
    a = np.full(100000, 0.1, "f4")
    with_sum = """
        kernel f
          a: f32[n] in
          body
            alloc s: f32[]
            nest i in n reduce 1 by add
              s[] <- a[i]
          results s[]
    """
    kernel = transformed(with_sum, [fuse], a[:10])
    (loop,) = loops(kernel)
    assert loop.carries[0].dtype == np.dtype("f8")


def test_empty_domains():
    transformed(SOFTMAX, [fuse, contract], np.empty((0, 3)))


def test_fusion_inside_loops():
    kernel = transformed("""
        kernel f
          a: f64[n] inout
          body
            for k in 0..3 step 1
              alloc t: f64[n]
              nest i in n
                t[i] <- mul(a[i], 2.0)
              nest j in n
                a[j] <- add(t[j], 1.0)
    """ + "  results\n", [fuse, contract], np.arange(4.0))
    assert len(loops(kernel)) == 2
    assert shapes(kernel) == {}


def test_names_stay_unique():
    kernel = transformed(SOFTMAX, [fuse, contract], A23)
    names = [name for s in walk(kernel.body) for name in
             ([s.var, *(c.name for c in s.carries)] if isinstance(s, For) else [])]
    assert len(names) == len(set(names))


def test_loops_over_one_are_no_loops():
    kernel = transformed("""
        kernel f
          a: f64[n, 1] in
          body
            alloc t: f64[n, 1]
            nest i in n, j in 1, k in 1 reduce 1 by add
              t[i, j] <- mul(a[i, k], a[i, j])
            alloc r: f64[n] result 0
            nest l in n
              r[l] <- t[l, 0]
          results r
    """, [fuse, contract], np.arange(3.0).reshape(3, 1))
    assert len(loops(kernel)) == 1
    assert shapes(kernel) == {"r": "n"}


def test_fresh_names_avoid_those_of_dimensions():
    kernel = transformed("""
        kernel f
          a: f64[r1, t1] in
          body
            alloc s: f64[]
            nest i in r1, j in t1 reduce 2 by add
              s[] <- a[i, j]
          results s[]
    """, [fuse], A23)
    assert not {c.name for loop in loops(kernel) for c in loop.carries} & {"r1", "t1"}
