"""Is a result what Python gives, as far as the contract goes (`docs/deviations.md`)?

    same(got, expected)         # AssertionError names the first difference

Values: bit for bit with `exact` (NaN is NaN), else floats to rounding. Always: dtypes, shapes, the
kinds of scalars and containers, contents of lists, dicts and objects.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

ULPS = 64
"""Tolerance of floats, in units in the last place of the value or of the largest in the array."""


def same(a: Any, b: Any, exact: bool = False) -> None:
    """Raise AssertionError naming the first difference of two results."""
    assert type(a) is type(b), f"{type(a)} instead of {type(b)}: {a!r} instead of {b!r}"
    if isinstance(a, np.ndarray | np.generic):
        assert a.dtype == b.dtype, f"dtype {a.dtype} instead of {b.dtype}"
        assert a.shape == b.shape, f"shape {a.shape} instead of {b.shape}"
        close = equal if exact or a.dtype.kind not in "fc" else near
        assert close(np.asarray(a), np.asarray(b)), f"{a!r} instead of {b!r}"
    elif isinstance(a, float | complex):
        close = equal if exact else near
        assert close(np.asarray(a), np.asarray(b)), f"{a!r} instead of {b!r}"
    elif isinstance(a, tuple | list):
        assert len(a) == len(b), f"length {len(a)} instead of {len(b)}"
        for x, y in zip(a, b, strict=True):
            same(x, y, exact)
    elif isinstance(a, dict):
        assert list(a) == list(b), f"keys {list(a)} instead of {list(b)}"
        for k in a:
            same(a[k], b[k], exact)
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            same(getattr(a, field.name), getattr(b, field.name), exact)
    elif hasattr(a, "__dict__") and not callable(a):
        same(vars(a), vars(b), exact)
    elif isinstance(a, np.flatiter):
        same(a.copy(), b.copy(), exact)
    elif not callable(a):
        assert a == b, f"{a!r} instead of {b!r}"


def equal(a: np.ndarray, b: np.ndarray) -> bool:
    """The same bits, but that every NaN is the same."""
    if a.dtype.kind == "c":
        return equal(a.real, b.real) and equal(a.imag, b.imag)
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.array_equal(a, b, equal_nan=True) and bool(
        np.all((np.signbit(a) == np.signbit(b)) | np.isnan(a)))


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to rounding."""
    eps = float(np.finfo(a.dtype).eps)
    scale = np.max(np.abs(b[np.isfinite(b)]), initial=0.0) if np.ndim(b) else np.abs(b)
    with np.errstate(all="ignore"):
        slack = float(scale) * eps * ULPS if np.isfinite(scale) else 0.0
        return bool(np.all(np.isclose(a, b, rtol=eps * ULPS, atol=slack, equal_nan=True)))


def outcome(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> tuple[str, Any]:
    """("value", result) or ("error", exception) of a call."""
    try:
        with np.errstate(all="ignore"):
            return "value", function(*args, **kwargs)
    except Exception as error:
        return "error", error


def arrays(x: Any, seen: set[int] | None = None) -> Iterator[np.ndarray]:
    """The arrays in a result or in arguments, in order."""
    seen = set() if seen is None else seen
    if isinstance(x, np.ndarray):
        yield x
    elif id(x) not in seen and isinstance(x, tuple | list | dict) or hasattr(x, "__dict__"):
        seen.add(id(x))
        for part in (x.values() if isinstance(x, dict) else x if isinstance(x, tuple | list)
                     else () if callable(x) else vars(x).values()):
            yield from arrays(part, seen)


def sharing(results: list[np.ndarray], arguments: list[np.ndarray]) -> set[tuple[int, int]]:
    """Which results share memory with which arguments."""
    return {(i, k) for i, r in enumerate(results) for k, a in enumerate(arguments)
            if np.shares_memory(r, a)}
