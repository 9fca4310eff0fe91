"""`for` and `while` on run-time values: the body is traced once, what it changes is carried.

    s = 0.0
    for i in range(n): s += x[i]      ->      s = for 0 n 1 0.0 { lambda i s. ... in (s + x[i],) }

What is carried is a *location*: a local name stored in the body and live, the content of an array,
an item or attribute. A body is traced again only if a carried type widens, a name is rebound to
another array, or the body wrote to a Place. If a name has another type after an iteration than
before the loop (`total = 0`, then arrays), the first iteration is traced by itself; if it may have
either, it is carried as an `Either`. A name rebound in the body keeps its outer reference
until the body shows that it ends different; then which array it is is carried (see `meeting`).
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from types import CellType, FunctionType
from typing import Any

from hotloop import lazy
from hotloop.errors import HotloopError, StagingError
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import (
    arrays_in,
    hooks,
    references,
    settled,
    staged_if,
    traced,
)
from hotloop.frontend.builder import (
    Builder,
    Restart,
    current,
    emit,
    here,
    lit,
    opened,
    staging,
    unsupported,
)
from hotloop.frontend.carried import Attempt, Carried
from hotloop.frontend.exchange import (
    exchange,
    exchanged,
    flags_at_start,
    give_back,
    new_flags,
    next_flags,
)
from hotloop.frontend.jumps import VALUE
from hotloop.frontend.list_aliasing import check_carried, join_lists, lists_in
from hotloop.frontend.list_values import List, Table, mark, marks_taken_back
from hotloop.frontend.lists import item as list_item
from hotloop.frontend.meeting import Cell, Path, cell_array
from hotloop.frontend.objects import (
    UNBOUND,
    Homed,
    Place,
    Slot,
    cells_of,
    containers,
    from_outside,
    get,
    put,
    undo,
)
from hotloop.frontend.references import Spent, settle_redirects
from hotloop.frontend.slots import (
    Either,
    Maybe,
    MaybeSlot,
    MixedSlot,
    ObjectSlot,
    Unjoined,
    either_joined,
    flatten,
    join,
    make,
    slot_of,
)
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Base,
    Scalar,
    Tracer,
    as_int,
    dim_of,
    lift,
    value,
)
from hotloop.frontend.truth import and_, not_, or_, truth
from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Var, rename
from hotloop.ir.types import BOOL, I64
from hotloop.ops.table import OPS

tables = lazy.module("hotloop.frontend.tables")

UNROLL_LIMIT = 32
"""A loop that can't be staged is unrolled if it has at most this many trips."""

TRACE_LIMIT = 12
"""Types of carries settle in two or three traces; more is a loop that never settles."""


class Range:
    """`range(...)` with bounds known at run time, or at trace time: loops over it are staged.
    `independent`: the user says that iterations are."""

    independent = False

    def __init__(self, *args: Any):
        if not 1 <= len(args) <= 3:
            raise TypeError(f"range expected 1 to 3 arguments, got {len(args)}")
        start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        self.start, self.stop, self.step = dim_of(start), dim_of(stop), dim_of(step)
        if isinstance(self.step, int) and self.step == 0:
            raise ValueError("range() arg 3 must not be zero")
        if isinstance(self.step, Var):
            dm.require("ne", self.step, 0, ValueError, "range() arg 3 must not be zero")

    def known(self) -> range | None:
        """The real range if all three numbers are known."""
        if isinstance(self.start, int) and isinstance(self.stop, int) and isinstance(
                self.step, int):
            return range(self.start, self.stop, self.step)
        return None

    def item(self, i: Dim) -> Any:
        return as_int(i)

    def __iter__(self) -> Any:
        known = self.known()
        if known is None:
            raise staging("a range of unknown length is used outside of a for statement",
                          "loop over it with a for statement and store into an array")
        return iter(known)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def length(self) -> Any:
        """len(range(...))"""
        if isinstance(self.step, int) and self.step == 1:
            return as_int(dm.at_least_zero(dm.minus(dm.form(self.stop), dm.form(self.start))))
        known = self.known()
        if known is None:
            raise staging("the length of a range with a step")
        return len(known)

    def reversed(self) -> Range:
        """reversed(range(...))"""
        known = self.known()
        if known is not None:
            back = known[::-1]
            return Range(back.start, back.stop, back.step)
        if not (isinstance(self.step, int) and self.step == 1):
            raise staging("a reversed range with a step and run-time bounds")
        return Range(as_int(self.stop) - 1, as_int(self.start) - 1, -1)


class Indexed:
    """A sequence of run-time length: a length and a function from the index to the item.

    `enumerate`, `zip` and iteration over arrays are of this kind. `over`: the lists whose items
    they are, which must keep their length meanwhile.
    """

    def __init__(self, n: Dim, item: Callable[[Dim], Any], over: tuple[List, ...] = ()):
        self.start: Dim = 0
        self.stop, self.step, self.item = n, 1, item
        self.over = over

    def known(self) -> range | None:
        return range(self.stop) if isinstance(self.stop, int) else None

    def length(self) -> Any:
        return as_int(self.stop)

    def __iter__(self) -> Any:
        known = self.known()
        if known is None:
            raise staging("a sequence of run-time length is used outside of a for statement",
                          "loop over it with a for statement")
        return iter([self.item(i) for i in known])


def sequence_of(x: Any) -> Any:
    """An Indexed for arrays, lists of run-time length and ranges; other iterables as they are."""
    if isinstance(x, List):
        return Indexed(x.n, functools.partial(list_item, x), (x,))
    if isinstance(x, Array):
        if not x.dims:
            raise TypeError("iteration over a 0-d array")
        return Indexed(x.dims[0], lambda i: x[as_int(i)])
    if isinstance(x, Range):
        if x.step == 1 and isinstance(x.step, int):
            n = dm.at_least_zero(dm.minus(dm.form(x.stop), dm.form(x.start)))
            return Indexed(n, lambda i: as_int(dm.dim(dm.plus(dm.form(x.start), dm.form(i)))))
        known = x.known()
        if known is None:
            raise staging("enumerate or zip of a range with a step")
        return known
    return x


ITERATED: dict[type, Callable[[Any, Loop], None]] = {}
"""How further iterables are looped over (generator expressions)."""


class Loop:
    """What the rewriter knows of a loop: its names (see `rewrite`)."""

    __slots__ = ("body", "cells", "dead", "ended", "head", "items", "peeled", "sink", "slots",
                 "stop", "test")

    def __init__(self, items: Any, test: Callable[[], Any] | None, body: Callable[..., Any],
                 slots: Sequence[Slot], head: Sequence[Slot], dead: Sequence[str],
                 stop: str | None, sink: Any = None):
        self.items, self.test, self.body = items, test, body
        self.cells = cells_of(body, test) if test is not None else cells_of(body)
        self.slots, self.head, self.dead, self.stop = list(slots), set(head), list(dead), stop
        self.sink = sink
        if sink is not None:                   # the consumer of a generator changes its names
            self.cells.update(sink.cells)
            self.slots += sink.names
            self.head.update(sink.names)
            self.dead += sink.dead
        self.peeled = False                    # has the first iteration been written out?
        self.ended: Callable[[], Any] | None = None        # in a try statement: must the loop end?


def for_loop(items: Any, body: Callable[..., Any], *names: Any) -> None:
    """A for statement over `items`."""
    if type(items).__module__ == "numpy" and hasattr(items, "__array__"):
        items = lift(items)
    if isinstance(items, Array | List):
        items = sequence_of(items)
    elif isinstance(items, Table):
        items = tables.iterated(items)
    if isinstance(items, Unjoined):
        raise items.error
    if isinstance(items, Tracer):
        raise TypeError("iteration over a number")
    items = own_iterator(items)
    loop = Loop(items, None, body, *names)
    if type(items) in ITERATED:
        ITERATED[type(items)](items, loop)
        return
    if not isinstance(items, Range | Indexed):
        if hasattr(items, "__next__") and from_outside(items):
            raise staging("an iterator from outside of a branch or loop is used up in it",
                          "make the iterator inside")
        unroll(items, loop)
        return
    known = items.known()
    try:
        if known is not None and len(known) <= UNROLL_LIMIT:
            _with_fallback(loop, lambda: unroll((items.item(i) for i in known), loop))
        else:
            stage(loop)
    except LengthChanges:
        if not (isinstance(items, Indexed) and isinstance(items.item, functools.partial)):
            raise unsupported("a loop over lists that changes their length",
                              "loop over a copy: list(x)") from None
        _over_changing_list(items.over[0], loop)


def own_iterator(x: Any) -> Any:
    """What `__iter__` of a user's class gives."""
    method = getattr(type(x), "__iter__", None)
    if isinstance(method, FunctionType) and method.__name__ == "_hl_method" and not hasattr(
            type(x), "__next__"):
        return sequence_of(method(x))
    return x


class LengthChanges(Exception):
    """A loop over a list changes the list's length."""


def _over_changing_list(x: List, loop: Loop) -> None:
    """`for y in x` where the body appends to x: Python looks at the length each time."""
    name = "_hl_position"
    loop.cells[name] = position = CellType(0)
    body = loop.body

    def next_item() -> None:
        i = position.cell_contents
        position.cell_contents = as_int(dm.dim(dm.plus(dm.form(dim_of(i)), dm.ONE)))
        body(list_item(x, dim_of(i)))

    def is_left() -> Any:
        i, n = dim_of(position.cell_contents), x.n
        return Scalar(lit(left), PYTHON) if isinstance(
            left := dm.compare("lt", i, n), bool) else Scalar(left, PYTHON)
    loop.items, loop.test, loop.body = None, is_left, next_item
    loop.slots.append(name)
    loop.head.add(name)
    stage(loop)


def while_loop(test: Callable[[], Any], body: Callable[..., Any], *names: Any) -> None:
    """A while statement; staged at once: a known first test says nothing about the second."""
    loop = Loop(None, test, body, *names)
    _with_fallback(loop, lambda: _run_while(loop))


def _with_fallback(loop: Loop, fallback: Callable[[], None]) -> None:
    """Stage the loop; if its body needs known values, run it at trace time instead."""
    builder = current()
    saved = {n: get(loop.cells, n) for n in [*loop.slots, *loop.dead]}
    start = len(builder.eqns)
    values, bounds = dict(builder.values), dict(builder.bounds)
    state = builder.state
    active, depth = dict(state.active), state.depth
    facts = dict(builder.facts)
    try:
        stage(loop)
    except StagingError as error:
        for n, x in saved.items():
            put(loop.cells, n, x)
        for eqn in builder.eqns[start:]:
            for var in eqn.outs:
                state.home.pop(var, None)      # never seen again by value numbering
        del builder.eqns[start:]
        builder.values, builder.facts, builder.bounds = values, facts, bounds
        state.selections.clear()
        state.active, state.depth = active, depth
        try:
            fallback()
        except _NotKnown:
            raise error from None


class _NotKnown(Exception):
    """A while test that is not known at trace time."""


def _run_while(loop: Loop) -> None:
    assert loop.test is not None
    for _ in range(UNROLL_LIMIT):
        stopped = get(loop.cells, loop.stop) if loop.stop else False
        if isinstance(stopped, Tracer):
            raise _NotKnown
        if stopped:
            return                         # the test is not evaluated any more: it might raise
        go = truth(loop.test())
        if isinstance(go, Tracer):
            raise _NotKnown
        if not go:
            return
        loop.body()
    raise _NotKnown


def unroll(items: Iterable[Any], loop: Loop) -> None:
    for count, item in enumerate(items):
        stopped = get(loop.cells, loop.stop) if loop.stop else False
        if isinstance(stopped, Scalar):
            if count > 100 * UNROLL_LIMIT:
                raise staging("a loop over an iterator that may not end",
                              "loop over a range, or a generator function")
            staged_if(value(stopped), (lambda: None, functools.partial(loop.body, item)),
                      loop.cells, list(loop.slots), list(loop.dead))
        elif stopped:
            break
        else:
            loop.body(item)


def stage(loop: Loop) -> None:
    """Trace the loop's body and emit the loop."""
    if loop.sink is not None:
        loop.sink.stage()
    watched = hooks.mark()
    if watched is not None:
        _in_try(loop)
        loop.peeled = True
    known = current().state.peeled
    try:
        if not loop.peeled and here() in known:
            _peel(loop)
        else:
            _stage(loop)
    except Unsettled:
        known.add(here())
        _peel(loop)
    hooks.after(watched)


class Unsettled(Exception):
    """A name is of another type before the loop than after an iteration, whatever that does."""


def _may_peel(loop: Loop, end: Any) -> bool:
    return not loop.peeled and not isinstance(end, Either | Maybe) and (
        loop.items is None or dm.sign(loop.items.step) != 0)


class _From:
    """What `items` are from another start on."""

    def __init__(self, items: Any, start: Dim):
        self.start, self.stop, self.step, self.item = start, items.stop, items.step, items.item
        self.over = getattr(items, "over", ())
        self.independent = getattr(items, "independent", False)

    def known(self) -> range | None:
        return None


def _peel(loop: Loop) -> None:
    """The first iteration by itself: `total = 0`, to which the others add arrays."""
    items, test = loop.items, loop.test
    names: tuple[list[Slot], list[Slot]] = [*loop.slots], [*loop.dead]

    def others() -> None:
        rest = Loop(items, test, loop.body, loop.slots, tuple(loop.head), loop.dead, loop.stop)
        rest.cells, rest.peeled = loop.cells, True
        if items is not None:
            rest.items = _From(items, dm.dim(dm.plus(dm.form(items.start), dm.form(items.step))))
        _stage(rest)

    def first() -> None:
        if items is not None:
            loop.body(items.item(items.start))
        else:
            loop.body()
        stopped = get(loop.cells, loop.stop) if loop.stop else False
        if isinstance(stopped, Scalar):
            staged_if(value(stopped), (_nothing, others), loop.cells, names[0], names[1])
        elif stopped is not True:
            others()

    if items is not None:
        go = dm.compare("lt" if dm.sign(items.step) > 0 else "gt", items.start, items.stop)
    else:
        assert test is not None
        go = truth(test())
    if isinstance(go, bool):
        (first if go else _nothing)()
    else:
        staged_if(value(go), (first, _nothing), loop.cells, names[0], names[1])


def _nothing() -> None:
    pass


def _in_try(loop: Loop) -> None:
    """A loop in a try statement ends when a check fails in it. The test of a `while`, which may
    fail, too, becomes part of the body."""
    go, stop = "_hl_go", "_hl_failed"
    test, body, own = loop.test, loop.body, loop.stop
    loop.cells = dict(loop.cells)
    loop.cells[stop] = CellType(False)
    loop.slots.append(stop)
    loop.head.add(stop)
    loop.stop = stop
    if test is not None:
        loop.cells[go] = CellType(True)
        loop.slots.append(go)
        loop.head.add(go)
        names = [n for n in loop.slots if isinstance(n, str)]

        def leave() -> None:
            loop.cells[go].cell_contents = False

        def tested() -> None:
            c = truth(test())
            if isinstance(c, Scalar):
                staged_if(value(c), (body, leave), loop.cells, list(names), list(loop.dead))
            else:
                (body if c else leave)()
        loop.body = tested
        loop.test = lambda: loop.cells[go].cell_contents
    run = loop.body

    def watched(*items: Any) -> None:
        hooks.enter()
        run(*items)

    def ended() -> Any:
        failed: Any = hooks.stopped()
        if own is not None:
            failed = or_(get(loop.cells, own), lambda: failed)
        return failed
    loop.body, loop.ended = watched, ended


def _stage(loop: Loop) -> None:
    parent = current()
    carried = Carried(loop)
    marked = len(parent.state.marks)
    for _ in range(TRACE_LIMIT):
        outer = Builder(parent, loop=True)
        outer.outer = parent.outer | containers(loop.cells)
        try:
            attempt, body, died = _trace_body(loop, outer, carried)
        finally:
            for n in carried.slots:
                put(loop.cells, n, carried.initial[n])
            for name in loop.dead:
                put(loop.cells, name, UNBOUND)
            marks = marks_taken_back(marked)
        places = [p for p in attempt.places if p not in carried.initial]
        attempt.places = []
        places = [p for p in places if not _born_inside(p, places, attempt)]
        if places:
            over = getattr(loop.items, "over", ())
            for p in places:
                if p.key == "length" and any(p.owner is x for x in over):
                    raise LengthChanges(p.owner)
                carried.add(p)
            continue
        end = _settle(carried, attempt, died, outer, body)
        if end is not None:
            for x, name in marks:
                mark(x, name)
            break
    else:
        raise unsupported("the types of a loop's variables don't settle",
                          "give each variable one type before the loop")
    _emit(carried, attempt, end, outer, body, died)


def _born_inside(p: Place, places: list[Place], attempt: Attempt) -> bool:
    """Does nothing but the undone body refer to the object? (Then the body made it.)"""
    if isinstance(p.owner, List | Homed):
        return False                           # those of the body are not journaled
    mine = sum(q.owner is p.owner for q in places)
    noted = id(p.owner) in current().state.session.lists
    return sys.getrefcount(p.owner) <= 1 + mine + noted + sum(
        x is p.owner for x in attempt.end.values())


def _trace_body(loop: Loop, outer: Builder, carried: Carried) -> tuple[Attempt, Builder, bool]:
    attempt = Attempt()
    place: dict[Slot, Any] = {}
    with opened(outer):
        bases = {}
        for cell in carried.cells():
            attempt.cells[cell] = cell_array(cell)
            bases[cell] = attempt.cells[cell][1].base
        for n in carried.slots:
            if n not in carried.head:
                attempt.params[n] = []
                place[n] = UNBOUND
            elif n in carried.held:
                attempt.params[n] = []
                place[n] = carried.initial[n]
            else:
                attempt.params[n], place[n] = make(carried.types[n], bases)
                attempt.lists[n] = lists_in(place[n])
        if carried.swapped:
            exchange(carried, attempt, outer)
        items = loop.items
        if items is not None:
            attempt.index = index = outer.bind(I64)
            _index_facts(index, items, outer)
            outer.iteration = index
    for n in carried.slots:
        put(loop.cells, n, place[n])
        if isinstance(n, Place) and isinstance(n.owner, List):
            attempt.start[n] = place[n]
    place.clear()                      # an array that no name holds any more must not look alive
    for n in loop.dead:
        put(loop.cells, n, UNBOUND)
    body = Builder(outer)
    body.scope = loop.cells, [n for n in [*carried.slots, *loop.dead] if isinstance(n, str)]
    if loop.test is not None:
        attempt.test_block = _trace_test(loop, outer, body)
    try:
        if items is not None:
            died = traced(body, lambda: loop.body(items.item(index)))
        else:
            died = traced(body, loop.body)
    except BaseException:
        undo(body.journal)
        raise
    if loop.ended is not None and loop.stop and not died:
        with opened(body):
            put(loop.cells, loop.stop, loop.ended())
    attempt.end = {n: settled(get(loop.cells, n), body, carried.initial[n])
                   for n in carried.slots}
    attempt.places = undo(body.journal)        # before the caller restores the names
    body.journal = []
    return attempt, body, died


def _index_facts(index: Var, items: Any, outer: Builder) -> None:
    start, stop, step = items.start, items.stop, items.step
    forward = dm.sign(step)
    low, high = dm.form(start), dm.form(stop)
    if forward > 0:
        dm.bound(index, max(dm.bounds(low)[0], dm.MIN), min(dm.bounds(high)[1] - 1, dm.MAX), outer)
        dm.fact(dm.minus({index: 1}, low), outer)
        dm.fact(dm.minus(dm.minus(high, {index: 1}), dm.ONE), outer)
    elif forward < 0:
        dm.bound(index, max(dm.bounds(high)[0] + 1, dm.MIN), min(dm.bounds(low)[1], dm.MAX), outer)
        dm.fact(dm.minus(low, {index: 1}), outer)
        dm.fact(dm.minus(dm.minus({index: 1}, high), dm.ONE), outer)


def _trace_test(loop: Loop, outer: Builder, body: Builder) -> Block:
    assert loop.test is not None
    block = Builder(outer)
    with opened(block):
        go = truth(loop.test())
        if loop.stop:
            stopped = get(loop.cells, loop.stop)
            if isinstance(stopped, Scalar):
                go = and_(not_(stopped), lambda: go)
            elif stopped is True:
                go = False
    if block.journal or any(base.home.encloses(outer) for base in block.values):
        undo(block.journal)
        raise unsupported("a while condition that changes an array or object",
                          "compute it in the loop's body: while True: ... if not ...: break")
    go_atom = value(go)
    dm.assume(go_atom, True, body)
    return Block([], block.eqns, [go_atom])


def _returned_outer(n: Slot, initial: dict[Slot, Any], x: Any, parent: Builder) -> bool:
    """Is it the function's result, so far an array from outside of the loop or nothing? It is read
    only where the function has returned it, so it need not be carried."""
    return (n == VALUE and initial[n] is UNBOUND and isinstance(x, Array)
            and x.seen_by(parent))


def _settle(carried: Carried, attempt: Attempt, died: bool, outer: Builder, body: Builder
            ) -> Path | None:
    """Join the types at the body's end into the carried ones; gives the path to the end, None if
    the body has to be traced again."""
    again = False
    if died:
        return Path(carried.meeting)
    parent = carried.parent
    for n, base in list(carried.given.items()):
        if base in outer.base_params or base in body.values:
            del carried.given[n]           # the body uses it under another name
            carried.refused.add(n)
            carried.types[n] = None
            again = True
    if again:
        carried.begin()
        return None
    moved = _still_held(carried, attempt)
    if carried.swapped is not None:
        swapped = exchanged(carried, attempt, moved)
        if carried.swapped and swapped != carried.swapped:
            carried.exchange(None)
            return None
        if not carried.swapped and not all(map(carried.eligible, swapped)):
            carried.exchange(swapped)
            return None
    end = Path(carried.meeting)
    for n in moved:
        carried.drop(n)
        again = True
        if n in carried.given:             # as it will be in the next trace
            end.spent.add(carried.given[n])
    if moved:
        carried.begin()
    known = {cell: (cell.dims, cell.contiguous) for cell in attempt.cells}
    with opened(body):
        if carried.swapped:
            for n in carried.swapped:
                end.give(attempt.end[n].base, (n,))
        end.count([a for n in carried.slots if n not in carried.held
                   for a in arrays_in(attempt.end[n], (n,))])
        for n in carried.slots:
            x = attempt.end[n]
            if n in carried.held or _returned_outer(n, carried.initial, x, parent):
                continue
            before = carried.types[n]
            try:
                after = slot_of(x, end, (n,))
                if n not in carried.head:
                    before = slot_of(carried.initial[n], carried.start, (n,))
                joined = join(before, after, parent, n)
            except HotloopError as error:
                if n in carried.head:
                    if _may_peel(carried.loop, x):
                        raise Unsettled(error) from None
                    joined = either_joined(before, after, parent, n)
                else:
                    joined = ObjectSlot(Unjoined(error))
            if n in carried.head and joined != carried.types[n]:
                again = True
            carried.types[n] = joined
    for n in carried.slots:
        for ref in references(carried.types[n]):
            if ref.key not in carried.meeting.split and not (
                    carried.start.agrees(ref) and end.agrees(ref)):
                carried.meeting.split.add(ref.key)
                again = again or n in carried.head
    for choice in outer.assumed:
        if any(base in body.values for base, _ in choice.versions):
            choice.cache = None
            if choice.key is not None and choice.home is outer:
                carried.meeting.split.add(choice.key)
            again = True
    cells = carried.cells()
    for cell in cells:
        carried.kept_equal(cell)           # its dimensions may be those of the name
    if not again and any((cell.dims, cell.contiguous) != known[cell]
                         for cell in cells if cell in known):
        again = True
    if not again and any(cell not in attempt.cells for n in carried.head
                         for ref in references(carried.types[n])
                         for cell in [a.target for a in ref.alternatives]
                         if isinstance(cell, Cell)):
        again = True
    return None if again else end


def _still_held(carried: Carried, attempt: Attempt) -> list[Slot]:
    """Held slots that end as something else."""
    return [n for n in carried.slots if n in carried.held
            and attempt.end[n] is not carried.initial[n]
            and not (isinstance(attempt.end[n], Array)
                     and attempt.end[n].same_view(carried.initial[n]))]


def _emit(carried: Carried, attempt: Attempt, end: Path, outer: Builder, body: Builder,
          died: bool) -> None:
    loop, parent, start = carried.loop, carried.parent, carried.start
    params: list[Var] = []
    inits: list[Atom] = []
    ends: list[Atom] = []
    results: list[Var] = []
    after: dict[Slot, Any] = {}
    stop_at: int | None = None
    bases: dict[Cell, Base] = {}
    for cell in carried.cells():
        kept = carried.kept_equal(cell)
        if cell not in attempt.cells:
            with opened(outer):
                attempt.cells[cell] = cell_array(cell)
        own, now = attempt.cells[cell]
        params += own
        inits += start.content(cell, kept, None)
        with opened(body):
            ends += list(own) if died else end.content(cell, kept, now)
        vars, array = cell_array(cell)
        results += vars
        bases[cell] = array.base
    for n in carried.slots:
        slot = carried.types[n]
        if slot is None and not died and _returned_outer(n, carried.initial, attempt.end[n],
                                                         parent):
            after[n] = attempt.end[n]
            continue
        if n in carried.held or slot is None:
            after[n] = carried.initial[n]
            continue
        if isinstance(slot, ObjectSlot):
            after[n] = slot.object if not died else carried.initial[n]
            continue
        if n not in carried.head:
            with opened(outer):
                attempt.params[n], _ = make(
                    slot, {cell: a.base for cell, (_, a) in attempt.cells.items()})
        own, starts = attempt.params[n], flatten(carried.initial[n], slot, start)
        with opened(body):
            stops = list(own) if died else flatten(attempt.end[n], slot, end)
        vars, after[n] = make(slot, bases)
        if not died and _told_by_trips(loop, slot, attempt.end[n]):
            assert attempt.index is not None
            body.eqns[:0] = _flag_of_trips(own[0], attempt.index, loop.items, starts[0], outer)
            after[n] = _after_trips(after[n], loop.items, starts[0])
            own, starts, stops, vars = own[1:], starts[1:], stops[1:], vars[1:]
        params += own
        inits += starts
        ends += stops
        results += vars
        if n == loop.stop:
            stop_at = len(ends) - 1
        join_lists(carried.initial[n], after[n])     # that of before, after no trips
        if not died:
            join_lists(attempt.end[n], after[n])
            check_carried(n, carried.initial, attempt.end, attempt.lists, [
                p for p, x in attempt.start.items() if attempt.end[p] is not x], parent)
    if carried.swapped:
        own = list(itertools.chain(*attempt.flags))
        params += own
        inits += flags_at_start(carried)
        with opened(body):
            ends += own if died else next_flags(carried, attempt)
        flags = new_flags(carried, parent)
        results += itertools.chain(*flags)
    spent = settle_redirects(body, parent)
    for base, found in spent.items():
        if base in outer.base_params:
            raise Restart(found.key)           # the next iteration asks for it
    for base in body.values:
        if base.home.encloses(parent):
            outer.current(base)                # stored to as a whole, without being read
    stored = []
    for base, (param, first) in outer.base_params.items():
        last = body.values.get(base, param)
        params.append(param)
        inits.append(first)
        ends.append(last)
        out = parent.bind(param.dtype, param.shape)
        results.append(out)
        if last is not param:
            stored.append((base, out))
    if loop.items is not None:
        blocks = [Block([attempt.index, *params], body.eqns, ends)]  # type: ignore[list-item]
        bounds = [loop.items.start, loop.items.stop, loop.items.step]
        promise = {"independent": True} if getattr(loop.items, "independent", False) else {}
        emit("for", [*bounds, *inits], results, blocks=blocks, until=stop_at, **promise)
    else:
        assert attempt.test_block is not None
        if outer.iteration is not None:                # a random draw counts the trips
            with opened(body):
                ends.append(emit("add", [outer.iteration, lit(1)], [(I64, ())])[0])
            params.append(outer.iteration)
            inits.append(lit(0))
            results.append(parent.bind(I64))
        test = attempt.test_block
        test = rename(Block(params, test.eqns, test.outs), {})
        emit("while", inits, results, blocks=[test, Block(params, body.eqns, ends)])
    for base, out in stored:
        parent.values[base] = out
    for n, base in carried.given.items():
        parent.values[base] = Spent((carried.key, str(n)))
    parent.values.update(spent)
    if carried.swapped:
        give_back(carried, flags, bases)
    for n in carried.slots:
        put(loop.cells, n, after[n])
    for name in loop.dead:
        put(loop.cells, name, UNBOUND)


def _told_by_trips(loop: Loop, slot: Any, end: Any) -> bool:
    """Does the slot's flag say no more than whether there was an iteration?"""
    if loop.items is None or not dm.sign(loop.items.step):
        return False
    if isinstance(slot, MixedSlot):
        return slot_of(end) == slot.wide
    return (isinstance(slot, MaybeSlot) and not isinstance(slot.content, MixedSlot)
            and not isinstance(end, Maybe) and end is not UNBOUND)


def _flag_of_trips(flag: Var, index: Var, items: Any, start: Atom, outer: Builder) -> list[Eqn]:
    """Equations for the head of the body: the flag is `start`, or this is not the first trip."""
    first = [index, lit(items.start) if isinstance(items.start, int) else items.start]
    if type(start) is Lit and not start.value:
        return [Eqn(OPS["ne"], first, [flag])]
    later = outer.bind(BOOL)
    return [Eqn(OPS["ne"], first, [later]), Eqn(OPS["or"], [start, later], [flag])]


def _after_trips(joined: Any, items: Any, start: Atom) -> Any:
    """The value after the loop, its flag computed from the bounds."""
    some: Any = dm.compare("lt" if dm.sign(items.step) > 0 else "gt", items.start, items.stop)
    if some is not True and type(start) is not Lit:
        some, = emit("or", [start, lit(some) if some is False else some], [(BOOL, ())])
    if some is True:
        return joined.content if isinstance(joined, Maybe) else Scalar(joined.atom, joined.kind)
    flag = lit(some) if some is False else some
    joined.flag = Scalar(flag, PYTHON) if isinstance(joined, Maybe) else flag
    return joined


__all__ = ["Indexed", "Place", "Range", "for_loop", "sequence_of", "while_loop"]
