"""Places that a loop rewrites live in registers, and are touched only if the loop runs."""

import numpy as np
import pytest
from meaning import loops, transformed

from hotloop.loops.contract import contract
from hotloop.loops.core import If, Store, walk
from hotloop.loops.promote import promote

N3 = np.arange(9.0).reshape(3, 3) + np.eye(3) * 9


def stores_inside(loop):
    return [s for s in walk(loop.body) if isinstance(s, Store)]


def test_matrix_product():
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          b: f64[m, l] in
          c: f64[n, l] inout
          body
            for i in 0..n step 1
              for j in 0..l step 1
                for k in 0..m step 1
                  c[i, j] <- add(c[i, j], mul(a[i, k], b[k, j]))
    """ + "  results\n", [promote], N3, N3, N3)
    inner = loops(kernel)[2]
    assert not stores_inside(inner)
    assert len(inner.carries) == 1
    assert not any(isinstance(s, If) for s in walk(kernel.body))    # c[i, j] is inside c


def test_lu_by_dots():
    """Row i of A is read at k < j beside the place that is written, j."""
    kernel = transformed("""
        kernel f
          A: f64[n, n] inout
          body
            for i in 0..n step 1
              for j in 0..i step 1
                for k in 0..j step 1
                  A[i, j] <- sub(A[i, j], mul(A[i, k], A[k, j]))
                A[i, j] <- div(A[i, j], A[j, j])
              for l in i..n step 1
                for m in 0..i step 1
                  A[i, l] <- sub(A[i, l], mul(A[i, m], A[m, l]))
    """ + "  results\n", [promote, contract], N3)
    for loop in (loops(kernel)[2], loops(kernel)[4]):
        assert not stores_inside(loop)


def test_a_place_that_may_not_exist_is_read_only_if_the_loop_runs():
    text = """
        kernel f
          a: f64[n] inout
          p: i64
          q: i64
          body
            for k in 0..q step 1
              a[p] <- add(a[p], 1.0)
    """ + "  results\n"
    kernel = transformed(text, [promote], np.arange(3.0), 7, 0)
    assert any(isinstance(s, If) for s in kernel.body)
    assert not stores_inside(loops(kernel)[0])
    transformed(text, [promote], np.arange(3.0), 2, 5)


@pytest.mark.parametrize("body", [
    "a[0] <- add(a[0], a[k])",                          # a[k] may be a[0]
    "a[k] <- add(a[k], 1.0)",                           # another place each time
    "a[0] <- add(a[0], 1.0)\n              a[p] <- 5.0",
])
def test_not_promoted(body):
    kernel = transformed(f"""
        kernel f
          a: f64[n] inout
          p: i64
          body
            for k in 0..n step 1
              {body}
    """ + "  results\n", [promote], np.arange(3.0), 0)
    assert not loops(kernel)[0].carries


def test_values_before_and_after_the_store():
    kernel = transformed("""
        kernel f
          a: f64[n] inout
          b: f64[n] inout
          body
            for i in 0..n step 1
              for k in 0..3 step 1
                carry c: f64 = 0.0
                b[i] <- add(b[i], a[i])
                a[i] <- add(a[i], 1.0)
                b[i] <- add(b[i], a[i])
                next c = add(c, a[i])
              b[i] <- add(b[i], c)
    """ + "  results\n", [promote], np.arange(3.0), np.arange(3.0))
    assert len(loops(kernel)[1].carries) == 2           # c and a[i]; b[i] is stored twice


@pytest.mark.parametrize(("kind", "count"), [("inout", 0), ("", 1)])
def test_an_argument_is_up_to_date_when_a_check_fails(kind, count):
    declared = "" if kind == "inout" else "alloc t: f64[1]\n            t[0] <- 0.0"
    param = "t: f64[m] inout" if kind == "inout" else "b: f64[m] in"
    kernel = transformed(f"""
        kernel f
          {param}
          p: i64
          error builtins:ValueError 'no'
          body
            {declared}
            for i in 0..1 step 1
              for k in 0..4 step 1
                check lt(k, p) error 0
                t[i] <- add(t[i], 1.0)
          results {"" if kind else "t[0]"}
    """, [promote], np.arange(1.0), 4)
    assert len(loops(kernel)[1].carries) == count
