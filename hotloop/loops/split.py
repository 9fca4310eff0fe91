"""Loops in which one iteration stores what all others read are cut before and behind it.

    for j in 0..n:                              for j in 0..k:
      p[i, j] <- min(p[i, j],           ->        p[i, j] <- min(p[i, j], p[i, k] + p[k, j])
                     p[i, k] + p[k, j])         p[i, k] <- min(p[i, k], p[i, k] + p[k, k])
                                                for j in k+1..n:
                                                  p[i, j] <- min(p[i, j], p[i, k] + p[k, j])

Iterations before that one read the old value and those behind it the new one, so both loops are
independent and can be lanes (Floyd and Warshall's shortest paths; a pivot row that is reduced with
all others). The iteration must be one of the loop's, by the bounds of the loops around.
"""

from __future__ import annotations

from hotloop import config
from hotloop.loops.core import Buffer, For, If, Kernel, Let, Statement, Store, parts, walk
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import Expr, affine, e, lit, var
from hotloop.loops.independence import blocked
from hotloop.loops.rewrite import Names, copied, expressions, substitute

Index = tuple[Expr, ...]


def split(kernel: Kernel) -> Kernel:
    if config.opt:
        _statements(kernel.body, (), Names(kernel))
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], names: Names) -> None:
    new: list[Statement] = []
    for s in body:
        at = None
        if isinstance(s, For):
            if any(isinstance(inner, For) for inner in s.body):
                _statements(s.body, (*around, s), names)
            else:
                at = _meeting(s, around)
        else:
            for inner in parts(s):
                _statements(inner, around, names)
        new += _cut(s, at, around, names) if at is not None and isinstance(s, For) else [s]
    body[:] = new


def _meeting(loop: For, around: tuple[For, ...]) -> Expr | None:
    """The one iteration that stores what others use."""
    if not around or loop.carries or loop.until is not None or loop.swaps or loop.once or (
            loop.step is not lit(1) or loop.stop is not None or loop.regular):
        return None
    if not all(isinstance(s, Let | Store | If) for s in walk(loop.body)):
        return None
    stores = [s for s in walk(loop.body) if isinstance(s, Store)]
    reads: dict[Buffer, set[Index]] = {}
    for s in walk(loop.body):
        for x in expressions(s):
            for node in x.loads:
                reads.setdefault(node.args[0], set()).add(node.args[1:])
    if not any(s.buffer in reads for s in stores):
        return None
    iterations = Iterations(loop, around)
    found: set[Expr] = set()
    for s in stores:
        for index in {*reads.get(s.buffer, ()), *(t.index for t in stores
                                                  if t.buffer is s.buffer)}:
            if not iterations.apart(s.index, index):
                at = _where(s.index, index, loop, iterations)
                if at is None:
                    return None
                found.add(at)
    return found.pop() if len(found) == 1 else None


def _where(stored: Index, used: Index, loop: For, iterations: Iterations) -> Expr | None:
    """The iteration whose store is at an index that does not change in the loop."""
    own = var(loop.var)
    if len(stored) != len(used):
        return None
    for x, y in zip(stored, used, strict=True):
        rest = e.sub(x, own)
        if affine(x)[1].get(own) != 1 or rest.loads or y.loads or not (
                iterations.inside.isdisjoint(rest.free | y.free)):
            continue
        at = e.sub(y, rest)
        if iterations.negative(e.sub(e.sub(loop.lo, at), lit(1))) and (
                iterations.negative(e.sub(at, loop.hi))):
            return at
    return None


def _cut(loop: For, at: Expr, around: tuple[For, ...], names: Names) -> list[Statement]:
    (first,), _ = copied([loop], names)
    (one,), _ = copied([loop], names)
    assert isinstance(first, For) and isinstance(one, For)
    start = loop.lo
    first.hi, loop.lo = at, e.add(at, lit(1))
    if blocked(first, around) is not None or blocked(loop, around) is not None:
        loop.lo = start
        return [loop]
    substitute(one.body, {var(one.var): at})
    return [first, *one.body, loop]
