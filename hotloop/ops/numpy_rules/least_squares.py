"""The rule of np.linalg.lstsq, which is called as `frontend.numpy_invocation` calls functions.

    x, residuals, rank, s = np.linalg.lstsq(a, b):  x = a^+ b

x' is that of the pseudoinverse (Golub and Pereyra, 1973), for a rank that does not change.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.ir.core import Eqn
from hotloop.ops.derivative import Rule
from hotloop.ops.numpy_rules.factorizations import singular_tangents
from hotloop.ops.numpy_rules.matrices import adjoint, real_part
from hotloop.ops.numpy_rules.table import INVOKED, call, unsupported


def least_squares(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    made = eqn.params["function"]
    places = [int(tree.k) for tree in made.args[:2] if hasattr(tree, "k")]
    if len(made.results) != 1 or len(places) < 2:
        raise unsupported(eqn, "the derivative of lstsq of such arguments is not known",
                          "give it two arrays")
    rank = len(eqn.ins[places[1]].shape)                # x has as many axes as b
    x, residuals, s = (eqn.outs[k] for k in (rank, rank + 2, rank + 5))
    dtype = x.dtype
    a, b = (p.convert(eqn.ins[k], dtype) for k in places)
    ta, tb = (None if tangents[k] is None else l.convert(tangents[k], dtype) for k in places)
    m, n = a.shape
    b = p.reshape(b, (m, *b.shape[1:]))
    x = p.reshape(x, (n, *b.shape[1:]))
    inverse = call(p, np.linalg.pinv, [a], [(dtype, (n, m))], hermitian=False)
    rest = p.sub(b, p.matmul(a, x))
    change = None if tb is None else l.reshape(tb, b.shape)
    if ta is not None:
        moved = l.matmul(ta, x)
        change = l.neg(moved) if change is None else l.sub(change, moved)
    tx = l.matmul(inverse, change)
    ts = None
    if ta is not None:
        th, ih = adjoint(l, ta), adjoint(p, inverse)
        tx = l.add(tx, l.matmul(p.matmul(inverse, ih), l.matmul(th, rest)))
        back = l.matmul(th, p.matmul(ih, x))
        tx = l.add(tx, l.sub(back, l.matmul(p.matmul(inverse, a), back)))
        ts = singular_tangents(p, l, a, ta, s.shape)
    along = p.conj(rest) if dtype.kind == "c" else rest
    of_each = l.mul(real_part(l, l.sum(l.mul(change, along), (0,))), 2.0)
    of_each = l.reshape(of_each, of_each.shape or (1,))
    tangents_by_out = {rank: tx, rank + 5: ts,
                       rank + 2: l.part(of_each, 0, 0, residuals.shape[0])}
    return [tangents_by_out.get(k) for k in range(len(eqn.outs))]


INVOKED[np.linalg.lstsq] = Rule(least_squares)
