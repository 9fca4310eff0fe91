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

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from hotloop import lazy
from hotloop.loops.core import Buffer, Check, For, If, Kernel, Let, Statement, While, parts
from hotloop.loops.dependence import bounds_of
from hotloop.loops.drop import drop
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, transform, var
from hotloop.loops.intervals import Ends, Intervals, Sides
from hotloop.loops.invariants import Facts, invariants
from hotloop.loops.rewrite import at_entry, change, expressions, substitute
from hotloop.loops.scalar import SCALAR_OPS

if TYPE_CHECKING:
    from hotloop.loops.numbers import Numbers

counting = lazy.module("hotloop.loops.numbers")

DEEP = 8
"""Nested and/or/not that are looked into."""

CHOICE = 3.0
"""Cost of the cheapest choice worth deciding: a comparison, a sum, the choice."""


MOST = 12
"""Facts that are kept: the nearest."""

SMALL = 2**60


def prove(kernel: Kernel) -> Kernel:
    sizes = frozenset(name for p in kernel.params if isinstance(p, Buffer)
                      for x in p.shape for name in x.free if x.op == "var")
    instead: dict[Expr, Expr] = {}
    numbers = _Lazy(kernel)
    if _statements(kernel.body, _Known(Intervals({}, sizes, numbers.ends), {}, (), instead,
                                       numbers)):
        substitute(kernel.body, instead)
        drop(kernel)
    return kernel


class _Lazy:
    """`Numbers` of a kernel, when they are asked for: most loops are proved without."""

    def __init__(self, kernel: Kernel):
        self.kernel = kernel

    @functools.cached_property
    def numbers(self) -> Numbers:
        return counting.Numbers(self.kernel)

    def ends(self, x: Expr) -> Ends:
        return self.numbers.known(x)

    def holds(self, cond: Expr) -> bool | None:
        return self.numbers.holds(cond)


def _statements(body: list[Statement], known: _Known) -> bool:
    """Did anything change? What the list shows about names is left in `known`."""
    out: list[Statement] = []
    changed = False
    memo: dict[Expr, Expr] = {}

    for statement in body:
        if known.instead:
            change(statement, known.simpler)
        if any(map(_may_be_decided, at_entry(statement))):
            before = list(expressions(statement))
            change(statement, lambda x: known.decided(x, memo) if _may_be_decided(x) else x)
            if any(x is not y for x, y in zip(before, expressions(statement), strict=True)):
                changed = True
                if isinstance(statement, Let) and statement.value.op in ("lit", "aff"):
                    known.instead[var(statement.name)] = statement.value
        match statement:
            case For():
                within = known.inside(bounds_of([statement]))
                for inner in parts(statement):
                    changed |= _statements(inner, within)
            case While():
                changed |= _while(statement, known)
                memo.clear()
            case If():
                for arm, truth in ((statement.then, True), (statement.orelse, False)):
                    changed |= _statements(arm, known.inside({}, known.told(statement.cond, truth)))
                known.joined(statement)
            case Let():
                known.let(statement)
        match statement:
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


def _while(loop: While, known: _Known) -> bool:
    for s in (*_plain(loop.test), *_plain(loop.body)):      # so that the condition can be read
        if isinstance(s, Let) and s.value.dtype == BOOL:
            known.values[s.name] = s.value
        elif isinstance(s, If):
            known.joined(s)
    going = known.inside({}, known.told(loop.cond, True))
    before, inside = invariants(loop, going.ranges, going.facts, going.decided_within)
    test = known.inside(before)
    changed = _statements(loop.test, test)
    changed |= _statements(loop.body, test.inside(inside, test.told(loop.cond, True)))
    for name, sides in before.items():
        known.ranges.bind(name, sides)
    return changed


def _plain(body: list[Statement]) -> Iterator[Statement]:
    """The statements of a list and of branches, inner ones first."""
    for s in body:
        if isinstance(s, If):
            yield from _plain(s.then)
            yield from _plain(s.orelse)
        yield s


class _Known:
    """What is known where a statement stands; `instead`: what names of choices turned out to be."""

    def __init__(self, ranges: Intervals, values: dict[str, Expr], facts: Facts,
                 instead: dict[Expr, Expr], numbers: _Lazy):
        self.ranges, self.values, self.facts, self.instead = ranges, values, facts, instead
        self.numbers = numbers

    def inside(self, bounds: Mapping[str, Sides], facts: Facts | None = None) -> _Known:
        """What is known in a list inside, where names have these bounds too."""
        ranges = Intervals({**self.ranges.bounds, **bounds}, self.ranges.sizes, self.ranges.ends)
        return _Known(ranges, self.values, self.facts if facts is None else facts, self.instead,
                      self.numbers)

    def let(self, s: Let) -> None:
        x = s.value
        if x.dtype.kind == "b" or x.op == "var":
            self.values[s.name] = x
        elif x.op in SCALAR_OPS and SCALAR_OPS[x.op].division is not None:
            self.ranges.bind(s.name, self.ranges.sides(x))

    def joined(self, s: If) -> None:
        """What a branch says about the truths that it gives: `a and b` is one."""
        for name, dtype, then, orelse in s.outs:
            if dtype == BOOL:
                if orelse is lit(False, BOOL):
                    self.values[name] = e.and_(s.cond, then)
                elif then is lit(True, BOOL):
                    self.values[name] = e.or_(s.cond, orelse)

    def decided(self, x: Expr, memo: dict[Expr, Expr]) -> Expr:
        """With the choices in it made."""
        def choose(node: Expr) -> Expr | None:
            picks = _picks(node)
            if picks:                                  # of equal operands either
                a, b = node.args
                chosen = a if self.holds(e.op(picks, a, b)) else (
                    b if self.holds(e.op(picks, b, a)) else None)
            elif node.op == "select":
                holds = self.holds(node.args[0])
                chosen = None if holds is None else node.args[1 if holds else 2]
            else:
                return None if node.cost >= CHOICE else node
            return None if chosen is None else transform(chosen, choose, memo)
        return transform(x, choose, memo)

    def decided_within(self, x: Expr, ranges: Intervals) -> Expr:
        if not _may_be_decided(x):
            return x
        return _Known(ranges, self.values, self.facts, self.instead, self.numbers).decided(x, {})

    def simpler(self, x: Expr) -> Expr:
        """With sums instead of names of what was a choice."""
        return x if x.op == "lit" else transform(x, self.instead.get)

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
            elif _is_order(cond) and all(map(self.exact, sides := self.sides(cond))):
                below = _below_zero(cond.op, *sides)
                found.append(below if truth else e.sub(lit(-1), below))
        return tuple(found[-MOST:])

    def holds(self, cond: Expr, depth: int = DEEP) -> bool | None:
        """Whether a condition holds, if that is certain."""
        named = self.named(cond)
        if named.op == "lit":
            return bool(named.args[0])
        found = self._holds(named, depth) if depth else None
        # a name's number is by what was known where it was bound
        return self.numbers.holds(cond) if found is None else found

    def _holds(self, cond: Expr, depth: int) -> bool | None:
        row = SCALAR_OPS.get(cond.op)
        if row is None:
            return self.numbers.holds(cond)
        if row.settled is not None:
            each = [self.holds(x, depth - 1) for x in cond.args]
            if row.settled in each:
                return row.settled
            return None if None in each else not row.settled
        if cond.op == "not":
            inner = self.holds(cond.args[0], depth - 1)
            return None if inner is None else not inner
        if row.compares is not None and cond.args[0].dtype == BOOL:
            each = [self.holds(x, depth - 1) for x in cond.args]
            return None if None in each else bool(row.evaluate(*each))
        if row.wraps and cond.args[0].dtype == I64:
            result = e.op(row.wraps, *map(self.named, cond.args))
            fits = all(map(self.ranges.fits, (*cond.args, result)))
            if fits and result.op in ("lit", "var", "aff"):
                return False
        if _is_order(cond):
            sides = self.sides(cond)
            if all(map(_small, sides)):
                below = _below_zero(cond.op, *sides)
                facts = self.facts if all(map(self.exact, sides)) else ()
                if self.negative(below, facts):
                    return True
                if self.negative(e.sub(lit(-1), below), facts):
                    return False
        return self.numbers.holds(cond)

    def exact(self, x: Expr) -> bool:
        """Is it an integer that is sure not to be the rest of one of more than 64 bits?"""
        return x.dtype == I64 and not x.loads and _small(x) and self.ranges.fits(x)

    def negative(self, x: Expr, facts: Facts) -> bool:
        """Is x < 0, by the bounds of loops or by what a fact leaves for them to show?"""
        if self.ranges.negative(x):
            return True
        return any(self.ranges.negative(e.sub(e.sub(x, fact), lit(1))) for fact in facts
                   if not fact.free.isdisjoint(x.free))


def _may_be_decided(x: Expr) -> bool:
    return x.cost >= CHOICE or x.op == "select" or bool(_picks(x))


def _picks(x: Expr) -> str:
    row = SCALAR_OPS.get(x.op) if x.dtype == I64 else None
    return "" if row is None else row.picks


def _small(x: Expr) -> bool:
    """May its numbers be added to those of two others and still fit 64 bits?"""
    constant, terms = affine(x)
    return abs(constant) < SMALL and all(abs(factor) < SMALL for factor in terms.values())


def _gap(op: str) -> tuple[int | None, int | None]:
    """Of an order, between which numbers a - b is; of anything else, two numbers or none."""
    row = SCALAR_OPS.get(op)
    compares = None if row is None else row.compares
    return (0, 0) if compares is None or compares.gap is None else compares.gap


def _is_order(cond: Expr) -> bool:
    return None in _gap(cond.op) and cond.args[0].dtype == I64


def _below_zero(op: str, a: Expr, b: Expr) -> Expr:
    """What is below 0 where the comparison holds, and not where it does not."""
    low, high = _gap(op)
    if high is not None:
        return e.sub(e.sub(a, b), lit(high + 1))
    assert low is not None
    return e.sub(e.sub(b, a), lit(1 - low))
