"""Which names differ between the lanes of a vector loop, and how many lanes it has.

    for i in 0..n lanes 4:             varying: i, t, s
      t = a[i]                         uniform: k and what is computed from it
      for k in 0..3, s = 0.0:
        s' = s + t * b[k]

A name varies if its value mentions a varying name; a loop's carry if its first or next value does;
all carries of a `while` and all results of an `if` whose condition varies. Least fixed point.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotloop.loops.core import Call, Check, For, If, Let, Statement, Store, While, walk
from hotloop.loops.expr import Expr
from hotloop.loops.independence import values, widest

MOST_LANES = 64
"""A mask of more lanes would not fit one register."""


def varying_names(loop: For) -> frozenset[str]:
    names = {loop.var, *(c.name for c in loop.carries)}
    size = 0
    while size != len(names):
        size = len(names)
        for s in walk(loop.body):
            match s:
                case Let():
                    if not names.isdisjoint(s.value.free):
                        names.add(s.name)
                case For() | While():
                    if isinstance(s, While) and not names.isdisjoint(s.cond.free):
                        names.update(c.name for c in s.carries)
                    names.update(c.name for c in s.carries
                                 if not names.isdisjoint(c.init.free | c.next.free))
                case If():
                    all_ = not names.isdisjoint(s.cond.free)
                    names.update(name for name, _, a, b in s.outs
                                 if all_ or not names.isdisjoint(a.free | b.free))
                case Call():
                    names.update(name for name, _ in s.scalars)
    return frozenset(names)


def lanes_of(loop: For, varying: frozenset[str], register_bytes: int) -> tuple[int, int]:
    """(lanes, lanes of one register of the widest values). Index arithmetic does not count: it
    stays scalar."""
    size = widest(loop, varying)
    one = min(register_bytes // size, MOST_LANES)
    registers = max(1, loop.lanes)
    while registers & (registers - 1):
        registers -= 1
    return min(one * registers, MOST_LANES), one


def needs_a_lane(statements: list[Statement], varying: frozenset[str]) -> bool:
    """Must at least one lane be active where the statements run? Uniform loads and stores are
    made as soon as they are reached; loops and checks are for somebody's sake."""
    for s in walk(statements):
        if isinstance(s, (For, While, Check)):
            return True
        if isinstance(s, Store) and all(varying.isdisjoint(x.free) for x in s.index):
            return True
        for x in _expressions(s):
            if any(varying.isdisjoint(n.free) for n in x.loads):
                return True
    return False


def _expressions(s: Statement) -> Iterable[Expr]:
    return (*values(s), *(s.index if isinstance(s, Store) else ()))


def can_be_lanes(loop: For) -> bool:
    """Has the loop only what the vector emitter knows? What is independent is for
    `loops.vectorize` to say."""
    if loop.until is not None or loop.swaps or loop.step.op != "lit":
        return False
    if any(c.reduce is None for c in loop.carries):
        return False
    varying = varying_names(loop)
    for s in walk(loop.body):
        match s:
            case For():
                if s.until is not None or s.swaps or not all(
                        varying.isdisjoint(x.free) for x in (s.lo, s.hi, s.step)):
                    return False
            case While():
                if s.swaps:
                    return False
            case Let() | Store() | If() | Check():
                pass
            case _:
                return False
    return True


