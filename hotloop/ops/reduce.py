"""Reductions and scans: combine along axes with an operation that is associative and commutative.

    s:f64[] = reduce_sum[axes=(0,)] x
    c:f64[n] = cumsum[axis=0] x

Sums and products keep the dtype (convert first to accumulate in a wider one). The order of
combination of floats is left open, as in NumPy's pairwise sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block
from hotloop.ir.types import Type
from hotloop.ops.derivative import Derivative
from hotloop.ops.domains import NUMBERS, REALS, check_axes, check_count, check_domain
from hotloop.ops.families import dtypes_of, numbers
from hotloop.ops.table import BOOLS, INTS, PURE, UINTS, OpDef, Reduce, Sample, Scan, register


def _zero(dtype: np.dtype) -> Any:
    return dtype.type(0)


def _one(dtype: np.dtype) -> Any:
    return dtype.type(1)


def _lowest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return dtype.type(-np.inf)
    return dtype.type(0) if dtype.kind == "b" else dtype.type(np.iinfo(dtype).min)


def _highest(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return dtype.type(np.inf)
    return dtype.type(1) if dtype.kind == "b" else dtype.type(np.iinfo(dtype).max)


def _all_ones(dtype: np.dtype) -> Any:
    return ~dtype.type(0)


def _reduction(name: str, doc: str, ufunc: np.ufunc, combine: str, domain: str,
               identity: Callable[[np.dtype], Any],
               derivative: Derivative | None = None) -> OpDef:
    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 1, 1)
        check_domain(name, ins[0], domain)
        axes = params.get("axes")
        check_axes(name, axes, len(ins[0].shape))
        return [Type(ins[0].dtype,
                     tuple(d for k, d in enumerate(ins[0].shape)
                           if k not in axes))]                  # type: ignore[operator]

    def evaluate(params: dict[str, Any], x: Any) -> Any:
        with np.errstate(all="ignore"):
            result = ufunc.reduce(x, axis=params["axes"], dtype=x.dtype,
                                  initial=identity(x.dtype))
        return np.asarray(result).astype(x.dtype, copy=False)[()]

    return register(OpDef(name, doc, type_rule, evaluate, Reduce(combine, identity), PURE, True,
                          None, lambda: _samples(domain), derivative))


def _samples(domain: str) -> Iterator[Sample]:
    for dtype in dtypes_of(domain):
        yield Sample((numbers((7,), dtype, 1),), {"axes": (0,)})
        yield Sample((numbers((3, 4), dtype),), {"axes": (1,)})
    dtype = dtypes_of(domain)[-1]
    for shape, axes in (((), ()), ((1,), (0,)), ((0,), (0,)), ((5,), ()), ((2, 3), (0, 1)),
                        ((2, 3), (0,)), ((0, 3), (0,)), ((3, 0), (0,)), ((2, 3, 4), (0, 2)),
                        ((2, 3, 4), (2, 0)), ((2, 3, 4), (1,)), ((1, 1, 1), (0, 1, 2))):
        yield Sample((numbers(shape, dtype),), {"axes": axes})
    if "f" in domain:
        for special in (np.nan, np.inf, -0.0):
            yield Sample((np.array([1.5, special, -2.0]),), {"axes": (0,)})


reduce_sum = _reduction("reduce_sum", "sum", np.add, "add", NUMBERS, _zero)
reduce_prod = _reduction("reduce_prod", "product", np.multiply, "mul", NUMBERS, _one)
reduce_min = _reduction("reduce_min", "smallest; NaN wins", np.minimum, "minimum", BOOLS + REALS,
                        _highest)
reduce_max = _reduction("reduce_max", "greatest; NaN wins", np.maximum, "maximum", BOOLS + REALS,
                        _lowest)
reduce_and = _reduction("reduce_and", "bitwise and of all", np.bitwise_and, "and",
                        BOOLS + INTS + UINTS, _all_ones)
reduce_or = _reduction("reduce_or", "bitwise or of all", np.bitwise_or, "or",
                       BOOLS + INTS + UINTS, _zero)


def _scan(name: str, doc: str, ufunc: np.ufunc, combine: str, domain: str,
          identity: Callable[[np.dtype], Any], derivative: Derivative | None = None) -> OpDef:
    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 1, 1)
        check_domain(name, ins[0], domain)
        check_axes(name, (params.get("axis"),), len(ins[0].shape))
        return [ins[0].type]

    def evaluate(params: dict[str, Any], x: Any) -> Any:
        with np.errstate(all="ignore"):
            return ufunc.accumulate(x, axis=params["axis"], dtype=x.dtype)

    return register(OpDef(name, doc, type_rule, evaluate, Scan(combine, identity), PURE, True, None,
                          lambda: _scan_samples(domain), derivative))


def _scan_samples(domain: str) -> Iterator[Sample]:
    for dtype in dtypes_of(domain):
        yield Sample((numbers((5,), dtype, 1),), {"axis": 0})
    for shape, axis in (((1,), 0), ((0,), 0), ((2, 3), 0), ((2, 3), 1), ((3, 0), 0),
                        ((2, 3, 4), 1)):
        yield Sample((numbers(shape, "f8"),), {"axis": axis})


cumsum = _scan("cumsum", "running sum", np.add, "add", NUMBERS, _zero)
cumprod = _scan("cumprod", "running product", np.multiply, "mul", NUMBERS, _one)
cummin = _scan("cummin", "running minimum; NaN wins", np.minimum, "minimum", BOOLS + REALS,
               _highest)
cummax = _scan("cummax", "running maximum; NaN wins", np.maximum, "maximum", BOOLS + REALS,
               _lowest)
