"""What every transform begins and ends with: copies of a Program in which each Var is bound once.

    program = plain(program)            # the user's, to be differentiated: calls are inlined
    return fresh(made)                  # the result, where names have been reused
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Block, Eqn, Program, Var, rename
from hotloop.ops.emit import Emit
from hotloop.transforms.activity import is_float
from hotloop.transforms.rebuild import Rebuild
from hotloop.transforms.schedule import binomial, scheduled


def fresh(program: Program) -> Program:
    """A copy in which each Var is bound once."""
    copy = rename(program, {})
    assert isinstance(copy, Program)
    return copy


def plain(program: Program) -> Program:
    """A copy that can be differentiated: without calls, each Var bound once."""
    return _Inlined().program(program)


class _Inlined(Rebuild):
    rules = frozenset(("call", "checkpoint"))

    def call(self, eqn: Eqn, out: Emit) -> None:
        body, = eqn.blocks
        self.replace(body.params, [self.atom(a) for a in eqn.ins])
        inner = self.block(Block((), body.eqns, body.outs))
        out.eqns += inner.eqns
        self.replace(eqn.outs, inner.outs)

    def checkpoint(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        levels, slots = eqn.params.get("levels", 1), eqn.params.get("slots")
        if slots or levels > 1:
            out.eqns += binomial(block.eqns, slots) if slots else scheduled(block.eqns, levels)
            self.replace(eqn.outs, block.outs)
        else:
            out.eqns.append(Eqn(eqn.op, [self.atom(a) for a in eqn.ins], self.bind(eqn.outs),
                                eqn.params, [block], eqn.location))


def chosen(program: Program, wrt: Sequence[bool]) -> list[Var]:
    """The parameters that have derivatives."""
    return [v for v, wanted in zip(program.params, wrt, strict=True) if wanted and is_float(v)]
