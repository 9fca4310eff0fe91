"""Interval rules: bounds of an int or bool result from bounds of the operands.

    add(dtype, params, (0, 9), (1, 1)) == (1, 10)

Bounds are pairs of Python ints, exact: a result beyond the dtype's range tells the caller that the
operation may wrap. False is 0, True is 1. None: nothing to say. `dtype` is that of operand 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Bounds = tuple[int, int]
Rule = Callable[..., Bounds | None]

UNKNOWN = (0, 1)
"""Of a bool."""


def _hull(values: list[int]) -> Bounds:
    return min(values), max(values)


def add(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return a[0] + b[0], a[1] + b[1]


def sub(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return a[0] - b[1], a[1] - b[0]


def mul(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return _hull([p * q for p in a for q in b])


def neg(dtype: np.dtype, params: dict[str, Any], a: Bounds) -> Bounds:
    return -a[1], -a[0]


def abs_(dtype: np.dtype, params: dict[str, Any], a: Bounds) -> Bounds:
    return 0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1])), max(abs(a[0]), abs(a[1]))


def floor_divide(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds | None:
    if b[0] > 0:
        return _hull([p // q for p in a for q in b])
    return None


def remainder(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds | None:
    """By 0 the result is 0."""
    if b[0] < 0:
        return None
    if 0 <= a[0] and a[1] < b[0]:
        return a
    return 0, max(b[1] - 1, 0)


def minimum(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return min(a[0], b[0]), min(a[1], b[1])


def maximum(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return max(a[0], b[0]), max(a[1], b[1])


def and_(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds | None:
    if dtype.kind == "b":
        return a[0] & b[0], a[1] & b[1]
    if a[0] >= 0 and b[0] >= 0:
        return 0, min(a[1], b[1])
    return (0, a[1]) if a[0] >= 0 else (0, b[1]) if b[0] >= 0 else None


def or_(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds | None:
    return (a[0] | b[0], a[1] | b[1]) if dtype.kind == "b" else None


def not_(dtype: np.dtype, params: dict[str, Any], a: Bounds) -> Bounds | None:
    return (1 - a[1], 1 - a[0]) if dtype.kind == "b" else None


def shift_right(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds | None:
    if b[0] < 0:
        return None
    return _hull([p >> min(q, 64) for p in a for q in b])


def _decided(certain: bool, impossible: bool) -> Bounds:
    return (1, 1) if certain else (0, 0) if impossible else UNKNOWN


def lt(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return _decided(a[1] < b[0], a[0] >= b[1])


def le(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return _decided(a[1] <= b[0], a[0] > b[1])


def gt(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return lt(dtype, params, b, a)


def ge(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return le(dtype, params, b, a)


def eq(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return _decided(a[0] == a[1] == b[0] == b[1], a[1] < b[0] or b[1] < a[0])


def ne(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
    return not_(np.dtype(bool), {}, eq(dtype, params, a, b)) or UNKNOWN


def select(dtype: np.dtype, params: dict[str, Any], c: Bounds, a: Bounds, b: Bounds) -> Bounds:
    if c[0] == c[1]:
        return a if c[0] else b
    return min(a[0], b[0]), max(a[1], b[1])


def convert(dtype: np.dtype, params: dict[str, Any], a: Bounds) -> Bounds | None:
    if params["dtype"].kind == "b":
        return _decided(a[0] > 0 or a[1] < 0, a == (0, 0))
    return a


def overflows(exact: Rule) -> Rule:
    """Whether the exact result leaves the range of i64."""
    least, greatest = np.iinfo(np.int64).min, np.iinfo(np.int64).max

    def rule(dtype: np.dtype, params: dict[str, Any], a: Bounds, b: Bounds) -> Bounds:
        bounds = exact(dtype, params, a, b)
        assert bounds is not None
        return _decided(bounds[0] > greatest or bounds[1] < least,
                        least <= bounds[0] and bounds[1] <= greatest)
    return rule
