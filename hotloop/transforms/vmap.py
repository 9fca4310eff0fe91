"""Lanes: a block run for each number of a range, its results stacked.

    y:f64[n] = vmap n x { lambda l r. let s:f64[] = sin r in (s,) }
    ->
    y:f64[n] = for 0 n 1 zeros { lambda l acc. let r = get[codes="i"] x l; s = sin r;
                                 b = set[codes="i"] acc s l in (b,) }

The general rule is this loop around the whole block. It is right for every block: branches, loops
with trips of their own, updates, random draws keyed by the lane. The loop passes vectorize it
across lanes where the body is straight, and within a lane where that is better.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, rename
from hotloop.ir.types import Type
from hotloop.ops import control
from hotloop.ops.domains import dim_of
from hotloop.ops.emit import Emit


def vmap(block: Block, size: Atom, stacks: Sequence[Atom], out: Emit) -> list[Atom]:
    """The stacked results of `block`, whose parameters are the lane and rows of the stacks."""
    lane, *rows = block.params
    body = Emit(location=out.location)
    index = Var(Type(lane.dtype), "lane")
    env: dict[Var, Atom] = {lane: index}
    for row, stack in zip(rows, stacks, strict=True):
        env[row] = body.op("get", stack, index, codes=_row(row))
    inner = rename(Block((), block.eqns, block.outs), env)
    body.eqns += inner.eqns
    starts = [out.full(0, (dim_of(size), *a.shape), a.dtype) for a in inner.outs]
    carries = [Var(x.type) for x in starts]
    ends = [body.op("set", carry, a, index, codes=_row(a))
            for carry, a in zip(carries, inner.outs, strict=True)]
    made = [Var(x.type) for x in starts]
    out.eqns.append(Eqn(control.for_, [Lit(0), size, Lit(1), *starts], made, {},
                        [Block([index, *carries], body.eqns, ends)], out.location))
    return list(made)


def _row(x: Atom) -> str:
    return "i" + ":" * len(x.shape)


