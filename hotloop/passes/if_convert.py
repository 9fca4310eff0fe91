"""A `cond` between few cheap scalars becomes `select`.

    c:f64[] = cond p { lambda . let b:f64[] = neg a in (b,) } { lambda . let in (a,) }
    ->
    b:f64[] = neg a
    c:f64[] = select p b a

Only equations that are total run unconditionally (no `get`: its index may be out of bounds where
the program would not have read), and only elementwise ones on scalars: a loop over them can then
become vector code and a reduction.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Program
from hotloop.ops.elementwise import select
from hotloop.ops.table import PURE, Map, make_eqn, region, row
from hotloop.passes.forward import Forward

LARGEST_ARM = 8
"""Equations in an arm. Scalar maps cost about a nanosecond; a mispredicted branch costs five."""


def if_convert(program: Program) -> Program:
    return _IfConvert().run(program)


def is_cheap(eqn: Eqn) -> bool:
    """Whether it may run though the program would not: total, scalar, elementwise."""
    op = row(eqn)
    return (op.total and op.effect == PURE and isinstance(op.lowering, Map)
            and not eqn.outs[0].shape)


def _convertible(block: Block) -> bool:
    return (len(block.eqns) <= LARGEST_ARM and all(map(is_cheap, block.eqns))
            and not any(a.shape for a in block.outs))


class _IfConvert(Forward):
    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if region(eqn) != "cond" or not all(map(_convertible, eqn.blocks)):
            out.append(eqn)
            return None
        yes, no = eqn.blocks
        out += yes.eqns + no.eqns
        results = []
        for a, b in zip(yes.outs, no.outs, strict=True):
            if a is not b:
                out.append(make_eqn(select, (eqn.ins[0], a, b), location=eqn.location))
                a = out[-1].outs[0]
            results.append(a)
        return results
