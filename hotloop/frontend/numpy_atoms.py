"""Elementwise ops on atoms, for the formulas of the NumPy functions.

    op("add", x, constant(1, x))       # x + 1 in x's dtype and shape

Operands have equal shapes or rank 0; the result has the shape of the first one that is an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend.builder import emit
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL

TESTS = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "isnan", "isinf", "isfinite", "signbit"))
TRUE, FALSE = Lit(True), Lit(False)


def real_dtype(dtype: np.dtype) -> np.dtype:
    """float64 for complex128, float32 for complex64; other dtypes unchanged."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def complex_dtype(dtype: np.dtype) -> np.dtype:
    """The complex dtype with parts of a float dtype (float16 has none: complex64)."""
    return np.dtype(f"c{max(8, dtype.itemsize * 2)}") if dtype.kind == "f" else dtype


def result_dtype(name: str, atoms: tuple[Atom, ...], params: dict[str, Any]) -> np.dtype:
    if name in TESTS:
        return BOOL
    if name == "convert":
        return params["dtype"]
    if name == "select":
        return atoms[1].dtype
    if name in ("real", "imag"):
        return real_dtype(atoms[0].dtype)
    if name == "complex":
        return complex_dtype(atoms[0].dtype)
    return atoms[0].dtype


def op(name: str, *atoms: Atom, **params: Any) -> Atom:
    """The result of an elementwise op."""
    shape = next((a.shape for a in atoms if a.shape), ())
    result, = emit(name, atoms, [(result_dtype(name, atoms, params), shape)], **params)
    return result


def constant(value: Any, like: Atom) -> Lit:
    """`value` in the dtype of `like`."""
    return Lit(value, like.dtype)


def convert(atom: Atom, dtype: Any) -> Atom:
    """`atom` as `astype(dtype)` gives it; itself if it has the dtype."""
    dtype = np.dtype(dtype)
    if atom.dtype == dtype:
        return atom
    if isinstance(atom, Lit):
        with np.errstate(all="ignore"):
            return Lit(np.asarray(atom.value).astype(dtype)[()])
    return op("convert", atom, dtype=dtype)


def select(condition: Atom, yes: Atom, no: Atom) -> Atom:
    """`yes` where the condition holds, else `no`."""
    if isinstance(condition, Lit):
        return yes if condition.value else no
    return op("select", condition, yes, no)


def both(a: Atom, b: Atom) -> Atom:
    return op("and", a, b)


def either(a: Atom, b: Atom) -> Atom:
    return op("or", a, b)


def negate(a: Atom) -> Atom:
    return op("not", a)


def is_kind(atom: Atom, kinds: Any) -> bool:
    return atom.dtype.kind in kinds
