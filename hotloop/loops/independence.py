"""Can the iterations of a loop be lanes, or run in any order? What stands in the way, in words.

    blocked(loop, around)       # None, or "an iteration reads what another writes (a[i - 1])"

Iterations must be independent: carries that are reductions, stores of which each iteration has its
own elements, nothing that another iteration reads; the first check to fail must be the one that
Python would raise.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotloop.loops.core import (
    ARG_WRITTEN,
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
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import Expr, load, operands, var
from hotloop.loops.rewrite import expressions
from hotloop.loops.scalar import is_combiner, rounds

Index = tuple[Expr, ...]


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


def widest(loop: For, varying: frozenset[str]) -> int:
    """Bytes of the widest value that its lanes have; index arithmetic does not count."""
    size = max((c.dtype.itemsize for c in loop.carries), default=1)
    stack: list[Expr] = [c.next for c in loop.carries]
    for s in walk(loop.body):
        stack += values(s)
        if isinstance(s, Store):
            size = max(size, s.buffer.dtype.itemsize)
    seen: set[Expr] = set()
    while stack:
        node = stack.pop()
        if node in seen or varying.isdisjoint(node.free):
            continue
        seen.add(node)
        size = max(size, node.dtype.itemsize)
        if node.op != "load":
            stack.extend(operands(node))
    return size


def values(s: Statement) -> Iterable[Expr]:
    """The expressions of a statement but for indices and ends of loops."""
    match s:
        case Let() | Store():
            return (s.value,)
        case For() | While():
            more = (s.cond,) if isinstance(s, While) else ()
            return (*more, *(c.init for c in s.carries), *(c.next for c in s.carries))
        case If():
            return (s.cond, *(x for out in s.outs for x in out[2:]))
        case Check():
            return (s.cond,)
    return ()


def blocked(loop: For, around: tuple[For, ...] = (), ahead: bool = False) -> str | None:
    """Why the iterations of a loop can't be lanes, or None if they can. `ahead`: they may read what
    later ones write, if a block of them reads it before it writes."""
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
    if loop.stop is None:
        reason = _check_order(checks, stores)
        if reason is not None:
            return reason
    return _dependence(loop, around, varying, stores, loads, ahead)


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
                stores: list[Store], loads: set[Expr], ahead: bool) -> str | None:
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
                if ahead and verb == "reads" and iterations.ahead(index, s.index) and (
                        _read_before(loop, s, load(s.buffer, index))):
                    continue
                if index == s.index:
                    return f"iterations may write one element twice ({s.buffer}{list(index)})"
                return f"an iteration {verb} what another writes ({s.buffer}{list(index)})"
    return None


def _read_before(loop: For, store: Store, node: Expr) -> bool:
    """Does the body read an element only before or in a statement of its own, which stores? Then a
    block of iterations has read all of them when it stores."""
    if store not in loop.body or store.combine is not None or any(
            isinstance(s, For | While | Check) for s in walk(loop.body)):
        return False
    later = loop.body[loop.body.index(store) + 1:]
    return not any(node in x.loads for s in walk(later) for x in expressions(s)) and not any(
        node in c.next.loads for c in loop.carries)
