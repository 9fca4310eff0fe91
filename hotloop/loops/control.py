"""Control flow: cond, for, while, call.

A loop's scalar carries become carries of the statement; an array carry is a buffer that the loop
owns: the initial value's own memory if nobody else needs it. The yields of an iteration, and the
results of a branch, are one parallel assignment to those buffers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from hotloop.ir.core import Atom, Block, Eqn, Var
from hotloop.loops.buffers import (
    alias,
    assign,
    flush,
    memory_for,
    nest,
    overwritable,
    own,
    store_all,
    stores_of,
    take_over,
)
from hotloop.loops.core import MOVABLE, TEMP, Buffer, Carry, For, If, Statement, While
from hotloop.loops.expr import I64, Expr, e, lit, var
from hotloop.loops.growing import grow
from hotloop.loops.liveness import Scope, region_kind
from hotloop.loops.pull import map_cost, pull
from hotloop.loops.state import State, Value, float_part, parts_of
from hotloop.ops.invoke import changed_by
from hotloop.ops.table import Invoke, Map, Move, Reserve, Update

LowerBlock = Callable[[State, Block], None]

FEW = 16

SELECT_COST = 16.0
"""Adds up to which both arms of a scalar choice are computed: a mispredicted branch costs more."""


def lower_region(state: State, eqn: Eqn, kind: str, lower_block: LowerBlock) -> None:
    {"cond": lower_cond, "for": lower_for, "while": lower_while, "call": lower_call}[kind](
        state, eqn, lower_block)


@contextmanager
def scope_of(state: State, block: Block, again: frozenset[Var] = frozenset(),
             loop: bool = False) -> Iterator[None]:
    state.scope = Scope(block, state.uses, state.scope, again, loop)
    yield
    assert state.scope.parent is not None
    state.scope = state.scope.parent


# ---- call

def lower_call(state: State, eqn: Eqn, lower_block: LowerBlock) -> None:
    """Inlined."""
    block = eqn.blocks[0]
    for param, atom in zip(block.params, eqn.ins, strict=True):
        alias(state, param, atom)
    with scope_of(state, block):
        lower_block(state, block)
    for out, atom in zip(eqn.outs, block.outs, strict=True):
        alias(state, out, atom)


# ---- loops

class Loop:
    """The carries of a loop: scalars (values by position among the carries, and the statement's
    Carry), arrays (buffers by position)."""

    def __init__(self, state: State, eqn: Eqn, first: int):
        self.state, self.eqn = state, eqn
        self.body = eqn.blocks[-1]
        self.params = self.body.params[first:]
        self.inits = eqn.ins[len(eqn.ins) - len(self.params):]
        self.inside = state.uses.captures(eqn)
        self.carries: list[Carry] = []
        self.swaps: list[tuple[Buffer, Buffer]] = []
        self.values: dict[int, Value] = {}
        self.buffers: dict[int, Buffer] = {}
        self.grown: dict[int, bool] = {}         # arrays that get longer in place
        for k, param in enumerate(self.params):
            if not param.shape:
                self._scalar(k, param)
        for k, param in enumerate(self.params):
            if param.shape:
                self.buffers[k] = self._array(k, param)
        for buffer in self.buffers.values():
            take_over(state, buffer)
        state.rebind((c.name for c in self.carries), state.level + 1)
        self.before = state.buffer_count

    def _scalar(self, k: int, param: Var) -> None:
        state = self.state
        part = float_part(param.dtype)
        names = []
        for start in parts_of(state.scalar(self.inits[k])):
            carry = Carry(state.fresh("c"), part, start, start)
            self.carries.append(carry)
            names.append(var(carry.name, part))
        self.values[k] = names[0] if len(names) == 1 else (names[0], names[1])

    def resized(self, k: int) -> bool:
        """Does array k change its size from one iteration to the next?"""
        return any(d in self.params for d in self.params[k].shape)

    def _array(self, k: int, param: Var) -> Buffer:
        state, init = self.state, self.inits[k]
        assert isinstance(init, Var)
        updated = origin(state, self.body, self.body.outs[k]) is param
        self.grown[k] = self.resized(k) and updated and self.grows(k)
        if self.resized(k) and not self.grown[k]:
            return self._resized(param, init)
        return own(state, init, self.eqn.outs[k], self.eqn.location, self.inside,
                   tuple(self.buffers.values()),
                   permuted=self.resized(k) or not (updated or param in self.pointwise))

    @functools.cached_property
    def pointwise(self) -> set[Var]:
        """Arrays whose next value is computed from theirs element by element (`x = x * a + b`), and
        which the other arrays' next values read so, too: they are rewritten in place."""
        arrays = {p for p in self.params if p.shape}
        same: dict[Var, frozenset[Var]] = {p: frozenset((p,)) for p in arrays}
        moved: dict[Var, frozenset[Var]] = {}
        none: frozenset[Var] = frozenset()
        for eqn in self.body.eqns:
            row = eqn.op.lowering  # type: ignore[attr-defined]
            operands = [a for a in eqn.ins if a in same or a in moved]
            if isinstance(row, Map) and operands:
                out = eqn.outs[0]
                same[out] = none.union(*(same.get(a, none) for a in operands))  # type: ignore
                moved[out] = none.union(*(moved.get(a, none) for a in operands))  # type: ignore
            elif isinstance(row, Move) and operands:
                moved[eqn.outs[0]] = none.union(*(
                    same.get(a, none) | moved.get(a, none) for a in operands))  # type: ignore
            elif eqn.blocks or isinstance(row, Update | Reserve):
                for out in eqn.outs:
                    start = origin(self.state, self.body, out) if out.shape else None
                    if start in arrays:
                        same[out] = frozenset((start,))
        outs = [a for a in self.body.outs if isinstance(a, Var)]
        elsewhere = none.union(*(moved.get(a, none) for a in outs))
        nexts = dict(zip(self.params, self.body.outs, strict=True))
        return {p for p in arrays - elsewhere
                if p in same.get(nexts[p], none)}       # type: ignore[arg-type]

    def grows(self, k: int) -> bool:
        """Does array k change its number of rows only?"""
        return not any(d in self.params for d in self.params[k].shape[1:])

    def _resized(self, param: Var, init: Var) -> Buffer:
        """A copy of `init` in memory whose sizes are carries."""
        state = self.state
        now = state.dims(init)
        own_dims = dict(zip(self.params, range(len(self.params)), strict=True))
        shape = tuple(parts_of(self.values[own_dims[d]])[0] if d in own_dims else state.dim(d)
                      for d in param.shape)
        if param.dtype.kind == "c":
            now, shape = (*now, lit(2)), (*shape, lit(2))
        buffer = Buffer(state.fresh("b"), float_part(param.dtype), shape, TEMP)
        state.allocate_here(buffer, now)
        nest(state, state.dims(init), lambda index: [
            (buffer, (linear(place, now),), value)
            for _, place, value in stores_of(buffer, index, pull(state, init, index))])
        return buffer

    def bind(self, params: list[Var]) -> None:
        for k, value in self.values.items():
            self.state.scalars[params[k]] = value
        for k, buffer in self.buffers.items():
            self.state.set_where(params[k], buffer)

    def close(self) -> None:
        """The yields, at the end of the body: arrays to their buffers, scalars to the carries."""
        state, outs = self.state, self.body.outs
        nexts: list[Expr] = []
        for k in self.values:
            nexts += parts_of(state.let(state.scalar(outs[k])))
        for carry, value in zip(self.carries, nexts, strict=True):
            carry.next = value
        self._yield_arrays()

    def _yield_arrays(self) -> None:
        """Where the value of each array carry ends up: in its buffer; or elsewhere, where pointers
        can be exchanged. Exchanges happen at the very end, after all stores."""
        state, outs = self.state, self.body.outs
        final: dict[int, Buffer] = {}
        late: list[int] = []
        for k, buffer in self.buffers.items():
            atom = outs[k]
            at = state.where.get(atom) if isinstance(atom, Var) else None
            if at is not None and at not in final.values() and (
                    at is buffer or self._exchangeable(k, at)):
                final[k] = at
            else:
                late.append(k)
        pairs = []
        for k in late:
            buffer = self.buffers[k]
            if self.resized(k):
                if self.grown[k]:
                    grow(state, buffer, state.dim(self.params[k].shape[0]),
                         state.dim(outs[k].shape[0]))
                    final[k] = buffer
                    pairs.append((outs[k], buffer))
                else:
                    final[k] = memory_now(state, outs[k])
                continue
            if buffer in final.values():
                buffer = self._free(k, final)
            final[k] = buffer
            pairs.append((outs[k], buffer))

        def exchange(buffer: Buffer, spare: Buffer) -> bool:
            k = next(k for k, b in final.items() if b is buffer)
            if self.buffers[k].kind not in MOVABLE or few_elements(spare) or (
                    not state.lives_outside(spare, state.level)):
                return False
            final[k] = spare
            return True
        assign(state, pairs, exchange)
        self._exchange(final)

    def _exchangeable(self, k: int, at: Buffer) -> bool:
        """May array k's pointer be exchanged with that of `at`? Both are the loop's own, and will
        have memory of that size in the next iteration."""
        buffer = self.buffers[k]
        if buffer.kind not in MOVABLE or at.kind not in MOVABLE or self.resized(k) or (
                few_elements(buffer)):
            return False
        if at in self.buffers.values():
            j = next(j for j, b in self.buffers.items() if b is at)
            return not self.resized(j) and at.shape == buffer.shape
        return (self.state.is_newer(at, self.before) and at.shape == buffer.shape
                and self.state.lives_outside(at, self.state.level))

    def _free(self, k: int, final: dict[int, Buffer]) -> Buffer:
        """Memory for array k, whose own holds what another one becomes."""
        mine = self.buffers[k]
        for j, buffer in self.buffers.items():
            if (buffer not in final.values() and buffer.kind in MOVABLE and not self.resized(j)
                    and buffer.shape == mine.shape and buffer.dtype == mine.dtype):
                return buffer
        return self.state.new_buffer(self.params[k].dtype, self.state.dims(self.params[k]))

    def _exchange(self, final: dict[int, Buffer]) -> None:
        moved = [(buffer, final[k]) for k, buffer in self.buffers.items()
                 if final[k] is not buffer]
        left, right = [a for a, _ in moved], [b for _, b in moved]
        spare = [b for b in right if b not in left]
        rest = [b for b in left if b not in right]
        self.swaps = moved + list(zip(spare, rest, strict=True))

    def finish(self) -> None:
        """After the loop its results are what the carries hold."""
        self.state.rebind((c.name for c in self.carries), self.state.level)
        for buffer in self.buffers.values():
            take_over(self.state, buffer)
        self.bind(list(self.eqn.outs))


def few_elements(buffer: Buffer) -> bool:
    """Is an array better copied, so that its elements can be in registers, than exchanged?"""
    size = 1
    for x in buffer.shape:
        size *= int(x.args[0]) if x.op == "lit" else FEW + 1
    return size <= FEW


def memory_now(state: State, array: Atom) -> Buffer:
    """Memory that belongs to the present list, with `array`'s value: to be exchanged with that of
    a buffer which outlives the list, whose old memory is freed instead."""
    shape = state.dims(array) + ((lit(2),) if array.dtype.kind == "c" else ())
    buffer = Buffer(state.fresh("b"), float_part(array.dtype), shape, TEMP)
    state.allocate_here(buffer)
    store_all(state, array, buffer)
    return buffer


def linear(index: tuple[Expr, ...], shape: tuple[Expr, ...]) -> Expr:
    """The position in C order of an index."""
    at = lit(0)
    for i, extent in zip(index, shape, strict=True):
        at = e.add(e.mul(at, extent), i)
    return at


def lower_for(state: State, eqn: Eqn, lower_block: LowerBlock) -> None:
    lo, hi, step = (state.real(a) for a in eqn.ins[:3])
    loop = Loop(state, eqn, 1)
    statements: list[Statement] = []
    with state.inside(statements, "for"), scope_of(state, loop.body, loop.inside, True):
        counter = state.fresh("i")
        state.scalars[loop.body.params[0]] = var(counter)
        loop.bind(loop.params)
        lower_block(state, loop.body)
        loop.close()
    until = eqn.params.get("until")
    name = None
    if until is not None:
        stop = loop.values[until]
        assert isinstance(stop, Expr)
        name = stop.args[0]
    state.emit(For(counter, lo, hi, step, statements, loop.carries, name, loop.swaps,
                   loose=eqn.params.get("loose", False), location=eqn.location,
                   independent=eqn.params.get("independent", False)))
    loop.finish()


def lower_while(state: State, eqn: Eqn, lower_block: LowerBlock) -> None:
    loop = Loop(state, eqn, 0)
    test = eqn.blocks[0]
    checks: list[Statement] = []
    statements: list[Statement] = []
    loop.bind(loop.params)
    with state.inside(checks, "while"), scope_of(
            state, test, loop.inside | frozenset(loop.params), True):
        loop.bind(test.params)
        lower_block(state, test)
        condition = state.let(state.real(test.outs[0]))
        assert isinstance(condition, Expr)
    with state.inside(statements, "while"), scope_of(state, loop.body, loop.inside, True):
        loop.bind(loop.params)
        lower_block(state, loop.body)
        loop.close()
    state.emit(While(checks, condition, statements, loop.carries, loop.swaps, eqn.location))
    loop.finish()


# ---- branches

def lower_cond(state: State, eqn: Eqn, lower_block: LowerBlock) -> None:
    condition = state.real(eqn.ins[0])
    if choose(state, eqn, condition, lower_block):
        return
    growing = {k: target(state, eqn, k) for k, out in enumerate(eqn.outs)
               if any(d in eqn.outs for d in out.shape)}
    if not all(grows_in(eqn, k, buffer) for k, buffer in growing.items()) or len(
            set(growing.values())) < len(growing):
        lower_resizing_cond(state, eqn, condition, lower_block)
        return
    rows = {k: rows_in(state, buffer) for k, buffer in growing.items() if buffer is not None}
    targets = distinct(state, eqn, {
        k: target(state, eqn, k) for k, out in enumerate(eqn.outs)
        if out.shape and k not in growing}, {b for b in growing.values() if b is not None})
    targets |= {k: buffer for k, buffer in growing.items() if buffer is not None}
    arms: list[list[Statement]] = []
    scalars: list[list[Expr]] = []
    for block in eqn.blocks:
        statements: list[Statement] = []
        with state.inside(statements, "if"), scope_of(state, block):
            lower_block(state, block)
            scalars.append([part for out, atom in zip(eqn.outs, block.outs, strict=True)
                            if not out.shape for part in parts_of(state.let(state.scalar(atom)))])
            for k, old in rows.items():
                atom = block.outs[k]
                if isinstance(atom, Var) and state.where.get(atom) is not targets[k]:
                    grow(state, targets[k], old, state.dim(atom.shape[0]))
            assign(state, [(block.outs[k], buffer) for k, buffer in targets.items()])
        arms.append(statements)
    outs = []
    for then, orelse in zip(*scalars, strict=True):
        outs.append((state.fresh("t"), then.dtype, then, orelse))
    state.emit(If(condition, arms[0], arms[1], outs, eqn.location))
    names = iter(var(name, dtype) for name, dtype, _, _ in outs)
    for out in eqn.outs:
        if not out.shape:
            value = next(names)
            state.scalars[out] = (value, next(names)) if out.dtype.kind == "c" else value
    for buffer in targets.values():
        take_over(state, buffer)
    for k, buffer in targets.items():
        state.set_where(eqn.outs[k], buffer)


def lower_resizing_cond(state: State, eqn: Eqn, condition: Expr, lower_block: LowerBlock) -> None:
    """Arms that give arrays of different sizes: two loops, of which one runs once and the other not
    at all, since only loops exchange pointers."""
    carries: list[list[Carry]] = [[], []]
    for out in eqn.outs:
        if not out.shape:
            part = float_part(out.dtype)
            values = []
            for _ in range(2 if out.dtype.kind == "c" else 1):
                first = Carry(state.fresh("c"), part, lit(0, part), lit(0, part))
                last = Carry(state.fresh("c"), part, var(first.name, part), lit(0, part))
                carries[0].append(first)
                carries[1].append(last)
                values.append(var(last.name, part))
            state.scalars[out] = values[0] if len(values) == 1 else (values[0], values[1])
    resized: dict[int, Buffer] = {}
    fixed: dict[int, Buffer | None] = {}
    for k, out in enumerate(eqn.outs):
        if any(d in eqn.outs for d in out.shape):
            shape = state.dims(out) + ((lit(2),) if out.dtype.kind == "c" else ())
            resized[k] = Buffer(state.fresh("b"), float_part(out.dtype), shape, TEMP)
            state.allocate_here(resized[k], (lit(0),) * len(shape))
        elif out.shape:
            fixed[k] = target(state, eqn, k)
    targets = distinct(state, eqn, fixed)
    yes = e.convert(condition, I64)
    for block, own_carries, times in zip(
            eqn.blocks, carries, (yes, e.sub(lit(1), yes)), strict=True):
        statements: list[Statement] = []
        swaps: list[tuple[Buffer, Buffer]] = []
        with state.inside(statements, "if"), scope_of(state, block):
            lower_block(state, block)
            values = [part for out, atom in zip(eqn.outs, block.outs, strict=True)
                      if not out.shape for part in parts_of(state.let(state.scalar(atom)))]
            for carry, value in zip(own_carries, values, strict=True):
                carry.next = value
            for k, buffer in resized.items():
                new = memory_now(state, block.outs[k])
                swaps += [(buffer, new), (new, buffer)]
            assign(state, [(block.outs[k], buffer) for k, buffer in targets.items()])
        state.emit(For(state.fresh("i"), lit(0), times, lit(1), statements, own_carries,
                       swaps=swaps, location=eqn.location))
    for buffer in targets.values():
        take_over(state, buffer)
    for k, buffer in (targets | resized).items():
        state.set_where(eqn.outs[k], buffer)


def choose(state: State, eqn: Eqn, condition: Expr, lower_block: LowerBlock) -> bool:
    """Compute both arms and select, if they are cheap scalars."""
    cost = 0.0
    for inner in (x for block in eqn.blocks for x in block.eqns):
        row = inner.op.lowering  # type: ignore[attr-defined]
        if not isinstance(row, Map) or inner.outs[0].shape:
            return False
        cost += map_cost(row, inner, var)
    if cost > SELECT_COST or any(out.shape for out in eqn.outs):
        return False
    values: list[list[Value]] = []
    for block in eqn.blocks:
        with scope_of(state, block):
            lower_block(state, block)
            values.append([state.scalar(atom) for atom in block.outs])
    for out, then, orelse in zip(eqn.outs, *values, strict=True):
        chosen = tuple(e.select(condition, a, b)
                       for a, b in zip(parts_of(then), parts_of(orelse), strict=True))
        state.scalars[out] = state.let(chosen[0] if len(chosen) == 1 else (chosen[0], chosen[1]))
    return True


def target(state: State, eqn: Eqn, k: int) -> Buffer | None:
    """Memory for result k of a branch: that of the outer value which an arm changes in place, if
    nobody needs its old contents."""
    for block in eqn.blocks:
        start = origin(state, block, block.outs[k])
        buffer = state.where.get(start) if start is not None else None
        if buffer is None:
            continue
        lazy = overwritable(state, buffer)
        if lazy is not None:
            flush(state, lazy)
            return buffer
    return None


def grows_in(eqn: Eqn, k: int, buffer: Buffer | None) -> bool:
    """May result k of a branch, of another number of rows in each arm, have this memory?"""
    return buffer is not None and buffer.kind in MOVABLE and (
        not any(d in eqn.outs for d in eqn.outs[k].shape[1:]))


def rows_in(state: State, buffer: Buffer) -> Expr:
    """How many rows the memory certainly has: those of the array in it."""
    return state.dim(state.holders(buffer)[0].shape[0])


def distinct(state: State, eqn: Eqn, targets: dict[int, Buffer | None],
             taken: Iterable[Buffer] = ()) -> dict[int, Buffer]:
    """Each result its own memory of the right shape, none of `taken`."""
    taken = set(taken)
    found: dict[int, Buffer] = {}
    for k, buffer in targets.items():
        out = eqn.outs[k]
        shape = state.dims(out) + ((lit(2),) if out.dtype.kind == "c" else ())
        if buffer is None or buffer in taken or not holds(buffer, shape):
            buffer = memory_for(state, out, (), False, taken)
            take_over(state, buffer)
        taken.add(buffer)
        found[k] = buffer
    return found


def holds(buffer: Buffer, shape: tuple[Expr, ...]) -> bool:
    """Has memory in which a value of this shape is, or was, the right form to keep it? What may
    have moved can have more rows than in the beginning."""
    return buffer.shape == shape or buffer.kind in MOVABLE and buffer.shape[1:] == shape[1:]


def origin(state: State, block: Block, atom: Atom) -> Var | None:
    """The parameter of `block` or outer value that `atom`, a result of it, is an updated version
    of; None if it is something new."""
    free = state.uses.free[block]
    while isinstance(atom, Var) and atom not in free:
        eqn = state.uses.definition.get(atom)
        if eqn is None:
            return atom
        kind = region_kind(eqn)
        if isinstance(eqn.op.lowering, Update | Reserve):  # type: ignore[attr-defined]
            atom = eqn.ins[0]
        elif isinstance(eqn.op.lowering, Invoke):  # type: ignore[attr-defined]
            atom = changed_by(eqn)[atom]
        elif kind in ("for", "while"):
            atom = eqn.ins[eqn.outs.index(atom) + (3 if kind == "for" else 0)]
        elif kind == "cond":
            k = eqn.outs.index(atom)
            found = [origin(state, inner, inner.outs[k]) for inner in eqn.blocks]
            start = found[0] or found[1]
            if start is None:
                return None
            atom = start
        else:
            return None
    return atom if isinstance(atom, Var) else None
