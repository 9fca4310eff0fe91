"""Parts of complex numbers: `real imag conj complex`.

They are linear over the reals only. Their transposes are those of the pairing Re(sum(ct * t)), the
one for which the product's transpose needs no conjugate: that of imag, for one, is -i ct.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn
from hotloop.ir.types import Type
from hotloop.ops.derivative import Linear
from hotloop.ops.domains import check_count, check_domain, check_same_dtype, joint_shape
from hotloop.ops.families import REAL_PART, complex_dtype, elementwise_samples, unary
from hotloop.ops.table import COMPLEXES, PURE, Map, OpDef, Sample, register


def _imag_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.complex(0.0, b.neg(ct))


def _complex_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.neg(b.imag(ct)) if k else b.real(ct)


real = unary("real", "the real part", np.real, COMPLEXES, lambda e, x: x, lambda e, z: z[0],
             result=REAL_PART,
             derivative=Linear((0,), lambda b, eqn, ct, k: b.convert(ct, eqn.ins[0].dtype)))
imag = unary("imag", "the imaginary part", np.imag, COMPLEXES, lambda e, x: e.lit(0, x.dtype),
             lambda e, z: z[1], result=REAL_PART, derivative=Linear((0,), _imag_transpose))
conj = unary("conj", "the conjugate", np.conjugate, COMPLEXES, lambda e, x: x,
             lambda e, z: (z[0], e.neg(z[1])),
             derivative=Linear((0,), lambda b, eqn, ct, k: b.conj(ct)))


def _complex_type(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
    check_count("complex", ins, 2, 2)
    check_domain("complex", ins[0], "f")
    check_same_dtype("complex", ins)
    if ins[0].dtype.itemsize < 4:
        raise TypeError("complex of f16: takes f32 or f64")
    return [Type(complex_dtype(ins[0].dtype), joint_shape("complex", ins))]


def _complex(params: dict[str, Any], re: Any, im: Any) -> Any:
    result = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), complex_dtype(re.dtype))
    result.real, result.imag = re, im
    return result[()]


def _samples() -> Iterator[Sample]:
    return (s for s in elementwise_samples(2, "f") if s.ins[0].dtype.itemsize >= 4)


complex_ = register(OpDef(
    "complex", "re + im * 1j", _complex_type, _complex,
    Map(lambda e, re, im: (re, im), lambda e, re, im: (re, im)), PURE, True, None, _samples,
    Linear((0, 1), _complex_transpose)))
