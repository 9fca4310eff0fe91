"""exp and what is made of it: x = n ln(2) + r, e^x = 2^n e^r.

expm1(r) = r + r^2 q(r) for |r| <= ln(2)/2, so that tiny r keep their digits; 2^n is a matter of the
exponent field.
"""

from __future__ import annotations

from hotloop.llvm.mathlib.formats import (
    F32,
    Format,
    at_least,
    at_most,
    nearest,
    polynomial,
    power_of_two,
    scaled,
)
from hotloop.loops.expr import Expr, e


def reduced(f: Format, x: Expr) -> tuple[Expr, Expr]:
    """n (bits of `nearest`) and e^r."""
    n, whole = nearest(f, x, f.LOG2E[0])
    high, low = f.LN2
    r = e.fma(whole, -low, e.fma(whole, -high, x))
    return n, polynomial(r, (f.one, f.one, *f.EXP))


def _reduced_less_one(f: Format, x: Expr) -> tuple[Expr, Expr]:
    """n and e^r - 1, where a result may be as small as that: it includes r's rounding error."""
    n, whole = nearest(f, x, f.LOG2E[0])
    high, low = f.LN2
    exact = e.fma(whole, -high, x)
    r = e.fma(whole, -low, exact)
    error = e.fma(whole, -low, e.sub(exact, r))
    return n, e.add(r, e.fma(e.mul(r, r), polynomial(r, f.EXP), error))


def exp(f: Format, x: Expr) -> Expr:
    low, high = (-104.0, 89.0) if f is F32 else (-746.0, 710.0)
    n, p = reduced(f, at_least(at_most(x, high), low))
    return scaled(f, p, n)


def exp2(f: Format, x: Expr) -> Expr:
    low, high = (-151.0, 129.0) if f is F32 else (-1076.0, 1025.0)
    x = at_least(at_most(x, high), low)
    n, whole = nearest(f, x, None)
    r = e.sub(x, whole)
    return scaled(f, e.fma(r, polynomial(r, f.EXP2), f.one), n)


def expm1(f: Format, x: Expr) -> Expr:
    """2^n (1 + p) - 1 = 2 (2^(n-1) p + (2^(n-1) - 1/2)); tiny x are their own result."""
    low, high = (-18.0, 89.0) if f is F32 else (-40.0, 710.0)
    n, p = _reduced_less_one(f, at_least(at_most(x, high), low))
    s = power_of_two(f, n, -1)
    result = e.fma(p, s, e.sub(s, f.half))
    tiny = 1e-9 if f is F32 else 1e-17
    return e.select(e.lt(e.abs(x), tiny), x, e.add(result, result))


def sinh(f: Format, x: Expr) -> Expr:
    """(E + E / (E + 1)) / 2 with E = expm1(|x|); halves first, as E may overflow."""
    high = 89.5 if f is F32 else 710.5
    n, p = _reduced_less_one(f, at_most(e.abs(x), high))
    s = power_of_two(f, n, -2)
    quarter = e.fma(p, s, e.sub(s, f.number(0.25)))
    half = e.add(quarter, quarter)
    result = e.add(half, e.div(quarter, e.fma(quarter, f.two, f.half)))
    return e.copysign(e.select(e.lt(e.abs(x), f.number(2.0 ** (-f.mantissa // 2 - 2))),
                               e.abs(x), result), x)


def cosh(f: Format, x: Expr) -> Expr:
    """(e^a + 1 / e^a) / 2, a = |x|."""
    high = 89.5 if f is F32 else 710.5
    n, p = reduced(f, at_most(e.abs(x), high))
    quarter = e.mul(p, power_of_two(f, n, -2))
    half = e.add(quarter, quarter)
    return e.add(half, e.div(f.number(0.25), half))


def tanh(f: Format, x: Expr) -> Expr:
    """1 - 2 / (e^(2a) + 1), a = |x|; a polynomial where that is below 1/2 and loses digits."""
    high = 9.1 if f is F32 else 19.1
    a = at_most(e.abs(x), high)
    n, p = reduced(f, e.add(a, a))
    large = e.sub(f.one, e.div(f.two, e.fma(p, power_of_two(f, n), f.one)))
    z = e.mul(a, a)
    small = e.fma(e.mul(a, z), polynomial(z, f.TANH), a)
    return e.copysign(e.select(e.gt(a, f.number(0.55)), large, small), x)
