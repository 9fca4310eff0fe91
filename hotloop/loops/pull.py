"""An array is a function of its indices: the value of a Var at an index, as an expression.

    pull(state, d, (i,))    # d = exp(-a): the expression exp(neg(a[i]))

Maps, moves and generators cost nothing until an element is asked for here. A complex value is a
pair of expressions; f16 is computed in f32 and converted back. Iterative (programs are deep) and
memoized for one call (shared subexpressions are pulled once); what it gives holds until the next
store to a buffer it loads from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.errors import InternalError
from hotloop.ir.core import Atom, Eqn, Lit, Var
from hotloop.loops.core import Buffer
from hotloop.loops.expr import Expr, e, lit, load
from hotloop.loops.state import Index, State, Value, View, literal
from hotloop.ops.table import Generate, Map, Move

F16, F32 = np.dtype("f2"), np.dtype("f4")

Memo = dict[Any, Any]


class Operand:
    """What the index functions of op rows see of an operand: `x(*index)`, `x.shape`, `x.dtype`."""

    __slots__ = ("atom", "memo", "state")

    def __init__(self, state: State, atom: Atom, memo: Memo):
        self.state, self.atom, self.memo = state, atom, memo

    def __call__(self, *index: Expr) -> Value:
        return pull(self.state, self.atom, index, self.memo)

    @property
    def shape(self) -> Index:
        return self.state.dims(self.atom)

    @property
    def dtype(self) -> np.dtype:
        return self.atom.dtype


def operands_of(state: State, eqn: Eqn, memo: Memo) -> tuple[Operand, ...]:
    return tuple(Operand(state, atom, memo) for atom in eqn.ins)


def element(buffer: Buffer, index: Index, complex: bool) -> Value:
    if complex:
        return load(buffer, (*index, lit(0))), load(buffer, (*index, lit(1)))
    return load(buffer, index)


def apply_map(row: Map, eqn: Eqn, values: list[Value]) -> Value:
    """A Map on operand values."""
    dtype = eqn.outs[0].dtype
    if dtype.kind == "c" or any(isinstance(v, tuple) for v in values):
        if row.complex_expr is None:
            raise InternalError(f"{eqn.op.name} has no complex form", eqn.location)
        return row.complex_expr(e, *values, **eqn.params)
    half = [isinstance(v, Expr) and v.dtype == F16 for v in values]
    if any(half):
        values = [e.convert(v, F32) if h and isinstance(v, Expr) else v
                  for v, h in zip(values, half, strict=True)]
    result = row.expr(e, *values, **eqn.params)
    return e.convert(result, dtype) if dtype == F16 else result


def pull(state: State, atom: Atom, index: Index, memo: Memo | None = None) -> Value:
    """The value of `atom` at `index` (one i64 expression an axis)."""
    if isinstance(atom, Lit):
        return literal(atom.value)
    memo = {} if memo is None else memo
    goal = (atom, index)
    stack = [goal]
    while stack:
        key = stack[-1]
        if key in memo:
            stack.pop()
            continue
        needs = _step(state, key[0], key[1], memo)
        if needs is not None:
            stack.extend(needs)
    return memo[goal]


def _step(state: State, array: Var, index: Index, memo: Memo) -> list[tuple] | None:
    """Put memo[array, index], or say which others must be there before."""
    key = (array, index)
    buffer = state.where.get(array)
    if buffer is not None:
        memo[key] = element(buffer, index, array.dtype.kind == "c")
        return None
    if not array.shape and array in state.scalars:
        memo[key] = state.scalars[array]
        return None
    source = state.source.get(array)
    if not isinstance(source, Eqn):
        if source is None:
            raise InternalError(f"{array} is read after its buffer was overwritten")
        if isinstance(source, View):
            return _forward(memo, key, source.array, source.index(index))
        return _forward(memo, key, source, index)
    row = source.op.lowering  # type: ignore[attr-defined]
    if isinstance(row, Map):
        return _map(memo, key, row, source, index)
    if isinstance(row, Move):
        moved = memo.get(("at", key))
        if moved is None:
            moved = memo["at", key] = tuple(
                row.index(e, index, operands_of(state, source, memo), source))
        return _forward(memo, key, source.ins[0], moved)
    assert isinstance(row, Generate)
    value = row.value(e, index, operands_of(state, source, memo), source)
    if array.dtype.kind == "c" and isinstance(value, Expr):
        value = (value, lit(0, value.dtype))
    memo[key] = value
    return None


def _forward(memo: Memo, key: tuple, atom: Atom, index: Index) -> list[tuple] | None:
    if isinstance(atom, Lit):
        memo[key] = literal(atom.value)
        return None
    if (atom, index) not in memo:
        return [(atom, index)]
    memo[key] = memo[atom, index]
    return None


def _map(memo: Memo, key: tuple, row: Map, eqn: Eqn, index: Index) -> list[tuple] | None:
    values: list[Value] = []
    missing: list[tuple] = []
    for atom in eqn.ins:
        if isinstance(atom, Lit):
            values.append(literal(atom.value))
            continue
        at = (atom, index if atom.shape else ())
        value = memo.get(at)
        if value is None:
            missing.append(at)
        else:
            values.append(value)
    if missing:
        return missing
    memo[key] = apply_map(row, eqn, values)
    return None


_costs: dict[tuple, float] = {}


def map_cost(row: Map, eqn: Eqn, fresh: Callable[[str, np.dtype], Expr]) -> float:
    """What one element of a Map costs beyond its operands, in adds."""
    key = (eqn.op.name, repr(eqn.params), tuple(a.dtype for a in eqn.ins))
    cost = _costs.get(key)
    if cost is None:
        values: list[Value] = []
        for k, atom in enumerate(eqn.ins):
            if atom.dtype.kind == "c":
                part = np.dtype(f"f{atom.dtype.itemsize // 2}")
                values.append((fresh(f"?{k}r", part), fresh(f"?{k}i", part)))
            else:
                values.append(fresh(f"?{k}", atom.dtype))
        result = apply_map(row, eqn, values)
        cost = sum(x.cost for x in (result if isinstance(result, tuple) else (result,)))
        _costs[key] = cost = cost or (0.0 if result in values else 1.0)
    return cost
