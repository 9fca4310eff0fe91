"""One equation for each value: equal pure equations are computed once, equal checks checked once.

    b:f64[] = exp a; c:f64[] = exp a; d:f64[] = add b c
    ->
    b:f64[] = exp a; d:f64[] = add b b

An equation replaces later ones of its block and of blocks inside, never of other arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.ir.core import Atom, Block, Eqn, Program, Var
from hotloop.ops.table import IO, row
from hotloop.passes.forward import Forward


def cse(program: Program) -> Program:
    return _Cse().run(program)


class _Cse(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Any, tuple[Var, ...]] = {}
        self.added: list[list[Any]] = []

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.blocks or row(eqn).effect == IO:
            return None
        key = (eqn.op.name, eqn.ins, tuple(eqn.params.items()))
        known = self.known.get(key)
        if known is not None:
            return known
        self.known[key] = eqn.outs
        if self.added:
            self.added[-1].append(key)
        return None

    def enter(self, eqn: Eqn, block: Block) -> None:
        self.added.append([])

    def leave(self, eqn: Eqn, block: Block) -> None:
        for key in self.added.pop():
            del self.known[key]
