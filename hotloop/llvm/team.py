"""The machine code of the threads that run parts of loops (`llvm.threads` starts and loads it).

    void hl_parts(fn, env, n, grain, work)      # fn(env, lo, hi, number) for each part of 0..n

A part is `grain` iterations; which parts there are depends on n and grain only, so results do not
depend on who runs them. The caller publishes a job, wakes the workers and claims parts like them;
it waits only for parts that a worker has begun. On a busy machine, where no worker gets a core, a
job so costs one system call (OpenMP's caller waits for a fixed share: stalls of milliseconds).

    left         bit k: nobody has begun part k (64 at most); cleared by compare-and-swap
    job          fn, env, n, grain, parts, the caller's floating-point mode; filled in while no part
                 is left, and not changed before all are done
    generation   counts jobs, for those who sleep until there is another one

Thread k of T begins with its own share, parts from k * parts / T on, upwards, and then takes from
the end of what others have left. So a loop that is met again finds in each core's cache what the
core had the last time (Jacobi of 400 x 400, two threads: 720 us; 1340 when parts went to whoever
came).

Measured (2 cores of a Xeon, idle): 0.16 us for a job of two empty parts while workers still look
for work, 0.8 us after 100 us of sleep, 8 us after 2 ms; two Python threads with locks 10 us,
libgomp 0.5 to 3 us. After SPIN rounds (100 us) a worker sleeps in a futex.

A second caller, one that has no workers, and all while the machine is busy, run all parts
themselves, in order. Long jobs release the interpreter's lock.
"""

from __future__ import annotations

import sys

from hotloop.llvm.flags import NATIVE

POSSIBLE = NATIVE and sys.platform == "linux"
"""Futexes and x86's floating-point mode are used; elsewhere loops run in one thread."""

SPIN = 2000
"""Rounds (50 ns each) that a worker looks for work, and a caller for the end of the last part,
before it sleeps: serial pieces of programs between parallel loops are often shorter."""

RELEASED = 1e6
"""Predicted nanoseconds from which a job releases the interpreter's lock: to get it back from a
thread that computes in Python takes 5 ms."""

BANK, PAUSE = 1 << 24, 32
"""Where other processes hold the cores, a worker may be stopped in the middle of a part, for a
scheduler's slice of milliseconds, and the caller waits; or it runs in the caller's place. Each job
so is compared with what it would have taken alone: the caller's own parts tell, by the time that
its thread had a core. Gains go into a bank, up to BANK ns, losses are taken from it, and when it is
empty jobs run alone for PAUSE times as long as the rest of the loss: so nothing gets slower by more
than 3 % for long."""

SAMPLED, MEASURED = 8, 5e4
"""The clock of a thread takes 350 ns to read: of jobs predicted to be shorter than MEASURED ns one
of SAMPLED is compared, for all of them."""

_WALL, _OWN = 1, 3                          # CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID
_FUTEX, _WAIT, _WAKE = 202, 128, 129        # with FUTEX_PRIVATE_FLAG
_FN, _ENV, _COUNT, _GRAIN, _PARTS, _MODE = range(0, 48, 8)

_HEAD = """\
@hl_left = internal global i64 0, align 128
@hl_generation = internal global i32 0, align 128
@hl_done = internal global i32 0, align 128
@hl_sleepers = internal global i32 0, align 128
@hl_waiting = internal global i32 0, align 128
@hl_job = internal global [6 x i64] zeroinitializer, align 128
@hl_raised = internal global i32 0
@hl_team_lock = internal global i32 0, align 128
@hl_team_size = internal global i32 1
@hl_bank = internal global i64 0
@hl_until = internal global i64 0
declare i64 @syscall(i64, ...)
declare i32 @PyGILState_Check()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i32 @clock_gettime(i32, ptr)
declare i64 @llvm.cttz.i64(i64, i1)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.umax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.x86.sse2.pause()
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)"""


def text() -> str:
    """The team's functions as an LLVM module."""
    return "\n\n".join([_HEAD, CLOCK, _futex("wait", _WAIT), _futex("wake", _WAKE), _claim(),
                        _part(), _worker(), ALONE, _together(), _parts(), _forked()])


CLOCK = """define internal i64 @hl_clock(i32 %which, i1 %wanted) {
entry:
  %t = alloca [2 x i64]
  br i1 %wanted, label %look, label %no
look:
  %r = call i32 @clock_gettime(i32 %which, ptr %t)
  %seconds = load i64, ptr %t
  %restp = getelementptr i8, ptr %t, i64 8
  %rest = load i64, ptr %restp
  %whole = mul i64 %seconds, 1000000000
  %ns = add i64 %whole, %rest
  ret i64 %ns
no:
  ret i64 0
}"""
"""Nanoseconds of a clock of the system, if they are wanted."""


def _futex(name: str, operation: int) -> str:
    return f"""define internal i64 @hl_futex_{name}(ptr %word, i32 %value) {{
  %r = call i64 (i64, ...) @syscall(i64 {_FUTEX}, ptr %word, i32 {operation}, i32 %value,
                                    ptr null, ptr null, i32 0)
  ret i64 %r
}}"""


def _claim() -> str:
    """The number of a part that is the caller's now, who is thread `me`; 64 if none is left."""
    return f"""define internal i64 @hl_claim(i64 %me) {{
entry:
  br label %look
look:
  %left = load atomic i64, ptr @hl_left seq_cst, align 8
  %none = icmp eq i64 %left, 0
  br i1 %none, label %nothing, label %choose
choose:
  %pp = getelementptr i8, ptr @hl_job, i64 {_PARTS}
  %parts = load volatile i64, ptr %pp
  %size32 = load atomic i32, ptr @hl_team_size seq_cst, align 4
  %size = zext i32 %size32 to i64
  %to.me = mul i64 %me, %parts
  %share = udiv i64 %to.me, %size
  %first = and i64 %share, 63
  %to.next = add i64 %to.me, %parts
  %end = udiv i64 %to.next, %size
  %from.first = shl i64 -1, %first
  %later = and i64 %left, %from.first
  %lowest = call i64 @llvm.cttz.i64(i64 %later, i1 false)
  %own = icmp ult i64 %lowest, %end
  %above = call i64 @llvm.ctlz.i64(i64 %left, i1 true)
  %highest = xor i64 %above, 63
  %number = select i1 %own, i64 %lowest, i64 %highest
  %place = and i64 %number, 63
  %bit = shl i64 1, %place
  %rest = xor i64 %left, %bit
  %pair = cmpxchg ptr @hl_left, i64 %left, i64 %rest seq_cst seq_cst
  %mine = extractvalue {{i64, i1}} %pair, 1
  br i1 %mine, label %done, label %look
done:
  ret i64 %place
nothing:
  ret i64 64
}}"""


def _part() -> str:
    """Run part `number` of the job, and note the floating-point flags that it sets."""
    return f"""define internal void @hl_part(i64 %number) {{
  %mode = alloca i32
  %fnp = getelementptr i8, ptr @hl_job, i64 {_FN}
  %fn = load volatile ptr, ptr %fnp
  %envp = getelementptr i8, ptr @hl_job, i64 {_ENV}
  %env = load volatile ptr, ptr %envp
  %np = getelementptr i8, ptr @hl_job, i64 {_COUNT}
  %n = load volatile i64, ptr %np
  %gp = getelementptr i8, ptr @hl_job, i64 {_GRAIN}
  %grain = load volatile i64, ptr %gp
  %lo = mul i64 %number, %grain
  %end = add i64 %lo, %grain
  %last = icmp sgt i64 %end, %n
  %hi = select i1 %last, i64 %n, i64 %end
  call void %fn(ptr %env, i64 %lo, i64 %hi, i64 %number)
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %after = load i32, ptr %mode
  %flags = and i32 %after, 63
  %known = load volatile i32, ptr @hl_raised
  %both = or i32 %flags, %known
  %new = icmp ne i32 %both, %known
  br i1 %new, label %tell, label %done
tell:
  %x = atomicrmw or ptr @hl_raised, i32 %flags seq_cst
  br label %done
done:
  ret void
}}"""


def _worker() -> str:
    """A thread: look for a part, sleep if there is none for long. Thread k of more than are wanted
    now sleeps until that changes."""
    return f"""define ptr @hl_worker(ptr %id) {{
entry:
  %me = ptrtoint ptr %id to i64
  %me32 = trunc i64 %me to i32
  %mode = alloca i32
  br label %wait
wait:
  %size = load atomic i32, ptr @hl_team_size seq_cst, align 4
  %wanted = icmp slt i32 %me32, %size
  br i1 %wanted, label %spin, label %parked
parked:
  %r0 = call i64 @hl_futex_wait(ptr @hl_team_size, i32 %size)
  br label %wait
spin:
  %k = phi i32 [0, %wait], [%k1, %again]
  %g = load atomic i32, ptr @hl_generation seq_cst, align 4
  %number = call i64 @hl_claim(i64 %me)
  %some = icmp ult i64 %number, 64
  br i1 %some, label %run, label %again
again:
  call void @llvm.x86.sse2.pause()
  %k1 = add i32 %k, 1
  %more = icmp ult i32 %k1, {SPIN}
  br i1 %more, label %spin, label %sleep
run:
  %mp = getelementptr i8, ptr @hl_job, i64 {_MODE}
  %m = load volatile i32, ptr %mp
  store i32 %m, ptr %mode
  call void @llvm.x86.sse.ldmxcsr(ptr %mode)
  call void @hl_part(i64 %number)
  %before = atomicrmw add ptr @hl_done, i32 1 seq_cst
  %waiting = load atomic i32, ptr @hl_waiting seq_cst, align 4
  %called = icmp ne i32 %waiting, 0
  br i1 %called, label %tell, label %wait
tell:
  %r1 = call i64 @hl_futex_wake(ptr @hl_done, i32 1)
  br label %wait
sleep:
  %o1 = atomicrmw add ptr @hl_sleepers, i32 1 seq_cst
  %r2 = call i64 @hl_futex_wait(ptr @hl_generation, i32 %g)
  %o2 = atomicrmw sub ptr @hl_sleepers, i32 1 seq_cst
  br label %wait
}}"""


ALONE = """define internal void @hl_alone(ptr %fn, ptr %env, i64 %n, i64 %grain) {
entry:
  br label %head
head:
  %lo = phi i64 [0, %entry], [%hi, %body]
  %number = phi i64 [0, %entry], [%next, %body]
  %left = sub i64 %n, %lo
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %body, label %done
body:
  %short = icmp slt i64 %left, %grain
  %size = select i1 %short, i64 %left, i64 %grain
  %hi = add i64 %lo, %size
  call void %fn(ptr %env, i64 %lo, i64 %hi, i64 %number)
  %next = add i64 %number, 1
  br label %head
done:
  ret void
}
"""
"""All parts in order, in this thread."""

RUN = ALONE + """
define internal void @hl_run(ptr %cells, ptr %fn, ptr %env, i64 %n, i64 %grain, double %work) {
entry:
  %early = load volatile ptr, ptr %cells
  %there = icmp ne ptr %early, null
  br i1 %there, label %call, label %start
start:
  %startp = getelementptr i8, ptr %cells, i64 8
  %make = load ptr, ptr %startp
  call void %make()
  %late = load volatile ptr, ptr %cells
  %made = icmp ne ptr %late, null
  br i1 %made, label %call, label %alone
call:
  %parts = phi ptr [%early, %entry], [%late, %start]
  call void %parts(ptr %fn, ptr %env, i64 %n, i64 %grain, double %work)
  ret void
alone:
  call void @hl_alone(ptr %fn, ptr %env, i64 %n, i64 %grain)
  ret void
}
"""
"""What a kernel calls, as a part of its module: hl_parts, whose address is in cell 0 if there is a
team. If not, the function in cell 1 makes it; whatever becomes of that, all parts are run."""


def _together() -> str:
    """The job of who holds the lock."""
    return f"""define internal void @hl_together(ptr %fn, ptr %env, i64 %n, i64 %grain,
                                     double %work) {{
entry:
  %t0 = call i64 @hl_clock(i32 {_WALL}, i1 true)
  %mode = alloca i32
  %n1 = sub i64 %n, 1
  %whole = udiv i64 %n1, %grain
  %parts = add i64 %whole, 1
  %beyond = sub i64 64, %parts
  %fits = icmp sge i64 %beyond, 0
  br i1 %fits, label %fill, label %alone
alone:
  call void @hl_alone(ptr %fn, ptr %env, i64 %n, i64 %grain)
  ret void
fill:
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %now = load i32, ptr %mode
  %clean = and i32 %now, -64
  %fnp = getelementptr i8, ptr @hl_job, i64 {_FN}
  store volatile ptr %fn, ptr %fnp
  %envp = getelementptr i8, ptr @hl_job, i64 {_ENV}
  store volatile ptr %env, ptr %envp
  %np = getelementptr i8, ptr @hl_job, i64 {_COUNT}
  store volatile i64 %n, ptr %np
  %gp = getelementptr i8, ptr @hl_job, i64 {_GRAIN}
  store volatile i64 %grain, ptr %gp
  %pp = getelementptr i8, ptr @hl_job, i64 {_PARTS}
  store volatile i64 %parts, ptr %pp
  %mp = getelementptr i8, ptr @hl_job, i64 {_MODE}
  store volatile i32 %clean, ptr %mp
  store volatile i32 0, ptr @hl_raised
  store atomic i32 0, ptr @hl_done seq_cst, align 4
  %all.left = lshr i64 -1, %beyond
  store atomic i64 %all.left, ptr @hl_left seq_cst, align 8
  %g = atomicrmw add ptr @hl_generation, i32 1 seq_cst
  %mixed = mul i32 %g, -1640531535
  %picked = icmp ult i32 %mixed, {2**32 // SAMPLED}
  %long = fcmp oge double %work, {MEASURED:e}
  %measured = or i1 %picked, %long
  %weight = select i1 %long, i64 1, i64 {SAMPLED}
  %sleepers = load atomic i32, ptr @hl_sleepers seq_cst, align 4
  %asleep = icmp sgt i32 %sleepers, 0
  br i1 %asleep, label %wake, label %begin
wake:
  %size = load atomic i32, ptr @hl_team_size seq_cst, align 4
  %p32 = trunc i64 %parts to i32
  %fewer = icmp slt i32 %p32, %size
  %all = select i1 %fewer, i32 %p32, i32 %size
  %others = sub i32 %all, 1
  %r1 = call i64 @hl_futex_wake(ptr @hl_generation, i32 %others)
  br label %begin
begin:
  %t1 = call i64 @hl_clock(i32 {_OWN}, i1 %measured)
  br label %claim
claim:
  %own = phi i64 [0, %begin], [%own1, %run]
  %number = call i64 @hl_claim(i64 0)
  %some = icmp ult i64 %number, 64
  br i1 %some, label %run, label %join
run:
  call void @hl_part(i64 %number)
  %before = atomicrmw add ptr @hl_done, i32 1 seq_cst
  %own1 = add i64 %own, 1
  br label %claim
join:
  %t2 = call i64 @hl_clock(i32 {_OWN}, i1 %measured)
  %count = trunc i64 %parts to i32
  br label %spin
spin:
  %k = phi i32 [0, %join], [%k1, %again]
  %done1 = load atomic i32, ptr @hl_done seq_cst, align 4
  %ready = icmp eq i32 %done1, %count
  br i1 %ready, label %end, label %again
again:
  call void @llvm.x86.sse2.pause()
  %k1 = add i32 %k, 1
  %more = icmp ult i32 %k1, {SPIN}
  br i1 %more, label %spin, label %sleep
sleep:
  store atomic i32 1, ptr @hl_waiting seq_cst, align 4
  br label %look
look:
  %done2 = load atomic i32, ptr @hl_done seq_cst, align 4
  %ready2 = icmp eq i32 %done2, %count
  br i1 %ready2, label %awake, label %doze
doze:
  %r2 = call i64 @hl_futex_wait(ptr @hl_done, i32 %done2)
  br label %look
awake:
  store atomic i32 0, ptr @hl_waiting seq_cst, align 4
  br label %end
end:
  %raised = load volatile i32, ptr @hl_raised
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %mine = load i32, ptr %mode
  %flags = or i32 %mine, %raised
  store i32 %flags, ptr %mode
  call void @llvm.x86.sse.ldmxcsr(ptr %mode)
  %t3 = call i64 @hl_clock(i32 {_WALL}, i1 %measured)
  %took = sub i64 %t3, %t0
  %busy = sub i64 %t2, %t1
  %did = call i64 @llvm.umax.i64(i64 %own, i64 1)
  %each = udiv i64 %busy, %did
  %serial = mul i64 %each, %parts
  %difference = sub i64 %serial, %took
  %saved = mul i64 %difference, %weight
  %some.own = icmp ne i64 %own, 0
  %told = and i1 %measured, %some.own
  %gain = select i1 %told, i64 %saved, i64 0
  %bank0 = load i64, ptr @hl_bank
  %bank1 = add i64 %bank0, %gain
  %bank2 = call i64 @llvm.smin.i64(i64 %bank1, i64 {BANK})
  %owes = icmp slt i64 %bank2, 0
  %bank = select i1 %owes, i64 0, i64 %bank2
  store i64 %bank, ptr @hl_bank
  br i1 %owes, label %pause, label %leave
pause:
  %time = mul i64 %bank2, {-PAUSE}
  %until = add i64 %t3, %time
  store volatile i64 %until, ptr @hl_until
  br label %leave
leave:
  ret void
}}"""


def _parts() -> str:
    """What kernels call by `RUN`, with the interpreter's lock or without."""
    return f"""define void @hl_parts(ptr %fn, ptr %env, i64 %n, i64 %grain, double %work) {{
entry:
  %long = fcmp oge double %work, {RELEASED:e}
  br i1 %long, label %ask, label %go
ask:
  %holds = call i32 @PyGILState_Check()
  %does = icmp ne i32 %holds, 0
  br i1 %does, label %release, label %go
release:
  %saved = call ptr @PyEval_SaveThread()
  br label %go
go:
  %state = phi ptr [null, %entry], [null, %ask], [%saved, %release]
  %size = load atomic i32, ptr @hl_team_size seq_cst, align 4
  %several = icmp sgt i32 %size, 1
  br i1 %several, label %ready, label %alone
ready:
  %now = call i64 @hl_clock(i32 {_WALL}, i1 true)
  %until = load volatile i64, ptr @hl_until
  %early = icmp slt i64 %now, %until
  br i1 %early, label %alone, label %lock
lock:
  %taken = atomicrmw xchg ptr @hl_team_lock, i32 1 seq_cst
  %free = icmp eq i32 %taken, 0
  br i1 %free, label %together, label %alone
together:
  call void @hl_together(ptr %fn, ptr %env, i64 %n, i64 %grain, double %work)
  store atomic i32 0, ptr @hl_team_lock seq_cst, align 4
  br label %back
alone:
  call void @hl_alone(ptr %fn, ptr %env, i64 %n, i64 %grain)
  br label %back
back:
  %released = icmp ne ptr %state, null
  br i1 %released, label %take, label %done
take:
  call void @PyEval_RestoreThread(ptr %state)
  br label %done
done:
  ret void
}}"""


def _forked() -> str:
    """Around a fork: nobody else may be in a job; the child has no workers."""
    return """define i32 @hl_team_acquire() {
  %taken = atomicrmw xchg ptr @hl_team_lock, i32 1 seq_cst
  ret i32 %taken
}

define void @hl_team_release() {
  store atomic i32 0, ptr @hl_team_lock seq_cst, align 4
  ret void
}

define void @hl_team_forked() {
  store i32 1, ptr @hl_team_size
  store i32 0, ptr @hl_sleepers
  store i32 0, ptr @hl_waiting
  store atomic i32 0, ptr @hl_team_lock seq_cst, align 4
  ret void
}

define void @hl_team_resize(i32 %size) {
  store atomic i32 %size, ptr @hl_team_size seq_cst, align 4
  %r = call i64 @hl_futex_wake(ptr @hl_team_size, i32 2147483647)
  ret void
}"""
