"""Forward mode: a Program that computes a derivative along a direction beside its results.

    jvp({ lambda ; x:f64[]. let y:f64[] = sin x in (y,) }, [True])
    ->
    { lambda ; x:f64[] t:f64[]. let y:f64[] = sin x; c = cos x; u = mul t c in (y, u) }

Each float parameter that is active gets a tangent of its type behind the parameters, each float
result one behind the results. Loops carry tangents beside what they carry; nothing is saved,
unless a list grows.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Block, Eqn, Program, Var, walk
from hotloop.ir.types import Type
from hotloop.ops import index
from hotloop.ops.dce import dce
from hotloop.ops.emit import Emit
from hotloop.ops.table import carries_from
from hotloop.transforms.activity import active, is_float
from hotloop.transforms.linearize import halves
from hotloop.transforms.prepare import chosen, fresh, plain
from hotloop.transforms.tangents import Tangents, like


def jvp(program: Program, wrt: Sequence[bool]) -> Program:
    """Parameters, then tangents of the float ones where `wrt`; results, then tangents of the
    float ones. Raises UnsupportedError for an op without a rule. `program` is left as it is."""
    program = plain(program)
    inputs = chosen(program, wrt)
    outs = [a for a in program.outs if is_float(a)]
    found = active(program, inputs, outs)
    if any(eqn.op is index.reserve and eqn.outs[1] in found for eqn in walk(program)):
        return _afterwards(program, wrt)
    forward = _Forward(found)
    given = [like(v) for v in inputs]
    forward.tangent.update(zip(inputs, given, strict=True))
    body = Emit()
    forward.block(program.eqns, body)
    tangents = [forward.made(a, body) for a in outs]
    return fresh(Program(program.params + given, body.eqns, program.outs + tangents,
                         program.name, (*program.into, *[None] * len(tangents))))


def _afterwards(program: Program, wrt: Sequence[bool]) -> Program:
    """The same by linearization: the tangents of a list that grows are computed when it has all its
    rows, or each trip would copy them."""
    made = halves(program, wrt)
    primal, linear = made.program, made.linear
    tangents = [linear.zeros(t) if a is None else a
                for a, t in zip(made.outs, made.types, strict=True)]
    return dce(fresh(Program(primal.params + made.inputs, primal.eqns + linear.eqns,
                             primal.outs + tangents, primal.name,
                             (*primal.into, *[None] * len(tangents)))))


class _Forward(Tangents):
    def block(self, eqns: Sequence[Eqn], body: Emit) -> None:
        for eqn in eqns:
            if eqn.blocks and self.is_active(eqn):
                (self.loop if carries_from(eqn) is not None else self.branch)(eqn, body)
            else:
                body.eqns.append(eqn)
                self.equation(eqn, body, body)

    def branch(self, eqn: Eqn, body: Emit) -> None:
        """Also of one block: what is computed again in reverse mode is not special here."""
        arms = []
        for block in eqn.blocks:
            arm = Emit()
            self.block(block.eqns, arm)
            arms.append(arm)
        wanted = [k for k, out in enumerate(eqn.outs) if out in self.active
                  and any(self.of(b.outs[k]) is not None for b in eqn.blocks)]
        blocks = [Block((), arm.eqns, block.outs + [self.made(block.outs[k], arm) for k in wanted])
                  for arm, block in zip(arms, eqn.blocks, strict=True)]
        results = self.results(eqn, wanted)
        body.eqns.append(Eqn(eqn.op, eqn.ins, (*eqn.outs, *results), eqn.params, blocks,
                             eqn.location))

    def results(self, eqn: Eqn, wanted: list[int]) -> list[Var]:
        """Vars for the tangents of these results."""
        tangents = [like(eqn.outs[k]) for k in wanted]
        self.tangent.update(zip([eqn.outs[k] for k in wanted], tangents, strict=True))
        return tangents

    def loop(self, eqn: Eqn, body: Emit) -> None:
        first = carries_from(eqn)
        last = eqn.blocks[-1]
        params = last.params[first:]
        inits = eqn.ins[len(eqn.ins) - len(params):]
        wanted = [k for k, out in enumerate(eqn.outs) if out in self.active
                  or params[k] in self.active]
        tangents = [like(params[k]) for k in wanted]
        self.tangent.update(zip([params[k] for k in wanted], tangents, strict=True))
        inner = Emit()
        self.block(last.eqns, inner)
        outs = last.outs + [self.made(last.outs[k], inner) for k in wanted]
        blocks = [Block(test.params + _unread(test.params, wanted), test.eqns, test.outs)
                  for test in eqn.blocks[:-1]]
        blocks.append(Block(last.params + tangents, inner.eqns, outs))
        starts = [self.made(inits[k], body) for k in wanted]
        results = self.results(eqn, wanted)
        body.eqns.append(Eqn(eqn.op, (*eqn.ins, *starts), (*eqn.outs, *results), eqn.params,
                             blocks, eqn.location))


def _unread(params: list[Var], wanted: list[int]) -> list[Var]:
    """Parameters of a loop's test for the tangents, which it does not read."""
    return [Var(Type(params[k].dtype, params[k].shape)) for k in wanted]
