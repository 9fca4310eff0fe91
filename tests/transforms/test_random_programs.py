"""Random Programs with all control flow: the two modes agree, and so do they on the gradient."""

import sys
from pathlib import Path

import numpy as np
import pytest
from derivatives import directions
from programs_gen import random_program

from hotloop.ir.core import count, walk
from hotloop.ir.interp import run
from hotloop.ir.verify import verify
from hotloop.passes.pipeline import canonical
from hotloop.transforms.jvp import jvp
from hotloop.transforms.vjp import vjp

sys.path.insert(0, str(Path(__file__).parent.parent / "loops"))
import buffer_programs

PER_TEST = 4
LARGEST = 250
"""Equations of a gradient that is differentiated again: the interpreter is slow."""


def finite(value):
    value = np.asarray(value)
    if value.dtype.kind in "fc":
        value = np.where(np.isfinite(value), value, 0.5).astype(value.dtype)
    return value[()]


def is_coarse(program):
    """Does it compute in less than double precision?"""
    dtypes = {v.dtype for e in walk(program) for v in e.outs} | {p.dtype for p in program.params}
    return any(d.name in ("float16", "float32", "complex64") for d in dtypes)


def check(program, args, tolerance):
    """The dot test; gives the gradient and its arguments, None where values overflow."""
    forward, reverse = (transform(program, [True] * len(args)) for transform in (jvp, vjp))
    verify(forward)
    verify(reverse)
    outs = run(program, args)
    tangents = directions(args, 1)
    weights = directions([v for v in outs if v.dtype.kind in "fc"], 2)
    pushed = run(forward, [*args, *tangents])[len(outs):]
    found = run(reverse, [*args, *weights])
    for x, y in zip(outs, found, strict=False):
        np.testing.assert_array_equal(x, y)
    pulled = found[len(outs):]
    with np.errstate(all="ignore"):
        terms = [[np.ravel(c * t).astype(complex) for c, t in zip(a, b, strict=True)]
                 for a, b in ((weights, pushed), (pulled, tangents))]
        ahead, behind = (np.concatenate([*t, [0]]) for t in terms)
        size = np.sum(np.abs(ahead)) + np.sum(np.abs(behind))
        if not np.isfinite(size) or size > 1e100:
            return None
    assert abs(np.sum(ahead).real - np.sum(behind).real) <= tolerance * max(size, 1e-3)
    return reverse, [*args, *weights]


def check_both_orders(program, args):
    program = canonical(program) if len(program.eqns) % 2 else program
    args = list(map(finite, args))
    tolerance = 2e-3 if is_coarse(program) else 1e-8
    try:
        run(program, args)
    except (ValueError, IndexError, ArithmeticError):
        return
    found = check(program, args, tolerance)
    if found is not None and count(found[0]) < LARGEST:
        check(*found, 10 * tolerance)


@pytest.mark.parametrize("first", range(0, 80, PER_TEST))
def test_programs_of_all_kinds(first):
    for seed in range(first, first + PER_TEST):
        check_both_orders(*random_program(seed))


@pytest.mark.parametrize("first", range(0, 32, PER_TEST))
def test_programs_that_update_arrays(first):
    for seed in range(first, first + PER_TEST):
        check_both_orders(*buffer_programs.random_program(seed))
