"""A `cond` between few cheap scalars becomes `select`.

    c:f64[] = cond p { lambda . let b:f64[] = neg a in (b,) } { lambda . let in (a,) }
    ->
    b:f64[] = neg a
    c:f64[] = select p b a

Only equations that are total run unconditionally (no `get`: its index may be out of bounds where
the program would not have read), and only elementwise ones on scalars: a loop over them can then
become vector code and a reduction. An operation of the arm that is not taken must raise no
floating-point flag, which would be taken for a warning: `np.log(x) if x > 0 else 0` gets a 1 in
the place of x there.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program
from hotloop.ops.elementwise import select
from hotloop.ops.table import INVALID, PURE, ZERO_DIVIDE, Map, flags, make_eqn, region, row
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
        for arm, taken in ((yes, True), (no, False)):
            for inner in arm.eqns:
                out += _unflagged(inner, eqn.ins[0], taken)
        results = []
        for a, b in zip(yes.outs, no.outs, strict=True):
            if a is not b:
                out.append(make_eqn(select, (eqn.ins[0], a, b), location=eqn.location))
                a = out[-1].outs[0]
            results.append(a)
        return results


def _unflagged(eqn: Eqn, cond: Atom, taken: bool) -> list[Eqn]:
    """An equation of an arm, its last operand being another where the arm is not taken if an
    ordinary number, 0 or less, may raise a flag. Sums and products raise some of huge numbers only.
    A division by a choice of 1 LLVM would make a choice of divisions."""
    raised, x = flags(row(eqn)), eqn.ins[-1]
    exacting = ZERO_DIVIDE in raised or INVALID in raised and len(eqn.ins) == 1
    if not exacting or x.dtype.kind not in "fc" or isinstance(x, Lit):
        return [eqn]
    other = Lit(1 if len(eqn.ins) == 1 else 2, x.dtype)
    safe = make_eqn(select, (cond, x, other) if taken else (cond, other, x), location=eqn.location)
    return [safe, Eqn(eqn.op, (*eqn.ins[:-1], safe.outs[0]), eqn.outs, eqn.params, eqn.blocks,
                      eqn.location)]
