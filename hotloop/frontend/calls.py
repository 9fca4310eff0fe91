"""The call helper: what stands for a callable while tracing.

    _hl.function(np.sin)(x)      the ufunc through `ufuncs`
    _hl.function(helper)(x)      the Python function `helper`, rewritten and traced here as well
    _hl.function(len)(x)         a stand-in from `registry`

A callable is looked up by identity. Functions without source run natively on tracers. C functions
run at trace time only if they are known to be pure: anything else (`time.time`, `open`) would
happen once instead of at every call, and is refused.
"""

from __future__ import annotations

import builtins
import contextlib
import enum
import functools
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import CONTEXT, check, current, quiet, staging, unsupported
from hotloop.frontend.list_values import ListMethod
from hotloop.frontend.messages import message, template
from hotloop.frontend.objects import assigning, made_here, needs_length, refuse_change
from hotloop.frontend.registry import fallback, guarded, home_of, lookup
from hotloop.frontend.slots import Unjoined
from hotloop.frontend.tracers import Array, BoundMethod, Scalar, Tracer, convert, lift, value, wrap
from hotloop.frontend.truth import exactly, if_expression, in_
from hotloop.frontend.yields import GENERATOR

functional = lazy.module("hotloop.frontend.numpy_functional")
managers = lazy.module("hotloop.frontend.managers")
memos = lazy.module("hotloop.frontend.memos")
recursion = lazy.module("hotloop.frontend.recursion")
tables = lazy.module("hotloop.frontend.tables")
text = lazy.module("hotloop.frontend.text")
text_names = lazy.module("hotloop.frontend.text_names")
unsupported_numpy = lazy.module("hotloop.frontend.numpy_unsupported")

PURE_MODULES = frozenset((
    "builtins", "math", "cmath", "operator", "_operator", "itertools", "functools", "_functools",
    "collections", "_collections", "copy", "numbers", "fractions", "string", "re", "enum",
    "typing", "dataclasses", "abc", "_abc", "types", "statistics", "_statistics", "_struct",
    "struct", "hashlib", "inspect"))
IMPURE_BUILTINS = frozenset(map(id, (open, input, exec, eval, compile, globals, locals, vars,
                                     __import__, breakpoint, setattr, delattr)))
GROWING = frozenset(("append", "extend", "pop", "insert", "update", "add", "clear", "remove",
                     "sort", "reverse", "setdefault", "popitem", "discard", "appendleft",
                     "popleft", "extendleft", "rotate", "move_to_end", "difference_update",
                     "intersection_update", "symmetric_difference_update"))
CHANGING = frozenset(("__setattr__", "__setitem__", "__delattr__", "__delitem__", "setitem",
                      "delitem", "iadd", "iconcat", "__iadd__", "__next__", "send"))
QUIET_MODULES = frozenset(("math", "cmath", "random", "numpy.random"))
"""Their functions never give NumPy's floating-point warnings."""

IN_PYTHON = ("hotloop.frontend.in_python", "hotloop.frontend.in_tables",
             "hotloop.frontend.in_text", "hotloop.frontend.in_text_parts",
             "hotloop.frontend.numpy_in_python", "hotloop.frontend.random_in_python")
"""Functions to be traced though they are not the user's."""

ACTIVE_LIMIT = 50
"""Calls of one function inside itself while tracing; recursion on run-time values never ends."""

STAGED_LIMIT = 8
"""... under run-time conditions: beyond, they count as recursion on run-time values."""

NESTED_LIMIT = 200
"""... of all calls of a function inside itself under run-time conditions."""


def function(f: Any) -> Any:
    """The callable that stands for `f`."""
    kind = type(f)
    if kind is BoundMethod:
        return functools.partial(exactly, f)
    if kind is ListMethod or getattr(f, "_hl_call", False) is True:
        return f
    stand_in = lookup(f)
    if stand_in is not None:
        made = functools.partial(exactly, functools.partial(guarded, f, stand_in))
        return functools.partial(_quietly, made) if home_of(f) in QUIET_MODULES else made
    if kind is types.FunctionType:
        return _python_function(f)
    if kind is types.MethodType:
        return _method(f)
    if kind is np.ufunc:
        return functools.partial(_ufunc, f)
    if isinstance(f, type):
        return _type(f)
    if isinstance(f, Unjoined):
        raise f.error
    if kind is functools.partial:
        return functools.partial(function(f.func), *f.args, **f.keywords)
    if kind in (types.BuiltinFunctionType, types.MethodWrapperType, types.MethodDescriptorType,
                types.WrapperDescriptorType, operator.itemgetter, operator.attrgetter):
        return _c_function(f)
    wrapped = getattr(f, "__wrapped__", None)
    if isinstance(wrapped, types.FunctionType) and kind.__name__ == "_lru_cache_wrapper":
        return memos.remembered(f)
    if isinstance(wrapped, types.FunctionType) and kind.__module__.split(".")[0] == "hotloop":
        return function(wrapped)
    if hasattr(type(wrapped), "traced"):        # jitted: a transform
        return wrapped
    if kind.__module__.startswith("numpy"):
        return _numpy_object(f)
    if isinstance(f, Tracer):
        raise TypeError("a number or array is not callable")
    if _is_scipy(f):
        return _numpy_function(f)
    call = kind.__call__ if callable(f) else None
    if isinstance(call, types.FunctionType):
        return functools.partial(function(call), f)
    raise unsupported(f"a call of {_name(f)}", "move it out of the compiled function")


def _quietly(stand_in: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with quiet():
        return stand_in(*args, **kwargs)


def _name(f: Any) -> str:
    module = getattr(f, "__module__", None)
    name = getattr(f, "__qualname__", None) or type(f).__name__
    return f"{module}.{name}" if module else name


def _python_function(f: types.FunctionType) -> Callable[..., Any]:
    module = f.__module__ or ""
    if f.__name__.startswith("_hl_") or (
            module.startswith("hotloop.frontend") and module not in IN_PYTHON):
        return f
    if module.split(".")[0] in ("numpy", "scipy"):
        return _numpy_function(f)
    if f.__code__ is ERROR_STATE_SET:
        return _under_error_state(f)
    if f.__code__ is CONTEXT_MANAGER:
        return functools.partial(managers.Call, f.__wrapped__)  # type: ignore[attr-defined]
    session = current().state.session
    bound = session.traceable(f)
    if bound is None or f.__code__.co_flags & GENERATOR:
        return bound or f

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        state = current().state
        pattern = _pattern(f, args, kwargs)
        if pattern in session.recursive:
            return recursion.call(f, bound, args, kwargs)
        count = state.active.get(f, 0)
        told = f, tuple(map(_known, args)), tuple((k, _known(x)) for k, x in kwargs.items())
        again = False
        if current().parent is not None:
            again = told in state.active or count > STAGED_LIMIT
            if count:
                state.nested[f.__code__] = state.nested.get(f.__code__, 0) + 1
        if again or count > ACTIVE_LIMIT or state.nested.get(f.__code__, 0) > NESTED_LIMIT:
            error = unsupported(f"a recursion of {f.__name__} that does not end while compiling",
                                "write it as a loop with an explicit stack")
            error.recursive = pattern
            raise error
        state.active[f] = count + 1
        own = told not in state.active
        if own:
            state.active[told] = 1
        state.depth += 1
        splitting, CONTEXT.splitting = CONTEXT.splitting, 0
        try:
            with assigning(session.assigned_by(bound)):
                result = bound(*args, **kwargs)
        finally:
            CONTEXT.splitting = splitting
            if own:                            # a loop around may be traced again
                state.active.pop(told, None)
        state.depth -= 1
        state.active[f] = count
        return result
    call._hl_call = True  # type: ignore[attr-defined]
    return call


def _pattern(f: types.FunctionType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A way of calling a function: `f(n)` and `f(n, memo)` may be two functions to the compiler,
    of which one is recursive."""
    return (f.__code__, tuple([x is None for x in args]),
            tuple([(name, x is None) for name, x in kwargs.items()]))


def _known(x: Any) -> Any:
    """What is known of an argument while tracing. A call inside one of which as much is known, and
    under a run-time condition, may go on forever: that is recursion on run-time values."""
    if isinstance(x, Array):
        return x.dtype, tuple(d if isinstance(d, int) else None for d in x.dims)
    if isinstance(x, Tracer):
        return type(x)
    if type(x) is tuple:
        return tuple(map(_known, x))
    if type(x) is list:
        return list, len(x)
    if type(x) in (int, float, bool, complex, str, bytes):
        return type(x), repr(x)
    return id(x)


def _is_scipy(f: Any) -> bool:
    return any(str(home).split(".")[0] == "scipy"
               for home in (getattr(f, "__module__", None), type(f).__module__))


ERROR_STATE_SET = np.errstate()(lambda: None).__code__


CONTEXT_MANAGER = contextlib.contextmanager(lambda: iter(())).__code__
"""What contextlib makes of generator functions."""


def _under_error_state(f: types.FunctionType) -> Callable[..., Any]:
    """A function decorated with np.errstate(...)."""
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    state, decorated = cells["self"].cell_contents, cells["func"].cell_contents
    names = ("all", "divide", "over", "under", "invalid", "call")
    given = {name: getattr(state, "_" + name) for name in names}
    if not callable(given["call"]):
        del given["call"]

    def call(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(**given):
            return function(decorated)(*args, **kwargs)
    return call


def _method(f: types.MethodType) -> Any:
    inner, owner = f.__func__, f.__self__
    if _is_scipy(f):
        return _numpy_function(f)
    if isinstance(owner, Tracer):
        return f
    stand_in = function(inner) if isinstance(inner, types.FunctionType) or hasattr(
        inner, "__wrapped__") else inner
    return functools.partial(stand_in, owner)


def _ufunc(f: np.ufunc, /, *args: Any, **kwargs: Any) -> Any:
    if not kwargs and all(type(a) in (int, float, bool, complex) or isinstance(a, np.generic)
                          for a in args):
        return f(*args)
    return exactly(ufuncs.call, f, *args, **kwargs)


def _numpy_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy function that has no stand-in: at trace time if its arguments are known, else called
    by compiled code."""
    why = unsupported_numpy.reason(f)
    if why:
        raise unsupported(f"{_short(f)}: {why}", "call it outside of the compiled function")

    def call(*args: Any, **kwargs: Any) -> Any:
        if _any_tracer(args) or _any_tracer(tuple(kwargs.values())):
            return fallback.instead(f, args, kwargs, unsupported(_short(f)))
        return known_arrays(f(*args, **kwargs))
    return call


def _short(f: Any) -> str:
    """`np.roots`, `scipy.optimize.brentq`"""
    module = str(getattr(f, "__module__", None) or "numpy")
    if module.split(".")[0] != "scipy":
        return f"np.{f.__name__}"
    return ".".join((*(part for part in module.split(".") if part[0] != "_"), f.__name__))


def _any_tracer(x: Any) -> bool:
    if isinstance(x, Tracer | np.ndarray):
        return True
    return isinstance(x, tuple | list) and any(map(_any_tracer, x))


def known_arrays(x: Any) -> Any:
    """The result of a NumPy function at trace time: its arrays are new at every call."""
    if isinstance(x, np.ndarray):
        return current().state.session.constant(x)
    if isinstance(x, tuple) and any(isinstance(e, np.ndarray) for e in x):
        items = [known_arrays(e) for e in x]
        return type(x)._make(items) if hasattr(x, "_make") else tuple(items)
    if isinstance(x, list):
        return [known_arrays(e) for e in x]
    return x


def _numpy_object(f: Any) -> Callable[..., Any]:
    if isinstance(f, np.dtype):
        return function(f.type)
    if isinstance(f, np.vectorize):
        return functools.partial(exactly, functional.vectorized, f)
    if type(f).__name__ == "_ArrayFunctionDispatcher":
        return functools.partial(exactly, _numpy_function(f))
    if isinstance(f, types.BuiltinFunctionType):
        return _c_function(f)
    call = type(f).__call__ if callable(f) else None
    if isinstance(call, types.FunctionType):           # a polynomial
        return functools.partial(_numpy_function(call), f)
    raise unsupported(f"a call of {_name(f)}", "call it outside of the compiled function")


def _type(f: type) -> Callable[..., Any]:
    f = getattr(f, "_hl_class", f)
    if issubclass(f, np.generic):
        return functools.partial(_numpy_scalar, f)
    if issubclass(f, np.ndarray):
        raise unsupported(f"the array class {f.__name__}")
    if f.__module__.split(".")[0] == "numpy":
        return functools.partial(_numpy_class, f)
    if f.__module__ in PURE_MODULES or issubclass(f, BaseException):
        return f
    if issubclass(f, enum.Enum):
        return functools.partial(exactly, functools.partial(_member, f))
    init = f.__init__  # type: ignore[misc]
    if type(f) is type and f.__new__ is object.__new__ and isinstance(init, types.FunctionType):
        return functools.partial(_construct, f, init)
    if type(f) is type and f.__new__ is object.__new__ and init is object.__init__ and (
            f.__dictoffset__):
        return functools.partial(_construct, f, None)
    if isinstance(f.__new__, types.FunctionType) or f.__new__ in (object.__new__, tuple.__new__):
        return f
    raise unsupported(f"a call of {_name(f)}", "move it out of the compiled function")


def _member(f: type[enum.Enum], /, *given: Any) -> Any:
    """`f(value)` of an enumeration: a number that is known at run time is compared with all."""
    if len(given) != 1 or not isinstance(given[0], Scalar) or (
            "_missing_" in vars(f) or issubclass(f, enum.Flag)):
        return f(*given)
    x = given[0]
    members = [one for one in f if isinstance(one.value, int | float)]
    known = in_(x, [one.value for one in members])
    shown, operands = template(message(lambda: f"{x!r} is not a valid {f.__qualname__}"))
    check(known.atom if isinstance(known, Scalar) else known, ValueError, shown, *operands)
    found: Any = members[-1]
    for one in members[-2::-1]:
        found = if_expression(x == one.value, functools.partial(_itself, one),
                              functools.partial(_itself, found))
    return found


def _itself(x: Any) -> Any:
    return x


def _construct(f: type, init: types.FunctionType | None, /, *args: Any, **kwargs: Any) -> Any:
    """An object of a Python class, its __init__ traced."""
    made: Any = object.__new__(CLASSES[0](f))
    made_here(made)
    if init is not None:
        function(init)(made, *args, **kwargs)
    elif args or kwargs:
        raise TypeError(f"{f.__name__}() takes no arguments")
    return made


CLASSES: list[Callable[[type], type]] = []
"""What `instances` has: the class of objects that compiled code makes."""


def _numpy_class(f: type, /, *args: Any, **kwargs: Any) -> Any:
    if any(map(_any_tracer, (*args, *kwargs.values()))):
        raise unsupported(f"an object of class {f.__name__} of run-time values",
                          "use functions instead, as np.polyval instead of np.poly1d")
    return f(*args, **kwargs)


def _numpy_scalar(f: type, x: Any = 0, /) -> Any:
    if isinstance(x, Tracer | np.ndarray | list):
        x = lift(x)
        return wrap(convert(value(x), np.dtype(f)))
    return f(x)


def _array_method(f: Any, /, x: Any, *args: Any, **kwargs: Any) -> Any:
    """`np.ndarray.sum(x)`"""
    if isinstance(x, Tracer | np.ndarray):
        return getattr(lift(x), f.__name__)(*args, **kwargs)
    return f(x, *args, **kwargs)


def _list_method(owner: list[Any], f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A method of a list of known length. What depends on run-time values needs one of run-time
    length, for which tracing begins again."""
    name = f.__name__
    changes = name in GROWING
    if changes:
        refuse_change(owner, f"list.{name}")
    if (name in ("index", "remove", "count") and _any_tracer([owner, *args])
            or name in ("pop", "insert") and args and isinstance(args[0], Tracer)
            or name == "sort" and _any_tracer(owner)
            or name == "extend" and not isinstance(args[0], tuple | list | dict | str)):
        if name == "extend":
            items = function(list)(args[0])
            if type(items) is list:
                return f(items)
        raise needs_length(owner, staging(f"list.{name} with run-time values"))
    if "key" in kwargs:
        kwargs["key"] = function(kwargs["key"]) if kwargs["key"] is not None else None
    return f(*args, **kwargs)


def _table_method(owner: Any, f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A method of a dict or set that is known while tracing."""
    name = f.__name__
    if _keyed_by_tracers(name, args):
        if name == "get" and tables.is_constant(owner):
            return tables.constant(owner).get(*args)
        raise needs_length(owner, staging(f"{type(owner).__name__}.{name} with run-time values",
                                          "make the dict or set in the function"))
    if name == "move_to_end" and id(owner) in current().state.session.made:
        raise unsupported("move_to_end of an OrderedDict that is an argument", "change a copy")
    if name in GROWING:
        refuse_change(owner, f"{type(owner).__name__}.{name}")
    return f(*args, **kwargs)


def _keyed_by_tracers(name: str, args: tuple[Any, ...]) -> bool:
    """Are keys among the arguments that are known at run time only?"""
    given = args[:1] if name in ("get", "pop", "setdefault") else args
    return any(isinstance(a, Tracer | np.ndarray) or type(a).__module__.startswith(
        "hotloop.frontend") or isinstance(a, list | tuple | set) and _any_tracer(list(a))
        for a in given)


READING = frozenset(("split", "rsplit", "splitlines", "partition", "rpartition", "find", "rfind",
                     "index", "rindex", "count", "isdigit", "isalpha", "hex"))
"""Methods of text that depend on its characters: arguments become text of run time."""


def _text_method(owner: Any, f: Any, /, *args: Any, **kwargs: Any) -> Any:
    """A method of text that is known while tracing; what it makes of an argument's is of that."""
    name = f.__name__
    known = current().state.session.known_texts
    if owner in known and name in READING:
        text.touched(owner)
    if name == "join" and args and hasattr(type(args[0]), "items") and not isinstance(
            args[0], dict | Tracer):
        args = (args[0].items(), *args[1:])       # of a generator expression
    if any(_of_run_time(a) for a in (*args, *kwargs.values())):
        method = text_names.of_known(owner, name)
        if method is None:
            raise unsupported(f"the method {name} of text, of run-time values")
        return method(*args, **kwargs)
    made = f(*args, **kwargs)
    if owner in known and isinstance(made, str | bytes):
        known.setdefault(made, known[owner])
    return made


def _of_run_time(x: Any) -> bool:
    return isinstance(x, Tracer) or type(x).__name__ in ("Stream", "Generated", "Indexed") or (
        isinstance(x, list | tuple) and any(map(_of_run_time, x)))


def _nothing(*args: Any) -> None:
    """object.__init__"""


def _c_function(f: Any) -> Callable[..., Any]:
    owner = getattr(f, "__self__", None)
    if id(f) in IMPURE_BUILTINS:
        raise unsupported(f"a call of {f.__name__}")
    if isinstance(owner, np.ufunc):
        return functools.partial(exactly, ufuncs.call_method, owner, f.__name__)
    if issubclass(getattr(f, "__objclass__", type), np.ndarray | np.generic) and callable(f):
        return functools.partial(_array_method, f)
    if f.__name__ == "__init__" and getattr(f, "__objclass__", None) is object:
        return _nothing
    if f.__name__ in CHANGING and current().parent is not None:
        raise staging(f"{f.__name__} in a branch or loop", "use a plain assignment")
    if type(owner) is list:
        return functools.partial(_list_method, owner, f)
    if isinstance(owner, dict | set):
        return functools.partial(_table_method, owner, f)
    if isinstance(owner, str | bytes):
        return functools.partial(_text_method, owner, f)
    if owner is not None and not isinstance(owner, types.ModuleType) and f.__name__ in GROWING:
        refuse_change(owner, f"{type(owner).__name__}.{f.__name__}")
        return f
    module = getattr(f, "__module__", None)
    if isinstance(owner, types.ModuleType) or owner is None:
        if owner is None and hasattr(f, "__objclass__"):
            module = f.__objclass__.__module__
        elif module is None and isinstance(getattr(builtins, f.__qualname__.split(".")[0], None),
                                           type):
            module = "builtins"             # a static method: str.maketrans
        if (module or "").split(".")[0] in ("numpy", "scipy"):
            return _numpy_function(f)
        if module in PURE_MODULES:      # a tracer raises its own error where its value is needed
            return functools.partial(exactly, f)
    elif isinstance(owner, type):
        if owner.__module__ in PURE_MODULES:
            return f
    elif (type(owner).__module__ in PURE_MODULES or isinstance(owner, tuple | list | dict | str)
          or type(owner).__module__ == "hotloop.frontend"):
        return f
    raise unsupported(f"a call of {_name(f)}, which would run only once, while compiling",
                      "move it out of the compiled function")
