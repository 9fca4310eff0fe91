"""All that stands for NumPy and Python names, and what of NumPy's public interface it covers.

    coverage()["linalg.svd"]      "via NumPy"

`coverage` is what `hotloop coverage` prints: for each public function, ufunc and method whether it
is "native" (equations of the IR), "via NumPy" (compiled code calls NumPy), "at trace time" (it does
not depend on run-time values) or "unsupported", for a reason that `why` tells.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.numpy_callback import REFUSED, VIA_NUMPY
from hotloop.frontend.numpy_unsupported import reason
from hotloop.frontend.registry import LATER, METHODS, NUMPY, PROPERTIES, UFUNCS

NATIVE, CALLED_BACK, STATIC, UNSUPPORTED = "native", "via NumPy", "at trace time", "unsupported"

AT_TRACE_TIME = frozenset((
    "base_repr", "binary_repr", "issubdtype", "isdtype", "min_scalar_type", "mintypecode",
    "promote_types", "typename", "bartlett", "blackman", "hamming", "hanning", "kaiser",
    "iterable", "einsum_path", "get_include", "fft.fftfreq", "fft.rfftfreq"))
"""Functions of arguments that are known while compiling; NumPy itself runs them then."""


def public(module: types.ModuleType, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in sorted(module.__all__):
        x = getattr(module, name)
        if callable(x) and not isinstance(x, type):
            yield prefix + name, x


def status(name: str, x: Any) -> str:
    if x in REFUSED or reason(x) and not (x in NUMPY or x in UFUNCS):
        return UNSUPPORTED
    if x in VIA_NUMPY:
        return CALLED_BACK
    if x in NUMPY or x in UFUNCS:
        return NATIVE
    return STATIC if name in AT_TRACE_TIME else CALLED_BACK


def why(name: str) -> str:
    """Why a function is unsupported."""
    space: Any = np
    for part in name.split("."):
        space = getattr(space, part)
    return reason(space) or "see its message"


def coverage() -> dict[str, str]:
    """Public name -> one of the four words; methods and attributes as `ndarray.name`."""
    for home, modules in LATER.items():
        if home != "scipy":                        # it need not be installed
            for module in modules:
                lazy.load(module)
    table = {}
    for module, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft."),
                           (np.random, "random.")):
        for name, x in public(module, prefix):
            table[name] = status(name, x)
    for name in sorted(dir(np.ndarray)):
        if not name.startswith("_"):
            x = getattr(np.ndarray, name)
            known = name in METHODS or name in PROPERTIES or name in ("shape", "dtype", "ndim",
                                                                      "size")
            called = callable(x) and not reason(x)
            table["ndarray." + name] = NATIVE if known else CALLED_BACK if called else UNSUPPORTED
    return table
