"""Diagonals and index tuples: diagonal, diag, trace, tril_indices_from, unravel_index, ix_.

    np.diagonal(x)              # a view: x[i, i]
    np.ix_([0, 2], [1])         # arrays that index together
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, emit, fail, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axis_of,
    converted,
    scalar_of,
    settled,
    static_int,
)
from hotloop.frontend.numpy_atoms import op
from hotloop.frontend.numpy_select import clip, nonzero
from hotloop.frontend.numpy_shape import moveaxis, ravel
from hotloop.frontend.registry import NUMPY, method, numpy_function
from hotloop.frontend.tracers import (
    Array,
    as_int,
    convert,
    dim_of,
    dtype_of,
    fresh,
    full,
    iota,
    lift,
    value,
    wrap,
    zero,
)
from hotloop.frontend.views import Diagonal
from hotloop.ir.core import Lit
from hotloop.ir.types import BOOL, I64

# ---- diagonals and index tuples

def diagonal_view(a: Array, offset: Any, axis1: Any, axis2: Any) -> Array:
    """The diagonal of two axes as a gather, its axis last."""
    i, j = axis_of(axis1, a.ndim), axis_of(axis2, a.ndim)
    if i == j:
        fail(ValueError, "axis1 and axis2 cannot be the same")
    a = moveaxis(a, (i, j), (0, 1)) if (i, j) != (0, 1) else a
    shift = static_int(offset, "the offset of a diagonal")
    row, column = max(0, -shift), max(0, shift)
    rows = dm.at_least_zero(dm.minus(dm.form(a.dims[0]), dm.form(row)))
    columns = dm.at_least_zero(dm.minus(dm.form(a.dims[1]), dm.form(column)))
    n = dm.minimum(rows, columns)
    return a.view(Diagonal(shift, (*a.dims[2:], n)))


@numpy_function(np.diagonal)
@method("diagonal")
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Array:
    a = as_array(a)
    if a.ndim < 2:
        fail(ValueError, "diag requires an array of at least two dimensions")
    return diagonal_view(a, offset, axis1, axis2)


@numpy_function(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: Any = 0) -> Array:
    return diagonal(x, offset, -2, -1)


@numpy_function(np.diag)
def diag(v: Any, k: Any = 0) -> Array:
    a = as_array(v)
    shift = static_int(k, "k of diag")
    if a.ndim == 2:
        return diagonal(a, shift)
    if a.ndim != 1:
        fail(ValueError, "Input must be 1- or 2-d.")
    n = a.dims[0]
    size = dm.dim(dm.plus(dm.form(n), dm.form(abs(shift))))
    steps = iota(n)
    row = op("add", steps, Lit(max(0, -shift)))
    column = op("add", steps, Lit(max(0, shift)))
    target = full(zero(a.dtype), (size, size))
    return fresh(emit("set", [target, a.value(), row, column], [(a.dtype, (size, size))],
                      codes="aa")[0])


@numpy_function(np.diagflat)
def diagflat(v: Any, k: Any = 0) -> Array:
    return diag(ravel(v), k)


@numpy_function(np.linalg.trace)
def trace_of_matrices(x: Any, /, *, offset: Any = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@numpy_function(np.trace)
@method("trace")
def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None,
          out: Any = None) -> Any:
    return NUMPY[np.sum](diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@numpy_function(np.diag_indices)
def diag_indices(n: Any, ndim: int = 2) -> tuple[Array, ...]:
    return (fresh(iota(dim_of(settled(n)))),) * ndim


@numpy_function(np.diag_indices_from)
def diag_indices_from(arr: Any) -> tuple[Array, ...]:
    a = as_array(arr)
    if a.ndim < 2:
        fail(ValueError, "input array must be at least 2-d")
    for d in a.dims[1:]:
        dm.require_equal(d, a.dims[0], "All dimensions of input must be of equal length")
    return diag_indices(as_int(a.dims[0]), a.ndim)


def _triangle_indices(name: str) -> Callable[..., Any]:
    def triangle(n: Any, k: Any = 0, m: Any = None) -> tuple[Array, ...]:
        mask = NUMPY[np.tri](n, m, k=k if name == "tril" else k - 1, dtype=bool)
        return nonzero(mask if name == "tril" else ufuncs.apply(np.logical_not, [mask]))
    return triangle


tril_indices = numpy_function(np.tril_indices)(_triangle_indices("tril"))
triu_indices = numpy_function(np.triu_indices)(_triangle_indices("triu"))


@numpy_function(np.tril_indices_from)
def tril_indices_from(arr: Any, k: Any = 0) -> tuple[Array, ...]:
    n, m = as_array(arr).dims
    return tril_indices(as_int(n), k, as_int(m))


@numpy_function(np.triu_indices_from)
def triu_indices_from(arr: Any, k: Any = 0) -> tuple[Array, ...]:
    n, m = as_array(arr).dims
    return triu_indices(as_int(n), k, as_int(m))


@numpy_function(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    sizes = [settled(d) for d in (shape if isinstance(shape, tuple | list) else (shape,))]
    at = scalar_of(indices)
    if dtype_of(at).kind not in "iu":
        raise unsupported("np.unravel_index of indices that are no integers")
    if dtype_of(at) != I64:
        at = wrap(convert(value(at), I64))
    total: Any = 1
    for d in sizes:
        total = total * d
    low = ufuncs.apply(np.greater_equal, [at, 0])
    high = ufuncs.apply(np.less, [at, total])
    inside = ufuncs.apply(np.logical_and, [low, high])
    if isinstance(at, Array):
        check(value(NUMPY[np.all](inside)), ValueError,
              "index is out of bounds for array with the given shape")
    else:
        check(value(inside), ValueError, "index {} is out of bounds for array with size {}",
              value(at), value(lift(total)))
    parts = []
    for d in (sizes[::-1] if order == "C" else sizes):
        parts.append(ufuncs.apply(np.remainder, [at, d]))
        at = ufuncs.apply(np.floor_divide, [at, d])
    return tuple(parts[::-1] if order == "C" else parts)


@numpy_function(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: str = "raise", order: str = "C") -> Any:
    if mode not in ("raise", "wrap", "clip"):
        raise unsupported("np.ravel_multi_index with several modes")
    sizes = [settled(d) for d in dims]
    parts = [scalar_of(p) for p in multi_index]
    result: Any = 0
    pairs = list(zip(parts, sizes, strict=True))
    for p, d in (pairs if order == "C" else pairs[::-1]):
        if mode == "wrap":
            p = ufuncs.apply(np.remainder, [p, d])
        elif mode == "clip":
            p = clip(p, 0, d - 1)
        else:
            inside = ufuncs.apply(np.logical_and, [ufuncs.apply(np.greater_equal, [p, 0]),
                                                   ufuncs.apply(np.less, [p, d])])
            check(value(NUMPY[np.all](inside)), ValueError, "invalid entry in coordinates array")
        result = ufuncs.apply(np.add, [ufuncs.apply(np.multiply, [result, d]), p])
    return result


@numpy_function(np.ix_)
def ix_(*args: Any) -> tuple[Array, ...]:
    rank = len(args)
    grids = []
    for k, x in enumerate(args):
        a = as_array(x)
        if a.dtype == BOOL:
            a = nonzero(a)[0]
        elif not isinstance(x, Array | np.ndarray) and a.ndim and a.dims[0] == 0:
            a = converted(a, I64)                  # an empty list is one of indices
        grids.append(a[tuple(slice(None) if j == k else None for j in range(rank))])
    return tuple(grids)
