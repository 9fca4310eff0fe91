"""Recurrences: what a loop stored an iteration ago is carried, not loaded again.

    for i in 1..n:                             t1 = y[0]
      y[i] <- a * y[i - 1] + x[i]     ->       for i in 1..n carry c1 = t1:
                                                 t2 = a * c1 + x[i]
                                                 y[i] <- t2
                                                 next c1 = t2

The processor would wait for the store before the load, 4 to 5 cycles in each iteration (y[i] =
0.9 * y[i-1] + x[i], 20000 f64: 83 us, carried 44). Up to DISTANCE iterations back; the store must
be the loop's only one to the array, made in each iteration, each to a place of its own.
"""

from __future__ import annotations

from hotloop.loops.core import Carry, For, If, Kernel, Let, Statement, Store, parts, walk
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import Expr, e, lit, load, transform, var
from hotloop.loops.rewrite import Names, expressions, runs, substitute, written

DISTANCE = 3


def recur(kernel: Kernel) -> Kernel:
    _statements(kernel.body, (), Names(kernel))
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], names: Names) -> None:
    out: list[Statement] = []
    for statement in body:
        within = (*around, statement) if isinstance(statement, For) else around
        for inner in parts(statement):
            _statements(inner, within, names)
        if isinstance(statement, For) and not statement.regular and statement.step.op == "lit":
            for store in [s for s in statement.body if isinstance(s, Store)]:
                out += _carried(statement, store, around, names)
        out.append(statement)
    body[:] = out


def _carried(loop: For, store: Store, around: tuple[For, ...], names: Names) -> list[Statement]:
    """Carry what `store` stores; what comes before the loop."""
    buffer, own = store.buffer, var(loop.var)
    if store.combine is not None or not any(loop.var in x.free for x in store.index):
        return []
    back = []
    for distance in range(1, DISTANCE + 1):
        before = {own: e.sub(own, e.mul(loop.step, lit(distance)))}
        back.append(load(buffer, tuple(transform(x, before.get) for x in store.index)))
    if back[0] not in _first_loads(loop):
        return []
    inside = list(walk(loop.body))
    if any(buffer in written(s) for s in (loop, *inside) if s is not store):
        return []
    if not Iterations(loop, around).apart(store.index, store.index):
        return []
    first = _first_loads(loop)
    while back[-1] not in first:
        back.pop()
    if not all(x in first for x in back):
        back = back[:1]
    if store.value.op not in ("var", "lit"):
        name = names("t")
        loop.body.insert(loop.body.index(store), Let(name, store.value))
        store.value = var(name, buffer.dtype)
    start, found = {own: loop.lo}, list[Statement]()
    enters, following = runs(loop), store.value
    carried: dict[Expr, Expr] = {}
    for there in back:
        value, name = names("t"), names("c")
        initial = transform(there, start.get)
        found.append(If(enters, [], [], [(value, buffer.dtype, initial, lit(0, buffer.dtype))]))
        loop.carries.append(Carry(name, buffer.dtype, var(value, buffer.dtype), following))
        following = carried[there] = var(name, buffer.dtype)
    substitute(loop.body, carried)
    for carry in loop.carries:
        carry.next = transform(carry.next, carried.get)
    return found


def _first_loads(loop: For) -> set[Expr]:
    """Loads that the first iteration is sure to make, before anything that may end it."""
    found: set[Expr] = set()
    for s in loop.body:
        if not isinstance(s, Let | Store):
            break
        for x in expressions(s):
            found |= x.loads
    return found
