"""Parallel loops (`For.parallel`): the body is a function, which threads run for parts of the loop.

    i64 @part0(frame, totals, lo, hi, values...)     # the loop from lo to hi: 0, or a failed check
    void @part0.run(env, first, last, number)        # the same for iterations first..last

Where the loop is reached, its expected time decides (`config.parallel`): @part0 is called for the
whole of it, with its values in registers, or `hl_run` (`llvm.team`) for all parts, with the
values in memory. There is one copy of the code either way, and the cut into parts depends on the
number of iterations and the expected time alone; so no result depends on the number of threads.

Accumulators start at their neutral value in each part; the parts' totals are combined in order. A
check that fails in several parts fails in the first of them. What a part needs from outside is
found while it is emitted: names become its parameters when they are first met.

Other long loops release the interpreter's lock, as parallel ones do, if nothing in them needs it.

    env     0 frame  8 lo  16 first failed part  24 its status  32 lock  40 totals  48... values
"""

from __future__ import annotations

from hotloop import config
from hotloop.llvm import frame, team
from hotloop.llvm.builder import scalar_text, type_of
from hotloop.llvm.target import register_bytes
from hotloop.llvm.varying import lanes_of, varying_names
from hotloop.llvm.vector import VectorStatements
from hotloop.loops.core import Alloc, Buffer, Call, Carry, For, Kernel, walk
from hotloop.loops.expr import F64, I64, Expr, lit, var
from hotloop.loops.parallel import needs_nobody
from hotloop.loops.rewrite import loaded, writes, written
from hotloop.loops.scalar import identity
from hotloop.loops.work import work
from hotloop.ops.table import MAX_OPERANDS
from hotloop.record import replace

MOST_PARTS = 64
"""Enough for loops whose iterations take different times; their totals lie on the stack."""

PART_NS = 2500.0
"""What a part takes at least: to claim one costs 20 to 100 ns."""

_FRAME, _LO, _FIRST, _STATUS, _LOCK, _TOTALS, _VALUES = range(0, 56, 8)

FAILED = f"""define internal void @part.failed(ptr %env, i64 %number, i64 %status, ptr %own) #0 {{
entry:
  %lock = getelementptr i8, ptr %env, i64 {_LOCK}
  br label %try
try:
  %taken = atomicrmw xchg ptr %lock, i64 1 seq_cst
  %free = icmp eq i64 %taken, 0
  br i1 %free, label %look, label %try
look:
  %firstp = getelementptr i8, ptr %env, i64 {_FIRST}
  %first = load i64, ptr %firstp
  %earlier = icmp slt i64 %number, %first
  br i1 %earlier, label %tell, label %done
tell:
  store i64 %number, ptr %firstp
  %statusp = getelementptr i8, ptr %env, i64 {_STATUS}
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


LOCK = """define internal ptr @lock.release(ptr %frame, double %time) #0 {{
entry:
  %long = fcmp oge double %time, {long}
  br i1 %long, label %ask, label %no, !prof !0
ask:
  %tablep = getelementptr i8, ptr %frame, i64 {table}
  %table = load ptr, ptr %tablep
  %checkp = getelementptr i8, ptr %table, i64 {0}
  %check = load ptr, ptr %checkp
  %holds = call i32 %check()
  %does = icmp ne i32 %holds, 0
  br i1 %does, label %save, label %no
save:
  %savep = getelementptr i8, ptr %table, i64 {1}
  %save.f = load ptr, ptr %savep
  %state = call ptr %save.f()
  ret ptr %state
no:
  ret ptr null
}}
define internal void @lock.take(ptr %frame, ptr %state) #0 {{
entry:
  %none = icmp eq ptr %state, null
  br i1 %none, label %done, label %take, !prof !1
take:
  %tablep = getelementptr i8, ptr %frame, i64 {table}
  %table = load ptr, ptr %tablep
  %takep = getelementptr i8, ptr %table, i64 {2}
  %take.f = load ptr, ptr %takep
  call void %take.f(ptr %state)
  br label %done
done:
  ret void
}}
"""
"""The interpreter's lock: released, by who has it, for a loop of so many ns; taken again."""


class PartStatements(VectorStatements):
    """The emitter of a kernel's functions. `texts`: those of the parts."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.texts: list[str] = []
        self._inside = False             # a loop
        self._released = ""              # the thread's state while others may have Python's lock

    def loop(self, loop: For) -> None:
        if loop.parallel is not None and not self.short(loop):
            self._in_parts(loop)
        elif loop.parallel is not None:
            plain = replace(loop, parallel=None, private=[], first=[])
            with self.block_of([*map(Alloc, loop.private), *loop.first, plain]):
                pass
        elif self._inside or any(isinstance(s, Call) and not needs_nobody(s)
                                 for s in walk(loop.body)):
            super().loop(loop)
        else:
            self._inside = True
            self._released = self._release(work(loop))
            super().loop(loop)
            self._take_back()
            self._released, self._inside = "", False

    def _release(self, time: Expr) -> str:
        """Let other threads run Python code if a loop takes so long; the state of this one."""
        if time.op == "lit" and float(time.args[0]) < team.RELEASED:
            return ""
        names = ["python:PyGILState_Check", "python:PyEval_SaveThread",
                 "python:PyEval_RestoreThread"]
        self.externals += [name for name in names if name not in self.externals]
        places = [8 * self.externals.index(name) for name in names]
        self.constants[LOCK.format(*places, table=8 * frame.TABLE,
                                   long=_double(team.RELEASED))] = None
        return self.op(f"call ptr @lock.release(ptr %frame, double {self.value(time)})")

    def _take_back(self) -> None:
        if self._released:
            self.lines.append(f"call void @lock.take(ptr %frame, ptr {self._released})")

    def leave(self, code: int | str) -> None:
        self._take_back()
        super().leave(code)

    def _in_parts(self, loop: For) -> None:
        changed, whole = writes([loop]), _whole(loop)
        step = int(loop.step.args[0])
        lo, hi = self.value(whole.lo), self.value(whole.hi)
        inits = [self.value(c.init) for c in whole.carries]
        self.forget(changed)
        guard, done = self.label(), self.label()
        enter, before = self._entered(lo, hi, str(step), step), self.block
        self.branch(enter, guard, done)
        self.begin(guard)
        sums = []
        with self.scope():
            part = _Part(self, loop, f"part{len(self.texts)}")
            given = [f"{t} {self._given(x)}" for x, t in part.emitted()]
            size = 8 * max(1, len(loop.carries))
            totals = self.stack(size * MOST_PARTS) if loop.carries else "null"
            own = f"ptr %frame, ptr {totals}, i64 {lo}, i64 {hi}"
            call = f"call i64 @{part.label_}({', '.join([own, *given])})"
            status = self._dispatched(loop, part, call, (lo, hi), totals, size, given) if (
                team.POSSIBLE) else self.op(call)
            if part.fails:
                failed, passed = self.label(), self.label()
                self.branch(self.op(f"icmp eq i64 {status}, 0"), passed, failed, ", !prof !1")
                with self.out_of_line(failed):
                    self.leave(status)
                self.begin(passed)
            for k, (carry, init) in enumerate(zip(loop.carries, inits, strict=True)):
                total = self.load_at(self._offset(totals, 8 * k), carry.dtype)
                assert carry.reduce is not None
                sums.append(self.combined(carry.reduce, carry.dtype, init, total))
        last = self.block
        self.jump(done)
        self.begin(done)
        for carry, init, total in zip(loop.carries, inits, sums, strict=True):
            self.bind(carry.name, self.phi(type_of(carry.dtype), (init, before), (total, last)))
        self.forget(changed)

    def _dispatched(self, loop: For, part: _Part, call: str, ends: tuple[str, str], totals: str,
                    size: int, given: list[str]) -> str:
        """One call for the whole loop, or all parts; the status."""
        alone, many, joined = (self.label() for _ in range(3))
        step = int(loop.step.args[0])
        count = self.trip_count(*ends, str(step), step)
        assert loop.parallel is not None
        time = self.value(loop.parallel)
        long = self.op(f"fcmp oge double {time}, {_double(config.parallel)}")
        self.branch(long, many, alone)
        with self.out_of_line(many), self.scope():
            late = self._many(loop, part, ends[0], count, time, totals, size, given)
            end = self.block
            self.jump(joined)
        self.begin(alone)
        status = self.op(call)
        last = self.block
        self.jump(joined)
        self.begin(joined)
        return self.phi("i64", (status, last), (late, end)) if part.fails else status

    def _given(self, what: Expr | Buffer) -> str:
        return self.pointers[what] if isinstance(what, Buffer) else self.value(what)

    def _offset(self, base: str, bytes_: int | str) -> str:
        return self.op(f"getelementptr i8, ptr {base}, i64 {bytes_}")

    def _many(self, loop: For, part: _Part, lo: str, count: str, time: str, totals: str, size: int,
              given: list[str]) -> str:
        """Run all parts, and put the sum of their totals where the first one's is."""
        env = self.stack(_VALUES + 8 * len(part.needs))
        cells = [(_FRAME, "ptr %frame"), (_LO, f"i64 {lo}"), (_TOTALS, f"ptr {totals}")]
        if part.fails:
            cells += [(_FIRST, f"i64 {2**63 - 1}"), (_STATUS, "i64 0"), (_LOCK, "i64 0")]
        cells += [(_VALUES + 8 * k, value) for k, value in enumerate(given)]
        for at, value in cells:
            self.lines.append(f"store {value}, ptr {self._offset(env, at)}")
        grain = self._grain(loop, count, time)
        self.constants[team.RUN] = None
        self.lines.append(f"call void @hl_run(ptr {self.external('threads:parts')}, "
                          f"ptr @{part.label_}.run, ptr {env}, i64 {count}, i64 {grain}, "
                          f"double {time})")
        if loop.carries:
            whole = self.op(f"udiv i64 {self.op(f'sub i64 {count}, 1')}, {grain}")
            self._combine(loop.carries, totals, size, whole)
        return self.op(f"load i64, ptr {self._offset(env, _STATUS)}") if part.fails else "0"

    def _grain(self, loop: For, count: str, time: str) -> str:
        """Iterations of a part: of a vector loop whole blocks, so that only the last one has a
        tail."""
        whole, aligned = _whole(loop), 1
        if whole.lanes:
            aligned, _ = lanes_of(whole, varying_names(whole), register_bytes())
        if config.parallel:
            most = _double(MOST_PARTS)
            wanted = self.op(f"fmul double {time}, {_double(1 / PART_NS)}")
            few = self.op(f"fcmp olt double {wanted}, {most}")
            wanted = self.op(f"select i1 {few}, double {wanted}, double {most}")
            parts = self.op(f"fptoui double {wanted} to i64")
            parts = self.intrinsic("umax", type_of(I64), parts, "1")
        else:
            parts, aligned = "5", 1             # to try things out
        grain = self.op(f"add i64 {self.op(f'udiv i64 {count}, {parts}')}, {aligned}")
        return grain if aligned == 1 else self.op(f"and i64 {grain}, {-aligned}")

    def _combine(self, carries: list[Carry], totals: str, size: int, last: str) -> None:
        """Add the totals of parts 1 to `last` to those of part 0, in order."""
        entry, head, body, done = self.block, self.label(), self.label(), self.label()
        self.jump(head)
        self.begin(head)
        k, following = self.name(), self.name()
        self.lines.append(f"{k} = phi i64 [0, %{entry}], [{following}, %{body}]")
        self.branch(self.op(f"icmp ult i64 {k}, {last}"), body, done)
        self.begin(body)
        self.lines.append(f"{following} = add i64 {k}, 1")
        part = self._offset(totals, self.op(f"mul i64 {following}, {size}"))
        for number, carry in enumerate(carries):
            at = self._offset(totals, 8 * number)
            one = self.load_at(self._offset(part, 8 * number), carry.dtype)
            assert carry.reduce is not None
            self.store_at(at, self.combined(carry.reduce, carry.dtype,
                                            self.load_at(at, carry.dtype), one), carry.dtype)
        self.jump(head)
        self.begin(done)


class _Part(VectorStatements):
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
        start = plain if not loop.first else replace(_whole(loop))
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
        for name, t, at in (("start", "i64", _LO), ("all", "ptr", _TOTALS), *(
                (f"n{k + 1}", t, _VALUES + 8 * k) for k, (_, t) in enumerate(self.needs))):
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
            f"%known.p = getelementptr i8, ptr %env, i64 {_FIRST}",
            "%known = load atomic i64, ptr %known.p monotonic, align 8",
            "%late = icmp slt i64 %known, %number", "br i1 %late, label %done, label %run",
            "run:", f"%s = call i64 @{self.label_}(ptr %own, {given})",
            "%fine = icmp eq i64 %s, 0", "br i1 %fine, label %done, label %failed", "failed:",
            "call void @part.failed(ptr %env, i64 %number, i64 %s, ptr %own)",
            "br label %done", "done:", "ret void", "}"])


def _whole(loop: For) -> For:
    """Says from where to where a loop goes, and what its accumulators begin with."""
    first = loop.first[0] if loop.first else loop
    assert isinstance(first, For)
    return first


def _double(value: float) -> str:
    return scalar_text(value, type_of(F64))


def _neutral(carry: Carry) -> Expr:
    """What a part's accumulator begins with."""
    assert carry.reduce is not None
    value = identity(carry.reduce, carry.dtype)
    if carry.reduce == "add" and carry.dtype.kind == "f":
        value = -value                           # -0.0 is neutral for all, 0.0 not for -0.0
    return lit(value, carry.dtype)
