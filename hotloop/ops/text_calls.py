"""Text at run time: str and bytes as arrays of codes, and what Python itself does with them.

    codes_of("ab")                    int32 [97, 98]
    text_from(np.int32([97, 98]))     "ab"

What compiled code has no loop for is a call of the method itself (`called`), with its exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

I32 = np.dtype(np.int32)


def codes_of(x: str | bytes | bytearray) -> np.ndarray:
    """The code points of a str, the bytes of bytes."""
    if isinstance(x, str):
        return np.frombuffer(x.encode("utf-32-le", "surrogatepass"), I32)
    return np.frombuffer(x, np.uint8).astype(I32)


def text_from(codes: Any, kind: type = str) -> Any:
    """The str (or bytes) of an array of codes."""
    codes = np.ascontiguousarray(codes)
    if kind is str:
        return codes.astype("<i4").tobytes().decode("utf-32-le", "surrogatepass")
    return kind(codes.astype(np.uint8).tobytes())


def text_at(pool: Any, start: int, size: int, kind: type = str) -> Any:
    """A text that is kept as a start and a size: of a pool's codes or, below zero, one code."""
    if start < 0 and size:
        return chr(~start)
    return text_from(pool[start:start + size], kind)


def called(*given: Any, name: str, plan: tuple[Any, ...], options: tuple[Any, ...] = ()) -> Any:
    """`x.name(*args)`: `plan` says what `given` is: "str", "bytes" and "bool" are of an operand,
    (constant,) is none. Text gives its size and its codes."""
    operands = iter(given)
    x, *args = [_argument(p, operands) for p in plan]
    if name == "format":
        found = format(x, *args)
    elif name in PLAIN:
        found = PLAIN[name](x, *args)
    else:
        found = getattr(x, name)(*args, **dict(options))
    if isinstance(found, str | bytes):
        codes = codes_of(found)
        return np.int64(len(codes)), codes
    return found


def float_of(codes: Any) -> Any:
    """(is it one, the number that a text stands for)"""
    try:
        return np.bool_(True), np.float64(float(text_from(codes)))
    except ValueError:
        return np.bool_(False), np.float64(0.0)


LETTERS, CUT, FOREIGN = 9, 3, 26
"""Characters of ASCII in one number; what stands for those that have no room, and for others."""

_WORDS = re.compile("(?:\x01(?P<word>\\d+))+(?P<shown>[\x02\x03])")


def with_text(message: str) -> str:
    """A message in which numbers are text: nine characters each, seven bits a character."""
    return _WORDS.sub(_unpacked, message)


def _unpacked(found: re.Match[str]) -> str:
    pieces = []
    for word in found[0][1:-1].split("\x01"):
        number = int(word)
        while number:
            code, number = number & 127, number >> 7
            pieces.append({CUT: "...", FOREIGN: "\ufffd"}.get(code, chr(code)))
    text = "".join(pieces)
    return text if found["shown"] == "\x02" else repr(text)


PLAIN: dict[str, Callable[..., Any]] = {"repr": repr, "str": str, "int": int, "ascii": ascii}


def _argument(plan: Any, operands: Any) -> Any:
    if isinstance(plan, tuple):
        return plan[0]
    x = next(operands)
    if plan in ("str", "bytes"):
        return text_from(x, str if plan == "str" else bytes)
    return x.item() if plan == "python" else x
