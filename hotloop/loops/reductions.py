"""Reductions in the user's loops: carries that are only ever combined with something.

    for i in 0..n carry c = 0:                    for i in 0..n carry c = 0 reduce add:
      t1 = select(gt(a[i], 0.5), c + 1, c)   ->
      next c = t1                                   next c = c + select(gt(a[i], 0.5), 1, 0)

`Carry.reduce` allows another order, so only combiners that give the same in any order are found:
of integers, minimum and maximum, and/or of bools. Floats are added in the order of the program, but
where a derivative is summed up (`For.loose`), and with `fastmath` (`Kernel.fast`).
What an `if` leaves alone is combined with the neutral value. What an inner loop accumulates, going
on from the carry, begins there with the neutral value, and is combined with the carry after it:

    for i in 0..n carry c = 0:                    for i in 0..n carry c = 0 reduce add:
      for j in 0..m carry d = c reduce add:  ->     for j in 0..m carry d = 0 reduce add:
        next d = d + a[i, j]                          next d = d + a[i, j]
      next c = d                                    next c = c + d
 The smaller or larger of the carry and
a value by comparison, which ignores a NaN, is a minimum or maximum of values with NaN left out:

    for i in 0..n carry m = x:                    for i in 0..n carry r = -inf reduce maximum:
      next m = select(gt(a[i], m), a[i], m)  ->     next r = maximum(r, not NaN of a[i])
                                                  m = select(gt(r, x), r, x)
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.loops.core import Carry, For, If, Kernel, Let, Statement, parts, walk
from hotloop.loops.drop import drop
from hotloop.loops.expr import Expr, affine, e, lit, var
from hotloop.loops.independence import blocked
from hotloop.loops.rewrite import Names, expressions
from hotloop.loops.scalar import SCALAR_OPS, identity, is_combiner, rounds
from hotloop.record import field, record

DEEP = 16
"""Nested choices (`elif`) and sums of several terms that are looked into."""


def reductions(kernel: Kernel) -> Kernel:
    if _statements(kernel.body, (), Names(kernel), kernel.fast):
        drop(kernel)
    return kernel


def _statements(body: list[Statement], around: tuple[For, ...], names: Names,
                fast: bool) -> bool:
    """Did anything change?"""
    out: list[Statement] = []
    changed = False
    for statement in body:
        within = (*around, statement) if isinstance(statement, For) else around
        for inner in parts(statement):
            changed |= _statements(inner, within, names, fast)
        out.append(statement)
        if isinstance(statement, For):
            for find in (Match.combined, Match.extreme):
                for carry in statement.carries:
                    if carry.reduce is None and carry.name != statement.until:
                        found = find(Match(statement, carry, around, names, fast))
                        if found is not None:
                            changed = True
                            out += found
    body[:] = out
    return changed


@record(eq=False, frozen=False)
class Match:
    """Does the next value of a carry combine it with something that does not depend on it?

    `chain` collects the names on the way from `next` to the carry, which nothing else may use;
    `given` what an `if` on the way is to give instead, `starts` what the accumulators of loops on
    the way are to begin with.
    """
    loop: For
    carry: Carry
    around: tuple[For, ...]
    names: Names
    fast: bool = False
    definitions: dict[str, Let | tuple[If, int] | Carry] = field(default_factory=dict)
    chain: set[str] = field(default_factory=set)
    given: dict[str, tuple[Expr, Expr]] = field(default_factory=dict)
    starts: dict[str, Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._define(self.loop.body)

    def _define(self, body: list[Statement]) -> None:
        for s in body:
            if isinstance(s, Let):
                self.definitions[s.name] = s
            elif isinstance(s, If):
                self.definitions.update((out[0], (s, k)) for k, out in enumerate(s.outs))
                self._define(s.then)
                self._define(s.orelse)
            elif isinstance(s, For):
                self.definitions.update((c.name, c) for c in s.carries if c.reduce is not None)

    @property
    def own(self) -> Expr:
        return var(self.carry.name, self.carry.dtype)

    def resolve(self, x: Expr) -> Expr:
        """What a name stands for, if the loop says `name = x`; that name is on the way."""
        while x.op == "var":
            found = self.definitions.get(x.args[0])
            if not isinstance(found, Let):
                break
            self.chain.add(x.args[0])
            x = found.value
        return x

    def sides(self, x: Expr) -> tuple[Expr, Expr, Expr] | None:
        """(condition, value if it holds, value if not) of a choice."""
        if x.op == "select":
            return x.args
        found = self.definitions.get(x.args[0]) if x.op == "var" else None
        if not isinstance(found, tuple):
            return None
        statement, k = found
        return statement.cond, statement.outs[k][2], statement.outs[k][3]

    # ---- combiner(carry, something)

    def combined(self) -> list[Statement] | None:
        """Mark the carry as a reduction; what to do after the loop, None if it is none."""
        carry = self.carry
        combine = self.combiner(carry.next, 0)
        if combine is None or (rounds(combine, carry.dtype) and not self.any_order(combine)):
            return None
        self.chain = {carry.name}
        part = self.contribution(carry.next, combine, 0)
        if part is None or not self.only_here([part]):
            return None
        for name, values in self.given.items():
            statement, k = self.definitions[name]  # type: ignore[misc]
            statement.outs[k] = (name, carry.dtype, *values)
        for name, start in self.starts.items():
            self.definitions[name].init = start  # type: ignore[union-attr]
        carry.reduce = combine
        carry.next = e.op(combine, self.own, part)
        _remove(self.loop.body, self.chain)
        return []

    def any_order(self, combine: str) -> bool:
        """May floats be combined in another order than the program's?"""
        loop = self.loop
        return self.fast or loop.regular or loop.independent or loop.loose and combine == "add"

    def combiner(self, x: Expr, depth: int) -> str | None:
        """The combiner found first."""
        value = self.resolve(x)
        if depth > DEEP or value is self.own:
            return None
        if value.op == "aff":
            return "add"
        sides = self.sides(value)
        if sides is not None:
            return self.combiner(sides[1], depth + 1) or self.combiner(sides[2], depth + 1)
        inner = self.accumulator(value)
        if inner is not None:
            return inner.reduce
        if self.fast and value.dtype.kind == "f":
            for name, row in SCALAR_OPS.items():
                if row.combines is not None and row.combines.inverse is not None and (
                        row.combines.inverse[0] == value.op):
                    return name
        return value.op if is_combiner(value.op) else None

    def contribution(self, x: Expr, combine: str, depth: int) -> Expr | None:
        """y such that x is combine(carry, y), or None."""
        value = self.resolve(x)
        if value is self.own:
            return lit(identity(combine, self.carry.dtype), self.carry.dtype)
        sides = self.sides(value)
        if sides is not None:
            if depth > DEEP:
                return None
            then = self.contribution(sides[1], combine, depth + 1)
            orelse = self.contribution(sides[2], combine, depth + 1)
            if then is None or orelse is None:
                return None
            if value.op == "select":
                return e.select(sides[0], then, orelse)
            self.given[value.args[0]] = then, orelse
            return value
        inner = self.accumulator(value)
        if inner is not None:
            start = self.contribution(inner.init, combine, depth + 1) if (
                inner.reduce == combine and depth <= DEEP) else None
            if start is None:
                return None
            self.starts[inner.name] = start
            return value
        if value.op == "aff" and combine == "add":
            terms = [t for t, k in affine(value)[1].items() if k == 1]
            return self.of_one(combine, [(t, e.sub(value, t)) for t in terms], depth)
        if value.op == combine:
            return self.of_one(combine, [value.args, value.args[::-1]], depth)
        combines = SCALAR_OPS[combine].combines
        inverse = combines.inverse if combines is not None else None
        if self.fast and value.dtype.kind == "f" and inverse and value.op == inverse[0]:
            first, second = value.args
            if self.peek(first) is self.own:
                self.resolve(first)
                return inverse[1](e, second)
            part = self.contribution(first, combine, depth + 1) if depth <= DEEP else None
            return None if part is None else e.op(value.op, part, second)
        return None

    def of_one(self, combine: str, pairs: Sequence[tuple[Expr, ...]], depth: int) -> Expr | None:
        """The contribution of a combination of two, the carry being in one of them."""
        for operand, other in pairs:
            if self.peek(operand) is self.own:
                self.resolve(operand)
                return other
        if depth <= DEEP:
            for operand, other in pairs:
                if self.leads_here(operand):
                    part = self.contribution(operand, combine, depth + 1)
                    return None if part is None else e.op(combine, part, other)
        return None

    def leads_here(self, x: Expr) -> bool:
        """Is the carry in what x stands for, as far as names lead?"""
        seen: set[str] = set()
        work = list(x.free)
        while work:
            name = work.pop()
            if name == self.carry.name:
                return True
            if name not in seen:
                seen.add(name)
                found = self.definitions.get(name)
                if isinstance(found, Let):
                    work += found.value.free
                elif isinstance(found, Carry):
                    work += found.init.free
                elif found is not None:
                    work += [n for x in found[0].outs[found[1]][2:] for n in x.free]
        return False

    def accumulator(self, x: Expr) -> Carry | None:
        """The accumulator of an inner loop whose last value x is."""
        found = self.definitions.get(x.args[0]) if x.op == "var" else None
        return found if isinstance(found, Carry) else None

    def is_flag(self, carry: Carry, cond: Expr) -> bool:
        """Does a carry only say whether `cond` ever held?"""
        return carry.reduce == "or" and carry is not self.carry and any(
            self.peek(a) is cond and b.op == "var" and b.args[0] == carry.name
            for a, b in (carry.next.args, carry.next.args[::-1]))

    def only_here(self, new: list[Expr], flags: Sequence[Carry] = ()) -> bool:
        """Is the carry used for nothing else (but flags), if `new` replaces what is on the way?"""
        new = [*new, *(x for values in self.given.values() for x in values),
               *self.starts.values()]
        used = [c.next for c in self.loop.carries if c is not self.carry and c not in flags]
        for s in walk(self.loop.body):
            if isinstance(s, If):
                used.append(s.cond)
                used += [x for out in s.outs if out[0] not in self.given for x in out[2:]]
            elif isinstance(s, For) and self.starts:
                used += (s.lo, s.hi, s.step)
                for c in s.carries:
                    if c.name not in self.starts:
                        used += (c.init, c.next)
                    elif (c.next.free - {c.name}) & (self.chain | self.starts.keys()):
                        return False
            elif not isinstance(s, Let) or s.name not in self.chain:
                used += expressions(s)
        taken = self.chain | self.given.keys() | self.starts.keys()
        return not any(x.free & taken for x in used) and not any(x.free & self.chain for x in new)

    # ---- the larger of the carry and something

    def extreme(self) -> list[Statement] | None:
        """As `combined`, for a choice by comparison."""
        carry, own, loop = self.carry, self.own, self.loop
        self.chain, self.given, self.starts = {carry.name}, {}, {}
        value = self.resolve(carry.next)
        sides = self.sides(value)
        branch = self.definitions[value.args[0]] if value.op == "var" and sides else None
        body = loop.body
        if isinstance(branch, tuple):          # an `if` that does nothing else goes
            statement = branch[0]
            if statement not in body or len(statement.outs) > 1 or not all(
                    isinstance(s, Let) for s in (*statement.then, *statement.orelse)):
                return None
            body = [s for s in body if s is not statement]
        cond = self.resolve(sides[0]) if sides else None
        if sides is None or cond is None:
            return None
        row = SCALAR_OPS.get(cond.op)
        compares = None if row is None else row.compares
        if compares is None or compares.gap is None or None not in compares.gap:
            return None
        compare, (other, mine), larger = cond.op, cond.args, compares.gap[1] is None
        if self.peek(mine) is not own:
            compare, other, mine, larger = compares.mirrored, mine, other, not larger
        chosen, left = sides[1:]
        exact = carry.dtype.kind != "f"
        if exact and self.peek(chosen) is own:
            chosen, left, larger = left, chosen, not larger
        if self.peek(chosen) is not self.peek(other) or not all(
                self.peek(x) is own for x in (mine, left)):
            return None
        self.resolve(mine), self.resolve(left)
        flags = [c for c in loop.carries if self.is_flag(c, cond)]
        combine = "maximum" if larger else "minimum"
        outer_body, loop.body = loop.body, body
        carry.reduce = combine
        if not self.only_here([other], flags) or (
                not exact and blocked(loop, self.around) is not None):
            loop.body, carry.reduce = outer_body, None
            return None
        # the carry is what it was until the comparison first holds
        first = e.op(compare, other, carry.init)
        for flag in flags:
            flag.next = e.or_(var(flag.name, flag.dtype), first)
        if exact:
            carry.next = e.op(combine, own, other)
            return []
        neutral = lit(identity(combine, carry.dtype), carry.dtype)
        best = var(self.names("r"), carry.dtype)
        better = e.gt(best, carry.init) if larger else e.lt(best, carry.init)
        after = Let(carry.name, e.select(better, best, carry.init))
        carry.name, carry.init = best.args[0], neutral
        carry.next = e.op(combine, best, e.select(e.isnan(other), neutral, other))
        return [after]

    def peek(self, x: Expr) -> Expr:
        """What a name stands for, without taking it as on the way."""
        chain = set(self.chain)
        x = self.resolve(x)
        self.chain = chain
        return x


def _remove(body: list[Statement], names: set[str]) -> None:
    body[:] = [s for s in body if not isinstance(s, Let) or s.name not in names]
    for s in body:
        for inner in parts(s):
            _remove(inner, names)

