"""`for` and `while` statements: which are unrolled, which staged, and how.

    for name in ("a", "b"): ...       known items, or few: unrolled, as Python does it
    for i in range(n): s += x[i]      staged (`loop_traces`): one `for` equation
    total = 0
    for x in arrays: total += x       `total` becomes an array: the first iteration by itself

A loop of few known items that can't be staged (its body needs to know i) is unrolled, and one over
a list that grows meanwhile becomes a `while`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import CellType
from typing import Any

from hotloop import lazy
from hotloop.errors import StagingError
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import hooks, staged_if
from hotloop.frontend.builder import UNROLL_LIMIT, current, here, lit, staging, unsupported
from hotloop.frontend.iterables import (
    ITERATED,
    Indexed,
    KnownIterator,
    Range,
    Rest,
    own_iterator,
    sequence_of,
)
from hotloop.frontend.list_values import List, Table
from hotloop.frontend.lists import item as list_item
from hotloop.frontend.loop import Loop
from hotloop.frontend.loop_traces import LengthChanges, Unsettled, trace_loop
from hotloop.frontend.objects import Slot, from_outside, get, put
from hotloop.frontend.slots import Either, Unjoined
from hotloop.frontend.tracers import PYTHON, Array, Scalar, Tracer, as_int, dim_of, lift, value
from hotloop.frontend.truth import or_, truth

tables = lazy.module("hotloop.frontend.tables")

def for_loop(items: Any, body: Callable[..., Any], *names: Any) -> None:
    """A for statement over `items`."""
    if type(items).__module__ == "numpy" and hasattr(items, "__array__"):
        items = lift(items)
    if isinstance(items, Array | List):
        items = sequence_of(items)
    elif isinstance(items, Table):
        items = tables.iterated(items)
    items = own_iterator(items)
    if isinstance(items, Either):
        _over_either(items, body, names)
        return
    if isinstance(items, Unjoined):
        raise items.error
    if isinstance(items, Tracer):
        raise TypeError("iteration over a number")
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
            _with_fallback(loop, len(known), lambda: unroll(map(items.item, known), loop))
        else:
            stage(loop)
    except LengthChanges:
        if not (isinstance(items, Indexed) and isinstance(items.item, functools.partial)):
            raise unsupported("a loop over lists that changes their length",
                              "loop over a copy: list(x)") from None
        _over_changing_list(items.over[0], loop)


def _over_either(items: Either, body: Callable[..., Any], names: Any) -> None:
    """A loop for each of the types."""
    loop = Loop(None, None, body, *names)
    if loop.sink is not None:
        loop.sink.stage()
    staged_if(items.flag.atom, (functools.partial(for_loop, items.yes, body, *names),
                                functools.partial(for_loop, items.no, body, *names)),
              loop.cells, loop.slots, [*loop.dead])


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
    _with_fallback(loop, 1, lambda: _run_while(loop))


def _with_fallback(loop: Loop, trips: int, fallback: Callable[[], None]) -> None:
    """Stage the loop; if its body needs known values, run it at trace time instead: not so if a
    list of run-time length would do, and it stands in loops that are run like that already."""
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
        before = state.unrolled
        if before * trips > UNROLL_LIMIT and error.site is not None and (
                error.site not in state.session.growing):
            raise
        for n, x in saved.items():
            put(loop.cells, n, x)
        for eqn in builder.eqns[start:]:
            for var in eqn.outs:
                state.home.pop(var, None)      # never seen again by value numbering
        del builder.eqns[start:]
        builder.values, builder.facts, builder.bounds = values, facts, bounds
        state.selections.clear()
        state.active, state.depth = active, depth
        state.unrolled = before * trips
        try:
            fallback()
        except _NotKnown:
            raise error from None
        finally:
            state.unrolled = before


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
            if isinstance(items, KnownIterator):
                raise staging("an iterator is left where run-time values tell",
                              "loop over a range and index, or over the list itself")
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
            trace_loop(loop)
    except Unsettled:
        known.add(here())
        _peel(loop)
    hooks.after(watched)


def _peel(loop: Loop) -> None:
    """The first iteration by itself: `total = 0`, to which the others add arrays."""
    items, test = loop.items, loop.test
    names: tuple[list[Slot], list[Slot]] = [*loop.slots], [*loop.dead]

    def others() -> None:
        rest = Loop(items, test, loop.body, loop.slots, tuple(loop.head), loop.dead, loop.stop)
        rest.cells, rest.peeled = loop.cells, True
        if items is not None:
            rest.items = Rest(items, dm.dim(dm.plus(dm.form(items.start), dm.form(items.step))))
        trace_loop(rest)

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
