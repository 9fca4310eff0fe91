"""A kernel reports that floating-point flags were set: what would NumPy have warned of?

    flagged = Flagged(traced.warned, False)
    result = flagged.look(again, seconds, arrays, before)      # KEEP, or what Python returned

The flags say that something may have happened (`llvm.flags`), not what. If anyone would hear of it
(np.errstate does not ignore it, the warning filters neither), Python runs the user's function again
on the same arguments, and NumPy itself warns, raises or calls: its own text, category, line and
order. Arrays that the function changed are put back first, if copies were made (`before`).

That must not make slow what happens at every call. Under filters that show a warning once (as they
are by default) Python runs at flagged calls number 1, 2, 4, 8, ..., and only if it is quick enough;
it always does if errors are raised or all warnings wanted.
"""

from __future__ import annotations

import enum
import time
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from hotloop.frontend.traced import Warned
from hotloop.frontend.warned import NAMES, UNHEARD

KEEP = object()
"""The kernel's own results are those of the call."""

SLOWDOWN = {True: 150.0, False: 10.0}
"""How much longer Python takes, with loops and without."""

ERROR_STATE: ContextVar[Any] = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]
"""What `with np.errstate` sets: another object each time."""

LOUD = ("always", "all", "error")
"""Actions of warning filters that give a warning each time."""

MAX_COPIED = 1 << 26
"""Bytes of written arrays up to which they are copied before a call from Python."""


class Attention(enum.Enum):
    """The seconds that Python may take to run a function again."""
    NONE = 0.0
    ONCE = 0.5
    ALWAYS = 30.0


class Flagged:
    """The state of one specialization. `writes`: it changes objects, not only arrays. `calls`:
    flagged calls since the filters were changed; `next`: the number of the next one to look
    into."""

    def __init__(self, warned: Warned, writes: bool):
        self.warned, self.writes = warned, writes
        self.kinds = {NAMES[k] for site in warned.sites for k in site.kinds
                      if NAMES[k] not in dict(site.modes)}
        self.own = {mode for site in warned.sites for _, mode in site.modes if mode != UNHEARD}
        self.unheard = {kind for site in warned.sites for kind, mode in site.modes
                        if mode == UNHEARD}
        self.own |= {"warn"} if warned.always else set()
        self.categories: tuple[type[Warning], ...] = (RuntimeWarning,)
        if warned.always:
            self.categories += (ComplexWarning,)
        self.filters: tuple[Any, Sequence[Any]] = None, ()
        self.calls, self.next = 0, 1

    def look(self, again: Callable[[], Any], seconds: Callable[[], float],
             arrays: Sequence[np.ndarray] = (),
             before: Sequence[np.ndarray] | None = ()) -> Any:
        """Give the warnings of a call that is done. `again()` runs it in Python, `seconds()` tells
        how long the kernel takes. Raises what Python raises."""
        modes = self.modes()
        attention = self.attention(modes)
        if attention is Attention.NONE or before is None or not self.warned.repeatable:
            return KEEP
        if seconds() * SLOWDOWN[self.warned.loops] > attention.value:
            return KEEP
        after = [array.copy() for array in arrays]
        for array, old in zip(arrays, before, strict=True):
            np.copyto(array, old)
        result = again()
        if modes - {"ignore", "warn"} or self.writes:
            return result                     # errors may have been handled; objects are changed
        for array, new in zip(arrays, after, strict=True):
            np.copyto(array, new)
        return KEEP

    def modes(self) -> set[str]:
        """What NumPy does now about the errors that the function may cause."""
        state: dict[str, str] = np.geterr()  # type: ignore[assignment]
        return (self.own | {state[kind] for kind in self.kinds}
                | {"ignore" if state[kind] == "warn" else state[kind] for kind in self.unheard})

    def strict(self) -> bool:
        """Are errors raised, or all warnings wanted?"""
        modes = self.modes()
        return bool(modes - {"ignore", "warn"}) or (
            "warn" in modes and _filtered(self.categories) is Attention.ALWAYS)

    def attention(self, modes: set[str]) -> Attention:
        """Would anyone hear of this flagged call?"""
        if modes == {"ignore"}:
            return Attention.NONE
        if modes - {"ignore", "warn"}:
            return Attention.ALWAYS
        found = _filtered(self.categories)
        if found is Attention.ONCE:
            filters, known = self.filters
            if filters is not warnings.filters or known != tuple(warnings.filters):
                self.filters = warnings.filters, tuple(warnings.filters)
                self.calls, self.next = 0, 1
            self.calls += 1
            if self.calls < self.next:
                return Attention.NONE
            self.next = 2 * self.calls
        return found


def _filtered(categories: tuple[type[Warning], ...]) -> Attention:
    """What the filters of the module warnings do with warnings of these categories."""
    for action, message, category, module, line in warnings.filters:
        if not any(issubclass(c, category) for c in categories):
            continue
        if action in LOUD:
            return Attention.ALWAYS
        if message is None and module is None and not line and len(categories) == 1:
            return Attention.NONE if action == "ignore" else Attention.ONCE
    action = getattr(warnings, "defaultaction", "default")
    return Attention.ALWAYS if action in LOUD else Attention.ONCE


def copies(arrays: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """Copies of arrays that a call will write; None if they are too large."""
    if sum(array.nbytes for array in arrays) > MAX_COPIED:
        return None
    return [array.copy() for array in arrays]


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = run()
    return result, time.perf_counter() - start
