"""What passes over Loops share: the expressions of a statement, what it reads, writes and binds,
substitution into statement lists, fresh names.

    substitute(body, {load(b, (i,)): var("t1")})     # t1 for every b[i] in body, nested too

All of these look at a statement's own parts; lists inside it (`core.parts`) are visited only where
it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hotloop.loops.core import (
    Alloc,
    Buffer,
    Call,
    Check,
    For,
    Free,
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
from hotloop.loops.expr import Expr, e, lit, transform, var
from hotloop.record import replace


def expressions(statement: Statement) -> Iterator[Expr]:
    """The expressions of a statement itself."""
    match statement:
        case Let():
            yield statement.value
        case Store():
            yield statement.value
            yield from statement.index
            if statement.past is not None:
                yield statement.past
        case For():
            yield from (statement.lo, statement.hi, statement.step)
            for carry in statement.carries:
                yield carry.init
                yield carry.next
        case While():
            yield statement.cond
            for carry in statement.carries:
                yield carry.init
                yield carry.next
        case If():
            yield statement.cond
            for out in statement.outs:
                yield out[2]
                yield out[3]
        case Check():
            yield statement.cond
            yield from statement.operands
        case Call():
            yield from (x for x in statement.ins if isinstance(x, Expr))
        case Alloc():
            yield from statement.buffer.shape
            yield from statement.shape or ()
        case Nest():
            yield from statement.domain
            for _, index, value in statement.stores:
                yield value
                yield from index


def at_entry(statement: Statement) -> Iterator[Expr]:
    """The expressions of a statement itself but for those at the end of a loop's body."""
    if not isinstance(statement, For | While):
        yield from expressions(statement)
        return
    if isinstance(statement, For):
        yield from (statement.lo, statement.hi, statement.step)
    yield from (carry.init for carry in statement.carries)


def change(statement: Statement, f: Callable[[Expr], Expr]) -> None:
    """Put `f(x)` for each expression x of a statement itself."""
    match statement:
        case Let():
            statement.value = f(statement.value)
        case Store():
            statement.value = f(statement.value)
            statement.index = tuple(map(f, statement.index))
            statement.past = None if statement.past is None else f(statement.past)
        case For():
            statement.lo, statement.hi = f(statement.lo), f(statement.hi)
            statement.step = f(statement.step)
            for carry in statement.carries:
                carry.init, carry.next = f(carry.init), f(carry.next)
        case While():
            statement.cond = f(statement.cond)
            for carry in statement.carries:
                carry.init, carry.next = f(carry.init), f(carry.next)
        case If():
            statement.cond = f(statement.cond)
            statement.outs = [(n, t, f(a), f(b)) for n, t, a, b in statement.outs]
        case Check():
            statement.cond = f(statement.cond)
            statement.operands = tuple(map(f, statement.operands))
        case Call():
            statement.ins = tuple(f(x) if isinstance(x, Expr) else x for x in statement.ins)
        case Alloc():
            statement.buffer.shape = tuple(map(f, statement.buffer.shape))
            if statement.shape is not None:
                statement.shape = tuple(map(f, statement.shape))
        case Nest():
            statement.domain = tuple(map(f, statement.domain))
            statement.stores = [(b, tuple(map(f, i)), f(x)) for b, i, x in statement.stores]


def substitute(statements: Iterable[Statement], values: Mapping[Expr, Expr],
               memo: dict[Expr, Expr] | None = None) -> None:
    """Replace nodes in all expressions of the statements and of those inside them."""
    memo = {} if memo is None else memo
    get = values.get

    def f(x: Expr) -> Expr:
        return transform(x, get, memo)

    for statement in statements:
        change(statement, f)
        for inner in parts(statement):
            substitute(inner, values, memo)


def binds(statement: Statement) -> Iterator[str]:
    """Names that a statement itself binds, for what follows it or what is inside it."""
    match statement:
        case Let():
            yield statement.name
        case For():
            yield statement.var
            yield from (c.name for c in statement.carries)
            if statement.stop is not None:
                yield statement.stop
        case While():
            yield from (c.name for c in statement.carries)
        case If():
            yield from (out[0] for out in statement.outs)
        case Call():
            yield from (name for name, _ in statement.scalars)
        case Nest():
            yield from statement.vars


def bound(statements: Iterable[Statement]) -> set[str]:
    """Names bound anywhere in the statements."""
    return {name for s in walk(list(statements)) for name in binds(s)}


def loaded(statement: Statement) -> Iterator[Buffer]:
    """Buffers that a statement itself reads (repeated)."""
    for x in expressions(statement):
        for node in x.loads:
            yield node.args[0]
    if isinstance(statement, Call):
        yield from (x for x in statement.ins if isinstance(x, Buffer))


def written(statement: Statement) -> Iterator[Buffer]:
    """Buffers whose contents a statement itself changes; a pointer permutation changes its
    buffers, an allocation its own."""
    match statement:
        case Store() | Free():
            yield statement.buffer
        case Alloc():
            yield statement.buffer
            if statement.over is not None:
                yield statement.over
        case For() | While():
            for pair in statement.swaps:
                yield from pair
        case Call():
            yield from statement.outs
        case Nest():
            yield from (store[0] for store in statement.stores)


def writes(statements: Iterable[Statement]) -> set[Buffer]:
    """Buffers changed anywhere in the statements."""
    return {b for s in walk(list(statements)) for b in written(s)}


def runs(loop: For) -> Expr:
    """Does the loop have an iteration?"""
    if loop.step.op == "lit":
        ends = (loop.lo, loop.hi) if int(loop.step.args[0]) > 0 else (loop.hi, loop.lo)
        return e.lt(*ends)
    zero = lit(0)
    return e.select(e.gt(loop.step, zero), e.lt(loop.lo, loop.hi), e.gt(loop.lo, loop.hi))


class Names:
    """Fresh names for a kernel: `names("t")` is t1, t2, ... skipping those it has."""

    def __init__(self, kernel: Kernel):
        self._kernel = kernel
        self._taken: set[str] | None = None
        self._next: dict[str, int] = {}

    def __call__(self, prefix: str) -> str:
        if self._taken is None:
            body, params = self._kernel.body, self._kernel.params
            buffers = [p for p in params if isinstance(p, Buffer)]
            sizes = [x for b in buffers for x in (*b.shape, *(b.strides or ()))]
            self._taken = bound(body).union({p.name for p in params}, *(x.free for x in sizes))
            self._taken |= {s.buffer.name for s in walk(body) if isinstance(s, Alloc)}
        k = self._next.get(prefix, 0)
        while True:
            k += 1
            name = f"{prefix}{k}"
            if name not in self._taken:
                self._taken.add(name)
                self._next[prefix] = k
                return name


def copied(statements: list[Statement], names: Names) -> tuple[list[Statement], dict[Expr, Expr]]:
    """The statements once more, with fresh names for those they bind; the names' substitution."""
    fresh = {name: names(name.rstrip("0123456789") or "t") for name in sorted(bound(statements))}
    found: dict[Expr, Expr] = {}
    memo: dict[Expr, Expr] = {}

    def renamed(x: Expr) -> Expr | None:
        if x.op != "var":
            return None if not fresh.keys().isdisjoint(x.free) else x
        name = fresh.get(x.args[0])
        if name is None:
            return x
        return found.setdefault(x, var(name, x.dtype))

    def f(x: Expr) -> Expr:
        return transform(x, renamed, memo)

    def copy(s: Statement) -> Statement:
        match s:
            case Let():
                return Let(fresh[s.name], f(s.value))
            case For() | While():
                carries = [replace(c, name=fresh[c.name]) for c in s.carries]
                changes: dict[str, Any] = {"carries": carries, "body": [copy(x) for x in s.body],
                                           "swaps": list(s.swaps)}
                if isinstance(s, While):
                    changes["test"] = [copy(x) for x in s.test]
                else:
                    changes["var"] = fresh[s.var]
                    changes["until"] = fresh[s.until] if s.until is not None else None
                    changes["stop"] = fresh[s.stop] if s.stop is not None else None
                new: Statement = replace(s, **changes)
            case If():
                new = replace(s, then=[copy(x) for x in s.then],
                              orelse=[copy(x) for x in s.orelse],
                              outs=[(fresh[out[0]], *out[1:]) for out in s.outs])
            case Call():
                new = replace(s, scalars=tuple((fresh[n], t) for n, t in s.scalars))
            case _:
                new = replace(s)
        change(new, f)
        return new

    return [copy(s) for s in statements], found
