"""Python's module random, on hotloop's own stream (`numpy_random`).

    random.gauss(0.0, 1.0)      # as np.random.normal, a Python float
    random.choice(x)            # x[random.randrange(len(x))]
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from hotloop.frontend import control
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import check, unsupported
from hotloop.frontend.iterables import Range
from hotloop.frontend.numpy_arrays import settled, static_int
from hotloop.frontend.numpy_atoms import op
from hotloop.frontend.numpy_distributions import drawn
from hotloop.frontend.numpy_random import (
    bits_atom,
    exponential_atom,
    integers_below,
    normal_atom,
    seed,
    shuffle,
    shuffled,
    uniform_atom,
)
from hotloop.frontend.operators import binary
from hotloop.frontend.python_names import has_tracer, python
from hotloop.frontend.registry import call
from hotloop.frontend.tracers import Array, Scalar, as_int, convert, dim_of, fit, lift, value
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import F64, I64

call(random.seed)(seed)


@call(random.random)
def python_random() -> Any:
    return python(uniform_atom())


@call(random.uniform)
def uniform(a: Any, b: Any) -> Any:
    width = binary("sub", b, a) if has_tracer([a, b]) else b - a
    return binary("add", a, binary("mul", width, python(uniform_atom())))


@call(random.gauss, random.normalvariate)
def gauss(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    return binary("add", mu, binary("mul", sigma, python(normal_atom())))


@call(random.lognormvariate)
def lognormvariate(mu: Any, sigma: Any) -> Any:
    return python(op("exp", _float(gauss(mu, sigma))))


@call(random.expovariate)
def expovariate(lambd: Any = 1.0) -> Any:
    return binary("truediv", python(exponential_atom()), lambd)


def _float(x: Any) -> Atom:
    return fit(settled(lift(x)), F64)


def _drawn(name: str, *parameters: Any) -> Any:
    return python(drawn(name, [_float(x) for x in parameters], ()))


def _require_positive(text: str, *parameters: Any) -> None:
    for x in parameters:
        atom = _float(x)
        ok = Lit(bool(atom.value > 0)) if isinstance(atom, Lit) else op("gt", atom, Lit(0.0))
        check(ok, ValueError, text)


@call(random.gammavariate)
def gammavariate(alpha: Any, beta: Any) -> Any:
    _require_positive("gammavariate: alpha and beta must be > 0.0", alpha, beta)
    return _drawn("random_gamma", alpha, beta)


@call(random.betavariate)
def betavariate(alpha: Any, beta: Any) -> Any:
    _require_positive("gammavariate: alpha and beta must be > 0.0", alpha, beta)
    return _drawn("random_beta", alpha, beta)


@call(random.paretovariate)
def paretovariate(alpha: Any) -> Any:
    return binary("add", 1.0, _drawn("random_pareto", alpha))


@call(random.weibullvariate)
def weibullvariate(alpha: Any, beta: Any) -> Any:
    return binary("mul", alpha, _drawn("random_weibull", beta))


@call(random.vonmisesvariate)
def vonmisesvariate(mu: Any, kappa: Any) -> Any:
    return binary("mod", _drawn("random_vonmises", mu, kappa), 2 * np.pi)


@call(random.triangular)
def triangular(low: Any = 0.0, high: Any = 1.0, mode: Any = None) -> Any:
    """The inverse of the distribution function, as Python's own."""
    width = binary("sub", high, low) if has_tracer([low, high]) else high - low
    if not has_tracer(width) and width == 0:
        return low
    peak: Any = 0.5
    if mode is not None:
        peak = binary("truediv", python(_float(binary("sub", mode, low) if has_tracer([mode, low])
                                              else mode - low)), width)
    u, c = uniform_atom(), _float(peak)
    left = op("sqrt", op("mul", u, c))
    rest = op("sqrt", op("mul", op("sub", Lit(1.0), u), op("sub", Lit(1.0), c)))
    part = op("select", op("lt", u, c), left, op("sub", Lit(1.0), rest))
    return binary("add", low, binary("mul", width, python(part)))


# ---- integers

@call(random.randrange)
def randrange(start: Any, stop: Any = None, step: Any = 1) -> Any:
    if stop is None:
        start, stop = 0, start
    if isinstance(step, int) and step == 1:
        return _integer(start, stop, "empty range for randrange()")
    count = control.function(len)(control.function(range)(start, stop, step))
    k = _integer(0, count, "empty range in randrange()")
    return binary("add", start, binary("mul", step, k))


@call(random.randint)
def randint(a: Any, b: Any) -> Any:
    return _integer(a, binary("add", b, 1) if has_tracer(b) else b + 1,
                    "empty range for randrange()")


def _integer(start: Any, stop: Any, message: str) -> Any:
    a, b = value(as_int(dim_of(start))), value(as_int(dim_of(stop)))
    dm.require("lt", dim_of(start), dim_of(stop), ValueError, message)
    result = op("add", a, integers_below(op("sub", b, a), ()))
    if not isinstance(result, Lit):
        low, high = dm.bounds(dm.form(a))[0], dm.bounds(dm.form(b))[1]
        dm.bound(result, low, high - 1)
        dm.fact(dm.minus(dm.form(result), dm.form(a)))
        dm.fact(dm.minus(dm.minus(dm.form(b), dm.form(result)), dm.ONE))
    return python(result)


@call(random.getrandbits)
def getrandbits(k: Any) -> Any:
    count = static_int(k, "the number of bits")
    if not 0 <= count < 64:
        raise unsupported(f"random.getrandbits({count})", "draw at most 63 bits at once")
    if count == 0:
        return 0
    return python(convert(op("shift_right", bits_atom(), Lit(np.uint64(64 - count))), I64))


# ---- sequences

@call(random.choice)
def choice(seq: Any) -> Any:
    """An item at a random place."""
    x = lift(seq) if isinstance(seq, np.ndarray) else seq
    count = x.dims[0] if isinstance(x, Array) else control.function(len)(x)
    k = _integer(0, as_int(count) if isinstance(x, Array) else count,
                 "Cannot choose from an empty sequence")
    return _item(x, k)


def _item(x: Any, k: Any) -> Any:
    """x[k]; of a list or tuple of Python numbers, a Python number."""
    if isinstance(x, Range):
        return binary("add", as_int(x.start), binary("mul", as_int(x.step), k))
    if isinstance(x, list | tuple | range) and not has_tracer(x):
        item = control.load(np.array(x), k)
        return python(item.atom) if isinstance(item, Scalar) and not isinstance(
            x[0], np.generic) else item
    return control.load(x, k)


@call(random.shuffle)
def python_shuffle(x: Any) -> None:
    if not isinstance(x, Array | np.ndarray):
        raise unsupported(f"random.shuffle of a {type(x).__name__}", "shuffle an array")
    shuffle(x)


@call(random.sample)
def sample(population: Any, k: Any) -> list[Any]:
    size = static_int(k, "the size of a sample")
    x = lift(population) if isinstance(population, np.ndarray) else population
    n = x.dims[0] if isinstance(x, Array) else dim_of(control.function(len)(x))
    dm.require("le", size, n, ValueError, "Sample larger than population or is negative")
    order = shuffled(n)
    return [_item(x, python(value(order[j]))) for j in range(size)]
