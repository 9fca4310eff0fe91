"""Rules of other functions that are called back: gamma, i0, ufuncs without an op, their reductions.

    gamma' = gamma * digamma,  i0' = i1

The families of the polygamma functions and of the modified Bessel functions are closed under
derivatives, so all orders are there (`ops.callbacks`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Eqn
from hotloop.ops import callbacks
from hotloop.ops.derivative import Over, Partials, Rule
from hotloop.ops.numpy_rules.table import (
    INVOKED,
    call,
    keyword,
    linear,
    rule,
    unsupported,
    zero,
)
from hotloop.ops.table import OPS


def _like(p: Any, eqn: Eqn, function: Any, *operands: Atom, **keywords: Any) -> Any:
    """A call with a result of the same type."""
    y = eqn.outs[0]
    return call(p, function, operands, [(y.dtype, y.shape)], **keywords)


@rule(math.gamma)
def gamma(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [l.mul(tangents[0], p.mul(eqn.outs[0], _like(
        p, eqn, callbacks.polygamma, eqn.ins[0], order=0)))]


@rule(math.lgamma)
def lgamma(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [l.mul(tangents[0], _like(p, eqn, callbacks.polygamma, eqn.ins[0], order=0))]


@rule(callbacks.polygamma)
def polygamma(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    order = keyword(eqn, "order") + 1
    return [l.mul(tangents[0], _like(p, eqn, callbacks.polygamma, eqn.ins[0], order=order))]


def i0(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """The result is the last one, behind its dimensions."""
    k, y = eqn.params["function"].args[0].k, eqn.outs[-1]
    x = p.reshape(p.convert(eqn.ins[k], y.dtype), y.shape)
    slope = call(p, callbacks.bessel_i, [x], [(y.dtype, y.shape)], order=1)
    tangent = l.reshape(l.convert(tangents[k], y.dtype), y.shape)
    return [*[None] * (len(eqn.outs) - 1), l.mul(tangent, slope)]


INVOKED[np.i0] = Rule(i0)


@rule(callbacks.bessel_i)
def bessel_i(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    order = keyword(eqn, "order")
    sides = [_like(p, eqn, callbacks.bessel_i, eqn.ins[0], order=abs(order + d)) for d in (-1, 1)]
    return [l.mul(tangents[0], p.mul(p.add(*sides), 0.5))]


# ---- ufuncs

def _as_its_op(row: Any) -> Any:
    """Functions of complex numbers: the formula of the op that takes real ones."""
    def jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
        x, y, t = eqn.ins[0], eqn.outs[0], tangents[0]
        factor = row.derivative.of[0](p, y, x)
        return [l.div(t, factor.d) if isinstance(factor, Over) else l.mul(t, factor)]
    return jvp


for _name in ("tan", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "exp2",
              "expm1", "log1p"):
    assert isinstance(OPS[_name].derivative, Partials)
    rule(getattr(np, _name))(_as_its_op(OPS[_name]))


@rule(np.nextafter, math.nextafter)
def nextafter(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [tangents[0]]


def _scale_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.again(eqn, (ct, *eqn.ins[1:]))


linear(np.ldexp, transpose=_scale_transpose)


@rule(np.frexp)
def frexp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    mantissa, exponent = eqn.outs
    return [call(l, np.ldexp, [tangents[0], p.neg(exponent)],
                 [(mantissa.dtype, mantissa.shape)]), None]


zero(np.rint, np.spacing, math.ulp)


# ---- reductions

@rule(callbacks.ufunc_reduce)
def ufunc_reduce(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    x, y, name = eqn.ins[0], eqn.outs[0], keyword(eqn, "ufunc")
    axis = keyword(eqn, "axis")
    axes = axis if isinstance(axis, tuple) else (axis,)
    weights = REDUCTIONS.get(name)
    if weights is None:
        raise unsupported(eqn, f"the derivative of np.{name}.reduce is not known")
    return [l.sum(l.mul(tangents[0], weights(p, x, p.spread(y, x.shape, axes), axes)), axes)]


def _share(p: Any, x: Atom, y: Atom, axes: Any) -> Atom:
    there = p.convert(p.eq(x, y), x.dtype)
    return p.div(there, p.spread(p.sum(there, axes), x.shape, axes))


def _part_of_norm(p: Any, x: Atom, y: Atom, axes: Any) -> Atom:
    return p.div(x, p.select(p.eq(y, 0.0), 1.0, y))


REDUCTIONS = {
    "logaddexp": lambda p, x, y, axes: p.exp(p.sub(x, y)),
    "logaddexp2": lambda p, x, y, axes: p.exp2(p.sub(x, y)),
    "hypot": _part_of_norm, "fmax": _share, "fmin": _share,
}
