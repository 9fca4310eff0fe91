"""`x[i] = x[i] + d` becomes an addition at a place.

    b:f64[] = get[codes='i'] x k;  c = add b d;  y:f64[n] = set[codes='i'] x c k
    ->
    y:f64[n] = addat[codes='i'] x d k

Before a Program is differentiated: the backward pass of a store reads and clears, that of an
addition only reads. Not for index arrays, where a repeated index is stored once but added twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Eqn, Program, Var
from hotloop.ir.types import same_shape
from hotloop.ops import elementwise, index
from hotloop.ops.table import make_eqn
from hotloop.passes.forward import Forward


def accumulate(program: Program) -> Program:
    return _Accumulate().run(program)


class _Accumulate(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.defined: dict[Atom, Eqn] = {}

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if eqn.op in (elementwise.add, elementwise.sub, index.get):
            self.defined[eqn.outs[0]] = eqn
        if eqn.op is not index.set_ or "a" in eqn.params["codes"]:
            return None
        total = self.defined.get(eqn.ins[1])
        if total is None or total.op is index.get or total.outs[0].dtype.kind not in "fc":
            return None
        for k in (0, 1) if total.op is elementwise.add else (0,):
            added = total.ins[1 - k]
            if self.is_there(eqn, total.ins[k]) and same_shape(added.shape, total.outs[0].shape):
                return self.added(eqn, total, added, out)
        return None

    def is_there(self, store: Eqn, old: Atom) -> bool:
        """Is it what was at the place of the store?"""
        load = self.defined.get(old)
        return (load is not None and load.op is index.get and load.params == store.params
                and load.ins == (store.ins[0], *store.ins[2:]))

    def added(self, store: Eqn, total: Eqn, added: Atom, out: list[Eqn]) -> list[Var]:
        if total.op is elementwise.sub:
            out.append(make_eqn(elementwise.neg, (added,), location=total.location))
            added = out[-1].outs[0]
        out.append(make_eqn(index.addat, (store.ins[0], added, *store.ins[2:]), store.params,
                            location=store.location))
        return list(out[-1].outs)
