"""pow, cbrt, hypot.

pow(x, y) = 2^(y log2|x|). For f64 the logarithm needs 12 bits more than a float has, so it and its
product with y are sums of two floats; f32 is computed in f64.
"""

from __future__ import annotations

from hotloop.llvm import coefficients
from hotloop.llvm.mathlib.formats import (
    F32,
    F64,
    Format,
    at_least,
    at_most,
    constant,
    nearest,
    polynomial,
    quick_two_sum,
    scaled,
    two_product,
)
from hotloop.llvm.mathlib.logarithm import decomposed, normalized
from hotloop.loops.expr import Expr, e


def _log2_as_sum(x: Expr) -> tuple[Expr, Expr]:
    """log2(x) with 65 bits: k + s (C0 + z (C1 + z Q(z))), s = (m - 1) / (m + 1), z = s^2."""
    m, k = normalized(F64, x)
    numerator = e.sub(m, F64.one)
    denominator, rest = quick_two_sum(constant(F64.one), m)
    inverse = e.div(F64.one, denominator)
    s = e.mul(numerator, inverse)
    left = e.fma(s, e.neg(denominator), numerator)
    s_low = e.mul(e.fma(s, e.neg(rest), left), inverse)
    z, z_low = two_product(s, s)
    z_low = e.fma(e.add(s, s), s_low, z_low)
    (c0, c0_low), (c1, c1_low) = coefficients.POW_C0, coefficients.POW_C1
    a, a_low = quick_two_sum(constant(c1),
                             e.mul(z, polynomial(z, coefficients.POW_LOG2)))
    a_low = e.add(a_low, c1_low)
    b, b_low = two_product(z, a)
    b_low = e.add(b_low, e.fma(z, a_low, e.mul(z_low, a)))
    t, t_low = quick_two_sum(constant(c0), b)
    t_low = e.add(t_low, e.add(b_low, c0_low))
    p, p_low = two_product(s, t)
    p_low = e.add(p_low, e.fma(s, t_low, e.mul(s_low, t)))
    total, error = quick_two_sum(k, p)
    return total, e.add(error, p_low)


def _magnitude64(a: Expr, y: Expr) -> Expr:
    """a**y for a >= 0."""
    f = F64
    high, low = _log2_as_sum(a)
    high = e.select(e.eq(a, f.zero), -f.inf, e.select(e.lt(a, f.inf), high, a))
    y = at_least(at_most(y, f.number(2.0**70)), f.number(-(2.0**70)))
    p, p_low = two_product(y, high)
    p_low = e.fma(y, low, p_low)
    beyond = e.gt(e.abs(p), f.number(1100))
    p = e.select(beyond, e.copysign(constant(f.number(1100)), p), p)
    p_low = e.select(beyond, f.zero, p_low)
    n, whole = nearest(f, p, None)
    r = e.add(e.sub(p, whole), p_low)
    return scaled(f, e.fma(r, polynomial(r, f.EXP2), f.one), n)


def _magnitude32(a: Expr, y: Expr) -> Expr:
    """The same for f32, in f64, where there are no subnormal a and few bits are wanted."""
    f = F64
    a, y = e.convert(a, f.dtype), e.convert(y, f.dtype)
    m, k = decomposed(f, a)
    g = e.sub(m, f.one)
    s = e.div(g, e.add(g, f.two))
    log2 = e.fma(s, polynomial(e.mul(s, s), coefficients.POWF_LOG2), k)
    log2 = e.select(e.eq(a, f.zero), -f.inf, e.select(e.lt(a, f.inf), log2, a))
    p = e.mul(at_least(at_most(y, f.number(2.0**70)), f.number(-(2.0**70))), log2)
    p = at_least(at_most(p, f.number(1000)), f.number(-1000))
    n, whole = nearest(f, p, None)
    value = polynomial(e.sub(p, whole), coefficients.POWF_EXP2)
    value = f.float(e.add(f.bits(value), e.shl(n, f.mantissa)))
    return e.convert(value, F32.dtype)


def pow(f: Format, x: Expr, y: Expr) -> Expr:
    magnitude = (_magnitude32 if f is F32 else _magnitude64)(e.abs(x), y)
    whole = e.eq(e.rint(y), y)
    half = e.mul(y, f.half)
    odd = e.and_(whole, e.ne(e.rint(half), half))
    value = e.select(e.and_(odd, e.signbit(x)), e.neg(magnitude), magnitude)
    undefined = e.and_(e.and_(e.lt(x, f.zero), e.gt(x, -f.inf)), e.not_(whole))
    value = e.select(undefined, f.nan, value)
    trivial = e.or_(e.eq(x, f.one), e.eq(y, f.zero))       # 1, even of NaN
    return e.select(trivial, f.one, value)


def cbrt(f: Format, x: Expr) -> Expr:
    """|x| = m 2^(3j + i), i in -1, 0, 1. From y near m^(-1/3): with h = 1 - m y^3,
    m^(-1/3) = y (1 - h)^(-1/3) = y (1 + h/3 + 2/9 h^2 + 14/81 h^3 ...). A Newton step ends it."""
    a = e.abs(x)
    shift = 3 * (f.mantissa // 3 + 1)
    subnormal = e.lt(a, f.least)
    a = e.select(subnormal, e.mul(a, f.number(2.0**shift)), a)
    bits = f.bits(a)
    exponent = e.sub(e.lshr(bits, f.mantissa), f.bias)
    fraction = f.float(e.or_(e.and_(bits, f.fraction_mask), f.one_bits))
    if f is F32:
        k = e.convert(exponent, f.dtype)
    else:
        k = e.sub(f.float(e.add(exponent, f.magic_bits)), f.magic)
    n, j = nearest(f, k, f.number(1 / 3))
    i = e.fma(j, f.number(-3), k)
    below, above = e.lt(i, f.zero), e.gt(i, f.zero)

    def choose(minus: float, plus: float) -> Expr:
        return e.select(below, f.number(minus),
                        e.select(above, constant(f.number(plus)), f.one))
    m = e.mul(fraction, choose(0.5, 2.0))
    y = e.mul(polynomial(fraction, f.RCBRT), choose(*coefficients.CBRT2))
    h = e.fma(e.mul(m, e.mul(y, y)), e.neg(y), f.one)
    correction = e.fma(h, e.fma(h, f.number(14 / 81), f.number(2 / 9)), f.number(1 / 3))
    y = e.fma(e.mul(y, h), correction, y)
    square = e.mul(y, y)
    root = e.mul(m, square)
    c2, c2_low = two_product(root, root)
    excess = e.fma(c2_low, root, e.fma(c2, root, e.neg(m)))
    root = e.fma(e.mul(excess, f.number(-1 / 3)), square, root)
    n = e.sub(n, e.select(subnormal, e.lit(shift // 3, f.ints), 0))
    result = f.float(e.add(f.bits(root), e.shl(n, f.mantissa)))
    ordinary = e.and_(e.gt(e.abs(x), f.zero), e.lt(e.abs(x), f.inf))
    return e.copysign(e.select(ordinary, result, x), x)


def hypot(f: Format, x: Expr, y: Expr) -> Expr:
    """sqrt(x^2 + y^2), scaled where squares would overflow or vanish; inf beats NaN."""
    ax, ay = e.abs(x), e.abs(y)
    if f is F32:
        a, b = e.convert(ax, F64.dtype), e.convert(ay, F64.dtype)
        result = e.convert(e.sqrt(e.fma(a, a, e.mul(b, b))), f.dtype)
    else:
        large = e.select(e.gt(ay, ax), ay, ax)
        small = e.select(e.gt(ay, ax), ax, ay)
        up, down = e.lt(large, f.number(2.0**-450)), e.gt(large, f.number(2.0**500))
        one = constant(f.one)
        factor = e.select(down, f.number(2.0**-600), e.select(up, f.number(2.0**600), one))
        back = e.select(down, f.number(2.0**600), e.select(up, f.number(2.0**-600), one))
        large, small = e.mul(large, factor), e.mul(small, factor)
        result = e.mul(e.sqrt(e.fma(large, large, e.mul(small, small))), back)
    infinite = e.or_(e.eq(ax, f.inf), e.eq(ay, f.inf))
    return e.select(infinite, f.inf, result)
