"""numpy.linalg: norms in equations, factorizations by NumPy's own LAPACK.

    np.linalg.solve(a, b)      # call_numpy, after NumPy's checks of the shapes
    np.linalg.norm(x)          # sqrt of reduce_sum of squares
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from hotloop.errors import TypeInstabilityError
from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, fail, here, unsupported
from hotloop.frontend.numpy_arrays import as_array, axis_of, converted, scalar_of, static
from hotloop.frontend.numpy_atoms import complex_dtype, op, real_dtype, reduce_all
from hotloop.frontend.numpy_callback import (
    FAILURES,
    LINALG,
    RAISING,
    VIA_NUMPY,
    through_numpy,
)
from hotloop.frontend.numpy_products import vecdot
from hotloop.frontend.numpy_reduce import total
from hotloop.frontend.numpy_shape import permuted, ravel, reshape_to
from hotloop.frontend.registry import NUMPY, numpy_function
from hotloop.frontend.slots import Either
from hotloop.frontend.traced import PYTHON
from hotloop.frontend.tracers import Array, Scalar, as_int, convert, fresh, value, wrap
from hotloop.ir.core import Atom, Dim, Lit
from hotloop.ir.types import C128, F64, I64
from hotloop.ops import callbacks

LA = np.linalg


def work_dtype(*arrays: Array) -> np.dtype:
    """The inexact dtype that LAPACK works in."""
    dtype = np.result_type(*[a.dtype for a in arrays])
    if any(a.dtype == np.float16 for a in arrays):
        fail(TypeError, "array type float16 is unsupported in linalg")
    return dtype if dtype.kind in "fc" else F64


def matrix(a: Any, square: bool = True) -> Array:
    a = as_array(a)
    if a.ndim < 2:
        fail(LinAlgError, f"{a.ndim}-dimensional array given. Array must be at least "
             "two-dimensional")
    if square:
        dm.require_equal(a.dims[-1], a.dims[-2], "Last 2 dimensions of the array must be square",
                         exception=LinAlgError)
    return converted(a, work_dtype(a))


def results_of(function: Any, operands: Sequence[Array],
               results: Sequence[tuple[Any, Sequence[Dim]]], **keywords: Any) -> list[Any]:
    made = through_numpy(function, [a.value() for a in operands], results, **keywords)
    return [wrap(r) for r in made]


# ---- systems and factorizations

@numpy_function(LA.solve)
def solve(a: Any, b: Any) -> Array:
    x, y = matrix(a), as_array(b)
    dtype = work_dtype(x, y)
    x, y = converted(x, dtype), converted(y, dtype)
    rows = y.dims[0] if y.ndim == 1 else y.dims[-2]
    dm.require_equal(x.dims[-1], rows, "solve: Input operand 1 has a mismatch in its core "
                     "dimension 0, with gufunc signature (m,m),(m,n)->(m,n) (size {} is different "
                     "from {})" if y.ndim > 1 else "solve1: Input operand 1 has a mismatch in its "
                     "core dimension 0, with gufunc signature (m,m),(m)->(m) (size {} is different "
                     "from {})", rows, x.dims[-1])
    dims = y.dims if y.ndim == 1 and x.ndim == 2 else (
        *dm.broadcast_dims(x.dims[:-2], y.dims[:-2]), *y.dims[-2:]) if y.ndim > 1 else (
        *x.dims[:-2], y.dims[0])
    return results_of(LA.solve, [x, y], [(dtype, dims)])[0]


@numpy_function(LA.inv)
def inv(a: Any) -> Array:
    x = matrix(a)
    return results_of(LA.inv, [x], [(x.dtype, x.dims)])[0]


@numpy_function(LA.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, **rest: Any) -> Array:
    if rcond is not None or rest:
        raise unsupported("np.linalg.pinv with a tolerance")
    x = matrix(a, square=False)
    if as_array(a).dtype.kind not in "fc" and 0 in x.dims:
        raise unsupported("np.linalg.pinv of an empty array of integers")   # stays of integers
    dims = (*x.dims[:-2], x.dims[-1], x.dims[-2])
    return results_of(LA.pinv, [x], [(x.dtype, dims)], hermitian=bool(hermitian))[0]


@numpy_function(LA.det)
def det(a: Any) -> Any:
    x = matrix(a)
    return results_of(LA.det, [x], [(x.dtype, x.dims[:-2])])[0]


@numpy_function(LA.slogdet)
def slogdet(a: Any) -> Any:
    x = matrix(a)
    sign, size = results_of(LA.slogdet, [x], [(x.dtype, x.dims[:-2]),
                                              (real_dtype(x.dtype), x.dims[:-2])])
    return RESULTS["slogdet"](sign, size)


@numpy_function(LA.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Array:
    x = matrix(a)
    return results_of(LA.cholesky, [x], [(x.dtype, x.dims)],
                      **({"upper": True} if upper else {}))[0]


@numpy_function(LA.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    x = matrix(a, square=False)
    *batch, m, n = x.dims
    k = dm.minimum(m, n)
    if mode == "r":
        return results_of(LA.qr, [x], [(x.dtype, (*batch, k, n))], mode="r")[0]
    if mode not in ("reduced", "complete"):
        raise unsupported(f"np.linalg.qr with mode={mode!r}")
    inner = k if mode == "reduced" else m
    q, r = results_of(LA.qr, [x], [(x.dtype, (*batch, m, inner)), (x.dtype, (*batch, inner, n))],
                      mode=mode)
    return RESULTS["qr"](q, r)


@numpy_function(LA.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True,
        hermitian: bool = False) -> Any:
    x = matrix(a, square=False)
    *batch, m, n = x.dims
    k = dm.minimum(m, n)
    values = (real_dtype(x.dtype), (*batch, k))
    if not compute_uv:
        return results_of(callbacks.singular_values, [x], [values])[0]
    p, q = (m, n) if full_matrices else (k, k)
    u, s, v = results_of(LA.svd, [x], [(x.dtype, (*batch, m, p)), values,
                                       (x.dtype, (*batch, q, n))],
                         full_matrices=bool(full_matrices), hermitian=bool(hermitian))
    return RESULTS["svd"](u, s, v)


if hasattr(LA, "svdvals"):
    @numpy_function(LA.svdvals)
    def svdvals(x: Any, /) -> Any:
        return svd(x, compute_uv=False)


@numpy_function(LA.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    x = matrix(a)
    w, v = results_of(LA.eigh, [x], [(real_dtype(x.dtype), x.dims[:-1]), (x.dtype, x.dims)],
                      UPLO=UPLO)
    return RESULTS["eigh"](w, v)


@numpy_function(LA.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    x = matrix(a)
    return results_of(LA.eigvalsh, [x], [(real_dtype(x.dtype), x.dims[:-1])], UPLO=UPLO)[0]


def finite_matrix(a: Any) -> Array:
    """A square matrix, checked for what LAPACK's eigenvalues are not made for."""
    x = matrix(a)
    check(value(NUMPY[np.all](ufuncs.apply(np.isfinite, [x]))), LinAlgError,
          "Array must not contain infs or NaNs")
    return x


def real_or_complex(w: Array, parts: Sequence[Array], dtype: np.dtype, name: str) -> list[Either]:
    """Results for a real matrix of `dtype`: real if all of its eigenvalues `w` are."""
    flag = reduce_all(op("eq", op("imag", w.value()), Lit(0.0)))
    reason = TypeInstabilityError(
        f"the type of what numpy.linalg.{name} gives depends on the values of its arguments",
        here(), "return it, or use a function whose result has one type")
    return [Either(reason, Scalar(flag, PYTHON), fresh(convert(op("real", x.value()), dtype)),
                   fresh(convert(x.value(), complex_dtype(dtype)))) for x in parts]


@numpy_function(LA.eig)
def eig(a: Any) -> Any:
    x = finite_matrix(a)
    if x.dtype.kind == "c":
        w, v = results_of(LA.eig, [x], [(x.dtype, x.dims[:-1]), (x.dtype, x.dims)])
        return RESULTS["eig"](w, v)
    parts = results_of(callbacks.complex_eigenvectors, [converted(x, F64)],
                       [(C128, x.dims[:-1]), (C128, x.dims)])
    return RESULTS["eig"](*real_or_complex(parts[0], parts, x.dtype, "eig"))


@numpy_function(LA.eigvals)
def eigvals(a: Any) -> Any:
    x = finite_matrix(a)
    if x.dtype.kind == "c":
        return results_of(LA.eigvals, [x], [(x.dtype, x.dims[:-1])])[0]
    w, = results_of(callbacks.complex_eigenvalues, [converted(x, F64)], [(C128, x.dims[:-1])])
    return real_or_complex(w, [w], x.dtype, "eigvals")[0]


@numpy_function(LA.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if tol is not None or rtol is not None or hermitian:
        raise unsupported("np.linalg.matrix_rank with a tolerance", "count singular values")
    a = as_array(A)
    if a.ndim < 2:
        some = op("not", value(NUMPY[np.all](ufuncs.apply(np.equal, [a, 0]))))
        return Scalar(convert(some, I64), PYTHON)
    s = as_array(svd(a, compute_uv=False))
    larger = as_int(dm.maximum(*a.dims[-2:]))
    limit = ufuncs.apply(np.multiply, [ufuncs.apply(np.multiply, [
        NUMPY[np.max](s, axis=-1, keepdims=True, initial=0), larger]), np.finfo(s.dtype).eps])
    return NUMPY[np.count_nonzero](ufuncs.apply(np.greater, [s, limit]), axis=-1)


@numpy_function(LA.cond)
def cond(x: Any, p: Any = None) -> Any:
    """By the singular values; 0 / 0 is infinite, unless there are NaNs in the matrix."""
    if p is not None and not (isinstance(p, int) and p in (2, -2)):
        raise unsupported("np.linalg.cond in this norm")
    a = as_array(x)
    for d in a.dims[-2:]:
        dm.require("gt", d, 0, LinAlgError, "cond is not defined on empty arrays")
    s = svd(a, compute_uv=False)
    ends = [s[..., 0], s[..., -1]]
    with np.errstate(all="ignore"):
        ratio = ufuncs.apply(np.divide, ends[::-1] if p == -2 else ends)
    unknown = NUMPY[np.any](ufuncs.apply(np.isnan, [a]), axis=(-2, -1))
    infinite = ufuncs.apply(np.greater, [ufuncs.apply(np.isnan, [ratio]), unknown])
    return scalar_of(NUMPY[np.where](infinite, np.inf, ratio))


RAISING.update((LA.solve, LA.inv, LA.pinv, LA.cholesky, LA.svd, callbacks.singular_values, LA.eigh,
                LA.eigvalsh, LA.eig, LA.eigvals, callbacks.complex_eigenvectors,
                callbacks.complex_eigenvalues))
SINGULAR, _, NO_VALUES, NO_SVD = LINALG
NOT_DEFINITE = LinAlgError, "Matrix is not positive definite"
FAILURES.update({function: (failure,) for failure, functions in (
    (SINGULAR, (LA.solve, LA.inv)), (NOT_DEFINITE, (LA.cholesky,)),
    (NO_SVD, (LA.pinv, LA.svd, callbacks.singular_values)),
    (NO_VALUES, (LA.eigh, LA.eigvalsh, LA.eig, LA.eigvals, callbacks.complex_eigenvectors,
                 callbacks.complex_eigenvalues))) for function in functions})
VIA_NUMPY.update((LA.solve, LA.inv, LA.pinv, LA.det, LA.slogdet, LA.cholesky, LA.qr, LA.svd,
                  LA.eigh, LA.eigvalsh, LA.eig, LA.eigvals))


RESULTS = {name: type(getattr(LA, name)(np.eye(1)))
           for name in ("slogdet", "qr", "svd", "eigh", "eig")}
"""NumPy's named tuples of results."""


# ---- norms

@numpy_function(LA.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    a = as_array(x)
    a = a if a.dtype.kind in "fc" else converted(a, F64)
    if axis is None and (ord is None or a.ndim == 1 and ord == 2 or (
            a.ndim == 2 and ord in ("f", "fro"))):
        result = ufuncs.apply(np.sqrt, [sum_of_squares(ravel(a), 0)])
        if keepdims:
            return reshape_to(as_array(result), (1,) * a.ndim)
        return result
    axes = tuple(range(a.ndim)) if axis is None else tuple(
        axis_of(k, a.ndim) for k in (axis if isinstance(axis, tuple) else (axis,)))
    if len(axes) == 1:
        return vector_norm_along(a, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) == 2:
        return matrix_norm_along(a, "fro" if ord is None else ord, axes, keepdims)
    fail(ValueError, "Improper number of dimensions to norm.")


def sum_of_squares(a: Array, axis: Any, keepdims: bool = False) -> Any:
    atom = a.value()
    if a.dtype.kind == "c":
        re, im = op("real", atom), op("imag", atom)
        squares: Atom = op("add", op("mul", re, re), op("mul", im, im))
    else:
        squares = op("mul", atom, atom)
    return total(fresh(squares), axis=axis, keepdims=keepdims)


def _empty_is_zero() -> bool:
    try:
        return bool(LA.norm(np.zeros(0), np.inf) == 0)
    except ValueError:
        return False


EMPTY_IS_ZERO = _empty_is_zero()


def largest(x: Any, **options: Any) -> Any:
    """The maximum in a norm: newer versions of NumPy give 0 if there are no elements."""
    if EMPTY_IS_ZERO:
        options["initial"] = 0
    return NUMPY[np.max](x, **options)


def vector_norm_along(a: Array, order: Any, axis: Any, keepdims: bool) -> Any:
    order = static(order, "the order of a norm")
    if order == 2:
        return ufuncs.apply(np.sqrt, [sum_of_squares(a, axis, keepdims)])
    size = ufuncs.apply(np.absolute, [a])
    if order == np.inf:
        return largest(size, axis=axis, keepdims=keepdims)
    if order == -np.inf:
        return NUMPY[np.min](size, axis=axis, keepdims=keepdims)
    if order == 0:
        there = ufuncs.apply(np.not_equal, [a, 0])
        return total(converted(there, real_dtype(a.dtype)), axis=axis, keepdims=keepdims)
    if order == 1:
        return total(size, axis=axis, keepdims=keepdims)
    if isinstance(order, str):
        fail(ValueError, f"Invalid norm order '{order}' for vectors")
    powers = total(ufuncs.apply(np.power, [size, order]), axis=axis, keepdims=keepdims)
    return ufuncs.apply(np.power, [powers, 1 / order])


def matrix_norm_along(a: Array, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    rows, columns = axes
    if rows == columns:
        fail(ValueError, "Duplicate axes given.")
    if order in ("fro", "f"):
        return ufuncs.apply(np.sqrt, [sum_of_squares(a, axes, keepdims)])
    if order in (1, -1, np.inf, -np.inf):
        inner, outer = (rows, columns) if abs(order) == 1 else (columns, rows)
        sums = total(ufuncs.apply(np.absolute, [a]), axis=inner)
        rest = outer - (outer > inner)
        result = (largest if order > 0 else NUMPY[np.min])(sums, axis=rest)
    elif order in (2, -2, "nuc"):
        values = svd(permuted(a, [*(k for k in range(a.ndim) if k not in axes), rows, columns]),
                     compute_uv=False)
        function = NUMPY[np.sum if order == "nuc" else np.min]
        result = (largest if order == 2 else function)(values, axis=-1)
    else:
        fail(ValueError, "Invalid norm order for matrices.")
    if keepdims:
        return reshape_to(as_array(result), tuple(1 if k in axes else d
                                                  for k, d in enumerate(a.dims)))
    return result


if hasattr(LA, "vector_norm"):
    @numpy_function(LA.vector_norm)
    def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
        a = as_array(x)
        a = a if a.dtype.kind in "fc" else converted(a, F64)
        if axis is None:
            result = vector_norm_along(ravel(a), ord, 0, False)
            return reshape_to(as_array(result), (1,) * a.ndim) if keepdims else result
        return vector_norm_along(a, ord, axis, keepdims)

    @numpy_function(LA.matrix_norm)
    def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
        return norm(x, ord, (-2, -1), keepdims)

    numpy_function(LA.vecdot)(vecdot)
