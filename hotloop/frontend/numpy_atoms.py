"""Elementwise ops on atoms, for the formulas of the NumPy functions.

    op("add", x, constant(1, x))       # x + 1 in x's dtype and shape

Operands have equal shapes or rank 0; the result has the shape of the first one that is an array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend.builder import emit, lit
from hotloop.ir.core import Atom, Dim, Lit
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
    if name in ("real", "imag", "abs"):
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
    """`value` in the dtype of `like`; Python ints wrap."""
    if isinstance(value, int) and like.dtype.kind in "iu":
        value = np.asarray(value).astype(like.dtype)[()]
    return Lit(value, like.dtype)


def atom_of(d: Dim) -> Atom:
    """A dimension as an operand."""
    return lit(d) if isinstance(d, int) else d


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


def reduce(name: str, atom: Atom, axes: tuple[int, ...]) -> Atom:
    """A reduction op over axes; the atom itself if there are none."""
    if not axes:
        return atom
    dims = tuple(d for k, d in enumerate(atom.shape) if k not in axes)
    return emit(name, [atom], [(atom.dtype, dims)], axes=axes)[0]


def reduce_all(flags: Atom) -> Atom:
    """Whether all elements of a bool array hold."""
    return reduce("reduce_and", flags, tuple(range(len(flags.shape))))
