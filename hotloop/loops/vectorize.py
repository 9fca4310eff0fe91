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

from hotloop import config
from hotloop.loops import cost
from hotloop.loops.core import (
    ARG_WRITTEN,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    For,
    If,
    Kernel,
    Let,
    Nest,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import Expr, affine, var
from hotloop.loops.rewrite import at_entry, bound, expressions
from hotloop.loops.scalar import SCALAR_OPS, is_combiner, rounds
from hotloop.record import record

Index = tuple[Expr, ...]


def vectorize(kernel: Kernel) -> Kernel:
    if config.opt == 0:
        return kernel
    for loop in _outermost(kernel.body):
        _best(loop, (), kernel.sizes).take(kernel)
    return kernel


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
    """A loop's cost, and the loops that become lanes for it."""
    cost: float
    lanes: list[For]
    missed: list[str]           # why loops stay scalar, for the user

    def take(self, kernel: Kernel) -> None:
        kernel.notes += self.missed
        for loop in self.lanes:
            loop.lanes = _registers(loop, kernel.sizes)
            width = f"{loop.lanes} register{'s' * (loop.lanes > 1)} a value"
            kernel.notes.append(f"{_where(loop)}vectorized, {width}")


def _where(loop: For) -> str:
    return f"line {loop.location.line}: " if loop.location else ""


def _best(loop: For, around: tuple[For, ...], sizes: dict[str, int]) -> _Plan:
    """The cheapest way to run a loop once, lanes taken from it or from what is inside it."""
    ends = [c.next for c in loop.carries]
    plan = _scalar(loop.body, ends, (*around, loop), bound([loop]), sizes)
    trips = cost.trips(loop.lo, loop.hi, loop.step, sizes)
    plan.cost *= trips
    reason = blocked(loop, around)
    if reason is None:
        filled = -(-trips // cost.LANES) * cost.LANES
        total = cost.LOOP + filled * _Lanes(loop, sizes).cost(loop.body, ends, set())
        if total < plan.cost:
            return _Plan(total, [loop], [])
    elif not loop.regular and not any(isinstance(s, For | While) for s in walk(loop.body)):
        plan.missed.append(f"{_where(loop)}not vectorized: {reason}")
    return plan


def _scalar(body: list[Statement], ends: list[Expr], around: tuple[For, ...],
            inside: set[str], sizes: dict[str, int]) -> _Plan:
    """Cost of a list in scalar code, loops inside it as good as they can be; expressions without
    the names bound `inside` the loop around it cost nothing, being computed before it."""
    plan = _Plan(0.0, [], [])

    def add(inner: _Plan, times: float) -> None:
        plan.cost += inner.cost * times
        plan.lanes += inner.lanes
        plan.missed += inner.missed

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
                add(_best(statement, around, sizes), 1.0)
            case While():
                times = cost.TRIPS / 4
                next_values = [statement.cond, *(c.next for c in statement.carries)]
                add(_scalar(statement.test, [], around, inside, sizes), times)
                add(_scalar(statement.body, next_values, around, inside, sizes), times)
            case If():
                add(_scalar(statement.then, [], around, inside, sizes), 0.5)
                add(_scalar(statement.orelse, [], around, inside, sizes), 0.5)
    count(ends)
    return plan


class _Lanes:
    """Cost of a body per iteration of `loop`, its iterations being lanes."""

    def __init__(self, loop: For, sizes: dict[str, int]):
        self.loop, self.sizes = loop, sizes
        self.varying = varying_names(loop)

    def cost(self, body: list[Statement], ends: list[Expr], seen: set[Expr]) -> float:
        total = 0.0
        for statement in body:
            total += self.count(list(at_entry(statement)), seen)
            if isinstance(statement, Store):
                total += self.access(statement.buffer, statement.index)
            elif isinstance(statement, For | While):
                next_values = [c.next for c in statement.carries]
                if isinstance(statement, For):
                    times: float = cost.trips(statement.lo, statement.hi, statement.step,
                                              self.sizes)
                else:
                    times = cost.TRIPS / 4 * cost.DIVERGENCE
                    total += times * self.cost(statement.test, [statement.cond], set())
                total += times * self.cost(statement.body, next_values, set())
            else:
                for inner in parts(statement):
                    total += self.cost(inner, [], seen)
        return total + self.count(ends, seen)

    def count(self, roots: list[Expr], seen: set[Expr]) -> float:
        total = 0.0
        for node in cost.nodes(roots, seen):
            if node.op == "load":
                total += self.access(node.args[0], node.args[1:])
            elif not self.varying.isdisjoint(node.free):
                total += cost.own_cost(node)
        return total

    def access(self, buffer: Buffer, index: Index) -> float:
        return cost.ACCESS[reach(buffer, index, self.loop.var, self.varying)]


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
    return kind


def varying_names(loop: For) -> frozenset[str]:
    """Names whose values differ between the iterations of a loop: least fixed point."""
    varying = {loop.var, *(c.name for c in loop.carries)}
    size = 0
    while size != len(varying):
        size = len(varying)
        for s in walk(loop.body):
            match s:
                case Let():
                    if not varying.isdisjoint(s.value.free):
                        varying.add(s.name)
                case For() | While():
                    if isinstance(s, While) and not varying.isdisjoint(s.cond.free):
                        varying.update(c.name for c in s.carries)
                    varying.update(c.name for c in s.carries
                                   if not varying.isdisjoint(c.init.free | c.next.free))
                case If():
                    differs = not varying.isdisjoint(s.cond.free)
                    varying.update(name for name, _, then, orelse in s.outs if differs or
                                   not varying.isdisjoint(then.free | orelse.free))
    return frozenset(varying)


def blocked(loop: For, around: tuple[For, ...] = ()) -> str | None:
    """Why the iterations of a loop can't be lanes, or None if they can."""
    if loop.until is not None:
        return "the loop may end early"
    if loop.swaps:
        return "arrays change places in each iteration"
    for carry in loop.carries:
        if carry.reduce is None:
            if _sums_floats(loop, carry):
                return "floats are added in the order of the loop"
            return "each iteration needs a value that the one before computes"
    if loop.step.op != "lit":
        return "its step is not a constant"
    varying = varying_names(loop)
    stores: list[Store] = []
    loads: set[Expr] = set()
    checks: list[tuple[Check, bool]] = []
    for s in walk(loop.body):
        match s:
            case Call() | Alloc() | Nest():
                return "it calls a library" if isinstance(s, Call) else "it allocates"
            case For():
                if s.until is not None or s.swaps:
                    return "a loop inside it may end early or exchange arrays"
                if any(not varying.isdisjoint(x.free) or _changing(x, loop)
                       for x in (s.lo, s.hi, s.step)):
                    return "the length of a loop inside it varies"
            case While():
                if s.swaps:
                    return "a loop inside it exchanges arrays"
            case Check():
                checks.append((s, s not in loop.body))
            case Store():
                stores.append(s)
        for x in expressions(s):
            loads |= x.loads
    for carry in loop.carries:
        loads |= carry.next.loads
    return _check_order(checks, stores) or _dependence(loop, around, varying, stores, loads)


def _sums_floats(loop: For, carry: Carry) -> bool:
    """Is the next value the carry plus (or times) something?"""
    values = {s.name: s.value for s in loop.body if isinstance(s, Let)}
    x = carry.next
    while x.op == "var" and x.args[0] in values:
        x = values[x.args[0]]
    own = var(carry.name, carry.dtype)
    return is_combiner(x.op) and rounds(x.op, carry.dtype) and own in x.args


def _changing(x: Expr, loop: For) -> bool:
    return bool(x.loads) and any(
        isinstance(s, Store) and any(n.args[0] is s.buffer for n in x.loads)
        for s in walk(loop.body))


def _check_order(checks: list[tuple[Check, bool]], stores: list[Store]) -> str | None:
    """Lanes test a check for many iterations at once: the first to fail must be the one Python
    would raise, and what earlier iterations did must not be missing."""
    if not checks:
        return None
    if len(checks) > 1:
        return "it has several checks"
    check, nested = checks[0]
    if nested and check.operands:
        return "a check inside it has a message with values"
    if any(s.buffer.kind == ARG_WRITTEN for s in stores):
        return "it has a check and changes an argument"
    return None


def _dependence(loop: For, around: tuple[For, ...], varying: frozenset[str],
                stores: list[Store], loads: set[Expr]) -> str | None:
    if not stores:
        return None
    iterations = Iterations(loop, around)
    accesses: dict[Buffer, dict[Index, str]] = {}
    for node in loads:
        accesses.setdefault(node.args[0], {})[node.args[1:]] = "reads"
    for s in stores:
        accesses.setdefault(s.buffer, {}).setdefault(s.index, "writes")
    for s in stores:
        if loop.regular and s.combine is None:
            if all(varying.isdisjoint(x.free) for x in s.index):
                return f"all iterations write {s.buffer}{list(s.index)}"
            continue
        for index, verb in accesses[s.buffer].items():
            if not iterations.apart(s.index, index):
                if index == s.index:
                    return f"iterations may write one element twice ({s.buffer}{list(index)})"
                return f"an iteration {verb} what another writes ({s.buffer}{list(index)})"
    return None


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

