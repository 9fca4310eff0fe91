"""Tangents of arguments and results: checked against what they belong to, and put together again.

    tangents_like("jvp", objects, names, where, given)      the atoms of a tree of tangents
    as_like(atom, x)                                        an array or number of the kind of x
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Scalar,
    convert,
    dims_of,
    dtype_of,
    fresh,
    lift,
    reshaped,
    value,
)
from hotloop.frontend.transform import kind_of
from hotloop.frontend.trees import flatten
from hotloop.ir.core import PYTHON_DTYPES, Atom, Dim, Lit


def as_like(atom: Atom, like: Any) -> Any:
    """A new object of the kind of `like`: an array, a NumPy or a Python number."""
    if isinstance(like, Array) or atom.shape:
        return fresh(atom)
    kind = like.kind if isinstance(like, Scalar) else PYTHON
    return Scalar(atom, kind)


def tangents_like(what: str, objects: Sequence[Any], names: Sequence[str],
                  where: Sequence[int | None], leaves: Sequence[Any],
                  given: Any) -> list[Atom]:
    """The atoms of tangents for the objects, checked to be of their types."""
    tree = flatten(given, "the tangent")
    present = [(k, x) for k, x in zip(where, leaves, strict=True) if k is not None]
    found = list(tree.leaves)
    if len(found) == len(leaves) and len(present) != len(leaves):
        found = [x for k, x in zip(where, found, strict=True) if k is not None]
    if len(found) != len(present):
        raise TypeError(f"{what}: {len(found)} tangents for {len(present)} values")
    atoms = []
    for (k, _), x in zip(present, found, strict=True):
        assert k is not None
        atoms.append(fitted(what, x, objects[k], names[k]))
    return atoms


def fitted(what: str, x: Any, like: Any, name: str) -> Atom:
    """The atom of a tangent or cotangent of `like`."""
    dtype, dims = dtype_of(like), dims_of(like)
    x = lift(x)
    own = dtype_of(x)
    weak = type(x) in PYTHON_DTYPES or isinstance(x, Scalar) and x.kind == PYTHON
    if own != dtype and not (weak and (own.kind in "biuf" or dtype.kind == "c")):
        raise TypeError(f"{what}: the tangent of {name} is {kind_of(x)}, the value "
                        f"{kind_of(like)}")
    atom = convert(value(x), dtype)
    if len(atom.shape) != len(dims):
        raise ValueError(f"{what}: the tangent of {name} has rank {len(atom.shape)}, the value "
                         f"rank {len(dims)}")
    for axis, (p, q) in enumerate(zip(atom.shape, dims, strict=True)):
        dm.require_equal(p, q, f"{what}: axis {axis} of the tangent of {name} has size {{}}, "
                         "that of the value {}", _atom(p), _atom(q))
    return reshaped(atom, dims)


def _atom(d: Dim) -> Atom:
    return Lit(d) if isinstance(d, int) else d


def argument_names(fn: Any, count: int) -> list[str]:
    """Names of the first arguments, for messages."""
    try:
        known = list(inspect.signature(fn).parameters)
    except ValueError:
        known = []
    return [known[k] if k < len(known) else f"argument {k}" for k in range(count)]
