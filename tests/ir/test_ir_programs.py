"""Random Programs: well formed, their text parses back, running leaves arguments alone."""

import copy

from hypothesis import given
from hypothesis import strategies as st
from programs_gen import assert_same_outcome, exactly, outcome, random_program

from hotloop.ir.core import rename
from hotloop.ir.interp import run
from hotloop.ir.text import equal, parse, show
from hotloop.ir.verify import verify
from hotloop.ops import OPS


@given(st.integers(0, 2**32))
def test_random_programs(seed):
    program, args = random_program(seed)
    verify(program)
    text = show(program)
    again = parse(text, OPS)
    assert equal(again, program)
    assert show(again) == text
    before = copy.deepcopy(args)
    want = outcome(lambda: run(program, args))
    for x, y in zip(args, before, strict=True):
        exactly(x, y)
    assert_same_outcome(outcome(lambda: run(again, args)), want, exactly)


@given(st.integers(0, 2**32))
def test_rename(seed):
    program, _ = random_program(seed, size=6)
    copied = rename(program, {})
    verify(copied)
    assert equal(copied, program)
    assert not set(copied.params) & set(program.params)
