"""NumPy's functions as plain Python, traced like the user's code: those that call functions of the
user, and those that branch on sizes.

    np.apply_along_axis(f, 0, a)     ->     apply_along_axis below, its loop staged

The stand-ins in `numpy_functional` settle what is known while compiling, and call these.
"""

from __future__ import annotations

import numpy as np


def apply_along_axis(function, axis, array, args, keywords):
    lines = np.moveaxis(array, axis, -1)
    outer = lines.shape[:-1]
    n = 1
    for size in outer:
        n *= size
    lines = lines.reshape(n, lines.shape[-1])
    if n == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    first = np.asarray(function(lines[0], *args, **keywords))
    results = np.empty((n, *first.shape), first.dtype)
    results[0] = first
    for k in range(1, n):
        results[k] = function(lines[k], *args, **keywords)
    return results.reshape((*outer, *first.shape))


def apply_over_axes(function, array, axes):
    value = array
    rank = array.ndim
    for axis in axes:
        result = function(value, axis + rank if axis < 0 else axis)
        if result.ndim != value.ndim:
            result = np.expand_dims(result, axis)
            if result.ndim != value.ndim:
                raise ValueError("function is not returning an array of the correct shape")
        value = result
    return value


def accumulate(ufunc, rows):
    results = rows.copy()
    for k in range(1, len(rows)):
        results[k] = ufunc(results[k - 1], rows[k])
    return results


def ufunc_at(ufunc, a, indices, *values):
    """a[i] = ufunc(a[i], value) for one index after the other."""
    places = np.arange(a.size).reshape(a.shape)[indices]
    each = [np.broadcast_to(v, places.shape).ravel() for v in values]
    places = np.ravel(places)
    for k in range(len(places)):
        at = np.unravel_index(places[k], a.shape)
        a[at] = ufunc(a[at], *[v[k] for v in each])


def piecewise(x, conditions, functions, args, keywords):
    y = np.zeros_like(x)
    for condition, function in zip(conditions, functions):
        if callable(function):
            part = x[condition]
            if part.size > 0:
                y[condition] = function(part, *args, **keywords)
        else:
            y[condition] = function
    return y


def store_each(results, result_at):
    """results[j][k] = result_at(k)[j]"""
    for k in range(len(results[0])):
        values = result_at(k)
        for result, value in zip(results, values):
            result[k] = value


def resize(flat, size):
    """The elements again and again; zeros if there are none."""
    result = np.zeros(size, flat.dtype)
    if flat.shape[0]:
        result[:] = flat[np.arange(size) % flat.shape[0]]
    return result
