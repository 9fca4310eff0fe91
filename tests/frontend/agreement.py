"""Run a function in Python and through its traced Program, and compare everything observable.

    agree(f, (x, 3), (y, 0))     # traced for the first arguments, run on all of them

Compared: values, dtypes, kinds of scalars, types of containers, mutation of arguments, identity
of returned arguments, types of exceptions. A Program is traced again only where the runtime would:
when the arguments do not fit its inputs and guards.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from hotloop.entry.paths import Scope
from hotloop.frontend.trace import trace
from hotloop.frontend.traced import ARRAY, PYTHON, Traced
from hotloop.fuzz.stages import bind, run
from hotloop.ir import verify
from hotloop.ir.core import Var, count

PYTHON_TYPES = {"b": bool, "i": int, "f": float, "c": complex}


def fits(traced: Traced, bound: dict[str, Any]) -> bool:
    """Do the arguments fit the inputs and statics, as the runtime decides it?"""
    dims: dict[Var, int] = {}
    scope = Scope(bound)
    for path, value in traced.statics:
        got = scope.fetch(path, None)
        if got is not value and (type(got) is not type(value) or got != value):
            return False
    for guard in traced.guards:
        got = scope.fetch(guard.path, guard.owner)
        if got is not guard.value and got != guard.value:
            return False
    for given, param in zip(traced.inputs, traced.program.params, strict=True):
        if given.path[0][0] == "random_key":
            continue
        x = scope.fetch(given.path, given.owner)
        if given.kind != ARRAY:
            kind = PYTHON_TYPES[given.dtype.kind] if given.kind == PYTHON else given.dtype.type
            if type(x) is not kind:
                return False
            continue
        if type(x) is not np.ndarray or x.dtype != given.dtype or x.ndim != given.rank:
            return False
        if given.contiguous and not x.flags.c_contiguous:
            return False
        for d, n in zip(param.shape, x.shape, strict=True):
            if isinstance(d, int):
                if d != n:
                    return False
            elif n == 1 or dims.setdefault(d, n) != n:
                return False
    return True


def outcome(call: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return call()
    except Exception as error:
        return error


def near(a: Any, b: Any) -> bool:
    """Equal to rounding: about a thousand units in the last place of the dtype."""
    dtype = np.asarray(a).dtype
    unit = float(np.finfo(dtype).eps)
    return bool(np.allclose(a, b, 1000 * unit if unit < 1e-10 else 20 * unit, unit,
                            equal_nan=True))


def same(a: Any, b: Any, where: str = "result") -> list[str]:
    """Differences between what Python and the Program give."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return [f"{where}: {a.dtype}{a.shape} and {b.dtype}{b.shape}"]
        exact = a.dtype.kind in "biu"
        close = np.array_equal(a, b) if exact else near(a, b)
        return [] if close else [f"{where}: {a!r} and {b!r}"]
    if type(a) is not type(b):
        return [f"{where}: {type(a).__name__} {a!r} and {type(b).__name__} {b!r}"]
    if isinstance(a, tuple | list):
        if len(a) != len(b):
            return [f"{where}: lengths {len(a)} and {len(b)}"]
        return [d for k, (p, q) in enumerate(zip(a, b, strict=True))
                for d in same(p, q, f"{where}[{k}]")]
    if isinstance(a, dict):
        if list(a) != list(b):
            return [f"{where}: keys {list(a)} and {list(b)}"]
        return [d for k in a for d in same(a[k], b[k], f"{where}[{k!r}]")]
    if isinstance(a, float | complex | np.inexact):
        return [] if near(a, b) else [f"{where}: {a} and {b}"]
    if dataclasses.is_dataclass(a) or (hasattr(a, "__dict__") and not callable(a)):
        return same(vars(a), vars(b), where)
    return [] if a == b else [f"{where}: {a!r} and {b!r}"]


def arrays_of(x: Any) -> list[np.ndarray]:
    if isinstance(x, np.ndarray):
        return [x]
    return [a for item in x for a in arrays_of(item)] if isinstance(x, tuple | list) else []


def sharing(result: Any, args: Any) -> list[tuple[int, int]]:
    """Which of the arrays share memory."""
    arrays = arrays_of([result, *args])
    return [(j, k) for k in range(len(arrays)) for j in range(k)
            if np.shares_memory(arrays[j], arrays[k])]


def agree(f: Any, *inputs: tuple, traces: int | None = None, memory: bool = False) -> Traced:
    """Assert that Python and the Program agree on all inputs; gives the first Traced. `memory`:
    also on which arrays share memory."""
    known: list[Traced] = []
    first = None
    for args in inputs:
        theirs, ours = copy.deepcopy(args), copy.deepcopy(args)
        expected = outcome(lambda a=theirs: f(*a))
        bound = bind(f, ours)
        traced = next((t for t in known if fits(t, bound)), None)
        if traced is None:
            traced = trace(f, ours, {})
            verify.verify(traced.program)
            known.append(traced)
            first = first or traced
            assert fits(traced, bound), "a Traced does not fit its own arguments"
        got = outcome(lambda t=traced, b=bound: run(t, b))
        if isinstance(expected, Exception) or isinstance(got, Exception):
            if isinstance(got, Exception) and type(got) is not type(expected):
                raise AssertionError(f"{args}: Python gives {expected!r}") from got
            assert type(got) is type(expected), f"{args}: Python raises {expected!r}, got {got!r}"
            if isinstance(expected, ZeroDivisionError):
                assert str(got) == str(expected)
            continue
        differences = same(expected, got) + same(theirs, ours, "arguments")
        assert not differences, f"{args}: " + "; ".join(differences)
        assert not memory or sharing(expected, theirs) == sharing(got, ours), (
            f"{args}: other arrays share memory")
        if isinstance(expected, np.ndarray):
            for k, x in enumerate(theirs):
                assert (expected is x) == (got is ours[k]), "identity of a returned argument"
    if traces is not None:
        assert len(known) == traces, f"{len(known)} programs for {len(inputs)} inputs"
    assert first is not None
    return first


def size(traced: Traced) -> int:
    return count(traced.program)


class Cases(dict[Any, Any]):
    """Functions with their inputs: `@cases(inputs, ...)`."""

    def __call__(self, *inputs: tuple) -> Any:
        def add(f: Any) -> Any:
            self[f] = inputs
            return f
        return add

    @staticmethod
    def name(f: Any) -> str:
        return f.__name__
