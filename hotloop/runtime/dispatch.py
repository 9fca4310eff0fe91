"""The specializations of one function: look-up by what a call brings, compilation on a miss.

    found = specializations(function, compile)      # shared by equivalent functions
    entry, values, scope = found.choose(function, args, kwargs)
    result = entry.run(values, scope) if entry else function(*args, **kwargs)

`compile(function, args, kwargs)` gives a `Compiled` or raises an `errors.HotloopError`. Arguments
outside what compiled code handles (overlapping arrays where one is written, ints beyond 64 bits,
byte-swapped arrays, subclasses of ndarray, ...) make Python run the function: always right.

Functions defined again with the same code, closure values, globals and defaults (a lambda in a
loop) share their specializations. Machine code dies with the last function that uses it; that of
functions which are made again and again lives on until a few hundred others were made so.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from types import FunctionType
from typing import Any, Protocol

import numpy as np

from hotloop import config, lazy
from hotloop.entry.bind import Binder
from hotloop.entry.compiled import Compiled
from hotloop.entry.paths import Scope, innermost, only_compiled
from hotloop.entry.slow import FAILS, MISS, PYTHON, Outcome, Slow
from hotloop.errors import HotloopError, InternalError, SourceError, UnsupportedError
from hotloop.frontend.given import made_anew
from hotloop.frontend.tracers import Tracer
from hotloop.ir.types import CODE_OF
from hotloop.runtime.recent import Recent, light

traceback = lazy.module("traceback")


class Compile(Protocol):
    """`runtime.jit.Compiler`."""

    def __call__(self, fn: Callable[..., Any], args: tuple[Any, ...],
                 kwargs: dict[str, Any]) -> Compiled: ...
    def lower(self, fn: Callable[..., Any], args: tuple[Any, ...],
              kwargs: dict[str, Any]) -> Any: ...


FROZEN_LIMIT = 16
"""Specializations for single values of numbers: beyond, Python runs calls with other values."""


FAILURE_LIMIT = 100
"""Calls for which tracing met an exception of the function: beyond, Python runs calls like it."""

REPORT = """
  This is a bug in hotloop: please report it with the function, and what HOTLOOP_VERIFY=1 raises."""


class Specializations:
    """Thread-safe; `entries` is replaced, never changed, so readers need no lock."""

    def __init__(self, function: Callable[..., Any], compile: Compile, keep: Any = None):
        self.function, self.compile, self.keep = function, compile, keep
        self.binder = Binder(function)
        self.entries: tuple[Slow, ...] = ()
        self.lock = threading.RLock()
        self.unusable: set[Hashable] = set()
        self.failures: Counter[Hashable] = Counter()
        self.calls: Counter[str] = Counter()
        self.states: weakref.WeakSet[Any] = weakref.WeakSet()
        self.seconds = 0.0
        self.key: Hashable = None       # of entries that may outlive the function

    def choose(self, function: Callable[..., Any], args: tuple[Any, ...],
               kwargs: Mapping[str, Any]) -> tuple[Slow | None, Any, Scope]:
        """(entry, values, scope) for a call; no entry if Python must run the function, which is
        counted with the reason."""
        bound = self.binder.bind(args, kwargs)
        if bound is None:
            return self.python("a call that Python rejects")
        entry, values, scope = self.find(bound, function)
        if entry is None and values is MISS:
            reason = foreign(bound)
            if reason:
                return self.python(reason)
            entry, values, scope = self.add(bound, function, args, kwargs)
        if entry is None:
            return self.python(foreign(bound) or (
                "it raises an exception" if values is FAILS
                else "a store to an array that overlaps another or is read-only" if values is PYTHON
                else "nothing that was compiled fits"))
        self.calls["compiled"] += 1
        return entry, values, scope

    def python(self, reason: str) -> tuple[None, Any, Scope]:
        self.calls["python: " + reason] += 1
        return None, PYTHON, Scope({})

    def find(self, bound: Mapping[str, Any],
             function: Callable[..., Any]) -> tuple[Slow | None, Any, Scope]:
        """(entry, values, scope) if one fits; else no entry, and for values MISS or, if an entry
        fits but for the values, PYTHON."""
        outcome = MISS
        for entry in self.entries:
            scope = Scope(bound, entry.function, innermost(function))
            found = entry.match(scope)
            if not isinstance(found, Outcome):
                return entry, found, scope
            if found is not MISS:
                outcome = found
        return None, outcome, Scope({})

    def add(self, bound: Mapping[str, Any], function: Callable[..., Any], args: tuple[Any, ...],
            kwargs: Mapping[str, Any]) -> tuple[Slow | None, Any, Scope]:
        """Compile for `bound` and find again; another thread may have done it meanwhile."""
        with self.lock:
            found = self.find(bound, function)
            signature = tuple(map(_shape, bound.values()))
            if found[0] is not None or found[1] is not MISS or signature in self.unusable:
                return found
            if self.adopt(bound, function):
                return self.find(bound, function)
            if sum(bool(e.traced.frozen) for e in self.entries) >= FROZEN_LIMIT:
                return None, PYTHON, Scope({})
            start = time.perf_counter()
            try:
                compiled = self.compile(function, args, dict(kwargs))
            except (SourceError, InternalError) as error:
                bug = isinstance(error, InternalError)
                if only_compiled(function) or bug and config.verify:
                    raise
                self.unusable.add(signature)
                warnings.warn(
                    f"hotloop runs a function as plain Python: {error}" + REPORT * bug,
                    RuntimeWarning, stacklevel=5)
                return None, PYTHON, Scope({})
            except UnsupportedError:
                if only_compiled(function) or not any(map(_is_read_only, bound.values())):
                    raise
                return None, PYTHON, Scope({})     # a store to it is NumPy's error to raise
            except HotloopError:
                raise
            except Exception as error:             # the function's own: Python raises it
                if config.debug:
                    traceback.print_exception(error)
                if only_compiled(function):
                    raise
                self.failures[signature] += 1
                if self.failures[signature] >= FAILURE_LIMIT:
                    self.unusable.add(signature)
                return None, FAILS, Scope({})
            self.seconds += time.perf_counter() - start
            entry = Slow(compiled, innermost(function))
            self.entries = (entry, *self.entries)
            if self.key is not None:
                with _lock:
                    _recent.put(self.key, (entry, *(_recent.get(self.key) or ())), True)
            found = self.find(bound, function)
            if found[0] is None and found[1] is MISS:
                self.unusable.add(signature)        # or every such call would compile again
            return found

    def adopt(self, bound: Mapping[str, Any], function: Callable[..., Any]) -> bool:
        """Take an entry of an equivalent function that is no more."""
        with _lock:
            kept = _recent.get(self.key) if self.key is not None else None
        for entry in kept or ():
            scope = Scope(bound, entry.function, innermost(function))
            if entry not in self.entries and entry.match(scope) is not MISS:
                self.entries = (entry, *self.entries)
                return True
        return False

    def clear(self) -> None:
        with self.lock, _lock:
            _recent.put(self.key, (), True)
            self.entries = ()
            self.unusable.clear()


def _is_read_only(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.flags.writeable


def _shape(value: Any) -> tuple[Any, ...]:
    """What of an argument decides which specialization it needs, coarsely."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.flags.c_contiguous, value.flags.f_contiguous,
                tuple(d == 1 for d in value.shape))
    if type(value) in (str, bytes, bool, type(None)):
        return type(value), value
    return (type(value),)


def foreign(bound: Mapping[str, Any]) -> str:
    """Why no specialization can be compiled for these arguments; "" if one may be."""
    values = list(bound.values())
    for value in values:
        if isinstance(value, (tuple, list)):
            values.extend(v for v in value if isinstance(v, (np.ndarray, Tracer)))
    for value in values:
        if isinstance(value, Tracer):
            return "called while another function is traced"
        if isinstance(value, np.ndarray):
            if type(value) is not np.ndarray:
                return f"a subclass of ndarray: {type(value).__name__}"
            if value.dtype not in CODE_OF or not value.dtype.isnative:
                return f"dtype {value.dtype}"
            if not value.flags.aligned:
                return "an array that is not aligned"
        elif type(value) is int and not -(1 << 63) <= value < 1 << 63:
            return "an int of more than 64 bits"
    return ""


def specializations(function: Callable[..., Any], compile: Compile,
                    options: Hashable = ()) -> Specializations:
    """The specializations of `function` and of functions equivalent to it."""
    key, keep = _identity(function, options)
    with _lock:
        found = _known.get(key)
        if found is None:
            found = _known[key] = Specializations(function, compile, keep)
            if isinstance(function, FunctionType) and made_anew(function) and light(function):
                if hash(key) in _met:
                    found.key = key, compile
                _met[hash(key)] = None
                if len(_met) > MET:
                    del _met[next(iter(_met))]
        return found


_known: weakref.WeakValueDictionary[Hashable, Specializations] = weakref.WeakValueDictionary()
_recent = Recent()
"""The entries of functions that were made again, as one that another jits at each call."""
_met: dict[int, None] = {}
"""Hashes of what functions do that may be made again. The first one's code dies with it."""
MET = 4096
_lock = threading.Lock()


def _renew_locks() -> None:
    """In a forked child: their holders are threads that do not exist here."""
    global _lock
    _lock = threading.Lock()
    for found in list(_known.values()):
        found.lock = threading.RLock()
        for state in list(found.states):
            state.lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_locks)


def _identity(function: Callable[..., Any], options: Hashable,
              depth: int = 4) -> tuple[Hashable, Any]:
    """What makes functions equivalent, and the objects whose ids stand in it (to keep alive)."""
    if only_compiled(function):                     # grad(f), made again at each call
        key, keep = _identity(function.fn, options)         # type: ignore[attr-defined]
        return (type(function), function.options, key), (keep, function)  # type: ignore[attr-defined]
    if not isinstance(function, FunctionType) or not depth:     # a bound method: an object
        return ("object", id(function), options), function
    try:
        contents = tuple(cell.cell_contents for cell in function.__closure__ or ())
    except ValueError:  # a cell that is not filled yet
        return ("object", id(function), options), function
    keywords = function.__kwdefaults__ or {}
    parts = (*contents, *(function.__defaults__ or ()), *keywords.values())
    known = [_value(part, depth - 1) for part in parts]
    key = (function.__code__, id(function.__globals__), tuple(keywords), len(contents),
           tuple(key for key, _ in known), options)
    return key, known


def _value(part: Any, depth: int) -> tuple[Hashable, Any]:
    if type(part) in (bool, int, str, bytes, type(None)):
        return (type(part), part), None
    if type(part) is float:
        return (float, part.hex()), None
    if type(part) is FunctionType and made_anew(part):
        return _identity(part, (), depth)
    return ("id", id(part)), part
