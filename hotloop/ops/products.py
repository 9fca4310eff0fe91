"""Derivatives of products that are right where factors are 0, at every order.

    d prod(x) = sum over k of (product of the other factors) * dx[k]

Nothing divides by a factor: the product of the others is that of those before times that of those
behind, and the running product's tangent follows its own recurrence.
"""

from __future__ import annotations

from typing import Any

from hotloop.ir.core import Atom, Block, Eqn, Var
from hotloop.ir.types import I64, Type
from hotloop.ops.domains import atom_of, dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import OPS


def product_of_others(b: Emit, x: Atom, axis: int) -> Atom:
    """At each element, the product of all others along the axis."""
    n = x.shape[axis]
    longer = n + 1 if isinstance(n, int) else b.op("add", n, 1)
    shape = [longer if k == axis else d for k, d in enumerate(x.shape)]

    def before(v: Atom) -> Atom:
        shifted = b.put(b.full(1, shape, x.dtype), v, axis, 1)
        return b.part(b.op("cumprod", shifted, axis=axis), axis, 0, atom_of(n))

    behind = b.reversed(before(b.reversed(x, axis)), axis)
    return b.op("mul", before(x), behind)


def reduce_prod_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    x, axes = eqn.ins[0], tuple(sorted(eqn.params["axes"]))
    if not axes:
        return tangents
    if len(axes) == 1:
        others = product_of_others(p, x, axes[0])
    else:
        order = (*(k for k in range(len(x.shape)) if k not in axes), *axes)
        moved = p.transpose(x, order)
        kept = moved.shape[:len(order) - len(axes)]
        flat = p.reshape(moved, (*kept, dim_of(p.count(moved.shape[len(kept):]))))
        others = p.reshape(product_of_others(p, flat, len(kept)), moved.shape)
        others = p.transpose(others, [order.index(k) for k in range(len(order))])
    return [l.sum(l.mul(tangents[0], others), axes)]


def cumprod_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """dy[i] = x[i] dy[i-1] + y[i-1] dx[i], a loop over the axis."""
    x, y, axis, tangent = eqn.ins[0], eqn.outs[0], eqn.params["axis"], tangents[0]
    codes = ":" * axis + "i" + ":" * (len(x.shape) - axis - 1)
    others = Type(x.dtype, (*x.shape[:axis], *x.shape[axis + 1:]))
    i, last, filled = Var(Type(I64)), Var(others), Var(x.type)
    b = Emit(location=l.location)
    before = b.op("select", b.op("eq", i, 0), 1.0, b.op(
        "get", y, b.op("maximum", b.op("sub", i, 1), 0), codes=codes))
    now = b.op("add", b.op("mul", last, b.op("get", x, i, codes=codes)),
               b.op("mul", b.op("get", tangent, i, codes=codes), before))
    stored = b.op("set", filled, now, i, codes=codes)
    body = Block([i, last, filled], b.eqns, [now, stored])
    inits = (0, atom_of(x.shape[axis]), 1, l.zeros(others), l.zeros(x.type))
    return [l.row(OPS["for"], inits, {}, [body])[1]]
