"""erf and erfc. With a = |x|: erf(x) = x + x P(x^2) below 1; beyond, and for erfc from 3/4 on,

    erfc(a) = e^(-a^2) Q(q) / (1 + 2a),    q = (a - 4) / (a + 4),

Q being nearly 1 (the form of Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x)
exp(x^2) erfc(x)", Math. Comp. 36, 1981). What the rounding of a^2 and of 1 + 2a loses is put back.
f32 is computed in f64.
"""

from __future__ import annotations

from hotloop.llvm.mathlib.exponential import reduced
from hotloop.llvm.mathlib.formats import (
    F32,
    F64,
    Format,
    at_least,
    at_most,
    constant,
    polynomial,
    quick_two_sum,
    scaled,
    two_product,
)
from hotloop.loops.expr import Expr, e

NEAR = 0.75
"""Up to there 1 - erf(x) has enough digits."""

FAR = 27.3
"""erfc is 0 from there on."""


def _tail(a: Expr) -> Expr:
    """erfc(a), a >= NEAR."""
    f = F64
    a = at_most(a, f.number(FAR))
    q = e.div(e.sub(a, f.number(4.0)), e.add(a, f.number(4.0)))
    square, low = two_product(a, a)
    n, p = reduced(f, at_least(e.neg(square), f.number(-746.0)))
    double = e.add(a, a)
    large, small = quick_two_sum(e.select(e.gt(double, f.one), double, f.one),
                                 e.select(e.gt(double, f.one), f.one, double))
    t, t_low = two_product(p, polynomial(q, f.ERFC))
    m = e.div(t, large)
    rest = e.add(e.fma(e.neg(m), large, t), t_low)
    lost = e.div(e.fma(e.neg(m), small, rest), large)
    return scaled(f, e.add(m, e.fma(e.neg(m), low, lost)), n)


def _near(x: Expr) -> Expr:
    """erf(x), |x| <= 1."""
    return e.fma(x, polynomial(e.mul(x, x), F64.ERF), x)


def erf(f: Format, x: Expr) -> Expr:
    if f is F32:
        return e.convert(erf(F64, e.convert(x, F64.dtype)), F32.dtype)
    a = e.abs(x)
    far = e.copysign(e.sub(f.one, _tail(e.select(e.lt(a, f.one), constant(f.one), a))), x)
    return e.select(e.lt(a, f.one), _near(x), far)


def erfc(f: Format, x: Expr) -> Expr:
    if f is F32:
        return e.convert(erfc(F64, e.convert(x, F64.dtype)), F32.dtype)
    a = e.abs(x)
    is_near = e.lt(a, f.number(NEAR))
    tail = _tail(e.select(is_near, constant(f.number(NEAR)), a))
    far = e.select(e.lt(x, f.zero), e.sub(f.two, tail), tail)
    return e.select(is_near, e.sub(f.one, _near(x)), far)
