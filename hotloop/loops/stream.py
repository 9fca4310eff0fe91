"""Which stores go past the caches (`Store.past`: a condition): those of more than caches hold.

    for i in 0..n lanes 4:                  past1 = n > 524288
      r0[i] <- 2.0 * a[i]          ->       for i in 0..n lanes 4:
                                              r0[i] <- 2.0 * a[i] past past1

A store to a line that is in no cache fetches it from memory first, and what is stored pushes out
what others need. Where whole vectors are stored one after the other, over more memory than caches
have, neither is of use; the copies of the C library do the same. The condition is about all that a
nest of loops stores to an array, which is read nowhere in it.

What was stored so is seen by its thread at once, and by others after a locked instruction, which is
how anything is handed on: the end of a part of a loop, the interpreter's lock.
"""

from __future__ import annotations

import functools
from pathlib import Path

from hotloop import config
from hotloop.loops.core import For, If, Kernel, Let, Statement, Store, While, parts, walk
from hotloop.loops.expr import Expr, e, lit, var
from hotloop.loops.independence import varying_names
from hotloop.loops.rewrite import Names, bound, loaded, written
from hotloop.loops.vectorize import reach
from hotloop.record import record

MOST = 4
"""Arrays that a loop may stream to: a core has some ten buffers for lines on their way."""

SHARE = 32 << 20
"""Bytes of the last cache for one CPU that are believed: a virtual machine is told the size of what
it shares with others (260 MB for two CPUs)."""

OTHERWISE = 16 << 20
"""The limit where the system does not tell the sizes of caches."""


@record
class _Place:
    """A loop, and where something can be put before it: a list, and the statement there."""
    loop: For
    body: list[Statement]
    before: Statement


def stream(kernel: Kernel) -> Kernel:
    if config.opt and config.stream >= 0:
        _Search(Names(kernel)).statements(kernel.body, ())
    return kernel


class _Search:
    def __init__(self, names: Names):
        self.names = names

    def statements(self, body: list[Statement], around: tuple[_Place, ...]) -> None:
        for s in list(body):
            if not isinstance(s, For):
                for inner in parts(s):
                    self.statements(inner, ())
                continue
            here = (*around, _Place(s, body, s))
            for first in s.first:                  # of the same iterations; nothing goes between
                if isinstance(first, For) and first.lanes:
                    self.lanes((*around, _Place(first, body, s)))
            if s.lanes:
                self.lanes(here)
            else:
                self.statements(s.body, here)

    def lanes(self, places: tuple[_Place, ...]) -> None:
        """Mark the stores of the innermost loop."""
        loop = places[-1].loop
        count = _trips(loop)
        if loop.once or count is None or loop.step is not lit(1) or any(
                isinstance(s, For | While | If) for s in loop.body):
            return
        stores = [s for s in loop.body if isinstance(s, Store) and s.combine is None]
        if not 0 < len({s.buffer for s in stores}) <= MOST:
            return
        varying = varying_names(loop)
        made: dict[tuple[Expr, Statement], Expr] = {}
        for s in stores:
            if reach(s.buffer, s.index, loop.var, varying) != "unit":
                continue
            place, elements = _sweep(s, places, count)
            inside = list(walk([place.loop]))
            if any(s.buffer in loaded(x) for x in inside) or (
                    sum(b is s.buffer for x in inside for b in written(x)) > 1):
                continue
            cond = e.gt(elements, limit() // s.buffer.dtype.itemsize)
            if cond.op == "lit":
                s.past = cond if cond.args[0] else None
                continue
            if (cond, place.before) not in made:
                name = self.names("past")
                at = next(k for k, x in enumerate(place.body) if x is place.before)
                place.body.insert(at, Let(name, cond))
                made[cond, place.before] = var(name, cond.dtype)
            s.past = made[cond, place.before]


def _sweep(store: Store, places: tuple[_Place, ...], count: Expr) -> tuple[_Place, Expr]:
    """From the last loop, of `count` iterations, outwards: the outermost one with which a store
    never comes back to a place (each moves an axis of its own), and how many elements are stored
    in all of it."""
    place = places[-1]
    axes = {_axis(store, place.loop)}
    known = {place.loop.var: count}
    for outer in reversed(places[:-1]):
        axis, trips = _axis(store, outer.loop), _trips(outer.loop)
        names = bound([outer.loop])
        if axis is None or axis in axes or trips is None or any(
                not names.isdisjoint(x.free) for x in (*known.values(), trips)):
            break
        axes.add(axis)
        known[outer.loop.var] = trips
        place, count = outer, e.mul(count, trips)
    return place, count


def _axis(store: Store, loop: For) -> int | None:
    """The one axis of a store that a loop moves."""
    found = [k for k, x in enumerate(store.index) if loop.var in x.free]
    return found[0] if len(found) == 1 else None


def _trips(loop: For) -> Expr | None:
    """Iterations, of a loop whose bounds load nothing."""
    if loop.lo.loads or loop.hi.loads or loop.step not in (lit(1), lit(-1)):
        return None
    return e.sub(loop.hi, loop.lo) if loop.step is lit(1) else e.sub(loop.lo, loop.hi)


# ---- the caches

def limit() -> int:
    """Bytes from which on stores go past the caches."""
    return config.stream or _limit()


@functools.cache
def _limit() -> int:
    """Twice the second cache, or three quarters of one CPU's share of the last.

    Measured with 2 MiB of second cache (out = 2 a, f64, the sum of out after it, one thread): 4 MB
    598 us, past the caches 522; 32 MB 5.9 and 4.4 ms; 240 MB 109 and 77; 1.6 MB 192 and 195, 160 kB
    7 and 19.
    """
    folder = Path("/sys/devices/system/cpu/cpu0/cache")
    sizes: dict[int, int] = {}
    try:
        for index in sorted(folder.glob("index*")):
            if (index / "type").read_text().strip() == "Instruction":
                continue
            size = int((index / "size").read_text().strip().removesuffix("K")) << 10
            sizes[int((index / "level").read_text())] = size // _cpus(
                (index / "shared_cpu_list").read_text())
    except (OSError, ValueError):
        return OTHERWISE
    if 2 not in sizes:
        return OTHERWISE
    last = sizes.get(3, 0)
    return max(2 * sizes[2], last * 3 // 4 if last <= SHARE else 0)


def _cpus(text: str) -> int:
    """
    >>> _cpus("0-3,8-11"), _cpus("5")
    (8, 1)
    """
    ranges = [part.split("-") for part in text.strip().split(",")]
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in ranges)
