"""numpy.fft: the transforms by NumPy's own pocketfft, the helpers in equations.

    np.fft.rfft(x)      # call_numpy with a result of n//2 + 1 complex numbers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import fail, unsupported
from hotloop.frontend.numpy_arrays import (
    as_array,
    axes_of,
    axis_of,
    converted,
    settled,
    static_int,
)
from hotloop.frontend.numpy_atoms import atom_of, complex_dtype, real_dtype
from hotloop.frontend.numpy_callback import VIA_NUMPY, through_numpy
from hotloop.frontend.numpy_join import roll
from hotloop.frontend.numpy_select import where
from hotloop.frontend.registry import numpy_function
from hotloop.frontend.tracers import Array, as_int, dim_of, fresh, iota
from hotloop.ir.core import Dim
from hotloop.ir.types import F64
from hotloop.ops import callbacks

FFT = np.fft


def half(n: Dim) -> Dim:
    """n//2 + 1"""
    return dim_of(as_int(n) // 2 + 1)


def operand(a: Any, complex_input: bool) -> Array:
    a = as_array(a)
    dtype = a.dtype if a.dtype.kind in "fc" else np.dtype(F64)
    if dtype == np.float16:
        raise unsupported("np.fft of float16")          # NumPy scales in float16
    return converted(a, complex_dtype(dtype) if complex_input else dtype)


# name -> (length of the result from the number of points, of the points from the operand's
#          dimension, complex operand, real result)
KINDS: dict[str, tuple[Callable[[Dim], Dim], Callable[[Dim], Dim], bool, bool]] = {
    "fft": (lambda n: n, lambda d: d, False, False),
    "ifft": (lambda n: n, lambda d: d, False, False),
    "rfft": (half, lambda d: d, False, False),
    "ihfft": (half, lambda d: d, False, False),
    "irfft": (lambda n: n, lambda d: dim_of(2 * (as_int(d) - 1)), True, True),
    "hfft": (lambda n: n, lambda d: dim_of(2 * (as_int(d) - 1)), True, True),
}


def one_axis(a: Any, name: str, n: Any, axis: Any, norm: Any) -> Array:
    length, points, complex_input, real_result = KINDS[name]
    x = operand(a, complex_input)
    if n is None and not -x.ndim <= static_int(axis, "an axis") < x.ndim:
        fail(IndexError, "tuple index out of range")    # as NumPy looks for the length
    k = axis_of(axis, x.ndim)
    count = points(x.dims[k]) if n is None else dim_of(settled(n))
    dm.require("ge", count, 1, ValueError, "Invalid number of FFT data points ({}) specified.",
               count)
    dtype = real_dtype(x.dtype) if real_result else complex_dtype(x.dtype)
    dims = tuple(length(count) if j == k else d for j, d in enumerate(x.dims))
    if n is None or isinstance(count, int):
        result, = through_numpy(callbacks.transform, [x.value()], [(dtype, dims)], name=name,
                                n=None if n is None else count, axis=k, norm=norm)
    else:
        result, = through_numpy(callbacks.transform_of_length, [x.value(), atom_of(count)],
                                [(dtype, dims)], name=name, axis=k, norm=norm)
    return fresh(result)


def _transform(name: str) -> Callable[..., Any]:
    def transform(a: Any, n: Any = None, axis: Any = -1, norm: Any = None,
                  out: Any = None) -> Array:
        if out is not None:
            raise unsupported(f"np.fft.{name} with out=")
        return one_axis(a, name, n, axis, norm)
    return transform


for _name in KINDS:
    numpy_function(getattr(FFT, _name))(_transform(_name))
    VIA_NUMPY.add(getattr(FFT, _name))


def _several(name: str, default: tuple[int, ...] | None) -> Callable[..., Any]:
    """Transforms along several axes, the last one first, as NumPy orders them."""
    real = name.startswith("r")
    back_to_real = name.startswith("ir")

    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None,
                  out: Any = None) -> Any:
        x = as_array(a)
        if out is not None:
            raise unsupported(f"np.fft.{name} with out=")
        if axes is None:
            axes = tuple(range(x.ndim)) if s is None else tuple(range(-len(s), 0))
        order = list(axes_of(tuple(axes), x.ndim))
        sizes = [None] * len(order) if s is None else list(s)
        pairs = list(zip(order, sizes, strict=True))
        if real:
            x = one_axis(x, "rfft", pairs[-1][1], pairs[-1][0], norm)
            for k, n in pairs[-2::-1]:
                x = one_axis(x, "fft", n, k, norm)
        elif back_to_real:
            for k, n in pairs[:-1]:
                x = one_axis(x, "ifft", n, k, norm)
            x = one_axis(x, "irfft", pairs[-1][1], pairs[-1][0], norm)
        else:
            for k, n in pairs[::-1]:
                x = one_axis(x, "ifft" if name.startswith("i") else "fft", n, k, norm)
        return x
    return transform


for _name in ("fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"):
    numpy_function(getattr(FFT, _name))(_several(_name, (-2, -1) if "2" in _name else None))
    VIA_NUMPY.add(getattr(FFT, _name))


def _shifted(forward: bool) -> Callable[..., Any]:
    def shift(x: Any, axes: Any = None) -> Array:
        a = as_array(x)
        if not a.dims:
            raise unsupported("np.fft's shifts of a 0-d array")
        if axes is not None and any(
                not -a.ndim <= static_int(k, "an axis") < a.ndim
                for k in (axes if isinstance(axes, tuple | list) else (axes,))):
            fail(IndexError, "tuple index out of range")
        for k in axes_of(axes, a.ndim):
            n = as_int(a.dims[k])
            a = roll(a, n // 2 if forward else -(n // 2), k)
        return a
    return shift


numpy_function(FFT.fftshift)(_shifted(True))
numpy_function(FFT.ifftshift)(_shifted(False))


@numpy_function(FFT.fftfreq)
def fftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    """0, 1, ..., then the negative ones, over n*d."""
    count = dim_of(settled(n))
    place = fresh(iota(count))
    half_ = (as_int(count) - 1) // 2 + 1
    signed = where(place < half_, place, place - as_int(count))
    return signed * (1.0 / (as_int(count) * d))


@numpy_function(FFT.rfftfreq)
def rfftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    count = dim_of(settled(n))
    return fresh(iota(half(count))) * (1.0 / (as_int(count) * d))
