"""Rebuild a Program with some equations replaced by others.

    class DropStops(Rebuild):
        def stop_gradient(self, eqn, out):          # the rule of the op of that name
            self.replace(eqn.outs, [self.atom(eqn.ins[0])])

Everything gets fresh Vars, so rules may copy equations in as often as they like.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Program, Var
from hotloop.ir.types import Type
from hotloop.ops.emit import Emit


class Rebuild:
    """`env`: old Vars to atoms of the new Program. `rules`: names of ops that are replaced by the
    method of the same name, `(eqn, out)`: its blocks are as they were."""

    rules: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.env: dict[Var, Atom] = {}

    def program(self, program: Program) -> Program:
        made = self.block(program)
        params = dict(zip(program.params, made.params, strict=True))
        return Program(made.params, made.eqns, made.outs, program.name,
                       [None if v is None else params[v] for v in program.into])

    def atom(self, a: Atom) -> Atom:
        return self.env.get(a, a) if isinstance(a, Var) else a

    def dim(self, d: Dim) -> Dim:
        new = self.env.get(d, d) if isinstance(d, Var) else d
        return int(new.value) if isinstance(new, Lit) else new

    def bind(self, variables: Sequence[Var]) -> list[Var]:
        """New Vars of the same types, whose dimensions may be among them."""
        made = [Var(Type(v.dtype), v.hint) for v in variables]
        self.env.update(zip(variables, made, strict=True))
        for new, old in zip(made, variables, strict=True):
            new.type = Type(old.dtype, tuple(map(self.dim, old.shape)))
        return made

    def block(self, block: Block) -> Block:
        params = self.bind(block.params)
        out = Emit()
        for eqn in block.eqns:
            if eqn.op.name in self.rules:
                out.location = eqn.location
                getattr(self, eqn.op.name)(eqn, out)
                continue
            ins = [self.atom(a) for a in eqn.ins]
            blocks = [self.block(b) for b in eqn.blocks]
            out.eqns.append(Eqn(eqn.op, ins, self.bind(eqn.outs), eqn.params, blocks,
                                eqn.location))
        return Block(params, out.eqns, [self.atom(a) for a in block.outs])

    def replace(self, outs: Sequence[Var], atoms: Sequence[Atom]) -> None:
        self.env.update(zip(outs, atoms, strict=True))
