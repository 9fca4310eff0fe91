"""Calls of NumPy's functions as equations of our own, where those are better than a call-back.

    j = call_numpy[function=np.searchsorted] a keys   ->   for i: y = set y (search a keys[i]) i

After derivatives and batches are made, whose rules know the functions. What each becomes is in
`passes.native_rules`, which is loaded when a Program calls one.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop import lazy
from hotloop.ir.core import Atom, Eqn, Program, walk
from hotloop.ops import linalg
from hotloop.ops.emit import Emit
from hotloop.passes.forward import Forward

rules = lazy.module("hotloop.passes.native_rules")

CALLS = (linalg.call_numpy, linalg.call_numpy_checked)


def native(program: Program) -> Program:
    if any(eqn.op in CALLS and eqn.params["function"] in rules.RULES for eqn in walk(program)):
        return _Native().run(program)
    return program


class _Native(Forward):
    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.op not in CALLS or eqn.params["function"] not in rules.RULES:
            return None
        found: Sequence[Atom] | None = rules.RULES[eqn.params["function"]](
            Emit(out, eqn.location), eqn)
        return found
