"""Functions of scipy.special, where a program passes them: hotloop itself does not need SciPy.

    scipy.special.expit(x)     # formulas for the commonest, on which loops vectorize
    scipy.special.gamma(x)     # the other ufuncs are called back
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special  # type: ignore[import-not-found, import-untyped, unused-ignore]

from hotloop.frontend import ufuncs
from hotloop.frontend.builder import quiet, unsupported
from hotloop.frontend.numpy_arrays import as_array
from hotloop.frontend.numpy_atoms import both, constant, negate, op, select
from hotloop.frontend.numpy_callback import through_numpy
from hotloop.frontend.registry import NUMPY, UFUNCS, numpy_function
from hotloop.ir.core import Atom, Dim
from hotloop.ops import callbacks

Rule = Callable[..., Atom]


def called_back(uf: np.ufunc) -> Callable[..., tuple[Atom, ...]]:
    def rule(*atoms: Atom) -> tuple[Atom, ...]:
        dims: tuple[Dim, ...] = next((a.shape for a in atoms if a.shape), ())
        dtypes = uf.resolve_dtypes((*(a.dtype for a in atoms), *(None,) * uf.nout))
        return tuple(through_numpy(callbacks.of_scipy, atoms,
                                   [(d, dims) for d in dtypes[uf.nin:]], name=uf.__name__))
    return rule


def real(name: str) -> Callable[[Rule], Rule]:
    """The rule of a ufunc of scipy.special for floats; its complex loops are called back. SciPy
    gives no floating-point warnings."""
    uf = getattr(scipy.special, name)

    def register(rule: Rule) -> Rule:
        def either(*atoms: Atom) -> Any:
            if atoms[0].dtype.kind != "f":
                return called_back(uf)(*atoms)
            with quiet():
                return rule(*atoms)
        UFUNCS[uf] = either
        return rule
    return register


real("erf")(lambda x: op("erf", x))
real("erfc")(lambda x: op("erfc", x))


@real("expit")
def expit(x: Atom) -> Atom:
    """1 / (1 + e^-x), by the exponential that does not overflow. No |x|: its derivative at 0 is not
    that of either side."""
    negative = op("lt", x, constant(0.0, x))
    small = op("exp", select(negative, x, op("neg", x)))
    one = constant(1.0, x)
    return op("div", select(negative, small, one), op("add", one, small))


@real("logit")
def logit(x: Atom) -> Atom:
    """log(x / (1 - x)); around 1/2, where that is nearly log(1), by 2x - 1."""
    one = constant(1.0, x)
    s = op("sub", op("add", x, x), one)
    near = op("sub", op("log1p", s), op("log1p", op("neg", s)))
    middle = both(op("gt", x, constant(0.3, x)), op("lt", x, constant(0.65, x)))
    return select(middle, near, op("log", op("div", x, op("sub", one, x))))


def _times_log(log: str) -> Rule:
    """x log(y), 0 for x = 0."""
    def rule(x: Atom, y: Atom) -> Atom:
        none = both(op("eq", x, constant(0.0, x)), negate(op("isnan", y)))
        return select(none, constant(0.0, x), op("mul", x, op(log, y)))
    return rule


real("xlogy")(_times_log("log"))
real("xlog1py")(_times_log("log1p"))


# ---- functions

def _shifted(a: Any, axis: Any) -> tuple[Any, Any]:
    """a - max and max, whose infinities are taken for 0."""
    top = NUMPY[np.max](a, axis=axis, keepdims=True)
    top = NUMPY[np.where](ufuncs.apply(np.isfinite, [top]), top, 0.0)
    return ufuncs.apply(np.subtract, [a, top]), top


@numpy_function(scipy.special.logsumexp)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False,
              return_sign: bool = False) -> Any:
    if b is not None or return_sign:
        raise unsupported("scipy.special.logsumexp with b= or return_sign=")
    with quiet():
        shifted, top = _shifted(as_array(a), axis)
        total = NUMPY[np.sum](ufuncs.apply(np.exp, [shifted]), axis=axis, keepdims=True)
        result = ufuncs.apply(np.add, [ufuncs.apply(np.log, [total]), top])
        return result if keepdims else NUMPY[np.squeeze](result, axis=axis) if (
            axis is not None) else result.reshape(())[()]


@numpy_function(scipy.special.softmax)
def softmax(x: Any, axis: Any = None) -> Any:
    with quiet():
        powers = ufuncs.apply(np.exp, [_shifted(as_array(x), axis)[0]])
        return ufuncs.apply(np.divide, [powers, NUMPY[np.sum](powers, axis=axis, keepdims=True)])


@numpy_function(scipy.special.log_softmax)
def log_softmax(x: Any, axis: Any = None) -> Any:
    with quiet():
        shifted, _ = _shifted(as_array(x), axis)
        total = NUMPY[np.sum](ufuncs.apply(np.exp, [shifted]), axis=axis, keepdims=True)
        return ufuncs.apply(np.subtract, [shifted, ufuncs.apply(np.log, [total])])
