"""Generated from the rows: each op on each of its samples, against its NumPy meaning.

The type rule must give what `evaluate` gives; the lowering's description, interpreted here one
element at a time with the NumPy meaning of the scalar operations, must give the same elements.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from hotloop.ir.core import Lit, Program, Var
from hotloop.ir.interp import REGIONS, run
from hotloop.ir.text import equal, parse, show
from hotloop.ir.types import Type
from hotloop.ir.verify import verify
from hotloop.loops.expr import affine, e, fresh_table, operands
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.ops import OPS, make_eqn, transforms
from hotloop.ops.table import Generate, Map, Move, Reduce, Scan, Update

ROWS = [row for row in OPS.values() if row.evaluate is not None]
DOCS = Path(__file__).parents[2] / "docs" / "ir.md"


def same_bits(got, want):
    """Equal, a nan being any nan; zeros have their signs."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if got.dtype.kind == "c":
        same_bits(got.real, want.real)
        same_bits(got.imag, want.imag)
    else:
        np.testing.assert_array_equal(got, want)
        if got.dtype.kind == "f":
            real = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(got)[real], np.signbit(want)[real])


def close(got, want, dtype):
    np.testing.assert_allclose(got, want, rtol=64 * np.finfo(dtype).eps,
                               atol=16 * np.finfo(dtype).eps)


def one_op(row, sample, literal=False):
    """A Program of one equation; scalar operands are parameters or literals."""
    params, ins = [], []
    for value in sample.ins:
        if literal and np.ndim(value) == 0 and isinstance(value, np.generic):
            ins.append(Lit(value))
        else:
            params.append(Var(Type(value.dtype, np.shape(value))))
            ins.append(params[-1])
    eqn = make_eqn(row, ins, sample.params)
    args = [v for v, a in zip(sample.ins, ins, strict=True) if isinstance(a, Var)]
    return Program(params, [eqn], eqn.outs), args


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_types_and_text(row):
    samples = list(row.samples())
    assert samples
    for sample in samples:
        for literal in (False, True):
            program, args = one_op(row, sample, literal)
            verify(program)
            assert equal(parse(show(program), OPS), program)
            with np.errstate(all="ignore"):
                want = row.evaluate(sample.params, *sample.ins)
            got = run(program, args)            # checks the dtypes and shapes of the rule
            for g, w in zip(got, want if isinstance(want, tuple) else (want,), strict=True):
                same_bits(g, w)
                assert isinstance(g, np.ndarray) == bool(np.ndim(g))
                assert not any(np.may_share_memory(g, a) for a in args if np.ndim(g))


def interpret(node, env):
    """The NumPy meaning of an expression."""
    if node.op == "var":
        return env[node.args[0]]
    if node.op == "lit":
        return node.args[0]
    kids = [interpret(k, env) for k in operands(node)]
    if node.op == "aff":
        total = np.int64(affine(node)[0])
        for (_, k), value in zip(node.args[1], kids, strict=True):
            total = total + np.int64(k) * value
        return total
    if node.op == "convert":
        return kids[0].astype(node.dtype)
    if node.op == "bitcast":
        return kids[0].view(node.dtype)
    return SCALAR_OPS[node.op].evaluate(*kids)


def map_meaning(row, sample):
    """The result of a Map's description; f16 is computed in f32, as loops.lower does."""
    env = {}

    def leaf(name, value):
        env[name] = value
        return e.var(name, value.dtype)

    nodes = []
    half = any(v.dtype == np.float16 for v in sample.ins)
    params = dict(sample.params)
    for k, value in enumerate(sample.ins):
        if value.dtype.kind == "c":
            nodes.append((leaf(f"re{k}", value.real), leaf(f"im{k}", value.imag)))
        else:
            if value.dtype == np.float16:
                value = value.astype(np.float32)
            nodes.append(leaf(f"x{k}", value))
    want = row.evaluate(sample.params, *sample.ins)
    is_complex = want.dtype.kind == "c" or any(isinstance(n, tuple) for n in nodes)
    lowering = row.lowering
    expr = lowering.complex_expr if is_complex else lowering.expr
    result = expr(e, *nodes, **params)
    if isinstance(result, tuple):
        re, im = (interpret(r, env) for r in result)
        value = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), want.dtype)
        value.real, value.imag = re, im
        return value, want
    value = interpret(result, env)
    if half and want.dtype == np.float16:
        value = value.astype(np.float16)
    return np.broadcast_to(value, want.shape), want


@pytest.mark.parametrize("row", [r for r in ROWS if isinstance(r.lowering, Map)], ids=str)
def test_maps(row):
    for sample in row.samples():
        with fresh_table(), np.errstate(all="ignore"):
            got, want = map_meaning(row, sample)
        functions = any(op.math for op in SCALAR_OPS.values() if op.name == row.name)
        complex_in = any(v.dtype.kind == "c" for v in sample.ins)
        if complex_in and (functions or row.name in ("abs", "sqrt")):
            close(got, want, want.dtype)
        elif row.name == "mul" and complex_in:
            close(got, want, want.dtype)        # NumPy may use fused multiply-adds
        elif row.name in ("minimum", "maximum"):
            np.testing.assert_array_equal(got, want)    # of 0.0 and -0.0 either, as NumPy's own
        else:
            same_bits(got, want)


class Operand:
    """What a description sees of an operand: elements and dimensions as expressions."""

    def __init__(self, value):
        self.value = np.asarray(value)
        self.shape = tuple(e.lit(n) for n in self.value.shape)

    def __call__(self, *index):
        return e.lit(self.value[tuple(int(i.args[0]) for i in index)], self.value.dtype)


def described_index(row, sample, j):
    program, _ = one_op(row, sample)
    eqn = program.eqns[0]
    found = row.lowering.index(e, tuple(e.lit(k) for k in j), [Operand(v) for v in sample.ins],
                               eqn)
    return tuple(int(k.args[0]) for k in found)


@pytest.mark.parametrize("row", [r for r in ROWS if isinstance(r.lowering, Move)], ids=str)
def test_moves(row):
    for sample in row.samples():
        want = np.asarray(row.evaluate(sample.params, *sample.ins))
        got = np.empty(want.shape, want.dtype)
        source = np.asarray(sample.ins[0])
        with fresh_table():
            for j in np.ndindex(want.shape):
                got[j] = source[described_index(row, sample, j)]
        same_bits(got, want)


@pytest.mark.parametrize("row", [r for r in ROWS if isinstance(r.lowering, Update)], ids=str)
def test_updates(row):
    for sample in row.samples():
        want = row.evaluate(sample.params, *sample.ins)
        got = sample.ins[0].copy()
        value = np.asarray(sample.ins[1])
        with fresh_table():
            for j in np.ndindex(value.shape):
                at = described_index(row, sample, j)
                got[at] = (value[j] if row.lowering.combine is None else
                           SCALAR_OPS[row.lowering.combine].evaluate(got[at], value[j]))
        same_bits(got, want)


@pytest.mark.parametrize("row", [r for r in ROWS if isinstance(r.lowering, Generate)], ids=str)
def test_generators(row):
    for sample in row.samples():
        want = row.evaluate(sample.params, *sample.ins)
        program, _ = one_op(row, sample)
        with fresh_table():
            got = [row.lowering.value(e, tuple(e.lit(k) for k in j),
                                      [Operand(v) for v in sample.ins], program.eqns[0]).args[0]
                   for j in np.ndindex(want.shape)]
        same_bits(np.array(got, want.dtype), want)


@pytest.mark.parametrize("row", [r for r in ROWS if isinstance(r.lowering, Reduce | Scan)],
                         ids=str)
@np.errstate(all="ignore")
def test_combiners(row):
    combine = SCALAR_OPS[row.lowering.combine].evaluate
    for sample in row.samples():
        x = sample.ins[0]
        want = np.asarray(row.evaluate(sample.params, x))
        initial = row.lowering.identity(x.dtype)
        assert initial.dtype == x.dtype
        got = np.full(want.shape, initial)
        for j in np.ndindex(np.shape(x)):
            if isinstance(row.lowering, Reduce):
                at = tuple(k for axis, k in enumerate(j) if axis not in sample.params["axes"])
                got[at] = combine(got[at], x[j])
            else:
                axis = sample.params["axis"]
                before = tuple(k - (a == axis) for a, k in enumerate(j))
                got[j] = combine(got[before] if j[axis] else initial, x[j])
        if got.dtype.kind in "fc":
            close(got, want, np.float16 if got.dtype == np.float16 else got.dtype)
        else:
            same_bits(got, want)


@pytest.mark.parametrize("row", [r for r in ROWS if r.interval is not None], ids=str)
@np.errstate(all="ignore")
def test_intervals(row):
    """Results lie in the bounds that follow from the operands', one by one and all together."""
    def check(operands, results):
        bounds = [(int(np.min(v)), int(np.max(v))) for v in operands]
        found = row.interval(operands[0].dtype, sample.params, *bounds)
        least, greatest = limits(results.dtype)
        if found is not None and least <= found[0] and found[1] <= greatest:
            assert found[0] <= int(np.min(results)) and int(np.max(results)) <= found[1], bounds

    seen = 0
    for sample in row.samples():
        result = np.asarray(row.evaluate(sample.params, *sample.ins))
        if any(v.dtype.kind not in "biu" for v in (*sample.ins, result)) or not result.size:
            continue
        flat = [v.ravel() for v in np.broadcast_arrays(*sample.ins)]
        check(flat, result)
        for k, value in enumerate(result.ravel()):
            check([v[k] for v in flat], value)
            seen += 1
    assert seen > 20


def limits(dtype):
    return (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


@pytest.mark.parametrize("row", list(OPS.values()), ids=str)
def test_wrong_operands_are_refused(row):
    with pytest.raises(TypeError):
        row.type_rule((), {}, ())
    if row.evaluate is not None and row.name not in (
            "call_numpy", "call_numpy_checked", "call_host"):
        wrong = Var(Type("f2", (7, 7, 7, 7, 7)))
        with pytest.raises(TypeError):
            row.type_rule((wrong, Var(Type("i1", (2,)))), {}, ())


def test_the_catalogue_is_the_table():
    """Every op of docs/ir.md has a row, every row stands in docs/ir.md."""
    text = DOCS.read_text().split("## Ops")[1].split("### `get`")[0]
    column = "".join(line.split("|")[2] for line in text.splitlines() if line.startswith("|"))
    quoted = " ".join(re.findall(r"`([^`]*)`", column))
    words = set(re.findall(r"[a-z_0-9]+", quoted))
    assert not set(OPS) - words
    assert set(REGIONS) | set(transforms.__all__) - {"stop_gradient", "anew"} | {
        "custom", "custom_linear"} == {
        r.name for r in OPS.values() if r.evaluate is None}
