"""Constructors of rows that share a type rule, and the values that their tests run on.

    exp = unary("exp", "e ** x", np.exp, FLOATS, lambda e, x: e.exp(x))

An elementwise row is its NumPy function and the same thing in the scalar algebra of `loops.expr`;
the type rule, the operand checks and the samples come from the family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block
from hotloop.ir.types import BOOL, DTYPES, Type
from hotloop.ops.derivative import Derivative, Zero
from hotloop.ops.domains import check_count, check_domain, check_same_dtype, joint_shape
from hotloop.ops.intervals import Rule
from hotloop.ops.table import COMPLEXES, FLOATS, PURE, Map, OpDef, Sample, register

SAME = "same dtype"
TRUTH = "bool"
REAL_PART = "float of a complex"


def elementwise(name: str, doc: str, arity: int, numpy: Callable[..., Any], domain: str,
                expr: Callable[..., Any], complex_expr: Callable[..., Any] | None,
                result: str, interval: Rule | None, derivative: Derivative | None,
                flags: str, dear: bool) -> OpDef:
    """A row for operands of one dtype in `domain`. `numpy` gets the operands and no params.
    Results that are never floats need no `derivative`."""
    if derivative is None and (result == TRUTH or not set(domain) & set(FLOATS + COMPLEXES)):
        derivative = Zero()

    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, arity, arity)
        check_domain(name, ins[0], domain)
        check_same_dtype(name, ins)
        return [Type(_result_dtype(ins[0].dtype), joint_shape(name, ins))]

    def _result_dtype(dtype: np.dtype) -> np.dtype:
        if result == TRUTH:
            return BOOL
        return real_dtype(dtype) if result == REAL_PART else dtype

    def evaluate(params: dict[str, Any], *operands: Any) -> Any:
        with np.errstate(all="ignore"):
            value = np.asarray(numpy(*operands))[()]
        return value.astype(_result_dtype(operands[0].dtype), copy=False)

    return register(OpDef(name, doc, type_rule, evaluate,
                          Map(expr, complex_expr, flags, dear), PURE, True, interval,
                          lambda: elementwise_samples(arity, domain), derivative))


def unary(name: str, doc: str, numpy: Callable[..., Any], domain: str, expr: Callable[..., Any],
          complex_expr: Callable[..., Any] | None = None, result: str = SAME,
          interval: Rule | None = None, derivative: Derivative | None = None,
          flags: str = "", dear: bool = False) -> OpDef:
    return elementwise(name, doc, 1, numpy, domain, expr, complex_expr, result, interval,
                       derivative, flags, dear)


def binary(name: str, doc: str, numpy: Callable[..., Any], domain: str, expr: Callable[..., Any],
           complex_expr: Callable[..., Any] | None = None, result: str = SAME,
          interval: Rule | None = None, derivative: Derivative | None = None,
           flags: str = "", dear: bool = False) -> OpDef:
    return elementwise(name, doc, 2, numpy, domain, expr, complex_expr, result, interval,
                       derivative, flags, dear)


def real_dtype(dtype: np.dtype) -> np.dtype:
    """f32 of c64, f64 of c128; others are their own."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def complex_dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"c{dtype.itemsize * 2}")


# ---- samples

def dtypes_of(domain: str) -> list[np.dtype]:
    return [d for d in DTYPES.values() if d.kind in domain]


def special_values(dtype: np.dtype) -> np.ndarray:
    """The values where operations differ: zeros of both signs, extremes, halves, inf, nan."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = [0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.min + 1]
        if dtype.kind == "i":
            values += [-1, -2, -3, -7]
        return np.array(values, dtype)
    if dtype.kind == "f":
        info_ = np.finfo(dtype)
        return np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 7, -7, 0.1, 100.25,
                         info_.max, info_.min, info_.tiny, info_.smallest_subnormal,
                         np.inf, -np.inf, np.nan], dtype)
    return np.array([0, complex(0, 1), complex(0, -1), complex(1, -0.0), complex(-1, 0.0),
                     complex(1, 2), complex(-3, 0.5), complex(0.25, -7), complex(2, 2)], dtype)


def elementwise_samples(arity: int, domain: str) -> Iterator[Sample]:
    """Every dtype with all combinations of special values, and every rank from 0 to 3, empty and
    of size 1, arrays with scalars."""
    for dtype in dtypes_of(domain):
        values = special_values(dtype)
        grid = np.meshgrid(*[values] * arity, indexing="ij")
        yield Sample(tuple(g.ravel() for g in grid), {})
        yield Sample(tuple(values[k + 1 if len(values) > k + 1 else 0] for k in range(arity)), {})
    yield from shaped_samples(arity, dtypes_of(domain)[-1])


def shaped_samples(arity: int, dtype: np.dtype) -> Iterator[Sample]:
    for shape in SHAPES:
        yield Sample(tuple(numbers(shape, dtype, k) for k in range(arity)), {})
        for scalar in range(arity if arity > 1 else 0):
            yield Sample(tuple(numbers(() if k == scalar else shape, dtype, k)
                               for k in range(arity)), {})


SHAPES: tuple[tuple[int, ...], ...] = ((1,), (0,), (5,), (2, 3), (1, 4), (3, 0), (2, 1, 3))


def numbers(shape: Iterable[int], dtype: Any, seed: int = 0) -> Any:
    """Small different numbers, exact in every dtype: an array, or a NumPy scalar of shape ()."""
    shape = tuple(shape)
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=int))
    flat: Any = (np.arange(count) * 7 + 3 * seed + 2) % 11
    if dtype.kind in "fc":
        flat = flat / 4 - 1
    if dtype.kind == "c":
        flat = flat + 1j * ((np.arange(count) * 5 + seed) % 7 - 3)
    if dtype.kind == "b":
        flat = flat % 3 == 0
    return flat.astype(dtype).reshape(shape)[()]


