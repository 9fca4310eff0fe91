"""Reductions and scans: sum, mean, var, max, any, argmax, cumsum and the nan* family.

    np.mean(x, axis=0)      # reduce_sum[axes=(0,)] in f64, divided by the dimension

dtypes follow NumPy (small ints sum in 64 bits, the mean of ints is a double), `where=` is a select
with the neutral value, `keepdims` a reshape. An empty maximum is NumPy's ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import numpy_in_python as plain
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import cause, check, fail, quiet, unsupported
from hotloop.frontend.calls import function as traced
from hotloop.frontend.numpy_arrays import (
    as_array,
    as_dtype,
    axes_of,
    axis_of,
    converted,
    delivered,
    settled,
    static_bool,
)
from hotloop.frontend.numpy_atoms import (
    atom_of,
    both,
    constant,
    either,
    op,
    real_dtype,
    reduce,
    select,
)
from hotloop.frontend.numpy_callback import through_numpy
from hotloop.frontend.numpy_elementwise import truth
from hotloop.frontend.numpy_shape import moveaxis
from hotloop.frontend.registry import NUMPY, UFUNC_METHODS, UFUNCS, method, numpy_function
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Scalar,
    Tracer,
    as_int,
    broadcast,
    convert,
    dtype_of,
    fit,
    fresh,
    iota,
    is_python_number,
    keep_order,
    lift,
    reshaped,
    stored,
    value,
    wrap,
)
from hotloop.frontend.views import Index
from hotloop.ir.core import Atom, Dim, Lit
from hotloop.ir.types import BOOL, F64, I64
from hotloop.ops import callbacks
from hotloop.ops.table import INVALID

NO_VALUE = getattr(np, "_NoValue")  # noqa: B009


def given(x: Any) -> bool:
    return x is not None and x is not NO_VALUE


def kept(result: Atom, dims: tuple[Dim, ...], axes: Sequence[int]) -> Atom:
    """`result` with the reduced axes back, as size 1."""
    return reshaped(result, tuple(1 if k in axes else d for k, d in enumerate(dims)))


def sum_dtype(dtype: np.dtype, wanted: Any = None) -> np.dtype:
    """What np.sum accumulates in: small ints and bools in 64 bits."""
    if given(wanted):
        return as_dtype(wanted)
    if dtype.kind in "bi":
        return I64
    return np.dtype(np.uint64) if dtype.kind == "u" else dtype


def count_of(dims: Sequence[Dim], axes: Sequence[int]) -> Dim:
    return dm.product(tuple(dims[k] for k in axes))


def mask_of(where: Any, a: Array) -> Atom | None:
    """The mask of a `where=` argument in the shape of `a`; None for True."""
    if where is True or where is NO_VALUE:
        return None
    mask = as_array(where)
    if mask.dtype != BOOL:
        fail(TypeError, f"Cannot cast array data from {mask.dtype!r} to dtype('bool') according "
             "to the rule 'safe'")
    if mask.ndim > a.ndim:
        fail(ValueError, "input operand has more dimensions than allowed by the axis remapping")
    if not all(dm.equal(d, n) or dm.equal(d, 1)
               for d, n in zip(mask.dims[::-1], a.dims[::-1], strict=False)):
        raise unsupported("a where= of another shape than the array")       # an error of NumPy's
    return broadcast(mask.value(), a.dims)


def finish(result: Atom, a: Array, axes: Sequence[int], keepdims: Any, out: Any) -> Any:
    target = out[0] if isinstance(out, tuple) else out
    if target is not None and not np.can_cast(result.dtype, dtype_of(lift(target)), "same_kind"):
        raise unsupported("a reduction into an array of another kind")      # an error of NumPy's
    if keepdims is not NO_VALUE and static_bool(keepdims, "keepdims") and a.dims:
        made = keep_order(fresh(kept(result, a.dims, axes)), [a])
    else:
        made = wrap(result)
        if len(result.shape) > 1:
            made = keep_order(made, [a.view(dropped(a.dims, axes))])
    return delivered(made, out, "unsafe")


def dropped(dims: tuple[Dim, ...], axes: Sequence[int]) -> Index:
    """The step to the first of what is reduced."""
    codes = "".join("i" if k in axes else ":" for k in range(len(dims)))
    return Index(codes, [Lit(0)] * len(axes), tuple(d for k, d in enumerate(dims) if k not in axes))


def require_some(a: Array, axes: Sequence[int], message: str) -> None:
    """Reducing no elements to one is an error, even if there is no result either."""
    for k in axes:
        some = dm.compare("gt", a.dims[k], 0)
        if some is not True:
            check(Lit(some) if isinstance(some, bool) else some, ValueError, message)
            dm.assume(some, True)


# ---- sum, prod, min, max, any, all

def combine(name: str, atom: Atom, axes: Sequence[int], initial: Any, ufunc: np.ufunc) -> Atom:
    result = reduce(name, atom, tuple(axes))
    if given(initial):
        first = Scalar(stored(lift(initial), atom.dtype))
        result = value(ufuncs.apply(ufunc, [wrap(result), first]))
    return result


def reduced_axes(axis: Any, a: Array) -> tuple[int, ...]:
    """The axes that a ufunc's reduction runs over: a 0-d array has an axis 0 for it."""
    if not a.dims and not isinstance(axis, Tracer) and axis in (0, -1):
        return ()
    return axes_of(axis, a.ndim)


def _summing(name: str, ufunc: np.ufunc, neutral: int) -> Callable[..., Any]:
    def total(a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
              keepdims: Any = NO_VALUE, initial: Any = NO_VALUE, where: Any = True) -> Any:
        a = as_array(a)
        target = sum_dtype(a.dtype, dtype)
        mask = mask_of(where, a)
        axes = reduced_axes(axis, a)
        atom = convert(a.value(), target)
        if mask is not None:
            atom = select(mask, atom, constant(neutral, atom))
        if target == BOOL:
            name_ = "reduce_or" if neutral == 0 else "reduce_and"
            return finish(reduce(name_, atom, axes), a, axes, keepdims, out)
        return finish(combine(name, atom, axes, initial, ufunc), a, axes, keepdims, out)
    return total


total = numpy_function(np.sum)(method("sum")(_summing("reduce_sum", np.add, 0)))
product = numpy_function(np.prod)(method("prod")(_summing("reduce_prod", np.multiply, 1)))


def extreme_neutral(dtype: np.dtype, largest: bool) -> Lit:
    """The neutral value of max (the least) or min."""
    if dtype.kind == "b":
        return Lit(not largest)
    if dtype.kind == "f":
        return Lit(-np.inf if largest else np.inf, dtype)
    info = np.iinfo(dtype)
    return Lit(dtype.type(info.min if largest else info.max))


def _extreme(name: str, ufunc: np.ufunc, largest: bool) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE,
                initial: Any = NO_VALUE, where: Any = True) -> Any:
        a = as_array(a)
        if a.dtype.kind == "c":
            raise unsupported(f"np.{ufunc.__name__[:3]} of complex numbers",
                              "reduce real and imaginary parts, or absolute values")
        mask = mask_of(where, a)
        if mask is not None:
            if not given(initial):
                fail(ValueError, f"reduction operation '{ufunc.__name__}' does not have an "
                     "identity, so to use a where mask one has to specify 'initial'")
        axes = reduced_axes(axis, a)
        if not given(initial):
            require_some(a, axes, f"zero-size array to reduction operation {ufunc.__name__} which "
                         "has no identity")
        atom = a.value()
        if mask is not None:
            atom = select(mask, atom, extreme_neutral(a.dtype, largest))
        return finish(combine(name, atom, axes, initial, ufunc), a, axes, keepdims, out)
    return extreme


maximum = numpy_function(np.max, np.amax)(method("max")(
    _extreme("reduce_max", np.maximum, True)))
minimum = numpy_function(np.min, np.amin)(method("min")(
    _extreme("reduce_min", np.minimum, False)))


def _logical(name: str, neutral: bool) -> Callable[..., Any]:
    def test(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE, *,
             where: Any = True) -> Any:
        a = as_array(a)
        mask = mask_of(where, a)
        axes = reduced_axes(axis, a)
        atom = truth(a.value())
        if mask is not None:
            atom = select(mask, atom, Lit(neutral))
        return finish(reduce(name, atom, axes), a, axes, keepdims, out)
    return test


any_ = numpy_function(np.any)(method("any")(_logical("reduce_or", False)))
all_ = numpy_function(np.all)(method("all")(_logical("reduce_and", True)))


PYTHON_COUNT = type(np.count_nonzero(0)) is int
"""Before NumPy 2.3 the number of all is a Python int."""


@numpy_function(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    a = as_array(a)
    axes = reduced_axes(axis, a)
    count = reduce("reduce_sum", convert(truth(a.value()), I64), axes)
    if PYTHON_COUNT and axis is None and not keepdims:
        return Scalar(count, PYTHON)
    return finish(count, a, axes, keepdims, None)


@numpy_function(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Any:
    return delivered(ufuncs.apply(np.subtract, [maximum(a, axis, keepdims=keepdims),
                                                minimum(a, axis, keepdims=keepdims)]), out)


# ---- mean and variance

def divided(a: Any, count: Any) -> Any:
    """`a / count` in the dtype of `a`, count an integer atom."""
    atom = value(a)
    n = convert(count, real_dtype(atom.dtype))
    return op("div", atom, convert(n, atom.dtype))


def counted(a: Array, axes: Sequence[int], mask: Atom | None) -> Atom:
    """How many elements go into each result."""
    if mask is None:
        return atom_of(count_of(a.dims, axes))
    return reduce("reduce_sum", convert(mask, I64), tuple(axes))


@numpy_function(np.mean)
@method("mean")
def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NO_VALUE,
         *, where: Any = True) -> Any:
    a = as_array(a)
    target = as_dtype(dtype) if given(dtype) else (
        F64 if a.dtype.kind in "biu" else np.dtype(np.float32) if a.dtype == np.float16
        else a.dtype)
    mask = mask_of(where, a)
    axes = axes_of(axis, a.ndim)
    atom = convert(a.value(), target)
    if mask is not None:
        atom = select(mask, atom, constant(0, atom))
    count = counted(a, axes, mask)
    summed = reduce("reduce_sum", atom, axes)
    if target.kind in "iu":
        result = op("div", convert(summed, F64), convert(count, F64))
        result = convert(result, target)
    else:
        result = divided(summed, count)
    if a.dtype == np.float16 and not given(dtype):
        result = convert(result, a.dtype)
    return finish(result, a, axes, keepdims, out)


def variance(a: Array, axes: tuple[int, ...], dtype: Any, ddof: Any, mask: Atom | None,
             around: Any) -> Atom:
    """Two passes, as NumPy: the mean, then the mean of squared deviations."""
    work = as_dtype(dtype) if given(dtype) else F64 if a.dtype.kind in "biu" else a.dtype
    if work.kind not in "fc":
        raise unsupported("a variance in integers")
    atom = convert(a.value(), work)
    count = counted(a, axes, mask)
    if given(around):
        center = broadcast(convert(as_array(around).value(), work), a.dims)
    else:
        summand = atom if mask is None else select(mask, atom, constant(0, atom))
        average = divided(reduce("reduce_sum", summand, axes), count)
        center = broadcast(kept(average, a.dims, axes), a.dims) if a.dims else average
    wide = np.result_type(a.dtype, work)        # `dtype` is that of the sums only
    deviation = op("sub", convert(a.value(), wide), convert(center, wide))
    if wide.kind == "c":
        re, im = op("real", deviation), op("imag", deviation)
        square = op("add", op("mul", re, re), op("mul", im, im))
    else:
        square = op("mul", deviation, deviation)
    square = convert(square, work if work.kind == "f" else np.finfo(work).dtype)
    if mask is not None:
        square = select(mask, square, constant(0, square))
    summed = reduce("reduce_sum", square, axes)
    ddof = settled(lift(ddof))
    number = convert(count, summed.dtype)
    less = op("sub", number, fit(ddof, summed.dtype))
    less = op("maximum", less, constant(0, less))
    if given(dtype) and work.kind == "c":        # asked for, NumPy divides as complex numbers
        summed, less = convert(summed, work), convert(less, work)
    return op("div", summed, less)


def _deviation(root: bool) -> Callable[..., Any]:
    def spread(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
               keepdims: Any = NO_VALUE, *, where: Any = True, mean: Any = NO_VALUE,
               correction: Any = NO_VALUE) -> Any:
        a = as_array(a)
        if given(correction):
            if not isinstance(ddof, int) or ddof != 0:
                fail(ValueError, "ddof and correction can't be provided simultaneously.")
            ddof = correction
        mask = mask_of(where, a)
        axes = axes_of(axis, a.ndim)
        result = variance(a, axes, dtype, ddof, mask, mean)
        return finish(op("sqrt", result) if root else result, a, axes, keepdims, out)
    return spread


var = numpy_function(np.var)(_deviation(False))
std = numpy_function(np.std)(_deviation(True))


def _spread_method(function: Callable[..., Any]) -> Callable[..., Any]:
    def spread(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
               keepdims: Any = False, *, where: Any = True, mean: Any = None) -> Any:
        return function(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean)
    return spread


method("var")(_spread_method(var))
method("std")(_spread_method(std))


@numpy_function(np.average)
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *,
            keepdims: Any = NO_VALUE) -> Any:
    a = as_array(a)
    axes = axes_of(axis, a.ndim)
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        if isinstance(result, Array):
            dm.require("gt", dm.product(result.dims), 0, ZeroDivisionError, "division by zero")
        scale: Any = ufuncs.apply(np.multiply, [ufuncs.apply(np.positive, [result]) * 0 + 1,
                                                as_int(count_of(a.dims, axes))])
        return (result, scale) if returned else result
    w = as_array(weights)
    target = np.result_type(a.dtype, w.dtype, F64) if a.dtype.kind in "biu" else np.result_type(
        a.dtype, w.dtype)
    if w.ndim != a.ndim:
        if axis is None:
            fail(TypeError, "Axis must be specified when shapes of a and weights differ.")
        if w.ndim != len(axes):
            fail(ValueError, "Shape of weights must be consistent with shape of a along specified "
                 "axis.")
        for k, d in zip(axes, w.dims, strict=True):
            dm.require_equal(a.dims[k], d, "Shape of weights must be consistent with shape of a "
                             "along specified axis.")
        w = NUMPY[np.transpose](w, sorted(range(len(axes)), key=axes.__getitem__))
        w = w[tuple(slice(None) if k in axes else None for k in range(a.ndim))]
    else:
        for p, q in zip(a.dims, w.dims, strict=True):
            if axis is None:
                dm.require_equal(p, q, "Axis must be specified when shapes of a and weights "
                                 "differ.", exception=TypeError)
            else:
                dm.require_equal(p, q, "Shape of weights must be consistent with shape of a along "
                                 "specified axis.")
    scale = total(w, axis=axes if w.ndim == a.ndim and w.dims else None, dtype=target,
                  keepdims=keepdims)
    zero_free = all_(ufuncs.apply(np.not_equal, [scale, 0]))
    check(value(zero_free), ZeroDivisionError, "Weights sum to zero, can't be normalized")
    weighted = ufuncs.apply(np.multiply, [converted(a, target), converted(w, target)])
    result = ufuncs.apply(np.divide, [total(weighted, axis=axes, keepdims=keepdims), scale])
    if not returned:
        return result
    return result, ufuncs.apply(np.multiply, [scale, ufuncs.apply(np.equal, [result, result]) | 1])


# ---- position of the extreme

def position_of(a: Array, axis: int, largest: bool) -> Atom:
    """The first place of the extreme along an axis; the first NaN wins."""
    atom = a.value()
    name = "reduce_max" if largest else "reduce_min"
    best = broadcast(kept(reduce(name, atom, (axis,)), a.dims, (axis,)), a.dims)
    hit = op("eq", atom, best)
    if a.dtype.kind == "f":
        hit = either(hit, op("isnan", atom))
        nan = op("isnan", best)
        hit = both(hit, either(op("eq", op("isnan", atom), nan), op("not", nan)))
    n = a.dims[axis]
    place = iota(n)
    if a.ndim > 1:
        place = broadcast(reshaped(place, tuple(n if k == axis else 1 for k in range(a.ndim))),
                          a.dims)
    return reduce("reduce_min", select(hit, place, Lit(np.iinfo(I64).max, I64)), (axis,))


def _position(name: str, largest: bool) -> Callable[..., Any]:
    def position(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
        a = as_array(a)
        if a.dtype.kind == "c":
            raise unsupported(f"np.{name} of complex numbers", "use their absolute values")
        whole = a
        if axis is None or not a.dims and axis in (0, -1):
            a, k = as_array(NUMPY[np.ravel](a)), 0
        else:
            k = axis_of(axis, a.ndim)
        if out is not None and dtype_of(lift(out)) != I64:
            raise unsupported(f"np.{name} into an array of another dtype")
        if not whole.dims:
            keepdims = NO_VALUE                  # a number all the same
        require_some(a, (k,), f"attempt to get {name} of an empty sequence")
        result = position_of(a, k, largest)
        if axis is None and keepdims is not NO_VALUE and keepdims:
            return delivered(fresh(reshaped(result, (1,) * whole.ndim)), out)
        return finish(result, a, (k,), keepdims, out)
    return position


argmax = numpy_function(np.argmax)(method("argmax")(_position("argmax", True)))
argmin = numpy_function(np.argmin)(method("argmin")(_position("argmin", False)))


# ---- scans

def _scan(name: str) -> Callable[..., Any]:
    def scan(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        a = as_array(a)
        target = sum_dtype(a.dtype, dtype)
        if axis is None or not a.dims:
            a = as_array(NUMPY[np.ravel](a))
        k = axis_of(axis or 0, a.ndim)
        made = keep_order(fresh(op(name, convert(a.value(), target), axis=k)), [a])
        return delivered(made, out, "unsafe")
    return scan


cumsum = numpy_function(np.cumsum)(method("cumsum")(_scan("cumsum")))
cumprod = numpy_function(np.cumprod)(method("cumprod")(_scan("cumprod")))


def _cumulative(scan: Callable[..., Any], start: int) -> Callable[..., Any]:
    def cumulative(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None,
                   include_initial: bool = False) -> Any:
        a = as_array(x)
        if a.ndim > 1 and axis is None:
            fail(ValueError, "For arrays which have more than one dimension ``axis`` argument is "
                 "required.")
        if not a.dims:                           # one element, as NumPy sees it
            a = as_array(NUMPY[np.ravel](a))
        result = scan(a, 0 if axis is None else axis, dtype)
        if include_initial:
            k = axis_of(0 if axis is None else axis, a.ndim)
            first = tuple(1 if j == k else as_int(d) for j, d in enumerate(result.dims))
            result = NUMPY[np.concatenate]([NUMPY[np.full](first, start, result.dtype), result], k)
        return delivered(result, out)
    return cumulative


cumulative_sum = numpy_function("cumulative_sum")(_cumulative(cumsum, 0))
cumulative_prod = numpy_function("cumulative_prod")(_cumulative(cumprod, 1))


# ---- ignoring NaN

def without_nan(a: Any, fill: float) -> tuple[Array, Any]:
    """The array with NaN replaced, and where it was (None: it has none)."""
    a = as_array(a)
    if a.dtype.kind not in "fc":
        return a, None
    nan = ufuncs.apply(np.isnan, [a])
    atom = a.value()
    return fresh(select(value(nan), constant(fill, atom), atom)), nan


def _nan_fill(function: Callable[..., Any], fill: float) -> Callable[..., Any]:
    def filled(a: Any, *args: Any, **kwargs: Any) -> Any:
        clean, _ = without_nan(a, fill)
        return function(clean, *args, **kwargs)
    return filled


nansum = numpy_function(np.nansum)(_nan_fill(total, 0))
nanprod = numpy_function(np.nanprod)(_nan_fill(product, 1))
nancumsum = numpy_function(np.nancumsum)(_nan_fill(cumsum, 0))
nancumprod = numpy_function(np.nancumprod)(_nan_fill(cumprod, 1))


def nan_where(none: Atom, x: Atom) -> Atom:
    """x, NaN where `none`: x + (-0 / 0), else x + (-0 / 1), so that the processor's flags tell of
    the NaN, of which NumPy warns."""
    cause(INVALID)
    with quiet():
        some = convert(op("not", none), x.dtype)
        return op("add", x, op("div", constant(-0.0, x), some))


def _nan_extreme(function: Callable[..., Any], fill: float) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE,
                initial: Any = NO_VALUE, where: Any = True) -> Any:
        clean, nan = without_nan(a, fill)
        result = function(clean, axis, None, keepdims, initial, where)
        if nan is not None and not given(initial):
            result = wrap(nan_where(value(all_(nan, axis, keepdims=keepdims)), value(result)))
        return delivered(result, out)
    return extreme


nanmax = numpy_function(np.nanmax)(_nan_extreme(maximum, -np.inf))
nanmin = numpy_function(np.nanmin)(_nan_extreme(minimum, np.inf))


def _nan_position(function: Callable[..., Any], fill: float) -> Callable[..., Any]:
    def position(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
        clean, nan = without_nan(a, fill)
        if nan is not None:
            check(op("not", value(any_(all_(nan, axis)))), ValueError,
                  "All-NaN slice encountered")
        return function(clean, axis, out, keepdims=keepdims)
    return position


nanargmax = numpy_function(np.nanargmax)(_nan_position(argmax, -np.inf))
nanargmin = numpy_function(np.nanargmin)(_nan_position(argmin, np.inf))


def _nan_masked(function: Callable[..., Any]) -> Callable[..., Any]:
    def masked(a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        a = as_array(a)
        reduced_axes(axis, a)
        if a.dtype.kind in "fc":
            dtype = kwargs.get("dtype", args[0] if args else None)
            if given(dtype) and as_dtype(dtype).kind not in "fc":
                raise unsupported("the mean of numbers but NaN, in integers")   # NumPy's error
            axis = None if not a.dims and not reduced_axes(axis, a) else axis
            there = ufuncs.apply(np.logical_not, [ufuncs.apply(np.isnan, [a])])
            if kwargs.get("where", True) is not True:
                there = ufuncs.apply(np.logical_and, [there, kwargs["where"]])
            kwargs["where"] = there
        return function(a, axis, *args, **kwargs)
    return masked


nanmean = numpy_function(np.nanmean)(_nan_masked(mean))


def _nan_deviation(root: bool) -> Callable[..., Any]:
    spread = _nan_masked(_deviation(root))

    def nan_spread(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
                   keepdims: Any = NO_VALUE, **kwargs: Any) -> Any:
        """NaN where there are not more numbers than `ddof`."""
        a = as_array(a)
        result = spread(a, axis, dtype, None, ddof, keepdims, **kwargs)
        if a.dtype.kind in "fc":
            there = ufuncs.apply(np.logical_not, [ufuncs.apply(np.isnan, [a])])
            count = total(there, axis, keepdims=keepdims)
            few = ufuncs.apply(np.less_equal, [count, ddof])
            atom = value(result)
            result = wrap(select(value(few), constant(np.nan, atom), atom))
        return delivered(result, out)
    return nan_spread


nanvar = numpy_function(np.nanvar)(_nan_deviation(False))
nanstd = numpy_function(np.nanstd)(_nan_deviation(True))


# ---- methods of ufuncs

REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.logical_and: lambda a, **k: all_(a, **without(k, "dtype", "initial")),
    np.logical_or: lambda a, **k: any_(a, **without(k, "dtype", "initial")),
    np.add: total, np.multiply: product,
    np.maximum: lambda a, **k: maximum(a, **without(k, "dtype")),
    np.minimum: lambda a, **k: minimum(a, **without(k, "dtype")),
    np.bitwise_and: lambda a, **k: bitwise("reduce_and", a, **k),
    np.bitwise_or: lambda a, **k: bitwise("reduce_or", a, **k),
    np.fmax: lambda a, **k: nanmax(a, **without(k, "dtype")),
    np.fmin: lambda a, **k: nanmin(a, **without(k, "dtype")),
}


def without(options: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        if given(options.pop(name, None)):
            raise unsupported(f"{name}= in this reduction")
    return options


def bitwise(name: str, a: Any, axis: Any = 0, keepdims: Any = NO_VALUE, out: Any = None,
            **rest: Any) -> Any:
    without(rest, "dtype", "initial")
    a = as_array(a)
    if a.dtype.kind not in "biu":
        fail(TypeError, f"ufunc '{name.replace('reduce', 'bitwise')}' not supported for the input "
             "types")
    axes = reduced_axes(axis, a)
    return finish(reduce(name, a.value(), axes), a, axes, keepdims, out)


def ufunc_reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None,
                 keepdims: Any = False, initial: Any = NO_VALUE, where: Any = True) -> Any:
    function = REDUCTIONS.get(ufunc)
    if function is None:
        if given(dtype) or given(initial) or where is not True or ufunc.nin != 2:
            raise unsupported(f"np.{ufunc.__name__}.reduce with dtype=, initial= or where=")
        return reduce_by_numpy(ufunc, as_array(array), axis, out, keepdims)
    options = {"axis": axis, "dtype": dtype, "out": out, "keepdims": keepdims, "initial": initial}
    if where is not True:
        options["where"] = where
    return function(array, **options)


def reduce_by_numpy(ufunc: np.ufunc, a: Array, axis: Any, out: Any, keepdims: Any) -> Any:
    axes = reduced_axes(axis, a)
    if not axes:
        raise unsupported(f"np.{ufunc.__name__}.reduce over no axis")
    dtype = ufunc.reduce(np.ones(1, a.dtype)).dtype
    if ufunc.identity is None:
        require_some(a, axes, f"zero-size array to reduction operation {ufunc.__name__} which has "
                     "no identity")
    dims = tuple(d for k, d in enumerate(a.dims) if k not in axes)
    result, = through_numpy(callbacks.ufunc_reduce, [a.value()], [(dtype, dims)],
                            ufunc=ufunc.__name__, axis=axes if len(axes) > 1 else axes[0])
    return finish(result, a, axes, keepdims, out)


def ufunc_accumulate(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None,
                     out: Any = None) -> Any:
    scans: dict[np.ufunc, Callable[..., Any]] = {np.add: cumsum, np.multiply: cumprod}
    function = scans.get(ufunc)
    if not as_array(array).dims:
        fail(TypeError, "cannot accumulate on a scalar")
    if function is not None:
        return function(array, axis, dtype, out)
    if given(dtype) or ufunc.nin != 2:
        raise unsupported(f"np.{ufunc.__name__}.accumulate with dtype=")
    a = as_array(array)
    k = axis_of(axis, a.ndim)
    extremes: dict[np.ufunc, str] = {np.minimum: "cummin", np.maximum: "cummax"}
    native = extremes.get(ufunc)
    if native is not None and a.dtype.kind != "c":
        return delivered(fresh(op(native, a.value(), axis=k)), out)
    kind = ufunc.accumulate(np.ones(1, a.dtype)).dtype
    if a.dtype.kind == "f" and kind == a.dtype and ufunc in UFUNCS:
        rows = moveaxis(a, k, 0)
        return delivered(moveaxis(traced(plain.accumulate)(ufunc, rows), 0, k), out)
    result, = through_numpy(callbacks.ufunc_accumulate, [a.value()], [(kind, a.dims)],
                            ufunc=ufunc.__name__, axis=k)
    return delivered(fresh(result), out)


def ufunc_outer(ufunc: np.ufunc, a: Any, b: Any, out: Any = None, **options: Any) -> Any:
    a, b = (Scalar(value(x)) if is_python_number(x) else x
            for x in (settled(lift(a)), settled(lift(b))))
    if isinstance(a, Array) and isinstance(b, Array):
        a = a[(Ellipsis, *(None,) * b.ndim)]
    if out is not None:
        options["out"] = out
    return ufuncs.call(ufunc, a, b, **options)


UFUNC_METHODS["reduce"] = ufunc_reduce
UFUNC_METHODS["accumulate"] = ufunc_accumulate
UFUNC_METHODS["outer"] = ufunc_outer
