"""Binary search for a single number: searchsorted and interp inside loops, without a call-back.

    j = search(a, x, "right")      # the number of elements of the sorted vector a that are <= x

NaN sorts last, as in NumPy. Whole arrays of keys are NumPy's own searchsorted (`numpy_order`).
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, emit, opened
from hotloop.frontend.numpy_atoms import both, constant, either, negate, op, select
from hotloop.ir.core import Atom, Block, Lit, Var, rename
from hotloop.ir.types import BOOL, I64


def before(a: Atom, b: Atom) -> Atom:
    """a < b in sorting order."""
    less = op("lt", a, b) if a.dtype != BOOL else both(negate(a), b)
    if a.dtype.kind != "f":
        return less
    return either(less, both(op("isnan", b), negate(op("isnan", a))))


def search(a: Atom, key: Atom, side: str) -> Var:
    """Where `key` belongs in the sorted vector `a`, of the same dtype."""
    parent = current()
    body = Builder(parent, loop=True)
    test = Builder(body)
    low, high = body.bind(I64), body.bind(I64)
    with opened(test):
        more, = emit("lt", [low, high], [(BOOL, ())])
    with opened(body):
        middle, = emit("shift_right", [op("add", low, high), Lit(1)], [(I64, ())])
        item, = emit("get", [a, middle], [(a.dtype, ())], codes="i")
        up = before(item, key) if side == "left" else negate(before(key, item))
        ends = [select(up, op("add", middle, Lit(1)), low), select(up, high, middle)]
    n = a.shape[0]
    found, _ = emit("while", [Lit(0), n], [(I64, ())] * 2, blocks=[
        rename(Block([low, high], test.eqns, [more]), {}), Block([low, high], body.eqns, ends)])
    dm.bound(found, 0, dm.MAX_DIM)
    dm.fact(dm.minus(dm.form(n), dm.form(found)))
    return found


def interpolated(x: Atom, points: Atom, values: Atom, left: Atom | None,
                 right: Atom | None) -> Atom:
    """np.interp at one x, operation for operation as NumPy: f64 points, f64 or complex values."""
    n = points.shape[0]
    last = dm.dim(dm.minus(dm.form(n), dm.ONE))

    def at(array: Atom, k: Any) -> Atom:
        return emit("get", [array, k], [(array.dtype, ())], codes="i")[0]

    def widened(atom: Atom) -> Atom:
        return op("convert", atom, dtype=values.dtype) if values.dtype.kind == "c" else atom
    place = search(points, x, "right")
    j = op("maximum", op("sub", place, Lit(1)), Lit(0))
    k = op("minimum", op("add", j, Lit(1)), last if isinstance(last, Var) else Lit(last))
    x0, x1, y0, y1 = at(points, j), at(points, k), at(values, j), at(values, k)
    slope = op("div", op("sub", y1, y0), widened(op("sub", x1, x0)))
    result = op("add", op("mul", slope, widened(op("sub", x, x0))), y0)
    from_right = op("add", op("mul", slope, widened(op("sub", x, x1))), y1)
    result = select(op("isnan", result), from_right, result)
    result = select(both(op("isnan", result), op("eq", y0, y1)), y0, result)
    result = select(either(op("eq", x0, x), op("eq", j, k)), y0, result)
    first, end = at(values, Lit(0)), at(values, last)
    result = select(op("lt", x, at(points, Lit(0))), first if left is None else left, result)
    result = select(op("gt", x, at(points, last)), end if right is None else right, result)
    nan = constant(float("nan"), values)
    return select(op("isnan", x), widened(x) if values.dtype.kind != "c" else nan, result)
