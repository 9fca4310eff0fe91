"""Functions that NumPy itself computes at run time: `call_numpy` with declared results.

    through_numpy(np.linalg.inv, [a], [(F64, (n, n))])

The call is pure, its results are new arrays. A Var among a result's dimensions is handed over
beside the arguments; `vector_through_numpy` is for results whose length only the call tells.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import current, emit, unsupported
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import CODE_OF, DTYPES, I64
from hotloop.record import record

RAISING: set[Any] = set()
"""Functions that may raise although shapes and dtypes are right."""

VIA_NUMPY: set[Any] = set()
FAILURES: dict[Any, tuple[tuple[type[Exception], str], ...]] = {}
"""What such functions raise, and what it says."""

LINALG = tuple((np.linalg.LinAlgError, message) for message in (
    "Singular matrix", "Array must not contain infs or NaNs", "Eigenvalues did not converge",
    "SVD did not converge"))
"""What functions that compute with matrices may raise."""

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
    if function not in RAISING:
        return emit("call_numpy", [*operands, *places], outs, **params)
    if function in FAILURES and current().state.tries:
        return emit_tried([*operands, *places], outs, FAILURES[function], params)
    return emit("call_numpy_checked", [*operands, *places], outs, **params)


@record
class Tried:
    """A call inside of a try statement: the results, and which of `failures` it was: 0 for none,
    else the results are zeros. `results`, `take` and `keywords` as the equation would have them."""
    function: Any
    failures: tuple[tuple[type[Exception], str], ...]
    results: tuple[Any, ...]
    take: int | None
    keywords: tuple[tuple[str, Any], ...]

    @property
    def __name__(self) -> str:
        """As an attribute of this module, for the text form of the IR."""
        return PREFIX + pickle.dumps(self).hex()

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        try:
            result = self.function(*operands[:self.take], **dict(self.keywords))
        except Exception as error:
            known = type(error), str(error)
            if known not in self.failures:
                raise UnsupportedError(
                    f"not supported: {known[0].__name__}({known[1]!r}) by a call of NumPy in a try "
                    "statement, which was not expected", None, "test the arguments before"
                    ) from error
            blank = [np.zeros([self._size(d, operands) for d in shape], DTYPES[dtype])[()]
                     for dtype, shape in self.results]
            return (*blank, np.int64(self.failures.index(known) + 1))
        return (*(result if isinstance(result, tuple) else (result,)), np.int64(0))

    def _size(self, dim: Any, operands: Sequence[Any]) -> int:
        """That of a result; 0 if it is told by another result."""
        if isinstance(dim, int):
            return dim
        return int(operands[dim[1]]) if dim[0] == "in" else 0


PREFIX = "tried_"


def __getattr__(name: str) -> Any:
    """`tried_<hex>`: the Tried of that name, when a Program is read back from text."""
    if not name.startswith(PREFIX):
        raise AttributeError(name)
    return pickle.loads(bytes.fromhex(name[len(PREFIX):]))


def emit_tried(operands: Sequence[Atom], outs: Sequence[Any],
               failures: tuple[tuple[type[Exception], str], ...],
               params: dict[str, Any]) -> list[Var]:
    """The equation `call_numpy_checked` in a try statement, which has a check for each failure."""
    results = params["results"]
    tried = Tried(params["function"], failures, results, params.get("take"),
                  params.get("keywords", ()))
    code = current().bind(I64)
    found = emit("call_numpy", operands, [*outs, code], function=tried,
                 results=(*results, (CODE_OF[np.dtype(I64)], ())))
    for k, (exception, message) in enumerate(failures, 1):
        dm.require("ne", code, k, exception, message)
    return found[:-1]


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
