"""Random calls of every function of the Array API standard (2024.12), for comparisons with NumPy.

    for name, function, args, keywords in calls("add", random.Random(1)): ...

A call is drawn from the standard's signature: arrays of all dtypes, of ranks 0 to 3, with axes of
sizes 0 and 1, broadcasting, special values; Python scalars where the standard allows them; keyword
arguments, also wrong ones where NumPy's error is what matters.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

BOOLS, INTS = ["?"], ["i1", "i2", "i4", "i8"]
UINTS, REALS, COMPLEXES = ["u1", "u2", "u4", "u8"], ["f4", "f8"], ["c8", "c16"]
INTEGERS, NUMERIC = INTS + UINTS, INTS + UINTS + REALS + COMPLEXES
REAL, FLOATING = INTS + UINTS + REALS, REALS + COMPLEXES
ALL = BOOLS + NUMERIC
SHAPES = [(), (0,), (1,), (3,), (5,), (2, 3), (1, 3), (3, 1), (0, 3), (2, 0), (2, 1, 3), (1, 1)]

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Draw:
    """Random arguments."""

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def one_of(self, *items: Any) -> Any:
        return self.random.choice(items)

    def maybe(self, **items: Any) -> dict[str, Any]:
        return {k: v for k, v in items.items() if self.random.random() < 0.5}

    def dtype(self, kinds: list[str]) -> np.dtype:
        return np.dtype(self.random.choice(kinds))

    def shape(self, least: int = 0) -> tuple[int, ...]:
        return self.random.choice([s for s in SHAPES if len(s) >= least])

    def array(self, kinds: list[str] = ALL, shape: tuple[int, ...] | None = None,
              least: int = 0, dtype: Any = None) -> Any:
        shape = self.shape(least) if shape is None else shape
        dtype = self.dtype(kinds) if dtype is None else np.dtype(dtype)
        x: Any = self.numbers.normal(size=shape) * 3
        if dtype.kind == "c":
            x = x + 1j * self.numbers.normal(size=shape)
        if dtype.kind in "iub":
            x = self.numbers.integers(0 if dtype.kind in "ub" else -5, 2 if dtype.kind == "b"
                                      else 6, shape)
        x = np.asarray(x).astype(dtype)
        if x.size and self.random.random() < 0.3:
            special = {"b": [True], "i": [np.iinfo(dtype).min, np.iinfo(dtype).max, 0]
                       if dtype.kind == "i" else [], "u": [0, np.iinfo(dtype).max]
                       if dtype.kind == "u" else []}.get(
                dtype.kind, [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30])
            x.flat[self.random.randrange(x.size)] = self.random.choice(special)
        return x

    def pair(self, kinds: list[str] = ALL) -> tuple[Any, Any]:
        """Arrays that broadcast, of dtypes that promote; or one of them a Python scalar."""
        x = self.array(kinds)
        y = self.array(self.like(x, kinds), self.beside(x.shape))
        pick = self.random.random()
        if pick < 0.15:
            return x, self.scalar(x.dtype)
        return (y, x) if pick < 0.4 else (x, y)

    def like(self, x: Any, kinds: list[str]) -> list[str]:
        found = [k for k in kinds if np.dtype(k).kind == x.dtype.kind or (
            {np.dtype(k).kind, x.dtype.kind} in ({"i", "u"}, {"f", "c"}))]
        return found

    def beside(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        choices = [shape, shape, (), shape[-1:], tuple(1 for _ in shape), (1, *shape)]
        return self.random.choice(choices)

    def scalar(self, dtype: np.dtype) -> Any:
        return {"b": True, "i": self.random.choice([-3, 0, 1, 2]), "u": self.random.choice([0, 3]),
                "f": self.random.choice([-1.5, 0.0, 2.0, float("nan")]),
                "c": self.random.choice([1j, 2.0, 1 - 1j])}[dtype.kind]

    def axis(self, x: Any, none: bool = True) -> Any:
        if not x.ndim:
            return self.random.choice([None, 0, -1]) if none else self.random.choice([0, -1])
        choices: list[Any] = [self.random.randrange(-x.ndim, x.ndim)]
        if none:
            choices.append(None)
        if self.random.random() < 0.05:
            choices = [x.ndim]
        return self.random.choice(choices)

    def axes(self, x: Any) -> Any:
        if x.ndim > 1 and self.random.random() < 0.4:
            return tuple(self.random.sample(range(x.ndim), self.random.randint(1, x.ndim)))
        return self.axis(x)


Make = Callable[[Draw], Call]
TABLE: dict[str, Make] = {}


def _unary(kinds: list[str]) -> Make:
    return lambda d: ((d.array(kinds),), {})


def _binary(kinds: list[str]) -> Make:
    return lambda d: (d.pair(kinds), {})


for _names, _kinds in (
        ("abs negative positive sign square", NUMERIC), ("ceil floor trunc", REAL),
        ("acos acosh asin asinh atan atanh cos cosh exp expm1 log log1p log2 log10 reciprocal sin "
         "sinh sqrt tan tanh", FLOATING), ("conj round isfinite isinf isnan", NUMERIC),
        ("imag", COMPLEXES), ("real", NUMERIC), ("signbit", REALS), ("logical_not", ALL),
        ("bitwise_invert", BOOLS + INTEGERS), ("nonzero", ALL), ("zeros_like ones_like", ALL),
        ("unique_all unique_counts unique_inverse unique_values", ALL)):
    for _name in _names.split():
        TABLE[_name] = _unary(_kinds)
for _names, _kinds in (
        ("add subtract multiply", NUMERIC), ("divide", FLOATING), ("pow", NUMERIC),
        ("floor_divide remainder maximum minimum", REAL), ("atan2 copysign hypot logaddexp "
                                                            "nextafter", REALS),
        ("equal not_equal", ALL), ("greater greater_equal less less_equal", REAL),
        ("bitwise_and bitwise_or bitwise_xor", BOOLS + INTEGERS),
        ("logical_and logical_or logical_xor", ALL)):
    for _name in _names.split():
        TABLE[_name] = _binary(_kinds)


def entry(*names: str) -> Callable[[Make], Make]:
    def add(make: Make) -> Make:
        for name in names:
            TABLE[name] = make
        return make
    return add


@entry("bitwise_left_shift", "bitwise_right_shift")
def _shifts(d: Draw) -> Call:
    x = d.array(INTEGERS)
    return (x, np.abs(d.array(shape=d.beside(x.shape), dtype=x.dtype) % 8).astype(x.dtype)), {}


@entry("clip")
def _clip(d: Draw) -> Call:
    x = d.array(REAL)
    low = d.one_of(None, d.scalar(x.dtype), d.array(shape=x.shape, dtype=x.dtype))
    high = d.one_of(None, d.scalar(x.dtype), d.array(shape=(), dtype=x.dtype))
    return (x,), {"min": low, "max": high}


# ---- creation

@entry("arange")
def _arange(d: Draw) -> Call:
    args = d.one_of((5,), (2, 9), (9, 2, -2), (0.5, 3), (0, 1, 0.25), (3, 3), (-4,))
    return args, d.maybe(dtype=d.dtype(REAL))


@entry("asarray")
def _asarray(d: Draw) -> Call:
    x = d.one_of(d.array(), 3, 2.5, True, 1j, [1, 2, 3], [[1.0, 2.0]], (1, 2.5), [])
    return (x,), {**d.maybe(copy=d.one_of(None, True)),
                  **({"dtype": d.dtype(NUMERIC)} if d.one_of(0, 1) and not isinstance(
                      x, complex) and np.asarray(x).dtype.kind != "c" else {})}


@entry("zeros", "ones")
def _zeros(d: Draw) -> Call:
    return (d.one_of(3, (2, 3), (), (0,), (4,), [2, 1], -1),), d.maybe(dtype=d.dtype(ALL))


@entry("full")
def _full(d: Draw) -> Call:
    return (d.one_of(3, (2, 3), (), (0,)), d.one_of(1, 2.5, True, 1j)), {}


@entry("full_like")
def _full_like(d: Draw) -> Call:
    x = d.array()
    return (x, d.scalar(x.dtype)), d.maybe(dtype=np.dtype("c16"))


@entry("eye")
def _eye(d: Draw) -> Call:
    return d.one_of((3,), (2, 4), (0,), (3, None)), d.maybe(k=d.one_of(-1, 0, 2, 7),
                                                            dtype=d.dtype(ALL))


@entry("linspace")
def _linspace(d: Draw) -> Call:
    return (d.one_of(0, 1.5, -2), d.one_of(3, 0.25, 1j)), {
        "num": d.one_of(0, 1, 2, 5), **d.maybe(endpoint=d.one_of(True, False))}


@entry("meshgrid")
def _meshgrid(d: Draw) -> Call:
    dtype = d.dtype(NUMERIC)
    return tuple(d.array(shape=d.one_of((3,), (2,), (0,), (1,)), dtype=dtype)
                 for _ in range(d.one_of(0, 1, 2, 3))), d.maybe(indexing=d.one_of("xy", "ij"))


@entry("tril", "triu")
def _tril(d: Draw) -> Call:
    return (d.array(least=2),), d.maybe(k=d.one_of(-1, 0, 1, 9))


# ---- dtypes

@entry("astype")
def _astype(d: Draw) -> Call:
    x = d.array()
    kinds = {"c": COMPLEXES, "f": FLOATING, "b": ALL}.get(x.dtype.kind, REAL)
    return (np.nan_to_num(x, posinf=1.0, neginf=1.0) % 5 if x.dtype.kind in "f" else x,
            d.dtype(kinds)), d.maybe(copy=d.one_of(True, False))


@entry("broadcast_arrays")
def _broadcast_arrays(d: Draw) -> Call:
    return (*d.pair(), *d.one_of((), (d.array(shape=()),))), {}


@entry("broadcast_to")
def _broadcast_to(d: Draw) -> Call:
    x = d.array()
    shape = tuple(d.one_of(n, 4) if n == 1 else n for n in x.shape)
    return (x, d.one_of(shape, (2, *shape), (7,))), {}


@entry("can_cast")
def _can_cast(d: Draw) -> Call:
    return (d.one_of(d.array(), d.dtype(ALL)), d.dtype(ALL)), {}


@entry("result_type")
def _result_type(d: Draw) -> Call:
    x = d.array(NUMERIC)
    return (x, d.one_of(d.array(d.like(x, NUMERIC)), d.dtype(d.like(x, NUMERIC)),
                        d.scalar(x.dtype))), {}


@entry("finfo")
def _finfo(d: Draw) -> Call:
    return (d.one_of(d.dtype(FLOATING), d.array(FLOATING)),), {}


@entry("iinfo")
def _iinfo(d: Draw) -> Call:
    return (d.one_of(d.dtype(INTEGERS), d.array(INTEGERS)),), {}


@entry("isdtype")
def _isdtype(d: Draw) -> Call:
    return (d.dtype(ALL), d.one_of("bool", "integral", "real floating", d.dtype(ALL),
                                   ("numeric", np.dtype("?")))), {}


# ---- shapes

@entry("concat")
def _concat(d: Draw) -> Call:
    x = d.array(NUMERIC, least=1)
    axis = d.axis(x)
    shape = list(x.shape)
    if axis is not None and axis < x.ndim:
        shape[axis] = d.one_of(0, 2)
    return (d.one_of(tuple, list)((x, d.array(d.like(x, NUMERIC), tuple(shape)), x)),), {
        "axis": axis}


@entry("stack")
def _stack(d: Draw) -> Call:
    x = d.array(NUMERIC)
    return ([x, d.array(d.like(x, NUMERIC), x.shape)],), {
        "axis": d.random.randint(-x.ndim - 1, x.ndim)}


@entry("expand_dims")
def _expand_dims(d: Draw) -> Call:
    x = d.array()
    return (x,), {"axis": d.random.randint(-x.ndim - 2, x.ndim + 1)}


@entry("squeeze")
def _squeeze(d: Draw) -> Call:
    x = d.array()
    return (x,), {"axis": tuple(k for k, n in enumerate(x.shape) if n == 1)} if d.one_of(
        0, 1) else {"axis": d.axis(x, none=False)}


@entry("flip")
def _flip(d: Draw) -> Call:
    x = d.array()
    return (x,), d.maybe(axis=d.axes(x))


@entry("roll")
def _roll(d: Draw) -> Call:
    x = d.array()
    axis = d.axes(x)
    shift = d.one_of(-4, 0, 1, 7)
    return (x, tuple(shift + k for k in range(len(axis))) if isinstance(axis, tuple) else shift), {
        "axis": axis}


@entry("moveaxis")
def _moveaxis(d: Draw) -> Call:
    x = d.array(least=1)
    return (x, d.axis(x, none=False), d.axis(x, none=False)), {}


@entry("permute_dims")
def _permute_dims(d: Draw) -> Call:
    x = d.array()
    return (x, tuple(d.random.sample(range(x.ndim), x.ndim))), {}


@entry("repeat")
def _repeat(d: Draw) -> Call:
    x = d.array()
    axis = d.axis(x)
    n = x.size if axis is None or not x.ndim else x.shape[axis] if axis < x.ndim else 1
    return (x, d.one_of(0, 2, np.asarray(3), d.numbers.integers(0, 3, n))), {"axis": axis}


@entry("reshape")
def _reshape(d: Draw) -> Call:
    x = d.array()
    return (x, d.one_of((-1,), x.shape[::-1], (x.size,), (1, *x.shape), (-1, 1), (7,))), d.maybe(
        copy=d.one_of(None, True))


@entry("tile")
def _tile(d: Draw) -> Call:
    return (d.array(), d.one_of((2,), (1, 2), (), (0,), (2, 1, 2))), {}


@entry("unstack")
def _unstack(d: Draw) -> Call:
    x = d.array(least=1)
    return (x,), {"axis": d.axis(x, none=False)}


# ---- searching, sorting, statistics

@entry("take")
def _take(d: Draw) -> Call:
    x = d.array(shape=d.one_of((3,), (2, 3), (4, 1, 3)))
    axis = d.axis(x, none=False)
    n = x.shape[axis] if axis < x.ndim else 1
    return (x, d.numbers.integers(-n, n, d.one_of(2, 0))), {"axis": axis}


@entry("take_along_axis")
def _take_along_axis(d: Draw) -> Call:
    x = d.array(shape=d.one_of((3,), (2, 3), (4, 1, 3)))
    axis = d.random.randrange(-x.ndim, x.ndim)
    shape = list(x.shape)
    shape[axis] = 2
    return (x, d.numbers.integers(0, x.shape[axis], shape)), {"axis": axis}


@entry("argmax", "argmin")
def _argmax(d: Draw) -> Call:
    x = d.array(REAL)
    return (x,), {"axis": d.axis(x), **d.maybe(keepdims=d.one_of(True, False))}


@entry("count_nonzero", "all", "any")
def _count(d: Draw) -> Call:
    x = d.array()
    return (x,), {"axis": d.axes(x), **d.maybe(keepdims=d.one_of(True, False))}


@entry("max", "min")
def _max(d: Draw) -> Call:
    x = d.array(REAL)
    return (x,), {"axis": d.axes(x), **d.maybe(keepdims=d.one_of(True, False))}


@entry("sum", "prod")
def _sum(d: Draw) -> Call:
    x = d.array(NUMERIC)
    return (x,), {"axis": d.axes(x), **d.maybe(keepdims=d.one_of(True, False)),
                  **({"dtype": d.dtype(FLOATING if x.dtype.kind in "fc" else NUMERIC)}
                     if x.dtype.kind != "c" and d.one_of(0, 1) else {})}


@entry("mean")
def _mean(d: Draw) -> Call:
    x = d.array(FLOATING)
    return (x,), {"axis": d.axes(x), **d.maybe(keepdims=d.one_of(True, False))}


@entry("std", "var")
def _std(d: Draw) -> Call:
    x = d.array(REALS)
    return (x,), {"axis": d.axes(x), **d.maybe(keepdims=d.one_of(True, False),
                                               correction=d.one_of(0, 1, 0.5, 1.0))}


@entry("cumulative_sum", "cumulative_prod")
def _cumulative(d: Draw) -> Call:
    x = d.array(NUMERIC)
    return (x,), {**({"axis": d.axis(x, none=False)} if x.ndim != 1 else {}), **d.maybe(
        include_initial=d.one_of(True, False), dtype=d.dtype(COMPLEXES))}


@entry("searchsorted")
def _searchsorted(d: Draw) -> Call:
    x = d.array(REAL, shape=(5,))
    return (np.sort(x), d.array(dtype=x.dtype)), d.maybe(side=d.one_of("left", "right"))


@entry("where")
def _where(d: Draw) -> Call:
    x, y = d.pair()
    return (d.array(BOOLS, d.beside(np.shape(x))), x, y), {}


@entry("argsort", "sort")
def _sort(d: Draw) -> Call:
    x = d.array(REAL)
    return (x,), {**({"axis": d.axis(x, none=False)} if x.ndim else {}),
                  **d.maybe(stable=True)}


@entry("diff")
def _diff(d: Draw) -> Call:
    x = d.array(NUMERIC, least=1)
    axis = d.axis(x, none=False)
    return (x,), {"axis": axis, **d.maybe(n=d.one_of(0, 1, 2))}


# ---- linear algebra

def _matrix(d: Draw, kinds: list[str] = FLOATING, square: bool = False) -> Any:
    shape = d.one_of((2, 2), (3, 3), (0, 0), (1, 1), (2, 3, 3)) if square else d.one_of(
        (2, 3), (3, 2), (3, 3), (1, 3), (2, 2, 3))
    dtype = d.dtype(kinds)
    x = d.numbers.normal(size=shape)
    return (x + 3 * np.eye(shape[-1])[: shape[-2]] if square else x).astype(dtype)


@entry("matmul", "linalg.matmul")
def _matmul(d: Draw) -> Call:
    a, b = d.one_of(((2, 3), (3, 2)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
                    ((2, 2, 3), (3, 1)), ((2, 0), (0, 3)), ((2, 3), (2, 3)))
    x = d.array(NUMERIC, a)
    return (x, d.array(d.like(x, NUMERIC), b)), {}


@entry("matrix_transpose", "linalg.matrix_transpose")
def _matrix_transpose(d: Draw) -> Call:
    return (d.array(least=2),), {}


@entry("tensordot", "linalg.tensordot")
def _tensordot(d: Draw) -> Call:
    x = d.array(REAL, (2, 3))           # BLAS has its own idea of complex infinities
    return (x, d.array(d.like(x, REAL), (2, 3))), {
        "axes": d.one_of(0, ((0,), (0,)), ((1,), (1,)), ((0, 1), (0, 1)))}


@entry("vecdot", "linalg.vecdot")
def _vecdot(d: Draw) -> Call:
    x = d.array(REAL, d.one_of((3,), (2, 3), (2, 2)))
    return (x, d.array(d.like(x, REAL), x.shape)), d.maybe(axis=d.one_of(-1, 0))


@entry("linalg.cross")
def _cross(d: Draw) -> Call:
    x = d.array(NUMERIC, d.one_of((3,), (2, 3)))
    return (x, d.array(d.like(x, NUMERIC), x.shape)), {}


@entry("linalg.outer")
def _outer(d: Draw) -> Call:
    x = d.array(NUMERIC, d.one_of((3,), (0,)))
    return (x, d.array(d.like(x, NUMERIC), (2,))), {}


@entry("linalg.diagonal", "linalg.trace")
def _diagonal(d: Draw) -> Call:
    return (d.array(NUMERIC, least=2),), d.maybe(offset=d.one_of(-1, 0, 1))


@entry("linalg.det", "linalg.inv", "linalg.slogdet", "linalg.eigh", "linalg.eigvalsh",
       "linalg.cholesky")
def _square(d: Draw) -> Call:
    x = _matrix(d, square=True)
    if d.one_of(0, 1, 1):
        x = (x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1])).astype(x.dtype)
    return (x,), {}


@entry("linalg.matrix_power")
def _matrix_power(d: Draw) -> Call:
    return (_matrix(d, square=True), d.one_of(-1, 0, 1, 2, 3)), {}


@entry("linalg.solve")
def _solve(d: Draw) -> Call:
    x = _matrix(d, square=True)
    n = x.shape[-1]
    return (x, d.array(dtype=x.dtype, shape=d.one_of((n,), (n, 2), (*x.shape[:-2], n, 1)))), {}


@entry("linalg.matrix_norm")
def _matrix_norm(d: Draw) -> Call:
    return (_matrix(d),), d.maybe(ord=d.one_of(1, -1, 2, -2, "fro", "nuc", float("inf")),
                                  keepdims=d.one_of(True, False))


@entry("linalg.vector_norm")
def _vector_norm(d: Draw) -> Call:
    x = d.array(FLOATING, least=1)
    return (x,), {"axis": d.axes(x), **d.maybe(ord=d.one_of(0, 1, 2, 3.5, float("inf"),
                                                           -float("inf")),
                                               keepdims=d.one_of(True, False))}


@entry("linalg.pinv")
def _pinv(d: Draw) -> Call:
    return (_matrix(d),), d.maybe(rtol=1e-3)


@entry("linalg.matrix_rank")
def _matrix_rank(d: Draw) -> Call:
    return (_matrix(d),), d.maybe(rtol=d.one_of(1e-3, np.asarray(0.5)))


@entry("linalg.qr")
def _qr(d: Draw) -> Call:
    return (_matrix(d),), d.maybe(mode=d.one_of("reduced", "complete"))


@entry("linalg.svd")
def _svd(d: Draw) -> Call:
    return (_matrix(d),), d.maybe(full_matrices=d.one_of(True, False))


@entry("linalg.svdvals")
def _svdvals(d: Draw) -> Call:
    return (_matrix(d),), {}


# ---- Fourier transforms

@entry("fft.fft", "fft.ifft", "fft.hfft", "fft.irfft")
def _fft(d: Draw) -> Call:
    x = d.array(COMPLEXES, d.one_of((5,), (2, 4), (1,)))
    return (x,), d.maybe(n=d.one_of(3, 8), axis=d.axis(x, none=False),
                         norm=d.one_of("backward", "ortho", "forward"))


@entry("fft.rfft", "fft.ihfft")
def _rfft(d: Draw) -> Call:
    x = d.array(REALS, d.one_of((5,), (2, 4)))
    return (x,), d.maybe(n=d.one_of(3, 8), axis=d.axis(x, none=False),
                         norm=d.one_of("backward", "ortho", "forward"))


@entry("fft.fftn", "fft.ifftn", "fft.irfftn")
def _fftn(d: Draw) -> Call:
    x = d.array(COMPLEXES, d.one_of((5,), (2, 4), (2, 3, 4)))
    axes = tuple(range(x.ndim))[-2:]
    return (x,), d.one_of({}, {"axes": axes}, {"s": (3,) * len(axes), "axes": axes},
                          {"norm": "ortho"})


@entry("fft.rfftn")
def _rfftn(d: Draw) -> Call:
    x = d.array(REALS, d.one_of((5,), (2, 4), (2, 3, 4)))
    return (x,), d.one_of({}, {"axes": (-1,)}, {"norm": "forward"})


@entry("fft.fftfreq", "fft.rfftfreq")
def _fftfreq(d: Draw) -> Call:
    return (d.one_of(4, 5, 1),), d.maybe(d=d.one_of(0.5, 2))


@entry("fft.fftshift", "fft.ifftshift")
def _fftshift(d: Draw) -> Call:
    x = d.array(FLOATING, least=1)
    return (x,), d.maybe(axes=d.axes(x))


# ---- the array object

def _item(d: Draw) -> Call:
    x = d.array(least=1)
    picks: list[Any] = []
    for n in x.shape[:d.one_of(len(x.shape), len(x.shape), 1)]:
        choices: list[Any] = [slice(None), slice(d.one_of(None, 0, 1, -1), d.one_of(None, n, -1)),
                              slice(None, None, -1)]
        if n:
            choices += [d.random.randrange(-n, n)] * 2
        picks.append(d.random.choice(choices))
    if d.one_of(0, 0, 1):
        picks.insert(d.random.randrange(len(picks) + 1), d.one_of(None, None, Ellipsis))
    if d.one_of(*[0] * 5, 1):
        return (x, d.array(BOOLS, x.shape)), {}
    return (x, tuple(picks)), {}


def get_item(x: Any, index: Any) -> Any:
    return x[index]


def set_item(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


def _with_value(d: Draw) -> Call:
    (x, index), _ = _item(d)
    return (x, index, d.one_of(d.scalar(x.dtype), d.array(dtype=x.dtype, shape=()))), {}


def _number(kinds: list[str]) -> Make:
    return lambda d: ((d.array(kinds, d.one_of((), (), (), (1,), (3,))),), {})


METHODS: dict[str, tuple[Callable[..., Any], Make]] = {
    "x[i]": (get_item, _item), "x[i] = v": (set_item, _with_value),
    "float": (lambda x: float(x), _number(REAL)), "int": (lambda x: int(x), _number(BOOLS + INTS)),
    "bool": (lambda x: bool(x), _number(ALL)), "complex": (lambda x: complex(x), _number(NUMERIC)),
    "index": (lambda x: list(range(100))[x], _number(UINTS)),
    "T": (lambda x: x.T, lambda d: ((d.array(shape=d.one_of((2, 3), (0, 3))),), {})),
    "mT": (lambda x: x.mT, lambda d: ((d.array(least=2),), {})),
    "attributes": (lambda x: (x.dtype, x.shape, x.ndim, x.size, x.device), _unary(ALL)),
    "to_device": (lambda x: x.to_device("cpu"), _unary(ALL)),
    "namespace": (lambda x: x.__array_namespace__() is np, _unary(ALL)),
}
for _name, _sign, _kinds in (
        ("add", "+", NUMERIC), ("sub", "-", NUMERIC), ("mul", "*", NUMERIC),
        ("truediv", "/", FLOATING), ("floordiv", "//", REAL), ("mod", "%", REAL),
        ("pow", "**", NUMERIC), ("and_", "&", BOOLS + INTEGERS), ("or_", "|", BOOLS + INTEGERS),
        ("xor", "^", BOOLS + INTEGERS), ("lt", "<", REAL), ("ge", ">=", REAL), ("eq", "==", ALL),
        ("ne", "!=", ALL)):
    METHODS[_sign] = getattr(operator, _name), _binary(_kinds)
    if _name not in ("lt", "ge", "eq", "ne"):
        METHODS[_sign + "="] = getattr(operator, "i" + _name.strip("_")), _binary(_kinds)
for _name, _kinds in (("neg", NUMERIC), ("pos", NUMERIC), ("abs", NUMERIC),
                      ("invert", BOOLS + INTEGERS)):
    METHODS[_name] = getattr(operator, _name), _unary(_kinds)
METHODS["lshift"] = (lambda x, y: x << y), _shifts
METHODS["matmul"] = (lambda x, y: x @ y), _matmul


def function_of(name: str) -> Any:
    """The function of a name in TABLE or METHODS."""
    if name in METHODS:
        return METHODS[name][0]
    space: Any = np
    for part in name.split("."):
        space = getattr(space, part)
    return space


def calls(name: str, count: int, seed: int = 0) -> Iterator[Call]:
    make = METHODS[name][1] if name in METHODS else TABLE[name]
    for k in range(count):
        yield make(Draw(seed * 100_003 + k * 31 + sum(map(ord, name))))
