"""The object that `jit` returns: called like the function, and looking like it.

    f = jitted(function, compile)
    f(a)                  # runs machine code
    f.__wrapped__         # the Python function
    f.cache_info()        # what was compiled
    f.lower(a)            # the stages for these arguments as text, without calling it

Where there is a native machine the object is of `native.function_type()`: the machine tries the
function's tables, and only calls that fit none of them come to Python (`State.call`), which puts
the specializations that it finds there into tables. Elsewhere it is a `Function`: every call comes
here.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Hashable, Mapping
from types import MethodType
from typing import Any, NamedTuple

from hotloop import config, lazy
from hotloop.entry import abi, native
from hotloop.entry.flagged import ERROR_STATE
from hotloop.entry.paths import Scope
from hotloop.entry.raising import frame_at, users_frames
from hotloop.entry.slow import Slow
from hotloop.errors import HotloopError, InternalError
from hotloop.runtime.dispatch import Compile, Specializations, specializations

wrap = lazy.module("hotloop.entry.wrap")            # from a function's second call on


class CacheInfo(NamedTuple):
    """`calls`: how calls were served; `seconds`: spent compiling."""
    specializations: int
    seconds: float
    calls: dict[str, int]


class State:
    """What one jitted object knows. `tables`: the native form of each entry met, None for one that
    the machine can't run."""

    def __init__(self, function: Callable[..., Any], found: Specializations):
        self.function, self.specializations = function, found
        self.tables: dict[Slow, Any] = {}
        self.calls = 0
        self.lock = threading.Lock()
        self.jitted: Callable[[], Any] = lambda: None
        found.states.add(self)

    def call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if config.disable:
            return self.function(*args, **kwargs)
        entry, values, scope = self.specializations.choose(self.function, args, kwargs)
        if entry is None:
            return self.function(*args, **kwargs)
        if entry.needs_python():
            self.uninstall(entry)
        elif entry not in self.tables:
            self.install(entry, scope)
        if (table := self.tables.get(entry)) is not None:
            table.expect(ERROR_STATE.get())
        return entry.run(values, scope, functools.partial(self.function, *args, **kwargs))

    def install(self, entry: Slow, scope: Scope) -> None:
        """Give the machine a table for `entry`. If the machine must be loaded first, the first call
        leaves that to the second: there may be none."""
        self.calls += 1
        jitted = self.jitted()
        if jitted is None or native.machine(load=self.calls > 1) is None:
            return
        with self.lock:
            found = self.specializations
            try:
                self.tables[entry] = wrap.encode(entry, found.binder, scope)
            except wrap.NotEncodable:
                self.tables[entry] = None
            entry.users.add(self)
            self.renew(entry)               # it may have come between
            self._set_tables(jitted)

    def renew(self, entry: Slow) -> None:
        """The kernel of `entry` is another one now."""
        if (table := self.tables.get(entry)) is not None:
            table.renew(entry)

    def uninstall(self, entry: Slow) -> None:
        """Let the next call that `entry` fits come to Python."""
        jitted = self.jitted()
        with self.lock:
            if self.tables.pop(entry, None) is not None and jitted is not None:
                self._set_tables(jitted)

    def _set_tables(self, jitted: Any) -> None:
        found = self.specializations
        tables = tuple(t for e in found.entries if (t := self.tables.get(e)) is not None)
        native.set_tables(jitted, found.binder, tables)

    def forget(self) -> None:
        jitted = self.jitted()
        with self.lock:
            self.tables.clear()
            if jitted is not None and native.machine(load=False) is not None:
                native.set_tables(jitted, self.specializations.binder, ())

    def runs(self) -> int:
        """Calls that the machine served."""
        return sum(t.runs() for t in list(self.tables.values()) if t is not None)


def _call(state: State, /, *args: Any, **kwargs: Any) -> Any:
    """What native objects call in Python. A traceback leads from the caller to the user's failing
    line, without frames of ours (but for bugs of ours, and with HOTLOOP_DEBUG)."""
    try:
        return state.call(args, kwargs)
    except HotloopError as error:
        if error.location is not None and not isinstance(error, InternalError) and (
                not config.debug):
            error.__traceback__ = frame_at(error.location)
            error.__suppress_context__ = True
        raise
    except BaseException as error:
        error.__traceback__ = users_frames(error.__traceback__)
        raise


class Function:
    """A compiled function where there is no native machine; the native type has the same
    attributes."""

    __wrapped__: Callable[..., Any]
    _state: State

    @property
    def __call__(self) -> Callable[..., Any]:    # a property, so that tracebacks lack its frame
        return functools.partial(_call, self._state)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<hotloop {self.__wrapped__!r}>"

    def __reduce__(self) -> str:
        return self.__wrapped__.__qualname__

    @property
    def _specializations(self) -> Specializations:
        return self._state.specializations

    def cache_info(self) -> CacheInfo:
        """What was compiled so far and how calls were served."""
        found = self._state.specializations
        calls = dict(found.calls)
        calls["compiled"] = calls.get("compiled", 0) + sum(s.runs() for s in list(found.states))
        return CacheInfo(len(found.entries), found.seconds, calls)

    def clear_cache(self) -> None:
        """Forget the specializations (of this function and of equivalent ones)."""
        self._state.specializations.clear()
        for state in list(self._state.specializations.states):
            state.forget()

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """The stages for these arguments as text: `.program`, `.loops`, `.llvm`, `.asm`; nothing
        is run. Raises TypeError for arguments that don't fit the function."""
        found = self._state.specializations
        if found.binder.bind(args, kwargs) is None:
            raise TypeError(f"these arguments don't fit {self.__wrapped__!r}")
        return found.compile.lower(self.__wrapped__, args, kwargs)


Function.__module__ = "hotloop"


@functools.cache
def _native_type() -> Any:
    """The native type with the attributes of `Function`."""
    made = native.function_type()
    for name in ("__repr__", "__reduce__", "_specializations", "cache_info", "clear_cache",
                 "lower"):
        setattr(made, name, vars(Function)[name])
    made._state = property(native.state)
    made.__doc__ = "A function compiled by hotloop; `__wrapped__` is the Python function."
    made.__module__ = "hotloop"
    return made


def jitted(function: Callable[..., Any], compile: Compile, options: Hashable = ()) -> Any:
    """A compiled version of `function`; `compile` and `options` as in `runtime.dispatch`."""
    state = State(function, specializations(function, compile, options))
    made: Any
    if abi.problem():
        made = Function()
        made._state = state
    else:
        _native_type()
        made = native.new(_call, state)
        state.jitted = weakref.ref(made)
    functools.update_wrapper(made, function)
    return made
