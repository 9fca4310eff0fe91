"""Whole functions with control flow and mutation: both modes, orders 1 and 2, interpreted."""

import numpy as np
import pytest
from derivatives import check_forward, check_reverse, close, cotangents_of, directions
from differentiable import CASES
from traced import traced

from hotloop.ir.interp import run
from hotloop.ir.verify import verify
from hotloop.passes.pipeline import canonical
from hotloop.transforms.linearize import linearize
from hotloop.transforms.vjp import vjp

FUNCTIONS = {f.__name__: (f, args) for f, args in CASES}
FIRST_ORDER = {"secant_bisect"}
"""The second derivative of what a bisection and a step of Newton's method compute is not that of
the root they find, and differences see the root."""
COARSE = {"f32"}

exact = [n for n in FUNCTIONS if n not in COARSE]


@pytest.mark.parametrize("name", exact)
def test_forward_mode_agrees_with_differences(name):
    program, args = traced(*FUNCTIONS[name])
    check_forward(program, args, 2e-7, orders=1 if name in FIRST_ORDER else 2)


@pytest.mark.parametrize("name", exact)
def test_reverse_mode_agrees_with_forward_mode(name):
    program, args = traced(*FUNCTIONS[name])
    check_reverse(program, args, 1e-10)


@pytest.mark.parametrize("name", ["rnn", "gp_loops", "masked_write", "newton_in_loop", "shrink"])
def test_gradients_of_gradients_of_canonical_programs(name):
    """As `expand` does it: the inner gradient is brought into canonical form first."""
    program, args = traced(*FUNCTIONS[name])
    gradient = canonical(vjp(program, [True] * len(args)))
    with np.errstate(all="ignore"):
        weights = directions([v for v in run(program, args) if v.dtype.kind == "f"], 3)
    check_reverse(gradient, [*args, *weights], 1e-10, orders=1)


@pytest.mark.parametrize("name", sorted(COARSE))
def test_single_precision_stays_single(name):
    program, args = traced(*FUNCTIONS[name])
    check_reverse(program, args, 1e-6)
    gradient = vjp(program, [True] * len(args))
    assert {a.dtype.name for a in gradient.outs} == {"float32"}


@pytest.mark.parametrize("name", exact[::4])
def test_closed_halves_agree_with_the_gradient(name):
    """`linearize` gives two programs: the primal one with residuals, and a linear one of them."""
    program, args = traced(*FUNCTIONS[name])
    primal, linear = linearize(program, [True] * len(args))
    verify(primal)
    verify(linear)
    tangents = directions(args, 1)
    saved = run(primal, args)[len(program.outs):]
    pushed = run(linear, [*saved, *tangents])
    weights = directions(pushed, 2)
    pulled = cotangents_of(program, args, weights)
    total = sum(np.sum(np.real(w * p)) for w, p in zip(weights, pushed, strict=True))
    back = sum(np.sum(np.real(c * t)) for c, t in zip(pulled, tangents, strict=True))
    np.testing.assert_allclose(total, back, rtol=1e-9, atol=1e-9)


def test_the_results_are_those_of_the_program():
    for function, given in CASES[::3]:
        program, args = traced(function, given)
        outs = run(program, args)
        weights = directions([v for v in outs if v.dtype.kind in "fc"], 3)
        close(run(vjp(program, [True] * len(args)), [*args, *weights])[:len(outs)], outs, 1e-12)
