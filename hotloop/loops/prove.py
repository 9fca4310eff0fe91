"""Checks that are proved are dropped, branches that are decided are taken: by the bounds of loops,
and by the conditions of branches, loops and checks on the way.

    for i in 1..n - 1:                            for i in 1..n - 1:
      check i + 1 < n                       ->      t = a[i + 1]
      t = a[i + 1]                                  ...
      if 0 <= k and k < n:                          if 0 <= k and k < n:
        check k < n                                   b[k] <- t
        b[select(k < 0, k + n, k)] <- t

A loop with checks can hardly run in lanes, and its stores can't stay in registers. Choices inside
expressions are decided too: a remainder with the sign of the divisor, or an index from the end, is
a choice that bounds often decide.
"""

from __future__ import annotations

from hotloop.loops.core import Check, For, If, Kernel, Let, Statement, While, parts
from hotloop.loops.dependence import Ranges
from hotloop.loops.drop import drop
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, transform
from hotloop.loops.rewrite import at_entry, change, expressions

DEEP = 8
"""Nested and/or/not that are looked into."""

CHOICE = 3.0
"""Cost of the cheapest choice worth deciding: a comparison, a sum, the choice."""


MOST = 12
"""Facts that are kept: the nearest."""

Facts = tuple[Expr, ...]
"""Integers that are below 0."""


def prove(kernel: Kernel) -> Kernel:
    if _statements(kernel.body, (), {}, ()):
        drop(kernel)
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], values: dict[str, Expr],
                facts: Facts) -> bool:
    """Did anything change?"""
    out: list[Statement] = []
    changed = False
    known = _Known(around, values, facts)
    memo: dict[Expr, Expr] = {}

    def decided(x: Expr) -> Expr | None:
        if x.op != "select":
            return None if x.cost >= CHOICE else x
        holds = known.holds(x.args[0])
        return None if holds is None else transform(x.args[1 if holds else 2], decided, memo)

    for statement in body:
        if (around or known.facts) and any(map(_may_be_decided, at_entry(statement))):
            before = list(expressions(statement))
            change(statement, lambda x: transform(x, decided, memo) if _may_be_decided(x) else x)
            changed |= any(x is not y for x, y in zip(before, expressions(statement), strict=True))
        match statement:
            case For():
                for inner in parts(statement):
                    changed |= _statements(inner, (*around, statement), values, known.facts)
            case While():
                changed |= _statements(statement.test, around, values, known.facts)
                changed |= _statements(statement.body, around, values,
                                       known.told(statement.cond, True))
            case If():
                changed |= _statements(statement.then, around, values,
                                       known.told(statement.cond, True))
                changed |= _statements(statement.orelse, around, values,
                                       known.told(statement.cond, False))
        match statement:
            case Let():
                if statement.value.dtype.kind == "b" or statement.value.op == "var":
                    values[statement.name] = statement.value
            case Check():
                if known.holds(statement.cond):
                    changed = True
                    continue
                known.facts = known.told(statement.cond, True)
                memo.clear()
            case If():
                holds = known.holds(statement.cond)
                if holds is not None:
                    changed = True
                    out += statement.then if holds else statement.orelse
                    out += [Let(name, then if holds else orelse)
                            for name, _, then, orelse in statement.outs]
                    continue
        out.append(statement)
    body[:] = out
    return changed


class _Known:
    """What is known where a statement stands."""

    def __init__(self, around: tuple[For, ...], values: dict[str, Expr], facts: Facts):
        self.ranges, self.values, self.facts = Ranges(around), values, facts

    def named(self, x: Expr) -> Expr:
        """A condition by its expression instead of its name, another value by its first name."""
        while x.op == "var" and x.args[0] in self.values:
            x = self.values[x.args[0]]
        return x

    def sides(self, comparison: Expr) -> tuple[Expr, Expr]:
        a, b = comparison.args
        return self.named(a), self.named(b)

    def told(self, cond: Expr, truth: bool) -> Facts:
        """The facts, and what the truth of a condition adds to them."""
        found = list(self.facts)
        stack = [(cond, truth)]
        while stack and len(stack) < MOST:
            cond, truth = stack.pop()
            cond = self.named(cond)
            if cond.op == "not":
                stack.append((cond.args[0], not truth))
            elif cond.op == ("and" if truth else "or"):
                stack += [(x, truth) for x in cond.args]
            elif cond.op in _LESS and all(map(self.exact, sides := self.sides(cond))):
                gap, strict = _gap(cond.op, *sides)
                below = gap if strict else e.sub(gap, lit(1))
                found.append(below if truth else e.sub(lit(-1), below))
        return tuple(found[-MOST:])

    def holds(self, cond: Expr, depth: int = DEEP) -> bool | None:
        """Whether a condition holds, if that is certain."""
        cond = self.named(cond)
        if cond.op == "lit":
            return bool(cond.args[0])
        if depth == 0:
            return None
        if cond.op in ("and", "or"):
            each = [self.holds(x, depth - 1) for x in cond.args]
            deciding = cond.op == "or"
            if deciding in each:
                return deciding
            return None if None in each else not deciding
        if cond.op == "not":
            inner = self.holds(cond.args[0], depth - 1)
            return None if inner is None else not inner
        if cond.op in ("eq", "ne") and cond.args[0].dtype == BOOL:
            each = [self.holds(x, depth - 1) for x in cond.args]
            return None if None in each else (each[0] == each[1]) == (cond.op == "eq")
        if cond.op in _LESS and cond.args[0].dtype == I64:
            sides = self.sides(cond)
            gap, strict = _gap(cond.op, *sides)           # the condition: gap < 0, or <= 0
            facts = self.facts if all(map(self.exact, sides)) else ()
            if self.negative(gap if strict else e.sub(gap, lit(1)), facts):
                return True
            opposite = e.sub(lit(0), gap)
            if self.negative(e.sub(opposite, lit(1)) if strict else opposite, facts):
                return False
            if strict and self.not_negative(gap, depth):
                return False
        return None

    def exact(self, x: Expr) -> bool:
        """Is it an integer that is sure not to be the rest of one of more than 64 bits?"""
        return x.dtype == I64 and not x.loads and (x.op in ("lit", "var") or all(
            t.op == "var" and t.args[0] in self.ranges.bounds for t in affine(x)[1]))

    def negative(self, x: Expr, facts: Facts) -> bool:
        """Is x < 0, by the bounds of loops or by what a fact leaves for them to show?"""
        if self.ranges.negative(x):
            return True
        return any(self.ranges.negative(e.sub(e.sub(x, fact), lit(1))) for fact in facts
                   if not fact.free.isdisjoint(x.free))

    def not_negative(self, x: Expr, depth: int) -> bool:
        """Is x >= 0, being a quotient or remainder of such numbers?"""
        if depth == 0:
            return False
        if x.op in ("irem", "idiv") and x.args[1].op == "lit" and x.args[1].args[0] > 0:
            return self.not_negative(x.args[0], depth - 1)
        return x.dtype == I64 and self.negative(e.sub(lit(-1), x),
                                                self.facts if self.exact(x) else ())


def _may_be_decided(x: Expr) -> bool:
    return x.cost >= CHOICE or x.op == "select"


def _gap(op: str, a: Expr, b: Expr) -> tuple[Expr, bool]:
    """A comparison as gap < 0 (True) or gap <= 0."""
    flip, strict = _LESS[op]
    return (e.sub(b, a) if flip else e.sub(a, b)), strict


_LESS = {"lt": (False, True), "le": (False, False), "gt": (True, True), "ge": (True, False)}
"""Comparisons as gap < 0: (sides exchanged, strict)."""
