"""Rules of polyval and polyfit.

    c = polyfit(x, y, d):  c = A^+ b with A the powers of x, b = y, rows of both weighted
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Eqn
from hotloop.ir.types import I64
from hotloop.ops import callbacks
from hotloop.ops.domains import atom_of
from hotloop.ops.numpy_rules.matrices import rows_of
from hotloop.ops.numpy_rules.table import call, keyword, rule


def _powers(b: Any, x: Atom, count: Any) -> Atom:
    """Row k is x**k."""
    shape = (count, *x.shape)
    row = b.broadcast(b.iota(atom_of(count), dtype=I64), shape, (0,))
    each = b.broadcast(x, shape, tuple(range(1, len(shape))))
    return b.cumprod(b.select(b.eq(row, 0), 1.0, each), axis=0)


def _polyval_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    c, x = eqn.ins[:2]
    powers = _powers(b, x, c.shape[0])
    each = b.broadcast(ct, powers.shape, tuple(range(1, len(powers.shape))))
    return b.reversed(b.sum(b.mul(powers, each), range(1, len(powers.shape))), 0)


@rule(np.polyval, transpose=_polyval_transpose,
      equal=lambda eqn: zip(eqn.ins[1].shape, eqn.outs[0].shape, strict=True))
def polyval(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    (c, x), y = eqn.ins[:2], eqn.outs[0]
    tc, tx = tangents[:2]
    of_c = None if tc is None else call(l, np.polyval, [tc, x], [(y.dtype, y.shape)])
    if tx is None:
        return [of_c]
    count = atom_of(c.shape[0])
    rest = p.maximum(p.minus_one(count), 0)
    degree = p.convert(p.sub(count, p.add(p.iota(rest, dtype=I64), 1)), c.dtype)
    slope = call(p, np.polyval, [p.mul(p.part(c, 0, 0, rest), degree), x], [(y.dtype, y.shape)])
    of_x = l.mul(tx, slope)
    return [of_x if of_c is None else l.add(of_c, of_x)]


def _points(eqn: Eqn) -> Any:
    lengths = [a.shape[0] for a in eqn.ins[:eqn.params.get("take", len(eqn.ins))]]
    return [(lengths[0], n) for n in lengths[1:]]


@rule(callbacks.polyfit, equal=_points)
def polyfit(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """c' = A^+ (b' - A' c) + (A^H A)^-1 A'^H (b - A c)"""
    points = eqn.params.get("take", len(eqn.ins))
    (x, y, *weights), (tx, ty, *tw) = eqn.ins[:points], tangents[:points]
    c = eqn.outs[0]
    degree = keyword(eqn, "degree")
    shape = (*x.shape, degree + 1)
    powers = p.reversed(p.swap_last(_powers(p, x, degree + 1)), 1)
    w = weights[0] if weights else None

    def weighted(b: Any, v: Atom, factor: Any) -> Atom:
        return v if factor is None else b.mul(v, rows_of(b, factor, v.shape))

    matrix = weighted(p, powers, w)
    inverse = call(p, np.linalg.pinv, [matrix], [(c.dtype, (degree + 1, *x.shape))])
    rest = p.sub(y, p.matmul(powers, c))
    right = None if ty is None else weighted(l, ty, w)
    change = None
    if tx is not None and degree:
        below = p.part(powers, 1, 1, degree)
        exponent = p.convert(p.sub(degree, p.iota(degree, dtype=I64)), c.dtype)
        slope = p.put(p.full(0, shape, c.dtype), p.mul(
            below, p.broadcast(exponent, below.shape, (1,))), 1, 0)
        change = l.mul(rows_of(l, tx, shape), weighted(p, slope, w))
    if tw and tw[0] is not None:
        turned = l.mul(rows_of(l, tw[0], shape), powers)
        change = turned if change is None else l.add(change, turned)
        moved = l.mul(y, rows_of(l, tw[0], y.shape))
        right = moved if right is None else l.add(right, moved)
    if change is None:
        return [None if right is None else l.matmul(inverse, right)]
    moved = l.matmul(change, c)
    right = l.neg(moved) if right is None else l.sub(right, moved)
    gram = p.matmul(inverse, p.swap_last(inverse))
    steep = l.matmul(gram, l.matmul(l.swap_last(change), weighted(p, rest, w)))
    return [l.add(l.matmul(inverse, right), steep)]
