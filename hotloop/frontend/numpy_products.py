"""Products of vectors and matrices: matmul, dot, inner, outer, vdot, tensordot, kron, cross.

    a @ b      # the op matmul, after promotion; ints by multiply and sum

The op takes floats and complex numbers (BLAS, or generated loops); integer products are spelled out
as a broadcast product and a sum, exact modulo 2**width as NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import emit, fail, inputs_of, staging, unsupported
from hotloop.frontend.numpy_arrays import as_array, axis_of, delivered, settled
from hotloop.frontend.numpy_atoms import both, constant, op, reduce, select
from hotloop.frontend.numpy_create import eye
from hotloop.frontend.numpy_join import stack
from hotloop.frontend.numpy_shape import moveaxis, permuted, ravel, reshape_to
from hotloop.frontend.registry import method, numpy_function
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    broadcast,
    convert,
    dtype_of,
    fit,
    fresh,
    is_python_number,
    lift,
    reshaped,
    value,
    wrap,
)
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL

CORE = ("matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
        "(n?,k),(k,m?)->(n?,m?) (size {} is different from {})")


def product_shape(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
    batch = dm.broadcast_dims(a[:-2], b[:-2]) if len(a) > 2 or len(b) > 2 else ()
    return batch + a[-2:-1] * (len(a) > 1) + b[-1:] * (len(b) > 1)


def matmul_atoms(a: Atom, b: Atom) -> Atom:
    """The product of atoms of one dtype whose inner dimensions agree."""
    dims = product_shape(a.shape, b.shape)
    if a.dtype.kind in "fc" and a.dtype.itemsize >= 4:
        batch = dims[:len(dims) - (len(a.shape) > 1) - (len(b.shape) > 1)]
        if len(a.shape) > 2 or len(b.shape) > 2:
            a = broadcast(a, batch + a.shape[-2:]) if len(a.shape) > 2 else a
            b = broadcast(b, batch + b.shape[-2:]) if len(b.shape) > 2 else b
        return emit("matmul", [a, b], [(a.dtype, dims)])[0]
    if a.dtype == np.float16:                   # NumPy's sums are in single precision
        wide = np.dtype(np.float32)
        return convert(matmul_atoms(convert(a, wide), convert(b, wide)), a.dtype)
    return spelled_out(a, b)


def spelled_out(a: Atom, b: Atom) -> Atom:
    """sum over k of a[..., i, k] * b[..., k, j]"""
    row, column = len(a.shape) > 1, len(b.shape) > 1
    left = a if row else reshaped(a, (1, *a.shape))
    right = b if column else reshaped(b, (*b.shape, 1))
    if len(right.shape) > 1:
        order = [*range(len(right.shape) - 2), len(right.shape) - 1, len(right.shape) - 2]
        right = emit("transpose", [right], [(b.dtype, tuple(right.shape[k] for k in order))],
                     perm=tuple(order))[0]
    left = reshaped(left, (*left.shape[:-1], 1, left.shape[-1]))
    right = reshaped(right, (*right.shape[:-2], 1, *right.shape[-2:]))
    dims = dm.broadcast_dims(left.shape, right.shape)
    name, combine = ("and", "reduce_or") if a.dtype.kind == "b" else ("mul", "reduce_sum")
    result = reduce(combine, op(name, broadcast(left, dims), broadcast(right, dims)),
                    (len(dims) - 1,))
    return reshaped(result, product_shape(a.shape, b.shape))


def promoted(a: Any, b: Any) -> tuple[Array, Array, np.dtype]:
    a, b = as_array(a), as_array(b)
    return a, b, np.result_type(a.dtype, b.dtype)


@numpy_function(np.matmul, np.linalg.matmul)
def matmul(x1: Any, x2: Any, /, out: Any = None, *, dtype: Any = None, **rest: Any) -> Any:
    if rest or dtype is not None and not all(
            np.can_cast(dtype_of(lift(x)), dtype, "same_kind") for x in (x1, x2)):
        raise unsupported(f"np.matmul with {', '.join(rest) or 'dtype='}")
    a, b, common = promoted(x1, x2)
    target = common if dtype is None else np.dtype(dtype)
    if not a.ndim or not b.ndim:
        which = 1 if a.ndim else 0
        fail(ValueError, f"matmul: Input operand {which} does not have enough dimensions (has 0, "
             "gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)")
    inner = b.dims[0 if b.ndim == 1 else -2]
    dm.require_equal(inner, a.dims[-1], CORE, inner, a.dims[-1])
    return delivered(wrap(matmul_atoms(convert(a.value(), target), convert(b.value(), target))),
                     out)


@numpy_function(np.dot)
@method("dot")
def dot(a: Any, b: Any, out: Any = None) -> Any:
    x, y = settled(lift(a)), settled(lift(b))
    x_rank, y_rank = (v.ndim if isinstance(v, Array) else 0 for v in (x, y))
    if isinstance(out, Array | np.ndarray) and out.dtype != np.result_type(
            *map(dtype_of, (x, y))):
        fail(ValueError, "output array is not acceptable (must have the right datatype, number of "
             "dimensions, and be a C-Array)")
    if not x_rank or not y_rank:
        return delivered(scaled(x, y), out)
    k = y.dims[0 if y_rank == 1 else -2]
    dm.require_equal(x.dims[-1], k, f"shapes {spell(x)} and {spell(y)} not aligned: {{}} (dim "
                     f"{x_rank - 1}) != {{}} (dim {max(0, y_rank - 2)})",
                     x.dims[-1], k)
    if x_rank <= 2 and y_rank <= 2:
        return matmul(x, y, out)
    return delivered(tensordot(x, y, ((x_rank - 1,), (max(0, y_rank - 2),))), out)


def scaled(x: Any, y: Any) -> Any:
    """The product of a number and an array, as np.dot gives it: by BLAS, for which 0 times
    several numbers is 0 whatever they are."""
    product = ufuncs.apply(np.multiply, [strong(x), strong(y)])
    if not isinstance(product, Array) or product.dtype.char not in "fdFD" or product.ndim > 2:
        return product
    several = dm.compare("ne", dm.product(product.dims), 1)
    if several is False:
        return product
    number = y if isinstance(x, Array) and x.ndim else x
    atom = value(product)
    zero = constant(0, atom)
    nothing = op("eq", fit(number, atom.dtype), zero)
    return wrap(select(nothing if several is True else both(nothing, several), zero, atom))


def strong(x: Any) -> Any:
    """A Python number as NumPy's, which it becomes as an array."""
    return Scalar(value(x)) if is_python_number(x) else x


def spell(a: Array) -> str:
    return "(" + ",".join(str(d) if isinstance(d, int) else "n" for d in a.dims) + (
        "," if a.ndim == 1 else "") + ")"


@numpy_function(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    x, y = ravel(a), ravel(b)
    if x.dtype.kind == "c":
        x = ufuncs.apply(np.conjugate, [x])
    return dot(x, y)


@numpy_function(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    x, y = settled(lift(a)), settled(lift(b))
    if not isinstance(x, Array) or not isinstance(y, Array) or not x.ndim or not y.ndim:
        return scaled(x, y)
    dm.require_equal(x.dims[-1], y.dims[-1], f"shapes {spell(x)} and {spell(y)} not aligned: {{}} "
                     "!= {}", x.dims[-1], y.dims[-1])
    if x.ndim == 1 and y.ndim == 1:
        return matmul(x, y)
    return tensordot(x, y, ((x.ndim - 1,), (y.ndim - 1,)))


@numpy_function(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    return ufuncs.apply(np.multiply, [ravel(a)[:, None], ravel(b)[None, :]], out)


@numpy_function(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    a, b = as_array(x1), as_array(x2)
    if a.ndim != 1 or b.ndim != 1:
        fail(ValueError, "Input arrays must be one-dimensional, but they are "
             f"x1.ndim={a.ndim} and x2.ndim={b.ndim}.")
    return outer(a, b)


def contraction_axes(axes: Any, a: Array, b: Array) -> tuple[list[int], list[int]]:
    if isinstance(axes, tuple | list):
        first, second = axes
        left = [axis_of(k, a.ndim)
                for k in (first if isinstance(first, tuple | list) else (first,))]
        right = [axis_of(k, b.ndim)
                 for k in (second if isinstance(second, tuple | list) else (second,))]
    else:
        n = int(axes)
        if n > min(a.ndim, b.ndim):
            fail(IndexError, "tuple index out of range")
        left, right = list(range(a.ndim - n, a.ndim)), list(range(n))
    if len(left) != len(right):
        fail(ValueError, "shape-mismatch for sum")
    return left, right


@numpy_function(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """One matmul of the arrays, their summed axes moved inside and flattened."""
    x, y = as_array(a), as_array(b)
    left, right = contraction_axes(axes, x, y)
    for i, j in zip(left, right, strict=True):
        dm.require_equal(x.dims[i], y.dims[j], "shape-mismatch for sum")
    free_x = [k for k in range(x.ndim) if k not in left]
    free_y = [k for k in range(y.ndim) if k not in right]
    summed = dm.product(tuple(x.dims[k] for k in left))
    rows = dm.product(tuple(x.dims[k] for k in free_x))
    columns = dm.product(tuple(y.dims[k] for k in free_y))
    p = reshape_to(permuted(x, free_x + left), (rows, summed))
    q = reshape_to(permuted(y, right + free_y), (summed, columns))
    result = matmul(p, q)
    dims = tuple(x.dims[k] for k in free_x) + tuple(y.dims[k] for k in free_y)
    return wrap(reshaped(result.value(), dims)) if dims else fresh(reshaped(result.value(), ()))


@numpy_function(np.kron)
def kron(a: Any, b: Any) -> Any:
    x, y = as_array(a), as_array(b)
    rank = max(x.ndim, y.ndim)
    if rank == 0:
        return ufuncs.apply(np.multiply, [x, y])
    x = x[(None,) * (rank - x.ndim)] if x.ndim < rank else x
    y = y[(None,) * (rank - y.ndim)] if y.ndim < rank else y
    wide = x[tuple(i for _ in range(rank) for i in (slice(None), None))]
    tall = y[tuple(i for _ in range(rank) for i in (None, slice(None)))]
    result = ufuncs.apply(np.multiply, [wide, tall])
    return reshape_to(result, [dm.product((d, e)) for d, e in zip(x.dims, y.dims, strict=True)])


@numpy_function(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
          axis: Any = None) -> Any:
    """Vectors of three components; with another number NumPy is called."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = as_array(a), as_array(b)
    x = moveaxis(x, axis_of(axisa, x.ndim), -1)
    y = moveaxis(y, axis_of(axisb, y.ndim), -1)
    message = "incompatible dimensions for cross product\n(dimension must be 2 or 3)"
    for v in (x, y):
        if isinstance(v.dims[-1], int) and v.dims[-1] == 2:
            raise unsupported("np.cross of vectors of two components",
                              "write a[0] * b[1] - a[1] * b[0]")
        if isinstance(v.dims[-1], Var) and inputs_of(v.dims[-1]):
            raise staging("the number of components of np.cross", "", v.dims[-1])
        dm.require_equal(v.dims[-1], 3, message)
    (x0, x1, x2), (y0, y1, y2) = ([v[..., k] for k in range(3)] for v in (x, y))

    def minor(p: Any, q: Any, r: Any, s: Any) -> Any:
        return ufuncs.apply(np.subtract, [ufuncs.apply(np.multiply, [p, q]),
                                          ufuncs.apply(np.multiply, [r, s])])
    parts = [minor(x1, y2, x2, y1), minor(x2, y0, x0, y2), minor(x0, y1, x1, y0)]
    return moveaxis(stack(parts, axis=-1), -1, axisc)


@numpy_function(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@numpy_function(getattr(np, "vecdot", np.vdot))
def vecdot(x1: Any, x2: Any, /, out: Any = None, *, axis: int = -1, **rest: Any) -> Any:
    if rest:
        raise unsupported(f"np.vecdot with {', '.join(rest)}")
    a, b, common = promoted(x1, x2)
    a, b = moveaxis(a, axis, -1), moveaxis(b, axis, -1)
    dm.require_equal(a.dims[-1], b.dims[-1], "vecdot: Input operand 1 has a mismatch in its core "
                     "dimension 0, with gufunc signature (n),(n)->() (size {} is different from "
                     "{})", b.dims[-1], a.dims[-1])
    if common.kind == "c":
        a = ufuncs.apply(np.conjugate, [a])
    product = as_array(ufuncs.apply(np.multiply, [a, b]))
    name = "reduce_or" if common == BOOL else "reduce_sum"
    result = reduce(name, product.value(), (product.ndim - 1,))
    return delivered(wrap(result), out)


@numpy_function(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    result: Any = arrays[0]
    for x in arrays[1:]:
        result = dot(result, x)
    return delivered(result, out)


@numpy_function(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    x = as_array(a)
    if n < 0:
        raise unsupported("np.linalg.matrix_power with a negative power", "invert the matrix first")
    dm.require_equal(x.dims[-1], x.dims[-2], "Last 2 dimensions of the array must be square",
                     exception=np.linalg.LinAlgError)
    if n == 0:
        unit = eye(as_int(x.dims[-1]), dtype=x.dtype)
        return fresh(broadcast(unit.value(), x.dims))
    result: Any = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        if n:
            x = matmul(x, x)
    return fresh(result.value()) if result.base is as_array(a).base else result
