"""The two halves of a loop.

    s = for 0 n 1 s0 { lambda i s. let y = sin s in (y,) }
    ->
    s T = for 0 n 1 s0 zeros
      { lambda i s T. let y = sin s; c = cos s; T' = set T c i in (y, T') }
    t = for 0 n 1 t0 { lambda k t. let c = get T k; u = mul t c in (u,) }

Where the number of trips is not known before (`while`, `until`), the loop counts them, and its
tapes grow like lists. The rows of a ragged tape are counted before by a loop that does nothing
else, if that is cheap; else it grows, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Program, Var, free_vars, walk
from hotloop.ir.types import I64, Type, same_shape
from hotloop.ops import control
from hotloop.ops.dce import dce
from hotloop.ops.domains import atom_of, dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import carries_from, make_eqn, region
from hotloop.record import record
from hotloop.transforms import growing, residuals
from hotloop.transforms.prepare import fresh
from hotloop.transforms.tangents import fitted
from hotloop.transforms.tapes import Tape, define, is_count, pure, redirect, trips

if TYPE_CHECKING:
    from hotloop.transforms.linearize import Linearizer

Stored = tuple[Tape, Var, Var | None]
"""A tape as the linear half finds it: how it is stored, its Var after the loop, and that of the
offsets if it is ragged."""


def linearize(walk: Linearizer, eqn: Eqn, p: Emit, l: Emit) -> None:
    """Append the halves of an active loop to `p` and `l`."""
    _Loop(walk, eqn, p, l).run()


class _Carried:
    """What a loop carries for its tapes: parameters of the body and results of the loop."""

    def __init__(self) -> None:
        self.inits: list[Atom] = []
        self.params: list[Var] = []
        self.outs: list[Atom] = []
        self.results: list[Var] = []

    def param(self, init: Atom, shape: tuple[Dim, ...] | None = None) -> Var:
        """A carry that starts as `init`; its next value goes to `outs`. `shape`: in the body, where
        it may have earlier carries as dimensions."""
        param = Var(Type(init.dtype, init.shape if shape is None else shape))
        self.results += _named([param], self.params, self.results)
        self.inits.append(init)
        self.params.append(param)
        return param


def _named(variables: Sequence[Var], old: Sequence[Var], new: Sequence[Var]) -> list[Var]:
    """Fresh Vars of these types, with the dimensions `new` for `old`."""
    names: dict[Any, Any] = dict(zip(old, new, strict=True))
    return [Var(Type(v.dtype, tuple(names.get(d, d) for d in v.shape))) for v in variables]


@record
class _Rows:
    """Where the rows of a tape are: `total` how many (None: it grows), this trip's from `place` to
    `end`, `used` after the loop; `offsets` is the tape of the places if they can't be computed."""
    total: Atom | None
    place: Atom
    end: Atom
    used: Atom
    offsets: int | None


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
        self.head, self.carried = Emit(location=eqn.location), _Carried()
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
        self.order: dict[Any, int] = {
            out: k for k, e in enumerate(self.primal.eqns) for out in e.outs}
        own = set(self.order).union(self.params)
        free = free_vars(linear)
        needed: list[Any] = [*free]
        for d in self.resized:
            needed += [d, self.body.outs[self.params.index(d)]]
        return residuals.plan(self.primal.eqns, self.params, [v for v in needed if v in own],
                              self.walk.costs(free, True))

    def count_trips(self) -> None:
        """Set `trip` and `count`; a loop that may end early counts."""
        eqn = self.eqn
        if not self.known:
            self.trip: Atom = self.carried.param(Lit(0))
            self.count: Atom = self.carried.results[-1]
            self.carried.outs.append(self.head.add(self.trip, 1))
            return
        lo, hi, step = eqn.ins[:3]
        self.count = self.walk.outermost(
            eqn.ins[:3], lambda b: trips(b, lo, hi, step, self.walk.sizes))
        assert self.index is not None
        self.trip = self.index
        if not is_count(lo, step):
            head = Emit(location=eqn.location)
            self.trip = head.sub(self.index, lo)
            if step != Lit(1):
                self.trip = head.floor_divide(self.trip, step)
            self.primal.eqns[:0] = head.eqns

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
        b, carried = self.primal, self.carried
        before = list(b.eqns)
        bound = {out for e in b.eqns for out in e.outs}.union(self.params, [self.index])
        each = _Rows(self.count if self.known else None, self.trip,
                     self.trip if self.known else carried.outs[0], self.count, None)
        ragged: dict[tuple[Any, ...], _Rows] = {}
        pending: list[tuple[Tape, int, _Rows]] = []
        for var in plan.saved:
            lead = max((k + 1 for k, d in enumerate(var.shape) if d in bound), default=0)
            sizes = var.shape[:lead]
            if lead and sizes not in ragged:
                ragged[sizes] = self.rows(before, sizes, each)
            rows = ragged[sizes] if lead else each
            how = Tape(var, lead, rows.place)
            tape = self.tape(var.dtype, var.shape[lead:], rows)
            stored = None
            if not lead or rows.total is not None:          # else its room is not known before
                stored = redirect(self.walk.stores, self.walk.fillers, b.eqns, var, tape, how)
            carried.outs.append(how.store(b, tape, var) if stored is None else stored)
            pending.append((how, len(carried.outs) - 1, rows))
        eqn = self.primal_loop()
        self.p.eqns.append(eqn)
        first = len(eqn.outs) - len(carried.outs)
        self.walk.stores[eqn] = {first + k for _, at, rows in pending if rows.total is not None
                                 for k in (at, rows.offsets) if k is not None}
        return [(how, self.filled(at, rows),
                 None if rows.offsets is None else self.filled(rows.offsets, each))
                for how, at, rows in pending]

    def rows(self, eqns: list[Eqn], sizes: tuple[Any, ...], each: _Rows) -> _Rows:
        """Those of ragged tapes of these sizes, which lie one behind the other."""
        b, carried = self.primal, self.carried
        total = self.total(eqns, sizes) if self.known else None
        place = carried.param(Lit(0))
        used = carried.results[-1]
        end = b.add(place, b.count(sizes))
        carried.outs.append(end)
        offsets = self.tape(I64, (), each)
        carried.outs.append(b.op("set", offsets, place, self.trip, codes="i"))
        return _Rows(total, place, end, used, len(carried.outs) - 1)

    def tape(self, dtype: Any, shape: tuple[Dim, ...], rows: _Rows) -> Var:
        """A tape to store this trip's rows in; the next one has to be added to `carried.outs`."""
        if rows.total is not None:
            return self.carried.param(self.p.full(0, (dim_of(rows.total), *shape), dtype))
        room = self.carried.param(Lit(0))
        tape = self.carried.param(self.p.full(0, (0, *shape), dtype), (room, *shape))
        b = self.head if rows.offsets is None else self.primal
        more, larger = b.reserve(tape, rows.end)
        self.carried.outs.append(more)
        return larger

    def filled(self, at: int, rows: _Rows) -> Var:
        """A tape after the loop, without the room that was not used."""
        tape = self.carried.results[at]
        if rows.total is not None:
            return tape
        return self.p.op("get", tape, 0, rows.used, 1,
                         codes="s" + ":" * (len(tape.shape) - 1))

    def primal_loop(self) -> Eqn:
        """The loop with what it carries for the tapes."""
        eqn, more = self.eqn, self.carried
        tests = []
        for test in eqn.blocks[:-1]:
            unread: list[Var] = []
            for k, param in enumerate(more.params):
                unread += _named([param], more.params[:k], unread)
            tests.append(Block(test.params + unread, test.eqns, test.outs))
        block = Block(self.body.params + more.params, self.head.eqns + self.primal.eqns,
                      self.body.outs + more.outs)
        return Eqn(eqn.op, (*eqn.ins, *more.inits), (*eqn.outs, *more.results), eqn.params,
                   [*tests, block], eqn.location)

    def total(self, eqns: list[Eqn], shape: Sequence[Any]) -> Atom | None:
        """The sum of a size over the trips, by a loop that computes nothing else; None if that
        would be much."""
        so_far = Var(Type(I64))
        try:
            b = Emit(pure(eqns, {}), self.eqn.location)
        except UnsupportedError:                        # it can't run twice
            return None
        after = b.add(so_far, b.count(shape))
        assert self.index is not None
        block = Block([self.index, *self.params, so_far], b.eqns, [*self.body.outs, after])
        loop = make_eqn(control.for_, (*self.eqn.ins[:3], *self.inits, Lit(0)), {"until": None},
                        [block], self.eqn.location)
        small = dce(fresh(Program([], [loop], [loop.outs[-1]])))
        if not all(residuals.is_cheap(e) for e in walk(small.eqns[-1].blocks[0])):
            return None
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
        order = self.order
        later: list[tuple[int, Any]] = []
        for tape in tapes:
            how, var, offsets = tape
            if offsets is None:
                how.load(b, var, trip)
            else:
                later.append((order.get(how.var, -1), tape))
        later += [(order[e.outs[0]], e) for e in plan.recomputed]
        later.sort(key=lambda pair: pair[0])
        for _, item in later:
            if isinstance(item, Eqn):
                b.eqns.append(item)
            else:
                how, var, offsets = item
                how.load(b, var, b.op("get", offsets, trip, codes="i"))

