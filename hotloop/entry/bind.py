"""Binding a call's arguments to parameter names as Python does, but faster than `inspect`.

    >>> def f(x, n=3): ...
    >>> Binder(f).bind((1.5,), {})
    {'x': 1.5, 'n': 3}

`*args` is bound to a tuple and `**kwargs` to a dict under their own names. A call that Python would
reject gives None: calling the function then raises Python's own TypeError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hotloop.errors import UnsupportedError

_ABSENT = object()


class Binder:
    """The parameters of one function.

    names     parameters that may be given by position, in order
    defaults  name -> default, of those that have one
    simple    no keyword-only, *args or **kwargs parameters
    """

    def __init__(self, function: Callable[..., Any]):
        kinds = inspect.Parameter
        try:
            given = inspect.signature(function, follow_wrapped=False).parameters.values()
        except ValueError:
            raise UnsupportedError(f"{function!r} does not tell its parameters", None,
                                   "compile a function that calls it") from None
        self.names = tuple(p.name for p in given
                           if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD))
        self.defaults = {p.name: p.default for p in given if p.default is not kinds.empty}
        self.order = tuple(p.name for p in given)
        self.positional_only = frozenset(
            p.name for p in given if p.kind is kinds.POSITIONAL_ONLY)
        self.keyword_only = frozenset(p.name for p in given if p.kind is kinds.KEYWORD_ONLY)
        self.star = next((p.name for p in given if p.kind is kinds.VAR_POSITIONAL), "")
        self.double_star = next((p.name for p in given if p.kind is kinds.VAR_KEYWORD), "")
        self.simple = len(self.names) == len(self.order)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """name -> object for every parameter, or None for a call that Python rejects."""
        names = self.names
        if self.simple and not kwargs and len(args) == len(names):
            return dict(zip(names, args, strict=True))
        if len(args) > len(names) and not self.star:
            return None
        bound: dict[str, Any] = dict(zip(names, args, strict=False))
        extra: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in self.positional_only or name not in self.order \
                    or name in (self.star, self.double_star):
                extra[name] = value
            elif name in bound:
                return None
            else:
                bound[name] = value
        if extra and not self.double_star:
            return None
        if self.star:
            bound[self.star] = tuple(args[len(names):])
        if self.double_star:
            bound[self.double_star] = extra
        for name in self.order:
            if name not in bound:
                value = self.defaults.get(name, _ABSENT)
                if value is _ABSENT:
                    return None
                bound[name] = value
        return bound
