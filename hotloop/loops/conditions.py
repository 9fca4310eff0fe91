"""Between which numbers integers and truths are where certain conditions hold.

    x in 0..255     told(x < 100, True)          span(x + 1) is 1..100, holds(x == 100) is False
                    told(add_overflows(x, n), False), so x + n is no less than x in what follows

`names` has the spans of names, `loops.scalar` what operations do to spans. Conditions narrow them:
terms of sums that are compared, and what is checked not to wrap. `leave` ends that.
"""

from __future__ import annotations

import functools
import itertools

import numpy as np

from hotloop.loops.core import Buffer
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, var
from hotloop.loops.scalar import SCALAR_OPS, ScalarOp
from hotloop.loops.spans import Span, fits, full, inside, join

DEEP = 6
"""Nested and/or/not that are looked into."""


class Conditions:
    """`span(x)` of an integer or truth, `holds(cond)`, at a place that `told` describes."""

    def __init__(self) -> None:
        self.names: dict[str, Span | None] = {}      # None: nothing got there so far
        self.values: dict[str, Expr] = {}            # truths, and what checks speak about
        self.named: dict[Expr, Expr] = {}
        self.facts: dict[Expr, Span] = {}            # where it is looked at
        self.exact: dict[Expr, Span] = {}            # what does not wrap there
        self.undo: list[tuple[dict[Expr, Span], Expr, Span | None]] = []
        self.memo: dict[Expr, Span | None] = {}

    def loaded(self, buffer: Buffer) -> Span | None:
        """Of what is read from a buffer of integers."""
        return full(buffer.dtype)

    def name(self, name: str, value: Expr) -> None:
        """What a name stands for, if conditions may speak about it."""
        row = SCALAR_OPS.get(value.op)
        if value.dtype == BOOL or row is not None and (row.undone or row.name in _UNDOING):
            self.values[name] = value
            self.named[value] = var(name, value.dtype)
        elif value.op == "aff" or row is not None and row.name in _MAY_WRAP:
            self.named[value] = var(name, value.dtype)

    def bind(self, name: str, found: Span | None) -> None:
        if name not in self.names or self.names[name] != found:
            self.names[name] = found
            self.memo.clear()

    def fact(self, where: dict[Expr, Span], x: Expr, span: Span) -> None:
        """Until `leave`."""
        self.undo.append((where, x, where.get(x)))
        where[x] = span
        self.memo.clear()

    def leave(self, mark: int) -> None:
        """Forget what was found out since there were `mark` entries to undo."""
        while len(self.undo) > mark:
            where, x, before = self.undo.pop()
            if before is None:
                del where[x]
            else:
                where[x] = before
        self.memo.clear()

    def told(self, cond: Expr, truth: bool) -> None:
        """What the truth of a condition says about what is compared in it."""
        stack = [(cond, truth)]
        for _ in range(2 * DEEP):
            if not stack:
                return
            cond, truth = stack.pop()
            cond = self._named(cond)
            if cond.op == "not":
                stack.append((cond.args[0], not truth))
                continue
            row = SCALAR_OPS.get(cond.op)
            if row is None:
                continue
            if row.settled is not None:
                if row.settled != truth and cond.dtype == BOOL:
                    stack += [(x, truth) for x in cond.args]
            elif row.wraps:
                if not truth and cond.args[0].dtype == I64:
                    self._no_wrap(e.op(row.wraps, *cond.args))
            elif row.compares is not None and cond.args[0].dtype.kind in "iu":
                self.compared(cond.op if truth else row.compares.negated, *cond.args)

    def _named(self, x: Expr) -> Expr:
        while x.op == "var" and x.args[0] in self.values:
            x = self.values[x.args[0]]
        return x

    def _no_wrap(self, x: Expr) -> None:
        if x.loads or x.op == "lit":
            return
        self.fact(self.exact, x, full(x.dtype))
        found, name = self.span(x), self.named.get(x)
        if found is not None and name is not None:
            self.fact(self.facts, name, found)

    def compared(self, op: str, a: Expr, b: Expr) -> None:
        compares = SCALAR_OPS[op].compares
        assert compares is not None
        mirrored = SCALAR_OPS[compares.mirrored].compares
        assert mirrored is not None
        for x, gap, y in ((a, compares.gap, b), (b, mirrored.gap, a)):
            if gap == (0, 0) and (there := self._there_and_back(x, y)) is not None:
                self._no_wrap(there)
            constant, terms = affine(x)
            bound, here = self.span(y), self.span(x)
            if x.loads or len(terms) != 1 or bound is None or here is None:
                continue
            (term, k), = terms.items()
            own = self.span(term)
            if own is None or x not in self.exact and not all(
                    fits(k * end + constant, x.dtype) for end in own):
                continue
            low, high = here
            if gap is None:                            # they differ
                if bound[0] == bound[1]:
                    low, high = low + (low == bound[0]), high - (high == bound[0])
            else:
                low = low if gap[0] is None else max(low, bound[0] + gap[0])
                high = high if gap[1] is None else min(high, bound[1] + gap[1])
            if low > high:                             # nothing gets here
                continue
            if k < 0:
                low, high = -high, -low
            low, high = -(-(low - constant * _sign(k)) // abs(k)), (
                high - constant * _sign(k)) // abs(k)
            low, high = max(low, own[0]), min(high, own[1])
            if low <= high and (low, high) != own:
                self.fact(self.facts, term, (low, high))

    def _there_and_back(self, x: Expr, y: Expr) -> Expr | None:
        """x shifted to the left, if y is that shifted back: Python's test of whether it wraps."""
        back = self._named(y)
        there = self._named(back.args[0]) if back.op in _UNDOING else back
        row = SCALAR_OPS.get(there.op)
        same = (row is not None and row.undone == back.op and there.args == (x, back.args[1]))
        return there if same else None

    def holds(self, cond: Expr) -> bool | None:
        """Whether a condition holds, if that is certain."""
        found = self.span(cond)
        return None if found is None or found[0] != found[1] else bool(found[0])

    def known(self, x: Expr) -> tuple[int | None, int | None]:
        """The ends of `span` that are not those of the dtype."""
        found = self.span(x)
        if found is None:
            return None, None
        least, most = full(x.dtype)
        return (found[0] if found[0] > least else None), (found[1] if found[1] < most else None)

    # ---- expressions

    def span(self, x: Expr) -> Span | None:
        """Of an integer or truth; None: no such value gets there, as far as is known."""
        if x.dtype.kind not in "iub":
            return full(x.dtype)
        if x.op == "lit":
            return int(x.args[0]), int(x.args[0])
        found = self.memo.get(x, False)
        if found is not False:
            return found  # type: ignore[return-value]
        result = self._span(x)
        if result is not None:
            fact = self.facts.get(x)
            if fact is not None and max(fact[0], result[0]) <= min(fact[1], result[1]):
                result = max(fact[0], result[0]), min(fact[1], result[1])
        self.memo[x] = result
        return result

    def _span(self, x: Expr) -> Span | None:
        everything = full(x.dtype)
        if x.op == "var":
            return self.names.get(x.args[0], everything)
        if x.op == "load":
            return self.loaded(x.args[0]) if x.dtype.kind != "b" else everything
        if x.op == "aff":
            constant, terms = affine(x)
            low = high = constant
            for t, k in terms.items():
                one = self.span(t)
                if one is None:
                    return None
                low, high = low + min(k * one[0], k * one[1]), high + max(k * one[0], k * one[1])
            return self._within(x, low, high)
        if x.op == "select":
            cond = self.span(x.args[0])
            if cond is None:
                return None
            ends: Span | None = None
            for arm, truth in zip(x.args[1:], (True, False), strict=True):
                if truth in (bool(cond[0]), bool(cond[1])):
                    ends = join(ends, self._chosen(arm, x.args[0], truth))
            return ends
        if any(a.dtype.kind not in "iub" for a in x.args):
            return everything
        row = SCALAR_OPS.get(x.op)
        if x.op != "convert" and (row is None or row.span is None and not row.wraps):
            return everything
        spans = self._operands(x)
        return None if spans is None else self._operation(x, row, spans, everything)

    def _operands(self, x: Expr) -> list[Span] | None:
        spans = [self.span(a) for a in x.args]
        found = [a for a in spans if a is not None]
        return found if len(found) == len(spans) else None

    def _operation(self, x: Expr, row: ScalarOp | None, spans: list[Span],
                   everything: Span) -> Span | None:
        if row is None:                                # convert
            return spans[0] if inside(spans[0], everything) else everything
        if row.wraps:
            exact = SCALAR_OPS[row.wraps].span
            found = None if exact is None else exact(*spans)
            return (0, 0) if found is not None and inside(found, full(x.args[0].dtype)) else (0, 1)
        if row.compares is not None:
            if row.compares.gap == (0, 0) and any(
                    self._fits_shifted(a, b) for a, b in (x.args, x.args[::-1])):
                return 1, 1
        elif x.dtype == BOOL:
            return _of_truths(x.op, *spans)
        assert row.span is not None
        found = row.span(*spans)
        return everything if found is None else self._within(x, *found)

    def _fits_shifted(self, x: Expr, y: Expr) -> bool:
        there = self._there_and_back(x, y)
        spans = None if there is None else self._operands(there)
        if there is None or spans is None:
            return False
        exact = SCALAR_OPS[there.op].span
        found = None if exact is None else exact(*spans)
        return found is not None and inside(found, full(there.dtype))

    def _chosen(self, arm: Expr, cond: Expr, truth: bool) -> Span | None:
        """Of what a choice gives where its condition is so."""
        if arm.op == "lit":
            return self.span(arm)
        mark = len(self.undo)
        self.told(cond, truth)
        found = self.span(arm)
        if len(self.undo) > mark:
            self.leave(mark)
        return found

    def _within(self, x: Expr, low: int, high: int) -> Span:
        """What wraps may be anything, unless a check has shown that it does not."""
        least, most = full(x.dtype)
        if low >= least and high <= most:
            return low, high
        if x in self.exact and max(low, least) <= min(high, most):
            return max(low, least), min(high, most)
        return least, most


def _sign(k: int) -> int:
    return 1 if k > 0 else -1


@functools.cache
def _of_truths(op: str, *spans: Span) -> Span:
    """An operation on truths: all of them are tried."""
    choices = itertools.product(*([np.bool_(v) for v in (0, 1) if a <= v <= b] for a, b in spans))
    found = [int(SCALAR_OPS[op].evaluate(*choice)) for choice in choices]
    return min(found), max(found)


_UNDOING = frozenset(row.undone for row in SCALAR_OPS.values() if row.undone)
_MAY_WRAP = frozenset(row.wraps for row in SCALAR_OPS.values() if row.wraps)
