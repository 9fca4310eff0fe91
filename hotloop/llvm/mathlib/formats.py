"""What the elementary functions share: the two float formats and their bits, polynomials, exact
sums and products, scaling by powers of two.

    n, r = nearest(f, x, f.LOG2E[0])      # n: bits whose low end is round(x / ln 2); r: that number
    y = polynomial(r, f.EXP)              # c0 + r (c1 + r (c2 + ...))

A function of this package takes a Format and expressions of its dtype, and gives an expression.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.llvm import coefficients
from hotloop.loops.expr import Expr, e, lit


class Format:
    """A float format; the constants of `llvm.coefficients` for it are attributes: `F64.EXP`.

    ints      integers of the same size
    mantissa  bits of the fraction; the exponent field holds the exponent plus `bias`
    magic     x + magic has round(x) in its low bits, as an integer; magic_bits are those of magic
    least     the smallest normal number
    largest   the largest finite one
    """

    def __init__(self, name: str, dtype: str, ints: str, mantissa: int, bias: int):
        self.name = name
        self.dtype, self.ints = np.dtype(dtype), np.dtype(ints)
        self.mantissa, self.bias = mantissa, bias
        kind = self.dtype.type
        self.magic = kind(1.5 * 2.0**mantissa)
        self.magic_bits = int(self.magic.view(self.ints))
        self.least = kind(2.0 ** (1 - bias))
        self.largest = np.finfo(self.dtype).max
        self.inf, self.nan = kind(np.inf), kind(np.nan)
        self.zero, self.half, self.one, self.two = kind(0), kind(0.5), kind(1), kind(2)
        self.one_bits = bias << mantissa
        self.root_half_bits = int(kind(0.5**0.5).view(self.ints))
        self.fraction_mask = (1 << mantissa) - 1

    def __getattr__(self, name: str) -> tuple:
        constants: tuple = getattr(coefficients, f"{name}_{self.name}")
        setattr(self, name, constants)
        return constants

    def number(self, value: float) -> Any:
        return self.dtype.type(value)

    def bits(self, x: Expr) -> Expr:
        return e.bitcast(x, self.ints)

    def float(self, i: Expr) -> Expr:
        return e.bitcast(i, self.dtype)


F32 = Format("F32", "f4", "i4", 23, 127)
F64 = Format("F64", "f8", "i8", 52, 1023)


def format_of(x: Expr) -> Format:
    return F64 if x.dtype == F64.dtype else F32


def constant(value: Any) -> Expr:
    """A NumPy scalar as an expression, where no other operand tells the dtype."""
    return lit(value, value.dtype)


def polynomial(x: Expr, coefficients: tuple) -> Expr:
    """Horner's rule: the fewest operations. The chains of neighbouring elements overlap: splitting
    into even and odd powers gained nothing (exp, sin, tanh, arcsin, both formats, AVX-512)."""
    result: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        result = e.fma(result, x, c)
    return result


def at_most(x: Expr, limit: Any) -> Expr:
    """The smaller one; NaN stays."""
    return e.select(e.gt(x, limit), limit, x)


def at_least(x: Expr, limit: Any) -> Expr:
    return e.select(e.lt(x, limit), limit, x)


def nearest(f: Format, x: Expr, factor: Any) -> tuple[Expr, Expr]:
    """round(x * factor) as bits (the low end of an integer) and as a float."""
    t = e.add(x, f.magic) if factor is None else e.fma(x, factor, f.magic)
    return f.bits(t), e.sub(t, f.magic)


def power_of_two(f: Format, n: Expr, offset: int = 0) -> Expr:
    """2**(n + offset) for the bits `nearest` gives; the exponent must be that of a normal."""
    return f.float(e.shl(e.add(n, f.bias + offset), f.mantissa))


def scaled(f: Format, p: Expr, n: Expr) -> Expr:
    """p * 2**n, about 1 <= p < 2, for the bits n that `nearest` gives: half of n goes into p's
    exponent and half into a factor, so that the product overflows and underflows as it must."""
    h = e.lshr(n, 1)
    p = f.float(e.add(f.bits(p), e.shl(h, f.mantissa)))
    return e.mul(p, power_of_two(f, e.sub(n, h)))


def quick_two_sum(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """a + b as (rounded, error), |a| >= |b| or a = 0. Dekker, "A floating-point technique for
    extending the available precision", 1971."""
    s = e.add(a, b)
    return s, e.add(e.sub(a, s), b)


def two_sum(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """a + b as (rounded, error). Knuth, TAOCP 4.2.2."""
    s = e.add(a, b)
    t = e.sub(s, a)
    return s, e.add(e.sub(a, e.sub(s, t)), e.sub(b, t))


def two_product(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    p = e.mul(a, b)
    return p, e.fma(a, b, e.neg(p))
