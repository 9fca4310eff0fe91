"""The function of a parallel loop's parts (`llvm.parts` calls it).

    i64 @part0(frame, totals, lo, hi, values...)     # the loop from lo to hi: 0, or a failed check
    void @part0.run(env, first, last, number)        # the same for iterations first..last

What it needs from outside is found while it is emitted: names become its parameters when they are
first met. Accumulators start at their neutral value.

    env     0 frame  8 lo  16 first failed part  24 its status  32 lock  40 totals  48... values
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotloop.llvm import frame
from hotloop.llvm.builder import type_of
from hotloop.llvm.vector import VectorStatements
from hotloop.loops.core import Alloc, Buffer, Carry, For, walk
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.rewrite import loaded, written
from hotloop.loops.scalar import identity
from hotloop.ops.table import MAX_OPERANDS
from hotloop.record import replace

if TYPE_CHECKING:
    from hotloop.llvm.parts import PartStatements

FRAME, LO, FIRST, STATUS, LOCK_WORD, TOTALS, VALUES = range(0, 56, 8)

FAILED = f"""define internal void @part.failed(ptr %env, i64 %number, i64 %status, ptr %own) #0 {{
entry:
  %lock = getelementptr i8, ptr %env, i64 {LOCK_WORD}
  br label %try
try:
  %taken = atomicrmw xchg ptr %lock, i64 1 seq_cst
  %free = icmp eq i64 %taken, 0
  br i1 %free, label %look, label %try
look:
  %firstp = getelementptr i8, ptr %env, i64 {FIRST}
  %first = load i64, ptr %firstp
  %earlier = icmp slt i64 %number, %first
  br i1 %earlier, label %tell, label %done
tell:
  store i64 %number, ptr %firstp
  %statusp = getelementptr i8, ptr %env, i64 {STATUS}
  store i64 %status, ptr %statusp
  %frame = load ptr, ptr %env
  %to = getelementptr i8, ptr %frame, i64 {8 * frame.OPERANDS}
  %from = getelementptr i8, ptr %own, i64 {8 * frame.OPERANDS}
  %operands = load [{MAX_OPERANDS} x i64], ptr %from
  store [{MAX_OPERANDS} x i64] %operands, ptr %to
  br label %done
done:
  store atomic i64 0, ptr %lock seq_cst, align 8
  ret void
}}
"""


class Part(VectorStatements):
    """Emits the function of a loop's parts. `needs`: what it takes from outside, names as Exprs,
    with their types; `fails`: whether it may leave with an error."""
    in_parts = True

    def __init__(self, outer: PartStatements, loop: For, label: str):
        super().__init__(outer.kernel)
        self.outer, self.whole, self.label_ = outer, loop, label
        self.externals, self.declarations = outer.externals, outer.declarations
        self.constants, self.watched, self.quick = outer.constants, outer.watched, outer.quick
        self.needs: list[tuple[Expr | Buffer, str]] = []
        self.fails = False
        inside = {b for s in walk([loop]) for b in (*loaded(s), *written(s))}
        for buffer in outer.pointers:
            if buffer in inside:
                self.pointers[buffer] = self._parameter(buffer, "ptr")

    def _parameter(self, what: Expr | Buffer, t: str) -> str:
        self.needs.append((what, t))
        return f"%n{len(self.needs)}"

    def _variable(self, node: Expr) -> str:
        name = node.args[0]
        if name not in self.names and not (self.lanes is not None and name == self.lanes.var):
            self.names[name] = self._parameter(node, type_of(node.dtype).text)
        return super()._variable(node)

    def leave(self, code: int | str) -> None:
        self.fails = True
        super().leave(code)

    def emitted(self) -> list[tuple[Expr | Buffer, str]]:
        """Add the functions to the texts; what they need."""
        texts = self.outer.texts
        texts.append("")                         # the label is taken
        loop = self.whole
        lo, hi = var("part lo"), var("part hi")
        self.bind(lo.args[0], "%lo")
        self.bind(hi.args[0], "%hi")
        plain = replace(loop, parallel=None, private=[], first=[])
        start = plain if not loop.first else replace(whole_of(loop))
        start.lo = lo
        start.carries = [replace(c, init=_neutral(c)) for c in start.carries]
        start.hi = plain.hi = hi
        loops = [start] if start is plain else [start, plain]
        with self.block_of([*map(Alloc, loop.private), *loops]):
            for k, carry in enumerate(loop.carries):
                at = self.op(f"getelementptr i8, ptr %totals, i64 {8 * k}")
                self.store_at(at, self.value(var(carry.name, carry.dtype)), carry.dtype)
        self.lines.append(f"ret i64 {frame.DONE}")
        parameters = ["ptr %frame", "ptr %totals", "i64 %lo", "i64 %hi",
                      *(f"{t} %n{k + 1}" for k, (_, t) in enumerate(self.needs))]
        index = int(self.label_.removeprefix("part"))
        texts[index] = "\n".join([
            f"define internal i64 @{self.label_}({', '.join(parameters)}) #0 {{", "entry:",
            *self.entry, *self.lines, *self.cold, "}", self._run()])
        return self.needs

    def _run(self) -> str:
        """The function that finds all in `env`."""
        step, size = int(self.whole.step.args[0]), 8 * max(1, len(self.whole.carries))
        lines = [f"define internal void @{self.label_}.run(ptr %env, i64 %first, i64 %last, "
                 "i64 %number) #0 {", "entry:",
                 f"%frame = load ptr, ptr %env, align {8}"]
        for name, t, at in (("start", "i64", LO), ("all", "ptr", TOTALS), *(
                (f"n{k + 1}", t, VALUES + 8 * k) for k, (_, t) in enumerate(self.needs))):
            lines += [f"%{name}.p = getelementptr i8, ptr %env, i64 {at}",
                      f"%{name} = load {t}, ptr %{name}.p"]
        lines += [f"%first.s = mul i64 %first, {step}", "%lo = add i64 %start, %first.s",
                  f"%last.s = mul i64 %last, {step}", "%hi = add i64 %start, %last.s",
                  f"%before = mul i64 %number, {size}",
                  "%totals = getelementptr i8, ptr %all, i64 %before"]
        given = ", ".join(["ptr %totals", "i64 %lo", "i64 %hi", *(
            f"{t} %n{k + 1}" for k, (_, t) in enumerate(self.needs))])
        if not self.fails:
            return "\n".join([*lines, f"%s = call i64 @{self.label_}(ptr %frame, {given})",
                              "ret void", "}"])
        self.constants[FAILED] = None
        head = f"[{frame.OPERANDS} x i64]"
        return "\n".join([
            *lines, f"%own = alloca [{8 * frame.PARAMS} x i8], align 16",
            f"%head = load {head}, ptr %frame", f"store {head} %head, ptr %own",
            f"%known.p = getelementptr i8, ptr %env, i64 {FIRST}",
            "%known = load atomic i64, ptr %known.p monotonic, align 8",
            "%late = icmp slt i64 %known, %number", "br i1 %late, label %done, label %run",
            "run:", f"%s = call i64 @{self.label_}(ptr %own, {given})",
            "%fine = icmp eq i64 %s, 0", "br i1 %fine, label %done, label %failed", "failed:",
            "call void @part.failed(ptr %env, i64 %number, i64 %s, ptr %own)",
            "br label %done", "done:", "ret void", "}"])


def whole_of(loop: For) -> For:
    """Says from where to where a loop goes, and what its accumulators begin with."""
    first = loop.first[0] if loop.first else loop
    assert isinstance(first, For)
    return first


def _neutral(carry: Carry) -> Expr:
    """What a part's accumulator begins with."""
    assert carry.reduce is not None
    value = identity(carry.reduce, carry.dtype)
    if carry.reduce == "add" and carry.dtype.kind == "f":
        value = -value                           # -0.0 is neutral for all, 0.0 not for -0.0
    return lit(value, carry.dtype)
