"""Parallel loops (`For.parallel`): the body is a function, which threads run for parts of the loop.

    i64 @part0(frame, totals, lo, hi, values...)     # the loop from lo to hi: 0, or a failed check
    void @part0.run(env, first, last, number)        # the same for iterations first..last

Where the loop is reached, its expected time decides (`config.parallel`): @part0 is called for the
whole of it, with its values in registers, or `hl_run` (`llvm.team`) for all parts, with the
values in memory. Which of them it is and the cut into parts depend on the number of iterations and
the expected time alone; so no result depends on the number of threads. The code is there once
(`llvm.part`); a second time, in place of the call, if it is a small loop of lanes inside others: a
call takes 5 ns (Cholesky by slices, 250: 745 us, 546 without parallel loops, 511 so).

Accumulators start at their neutral value in each part; the parts' totals are combined in order. A
check that fails in several parts fails in the first of them.

Other long loops release the interpreter's lock, as parallel ones do, if nothing in them needs it.
"""

from __future__ import annotations

from hotloop import config
from hotloop.llvm import frame, team
from hotloop.llvm.builder import scalar_text, type_of
from hotloop.llvm.part import (
    FIRST,
    FRAME,
    LO,
    LOCK_WORD,
    STATUS,
    TOTALS,
    VALUES,
    Part,
    whole_of,
)
from hotloop.llvm.target import register_bytes
from hotloop.llvm.varying import lanes_of, varying_names
from hotloop.llvm.vector import VectorStatements
from hotloop.loops import cost
from hotloop.loops.core import (
    Alloc,
    Buffer,
    Call,
    Carry,
    For,
    Kernel,
    Let,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import F64, I64, Expr
from hotloop.loops.parallel import needs_nobody
from hotloop.loops.rewrite import expressions, writes
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.loops.work import work
from hotloop.record import replace

MOST_PARTS = 64
"""Enough for loops whose iterations take different times; their totals lie on the stack."""

PART_NS = 2500.0
"""What a part takes at least: to claim one costs 20 to 100 ns."""

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
        self._depth = 0                  # serial loops around
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
            self._serial(loop)
        else:
            self._inside = True
            self._released = self._release(work(loop))
            self._serial(loop)
            self._take_back()
            self._released, self._inside = "", False

    def _serial(self, loop: For) -> None:
        self._depth += 1
        super().loop(loop)
        self._depth -= 1

    def while_(self, loop: While) -> None:
        self._depth += 1
        super().while_(loop)
        self._depth -= 1

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
        changed, whole = writes([loop]), whole_of(loop)
        step = int(loop.step.args[0])
        lo, hi = self.value(whole.lo), self.value(whole.hi)
        inits = [self.value(c.init) for c in whole.carries]
        self.forget(changed)
        guard, done = self.label(), self.label()
        enter, before = self._entered(lo, hi, str(step), step), self.block
        self.branch(enter, guard, done)
        self.begin(guard)
        with self.scope():
            part = Part(self, loop, f"part{len(self.texts)}")
            given = [f"{t} {self._given(x)}" for x, t in part.emitted()]
            size = 8 * max(1, len(loop.carries))
            totals = self.stack(size * MOST_PARTS) if loop.carries else "null"
            own = f"ptr %frame, ptr {totals}, i64 {lo}, i64 {hi}"
            if self._depth and not self.quick and team.POSSIBLE and _small(loop):
                sums = self._in_place(loop, part, (lo, hi), inits, totals, size, given)
            else:
                call = f"call i64 @{part.label_}({', '.join([own, *given])})"
                status = self._dispatched(loop, part, call, (lo, hi), totals, size, given) if (
                    team.POSSIBLE) else self.op(call)
                sums = self._totals(loop, part, status, inits, totals)
        last = self.block
        self.jump(done)
        self.begin(done)
        for carry, init, total in zip(loop.carries, inits, sums, strict=True):
            self.bind(carry.name, self.phi(type_of(carry.dtype), (init, before), (total, last)))
        self.forget(changed)

    def _totals(self, loop: For, part: Part, status: str, inits: list[str],
                totals: str) -> list[str]:
        """What the accumulators are in the end, if no check has failed."""
        if part.fails:
            failed, passed = self.label(), self.label()
            self.branch(self.op(f"icmp eq i64 {status}, 0"), passed, failed, ", !prof !1")
            with self.out_of_line(failed):
                self.leave(status)
            self.begin(passed)
        sums = []
        for k, (carry, init) in enumerate(zip(loop.carries, inits, strict=True)):
            total = self.load_at(self._offset(totals, 8 * k), carry.dtype)
            assert carry.reduce is not None
            sums.append(self.combined(carry.reduce, carry.dtype, init, total))
        return sums

    def _in_place(self, loop: For, part: Part, ends: tuple[str, str], inits: list[str],
                  totals: str, size: int, given: list[str]) -> list[str]:
        """The loop here, or all parts; the accumulators in the end."""
        many, count, time = self._long(loop, ends)
        joined = self.label()
        with self.out_of_line(many), self.scope():
            status = self._many(loop, part, ends[0], count, time, totals, size, given)
            late = self._totals(loop, part, status, inits, totals)
            end = self.block
            self.jump(joined)
        with self.scope():
            super().loop(replace(loop, parallel=None))
        sums = [self.names[c.name] for c in loop.carries]
        last = self.block
        self.jump(joined)
        self.begin(joined)
        return [self.phi(type_of(c.dtype), (a, last), (b, end))
                for c, a, b in zip(loop.carries, sums, late, strict=True)]

    def _long(self, loop: For, ends: tuple[str, str]) -> tuple[str, str, str]:
        """Where a loop that is worth threads is done; its iterations and its time. Here it is not
        worth them."""
        many, alone = self.label(), self.label()
        step = int(loop.step.args[0])
        count = self.trip_count(*ends, str(step), step)
        assert loop.parallel is not None
        time = self.value(loop.parallel)
        long = self.op(f"fcmp oge double {time}, {_double(config.parallel)}")
        self.branch(long, many, alone)
        self.begin(alone)
        return many, count, time

    def _dispatched(self, loop: For, part: Part, call: str, ends: tuple[str, str], totals: str,
                    size: int, given: list[str]) -> str:
        """One call for the whole loop, or all parts; the status."""
        many, count, time = self._long(loop, ends)
        joined = self.label()
        with self.out_of_line(many), self.scope():
            late = self._many(loop, part, ends[0], count, time, totals, size, given)
            end = self.block
            self.jump(joined)
        status = self.op(call)
        last = self.block
        self.jump(joined)
        self.begin(joined)
        return self.phi("i64", (status, last), (late, end)) if part.fails else status

    def _given(self, what: Expr | Buffer) -> str:
        return self.pointers[what] if isinstance(what, Buffer) else self.value(what)

    def _offset(self, base: str, bytes_: int | str) -> str:
        return self.op(f"getelementptr i8, ptr {base}, i64 {bytes_}")

    def _many(self, loop: For, part: Part, lo: str, count: str, time: str, totals: str, size: int,
              given: list[str]) -> str:
        """Run all parts, and put the sum of their totals where the first one's is."""
        env = self.stack(VALUES + 8 * len(part.needs))
        cells = [(FRAME, "ptr %frame"), (LO, f"i64 {lo}"), (TOTALS, f"ptr {totals}")]
        if part.fails:
            cells += [(FIRST, f"i64 {2**63 - 1}"), (STATUS, "i64 0"), (LOCK_WORD, "i64 0")]
        cells += [(VALUES + 8 * k, value) for k, value in enumerate(given)]
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
        return self.op(f"load i64, ptr {self._offset(env, STATUS)}") if part.fails else "0"

    def _grain(self, loop: For, count: str, time: str) -> str:
        """Iterations of a part: of a vector loop whole blocks, so that only the last one has a
        tail."""
        whole, aligned = whole_of(loop), 1
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


def _small(loop: For) -> bool:
    """Is a loop of lanes so little text that a call of it costs more?"""
    if not loop.lanes or loop.first or loop.private or any(
            not isinstance(s, Let | Store) for s in loop.body):
        return False
    roots = [*(x for s in loop.body for x in expressions(s)), *(c.next for c in loop.carries)]
    return sum(cost.MATH_NODES if node.op in SCALAR_OPS and SCALAR_OPS[node.op].math else 1
               for node in cost.nodes(roots, set())) <= cost.FEW_NODES


def _double(value: float) -> str:
    return scalar_text(value, type_of(F64))
