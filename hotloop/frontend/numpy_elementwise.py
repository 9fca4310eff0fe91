"""What each NumPy ufunc computes, in the IR's elementwise ops.

A rule gets one atom per input, already of the dtypes of NumPy's chosen loop and of the result's
shape or rank 0, and gives the result atom (a tuple for several outputs)::

    RULES["logaddexp"](x, y)      # x:f64[n], y:f64[] -> f64[n]

Promotion and broadcasting are the concern of `ufuncs`. Operands for whose kind of dtype there is no
rule, and ufuncs without rules, go through NumPy itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import numpy_complex as complex_
from hotloop.frontend.builder import cause, check, quiet
from hotloop.frontend.numpy_atoms import (
    atom_of,
    both,
    constant,
    either,
    negate,
    op,
    reduce_all,
    select,
)
from hotloop.frontend.numpy_callback import VIA_NUMPY, ufunc_through_numpy
from hotloop.frontend.registry import UFUNCS, ufunc_rule
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL, F64
from hotloop.ops.table import ZERO_DIVIDE

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

def int_reciprocal(x: Atom) -> Atom:
    """1/x towards zero; NumPy computes in double, where 1/0 converts to the least integer (of at
    least 32 bits)."""
    one, zero = constant(1, x), constant(0, x)
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
        return powi(base, max(0, int(exponent.value)))
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
    if b.dtype.kind != "f":
        b = watched_divisor(b)
    return op("floor_divide", a, b), op("remainder", a, b)


def int_division(name: str) -> Rule:
    return lambda a, b: op(name, a, watched_divisor(b))


def watched_divisor(b: Atom) -> Atom:
    """The int b. NumPy warns if it is 0, which a division of floats tells the processor's flags;
    that division is the test for 0 of a choice between 0 and b, so nothing leaves it out."""
    if isinstance(b, Lit):
        if not b.value:
            cause("")
        return b
    cause(ZERO_DIVIDE)
    with quiet():
        inverse = op("div", Lit(1.0), op("convert", b, dtype=F64))
        return op("select", op("gt", op("abs", inverse), Lit(2.0)), constant(0, b), b)


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
    """log(exp(x) + exp(y)), NumPy's own branches; inf - inf must not become NaN. Either branch is
    smooth where x = y, so that derivatives are right there, too."""
    top, small, infinite = _larger_first(x, y)
    general = op("add", top, op("log1p", op("exp", small)))
    return select(infinite, x, general)


def logaddexp2(x: Atom, y: Atom) -> Atom:
    top, small, infinite = _larger_first(x, y)
    log2_1p = op("mul", constant(1 / math.log(2), x), op("log1p", op("exp2", small)))
    return select(infinite, x, op("add", top, log2_1p))


def _larger_first(x: Atom, y: Atom) -> tuple[Atom, Atom, Atom]:
    """The larger one, the other less that, and whether they are the same infinity."""
    first = op("gt", x, y)
    top, other = select(first, x, y), select(first, y, x)
    return top, op("sub", other, top), both(op("eq", x, y), op("isinf", x))


def scaled(factor: float) -> Rule:
    return lambda x: op("mul", x, constant(factor, x))


def predicate(name: str, of_ints: Rule) -> Rule:
    """isnan and its like: integers need no look."""
    return by_kind(fc=plain(name), biu=of_ints)


MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


def integers(name: str) -> Rule:
    """Comparison, also of int64 with uint64: by sign first, then as unsigned numbers."""
    def compare(a: Atom, b: Atom) -> Atom:
        if a.dtype == b.dtype:
            return op(name, a, b)
        if a.dtype.kind == "u":
            return integers(MIRRORED[name])(b, a)
        negative = op("lt", a, constant(0, a))
        rest = op(name, op("convert", a, dtype=b.dtype), b)
        if name in ("lt", "le", "ne"):
            return either(negative, rest)
        return both(negate(negative), rest)
    return compare


def ordered(name: str) -> Rule:
    """Comparison; complex numbers compare by real part, then by imaginary part."""
    strict = {"le": "lt", "ge": "gt"}.get(name, name)

    def lexicographic(a: Atom, b: Atom) -> Atom:
        ar, ai, br, bi = op("real", a), op("imag", a), op("real", b), op("imag", b)
        known = negate(either(op("isnan", ai), op("isnan", bi)))
        return either(both(op(strict, ar, br), known), both(op("eq", ar, br), op(name, ai, bi)))
    return by_kind(bf=plain(name), iu=integers(name), c=lexicographic)


def complex_extreme(name: str) -> Rule:
    def extreme(a: Atom, b: Atom) -> Atom:
        nan = either(op("isnan", op("real", a)), op("isnan", op("imag", a)))
        return select(either(RULES[name](a, b), nan), a, b)
    return extreme


_compare = {name: ordered(code) for name, code in (
    ("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge"))}

_real_functions = {name: by_kind(f=plain(name)) for name in (
    "cbrt", "exp2", "expm1", "log1p", "tan", "arcsin", "arccos", "arctan", "tanh", "arcsinh",
    "arccosh", "arctanh", "rint", "copysign", "signbit", "hypot", "arctan2")}

_functions = {name: by_kind(fc=plain(name)) for name in (
    "sqrt", "exp", "log", "sin", "cos", "sinh", "cosh")}

_rounding = {name: by_kind(f=plain(name), biu=same) for name in ("floor", "ceil", "trunc")}

RULES: dict[str, Rule] = {
    **_compare, **_real_functions, **_functions, **_rounding,
    "log2": by_kind(f=plain("log2"), c=complex_.scaled_log(2)),
    "log10": by_kind(f=plain("log10"), c=complex_.scaled_log(10)),
    "add": by_kind(b=plain("or"), iufc=plain("add")),
    "subtract": by_kind(iufc=plain("sub")),
    "multiply": by_kind(b=plain("and"), iufc=plain("mul")),
    "divide": by_kind(fc=plain("div")),
    "floor_divide": by_kind(iu=int_division("floor_divide"), f=plain("floor_divide")),
    "remainder": by_kind(iu=int_division("remainder"), f=plain("remainder")),
    "divmod": by_kind(iuf=floor_remainder),
    "fmod": by_kind(iu=int_division("fmod"), f=plain("fmod")),
    "power": by_kind(iu=int_power, f=plain("pow"), c=complex_.power),
    "float_power": by_kind(f=plain("pow"), c=complex_.power),
    "negative": by_kind(iufc=plain("neg")),
    "positive": by_kind(iufc=same),
    "absolute": by_kind(bu=same, ifc=plain("abs")),
    "fabs": by_kind(f=plain("abs")),
    "sign": by_kind(iu=int_sign, f=float_sign, c=complex_.sign),
    "square": by_kind(iufc=lambda x: op("mul", x, x)),
    "reciprocal": by_kind(iu=int_reciprocal, f=lambda x: op("div", constant(1, x), x),
                          c=complex_.reciprocal),
    "conjugate": by_kind(iuf=same, c=lambda z: op("conj", z)),
    "maximum": by_kind(biuf=plain("maximum"), c=complex_extreme("greater_equal")),
    "minimum": by_kind(biuf=plain("minimum"), c=complex_extreme("less_equal")),
    "fmax": by_kind(b=plain("or"), iu=plain("maximum"), f=fmax),
    "fmin": by_kind(b=plain("and"), iu=plain("minimum"), f=fmin),
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
    "equal": by_kind(bfc=plain("eq"), iu=integers("eq")),
    "not_equal": by_kind(bfc=plain("ne"), iu=integers("ne")),
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



def _guarded(name: str, ufunc: np.ufunc) -> Rule:
    """The rule with what surrounds it: NumPy's own error, and NumPy itself for other kinds."""
    rule = RULES[name]

    def apply(*atoms: Atom) -> Any:
        if atoms[0].dtype.kind not in rule.kinds:  # type: ignore[attr-defined]
            return ufunc_through_numpy(ufunc, *atoms)
        if name == "power" and atoms[1].dtype.kind == "i":
            check_exponent(*atoms)
        return rule(*atoms)
    return apply


def check_exponent(base: Atom, exponent: Atom) -> None:
    ok = reduce_all(op("ge", exponent, constant(0, exponent)))
    if base.shape and not exponent.shape:
        size = dm.product(base.shape)
        ok = either(ok, op("eq", atom_of(size), Lit(0)))
    check(ok, ValueError, "Integers to negative integer powers are not allowed.")


for _name in RULES:
    ufunc_rule(getattr(np, _name))(_guarded(_name, getattr(np, _name)))

for _ufunc in list(vars(np).values()):     # not dir(np), whose lazy submodules take 0.1 s to load
    if isinstance(_ufunc, np.ufunc) and _ufunc not in UFUNCS and not _ufunc.signature:
        ufunc_rule(_ufunc)(partial(ufunc_through_numpy, _ufunc))
        VIA_NUMPY.add(_ufunc)
