"""Lists that a loop or branch carries by value: who else may hold them.

    for ...:                     cur and prev are other lists in each iteration: they are carried
        cur[j] = prev[j] + 1     by value. The list that cur was before the loop changes, so whoever
        prev, cur = cur, prev    holds it under another name must not use it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from hotloop.frontend.builder import Builder, unsupported
from hotloop.frontend.list_values import List, linked, mark
from hotloop.frontend.objects import Place
from hotloop.frontend.slots import VALUES, Maybe, shown_name
from hotloop.frontend.structure import items_of


def lists_in(x: Any) -> list[List]:
    """The lists of run-time length in a value that is carried or joined."""
    if isinstance(x, Maybe):
        return lists_in(x.content)
    if isinstance(x, List):
        return [x.original]
    if type(x) in VALUES:
        return [a for e in VALUES[type(x)].parts(x) for a in lists_in(e)]
    return [a for e in items_of(x) for a in lists_in(e)]


def join_lists(given: Any, made: Any, elsewhere: Set[tuple[int, str]] = frozenset()
               ) -> None:
    """`made` stands for `given` after a branch or loop: they may be one list. `elsewhere`: marks
    of lists (by id) that they have on the other path only."""
    for x, y in zip(lists_in(given), lists_in(made), strict=False):
        if x is not y:
            for name in ("moved", "stale"):
                if getattr(x, name) and (id(x), name) not in elsewhere:
                    mark(y, name)
            linked(x, y)


def check_carried(n: Any, initial: Mapping[Any, Any], ends: Mapping[Any, Any],
                  params: Mapping[Any, list[List]], places: Iterable[Any],
                  parent: Builder) -> None:
    """Lists that slot `n` of a loop carries by value: if the body changes them, nobody else may
    hold the one of before, and the one of the next iteration must be nobody else's."""
    starts, finals = lists_in(initial[n]), lists_in(ends[n])
    what = (f"{shown_name(n)} is rebound in a loop in which its list, which another name may hold, "
            "is changed")
    remedy = "copy the list: list(x)"
    if any(x.stale for x in starts):
        raise unsupported(what, remedy)
    if any(x.changed for x in params.get(n, ())):
        others = [x for k in params if k != n for x in (*lists_in(initial[k]), *lists_in(ends[k]))]
        own = [*starts, *finals]
        if any(x.home.encloses(parent) for x in finals) or any(
                x is y for x in own for y in others if not _exchanged(x, params)) or any(
                x.moved for x in own):
            raise unsupported(what, remedy)
        for x in starts:
            mark(x, "stale")
    changed = [p.owner for p in places if isinstance(p, Place) and isinstance(p.owner, List)]
    if any(x is y for x in (*starts, *finals) for y in changed):
        raise unsupported(what, remedy)


def _exchanged(x: List, params: Mapping[Any, list[List]]) -> bool:
    """Is it a list of the iteration before, which slots pass on to one another?"""
    return any(x is y for lists in params.values() for y in lists)
