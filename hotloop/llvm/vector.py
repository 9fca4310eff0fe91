"""Loops whose iterations are the lanes of vectors: the whole body in vector mode (SPMD).

    pre:    enter = lo < hi; the trip count
    guard:  what is invariant in the loop
    main:   blocks of `width` iterations, in wide vectors that LLVM splits into several registers
    mid:    accumulators are combined down to one register
    tail:   the rest in blocks of one register, under a mask
    fin:    accumulators are combined across lanes, and with the initial values

An inner `for` runs for all lanes together; `while` runs until the last lane has left; `if` runs
both sides with masks and selects. Under a mask loads and stores are masked, so inactive lanes touch
nothing. Whatever runs under a mask has at least one active lane, or is safe without one
(`varying.needs_a_lane`); so what is uniform needs no mask.
"""

from __future__ import annotations

import numpy as np

from hotloop.llvm import frame
from hotloop.llvm.builder import UNLIKELY, iota, type_of
from hotloop.llvm.hoisting import invariants
from hotloop.llvm.target import register_bytes
from hotloop.llvm.values import BOOL, I64, UNIT, Lanes
from hotloop.llvm.varying import MOST_LANES, can_be_lanes, lanes_of, needs_a_lane, varying_names
from hotloop.llvm.vector_memory import VectorMemory
from hotloop.loops import cost
from hotloop.loops.core import (
    RESULT,
    TEMP,
    Carry,
    Check,
    For,
    If,
    Kernel,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import Expr, affine, e, lit, substitute, var
from hotloop.loops.rewrite import bound, expressions, loaded, writes
from hotloop.loops.scalar import SCALAR_OPS, identity
from hotloop.record import record


def _work(statements: list[Statement], values: list[Expr]) -> float:
    """What statements without loops cost in adds, memory apart."""
    roots = [*values, *(x for s in walk(statements) for x in expressions(s))]
    return sum(cost.own_cost(node) for node in cost.nodes(roots, set()))


def _parts(loop: For, width: int, narrow: int) -> tuple[bool, bool]:
    """Does the loop need its main, does it need its tail? Of one register (bodies so large that
    they should be there once) the tail will do for all."""
    if loop.lo.op != "lit" or loop.hi.op != "lit":
        return width != narrow, True
    trips = len(range(*(int(x.args[0]) for x in (loop.lo, loop.hi, loop.step))))
    if trips % width == 0:
        return True, False
    return width != narrow and trips > width, True


LONG = 16
"""Blocks of a loop from which on it pays to align its stores."""

WORTH_A_TEST = 8.0
"""Adds in a branch from which on it is skipped if no lane takes it: a test takes one to three
nanoseconds a block if it is guessed right or wrong half of the time, a square root as long."""

@record
class _Leaving:
    """Where a loop that may stop goes when a check fails, and the blocks that go there."""
    label: str
    blocks: list[str]


class VectorStatements(VectorMemory):

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self._leaving: _Leaving | None = None

    def loop(self, loop: For) -> None:
        if self.lanes is None and loop.lanes and can_be_lanes(loop):
            if loop.stop is not None:
                self._loop_that_stops(loop)
            else:
                self._loop_of_lanes(loop)
        else:
            super().loop(loop)

    # ---- the loop

    def _loop_of_lanes(self, loop: For) -> None:
        varying = varying_names(loop)
        width, narrow = lanes_of(loop, varying, register_bytes())
        if self.short(loop):
            width = narrow
        changed = writes(loop.body)
        step = int(loop.step.args[0])
        lo, hi = self.value(loop.lo), self.value(loop.hi)
        inits = [self.value(c.init) for c in loop.carries]
        self.forget(changed)
        guard, middle, finish, done = (self.label() for _ in range(4))
        enter, before = self._entered(lo, hi, str(step), step), self.block
        self.branch(enter, guard, done)
        self.begin(guard)
        with self.scope():
            count = self.trip_count(lo, hi, str(step), step)
            with self.in_lanes(Lanes(loop.var, "", step, width), varying):
                invariant = invariants(self, loop)
            self.before_loop(invariant)
            main, tail = _parts(loop, width, narrow)
            stop, rest = lo, count
            totals = [self._neutral(c, narrow) for c in loop.carries]
            if main:
                ahead = self._to_alignment(loop, varying, width, lo, count) if tail else ""
                whole = self._whole(count, width, ahead)
                rest = self.op(f"sub i64 {count}, {whole}")
                passed = whole if step == 1 else self.op(f"mul i64 {whole}, {step}")
                stop = self.op(f"add i64 {lo}, {passed}")
                wide = self._main(loop, varying, width, lo, stop, whole, ahead, middle)
                totals = [self._narrowed(c, v, width, narrow)
                          for c, v in zip(loop.carries, wide, strict=True)]
            if tail:
                totals = self._tail(loop, varying, narrow, stop, rest, totals, finish)
            sums = []
            for carry, init, total in zip(loop.carries, inits, totals, strict=True):
                assert carry.reduce is not None
                one = self._narrowed(carry, total, narrow, 0)
                sums.append(self.combined(carry.reduce, carry.dtype, init, one))
        last = self.block
        self.jump(done)
        self.begin(done)
        for carry, init, total in zip(loop.carries, inits, sums, strict=True):
            self.bind(carry.name, self.phi(type_of(carry.dtype), (init, before), (total, last)))
        self.forget(changed)

    def _loop_that_stops(self, loop: For) -> None:
        """Whole blocks while no check fails; whoever comes after the loop does the rest."""
        assert loop.stop is not None
        varying = varying_names(loop)
        width, _ = lanes_of(loop, varying, register_bytes())
        changed = writes(loop.body)
        step = int(loop.step.args[0])
        lo, hi = self.value(loop.lo), self.value(loop.hi)
        inits = [self.value(c.init) for c in loop.carries]
        self.forget(changed)
        guard, start, head, failed, leave, done = (self.label() for _ in range(6))
        before = self.block
        self.branch(self._entered(lo, hi, str(step), step), guard, done)
        self.begin(guard)
        with self.scope():
            count = self.trip_count(lo, hi, str(step), step)
            ahead = self._to_alignment(loop, varying, width, lo, count)
            whole = self._whole(count, width, ahead)
            few = self.block
            self.branch(self.op(f"icmp ne i64 {whole}, 0"), start, done)
            self.begin(start)
            passed = whole if step == 1 else self.op(f"mul i64 {whole}, {step}")
            end = self.op(f"add i64 {lo}, {passed}")
            with self.in_lanes(Lanes(loop.var, "", step, width), varying):
                invariant = invariants(self, loop)
            self.before_loop(invariant)
            neutral = [self._neutral(c, width) for c in loop.carries]
            first, following, by = self.name(), self.name(), self.name()
            outside, self._leaving = self._leaving, _Leaving(failed, [])
            entry = self.block
            passing = self.passing(loop, lo, width, ahead, varying)
            self.jump(head)
            self.begin(head)
            at = len(self.lines)
            i = self.counter(first)
            self.past = {s: self.name() for s in passing}
            with self.in_lanes(Lanes(loop.var, i, step, width), varying):
                phis = [self.name() for _ in loop.carries]
                for carry, phi in zip(loop.carries, phis, strict=True):
                    self.bind(carry.name, phi)
                with self.block_of(loop.body):
                    nexts = [self.vector(c.next) for c in loop.carries]
                latch = self.block
                self.lines.append(f"{following} = add i64 {i}, {by if ahead else width * step}")
                self.branch(self.op(f"icmp ne i64 {following}, {end}"), head, leave)
                if ahead:
                    self.lines.insert(at, f"{by} = phi i64 [{ahead}, %{entry}], "
                                          f"[{width}, %{latch}]")
                self.lines[at:at] = [
                    f"{first} = phi i64 [{lo}, %{entry}], [{following}, %{latch}]",
                    *self._past_phis(passing, entry, latch),
                    *self._carry_phis(loop.carries, phis, neutral, nexts, entry, latch)]
            tests, self._leaving = self._leaving.blocks, outside
            ends = [(following, nexts, latch)]
            if tests:
                self.begin(failed)
                self.jump(leave)
                ends.append((first, phis, failed))
            self.begin(leave)
            stop = self.phi(type_of(I64), *((at_, block) for at_, _, block in ends))
            totals = [self.phi(type_of(carry.dtype, width),
                               *((values[k], block) for _, values, block in ends))
                      for k, carry in enumerate(loop.carries)]
            sums: list[str] = []
            for carry, init, total in zip(loop.carries, inits, totals, strict=True):
                assert carry.reduce is not None
                one = self._narrowed(carry, total, width, 0)
                sums.append(self.combined(carry.reduce, carry.dtype, init, one))
        last = self.block
        self.jump(done)
        self.begin(done)
        self.bind(loop.stop, self.phi(type_of(I64), (lo, before), (lo, few), (stop, last)))
        for carry, init, total in zip(loop.carries, inits, sums, strict=True):
            self.bind(carry.name, self.phi(type_of(carry.dtype), (init, before), (init, few),
                                           (total, last)))
        self.forget(changed)

    def _past_phis(self, passing: dict[Store, str], entry: str, latch: str) -> list[str]:
        """Blocks that may pass the caches; the first does not. Those after the loop do not."""
        own, self.past = self.past, {}
        return [f"{own[s]} = phi i1 [false, %{entry}], [{flag}, %{latch}]"
                for s, flag in passing.items()]

    def _whole(self, count: str, width: int, ahead: str) -> str:
        """How many iterations are done in whole blocks, of which the first is `ahead` of the
        second."""
        if not ahead:
            return self.op(f"and i64 {count}, {-width}")
        rest = self.op(f"and i64 {self.op(f'sub i64 {count}, {ahead}')}, {-width}")
        whole = self.op(f"add i64 {rest}, {ahead}")
        return self.op(f"select i1 {self.op(f'icmp ult i64 {count}, {width}')}, "
                       f"i64 0, i64 {whole}")

    def _to_alignment(self, loop: For, varying: frozenset[str], width: int, lo: str,
                      count: str) -> str:
        """By how much the second block of a long loop begins after the first, so that stores lie
        in whole cache lines (those of arguments hardly ever do; out[i] = 2 * x[i] + y[i], 20000
        f64: 10.8 us, aligned 6.9). The iterations that both blocks do must be the same the second
        time. Empty: by `width`, always."""
        stores = [s for s in walk(loop.body) if isinstance(s, Store)]
        if int(loop.step.args[0]) != 1 or loop.carries or not stores or loop.once:
            return ""
        stored = {s.buffer for s in stores}
        if any(s.combine is not None for s in stores) or any(
                b in stored for s in walk(loop.body) for b in loaded(s)):
            return ""
        names = bound([loop])
        lanes = Lanes(loop.var, lo, 1, width)
        with self.in_lanes(lanes, varying):
            for s in stores:
                access = self.access(s.buffer, s.index)
                base = access.base
                if access.kind != UNIT or base.loads or not names.isdisjoint(base.free):
                    continue
                new = s.buffer.kind in (RESULT, TEMP) and base is lanes.first
                if new and not access.constant and loop.lo is lit(0):
                    return ""
                at = self.op(f"ptrtoint ptr {self.address(s.buffer, access)} to i64")
                break
            else:
                return ""
        size = s.buffer.dtype.itemsize
        line = min(register_bytes(), width * size)
        past = self.op(f"udiv i64 {self.op(f'and i64 {at}, {line - 1}')}, {size}")
        near = self.op(f"sub i64 {width}, {past}")
        long = self.op(f"icmp ugt i64 {count}, {LONG * width}")
        return self.op(f"select i1 {long}, i64 {near}, i64 {width}")

    def _main(self, loop: For, varying: frozenset[str], width: int, lo: str, stop: str,
              whole: str, ahead: str, middle: str) -> list[str]:
        """All whole blocks; leaves off in block `middle` with the accumulators."""
        start, head, before = self.label(), self.label(), self.block
        neutral = [self._neutral(c, width) for c in loop.carries]
        self.branch(self.op(f"icmp ne i64 {whole}, 0"), start, middle)
        self.begin(start)
        first, following, by = self.name(), self.name(), self.name()
        step, entry = int(loop.step.args[0]), self.block
        passing = self.passing(loop, lo, width, ahead, varying)
        self.jump(head)
        self.begin(head)
        at = len(self.lines)
        i = self.counter(first)
        self.past = {s: self.name() for s in passing}
        with self.in_lanes(Lanes(loop.var, i, step, width), varying):
            phis = [self.name() for _ in loop.carries]
            for carry, phi in zip(loop.carries, phis, strict=True):
                self.bind(carry.name, phi)
            with self.block_of(loop.body):
                nexts = [self.vector(c.next) for c in loop.carries]
            latch = self.block
            self.lines.append(f"{following} = add i64 {i}, {by if ahead else width * step}")
            self.branch(self.op(f"icmp ne i64 {following}, {stop}"), head, middle)
            if ahead:
                self.lines.insert(at, f"{by} = phi i64 [{ahead}, %{entry}], [{width}, %{latch}]")
            self.lines[at:at] = [
                f"{first} = phi i64 [{lo}, %{entry}], [{following}, %{latch}]",
                *self._past_phis(passing, entry, latch),
                *self._carry_phis(loop.carries, phis, neutral, nexts, entry, latch)]
        self.begin(middle)
        return [self.phi(type_of(c.dtype, width), (a, before), (b, latch))
                for c, a, b in zip(loop.carries, neutral, nexts, strict=True)]

    def _tail(self, loop: For, varying: frozenset[str], width: int, stop: str, rest: str,
              partial: list[str], finish: str) -> list[str]:
        """The last iterations in masked blocks; leaves off in block `finish`."""
        start, head, before = self.label(), self.label(), self.block
        self.branch(self.op(f"icmp ne i64 {rest}, 0"), start, finish)
        self.begin(start)
        step = int(loop.step.args[0])
        first, following, left, fewer = (self.name() for _ in range(4))
        entry = self.block
        self.jump(head)
        self.begin(head)
        at = len(self.lines)
        i = self.counter(first)
        lanes = Lanes(loop.var, i, step, width)
        with self.in_lanes(lanes, varying):
            phis = [self.name() for _ in loop.carries]
            for carry, phi in zip(loop.carries, phis, strict=True):
                self.bind(carry.name, phi)
            lanes.mask = mask = self._first_lanes(left, width)
            with self.block_of(loop.body):
                nexts = [self._where(mask, c.dtype, self.vector(c.next), phi)
                         for c, phi in zip(loop.carries, phis, strict=True)]
            latch = self.block
            self.lines.append(f"{following} = add i64 {i}, {width * step}")
            self.lines.append(f"{fewer} = sub i64 {left}, {width}")
            self.branch(self.op(f"icmp sgt i64 {fewer}, 0"), head, finish)
            self.lines[at:at] = [
                f"{first} = phi i64 [{stop}, %{entry}], [{following}, %{latch}]",
                f"{left} = phi i64 [{rest}, %{entry}], [{fewer}, %{latch}]",
                *self._carry_phis(loop.carries, phis, partial, nexts, entry, latch)]
        self.begin(finish)
        return [self.phi(type_of(c.dtype, width), (a, before), (b, latch))
                for c, a, b in zip(loop.carries, partial, nexts, strict=True)]

    def _first_lanes(self, count: str, width: int) -> str:
        """Mask of the first `count` > 0 lanes."""
        some = self.intrinsic("umin", type_of(I64), count, str(width))
        t = type_of(np.dtype("i8" if width <= 8 else "i4" if width <= 16 else "i1"), width)
        if t.bits < 64:
            some = self.op(f"trunc i64 {some} to {t.element}")
        return self.op(f"icmp ult {t} {iota(width, 1, t.element)}, {self.splat(some, t)}")

    def _where(self, mask: str, dtype: np.dtype, a: str, b: str) -> str:
        assert self.lanes is not None
        t = type_of(dtype, self.lanes.width)
        return self.op(f"select {t.of('?')} {mask}, {t} {a}, {t} {b}")

    # ---- accumulators

    def _neutral(self, carry: Carry, width: int) -> str:
        assert carry.reduce is not None
        value = identity(carry.reduce, carry.dtype)
        if carry.reduce == "add" and carry.dtype.kind == "f":
            value = -value                       # -0.0 is neutral for all, 0.0 not for -0.0
        return self.constant(value, type_of(carry.dtype, width))

    def _narrowed(self, carry: Carry, value: str, width: int, target: int) -> str:
        """Combine the halves of a vector until it has `target` lanes; 0: it is a scalar."""
        assert carry.reduce is not None
        while width > max(target, 1):
            half, t = width // 2, type_of(carry.dtype, width)
            low, high = (self.op(
                f"shufflevector {t} {value}, {t} poison, <{half} x i32> <"
                + ", ".join(f"i32 {k}" for k in range(first, first + half)) + ">")
                for first in (0, half))
            width = half
            value = self.combined(carry.reduce, carry.dtype, low, high, width)
        if target:
            return value
        return self.op(f"extractelement {type_of(carry.dtype, 1)} {value}, i64 0")

    # ---- control

    def check(self, check: Check) -> None:
        if self._leaving is not None:
            self._leave_unless(check.cond, self._leaving)
            return
        if self.lanes is None or not self.is_varying(check.cond):
            super().check(check)
            return
        lanes = self.lanes
        width, truth = lanes.width, type_of(np.dtype("?"), lanes.width)
        bad = self.op(f"xor {truth} {self.vector(check.cond)}, splat (i1 true)")
        if lanes.mask is not None:
            bad = self.op(f"and {truth} {bad}, {lanes.mask}")
        bits = self.mask_bits(bad, width)
        failed, passed = self.label(), self.label()
        self.branch(self.op(f"icmp eq i{width} {bits}, 0"), passed, failed, ", !prof !1")
        with self.out_of_line(failed), self.scope():
            self.declare(f"llvm.cttz.i{width}", f"i{width}", f"i{width}, i1")
            first = self.op(f"call i{width} @llvm.cttz.i{width}(i{width} {bits}, i1 false)")
            for k, operand in enumerate(check.operands):
                self.store_at(self.slot(frame.OPERANDS + k), self._lane(operand, first, width),
                              operand.dtype)
            self.leave(check.error + 1)
        self.begin(passed)

    def _leave_unless(self, cond: Expr, leaving: _Leaving) -> None:
        assert self.lanes is not None
        if cond.op == "and":
            for part in cond.args:
                self._leave_unless(part, leaving)
            return
        cond = self._of_one_lane(cond)
        value, passed = self.value(cond), self.label()
        if not self.is_varying(cond):
            self.branch(value, passed, leaving.label, ", !prof !1")
        else:
            truth = type_of(BOOL, self.lanes.width)
            bad = self.op(f"xor {truth} {value}, splat (i1 true)")
            if self.lanes.mask is not None:
                bad = self.op(f"and {truth} {bad}, {self.lanes.mask}")
            self.branch(self.any_lane(bad, self.lanes.width), leaving.label, passed, UNLIKELY)
        leaving.blocks.append(self.block)
        self.begin(passed)

    def _of_one_lane(self, cond: Expr) -> Expr:
        """A condition that holds for all lanes if it does: that of the lane which is nearest to a
        bound that grows with the lanes, or the condition itself."""
        assert self.lanes is not None
        lanes = self.lanes
        row = SCALAR_OPS.get(cond.op)
        gap = row.compares.gap if row is not None and row.compares is not None else None
        if gap is None or None not in gap or cond.args[0].dtype != I64:
            return cond
        towards = 1 if gap[0] is None else -1      # which way their difference must not go far
        own = var(lanes.var)
        factors = []
        for x in cond.args:
            terms = affine(x)[1]
            factors.append(terms.pop(own, 0))
            if any(self.is_varying(t) for t in terms):
                return cond
        growth = (factors[0] - factors[1]) * lanes.step * towards
        if not growth or abs(growth) > MOST_LANES:
            return cond
        at = lanes.first
        if growth > 0:
            at = e.add(at, lit((lanes.width - 1) * lanes.step))
        return substitute(cond, {own: at})

    def _lane(self, x: Expr, lane: str, width: int) -> str:
        value = self.value(x)
        if not self.is_varying(x):
            return value
        return self.op(f"extractelement {type_of(x.dtype, width)} {value}, i{width} {lane}")

    def if_(self, statement: If) -> None:
        if self.lanes is None or not self.is_varying(statement.cond):
            super().if_(statement)
            return
        lanes, outer = self.lanes, self.lanes.mask
        truth = type_of(np.dtype("?"), lanes.width)
        cond = self.vector(statement.cond)
        sides = []
        for statements, values in ((statement.then, [out[2] for out in statement.outs]),
                                   (statement.orelse, [out[3] for out in statement.outs])):
            mask = cond if statements is statement.then else (
                self.op(f"xor {truth} {cond}, splat (i1 true)"))
            if outer is not None:
                mask = self.op(f"and {truth} {mask}, {outer}")
            lanes.mask = mask
            skip = needs_a_lane(statements, self.varying) or any(
                not self.is_varying(load) for x in values for load in x.loads) or (
                _work(statements, values) >= WORTH_A_TEST)
            before, side, after = self.block, self.label(), self.label()
            if skip:
                self.branch(self.any_lane(mask, lanes.width), side, after)
                self.begin(side)
            with self.block_of(statements):
                texts = [self.vector(x) for x in values]
            if skip:
                end = self.block
                self.jump(after)
                self.begin(after)
                texts = [self.phi(type_of(out[1], lanes.width), ("zeroinitializer", before),
                                  (text, end))
                         for out, text in zip(statement.outs, texts, strict=True)]
            sides.append(texts)
            self.forget(writes(statements))
        lanes.mask = outer
        for (name, dtype, _, _), a, b in zip(statement.outs, *sides, strict=True):
            self.bind(name, self._where(cond, dtype, a, b))

    def while_(self, loop: While) -> None:
        if self.lanes is None or not self.is_varying(loop.cond):
            super().while_(loop)
            return
        lanes, outer = self.lanes, self.lanes.mask
        width = lanes.width
        truth = type_of(np.dtype("?"), width)
        changed = writes([loop])
        inits = [self.vector(c.init) for c in loop.carries]
        self.forget(changed)
        head, body, done = (self.label() for _ in range(3))
        self.hoist(loop)
        entry = self.block
        self.jump(head)
        self.begin(head)
        at = len(self.lines)
        phis, active = [self.name() for _ in loop.carries], self.name()
        for carry, phi in zip(loop.carries, phis, strict=True):
            self.bind(carry.name, phi)
        lanes.mask = active
        with self.block_of(loop.test):
            going = self.op(f"and {truth} {active}, {self.vector(loop.cond)}")
            self.branch(self.any_lane(going, width), body, done)
            self.begin(body)
            lanes.mask = going
            with self.block_of(loop.body):
                nexts = [self._where(going, c.dtype, self.vector(c.next), phi)
                         for c, phi in zip(loop.carries, phis, strict=True)]
        latch = self.block
        self.jump(head)
        first = outer or "splat (i1 true)"
        self.lines[at:at] = [
            f"{active} = phi {truth} [{first}, %{entry}], [{going}, %{latch}]",
            *self._carry_phis(loop.carries, phis, inits, nexts, entry, latch)]
        lanes.mask = outer
        self.begin(done)
        for carry, phi in zip(loop.carries, phis, strict=True):
            self.bind(carry.name, phi)
        self.forget(changed)
