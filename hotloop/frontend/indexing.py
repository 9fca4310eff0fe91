"""NumPy indexing of traced arrays: `x[...]` as views, gathers and stores.

    x[1:-1, k]      a view: codes "si", bounds proved or checked
    x[mask]         nonzero, then a gather
    x[mask] = 0.0   one select
    x[ix] = v       a scatter

Bounds: a start and stop of known sign give NumPy's clamped slice as `min`/`max` of affine forms, so
that `x[1:-1]` and `x[:-2]` have provably equal sizes; otherwise the clamping is emitted in full.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import check, current, emit, lit, unsupported
from hotloop.frontend.registry import NUMPY
from hotloop.frontend.tracers import (
    LIFTED,
    NUMPY_KIND,
    PYTHON,
    PYTHON_TYPES,
    Array,
    Flat,
    Scalar,
    Widened,
    as_int,
    broadcast,
    broadcast_into,
    convert,
    dim_of,
    dims_of,
    fresh,
    lift,
    stored,
)
from hotloop.frontend.views import Index
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL, I64

OUT_OF_BOUNDS = "index {} is out of bounds for axis %d with size {}"


def position(i: Any, n: Dim, axis: int) -> Dim:
    """One index into an axis of size n, in bounds and not negative: proved or checked."""
    i = dim_of(i)
    message = OUT_OF_BOUNDS % axis
    if isinstance(i, int) and isinstance(n, int) and not -n <= i < n:
        check(False, IndexError, message, i, n)
    side = dm.sign(i)
    if side > 0:
        dm.require("lt", i, n, IndexError, message, i, n)
        return i
    if side < 0:
        j = dm.dim(dm.plus(dm.form(n), dm.form(i)))
        dm.require("ge", j, 0, IndexError, message, i, n)
        return j
    negative = dm.compare("lt", i, 0)
    moved, = emit("add", [i, n], [(I64, ())])
    j, = emit("select", [negative, moved, i], [(I64, ())])
    low, = emit("ge", [j, lit(0)], [(BOOL, ())])
    high, = emit("lt", [j, n], [(BOOL, ())])
    check(emit("and", [low, high], [(BOOL, ())])[0], IndexError, message, i, n)
    dm.bound(j, 0, dm.MAX_DIM)
    dm.fact(dm.minus(dm.minus(dm.form(n), {j: 1}), dm.ONE))
    return j


def span(s: slice, n: Dim) -> tuple[Dim, Dim, Dim]:
    """(start, size, step) of a slice of an axis of size n; if size is 0 start may lie outside."""
    step = 1 if s.step is None else dim_of(s.step)
    if step == 1 and isinstance(step, int):
        start = 0 if s.start is None else dim_of(s.start)
        stop = n if s.stop is None else dim_of(s.stop)
        p = dm.sign(start)
        q = 1 if s.stop is None else dm.sign(stop)
        if p and q:
            if p < 0:
                start = dm.at_least_zero(dm.plus(dm.form(n), dm.form(start)))
            if q < 0:
                stop = dm.dim(dm.plus(dm.form(n), dm.form(stop)))
            elif s.stop is not None:
                stop = dm.minimum(stop, n)
            return start, dm.at_least_zero(dm.minus(dm.form(stop), dm.form(start))), 1
    if step == -1 and isinstance(step, int) and s.start is None and s.stop is None:
        return dm.dim(dm.minus(dm.form(n), dm.ONE)), n, -1
    return _any_span(s, n, step)


def _any_span(s: slice, n: Dim, step: Dim) -> tuple[Dim, Dim, Dim]:
    """`slice.indices` of CPython, in arithmetic."""
    dm.require("ne", step, 0, ValueError, "slice step cannot be zero")
    if isinstance(step, Var) and not dm.sign(step):
        return _span_of_any_sign(s, n, step)
    backward = dm.sign(step) < 0
    last = dm.dim(dm.minus(dm.form(n), dm.ONE))
    lower: Dim = -1 if backward else 0
    upper: Dim = last if backward else n

    def clamped(bound: Any, default: Dim) -> Dim:
        if bound is None:
            return default
        bound = dim_of(bound)
        side = dm.sign(bound)
        if side < 0:
            return dm.maximum(dm.dim(dm.plus(dm.form(bound), dm.form(n))), lower)
        if side > 0:
            return dm.minimum(bound, upper)
        moved, = emit("add", [bound, n], [(I64, ())])
        inside, = emit("select", [emit("lt", [bound, lit(0)], [(BOOL, ())])[0], moved, bound],
                       [(I64, ())])
        inside, = emit("maximum", [inside, lower], [(I64, ())])
        result, = emit("minimum", [inside, upper], [(I64, ())])
        if result not in current().bounds:
            dm.bound(result, -1 if backward else 0, dm.MAX_DIM)
            dm.fact(dm.minus(dm.form(upper), {result: 1}))
        return result

    start = clamped(s.start, upper if backward else lower)
    stop = clamped(s.stop, lower if backward else upper)
    distance = dm.minus(dm.form(start), dm.form(stop)) if backward else dm.minus(
        dm.form(stop), dm.form(start))
    length = dm.at_least_zero(distance)
    if isinstance(step, int) and abs(step) == 1:
        return start, length, step
    stride = dm.dim(dm.negate(dm.form(step))) if backward else step
    if isinstance(length, int) and isinstance(stride, int):
        return start, -(-length // stride), step
    # (length + stride - 1) // stride without overflow for a large stride
    less = dm.dim(dm.minus(dm.form(length), dm.ONE))
    quotient, = emit("floor_divide", [less, stride], [(I64, ())])
    size, = emit("add", [quotient, lit(1)], [(I64, ())])
    if size not in current().bounds:
        dm.bound(size, 0, max(dm.bounds(dm.form(length))[1], 0))
        dm.fact(dm.minus(dm.form(length), {size: 1}))
        if isinstance(stride, int):
            # size*stride <= length + stride - 1, and >= length
            dm.fact(dm.plus({None: stride - 1, size: -stride}, dm.form(length)))
            dm.fact(dm.plus({size: stride}, dm.form(length), -1))
    return start, size, step


def _span_of_any_sign(s: slice, n: Dim, step: Var) -> tuple[Dim, Dim, Dim]:
    """The same for a step that may go either way."""
    def op(name: str, *atoms: Any) -> Var:
        return emit(name, atoms, [(BOOL if name in ("lt", "ge") else I64, ())])[0]

    backward = op("lt", step, lit(0))
    last = dm.dim(dm.minus(dm.form(n), dm.ONE))
    lower, upper = op("select", backward, lit(-1), lit(0)), op("select", backward, last, n)

    def clamped(bound: Any, default: Var) -> Var:
        if bound is None:
            return default
        bound = dim_of(bound)
        inside = op("select", op("lt", bound, lit(0)), op("add", bound, n), bound)
        return op("minimum", op("maximum", inside, lower), upper)

    start = clamped(s.start, op("select", backward, upper, lower))
    stop = clamped(s.stop, op("select", backward, lower, upper))
    ahead, back = op("sub", stop, start), op("sub", start, stop)
    length = op("maximum", op("select", backward, back, ahead), lit(0))
    stride = op("abs", op("maximum", step, lit(-dm.MAX)))
    size = op("add", op("floor_divide", op("sub", length, lit(1)), stride), lit(1))
    dm.bound(size, 0, dm.MAX_DIM)
    return start, size, step


def nonzero(mask: Atom) -> tuple[Dim, tuple[Atom, ...]]:
    """The number of true elements and their index vectors."""
    builder = current()
    key = ("nonzero", mask)
    found = builder.state.numbered.get(key)
    if found is None or not builder.sees(found[0]):
        count = builder.bind(I64)
        vectors = [builder.bind(I64, (count,)) for _ in mask.shape]
        found = emit("nonzero", [mask], [count, *vectors])
        builder.state.numbered[key] = found
        dm.bound(count, 0, dm.MAX_DIM)
        if len(mask.shape) == 1:
            dm.fact(dm.minus(dm.form(mask.shape[0]), {count: 1}))
    return found[0], tuple(found[1:])


def _flat_index(x: Array, index: Any) -> list[Any]:
    """The index as a list over all axes: Ellipsis expanded, sequences as arrays."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [_listed(list(p)) if isinstance(p, tuple) else
             _listed(p) if isinstance(p, list | np.ndarray | range) or type(p) in LIFTED else p
             for p in parts]
    used = sum(len(dims_of(p)) if _is_mask(p) else 0 if p is None or p is Ellipsis else 1
               for p in parts)
    if used > x.ndim:
        raise IndexError(f"too many indices for array: array is {x.ndim}-dimensional, "
                         f"but {used} were indexed")
    at = [k for k, p in enumerate(parts) if p is Ellipsis]
    if len(at) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    whole = [slice(None)] * (x.ndim - used)
    return parts[:at[0]] + whole + parts[at[0] + 1:] if at else parts + whole


def _listed(p: Any) -> Any:
    """The array of an index; an empty list's is one of ints."""
    x = lift(p)
    if isinstance(p, list) and isinstance(x, Array) and 0 in x.dims and x.dtype.kind == "f":
        return fresh(convert(x.value(), I64))
    return x


def _is_mask(p: Any) -> bool:
    return isinstance(p, Array) and p.dtype == BOOL and p.ndim > 0


def select(x: Array, index: Any) -> Selection:
    """The parsed index; one with the same numbers that was parsed before, if it is in sight."""
    key = _index_key(index)
    if key is None:
        return Selection(x, index)
    builder = current()
    known = builder.state.selections
    key = (key, x.dims)
    found = known.get(key)
    if found is not None and found[0].encloses(builder):
        return found[1]
    made = Selection(x, index)
    known[key] = current(), made        # its checks may have opened an arm of a try statement
    return made


def _index_key(p: Any) -> Any:
    """What tells an index of numbers and slices; None for others."""
    kind = type(p)
    if kind is tuple:
        keys = tuple(map(_index_key, p))
        return None if None in keys else keys
    if kind is int or p is None or p is Ellipsis:
        return kind, p
    if kind is slice:
        parts = tuple(_index_key(e) for e in (p.start, p.stop, p.step))
        return None if None in parts else (slice, *parts)
    if kind is Scalar and type(p.atom) is Var:
        return kind, p.atom, p.kind
    return None


class Selection:
    """A parsed index: codes and operands of get/set, the shape selected, whether it is a view."""

    __slots__ = ("gathers", "index", "scalar")

    def __init__(self, x: Array, index: Any):
        codes: list[str] = []
        operands: list[Atom] = []
        shape: list[Any] = []
        arrays: list[tuple[int, Atom]] = []        # (place in operands, index array)
        advanced: list[int] = []                   # places in codes of a and i
        axis = 0
        for p in _flat_index(x, index):
            if p is None:
                codes.append("n")
                shape.append(1)
                continue
            n = x.dims[axis]
            if isinstance(p, slice):
                start, size, step = span(p, n)
                whole = step == 1 and isinstance(step, int) and start == 0 and isinstance(
                    start, int) and (size is n or isinstance(size, int) and size == n)
                codes.append(":" if whole else "s")
                if not whole:
                    operands += [_atom(start), _atom(size), _atom(step)]
                shape.append(n if whole else size)
            elif _is_mask(p):
                for d, e in zip(p.dims, x.dims[axis:], strict=False):
                    dm.require_equal(d, e, "boolean index did not match indexed array: "
                                     "dimensions {} and {}", _atom(d), _atom(e),
                                     exception=IndexError)
                _, vectors = nonzero(p.value())
                for v in vectors:
                    self._array(v, codes, operands, shape, arrays, advanced)
                axis += len(vectors)
                continue
            elif isinstance(p, Array) and p.ndim:
                v = _wrapped(p, n, axis)
                self._array(v, codes, operands, shape, arrays, advanced)
            elif isinstance(p, bool | np.bool_) or (
                    isinstance(p, Scalar) and p.atom.dtype == BOOL):
                raise unsupported("a boolean scalar as an index", "use an if statement")
            else:
                self._check_integer(p)
                advanced.append(len(codes))
                codes.append("i")
                operands.append(_atom(position(p, n, axis)))
            axis += 1
        self.gathers = bool(arrays)
        if arrays:
            joint = dm.broadcast_dims(*(v.shape for _, v in arrays))
            for k, v in arrays:
                operands[k] = broadcast(v, joint)
            adjacent = advanced == list(range(advanced[0], advanced[-1] + 1))
            first = advanced[0]
            before = sum(1 for c in codes[:first] if c in ":sn") if adjacent else 0
            rest = [d for d in shape if d is not None]
            shape = rest[:before] + list(joint) + rest[before:]
        self.index = Index("".join(codes), operands, tuple(shape))
        self.scalar = set(codes) == {"i"} and not (
            isinstance(index, tuple) and any(p is Ellipsis for p in index))

    @staticmethod
    def _array(v: Atom, codes: list[str], operands: list[Atom], shape: list[Any],
               arrays: list[tuple[int, Atom]], advanced: list[int]) -> None:
        advanced.append(len(codes))
        codes.append("a")
        arrays.append((len(operands), v))
        operands.append(v)
        shape.append(None)

    @staticmethod
    def _check_integer(p: Any) -> None:
        if isinstance(p, Widened) and p.narrow_dtype is not None and p.narrow_dtype.kind in "iu" \
                and p.dtype.kind not in "iu":
            raise unsupported("an index that is an int on one path and a float on another",
                              "use two names, or int(...)")
        if isinstance(p, float | np.floating | complex | str) or (
                isinstance(p, Scalar | Array) and p.dtype.kind not in "iu"
                if not (isinstance(p, Scalar) and p.kind == PYTHON)
                else p.atom.dtype.kind not in "iu"):
            raise IndexError("only integers, slices (`:`), ellipsis (`...`), numpy.newaxis "
                             "(`None`) and integer or boolean arrays are valid indices")


def _atom(d: Dim) -> Atom:
    return lit(d) if isinstance(d, int) else d


def _wrapped(p: Array, n: Dim, axis: int) -> Atom:
    """An index array in bounds and not negative."""
    if p.dtype.kind not in "iu":
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    raw = p.value()
    builder = current()
    key, known = ("wrapped", raw, n), builder.state.selections
    found = known.get(key)
    if found is not None and found[0].encloses(builder):
        return cast(Var, found[1])
    v = convert(raw, I64)
    shape = v.shape
    zero, size = lit(0), _atom(n)
    if p.dtype.kind == "i" or p.dtype == np.uint64:          # NumPy casts it as well
        negative, = emit("lt", [v, zero], [(BOOL, shape)])
        moved, = emit("add", [v, size], [(I64, shape)])
        v, = emit("select", [negative, moved, v], [(I64, shape)])
    low, = emit("ge", [v, zero], [(BOOL, shape)])
    high, = emit("lt", [v, size], [(BOOL, shape)])
    inside, = emit("and", [low, high], [(BOOL, shape)])
    ok, = emit("reduce_and", [inside], [(BOOL, ())], axes=tuple(range(len(shape))))
    check(ok, IndexError, f"index out of bounds for axis {axis} with size {{}}", size)
    assert isinstance(v, Var)
    known[key] = current(), v
    return v


def load(x: Any, index: Any) -> Any:
    """`x[index]` of a traced array: a NumPy scalar, a view, or a new array (gathers)."""
    if isinstance(x, Scalar):
        return _load_scalar(x, index)
    if type(x) is Flat:
        return _load_flat(x, index)
    if isinstance(index, str):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) "
                         "and integer or boolean arrays are valid indices")
    s = select(x, index)
    if s.gathers:
        return fresh(x.view(s.index).value())
    if s.scalar and x.ndim:
        return Scalar(x.view(s.index).value(), NUMPY_KIND)
    if not x.ndim and index == ():
        return Scalar(x.value(), NUMPY_KIND)
    return x.view(s.index)


def _load_flat(x: Flat, index: Any) -> Any:
    """`x.flat[index]`: a number, or a copy."""
    item = load(Array(x.base, x.steps, x.dims), _iterator_index(index))
    return fresh(item.value()) if isinstance(item, Array) else item


def _iterator_index(index: Any) -> Any:
    """The index, if it is one for `x.flat`."""
    if isinstance(index, tuple) and len(index) < 2:
        index = index[0] if index else Ellipsis
    if index is None or isinstance(index, tuple | bool | np.bool_):
        np.zeros(3).flat[index]  # type: ignore[index]          # NumPy's error, mostly
        raise unsupported("this index of x.flat")
    return index


def _load_scalar(x: Scalar, index: Any) -> Any:
    if x.kind == PYTHON:
        name = PYTHON_TYPES[x.atom.dtype.kind].__name__
        raise TypeError(f"'{name}' object is not subscriptable")
    if index == () and isinstance(index, tuple):
        return x
    parts = index if isinstance(index, tuple) else (index,)
    if all(p is None or p is Ellipsis for p in parts):
        array: Array = load(fresh(x.atom), index)
        return array
    raise IndexError("invalid index to scalar variable.")


def store(x: Any, index: Any, new: Any) -> None:
    """`x[index] = new`"""
    if isinstance(x, Scalar):
        name = PYTHON_TYPES[x.atom.dtype.kind].__name__ if x.kind == PYTHON else str(x.dtype)
        raise TypeError(f"'{name}' object does not support item assignment")
    new = NUMPY[np.array](new, x.dtype) if isinstance(new, list | tuple | range) else lift(new)
    if type(x) is Flat:
        x = Array(x.base, x.steps, x.dims)
        if dims_of(new):                        # again and again
            new = NUMPY[np.resize](new, as_int(load(x, _iterator_index(index)).dims[0]))
    if isinstance(index, list | np.ndarray):
        index = _listed(index)
    if _is_mask(index) and index.ndim == x.ndim and not dims_of(new):
        for d, e in zip(index.dims, x.dims, strict=True):
            dm.require_equal(d, e, "boolean index did not match indexed array: "
                             "dimensions {} and {}", _atom(d), _atom(e), exception=IndexError)
        mask = broadcast(index.value(), x.dims)
        chosen, = emit("select", [mask, stored(new, x.dtype, True), x.value()], [(x.dtype, x.dims)])
        x.assign(chosen)
        return
    number = None
    if _gathers(x, index) and not dims_of(new):
        number = stored(new, x.dtype, True)     # the number's errors come before the indices'
    s = select(x, index)
    part = stored(new, x.dtype, s.gathers) if number is None else number
    if s.gathers:
        x.view(s.index).assign(broadcast_into(part, s.index.shape))
        return
    target = x.view(s.index)
    if isinstance(new, Array) and new.same_view(target):
        return                             # the store that ends `x[i] += v`, done already
    target.assign(part)


def _gathers(x: Array, index: Any) -> bool:
    """Has the index arrays of integers, and nothing that is wrong whatever their values?"""
    parts = [_listed(p) if isinstance(p, list | np.ndarray) else p
             for p in (index if isinstance(index, tuple) else (index,))]
    arrays = [p for p in parts if isinstance(p, Array) and p.ndim]
    return bool(arrays) and len(parts) <= x.ndim and all(p.dtype.kind in "iu" for p in arrays)


def item(x: Array, i: Any) -> Any:
    """`x[i]` for an index known to be in bounds (iteration)."""
    return load(x, as_int(i) if not isinstance(i, int) else i)
