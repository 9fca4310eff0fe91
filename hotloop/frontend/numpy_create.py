"""Arrays from nothing: zeros, full, array, arange, linspace, eye, mgrid.

    np.zeros((n, 3), np.float32)      # broadcast of 0:f32 to n, 3
    np.arange(2, n)                   # iota of max(0, n - 2), plus 2

`np.empty` gives zeros: what is undefined in NumPy is defined here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, emit, fail, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    as_dtype,
    common_dtype,
    converted,
    filled,
    scalar_of,
    settled,
    static_int,
    zeros_array,
)
from hotloop.frontend.numpy_atoms import atom_of, op
from hotloop.frontend.numpy_shape import broadcast_to, expand_dims, reshape, view_or_copy
from hotloop.frontend.registry import CALLS, NUMPY, method, numpy_function
from hotloop.frontend.strides import is_contiguous
from hotloop.frontend.tracers import (
    LIFTED,
    Array,
    Scalar,
    Tracer,
    as_int,
    broadcast,
    convert,
    dim_of,
    dims_from,
    dtype_of,
    fit,
    fresh,
    full,
    iota,
    is_python_number,
    lift,
    stored,
    value,
    wrap,
    zero,
)
from hotloop.ir.core import Dim, Lit, Var
from hotloop.ir.types import C128, F64, I64

memory_order = lazy.module("hotloop.frontend.memory_order")


# ---- filled arrays

@numpy_function(np.zeros, np.empty)
def zeros(shape: Any, dtype: Any = float, order: str = "C", **like: Any) -> Array:
    return in_order(zeros_array(dims_from(settled(shape)), as_dtype(dtype)), order)


def in_order(made: Array, order: Any, like: Array | None = None) -> Array:
    """A new array as `order=` asks; `like`: what "A" and "K" refer to."""
    if order == "C" or made.ndim < 2 or order == "K" and like is None:
        return made
    return memory_order.ordered(made, memory_order.asked_order(order, made.ndim, like))


@numpy_function(np.ones)
def ones(shape: Any, dtype: Any = None, order: str = "C", **like: Any) -> Array:
    return in_order(filled(1, dims_from(settled(shape)), as_dtype(dtype)), order)


@numpy_function(np.full)
def full_(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **like: Any) -> Array:
    fill = lift(fill_value)
    dtype = dtype_of(fill) if dtype is None else as_dtype(dtype)
    return in_order(filled(weakly(fill, dtype), dims_from(settled(shape)), dtype), order)


def weakly(fill: Any, dtype: np.dtype) -> Any:
    """Arrays and complex numbers as astype converts them; other numbers must be of its range."""
    if isinstance(fill, Array):
        return converted(fill, dtype)
    return wrap(convert(value(fill), dtype)) if dtype_of(fill).kind == "c" else fill


def _like(fill: Any) -> Any:
    def like(a: Any, dtype: Any = None, order: str = "K", subok: bool = True,
             shape: Any = None, device: Any = None) -> Array:
        a = as_array(a)
        dims = a.dims if shape is None else dims_from(settled(shape))
        made = filled(fill, dims, a.dtype if dtype is None else as_dtype(dtype))
        return in_order(made, order, a if len(dims) == a.ndim else None)
    return like


zeros_like = numpy_function(np.zeros_like, np.empty_like)(_like(0))
ones_like = numpy_function(np.ones_like)(_like(1))


@numpy_function(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
              shape: Any = None, device: Any = None) -> Array:
    a = as_array(a)
    dtype = a.dtype if dtype is None else as_dtype(dtype)
    dims = a.dims if shape is None else dims_from(settled(shape))
    made = filled(weakly(lift(fill_value), dtype), dims, dtype)
    return in_order(made, order, a if len(dims) == a.ndim else None)


@numpy_function(np.ndarray)
def ndarray(shape: Any, dtype: Any = float, buffer: Any = None, **rest: Any) -> Array:
    if buffer is not None or rest:
        raise unsupported("np.ndarray with a buffer", "use np.empty, or a reshape of the array")
    return zeros(shape, dtype)


# ---- arrays from arrays

@numpy_function(np.array)
def array(object: Any, dtype: Any = None, *, copy: Any = True, order: str = "K",
          subok: bool = False, ndmin: int = 0, like: Any = None, ndmax: int = 0) -> Array:
    if ndmax:
        raise unsupported("np.array with ndmax")
    if type(object) in LIFTED:
        x = LIFTED[type(object)](object, dtype is not None)
    else:
        x = object if isinstance(object, list | tuple | range) else settled(lift(object))
    if isinstance(copy, str):
        fail(ValueError, "strings are not allowed for 'copy' keyword. Use True/False/None instead.")
    if isinstance(x, list | tuple | range):
        if copy is False:
            raise unsupported("an array of a list without a copy")      # an error of NumPy's
        made = in_order(from_nested(list(x), dtype), order)
    elif isinstance(x, Array):
        target = x.dtype if dtype is None else as_dtype(dtype)
        if copy is False and target != x.dtype:
            raise unsupported("a conversion without a copy")            # an error of NumPy's
        if copy or target != x.dtype:
            made = in_order(fresh(convert(x.value(), target)), order, x)
        else:
            made = arranged(x, order)
    else:
        if copy is False:
            raise unsupported("an array of a number without a copy")    # an error of NumPy's
        target = dtype_of(x) if dtype is None else as_dtype(dtype)
        made = filled(wrap(fit_item(x, target)) if is_python_number(x) else x, (), target)
    missing = static_int(ndmin, "ndmin") - made.ndim
    return expand_dims(made, tuple(range(missing))) if missing > 0 else made


def from_nested(items: Sequence[Any], dtype: Any) -> Array:
    """An array from a list of numbers, arrays and lists."""
    parts = [from_nested(list(x), dtype) if isinstance(x, list | tuple | range)
             else settled(lift(x)) for x in items]
    if not parts:
        return zeros_array((0,), F64 if dtype is None else as_dtype(dtype))
    target = np.result_type(*map(dtype_of, parts)) if dtype is None else as_dtype(dtype)
    ranks = {len(p.dims) if isinstance(p, Array) else 0 for p in parts}
    if len(ranks) > 1:
        fail(ValueError, "setting an array element with a sequence. The requested array has an "
             "inhomogeneous shape after 1 dimensions. The detected shape was "
             f"({len(parts)},) + inhomogeneous part.")
    inner = parts[0].dims if isinstance(parts[0], Array) else ()
    for p in parts[1:]:
        for d, e in zip(inner, p.dims if isinstance(p, Array) else (), strict=True):
            dm.require_equal(d, e, "setting an array element with a sequence. The requested array "
                             "has an inhomogeneous shape")
    return stacked([fit_item(p, target) for p in parts], inner, target)


def fit_item(x: Any, dtype: np.dtype) -> Any:
    """An element's atom in the array's dtype, with NumPy's errors for numbers."""
    return convert(x.value(), dtype) if isinstance(x, Array) else stored(x, dtype)


def stacked(atoms: Sequence[Any], inner: tuple[Dim, ...], dtype: np.dtype) -> Array:
    """Atoms of dimensions `inner` along a new first axis."""
    dims = (len(atoms), *inner)
    if all(isinstance(a, Lit) for a in atoms) and len(set(atoms)) == 1:
        return fresh(full(atoms[0], dims))
    result = full(zero(dtype), dims)
    codes = "i" + ":" * len(inner)
    for k, atom in enumerate(atoms):
        result, = emit("set", [result, broadcast(atom, inner), k], [(dtype, dims)], codes=codes)
    return fresh(result)


def arranged(a: Array, order: str) -> Array:
    """The array itself if it lies in that order, else a copy that does."""
    if order in "fF" and a.ndim > 1:
        back = a.T
        return a if is_contiguous(back) is True else arranged(back, "C").T
    if order in "cCfF" and a.ndim and is_contiguous(a) is not True:
        return view_or_copy(a, a.dims, is_contiguous)
    return a


def _contiguous(order: str) -> Any:
    def contiguous(a: Any, dtype: Any = None, *, like: Any = None) -> Array:
        """At least of rank 1."""
        result = asarray(a, dtype, order)
        return result if result.dims else result[None]
    return contiguous


numpy_function(np.ascontiguousarray)(_contiguous("C"))
numpy_function(np.asfortranarray)(_contiguous("F"))


@numpy_function(np.asarray, np.asanyarray)
def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, device: Any = None,
            like: Any = None) -> Array:
    return array(a, dtype, copy=copy, order=order or "K")


@numpy_function(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Array:
    wanted = {str(name).upper() for name in requirements or ()}
    known = {letter for letter, names in REQUIREMENTS.items() if wanted & names}
    if wanted - set().union(*REQUIREMENTS.values()):
        raise unsupported("np.require of these requirements")
    if known >= {"C", "F"}:
        fail(ValueError, 'Cannot specify both "C" and "F" order')
    made = asarray(a, dtype, "C" if "C" in known else "F" if "F" in known else "A")
    return copy_(made) if "W" in known and made.base.readonly else made


REQUIREMENTS = {"C": {"C", "C_CONTIGUOUS", "CONTIGUOUS"}, "F": {"F", "F_CONTIGUOUS", "FORTRAN"},
                "A": {"A", "ALIGNED"}, "W": {"W", "WRITEABLE"}, "E": {"E", "ENSUREARRAY"}}
"""What np.require knows, but for an array that owns its memory."""


@numpy_function(np.asarray_chkfinite)
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Array:
    a = asarray(a, dtype, order)
    if a.dtype.kind in "fc":
        check(value(NUMPY[np.all](ufuncs.apply(np.isfinite, [a]))), ValueError,
              "array must not contain infs or NaNs")
    return a


@numpy_function(np.copy)
def copy_(a: Any, order: str = "K", subok: bool = False) -> Array:
    return array(a, order=order)


@method("copy")
def copy_method(a: Any, order: str = "C") -> Any:
    return in_order(fresh(a.value()), order, a) if isinstance(a, Array) else a


@method("__copy__", "__deepcopy__")
def copied(a: Any, memo: Any = None) -> Any:
    return copy_method(a)


@numpy_function(np.astype)
def astype_(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    given = settled(lift(x)) if not isinstance(x, list | tuple) else x
    if not isinstance(given, Array | np.generic) and (is_python_number(given) or not isinstance(
            given, Scalar)):
        raise unsupported("np.astype of what is no array")           # an error of NumPy's
    return astype(given, dtype, copy=copy)


@method("astype")
def astype(a: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
           copy: bool = True) -> Any:
    target = as_dtype(dtype)
    if not np.can_cast(dtype_of(a), target, casting):  # type: ignore[arg-type]
        fail(TypeError, f"Cannot cast array data from {dtype_of(a)!r} to {target!r} according to "
             f"the rule '{casting}'")
    if isinstance(a, Scalar):
        return Scalar(convert(a.atom, target))
    if target == a.dtype and not copy:
        return arranged(a, order)
    return in_order(fresh(convert(a.value(), target)), order, a)


# ---- ranges

@numpy_function(np.arange)
def arange(*args: Any, dtype: Any = None, device: Any = None, like: Any = None,
           **named: Any) -> Array:
    if any(isinstance(x, list | tuple) or isinstance(x, Array) and x.ndim for x in args[:3]):
        raise unsupported("np.arange of arrays")
    bounds = [settled(scalar_of(x)) for x in args]
    if len(bounds) == 4:
        dtype = args[3]
        bounds = bounds[:3]
    names = ("start", "stop", "step") if len(bounds) > 1 or "stop" in named else (
        "stop", "", "step")                     # one number alone is where it ends
    if named.keys() & set(names[:len(bounds)]) or named.keys() - {"start", "stop", "step"}:
        raise unsupported("np.arange with these arguments")
    of = {**dict(zip(names, bounds, strict=False)),
          **{name: settled(scalar_of(x)) for name, x in named.items()}}
    if "stop" not in of:
        fail(TypeError, "arange() requires stop to be specified.")
    start, stop, step = of.get("start", 0), of["stop"], of.get("step", 1)
    if dtype is not None:
        target = as_dtype(dtype)
    else:
        target = np.result_type(I64, *map(dtype_of, of.values()))
    if all(dtype_of(x).kind in "iub" for x in (start, stop, step)):
        return int_range(start, stop, step, target)
    return float_range(start, stop, step, target)


def int_range(start: Any, stop: Any, step: Any, dtype: np.dtype) -> Array:
    lo, hi, by = dim_of(start), dim_of(stop), dim_of(step)
    n = count_of(lo, hi, by)
    if by == 1 and isinstance(by, int):
        steps = iota(n)
    else:
        steps = op("mul", iota(n), atom_of(by))
    if not (isinstance(lo, int) and lo == 0):
        steps = op("add", steps, atom_of(lo))
    return fresh(convert(steps, dtype))


def count_of(lo: Dim, hi: Dim, step: Dim) -> Dim:
    """max(0, ceil((hi - lo) / step))"""
    if isinstance(step, int) and step == 1:
        return dm.at_least_zero(dm.minus(dm.form(hi), dm.form(lo)))
    dm.require("ne", step, 0, ZeroDivisionError, "division by zero")
    distance = as_int(hi) - as_int(lo) if not (isinstance(hi, int) and isinstance(lo, int)) \
        else hi - lo
    quotient = -((-distance) // as_int(step))
    if isinstance(quotient, int):
        return max(quotient, 0)
    return dm.at_least_zero(dm.form(dim_of(quotient)))


def float_range(start: Any, stop: Any, step: Any, dtype: np.dtype) -> Array:
    """NumPy's: the length from doubles, then start + i*((start + step) - start)."""
    a, b, d = (convert(value(x), F64) for x in (start, stop, step))
    length = op("ceil", op("div", op("sub", b, a), d))
    n = length_from(length)
    if dtype.kind in "iu":
        first, second = convert(a, dtype), convert(op("add", a, d), dtype)
        if dtype != I64:
            first, second = convert(first, I64), convert(second, I64)
        steps = op("add", op("mul", iota(n), op("sub", second, first)), first)
        return fresh(convert(steps, dtype))
    wide = dtype if dtype.kind == "c" else F64 if dtype == np.float16 else dtype
    first, second = convert(a, dtype), convert(op("add", a, d), dtype)
    delta = op("sub", convert(second, wide), convert(first, wide))
    steps = op("add", op("mul", convert(iota(n), wide), delta), convert(first, wide))
    return fresh(convert(steps, dtype))


def length_from(length: Any) -> Dim:
    """The number of elements from a computed double."""
    if isinstance(length, Lit):
        number = float(length.value)
        if math.isnan(number):
            fail(ValueError, "arange: cannot compute length")
        if number > dm.MAX_DIM:
            fail(ValueError, "Maximum allowed size exceeded")
        return max(0, int(number))
    known = op("eq", length, length)
    check(known, ValueError, "arange: cannot compute length")
    check(op("le", length, Lit(float(dm.MAX_DIM))), ValueError, "Maximum allowed size exceeded")
    n = convert(op("maximum", length, Lit(0.0)), I64)
    assert isinstance(n, Var)
    return dm.bound(n, 0, dm.MAX_DIM)


@numpy_function(np.linspace)
def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False,
             dtype: Any = None, axis: int = 0, *, device: Any = None) -> Any:
    """As NumPy: i*step + start, the last element exactly `stop`."""
    count = dim_of(settled(num))
    if axis is None:
        fail(TypeError, "'NoneType' object is not iterable")
    if isinstance(count, int) and count < 0:
        fail(ValueError, f"Number of samples, {count}, must be non-negative.")
    dm.require("ge", count, 0, ValueError, "Number of samples, {}, must be non-negative.", count)
    if isinstance(count, Var):
        dm.bound(count, 0)
    divisions = dm.dim(dm.minus(dm.form(count), dm.ONE)) if endpoint else count
    a, b = settled(lift(start)), settled(lift(stop))
    work = common_dtype([a, b, 1.0])
    target = work if dtype is None else as_dtype(dtype)
    first, last = wrap(fit(a, work)), wrap(fit(b, work))
    delta = last - first
    many = isinstance(delta, Array)
    steps = fresh(convert(iota(count), work))
    if many:
        steps = reshape(steps, (-1,) + (1,) * len(delta.dims))
    parts = Scalar(convert(atom_of(dm.maximum(divisions, 1)), work))
    step = delta / parts
    # NumPy divides first only where a step underflows to 0
    underflow = ufuncs.apply(np.equal, [step, 0])
    scaled = NUMPY[np.where](underflow, steps / parts * delta, steps * step)
    result = as_array(scaled + first)
    if endpoint:
        more = dm.compare("gt", count, 1)
        if more is True:
            result[-1] = last
        elif more is not False:
            index = as_array(fresh(iota(count)))
            at_end = ufuncs.apply(np.logical_and, [
                ufuncs.apply(np.equal, [index, as_int(divisions)]), Scalar(more)])
            if many:
                at_end = reshape(at_end, (-1,) + (1,) * len(delta.dims))
            result = as_array(NUMPY[np.where](at_end, last, result))
    if target.kind in "iu":
        result = as_array(ufuncs.apply(np.floor, [result]))
    result = converted(result, target)
    if axis != 0:
        result = NUMPY[np.moveaxis](result, 0, axis)
    if not retstep:
        return result
    if isinstance(divisions, int) and divisions < 1:
        return result, Lit(np.float64(np.nan)).value
    return result, step


@numpy_function(np.logspace)
def logspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0,
             dtype: Any = None, axis: int = 0) -> Array:
    if isinstance(lift(base), Array):
        raise unsupported("np.logspace with an array of bases")
    result = ufuncs.apply(np.power, [base, linspace(start, stop, num, endpoint, axis=axis)])
    return converted(as_array(result), result.dtype if dtype is None else as_dtype(dtype))


@numpy_function(np.geomspace)
def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None,
              axis: int = 0) -> Array:
    a, b = (Scalar(value(x)) if is_python_number(x) else x
            for x in (scalar_of(start), scalar_of(stop)))
    if axis not in (0, -1):
        raise unsupported("np.geomspace along another axis")
    if isinstance(a, Array) or isinstance(b, Array) or "c" in (
            dtype_of(a).kind, dtype_of(b).kind, as_dtype(dtype or float).kind):
        raise unsupported("np.geomspace of arrays or complex numbers", "use np.exp(np.linspace())")
    for x in (a, b):
        ok = ufuncs.apply(np.not_equal, [x, 0])
        check(value(ok), ValueError, "Geometric sequence cannot include zero")
    work = common_dtype([a, b, 1.0])
    a, b = (Scalar(fit(x, work)) for x in (a, b))
    sign = ufuncs.apply(np.sign, [a])
    logs = linspace(ufuncs.apply(np.log10, [a / sign]), ufuncs.apply(np.log10, [b / sign]), num,
                    endpoint)
    result = as_array(ufuncs.apply(np.power, [10.0, logs]) * sign)
    count = result.dims[0]
    index = fresh(iota(count))
    result = NUMPY[np.where](index == 0, a, result)
    if endpoint:
        last = (index == as_int(count) - 1) & (index > 0)
        result = NUMPY[np.where](last, b, result)
    return converted(as_array(result), work if dtype is None else as_dtype(dtype))


# ---- index patterns

def is_diagonal(n: Dim, m: Dim, k: Any, comparison: np.ufunc) -> Array:
    """`j - i comparison k` as a bool matrix."""
    return as_array(ufuncs.apply(comparison, [fresh(iota(m)), fresh(iota(n))[:, None] + k]))


@numpy_function(np.eye)
def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = float, order: str = "C", *,
        device: Any = None, like: Any = None) -> Array:
    n, = dims_from(settled(N))
    m = n if M is None else dims_from(settled(M))[0]
    return in_order(converted(is_diagonal(n, m, settled(k), np.equal), as_dtype(dtype)), order)


@numpy_function(np.identity)
def identity(n: Any, dtype: Any = None, *, like: Any = None) -> Array:
    return eye(n, dtype=dtype)


@numpy_function(np.tri)
def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = float, *, like: Any = None) -> Array:
    n, m = (dm.at_least_zero(dm.form(dim_of(settled(size)))) for size in (N, N if M is None else M))
    return converted(is_diagonal(n, m, settled(k), np.less_equal), as_dtype(dtype))


def _triangle(comparison: np.ufunc) -> Any:
    def triangle(m: Any, k: Any = 0) -> Array:
        a = as_array(m)
        if a.ndim == 1:
            a = broadcast_to(a, (as_int(a.dims[0]), as_int(a.dims[0])))
        mask = is_diagonal(a.dims[-2], a.dims[-1], settled(k), comparison)
        return as_array(NUMPY[np.where](mask, a, a.dtype.type(0)))
    return triangle


tril = numpy_function(np.tril)(_triangle(np.less_equal))
triu = numpy_function(np.triu)(_triangle(np.greater_equal))


@numpy_function(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Array:
    a = as_array(x)
    if a.ndim != 1:
        fail(ValueError, "x must be a one-dimensional array or sequence.")
    n = a.dims[0] if N is None else dim_of(settled(N))
    exponents = fresh(iota(n))
    if not increasing:
        exponents = exponents[::-1]
    dtype = np.promote_types(a.dtype, int)
    if dtype.kind in "fc":
        powers = ufuncs.apply(np.power, [converted(a, dtype)[:, None], converted(exponents, dtype)])
    else:
        powers = ufuncs.apply(np.power, [converted(a, dtype)[:, None], exponents])
    return as_array(powers)


@numpy_function(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        fail(ValueError, "Valid values for `indexing` are 'xy' and 'ij'.")
    rank = len(xi)
    grids = []
    order = list(range(rank))
    if indexing == "xy" and rank > 1:
        order[0], order[1] = 1, 0
    vectors = [reshape(x, -1) for x in xi]
    dims: list[Dim] = [1] * rank
    for place, v in zip(order, vectors, strict=True):
        dims[place] = v.dims[0]
    for place, v in zip(order, vectors, strict=True):
        index = tuple(slice(None) if k == place else None for k in range(rank))
        grid = v[index]
        grids.append(grid if sparse and not copy else fresh(
            broadcast(grid.value(), grid.dims if sparse else tuple(dims))))
    return tuple(grids)


@numpy_function(np.indices)
def indices(dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    dims = dims_from(settled(dimensions) if isinstance(dimensions, Tracer) else tuple(dimensions))
    target = as_dtype(dtype)
    if target.kind == "b":
        raise unsupported("np.indices as bools")                    # an error of NumPy's, mostly
    rank = len(dims)
    parts = []
    for k, n in enumerate(dims):
        index = tuple(slice(None) if j == k else None for j in range(rank))
        parts.append(fresh(iota(n, target))[index])
    if sparse:
        return tuple(parts)
    return stacked([broadcast(p.value(), dims) for p in parts], dims, target)


def _grid(sparse: bool) -> Any:
    def item(trick: Any, index: Any) -> Any:
        """`np.mgrid[a:b:c, ...]`, `np.ogrid[...]`: an imaginary step counts points."""
        single = not isinstance(index, tuple)
        axes = [axis_values(s) for s in ((index,) if single else index)]
        target = common_dtype(axes)
        axes = [converted(a, target) for a in axes]
        if single:
            return axes[0]
        rank = len(axes)
        placed = [a[tuple(slice(None) if j == k else None for j in range(rank))]
                  for k, a in enumerate(axes)]
        if sparse:
            return tuple(placed)
        dims = tuple(a.dims[0] for a in axes)
        return stacked([broadcast(p.value(), dims) for p in placed], dims, target)
    return item


def axis_values(s: Any) -> Array:
    if not isinstance(s, slice):
        raise unsupported("an index of mgrid or ogrid that is no slice")
    start = 0 if s.start is None else s.start
    if any(x is not None and dtype_of(x) not in (F64, I64, C128) for x in (start, s.stop, s.step)):
        raise unsupported("a slice of mgrid or ogrid of numbers of another dtype than Python's")
    if s.step is not None and dtype_of(s.step).kind == "c":
        return linspace(start, s.stop, CALLS[int](CALLS[abs](s.step)))
    if any(dtype_of(x).kind == "c" for x in (start, s.stop)):
        raise unsupported("complex ends of a slice of mgrid or ogrid")
    return arange(start, s.stop, 1 if s.step is None else s.step)


numpy_function(type(np.mgrid))(_grid(False))
numpy_function(type(np.ogrid))(_grid(True))


@numpy_function(type(np.s_))
def index_expression(trick: Any, index: Any) -> Any:
    return index if trick is np.s_ or isinstance(index, tuple) else (index,)


@numpy_function(type(np.r_))
def row_trick(trick: Any, index: Any) -> Any:
    """`np.r_[a, 0, b]`: slices are ranges, numbers vectors of one."""
    parts = []
    for x in index if isinstance(index, tuple) else (index,):
        if isinstance(x, str):
            raise unsupported("a string in np.r_", "use np.concatenate")
        part = axis_values(x) if isinstance(x, slice) else as_array(x)
        parts.append(part[None] if not part.dims else part)
    return NUMPY[np.concatenate](parts)


@numpy_function(type(np.c_))
def column_trick(trick: Any, index: Any) -> Any:
    return NUMPY[np.column_stack]([
        axis_values(x) if isinstance(x, slice) else x
        for x in (index if isinstance(index, tuple) else (index,))])
