"""Generated from the rows: the derivative of each op in both modes, orders 1 and 2."""

import zlib

import numpy as np
import pytest
from derivatives import check_forward, check_reverse, difference, directions, one_equation

from hotloop.ir.interp import run
from hotloop.ops import OPS
from hotloop.ops.derivative import Linear, Partials, Rule, Zero
from hotloop.ops.table import Map, Region

FLOATS, COMPLEXES = np.dtype("f8"), np.dtype("c16")

RANGES = {
    "arccosh": [(1.3, 2.5)], "rint": [(0.1, 0.4)],
    "remainder": [(1.1, 1.12), (0.31, 0.33)], "fmod": [(1.1, 1.12), (0.31, 0.33)],
    "floor_divide": [(1.1, 1.12), (0.31, 0.33)],
    "maximum": [(0.3, 0.7), (0.8, 0.9)], "minimum": [(0.3, 0.7), (0.8, 0.9)],
    "max": [(0.3, 0.7), (0.8, 0.9)], "min": [(0.3, 0.7), (0.8, 0.9)],
}
"""Where the operands of an elementwise op lie; of others between 0.3 and 0.7, away from kinks."""

WITHOUT = {
    "invoke": "its derivative is a function, too: test_recursion",
}
"""Rows of float results that have no rule, and why: an UnsupportedError."""

NOT_HERE = {
    "call_numpy": "by function: test_numpy_rules",
    "call_numpy_checked": "by function: test_numpy_rules",
    "draw": "by distribution: test_draw_rules",
    "draw_keyed": "by distribution: test_draw_rules",
    "call_effect": "by distribution: test_draw_rules",
}


def float_results(row):
    """Samples with a float operand and a float result."""
    for sample in row.samples():
        if any(v.dtype.kind in "fc" for v in map(np.asarray, sample.ins)):
            with np.errstate(all="ignore"):
                value = row.evaluate(sample.params, *sample.ins)
            if any(np.asarray(v).dtype.kind in "fc"
                   for v in (value if isinstance(value, tuple) else (value,))):
                yield sample


def test_every_op_of_floats_has_a_rule():
    without = [row.name for row in OPS.values() if row.derivative is None
               and not isinstance(row.lowering, Region) and any(float_results(row))]
    assert set(without) <= set(WITHOUT)
    regions = {row.name for row in OPS.values() if isinstance(row.lowering, Region)}
    assert {"cond", "for", "while", "call"} <= regions       # known to the transforms themselves


# ---- operands

def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def elementwise_operands(row):
    """Operands of all kinds that the op takes: arrays and scalars, real and complex."""
    rng = generator(row.name)
    kinds = {tuple(np.asarray(v).dtype for v in s.ins) for s in row.samples()}
    for dtypes in sorted(kinds, key=str):
        if not any(d in (FLOATS, COMPLEXES) for d in dtypes) or any(
                d.itemsize < 8 and d.kind in "fc" for d in dtypes):
            continue
        arity = len(dtypes)
        shapes = [[()] * arity, [(4,)] * arity, [(2, 3)] * arity]
        if arity > 1:
            shapes += [[() if k == j else (3,) for k in range(arity)] for j in range(arity)]
        for chosen in shapes:
            yield [operand(rng, d, s, *limits) for d, s, limits in zip(
                dtypes, chosen, RANGES.get(row.name, [(0.3, 0.7)] * arity), strict=True)]


def operand(rng, dtype, shape, low, high):
    x = rng.uniform(low, high, shape)
    if dtype.kind == "c":
        x = x + 1j * rng.uniform(low, high, shape)
    elif dtype.kind != "f":
        x = rng.integers(0, 2, shape)
    return np.asarray(x).astype(dtype)[()]


def spaced(rng, x):
    """Other values of x's type and shape, no two of them near each other."""
    if x.dtype not in (FLOATS, COMPLEXES):
        return x
    y = 0.3 + 0.1 * rng.permutation(np.size(x)).reshape(np.shape(x))
    if x.dtype == COMPLEXES:
        y = y + 1j * rng.permutation(np.size(x)).reshape(np.shape(x)) * 0.1
    return y.astype(x.dtype)[()]


def finite(row, ins, params):
    """Not so for the maximum of nothing."""
    value = row.evaluate(params, *ins)
    return all(np.all(np.isfinite(v)) for v in (value if isinstance(value, tuple) else (value,)))


def cases():
    for row in OPS.values():
        if row.derivative is None or isinstance(row.derivative, Zero) or row.name in NOT_HERE or (
                isinstance(row.lowering, Region) or not any(float_results(row))):
            continue
        if isinstance(row.lowering, Map):
            params = next(float_results(row)).params
            for k, ins in enumerate(elementwise_operands(row)):
                targets = ("f8", "f4", "c16") if row.name == "convert" else (None,)
                for target in targets:
                    yield pytest.param(row, ins, {**params, "dtype": np.dtype(target)} if target
                                       else params, id=f"{row.name}-{k}-{target}")
            continue
        rng = generator(row.name)
        for k, sample in enumerate(float_results(row)):
            ins = [spaced(rng, np.asarray(v)[()]) for v in sample.ins]
            if any(v.dtype in (FLOATS, COMPLEXES) for v in ins) and finite(row, ins, sample.params):
                yield pytest.param(row, ins, sample.params, id=f"{row.name}-{k}")


CASES = list(cases())


def tolerance(params):
    return 1e-4 if params.get("dtype") == np.float32 else 1e-10


@pytest.mark.parametrize("row, ins, params", CASES)
@pytest.mark.parametrize("symbolic", [False, True], ids=["static", "symbolic"])
def test_rules(row, ins, params, symbolic):
    program, args = one_equation(row, ins, params, symbolic)
    check_forward(program, args, tolerance(params))
    check_reverse(program, args, tolerance(params))


@pytest.mark.parametrize("row, ins, params", [
    case for case in CASES if case.values[0].name == "matmul"])
def test_products_of_sizes_with_different_names(row, ins, params):
    """Equal ones of stacks have one name; that the inner ones are equal is found when it runs."""
    if max(v.ndim for v in ins) < 3:
        program, args = one_equation(row, ins, params, "apart")
        check_forward(program, args)
        check_reverse(program, args)


def test_all_rows_with_a_rule_are_tested():
    tested = {case.values[0].name for case in CASES} | set(NOT_HERE)
    assert {row.name for row in OPS.values() if isinstance(row.derivative, Partials | Linear | Rule)
            and any(float_results(row))} == tested


@pytest.mark.parametrize("row", [r for r in OPS.values() if isinstance(r.derivative, Zero)
                                 and isinstance(r.lowering, Map) and any(float_results(r))
                                 and r.name != "stop_gradient"], ids=str)
def test_constant_results(row):
    """What is said to be constant is so: steps, away from where they are."""
    for ins in elementwise_operands(row):
        program, args = one_equation(row, ins, {})
        for d in difference(lambda v, p=program: run(p, v), args, directions(args, 1)):
            np.testing.assert_array_equal(d, 0)


@pytest.mark.parametrize("row", [r for r in OPS.values() if isinstance(r.lowering, Map)
                                 and isinstance(r.derivative, Partials)], ids=str)
def test_literals_of_rules_take_the_dtype(row):
    """f32 stays f32, and has the derivative of f64 to its precision."""
    rng = generator(row.name)
    arity = len(next(float_results(row)).ins)
    ins = [operand(rng, np.dtype("f4"), (3,), *limits)
           for limits in RANGES.get(row.name, [(0.3, 0.7)] * arity)]
    program, args = one_equation(row, ins, {})
    check_reverse(program, args, 1e-5)
    check_forward(program, args, 0.01, orders=1)
