"""log and what is made of it: x = 2^k m with sqrt(1/2) <= m < sqrt(2), log(x) = k ln(2) + log(m).

log(m) = g + tail(g), g = m - 1, which is exact. The tail is fdlibm's: with s = g / (2 + g),
log(1 + g) = g - g^2/2 + s (g^2/2 + R(s^2)); for f32 a polynomial of g itself, sparing the division.
The inverse hyperbolic functions are logarithms of a sum of two floats.
"""

from __future__ import annotations

from typing import Any

from hotloop.llvm.mathlib.formats import (
    F32,
    Format,
    constant,
    polynomial,
    quick_two_sum,
    two_product,
    two_sum,
)
from hotloop.loops.expr import Expr, e


def decomposed(f: Format, x: Expr) -> tuple[Expr, Expr]:
    """(m, k as a float) of a positive normal number."""
    distance = e.sub(f.bits(x), f.root_half_bits)
    m = f.float(e.add(e.and_(distance, f.fraction_mask), f.root_half_bits))
    if f is F32:
        return m, e.convert(e.ashr(distance, f.mantissa), f.dtype)
    # i64 to f64 is one instruction on AVX-512 only: the magic sum of an unsigned number instead.
    above = 1 << f.mantissa.bit_length() + 4
    k = e.lshr(e.add(distance, above << f.mantissa), f.mantissa)
    return m, e.sub(f.float(e.add(k, f.magic_bits)), f.number(float(f.magic) + above))


def _tail(f: Format, g: Expr, more: Any) -> Expr:
    """log(1 + g) - g + more, `more` being small."""
    if f is F32:
        square = e.mul(g, g)
        t = e.fma(e.mul(g, square), polynomial(g, f.LOG), more)
        return e.fma(square, f.number(-0.5), t)
    s = e.div(g, e.add(g, f.two))
    w = e.mul(s, s)
    half_square = e.mul(e.mul(g, f.half), g)
    t = e.fma(s, e.fma(w, polynomial(w, f.LOG), half_square), more)
    return e.sub(t, half_square)


def _log(f: Format, g: Expr, k: Expr) -> Expr:
    high, low = f.LN2
    return e.fma(k, high, e.add(g, _tail(f, g, e.mul(k, low))))


def _checked(f: Format, x: Expr, result: Expr, zero: Any) -> Expr:
    """`result` where `zero` < x < inf; inf, -inf, nan elsewhere. The last two are products, so that
    the processor's flags tell (`llvm.flags`)."""
    result = e.select(e.lt(x, f.inf), result, x)
    outside, pole = e.le(x, zero), e.eq(x, zero)
    factor = e.select(outside, e.select(pole, constant(f.largest), f.zero), f.one)
    special = e.mul(factor, e.select(pole, constant(-f.largest), f.inf))
    return e.select(outside, special, result)


def normalized(f: Format, x: Expr) -> tuple[Expr, Expr]:
    """(m, k) of a positive number, which may be subnormal."""
    shift = f.number(f.mantissa + 1)
    subnormal = e.lt(x, f.least)
    x = e.select(subnormal, e.mul(x, f.number(2.0 ** float(shift))), x)
    m, k = decomposed(f, x)
    return m, e.sub(k, e.select(subnormal, constant(shift), f.zero))


def log(f: Format, x: Expr) -> Expr:
    m, k = normalized(f, x)
    return _checked(f, x, _log(f, e.sub(m, f.one), k), f.zero)


def log2(f: Format, x: Expr) -> Expr:
    m, k = normalized(f, x)
    g = e.sub(m, f.one)
    high, low = f.LOG2E
    tail = _tail(f, g, f.zero)
    natural = e.add(g, tail)
    return _checked(f, x, e.fma(natural, high, e.fma(natural, low, k)), f.zero)


def log10(f: Format, x: Expr) -> Expr:
    """The inner sums are far more accurate than the last one, so powers of ten are exact."""
    m, k = normalized(f, x)
    g = e.sub(m, f.one)
    high, low = f.LOG10E
    two_high, two_low = f.LOG10_2
    tail = _tail(f, g, f.zero)
    small = e.fma(tail, high, e.fma(g, low, e.mul(k, two_low)))
    return _checked(f, x, e.fma(k, two_high, e.fma(g, high, small)), f.zero)


def _log_of_sum(f: Format, u: Expr, low: Expr, doublings: Any = None) -> Expr:
    """log(u + low), |low| <= ulp(u) / 2, u positive and normal; plus `doublings` * ln(2)."""
    m, k = decomposed(f, u)
    factor = f.float(e.add(e.sub(f.bits(m), f.bits(u)), f.one_bits))      # 2^-k
    factor = e.select(e.lt(u, f.number(2.0 ** (f.bias - 3))), factor, f.zero)
    if doublings is not None:
        k = e.add(k, doublings)
    return _log(f, e.fma(low, factor, e.sub(m, f.one)), k)


def log1p(f: Format, x: Expr) -> Expr:
    u, low = two_sum(constant(f.one), x)
    result = e.select(e.eq(x, f.zero), x, _log_of_sum(f, u, low))
    return _checked(f, x, result, -f.one)


def _root_of_sum(f: Format, w: Expr, low: Expr) -> tuple[Expr, Expr]:
    """sqrt(w + low) as a sum."""
    s = e.sqrt(w)
    rest = e.add(e.fma(e.neg(s), s, w), low)
    return s, e.div(rest, e.add(s, s))


def arcsinh(f: Format, x: Expr) -> Expr:
    """log(a + sqrt(a^2 + 1)), a = |x|, in sums of two; log(2 a) for large a, a for tiny ones."""
    a = e.abs(x)
    large = e.gt(a, f.number(2.0 ** f.mantissa))
    z, z_low = two_product(a, a)
    w, w_low = two_sum(constant(f.one), z)
    s, s_low = _root_of_sum(f, w, e.add(w_low, z_low))
    u, u_low = quick_two_sum(s, a)
    u = e.select(large, a, u)
    u_low = e.select(large, f.zero, e.add(u_low, s_low))
    result = _log_of_sum(f, u, u_low, e.select(large, constant(f.one), f.zero))
    result = e.select(e.lt(a, f.number(2.0 ** (-f.mantissa // 2 - 2))), a, result)
    return e.copysign(e.select(e.lt(a, f.inf), result, a), x)


def arccosh(f: Format, x: Expr) -> Expr:
    """log(x + sqrt(x^2 - 1)) likewise; NaN for x < 1."""
    large = e.gt(x, f.number(2.0 ** f.mantissa))
    z, z_low = two_product(x, x)
    w, w_low = two_sum(z, constant(-f.one))
    w, w_low = quick_two_sum(w, e.add(w_low, z_low))
    s, s_low = _root_of_sum(f, w, w_low)
    s_low = e.select(e.eq(w, f.zero), f.zero, s_low)
    u, u_low = quick_two_sum(x, s)
    u = e.select(large, x, u)
    u_low = e.select(large, f.zero, e.add(u_low, s_low))
    result = _log_of_sum(f, u, u_low, e.select(large, constant(f.one), f.zero))
    result = e.select(e.lt(x, f.inf), result, x)
    outside = e.lt(x, f.one)
    invalid = e.mul(e.select(outside, f.zero, x), f.inf)          # sets the flag (`llvm.flags`)
    return e.select(outside, invalid, result)


def arctanh(f: Format, x: Expr) -> Expr:
    """log((1 + a) / (1 - a)) / 2, a = |x|. With k so that (1 + a) / (1 - a) = 2^k m, the number s
    of fdlibm's formula is ((1 + a) - M) / ((1 + a) + M), M = 2^k (1 - a): exactly a for k = 0,
    and the quotient itself is never needed. 1 - a is exact from 1/2 on; below, k <= 2 and the
    terms are ordered so that nothing is lost."""
    a = e.abs(x)
    over, under = e.add(a, f.one), e.sub(f.one, a)
    m, j = decomposed(f, under)
    more = e.gt(over, e.mul(m, f.number(2.0**0.5)))
    k = e.sub(e.select(more, constant(f.one), f.zero), j)
    M = e.mul(m, e.select(more, constant(f.two), f.one))
    two_k = f.float(e.add(e.sub(f.bits(M), f.bits(under)), f.one_bits))
    numerator = e.fma(a, e.add(f.one, two_k), e.sub(f.one, two_k))
    denominator = e.fma(a, e.sub(f.one, two_k), e.add(f.one, two_k))
    large = e.ge(a, f.half)
    s = e.div(e.select(large, e.add(a, e.sub(f.one, M)), numerator),
              e.select(large, e.add(over, M), denominator))
    w = e.mul(s, s)
    high, low = f.LN2
    half_k = e.mul(k, f.half)
    tail = e.fma(e.mul(s, w), polynomial(w, f.ATANH), e.mul(half_k, low))
    result = e.fma(half_k, high, e.add(s, tail))
    result = e.select(e.eq(a, f.one), f.inf, result)
    outside = e.gt(a, f.one)
    invalid = e.mul(e.select(outside, f.zero, over), f.inf)       # sets the flag (`llvm.flags`)
    return e.copysign(e.select(outside, invalid, result), x)
