"""Loops that the user says are independent check it as they run (HOTLOOP_CHECK_PRANGE).

    for i in 0..n independent:             for i in 0..n independent:
      w[k[i]] <- x[i]                ->      check stored[k[i]] in (0, i + 1), read[k[i]] in (...)
                                             stored[k[i]] <- i + 1
                                             w[k[i]] <- x[i]

For each array that the loop stores to there are two others of its shape: which iteration has stored
to an element, and which has read it (minus the first one if several have). A store of an iteration
to what another one stored or read is an error, and so is a read of what another one stored; in
whatever order iterations run, one of the two is met. The loop runs in one thread then. What only
the loop uses is an iteration's own: `loops.parallel` sees to that.
"""

from __future__ import annotations

import numpy as np

from hotloop import config
from hotloop.errors import DependenceError
from hotloop.loops.core import (
    TEMP,
    Alloc,
    Buffer,
    Check,
    ErrorSite,
    For,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.expr import I64, Expr, e, lit, load, var
from hotloop.loops.parallel import only_in
from hotloop.loops.rewrite import Names, at_entry, bound

Index = tuple[Expr, ...]

MESSAGE = ("iterations {} and {} of a prange loop use the same element of an array, and one of "
           "them stores to it")


def promises(kernel: Kernel) -> Kernel:
    if config.check_prange:
        kernel.body[:] = _checked(kernel.body, kernel, Names(kernel))
    return kernel


def _checked(body: list[Statement], kernel: Kernel, names: Names) -> list[Statement]:
    out: list[Statement] = []
    for s in body:
        for inner in parts(s):
            inner[:] = _checked(inner, kernel, names)
        if isinstance(s, For) and s.independent and s.step.op == "lit":
            out += _Marks(s, kernel, names).before
        out.append(s)
    return out


class _Marks:
    """The arrays that know who used what; `before`: what makes them, before the loop."""

    def __init__(self, loop: For, kernel: Kernel, names: Names):
        self.names, self.before = names, list[Statement]()
        inside, own = bound([loop]), {s.buffer for s in walk(loop.body) if isinstance(s, Alloc)}
        self.marks: dict[Buffer, tuple[Buffer, Buffer]] = {}
        for s in walk(loop.body):
            if not isinstance(s, Store) or s.buffer in own | self.marks.keys() or any(
                    not inside.isdisjoint(d.free) for d in s.buffer.shape):
                continue
            if not (s.buffer.kind == TEMP and only_in((loop,), s.buffer, kernel)):
                self.marks[s.buffer] = self.array(s.buffer), self.array(s.buffer)
        distance = e.sub(var(loop.var), loop.lo)
        self.me = e.add(distance if int(loop.step.args[0]) > 0 else e.neg(distance), lit(1))
        kernel.errors.append(ErrorSite(DependenceError, MESSAGE, loop.location))
        self.error = len(kernel.errors) - 1
        self.mark(loop.body, [c.next for c in loop.carries])

    def array(self, of: Buffer) -> Buffer:
        """An array of zeros."""
        buffer = Buffer(self.names("b"), np.dtype("i8"), of.shape, TEMP)
        counters = [self.names("i") for _ in of.shape]
        body: list[Statement] = [Store(buffer, tuple(map(var, counters)), lit(0))]
        for counter, extent in zip(reversed(counters), reversed(of.shape), strict=True):
            body = [For(counter, lit(0), extent, lit(1), body, regular=True)]
        self.before += [Alloc(buffer), *body]
        return buffer

    def mark(self, body: list[Statement], ends: list[Expr]) -> None:
        """Mark and check what the statements, and then the expressions `ends`, use."""
        out: list[Statement] = []
        for s in body:
            out += self.reads([s.cond] if isinstance(s, If) else list(at_entry(s)))
            if isinstance(s, Store) and s.buffer in self.marks:
                out += self.store(s.buffer, s.index)
            out.append(s)
            match s:
                case For():
                    self.mark(s.body, [c.next for c in s.carries])
                case While():
                    self.mark(s.test, [s.cond])
                    self.mark(s.body, [c.next for c in s.carries])
                case If():
                    self.mark(s.then, [given[2] for given in s.outs])
                    self.mark(s.orelse, [given[3] for given in s.outs])
        body[:] = out + self.reads(ends)

    def mine(self, out: list[Statement], mark: Buffer, index: Index) -> Expr:
        """Check that nobody else has a mark there."""
        name = self.names("t")
        out.append(Let(name, load(mark, index)))
        who = var(name, I64)
        nobody_else = e.or_(e.eq(who, lit(0)), e.eq(who, self.me))
        out.append(Check(nobody_else, self.error, (e.sub(e.abs(who), lit(1)),
                                                   e.sub(self.me, lit(1)))))
        return who

    def store(self, buffer: Buffer, index: Index) -> list[Statement]:
        stored, read = self.marks[buffer]
        out: list[Statement] = []
        self.mine(out, stored, index)
        self.mine(out, read, index)
        return [*out, Store(stored, index, self.me)]

    def reads(self, roots: list[Expr]) -> list[Statement]:
        out: list[Statement] = []
        for node in sorted({n for x in roots for n in x.loads}, key=lambda n: n.serial):
            if node.args[0] in self.marks:
                stored, read = self.marks[node.args[0]]
                index = node.args[1:]
                self.mine(out, stored, index)
                name = self.names("t")
                out.append(Let(name, load(read, index)))
                who = var(name, I64)
                several = e.select(e.gt(who, lit(0)), e.neg(who), who)
                only = e.or_(e.eq(who, lit(0)), e.eq(who, self.me))
                out.append(Store(read, index, e.select(only, self.me, several)))
        return out
