"""The tangents of one equation, by the rule of its row.

    Tangents(active).equation(eqn, p, l)        # tangent[y] for each active result y of eqn

`p` takes what does not depend on tangents (coefficients), `l` the equations that are linear in
them. With p is l this is forward mode; apart, it is linearization: no partial evaluation is needed.
A Var without a tangent has derivative zero; a zero is made only where control flow joins it with
something else.
"""

from __future__ import annotations

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Dim, Eqn, Lit, Var
from hotloop.ir.types import Type, same_shape
from hotloop.ops.derivative import MINUS_ONE, ONE, Linear, Over, Partials, Zero
from hotloop.ops.emit import Emit
from hotloop.ops.table import Invoke, Map, row
from hotloop.transforms.activity import is_float

recursion = lazy.module("hotloop.transforms.recursion")


class Tangents:
    """`tangent` maps active Vars to theirs; `active` says which Vars may have one."""

    def __init__(self, active: set[Var]):
        self.active = active
        self.tangent: dict[Var, Atom] = {}

    def of(self, atom: Atom) -> Atom | None:
        return self.tangent.get(atom) if isinstance(atom, Var) else None

    def made(self, atom: Atom, l: Emit) -> Atom:
        """The tangent of `atom`, zeros if it has none."""
        tangent = self.of(atom)
        return l.zeros(atom.type) if tangent is None else tangent

    def is_active(self, eqn: Eqn) -> bool:
        return any(out in self.active for out in eqn.outs)

    def equation(self, eqn: Eqn, p: Emit, l: Emit) -> None:
        """`eqn` itself is in `p` already."""
        tangents = [self.of(atom) for atom in eqn.ins]
        if all(t is None for t in tangents) or not self.is_active(eqn):
            return
        p.location = l.location = eqn.location
        if isinstance(row(eqn).lowering, Invoke):
            self.call(eqn, p, l)
            return
        for out, tangent in zip(eqn.outs, pushed(eqn, tangents, p, l), strict=True):
            if tangent is not None and out in self.active:
                self.tangent[out] = fitted(tangent, out.shape, l)


    def call(self, eqn: Eqn, p: Emit, l: Emit) -> None:
        """Of a function that calls itself. In forward mode its derivative takes its place, as it
        gives the results, too; elsewhere those are forgotten."""
        floats = [a for a in eqn.ins if is_float(a)]
        if p is l:
            p.eqns.pop()
        tangents = [self.made(a, l) for a in floats]
        made, found = recursion.along(eqn if p is l else again(eqn), tangents)
        l.eqns.append(made)
        for out, tangent in zip([v for v in eqn.outs if is_float(v)], found, strict=True):
            self.tangent[out] = l.reshape(tangent, out.shape)


def again(eqn: Eqn) -> Eqn:
    """The equation with other results, whose sizes may be among them."""
    new: dict[Dim, Dim] = {}
    for out in eqn.outs:
        new[out] = Var(Type(out.dtype, tuple(new.get(d, d) for d in out.shape)))
    outs = [v for v in new.values() if isinstance(v, Var)]
    return Eqn(eqn.op, eqn.ins, outs, eqn.params, eqn.blocks, eqn.location)


def pushed(eqn: Eqn, tangents: list[Atom | None], p: Emit, l: Emit) -> list[Atom | None]:
    """Tangents of the results; raises UnsupportedError if the op has no rule."""
    rule = row(eqn).derivative
    if rule is None:
        function = eqn.params.get("function")
        name = getattr(getattr(function, "function", function), "__name__", eqn.op.name)
        raise UnsupportedError(
            f"the derivative of {name} is not known", eqn.location,
            "give the function a rule with custom_jvp or custom_vjp, or stop_gradient its argument")
    if isinstance(rule, Zero):
        return [None] * len(eqn.outs)
    if isinstance(rule, Partials):
        return [_elementwise(eqn, rule, tangents, p, l)]
    if isinstance(rule, Linear):
        return _linear(eqn, rule, tangents, l)
    return rule.jvp(p, l, eqn, tangents)


def _elementwise(eqn: Eqn, rule: Partials, tangents: list[Atom | None], p: Emit,
                 l: Emit) -> Atom | None:
    total: Atom | None = None
    for partial, tangent in zip(rule.of, tangents, strict=True):
        if tangent is None or partial is None:
            continue
        factor = partial(p, eqn.outs[0], *eqn.ins, **eqn.params) if callable(partial) else partial
        term = _times(tangent, factor, l)
        total = term if total is None else l.add(total, term)
    return total


def _times(tangent: Atom, factor: object, l: Emit) -> Atom:
    if factor is ONE:
        return tangent
    if factor is MINUS_ONE:
        return l.neg(tangent)
    if isinstance(factor, Over):
        return l.div(tangent, factor.d)
    return l.mul(tangent, factor)


def _linear(eqn: Eqn, rule: Linear, tangents: list[Atom | None], l: Emit) -> list[Atom | None]:
    if all(tangents[k] is None for k in rule.operands):
        return [None] * len(eqn.outs)
    scalar = isinstance(row(eqn).lowering, Map)         # a 0 of rank 0 will do
    ins = list(eqn.ins)
    for k in rule.operands:
        tangent, operand = tangents[k], eqn.ins[k]
        if tangent is None:
            tangent = Lit(0, operand.dtype) if scalar else l.zeros(operand.type)
        ins[k] = tangent
    result = l.again(eqn, ins)
    return result if isinstance(result, list) else [result]


def fitted(x: Atom, shape: tuple[Dim, ...], b: Emit) -> Atom:
    """`x` with exactly this shape: that of a scalar is repeated; dimensions of other names are
    known to be equal."""
    if same_shape(x.shape, shape):
        return x
    return b.broadcast(x, shape, ()) if not x.shape else b.reshape(x, shape)


def like(var: Var) -> Var:
    """A fresh Var of the same type, for a tangent or cotangent."""
    return Var(Type(var.dtype, var.shape), var.hint)


__all__ = ["Tangents", "fitted", "is_float", "like", "pushed"]
