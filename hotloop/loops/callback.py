"""What a kernel calls in Python: the meaning of an op, on the arrays and scalars of a Call.

    site = Callback("sort", {"axis": 0}, ins=(f64[n],), ...)
    site(array)                                 # -> the sorted array

A complex operand comes as floats (an array with a last axis of 2, or two scalars) and is put
together here; results go the other way. Pickles by the op's name. Sizes that only the result
knows take two calls: stage SIZES computes, keeps the result for this thread and gives the scalars;
stage ARRAYS gives the arrays, for which the kernel has allocated memory by then.
"""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import Location, globals_of
from hotloop.ir.types import DTYPES, code
from hotloop.ops.table import OPS, PURE, RAISES
from hotloop.record import record

ir_text = lazy.module("hotloop.ir.text")

ALL, SIZES, ARRAYS = "all", "sizes", "arrays"

_kept = threading.local()


@record
class Callback:
    """`ins`, `outs`: (dtype, rank) of operands and results as the op has them."""
    op: str
    params: dict[str, Any]
    ins: tuple[tuple[np.dtype, int], ...]
    outs: tuple[tuple[np.dtype, int], ...]
    stage: str = ALL
    location: Location | None = None

    def __repr__(self) -> str:
        params = {key: _encode(value) for key, value in self.params.items()}
        ins, outs = ([(code(dtype), rank) for dtype, rank in types]
                     for types in (self.ins, self.outs))
        return f"{self.op} {(params, ins, outs, self.stage)!r}"

    @staticmethod
    def read(text: str) -> Callback:
        """The call-back that `text`, its repr, shows."""
        op, _, rest = text.partition(" ")
        params, ins, outs, stage = ast.literal_eval(rest)
        return Callback(op, {key: _decode(value) for key, value in params.items()},
                        tuple((DTYPES[name], rank) for name, rank in ins),
                        tuple((DTYPES[name], rank) for name, rank in outs), stage)

    def __call__(self, *cells: Any) -> tuple[Any, ...]:
        if self.stage == ARRAYS:
            results = kept()
        else:
            results = self.prepared()(*self._operands(cells))
            if self.stage == SIZES:
                keep(results)
        arrays: list[Any] = []
        scalars: list[Any] = []
        for value, (dtype, rank) in zip(results, self.outs, strict=True):
            if rank:
                value = np.ascontiguousarray(value, dtype)
                arrays.append(_two_floats(value) if dtype.kind == "c" else value)
            elif dtype.kind == "c":
                scalars += [value.real, value.imag]
            else:
                scalars.append(value)
        return tuple({ALL: arrays + scalars, SIZES: scalars, ARRAYS: arrays}[self.stage])

    def _operands(self, cells: tuple[Any, ...]) -> list[Any]:
        left = iter(cells)
        operands = []
        for dtype, rank in self.ins:
            value = next(left)
            if dtype.kind != "c":
                operands.append(value if rank else dtype.type(value))
            elif rank:
                operands.append(np.ascontiguousarray(value).view(dtype)[..., 0])
            else:
                operands.append(dtype.type(complex(value, next(left))))
        return operands

    def prepared(self) -> Callable[..., tuple[Any, ...]]:
        """The op's meaning: takes its operands, gives a tuple of its results."""
        row = OPS[self.op]
        evaluate, pure = row.evaluate, row.effect == PURE or row.effect == RAISES
        assert evaluate is not None
        params = self.params
        if self.location is not None and "function" in params:
            params = {**params, "function": functools.partial(
                caller_at(self.location), params["function"])}
        quiet = _quiet()

        def call(*operands: Any) -> tuple[Any, ...]:
            if not pure:                 # the callee may keep what is the kernel's memory
                operands = tuple(np.array(x) if isinstance(x, np.ndarray) else x for x in operands)
            token = ERROR_STATE.set(quiet)      # the processor's flags tell of errors (llvm.flags)
            try:
                result = evaluate(params, *operands)
            finally:
                ERROR_STATE.reset(token)
            return result if isinstance(result, tuple) else () if result is None else (result,)
        return call


def keep(results: tuple[Any, ...]) -> None:
    """Results whose sizes the kernel is told now, for the call that fetches them."""
    _kept.results = results


def kept() -> tuple[Any, ...]:
    results = _kept.results
    del _kept.results
    return results


ERROR_STATE: ContextVar[Any] = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]
"""What np.errstate sets."""


@functools.cache
def _quiet() -> Any:
    """ERROR_STATE in which nothing is reported. np.errstate takes ten times as long to set it."""
    with np.errstate(all="ignore"):
        return ERROR_STATE.get()


@functools.lru_cache(1024)
def caller_at(location: Location) -> Callable[..., Any]:
    """`call(function, *args, **kwargs)` that stands in the user's file and module: the place that a
    warning of the function names."""
    def call(function: Any, /, *args: Any, **kwargs: Any) -> Any: return function(*args, **kwargs)
    code = call.__code__.replace(co_filename=location.file, co_name=location.function,
                                 co_qualname=location.function, co_firstlineno=location.line)
    return FunctionType(code, globals_of(location.file))


def _two_floats(value: np.ndarray) -> np.ndarray:
    return value.view(value.real.dtype).reshape(*value.shape, 2)


def _encode(value: Any) -> Any:
    """`value` in Python literals: dtypes and what can be imported become tagged pairs."""
    if isinstance(value, np.dtype):
        return {"dtype": code(value)}
    if isinstance(value, tuple):
        return tuple(map(_encode, value))
    if callable(value):
        return {"import": path_of(value)}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_decode, value))
    if isinstance(value, dict):
        (tag, text), = value.items()
        return DTYPES[text] if tag == "dtype" else ir_text.resolve(text)
    return value


def path_of(value: Any) -> str:
    """Where a callable can be imported from: `module:qualname` (NumPy hides some modules)."""
    module = getattr(value, "__module__", None) or "numpy"
    return f"{module}:{getattr(value, '__qualname__', None) or value.__name__}"
