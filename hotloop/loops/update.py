"""Functional stores, in place where nobody needs the old value.

    y = set x v i           ->  x[i] <- v
    y = addat x v k         ->  for j: x[k[j]] <- x[k[j]] + v[j], one after the other

What is stored may read the array itself. If that is the element which it replaces, or one that is
not replaced, it is stored at once; if it is others, at known distances, in blocks
(`loops.overlap`); else it is computed before.
"""

from __future__ import annotations

import math

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Eqn, Var
from hotloop.loops.accumulate import combiner
from hotloop.loops.buffers import (
    materialize,
    nest,
    own,
    settle,
    stores_of,
)
from hotloop.loops.core import (
    Buffer,
    For,
    Nest,
    Statement,
    Store,
)
from hotloop.loops.expr import Expr, affine, e, lit, var
from hotloop.loops.overlap import FAR, FEW, copied_before, distance, in_blocks
from hotloop.loops.pull import F16, Operand, element, operands_of, pull
from hotloop.loops.state import Index, State, Value, View, parts_of
from hotloop.ops.table import Reduce, Update


class _Changed(Operand):
    """Operand 0 of an update: only its shape may be asked for, its memory is being changed."""

    __slots__ = ()

    def __call__(self, *index: Expr) -> Value:
        raise UnsupportedError("an update whose index depends on the array itself")


def update(state: State, eqn: Eqn, row: Update) -> None:
    """A functional store, in memory that `buffers.own` finds."""
    array, value, out = eqn.ins[0], eqn.ins[1], eqn.outs[0]
    assert isinstance(array, Var)
    if array in eqn.ins[1:] and array not in state.where:
        if out in state.destination:
            state.destination.setdefault(array, state.destination[out])
        materialize(state, array)          # its memory may hold what it is computed from
    buffer = own(state, array, out, eqn.location)
    names = tuple(state.fresh("j") for _ in value.shape)
    index = tuple(map(var, names))

    def place_and_value() -> tuple[Index, Value]:
        memo: dict = {}
        operands = (_Changed(state, array, memo), *operands_of(state, eqn, memo)[1:])
        return tuple(row.index(e, index, operands, eqn)), pull(state, value, index, memo)
    at, new = place_and_value()
    extents = state.dims(value)
    serial = not injective(at, index, extents)   # an index array may name a place twice
    late = [a for a in eqn.ins[2:] if isinstance(a, Var) and a.shape
            and buffer in _buffers(state, a)]
    lag = -1
    if isinstance(value, Var) and value.shape and any(
            node.args[0] is buffer for part in parts_of(new) for node in part.loads):
        sizes = [n for n in value.shape if isinstance(n, int)]
        few = len(sizes) == len(value.shape) and math.prod(sizes) <= FEW
        if not (serial or late or few):
            new = copied_before(state, buffer, at, new, index, state.dims(value))
        found = None if serial or late else distance(at, new, buffer, index)
        if found is None or found > FAR or (few and found >= 0):
            late.append(value)
        else:
            lag = found
    for operand in late:
        separate(state, operand)
    if late:
        at, new = place_and_value()
        serial = not injective(at, index, extents)
    emit_update(state, eqn, row, buffer, names, at, new, serial, lag)
    settle(state, out, buffer)
    if (row.combine is None and not serial and isinstance(value, Var) and value.shape
            and value not in state.where and state.cost.get(value, 0.0) > 0
            and not any(a.shape for a in eqn.ins[2:])):
        # whoever reads the value again need not compute it again
        operands = (_Changed(state, array, {}), *operands_of(state, eqn, {})[1:])
        state.redirect(value, View(out, lambda i: tuple(row.index(e, i, operands, eqn))))


def injective(at: Index, loops: Index, extents: Index) -> bool:
    """Is the place `at` another one for each value of the loop variables? True if each index is
    `start + step * loop` for one loop (or none), no loop is in two, and a loop that is in none has
    one iteration (as that of a new axis)."""
    names = {loop.args[0] for loop in loops}
    seen: set[str] = set()
    for x in at:
        inside = names & x.free
        if not inside:
            continue
        moving = [t for t in affine(x)[1] if names & t.free]
        if len(inside) > 1 or inside & seen or len(moving) != 1:
            return False
        seen |= inside
        term = moving[0]
        factors = term.args if term.op == "mul" else (term,)
        if [f in loops for f in factors].count(True) != 1 or any(
                f not in loops and names & f.free for f in factors):
            return False
    return all(loop.args[0] in seen or extent == lit(1)
               for loop, extent in zip(loops, extents, strict=True))


def separate(state: State, array: Var) -> None:
    """Move a value to memory of its own, what it is in is about to change."""
    buffer = state.new_buffer(array.dtype, state.dims(array))
    nest(state, state.dims(array),
         lambda index: stores_of(buffer, index, pull(state, array, index)))
    state.set_where(array, buffer)


def _buffers(state: State, atom: Atom) -> set[Buffer]:
    index = tuple(var(f"?{k}") for k in range(len(atom.shape)))
    return {node.args[0] for part in parts_of(pull(state, atom, index)) for node in part.loads}


def emit_update(state: State, eqn: Eqn, row: Update, buffer: Buffer, names: tuple[str, ...],
                at: Index, new: Value, serial: bool, lag: int) -> None:
    extents = state.dims(eqn.ins[1])
    dtype = eqn.outs[0].dtype
    combine = row.combine
    if combine is not None and (not serial or dtype == F16):     # halves are added in f32
        old = element(buffer, at, dtype.kind == "c")
        new = combiner(Reduce(combine, lambda dtype: 0), dtype)(old, new)
        combine = None
    if lag >= 0:
        in_blocks(state, eqn, buffer, names, at, new, lag)
        return
    stores = stores_of(buffer, at, new)
    if not names:
        if len(stores) > 1:                # the parts may read one another's old value
            value = state.let(new)
            stores = stores_of(buffer, at, value)
        for target, index, stored in stores:
            state.emit(Store(target, index, stored))
    elif not serial:
        state.emit(Nest(names, extents, stores, location=eqn.location))
    else:
        body: list[Statement] = [
            Store(target, index, stored, combine) for target, index, stored in stores]
        for name, extent in reversed(list(zip(names, extents, strict=True))):
            body = [For(name, lit(0), extent, lit(1), body, location=eqn.location)]
        state.emit(body[0])
