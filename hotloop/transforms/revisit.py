"""Loops whose states are saved at a few trips, chosen as reverse mode goes: `schedule="binomial"`.

    t = for[slots=3, states=1] 0 n 1 s0 stack places top t0
      { lambda k s .. t. let c = cos s; u = mul t c; z = sin s in (z, .., u) }

is a linear half that computes the states `s` again beside the tangents `t`. Forwards it is run as
it is. Backwards, trip k needs the state before it: the nearest saved one is advanced to there, and
states are saved on the way where saved ones were used up. `stack` holds the states of the trips
`places[:top]`, as the loop of the primal half has left them there.

Where to save is the schedule of Griewank and Walther (Revolve, ACM TOMS 26, 2000), which is the
best for a number of slots s: n trips, b(s, r - 1) < n <= b(s, r) with b(s, r) = (s + r)! / s! / r!,
are advanced r * n - b(s + 1, r - 1) times in all. `ahead` is their rule, computed at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, free_vars, rename
from hotloop.ir.types import I64, Type
from hotloop.ops import control
from hotloop.ops.domains import dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import make_eqn
from hotloop.record import record
from hotloop.transforms.residuals import uses
from hotloop.transforms.tangents import like
from hotloop.transforms.tapes import define, is_count, pure, trips

if TYPE_CHECKING:
    from hotloop.transforms.linearize import Linearizer

NEVER = Lit(-1)


@record
class Stack:
    """`arrays[j][i]` is the value of state j before trip `places[i]`, for i < `top`."""
    arrays: Sequence[Atom]
    places: Atom
    top: Atom

    @property
    def atoms(self) -> list[Atom]:
        return [*self.arrays, self.places, self.top]


def linearize(walk: Linearizer, eqn: Eqn, slots: int, p: Emit, l: Emit) -> None:
    """Append the halves of a `for` that counts its trips to `p` and `l`."""
    body = eqn.blocks[0]
    index, *params = body.params
    inits = eqn.ins[3:]
    wanted = [k for k, (out, param) in enumerate(zip(eqn.outs, params, strict=True))
              if out in walk.active or param in walk.active]
    tangents = [like(params[k]) for k in wanted]
    walk.tangent.update(zip([params[k] for k in wanted], tangents, strict=True))
    walk.bind(eqn.outs)
    primal, linear = Emit(location=eqn.location), Emit(location=eqn.location)
    with walk.entered(primal, loop=True):
        walk.bind(body.params)
        walk.block(body.eqns, primal, linear)
    outs = [walk.made(body.outs[k], linear) for k in wanted]
    starts = [walk.made(inits[k], l) for k in wanted]
    again, at = _again(pure(primal.eqns, walk.stores), params, body.outs,
                       free_vars(Block(tangents, linear.eqns, outs)))
    lo, hi, step = eqn.ins[:3]
    count = trips(p, lo, hi, step, walk.sizes)
    stack = _saving(eqn, at, slots, count, p)
    trip = index if is_count(lo, step) else Var(Type(I64))
    head = Emit(location=eqn.location)
    if trip is not index:
        define(head, "add", (lo, head.mul(trip, step)), index)
    passed = [Var(a.type) for a in stack.atoms]
    block = Block([trip, *[params[k] for k in at], *passed, *tangents],
                  [*head.eqns, *again, *linear.eqns],
                  [*[body.outs[k] for k in at], *passed, *outs])
    loop = make_eqn(control.for_, (Lit(0), count, Lit(1), *[inits[k] for k in at], *stack.atoms,
                                   *starts),
                    {"until": None, "slots": slots, "states": len(at)}, [block], eqn.location)
    l.eqns.append(loop)
    walk.tangent.update(zip([eqn.outs[k] for k in wanted], loop.outs[len(at) + len(passed):],
                            strict=True))


def _again(eqns: Sequence[Eqn], params: Sequence[Var], outs: Sequence[Atom],
           needed: Iterable[Var]) -> tuple[list[Eqn], list[int]]:
    """The equations by which what is needed of each trip can be computed from carries, and the
    positions of these: the states."""
    made = {out: eqn for eqn in eqns for out in eqn.outs}
    place = {param: k for k, param in enumerate(params)}
    seen: set[object] = set()
    todo: list[object] = list(needed)
    while todo:
        var = todo.pop()
        if not isinstance(var, Var) or var in seen:
            continue
        seen.add(var)
        todo += var.shape
        if var in place:
            todo.append(outs[place[var]])
        elif var in made:
            todo += uses(made[var])
    return ([eqn for eqn in eqns if any(out in seen for out in eqn.outs)],
            [k for k, param in enumerate(params) if param in seen])


def _saving(eqn: Eqn, at: Sequence[int], slots: int, count: Atom, p: Emit) -> Stack:
    """Append the loop, saving the first states of the schedule on its way; and that of the last
    trip, which is where the way back begins."""
    body, lo, step = eqn.blocks[0], eqn.ins[0], eqn.ins[2]
    index, *params = body.params
    states = [params[k] for k in at]
    size = dim_of(p.op("minimum", count, Lit(slots + 1)))
    empty = [p.full(0, (size, *v.shape), v.dtype) for v in states]
    inits = [*empty, p.full(0, (size,), I64), Lit(0), Lit(0)]
    given = [Var(a.type) for a in inits]
    *arrays, places, top, due = given
    b = Emit(location=eqn.location)
    trip: Atom = index
    if not is_count(lo, step):
        trip = b.floor_divide(b.sub(index, lo), step)
    wanted = b.or_(b.eq(trip, due), b.eq(trip, b.sub(count, 1)))
    kept = _push(b, wanted, trip, count, states, Stack(arrays, places, top), due, slots)
    loop = Eqn(eqn.op, (*eqn.ins, *inits), (*eqn.outs, *map(like, given)), eqn.params,
               [Block([*body.params, *given], b.eqns + body.eqns, [*body.outs, *kept])],
               eqn.location)
    p.eqns.append(loop)
    *saved, made, ended, _ = loop.outs[len(eqn.outs):]
    return Stack(saved, made, ended)


# ---- backwards

def states_of(loop: Eqn) -> tuple[list[Var], int]:
    """The states among the carries of a linear half, which come first, and how many of the carries
    are no tangents."""
    count = loop.params["states"]
    return loop.blocks[0].params[1:1 + count], 2 * count + 2


def restored(b: Emit, loop: Eqn, eqns: Sequence[Eqn], stack: Stack) -> Stack:
    """Define the states before the trip of `loop`, whose equations that are not linear are `eqns`;
    the stack with the states saved on the way."""
    block, slots = loop.blocks[0], loop.params["slots"]
    trip = block.params[0]
    states, _ = states_of(loop)
    last = b.sub(stack.top, 1)
    near = b.op("get", stack.places, last, codes="i")
    found = [b.op("get", a, last, codes="i" + ":" * len(v.shape))
             for a, v in zip(stack.arrays, states, strict=True)]
    end = b.add(trip, 1)
    due = ahead(b, near, end, b.sub(Lit(slots + 1), stack.top))
    given = [Var(a.type) for a in [*stack.atoms, due]]
    *arrays, places, top, next_due = given
    inner = Emit(location=loop.location)
    own = rename(Block([trip, *states], eqns, block.outs[:len(states)]), {})
    kept = _push(inner, inner.eq(own.params[0], next_due), own.params[0], end, own.params[1:],
                 Stack(arrays, places, top), next_due, slots)
    made = make_eqn(control.for_, (near, trip, Lit(1), *found, *stack.atoms, due),
                    {"until": None},
                    [Block([*own.params, *given], inner.eqns + own.eqns, [*own.outs, *kept])],
                    loop.location)
    b.eqns.append(Eqn(made.op, made.ins, [*states, *made.outs[len(states):]], made.params,
                      made.blocks, made.location))
    *saved, places, top, _ = made.outs[len(states):]
    return Stack(saved, places, top)


def popped(b: Emit, loop: Eqn, stack: Stack) -> Stack:
    """Without the state before this trip, which is not needed any more."""
    last = b.sub(stack.top, 1)
    used = b.eq(b.op("get", stack.places, last, codes="i"), loop.blocks[0].params[0])
    return Stack(stack.arrays, stack.places, b.select(used, last, stack.top))


def _push(b: Emit, wanted: Atom, trip: Atom, end: Atom, states: Sequence[Var], stack: Stack,
          due: Atom, slots: int) -> list[Atom]:
    """The stack, and the trip to be saved next, after the states before `trip` have been saved if
    they are wanted. `end`: the trip after the one to be reached."""
    yes = Emit(location=b.location)
    arrays = [yes.op("set", a, v, stack.top, codes="i" + ":" * len(v.shape))
              for a, v in zip(stack.arrays, states, strict=True)]
    places = yes.op("set", stack.places, trip, stack.top, codes="i")
    following = ahead(yes, trip, end, yes.sub(Lit(slots), stack.top))
    full = [*arrays, places, yes.add(stack.top, 1), following]
    made = make_eqn(control.cond, (wanted,), {}, [
        Block((), yes.eqns, full), Block((), [], [*stack.atoms, due])], b.location)
    b.eqns.append(made)
    return list(made.outs)


def ahead(b: Emit, trip: Atom, end: Atom, free: Atom) -> Atom:
    """The trip to be saved after `trip`, of those before `end`, with this many slots for them (that
    of `trip` is one); NEVER if there is none."""
    length = b.sub(end, trip)
    sweeps, before, reach = (Var(Type(I64)) for _ in range(3))
    test = Emit()
    more = test.lt(reach, length)
    step = Emit()
    after = step.add(sweeps, 1)
    block = Block([sweeps, before, reach], step.eqns, [
        after, reach, step.floor_divide(step.mul(reach, step.add(free, after)), after)])
    loop = make_eqn(control.while_, (Lit(1), Lit(1), b.add(free, 1)), {}, [
        rename(Block([sweeps, before, reach], test.eqns, [more]), {}), block], b.location)
    b.eqns.append(loop)
    r, less, _ = loop.outs
    tail = b.floor_divide(b.mul(less, free), b.sub(b.add(free, r), 1))
    gap = b.op("minimum", less, b.sub(length, tail))
    none = b.or_(b.le(free, 1), b.le(length, 1))
    return b.select(none, NEVER, b.add(trip, gap))
