"""Move what does not change in a loop in front of it.

    b:f64[] = for 0 n 1 0.0 { lambda i c. let d = exp x; e = add c d in (e,) }
    ->
    d = exp x
    b:f64[] = for 0 n 1 0.0 { lambda i c. let e = add c d in (e,) }

Moved are pure, total equations: they may run though the loop makes no trip. From an arm of a `cond`
only cheap ones move, since the arm may never run. One walk moves an equation as far out as its
operands allow.
"""

from __future__ import annotations

from hotloop.ir.core import Block, Eqn, Program, Var, reads
from hotloop.ops.table import PURE, carries_from, row
from hotloop.passes.if_convert import is_cheap


def hoist(program: Program) -> Program:
    walk = _Hoist()
    walk.block(program, loop=False)
    return Program(program.params, walk.done, program.outs, program.name, program.into)


class _Hoist:
    """`levels[k]` collects the equations of the k-th block around the present place; `loops[k]`
    says whether it is part of a loop (else an arm); `level_of` where a Var is bound."""

    def __init__(self) -> None:
        self.levels: list[list[Eqn]] = []
        self.loops: list[bool] = []
        self.level_of: dict[Var, int] = {}
        self.done: list[Eqn] = []

    def block(self, block: Block, loop: bool) -> Block:
        level = len(self.levels)
        self.levels.append([])
        self.loops.append(loop)
        for param in block.params:
            self.level_of[param] = level
        for eqn in block.eqns:
            self.equation(eqn, level)
        self.loops.pop()
        self.done = self.levels.pop()
        return Block(block.params, self.done, block.outs)

    def equation(self, eqn: Eqn, level: int) -> None:
        if eqn.blocks:
            loop = carries_from(eqn) is not None
            blocks = [self.block(b, loop) for b in eqn.blocks]
            eqn = Eqn(eqn.op, eqn.ins, eqn.outs, eqn.params, blocks, eqn.location)
        else:
            level = self.target(eqn, level)
        self.levels[level].append(eqn)
        for out in eqn.outs:
            self.level_of[out] = level

    def target(self, eqn: Eqn, level: int) -> int:
        """The outermost block where `eqn` may stand."""
        op = row(eqn)
        if level == 0 or op.effect != PURE or not op.total:
            return level
        outermost = max((self.level_of.get(v, 0) for v in reads(eqn)), default=0)
        cheap = is_cheap(eqn)
        best = level
        for outer in range(level - 1, outermost - 1, -1):
            if not self.loops[outer + 1] and not cheap:
                break                           # leaving an arm
            if self.loops[outer + 1]:
                best = outer                    # leaving a loop: worth it
        return best
