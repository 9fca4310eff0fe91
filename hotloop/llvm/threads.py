"""The threads of this process that run parts of loops (`llvm.team` is their machine code).

    externals.resolve("threads:parts")     # address of two cells: `hl_parts`, and what starts it
    threads.set_count(1)                   # from now on the caller runs all parts

Nothing is loaded or started before the first loop that is long enough: until then the first cell is
null, and kernels call the function in the second, which is Python. A child of a fork has no workers
and begins anew. Workers never touch Python; they end with the process.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from hotloop import config, lazy
from hotloop.digest import blake2b
from hotloop.llvm import cache, engine, loader, team

signal = lazy.module("signal")

MOST = 256
"""More threads than that are not started."""

_lock = threading.Lock()


def available() -> int:
    """CPUs that this process may use: those of its affinity, or fewer if its group is rationed."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (
        os.cpu_count() or 1)
    with suppress(OSError, ValueError):
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = map(int, file.read().split())    # "max": no number, no limit
        cpus = min(cpus, max(1, -(-quota // period)))
    return cpus


def count() -> int:
    """Threads that run a parallel loop, the caller among them."""
    return max(1, min(config.num_threads or available(), MOST))


def set_count(number: int) -> None:
    """Run parallel loops in so many threads from now on; 0: one for each CPU available."""
    config.num_threads = number
    with _lock:
        if _team.cells[0]:
            _team.staff()


class Team:
    """The loaded machine code and how many workers run it. The code is never unloaded."""

    def __init__(self) -> None:
        self.code: loader.Code | None = None
        self.cells = (ctypes.c_uint64 * 2)(0, ctypes.cast(_start, ctypes.c_void_p).value or 0)
        self.workers = 0

    def start(self) -> None:
        """Load the code if need be, start the workers, tell kernels of them."""
        if self.code is None:
            self.code = loader.load(_object(), {name: _address(name) for name in (
                "PyGILState_Check", "PyEval_SaveThread", "PyEval_RestoreThread")})
            ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))(self.code)
        self.staff()
        self.cells[0] = self.code["hl_parts"]

    def staff(self) -> None:
        """As many workers as are wanted, or as the system allows."""
        assert self.code is not None
        wanted = count() - 1
        if self.workers < wanted:
            # No signal of the program's is for a worker.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                while self.workers < wanted and _started(self.code["hl_worker"], self.workers + 1):
                    self.workers += 1
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.function("hl_team_resize", ctypes.c_int32)(1 + min(wanted, self.workers))

    def function(self, name: str, *arguments: Any, result: Any = None) -> Any:
        assert self.code is not None
        return ctypes.PYFUNCTYPE(result, *arguments)(self.code[name])

    # ---- forks

    def before_fork(self) -> None:
        """Wait until no other thread runs a job: the child would miss its parts."""
        _lock.acquire()
        if self.code is not None:
            acquire = self.function("hl_team_acquire", result=ctypes.c_int32)
            while acquire():
                time.sleep(0.0002)

    def in_parent(self) -> None:
        if self.code is not None:
            self.function("hl_team_release")()
        _lock.release()

    def in_child(self) -> None:
        if self.code is not None:
            self.function("hl_team_forked")()
        self.workers = self.cells[0] = 0
        _lock.release()


def _object() -> bytes:
    """The team's object file, made once for each version of everything."""
    sources = os.stat(team.__file__).st_mtime_ns
    parts = ("team", sources, sys.version, engine.versions(), engine.host(), config.cpu)
    name = blake2b(repr(parts).encode()).hexdigest()
    data = cache.get(name) if config.cache else None
    if data is None:
        data = engine.compile_text(team.text())
        if config.cache:
            cache.put(name, data)
    return data


def _address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def _started(worker: int, number: int) -> bool:
    """Start a thread at the address `worker`; False if the system has none."""
    process, thread = ctypes.CDLL(None), ctypes.c_uint64()
    if process.pthread_create(ctypes.byref(thread), None, ctypes.c_void_p(worker),
                              ctypes.c_void_p(number)):
        return False
    process.pthread_detach(thread)
    return True


@ctypes.CFUNCTYPE(None)
def _start() -> None:
    try:
        with _lock:
            if not _team.cells[0]:
                _team.start()
    except (MemoryError, OSError):
        return                          # the caller runs all parts


_team = Team()
os.register_at_fork(before=_team.before_fork, after_in_parent=_team.in_parent,
                    after_in_child=_team.in_child)


def address(symbol: str) -> int | None:
    """Where kernels find the cells of the function `symbol`."""
    return ctypes.addressof(_team.cells) if symbol == "parts" else None
