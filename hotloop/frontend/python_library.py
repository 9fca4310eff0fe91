"""heapq, bisect, itertools, functools.reduce, collections.deque over lists of run-time length.

    heapq.heappush(heap, x)     the function of that name of `in_python`, traced

Over what is known they do what the library does, on tracers. Loaded when one of them is met.
"""

from __future__ import annotations

import bisect
import collections
import functools
import heapq
import itertools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import METHODS, QUEUE_METHODS, List, Queue
from hotloop.frontend.lists import copied, load
from hotloop.frontend.python_sequences import in_plain, materialized, staged
from hotloop.frontend.registry import call
from hotloop.frontend.sequences import Fold, consume
from hotloop.frontend.tracers import Array, Tracer, dim_of

tables = lazy.module("hotloop.frontend.tables")


@call(collections.deque)
def deque(iterable: Any = (), maxlen: Any = None) -> List:
    items = materialized(iterable)
    if maxlen is None:
        new = copied(items) if isinstance(items, List) else list_of(list(items))
        new.queue = Queue(None)
        return new
    limit = dim_of(maxlen)
    dm.require("ge", limit, 0, ValueError, "maxlen must be non-negative")
    new = list_of([])
    new.queue = Queue(limit)
    if isinstance(items, List) or items:
        new.extend(items)
    return new


def _of_queue(name: str) -> Callable[[Any], Any]:
    """The decorated function is a method of deques; `METHODS[name]` is that of lists."""
    def register(f: Any) -> Any:
        QUEUE_METHODS[name] = functools.partial(f, METHODS.get(name))
        return f
    return register


@_of_queue("append")
def append(on_lists: Any, x: List, new: Any, /) -> None:
    limited(on_lists, "append_limited", x, new)


@_of_queue("appendleft")
def append_left(on_lists: Any, x: List, new: Any, /) -> None:
    limited(on_lists, "append_left_limited", x, new)


def limited(on_lists: Any, plain: str, x: List, new: Any) -> None:
    if x.queue is None or x.queue.limit is None:
        on_lists(x, new)
    else:
        in_plain(plain)(x, new, on_lists)


@_of_queue("extend")
def extend(on_lists: Any, x: List, items: Any, /) -> None:
    if x.queue is None or x.queue.limit is None:
        on_lists(x, items)
    else:
        in_plain("extend_limited")(x, copied(items) if items is x else items)


@_of_queue("extendleft")
def extend_left(on_lists: Any, x: List, items: Any, /) -> None:
    in_plain("extend_left")(x, copied(items) if items is x else items)


@_of_queue("insert")
def insert(on_lists: Any, x: List, i: Any, new: Any, /) -> None:
    if x.queue is not None and x.queue.limit is not None:
        dm.require("lt", x.n, x.queue.limit, IndexError, "deque already at its maximum size")
    on_lists(x, i, new)


@call(collections.defaultdict)
def default_dict(*given: Any) -> Any:
    return tables.default_dict(*given)


@call(collections.Counter)
def counter(*given: Any) -> Any:
    return tables.counter(*given)


def _on_lists(native: Callable[..., Any], name: str) -> None:
    plain = in_plain(name)

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        items = [list_of(a) if type(a) is list and name.startswith("bisect") else a for a in args]
        return plain(*items, **kwargs)
    call(native)(stand_in)


for _native, _name in ((heapq.heappush, "heappush"), (heapq.heappop, "heappop"),
                       (heapq.heapify, "heapify"), (heapq.heapreplace, "heapreplace"),
                       (heapq.heappushpop, "heappushpop"), (bisect.bisect_left, "bisect_left"),
                       (bisect.bisect_right, "bisect_right"),
                       (bisect.insort_left, "insort_left"),
                       (bisect.insort_right, "insort_right")):
    _on_lists(_native, _name)


# ---- itertools and functools

@call(functools.reduce)
def reduce(f: Any, iterable: Any, *initial: Any) -> Any:
    step = function(f)
    if initial:
        sink = Fold(initial[0], step)
        consume(iterable, sink)
        return sink.value
    items = materialized(iterable)
    if not isinstance(items, List):
        items = list(items)
        if not items:
            raise TypeError("reduce() of empty iterable with no initial value")
        return functools.reduce(step, items)
    dm.require("gt", items.n, 0, TypeError, "reduce() of empty iterable with no initial value")
    sink = Fold(load(items, 0), step)
    consume(load(items, slice(1, None)), sink)
    return sink.value


def _itertool(native: Any, plain: Callable[..., str | None]) -> None:
    """Over known items what itertools does; else a function of `in_python`: `plain(*args)` is its
    name, None if there is none."""
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        given = [materialized(a) if staged(a) or isinstance(a, Array | np.ndarray) else a
                 for a in args]
        if not any(isinstance(a, List) for a in given):
            return native(*(function(a) if isinstance(a, types.FunctionType) else a
                            for a in given), **kwargs)
        name = plain(*given, **kwargs)
        if name is None:
            raise unsupported(f"itertools.{native.__name__} of run-time length in this form",
                              "write the loops")
        if name == "chain":
            return in_plain("chain")(tuple(given))
        items = [list_of(list(a)) if isinstance(a, tuple | list) else a for a in given]
        if name[-1] in "23":
            items = items[:1]
        return in_plain(name)(*items, **{k: v for k, v in kwargs.items() if k != "repeat"})
    call(native)(stand_in)


_itertool(itertools.accumulate, lambda *args, **kwargs: "accumulate")
_itertool(itertools.pairwise, lambda *args: "pairwise")
_itertool(itertools.product, lambda *args, repeat=1: "product" if (
    len(args) == 2 and repeat == 1) else None)
_itertool(itertools.combinations, lambda items, r: f"combinations{r}" if r in (2, 3) else None)
_itertool(itertools.permutations, lambda items, r=None: "permutations2" if r == 2 else None)
_itertool(itertools.chain, lambda *args: "chain")
_itertool(itertools.takewhile, lambda *args: "takewhile")
_itertool(itertools.dropwhile, lambda *args: "dropwhile")


@call(itertools.islice)
def islice(iterable: Any, *bounds: Any) -> Any:
    if not staged(iterable) and not isinstance(iterable, Array | np.ndarray) and not any(
            isinstance(b, Tracer) for b in bounds):
        return itertools.islice(iterable, *bounds)
    items = materialized(iterable)
    return load(items if isinstance(items, List) else list_of(list(items)), slice(*bounds))
