"""What a for statement runs over once it is staged: a length known at run time, and its items.

    range(n)             Range          start, stop, step, item(i) = i
    enumerate(a), a      Indexed        stop, item(i) = (i, a[i])
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import current, staging
from hotloop.frontend.indexing import span
from hotloop.frontend.list_values import List, Text
from hotloop.frontend.lists import item as list_item
from hotloop.frontend.loop import Loop
from hotloop.frontend.one_of import OneOf
from hotloop.frontend.registry import NUMPY
from hotloop.frontend.traced import Container
from hotloop.frontend.tracers import LIFTED, Array, as_int, dim_of
from hotloop.ir.core import Dim, Var

text = lazy.module("hotloop.frontend.text")

ITERATED: dict[type, Callable[[Any, Loop], None]] = {}
"""How further iterables are looped over (generator expressions)."""


def range_of(numbers: list[int]) -> range:
    return range(*numbers)


class Range:
    """`range(...)` with bounds known at run time, or at trace time: loops over it are staged.
    `independent`: the user says that iterations are."""

    independent = False
    _hl_class = range

    def __init__(self, *args: Any):
        if not 1 <= len(args) <= 3:
            raise TypeError(f"range expected 1 to 3 arguments, got {len(args)}")
        start, stop, step = (0, args[0], 1) if len(args) == 1 else (*args, 1)[:3]
        self.start, self.stop, self.step = dim_of(start), dim_of(stop), dim_of(step)
        if isinstance(self.step, int) and self.step == 0:
            raise ValueError("range() arg 3 must not be zero")
        if isinstance(self.step, Var):
            dm.require("ne", self.step, 0, ValueError, "range() arg 3 must not be zero")

    def known(self) -> range | None:
        """The real range if all three numbers are known."""
        if isinstance(self.start, int) and isinstance(self.stop, int) and isinstance(
                self.step, int):
            return range(self.start, self.stop, self.step)
        return None

    def item(self, i: Dim) -> Any:
        return as_int(i)

    def result_tree(self, results: Any) -> Container:
        numbers = map(as_int, (self.start, self.stop, self.step))
        return Container(range_of, tuple(map(results.tree, numbers)))

    def __iter__(self) -> Any:
        known = self.known()
        if known is None:
            raise staging("a range of unknown length is used outside of a for statement",
                          "loop over it with a for statement and store into an array")
        return iter(known)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def length(self) -> Any:
        """len(range(...))"""
        known = self.known()
        if known is not None:
            return len(known)
        return as_int(span(slice(None, None, abs(self._stride())), self._distance())[1])

    def _stride(self) -> int:
        if not isinstance(self.step, int):
            raise staging("the length of a range whose step is known at run time only")
        return self.step

    def _distance(self) -> Dim:
        ends = dm.form(self.start), dm.form(self.stop)
        first, last = ends if self._stride() > 0 else ends[::-1]
        return dm.at_least_zero(dm.minus(last, first))

    def sliced(self, s: slice) -> Range:
        """range(...)[i:j:k]"""
        start, size, step = span(s, dim_of(self.length()))
        if not isinstance(step, int):
            raise staging("a slice of a range with a step that is known at run time only")
        step *= self._stride()
        first = dm.plus(dm.form(self.start), dm.scale(dm.form(start), self._stride()))
        end = dm.plus(first, dm.scale(dm.form(size), step))
        return Range(as_int(dm.dim(first)), as_int(dm.dim(end)), step)

    def reversed(self) -> Range:
        """reversed(range(...))"""
        return self.sliced(slice(None, None, -1))


def _as_array(r: Range, wide: bool = False) -> Array:
    array: Array = NUMPY[np.arange](*map(as_int, (r.start, r.stop, r.step)))
    return array


LIFTED[Range] = _as_array


class Indexed:
    """A sequence of run-time length: a length and a function from the index to the item.

    `enumerate`, `zip` and iteration over arrays are of this kind. `over`: the lists whose items
    they are, which must keep their length meanwhile.
    """

    def __init__(self, n: Dim, item: Callable[[Dim], Any], over: tuple[List, ...] = ()):
        self.start: Dim = 0
        self.stop, self.step, self.item = n, 1, item
        self.over = over

    def known(self) -> range | None:
        return range(self.stop) if isinstance(self.stop, int) else None

    def length(self) -> Any:
        return as_int(self.stop)

    def __iter__(self) -> Any:
        known = self.known()
        if known is None:
            raise staging("a sequence of run-time length is used outside of a for statement",
                          "loop over it with a for statement")
        return iter([self.item(i) for i in known])


def touched(x: str | bytes) -> None:
    """The characters of known text matter: an argument becomes text of run time."""
    if current().state.session.known_texts:
        text.touched(x)


def sequence_of(x: Any) -> Any:
    """An Indexed for arrays, lists of run-time length and ranges; other iterables as they are."""
    if isinstance(x, Text):
        return text.sequence(x)
    if isinstance(x, str | bytes):
        touched(x)
    if isinstance(x, List):
        return Indexed(x.n, functools.partial(list_item, x), (x,))
    if isinstance(x, Array):
        if not x.dims:
            raise TypeError("iteration over a 0-d array")
        return Indexed(x.dims[0], lambda i: x[as_int(i)])
    if isinstance(x, Range):
        if x.step == 1 and isinstance(x.step, int):
            n = dm.at_least_zero(dm.minus(dm.form(x.stop), dm.form(x.start)))
            return Indexed(n, lambda i: as_int(dm.dim(dm.plus(dm.form(x.start), dm.form(i)))))
        known = x.known()
        if known is None:
            raise staging("enumerate or zip of a range with a step")
        return known
    return x


class Rest:
    """What `items` are from another start on."""

    def __init__(self, items: Any, start: Dim):
        self.start, self.stop, self.step, self.item = start, items.stop, items.step, items.item
        self.over = getattr(items, "over", ())
        self.independent = getattr(items, "independent", False)

    def known(self) -> range | None:
        return None


def own_iterator(x: Any) -> Any:
    """What `__iter__` of a user's class gives, and the characters of text."""
    if isinstance(x, Text | str | bytes):
        return sequence_of(x)
    if type(x) is OneOf and text.is_text(x):
        return text.sequence(x)
    method = getattr(type(x), "__iter__", None)
    if isinstance(method, FunctionType) and method.__name__ == "_hl_method" and not hasattr(
            type(x), "__next__"):
        found = method(x)
        return found.items if isinstance(found, KnownIterator) else sequence_of(found)
    return x


class KnownIterator:
    """`iter(x)` of a list or tuple of known length, which the program may go on with."""

    def __init__(self, items: Any):
        self.items, self.left = items, iter(items)

    def __iter__(self) -> KnownIterator:
        return self

    def __next__(self) -> Any:
        return next(self.left)
