"""Generator functions: `yield` gives its value to a sink, the consumer's body stands in its place.

    def squares(n):                        def squares(n, *, _hl_sink):
        for i in range(n):                     for i in range(n):          # carries total, too
            yield i * i                            _hl_sink.add(i * i)     # total += i * i
    for v in squares(m): total += v        squares(m, _hl_sink=body)

A generator that a for statement, sum, list and their like consume is traced where it is consumed.
Its loops and branches around a `yield` carry what the consumer's body changes, under names of their
own. If the consumer may leave its loop, a `yield` may end the generator: it is written as a return.
What a paused generator needs (`next` more than once, `send`) is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from hotloop.frontend.builder import current, staging, unsupported
from hotloop.frontend.jumps import JUMPS, LOOPS, NotRewritable, jumps_out, load
from hotloop.frontend.objects import get
from hotloop.frontend.syntax import children, place_at, walk

SINK = "_hl_sink"
GENERATOR = 0x20
"""The flag of the code of generator functions."""


def uses_sink(nodes: list[ast.stmt]) -> bool:
    """Does a statement of a generator function hold a `yield` (as it is rewritten)?"""
    return any(isinstance(k, ast.Name) and k.id == SINK for s in nodes for k in walk(s))


def lower_yields(statements: list[ast.stmt], stopping: bool,
                 managing: bool = False) -> list[ast.stmt]:
    """The statements with calls of the sink for `yield`. `managing`: of a context manager, into
    which what its body raises is thrown."""
    return [_lowered(s, stopping, managing) for s in statements]


def check_manager(tree: Any) -> None:
    """A generator function made a context manager has one `yield`, which always runs."""
    found = [k for k in walk(tree) if isinstance(k, ast.Yield | ast.YieldFrom)]
    block, plain = tree.body, None
    while plain is None:
        around = next((s for s in block if any(isinstance(k, ast.Yield) for k in walk(s))), None)
        if not isinstance(around, ast.Try | ast.With | ast.Expr) or len(found) > 1:
            raise NotRewritable("a context manager with a yield that is not its only one, or under "
                                "a condition", found[0])
        block, plain = getattr(around, "body", []), (
            around if isinstance(around, ast.Expr) else None)


def _lowered(s: ast.stmt, stopping: bool, managing: bool) -> ast.stmt:
    if isinstance(s, ast.Expr) and isinstance(s.value, ast.Yield | ast.YieldFrom):
        y = s.value
        name = "every" if isinstance(y, ast.YieldFrom) else "take"
        given = ast.Call(ast.Attribute(load(SINK), name, ast.Load()),
                         [y.value or ast.Constant(None)], [])
        if not stopping:
            return place_at(ast.Expr(given), s)
        return place_at(ast.If(given, [ast.Return(None)], []), s)
    if isinstance(s, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return s
    if isinstance(s, ast.Try | ast.With) and not managing and any(
            isinstance(k, ast.Yield | ast.YieldFrom) for k in walk(s)):
        raise NotRewritable("a yield inside of a try or with statement", s)
    for field in ("body", "orelse"):
        inner = getattr(s, field, None)
        if isinstance(inner, list):
            setattr(s, field, lower_yields(inner, stopping, managing))
    for case in getattr(s, "cases", ()):
        case.body = lower_yields(case.body, stopping, managing)
    for k in children(s):
        if isinstance(k, ast.expr) and any(
                isinstance(e, ast.Yield | ast.YieldFrom) for e in walk(k)):
            raise NotRewritable("the value of a yield", k)
    return s


def is_endless(body: list[ast.stmt]) -> bool:
    """Does the generator never end by itself?"""
    return any(isinstance(s, ast.While) and isinstance(s.test, ast.Constant) and bool(s.test.value)
               and not any(jumps_out(c, (ast.Break, *(k for k in JUMPS if k is ast.Return)))
                           for c in s.body) for s in body if isinstance(s, LOOPS))


class Names:
    """Makes the consumer's names different from those of the generator, and of others around."""

    def __init__(self, sink: Any):
        state = current().state
        state.streams += 1
        self.own = {n: f"{n}@{state.streams}" if isinstance(n, str) else n
                    for n in (*sink.names, *sink.dead)}

    def __call__(self, name: Any) -> Any:
        return self.own.get(name, name)


def renamed(sink: Any, make: Callable[..., Any]) -> Any:
    """A sink for the inside of a generator: `add`, `take` and `every` give items to `sink`."""
    names = Names(sink)
    cells = {names(n): cell for n, cell in sink.cells.items() if n in names.own}
    stop = None if sink.stop is None else names(sink.stop)
    inner = make(cells, [names(n) for n in sink.names], stop, [names(n) for n in sink.dead])
    inner.add, inner.stage = sink.add, sink.stage

    def ended() -> Any:
        return False if stop is None else get(cells, stop)

    def take(item: Any) -> Any:
        sink.add(item)
        return ended()

    def every(items: Any) -> Any:
        inner.consume(items)
        return ended()
    inner.take, inner.every = take, every
    return inner


def refuse_next(*_: Any) -> Any:
    raise staging("a generator is advanced by next", "loop over it with a for statement")


def refuse_endless() -> Any:
    raise unsupported("a list of a generator that does not end", "loop over it and break")
