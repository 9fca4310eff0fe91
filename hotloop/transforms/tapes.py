"""Where the residuals of a loop's trips are kept: one array for each, the tape.

    rectangular   f64[trips, *shape]: trip k stores at index k
    ragged        a residual whose leading sizes differ from trip to trip, like the tape of an inner
                  `for j in range(i)`: f64[total, *rest], trip k stores from offset[k] on

All sizes are known before the loop runs, so a store is an update in place. What an inner loop or
an arm of a branch makes is stored by it directly: the tape is handed in (`redirect`) with one index
more, and no copy is made.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, walk
from hotloop.ir.types import Type
from hotloop.ops import index
from hotloop.ops.domains import atom_of, dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.invoke import functions_of
from hotloop.ops.table import IO, PURE, RAISES, Invoke, carries_from, effect, region, row


class Tape:
    """A tape for one residual: `place` is its trip's index, or the offset if it is ragged. `lead`
    is how many axes of the residual are folded into the tape's first one."""

    def __init__(self, var: Var, lead: int, place: Atom):
        self.var, self.lead, self.place = var, lead, place

    def store(self, b: Emit, tape: Var, value: Atom) -> Var:
        """`tape` with a whole residual stored."""
        rest = ":" * (len(self.var.shape) - self.lead)
        if not self.lead:
            return b.op("set", tape, value, self.place, codes="i" + rest)
        size = b.count(value.shape[:self.lead])
        flat = b.reshape(value, (dim_of(size), *value.shape[self.lead:]))
        return b.op("set", tape, flat, self.place, size, 1, codes="s" + rest)

    def load(self, b: Emit, tape: Var, place: Atom) -> None:
        """Define the residual's Var, as stored at this place."""
        rest = ":" * (len(self.var.shape) - self.lead)
        if not self.lead:
            define(b, "get", (tape, place), self.var, codes="i" + rest)
            return
        size = b.count(self.var.shape[:self.lead])
        flat = b.op("get", tape, place, size, 1, codes="s" + rest)
        define(b, "reshape", (flat, *map(atom_of, self.var.shape)), self.var)

    def within(self, b: Emit, codes: str, operands: Sequence[Atom]
               ) -> tuple[str, list[Atom]] | None:
        """The selection of this tape for one of the residual (of letters `i`, `s` and `:`), None
        if it is not one run of the folded axes."""
        if not self.lead:
            return "i" + codes, [self.place, *operands]
        given = list(operands)
        last = self.lead - 1
        if codes[:last] != "i" * last:
            return None
        at: Atom = Lit(0)
        for axis in range(last + 1):
            size = atom_of(self.var.shape[axis])
            at = b.mul(at, size) if axis else at
            if codes[axis] != ":":
                start = given.pop(0)
                at = b.add(at, start) if axis else start
        at = b.add(self.place, at)
        if codes[last] == "i":
            return codes[last:], [at, *given]
        if codes[last] == ":":
            given = [size, Lit(1), *given]
        return "s" + codes[last + 1:], [at, *given]


def define(b: Emit, name: str, ins: Sequence[Atom], out: Var, **params: Any) -> None:
    """An equation whose result is a Var that there is already."""
    b.op(name, *ins, **params)
    made = b.eqns[-1]
    b.eqns[-1] = Eqn(made.op, made.ins, [out], made.params, (), made.location)


def redirect(stores: dict[Eqn, set[int]], fillers: set[Atom], eqns: list[Eqn], var: Var,
             tape: Var, how: Tape, own: Var | None = None) -> Var | None:
    """Store a residual where it is made: change `eqns` so that the region with result `var` gives
    `tape` with it stored. None if `var` is no such result; then it is a value to be stored. `own`:
    `var` is what a trip makes of this tape, which `tape` replaces."""
    if not var.shape:
        return None
    at = next((k for k in range(len(eqns) - 1, -1, -1) if var in eqns[k].outs), None)
    if at is None:
        return None
    eqn = eqns[at]
    k = eqn.outs.index(var)
    if k not in stores.get(eqn, ()):
        return None
    if region(eqn) == "cond":
        made = _redirect_branch(stores, fillers, eqn, k, tape, how, own)
    else:
        made = _redirect_loop(stores, fillers, eqn, k, tape, how)
    if made is None:
        return None
    eqns[at] = made
    stores[made] = stores[eqn]
    return made.outs[k]


def _with_result(eqn: Eqn, k: int, tape: Var, ins: Sequence[Atom],
                 blocks: Sequence[Block]) -> Eqn:
    outs = list(eqn.outs)
    outs[k] = Var(Type(tape.dtype, tape.shape))
    return Eqn(eqn.op, ins, outs, eqn.params, blocks, eqn.location)


def _redirect_branch(stores: dict[Eqn, set[int]], fillers: set[Atom], eqn: Eqn, k: int, tape: Var,
                     how: Tape, own: Var | None) -> Eqn | None:
    blocks = []
    for block in eqn.blocks:
        outs, b = list(block.outs), Emit(list(block.eqns))
        value = outs[k]
        if own is not None:
            changed = _after_trip(stores, fillers, b, value, tape, how, own)
            if changed is None:
                return None
            outs[k] = changed
        elif value in fillers:
            outs[k] = tape
        else:
            redirected = isinstance(value, Var) and redirect(
                stores, fillers, b.eqns, value, tape, how)
            outs[k] = redirected or how.store(b, tape, value)
        blocks.append(Block((), b.eqns, outs))
    return _with_result(eqn, k, tape, eqn.ins, blocks)


def _after_trip(stores: dict[Eqn, set[int]], fillers: set[Atom], b: Emit, value: Atom, tape: Var,
                how: Tape, own: Var) -> Var | None:
    """The inner tape `own` became `value` in `b`: the same with `tape` in its place."""
    if value is own:
        return tape
    at = next((k for k in range(len(b.eqns) - 1, -1, -1) if value in b.eqns[k].outs), None)
    if at is None:
        return None
    assert isinstance(value, Var)
    last = b.eqns[at]
    if last.op is not index.set_ or last.ins[0] is not own:
        return redirect(stores, fillers, b.eqns, value, tape, how, own)
    tail = b.eqns[at + 1:]
    del b.eqns[at:]
    place = how.within(b, last.params["codes"], last.ins[2:])
    if place is None:
        return None
    stored: Var = b.op("set", tape, last.ins[1], *place[1], codes=place[0])
    b.eqns += tail
    return stored


def _redirect_loop(stores: dict[Eqn, set[int]], fillers: set[Atom], eqn: Eqn, k: int, tape: Var,
                   how: Tape) -> Eqn | None:
    """The loop's own tape is the carry k; its store, or the inner region that stores, changes."""
    first = carries_from(eqn)
    assert first is not None
    body = eqn.blocks[-1]
    params, outs, b = list(body.params), list(body.outs), Emit(list(body.eqns))
    given = Var(Type(tape.dtype, tape.shape))
    changed = _after_trip(stores, fillers, b, outs[k], given, how, params[first + k])
    if changed is None:
        return None
    outs[k] = changed
    params[first + k] = given
    ins = list(eqn.ins)
    ins[len(ins) - len(eqn.outs) + k] = tape
    return _with_result(eqn, k, tape, ins, (*eqn.blocks[:-1], Block(params, b.eqns, outs)))


def trips(b: Emit, lo: Atom, hi: Atom, step: Atom, sizes: Container[Any]) -> Atom:
    """How many iterations `for` makes: len(range(lo, hi, step)). `sizes` are known not to be
    negative."""
    if hi in sizes and is_count(lo, step):
        return hi
    if all(isinstance(a, Lit) for a in (lo, hi, step)):
        return Lit(len(range(*(int(a.value) for a in (lo, hi, step)))))  # type: ignore[union-attr]
    span = hi if lo == Lit(0) else b.sub(hi, lo)
    if step != Lit(1):
        one = b.select(b.gt(step, 0), 1, -1) if isinstance(step, Var) else (
            1 if int(step.value) > 0 else -1)
        span = b.floor_divide(b.sub(b.add(span, step), one), step)
    return b.op("maximum", span, 0)


def is_count(lo: Atom, step: Atom) -> bool:
    """Is the loop's index the number of the trip?"""
    return lo == Lit(0) and step == Lit(1)


def pure(eqns: Sequence[Eqn], stores: dict[Eqn, set[int]]) -> list[Eqn]:
    """Without the effects, for a second run: checks have passed, output has been written. Raises
    UnsupportedError for an effect that gives a value, which it would not give again."""
    kept = []
    for eqn in eqns:
        if eqn.blocks and effect(eqn) != PURE:
            blocks = [Block(b.params, pure(b.eqns, stores), b.outs) for b in eqn.blocks]
            quiet = Eqn(eqn.op, eqn.ins, eqn.outs, eqn.params, blocks, eqn.location)
            if eqn in stores:
                stores[quiet] = stores[eqn]
            kept.append(quiet)
        elif eqn.blocks or eqn.op.effect == PURE or (
                eqn.outs and eqn.op.effect == RAISES and not calls_do_io(eqn)):
            kept.append(eqn)
        elif eqn.outs:
            raise UnsupportedError(
                "reverse mode runs this again, which would give another value or output",
                eqn.location,
                "draw before the loop; or loop over a range, to its end, without checkpoint")
    return kept


def calls_do_io(eqn: Eqn) -> bool:
    """Is it a call of a function that writes output or draws?"""
    if not isinstance(row(eqn).lowering, Invoke):
        return False
    function = eqn.params["function"]
    return any(inner.op.effect == IO for f in (function, *functions_of(function.program))
               for inner in walk(f.program))
