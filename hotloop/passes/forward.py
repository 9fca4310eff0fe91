"""Rebuild a Program from front to back, replacing values: what most passes share.

    class DropNegNeg(Forward):
        def visit(self, eqn, out):      # operands are already replaced
            ...
            return [x]                  # use these instead of the results; None keeps the equation

A Var is bound once in a Program, so one mapping serves all blocks. Where a dimension is replaced,
the Vars with it in their type are too. Depth of recursion is the nesting of blocks, never
the number of equations.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Program, Var
from hotloop.ir.types import Type
from hotloop.ops.table import make_eqn, row


class Forward:
    """Subclasses override `visit`, and `enter`/`leave` around the equations of a block."""

    def __init__(self) -> None:
        self.replaced: dict[Var, Atom] = {}

    # -- to override

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        """Atoms to use instead of the results, or None to keep `eqn`. Its operands are replaced,
        its blocks are not rebuilt yet. Equations appended to `out` come before it."""
        return None

    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        """Like `visit`, for an equation that is kept, with its blocks rebuilt; appends it."""
        out.append(eqn)
        return None

    def enter(self, eqn: Eqn, block: Block) -> None:
        """Before a block of `eqn` is rebuilt."""

    def leave(self, eqn: Eqn, block: Block) -> None:
        """After it."""

    # -- machinery

    def run(self, program: Program) -> Program:
        eqns = self.equations(program.eqns, [])
        return Program(program.params, eqns, [self.atom(a) for a in program.outs], program.name,
                       program.into)

    def atom(self, atom: Atom) -> Atom:
        while isinstance(atom, Var) and atom in self.replaced:
            atom = self.replaced[atom]
        return atom

    def dim(self, dim: Dim) -> Dim:
        if not isinstance(dim, Var):
            return dim
        atom = self.atom(dim)
        return int(atom.value) if isinstance(atom, Lit) else atom

    def bound(self, var: Var) -> Var:
        """`var`, or a new Var in its place if a dimension of its type is replaced."""
        if not var.shape or not any(d in self.replaced for d in var.shape
                                    if d.__class__ is Var):
            return var
        new = Var(Type(var.dtype, tuple(map(self.dim, var.shape))), var.hint)
        self.replaced[var] = new
        return new

    def equations(self, eqns: Sequence[Eqn], out: list[Eqn]) -> list[Eqn]:
        for eqn in eqns:
            self.equation(eqn, out)
        return out

    def equation(self, eqn: Eqn, out: list[Eqn]) -> None:
        old = eqn.outs
        eqn = self.operands_replaced(eqn)
        results = self.visit(eqn, out)
        if results is None:
            if eqn.blocks:
                eqn = self.blocks_rebuilt(eqn)
            results = self.keep(eqn, out)
            if results is None:
                results = eqn.outs
        if results is not old:
            self.replace(old, results)

    def replace(self, outs: Sequence[Var], atoms: Sequence[Atom]) -> None:
        for var, atom in zip(outs, atoms, strict=True):
            if var is not atom:
                self.replaced[var] = atom

    def operands_replaced(self, eqn: Eqn) -> Eqn:
        replaced = self.replaced
        if not replaced:
            return eqn
        ins = tuple([self.atom(a) if a.__class__ is Var and a in replaced else a
                     for a in eqn.ins])
        outs = tuple([self.bound(v) if v.type.shape else v for v in eqn.outs])
        if ins == eqn.ins and outs == eqn.outs:
            return eqn
        if outs != eqn.outs:        # dimensions among the results themselves
            for var in outs:
                var.type = Type(var.dtype, tuple(map(self.dim, var.shape)))
        return Eqn(eqn.op, ins, outs, eqn.params, eqn.blocks, eqn.location)

    def block(self, eqn: Eqn, block: Block) -> Block:
        self.enter(eqn, block)
        params = [self.bound(p) for p in block.params]
        eqns = self.equations(block.eqns, [])
        outs = [self.atom(a) for a in block.outs]
        self.leave(eqn, block)
        if eqns == block.eqns and outs == block.outs and params == block.params:
            return block
        return Block(params, eqns, outs)

    def blocks_rebuilt(self, eqn: Eqn) -> Eqn:
        blocks = tuple([self.block(eqn, b) for b in eqn.blocks])
        return eqn if blocks == eqn.blocks else self.retyped(eqn, blocks)

    def retyped(self, eqn: Eqn, blocks: tuple[Block, ...]) -> Eqn:
        """`eqn` with other blocks; results whose dimensions came out otherwise are new Vars."""
        if not any(v.shape for v in eqn.outs) or _same_types(eqn, blocks):
            return Eqn(eqn.op, eqn.ins, eqn.outs, eqn.params, blocks, eqn.location)
        fresh = make_eqn(row(eqn), eqn.ins, eqn.params, blocks, eqn.location)
        same = dict(zip(fresh.outs, eqn.outs, strict=True))
        if all(len(new.shape) == len(old.shape) and all(
                same.get(p, p) is q if isinstance(p, Var) else p == q
                for p, q in zip(new.shape, old.shape, strict=True))
                for new, old in zip(fresh.outs, eqn.outs, strict=True)):
            return Eqn(eqn.op, eqn.ins, eqn.outs, eqn.params, blocks, eqn.location)
        return fresh


def _same_types(eqn: Eqn, blocks: tuple[Block, ...]) -> bool:
    """Whether `blocks` give results of the types of the old ones; quicker than the op's rule."""
    if any(d in eqn.outs for v in eqn.outs for d in v.shape):
        return False
    return all(new.params == old.params and all(
        a is b or a.type == b.type for a, b in zip(new.outs, old.outs, strict=True))
        for new, old in zip(blocks, eqn.blocks, strict=True))
