"""Loops that are interchanged, run several rows at once or transpose in registers give what they
gave, to the last bit."""

from __future__ import annotations

import harness
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_nests import random_nest
from test_emit_random import same

from hotloop.loops import interp
from hotloop.loops.contract import contract
from hotloop.loops.core import For, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.interchange import interchange
from hotloop.loops.promote import promote
from hotloop.loops.split import split
from hotloop.loops.text import parse, show
from hotloop.loops.tile import tile
from hotloop.loops.vectorize import vectorize
from hotloop.loops.verify import verify

PASSES = (interchange, promote, contract, split, vectorize, tile)


def optimized(kernel):
    for run in PASSES:
        kernel = run(kernel)
        verify(kernel)
    return kernel


def outcome(run, kernel, args):
    args = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
    with np.errstate(all="ignore"):
        run(kernel, args)
    return args


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_random_nests(seed: int) -> None:
    with fresh_table():
        kernel, args = random_nest(seed)
        verify(kernel)
        text = show(kernel)
        want = outcome(interp.run, kernel, args)
        kernel = optimized(kernel)
        for got in (outcome(interp.run, kernel, args), outcome(harness.run, kernel, args)):
            for x, y in zip(got, want, strict=True):
                assert same(x, y), f"{x} instead of {y} of\n{text}\n{show(kernel)}"


TRANSPOSE = """
kernel f
  a: f64[n, m] in
  c: f64[m, n] inout
  body
    for i in 0..n step 1
      for j in 0..m step 1
        c[j, i] <- {value}
  results
"""


def test_blocks_are_transposed_without_gathers() -> None:
    """Both when the loads and when the stores are columns, for any sizes."""
    for text in (TRANSPOSE.format(value="a[i, j]"),
                 TRANSPOSE.format(value="a[i, j]").replace("c[j, i] <- a[i, j]",
                                                           "c[i, j] <- a[j, i]").replace(
                     "c: f64[m, n]", "c: f64[n, m]").replace("a: f64[n, m]", "a: f64[m, n]")):
        with fresh_table():
            kernel = vectorize(parse(text))
            kernel = tile(kernel)
            verify(kernel)
            assert any(isinstance(s, For) and s.step.op == "lit" and s.step.args[0] == 8
                       for s in walk(kernel.body))
            machine = harness.Machine(kernel)
            for n, m in ((33, 24), (16, 8), (7, 9), (64, 31)):
                shape = (n, m) if "c[j, i]" in text else (m, n)
                a = np.random.default_rng(0).random(shape)
                c = np.zeros(shape[::-1])
                machine(a, c)
                assert np.array_equal(c, a.T)


def test_a_sum_keeps_the_loop_that_it_is_over() -> None:
    """Rows are summed in order, so neither the order of k and q nor a triangle may change."""
    with fresh_table():
        kernel = interchange(parse("""
kernel f
  a: f64[n, n, n, n] in
  c: f64[n, n] inout
  body
    for k in 0..n step 1
      for i in 0..n step 1
        for q in 0..i step 1
          for j in 0..n step 1
            c[i, j] <- add(c[i, j], a[k, i, q, j])
  results
"""))
        order = [s.var for s in walk(kernel.body) if isinstance(s, For)]
        assert order.index("k") < order.index("q")
        assert order.index("i") < order.index("q")


@pytest.mark.parametrize("shift", [0, 1, -1])
def test_the_iteration_that_stores_what_others_read(shift: int) -> None:
    """Before it they see the old value, behind it the new one; where it may be none of the loop's
    iterations, the loop stays as it is."""
    text = f"""
kernel f
  p: f64[n, n] inout
  body
    for k in 0..n step 1
      for i in 0..n step 1
        for j in 0..n step 1
          p[i, j] <- add(p[i, j], mul(p[i, {f"(k + {shift})" if shift > 0 else "k"}], p[k, j]))
  results
"""
    if shift < 0:                               # there are fewer iterations than k may be
        text = text.replace("for j in 0..n", "for j in 0..(n + -1)")
    p = np.random.default_rng(1).normal(size=(20, 20))
    with fresh_table():
        kernel = parse(text)
        args = [p]
        if shift > 0:
            kernel = parse(text.replace("for k in 0..n", "for k in 0..(n + -1)"))
        want = outcome(interp.run, kernel, args)[0]
        split(kernel)
        verify(kernel)
        loops = sum(isinstance(s, For) for s in walk(kernel.body))
        assert loops == (4 if shift >= 0 else 3)
        vectorize(kernel)
        assert same(outcome(interp.run, kernel, args)[0], want)
        assert same(outcome(harness.run, kernel, args)[0], want)
