"""Shapes: reshape, transpose, flip, squeeze, broadcast_to and their relatives.

    np.moveaxis(x, 0, -1)      # a view: x's base with one more step

What NumPy gives as a view is a view here (stores go through); what it copies is a new array. Where
that depends on strides that are unknown, the result is read-only by way of `may_share`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import check, fail, lit, staging, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axes_of,
    axis_of,
    broadcast_arrays,
    object_array,
    settled,
    static_int,
)
from hotloop.frontend.numpy_atoms import atom_of, both, negate, op, select
from hotloop.frontend.references import ChosenBase, mapped
from hotloop.frontend.registry import attribute, method, numpy_function
from hotloop.frontend.strides import Flag, is_contiguous, keeps_strides, never_one
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Scalar,
    as_int,
    convert,
    dim_of,
    dims_from,
    fresh,
    is_number,
    is_python_number,
    lift,
    may_share,
    reshaped,
)
from hotloop.frontend.views import Broadcast, Index, Reshape, Transpose, Windows, all_of
from hotloop.ir.core import Atom, Dim, Lit, Var
from hotloop.ir.types import F64, I64
from hotloop.ops.table import MAX_OPERANDS

memory_order = lazy.module("hotloop.frontend.memory_order")


# ---- reshape

def without_common(a: Sequence[Dim], b: Sequence[Dim]) -> tuple[list[Dim], list[Dim], list[Dim]]:
    """What is left of two lists of dimensions without the provably equal ones, and those."""
    rest, common = list(b), []
    left = []
    for d in a:
        k = next((k for k, e in enumerate(rest) if dm.equal(d, e)), None)
        if k is None:
            left.append(d)
        else:
            common.append(rest.pop(k))
    return left, rest, common


def target_dims(a: Array, shape: Sequence[Any]) -> tuple[Dim, ...]:
    """The dimensions that `a.reshape(shape)` gets: -1 resolved, the number of elements checked."""
    wanted = [dim_of(settled(d)) for d in shape]
    if any(isinstance(d, Var) and dm.sign(d) != 1 for d in wanted):
        return dims_with_signs(a, wanted)
    unknown = [k for k, d in enumerate(wanted) if isinstance(d, int) and d == -1]
    if len(unknown) > 1:
        fail(ValueError, "can only specify one unknown dimension")
    for d in wanted:
        if isinstance(d, int) and d < -1:
            fail(ValueError, "negative dimensions are not allowed")
    operands = [d for d in wanted if not isinstance(d, int)]
    spelled = ",".join("newaxis" if isinstance(d, int) and d == -1 else
                       str(d) if isinstance(d, int) else "{}" for d in wanted)
    message = f"cannot reshape array of size {{}} into shape ({spelled}{',' * (len(wanted) == 1)})"
    given = [d for k, d in enumerate(wanted) if k not in unknown]
    left, rest, common = without_common(a.dims, given)
    if not unknown:
        if dm.product(tuple(left)) is not dm.product(tuple(rest)):
            total = dm.product(a.dims)
            dm.require_equal(total, dm.product(tuple(given)), message, total, *operands)
        return tuple(wanted)
    for d in common:
        dm.require("gt", d, 0, ValueError, message, dm.product(a.dims), *operands)
    size, known = dm.product(tuple(left)), dm.product(tuple(rest))
    if isinstance(known, int) and known == 1:
        wanted[unknown[0]] = size
    else:
        if isinstance(known, int) and known == 0:
            fail(ValueError, message.format(dm.product(a.dims), *operands))
        count, left_over = divided(size, known)
        dm.require_equal(left_over, 0, message, dm.product(a.dims), *operands)
        wanted[unknown[0]] = count
    return tuple(wanted)


def dims_with_signs(a: Array, wanted: Sequence[Dim]) -> tuple[Dim, ...]:
    """The same where it is known only at run time which dimension is -1."""
    size = atom_of(dm.product(a.dims))
    spelled = ",".join("{}" if isinstance(d, Var) else str(d) for d in wanted)
    message = f"cannot reshape array of size {{}} into shape ({spelled}{',' * (len(wanted) == 1)})"
    operands = [size, *(d for d in wanted if isinstance(d, Var))]
    if len(operands) > MAX_OPERANDS:                          # more than a check can show
        message, operands = "cannot reshape array of size {} into this shape", [size]
    atoms = [atom_of(d) for d in wanted]
    minus = [op("eq", atom, lit(-1)) for atom in atoms]
    count: Atom = lit(0)
    known: Atom = lit(1)
    exact: Atom = Lit(1.0)
    for atom, is_minus in zip(atoms, minus, strict=True):
        check(op("ge", atom, lit(-1)), ValueError, "negative dimensions are not allowed")
        count = op("add", count, convert(is_minus, I64))
        size_of_it = select(is_minus, lit(1), atom)
        known = op("mul", known, size_of_it)
        exact = op("mul", exact, convert(size_of_it, F64))
    check(op("le", count, lit(1)), ValueError, "can only specify one unknown dimension")
    some, nothing = op("eq", count, lit(1)), op("eq", known, lit(0))
    check(negate(both(some, nothing)), ValueError, message, *operands)
    check(op("lt", exact, Lit(2.0**62)), ValueError, message, *operands)   # `known` has wrapped
    rest = op("floor_divide", size, op("maximum", known, lit(1)))
    whole = op("mul", known, select(some, rest, lit(1)))
    check(op("eq", whole, size), ValueError, message, *operands)
    found: list[Dim] = []
    for is_minus, atom in zip(minus, atoms, strict=True):
        d = dim_of(Scalar(select(is_minus, rest, atom), PYTHON))
        found.append(d if isinstance(d, int) else dm.bound(d, 0, dm.MAX_DIM))
    return tuple(found)


def divided(a: Dim, b: Dim) -> tuple[Dim, Dim]:
    """Quotient and remainder of two dimensions."""
    if isinstance(a, int) and isinstance(b, int):
        return divmod(a, b)
    q, r = as_int(a) // as_int(b), as_int(a) % as_int(b)
    quotient = dim_of(q)
    if not isinstance(quotient, int):
        dm.bound(quotient, 0, dm.MAX_DIM)
    return quotient, dim_of(r)


def splits(source: Sequence[Dim], target: Sequence[Dim]) -> bool:
    """Does a reshape only split an axis (or add and drop axes of size 1)? Then strides don't
    matter: it is a view."""
    s = [d for d in source if not (isinstance(d, int) and d == 1)]
    t = [d for d in target if not (isinstance(d, int) and d == 1)]
    while s and t and dm.equal(s[0], t[0]):
        s, t = s[1:], t[1:]
    while s and t and dm.equal(s[-1], t[-1]):
        s, t = s[:-1], t[:-1]
    return len(s) <= 1


def reshape_to(a: Array, dims: Sequence[Dim]) -> Array:
    """`a` under dimensions of the same number of elements: a view where NumPy gives one."""
    dims = tuple(dims)
    if a.contiguous or splits(a.dims, dims):
        return a.view(Reshape(dims))
    return view_or_copy(a, dims, lambda leaf: splits(leaf.dims, dims) or keeps_strides(leaf, dims))


def view_or_copy(a: Array, dims: tuple[Dim, ...], is_view: Callable[[Array], Flag | None]) -> Array:
    """`a` under other dimensions. `is_view`: of each array that `a` may be; None: it can't be
    told."""
    copy = fresh(reshaped(a.value(), dims))

    def one(leaf: Array) -> Array:
        flag = is_view(leaf.cast(a.dims))
        if flag is None:
            may_share(copy.base, leaf.base)
        if flag is None or flag is False:
            return copy
        view = leaf.cast(a.dims).view(Reshape(dims))
        return view if flag is True else Array(ChosenBase(flag, view, copy, copy), (), dims)
    found = mapped(a, one)
    assert found is not None
    return found


@numpy_function(np.reshape)
def reshape(a: Any, shape: Any = None, order: str = "C", *, copy: Any = None) -> Array:
    a = as_array(a)
    shape = settled(shape)
    sizes = list(shape) if isinstance(shape, tuple | list) else [shape]
    if index_order(a, order) == "F":
        return reshape(a.T, sizes[::-1], copy=copy).T
    result = reshape_to(a, target_dims(a, sizes))
    if copy is False and result.base is not a.base:
        if isinstance(result.base, ChosenBase) or is_contiguous(a) is None:
            raise unsupported("np.reshape with copy=False of an array of unknown strides")
        fail(ValueError, "Unable to avoid creating a copy while reshaping.")
    return fresh(result.value()) if copy else result


def index_order(a: Array, order: str) -> str:
    """"C" or "F": in which order `order` reads the elements of `a`."""
    order = order.upper()
    if order not in ("C", "F", "A", "K"):
        fail(ValueError, f"order must be one of 'C', 'F', 'A', or 'K' (got '{order}')")
    if order in ("C", "F"):
        return order
    if a.ndim < 2 or is_contiguous(a) is True:
        return "C"
    if is_contiguous(a.T) is True:
        return "F"
    if is_contiguous(a.T) is False and order == "A":
        return "C"
    raise unsupported(f"order={order!r} for an array whose order in memory is not known",
                      "use order='C' or order='F'")


def in_memory(a: Array, order: str) -> Array:
    """The view of `a` whose axes are in the order in which `order` reads its elements."""
    if order in ("K", "k") and a.ndim > 1 and is_contiguous(a) is not True:
        axes = memory_order.order_of(a)
        if axes is not None:
            return permuted(a, axes)
    return a.T if index_order(a, order) == "F" else a


@method("reshape")
def reshape_method(a: Any, *shape: Any, order: str = "C", **copy: Any) -> Array:
    if copy:
        np.zeros(1).reshape(1, **copy)          # raises before NumPy 2.1
    return reshape(a, shape[0] if len(shape) == 1 else shape, order, **copy)


@numpy_function(np.ravel)
@method("ravel")
def ravel(a: Any, order: str = "C") -> Array:
    a = in_memory(as_array(a), order)
    return view_or_copy(a, (dm.product(a.dims),), is_contiguous)


@method("flatten")
def flatten(a: Any, order: str = "C") -> Array:
    a = in_memory(as_array(a), order)
    return fresh(reshaped(a.value(), (dm.product(a.dims),)))


# ---- order of axes

def permuted(a: Array, perm: Sequence[int]) -> Array:
    if tuple(perm) == tuple(range(a.ndim)):
        return a.view(all_of(a.dims))
    return a.view(Transpose(perm, tuple(a.dims[k] for k in perm)))


@numpy_function(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    if axes is None and isinstance(a, Scalar) and not is_python_number(a):
        return a
    a = as_array(a)
    if axes is None:
        return permuted(a, range(a.ndim)[::-1])
    if isinstance(axes, Array | np.ndarray):
        raise unsupported("the axes of a transpose as an array", "pass a tuple")
    axes = axes if isinstance(axes, tuple | list) else (axes,)
    if len(axes) != a.ndim:
        fail(ValueError, "axes don't match array")
    perm = [axis_of(k, a.ndim) for k in axes]
    if len(set(perm)) != len(perm):
        fail(ValueError, "repeated axis in transpose")
    return permuted(a, perm)


@method("transpose")
def transpose_method(a: Any, *axes: Any) -> Array:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list | Array)):
        return transpose(a, axes[0])
    return transpose(a, axes or None)


@attribute("T")
def transposed(a: Any) -> Any:
    return a if isinstance(a, Scalar) else transpose(a)


@numpy_function(np.matrix_transpose, np.linalg.matrix_transpose)
@attribute("mT")
def matrix_transpose(a: Any) -> Array:
    a = as_array(a)
    if a.ndim < 2:
        fail(ValueError, f"Input array must be at least 2-dimensional, but it is {a.ndim}")
    return swapaxes(a, -1, -2)


@numpy_function(np.swapaxes)
@method("swapaxes")
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Array:
    a = as_array(a)
    i, j = axis_of(axis1, a.ndim), axis_of(axis2, a.ndim)
    perm = list(range(a.ndim))
    perm[i], perm[j] = j, i
    return permuted(a, perm)


@numpy_function(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Array:
    a = as_array(a)
    if source is None or destination is None:
        fail(TypeError, "'NoneType' object is not iterable")
    src = axes_of(source, a.ndim, "source")
    dst = axes_of(destination, a.ndim, "destination")
    if len(src) != len(dst):
        fail(ValueError, "`source` and `destination` arguments must have the same number of "
             "elements")
    order = [k for k in range(a.ndim) if k not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return permuted(a, order)


@numpy_function(np.rollaxis)
def rollaxis(a: Any, axis: Any, start: Any = 0) -> Array:
    a = object_array(a)
    k, n = axis_of(axis, a.ndim), a.ndim
    to = static_int(start, "start of rollaxis")
    if not -n <= to <= n:
        fail(AxisError, f"'start' arg requires {-n} <= start < {n + 1}, but {to} was passed in")
    to += n if to < 0 else 0
    if k < to:
        to -= 1
    order = [j for j in range(n) if j != k]
    order.insert(to, k)
    return permuted(a, order)


# ---- axes of size 1

@numpy_function(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Array:
    a = as_array(a)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    new = axes_of(tuple(axes), a.ndim + len(axes))
    return with_new_axes(a, new)


def with_new_axes(a: Array, new: Sequence[int]) -> Array:
    """A view with axes of size 1 at the positions `new` of the result."""
    old = iter(a.dims)
    rank = a.ndim + len(new)
    dims = tuple(1 if k in new else next(old) for k in range(rank))
    return a.view(Index("".join("n" if k in new else ":" for k in range(rank)), (), dims))


@numpy_function(np.squeeze)
@method("squeeze")
def squeeze(a: Any, axis: Any = None) -> Any:
    if is_number(lift(a)) and not is_python_number(a):
        return a
    a = as_array(a)
    if axis is None:
        drop = tuple(k for k, d in enumerate(a.dims) if isinstance(d, int) and d == 1)
        for d in a.dims:
            if not isinstance(d, int) and not never_one(d):
                raise staging("squeeze without an axis, of a dimension that may become 1",
                              "name the axis", d)
    elif not a.dims and axis in (0, -1):         # which NumPy lets pass
        drop = ()
    else:
        drop = axes_of(axis, a.ndim)
        for k in drop:
            dm.require_equal(a.dims[k], 1, "cannot select an axis to squeeze out which has size "
                             "not equal to one")
    return without_axes(a, drop)


def without_axes(a: Array, drop: Sequence[int]) -> Array:
    if not drop:
        return a.view(all_of(a.dims))
    codes = "".join("i" if k in drop else ":" for k in range(a.ndim))
    dims = tuple(d for k, d in enumerate(a.dims) if k not in drop)
    return a.view(Index(codes, [lit(0)] * len(drop), dims))


def _at_least(rank: int) -> Any:
    def one(x: Any) -> Array:
        a = as_array(x)
        if a.ndim >= rank:
            return a
        if rank == 3:
            places = {0: (0, 1, 2), 1: (0, 2), 2: (2,)}[a.ndim]
        else:
            places = tuple(range(rank - a.ndim))
        return with_new_axes(a, places)

    def atleast(*arrays: Any) -> Any:
        results = tuple(map(one, arrays))
        return results[0] if len(results) == 1 else results
    return atleast


atleast_1d = numpy_function(np.atleast_1d)(_at_least(1))
atleast_2d = numpy_function(np.atleast_2d)(_at_least(2))
atleast_3d = numpy_function(np.atleast_3d)(_at_least(3))


# ---- order of elements

@numpy_function(np.flip)
def flip(m: Any, axis: Any = None) -> Array:
    a = as_array(m)
    axes = axes_of(axis, a.ndim)
    return a[tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(a.ndim))]


@numpy_function(np.flipud)
def flipud(m: Any) -> Array:
    a = as_array(m)
    if a.ndim < 1:
        fail(ValueError, "Input must be >= 1-d.")
    return flip(a, 0)


@numpy_function(np.fliplr)
def fliplr(m: Any) -> Array:
    a = as_array(m)
    if a.ndim < 2:
        fail(ValueError, "Input must be >= 2-d.")
    return flip(a, 1)


@numpy_function(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Array:
    a = as_array(m)
    i, j = (axis_of(x, a.ndim) for x in axes)
    if i == j:
        fail(ValueError, "Axes must be different.")
    turns = static_int(k, "k of rot90") % 4
    if turns == 0:
        return a[...]
    if turns == 2:
        return flip(flip(a, i), j)
    return swapaxes(flip(a, j), i, j) if turns == 1 else flip(swapaxes(a, i, j), j)


# ---- broadcasting

@numpy_function(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Array:
    """A read-only view."""
    a = as_array(array)
    dims = dims_from(shape)
    if a.ndim > len(dims):
        fail(ValueError, "input operand has more dimensions than allowed by the axis remapping")
    (given, shown), (wanted, others) = dm.shape_text(a.dims), dm.shape_text(dims)
    message = ("operands could not be broadcast together with remapped shapes "
               f"[original->remapped]: {given}  and requested shape {wanted}")
    operands = [*shown, *others]
    if len(operands) > MAX_OPERANDS:                              # more than a check can show
        message, operands = "operands could not be broadcast together", []
    for have, want in zip(a.dims[::-1], dims[::-1], strict=False):
        if not (isinstance(have, int) and have == 1):
            dm.require_equal(have, want, message, *operands)
    return a.view(Broadcast(dims))


@numpy_function(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False,
                        writeable: bool = False) -> Array:
    """A read-only view."""
    if subok or writeable:
        raise unsupported("windows that can be stored to", "leave out subok= and writeable=")
    a = as_array(x)
    sizes = window_shape if isinstance(window_shape, tuple | list) else (window_shape,)
    axes = range(a.ndim) if axis is None else [
        axis_of(k, a.ndim) for k in (axis if isinstance(axis, tuple | list) else (axis,))]
    if len(sizes) != len(axes):
        fail(ValueError, f"a window of {len(sizes)} axes for {len(axes)} axes of the array")
    for k, size in zip(axes, map(dim_of, sizes), strict=True):
        dm.require("ge", size, 0, ValueError, "`window_shape` cannot contain negative values")
        dm.require("le", size, a.dims[k], ValueError,
                   "window shape cannot be larger than input array shape")
        count = dm.dim(dm.plus(dm.minus(dm.form(a.dims[k]), dm.form(size)), dm.ONE))
        a = a.view(Windows(k, (*a.dims[:k], count, *a.dims[k + 1:], size)))
    return a


@numpy_function(np.broadcast_arrays)
def broadcast_arrays_(*args: Any, subok: bool = False) -> tuple[Array, ...]:
    results = broadcast_arrays([as_array(a) for a in args])
    for result in results:
        result.base.readonly = "a store to a result of broadcast_arrays, which is read-only"
    return tuple(results)


@numpy_function(np.broadcast_shapes)
def broadcast_shapes(*shapes: Any) -> tuple[Any, ...]:
    return tuple(map(as_int, dm.broadcast_dims(*[dims_from(s) for s in shapes])))


# ---- questions

@numpy_function(np.shape)
def shape_of(a: Any) -> tuple[Any, ...]:
    return tuple(map(as_int, as_array(a).dims))


@numpy_function(np.ndim)
def ndim(a: Any) -> int:
    return as_array(a).ndim


@numpy_function(np.size)
def size(a: Any, axis: Any = None) -> Any:
    a = as_array(a)
    return as_int(dm.product(tuple(a.dims[k] for k in axes_of(axis, a.ndim))))
