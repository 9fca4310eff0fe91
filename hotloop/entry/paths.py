"""Following paths (`frontend.traced`) from a call to the objects they lead to.

    scope = Scope({"self": model, "x": 3.0}, traced_function, called_function)
    scope.fetch((("arg", "self"), ("attr", "w")), None)      # model.w

A specialization may serve functions made again from the same code (a lambda in a loop): where it
says "a global, a cell of the function that was traced", the function that is called is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from hotloop.frontend.traced import Path
from hotloop.record import record

Owner = Callable[..., Any] | None


class Missing(LookupError):
    """A path leads nowhere: the specialization does not fit."""


@record
class Scope:
    """The arguments of a call by parameter name, the function that was traced, the one called."""
    bound: Mapping[str, Any]
    traced: Owner = None
    called: Owner = None

    def owner(self, given: Owner) -> Callable[..., Any]:
        found = self.called if given is self.traced and self.called is not None else given
        if found is None:
            raise Missing("a path from nowhere")
        return getattr(found, "__func__", found)

    def fetch(self, path: Path, owner: Owner) -> Any:
        """The object at `path`; raises Missing."""
        kind, *name = path[0]
        try:
            if kind == "arg":
                value = self.bound[name[0]]
            elif kind == "global":
                value = globals_with(self.owner(owner), name[0])[name[0]]
            elif kind == "cell":
                value = cell(self.owner(owner), name[0]).cell_contents
            else:
                raise Missing(path)
            for step in path[1:]:
                value = _step(value, step)
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            raise Missing(path) from error
        return value


def only_compiled(function: Any) -> bool:
    """Is it a transform (`frontend.transform`), which Python can't run?"""
    return type(function) is not FunctionType and hasattr(type(function), "traced")


def innermost(function: Any) -> Any:
    """The user's function inside of transforms."""
    while only_compiled(function):
        function = function.fn
    return function


def globals_with(function: Any, name: str) -> dict[str, Any]:
    """The dict in which the function finds a global name: its globals or the builtins."""
    space = function.__globals__
    if name in space:
        return space
    found = space["__builtins__"]
    return found if isinstance(found, dict) else vars(found)


def cell(function: Any, name: str) -> Any:
    return function.__closure__[function.__code__.co_freevars.index(name)]


def _step(value: Any, step: tuple[Any, ...]) -> Any:
    kind = step[0]
    if kind == "attr":
        return getattr(value, step[1])
    if kind == "item":
        return value[step[1]]
    if kind == "type":
        return type(value)
    if kind == "len":
        return len(value)
    if kind == "keys":
        return tuple(value)
    raise Missing(step)
