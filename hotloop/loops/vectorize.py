"""Which loops become lanes of vectors (`For.lanes`: how many registers a value takes).

    for i in 0..n:                          for i in 0..n:
      for j in 0..m:                  ->      for j in 0..m lanes 4:
        c[i, j] <- a[i] * b[j]                  c[i, j] <- a[i] * b[j]

Any loop may be the one whose body runs for many iterations at once: an inner `for` then runs for
all lanes together, `while` and `if` under a mask. It must have independent iterations: carries that
are reductions, stores of which each iteration has its own elements, nothing that the next iteration
reads. Of all ways to choose at most one loop on each path, the one that `loops.cost` says is
fastest is taken: contiguous accesses pay, gathers do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotloop import config, lazy
from hotloop.loops import cost
from hotloop.loops.core import Buffer, For, If, Kernel, Let, Statement, Store, While, parts, walk
from hotloop.loops.expr import Expr, affine, var
from hotloop.loops.independence import blocked, varying_names
from hotloop.loops.rewrite import Names, at_entry, bound, expressions
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.record import field, record

if TYPE_CHECKING:
    from hotloop.loops.speculate import Speculation

speculation = lazy.module("hotloop.loops.speculate")

Index = tuple[Expr, ...]


def vectorize(kernel: Kernel) -> Kernel:
    if config.opt == 0:
        return kernel
    search = _Search(kernel.sizes, Names(kernel))
    instead: dict[For, list[Statement]] = {}
    for loop in _outermost(kernel.body):
        search.best(loop, ()).take(kernel, instead)
    if instead:
        _put(kernel.body, instead)
    return kernel


def _put(body: list[Statement], instead: dict[For, list[Statement]]) -> None:
    """Exchange loops for statements."""
    new: list[Statement] = []
    for s in body:
        for inner in parts(s):
            _put(inner, instead)
        new += instead.get(s, [s]) if isinstance(s, For) else [s]
    body[:] = new


def _outermost(body: list[Statement]) -> Iterator[For]:
    """For loops not inside another For loop of the list."""
    for statement in body:
        if isinstance(statement, For):
            yield statement
        else:
            for inner in parts(statement):
                yield from _outermost(inner)


# ---- the choice

@record(frozen=False)
class _Plan:
    """A loop's cost, and the loops that become lanes for it. `hoped`: how much of what it would
    cost in scalar code it does not, if loops that are speculated on hardly ever stop."""
    cost: float
    lanes: list[For]
    missed: list[str]           # why loops stay scalar, for the user
    instead: list[tuple[For, Speculation]] = field(default_factory=list)
    hoped: float = 0.0

    def take(self, kernel: Kernel, instead: dict[For, list[Statement]]) -> None:
        kernel.notes += self.missed
        instead.update((loop, found.statements) for loop, found in self.instead)
        for loop in self.lanes:
            loop.lanes = _registers(loop, kernel.sizes)
            width = f"{loop.lanes} register{'s' * (loop.lanes > 1)} a value"
            kernel.notes.append(f"{_where(loop)}vectorized, {width}")


def _where(loop: For) -> str:
    return f"line {loop.location.line}: " if loop.location else ""


class _Search:
    def __init__(self, sizes: dict[str, int], names: Names):
        self.sizes, self.names = sizes, names

    def best(self, loop: For, around: tuple[For, ...]) -> _Plan:
        """The cheapest way to run a loop once, lanes taken from it or from what is inside it."""
        ends = [c.next for c in loop.carries]
        plan = self.scalar(loop.body, ends, (*around, loop), bound([loop]))
        if any(c.reduce is None and c.dtype.kind == "f" for c in loop.carries):
            plan.cost = max(plan.cost, cost.CHAIN)
        trips = cost.trips(loop.lo, loop.hi, loop.step, self.sizes)
        plan.cost *= trips
        plan.hoped *= trips
        reason = blocked(loop, around)
        if reason is not None and blocked(loop, around, ahead=True) is None:
            loop.ahead, reason = True, None
        if reason is None:
            total = self.in_lanes(loop, trips)
            expected = plan.cost + cost.DISAPPOINTMENT * plan.hoped
            return _Plan(total, [loop], []) if total < expected else plan
        if trips > cost.SHORT:
            found = speculation.speculate(loop, around, self.names)
            if found is not None:
                total = self.in_lanes(found.fast, trips) + cost.LEFT_OVER * plan.cost
                if total < cost.WORTH_TWO_LOOPS * plan.cost:
                    return _Plan(total, [found.fast], [], [(loop, found)], plan.cost - total)
        if not loop.regular and not any(isinstance(s, For | While) for s in walk(loop.body)):
            plan.missed.append(f"{_where(loop)}not vectorized: {reason}")
        return plan

    def in_lanes(self, loop: For, trips: int) -> float:
        filled = -(-trips // cost.LANES) * cost.LANES
        ends = [c.next for c in loop.carries]
        return cost.LOOP + filled * _Lanes(loop, self.sizes).cost(loop.body, ends, set())

    def scalar(self, body: list[Statement], ends: list[Expr], around: tuple[For, ...],
               inside: set[str]) -> _Plan:
        """Cost of a list in scalar code, loops inside it as good as they can be; expressions
        without the names bound `inside` the loop around it cost nothing, being computed before
        it."""
        plan = _Plan(0.0, [], [])

        def add(inner: _Plan, times: float) -> None:
            plan.cost += inner.cost * times
            plan.hoped += inner.hoped * times
            plan.lanes += inner.lanes
            plan.missed += inner.missed
            plan.instead += inner.instead

        seen: set[Expr] = set()

        def count(roots: list[Expr]) -> None:
            for node in cost.nodes(roots, seen):
                if node.op == "load":
                    plan.cost += cost.SCALAR_ACCESS
                elif not inside.isdisjoint(node.free):
                    plan.cost += cost.own_cost(node) * cost.LANES

        for statement in body:
            count(list(at_entry(statement)))
            match statement:
                case Store():
                    plan.cost += cost.SCALAR_ACCESS
                case For():
                    add(self.best(statement, around), 1.0)
                case While():
                    times = cost.TRIPS / 4
                    next_values = [statement.cond, *(c.next for c in statement.carries)]
                    add(self.scalar(statement.test, [], around, inside), times)
                    add(self.scalar(statement.body, next_values, around, inside), times)
                case If():
                    add(self.scalar(statement.then, [], around, inside), 0.5)
                    add(self.scalar(statement.orelse, [], around, inside), 0.5)
        count(ends)
        return plan


class _Lanes:
    """Cost of a body per iteration of `loop`, its iterations being lanes."""

    def __init__(self, loop: For, sizes: dict[str, int]):
        self.loop, self.sizes = loop, sizes
        self.varying = varying_names(loop)
        self.inner: For | None = None      # the innermost loop around what is looked at
        self.masked = False                # is it in a branch that not all lanes take?

    def cost(self, body: list[Statement], ends: list[Expr], seen: set[Expr]) -> float:
        total = 0.0
        rows = whole_rows(body)
        for statement in body:
            total += self.count(list(at_entry(statement)), seen)
            if isinstance(statement, Store):
                total += self.access(statement.buffer, statement.index, statement in rows)
            elif isinstance(statement, For | While):
                next_values = [c.next for c in statement.carries]
                if isinstance(statement, For):
                    times: float = cost.trips(statement.lo, statement.hi, statement.step,
                                              self.sizes)
                else:
                    times = cost.TRIPS / 4 * cost.DIVERGENCE
                    total += times * self.cost(statement.test, [statement.cond], set())
                outer, self.inner = self.inner, statement if isinstance(
                    statement, For) and times >= cost.BLOCK else None
                total += times * self.cost(statement.body, next_values, set())
                self.inner = outer
            else:
                outside, self.masked = self.masked, True
                for inner in parts(statement):
                    total += self.cost(inner, [], seen)
                self.masked = outside
        return total + self.count(ends, seen)

    def count(self, roots: list[Expr], seen: set[Expr]) -> float:
        total = 0.0
        for node in cost.nodes(roots, seen):
            if node.op == "load":
                total += self.access(node.args[0], node.args[1:])
            elif not self.varying.isdisjoint(node.free):
                total += cost.own_cost(node)
        return total

    def access(self, buffer: Buffer, index: Index, whole: bool = True) -> float:
        """Of a load, or of a store that is one of those to a `whole` row or not."""
        kind = reach(buffer, index, self.loop.var, self.varying)
        if kind == "parts" and (self.masked or not whole):
            kind = "strided"
        if kind == "strided" and self.inner is not None and columns(
                buffer, index, self.loop.var, self.inner.var, self.varying):
            kind = "columns"
        return cost.ACCESS[kind]


def columns(buffer: Buffer, index: Index, lanes: str, inner: str, varying: frozenset[str]) -> bool:
    """Are the elements of the iterations of loop `inner` consecutive, and those of the lanes in
    rows apart? Then blocks of them can be transposed in registers."""
    if buffer.strides is not None or len(index) < 2 or len(index) != len(buffer.shape):
        return False
    if affine(index[-1])[1].get(var(inner)) != 1 or not varying.isdisjoint(index[-1].free):
        return False
    if any(inner in x.free or x.loads for x in index[:-1]) or index[-1].loads:
        return False
    moving = [x for x in index[:-1] if not varying.isdisjoint(x.free)]
    return len(moving) == 1 and affine(moving[0])[1].get(var(lanes)) is not None and all(
        t.op == "var" and t.args[0] == lanes or varying.isdisjoint(t.free)
        for t in affine(moving[0])[1])


def reach(buffer: Buffer, index: Index, name: str, varying: frozenset[str]) -> str:
    """How the iterations of loop `name` reach `buffer[index]`."""
    kind = "uniform"
    for axis, x in enumerate(index):
        if varying.isdisjoint(x.free):
            continue
        terms = affine(x)[1]
        moving = [(t, k) for t, k in terms.items() if not varying.isdisjoint(t.free)]
        if len(moving) != 1 or moving[0][0].op != "var" or moving[0][0].args[0] != name:
            return "gather"
        flat = len(index) == 1                     # elements are counted in C order
        whole_rows = buffer.strides is None and (flat or all(
            d.op == "lit" and d.args[0] == 1 for d in buffer.shape[axis + 1:]))
        unit = kind == "uniform" and moving[0][1] == 1 and whole_rows
        kind = "unit" if unit else "strided"
    return "parts" if kind == "strided" and parts_of_rows(buffer, index, name) else kind


def whole_rows(body: list[Statement]) -> set[Statement]:
    """The stores of a list that together store whole short rows, with nothing but names and other
    stores between them."""
    found: set[Statement] = set()
    here: dict[Buffer, dict[Expr, Store]] = {}
    for s in [*body, None]:
        if isinstance(s, Store) and s.index and s.combine is None:
            here.setdefault(s.buffer, {})[s.index[-1]] = s
        elif not isinstance(s, Let):
            for buffer, stores in here.items():
                last = buffer.shape[-1]
                if last.op == "lit" and len(stores) == int(last.args[0]):
                    found.update(stores.values())
            here = {}
    return found


def parts_of_rows(buffer: Buffer, index: Index, name: str) -> bool:
    """Do the iterations of loop `name` each reach the same place of a short row, the rows lying one
    after the other? Then vectors of whole rows are loaded or stored, and shuffled."""
    last = buffer.shape[-1] if buffer.shape else None
    if buffer.strides is not None or last is None or last.op != "lit":
        return False
    parts = int(last.args[0])
    if not 2 <= parts <= cost.MOST_PARTS or parts * buffer.dtype.itemsize > cost.MOST_BYTES:
        return False
    if len(index) == 1 < len(buffer.shape):        # counted in C order
        return affine(index[0])[1].get(var(name)) == parts
    return (len(index) > 1 and index[-1].op == "lit"
            and affine(index[-2])[1].get(var(name)) == 1
            and all(name not in x.free for x in index[:-2]))


def _is_math(node: Expr) -> bool:
    return node.op in SCALAR_OPS and SCALAR_OPS[node.op].math


def _registers(loop: For, sizes: dict[str, int]) -> int:
    """Registers a value of the loop takes."""
    if not any(isinstance(s, While) for s in walk(loop.body)):
        if cost.trips(loop.lo, loop.hi, loop.step, sizes) <= cost.SHORT:
            return 1
    seen: set[Expr] = set()
    roots = [x for s in walk(loop.body) for x in expressions(s)]
    found = cost.nodes([*roots, *(c.next for c in loop.carries)], seen)
    count = sum(cost.MATH_NODES if _is_math(node) else 1 for node in found)
    return 4 if count <= cost.FEW_NODES else 2 if count <= cost.MANY_NODES else 1

