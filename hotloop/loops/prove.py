"""Checks that the bounds of loops prove are dropped, branches that they decide are taken.

    for i in 1..n - 1:                            for i in 1..n - 1:
      check i + 1 < n                       ->      t = a[i + 1]
      t = a[i + 1]

A loop with checks can hardly run in lanes, and its stores can't stay in registers. Choices inside
expressions are decided too: a remainder with the sign of the divisor, or an index from the end, is
a choice that bounds often decide.
"""

from __future__ import annotations

from hotloop.loops.core import Check, For, If, Kernel, Let, Statement, parts
from hotloop.loops.dependence import Ranges
from hotloop.loops.drop import drop
from hotloop.loops.expr import BOOL, I64, Expr, e, lit, transform
from hotloop.loops.rewrite import at_entry, change, expressions

DEEP = 8
"""Nested and/or/not that are looked into."""

CHOICE = 3.0
"""Cost of the cheapest choice worth deciding: a comparison, a sum, the choice."""


def prove(kernel: Kernel) -> Kernel:
    if _statements(kernel.body, (), {}):
        drop(kernel)
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], values: dict[str, Expr]) -> bool:
    """Did anything change?"""
    out: list[Statement] = []
    changed = False
    ranges = Ranges(around)
    memo: dict[Expr, Expr] = {}

    def decided(x: Expr) -> Expr | None:
        if x.op != "select":
            return None if x.cost >= CHOICE else x
        holds = _known(x.args[0], ranges, values, DEEP)
        return None if holds is None else transform(x.args[1 if holds else 2], decided, memo)

    for statement in body:
        if around and any(x.cost >= CHOICE for x in at_entry(statement)):
            before = list(expressions(statement))
            change(statement, lambda x: transform(x, decided, memo) if x.cost >= CHOICE else x)
            changed |= any(x is not y for x, y in zip(before, expressions(statement), strict=True))
        within = (*around, statement) if isinstance(statement, For) else around
        for inner in parts(statement):
            changed |= _statements(inner, within, values)
        match statement:
            case Let():
                if statement.value.dtype.kind == "b":
                    values[statement.name] = statement.value
            case Check():
                if _known(statement.cond, ranges, values, DEEP):
                    changed = True
                    continue
            case If():
                holds = _known(statement.cond, ranges, values, DEEP)
                if holds is not None:
                    changed = True
                    out += statement.then if holds else statement.orelse
                    out += [Let(name, then if holds else orelse)
                            for name, _, then, orelse in statement.outs]
                    continue
        out.append(statement)
    body[:] = out
    return changed


def _known(cond: Expr, ranges: Ranges, values: dict[str, Expr], depth: int) -> bool | None:
    """Whether a condition holds, if that is certain."""
    while cond.op == "var" and cond.args[0] in values:
        cond = values[cond.args[0]]
    if cond.op == "lit":
        return bool(cond.args[0])
    if depth == 0:
        return None
    if cond.op in ("and", "or"):
        sides = [_known(x, ranges, values, depth - 1) for x in cond.args]
        deciding = cond.op == "or"
        if deciding in sides:
            return deciding
        return None if None in sides else not deciding
    if cond.op == "not":
        inner = _known(cond.args[0], ranges, values, depth - 1)
        return None if inner is None else not inner
    if cond.op in ("eq", "ne") and cond.args[0].dtype == BOOL:
        sides = [_known(x, ranges, values, depth - 1) for x in cond.args]
        return None if None in sides else (sides[0] == sides[1]) == (cond.op == "eq")
    if cond.op in _LESS and cond.args[0].dtype == I64:
        a, b = cond.args
        flip, strict = _LESS[cond.op]
        gap = e.sub(b, a) if flip else e.sub(a, b)            # the condition: gap < 0, or <= 0
        if ranges.negative(gap if strict else e.sub(gap, lit(1))):
            return True
        opposite = e.sub(lit(0), gap)
        if ranges.negative(e.sub(opposite, lit(1)) if strict else opposite):
            return False
        if strict and _not_negative(gap, ranges, depth):
            return False
    return None


def _not_negative(x: Expr, ranges: Ranges, depth: int) -> bool:
    """Is x >= 0, being a quotient or remainder of such numbers?"""
    if depth == 0:
        return False
    if x.op in ("irem", "idiv") and x.args[1].op == "lit" and x.args[1].args[0] > 0:
        return _not_negative(x.args[0], ranges, depth - 1)
    return x.dtype == I64 and ranges.negative(e.sub(lit(-1), x))


_LESS = {"lt": (False, True), "le": (False, False), "gt": (True, True), "ge": (True, False)}
"""Comparisons as gap < 0: (sides exchanged, strict)."""
