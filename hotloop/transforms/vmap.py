"""Lanes: a block run for each number of a range, its results stacked.

    y:f64[n] = vmap n x { lambda l r. let s:f64[] = sin r in (s,) }
    ->
    y:f64[n] = for 0 n 1 zeros { lambda l acc. let r = get[codes="i"] x l; s = sin r;
                                 b = set[codes="i"] acc s l in (b,) }

The general rule is this loop around the whole block. It is right for every block: branches, loops
with trips of their own, updates, random draws keyed by the lane. The loop passes vectorize it
across lanes where the body is straight, and within a lane where that is better.

What is dear for each lane and cheap for all is done for all: the block is cut there, into a loop,
the operation on stacks, and a loop. These are calls of NumPy that take stacks (`np.linalg.solve`),
and products with a matrix that the lanes share, which are one product of larger matrices:

    vmap over r of  tanh(w @ r)     ->      s = matmul x w.T; for each lane: tanh(s[lane])
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np

from hotloop.errors import Location
from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, free_vars, rename
from hotloop.ir.types import Type
from hotloop.ops import control
from hotloop.ops.domains import dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import IO, PURE, Extern, carries_from, effect, region, row

TAKE_STACKS = frozenset((
    np.linalg.solve, np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.cholesky,
    np.linalg.qr, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.svd))
"""Functions that do for each matrix of a stack what they do for one, in the same way."""


SMALL = 64
"""A shared matrix of so few elements is not worth leaving the loop for."""


def vmap(block: Block, size: Atom, stacks: Sequence[Atom], out: Emit,
         notes: list[str]) -> list[Atom]:
    """The stacked results of `block`, whose parameters are the lane and rows of the stacks. What is
    decided goes to `notes`, for `explain`."""
    block = _without_shared(block, out)
    lane, *rows = block.params
    known: dict[Atom, Atom] = dict(zip(rows, stacks, strict=True))
    pieces = _pieces(block)
    _note(pieces, out.location, notes)
    for k, piece in enumerate(pieces):
        if isinstance(piece, Eqn):
            (_multiply if _is_product(piece) else _call)(piece, known, size, out)
            continue
        later = Block((), [e for p in pieces[k + 1:] for e in (p if isinstance(p, list) else [p])],
                      block.outs)
        needed = free_vars(later)
        wanted = [v for e in piece for v in e.outs if v in needed]
        known.update(zip(wanted, _loop(piece, wanted, lane, known, size, out), strict=True))
    missing = [a for a in block.outs if a not in known]
    known.update(zip(missing, _loop([], missing, lane, known, size, out), strict=True))
    return [known[a] for a in block.outs]


def _note(pieces: Sequence[list[Eqn] | Eqn], at: Location | None, notes: list[str]) -> None:
    where = f"line {at.line}: " if at else ""
    for piece in pieces:
        if isinstance(piece, Eqn):
            line = f"line {piece.location.line}: " if piece.location else where
            what = "multiplied" if _is_product(piece) else (
                f"{piece.params['function'].__name__} called")
            notes.append(f"{line}{what} once for all lanes")
    eqns = [e for piece in pieces if isinstance(piece, list) for e in piece]
    if eqns:
        own = any(carries_from(e) is not None for e in eqns), any(
            region(e) == "cond" for e in eqns)
        kinds = [k for k, has in zip(("trips", "branches"), own, strict=True) if has]
        notes.append(f"{where}a loop over lanes" + (
            f", each with {' and '.join(kinds)} of its own" if kinds else ""))


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


def _without_shared(block: Block, out: Emit) -> Block:
    """What is the same in all lanes is computed once: numbers, such as sizes, and arrays if the
    block will be cut (within one loop, it is for the passes to decide)."""
    own = set(block.params)
    invariant = []
    for eqn in block.eqns:
        if eqn.blocks or eqn.op.effect != PURE or not row(eqn).total or any(
                a in own for a in eqn.ins):
            own.update(eqn.outs)
        else:
            invariant.append(eqn)
    cut = any(_together(eqn, own) for eqn in block.eqns)
    own, left = set(block.params), []
    for eqn in block.eqns:
        if eqn in invariant and (cut or not any(v.shape for v in eqn.outs)) and not any(
                a in own for a in eqn.ins):
            out.eqns.append(eqn)
        else:
            own.update(eqn.outs)
            left.append(eqn)
    return Block(block.params, left, block.outs)


# ---- calls for all lanes

def _pieces(block: Block) -> list[list[Eqn] | Eqn]:
    """The equations of a block, cut at calls that are done for all lanes; in one piece if effects
    would come in another order, or if something that a later piece needs can't be stacked."""
    whole: list[list[Eqn] | Eqn] = [block.eqns]
    own = {*block.params, *(v for e in block.eqns for v in e.outs)}
    if not any(_together(e, own) for e in block.eqns) or any(
            effect(e) == IO for e in block.eqns):
        return whole
    pieces: list[list[Eqn] | Eqn] = [[]]
    for eqn in block.eqns:
        last = pieces[-1]
        assert isinstance(last, list)
        if _together(eqn, own):
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


def _together(eqn: Eqn, own: Container[Atom]) -> bool:
    """Is it done for all lanes at once? `own` are Vars that lanes have of their own."""
    if _is_product(eqn):
        return _multiplies(eqn, own)
    return _takes_stacks(eqn) and any(a in own for a in eqn.ins) and not any(
        a in own for a in eqn.ins[_taken(eqn):])


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


# ---- products for all lanes

def _is_product(eqn: Eqn) -> bool:
    lowering = row(eqn).lowering
    return isinstance(lowering, Extern) and lowering.routine == "matmul"


def _multiplies(eqn: Eqn, own: Container[Atom]) -> bool:
    """Rows of one's own times a shared matrix, or a shared matrix times a vector of one's own. (Of
    a shared matrix times a matrix, a product of all lanes would be stored in another order.)"""
    x, y = eqn.ins
    if (x in own) == (y in own) or len(x.shape) > 2 or len(y.shape) > 2:
        return False
    shared, mine = (y, x) if x in own else (x, y)
    elements = 1
    for d in shared.shape:
        elements = elements * d if isinstance(d, int) else SMALL + 1
        if not isinstance(d, int):
            break
    return elements > SMALL and (mine is x or len(y.shape) == 1)


def _multiply(eqn: Eqn, known: dict[Atom, Atom], size: Atom, out: Emit) -> None:
    x, y = eqn.ins
    if x in known:
        stack, shared = known[x], y
    else:
        stack, shared = known[y], out.swap_last(x) if len(x.shape) == 2 else x
    rows = out.count(stack.shape[:-1])
    flat = out.reshape(stack, (dim_of(rows), stack.shape[-1]))
    known[eqn.outs[0]] = out.reshape(out.matmul(flat, shared),
                                     (dim_of(size), *eqn.outs[0].shape))
