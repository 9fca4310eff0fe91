"""Memory of results and temporaries, and leaving a kernel, which gives it back.

    b: f64[n]        %b = call ptr @pool_take(i64 %bytes)      a temporary; small ones: alloca
    r: f64[n]        %r = call ptr %alloc(ptr %frame, ...)     a result: Python makes the array
    check failed     call @pool_give(ptr %b); ret i64 code     every exit gives back what is held
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

from hotloop.errors import InternalError
from hotloop.llvm import frame
from hotloop.llvm.builder import UNLIKELY
from hotloop.llvm.values import Values
from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    ErrorSite,
    For,
    Free,
    Kernel,
    Statement,
    While,
    walk,
)
from hotloop.loops.expr import Expr
from hotloop.loops.reuse import size_of, small

INLINE = 3
"""Temporaries that each exit gives back by itself."""


class Memory(Values):
    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel, self.watched = kernel, bool(kernel.watched)
        self._owned: list[list[Buffer]] = []
        self._borrowed: set[Buffer] = set()     # on the stack, or in another one's memory
        self._exits: dict[tuple[str, str], str] = {}    # blocks that give memory back, then return
        self._chain = Chain()
        self._code = ""                                 # where these find what to return
        self._swapped = swapped(kernel.body)
        self.moving = bool(self._swapped)
        self.lent: dict[Buffer, int] = {}       # parameters that move, and their slots
        self.constants: dict[str, None] = {}

    @contextmanager
    def owner(self) -> Iterator[None]:
        """What is allocated inside the `with` and not freed in it is freed at its end."""
        self._owned.append([])
        yield
        for buffer in self._owned.pop():
            self._give_back(buffer)
            del self.pointers[buffer]

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

    def grow(self, buffer: Buffer, old: Expr, new: Expr) -> None:
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

    # ---- leaving

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
        """The block that gives back what these point to, and returns. Most exits hold what the one
        before them did, and some more or less."""
        chain = self._chain
        common = bisect_left(range(min(len(held), len(chain.held))), True,
                             key=lambda n: held[:n + 1] != chain.held[:n + 1])
        del chain.held[common:], chain.labels[common:]
        for pointer in held[common:]:
            at = chain.labels[-1] if chain.labels else ""
            label = self._exits.get((at, pointer))
            if label is None:
                label = self._exits[at, pointer] = self.label()
                with self.out_of_line(label):
                    self._give([pointer])
                    if at:
                        self.jump(at)
                    else:
                        self.lines.append(f"ret i64 {self.op(f'load i64, ptr {self._code}')}")
            chain.held.append(pointer)
            chain.labels.append(label)
        return chain.labels[-1]


class Chain:
    """The blocks that the last exit goes through: `labels[k]` gives back what `held[k]` points to,
    and goes on to `labels[k - 1]`."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.labels: list[str] = []


def swapped(statements: list[Statement]) -> set[Buffer]:
    """Buffers whose memory is exchanged, or moves to grow, anywhere in the statements."""
    found: set[Buffer] = set()
    for s in walk(statements):
        if isinstance(s, (For, While)):
            found.update(b for pair in s.swaps for b in pair)
        elif isinstance(s, Call):
            found.update(s.moved)
    return found
