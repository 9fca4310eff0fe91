"""Builtins over iterables: sum, any, all, min, max, sorted, map, filter; methods of lists.

    sum(x * x for x in xs)      the loop over xs with the sum carried
    sorted(items, key=f)        argsort of the keys, then every buffer is gathered

Known items are handled one by one while tracing; over a run-time iterable the loop is staged.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hotloop.frontend import in_python, truth
from hotloop.frontend.builder import emit, fail, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.iterables import Indexed, Range
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import Data, List
from hotloop.frontend.lists import (
    become,
    copied,
    exact,
    joined,
    less,
    load,
    method,
    repeated,
    store,
)
from hotloop.frontend.operators import binary
from hotloop.frontend.registry import call
from hotloop.frontend.sequences import (
    Fold,
    Stream,
    as_list,
    consume,
    each,
    list_from,
    when,
)
from hotloop.frontend.slots import MixedSlot, ScalarSlot, SequenceSlot
from hotloop.frontend.tracers import Array, Tracer, lift
from hotloop.ir.core import Atom
from hotloop.ir.types import I64

RUN_TIME = (List, Stream, Indexed)
"""Iterables whose length may be known at run time only."""


def in_plain(name: str) -> Callable[..., Any]:
    """A function of `in_python`, traced."""
    plain = getattr(in_python, name)

    def traced(*args: Any, **kwargs: Any) -> Any:
        return function(plain)(*args, **kwargs)
    return traced


for _name in ("list_equal", "list_less", "contains"):
    truth.IN_PYTHON[_name] = in_plain(_name)


def staged(x: Any) -> bool:
    """Is it an iterable that needs a loop?"""
    return isinstance(x, RUN_TIME) or isinstance(x, Range) and x.known() is None or (
        isinstance(x, Range) and len(x.known() or ()) > 32)


def materialized(x: Any) -> Any:
    """The items of an iterable as a list, of known length if it can be."""
    if isinstance(x, np.ndarray):
        x = lift(x)
    if isinstance(x, List) or type(x) in (list, tuple):
        return x
    return list_from(x)


# ---- folds

def summed(iterable: Any, start: Any) -> Any:
    def step(total: Any, x: Any) -> Any:
        if isinstance(total, Tracer) or isinstance(x, Tracer):
            return binary("add", total, x) if not isinstance(x, List) else total + x
        return total + x
    sink = Fold(start, step)
    consume(iterable, sink)
    return sink.value


def quantified(iterable: Any, decided: bool) -> Any:
    """any (decided by True) or all (by False): ends at the first item that decides."""
    def step(found: Any, x: Any) -> Any:
        one = truth.truth(x)
        return one if decided else truth.not_(one)
    sink = Fold(False, step, until=True)
    consume(iterable, sink)
    found = truth.truth(sink.value)
    return found if decided else truth.not_(found)


def extreme(name: str, iterable: Any, key: Any, default: tuple[Any, ...]) -> Any:
    items = list_of(materialized(iterable)) if not isinstance(
        found := materialized(iterable), List) else found
    plain = getattr(in_python, f"{name}imum" if key is None else f"{name}imum_by")
    run = partial(function(plain), *((items,) if key is None else (items, key)))
    if not default:
        return run()
    empty = truth.not_(truth.truth(items))
    return truth.if_expression(empty, lambda: default[0], run)


# ---- sorting

@method("sort")
def sort(x: List, /, *, key: Any = None, reverse: Any = False) -> None:
    x.changing()
    if not isinstance(reverse, bool | int):
        raise unsupported("sort with reverse known at run time only", "pass a literal")
    keys = x if key is None or x.data.item is None else keys_of(x, key)
    if keys.data.item is None:
        return
    order = ordered_by(keys, bool(reverse))
    n = x.n
    if order.shape[0] is not n:                # the keys are as many, which has another name
        order, = emit("get", [order, 0, n, 1], [(I64, (n,))], codes="s")
    data = exact(x)
    become(x, List(Data(data.item, [
        emit("get", [b, order], [(b.dtype, (n, *b.shape[1:]))],
             codes="a" + ":" * (len(b.shape) - 1))[0] for b in data.atoms]), n))


def keys_of(x: List, key: Any) -> List:
    one = function(key)
    found = Stream(x, lambda sink, items: each(sink, items, lambda e: sink.add(one(e)))).items()
    return found if isinstance(found, List) else list_of(found)


def ordered_by(keys: List, reverse: bool) -> Atom:
    """The stable order of the keys: indices."""
    n = keys.n
    columns = list(_key_columns(keys.data.item, iter(exact(keys).atoms)))
    if NO_NUMBERS in columns:
        return exact(as_list(in_plain("merged_order")(keys, reverse))).atoms[0]
    order: Atom | None = None
    if reverse:
        numbers, = emit("iota", [n], [(I64, (n,))], dtype=I64)
        order, = emit("get", [numbers, less(n, 1), n, -1], [(I64, (n,))], codes="s")
    for column in reversed(columns):
        given = column if order is None else emit(
            "get", [column, order], [(column.dtype, (n,))], codes="a")[0]
        rank, = emit("argsort", [given], [(I64, (n,))], axis=0)
        order = rank if order is None else emit("get", [order, rank], [(I64, (n,))], codes="a")[0]
    assert order is not None
    if reverse:
        order, = emit("get", [order, less(n, 1), n, -1], [(I64, (n,))], codes="s")
    return order


NO_NUMBERS = object()
"""For a key that is compared as Python does it: text."""


def _key_columns(item: Any, atoms: Any) -> Any:
    if isinstance(item, ScalarSlot) and item.dtype.kind in "biuf":
        yield next(atoms)
    elif isinstance(item, MixedSlot) and item.narrow is not None:
        next(atoms)
        yield next(atoms)
    elif isinstance(item, SequenceSlot):
        for part in item.items:
            yield from _key_columns(part, atoms)
    else:
        yield NO_NUMBERS


def sorted_list(x: Any, key: Any, reverse: Any) -> List:
    items = materialized(x)
    new = copied(items) if isinstance(items, List) else list_of(list(items))
    new.queue = None
    sort(new, key=key, reverse=reverse)
    return new


# ---- methods written in Python

@method("index")
def index(x: List, value: Any, *ends: Any) -> Any:
    return in_plain("list_index")(x, value, *ends)


@method("remove")
def remove(x: List, value: Any, /) -> None:
    in_plain("list_remove")(x, value)


@method("count")
def count(x: List, value: Any, /) -> Any:
    return in_plain("list_count")(x, value)


@method("rotate")
def rotate(x: List, n: Any = 1, /) -> None:
    in_plain("rotate")(x, n)


# ---- map and filter

@call(map)
def map_(f: Any, /, *iterables: Any) -> Any:
    one = function(f)
    if len(iterables) == 1:
        return Stream(iterables[0], lambda sink, items: each(
            sink, items, lambda e: sink.add(one(e))))
    both = function(builtins.zip)(*iterables)
    return Stream(both, lambda sink, items: each(sink, items, lambda e: sink.add(one(*e))))


@call(filter)
def filter_(f: Any, iterable: Any, /) -> Any:
    one = function(f) if f is not None else truth.truth
    return Stream(iterable, lambda sink, items: each(
        sink, items, lambda e: when(sink, one(e), lambda: sink.add(e))))


# ---- operators

def _plus(a: List, b: Any) -> Any:
    return joined([a, as_list(b)]) if isinstance(b, list | List) else _with_array(a, "add", b)


def _plus_before(a: List, b: Any) -> Any:
    return joined([as_list(b), a]) if isinstance(b, list | List) else _with_array(a, "add", b)


def _times(a: List, b: Any) -> Any:
    if isinstance(b, Array | np.ndarray):
        return _with_array(a, "mul", b)
    return repeated(a, b)


def _with_array(a: List, name: str, b: Any) -> Any:
    if isinstance(b, Array | np.ndarray):
        return binary(name, a, b)
    fail(TypeError, f'can only concatenate list (not "{type(b).__name__}") to list')


OPERATORS: dict[str, Callable[..., Any]] = {
    "__add__": _plus, "__radd__": _plus_before, "__mul__": _times, "__rmul__": _times,
    "__getitem__": load, "__setitem__": store}
for _name, _operator in OPERATORS.items():
    setattr(List, _name, _operator)


__all__ = ["extreme", "quantified", "sorted_list", "staged", "summed"]
