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
from hotloop.frontend.list_values import List
from hotloop.frontend.lists import copied, load
from hotloop.frontend.python_sequences import in_plain, materialized, staged
from hotloop.frontend.registry import call
from hotloop.frontend.sequences import Fold, consume
from hotloop.frontend.tracers import Array, Tracer

tables = lazy.module("hotloop.frontend.tables")


@call(collections.deque)
def deque(iterable: Any = (), maxlen: Any = None) -> List:
    if maxlen is not None:
        raise unsupported("a deque with maxlen", "pop the oldest item before you append")
    items = materialized(iterable)
    new = copied(items) if isinstance(items, List) else list_of(list(items))
    new.queue = True
    return new


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
