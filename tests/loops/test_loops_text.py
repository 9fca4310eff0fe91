"""The text of Loops reads back exactly."""

import numpy as np
import pytest
from buffer_programs import random_program
from programs_gen import random_program as general_program

from hotloop.errors import Location
from hotloop.loops.core import ErrorSite, For, Kernel, Let
from hotloop.loops.expr import e, fresh_table, lit, var
from hotloop.loops.lower import lower
from hotloop.loops.text import parse, show

EVERYTHING = """\
kernel main
  a1: f64[n1] in
  a2: f32[n1, m1] inout strides (s1, s2)
  p1: f64
  p2: bool
  error builtins:ValueError 'negative: {} "quoted" \\n' at 'model.py' 12 4 'f'
  error builtins:AssertionError ''
  site sort ({'axis': 0}, [('f64', 1)], [('f64', 1)], 'all')
  note 'a note, with {} and %'
  body
    alloc b1: f64[]
    alloc b4: f64[n1]
    alloc b5: f64[n1]
    nest j1 in n1 reduce 1 by add @3
      b1[] <- mul(a1[j1], p1)
    for i1 in 0..n1 step 2 until c2 regular lanes 4 note 'hot {loop}' @7
      carry c1: f64 = 0.0 reduce add
      carry c2: bool = False
      t1 = add(a1[(2*i1 + n1 + -1)], c1)
      if lt(p1, t1) @9
        give t1, 1:i32
      else
        a2[i1, 0] add <- convert(t1, f32)
        give p1, 2:i32
      -> t2: f64, t3: i32
      check p2, t2, i1 error 0
      next c1 = t2
      next c2 = gt(t2, inf)
      swap b4 b5
      swap b5 b4
    while
      carry c3: i64 = 0
      t4 = irem(c3, 7)
      unless lt(t4, 3) leave
      alloc b2: u8[c3] now (0)
      next c3 = (c3 + 1)
    call python 0 (a1, p1) -> (b4) (t5: i64)
    call gemm 0 (a1, b4) -> (b5) ()
    alloc r0: f64[n1] result 0
    r0[0] <- select(p2, bitcast(t5, f64), nan)
    nest j2 in 3, j3 in n1
      r0[j3] <- 0x7ff8000000000001:f64
  results r0, b1[], c3
"""


def test_everything():
    with fresh_table():
        assert show(parse(EVERYTHING)) == EVERYTHING


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_random_kernels(first):
    for seed in range(first, first + 10):
        for make in (random_program, general_program):
            program, args = make(seed)
            with fresh_table():
                text = show(lower(program, [seed % 2 == 0 or not isinstance(a, np.ndarray)
                                            for a in args]))
            with fresh_table():
                assert show(parse(text)) == text


def test_shared_expressions_print_once():
    with fresh_table():
        x = var("p1", "f8")
        body = [Let("t0", x)]
        value = x
        for _ in range(60):
            value = e.mul(value, e.add(value, value))
        kernel = Kernel("main", [], [value], body)
        text = show(kernel)
        assert len(text) < 10_000
        with fresh_table():
            text = text.replace("  body", "  p1: f64\n  body", 1)
            assert show(parse(text)) == text


@pytest.mark.parametrize("text, message", [
    ("kernel k\n  body\n    t1 = t2\n  results", "no value 't2'"),
    ("kernel k\n  body\n    b1[0] <- 1.0\n  results", "begins no statement"),
    ("kernel k\n  p1: f99\n  body\n  results", "no dtype"),
    ("kernel k\n  body\n    t1 = (1 ! 2)\n  results", "unexpected '!'"),
])
def test_errors(text, message):
    with fresh_table(), pytest.raises(SyntaxError, match=message):
        parse(text)


def test_locations_show_their_line():
    with fresh_table():
        loop = For("i1", lit(0), lit(3), lit(1), [], location=Location("f.py", 42))
        assert show([loop]) == "for i1 in 0..3 step 1 @42"
        assert ErrorSite(ValueError, "", None).location is None
