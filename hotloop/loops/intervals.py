"""What bounds say about integer expressions: how large and how small they can be.

    j in 0..n - 1, n the size of an axis        largest(j + 1) is n, negative(j - n), fits(j + 1)

As `dependence.Ranges`, but bounds may be known on one side only, sizes of arrays are known not to
be negative, quotients and remainders have bounds if their operands have, and what has no other
bounds has the numbers of `loops.numbers` (`ends`). Sums of bounds are
sums of integers, so they say something about machine integers only where these do not wrap
(`fits`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hotloop.loops.expr import I64, Expr, affine, e, from_affine, lit
from hotloop.loops.scalar import SCALAR_OPS, Division

Sides = tuple[Expr | None, Expr | None]
"""The least and the largest value."""

Ends = tuple[int | None, int | None]
"""Likewise, as numbers."""

ROUNDS = 10
"""How many terms are replaced by their bounds: deeper nests are not decided."""

FEW_SIZES, FAR = 2**12, 2**60
"""Sizes are below 2**48: so many of them, and a constant below the second, fit 64 bits."""

UNKNOWN: Sides = (None, None)


class Intervals:
    """`bounds` of names, those of inner loops last, may be extended; `sizes` are of arrays."""

    def __init__(self, bounds: Mapping[str, Sides], sizes: frozenset[str],
                 ends: Callable[[Expr], Ends] = lambda x: (None, None)):
        self.bounds: dict[str, Sides] = dict(bounds)
        self.sizes = sizes
        self.ends = ends
        self._fitting: dict[Expr, bool] = {}

    def bind(self, name: str, sides: Sides) -> None:
        if sides != UNKNOWN:
            self.bounds[name] = sides
            self._fitting.clear()

    def negative(self, x: Expr) -> bool:
        most = self.largest(x)
        return most.op == "lit" and int(most.args[0]) < 0

    def largest(self, x: Expr) -> Expr:
        return self._end(x, True)

    def smallest(self, x: Expr) -> Expr:
        return self._end(x, False)

    def _end(self, x: Expr, up: bool) -> Expr:
        """The largest or smallest value, in terms of what has no bound on that side."""
        inside = x.free
        for _ in range(ROUNDS):
            if x.op == "lit":
                break
            constant, terms = affine(x)
            for t, k in list(terms.items()):           # without these it is farther out
                if (k < 0) == up and t.op == "mul" and all(
                        self._never_negative(factor, inside) for factor in t.args):
                    del terms[t]
            found = [(self._depth(t), t, end) for t, k in terms.items()
                     if (end := self.sides(t)[(k > 0) == up]) is not None]
            if not found:
                return from_affine(constant, terms)
            _, term, end = max(found, key=lambda one: (one[0], one[1].serial))
            k = terms.pop(term)
            if not _exact(constant, k, end):
                return x
            x = e.add(from_affine(constant, terms), e.mul(end, lit(k)))
        return x

    def _depth(self, term: Expr) -> int:
        """Inner names come first: their bounds mention outer ones, which may cancel then."""
        if term.op != "var":
            return len(self.bounds)
        return next((k for k, name in enumerate(self.bounds) if name == term.args[0]), -1)

    def sides(self, x: Expr) -> Sides:
        """Of a term."""
        if x.op == "var":
            found = self.bounds.get(x.args[0])
            if found is not None:
                return found
            if x.args[0] in self.sizes:
                return lit(0), None
        elif (division := _division(x)) is not None:
            return self._divided(x, division)
        return self._numbers(x)

    def _numbers(self, x: Expr) -> Sides:
        low, high = self.ends(x)
        return (None if low is None else lit(low)), (None if high is None else lit(high))

    def _divided(self, x: Expr, division: Division) -> Sides:
        a, by = x.args
        step = division.by(int(by.args[0])) if by.op == "lit" else 0
        if step <= 0:
            if division.remainder and self.fits(by) and self.negative(e.sub(lit(0), by)):
                last = e.sub(by, lit(1))
                return (lit(0) if self._counts(a) else e.sub(lit(0), last)), last
            return self._numbers(x)
        if division.remainder:
            return lit(0 if self._counts(a) else 1 - step), lit(step - 1)
        if not self._counts(a):
            return self._numbers(x)
        most = self.largest(a)
        constant, terms = affine(most)
        if any(k % step for k in terms.values()):
            return lit(0), most
        return lit(0), from_affine(constant // step, {t: k // step for t, k in terms.items()})

    def _counts(self, x: Expr) -> bool:
        """Is it at least 0, as a machine integer?"""
        return self.fits(x) and self.negative(e.sub(lit(-1), x))

    def _never_negative(self, x: Expr, inside: frozenset[str]) -> bool:
        if x.op == "var":
            low = self.sides(x)[0]
            if low is not None and low.op == "lit" and int(low.args[0]) >= 0:
                return True
        return any(low is not None and high is not None and name in inside and low.op == "lit"
                   and int(low.args[0]) >= 0 and e.add(high, lit(1)) is x
                   for name, (low, high) in self.bounds.items())

    def fits(self, x: Expr) -> bool:
        """Is it sure not to be the rest of an integer of more than 64 bits?"""
        if x.dtype != I64:
            return False
        if x.op in ("lit", "var"):
            return True
        known = self._fitting.get(x)
        if known is None:
            self._fitting[x] = False               # while its parts are looked at
            terms = affine(x)[1]
            known = self._fitting[x] = not x.loads and all(
                t.op == "var" or _division(t) is not None or None not in self.ends(t)
                for t in terms) and (
                self._inside(self.largest(x), 1) and self._inside(self.smallest(x), -1))
        return known

    def _inside(self, end: Expr, sign: int) -> bool:
        """Does an end fit, `sign` being 1 for the largest value? It is at most a number of 64 bits
        and nothing more, or few sizes."""
        constant, terms = affine(end)
        count, numbers = 0, 0
        for t, k in terms.items():
            if t.op == "var" and t.args[0] in self.sizes:
                count += abs(k)
            elif t.op == "var" and abs(k) == 1:
                numbers += 1
                if k == -1:                        # -(-2**63) does not fit
                    constant += sign
            else:
                return False
        if numbers == 0:
            return count <= FEW_SIZES and abs(constant) <= FAR
        return numbers == 1 and constant * sign <= 0 and all(
            k * sign < 0 for t, k in terms.items() if t.args[0] in self.sizes)


def _division(x: Expr) -> Division | None:
    row = SCALAR_OPS.get(x.op) if x.dtype == I64 else None
    return None if row is None else row.division


def _exact(constant: int, k: int, end: Expr) -> bool:
    """Is constant + k*end what is written, or might its numbers wrap?"""
    other, factors = affine(end)
    return abs(constant) + abs(k * other) <= FAR and all(
        abs(k * factor) <= FAR for factor in factors.values())
