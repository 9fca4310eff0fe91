"""A linear half for tangents of which some are zero: what would only carry zeros is left out.

    t = mul a c; u = mul b d; v = add t u       and b is zero    ->      t = mul a c      (v is t)

`jacfwd` with respect to one of several arguments, or `jvp` of some of them, would else multiply
zeros, which the compiler may not drop: 0 times infinity is no zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hotloop.ir.core import Atom, Block, Eqn, Var, free_vars
from hotloop.ops import elementwise, index
from hotloop.ops.emit import Emit
from hotloop.ops.table import carries_from
from hotloop.transforms.activity import is_float
from hotloop.transforms.tangents import fitted


def without(eqns: Sequence[Eqn], outs: Sequence[Atom | None], inputs: Iterable[Var],
            zero: Iterable[Var]) -> tuple[list[Eqn], list[Atom | None]]:
    """The equations and results of a linear half if the inputs `zero` are; None for a result that
    is zero, too."""
    walk = _Without(inputs, zero)
    b = Emit()
    walk.block(eqns, b)
    return b.eqns, [None if a is None else walk.given(a) for a in outs]


class _Without:
    """`linear`: Vars that depend on tangents; `env`: what a Var is now, None for zero."""

    def __init__(self, inputs: Iterable[Var], zero: Iterable[Var]):
        self.linear: set[Atom] = {*inputs}
        self.env: dict[Atom, Atom | None] = dict.fromkeys(zero)

    def given(self, atom: Atom) -> Atom | None:
        return self.env.get(atom, atom)

    def made(self, atom: Atom, b: Emit) -> Atom:
        value = self.given(atom)
        return b.zeros(atom.type) if value is None else value

    def block(self, eqns: Sequence[Eqn], b: Emit) -> None:
        for eqn in eqns:
            b.location = eqn.location
            captured = [v for inner in eqn.blocks for v in free_vars(inner) if v in self.linear]
            linear = [a for a in eqn.ins if a in self.linear] + captured
            if not linear:
                b.eqns.append(eqn)
                continue
            self.linear.update(v for v in eqn.outs if is_float(v))
            if all(self.given(a) is None for a in linear):
                self.env.update(dict.fromkeys(v for v in eqn.outs if is_float(v)))
                if not all(map(is_float, eqn.outs)):
                    b.eqns.append(self.whole(eqn, b))           # sizes are results, too
            elif not self.shortened(eqn, b):
                b.eqns.append(self.whole(eqn, b))

    def whole(self, eqn: Eqn, b: Emit) -> Eqn:
        """The equation, with zeros for operands that are."""
        if all(self.given(a) is a for a in eqn.ins) and not eqn.blocks:
            return eqn
        ins = [self.made(a, b) for a in eqn.ins]
        if carries_from(eqn) is not None:
            self.linear.update(v for v in eqn.blocks[-1].params if is_float(v))
        blocks = []
        for inner in eqn.blocks:
            body = Emit()
            self.block(inner.eqns, body)
            outs = [self.made(a, body) for a in inner.outs]
            blocks.append(Block(inner.params, body.eqns, outs))
        return Eqn(eqn.op, ins, eqn.outs, eqn.params, blocks, eqn.location)

    def shortened(self, eqn: Eqn, b: Emit) -> bool:
        """A sum of which one term is zero is the other one."""
        out = eqn.outs[0]
        if eqn.op in (elementwise.add, elementwise.sub):
            x, y = map(self.given, eqn.ins)
            if x is not None and y is None:
                self.env[out] = fitted(x, out.shape, b)
                return True
            if x is None and y is not None:
                y = y if eqn.op is elementwise.add else b.neg(y)
                self.env[out] = fitted(y, out.shape, b)
                return True
        if eqn.op is index.addat and self.given(eqn.ins[1]) is None:
            self.env[out] = self.given(eqn.ins[0])
            return True
        return False
