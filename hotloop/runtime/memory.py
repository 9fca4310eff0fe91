"""The memory pool of large arrays, as users see it (`entry.pool` says how it works).

    memory.info()       # Info(held=83886080, cap=1073741824, reused=17)
    memory.trim()       # give what is kept back to the system
    memory.set_cap(0)   # keep nothing

HOTLOOP_POOL=0 leaves results to NumPy's own allocator, and keeps no memory of temporaries.
"""

from __future__ import annotations

from typing import NamedTuple

from hotloop.entry.pool import pool


class Info(NamedTuple):
    """Bytes of freed arrays that are kept, the most that may be, and blocks used again so far."""
    held: int
    cap: int
    reused: int


def info() -> Info:
    found = pool(make=False)
    return Info(0, 0, 0) if found is None else Info(found.held, found.cap, found.hits)


def trim() -> None:
    """Give the kept memory back to the system."""
    found = pool(make=False)
    if found is not None:
        found.trim()


def set_cap(bytes: int) -> None:
    """Keep at most so many bytes; what is kept beyond goes when the next result is freed."""
    found = pool()
    assert found is not None
    found.cap = bytes
    if found.held > bytes:
        found.trim()
