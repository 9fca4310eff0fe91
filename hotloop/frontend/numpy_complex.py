"""Functions of complex numbers that are no ops: sign, power, other logarithms.

The ops themselves (`exp`, `log`, `sqrt`, `sin`, ...) take complex operands; what has neither an op
nor a formula here (the inverse functions, which need more care) goes through NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from hotloop.frontend.numpy_atoms import both, constant, op, select
from hotloop.ir.core import Atom, Lit


def parts(z: Atom) -> tuple[Atom, Atom]:
    return op("real", z), op("imag", z)


def sign(z: Atom) -> Atom:
    """z/|z|, 0 at 0; of an infinite z the direction of the infinite part, NaN if both are."""
    re, im = parts(z)
    r = op("abs", z)
    nought, one = constant(0, r), constant(1, r)
    infinite = tuple(op("isinf", p) for p in (re, im))
    undefined = op("or", op("isnan", r), op("and", *infinite))
    safe = select(op("eq", r, nought), one, r)

    def part(p: Atom, own: Atom, others: Atom) -> Atom:
        direction = select(own, op("copysign", one, p), select(others, nought, op("div", p, safe)))
        return select(undefined, constant(float("nan"), r), direction)
    return op("complex", part(re, *infinite), part(im, *infinite[::-1]))


def reciprocal(z: Atom) -> Atom:
    """1/z in NumPy's order of operations, which is not that of its division."""
    re, im = parts(z)
    wide = op("le", op("abs", im), op("abs", re))
    ratio = op("div", select(wide, im, re), select(wide, re, im))
    scale = op("add", op("mul", select(wide, im, re), ratio), select(wide, re, im))
    one = constant(1, re)
    return op("complex", op("div", select(wide, one, ratio), scale),
              op("div", op("neg", select(wide, ratio, one)), scale))


def scaled_log(base: float) -> Callable[[Atom], Atom]:
    def rule(z: Atom) -> Atom:
        re, im = parts(op("log", z))
        factor = constant(1 / math.log(base), re)
        return op("complex", op("mul", re, factor), op("mul", im, factor))
    return rule


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
    general = op("exp", op("mul", w, op("log", z)))
    whole = both(op("eq", wr, zero), op("eq", wi, zero))
    none = both(op("eq", zr, zero), op("eq", zi, zero))
    outside = op("gt", wr, zero)
    nan = constant(complex(math.nan, math.nan), z)
    at_zero = select(outside, constant(0, z), nan)
    return select(whole, constant(1, z), select(none, at_zero, general))
