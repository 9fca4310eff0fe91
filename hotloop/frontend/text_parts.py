"""What `in_text_parts` calls, on tracers: parts of text that are known to exist need no check."""

from __future__ import annotations

from typing import Any

from hotloop.frontend import text
from hotloop.frontend.tracers import PYTHON, Scalar, as_int, dim_of

part = text.part


def size(x: Any) -> Any:
    return as_int(text.text_of(x).length)


def code(x: Any, i: Any) -> Any:
    return Scalar(text.code_at(text.text_of(x), dim_of(i)), PYTHON)


def put(x: Any) -> None:
    """Text at the end of the pool."""
    text.run("copied", x)


def place_from(x: Any, sep: Any, i: Any) -> Any:
    return text.place_in(x, sep, i)


def word_from(x: Any, i: Any) -> Any:
    return text.run("next_word", x, more=(i,))


def line_from(x: Any, i: Any) -> Any:
    return text.run("next_line", x, more=(i,))
