"""Loops whose states are saved at some trips only: `checkpoint(f, schedule="sqrt")`.

    s = for 0 n 1 s0 { body }
    ->
    s = for c in 0..chunks s0 { s' = checkpoint { for j in 0..size s { body at c * size + j } } }

Each chunk saves the state at its beginning; its trips are run again, filling tapes of their own,
when the backward loop comes to them. With two levels both are sqrt(n) long; with k, which divide
chunks again, k * n ** (1 / k) states are in memory at a time and the loop runs k times (Griewank
and Walther, Evaluating Derivatives, 2008, chapter 12). The binomial schedule, which chooses the
trips at run time, is in `revisit`.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Block, Eqn, Lit, Var
from hotloop.ir.types import F64, I64, Type
from hotloop.ops import control
from hotloop.ops.emit import Emit
from hotloop.ops.table import make_eqn, region
from hotloop.ops.transforms import checkpoint
from hotloop.transforms.tangents import like
from hotloop.transforms.tapes import define, trips


def scheduled(eqns: Sequence[Eqn], levels: int) -> list[Eqn]:
    """The equations of a block, its loops in chunks where the number of trips is known before."""
    b = Emit()
    for eqn in eqns:
        if _counts(eqn):
            _chunks(eqn, levels, b)
        else:
            b.eqns.append(eqn)
    return b.eqns


def binomial(eqns: Sequence[Eqn], slots: int) -> list[Eqn]:
    """The same, each of these loops for itself in a `checkpoint` with this many slots (`revisit`).
    """
    return [_apart(eqn, slots) if _counts(eqn) else eqn for eqn in eqns]


def _apart(eqn: Eqn, slots: int) -> Eqn:
    outs = [like(v) for v in eqn.outs]
    loop = Eqn(eqn.op, eqn.ins, outs, eqn.params, eqn.blocks, eqn.location)
    return Eqn(checkpoint, (), eqn.outs, {"slots": slots}, [Block((), [loop], outs)],
               eqn.location)


def _counts(eqn: Eqn) -> bool:
    return (region(eqn) == "for" and eqn.params.get("until") is None and not _resized(eqn))


def _resized(eqn: Eqn) -> bool:
    params = eqn.blocks[0].params
    return any(d in params for p in params for d in p.shape)


def _chunks(eqn: Eqn, levels: int, b: Emit) -> None:
    b.location = eqn.location
    body = eqn.blocks[0]
    index, *params = body.params
    lo, hi, step = eqn.ins[:3]
    count = trips(b, lo, hi, step, ())
    share = b.op("pow", b.convert(count, F64), Lit((levels - 1) / levels))
    size = b.add(b.convert(b.op("floor", share), I64), 1)
    number = b.floor_divide(b.add(count, b.sub(size, 1)), size)

    chunk, trip = Var(Type(I64)), Var(Type(I64))
    carries = [like(p) for p in params]
    inside = Emit(location=eqn.location)
    first = inside.mul(chunk, size)
    last = inside.op("minimum", size, inside.sub(count, first))
    head = Emit(location=eqn.location)
    define(head, "add", (lo, head.mul(head.add(first, trip), step)), index)
    loop = make_eqn(control.for_, (Lit(0), last, Lit(1), *carries), {"until": None},
                    [Block([trip, *params], head.eqns + body.eqns, body.outs)], eqn.location)
    within = scheduled([loop], levels - 1) if levels > 2 else [loop]
    made = Eqn(checkpoint, (), [like(v) for v in loop.outs], {}, [Block((), within, loop.outs)],
               eqn.location)
    b.eqns.append(Eqn(control.for_, (Lit(0), number, Lit(1), *eqn.ins[3:]), eqn.outs,
                      {"until": None},
                      [Block([chunk, *carries], [*inside.eqns, made], made.outs)], eqn.location))
