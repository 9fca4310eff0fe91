"""Arrays that get longer in place: memory with room to spare along the first axis.

    n, y = reserve x 5      ->      call grow -1 (b0, 3, n) -> (b0*) ()      x was in b0

`call grow (b, old, new) -> (b)` moves b to memory of `new` rows if that is more than `old`: the
first `old` ones are kept, the others are zeros. All versions of a growing array are in one Buffer
whose memory has at least as many rows as the value it holds; the first extent in its `shape` says
only how many there were in the beginning (an address does not depend on it).
"""

from __future__ import annotations

from collections.abc import Iterable

from hotloop.ir.core import Atom, Eqn, Var
from hotloop.loops.buffers import own, settle, store_all
from hotloop.loops.core import TEMP, Buffer, Call, For
from hotloop.loops.expr import Expr, e, lit
from hotloop.loops.state import State, float_part
from hotloop.ops.index import LEAST_ROOM


def grow(state: State, buffer: Buffer, old: Expr, new: Expr) -> None:
    """Room for `new` rows in memory that has `old` ones."""
    state.emit(Call("grow", -1, (buffer, old, new), (buffer,), moved=(buffer,)))


def reserve(state: State, eqn: Eqn) -> None:
    array, rows = eqn.ins
    room, out = eqn.outs
    old, wanted = state.dim(array.shape[0]), state.real(rows)
    more = e.maximum(wanted, e.maximum(e.mul(old, lit(2)), lit(LEAST_ROOM)))
    new = state.let(e.select(e.gt(wanted, old), more, old))
    assert isinstance(new, Expr)
    state.scalars[room] = new
    buffer = own(state, array, out, eqn.location, permuted=True)  # type: ignore[arg-type]
    grow(state, buffer, old, new)
    settle(state, out, buffer)


def moved_to(state: State, pairs: Iterable[tuple[Atom, Buffer]]) -> list[For]:
    """Statements by which, after everything else, each buffer of a caller (`lent`) takes over the
    memory that has its value at the end of a function. Only loops exchange pointers."""
    exchanges: list[For] = []
    taken = {buffer for _, buffer in pairs}
    for atom, buffer in pairs:
        assert isinstance(atom, Var)
        at = state.where.get(atom)
        if at is buffer:
            continue
        if at is None or at in taken or at.kind != TEMP or not state.lives_outside(at, 1):
            shape = state.dims(atom) + ((lit(2),) if atom.dtype.kind == "c" else ())
            at = Buffer(state.fresh("b"), float_part(atom.dtype), shape, TEMP)
            state.allocate_here(at)
            store_all(state, atom, at)
        taken.add(at)
        exchanges.append(For(state.fresh("i"), lit(0), lit(1), lit(1), [],
                             swaps=[(buffer, at), (at, buffer)]))
    return exchanges
