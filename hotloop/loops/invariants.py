"""Between what the carried integers of a `while` loop stay.

    while j >= 0 and x[j] > v, j beginning at i - 1:      j is in -1..i - 1 before the test,
      next j = j - 1                                      in 0..i - 1 in the body

What a carry begins with is taken for its least and its largest value; with these and the loop's
condition the body is looked at, and what its next value may pass is taken back, until all hold
(the "Houdini" of Flanagan and Leino, FME 2001). The other side comes from the condition: what it
leaves, and how far from there one step goes. Steps that might wrap prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from hotloop.loops.core import Carry, If, Let, Statement, While
from hotloop.loops.expr import I64, Expr, affine, e, from_affine, lit, transform, var
from hotloop.loops.intervals import UNKNOWN, Intervals, Sides

MOST_CARRIES, MOST_LEAVES = 6, 12

Facts = tuple[Expr, ...]
"""Integers that are below 0."""

Decide = Callable[[Expr, Intervals], Expr]
"""An expression with the choices in it made that these bounds decide."""


def invariants(loop: While, known: Intervals, facts: Facts, decide: Decide
               ) -> tuple[dict[str, Sides], dict[str, Sides]]:
    """Bounds of carries before the test (and after the loop), and in the body, given the `facts`
    that follow from the loop's condition."""
    carries = [c for c in loop.carries if c.dtype == I64]
    if not carries or len(carries) > MOST_CARRIES:
        return {}, {}
    return _Search(loop, carries, known, facts, decide).run()


class _Search:
    """`low` and `high` are the candidates."""

    def __init__(self, loop: While, carries: list[Carry], known: Intervals, facts: Facts,
                 decide: Decide):
        self.carries, self.known, self.facts, self.decide = carries, known, facts, decide
        start = {c.name: c.init for c in carries if not c.init.loads and known.fits(c.init)}
        self.low, self.high = dict(start), dict(start)
        self.names = {c.name for c in carries}
        self.values: dict[str, tuple[Expr, ...]] = {}
        for body in (loop.test, loop.body):
            self._define(body)

    def _define(self, body: list[Statement]) -> None:
        for s in body:
            if isinstance(s, Let) and s.value.dtype == I64 and not s.value.loads:
                self.values[s.name] = (s.value,)
            elif isinstance(s, If):
                self._define(s.then)
                self._define(s.orelse)
                self.values.update((name, (a, b)) for name, dtype, a, b in s.outs if dtype == I64)

    def run(self) -> tuple[dict[str, Sides], dict[str, Sides]]:
        for _ in range(2 * len(self.carries) + 1):
            inside = self._inside()
            ends = {c.name: self._leaves(c.next, inside) for c in self.carries}
            lost = [(side, name) for side, sign in ((self.low, -1), (self.high, 1))
                    for name, bound in side.items()
                    if not self._kept(ends[name], bound, sign, inside)]
            if not lost:
                return self._before(ends, inside), {
                    c.name: inside.sides(var(c.name)) for c in self.carries}
            for side, name in lost:
                del side[name]
        return {}, {}

    def _kept(self, leaves: list[Expr] | None, bound: Expr, sign: int, inside: Intervals) -> bool:
        return leaves is not None and all(self._beyond(bound, x, sign, inside) for x in leaves)

    def _beyond(self, bound: Expr, x: Expr, sign: int, inside: Intervals) -> bool:
        """Is x at most the bound (sign 1), or at least (-1)?"""
        gap = e.sub(x, bound) if sign > 0 else e.sub(bound, x)
        return inside.fits(x) and inside.negative(e.sub(gap, lit(1)))

    def _inside(self) -> Intervals:
        """What is known in the body if the candidates hold."""
        low, high = dict(self.low), dict(self.high)
        for _ in range(2):
            for fact in self.facts:
                for term, k in affine(fact)[1].items():
                    if abs(k) != 1 or term.op != "var" or term.args[0] not in self.names:
                        continue
                    side, name = high if k > 0 else low, term.args[0]
                    # k*term + rest < 0
                    rest = self._ended(e.sub(fact, e.mul(term, lit(k))), low, high)
                    if rest is not None and (name not in side or (
                            rest.op == "lit" and side[name].op != "lit")):
                        side[name] = e.sub(lit(-1), rest) if k > 0 else e.add(rest, lit(1))
        inside = Intervals(self.known.bounds, self.known.sizes, self.known.ends)
        for c in self.carries:
            inside.bind(c.name, (low.get(c.name), high.get(c.name)))
        return inside

    def _ended(self, rest: Expr, low: dict[str, Expr], high: dict[str, Expr]) -> Expr | None:
        """The least value of `rest`, without names of carries."""
        constant, terms = affine(rest)
        found = from_affine(constant, {t: k for t, k in terms.items()
                                       if self.names.isdisjoint(t.free)})
        for t, k in terms.items():
            if self.names.isdisjoint(t.free):
                continue
            end = (low if k > 0 else high).get(t.args[0]) if t.op == "var" else None
            if end is None:
                return None
            found = e.add(found, e.mul(end, lit(k)))
        return found

    def _leaves(self, x: Expr, inside: Intervals) -> list[Expr] | None:
        """What x is by the choices in it."""
        found: list[Expr] = []
        work = [x]
        while work:
            if len(work) + len(found) > MOST_LEAVES:
                return None
            x = self.decide(work.pop(), inside)
            constant, terms = affine(x)
            for t, k in terms.items():
                parts = t.args[1:] if t.op == "select" else (
                    self.values.get(t.args[0], ()) if t.op == "var" else ())
                if parts:
                    rest = from_affine(constant, {u: m for u, m in terms.items() if u is not t})
                    work += [e.add(rest, e.mul(part, lit(k))) for part in parts]
                    break
            else:
                if x.loads:
                    return None
                found.append(self._named(x))
        return found

    def _named(self, x: Expr) -> Expr:
        """With names in quotients replaced, too."""
        single = {name: value[0] for name, value in self.values.items() if len(value) == 1}
        if single.keys().isdisjoint(x.free):
            return x
        return transform(x, lambda node: single.get(node.args[0]) if node.op == "var" else None)

    def _before(self, ends: dict[str, list[Expr] | None], inside: Intervals) -> dict[str, Sides]:
        """Bounds before the test: those that were kept, and the farthest of what a carry begins
        with and of where one step ends."""
        found: dict[str, Sides] = {}
        for c in self.carries:
            low, high = self.low.get(c.name), self.high.get(c.name)
            leaves = ends[c.name]
            if leaves is not None and all(map(inside.fits, leaves)) and self.known.fits(c.init):
                if low is None:
                    low = self._farthest([inside.smallest(x) for x in leaves], c.init, -1)
                if high is None:
                    high = self._farthest([inside.largest(x) for x in leaves], c.init, 1)
            found[c.name] = (low, high)
        return {name: sides for name, sides in found.items() if sides != UNKNOWN}

    def _farthest(self, ends: list[Expr], init: Expr, sign: int) -> Expr | None:
        """The one beyond which none of the others and of `init` is."""
        for bound in ends:
            if bound.op not in ("lit", "aff", "var") or not self.names.isdisjoint(bound.free):
                continue
            if all(x is bound or self._beyond(bound, x, sign, self.known)
                   for x in (*ends, init)):
                return bound
        return None
