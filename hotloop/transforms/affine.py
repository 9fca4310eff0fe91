"""Linear forms of integers, and systems of inequalities between them: is there a solution?

    s = System()
    s.at_least(i, 0); s.at_least(minus(j, i), 1); s.equal(j, i)
    s.feasible()                                    # False

A linear form is a dict from unknowns to coefficients; the unknown 1 is the constant. The answer
False is certain, True is not: unknowns are eliminated as by Fourier and Motzkin, with bounds
rounded to integers, and a system that grows too large counts as feasible.

What a row of the op table is of linear forms follows from its scalar expression (`meaning`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from math import gcd
from typing import Any

from hotloop.ir.core import Atom, Eqn, Lit
from hotloop.ir.types import I64
from hotloop.ops.table import Map, row
from hotloop.record import record

Form = Mapping[Hashable, int]

LARGE = 120
"""Inequalities at a time."""


def plus(a: Form, b: Form, times: int = 1) -> dict[Hashable, int]:
    """a + times * b."""
    total = dict(a)
    for unknown, k in b.items():
        total[unknown] = total.get(unknown, 0) + times * k
    return {unknown: k for unknown, k in total.items() if k}


def minus(a: Form, b: Form) -> dict[Hashable, int]:
    return plus(a, b, -1)


DIFFERENT = 2
"""Inequations that are looked at; each doubles the work."""


class System:
    """Equations `form == 0`, inequalities `form >= 0`, inequations `form != 0`."""

    def __init__(self, other: System | None = None):
        self.zero: list[Form] = list(other.zero) if other else []
        self.positive: list[Form] = list(other.positive) if other else []
        self.nonzero: list[Form] = list(other.nonzero) if other else []

    def equal(self, a: Form, b: Form) -> None:
        self.zero.append(minus(a, b))

    def different(self, a: Form, b: Form) -> None:
        self.nonzero.append(minus(a, b))

    def at_least(self, a: Form, b: Form) -> None:
        """a >= b."""
        self.positive.append(minus(a, b))

    def feasible(self) -> bool:
        return self._feasible(list(self.positive), self.nonzero[:DIFFERENT])

    def _feasible(self, positive: list[Form], nonzero: list[Form]) -> bool:
        if nonzero:
            form, *rest = nonzero
            return any(self._feasible([*positive, plus({1: -1}, form, sign)], rest)
                       for sign in (1, -1))
        zero = list(self.zero)
        while zero:
            form = zero.pop()
            unknowns = [u for u in form if u != 1]
            if not unknowns:
                if form:
                    return False
                continue
            if form.get(1, 0) % gcd(*(form[u] for u in unknowns)):
                return False
            unit = next((u for u in unknowns if abs(form[u]) == 1), None)
            if unit is None:
                positive += [form, {u: -k for u, k in form.items()}]
                continue
            zero = [_without(f, unit, form) for f in zero]
            positive = [_without(f, unit, form) for f in positive]
        return _any(positive)


def _without(form: Form, unknown: Hashable, zero: Form) -> Form:
    """`form` with an unknown, of coefficient 1 or -1 in an equation, eliminated."""
    k = form.get(unknown, 0)
    return plus(form, zero, -k * zero[unknown]) if k else form


def _any(forms: list[Form]) -> bool:
    """Have inequalities a common solution?"""
    while True:
        kept: dict[frozenset[tuple[Hashable, int]], tuple[dict[Hashable, int], int]] = {}
        for form in forms:
            unknowns = {u: k for u, k in form.items() if u != 1}
            if not unknowns:
                if form.get(1, 0) < 0:
                    return False
                continue
            divisor = gcd(*unknowns.values())
            constant = form.get(1, 0) // divisor
            unknowns = {u: k // divisor for u, k in unknowns.items()}
            key = frozenset(unknowns.items())
            if key not in kept or constant < kept[key][1]:
                kept[key] = unknowns, constant
        if not kept:
            return True
        if len(kept) > LARGE:
            return True
        counts: dict[Hashable, list[int]] = {}
        for unknowns, _ in kept.values():
            for u, k in unknowns.items():
                counts.setdefault(u, [0, 0])[k > 0] += 1
        chosen = min(counts, key=lambda u: counts[u][0] * counts[u][1])
        forms = []
        below: list[Form] = []
        above: list[Form] = []
        for unknowns, constant in kept.values():
            k = unknowns.get(chosen, 0)
            (above if k > 0 else below if k < 0 else forms).append({**unknowns, 1: constant})
        for a in above:
            for b in below:
                forms.append(plus({u: -b[chosen] * k for u, k in a.items()}, b, a[chosen]))


# ---- what an equation is of linear forms

MOST = 1 << 20
"""The largest coefficient."""


@record
class Compared:
    """`left kind right`, of forms; `kind` is that of the scalar algebra: lt le gt ge eq ne."""
    kind: str
    left: Form
    right: Form


@record
class Joint:
    """`kind` of conditions: and, or, not."""
    kind: str
    parts: tuple[Atom, ...]


class _NotLinear(Exception):
    """The expression is neither a form nor a condition on forms."""


class _Algebra:
    """The scalar algebra of rows' expressions (`loops.expr`), on forms. Operands are atoms until
    they are used, `of` gives their forms."""

    def __init__(self, of: Callable[[Atom], Form]):
        self.of = of

    def form(self, x: Any) -> Form:
        if isinstance(x, dict):
            return x
        if isinstance(x, Compared | Joint) or getattr(x, "dtype", None) != I64:
            raise _NotLinear
        return self.of(x)

    def add(self, a: Any, b: Any) -> Form:
        return plus(self.form(a), self.form(b))

    def sub(self, a: Any, b: Any) -> Form:
        return minus(self.form(a), self.form(b))

    def neg(self, a: Any) -> Form:
        return minus({}, self.form(a))

    def mul(self, a: Any, b: Any) -> Form:
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Lit) and abs(int(x.value)) < MOST:
                return plus({}, self.form(y), int(x.value))
        raise _NotLinear

    def not_(self, a: Any) -> Joint:
        return Joint("not", (a,))

    def and_(self, a: Any, b: Any) -> Joint:
        return Joint("and", (a, b))

    def or_(self, a: Any, b: Any) -> Joint:
        return Joint("or", (a, b))

    def __getattr__(self, kind: str) -> Any:
        if kind not in ("lt", "le", "gt", "ge", "eq", "ne"):
            raise _NotLinear
        return lambda a, b: Compared(kind, self.form(a), self.form(b))


def meaning(eqn: Eqn, of: Callable[[Atom], Form]) -> Form | Compared | Joint | None:
    """A form, or a condition on forms, if that is what an equation of int operands with these forms
    gives; ints are taken not to wrap."""
    lowering = row(eqn).lowering
    if not isinstance(lowering, Map) or eqn.outs[0].shape:
        return None
    try:
        return lowering.expr(_Algebra(of), *eqn.ins, **eqn.params)
    except _NotLinear:
        return None
