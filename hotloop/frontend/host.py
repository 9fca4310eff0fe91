"""print: a call-back to Python with the run-time values, each time and in order.

    print("step", i, x)     ->    call_host[function=Print(...)] i x

The call-back object is plain data, so it can be stored with the compiled code.
"""

from __future__ import annotations

import builtins
import functools
import pickle
import sys
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.builder import emit, lit, unsupported
from hotloop.frontend.list_results import parts as list_parts
from hotloop.frontend.list_values import List, Text
from hotloop.frontend.messages import REPR, has_marks, message, parts
from hotloop.frontend.registry import call
from hotloop.frontend.slots import Either, Maybe, Unjoined
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    Scalar,
    Tracer,
    Widened,
    narrowed,
)
from hotloop.frontend.truth import choose
from hotloop.ir.core import Atom
from hotloop.record import record

text = lazy.module("hotloop.frontend.text")


@record
class Value:
    """Operand `k` as a Python number, NumPy scalar or array, formatted by `spec` (None: str)."""
    k: int
    python: bool
    spec: str | None


@record
class Sequence:
    """A tuple or list of pieces: shown as its repr."""
    type: type
    items: tuple[Any, ...]


@record
class Items:
    """Operands from `k` on as a list of run-time length, or text."""
    k: int
    count: int
    make: Any
    spec: str | None


@record
class Print:
    """`pieces`: for each argument its parts, strings and Values."""
    pieces: tuple[tuple[Any, ...], ...]
    separator: str
    end: str
    to_stderr: bool
    flush: bool

    @property
    def __name__(self) -> str:
        """As an attribute of this module, for the text form of the IR."""
        return PREFIX + pickle.dumps(self).hex()

    def __call__(self, *operands: Any) -> None:
        texts = ["".join(part if isinstance(part, str) else show(part, operands)
                         for part in parts) for parts in self.pieces]
        print(*texts, sep=self.separator, end=self.end,
              file=sys.stderr if self.to_stderr else None, flush=self.flush)


PREFIX = "print_"


def __getattr__(name: str) -> Any:
    """`print_<hex>`: the Print of that name, when a Program is read back from text."""
    if not name.startswith(PREFIX):
        raise AttributeError(name)
    return pickle.loads(bytes.fromhex(name[len(PREFIX):]))


def show(part: Any, operands: tuple[Any, ...]) -> str:
    made = rebuilt(part, operands)
    spec = part.spec if isinstance(part, Value | Items) else None
    if spec is None:
        return str(made)
    return repr(made) if spec == REPR else format(made, spec)


def rebuilt(part: Any, operands: tuple[Any, ...]) -> Any:
    """The object that the user's print would have got."""
    if isinstance(part, Sequence):
        return part.type(rebuilt(item, operands) for item in part.items)
    if isinstance(part, Items):
        return part.make([x.item() if np.ndim(x) == 0 and isinstance(x, np.ndarray | np.generic)
                          else x for x in operands[part.k:part.k + part.count]])
    if not isinstance(part, Value):
        return part
    raw = operands[part.k]
    if part.python:
        return np.asarray(raw).item()
    return raw if np.ndim(raw) else np.asarray(raw)[()]


def _value(x: Any, spec: str | None, operands: list[Atom]) -> Any:
    if isinstance(x, Maybe | Unjoined):
        raise unsupported("a possibly unbound variable in print")
    if isinstance(x, List | Text):
        make, atoms = list_parts(x) if isinstance(x, List) else text.result_parts(x)
        operands += [lit(a) if isinstance(a, int) else a for a in atoms]
        return Items(len(operands) - len(atoms), len(atoms), make, spec)
    if isinstance(x, Widened):
        x = narrowed(x)
    operands.append(x.value() if isinstance(x, Array) else x.atom)
    return Value(len(operands) - 1, isinstance(x, Scalar) and x.kind == PYTHON, spec)


def _piece(x: Any, operands: list[Atom]) -> tuple[Any, ...]:
    if isinstance(x, Tracer):
        return (_value(x, None, operands),)
    if isinstance(x, str):
        return tuple(part if isinstance(part, str) else _value(part[0], part[1], operands)
                     for part in parts(x))
    if type(x) in (tuple, list) and _holds_tracer(x):
        return (_sequence(x, operands),)
    text = str(x)
    return _piece(text, operands) if has_marks(text) else (text,)


def pieces_of(x: Any, operands: list[Atom]) -> tuple[Any, ...]:
    """The parts of what `str(x)` shows: strings and Values, whose operands are added."""
    return _piece(x, operands)


def _holds_tracer(x: Any) -> bool:
    return any(isinstance(e, Tracer) or (type(e) in (tuple, list) and _holds_tracer(e))
               for e in x)


def _sequence(x: Any, operands: list[Atom]) -> Sequence:
    return Sequence(type(x), tuple(
        _value(e, None, operands) if isinstance(e, Tracer)
        else _sequence(e, operands) if type(e) in (tuple, list) else e for e in x))


def _either(x: Any) -> Either | None:
    """A value of several types that is printed, or that the text to be printed shows."""
    if isinstance(x, Either):
        return x
    shown = [part[0] for part in parts(x) if type(part) is tuple] if isinstance(x, str) else (
        x if type(x) in (tuple, list) else ())
    return _first_either(shown)


def _first_either(items: Any) -> Either | None:
    return next((found for found in map(_either, items) if found is not None), None)


def _text(x: Any, spec: str) -> str:
    return repr(x) if spec == REPR else format(x, spec)


def _with(x: Any, old: Either, new: Any) -> Any:
    """`x` with `new` in place of `old`."""
    if x is old:
        return new
    if type(x) in (tuple, list):
        return type(x)(_with(e, old, new) for e in x)
    if isinstance(x, str):
        return "".join(part if isinstance(part, str) else
                       _text(_with(part[0], old, new), part[1] or "") for part in parts(x))
    return x


@call(builtins.print)
def staged_print(*args: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None,
                 flush: bool = False) -> None:
    if file not in (None, sys.stdout, sys.stderr):
        raise unsupported("print to a file", "print to stdout or stderr")
    either = _first_either(args)
    if either is not None:
        def side(new: Any) -> None:
            with_new = message(lambda: [_with(x, either, new) for x in args])
            staged_print(*with_new, sep=sep, end=end, file=file, flush=flush)
        choose(either.flag, functools.partial(side, either.yes), functools.partial(side, either.no))
        return
    operands: list[Atom] = []
    pieces = tuple(_piece(x, operands) for x in args)
    emit("call_host", operands, [], function=Print(
        pieces, " " if sep is None else sep, "\n" if end is None else end,
        file is not None and file is sys.stderr, bool(flush)))


__all__ = ["Print", "Sequence", "Value", "staged_print"]
