"""Arguments and results of the NumPy functions: what they share.

    a = as_array(x)                      # anything array-like as an Array
    axes = axes_of(axis, a.ndim)         # None, an int or a tuple -> ints from 0
    return delivered(result, out)        # into `out` if given

Errors that are certain while tracing end the path with NumPy's exception (`builder.fail`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import fail, staging, unsupported
from hotloop.frontend.tracers import (
    PYTHON_TYPES,
    Array,
    Scalar,
    Widened,
    broadcast,
    convert,
    dtype_of,
    fit,
    fresh,
    full,
    is_python_number,
    lift,
    narrowed,
    value,
    wrap,
    zero,
)
from hotloop.ir.core import Atom, Dim
from hotloop.ir.types import CODE_OF


def as_array(x: Any) -> Array:
    """An Array for anything array-like: of rank 0 for a number."""
    x = settled(lift(x))
    return x if isinstance(x, Array) else rank_zero(value(x))


def object_array(x: Any) -> Array:
    """The same of a function that asks its argument for attributes, which Python's numbers and
    lists don't have: NumPy tells which."""
    if not isinstance(x, Array | np.ndarray | np.generic) and (
            not isinstance(x, Scalar) or is_python_number(x)):
        fail(AttributeError, f"'{PYTHON_TYPES[dtype_of(lift(x)).kind].__name__}' object has no "
             "attribute 'shape'")
    return as_array(x)


def target_array(x: Any, name: str) -> Array:
    """The array that a function stores to; TypeError for anything else."""
    if not isinstance(x, Array | np.ndarray):
        fail(TypeError, f"argument 1 must be numpy.ndarray, not {name}")
    found: Array = lift(x)
    return found


def rank_zero(atom: Atom) -> Array:
    """A new array of rank 0, which `fresh` and `wrap` would give as a NumPy scalar."""
    return fresh(atom)


def settled(x: Any) -> Any:
    """`x`; a number of two possible kinds gets its wide one, checked."""
    return narrowed(x) if isinstance(x, Widened) else x


def as_dtype(dtype: Any) -> np.dtype:
    """The dtype that a `dtype=` argument means."""
    result = np.dtype(dtype)
    if result not in CODE_OF:
        raise unsupported(f"the dtype {result}", "use a bool, int, float or complex dtype")
    return result


def converted(a: Array, dtype: Any) -> Array:
    """`a` itself, or a new array of the dtype."""
    return a if a.dtype == dtype else fresh(convert(a.value(), as_dtype(dtype)))


def scalar_of(x: Any) -> Any:
    """A number for a number or an array of rank 0; arrays of other ranks stay."""
    x = settled(lift(x))
    return Scalar(x.value()) if isinstance(x, Array) and not x.dims else x


def common_dtype(args: Iterable[Any]) -> np.dtype:
    """NumPy 2's result type; Python numbers are weak."""
    types = [PYTHON_TYPES[dtype_of(a).kind](0)
             if is_python_number(a) and dtype_of(a).kind != "b" else dtype_of(a) for a in args]
    return np.result_type(*types)


def static_int(x: Any, what: str) -> int:
    """An integer known while compiling, such as an axis."""
    x = static(x, what)
    return operator.index(x)


def static(x: Any, what: str) -> Any:
    """`x`, which must be known while compiling."""
    x = settled(x)
    if isinstance(x, Scalar | Array):
        raise staging(f"not supported: {what} known only at run time",
                      "pass it as a literal or as a static argument",
                      x.atom if isinstance(x, Scalar) else None)
    return x


def axis_of(axis: Any, rank: int, name: str = "") -> int:
    """An axis counted from 0; NumPy's AxisError (with the argument's name) if there is none."""
    k = static_int(axis, "an axis")
    if not -rank <= k < rank:
        fail(AxisError, f"{name and name + ': '}axis {k} is out of bounds for array of dimension "
             f"{rank}")
    return k % rank


def axes_of(axis: Any, rank: int, name: str = "") -> tuple[int, ...]:
    """The axes of an `axis=` argument: all for None."""
    if axis is None:
        return tuple(range(rank))
    axes = tuple(axis_of(k, rank, name)
                 for k in (axis if isinstance(axis, tuple | list) else (axis,)))
    if len(set(axes)) != len(axes):
        fail(ValueError, f"repeated axis in `{name}` argument" if name else
             "duplicate value in 'axis'")
    return axes


def static_bool(x: Any, what: str) -> bool:
    return bool(static(x, what))


def delivered(result: Any, out: Any, kind: str = "same_kind") -> Any:
    """`result`, or `out` with the result stored in it."""
    if isinstance(out, tuple):
        out, = out
    if out is None:
        return result
    target = lift(out)
    if not isinstance(target, Array):
        fail(TypeError, "return arrays must be of ArrayType")
    dtype = dtype_of(result)
    if not np.can_cast(dtype, target.dtype, kind):  # type: ignore[arg-type]
        fail(TypeError, f"Cannot cast output from {dtype!r} to {target.dtype!r} according to the "
             f"rule '{kind}'")
    if len(target.dims) != len(dims_or_none(result)):
        fail(ValueError, "output parameter has a wrong number of dimensions")
    target.assign(value(result))
    return out


def dims_or_none(x: Any) -> tuple[Dim, ...]:
    return x.dims if isinstance(x, Array) else ()


def result_of(atom: Atom, as_scalar: bool = True) -> Any:
    """A computed value: a NumPy scalar for rank 0 unless an array is asked for."""
    return wrap(atom) if as_scalar else fresh(atom)


def zeros_array(dims: Sequence[Dim], dtype: Any) -> Array:
    return fresh(full(zero(dtype), tuple(dims)))


def filled(fill: Any, dims: Sequence[Dim], dtype: np.dtype) -> Array:
    """A new array of `dims` with `fill` (a number, or an array that broadcasts) everywhere."""
    atom = fit(settled(lift(fill)), dtype)
    dims = tuple(dims)
    if not atom.shape:
        return fresh(full(atom, dims))
    result = fresh(full(zero(dtype), dims))
    result.assign(atom)
    return result


def broadcast_arrays(args: Sequence[Array]) -> list[Array]:
    """Read-only copies in the common shape."""
    dims = dm.broadcast_dims(*[a.dims for a in args])
    return [fresh(broadcast(a.value(), dims)) for a in args]
