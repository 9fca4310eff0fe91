"""The calls of `loops.foreign`: inner loops of ufuncs, and sorts of rows, as LLVM calls.

    emit(statements, call)
    # call void %loop(ptr %args, ptr %dims, ptr %steps, ptr %data)

The functions are externals: "ufunc:numpy:matmul dd->d", "data:...", "sort:argsort f8 2".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotloop import lazy
from hotloop.errors import InternalError
from hotloop.llvm import flags
from hotloop.llvm.builder import type_of
from hotloop.llvm.values import I64
from hotloop.loops.core import Buffer, Call
from hotloop.loops.foreign import kind_of, loop_at
from hotloop.ops import inner_loops

if TYPE_CHECKING:
    from hotloop.llvm.calls import Calls

blas = lazy.module("hotloop.llvm.blas")

STICKY = 63
"""The flags in MXCSR."""


def emit(s: Calls, call: Call) -> None:
    if call.routine == "ufunc":
        _ufunc(s, call)
    elif call.routine == "c":
        site: Any = s.kernel.sites[call.site]
        function = s.external(f"libm:{inner_loops.C_FUNCTIONS[site.params['function']]}")
        given = ", ".join(f"double {s.value(x)}" for x in call.ins)  # type: ignore[arg-type]
        (name, _), = call.scalars
        s.bind(name, s.op(f"call double {function}({given})"))
    else:
        _sort(s, call)


def _ufunc(s: Calls, call: Call) -> None:
    loop = loop_at(s.kernel.sites[call.site])
    if loop is None:
        raise InternalError(f"no inner loop for {s.kernel.sites[call.site]!r}")
    given = iter(call.ins)
    outs = iter(call.outs)

    def number() -> str:
        return s.value(next(given))  # type: ignore[arg-type]
    inputs = len(loop.types.partition("->")[0])
    count = number()
    dims = [count, *(number() for _ in loop.symbols)]
    pointers, steps, strides = [], [], []
    for k, core in enumerate(loop.core):
        buffer: Any = next(given) if k < inputs else next(outs)
        pointers.append(s.op(f"getelementptr i8, ptr {s.pointers[buffer]}, i64 {number()}"))
        steps.append(number())
        strides += [number() for _ in core]
    args = _cells(s, "ptr", pointers)
    sizes, ways = _cells(s, "i64", dims), _cells(s, "i64", [*steps, *strides])
    found = inner_loops.address(loop.path, loop.types)
    name = f"{loop.path} {loop.types}"
    function = s.external(f"ufunc:{name}")
    data = s.external(f"data:{name}") if found is not None and found[1] else "null"
    text = f"call void {function}(ptr {args}, ptr {sizes}, ptr {ways}, ptr {data})"
    factorization = loop.path.startswith(inner_loops.LAPACK)
    limits = blas.limits(s.in_parts, factorization) if (
        factorization or loop.path == inner_loops.MATMUL) else None
    some, done = s.label(), s.label()
    before = s.block
    s.branch(s.op(f"icmp sgt i64 {count}, 0"), some, done)
    s.begin(some)
    leave = _with_few_threads(s, dims, inner_loops.cycles(loop.path), limits) if limits else ""
    failed = _guarded(s, text) if loop.failure else _plain(s, text)
    if leave:
        s.lines.append(leave)
    end = s.block
    s.jump(done)
    s.begin(done)
    if loop.failure:
        (scalar, _), = call.scalars
        s.bind(scalar, s.phi("i1", ("false", before), (failed, end)))


def _with_few_threads(s: Calls, dims: list[str], cycles: int, limits: tuple[int, int]) -> str:
    """Begin a call for which OpenBLAS may have less threads; what ends it."""
    s.constants[blas.TEXT] = None
    t = type_of(I64)
    count, *sizes = dims
    largest = sizes[0]
    for size in sizes[1:]:
        largest = s.intrinsic("smax", t, largest, size)
    work = s.op(f"mul i64 {count}, {cycles}")
    for _ in range(3):
        work = s.op(f"mul i64 {work}, {largest}")
    cell, get, set_ = (s.external(f"blas:{name}") for name in ("cell", "get", "set"))
    few = s.op(f"call i1 @blas.enter(ptr {cell}, ptr {get}, ptr {set_}, i64 {work}, "
               f"i64 {limits[0]}, i32 {limits[1]})")
    return f"call void @blas.leave(ptr {cell}, ptr {set_}, i1 {few})"


def _cells(s: Calls, type: str, values: Sequence[str]) -> str:
    cells = s.stack(8 * max(1, len(values)))
    for k, value in enumerate(values):
        at = s.op(f"getelementptr i64, ptr {cells}, i64 {k}") if k else cells
        s.lines.append(f"store {type} {value}, ptr {at}")
    return cells


def _plain(s: Calls, text: str) -> str:
    """A call whose flags are the program's own; some functions clear what was set before."""
    before = s.flags() if s.watched else ""
    s.lines.append(text)
    if before:
        s.set_flags(s.op(f"or i32 {before}, {s.flags()}"))
    return ""


def _guarded(s: Calls, text: str) -> str:
    """A call that tells by the flag of invalid operations that it failed: whether it did. Flags
    are then as before, as under NumPy's own errstate."""
    if not flags.NATIVE:
        clear, test = s.external("libm:feclearexcept"), s.external("libm:fetestexcept")
        s.op(f"call i32 {clear}(i32 {flags.INVALID})")
        s.lines.append(text)
        set_ = s.op(f"call i32 {test}(i32 {flags.INVALID})")
        s.op(f"call i32 {clear}(i32 {flags.INVALID})")
        return s.op(f"icmp ne i32 {set_}, 0")
    before = s.flags()
    s.set_flags(s.op(f"and i32 {before}, {~STICKY}"))
    s.lines.append(text)
    after = s.flags()
    s.set_flags(before)
    return s.op(f"icmp ne i32 {s.op(f'and i32 {after}, {flags.INVALID}')}, 0")


def _sort(s: Calls, call: Call) -> None:
    length, start, *arrays = call.ins
    site: Any = s.kernel.sites[call.site]
    dtype = site.ins[0][0]
    name = call.routine or ""
    function = s.external(f"sort:{name} {dtype.str[1:]} {kind_of(name, site.params)}")
    count, first = s.value(length), s.value(start)  # type: ignore[arg-type]
    given = []
    for buffer, size in zip(arrays, (dtype.itemsize, 8), strict=False):
        assert isinstance(buffer, Buffer)
        at = s.op(f"mul i64 {first}, {size}")
        row = s.op(f"getelementptr i8, ptr {s.pointers[buffer]}, i64 {at}")
        given.append(f"ptr {row}")
    status = s.op(f"call i32 {function}({', '.join(given)}, i64 {count}, ptr null)")
    (scalar, _), = call.scalars
    s.bind(scalar, s.op(f"icmp slt i32 {status}, 0"))
