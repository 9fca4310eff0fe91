"""The C functions in which NumPy computes, for machine code that calls them directly.

    found = loop_of(np.linalg.solve, {}, ("d", "d"), (2, 1))
    found.path, found.types, found.core     # "...:solve1", "dd->d", (("m", "m"), ("m",), ("m",))
    address(found.path, found.types)        # (function, data) of the ufunc's inner loop
    sorter("argsort", np.dtype("f8"), 2)    # NumPy's stable argsort of doubles

A ufunc is a table of inner loops, one for each combination of dtypes; a generalized one (matmul,
LAPACK in numpy.linalg) has loops over stacks of matrices. They take pointers, sizes and strides,
need neither the interpreter nor its lock, and give NumPy's bits. Both tables are part of NumPy's
binary interface: `PyUFuncObject` in ufuncobject.h, `PyArray_ArrFuncs` in ndarraytypes.h.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hotloop.ops import callbacks
from hotloop.record import record

LA = np.linalg
LAPACK = "numpy.linalg._umath_linalg"


@record
class InnerLoop:
    """`path`: "module:name" of the ufunc; `types`: the loop, as in `ufunc.types`; `core`: names of
    the core dimensions of each operand and result, as in `ufunc.signature` (none if elementwise);
    `failure`: the message of the LinAlgError that the loop tells by the flag of invalid operations,
    "" if it can't fail; `changes`: its operand is changed in place, and is the first result."""
    path: str
    types: str
    core: tuple[tuple[str, ...], ...]
    failure: str = ""
    changes: bool = False

    @property
    def symbols(self) -> tuple[str, ...]:
        """The core dimensions in the order in which the loop takes them."""
        return tuple(dict.fromkeys(name for names in self.core for name in names))


def ufunc_at(path: str) -> Any:
    """The object "module:name"; None if there is none."""
    module, _, name = path.partition(":")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


# ---- which loop computes a function

_SINGULAR, _NO_VALUES = "Singular matrix", "Eigenvalues did not converge"
_NO_SVD = "SVD did not converge"

Choice = tuple[str, str, str]
"""Name of a gufunc of numpy.linalg, its failure, and what precedes the dtypes of its results."""


def _of_triangle(name: str) -> Callable[[Mapping[str, Any], Sequence[int]], tuple[str, str] | None]:
    def choose(keywords: Mapping[str, Any], ranks: Sequence[int]) -> tuple[str, str] | None:
        side = str(keywords.get("UPLO", "L")).upper()
        return (f"{name}_{'lo' if side == 'L' else 'up'}", _NO_VALUES) if side in "LU" else None
    return choose


def _cholesky(keywords: Mapping[str, Any], ranks: Sequence[int]) -> tuple[str, str]:
    return (f"cholesky_{'up' if keywords.get('upper') else 'lo'}",
            "Matrix is not positive definite")


def _svd(keywords: Mapping[str, Any], ranks: Sequence[int]) -> tuple[str, str] | None:
    if keywords.get("hermitian"):
        return None
    return ("svd_f" if keywords.get("full_matrices", True) else "svd_s"), _NO_SVD


LINALG: dict[Any, Callable[[Mapping[str, Any], Sequence[int]], tuple[str, str] | None]] = {
    LA.solve: lambda keywords, ranks: ("solve1" if ranks[1] == 1 else "solve", _SINGULAR),
    LA.inv: lambda keywords, ranks: ("inv", _SINGULAR),
    LA.det: lambda keywords, ranks: ("det", ""),
    LA.slogdet: lambda keywords, ranks: ("slogdet", ""),
    LA.cholesky: _cholesky,
    LA.eigh: _of_triangle("eigh"),
    LA.eigvalsh: _of_triangle("eigvalsh"),
    LA.svd: _svd,
    callbacks.singular_values: lambda keywords, ranks: ("svd", _NO_SVD),
    LA.eig: lambda keywords, ranks: ("eig", _NO_VALUES),
    LA.eigvals: lambda keywords, ranks: ("eigvals", _NO_VALUES),
    callbacks.complex_eigenvectors: lambda keywords, ranks: ("eig", _NO_VALUES),
    callbacks.complex_eigenvalues: lambda keywords, ranks: ("eigvals", _NO_VALUES),
}
"""The gufunc that a function of numpy.linalg calls after its checks, and the message of the
LinAlgError if that fails. All compute in float64 or complex128."""


C_FUNCTIONS: dict[Any, str] = {callbacks.c_gamma: "tgamma", callbacks.c_lgamma: "lgamma"}
"""Functions of numbers that the C library has: of doubles, giving one."""


SIZES: dict[Any, int] = {callbacks.transformed: 1}
"""Functions whose last operands only say how large the result is."""


def loop_of(function: Any, keywords: Mapping[str, Any], chars: str, ranks: Sequence[int],
            results: str) -> InnerLoop | None:
    """The loop that gives `function(*operands, **keywords)`; `chars` and `results` are the dtypes
    of operands and results, `ranks` those of the operands. None: there is none, or it does not
    compute in these dtypes. A loop of numpy.linalg may be wider than `chars`."""
    if function in LINALG:
        chosen = LINALG[function](keywords, ranks)
        if chosen is None:
            return None
        name, failure = chosen
        path, start = f"{LAPACK}:{name}", "D" if any(c in "FD" for c in chars) else "d"
        return _found(path, lambda types: types.startswith(start * len(chars) + "->"), failure)
    if function is callbacks.qr_raw:
        found = _found(f"{LAPACK}:qr_r_raw", lambda types: types[0] == chars, "")
        return None if found is None else InnerLoop(found.path, found.types, found.core, "", True)
    if function is callbacks.qr_q:
        return _found(f"{LAPACK}:qr_reduced", lambda types: types[:2] == chars, "")
    if function is callbacks.transformed:
        return _found(f"{callbacks.FOURIER}:{keywords['name']}",
                      lambda types: types == f"{chars}->{results}", "")
    if function is callbacks.of_scipy:
        path = f"scipy.special:{keywords['name']}"
    elif isinstance(function, np.ufunc) and not keywords:
        path = f"numpy:{function.__name__}"
        if ufunc_at(path) is not function:
            return None
    else:
        return None
    return _found(path, lambda types: _same(types, f"{chars}->{results}"), "")


def _found(path: str, right: Callable[[str], bool], failure: str) -> InnerLoop | None:
    ufunc = ufunc_at(path)
    if not isinstance(ufunc, np.ufunc):
        return None
    for types in ufunc.types:
        if right(types):
            return (InnerLoop(path, types, core_of(ufunc.signature, ufunc.nargs), failure)
                    if address(path, types) else None)
    return None


def _same(a: str, b: str) -> bool:
    """Do two spellings of dtypes ("l" and "q" of the same size) agree?"""
    return len(a) == len(b) and all(
        p == q or p not in "->" and q not in "->" and np.dtype(p) == np.dtype(q)
        for p, q in zip(a, b, strict=True))


def core_of(signature: str | None, count: int) -> tuple[tuple[str, ...], ...]:
    """The core dimensions in a signature.

    >>> core_of("(m,n),(n?)->(m)", 3)
    (('m', 'n'), ('n',), ('m',))
    """
    if signature is None:
        return ((),) * count
    return tuple(tuple(name for name in re.sub(r"[\s?]", "", names).split(",") if name)
                 for names in re.findall(r"\(([^)]*)\)", signature))


MATMUL = "numpy:matmul"


def matmul_loop(char: str) -> InnerLoop | None:
    """That of np.matmul for two operands of a dtype, vectors given as matrices."""
    return _found(MATMUL, lambda types: types == f"{char}{char}->{char}", "")


_CYCLES = {"eigh": 6, "eigvalsh": 4, "svd": 12, "eig": 25, "eigvals": 20, "qr": 2}
"""Cycles that a factorization of n x n takes on one core, for n ** 3, where it is more than 1."""


def cycles(path: str) -> int:
    """Of a loop of LAPACK: see `_CYCLES`."""
    return _CYCLES.get(path.partition(":")[2].partition("_")[0], 1)


# ---- where they are

class _UFunc(ctypes.Structure):
    """The beginning of PyUFuncObject (numpy/ufuncobject.h)."""
    _fields_ = (("refcount", ctypes.c_ssize_t), ("type", ctypes.c_void_p), ("nin", ctypes.c_int),
                ("nout", ctypes.c_int), ("nargs", ctypes.c_int), ("identity", ctypes.c_int),
                ("functions", ctypes.POINTER(ctypes.c_void_p)),
                ("data", ctypes.POINTER(ctypes.c_void_p)), ("ntypes", ctypes.c_int))


@functools.cache
def address(path: str, types: str) -> tuple[int, int] | None:
    """The inner loop "dd->d" of a ufunc and the `data` that it is called with (0: NULL)."""
    ufunc = ufunc_at(path)
    if not isinstance(ufunc, np.ufunc) or types not in ufunc.types:
        return None
    memory = _UFunc.from_address(id(ufunc))
    if (memory.nin, memory.nout, memory.nargs, memory.ntypes) != (
            ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None                      # not the layout that is expected
    k = ufunc.types.index(types)
    function = memory.functions[k]
    return (function, (memory.data[k] or 0) if memory.data else 0) if function else None


_GET_ARRFUNCS = 365
"""PyDataType_GetArrFuncs among the pointers of NumPy's C API (numpy/__multiarray_api.h)."""

_SORT, _ARGSORT = 33, 36
"""`sort[3]` and `argsort[3]` in PyArray_ArrFuncs, in pointers: 21 casts and 12 functions come
before; by kind: quick, heap, stable."""


@functools.cache
def sorter(name: str, dtype: np.dtype, kind: int) -> int | None:
    """NumPy's `int sort(void *start, npy_intp n, void *)` (`name` "sort") of a dtype, or
    `int argsort(void *values, npy_intp *indices, npy_intp n, void *)`; kind 0 quick, 2 stable."""
    if not np.lib.NumpyVersion(np.__version__) >= "2.0.0" or dtype.kind not in "biufc":
        return None
    capsule = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi))
    table = capsule(importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API, None)
    functions = (ctypes.c_void_p * (_GET_ARRFUNCS + 1)).from_address(table)
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(functions[_GET_ARRFUNCS] or 0)
    own = (ctypes.c_void_p * (_ARGSORT + 3)).from_address(get(dtype))
    return own[(_SORT if name == "sort" else _ARGSORT) + kind]


def function_named(name: str) -> int | None:
    """Of "numpy:matmul dd->d", the inner loop."""
    found = address(*name.split(" "))
    return found[0] if found else None


def data_named(name: str) -> int | None:
    """Of "numpy:matmul dd->d", what the inner loop is called with."""
    found = address(*name.split(" "))
    return found[1] if found else None


def sorter_named(name: str) -> int | None:
    """Of "argsort f8 2": see `sorter`."""
    routine, dtype, kind = name.split(" ")
    return sorter(routine, np.dtype(dtype), int(kind))
