"""NumPy's iterators: `np.ndindex`, `np.ndenumerate`, `np.nditer` over one array.

    for i, j in np.ndindex(n, m): ...      # one loop of n*m iterations; i = k // m, j = k % m
    for at, x in np.ndenumerate(a): ...    # at: a tuple of ints, x: a NumPy scalar
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import emit, fail, unsupported
from hotloop.frontend.indexing import load
from hotloop.frontend.iterables import Indexed
from hotloop.frontend.numpy_arrays import as_array, settled
from hotloop.frontend.registry import numpy_function
from hotloop.frontend.tracers import Array, as_int, dim_of, fresh, value
from hotloop.ir.core import Dim, Var
from hotloop.ir.types import I64


@numpy_function(np.ndindex)
def ndindex(*shape: Any) -> Indexed:
    if len(shape) == 1 and isinstance(shape[0], tuple | list):
        shape = tuple(shape[0])
    dims = tuple(dim_of(settled(n)) for n in shape)
    for d in dims:
        dm.require("ge", d, 0, ValueError, "negative dimensions are not allowed")
    return _over(dims, lambda at: at)


@numpy_function(np.ndenumerate)
def ndenumerate(arr: Any) -> Indexed:
    a = as_array(arr)
    return _over(a.dims, lambda at: (at, load(a, at)))


READ_WRITE = (["readwrite"], [["readwrite"]], ("readwrite",), [("readwrite",)])


@numpy_function(np.nditer)
def nditer(op: Any, flags: Any = (), op_flags: Any = None, **options: Any) -> Indexed:
    """The elements of one array as 0-d arrays, in the order of memory."""
    a = as_array(op) if isinstance(op, Array | np.ndarray) else None
    changes = op_flags in READ_WRITE
    if a is None or flags or options or not (op_flags is None or changes) or not a.contiguous:
        raise unsupported("np.nditer of more than one array, with options, or of an array that may "
                          "not be contiguous", "loop over np.ndindex(x.shape)")
    dm.require("gt", dm.product(a.dims), 0, ValueError,
               "Iteration of zero-sized operands is not enabled")

    def item(at: Any) -> Any:
        if changes:
            return load(a, (*at, Ellipsis))
        element = fresh(value(load(a, at)))
        element.base.readonly = "a store to what np.nditer gives, which is read-only"
        return element
    return _over(a.dims, item)


def _over(dims: tuple[Dim, ...], item: Any) -> Indexed:
    return Indexed(dm.product(dims), lambda i: item(tuple(map(as_int, _position(i, dims)))))


def _position(i: Dim, dims: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The indices of the i-th element in C order."""
    parts: list[Dim] = []
    for d in dims[:0:-1]:
        if isinstance(i, int) and isinstance(d, int):
            i, part = divmod(i, d)
            parts.append(part)
            continue
        parts.append(_part("remainder", i, d, d))
        i = _part("floor_divide", i, d, None)
    if dims:
        if isinstance(i, Var):
            dm.fact(dm.minus(dm.minus(dm.form(dims[0]), dm.form(i)), dm.ONE))
        parts.append(i)
    return tuple(parts[::-1])


def _part(op: str, i: Dim, d: Dim, below: Dim | None) -> Var:
    """`i op d` of an index that exists, so that d > 0."""
    found, = emit(op, [i, d], [(I64, ())])
    if not isinstance(found, Var):
        fail(ZeroDivisionError, "an index of an empty array")
    dm.bound(found, 0, dm.MAX_DIM)
    if below is not None:
        dm.fact(dm.minus(dm.minus(dm.form(below), dm.form(found)), dm.ONE))
    return found
