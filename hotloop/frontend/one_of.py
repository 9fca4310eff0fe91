"""Names that are one of several constants, depending on run-time values.

    mode = "up" if x > 0 else "down"     # its place in ("up", "down"): an i64
    if mode == "up": ...                 # eq place 0

For strings, None and members of enumerations. Everything done with such a value is done for each
constant (it is an `Either`, see `truth.exactly`); branches and loops carry its place.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, emit, lit, unsupported
from hotloop.frontend.objects import UNBOUND
from hotloop.frontend.slots import (
    KINDS,
    VALUES,
    Either,
    Kind,
    ObjectSlot,
    OneOfSlot,
    Unjoined,
    unstable,
)
from hotloop.frontend.tracers import PYTHON, Scalar
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import BOOL, I64


class OneOf(Either):
    """`objects[place - first]`, of two constants or more."""

    __slots__ = ("first", "objects", "place")

    def __init__(self, objects: tuple[Any, ...], place: Atom, first: int = 0):
        Unjoined.__init__(self, unsupported(
            f"one of {', '.join(map(repr, objects))} here", "compare it, or return it"))
        for name, x in (("objects", objects), ("place", place), ("first", first)):
            object.__setattr__(self, name, x)

    @property
    def flag(self) -> Scalar:
        return Scalar(self.is_at(0), PYTHON)

    @property
    def yes(self) -> Any:
        return self.objects[0]

    @property
    def no(self) -> Any:
        rest = self.objects[1:]
        return rest[0] if len(rest) == 1 else OneOf(rest, self.place, self.first + 1)

    def is_at(self, k: int) -> Atom:
        return emit("eq", [self.place, lit(self.first + k)], [(BOOL, self.place.shape)])[0]


class _Constants(Kind):
    def slot_of(self, x: OneOf) -> OneOfSlot:
        return OneOfSlot(x.objects)

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> Any:
        for slot in (a, b):
            if type(slot) in KINDS and KINDS[type(slot)].takes_constants:
                return KINDS[type(slot)].join(a, b, visible, name)
        first, second = _objects(a), _objects(b)
        if first is None or second is None:
            raise unstable(name, a, b, "changes its type")
        return OneOfSlot(tuple(dict.fromkeys(first + second)))

    def make(self, slot: OneOfSlot) -> tuple[list[Var], Any]:
        place = current().bind(I64)
        dm.bound(place, 0, len(slot.objects) - 1)
        return [place], OneOf(slot.objects, place)

    def flatten(self, x: Any, slot: OneOfSlot) -> list[Atom]:
        if x is UNBOUND:
            return [lit(0)]
        if not isinstance(x, OneOf):
            return [lit(slot.objects.index(x))]
        return [moved(x, slot)]

    def describe(self, slot: OneOfSlot) -> str:
        return f"one of {', '.join(map(repr, slot.objects))}"


def moved(x: OneOf, slot: OneOfSlot) -> Atom:
    """The places of x (one, or an array of them) among the constants of a slot, which has all."""
    if not x.first and slot.objects[:len(x.objects)] == x.objects:
        return x.place
    place: Atom = lit(slot.objects.index(x.objects[-1]))
    for k, one in enumerate(x.objects[:-1]):
        place, = emit("select", [x.is_at(k), lit(slot.objects.index(one)), place],
                      [(I64, x.place.shape)])
    return place


def _objects(slot: Any) -> tuple[Any, ...] | None:
    """The constants of a slot; None if it is of another kind."""
    if isinstance(slot, OneOfSlot):
        return slot.objects
    if isinstance(slot, ObjectSlot) and isinstance(slot.object, str | bytes | Enum | None):
        return (slot.object,)
    return None


KINDS[OneOfSlot] = VALUES[OneOf] = _Constants()
