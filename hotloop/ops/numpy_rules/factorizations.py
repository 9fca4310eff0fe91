"""Rules of numpy.linalg: factorizations and eigenvalues.

    a = q r,  q^H q' skew-Hermitian:  r' = q^H a' - (q^H q') r

Formulas are in M. Giles (2008, see `linalg`), J. Townsend, "Differentiating the singular value
decomposition" (2016), and I. Murray, "Differentiation of the Cholesky decomposition" (2016).
`cholesky`, `eigh` and whatever is declared Hermitian depend on the triangle that LAPACK reads, and
on nothing else. Vectors that belong to equal values have no derivative: it is inf or nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Dim, Eqn
from hotloop.ops import callbacks
from hotloop.ops.domains import atom_of, same_dim
from hotloop.ops.families import real_dtype
from hotloop.ops.numpy_rules.matrices import (
    adjoint,
    columns_of,
    diagonal,
    halved_triangle,
    hermitian_of,
    pairs,
    product,
    real_part,
    reciprocal_differences,
    rows_of,
)
from hotloop.ops.numpy_rules.table import (
    call,
    keyword,
    rectangular,
    rule,
    square,
    unsupported,
)

LA = np.linalg


@rule(LA.cholesky, equal=square)
def cholesky(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """c' = c F(c^-1 a' c^-H), where F takes the lower triangle with half the diagonal."""
    upper = bool(keyword(eqn, "upper"))
    y = eqn.outs[0]
    c = adjoint(p, y) if upper else y
    inverse = call(p, LA.inv, [c], [(c.dtype, c.shape)])
    middle = product(l, inverse, hermitian_of(l, tangents[0], upper), adjoint(p, inverse))
    t = l.matmul(c, halved_triangle(l, middle))
    return [adjoint(l, t) if upper else t]


def _product_of_two(eqn: Eqn) -> Any:
    """a = q r, or r alone."""
    (*_, m, n), r = eqn.ins[0].shape, eqn.outs[-1].shape
    q = [] if len(eqn.outs) == 1 else [(m, eqn.outs[0].shape[-2]), (r[-2], eqn.outs[0].shape[-1])]
    return rectangular(eqn, (n, r[-1]), *q)


@rule(LA.qr, equal=_product_of_two)
def qr(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """For a matrix whose first columns are independent, as many as it has rows if it has more."""
    a, r, t = eqn.ins[0], eqn.outs[-1], tangents[0]
    *stack, m, n = a.shape
    k = r.shape[-2]
    last = len(a.shape) - 1
    if len(eqn.outs) == 2:
        q = eqn.outs[0]
        if keyword(eqn, "mode") == "complete" and not (
                same_dim(m, n) or isinstance(m, int) and isinstance(n, int) and m < n):
            raise unsupported(eqn, "the derivative of qr with mode='complete': the columns of q "
                              "behind the matrix's rank are not determined", "use mode='reduced'")
    else:
        q, _ = call(p, LA.qr, [a], [(a.dtype, (*stack, m, k)), (a.dtype, (*stack, k, n))],
                    mode="reduced")
    first = p.part(r, last, 0, atom_of(k))
    inverse = call(p, callbacks.inverse_or_nan, [first], [(a.dtype, first.shape)])
    qh = adjoint(p, q)
    moved = l.matmul(l.part(t, last, 0, atom_of(k)), inverse)
    inner = l.matmul(qh, moved)
    lower = l.select(pairs(p, "gt", inner.shape), inner, 0.0)
    skew = l.sub(lower, adjoint(l, lower))
    if a.dtype.kind == "c":
        imaginary = l.complex(0.0, l.imag(inner))
        skew = l.add(skew, l.select(pairs(p, "eq", inner.shape), imaginary, 0.0))
    tr = l.sub(l.matmul(qh, t), l.matmul(skew, r))
    tr = l.select(pairs(p, "le", tr.shape), tr, 0.0)
    if len(eqn.outs) == 1:
        return [tr]
    return [l.add(l.matmul(q, l.sub(skew, inner)), moved), tr]


# ---- eigenvalues

@rule(LA.eigh, equal=square)
def eigh(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    w, v = eqn.outs
    inner = _in_basis(l, v, hermitian_of(l, tangents[0], keyword(eqn, "UPLO", "L") == "U"))
    factors = reciprocal_differences(p, w, v.dtype)
    return [real_part(l, diagonal(l, inner)), l.matmul(v, l.mul(inner, factors))]


def _in_basis(l: Any, v: Atom, t: Atom) -> Atom:
    return product(l, adjoint(l, v), t, v)


@rule(LA.eigvalsh, equal=square)
def eigvalsh(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    a, uplo = eqn.ins[0], keyword(eqn, "UPLO", "L")
    _, v = call(p, LA.eigh, [a], [(real_dtype(a.dtype), a.shape[:-1]), (a.dtype, a.shape)],
                UPLO=uplo)
    return [real_part(l, diagonal(l, _in_basis(l, v, hermitian_of(l, tangents[0], uplo == "U"))))]


@rule(LA.eig, equal=square)
def eig(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    w, v = eqn.outs
    inner = _moved(p, l, v, tangents[0])
    return [diagonal(l, inner), _vectors(p, l, w, v, inner)]


@rule(LA.eigvals, equal=square)
def eigvals(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    a, w = eqn.ins[0], eqn.outs[0]
    v = call(p, callbacks.eigenvectors, [a, w], [(a.dtype, a.shape)])
    return [diagonal(l, _moved(p, l, v, tangents[0]))]


@rule(callbacks.eigenvectors, equal=square)
def eigenvectors(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    if tangents[0] is None:
        return [None]
    w, v = eqn.ins[1], eqn.outs[0]
    return [_vectors(p, l, w, v, _moved(p, l, v, tangents[0]))]


def _moved(p: Any, l: Any, v: Atom, t: Atom) -> Atom:
    """v^-1 t v"""
    inverse = call(p, callbacks.inverse_or_nan, [v], [(v.dtype, v.shape)])
    return product(l, inverse, t, v)


def _vectors(p: Any, l: Any, w: Atom, v: Atom, inner: Atom) -> Atom:
    """Columns of length 1 whose greatest element is real and positive, as LAPACK scales them."""
    t = l.matmul(v, l.mul(inner, reciprocal_differences(p, w, v.dtype)))
    rows = len(v.shape) - 2
    longer = l.sum(l.real(l.mul(t, p.conj(v))), (rows,))
    size = p.abs(v)
    greatest = p.eq(size, p.spread(p.reduce_max(size, axes=(rows,)), v.shape, (rows,)))
    count = p.sum(p.convert(greatest, size.dtype), (rows,))
    there = l.div(l.select(greatest, t, 0.0), p.select(greatest, v, 1.0))
    turned = l.div(l.sum(l.imag(there), (rows,)), count)
    change = l.complex(longer, turned)
    return l.sub(t, l.mul(v, columns_of(l, change, v.shape)))


# ---- singular values

def _thin(p: Any, a: Atom, hermitian: bool) -> tuple[Atom, Atom, Atom]:
    """u, s, v^H without the columns that belong to no singular value."""
    *stack, m, n = a.shape
    k = m if same_dim(m, n) else (min(m, n) if isinstance(m, int) and isinstance(n, int) else
                                  p.minimum(atom_of(m), atom_of(n)))
    u, s, vh = call(p, LA.svd, [a], [(a.dtype, (*stack, m, k)),
                                     (real_dtype(a.dtype), (*stack, k)),
                                     (a.dtype, (*stack, k, n))],
                    full_matrices=False, hermitian=hermitian)
    return u, s, vh


@rule(callbacks.singular_values)
def singular_values(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [singular_tangents(p, l, eqn.ins[0], tangents[0], eqn.outs[0].shape)]


def singular_tangents(p: Any, l: Any, a: Atom, t: Atom, shape: Sequence[Dim]) -> Atom:
    """Of the singular values of a, in this shape."""
    u, _, vh = _thin(p, a, False)
    inner = product(l, adjoint(p, u), t, adjoint(p, vh))
    return l.reshape(real_part(l, diagonal(l, inner)), shape)


def _product_of_three(eqn: Eqn) -> Any:
    (*_, m, n), (u, s, v) = eqn.ins[0].shape, (y.shape for y in eqn.outs)
    thin = [] if keyword(eqn, "full_matrices") else [(s[-1], u[-1]), (s[-1], v[-2])]
    return rectangular(eqn, (m, u[-2]), (n, v[-1]), *thin)


@rule(LA.svd, equal=_product_of_three)
def svd(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """Columns without a singular value stay orthogonal to the others and do not turn among
    themselves; what does not depend on how they are chosen has the right derivative."""
    a, t = eqn.ins[0], tangents[0]
    u, s, vh = eqn.outs
    if keyword(eqn, "hermitian"):
        t = hermitian_of(l, t)
    k, last = s.shape[-1], len(a.shape) - 1
    u1, vh1 = p.part(u, last, 0, atom_of(k)), p.part(vh, last - 1, 0, atom_of(k))
    if same_dim(u.shape[-1], k):
        u1 = u
    if same_dim(vh.shape[-2], k):
        vh1 = vh
    v1, u1h = adjoint(p, vh1), adjoint(p, u1)
    inner = product(l, u1h, t, v1)
    columns, rows = (p.convert(f(p, s, inner.shape), a.dtype) for f in (columns_of, rows_of))
    factors = p.mul(reciprocal_differences(p, s, a.dtype),
                    _reciprocal(p, p.add(columns, rows)))
    right = l.mul(inner, columns)
    left = l.mul(inner, rows)
    spin = l.mul(l.sub(inner, adjoint(l, inner)), p.select(
        pairs(p, "eq", inner.shape), p.mul(_reciprocal(p, columns), 0.5), 0.0))
    tu = l.matmul(u1, l.add(l.mul(l.add(right, adjoint(l, right)), factors), spin))
    tv = l.matmul(v1, l.mul(l.add(left, adjoint(l, left)), factors))
    m, n = a.shape[-2:]
    if not same_dim(m, n):
        tu = l.add(tu, _outside(p, l, l.matmul(t, v1), u1, u1h, s))
        tv = l.add(tv, _outside(p, l, l.matmul(adjoint(l, t), u1), v1, vh1, s))
    return [_completed(l, tu, u, u1), real_part(l, diagonal(l, inner)),
            adjoint(l, _completed(l, tv, adjoint(p, vh), v1))]


def _reciprocal(p: Any, x: Atom) -> Atom:
    """1/x, and 0 for 0."""
    none = p.eq(x, 0.0)
    return p.select(none, 0.0, p.div(p.full(1, x.shape, x.dtype), p.select(none, 1.0, x)))


def _outside(p: Any, l: Any, moved: Atom, basis: Atom, basis_h: Atom, s: Atom) -> Atom:
    """The part of `moved` orthogonal to `basis`, its columns divided by the singular values."""
    rest = l.sub(moved, product(l, basis, l.matmul(basis_h, moved)))
    return l.div(rest, p.convert(columns_of(p, s, rest.shape), rest.dtype))


def _completed(l: Any, t: Atom, whole: Atom, part: Atom) -> Atom:
    """Tangents of all columns of `whole` from those of its first ones, `part`."""
    if part.shape[-1] is whole.shape[-1] or same_dim(part.shape[-1], whole.shape[-1]):
        return t
    last = len(whole.shape) - 1
    all_ = l.neg(product(l, part, adjoint(l, t), whole))
    return l.put(all_, t, last, 0)
