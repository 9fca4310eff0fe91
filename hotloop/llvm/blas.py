"""NumPy's OpenBLAS: how many threads it uses.

    set_threads(1)              # products of matrices by this thread alone

Products themselves are NumPy's inner loops (`loops.foreign`), whatever BLAS it was built with.
NumPy's wheels bundle OpenBLAS, which is found in the library that NumPy has mapped; of another one
(conda, distributions, macOS) nothing is known here.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import numpy as np


@functools.cache
def _bundled() -> ctypes.CDLL | None:
    """The OpenBLAS inside NumPy's wheel, already mapped by NumPy."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*scipy_openblas64_*")):
            try:
                return ctypes.CDLL(str(path))
            except OSError:
                continue                 # not for this machine: NumPy does not use it either
    return None


def set_threads(count: int) -> None:
    """How many threads OpenBLAS may use; without effect on another BLAS."""
    library = _bundled()
    if library is not None:
        library.scipy_openblas_set_num_threads64_(ctypes.c_int(count))


def threads() -> int | None:
    """How many threads OpenBLAS may use; None of another BLAS."""
    library = _bundled()
    return None if library is None else int(library.scipy_openblas_get_num_threads64_())
