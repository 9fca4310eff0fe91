"""Functions for `call_numpy` that NumPy has no name for.

    call_numpy[function=hotloop.ops.callbacks:singular_values, results=(('f64', (3,)),)] x

They take and give NumPy's arrays, at run time. Rules of derivatives know them by identity
(`ops.numpy_derivatives`), so they stand below the frontend that emits them.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def ufunc_accumulate(x: Any, ufunc: str, axis: int) -> Any:
    return getattr(np, ufunc).accumulate(x, axis=axis)


def ufunc_reduce(x: Any, ufunc: str, axis: int | tuple[int, ...]) -> Any:
    return getattr(np, ufunc).reduce(x, axis=axis)


def interp_left(x: Any, xp: Any, fp: Any, left: Any) -> Any:
    return np.interp(x, xp, fp, left)


def interp_right(x: Any, xp: Any, fp: Any, right: Any) -> Any:
    return np.interp(x, xp, fp, right=right)


def interp_between(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    return np.interp(x, xp, fp, left, right)


def polyfit(x: Any, y: Any, w: Any = None, *, degree: int) -> Any:
    return np.polyfit(x, y, degree, w=w)


def singular_values(x: Any) -> Any:
    return np.linalg.svd(x, compute_uv=False)


def transform(x: Any, name: str, n: int | None, axis: int, norm: str | None) -> Any:
    """A function of np.fft with a literal or absent length."""
    return getattr(np.fft, name)(x, n, axis, norm)


def transform_of_length(x: Any, n: Any, name: str, axis: int, norm: str | None) -> Any:
    return getattr(np.fft, name)(x, int(n), axis, norm)


def rounded_decimal(x: Any, ndigits: int) -> float:
    """Python's correctly rounded `round`; NumPy's scales by a power of ten."""
    return round(float(x), ndigits)


def quantile(x: Any, q: Any, name: str, weak: bool, method: str) -> Any:
    """Along the last axis; `weak`: q was a Python number, and does not widen the result."""
    return getattr(np, name)(x, float(q) if weak else q, axis=-1, method=method)
