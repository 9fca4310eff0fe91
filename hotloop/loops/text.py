"""Text of Loops: `show` prints, `parse` reads it back exactly.

    kernel main
      a1: f64[n1] in
      p1: f64
      error builtins:ValueError 'negative: {}' at 'model.py' 12 4 'f'
      body
        alloc b1: f64[]
        nest j1 in n1 reduce 1 by add
          b1[] <- mul(a1[j1], p1)
        for i1 in 0..n1 step 1
          carry c1: f64 = 0.0
          t1 = add(c1, a1[i1])
          if lt(t1, p1)
            give t1
          else
            give p1
          -> t2: f64
          next c1 = t2
      results b1[], c1

The line `fast` after the first is `Kernel.fast`.
Parameters are `in` (read), `inout` (written), `lent` (memory that may be exchanged) or scalars;
`strides (s1, s2)` unless in C order; names in their shapes and strides are bound by them. A buffer
is declared where it is allocated, a result as `result k`; `b1*` in a call may be in other memory
after it. Literals as in `ir.text`: `3` is i64, `2.5` f64, `2.5:f32`. Index sums print
as `(2*i1 + n1 + 1)`. `%1 = ...` before a line names an expression that occurs in it more than once;
it is not a statement. `alloc b1: f64[c1] now (n1)` has n1 elements at first: the loop that carries
c1 follows; `alloc b2: f64[n1] over b1` has the memory of b1. `@12` is a line of the user's source.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hotloop.errors import Location
from hotloop.ir.types import code
from hotloop.loops.callback import path_of
from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    LENT,
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Check,
    For,
    Free,
    If,
    Kernel,
    Let,
    Nest,
    ScalarParam,
    Statement,
    Store,
    While,
)
from hotloop.loops.expr import Expr, operands
from hotloop.loops.parsing import parse
from hotloop.loops.scalar import SCALAR_OPS

__all__ = ["parse", "show"]

LONG = 150
"""Nodes of an expression, shared ones counted each time, from which shared ones get a name."""


def show(what: Kernel | Iterable[Statement]) -> str:
    """The text of a kernel, or of some statements."""
    if not isinstance(what, Kernel):
        return "\n".join(_Printer().statements(what, ""))
    lines = [f"kernel {what.name}", *["  fast"] * what.fast]
    printer = _Printer()
    for param in what.params:
        lines.append("  " + printer.parameter(param))
    for site in what.errors:
        lines.append(f"  error {path_of(site.exception)} {site.message!r}" + _at(site.location)
                     + (f" with {repr(site.attributes)!r}" if site.attributes is not None else ""))
    lines += [f"  site {site!r}" for site in what.sites]
    lines += [f"  note {note!r}" for note in what.notes]
    lines.append("  body")
    lines += printer.statements(what.body, "    ")
    before, texts = printer.several([r for r in what.results if isinstance(r, Expr)])
    values = iter(texts)
    results = [r.name if isinstance(r, Buffer) else next(values) for r in what.results]
    lines += ["  " + line for line in before]
    lines.append(" ".join(["  results", *([", ".join(results)] if results else [])]))
    return "\n".join(lines) + "\n"


def _at(location: Location | None) -> str:
    if location is None:
        return ""
    return f" at {location.file!r} {location.line} {location.column} {location.function!r}"


def _line(location: Location | None) -> str:
    return f" @{location.line}" if location else ""


def show_literal(value: np.generic) -> str:
    dtype = value.dtype
    if dtype.kind == "f" and np.isnan(value) and (
            value.tobytes() != np.array(np.nan, dtype).tobytes()):
        return f"0x{int.from_bytes(value.tobytes(), 'little'):x}:{code(dtype)}"
    text = repr(value.item())
    return text if dtype.char in "?ld" else f"{text}:{code(dtype)}"


class _Printer:
    def __init__(self) -> None:
        self.declared: set[Buffer] = set()
        self.texts: dict[Expr, str] = {}

    # ---- expressions

    def text(self, x: Expr, memo: dict[Expr, str]) -> str:
        """Text of an expression, iteratively; nodes that are in `memo` as they stand there."""
        stack = [x]
        while stack:
            node = stack[-1]
            missing = [k for k in operands(node) if k not in memo] if node not in memo else []
            if missing:
                stack += missing
                continue
            if node not in memo:
                memo[node] = self.node(node, [memo[k] for k in operands(node)])
            stack.pop()
        return memo[x]

    def node(self, node: Expr, kids: list[str]) -> str:
        if node.op == "lit":
            return show_literal(node.args[0])
        if node.op == "var":
            return node.args[0]
        if node.op == "aff":
            constant, terms = node.args
            sums = sorted(kid if k == 1 else f"{k}*{kid}"
                          for kid, (_, k) in zip(kids, terms, strict=True))
            return f"({' + '.join(sums + ([str(constant)] if constant else []))})"
        if node.op == "load":
            return f"{node.args[0].name}[{', '.join(kids)}]"
        if node.op in ("convert", "bitcast"):
            return f"{node.op}({kids[0]}, {code(node.dtype)})"
        if SCALAR_OPS[node.op].commutative:
            kids = sorted(kids)
        return f"{node.op}({', '.join(kids)})"

    def several(self, roots: Iterable[Expr]) -> tuple[list[str], list[str]]:
        """(lines naming shared expressions, texts) of the expressions of a line."""
        roots = list(roots)
        if sum(_tree_sizes(roots)[r] for r in roots) <= LONG:
            return [], [self.text(r, self.texts) for r in roots]
        order, uses = _shared(roots)
        named: dict[Expr, str] = {}
        lines: list[str] = []
        count = 0
        for node in order:                      # operands first
            text = self.text(node, named)
            if uses[node] > 1 and node.op not in ("lit", "var"):
                count += 1
                lines.append(f"%{count} = {text}")
                named[node] = f"%{count}"
        return lines, [named[r] for r in roots]

    # ---- statements

    def parameter(self, param: ScalarParam | Buffer) -> str:
        if isinstance(param, ScalarParam):
            return f"{param.name}: {code(param.dtype)}"
        return self.declaration(param)

    def declaration(self, buffer: Buffer) -> str:
        self.declared.add(buffer)
        before, texts = self.several(buffer.shape)
        del before                                  # shapes are short
        kind = {ARG: " in", ARG_WRITTEN: " inout", LENT: " lent", TEMP: "",
                RESULT: f" result {buffer.index}"}
        strides = ""
        if buffer.strides is not None:
            strides = f" strides ({', '.join(self.text(s, self.texts) for s in buffer.strides)})"
        return (f"{buffer.name}: {code(buffer.dtype)}[{', '.join(texts)}]"
                f"{kind[buffer.kind]}{strides}")

    def statements(self, statements: Iterable[Statement], indent: str) -> list[str]:
        return [indent + line for s in statements for line in self.statement(s)]

    def line(self, form: str, *values: Expr) -> list[str]:
        """`form` with its {} filled by expressions."""
        lines, texts = self.several(values)
        return [*lines, form.format(*texts)]

    def listed(self, head: str, values: Iterable[Expr], tail: str = "") -> list[str]:
        lines, texts = self.several(values)
        return [*lines, head + ", ".join(texts) + tail]

    def store(self, buffer: Buffer, index: tuple[Expr, ...], value: Expr,
              combine: str | None, past: Expr | None = None) -> list[str]:
        places = ", ".join("{}" for _ in index)
        arrow = f"{combine} <-" if combine else "<-"
        if past is None:
            return self.line(f"{buffer.name}[{places}] {arrow} {{}}", *index, value)
        return self.line(f"{buffer.name}[{places}] {arrow} {{}} past {{}}", *index, value, past)

    def statement(self, s: Statement) -> list[str]:
        match s:
            case Let():
                return self.line(f"{s.name} = {{}}", s.value)
            case Store():
                return self.store(s.buffer, s.index, s.value, s.combine, s.past)
            case Alloc():
                what = (s.buffer.name if s.buffer in self.declared
                        else self.declaration(s.buffer))
                if s.over is not None:
                    return [f"alloc {what} over {s.over.name}"]
                if s.shape is None:
                    return [f"alloc {what}"]
                return self.listed(f"alloc {what} now (", s.shape, ")")
            case Free():
                return [f"free {s.buffer.name}"]
            case Check():
                return self.listed("check ", (s.cond, *s.operands), f" error {s.error}")
            case Call():
                return self.call(s)
            case Nest():
                return self.nest(s)
            case If():
                return self.branch(s)
            case For():
                return self.loop_for(s)
            case While():
                return self.loop_while(s)

    def call(self, s: Call) -> list[str]:
        before, texts = self.several(x for x in s.ins if isinstance(x, Expr))
        values = iter(texts)
        ins = ", ".join(x.name if isinstance(x, Buffer) else next(values) for x in s.ins)
        outs = ", ".join(b.name + "*" * (b in s.moved) for b in s.outs)
        scalars = ", ".join(f"{name}: {code(dtype)}" for name, dtype in s.scalars)
        return [*before, f"call {s.routine or 'python'} {s.site} ({ins}) -> ({outs}) ({scalars})"]

    def nest(self, s: Nest) -> list[str]:
        loops = ", ".join(f"{name} in {{}}" for name in s.vars)
        reduced = f" reduce {s.reduced} by {s.combine}" if s.combine else ""
        lines = self.line(f"nest {loops}".rstrip() + reduced + _line(s.location), *s.domain)
        for store in s.stores:
            lines += ["  " + line for line in self.store(*store, None)]
        return lines

    def branch(self, s: If) -> list[str]:
        flag = " likely" if s.likely else ""
        lines = self.line(f"if {{}}{flag}{_line(s.location)}", s.cond)
        lines += self.statements(s.then, "  ")
        if s.outs:
            lines += ["  " + x for x in self.listed("give ", [out[2] for out in s.outs])]
        if s.orelse or s.outs:
            lines.append("else")
            lines += self.statements(s.orelse, "  ")
        if s.outs:
            lines += ["  " + x for x in self.listed("give ", [out[3] for out in s.outs])]
            names = ", ".join(f"{name}: {code(dtype)}" for name, dtype, _, _ in s.outs)
            lines.append(f"-> {names}")
        return lines

    def carries(self, s: For | While) -> list[str]:
        lines = []
        for carry in s.carries:
            reduce = f" reduce {carry.reduce}" if carry.reduce else ""
            lines += self.line(f"  carry {carry.name}: {code(carry.dtype)} = {{}}{reduce}",
                               carry.init)
        return lines

    def ends(self, s: For | While) -> list[str]:
        lines = []
        for carry in s.carries:
            lines += self.line(f"  next {carry.name} = {{}}", carry.next)
        lines += [f"  swap {left.name} {right.name}" for left, right in s.swaps]
        return lines

    def loop_for(self, s: For) -> list[str]:
        flags = (f" until {s.until}" if s.until else "") + (" regular" if s.regular else "")
        flags += " loose" if s.loose else ""
        flags += " independent" if s.independent else ""
        flags += " once" if s.once else ""
        flags += " ahead" if s.ahead else ""
        flags += f" lanes {s.lanes}" if s.lanes else ""
        flags += f" stop {s.stop}" if s.stop else ""
        flags += f" note {s.note!r}".replace("{", "{{").replace("}", "}}") if s.note else ""
        given = [s.lo, s.hi, s.step]
        if s.parallel is not None:
            flags += " parallel {}"
            given.append(s.parallel)
        lines = ["first"] if s.first else []
        if s.first:                            # the memory is for both
            lines += [f"  private {self.declaration(b)}" for b in s.private]
            lines += self.statements(s.first, "  ")
        lines += self.line(f"for {s.var} in {{}}..{{}} step {{}}{flags}{_line(s.location)}",
                           *given)
        if not s.first:
            lines += [f"  private {self.declaration(b)}" for b in s.private]
        return lines + self.carries(s) + self.statements(s.body, "  ") + self.ends(s)

    def loop_while(self, s: While) -> list[str]:
        lines = [f"while{_line(s.location)}", *self.carries(s), *self.statements(s.test, "  ")]
        lines += ["  " + line for line in self.line("unless {} leave", s.cond)]
        return lines + self.statements(s.body, "  ") + self.ends(s)


def _bottom_up(roots: list[Expr], visit: Callable[[Expr], None],
               kids: Callable[[Expr], Sequence[Expr]] = operands) -> None:
    """Visit each node once, after its operands."""
    seen: set[Expr] = set()
    for root in roots:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [k for k in kids(node) if k not in seen] if node not in seen else []
            if missing:
                stack += reversed(missing)
                continue
            if node not in seen:
                seen.add(node)
                visit(node)
            stack.pop()


def _tree_sizes(roots: list[Expr]) -> dict[Expr, int]:
    """Nodes of each expression, shared ones counted each time."""
    size: dict[Expr, int] = {}

    def visit(node: Expr) -> None:
        size[node] = 1 + sum(size[k] for k in operands(node))
    _bottom_up(roots, visit)
    return size


def _shared(roots: list[Expr]) -> tuple[list[Expr], dict[Expr, int]]:
    """All nodes, operands first, and in how many places each occurs. The order depends on what the
    expressions are, not on when they were made: commuting operands are ordered by digest."""
    digest: dict[Expr, int] = {}

    def commuting(node: Expr) -> bool:
        return node.op == "aff" or (node.op in SCALAR_OPS and SCALAR_OPS[node.op].commutative)

    def weigh(node: Expr) -> None:
        kids = [digest[k] for k in operands(node)]
        if node.op == "aff":
            kids = [31 * k + factor for k, (_, factor) in zip(kids, node.args[1], strict=True)]
        what = node.args[0] if node.op in ("lit", "var", "aff", "load") else ""
        text = f"{node.op} {node.dtype} {what!r} {sorted(kids) if commuting(node) else kids}"
        digest[node] = zlib.crc32(text.encode())
    _bottom_up(roots, weigh)
    uses: dict[Expr, int] = dict.fromkeys(digest, 0)
    order: list[Expr] = []

    def visit(node: Expr) -> None:
        order.append(node)
        for kid in operands(node):
            uses[kid] += 1
    for root in roots:
        uses[root] += 1
    _bottom_up(roots, visit, lambda node: sorted(operands(node), key=digest.__getitem__)
               if commuting(node) else operands(node))
    return order, uses
