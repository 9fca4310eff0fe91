"""A fill of an array that the following loops overwrite entirely is dropped.

    nest j in n: r[j] <- 0.0                for i in 0..n:
    for i in 0..n:                    ->      r[i] <- exp(a[i])
      r[i] <- exp(a[i])

So `np.empty` (which has defined contents here) and a needless `np.zeros` cost nothing. Not for
memory that the caller sees if the loop ends with an exception.
"""

from __future__ import annotations

from hotloop.loops.core import (
    ARG_WRITTEN,
    Buffer,
    For,
    Kernel,
    Nest,
    Statement,
    Store,
    parts,
    walk,
)
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.rewrite import loaded, written

REACH = 32
"""Statements after a fill that are looked at, so that time stays linear."""


def overwritten(kernel: Kernel) -> Kernel:
    _statements(kernel.body)
    return kernel


def _statements(body: list[Statement]) -> None:
    kept = []
    for at, statement in enumerate(body):
        for inner in parts(statement):
            _statements(inner)
        buffer = _filled(statement)
        if buffer is None or not _lost(buffer, body[at + 1:at + 1 + REACH]):
            kept.append(statement)
    body[:] = kept


def _filled(statement: Statement) -> Buffer | None:
    """The array of which a nest does nothing but store every element."""
    if not isinstance(statement, Nest) or statement.reduced or len(statement.stores) != 1:
        return None
    buffer, index, _ = statement.stores[0]
    every = index == tuple(map(var, statement.vars)) and statement.domain == buffer.shape
    return buffer if every and buffer.kind != ARG_WRITTEN else None


def _lost(buffer: Buffer, following: list[Statement]) -> bool:
    """Is every element stored again before any is read?"""
    for statement in following:
        inside = list(walk([statement]))
        if any(buffer in loaded(s) for s in inside):
            return False
        if any(buffer in written(s) for s in inside):
            return _filled(statement) is buffer or _covers(statement, buffer, {})
    return False


def _covers(statement: Statement, buffer: Buffer, extents: dict[Expr, Expr]) -> bool:
    """Does a loop, or one directly inside it, store every element? `extents` maps the variables of
    the loops around to their numbers of iterations."""
    if isinstance(statement, Store):
        return statement.buffer is buffer and statement.combine is None and _every(
            buffer, statement.index, extents)
    if isinstance(statement, Nest):
        within = {**extents, **dict(zip(map(var, statement.vars), statement.domain, strict=True))}
        return not statement.reduced and statement.combine is None and all(
            any(x is extent for x in buffer.shape) for extent in statement.domain) and any(
            stored is buffer and _every(buffer, index, within)
            for stored, index, _ in statement.stores)
    if not isinstance(statement, For) or statement.until is not None or any(
            buffer in pair for pair in statement.swaps):
        return False
    if statement.lo is not lit(0) or statement.step is not lit(1):
        return False
    within = {**extents, var(statement.var): statement.hi}
    if not all(any(x is extent for x in buffer.shape) for extent in within.values()):
        return False                        # a loop that may have no iterations
    return any(_covers(s, buffer, within) for s in statement.body)


def _every(buffer: Buffer, index: tuple[Expr, ...], extents: dict[Expr, Expr]) -> bool:
    """Is the index that of every element, as the variables run through their extents?"""
    return len(set(index)) == len(index) == len(buffer.shape) and all(
        extents.get(i) is extent for i, extent in zip(index, buffer.shape, strict=True))
