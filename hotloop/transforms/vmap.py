"""Lanes: a block run for each number of a range, its results stacked.

    y:f64[n] = vmap n x { lambda l r. let s:f64[] = sin r in (s,) }
    ->
    y:f64[n] = for 0 n 1 zeros { lambda l acc. let r = get[codes="i"] x l; s = sin r;
                                 b = set[codes="i"] acc s l in (b,) }

The general rule is this loop around the whole block. It is right for every block: branches, loops
with trips of their own, updates, random draws keyed by the lane. The loop passes vectorize it
across lanes where the body is straight, and within a lane where that is better.

A call of NumPy that takes stacks (`np.linalg.solve`) is dear for each lane and cheap for all: the
block is cut there, into a loop, the call for all lanes, and a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, free_vars, rename
from hotloop.ir.types import Type
from hotloop.ops import control
from hotloop.ops.domains import dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import IO, PURE, effect, row

TAKE_STACKS = frozenset((
    np.linalg.solve, np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky,
    np.linalg.qr, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd))
"""Functions that do for each matrix of a stack what they do for one, in the same way."""


def vmap(block: Block, size: Atom, stacks: Sequence[Atom], out: Emit) -> list[Atom]:
    """The stacked results of `block`, whose parameters are the lane and rows of the stacks."""
    block = _without_sizes(block, out)
    lane, *rows = block.params
    known: dict[Atom, Atom] = dict(zip(rows, stacks, strict=True))
    pieces = _pieces(block)
    for k, piece in enumerate(pieces):
        if isinstance(piece, Eqn):
            _call(piece, known, size, out)
            continue
        later = Block((), [e for p in pieces[k + 1:] for e in (p if isinstance(p, list) else [p])],
                      block.outs)
        needed = free_vars(later)
        wanted = [v for e in piece for v in e.outs if v in needed]
        known.update(zip(wanted, _loop(piece, wanted, lane, known, size, out), strict=True))
    missing = [a for a in block.outs if a not in known]
    known.update(zip(missing, _loop([], missing, lane, known, size, out), strict=True))
    return [known[a] for a in block.outs]


def _loop(eqns: Sequence[Eqn], outs: Sequence[Atom], lane: Var, known: dict[Atom, Atom],
          size: Atom, out: Emit) -> list[Var]:
    """The loop over lanes of these equations; `known` are stacks of what was computed before."""
    if not eqns and not outs:
        return []
    body = Emit(location=out.location)
    index = Var(Type(lane.dtype), "lane")
    env: dict[Var, Atom] = {lane: index}
    for v in free_vars(Block((), list(eqns), list(outs))):
        if v in known:
            env[v] = body.op("get", known[v], index, codes=_row(v))
    inner = rename(Block((), list(eqns), list(outs)), env)
    body.eqns += inner.eqns
    starts = [out.full(0, (dim_of(size), *a.shape), a.dtype) for a in inner.outs]
    carries = [Var(x.type) for x in starts]
    ends = [body.op("set", carry, a, index, codes=_row(a))
            for carry, a in zip(carries, inner.outs, strict=True)]
    made = [Var(x.type) for x in starts]
    out.eqns.append(Eqn(control.for_, [Lit(0), size, Lit(1), *starts], made, {},
                        [Block([index, *carries], body.eqns, ends)], out.location))
    return made


def _row(x: Atom) -> str:
    return "i" + ":" * len(x.shape)


def _without_sizes(block: Block, out: Emit) -> Block:
    """Numbers that are the same in all lanes, such as sizes, are computed once."""
    varies = {*block.params}
    left = []
    for eqn in block.eqns:
        if eqn.blocks or eqn.op.effect != PURE or not row(eqn).total or any(
                o.shape for o in eqn.outs) or any(a in varies for a in eqn.ins):
            varies.update(eqn.outs)
            left.append(eqn)
        else:
            out.eqns.append(eqn)
    return Block(block.params, left, block.outs)


# ---- calls for all lanes

def _pieces(block: Block) -> list[list[Eqn] | Eqn]:
    """The equations of a block, cut at calls that are done for all lanes; in one piece if effects
    would come in another order, or if something that a later piece needs can't be stacked."""
    whole: list[list[Eqn] | Eqn] = [block.eqns]
    if not any(map(_takes_stacks, block.eqns)) or any(effect(e) == IO for e in block.eqns):
        return whole
    own = {*block.params, *(v for e in block.eqns for v in e.outs)}
    pieces: list[list[Eqn] | Eqn] = [[]]
    for eqn in block.eqns:
        last = pieces[-1]
        assert isinstance(last, list)
        if _takes_stacks(eqn) and not any(a in own for a in eqn.ins[_taken(eqn):]) and any(
                a in own for a in eqn.ins):
            pieces += [eqn, []]
        else:
            last.append(eqn)
    seen: set[Var] = set(block.params)
    for piece in pieces:
        eqns = piece if isinstance(piece, list) else [piece]
        for v in free_vars(Block((), eqns, [])):
            if v in seen and any(d in own for d in v.shape):
                return whole
        seen.update(v for e in eqns for v in e.outs)
    return pieces


def _takes_stacks(eqn: Eqn) -> bool:
    return eqn.params.get("function") in TAKE_STACKS and all(
        a.shape for a in eqn.ins[:_taken(eqn)])


def _taken(eqn: Eqn) -> int:
    """How many operands are arguments; the others are sizes."""
    return eqn.params.get("take", len(eqn.ins))


def _call(eqn: Eqn, known: dict[Atom, Atom], size: Atom, out: Emit) -> None:
    """The call on stacks; vectors as matrices of one column."""
    vector = eqn.params["function"] is np.linalg.solve and len(eqn.ins[1].shape) == 1
    ins = [known.get(a, a) for a in eqn.ins]
    if vector:
        ins[1] = out.reshape(ins[1], (*ins[1].shape, 1))
    place = ("in", len(ins))
    results = tuple((code, (place, *dims, *((1,) if vector else ())))
                    for code, dims in eqn.params["results"])
    made = out.row(row(eqn), [*ins, size], {
        **eqn.params, "results": results, "take": _taken(eqn)})
    for old, new in zip(eqn.outs, made if isinstance(made, list) else [made], strict=True):
        known[old] = out.reshape(new, new.shape[:-1]) if vector else new
