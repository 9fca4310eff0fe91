"""Loops that could be lanes but for what seldom happens: a check that fails, the end of a search,
a new maximum, a sum that outgrows 64 bits.

    for i in 0..n:                         for i in 0..n lanes 4 stop p:
      check lt(k[i], m) error 0     ->       check lt(k[i], m)
      r[i] <- a[k[i]]                        r[i] <- a[k[i]]
                                           for i in p..n:
                                             check lt(k[i], m) error 0
                                             r[i] <- a[k[i]]

The fast loop ends before an iteration in which it happens, and the loop as it was goes on from
there: so everything is in order, and errors are Python's. What must not happen is a check in the
fast loop, before anything is stored. Besides the program's checks:

* the loop ends early (`until`);
* a carry changes: `m, k = a[i], i` under `if a[i] > m`. In the fast loop it is a constant;
* the partial sum of a lane grows beyond what all lanes may have if the sum is to fit 64 bits.

A loop that ends early or changes carries takes turns with its fast form, in a `while`, in growing
portions as long as the fast one gets nowhere.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    For,
    If,
    Let,
    Nest,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, transform, var
from hotloop.loops.independence import blocked
from hotloop.loops.reductions import Match
from hotloop.loops.rewrite import (
    Names,
    binds,
    copied,
    expressions,
    loaded,
    runs,
    substitute,
    writes,
)
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.record import record, replace

FIRST, MOST = 8, 4096
"""Iterations of the loop as it was before the fast one is tried (again): searches that end at once
should cost nothing, and rare is what happens less than once in a few blocks."""

LARGE_PART, LARGE_START = 2**56, 2**61
"""Sums of up to 64 lanes below the first, and of a start below the second, fit 64 bits."""

SPELLED_OUT = 8.0
"""Cost of what is computed again in a condition."""

DEEP = 16
"""Nested choices that are looked into."""


@record(eq=False, frozen=False)
class Speculation:
    """`fast` is what becomes lanes, `statements` what stands instead of the loop."""
    fast: For
    statements: list[Statement]


def speculate(loop: For, around: tuple[For, ...], names: Names) -> Speculation | None:
    """The loop with a fast form, if it can have one."""
    if not _may_have(loop):
        return None
    attempt = _Attempt(loop, names)
    fast = attempt.fast()
    if fast is None or blocked(fast, around) is not None:
        return None
    return attempt.in_turns(fast) if attempt.rare else attempt.one_after_the_other(fast)


def _may_have(loop: For) -> bool:
    if loop.swaps or loop.stop is not None or loop.step.op != "lit" or not (
            0 < abs(int(loop.step.args[0])) <= MOST):
        return False
    checks = loop.until is not None or any(c.reduce is None for c in loop.carries)
    for s in walk(loop.body):
        match s:
            case Call() | Alloc() | Nest():
                return False
            case For():
                if s.until is not None or s.swaps or s.stop is not None:
                    return False
            case Check():
                checks = True
    return checks


class _Attempt:
    """The fast form is made from a copy of the loop. `kept` are the carries that it has too, by
    their names there; `constant` those that do not change in it; `rare`: it takes turns."""

    def __init__(self, loop: For, names: Names):
        self.loop, self.names = loop, names
        self.kept: dict[str, Carry] = {}
        self.constant: dict[str, str] = {}
        self.fresh: list[str] = []
        self.sums: list[Carry] = []
        self.rare = False

    # ---- the fast form

    def fast(self) -> For | None:
        (copy,), _ = copied([self.loop], self.names)
        assert isinstance(copy, For)
        until = copy.until
        copy.until = None
        copy.stop = self.names("p")
        self.copy = copy
        self.values = {s.name: s.value for s in copy.body if isinstance(s, Let)}
        self.inner = {s.name: s.value for s in _straight(copy.body) if isinstance(s, Let)}
        self.choices = {out[0]: (s, k) for s in copy.body if isinstance(s, If)
                        for k, out in enumerate(s.outs)}
        must: list[Expr] = []
        serial = [(old, new) for old, new in zip(self.loop.carries, copy.carries, strict=True)
                  if new.reduce is None]
        self.reaching = _reaching(copy)
        for old, new in serial:
            own = var(new.name, new.dtype)
            if new.name == until:
                if old.init.op != "lit" or old.init.args[0]:
                    return None
                self.rare = True
                must.append(_not(self.found(new.next, own)))
                self.constant[new.name] = old.name
                continue
            checked = self.checked_sums(own)
            if checked:
                if not self.is_sum(new, checked):
                    return None
                continue
            same = self.unchanged(new.next, own, 0)
            if isinstance(same, Expr):
                self.rare = True
                must.append(same)
                self.constant[new.name] = old.name
            else:
                self.fresh.append(new.name)
        if not self.by_constants(must, until):
            return None
        if any(not self.reaching[name].isdisjoint(self.fresh) for name in self.fresh):
            return None
        if self.fresh and abs(int(self.loop.step.args[0])) != 1:
            return None
        self.assume(must)
        for old, new in zip(self.loop.carries, copy.carries, strict=True):
            if new.name not in self.constant and new.name not in self.fresh:
                self.kept[old.name] = new
        copy.carries = list(self.kept.values())
        for s in walk(copy.body):
            if isinstance(s, Check):
                s.cond = self.spelled_out(s.cond)
        if must:
            copy.body.append(Check(functools.reduce(e.and_, dict.fromkeys(must)), -1))
        _drop(copy)
        copy.body = _checks_first(copy.body)
        left = {name for s in walk([copy]) for x in expressions(s) for name in x.free}
        if not left.isdisjoint(self.fresh) or not _may_be_done_again(copy, until is not None):
            return None
        return copy

    def by_constants(self, must: list[Expr], until: str | None) -> bool:
        """Do carries change by comparison with what they are (or at the end of a search)? That is
        rare; other conditions may be anything."""
        if until is not None or not must:
            return True
        reached: set[str] = set()
        for cond in must:
            for name in cond.free:
                reached |= self.reaching.get(name, {name})
        return not reached.isdisjoint(self.constant)

    def spelled_out(self, cond: Expr) -> Expr:
        """The condition with the names in it replaced, so that the emitter sees what depends on
        the loop's variable only."""
        memo: dict[Expr, Expr] = {}

        def value(node: Expr) -> Expr | None:
            if node.op != "var" or node.dtype not in (BOOL, I64):
                return None
            found = self.inner.get(node.args[0])
            if found is None or found.loads or found.cost > SPELLED_OUT:
                return None
            return transform(found, value, memo)
        return transform(cond, value, memo)

    def resolve(self, x: Expr, values: dict[str, Expr] | None = None) -> Expr:
        values = self.values if values is None else values
        while x.op == "var" and x.args[0] in values:
            x = values[x.args[0]]
        return x

    def unchanged(self, x: Expr, own: Expr, depth: int) -> Expr | bool:
        """When is x the carry itself? True, False, or a condition."""
        x = self.resolve(x)
        if x is own:
            return True
        if depth > DEEP:
            return False
        if x.op == "select":
            cond, then, orelse = x.args
        elif x.op == "var" and x.args[0] in self.choices:
            statement, k = self.choices[x.args[0]]
            cond, then, orelse = statement.cond, statement.outs[k][2], statement.outs[k][3]
        else:
            return False
        return _choice(cond, self.unchanged(then, own, depth + 1),
                       self.unchanged(orelse, own, depth + 1))

    def found(self, x: Expr, own: Expr) -> Expr:
        """What makes the flag `own`, which is not set, true."""
        x = self.resolve(x)
        if x.op == "or":
            for a, b in (x.args, x.args[::-1]):
                if a is own:
                    return self.resolve(b)
        return x

    def checked_sums(self, own: Expr) -> list[tuple[Check, Expr]]:
        """Checks that a sum, beginning with the carry, does not overflow."""
        if own.dtype != I64:
            return []
        checks = [s for s in walk(self.copy.body) if isinstance(s, Check)]
        sums = [(s, self.checked_sum(s.cond, own)) for s in checks]
        return [(s, total) for s, total in sums if total is not None]

    def is_sum(self, carry: Carry, checked: list[tuple[Check, Expr]]) -> bool:
        """Make the carry a reduction with checks of its parts instead."""
        for s, _ in checked:
            s.cond, s.operands = lit(False, BOOL), ()
        _drop(self.copy)
        if Match(self.copy, carry, (), self.names).combined() is None or carry.reduce != "add":
            return False
        for s, total in checked:
            s.cond = _within(total, LARGE_PART)
        if not any(s in self.copy.body and total is carry.next for s, total in checked):
            self.copy.body.append(Check(_within(carry.next, LARGE_PART), -1))
        self.sums.append(carry)
        return True

    def checked_sum(self, cond: Expr, own: Expr) -> Expr | None:
        """own + ..., if the condition is that it does not overflow."""
        cond = self.resolve(cond, self.inner)
        inner = self.resolve(cond.args[0], self.inner) if cond.op == "not" else cond
        row = SCALAR_OPS.get(inner.op)
        if row is None or not row.wraps or not SCALAR_OPS[row.wraps].sign or inner is cond:
            return None
        total = e.op(row.wraps, *(self.inlined(x, own) for x in inner.args))
        is_sum = affine(total)[1].get(own) == 1
        return total if is_sum and own.args[0] not in e.sub(total, own).free else None

    def inlined(self, x: Expr, own: Expr) -> Expr:
        """x with the names that depend on the carry replaced by what they stand for."""
        name = own.args[0]
        memo: dict[Expr, Expr] = {}

        def value(node: Expr) -> Expr | None:
            if node.op != "var" or node is own or node.args[0] not in self.inner:
                return None
            if name not in self.reaching.get(node.args[0], ()):
                return None
            return transform(self.inner[node.args[0]], value, memo)
        return transform(x, value, memo)

    def assume(self, must: list[Expr]) -> None:
        """What the checks say holds: branches that it decides are taken."""
        known: dict[Expr, Expr] = {}
        work = list(must)
        while work:
            cond = work.pop()
            if cond.op == "not" and cond.args[0].op == "var":
                known[cond.args[0]] = lit(False, BOOL)
            elif cond.op == "and":
                work += cond.args
            elif cond.op == "var":
                known[cond] = lit(True, BOOL)
        body: list[Statement] = []
        for s in self.copy.body:
            holds = known.get(s.cond) if isinstance(s, If) else None
            if holds is None:
                body.append(s)
                continue
            assert isinstance(s, If)
            body += s.then if holds.args[0] else s.orelse
            body += [Let(name, a if holds.args[0] else b) for name, _, a, b in s.outs]
        self.copy.body = body

    # ---- what stands instead of the loop

    def end(self, lo: Expr, hi: Expr) -> Expr:
        """Where the fast loop ends. What the last iteration alone decides is left to the loop as
        it was."""
        if self.fresh:
            still = runs(replace(self.loop, lo=lo, hi=hi))
            hi = e.select(still, e.sub(hi, self.loop.step), lo)
        for carry in self.sums:
            hi = e.select(_within(carry.init, LARGE_START), hi, lo)
        return hi

    def one_after_the_other(self, fast: For) -> Speculation:
        loop, before = self.loop, list[Statement]()
        lo, hi = self.named(loop.lo, before), self.named(loop.hi, before)
        fast.lo, fast.hi = lo, self.end(lo, hi)
        assert fast.stop is not None
        carries = [replace(c, init=var(self.kept[c.name].name, c.dtype)) if c.name in self.kept
                   else c for c in loop.carries]
        rest = replace(loop, lo=var(fast.stop), hi=hi, carries=carries)
        return Speculation(fast, [*before, fast, rest])

    def named(self, x: Expr, before: list[Statement]) -> Expr:
        if x.op in ("lit", "var"):
            return x
        before.append(Let(self.names("t"), x))
        return var(before[-1].name)  # type: ignore[union-attr]

    def in_turns(self, fast: For) -> Speculation:
        """As described above; the names of the loop's carries become those of the `while`."""
        loop, names, before = self.loop, self.names, list[Statement]()
        lo, hi = self.named(loop.lo, before), self.named(loop.hi, before)
        step = int(loop.step.args[0])
        (slow,), _ = copied([loop], names)
        assert isinstance(slow, For) and fast.stop is not None
        place, portion, limit = (var(names(x)) for x in ("p", "p", "t"))
        slow.lo, slow.hi = place, limit
        ends: dict[str, Expr] = {}
        for carry, new in zip(loop.carries, slow.carries, strict=True):
            new.init = var(carry.name, carry.dtype)
            ends[carry.name] = var(new.name, new.dtype)
        constants = {}
        for inside, outside in self.constant.items():
            dtype = ends[outside].dtype
            constants[var(inside, dtype)] = ends[outside]
        if loop.until is not None:          # in the fast loop it has not come true
            inside = next(x for x, outside in self.constant.items() if outside == loop.until)
            constants[var(inside, BOOL)] = lit(False, BOOL)
        substitute([fast], constants)
        for carry in loop.carries:
            if carry.name in self.kept:
                new = self.kept[carry.name]
                new.init = ends[carry.name]
                ends[carry.name] = var(new.name, new.dtype)
        fast.lo, fast.hi = limit, self.end(limit, hi)
        if loop.until is not None:
            done = var(slow.until or "", BOOL)
            fast.hi = e.select(done, limit, fast.hi)
        by = e.mul(portion, lit(step))
        ahead = e.gt(e.sub(hi, place), by) if step > 0 else e.lt(e.sub(hi, place), by)
        portions = Let(limit.args[0], e.select(ahead, e.add(place, by), hi))
        body: list[Statement] = [portions, slow, fast]
        reached = var(fast.stop)
        grown = e.minimum(e.mul(portion, lit(2)), lit(MOST))
        carries = [replace(c, next=ends[c.name], reduce=None) for c in loop.carries]
        carries += [
            Carry(place.args[0], I64, lo, reached),
            Carry(portion.args[0], I64, lit(FIRST),
                  e.select(e.eq(reached, limit), grown, lit(FIRST)))]
        going = e.lt(place, hi) if step > 0 else e.gt(place, hi)
        if loop.until is not None:
            going = e.and_(going, e.not_(var(loop.until, BOOL)))
        turns = While([], going, body, carries, location=loop.location)
        return Speculation(fast, [*before, turns])


def _straight(body: list[Statement]) -> Iterator[Statement]:
    """The statements, those of branches too, but not those of loops."""
    for s in body:
        yield s
        if isinstance(s, If):
            yield from _straight(s.then)
            yield from _straight(s.orelse)


def _not(x: Expr) -> Expr:
    return x.args[0] if x.op == "not" else e.not_(x)


def _choice(cond: Expr, a: Expr | bool, b: Expr | bool) -> Expr | bool:
    """`a if cond else b`"""
    if isinstance(a, bool) and isinstance(b, bool):
        return a if a == b else cond if a else _not(cond)
    if isinstance(a, bool):
        assert isinstance(b, Expr)
        return e.or_(cond, b) if a else e.and_(_not(cond), b)
    if isinstance(b, bool):
        return e.or_(_not(cond), a) if b else e.and_(cond, a)
    return e.select(cond, a, b)


def _within(x: Expr, bound: int) -> Expr:
    """-bound <= x < bound"""
    return e.and_(e.ge(x, lit(-bound)), e.lt(x, lit(bound)))


def _reaching(loop: For) -> dict[str, frozenset[str]]:
    """For each name in the loop, the carries of the loop whose values it depends on; for the
    carries, what their next values depend on."""
    carries = frozenset(c.name for c in loop.carries)
    found: dict[str, frozenset[str]] = {}

    def of(*xs: Expr) -> frozenset[str]:
        total = frozenset[str]()
        for x in xs:
            for name in x.free:
                total |= frozenset((name,)) if name in carries else found.get(name, frozenset())
        return total

    def visit(body: list[Statement], under: frozenset[str]) -> None:
        for s in body:
            match s:
                case Let():
                    found[s.name] = of(s.value) | under
                case If():
                    inside = under | of(s.cond)
                    visit(s.then, inside)
                    visit(s.orelse, inside)
                    for name, _, a, b in s.outs:
                        found[name] = of(a, b) | inside
                case For() | While():
                    inside = under.union(*(of(x) for t in walk([s]) for x in expressions(t)))
                    found.update((name, inside) for t in walk([s]) for name in binds(t))
    visit(loop.body, frozenset())
    ends = {c.name: of(c.next) for c in loop.carries}
    return {**found, **ends}


def _drop(loop: For) -> None:
    """Leave out what no check, store or carry of the loop needs."""
    needed = {name for c in loop.carries for name in c.next.free}
    loop.body = _needed(loop.body, needed)


def _needed(body: list[Statement], needed: set[str]) -> list[Statement]:
    kept: list[Statement] = []
    for s in reversed(body):
        match s:
            case Let():
                if s.name not in needed:
                    continue
            case If():
                s.outs = [out for out in s.outs if out[0] in needed]
                needed.update(name for out in s.outs for x in out[2:] for name in x.free)
                s.then, s.orelse = _needed(s.then, needed), _needed(s.orelse, needed)
                if not (s.then or s.orelse or s.outs):
                    continue
            case Check():
                if s.cond.op == "lit" and s.cond.args[0]:
                    continue
                s.operands = ()
            case For() | While():
                needed.update(name for t in walk([s]) for x in expressions(t) for name in x.free)
        needed.update(name for x in expressions(s) for name in x.free)
        kept.append(s)
    return kept[::-1]


def _checks_first(body: list[Statement]) -> list[Statement]:
    """Checks, with what they need, before all other statements, if no load moves over a store to
    its buffer."""
    needed: set[str] = set()
    first: list[Statement] = []
    rest: list[Statement] = []
    reads: set[Buffer] = set()              # of those that move up, over what is in `rest`
    stores: set[Buffer] = set()
    for s in reversed(body):
        own_names = {name for t in walk([s]) for name in binds(t)}
        mine = writes([s])
        if any(isinstance(t, Check) for t in walk([s])) or not own_names.isdisjoint(needed):
            needed.update(name for t in walk([s]) for x in expressions(t) for name in x.free)
            first.append(s)
            stores |= mine
            reads.update(b for t in walk([s]) for b in loaded(t))
        else:
            if not mine.isdisjoint(reads | stores) or any(
                    b in stores for t in walk([s]) for b in loaded(t)):
                return body
            rest.append(s)
    return first[::-1] + rest[::-1]


def _may_be_done_again(loop: For, ends: bool) -> bool:
    """May the iterations of a block run again, from the beginning, if a check fails in it? Stores
    before the last check must then be seen by nobody meanwhile, nor if the loop `ends` there."""
    stores: list[Store] = []
    early: list[Store] = []
    for s in loop.body:
        mine = [t for t in walk([s]) if isinstance(t, Store)]
        if any(isinstance(t, Check) for t in walk([s])):
            early = [*stores, *mine]
        stores += mine
    read = {b for s in walk([loop]) for b in loaded(s)}
    return all(not ends and s.combine is None and s.buffer.kind in (RESULT, TEMP) and
               s.buffer not in read for s in early)
