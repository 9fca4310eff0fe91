"""Register promotion: a place that a loop reads and writes again and again becomes a carry.

    for k in 0..n:                              t1 = c[i, j]
      c[i, j] <- c[i, j] + a[i, k]      ->      for k in 0..n carry c1 = t1:
                                                  next c1 = c1 + a[i, k]
                                                c[i, j] <- c1

This is what makes lanes over an outer loop and accumulators in registers possible (triple matrix
product, n = 200: 5.8 ms without, 0.72 with, and j as lanes). All other accesses to the buffer in
the loop must provably be elsewhere. A loop without iterations touches nothing, so unless the place
is inside the array for sure, load and store are done only if the loop runs.
"""

from __future__ import annotations

from hotloop.loops.core import (
    ARG_WRITTEN,
    Call,
    Carry,
    Check,
    For,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    parts,
    walk,
)
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import Expr, lit, load, transform, var
from hotloop.loops.rewrite import Names, expressions, runs, substitute, written


def promote(kernel: Kernel) -> Kernel:
    names = Names(kernel)
    _statements(kernel.body, (), names)
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], names: Names) -> None:
    out: list[Statement] = []
    for statement in body:
        within = (*around, statement) if isinstance(statement, For) else around
        for inner in parts(statement):
            _statements(inner, within, names)
        if isinstance(statement, For) and any(isinstance(s, Store) for s in statement.body):
            before, after = _promoted(statement, around, names)
            out += [*before, statement, *after]
        else:
            out.append(statement)
    body[:] = out


def _promoted(loop: For, around: tuple[For, ...], names: Names
              ) -> tuple[list[Statement], list[Statement]]:
    """What comes before and after the loop for the places that became carries."""
    before: list[Statement] = []
    after: list[Statement] = []
    inside = list(walk(loop.body))
    loads = {node for s in (*inside, loop) for x in expressions(s) for node in x.loads}
    iterations: Iterations | None = None
    for store in [s for s in loop.body if isinstance(s, Store)]:
        here = load(store.buffer, store.index)
        if here not in loads or store.combine is not None or any(x.loads for x in store.index):
            continue
        iterations = iterations or Iterations(loop, around)
        if any(not iterations.inside.isdisjoint(x.free) for x in store.index):
            continue
        if not _alone(store, here, loads, inside, iterations):
            continue
        safe = iterations.within(store.index, store.buffer.shape)
        stops = any(isinstance(s, Check | Call) for s in inside)
        if stops and (not safe or store.buffer.kind == ARG_WRITTEN):
            continue
        _replace(loop, store, here, safe, names, before, after)
    return before, after


def _alone(store: Store, here: Expr, loads: set[Expr], inside: list[Statement],
           iterations: Iterations) -> bool:
    """Does nothing else in the loop touch the place?"""
    buffer, index = store.buffer, store.index
    for s in inside:
        if s is store or buffer not in written(s):
            continue
        if not isinstance(s, Store) or not iterations.different(index, s.index):
            return False
    if any(buffer in pair for pair in iterations.loop.swaps):
        return False
    if any(isinstance(s, Call) and buffer in s.ins for s in inside):
        return False
    return all(node is here or node.args[0] is not buffer or
               iterations.different(index, node.args[1:]) for node in loads)


def _replace(loop: For, store: Store, here: Expr, safe: bool, names: Names,
             before: list[Statement], after: list[Statement]) -> None:
    name, dtype = names("c"), store.buffer.dtype
    carried = var(name, dtype)
    at = loop.body.index(store)
    substitute([*loop.body[:at], store], {here: carried})
    new = store.value
    if new.op in ("var", "lit"):
        loop.body.pop(at)
    else:
        new = var(names("t"), dtype)
        loop.body[at] = Let(new.args[0], store.value)
    substitute(loop.body[at:], {here: new})
    for carry in loop.carries:
        carry.next = transform(carry.next, {here: new}.get)
    init, put = var(names("t"), dtype), Store(store.buffer, store.index, carried)
    if safe:
        before.append(Let(init.args[0], here))
        after.append(put)
    else:
        entered = runs(loop)
        before.append(If(entered, [], [], [(init.args[0], dtype, here, lit(0, dtype))]))
        after.append(If(entered, [put], []))
    loop.carries.append(Carry(name, dtype, init, new))
