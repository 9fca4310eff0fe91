"""Functions that NumPy itself computes at run time: `call_numpy` with declared results.

    through_numpy(np.linalg.inv, [a], [(F64, (n, n))])

The call is pure, its results are new arrays. A Var among a result's dimensions is handed over
beside the arguments; `vector_through_numpy` is for results whose length only the call tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import current, emit, unsupported
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import CODE_OF, I64

RAISING: set[Any] = set()
"""Functions that may raise although shapes and dtypes are right."""

VIA_NUMPY: set[Any] = set()
REFUSED: set[Any] = set()
"""NumPy functions that are always a call-back, and those with a message that they are not
supported: for `names.coverage`."""


def through_numpy(function: Callable[..., Any], operands: Sequence[Atom],
                  results: Sequence[tuple[Any, Sequence[Dim]]],
                  **keywords: Any) -> list[Var]:
    """Emit the call; the arrays have the C layout and exactly the given dtypes."""
    places: dict[Var, int] = {}
    declared, outs = [], []
    for dtype, dims in results:
        dtype = np.dtype(dtype)
        if dtype not in CODE_OF:
            raise unsupported(f"{function.__name__} with a result of dtype {dtype}")
        for d in dims:
            if isinstance(d, Var):
                places.setdefault(d, len(operands) + len(places))
        declared.append((CODE_OF[dtype], tuple(
            ("in", places[d]) if isinstance(d, Var) else d for d in dims)))
        outs.append((dtype, tuple(dims)))
    params: dict[str, Any] = {"function": function, "results": tuple(declared)}
    if places:
        params["take"] = len(operands)
    if keywords:
        params["keywords"] = tuple(sorted(keywords.items()))
    row = "call_numpy_checked" if function in RAISING else "call_numpy"
    return emit(row, [*operands, *places], outs, **params)


def vector_through_numpy(function: Callable[..., Any], operands: Sequence[Atom],
                         dtypes: Sequence[Any], **keywords: Any) -> list[Atom]:
    """A call with results of rank 1, all of one length that the call tells."""
    builder = current()
    count = builder.bind(I64)
    spelled = ((CODE_OF[np.dtype(I64)], ()),
               *((CODE_OF[np.dtype(d)], (("out", 0),)) for d in dtypes))
    params: dict[str, Any] = {"function": function, "results": spelled}
    if keywords:
        params["keywords"] = tuple(sorted(keywords.items()))
    results = emit("call_numpy", operands,
                   [count, *(builder.bind(d, (count,)) for d in dtypes)], **params)
    dm.bound(count, 0, dm.MAX_DIM)
    return list(results[1:])


def ufunc_through_numpy(ufunc: np.ufunc, *atoms: Atom) -> tuple[Atom, ...]:
    """An elementwise function on operands of its loop's dtypes and equal shapes."""
    dims: tuple[Dim, ...] = next((a.shape for a in atoms if a.shape), ())
    dtypes = ufunc.resolve_dtypes((*(a.dtype for a in atoms), *(None,) * ufunc.nout))
    return tuple(through_numpy(ufunc, atoms, [(d, dims) for d in dtypes[ufunc.nin:]]))
