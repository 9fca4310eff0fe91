"""How many threads run parallel loops, as users see it (`llvm.threads` says how it works).

    hotloop.set_num_threads(1)
    hotloop.get_num_threads()       # 1

Results do not depend on it, to the last bit. HOTLOOP_NUM_THREADS sets it for a process.
"""

from __future__ import annotations

import operator

from hotloop import lazy

threads = lazy.module("hotloop.llvm.threads")


def set_num_threads(number: int | None) -> None:
    """Run parallel loops in `number` threads from now on, the caller's among them; None: one for
    each CPU that this process may use. Raises ValueError for a number below 1.

    >>> import hotloop
    >>> hotloop.set_num_threads(2)
    >>> hotloop.get_num_threads()
    2
    >>> hotloop.set_num_threads(None)
    """
    wanted = 0 if number is None else operator.index(number)
    if number is not None and wanted < 1:
        raise ValueError(f"{number} threads: there must be one at least")
    threads.set_count(wanted)


def get_num_threads() -> int:
    """In how many threads parallel loops run."""
    return int(threads.count())
