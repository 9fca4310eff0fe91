"""The buffers of lists of run-time length: parts of them, and room for more.

    slices(x, 2, n, 1)      the data of x[2:2 + n]: a part of each buffer
    make_room(x, 1)         each buffer reserved for one more item
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import current, emit
from hotloop.frontend.list_values import Data, List
from hotloop.ir.core import Atom, Dim
from hotloop.ir.types import I64


def put(x: List, name: str, new: Any) -> None:
    x.put(name, new)


def more(a: Dim, b: Dim) -> Dim:
    return dm.dim(dm.plus(dm.form(a), dm.form(b)))


def less(a: Dim, b: Dim) -> Dim:
    return dm.dim(dm.minus(dm.form(a), dm.form(b)))


def make_room(x: List, extra: Dim) -> None:
    """Memory for so many more items, in longer buffers."""
    end = more(more(x.start.dim, x.length.dim), extra)
    builder = current()
    made = []
    for buffer in x.data.atoms:
        room = buffer.shape[0]
        if dm.at_most(end, room):
            made.append(buffer)
            continue
        rows = builder.bind(I64)
        longer = builder.bind(buffer.dtype, (rows, *buffer.shape[1:]))
        emit("reserve", [buffer, end], [rows, longer])
        dm.bound(rows, 0, dm.MAX_DIM)
        dm.fact(dm.minus({rows: 1}, dm.form(end)))
        made.append(longer)
    put(x, "data", Data(x.data.item, made))


def slices(x: List, start: Dim, size: Dim, step: Dim) -> Data:
    """Part of the buffers, without room to spare."""
    x.readable()
    first = more(x.start.dim, start)
    return Data(x.data.item, [
        emit("get", [buffer, first, size, step], [(buffer.dtype, (size, *buffer.shape[1:]))],
             codes="s" + ":" * (len(buffer.shape) - 1))[0] for buffer in x.data.atoms])


def exact(x: List) -> Data:
    """All items, in buffers of just that length."""
    x.readable()
    n = x.length.dim
    if x.start.dim == 0 and isinstance(x.start.dim, int) and all(
            b.shape[0] is n or b.shape[0] == n and isinstance(n, int) for b in x.data.atoms):
        return x.data
    return slices(x, 0, n, 1)


def lay(buffer: Atom, piece: Atom, at: Dim) -> Atom:
    """`piece` stored in a buffer from a place on."""
    return emit("set", [buffer, piece, at, piece.shape[0], 1], [(buffer.dtype, buffer.shape)],
                codes="s" + ":" * (len(buffer.shape) - 1))[0]
