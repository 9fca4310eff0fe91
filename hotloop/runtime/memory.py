"""The memory pool of large results, as users see it (`entry.pool` says how it works).

    memory.info()       # Info(held=83886080, cap=1073741824, reused=17)
    memory.trim()       # give what is kept back to the system
    memory.set_cap(0)   # keep nothing

HOTLOOP_POOL=0 leaves all results to NumPy's own allocator.
"""

from __future__ import annotations

from typing import NamedTuple

from hotloop.entry import native


class Info(NamedTuple):
    """Bytes of freed results that are kept, the most that may be, and blocks used again so far."""
    held: int
    cap: int
    reused: int


def info() -> Info:
    found = native.machine(make=False)
    return Info(0, 0, 0) if found is None else Info(found.pool.held, found.pool.cap,
                                                    found.pool.hits)


def trim() -> None:
    """Give the kept memory back to the system."""
    found = native.machine(make=False)
    if found is not None:
        found.pool.trim()


def set_cap(bytes: int) -> None:
    """Keep at most so many bytes; what is kept beyond goes when the next result is freed."""
    found = native.machine()
    if found is not None:
        found.pool.cap = bytes
        if found.pool.held > bytes:
            found.pool.trim()
