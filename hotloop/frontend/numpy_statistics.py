"""Order statistics, covariance, histograms: median, quantile, cov, corrcoef, bincount, histogram.

    np.bincount(x)      # addat[codes="a"] of ones; as long as the maximum says
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, emit, fail, staging, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axes_of,
    common_dtype,
    converted,
    delivered,
    scalar_of,
    settled,
    zeros_array,
)
from hotloop.frontend.numpy_atoms import atom_of, op, reduce
from hotloop.frontend.numpy_callback import RAISING, VIA_NUMPY, through_numpy
from hotloop.frontend.numpy_create import linspace
from hotloop.frontend.numpy_products import matmul
from hotloop.frontend.numpy_reduce import (
    NO_VALUE,
    maximum,
    mean,
    minimum,
    total,
)
from hotloop.frontend.numpy_select import where
from hotloop.frontend.numpy_shape import permuted, ravel, reshape_to
from hotloop.frontend.registry import NUMPY, numpy_function
from hotloop.frontend.strides import never_one
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    broadcast,
    convert,
    dim_of,
    dtype_of,
    fit,
    fresh,
    is_python_number,
    lift,
    reshaped,
    value,
    wrap,
)
from hotloop.ir.core import Dim, Lit, Var
from hotloop.ir.types import BOOL, F64, I64
from hotloop.ops import callbacks


def apply(ufunc: np.ufunc, *args: Any) -> Any:
    return ufuncs.apply(ufunc, args)


# ---- median and quantiles

def on_one_axis(a: Any, axis: Any) -> tuple[Array, tuple[int, ...], Array]:
    """The array with the axes flattened into its last one: (that, the axes, the original)."""
    x = as_array(a)
    axes = axes_of(axis, x.ndim)
    rest = [k for k in range(x.ndim) if k not in axes]
    moved = permuted(x, [*rest, *sorted(axes)])
    dims = (*(x.dims[k] for k in rest), dm.product(tuple(x.dims[k] for k in sorted(axes))))
    return reshape_to(moved, dims), axes, x


def kept_dims(result: Any, x: Array, axes: tuple[int, ...], keepdims: Any, out: Any) -> Any:
    if keepdims is not NO_VALUE and keepdims:
        result = fresh(reshaped(value(result), tuple(
            1 if k in axes else d for k, d in enumerate(x.dims))))
    return delivered(result, out)


def _median(function: Callable[..., Any]) -> Callable[..., Any]:
    def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
               keepdims: Any = False) -> Any:
        if overwrite_input:
            raise unsupported("a median that overwrites its input")     # sorted by parts, as NumPy
        flat, axes, x = on_one_axis(a, axis)
        dtype = np.asarray(function(np.zeros(1, flat.dtype))).dtype
        result, = through_numpy(function, [flat.value()], [(dtype, flat.dims[:-1])], axis=-1)
        return kept_dims(wrap(result), x, axes, keepdims, out)
    return median


median = numpy_function(np.median)(_median(np.median))
nanmedian = numpy_function(np.nanmedian)(_median(np.nanmedian))


def _quantile(name: str) -> Callable[..., Any]:
    def quantile(a: Any, q: Any, axis: Any = None, out: Any = None,
                 overwrite_input: bool = False, method: str = "linear", keepdims: Any = False, *,
                 weights: Any = None) -> Any:
        if weights is not None or overwrite_input:
            raise unsupported(f"np.{name} with weights, or overwriting its input")
        flat, axes, x = on_one_axis(a, axis)
        weak = is_python_number(q)
        fractions = settled(lift(q))
        at = convert(value(fractions), F64) if weak else value(fractions)
        rank = len(at.shape) + (x.ndim if keepdims is not NO_VALUE and keepdims else flat.ndim - 1)
        if isinstance(out, Array) and out.ndim != rank:
            raise unsupported(f"np.{name} into an array of another rank")   # NumPy broadcasts
        if name.startswith("nan") and at.shape:
            dm.require("gt", dm.product(flat.dims), 0, UnsupportedError, f"np.{name} of an empty "
                       "array, whose result has another rank")
        with np.errstate(all="ignore"):
            dtype = np.asarray(callbacks.quantile(
                np.zeros(2, flat.dtype), at.dtype.type(0), name, weak, method)).dtype
        result, = through_numpy(callbacks.quantile, [flat.value(), at],
                                [(dtype, (*at.shape, *flat.dims[:-1]))], name=name, weak=weak,
                                method=method)
        if keepdims is not NO_VALUE and keepdims:
            dims = tuple(1 if k in axes else d for k, d in enumerate(x.dims))
            return delivered(fresh(reshaped(result, (*at.shape, *dims))), out)
        return delivered(wrap(result), out)
    return quantile


for _name in ("quantile", "percentile", "nanquantile", "nanpercentile"):
    numpy_function(getattr(np, _name))(_quantile(_name))
    VIA_NUMPY.add(getattr(np, _name))
VIA_NUMPY.update((np.median, np.nanmedian))
RAISING.update((callbacks.quantile, np.histogram))      # no fraction; edges that go back


# ---- covariance

@numpy_function(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
        fweights: Any = None, aweights: Any = None, *, dtype: Any = None) -> Any:
    if fweights is not None or aweights is not None:
        raise unsupported("np.cov with weights")
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise unsupported("np.cov in integers")
    x = as_array(m)
    parts = [x] if y is None else [x, as_array(y)]
    work = np.result_type(*[p.dtype for p in parts], F64) if dtype is None else np.dtype(dtype)
    x = variables(converted(x, work), rowvar)
    if work != F64 or y is not None:
        dm.require("gt", x.dims[0], 0, UnsupportedError, "np.cov of no variables, which are of "
                   "doubles whatever else is given")
    if y is not None:
        x = as_array(NUMPY[np.concatenate]([x, variables(
            converted(parts[1], work), rowvar, True)], 0))
    n = as_int(x.dims[1])
    if isinstance(ddof, float) and ddof != int(ddof):
        fail(ValueError, "ddof must be integer")
    freedom = (0 if bias else 1) if ddof is None else ddof
    average_ = mean(x, axis=1)
    centered = apply(np.subtract, x, as_array(average_)[:, None])
    other = apply(np.conjugate, centered.T) if work.kind == "c" else centered.T
    product = matmul(centered, other)
    fact = apply(np.maximum, n - freedom, 0)
    result = fresh(convert(value(apply(np.multiply, product, apply(np.true_divide, 1, fact))),
                           work))
    for d in result.dims:
        if not isinstance(d, int) and not never_one(d):
            raise staging("np.cov of variables that may become one", "index the row", d)
    if all(isinstance(d, int) and d == 1 for d in result.dims):
        return reshape_to(result, ())
    return result


def variables(x: Array, rowvar: bool, second: bool = False) -> Array:
    """One variable a row; the second array of variables may be a row at once."""
    if x.ndim > 2:
        fail(ValueError, "m has more than 2 dimensions")
    if x.ndim < 2:
        return x[None, :] if x.ndim else x[None, None]
    if second and not rowvar and x.dims[0] != 1 and not never_one(x.dims[0]):
        raise unsupported("np.cov of a second array that may have one row")
    return x if rowvar or second and x.dims[0] == 1 else x.T


@numpy_function(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.dims:
        return apply(np.divide, c, c)
    if c.dtype.kind == "c":
        raise unsupported("np.corrcoef of complex numbers")
    deviation = apply(np.sqrt, NUMPY[np.diag](c))
    c = apply(np.divide, apply(np.divide, c, deviation[:, None]), deviation[None, :])
    return NUMPY[np.clip](c, -1, 1)


# ---- counting

@numpy_function(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Array:
    a = as_array(x)
    if isinstance(x, list | tuple) and not x:
        a = converted(a, I64)
    if a.ndim != 1:
        fail(ValueError, "object too deep for desired array" if a.ndim else
             "object of too small depth for desired array")
    if a.dtype.kind not in "biu" or a.dtype == np.uint64:
        fail(TypeError, f"Cannot cast array data from {a.dtype!r} to dtype('int64') according to "
             "the rule 'safe'")
    at = convert(a.value(), I64)
    least = dim_of(settled(minlength))
    dm.require("ge", least, 0, ValueError, "'minlength' must not be negative")
    check(reduce("reduce_and", op("ge", at, Lit(0)), (0,)), ValueError,
          "'list' argument must have no negative elements")
    largest = reduce("reduce_max", at, (0,))
    # of an empty array the maximum is the least integer: one more stays below minlength
    length = op("maximum", op("add", largest, Lit(1)), atom_of(least))
    assert isinstance(length, Var)
    dm.bound(length, 0, dm.MAX_DIM)
    return counted(at, weights, length)


def counted(at: Any, weights: Any, length: Dim) -> Array:
    """How often (or with which weight) each of 0 ... length-1 stands in `at`."""
    kind = F64 if weights is not None else I64
    if weights is None:
        part = broadcast(Lit(1), at.shape)
    else:
        w = converted(as_array(weights), F64)
        dm.require_equal(w.dims[0], at.shape[0],
                         "The weights and list don't have the same length.")
        part = broadcast(w.value(), at.shape)
    target = zeros_array((length,), kind).value()
    return fresh(emit("addat", [target, part, at], [(kind, (length,))], codes="a")[0])


def outer_edges(a: Array, range_: Any) -> tuple[Any, Any]:
    """First and last edge, as NumPy: one half to each side if they are equal."""
    if range_ is not None:
        first, last = (settled(lift(e)) for e in range_)
        if is_python_number(first) and is_python_number(last):
            kind = common_dtype([first, last, a])           # they are weak
            if kind.kind == "f" and kind != F64:
                first, last = (wrap(fit(e, kind)) for e in (first, last))
    else:
        n = a.dims[0]
        first, last = minimum(a, initial=extreme(a.dtype, False)), maximum(
            a, initial=extreme(a.dtype, True))
        empty = dm.compare("eq", n, 0)
        if empty is not False:
            flag = Scalar(Lit(empty) if isinstance(empty, bool) else empty)
            first = scalar_of(where(flag, a.dtype.type(0), first))
            last = scalar_of(where(flag, a.dtype.type(1), last))
    for e in (first, last):
        check(value(apply(np.isfinite, e)), ValueError,
              "autodetected range of [{}, {}] is not finite" if range_ is None else
              "supplied range of [{}, {}] is not finite", value(first), value(last))
    check(value(apply(np.less_equal, first, last)), ValueError,
          "max must be larger than min in range parameter.")
    equal = apply(np.equal, first, last)
    if dtype_of(first).kind in "biu":
        first, last = (wrap(convert(value(e), F64)) for e in (first, last))
    return (scalar_of(where(equal, apply(np.subtract, first, 0.5), first)),
            scalar_of(where(equal, apply(np.add, last, 0.5), last)))


def extreme(dtype: np.dtype, least: bool) -> Any:
    if dtype.kind == "f":
        return dtype.type(-np.inf if least else np.inf)
    info = np.iinfo(dtype)
    return dtype.type(info.min if least else info.max)


@numpy_function(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None,
              weights: Any = None) -> Any:
    x = ravel(a)
    if x.dtype == BOOL:
        x = converted(x, np.uint8)
    number = scalar_of(bins) if not isinstance(bins, str) else None
    if number is None:
        raise unsupported("np.histogram with a rule for the bins", "give their number")
    if x.dtype.kind == "c" or weights is not None and as_array(weights).dtype.kind == "c":
        raise unsupported("np.histogram of complex numbers, or with complex weights")
    if isinstance(number, Array):
        counts, edges = histogram_between(x, number, weights)
    else:
        counts, edges = histogram_even(x, number, range, weights)
    if density:
        widths = converted(apply(np.subtract, edges[1:], edges[:-1]), F64)
        counts = apply(np.divide, apply(np.divide, counts, widths), total(counts))
    return counts, edges


def _sees_empty_bins() -> bool:
    try:
        np.histogram(np.array([1.0, np.nextafter(1.0, 2.0)]), 10)
    except ValueError:
        return True
    return False


SEES_EMPTY_BINS = _sees_empty_bins()
"""From NumPy 2.2 on."""


def histogram_even(a: Array, bins: Any, range_: Any, weights: Any) -> tuple[Array, Array]:
    """Bins of one width: a guess by division, moved by one where the edges say otherwise."""
    n = dim_of(bins)
    dm.require("ge", n, 1, ValueError, "`bins` must be positive, when an integer")
    first, last = outer_edges(a, range_)
    kind = common_dtype([first, last, a])
    if kind.kind in "iu":
        kind = np.result_type(kind, F64)
    edges = linspace(first, last, as_int(n) + 1, dtype=kind)
    if SEES_EMPTY_BINS:
        check(value(NUMPY[np.all](apply(np.less, edges[:-1], edges[1:]))), ValueError,
              "Too many bins for data range. Cannot create {} finite-sized bins.", atom_of(n))
    keep = apply(np.logical_and, apply(np.greater_equal, a, first), apply(np.less_equal, a, last))
    inside = where(keep, a, scalar_of(edges[0]) if a.dtype.kind == "f" else
                   wrap(convert(value(scalar_of(first)), a.dtype)))
    inside = converted(inside, kind)
    scale = apply(np.divide, apply(np.subtract, inside, first), apply(np.subtract, last, first))
    place = fresh(convert(value(apply(np.multiply, scale, as_int(n))), I64))
    place = NUMPY[np.clip](place, 0, as_int(n) - 1)
    place = apply(np.subtract, place, apply(np.less, inside, edges[place]))
    up = apply(np.logical_and, apply(np.greater_equal, inside, edges[place + 1]),
               apply(np.not_equal, place, as_int(n) - 1))
    place = apply(np.add, place, up)
    place = NUMPY[np.clip](place, 0, as_int(n) - 1)
    result_kind = I64
    w: Any = converted(keep, I64)
    if weights is not None:
        given = ravel(weights)
        dm.require_equal(given.dims[0], a.dims[0], "weights should have the same shape as a.")
        result_kind = given.dtype
        w = where(keep, given, given.dtype.type(0))
    target = zeros_array((n,), result_kind).value()
    counts = emit("addat", [target, broadcast(value(w), place.dims), place.value()],
                  [(result_kind, (n,))], codes="a")[0]
    return fresh(counts), edges


def histogram_between(a: Array, edges: Array, weights: Any) -> tuple[Array, Array]:
    """Given edges: by NumPy."""
    if edges.ndim != 1:
        fail(ValueError, "`bins` must be 1d, when an array")
    n = dm.dim(dm.minus(dm.form(edges.dims[0]), dm.ONE))
    if weights is not None:
        raise unsupported("np.histogram with edges and weights", "give the number of bins")
    counts, _ = through_numpy(np.histogram, [a.value(), edges.value()],
                              [(I64, (n,)), (edges.dtype, edges.dims)])
    return fresh(counts), edges


@numpy_function(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    return histogram(a, bins, range)[1]

