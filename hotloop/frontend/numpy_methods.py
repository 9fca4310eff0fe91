"""Attributes of arrays and NumPy scalars, and the methods that are no NumPy functions.

    x.real = 0.0     a store through the view of the real parts
    x.item(2)        a Python number
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import fail, staging, unsupported
from hotloop.frontend.numpy_arrays import as_array, as_dtype, object_array, scalar_of, settled
from hotloop.frontend.numpy_atoms import op
from hotloop.frontend.numpy_elementwise import RULES
from hotloop.frontend.numpy_shape import ravel, reshape
from hotloop.frontend.registry import NUMPY, attribute, method, numpy_function
from hotloop.frontend.traced import PYTHON
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    Array,
    Base,
    Flat,
    Scalar,
    as_int,
    convert,
    dtype_of,
    fit,
    fresh,
    is_number,
    is_python_number,
    lift,
    stored,
    value,
)
from hotloop.frontend.views import Broadcast, Part, Reshape
from hotloop.ir.core import Lit
from hotloop.ir.types import BOOL, CODE_OF, F64, I64

layout = lazy.module("hotloop.frontend.numpy_layout")

PYTHON_OF = {"b": BOOL, "i": I64, "u": I64, "f": F64, "c": np.dtype(complex)}

# ---- parts of complex numbers

def python_number(x: Any) -> bool:
    return isinstance(x, Scalar) and x.kind == PYTHON


def part(x: Any, name: str) -> Any:
    x = settled(x)
    if isinstance(x, Array):
        if x.dtype.kind == "c":
            return x.view(Part(name, x.dims))
        if name == "real":
            return x
        return NUMPY[np.zeros_like](x).view(Broadcast(x.dims))
    atom = value(x)
    kind = x.kind if isinstance(x, Scalar) else PYTHON
    if atom.dtype.kind == "c":
        return Scalar(op(name, atom), kind)
    if atom.dtype == BOOL and kind == PYTHON:
        atom = convert(atom, I64)
    return Scalar(atom if name == "real" else Lit(atom.dtype.type(0)), kind)


@attribute("real")
def real(x: Any) -> Any:
    return part(x, "real")


@attribute("imag")
def imag(x: Any) -> Any:
    return part(x, "imag")


@attribute("set real")
def set_real(x: Array, new: Any) -> None:
    real(x)[...] = new


@attribute("set imag")
def set_imag(x: Array, new: Any) -> None:
    if x.dtype.kind != "c":
        fail(TypeError, "array does not have imaginary part to set")
    imag(x)[...] = new


@numpy_function(np.real)
def real_(val: Any) -> Any:
    x = settled(lift(val))
    return part(x, "real") if isinstance(x, Array | Scalar) else np.real(x)


@numpy_function(np.imag)
def imag_(val: Any) -> Any:
    x = settled(lift(val))
    return part(x, "imag") if isinstance(x, Array | Scalar) else np.imag(x)


@method("conjugate", "conj")
def conjugate(x: Any) -> Any:
    if python_number(x):
        atom = x.atom
        if atom.dtype == BOOL:
            return Scalar(convert(atom, I64), PYTHON)
        return Scalar(op("conj", atom) if atom.dtype.kind == "c" else atom, PYTHON)
    if isinstance(x, Array) and x.dtype.kind != "c":
        return x
    return ufuncs.apply(np.conjugate, [x])


@numpy_function(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    z = settled(lift(z))
    if dtype_of(z).kind == "c":
        result = ufuncs.apply(np.arctan2, [part(z, "imag"), part(z, "real")])
    else:
        result = ufuncs.apply(np.arctan2, [0 if dtype_of(z).kind in "biu" else
                                           dtype_of(z).type(0), z])
    return ufuncs.apply(np.multiply, [result, 180 / np.pi]) if deg else result


@numpy_function(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return dtype_of(lift(x)).kind == "c"


@numpy_function(np.isrealobj)
def isrealobj(x: Any) -> bool:
    return dtype_of(lift(x)).kind != "c"


@numpy_function(np.isreal)
def isreal(x: Any) -> Any:
    part = imag_(x)
    result = ufuncs.apply(np.equal, [part, 0])
    return Scalar(value(result), PYTHON) if is_python_number(part) else result


@numpy_function(np.iscomplex)
def iscomplex(x: Any) -> Any:
    return ufuncs.apply(np.not_equal, [imag_(x), 0])


# ---- attributes

@attribute("itemsize")
def itemsize(x: Any) -> int:
    return dtype_of(x).itemsize


@attribute("nbytes")
def nbytes(x: Any) -> Any:
    return as_int(dm.product(as_array(x).dims)) * dtype_of(x).itemsize


@attribute("shape")
def shape(x: Scalar) -> tuple[Any, ...]:
    return ()


@attribute("ndim")
def ndim(x: Scalar) -> int:
    return 0


@attribute("size")
def size(x: Scalar) -> int:
    return 1


@attribute("set shape")
def set_shape(x: Array, new: Any) -> None:
    """A view in place: the array object itself changes its dimensions."""
    other = reshape(x, new)
    if other.base is not x.base:
        fail(AttributeError, "Incompatible shape for in-place modification. Use `.reshape()` to "
             "make a copy with the desired shape.")
    object.__setattr__(x, "steps", other.steps)
    object.__setattr__(x, "dims", other.dims)


@attribute("flat")
def flat(x: Array) -> Flat:
    """The elements in C order; stores go through."""
    whole = x.view(Reshape((dm.product(x.dims),)))
    return Flat(whole.base, whole.steps, whole.dims)


@attribute("set flat")
def set_flat(x: Array, new: Any) -> None:
    """`x.flat = new`: the elements of `new` again and again."""
    new, target = lift(new), x.view(Reshape((dm.product(x.dims),)))
    if isinstance(new, Array):
        new = ravel(new)
        n, = new.dims
        if not dm.equal(n, target.dims[0]):
            dm.require("gt", n, 0, UnsupportedError, "x.flat = an empty array")
            new = NUMPY[np.resize](new, as_int(target.dims[0]))
    elif is_number(new) and not is_python_number(new):
        new = Scalar(stored(new, x.dtype, True), NUMPY_KIND)     # cast, as an array of one
    target[:] = new


@attribute("base")
def base(x: Array) -> None:
    """None of an array that the function has made."""
    if x.steps or x.base.path is not None or x.base.group or type(x.base) is not Base:
        raise unsupported("the base of an array that may be a view")


@attribute("flags")
def flags(x: Any) -> Any:
    return layout.Flags(as_array(x))


@attribute("strides")
def strides(x: Any) -> tuple[Any, ...]:
    return layout.strides(as_array(x))


@numpy_function(np.isfortran)
def isfortran(a: Any) -> Any:
    return flags(object_array(a)).fnc


@attribute("device")
def device(x: Any) -> str:
    return "cpu"


# ---- methods

@method("to_device")
def to_device(x: Any, device: Any, /, *, stream: Any = None) -> Any:
    if stream is not None:
        fail(ValueError, "The stream argument in to_device() is not supported")
    if device != "cpu":
        fail(ValueError, f"Unsupported device: {device}.")
    return x


@method("item")
def item(x: Any, *index: Any) -> Any:
    """A Python number."""
    if isinstance(x, Array):
        if not index:
            dm.require_equal(dm.product(x.dims), 1, "can only convert an array of size 1 to a "
                             "Python scalar")
            x = ravel(x)[0] if x.dims else x
        elif len(index) == 1 and not isinstance(index[0], tuple):
            x = ravel(x)[index[0]]
        else:
            x = x[index[0] if len(index) == 1 else index]
    atom = value(scalar_of(x))
    dtype = PYTHON_OF[atom.dtype.kind]
    if atom.dtype == np.uint64:
        raise unsupported("item() of an unsigned 64-bit number", "convert it with astype(int)")
    return Scalar(convert(atom, dtype), PYTHON)


@method("tolist")
def tolist(x: Any) -> Any:
    if isinstance(x, Array) and x.dims:
        for d in x.dims:
            if not isinstance(d, int):
                raise staging("not supported: tolist of an array of unknown length",
                              "keep the array", d)
        return [tolist(x[k]) for k in range(x.dims[0])]  # type: ignore[arg-type]
    return item(x)


@method("fill")
def fill(x: Array, new: Any) -> None:
    number = scalar_of(new)
    if isinstance(number, Array | list | tuple):
        raise ValueError("setting an array element with a sequence.")
    x.assign(stored(number, x.dtype))


@method("round")
def round_method(x: Any, decimals: Any = 0, out: Any = None) -> Any:
    return NUMPY[np.round](x, decimals, out)


@method("byteswap", "newbyteorder")
def byteswap(x: Any, *args: Any) -> Any:
    raise unsupported("changing the byte order of an array")


@method("view")
def view(x: Any, dtype: Any = None, type: Any = None) -> Any:
    if type not in (None, np.ndarray):
        raise unsupported("a view of an array as another class")
    if dtype is None or dtype is np.ndarray:
        return Array(x.base, x.steps, x.dims) if isinstance(x, Array) else x
    if as_dtype(dtype) == dtype_of(x):
        return Array(x.base, x.steps, x.dims)
    raise unsupported("a view of an array as another dtype", "use astype, which converts")


@method("is_integer")
def is_integer(x: Any) -> Any:
    """Of a float: whether it is whole."""
    atom = value(x)
    if atom.dtype.kind in "biu":
        return True
    whole = op("and", op("eq", op("trunc", atom), atom), op("isfinite", atom))
    return Scalar(whole, PYTHON)


@method("bit_length")
def bit_length(x: Any) -> Any:
    """64 less the leading zeros of |x|."""
    atom = op("abs", value(x))
    for shift in (1, 2, 4, 8, 16, 32):
        atom = op("or", atom, op("shift_right", atom, Lit(shift)))
    return Scalar(convert(RULES["bitwise_count"](atom), I64), PYTHON)


@method("bit_count")
def bit_count(x: Any) -> Any:
    """The ones in |x|."""
    count = RULES["bitwise_count"](op("abs", value(x)))
    return Scalar(convert(count, I64), PYTHON) if python_number(x) else Scalar(count)


# ---- types as functions: np.float32(x)

def _scalar_type(dtype: np.dtype) -> Any:
    def construct(x: Any = 0) -> Any:
        if isinstance(x, list | tuple):
            x = NUMPY[np.array](x)
        x = settled(lift(x))
        if isinstance(x, Array):
            return fresh(convert(x.value(), dtype)) if x.dims else Scalar(
                convert(x.value(), dtype))
        return Scalar(fit(x, dtype))
    return construct


for _dtype in CODE_OF:
    numpy_function(_dtype.type)(_scalar_type(_dtype))


@numpy_function(np.isscalar)
def isscalar(element: Any) -> bool:
    return isinstance(element, Scalar) or np.isscalar(element)


@numpy_function(np.result_type)
def result_type(*args: Any) -> np.dtype:
    return np.result_type(*[np.empty(0, a.dtype) if isinstance(a, Array) else
                            a.dtype.type(0) if isinstance(a, Scalar) and a.kind != PYTHON else
                            PYTHON_OF[a.atom.dtype.kind].type(0).item()
                            if isinstance(a, Scalar) else a for a in args])


@numpy_function(np.common_type)
def common_type(*arrays: Any) -> Any:
    return np.common_type(*[np.empty(0, dtype_of(lift(a))) for a in arrays])


def _limits(info: Any) -> Any:
    def limits(dtype: Any) -> Any:
        if isinstance(dtype, Array):
            return info(np.empty(0, dtype.dtype))       # an error of NumPy's
        return info(dtype_of(dtype).type(0) if isinstance(dtype, Scalar) else dtype)
    return limits


numpy_function(np.finfo)(_limits(np.finfo))
numpy_function(np.iinfo)(_limits(np.iinfo))


@numpy_function(np.can_cast)
def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return np.can_cast(dtype_of(from_) if isinstance(from_, Array | Scalar) else from_, to,
                       casting)  # type: ignore[arg-type]


@numpy_function(np.shares_memory, np.may_share_memory)
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Known of arrays that the function has made, and of an array and itself."""
    x, y = as_array(a), as_array(b)
    if x.same_view(y):
        return True
    own = [v.base.path is None and not v.base.group and type(v.base) is Base for v in (x, y)]
    if any(own) and x.base is not y.base:
        return False
    raise unsupported("np.shares_memory of arrays that may share some")
