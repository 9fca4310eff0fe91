"""Rules of numpy.linalg: systems, inverses and determinants.

Formulas are in M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008); that of pinv is in Golub and Pereyra (1973).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Eqn
from hotloop.ops import callbacks
from hotloop.ops.domains import same_dim
from hotloop.ops.numpy_rules.matrices import adjoint, dot, hermitian_of, product
from hotloop.ops.numpy_rules.table import (
    call,
    keyword,
    rectangular,
    rule,
    square,
    zero,
)

LA = np.linalg


# ---- systems

def _solved(b: Any, a: Atom, c: Atom, column: bool) -> Atom:
    """solve(a, c) for c of the result's full shape; `column`: c is a stack of vectors."""
    if not column:
        return call(b, LA.solve, [a, c], [(c.dtype, c.shape)])
    x = b.reshape(c, (*c.shape, 1))
    return b.reshape(call(b, LA.solve, [a, x], [(c.dtype, x.shape)]), c.shape)


def _solve_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    a, c = eqn.ins[:2]
    r = _solved(b, b.swap_last(a), ct, len(c.shape) == 1 and len(a.shape) > 2)
    first = len(r.shape) - len(c.shape)
    return b.unbroadcast(r, c.shape, range(first, len(r.shape)))


def _solvable(eqn: Eqn) -> Any:
    (a, c), x = eqn.ins[:2], eqn.outs[0]
    n = a.shape[-1]
    rows = -1 if len(c.shape) == 1 else -2
    stacks = zip(reversed(a.shape[:-2]), reversed(x.shape[:rows]), strict=False)
    return [a.shape[-2:], (n, c.shape[rows]), (n, x.shape[rows]),
            *((p, q) for p, q in stacks if not same_dim(p, 1))]


@rule(LA.solve, transpose=_solve_transpose, equal=_solvable)
def solve(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """a x' = c' - a' x"""
    (a, c), x, (ta, tc) = eqn.ins[:2], eqn.outs[0], tangents[:2]
    vectors = len(c.shape) == 1
    right = None if tc is None else l.broadcast(tc, x.shape)
    if ta is not None:
        columns = p.reshape(x, (*x.shape, 1)) if vectors else x
        moved = l.reshape(l.matmul(ta, columns), x.shape)
        right = l.neg(moved) if right is None else l.sub(right, moved)
    assert right is not None
    return [_solved(l, a, right, vectors and len(a.shape) > 2)]


@rule(LA.inv, callbacks.inverse_or_nan, equal=square)
def inv(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    y = eqn.outs[0]
    return [l.neg(product(l, y, tangents[0], y))]


def _turned(eqn: Eqn) -> Any:
    (*_, m, n), (*_, k, l) = eqn.ins[0].shape, eqn.outs[0].shape
    return rectangular(eqn, (n, k), (m, l))


@rule(LA.pinv, equal=_turned)
def pinv(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """For a rank that does not change."""
    a, y, t = eqn.ins[0], eqn.outs[0], tangents[0]
    if keyword(eqn, "hermitian"):
        a, t = hermitian_of(p, a), hermitian_of(l, t)
    yh, th = adjoint(p, y), adjoint(l, t)
    s = product(l, p.matmul(y, yh), th)
    u = l.matmul(th, p.matmul(yh, y))
    first = l.sub(s, product(l, y, t, y))
    second = l.sub(u, l.matmul(l.matmul(s, a), y))
    return [l.sub(l.add(first, second), l.matmul(p.matmul(y, a), u))]


# ---- determinants

@rule(LA.det, equal=square)
def det(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [dot(l, tangents[0], _cofactors(p, [eqn.ins[0]]))]


def _cofactors(b: Any, operands: Any) -> Atom:
    return call(b, callbacks.cofactors, operands, [(operands[0].dtype, operands[0].shape)])


def _squares(eqn: Eqn) -> Any:
    return [*square(eqn), *(pair for t in _matrices(eqn)[1:]
                            for pair in zip(eqn.ins[0].shape, t.shape, strict=True))]


def _matrices(eqn: Eqn) -> list[Atom]:
    return list(eqn.ins[:eqn.params.get("take")])


def _cofactors_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    """Derivatives of det are symmetric in their directions, of which ct is one."""
    operands = _matrices(eqn)
    operands[k] = ct
    return _cofactors(b, operands)


@rule(callbacks.cofactors, transpose=_cofactors_transpose, equal=_squares)
def cofactors(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """One more direction for the matrix; linear in the directions there are."""
    operands = _matrices(eqn)
    parts = []
    for k, t in enumerate(tangents[:len(operands)]):
        if t is not None:
            moved = [*operands, t] if k == 0 else [*operands[:k], t, *operands[k + 1:]]
            parts.append(_cofactors(l, moved))
    return [functools.reduce(l.add, parts)]


@rule(LA.slogdet, equal=square)
def slogdet(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    a, sign = eqn.ins[0], eqn.outs[0]
    y = call(p, callbacks.inverse_or_nan, [a], [(a.dtype, a.shape)])
    trace = dot(l, tangents[0], p.swap_last(y))
    if a.dtype.kind != "c":
        return [None, trace]
    return [l.mul(l.complex(0.0, l.imag(trace)), sign), l.real(trace)]


zero(LA.matrix_rank)
