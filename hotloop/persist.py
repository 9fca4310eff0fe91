"""Compiled functions on disk: what a cached kernel depends on, and how to be sure of it.

The key of an entry is everything known before tracing: the function's code (constants, names,
nested code, file and line, which tracebacks show), defaults, the argument types, static values,
options, hotloop's own sources, the versions of Python and NumPy, the CPU, and the switches that
change code. What tracing *finds* (functions called, globals and closed-over variables read) is in
the entry as `Dependency` records; on loading each is looked up again in the living program and
compared, so a changed callee, closure or global is a miss, never a stale answer. A key may have
several entries, one for each set of dependencies met.

What can't be compared soundly (an object of an unknown class as a guard) is not cached.
"""

from __future__ import annotations

import functools
import io
import os
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop import config
from hotloop.digest import blake2b
from hotloop.entry.bind import Binder
from hotloop.entry.compiled import CallSite, Compiled
from hotloop.entry.paths import Missing, Scope, innermost, only_compiled
from hotloop.entry.slow import MISS, Slow
from hotloop.frontend.traced import Guard, Input, InputOut, Traced, Warned
from hotloop.ir.core import Lit, Program
from hotloop.llvm import cache, engine, externals, loader
from hotloop.llvm.frame import Frame
from hotloop.loops.core import ErrorSite
from hotloop.record import record, replace


class NotCacheable(Exception):
    """Something in the function or its arguments has no sound fingerprint."""


# ---- fingerprints: values to bytes that change whenever the value does

def _feed(value: Any, out: list[bytes]) -> None:
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes) or value is Ellipsis:
        out.append(f"{kind.__name__}:{value!r};".encode())
    elif kind in (tuple, list, frozenset):
        parts: list[list[bytes]] = []
        for item in value:
            inner: list[bytes] = []
            _feed(item, inner)
            parts.append(inner)
        if kind is frozenset:
            parts.sort()
        out.append(f"{kind.__name__}{len(parts)}(".encode())
        out.extend(b for inner in parts for b in inner)
        out.append(b")")
    elif kind is dict and (name := _module_of(value)):
        out.append(f"globals:{name};".encode())
    elif kind is dict:
        _feed(tuple(value.items()), out)
    elif isinstance(value, types.CodeType):
        out.append(value.co_code)
        _feed((value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars,
               value.co_flags, value.co_argcount, value.co_kwonlyargcount,
               value.co_posonlyargcount, value.co_filename, value.co_firstlineno,
               value.co_name, tuple(value.co_lines()), value.co_consts), out)
    elif isinstance(value, types.FunctionType):
        out.append(b"function:")
        _feed((value.__code__, value.__defaults__, value.__kwdefaults__), out)
    elif isinstance(value, types.ModuleType):
        out.append(f"module:{value.__name__};".encode())
    elif isinstance(value, np.generic):
        out.append(f"np:{value.dtype.str}:".encode() + value.tobytes())
    elif isinstance(value, np.dtype):
        out.append(f"dtype:{value.str}:{value};".encode())
    elif only_compiled(value):
        out.append(f"transform:{kind.__name__}:".encode())
        _feed((value.options, value.fn), out)
    elif value is types.FunctionType:           # it has no name in any module but types
        out.append(b"type:function;")
    elif isinstance(value, type) and value.__module__.split(".")[0] not in KNOWN_MODULES:
        out.append(_global_name(value))
        for name, method in _functions_in(value):
            out.append(name.encode())
            _feed(method, out)
    elif isinstance(value, type | types.BuiltinFunctionType | np.ufunc) or (
            hasattr(value, "__wrapped__")):
        out.append(_global_name(value))
    else:
        raise NotCacheable(f"no fingerprint of a {kind.__name__}")


KNOWN_MODULES = frozenset(("builtins", "numpy", "hotloop", *sys.stdlib_module_names)) - {"__main__"}
"""Their classes are the same ones as long as the versions are."""


def _functions_in(value: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The functions that a class of the user's brings, with names for them."""
    for k, base in enumerate(value.__mro__):
        if base.__module__.split(".")[0] in KNOWN_MODULES:
            continue
        for name, x in vars(base).items():
            for part in (x, *(getattr(x, at, None) for at in (
                    "__func__", "fget", "fset", "func", "__wrapped__"))):
                if isinstance(part, types.FunctionType):
                    yield f"{k}.{name}", part


def _module_of(space: dict[Any, Any]) -> str:
    """The name of the module whose globals these are, or \"\"."""
    name = str(space.get("__name__", ""))
    module = sys.modules.get(name)
    return name if module is not None and vars(module) is space else ""


def _global_name(value: Any) -> bytes:
    """The name under which a class or builtin is found again, if it is."""
    module = getattr(value, "__module__", None) or "builtins"
    if isinstance(value, np.ufunc):
        module = "numpy"
    name = getattr(value, "__qualname__", getattr(value, "__name__", ""))
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not value:
        raise NotCacheable(f"{value!r} is not found as {module}.{name}")
    return f"name:{module}:{name};".encode()


def fingerprint(value: Any) -> str:
    out: list[bytes] = []
    _feed(value, out)
    digest = blake2b(digest_size=20)
    for piece in out:
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.hexdigest()


@functools.cache
def _build() -> str:
    """hotloop's own sources and all that decides what machine code is made."""
    return fingerprint((repr(sorted(_sources(os.path.dirname(__file__)))), sys.version,
                        np.__version__, engine.versions(), engine.host()))


def _sources(folder: str) -> Iterator[tuple[str, int, int]]:
    """(path, size, time of change) of each file of Python below a folder, but of what only uses the
    compiler."""
    with os.scandir(folder) as found:
        for item in found:
            if item.name.endswith(".py"):
                status = item.stat()
                yield item.path, status.st_size, status.st_mtime_ns
            elif item.name not in ("__pycache__", "bench", "fuzz") and item.is_dir():
                yield from _sources(item.path)


def _leaf(value: Any) -> Any:
    """The type of an argument as tracing sees it; raises NotCacheable for objects."""
    if type(value) is np.ndarray:
        sizes: dict[int, int] = {}
        equal = tuple(1 if n == 1 else -sizes.setdefault(n, len(sizes)) for n in value.shape)
        return ("array", value.dtype.str, equal, value.shape, value.flags.c_contiguous,
                value.flags.f_contiguous)
    if isinstance(value, np.generic):
        return ("np", value.dtype.str)
    if type(value) in (bool, int, float, complex):
        return ("py", type(value).__name__)
    if type(value) in (tuple, list):
        return (type(value).__name__, tuple(map(_leaf, value)))
    if type(value) is dict:
        return ("dict", tuple((k, _leaf(v)) for k, v in value.items()))
    if isinstance(value, tuple) and hasattr(value, "_make"):
        return (fingerprint(type(value)), tuple(map(_leaf, value)))
    if isinstance(getattr(value, "__dict__", None), dict) and not callable(value):
        return ("object", fingerprint(type(value)))     # what is in it, `Slow.match` sees
    return ("static", fingerprint(value))


def _dims(tree: Any, seen: dict[int, int]) -> Any:
    """Replace array shapes by the pattern of equal sizes over all arguments."""
    if isinstance(tree, tuple) and tree and tree[0] == "array":
        shape = tuple("1" if n == 1 else str(seen.setdefault(n, len(seen))) for n in tree[3])
        return ("array", tree[1], shape, tree[4])
    if isinstance(tree, tuple):
        return tuple(_dims(t, seen) for t in tree)
    return tree


def key_of(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any],
           options: dict[str, Any]) -> str:
    """Key of a call; raises NotCacheable."""
    statics = set(options.get("static_argnums") or ())
    static_names = set(options.get("static_argnames") or ())
    leaves = [("static", fingerprint(a)) if k in statics else _leaf(a)
              for k, a in enumerate(args)]
    named = [(k, ("static", fingerprint(v)) if k in static_names else _leaf(v))
             for k, v in sorted(kwargs.items())]
    aliases = _aliases([*args, *kwargs.values()])
    signature = _dims((tuple(leaves), tuple(named)), {})
    return fingerprint((_build(), fn, config.code_switches(), signature, aliases,
                        tuple(sorted((k, repr(v)) for k, v in options.items()))))


def _aliases(values: list[Any]) -> tuple[int, ...]:
    """Which array arguments are the same object (tracing makes them one parameter)."""
    first: dict[int, int] = {}
    return tuple(first.setdefault(id(v), k) for k, v in enumerate(values)
                 if isinstance(v, np.ndarray))


# ---- dependencies

Number = tuple[int, str]
"""A function that guards start from: the k-th guard's value, code, or method of this name."""

ROOT: Number = (-1, "")
"""The function itself."""


@record
class Dependency:
    """A guard in a form that can be stored. Paths from arguments have no owner."""
    path: tuple
    owner: Number
    fingerprint: str


def _led_to(value: Any) -> Iterator[tuple[str, Any]]:
    """The functions (or the code of one) that a guard's value leads to."""
    value = getattr(value, "__func__", value)
    if isinstance(value, types.FunctionType | types.CodeType):
        yield "", value
    elif isinstance(value, type):
        yield from _functions_in(value)


def _owners(root: Callable[..., Any], guards: list[Guard]) -> dict[int, Number]:
    """id of each function that guards start from -> its number."""
    numbers = {id(root): ROOT}
    for k, guard in enumerate(guards):
        for name, found in _led_to(guard.value):
            numbers.setdefault(id(found), (k, name))
    return numbers


def _owner_number(numbers: dict[int, Number], owner: Any) -> Number:
    if owner is None:
        return ROOT
    try:
        number = numbers.get(id(owner))
        return numbers[id(owner.__code__)] if number is None else number
    except (KeyError, AttributeError):
        raise NotCacheable(f"{owner!r} is reached in a way that is not recorded") from None


# ---- what is stored

@record(frozen=False)
class Stored:
    dependencies: tuple[Dependency, ...]
    program: Program
    inputs: list[tuple[Input, Number]]
    result: Any
    statics: list[tuple[Any, Any]]
    writes: list[tuple[Any, ...]]
    aliases: list[tuple[Any, Any]]
    frozen: tuple[Any, ...]
    warned: Warned | None
    frame: Frame
    errors: list[ErrorSite]
    checks: list[tuple[np.dtype, ...]]
    sites: list[Callable[..., Any]]
    calls: list[CallSite]
    notes: list[str]
    externals: tuple[str, ...] = ()
    data: bytes = b""


def _interface(program: Program) -> Program:
    """A Program of the same parameters and result types without equations."""
    outs = [Lit(a.value, a.dtype) if isinstance(a, Lit) else a for a in program.outs]
    return Program(program.params, [], outs, program.name, program.into)


def _contains_owner(tree: Any) -> Iterator[Any]:
    if isinstance(tree, InputOut):
        yield tree.owner
    for item in getattr(tree, "items", ()) or ():
        if not callable(item):
            yield from _contains_owner(item)
    base = getattr(tree, "base", None)
    if base is not None:
        yield from _contains_owner(base)


def _functions_reached(root: Any, guards: list[Guard]) -> set[types.CodeType]:
    """Code objects whose content some fingerprint covers, nested functions included."""
    found = [root, *(x for g in guards for _, x in _led_to(g.value))]
    todo = [x if isinstance(x, types.CodeType) else x.__code__ for x in found]
    seen: set[types.CodeType] = set()
    while todo:
        code = todo.pop()
        if code not in seen:
            seen.add(code)
            todo += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return seen


def stored(fn: Callable[..., Any], compiled: Compiled) -> Stored | None:
    """What is kept of a compiled function, but for its machine code; None if something in it can't
    be stored soundly."""
    traced = compiled.traced
    root = innermost(getattr(fn, "__func__", fn))
    try:
        numbers = _owners(root, traced.guards)
        dependencies = tuple(
            Dependency(g.path, _owner_number(numbers, g.owner), fingerprint(g.value))
            for g in traced.guards)
        for k, dependency in enumerate(dependencies):
            if dependency.owner[0] >= k:
                raise NotCacheable("a guard before the one that its owner comes from")
        covered = _functions_reached(root, traced.guards)
        if any(f.__code__ not in covered for f in traced.functions):
            raise NotCacheable("a function that no guard leads to")
        if any(o is not None for o in _contains_owner(traced.result)):
            raise NotCacheable("a result that is a global")
        if any(owner is not None for pair in traced.aliases for _, owner in pair):
            raise NotCacheable("an object that a captured variable holds, too")
        return Stored(
            dependencies, _interface(traced.program),
            [(replace(i, owner=None), _owner_number(numbers, i.owner)) for i in traced.inputs],
            traced.result, traced.statics, traced.writes, traced.aliases,
            traced.frozen, traced.warned, compiled.frame, compiled.errors, compiled.checks,
            compiled.sites, compiled.calls, compiled.notes)
    except (NotCacheable, AttributeError, TypeError, KeyError):
        return None


def store(key: str, entry: Stored, data: bytes, names: tuple[str, ...]) -> bool:
    """Keep a compiled function, `data` being its object file, which finds the functions `names` in
    its table; False if it can't be pickled."""
    try:
        body = pickle.dumps(replace(entry, externals=names, data=data), protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    entries = [body, *(e for e in _entries(key) if e != body)][:8]
    cache.put(key, pickle.dumps(entries, protocol=5))
    return True


def _entries(key: str) -> list[bytes]:
    found = cache.get(key)
    if found is None:
        return []
    try:
        entries = pickle.loads(found)
    except Exception:           # whatever a foreign or damaged pickle raises: it is no entry
        return []
    return entries if isinstance(entries, list) else []


def fetch(key: str, fn: Callable[..., Any], args: tuple[Any, ...],
          kwargs: dict[str, Any]) -> Compiled | None:
    """The compiled function for a key whose dependencies all hold, or None."""
    root = innermost(getattr(fn, "__func__", fn))
    scope = Scope(Binder(fn).bind(args, kwargs) or {})
    for body in _entries(key):
        try:
            stored = _Reader(io.BytesIO(body)).load()
        except Exception:       # written by another state of the program: a class gone or renamed
            continue
        owners: dict[Number, Any] = {ROOT: root}
        guards = _resolve(scope, stored.dependencies, owners)
        if guards is None:
            continue
        inputs = [replace(i, owner=owners[n]) if i.path[0][0] in ("global", "cell") else i
                  for i, n in stored.inputs]
        traced = Traced(stored.program, inputs, stored.result, guards, stored.statics, [],
                        stored.writes, stored.aliases, frozen=stored.frozen, warned=stored.warned)
        code = loader.load(stored.data)
        found = Compiled(
            traced, stored.frame, code["kernel"],
            table=tuple(map(externals.resolve, stored.externals)), code=code,
            errors=stored.errors, checks=stored.checks, sites=stored.sites, calls=stored.calls,
            notes=[*stored.notes, "from the disk cache"])
        if Slow(found).match(scope) is not MISS:        # the key does not hold all of its types
            return found
    return None


class _Reader(pickle.Unpickler):
    """Checks that what it reads is an entry of ours."""

    def load(self) -> Stored:
        stored = super().load()
        if not isinstance(stored, Stored):
            raise pickle.UnpicklingError("not an entry")
        return stored


def _resolve(scope: Scope, dependencies: tuple[Dependency, ...],
             owners: dict[Number, Any]) -> list[Guard] | None:
    """The guards of the living program, or None if one does not hold; the functions that they lead
    to are put into `owners`."""
    guards: list[Guard] = []
    for k, dependency in enumerate(dependencies):
        owner = None if dependency.path[0][0] == "arg" else owners[dependency.owner]
        try:
            value = scope.fetch(dependency.path, owner)
            if fingerprint(value) != dependency.fingerprint:
                return None
            for name, found in _led_to(value):
                if isinstance(found, types.CodeType):
                    found = scope.fetch(dependency.path[:-1], owner)
                owners[k, name] = found
        except (Missing, NotCacheable):
            return None
        guards.append(Guard(dependency.path, value, owner))
    return guards
