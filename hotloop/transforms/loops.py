"""The two halves of a loop.

    s = for 0 n 1 s0 { lambda i s. let y = sin s in (y,) }
    ->
    s T = for 0 n 1 s0 zeros
      { lambda i s T. let y = sin s; c = cos s; T' = set T c i in (y, T') }
    t = for 0 n 1 t0 { lambda k t. let c = get T k; u = mul t c in (u,) }

A loop whose number of trips is not known before (`while`, `until`) runs twice: as it is, with a
counter, then as a `for` over the trips, which fills the tapes. Sizes of ragged tapes are counted
by a loop that does nothing else. Tapes that grow like lists would need no second run, but memory
for each entry: a `while` of few trips in a loop then took three times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, free_vars, rename
from hotloop.ir.types import I64, Type, same_shape
from hotloop.ops import control
from hotloop.ops.dce import dce
from hotloop.ops.domains import atom_of, dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import carries_from, make_eqn, region
from hotloop.transforms import growing, residuals
from hotloop.transforms.tangents import fitted, like
from hotloop.transforms.tapes import Tape, define, is_count, pure, redirect, trips

if TYPE_CHECKING:
    from hotloop.transforms.linearize import Linearizer

Stored = tuple[Tape, Var, Var | None]
"""A tape as the linear half finds it: how it is stored, its Var after the loop, and that of the
offsets if it is ragged."""


def linearize(walk: Linearizer, eqn: Eqn, p: Emit, l: Emit) -> None:
    """Append the halves of an active loop to `p` and `l`."""
    _Loop(walk, eqn, p, l).run()


_Room = tuple[Atom, Atom, int | None]


class _Carried:
    """What a loop carries for its tapes."""

    def __init__(self) -> None:
        self.inits: list[Atom] = []
        self.params: list[Var] = []
        self.outs: list[Atom] = []

    def param(self, init: Atom) -> Var:
        """A carry that starts as `init`; its next value goes to `outs`."""
        self.inits.append(init)
        self.params.append(Var(init.type))
        return self.params[-1]


class _Loop:
    """`params` are the carries of the body; `wanted` the positions of those with tangents; `index`
    the Var of a `for`, `trip` the number of the trip in the primal half, `count` how many."""

    def __init__(self, walk: Linearizer, eqn: Eqn, p: Emit, l: Emit):
        self.walk, self.eqn, self.p, self.l = walk, eqn, p, l
        first = carries_from(eqn)
        assert first is not None
        self.body = eqn.blocks[-1]
        self.params = self.body.params[first:]
        self.inits = eqn.ins[len(eqn.ins) - len(self.params):]
        self.index = self.body.params[0] if first else None
        self.wanted = [k for k, (out, param) in enumerate(zip(eqn.outs, self.params, strict=True))
                       if out in walk.active or param in walk.active]
        self.known = region(eqn) == "for" and eqn.params.get("until") is None
        self.primal, self.linear = Emit(location=eqn.location), Emit(location=eqn.location)
        self.rooms = {k: shape for k in self.wanted for shape in (self.room_of(k),) if shape}
        self.resized = list(dict.fromkeys(
            d for k in self.wanted if k not in self.rooms
            for d in self.params[k].shape if d in self.params))

    def room_of(self, k: int) -> tuple[Any, ...] | None:
        """The shape of a tangent with all rows from the start, if carry k is a list that grows."""
        init, param, out = self.inits[k], self.params[k], self.eqn.outs[k]
        if not param.shape or not growing.grows(self.body, self.body.outs[k], param):
            return None
        given = self.walk.of(init)
        if given is not None and given in self.walk.roomy:
            return given.shape
        if param.shape[0] not in self.params or any(d in self.params for d in param.shape[1:]):
            return None
        return out.shape

    def run(self) -> None:
        walk, eqn = self.walk, self.eqn
        self.p.location = self.l.location = eqn.location
        tangents = [Var(Type(self.params[k].dtype, self.rooms.get(k, self.params[k].shape)))
                    for k in self.wanted]
        walk.tangent.update(zip([self.params[k] for k in self.wanted], tangents, strict=True))
        walk.roomy.update(t for k, t in zip(self.wanted, tangents, strict=True) if k in self.rooms)
        walk.bind(eqn.outs)
        with walk.entered(self.primal, loop=True):
            walk.bind(self.body.params)
            walk.block(self.body.eqns, self.primal, self.linear)
        outs = [self.roomy(k, self.body.outs[k], self.linear) if k in self.rooms
                else walk.made(self.body.outs[k], self.linear) for k in self.wanted]
        starts = [self.roomy(k, self.inits[k], self.l) if k in self.rooms
                  else walk.made(self.inits[k], self.l) for k in self.wanted]
        plan = self.plan(Block(tangents, self.linear.eqns, outs))
        self.count_trips()
        tapes = self.primal_half(plan)
        self.linear_half(tapes, plan, tangents, starts, outs)

    def roomy(self, k: int, atom: Atom, l: Emit) -> Atom:
        tangent = self.walk.of(atom)
        if tangent is not None and tangent in self.walk.roomy:
            return tangent
        return growing.padded(tangent, atom.dtype, self.rooms[k], l)

    def plan(self, linear: Block) -> residuals.Plan:
        """What the linear body needs of the primal one, and how it gets it."""
        own = {*self.params, *(out for e in self.primal.eqns for out in e.outs)}
        free = free_vars(linear)
        needed: list[Any] = [*free]
        for d in self.resized:
            needed += [d, self.body.outs[self.params.index(d)]]
        return residuals.plan(self.primal.eqns, self.params, [v for v in needed if v in own],
                              self.walk.costs(free, True), self.walk.finals.of)

    def count_trips(self) -> None:
        """Set `count`, and run the loop for it if need be."""
        eqn = self.eqn
        if self.known:
            lo, hi, step = eqn.ins[:3]
            self.count = self.walk.outermost(
                eqn.ins[:3], lambda b: trips(b, lo, hi, step, self.walk.sizes))
            assert self.index is not None
            if is_count(lo, step):
                self.trip: Atom = self.index
            else:
                head = Emit(location=eqn.location)
                self.trip = head.sub(self.index, lo)
                if step != Lit(1):
                    self.trip = head.floor_divide(self.trip, step)
                self.primal.eqns[:0] = head.eqns
            return
        counter, self.count = Var(Type(I64)), Var(Type(I64))
        body = Emit(list(self.body.eqns), eqn.location)
        after = body.add(counter, 1)
        blocks = [Block([*test.params, Var(Type(I64))], test.eqns, test.outs)
                  for test in eqn.blocks[:-1]]
        blocks.append(Block([*self.body.params, counter], body.eqns, [*self.body.outs, after]))
        self.p.eqns.append(Eqn(eqn.op, (*eqn.ins, Lit(0)), (*eqn.outs, self.count), eqn.params,
                               blocks, eqn.location))
        self.trip = Var(Type(I64))
        self.primal.eqns = self.indexed(self.trip) + pure(
            self.primal.eqns, self.walk.stores)

    def indexed(self, trip: Atom) -> list[Eqn]:
        """Define the loop's own index by the number of the trip."""
        if self.index is None or trip is self.index:
            return []
        b = Emit(location=self.eqn.location)
        lo, _, step = self.eqn.ins[:3]
        offset = trip if step == Lit(1) else b.mul(trip, step)
        define(b, "add", (lo, offset), self.index)
        return b.eqns

    # ---- primal half

    def primal_half(self, plan: residuals.Plan) -> list[Stored]:
        """Append the loop that fills the tapes."""
        if not plan.saved:
            if self.known:
                self.p.eqns.append(self.primal_loop(_Carried()))
            return []
        b = self.primal
        before = list(b.eqns)
        bound = {out for e in b.eqns for out in e.outs}.union(self.params, [self.index])
        carried = _Carried()
        rooms: dict[tuple[Any, ...], _Room] = {}
        pending: list[tuple[Tape, int, int | None]] = []
        for var in plan.saved:
            lead = max((k + 1 for k, d in enumerate(var.shape) if d in bound), default=0)
            if lead:
                sizes = var.shape[:lead]
                if sizes not in rooms:
                    rooms[sizes] = self.room(before, sizes, carried)
                size, place, offsets = rooms[sizes]
            else:
                size, place, offsets = self.count, self.trip, None
            init = self.p.full(0, (dim_of(size), *var.shape[lead:]), var.dtype)
            how = Tape(var, lead, place)
            tape = carried.param(init)
            stored = redirect(self.walk.stores, self.walk.fillers, b.eqns, var, tape, how)
            carried.outs.append(how.store(b, tape, var) if stored is None else stored)
            pending.append((how, len(carried.outs) - 1, offsets))
        eqn = self.primal_loop(carried)
        self.p.eqns.append(eqn)
        first = len(eqn.outs) - len(carried.outs)
        self.walk.stores[eqn] = {first + k for _, at, offsets in pending
                                 for k in (at, offsets) if k is not None}
        return [(how, eqn.outs[first + k], None if at is None else eqn.outs[first + at])
                for how, k, at in pending]

    def room(self, eqns: list[Eqn], sizes: tuple[Any, ...], carried: _Carried) -> _Room:
        """For ragged tapes of these sizes: how many rows they have in all, the row where this
        trip's begin, and where the offsets of all trips are among what the loop carries."""
        b = self.primal
        total = self.total(eqns, sizes)
        place = carried.param(Lit(0))
        carried.outs.append(b.add(place, b.count(sizes)))
        tape = carried.param(self.p.full(0, (dim_of(self.count),), I64))
        carried.outs.append(b.op("set", tape, place, self.trip, codes="i"))
        return total, place, len(carried.outs) - 1

    def primal_loop(self, more: _Carried) -> Eqn:
        """The loop with these carries, too."""
        eqn, body = self.eqn, self.body
        outs = body.outs + more.outs
        if self.known:
            block = Block(body.params + more.params, self.primal.eqns, outs)
            return Eqn(eqn.op, (*eqn.ins, *more.inits), (*eqn.outs, *map(like, more.params)),
                       eqn.params, [block], eqn.location)
        assert isinstance(self.trip, Var)
        block = Block([self.trip, *self.params, *more.params], self.primal.eqns, outs)
        return make_eqn(control.for_, (Lit(0), self.count, Lit(1), *self.inits, *more.inits),
                        {"until": None}, [block], eqn.location)

    def total(self, eqns: list[Eqn], shape: Sequence[Any]) -> Atom:
        """The sum of a size over the trips, by a loop that computes nothing else."""
        so_far = Var(Type(I64))
        b = Emit(list(eqns), self.eqn.location)
        after = b.add(so_far, b.count(shape))
        index = self.index if self.known else self.trip
        assert isinstance(index, Var)
        block = Block([index, *self.params, so_far], pure(b.eqns, {}),
                      [*self.body.outs, after])
        bounds = self.eqn.ins[:3] if self.known else (Lit(0), self.count, Lit(1))
        loop = make_eqn(control.for_, (*bounds, *self.inits, Lit(0)), {"until": None}, [block],
                        self.eqn.location)
        small = Program([], [loop], [loop.outs[-1]])
        small = dce(rename(small, {}))                          # type: ignore[arg-type]
        self.p.eqns += small.eqns
        return small.outs[0]

    # ---- linear half

    def linear_half(self, tapes: list[Stored], plan: residuals.Plan, tangents: list[Var],
                    starts: list[Atom], outs: list[Atom]) -> None:
        eqn = self.eqn
        head = Emit(location=eqn.location)
        trip = self.index if self.known and is_count(eqn.ins[0], eqn.ins[2]) else Var(Type(I64))
        assert trip is not None
        head.eqns += self.indexed(trip)
        self.read(head, tapes, plan, trip)
        sizes: dict[Any, Var] = {d: Var(Type(I64)) for d in self.resized}
        given = []
        for k, tangent in zip(self.wanted, tangents, strict=True):
            shape = self.params[k].shape
            if k not in self.rooms and any(d in sizes for d in shape):
                changing = Var(Type(tangent.dtype, tuple(sizes.get(d, d) for d in shape)))
                define(head, "reshape", (changing, *map(atom_of, shape)), tangent)
                tangent = changing
            given.append(tangent)
        at = [self.params.index(d) for d in self.resized]
        block = Block([trip, *sizes.values(), *given], head.eqns + self.linear.eqns,
                      [*[self.body.outs[k] for k in at], *outs])
        loop = make_eqn(control.for_, (Lit(0), self.count, Lit(1), *[self.inits[k] for k in at],
                                       *starts), {"until": None}, [block], eqn.location)
        self.l.eqns.append(loop)
        for k, made in zip(self.wanted, loop.outs[len(at):], strict=True):
            if k in self.rooms and not same_shape(made.shape, eqn.outs[k].shape):
                self.walk.roomy.add(made)
                self.walk.tangent[eqn.outs[k]] = made
            else:
                self.walk.tangent[eqn.outs[k]] = fitted(made, eqn.outs[k].shape, self.l)

    def read(self, b: Emit, tapes: list[Stored], plan: residuals.Plan, trip: Var) -> None:
        """Define in the linear body what it needs of the primal one: from the tapes, or computed
        again. What has a size of its own is read after that is known."""
        later = Emit(location=b.location)
        for how, var, offsets in tapes:
            if offsets is None:
                how.load(b, var, trip)
            else:
                how.load(later, var, later.op("get", offsets, trip, codes="i"))
        b.eqns += residuals.in_order([*later.eqns, *plan.recomputed])
