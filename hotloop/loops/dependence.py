"""Do two iterations of a loop touch the same element? Affine reasoning about indices.

    for i in 1..n: for k in 0..i: a[i, j] <- ... a[k, j]      # row i against rows k < i: apart

An index is compared with one of another iteration, in which the loop variable and everything bound
inside the loop have other values. Three tests, any of them on any one axis:

* both are c*v + (the same terms, which the loop does not change) + constants, and no two different
  values of v make up for the difference of the constants;
* both are v*d + something from 0 to d - 1, where d does not change: rows counted by hand;
* the largest value of one is below the least value of the other, by the bounds of loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hotloop.loops.core import For, Statement, walk
from hotloop.loops.expr import Expr, affine, e, from_affine, lit, substitute, var
from hotloop.loops.rewrite import bound

Index = tuple[Expr, ...]
Bounds = Mapping[str, tuple[Expr, Expr]]

ROUNDS = 6
"""How many variables of an expression are replaced by bounds: deeper loop nests are not decided."""


def bounds_of(loops: Iterable[Statement]) -> dict[str, tuple[Expr, Expr]]:
    """Least and largest value of the variables of For loops, by name."""
    found = {}
    starts: dict[Expr, Expr] = {}      # where a loop stops is not before where it starts
    for loop in loops:
        if isinstance(loop, For) and loop.step.op == "lit":
            lo = starts.get(loop.lo, loop.lo)
            if loop.stop is not None:
                starts[var(loop.stop)] = lo
            if int(loop.step.args[0]) > 0:
                found[loop.var] = (lo, e.sub(loop.hi, lit(1)))
            else:
                found[loop.var] = (e.add(loop.hi, lit(1)), lo)
    return found


class Ranges:
    """What the bounds of loops say about integer expressions."""

    def __init__(self, loops: Iterable[Statement]):
        self.bounds = bounds_of(loops)

    def negative(self, x: Expr) -> bool:
        """Is x < 0 for all values of the variables within their bounds?"""
        inside = x.free                 # it is evaluated in the loops of these variables
        for _ in range(ROUNDS):
            if x.op == "lit":
                return int(x.args[0]) < 0
            constant, terms = affine(x)
            small = [t for t, k in terms.items() if k < 0 and t.op == "mul" and all(
                self._never_negative(factor, inside) for factor in t.args)]
            if small:                            # without them it is larger
                for t in small:
                    del terms[t]
                x = from_affine(constant, terms)
                if x.op == "lit":
                    return int(x.args[0]) < 0
            known = [t for t in terms if t.op == "var" and t.args[0] in self.bounds]
            if not known or x.loads:
                return False
            # inner loops first: their bounds mention outer variables, which may cancel then
            order = list(self.bounds)
            term = max(known, key=lambda t: order.index(t.args[0]))
            k = terms.pop(term)
            low, high = self.bounds[term.args[0]]
            x = e.add(from_affine(constant, terms), e.mul(high if k > 0 else low, lit(k)))
        return x.op == "lit" and int(x.args[0]) < 0


    def _never_negative(self, x: Expr, inside: frozenset[str]) -> bool:
        """Is a factor of a product at least 0? A variable whose least value is, or the end of a
        loop that begins at 0, if this is `inside` it."""
        if x.op == "var" and x.args[0] in self.bounds:
            low = self.bounds[x.args[0]][0]
            return low.op == "lit" and int(low.args[0]) >= 0
        return any(name in inside and low.op == "lit" and int(low.args[0]) >= 0
                   and e.add(high, lit(1)) is x for name, (low, high) in self.bounds.items())


class Iterations(Ranges):
    """Two different iterations of `loop`, itself inside the loops `around`."""

    def __init__(self, loop: For, around: Iterable[For] = ()):
        super().__init__([*around, *walk([loop])])
        self.loop = loop
        self.inside = bound([loop])
        self.step = int(loop.step.args[0]) if loop.step.op == "lit" else 1
        self._other: dict[Expr, Expr] = {}
        self._primed = False

    def apart(self, a: Index, b: Index) -> bool:
        """Is the element at index `a` in one iteration never that at index `b` in another?"""
        if len(a) != len(b):
            return False
        pairs = list(zip(a, b, strict=True))
        return any(self._never_meet(x, y) for x, y in pairs) or any(
            self._in_rows(x, y) for x, y in pairs) or any(self._ordered(x, y) for x, y in pairs)

    def different(self, a: Index, b: Index) -> bool:
        """Are these two elements in any one iteration (the loops inside it at any)?"""
        return len(a) == len(b) and any(
            not x.loads and not y.loads and (
                self.negative(e.sub(x, y)) or self.negative(e.sub(y, x)))
            for x, y in zip(a, b, strict=True))

    def within(self, index: Index, shape: Index) -> bool:
        """Is the element inside an array of this shape?"""
        return len(index) == len(shape) and all(
            not x.loads and self.negative(e.sub(lit(-1), x)) and
            self.negative(e.sub(x, extent))
            for x, extent in zip(index, shape, strict=True))

    def ahead(self, read: Index, written: Index) -> bool:
        """Is an element at `read` in one iteration that at `written` in later ones only?"""
        return len(read) == len(written) and any(
            self._before(x, y) for x, y in zip(read, written, strict=True))

    def _before(self, x: Expr, y: Expr) -> bool:
        found = self._moving(x, y)
        return found is not None and found[0] * found[1] > 0

    def _never_meet(self, x: Expr, y: Expr) -> bool:
        found = self._moving(x, y)
        return found is not None and (found[0] == 0 or found[0] % found[1] != 0)

    def _moving(self, x: Expr, y: Expr) -> tuple[int, int] | None:
        """(x - y, by how much an iteration moves both), where these are constant; it is not 0."""
        (c, terms), (c2, terms2) = affine(x), affine(y)
        v = next((t for t in terms if t.op == "var" and t.args[0] == self.loop.var), None)
        if v is None or terms != terms2:
            return None
        if any(t is not v and (t.loads or t.free & self.inside) for t in terms):
            return None
        return c - c2, terms[v] * self.step

    def _in_rows(self, x: Expr, y: Expr) -> bool:
        v = var(self.loop.var)
        for row, k in affine(x)[1].items():
            width = _factor(row, v)
            if k == 1 and width is not None and not width.loads and (
                    self.inside.isdisjoint(width.free)):
                return all(not rest.loads and self.negative(e.sub(lit(-1), rest))
                           and self.negative(e.sub(rest, width))
                           for rest in (e.sub(x, row), e.sub(y, row)))
        return False

    def _ordered(self, x: Expr, y: Expr) -> bool:
        if x.loads or y.loads or not (x.free | y.free) & self.inside:
            return False
        other = self.other(y)
        return self.negative(e.sub(x, other)) or self.negative(e.sub(other, x))

    def other(self, x: Expr) -> Expr:
        """`x`, which has no loads, as it is in the other iteration."""
        if not self._primed:
            self._primed = True
            rename = {var(name): var(name + "'") for name in self.inside}
            self._other = rename
            for name in self.inside & self.bounds.keys():
                low, high = self.bounds[name]
                self.bounds[name + "'"] = (substitute(low, rename), substitute(high, rename))
        return substitute(x, self._other)


def _factor(x: Expr, v: Expr) -> Expr | None:
    """What `v` is multiplied by in a product."""
    if x.op == "mul":
        for a, b in (x.args, x.args[::-1]):
            if a is v:
                return b
    return None
