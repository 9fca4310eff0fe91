"""NumPy's functions that call functions of the user: vectorize, apply_along_axis, piecewise.

    f = np.vectorize(lambda x, y: x if x > y else y)
    f(a, 2.0)                # one loop over the elements, the function traced in it

The user's function is compiled into the loop. `np.vectorize` calls it with Python numbers, as NumPy
does; the dtype of the result is that of the first call, which NumPy makes with NumPy's scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import numpy_in_python as plain
from hotloop.frontend.builder import check, fail, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.numpy_arrays import as_array, axis_of, broadcast_arrays, static_int
from hotloop.frontend.numpy_atoms import atom_of, op
from hotloop.frontend.numpy_create import indices
from hotloop.frontend.numpy_methods import item
from hotloop.frontend.numpy_shape import moveaxis, ravel, reshape_to
from hotloop.frontend.registry import NUMPY, numpy_function
from hotloop.frontend.tracers import Array, Tracer, Widened, dtype_of, fresh, full, zero
from hotloop.ir.core import Lit


@numpy_function(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    a = as_array(arr)
    k = axis_of(axis, a.ndim)
    result = function(plain.apply_along_axis)(func1d, k, a, args, kwargs)
    inner = result.ndim - (a.ndim - 1)
    if inner:
        places = range(a.ndim - 1, a.ndim - 1 + inner)
        result = moveaxis(result, tuple(places), tuple(range(k, k + inner)))
    return result


@numpy_function(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    axes = axes if isinstance(axes, tuple | list) else (axes,)
    return function(plain.apply_over_axes)(
        func, as_array(a), tuple(static_int(k, "an axis") for k in axes))


@numpy_function(np.fromfunction)
def fromfunction(function_: Any, shape: Any, *, dtype: Any = float, like: Any = None,
                 **kwargs: Any) -> Any:
    grid = indices(shape, dtype)
    return function(function_)(*[grid[k] for k in range(grid.dims[0])], **kwargs)


@numpy_function(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    a = as_array(x)
    if not a.dims:
        raise unsupported("np.piecewise of a 0-d array", "use if statements")
    single = not isinstance(condlist, tuple | list) or (
        a.dims and not isinstance(condlist[0], list | tuple | Array | np.ndarray))
    if isinstance(condlist, Array) and condlist.ndim > a.ndim:
        if not isinstance(condlist.dims[0], int):
            raise unsupported("np.piecewise with an unknown number of conditions", "pass a list")
        conditions = [condlist[k] for k in range(condlist.dims[0])]
    else:
        conditions = [condlist] if single else list(condlist)
    conditions = [NUMPY[np.asarray](c, dtype=bool) for c in conditions]
    functions = list(funclist)
    n = len(conditions)
    if len(functions) == n + 1:
        rest = conditions[0]
        for c in conditions[1:]:
            rest = rest | c
        conditions.append(~rest)
    elif len(functions) != n:
        fail(ValueError, f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    return function(plain.piecewise)(a, conditions, functions, args, kw)


# ---- vectorize

def vectorized(v: np.vectorize, /, *args: Any, **kwargs: Any) -> Any:
    """A call of an `np.vectorize` object."""
    if v.signature is not None:
        raise unsupported("np.vectorize with a signature", "write a loop")
    if v.pyfunc is None or isinstance(v.pyfunc, type(np._NoValue)):
        raise unsupported("np.vectorize as a decorator inside of a compiled function",
                          "decorate the function outside")
    called = function(v.pyfunc)
    excluded = v.excluded or set()
    places: list[Any] = [k for k in range(len(args)) if k not in excluded]
    places += [name for name in kwargs if name not in excluded]
    arrays = broadcast_arrays([as_array(args[p] if isinstance(p, int) else kwargs[p])
                               for p in places])
    if not arrays:
        return called(*args, **kwargs)
    dims = arrays[0].dims
    lines = [ravel(a) for a in arrays]

    def call(values: list[Any]) -> Any:
        given, named = list(args), dict(kwargs)
        for place, value in zip(places, values, strict=True):
            if isinstance(place, int):
                given[place] = value
            else:
                named[place] = value
        return called(*given, **named)
    dtypes = _types(v.otypes, dims, lambda: call([line[0] for line in lines]))
    several = len(dtypes) > 1
    size = dm.product(dims)
    results = [fresh(full(zero(d), (size,))) for d in dtypes]

    def result_at(k: Any) -> Any:
        value = call([item(line[k]) for line in lines])
        return value if several else (value,)
    function(plain.store_each)(results, result_at)
    shaped = tuple(reshape_to(r, dims) for r in results)
    return shaped if several else shaped[0]


def _types(otypes: str | None, dims: Any, first: Callable[[], Any]) -> list[np.dtype]:
    """The dtypes of the results: given, or those of the first call's."""
    if otypes is not None:
        return [np.dtype(c) for c in otypes]
    check(op("gt", atom_of(dm.product(dims)), Lit(0)), ValueError,
          "cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    found = first()
    values = found if isinstance(found, tuple) else (found,)
    for x in values:
        uncertain = isinstance(x, Widened) and x.narrow_dtype != x.atom.dtype
        if uncertain or isinstance(x, Array) and x.dims or not isinstance(
                x, Tracer | bool | int | float | complex | np.generic):
            raise unsupported("np.vectorize of a function whose results have no certain type",
                              "pass otypes=")
    return [dtype_of(x) for x in values]
