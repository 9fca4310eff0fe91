"""Statements as LLVM blocks, in scalar code: correct for everything; `llvm.vector` adds lanes.

A loop becomes

    pre:    enter = lo < hi                        done is reached with the initial values
    guard:  what is invariant in the loop          so nothing is loaded that the loop would not
    head:   phis of counter, carries, pointers; the body; next values; again?
    exit:
    done:   phis of the carries' last values

Temporaries (`llvm.memory`) belong to the statement list they are allocated in: freed at its end,
and by every exit that a failing check takes. Calls: `llvm.calls`; invariants: `llvm.hoisting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from hotloop.errors import InternalError
from hotloop.llvm import frame
from hotloop.llvm.builder import LIKELY, type_of
from hotloop.llvm.calls import Calls
from hotloop.llvm.hoisting import Invariants, invariants
from hotloop.llvm.instructions import ROWS
from hotloop.llvm.leaving import Flag, chosen, flag_of, given, last_branch
from hotloop.llvm.memory import swapped
from hotloop.llvm.values import I64
from hotloop.loops.core import (
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    For,
    Free,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import BOOL, Expr, var
from hotloop.loops.rewrite import writes
from hotloop.loops.scalar import rounds


class Statements(Calls):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.quick = False
        self._emitters: dict[type, Callable[..., None]] = {
            Let: self.let, Store: self.store, For: self.loop, While: self.while_, If: self.if_,
            Check: self.check, Call: self.call, Alloc: self.alloc,
            Free: self.free}

    def run(self, statements: list[Statement]) -> None:
        for statement in statements:
            emitter = self._emitters.get(type(statement))
            if emitter is None:
                raise InternalError(f"a {type(statement).__name__} reached the emitter")
            emitter(statement)

    @contextmanager
    def block_of(self, statements: list[Statement]) -> Iterator[None]:
        """The statements, what is emitted inside the `with`, then the end of the list: its
        temporaries are freed."""
        with self.owner(), self.scope():
            self.run(statements)
            yield

    # ---- simple statements

    def let(self, statement: Let) -> None:
        self.bind(statement.name, self.bound_value(statement.name, statement.value))

    def store(self, store: Store) -> None:
        access = self.access(store.buffer, store.index)
        value = self.value(store.value)
        at = self.address(store.buffer, access)
        if store.combine is not None:
            old = self.load_at(at, store.buffer.dtype)
            value = self.combined(store.combine, store.buffer.dtype, old, value)
        self.store_at(at, value, store.buffer.dtype)
        self.forget([store.buffer])

    def combined(self, name: str, dtype: np.dtype, old: str, new: str, width: int = 0) -> str:
        """One step of a reduction; the new value comes first, so that the chain through the old
        one is short (see minimum and maximum)."""
        return ROWS[name](self, type_of(dtype, width), (new, old), (None, None))

    def check(self, check: Check) -> None:
        failed, passed = self.label(), self.label()
        self.branch(self.value(check.cond), passed, failed, LIKELY)
        with self.out_of_line(failed), self.scope():
            for k, operand in enumerate(check.operands):
                self.store_at(self.slot(frame.OPERANDS + k), self.value(operand), operand.dtype)
            self.leave(check.error + 1)
        self.begin(passed)

    # ---- loops

    def short(self, loop: For) -> bool:
        """May the code of a loop be short? Quick code is, where lanes and parts change no bits."""
        return self.quick and not any(
            c.reduce is not None and rounds(c.reduce, c.dtype) for c in loop.carries)

    def loop(self, loop: For) -> None:
        if loop.stop is not None:           # it may end early, and is worth something in lanes only
            self.bind(loop.stop, self.value(loop.lo))
            for carry in loop.carries:
                self.bind(carry.name, self.bound_value(carry.name, carry.init))
            return
        changed = writes([loop])
        lo, hi, step = self.value(loop.lo), self.value(loop.hi), self.value(loop.step)
        inits = [self.bound_value(c.name, c.init) for c in loop.carries]
        self.forget(changed)
        guard, head, leave, done = (self.label() for _ in range(4))
        stride = int(loop.step.args[0]) if loop.step.op == "lit" else None
        enter = self._entered(lo, hi, step, stride)
        before = self.block
        outer = dict(self.pointers)
        self.branch(enter, guard, done)
        self.begin(guard)
        with self.scope():
            # A counter that steps by one is compared with its bound, any other is counted down:
            # it might pass the bound and wrap.
            count = "" if stride == 1 else self.trip_count(lo, hi, step, stride)
            self.hoist(loop)
            entry = self.block
            self.jump(head)
            self.begin(head)
            at = len(self.lines)
            start, following, left, still = (self.name() for _ in range(4))
            i = self.counter(start)
            phis = [self.name() for _ in loop.carries]
            moving = self._enter_pointers([loop])
            self.bind(loop.var, i)
            for carry, phi in zip(loop.carries, phis, strict=True):
                self.bind(carry.name, phi)
            with self.block_of(loop.body):
                nexts = [self.bound_value(c.name, c.next) for c in loop.carries]
                self._swap(loop.swaps)
            latch = self.block
            self.lines.append(f"{following} = add i64 {i}, {step}")
            if count:
                self.lines.append(f"{still} = sub i64 {left}, 1")
                again = self.op(f"icmp ne i64 {still}, 0")
            else:
                again = self.op(f"icmp slt i64 {following}, {hi}")
            if loop.until is not None:
                stop = nexts[[c.name for c in loop.carries].index(loop.until)]
                again = self.op(f"and i1 {again}, {self.op(f'xor i1 {stop}, true')}")
            self.branch(again, head, leave)
            counters = [f"{start} = phi i64 [{lo}, %{entry}], [{following}, %{latch}]"]
            if count:
                counters.append(f"{left} = phi i64 [{count}, %{entry}], [{still}, %{latch}]")
            self.lines[at:at] = (
                counters + self._carry_phis(loop.carries, phis, inits, nexts, entry, latch)
                + self._pointer_phis(moving, outer, entry, latch))
        self.begin(leave)
        self.jump(done)
        self.begin(done)
        for carry, init, following in zip(loop.carries, inits, nexts, strict=True):
            t = self.bound_type(carry.name, carry.dtype)
            self.bind(carry.name, self.phi(t, (init, before), (following, leave)))
        for buffer in moving:
            self.pointers[buffer] = self.phi(
                "ptr", (outer[buffer], before), (self.pointers[buffer], leave))
        self.forget(changed)

    def _carry_phis(self, carries: list[Carry], phis: list[str], inits: list[str],
                    nexts: list[str], entry: str, latch: str) -> list[str]:
        return [f"{phi} = phi {self.bound_type(c.name, c.dtype)} [{a}, %{entry}], [{b}, %{latch}]"
                for c, phi, a, b in zip(carries, phis, inits, nexts, strict=True)]

    def _entered(self, lo: str, hi: str, step: str, stride: int | None) -> str:
        if stride is not None:
            return self.op(f"icmp {'slt' if stride > 0 else 'sgt'} i64 {lo}, {hi}")
        up = self.op(f"icmp sgt i64 {step}, 0")
        below = self.op(f"icmp slt i64 {lo}, {hi}")
        return self.op(f"select i1 {up}, i1 {below}, i1 {self.op(f'icmp sgt i64 {lo}, {hi}')}")

    def trip_count(self, lo: str, hi: str, step: str, stride: int | None) -> str:
        """Number of iterations of a loop that has some: an unsigned i64, exact for all bounds."""
        if stride is None:
            up = self.op(f"icmp sgt i64 {step}, 0")
            ahead, back = self.op(f"sub i64 {hi}, {lo}"), self.op(f"sub i64 {lo}, {hi}")
            distance = self.op(f"select i1 {up}, i64 {ahead}, i64 {back}")
            by = self.intrinsic("abs", type_of(I64), step, extra="i1 false")
            by = self.intrinsic("umax", type_of(I64), by, "1")
        else:
            first, last = (lo, hi) if stride > 0 else (hi, lo)
            distance, by = self.op(f"sub i64 {last}, {first}"), str(abs(stride))
        if by == "1":
            return distance
        whole = self.op(f"udiv i64 {self.op(f'sub i64 {distance}, 1')}, {by}")
        return self.op(f"add i64 {whole}, 1")

    def while_(self, loop: While) -> None:
        flag = flag_of(loop) if self.lanes is None else None
        if flag is not None:
            self.while_not(loop, flag)
            return
        changed = writes([loop])
        inits = [self.bound_value(c.name, c.init) for c in loop.carries]
        self.forget(changed)
        head, done = self.label(), self.label()
        self.hoist(loop)
        entry, outer = self.block, dict(self.pointers)
        self.jump(head)
        self.begin(head)
        at = len(self.lines)
        phis = [self.name() for _ in loop.carries]
        moving = self._enter_pointers([loop])
        for carry, phi in zip(loop.carries, phis, strict=True):
            self.bind(carry.name, phi)
        with ExitStack() as lists:
            for statements, cond, truth in _tests(loop):
                lists.enter_context(self.block_of(statements))
                passed = self.label()
                left = {buffer: self.pointers[buffer] for buffer in moving}
                self.branch(self.value(cond), passed, done)
                self.begin(passed)
                if truth:
                    self.bind(truth, "true")
            with self.block_of(loop.body):
                nexts = [self.bound_value(c.name, c.next) for c in loop.carries]
                self._swap(loop.swaps)
        latch = self.block
        self.jump(head)
        self.lines[at:at] = (
            self._carry_phis(loop.carries, phis, inits, nexts, entry, latch)
            + self._pointer_phis(moving, outer, entry, latch))
        self.begin(done)
        for carry, phi in zip(loop.carries, phis, strict=True):
            self.bind(carry.name, phi)
        self.pointers.update(left)
        self.forget(changed)

    def while_not(self, loop: While, flag: Flag) -> None:
        """A loop that a flag ends (`llvm.leaving`)."""
        changed = writes([loop])
        carries = [c for c in loop.carries if c is not flag.carry]
        inits = [self.value(c.init) for c in carries]
        self.forget(changed)
        head, done = self.label(), self.label()
        self.hoist(loop)
        again = [(inits, self.block)]
        leaving: list[tuple[str, list[str], str]] = []       # flag, values, from where
        self.jump(head)
        self.begin(head)
        at = len(self.lines)
        phis = [self.name() for _ in carries]
        for carry, phi in zip(carries, phis, strict=True):
            self.bind(carry.name, phi)
        self.bind(flag.carry.name, "false")
        with self.block_of(loop.test):
            if flag.others is not None:
                passed, test = self.label(), self.value(flag.others)
                leaving.append(("false", phis, self.block))
                self.branch(test, passed, done)
                self.begin(passed)
            self._to_the_end(loop.body, [flag.carry.next, *(c.next for c in carries)], flag, head,
                             done, again, leaving)
        self.lines[at:at] = [
            f"{phi} = phi {type_of(c.dtype)} " + ", ".join(
                f"[{texts[k]}, %{block}]" for texts, block in again)
            for k, (c, phi) in enumerate(zip(carries, phis, strict=True))]
        self.begin(done)
        for k, c in enumerate([flag.carry, *carries]):
            ends = [((x, *texts)[k], block) for x, texts, block in leaving]
            # a loop that never ends leaves a block that nothing reaches
            self.bind(c.name, self.phi(type_of(c.dtype), *ends) if ends else ("false", *inits)[k])
        self.forget(changed)

    def _to_the_end(self, body: list[Statement], nexts: list[Expr], flag: Flag, head: str,
                    done: str, again: list[tuple[list[str], str]],
                    leaving: list[tuple[str, list[str], str]]) -> None:
        """The rest of an iteration, and where it goes; `nexts`: the flag's value, then others'."""
        branch = last_branch(body, nexts[0])
        if branch is not None:
            with self.block_of(body[:-1]):
                yes, no = self.label(), self.label()
                self.branch(self.value(branch.cond), yes, no)
                for label, arm, then in ((yes, branch.then, True), (no, branch.orelse, False)):
                    self.begin(label)
                    self._to_the_end(arm, given(branch, then, nexts), flag, head, done, again,
                                     leaving)
            return
        with self.block_of(body):
            last, others = chosen(body, nexts, var(flag.carry.name, BOOL))
            leave, *texts = [self.value(x) for x in last]
            if leave != "true":
                again.append(([self.value(x) for x in others[1:]], self.block))
            if leave != "false":
                leaving.append(("true", texts, self.block))
            if leave in ("true", "false"):
                self.jump(done if leave == "true" else head)
            else:
                self.branch(leave, done, head)

    # ---- pointers that a loop permutes

    def _enter_pointers(self, statements: list[Statement]) -> dict[Buffer, str]:
        """Buffers whose memory the statements exchange, each with the name of its phi."""
        moving = {b: self.name() for b in sorted(swapped(statements), key=lambda b: b.name)
                  if b in self.pointers}
        self.pointers.update(moving)
        return moving

    def _pointer_phis(self, moving: dict[Buffer, str], outer: dict[Buffer, str], entry: str,
                      latch: str) -> list[str]:
        return [f"{phi} = phi ptr [{outer[b]}, %{entry}], [{self.pointers[b]}, %{latch}]"
                for b, phi in moving.items()]

    def _swap(self, swaps: Iterable[tuple[Buffer, Buffer]]) -> None:
        self.pointers.update({left: self.pointers[right] for left, right in swaps})

    # ---- branches

    def if_(self, statement: If) -> None:
        if statement.likely:
            self.likely(statement)
            return
        yes, no, done = (self.label() for _ in range(3))
        self.branch(self.value(statement.cond), yes, no)
        outer = dict(self.pointers)
        ends: list[tuple[str, dict[Buffer, str], list[str]]] = []
        for label, statements, k in ((yes, statement.then, 2), (no, statement.orelse, 3)):
            self.pointers = dict(outer)
            self.begin(label)
            with self.block_of(statements):
                values = [self.bound_value(out[0], out[k])  # type: ignore[arg-type]
                          for out in statement.outs]
            ends.append((self.block, self.pointers, values))
            self.jump(done)
        self.begin(done)
        (b1, p1, v1), (b2, p2, v2) = ends
        self.pointers = {}
        for buffer in [*p1, *(b for b in p2 if b not in p1)]:     # results may be allocated here
            x, y = p1.get(buffer, "null"), p2.get(buffer, "null")
            self.pointers[buffer] = x if x == y else self.phi("ptr", (x, b1), (y, b2))
        for (name, dtype, _, _), x, y in zip(statement.outs, v1, v2, strict=True):
            self.bind(name, self.phi(self.bound_type(name, dtype), (x, b1), (y, b2)))
        self.forget(writes(statement.then) | writes(statement.orelse))

    def likely(self, statement: If) -> None:
        """The other arm stands at the end of the function; it allocates nothing that stays."""
        cond = self.value(statement.cond)
        usual = [self.bound_value(out[0], out[2]) for out in statement.outs]
        before, cold, done = self.block, self.label(), self.label()
        self.branch(cond, done, cold, LIKELY)
        with self.out_of_line(cold):
            with self.block_of(statement.orelse):
                values = [self.bound_value(out[0], out[3]) for out in statement.outs]
            end = self.block
            self.jump(done)
        self.begin(done)
        for (name, dtype, _, _), x, y in zip(statement.outs, usual, values, strict=True):
            self.bind(name, self.phi(self.bound_type(name, dtype), (x, before), (y, end)))
        self.forget(writes(statement.orelse))

    def hoist(self, loop: For | While) -> None:
        """Emit, before the loop, what does not change in it."""
        self.before_loop(invariants(self, loop))

    def before_loop(self, found: Invariants) -> None:
        for node in found.values:
            self.value(node)
        for buffer, part in found.rows:
            self.row(buffer, part)


def _tests(loop: While) -> Iterator[tuple[list[Statement], Expr, str]]:
    """The test in parts, each with the condition without which the loop is left, and the name that
    is true if it holds. `a and b` has two: what b loads need not be loaded again in the body."""
    statements, cond = loop.test, loop.cond
    while statements and isinstance(last := statements[-1], If) and len(last.outs) == 1:
        name, _, then, orelse = last.outs[0]
        if cond.op != "var" or cond.args[0] != name or last.orelse or not (
                orelse.op == "lit" and not orelse.args[0]) or not all(
                isinstance(s, Let | Check | If) for s in walk(last.then)):
            break
        yield statements[:-1], last.cond, name
        statements, cond = last.then, then
    yield statements, cond, ""
