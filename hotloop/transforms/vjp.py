"""Reverse mode: a Program that computes the cotangents of its parameters beside its results.

    vjp({ lambda ; x:f64[]. let y:f64[] = sin x in (y,) }, [True])
    ->
    { lambda ; x:f64[] v:f64[]. let y:f64[] = sin x; c = cos x; w = mul v c in (y, w) }

Linearization, whose linear half is transposed in place.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Program
from hotloop.ops.dce import dce
from hotloop.transforms.jvp import fresh
from hotloop.transforms.linearize import halves
from hotloop.transforms.transpose import transposed


def vjp(program: Program, wrt: Sequence[bool], of: Sequence[bool] | None = None) -> Program:
    """Parameters, then cotangents of the float results (where `of`, if it is given); results, then
    cotangents of the float parameters where `wrt`. Raises UnsupportedError for an op without a
    rule. `program` is left as it is."""
    made = halves(program, wrt, of)
    primal = made.program
    backward = transposed(made, [True] * len(made.outs))
    outs = primal.outs + backward.outs
    into = (*primal.into, *[None] * len(backward.outs))
    return dce(fresh(Program(primal.params + backward.params, primal.eqns + backward.eqns, outs,
                             primal.name, into)))
