"""Calls in a kernel: of Python, of NumPy's C functions, of random generators, of other kernels.

    call_host print a b      status = call i64 %call(ptr %frame, i64 site, ptr %cells)
    y = f x (recursive)      status = call i64 @function1(ptr %frame_of_its_own)

A call that fails returns a status other than 0; the kernel is left with it.
"""

from __future__ import annotations

from hotloop import lazy
from hotloop.errors import InternalError
from hotloop.llvm import frame
from hotloop.llvm.builder import LIKELY, type_of
from hotloop.llvm.memory import Memory
from hotloop.loops.core import Buffer, Call, Kernel
from hotloop.loops.expr import Expr
from hotloop.ops import generators

bits = lazy.module("hotloop.llvm.bits")
foreign = lazy.module("hotloop.llvm.foreign")
library = lazy.module("hotloop.loops.library")
routines = lazy.module("hotloop.loops.foreign")


class Calls(Memory):
    """`in_parts`: what is emitted runs in several threads."""
    in_parts = False

    def call(self, call: Call) -> None:
        if call.routine is None:
            self._call_back(call)
        elif call.routine in generators.FUNCTIONS or call.routine.startswith(library.KEYED):
            self._draw(call)
        elif call.routine == "grow":
            self.grow(*call.ins)  # type: ignore[arg-type]
        elif call.routine == "invoke":
            self._invoke(call)
        elif call.routine in routines.ROUTINES:
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
        if routine.startswith(library.KEYED):
            stream, _, routine = routine.removeprefix(library.KEYED).partition("_")
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


def layout_of(kernel: Kernel) -> frame.Frame:
    """The frame of a kernel."""
    return frame.layout(
        [(p.dtype, len(p.shape), bool(p.shape) and p.strides is None) if isinstance(p, Buffer)
         else (p.dtype, 0, True) for p in kernel.params],
        [(r.dtype, len(r.shape) if isinstance(r, Buffer) else 0) for r in kernel.results])
