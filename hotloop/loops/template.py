"""An expression kept to be built again with other operands, five times as quickly.

    square_plus_one = Template(e.add(e.mul(x, x), 1.0), (x,))
    square_plus_one(e.sin(y))                    # sin(y) * sin(y) + 1.0

Elementary functions are 50 to 150 nodes each and come up in every compilation. A template holds
no nodes, so it outlives the table it was recorded in. Nothing is folded when it is built: that took
place when it was recorded, with variables for operands, so no operand may be a constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.loops.expr import Expr, affine, from_affine, lit, normal, operands
from hotloop.loops.scalar import SCALAR_OPS


class Template:
    """Made from an expression and the variables in it that stand for the operands."""

    __slots__ = ("_steps",)

    def __init__(self, expr: Expr, variables: tuple[Expr, ...]):
        number = {v: k for k, v in enumerate(variables)}
        self._steps: list[tuple[str, np.dtype, Any, tuple[int, ...], bool]] = []
        stack = [expr]
        while stack:
            node = stack[-1]
            missing = [k for k in operands(node) if k not in number]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if node in number:
                continue
            value = (node.args[0] if node.op == "lit" else
                     (node.args[0], [k for _, k in node.args[1]]) if node.op == "aff" else None)
            kids = tuple(number[k] for k in operands(node))
            swaps = node.op in SCALAR_OPS and SCALAR_OPS[node.op].commutative
            number[node] = len(number)
            self._steps.append((node.op, node.dtype, value, kids, swaps))

    def __call__(self, *args: Expr) -> Expr:
        made = list(args)
        for op, dtype, value, kids, swaps in self._steps:
            if op == "lit":
                made.append(lit(value, dtype))
            elif op == "aff":
                constant, factors = value
                terms: dict[Expr, int] = {}
                for k, factor in zip(kids, factors):
                    inner, more = affine(made[k])
                    constant += factor * inner
                    for term, n in more.items():
                        terms[term] = terms.get(term, 0) + factor * n
                made.append(from_affine(constant, terms))
            else:
                nodes = tuple([made[k] for k in kids])
                if swaps and nodes[0].serial > nodes[1].serial:
                    nodes = nodes[::-1]
                made.append(normal(op, dtype, nodes))
        return made[-1]
