"""sin, cos, tan: x = n pi/2 + r, |r| <= pi/4; n says which of sin r, cos r is wanted, and its sign.

n pi/2 is subtracted in pieces of pi/2: the first difference is exact (it is a multiple of the last
bit of both, and below 1), so it takes no more than the fused multiply-adds (Cody and Waite).
Beyond `_LIMIT` the product x * 2/pi is too coarse, and libm serves such lanes.
"""

from __future__ import annotations

from hotloop.llvm.mathlib.formats import (
    F32,
    F64,
    Format,
    constant,
    nearest,
    polynomial,
    two_product,
    two_sum,
)
from hotloop.loops.expr import Expr, e

_LIMIT = {F32: F32.number(2.0**16), F64: F64.number(2.0**42)}


def _sin_cos(f: Format, r: Expr) -> tuple[Expr, Expr]:
    z = e.mul(r, r)
    sine = e.fma(e.mul(z, r), polynomial(z, f.SIN), r)
    cosine = e.fma(e.mul(z, z), polynomial(z, f.COS), e.fma(z, f.number(-0.5), f.one))
    return sine, cosine


def _rare(f: Format, x: Expr) -> Expr:
    return e.gt(e.abs(x), _LIMIT[f])


def _quadrant(f: Format, x: Expr, ahead: int) -> Expr:
    """sin(x + ahead * pi/2)"""
    n, whole = nearest(f, x, f.TWO_OVER_PI[0])
    r = x
    for piece in f.HALF_PI:
        r = e.fma(whole, -piece, r)
    sine, cosine = _sin_cos(f, r)
    n = e.add(n, ahead)
    odd = e.ne(e.and_(n, 1), 0)
    value = e.select(odd, cosine, sine)
    sign = e.shl(e.and_(n, 2), f.ints.itemsize * 8 - 2)
    return f.float(e.xor(f.bits(value), sign))


def sin(f: Format, x: Expr) -> Expr:
    value = e.select(e.eq(x, f.zero), x, _quadrant(f, x, 0))
    return e.rescue_sin(_rare(f, x), value, x)


def cos(f: Format, x: Expr) -> Expr:
    return e.rescue_cos(_rare(f, x), _quadrant(f, x, 1), x)


def tan(f: Format, x: Expr) -> Expr:
    """sin r / cos r or -cos r / sin r. The tangent magnifies r's rounding error, so r is a sum of
    two floats, and so is cos r's main part 1 - r^2 / 2."""
    n, whole = nearest(f, x, f.TWO_OVER_PI[0])
    first, second, third = f.HALF_PI
    exact = e.fma(whole, -first, x)
    product, product_low = two_product(whole, constant(-second))
    r, low = two_sum(exact, product)
    low = e.fma(whole, -third, e.add(low, product_low))
    z = e.mul(r, r)
    sine = e.add(r, e.fma(e.mul(z, r), polynomial(z, f.SIN), low))
    main = e.fma(z, f.number(-0.5), f.one)
    rest = e.fma(z, f.number(-0.5), e.sub(f.one, main))
    rest = e.fma(e.neg(r), low, e.fma(e.mul(z, z), polynomial(z, f.COS), rest))
    cosine = e.add(main, rest)
    odd = e.ne(e.and_(n, 1), 0)
    value = e.div(e.select(odd, e.neg(cosine), sine), e.select(odd, sine, cosine))
    value = e.select(e.eq(x, f.zero), x, value)
    return e.rescue_tan(_rare(f, x), value, x)
