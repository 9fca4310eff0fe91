"""Types of values in the IR: a dtype and a shape whose dimensions are ints or scalar i64 Vars.

The text form is that of jaxprs: `f64[]` a scalar, `f64[n,3]` an array with a symbolic dimension.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CODES = {
    "bool": "bool",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
    "f16": "float16", "f32": "float32", "f64": "float64",
    "c64": "complex64", "c128": "complex128",
}
DTYPES = {code: np.dtype(name) for code, name in CODES.items()}
CODE_OF = {dtype: code for code, dtype in DTYPES.items()}

BOOL, I64, U64, F32, F64, C128 = (DTYPES[c] for c in ("bool", "i64", "u64", "f32", "f64", "c128"))


class Type:
    """dtype and shape of a value; shape entries are ints >= 0 or scalar i64 Vars."""

    __slots__ = ("dtype", "shape")

    def __init__(self, dtype: Any, shape: tuple = ()):
        self.dtype = np.dtype(dtype)
        self.shape = tuple(shape)

    @property
    def rank(self) -> int:
        return len(self.shape)

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Type) and self.dtype == other.dtype
                and same_shape(self.shape, other.shape))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        dims = ",".join(str(d) for d in self.shape)
        return f"{code(self.dtype)}[{dims}]"


def same_shape(a: tuple, b: tuple) -> bool:
    """Equal ranks and dimensions; Vars are compared by identity."""
    return len(a) == len(b) and all(
        p is q or (isinstance(p, int) and isinstance(q, int) and p == q)
        for p, q in zip(a, b, strict=True))


def code(dtype: np.dtype) -> str:
    """`f64` for float64; raises TypeError for a dtype the IR does not know."""
    try:
        return CODE_OF[dtype]
    except KeyError:
        raise TypeError(f"dtype {dtype} has no place in the IR") from None
