"""Loops over short rows are written out, so that the loop around them takes whole rows in lanes.

    for i in 0..n:                             for i in 0..n:
      for j in 0..3:                 ->          r0[i, 0] <- a[i, 0] - c[0]
        r0[i, j] <- a[i, j] - c[j]               r0[i, 1] <- a[i, 1] - c[1]
                                                 r0[i, 2] <- a[i, 2] - c[2]

Points, colours and the like, after `collapse` has made longer loops of what is the same for all
their coordinates. Rows lie one after the other, so vectors of them are loaded and shuffled
(`llvm.vector_memory`); lanes along a row would be three of eight.
"""

from __future__ import annotations

from hotloop.loops.core import For, Kernel, Let, Statement, Store, parts, walk
from hotloop.loops.expr import var
from hotloop.loops.rewrite import Names, expressions
from hotloop.loops.vectorize import parts_of_rows
from hotloop.loops.write_out import MOST_COST, MOST_STORES, copies, few_trips


def interleave(kernel: Kernel) -> Kernel:
    if any(isinstance(s, For) and few_trips(s) for s in walk(kernel.body)):
        _statements(kernel.body, None, Names(kernel))
    return kernel


def _statements(body: list[Statement], around: For | None, names: Names) -> None:
    out: list[Statement] = []
    for s in body:
        if isinstance(s, For) and around is not None:
            trips = few_trips(s)
            if trips and _rows(s, trips, around):
                out += copies(s, trips, names)
                continue
        for inner in parts(s):
            _statements(inner, s if isinstance(s, For) else around, names)
        out.append(s)
    if len(out) != len(body):
        body[:] = out


def _rows(loop: For, trips: range, around: For) -> bool:
    """Does a loop store rows, one in each iteration of the loop around it?"""
    if len(trips) == 1:
        return False
    cost, stores = sum(c.next.cost for c in loop.carries), 0
    for s in loop.body:
        if not isinstance(s, Let | Store):
            return False
        cost += sum(x.cost for x in expressions(s))
        if isinstance(s, Store):
            stores += 1
            if not (s.index and s.index[-1] is var(loop.var) and parts_of_rows(
                    s.buffer, (*s.index[:-1], loop.lo), around.var)):
                return False
    return stores > 0 and len(loop.body) * len(trips) <= MOST_STORES and (
        cost * len(trips) <= MOST_COST)
