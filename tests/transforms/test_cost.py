"""What gradients cost: work, saved elements, and the time of the transforms themselves."""

import sys

import numpy as np
import pytest
from counting import work
from derivatives import directions
from differentiable import CASES
from traced import traced

from hotloop.ir.core import Block, Lit, Program, Var, count
from hotloop.ir.interp import run
from hotloop.ir.types import F64, I64, Type
from hotloop.loops.core import Alloc, For, While, parts
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.ops import control
from hotloop.ops.dce import dce
from hotloop.ops.emit import Emit
from hotloop.ops.table import make_eqn
from hotloop.passes.pipeline import optimize
from hotloop.transforms.jvp import jvp
from hotloop.transforms.linearize import linearize
from hotloop.transforms.vjp import vjp

FUNCTIONS = {f.__name__: f for f, _ in CASES}


def both(function, args):
    """Work of a function and of its gradient."""
    plain, values = traced(function, args, optimize)
    program, values = traced(function, args)
    gradient = optimize(vjp(program, [True] * len(values)))
    with np.errstate(all="ignore"):
        weights = directions([v for v in run(program, values) if v.dtype.kind in "fc"], 1)
    return work(plain, values), work(gradient, [*values, *weights])


def test_a_gradient_costs_a_few_times_its_function():
    ratios = {}
    for function, args in CASES:
        plain, gradient = both(function, args)
        if not plain["call"] and plain.total() > 20:
            ratios[function.__name__] = gradient.total() / plain.total()
    assert len(ratios) > 30
    assert max(ratios.values()) < 7, max(ratios.items(), key=lambda pair: pair[1])
    assert np.median(list(ratios.values())) < 3.5


def rng():
    return np.random.default_rng(0).standard_normal


SIZED = {
    "prefix": lambda n: (rng()(n), rng()(n)),
    "gp_loops": lambda n: (rng()(n), rng()(n), 0.8, 0.5),
    "stencil_loops": lambda n: (rng()((n, n)), 2),
    "triangular_tape": lambda n: (rng()(n), 1),
    "swap_buffers": lambda n: (rng()(n), rng()((n, n))),
    "branches": lambda n: (rng()(n), rng()(n)),
    "bubble": lambda n: (rng()(n),),
    "gauss_elim": lambda n: (rng()((n, n)) + n * np.eye(n), rng()(n)),
    "rnn": lambda n: (rng()((4, 4)), rng()((4, 3)), rng()(4), rng()((n, 3))),
    "floyd": lambda n: (rng()((n // 2, n // 2)), 0),
    "views": lambda n: (rng()(n), rng()(3)),
    "shrink": lambda n: (0.1 * rng()(n),),
    "early_exit": lambda n: (rng()(n), 0.6 * n),
    "newton_in_loop": lambda n: (np.abs(rng()(n)) + 1.0,),
}


@pytest.mark.parametrize("name", SIZED)
def test_work_of_a_trip_does_not_grow_with_the_number_of_trips(name):
    """A zero array for each load, a copy for each store, a saved array for each scalar: all of them
    are right and slow."""
    ratios = []
    for n in (4, 8, 16):
        plain, gradient = both(FUNCTIONS[name], SIZED[name](n))
        ratios.append(gradient.total() / plain.total())
    assert ratios[2] < 1.15 * ratios[1] < 1.4 * ratios[0], ratios


@pytest.mark.parametrize("name, make", [
    ("growing_list", lambda n: (rng()(n), rng()(n))),
    ("lists_in_branches", lambda n: (rng()(n), rng()(3))),
    ("trace_of_newton", lambda n: (np.abs(rng()(n)) + 0.5, rng()(n)))])
def test_lists_that_grow_are_not_copied(name, make):
    plain, gradient = both(FUNCTIONS[name], make(20))
    plain_, gradient_ = both(FUNCTIONS[name], make(160))
    assert gradient_.total() / plain_.total() < 1.3 * gradient.total() / plain.total()
    assert gradient_.total() < 6 * plain_.total()


@pytest.mark.parametrize("name, trips, most", [
    ("prefix", 8, 1.1), ("stencil_loops", 60, 3.1), ("rnn", 4 * 9, 2.1), ("bundle", 7, 0),
    ("matfac", 48, 4.6), ("histo", 30, 0), ("pairwise", 90, 0.4), ("branches", 7, 1),
    ("newton", 16, 1), ("objects", 5, 2), ("floyd", 64, 2.1)])
def test_what_is_saved_for_a_trip(name, trips, most):
    """Elements of tapes for each of the innermost trips (rnn: vectors of the state)."""
    function, args = next((f, a) for f, a in CASES if f.__name__ == name)
    program, values = traced(function, args)
    primal, _ = linearize(program, [True] * len(values))
    saved = work(dce(primal), values)["fill"] - work(program, values)["fill"]
    assert saved <= most * trips, saved / trips


# ---- time of the transforms

def straight(size):
    """`size` equations one after the other."""
    x = Var(Type(F64))
    b, y = Emit(), x
    for _ in range(size // 4):
        y = b.sub(b.mul(b.sin(y), x), b.add(y, 0.5))
    return Program([x], b.eqns, [y])


def loop(x, size, start):
    b, i, c = Emit(), Var(Type(I64)), Var(Type(F64))
    y = c
    v = b.op("get", x, i, codes="i")
    for _ in range(size):
        y = b.add(b.sin(b.mul(y, v)), y)
    return make_eqn(control.for_, (Lit(0), x.shape[0], Lit(1), start), {"until": None},
                    [Block([i, c], b.eqns, [y])])


def one_loop(size):
    x = Var(Type(F64, (Var(Type(I64)),)))
    eqn = loop(x, size // 3, Lit(0.5))
    return Program([x], [eqn], eqn.outs)


def sequence(loops):
    x = Var(Type(F64, (Var(Type(I64)),)))
    eqns, last = [], Lit(0.5)
    for _ in range(loops):
        eqns.append(loop(x, 1, last))
        last = eqns[-1].outs[0]
    return Program([x], eqns, [last])


@pytest.mark.parametrize("make, small", [(straight, 250), (one_loop, 250), (sequence, 12)])
@pytest.mark.parametrize("transform", [jvp, vjp])
def test_transforms_take_linear_time(make, small, transform):
    """Eight times the size takes about eight times as many calls of functions."""
    def calls(size):
        program = make(size)
        called = 0

        def count_calls(frame, event, arg):
            nonlocal called
            called += event == "call"
        before = sys.getprofile()
        sys.setprofile(count_calls)
        try:
            made = transform(program, [True])
        finally:
            sys.setprofile(before)
        return called, count(made) / count(program)
    (before, grown), (after, much) = calls(small), calls(8 * small)
    assert after < 8 * 1.2 * before
    assert abs(grown - much) < 0.1 * grown


# ---- updates in place

def allocations(body, inside=False):
    """Arrays that are allocated in loops."""
    found = 0
    for statement in body:
        found += inside and isinstance(statement, Alloc)
        for part in parts(statement):
            found += allocations(part, inside or isinstance(statement, For | While))
    return found


@pytest.mark.parametrize("name", ["prefix", "stencil_loops", "matfac", "branches", "pairwise",
                                  "histo", "floyd", "bubble", "gp_loops", "newton_in_loop"])
def test_the_backward_pass_updates_in_place(name):
    """No array is copied, and none is made in a loop."""
    function, args = next((f, a) for f, a in CASES if f.__name__ == name)
    program, values = traced(function, args)
    gradient = optimize(vjp(program, [True] * len(values)))
    with fresh_table():
        kernel = lower(gradient, [True] * len(gradient.params))
    assert kernel.notes == []
    assert allocations(kernel.body) == 0
