"""The scalar operations that expressions are made of: one row each.

    _row("minimum", np.minimum, commutative=True, span=spans.minimum, bits=WHOLE, picks="le",
         combines=Combiner(_extreme(largest=True)))

A row gives the meaning in NumPy (for `loops.interp` and constant folding), the dtype rule, a cost,
and all that passes ask about an operation: no pass has a list of names (`tests/loops/
test_scalar_rows.py`). How it becomes LLVM text stands in `llvm.instructions` (machine operations)
and `llvm.mathlib` (elementary functions) under the same name; a test checks that none is missing.

All operations are total: they never trap. Integer arithmetic wraps; `idiv` and `irem` by zero give
0; `idiv` of the least integer by -1 wraps; shifts by the width or more give 0 (or the sign);
`convert` from float to int of a value out of range gives what the machine gives. What must raise in
Python is a `Check` beside the operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hotloop.loops import spans
from hotloop.loops.spans import Span
from hotloop.record import record

BOOL, I64, U64, F64 = (np.dtype(t) for t in ("?", "i8", "u8", "f8"))

SAME, TRUTH, SECOND = "same", "truth", "second"
"""Dtype rules: of the first operand; bool; of the second operand (`select`)."""


LOW, COUNTED, WHOLE = "low", "counted", "whole"
"""What fewer bits do to an operation of integers. LOW: the low bits of the result depend on the
low bits of the operands alone. COUNTED: on those of the first, if the second is a count of fewer.
WHOLE: the result is the same if it and the operands fit."""


@record
class Comparison:
    """Of integers a, b: it holds exactly where a - b is between the ends of `gap`, of which one may
    be missing (no gap: where that of `negated` does not). `mirrored`: what it is with b, a."""
    gap: tuple[int | None, int | None] | None
    negated: str
    mirrored: str


@record
class Division:
    """Of integers: the quotient, or remainder, of the first operand by `by(the second)`, towards
    zero where that is above 0 (a shift: where the operand is not negative)."""
    by: Callable[[int], int] = int
    remainder: bool = False


@record
class Combiner:
    """What reductions combine with: associative and commutative but for rounding.

    identity   the neutral value of a dtype
    rounds     floats are rounded, so the order matters
    inverse    (operation, expression): operation(a, b) is a combined with expression(e, b), but
               for rounding
    """
    identity: Callable[[np.dtype], Any]
    rounds: bool = False
    inverse: tuple[str, Callable[[Any, Any], Any]] | None = None


@record
class ScalarOp:
    name: str
    arity: int
    dtype: str
    evaluate: Callable[..., Any]
    cost: float          # adds of one vector element; loops.cost says how measured
    commutative: bool = False
    math: bool = False   # an elementary function: expanded by llvm.mathlib
    rescue: str = ""     # a function of libm; operands (rare, fast, *x): rare ? function(x) : fast
    library: str = ""    # a function of libm, called lane by lane
    flags: bool = False  # one instruction, which sets the processor's floating-point flags
    exacting: bool = False     # and does so for an ordinary last operand: 0, or less
    span: Callable[..., Span | None] | None = None     # between which integers it is (loops.spans)
    bits: str = ""       # LOW, COUNTED, WHOLE
    sign: int = 0        # of i64: a sum, in which the last operand is multiplied by this
    wraps: str = ""      # tells whether this operation, on the same operands, wraps
    undone: str = ""     # by this, with the same second operand, unless it wraps
    picks: str = ""      # integers: the first operand where they compare so, else the second
    settled: bool | None = None     # a truth that, as an operand, is the result
    compares: Comparison | None = None
    division: Division | None = None
    combines: Combiner | None = None


SCALAR_OPS: dict[str, ScalarOp] = {}


def _row(name: str, evaluate: Callable[..., Any], cost: float = 1, arity: int = 2,
         dtype: str = SAME, **columns: Any) -> None:
    SCALAR_OPS[name] = ScalarOp(name, arity, dtype, evaluate, cost, **columns)


def _idiv(a: Any, b: Any) -> Any:
    """C's division (towards zero); 0 where b is 0."""
    safe = np.where(b == 0, b.dtype.type(1), b)
    if a.dtype.kind == "u":
        q = a // safe
    else:
        q = a // safe
        q = q + ((q < 0) & (q * safe != a)).astype(a.dtype)
        q = np.where(safe == -1, -a, q)
    return np.where(b == 0, a.dtype.type(0), q).astype(a.dtype)


def _irem(a: Any, b: Any) -> Any:
    return np.where(b == 0, a.dtype.type(0), a - _idiv(a, b) * b).astype(a.dtype)


def _shift(numpy: Callable[..., Any], beyond: Callable[[Any], Any]) -> Callable[..., Any]:
    def shift(a: Any, n: Any) -> Any:
        width = a.dtype.itemsize * 8
        inside = (n >= 0) & (n < width)
        return np.where(inside, numpy(a, np.where(inside, n, n.dtype.type(0))),
                        beyond(a)).astype(a.dtype)
    return shift


def _logical_right(a: Any, n: Any) -> Any:
    unsigned = np.dtype(f"u{a.dtype.itemsize}")
    return (a.astype(unsigned) >> n.astype(unsigned)).astype(a.dtype)


def _overflows(numpy: Callable[..., Any], exact: Callable[[int, int], int]) -> Callable[..., Any]:
    def overflows(a: Any, b: Any) -> Any:
        wrapped = numpy(a, b)
        return np.frompyfunc(lambda x, y, w: exact(int(x), int(y)) != int(w), 3, 1)(
            a, b, wrapped).astype(bool) if np.ndim(wrapped) else np.bool_(
            exact(int(a), int(b)) != int(wrapped))
    return overflows


def _fma(a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once: sums of two floats (`llvm.mathlib`) live on what is left."""
    if np.ndim(a) or np.ndim(b) or np.ndim(c):
        return np.vectorize(_fma, otypes=[np.result_type(a, b, c)])(a, b, c)
    plain = a * b + c
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return plain
    (n, d), (m, e), (k, f) = (float(x).as_integer_ratio() for x in (a, b, c))
    exact = n * m * f + k * d * e
    try:
        return type(plain)(exact / (d * e * f)) if exact else plain
    except OverflowError:
        return plain


def _extreme(largest: bool) -> Callable[[np.dtype], Any]:
    def extreme(dtype: np.dtype) -> Any:
        if dtype.kind == "f":
            return np.inf if largest else -np.inf
        if dtype.kind == "b":
            return largest
        return np.iinfo(dtype).max if largest else np.iinfo(dtype).min
    return extreme


def _all_bits(dtype: np.dtype) -> Any:
    return True if dtype.kind == "b" else -1


def _none(dtype: np.dtype) -> Any:
    return 0


_row("add", np.add, commutative=True, flags=True, span=spans.total, bits=LOW, sign=1,
     combines=Combiner(_none, rounds=True, inverse=("sub", lambda e, b: e.neg(b))))
_row("sub", np.subtract, flags=True, span=spans.difference, bits=LOW, sign=-1)
_row("mul", np.multiply, commutative=True, flags=True, span=spans.product, bits=LOW,
     combines=Combiner(lambda dtype: 1, rounds=True, inverse=("div", lambda e, b: e.div(1.0, b))))
_row("div", np.divide, 4, flags=True, exacting=True)            # floats
_row("idiv", _idiv, 10, span=spans.quotient, bits=WHOLE, division=Division())    # towards zero
_row("irem", _irem, 10, span=spans.remainder, bits=WHOLE, division=Division(remainder=True))
_row("fmod", np.fmod, 12, library="fmod")       # floats, sign of the dividend
_row("neg", np.negative, arity=1, span=spans.negative, bits=LOW, sign=-1)
_row("abs", np.absolute, arity=1, span=spans.absolute, bits=WHOLE)
_row("minimum", np.minimum, commutative=True,   # NaN wins, as NumPy's
     span=spans.minimum, bits=WHOLE, picks="le", combines=Combiner(_extreme(largest=True)))
_row("maximum", np.maximum, commutative=True,
     span=spans.maximum, bits=WHOLE, picks="ge", combines=Combiner(_extreme(largest=False)))
_row("sqrt", np.sqrt, 6, arity=1, flags=True, exacting=True)
_row("floor", np.floor, arity=1)
_row("ceil", np.ceil, arity=1)
_row("trunc", np.trunc, arity=1)
_row("rint", np.rint, arity=1)                  # halves to even
_row("copysign", np.copysign)
_row("fma", _fma, arity=3, flags=True)
_row("and", np.bitwise_and, commutative=True,   # bool and ints, likewise below
     span=spans.both_bits, bits=LOW, settled=False, combines=Combiner(_all_bits))
_row("or", np.bitwise_or, commutative=True,
     span=spans.either_bit, bits=LOW, settled=True, combines=Combiner(_none))
_row("xor", np.bitwise_xor, commutative=True,
     span=spans.odd_bits, bits=LOW, combines=Combiner(_none))
_row("not", np.invert, arity=1, span=spans.inverted, bits=LOW)
_row("shl", _shift(np.left_shift, lambda a: a.dtype.type(0)),
     span=spans.shifted_left, bits=COUNTED, undone="ashr")
_row("ashr", _shift(np.right_shift,
                    lambda a: np.where(a < 0, a.dtype.type(-1 if a.dtype.kind == "i" else 0),
                                       a.dtype.type(0))),
     span=spans.shifted_right, bits=WHOLE,
     division=Division(lambda count: 1 << count if 0 <= count < 62 else 0))
_row("lshr", _shift(_logical_right, lambda a: a.dtype.type(0)), span=spans.zeros_shifted_in)


def _comparison(name: str, ufunc: Callable[..., Any], gap: tuple[int | None, int | None] | None,
                negated: str, mirrored: str) -> None:
    _row(name, ufunc, dtype=TRUTH, commutative=mirrored == name, bits=WHOLE,
         span=spans.apart if gap is None else partial(spans.compared, gap),
         compares=Comparison(gap, negated, mirrored))


_comparison("lt", np.less, (None, -1), "ge", "gt")
_comparison("le", np.less_equal, (None, 0), "gt", "ge")
_comparison("gt", np.greater, (1, None), "le", "lt")
_comparison("ge", np.greater_equal, (0, None), "lt", "le")
_comparison("eq", np.equal, (0, 0), "ne", "eq")
_comparison("ne", np.not_equal, None, "eq", "ne")
_row("isnan", np.isnan, arity=1, dtype=TRUTH)
_row("signbit", np.signbit, arity=1, dtype=TRUTH)
_row("select", lambda c, a, b: np.asarray(np.where(c, a, b), a.dtype)[()], arity=3, dtype=SECOND)
_row("add_overflows", _overflows(np.add, lambda a, b: a + b), 2, dtype=TRUTH, commutative=True,
     wraps="add")
_row("sub_overflows", _overflows(np.subtract, lambda a, b: a - b), 2, dtype=TRUTH, wraps="sub")
_row("mul_overflows", _overflows(np.multiply, lambda a, b: a * b), 3, dtype=TRUTH,
     commutative=True, wraps="mul")


def _math(name: str, ufunc: Callable[..., Any], cost: float, arity: int = 1) -> None:
    _row(name, ufunc, cost, arity, math=True)


def _of_python(name: str) -> Callable[..., Any]:
    """A function that NumPy lacks, as Python's math has it."""
    each = np.vectorize(getattr(math, name), otypes=["d"])
    return lambda x: each(x).astype(x.dtype)[()]


def _rescue(name: str, ufunc: Callable[..., Any], arity: int = 1) -> None:
    """What `llvm.mathlib` falls back on where its formulas fail, which is rare: sin(1e300). The
    emitter branches round it unless a lane needs it, and calls "libm:sin" (f32: "libm:sinf")."""
    def evaluate(rare: Any, fast: Any, *x: Any) -> Any:
        return np.where(rare, ufunc(*x), fast).astype(fast.dtype)
    _row("rescue_" + name, evaluate, 2, 2 + arity, SECOND, rescue=name)


_math("exp", np.exp, 10)
_math("exp2", np.exp2, 10)
_math("expm1", np.expm1, 14)
_math("log", np.log, 14)
_math("log2", np.log2, 14)
_math("log10", np.log10, 14)
_math("log1p", np.log1p, 16)
_math("sin", np.sin, 14)
_math("cos", np.cos, 14)
_math("tan", np.tan, 18)
_math("arcsin", np.arcsin, 18)
_math("arccos", np.arccos, 18)
_math("arctan", np.arctan, 16)
_math("arctan2", np.arctan2, 20, arity=2)
_math("sinh", np.sinh, 18)
_math("cosh", np.cosh, 16)
_math("tanh", np.tanh, 16)
_math("arcsinh", np.arcsinh, 22)
_math("arccosh", np.arccosh, 22)
_math("arctanh", np.arctanh, 20)
_math("pow", np.power, 30, arity=2)             # floats
_math("cbrt", np.cbrt, 20)
_math("hypot", np.hypot, 12, arity=2)
_math("erf", _of_python("erf"), 22)
_math("erfc", _of_python("erfc"), 22)
_rescue("sin", np.sin)
_rescue("cos", np.cos)
_rescue("tan", np.tan)


def _philox(key: Any, counter: Any, stream: Any) -> Any:
    """64 random bits: words 2h and 2h+1 of block (counter, stream >> 1) of Philox4x32-10 with key
    `key`, h = stream & 1. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011."""
    def one(k: int, c: int, s: int) -> int:
        mask = 0xFFFFFFFF
        half, block = s & 1, s >> 1
        x = [c & mask, c >> 32 & mask, block & mask, block >> 32 & mask]
        k0, k1 = k & mask, k >> 32 & mask
        for _ in range(10):
            p0, p1 = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
            x = [p1 >> 32 ^ x[1] ^ k0, p1 & mask, p0 >> 32 ^ x[3] ^ k1, p0 & mask]
            k0, k1 = k0 + 0x9E3779B9 & mask, k1 + 0xBB67AE85 & mask
        return x[2 * half] | x[2 * half + 1] << 32
    return np.frompyfunc(lambda k, c, s: np.uint64(one(int(k), int(c), int(s))), 3, 1)(
        key, counter, stream).astype(U64) if np.ndim(counter) or np.ndim(key) else np.uint64(
        one(int(key), int(counter), int(stream)))


_row("philox", _philox, 25, arity=3)            # (key, counter, stream) of u64 -> u64


def is_combiner(name: str) -> bool:
    return name in SCALAR_OPS and SCALAR_OPS[name].combines is not None


def _combiner(name: str) -> Combiner:
    found = SCALAR_OPS[name].combines
    assert found is not None, name
    return found


def identity(combine: str, dtype: np.dtype) -> Any:
    """The neutral value of a combiner: `combine(identity, x)` is x."""
    return np.asarray(_combiner(combine).identity(dtype)).astype(dtype)[()]


def rounds(combine: str, dtype: np.dtype) -> bool:
    """Does the order in which values are combined change the result?"""
    return dtype.kind == "f" and _combiner(combine).rounds


def accumulator(combine: str, dtype: np.dtype) -> np.dtype:
    """The dtype to accumulate in. Sums of short floats are kept in f64: NumPy adds them pairwise,
    and 32 running f32 sums have 100 times its error at 1e7 elements."""
    return F64 if combine == "add" and dtype.kind == "f" and dtype.itemsize < 8 else dtype
