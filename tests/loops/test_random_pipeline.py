"""Random Programs, lowered: no pass changes what they do, whichever others are left out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from meaning import close, run
from programs_gen import assert_same_outcome, outcome, random_program

from hotloop.errors import UnsupportedError
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.loops.pipeline import PASSES
from hotloop.loops.verify import verify


@given(st.integers(0, 2**32), st.sets(st.sampled_from([name for name, _, _ in PASSES])))
def test_random_programs(seed, skipped):
    program, args = random_program(seed)
    changed = []

    def action():
        results, after = run(kernel, args)
        changed[:] = after
        return results

    with fresh_table():
        try:
            kernel = lower(program, [True] * len(program.params))
        except UnsupportedError:
            return
        want = outcome(action)
        seen = list(changed)
        for name, run_pass, instead in PASSES:
            if name not in skipped:
                kernel = run_pass(kernel)
            elif instead is not None:
                kernel = instead(kernel)
            verify(kernel)
            assert_same_outcome(outcome(action), want, close)
            if want[0] == "returns":
                for x, y in zip(changed, seen, strict=True):
                    close(np.asarray(x), np.asarray(y))
