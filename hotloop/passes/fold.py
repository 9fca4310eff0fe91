"""Compute what constants decide: equations of literals, branches, loops without trips, checks.

    { lambda ; a:f64[]. let
        b:i64[] = add 1 2
        c:bool[] = lt b 5
        check[exception=builtins:ValueError, message='small'] c
        d:f64[] = cond c { lambda . let e:f64[] = neg a in (e,) } { lambda . let in (a,) }
    in (d,) }
    ->
    { lambda ; a:f64[]. let e:f64[] = neg a in (e,) }

What a passed check or the arm of a `cond` says about its condition counts as constant too: behind
`check ok`, ok is True.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var
from hotloop.ops.elementwise import and_, not_, or_
from hotloop.ops.table import PURE, effect, is_check, region, row
from hotloop.passes.forward import Forward


def fold(program: Program) -> Program:
    with np.errstate(all="ignore"):
        return _Fold().run(program)


def evaluated(eqn: Eqn) -> list[Atom] | None:
    """The results of an equation of literals, or None if it has to stay."""
    for atom in eqn.ins:
        if atom.__class__ is Var:
            return None
    op = row(eqn)
    if not eqn.ins or op.evaluate is None or op.effect != PURE or not op.total:
        return None
    if any(out.shape for out in eqn.outs):
        return None
    result = op.evaluate(eqn.params, *[a.value for a in eqn.ins])   # type: ignore[union-attr]
    return [Lit(v) for v in (result if isinstance(result, tuple) else (result,))]


def _is(atom: Atom, value: bool) -> bool:
    return isinstance(atom, Lit) and bool(atom.value) is value


class _Fold(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.defined: dict[Var, Eqn] = {}               # what gives a condition
        self.learned: list[list[tuple[Var, Any]]] = []  # facts to forget at the end of a block

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        results = evaluated(eqn)
        if results is not None:
            return results
        if is_check(eqn):
            return [] if _is(eqn.ins[0], True) else None
        kind = region(eqn)
        if kind == "cond" and isinstance(eqn.ins[0], Lit):
            return self.spliced(eqn.blocks[0 if eqn.ins[0].value else 1], out)
        if kind == "for" and not _trips(eqn.ins[:3]):
            return eqn.ins[3:]
        return None

    def spliced(self, block: Block, out: list[Eqn]) -> list[Atom]:
        self.equations(block.eqns, out)
        return [self.atom(a) for a in block.outs]

    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if region(eqn) == "while" and _is(eqn.blocks[0].outs[0], False) and (
                all(effect(inner) == PURE for inner in eqn.blocks[0].eqns)):
            return eqn.ins
        out.append(eqn)
        for var in eqn.outs:
            if var.dtype.kind == "b":
                self.defined[var] = eqn
        if is_check(eqn):
            self.learn(eqn.ins[0], True)
        return None

    def enter(self, eqn: Eqn, block: Block) -> None:
        self.learned.append([])
        if region(eqn) == "cond":
            self.learn(eqn.ins[0], block is eqn.blocks[0])

    def leave(self, eqn: Eqn, block: Block) -> None:
        for var, before in reversed(self.learned.pop()):
            if before is None:
                del self.replaced[var]
            else:
                self.replaced[var] = before

    def learn(self, condition: Atom, value: bool) -> None:
        """From here to the end of the block, `condition` is `value`; so are its parts."""
        pending = [(condition, value)]
        while pending:
            atom, truth = pending.pop()
            if not isinstance(atom, Var) or atom.shape or isinstance(
                    self.replaced.get(atom), Lit):
                continue
            if self.learned:
                self.learned[-1].append((atom, self.replaced.get(atom)))
            self.replaced[atom] = Lit(truth)
            eqn = self.defined.get(atom)
            if eqn is None:
                continue
            if eqn.op is not_:
                pending.append((eqn.ins[0], not truth))
            elif eqn.op is (and_ if truth else or_):
                pending += [(a, truth) for a in eqn.ins]


def _trips(bounds: Sequence[Atom]) -> bool:
    """False if a `for` over literal bounds has no trip."""
    if not all(isinstance(a, Lit) for a in bounds):
        return True
    lo, hi, step = (int(a.value) for a in bounds)       # type: ignore[union-attr]
    return step == 0 or len(range(lo, hi, step)) > 0
