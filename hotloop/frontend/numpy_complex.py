"""Elementary functions of complex numbers in terms of real ops.

    exp z = complex(exp(re z) * cos(im z), exp(re z) * sin(im z))

The formulas are accurate to a few units in the last place away from branch points and correct at
zeros and infinities where NumPy's are (C99 Annex G); functions that need more care than a formula
(the inverse ones) have no rule here and go through NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hotloop.frontend.numpy_atoms import both, constant, op, select
from hotloop.ir.core import Atom, Lit


def parts(z: Atom) -> tuple[Atom, Atom]:
    return op("real", z), op("imag", z)


def absolute(z: Atom) -> Atom:
    return op("hypot", *parts(z))


def sign(z: Atom) -> Atom:
    """z/|z|, 0 at 0."""
    re, im = parts(z)
    r = op("hypot", re, im)
    zero = op("eq", r, constant(0, r))
    safe = select(zero, constant(1, r), r)
    return op("complex", op("div", re, safe), op("div", im, safe))


def exp(z: Atom) -> Atom:
    re, im = parts(z)
    scale = op("exp", re)
    real_line = op("eq", im, constant(0, im))        # exp(inf + 0j) is inf + 0j, not nan
    across = op("mul", scale, op("sin", im))
    return op("complex", op("mul", scale, op("cos", im)), select(real_line, im, across))


def log(z: Atom) -> Atom:
    """log|z| + i arg z; near |z| = 1 through log1p, where log|z| cancels."""
    re, im = parts(z)
    x, y = op("abs", re), op("abs", im)
    big, small = op("maximum", x, y), op("minimum", x, y)
    one = constant(1, big)
    excess = op("add", op("mul", op("sub", big, one), op("add", big, one)),
                op("mul", small, small))
    near = both(op("gt", excess, constant(-0.5, big)), op("lt", excess, constant(3, big)))
    near_value = op("mul", constant(0.5, big), op("log1p", excess))
    modulus = select(near, near_value, op("log", op("hypot", re, im)))
    return op("complex", modulus, op("arctan2", im, re))


def scaled_log(base: float) -> Callable[[Atom], Atom]:
    def rule(z: Atom) -> Atom:
        w = log(z)
        re, im = parts(w)
        factor = constant(1 / math.log(base), re)
        return op("complex", op("mul", re, factor), op("mul", im, factor))
    return rule


def sqrt(z: Atom) -> Atom:
    """The root with a real part >= 0 (Kahan, "Branch cuts", 1987)."""
    re, im = parts(z)
    half, zero = constant(0.5, re), constant(0, re)
    size = op("abs", re)
    t = op("sqrt", op("add", op("mul", half, size), op("mul", half, op("hypot", re, im))))
    none = op("eq", t, zero)
    other = op("div", op("mul", half, op("abs", im)), select(none, constant(1, t), t))
    right = op("ge", re, zero)
    a = select(right, t, other)
    b = op("copysign", select(right, other, t), im)
    endless = op("isinf", im)
    return op("complex", select(endless, op("abs", im), select(none, zero, a)),
              select(endless, im, select(none, im, b)))


def power(z: Atom, w: Atom) -> Atom:
    """exp(w log z); small whole literal exponents by multiplication, as NumPy does."""
    if isinstance(w, Lit) and w.value.imag == 0 and float(w.value.real).is_integer():
        n = int(w.value.real)
        if 0 < abs(n) < 100:
            result: Atom | None = None
            base, left = z, abs(n)
            while left:
                if left & 1:
                    result = base if result is None else op("mul", result, base)
                left >>= 1
                if left:
                    base = op("mul", base, base)
            assert result is not None
            return op("div", constant(1, z), result) if n < 0 else result
    zr, zi = parts(z)
    wr, wi = parts(w)
    zero = constant(0, zr)
    general = exp(op("mul", w, log(z)))
    whole = both(op("eq", wr, zero), op("eq", wi, zero))
    none = both(op("eq", zr, zero), op("eq", zi, zero))
    outside = op("gt", wr, zero)
    nan = constant(complex(math.nan, math.nan), z)
    at_zero = select(outside, constant(0, z), nan)
    return select(whole, constant(1, z), select(none, at_zero, general))


def _pair(real: Callable[..., Any], imag: Callable[..., Any]) -> Callable[[Atom], Atom]:
    def rule(z: Atom) -> Atom:
        x, y = parts(z)
        return op("complex", real(x, y), imag(x, y))
    return rule


def _times(f: str, g: str, sign: int = 1) -> Callable[[Atom, Atom], Atom]:
    def part(x: Atom, y: Atom) -> Atom:
        r = op("mul", op(f, x), op(g, y))
        return r if sign > 0 else op("neg", r)
    return part


sin = _pair(_times("sin", "cosh"), _times("cos", "sinh"))
cos = _pair(_times("cos", "cosh"), _times("sin", "sinh", -1))
sinh = _pair(_times("sinh", "cos"), _times("cosh", "sin"))
cosh = _pair(_times("cosh", "cos"), _times("sinh", "sin"))

RULES: dict[str, dict[str, Callable[..., Any]]] = {
    "exp": {"c": exp}, "log": {"c": log}, "log2": {"c": scaled_log(2)},
    "log10": {"c": scaled_log(10)}, "sqrt": {"c": sqrt}, "sin": {"c": sin}, "cos": {"c": cos},
    "sinh": {"c": sinh}, "cosh": {"c": cosh},
}
