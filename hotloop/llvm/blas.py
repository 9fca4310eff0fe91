"""How many threads the library of NumPy's matrix products and factorizations uses in a call.

    %few = call i1 @blas.enter(ptr %cell, ptr %get, ptr %set, i64 %work, i64 %most, i32 1)
    call void %loop(...)
    call void @blas.leave(ptr %cell, ptr %set, i1 %few)

OpenBLAS factorizes small matrices in several threads that wait for each other by spinning. That
gains little, and if other processes hold the cores it costs a thousand times the call: eigenvalues
of 64 x 64 took 184 ms instead of 0.4 on a busy machine with two. So factorizations of little work
have one thread, and so has what runs in parts, which are threads already. Sizes alone decide, for
the library's rounding depends on the number. That is one for the process: `cell` holds a lock, how
many calls want few threads, and what to go back to after the last of them.

HOTLOOP_BLAS_THREADS says it otherwise (`docs/parallel.md`). With another library than OpenBLAS
nothing happens.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
from typing import Any

from hotloop import config

SMALL = 12_000_000
"""Cycles of a factorization on one core up to which it has one thread: some 5 ms."""

_LOCK, _COUNT, _BEFORE = 0, 4, 8
"""Places in the cell."""

_SPELLINGS = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_",
              "scipy_openblas_{}_num_threads", "openblas_{}_num_threads")
"""OpenBLAS's functions, as wheels of NumPy and as systems name them."""

TEXT = f"""
define internal void @blas.lock(ptr %cell) #0 {{
entry:
  br label %try
try:
  %was = atomicrmw xchg ptr %cell, i32 1 acquire
  %held = icmp ne i32 %was, 0
  br i1 %held, label %try, label %done
done:
  ret void
}}
define internal i1 @blas.enter(ptr %cell, ptr %get, ptr %set, i64 %work, i64 %most, i32 %n) #0 {{
entry:
  %few = icmp sle i64 %work, %most
  br i1 %few, label %limit, label %done
limit:
  call void @blas.lock(ptr %cell)
  %countp = getelementptr i8, ptr %cell, i64 {_COUNT}
  %count = load i32, ptr %countp
  %more = add i32 %count, 1
  store i32 %more, ptr %countp
  %first = icmp eq i32 %count, 0
  br i1 %first, label %change, label %unlock
change:
  %before = call i32 %get()
  %beforep = getelementptr i8, ptr %cell, i64 {_BEFORE}
  store i32 %before, ptr %beforep
  call void %set(i32 %n)
  br label %unlock
unlock:
  store atomic i32 0, ptr %cell release, align 4
  br label %done
done:
  ret i1 %few
}}
define internal void @blas.leave(ptr %cell, ptr %set, i1 %few) #0 {{
entry:
  br i1 %few, label %limit, label %done
limit:
  call void @blas.lock(ptr %cell)
  %countp = getelementptr i8, ptr %cell, i64 {_COUNT}
  %count = load i32, ptr %countp
  %less = sub i32 %count, 1
  store i32 %less, ptr %countp
  %last = icmp eq i32 %less, 0
  br i1 %last, label %change, label %unlock
change:
  %beforep = getelementptr i8, ptr %cell, i64 {_BEFORE}
  %before = load i32, ptr %beforep
  call void %set(i32 %before)
  br label %unlock
unlock:
  store atomic i32 0, ptr %cell release, align 4
  br label %done
done:
  ret void
}}
"""


def limits(in_parts: bool, factorization: bool) -> tuple[int, int] | None:
    """(work up to which a call has few threads, how many); None: it has what the library says."""
    if config.blas_threads < 0:
        return None
    if config.blas_threads > 0:
        return 2**63 - 1, config.blas_threads
    if in_parts:
        return 2**63 - 1, 1
    return (SMALL, 1) if factorization else None


_cell = (ctypes.c_int32 * 4)()


def address(symbol: str) -> int | None:
    """Of "cell", "get" or "set"; None: of nothing else."""
    if symbol == "cell":
        return ctypes.addressof(_cell)
    if symbol not in ("get", "set"):
        return None
    return ctypes.cast(_functions()[symbol == "set"], ctypes.c_void_p).value


@functools.cache
def _functions() -> tuple[Any, Any]:
    """OpenBLAS's, that give and set the number, found by way of the module of NumPy that is linked
    with it; with another library one of the C library that does nothing."""
    library = ctypes.CDLL(importlib.import_module("numpy.linalg._umath_linalg").__file__)
    for spelling in _SPELLINGS:
        found = [getattr(library, spelling.format(name), None) for name in ("get", "set")]
        if None not in found:
            return found[0], found[1]
    nothing = ctypes.CDLL(None).abs
    return nothing, nothing


def threads() -> int | None:
    """How many threads OpenBLAS may use; None of another BLAS."""
    get, set_ = _functions()
    return None if get is set_ else int(get())


def set_threads(count: int) -> None:
    """How many threads OpenBLAS may use; without effect on another BLAS."""
    _functions()[1](count)


def _forget() -> None:
    """In a forked child: the callers are threads that do not exist here."""
    if _cell[_COUNT // 4]:
        set_threads(_cell[_BEFORE // 4])
    _cell[_LOCK // 4] = _cell[_COUNT // 4] = 0


os.register_at_fork(after_in_child=_forget)
