"""Exceptions of the user's program, raised by compiled code at the user's own file and line.

`exception_at(site, operands)` makes the exception with a traceback whose only frame is a frame of
the user's function at the failing line, as if Python had run it::

    File "model.py", line 12, in step
        return x[i] / n
    IndexError: index 7 is out of bounds for axis 0 with size 5
"""

from __future__ import annotations

import functools
import linecache
import os
import re
from types import CodeType, TracebackType
from typing import Any

from hotloop.errors import Location
from hotloop.loops.core import ErrorSite
from hotloop.ops.control import exception_of


def exception_at(site: ErrorSite, operands: list[Any]) -> BaseException:
    """The exception of `site`, its message filled in, its traceback at `site.location`."""
    error = exception_of(site.exception, site.message, operands, site.attributes)
    return error if site.location is None else error.with_traceback(frame_at(site.location))


def frame_at(location: Location) -> TracebackType:
    """A traceback of one frame, which stands at `location`."""
    try:
        exec(_raiser(location), {"error": Exception()})
    except BaseException as raised:
        assert raised.__traceback__ is not None and raised.__traceback__.tb_next is not None
        return raised.__traceback__.tb_next
    raise AssertionError("the raising code did not raise")


_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def users_frames(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package at its beginning; whole if there are no
    others."""
    rest = traceback
    while rest is not None and rest.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        rest = rest.tb_next
    return traceback if rest is None else rest


@functools.lru_cache(1024)
def _raiser(location: Location) -> CodeType:
    """Code that raises at `location`, of a function that begins where the user's does: debuggers
    and notebooks show the lines from there on."""
    code = compile("raise error", location.file, "exec")
    line = max(location.line, 1)
    first = _first_line(location.file, line, location.function)
    return code.replace(co_name=location.function, co_qualname=location.function,
                        co_firstlineno=first,
                        co_linetable=_at_line(line - first, len(code.co_code) // 2))


def _first_line(file: str, line: int, function: str) -> int:
    """The line of the `def` around a line of a function; the line itself if there is none."""
    start = re.compile(rf"\s*(async\s+)?def\s+{re.escape(function)}\b")
    for k in range(line, 0, -1):
        if start.match(linecache.getline(file, k)):
            return k
    return line


NO_COLUMNS = 13
"""The kind of an entry of a line table that tells a line only (CPython, Objects/locations.md):
else a caret would point to where `raise error` stands in its own text."""


def _at_line(after_first: int, units: int) -> bytes:
    """The line table of `units` words of code that are all that many lines after the first one. An
    entry is of at most 8 words; its number is signed, in groups of 6 bits, the low ones first."""
    table = bytearray()
    number = after_first << 1
    while units > 0:
        table.append(0x80 | NO_COLUMNS << 3 | min(units, 8) - 1)
        while number >= 64:
            table.append(64 | number & 63)
            number >>= 6
        table.append(number)
        units -= 8
        number = 0                              # the line of the entry before
    return bytes(table)
