"""Addresses of the foreign functions that kernels call, by name:

    libc:memcpy  libm:sin  libm:sinf     the C library of this process
    numpy:random_normal                  NumPy's random generators (`ops.generators`)
    python:PyEval_SaveThread             CPython's
    threads:parts                        the team's two cells (`llvm.threads`)
    ufunc:numpy:matmul dd->d             the inner loop of a ufunc (`ops.inner_loops`)
    data:numpy:matmul dd->d              what it is called with
    sort:argsort f8 2                    NumPy's sort of a dtype, quick (0) or stable (2)
    blas:cell  blas:get  blas:set        threads of the library of products (`llvm.blas`)
    pool:take  pool:give                 memory of temporaries (`entry.pool`, which adds the kind)

A kernel finds them in its frame's table (`llvm.frame`), in the order of `Emitted.externals`, so an
object on disk holds no addresses. Functions that LLVM calls by itself (`memset`, `__truncdfhf2`)
are found by `system_symbol`.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from hotloop import lazy
from hotloop.errors import InternalError
from hotloop.ops import generators, inner_loops

threads = lazy.module("hotloop.llvm.threads")
blas = lazy.module("hotloop.llvm.blas")


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    found = [ctypes.CDLL(None)]
    for name in ("libm.so.6", "libgcc_s.so.1"):
        try:
            found.append(ctypes.CDLL(name))
        except OSError:
            continue                     # musl, macOS: all in the process itself
    return tuple(found)


@functools.cache
def system_symbol(name: str) -> int | None:
    """Address of a function of libc, libm or the compiler's support library; None if unknown."""
    for library in _libraries():
        address = _address(library, name)
        if address is not None:
            return address
    return None


def _address(library: ctypes.CDLL, name: str) -> int | None:
    function = getattr(library, name, None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value


KINDS: dict[str, Callable[[str], int | None]] = {
    "libc": system_symbol, "libm": system_symbol, "numpy": generators.address,
    "ufunc": inner_loops.function_named, "data": inner_loops.data_named,
    "sort": inner_loops.sorter_named,
    "python": lambda symbol: _address(ctypes.pythonapi, symbol),
    "threads": lambda symbol: threads.address(symbol),
    "blas": lambda symbol: blas.address(symbol)}
"""Who knows the addresses; packages after this one add theirs."""


@functools.cache
def resolve(name: str) -> int:
    """Address of an external such as "libm:sin"; InternalError if there is none."""
    kind, _, symbol = name.partition(":")
    address = KINDS[kind](symbol) if kind in KINDS else None
    if not address:
        raise InternalError(f"no address for the external {name!r}")
    return address
