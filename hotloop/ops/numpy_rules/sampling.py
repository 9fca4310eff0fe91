"""Rules of functions of order and position: quantiles, interpolation, searches.

    median(x):  half the tangents of the two elements in the middle

A quantile is a mean of two elements that stand side by side once x is sorted. Which ones, and their
weights, NumPy's own function tells for every method: it is applied to the ranks 0, 1, 2, ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Eqn
from hotloop.ir.types import F64, I64
from hotloop.ops import callbacks
from hotloop.ops.domains import atom_of
from hotloop.ops.numpy_rules.table import call, keyword, rule, unsupported, zero

# ---- quantiles

def _ranks(p: Any, x: Atom, order: Atom, ignores_nan: bool) -> Atom:
    """0, 1, 2, ... along the last axis, nan from the first nan of the sorted x on."""
    ranks = p.broadcast(p.iota(atom_of(x.shape[-1]), dtype=F64), x.shape, (len(x.shape) - 1,))
    if not ignores_nan:
        return ranks
    return p.select(p.isnan(p.take_along(x, order, len(x.shape) - 1)), float("nan"), ranks)


def _at_rank(p: Any, l: Any, v: Atom, order: Atom, rank: Atom) -> Atom:
    """Elements of v whose rank this is: `rank` has axes of its own before those of v's rows."""
    rows = len(order.shape) - 1
    own = len(rank.shape) - rows
    places = [p.broadcast(p.iota(atom_of(order.shape[k]), dtype=I64), rank.shape, (own + k,))
              for k in range(rows)]
    if not rank.shape:
        return l.get(v, p.get(order, rank, codes="i"), codes="i")
    codes = "a" * (rows + 1)
    return l.get(v, *places, p.get(order, *places, rank, codes=codes), codes=codes)


def _quantile(p: Any, l: Any, t: Atom, order: Atom, rank: Atom, dtype: Any) -> Atom:
    """The tangent of the quantile at a (broken) rank."""
    last = p.minus_one(atom_of(order.shape[-1]))
    low = p.floor(rank)
    weight = p.convert(p.sub(rank, low), dtype)
    first = p.maximum(p.minimum(p.convert(p.select(p.isnan(low), 0.0, low), I64), last), 0)
    second = p.minimum(p.add(first, 1), last)
    below, above = (l.convert(_at_rank(p, l, t, order, k), dtype) for k in (first, second))
    return l.add(l.mul(below, p.sub(1.0, weight)), l.mul(above, weight))


@rule(np.partition)
def partition(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """The tangents go where the elements went: both orders, sorted, are the same."""
    axis = keyword(eqn, "axis")
    x, y = eqn.ins[0], eqn.outs[0]
    in_order = l.take_along(tangents[0], p.argsort(x, axis=axis), axis)
    return [l.take_along(in_order, p.argsort(p.argsort(y, axis=axis), axis=axis), axis)]


@rule(np.median, np.nanmedian)
def median(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    x, y, function = eqn.ins[0], eqn.outs[0], eqn.params["function"]
    order = p.argsort(x, axis=len(x.shape) - 1)
    rank = call(p, function, [_ranks(p, x, order, function is np.nanmedian)],
                [(F64, y.shape)], axis=-1)
    return [_quantile(p, l, tangents[0], order, rank, y.dtype)]


@rule(callbacks.quantile)
def quantile(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    (x, q), (tx, tq), y = eqn.ins[:2], tangents[:2], eqn.outs[0]
    name, method = keyword(eqn, "name"), keyword(eqn, "method")
    ignores_nan = name.startswith("nan")
    order = p.argsort(x, axis=len(x.shape) - 1)
    ranks = _ranks(p, x, order, ignores_nan)
    rank = call(p, callbacks.quantile, [ranks, p.convert(q, F64)], [(F64, y.shape)],
                name=name, weak=False, method=method)
    of_x = None if tx is None else _quantile(p, l, tx, order, rank, y.dtype)
    if tq is None:
        return [of_x]
    if method != "linear" or ignores_nan:
        raise unsupported(eqn, f"the derivative of {name} with respect to the fraction, unless "
                          "the method is linear")
    last = p.minus_one(atom_of(x.shape[-1]))
    first = p.maximum(p.minimum(p.convert(p.floor(rank), I64), p.minus_one(last)), 0)
    values = [p.convert(_at_rank(p, p, x, order, k), y.dtype)
              for k in (first, p.minimum(p.add(first, 1), last))]
    scale = p.div(p.convert(last, y.dtype), 100.0 if "percent" in name else 1.0)
    slope = p.mul(p.sub(values[1], values[0]), scale)
    spread = l.broadcast(l.convert(tq, y.dtype), y.shape, tuple(range(len(q.shape))))
    of_q = l.mul(spread, slope)
    return [of_q if of_x is None else l.add(of_x, of_q)]


# ---- interpolation

def _interp(left: bool, right: bool) -> Any:
    def jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
        """y = (1-w) f[i] + w f[i+1], w = (x - x[i]) / (x[i+1] - x[i]), for x in between."""
        (at, points, values), dtype = eqn.ins[:3], eqn.outs[0].dtype
        t_at, t_points, t_values, *t_ends = tangents[:3 + left + right]
        last = p.minus_one(atom_of(points.shape[0]))
        found = call(p, np.searchsorted, [points, at], [(I64, at.shape)], side="right")
        second = p.minimum(p.maximum(found, 1), last)
        first = p.maximum(p.sub(second, 1), 0)

        def ends(b: Any, v: Atom) -> tuple[Atom, Atom]:
            return b.get(v, first, codes="a"), b.get(v, second, codes="a")

        x0, x1 = ends(p, points)
        gap = p.sub(x1, x0)
        gap = p.select(p.eq(gap, 0.0), 1.0, gap)
        below = p.lt(at, p.get(points, 0, codes="i"))
        above = p.gt(at, p.get(points, last, codes="i"))
        outside = p.or_(below, above)
        weight = p.select(below, 0.0, p.select(above, 1.0, p.div(p.sub(at, x0), gap)))
        f0, f1 = ends(p, values)
        slope = p.div(p.sub(f1, f0), p.convert(gap, dtype))
        slope = p.select(outside, 0.0, slope)

        def between(pair: tuple[Atom, Atom]) -> Atom:
            low, high = pair
            w = p.convert(weight, low.dtype)
            return l.add(l.mul(low, p.sub(1.0, w)), l.mul(high, w))

        total = None if t_values is None else between(ends(l, t_values))
        for t, back in ((t_at, False), (t_points, True)):
            if t is None:
                continue
            shift = between(ends(l, t)) if back else t
            term = l.mul(l.convert(shift, dtype), p.neg(slope) if back else slope)
            total = term if total is None else l.add(total, term)
        for side, t in zip([below] * left + [above] * right, t_ends, strict=True):
            if total is not None or t is not None:
                total = l.select(side, 0.0 if t is None else t, 0.0 if total is None else total)
        return [total]
    return jvp


def _samples(eqn: Eqn) -> Any:
    at, points, values = eqn.ins[:3]
    return [(points.shape[0], values.shape[0]), *zip(at.shape, eqn.outs[0].shape, strict=True)]


for _function, _left, _right in ((np.interp, False, False), (callbacks.interp_left, True, False),
                                 (callbacks.interp_right, False, True),
                                 (callbacks.interp_between, True, True)):
    rule(_function, equal=_samples)(_interp(_left, _right))

zero(np.argpartition, np.searchsorted, np.digitize, np.histogram, callbacks.rounded_decimal)
