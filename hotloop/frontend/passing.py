"""What functions of their own are passed and give back: lists by content, results of any size.

    def go(path): path.append(k); go(path)      path: its extents and buffers are parameters, and
                                                what it is afterwards are results
    def fft(x): return np.concatenate(...)      the caller passes an array without elements, whose
                                                memory becomes that of the result

A function's parameters and results are Vars in the order that `slots.make` gives them for the slots
of its arguments. Buffers of lists that change, and new arrays, are lent (`ops.invoke`): in the
caller a result that is one has the number of rows that another result says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, emit, lit, opened, staging, unsupported
from hotloop.frontend.instances import InstanceSlot, attributes
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import DataSlot, List, ListSlot, Table, TableSlot, linked
from hotloop.frontend.objects import needs_length
from hotloop.frontend.rows import Row
from hotloop.frontend.slots import (
    VALUES,
    ArraySlot,
    ObjectSlot,
    SequenceSlot,
    make,
    slot_of,
)
from hotloop.frontend.structure import Keys, is_named_tuple, items_of, kind_of, rebuilt
from hotloop.frontend.tracers import Array, full, lift, may_share, zero
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import I64
from hotloop.record import record

# ---- arguments

def lifted(x: Any) -> Any:
    """An argument with arrays for ndarrays, and lists of run-time length for known ones."""
    if type(x).__module__ == "numpy" and hasattr(x, "__array__") and x.ndim:
        return lift(x)
    if type(x) is list:
        error = needs_length(x, staging("a list of known length is passed to a recursive function"))
        if error.site is not None and error.site not in current().state.session.growing:
            raise error
        return list_of(x)
    if type(x) is tuple or is_named_tuple(x):
        return rebuilt(type(x), [lifted(e) for e in x])
    return x


def slot_given(x: Any, by_content: bool) -> Any:
    """The slot of an argument. Instances are themselves, unless the calls have different ones."""
    if type(x) is tuple or is_named_tuple(x):
        return SequenceSlot(type(x), tuple(slot_given(e, by_content) for e in x))
    found = slot_of(x)
    mutable = isinstance(found, InstanceSlot) or type(x) is dict
    return ObjectSlot(x) if mutable and not by_content else general(found)


def general(slot: Any) -> Any:
    """The slot with arrays and lists of any size."""
    if isinstance(slot, ArraySlot):
        return ArraySlot(slot.dtype, (None,) * len(slot.dims))
    if isinstance(slot, SequenceSlot):
        return SequenceSlot(_unbound(slot.type), tuple(map(general, slot.items)))
    if isinstance(slot, InstanceSlot):
        return InstanceSlot(slot.type, slot.names, tuple(map(general, slot.items)))
    return general_lists(slot)


def _unbound(kind: Any) -> Any:
    """The type of any dict of these keys, not of one that is known."""
    return Keys(kind.keys) if isinstance(kind, Keys) else kind


def general_lists(slot: Any) -> Any:
    """The slot with lists of any size."""
    if isinstance(slot, SequenceSlot):
        return SequenceSlot(_unbound(slot.type), tuple(map(general_lists, slot.items)))
    if isinstance(slot, InstanceSlot):
        return InstanceSlot(slot.type, slot.names, tuple(map(general_lists, slot.items)))
    if isinstance(slot, TableSlot):
        return TableSlot(slot.kind, slot.factory, tuple(map(general_lists, slot.lists)))
    if isinstance(slot, ListSlot):
        data = DataSlot(slot.data.item, (None,) * len(slot.data.rooms))
        pool = None if slot.pool is None else general_lists(slot.pool)
        return ListSlot(data, None, None, slot.queue, pool)
    return slot


def arrays_of(x: Any) -> list[Array]:
    """The arrays in a value, in the order of its Vars."""
    if isinstance(x, Array):
        return [x]
    if isinstance(x, List | Table):
        return []
    if kind_of(x) is not None:
        return [a for e in items_of(x) for a in arrays_of(e)]
    return [a for e in VALUES[type(x)].parts(x) for a in arrays_of(e)] if type(x) in VALUES else []


def lists_of(x: Any) -> list[List]:
    """The lists in a value: those of dicts and sets, too."""
    if isinstance(x, List):
        return [x]
    if isinstance(x, Table):
        return x.lists
    if kind_of(x) is not None:
        return [y for e in items_of(x) for y in lists_of(e)]
    return [y for e in VALUES[type(x)].parts(x) for y in lists_of(e)] if type(x) in VALUES else []


@record
class Leaf:
    """A part of the arguments, whose Vars are `count` from `at` on."""
    slot: Any
    value: Any
    at: int
    count: int


def leaves(slot: Any, x: Any) -> list[Leaf]:
    """The parts of a value in the order of its Vars."""
    found: list[Leaf] = []
    at = 0
    for part, y in _leaves(slot, x):
        count = len(vars_of(part))
        found.append(Leaf(part, y, at, count))
        at += count
    return found


def _leaves(slot: Any, x: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(slot, SequenceSlot):
        for part, y in zip(slot.items, items_of(x), strict=True):
            yield from _leaves(part, y)
    elif isinstance(slot, TableSlot):
        yield from zip(slot.lists, x.lists, strict=True)
    elif isinstance(slot, InstanceSlot):
        own = attributes(x)
        for name, part in zip(slot.names, slot.items, strict=True):
            yield from _leaves(part, own[name])
    else:
        yield slot, x


def vars_of(slot: Any) -> list[Var]:
    """Vars of a slot that stand for nothing."""
    with opened(Builder(current())):
        return make(slot)[0]


# ---- lists

State = tuple[Any, ...]


def state_of(x: List) -> State:
    """What of a list changes, and of the pools of its rows."""
    if x.queue is not None and isinstance(x.queue.limit, Var):
        raise unsupported("a deque whose maxlen is known at run time only, passed to a recursive "
                          "function", "use a literal maxlen")
    own = (x.data, x.length, x.start)
    return own if x._pool is None else (*own, *state_of(x._pool))


def own_slot(x: List) -> ListSlot:
    """The slot of a list without the pool of its rows, which is a list of its own."""
    return ListSlot(DataSlot(x.data.item, (None,) * len(x.data.atoms)), None, None, x.queue)


def put(x: List, new: List) -> None:
    """`x` has become `new`."""
    if isinstance(x, Row):
        raise unsupported("a recursive function that changes a row of a list of lists",
                          "pass the list and the number of the row")
    x.changing()
    x.epoch += 1
    for name in ("data", "length", "start"):
        x.put(name, getattr(new, name))
    if new._pool is not None:
        put(x.pool, new._pool)


def restore(x: List, state: State) -> None:
    x.data, x.length, x.start = state[:3]
    if state[3:]:
        restore(x.pool, state[3:])


# ---- results

def by_content(x: Any, outer: frozenset[int]) -> Any:
    """A result with lists of run-time length for lists of known length."""
    if type(x) is list:
        if id(x) in outer:
            raise unsupported("a recursive function that returns a list from outside of it",
                              "return a copy: list(x)")
        return list_of([by_content(e, outer) for e in x])
    if type(x) is tuple or is_named_tuple(x) or type(x) is dict and id(x) not in outer:
        return rebuilt(kind_of(x), [by_content(e, outer) for e in items_of(x)])
    if isinstance(x, Row):
        raise unsupported("a recursive function that returns a row of a list of lists",
                          "return a copy: list(row)")
    return x


def is_new(x: Any, body: Builder) -> bool:
    """Has the block made all arrays and lists of a result, so that nobody else has them?"""
    for a in arrays_of(x):
        for base in a.base.memory:
            if not all(b.path is None and body.encloses(b.home) for b in (base, *base.group)):
                return False
    for y in lists_of(x):
        known = [y, y.original, *(z for r in y.group if (z := r()) is not None)]
        if y.moved or not all(body.encloses(z.home) for z in known):
            return False
    return True


def may_be(result: Any, given: Sequence[Any]) -> None:
    """From here on it is unknown whether a result is one of these values."""
    for x in given:
        for a in arrays_of(result):
            for b in arrays_of(x):
                may_share(a.base, b.base)
        for y in lists_of(result):
            for z in lists_of(x):
                linked(y, z)


@record
class Made:
    """An array among the Vars of a result. `rows`: which of these says its rows; None if its sizes
    are not all the same, or known: it is handed over as one row."""
    var: Var
    rows: int | None

    @property
    def rest(self) -> tuple[Any, ...]:
        return self.var.shape[1:] if self.rows is not None else ()

    def empty(self) -> Atom:
        """What the caller passes."""
        return full(zero(self.var.dtype), (0, *self.rest))

    def param(self, builder: Builder) -> list[Var]:
        rows = builder.bind(I64)
        dm.bound(rows, 0, dm.MAX_DIM, builder)
        return [rows, builder.bind(self.var.dtype, (rows, *self.rest))]


def made_arrays(vars: Sequence[Var]) -> list[Made]:
    found = []
    for v in vars:
        if v.shape:
            first = v.shape[0]
            plain = isinstance(first, Var) and first in vars and not any(
                d in vars for d in v.shape[1:])
            found.append(Made(v, vars.index(first) if plain else None))
    return found


def as_row(x: Atom) -> tuple[Atom, Atom]:
    """The number of elements of an array, and the array as one row."""
    total = dm.product(x.shape)
    row, = emit("reshape", [x, total], [(x.dtype, (total,))]) if len(x.shape) > 1 else [x]
    return (lit(total) if isinstance(total, int) else total), row


def zeros(vars: Sequence[Var]) -> list[Atom]:
    """A result that is never seen, of a path that raises."""
    return [full(zero(v.dtype), tuple(0 if d in vars else d for d in v.shape)) if v.shape
            else zero(v.dtype) for v in vars]


class Outs:
    """The results of a function: scalars, then arrays with the parameters whose memory they take
    and, if they have another number of rows, the scalar that says it. `made`: new arrays."""

    def __init__(self) -> None:
        self.scalars: list[Atom] = []
        self.arrays: list[tuple[Atom, Var, int | None]] = []
        self.made: list[tuple[Made, Atom, int]] = []

    def result(self, vars: Sequence[Var], atoms: Sequence[Atom]) -> None:
        """What is returned, `vars` being those of its slot."""
        places = {}
        for v, a in zip(vars, atoms, strict=True):
            if not v.shape:
                places[v] = len(self.scalars)
                self.scalars.append(a)
        values = dict(zip(vars, atoms, strict=True))
        for made in made_arrays(vars):
            atom = values[made.var]
            if made.rows is not None:
                self.made.append((made, atom, places[vars[made.rows]]))
            else:
                total, row = as_row(atom)
                self.made.append((made, row, len(self.scalars)))
                self.scalars.append(total)

    def changed(self, params: Sequence[Var], atoms: Sequence[Atom]) -> None:
        """A list that has changed, of which `params` say what it was."""
        places = {}
        for p, a in zip(params, atoms, strict=True):
            if not p.shape:
                places[p] = len(self.scalars)
                self.scalars.append(a)
        for p, a in zip(params, atoms, strict=True):
            if p.shape:
                rows = p.shape[0]
                assert isinstance(rows, Var)            # lists have any number of rows
                self.arrays.append((a, p, places[rows]))
