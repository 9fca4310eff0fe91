"""The process-wide state of random numbers: a seed and a count of calls, in memory that the native
machine reads too. `fresh()` is the key of one call's random draws:

    key = mix(seed + count * golden)        mix: the finalizer of SplitMix64 (Steele et al. 2014)
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable

import numpy as np

from hotloop.ops import random

GOLDEN = 0x9E3779B97F4A7C15
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MASK = (1 << 64) - 1
_lock = threading.Lock()

_native: Callable[[int], int] | None = None

cell = (ctypes.c_uint64 * 2)()
"""[seed, count of calls]; the machine adds to the count atomically."""


def mix(x: int) -> int:
    x &= _MASK
    x = (x ^ x >> 30) * MIX[0] & _MASK
    x = (x ^ x >> 27) * MIX[1] & _MASK
    return x ^ x >> 31


def fresh() -> np.uint64:
    """A key that no other call gets."""
    if _native is not None:
        return np.uint64(_native(ctypes.addressof(cell)))
    with _lock:
        cell[1] += 1
        return np.uint64(mix(cell[0] + cell[1] * GOLDEN))


def draw_by(address: int) -> None:
    """From now on use the machine's function: only one of the two may count."""
    global _native
    _native = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(address)


def seed(number: int | None = None) -> None:
    """Restart the stream of keys: at `number`, or somewhere random for None."""
    cell[0] = int.from_bytes(os.urandom(8), "little") if number is None else mix(number)
    cell[1] = 0


def _start_again() -> None:
    global _lock
    _lock = threading.Lock()
    seed()


random.listeners.append(seed)
seed()
os.register_at_fork(after_in_child=_start_again)
