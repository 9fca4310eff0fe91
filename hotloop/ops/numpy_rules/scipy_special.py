"""Rules of the ufuncs of scipy.special that are called back.

    gammaln' = psi,  ndtr'(x) = exp(-x*x/2) / sqrt(2 pi)

Formulas are in NIST's Digital Library of Mathematical Functions. None stands where the derivative
with respect to that operand has no formula here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hotloop.ir.core import Atom, Eqn
from hotloop.ops import callbacks
from hotloop.ops.numpy_rules.table import call, keyword, rule, unsupported

ROOT_PI = math.sqrt(math.pi)
ROOT_2_PI = math.sqrt(2 * math.pi)


class _Calls:
    """The builder of coefficients, and other functions of SciPy: `s.of("psi", x)`."""

    def __init__(self, p: Any, eqn: Eqn):
        self.p, self.y = p, eqn.outs[0]

    def of(self, name: str, *operands: Atom) -> Any:
        whole = [self.p.broadcast(a, self.y.shape, ()) if not a.shape else a for a in operands]
        return call(self.p, callbacks.of_scipy, whole, [(self.y.dtype, self.y.shape)], name=name)

    def number(self, value: float) -> Any:
        return self.p.full(value, self.y.shape, self.y.dtype)

    def bell(self, x: Atom) -> Any:
        """exp(-x*x/2)"""
        return self.p.exp(self.p.mul(self.p.mul(x, x), -0.5))


Coefficient = Callable[..., Any]


def _halved_difference(name: str) -> Coefficient:
    """Of Bessel functions: (f of order v-1 less f of order v+1) / 2."""
    def coefficient(s: Any, y: Atom, v: Atom, x: Atom) -> Any:
        below, above = (s.of(name, s.p.add(v, d), x) for d in (-1.0, 1.0))
        return s.p.mul(s.p.sub(below, above), 0.5)
    return coefficient


def _gamma_density(s: Any, y: Atom, a: Atom, x: Atom) -> Any:
    p = s.p
    return p.exp(p.sub(p.sub(p.mul(p.sub(a, 1.0), p.log(x)), x), s.of("gammaln", a)))


def _beta_density(s: Any, y: Atom, a: Atom, b: Atom, x: Atom) -> Any:
    p = s.p
    log = p.add(p.mul(p.sub(a, 1.0), p.log(x)), p.mul(p.sub(b, 1.0), p.log1p(p.neg(x))))
    return p.exp(p.sub(log, s.of("betaln", a, b)))


def _beta_slope(s: Any, x: Atom, other: Atom) -> Any:
    return s.p.sub(s.of("psi", x), s.of("psi", s.p.add(x, other)))


def _first_integral(s: Any, y: Atom, m: Atom) -> Any:
    p = s.p
    return p.div(p.sub(p.div(s.of("ellipe", m), p.sub(1.0, m)), y), p.mul(m, 2.0))


RULES: dict[str, tuple[Coefficient | None, ...]] = {
    "gammaln": (lambda s, y, x: s.of("psi", x),),
    "gamma": (lambda s, y, x: s.p.mul(y, s.of("psi", x)),),
    "psi": (lambda s, y, x: s.of("zeta", s.number(2.0), x),),
    "zeta": (None, lambda s, y, k, x: s.p.neg(s.p.mul(k, s.of("zeta", s.p.add(k, 1.0), x)))),
    "beta": (lambda s, y, a, b: s.p.mul(y, _beta_slope(s, a, b)),
             lambda s, y, a, b: s.p.mul(y, _beta_slope(s, b, a))),
    "betaln": (lambda s, y, a, b: _beta_slope(s, a, b), lambda s, y, a, b: _beta_slope(s, b, a)),
    "gammainc": (None, _gamma_density),
    "gammaincc": (None, lambda s, y, a, x: s.p.neg(_gamma_density(s, y, a, x))),
    "betainc": (None, None, _beta_density),
    "ndtr": (lambda s, y, x: s.p.div(s.bell(x), ROOT_2_PI),),
    "log_ndtr": (lambda s, y, x: s.p.div(s.p.exp(s.p.sub(
        s.p.mul(s.p.mul(x, x), -0.5), y)), ROOT_2_PI),),
    "ndtri": (lambda s, y, x: s.p.div(s.number(ROOT_2_PI), s.bell(y)),),
    "erfinv": (lambda s, y, x: s.p.mul(s.p.exp(s.p.mul(y, y)), ROOT_PI / 2),),
    "erfcinv": (lambda s, y, x: s.p.mul(s.p.exp(s.p.mul(y, y)), -ROOT_PI / 2),),
    "erfcx": (lambda s, y, x: s.p.sub(s.p.mul(s.p.mul(x, y), 2.0), 2 / ROOT_PI),),
    "dawsn": (lambda s, y, x: s.p.sub(1.0, s.p.mul(s.p.mul(x, y), 2.0)),),
    "entr": (lambda s, y, x: s.p.sub(-1.0, s.p.log(x)),),
    "rel_entr": (lambda s, y, a, b: s.p.add(s.p.log(s.p.div(a, b)), 1.0),
                 lambda s, y, a, b: s.p.neg(s.p.div(a, b))),
    "kl_div": (lambda s, y, a, b: s.p.log(s.p.div(a, b)),
               lambda s, y, a, b: s.p.sub(1.0, s.p.div(a, b))),
    "log_expit": (lambda s, y, x: s.p.neg(s.p.expm1(y)),),
    "j0": (lambda s, y, x: s.p.neg(s.of("j1", x)),),
    "j1": (lambda s, y, x: _halved_difference("jv")(s, y, s.number(1.0), x),),
    "y0": (lambda s, y, x: s.p.neg(s.of("y1", x)),),
    "y1": (lambda s, y, x: _halved_difference("yv")(s, y, s.number(1.0), x),),
    "jv": (None, _halved_difference("jv")), "yv": (None, _halved_difference("yv")),
    "i0": (lambda s, y, x: s.of("i1", x),),
    "i1": (lambda s, y, x: s.p.mul(s.p.add(s.of("i0", x), s.of("iv", s.number(2.0), x)), 0.5),),
    "iv": (None, lambda s, y, v, x: s.p.mul(s.p.add(
        s.of("iv", s.p.sub(v, 1.0), x), s.of("iv", s.p.add(v, 1.0), x)), 0.5)),
    "k0": (lambda s, y, x: s.p.neg(s.of("k1", x)),),
    "k1": (lambda s, y, x: s.p.mul(s.p.add(s.of("k0", x), s.of("kv", s.number(2.0), x)), -0.5),),
    "kv": (None, lambda s, y, v, x: s.p.mul(s.p.add(
        s.of("kv", s.p.sub(v, 1.0), x), s.of("kv", s.p.add(v, 1.0), x)), -0.5)),
    "ellipk": (lambda s, y, m: _first_integral(s, y, m),),
    "ellipe": (lambda s, y, m: s.p.div(s.p.sub(y, s.of("ellipk", m)), s.p.mul(m, 2.0)),),
    "expm1": (lambda s, y, x: s.p.add(y, 1.0),), "cosm1": (lambda s, y, x: s.p.neg(s.p.sin(x)),),
    "exp10": (lambda s, y, x: s.p.mul(y, math.log(10)),),
    "cbrt": (lambda s, y, x: s.p.div(y, s.p.mul(x, 3.0)),),
}


@rule(callbacks.of_scipy)
def of_scipy(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    name = keyword(eqn, "name")
    operands = eqn.ins[:eqn.params.get("take", len(eqn.ins))]
    found = RULES.get(name, ())
    if len(eqn.outs) != 1 or eqn.outs[0].dtype.kind != "f":
        found = ()
    total = None
    for k, t in enumerate(tangents[:len(operands)]):
        if t is None:
            continue
        coefficient = found[k] if k < len(found) else None
        if coefficient is None:
            raise unsupported(eqn, f"the derivative of scipy.special.{name} is not known"
                              + (f" with respect to operand {k}" if found else ""))
        term = l.mul(t, coefficient(_Calls(p, eqn), eqn.outs[0], *operands))
        total = term if total is None else l.add(total, term)
    return [total]
