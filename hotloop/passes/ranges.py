"""Bounds of integers: comparisons, overflow tests and checks that are decided by them fold.

    b:i64[] = for 0 n 1 0 { lambda i:i64[] c:i64[]. let
        d:bool[] = add_overflows c 1; e:bool[] = not d
        check[exception=builtins:OverflowError, message=''] e
        f:i64[] = add c 1
    in (f,) }
    ->
    ... { lambda i:i64[] c:i64[]. let
        check[exception=builtins:OverflowError, message=''] True        # fold drops it
        f:i64[] = add c 1
    in (f,) }

Interval analysis: each op's row says how bounds follow from bounds, dimensions are 0 ... 2**47, the
index of a `for` stays in its range, conditions narrow what they compare in arms and behind checks.

A carry is bounded without iteration to a fixpoint: walk back from its next value. If that is one of
its previous value plus or minus something small, a value with small bounds, or a choice of these,
then it stays within its start and the small values plus the sum of all additions. There are fewer
than 2**60 of them (one a quarter nanosecond is nine years, on 500 lanes at once still a week), or
as many as the loop makes trips. For the same reason an index is within 2**60 steps of its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, dims, walk
from hotloop.ops import elementwise as rows
from hotloop.ops.intervals import Bounds
from hotloop.ops.table import OpDef, carries_from, is_check, region, row
from hotloop.passes.forward import Forward

DIM = (0, 2**47)
"""More elements do not fit in an address space."""

MOST_TRIPS = 2**60
SMALL = 2**48
"""Bounds that a carry may hold or add; larger ones tell nothing."""

AHEAD = 400
"""Equations looked at in front of a loop to bound its carries."""

DEEPEST = 12
"""Operands of operands looked at there."""


def ranges(program: Program) -> Program:
    return _Ranges(program).run(program)


@cache
def _limits(dtype: np.dtype) -> Bounds | None:
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return int(info.min), int(info.max)
    return None


def _within(bounds: Bounds | None, dtype: np.dtype) -> Bounds | None:
    """`bounds`, or those of the dtype if the operation may have wrapped."""
    limits = _limits(dtype)
    if bounds is None or limits is None or bounds[0] < limits[0] or bounds[1] > limits[1]:
        return limits
    return bounds


def _is_small(bounds: Bounds | None) -> bool:
    return bounds is not None and -SMALL <= bounds[0] and bounds[1] <= SMALL


NARROWS: dict[OpDef, tuple[OpDef, OpDef]] = {
    # comparison: (what it says if true, what if false)
    rows.lt: (rows.lt, rows.ge), rows.ge: (rows.ge, rows.lt),
    rows.le: (rows.le, rows.gt), rows.gt: (rows.gt, rows.le),
    rows.eq: (rows.eq, rows.ne), rows.ne: (rows.ne, rows.eq),
}

EXACT: dict[OpDef, OpDef] = {rows.add_overflows: rows.add, rows.sub_overflows: rows.sub,
                             rows.mul_overflows: rows.mul}
"""What does not wrap where the test is False."""

LESSER = (rows.min_, rows.minimum)
GREATER = (rows.max_, rows.maximum)


class _Ranges(Forward):
    def __init__(self, program: Program):
        super().__init__()
        self.bounds: dict[Var, Bounds] = dict.fromkeys(dims(program), DIM)
        self.below: set[tuple[Atom, Atom]] = set()          # (i, n) where i < n always
        self.defined: dict[Var, Eqn] = {}                   # of the new Program: conditions
        self.computed: dict[tuple[OpDef, tuple[Atom, ...]], Var] = {}
        self.narrowed: list[list[tuple[Var, Bounds | None]]] = []
        self.source: dict[Var, tuple[Eqn, int]] = {}        # of the old Program: result k of eqn
        self.loops: dict[Var, tuple[Eqn, int]] = {}         # carry k of a loop, as its parameter
        for eqn in walk(program):
            for k, var in enumerate(eqn.outs):
                self.source[var] = (eqn, k)
            first = carries_from(eqn)
            if first is not None:
                for k, param in enumerate(eqn.blocks[-1].params[first:]):
                    self.loops[param] = (eqn, k)

    # -- known bounds

    def of(self, atom: Atom) -> Bounds | None:
        """None for floats and arrays."""
        if isinstance(atom, Lit):
            return (int(atom.value),) * 2 if atom.dtype.kind in "biu" else None
        if atom.shape:
            return None
        return self.bounds.get(atom) or _limits(atom.dtype)

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.blocks:
            return None
        for var in eqn.outs:
            for dim in var.shape:
                if isinstance(dim, Var) and dim in eqn.outs:
                    self.bounds[dim] = DIM
        if len(eqn.outs) != 1 or eqn.outs[0].shape:
            return None
        rule = row(eqn).interval
        if rule is None:
            return None
        var = eqn.outs[0]
        bounds = self.decided(eqn)
        if bounds is None:
            given = [self.of(a) for a in eqn.ins]
            if None in given or _limits(var.dtype) is None:
                if var.dtype.kind == "b":
                    self.defined[var] = eqn
                return None
            bounds = _within(rule(eqn.ins[0].dtype, eqn.params, *given), var.dtype)
            chosen = _chosen(eqn, given)
            if chosen is not None:
                return [chosen]
        if bounds is not None and bounds[0] == bounds[1]:
            return [Lit(bounds[0], var.dtype)]
        if bounds is not None:
            self.bounds[var] = bounds
        if row(eqn) in EXACT.values():
            self.computed[row(eqn), eqn.ins] = var
        if var.dtype.kind == "b":
            self.defined[var] = eqn
        return None

    def decided(self, eqn: Eqn) -> Bounds | None:
        """A comparison of an index with the bound of its own loop."""
        if not self.below or len(eqn.ins) != 2:
            return None
        a, b = eqn.ins
        if (a, b) in self.below:
            return {rows.lt: (1, 1), rows.le: (1, 1), rows.ne: (1, 1), rows.ge: (0, 0),
                    rows.gt: (0, 0), rows.eq: (0, 0)}.get(row(eqn))
        if (b, a) in self.below:
            return {rows.gt: (1, 1), rows.ge: (1, 1), rows.ne: (1, 1), rows.le: (0, 0),
                    rows.lt: (0, 0), rows.eq: (0, 0)}.get(row(eqn))
        return None

    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        out.append(eqn)
        first = carries_from(eqn)
        if first is not None:
            for var, param in zip(eqn.outs, eqn.blocks[-1].params[first:], strict=True):
                if param in self.bounds:
                    self.bounds[var] = self.bounds[param]
        elif region(eqn) == "cond":
            for var, *arms in zip(eqn.outs, *[b.outs for b in eqn.blocks], strict=True):
                yes, no = map(self.of, arms)
                if yes is not None and no is not None:
                    self.bounds[var] = min(yes[0], no[0]), max(yes[1], no[1])
        elif is_check(eqn):
            self.learn(eqn.ins[0], True)
        return None

    # -- entering blocks

    def enter(self, eqn: Eqn, block: Block) -> None:
        for param in block.params:
            for dim in param.shape:
                if isinstance(dim, Var) and dim in block.params:
                    self.bounds[dim] = DIM
        kind = region(eqn)
        if kind == "for":
            self.bound_index(eqn, block.params[0])
            self.bound_carries(eqn, 1)
        elif kind == "while" and block is eqn.blocks[0]:
            self.bound_carries(eqn, 0)
        self.narrowed.append([])
        if kind == "for":
            step = self.of(eqn.ins[2])
            if step is not None and step[0] > 0:
                self.compare(rows.lt, eqn.ins[0], eqn.ins[1])
        if kind == "cond":
            self.learn(eqn.ins[0], block is eqn.blocks[0])
        elif kind == "while" and block is eqn.blocks[1]:
            test = eqn.blocks[0]
            self.learn(self.atom(test.outs[0]), True)
            for known, param in zip(test.params, block.params, strict=True):
                if known in self.bounds:
                    self.narrow(param, self.bounds[known])

    def leave(self, eqn: Eqn, block: Block) -> None:
        for var, before in reversed(self.narrowed.pop()):
            if before is None:
                del self.bounds[var]
            else:
                self.bounds[var] = before

    def bound_index(self, eqn: Eqn, index: Var) -> None:
        lo, hi, step = (self.of(a) for a in eqn.ins[:3])
        assert lo is not None and hi is not None and step is not None
        if step[0] > 0:
            last = min(hi[1] - 1, lo[1] + MOST_TRIPS * step[1])
            self.bounds[index] = lo[0], max(last, lo[0])
            self.below.add((index, eqn.ins[1]))
        elif step[1] < 0:
            last = max(hi[0] + 1, lo[0] + MOST_TRIPS * step[0])
            self.bounds[index] = min(last, lo[1]), lo[1]

    # -- conditions

    def learn(self, condition: Atom, value: bool) -> None:
        """From here to the end of the block `condition` is `value`: narrow what it compares."""
        pending = [(condition, value)]
        while pending:
            atom, truth = pending.pop()
            eqn = self.defined.get(atom) if isinstance(atom, Var) else None
            if eqn is None:
                continue
            if eqn.op is rows.not_:
                pending.append((eqn.ins[0], not truth))
            elif eqn.op is (rows.and_ if truth else rows.or_):
                pending += [(a, truth) for a in eqn.ins]
            elif row(eqn) in NARROWS:
                self.compare(NARROWS[row(eqn)][0 if truth else 1], *eqn.ins)
            elif row(eqn) in EXACT and not truth:
                self.learn_exact(EXACT[row(eqn)], eqn.ins)

    def learn_exact(self, op: OpDef, ins: tuple[Atom, ...]) -> None:
        """The operation does not wrap: what its rule says holds as far as the dtype goes."""
        var = self.computed.get((op, ins))
        if var is not None and op.interval is not None:
            bounds = op.interval(var.dtype, {}, *map(self.of, ins))
            if bounds is not None:
                self.narrow(var, bounds)

    def compare(self, relation: OpDef, a: Atom, b: Atom) -> None:
        p, q = self.of(a), self.of(b)
        if p is None or q is None:
            return
        if relation is rows.gt or relation is rows.ge:
            relation = rows.lt if relation is rows.gt else rows.le
            a, b, p, q = b, a, q, p
        if relation is rows.eq:
            self.narrow(a, q)
            self.narrow(b, p)
        elif relation is not rows.ne:
            strict = int(relation is rows.lt)
            self.narrow(a, (p[0], q[1] - strict))
            self.narrow(b, (p[0] + strict, q[1]))

    def narrow(self, atom: Atom, bounds: Bounds) -> None:
        if not isinstance(atom, Var):
            return
        old = self.of(atom)
        assert old is not None
        new = max(old[0], bounds[0]), min(old[1], bounds[1])
        if new != old and new[0] <= new[1]:         # empty: the place is never reached
            if self.narrowed:
                self.narrowed[-1].append((atom, self.bounds.get(atom)))
            self.bounds[atom] = new

    # -- carries

    def bound_carries(self, eqn: Eqn, first: int) -> None:
        """Bounds of the int carries, in all trips and after the loop."""
        body = eqn.blocks[-1]
        ahead = _Ahead(self)
        found: list[tuple[int, Bounds]] = []
        for k, param in enumerate(body.params[first:]):
            limits = _limits(param.dtype)
            if param.shape or limits is None:
                continue
            start = self.of(eqn.ins[len(eqn.ins) - len(eqn.outs) + k])
            drift = _Drift(ahead, param, self.trips(eqn))
            drift.follow(body.outs[k])
            if start is None or drift.unbounded:
                continue
            low = min(start[0], drift.least) + drift.down
            high = max(start[1], drift.greatest) + drift.up
            if limits[0] <= low and high <= limits[1]:
                found.append((k, (low, high)))
        for k, bounds in found:
            for block in eqn.blocks:
                skip = first if block is body else 0
                self.bounds[block.params[skip + k]] = bounds

    def trips(self, eqn: Eqn) -> int:
        """At most so many."""
        if region(eqn) != "for":
            return MOST_TRIPS
        lo, hi, step = (self.of(a) for a in eqn.ins[:3])
        assert lo is not None and hi is not None and step is not None
        if step[0] > 0:
            return min(MOST_TRIPS, max(0, -((lo[0] - hi[1]) // step[0])))
        if step[1] < 0:
            return min(MOST_TRIPS, max(0, -((hi[0] - lo[1]) // -step[1])))
        return MOST_TRIPS


def _chosen(eqn: Eqn, given: Sequence[Any]) -> Atom | None:
    """The operand that a minimum, maximum or absolute value is, if bounds decide."""
    op = row(eqn)
    if op is rows.abs_ and given[0][0] >= 0:
        return eqn.ins[0]
    if op in LESSER or op in GREATER:
        (a, b), (p, q) = eqn.ins, given
        if p[1] <= q[0]:
            return a if op in LESSER else b
        if q[1] <= p[0]:
            return b if op in LESSER else a
    return None


class _Ahead:
    """Bounds of values in a body that is not rebuilt yet, where nothing is known of its carries."""

    def __init__(self, outer: _Ranges):
        self.outer = outer
        self.known: dict[Var, Bounds | None] = {}
        self.budget = AHEAD

    def of(self, atom: Atom, depth: int = 0) -> Bounds | None:
        atom = self.outer.atom(atom)
        if isinstance(atom, Lit) or atom.shape or atom in self.outer.bounds:
            return self.outer.of(atom)
        if atom not in self.known:
            if depth > DEEPEST or self.budget <= 0:
                return _limits(atom.dtype)
            self.budget -= 1
            self.known[atom] = self.looked_up(atom, depth)
        return self.known[atom]

    def looked_up(self, var: Var, depth: int) -> Bounds | None:
        limits = _limits(var.dtype)
        source = self.outer.source.get(var)
        if source is None:
            return limits
        eqn, k = source
        if region(eqn) == "cond":
            yes, no = (self.of(b.outs[k], depth + 1) for b in eqn.blocks)
            if yes is None or no is None:
                return limits
            return min(yes[0], no[0]), max(yes[1], no[1])
        rule = row(eqn).interval
        if rule is None or len(eqn.outs) != 1:
            return limits
        given = [self.of(a, depth + 1) for a in eqn.ins]
        if None in given:
            return limits
        return _within(rule(eqn.ins[0].dtype, eqn.params, *given), var.dtype)


class _Drift:
    """What the next value of `carry` is made of: values `least` ... `greatest`, or its previous
    value moved by `down` ... `up` over the whole loop."""

    def __init__(self, ahead: _Ahead, carry: Var, trips: int):
        self.ahead, self.carry, self.trips = ahead, carry, trips
        self.unbounded = False
        self.least, self.greatest = 2**64, -2**64
        self.down = self.up = 0

    def follow(self, last: Atom) -> None:
        ahead = self.ahead
        pending, seen = [last], set[Atom]()
        additions: list[Bounds] = []
        nested = False
        while pending and not self.unbounded:
            atom = ahead.outer.atom(pending.pop())
            if atom is self.carry or atom in seen:
                continue
            seen.add(atom)
            bounds = ahead.of(atom)
            if _is_small(bounds):
                self.least = min(self.least, bounds[0])             # type: ignore[index]
                self.greatest = max(self.greatest, bounds[1])       # type: ignore[index]
                continue
            if len(seen) > AHEAD or not isinstance(atom, Var):
                self.unbounded = True
                break
            if atom in ahead.outer.loops:
                eqn, k = ahead.outer.loops[atom]
            elif atom in ahead.outer.source:
                eqn, k = ahead.outer.source[atom]
            else:
                self.unbounded = True
                break
            if carries_from(eqn) is not None:
                nested = True
                pending += [eqn.ins[len(eqn.ins) - len(eqn.outs) + k], eqn.blocks[-1].outs[k]]
            elif region(eqn) == "cond":
                pending += [b.outs[k] for b in eqn.blocks]
            elif eqn.op is rows.select:
                pending += eqn.ins[1:]
            else:
                pending.append(self.step(eqn, additions))
        if nested:
            times = MOST_TRIPS
            self.down = times * min([0, *(a[0] for a in additions)])
            self.up = times * max([0, *(a[1] for a in additions)])
        else:
            self.down = self.trips * sum(min(0, a[0]) for a in additions)
            self.up = self.trips * sum(max(0, a[1]) for a in additions)

    def step(self, eqn: Eqn, additions: list[Bounds]) -> Atom:
        """The other operand of an addition or subtraction of something small."""
        if eqn.op is rows.add or eqn.op is rows.sub:
            a, b = eqn.ins
            p, q = self.ahead.of(a), self.ahead.of(b)
            if q is not None and _is_small(q):
                additions.append(q if eqn.op is rows.add else (-q[1], -q[0]))
                return a
            if p is not None and _is_small(p) and eqn.op is rows.add:
                additions.append(p)
                return b
        self.unbounded = True
        return self.carry
