"""Functions for `call_numpy` that NumPy has no name for.

    call_numpy[function=hotloop.ops.callbacks:singular_values, results=(('f64', (3,)),)] x

They take and give NumPy's arrays, at run time. Rules of derivatives know them by identity
(`ops.numpy_derivatives`), so they stand below the frontend that emits them.
"""

from __future__ import annotations

import importlib
import itertools
import math
from typing import Any

import numpy as np


def of_scipy(*x: Any, name: str) -> Any:
    """A function of scipy.special, which the program has imported."""
    return getattr(importlib.import_module("scipy.special"), name)(*x)


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


def complex_eigenvalues(a: Any) -> Any:
    """Those of real matrices, complex also if none of them is."""
    return np.linalg.eigvals(a).astype(complex)


def complex_eigenvectors(a: Any) -> Any:
    """(eigenvalues, eigenvectors) of real matrices, complex also if none of them is."""
    w, v = np.linalg.eig(a)
    return w.astype(complex), v.astype(complex)


def qr_raw(a: Any) -> Any:
    """(h, tau): R above the diagonal of h, the reflectors of Q below it, as LAPACK's geqrf leaves
    them."""
    h = np.array(a)
    return h, np.linalg._umath_linalg.qr_r_raw(h)


def qr_q(h: Any, tau: Any) -> Any:
    """As many columns of Q as there are reflectors."""
    return np.linalg._umath_linalg.qr_reduced(h, tau)


def transformed(x: Any, factor: Any, n: Any, name: str) -> Any:
    """The n points, times a factor, that a ufunc of NumPy's Fourier transforms gives along the last
    axis."""
    ufunc = getattr(importlib.import_module(FOURIER), name)
    dtype = x.real.dtype if name == "irfft" else np.result_type(x.dtype, np.complex64)
    return ufunc(x, factor, out=np.empty((*x.shape[:-1], int(n)), dtype))


FOURIER = "numpy.fft._pocketfft_umath"


def transform(x: Any, name: str, n: int | None, axis: int, norm: str | None) -> Any:
    """A function of np.fft with a literal or absent length."""
    return getattr(np.fft, name)(x, n, axis, norm)


def transform_of_length(x: Any, n: Any, name: str, axis: int, norm: str | None) -> Any:
    return getattr(np.fft, name)(x, int(n), axis, norm)


def rounded_decimal(x: Any, ndigits: int) -> float:
    """Python's correctly rounded `round`; NumPy's scales by a power of ten."""
    return round(float(x), ndigits)


def c_gamma(x: Any) -> float:
    """`tgamma` of the C library: no errors."""
    return _without_errors(math.gamma, x)


def c_lgamma(x: Any) -> float:
    """`lgamma` of the C library."""
    return _without_errors(math.lgamma, x)


def _without_errors(function: Any, x: Any) -> float:
    try:
        return float(function(float(x)))
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def quantile(x: Any, q: Any, name: str, weak: bool, method: str) -> Any:
    """Along the last axis; `weak`: q was a Python number, and does not widen the result."""
    return getattr(np, name)(x, float(q) if weak else q, axis=-1, method=method)


# ---- for derivatives

def inverse_or_nan(a: Any) -> Any:
    """The inverses of a stack of matrices, nan for those that have none."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        if a.ndim == 2:
            return np.full_like(a, np.nan)
        return np.array([inverse_or_nan(each) for each in a])


def cofactors(a: Any, *along: Any) -> Any:
    """The derivative of det(a), and of that along directions, in each of which it is linear.

    With a = u s v^H, det(a + t) is det(u) det(v^H) det(s + u^H t v). Of det(s + t1 x1 + t2 x2 ...)
    the part with one row of each x is a sum over the rows i1, i2, ... that are taken and over the
    permutations p of these: sign(p) x1[i1, p(i1)] x2[i2, p(i2)] ... times the singular values of
    all other rows. There is no division, so singular matrices are like any other. The
    inverse is quicker where its digits are right.
    """
    if a.shape[-1] == 0:
        return np.zeros_like(a)
    if not along:
        y = inverse_or_nan(a)
        if a.shape[-1] * np.max(np.abs(a), initial=0) * np.max(np.abs(y), initial=0) < 1000:
            return (np.linalg.det(a)[..., None, None] * np.swapaxes(y, -1, -2)).astype(a.dtype)
    finite = np.isfinite(a).all((-2, -1))
    u, s, vh = np.linalg.svd(np.where(finite[..., None, None], a, 0))
    order = len(along) + 1
    turned = [np.conj(np.swapaxes(u, -1, -2)) @ t @ np.conj(np.swapaxes(vh, -1, -2)) for t in along]
    others = _products_of_others(s, order)
    total = np.zeros_like(u)
    diagonal = np.einsum("...ii->...i", total)
    rows = "abcdefgh"[:order]
    for p in itertools.permutations(range(order)):
        columns = [rows[k] for k in p]
        terms = ",".join([f"...{rows}", *(f"...{i}{j}" for i, j in zip(rows, columns, strict=False)
                                          )][:order])
        last = rows[-1] if columns[-1] == rows[-1] else rows[-1] + columns[-1]
        part = np.einsum(f"{terms}->...{last}", others, *turned)
        inversions = sum(x > y for x, y in itertools.combinations(p, 2))
        (diagonal if len(last) == 1 else total)[...] += -part if inversions % 2 else part
    sign = np.linalg.det(u) * np.linalg.det(vh)
    found = sign[..., None, None] * (np.conj(u) @ total @ np.conj(vh))
    return np.where(finite[..., None, None], found, np.nan).astype(a.dtype)


def _products_of_others(s: Any, order: int) -> Any:
    """[..., i, j, ...] is the product of all s but the `order` ones named by the indices; 0 where
    two of these are the same."""
    n = s.shape[-1]
    total = np.ones(s.shape[:-1] + (n,) * order, s.dtype)
    for k in range(n):
        factor = np.broadcast_to(s[(..., k, *[None] * order)], total.shape).copy()
        for axis in range(order):
            np.moveaxis(factor, axis - order, 0)[k] = 1
        total *= factor
    for first, second in itertools.combinations(range(order), 2):
        np.einsum("...ii->...i", np.moveaxis(total, (first - order, second - order), (-2, -1)))[
            ...] = 0
    return total


def eigenvectors(a: Any, w: Any) -> Any:
    """Those of the eigenvalues w of a, in this order."""
    found, v = np.linalg.eig(a)
    order = np.abs(w[..., :, None] - found[..., None, :]).argmin(-1)
    return np.take_along_axis(v, order[..., None, :], -1)


def polygamma(x: Any, order: int) -> Any:
    """The derivative number `order` of digamma, at one x: recurrence up to x > 20, from where the
    asymptotic series is exact (Abramowitz and Stegun, 6.4.6 and 6.4.11)."""
    x = float(x)
    if math.isnan(x) or x == -math.inf:
        return math.nan
    if x == math.inf:
        return math.inf if order == 0 else 0.0
    if x <= 0 and x == math.floor(x):
        return math.nan
    up = max(0, math.ceil(20 + 2 * order - x))
    steps = x + np.arange(up)
    sign = -1.0 if order % 2 == 0 else 1.0
    total = sign * math.factorial(order) * float(np.sum(steps ** -(order + 1.0)))
    x += up
    if order == 0:
        series = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(BERNOULLI, 1))
        return total + math.log(x) - 0.5 / x - series
    series = sum(b * math.factorial(2 * k + order - 1) / (math.factorial(2 * k)
                                                          * x ** (2 * k + order))
                 for k, b in enumerate(BERNOULLI, 1))
    return total + sign * (math.factorial(order - 1) / x ** order
                           + math.factorial(order) / (2 * x ** (order + 1)) + series)


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""B_2, B_4, ..., B_16."""


def bessel_i(x: Any, order: int) -> Any:
    """The modified Bessel function of a whole order, by the mean of exp(x cos t) cos(order t) over
    the circle: the trapezoidal rule converges geometrically (DLMF 10.32.3)."""
    x = np.asarray(x, float)
    largest = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
    count = 2 * (32 + order + int(9 * math.sqrt(largest)))
    total = np.zeros_like(x)
    for t in np.arange(count) * (2 * math.pi / count):
        total += np.exp(x * math.cos(t)) * math.cos(order * t)
    return total / count
