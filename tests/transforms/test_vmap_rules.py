"""Lanes of every row of the op table are the stack of single results."""

import numpy as np
import pytest

from hotloop.ir.core import Block, Lit, Program, Var
from hotloop.ir.interp import run
from hotloop.ir.types import Type
from hotloop.ir.verify import verify
from hotloop.ops import OPS, make_eqn
from hotloop.ops.emit import Emit
from hotloop.ops.table import PURE, RAISES, Map
from hotloop.transforms.vmap import vmap

WITHOUT = {
    "check": "has no results", "call_host": "has no results", "random_bits": "has no arrays",
    "random_uniform": "has no arrays", "random_fold": "has no arrays", "iota": "has no arrays",
    "draw": "is in order", "call_effect": "is in order", "draw_keyed": "has no arrays",
    "reserve": "its result's size depends on the operand", "nonzero": "as reserve",
}
"""Rows of which no sample has lanes, and why."""


def operands(row, sample):
    """(value for each lane or one value, is it batched) for each operand; None if no lanes."""
    found = []
    for v in sample.ins:
        v = np.asarray(v)
        batched = v.dtype.kind in "fcb" or v.ndim > 0 or isinstance(row.lowering, Map)
        if batched and v.ndim:
            stack = np.stack([v, v.reshape(-1)[::-1].reshape(v.shape), v])
        else:
            stack = np.stack([v, v, v])
        found.append((stack if batched else v[()], batched))
    return found if any(batched for _, batched in found) else None


def atom_of(value, batched):
    if not batched and not np.ndim(value):
        return Lit(value)
    return Var(Type(value.dtype, value.shape[1:] if batched else value.shape))


def cases():
    for row in OPS.values():
        if row.evaluate is None or row.effect not in (PURE, RAISES):
            continue
        for k, sample in enumerate(row.samples()):
            if k > 40:
                break
            given = operands(row, sample)
            if given is None:
                continue
            atoms = [atom_of(*pair) for pair in given]
            eqn = make_eqn(row, atoms, sample.params)
            if eqn.outs and not any(isinstance(d, Var) for o in eqn.outs for d in o.shape):
                yield row, eqn, given


CASES: dict[str, list] = {}
for _row, _eqn, _given in cases():
    CASES.setdefault(_row.name, []).append((_eqn, _given))


def singles(row, params, given):
    results = []
    for lane in range(3):
        ins = [v[lane] if batched else v for v, batched in given]
        with np.errstate(all="ignore"):
            value = row.evaluate(params, *ins)
        results.append(value if isinstance(value, tuple) else (value,))
    return [np.stack(parts) for parts in zip(*results, strict=True)]


@pytest.mark.parametrize("name", CASES)
def test_lanes(name):
    for eqn, given in CASES[name]:
        lane = Var(Type(np.dtype(np.int64)))
        rows = [a for a, (_, batched) in zip(eqn.ins, given, strict=True) if batched]
        shared = [a for a, (_, batched) in zip(eqn.ins, given, strict=True)
                  if not batched and isinstance(a, Var)]
        stacks = [Var(Type(v.dtype, v.shape)) for v, batched in given if batched]
        out = Emit()
        results = vmap(Block([lane, *rows], [eqn], list(eqn.outs)), Lit(3), stacks, out, [])
        program = Program([*stacks, *shared], out.eqns, results)
        verify(program)
        values = [v for v, batched in given if batched] + [
            v for a, (v, batched) in zip(eqn.ins, given, strict=True)
            if not batched and isinstance(a, Var)]
        with np.errstate(all="ignore"):
            got = run(program, values)
        for mine, want in zip(got, singles(eqn.op, eqn.params, given), strict=True):
            np.testing.assert_allclose(mine, want, rtol=1e-13)
            assert mine.dtype == want.dtype


def test_all_rows_are_tested():
    assert {row.name for row in OPS.values() if row.evaluate is not None} == (
        CASES.keys() | WITHOUT.keys())
