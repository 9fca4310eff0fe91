"""The table of rules, and what they share: loops over elements, branches.

    @rule(np.searchsorted)
    def searchsorted(b, eqn): ...        # the results as atoms, or None: it stays a call
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var
from hotloop.ir.types import I64, Type
from hotloop.ops.domains import dim_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import OPS

Rule = Callable[[Emit, Eqn], Sequence[Atom] | None]

RULES: dict[Any, Rule] = {}


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    def add(made: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, made))
        return made
    return add


def keywords(eqn: Eqn) -> dict[str, Any]:
    return dict(eqn.params.get("keywords", ()))


def each(b: Emit, array: Atom, dtype: np.dtype, body: Callable[[Emit, Atom], Atom]) -> Atom:
    """`body` of every element of an array."""
    n = b.count(array.shape)
    size = dim_of(n)
    row = b.reshape(array, (size,))
    i, y = Var(Type(I64)), Var(Type(dtype, (size,)))
    inner = Emit([], b.location)
    value = body(inner, inner.op("get", row, i, codes="i"))
    stored = inner.op("set", y, value, i, codes="i")
    made = b.row(OPS["for"], (Lit(0), n, Lit(1), b.full(0, (size,), dtype)),
                 {}, [Block([i, y], inner.eqns, [stored])])
    return b.reshape(made, array.shape)


def either(b: Emit, condition: Atom, yes: Callable[[Emit], Sequence[Atom]],
           no: Callable[[Emit], Sequence[Atom]]) -> list[Atom]:
    """A `cond`; both give results of the same types."""
    blocks = []
    for arm in (yes, no):
        inner = Emit([], b.location)
        outs = arm(inner)
        blocks.append(Block([], inner.eqns, outs))
    found = b.row(OPS["cond"], (condition,), {}, blocks)
    return found if isinstance(found, list) else [found]


def called(b: Emit, eqn: Eqn) -> list[Atom]:
    """The call itself."""
    found = b.again(eqn, eqn.ins)
    return found if isinstance(found, list) else [found]
