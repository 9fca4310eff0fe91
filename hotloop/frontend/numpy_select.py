"""Choosing and gathering: where, select, clip, nonzero, take, put, compress.

    np.where(x > 0, x, 0)       # select[...]: NumPy 2's promotion, weak Python numbers
    np.take(x, i, axis=1)       # a gather with checked indices
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import numpy_in_python as plain
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, emit, fail, lit, unsupported
from hotloop.frontend.calls import function as traced
from hotloop.frontend.indexing import Selection
from hotloop.frontend.indexing import nonzero as nonzero_atoms
from hotloop.frontend.numpy_arrays import (
    as_array,
    as_dtype,
    axis_of,
    common_dtype,
    delivered,
    scalar_of,
    settled,
    target_array,
)
from hotloop.frontend.numpy_atoms import either, op, select
from hotloop.frontend.numpy_elementwise import truth
from hotloop.frontend.numpy_join import sequence
from hotloop.frontend.numpy_reduce import NO_VALUE, given
from hotloop.frontend.numpy_shape import ravel
from hotloop.frontend.registry import NUMPY, UFUNC_METHODS, method, numpy_function
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    broadcast,
    broadcast_into,
    convert,
    dim_of,
    dims_of,
    dtype_of,
    fit,
    fresh,
    iota,
    is_python_number,
    keep_order,
    lift,
    reshaped,
    value,
    wrap,
)
from hotloop.frontend.views import Reshape
from hotloop.ir.core import Lit
from hotloop.ir.types import BOOL, I64

# ---- where, select, choose, clip

@numpy_function(np.where)
def where(condition: Any, x: Any = NO_VALUE, y: Any = NO_VALUE, /) -> Any:
    if x is NO_VALUE and y is NO_VALUE:
        return nonzero(condition)
    if x is NO_VALUE or y is NO_VALUE:
        fail(ValueError, "either both or neither of x and y should be given")
    c, x, y = (settled(lift(a)) for a in (condition, x, y))
    dtype = common_dtype([x, y])
    dims = dm.broadcast_dims(dims_of(c), dims_of(x), dims_of(y))
    flags = truth(value(c))
    # unlike a ufunc, np.where wraps Python integers that do not fit
    atoms = [broadcast(a, dims) if a.shape else a
             for a in (flags, convert(value(x), dtype), convert(value(y), dtype))]
    result = broadcast(select(*atoms), dims)
    return keep_order(fresh(result), [c, x, y])


@numpy_function(np.nonzero)
@method("nonzero")
def nonzero(a: Any) -> tuple[Array, ...]:
    a = as_array(a)
    if not a.dims:
        np.nonzero(np.zeros((), a.dtype))         # raises from NumPy 2.1 on
        a = ravel(a)
    return tuple(fresh(v) for v in nonzero_atoms(truth(a.value()))[1])


@numpy_function(np.flatnonzero)
def flatnonzero(a: Any) -> Array:
    return nonzero(ravel(a))[0]


@numpy_function(np.argwhere)
def argwhere(a: Any) -> Array:
    a = as_array(a)
    if not a.dims:
        found: Array = argwhere(ravel(a))[:, :0]
        return found
    parts = nonzero(a)
    return as_array(NUMPY[np.stack](list(parts), 1))


@numpy_function(np.select)
def select_(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    if len(condlist) != len(choicelist):
        fail(ValueError, "list of cases must be same length as list of conditions")
    if not condlist:
        fail(ValueError, "select with an empty condition list is not possible")
    for c in condlist:
        if dtype_of(lift(c)) != BOOL:
            fail(TypeError, f"invalid entry {list(condlist).index(c)} in condlist: should be "
                 "boolean ndarray")
    dtype = common_dtype([settled(lift(x)) for x in [*choicelist, default]])
    result: Any = fresh(convert(value(settled(lift(default))), dtype))
    for c, x in list(zip(condlist, choicelist, strict=True))[::-1]:
        result = where(c, fresh(convert(value(settled(lift(x))), dtype)), result)
    return result


@numpy_function(np.choose)
@method("choose")
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    index = as_array(a)
    if not np.can_cast(index.dtype, I64, "safe") or mode not in ("raise", "wrap", "clip"):
        raise unsupported("np.choose by numbers that are no integers, or in this mode")
    options = [settled(lift(c)) for c in sequence(choices)]
    n = len(options)
    place = convert(index.value(), I64)
    if mode == "raise":
        outside = ufuncs.apply(np.logical_or, [wrap(op("lt", place, Lit(0))),
                                               wrap(op("ge", place, Lit(n)))])
        fine = op("not", value(NUMPY[np.any](outside)))
        if not index.dims:                      # unless there is nothing to choose
            dims = dm.broadcast_dims(index.dims, *map(dims_of, options))
            empty = dm.compare("eq", dm.product(dims), 0)
            fine = either(fine, lit(empty) if isinstance(empty, bool) else empty)
        check(fine, ValueError, "invalid entry in choice array")
    elif mode == "wrap":
        place = op("remainder", place, Lit(n))
    else:
        place = op("minimum", op("maximum", place, Lit(0)), Lit(n - 1))
    dtype = common_dtype(options)
    at = wrap(place)
    result: Any = wrap(convert(value(options[-1]), dtype))
    for k in range(n - 2, -1, -1):
        option = wrap(convert(value(options[k]), dtype))
        result = where(ufuncs.apply(np.equal, [at, k]), option, result)
    return delivered(wrap(broadcast(value(result), dm.broadcast_dims(dims_of(result),
                                                                     dims_of(at)))), out)


@numpy_function(np.clip)
def clip(a: Any, a_min: Any = NO_VALUE, a_max: Any = NO_VALUE, out: Any = None, *,
         min: Any = NO_VALUE, max: Any = NO_VALUE, dtype: Any = None, **rest: Any) -> Any:
    if rest:
        raise unsupported(f"np.clip with {', '.join(rest)}")
    absent = [x is NO_VALUE for x in (a_min, a_max)]
    if absent[0] != absent[1]:
        fail(TypeError, "clip() missing 1 required positional argument: "
             f"'{'a_min' if absent[0] else 'a_max'}'")
    if not absent[0] and (min is not NO_VALUE or max is not NO_VALUE):
        fail(ValueError, "Passing `min` or `max` keyword argument when `a_min` and `a_max` are "
             "provided is forbidden.")
    low = a_min if given(a_min) else min if given(min) else None
    high = a_max if given(a_max) else max if given(max) else None
    return clipped(a, low, high, out, dtype)


@method("clip")
def clip_method(a: Any, min: Any = None, max: Any = None, out: Any = None, *, dtype: Any = None,
                **rest: Any) -> Any:
    if rest:
        raise unsupported(f"clip with {', '.join(rest)}")
    return clipped(a, min, max, out, dtype)


def clipped(a: Any, low: Any, high: Any, out: Any = None, dtype: Any = None) -> Any:
    """`a` between `low` and `high`, either of which may be None."""
    x = settled(lift(a))
    if dtype_of(x).kind in "iu":
        low, high = _in_range(low, "low", dtype_of(x)), _in_range(high, "high", dtype_of(x))
    if low is None and high is None:
        np.clip(0, None, None)                  # an error before NumPy 2.1
        return delivered(ufuncs.apply(np.positive, [x]), out)
    if low is None:
        return ufuncs.apply(np.minimum, [x, high], out, dtype)
    if high is None:
        return ufuncs.apply(np.maximum, [x, low], out, dtype)
    bounds = [settled(lift(b)) for b in (low, high)]
    if any(dtype_of(b).kind == "c" for b in (x, *bounds)):
        return ufuncs.apply(np.minimum, [ufuncs.apply(np.maximum, [x, low]), high], out, dtype)
    work = common_dtype([x, *bounds]) if dtype is None else as_dtype(dtype)
    dims = dm.broadcast_dims(*map(dims_of, (x, *bounds)))
    atoms = [fit(b, work) for b in (x, *bounds)]
    atoms = [broadcast(b, dims) if b.shape else b for b in atoms]
    result = op("minimum", op("maximum", atoms[0], atoms[1]), atoms[2])
    made = ufuncs.delivered("clip", broadcast(result, dims), out)
    return keep_order(made, [x, *bounds]) if out is None else made


def _in_range(bound: Any, side: str, dtype: np.dtype) -> Any:
    """A bound of integers: Python's integers beyond the dtype bound nothing."""
    info = np.iinfo(dtype)
    limit, beyond = (info.min, "le") if side == "low" else (info.max, "ge")
    if type(bound) is int:
        return None if (bound <= limit if side == "low" else bound >= limit) else bound
    if not isinstance(bound, Scalar) or not is_python_number(bound) or dtype.itemsize == 8 or (
            bound.atom.dtype != I64):
        return bound
    none = dm.compare(beyond, dim_of(bound), int(limit))
    if isinstance(none, bool):
        return None if none else bound
    return Scalar(op("select", none, Lit(int(limit)), bound.atom), bound.kind)


@numpy_function(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    target, source = target_array(dst, "list"), settled(lift(src))
    single = isinstance(source, Scalar | np.generic) and not is_python_number(source)
    weak = not single and not isinstance(source, Array)
    if "biufc".index(dtype_of(source).kind) > "biufc".index(target.dtype.kind) + (
            target.dtype.kind == "i") if weak else not np.can_cast(
            dtype_of(source), target.dtype, casting):  # type: ignore
        what = "array data" if isinstance(source, Array) else "scalar"
        fail(TypeError, f"Cannot cast {what} from {dtype_of(source)!r} to {target.dtype!r} "
             f"according to the rule '{casting}'")
    part = broadcast_into(fit(source, target.dtype), target.dims)
    if where is not True:
        given = lift(where)
        if isinstance(given, Array) and given.dtype.kind != "b":
            fail(TypeError, f"Cannot cast array data from {dtype_of(given)!r} to dtype('bool') "
                 "according to the rule 'safe'")
        mask = broadcast_into(truth(value(given)), target.dims)
        part = select(mask, part, target.value())
    target.assign(part)


def as_items(values: Any, dtype: np.dtype) -> Array:
    """What is stored to an array of `dtype`: numbers of Python's must be of its range."""
    python = isinstance(values, list | tuple | range) or is_python_number(values)
    return NUMPY[np.array](values, dtype) if python else as_array(values)


@numpy_function(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    target, flags = target_array(a, "list"), as_array(mask)
    new = as_items(values, target.dtype)
    dm.require_equal(dm.product(flags.dims), dm.product(target.dims),
                     "putmask: mask and data must be the same size")
    if new.dims and not np.can_cast(new.dtype, target.dtype, "safe"):
        fail(TypeError, f"Cannot cast array data from {new.dtype!r} to {target.dtype!r} according "
             "to the rule 'safe'")
    size = dm.product(target.dims)
    part = fit(new, target.dtype)
    if new.dims:
        flat = fresh(reshaped(part, (dm.product(new.dims),)))
        place = ufuncs.apply(np.remainder, [fresh(iota(size)), as_int(flat.dims[0])])
        part = reshaped(flat[place].value(), target.dims)
    there = reshaped(truth(flags.value()), target.dims)
    target.assign(select(there, part, target.value()))


@numpy_function(np.extract)
def extract(condition: Any, arr: Any) -> Array:
    return take(ravel(arr), nonzero(ravel(condition))[0])


@method("compress")
def compress_method(a: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return compress(condition, a, axis, out)


@numpy_function(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    condition = as_array(condition)
    if condition.ndim != 1:
        fail(ValueError, "condition must be a 1-d array")
    return delivered(take(a, nonzero(condition)[0], axis), out)


# ---- take and put

@numpy_function(np.take)
@method("take")
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    a = as_array(a)
    if axis is None:
        a, axis = ravel(a), 0
    k = axis_of(axis, a.ndim)
    at = scalar_of(indices)
    n = as_int(a.dims[k])
    if mode not in ("raise", "wrap", "clip"):
        raise unsupported(f"the mode {mode!r} of take")             # an error of NumPy's, mostly
    if mode == "clip":
        at = clip(at, 0, n - 1)
    elif mode == "wrap":
        at = ufuncs.apply(np.remainder, [at, n])
    if isinstance(out, Array | np.ndarray) and not np.can_cast(out.dtype, a.dtype, "safe"):
        fail(TypeError, f"Cannot cast array data from {out.dtype!r} to {a.dtype!r} according to "
             "the rule 'safe'")                 # NumPy makes an array of it to take into
    result = a[(*(slice(None),) * k, at)]
    if isinstance(result, Array) and not isinstance(at, Array):
        result = fresh(result.value())
    return delivered(result, out)


def along(a: Array, indices: Array, axis: int) -> tuple[Any, ...]:
    """The index of `a` that `take_along_axis` means."""
    index: list[Any] = []
    for k, n in enumerate(a.dims):
        if k == axis:
            index.append(indices)
        else:
            grid = fresh(iota(n))
            index.append(grid[tuple(slice(None) if j == k else None for j in range(a.ndim))])
    return tuple(index)


@numpy_function(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Array:
    a, at = as_array(arr), as_array(indices)
    if axis is None:
        if at.ndim != 1:
            fail(ValueError, "when axis=None, `indices` must have a single dimension.")
        a, axis = ravel(a), 0
    if a.ndim != at.ndim:
        fail(ValueError, "`indices` and `arr` must have the same number of dimensions")
    return a[along(a, at, axis_of(axis, a.ndim))]


@numpy_function(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    a, at = lift(arr), as_array(indices)
    if axis is None:
        if at.ndim != 1:
            fail(ValueError, "when axis=None, `indices` must have a single dimension.")
        a, axis = a.view(Reshape((dm.product(a.dims),))), 0
    a[along(a, at, axis_of(axis, a.ndim))] = values


@numpy_function(np.put)
@method("put")
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    a = target_array(a, "list")
    if mode not in ("raise", "wrap", "clip"):
        raise unsupported(f"the mode {mode!r} of put")
    flat = a.view(Reshape((dm.product(a.dims),)))
    at, new = ravel(ind), as_items(v, a.dtype)
    some, none = dm.compare("gt", flat.dims[0], 0), dm.compare("eq", at.dims[0], 0)
    check(op("or", *(lit(x) if isinstance(x, bool) else x for x in (some, none))), IndexError,
          "cannot replace elements of an empty array")
    if mode == "clip":
        at = clipped(at, 0, as_int(flat.dims[0]) - 1)
    elif mode == "wrap":
        at = ufuncs.apply(np.remainder, [at, as_int(flat.dims[0])])
    if new.dims:
        new = ravel(new)
        if isinstance(new.dims[0], int) and new.dims[0] == 0:
            return                                 # nothing to store: NumPy leaves all as it is
        source = ufuncs.apply(np.remainder, [fresh(iota(at.dims[0])), as_int(new.dims[0])])
        flat[at] = new[source]
    else:
        flat[at] = Scalar(new.value())


@numpy_function(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a = lift(a)
    if a.ndim < 2:
        fail(ValueError, "array must be at least 2-d")
    rows, columns = a.dims[:2]
    n = rows
    if a.ndim > 2:
        for d in a.dims[1:]:
            dm.require_equal(d, n, "All dimensions of input must be of equal length")
    elif not wrap:
        n = dm.minimum(rows, columns)
    elif not dm.at_most(rows, columns):          # it begins again one row below where it ended
        size = as_int(dm.product(a.dims)) + as_int(columns)
        n = dim_of(size // (as_int(columns) + 1))
    new = settled(lift(val))
    if isinstance(new, Array):
        new = ravel(new) if new.dims else new[()]
    if isinstance(new, Array):                   # nothing is stored if there is nothing
        count = ufuncs.apply(np.minimum, [as_int(new.dims[0]), 1]) * as_int(n)
        n = dim_of(count)
        if not isinstance(n, int):
            dm.bound(n, 0, dm.MAX_DIM)
    place = fresh(iota(n))
    if isinstance(new, Array):
        new = new[ufuncs.apply(np.remainder, [place, as_int(new.dims[0])])]
    if a.ndim == 2 and wrap:
        at = place * (as_int(columns) + 1)
        a[at // as_int(columns), at % as_int(columns)] = new
    else:
        a[(place,) * a.ndim] = new


def ufunc_at(ufunc: np.ufunc, a: Any, indices: Any, b: Any = None) -> None:
    """`np.add.at`: repeated indices accumulate."""
    target = lift(a)
    if dtype_of(target) == BOOL:
        raise unsupported(f"np.{ufunc.__name__}.at of bools")
    if ufunc is np.subtract:
        b = ufuncs.apply(np.negative, [b])
    elif ufunc is not np.add:
        return one_by_one(ufunc, target, indices, b)
    selection = Selection(target, indices)
    b = settled(lift(b))
    if "biufc".index(dtype_of(b).kind.replace("u", "i")) > (
            "biufc".index(target.dtype.kind.replace("u", "i"))):
        raise unsupported(f"np.{ufunc.__name__}.at with values of a wider kind: each sum is cast",
                          "convert the values")
    part = broadcast_into(convert(value(b), target.dtype), selection.index.shape)
    index = selection.index
    current = target.value()
    target.assign(emit("addat", [current, part, *index.operands],
                       [(current.dtype, current.shape)], codes=index.codes)[0])


def one_by_one(ufunc: np.ufunc, a: Array, indices: Any, b: Any) -> None:
    """Where all operands have one dtype. Otherwise NumPy computes in the wider one and casts."""
    operands = [] if b is None else [settled(lift(b))]
    kinds = [a.dtype, *(np.result_type(a.dtype, dtype_of(x)) for x in operands)]
    if ufunc.nin != len(kinds) or ufunc.nout != 1 or ufunc.signature is not None or (
            set(ufunc.resolve_dtypes((*kinds, None))) != {a.dtype}):
        raise unsupported(f"np.{ufunc.__name__}.at of these dtypes", "write the loop")
    values = [fresh(convert(value(x), a.dtype)) for x in operands]
    traced(plain.ufunc_at)(ufunc, a, indices, *values)


UFUNC_METHODS["at"] = ufunc_at
