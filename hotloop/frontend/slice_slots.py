"""Slices as values: what names and items of lists hold is one slice here and another there.

    index = [slice(None)] * a.ndim
    for i in range(n):
        index[axis] = slice(i, i + 2)       # two ints that the loop carries
        total += a[tuple(index)]

A slice of constants that all paths agree on stays a constant: sizes that follow from it are known.
A bound that is None on some path only is a number of two kinds (`Widened`).
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend.builder import Builder
from hotloop.frontend.objects import UNBOUND
from hotloop.frontend.slots import (
    KINDS,
    VALUES,
    Kind,
    ObjectSlot,
    SliceSlot,
    describe,
    flatten,
    join,
    make,
    slot_of,
    unstable,
)
from hotloop.frontend.tracers import Array, Tracer
from hotloop.ir.core import Atom, Var


def bounds(s: slice) -> tuple[Any, Any, Any]:
    return s.start, s.stop, s.step


class _Slices(Kind):
    def slot_of(self, x: slice) -> Any:
        if any(isinstance(e, Tracer) and not isinstance(e, Array) for e in bounds(x)):
            return _slot(x)
        return ObjectSlot(x)

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> Any:
        a, b = (_slot(s.object) if isinstance(s, ObjectSlot) and type(s.object) is slice else s
                for s in (a, b))
        if not (isinstance(a, SliceSlot) and isinstance(b, SliceSlot)):
            raise unstable(name, a, b, "changes its type")
        return SliceSlot(tuple(join(p, q, visible, name)
                               for p, q in zip(a.items, b.items, strict=True)))

    def make(self, slot: SliceSlot) -> tuple[list[Var], Any]:
        made = [make(item) for item in slot.items]
        return [v for vars, _ in made for v in vars], slice(*(x for _, x in made))

    def flatten(self, x: Any, slot: SliceSlot) -> list[Atom]:
        items = (UNBOUND,) * 3 if x is UNBOUND else bounds(x)
        return [a for e, item in zip(items, slot.items, strict=True) for a in flatten(e, item)]

    def describe(self, slot: SliceSlot) -> str:
        return f"slice({', '.join(map(describe, slot.items))})"


def _slot(x: slice) -> SliceSlot:
    return SliceSlot(tuple(map(slot_of, bounds(x))))


VALUES[slice] = KINDS[SliceSlot] = _Slices()

__all__ = ["bounds"]
