"""Addresses of the foreign functions that kernels call, by name:

    libc:memcpy  libm:sin  libm:sinf     the C library of this process
    blas:dgemm  lapack:dgesv             NumPy's OpenBLAS (`llvm.blas`)
    numpy:random_normal                  NumPy's random generators (`ops.generators`)
    threads:parts                        a cell with the address (`llvm.threads`)

A kernel finds them in its frame's table (`llvm.frame`), in the order of `Emitted.externals`, so an
object on disk holds no addresses. Functions that LLVM calls by itself (`memset`, `__truncdfhf2`)
are found by `system_symbol`.
"""

from __future__ import annotations

import ctypes
import functools

from hotloop import lazy
from hotloop.errors import InternalError
from hotloop.llvm import blas
from hotloop.ops import generators

threads = lazy.module("hotloop.llvm.threads")


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
        try:
            function = getattr(library, name)
        except AttributeError:
            continue
        return ctypes.cast(function, ctypes.c_void_p).value
    return None


@functools.cache
def resolve(name: str) -> int:
    """Address of an external such as "libm:sin"; InternalError if there is none."""
    kind, _, symbol = name.partition(":")
    if kind in ("libc", "libm"):
        address = system_symbol(symbol)
    elif kind in ("blas", "lapack"):
        address = blas.address(symbol)
    elif kind == "numpy":
        address = generators.address(symbol)
    elif kind == "threads":
        address = threads.address(symbol)
    else:
        address = None
    if not address:
        raise InternalError(f"no address for the external {name!r}")
    return address
