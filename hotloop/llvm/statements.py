"""Statements as LLVM blocks, in scalar code: correct for everything; `llvm.vector` adds lanes.

A loop becomes

    pre:    enter = lo < hi                        done is reached with the initial values
    guard:  what is invariant in the loop          so nothing is loaded that the loop would not
    head:   phis of counter, carries, pointers; the body; next values; again?
    exit:
    done:   phis of the carries' last values

Temporaries belong to the statement list they are allocated in: freed at its end, and by every exit
that a failing check takes. Small ones of constant size lie on the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from hotloop.errors import InternalError
from hotloop.llvm import bits, foreign, frame
from hotloop.llvm.builder import LIKELY, UNLIKELY, type_of
from hotloop.llvm.instructions import ROWS
from hotloop.llvm.values import I64, Values, first_of
from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    ErrorSite,
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
from hotloop.loops.expr import Expr, affine, from_affine, operands
from hotloop.loops.foreign import ROUTINES
from hotloop.loops.library import KEYED
from hotloop.loops.reuse import size_of, small
from hotloop.loops.rewrite import bound, writes
from hotloop.loops.scalar import rounds
from hotloop.ops import generators
from hotloop.record import record

INLINE = 3
"""Temporaries that each exit gives back by itself."""


class Statements(Values):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel, self.watched = kernel, bool(kernel.watched)
        self.quick = False
        self._owned: list[list[Buffer]] = []
        self._borrowed: set[Buffer] = set()     # on the stack, or in another one's memory
        self._exits: dict[tuple[str, str], str] = {}    # blocks that give memory back, then return
        self._code = ""                                 # where these find what to return
        self._swapped = swapped(kernel.body)
        self.moving = bool(self._swapped)
        self.lent: dict[Buffer, int] = {}       # parameters that move, and their slots
        self.constants: dict[str, None] = {}
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
        self._owned.append([])
        with self.scope():
            self.run(statements)
            yield
        for buffer in self._owned.pop():
            self._give_back(buffer)
            del self.pointers[buffer]

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

    def leave(self, code: int | str) -> None:
        """Return from the kernel in the middle of it. Blocks that give memory back are shared: with
        a list of releases at each of n exits, the text would grow as n * n."""
        self.hand_back()
        held = [self.pointers[b] for owned in self._owned for b in owned
                if b not in self._borrowed]
        if len(held) <= INLINE:
            self._give(held)
            self.lines.append(f"ret i64 {code}")
            return
        if not self._code:
            self._code = self.stack(8)
        self.lines.append(f"store i64 {code}, ptr {self._code}")
        self.jump(self._exit(held))

    def hand_back(self) -> None:
        """The memory of parameters that may have moved goes to the caller, whatever happened."""
        for buffer, slot in self.lent.items():
            self.lines.append(f"store ptr {self.pointers[buffer]}, ptr {self.slot(slot)}")

    def _exit(self, held: list[str]) -> str:
        """The block that gives back what these point to, and returns."""
        at = ""
        for pointer in held:
            label = self._exits.get((at, pointer))
            if label is None:
                label = self._exits[at, pointer] = self.label()
                with self.out_of_line(label):
                    self._give([pointer])
                    if at:
                        self.jump(at)
                    else:
                        self.lines.append(f"ret i64 {self.op(f'load i64, ptr {self._code}')}")
            at = label
        return at

    # ---- memory

    def alloc(self, statement: Alloc) -> None:
        buffer = statement.buffer
        if buffer.kind == RESULT:
            self._alloc_result(buffer, statement.sizes)
        elif statement.over is not None:
            self.pointers[buffer] = self.pointers[statement.over]
            self._borrowed.add(buffer)
            self._owned[-1].append(buffer)
        elif buffer.kind == TEMP:
            self._alloc_temp(statement)
        else:
            raise InternalError(f"an alloc of the argument {buffer!r}")

    def free(self, statement: Free) -> None:
        buffer = statement.buffer
        self._give_back(buffer)
        self._owned[-1].remove(buffer)
        del self.pointers[buffer]
        self.forget([buffer])

    def _alloc_result(self, buffer: Buffer, sizes: tuple[Expr, ...]) -> None:
        dims = self.stack(8 * max(1, len(sizes)))
        for k, dim in enumerate(sizes):
            at = self.op(f"getelementptr i64, ptr {dims}, i64 {k}")
            self.lines.append(f"store i64 {self.value(dim)}, ptr {at}")
        function = self.op(f"load ptr, ptr {self.slot(frame.ALLOC)}")
        memory = self.op(f"call ptr {function}(ptr %frame, i64 {buffer.index}, ptr {dims})")
        self._leave_if_null(memory, frame.RAISED)
        self.pointers[buffer] = memory

    def _leave_if_null(self, pointer: str, code: int) -> None:
        failed, passed = self.label(), self.label()
        self.branch(self.op(f"icmp eq ptr {pointer}, null"), failed, passed, UNLIKELY)
        with self.out_of_line(failed):
            self.leave(code)
        self.begin(passed)

    def _alloc_temp(self, statement: Alloc) -> None:
        buffer = statement.buffer
        size, _ = size_of(statement)
        if small(statement) and buffer not in self._swapped:
            self.pointers[buffer] = self.stack(max(size, 1))
            self._borrowed.add(buffer)
            self._owned[-1].append(buffer)
            return
        dims = [d for d in statement.sizes if d.op != "lit"]
        self.pointers[buffer] = self._memory(size, dims)
        self._owned[-1].append(buffer)

    def _memory(self, size: int, dims: list[Expr]) -> str:
        """Memory of `size` times `dims` bytes; leaves if there is none."""
        total, overflow = str(size), ""
        if size:
            self.declare("llvm.umul.with.overflow.i64", "{i64, i1}", "i64, i64")
            self.declare("llvm.smax.i64", "i64", "i64, i64")
            for dim in dims:
                # below 0: of memory allocated before a loop that has no iterations then
                extent = self.op(f"call i64 @llvm.smax.i64(i64 {self.value(dim)}, i64 0)")
                pair = self.op("call {i64, i1} @llvm.umul.with.overflow.i64"
                               f"(i64 {total}, i64 {extent})")
                total = self.op(f"extractvalue {{i64, i1}} {pair}, 0")
                flag = self.op(f"extractvalue {{i64, i1}} {pair}, 1")
                overflow = self.op(f"or i1 {overflow}, {flag}") if overflow else flag
        if overflow:                            # nobody gives that many bytes
            total = self.op(f"select i1 {overflow}, i64 {2**63 - 1}, i64 {total}")
        # whole cache lines, at least one: vectors do not straddle them
        memory = self.op(f"call noalias ptr {self.external('pool:take')}(i64 {total})")
        self._leave_if_null(memory, self._memory_error())
        return memory

    def _grow(self, buffer: Buffer, old: Expr, new: Expr) -> None:
        """Move a temporary to memory of `new` rows, zeros behind the `old` ones, if it needs it."""
        kept, rows, pointer = self.value(old), self.value(new), self.pointers[buffer]
        more, done = self.label(), self.label()
        before = self.block
        self.branch(self.op(f"icmp sgt i64 {rows}, {kept}"), more, done, UNLIKELY)
        with self.out_of_line(more), self.scope():
            row = buffer.dtype.itemsize
            for dim in buffer.shape[1:]:
                if dim.op == "lit":
                    row *= int(dim.args[0])
            dims = [d for d in buffer.shape[1:] if d.op != "lit"]
            memory = self._memory(row, [new, *dims])
            size = str(row)
            for dim in dims:
                size = self.op(f"mul i64 {size}, {self.value(dim)}")
            used = self.op(f"mul i64 {size}, {kept}")
            rest = self.op(f"sub i64 {self.op(f'mul i64 {size}, {rows}')}, {used}")
            self.declare("llvm.memcpy.p0.p0.i64", "void", "ptr, ptr, i64, i1")
            self.declare("llvm.memset.p0.i64", "void", "ptr, i8, i64, i1")
            give = self.external("pool:give")
            behind = self.op(f"getelementptr i8, ptr {memory}, i64 {used}")
            self.lines += [
                "call void @llvm.memcpy.p0.p0.i64"
                f"(ptr {memory}, ptr {pointer}, i64 {used}, i1 false)",
                f"call void @llvm.memset.p0.i64(ptr {behind}, i8 0, i64 {rest}, i1 false)",
                f"call void {give}(ptr {pointer})"]
            end = self.block
            self.jump(done)
        self.begin(done)
        self.pointers[buffer] = self.phi("ptr", (pointer, before), (memory, end))

    def _memory_error(self) -> int:
        errors = self.kernel.errors
        for k, site in enumerate(errors):
            if site.exception is MemoryError:
                return k + 1
        errors.append(ErrorSite(MemoryError, "no memory for a temporary array", None))
        return len(errors)

    def _give_back(self, buffer: Buffer) -> None:
        if buffer not in self._borrowed:
            self._give([self.pointers[buffer]])

    def _give(self, pointers: list[str]) -> None:
        for pointer in pointers:
            self.lines.append(f"call void {self.external('pool:give')}(ptr {pointer})")

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

    # ---- calls

    def call(self, call: Call) -> None:
        if call.routine is None:
            self._call_back(call)
        elif call.routine in generators.FUNCTIONS or call.routine.startswith(KEYED):
            self._draw(call)
        elif call.routine == "grow":
            self._grow(*call.ins)  # type: ignore[arg-type]
        elif call.routine == "invoke":
            self._invoke(call)
        elif call.routine in ROUTINES:
            foreign.emit(self, call)
        else:
            raise InternalError(f"no routine {call.routine!r}")
        self.forget(call.outs)

    def _call_back(self, call: Call) -> None:
        """Operands in cells: pointer and dims of a buffer, the bits of a scalar."""
        items = [*call.ins, *call.outs]
        size = sum(1 + len(x.shape) if isinstance(x, Buffer) else 1 for x in items)
        cells = self.stack(8 * max(1, size + len(call.scalars)))
        at = 0

        def cell() -> str:
            nonlocal at
            at += 1
            return self.op(f"getelementptr i64, ptr {cells}, i64 {at - 1}")
        for item in items:
            if isinstance(item, Expr):
                value = self.value(item)
                self.store_at(cell(), value, item.dtype)
                continue
            if item.strides is not None:
                raise InternalError(f"a call-back takes the strided buffer {item!r}")
            self.lines.append(f"store ptr {self.pointers[item]}, ptr {cell()}")
            for dim in item.shape:
                self.lines.append(f"store i64 {self.value(dim)}, ptr {cell()}")
        results = [cell() for _ in call.scalars]
        function = self.op(f"load ptr, ptr {self.slot(frame.CALL)}")
        before = self.flags() if self.watched else ""
        status = self.op(f"call i64 {function}(ptr %frame, i64 {call.site}, ptr {cells})")
        if before:
            self.set_flags(self.op(f"or i32 {before}, {self.flags()}"))
        failed, passed = self.label(), self.label()
        self.branch(self.op(f"icmp eq i64 {status}, 0"), passed, failed, LIKELY)
        with self.out_of_line(failed):
            self.leave(frame.RAISED)
        self.begin(passed)
        for (name, dtype), address in zip(call.scalars, results, strict=True):
            self.bind(name, self.load_at(address, dtype))

    def _draw(self, call: Call) -> None:
        """A C function on the bit generator whose address is the first operand, or on one that
        takes its bits from the key which that is."""
        source, *operands = (self.value(x) for x in call.ins)  # type: ignore[arg-type]
        types = [type_of(x.dtype) for x in call.ins[1:]]
        routine = call.routine or ""
        if routine.startswith(KEYED):
            stream, _, routine = routine.removeprefix(KEYED).partition("_")
            place = bits.source(self, source, int(stream))
            self.constants[bits.FUNCTIONS] = None
        else:
            place = self.op(f"inttoptr i64 {source} to ptr")
        given = [f"ptr {place}", *(f"{t} {x}" for t, x in zip(types, operands, strict=True))]
        if "S" in generators.FUNCTIONS[routine][1]:
            given.append(f"ptr {bits.scratch(self)}")
        (name, dtype), = call.scalars
        function = self.external(f"numpy:{routine}")
        self.bind(name, self.op(f"call {type_of(dtype)} {function}({', '.join(given)})"))

    def flags(self) -> str:
        """The register of floating-point flags, of which a call-back sets and clears some."""
        cell = self.stack(4)
        self.declare("llvm.x86.sse.stmxcsr", "void", "ptr")
        self.lines.append(f"call void @llvm.x86.sse.stmxcsr(ptr {cell})")
        return self.op(f"load i32, ptr {cell}")

    def set_flags(self, value: str) -> None:
        cell = self.stack(4)
        self.declare("llvm.x86.sse.ldmxcsr", "void", "ptr")
        self.lines.append(f"store i32 {value}, ptr {cell}")
        self.lines.append(f"call void @llvm.x86.sse.ldmxcsr(ptr {cell})")

    def _invoke(self, call: Call) -> None:
        """The called kernel gets a frame of its own on the stack."""
        layout = layout_of(self.kernel.functions[call.site])
        cells = self.stack(8 * layout.size)

        def cell(k: int) -> str:
            return self.op(f"getelementptr i64, ptr {cells}, i64 {k}")
        for k in (frame.ALLOC, frame.CALL, frame.TABLE, frame.CONTEXT):
            self.lines.append(f"store ptr {self.op(f'load ptr, ptr {self.slot(k)}')}, "
                              f"ptr {cell(k)}")
        given = iter(call.ins)
        moved: list[tuple[Buffer, int]] = []
        for place in layout.params:
            x = next(given)
            if isinstance(place, frame.ScalarSlot):
                assert isinstance(x, Expr)
                value = self.value(x)
                self.store_at(cell(place.slot), value, x.dtype)
                continue
            assert isinstance(x, Buffer)
            self.lines.append(f"store ptr {self.pointers[x]}, ptr {cell(place.slot)}")
            if x in call.moved:
                moved.append((x, place.slot))
            for k in range(place.rank):
                dim = self.value(next(given))  # type: ignore[arg-type]
                self.lines.append(f"store i64 {dim}, ptr {cell(place.dims + k)}")
        status = self.op(f"call i64 @function{call.site}(ptr {cells})")
        for buffer, k in moved:
            self.pointers[buffer] = self.op(f"load ptr, ptr {cell(k)}")
        failed, passed = self.label(), self.label()
        self.branch(self.op(f"icmp eq i64 {status}, 0"), passed, failed, LIKELY)
        with self.out_of_line(failed):
            for k in range(frame.OPERANDS, frame.OPERANDS + frame.MAX_OPERANDS):
                self.lines.append(f"store i64 {self.op(f'load i64, ptr {cell(k)}')}, "
                                  f"ptr {self.slot(k)}")
            self.leave(status)
        self.begin(passed)
        for (name, dtype), result in zip(call.scalars, layout.results, strict=True):
            assert isinstance(result, frame.ScalarSlot)
            self.bind(name, self.load_at(cell(result.slot), dtype))

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


def layout_of(kernel: Kernel) -> frame.Frame:
    """The frame of a kernel."""
    return frame.layout(
        [(p.dtype, len(p.shape), bool(p.shape) and p.strides is None) if isinstance(p, Buffer)
         else (p.dtype, 0, True) for p in kernel.params],
        [(r.dtype, len(r.shape) if isinstance(r, Buffer) else 0) for r in kernel.results])


@record
class Invariants:
    """`values`: the largest parts of a loop's expressions that do not change in it. Loads only
    where the first iteration (of a `while`: the first test) is sure to make them, before any check
    or inner loop, and nothing in the loop writes the buffer. `rows`: such parts of addresses."""
    values: list[Expr]
    rows: list[tuple[Buffer, Expr]]


def invariants(values: Values, loop: For | While) -> Invariants:
    search = _Invariants(values, loop)
    safe = True
    if isinstance(loop, While):
        safe = search.statements(loop.test, safe)
        search.expression(loop.cond, safe)
        safe = False
    safe = search.statements(loop.body, safe)
    for carry in loop.carries:
        search.expression(carry.next, safe)
    return Invariants(search.found, list(search.rows))


class _Invariants:
    def __init__(self, values: Values, loop: For | While) -> None:
        self.values = values
        names = bound([loop])
        self.names = {*names, *(first_of(name).args[0] for name in names)}
        self.written = writes([loop])
        self.seen: set[Expr] = set()
        self.moved = swapped([loop]) if values.moving else set()
        self.found: list[Expr] = []
        self.rows: dict[tuple[Buffer, Expr], None] = {}

    def access(self, buffer: Buffer, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """What the address of an element needs, but for the part that does not change."""
        if buffer not in self.values.pointers:
            return ()
        access = self.values.access(buffer, index)
        if buffer in self.moved:
            return access.needs(access.base)
        part: dict[Expr, int] = {}
        rest: dict[Expr, int] = {}
        for term, k in affine(access.base)[1].items():
            fixed = not term.loads and self.names.isdisjoint(term.free)
            (part if fixed else rest)[term] = k
        if part:
            self.rows[buffer, from_affine(0, part)] = None
        return access.needs(from_affine(0, rest))

    def statements(self, statements: list[Statement], safe: bool) -> bool:
        """`safe`: the first of them is sure to be reached. Is what follows them?"""
        for s in statements:
            match s:
                case Let():
                    self.expression(s.value, safe)
                case Store():
                    self.expression(s.value, safe)
                    for x in self.access(s.buffer, s.index):
                        self.expression(x, safe)
                case Check():
                    self.expression(s.cond, safe)
                    safe = False
                case For() if s.parallel is not None:      # the rest is a function of its own
                    for x in (s.lo, s.hi, s.parallel, *(c.init for c in s.carries)):
                        self.expression(x, safe)
                    safe = False
                case For():
                    for x in (s.lo, s.hi, *(c.init for c in s.carries)):
                        self.expression(x, safe)
                    self.statements(s.body, False)
                    for c in s.carries:
                        self.expression(c.next, False)
                    safe = safe and not _may_leave(s.body)
                case While():
                    for c in s.carries:
                        self.expression(c.init, safe)
                    self.statements(s.test, False)
                    self.expression(s.cond, False)
                    self.statements(s.body, False)
                    for c in s.carries:
                        self.expression(c.next, False)
                    safe = False
                case If():
                    self.expression(s.cond, safe)
                    self.statements(s.then, False)
                    self.statements(s.orelse, False)
                    for out in s.outs:
                        self.expression(out[2], False)
                        self.expression(out[3], False)
                    safe = safe and not _may_leave([*s.then, *s.orelse])
                case Free():
                    pass
                case Alloc() if s.over is not None:
                    pass
                case _:
                    safe = False
        return safe

    def expression(self, root: Expr, safe: bool) -> None:
        seen, names = self.seen, self.names
        stack = [root]
        while stack:
            node = stack.pop()
            if node.op == "lit" or node.op == "var" or node in seen:
                continue
            if names.isdisjoint(node.free) and (not node.loads or safe and self._kept(node)):
                seen.add(node)
                self.found.append(node)
                continue
            if safe or not node.loads:
                seen.add(node)
            if node.op == "load":
                stack += self.access(node.args[0], node.args[1:])
            else:
                stack += operands(node)

    def _kept(self, node: Expr) -> bool:
        """Do the elements that the node loads stay as they are?"""
        return all(x.args[0] not in self.written and x.args[0] in self.values.pointers
                   for x in node.loads)


def _may_leave(statements: list[Statement]) -> bool:
    return any(isinstance(s, (Check, Call, While)) or isinstance(s, Alloc) and s.over is None
               for s in walk(statements))


def swapped(statements: list[Statement]) -> set[Buffer]:
    """Buffers whose memory is exchanged, or moves to grow, anywhere in the statements."""
    found: set[Buffer] = set()
    for s in walk(statements):
        if isinstance(s, (For, While)):
            found.update(b for pair in s.swaps for b in pair)
        elif isinstance(s, Call):
            found.update(s.moved)
    return found


