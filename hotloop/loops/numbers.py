"""How small and how large the integers of a kernel can be, as numbers.

    h in ..., beginning with 2166136261:       h is in 0..2**32 - 1, xor(h, w) too,
      t = xor(h, w)          w a u32           16777619*t below 2**57: it can't overflow
      next h = and(16777619*t, 4294967295)

`loops.intervals` knows sums and the sizes of arrays; here are masks, shifts, quotients, what is
loaded from short integers and what is stored to temporaries, by interval arithmetic. Names that
loops carry begin as what they begin with and grow until nothing changes (Cousot and Cousot, "Static
determination of dynamic properties of programs", 1976): after a few rounds at once to the next
mask of bits. Conditions of branches and checks on the way narrow what stands under them
(`loops.conditions`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from hotloop.loops.conditions import Conditions
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
from hotloop.loops.expr import lit
from hotloop.loops.spans import Span, full, join

SIZE = (0, 2**48)
"""Of an array's axis."""

ROUNDS, WIDE, MOST = 2, 5, 24
"""Rounds after which what grows does so in steps, and from which it may be anything; when to give
up."""

STEPS = tuple(2**k - 1 for k in (8, 16, 24, 32, 48, 62))
"""Up to where it grows at once; below 0 likewise."""

FEW = 12
"""Iterations of loops that are looked at one by one."""


class Numbers(Conditions):
    """`span(x)` of an integer or truth, `holds(cond)`: by what is known of the names in them,
    wherever they stand."""

    def __init__(self, kernel: Kernel):
        super().__init__()
        self.stored: dict[Buffer, Span | None] = {}
        self.same: dict[Buffer, Buffer] = {}
        self.rounds = 0
        self.changed = False
        self.times = 1
        self._begin(kernel)
        self._settle(kernel)
        self.leave(0)

    def loaded(self, buffer: Buffer) -> Span | None:
        return self.stored.get(self._one(buffer), full(buffer.dtype))

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
                case Let():
                    self.name(s.name, s.value)
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
            self.leave(0)
            self._list(kernel.body)
            if not self.changed:
                return
        self.names.clear()
        self.stored = {b: full(b.dtype) for b in self.stored}

    def _list(self, body: list[Statement]) -> None:
        for s in body:
            match s:
                case Let():
                    if s.value.dtype.kind in "iub":
                        self.bind(s.name, self.span(s.value))
                case Store():
                    self._store(s)
                case Check():
                    self.told(s.cond, True)
                case Alloc():
                    self._room(s)
                case Call():
                    self._filled(s)
                case For():
                    self._for(s)
                case While():
                    self._loop(s, functools.partial(self._while, s), None)
                case If():
                    self._if(s)

    def _room(self, s: Alloc) -> None:
        """There is no memory for more than so many elements. The size may be negative: of what a
        loop needs that does not run."""
        for k, size in enumerate(s.sizes):
            others = [self.span(x) for x in s.sizes[:k] + s.sizes[k + 1:]]
            if size.op != "lit" and all(x is not None and x[0] > 0 for x in others):
                self.compared("le", size, lit(SIZE[1]))

    def _filled(self, s: Call) -> None:
        """What a call makes has sizes."""
        for buffer in s.outs:
            for size in buffer.shape:
                if size.op != "lit":
                    self.compared("ge", size, lit(0))

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
            self.told(s.cond, k == 0)
            self._list(arm)
            found.append([self.span(out[3] if k else out[2]) for out in s.outs])
            self.leave(mark)
        for out, a, b in zip(s.outs, *found, strict=True):
            if out[1].kind in "iub":
                self.bind(out[0], join(a, b))

    def _for(self, s: For) -> None:
        lo, hi = self.span(s.lo), self.span(s.hi)
        trips = None
        if lo is None or hi is None:
            self.bind(s.var, None)
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
            self.bind(s.var, inside)
            if s.stop is not None:
                self.bind(s.stop, (min(lo[0], hi[0]), max(lo[1], hi[1])))
        self._list(s.first)
        few = trips is not None and trips * self.times <= FEW
        times = self.times
        self.times *= max(1, trips or 0) if few else 1
        self._loop(s, lambda: self._list(s.body), trips if few else None)
        self.times = times

    def _while(self, s: While) -> None:
        self._list(s.test)
        self.told(s.cond, True)
        self._list(s.body)

    def _loop(self, s: For | While, run: Callable[[], None], trips: int | None) -> None:
        """`trips`: how many, if few."""
        carries = [c for c in s.carries if c.dtype.kind in "iub"]
        for c in carries:
            begin = self.span(c.init)
            self.bind(c.name, join(self.names.get(c.name), begin) if trips is None else begin)
        for _ in range(1 if trips is None else trips):
            mark = len(self.undo)
            run()
            following = [self.span(c.next) for c in carries]
            self.leave(mark)
            for c, found in zip(carries, following, strict=True):
                before = self.names[c.name]
                after = join(before, found)
                if after != before:
                    if trips is None:
                        self.changed = True
                        after = self._grown(before, after, c.dtype)
                    self.bind(c.name, after)

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
