"""Matrix products by the BLAS that NumPy has already loaded.

A statement `Call(routine="gemm", ins=(a, b), outs=(c,))` on C-contiguous buffers becomes one call
of a CBLAS function with 64-bit integers, found by the name `blas:dgemm` (`llvm.externals`):

    row = ROUTINES["gemm"]
    result, arguments = call_arguments(row, f64, pointers, dims)
    # "void", ["i32 101", "i32 111", "i32 111", "i64 %m", ..., "ptr %c", "i64 %n"]

The emitter must not make the call when a dimension is 0 (BLAS would refuse it, or leave the result
unset): the result is then zeros, of which there may be none.

NumPy's wheels bundle OpenBLAS, whose functions are looked up by name in the library that NumPy has
mapped. Where NumPy uses another BLAS (conda, distributions, macOS) a function of the same
convention calls back into NumPy.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotloop.record import record

_ROW_MAJOR, _PLAIN, _TRANSPOSED = 101, 111, 112


@record
class Routine:
    """A row: how a routine on buffers `ins + outs` (numbered 0, 1, ...) becomes a CBLAS call.

    name       as in loops.core.Call; complex ones begin with "complex_": their buffers have a last
               axis of 2 and the float dtype
    symbol     of the function, "{}" being the letter of the dtype
    arguments  what it is passed, each one of
                 an int     an i32 constant          "step"   the i64 1
                 "p0"       pointer of buffer 0      "d01"    buffer 0's dim 1
                 "one" "zero"  scalars (pointers to such for complex)
    value      whether the function returns the (rank 0) result, to be stored to buffer outs[0]
    """
    name: str
    symbol: str
    arguments: tuple[int | str, ...]
    value: bool = False

    @property
    def complex(self) -> bool:
        return self.name.startswith("complex_")

    def letter(self, dtype: np.dtype) -> str:
        return ("cz" if self.complex else "sd")[("f4", "f8").index(dtype.str[1:])]

    def external(self, dtype: np.dtype) -> str:
        """Name for `llvm.externals`; `dtype` is that of the buffers (float32 or float64)."""
        return "blas:" + self.symbol.format(self.letter(dtype))


# c[m, n] = a[m, k] @ b[k, n]
_GEMM = (_ROW_MAJOR, _PLAIN, _PLAIN, "d00", "d11", "d01", "one", "p0", "d01", "p1", "d11",
         "zero", "p2", "d11")
# y[m] = a[m, k] @ x[k]
_GEMV = (_ROW_MAJOR, _PLAIN, "d00", "d01", "one", "p0", "d01", "p1", "step", "zero", "p2", "step")
# y[n] = x[k] @ b[k, n], by the same function
_GEVM = (_ROW_MAJOR, _TRANSPOSED, "d10", "d11", "one", "p1", "d11", "p0", "step", "zero", "p2",
         "step")
# sum of x[k] y[k], without conjugation
_DOT = ("d00", "p0", "step", "p1", "step")

ROUTINES = {row.name: row for row in (
    Routine("gemm", "{}gemm", _GEMM),
    Routine("gemv", "{}gemv", _GEMV),
    Routine("gevm", "{}gemv", _GEVM),
    Routine("dot", "{}dot", _DOT, value=True),
    Routine("complex_gemm", "{}gemm", _GEMM),
    Routine("complex_gemv", "{}gemv", _GEMV),
    Routine("complex_gevm", "{}gemv", _GEVM),
    Routine("complex_dot", "{}dotu_sub", (*_DOT, "p2")),
)}

CONSTANTS = """\
@blas.one.c64 = private unnamed_addr constant [2 x float] [float 1.0, float 0.0]
@blas.zero.c64 = private unnamed_addr constant [2 x float] zeroinitializer
@blas.one.c128 = private unnamed_addr constant [2 x double] [double 1.0, double 0.0]
@blas.zero.c128 = private unnamed_addr constant [2 x double] zeroinitializer
"""
"""LLVM text that a module with complex calls needs once."""


def call_arguments(row: Routine, dtype: np.dtype, pointers: Sequence[str],
                   dims: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """(result type, typed arguments) of the LLVM call. `pointers[k]` and `dims[k][axis]` are the
    LLVM values (ptr, i64) for buffer k of ins + outs, `dtype` their float dtype."""
    number = "float" if dtype.itemsize == 4 else "double"
    complex_type = "c64" if dtype.itemsize == 4 else "c128"

    def argument(what: int | str) -> str:
        if isinstance(what, int):
            return f"i32 {what}"
        if what == "step":
            return "i64 1"
        if what in ("one", "zero"):
            if row.complex:
                return f"ptr @blas.{what}.{complex_type}"
            return f"{number} {'1.0' if what == 'one' else '0.0'}"
        if what[0] == "p":
            return f"ptr {pointers[int(what[1])]}"
        return f"i64 {dims[int(what[1])][int(what[2])]}"
    return number if row.value else "void", [argument(what) for what in row.arguments]


@functools.cache
def _bundled() -> ctypes.CDLL | None:
    """The OpenBLAS inside NumPy's wheel, already mapped by NumPy."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*scipy_openblas64_*")):
            try:
                return ctypes.CDLL(str(path))
            except OSError:
                continue                 # not for this machine: NumPy does not use it either
    return None


@functools.cache
def address(symbol: str) -> int | None:
    """Address of "dgemm" and the like: CBLAS, 64-bit integers. None for an unknown name."""
    library = _bundled()
    if library is not None:
        function = getattr(library, f"scipy_cblas_{symbol}64_", None)
        if function is not None:
            return ctypes.cast(function, ctypes.c_void_p).value
    fallback = callback(symbol)
    return None if fallback is None else ctypes.cast(fallback, ctypes.c_void_p).value


def set_threads(count: int) -> None:
    """How many threads OpenBLAS may use; without effect on another BLAS."""
    library = _bundled()
    if library is not None:
        library.scipy_openblas_set_num_threads64_(ctypes.c_int(count))


def _array(pointer: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    count = int(np.prod(shape))
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(pointer)
    return np.ndarray(shape, dtype, memoryview(memory))


@functools.cache
def callback(symbol: str) -> Any:
    """A C function of CBLAS's convention that computes with NumPy, for contiguous operands with
    factors one and zero. None for an unknown name."""
    match = re.fullmatch(r"([sdcz])(gemm|gemv|dot|dotu_sub)", symbol)
    if match is None:
        return None
    dtype = np.dtype({"s": "f4", "d": "f8", "c": "c8", "z": "c16"}[match[1]])
    int_, long, pointer = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
    scalar: Any = {"s": ctypes.c_float, "d": ctypes.c_double}.get(match[1], pointer)
    function: Callable[..., Any]

    if match[2] == "gemm":
        def gemm(_o: int, _a: int, _b: int, m: int, n: int, k: int, _one: Any, a: int, _lda: int,
                 b: int, _ldb: int, _zero: Any, c: int, _ldc: int) -> None:
            np.matmul(_array(a, (m, k), dtype), _array(b, (k, n), dtype),
                      out=_array(c, (m, n), dtype))
        signature = ctypes.CFUNCTYPE(None, int_, int_, int_, long, long, long, scalar, pointer,
                                     long, pointer, long, scalar, pointer, long)
        function = gemm
    elif match[2] == "gemv":
        def gemv(_o: int, transposed: int, m: int, n: int, _one: Any, a: int, _lda: int, x: int,
                 _dx: int, _zero: Any, y: int, _dy: int) -> None:
            matrix = _array(a, (m, n), dtype)
            if transposed == _TRANSPOSED:
                matrix = matrix.T
            rows, columns = matrix.shape
            np.matmul(matrix, _array(x, (columns,), dtype), out=_array(y, (rows,), dtype))
        signature = ctypes.CFUNCTYPE(None, int_, int_, long, long, scalar, pointer, long, pointer,
                                     long, scalar, pointer, long)
        function = gemv
    elif match[2] == "dot":
        def dot(k: int, x: int, _dx: int, y: int, _dy: int) -> float:
            return float(np.dot(_array(x, (k,), dtype), _array(y, (k,), dtype)))
        signature = ctypes.CFUNCTYPE(scalar, long, pointer, long, pointer, long)
        function = dot
    else:
        def dotu(k: int, x: int, _dx: int, y: int, _dy: int, out: int) -> None:
            _array(out, (1,), dtype)[0] = np.dot(_array(x, (k,), dtype), _array(y, (k,), dtype))
        signature = ctypes.CFUNCTYPE(None, long, pointer, long, pointer, long, pointer)
        function = dotu
    return signature(function)
