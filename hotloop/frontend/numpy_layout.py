"""What programs ask about the memory of an array: `x.flags`, `x.strides`, `np.isfortran`.

    if x.flags.c_contiguous: ...      # known while compiling, or a comparison of strides

Answered for arrays that the function makes and for inputs in C's or Fortran's order, and the views
of these; of other inputs the compiler knows nothing.
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import unsupported
from hotloop.frontend.numpy_atoms import both, either, negate
from hotloop.frontend.strides import is_contiguous, strides_of
from hotloop.frontend.traced import PYTHON
from hotloop.frontend.tracers import Array, Scalar, as_int
from hotloop.ir.core import Atom, Lit

NAMES = {"C": "c_contiguous", "CONTIGUOUS": "c_contiguous", "F": "f_contiguous",
         "FORTRAN": "f_contiguous", "W": "writeable", "A": "aligned", "O": "owndata"}
"""Other keys of `x.flags[...]` than the names of the attributes in capitals."""


def _atom(flag: Atom | bool) -> Atom:
    return Lit(flag) if isinstance(flag, bool) else flag


def _seen(flag: Atom) -> Any:
    return bool(flag.value) if isinstance(flag, Lit) else Scalar(flag, PYTHON)


class Flags:
    """`x.flags`"""

    def __init__(self, array: Array):
        self.array = array

    def _in_order(self, x: Array) -> Atom:
        flag = is_contiguous(x)
        if flag is None:
            raise unsupported("the flags of an array whose order in memory is not known",
                              "ask outside of the compiled function")
        if flag is True:
            return Lit(True)
        return either(_atom(flag), _atom(dm.compare("eq", dm.product(x.dims), 0)))

    def _c(self) -> Atom:
        return self._in_order(self.array)

    def _f(self) -> Atom:
        return self._in_order(self.array.T if self.array.ndim > 1 else self.array)

    @property
    def c_contiguous(self) -> Any:
        return _seen(self._c())

    @property
    def f_contiguous(self) -> Any:
        return _seen(self._f())

    contiguous = c_contiguous

    @property
    def fnc(self) -> Any:
        return _seen(both(self._f(), negate(self._c())))

    fortran = fnc

    @property
    def forc(self) -> Any:
        return _seen(either(self._f(), self._c()))

    @property
    def writeable(self) -> bool:
        return not (self.array.base.readonly or self.array.readonly)

    aligned = True

    def __getattr__(self, name: str) -> Any:
        raise unsupported(f"the flag {name!r} of an array")

    def __getitem__(self, name: str) -> Any:
        return getattr(self, NAMES.get(name, name.lower()))


def strides(a: Array) -> tuple[Any, ...]:
    """Those of axes of size 1, and of empty arrays, may be others than NumPy's."""
    found = strides_of(a)
    if found is None:
        raise unsupported("the strides of an array whose order in memory is not known",
                          "ask outside of the compiled function")
    size = a.dtype.itemsize
    return tuple(as_int(s) * size for s in found)
