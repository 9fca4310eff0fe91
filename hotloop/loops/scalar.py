"""The scalar operations that expressions are made of: one row each.

A row gives the meaning in NumPy (for `loops.interp` and constant folding), the dtype rule and a
cost. How an operation becomes LLVM text stands in `llvm.instructions` (machine operations) and
`llvm.mathlib` (elementary functions) under the same name; a test checks that none is missing.

All operations are total: they never trap. Integer arithmetic wraps; `idiv` and `irem` by zero give
0; `idiv` of the least integer by -1 wraps; shifts by the width or more give 0 (or the sign);
`convert` from float to int of a value out of range gives what the machine gives. What must raise in
Python is a `Check` beside the operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.record import record

BOOL, I64, U64, F64 = (np.dtype(t) for t in ("?", "i8", "u8", "f8"))

SAME, TRUTH, SECOND = "same", "truth", "second"
"""Dtype rules: of the first operand; bool; of the second operand (`select`)."""


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


SCALAR_OPS: dict[str, ScalarOp] = {}


def _row(name: str, evaluate: Callable[..., Any], cost: float = 1, arity: int = 2,
         dtype: str = SAME, **flags: Any) -> None:
    SCALAR_OPS[name] = ScalarOp(name, arity, dtype, evaluate, cost, **flags)


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


_row("add", np.add, commutative=True, flags=True)
_row("sub", np.subtract, flags=True)
_row("mul", np.multiply, commutative=True, flags=True)
_row("div", np.divide, 4, flags=True)           # floats
_row("idiv", _idiv, 10)                         # ints, towards zero
_row("irem", _irem, 10)
_row("fmod", np.fmod, 12, library="fmod")       # floats, sign of the dividend
_row("neg", np.negative, arity=1)
_row("abs", np.absolute, arity=1)
_row("minimum", np.minimum, commutative=True)   # NaN wins, as NumPy's
_row("maximum", np.maximum, commutative=True)
_row("sqrt", np.sqrt, 6, arity=1, flags=True)
_row("floor", np.floor, arity=1)
_row("ceil", np.ceil, arity=1)
_row("trunc", np.trunc, arity=1)
_row("rint", np.rint, arity=1)                  # halves to even
_row("copysign", np.copysign)
_row("fma", _fma, arity=3, flags=True)
_row("and", np.bitwise_and, commutative=True)   # bool and ints, likewise below
_row("or", np.bitwise_or, commutative=True)
_row("xor", np.bitwise_xor, commutative=True)
_row("not", np.invert, arity=1)
_row("shl", _shift(np.left_shift, lambda a: a.dtype.type(0)))
_row("ashr", _shift(np.right_shift,
                    lambda a: np.where(a < 0, a.dtype.type(-1 if a.dtype.kind == "i" else 0),
                                       a.dtype.type(0))))
_row("lshr", _shift(_logical_right, lambda a: a.dtype.type(0)))
for _name, _ufunc in (("lt", np.less), ("le", np.less_equal), ("gt", np.greater),
                      ("ge", np.greater_equal), ("eq", np.equal), ("ne", np.not_equal)):
    _row(_name, _ufunc, dtype=TRUTH, commutative=_name in ("eq", "ne"))
_row("isnan", np.isnan, arity=1, dtype=TRUTH)
_row("signbit", np.signbit, arity=1, dtype=TRUTH)
_row("select", lambda c, a, b: np.asarray(np.where(c, a, b), a.dtype)[()], arity=3, dtype=SECOND)
_row("add_overflows", _overflows(np.add, lambda a, b: a + b), 2, dtype=TRUTH, commutative=True)
_row("sub_overflows", _overflows(np.subtract, lambda a, b: a - b), 2, dtype=TRUTH)
_row("mul_overflows", _overflows(np.multiply, lambda a, b: a * b), 3, dtype=TRUTH,
     commutative=True)


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


def _extreme(largest: bool) -> Callable[[np.dtype], Any]:
    def extreme(dtype: np.dtype) -> Any:
        if dtype.kind == "f":
            return np.inf if largest else -np.inf
        if dtype.kind == "b":
            return largest
        return np.iinfo(dtype).max if largest else np.iinfo(dtype).min
    return extreme


_IDENTITIES: dict[str, Callable[[np.dtype], Any]] = {
    "add": lambda dtype: 0,
    "mul": lambda dtype: 1,
    "minimum": _extreme(largest=True),
    "maximum": _extreme(largest=False),
    "and": lambda dtype: True if dtype.kind == "b" else -1,
    "or": lambda dtype: 0,
    "xor": lambda dtype: 0,
}
"""The combiners of reductions: associative and commutative but for rounding, with neutral value."""


def is_combiner(name: str) -> bool:
    return name in _IDENTITIES


def identity(combine: str, dtype: np.dtype) -> Any:
    """The neutral value of a combiner: `combine(identity, x)` is x."""
    return np.asarray(_IDENTITIES[combine](dtype)).astype(dtype)[()]


def rounds(combine: str, dtype: np.dtype) -> bool:
    """Does the order in which values are combined change the result?"""
    return dtype.kind == "f" and combine in ("add", "mul")


def accumulator(combine: str, dtype: np.dtype) -> np.dtype:
    """The dtype to accumulate in. Sums of short floats are kept in f64: NumPy adds them pairwise,
    and 32 running f32 sums have 100 times its error at 1e7 elements."""
    return F64 if combine == "add" and dtype.kind == "f" and dtype.itemsize < 8 else dtype
