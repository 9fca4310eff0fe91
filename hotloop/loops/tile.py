"""Vector loops in tiles: several rows at once, and blocks that are transposed in registers.

    for j in 0..l lanes 2:                   for j in 0..l lanes 2:
      for i in 0..n:                           for i in 0..n - n % 4 step 4:
        for k in 0..m carry s = 0.0:     ->      for k in 0..m carry s = 0.0, s1 = 0.0, ...:
          s + a[i, k] * b[k, j]                    s + a[i, k] * b[k, j], s1 + a[i + 1, k] * b[k, j]
        c[i, j] <- s                             c[i, j] <- s; c[i + 1, j] <- s1; ...
                                               for i in n - n % 4..n: as before

Rows whose iterations are independent run together (unroll and jam) where they share what the lanes
load, here b[k, j]: one load serves four rows, and their sums wait for each other no longer. Each
sum keeps its order.

    for i in 0..n lanes 2:                   for i in 0..n lanes 2:
      for j in 0..m:                   ->      for j in 0..m - m % 8 step 8:
        c[j, i] <- a[i, j]                       c[j, i] <- a[i, j]; c[j + 1, i] <- a[i, j + 1]; ...

A loop inside the lanes along whose iterations elements are consecutive, while those of the lanes
are not, is unrolled by the number of elements that `llvm.transpose` takes at once.
"""

from __future__ import annotations

from hotloop import config
from hotloop.loops import cost
from hotloop.loops.core import Carry, For, If, Kernel, Let, Statement, Store, parts, walk
from hotloop.loops.expr import Expr, e, lit, substitute, var
from hotloop.loops.independence import blocked, varying_names
from hotloop.loops.rewrite import Names, copied, expressions
from hotloop.loops.rewrite import substitute as substitute_in
from hotloop.loops.vectorize import columns
from hotloop.record import replace

ROWS = 4
"""Rows at once: with two registers a value, 8 sums are enough to hide what an addition takes, and
few enough for 16 registers."""

LARGE = 40
"""Operations of a row beyond which the registers do not suffice for several."""


def tile(kernel: Kernel) -> Kernel:
    if config.opt:
        _Tiles(kernel).statements(kernel.body, ())
    return kernel


class _Tiles:
    def __init__(self, kernel: Kernel):
        self.names, self.sizes = Names(kernel), kernel.sizes

    def statements(self, body: list[Statement], around: tuple[For, ...]) -> None:
        new: list[Statement] = []
        for s in body:
            made: list[Statement] | None = None
            if isinstance(s, For) and s.lanes:
                self.lanes(s, around)
            elif isinstance(s, For):
                self.statements(s.body, (*around, s))
                if len(s.body) == 1 and isinstance(s.body[0], For) and s.body[0].lanes:
                    made = self.rows(s, s.body[0], around)
            else:
                for inner in parts(s):
                    self.statements(inner, around)
            new += made or [s]
        body[:] = new

    def lanes(self, loop: For, around: tuple[For, ...]) -> None:
        """Tile what is inside a loop of lanes."""
        if loop.stop is not None or loop.lanes == 1 or not any(
                isinstance(s, For) for s in loop.body):
            return
        varying = varying_names(loop)
        loop.body = self.unrolled(loop.body, loop, varying)
        new: list[Statement] = []
        for s in loop.body:
            new += (isinstance(s, For) and self.rows(s, loop, (*around, loop))) or [s]
        loop.body = new

    # ---- blocks to transpose

    def unrolled(self, body: list[Statement], lanes: For, varying: frozenset[str]
                 ) -> list[Statement]:
        new: list[Statement] = []
        for s in body:
            if isinstance(s, For) and any(isinstance(x, For) for x in s.body):
                s.body = self.unrolled(s.body, lanes, varying)
            elif isinstance(s, For) and self.has_columns(s, lanes, varying):
                lanes.lanes = 2
                new += self.unroll(s)
                continue
            new.append(s)
        return new

    def has_columns(self, loop: For, lanes: For, varying: frozenset[str]) -> bool:
        if not _simple(loop) or not all(isinstance(s, Let | Store) for s in loop.body):
            return False
        if _size(loop) > LARGE or cost.trips(loop.lo, loop.hi, loop.step, self.sizes) < cost.BLOCK:
            return False
        stored = {s.buffer for s in loop.body if isinstance(s, Store)}
        loads = {x for s in (*loop.body, loop) for root in expressions(s) for x in root.loads}
        return any(x.args[0] not in stored
                   and columns(x.args[0], x.args[1:], lanes.var, loop.var, varying)
                   for x in loads) or any(
            isinstance(s, Store) and all(x.args[0] is not s.buffer for x in loads)
            and columns(s.buffer, s.index, lanes.var, loop.var, varying) for s in loop.body)

    def unroll(self, loop: For) -> list[Statement]:
        """cost.BLOCK iterations in one, then the rest."""
        main, rest = whole_blocks(loop, cost.BLOCK, self.names)
        values: dict[Expr, Expr] = {}
        copies: list[Statement] = []
        for k in range(cost.BLOCK):
            (one,), _ = copied([loop], self.names)
            assert isinstance(one, For)
            known = {var(c.name, c.dtype): values.get(var(own.name, own.dtype), var(
                own.name, own.dtype)) for c, own in zip(one.carries, main.carries, strict=True)}
            known[var(one.var)] = e.add(var(main.var), lit(k))
            substitute_in(one.body, known)
            values = {var(own.name, own.dtype): substitute(c.next, known)
                      for c, own in zip(one.carries, main.carries, strict=True)}
            copies += one.body
        for c in main.carries:
            c.next, c.reduce = values[var(c.name, c.dtype)], None
        main.body = _together(copies)
        return _running(main, rest)

    # ---- rows together

    def rows(self, loop: For, lanes: For, around: tuple[For, ...]) -> list[Statement] | None:
        """A loop right around, or inside, one of lanes as ROWS rows at once and the rest."""
        if not _simple(loop) or loop.carries or lanes.lanes == 1 or lanes.stop is not None:
            return None
        if cost.trips(loop.lo, loop.hi, loop.step, self.sizes) < ROWS or not _shares(loop, lanes):
            return None
        if blocked(loop, around) is not None:
            return None
        lanes.lanes = 2
        main, rest = whole_blocks(loop, ROWS, self.names)
        copies = [main.body]
        for k in range(1, ROWS):
            copy, _ = copied(main.body, self.names)
            substitute_in(copy, {var(main.var): e.add(var(main.var), lit(k))})
            copies.append(copy)
        main.body = _jammed(copies)
        return _running(main, rest)


def whole_blocks(loop: For, block: int, names: Names) -> tuple[For, For]:
    """The loop's whole blocks, and what is left of it (see `cost.left_over`)."""
    (main,), _ = copied([loop], names)
    assert isinstance(main, For)
    left = e.and_(e.sub(loop.hi, loop.lo), lit(block - 1))
    end = e.maximum(loop.lo, e.sub(loop.hi, left))
    main.hi, main.step, loop.lo = end, lit(block), end
    for carry, own in zip(loop.carries, main.carries, strict=True):
        carry.init = var(own.name, own.dtype)
    return main, loop


def _running(*loops: For) -> list[Statement]:
    """Those that are not known to have no iteration, or that bind a carry."""
    return [loop for loop in loops if loop.lo is not loop.hi or loop.carries]


def _simple(loop: For) -> bool:
    return (loop.step is lit(1) and loop.until is None and not loop.swaps and not loop.lanes
            and loop.stop is None and not loop.once)


def _size(loop: For) -> int:
    roots = [x for s in walk(loop.body) for x in expressions(s)]
    return len(cost.nodes([*roots, *(c.next for c in loop.carries)], set()))


def _together(copies: list[Statement]) -> list[Statement]:
    """Stores to one buffer one after the other, if nothing is loaded from what is stored to."""
    stored = [s.buffer for s in copies if isinstance(s, Store)]
    if any(x.args[0] in stored for s in copies for root in expressions(s) for x in root.loads):
        return copies
    return [*(s for s in copies if not isinstance(s, Store)),
            *(s for b in dict.fromkeys(stored) for s in copies
              if isinstance(s, Store) and s.buffer is b)]


def _shares(loop: For, lanes: For) -> bool:
    """Is there a load of lanes in a loop inside that is the same for all rows? Are the rows so
    small that several fit the registers?"""
    body = [s for s in walk(loop.body) if isinstance(s, For) and s is not lanes]
    if not body or not all(isinstance(s, For | Let | Store | If) for s in walk(loop.body)):
        return False
    if any(isinstance(s, If) for inner in body for s in walk(inner.body)):
        return False
    own, varying = varying_names(loop), varying_names(lanes) | {lanes.var}
    shared = False
    for inner in body:
        if any(isinstance(s, For) for s in inner.body):
            continue
        block = cost.BLOCK if inner.step is lit(cost.BLOCK) else 1
        if _size(inner) > LARGE * block or len(inner.carries) > 2:
            return False
        roots = [x for s in (*inner.body, inner) for x in expressions(s)]
        shared = shared or bool(inner.carries) and any(
            own.isdisjoint(x.free) and not varying.isdisjoint(x.free)
            for root in roots for x in root.loads)
    return shared


def _jammed(copies: list[list[Statement]]) -> list[Statement]:
    """Statement lists that differ in names only, as one in which their loops are common."""
    body: list[Statement] = []
    for same in zip(*copies, strict=True):
        first = same[0]
        if isinstance(first, For):
            carries: list[Carry] = []
            for other in same[1:]:
                assert isinstance(other, For)
                counter = {var(other.var): var(first.var)}
                substitute_in(other.body, counter)
                for c in other.carries:
                    carries.append(replace(c, next=substitute(c.next, counter)))
            first.carries += carries
            first.body = _jammed([s.body for s in same if isinstance(s, For)])
            body.append(first)
        else:
            body += same
    return body
