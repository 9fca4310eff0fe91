"""QR factorizations and Fourier transforms, by the inner loops of NumPy's ufuncs.

    q, r = np.linalg.qr(a)      ->  h, tau = qr_raw a;  q = qr_q h tau;  r = the upper part of h

What NumPy does in Python around them is equations here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Dim, Eqn, Lit
from hotloop.ir.types import CODE_OF, F64, I64
from hotloop.ops import callbacks, inner_loops
from hotloop.ops.domains import atom_of
from hotloop.ops.emit import Emit
from hotloop.passes.native_rules.table import either, keywords, rule


def call(b: Emit, function: Any, ins: Sequence[Atom], results: Sequence[tuple[Any, Sequence[Dim]]],
         **given: Any) -> Any:
    """A `call_numpy` of these operands, with results of these dtypes and shapes."""
    operands = list(ins)
    places: dict[Any, int] = {}
    declared = []
    for dtype, dims in results:
        shape = []
        for d in dims:
            if isinstance(d, int):
                shape.append(d)
                continue
            if d not in places:
                places[d] = len(operands)
                operands.append(d)
            shape.append(("in", places[d]))  # type: ignore[arg-type]
        declared.append((CODE_OF[np.dtype(dtype)], tuple(shape)))
    return b.call_numpy(*operands, function=function, results=tuple(declared), take=len(ins),
                        keywords=tuple(sorted(given.items())))


@rule(np.linalg.qr)
def qr(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    mode = keywords(eqn).get("mode", "reduced")
    a, out = eqn.ins[0], eqn.outs[-1]
    if mode not in ("reduced", "r") or not inner_loops.ufunc_at(f"{inner_loops.LAPACK}:qr_r_raw"):
        return None
    *stack, m, n = a.shape
    k = out.shape[-2]
    wide = np.result_type(a.dtype, F64)
    h, tau = call(b, callbacks.qr_raw, [b.convert(a, wide)], [(wide, (*stack, m, n)),
                                                             (wide, (*stack, k))])
    rank = len(a.shape)
    top = b.part(h, rank - 2, 0, atom_of(k))
    row, column = b.iota(atom_of(k), dtype=I64), b.iota(atom_of(n), dtype=I64)
    lower = b.gt(b.broadcast(row, (k, n), (0,)), b.broadcast(column, (k, n), (1,)))
    r = b.select(b.broadcast(lower, out.shape), b.zeros(top.type), top)
    r = b.convert(r, out.dtype)
    if mode == "r":
        return [r]
    q = call(b, callbacks.qr_q, [h, tau], [(wide, (*stack, m, k))])
    return [b.convert(q, out.dtype), r]


# ---- Fourier transforms

FORWARD = {"fft": True, "rfft": True, "ifft": False, "irfft": False}
UFUNCS = {"fft": ("fft",), "ifft": ("ifft",), "irfft": ("irfft",),
          "rfft": ("rfft_n_even", "rfft_n_odd")}
"""NumPy's, for an even and an odd number of points."""


@rule(callbacks.transform, callbacks.transform_of_length)
def transform(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """NumPy multiplies by a factor in the same loop: 1, 1/n or 1/sqrt(n)."""
    given = keywords(eqn)
    name, axis, norm = given["name"], given["axis"], given["norm"]
    x, out = eqn.ins[0], eqn.outs[0]
    if name not in FORWARD or norm not in (None, "backward", "forward", "ortho") or (
            x.dtype.char not in "fdFD"):
        return None
    if eqn.params["function"] is callbacks.transform_of_length:
        n: Atom = eqn.ins[1]
    elif given["n"] is not None:
        n = Lit(int(given["n"]))
    elif name == "irfft":
        n = atom_of(out.shape[axis])
    else:
        n = atom_of(x.shape[axis])
    real = out.dtype if name == "irfft" else np.empty(0, out.dtype).real.dtype
    scaled = norm == "ortho" or (norm == "forward") == FORWARD[name]
    first = inner_loops.ufunc_at(f"{callbacks.FOURIER}:{UFUNCS[name][0]}")
    if first is None:
        return None
    # NumPy computes most transforms of single precision in double: 1 is an int
    types = first.resolve_dtypes((x.dtype, real if scaled else int, None))
    size = b.convert(n, real)
    factor = Lit(types[1].type(1)) if not scaled else b.convert(b.div(
        1.0, b.sqrt(size) if norm == "ortho" else size), types[1])
    rank = len(x.shape)
    order = [*(k for k in range(rank) if k != axis), axis]
    points = b.transpose(b.convert(x, types[0]), order)
    shape = tuple(out.shape[k] for k in order)
    count = atom_of(shape[-1])

    def by(inner: Emit, ufunc: str) -> list[Atom]:
        return [call(inner, callbacks.transformed, [points, factor, count], [(types[2], shape)],
                     name=ufunc)]
    even, *odd = UFUNCS[name]
    if not odd:
        found, = by(b, even)
    elif isinstance(n, Lit):
        found, = by(b, odd[0] if n.value % 2 else even)
    else:
        found, = either(b, b.eq(b.and_(n, 1), 0), lambda inner: by(inner, even),
                        lambda inner: by(inner, odd[0]))
    return [b.transpose(b.convert(found, out.dtype), [order.index(k) for k in range(rank)])]
