"""What each NumPy ufunc computes, in the IR's elementwise ops.

`RULES[name](*atoms)` gets one atom per input, already of the dtypes of NumPy's chosen loop, of the
result's shape or rank 0, and gives the result atom (a tuple for several outputs)::

    RULES["logaddexp"](x, y)      # x:f64[n], y:f64[] -> f64[n]

Dtypes and broadcasting are the caller's concern. A ufunc without a rule for its dtypes goes through
NumPy itself (`numpy_callback`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import numpy_complex as complex_
from hotloop.frontend.numpy_atoms import both, constant, either, is_kind, negate, op, select
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL

Rule = Callable[..., Any]


def same(x: Atom) -> Atom:
    return x


def by_kind(**rules: Rule) -> Rule:
    """One rule for each kind of the first operand's dtype: `b i u f c`, joined as in `iu=...`."""
    table = {kind: rule for kinds, rule in rules.items() for kind in kinds}

    def rule(*atoms: Atom) -> Any:
        return table[atoms[0].dtype.kind](*atoms)
    rule.kinds = frozenset(table)  # type: ignore[attr-defined]
    return rule


def plain(name: str) -> Rule:
    return lambda *atoms: op(name, *atoms)


def truth(x: Atom) -> Atom:
    """`x != 0` as bool; NaN is true."""
    return x if x.dtype == BOOL else op("ne", x, constant(0, x))


def never(x: Atom) -> Atom:
    """False, in the shape of x."""
    return op("ne", x, x)


def always(x: Atom) -> Atom:
    return op("eq", x, x)


def swapped(rule: Rule) -> Rule:
    return lambda a, b: rule(b, a)


# ---- arithmetic

def int_fmod(a: Atom, b: Atom) -> Atom:
    """The remainder with the sign of the dividend; 0 where b is 0."""
    r = op("remainder", a, b)
    zero = constant(0, a)
    if a.dtype.kind == "u":
        return r
    wrong = both(op("ne", r, zero), op("ne", op("lt", r, zero), op("lt", a, zero)))
    return select(wrong, op("sub", r, b), r)


def int_reciprocal(x: Atom) -> Atom:
    """1/x towards zero; NumPy computes in double, where 1/0 converts to the least integer (of at
    least 32 bits)."""
    one, zero = constant(1, x), constant(0, x)
    if isinstance(x, Lit):
        at_zero = Lit(np.reciprocal(zero.value))
    else:
        with np.errstate(all="ignore"):
            at_zero = Lit(np.reciprocal(x.dtype.type(0)))
    unit = op("eq", x, one)
    if x.dtype.kind == "i":
        unit = either(unit, op("eq", x, constant(-1, x)))
    return select(unit, x, select(op("eq", x, zero), at_zero, zero))


def int_power(base: Atom, exponent: Atom) -> Atom:
    """Exact modulo 2**width: square and multiply over the exponent's bits.

    A literal exponent gives the multiplications alone; otherwise one select a bit.
    """
    if isinstance(exponent, Lit):
        return powi(base, int(exponent.value))
    one, zero = constant(1, base), constant(0, exponent)
    result: Atom = one
    width = exponent.dtype.itemsize * 8 - (exponent.dtype.kind == "i")
    for bit in range(width):
        mask = Lit(exponent.dtype.type(1 << bit))
        odd = op("ne", op("and", exponent, mask), zero)
        result = select(odd, op("mul", result, base) if bit else base, result)
        if bit + 1 < width:
            base = op("mul", base, base)
    return result


def powi(base: Atom, n: int) -> Atom:
    """base**n for n >= 0 by repeated squaring."""
    result: Atom | None = None
    while n:
        if n & 1:
            result = base if result is None else op("mul", result, base)
        n >>= 1
        if n:
            base = op("mul", base, base)
    return op("add", op("sub", base, base), constant(1, base)) if result is None else result


def float_sign(x: Atom) -> Atom:
    zero = constant(0, x)
    other = select(op("eq", x, zero), zero, x)       # NaN stays
    return select(op("gt", x, zero), constant(1, x),
                  select(op("lt", x, zero), constant(-1, x), other))


def int_sign(x: Atom) -> Atom:
    zero = constant(0, x)
    positive = select(op("gt", x, zero), constant(1, x), zero)
    if x.dtype.kind == "u":
        return positive
    return select(op("lt", x, zero), constant(-1, x), positive)


def floor_remainder(a: Atom, b: Atom) -> tuple[Atom, Atom]:
    return op("floor_divide", a, b), op("remainder", a, b)


def modf(x: Atom) -> tuple[Atom, Atom]:
    whole = op("trunc", x)
    fraction = select(op("isinf", x), constant(0, x), op("sub", x, whole))
    return op("copysign", fraction, x), whole


# ---- maxima, tests

def fmax(a: Atom, b: Atom) -> Atom:
    return select(either(op("ge", a, b), op("isnan", b)), a, b)


def fmin(a: Atom, b: Atom) -> Atom:
    return select(either(op("le", a, b), op("isnan", b)), a, b)


def heaviside(x: Atom, at_zero: Atom) -> Atom:
    zero = constant(0, x)
    jump = select(op("lt", x, zero), zero, constant(1, x))
    return select(op("isnan", x), x, select(op("eq", x, zero), at_zero, jump))


def bitwise_count(x: Atom) -> Atom:
    """Ones in |x|: the parallel count of Warren, "Hacker's Delight", 5-1."""
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    v = op("convert", op("abs", x) if x.dtype.kind == "i" else x, dtype=unsigned)
    width = unsigned.itemsize * 8
    for shift in (1 << k for k in range(width.bit_length() - 1)):
        mask = sum(((1 << shift) - 1) << k for k in range(0, width, 2 * shift))
        low = Lit(unsigned.type(mask))
        v = op("add", op("and", v, low),
               op("and", op("shift_right", v, Lit(unsigned.type(shift))), low))
    return op("convert", v, dtype=np.dtype("u1"))


# ---- functions

def logaddexp(x: Atom, y: Atom) -> Atom:
    """log(exp(x) + exp(y)), NumPy's own branches; inf - inf must not become NaN."""
    difference = op("sub", x, y)
    small = op("neg", op("abs", difference))
    top = op("maximum", x, y)
    general = op("add", top, op("log1p", op("exp", small)))
    return select(op("eq", x, y), op("add", x, constant(math.log(2), x)), general)


def logaddexp2(x: Atom, y: Atom) -> Atom:
    small = op("neg", op("abs", op("sub", x, y)))
    log2_1p = op("mul", constant(1 / math.log(2), x), op("log1p", op("exp2", small)))
    return select(op("eq", x, y), op("add", x, constant(1, x)),
                  op("add", op("maximum", x, y), log2_1p))


def scaled(factor: float) -> Rule:
    return lambda x: op("mul", x, constant(factor, x))


def predicate(name: str, of_ints: Rule) -> Rule:
    """isnan and its like: a part of a complex number decides, integers need no look."""
    join = both if name == "isfinite" else either
    return by_kind(f=plain(name), biu=of_ints,
                   c=lambda z: join(op(name, op("real", z)), op(name, op("imag", z))))


def ordered(name: str) -> Rule:
    """Comparison; complex numbers compare by real part, then by imaginary part."""
    strict = {"le": "lt", "ge": "gt"}.get(name, name)

    def lexicographic(a: Atom, b: Atom) -> Atom:
        ar, ai, br, bi = op("real", a), op("imag", a), op("real", b), op("imag", b)
        known = negate(either(op("isnan", ai), op("isnan", bi)))
        return either(both(op(strict, ar, br), known), both(op("eq", ar, br), op(name, ai, bi)))
    return by_kind(biuf=plain(name), c=lexicographic)


def complex_extreme(name: str) -> Rule:
    def extreme(a: Atom, b: Atom) -> Atom:
        nan = either(op("isnan", op("real", a)), op("isnan", op("imag", a)))
        return select(either(RULES[name](a, b), nan), a, b)
    return extreme


_compare = {name: ordered(code) for name, code in (
    ("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge"))}

_functions = {name: by_kind(f=plain(code), **complex_.RULES.get(name, {})) for name, code in (
    ("sqrt", "sqrt"), ("cbrt", "cbrt"), ("exp", "exp"), ("exp2", "exp2"), ("expm1", "expm1"),
    ("log", "log"), ("log2", "log2"), ("log10", "log10"), ("log1p", "log1p"), ("sin", "sin"),
    ("cos", "cos"), ("tan", "tan"), ("arcsin", "arcsin"), ("arccos", "arccos"),
    ("arctan", "arctan"), ("sinh", "sinh"), ("cosh", "cosh"), ("tanh", "tanh"),
    ("arcsinh", "arcsinh"), ("arccosh", "arccosh"), ("arctanh", "arctanh"))}

_rounding = {name: by_kind(f=plain(name), biu=same) for name in ("floor", "ceil", "trunc")}

RULES: dict[str, Rule] = {
    **_compare, **_functions, **_rounding,
    "add": by_kind(b=plain("or"), iufc=plain("add")),
    "subtract": by_kind(iufc=plain("sub")),
    "multiply": by_kind(b=plain("and"), iufc=plain("mul")),
    "divide": by_kind(fc=plain("div")),
    "floor_divide": by_kind(iuf=plain("floor_divide")),
    "remainder": by_kind(iuf=plain("remainder")),
    "divmod": by_kind(iuf=floor_remainder),
    "fmod": by_kind(iu=int_fmod, f=plain("fmod")),
    "power": by_kind(iu=int_power, f=plain("pow"), c=complex_.power),
    "float_power": by_kind(f=plain("pow"), c=complex_.power),
    "negative": by_kind(iufc=plain("neg")),
    "positive": by_kind(iufc=same),
    "absolute": by_kind(bu=same, i=plain("abs"), f=plain("abs"),
                        c=complex_.absolute),
    "fabs": by_kind(f=plain("abs")),
    "sign": by_kind(iu=int_sign, f=float_sign, c=complex_.sign),
    "square": by_kind(iufc=lambda x: op("mul", x, x)),
    "reciprocal": by_kind(iu=int_reciprocal, fc=lambda x: op("div", constant(1, x), x)),
    "conjugate": by_kind(iuf=same, c=lambda z: op("conj", z)),
    "rint": by_kind(f=plain("rint")),
    "maximum": by_kind(b=plain("or"), iuf=plain("maximum"),
                       c=complex_extreme("greater_equal")),
    "minimum": by_kind(b=plain("and"), iuf=plain("minimum"), c=complex_extreme("less_equal")),
    "fmax": by_kind(b=plain("or"), iu=plain("maximum"), f=fmax),
    "fmin": by_kind(b=plain("and"), iu=plain("minimum"), f=fmin),
    "copysign": by_kind(f=plain("copysign")),
    "signbit": by_kind(f=plain("signbit")),
    "hypot": by_kind(f=plain("hypot")),
    "arctan2": by_kind(f=plain("arctan2")),
    "heaviside": by_kind(f=heaviside),
    "modf": by_kind(f=modf),
    "logaddexp": by_kind(f=logaddexp),
    "logaddexp2": by_kind(f=logaddexp2),
    "deg2rad": by_kind(f=scaled(math.pi / 180)),
    "radians": by_kind(f=scaled(math.pi / 180)),
    "rad2deg": by_kind(f=scaled(180 / math.pi)),
    "degrees": by_kind(f=scaled(180 / math.pi)),
    "isnan": predicate("isnan", never),
    "isinf": predicate("isinf", never),
    "isfinite": predicate("isfinite", always),
    "equal": by_kind(biufc=plain("eq")),
    "not_equal": by_kind(biufc=plain("ne")),
    "logical_and": by_kind(biufc=lambda a, b: both(truth(a), truth(b))),
    "logical_or": by_kind(biufc=lambda a, b: either(truth(a), truth(b))),
    "logical_xor": by_kind(biufc=lambda a, b: op("xor", truth(a), truth(b))),
    "logical_not": by_kind(biufc=lambda a: negate(truth(a))),
    "bitwise_and": by_kind(biu=plain("and")),
    "bitwise_or": by_kind(biu=plain("or")),
    "bitwise_xor": by_kind(biu=plain("xor")),
    "invert": by_kind(biu=plain("not")),
    "left_shift": by_kind(iu=plain("shift_left")),
    "right_shift": by_kind(iu=plain("shift_right")),
    "bitwise_count": by_kind(iu=bitwise_count),
}


