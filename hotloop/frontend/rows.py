"""Lists of lists of run-time length: all rows in one pool.

    neighbours = [[] for _ in range(n)]     three numbers a row: where it starts in the pool, how
    neighbours[u].append(v)                 long it is, where its room ends; and the pool, a List

`neighbours[u]` is a `Row`: a List whose data, start and length are those of the table at u, so what
is done to it is done to the table. A row that gets too long moves to the end of the pool, with
twice the room. Rows of rows are rows of the pool.

Python's rows are objects that may be in two lists, or be changed under another name. A list made in
the same block may become a row, and is not changed under its own name any more; what may be held
elsewhere makes the rows read-only (`kept`).
"""

from __future__ import annotations

import weakref
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.branches import staged_if
from hotloop.frontend.builder import Builder, check, current, emit, lit, unsupported
from hotloop.frontend.list_buffers import exact, lay, make_room
from hotloop.frontend.list_slots import list_of, recast
from hotloop.frontend.list_values import Data, Extent, List, RowSlot, mark
from hotloop.frontend.objects import Place
from hotloop.frontend.slots import join
from hotloop.frontend.tracers import iota
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL, I64

START, LENGTH, END = range(3)
LEAST_ROOM = 4


class Row(List):
    """Row `at` (counted from the start of the buffers) of the list `parent`."""

    __slots__ = ("at", "epoch", "frozen", "parent")

    def __init__(self, parent: List, at: Dim):
        self.parent, self.at, self.epoch = parent, at, parent.epoch
        self.frozen: list[Any] | None = None     # its three numbers, when another row is put there
        self.home, self.queue = current(), None
        self.group = []
        self.moved = self.stale = self.kept = self.changed = False
        self.born, self.moved_at = self.home.state.clock, 0
        self.original = self
        self.unknown = []
        self.derived = []
        parent.rows = [r for r in parent.rows if r() is not None] + [weakref.ref(self)]

    def column(self, k: int) -> Dim:
        if self.frozen is not None:
            return self.frozen[k]
        buffer = self.parent.data.atoms[k]
        found, = emit("get", [buffer, self.at], [(I64, ())], codes="i")
        dm.bound(found, 0, dm.MAX_DIM)
        return found

    def set_column(self, k: int, new: Dim) -> None:
        if self.frozen is not None or self.parent.exchanged:
            raise unsupported("a row gets another length in a list whose rows were exchanged",
                              "make new rows")
        atoms = list(self.parent.data.atoms)
        atoms[k], = emit("set", [atoms[k], new, self.at], [(I64, atoms[k].shape)], codes="i")
        Place(self.parent, False, "data").set(Data(self.parent.data.item, atoms))

    @property
    def data(self) -> Data:  # type: ignore[override]
        return self.parent.pool.data

    @property
    def start(self) -> Extent:  # type: ignore[override]
        return Extent(self.column(START))

    @property
    def length(self) -> Extent:  # type: ignore[override]
        return Extent(self.column(LENGTH))

    @property
    def pool(self) -> List:
        return self.parent.pool.pool

    @property
    def storage(self) -> List:
        return self.parent.pool

    def put(self, name: str, new: Any) -> None:
        if name == "data":
            Place(self.parent.pool, False, "data").set(new)
        else:
            self.set_column(LENGTH if name == "length" else START, new.dim)

    def readable(self) -> None:
        if self.epoch != self.parent.epoch:
            raise unsupported("a row of a list that was sorted, or in which rows have moved",
                              "take the row from the list again")
        self.parent.readable()
        super().readable()

    def changing(self) -> None:
        if self.parent.kept:
            raise unsupported("a change of a row that may be in the list twice, or in two lists",
                              "put copies into the list: rows.append(list(row))")
        super().changing()
        table: List = self.parent
        table.changing()
        self.parent.pool.changed = True
        for reference in table.derived:
            other = reference()
            if other is not None:
                mark(other, "stale")


def derive(x: List, table: List) -> None:
    """`x` stands for a row of `table`, which may change."""
    table.derived = [*table.derived, weakref.ref(x)]


def freeze(x: List) -> None:
    """A row of `x` is replaced: the Rows that are held stay those that they are."""
    for reference in x.rows:
        row = reference()
        if row is not None and row.frozen is None and row.epoch == x.epoch and (
                row.home.encloses(current())):        # else nobody can use it here
            row.frozen = [row.column(k) for k in (START, LENGTH, END)]


def row_atoms(x: List, new: Any) -> list[Atom]:
    """The numbers of a new row of `x`, its items stored at the end of the pool. A row of `x` itself
    is stored as it is: from then on two places may have one row, which keeps its length."""
    if isinstance(new, Row) and new.parent is x:
        x.exchanged = True
        return [_atom(new.column(k)) for k in (START, LENGTH, END)]
    if not isinstance(new, List):
        new = list_of(new)
    _taken(x, new)
    pool = x.pool
    from_item, to_item = new.data.item, pool.data.item
    wide = from_item if to_item is None else to_item if from_item is None else join(
        to_item, from_item, pool.home, "an item of the rows")
    if isinstance(wide, RowSlot):
        raise unsupported("a list of lists of lists that is put together at run time",
                          "use a NumPy array")
    if wide is not None and wide != to_item:
        Place(pool, False, "data").set(recast(pool.data, wide))
    n, used = new.n, pool.length.dim
    if wide is not None:
        pieces = recast(exact(new), wide)
        make_room(pool, n)
        Place(pool, False, "data").set(Data(wide, [lay(b, a, used) for b, a in zip(
            pool.data.atoms, pieces.atoms, strict=True)]))
    end = _sum(used, n)
    Place(pool, False, "length").set(Extent(end))
    return [_atom(used), _atom(n), _atom(end)]


def _taken(x: List, new: List) -> None:
    if isinstance(new, Row) or new.moved or not _once(new.home):
        x.kept = True
    mark(new, "moved")
    derive(new, x)


def _once(home: Builder) -> bool:
    """Is what stands here done once at most for each list that `home` makes?"""
    lineage = current().lineage
    depth = len(home.lineage)
    return home.encloses(current()) and not any(b.loop for b in lineage[depth:])


def _sum(a: Dim, b: Dim) -> Dim:
    return dm.dim(dm.plus(dm.form(a), dm.form(b)))


def _atom(d: Dim) -> Atom:
    return lit(d) if isinstance(d, int) else d


def room_for(x: Row, extra: Dim) -> None:
    """Room for so many more items of a row, which moves if there is none."""
    wanted = _sum(x.length.dim, extra)
    beyond = dm.compare("gt", _sum(x.start.dim, wanted), x.column(END))
    if beyond is False:
        return

    def move() -> None:
        pool = x.parent.pool
        used, start, n = pool.length.dim, x.start.dim, x.length.dim
        twice, = emit("add", [wanted, wanted], [(I64, ())])
        room, = emit("maximum", [twice, lit(LEAST_ROOM)], [(I64, ())])
        dm.bound(room, 0, dm.MAX_DIM)
        make_room(pool, room)
        pieces = [emit("get", [b, start, n, lit(1)], [(b.dtype, (n, *b.shape[1:]))],
                       codes="s" + ":" * (len(b.shape) - 1))[0] for b in pool.data.atoms]
        Place(pool, False, "data").set(Data(pool.data.item, [
            lay(b, a, used) for b, a in zip(pool.data.atoms, pieces, strict=True)]))
        end = _sum(used, room)
        x.set_column(START, used)
        x.set_column(END, end)
        Place(pool, False, "length").set(Extent(end))

    if beyond is True:
        move()
    else:
        assert isinstance(beyond, Var)
        staged_if(beyond, (move, _nothing), {}, [], [])


def _nothing() -> None:
    pass


INHOMOGENEOUS = ("setting an array element with a sequence. The requested array has an "
                 "inhomogeneous shape after 1 dimensions. The detected shape was ({},) + "
                 "inhomogeneous part.")


def grid(x: List) -> list[Atom]:
    """The items of a list of lists, rows by columns: all rows must have one length."""
    data, n = exact(x), x.n
    dm.require("gt", n, 0, ValueError, "an array of a list of lists without rows")
    starts, lengths = data.atoms[START], data.atoms[LENGTH]
    width, = emit("get", [lengths, lit(0)], [(I64, ())], codes="i")
    dm.bound(width, 0, dm.MAX_DIM)
    same, = emit("eq", [lengths, width], [(BOOL, (n,))])
    every, = emit("reduce_and", [same], [(BOOL, ())], axes=(0,))
    check(every, ValueError, INHOMOGENEOUS, _atom(n))
    shape = (n, width)
    down, = emit("broadcast", [starts, *shape], [(I64, shape)], axes=(0,))
    across, = emit("broadcast", [iota(width), *shape], [(I64, shape)], axes=(1,))
    place, = emit("add", [down, across], [(I64, shape)])
    return [emit("get", [buffer, place], [(buffer.dtype, (*shape, *buffer.shape[1:]))],
                 codes="a" + ":" * (len(buffer.shape) - 1))[0] for buffer in x.pool.data.atoms]
