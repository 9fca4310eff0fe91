"""How much a call of a kernel computes, for given sizes: the choice of the first tier.

    operations(kernel, {"n1": 1000})    # about so many machine operations (inf: nobody knows),
                                        # and how many there are in the text

Loops whose bounds depend on other loops' variables are taken at the middle of these. Bounds that
come out of arrays or of what the kernel computes are guessed: they are places in arrays, so at most
the largest of `values`. A `while` may run for ever, so may a function that calls itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hotloop.loops import cost
from hotloop.loops.core import Call, For, If, Kernel, Let, Nest, Statement, While, walk
from hotloop.loops.expr import Expr, affine
from hotloop.loops.rewrite import at_entry
from hotloop.loops.scalar import SCALAR_OPS

LARGEST = ""
"""The name, which no other has, for the largest of the values that are given."""

CALL = 1000.0
"""A call of a library or of Python."""


def operations(kernel: Kernel, values: Mapping[str, float]) -> tuple[float, int]:
    """Operations of one call, `values` being those of names of dimensions and integers, and of the
    kernel's text."""
    size = sum(1 + len(cost.nodes(list(at_entry(s)), set())) for s in walk(kernel.body))
    return _list(kernel.body, {**values, LARGEST: max(values.values(), default=math.inf)}), size


def _list(body: list[Statement], values: dict[str, float]) -> float:
    total = 0.0
    seen: set[Expr] = set()
    for s in body:
        total += len(cost.nodes(list(at_entry(s)), seen)) + 1
        match s:
            case Let():
                values[s.name] = _value(s.value, values)
            case For():
                total += _loop(s, values)
            case If():
                total += max(_list(s.then, values), _list(s.orelse, values))
            case Call():
                total += math.inf if s.routine == "invoke" else CALL
            case While() | Nest():
                return math.inf
    return total


def _loop(loop: For, values: dict[str, float]) -> float:
    lo, hi, step = (_value(x, values) for x in (loop.lo, loop.hi, loop.step))
    trips = (hi - lo) / step if step else math.inf
    trips = values[LARGEST] if math.isnan(trips) else trips
    if math.isfinite(trips):
        trips = math.ceil(trips)
    if trips <= 0:
        return 0.0
    values[loop.var] = (lo + hi) / 2
    inside = _list(loop.body, values) + len(cost.nodes([c.next for c in loop.carries], set()))
    return trips * inside / (cost.LANES if loop.lanes else 1)


def _value(x: Expr, values: Mapping[str, Any]) -> float:
    """The value of an expression, NaN if it is not known."""
    if x.op == "lit":
        return float(x.args[0])
    if x.op == "var":
        return values.get(x.args[0], math.nan)
    if x.op == "aff":
        constant, terms = affine(x)
        return constant + sum(k * _value(t, values) for t, k in terms.items())
    if x.op == "convert":
        return _value(x.args[0], values)
    row = SCALAR_OPS.get(x.op)
    if row is None or row.span is None:
        return math.nan
    found = [_value(a, values) for a in x.args]
    known = all(abs(v) < 2**63 for v in found)
    span = row.span(*((int(v), int(v)) for v in found)) if known else None
    return math.nan if span is None else (span[0] + span[1]) / 2
