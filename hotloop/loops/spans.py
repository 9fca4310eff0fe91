"""Arithmetic on spans: between which numbers the result of an operation is, given those of its
operands.

    both_bits((-5, 1000), (0, 255))      # (0, 255)
    total((0, 200), (0, 100))            # (0, 300): exact, whether it fits the dtype or not

Moore, "Interval Analysis", 1966. What stands in the column `span` of `loops.scalar` gives None
where it knows nothing; bits are counted. Truths are 0 and 1.
"""

from __future__ import annotations

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


def total(a: Span, b: Span) -> Span:
    return a[0] + b[0], a[1] + b[1]


def difference(a: Span, b: Span) -> Span:
    return a[0] - b[1], a[1] - b[0]


def product(a: Span, b: Span) -> Span:
    products = [x * y for x in a for y in b]
    return min(products), max(products)


def _size(a: Span) -> int:
    return max(-a[0], a[1])


def quotient(a: Span, b: Span) -> Span:
    """Towards zero; 0 by zero. The least integer by -1 comes out as one too large: it wraps."""
    if b[0] > 0:
        ends = [_towards_zero(x, y) for x in a for y in b]
        return min(*ends, 0) if a[0] < 0 else min(ends), max(*ends, 0) if a[1] > 0 else max(ends)
    return (0 if a[0] >= 0 and b[0] >= 0 else -_size(a)), _size(a)


def _towards_zero(a: int, b: int) -> int:
    return a // b if a >= 0 else -(-a // b)


def remainder(a: Span, b: Span) -> Span:
    most = max(0, min(_size(a), _size(b) - 1))
    if b[0] > 0 and a[0] >= 0 and a[1] < b[0]:
        return a
    return (-most if a[0] < 0 else 0), (min(most, a[1]) if a[1] > 0 else 0)


def both_bits(a: Span, b: Span) -> Span:
    if a[0] >= 0 or b[0] >= 0:
        return 0, min(x[1] for x in (a, b) if x[0] >= 0)
    bits = max(_bits(a), _bits(b))
    return -2**bits, 2**bits - 1


def either_bit(a: Span, b: Span) -> Span:
    bits = max(_bits(a), _bits(b))
    if a[0] >= 0 and b[0] >= 0:
        return max(a[0], b[0]), 2**bits - 1
    return -2**bits, 2**bits - 1


def odd_bits(a: Span, b: Span) -> Span:
    bits = max(_bits(a), _bits(b))
    return (0 if a[0] >= 0 and b[0] >= 0 else -2**bits), 2**bits - 1


def _bits(a: Span) -> int:
    """Bits but for the sign."""
    return max(*(x.bit_length() if x >= 0 else (-x - 1).bit_length() for x in a))


def shifted_left(a: Span, b: Span) -> Span | None:
    if not 0 <= b[0] <= b[1] < 64:
        return None
    return product(a, (1 << b[0], 1 << b[1]))


def shifted_right(a: Span, b: Span) -> Span:
    if b[0] < 0:
        return min(a[0], -1) if a[0] < 0 else 0, max(a[1], 0)
    first, last = min(b[0], 64), min(b[1], 64)
    return a[0] >> (first if a[0] < 0 else last), a[1] >> (last if a[1] < 0 else first)


def zeros_shifted_in(a: Span, b: Span) -> Span | None:
    return shifted_right(a, b) if a[0] >= 0 else None


def absolute(a: Span) -> Span:
    return (0 if a[0] <= 0 <= a[1] else min(abs(a[0]), abs(a[1]))), _size(a)


def negative(a: Span) -> Span:
    return -a[1], -a[0]


def inverted(a: Span) -> Span:
    return ~a[1], ~a[0]


def minimum(a: Span, b: Span) -> Span:
    return min(a[0], b[0]), min(a[1], b[1])


def maximum(a: Span, b: Span) -> Span:
    return max(a[0], b[0]), max(a[1], b[1])


def compared(gap: tuple[int | None, int | None], a: Span, b: Span) -> Span:
    """Of a comparison that holds where a - b is between the ends of `gap` (None: has no end)."""
    least, most = difference(a, b)
    low, high = least if gap[0] is None else gap[0], most if gap[1] is None else gap[1]
    return int(low <= least and most <= high), int(least <= high and low <= most)


def apart(a: Span, b: Span) -> Span:
    """Whether they are not equal."""
    low, high = compared((0, 0), a, b)
    return 1 - high, 1 - low
