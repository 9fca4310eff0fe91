"""Rules of numpy.fft: the transforms are linear, so the tangent is the transform of the tangent.

    y = fft(x, n):  ct_x = fft(ct, n), cut or filled with zeros to the length of x

The matrix of `fft` is symmetric, so it is its own transpose. The real transforms leave out the half
of the spectrum that is the conjugate of the other; what stands for two elements counts twice.
"""

from __future__ import annotations

from typing import Any

from hotloop.ir.core import Atom, Dim, Eqn, Var
from hotloop.ir.types import I64
from hotloop.ops import callbacks
from hotloop.ops.domains import atom_of, dim_of, same_dim
from hotloop.ops.families import complex_dtype
from hotloop.ops.numpy_rules.table import call, keyword, linear

SPECTRUM = {"fft": "fft", "ifft": "ifft", "rfft": "fft", "ihfft": "ifft"}
"""Transforms to complex numbers -> that of the cotangents."""

BACK_TO_REAL = {"irfft": "ihfft", "hfft": "rfft"}


def _transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    x, name, axis = eqn.ins[0], keyword(eqn, "name"), keyword(eqn, "axis")
    length = x.shape[axis]
    if name in SPECTRUM:
        points = _points(eqn, length)
        whole = _with_length(ct, axis, points)
        y = _call(b, SPECTRUM[name], ct, points, eqn, ct.dtype, whole)
        y = _resized(b, y, axis, length)
        return y if x.dtype.kind == "c" else b.convert(b.real(y), x.dtype)
    points = ct.shape[axis]
    half = points // 2 + 1 if isinstance(points, int) else b.add(b.shift_right(points, 1), 1)
    y = _call(b, BACK_TO_REAL[name], ct, points, eqn, complex_dtype(ct.dtype),
              _with_length(ct, axis, half))
    place = b.iota(atom_of(half), dtype=I64)
    once = b.or_(b.eq(place, 0), b.eq(b.add(place, place), atom_of(points)))
    once = b.broadcast(once, y.shape, (axis,))
    return b.convert(_resized(b, b.select(once, y, b.mul(y, 2.0)), axis, length), x.dtype)


def _points(eqn: Eqn, length: Dim) -> Dim:
    """How many points the transform has: `n`, or the operand's length."""
    if eqn.params["function"] is callbacks.transform_of_length:
        return dim_of(eqn.ins[1])
    n = keyword(eqn, "n")
    return length if n is None else int(n)


def _with_length(x: Atom, axis: int, n: Dim) -> tuple[Dim, ...]:
    return tuple(n if k == axis else d for k, d in enumerate(x.shape))


def _call(b: Any, name: str, x: Atom, points: Dim, eqn: Eqn, dtype: Any,
          shape: tuple[Dim, ...]) -> Atom:
    common = {"name": name, "axis": keyword(eqn, "axis"), "norm": keyword(eqn, "norm")}
    if isinstance(points, Var):
        return call(b, callbacks.transform_of_length, [x, points], [(dtype, shape)], **common)
    return call(b, callbacks.transform, [x], [(dtype, shape)], n=points, **common)


def _resized(b: Any, x: Atom, axis: int, n: Dim) -> Atom:
    """Cut at the end, or filled with zeros, to n elements."""
    if same_dim(x.shape[axis], n):
        return x
    both = b.minimum(atom_of(n), atom_of(x.shape[axis]))
    target = b.full(0, _with_length(x, axis, n), x.dtype)
    return b.put(target, b.part(x, axis, 0, both), axis, 0)


linear(callbacks.transform, callbacks.transform_of_length, transpose=_transpose)
