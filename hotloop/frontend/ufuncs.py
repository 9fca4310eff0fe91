"""Elementwise NumPy functions on tracers: promotion, broadcasting, `out=`, mixed kinds.

    apply(np.add, [x, 1.5])        # x:f32[n] -> f32[n]: a Python float is weak

The dtypes come from NumPy itself (`ufunc.resolve_dtypes` with int, float, complex for Python
numbers gives NumPy 2's rules), the meaning from `registry.UFUNCS`.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.builder import check, emit, fail, named, unsupported
from hotloop.frontend.dims import broadcast_dims, not_broadcast, require_equal, shape_text
from hotloop.frontend.registry import LATER, NUMPY, UFUNC_METHODS, UFUNCS, fallback, guarded
from hotloop.frontend.traced import PYTHON
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON_TYPES,
    Array,
    Scalar,
    Widened,
    broadcast,
    convert,
    dims_of,
    dtype_of,
    exact_int,
    fit,
    is_python_number,
    keep_order,
    lift,
    narrowed,
    value,
    wrap,
)
from hotloop.ir.core import Atom, Dim
from hotloop.ir.types import BOOL, I64
from hotloop.ops.table import MAX_OPERANDS

COMPARISONS = frozenset(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"))

_resolved: dict[Any, tuple[np.dtype, ...]] = {}

KIND_PASSES = frozenset(("add", "subtract", "multiply", "less", "less_equal", "greater",
                         "greater_equal", "equal", "not_equal"))
"""Ufuncs whose result of a widened Python number is a widened number: same value in both kinds."""


def resolve(uf: np.ufunc, args: Sequence[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """The dtypes of operands and results of the loop that NumPy would use."""
    weak = tuple(is_python_number(a) for a in args)
    given = tuple(dtype_of(a) for a in args)
    key = uf, given, weak, dtype
    found = _resolved.get(key)
    if found is None:
        types: tuple[Any, ...] = given
        if not all(weak):
            types = tuple(PYTHON_TYPES[d.kind] if w and d.kind != "b" else d
                          for d, w in zip(given, weak, strict=True))
        signature = {} if dtype is None else {
            "signature": (None,) * uf.nin + (np.dtype(dtype),) * uf.nout}
        found = uf.resolve_dtypes(types + (None,) * uf.nout, **signature)  # type: ignore
        _resolved[key] = found
    return found


def apply(uf: np.ufunc, args: Sequence[Any], out: Any = None, dtype: Any = None,
          where: Any = True, operator: bool = False) -> Any:
    """`uf(*args)`: a NumPy scalar, a new array, `out`, or a tuple of them. `operator`: it is that
    of an operator, which gives Python's numbers of those."""
    rule = UFUNCS.get(uf) or foreign_rule(uf)
    if rule is None:
        raise unsupported(f"np.{uf.__name__}")
    args = [lift(a) for a in args]
    outs = out if isinstance(out, tuple) else (out,) * uf.nout
    if where is not True:
        return _masked(uf, args, outs, dtype, where)
    for k, a in enumerate(args):
        if isinstance(a, Widened):
            mixed = _mixed(uf, args, dtype) if operator else None
            if mixed is not None:
                return mixed
            args[k] = _settled(uf, args, k, dtype)
    if uf.__name__ in COMPARISONS:
        args = exactly_comparable(args)
    dtypes = _resolve_or_raise(uf, args, dtype)
    for d, o in zip(dtypes[uf.nin:], outs, strict=True):
        if isinstance(o, Array | np.ndarray):
            require_castable(uf.__name__, d, o)
    shapes, rooms = [*map(dims_of, args)], [o.dims for o in outs if isinstance(o, Array)]
    dims = broadcast_dims(*shapes, outs=rooms)
    for room in rooms:
        require_room(dims, room, [*shapes, *rooms])
        if len(room) == len(dims):
            dims = room                      # operands with its dimensions are read as they are
    results = _results(uf, rule, args, dtypes, dims)
    placed = tuple(keep_order(wrap(r), args) if o is None else delivered(uf.__name__, r, o)
                   for r, o in zip(results, outs, strict=True))
    return placed[0] if len(placed) == 1 else placed


def foreign_rule(uf: np.ufunc) -> Any:
    """The meaning of a ufunc of scipy.special; None for one from elsewhere."""
    special = sys.modules.get("scipy.special")
    if special is None or getattr(special, uf.__name__, None) is not uf:
        return None
    scipy_names, = LATER["scipy"]
    lazy.load(scipy_names)
    return UFUNCS.get(uf) or scipy_names.called_back(uf)


def exactly_comparable(args: list[Any]) -> list[Any]:
    """Operands for the comparison of a NumPy integer with a Python int outside of its range.

    NumPy compares exactly, without an OverflowError: narrow integers are widened; a literal beyond
    64 bits, or one that uint64 does not hold, is replaced by a float on the same side.
    """
    for k, x in enumerate(args):
        other = dtype_of(args[1 - k])
        if not is_python_number(x) or dtype_of(x) != I64 or other.kind not in "iu" or (
                is_python_number(args[1 - k])):
            continue
        info = np.iinfo(other)
        if type(x) is int:
            if info.min <= x <= info.max:
                continue
            args[k] = float("-inf") if x < info.min else float("inf")
            args[1 - k] = wrap(convert(value(args[1 - k]), np.dtype(float)))
        elif other.itemsize < 8:
            args[1 - k] = wrap(convert(value(args[1 - k]), I64))
        elif other.kind == "u":
            args[k] = wrap(value(x))
    return args


def _resolve_or_raise(uf: np.ufunc, args: Sequence[Any], dtype: Any) -> tuple[np.dtype, ...]:
    try:
        return resolve(uf, args, dtype)
    except TypeError as error:
        if type(error) is not TypeError:
            raise unsupported(str(error)) from None     # only NumPy can make it
        fail(TypeError, str(error))


def _results(uf: np.ufunc, rule: Any, args: Sequence[Any], dtypes: tuple[np.dtype, ...],
             dims: Any) -> tuple[Atom, ...]:
    atoms = []
    for a, d in zip(args, dtypes[:uf.nin], strict=True):
        atom = fit(a, d)
        atoms.append(broadcast(atom, dims) if atom.shape else atom)
    with named(uf.__name__, bool(dims) or not all(isinstance(a, Scalar) for a in args)):
        results = rule(*atoms)
    results = results if isinstance(results, tuple) else (results,)
    return tuple(broadcast(r, dims) for r in results)


def delivered(name: str, result: Atom, out: Any) -> Any:
    """The result of the ufunc `name`, or `out` with it stored there."""
    if out is None:
        return wrap(result)
    if not isinstance(out, Array):
        out = lift(out)
    if not isinstance(out, Array):
        raise TypeError("return arrays must be of ArrayType")
    if out.readonly:
        fail(ValueError, "output array is read-only")
    require_castable(name, result.dtype, out)
    require_room(result.shape, out.dims)
    out.assign(result)
    return out


def require_castable(name: str, dtype: np.dtype, out: Any) -> None:
    if not np.can_cast(dtype, dtype_of(out), "same_kind"):
        # a subclass of TypeError that only NumPy can make: it is called for it
        raise unsupported(f"Cannot cast ufunc '{name}' output from {dtype!r} to "
                          f"{dtype_of(out)!r} with casting rule 'same_kind'")


def require_room(shape: tuple[Dim, ...], room: tuple[Dim, ...],
                 shapes: Sequence[tuple[Dim, ...]] = ()) -> None:
    """An output may be larger than the operands, but must not be broadcast itself. `shapes`: of
    the operands and outputs."""
    if shape is room:
        return
    (result, shown), (wanted, others) = shape_text(shape), shape_text(room)
    message = (f"non-broadcastable output operand with shape {wanted} doesn't match the broadcast "
               f"shape {result}")
    operands = [*others, *shown]
    if len(operands) > MAX_OPERANDS:                          # more than a check can show
        message, operands = "non-broadcastable output operand", []
    if len(shape) > len(room):
        check(False, ValueError, message, *operands)
    for have, want in zip(shape[::-1], room[::-1], strict=False):
        if isinstance(have, int) and have == 1:
            continue
        if shapes and want != 1:
            require_equal(want, have, *not_broadcast(shapes, want, have))
        else:
            require_equal(want, have, message, *operands)


def _masked(uf: np.ufunc, args: list[Any], outs: tuple[Any, ...], dtype: Any, where: Any) -> Any:
    if len(outs) != 1 or outs[0] is None:
        raise unsupported("where= without out=: the other elements are undefined",
                          "pass out=, or use np.where")
    out = outs[0] if isinstance(outs[0], Array) else lift(outs[0])
    if isinstance(where, Array | np.ndarray) and where.dtype != np.bool_:
        fail(TypeError, f"Cannot cast array data from {where.dtype!r} to dtype('bool') according "
             "to the rule 'safe'")
    result = apply(uf, args, None, dtype)
    require_castable(uf.__name__, dtype_of(result), out)
    chosen = NUMPY[np.where](where, apply(np.positive, [result], dtype=None)
                             if dtype_of(result) != np.bool_ else result, out)
    out.assign(value(chosen))
    return out


# ---- operands of two possible kinds

def _narrow(a: Widened) -> Any:
    """What NumPy's rules see of `a` in its narrow kind (a stand-in; not for its value)."""
    assert a.narrow_dtype is not None
    if a.narrow_kind == PYTHON:
        return PYTHON_TYPES[a.narrow_dtype.kind](1)
    return a.narrow_dtype.type(1)


def _mixed(uf: np.ufunc, args: Sequence[Any], dtype: Any) -> Any:
    """The result as a Widened number itself, for ufuncs that give equal values in both kinds."""
    widened = [a for a in args if isinstance(a, Widened)]
    if uf.__name__ not in KIND_PASSES or dtype is not None:
        return None
    if uf.__name__ not in COMPARISONS and any(
            a.narrow_dtype == BOOL if isinstance(a, Widened) else dtype_of(a) == BOOL
            for a in args):
        return None                        # True + True is 2, or True
    for a in widened:
        wide = dtype_of(a)
        assert a.narrow_dtype is not None or a.narrow_kind != PYTHON
        if a.narrow_kind != PYTHON or not np.can_cast(
                a.narrow_dtype, wide, "safe") and (  # type: ignore[arg-type]
                wide not in (np.float64, np.complex128)):
            return None                        # 0.1 is not 0.1 in float32
    low = [_narrow(a) if isinstance(a, Widened) else a for a in args]
    if not all(map(is_python_number, low)):
        return None
    # each operand as what it may be, and whether NumPy's rules are asked for then
    states = [[(x, False)] if not isinstance(a, Widened) else
              [(x, False), (PYTHON_TYPES[dtype_of(a).kind](1), False)] if a.kind == PYTHON else
              [(x, False), (dtype_of(a).type(1), True)] for a, x in zip(args, low, strict=True)]
    found: dict[bool, set[np.dtype]] = {False: set(), True: set()}
    for combined in itertools.product(*states):
        numpys = any(is_numpy for _, is_numpy in combined)
        found[numpys].add(resolve(uf, [x for x, _ in combined])[-1])
    if len(found[False]) != 1 or len(found[True]) != 1:
        return None
    flags = list(dict.fromkeys(a.flag for a in widened if a.kind != PYTHON))
    flag = flags[0] if len(flags) == 1 else emit("or", flags, [(BOOL, ())])[0]
    result, = _results(uf, UFUNCS[uf], args, resolve(uf, args), ())
    narrow, = found[False]
    if narrow.kind == "i":
        exact_int(flag, result)
    return Widened(result, NUMPY_KIND, flag, PYTHON, narrow)


def _settled(uf: np.ufunc, args: Sequence[Any], k: int, dtype: Any) -> Any:
    """`a` in its wide kind if a NumPy operand beside it makes the result the same in both."""
    a = args[k]
    others = [b for j, b in enumerate(args) if j != k]
    if a.narrow_kind is not None and any(
            not is_python_number(b) and getattr(b, "narrow_kind", NUMPY_KIND) == NUMPY_KIND
            for b in others):
        kinds = [(b, _narrow(b)) if isinstance(b, Widened) and b.narrow_kind is not None else (b,)
                 for b in args]
        try:
            found = {resolve(uf, given, dtype)[uf.nin:] for given in itertools.product(*kinds)}
        except TypeError:                          # a - b of two bools
            return narrowed(a)
        if len(found) == 1:
            return a
    return narrowed(a)


# ---- the protocols' other calls

def protocol(uf: np.ufunc, method: str, *args: Any, out: Any = None, **options: Any) -> Any:
    """`__array_ufunc__`"""
    if out is not None:
        options["out"] = out[0] if isinstance(out, tuple) and method != "__call__" else out
    if method != "__call__":
        return call_method(uf, method, *args, **options)
    return call(uf, *args, **options)


def call_method(uf: np.ufunc, method: str, /, *args: Any, **options: Any) -> Any:
    """`uf.reduce(...)` and its like."""
    function = getattr(uf, method)
    stand_in = UFUNC_METHODS.get(method)
    if stand_in is None:
        return fallback.instead(function, args, options, unsupported(f"np.{uf.__name__}.{method}"))
    return guarded(function, partial(stand_in, uf), *args, **options)


def operation(uf: np.ufunc, a: Any, b: Any) -> Any:
    """An operator that is this ufunc's where an operand is NumPy's."""
    return guarded(uf, partial(_operated, uf), a, b)


def _operated(uf: np.ufunc, a: Any, b: Any) -> Any:
    return apply(uf, [a, b], operator=True)


def call(uf: np.ufunc, /, *args: Any, **options: Any) -> Any:
    """A call of a ufunc with any of its arguments."""
    return guarded(uf, partial(_call, uf), *args, **options)


def _call(uf: np.ufunc, /, *args: Any, out: Any = (), dtype: Any = None, where: Any = True,
          casting: str = "same_kind", order: str = "K", subok: bool = True, **rest: Any) -> Any:
    if out is None and uf.nout > 1:
        raise unsupported(f"np.{uf.__name__} with out=None")        # an error of NumPy's
    if type(out) is tuple and not out:
        out = None
    if uf in NUMPY and where is True:
        options = {"out": out, "dtype": dtype, "casting": casting}
        usual = {"out": None, "dtype": None, "casting": "same_kind"}
        return NUMPY[uf](*args, **{k: x for k, x in options.items() if x is not usual[k]}, **rest)
    if casting not in ("same_kind", "unsafe") or rest or uf in NUMPY:
        raise unsupported(f"np.{uf.__name__} with {', '.join(rest) or 'casting='}")
    if len(args) > uf.nin:
        out, args = args[uf.nin:], args[:uf.nin]
    if len(args) < uf.nin:
        raise TypeError(f"{uf.__name__}() takes from {uf.nin} to {uf.nargs} positional arguments "
                        f"but {len(args)} were given")
    return apply(uf, args, out, dtype, where)
