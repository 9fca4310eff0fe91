"""Put the blocks of `call` where they are called.

    { lambda ; a:f64[]. let
        c:f64[] = call[name='f'] a { lambda b:f64[]. let d:f64[] = mul b b in (d,) }
    in (c,) }
    ->
    { lambda ; a:f64[]. let b:f64[] = mul a a in (b,) }
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Eqn, Program
from hotloop.ops.table import region
from hotloop.passes.forward import Forward


def inline(program: Program) -> Program:
    return _Inline().run(program)


class _Inline(Forward):
    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        if region(eqn) != "call":
            return None
        body, = eqn.blocks
        self.replace(body.params, eqn.ins)
        self.equations(body.eqns, out)
        return [self.atom(a) for a in body.outs]
