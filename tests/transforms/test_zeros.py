"""Linear halves for tangents of which some are zero."""

import numpy as np
import pytest
from counting import work
from derivatives import directions
from differentiable import CASES
from traced import traced

import hotloop
from hotloop.ir.core import Program, count
from hotloop.ir.interp import run
from hotloop.ir.verify import verify
from hotloop.ops.dce import dce
from hotloop.transforms.linearize import halves
from hotloop.transforms.prepare import fresh
from hotloop.transforms.zeros import without


def pushed(half, zero):
    """The Program of the function and its tangents, for the inputs that are not zero."""
    eqns, outs = without(half.linear.eqns, half.outs, half.inputs, zero)
    made = half.program
    given = [v for v in half.inputs if v not in zero]
    kept = [a for a in outs if a is not None]
    program = dce(fresh(Program([*made.params, *given], [*made.eqns, *eqns], [*made.outs, *kept],
                                made.name, (*made.into, *[None] * len(kept)))))
    verify(program)
    return program, [a is not None for a in outs]


@pytest.mark.parametrize("function, args", [c for c in CASES if len(c[1]) > 1],
                         ids=lambda x: getattr(x, "__name__", ""))
def test_zeros_are_left_out(function, args):
    program, values = traced(function, args)
    half = halves(program, [True] * len(values))
    whole, present = pushed(half, ())
    floats = directions(values, 1)
    for k, var in enumerate(half.inputs):
        tangents = [t if j == k else 0 * t for j, t in enumerate(floats)]
        with np.errstate(all="ignore"):
            want = iter(run(whole, [*values, *tangents])[len(program.outs):])
            want = [next(want) if here else 0.0 for here in present]
            part, left = pushed(half, [v for v in half.inputs if v is not var])
            got = iter(run(part, [*values, floats[k]])[len(program.outs):])
            for w, here in zip(want, left, strict=True):
                np.testing.assert_allclose(next(got) if here else 0.0, w, rtol=1e-12, atol=1e-13)
        assert count(part) <= count(whole) + 1          # an array of zeros


def test_a_term_without_tangent_costs_nothing():
    def f(x, y):
        return np.sin(x) * np.cos(y) + x * y - np.exp(y)
    program, values = traced(f, (np.ones(50), np.ones(50)))
    half = halves(program, [True, True])
    both, _ = pushed(half, ())
    one, _ = pushed(half, half.inputs[1:])
    values = [*values, np.ones(50)]
    plain = work(program, values[:2]).total()
    assert work(one, values).total() - plain < 0.6 * (
        work(both, [*values, np.ones(50)]).total() - plain)


def test_infinite_slopes_of_what_is_not_differentiated():
    forward = hotloop.jacfwd(lambda x, y: np.sqrt(x) + y * y, 1)
    np.testing.assert_array_equal(forward(np.zeros(2), np.ones(2)), 2 * np.eye(2))
