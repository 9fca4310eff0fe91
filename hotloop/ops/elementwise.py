"""Elementwise arithmetic, comparison, bits, choice and conversion: the rows that are maps.

    maximum = binary("maximum", "the greater; NaN wins", np.maximum, ALL_REAL, ...)

Where the scalar operation of the same name does it, the expression is that operation; composite
meanings (Python's `%`, complex division) are spelled out in the scalar algebra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn
from hotloop.ir.types import BOOL, DTYPES, I64, Type
from hotloop.ops import intervals, partials
from hotloop.ops.derivative import MINUS_ONE, ONE, Linear, Over, Partials, Rule, Zero
from hotloop.ops.domains import (
    ALL,
    NUMBERS,
    REALS,
    check_count,
    check_domain,
    check_dtype,
    check_same_dtype,
    joint_shape,
)
from hotloop.ops.families import (
    REAL_PART,
    SHAPES,
    TRUTH,
    binary,
    numbers,
    special_values,
    unary,
)
from hotloop.ops.table import (
    BOOLS,
    COMPLEXES,
    FLOATS,
    INTS,
    PURE,
    UINTS,
    Map,
    OpDef,
    Sample,
    register,
)

ALL_REAL = BOOLS + REALS


# ---- arithmetic

def _complex_mul(e: Any, x: tuple, y: tuple) -> tuple:
    (a, b), (c, d) = x, y
    return e.sub(e.mul(a, c), e.mul(b, d)), e.add(e.mul(a, d), e.mul(b, c))


def _complex_div(e: Any, x: tuple, y: tuple) -> tuple:
    """Smith's algorithm, operation for operation as NumPy's (1962, CACM 5(8), algorithm 116)."""
    (a, b), (c, d) = x, y
    wide = e.ge(e.abs(c), e.abs(d))
    big, small = e.select(wide, c, d), e.select(wide, d, c)
    ratio = e.div(small, big)
    scale = e.div(e.lit(1, c.dtype), e.add(big, e.mul(small, ratio)))
    re = e.select(wide, e.add(a, e.mul(b, ratio)), e.add(e.mul(a, ratio), b))
    im = e.select(wide, e.sub(b, e.mul(a, ratio)), e.sub(e.mul(b, ratio), a))
    zero = e.and_(e.eq(c, e.lit(0, c.dtype)), e.eq(d, e.lit(0, c.dtype)))
    return (e.select(zero, e.div(a, e.abs(c)), e.mul(re, scale)),
            e.select(zero, e.div(b, e.abs(c)), e.mul(im, scale)))


def _is_float(x: Any) -> bool:
    return x.dtype.kind == "f"


def _signs_differ(e: Any, r: Any, b: Any) -> Any:
    """Whether a remainder `r` must be moved to the sign of the divisor `b`."""
    zero = e.lit(0, b.dtype)
    if b.op == "lit" and not _is_float(b):
        return e.gt(r, zero) if b.args[0] < 0 else e.lt(r, zero)
    return e.and_(e.ne(r, zero), e.ne(e.lt(r, zero), e.lt(b, zero)))


def _power_of_two(b: Any) -> int | None:
    """Its exponent, if the divisor is one: then quotients towards minus infinity are shifts."""
    value = int(b.args[0]) if b.op == "lit" else 0
    return value.bit_length() - 1 if value > 0 and value & (value - 1) == 0 else None


def _floor_divide(e: Any, a: Any, b: Any) -> Any:
    if not _is_float(a):
        quotient = e.idiv(a, b)
        if a.dtype.kind == "u":
            return quotient
        bits = _power_of_two(b)
        if bits is not None:
            return e.ashr(a, e.lit(bits, a.dtype))
        return e.select(_signs_differ(e, e.irem(a, b), b), e.sub(quotient, 1), quotient)
    zero, half = e.lit(0, a.dtype), e.lit(0.5, a.dtype)
    rest = e.fmod(a, b)
    moved = _signs_differ(e, rest, b)
    quotient = e.div(e.sub(a, rest), b)
    quotient = e.select(moved, e.sub(quotient, 1), quotient)
    floor = e.floor(quotient)
    floor = e.select(e.gt(e.sub(quotient, floor), half), e.add(floor, 1), floor)
    floor = e.select(e.ne(quotient, zero), floor, e.copysign(zero, e.div(a, b)))
    return e.select(e.eq(b, zero), e.div(a, b), floor)


def _remainder(e: Any, a: Any, b: Any) -> Any:
    zero = e.lit(0, a.dtype)
    if not _is_float(a):
        rest = e.irem(a, b)
        if a.dtype.kind == "u":
            return rest
        if _power_of_two(b) is not None:
            return e.and_(a, e.sub(b, 1))
        return e.select(_signs_differ(e, rest, b), e.add(rest, b), rest)
    rest = e.fmod(a, b)
    moved = e.select(_signs_differ(e, rest, b), e.add(rest, b), rest)
    signed = e.select(e.ne(rest, zero), moved, e.copysign(zero, b))
    return e.select(e.eq(b, zero), rest, signed)


def _extreme(scalar: str, logical: str) -> Callable[..., Any]:
    def expr(e: Any, a: Any, b: Any) -> Any:
        return e.op(logical if a.dtype.kind == "b" else scalar, a, b)
    return expr


add = binary("add", "a + b; ints wrap", np.add, NUMBERS, lambda e, a, b: e.add(a, b),
             lambda e, a, b: (e.add(a[0], b[0]), e.add(a[1], b[1])),
             interval=intervals.add,
             derivative=Partials(lambda b, y, x, z: ONE, lambda b, y, x, z: ONE,
                                 transpose=partials.sum_transpose), flags="oi")
sub = binary("sub", "a - b; ints wrap", np.subtract, NUMBERS, lambda e, a, b: e.sub(a, b),
             lambda e, a, b: (e.sub(a[0], b[0]), e.sub(a[1], b[1])),
             interval=intervals.sub,
             derivative=Partials(lambda b, y, x, z: ONE, lambda b, y, x, z: MINUS_ONE,
                                 transpose=partials.difference_transpose), flags="oi")
mul = binary("mul", "a * b; ints wrap", np.multiply, NUMBERS, lambda e, a, b: e.mul(a, b),
             _complex_mul,
             interval=intervals.mul,
             derivative=Partials(lambda b, y, x, z: z, lambda b, y, x, z: x,
                                 transpose=partials.product_transpose), flags="oi")
div = binary("div", "a / b", np.divide, FLOATS + COMPLEXES, lambda e, a, b: e.div(a, b),
             _complex_div,
             derivative=Partials(lambda b, y, x, z: Over(z),
                                 lambda b, y, x, z: b.neg(b.div(y, z)),
                                 transpose=partials.quotient_transpose), flags="zoi")
neg = unary("neg", "-a; ints wrap", np.negative, NUMBERS, lambda e, a: e.neg(a),
            lambda e, a: (e.neg(a[0]), e.neg(a[1])),
            interval=intervals.neg,
            derivative=Partials(lambda b, y, x: MINUS_ONE,
                                transpose=lambda b, eqn, ct, k: b.neg(ct)))
abs_ = unary("abs", "|a|; a real for a complex a", np.absolute, NUMBERS,
             lambda e, a: a if a.dtype.kind == "u" else e.abs(a),
             lambda e, a: e.hypot(a[0], a[1]), result=REAL_PART,
             interval=intervals.abs_, derivative=Rule(partials.abs_jvp), flags="o")
floor_divide = binary("floor_divide", "Python's a // b; 0 for ints by 0", np.floor_divide, REALS,
                      _floor_divide,
                      interval=intervals.floor_divide, derivative=Zero(), flags="zoi")
remainder = binary("remainder", "Python's a % b; 0 for ints by 0", np.remainder, REALS, _remainder,
                   interval=intervals.remainder,
                   derivative=Partials(lambda b, y, x, z: ONE,
                                       lambda b, y, x, z: b.neg(b.floor_divide(x, z))), flags="i")
fmod = binary("fmod", "C's remainder, with the sign of a; 0 for ints by 0", np.fmod, REALS,
              lambda e, a, b: e.fmod(a, b) if _is_float(a) else e.irem(a, b),
              derivative=Partials(lambda b, y, x, z: ONE,
                                  lambda b, y, x, z: b.neg(b.rint(b.div(b.sub(x, y), z)))),
              flags="i")
pow_ = binary("pow", "a ** b", np.power, FLOATS, lambda e, a, b: e.pow(a, b),
              derivative=Partials(partials.power_of_base, partials.power_of_exponent), flags="zoi",
              dear=True)
minimum = binary("minimum", "the smaller; NaN wins", np.minimum, ALL_REAL,
                 _extreme("minimum", "and"),
                 interval=intervals.minimum, derivative=partials.shares("lt"))
maximum = binary("maximum", "the greater; NaN wins", np.maximum, ALL_REAL,
                 _extreme("maximum", "or"),
                 interval=intervals.maximum, derivative=partials.shares("gt"))
copysign = binary("copysign", "|a| with the sign of b", np.copysign, FLOATS,
                  lambda e, a, b: e.copysign(a, b),
                  derivative=Partials(partials.copysign_sign, None))
hypot = binary("hypot", "sqrt(a*a + b*b) without overflow", np.hypot, FLOATS,
               lambda e, a, b: e.hypot(a, b),
               derivative=Partials(partials.along(0), partials.along(1)), flags="o",
               dear=True)
arctan2 = binary("arctan2", "the angle of the point (b, a)", np.arctan2, FLOATS,
                 lambda e, a, b: e.arctan2(a, b),
                 derivative=Partials(
                     lambda b, y, x, z: b.div(z, partials.squared(b, x, z)),
                     lambda b, y, x, z: b.neg(b.div(x, partials.squared(b, x, z)))),
                 dear=True)


def _less(e: Any, a: Any, b: Any) -> Any:
    """a < b, also of bools."""
    return e.and_(e.not_(a), b) if a.dtype.kind == "b" else e.lt(a, b)


min_ = binary("min", "Python's min: b if b < a else a", lambda a, b: np.where(b < a, b, a),
              ALL_REAL, lambda e, a, b: e.select(_less(e, b, a), b, a),
              interval=intervals.minimum, derivative=partials.python_shares("lt"))
max_ = binary("max", "Python's max: b if b > a else a", lambda a, b: np.where(b > a, b, a),
              ALL_REAL, lambda e, a, b: e.select(_less(e, a, b), b, a),
              interval=intervals.maximum, derivative=partials.python_shares("gt"))


# ---- bits

and_ = binary("and", "bitwise and", np.bitwise_and, BOOLS + INTS + UINTS,
              lambda e, a, b: e.and_(a, b),
              interval=intervals.and_)
or_ = binary("or", "bitwise or", np.bitwise_or, BOOLS + INTS + UINTS, lambda e, a, b: e.or_(a, b),
             interval=intervals.or_)
xor = binary("xor", "bitwise exclusive or", np.bitwise_xor, BOOLS + INTS + UINTS,
             lambda e, a, b: e.xor(a, b))
not_ = unary("not", "all bits flipped", np.invert, BOOLS + INTS + UINTS, lambda e, a: e.not_(a),
             interval=intervals.not_)
shift_left = binary("shift_left", "a << b; 0 for a shift by the width or more, or negative",
                    np.left_shift, INTS + UINTS, lambda e, a, b: e.shl(a, b))
shift_right = binary("shift_right", "a >> b; 0 (or -1 for a < 0) for a shift beyond the width",
                     np.right_shift, INTS + UINTS,
                     lambda e, a, b: e.lshr(a, b) if a.dtype.kind == "u" else e.ashr(a, b),
                     interval=intervals.shift_right)


# ---- comparison and tests

lt = binary("lt", "a < b", np.less, ALL_REAL, lambda e, a, b: _less(e, a, b), result=TRUTH,
            interval=intervals.lt)
gt = binary("gt", "a > b", np.greater, ALL_REAL,
            lambda e, a, b: _less(e, b, a) if a.dtype.kind == "b" else e.gt(a, b), result=TRUTH,
            interval=intervals.gt)
le = binary("le", "a <= b", np.less_equal, ALL_REAL,
            lambda e, a, b: e.or_(e.not_(a), b) if a.dtype.kind == "b" else e.le(a, b),
            result=TRUTH,
            interval=intervals.le)
ge = binary("ge", "a >= b", np.greater_equal, ALL_REAL,
            lambda e, a, b: e.or_(a, e.not_(b)) if a.dtype.kind == "b" else e.ge(a, b),
            result=TRUTH,
            interval=intervals.ge)
eq = binary("eq", "a == b", np.equal, ALL,
            lambda e, a, b: e.not_(e.xor(a, b)) if a.dtype.kind == "b" else e.eq(a, b),
            lambda e, a, b: e.and_(e.eq(a[0], b[0]), e.eq(a[1], b[1])), result=TRUTH,
            interval=intervals.eq)
ne = binary("ne", "a != b", np.not_equal, ALL,
            lambda e, a, b: e.xor(a, b) if a.dtype.kind == "b" else e.ne(a, b),
            lambda e, a, b: e.or_(e.ne(a[0], b[0]), e.ne(a[1], b[1])), result=TRUTH,
            interval=intervals.ne)


def _isinf(e: Any, a: Any) -> Any:
    return e.eq(e.abs(a), e.lit(np.inf, a.dtype))


def _isfinite(e: Any, a: Any) -> Any:
    return e.lt(e.abs(a), e.lit(np.inf, a.dtype))


isnan = unary("isnan", "whether NaN", np.isnan, FLOATS + COMPLEXES, lambda e, a: e.isnan(a),
              lambda e, a: e.or_(e.isnan(a[0]), e.isnan(a[1])), result=TRUTH)
isinf = unary("isinf", "whether infinite", np.isinf, FLOATS + COMPLEXES, _isinf,
              lambda e, a: e.or_(_isinf(e, a[0]), _isinf(e, a[1])), result=TRUTH)
isfinite = unary("isfinite", "whether neither NaN nor infinite", np.isfinite, FLOATS + COMPLEXES,
                 _isfinite, lambda e, a: e.and_(_isfinite(e, a[0]), _isfinite(e, a[1])),
                 result=TRUTH)
signbit = unary("signbit", "whether the sign bit is set", np.signbit, FLOATS,
                lambda e, a: e.signbit(a), result=TRUTH)


# ---- overflow of 64-bit ints

def _overflow(name: str, symbol: str, exact: Callable[[int, int], int],
              interval: intervals.Rule) -> OpDef:
    def evaluate(params: dict[str, Any], a: Any, b: Any) -> Any:
        info = np.iinfo(np.int64)
        outside = np.frompyfunc(
            lambda x, y: not info.min <= exact(int(x), int(y)) <= info.max, 2, 1)
        return np.asarray(outside(a, b)).astype(bool)[()]

    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 2, 2)
        check_same_dtype(name, ins)
        if ins[0].dtype != I64:
            raise TypeError(f"{name} of {ins[0].type!r}: takes i64")
        return [Type(BOOL, joint_shape(name, ins))]

    def samples() -> Iterator[Sample]:
        near = np.array([2**31, -2**31, 2**32, 3037000500, -3037000500], I64)
        values = np.concatenate([special_values(I64), near])
        yield Sample((np.repeat(values, len(values)), np.tile(values, len(values))), {})
        yield Sample((values[5], values[1]), {})

    return register(OpDef(name, f"whether a {symbol} b leaves the range of i64", type_rule,
                          evaluate, Map(lambda e, a, b: e.op(name, a, b), None), PURE, True,
                          intervals.overflows(interval), samples, Zero()))


add_overflows = _overflow("add_overflows", "+", lambda a, b: a + b, intervals.add)
sub_overflows = _overflow("sub_overflows", "-", lambda a, b: a - b, intervals.sub)
mul_overflows = _overflow("mul_overflows", "*", lambda a, b: a * b, intervals.mul)


# ---- choice

def _select_type(ins: tuple[Atom, ...], params: dict[str, Any],
                 blocks: tuple[Block, ...]) -> list[Type]:
    check_count("select", ins, 3, 3)
    check_domain("select", ins[0], BOOLS)
    check_same_dtype("select", ins[1:])
    return [Type(ins[1].dtype, joint_shape("select", ins))]


def _select_samples() -> Iterator[Sample]:
    for dtype in DTYPES.values():
        a, b = special_values(dtype), special_values(dtype)[::-1].copy()
        yield Sample((np.arange(len(a)) % 3 == 0, a, b), {})
        yield Sample((np.bool_(True), a[0], b[0]), {})
    for shape in SHAPES:
        x, y = numbers(shape, np.float64), numbers(shape, np.float64, 1)
        yield Sample((x > y, x, y), {})
        yield Sample((np.bool_(False), x, y), {})
        yield Sample((x > y, np.float64(2), y), {})


def _select_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.select(eqn.ins[0], ct, 0.0) if k == 1 else b.select(eqn.ins[0], 0.0, ct)


select = register(OpDef(
    "select", "a where c, else b", _select_type,
    lambda params, c, a, b: np.asarray(np.where(c, a, b), a.dtype)[()],
    Map(lambda e, c, a, b: e.select(c, a, b),
        lambda e, c, a, b: (e.select(c, a[0], b[0]), e.select(c, a[1], b[1]))),
    PURE, True, intervals.select, _select_samples, Linear((1, 2), _select_transpose)))


# ---- conversion

def _convert_type(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
    check_count("convert", ins, 1, 1)
    check_dtype("convert", params.get("dtype"))
    return [Type(params["dtype"], ins[0].shape)]


def _convert(params: dict[str, Any], x: Any) -> Any:
    with np.errstate(all="ignore"):
        if x.dtype.kind == "c" and params["dtype"].kind not in "cb":
            x = x.real
        return np.asarray(x).astype(params["dtype"])[()]


def _complex_convert(e: Any, x: Any, dtype: np.dtype) -> Any:
    """From and to a complex dtype; a real result drops the imaginary part, as astype does."""
    re, im = x if isinstance(x, tuple) else (x, None)
    if dtype.kind == "b":
        return e.or_(e.ne(re, e.lit(0, re.dtype)), e.ne(im, e.lit(0, re.dtype)))
    if dtype.kind != "c":
        return e.convert(re, dtype)
    part = np.dtype(f"f{dtype.itemsize // 2}")
    return e.convert(re, part), e.lit(0, part) if im is None else e.convert(im, part)


def _convertible(source: np.dtype, target: np.dtype) -> np.ndarray:
    """Special values of `source` whose conversion is defined: in the range of an int `target`."""
    values = special_values(source)
    if source.kind == "f" and target.kind in "iu":
        info = np.iinfo(target)
        with np.errstate(invalid="ignore"):
            whole = np.trunc(values.astype(np.longdouble))
        return values[np.isfinite(values) & (whole >= info.min) & (whole <= info.max)]
    if source.kind == "c" and target.kind in "iu":
        return values[values.real >= np.iinfo(target).min]
    return values


def _convert_samples() -> Iterator[Sample]:
    for source in DTYPES.values():
        for target in DTYPES.values():
            values = _convertible(source, target)
            yield Sample((values,), {"dtype": target})
            yield Sample((values[0],), {"dtype": target})
    for shape in SHAPES:
        yield Sample((numbers(shape, np.float64),), {"dtype": I64})


def _convert_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    """Back: of a real number that became complex the real part alone counts."""
    return b.convert(ct, eqn.ins[0].dtype)


convert = register(OpDef(
    "convert", "as another dtype, as astype does", _convert_type, _convert,
    Map(lambda e, x, dtype: e.convert(x, dtype), _complex_convert, "oi"), PURE, True,
    intervals.convert,
    _convert_samples, Linear((0,), _convert_transpose)))
