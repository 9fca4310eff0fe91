"""Lists of run-time length as Python lists again: in results, and in printed text.

    MakeList(plan)([n, array, ...])     the list of n items that `plan` puts together

A plan says per item: ("number", is a Python number), ("mixed", narrow kind, narrow dtype, is the
wide one a Python number), ("tuple", type, plans), ("dict", keys, plans), ("array",), ("made",
MakeObject, plans), ("object", the same for all), ("one of", constants), ("character",) or ("text",
type), whose codes the last of the arrays has.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.builder import unsupported
from hotloop.frontend.list_values import List, Queue, RowSlot
from hotloop.frontend.lists import exact
from hotloop.frontend.slots import (
    KINDS,
    ArraySlot,
    MixedSlot,
    ObjectSlot,
    OneOfSlot,
    ScalarSlot,
    SequenceSlot,
    by_value,
)
from hotloop.frontend.structure import Keys
from hotloop.frontend.traced import PYTHON
from hotloop.ir.core import Var
from hotloop.record import record

text = lazy.module("hotloop.frontend.text")
text_calls = lazy.module("hotloop.ops.text_calls")

LAST = -1
"""The limit of a deque that is known at run time only: it is the last of the items."""


@record
class MakeList:
    plan: tuple[Any, ...] | None
    queue: Queue | None

    def __call__(self, items: list[Any]) -> Any:
        n, *arrays = items
        limit: Any = None if self.queue is None else self.queue.limit
        if limit == LAST:
            limit = int(arrays.pop())
        pool = arrays.pop() if has_text(self.plan) else None
        made = [] if self.plan is None else _column(self.plan, int(n), iter(arrays), pool)
        if self.queue is None:
            return made
        return collections.deque(made, limit)


def _column(plan: tuple[Any, ...], n: int, arrays: Iterator[Any], pool: Any) -> list[Any]:
    match plan:
        case ("number", python):
            return _numbers(next(arrays), python)
        case ("mixed", kind, dtype, python):
            flags, wide = next(arrays), next(arrays)
            narrow = [None] * n if dtype is None else _numbers(
                np.asarray(wide).astype(dtype), kind == PYTHON)
            return [w if f else k for f, w, k in zip(
                np.asarray(flags).tolist(), _numbers(wide, python), narrow, strict=True)]
        case ("tuple", kind, parts):
            columns = [_column(part, n, arrays, pool) for part in parts]
            rows = zip(*columns, strict=True) if columns else [()] * n
            return [kind._make(r) for r in rows] if hasattr(kind, "_make") else list(rows)
        case ("dict", keys, parts):
            columns = [_column(part, n, arrays, pool) for part in parts]
            return [dict(zip(keys, r, strict=True)) for r in zip(*columns, strict=True)]
        case ("made", make, parts):
            columns = [_column(part, n, arrays, pool) for part in parts]
            if not columns:
                next(arrays)
            rows = zip(*columns, strict=True) if columns else [()] * n
            return [make(list(r)) for r in rows]
        case ("rows", inner):
            starts, lengths = np.asarray(next(arrays)).tolist(), np.asarray(next(arrays)).tolist()
            rest = [] if inner is None else _column(inner, int(next(arrays)), arrays, pool)
            return [rest[s:s + k] for s, k in zip(starts, lengths, strict=True)]
        case ("character",):
            return list(map(chr, np.asarray(next(arrays)).tolist()))
        case ("text", kind):
            starts, sizes = np.asarray(next(arrays)).tolist(), np.asarray(next(arrays)).tolist()
            return [text_calls.text_at(pool, s, k, kind)
                    for s, k in zip(starts, sizes, strict=True)]
        case ("one of", objects):
            return [objects[k] for k in np.asarray(next(arrays)).tolist()]
        case ("array",):
            return [row.copy() for row in np.asarray(next(arrays))]
        case _:
            next(arrays)
            return [plan[1]] * n


def _numbers(array: Any, python: bool) -> list[Any]:
    array = np.asarray(array)
    return array.tolist() if python else list(array)


def has_text(plan: Any) -> bool:
    """Does the list need the pool of text?"""
    return type(plan) is tuple and (plan[:1] == ("text",) or any(map(has_text, plan)))


def plan_of(item: Any) -> tuple[Any, ...] | None:
    if item is None:
        return None
    if isinstance(item, ScalarSlot):
        return "number", item.kind == PYTHON
    if isinstance(item, MixedSlot):
        kind, dtype = (None, None) if item.narrow is None else (item.narrow.kind,
                                                               item.narrow.dtype)
        return "mixed", kind, dtype, item.wide.kind == PYTHON
    if isinstance(item, SequenceSlot) and isinstance(item.type, Keys):
        return "dict", item.type.keys, tuple(map(plan_of, item.items))
    if isinstance(item, SequenceSlot):
        return "tuple", item.type, tuple(map(plan_of, item.items))
    if isinstance(item, ArraySlot):
        return ("array",)
    if isinstance(item, ObjectSlot):
        return "object", item.object
    if isinstance(item, OneOfSlot):
        return "one of", item.objects
    if by_value(item):
        return KINDS[type(item)].plan(item)
    if type(item) in RESULTS:
        return RESULTS[type(item)](item)
    raise unsupported("a list of such items as a result", "return an array")


RESULTS: dict[type, Any] = {}
"""Plans of further kinds of items: of objects, `results` knows how they are made."""


def parts(x: List) -> tuple[MakeList, list[Any]]:
    """How to make it, and of what: the length and the buffers."""
    plan, atoms = _parts(x)
    if has_text(plan):
        atoms = [*atoms, text.all_codes()]
    queue = x.queue
    if queue is not None and isinstance(queue.limit, Var):
        return MakeList(plan, Queue(LAST)), [*atoms, queue.limit]
    return MakeList(plan, queue), atoms


def _parts(x: List) -> tuple[Any, list[Any]]:
    data = exact(x)
    n: Any = x.length.dim
    if not isinstance(data.item, RowSlot):
        return plan_of(data.item), [n, *data.atoms]
    plan, pool = _parts(x.pool)
    return ("rows", plan), [n, *data.atoms[:2], *(pool if plan is not None else ())]
