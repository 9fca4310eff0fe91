"""Places that staged code may write: local names (closure cells), items and attributes of objects.

A write to an item or attribute inside a staged block is journaled with the old value and undone
when the block has been traced; the place then becomes a carried slot of the loop, or is joined
after the branch. So lists, dicts and objects are mutable state with a static structure:

    for i in range(n):
        body.velocity = body.velocity + a[i]        # carried: (body, "velocity")
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from functools import partial
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

from hotloop.frontend.builder import Builder, Regrow, current, staging, unsupported
from hotloop.frontend.list_values import PUT, List
from hotloop.frontend.structure import items_of, kind_of
from hotloop.frontend.tracers import Tracer


class _Unbound:
    def __repr__(self) -> str:
        return "UNBOUND"


UNBOUND = _Unbound()
"""The content of a name, item or attribute that does not exist."""

Cells = dict[str, CellType]

LEAVES: set[type] = {int, float, bool, complex, str, bytes, type(None), range, slice}
"""Types of objects that hold no objects of the program's."""


class Homed:
    """Objects of the tracer's own that know the block they were made in (`home`): there, writes to
    them need no journal."""

    def __init__(self) -> None:
        self.home = current()

    def inside(self, builder: Builder) -> bool:
        """Was it made in the block whose journal `builder` keeps?"""
        return builder.encloses(self.home)


def made_here(x: Any) -> None:
    """Note that the open block makes the object `x`."""
    builder = current()
    with suppress(TypeError):
        builder.state.session.homes[id(x)] = weakref.ref(x), builder


def made_inside(x: Any, keeper: Builder) -> bool:
    """Was `x` made in the block whose journal `keeper` keeps? Then nobody outside sees it."""
    if isinstance(x, List | Homed):
        return x.inside(keeper)
    known = keeper.state.session.homes.get(id(x))
    if known is None or known[0]() is not x:
        return False
    home = known[1]
    return keeper.encloses(home) or home.loop and keeper.parent is home


class Place:
    """An item or attribute of an object."""

    __slots__ = ("is_item", "key", "owner")

    def __init__(self, owner: Any, is_item: bool, key: Any):
        self.owner, self.is_item, self.key = owner, is_item, key

    def __hash__(self) -> int:
        return hash((id(self.owner), self.is_item, self.key))

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Place) and self.owner is other.owner
                and self.is_item == other.is_item and self.key == other.key)

    def __repr__(self) -> str:
        name = type(self.owner).__name__
        return f"{name}[{self.key!r}]" if self.is_item else f"{name}.{self.key}"

    def get(self) -> Any:
        try:
            if self.is_item:
                return self.owner[self.key]
            return getattr(self.owner, self.key)
        except (KeyError, IndexError, AttributeError):
            return UNBOUND

    def put(self, new: Any) -> None:
        """Write without a journal entry."""
        if self.is_item:
            if new is UNBOUND:
                self.owner.pop(self.key, None)
            else:
                self.owner[self.key] = new
        elif new is UNBOUND:
            if self.get() is not UNBOUND:       # undoing may have been interrupted (Restart)
                delattr(self.owner, self.key)
        else:
            setattr(self.owner, self.key, new)

    def set(self, new: Any) -> None:
        """Write, journaled if a staged block is open."""
        builder = current()
        if builder.parent is not None:
            keeper = journal_of(builder)
            if not made_inside(self.owner, keeper):
                keeper.journal.append((self, self.get()))
        self.put(new)


PUT.append(lambda x, name, new: Place(x, False, name).set(new))


class Variable(Place):
    """A local name by its cell: what an assignment expression binds, or a function inside that
    declares it nonlocal. Where a staged block carries the name itself there is no journal entry."""

    __slots__ = ()

    def __init__(self, cell: CellType, name: str):
        super().__init__(cell, False, name)

    def __repr__(self) -> str:
        return self.key

    def get(self) -> Any:
        try:
            return self.owner.cell_contents
        except ValueError:
            return UNBOUND

    def put(self, new: Any) -> None:
        if new is not UNBOUND:
            self.owner.cell_contents = new
        elif self.get() is not UNBOUND:
            del self.owner.cell_contents

    def set(self, new: Any) -> None:
        self.note(self.get())
        self.put(new)

    def note(self, old: Any) -> None:
        """Journal what it was, if a staged block is open that does not know the name."""
        builder = current()
        if builder.parent is not None:
            keeper = journal_of(builder)
            cells, names = keeper.scope
            if (self.key not in names or cells.get(self.key) is not self.owner) and (
                    not made_inside(self.owner, keeper)):
                keeper.journal.append((self, old))


def cells_made(read: Callable[[], Any]) -> None:
    """A function begins whose variables `read` reads: their cells are made in the open block."""
    builder = current()
    for cell in cells_of(read).values():
        builder.state.session.homes[id(cell)] = partial(_given, cell), builder


def _given(x: Any) -> Any:
    return x


@contextmanager
def assigning(variables: Sequence[Variable]) -> Iterator[None]:
    """What is called inside may assign these variables of functions around it."""
    before = [v.get() for v in variables]
    try:
        yield
    finally:
        for v, old in zip(variables, before, strict=True):
            if v.get() is not old:
                v.note(old)


def journal_of(builder: Builder) -> Builder:
    """The innermost open block whose journal is kept (a loop's outer builder holds parameters)."""
    for b in reversed(builder.lineage):
        if not b.loop:
            return b
    return builder.lineage[0]


def from_outside(x: Any) -> bool:
    """Is a staged block open that the object `x` is older than?"""
    builder = current()
    return builder.parent is not None and (
        id(x) in builder.outer or id(x) in builder.state.session.made)


def refuse_change(x: Any, what: str) -> None:
    """A container from outside a staged block must keep its structure in it."""
    refuse_change_of_either(x)
    if from_outside(x):
        raise needs_length(x, staging(
            f"{what} changes the structure of a {type(x).__name__} from outside of a "
            "branch or loop in it", "use a NumPy array of the final size"))


def refuse_change_of_either(x: Any) -> None:
    """A list that is one of two after a branch is neither of them, but a copy."""
    if id(x) in current().state.session.one_of_two:
        if type(x) is dict and any(isinstance(key, str) for key in x):
            raise staging("a change of a dict that is one of several after a branch or loop, or "
                          "in a list", "change a copy: dict(d), or {**d, key: x}")
        raise needs_length(x, staging("a change of a list that is one of two after a branch "
                                      "or loop", "copy it first: list(x)"))


def one_of_two(x: Any, y: Any, joined: Any, older: Set[int]) -> None:
    """`joined` is `x` or `y` after a branch. A change of one would be missing in the other if all
    are lists of known length, and a list of known length does not know of a list that isn't.
    `older`: ids of the lists of before the branch."""
    session = current().state.session
    for z in (x, y, joined):
        if type(z) is list:
            session.one_of_two[id(z)] = z
    if type(joined) is list:
        made_at(x, made_at(y, joined))
        return
    for z in (x, y):
        if type(z) is list:
            error = needs_length(z, staging("a change of a list that is one of two after a branch",
                                            "copy it first: list(x)"))
            if id(z) in older or error.site is not None:
                joined.unknown.append(error)


def carried_over(x: Any, made: Any) -> None:
    """`made` is what a loop carries in the place of `x`: a list in it may be the one of before,
    which others may know."""
    made_like(x, made)
    todo = [made]
    while todo:
        y = todo.pop()
        if type(y) in (list, dict):
            current().state.session.one_of_two[id(y)] = y
        todo += items_of(y)


def made_at(x: Any, made: Any) -> Any:
    """`made`, which stands for the list or dict `x`: they were made at one place of the source."""
    site = site_of(x)
    if site is not None:
        current().state.session.lists[id(made)] = made, site
    return made


def made_like(x: Any, made: Any) -> None:
    """`made` has the type of x, as a loop carries it: its lists were made where those of x were."""
    if type(made) in (list, dict) and type(x) is type(made):
        made_at(x, made)
    if kind_of(made) is not None and kind_of(x) is not None:
        for p, q in zip(items_of(x), items_of(made), strict=False):
            made_like(p, q)
    elif hasattr(type(made), "_hl_class") and hasattr(type(x), "_hl_class"):
        for name, q in object.__getattribute__(made, "__dict__").items():
            made_like(getattr(x, name, None), q)


def site_of(x: Any) -> Any:
    """Where a list (dict, set) was made, or the path of an argument; None if that is not known."""
    session = current().state.session
    known = session.lists.get(id(x))
    site = known[1] if known is not None and known[0] is x else None
    for s in session.stand_ins:
        if s.made is x and type(x) in (list, dict) and s.is_argument:
            site = s.path
            for other in session.stand_ins:        # a row: the list of lists
                if other.path == s.path[:-1] and _is_grid(other.real) and (
                        other.path not in session.growing):
                    site = other.path
    return site


def needs_length(x: Any, error: Any) -> Any:
    """The error, with the place where the list `x` was made: tracing begins again with a list of
    run-time length there."""
    site = site_of(x)
    if site is not None:
        error.site = site
    return error


def _is_grid(x: Any) -> bool:
    """Is it a list of lists, and of no more?"""
    return type(x) is list and all(type(row) is list and not any(
        isinstance(e, list | dict) for e in row) for row in x)


def regrow(x: Any, error: Any) -> None:
    """Tracing begins again with `x` of run-time length, if it is known where it is made."""
    error = needs_length(x, error)
    if error.site is not None and error.site not in current().state.session.growing:
        raise Regrow(error.site)


def undo(journal: list[tuple[Place, Any]]) -> list[Place]:
    """Take back journaled writes; gives the places, in order of first write."""
    for place, old in reversed(journal):
        place.put(old)
    return list(dict.fromkeys(place for place, _ in journal))


# ---- local names

def cells_of(*functions: Callable[..., Any]) -> Cells:
    """The closure cells of rewritten bodies, by name."""
    cells: Cells = {}
    for f in functions:
        assert isinstance(f, FunctionType)
        cells.update(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    return cells


Slot = str | Place
"""What a staged statement carries or joins: a local name or a Place."""


def get(cells: Cells, slot: Slot) -> Any:
    if isinstance(slot, Place):
        return slot.get()
    try:
        return cells[slot].cell_contents
    except (ValueError, KeyError):
        return UNBOUND


def put(cells: Cells, slot: Slot, new: Any) -> None:
    if isinstance(slot, Place):
        if new is not slot.get():
            slot.set(new)
        return
    cell = cells.get(slot)
    if cell is None:
        return
    if new is UNBOUND:
        with suppress(ValueError):             # it may be empty
            del cell.cell_contents
    else:
        cell.cell_contents = new


WALK_LIMIT = 2000
MACHINERY = frozenset(("hotloop.frontend.builder", "hotloop.frontend.session"))
"""Modules whose objects hold everything: blocks, the trace. The tracer's functions know them."""


def containers(cells: Cells) -> frozenset[int]:
    """Ids of the mutable containers, iterators and objects that can be reached from the names."""
    found: set[int] = set()
    todo: list[Any] = list(cells.values())
    while todo:
        x = todo.pop()
        kind = type(x)
        if kind in LEAVES or isinstance(x, Tracer | type | ModuleType) or id(x) in found or (
                kind.__module__ in MACHINERY):
            continue
        if kind is CellType:
            with suppress(ValueError):
                todo.append(x.cell_contents)
            continue
        if isinstance(x, FunctionType):
            todo += x.__closure__ or ()
        elif isinstance(x, MethodType):
            todo.append(x.__self__)
        elif isinstance(x, partial):
            todo += [x.func, *x.args]
        elif isinstance(x, tuple | list | set):
            todo += x
        elif isinstance(x, dict):
            todo += x.values()
        elif kind.__dictoffset__:
            todo += object.__getattribute__(x, "__dict__").values()
        if not isinstance(x, tuple):
            found.add(id(x))
        if len(found) > WALK_LIMIT:
            raise unsupported(f"more than {WALK_LIMIT} Python objects in reach of a branch or loop",
                              "use NumPy arrays")
    return frozenset(found)
