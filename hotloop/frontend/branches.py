"""`if` on a run-time condition: both branches are traced, then what they assigned is joined.

    if c: y = x * 2        ->    y = cond c { ... in (x*2,) } { ... in (x,) }
    else: y = x

A branch that raises has no result: the join is the other side's state, and what the surviving
condition says (`i < n`) is a fact from there on. Two different arrays joined under one name become
a choice of them (`meeting`): reads select, stores go to the chosen one.
"""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

import numpy as np

from hotloop import config, lazy
from hotloop.errors import HotloopError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import (
    Builder,
    Dead,
    Failed,
    at_place,
    check,
    current,
    emit,
    lit,
    opened,
    raised_at,
    unsupported,
)
from hotloop.frontend.jumps import VALUE
from hotloop.frontend.list_aliasing import join_lists
from hotloop.frontend.list_values import List, Table, Text, mark, marks_taken_back, snapshot
from hotloop.frontend.meeting import Cell, Key, Meeting, Path, RefSlot, cell_array
from hotloop.frontend.objects import (
    UNBOUND,
    Cells,
    Place,
    Slot,
    carried_over,
    containers,
    get,
    made_at,
    one_of_two,
    put,
    undo,
)
from hotloop.frontend.one_of import OneOf
from hotloop.frontend.references import Spent, finish, leaves
from hotloop.frontend.slots import (
    MAX_TYPES,
    VALUES,
    Either,
    EitherSlot,
    Maybe,
    MaybeSlot,
    ObjectSlot,
    SequenceSlot,
    Unjoined,
    flatten,
    join,
    make,
    slot_of,
)
from hotloop.frontend.structure import copy_only, is_named_tuple, items_of, kind_of, rebuilt
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Base,
    Scalar,
    may_share,
)
from hotloop.ir.core import Atom, Block, Dim, Var
from hotloop.ir.types import I64

traceback = lazy.module("traceback")

USER_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError,
               ValueError, NotImplementedError)
"""What plain Python or NumPy raises at trace time for what would fail at run time."""


def traced(builder: Builder, body: Callable[..., Any], *args: Any) -> bool:
    """Trace `body` into the builder; gives whether the path ends in an exception."""
    with opened(builder):
        block = hooks.begin(builder) if builder.state.tries else None
        if block is None:
            return _ends(builder, body, args)
        try:
            died = _ends(builder, body, args)
        except BaseException:
            hooks.abandon(builder, block)
            raise
        return hooks.end(builder, block, died)


def _ends(builder: Builder, body: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    state = builder.state
    active, depth = dict(state.active), state.depth
    try:
        body(*args)
        return False
    except Dead:
        state.active, state.depth = active, depth
        return True
    except Failed:
        state.active, state.depth = active, depth
        return False
    except USER_ERRORS as error:
        state.active, state.depth = active, depth
        if isinstance(error, HotloopError):
            raise
        raise_at_run_time(error)
        return not state.tries


class Hooks:
    """What `trying` does for blocks inside of try statements; it fills these."""

    def __init__(self) -> None:
        self.begin: Callable[[Builder], Any] = lambda builder: None
        self.end: Callable[[Builder, Any, bool], bool] = lambda builder, block, died: died
        self.abandon: Callable[[Builder, Any], None] = lambda builder, block: None
        self.mark: Callable[[], Any] = lambda: None
        self.enter: Callable[[], None] = lambda: None
        self.after: Callable[[Any], None] = lambda mark: None
        self.stopped: Callable[[], Any] = lambda: False


hooks = Hooks()


def refuse_foreign(error: BaseException) -> None:
    """What a module of Python's library says of our tracers is no error of the user's program."""
    step, inner = error.__traceback__, ""
    while step is not None:
        inner = step.tb_frame.f_globals.get("__name__") or ""
        step = step.tb_next
    if isinstance(error, TypeError | AttributeError) and (
            inner.split(".")[0] in sys.stdlib_module_names):
        raise unsupported(f"a function of the module {inner} on run-time values",
                          "move it out of the compiled function") from error


def raise_at_run_time(error: BaseException) -> None:
    """Emit a check that raises `error`, which tracing met in a staged block."""
    if config.debug >= 2:
        traceback.print_exception(error)
    refuse_foreign(error)
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    with at_place(raised_at(error)), suppress(Dead, Failed):
        check(False, type(error), message.replace("{", "{{").replace("}", "}}"))


def staged_if(condition: Atom, branches: tuple[Callable[[], Any], Callable[[], Any]],
              cells: Cells, live: list[Slot], dead: list[Slot]) -> None:
    """Trace both branches and join the `live` slots; the `dead` ones are unbound afterwards."""
    parent = current()
    watched = hooks.mark()
    before = {n: get(cells, n) for n in [*live, *dead]}
    sides: list[Builder] = []
    ends: list[dict[Slot, Any]] = []
    died: list[bool] = []
    places: list[Place] = []
    marks: list[Any] = []
    copies: list[dict[Slot, Any]] = []
    for k, branch in enumerate(branches):
        b = Builder(parent)
        b.outer = parent.outer | containers(cells)
        b.scope = cells, [n for n in before if isinstance(n, str)]
        dm.assume(condition, k == 0, b)
        marked = len(parent.state.marks)
        try:
            died.append(traced(b, branch))
        except BaseException:
            undo(b.journal)
            for n, x in before.items():
                put(cells, n, x)
            raise
        sides.append(b)
        written = list(dict.fromkeys(place for place, _ in b.journal))
        ends.append({n: settled(get(cells, n), b, before.get(n)) for n in [*live, *written]})
        copies.append({} if not b.journal else {
            n: settled(x, b, None) for n, x in ends[-1].items()
            if isinstance(x, list | dict | List | Table) and x is before.get(n)})
        marks.append(marks_taken_back(marked))
        undo(b.journal)
        places += written
        for n, x in before.items():
            put(cells, n, x)
    places = list(dict.fromkeys(places))
    for place in places:
        before[place] = place.get()
        for end in ends:
            end.setdefault(place, before[place])
    for n in dead:
        put(cells, n, UNBOUND)
    if all(died):
        emit("cond", [condition], [], blocks=[Block([], b.eqns, []) for b in sides])
        raise Dead
    for n in [*live, *places]:
        if not any(died) and ends[0][n] is not ends[1][n]:
            for k, copy in enumerate(copies):      # what the branch did to a list is in its copy
                ends[k][n] = copy.get(n, ends[k][n])
    for z, name in itertools.chain(*(m for m, dead in zip(marks, died, strict=True) if not dead)):
        mark(z, name)
    join_sides(condition, cells, [*live, *places], before, sides, ends, died, marks)
    hooks.after(watched)


def settled(x: Any, builder: Builder, before: Any) -> Any:
    """`x` at the end of a block, with copies of the lists that undoing its journal changes; not of
    `before`, what the name was bound to at its start."""
    if type(x) is list and (id(x) not in builder.outer or x is not before and any(
            place.owner is x for place, _ in builder.journal)):
        return made_at(x, [settled(item, builder, None) for item in x])
    if type(x) is dict and (id(x) not in builder.outer or x is not before and any(
            place.owner is x for place, _ in builder.journal)):
        return made_at(x, {key: settled(item, builder, None) for key, item in x.items()})
    if type(x) is tuple or is_named_tuple(x):
        items = [settled(item, builder, None) for item in x]
        if any(p is not q for p, q in zip(items, x, strict=True)):
            return rebuilt(type(x), items)
    if isinstance(x, List) and x is not before and any(
            place.owner is x for place, _ in builder.journal):
        return snapshot(x)
    if isinstance(x, Table) and x is not before:
        return settled_kinds[Table](x, lambda y: any(
            place.owner is y for place, _ in builder.journal))
    return x


settled_kinds: dict[type, Callable[..., Any]] = {}
"""How a table that a block has changed is copied: `tables` knows."""


def join_sides(condition: Atom, cells: Cells, slots: list[Slot], before: dict[Slot, Any],
               sides: list[Builder], ends: list[dict[Slot, Any]], died: list[bool],
               marks: Sequence[Any] = ((), ())) -> None:
    """The `cond` of two traced branches, and what the slots are after it. `marks`: of lists, on
    each of the two."""
    parent = current()
    outs: list[Var] = []
    atoms: tuple[list[Atom | None], list[Atom | None]] = ([], [])
    objects: dict[Slot, Any] = {}
    meeting = Meeting(parent)
    paths = [Path(meeting), Path(meeting)]
    bases: dict[Cell, Base] = {}
    merged: list[tuple[Any, Any, Any]] = []
    ids = [{(id(z), name) for z, name in m} for m in marks]
    elsewhere = [ids[1] - ids[0], ids[0] - ids[1]]
    for k, (path, end) in enumerate(zip(paths, ends, strict=True)):
        path.spent = {base for base, now in sides[1 - k].values.items()
                      if isinstance(now, Spent) and not died[1 - k]}
        path.count([a for n in slots for a in arrays_in(end[n], (n,))])

    def sided(k: int, x: Any, key: Key) -> Any:
        """The type of x on side k; if the other side raises it tells both."""
        with opened(sides[k]):
            return slot_of(x, paths[k], key)

    def exported(cell: Cell, slot: RefSlot | None) -> None:
        """Results of the cond for the content of a cell."""
        given: list[list[Atom] | None] = []
        for side, path, dead in zip(sides, paths, died, strict=True):
            with opened(side):
                given.append(None if dead else path.content(cell, slot, None))
        dims: list[Dim | None] = []
        sizes = 0
        for d in cell.dims or ():
            if d is None:                  # sizes that are one on both sides are one result
                now = [None if mine is None else mine[sizes] for mine in given]
                sizes += 1
                d = next((out for out, *before in zip(outs, *atoms, strict=True)
                          if out.dtype == I64 and not out.shape and before == now), None)
                if d is None:
                    d = dm.bound(parent.bind(I64), 0, dm.MAX_DIM)
                    outs.append(d)
                    for own, atom in zip(atoms, now, strict=True):
                        own.append(atom)
            dims.append(d)
        vars, array = cell_array(cell, tuple(dims))
        bases[cell] = array.base
        outs.extend(vars)
        for own, mine in zip(atoms, given, strict=True):
            own.append(None if mine is None else mine[sizes])

    def join_values(x: Any, y: Any, slot: Any) -> Any:
        """Results of the cond for x and y; gives the joined object."""
        for ref in references(slot):
            if not all(died[k] or path.agrees(ref) for k, path in enumerate(paths)):
                meeting.split.add(ref.key)
        for ref in references(slot):
            kept = meeting.cached(ref)
            for cell in dict.fromkeys(a.target for a in ref.alternatives):
                if isinstance(cell, Cell) and cell not in bases:
                    exported(cell, ref if cell is kept else None)
        vars, joined = make(slot, bases)
        outs.extend(vars)
        for k, (side, z) in enumerate(zip(sides, (x, y), strict=True)):
            if died[k]:
                atoms[k].extend([None] * len(vars))
            else:
                with opened(side):
                    atoms[k].extend(flatten(z, slot, paths[k]))
        return joined

    def joined_of(x: Any, y: Any, n: Any, key: Key) -> Any:
        """The object that stands for x or y; tuples item by item."""
        if n == VALUE and (x is UNBOUND or y is UNBOUND):
            given = y if x is UNBOUND else x       # read only where the function has returned it
            if _outer(given, parent):
                return given
            if type(given) is tuple or is_named_tuple(given):
                return rebuilt(type(given), [
                    joined_of(UNBOUND, z, n, (*key, k)) if x is UNBOUND
                    else joined_of(z, UNBOUND, n, (*key, k)) for k, z in enumerate(given)])
        if type(x) is Either or type(y) is Either:
            return joined_eithers(x, y, n, key)
        if type(x) is type(y) and (type(x) is tuple or is_named_tuple(x)):
            if len(x) == len(y):
                return rebuilt(type(x), [
                    p if _same(p, q, UNBOUND, parent) else joined_of(p, q, n, (*key, k))
                    for k, (p, q) in enumerate(zip(x, y, strict=True))])
        if type(x) is type(y) is dict and x is not y and kind_of(x) == kind_of(y):
            for z in (x, y):
                copy_only(z)
            return copy_only(rebuilt(kind_of(x), [
                p if _same(p, q, UNBOUND, parent) else joined_of(p, q, n, (*key, k))
                for k, (p, q) in enumerate(zip(items_of(x), items_of(y), strict=True))]))
        one = 1 if died[0] else 0 if died[1] else None
        if one is None:
            slot = join(sided(0, x, key), sided(1, y, key), parent, n)
        else:
            slot = sided(one, x, key)
            slot = join(slot, slot, parent, n)
        if isinstance(slot, ObjectSlot):
            _check_inside(slot.object, parent)
        joined = join_values(x, y, slot)
        if one is not None:                    # others that this side made may hold it
            carried_over((x, y)[one], joined)
        if one is None and list in (type(x), type(y)):
            merged.append((x, y, joined))
        for k, z in enumerate((x, y)):
            if not died[k]:
                join_lists(z, joined, elsewhere[k])
        return joined

    def joined_eithers(x: Any, y: Any, n: Any, key: Key) -> Either:
        """Values of two types each: type by type. A value of one type is of one of the other's."""
        either: Any = x if type(x) is Either else y
        reason = either.reason
        for sides_of in ((True, False), (False, True)):
            parts = []
            for z in (x, y):
                if type(z) is Either:
                    parts.append((z.flag, z.yes, z.no))
                elif z is UNBOUND:
                    parts.append((UNBOUND, UNBOUND, UNBOUND))
                else:
                    first, second = sides_of
                    parts.append((Scalar(lit(first), PYTHON), z if first else UNBOUND,
                                  z if second else UNBOUND))
            try:
                return Either(reason, *(joined_of(p, q, VALUE, (*key, k))
                                        for k, (p, q) in enumerate(zip(*parts, strict=True))))
            except HotloopError as error:
                reason = error
        raise reason

    for n in slots:
        x, y = ends[0][n], ends[1][n]
        if died[0]:
            x = y
        if died[1]:
            y = x
        if _same(x, y, before[n], parent):
            objects[n] = x
            continue
        try:
            objects[n] = joined_of(x, y, n, (n,))
        except HotloopError as error:
            if n == VALUE or _types(x) + _types(y) <= MAX_TYPES:
                objects[n] = Either(error, Scalar(condition, PYTHON),
                                    joined_of(x, UNBOUND, VALUE, (n, "yes")),
                                    joined_of(UNBOUND, y, VALUE, (n, "no")))
            else:
                objects[n] = Unjoined(error)
    for x, y, joined in merged:
        joined = joined.content if isinstance(joined, Maybe) else joined
        one_of_two(x, y, joined, sides[0].outer | sides[1].outer)
    finish(condition, sides, died, outs, atoms)
    for n, joined in objects.items():
        put(cells, n, joined)
    for k in (0, 1):
        if died[k]:
            dm.assume(condition, k == 1)


def _types(x: Any) -> int:
    """How many types a number, array or constant may have; more than enough for other values."""
    if type(x) is Either:
        return _types(x.yes) + _types(x.no)
    if isinstance(x, tuple | dict):
        return max(map(_types, items_of(x)), default=1)
    is_value = x is None or isinstance(
        x, Array | Scalar | OneOf | Text | np.generic | bool | int | float | complex | str | bytes
        | Enum)
    return 1 if is_value else MAX_TYPES


def references(slot: Any) -> list[RefSlot]:
    """The references in a slot."""
    if isinstance(slot, RefSlot):
        return [slot]
    if isinstance(slot, MaybeSlot):
        return references(slot.content)
    if isinstance(slot, EitherSlot):
        return [r for part in slot.parts for r in references(part)]
    return [r for item in slot.items for r in references(item)] if isinstance(
        slot, SequenceSlot) else []


def _same(x: Any, y: Any, before: Any, parent: Builder) -> bool:
    if x is y:
        return x is before or x is UNBOUND or (isinstance(x, Array) and _outer(x, parent)) or (
            isinstance(x, List) and x.home.encloses(parent))
    return isinstance(x, Array) and _outer(x, parent) and x.same_view(y) and isinstance(y, Array)


def _check_inside(x: Any, parent: Builder) -> None:
    """An object that a branch made must not hold values that end with the branch."""
    held = x.values() if isinstance(x, dict) else getattr(x, "__dict__", {}).values()
    for item in held if not isinstance(x, type | types.ModuleType | types.FunctionType) else ():
        if isinstance(item, Array) and not item.seen_by(parent) or isinstance(
                item, Scalar) and not parent.sees(item.atom):
            raise unsupported(f"a {type(x).__name__} made in a branch and used after it",
                              "make it before the branch")


def _outer(x: Any, parent: Builder) -> bool:
    """Does the array exist outside the branch?"""
    return isinstance(x, Array) and x.seen_by(parent) and all(
        leaf.base.home.encloses(parent) for leaf in leaves(x))


def arrays_in(x: Any, key: Key = ()) -> list[tuple[Key, Array]]:
    """The arrays of a value that is carried or joined, with their places: itself, or those in
    tuples and lists."""
    if isinstance(x, Maybe):
        return arrays_in(x.content, key)
    if isinstance(x, Either):
        yes, no = arrays_in(x.yes, key), arrays_in(x.no, key)
        if yes and no:
            return [*arrays_in(x.yes, (*key, "yes")), *arrays_in(x.no, (*key, "no"))]
        return yes or no
    if isinstance(x, Array):
        return [(key, x)]
    if type(x) in VALUES:
        x = VALUES[type(x)].parts(x)
    return [a for k, item in enumerate(items_of(x)) for a in arrays_in(item, (*key, k))]


def record_sharing(pairs: list[tuple[Array, Array]], parent: Builder) -> None:
    """`pairs`: (array at the end of a block, array that stands for its value outside). The copies
    may share memory with outer arrays and with each other."""
    copies: dict[Base, list[Base]] = {}
    for given, made in pairs:
        memory = set(given.base.memory)
        for base in memory.union(*(own.group for own in memory)):
            if base.home.encloses(parent):
                may_share(base, made.base)
            copies.setdefault(base, []).append(made.base)
    for same in copies.values():
        for other in same[1:]:
            may_share(same[0], other)
