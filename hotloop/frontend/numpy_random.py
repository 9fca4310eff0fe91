"""Random numbers: np.random.*, from counters.

    np.random.normal(0.0, 1.0, n)      # random_uniform[stream=3] key iota, then Box-Muller

Each call in the source has a stream of its own; within loops the key is folded with the trip of
each loop around but the innermost, whose trip is the counter. So no draw depends on the one before,
and loops that draw vectorize and run in parallel. The numbers are not those of NumPy's generators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import generators, ufuncs
from hotloop.frontend.builder import check, current, emit, unsupported
from hotloop.frontend.numpy_arrays import as_array, scalar_of, settled
from hotloop.frontend.numpy_atoms import atom_of, op, select
from hotloop.frontend.numpy_callback import REFUSED
from hotloop.frontend.numpy_order import argsort
from hotloop.frontend.python_names import python
from hotloop.frontend.registry import NUMPY, numpy_function
from hotloop.frontend.tracers import (
    Array,
    Scalar,
    as_int,
    broadcast,
    convert,
    dim_of,
    dims_from,
    dims_of,
    fit,
    fresh,
    iota,
    lift,
    reshaped,
    value,
    wrap,
)
from hotloop.ir.core import Atom, Dim, Lit
from hotloop.ir.types import F64, I64, U64
from hotloop.ops.generators import BIT_GENERATORS
from hotloop.ops.random import SEEDED, seed_stream

# ---- draws

def key_and_trip() -> tuple[Atom, Atom]:
    """The key of the open block's draws, and the trip of its innermost loop (0 without one)."""
    builder = current()
    loops = [b for b in builder.lineage if b.loop]
    for b in loops:
        if b.iteration is None:                      # a while loop: it counts its trips now
            b.iteration = b.bind(I64)
    key: Atom = builder.state.session.random_key()
    for b in loops[:-1]:
        assert b.iteration is not None
        key, = emit("random_fold", [key, b.iteration], [(U64, ())])
    return key, loops[-1].iteration if loops else Lit(0)  # type: ignore[return-value]


def next_stream() -> int:
    state = current().state
    state.streams += 1
    return state.streams - 1


def uniform_atom(dims: tuple[Dim, ...] = ()) -> Atom:
    """Uniform doubles in [0, 1)."""
    return _draw("random_uniform", F64, dims)


def bits_atom(dims: tuple[Dim, ...] = ()) -> Atom:
    return _draw("random_bits", U64, dims)


def _draw(name: str, dtype: Any, dims: tuple[Dim, ...]) -> Atom:
    key, trip = key_and_trip()
    stream = next_stream()
    if not dims:
        return emit(name, [key, trip], [(dtype, ())], stream=stream)[0]
    if not (isinstance(trip, Lit)):
        key, = emit("random_fold", [key, trip], [(U64, ())])
    size = dm.product(dims)
    flat, = emit(name, [key, iota(size)], [(dtype, (size,))], stream=stream)
    return reshaped(flat, dims)


def normal_atom(dims: tuple[Dim, ...] = ()) -> Atom:
    """Standard normal numbers (Box and Muller, 1958): one of the pair is used."""
    u, v = uniform_atom(dims), uniform_atom(dims)
    radius = op("sqrt", op("mul", Lit(-2.0), op("log1p", op("neg", u))))
    return op("mul", radius, op("cos", op("mul", Lit(2 * math.pi), v)))


def exponential_atom(dims: tuple[Dim, ...] = ()) -> Atom:
    return op("neg", op("log1p", op("neg", uniform_atom(dims))))


# ---- np.random

def sizes(size: Any, *params: Any) -> tuple[Dim, ...]:
    """The dimensions of a result: `size`, or those of the parameters."""
    if size is not None:
        return dims_from(settled(size))
    return dm.broadcast_dims(*[dims_of(settled(lift(p))) for p in params]) if params else ()


def delivered(atom: Atom, size: Any, params: tuple[Any, ...] = ()) -> Any:
    """A Python float where NumPy gives one: a single draw without a size."""
    if size is None and not atom.shape:
        return python(atom)
    return fresh(atom)


def standard(atom: Callable[[tuple[Dim, ...]], Atom]) -> Callable[..., Any]:
    def draw(size: Any = None) -> Any:
        return delivered(atom(sizes(size)), size)
    return draw


random_sample = numpy_function(np.random.random, np.random.random_sample, np.random.ranf,
                               np.random.sample)(standard(uniform_atom))
standard_normal = numpy_function(np.random.standard_normal)(standard(normal_atom))
standard_exponential = numpy_function(np.random.standard_exponential)(standard(exponential_atom))


@numpy_function(np.random.rand)
def rand(*dims: Any) -> Any:
    return random_sample(dims or None)


@numpy_function(np.random.randn)
def randn(*dims: Any) -> Any:
    return standard_normal(dims or None)


def parameter(x: Any, dims: tuple[Dim, ...]) -> Atom:
    atom = fit(settled(lift(x)), F64)
    return broadcast(atom, dims) if atom.shape else atom


@numpy_function(np.random.uniform)
def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    dims = sizes(size, low, high)
    a, b = parameter(low, dims), parameter(high, dims)
    return delivered(op("add", a, op("mul", op("sub", b, a), uniform_atom(dims))), size)


def _nonnegative(atom: Atom, name: str) -> None:
    ok = op("ge", atom, Lit(0.0))
    check(value(NUMPY[np.all](wrap(ok))), ValueError, f"{name} < 0")


def located(draw: Callable[[tuple[Dim, ...]], Atom], scale_name: str = "scale",
            ) -> Callable[..., Any]:
    def located_draw(loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        dims = sizes(size, loc, scale)
        mean, spread = parameter(loc, dims), parameter(scale, dims)
        _nonnegative(spread, scale_name)
        return delivered(op("add", mean, op("mul", spread, draw(dims))), size)
    return located_draw


def laplace_atom(dims: tuple[Dim, ...]) -> Atom:
    u = op("sub", uniform_atom(dims), Lit(0.5))
    size = op("neg", op("log1p", op("mul", Lit(-2.0), op("abs", u))))
    return op("copysign", size, u)


def logistic_atom(dims: tuple[Dim, ...]) -> Atom:
    u = uniform_atom(dims)
    return op("sub", op("log", op("maximum", u, Lit(2.0**-53))), op("log1p", op("neg", u)))


def gumbel_atom(dims: tuple[Dim, ...]) -> Atom:
    return op("neg", op("log", op("maximum", exponential_atom(dims), Lit(2.0**-53))))


normal = numpy_function(np.random.normal)(located(normal_atom))
laplace = numpy_function(np.random.laplace)(located(laplace_atom))
logistic = numpy_function(np.random.logistic)(located(logistic_atom))
gumbel = numpy_function(np.random.gumbel)(located(gumbel_atom))


@numpy_function(np.random.lognormal)
def lognormal(mean: Any = 0.0, sigma: Any = 1.0, size: Any = None) -> Any:
    result = normal(mean, sigma, size)
    return python(op("exp", value(result))) if isinstance(result, Scalar) else ufuncs.apply(
        np.exp, [result])


@numpy_function(np.random.exponential)
def exponential(scale: Any = 1.0, size: Any = None) -> Any:
    dims = sizes(size, scale)
    spread = parameter(scale, dims)
    _nonnegative(spread, "scale")
    return delivered(op("mul", spread, exponential_atom(dims)), size)


@numpy_function(np.random.rayleigh)
def rayleigh(scale: Any = 1.0, size: Any = None) -> Any:
    dims = sizes(size, scale)
    spread = parameter(scale, dims)
    _nonnegative(spread, "scale")
    return delivered(op("mul", spread, op("sqrt", op("mul", Lit(2.0), exponential_atom(dims)))),
                     size)


@numpy_function(np.random.weibull)
def weibull(a: Any, size: Any = None) -> Any:
    dims = sizes(size, a)
    shape = parameter(a, dims)
    _nonnegative(shape, "a")
    return delivered(op("pow", exponential_atom(dims), op("div", Lit(1.0), shape)), size)


@numpy_function(np.random.standard_cauchy)
def standard_cauchy(size: Any = None) -> Any:
    u = uniform_atom(sizes(size))
    return delivered(op("tan", op("mul", Lit(math.pi), op("sub", u, Lit(0.5)))), size)


def integers_below(count: Atom, dims: tuple[Dim, ...]) -> Atom:
    """0 ... count-1: the high half of the product of 32 random bits with count, or for large
    counts a remainder of 64 bits (its bias is count / 2**64)."""
    bits = bits_atom(dims)
    n = convert(count, U64)
    shift = Lit(np.uint64(32))
    small = op("shift_right", op("mul", op("shift_right", bits, shift), n), shift)
    narrow = op("le", n, Lit(np.uint64(2**20)))
    if isinstance(narrow, Lit):
        return convert(small if narrow.value else op("remainder", bits, n), I64)
    return convert(select(narrow, small, op("remainder", bits, n)), I64)


@numpy_function(np.random.randint)
def randint(low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
    first, stop = (0, low) if high is None else (low, high)
    dims = sizes(size, first, stop)
    a, b = (convert(value(settled(lift(x))), I64) for x in (first, stop))
    a, b = (broadcast(x, dims) if x.shape else x for x in (a, b))
    check(value(NUMPY[np.all](wrap(op("lt", a, b)))), ValueError,
          "low >= high" if high is not None else "high <= 0")
    result = op("add", a, integers_below(op("sub", b, a), dims))
    target = np.dtype(dtype)
    if size is None and not dims and dtype is int:
        return python(result)
    return wrap(convert(result, target)) if size is None else fresh(convert(result, target))


@numpy_function(np.random.permutation)
def permutation(x: Any) -> Array:
    """Items in the order of as many random bits."""
    x = scalar_of(x)
    if isinstance(x, Array):
        n = x.dims[0]
        return x[shuffled(n)]
    return shuffled(dim_of(x))


def shuffled(n: Dim) -> Array:
    return argsort(fresh(bits_atom((n,))))


@numpy_function(np.random.shuffle)
def shuffle(x: Any) -> None:
    a = lift(x)
    a[...] = a[shuffled(a.dims[0])]


@numpy_function(np.random.choice)
def choice(a: Any, size: Any = None, replace: bool = True, p: Any = None) -> Any:
    source = scalar_of(a)
    n = source.dims[0] if isinstance(source, Array) else dim_of(source)
    dm.require("gt", n, 0, ValueError, "a must be greater than 0 unless no samples are taken"
               if not isinstance(source, Array) else
               "'a' cannot be empty unless no samples are taken")
    dims = sizes(size)
    if not replace:
        if p is not None:
            raise unsupported("np.random.choice with p and without replacement")
        count = dm.product(dims)
        dm.require("le", count, n, ValueError, "Cannot take a larger sample than population when "
                   "replace is False")
        at: Any = shuffled(n)[:as_int(count)]
        at = fresh(reshaped(at.value(), dims)) if dims else at[0]
    elif p is not None:
        weights = as_array(NUMPY[np.cumsum](as_array(p)))
        u = wrap(uniform_atom(dims))
        at = NUMPY[np.searchsorted](weights, ufuncs.apply(np.multiply, [u, weights[-1]]), "right")
        at = ufuncs.apply(np.minimum, [at, as_int(n) - 1])
    else:
        at = wrap(integers_below(atom_of(n), dims))
    if isinstance(source, Array):
        return source[at]
    return python(value(at)) if size is None else at


def _refused(what: str, remedy: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise unsupported(what, remedy)
    return refuse


STATES = (np.random.set_state, np.random.get_state)
REFUSED.update(STATES)
numpy_function(*STATES)(_refused("the state of np.random in compiled code",
                                 "call it outside of the compiled function"))


@numpy_function(np.random.seed)
def seed(number: Any = None) -> None:
    """The draws that follow, of this call and of later ones, come from a stream that begins at
    `number`: the same draws in every run. They are not those of NumPy."""
    builder = current()
    if builder.parent is not None:
        raise unsupported("seeding random numbers in a branch or loop",
                          "seed at the beginning of the function")
    if number is None:
        return
    atom = convert(value(settled(lift(number))), I64)
    if atom.shape:
        raise unsupported("seeding random numbers with an array", "use an int")
    emit("call_host", [atom], [], function=seed_stream)
    state = builder.state
    state.session.key, = emit("random_fold", [Lit(np.uint64(SEEDED)), atom], [(U64, ())])
    state.streams = 0


class Bits:
    """np.random.PCG64(seed) and its like, before a Generator takes it."""

    def __init__(self, kind: str, *seed: Any):
        self.kind, self.seed = kind, seed


for _name in BIT_GENERATORS:
    numpy_function(getattr(np.random, _name))(partial(Bits, _name))


@numpy_function(np.random.default_rng)
def default_rng(seed: Any = None) -> Any:
    if isinstance(seed, generators.Generator):
        return seed
    return generator(seed) if isinstance(seed, Bits) else generators.made("default_rng", seed)


@numpy_function(np.random.Generator)
def generator(bits: Any) -> Any:
    if not isinstance(bits, Bits):
        raise unsupported(f"a Generator of a {type(bits).__name__}", "use np.random.default_rng")
    return generators.made(bits.kind, *bits.seed)


@numpy_function(np.random.RandomState)
def random_state(seed: Any = None) -> Any:
    return generators.made("RandomState", seed)
