"""The object that `jit` returns: called like the function, and looking like it.

    f = jitted(function, compile)
    f(a)                  # runs machine code
    f.__wrapped__         # the Python function
    f.cache_info()        # what was compiled
    f.lower(a)            # the Compiled for these arguments, without calling it
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from types import MethodType
from typing import Any, NamedTuple

from hotloop import config
from hotloop.entry.compiled import Compiled
from hotloop.runtime.dispatch import Compile, Specializations, specializations


class CacheInfo(NamedTuple):
    """`calls`: how calls that reached the dispatcher were served (those served by generated code
    alone are not counted); `seconds`: spent compiling."""
    specializations: int
    seconds: float
    calls: dict[str, int]


class Function:
    """A compiled function where no native entry is available; the same attributes as the native."""

    __wrapped__: Callable[..., Any]
    _specializations: Specializations

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if config.disable:
            return self.__wrapped__(*args, **kwargs)
        return self._specializations.call(self.__wrapped__, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<hotloop {self.__wrapped__!r}>"

    def __reduce__(self) -> str:
        return self.__wrapped__.__qualname__

    def cache_info(self) -> CacheInfo:
        """What was compiled so far and how calls were served."""
        found = self._specializations
        return CacheInfo(len(found.entries), found.seconds, dict(found.calls))

    def clear_cache(self) -> None:
        """Forget the specializations (of this function and equivalent ones)."""
        self._specializations.clear()

    def lower(self, *args: Any, **kwargs: Any) -> Compiled:
        """Compile for these arguments, without calling; raises TypeError like a call."""
        found = self._specializations
        bound = found.binder.bind(args, kwargs)
        if bound is None:
            raise TypeError(f"these arguments don't fit {self.__wrapped__!r}")
        entry, _ = found.find(bound)
        if entry is None:
            entry, _ = found.add(bound, args, kwargs)
        return (entry or found.entries[0]).compiled


def jitted(function: Callable[..., Any], compile: Compile, options: Hashable = ()) -> Function:
    """A compiled version of `function`; `compile` and `options` as in `runtime.dispatch`."""
    made = Function()
    functools.update_wrapper(made, function)
    made._specializations = specializations(function, compile, options)
    return made
