"""Tables from Python objects to the functions that stand for them while tracing.

    @numpy_function(np.zeros)
    def zeros(shape, dtype=float): ...

    @method("sum")
    def array_sum(a, axis=None): ...

    @call(math.sqrt, operator.neg)
    def ...

The call helper and the NumPy protocols of the tracers look a callable up *by identity*, so aliases
(`from numpy import zeros as z`) and stored functions work. A table function gets the caller's
arguments as they are: tracers, Python numbers, NumPy scalars, real arrays, anything.

UFUNCS maps a `np.ufunc` to its elementwise meaning `rule(*atoms) -> atom, or a tuple of them`: the
operands arrive in the dtypes of the loop that NumPy chooses, each of the result's dimensions or of
rank 0 (`ufuncs.apply` has promoted and broadcast them and wraps what comes back).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.frontend.builder import CONTEXT, Certain

fallback = lazy.module("hotloop.frontend.numpy_fallback")


class Table(dict[Any, Callable[..., Any]]):
    """A table by name or by object. A key that it lacks may come with modules of `LATER`."""

    def get(self, key: Any, default: Any = None) -> Any:
        return dict.get(self, key) or (dict.get(self, key, default) if _loaded(key) else default)

    def __contains__(self, key: Any) -> bool:
        return dict.__contains__(self, key) or (_loaded(key) and dict.__contains__(self, key))

    def __missing__(self, key: Any) -> Callable[..., Any]:
        if _loaded(key) and dict.__contains__(self, key):
            return dict.__getitem__(self, key)
        raise KeyError(key)


NUMPY = Table()
"""NumPy functions (not ufuncs), types and other objects of NumPy: also called by the protocols."""

METHODS = Table()
"""Methods of arrays and NumPy scalars; the first argument is the array or scalar."""

PROPERTIES = Table()
"""Attributes of arrays and scalars that take no call (`T`, `real`)."""

CALLS = Table()
"""Builtins, math.*, random.* and whatever else is called by name."""

UFUNCS: dict[Any, Callable[..., Any]] = {}
"""Elementwise meaning of ufuncs, see above."""

UFUNC_METHODS = Table()
"""`reduce`, `accumulate`, `outer`, `at`: (ufunc, *args, **kwargs)."""

_TABLES = NUMPY, METHODS, PROPERTIES, CALLS, UFUNC_METHODS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _into(table: dict[Any, Callable[..., Any]], keys: tuple[Any, ...]) -> Decorator:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for key in keys:
            table[key] = function
        return function
    return register


def numpy_function(*objects: Any) -> Decorator:
    """The decorated function stands for these NumPy functions; a name is of one that is not in
    every NumPy from 2.0 on."""
    return _into(NUMPY, tuple(getattr(np, x, x) if isinstance(x, str) else x for x in objects))


def method(*names: str) -> Decorator:
    """The decorated function is a method of arrays and NumPy scalars."""
    return _into(METHODS, names)


def attribute(*names: str) -> Decorator:
    """The decorated function computes an attribute of arrays and scalars."""
    return _into(PROPERTIES, names)


def call(*objects: Any) -> Decorator:
    """The decorated function stands for these callables where they are called."""
    return _into(CALLS, objects)


def ufunc_rule(*ufuncs: Any) -> Decorator:
    """The decorated function is the elementwise meaning of these ufuncs."""
    return _into(UFUNCS, ufuncs)


_BUILTINS = lazy.module("hotloop.frontend.python_names")
_SEQUENCES = lazy.module("hotloop.frontend.python_sequences")
_LIBRARY = (lazy.module("hotloop.frontend.python_library"),)
_MATH = (lazy.module("hotloop.frontend.math_names"),)
_TEXT_BUILTINS = frozenset((str, repr, ascii, format, chr, ord, bin, hex, oct))
_REDUCE = lazy.module("hotloop.frontend.numpy_reduce")
_SHAPE = lazy.module("hotloop.frontend.numpy_shape")
_METHODS = lazy.module("hotloop.frontend.numpy_methods")

LATER: dict[str, tuple[Any, ...]] = {
    "builtins": (_BUILTINS, _SEQUENCES, lazy.module("hotloop.frontend.host")),
    "_operator": (_BUILTINS,),
    **dict.fromkeys(("heapq", "_heapq", "bisect", "_bisect", "itertools", "_functools",
                     "functools", "collections"), _LIBRARY),
    "cmath": _MATH,
    "math": _MATH,
    "numpy": (
        lazy.module("hotloop.frontend.numpy_create"), _REDUCE, _SHAPE, _METHODS,
        lazy.module("hotloop.frontend.numpy_select"),
        lazy.module("hotloop.frontend.numpy_order"),
        lazy.module("hotloop.frontend.numpy_diagonals"),
        lazy.module("hotloop.frontend.numpy_join"),
        lazy.module("hotloop.frontend.numpy_products"),
        lazy.module("hotloop.frontend.numpy_numeric"),
        lazy.module("hotloop.frontend.numpy_statistics"),
        lazy.module("hotloop.frontend.numpy_einsum"),
        lazy.module("hotloop.frontend.numpy_functional"),
        lazy.module("hotloop.frontend.numpy_iteration")),
    "numpy.fft": (lazy.module("hotloop.frontend.numpy_fft"),),
    "numpy.linalg": (lazy.module("hotloop.frontend.numpy_linalg"),),
    "numpy.ndarray": (_METHODS, _REDUCE, _SHAPE, _SEQUENCES),
    "numpy.random": (lazy.module("hotloop.frontend.numpy_random"),
                     lazy.module("hotloop.frontend.numpy_distributions")),
    "text": (lazy.module("hotloop.frontend.text_builtins"),),
    "random": (lazy.module("hotloop.frontend.python_random"),),
    **dict.fromkeys(("warnings", "_warnings"), (lazy.module("hotloop.frontend.python_warnings"),)),
    "scipy": (lazy.module("hotloop.frontend.scipy_names"),),
}
"""Modules that fill the tables for functions of a module, or for methods of arrays, the likely ones
first. They are loaded, one after another, when a function is met that is in no table: most programs
use few. Ufuncs and operators, which are in most programs, are there from the start. No two modules
know the same name."""


def lookup(function: Any) -> Callable[..., Any] | None:
    """The function that stands for `function`, or None."""
    try:
        return CALLS.get(function) or NUMPY.get(function)
    except (TypeError, UnsupportedError):           # not hashable
        return None


def guarded(function: Any, stand_in: Callable[..., Any], /, *args: Any, **keywords: Any) -> Any:
    """`stand_in(*args, **keywords)`; where it does not cover the arguments, compiled code calls
    NumPy's `function`, as it does for the exception if they are wrong for certain."""
    before, builder = CONTEXT.guarded, CONTEXT.builder
    try:
        CONTEXT.guarded = builder
        if not _accepts(function, args, keywords):
            raise Certain(TypeError, "wrong arguments", (), None)
        return stand_in(*args, **keywords)
    except UnsupportedError as error:
        CONTEXT.guarded = before            # what NumPy itself refuses is certain enough
        return fallback.instead(function, args, keywords, error)
    except Certain as failure:
        if before is builder:               # of the stand-in that called this one
            raise
        CONTEXT.guarded = None
        return fallback.failed(function, args, keywords, failure)
    finally:
        CONTEXT.guarded = before


def _accepts(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """May the function be called so? A stand-in may know parameters of other versions of NumPy's.
    True of what is written in C."""
    plain = getattr(function, "__wrapped__", function)
    if not isinstance(plain, FunctionType):     # Cython's have code that says nothing
        return True
    code = plain.__code__
    count = code.co_argcount
    if len(args) > count and not code.co_flags & VAR_POSITIONAL:
        return False
    names = code.co_varnames
    if keywords and not code.co_flags & VAR_KEYWORD:
        known = names[code.co_posonlyargcount:count + code.co_kwonlyargcount]
        if not all(name in known for name in keywords):
            return False
    required = count - len(plain.__defaults__ or ())
    return len(args) >= required or all(name in keywords for name in names[len(args):required])


VAR_POSITIONAL, VAR_KEYWORD = 4, 8
"""Flags of code objects."""


def _loaded(key: Any) -> bool:
    """Was a module that knows `key` loaded just now?"""
    if _known(key):
        return False
    return any(lazy.load(module) and _known(key) for module in modules_for(key))


def modules_for(key: Any) -> Iterator[Any]:
    """The modules among which is the one that knows `key`, if one does."""
    home = "numpy.ndarray" if isinstance(key, str) else "text" if (
        key in _TEXT_BUILTINS) else home_of(key)
    for name in dict.fromkeys((home, home.split(".")[0])):  # np.linalg.outer stands beside np.outer
        yield from LATER.get(name, ())


def _known(key: Any) -> bool:
    return key in UFUNCS or any(dict.__contains__(table, key) for table in _TABLES)


def home_of(function: Any) -> str:
    """The public module that a function belongs to: "numpy.random" for np.random.normal, a method
    of a numpy.random.mtrand.RandomState, "numpy" for np.r_, a numpy.lib._index_tricks_impl.RClass.
    """
    home = getattr(function, "__module__", None)
    if not isinstance(home, str):
        home = type(getattr(function, "__self__", None)).__module__
    parts = home.split(".")
    if parts[0] != "numpy":
        return home
    short = ".".join(parts[:2])
    return short if short in LATER else "numpy"
