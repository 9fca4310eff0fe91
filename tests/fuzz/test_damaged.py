"""What is damaged is found: texts of both IRs, entries of the disk cache."""

import random

import pytest
from programs_gen import random_program

from hotloop.errors import HotloopError
from hotloop.ir import text, verify
from hotloop.loops import expr, parsing
from hotloop.loops import lower as lowering
from hotloop.loops import text as loops_text
from hotloop.loops import verify as loops_verify
from hotloop.ops import OPS

LETTERS = "()[]{}<>,;:=.0123456789 abcdefnijklt_-+'\"\n@"


def damaged(rnd, whole):
    for _ in range(rnd.choice((1, 1, 2, 5))):
        at = rnd.randrange(len(whole))
        size = rnd.choice((0, 1, 3, 20))
        new = rnd.choice(("", rnd.choice(LETTERS), whole[at // 2:at // 2 + size]))
        whole = whole[:at] + new + whole[at + size:]
    return whole[:rnd.randrange(1, len(whole) + 1)] if rnd.random() < 0.1 else whole


@pytest.mark.parametrize("seed", range(6))
def test_damaged_texts_are_clean_errors(seed):
    rnd = random.Random(seed)
    program = random_program(seed)
    program = program[0] if isinstance(program, tuple) else program
    with expr.fresh_table():
        kernel = lowering.lower(program, [True] * len(program.params))
        shown = loops_text.show(kernel)
    for _ in range(40):
        try:
            verify.verify(text.parse(damaged(rnd, text.show(program)), OPS))
        except (SyntaxError, HotloopError) as error:
            assert str(error)
        try:
            with expr.fresh_table():
                loops_verify.verify(parsing.parse(damaged(rnd, shown)))
        except (SyntaxError, HotloopError) as error:
            assert str(error)
