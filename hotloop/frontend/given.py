"""Python functions that come from outside: `integrate(lambda t: c * t, a, b)`.

A lambda is a new object each time, yet what is compiled for one serves all that are made of the
same code: they are told by their code, globals and defaults, and what they close over is read
through them, like attributes of an object::

    (("arg", "f"), ("attr", "__closure__"), ("item", 0), ("attr", "cell_contents"))

What a program can ask of such a function besides calling it is whether it is another one. Where
that other one is the same object here it must be so in each call (an alias); where two of the same
code meet, both are told by their identity, as are functions that their modules hold by name.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from hotloop.frontend.traced import Path, Place

SAME = ("__code__", "__globals__", "__defaults__", "__kwdefaults__", "__dict__")
"""What functions that are exchangeable have in common, besides their type."""


class Given:
    """The functions of one trace that others may stand for. `guard(path, value, owner)` and
    `alias(place, place)` note what must hold."""

    def __init__(self, guard: Callable[[Path, Any, Any], None],
                 alias: Callable[[Place, Place], None]):
        self.guard, self.alias = guard, alias
        self.places: dict[int, tuple[types.FunctionType, Path, Any, bool]] = {}
        self.met: dict[types.CodeType, dict[int, types.FunctionType]] = {}

    def meet(self, f: types.FunctionType, path: Path, owner: Any, is_argument: bool) -> None:
        """`f` was found at `path`."""
        alike = self.met.setdefault(f.__code__, {})
        known = self.places.get(id(f))
        if known is not None:
            if known[1:3] != (path, owner):         # what it closes over is read through one only
                self.alias((known[1], known[2]), (path, owner))
        elif path[0][0] in ("arg", "cell") and id(f) not in alike and made_anew(f):
            self.places[id(f)] = f, path, owner, is_argument
            self.guard((*path, ("type",)), types.FunctionType, owner)
            for name in SAME:
                self.guard((*path, ("attr", name)), getattr(f, name), owner)
        else:
            self.guard(path, f, owner)
        alike[id(f)] = f
        if len(alike) > 1:
            for k in alike.keys() & self.places.keys():
                one, at, holder, _ = self.places[k]
                self.guard(at, one, holder)

    def place(self, f: Any) -> Place | None:
        """Where a call finds the function that stands for `f`."""
        known = self.places.get(id(f))
        return known and known[1:3]

    def cell(self, f: types.FunctionType, name: str) -> tuple[Path, Any, bool]:
        """(path, owner, is it an argument's) of what `f` closes over by this name."""
        known = self.places.get(id(f))
        if known is None:
            return (("cell", name),), f, False
        _, path, owner, is_argument = known
        k = f.__code__.co_freevars.index(name)
        inside = ("attr", "__closure__"), ("item", k), ("attr", "cell_contents")
        return (*path, *inside), owner, is_argument


def made_anew(f: types.FunctionType) -> bool:
    """May there be others made of the same code, that nothing else tells from `f`?"""
    if f.__globals__.get(f.__name__) is f or f.__dict__:
        return False
    try:
        return all(cell.cell_contents is not f for cell in f.__closure__ or ())
    except ValueError:                              # a cell that is not filled yet
        return False
