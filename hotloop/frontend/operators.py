"""The operators of tracers: Python's rules among Python numbers, NumPy's otherwise.

    x + 1.5       binary("add", x, 1.5)       where one operand is a tracer
    1.5 - x       the reflected operator
    x += y        in place for arrays: a store

Importing this module gives `tracers.Tracer` its operators and the NumPy protocols.
"""

from __future__ import annotations

import operator
from enum import Flag
from functools import partial
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import lists, python_numbers, ufuncs
from hotloop.frontend.builder import fail, unsupported
from hotloop.frontend.indexing import load, store
from hotloop.frontend.list_values import List, Table, Text
from hotloop.frontend.python_numbers import python_name
from hotloop.frontend.registry import NUMPY, fallback, guarded, lookup
from hotloop.frontend.slots import Either
from hotloop.frontend.tracers import (
    NUMBERS,
    PYTHON,
    Array,
    BoundMethod,
    Scalar,
    Tracer,
    Widened,
    dims_of,
    dtype_of,
    is_python_number,
    lift,
    value,
)
from hotloop.frontend.truth import exactly
from hotloop.ir.types import F64

python_sequences = lazy.module("hotloop.frontend.python_sequences")
text = lazy.module("hotloop.frontend.text")

BINARY: dict[str, np.ufunc] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
    "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor, "lshift": np.left_shift,
    "rshift": np.right_shift, "matmul": np.matmul,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal}

UNARY: dict[str, np.ufunc] = {
    "neg": np.negative, "pos": np.positive, "invert": np.invert, "abs": np.absolute}

OF_COMPLEX = frozenset(("add", "sub", "mul", "truediv", "pow", "eq", "ne"))

OPERANDS = (Tracer, *NUMBERS, np.ndarray)


def binary(name: str, a: Any, b: Any) -> Any:
    """`a name b` where at least one is a tracer."""
    if name in ("add", "mul") and any(type(x) is not Either and isinstance(x, Either)
                                      and text.is_text(x) for x in (a, b)):
        return text.binary(name, a, b)          # one of several constants: all would be many
    if isinstance(a, Widened | Either) or isinstance(b, Widened | Either):
        return exactly(_binary, name, a, b)
    return _binary(name, a, b)


def _binary(name: str, a: Any, b: Any) -> Any:
    if isinstance(a, str | bytes | Text) or isinstance(b, str | bytes | Text):
        return python_operation(name, a, b)
    if (isinstance(a, Flag) or isinstance(b, Flag)) and name in ("and", "or", "xor"):
        raise unsupported("flags of an enumeration combined with a run-time value",
                          "combine their .value")
    if a is None or b is None:
        kinds = [python_name(x) if is_python_number(x) else type(x).__name__ for x in (a, b)]
        if name in ("eq", "ne"):
            return name == "ne"
        raise TypeError(f"unsupported operand type(s): {kinds[0]!r} and {kinds[1]!r}")
    if is_python_number(a) and dtype_of(a).kind == "c" and name in OF_COMPLEX and (
            isinstance(b, Scalar | np.float64) and dtype_of(b) == F64):
        b = Scalar(value(b), PYTHON)        # complex.__add__ takes np.float64 as the float it is
    if is_python_number(a) and is_python_number(b):
        return python_numbers.binary(name, a, b)
    if isinstance(b, List) and isinstance(a, Scalar | int) and name == "mul":
        return lists.repeated(b, a)
    if isinstance(b, List) and is_python_number(a):
        raise TypeError(f"unsupported operand type(s) for {name}: {python_name(a)!r} and 'list'")
    if isinstance(a, List) and (isinstance(b, List) or is_python_number(b)):
        raise TypeError(f"unsupported operand type(s) for {name}: 'list' and another")
    if name == "pow" and type(b) in (int, float) and b == 2 and dtype_of(a).kind in "fc":
        return ufuncs.apply(np.square, [a])
    if name == "pow" and type(b) is float and b == 0.5 and isinstance(a, Array) and (
            a.dtype.kind in "fc"):
        return ufuncs.apply(np.sqrt, [a])           # NumPy's: of -inf it is no number
    if isinstance(a, Widened) or isinstance(b, Widened):
        return ufuncs.operation(BINARY[name], a, b)
    return ufuncs.call(BINARY[name], a, b)


def python_operation(name: str, a: Any, b: Any) -> Any:
    """Of constants that are no numbers; NumPy's names differ from Python's in two cases."""
    if isinstance(a, Tracer) or isinstance(b, Tracer):
        return text.binary(name, a, b)
    return getattr(operator, {"and": "and_", "or": "or_"}.get(name, name))(a, b)


def in_place(name: str, a: Array, b: Any) -> Array:
    """`a name= b` for an array."""
    if name == "matmul":
        if not a.dims or len(dims_of(lift(b))) < 2:
            fail(ValueError, "inplace matrix multiplication requires the first operand to have at "
                 "least one and the second at least two dimensions.")
        a[...] = ufuncs.call(np.matmul, a, b)
        return a
    if name == "pow" and type(b) in (int, float) and b == 2 and dtype_of(a).kind in "fc":
        ufuncs.apply(np.square, [a], a)
    elif name == "pow" and type(b) is float and b == 0.5 and a.dtype.kind in "fc":
        ufuncs.apply(np.sqrt, [a], a)
    else:
        ufuncs.call(BINARY[name], a, b, out=a)
    return a


def unary(name: str, a: Any) -> Any:
    return exactly(_unary, name, a) if isinstance(a, Widened | Either) else _unary(name, a)


def _unary(name: str, a: Any) -> Any:
    if is_python_number(a):
        return python_numbers.unary(name, a)
    if isinstance(a, List):
        raise TypeError(f"bad operand type for unary {name}: 'list'")
    return ufuncs.apply(UNARY[name], [a])


def _install(name: str) -> None:
    def operator(self: Any, other: Any) -> Any:
        if not isinstance(other, OPERANDS) and not isinstance(self, Either):
            return _other_operand(name, self, other)
        return binary(name, self, other)

    def reflected(self: Any, other: Any) -> Any:
        if not isinstance(other, OPERANDS) and not isinstance(self, Either):
            return _other_operand(name, self, other)
        return binary(name, other, self)

    def update(self: Any, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return _other_operand(name, self, other)
        return in_place(name, self, other)
    setattr(Tracer, f"__{name}__", operator)
    if name not in python_numbers.COMPARISONS:
        setattr(Tracer, f"__r{name}__", reflected)
        setattr(Array, f"__i{name}__", update)


def _other_operand(name: str, self: Any, other: Any) -> Any:
    if name == "mul" and isinstance(other, list | tuple) and isinstance(self, Scalar) and (
            self.atom.dtype.kind in "iu"):           # a repetition, as NumPy's integers do it
        return lists.repeated(other, self) if type(other) is list else other * self.__index__()
    if isinstance(other, list | tuple) and not is_python_number(self):
        return binary(name, self, NUMPY[np.array](other))
    if other is None and name in ("eq", "ne") and isinstance(self, Scalar):
        return name == "ne"
    return NotImplemented


for _name in BINARY:
    _install(_name)


def _install_unary(name: str) -> None:
    def operator(self: Any) -> Any:
        return unary(name, self)
    setattr(Tracer, f"__{name}__", operator)


for _name in UNARY:
    _install_unary(_name)


def _array_ufunc(self: Any, uf: np.ufunc, method: str, *args: Any, **options: Any) -> Any:
    return ufuncs.protocol(uf, method, *args, **options)


def _array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    stand_in = lookup(function)
    if stand_in is None:
        return fallback.instead(function, args, kwargs, unsupported(
            f"{function.__module__}.{function.__name__}"))
    return guarded(function, stand_in, *args, **kwargs)


def _attribute_of_either(x: Either, name: str) -> Any:
    """An attribute for each type that `x` may have; of a method, its results."""
    if name.startswith("__"):
        raise AttributeError(name)
    if callable(getattr(np.ndarray, name, None)) or callable(
            getattr(type(x.yes), name, None)) or (
            isinstance(x.yes, List | Table) and name != "maxlen"):
        return BoundMethod(partial(exactly, partial(_method_called, name)), x)
    return exactly(getattr, x, name)


def _method_called(name: str, x: Any, *args: Any, **keywords: Any) -> Any:
    return getattr(x, name)(*args, **keywords)


Either.__getattr__ = _attribute_of_either  # type: ignore[assignment]


def _namespace(self: Any, *, api_version: Any = None) -> Any:
    """The Array API standard's way from an array to its library."""
    if is_python_number(self):
        raise AttributeError("__array_namespace__")
    return np.empty(0).__array_namespace__(api_version=api_version)


Tracer.__array_namespace__ = _namespace  # type: ignore[attr-defined]
Tracer.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Tracer.__array_function__ = _array_function  # type: ignore[attr-defined]
Tracer.__getitem__ = load  # type: ignore[method-assign]
Tracer.__setitem__ = store  # type: ignore[method-assign]


def _operator_of_lists(name: str) -> Any:
    def operator(self: List, *args: Any) -> Any:
        """The first one loads the module that puts others in the place of these."""
        lazy.load(python_sequences)
        return getattr(self, name)(*args)
    return operator


for _name in ("__add__", "__radd__", "__mul__", "__rmul__", "__getitem__", "__setitem__"):
    setattr(List, _name, _operator_of_lists(_name))
