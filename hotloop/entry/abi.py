"""Where CPython and NumPy keep what the native machine reads, checked against real objects.

`problem()` is "" if every offset below holds in this process, else what does not: then no machine
is made and calls go through `entry.slow`. So a new release that moves a field costs speed, nothing
else. Offsets are in bytes from the start of the object, for 64-bit CPython and NumPy 2.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from types import MethodType
from typing import Any

import numpy as np

from hotloop.ir.types import DTYPES
from hotloop.llvm import loader

REFERENCES, TYPE, SIZE, DICT_USED = 0, 8, 16, 16
TUPLE_ITEMS, LIST_ITEMS, CELL, CAPSULE = 24, 24, 16, 16
VALUE = 16
"""The value of a float, a complex (its real part) and every NumPy scalar."""

ARRAY_DATA, ARRAY_RANK, ARRAY_DIMS, ARRAY_STRIDES = 16, 24, 32, 40
ARRAY_DTYPE, ARRAY_FLAGS = 56, 64
DTYPE_ORDER, DTYPE_NUMBER = 26, 28
CONTIGUOUS, FORTRAN, ALIGNED, WRITEABLE = 0x1, 0x2, 0x100, 0x400

PLAIN, IMMORTALS, BY_CALL = "plain", "immortals", "by call"
COUNTING = {(3, 11): PLAIN, (3, 12): IMMORTALS, (3, 13): IMMORTALS}.get(
    sys.version_info[:2], BY_CALL)
"""How references are counted: a 64-bit count; a 32-bit count that is negative for immortal objects
(PEP 683); in a way known to Py_IncRef only."""

METHOD_FUNCTION, METHOD_SELF, METHOD_VECTORCALL = 16, 24, 40


def word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def int32(address: int) -> int:
    return ctypes.c_int32.from_address(address).value


@functools.cache
def problem() -> str:
    """Why there can be no native machine in this process, or ""."""
    if not loader.NATIVE:
        return "not x86-64 Linux"
    if sys.implementation.name != "cpython":
        return "not CPython"
    if "t" in sys.abiflags:
        return "a free-threaded build"
    for check in (_check_objects, _check_arrays, _check_scalars, _check_methods):
        wrong = check()
        if wrong:
            return wrong
    return ""


def _check_objects() -> str:
    pair: Any = (1.5, "x")
    items: Any = [None, pair]
    table: Any = {"a": 1, 2: None, None: 3}
    capsule: Any = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi))
    cell: Any = (lambda: pair).__closure__[0]  # type: ignore[index]
    held = all((word(id(pair) + TYPE) == id(tuple), word(id(pair) + SIZE) == 2,
                word(id(pair) + TUPLE_ITEMS + 8) == id(pair[1]),
                word(id(items) + SIZE) == 2, word(id(table) + DICT_USED) == 3,
                word(word(id(items) + LIST_ITEMS) + 8) == id(pair),
                word(id(cell) + CELL) == id(pair),
                word(id(capsule) + CAPSULE) == get_pointer(capsule, None),
                sys.getrefcount(cell) == ctypes.c_uint32.from_address(id(cell)).value + 1,
                ctypes.c_double.from_address(id(pair[0]) + VALUE).value == 1.5,
                (ctypes.c_double * 2).from_address(id(2 + 3j) + VALUE)[:] == [2.0, 3.0]))
    return "" if held else "CPython's objects are laid out otherwise"


def _check_arrays() -> str:
    array = np.zeros((3, 5))[:, ::-1]
    at = id(array)
    held = all((word(at + ARRAY_DATA) == array.ctypes.data, int32(at + ARRAY_RANK) == 2,
                (ctypes.c_int64 * 2).from_address(word(at + ARRAY_DIMS))[:] == [3, 5],
                (ctypes.c_int64 * 2).from_address(word(at + ARRAY_STRIDES))[:] == [40, -8],
                word(at + ARRAY_DTYPE) == id(array.dtype)))
    for array in (np.zeros(3), np.zeros(6)[::2], np.frombuffer(b"12345678x", "f8", 1),
                  np.zeros(9, "i1")[1:].view("f8")):
        flags = int32(id(array) + ARRAY_FLAGS)
        held &= bool(flags & CONTIGUOUS) == array.flags.c_contiguous
        held &= bool(flags & FORTRAN) == array.flags.f_contiguous
        held &= bool(flags & ALIGNED) == array.flags.aligned
        held &= bool(flags & WRITEABLE) == array.flags.writeable
    for dtype in (*DTYPES.values(), np.dtype(">f8")):
        order = chr(ctypes.c_uint8.from_address(id(dtype) + DTYPE_ORDER).value)
        held &= int32(id(dtype) + DTYPE_NUMBER) == dtype.num and order == dtype.byteorder
    return "" if held else "NumPy's arrays are laid out otherwise"


def _check_scalars() -> str:
    for dtype in DTYPES.values():
        value = dtype.type(1)
        if ctypes.string_at(id(value) + VALUE, dtype.itemsize) != value.tobytes():
            return f"NumPy's {dtype} scalars are laid out otherwise"
    return ""


def _check_methods() -> str:
    method = MethodType(_check_methods, 1.5)
    held = (word(id(method) + METHOD_FUNCTION) == id(_check_methods)
            and word(id(method) + METHOD_SELF) == id(method.__self__)
            and word(id(method) + METHOD_VECTORCALL) != 0)
    return "" if held else "CPython's methods are laid out otherwise"
