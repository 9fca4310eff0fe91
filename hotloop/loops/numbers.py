"""How small and how large the integers of a kernel can be, as numbers.

    h in ..., beginning with 2166136261:       h is in 0..2**32 - 1, xor(h, w) too,
      t = xor(h, w)          w a u32           16777619*t below 2**57: it can't overflow
      next h = and(16777619*t, 4294967295)

`loops.intervals` knows sums and the sizes of arrays; here are masks, shifts, quotients, what is
loaded from short integers and what is stored to temporaries, by interval arithmetic. Names that
loops carry begin as what they begin with and grow until nothing changes (Cousot and Cousot, "Static
determination of dynamic properties of programs", 1976): after a few rounds at once to the next
mask of bits. Conditions of branches and checks on the way narrow what stands under them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Check,
    For,
    If,
    Kernel,
    Let,
    Nest,
    ScalarParam,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, var
from hotloop.loops.spans import (
    BINARY,
    OVERFLOWS,
    TRUTHS,
    UNARY,
    Span,
    fits,
    full,
    inside,
    join,
    of_truths,
)

SIZE = (0, 2**48)
"""Of an array's axis."""

ROUNDS, WIDE, MOST = 2, 5, 24
"""Rounds after which what grows does so in steps, and from which it may be anything; when to give
up."""

STEPS = tuple(2**k - 1 for k in (8, 16, 24, 32, 48, 62))
"""Up to where it grows at once; below 0 likewise."""

FEW = 12
"""Iterations of loops that are looked at one by one."""

DEEP = 6
"""Nested and/or/not that are looked into."""


class Numbers:
    """`span(x)` of an integer or truth, `holds(cond)`: by what is known of the names in them,
    wherever they stand."""

    def __init__(self, kernel: Kernel):
        self.names: dict[str, Span | None] = {}      # None: nothing got there so far
        self.stored: dict[Buffer, Span | None] = {}
        self.same: dict[Buffer, Buffer] = {}
        self.values: dict[str, Expr] = {}            # truths, and what checks speak about
        self.named: dict[Expr, Expr] = {}
        self.facts: dict[Expr, Span] = {}            # where it is looked at
        self.exact: dict[Expr, Span] = {}            # what does not wrap there
        self.undo: list[tuple[dict[Expr, Span], Expr, Span | None]] = []
        self.memo: dict[Expr, Span | None] = {}
        self.rounds = 0
        self.changed = False
        self.times = 1
        self._begin(kernel)
        self._settle(kernel)
        self._leave(0)

    def _begin(self, kernel: Kernel) -> None:
        for p in kernel.params:
            if isinstance(p, ScalarParam):
                self.names[p.name] = full(p.dtype)
            else:
                self.names.update((name, SIZE) for x in p.shape if x.op == "var"
                                  for name in x.free)
        unknown: set[Buffer] = set()
        for s in walk(kernel.body):
            match s:
                case Alloc():
                    self.stored.setdefault(s.buffer, None)
                    if s.over is not None:
                        self._join_buffers(s.buffer, s.over)
                case For() | While():
                    for a, b in s.swaps:
                        self._join_buffers(a, b)
                    if isinstance(s, For):
                        for b in s.private:
                            self.stored.setdefault(b, None)
                case Call():
                    unknown.update((*s.outs, *s.moved))
                    self.names.update((name, full(dtype)) for name, dtype in s.scalars)
                case Nest():
                    unknown.update(store[0] for store in s.stores)
                case Let() if s.value.dtype == BOOL or s.value.op in ("shl", "ashr"):
                    self.values[s.name] = s.value
                    self.named[s.value] = var(s.name, s.value.dtype)
                case Let() if s.value.op in ("aff", "mul", "add", "sub"):
                    self.named[s.value] = var(s.name, s.value.dtype)
        for b in list(self.stored):
            if b.kind not in (TEMP, RESULT):
                unknown.add(b)
        for b in unknown:
            self.stored[self._one(b)] = full(b.dtype)

    def _one(self, b: Buffer) -> Buffer:
        while b in self.same:
            b = self.same[b]
        return b

    def _join_buffers(self, a: Buffer, b: Buffer) -> None:
        a, b = self._one(a), self._one(b)
        if a is not b:
            both = {a.kind, b.kind} <= {TEMP, RESULT} and a.dtype == b.dtype
            self.same[a] = b
            self.stored[b] = join(self.stored.get(a), self.stored.get(b)) if both else (
                full(b.dtype))

    # ---- the rounds

    def _settle(self, kernel: Kernel) -> None:
        for self.rounds in range(MOST):
            self.changed = False
            self._leave(0)
            self._list(kernel.body)
            if not self.changed:
                return
        self.names.clear()
        self.stored = {b: full(b.dtype) for b in self.stored}

    def _fact(self, where: dict[Expr, Span], x: Expr, span: Span) -> None:
        """Until `_leave`."""
        self.undo.append((where, x, where.get(x)))
        where[x] = span
        self.memo.clear()

    def _leave(self, mark: int) -> None:
        """Forget what was found out since there were `mark` entries to undo."""
        while len(self.undo) > mark:
            where, x, before = self.undo.pop()
            if before is None:
                del where[x]
            else:
                where[x] = before
        self.memo.clear()

    def _list(self, body: list[Statement]) -> None:
        for s in body:
            match s:
                case Let():
                    if s.value.dtype.kind in "iub":
                        self._bind(s.name, self.span(s.value))
                case Store():
                    self._store(s)
                case Check():
                    self._told(s.cond, True)
                case Alloc():
                    self._room(s)
                case For():
                    self._for(s)
                case While():
                    self._loop(s, functools.partial(self._while, s), None)
                case If():
                    self._if(s)

    def _bind(self, name: str, found: Span | None) -> None:
        if name not in self.names or self.names[name] != found:
            self.names[name] = found
            self.memo.clear()

    def _room(self, s: Alloc) -> None:
        """There is no memory for more than so many elements."""
        for k, size in enumerate(s.sizes):
            others = [self.span(x) for x in s.sizes[:k] + s.sizes[k + 1:]]
            if size.op != "lit" and all(x is not None and x[0] > 0 for x in others):
                self._compared("le", size, lit(SIZE[1]))
                self._compared("ge", size, lit(0))

    def _store(self, s: Store) -> None:
        b = self._one(s.buffer)
        if b not in self.stored or b.dtype.kind not in "iu":
            return
        found = self.span(s.value) if s.combine is None else full(b.dtype)
        before = self.stored[b]
        after = join(before, found)
        if after != before:
            self.changed = True
            self.stored[b] = self._grown(before, after, b.dtype)
            self.memo.clear()

    def _if(self, s: If) -> None:
        found: list[list[Span | None]] = []
        for k, arm in enumerate((s.then, s.orelse)):
            mark = len(self.undo)
            self._told(s.cond, k == 0)
            self._list(arm)
            found.append([self.span(out[3] if k else out[2]) for out in s.outs])
            self._leave(mark)
        for out, a, b in zip(s.outs, *found, strict=True):
            if out[1].kind in "iub":
                self._bind(out[0], join(a, b))

    def _for(self, s: For) -> None:
        lo, hi = self.span(s.lo), self.span(s.hi)
        trips = None
        if lo is None or hi is None:
            self._bind(s.var, None)
        else:
            step = int(s.step.args[0]) if s.step.op == "lit" else 0
            if step > 0:
                trips = max(0, hi[1] - lo[0] + step - 1) // step
                inside = (lo[0], max(lo[0], hi[1] - 1))
            elif step < 0:
                trips = max(0, lo[1] - hi[0] - step - 1) // -step
                inside = (min(lo[1], hi[0] + 1), lo[1])
            else:
                inside = (min(lo[0], hi[0]), max(lo[1], hi[1]))
            self._bind(s.var, inside)
            if s.stop is not None:
                self._bind(s.stop, (min(lo[0], hi[0]), max(lo[1], hi[1])))
        self._list(s.first)
        few = trips is not None and trips * self.times <= FEW
        times = self.times
        self.times *= max(1, trips or 0) if few else 1
        self._loop(s, lambda: self._list(s.body), trips if few else None)
        self.times = times

    def _while(self, s: While) -> None:
        self._list(s.test)
        self._told(s.cond, True)
        self._list(s.body)

    def _loop(self, s: For | While, run: Callable[[], None], trips: int | None) -> None:
        """`trips`: how many, if few."""
        carries = [c for c in s.carries if c.dtype.kind in "iub"]
        for c in carries:
            begin = self.span(c.init)
            self._bind(c.name, join(self.names.get(c.name), begin) if trips is None else begin)
        for _ in range(1 if trips is None else trips):
            mark = len(self.undo)
            run()
            following = [self.span(c.next) for c in carries]
            self._leave(mark)
            for c, found in zip(carries, following, strict=True):
                before = self.names[c.name]
                after = join(before, found)
                if after != before:
                    if trips is None:
                        self.changed = True
                        after = self._grown(before, after, c.dtype)
                    self._bind(c.name, after)

    def _grown(self, before: Span | None, after: Span | None, dtype: np.dtype) -> Span | None:
        if before is None or after is None or self.rounds < ROUNDS:
            return after
        least, most = full(dtype)
        low, high = after
        if low < before[0]:
            low = least if self.rounds >= WIDE else next(
                (-k - 1 for k in STEPS if -k - 1 <= low), least)
        if high > before[1]:
            high = most if self.rounds >= WIDE else next((k for k in STEPS if k >= high), most)
        return max(low, least), min(high, most)

    # ---- conditions

    def _told(self, cond: Expr, truth: bool) -> None:
        """What the truth of a condition says about what is compared in it."""
        stack = [(cond, truth)]
        for _ in range(2 * DEEP):
            if not stack:
                return
            cond, truth = stack.pop()
            cond = self._named(cond)
            if cond.op == "not":
                stack.append((cond.args[0], not truth))
            elif cond.op == ("and" if truth else "or") and cond.dtype == BOOL:
                stack += [(x, truth) for x in cond.args]
            elif cond.op in _EXACT and not truth and cond.args[0].dtype == I64:
                self._no_wrap(_EXACT[cond.op](*cond.args))
            elif cond.op in _OPPOSITE and cond.args[0].dtype.kind in "iu":
                self._compared(cond.op if truth else _OPPOSITE[cond.op], *cond.args)

    def _named(self, x: Expr) -> Expr:
        while x.op == "var" and x.args[0] in self.values:
            x = self.values[x.args[0]]
        return x

    def _no_wrap(self, x: Expr) -> None:
        if x.loads or x.op == "lit":
            return
        self._fact(self.exact, x, full(x.dtype))
        found, name = self.span(x), self.named.get(x)
        if found is not None and name is not None:
            self._fact(self.facts, name, found)

    def _compared(self, op: str, a: Expr, b: Expr) -> None:
        for x, how, y in ((a, op, b), (b, _MIRRORED[op], a)):
            if how == "eq" and (there := self._there_and_back(x, y)) is not None:
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
            if how in ("lt", "le", "eq"):
                high = min(high, bound[1] - (how == "lt"))
            if how in ("gt", "ge", "eq"):
                low = max(low, bound[0] + (how == "gt"))
            if how == "ne" and bound[0] == bound[1]:
                low, high = low + (low == bound[0]), high - (high == bound[0])
            if low > high:                             # nothing gets here
                continue
            if k < 0:
                low, high = -high, -low
            low, high = -(-(low - constant * _sign(k)) // abs(k)), (
                high - constant * _sign(k)) // abs(k)
            low, high = max(low, own[0]), min(high, own[1])
            if low <= high and (low, high) != own:
                self._fact(self.facts, term, (low, high))

    def _there_and_back(self, x: Expr, y: Expr) -> Expr | None:
        """x shifted to the left, if y is that shifted back: Python's test of whether it wraps."""
        back = self._named(y)
        there = self._named(back.args[0]) if back.op == "ashr" else back
        same = there.op == "shl" and back is not there and there.args == (x, back.args[1])
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
            return self.stored.get(self._one(x.args[0]), everything) if x.dtype.kind != "b" else (
                everything)
        if x.op == "aff":
            constant, terms = affine(x)
            low = high = constant
            for t, k in terms.items():
                one = self.span(t)
                if one is None:
                    return None
                low, high = low + min(k * one[0], k * one[1]), high + max(k * one[0], k * one[1])
            return self._within(x, low, high)
        if x.op == "convert" or x.op in UNARY or x.op in BINARY or x.op in TRUTHS:
            if any(a.dtype.kind not in "iub" for a in x.args):
                return everything
            return self._operation(x, everything)
        if x.op == "select":
            cond = self.span(x.args[0])
            if cond is None:
                return None
            ends: Span | None = None
            for arm, truth in zip(x.args[1:], (True, False), strict=True):
                if truth in (bool(cond[0]), bool(cond[1])):
                    ends = join(ends, self._chosen(arm, x.args[0], truth))
            return ends
        if x.op in OVERFLOWS and x.args[0].dtype.kind in "iu":
            spans = self._operands(x)
            if spans is None:
                return None
            fits = inside(OVERFLOWS[x.op](*spans), full(x.args[0].dtype))
            return (0, 0) if fits else (0, 1)
        return everything

    def _operands(self, x: Expr) -> list[Span] | None:
        spans = [self.span(a) for a in x.args]
        found = [a for a in spans if a is not None]
        return found if len(found) == len(spans) else None

    def _operation(self, x: Expr, everything: Span) -> Span | None:
        spans = self._operands(x)
        if spans is None:
            return None
        if x.op == "eq" and any(self._fits_shifted(a, b) for a, b in (x.args, x.args[::-1])):
            return 1, 1
        if x.op in TRUTHS:
            return TRUTHS[x.op](*spans)
        if x.dtype.kind == "b":
            return of_truths(x.op, *spans) if all(a.dtype == BOOL for a in x.args) else (
                everything)
        if x.op == "convert":
            return spans[0] if inside(spans[0], everything) else everything
        found = UNARY[x.op](*spans) if x.op in UNARY else BINARY[x.op](*spans)
        return everything if found is None else self._within(x, *found)

    def _fits_shifted(self, x: Expr, y: Expr) -> bool:
        there = self._there_and_back(x, y)
        spans = None if there is None else self._operands(there)
        if there is None or spans is None:
            return False
        found = BINARY["shl"](*spans)
        return found is not None and inside(found, full(there.dtype))

    def _chosen(self, arm: Expr, cond: Expr, truth: bool) -> Span | None:
        """Of what a choice gives where its condition is so."""
        if arm.op == "lit":
            return self.span(arm)
        mark = len(self.undo)
        self._told(cond, truth)
        found = self.span(arm)
        if len(self.undo) > mark:
            self._leave(mark)
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


_EXACT: dict[str, Callable[[Expr, Expr], Expr]] = {
    "add_overflows": e.add, "sub_overflows": e.sub, "mul_overflows": e.mul}

_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
_MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
