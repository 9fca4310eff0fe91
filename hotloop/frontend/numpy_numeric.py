"""Numerical functions along vectors: round, isclose, diff, gradient, interp, convolve, polynomials.

    np.gradient(x, h)[1:-1]      # (x[2:] - x[:-2]) / (2*h), in slices
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import emit, fail, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axes_of,
    axis_of,
    common_dtype,
    converted,
    delivered,
    settled,
    static_int,
    zeros_array,
)
from hotloop.frontend.numpy_atoms import atom_of, both, constant, op, select
from hotloop.frontend.numpy_callback import RAISING, VIA_NUMPY, through_numpy
from hotloop.frontend.numpy_join import concatenate, pad_constant
from hotloop.frontend.numpy_reduce import NO_VALUE, given, total
from hotloop.frontend.numpy_search import interpolated
from hotloop.frontend.numpy_select import where
from hotloop.frontend.numpy_shape import flip, ravel, reshape
from hotloop.frontend.registry import NUMPY, numpy_function
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    convert,
    dims_of,
    dtype_of,
    fit,
    fresh,
    iota,
    is_python_number,
    keep_order,
    lift,
    value,
    wrap,
)
from hotloop.frontend.truth import choose
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL, C128, F64, I64
from hotloop.ops import callbacks


def apply(ufunc: np.ufunc, *args: Any) -> Any:
    return ufuncs.apply(ufunc, args)


# ---- rounding and comparing

@numpy_function(np.round, np.around)
def round_(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    """By scaling, as NumPy: rint(x * 10**d) / 10**d."""
    x = settled(lift(a))
    places = static_int(decimals, "decimals of round")
    kind = dtype_of(x).kind
    if out is not None and not (isinstance(x, Array) and isinstance(out, Array)
                                and out.dtype == x.dtype and dm.same_dims(out.dims, x.dims)):
        raise unsupported("np.round into an array of another shape or dtype")
    if kind == "b" and places:
        raise unsupported("np.round of bools to decimals")      # an error of NumPy's
    if kind == "b":
        return delivered(wrap(convert(value(x), np.float16)), out)
    if kind in "iu" and places >= 0:
        return delivered(apply(np.positive, x), out)
    if kind in "iu":
        raise unsupported("np.round of integers to tens", "use arithmetic")
    atom = value(x)
    if kind == "c":
        parts = [rounded(op(name, atom), places) for name in ("real", "imag")]
        return delivered(keep_order(wrap(op("complex", *parts)), [x]), out)
    return delivered(keep_order(wrap(rounded(atom, places)), [x]), out)


def rounded(atom: Any, places: int) -> Any:
    if places == 0:
        return op("rint", atom)
    scale = constant(10.0 ** abs(places), atom)
    first, second = ("mul", "div") if places > 0 else ("div", "mul")
    return op(second, op("rint", op(first, atom, scale)), scale)


@numpy_function(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    return delivered(apply(np.trunc, x), out)


@numpy_function(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    x, y = settled(lift(a)), settled(lift(b))
    if is_python_number(y):
        y = Scalar(fit(y, F64), "python") if dtype_of(y).kind in "biu" else y
    elif dtype_of(y).kind in "biu":
        y = wrap(fit(y, np.result_type(dtype_of(y), F64)))
    tolerance = lift(atol) + lift(rtol) * abs(y)        # weak where all are Python's numbers
    near = apply(np.less_equal, apply(np.absolute, apply(np.subtract, x, y)), tolerance)
    result = apply(np.logical_or, apply(np.logical_and, near, apply(np.isfinite, y)),
                   apply(np.equal, x, y))
    if equal_nan:
        result = apply(np.logical_or, result, apply(np.logical_and, apply(np.isnan, x),
                                                    apply(np.isnan, y)))
    return result


@numpy_function(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08,
             equal_nan: bool = False) -> Any:
    return python_bool(NUMPY[np.all](isclose(a, b, rtol, atol, equal_nan)))


def python_bool(x: Any) -> Any:
    return Scalar(value(x), "python")


@numpy_function(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    return _equal_arrays(as_array(a1), as_array(a2), equal_nan)


@numpy_function(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    x, y = as_array(a1), as_array(a2)
    for d, e in zip(x.dims[::-1], y.dims[::-1], strict=False):
        if d != 1 and e != 1 and not dm.equal(d, e):
            raise unsupported("np.array_equiv of arrays whose shapes may differ")
    return python_bool(NUMPY[np.all](apply(np.equal, x, y)))


def _equal_arrays(x: Array, y: Array, equal_nan: bool = False) -> Any:
    """Are the shapes equal, and all elements? A Python bool."""
    if x.ndim != y.ndim:
        return False
    maybe = []
    for d, e in zip(x.dims, y.dims, strict=True):
        same = dm.equal(d, e) or dm.compare("eq", d, e)
        if same is False:
            return False
        if same is not True:
            maybe.append(same)

    def compared() -> Any:
        for same in maybe:
            dm.assume(same, True)
        equal = apply(np.equal, x, y)
        if equal_nan and x.dtype.kind in "fc" and y.dtype.kind in "fc":
            equal = apply(np.logical_or, equal, apply(np.logical_and, apply(np.isnan, x),
                                                      apply(np.isnan, y)))
        return python_bool(NUMPY[np.all](equal))
    if not maybe:
        return compared()
    alike = maybe[0]
    for same in maybe[1:]:
        alike = op("and", alike, same)
    return choose(Scalar(alike, "python"), compared, lambda: False)


@numpy_function(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None,
               neginf: Any = None) -> Any:
    a = settled(lift(x))
    dtype = dtype_of(a)
    if dtype.kind == "c":
        raise unsupported("np.nan_to_num of complex numbers", "treat both parts alone")
    if dtype.kind != "f":
        return as_result(a)
    info = np.finfo(dtype)
    atom = value(a)
    high = info.max if posinf is None else posinf
    low = info.min if neginf is None else neginf
    inf = constant(np.inf, atom)
    result = select(op("isnan", atom), fit(lift(nan), dtype), atom)
    result = select(op("eq", atom, inf), fit(lift(high), dtype), result)
    result = select(op("eq", atom, constant(-np.inf, atom)), fit(lift(low), dtype), result)
    if not copy and isinstance(a, Array):
        a.assign(result)
        return a
    return keep_order(wrap(result), [a])


def as_result(a: Any) -> Any:
    return fresh(a.value()) if isinstance(a, Array) else wrap(value(a))


@numpy_function(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    return delivered(apply(np.logical_and, apply(np.isinf, x),
                           apply(np.logical_not, apply(np.signbit, x))), out)


@numpy_function(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    return delivered(apply(np.logical_and, apply(np.isinf, x), apply(np.signbit, x)), out)


@numpy_function(np.real_if_close)
def real_if_close(a: Any, tol: Any = 100) -> Any:
    x = as_array(a)
    if x.dtype.kind != "c":
        return x
    raise unsupported("np.real_if_close: its dtype depends on the data", "take the real part")


@numpy_function(np.sinc)
def sinc(x: Any) -> Any:
    a = settled(lift(x))
    work = common_dtype([a, 1.0])
    atom = op("mul", fit(a, work), Lit(np.pi, work))
    zero = op("eq", atom, constant(0, atom))
    safe = select(zero, constant(1, atom), atom)
    return wrap(select(zero, constant(1, atom), op("div", op("sin", safe), safe)))



@numpy_function(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    a = as_array(p)
    k = axis_of(axis, a.ndim)
    if a.dtype.kind in "iu" and (a.dtype.kind == "u" or isinstance(period, int)):
        raise unsupported("np.unwrap of integers", "convert to float")
    a = converted(a, np.result_type(a.dtype, F64) if a.dtype.kind != "f" else a.dtype)
    steps = diff(a, axis=k)
    half = period / 2
    if discont is None:
        discont = half
    shifted = apply(np.subtract, apply(np.remainder, apply(np.add, steps, half), period), half)
    at_edge = apply(np.logical_and, apply(np.equal, shifted, -half),
                    apply(np.greater, steps, 0))
    shifted = where(at_edge, half, shifted)
    correction = apply(np.subtract, shifted, steps)
    small = apply(np.less, apply(np.absolute, steps), discont)
    correction = where(small, 0, correction)
    result = fresh(a.value())
    tail = (slice(None),) * k + (slice(1, None),)
    result[tail] = apply(np.add, a[tail], NUMPY[np.cumsum](correction, axis=k))
    return result


# ---- differences

@numpy_function(np.diff)
def diff(a: Any, n: Any = 1, axis: int = -1, prepend: Any = NO_VALUE,
         append: Any = NO_VALUE) -> Any:
    times = static_int(n, "the order of diff")
    x = as_array(a)
    if times == 0:
        return a
    if times < 0:
        fail(ValueError, f"order must be non-negative but got {times}")
    if not x.ndim:
        fail(ValueError, "diff requires input that is at least one dimensional")
    k = axis_of(axis, x.ndim)
    ends = []
    for end in (prepend, append):
        if given(end):
            e = as_array(end)
            if not e.ndim:
                shape = tuple(1 if j == k else as_int(d) for j, d in enumerate(x.dims))
                e = NUMPY[np.broadcast_to](e, shape)
            ends.append([e])
        else:
            ends.append([])
    if ends[0] or ends[1]:
        x = as_array(concatenate([*ends[0], x, *ends[1]], k))
    whole = (slice(None),) * k
    ufunc = np.not_equal if x.dtype == BOOL else np.subtract
    for _ in range(times):
        x = as_array(apply(ufunc, x[(*whole, slice(1, None))], x[(*whole, slice(None, -1))]))
    return x


@numpy_function(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Array:
    a = ravel(ary)
    steps = apply(np.subtract, a[1:], a[:-1])
    parts = [ravel(to_begin)] if to_begin is not None else []
    parts.append(steps)
    if to_end is not None:
        parts.append(ravel(to_end))
    return as_array(concatenate(parts, dtype=a.dtype)) if len(parts) > 1 else steps


@numpy_function(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    a = as_array(f)
    if a.dtype == BOOL:
        raise unsupported("np.gradient of bools")                   # an error of NumPy's
    axes = axes_of(axis, a.ndim)
    spacings: list[Any] = [settled(lift(h)) for h in varargs]
    if not spacings or len(spacings) == 1 and not dims_of(spacings[0]):
        spacings = (spacings or [1.0]) * len(axes)
    if len(spacings) != len(axes):
        fail(TypeError, "invalid number of arguments")
    for k, h in zip(axes, spacings, strict=True):
        if isinstance(h, Array) and h.dims:
            if h.dtype == BOOL:
                raise unsupported("np.gradient with bools as distances")    # an error of NumPy's
            if h.ndim != 1:
                fail(ValueError, "distances must be either scalars or 1d")
            dm.require_equal(h.dims[0], a.dims[k], "when 1d, distances must match the length of "
                             "the corresponding dimension")
            dm.require("gt", h.dims[0], 1, IndexError, "index 0 is out of bounds for axis 0 with "
                       "size 0")
    if edge_order > 2:
        fail(ValueError, "'edge_order' greater than 2 not supported")
    work = a if a.dtype.kind in "fc" else converted(a, F64)
    results = []
    for k, h in zip(axes, spacings, strict=True):
        dm.require("ge", a.dims[k], edge_order + 1, ValueError, "Shape of array too small to "
                   "calculate a numerical gradient, at least (edge_order + 1) elements are "
                   "required.")
        results.append(slope(work, h, k, edge_order))
    return results[0] if len(results) == 1 else tuple(results)


def slope(a: Array, h: Any, k: int, edge_order: int) -> Array:
    """Central differences inside, one-sided ones at the ends."""
    whole = (slice(None),) * k

    def part(lo: Any, hi: Any) -> Any:
        return a[(*whole, slice(lo, hi))]

    def at(i: int) -> Any:
        return a[(*whole, slice(i, i + 1 if i != -1 else None))]
    out = zeros_array(a.dims, a.dtype)
    uneven = isinstance(h, Array) and bool(h.dims)
    if uneven and h.dtype.kind in "biu":
        h = converted(h, F64)                      # differences of small integers would wrap
    if uneven:
        steps = diff(h)
        after = (None,) * (a.ndim - k - 1)
        left, right = (s[(slice(None), *after)] if after else s
                       for s in (steps[:-1], steps[1:]))
        c0 = -right / (left * (left + right))
        c1 = (right - left) / (left * right)
        c2 = left / (right * (left + right))
        inside = c0 * part(None, -2) + c1 * part(1, -1) + c2 * part(2, None)
        first, last = steps[0], steps[-1]
        if edge_order == 2:
            near, far = (steps[0], steps[1]), (steps[-2], steps[-1])
    else:
        inside = (part(2, None) - part(None, -2)) / (2.0 * h)
        first = last = h
    out[(*whole, slice(1, -1))] = inside
    begin, end = (*whole, slice(0, 1)), (*whole, slice(-1, None))
    if edge_order == 1:
        out[begin] = (at(1) - at(0)) / first
        out[end] = (at(-1) - at(-2)) / last
        return out
    if uneven:
        p, q = near
        out[begin] = (-(2 * p + q) / (p * (p + q))) * at(0) + ((p + q) / (p * q)) * at(1) + (
            -p / (q * (p + q))) * at(2)
        p, q = far
        out[end] = (q / (p * (p + q))) * at(-3) + (-(q + p) / (p * q)) * at(-2) + (
            (2 * q + p) / (q * (p + q))) * at(-1)
        return out
    out[begin] = (-1.5 / h) * at(0) + (2.0 / h) * at(1) + (-0.5 / h) * at(2)
    out[end] = (0.5 / h) * at(-3) + (-2.0 / h) * at(-2) + (1.5 / h) * at(-1)
    return out


@numpy_function(np.trapezoid, getattr(np, "trapz", np.trapezoid))
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    a = as_array(y)
    k = axis_of(axis, a.ndim)
    if x is None:
        d: Any = dx
    else:
        points = as_array(x)
        d = diff(points) if points.ndim == 1 else diff(points, axis=axis)
        if points.ndim == 1 and a.ndim > 1:
            d = d[(slice(None), *(None,) * (a.ndim - k - 1))]
    whole = (slice(None),) * k
    both = a[(*whole, slice(1, None))] + a[(*whole, slice(None, -1))]
    return total(apply(np.divide, apply(np.multiply, d, both), 2.0), axis=axis)


# ---- interpolation and convolution

@numpy_function(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None,
           period: Any = None) -> Any:
    if period is not None:
        raise unsupported("np.interp with a period", "reduce x modulo the period")
    at, points, values = settled(lift(x)), as_array(xp), as_array(fp)
    if dtype_of(at).kind == "c":
        fail(TypeError, "Cannot cast array data from dtype('complex128') to dtype('float64') "
             "according to the rule 'safe'")
    dm.require_equal(points.dims[0], values.dims[0], "fp and xp are not of the same length.")
    dm.require("gt", points.dims[0], 0, ValueError, "array of sample points is empty")
    kind = C128 if values.dtype.kind == "c" else F64
    ends = [fit(settled(lift(end)), kind) if end is not None else None for end in (left, right)]
    if not dims_of(at):
        return Scalar(interpolated(convert(value(at), F64), convert(points.value(), F64),
                                   convert(values.value(), kind), *ends))
    operands = [convert(value(at), F64), convert(points.value(), F64),
                convert(values.value(), kind), *[e for e in ends if e is not None]]
    function: Any = {(False, False): np.interp, (True, False): callbacks.interp_left,
                (False, True): callbacks.interp_right,
                (True, True): callbacks.interp_between}[left is not None, right is not None]
    result, = through_numpy(function, operands, [(kind, dims_of(at))])
    return wrap(result)


VIA_NUMPY.add(np.interp)


def slid(signal: Array, kernel: Array, padded: Any = 0) -> Any:
    """c[k] = sum over j of signal[k + j] * kernel[j], where the kernel lies inside the signal, of
    which as many elements at both ends as `padded` don't count."""
    n, m = signal.dims[0], kernel.dims[0]
    count = dm.at_least_zero(dm.plus(dm.minus(dm.form(n), dm.form(m)), dm.ONE))
    place = windows(count, m)
    parts = emit("get", [signal.value(), place], [(signal.dtype, (count, m))], codes="a")[0]
    products = value(apply(np.multiply, fresh(parts), kernel))
    if padded and signal.dtype.kind in "fc":        # 0 times an infinity would be NaN
        end = dm.dim(dm.minus(dm.form(n), dm.form(padded)))
        inside = both(op("ge", place, atom_of(padded)), op("lt", place, atom_of(end)))
        products = select(inside, products, constant(0, products))
    return total(fresh(products), axis=1, dtype=signal.dtype)


def windows(count: Any, m: Any) -> Atom:
    """The matrix of k + j."""
    dims = (count, m)
    row, column = (emit("broadcast", [iota(d), *dims], [(I64, dims)], axes=(k,))[0]
                   for k, d in enumerate(dims))
    return op("add", row, column)


@numpy_function(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Array:
    x, y = as_array(a), as_array(v)
    if x.ndim == 0:
        x = x[None]
    if y.ndim == 0:
        y = y[None]
    for part, name in ((x, "a"), (y, "v")):
        dm.require("gt", part.dims[0], 0, ValueError, f"{name} cannot be empty")
    return correlated(x, flip(y), mode)


@numpy_function(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    x, y = as_array(a), as_array(v)
    for part, name in ((x, "first"), (y, "second")):
        dm.require("gt", part.dims[0], 0, ValueError, f"{name} array argument cannot be empty")
    if y.dtype.kind == "c":
        y = apply(np.conjugate, y)
    return correlated(x, y, mode)


def correlated(x: Array, y: Array, mode: str) -> Array:
    """Products of the padded signal's windows with the kernel, summed."""
    if mode not in ("full", "same", "valid"):
        raise unsupported(f"the mode {mode!r}", "modes here: full, same, valid")
    common = np.result_type(x.dtype, y.dtype)
    x, y = converted(x, common), converted(y, common)
    n, m = x.dims[0], y.dims[0]
    before = dm.dim(dm.minus(dm.form(m), dm.ONE))
    wide = pad_constant(x, [(before, before)], 0)
    whole = slid(wide, y, 0 if mode == "valid" else before)
    if mode == "full":
        return whole
    small, large = dm.minimum(n, m), dm.maximum(n, m)
    start = dm.dim(dm.minus(dm.form(small), dm.ONE))
    if mode == "valid":
        length = dm.at_least_zero(dm.plus(dm.minus(dm.form(large), dm.form(small)), dm.ONE))
        first = as_int(start)
    else:
        length = large
        first = as_int(start) // 2
    return fresh(whole[first:first + as_int(length)].value())


# ---- polynomials

@numpy_function(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Horner's rule; written out if the coefficients' number is known."""
    coefficients = as_array(p)
    if coefficients.ndim != 1:
        raise unsupported("np.polyval of several polynomials")
    if not isinstance(x, Array):
        x = Scalar(value(x))                            # strong, as np.asarray makes it
    if not isinstance(coefficients.dims[0], int) or isinstance(p, Array):
        return polyval_loop(coefficients, settled(lift(x)))
    result: Any = apply(np.multiply, settled(lift(x)), 0)
    for c in [coefficients[k] for k in range(coefficients.dims[0])]:     # strong, too
        result = apply(np.add, apply(np.multiply, result, x), c)
    return result


def polyval_loop(p: Array, x: Any) -> Any:
    dtype = np.result_type(p.dtype, dtype_of(x)) if isinstance(x, Array) else common_dtype([p, x])
    result, = through_numpy(np.polyval, [convert(p.value(), dtype), fit(x, dtype)],
                            [(dtype, dims_of(x))])
    return wrap(result)


@numpy_function(np.polyder)
def polyder(p: Any, m: int = 1) -> Array:
    a = as_array(p)
    for _ in range(static_int(m, "the order of polyder")):
        n = a.dims[0]
        degree = flip(fresh(iota(dm.at_least_zero(dm.minus(dm.form(n), dm.ONE))))) + 1
        a = as_array(apply(np.multiply, a[:-1], degree))
    return a


@numpy_function(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Array:
    a = as_array(p)
    if static_int(m, "the order of polyint") != 1:
        raise unsupported("np.polyint of an order other than 1", "call it twice")
    degree = flip(fresh(iota(a.dims[0]))) + 1
    rest = as_array(0 if k is None else k)
    return as_array(concatenate([apply(np.divide, a, degree), reshape(rest, -1)]))


def _aligned(ufunc: np.ufunc) -> Callable[[Any, Any], Array]:
    def combine(a1: Any, a2: Any) -> Array:
        x, y = as_array(a1), as_array(a2)
        n = dm.maximum(x.dims[0], y.dims[0])
        padded = [pad_constant(v, [(dm.dim(dm.minus(dm.form(n), dm.form(v.dims[0]))), 0)], 0)
                  for v in (x, y)]
        return as_array(apply(ufunc, *padded))
    return combine


polyadd = numpy_function(np.polyadd)(_aligned(np.add))
polysub = numpy_function(np.polysub)(_aligned(np.subtract))


@numpy_function(np.polyfit)
def polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None,
            cov: bool = False) -> Array:
    degree = static_int(deg, "the degree of polyfit")
    if any(as_array(v).dtype.kind == "c" for v in (x, y)):
        raise unsupported("np.polyfit of complex numbers")
    if full or cov or rcond is not None:
        raise unsupported("np.polyfit with full=, cov= or rcond=")
    points, values = converted(as_array(x), F64), converted(as_array(y), F64)
    dm.require_equal(points.dims[0], values.dims[0], "expected x and y to have same length",
                     exception=TypeError)
    operands = [points.value(), values.value()]
    if w is not None:
        operands.append(converted(as_array(w), F64).value())
    result, = through_numpy(callbacks.polyfit, operands,
                            [(F64, (degree + 1, *values.dims[1:]))], degree=degree)
    return fresh(result)


VIA_NUMPY.add(np.polyfit)


RAISING.add(callbacks.polyfit)              # no points; a singular value that is not found
