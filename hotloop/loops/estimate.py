"""How much a call of a kernel computes, for given sizes: the choice of the first tier.

    operations(kernel, {"n1": 1000})    # about so many machine operations (inf: nobody knows),
                                        # and how many there are in the text

Loops whose bounds depend on other loops' variables are taken at the middle of these. Bounds that
come out of arrays or of what the kernel computes are guessed: they are places in arrays, so at most
the largest of `values`; where both ends do, for all runs of the loop together (rows of a sparse
matrix). A `while` ends when a part of its condition does, if that compares integers that grow by
steps or by a factor. Others may run for ever, so may a function that calls itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hotloop.loops import cost
from hotloop.loops.core import (
    Call,
    For,
    If,
    Kernel,
    Let,
    Nest,
    ScalarParam,
    Statement,
    While,
    walk,
)
from hotloop.loops.expr import I64, Expr, affine
from hotloop.loops.rewrite import at_entry
from hotloop.loops.scalar import SCALAR_OPS

LARGEST = ""
"""The name, which no other has, for the largest of the values that are given."""

AROUND = " "
"""The name, which no other has either, for how often the loops around are run."""

DOUBLINGS = 64.0
"""Iterations that multiply, divide or shift an integer until it is out of range, or 0."""

CALL = 1000.0
"""A call of a library or of Python."""


def operations(kernel: Kernel, values: Mapping[str, float]) -> tuple[float, int]:
    """Operations of one call, `values` being those of names of dimensions and integers, and of the
    kernel's text."""
    size = sum(1 + len(cost.nodes(list(at_entry(s)), set()))
               for one in (kernel, *kernel.functions) for s in walk(one.body))
    largest = max(values.values(), default=math.inf)
    estimate = _Estimate(kernel.functions)
    return estimate.statements(kernel.body, {**values, LARGEST: largest, AROUND: 1.0}), size


class _Estimate:
    def __init__(self, functions: list[Kernel]):
        self.functions = functions
        self.inside: set[int] = set()           # functions that are being called

    def statements(self, body: list[Statement], values: dict[str, float]) -> float:
        total = 0.0
        seen: set[Expr] = set()
        for s in body:
            total += len(cost.nodes(list(at_entry(s)), seen)) + 1
            match s:
                case Let():
                    values[s.name] = _value(s.value, values)
                case For():
                    total += self.loop(s, values)
                case If():
                    total += max(self.statements(s.then, values), self.statements(s.orelse, values))
                case Call():
                    total += self.function(s, values) if s.routine == "invoke" else CALL
                case While():
                    total += self.while_(s, values)
                case Nest():
                    return math.inf
        return total

    def function(self, call: Call, values: dict[str, float]) -> float:
        """A function of the kernel's; one that calls itself may do so for ever."""
        if call.site in self.inside:
            return math.inf
        called = self.functions[call.site]
        inner = {name: values[name] for name in (LARGEST, AROUND)}
        given = iter(call.ins)                  # arrays are followed by their sizes
        for param in called.params:
            passed: Any = next(given)
            if isinstance(param, ScalarParam):
                inner[param.name] = _value(passed, values)
                continue
            for x in param.shape:
                size: Any = next(given)
                if x.op == "var":
                    inner.setdefault(x.args[0], _value(size, values))
        self.inside.add(call.site)
        total = self.statements(called.body, inner)
        self.inside.discard(call.site)
        return total

    def loop(self, loop: For, values: dict[str, float]) -> float:
        lo, hi, step = (_value(x, values) for x in (loop.lo, loop.hi, loop.step))
        trips = (hi - lo) / step if step else math.inf
        if math.isnan(lo) and math.isnan(hi):
            trips = max(1.0, values[LARGEST] / max(1.0, values[AROUND]))
        elif math.isnan(trips):
            trips = values[LARGEST]
        if math.isfinite(trips):
            trips = math.ceil(trips)
        if trips <= 0:
            return 0.0
        values[loop.var] = (lo + hi) / 2
        ends = [c.next for c in loop.carries]
        return self.repeated(trips, loop.body, ends, values) / (cost.LANES if loop.lanes else 1)

    def repeated(self, trips: float, body: list[Statement], ends: list[Expr],
                 values: dict[str, float]) -> float:
        around = values[AROUND]
        values[AROUND] = around * trips
        inside = self.statements(body, values) + len(cost.nodes(ends, set()))
        values[AROUND] = around
        return trips * inside

    def while_(self, loop: While, values: dict[str, float]) -> float:
        for carry in loop.carries:
            values[carry.name] = _value(carry.init, values)
        for s in loop.test:
            if isinstance(s, Let):
                values[s.name] = _value(s.value, values)
        steps = _steps(loop)
        trips = min((_trips(part, loop, steps, values) for part in _parts(loop)), default=math.inf)
        if not math.isfinite(trips):
            return math.inf
        for name, step in steps.items():               # the middle
            values[name] += step * trips / 2
        ends = [loop.cond, *(c.next for c in loop.carries)]
        return self.repeated(trips, [*loop.test, *loop.body], ends, values)


def _parts(loop: While) -> list[Expr]:
    """What must all be true to go on."""
    lets = {s.name: s.value for s in loop.test if isinstance(s, Let)}
    choices = {out[0]: (s.cond, out) for s in loop.test if isinstance(s, If) for out in s.outs}
    found, left = [], [loop.cond]
    while left:
        x = left.pop()
        if x.op == "and":
            left += x.args
        elif x.op == "var" and x.args[0] in lets:
            left.append(lets[x.args[0]])
        elif x.op == "var" and x.args[0] in choices:
            cond, (_, _, then, orelse) = choices[x.args[0]]
            if orelse.op == "lit" and not orelse.args[0]:          # `a and b`
                left += [cond, then]
        elif (row := SCALAR_OPS.get(x.op)) is not None and row.compares is not None and (
                row.compares.gap != (0, 0)):
            found.append(x)
    return found


def _steps(loop: While) -> dict[str, float]:
    """By how much carried integers grow with each iteration; 0 for those that are multiplied,
    divided or shifted."""
    lets = {s.name: s.value for s in loop.body if isinstance(s, Let)}
    found: dict[str, float] = {}
    for carry in loop.carries:
        x = carry.next
        if x.op == "var":
            x = lets.get(x.args[0], x)
        if carry.dtype != I64 or x.free != {carry.name} or x.loads:
            continue
        constant, terms = affine(x)
        (term, factor), *others = terms.items()
        plain = term.op == "var" and not others
        if plain and factor == 1 and constant:
            found[carry.name] = float(constant)
        elif plain and abs(factor) > 1 or (row := SCALAR_OPS.get(x.op)) is not None and (
                row.division is not None and not row.division.remainder):
            found[carry.name] = 0.0
    return found


def _trips(part: Expr, loop: While, steps: dict[str, float], values: dict[str, float]) -> float:
    """After how many iterations a comparison is false."""
    lets = {s.name: s.value for s in loop.test if isinstance(s, Let)}
    names = part.free.union(*(lets[name].free for name in part.free & lets.keys()))
    carried = {c.name for c in loop.carries} & names
    if any(steps.get(name) == 0.0 for name in carried):
        return DOUBLINGS
    if not carried or part.loads or not carried <= steps.keys():
        return math.inf
    gap = abs(_value(part.args[0], values) - _value(part.args[1], values))
    gap = values[LARGEST] if math.isnan(gap) else gap
    return gap / min(abs(steps[name]) for name in carried) + 1.0


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
