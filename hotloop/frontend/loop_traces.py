"""The body of a staged loop is traced until the types of what it carries settle.

    total = 0                        trace 1   total: int  ends as float     joined: float
    for x in a: total += x           trace 2   total: float ends as float    settled, emitted

What is carried is a *location*: a local name stored in the body and live, the content of an array,
an item or attribute. A body is traced again only if a carried type widens, a name is rebound to
another array, or the body wrote to a Place. If a name may have another type after an iteration than
before, whatever that does, the first iteration is traced by itself (`Unsettled`), or it is carried
as an `Either`. A name rebound in the body keeps its outer reference until the body shows that it
ends different; then which array it is is carried (see `meeting`).
"""

from __future__ import annotations

import sys
from typing import Any

from hotloop.errors import HotloopError
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import arrays_in, references, settled, traced
from hotloop.frontend.builder import Builder, current, opened, unsupported
from hotloop.frontend.carried import Attempt, Carried
from hotloop.frontend.exchange import exchange, exchanged
from hotloop.frontend.list_aliasing import lists_in
from hotloop.frontend.list_values import List, mark, marks_taken_back
from hotloop.frontend.loop import Loop
from hotloop.frontend.loop_equation import emit_loop, returned_outer
from hotloop.frontend.meeting import Cell, Path, cell_array
from hotloop.frontend.objects import (
    UNBOUND,
    Homed,
    Place,
    Slot,
    carried_over,
    containers,
    get,
    put,
    undo,
)
from hotloop.frontend.slots import (
    Either,
    Maybe,
    ObjectSlot,
    Unjoined,
    either_joined,
    join,
    make,
    slot_of,
)
from hotloop.frontend.tracers import Array, Scalar, value
from hotloop.frontend.truth import and_, not_, truth
from hotloop.ir.core import Block, Var
from hotloop.ir.types import I64

TRACE_LIMIT = 12
"""Types of carries settle in two or three traces; more is a loop that never settles."""


class Unsettled(Exception):
    """A name is of another type before the loop than after an iteration, whatever that does."""


class LengthChanges(Exception):
    """A loop over a list changes the list's length."""


def may_peel(loop: Loop, end: Any) -> bool:
    return not loop.peeled and not isinstance(end, Either | Maybe) and (
        loop.items is None or dm.sign(loop.items.step) != 0)


def trace_loop(loop: Loop) -> None:
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
    emit_loop(carried, attempt, end, outer, body, died)


def _born_inside(p: Place, places: list[Place], attempt: Attempt) -> bool:
    """Does nothing but the undone body refer to the object? (Then the body made it.)"""
    if isinstance(p.owner, List | Homed):
        return False                           # those of the body are not journaled
    mine = sum(q.owner is p.owner for q in places)
    session = current().state.session
    noted = sum(id(p.owner) in known for known in (session.lists, session.one_of_two))
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
                carried_over(carried.initial[n], place[n])
                attempt.lists[n] = lists_in(place[n])
        if carried.swapped:
            exchange(carried, attempt, outer)
        items = loop.items
        if items is not None:
            attempt.index = index = outer.bind(I64)
            _index_facts(index, items, outer)
            outer.iteration, outer.trips = index, (items.start, items.stop, items.step)
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
    test, state = loop.test, outer.state
    block = Builder(outer)
    with opened(block):
        raising = state.raising
        go = truth(test())
        stopped = get(loop.cells, loop.stop) if loop.stop else False
        if isinstance(stopped, Scalar) and state.raising != raising:
            undo(block.journal)                # it may raise: not after the loop has stopped
            block = Builder(outer)
            with opened(block):
                go = and_(not_(stopped), lambda: truth(test()))
        elif isinstance(stopped, Scalar):
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
            if n in carried.held or returned_outer(n, carried.initial, x, parent):
                continue
            before = carried.types[n]
            try:
                after = slot_of(x, end, (n,))
                if n not in carried.head:
                    before = slot_of(carried.initial[n], carried.start, (n,))
                joined = join(before, after, parent, n)
            except HotloopError as error:
                if n in carried.head:
                    if may_peel(carried.loop, x):
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
