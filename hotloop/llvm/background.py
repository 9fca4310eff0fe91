"""Compiling while the program goes on: one thread that does what waits in line.

    background.later(job)       # job() compiles with `engine.compile_text(..., background=True)`
    background.finish()         # wait until all is done

LLVM does not hold the interpreter's lock. The thread has low priority, and ends when there is
nothing to do; where there can be none, jobs are done at once. A program that ends waits for the
thread, as it does for any other; what waits in line then is not begun after PATIENCE. A forked
child goes on with what its parent had not begun.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from hotloop.llvm import thread

PATIENCE = 2.0
"""Seconds for which a program that has ended waits."""

Job = Callable[[], None]
_jobs: deque[Job] = deque()
_lock = threading.Lock()
_working = False                        # set by the thread itself


def later(job: Job) -> None:
    with _lock:                         # the thread sees it, or has said that it is done
        _jobs.append(job)
    _start()


def finish() -> None:
    """Wait until everything is done."""
    _start()                            # a signal may have kept `later` from it
    thread.wait(lambda: _jobs or _working)


def possible() -> bool:
    """Is there a later? Not while the interpreter ends."""
    return threading.main_thread().is_alive()


def _start() -> None:
    if _jobs and not _working and not thread.start(_work):
        _run()                          # no more threads, or the interpreter is ending


def _work() -> None:
    global _working
    with _lock:
        if _working:                    # two were started: the other one does it
            return
        _working = True
    with suppress(AttributeError, OSError):         # others first, where a thread can say so
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
    while _working:
        try:
            _run()
        except Exception as error:      # a bug of ours: what was made quickly does, too
            with suppress(RuntimeWarning):          # where warnings are errors
                warnings.warn(f"hotloop: good code could not be made: {error!r}", RuntimeWarning,
                              stacklevel=2)
        with _lock:
            _working = bool(_jobs)


def _run() -> None:
    ended = 0.0
    while _jobs:
        job = _jobs.popleft()
        if not possible():
            ended = ended or time.monotonic()
            if time.monotonic() - ended > PATIENCE:
                continue
        job()


def _after_fork() -> None:
    """The child has the jobs, but not the thread."""
    global _working
    _working = False
    _lock.release()
    _start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release,
                        after_in_child=_after_fork)
