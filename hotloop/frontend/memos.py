"""Functions under functools.lru_cache that call themselves: they remember in compiled code, too.

    @cache                               memo = {}
    def fib(n):                    ->    def remembered(n):
        ... fib(n - 1) ...                   if n not in memo: memo[n] = fib(n)
                                             return memo[n]

Without it such a function may take exponential time. The memo is one of the call of the compiled
function: what is remembered is not kept for the next call, and `maxsize` does not matter. Functions
that don't call themselves are called as they are.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import in_python, tables
from hotloop.frontend.builder import current, opened
from hotloop.frontend.calls import function
from hotloop.frontend.source import names_read
from hotloop.frontend.tracers import Tracer


def remembered(f: Any) -> Callable[..., Any]:
    """What stands for `f`, which lru_cache made."""
    wrapped = f.__wrapped__
    if not calls_itself(f):
        return function(wrapped)

    @functools.wraps(wrapped)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return function(wrapped)(*args, **kwargs)
        key = tuple([a for a in args if _is_key(a)])
        others = [a for a in args if not _is_key(a)]
        return function(_memo(f, others))(key[0] if len(key) == 1 else key, args)
    call._hl_call = True  # type: ignore[attr-defined]
    return call


def _is_key(x: Any) -> bool:
    """May it be a key of the memo? Objects (`self`) have a memo each."""
    return isinstance(x, Tracer | int | float | complex | str | bytes | tuple | np.generic)


def _memo(f: Any, others: list[Any]) -> types.FunctionType:
    """The function with the memo of `f` for these objects among the arguments."""
    state = current().state
    kept = "memo", id(f), *map(id, others)
    known = state.selections.get(kept)
    if known is None:
        root = current().lineage[0]
        with opened(root):
            made = in_python.remembering(tables.new("dict"), f.__wrapped__)
        code = made.__code__                   # each its own, the same one in every trace
        state.memos += 1
        code = code.replace(co_consts=(*code.co_consts, state.memos))
        own = types.FunctionType(code, made.__globals__, code.co_name, None, made.__closure__)
        state.session.born[id(code)] = code, own
        known = state.selections[kept] = root, (own, f, others)
    return known[1][0]


def calls_itself(f: Any) -> bool:
    """Does what `f` remembers read `f` by a name, or an attribute of its name (a method)?"""
    wrapped = f.__wrapped__
    codes = [wrapped.__code__, *(c for c in wrapped.__code__.co_consts if isinstance(
        c, types.CodeType))]
    if "." in wrapped.__qualname__ and any(wrapped.__name__ in c.co_names for c in codes):
        return True
    names = names_read(wrapped.__code__)
    if any(wrapped.__globals__.get(name) is f for name in names):
        return True
    for cell in wrapped.__closure__ or ():
        try:
            if cell.cell_contents is f:
                return True
        except ValueError:
            continue
    return False
