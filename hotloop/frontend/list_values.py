"""Lists whose length is known at run time only: memory with room to spare, a start and a length.

    out = []                        data: no item type yet, no buffers     length 0
    for i in range(n):
        out.append(x[i] * 2.0)      data: f64 items, one buffer f64[room]  length i + 1

A list is a mutable reference like an Array. Its items are of one slot (see `slots`): a number is
one buffer, a number of two kinds two (the flag and the wide value), a tuple as many as its items
need. Item k is at `start + k` of every buffer. What an open block changes in a list from outside is
journaled by attribute (`Place`), so a loop carries a length only if it changes.

A list that a loop or branch carries by value (a name bound to another list there) is a copy: nobody
can say whether it is the same list as before. Those are one `group`, and when one of them changes
the others can't be used any more. A list that was put into another one can't change either.
"""

from __future__ import annotations

import collections
import weakref
from collections.abc import Iterable
from typing import Any

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, unsupported
from hotloop.frontend.tracers import Tracer, as_int
from hotloop.ir.core import Atom, Dim
from hotloop.record import record

text_names = lazy.module("hotloop.frontend.text_names")


class Extent:
    """A length or a start: an int, or an i64 Var that is not negative."""

    __slots__ = ("dim",)

    def __init__(self, dim: Dim):
        self.dim = dim


class Data:
    """The item type (None as long as there was no item) and the buffers."""

    __slots__ = ("atoms", "item")

    def __init__(self, item: Any, atoms: Iterable[Atom]):
        self.item, self.atoms = item, tuple(atoms)


@record
class ExtentSlot:
    """`dim` None: another one in each iteration."""
    dim: Dim | None


@record
class DataSlot:
    """`rooms`: the first extent of each buffer, None where it changes."""
    item: Any
    rooms: tuple[Dim | None, ...]


@record
class RowSlot:
    """The item type of a list of lists: `rows` has how they are stored, the pool their items."""


@record
class Queue:
    """That a list is a collections.deque, of at most `limit` items."""
    limit: Dim | None


@record
class ListSlot:
    """A list by value; `pool`: of a list of lists."""
    data: DataSlot
    length: Dim | None
    start: Dim | None
    queue: Queue | None
    pool: Any = None


class List(Tracer):
    """See above. `home`: the block that made it; `moved`: its content was put into another list;
    `stale`: another name's list, which may have been this one, was changed; `kept`: rows of this
    list of lists may be one list, so that they must not change; `changed`: by anybody; `unknown`:
    why it must not change, if it may be a list of known length, too."""

    __slots__ = ("__weakref__", "_pool", "born", "changed", "data", "derived", "epoch",
                 "exchanged", "group", "home", "kept", "length", "moved", "moved_at", "original",
                 "queue", "rows", "stale", "start", "unknown")

    data: Data
    length: Extent
    start: Extent

    def __init__(self, data: Data, length: Dim, start: Dim = 0, queue: Queue | None = None):
        self.data, self.length, self.start = data, Extent(length), Extent(start)
        self.home, self.queue = current(), queue
        self.group: list[weakref.ref[List]] = []
        self.moved = self.stale = self.kept = self.changed = False
        self.born, self.moved_at = self.home.state.clock, 0
        self.original = self
        self._pool: List | None = None
        self.derived: list[weakref.ref[List]] = []
        self.epoch = 0
        self.exchanged = False
        self.rows: list[Any] = []
        self.unknown: list[Exception] = []

    def __getattr__(self, name: str) -> Any:
        return method(self, name)

    @property
    def n(self) -> Dim:
        """The length."""
        self.readable()
        return self.length.dim

    @property
    def size(self) -> Any:
        """len()"""
        return as_int(self.n)

    @property
    def pool(self) -> List:
        """The items of the rows of a list of lists: empty when the list was made."""
        if self._pool is None:
            self._pool = List(Data(None, ()), 0)
            self._pool.home = self.home
        return self._pool

    @property
    def storage(self) -> List:
        """The list that has the buffers."""
        return self

    def put(self, name: str, new: Any) -> None:
        """Change an attribute; journaled."""
        PUT[0](self, name, new)

    def readable(self) -> None:
        if self.stale:
            raise unsupported("a list is used under another name after a list that may be the same "
                              "was changed", "copy the list (list(x)) before the branch or loop")

    def inside(self, builder: Builder) -> bool:
        """Was it made in the block whose journal `builder` keeps?"""
        return builder.encloses(self.home) or self.home.loop and builder.parent is self.home

    def changing(self) -> None:
        """To be called before each change."""
        self.readable()
        if self.moved:
            raise unsupported("a list is changed after it was put into another list",
                              "put a copy there: rows.append(list(row))")
        if self.unknown:
            raise self.unknown[0]
        mark(self, "changed")
        for reference in self.group:
            other = reference()
            if other is not None and other is not self:
                if other.moved and other.moved_at > self.born or hasattr(other, "parent"):
                    raise unsupported("a list is changed that may be in another list",
                                      "put a copy there: rows.append(list(row))")
                mark(other, "stale")
                mark(other, "changed")

    def same_view(self, other: object) -> bool:
        return self is other


def mark(x: List, name: str) -> None:
    """x is `moved`, `stale` or `changed` from here on, on this path of the program: what a branch
    marked is taken back for the other one, and holds again after both."""
    if not getattr(x, name):
        state = current().state
        state.clock += 1
        if name == "moved":
            x.moved_at = state.clock
        setattr(x, name, True)
        state.marks.append((x, name))


def marks_taken_back(start: int) -> list[tuple[List, str]]:
    """Without the marks made since there were `start` of them; gives them."""
    marks = current().state.marks
    found = marks[start:]
    del marks[start:]
    for x, name in found:
        setattr(x, name, False)
    return found


def linked(a: List, b: List) -> None:
    """From here on it is unknown whether `a` and `b` are one list."""
    members = {id(x): x for r in (*a.group, *b.group) if (x := r()) is not None}
    members |= {id(a): a, id(b): b}
    joined = [weakref.ref(x) for x in members.values()]
    for x in members.values():
        x.group = joined


def snapshot(x: List) -> List:
    """What the list is now, for a name that is bound to it at the end of a block."""
    made = List(x.data, x.length.dim, x.start.dim, x.queue)
    made.original = x.original
    made.home, made.moved = x.home, x.moved
    made._pool = snapshot(x._pool) if x._pool is not None else None
    linked(made, x)
    return made


TABLE_METHODS: dict[str, Any] = {}
"""Methods of dicts and sets of run-time values: filled by `tables`."""


@record
class TableSlot:
    """A dict or set by value."""
    kind: str
    factory: Any
    lists: tuple[Any, ...]


class Table(Tracer):
    """A dict or set of run-time values (see `tables`): `kind` is "dict", "set", "defaultdict" or
    "Counter", `factory` what a defaultdict makes."""

    __slots__ = ("counts", "factory", "kind", "living", "own_keys", "own_values", "places")

    places: List
    own_keys: List
    own_values: List
    living: List
    counts: List

    def __init__(self, kind: str, factory: Any, lists: Iterable[List]):
        self.kind, self.factory = kind, factory
        self.places, self.own_keys, self.own_values, self.living, self.counts = lists

    def be(self, kind: str, factory: Any) -> None:
        """Become another kind of dict."""
        self.kind, self.factory = kind if factory or kind != "defaultdict" else "dict", factory

    @property
    def lists(self) -> list[List]:
        return [self.places, self.own_keys, self.own_values, self.living, self.counts]

    def __getattr__(self, name: str) -> Any:
        kinds = ("set",) if self.kind == "set" else ("Counter", "dict") if (
            self.kind == "Counter") else ("dict",)
        for kind in kinds:
            if f"{kind}.{name}" in TABLE_METHODS:
                return ListMethod(TABLE_METHODS[f"{kind}.{name}"], self)
        if name.startswith("__") or not hasattr({} if kinds[-1] == "dict" else set(), name):
            raise AttributeError(f"'{self.kind}' object has no attribute '{name}'")
        raise unsupported(f"the method {name} of a {self.kind} of run-time values")


class Text(Tracer):
    """A str or bytes known at run time (see `text`): `length` codes of the pool from `start` on, or
    the one character `code`. `plain`: `start` is a place of the pool, and not ~ of a code."""

    __slots__ = ("code", "kind", "length", "plain", "start")

    def __init__(self, kind: type, start: Dim, length: Dim, plain: bool = True,
                 code: Atom | None = None):
        self.kind, self.start, self.length = kind, start, length
        self.plain, self.code = plain, code

    def __getattr__(self, name: str) -> Any:
        methods = text_names.TEXT_METHODS
        if name in methods:
            return ListMethod(methods[name], self)
        if name.startswith("__") or not hasattr(self.kind, name):
            raise AttributeError(f"'{self.kind.__name__}' object has no attribute '{name}'")
        raise unsupported(f"the method {name} of text that is known at run time only")


PUT: list[Any] = []
"""The journaled write: `objects.Place`, which knows lists."""

METHODS: dict[str, Any] = {}
"""Methods of lists: filled by `lists`."""

QUEUE_METHODS: dict[str, Any] = {}
"""What deques do otherwise, or lists can't: filled by `python_library`."""


class ListMethod:
    """A method of a list, dict or set, looked up but not called yet."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Any, owner: List | Table | Text):
        self.function, self.owner = function, owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.owner, *args, **kwargs)


def method(x: List, name: str) -> Any:
    if x.queue is not None and name in QUEUE_METHODS:
        return ListMethod(QUEUE_METHODS[name], x)
    if name in METHODS:
        return ListMethod(METHODS[name], x)
    if x.queue is not None and name == "maxlen":
        return None if x.queue.limit is None else as_int(x.queue.limit)
    kind = "list" if x.queue is None else "collections.deque"
    if name.startswith("__") or not hasattr([] if x.queue is None else collections.deque(), name):
        raise AttributeError(f"'{kind}' object has no attribute '{name}'")
    raise unsupported(f"the method {name} of a {kind} of run-time length")


def bounded(d: Any) -> Any:
    """A new extent's Var is not negative, and no larger than memory is."""
    dm.bound(d, 0, dm.MAX_DIM)
    return d
