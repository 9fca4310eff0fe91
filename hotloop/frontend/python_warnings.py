"""The module warnings in compiled code: `warn` calls back, filters are known while tracing.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # sites of NumPy's warnings inside are not heard
        y = a / b
    if not ok:
        warnings.warn(f"no convergence after {n} steps", stacklevel=2)

A warning names a place in the user's source: that of the call, or, with a `stacklevel`, one further
out. While tracing the calls inside of compiled code are frames as in Python; what is further out is
looked for when the warning is given. What is traced under a filter that ignores it gives none.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from types import FrameType
from typing import Any

from hotloop.errors import Location, globals_of
from hotloop.frontend.builder import current, emit, place_of, unsupported
from hotloop.frontend.host import pieces_of, show
from hotloop.frontend.messages import message as with_marks
from hotloop.frontend.registry import call
from hotloop.frontend.rewrite import is_helper
from hotloop.frontend.warned import Ignored
from hotloop.ir.core import Atom
from hotloop.record import record


@record
class Warn:
    """`pieces`: the text's parts, as those of a Print; `location`: the place to name, or None if it
    is that of the frame number `outside` around the compiled function."""
    pieces: tuple[Any, ...]
    category: type[Warning]
    location: Location | None
    outside: int

    @property
    def __name__(self) -> str:
        """As an attribute of this module, for the text form of the IR."""
        return PREFIX + pickle.dumps(self).hex()

    def __call__(self, *operands: Any) -> None:
        text = "".join(part if isinstance(part, str) else show(part, operands)
                       for part in self.pieces)
        if self.location is not None:
            file, line = self.location.file, self.location.line
            space = globals_of(file)
        else:
            file, line, space = _around(self.outside)
        warnings.warn_explicit(text, self.category, file, line,
                               space.get("__name__") or "<string>",
                               space.setdefault("__warningregistry__", {}))


PREFIX = "warn_"


def __getattr__(name: str) -> Any:
    """`warn_<hex>`: the Warn of that name, when a Program is read back from text."""
    if not name.startswith(PREFIX):
        raise AttributeError(name)
    return pickle.loads(bytes.fromhex(name[len(PREFIX):]))


OUTERMOST = ("<sys>", 0) if sys.version_info >= (3, 13) else ("sys", 1)
"""The place of a warning that is given further out than there are frames."""


def _around(outside: int) -> tuple[str, int, dict[str, Any]]:
    """File, line and globals of frame number `outside` of those that are not this package's; of
    the outermost one if there are fewer, as Python's module `sys`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "hotloop.loops.callback":
        frame = frame.f_back                    # one of them stands in for the user's function
    while frame is not None:
        if not str(frame.f_globals.get("__name__", "")).startswith("hotloop."):
            outside -= 1
            if outside < 0:
                return frame.f_code.co_filename, frame.f_lineno, frame.f_globals
        frame = frame.f_back
    return *OUTERMOST, vars(sys)


def _frames() -> list[Location]:
    """Where the user's functions that are being traced stand, the innermost first."""
    found: list[Location] = []
    inside = None                       # the place in a helper function of the next frame's
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "hotloop.frontend.trace":
        if not str(frame.f_globals.get("__name__", "")).startswith("hotloop."):
            inside = inside or place_of(frame)
            if not is_helper(frame.f_code):
                found.append(inside)
                inside = None
        frame = frame.f_back
    return found


@call(warnings.warn)
def warn(message: Any, category: Any = None, stacklevel: int = 1, source: Any = None,
         **others: Any) -> None:
    if others:
        raise unsupported(f"warnings.warn with {next(iter(others))}=")
    if isinstance(message, Warning):
        category = type(message)
        text = message.args[0] if len(message.args) == 1 else with_marks(lambda: str(message))
    else:
        category, text = category or UserWarning, message
    if not (isinstance(category, type) and issubclass(category, Warning)):
        raise TypeError(f"category must be a Warning subclass, not '{type(category).__name__}'")
    if current().state.notes.ignores(category):
        return
    operands: list[Atom] = []
    shown = with_marks(lambda: pieces_of(text, operands))
    frames = _frames()
    level = max(stacklevel, 1) - 1
    inside = level < len(frames)
    emit("call_host", operands, [], function=Warn(
        shown, category, frames[level] if inside else None, level - len(frames)))


@call(warnings.catch_warnings)
class Filters:
    """`with warnings.catch_warnings(...)`: the filters that the program sets inside."""

    def __init__(self, *, record: bool = False, module: Any = None, action: str | None = None,
                 category: type[Warning] = Warning, lineno: int = 0, append: bool = False):
        if record or module is not None:
            raise unsupported("warnings.catch_warnings that records",
                              "catch warnings outside of the compiled function")
        self.first = (action, category, lineno, append)

    def __enter__(self) -> None:
        self.notes = current().state.notes
        self.before = self.notes.ignored
        self.notes.ignored = (*self.before, Ignored(current(), ()))
        action, *others = self.first
        if action is not None:
            simplefilter(action, *others)

    def __exit__(self, *_: object) -> None:
        self.notes.ignored = self.before


@call(warnings.simplefilter)
def simplefilter(action: str, category: type[Warning] = Warning, lineno: int = 0,
                 append: bool = False) -> None:
    notes = current().state.notes
    if not notes.ignored or notes.ignored[-1].block is not current():
        raise unsupported("a change of the warning filters", "use it directly in a `with "
                          "warnings.catch_warnings()`")
    if action != "ignore":
        raise unsupported(f"the warning filter {action!r} in compiled code", "set it outside, or "
                          "use `with np.errstate(...)` for NumPy's errors")
    if lineno or append:                # does not ignore all: what is warned of is looked into
        return
    *others, last = notes.ignored
    notes.ignored = (*others, Ignored(last.block, (*last.categories, category)))


@call(warnings.filterwarnings)
def filterwarnings(action: str, message: str = "", category: type[Warning] = Warning,
                   module: str = "", lineno: int = 0, append: bool = False) -> None:
    if message or module:
        lineno = lineno or 1            # as a filter for one line: it ignores some warnings only
    simplefilter(action, category, lineno, append)
