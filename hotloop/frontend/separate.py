"""Functions that are compiled once however often they are called: what dicts do.

    @separately                          count[x] and count[y] call one function of the kernel,
    def find_entry(places, keys, key):   traced for the types of `places`, `keys` and `key`
        ...

A call is the equation `invoke`, as for recursive functions. So a decorated function must depend on
its arguments only, and raise nothing that users see: its lines are in no traceback.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

from hotloop import lazy
from hotloop.frontend.builder import current
from hotloop.frontend.list_values import ListSlot
from hotloop.frontend.slots import KINDS, SequenceSlot, by_value
from hotloop.frontend.tracers import Scalar, Widened
from hotloop.ir.core import Var

recursion = lazy.module("hotloop.frontend.recursion")


def separately(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def call(*given: Any) -> Any:
        state = current().state
        args = tuple(map(_narrowed, given))
        bound = state.session.traceable(f)
        if state.session.pool is not None and holds_text(recursion.types_of(args)):
            args = (*args, state.session.pool.codes)
            bound = partial(_with_pool, bound)
        key = f, recursion.types_of(args)
        known = state.separate.get(key)
        if known is None:
            known = recursion.complete(f, bound, args)
            if known is None:                  # its types name sizes of this block
                return bound(*args)
            state.separate[key] = known
        return recursion.called(known, args)
    call._hl_call = True  # type: ignore[attr-defined]
    return call


def _with_pool(bound: Callable[..., Any], *given: Any) -> Any:
    """A call in which the pool of text is the last argument."""
    pool = current().state.session.pool
    before, pool.list = pool.list, given[-1]
    try:
        return bound(*given[:-1])
    finally:
        pool.list = before


def holds_text(slot: Any) -> bool:
    """Is text among values of this slot, so that they are nothing without the pool?"""
    if isinstance(slot, ListSlot):
        return holds_text(slot.data.item)
    parts = slot.items if isinstance(slot, SequenceSlot) else KINDS[type(slot)].items(
        slot) if type(slot) in KINDS else ()
    return by_value(slot) or any(map(holds_text, parts or ()))


def _narrowed(x: Any) -> Any:
    """Branches around the call tell of an argument that it is not None; inside nothing does."""
    if type(x) is tuple:
        return tuple(map(_narrowed, x))
    if isinstance(x, Widened) and isinstance(x.flag, Var) and current().truths.get(x.flag) is True:
        return Scalar(x.atom, x.kind)
    return x
