"""Reverse mode: a Program that computes the cotangents of its parameters beside its results.

    vjp({ lambda ; x:f64[]. let y:f64[] = sin x in (y,) }, [True])
    ->
    { lambda ; x:f64[] v:f64[]. let y:f64[] = sin x; c = cos x; w = mul v c in (y, w) }

Linearization, whose linear half is transposed in place.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from hotloop.ir.core import Dim, Program, Var, dims
from hotloop.ir.types import I64, Type
from hotloop.ops.dce import dce
from hotloop.ops.domains import atom_of
from hotloop.ops.emit import Emit
from hotloop.transforms.linearize import halves
from hotloop.transforms.prepare import fresh
from hotloop.transforms.tapes import define
from hotloop.transforms.transpose import transposed


def vjp(program: Program, wrt: Sequence[bool], of: Sequence[bool] | None = None) -> Program:
    """Parameters, then cotangents of the float results (where `of`, if it is given); results, then
    cotangents of the float parameters where `wrt`. Raises UnsupportedError for an op without a
    rule. `program` is left as it is."""
    made = halves(program, wrt, of)
    primal = made.program
    backward = transposed(made, [True] * len(made.outs))
    known = {*dims(primal), *primal.params}
    head = Emit()
    seeds = [_seed(v, known, head) for v in backward.params]
    outs = primal.outs + backward.outs
    into = (*primal.into, *[None] * len(backward.outs))
    eqns = primal.eqns + head.eqns + backward.eqns
    return dce(fresh(Program(primal.params + seeds, eqns, outs, primal.name, into)))


def _seed(var: Var, known: Container[Dim], head: Emit) -> Var:
    """The parameter for a cotangent. Sizes that the program itself computes have other names
    outside of it."""
    if all(d in known for d in var.shape if isinstance(d, Var)):
        return var
    shape = [Var(Type(I64)) if isinstance(d, Var) and d not in known else d for d in var.shape]
    given = Var(Type(var.dtype, tuple(shape)), var.hint)
    define(head, "reshape", (given, *map(atom_of, var.shape)), var)
    return given
