"""The team of threads: every part runs once, whoever asks, however often, and across forks."""

import ctypes
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from hotloop import config
from hotloop.llvm import engine, externals, loader, team, threads

pytestmark = pytest.mark.skipif(not team.POSSIBLE, reason="loops run in one thread here")

TEXT = """
; env: counts of iterations and sum of their numbers for each part
define void @fill(ptr %env, i64 %lo, i64 %hi, i64 %number) {
entry:
  br label %head
head:
  %i = phi i64 [%lo, %entry], [%j, %body]
  %more = icmp slt i64 %i, %hi
  br i1 %more, label %body, label %done
body:
  %cell = getelementptr i64, ptr %env, i64 %i
  %old = load i64, ptr %cell
  %n1 = add i64 %number, 1
  %new = add i64 %old, %n1
  store i64 %new, ptr %cell
  %j = add i64 %i, 1
  br label %head
done:
  ret void
}
define void @divide(ptr %env, i64 %lo, i64 %hi, i64 %number) {
  %cell = getelementptr double, ptr %env, i64 %number
  %x = load double, ptr %cell
  %y = fdiv double 1.0, %x
  store double %y, ptr %cell
  ret void
}
define void @run(ptr %cell, ptr %fn, ptr %env, i64 %n, i64 %grain, i64 %times, double %work) {
entry:
  br label %head
head:
  %k = phi i64 [0, %entry], [%k1, %body]
  %more = icmp slt i64 %k, %times
  br i1 %more, label %body, label %done
body:
  call void @hl_run(ptr %cell, ptr %fn, ptr %env, i64 %n, i64 %grain, double %work)
  %k1 = add i64 %k, 1
  br label %head
done:
  ret void
}
define i32 @flags(ptr %cell, ptr %fn, ptr %env, i64 %n) {
  %mode = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %old = load i32, ptr %mode
  %clean = and i32 %old, -64
  store i32 %clean, ptr %mode
  call void @llvm.x86.sse.ldmxcsr(ptr %mode)
  call void @hl_run(ptr %cell, ptr %fn, ptr %env, i64 %n, i64 1, double 0.0)
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %new = load i32, ptr %mode
  %flags = and i32 %new, 63
  ret i32 %flags
}
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
""" + team.RUN
_code = []


def code():
    if not _code:
        _code.append(loader.load(engine.compile_text(TEXT)))
    return _code[0]


def run(cells, n, grain, times=1, work=0.0, kind=ctypes.PYFUNCTYPE):
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    function = kind(None, pointer, pointer, pointer, number, number, number, ctypes.c_double)(
        code()["run"])
    function(threads.address("parts"), code()["fill"], ctypes.addressof(cells), n, grain,
             times, work)


def check(n, grain, times=1, **options):
    cells = (ctypes.c_int64 * (n + 1))()
    run(cells, n, grain, times, **options)
    assert cells[n] == 0
    assert list(cells[:n]) == [times * (i // grain + 1) for i in range(n)]


@contextmanager
def team_of(count):
    before = config.num_threads
    threads.set_count(count)
    try:
        yield
    finally:
        threads.set_count(before)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_part_runs_once(count):
    with team_of(count):
        for n in (1, 2, 7, 64, 1000):
            for grain in (1, 3, 16, 64, 5000):      # also 64 parts, and more: one thread's
                check(n, grain, times=20)


def test_many_callers():
    """Who finds the team at work runs its parts itself."""
    failed = []

    def caller(n):
        try:
            for _ in range(30):
                check(n, 3, times=10, kind=ctypes.CFUNCTYPE)      # without the GIL
        except BaseException as error:
            failed.append(error)

    with team_of(3):
        callers = [threading.Thread(target=caller, args=(50 + k,)) for k in range(6)]
        for thread in callers:
            thread.start()
        for thread in callers:
            thread.join(60)
    assert not failed and not any(thread.is_alive() for thread in callers)


def test_flags_of_workers_are_the_callers():
    """Each part divides by its own number; one divides by 0."""
    flags = ctypes.PYFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3, ctypes.c_int64)(
        code()["flags"])
    with team_of(2):
        seen = set()
        for zero in range(40):
            cells = (ctypes.c_double * 41)(*[0.0 if k == zero else 1.0 for k in range(40)], 0.0)
            seen.add(flags(externals.resolve("threads:parts"), code()["divide"],
                           ctypes.addressof(cells), 40))
        assert seen == {4}, "division by zero, and nothing else"


def test_no_thread_is_to_be_had(monkeypatch):
    monkeypatch.setattr(threads, "_started", lambda worker, number: False)
    with team_of(64):
        check(1000, 10, times=5)


def test_more_or_fewer_threads():
    for count in (4, 1, 2, 3, 1, 0):
        threads.set_count(count)
        check(300, 7, times=5)
    assert threads.count() == (config.num_threads or threads.available())


def test_a_child_has_its_own_team():
    check(100, 10)
    with team_of(2):
        for _ in range(3):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    check(1000, 10, times=50)
                    status = 0
                finally:
                    os._exit(status)
            check(1000, 10, times=50)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_all_parts_run_without_a_team(monkeypatch, error):
    """Whatever is raised while the team is made; machine code can't raise it, Python reports it."""
    def start(team):
        raise error
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: reported.append(found.exc_type))
    monkeypatch.setattr(threads.Team, "start", start)
    monkeypatch.setattr(threads, "_team", threads.Team())
    check(100, 7)
    assert reported == [KeyboardInterrupt] * (error is KeyboardInterrupt)


def test_a_fork_while_others_run():
    stop, failed = threading.Event(), []

    def caller():
        try:
            while not stop.is_set():
                check(500, 20, times=20, kind=ctypes.CFUNCTYPE)
        except BaseException as error:
            failed.append(error)

    with team_of(2):
        callers = [threading.Thread(target=caller) for _ in range(2)]
        for thread in callers:
            thread.start()
        try:
            for _ in range(10):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        check(500, 20, times=5)
                        status = 0
                    finally:
                        os._exit(status)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            stop.set()
            for thread in callers:
                thread.join(60)
    assert not failed


def test_python_runs_meanwhile():
    """A long job gives the interpreter's lock to others, a short one does not."""
    seen = []

    def other():
        while not seen or seen[-1] != "end":
            seen.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=other)
    thread.start()
    cells = (ctypes.c_int64 * 200_001)()
    start = time.perf_counter()
    run(cells, 200_000, 5_000, times=500, work=1e9)
    end = time.perf_counter()
    seen.append("end")
    thread.join(60)
    during = [t for t in seen if t != "end" and start < t < end]
    assert end - start > 0.01 and len(during) >= 3


def test_the_process_ends_while_threads_run():
    """Daemon threads in long jobs, and workers, do not keep a process or break its end."""
    text = f"""if 1:
        import sys, threading, time, ctypes
        sys.path[:0] = {[os.path.dirname(__file__)]!r}
        import test_threads as t
        t.threads.set_count(2)
        t.check(10, 1)
        def forever():
            cells = (ctypes.c_int64 * 200001)()
            while True:
                t.run(cells, 200000, 5000, 500, 1e9)
        threading.Thread(target=forever, daemon=True).start()
        time.sleep(0.05)
        print("done")
    """
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
