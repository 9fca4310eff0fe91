"""Write out short loops with few trips.

    c:f64[] = for 0 2 1 a { lambda i:i64[] b:f64[]. let d:f64[] = add b b in (d,) }
    ->
    d:f64[] = add a a; c:f64[] = add d d

Three coordinates, the nodes of a quadrature: the index becomes a literal, which folds, and what was
carried in memory becomes values. Loops that contain loops stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, count, rename, walk
from hotloop.ops.table import carries_from, region
from hotloop.passes.forward import Forward

MOST_TRIPS = 8
MOST_EQUATIONS = 64
"""Of all copies together: more than this costs compile time without making code faster."""


def unroll(program: Program) -> Program:
    return _Unroll().run(program)


class _Unroll(Forward):
    def keep(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        trips = _few_trips(eqn)
        if trips is None:
            out.append(eqn)
            return None
        body, = eqn.blocks
        carries = eqn.ins[3:]
        for i in trips:
            env: dict[Var, Atom] = dict(zip(body.params, (Lit(i), *carries), strict=True))
            copy = rename(Block((), body.eqns, body.outs), env)
            out += copy.eqns
            carries = tuple(copy.outs)
        return carries


def _few_trips(eqn: Eqn) -> range | None:
    if region(eqn) != "for" or eqn.params.get("until") is not None:
        return None
    if not all(isinstance(a, Lit) for a in eqn.ins[:3]):
        return None
    lo, hi, step = (int(a.value) for a in eqn.ins[:3])      # type: ignore[union-attr]
    trips = range(lo, hi, step) if step else range(0)
    body = eqn.blocks[0]
    few = 1 <= len(trips) <= MOST_TRIPS and len(trips) * count(body) <= MOST_EQUATIONS
    simple = not any(carries_from(inner) is not None for inner in walk(body))
    return trips if few and (simple or len(trips) == 1) else None
