"""Exceptions of the user's program, raised by compiled code at the user's own file and line.

`exception_at(site, operands)` makes the exception with a traceback whose only frame is a frame of
the user's function at the failing line, as if Python had run it::

    File "model.py", line 12, in step
        return x[i] / n
    IndexError: index 7 is out of bounds for axis 0 with size 5
"""

from __future__ import annotations

import functools
import os
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
    code = compile("raise error", location.file, "exec")
    return code.replace(co_name=location.function, co_qualname=location.function,
                        co_firstlineno=max(location.line, 1))
