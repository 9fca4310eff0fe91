"""What lists of run-time length do: indexing, append, pop, slices, and the rest of their methods.

    out.append(v)       buffers reserved for one more, v stored there, the length one more
    out[i] = v          a store at start + i
    out[a:b]            a new list over a part of the buffers

All of it is functional updates of the buffers, which happen in place. What is easily said in Python
(`index`, `remove`, `==`) is written so, in `in_python`, and traced like the user's code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import (
    check,
    current,
    emit,
    fail,
    lit,
    opened,
    staging,
    unsupported,
)
from hotloop.frontend.indexing import span
from hotloop.frontend.list_buffers import exact, lay, less, more, put, slices
from hotloop.frontend.list_buffers import make_room as buffers_for
from hotloop.frontend.list_slots import (
    OF_ROWS,
    assemble,
    columns,
    item_atoms,
    list_of,
    recast,
    register,
)
from hotloop.frontend.list_values import METHODS, Data, Extent, List, Queue, RowSlot
from hotloop.frontend.objects import needs_length
from hotloop.frontend.rows import (
    Row,
    derive,
    freeze,
    grid,
    room_for,
    row_atoms,
)
from hotloop.frontend.slots import (
    MixedSlot,
    ScalarSlot,
    SequenceSlot,
    any_dict,
    join,
    slot_of,
)
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON,
    Array,
    Base,
    Scalar,
    Tracer,
    Widened,
    dim_of,
    fresh,
    full,
    iota,
    lift,
    zero,
)
from hotloop.frontend.truth import choose
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL, I64

LOAD = "list index out of range"
STORE = "list assignment index out of range"


def resize(x: List, n: Dim) -> None:
    if n is not x.length.dim:
        put(x, "length", Extent(n))


def _text(x: List, message: str) -> str:
    return message.replace("list", "deque", 1).replace("assignment ", "") if x.queue else message


# ---- places

def index_dim(x: List, i: Any) -> Dim:
    if isinstance(i, float | str) or (isinstance(i, Scalar) and not isinstance(i, Widened)
                                      and i.atom.dtype.kind in "fc"):
        kind = type(i).__name__ if not isinstance(i, Tracer) else "float"
        fail(TypeError, "sequence index must be integer, not 'float'" if x.queue
             else f"list indices must be integers or slices, not {kind}")
    return dim_of(i)


def position(i: Dim, n: Dim, message: str) -> Dim:
    """One index, in bounds and not negative: proved or checked."""
    side = dm.sign(i)
    if side > 0:
        dm.require("lt", i, n, IndexError, message)
        return i
    if side < 0:
        j = more(n, i)
        dm.require("ge", j, 0, IndexError, message)
        return j
    negative = dm.compare("lt", i, 0)
    moved, = emit("add", [i, n], [(I64, ())])
    j, = emit("select", [negative, moved, i], [(I64, ())])
    low, = emit("ge", [j, lit(0)], [(BOOL, ())])
    high, = emit("lt", [j, n], [(BOOL, ())])
    check(emit("and", [low, high], [(BOOL, ())])[0], IndexError, message)
    dm.bound(j, 0, dm.MAX_DIM)
    dm.fact(dm.minus(dm.minus(dm.form(n), {j: 1}), dm.ONE))
    return j


# ---- single items

def item(x: List, k: Dim) -> Any:
    """The item at a place that exists."""
    x.readable()
    at = more(x.start.dim, k)
    if x.data.item is None:                    # nothing has been put into it
        fail(IndexError, _text(x, LOAD))
    if isinstance(x.data.item, RowSlot):
        return Row(x.storage, at)
    atoms = [emit("get", [buffer, at], [(buffer.dtype, buffer.shape[1:])],
                  codes="i" + ":" * (len(buffer.shape) - 1))[0] for buffer in x.data.atoms]
    return assemble(x.data.item, iter(atoms))


def accept(x: List, new: Any) -> list[Atom]:
    """The atoms of an item to be stored; the list's item type is widened to hold it."""
    old = x.data.item
    if isinstance(new, List) or type(new) is list:
        return accept_row(x, new)
    store_array(new)
    slot = any_dict(slot_of(new))
    wide = join(slot if old is None else old, slot, x.storage.home, "an item of the list")
    columns(wide)                              # an error if there is no such list
    if wide != old:
        put(x, "data", recast(x.data, wide))
    return item_atoms(new, wide)


def accept_row(x: List, new: Any) -> list[Atom]:
    if type(new) is list and sys.getrefcount(new) > HELD:
        raise needs_length(new, staging("a list that is held elsewhere is put into a list of "
                                        "run-time length"))
    if x.data.item is None:
        put(x, "data", recast(x.data, RowSlot()))
    elif not isinstance(x.data.item, RowSlot):
        raise unsupported("lists and other items in one list of run-time length")
    if not isinstance(new, List):
        new = list_of(new)
    return row_atoms(x.storage if isinstance(x, Row) else x, new)


HELD = 6
"""References to a list that only the expression it stands in refers to, as `accept_row` counts."""


def of_rows(items: Sequence[Any], queue: Queue | None = None) -> List:
    made = List(Data(RowSlot(), recast(Data(None, ()), RowSlot()).atoms), 0, 0, queue)
    for row in items:
        append(made, row)
    return made


def store_array(new: Any) -> None:
    """An array that goes into a list: what is stored to it later must not be missing there."""
    if isinstance(new, Array):
        for base in new.base.memory:
            _keep(base)
    elif isinstance(new, tuple):
        for part in new:
            store_array(part)


def _keep(base: Base) -> None:
    made_here = base.home is current() and base.path is None
    if not made_here and (base.stored or base.path is not None and base.readonly == ""):
        if base.stored:
            raise unsupported("an array that is changed is put into a list",
                              "put a copy there: out.append(x.copy())")
    base.readonly = ("a store to an array that is in a list: put a copy into the list "
                     "(out.append(x.copy()))")


def write(x: List, k: Dim, atoms: list[Atom]) -> None:
    """Store at a place that exists."""
    at = more(x.start.dim, k)
    put(x, "data", Data(x.data.item, [
        emit("set", [buffer, atom, at], [(buffer.dtype, buffer.shape)],
             codes="i" + ":" * (len(buffer.shape) - 1))[0]
        for buffer, atom in zip(x.data.atoms, atoms, strict=True)]))


def make_room(x: List, extra: Dim) -> None:
    """Memory for so many more items."""
    if isinstance(x, Row):
        room_for(x, extra)
    else:
        buffers_for(x, extra)


def load(x: List, i: Any) -> Any:
    """`x[i]`"""
    if isinstance(i, slice):
        if x.queue:
            fail(TypeError, "sequence index must be integer, not 'slice'")
        return part(x, i)
    return item(x, position(index_dim(x, i), x.n, _text(x, LOAD)))


def store(x: List, i: Any, new: Any) -> None:
    """`x[i] = new`"""
    x.changing()
    if isinstance(i, slice):
        store_part(x, i, new)
        return
    k = position(index_dim(x, i), x.n, _text(x, STORE))
    if isinstance(x.data.item, RowSlot):
        freeze(x.storage)
    write(x, k, accept(x, new))


def delete(x: List, i: Any) -> None:
    """`del x[i]`"""
    x.changing()
    if not isinstance(i, slice):
        remove_at(x, position(index_dim(x, i), x.n, _text(x, STORE)))
        return
    start, size, step = span(i, x.n)
    if not (isinstance(step, int) and step == 1):
        raise unsupported("del of a slice with a step")
    replace(x, start, size, List(Data(None, ()), 0))


def check_unpacked(x: List, count: int) -> None:
    """`a, b = x`: the errors of another length."""
    n = lit(x.n) if isinstance(x.n, int) else x.n
    dm.require("ge", x.n, count, ValueError,
               f"not enough values to unpack (expected {count}, got {{}})", n)
    dm.require("le", x.n, count, ValueError,
               f"too many values to unpack (expected {count})")


def load_from(x: Any, i: Scalar) -> Any:
    """`x[i]` of a list, tuple or range of known length at a run-time index."""
    if isinstance(x, range):
        first = of_range(x.start, len(x), x.step)
        return item(first, position(dim_of(i), len(x), "range object index out of range"))
    kind = "tuple" if isinstance(x, tuple) else "list"
    if type(x) is list and len(x) > 8:
        error = needs_length(x, staging("a list of known length indexed by a run-time value"))
        if error.site is not None and error.site not in current().state.session.growing:
            raise error
    if not x:
        fail(IndexError, f"{kind} index out of range")
    place = position(index_dim_of(i, kind), len(x), f"{kind} index out of range")
    if len(x) <= MOST_CHOICES and all(isinstance(e, Array | np.ndarray) for e in x):
        return _one_of(x, place)
    return item(table_of(x), place)


MOST_CHOICES = 8
"""Arrays up to which one of them at a run-time index is a choice: of more, their table is made."""


def _one_of(arrays: Sequence[Any], place: Dim) -> Any:
    """The array itself, as if the program had an if statement for each."""
    last = len(arrays) - 1
    result = lift(arrays[last])
    for k in range(last - 1, -1, -1):
        here = dm.compare("eq", place, k)
        if isinstance(here, bool):
            result = lift(arrays[k]) if here else result
        else:
            result = choose(Scalar(here, PYTHON), partial(lift, arrays[k]), partial(_same, result))
    return result


def _same(x: Any) -> Any:
    return x


def index_dim_of(i: Scalar, kind: str) -> Dim:
    if not isinstance(i, Widened) and i.atom.dtype.kind in "fc":
        fail(TypeError, f"{kind} indices must be integers or slices, not float")
    return dim_of(i)


def table_of(x: Any) -> List:
    """The items in memory, outside of the loops where they are known; once if they are numbers."""
    builder = current()
    numbers = {type(e) for e in x} in ({int}, {float}, {bool}, {complex})
    homes = [builder.lineage[0]]
    for e in x:
        if isinstance(e, Scalar) and type(e.atom) is Var:
            homes.append(builder.state.home[e.atom])
        elif isinstance(e, list | List):
            raise needs_length(x, staging(f"a {type(x).__name__} of lists indexed by a run-time "
                                          "value", "make it a NumPy array"))
        elif type(e) not in (int, float, bool, complex):
            return list_of(list(x))
    home = max(homes, key=lambda b: len(b.lineage))
    key = ("table", tuple((e.atom, e.kind) if isinstance(e, Scalar) else (type(e), repr(e))
                          for e in x))
    found = builder.state.selections.get(key)
    if found is not None and found[0].encloses(builder):
        return found[1]
    with opened(home):
        if numbers and len(x) > 4:
            array = builder.state.session.constant(np.array(x))
            made = List(Data(slot_of(x[0]), [array.value()]), len(x))
        else:
            made = list_of(list(x))
    builder.state.selections[key] = home, made
    return made


# ---- parts

def part(x: List, s: slice) -> List:
    start, size, step = span(s, x.n)
    return with_rows(List(slices(x, start, size, step), size), x)


def with_rows(new: List, x: List) -> List:
    """A list of some of the items of `x`: if these are rows, both have them."""
    if isinstance(x.data.item, RowSlot):
        new._pool = detached(x.pool)
        new.kept = x.kept = True
        derive(new._pool, x)
        derive(new, x)
    return new


def detached(x: List) -> List:
    made = List(x.data, x.length.dim, x.start.dim)
    if x._pool is not None:
        made._pool = detached(x._pool)
    return made


def copied(x: List) -> List:
    x.readable()
    if isinstance(x, Row):
        return with_rows(List(exact(x), x.length.dim), x)
    return with_rows(List(x.data, x.length.dim, x.start.dim, x.queue), x)


def joined(pieces: list[List]) -> List:
    """The lists one after the other."""
    pieces = [p for p in pieces if p.data.item is not None]
    if not pieces:
        return List(Data(None, ()), 0)
    if any(isinstance(p.data.item, RowSlot) for p in pieces):
        raise unsupported("two lists of lists put together", "append the rows in a loop")
    slot = pieces[0].data.item
    for p in pieces[1:]:
        slot = join(slot, p.data.item, current(), "an item of the list")
    total: Dim = 0
    for p in pieces:
        total = more(total, p.n)
    buffers: list[Atom] = [full(zero(dtype), (total, *dims)) for dtype, dims in columns(slot)]
    at: Dim = 0
    for p in pieces:
        given = recast(exact(p), slot)
        buffers = [lay(b, a, at) for b, a in zip(buffers, given.atoms, strict=True)]
        at = more(at, p.n)
    return List(Data(slot, buffers), total)


def become(x: List, new: List) -> None:
    """`x` gets the items of `new`."""
    x.storage.epoch += 1
    if isinstance(x, Row):
        become_row(x, new)
        return
    wide = new.data.item if x.data.item is None else x.data.item if (
        new.data.item is None) else join(x.data.item, new.data.item, x.storage.home, "an item")
    put(x, "data", recast(new.data, wide))
    put(x, "start", Extent(new.start.dim))
    resize(x, new.length.dim)


def become_row(x: Row, new: List) -> None:
    item = new.data.item
    wide = item if x.data.item is None else x.data.item if item is None else join(
        x.data.item, item, x.storage.home, "an item")
    if wide != x.data.item:
        put(x, "data", recast(x.data, wide))
    pieces = recast(exact(new), wide)
    room_for(x, dm.at_least_zero(dm.minus(dm.form(new.n), dm.form(x.length.dim))))
    at = x.start.dim
    put(x, "data", Data(wide, [lay(b, a, at) for b, a in zip(
        x.data.atoms, pieces.atoms, strict=True)]))
    resize(x, new.n)


def replace(x: List, start: Dim, size: Dim, new: List) -> None:
    """Other items for `size` ones from `start` on."""
    end = more(start, size)
    head = List(slices(x, 0, start, 1), start)
    rest = less(x.n, end)
    become(x, joined([head, new, List(slices(x, end, rest, 1), rest)]))


def store_part(x: List, s: slice, values: Any) -> None:
    start, size, step = span(s, x.n)
    new = as_list(values)
    if isinstance(step, int) and step == 1:
        start = dm.minimum(start, x.n)
        if not dm.equal(size, new.n):
            replace(x, start, size, new)
            return
    else:
        dm.require_equal(new.n, size, "attempt to assign sequence of size {} to extended slice "
                         "of size {}", *(lit(d) if isinstance(d, int) else d
                                         for d in (new.n, size)))
    first = more(x.start.dim, start)
    wide = join(x.data.item, new.data.item, x.storage.home, "an item of the list")
    if wide != x.data.item:
        put(x, "data", recast(x.data, wide))
    pieces = recast(exact(new), wide)
    put(x, "data", Data(wide, [
        emit("set", [b, a, first, size, step], [(b.dtype, b.shape)],
             codes="s" + ":" * (len(b.shape) - 1))[0]
        for b, a in zip(x.data.atoms, pieces.atoms, strict=True)]))


def remove_at(x: List, k: Dim) -> None:
    """Without the item at `k`: those behind it move down, or if it is the first one, none does."""
    n = x.length.dim
    x.storage.epoch += 1
    if isinstance(k, int) and k == 0:
        put(x, "start", Extent(more(x.start.dim, 1)))
    else:
        after = less(less(n, k), 1)
        behind = slices(x, more(k, 1), after, 1)
        at = more(x.start.dim, k)
        put(x, "data", Data(x.data.item, [
            lay(b, a, at) for b, a in zip(x.data.atoms, behind.atoms, strict=True)]))
    resize(x, less(n, 1))


def insert_at(x: List, k: Dim, new: Any) -> None:
    x.storage.epoch += 1
    atoms = accept(x, new)
    make_room(x, 1)
    n = x.length.dim
    behind = slices(x, k, less(n, k), 1)
    at = more(x.start.dim, more(k, 1))
    put(x, "data", Data(x.data.item, [
        lay(b, a, at) for b, a in zip(x.data.atoms, behind.atoms, strict=True)]))
    write(x, k, atoms)
    resize(x, more(n, 1))


# ---- making lists

def repeated(items: list[Any] | List, times: Any) -> List:
    """`items * times`"""
    source = items if isinstance(items, List) else list_of(items)
    if isinstance(source.data.item, RowSlot):
        raise unsupported("a list of lists repeated: its rows would be the same lists",
                          "[[0] * m for _ in range(n)]")
    n = dm.at_least_zero(dm.form(dim_of(times)))
    data, k = exact(source), source.n
    total = dm.product((n, k))
    made: list[Atom] = []
    for a in data.atoms:
        rest = a.shape[1:]
        if isinstance(k, int) and k == 1:
            shape = (n, *rest)
            made.append(emit("broadcast", [a, *shape], [(a.dtype, shape)],
                             axes=tuple(range(len(shape))))[0])
            continue
        tiled, = emit("broadcast", [a, n, k, *rest], [(a.dtype, (n, k, *rest))],
                      axes=tuple(range(1, len(rest) + 2)))
        made.append(emit("reshape", [tiled, total, *rest], [(a.dtype, (total, *rest))])[0])
    return List(Data(data.item, made), total)


def of_array(x: Array) -> List:
    """The items of an array of one axis: NumPy scalars."""
    atom = x.value()
    if len(x.dims) == 1:
        return List(Data(ScalarSlot(NUMPY_KIND, atom.dtype), [atom]), x.dims[0])
    return List(Data(slot_of(fresh_row(x)), [atom]), x.dims[0])


def fresh_row(x: Array) -> Array:
    return fresh(full(zero(x.dtype), x.dims[1:]))


def of_range(first: Dim, n: Dim, step: Dim) -> List:
    if not (isinstance(step, int) and step == 1 and isinstance(first, int) and first == 0):
        numbers: Atom = iota(n)
        scaled, = emit("mul", [numbers, step], [(I64, (n,))])
        numbers, = emit("add", [scaled, first], [(I64, (n,))])
    else:
        numbers = iota(n)
    return List(Data(ScalarSlot(PYTHON, I64), [numbers]), n)


AS_LIST: list[Callable[[Any], List]] = []
"""How other iterables become lists: one function, of `sequences`, which knows loops."""


def as_list(x: Any) -> List:
    """A list of the items of any iterable; `x` itself if it is one."""
    return x if isinstance(x, List) else AS_LIST[0](x)


def as_array(x: List, typed: bool = False) -> Array:
    """What np.array makes of it; `typed`: with a dtype, to which it is converted then."""
    data = exact(x)
    if data.item is None:
        return fresh(full(zero(float), (0,)))
    if isinstance(data.item, RowSlot):
        return fresh(_stacked(x.pool.data.item, iter(grid(x)), 2, typed))
    return fresh(_stacked(data.item, iter(data.atoms), 1, typed))


def _stacked(slot: Any, atoms: Iterator[Atom], leading: int, typed: bool) -> Atom:
    """An array of items that are stored in `atoms`, behind `leading` axes."""
    if isinstance(slot, ScalarSlot):
        return next(atoms)
    if isinstance(slot, MixedSlot) and slot.narrow is not None:
        flags, wide = next(atoms), next(atoms)
        if not typed:
            some, = emit("reduce_or", [flags], [(BOOL, ())], axes=tuple(range(leading)))
            none, = emit("eq", [flags.shape[0], 0], [(BOOL, ())])
            check(emit("or", [some, none], [(BOOL, ())])[0], UnsupportedError,
                  "an array of a list in which all numbers happen to be of the narrower of two "
                  "kinds: give np.array a dtype")
        return wide
    if isinstance(slot, SequenceSlot):
        parts = [_stacked(s, atoms, leading, typed) for s in slot.items]
        if parts and all(len(p.shape) == len(parts[0].shape) for p in parts):
            dtype = parts[0].dtype
            for p in parts[1:]:
                dtype = np.promote_types(dtype, p.dtype)
            shape = (*parts[0].shape[:leading], len(parts), *parts[0].shape[leading:])
            whole: Atom = full(zero(dtype), shape)
            for k, p in enumerate(parts):
                wide = p if p.dtype == dtype else emit(
                    "convert", [p], [(dtype, p.shape)], dtype=dtype)[0]
                whole, = emit("set", [whole, wide, k], [(dtype, shape)],
                              codes=":" * leading + "i" + ":" * (len(shape) - leading - 1))
            return whole
    if type(slot).__name__ == "ArraySlot":
        return next(atoms)
    raise unsupported("a list of such items as an array")


# ---- methods

def method(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METHODS[name] = function
        return function
    return register


@method("append")
def append(x: List, new: Any, /) -> None:
    x.changing()
    atoms = accept(x, new)
    make_room(x, 1)
    n = x.length.dim
    write(x, n, atoms)
    resize(x, more(n, 1))


@method("extend")
def extend(x: List, values: Any, /) -> None:
    x.changing()
    new = copied(values) if values is x else as_list(values)
    if new.data.item is None:
        return
    if isinstance(new.data.item, RowSlot):
        raise unsupported("a list of lists extended by another one", "append the rows in a loop")
    wide = new.data.item if x.data.item is None else join(
        x.data.item, new.data.item, x.storage.home, "an item of the list")
    if wide != x.data.item:
        put(x, "data", recast(x.data, wide))
    pieces = recast(exact(new), wide)
    make_room(x, new.n)
    at = more(x.start.dim, x.length.dim)
    put(x, "data", Data(wide, [lay(b, a, at) for b, a in zip(
        x.data.atoms, pieces.atoms, strict=True)]))
    resize(x, more(x.length.dim, new.n))


@method("pop")
def pop(x: List, i: Any = -1, /) -> Any:
    x.changing()
    dm.require("gt", x.n, 0, IndexError, "pop from an empty deque" if x.queue
               else "pop from empty list")
    k = position(index_dim(x, i), x.n, "pop index out of range")
    found = item(x, k)
    if isinstance(found, Row):
        found = with_rows(List(exact(found), found.n), found)
        found.moved = x.storage.kept
    if type(i) is int and i == -1:
        resize(x, less(x.n, 1))
    else:
        remove_at(x, k)
    return found


@method("popleft")
def popleft(x: List, /) -> Any:
    return pop(x, 0)


@method("appendleft")
def appendleft(x: List, new: Any, /) -> None:
    x.changing()
    insert_at(x, 0, new)


@method("insert")
def insert(x: List, i: Any, new: Any, /) -> None:
    x.changing()
    k, n = index_dim(x, i), x.n
    side = dm.sign(k)
    if side < 0:
        k = dm.at_least_zero(dm.plus(dm.form(n), dm.form(k)))
    elif side > 0:
        k = dm.minimum(k, n)
    else:
        moved, = emit("add", [k, n], [(I64, ())])
        k, = emit("select", [dm.compare("lt", k, 0), moved, k], [(I64, ())])
        k = dm.minimum(dm.maximum(k, 0), n)
    insert_at(x, k, new)


@method("clear")
def clear(x: List, /) -> None:
    x.changing()
    resize(x, 0)
    if not isinstance(x, Row):
        put(x, "start", Extent(0))


@method("copy")
def copy(x: List, /) -> List:
    return copied(x)


@method("reverse")
def reverse(x: List, /) -> None:
    x.changing()
    x.storage.epoch += 1
    n = x.n
    turned = slices(x, less(n, 1), n, -1)
    put(x, "data", Data(x.data.item, [lay(b, a, x.start.dim) for b, a in zip(
        x.data.atoms, turned.atoms, strict=True)]))


register(Row)
OF_ROWS.append(of_rows)
