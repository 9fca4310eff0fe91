"""Rewrite equations by algebra: the rules are in `rules` (patterns) and `movement` (functions).

    b:f64[] = mul a 1.0; c:bool[] = not p; d:f64[] = select c b 0.0
    ->
    d:f64[] = select p 0.0 a

One walk from front to back, each equation seeing the simplified ones before it. What a rule builds
is simplified in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var
from hotloop.ops.elementwise import select
from hotloop.ops.table import OpDef, carries_from, make_eqn, row
from hotloop.passes.fold import evaluated
from hotloop.passes.forward import Forward
from hotloop.passes.movement import MOVEMENT
from hotloop.passes.rules import RULES, Apply, Rule, Value
from hotloop.record import record

DEEPEST = 16
"""Rewrites of rewrites; the rules need three or four."""


def simplify(program: Program) -> Program:
    with np.errstate(all="ignore"):
        return _Simplify().run(program)


@record
class _Entry:
    """A rule with what its operands must be like, which is quicker to see than a match."""
    rule: Rule
    literal: bool                       # one is a constant
    rows: frozenset[OpDef]              # results of these ops
    equal: bool                         # two are the same


def _rules_by_op() -> dict[OpDef, list[_Entry]]:
    table: dict[OpDef, list[_Entry]] = {}
    for rule in RULES:
        args = rule.pattern.args
        values = [a for a in args if isinstance(a, Value)]
        rows = frozenset(a.row for a in args if isinstance(a, Apply))
        table.setdefault(rule.pattern.row, []).append(_Entry(
            rule, len(values) + sum(isinstance(a, Apply) for a in args) < len(args), rows,
            len(set(values)) < len(values)))
    return table


RULES_OF = _rules_by_op()


class _Simplify(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.defined: dict[Atom, Eqn] = {}
        self.carried: set[Atom] = set()
        self.depth = 0

    def enter(self, eqn: Eqn, block: Block) -> None:
        if carries_from(eqn) is not None:
            self.carried.update(block.params)

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.blocks or len(eqn.outs) != 1:
            return None
        result = self.simplified(eqn, out)
        return None if result is None else [result]

    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if len(eqn.outs) == 1:
            self.defined[eqn.outs[0]] = eqn
        out.append(eqn)
        return None

    def simplified(self, eqn: Eqn, out: list[Eqn]) -> Atom | None:
        """What to use instead of the result, or None."""
        folded = evaluated(eqn)
        if folded is not None:
            return folded[0]
        var = eqn.outs[0]
        kind = eqn.ins[1 if eqn.op is select else 0].dtype.kind if eqn.ins else ""
        for rule in self.candidates(eqn):
            found: dict[Value, Atom] = {}
            if kind in rule.kinds and self.matches(rule, eqn, found):
                made: list[Eqn] = []
                result = self.built(rule.result, found, var.dtype, made)
                if result.type == var.type:
                    out += made
                    return result
        look = MOVEMENT.get(row(eqn))
        if look is None:
            return None
        made = []
        new: Any = look(eqn, self.defined,
                        lambda op, *ins: self.emit(op, ins, {}, made))
        if isinstance(new, tuple):
            new = self.emit(new[0], new[1], new[2], made)
        if new is None or new.type != var.type:
            return None
        out += made
        return new

    def candidates(self, eqn: Eqn) -> Iterator[Rule]:
        entries = RULES_OF.get(row(eqn))
        if not entries:
            return
        literal = any(a.__class__ is Lit for a in eqn.ins)
        rows = {self.defined[a].op for a in eqn.ins if a in self.defined}
        equal = len(set(eqn.ins)) < len(eqn.ins)
        for entry in entries:
            if entry.literal <= literal and entry.equal <= equal and entry.rows <= rows:
                yield entry.rule

    def matches(self, rule: Rule, eqn: Eqn, found: dict[Value, Atom]) -> bool:
        if not all(self.match(p, a, found)
                   for p, a in zip(rule.pattern.args, eqn.ins, strict=True)):
            return False
        return not rule.carry or found[CARRY] in self.carried

    def match(self, pattern: Any, atom: Atom, found: dict[Value, Atom]) -> bool:
        if isinstance(pattern, Value):
            return _same(found.setdefault(pattern, atom), atom)
        if isinstance(pattern, Apply):
            eqn = self.defined.get(atom) if isinstance(atom, Var) else None
            return eqn is not None and eqn.op is pattern.row and all(
                self.match(p, a, found) for p, a in zip(pattern.args, eqn.ins, strict=True))
        return isinstance(atom, Lit) and atom == Lit(pattern, atom.dtype)

    def built(self, result: Any, found: dict[Value, Atom], dtype: np.dtype,
              out: list[Eqn]) -> Atom:
        if isinstance(result, Value):
            return found[result]
        if isinstance(result, Apply):
            args = [self.built(a, found, dtype, out) for a in result.args]
            return self.emit(result.row, args, {}, out)
        return Lit(result, dtype)

    def emit(self, op: OpDef, ins: Sequence[Atom], params: dict[str, Any],
             out: list[Eqn]) -> Atom:
        """The result of a new equation, simplified."""
        eqn = make_eqn(op, ins, params)
        if self.depth < DEEPEST:
            self.depth += 1
            result = self.simplified(eqn, out)
            self.depth -= 1
            if result is not None:
                return result
        self.keep(eqn, out)
        return eqn.outs[0]


CARRY = Value("A")


def _same(a: Atom, b: Atom) -> bool:
    return a is b or (isinstance(a, Lit) and a == b)
