"""A temporary that is only made to be copied into a result is that result from the start.

    alloc b[n]                                    alloc r0[n]
    for t in 0..3: ... b[i] <- b[i] + 1.0   ->    for t in 0..3: ... r0[i] <- r0[i] + 1.0
    alloc r0[n]
    nest j in n: r0[j] <- b[j]

Runs on nests, where a copy of a whole array is one statement.
"""

from __future__ import annotations

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    For,
    Kernel,
    Nest,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import Expr, load, transform, var
from hotloop.loops.rewrite import change, loaded, written


def coalesce(kernel: Kernel) -> Kernel:
    for statement in list(kernel.body):
        copied = _copied(statement)
        if copied is not None and _one(kernel, statement, *copied):
            _replace(kernel, statement, *copied)
    return kernel


def _copied(statement: Statement) -> tuple[Buffer, Buffer] | None:
    """(source, target) if the statement copies a whole temporary into a whole result."""
    if not isinstance(statement, Nest) or statement.reduced or len(statement.stores) != 1:
        return None
    (target, index, value), = statement.stores
    if value.op != "load" or target.kind != RESULT or value.args[0].kind != TEMP:
        return None
    source: Buffer = value.args[0]
    variables = tuple(map(var, statement.vars))
    whole = index == value.args[1:] == variables and (
        statement.domain == target.shape == source.shape)
    return (source, target) if whole else None


def _one(kernel: Kernel, copy: Statement, source: Buffer, target: Buffer) -> bool:
    """May the two be one? Both live in the outermost list, the target is untouched before the copy,
    and what is written after it is read under the same name only."""
    allocated = {s.buffer for s in kernel.body if isinstance(s, Alloc)}
    if not {source, target} <= allocated:
        return False
    after = False
    writes_after: set[Buffer] = set()
    reads_after: set[Buffer] = set()
    for statement in kernel.body:
        if statement is copy:
            after = True
            continue
        for s in walk([statement]):
            if isinstance(s, For | While) and any(
                    source in pair or target in pair for pair in s.swaps):
                return False
            if isinstance(s, Call) and source in s.moved:
                return False
            if isinstance(s, Alloc):
                continue
            if after:
                writes_after.update(written(s))
                reads_after.update(loaded(s))
            elif target in written(s) or target in loaded(s):
                return False
    for result in kernel.results:
        if isinstance(result, Expr):
            reads_after.update(node.args[0] for node in result.loads)
    return not (source in writes_after or (target in writes_after and source in reads_after))


def _replace(kernel: Kernel, copy: Statement, source: Buffer, target: Buffer) -> None:
    memo: dict[Expr, Expr] = {}

    def renamed(x: Expr) -> Expr | None:
        if x.op == "load" and x.args[0] is source:
            return load(target, tuple(transform(i, renamed, memo) for i in x.args[1:]))
        return None

    def new(buffer: Buffer) -> Buffer:
        return target if buffer is source else buffer

    body = kernel.body
    body[:] = [s for s in body if s is not copy and not (
        isinstance(s, Alloc) and s.buffer is target)]
    for s in walk(body):
        change(s, lambda x: transform(x, renamed, memo))
        match s:
            case Store() | Alloc():
                s.buffer = new(s.buffer)
            case Nest():
                s.stores = [(new(b), i, x) for b, i, x in s.stores]
            case Call():
                s.ins = tuple(new(x) if isinstance(x, Buffer) else x for x in s.ins)
                s.outs = tuple(map(new, s.outs))
    kernel.results = [transform(r, renamed, memo) if isinstance(r, Expr) else r
                      for r in kernel.results]
