"""Sorting, searching and sets: sort, argsort, partition, searchsorted, digitize, unique, isin.

    np.sort(x)                  # sort[axis=-1]
    np.unique(x)                # sorted, then the first of each run of equal ones
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import emit, fail, lit, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axis_of,
    converted,
    scalar_of,
    settled,
    zeros_array,
)
from hotloop.frontend.numpy_atoms import op
from hotloop.frontend.numpy_callback import RAISING, VIA_NUMPY, through_numpy
from hotloop.frontend.numpy_join import sequence
from hotloop.frontend.numpy_search import search
from hotloop.frontend.numpy_select import nonzero
from hotloop.frontend.numpy_shape import ravel, reshape_to
from hotloop.frontend.registry import NUMPY, method, numpy_function
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    convert,
    dims_of,
    dtype_of,
    fresh,
    full,
    keep_order,
    lift,
    value,
    wrap,
)
from hotloop.ir.types import I64

# ---- sorting

def sortable(a: Array, axis: Any) -> tuple[Array, int]:
    if axis is None:
        return ravel(a), 0
    return a, axis_of(axis, a.ndim)


@numpy_function(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
         stable: Any = None) -> Array:
    unordered(order)
    a, k = sortable(as_array(a), axis)
    made = fresh(op("sort", a.value(), axis=k, **order_of(kind, stable)))
    return keep_order(made, [a])


def unordered(order: Any, kind: str = "introselect") -> None:
    """NumPy tells what is wrong with these arguments."""
    if order is not None or kind != "introselect":
        raise unsupported("the order of fields, or another algorithm, for arrays of numbers")


def order_of(kind: Any, stable: Any) -> dict[str, Any]:
    """The parameter of `sort`: which of the equal 0.0 and -0.0 comes first."""
    return {"kind": "stable"} if stably(kind, stable) else {}


def stably(kind: Any, stable: Any) -> bool:
    if kind is not None and stable is not None:
        fail(ValueError, "`kind` and keyword parameters can't be provided at the same time. Use "
             "only one of them.")
    return bool(stable or kind is not None and kind[0] in "sSmM")


@method("sort")
def sort_in_place(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
                  stable: Any = None) -> None:
    unordered(order)
    along_axis(axis)
    a.assign(op("sort", a.value(), axis=sortable(a, axis)[1], **order_of(kind, stable)))


def along_axis(axis: Any) -> None:
    """In place there is no way to sort all axes as one."""
    if axis is None:
        fail(TypeError, "'NoneType' object cannot be interpreted as an integer")


@numpy_function(np.argsort)
@method("argsort")
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
            stable: Any = None) -> Array:
    unordered(order)
    a = as_array(a)
    if not a.dims and axis in (0, -1, None):      # which NumPy lets pass
        return fresh(full(lit(0), (1,)))
    a, k = sortable(a, axis)
    how: dict[str, Any] = {"axis": k}
    if not stably(kind, stable):
        how["kind"] = "quicksort"                 # whose order of equal elements is NumPy's
    return fresh(emit("argsort", [a.value()], [(I64, a.dims)], **how)[0])


@numpy_function(np.lexsort)
def lexsort(keys: Any, axis: Any = -1) -> Array:
    """Stable sorts by each key, the last one being the most significant."""
    parts = [as_array(k) for k in sequence(keys)]
    if not parts or parts[0].ndim != 1:
        raise unsupported("np.lexsort of keys that are not vectors")
    axis_of(axis, 1)
    order = argsort(parts[0], stable=True)
    for key in parts[1:]:
        order = order[argsort(key[order], stable=True)]
    return order


@numpy_function(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect",
              order: Any = None) -> Array:
    unordered(order, kind)
    return _partitioned(np.partition, as_array(a), kth, axis, None)


@method("partition")
def partition_in_place(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect",
                       order: Any = None) -> None:
    unordered(order, kind)
    along_axis(axis)
    a.assign(_partitioned(np.partition, a, kth, axis, None).value())


@numpy_function(np.argpartition)
@method("argpartition")
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect",
                 order: Any = None) -> Array:
    unordered(order, kind)
    return _partitioned(np.argpartition, as_array(a), kth, axis, I64)


def _partitioned(function: Any, a: Array, kth: Any, axis: Any, dtype: Any) -> Array:
    """By NumPy: the elements beside the kth stand in an order of its own."""
    a, k = sortable(a, axis)
    at = scalar_of(settled(lift(kth)))
    result, = through_numpy(function, [a.value(), convert(value(at), I64)],
                            [(dtype or a.dtype, a.dims)], axis=k)
    return fresh(result)


RAISING.update((np.partition, np.argpartition, np.digitize))  # a kth out of bounds, no order


@numpy_function(np.searchsorted)
@method("searchsorted")
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """A loop for one number, NumPy's own binary search for arrays of them."""
    a, at = as_array(a), settled(lift(v))
    if a.ndim != 1:
        fail(ValueError, "object too deep for desired array")
    if sorter is not None:
        a = a[sorter]
    if side not in ("left", "right"):
        fail(ValueError, f"search side must be one of 'left' or 'right' (got '{side}')")
    work = np.result_type(a.dtype, dtype_of(at))
    haystack = convert(a.value(), work)
    if not dims_of(at) and work.kind != "c":
        return Scalar(search(haystack, convert(value(at), work), side))
    result, = through_numpy(np.searchsorted, [haystack, convert(value(at), work)],
                            [(I64, dims_of(at))], side=side)
    return wrap(result)


@numpy_function(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    edges, at = as_array(bins), settled(lift(x))
    if dtype_of(at).kind == "c":
        fail(TypeError, "x may not be complex")
    work = np.result_type(edges.dtype, dtype_of(at))
    result, = through_numpy(np.digitize, [convert(value(at), work), convert(edges.value(), work)],
                            [(I64, dims_of(at))], right=bool(right))
    return wrap(result)


VIA_NUMPY.update((np.searchsorted, np.digitize))


# ---- sets

@numpy_function(np.unique)
def unique(ar: Any, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: Any = None, *, equal_nan: bool = True,
           sorted: bool = True) -> Any:
    if axis is not None:
        raise unsupported("np.unique along an axis", "encode the rows as numbers")
    if not sorted:
        raise unsupported("np.unique that is not sorted")        # in an order of NumPy's own
    whole = as_array(ar)
    a = ravel(whole)
    order = argsort(a, stable=True) if return_index or return_inverse else None
    values = a[order] if order is not None else sort(a)
    n = a.dims[0]
    first = NUMPY[np.ones](as_int(n), bool)
    if not (isinstance(n, int) and n < 2):
        differs = ufuncs.apply(np.not_equal, [values[1:], values[:-1]])
        if a.dtype.kind in "fc" and equal_nan:
            nan = ufuncs.apply(np.isnan, [values])
            both = ufuncs.apply(np.logical_and, [nan[1:], nan[:-1]])
            differs = ufuncs.apply(np.logical_and, [differs, ufuncs.apply(np.logical_not, [both])])
        first[1:] = differs
    starts = nonzero(first)[0]
    results = [values[starts]]
    if return_index:
        assert order is not None
        results.append(order[starts])
    if return_inverse:
        group = NUMPY[np.cumsum](first) - 1
        inverse = zeros_array((n,), I64)
        inverse[order] = group
        results.append(reshape_to(inverse, whole.dims))
    if return_counts:
        size = as_int(n)
        ends = NUMPY[np.append](starts[1:], [size])
        total = NUMPY[np.where](ufuncs.apply(np.greater, [size, 0]), ends, 0)
        results.append(total[:as_int(starts.dims[0])] - starts)
    return results[0] if len(results) == 1 else tuple(results)


if hasattr(np, "unique_values"):
    def _unique(name: str, *parts: bool) -> None:
        function = getattr(np, name)
        made = type(function(np.zeros(1)))

        def stand_in(x: Any) -> Any:
            return made(*unique(x, *parts, equal_nan=False))
        numpy_function(function)(stand_in)

    _unique("unique_all", True, True, True)
    _unique("unique_counts", False, False, True)
    _unique("unique_inverse", False, True, False)


@numpy_function(np.isin)
def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *,
         kind: Any = None) -> Any:
    """Membership by search in the sorted test elements."""
    if kind not in (None, "sort"):
        raise unsupported("np.isin by a table")
    a, tests = settled(lift(element)), ravel(test_elements)
    work = np.result_type(dtype_of(a), tests.dtype)
    known = sort(converted(tests, work))
    x = fresh(convert(value(a), work))
    n = known.dims[0]
    if isinstance(n, int) and n == 0:
        result = ufuncs.apply(np.not_equal, [x, x])
    else:
        at = searchsorted(known, x if x.dims else Scalar(x.value()))
        inside = ufuncs.apply(np.less, [at, as_int(n)])
        last = dm.at_least_zero(dm.minus(dm.form(n), dm.ONE))
        safe = ufuncs.apply(np.minimum, [at, as_int(last)])
        padded = NUMPY[np.append](known, [work.type(0)])
        hit = ufuncs.apply(np.equal, [padded[safe], x])
        result = ufuncs.apply(np.logical_and, [inside, hit])
    result = ufuncs.apply(np.logical_not, [result]) if invert else result
    return as_array(result)


@numpy_function(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Array:
    return unique(NUMPY[np.concatenate]([ar1, ar2], None))


@numpy_function(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False,
                return_indices: bool = False) -> Array:
    if return_indices or assume_unique:
        raise unsupported("np.intersect1d with return_indices=True or assume_unique=True")
    a, b = as_array(ar1), as_array(ar2)
    first = converted(unique(a), np.result_type(a.dtype, b.dtype))
    return first[isin(first, b)]


@numpy_function(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    first = ravel(as_array(ar1)) if assume_unique else unique(as_array(ar1))
    return first[isin(first, as_array(ar2), invert=True)]


@numpy_function(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Array:
    if assume_unique:
        raise unsupported("np.setxor1d with assume_unique=True")
    a, b = as_array(ar1), as_array(ar2)
    return sort(NUMPY[np.concatenate]([setdiff1d(a, b), setdiff1d(b, a)]))
