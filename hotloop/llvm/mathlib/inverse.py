"""arctan, arctan2, arcsin, arccos: polynomials on a part of the range, and the identities

    arctan(a) = pi/4 + arctan((a - 1) / (a + 1)) = pi/2 + arctan(-1 / a)
    arcsin(a) = pi/2 - 2 arcsin(sqrt((1 - a) / 2))
"""

from __future__ import annotations

from typing import Any

from hotloop.llvm.mathlib.formats import Format, constant, polynomial
from hotloop.loops.expr import Expr, e

_TAN_EIGHTH = 0.41421356          # tan(pi/8): arctan's polynomial reaches so far


def _turned(f: Format, q: Expr, eighths: Any) -> Expr:
    """arctan(q) + eighths * pi/4, |q| <= tan(pi/8)."""
    high, low = f.QUARTER_PI
    z = e.mul(q, q)
    tail = e.fma(e.mul(z, q), polynomial(z, f.ATAN), e.mul(eighths, low))
    return e.fma(eighths, high, e.add(q, tail))


def arctan(f: Format, x: Expr) -> Expr:
    a = e.abs(x)
    middle, large = e.gt(a, f.number(_TAN_EIGHTH)), e.gt(a, f.number(1 / _TAN_EIGHTH))

    def choose(below: Any, between: Any, above: Any) -> Expr:
        below = below if isinstance(below, Expr) else constant(below)
        return e.select(large, above, e.select(middle, between, below))
    q = e.div(choose(a, e.sub(a, f.one), -f.one), choose(f.one, e.add(a, f.one), a))
    return e.copysign(_turned(f, q, choose(f.zero, f.one, f.two)), x)


def arctan2(f: Format, y: Expr, x: Expr) -> Expr:
    """The angle in eighths of a turn, from |y|, |x| in order of size."""
    zero, one = constant(f.zero), constant(f.one)
    huge = f.number(2.0 ** (f.bias - 1))
    ay, ax = e.abs(y), e.abs(x)
    steep = e.gt(ay, ax)
    small, large = e.select(steep, ax, ay), e.select(steep, ay, ax)
    # inf / inf counts as 1 / 1, finite / inf as 0 / 1; 0 * small keeps a NaN.
    infinite = e.eq(large, f.inf)
    small = e.select(infinite, e.select(e.eq(small, f.inf), one, e.mul(small, zero)), small)
    large = e.select(infinite, one, large)
    shrink = e.select(e.gt(large, huge), constant(f.number(0.25)), one)
    small, large = e.mul(small, shrink), e.mul(large, shrink)
    middle = e.gt(small, e.mul(large, f.number(_TAN_EIGHTH)))
    q = e.div(e.select(middle, e.sub(small, large), small),
              e.select(middle, e.add(small, large), large))
    q = e.select(e.eq(large, f.zero), small, q)
    eighths = e.select(middle, one, zero)
    q = e.select(steep, e.neg(q), q)
    eighths = e.select(steep, e.sub(f.two, eighths), eighths)
    back = e.signbit(x)
    q = e.select(back, e.neg(q), q)
    eighths = e.select(back, e.sub(f.number(4), eighths), eighths)
    angle = _turned(f, q, eighths)
    return e.copysign(e.select(e.isnan(x), x, angle), y)


def _arcsin_tail(f: Format, s: Expr, z: Expr) -> Expr:
    """arcsin(s) - s, z = s^2 <= 1/4."""
    return e.mul(e.mul(s, z), polynomial(z, f.ASIN))


def arcsin(f: Format, x: Expr) -> Expr:
    a = e.abs(x)
    large = e.gt(a, f.half)
    z = e.select(large, e.fma(a, f.number(-0.5), f.half), e.mul(a, a))
    s = e.select(large, e.sqrt(z), a)
    tail = _arcsin_tail(f, s, z)
    high, low = f.QUARTER_PI
    rest = e.fma(tail, -f.two, f.two * low)
    folded = e.add(e.fma(s, -f.two, f.two * high), rest)
    return e.copysign(e.select(large, folded, e.add(s, tail)), x)


def arccos(f: Format, x: Expr) -> Expr:
    """pi/2 - arcsin(x) for |x| <= 1/2; 2 arcsin(sqrt((1 - a) / 2)) or pi minus that beyond."""
    a = e.abs(x)
    large = e.gt(a, f.half)
    z = e.select(large, e.fma(a, f.number(-0.5), f.half), e.mul(a, a))
    s = e.select(large, e.sqrt(z), x)
    tail = _arcsin_tail(f, s, z)
    high, low = f.QUARTER_PI
    middle = e.sub(f.two * high, e.add(s, e.sub(tail, f.two * low)))
    twice = e.mul(f.two, e.add(s, tail))
    obtuse = e.sub(f.number(4) * high, e.sub(twice, f.number(4) * low))
    return e.select(large, e.select(e.lt(x, f.zero), obtuse, twice), middle)
