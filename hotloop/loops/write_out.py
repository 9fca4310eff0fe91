"""Loops over few elements, their number known, are written out where memory turns into values.

    for i in 0..n:                             for i in 0..n:
      b[i, 0] <- a[i] * c                        b[i, 0] <- a[i] * c
      b[i, 1] <- a[i] * s             ->         b[i, 1] <- a[i] * s
      for j in 0..2:                             r0[i, 0] <- b[i, 0] + 1.0
        r0[i, j] <- b[i, j] + 1.0                r0[i, 1] <- b[i, 1] + 1.0

Columns that are stacked, vectors of three coordinates: `contract` then hands the values on, and the
temporary goes. So a loop is written out if it reads, by its variable, a temporary of which elements
are stored by constant indices, or stores one of which they are read; if the temporary is small as
a whole (`np.zeros(3)`); or if all it does is to add up a few numbers inside another loop. Others
stay: loops over all of an array in C order become longer vectors (`collapse`).

A loop all of whose inner loops are such, and which has small temporaries of its own (a vector of
each point, its Jacobian), is written out as a whole, also where that makes it long: then nothing of
an iteration is in memory, so that iterations can be lanes.
"""

from __future__ import annotations

from collections import Counter

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Check,
    For,
    Kernel,
    Let,
    Statement,
    Store,
    parts,
    walk,
)
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.rewrite import Names, copied, expressions, substitute

MOST_TRIPS = 4
SMALL = 16
"""Elements of an array that may be in registers as a whole."""
MOST_STORES = 32
MOST_COST = 200.0
"""Statements, and adds, of all copies together."""
WHOLE_TRIPS, WHOLE_STATEMENTS = 8, 800
"""... of loops that are written out as a whole."""


def write_out(kernel: Kernel) -> Kernel:
    if any(isinstance(s, For) and few_trips(s, WHOLE_TRIPS) for s in walk(kernel.body)):
        _WriteOut(kernel).statements(kernel.body, False)
    return kernel


def few_trips(loop: For, most: int = MOST_TRIPS) -> range | None:
    """The iterations, if they are few and known."""
    ends = loop.lo, loop.hi, loop.step
    if any(x.op != "lit" for x in ends) or loop.until is not None or loop.swaps or loop.stop or (
            loop.lanes or loop.parallel is not None or loop.first):
        return None
    lo, hi, step = (int(x.args[0]) for x in ends)
    trips = range(lo, hi, step)
    return trips if 1 <= len(trips) <= most else None


class _WriteOut:
    def __init__(self, kernel: Kernel):
        self.names = Names(kernel)
        counts = _counted(kernel.body)
        for s in walk(kernel.body):
            if isinstance(s, Call):
                for buffer in (*s.ins, *s.outs):
                    counts.pop(buffer, None)        # type: ignore[arg-type]
        self.small = {buffer: count for buffer, count in counts.items()
                      if buffer.kind == TEMP and _elements(buffer) <= SMALL}
        """Arrays that may be in registers as a whole: how often they are accessed."""
        self.by_constant: set[tuple[Buffer, int]] = set()       # axes
        for statement in walk(kernel.body):
            for buffer, index in _accesses(statement):
                if buffer.kind == TEMP:
                    self.by_constant.update(
                        (buffer, k) for k, x in enumerate(index) if x.op == "lit")

    def statements(self, body: list[Statement], inside: bool) -> None:
        out: list[Statement] = []
        for statement in body:
            if isinstance(statement, For) and self.pays_as_whole(statement):
                self.write_all(statement.body)
            for inner in parts(statement):
                self.statements(inner, inside or isinstance(statement, For))
            trips = few_trips(statement) if isinstance(statement, For) else None
            if isinstance(statement, For) and trips and self.pays(statement, trips, inside):
                out += copies(statement, trips, self.names)
            else:
                out.append(statement)
        body[:] = out

    def pays_as_whole(self, loop: For) -> bool:
        """Has a long loop small arrays of its own, and only short loops inside?"""
        if few_trips(loop, WHOLE_TRIPS) or loop.until is not None or loop.swaps or any(
                c.reduce is None for c in loop.carries):
            return False
        if _written_out(loop.body) > WHOLE_STATEMENTS:
            return False
        inner = _counted([s for s in loop.body if isinstance(s, For)])
        return any(buffer in self.small and here == self.small[buffer]
                   for buffer, here in _counted(loop.body).items() if buffer in inner)

    def write_all(self, body: list[Statement]) -> None:
        out: list[Statement] = []
        for statement in body:
            if isinstance(statement, For):
                self.write_all(statement.body)
                trips = few_trips(statement, WHOLE_TRIPS)
                assert trips is not None
                out += copies(statement, trips, self.names)
            else:
                out.append(statement)
        body[:] = out

    def pays(self, loop: For, trips: range, inside: bool) -> bool:
        stores, cost, helps = 0, 0.0, False
        for s in loop.body:
            if not isinstance(s, Let | Store):
                return False
            stores += 1
            cost += sum(x.cost for x in expressions(s))
        cost += sum(c.next.cost for c in loop.carries)
        if stores * len(trips) > MOST_STORES or cost * len(trips) > MOST_COST:
            return False
        for s in (*loop.body, loop):
            helps = helps or any(self.in_registers(buffer, index, loop.var, inside)
                                 for buffer, index in _accesses(s))
        return helps or (inside and bool(loop.carries) and not any(
            isinstance(s, Store) for s in loop.body))

    def in_registers(self, buffer: Buffer, index: tuple[Expr, ...], name: str, inside: bool
                     ) -> bool:
        """Will the element be a value if the loop over `name` is written out?"""
        if not any(name in x.free for x in index):
            return False
        if buffer.kind == TEMP and any(
                (buffer, k) in self.by_constant and x.op == "var" and x.args[0] == name
                for k, x in enumerate(index)):
            return True
        return _elements(buffer) <= SMALL and (
            buffer.kind == TEMP or (inside and buffer.kind == RESULT))


def copies(loop: For, trips: range, names: Names) -> list[Statement]:
    """The iterations of a loop, one after the other, for constants in the place of its variable."""
    out: list[Statement] = []
    carries = [(var(c.name, c.dtype), c.dtype) for c in loop.carries]
    nexts: list[Statement] = [Let(names("t"), c.next) for c in loop.carries]
    now = {name: c.init for (name, _), c in zip(carries, loop.carries, strict=True)}
    for i in trips:
        body, _ = copied([*loop.body, *nexts], names)
        substitute(body, {var(loop.var): lit(i), **now})
        last = body[len(loop.body):]
        now = {name: var(s.name, dtype)                     # type: ignore[union-attr]
               for (name, dtype), s in zip(carries, last, strict=True)}
        out += body
    return out + [Let(c.name, value)
                  for c, value in zip(loop.carries, now.values(), strict=True)]


def _elements(buffer: Buffer) -> int:
    """How many, or more than SMALL if that is not known."""
    size = 1
    for x in buffer.shape:
        size *= int(x.args[0]) if x.op == "lit" else SMALL + 1
    return size


def _written_out(body: list[Statement]) -> int:
    """Statements of a body whose loops are written out; too many if one can't be."""
    total = 0
    for s in body:
        if isinstance(s, For):
            trips = few_trips(s, WHOLE_TRIPS)
            if trips is None:
                return WHOLE_STATEMENTS + 1
            total += len(trips) * _written_out(s.body)
        elif not isinstance(s, Let | Store | Check | Alloc):
            return WHOLE_STATEMENTS + 1
        else:
            total += 1
    return total


def _counted(body: list[Statement]) -> Counter[Buffer]:
    """How often the statements of a list access each buffer."""
    return Counter(buffer for s in walk(body) for buffer, _ in _accesses(s))


def _accesses(statement: Statement) -> list[tuple[Buffer, tuple[Expr, ...]]]:
    """(buffer, index) of what a statement itself loads and stores."""
    found = [(node.args[0], node.args[1:]) for x in expressions(statement) for node in x.loads]
    if isinstance(statement, Store):
        found.append((statement.buffer, statement.index))
    return found
