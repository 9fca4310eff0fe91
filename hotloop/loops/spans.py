"""Arithmetic on spans: between which numbers the result of an operation is, given those of its
operands.

    BINARY["and"]((-5, 1000), (0, 255))      # (0, 255)
    BINARY["add"]((0, 200), (0, 100))        # (0, 300): exact, whether it fits the dtype or not

Moore, "Interval Analysis", 1966. A row gives None where it knows nothing; bits are counted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Span = tuple[int, int]
"""The least and the largest number."""


def full(dtype: np.dtype) -> Span:
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind not in "iu":
        return -2**63, 2**64 - 1
    bits = 8 * dtype.itemsize
    return (0, 2**bits - 1) if dtype.kind == "u" else (-2**(bits - 1), 2**(bits - 1) - 1)


def join(a: Span | None, b: Span | None) -> Span | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), max(a[1], b[1])


def inside(a: Span, b: Span) -> bool:
    return b[0] <= a[0] and a[1] <= b[1]


def fits(value: int, dtype: np.dtype) -> bool:
    least, most = full(dtype)
    return least <= value <= most


def of_truths(op: str, a: Span, b: Span | None = None) -> Span:
    """An operation on truths: 0 and 1."""
    if b is None:
        return (1 - a[1], 1 - a[0]) if op == "not" else a
    if op == "and":
        return min(a[0], b[0]), min(a[1], b[1])
    if op == "or":
        return max(a[0], b[0]), max(a[1], b[1])
    return 0, 1


def _add(a: Span, b: Span) -> Span:
    return a[0] + b[0], a[1] + b[1]


def _sub(a: Span, b: Span) -> Span:
    return a[0] - b[1], a[1] - b[0]


def _mul(a: Span, b: Span) -> Span:
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def _size(a: Span) -> int:
    return max(-a[0], a[1])


def _idiv(a: Span, b: Span) -> Span:
    """Towards zero; 0 by zero. The least integer by -1 comes out as one too large: it wraps."""
    if b[0] > 0:
        ends = [_towards_zero(x, y) for x in a for y in b]
        return min(*ends, 0) if a[0] < 0 else min(ends), max(*ends, 0) if a[1] > 0 else max(ends)
    return (0 if a[0] >= 0 and b[0] >= 0 else -_size(a)), _size(a)


def _towards_zero(a: int, b: int) -> int:
    return a // b if a >= 0 else -(-a // b)


def _irem(a: Span, b: Span) -> Span:
    most = max(0, min(_size(a), _size(b) - 1))
    if b[0] > 0 and a[0] >= 0 and a[1] < b[0]:
        return a
    return (-most if a[0] < 0 else 0), (min(most, a[1]) if a[1] > 0 else 0)


def _and(a: Span, b: Span) -> Span:
    if a[0] >= 0 or b[0] >= 0:
        return 0, min(x[1] for x in (a, b) if x[0] >= 0)
    bits = max(_bits(a), _bits(b))
    return -2**bits, 2**bits - 1


def _or(a: Span, b: Span) -> Span:
    bits = max(_bits(a), _bits(b))
    if a[0] >= 0 and b[0] >= 0:
        return max(a[0], b[0]), 2**bits - 1
    return -2**bits, 2**bits - 1


def _xor(a: Span, b: Span) -> Span:
    bits = max(_bits(a), _bits(b))
    return (0 if a[0] >= 0 and b[0] >= 0 else -2**bits), 2**bits - 1


def _bits(a: Span) -> int:
    """Bits but for the sign."""
    return max(*(x.bit_length() if x >= 0 else (-x - 1).bit_length() for x in a))


def _shl(a: Span, b: Span) -> Span | None:
    if not 0 <= b[0] <= b[1] < 64:
        return None
    return _mul(a, (1 << b[0], 1 << b[1]))


def _ashr(a: Span, b: Span) -> Span:
    if b[0] < 0:
        return min(a[0], -1) if a[0] < 0 else 0, max(a[1], 0)
    first, last = min(b[0], 64), min(b[1], 64)
    return a[0] >> (first if a[0] < 0 else last), a[1] >> (last if a[1] < 0 else first)


def _lshr(a: Span, b: Span) -> Span | None:
    return _ashr(a, b) if a[0] >= 0 else None


def _abs(a: Span) -> Span:
    return (0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))), _size(a)


UNARY: dict[str, Callable[[Span], Span]] = {
    "abs": _abs, "neg": lambda a: (-a[1], -a[0]), "not": lambda a: (~a[1], ~a[0])}

BINARY: dict[str, Callable[[Span, Span], Span | None]] = {
    "add": _add, "sub": _sub, "mul": _mul, "idiv": _idiv, "irem": _irem, "and": _and, "or": _or,
    "xor": _xor, "shl": _shl, "ashr": _ashr, "lshr": _lshr,
    "minimum": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "maximum": lambda a, b: (max(a[0], b[0]), max(a[1], b[1]))}

OVERFLOWS: dict[str, Callable[[Span, Span], Span]] = {
    "add_overflows": _add, "sub_overflows": _sub, "mul_overflows": _mul}

def _less(a: Span, b: Span) -> Span:
    return int(a[1] < b[0]), int(a[0] < b[1])


def _less_equal(a: Span, b: Span) -> Span:
    return int(a[1] <= b[0]), int(a[0] <= b[1])


def _equal(a: Span, b: Span) -> Span:
    return int(a[0] == a[1] == b[0] == b[1]), int(a[0] <= b[1] and b[0] <= a[1])


def _unequal(a: Span, b: Span) -> Span:
    low, high = _equal(a, b)
    return 1 - high, 1 - low


TRUTHS: dict[str, Callable[[Span, Span], Span]] = {
    "lt": _less, "le": _less_equal, "gt": lambda a, b: _less(b, a),
    "ge": lambda a, b: _less_equal(b, a), "eq": _equal, "ne": _unequal}
