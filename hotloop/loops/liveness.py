"""Which values a Program still needs: the look-ahead of the buffer planner.

    uses = Uses(program)
    scope = Scope(program, uses)        # one a block being lowered, linked outwards
    scope.position = 3                  # the equation being lowered
    scope.needed(x)                     # is x read after it, here or in what encloses this block?

Everything is computed once a Program: `Uses` holds for each block the last equation that reads a
Var (itself or in its blocks), so a query costs the depth of nesting.
"""

from __future__ import annotations

from hotloop.ir.core import Block, Eqn, Program, Var, reads
from hotloop.ops.table import Region

LOOPS = ("for", "while")


def region_kind(eqn: Eqn) -> str | None:
    """`cond`, `for`, `while`, `call`, or None for an equation without blocks."""
    lowering = eqn.op.lowering  # type: ignore[attr-defined]
    return lowering.kind if isinstance(lowering, Region) else None


class Uses:
    """Facts about all blocks of a Program.

    last      block -> {Var: index of the last equation that reads it; len(eqns) if a result}
    free      block -> outer Vars it reads
    count     Var -> number of equations and result lists that read it
    captured  Vars that a loop reads from outside: read again in each iteration
    definition  Var -> the equation it is a result of
    """

    def __init__(self, program: Program):
        self.last: dict[Block, dict[Var, int]] = {}
        self.free: dict[Block, frozenset[Var]] = {}
        self.count: dict[Var, int] = {}
        self.captured: set[Var] = set()
        self.definition: dict[Var, Eqn] = {}
        self._block(program)

    def _block(self, block: Block) -> frozenset[Var]:
        last: dict[Var, int] = {}
        own = set(block.params)
        count = self.count
        for position, eqn in enumerate(block.eqns):
            own.update(eqn.outs)
            for out in eqn.outs:
                self.definition[out] = eqn
            for var in reads(eqn):
                last[var] = position
                count[var] = count.get(var, 0) + 1
            loop = bool(eqn.blocks) and region_kind(eqn) in LOOPS
            for inner in eqn.blocks:
                free = self._block(inner)
                for var in free:
                    last[var] = position
                if loop:
                    self.captured |= free
        for param in block.params:
            for dim in param.shape:
                if isinstance(dim, Var):
                    last.setdefault(dim, 0)
        for atom in block.outs:
            if isinstance(atom, Var):
                last[atom] = len(block.eqns)
                count[atom] = count.get(atom, 0) + 1
        self.last[block] = last
        self.free[block] = result = frozenset(v for v in last if v not in own)
        return result

    def captures(self, eqn: Eqn) -> frozenset[Var]:
        """Outer Vars that the blocks of an equation read."""
        return frozenset().union(*(self.free[b] for b in eqn.blocks))


class Scope:
    """A block while it is lowered. `again`: Vars that the next iteration of the loop whose body
    this is reads (empty for other blocks). `reading`: what the present equation reads, itself or
    in its blocks. `repeated`: is it in a loop?"""

    __slots__ = ("again", "last", "parent", "position", "reading", "repeated")

    def __init__(self, block: Block, uses: Uses, parent: Scope | None = None,
                 again: frozenset[Var] = frozenset(), loop: bool = False):
        self.last, self.position, self.parent, self.again = uses.last[block], -1, parent, again
        self.reading: frozenset[Var] = frozenset()
        self.repeated: bool = loop or (parent is not None and parent.repeated)

    def needed_here(self, var: Var) -> bool:
        """Is `var` read after the present equation in this block?"""
        return self.last.get(var, -1) > self.position

    def needed_outside(self, var: Var) -> bool:
        """... in the next iteration of a loop around, or after the equation this block is in?"""
        scope: Scope | None = self
        while scope is not None:
            if var in scope.again:
                return True
            scope = scope.parent
            if scope is not None and scope.needed_here(var):
                return True
        return False

    def needed(self, var: Var) -> bool:
        return self.needed_here(var) or self.needed_outside(var)
