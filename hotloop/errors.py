"""What hotloop itself raises, with the user's source line and a caret.

Errors of the *user's program* are Python's and NumPy's own exceptions; the classes here say that
hotloop could not compile something, or that it has a bug::

    hotloop.errors.UnsupportedError: a generator function can't be compiled
      File "model.py", line 12
        for x in (f(y) for y in ys):
                 ^
      instead: build an array and loop over it
"""

from __future__ import annotations

import builtins
import functools
import linecache
import sys
from typing import Any

from hotloop.record import record


@record
class Location:
    """A place in the user's source; `column` is 0-based, -1 if unknown."""

    file: str
    line: int
    column: int = -1
    function: str = "?"

    def show(self) -> str:
        text = linecache.getline(self.file, self.line).rstrip("\n")
        head = f'  File "{self.file}", line {self.line}, in {self.function}'
        if not text.strip():
            return head
        indent = len(text) - len(text.lstrip())
        caret = ""
        if self.column >= indent:
            caret = "\n    " + " " * (self.column - indent) + "^"
        return f"{head}\n    {text.strip()}{caret}"


@functools.lru_cache(256)
def globals_of(file: str) -> dict[str, Any]:
    """The globals of the module that comes from a file; new ones if there is none."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == file:
            return vars(module)
    return {"__name__": file, "__builtins__": builtins}


TOO_LARGE = "Python int too large: hotloop's ints have 64 bits"
"""What an OverflowError says of an int that does not fit."""


class HotloopError(Exception):
    """Base of hotloop's own errors; `location` is where in the user's source, if known."""

    def __init__(self, message: str, location: Location | None = None, remedy: str = ""):
        super().__init__(message)
        self.message, self.location, self.remedy = message, location, remedy

    def __str__(self) -> str:
        parts = [self.message]
        if self.location is not None:
            parts.append(self.location.show())
        if self.remedy:
            parts.append("  instead: " + self.remedy)
        return "\n".join(parts)


class UnsupportedError(HotloopError):
    """A construct that hotloop can't compile; names it and says what to do.

    `inputs`: paths of numbers and sizes of arrays among the arguments, if it could be compiled for
    known values of them. `counted`: and if loops around it are unrolled. `site`: where a list is
    made, if it could be compiled with a list of run-time length there.
    `recursive`: the code of a function that calls itself on run-time values. `sourceless`: the name
    of the function where it is, if its source is not known.
    """

    inputs: tuple[tuple[tuple[object, ...], ...], ...] = ()
    counted: bool = False
    site: object = None
    recursive: object = None
    sourceless: str = ""


class StagingError(UnsupportedError):
    """A value known only at run time is needed while compiling (an index of a list, a rank)."""


class SourceError(UnsupportedError):
    """A function is not straight-line code, and its source is not known: it was typed into the
    prompt of a Python before 3.13, or made by exec(). `jit` runs it in Python, with a warning."""


class TypeInstabilityError(UnsupportedError):
    """A variable has types on two paths that can't be joined: two ranks, two dtypes."""


class DependenceError(HotloopError):
    """Iterations of a `prange` loop are not independent (HOTLOOP_CHECK_PRANGE)."""


class InternalError(HotloopError):
    """A bug in hotloop: an invariant of an IR does not hold. Please report it with the text."""
