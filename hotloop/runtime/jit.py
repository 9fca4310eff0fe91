"""`jit`: the decorator.

    @hotloop.jit
    def f(x): ...

    g = hotloop.jit(f, static_argnames=("mode",))
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from hotloop import config, persist
from hotloop.compile import Lowered, Watch, codegen, lower, prepare, trace_function
from hotloop.entry.bind import Binder
from hotloop.entry.compiled import Compiled
from hotloop.entry.paths import Scope
from hotloop.errors import HotloopError, InternalError
from hotloop.frontend.traced import Traced
from hotloop.llvm import cache as disk
from hotloop.runtime import tiers
from hotloop.runtime.function import jitted

OTHERS = ("builtins", "numpy")
"""Where the types of functions come from that have no code in Python."""


def jit(fn: Callable[..., Any] | None = None, *, static_argnums: int | Iterable[int] = (),
        static_argnames: str | Iterable[str] = (), cache: bool = True,
        fastmath: bool | None = None) -> Any:
    """A compiled version of a Python function of NumPy arrays and numbers.

    The function is compiled at its first call, and again for arguments of other types: dtype,
    rank, contiguity; kind of scalar; value of a static argument. Sizes do not matter. It gives
    what the Python function gives: values, dtypes, mutation of arguments, exceptions.

    static_argnums, static_argnames
        arguments (positions, names) whose *values* are compiled in; they must be hashable. None,
        strings, functions, types and other objects that are no numbers or arrays are static anyway
    cache
        keep machine code on disk, for other processes (see `hotloop cache info`)
    fastmath
        let floats be added in another order and be rounded once where Python rounds twice
        (`docs/fastmath.md` says what may change); None: what `config.fastmath` says. A function
        that is jitted already is jitted anew with it

    Raises `hotloop.errors.UnsupportedError` at the first call if the function can't be compiled.

    >>> import numpy as np, hotloop
    >>> @hotloop.jit
    ... def norm(x):
    ...     total = 0.0
    ...     for value in x:
    ...         total += value * value
    ...     return np.sqrt(total)
    >>> norm(np.array([3.0, 4.0]))
    np.float64(5.0)
    """
    if fn is None:
        return functools.partial(jit, static_argnums=static_argnums,
                                 static_argnames=static_argnames, cache=cache,
                                 fastmath=fastmath)
    if not callable(fn):
        raise TypeError(f"jit takes a function, not a {type(fn).__name__}")
    if isinstance(fn, staticmethod | classmethod):
        raise TypeError("put @staticmethod or @classmethod above @hotloop.jit, not below")
    if type(fn).__module__ == "hotloop" and hasattr(fn, "cache_info"):
        if fastmath is None:
            return fn
        known: Any = fn
        given = known._specializations.compile
        return jit(known.__wrapped__, **given.statics, cache=given.cache, fastmath=fastmath)
    if not hasattr(fn, "__code__") and type(fn).__module__.split(".")[0] in OTHERS:
        fn = _calling(fn)
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    options = (numbers, names, cache, fastmath)
    if not (cache and config.cache and disk.holds_any()):
        prepare()               # it will be compiled: LLVM is loaded until then
    return jitted(fn, _compiler(*options), options)


def another(fn: Callable[..., Any]) -> Any:
    """`jit(fn)` where others have been made: LLVM is not looked after."""
    options = ((), (), True, None)
    return jitted(fn, _compiler(*options), options)


def _calling(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A Python function that calls `fn`, which has no code to be traced: `jit(np.add)`."""
    def call(*args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)
    for name in ("__name__", "__qualname__", "__doc__"):
        setattr(call, name, getattr(fn, name, None) or getattr(call, name))
    return call


class Compiler:
    """The pipeline for one set of options: called on a miss, the disk first."""

    def __init__(self, numbers: tuple[int, ...], names: tuple[str, ...], cache: bool,
                 fastmath: bool | None = None):
        self.statics: dict[str, Any] = {"static_argnums": numbers, "static_argnames": names}
        self.cache, self.fastmath = cache, fastmath

    def __call__(self, fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Compiled:
        key = None
        if self.cache and config.cache:
            try:
                options = {**self.statics, "fastmath": self._fast}
                key = persist.key_of(fn, args, kwargs, options)
            except persist.NotCacheable:
                pass
            else:
                found = persist.fetch(key, fn, args, kwargs)
                if found is not None:
                    return found
        prepare()
        lowered, traced = self._lower(fn, args, kwargs)
        quick = tiers.quick(lowered, traced, Scope(Binder(fn).bind(args, kwargs) or {}))
        with own_errors(lowered.watch.name):
            compiled, data, names = codegen(lowered, traced, quick)
        entry = persist.stored(fn, compiled) if key is not None else None

        def keep(data: bytes, names: tuple[str, ...]) -> None:
            if key is not None and entry is not None:
                persist.store(key, entry, data, names)
        if quick:
            tiers.improve(compiled, lowered, names, keep)
        else:
            keep(data, names)
        return compiled

    @property
    def _fast(self) -> bool:
        return config.fastmath if self.fastmath is None else self.fastmath

    def lower(self, fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Lowered:
        """The stages as text; nothing is loaded or kept."""
        return self._lower(fn, args, kwargs)[0]

    def _lower(self, fn: Callable[..., Any], args: tuple,
               kwargs: dict[str, Any]) -> tuple[Lowered, Traced]:
        watch = Watch(getattr(fn, "__qualname__", repr(fn)))
        traced = trace_function(fn, args, kwargs, watch, **self.statics)
        with own_errors(watch.name):
            lowered = lower(traced.program, [i.contiguous for i in traced.inputs], watch,
                            traced.examples, watched(traced), self._fast)
        return lowered, traced


@contextmanager
def own_errors(name: str) -> Iterator[None]:
    """What is raised after tracing is no exception of the user's function, for which Python would
    run instead: it is an InternalError, to be reported."""
    try:
        yield
    except (HotloopError, MemoryError):
        raise
    except Exception as error:
        raise InternalError(f"compiling {name}: {type(error).__name__}: {error}") from error


def watched(traced: Traced) -> str:
    """For `Kernel.watched`."""
    return "" if traced.warned is None else "always" if traced.warned.always else "set"


_compiler = functools.cache(Compiler)


