"""What of a loop's expressions is computed before it: invariant values, and parts of addresses.

    for j in 0..m: c[i, j] <- a[i] * b[j]      values: a[i]      rows: i * m of c
"""

from __future__ import annotations

from hotloop.llvm.memory import swapped
from hotloop.llvm.values import Values, first_of
from hotloop.loops.core import (
    Alloc,
    Buffer,
    Call,
    Check,
    For,
    Free,
    If,
    Let,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import Expr, affine, from_affine, operands
from hotloop.loops.rewrite import bound, writes
from hotloop.record import record


@record
class Invariants:
    """`values`: the largest parts of a loop's expressions that do not change in it. Loads only
    where the first iteration (of a `while`: the first test) is sure to make them, before any check
    or inner loop, and nothing in the loop writes the buffer. `rows`: such parts of addresses."""
    values: list[Expr]
    rows: list[tuple[Buffer, Expr]]


def invariants(values: Values, loop: For | While) -> Invariants:
    search = _Invariants(values, loop)
    safe = True
    if isinstance(loop, While):
        safe = search.statements(loop.test, safe)
        search.expression(loop.cond, safe)
        safe = False
    safe = search.statements(loop.body, safe)
    for carry in loop.carries:
        search.expression(carry.next, safe)
    return Invariants(search.found, list(search.rows))


class _Invariants:
    def __init__(self, values: Values, loop: For | While) -> None:
        self.values = values
        names = bound([loop])
        self.names = {*names, *(first_of(name).args[0] for name in names)}
        self.written = writes([loop])
        self.seen: set[Expr] = set()
        self.moved = swapped([loop]) if values.moving else set()
        self.found: list[Expr] = []
        self.rows: dict[tuple[Buffer, Expr], None] = {}

    def access(self, buffer: Buffer, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """What the address of an element needs, but for the part that does not change."""
        if buffer not in self.values.pointers:
            return ()
        access = self.values.access(buffer, index)
        if buffer in self.moved:
            return access.needs(access.base)
        part: dict[Expr, int] = {}
        rest: dict[Expr, int] = {}
        for term, k in affine(access.base)[1].items():
            fixed = not term.loads and self.names.isdisjoint(term.free)
            (part if fixed else rest)[term] = k
        if part:
            self.rows[buffer, from_affine(0, part)] = None
        return access.needs(from_affine(0, rest))

    def statements(self, statements: list[Statement], safe: bool) -> bool:
        """`safe`: the first of them is sure to be reached. Is what follows them?"""
        for s in statements:
            match s:
                case Let():
                    self.expression(s.value, safe)
                case Store():
                    self.expression(s.value, safe)
                    for x in self.access(s.buffer, s.index):
                        self.expression(x, safe)
                case Check():
                    self.expression(s.cond, safe)
                    safe = False
                case For() if s.parallel is not None:      # the rest is a function of its own
                    for x in (s.lo, s.hi, s.parallel, *(c.init for c in s.carries)):
                        self.expression(x, safe)
                    safe = False
                case For():
                    for x in (s.lo, s.hi, *(c.init for c in s.carries)):
                        self.expression(x, safe)
                    self.statements(s.body, False)
                    for c in s.carries:
                        self.expression(c.next, False)
                    safe = safe and not _may_leave(s.body)
                case While():
                    for c in s.carries:
                        self.expression(c.init, safe)
                    self.statements(s.test, False)
                    self.expression(s.cond, False)
                    self.statements(s.body, False)
                    for c in s.carries:
                        self.expression(c.next, False)
                    safe = False
                case If():
                    self.expression(s.cond, safe)
                    self.statements(s.then, False)
                    self.statements(s.orelse, False)
                    for out in s.outs:
                        self.expression(out[2], False)
                        self.expression(out[3], False)
                    safe = safe and not _may_leave([*s.then, *s.orelse])
                case Free():
                    pass
                case Alloc() if s.over is not None:
                    pass
                case _:
                    safe = False
        return safe

    def expression(self, root: Expr, safe: bool) -> None:
        seen, names = self.seen, self.names
        stack = [root]
        while stack:
            node = stack.pop()
            if node.op == "lit" or node.op == "var" or node in seen:
                continue
            if names.isdisjoint(node.free) and (not node.loads or safe and self._kept(node)):
                seen.add(node)
                self.found.append(node)
                continue
            if safe or not node.loads:
                seen.add(node)
            if node.op == "load":
                stack += self.access(node.args[0], node.args[1:])
            else:
                stack += operands(node)

    def _kept(self, node: Expr) -> bool:
        """Do the elements that the node loads stay as they are?"""
        return all(x.args[0] not in self.written and x.args[0] in self.values.pointers
                   for x in node.loads)


def _may_leave(statements: list[Statement]) -> bool:
    return any(isinstance(s, (Check, Call, While)) or isinstance(s, Alloc) and s.over is None
               for s in walk(statements))
