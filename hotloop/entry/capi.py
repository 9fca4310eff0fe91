"""The C functions and objects of CPython and NumPy that the native machine uses: one row each.

A row gives the types in LLVM's notation, how a failure shows, which arguments are stolen and
whether the result is the caller's own reference; `machine` declares functions from the rows and
`addresses()` finds them in this process: CPython's by name, NumPy's by their place in its C-API
table (stable since NumPy 1.7; PyDataMem_SetHandler since 1.22).
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

import numpy as np

from hotloop.record import record

NEVER, NULL, NEGATIVE = "never", "null", "negative"
"""How a function fails: not at all; NULL with an exception set; a negative result likewise."""

OWNED, BORROWED, NOT_AN_OBJECT = "owned", "borrowed", "not an object"


@record
class Row:
    """`slot`: place in NumPy's table, or -1 for CPython's functions. `steals`: argument numbers."""
    name: str
    result: str
    arguments: tuple[str, ...]
    fails: str
    gives: str
    steals: tuple[int, ...] = ()
    slot: int = -1


ROWS = {row.name: row for row in (
    Row("Py_IncRef", "void", ("ptr",), NEVER, NOT_AN_OBJECT),
    Row("Py_DecRef", "void", ("ptr",), NEVER, NOT_AN_OBJECT, steals=(0,)),
    Row("_Py_Dealloc", "void", ("ptr",), NEVER, NOT_AN_OBJECT),
    Row("PyFloat_FromDouble", "ptr", ("double",), NULL, OWNED),
    Row("PyLong_FromLongLong", "ptr", ("i64",), NULL, OWNED),
    Row("PyLong_FromUnsignedLongLong", "ptr", ("i64",), NULL, OWNED),
    Row("PyBool_FromLong", "ptr", ("i64",), NEVER, OWNED),
    Row("PyComplex_FromDoubles", "ptr", ("double", "double"), NULL, OWNED),
    Row("PyLong_AsLongLongAndOverflow", "i64", ("ptr", "ptr"), NEVER, NOT_AN_OBJECT),
    Row("PyObject_GetAttr", "ptr", ("ptr", "ptr"), NULL, OWNED),
    Row("PyObject_SetAttr", "i32", ("ptr", "ptr", "ptr"), NEGATIVE, NOT_AN_OBJECT),
    Row("PyObject_SetItem", "i32", ("ptr", "ptr", "ptr"), NEGATIVE, NOT_AN_OBJECT),
    Row("PyDict_GetItemWithError", "ptr", ("ptr", "ptr"), NULL, BORROWED),
    Row("PyDict_Next", "i32", ("ptr", "ptr", "ptr", "ptr"), NEVER, NOT_AN_OBJECT),
    Row("PyObject_RichCompareBool", "i32", ("ptr", "ptr", "i32"), NEGATIVE, NOT_AN_OBJECT),
    Row("PyObject_Vectorcall", "ptr", ("ptr", "ptr", "i64", "ptr"), NULL, OWNED),
    Row("PyTuple_New", "ptr", ("i64",), NULL, OWNED),
    Row("PyList_New", "ptr", ("i64",), NULL, OWNED),
    Row("PyErr_Clear", "void", (), NEVER, NOT_AN_OBJECT),
    Row("PyErr_Restore", "void", ("ptr", "ptr", "ptr"), NEVER, NOT_AN_OBJECT, steals=(0, 1, 2)),
    Row("PyException_GetTraceback", "ptr", ("ptr",), NEVER, OWNED),
    Row("PyContextVar_Get", "i32", ("ptr", "ptr", "ptr"), NEGATIVE, NOT_AN_OBJECT),
    Row("PyArray_NewFromDescr", "ptr",
        ("ptr", "ptr", "i32", "ptr", "ptr", "ptr", "i32", "ptr"), NULL, OWNED, (1,), slot=94),
    Row("PyArray_Scalar", "ptr", ("ptr", "ptr", "ptr"), NULL, OWNED, slot=60),
    Row("PyDataMem_SetHandler", "ptr", ("ptr",), NULL, OWNED, slot=304),
)}

OBJECTS: dict[str, object] = {
    "float_type": float, "int_type": int, "complex_type": complex, "tuple_type": tuple,
    "list_type": list, "dict_type": dict, "array_type": np.ndarray, "true": True, "false": False,
}
"""Objects that are never freed, by the name of the external global that stands for them."""


@functools.cache
def numpy_table() -> Callable[[int], int]:
    """slot -> address, of NumPy's C-API."""
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi))
    table = ctypes.cast(get(np._core._multiarray_umath._ARRAY_API, None),  # type: ignore
                        ctypes.POINTER(ctypes.c_void_p))
    return lambda slot: table[slot] or 0


@functools.cache
def addresses() -> dict[str, int]:
    """Address of every function and object above, by name."""
    found = {name: id(value) for name, value in OBJECTS.items()}
    for row in ROWS.values():
        if row.slot >= 0:
            found[row.name] = numpy_table()(row.slot)
        else:
            function = getattr(ctypes.pythonapi, row.name)
            found[row.name] = ctypes.cast(function, ctypes.c_void_p).value or 0
    return found
