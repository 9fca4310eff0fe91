"""Comprehensions, generator expressions, and iterables as lists.

    [f(x) for x in xs if x > 0]      _hl.listed(lambda _hl_sink: _hl.each(_hl_sink, xs, lambda x:
                                         _hl.when(_hl_sink, x > 0, lambda: _hl_sink.add(f(x)))))
    sum(x * x for x in xs)           the loop over xs with the sum inside: nothing is stored

A *sink* takes the items. What is known is unrolled, as Python does it; over a run-time iterable, or
under a run-time condition, the loops and branches are staged, and a list becomes a `List`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import CellType
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import staged_if
from hotloop.frontend.builder import UNROLL_LIMIT, current, here, staging, unsupported
from hotloop.frontend.iterables import (
    ITERATED,
    Indexed,
    Range,
    own_iterator,
    sequence_of,
)
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import List, Table
from hotloop.frontend.lists import AS_LIST, append, as_array, copied, more, of_array, of_range
from hotloop.frontend.loop import Loop
from hotloop.frontend.objects import cells_of
from hotloop.frontend.slots import Either, Unjoined
from hotloop.frontend.tracers import LIFTED, Array, Scalar, Tracer, lift
from hotloop.frontend.truth import truth
from hotloop.frontend.yields import refuse_endless, refuse_next, renamed

loops = lazy.module("hotloop.frontend.loops")
tables = lazy.module("hotloop.frontend.tables")

LIFTED[List] = as_array


class Sink:
    """Takes items: `add`. `names` in `cells` are what it changes; when `stop` is true the loops
    end; `dead` names are unbound afterwards. `stage`: called before a loop or branch is staged."""

    def __init__(self, cells: dict[str, CellType], names: Iterable[str], stop: str | None = None,
                 dead: Iterable[str] = ()):
        self.cells, self.names, self.stop, self.dead = cells, tuple(names), stop, tuple(dead)

    def add(self, item: Any) -> None:
        raise NotImplementedError

    def stage(self) -> None:
        pass

    def loop(self, items: Any, body: Callable[..., Any]) -> Loop:
        loop = Loop(items, None, body, self.names, self.names, self.dead, self.stop)
        loop.cells.update(self.cells)
        return loop


class _ListSink(Sink):
    def __init__(self, site: Any) -> None:
        super().__init__({}, ())
        self.out: Any = []
        if site in current().state.session.growing:
            self.stage()

    def add(self, item: Any) -> None:
        if isinstance(self.out, List):
            append(self.out, item)
        else:
            self.out.append(item)

    def stage(self) -> None:
        if not isinstance(self.out, List):
            self.out = list_of(self.out)


class Fold(Sink):
    """One value, `step(value, item)` at each item; with `until` the loops end when it is true."""

    def __init__(self, start: Any, step: Callable[[Any, Any], Any], until: bool = False):
        super().__init__({"_hl_folded": CellType(start)}, ("_hl_folded",),
                         "_hl_folded" if until else None)
        self.step = step

    def add(self, item: Any) -> None:
        cell = self.cells["_hl_folded"]
        cell.cell_contents = self.step(cell.cell_contents, item)

    @property
    def value(self) -> Any:
        return self.cells["_hl_folded"].cell_contents


class _BodySink(Sink):
    """The body of a for statement."""

    def __init__(self, loop: Loop):
        super().__init__(loop.cells, loop.slots, loop.stop, loop.dead)  # type: ignore[arg-type]
        self.body = loop.body
        if loop.sink is not None:              # the loop stands in a generator itself
            self.stage = loop.sink.stage  # type: ignore[method-assign]

    def add(self, item: Any) -> None:
        self.body(item)


class Stream:
    """A generator expression, not run yet; its first iterable is evaluated."""

    def __init__(self, first: Any, run: Callable[[Sink, Any], Any]):
        self.first, self.runs = first, run
        self.used, self.home = False, current()

    def result_tree(self, results: Any) -> Any:
        raise staging("an iterator over run-time values is a result", "return a list of it")

    def run(self, sink: Sink) -> Sink:
        if self.used:
            raise staging("a generator expression is used twice", "make it a list")
        self.used = True
        self.runs(sink, self.first)
        return sink

    def __iter__(self) -> Any:
        found = self.items()
        if isinstance(found, List):
            raise staging("a generator expression of run-time length is used here",
                          "make it a list or array")
        return iter(found)

    def items(self) -> Any:
        """Its items, as a list."""
        sink = _ListSink(here())
        self.run(sink)
        return sink.out


class Generated(Stream):
    """A call of a generator function, not run yet (see `yields`)."""

    def __init__(self, run: Callable[[Sink], Any], endless: bool):
        super().__init__(None, lambda sink, first: run(sink))
        self.endless = endless

    def items(self) -> Any:
        if self.endless:
            refuse_endless()
        return super().items()

    __next__ = refuse_next


class Once(Stream):
    """`iter(x)` of what is iterated at run time."""

    def __init__(self, x: Any):
        super().__init__(x, lambda sink, first: consume(first, sink))

    __next__ = refuse_next


MOST_INSIDE = 20
"""Calls of a generator function inside of itself."""


def generator_function(f: Any, whole: Callable[..., Any],
                       stopping: Callable[..., Any], endless: bool) -> Callable[..., Any]:
    """The callable that stands for a generator function: `whole` runs to its end, `stopping` ends
    when the consumer does."""
    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Generated:
        inspect.signature(f).bind(*args, **kwargs)          # raises what a call raises

        def run(sink: Sink) -> None:
            inner = renamed(sink, _Inner)
            body = whole if sink.stop is None else stopping
            active = current().state.active
            count = active.get(f, 0)
            if count > MOST_INSIDE:
                raise unsupported(f"the recursive generator function {f.__name__}",
                                  "append to a list that is passed on")
            active[f] = count + 1
            body(*args, **kwargs, _hl_sink=inner)
            active[f] = count
        return Generated(run, endless)
    call._hl_call = True  # type: ignore[attr-defined]
    return call


class _Inner(Sink):
    def consume(self, items: Any) -> None:
        consume(items, self)


def body_sink(loop: Loop) -> Sink:
    """A sink for the body of a loop."""
    return _BodySink(loop)


def inner_sink(sink: Sink) -> Sink:
    """A sink for the inside of a generator (`yields`)."""
    return renamed(sink, _Inner)


def stream(first: Any, run: Callable[[Sink, Any], Any]) -> Stream:
    return Stream(first, run)


def listed(run: Callable[[Sink], Any]) -> Any:
    """The value of a list comprehension."""
    place = here()
    sink = _ListSink(place)
    run(sink)
    return made(sink.out, place)


def made(x: Any, place: Any) -> Any:
    """A list that the traced code makes at a place of the source."""
    if type(x) is list:
        session = current().state.session
        if place in session.growing:
            return list_of(x)
        session.lists[id(x)] = x, place
    return x


def noted(x: Any) -> Any:
    """A dict or set that the traced code makes here."""
    session = current().state.session
    place = here()
    if place in session.growing:
        return tables.of_known(x)
    session.lists[id(x)] = x, place
    return x


def dictionary(pairs: list[tuple[Any, Any]]) -> Any:
    """`{a: b}`"""
    return tables.dict_of(pairs)


def set_display(items: list[Any]) -> Any:
    """`{a, b}`"""
    return tables.set_of(items)


def display(items: list[Any]) -> Any:
    """`[a, b]`"""
    return made(items, here())


def each(sink: Sink, items: Any, body: Callable[[Any], Any]) -> None:
    """A `for` of a comprehension."""
    if isinstance(items, np.ndarray):
        items = lift(items)
    if isinstance(items, Stream):
        inner = _BodySink(sink.loop((), body))
        inner.stage = sink.stage  # type: ignore[method-assign]
        items.run(inner)
        return
    if isinstance(items, Table):
        items = tables.iterated(items)
    items = sequence_of(items) if isinstance(items, Array | List) else own_iterator(items)
    if isinstance(items, Stream):
        return each(sink, items, body)
    if isinstance(items, Either):
        sink.stage()
        staged_if(items.flag.atom, (functools.partial(each, sink, items.yes, body),
                                    functools.partial(each, sink, items.no, body)),
                  cells_of(body) | sink.cells, list(sink.names), list(sink.dead))
        return
    if isinstance(items, Unjoined):
        raise items.error
    if isinstance(items, Tracer):
        raise TypeError("iteration over a number")
    if not isinstance(items, Range | Indexed):
        loops.unroll(items, sink.loop((), body))
        return
    known = items.known()
    if known is not None and len(known) <= UNROLL_LIMIT:
        loops.unroll((items.item(i) for i in known), sink.loop((), body))
        return
    sink.stage()
    loops.stage(sink.loop(items, body))


def when(sink: Sink, condition: Any, then: Callable[[], Any]) -> None:
    """An `if` of a comprehension."""
    c = truth(condition)
    if not isinstance(c, Scalar):
        if c:
            then()
        return
    sink.stage()
    staged_if(c.atom, (then, _nothing), cells_of(then) | sink.cells, list(sink.names),
              list(sink.dead))


def _nothing() -> None:
    pass


def consume(items: Any, sink: Sink) -> None:
    """All items of any iterable into a sink."""
    if isinstance(items, Stream):
        items.run(sink)
    else:
        each(sink, items, lambda item: sink.add(item))


def iterate_stream(items: Stream, loop: Loop) -> None:
    """A for statement over a generator expression: its body stands inside the loops."""
    items.run(_BodySink(loop))


def list_from(x: Any) -> Any:
    """list(x): a new list, of run-time length where it must be."""
    place = here()
    if isinstance(x, List):
        new = copied(x)
        new.queue = None
        return new
    if isinstance(x, Table):
        x = tables.iterated(x)
    if isinstance(x, Stream):
        return made(x.items(), place)
    if isinstance(x, np.ndarray):
        x = lift(x)
    if isinstance(x, Array):
        if not x.dims:
            raise TypeError("iteration over a 0-d array")
        n = x.dims[0]
        if isinstance(n, int) and n <= UNROLL_LIMIT:
            return made([x[k] for k in range(n)], place)
        return of_array(x)
    if isinstance(x, Range):
        numbers = x.known()
        if numbers is not None and len(numbers) <= UNROLL_LIMIT:
            return made(list(numbers), place)
        if isinstance(x.step, int) and x.step in (1, -1):
            ends = (x.start, x.stop) if x.step == 1 else (x.stop, x.start)
            n = dm.at_least_zero(dm.minus(dm.form(ends[1]), dm.form(ends[0])))
            return of_range(x.start, n, x.step)
    sink = _ListSink(place)
    consume(x, sink)
    return made(sink.out, place)


def as_list(x: Any) -> List:
    found = x if type(x) in (list, tuple) else list_from(x)
    return found if isinstance(found, List) else list_of(list(found))


AS_LIST.append(as_list)
ITERATED[Stream] = ITERATED[Generated] = ITERATED[Once] = iterate_stream

__all__ = ["Fold", "Sink", "Stream", "consume", "display", "each", "iterate_stream", "list_from",
           "listed", "more", "stream", "when"]
