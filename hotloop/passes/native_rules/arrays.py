"""Searches in sorted vectors, interpolation and medians.

    j = search(b, a, key, "left")        # a `while`

Operands are as the frontend emits them: dtypes agree, axes are moved to the end. A binary search in
a loop over the keys takes a fifth to a twentieth of NumPy's time; a sort of a short row less than
its selection. Long rows are better left to NumPy, which is decided when they are there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var
from hotloop.ir.types import BOOL, C128, F32, F64, I64, Type
from hotloop.ops import callbacks
from hotloop.ops.domains import atom_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import OPS
from hotloop.passes.native_rules.table import called, each, either, keywords, rule

F16 = np.dtype("f2")


def before(b: Emit, x: Atom, y: Atom) -> Atom:
    """x < y in sorting order: NaN is last."""
    if x.dtype == BOOL:
        return b.and_(b.not_(x), y)
    less = b.lt(x, y)
    if x.dtype.kind != "f":
        return less
    return b.or_(less, b.and_(b.isnan(y), b.not_(b.isnan(x))))


def search(b: Emit, a: Atom, key: Atom, side: str) -> Atom:
    """Where a number belongs in the sorted vector a."""
    test, body = Emit([], b.location), Emit([], b.location)
    tested = Var(Type(I64)), Var(Type(I64))
    more = test.lt(*tested)
    low, high = Var(Type(I64)), Var(Type(I64))
    middle = body.shift_right(body.add(low, high), Lit(1))
    item = body.op("get", a, middle, codes="i")
    up = before(body, item, key) if side == "left" else body.not_(before(body, key, item))
    ends = [body.select(up, body.add(middle, 1), low), body.select(up, high, middle)]
    return b.row(OPS["while"], (Lit(0), atom_of(a.shape[0])), {}, [
        Block(tested, test.eqns, [more]), Block([low, high], body.eqns, ends)])[0]


def searches(b: Emit, a: Atom, keys: Atom, side: str) -> Atom:
    if not keys.shape:
        return search(b, a, keys, side)
    return each(b, keys, I64, lambda inner, key: search(inner, a, key, side))


@rule(np.searchsorted)
def searchsorted(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    a, keys = eqn.ins[:2]
    if a.dtype.kind == "c" or a.dtype == F16:
        return None
    return [searches(b, a, keys, keywords(eqn).get("side", "left"))]


def ascends(b: Emit, a: Atom) -> Atom:
    """Does no element of a vector stand behind a greater one, and is none NaN?"""
    n = atom_of(a.shape[0])
    size = b.maximum(b.minus_one(n), 0)
    pairs = b.le(b.part(a, 0, 0, size), b.part(a, 0, b.minimum(n, 1), size))
    up = b.reduce_and(pairs, axes=(0,))
    if a.dtype.kind != "f":
        return up
    return b.and_(up, b.not_(b.reduce_or(b.isnan(a), axes=(0,))))


@rule(np.digitize)
def digitize(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """Bins that descend, or neither, are NumPy's."""
    keys, bins = eqn.ins[:2]
    if bins.dtype.kind == "c" or bins.dtype == F16 or len(bins.shape) != 1:
        return None
    side = "left" if keywords(eqn).get("right") else "right"
    return either(b, ascends(b, bins), lambda inner: [searches(inner, bins, keys, side)],
                  lambda inner: called(inner, eqn))


@rule(np.histogram)
def histogram(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """With given edges: each number is counted in the last bin that begins at or below it; the last
    bin has its end, too."""
    x, edges = eqn.ins[:2]
    if len(eqn.outs) != 2 or eqn.params.get("take") not in (None, 2) or x.dtype.kind == "c" or (
            edges.dtype.kind == "c" or x.dtype == F16 or edges.dtype == F16
            or len(edges.shape) != 1 or eqn.outs[0].dtype != I64):
        return None
    common = np.result_type(x.dtype, edges.dtype)
    if common.kind not in "iuf" or not _exact(x.dtype, common) or not _exact(
            edges.dtype, common):
        return None

    def counted(inner: Emit) -> list[Atom]:
        a, row = inner.convert(edges, common), inner.convert(x, common)
        bins = eqn.outs[0].shape[0]
        last = inner.op("get", a, inner.minus_one(atom_of(a.shape[0])), codes="i")
        place = inner.sub(searches(inner, a, row, "right"), 1)
        place = inner.minimum(place, inner.minus_one(atom_of(bins)))
        inside = inner.and_(inner.ge(place, 0), inner.le(row, last))
        counts = inner.op("addat", inner.full(0, (bins,), I64), inner.convert(inside, I64),
                          inner.maximum(place, 0), codes="a")
        return [counts, edges]
    fits = b.and_(ascends(b, edges), b.ge(atom_of(edges.shape[0]), 2))
    return either(b, fits, counted, lambda inner: called(inner, eqn))


def _exact(dtype: np.dtype, common: np.dtype) -> bool:
    """Are numbers of a dtype exact in another one?"""
    return np.can_cast(dtype, common) and not (dtype.kind in "iu" and dtype.itemsize == 8
                                               and common.kind == "f")


# ---- interpolation

@rule(np.interp, callbacks.interp_left, callbacks.interp_right, callbacks.interp_between)
def interp(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """In equations on all points at once: only the search is a loop."""
    x, points, values, *ends = eqn.ins[:eqn.params.get("take", len(eqn.ins))]
    function = eqn.params["function"]
    left = ends.pop(0) if function in (callbacks.interp_left, callbacks.interp_between) else None
    right = ends.pop(0) if function in (callbacks.interp_right, callbacks.interp_between) else None
    if x.dtype != F64 or points.dtype != F64 or values.dtype not in (F64, C128) or not x.shape:
        return None
    n = atom_of(points.shape[0])
    last = b.minus_one(n)

    def at(array: Atom, k: Atom) -> Atom:
        return b.op("get", array, k, codes="a" if k.shape else "i")
    place = searches(b, points, x, "right")
    j = b.maximum(b.sub(place, 1), 0)
    k = b.minimum(b.add(j, 1), last)
    x0, x1, y0, y1 = at(points, j), at(points, k), at(values, j), at(values, k)
    run = b.select(b.eq(j, k), 1.0, b.sub(x1, x0))        # 0/0 would be looked into
    stays = b.or_(b.eq(x0, x), b.eq(j, k))

    def line(begin: Atom, end: Atom) -> Atom:
        rise = b.sub(end, begin)
        slope = b.div(rise, run) if values.dtype == F64 else b.mul(rise, b.div(1.0, run))
        result = b.add(b.mul(slope, b.sub(x, x0)), begin)
        from_right = b.add(b.mul(slope, b.sub(x, x1)), end)
        result = b.select(b.isnan(result), from_right, result)
        result = b.select(b.and_(b.isnan(result), b.eq(begin, end)), begin, result)
        return b.select(stays, begin, result)
    if values.dtype == F64:
        result, nan = line(y0, y1), x
    else:
        parts = line(b.real(y0), b.real(y1)), line(b.imag(y0), b.imag(y1))
        result, nan = b.complex(*parts), b.convert(x, C128)
    before_first = b.lt(x, at(points, Lit(0)))
    behind_last = b.gt(x, at(points, last))
    for beyond, end, own in ((before_first, left, Lit(0)), (behind_last, right, last)):
        fixed = at(values, own) if end is None else end
        result = b.select(beyond, b.broadcast(fixed, x.shape, ()), result)
    asked = b.and_(b.isnan(x), b.gt(n, 1))          # a single point is compared with, that's all
    return [b.select(asked, nan, result)]


# ---- medians and quantiles

SHORT = 5000
"""Elements of a row up to which sorting it is sure to be faster than NumPy's selection, called back
(measured: 4 times at 1000, 2 times at 100,000 with AVX-512)."""


@rule(np.median)
def median(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """Along the last axis, the mean of the one or two elements in the middle; NaN if there is one,
    which is then the last."""
    x, out = eqn.ins[0], eqn.outs[0]
    if x.dtype.kind not in "iuf" or not x.shape or keywords(eqn).get("axis") != -1 or (
            out.dtype not in (F32, F64) or x.dtype == F16):
        return None
    n = atom_of(x.shape[-1])
    rank = len(x.shape)

    def of_sorted(inner: Emit) -> list[Atom]:
        row = inner.op("sort", x, axis=rank - 1)

        def at(place: Atom) -> Atom:
            return inner.op("get", row, place, codes=":" * (rank - 1) + "i")
        upper = inner.shift_right(n, Lit(1))
        lower = inner.shift_right(inner.minus_one(n), Lit(1))
        low = inner.add(inner.convert(at(lower), out.dtype), 0.0)     # a sum begins with 0.0
        high = inner.convert(at(upper), out.dtype)
        mean = inner.select(inner.eq(lower, upper), low, inner.div(inner.add(low, high), 2.0))
        if x.dtype.kind == "f":
            end = at(inner.minus_one(n))
            mean = inner.select(inner.isnan(end), end, mean)
        return [mean]
    if isinstance(n, Lit):
        return of_sorted(b) if 1 <= n.value <= SHORT else None
    fits = b.and_(b.ge(n, 1), b.le(n, SHORT))
    return either(b, fits, of_sorted, lambda inner: called(inner, eqn))


@rule(callbacks.quantile)
def quantile(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """Between the elements beside (n-1) q, of finite numbers, operation for operation as NumPy's
    method "linear" (but for the sign of zeros); what it warns of or refuses is left to it."""
    x, q, out = eqn.ins[0], eqn.ins[1], eqn.outs[0]
    given = keywords(eqn)
    if x.dtype != F64 or q.dtype != F64 or out.dtype != F64 or given["method"] != "linear" or (
            len(q.shape) > 1 or not x.shape):
        return None
    rank, n = len(x.shape), atom_of(x.shape[-1])
    last = b.minus_one(n)
    least, most = (b.op(name, x, axes=tuple(range(rank))) for name in ("reduce_min", "reduce_max"))
    part = b.div(q, 100.0) if given["name"].endswith("percentile") else q
    inside = b.and_(b.ge(part, 0.0), b.le(part, 1.0))
    if q.shape:
        inside = b.reduce_and(inside, axes=(0,))
    fits = b.and_(b.and_(b.ge(n, 1), b.le(n, SHORT)), b.and_(inside, b.isfinite(
        b.sub(most, least))))

    def between(inner: Emit) -> list[Atom]:
        row = inner.op("sort", x, axis=rank - 1)
        place = inner.mul(inner.convert(last, F64), part)
        end = inner.ge(place, inner.convert(last, F64))
        before_ = inner.select(end, -1.0, inner.floor(place))
        share = inner.sub(place, before_)
        low = inner.select(end, last, inner.convert(before_, I64))
        high = inner.select(end, last, inner.add(low, 1))

        def at(k: Atom) -> Atom:
            found = inner.op("get", row, k, codes=":" * (rank - 1) + ("a" if q.shape else "i"))
            return inner.transpose(found, (rank - 1, *range(rank - 1))) if q.shape else found
        a, z = at(low), at(high)
        rise = inner.sub(z, a)
        if q.shape:
            share = inner.broadcast(share, out.shape, (0,))
        up = inner.add(a, inner.mul(rise, share))
        down = inner.sub(z, inner.mul(rise, inner.sub(1.0, share)))
        return [inner.select(inner.ge(share, 0.5), down, up)]
    return either(b, fits, between, lambda inner: called(inner, eqn))
