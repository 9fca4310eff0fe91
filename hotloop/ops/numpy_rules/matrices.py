"""What rules about matrices share: products, adjoints, diagonals and triangles of stacks.

    s = hermitian_of(l, t, upper=False)         # the matrix that a function of one triangle sees

Matrices are the last two axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.ir.core import Atom, Dim
from hotloop.ir.types import I64
from hotloop.ops.domains import atom_of


def product(b: Any, *factors: Atom) -> Atom:
    result = factors[0]
    for factor in factors[1:]:
        result = b.matmul(result, factor)
    return result


def adjoint(b: Any, x: Atom) -> Atom:
    return b.swap_last(b.conj(x) if x.dtype.kind == "c" else x)


def real_part(b: Any, x: Atom) -> Atom:
    return b.real(x) if x.dtype.kind == "c" else x


def pairs(b: Any, test: str, shape: Sequence[Dim]) -> Atom:
    """Where row `test` column: "gt" is the strict lower triangle, "eq" the diagonal."""
    rows, columns = shape[-2:]
    i = b.broadcast(b.iota(atom_of(rows), dtype=I64), (rows, columns), (0,))
    j = b.broadcast(b.iota(atom_of(columns), dtype=I64), (rows, columns), (1,))
    return b.broadcast(b.op(test, i, j), tuple(shape))


def diagonal(b: Any, x: Atom) -> Atom:
    place = b.iota(atom_of(x.shape[-1]), dtype=I64)
    return b.get(x, place, place, codes=":" * (len(x.shape) - 2) + "aa")


def rows_of(b: Any, v: Atom, shape: Sequence[Dim]) -> Atom:
    """A stack of vectors as matrices of this shape: element [..., i, j] is v[..., i]."""
    return b.broadcast(v, tuple(shape), tuple(range(len(v.shape))))


def columns_of(b: Any, v: Atom, shape: Sequence[Dim]) -> Atom:
    """Element [..., i, j] is v[..., j]."""
    return b.broadcast(v, tuple(shape), (*range(len(v.shape) - 1), len(v.shape)))


def halved_triangle(b: Any, x: Atom, upper: bool = False) -> Atom:
    """One triangle with half the diagonal, zeros elsewhere."""
    strict = pairs(b, "lt" if upper else "gt", x.shape)
    rest = b.select(pairs(b, "eq", x.shape), b.mul(x, 0.5), 0.0)
    return b.select(strict, x, rest)


def hermitian_of(b: Any, x: Atom, upper: bool = False) -> Atom:
    """The Hermitian matrix that has this triangle of x: LAPACK does not read the other one."""
    half = halved_triangle(b, x, upper)
    return b.add(half, adjoint(b, half))


def dot(b: Any, x: Atom, y: Atom) -> Atom:
    """The sum of the products of elements, for each matrix of the stack."""
    rank = len(x.shape)
    return b.sum(b.mul(x, y), (rank - 2, rank - 1))


def reciprocal_differences(b: Any, w: Atom, dtype: Any) -> Atom:
    """1 / (w[j] - w[i]), and 0 on the diagonal: inf where two of them are equal."""
    n = w.shape[-1]
    shape = (*w.shape, n)
    same = pairs(b, "eq", shape)
    difference = b.sub(columns_of(b, w, shape), rows_of(b, w, shape))
    inverse = b.select(same, 0.0, b.div(b.full(1, shape, w.dtype),
                                        b.select(same, 1.0, difference)))
    return b.convert(inverse, dtype)
