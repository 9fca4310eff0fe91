"""Seeding the random numbers of compiled functions.

    hotloop.seed(1)     # the calls that follow draw the same numbers in every run

Each call of a compiled function that draws random numbers takes a fresh key (`entry.key`); the
numbers of a call are a function of that key (Philox), so they do not depend on threads or vector
width. Without a seed the keys come from the operating system. A forked child gets keys of its own.
"""

from __future__ import annotations

from hotloop.entry import key


def seed(number: int | None = None) -> None:
    """Make the keys of later calls reproducible; None: start somewhere random."""
    key.seed(number)
