"""Text with run-time values in it: what f-strings give inside print, raise and assert.

While such a statement is traced, formatting a tracer gives a mark; `template` turns text with marks
into a format string and its operands. Anywhere else a tracer refuses to be text.

    raise ValueError(f"bad step {h:.3f}")   ->   check[message="bad step {:.3f}"] False h
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from hotloop import lazy
from hotloop.frontend.builder import CONTEXT, current, staging
from hotloop.frontend.list_values import Text
from hotloop.frontend.tracers import PYTHON, Scalar, Tracer, known_by, plain_repr
from hotloop.ops.control import Attributes

text_names = lazy.module("hotloop.frontend.text_names")

_MARK = re.compile("\x00hl(\\d+)\x00")

REPR = "!r"
"""The spec of a value that is shown as its repr."""


def formatted(x: Tracer, spec: str) -> str:
    """`format(x, spec)`"""
    state = current().state
    if not state.formatting:
        raise staging("a run-time value is made into text",
                      "format it in a print, raise or assert statement", known_by(x))
    state.marked.append((x, spec))
    return f"\x00hl{len(state.marked) - 1}\x00"


def _repr(x: Any) -> str:
    """`repr(x)`, as tuples and lists show their items; outside of a trace, for debugging."""
    return plain_repr(x) if CONTEXT.builder is None else formatted(x, REPR)


Tracer.__format__ = formatted  # type: ignore[method-assign,assignment]
Tracer.__str__ = lambda self: formatted(self, "")  # type: ignore[method-assign]
Tracer.__repr__ = _repr  # type: ignore[method-assign]


def message(make: Callable[[], Any]) -> Any:
    """Evaluate `make()` where run-time values may become text."""
    state = current().state
    state.formatting += 1
    try:
        return make()
    finally:
        state.formatting -= 1


def parts(text: str) -> list[Any]:
    """The text as plain strings and (tracer, spec) pairs."""
    marked = current().state.marked
    found: list[Any] = []
    for k, piece in enumerate(_MARK.split(text)):
        if k % 2:
            found.append(marked[int(piece)])
        elif piece:
            found.append(piece)
    return found


def template(text: str) -> tuple[str, list[Any]]:
    """A format string and the atoms it shows; at most four scalars, others are left out.
    Text takes the place of up to three of them (`text_names.packed`)."""
    pieces: list[str] = []
    operands: list[Any] = []
    for part in parts(text):
        if isinstance(part, str):
            pieces.append(part.replace("{", "{{").replace("}", "}}"))
        elif isinstance(part[0], Scalar) and len(operands) < 4:
            pieces.append(_field(*part))
            operands.append(part[0].atom)
        elif isinstance(part[0], Text) and len(operands) < 4:
            field, words = text_names.packed(*part, 4 - len(operands))
            pieces.append(field)
            operands += words
        else:
            pieces.append("...")
    return "".join(pieces), operands


def _field(x: Scalar, spec: str) -> str:
    """The field of a format string that shows `x`; operands are Python numbers."""
    if spec == REPR:
        dtype = x.atom.dtype
        if x.kind == PYTHON:
            return "{}"
        if dtype.kind == "c":
            return f"np.{dtype}{{}}"            # the number brings its parentheses
        return "np.{}_" if dtype.kind == "b" else f"np.{dtype}({{}})"
    return "{:" + spec + "}" if spec else "{}"


def attributes_of(error: BaseException) -> tuple[Attributes, list[Any]]:
    """What an exception has beside its text, as a check's `attributes`, and the atoms of those
    that are known at run time only."""
    if not vars(error) and not isinstance(type(error).__init__, FunctionType):
        return None, []
    names: list[tuple[Any, ...]] = []
    atoms: list[Any] = []
    for name, x in vars(error).items():
        if isinstance(x, Scalar):
            names.append((name, None, "" if x.kind == PYTHON else x.atom.dtype.str))
            atoms.append(x.atom)
        elif isinstance(x, bool | int | float | complex | str | bytes | None):
            names.append((name, x))
    return tuple(names), atoms


def marked_text(message: str, operands: Sequence[Any]) -> str:
    """A check's message with marks for its operands."""
    state = current().state
    shown = []
    for x in operands:
        state.marked.append((x, ""))
        shown.append(_Mark(len(state.marked) - 1))
    return message.format(*shown)


class _Mark:
    """Formats as the mark of a value, with the spec that the template gives."""

    def __init__(self, number: int):
        self.number = number

    def __format__(self, spec: str) -> str:
        state = current().state
        state.marked.append((state.marked[self.number][0], spec))
        return f"\x00hl{len(state.marked) - 1}\x00"


def has_marks(x: Any) -> bool:
    return isinstance(x, str) and "\x00hl" in x
