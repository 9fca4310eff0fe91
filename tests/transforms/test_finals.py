"""Loads from arrays after the loop that filled them, in place of tapes."""

import itertools

import numpy as np
import pytest
from counting import work
from derivatives import check_reverse
from traced import traced

from hotloop.ir.core import Block, Lit, Program, Var, walk
from hotloop.ir.types import I64, Type
from hotloop.ops import control
from hotloop.ops.dce import dce
from hotloop.ops.emit import Emit
from hotloop.ops.table import make_eqn
from hotloop.transforms.affine import Compared, Joint, System, meaning, minus, plus
from hotloop.transforms.finals import Finals
from hotloop.transforms.linearize import linearize

# ---- linear forms


def enumerated(positive, zero, nonzero, box=4):
    """Is there a solution with unknowns between -box and box?"""
    def value(form, point):
        return sum(k * point.get(u, 1) for u, k in form.items())
    for numbers in itertools.product(range(-box, box + 1), repeat=3):
        point = dict(zip("abc", numbers, strict=True))
        if all(value(f, point) >= 0 for f in positive) and all(
                value(f, point) == 0 for f in zero) and all(
                value(f, point) != 0 for f in nonzero):
            return True
    return False


@pytest.mark.parametrize("seed", range(150))
def test_a_system_without_solution_has_none(seed):
    rng = np.random.default_rng(seed)

    def form():
        made = {u: int(rng.integers(-3, 4)) for u in (*"abc", 1)}
        return {u: k for u, k in made.items() if k}
    forms = [[form() for _ in range(rng.integers(0, n))] for n in (5, 3, 3)]
    system = System()
    system.positive, system.zero, system.nonzero = forms
    for u in "abc":
        system.at_least({u: 1}, {1: -4})
        system.at_least({1: 4}, {u: 1})
    if not system.feasible():
        assert not enumerated(*forms)


def test_forms_are_read_off_the_rows():
    i, j, c = Var(Type(I64)), Var(Type(I64)), Var(Type(np.dtype(bool)))
    b = Emit()
    forms = {
        b.add(i, j): {i: 1, j: 1}, b.sub(i, 2): {i: 1, 1: -2}, b.neg(j): {j: -1},
        b.mul(-4, i): {i: -4}, b.mul(i, j): None, b.floor_divide(i, 2): None,
        b.le(i, j): Compared("le", {i: 1}, {j: 1}), b.ne(i, 7): Compared("ne", {i: 1}, {1: 7}),
        b.not_(c): Joint("not", (c,)), b.min(i, j): None}

    def of(x):
        return {1: int(x.value)} if isinstance(x, Lit) else {x: 1}
    made = {out: eqn for eqn in b.eqns for out in eqn.outs}
    for var, want in forms.items():
        assert meaning(made[var], of) == want
    floats = Emit()
    floats.add(Var(Type(np.dtype(float))), 1.0)
    assert meaning(floats.eqns[0], of) is None


def test_bounds_are_rounded_to_integers():
    system = System()
    system.equal({"a": 2}, {"b": 2, 1: 1})
    assert not system.feasible()
    system = System()
    system.at_least({"a": 3}, {1: 1})
    system.at_least({1: 2}, {"a": 3})
    assert not system.feasible()
    assert plus({"a": 1}, {"a": -1, 1: 2}) == {1: 2} and minus({"a": 1}, {"a": 1}) == {}


# ---- which values need not be saved

def cholesky(a):
    n = len(a)
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= c[i, k] * c[j, k]
            if i == j:
                c[i, j] = np.sqrt(s)
            else:
                c[i, j] = s / c[j, j]
    return np.sum(c)


def in_place_lu(a):
    a = a.copy()
    n = len(a)
    for j in range(n):
        for i in range(j + 1, n):
            a[i, j] /= a[j, j]
            for k in range(j + 1, n):
                a[i, k] -= a[i, j] * a[j, k]
    return np.sum(a * a)


def substitution(a, y):
    x = np.zeros(len(y))
    for i in range(len(y) - 1, -1, -1):
        s = y[i]
        for k in range(i + 1, len(y)):
            s -= a[i, k] * x[k]
        x[i] = s / a[i, i]
    return np.sum(x * x)


def trajectory(x, a):
    states = np.zeros((len(a) + 1, len(x)))
    states[0] = x
    for t in range(len(a)):
        states[t + 1] = states[t] + a[t] * np.sin(states[t])
    return np.sum(states[-1])


def table(x, y):
    t = np.zeros((len(x) + 1, len(y) + 1))
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            t[i, j] = t[i - 1, j - 1] * x[i - 1] + t[i - 1, j] * t[i, j - 1] + y[j - 1]
    return t[-1, -1]


def counted_while(x, a):
    xs = np.zeros(len(a) + 1)
    xs[0] = x
    n = 0
    while n < len(a):
        xs[n + 1] = xs[n] * a[n] + np.sin(xs[n])
        n += 1
    return xs[n]


def over_and_over(x, a):
    """The counterexample: each trip overwrites what the one before stored."""
    x = x.copy()
    for t in range(len(a)):
        for i in range(1, len(x)):
            x[i] = x[i] * x[i - 1] * a[t]
    return np.sum(x)


def appended(x, a):
    xs = [x]
    for t in range(len(a)):
        xs.append(np.sin(xs[t]) * a[t])
    return xs[len(a)]


def spread(a):
    return a @ a.T + len(a) * np.eye(len(a))


NORMAL = np.random.default_rng(0).standard_normal
CASES = [
    (cholesky, (spread(NORMAL((6, 6))),), 0),
    (in_place_lu, (spread(NORMAL((6, 6))),), 0),
    (substitution, (spread(NORMAL((6, 6))), NORMAL(6)), 0),
    (trajectory, (NORMAL(3), NORMAL(7)), 42),
    (table, (NORMAL(5), NORMAL(6)), 0),
    (counted_while, (0.3, NORMAL(7)), 14),
    (appended, (0.3, NORMAL(7)), None),
    (over_and_over, (1.0 + 0.1 * NORMAL(5), NORMAL(4)), 32),
]


@pytest.mark.parametrize("function, args, most", CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_what_is_in_the_array_is_not_saved(function, args, most):
    program, values = traced(function, args)
    check_reverse(program, values)
    if most is None:
        return
    primal, _ = linearize(program, [True] * len(values))
    saved = work(dce(primal), values)["fill"] - work(program, values)["fill"]
    assert saved <= most
    if most:
        assert saved > most / 3


# ---- random loops

SIZE = 24


def random_loops(seed):
    """Loads and stores at random linear places of an array, in one loop and in one inside it."""
    rng = np.random.default_rng(seed)
    x = Var(Type(np.float64, (SIZE,)))
    i, j, p, q = Var(Type(I64)), Var(Type(I64)), Var(x.type), Var(x.type)
    n = int(rng.integers(2, 5))
    triangular = rng.random() < 0.5
    steps = [int(rng.choice([1, 1, -1, 2])) for _ in range(2)]

    def place(b):
        k, m, c = int(rng.integers(-3, 4)), int(rng.integers(-3, 4)), int(rng.integers(0, 4))
        least = min(0, k * (n - 1)) + min(0, m * (n - 1))
        where = b.add(b.mul(i, Lit(k)), Lit(c - least))
        return b.add(where, b.mul(j, Lit(m))) if b is inner else where

    def access(b, array, count):
        for _ in range(count):
            where = place(b)
            value = b.sin(b.mul(b.op("get", array, where, codes="i"), 1.5))
            kind = rng.integers(0, 4)
            if kind == 0:
                arms = []
                here = place(b)
                for _ in range(2):
                    arm = Emit()
                    new = array if rng.random() < 0.3 else arm.op(
                        "set", array, value, here, codes="i")
                    arms.append(Block((), arm.eqns, [new]))
                condition = b.op(str(rng.choice(["eq", "lt", "ne"])), i, j if b is inner else 1)
                made = make_eqn(control.cond, (condition,), {}, arms)
                b.eqns.append(made)
                array = made.outs[0]
            else:
                array = b.op("set" if kind < 3 else "addat", array, value, place(b), codes="i")
        return array

    def bounds(step, last):
        if step < 0:
            return last, Lit(-1), Lit(step)
        return Lit(0), last, Lit(step)
    inner = Emit()
    inside = access(inner, q, int(rng.integers(1, 3)))
    b = Emit()
    first = access(b, p, 1) if rng.random() < 0.3 else p
    top = b.add(i, 1) if triangular and steps[1] > 0 else Lit(n if steps[1] > 0 else n - 1)
    b.eqns.append(make_eqn(control.for_, (*bounds(steps[1], top), first), {"until": None},
                           [Block([j, q], inner.eqns, [inside])]))
    outer = make_eqn(control.for_, (*bounds(steps[0], Lit(n if steps[0] > 0 else n - 1)), x),
                     {"until": None}, [Block([i, p], b.eqns, b.eqns[-1].outs)])
    return Program([x], [outer], outer.outs)


@pytest.mark.parametrize("seed", range(0, 200, 40))
def test_random_loads_and_stores(seed):
    found = total = 0
    for k in range(seed, seed + 40):
        program = random_loops(k)
        finals = Finals(program)
        loads = [e for e in walk(program) if e.op.name == "get"]
        total += len(loads)
        found += sum(finals.of(e.outs[0]) is not None for e in loads)
        check_reverse(program, [np.random.default_rng(k).uniform(0.5, 1.5, SIZE)], orders=1)
    assert 0 < found < total
