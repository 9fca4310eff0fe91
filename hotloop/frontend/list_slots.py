"""How lists of run-time length flow through `if` and loops: their slots (see `slots`).

    columns(ScalarSlot(PYTHON, f64))     -> [(f64, ())]: a buffer f64[room]
    columns(SequenceSlot(tuple, ...))    -> those of its items, one after the other

`assemble` makes an item of what the buffers hold at a place, `recast` gives the buffers of a list
another item type (`[0]` to which floats are appended: each item then has a flag).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, check, current, emit, lit, unsupported
from hotloop.frontend.list_values import (
    Data,
    DataSlot,
    Extent,
    ExtentSlot,
    List,
    ListSlot,
    Queue,
    RowSlot,
    bounded,
)
from hotloop.frontend.objects import UNBOUND
from hotloop.frontend.one_of import OneOf, moved
from hotloop.frontend.slots import (
    DYNAMIC,
    KINDS,
    VALUES,
    ArraySlot,
    Kind,
    MixedSlot,
    ObjectSlot,
    OneOfSlot,
    ScalarSlot,
    SequenceSlot,
    Unjoined,
    any_dict,
    by_value,
    describe,
    flatten,
    join,
    slot_of,
    unstable,
)
from hotloop.frontend.structure import Keys, copy_only, items_of, rebuilt
from hotloop.frontend.tracers import (
    EXACT,
    Array,
    Scalar,
    Widened,
    broadcast,
    convert,
    fresh,
    full,
    zero,
)
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL, I64

Column = tuple[np.dtype, tuple[Dim, ...]]


def columns(item: Any) -> list[Column]:
    """Dtype and further dimensions of each buffer of items of a slot."""
    if item is None:
        return []
    if isinstance(item, ScalarSlot):
        return [(item.dtype, ())]
    if isinstance(item, MixedSlot):
        return [(BOOL, ()), (item.wide.dtype, ())]
    if isinstance(item, SequenceSlot) and item.type is not list:
        return [c for part in item.items for c in columns(part)]
    if isinstance(item, ArraySlot):
        if DYNAMIC in item.dims:
            raise unsupported("a list of arrays of different shapes in a loop",
                              "use arrays of one shape")
        return [(item.dtype, item.dims)]  # type: ignore[list-item]
    if isinstance(item, ObjectSlot):
        return [(BOOL, ())]                    # says nothing, but how much room there is
    if isinstance(item, RowSlot):
        return [(I64, ())] * 3
    if isinstance(item, OneOfSlot):
        return [(I64, ())]
    if by_value(item):
        return KINDS[type(item)].columns(item)
    parts = KINDS[type(item)].items(item) if type(item) in KINDS else None
    if parts is not None:                      # an object of attributes
        return [c for part in parts for c in columns(part)] or [(BOOL, ())]
    raise unsupported(f"a list of {describe(item)} whose length is known at run time only",
                      "use lists of numbers or of tuples of numbers")


def assemble(item: Any, atoms: Iterator[Atom]) -> Any:
    """The item that the atoms stand for."""
    if isinstance(item, ScalarSlot):
        return Scalar(next(atoms), item.kind)
    if isinstance(item, MixedSlot):
        flag, wide = next(atoms), next(atoms)
        narrow = item.narrow
        return Widened(wide, item.wide.kind, flag, None if narrow is None else narrow.kind,
                       None if narrow is None else narrow.dtype)
    if isinstance(item, SequenceSlot):
        made = rebuilt(item.type, [assemble(part, atoms) for part in item.items])
        return copy_only(made) if isinstance(item.type, Keys) else made
    if isinstance(item, ArraySlot):
        array = fresh(next(atoms))
        array.base.readonly = "a store to an array that is in a list: store a new one in the list"
        return array
    if isinstance(item, OneOfSlot):
        return OneOf(item.objects, next(atoms))
    if by_value(item):
        return KINDS[type(item)].assemble(item, atoms)
    if type(item) in KINDS:
        kind = KINDS[type(item)]
        parts = kind.items(item)
        assert parts is not None
        if not parts:
            next(atoms)
        return kind.rebuilt(item, [assemble(part, atoms) for part in parts])
    next(atoms)
    return item.object


# ---- joining

def dim_joined(p: Dim | None, q: Dim | None, visible: Builder) -> Dim | None:
    if p is None or q is None or not dm.equal(p, q):
        return DYNAMIC
    return p if visible.sees(p) else q if visible.sees(q) else DYNAMIC


def data_joined(a: DataSlot, b: DataSlot, visible: Builder, name: Any) -> DataSlot:
    if a.item is None or b.item is None:
        known, rooms = (a.item, a.rooms) if b.item is None else (b.item, b.rooms)
        known = known if known is None else join(known, known, visible, name)
        return DataSlot(known, (DYNAMIC,) * len(rooms))
    item = join(a.item, b.item, visible, name)
    count = len(columns(item))
    if not len(a.rooms) == len(b.rooms) == count:
        return DataSlot(item, (DYNAMIC,) * count)
    return DataSlot(item, tuple(dim_joined(p, q, visible)
                                for p, q in zip(a.rooms, b.rooms, strict=True)))


def data_slot(data: Data) -> DataSlot:
    return DataSlot(data.item, tuple(a.shape[0] for a in data.atoms))


# ---- data in another form

def recast(data: Data, item: Any) -> Data:
    """The same items in buffers of another item type, which holds them all."""
    if data.item == item:
        return data
    if data.item is None:
        return Data(item, [full(zero(dtype), (0, *dims)) for dtype, dims in columns(item)])
    atoms = list(_recast(iter(data.atoms), data.item, item))
    return Data(item, atoms)


def _recast(atoms: Iterator[Atom], old: Any, new: Any) -> Iterator[Atom]:
    if by_value(new) and old != new:
        yield from KINDS[type(new)].recast(atoms, old, new)
    elif isinstance(new, SequenceSlot) or type(new) in KINDS and KINDS[type(new)].items(new):
        for p, q in zip(old.items, new.items, strict=True):
            yield from _recast(atoms, p, q)
    elif isinstance(new, MixedSlot) and isinstance(old, ScalarSlot):
        atom = next(atoms)
        yield full(lit(old == new.wide), atom.shape)
        wide = convert(atom, new.wide.dtype)
        if atom.dtype == I64 and wide.dtype.kind in "fc":
            size, = emit("abs", [convert(wide, np.float64)], [(np.dtype(float), atom.shape)])
            most, = emit("reduce_and", [emit("le", [size, lit(float(EXACT))],
                                             [(BOOL, atom.shape)])[0]], [(BOOL, ())], axes=(0,))
            check(most, OverflowError, "an int beyond 2**53 in a list that has floats, too")
        yield wide
    elif isinstance(new, MixedSlot) and isinstance(old, ObjectSlot):
        flags = next(atoms)
        yield full(lit(False), flags.shape)
        yield full(zero(new.wide.dtype), flags.shape)
    elif isinstance(new, OneOfSlot) and isinstance(old, ObjectSlot | OneOfSlot):
        atom = next(atoms)
        yield full(lit(new.objects.index(old.object)), atom.shape) if isinstance(
            old, ObjectSlot) else moved(OneOf(old.objects, atom), new)
    elif isinstance(new, ScalarSlot):
        yield convert(next(atoms), new.dtype)
    else:
        for _ in columns(new):
            yield next(atoms)


def item_atoms(x: Any, item: Any) -> list[Atom]:
    """The atoms of a value as an item of the slot."""
    if isinstance(item, ArraySlot) and isinstance(x, Array):
        return [broadcast(x.value(), item.dims)]  # type: ignore[arg-type]
    if isinstance(item, SequenceSlot):
        if isinstance(item.type, Keys):
            copy_only(x)                       # the list does not see what changes in it
        return [a for y, part in zip(items_of(x), item.items, strict=True)
                for a in item_atoms(y, part)]
    if isinstance(item, ObjectSlot):
        return [lit(False)]
    return flatten(x, item) or [lit(False)]


def list_of(items: Sequence[Any], item: Any = None, queue: Queue | None = None) -> List:
    """A list of items that are known while tracing; `item`: of which slot, if that is known."""
    if isinstance(item, RowSlot) or items and all(isinstance(x, list | List) for x in items):
        return OF_ROWS[0](items, queue)
    from_items = item
    for x in items:
        slot = any_dict(slot_of(x))
        from_items = slot if from_items is None else join(from_items, slot, current(), "an item")
    made: list[Atom] = []
    if from_items is not None:
        rows = [item_atoms(x, from_items) for x in items]
        for k, (dtype, dims) in enumerate(columns(from_items)):
            buffer: Atom = full(zero(dtype), (len(items), *dims))
            for at, row in enumerate(rows):
                buffer, = emit("set", [buffer, row[k], at], [(dtype, buffer.shape)],
                               codes="i" + ":" * len(dims))
            made.append(buffer)
    return List(Data(from_items, made), len(items), 0, queue)


OF_ROWS: list[Any] = []
"""How a list of known lists is made: `lists` knows."""


# ---- the kinds

class _Extents(Kind):
    def slot_of(self, x: Extent) -> ExtentSlot:
        return ExtentSlot(x.dim)

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> ExtentSlot:
        return ExtentSlot(dim_joined(a.dim, b.dim, visible))

    def make(self, slot: ExtentSlot) -> tuple[list[Var], Extent]:
        if slot.dim is not DYNAMIC:
            return [], Extent(slot.dim)
        var = bounded(current().bind(I64))
        return [var], Extent(var)

    def flatten(self, x: Any, slot: ExtentSlot) -> list[Atom]:
        if slot.dim is not DYNAMIC:
            return []
        return [_atom(0 if x is UNBOUND else x.dim)]

    def describe(self, slot: ExtentSlot) -> str:
        return "a list"


def _atom(d: Dim) -> Atom:
    return lit(d) if isinstance(d, int) else d


class _Buffers(Kind):
    def slot_of(self, x: Data) -> DataSlot:
        return data_slot(x)

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> DataSlot:
        for slot in (a, b):
            if isinstance(slot, ObjectSlot) and isinstance(slot.object, Unjoined):
                raise slot.object.error
        return data_joined(a, b, visible, "an item of the list")

    def make(self, slot: DataSlot) -> tuple[list[Var], Data]:
        builder = current()
        vars: list[Var] = []
        atoms: list[Atom] = []
        for room, (dtype, dims) in zip(slot.rooms, columns(slot.item), strict=True):
            if room is DYNAMIC:
                room = bounded(builder.bind(I64))
                vars.append(room)
            atoms.append(builder.bind(dtype, (room, *dims)))
            vars.append(atoms[-1])  # type: ignore[arg-type]
        return vars, Data(slot.item, atoms)

    def flatten(self, x: Any, slot: DataSlot) -> list[Atom]:
        found: list[Atom] = []
        data = recast(Data(None, ()) if x is UNBOUND else x, slot.item)
        empty = x is UNBOUND or x.item is None
        for atom, room in zip(data.atoms, slot.rooms, strict=True):
            if room is DYNAMIC:
                found += [_atom(atom.shape[0]), atom]
            else:
                exact = room, *atom.shape[1:]
                found.append(full(zero(atom.dtype), exact) if empty else broadcast(atom, exact))
        return found

    def describe(self, slot: DataSlot) -> str:
        return "an empty list" if slot.item is None else f"a list of {describe(slot.item)}"


_EXTENTS, _BUFFERS = _Extents(), _Buffers()


class _Lists(Kind):
    def slot_of(self, x: List) -> ListSlot:
        x.readable()
        rows = isinstance(x.data.item, RowSlot)
        return ListSlot(data_slot(x.data), x.length.dim, x.start.dim, x.queue,
                        self.slot_of(x.pool) if rows else None)

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> ListSlot:
        a, b = _as_list_slot(a, visible, name), _as_list_slot(b, visible, name)
        if a is None or b is None or a.queue != b.queue:
            raise unstable(name, a, b, "changes its type")
        return ListSlot(data_joined(a.data, b.data, visible, name),
                        dim_joined(a.length, b.length, visible),
                        dim_joined(a.start, b.start, visible), a.queue,
                        self._pools(a.pool, b.pool, visible, name))

    def _pools(self, a: Any, b: Any, visible: Builder, name: Any) -> Any:
        if a is None and b is None:
            return None
        empty = ListSlot(DataSlot(None, ()), 0, 0, None)
        return self.join(a or empty, b or empty, visible, name)

    def make(self, slot: ListSlot) -> tuple[list[Var], List]:
        n, length = _EXTENTS.make(ExtentSlot(slot.length))
        first, start = _EXTENTS.make(ExtentSlot(slot.start))
        buffers, data = _BUFFERS.make(slot.data)
        made = List(data, length.dim, start.dim, slot.queue)
        pool: list[Var] = []
        if slot.pool is not None:
            pool, made._pool = self.make(slot.pool)
        return [*n, *first, *buffers, *pool], made

    def flatten(self, x: Any, slot: ListSlot) -> list[Atom]:
        if x is UNBOUND:
            x = List(Data(None, ()), 0)
        elif type(x) is list:
            x = list_of(x, slot.data.item)
        return [*_EXTENTS.flatten(x.length, ExtentSlot(slot.length)),
                *_EXTENTS.flatten(x.start, ExtentSlot(slot.start)),
                *_BUFFERS.flatten(x.data, slot.data),
                *(self.flatten(x.pool, slot.pool) if slot.pool is not None else [])]

    def describe(self, slot: ListSlot) -> str:
        return _BUFFERS.describe(slot.data)


def _as_list_slot(slot: Any, visible: Builder, name: Any) -> ListSlot | None:
    """That of a list of known length, too."""
    if isinstance(slot, ListSlot):
        return slot
    if not (isinstance(slot, SequenceSlot) and slot.type is list):
        return None
    item = None
    for part in slot.items:
        item = part if item is None else join(item, part, visible, name)
    return ListSlot(DataSlot(item, (len(slot.items),) * len(columns(item))), len(slot.items), 0,
                    None)


VALUES[Extent] = KINDS[ExtentSlot] = _EXTENTS
VALUES[Data] = KINDS[DataSlot] = _BUFFERS
def register(kind: type) -> None:
    """A further class of lists."""
    VALUES[kind] = KINDS[list]


VALUES[List] = KINDS[ListSlot] = KINDS[list] = _Lists()
