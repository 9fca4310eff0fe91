"""Every pass keeps the meaning of random Programs, leaves them well formed and its input alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs_gen import assert_same_outcome, exactly, outcome, random_program

from hotloop import config
from hotloop.ir import interp
from hotloop.ir.interp import run
from hotloop.ir.text import show
from hotloop.ir.verify import verify
from hotloop.passes import ranges
from hotloop.passes.pipeline import PASSES, optimize

UNIQUE = dict(PASSES).items()


@pytest.mark.parametrize("name, run_pass", [p for p in UNIQUE if not p[0].endswith("again")])
@given(seed=st.integers(0, 2**32))
def test_pass(name, run_pass, seed):
    program, args = random_program(seed)
    before = show(program)
    want = outcome(lambda: run(program, args))
    after = run_pass(program)
    verify(after)
    assert show(program) == before
    assert_same_outcome(outcome(lambda: run(after, args)), want, exactly)


@given(seed=st.integers(0, 2**32))
def test_pipeline(seed):
    program, args = random_program(seed)
    before = show(program)
    want = outcome(lambda: run(program, args))
    stages = []
    after = optimize(program, lambda name, stage: (stages.append(name), verify(stage)))
    assert stages == [name for name, _ in PASSES]
    assert show(program) == before
    assert_same_outcome(outcome(lambda: run(after, args)), want, exactly)


@given(seed=st.integers(0, 2**32))
def test_bounds_hold(seed):
    """Every value lies in the bounds that `ranges` found for its Var."""
    program, args = random_program(seed, raises=False)
    analysis = ranges._Ranges(program)
    after = analysis.run(program)

    def bind(var, value, env):
        env[var] = value
        if var in analysis.bounds:
            low, high = analysis.bounds[var]
            assert low <= int(value) <= high
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interp, "_bind", bind)
        run(after, args)


def test_skip(monkeypatch):
    program, _ = random_program(0)
    monkeypatch.setattr(config, "skip", "cse, fold")
    seen = []
    optimize(program, lambda name, stage: seen.append(name))
    assert seen == [name for name, _ in PASSES if name not in ("cse", "cse again", "fold")]
