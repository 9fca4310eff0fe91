"""Loops that exchange arrays: `a, b = b, a` every iteration.

    for t in range(n):
        b[1:] = a[:-1]                for ... va vb True False { lambda t va vb fa fb.
        a, b = b, a            ->         let vb' = ... in (vb', va, fb, fa) }

The contents are carried under the names, and beside each the flags that tell which array of before
the loop it belongs to (fa: it is the first): stores reach the right array without a choice, and
lowering exchanges pointers. Whoever knows one of the arrays by another name finds it by the flags
(`Moved`), in the loop and after it. The contents go back into the arrays' own memory where somebody
needs them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.frontend.builder import Builder, current, lit
from hotloop.frontend.references import ChosenBase, Moved, chosen, leaves
from hotloop.frontend.tracers import Array, Base
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import BOOL


def exchanged(carried: Any, attempt: Any, moved: Sequence[Any]) -> list[Any]:
    """The slots that hold different whole arrays of before the loop, and at the end of the body the
    same arrays in another order. `moved`: held slots that don't end as they began."""
    order = [n for n in carried.swapped or moved if _whole(carried, carried.initial[n])]
    while True:
        mine = _bases(carried, attempt, order)
        kept = [n for n in order if _ends(attempt.end[n], mine)]
        if len(kept) == len(order):
            break
        order = kept
    firsts = [carried.initial[n].base for n in order]
    lasts = [attempt.end[n].base for n in order]
    if len(order) < 2 or len(set(firsts)) < len(order) or len(set(lasts)) < len(order):
        return []
    for base in lasts:                     # all arrays of an inner exchange, or none
        if base not in mine and not base.partners <= set(lasts):
            return []
    return order


def _whole(carried: Any, x: Any) -> bool:
    return (isinstance(x, Array) and not x.steps and not isinstance(x.base, ChosenBase)
            and not x.base.readonly and len(x.base.group) == 0
            and carried.parent.redirect(x.base) is None)


def _bases(carried: Any, attempt: Any, order: Sequence[Any]) -> set[Base]:
    """What holds the arrays of the slots in the body."""
    if carried.swapped:
        names = {(n, 0) for n in order}
        return {array.base for cell, (_, array) in attempt.cells.items() if cell.key in names}
    return {carried.initial[n].base for n in order}


def _ends(x: Any, mine: set[Base]) -> bool:
    if not isinstance(x, Array) or x.steps or isinstance(x.base, ChosenBase):
        return False
    if x.base in mine:
        return True
    origin = x.base.origin
    return origin is not None and {leaf.base for leaf in leaves(origin)} <= mine


Flags = list[list[Var]]
"""flags[k][j]: the content under name k is that of the array which name j was before the loop. For
the last j that goes without saying."""


def new_flags(carried: Any, builder: Builder) -> Flags:
    n = len(carried.swapped)
    return [[builder.bind(BOOL) for _ in range(n - 1)] for _ in range(n)]


def flags_at_start(carried: Any) -> list[Atom]:
    n = len(carried.swapped)
    return [lit(k == j) for k in range(n) for j in range(n - 1)]


def exchange(carried: Any, attempt: Any, outer: Builder) -> None:
    """At the head: the arrays of before the loop are found by the flags."""
    attempt.flags = new_flags(carried, outer)
    arrays = [_cell_of(carried, attempt, n) for n in carried.swapped]
    for j, n in enumerate(carried.swapped):
        outer.values[carried.initial[n].base] = Moved(_flagged(attempt.flags, j, arrays))


def _cell_of(carried: Any, attempt: Any, n: Any) -> Array:
    return attempt.cells[carried.start.labels[carried.initial[n].base]][1]


def _flagged(flags: Flags, j: int, arrays: Sequence[Array]) -> Array:
    """The one of the arrays that is array j of before the loop."""
    found = arrays[-1]
    for k in range(len(arrays) - 2, -1, -1):
        if j < len(arrays) - 1:
            base = ChosenBase(flags[k][j], arrays[k], found)
        else:                              # it is none of the others
            base = ChosenBase(flags[k][0], found, arrays[k])
            for other in flags[k][1:]:
                base = ChosenBase(other, found, Array(base, (), found.dims))
        found = Array(base, (), found.dims)
    return found


def next_flags(carried: Any, attempt: Any) -> list[Atom]:
    """The flags at the end of the body, where the names may have exchanged again."""
    places = {_cell_of(carried, attempt, n).base: own
              for n, own in zip(carried.swapped, attempt.flags, strict=True)}

    def flag(x: Array, j: int) -> Atom:
        if x.base in places:
            return places[x.base][j]
        assert x.base.origin is not None
        return chosen(x.base.origin, lambda leaf: flag(leaf, j))
    return [flag(attempt.end[n], j) for n in carried.swapped
            for j in range(len(carried.swapped) - 1)]


def give_back(carried: Any, flags: Flags, bases: dict[Any, Base]) -> None:
    """After the loop: the names' arrays are those of their flags, and the other way around."""
    firsts = [carried.initial[n] for n in carried.swapped]
    now = [bases[carried.start.labels[x.base]] for x in firsts]
    for own, base in zip(flags, now, strict=True):
        origin = firsts[-1]
        for j in range(len(firsts) - 2, -1, -1):
            origin = Array(ChosenBase(own[j], firsts[j], origin), (), origin.dims)
        base.origin = origin
        base.partners = frozenset(now)
    arrays = [Array(base, (), base.shape) for base in now]
    for j, x in enumerate(firsts):
        current().values[x.base] = Moved(_flagged(flags, j, arrays))
