"""Loops -> LLVM text: a module with one function that follows `llvm.frame`.

    emitted = emit(kernel)          # Emitted(text, frame, externals, wants_passes)

    define i64 @kernel(ptr noalias %frame) { ... }

The text needs none of LLVM's optimization passes: values are shared, constants folded, invariants
hoisted, vectors explicit. What is left to LLVM is the choice of instructions, registers and
addressing modes.
"""

from __future__ import annotations

from hotloop.llvm import flags
from hotloop.llvm import frame as frames
from hotloop.llvm.builder import type_of
from hotloop.llvm.calls import layout_of
from hotloop.llvm.parts import PartStatements
from hotloop.llvm.statements import Statements
from hotloop.llvm.values import I64
from hotloop.loops.core import LENT, Buffer, Kernel
from hotloop.loops.expr import Expr
from hotloop.record import record

_HEAD = 'attributes #0 = { nounwind "prefer-vector-width"="512" }\n'
_WEIGHTS = ('!0 = !{!"branch_weights", i32 1, i32 4000}\n'
            '!1 = !{!"branch_weights", i32 4000, i32 1}\n'
            '!2 = !{i32 1}\n')


@record
class Emitted:
    """`externals`: names of the foreign functions in the frame's table, in order (llvm.externals).
    `wants_passes`: LLVM's optimizer would pay for its time. So far never: on serial loops, all that
    is left to it, it gained 4-12 % (recurrence, Collatz, gcd, sieve, edit distance) and made
    compiling 2-4 times longer."""
    text: str
    frame: frames.Frame
    externals: tuple[str, ...]
    wants_passes: bool = False


def emit(kernel: Kernel, quick: bool = False, externals: tuple[str, ...] = ()) -> Emitted:
    """The module of a kernel. `quick`: as short as it can be without computing other bits;
    `externals`: names that have their places in the table already."""
    emitter = PartStatements(kernel)
    emitter.quick, emitter.externals = quick, list(externals)
    layout = layout_of(kernel)
    _body(emitter, layout)
    name, around = "kernel", ""
    if kernel.watched:
        name = "body"
        around = flags.watched("body", kernel.watched == "always")
        for intrinsic in flags.INTRINSICS:
            emitter.declare(intrinsic, "void", "ptr")
    texts = [_text(emitter, name, "internal " if kernel.watched else "")]
    for number, function in enumerate(kernel.functions):
        inner = PartStatements(function)
        inner.texts, inner.quick = emitter.texts, quick
        inner.externals, inner.declarations = emitter.externals, emitter.declarations
        inner.constants, inner.watched = emitter.constants, emitter.watched
        _body(inner, layout_of(function))
        texts.append(_text(inner, f"function{number}", "internal "))
    text = "\n".join([*texts, *emitter.texts, *emitter.declarations.values(), ""])
    return Emitted(text + around + "".join(emitter.constants) + _HEAD + _WEIGHTS, layout,
                   tuple(emitter.externals))


def _body(emitter: Statements, layout: frames.Frame) -> None:
    kernel = emitter.kernel
    _bind_parameters(emitter, layout)
    with emitter.block_of(kernel.body):
        for result, place in zip(kernel.results, layout.results, strict=True):
            if isinstance(result, Expr):
                assert isinstance(place, frames.ScalarSlot)
                emitter.store_at(emitter.slot(place.slot), emitter.value(result), result.dtype)
    emitter.hand_back()
    emitter.lines.append(f"ret i64 {frames.DONE}")


def _text(emitter: Statements, name: str, linkage: str) -> str:
    return "\n".join([f"define {linkage}i64 @{name}(ptr noalias %frame) #0 {{", "entry:",
                      *emitter.entry, *emitter.lines, *emitter.cold, "}"])


def _bind_parameters(emitter: Statements, layout: frames.Frame) -> None:
    """Scalars, data pointers, and the names that shapes and strides introduce."""

    def bind(x: Expr, slot: int) -> None:
        if x.op == "var" and x.args[0] not in emitter.names:
            emitter.bind(x.args[0], emitter.op(
                f"load {type_of(I64)}, ptr {emitter.slot(slot)}"))

    for param, place in zip(emitter.kernel.params, layout.params, strict=True):
        if not isinstance(param, Buffer):
            emitter.bind(param.name, emitter.load_at(emitter.slot(place.slot), param.dtype))
            continue
        assert isinstance(place, frames.ArraySlot)
        emitter.pointers[param] = emitter.op(f"load ptr, ptr {emitter.slot(place.slot)}")
        if param.kind == LENT:
            emitter.lent[param] = place.slot
        for k, dim in enumerate(param.shape):
            bind(dim, place.dims + k)
        for k, stride in enumerate(param.strides or ()):
            bind(stride, place.strides + k)
