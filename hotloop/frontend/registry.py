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

from collections.abc import Callable
from typing import Any

from hotloop import lazy

NUMPY: dict[Any, Callable[..., Any]] = {}
"""NumPy functions (not ufuncs), types and other objects of NumPy: also called by the protocols."""

METHODS: dict[str, Callable[..., Any]] = {}
"""Methods of arrays and NumPy scalars; the first argument is the array or scalar."""

PROPERTIES: dict[str, Callable[..., Any]] = {}
"""Attributes of arrays and scalars that take no call (`T`, `real`)."""

CALLS: dict[Any, Callable[..., Any]] = {}
"""Builtins, math.*, random.* and whatever else is called by name."""

UFUNCS: dict[Any, Callable[..., Any]] = {}
"""Elementwise meaning of ufuncs, see above."""

UFUNC_METHODS: dict[str, Callable[..., Any]] = {}
"""`reduce`, `accumulate`, `outer`, `at`: (ufunc, *args, **kwargs)."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _into(table: dict[Any, Callable[..., Any]], keys: tuple[Any, ...]) -> Decorator:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for key in keys:
            table[key] = function
        return function
    return register


def numpy_function(*objects: Any) -> Decorator:
    """The decorated function stands for these NumPy functions."""
    return _into(NUMPY, objects)


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


LATER = {
    "numpy.fft": lazy.module("hotloop.frontend.numpy_fft"),
    "numpy.linalg": lazy.module("hotloop.frontend.numpy_linalg"),
    "numpy.random": lazy.module("hotloop.frontend.numpy_random"),
    "random": lazy.module("hotloop.frontend.numpy_random"),
}
"""Modules that fill the tables for functions of a module, loaded when one of these is met."""


def lookup(function: Any) -> Callable[..., Any] | None:
    """The function that stands for `function`, or None."""
    try:
        found = CALLS.get(function) or NUMPY.get(function)
    except TypeError:
        return None
    if found is None and (tables := LATER.get(_home(function))) is not None:
        lazy.load(tables)
        found = CALLS.get(function) or NUMPY.get(function)
    return found


def _home(function: Any) -> str:
    """The public module that a function belongs to: "numpy.random" for np.random.normal, a method
    of a numpy.random.mtrand.RandomState."""
    home = getattr(function, "__module__", None)
    if not isinstance(home, str):
        home = type(getattr(function, "__self__", None)).__module__
    return "numpy.random" if home.startswith("numpy.random.") else home
