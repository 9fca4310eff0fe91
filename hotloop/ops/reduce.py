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

from hotloop import lazy
from hotloop.ir.core import Atom, Block, Eqn
from hotloop.ir.types import I64, Type
from hotloop.ops.derivative import Derivative, Linear, Rule, Zero
from hotloop.ops.domains import NUMBERS, REALS, atom_of, check_axes, check_count, check_domain
from hotloop.ops.families import dtypes_of, numbers
from hotloop.ops.table import BOOLS, INTS, PURE, UINTS, OpDef, Reduce, Sample, Scan, register

products = lazy.module("hotloop.ops.products")


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


def _extreme_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """The mean of the tangents of all elements that attain it, as NaN does."""
    x, axes = eqn.ins[0], eqn.params["axes"]
    if not axes:
        return tangents
    there = p.or_(p.eq(x, p.spread(eqn.outs[0], x.shape, axes)), p.isnan(x))
    count = p.maximum(p.sum(p.convert(there, x.dtype), axes), 1.0)
    return [l.div(l.sum(l.select(there, tangents[0], 0.0), axes), count)]


reduce_sum = _reduction(
    "reduce_sum", "sum", np.add, "add", NUMBERS, _zero,
    Linear((0,), lambda b, eqn, ct, k: b.spread(ct, eqn.ins[0].shape, eqn.params["axes"])))
reduce_prod = _reduction("reduce_prod", "product", np.multiply, "mul", NUMBERS, _one,
                         Rule(lambda p, l, *given: products.reduce_prod_jvp(p, l, *given)))
reduce_min = _reduction("reduce_min", "smallest; NaN wins", np.minimum, "minimum", BOOLS + REALS,
                        _highest, Rule(_extreme_jvp))
reduce_max = _reduction("reduce_max", "greatest; NaN wins", np.maximum, "maximum", BOOLS + REALS,
                        _lowest, Rule(_extreme_jvp))
reduce_and = _reduction("reduce_and", "bitwise and of all", np.bitwise_and, "and",
                        BOOLS + INTS + UINTS, _all_ones, Zero())
reduce_or = _reduction("reduce_or", "bitwise or of all", np.bitwise_or, "or",
                       BOOLS + INTS + UINTS, _zero, Zero())


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


def _cumsum_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    """The running sum from the other end."""
    axis = eqn.params["axis"]
    return b.reversed(b.cumsum(b.reversed(ct, axis), axis=axis), axis)


def _running_extreme(test: str) -> Rule:
    """The tangent of the element that attained it first."""
    def jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
        x, y, axis = eqn.ins[0], eqn.outs[0], eqn.params["axis"]
        place = p.iota(atom_of(x.shape[axis]), dtype=I64)
        codes = ":" * axis + "a" + ":" * (len(x.shape) - axis - 1)
        last = p.get(y, p.maximum(p.sub(place, 1), 0), codes=codes)
        better = p.or_(p.op(test, x, last), p.and_(p.isnan(x), p.not_(p.isnan(last))))
        here = p.select(better, p.broadcast(place, x.shape, (axis,)), 0)
        return [l.take_along(tangents[0], p.cummax(here, axis=axis), axis)]
    return Rule(jvp)


cumsum = _scan("cumsum", "running sum", np.add, "add", NUMBERS, _zero,
               Linear((0,), _cumsum_transpose))
cumprod = _scan("cumprod", "running product", np.multiply, "mul", NUMBERS, _one,
                Rule(lambda p, l, *given: products.cumprod_jvp(p, l, *given)))
cummin = _scan("cummin", "running minimum; NaN wins", np.minimum, "minimum", BOOLS + REALS,
               _highest, _running_extreme("lt"))
cummax = _scan("cummax", "running maximum; NaN wins", np.maximum, "maximum", BOOLS + REALS,
               _lowest, _running_extreme("gt"))
