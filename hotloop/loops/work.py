"""How many nanoseconds a loop will take, as an expression of the sizes that are known before it.

    for i in 0..n:                      work(loop) is 0.8 * n * m
      for j in 0..m lanes 4:
        c[i, j] <- exp(a[i, j])

Right within a factor of three or so, which is enough to tell loops worth more than one thread from
others. The time depends on values inside the kernel only: how a loop is cut into parts is decided
by it, and must not depend on how many threads there are.
"""

from __future__ import annotations

from hotloop.loops import cost
from hotloop.loops.core import Buffer, Call, For, Statement, Store, While, parts
from hotloop.loops.expr import F64, Expr, e, lit, substitute, var
from hotloop.loops.independence import varying_names
from hotloop.loops.rewrite import at_entry, bound
from hotloop.loops.vectorize import reach
from hotloop.record import field, record

VECTOR_NS = 0.03
"""Of one unit of `loops.cost` per element in vector code: exp, 10 units, takes 0.38 ns in L1; a
load 0.02 to 0.06, which is 2 units."""

SCALAR_NS = 0.25
"""The same in scalar code, where an element takes as long as LANES of them."""

CALL_NS = 20.0
"""A draw from a distribution."""


def work(loop: For) -> Expr:
    """The time of a loop in ns (f64), of names that are bound outside of it."""
    return _Work(bound([loop])).loop(loop, None).expr()


@record(frozen=False)
class _Sum:
    """A constant and multiples of other terms."""
    constant: float = 0.0
    terms: dict[Expr, float] = field(default_factory=dict)

    def expr(self) -> Expr:
        total = lit(_rounded(self.constant), F64)
        for term, k in self.terms.items():
            total = e.add(total, e.mul(term, _rounded(k)) if k != 1.0 else term)
        return total

    def add(self, other: _Sum, times: float | Expr = 1.0) -> None:
        if isinstance(times, Expr):
            other, times = (_Sum(0.0, {times: other.constant}), 1.0) if not other.terms else (
                _Sum(0.0, {e.mul(times, other.expr()): 1.0}), 1.0)
        self.constant += times * other.constant
        for term, k in other.terms.items():
            self.terms[term] = self.terms.get(term, 0.0) + times * k


def _rounded(x: float) -> float:
    return float(f"{x:.3g}")


@record
class _Lanes:
    """The loop whose iterations are lanes, and the names that differ between them."""
    loop: For
    varying: frozenset[str]

    def access(self, buffer: Buffer, index: tuple[Expr, ...]) -> float:
        return cost.ACCESS[reach(buffer, index, self.loop.var, self.varying)] * VECTOR_NS


class _Work:
    def __init__(self, inside: set[str]):
        self.inside = inside
        self.ends: dict[Expr, tuple[Expr, Expr]] = {}       # of the variables of loops around

    def loop(self, loop: For, lanes: _Lanes | None) -> _Sum:
        if lanes is None and loop.lanes:
            lanes = _Lanes(loop, varying_names(loop))
        trips = self.trips(loop)
        self.ends[var(loop.var)] = loop.lo, loop.hi
        total = _Sum(cost.LOOP * VECTOR_NS)
        total.add(self.once(loop.body, [c.next for c in loop.carries], lanes), trips)
        return total

    def trips(self, loop: For) -> float | Expr:
        """Iterations of a loop; where they depend on loops around it, the mean of what they are
        at their ends."""
        step = abs(int(loop.step.args[0])) if loop.step.op == "lit" else 1
        down = loop.step.op == "lit" and int(loop.step.args[0]) < 0
        cases = [e.sub(loop.lo, loop.hi) if down else e.sub(loop.hi, loop.lo)]
        for variable, ends in reversed(self.ends.items()):
            if len(cases) < 8 and any(variable.args[0] in x.free for x in cases):
                cases = [substitute(x, {variable: end}) for x in cases for end in ends]
        if any(x.loads or not self.inside.isdisjoint(x.free) for x in cases):
            return float(cost.TRIPS)
        if all(x.op == "lit" for x in cases):
            return max(0.0, sum(float(x.args[0]) for x in cases) / len(cases) / step)
        total = e.convert(cases[0], F64)
        for x in cases[1:]:
            total = e.add(total, e.convert(x, F64))
        scaled = e.mul(total, 1.0 / step / len(cases)) if step * len(cases) > 1 else total
        if loop.regular or not self.ends:      # of the outermost it is known before it is asked
            return scaled
        return e.select(e.gt(scaled, 0.0), scaled, lit(0.0, F64))

    def once(self, body: list[Statement], ends: list[Expr], lanes: _Lanes | None) -> _Sum:
        """One run of a list."""
        total, seen = _Sum(), set[Expr]()
        for statement in body:
            total.constant += self.count(list(at_entry(statement)), lanes, seen)
            match statement:
                case Store():
                    total.constant += lanes.access(statement.buffer, statement.index) if lanes \
                        else cost.SCALAR_ACCESS * SCALAR_NS / cost.LANES
                case For():
                    total.add(self.loop(statement, lanes))
                case While():
                    times = cost.TRIPS / 4 * (cost.DIVERGENCE if lanes else 1.0)
                    ends_ = [statement.cond, *(c.next for c in statement.carries)]
                    total.add(self.once(statement.test, [], lanes), times)
                    total.add(self.once(statement.body, ends_, lanes), times)
                case Call():
                    total.constant += CALL_NS
                case _:
                    for inner in parts(statement):
                        total.add(self.once(inner, [], lanes), 1.0 if lanes else 0.5)
        total.constant += self.count(ends, lanes, seen)
        return total

    def count(self, roots: list[Expr], lanes: _Lanes | None, seen: set[Expr]) -> float:
        """Of expressions; what does not change in the loop is computed before it."""
        total = 0.0
        for node in cost.nodes(roots, seen):
            if self.inside.isdisjoint(node.free):
                continue
            if node.op == "load":
                total += lanes.access(node.args[0], node.args[1:]) if lanes else (
                    cost.SCALAR_ACCESS * SCALAR_NS / cost.LANES)
            elif lanes and not lanes.varying.isdisjoint(node.free):
                total += cost.own_cost(node) * VECTOR_NS
            elif not lanes:
                total += cost.own_cost(node) * SCALAR_NS
        return total
