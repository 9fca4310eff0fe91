"""Carries that have their last value from the second iteration on need not be carried.

    for i in 0..n carry seen = False, ...:        for i in 0..n ...:
      t = or(seen, ok[i])                   ->      t = or(ne(i, 0), ok[i])
      next seen = True                            seen = lt(0, n)

Flags such as "was this variable ever bound" and "is it a float by now" are of this kind; carried,
they would keep the loop from running in lanes.
"""

from __future__ import annotations

from hotloop.loops.core import Alloc, Buffer, Call, For, Kernel, Let, Statement, parts, walk
from hotloop.loops.expr import BOOL, Expr, e, lit, transform, var
from hotloop.loops.rewrite import bound, runs, substitute, writes


def settle(kernel: Kernel) -> Kernel:
    _statements(kernel.body)
    return kernel


def _statements(body: list[Statement]) -> None:
    out: list[Statement] = []
    for statement in body:
        after: list[Statement] = []
        if isinstance(statement, For) and statement.carries:
            after = _settled(statement)
        for inner in parts(statement):
            _statements(inner)
        out += [statement, *after]
    body[:] = out


def _settled(loop: For) -> list[Statement]:
    """Take such carries from a loop; the definitions of what they are after it."""
    inside = bound([loop])
    changed = writes([loop])
    sizes = _sizes(loop)
    first = e.eq(var(loop.var), loop.lo)
    after: list[Statement] = []
    values: dict[Expr, Expr] = {}
    kept = []
    for carry in loop.carries:
        fixed = inside.isdisjoint(carry.next.free) and not any(
            node.args[0] in changed for node in (carry.next.loads | carry.init.loads))
        if not fixed or carry.name == loop.until or carry.name in sizes or (
                loop.lo.loads or loop.hi.loads):
            kept.append(carry)
            continue
        values[var(carry.name, carry.dtype)] = _choice(first, carry.init, carry.next)
        after.append(Let(carry.name, _choice(runs(loop), carry.next, carry.init)))
    if values:
        loop.carries = kept
        substitute(loop.body, values)
        for carry in kept:
            carry.next = transform(carry.next, values.get)
    return after


def _sizes(loop: For) -> set[str]:
    """Names in the sizes of buffers that are allocated or handed on whole in the loop."""
    buffers = [b for s in walk(loop.body) if isinstance(s, Call) for b in (*s.ins, *s.outs)
               if isinstance(b, Buffer)]
    buffers += [s.buffer for s in walk(loop.body) if isinstance(s, Alloc)]
    return {name for b in buffers for d in b.shape for name in d.free}


def _choice(cond: Expr, then: Expr, orelse: Expr) -> Expr:
    """`select`, for two different constants of bool the condition itself."""
    if then.dtype == BOOL and then.op == orelse.op == "lit" and then is not orelse:
        return cond if then is lit(True, BOOL) else e.not_(cond)
    return e.select(cond, then, orelse)
