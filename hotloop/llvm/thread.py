"""Threads of our own in Python, whose start no KeyboardInterrupt can spoil.

    thread.start(function, argument)       # False: there can be no more threads

`threading.Thread.start` waits for its thread at a lock that Python code takes and gives back: an
exception that a signal raises in between leaves it taken, the thread waits for ever, and the end of
the program for the thread. Here nothing waits. A program that ends waits for these threads as for
others (LLVM must not be at work when its destructors run), and a child of a fork has none.
"""

from __future__ import annotations

import _thread
import atexit
import os
import time
from collections.abc import Callable
from typing import Any

_alive: set[object] = set()

INTERVAL = 0.0005
"""Seconds between two looks at what a thread has not done yet."""


def start(function: Callable[..., None], *arguments: Any) -> bool:
    """Run the function in a new thread; False where the system or Python allows no more."""
    token = object()

    def run() -> None:
        try:
            function(*arguments)
        finally:
            _alive.discard(token)

    _alive.add(token)
    try:
        _thread.start_new_thread(run, ())
    except RuntimeError:
        _alive.discard(token)
        return False
    return True


def wait(busy: Callable[[], object]) -> None:
    """Until `busy()` is false."""
    while busy():
        time.sleep(INTERVAL)


@atexit.register
def _end() -> None:
    while _alive:
        try:
            wait(_alive.__len__)
        except KeyboardInterrupt:
            continue                    # a second or two, at most: see `background.PATIENCE`


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alive.clear)
