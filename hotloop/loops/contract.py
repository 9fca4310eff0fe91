"""Contraction: values go from store to load without memory, temporaries shrink or vanish.

    alloc e[n, m]                                 alloc e[m]
    for i in 0..n:                                for i in 0..n:
      for j in 0..m carry s = 0.0:                  for j in 0..m carry s = 0.0:
        e[i, j] <- exp(a[i, j])          ->           t1 = exp(a[i, j])
        next s = s + e[i, j]                          e[j] <- t1
                                                      next s = s + t1
      for j in 0..m:                                for j in 0..m:
        r0[i, j] <- e[i, j] / s                       r0[i, j] <- e[j] / s

1. A load of exactly the index just stored, with nothing written between that may be the same
   element, is the stored value (given a name if it is not one).
2. What nobody uses any more goes (`loops.drop`).
3. A temporary all of whose accesses stand in one loop, with the same leading index, one to one with
   the loop's iterations, lives within an iteration: it loses that axis.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotloop.loops.core import (
    TEMP,
    Alloc,
    Buffer,
    Call,
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
from hotloop.loops.drop import drop
from hotloop.loops.expr import Expr, affine, e, load, transform, var
from hotloop.loops.rewrite import Names, bound, change, expressions, writes, written
from hotloop.record import field, record


class Known:
    """What loads (and names) are worth; `of[buffer]`: the loads in which it stands. There may be
    thousands, of which a store or loop is about those of a few buffers."""

    def __init__(self, values: dict[Expr, Expr], of: dict[Buffer, dict[Expr, None]]):
        self.values, self.of = values, of

    def copy(self) -> Known:
        return Known(dict(self.values), {b: dict(nodes) for b, nodes in self.of.items()})

    def add(self, node: Expr, value: Expr) -> None:
        self.values[node] = value
        for inner in node.loads:
            self.of.setdefault(inner.args[0], {})[node] = None

    def remove(self, nodes: Iterable[Expr]) -> None:
        for node in nodes:
            del self.values[node]
            for buffer in {inner.args[0] for inner in node.loads}:
                del self.of[buffer][node]

    def forget(self, buffers: Iterable[Buffer]) -> None:
        for buffer in buffers:
            self.remove(list(self.of.get(buffer, ())))


def contract(kernel: Kernel) -> Kernel:
    forward = _Forward(kernel)
    known = Known({}, {})
    forward.statements(kernel.body, known)
    kernel.results = [forward.value(r, known) if isinstance(r, Expr) else r
                      for r in kernel.results]
    drop(kernel)
    _shrink(kernel)
    return kernel


class _Forward:
    """One pass in the order of execution; `known` maps loads (and names) to their values."""

    def __init__(self, kernel: Kernel):
        self.names = Names(kernel)
        self.renamed: set[str] = set()      # names that are only another name or a constant
        self.wanted: set[Expr] = set()
        for statement in walk(kernel.body):
            for x in expressions(statement):
                self.wanted |= x.loads
        for result in kernel.results:
            if isinstance(result, Expr):
                self.wanted |= result.loads

    def value(self, x: Expr, known: Known) -> Expr:
        if known.values.keys().isdisjoint(x.loads) and self.renamed.isdisjoint(x.free):
            return x
        return transform(x, known.values.get)

    def statements(self, body: list[Statement], known: Known) -> None:
        """Forward in a list, leaving in `known` what holds at its end."""
        out: list[Statement] = []
        for statement in body:
            match statement:
                case Store():
                    self.store(statement, known, out)
                case For() | While():
                    self.loop(statement, known)
                case If():
                    statement.cond = self.value(statement.cond, known)
                    then, orelse = known.copy(), known.copy()
                    self.statements(statement.then, then)
                    self.statements(statement.orelse, orelse)
                    statement.outs = [(n, t, self.value(a, then), self.value(b, orelse))
                                      for n, t, a, b in statement.outs]
                    known.forget(writes([statement]))
                case _:
                    if known.values:
                        change(statement, lambda x: self.value(x, known))
                    known.forget(written(statement))
                    if isinstance(statement, Let) and statement.value.op in ("var", "lit"):
                        known.add(var(statement.name, statement.value.dtype), statement.value)
                        self.renamed.add(statement.name)
            out.append(statement)
        body[:] = out

    def store(self, statement: Store, known: Known, out: list[Statement]) -> None:
        buffer = statement.buffer
        change(statement, lambda x: self.value(x, known))
        here = load(buffer, statement.index)
        known.remove([n for n in known.of.get(buffer, ())
                      if any(_overlap(inner, here) for inner in n.loads)])
        if statement.combine is None and here in self.wanted:
            value = statement.value
            if value.op not in ("var", "lit"):
                name = self.names("t")
                out.append(Let(name, value))
                value = statement.value = var(name, value.dtype)
            known.add(here, value)

    def loop(self, loop: For | While, known: Known) -> None:
        for carry in loop.carries:
            carry.init = self.value(carry.init, known)
        if isinstance(loop, For):
            loop.lo, loop.hi, loop.step = (
                self.value(x, known) for x in (loop.lo, loop.hi, loop.step))
        known.forget(writes([loop]))
        inside = known.copy()
        if isinstance(loop, While):
            self.statements(loop.test, inside)
            loop.cond = self.value(loop.cond, inside)
        self.statements(loop.body, inside)
        for carry in loop.carries:
            carry.next = self.value(carry.next, inside)


def _overlap(a: Expr, b: Expr) -> bool:
    """May two loads be of one element? Not if the indices of some axis differ by a constant."""
    if a.args[0] is not b.args[0]:
        return False
    if len(a.args) != len(b.args):
        return True
    gaps = (e.sub(i, j) for i, j in zip(a.args[1:], b.args[1:], strict=True))
    return all(gap.op != "lit" or gap.args[0] == 0 for gap in gaps)


Path = tuple[Statement, ...]


@record(eq=False, frozen=False)
class _Uses:
    """The accesses of a temporary: their indices, and the statements around all of them."""
    allocated: Path | None = None
    around: Path | None = None
    indices: set[tuple[Expr, ...]] = field(default_factory=set)
    whole: bool = False             # used other than by element

    def at(self, index: tuple[Expr, ...], path: Path) -> None:
        self.indices.add(index)
        if self.around is None:
            self.around = path
        else:
            same = (k for k, (a, b) in enumerate(zip(self.around, path)) if a is not b)
            self.around = self.around[:next(same, min(len(self.around), len(path)))]


def _shrink(kernel: Kernel) -> None:
    uses: dict[Buffer, _Uses] = {}
    if all(s.buffer.kind != TEMP for s in walk(kernel.body) if isinstance(s, Alloc)):
        return
    _gather(kernel.body, (), uses)
    for result in kernel.results:
        if isinstance(result, Expr):
            _gather_loads(result, (), uses)
    dropped = {}
    for buffer, use in uses.items():
        axes = _private_axes(buffer, use)
        if axes:
            dropped[buffer] = axes
            buffer.shape = _without(buffer.shape, axes)
    if not dropped:
        return
    memo: dict[Expr, Expr] = {}

    def shrunk(node: Expr) -> Expr | None:
        if node.op == "load" and node.args[0] in dropped:
            index = _without(node.args[1:], dropped[node.args[0]])
            return load(node.args[0], tuple(transform(x, shrunk, memo) for x in index))
        return None

    for statement in walk(kernel.body):
        if isinstance(statement, Store) and statement.buffer in dropped:
            statement.index = _without(statement.index, dropped[statement.buffer])
        change(statement, lambda x: transform(x, shrunk, memo))


def _without(items: tuple[Expr, ...], axes: set[int]) -> tuple[Expr, ...]:
    return tuple(x for k, x in enumerate(items) if k not in axes)


def _gather(body: list[Statement], path: Path, uses: dict[Buffer, _Uses]) -> None:
    for statement in body:
        within = (*path, statement)
        for x in expressions(statement):       # those at the end of a body count as outside
            _gather_loads(x, path, uses)
        if isinstance(statement, Store):
            uses.setdefault(statement.buffer, _Uses()).at(statement.index, path)
        elif isinstance(statement, Alloc):
            use = uses.setdefault(statement.buffer, _Uses())
            use.whole = use.whole or use.allocated is not None
            use.allocated = path
        else:
            for buffer in written(statement):
                uses.setdefault(buffer, _Uses()).whole = True
            if isinstance(statement, Call):
                for operand in statement.ins:
                    if isinstance(operand, Buffer):
                        uses.setdefault(operand, _Uses()).whole = True
        for inner in parts(statement):
            _gather(inner, within, uses)


def _gather_loads(x: Expr, path: Path, uses: dict[Buffer, _Uses]) -> None:
    for node in x.loads:
        uses.setdefault(node.args[0], _Uses()).at(node.args[1:], path)


def _private_axes(buffer: Buffer, use: _Uses) -> set[int]:
    """Axes of a temporary whose index tells the iterations of a loop around all accesses apart."""
    axes: set[int] = set()
    if buffer.kind != TEMP or use.whole or use.allocated is None or use.around is None:
        return axes
    if use.around[:len(use.allocated)] != use.allocated:
        return axes
    for statement in use.around[len(use.allocated):]:
        if isinstance(statement, If):
            continue                    # entered once
        if not isinstance(statement, For):
            break
        inside = bound([statement])
        axis = next((k for k in range(len(buffer.shape)) if k not in axes and
                     _tells_apart({i[k] for i in use.indices}, statement.var, inside)), None)
        if axis is None:
            break
        axes.add(axis)
    return axes


def _tells_apart(indices: set[Expr], name: str, inside: set[str]) -> bool:
    """Is this one index, c + k*name + (terms the loop does not change)?"""
    if len(indices) != 1:
        return False
    index, = indices
    terms = affine(index)[1]
    loop = next((t for t in terms if t.op == "var" and t.args[0] == name), None)
    return loop is not None and all(
        t is loop or not (t.loads or t.free & inside) for t in terms)
