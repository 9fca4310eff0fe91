"""np.random.poisson and the other distributions of the module that are not a formula of one draw.

    np.random.poisson(3.0)         # draw_keyed[function='random_poisson', stream=0] key 3.0

The algorithms are NumPy's C functions (numpy/random/src/distributions: gamma by Marsaglia and
Tsang 2000, poisson by Hormann's PTRS 1993, binomial by BTPE, Kachitvichyanukul and Schmeiser 1988,
zipf by Devroye 1986, ...) on the bits of hotloop's own stream. Arrays are loops whose index is
folded into the key, so each element is a draw by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import random_in_python
from hotloop.frontend.builder import Builder, check, current, emit, opened, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.numpy_arrays import settled
from hotloop.frontend.numpy_atoms import both, negate, op, reduce_all
from hotloop.frontend.numpy_random import delivered, key_and_trip, next_stream, sizes
from hotloop.frontend.registry import numpy_function
from hotloop.frontend.tracers import (
    broadcast,
    dims_of,
    fit,
    fresh,
    full,
    lift,
    reshaped,
    zero,
)
from hotloop.ir.core import Atom, Block, Dim, Lit
from hotloop.ir.types import DTYPES, F64, I64, U64
from hotloop.ops.generators import FUNCTIONS, address

Check = tuple[Callable[..., Atom], str]


def drawn(name: str, parameters: Sequence[Atom], dims: tuple[Dim, ...]) -> Atom:
    """Draws by a C function; `parameters` have the result's dimensions or none."""
    if address(name) is None:
        raise unsupported(f"{name.removeprefix('random_')} with this build of NumPy",
                          "pass a Generator and use its method")
    key, trip = key_and_trip()
    if not isinstance(trip, Lit):
        key, = emit("random_fold", [key, trip], [(U64, ())])
    dtype, stream = DTYPES[FUNCTIONS[name][0]], next_stream()
    if not dims:
        return emit("draw_keyed", [key, *parameters], [(dtype, ())], function=name,
                    stream=stream)[0]
    size = dm.product(dims)
    flat = [reshaped(p, (size,)) if p.shape else p for p in parameters]
    start = full(zero(dtype), (size,))
    inner = Builder(current())
    index, carry = inner.bind(I64), inner.bind(dtype, (size,))
    with opened(inner):
        own, = emit("random_fold", [key, index], [(U64, ())])
        given = [emit("get", [p, index], [(p.dtype, ())], codes="i")[0] if p.shape else p
                 for p in flat]
        value, = emit("draw_keyed", [own, *given], [(dtype, ())], function=name, stream=stream)
        new, = emit("set", [carry, value, index], [(dtype, (size,))], codes="i")
    result, = emit("for", [0, size, 1, start], [(dtype, (size,))],
                   blocks=[Block([index, carry], inner.eqns, [new])], until=None)
    return reshaped(result, dims)


# ---- what NumPy requires of parameters

def positive(name: str) -> Check:
    return lambda x: negate(op("le", x, _number(0, x))), f"{name} <= 0"


def not_negative(name: str) -> Check:
    return lambda x: negate(op("lt", x, _number(0, x))), f"{name} < 0"


def between(low: str, high: str, message: str) -> Callable[[str], Check]:
    return lambda name: (lambda x: both(op(low, x, Lit(0.0)), op(high, x, Lit(1.0))), message)


def _number(value: int, like: Atom) -> Lit:
    return Lit(like.dtype.type(value))


def anything(name: str) -> Check:
    return lambda x: Lit(True), ""


PROBABILITY = between("ge", "le", "p < 0, p > 1 or p is NaN")
BELOW_ONE = between("ge", "lt", "p < 0, p >= 1 or p is NaN")
ABOVE_ZERO = between("gt", "le", "p <= 0, p > 1 or p contains NaNs")
LARGEST_RATE = float(np.iinfo(np.int64).max - np.sqrt(float(np.iinfo(np.int64).max)) * 10)


def _require(ok: Atom, message: str) -> None:
    check(reduce_all(ok) if ok.shape else ok, ValueError, message)


RULES: dict[str, Callable[[str], Check]] = {
    "+": positive, "0": not_negative, "*": anything, "p": PROBABILITY, "b": BELOW_ONE,
    "a": ABOVE_ZERO,
    "l": lambda name: (lambda x: op("ge", x, Lit(0.0)), "lam < 0 or lam is NaN"),
    "z": lambda name: (lambda x: op("gt", x, Lit(1.0)), "a <= 1 or a is NaN"),
}


def _distribution(name: str, parameters: str, rules: str, integers: str = "",
                  order: Sequence[int] = ()) -> None:
    """`rules`: a letter for each parameter; `integers`: those that are; `order`: the parameters
    as the C function takes them."""
    names = [part.partition("=")[0] for part in parameters.split()]
    defaults = {n: float(d) for n, _, d in (p.partition("=") for p in parameters.split()) if d}

    def draw(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip((*names, "size"), args, strict=False))
        if len(args) > len(names) + 1 or kwargs.keys() & given.keys() or (
                kwargs.keys() - {*names, "size"}):
            raise TypeError(f"{name}() takes {', '.join(names)}, size")
        given = {**defaults, **given, **kwargs}
        missing = [n for n in names if n not in given]
        if missing:
            raise TypeError(f"{name}() missing required argument '{missing[0]}'")
        size = given.pop("size", None)
        dims = sizes(size, *(given[n] for n in names))
        atoms = []
        for n, rule in zip(names, rules, strict=True):
            atom = fit(settled(lift(given[n])), I64 if n in integers.split() else F64)
            ok, message = RULES[rule](n)
            if message:
                _require(ok(atom), message.replace("is NaN", "contains NaNs") if atom.shape
                         else message)
            atoms.append(atom)
        for ok, message in MORE.get(name, ()):
            _require(ok(*(broadcast(a, dims) if a.shape else a for a in atoms)), message)
        atoms = [broadcast(a, dims) if a.shape else a for a in atoms]
        atoms = [atoms[k] for k in order] or atoms
        return delivered(drawn("random_" + name, atoms, dims), size)

    numpy_function(getattr(np.random, name))(draw)


MORE: dict[str, Sequence[Check]] = {
    "poisson": ((lambda lam: op("le", lam, Lit(LARGEST_RATE)), "lam value too large"),),
    "triangular": ((lambda a, m, b: op("le", a, m), "left > mode"),
                   (lambda a, m, b: op("le", m, b), "mode > right"),
                   (lambda a, m, b: op("ne", a, b), "left == right")),
    "hypergeometric": ((lambda good, bad, n: op("le", n, op("add", good, bad)),
                        "ngood + nbad < nsample"),),
}

_distribution("beta", "a b", "++")
_distribution("binomial", "n p", "0p", "n", (1, 0))
_distribution("chisquare", "df", "+")
_distribution("f", "dfnum dfden", "++")
_distribution("gamma", "shape scale=1", "00")
_distribution("geometric", "p", "a")
_distribution("hypergeometric", "ngood nbad nsample", "000", "ngood nbad nsample")
_distribution("logseries", "p", "b")
_distribution("negative_binomial", "n p", "+p")
_distribution("noncentral_chisquare", "df nonc", "+0")
_distribution("noncentral_f", "dfnum dfden nonc", "++0")
_distribution("pareto", "a", "+")
_distribution("poisson", "lam=1", "l")
_distribution("power", "a", "+")
_distribution("standard_gamma", "shape", "0")
_distribution("standard_t", "df", "+")
_distribution("triangular", "left mode right", "***")
_distribution("vonmises", "mu kappa", "*0")
_distribution("wald", "mean scale", "++")
_distribution("zipf", "a", "z")


# ---- vectors

def _all_dims(size: Any, tail: tuple[Dim, ...]) -> tuple[Dim, ...]:
    return (*sizes(size), *tail)


@numpy_function(np.random.multinomial)
def multinomial(n: Any, pvals: Any, size: Any = None) -> Any:
    pvals = lift(pvals)
    dims = _all_dims(size, dims_of(pvals)[-1:])
    rows = dm.product(dims[:-1])
    out = fresh(full(Lit(0), (rows, dims[-1])))
    function(random_in_python.multinomial)(n, pvals, out)
    return fresh(reshaped(out.value(), dims))


@numpy_function(np.random.dirichlet)
def dirichlet(alpha: Any, size: Any = None) -> Any:
    alpha = lift(alpha)
    _require(op("gt", fit(alpha, F64), Lit(0.0)), "alpha <= 0")
    dims = _all_dims(size, dims_of(alpha))
    shapes = broadcast(fit(alpha, F64), dims)
    return function(random_in_python.normalized)(fresh(drawn("random_standard_gamma", [shapes],
                                                             dims)))


@numpy_function(np.random.multivariate_normal)
def multivariate_normal(mean: Any, cov: Any, size: Any = None, check_valid: Any = "warn",
                        tol: float = 1e-8) -> Any:
    if check_valid != "warn":
        raise unsupported("np.random.multivariate_normal with check_valid=")
    mean = lift(mean)
    dims = _all_dims(size, dims_of(mean))
    normals = fresh(drawn("random_standard_normal", [], dims))
    return function(random_in_python.correlated)(mean, lift(cov), normals)
