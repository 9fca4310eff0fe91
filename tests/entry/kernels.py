"""Hand-written kernels, so that the entry is tested without the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.entry.compiled import CallSite, Compiled
from hotloop.entry.native import machine
from hotloop.errors import Location
from hotloop.frontend.traced import (
    ARRAY,
    PYTHON,
    ArrayOut,
    Constant,
    Input,
    ScalarOut,
    Traced,
)
from hotloop.ir.core import Program, Var
from hotloop.ir.types import Type
from hotloop.llvm import engine, loader
from hotloop.llvm.frame import layout
from hotloop.loops.core import ErrorSite
from hotloop.runtime.function import jitted

F8, I8 = np.dtype("f8"), np.dtype("i8")


def compiled(text: str, params: list[Var], inputs: list[Input], outs: list[Var], result: Any,
             into: list[Var | None] | None = None, **more: Any) -> Compiled:
    """A Compiled around LLVM text that defines `kernel`."""
    program = Program(params, [], outs, into=into)
    fresh = [o for o, i in zip(outs, program.into, strict=True) if i is None]
    frame = layout([(p.dtype, p.type.rank, g.contiguous) for p, g in zip(params, inputs,
                                                                         strict=True)],
                   [(o.dtype, o.type.rank) for o in fresh])
    code = loader.load(engine.compile_text(text, 1))
    traced = Traced(program, inputs, result)
    for name in ("guards", "writes", "statics", "aliases"):
        if name in more:
            setattr(traced, name, more.pop(name))
    return Compiled(traced, frame, code["kernel"], code=code, **more)


ALLOCATE = """
  %dims = getelementptr i64, ptr %f, i64 17
  %alloc = load ptr, ptr %f
  %out = call ptr %alloc(ptr %f, i64 0, ptr %dims)
  %null = icmp eq ptr %out, null
  br i1 %null, label %fail, label %go
fail:
  ret i64 -1
go:
"""

SQUARE_PLUS_1 = f"""
define i64 @kernel(ptr %f) {{
  %dp = getelementptr i64, ptr %f, i64 16
  %data = load ptr, ptr %dp
  %np = getelementptr i64, ptr %f, i64 17
  %n = load i64, ptr %np
{ALLOCATE}
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [0, %go], [%j, %loop]
  %p = getelementptr double, ptr %data, i64 %i
  %x = load double, ptr %p
  %y = fmul double %x, %x
  %z = fadd double %y, 1.0
  %q = getelementptr double, ptr %out, i64 %i
  store double %z, ptr %q
  %j = add i64 %i, 1
  %end = icmp eq i64 %j, %n
  br i1 %end, label %done, label %loop
done:
  ret i64 0
}}
"""


def array(name: str, rank: int = 1, dtype: Any = F8, contiguous: bool = True,
          written: bool = False) -> Input:
    return Input((("arg", name),), ARRAY, np.dtype(dtype), rank, contiguous, written)


def square_plus_1() -> Compiled:
    """`def f(a): return a * a + 1` for f8[n]."""
    n = Var(Type(I8))
    a, r = Var(Type(F8, (n,))), Var(Type(F8, (n,)))
    return compiled(SQUARE_PLUS_1, [a], [array("a")], [r], ArrayOut(0))


def scalar_kernel(body: str, kinds: list[tuple[str, str, Any]], out: Any,
                  kind: str = PYTHON) -> Compiled:
    """Scalars in (name, kind, dtype), `body` computes %r from %a, %b, ...; a scalar out."""
    params = [Var(Type(dtype)) for _, _, dtype in kinds]
    inputs = [Input((("arg", name),), k, np.dtype(dtype), 0, True, False)
              for name, k, dtype in kinds]
    types = {"f8": "double", "i8": "i64", "?": "i8"}
    lines = []
    for at, (name, _, dtype) in enumerate(kinds):
        lines += [f"%p{at} = getelementptr i64, ptr %f, i64 {16 + at}",
                  f"%{name} = load {types[dtype]}, ptr %p{at}"]
    end = 16 + len(kinds)
    text = "\n".join(["define i64 @kernel(ptr %f) {", *lines, body,
                      f"%q = getelementptr i64, ptr %f, i64 {end}",
                      f"store {types[out]} %r, ptr %q", "ret i64 0", "}"])
    return compiled(text, params, inputs, [Var(Type(out))], ScalarOut(0, kind))


def echo(params: list[Var], inputs: list[Input], seen: list[tuple[int, ...]],
         result: Any = None, outs: tuple[Var, ...] = (), **more: Any) -> Compiled:
    """A kernel that shows the cells of its parameters: each call appends them to `seen`."""
    frame = layout([(p.dtype, p.type.rank, g.contiguous) for p, g in zip(params, inputs,
                                                                         strict=True)], [])
    cells = frame.size - 16
    text = """
    define i64 @kernel(ptr %f) {
      %slot = getelementptr i64, ptr %f, i64 1
      %call = load ptr, ptr %slot
      %cells = getelementptr i64, ptr %f, i64 16
      %r = call i64 %call(ptr %f, i64 0, ptr %cells)
      ret i64 %r
    }"""
    site = CallSite(((np.dtype("u8"), 0),) * cells, (), ())
    return compiled(text, params, inputs, list(outs), result or Constant(None),
                    sites=[lambda *given: seen.append(tuple(int(g) for g in given))],
                    calls=[site], **more)


def failing(message: str, exception: type[BaseException], file: str, line: int) -> Compiled:
    """`def f(n)`: check 0 fails with the operands n and n + 1."""
    text = """
    define i64 @kernel(ptr %f) {
      %p = getelementptr i64, ptr %f, i64 16
      %n = load i64, ptr %p
      %m = add i64 %n, 1
      %a = getelementptr i64, ptr %f, i64 4
      store i64 %n, ptr %a
      %b = getelementptr i64, ptr %f, i64 5
      store i64 %m, ptr %b
      ret i64 1
    }"""
    n = Var(Type(I8))
    given = Input((("arg", "n"),), PYTHON, I8, 0, True, False)
    site = ErrorSite(exception, message, Location(file, line, 0, "user_function"))
    return compiled(text, [n], [given], [], Constant(None), errors=[site], checks=[(I8, I8)])


def native(function: Any, *made: Compiled) -> Any:
    """A jitted `function` for which "compiling" gives the next of `made`."""
    machine()
    rest = iter(made)
    return jitted(function, lambda fn, args, kwargs: next(rest), object())
