"""What type rules share: domains of dtypes, equal operands, dimensions that may be equal.

A domain is a string of dtype kinds, `INTS + FLOATS`. A rule raises TypeError that names the op,
what it got and what it takes; it never guesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, I64, Type, same_shape
from hotloop.ops.table import BOOLS, COMPLEXES, FLOATS, INTS, UINTS

NUMBERS = INTS + UINTS + FLOATS + COMPLEXES
REALS = INTS + UINTS + FLOATS
ALL = BOOLS + NUMBERS
KIND_NAMES = {BOOLS: "bool", INTS: "int", UINTS: "unsigned int", FLOATS: "float",
              COMPLEXES: "complex"}


def describe(ins: Sequence[Atom]) -> str:
    return ", ".join(repr(a.type) for a in ins)


def check_count(name: str, ins: Sequence[Atom], least: int, most: int | None = None) -> None:
    if len(ins) < least or (most is not None and len(ins) > most):
        raise TypeError(f"{name} takes {least} operands, got {len(ins)} ({describe(ins)})")


def check_domain(name: str, atom: Atom, domain: str) -> None:
    if atom.dtype.kind not in domain:
        names = ", ".join(KIND_NAMES[k] for k in domain)
        raise TypeError(f"{name} of {atom.type!r}: takes {names}")


def check_scalar(name: str, what: str, atom: Atom, dtype: np.dtype) -> None:
    if atom.shape != () or atom.dtype != dtype:
        raise TypeError(f"{name}: {what} is {atom.type!r}, not {Type(dtype)!r}")


def check_index(name: str, what: str, atom: Atom) -> None:
    check_scalar(name, what, atom, I64)


def check_condition(name: str, atom: Atom) -> None:
    check_scalar(name, "the condition", atom, BOOL)


def check_axes(name: str, axes: Any, rank: int) -> None:
    """Different axes, each in 0 ... rank-1."""
    if not isinstance(axes, tuple) or len(set(axes)) != len(axes) or not all(
            isinstance(k, int) and 0 <= k < rank for k in axes):
        raise TypeError(f"{name}: axes {axes!r} of an array of rank {rank}")


def check_dtype(name: str, dtype: Any) -> None:
    if not isinstance(dtype, np.dtype):
        raise TypeError(f"{name}: dtype={dtype!r} is no np.dtype")


def dim_of(atom: Atom) -> Dim:
    """The dimension that an i64 operand stands for."""
    if isinstance(atom, Var):
        return atom
    if int(atom.value) < 0:
        raise TypeError(f"a dimension of {int(atom.value)}")
    return int(atom.value)


def atom_of(dim: Dim) -> Atom:
    return dim if isinstance(dim, Var) else Lit(dim)


def same_dim(a: Dim, b: Dim) -> bool:
    return same_shape((a,), (b,))


def may_equal(a: Dim, b: Dim) -> bool:
    """False only for two different ints: Vars may be equal at run time (checked before)."""
    return not (isinstance(a, int) and isinstance(b, int) and a != b)


def joint_shape(name: str, ins: Sequence[Atom]) -> tuple[Dim, ...]:
    """The shape of an elementwise result: operands have it or rank 0."""
    shape: tuple[Dim, ...] = ()
    for atom in ins:
        if atom.shape and shape and not same_shape(atom.shape, shape):
            raise TypeError(f"{name} of different shapes: {describe(ins)}")
        shape = atom.shape or shape
    return shape


def check_same_dtype(name: str, ins: Sequence[Atom]) -> None:
    if any(a.dtype != ins[0].dtype for a in ins):
        raise TypeError(f"{name} of different dtypes: {describe(ins)}")
