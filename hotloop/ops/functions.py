"""Elementary functions: one row each, the scalar operation of the same name.

For complex operands the row spells the function out in real ones; those without such a formula here
take floats only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.ops.derivative import Derivative, Over, Partials, Zero
from hotloop.ops.families import unary
from hotloop.ops.table import COMPLEXES, FLOATS, OpDef


def _function(name: str, doc: str, derivative: Derivative,
              complex_expr: Callable[..., Any] | None = None, flags: str = "",
              dear: bool = True) -> OpDef:
    return unary(name, doc, getattr(np, name), FLOATS + (COMPLEXES if complex_expr else ""),
                 lambda e, x: e.op(name, x), complex_expr, derivative=derivative, flags=flags,
                 dear=dear)


def _of_python(name: str, doc: str, derivative: Derivative) -> OpDef:
    """A function of Python's math that NumPy lacks."""
    each = np.vectorize(getattr(math, name), otypes=["d"])
    return unary(name, doc, lambda x: each(x).astype(x.dtype)[()], FLOATS,
                 lambda e, x: e.op(name, x), derivative=derivative, dear=True)


def _scaled(e: Any, scale: Any, x: Any) -> Any:
    """scale * x for a real x whose 0 wins over an infinite scale: exp(inf + 0j) is inf + 0j."""
    zero, one = e.lit(0, x.dtype), e.lit(1, x.dtype)
    return e.mul(e.select(e.eq(x, zero), e.copysign(one, scale), scale), x)


def _finite(e: Any, x: Any) -> Any:
    return e.lt(e.abs(x), e.lit(math.inf, x.dtype))


def _infinite(e: Any, x: Any) -> Any:
    return e.eq(e.abs(x), e.lit(math.inf, x.dtype))


def _exp(e: Any, z: tuple) -> tuple:
    """e**(a+bi) = e**a (cos b + i sin b); 0 for a = -inf and inf for a = inf whatever b is.

    A factor is taken out of an e**a that would overflow: it may be finite times cos b."""
    a, b = z
    largest = math.floor(math.log(np.finfo(a.dtype).max))
    zero, limit = e.lit(0, a.dtype), e.lit(largest, a.dtype)
    large = e.gt(a, limit)
    size = e.exp(e.select(large, e.sub(a, limit), a))
    factor = e.select(large, e.lit(math.exp(largest), a.dtype), e.lit(1, a.dtype))
    real_axis, anywhere = e.eq(b, zero), e.and_(_infinite(e, a), e.not_(_finite(e, b)))
    re = e.mul(e.select(real_axis, size, _scaled(e, size, e.cos(b))), factor)
    im = e.select(real_axis, b, e.mul(_scaled(e, size, e.sin(b)), factor))
    return (e.select(anywhere, size, re),
            e.select(e.and_(anywhere, e.lt(a, zero)), e.copysign(zero, b), im))


def _log(e: Any, z: tuple) -> tuple:
    """log|z| + i arg z; near |z| = 1 through log1p, where log(hypot) would cancel."""
    a, b = e.abs(z[0]), e.abs(z[1])
    larger, smaller = e.maximum(a, b), e.minimum(a, b)
    one, half = e.lit(1, a.dtype), e.lit(0.5, a.dtype)
    near = e.and_(e.gt(larger, half), e.lt(larger, e.lit(2, a.dtype)))
    excess = e.add(e.mul(e.sub(larger, one), e.add(larger, one)), e.mul(smaller, smaller))
    size = e.select(near, e.mul(half, e.log1p(excess)), e.log(e.hypot(a, b)))
    return size, e.arctan2(z[1], z[0])


def _sqrt(e: Any, z: tuple) -> tuple:
    """With t = sqrt((|a| + |z|) / 2): t + i b/(2t) for a >= 0, |b|/(2t) + i t sign b for a < 0.

    Halves are taken before the sum, so that it does not overflow."""
    a, b = z
    zero, half = e.lit(0, a.dtype), e.lit(0.5, a.dtype)
    t = e.sqrt(e.add(e.mul(half, e.abs(a)), e.mul(half, e.hypot(a, b))))
    other = e.select(e.eq(t, zero), zero, e.div(e.mul(half, e.abs(b)), t))
    right, upright = e.not_(e.lt(a, zero)), _infinite(e, b)
    return (e.select(upright, e.abs(b), e.select(right, t, other)),
            e.select(upright, b, e.copysign(e.select(right, other, t), b)))


def _sinh(e: Any, z: tuple) -> tuple:
    """sinh a cos b + i cosh a sin b; where b is not finite, what C99's annex G says."""
    a, b = z
    on_axis = e.select(e.eq(a, e.lit(0, a.dtype)), a, e.lit(math.nan, a.dtype))
    re = e.select(_finite(e, b), _scaled(e, e.cos(b), e.sinh(a)),
                  e.select(_infinite(e, a), e.abs(a), on_axis))
    return re, _scaled(e, e.cosh(a), e.sin(b))


def _cosh(e: Any, z: tuple) -> tuple:
    """cosh a cos b + i sinh a sin b; where b is not finite, what C99's annex G says."""
    a, b = z
    zero, sine, size = e.lit(0, a.dtype), e.sin(b), e.sinh(a)
    im = e.select(e.eq(a, zero), e.mul(size, sine), _scaled(e, size, sine))
    re = e.select(e.and_(_infinite(e, a), e.not_(_finite(e, b))), e.abs(a),
                  _scaled(e, e.cosh(a), e.cos(b)))
    return re, e.select(e.and_(e.eq(a, zero), e.not_(_finite(e, b))), zero, im)


def _sin(e: Any, z: tuple) -> tuple:
    """-i sinh(iz)"""
    re, im = _sinh(e, (e.neg(z[1]), z[0]))
    return im, e.select(_finite(e, z[0]), e.neg(re), e.copysign(re, z[1]))


def _cos(e: Any, z: tuple) -> tuple:
    """cosh(iz)"""
    return _cosh(e, (e.neg(z[1]), z[0]))


def _square_sum(b: Any, x: Any) -> Any:
    return b.add(b.mul(x, x), 1.0)


def _bell(b: Any, x: Any) -> Any:
    """The derivative of erf."""
    return b.mul(b.exp(b.neg(b.mul(x, x))), 2 / math.sqrt(math.pi))


sqrt = _function("sqrt", "square root", Partials(lambda b, y, x: Over(b.mul(y, 2.0))), _sqrt,
                 flags="oi", dear=False)
cbrt = _function("cbrt", "cube root", Partials(lambda b, y, x: Over(b.mul(b.mul(y, y), 3.0))))
exp = _function("exp", "e ** x", Partials(lambda b, y, x: y), _exp, flags="oi")
exp2 = _function("exp2", "2 ** x", Partials(lambda b, y, x: b.mul(y, math.log(2))), flags="o")
expm1 = _function("expm1", "e ** x - 1, exact near 0", Partials(lambda b, y, x: b.add(y, 1.0)),
                  flags="o")
log = _function("log", "natural logarithm", Partials(lambda b, y, x: Over(x)), _log, flags="zi")
log2 = _function("log2", "logarithm to base 2",
                 Partials(lambda b, y, x: Over(b.mul(x, math.log(2)))), flags="zi")
log10 = _function("log10", "logarithm to base 10",
                  Partials(lambda b, y, x: Over(b.mul(x, math.log(10)))), flags="zi")
log1p = _function("log1p", "log(1 + x), exact near 0",
                  Partials(lambda b, y, x: Over(b.add(x, 1.0))), flags="zi")
sin = _function("sin", "sine", Partials(lambda b, y, x: b.cos(x)), _sin, flags="oi")
cos = _function("cos", "cosine", Partials(lambda b, y, x: b.neg(b.sin(x))), _cos, flags="oi")
tan = _function("tan", "tangent", Partials(lambda b, y, x: _square_sum(b, y)), flags="i")
arcsin = _function("arcsin", "inverse sine", Partials(
    lambda b, y, x: Over(b.sqrt(b.mul(b.sub(1.0, x), b.add(1.0, x))))), flags="i")
arccos = _function("arccos", "inverse cosine", Partials(
    lambda b, y, x: Over(b.neg(b.sqrt(b.mul(b.sub(1.0, x), b.add(1.0, x)))))), flags="i")
arctan = _function("arctan", "inverse tangent", Partials(lambda b, y, x: Over(_square_sum(b, x))))
sinh = _function("sinh", "hyperbolic sine", Partials(lambda b, y, x: b.cosh(x)), _sinh, flags="oi")
cosh = _function("cosh", "hyperbolic cosine", Partials(lambda b, y, x: b.sinh(x)), _cosh,
                 flags="oi")
tanh = _function("tanh", "hyperbolic tangent", Partials(lambda b, y, x: b.sub(1.0, b.mul(y, y))))
arcsinh = _function("arcsinh", "inverse hyperbolic sine",
                    Partials(lambda b, y, x: Over(b.sqrt(_square_sum(b, x)))))
arccosh = _function("arccosh", "inverse hyperbolic cosine", Partials(
    lambda b, y, x: Over(b.mul(b.sqrt(b.sub(x, 1.0)), b.sqrt(b.add(x, 1.0))))), flags="i")
arctanh = _function("arctanh", "inverse hyperbolic tangent", Partials(
    lambda b, y, x: Over(b.mul(b.sub(1.0, x), b.add(1.0, x)))), flags="zi")
erf = _of_python("erf", "error function", Partials(lambda b, y, x: _bell(b, x)))
erfc = _of_python("erfc", "1 - erf(x), exact for large x",
                  Partials(lambda b, y, x: b.neg(_bell(b, x))))
floor = _function("floor", "the next whole number below", Zero(), dear=False)
ceil = _function("ceil", "the next whole number above", Zero(), dear=False)
trunc = _function("trunc", "the next whole number towards 0", Zero(), dear=False)
rint = _function("rint", "the nearest whole number, halves to even", Zero(), dear=False)
