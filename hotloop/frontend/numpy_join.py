"""Joining, splitting, repeating, padding: concatenate, stack, split, tile, repeat, roll, pad.

    np.concatenate([x, y])      # an array of n + m, with x and y stored in its two parts
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import numpy_in_python as plain
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import check, emit, fail, lit, staging, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.list_values import List
from hotloop.frontend.numpy_arrays import (
    as_array,
    as_dtype,
    axis_of,
    common_dtype,
    delivered,
    filled,
    object_array,
    scalar_of,
    settled,
    static_int,
)
from hotloop.frontend.numpy_atoms import atom_of, both, either
from hotloop.frontend.numpy_create import fit_item, stacked
from hotloop.frontend.numpy_shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    moveaxis,
    ravel,
    reshape_to,
)
from hotloop.frontend.registry import NUMPY, method, numpy_function
from hotloop.frontend.tracers import (
    Array,
    as_int,
    broadcast,
    broadcast_into,
    convert,
    dim_of,
    dtype_of,
    fresh,
    full,
    iota,
    is_python_number,
    keep_order,
    lift,
    stored,
    value,
    wrap,
    zero,
)
from hotloop.ir.core import Atom, Dim
from hotloop.ir.types import I64

# ---- joining

def sequence(arrays: Any) -> list[Any]:
    """The arrays of a sequence argument; an array gives its items along the first axis."""
    if isinstance(arrays, Array) and isinstance(arrays.dims[0], int):
        return [arrays[k] for k in range(arrays.dims[0])]
    return list(arrays)


def rows(arrays: Any, verb: str) -> Array | None:
    """All arrays of a sequence of run-time length, along a new first axis; None for others."""
    if not isinstance(arrays, List) and not (
            isinstance(arrays, Array) and arrays.ndim and not isinstance(arrays.dims[0], int)):
        return None
    n = arrays.n if isinstance(arrays, List) else arrays.dims[0]
    some = dm.compare("lt", 0, n)
    if some is not True:
        check(some, ValueError, f"need at least one array to {verb}")
    return as_array(arrays)


def end_to_end(x: Array, axis: int, dtype: Any, casting: str) -> Array:
    """The rows of `x`, which are at least vectors, one after the other along an axis of theirs."""
    target = joined_dtype([x], dtype, casting)
    moved = moveaxis(x, 0, axis)
    dims = moved.dims
    length = dm.product((dims[axis], dims[axis + 1]))
    joined = fresh(convert(moved.value(), target))
    return fresh(reshape_to(joined, (*dims[:axis], length, *dims[axis + 2:])).value())


def joined_dtype(parts: Sequence[Array], dtype: Any, casting: str) -> np.dtype:
    if dtype is None:
        return np.result_type(*[p.dtype for p in parts])
    target = as_dtype(dtype)
    for p in parts:
        if not np.can_cast(p.dtype, target, casting):  # type: ignore[arg-type]
            fail(TypeError, f"Cannot cast array data from {p.dtype!r} to {target!r} according to "
                 f"the rule '{casting}'")
    return target


def placed(target: Atom, part: Atom, axis: int, start: Dim) -> Atom:
    """`target` with `part` stored from `start` on along an axis."""
    codes = "".join("s" if k == axis else ":" for k in range(len(target.shape)))
    return emit("set", [target, part, atom_of(start), atom_of(part.shape[axis]), 1],
                [(target.dtype, target.shape)], codes=codes)[0]


def joined(parts: Sequence[Atom], axis: int) -> Atom:
    """Atoms of one dtype, of equal dimensions but for `axis`, one after the other."""
    if len(parts) == 1:
        return parts[0]
    starts = [dm.form(0)]
    for p in parts:
        starts.append(dm.plus(starts[-1], dm.form(p.shape[axis])))
    length = dm.dim(starts[-1])
    dims = tuple(length if k == axis else d for k, d in enumerate(parts[0].shape))
    result = full(zero(parts[0].dtype), dims)
    for part, start in zip(parts, starts, strict=False):
        if not (isinstance(part.shape[axis], int) and part.shape[axis] == 0):
            result = placed(result, part, axis, dm.dim(start))
    return result


@numpy_function(np.concatenate, getattr(np, "concat", np.concatenate))
def concatenate(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None,
                casting: str = "same_kind") -> Any:
    whole = rows(arrays, "concatenate")
    if whole is not None:
        if axis is None:
            target = joined_dtype([whole], dtype, casting)
            return delivered(ravel(fresh(convert(whole.value(), target))), out)
        if whole.ndim == 1:
            fail(ValueError, "zero-dimensional arrays cannot be concatenated")
        return delivered(end_to_end(whole, axis_of(axis, whole.ndim - 1), dtype, casting), out)
    items = sequence(arrays)
    parts = [as_array(x) for x in items]
    if not parts:
        fail(ValueError, "need at least one array to concatenate")
    if axis is None:                    # with numbers, of which Python's are weak
        if dtype is None and any(map(is_python_number, items)):
            dtype, casting = common_dtype([x if is_python_number(x) else p for x, p in zip(
                items, parts, strict=True)]), "unsafe"
        parts, axis = [ravel(p) for p in parts], 0
    rank = parts[0].ndim
    if rank == 0:
        fail(ValueError, "zero-dimensional arrays cannot be concatenated")
    k = axis_of(axis, rank)
    for j, p in enumerate(parts[1:], 1):
        if p.ndim != rank:
            fail(ValueError, "all the input arrays must have same number of dimensions, but the "
                 f"array at index 0 has {rank} dimension(s) and the array at index {j} has "
                 f"{p.ndim} dimension(s)")
        for i in range(rank):
            if i != k:
                dm.require_equal(
                    parts[0].dims[i], p.dims[i], "all the input array dimensions except for the "
                    f"concatenation axis must match exactly, but along dimension {i}, the array "
                    f"at index 0 has size {{}} and the array at index {j} has size {{}}",
                    parts[0].dims[i], p.dims[i])
    target = joined_dtype(parts, dtype, casting)
    first = parts[0].dims
    atoms = [broadcast(convert(p.value(), target),
                       tuple(d if i == k else e
                             for i, (d, e) in enumerate(zip(p.dims, first, strict=True))))
             for p in parts]
    result = fresh(joined(atoms, k))
    like = [Array(p.base, p.steps, result.dims) for p in parts]
    return delivered(keep_order(result, like), out)


@numpy_function(np.stack)
def stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None,
          casting: str = "same_kind") -> Any:
    whole = rows(arrays, "stack")
    if whole is not None:
        target = joined_dtype([whole], dtype, casting)
        result = fresh(convert(whole.value(), target))
        return delivered(fresh(moveaxis(result, 0, axis_of(axis, whole.ndim)).value()), out)
    parts = [as_array(x) for x in sequence(arrays)]
    if not parts:
        fail(ValueError, "need at least one array to stack")
    inner = parts[0].dims
    for p in parts[1:]:
        if p.ndim != len(inner):
            fail(ValueError, "all input arrays must have the same shape")
        for d, e in zip(inner, p.dims, strict=True):
            dm.require_equal(d, e, "all input arrays must have the same shape")
    k = axis_of(axis, len(inner) + 1)
    target = joined_dtype(parts, dtype, casting)
    result = stacked([fit_item(p, target) for p in parts], inner, target)
    return delivered(moveaxis(result, 0, k) if k == 0 or out is not None
                     else fresh(moveaxis(result, 0, k).value()), out)


def with_axes(x: Array, rank: int, at: int) -> Array:
    """The rows of `x` with axes of 1 put in at a place until they have the rank."""
    missing = max(0, rank + 1 - x.ndim)
    dims = (*x.dims[:at + 1], *(1,) * missing, *x.dims[at + 1:])
    return reshape_to(x, dims) if missing else x


@numpy_function(np.vstack, getattr(np, "row_stack", np.vstack))
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    whole = rows(tup, "concatenate")
    if whole is not None:
        return end_to_end(with_axes(whole, 2, 0), 0, dtype, casting)
    return concatenate([atleast_2d(x) for x in sequence(tup)], 0, dtype=dtype, casting=casting)


@numpy_function(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    whole = rows(tup, "concatenate")
    if whole is not None:
        return end_to_end(with_axes(whole, 1, 0), 0 if whole.ndim < 3 else 1, dtype, casting)
    parts = [atleast_1d(x) for x in sequence(tup)]
    axis = 0 if parts and parts[0].ndim == 1 else 1
    return concatenate(parts, axis, dtype=dtype, casting=casting)


@numpy_function(np.dstack)
def dstack(tup: Any) -> Any:
    whole = rows(tup, "concatenate")
    if whole is not None:
        whole = with_axes(with_axes(whole, 2, 0), 3, 2)
        return end_to_end(whole, 2, None, "same_kind")
    return concatenate([atleast_3d(x) for x in sequence(tup)], 2)


@numpy_function(np.column_stack)
def column_stack(tup: Any) -> Any:
    whole = rows(tup, "concatenate")
    if whole is not None:
        return end_to_end(with_axes(with_axes(whole, 1, 0), 2, 1), 1, None, "same_kind")
    parts = [as_array(x) for x in sequence(tup)]
    return concatenate([p if p.ndim >= 2 else atleast_2d(p).T for p in parts], 1)


@numpy_function(np.block)
def block(arrays: Any) -> Any:
    def depth(x: Any) -> int:
        return 1 + max(map(depth, x)) if isinstance(x, list) else 0

    def join(x: Any, axis: int) -> Any:
        if not isinstance(x, list):
            return x
        return concatenate([join(e, axis + 1) for e in x], axis)

    def leaves(x: Any) -> list[Any]:
        return [leaf for e in x for leaf in leaves(e)] if isinstance(x, list) else [as_array(x)]
    levels = depth(arrays)
    rank = max([levels, *(leaf.ndim for leaf in leaves(arrays))])

    def raised(x: Any) -> Any:
        if isinstance(x, list):
            return [raised(e) for e in x]
        a = as_array(x)
        return a[(None,) * (rank - a.ndim)] if a.ndim < rank else a
    if levels == 0:
        return fresh(as_array(arrays).value())
    return join(raised(arrays), rank - levels)


@numpy_function(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return concatenate([ravel(arr), ravel(values)])
    return concatenate([arr, values], axis)


# ---- splitting

@numpy_function(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    a = as_array(ary)
    k = axis_of(axis, a.ndim)
    n = as_int(a.dims[k])
    if isinstance(indices_or_sections, list | tuple | np.ndarray):
        cuts = [0, *indices_or_sections, n]
    else:
        sections = static_int(indices_or_sections, "the number of sections")
        if sections <= 0:
            fail(ValueError, "number sections must be larger than 0.")
        each, extra = n // sections, n % sections
        cuts = [j * each + scalar_min(j, extra) for j in range(sections)] + [n]
    whole = (slice(None),) * k
    return [a[(*whole, slice(lo, hi))] for lo, hi in itertools.pairwise(cuts)]


def scalar_min(a: int, b: Any) -> Any:
    if isinstance(b, int):
        return min(a, b)
    return as_int(dm.minimum(a, dim_of(b)))


@numpy_function(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if not isinstance(indices_or_sections, list | tuple | np.ndarray):
        a = object_array(ary)
        k = axis_of(axis, a.ndim)
        n, sections = a.dims[k], static_int(indices_or_sections, "the number of sections")
        rest = n % sections if isinstance(n, int) else dim_of(as_int(n) % sections)
        dm.require_equal(rest, 0, "array split does not result in an equal division")
        each = as_int(n) // sections
        whole = (slice(None),) * k
        return [a[(*whole, slice(j * each, (j + 1) * each))] for j in range(sections)]
    return array_split(ary, indices_or_sections, axis)


@numpy_function(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    a = object_array(ary)
    if a.ndim == 0:
        fail(ValueError, "hsplit only works on arrays of 1 or more dimensions")
    return split(a, indices_or_sections, 1 if a.ndim > 1 else 0)


@numpy_function(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    a = object_array(ary)
    if a.ndim < 2:
        fail(ValueError, "vsplit only works on arrays of 2 or more dimensions")
    return split(a, indices_or_sections, 0)


@numpy_function(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    a = object_array(ary)
    if a.ndim < 3:
        fail(ValueError, "dsplit only works on arrays of 3 or more dimensions")
    return split(a, indices_or_sections, 2)


@numpy_function("unstack")
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    a = moveaxis(object_array(x), axis, 0)
    if not isinstance(a.dims[0], int):
        raise staging("not supported: np.unstack along an axis of unknown length",
                      "index the array", a.dims[0])
    return tuple(a[k] for k in range(a.dims[0]))


# ---- repeating

@numpy_function(np.repeat)
@method("repeat")
def repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    a = as_array(a)
    if axis is None or not a.dims and axis in (0, -1):
        a, axis = ravel(a), 0
    k = axis_of(axis, a.ndim)
    times = scalar_of(repeats)
    if isinstance(times, Array):
        return repeat_each(a, times, k)
    count = dim_of(times)
    enough = dm.compare("ge", count, 0)
    if enough is not True:                       # nothing is repeated any number of times
        none = dm.compare("eq", dm.product(a.dims), 0)
        check(either(*(lit(x) if isinstance(x, bool) else x for x in (enough, none))), ValueError,
              "negative dimensions are not allowed")
        count = dm.at_least_zero(dm.form(count))
    wide = a[tuple(None if j == k + 1 else slice(None) for j in range(a.ndim + 1))]
    dims = (*a.dims[:k + 1], count, *a.dims[k + 1:])
    stretched = fresh(broadcast(wide.value(), dims))
    return reshape_to(stretched, (*a.dims[:k], dm.product((a.dims[k], count)), *a.dims[k + 1:]))


def repeat_each(a: Array, times: Array, axis: int) -> Array:
    """A number of repeats for each item: the source of each result by its place in the sums."""
    n = a.dims[axis]
    if isinstance(times.dims[0], int) and times.dims[0] == 1:
        return repeat(a, times[0], axis)
    dm.require_equal(times.dims[0], n, "operands could not be broadcast together with shape "
                     "({},) ({},)", n, times.dims[0])
    counts = ufuncs.apply(np.maximum, [times, 0])
    ends = as_array(NUMPY[np.cumsum](counts))
    total = NUMPY[np.sum](counts)
    size = dim_of(total)
    if not isinstance(size, int):
        dm.bound(size, 0, dm.MAX_DIM)
    source = NUMPY[np.searchsorted](ends, fresh(iota(size)), "right")
    return a[(slice(None),) * axis + (source,)]


@numpy_function(np.tile)
def tile(A: Any, reps: Any) -> Array:
    a = as_array(A)
    given = [dim_of(settled(r)) for r in (reps if isinstance(reps, tuple | list) else (reps,))]
    rank = max(a.ndim, len(given))
    times: list[Dim] = [*[1] * (rank - len(given)), *given]
    if a.ndim < rank:
        a = a[(None,) * (rank - a.ndim)]
    index: list[Any] = []
    dims: list[Dim] = []
    for d, r in zip(a.dims, times, strict=True):
        index += [None, slice(None)]
        dims += [r, d]
    wide = fresh(broadcast(a[tuple(index)].value(), tuple(dims)))
    result = reshape_to(wide, [dm.product((d, r)) for d, r in zip(a.dims, times, strict=True)])
    return fresh(result.value())


@numpy_function(np.resize)
def resize(a: Any, new_shape: Any) -> Array:
    a = ravel(a)
    dims = tuple(dim_of(settled(d)) for d in (
        new_shape if isinstance(new_shape, tuple | list) else (new_shape,)))
    for d in dims:
        dm.require("ge", d, 0, ValueError, "all elements of `new_shape` must be non-negative")
    return reshape_to(function(plain.resize)(a, as_int(dm.product(dims))), dims)


@numpy_function(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Array:
    a = as_array(a)
    if axis is None:
        return reshape_to(roll(ravel(a), shift, 0), a.dims)
    axes = axes_of_roll(axis, a.ndim)
    shifts = list(shift) if isinstance(shift, tuple | list) else [shift]
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(axes) == 1:
        axes = axes * len(shifts)
    if len(axes) != len(shifts):
        fail(ValueError, "'shift' and 'axis' should be scalars or 1D sequences")
    for s, k in zip(shifts, axes, strict=True):
        a = rolled(a, s, k)
    return a


def axes_of_roll(axis: Any, rank: int) -> list[int]:
    return [axis_of(k, rank) for k in (axis if isinstance(axis, tuple | list) else (axis,))]


def rolled(a: Array, shift: Any, axis: int) -> Array:
    """The last `shift` items first, then the others."""
    n = a.dims[axis]
    moved = dim_of(settled(shift))
    amount = wrapped_shift(moved, n)
    whole = (slice(None),) * axis
    rest = dm.dim(dm.minus(dm.form(n), dm.form(amount)))
    tail, head = a[(*whole, slice(as_int(rest), None))], a[(*whole, slice(None, as_int(rest)))]
    dims = a.dims
    target = full(zero(a.dtype), dims)
    target = placed(target, sized(tail, axis, amount), axis, 0)
    return fresh(placed(target, sized(head, axis, rest), axis, amount))


def sized(a: Array, axis: int, size: Dim) -> Atom:
    """The value with the dimension spelled as `size` (they are equal)."""
    return broadcast(a.value(), tuple(size if k == axis else d for k, d in enumerate(a.dims)))


def wrapped_shift(shift: Dim, n: Dim) -> Dim:
    """`shift` modulo n; 0 for n = 0."""
    if isinstance(shift, int) and isinstance(n, int):
        return shift % n if n else 0
    amount, = emit("remainder", [atom_of(shift), atom_of(n)], [(I64, ())])
    dm.bound(amount, 0, dm.MAX_DIM)
    dm.fact(dm.minus(dm.form(n), {amount: 1}))
    return amount


# ---- padding

def pad_widths(width: Any, rank: int) -> list[tuple[Dim, Dim]]:
    """(before, after) for each axis."""
    if isinstance(width, np.ndarray):
        width = width.tolist()
    if isinstance(width, Array) and width.ndim and all(isinstance(d, int) for d in width.dims):
        width = [list(w) if isinstance(w, Array) else w for w in sequence(width)]
    if not isinstance(width, tuple | list):
        n = dim_of(settled(width))
        return [(n, n)] * rank
    if len(width) and isinstance(width[0], tuple | list):
        pairs = [(dim_of(settled(p[0])), dim_of(settled(p[-1]))) for p in width]
        pairs = pairs * rank if len(pairs) == 1 else pairs
    elif len(width) == 2:
        pairs = [(dim_of(settled(width[0])), dim_of(settled(width[1])))] * rank
    elif len(width) == 1:
        pairs = [(dim_of(settled(width[0])),) * 2] * rank
    else:
        raise unsupported("np.pad by a list of widths that are no pairs")
    if len(pairs) != rank:
        fail(ValueError, f"operands could not be broadcast together with remapped shapes "
             f"({len(pairs)},2) and requested shape ({rank},2)")
    return pairs


@numpy_function(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Array:
    a = as_array(array)
    widths = pad_widths(pad_width, a.ndim)
    for pair in widths:
        for w in pair:
            dm.require("ge", w, 0, ValueError, "index can't contain negative values")
    if mode == "constant" and not options.keys() - {"constant_values"}:
        return pad_constant(a, widths, options.pop("constant_values", 0))
    allowed = {"reflect_type"} if mode in ("reflect", "symmetric") else set()
    if mode not in SOURCES or options.keys() - allowed:
        raise unsupported(f"np.pad with mode={mode!r}", "modes here: constant, edge, reflect, "
                          "symmetric, wrap")
    if options.get("reflect_type", "even") != "even":
        raise unsupported("np.pad with reflect_type='odd'")
    for k, (before, after) in enumerate(widths):
        n = a.dims[k]
        none = all(isinstance(w, int) and w == 0 for w in (before, after))
        if not none:
            empty = f"can't extend empty axis {k} using modes other than 'constant' or 'empty'"
            some = dm.compare("gt", n, 0)
            if some is not True:
                there, first, last = (lit(x) if isinstance(x, bool) else x for x in (
                    some, dm.compare("eq", before, 0), dm.compare("eq", after, 0)))
                check(either(there, both(first, last)), ValueError, empty)
        length = dm.dim(dm.plus(dm.plus(dm.form(n), dm.form(before)), dm.form(after)))
        place = ufuncs.apply(np.subtract, [fresh(iota(length)), as_int(before)])
        a = a[(slice(None),) * k + (SOURCES[mode](place, as_int(n)),)]
    return a


def pad_constant(a: Array, widths: list[tuple[Dim, Dim]], constants: Any) -> Array:
    if isinstance(constants, tuple | list):
        raise unsupported("np.pad with several constants")
    dims = tuple(dm.dim(dm.plus(dm.plus(dm.form(n), dm.form(p)), dm.form(q)))
                 for n, (p, q) in zip(a.dims, widths, strict=True))
    constant = stored(wrap(value(settled(lift(constants)))), a.dtype)      # a NumPy number
    result = filled(wrap(constant), dims, a.dtype).value()
    operands: list[Atom] = []
    for n, (before, _) in zip(a.dims, widths, strict=True):
        operands += [atom_of(before), atom_of(n), atom_of(1)]
    return fresh(emit("set", [result, a.value(), *operands], [(a.dtype, dims)],
                      codes="s" * a.ndim)[0])


def _edge(place: Any, n: Any) -> Any:
    return ufuncs.apply(np.minimum, [ufuncs.apply(np.maximum, [place, 0]), n - 1])


def _wrap(place: Any, n: Any) -> Any:
    return ufuncs.apply(np.remainder, [place, n])


def _symmetric(place: Any, n: Any) -> Any:
    turn = ufuncs.apply(np.remainder, [place, 2 * n])
    return ufuncs.apply(np.minimum, [turn, (2 * n - 1) - turn])


def _reflect(place: Any, n: Any) -> Any:
    """Period 2n - 2; an axis of size 1 repeats its only item."""
    period = 2 * n - 2
    if not isinstance(period, int):
        period = as_int(dm.maximum(dim_of(period), 1))
    turn = ufuncs.apply(np.remainder, [place, max(period, 1) if isinstance(period, int)
                                       else period])
    folded = ufuncs.apply(np.minimum, [turn, period - turn])
    return ufuncs.apply(np.minimum, [folded, n - 1])


SOURCES: dict[str, Callable[[Any, Any], Any]] = {
    "edge": _edge, "wrap": _wrap, "symmetric": _symmetric, "reflect": _reflect}


# ---- inserting and deleting

@numpy_function(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Array:
    a = as_array(arr)
    if axis is None:
        a, axis = ravel(a), 0
    k = axis_of(axis, a.ndim)
    place = scalar_of(obj)
    if isinstance(place, Array) or isinstance(obj, slice):
        raise unsupported("np.insert at several places", "insert one after the other")
    whole = (slice(None),) * k
    at = checked_place(place, a.dims[k], k, 0)
    new = moveaxis(NUMPY[np.array](values, a.dtype, ndmin=a.ndim), 0, k)
    part = broadcast_into(new.value(),
                          tuple(new.dims[k] if j == k else d for j, d in enumerate(a.dims)))
    return fresh(joined([a[(*whole, slice(None, at))].value(), part,
                         a[(*whole, slice(at, None))].value()], k))


def checked_place(place: Any, n: Dim, axis: int, beyond: int) -> Any:
    """An index from 0 to n - beyond; negative ones count from the end."""
    i = dim_of(place)
    last = dm.dim(dm.minus(dm.form(n), dm.form(beyond)))
    message = f"index {{}} is out of bounds for axis {axis} with size {{}}"
    if dm.sign(i) < 0:
        moved = dm.dim(dm.plus(dm.form(n), dm.form(i)))
        dm.require("ge", moved, 0, IndexError, message, i, n)
        return as_int(moved)
    if dm.sign(i) == 0:
        negative = dm.compare("lt", i, 0)
        assert not isinstance(negative, bool)
        moved_, = emit("add", [atom_of(i), atom_of(n)], [(I64, ())])
        i, = emit("select", [negative, moved_, atom_of(i)], [(I64, ())])
        dm.require("ge", i, 0, IndexError, message, i, n)
    dm.require("le", i, last, IndexError, message, i, n)
    return as_int(i)


@numpy_function(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Array:
    a = as_array(arr)
    if axis is None:
        a, axis = ravel(a), 0
    k = axis_of(axis, a.ndim)
    n = a.dims[k]
    whole = (slice(None),) * k
    if isinstance(obj, slice):
        keep = NUMPY[np.ones](as_int(n), bool)
        keep[obj] = False
        return a[(*whole, keep)]
    place = scalar_of(obj)
    if isinstance(place, bool | np.bool_) or not isinstance(place, Array) and (
            dtype_of(place).kind == "b"):
        raise unsupported("np.delete by a bool")
    if isinstance(place, Array):
        if place.dtype == bool:
            return a[(*whole, ufuncs.apply(np.logical_not, [place]))]
        keep = NUMPY[np.ones](as_int(n), bool)
        keep[place] = False
        return a[(*whole, keep)]
    at = checked_place(place, n, k, 1)
    return fresh(joined([a[(*whole, slice(None, at))].value(),
                         a[(*whole, slice(at + 1, None))].value()], k))


@numpy_function(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Array:
    if not isinstance(filt, Array):
        raise unsupported("np.trim_zeros of a list, which gives a list", "make it an array")
    a = filt
    if a.ndim != 1:
        raise unsupported("np.trim_zeros of an array that is not a vector")
    if axis is not None and axis not in (0, -1) or not trim or set(trim.lower()) - set("fb"):
        raise unsupported("np.trim_zeros with these arguments")
    n = a.dims[0]
    there = ufuncs.apply(np.not_equal, [a, 0])
    place = fresh(iota(n))
    trim = trim.lower()
    size = as_int(n)
    first: Any = 0
    last: Any = size
    if "f" in trim:
        first = NUMPY[np.min](NUMPY[np.where](there, place, size), initial=size)
    if "b" in trim:
        last = NUMPY[np.max](NUMPY[np.where](there, place, -1), initial=-1) + 1
    if "f" in trim and "b" not in trim:
        last = size
    return a[bounded(first, n):bounded(last, n)]


def bounded(x: Any, n: Dim) -> Any:
    """A computed position as an index between 0 and n."""
    if isinstance(x, int):
        return x
    d = dim_of(x)
    if not isinstance(d, int):
        dm.bound(d, 0, dm.MAX_DIM)
        dm.fact(dm.minus(dm.form(n), {d: 1}))
    return as_int(d)
