"""Drop what nothing needs: pure equations, results of `cond`, carries of loops.

    b:f64[] c:f64[] = for 0 9 1 x y { lambda i d e. let f = add d d; g = sin e in (f, g) }
    in (b,)
    ->
    b:f64[] = for 0 9 1 x { lambda i d. let f = add d d in (f,) }
    in (b,)

Needed are the results, equations with an effect, and what these need; the rest goes. A carry is
needed if its last value is, or if the next value of a needed thing reads it: one sweep of marking
over the whole Program finds that, whatever the nesting.
"""

from __future__ import annotations

from hotloop.ir.core import Block, Eqn, Program, Var
from hotloop.ops.table import PURE, carries_from


def dce(program: Program) -> Program:
    marks = _Marks(program)
    return Program(program.params, _swept(program, marks).eqns, program.outs, program.name,
                   program.into)


class _Marks:
    """The needed Vars and equations. `owner[eqn]` is the equation around it."""

    def __init__(self, program: Program):
        self.vars: set[Var] = set()
        self.eqns: set[Eqn] = set()
        self.sources: dict[Var, tuple[Eqn, int]] = {}       # result or carry k of an equation
        self.plain: dict[Var, Eqn] = {}
        self.owner: dict[Eqn, Eqn | None] = {}
        self.pending: list[Var] = []
        self.enter(program, None)
        for out in program.outs:
            self.need(out)
        self.settle()

    def enter(self, block: Block, owner: Eqn | None) -> None:
        for eqn in block.eqns:
            self.owner[eqn] = owner
            if eqn.blocks:
                self.enter_region(eqn)
            else:
                for out in eqn.outs:
                    self.plain[out] = eqn
                if eqn.op.effect != PURE:
                    self.need_eqn(eqn)

    def enter_region(self, eqn: Eqn) -> None:
        first = carries_from(eqn)
        for k, out in enumerate(eqn.outs):
            self.sources[out] = (eqn, k)
        for block in eqn.blocks:
            self.enter(block, eqn)
            if first is not None:
                skip = first if block is eqn.blocks[-1] else 0
                for k, param in enumerate(block.params[skip:]):
                    self.sources[param] = (eqn, k)

    def need(self, atom: object) -> None:
        if isinstance(atom, Var) and atom not in self.vars:
            self.vars.add(atom)
            self.pending.append(atom)

    def need_eqn(self, eqn: Eqn) -> None:
        """The equation runs: so does all around it, and it needs its operands."""
        around: Eqn | None = eqn
        while around is not None and around not in self.eqns:
            self.eqns.add(around)
            first = carries_from(around)
            for atom in around.ins if first is None else around.ins[:len(around.ins) - len(
                    around.outs)]:
                self.need(atom)
            if first is not None:
                for test in around.blocks[:-1]:
                    self.need(test.outs[0])
                until = around.params.get("until")
                if until is not None:
                    self.need(around.outs[until])
            around = self.owner.get(around)

    def settle(self) -> None:
        while self.pending:
            var = self.pending.pop()
            for dim in var.shape:
                self.need(dim)
            if var in self.plain:
                eqn = self.plain[var]
                self.need_eqn(eqn)
                for out in eqn.outs:            # kept together
                    self.need(out)
            elif var in self.sources:
                self.need_result(*self.sources[var])

    def need_result(self, eqn: Eqn, k: int) -> None:
        """Result k of a region, and what gives it its value."""
        self.need_eqn(eqn)
        self.need(eqn.outs[k])
        first = carries_from(eqn)
        if first is None:
            for block in eqn.blocks:
                self.need(block.outs[k])
            return
        self.need(eqn.ins[len(eqn.ins) - len(eqn.outs) + k])
        self.need(eqn.blocks[-1].outs[k])
        for block in eqn.blocks:
            skip = first if block is eqn.blocks[-1] else 0
            self.need(block.params[skip + k])


def _swept(block: Block, marks: _Marks) -> Block:
    eqns = []
    for eqn in block.eqns:
        if eqn in marks.eqns:
            eqns.append(_pruned(eqn, marks) if eqn.blocks else eqn)
    return Block(block.params, eqns, block.outs)


def _pruned(eqn: Eqn, marks: _Marks) -> Eqn:
    """A region with its needed results only."""
    blocks = [_swept(b, marks) for b in eqn.blocks]
    kept = [k for k, out in enumerate(eqn.outs) if out in marks.vars]
    if len(kept) == len(eqn.outs):
        return Eqn(eqn.op, eqn.ins, eqn.outs, eqn.params, blocks, eqn.location)
    first = carries_from(eqn)
    ins, params = eqn.ins, eqn.params
    if first is not None:
        head = len(eqn.ins) - len(eqn.outs)
        ins = (*eqn.ins[:head], *[eqn.ins[head + k] for k in kept])
        for block in blocks:
            skip = first if block is blocks[-1] else 0
            block.params = block.params[:skip] + [block.params[skip + k] for k in kept]
        if params.get("until") is not None:
            params = {**params, "until": kept.index(params["until"])}
    for block in blocks if first is None else blocks[-1:]:
        block.outs = [block.outs[k] for k in kept]
    return Eqn(eqn.op, ins, [eqn.outs[k] for k in kept], params, blocks, eqn.location)
