"""np.random.Generator and RandomState objects: NumPy's own streams, advanced in place.

    rng.normal(0.0, 1.0)          # draw[function='random_normal'] p 0.0 1.0
    rng.normal(0.0, 1.0, n)       # call_effect[...] g 0.0 1.0 n: the method itself

Single numbers come from the C function that the method would run, so loops that draw cost what they
cost in C; where its arguments are not plainly valid, and for everything else, the method is called
back. Draws are effects: each happens once, in the program's order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, emit, opened, unsupported
from hotloop.frontend.numpy_arrays import as_dtype, settled, static, static_bool, static_int
from hotloop.frontend.numpy_atoms import atom_of, both, op
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON,
    Array,
    Scalar,
    convert,
    dim_of,
    dims_from,
    dims_of,
    dtype_of,
    fresh,
    lift,
    value,
)
from hotloop.ir.core import Atom, Block, Dim, Lit, Var
from hotloop.ir.types import CODE_OF, F64, I64, U64
from hotloop.ops import generators as run_time
from hotloop.record import record

REQUIRED = object()


@record
class Distribution:
    """`parameters`: name -> default; `integer`: draws are Python ints, else floats; `function`: the
    C function for one number, whose arguments must be any number (`*`), positive (`+`), or between
    0 and 1 (`p`) by `valid`."""
    parameters: dict[str, Any]
    integer: bool
    function: str
    valid: str


def _row(parameters: str, valid: str = "", function: str = "", integer: bool = False) -> Any:
    found: dict[str, Any] = {}
    for part in parameters.split():
        name, _, default = part.partition("=")
        found[name] = float(default) if default else REQUIRED
    return Distribution(found, integer, function, valid)


DISTRIBUTIONS: dict[str, Distribution] = {
    "beta": _row("a b", "++", "random_beta"),
    "binomial": _row("n p", integer=True),
    "chisquare": _row("df", "+", "random_chisquare"),
    "exponential": _row("scale=1", "+", "random_exponential"),
    "f": _row("dfnum dfden", "++", "random_f"),
    "gamma": _row("shape scale=1", "++", "random_gamma"),
    "geometric": _row("p", "p", "random_geometric", True),
    "gumbel": _row("loc=0 scale=1", "*+", "random_gumbel"),
    "hypergeometric": _row("ngood nbad nsample", integer=True),
    "laplace": _row("loc=0 scale=1", "*+", "random_laplace"),
    "logistic": _row("loc=0 scale=1", "*+", "random_logistic"),
    "lognormal": _row("mean=0 sigma=1", "*+", "random_lognormal"),
    "logseries": _row("p", "p", "random_logseries", True),
    "negative_binomial": _row("n p", integer=True),
    "noncentral_chisquare": _row("df nonc", "++", "random_noncentral_chisquare"),
    "noncentral_f": _row("dfnum dfden nonc", "+++", "random_noncentral_f"),
    "normal": _row("loc=0 scale=1", "*+", "random_normal"),
    "pareto": _row("a", "+", "random_pareto"),
    "poisson": _row("lam=1", "+", "random_poisson", True),
    "power": _row("a", "+", "random_power"),
    "rayleigh": _row("scale=1", "+", "random_rayleigh"),
    "standard_cauchy": _row("", "", "random_standard_cauchy"),
    "standard_t": _row("df", "+", "random_standard_t"),
    "triangular": _row("left mode right"),
    "uniform": _row("low=0 high=1"),
    "vonmises": _row("mu kappa", "*+", "random_vonmises"),
    "wald": _row("mean scale", "++", "random_wald"),
    "weibull": _row("a", "+", "random_weibull"),
    "zipf": _row("a", integer=True),
}

LARGEST = {"random_poisson": 1e9}
"""Parameters up to which the C function may be called."""

PLAIN = {"random": "random_standard_uniform", "standard_normal": "random_standard_normal",
         "standard_exponential": "random_standard_exponential",
         "standard_gamma": "random_standard_gamma"}
"""Methods with a dtype, and their C functions for one float64."""


class Generator:
    """Stands for a random generator. `number`: the atom that names the object; `bits`: gives that
    of its bit generator's address, None if it may be gone by then."""

    def __init__(self, legacy: bool, number: Callable[[], Atom],
                 bits: Callable[[], Atom] | None):
        vars(self).update(legacy=legacy, number=number, bits=bits)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in DISTRIBUTIONS:
            return functools.partial(distribution, self, name)
        method = (LEGACY if vars(self)["legacy"] else MODERN).get(name)
        if method is None:
            raise unsupported(f"the attribute {name} of a random generator",
                              "use it outside of the compiled function")
        return functools.partial(method, self)

    def __setattr__(self, name: str, new: Any) -> None:
        raise unsupported("assignment to an attribute of a random generator")


# ---- call-backs and draws

def call_back(g: Generator, function: Callable[..., Any], operands: Sequence[Any],
              results: Sequence[tuple[Any, tuple[Dim, ...]]], **keywords: Any) -> list[Var]:
    """`function(generator, *operands)` at run time; dimensions of results are among the operands,
    or are added behind the arguments."""
    given = [g.number(), *(value(settled(lift(x))) if not isinstance(x, (Var, Lit)) else x
                           for x in operands)]
    places = {a: k for k, a in enumerate(given) if type(a) is Var and a.dtype == I64}
    take = len(given)
    declared = []
    for dtype, dims in results:
        for d in dims:
            if type(d) is Var and d not in places:
                places[d] = len(given)
                given.append(d)
        declared.append((CODE_OF[np.dtype(dtype)], tuple(
            d if isinstance(d, int) else ("in", places[d]) for d in dims)))
    return emit("call_effect", given, results, function=function, results=tuple(declared),
                take=take, keywords=tuple(sorted(keywords.items())))


def delivered(atom: Atom, python: bool, single: bool) -> Any:
    """A number where NumPy gives one."""
    if atom.shape or not single:
        return fresh(atom)
    return Scalar(atom, PYTHON if python else NUMPY_KIND)


def by_method(g: Generator, method: str, parameters: dict[str, Any], size: Any, dtype: Any,
              tail: tuple[Dim, ...] = (), options: tuple[tuple[str, Any], ...] = (),
              broadcast: Sequence[str] | None = None, stack: tuple[Dim, ...] = ()) -> Atom:
    """What `g.method(**parameters, size=size)` gives. Its dimensions: `size`, or those to which the
    parameters `broadcast` and `stack` are broadcast; then `tail`."""
    lifted = {k: settled(lift(x)) for k, x in parameters.items()}
    if size is None:
        names = lifted if broadcast is None else broadcast
        dims, rank = dm.broadcast_dims(stack, *(dims_of(lifted[k]) for k in names)), -1
    else:
        dims = dims_from(settled(size))
        rank = len(dims)
    operands = [*lifted.values(), *(atom_of(d) for d in dims if rank >= 0)]
    result, = call_back(g, run_time.drawn, operands, [(dtype, (*dims, *tail))], method=method,
                        names=tuple(lifted), rank=rank, options=options)
    return result


def one(g: Generator, function: str, arguments: Sequence[Atom], valid: Atom | None,
        otherwise: Callable[[], Atom], finish: Callable[[Atom], Atom] = lambda x: x) -> Atom:
    """A single number by the C function, `finish` applied to it, or by `otherwise` if not valid."""
    if vars(g)["bits"] is None or run_time.address(function) is None:
        return otherwise()
    result, chars = run_time.FUNCTIONS[function]

    def draw() -> Atom:
        dtype = np.dtype({"f64": "f8", "i64": "i8", "u64": "u8"}[result])
        given = [convert(a, np.dtype(c)) for a, c in zip(arguments, chars, strict=True)]
        return finish(emit("draw", [g.bits(), *given], [(dtype, ())], function=function)[0])

    if valid is None or isinstance(valid, Lit) and valid.value:
        return draw()
    if isinstance(valid, Lit):
        return otherwise()
    blocks = []
    for side in (draw, otherwise):
        inner = Builder(current())
        with opened(inner):
            blocks.append(Block([], inner.eqns, [side()]))
    return emit("cond", [valid], [(blocks[0].outs[0].dtype, ())], blocks=blocks)[0]


def arguments_of(method: str, names: dict[str, Any], args: tuple[Any, ...],
                 kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name; raises TypeError."""
    found = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        raise TypeError(f"{method}() takes at most {len(names)} positional arguments "
                        f"({len(args)} given)")
    for name, x in kwargs.items():
        if name not in names or name in found:
            raise TypeError(f"{method}() got an unexpected keyword argument '{name}'")
        found[name] = x
    for name, default in names.items():
        if found.setdefault(name, default) is REQUIRED:
            raise TypeError(f"{method}() missing required argument '{name}'")
    return found


# ---- distributions

def distribution(g: Generator, name: str, *args: Any, **kwargs: Any) -> Any:
    row = DISTRIBUTIONS[name]
    given = arguments_of(name, {**row.parameters, "size": None}, args, kwargs)
    size = given.pop("size")
    dtype = I64 if row.integer else F64

    def method() -> Atom:
        return by_method(g, name, given, size, dtype)

    atoms = [value(settled(lift(x))) for x in given.values()]
    if size is not None or any(a.shape for a in atoms) or any(a.dtype.kind == "c" for a in atoms):
        return fresh(method())
    if name == "uniform":
        return Scalar(uniform_number(g, atoms, method), PYTHON)
    if not row.function or vars(g)["legacy"]:
        return Scalar(method(), PYTHON)
    atoms = [convert(a, F64) for a in atoms]
    tests = [test for a, kind in zip(atoms, row.valid, strict=True)
             for test in _tests(a, kind, LARGEST.get(row.function))]
    valid = functools.reduce(both, tests) if tests else None
    return Scalar(one(g, row.function, atoms, valid, method), PYTHON)


def _tests(a: Atom, kind: str, limit: float | None) -> list[Atom]:
    if kind == "*":
        return []
    tests = [_compared("gt", a, 0.0)]
    if kind == "p":
        limit = 1.0
    return tests if limit is None else [*tests, _compared("lt", a, limit)]


def _compared(name: str, a: Atom, limit: float) -> Atom:
    if isinstance(a, Lit):
        return Lit(bool(a.value > limit if name == "gt" else a.value < limit))
    return op(name, a, Lit(limit))


def uniform_number(g: Generator, atoms: Sequence[Atom], method: Callable[[], Atom]) -> Atom:
    """low + (high - low) * random(), as NumPy's C function computes it."""
    low, high = (convert(a, F64) for a in atoms)
    width: Atom = op("sub", high, low)
    if isinstance(low, Lit) and isinstance(high, Lit):
        width = Lit(high.value - low.value)
    if isinstance(width, Lit):
        valid: Atom = Lit(bool(0 <= width.value < np.inf))
    else:
        valid = both(op("ge", width, Lit(0.0)), op("lt", width, Lit(np.inf)))
    return one(g, "random_standard_uniform", (), valid, method,
               lambda u: op("add", low, op("mul", width, u)))


def plain(g: Generator, name: str, *args: Any, **kwargs: Any) -> Any:
    """random, standard_normal, standard_exponential, standard_gamma"""
    names: dict[str, Any] = {"shape": REQUIRED} if name == "standard_gamma" else {}
    names |= {"size": None, "dtype": np.float64}
    names |= {"method": "zig"} if name == "standard_exponential" else {}
    given = arguments_of(name, names | {"out": None}, args, kwargs)
    out, dtype, size = given["out"], as_dtype(given["dtype"]), given["size"]
    method = given.get("method", "zig")
    parameters = {"shape": given["shape"]} if "shape" in given else {}
    options = (("dtype", dtype.str),) + ((("method", method),) if method != "zig" else ())
    if out is not None:
        out = lift(out)
        out.assign(by_method(g, name, parameters, size or _size_of(out), dtype, (), options))
        return out

    def by_call() -> Atom:
        return by_method(g, name, parameters, size, dtype, (), options)

    atoms = [value(settled(lift(x))) for x in parameters.values()]
    if size is not None or any(a.shape for a in atoms):
        return fresh(by_call())
    if dtype != F64 or method != "zig":
        return Scalar(convert(by_call(), F64), PYTHON)
    atoms = [convert(a, F64) for a in atoms]
    valid = _compared("gt", atoms[0], 0.0) if atoms else None
    return Scalar(one(g, PLAIN[name], atoms, valid, by_call), PYTHON)


def _size_of(x: Array) -> tuple[Any, ...]:
    return tuple(Scalar(atom_of(d), PYTHON) if isinstance(d, Var) else d for d in x.dims)


# ---- integers, choices, orders

def integers(g: Generator, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64,
             endpoint: Any = False) -> Any:
    target, closed = as_dtype(dtype), static_bool(endpoint, "endpoint")
    parameters = {"low": low} if high is None else {"low": low, "high": high}
    options = (("dtype", target.str), ("endpoint", closed))

    def method() -> Atom:
        return by_method(g, "integers", parameters, size, target, (), options)

    first, last = (0, low) if high is None else (low, high)
    atoms = [value(settled(lift(x))) for x in (first, last)]
    single = size is None and not any(a.shape for a in atoms)
    if not single or target != I64 or any(a.dtype.kind not in "iu" for a in atoms):
        return delivered(method(), False, single)
    a, b = (convert(x, I64) for x in atoms)
    width = op("sub", b, a) if closed else op("sub", op("sub", b, a), Lit(1))
    valid = op("le" if closed else "lt", a, b)
    zero = Lit(np.uint64(0))
    result = one(g, "random_bounded_uint64",
                 (convert(a, U64), convert(width, U64), zero, Lit(np.int32(0))), valid,
                 lambda: convert(method(), U64))
    return Scalar(convert(result, I64), NUMPY_KIND)


def choice(g: Generator, a: Any, size: Any = None, replace: Any = True, p: Any = None,
           axis: Any = 0, shuffle: Any = True) -> Any:
    source = settled(lift(a))
    options: tuple[tuple[str, Any], ...] = (("replace", static_bool(replace, "replace")),)
    if not vars(g)["legacy"]:
        options += (("axis", static_int(axis, "axis")),
                    ("shuffle", static_bool(shuffle, "shuffle")))
    parameters = {"a": source} | ({} if p is None else {"p": p})
    dims = dims_of(source)
    axis = static_int(axis, "axis") % len(dims) if dims else 0
    dtype = dtype_of(source) if dims else I64
    before, tail = dims[:axis], dims[axis + 1:]
    if not before:
        atom = by_method(g, "choice", parameters, size, dtype, tail, options, ())
        return delivered(atom, not dims, size is None)
    sizes = () if size is None else dims_from(settled(size))
    operands = [value(settled(lift(x))) for x in parameters.values()]
    result, = call_back(g, run_time.drawn, [*operands, *map(atom_of, sizes)],
                        [(dtype, (*before, *sizes, *tail))], method="choice",
                        names=tuple(parameters), rank=-1 if size is None else len(sizes),
                        options=options)
    return fresh(result)


def permutation(g: Generator, x: Any, axis: Any = 0) -> Array:
    source = settled(lift(x))
    options = () if vars(g)["legacy"] else (("axis", static_int(axis, "axis")),)
    dims = dims_of(source) or (dim_of(source),)
    dtype = dtype_of(source) if dims_of(source) else I64
    result, = call_back(g, run_time.drawn, [source], [(dtype, dims)], method="permutation",
                        names=("x",), rank=-1, options=options)
    return fresh(result)


def shuffle(g: Generator, x: Any, axis: Any = 0) -> None:
    a = lift(x)
    options = () if vars(g)["legacy"] else (("axis", static_int(axis, "axis")),)
    _change(g, "shuffle", a, a, options)


def _change(g: Generator, method: str, source: Any, target: Array,
            options: tuple[tuple[str, Any], ...]) -> None:
    if not isinstance(target, Array):
        raise unsupported(f"{method} of a list", "make it an array")
    result, = call_back(g, run_time.changed, [source.value()], [(source.dtype, source.dims)],
                        method=method, options=options)
    target.assign(result)


def permuted(g: Generator, x: Any, *, axis: Any = None, out: Any = None) -> Array:
    source = lift(x)
    options = (("axis", None if axis is None else static_int(axis, "axis")),)
    result, = call_back(g, run_time.drawn, [source.value()], [(source.dtype, source.dims)],
                        method="permuted", names=("x",), rank=-1, options=options)
    if out is None:
        return fresh(result)
    lift(out).assign(result)
    return out


# ---- vectors of numbers

def multinomial(g: Generator, n: Any, pvals: Any, size: Any = None) -> Any:
    *stack, tail = dims_of(lift(pvals)) or (0,)
    return fresh(by_method(g, "multinomial", {"n": n, "pvals": pvals}, size, I64, (tail,), (),
                           ("n",), tuple(stack)))


def dirichlet(g: Generator, alpha: Any, size: Any = None) -> Any:
    return fresh(by_method(g, "dirichlet", {"alpha": alpha}, size, F64, dims_of(lift(alpha)), (),
                           ()))


def multivariate_normal(g: Generator, mean: Any, cov: Any, size: Any = None,
                        check_valid: str = "warn", tol: float = 1e-8, **rest: Any) -> Any:
    options = (("check_valid", static(check_valid, "check_valid")), ("tol", static(tol, "tol")),
               *sorted(rest.items()))
    return fresh(by_method(g, "multivariate_normal", {"mean": mean, "cov": cov}, size, F64,
                           dims_of(lift(mean)), options, ()))


def multivariate_hypergeometric(g: Generator, colors: Any, nsample: Any, size: Any = None,
                                method: str = "marginals") -> Any:
    return fresh(by_method(g, "multivariate_hypergeometric",
                           {"colors": colors, "nsample": nsample}, size, I64,
                           dims_of(lift(colors)), (("method", static(method, "method")),), ()))


# ---- RandomState

def random_sample(g: Generator, size: Any = None) -> Any:
    def method() -> Atom:
        return by_method(g, "random_sample", {}, size, F64)

    if size is not None:
        return fresh(method())
    return Scalar(one(g, "random_standard_uniform", (), None, method), PYTHON)


def rand(g: Generator, *dims: Any) -> Any:
    return random_sample(g, dims or None)


def legacy_plain(name: str, parameters: tuple[str, ...] = (), integer: bool = False,
                 ) -> Callable[..., Any]:
    """A method whose draws are floats (or ints) of the default dtype."""
    def draw(g: Generator, *args: Any, **kwargs: Any) -> Any:
        given = arguments_of(name, {**dict.fromkeys(parameters, REQUIRED), "size": None}, args,
                             kwargs)
        size = given.pop("size")
        atom = by_method(g, name, given, size, I64 if integer else F64)
        return delivered(atom, True, size is None)
    return draw


def randn(g: Generator, *dims: Any) -> Any:
    return legacy_plain("standard_normal")(g, dims or None)


def randint(g: Generator, low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
    target = as_dtype(dtype)
    parameters = {"low": low} if high is None else {"low": low, "high": high}
    options = () if dtype is int else (("dtype", target.str),)

    def method() -> Atom:
        return by_method(g, "randint", parameters, size, target, (), options)

    first, last = (0, low) if high is None else (low, high)
    atoms = [value(settled(lift(x))) for x in (first, last)]
    if size is not None or target != I64 or any(
            a.shape or a.dtype.kind not in "iu" for a in atoms):
        return delivered(method(), dtype is int, size is None)
    a, b = (convert(x, I64) for x in atoms)
    width = convert(op("sub", op("sub", b, a), Lit(1)), U64)
    result = one(g, "random_bounded_uint64",
                 (convert(a, U64), width, _mask(width), Lit(np.int32(1))), op("lt", a, b),
                 lambda: convert(method(), U64))
    return Scalar(convert(result, I64), PYTHON if dtype is int else NUMPY_KIND)


def _mask(width: Atom) -> Atom:
    """The least 2^k - 1 that is not less: RandomState draws bits until they are at most `width`."""
    for k in (1, 2, 4, 8, 16, 32):
        width = op("or", width, op("shift_right", width, Lit(np.uint64(k))))
    return width


def random_integers(g: Generator, low: Any, high: Any = None, size: Any = None) -> Any:
    parameters = {"low": low} if high is None else {"low": low, "high": high}
    return delivered(by_method(g, "random_integers", parameters, size, I64), True, size is None)


def seed(g: Generator, *given: Any) -> None:
    call_back(g, run_time.seeded, [x for x in given if x is not None], [])


MODERN: dict[str, Callable[..., Any]] = {
    **{name: functools.partial(lambda name, g, *a, **k: plain(g, name, *a, **k), name)
       for name in PLAIN},
    "integers": integers, "choice": choice, "permutation": permutation, "shuffle": shuffle,
    "permuted": permuted, "multinomial": multinomial, "dirichlet": dirichlet,
    "multivariate_normal": multivariate_normal,
    "multivariate_hypergeometric": multivariate_hypergeometric,
}

LEGACY: dict[str, Callable[..., Any]] = {
    "random_sample": random_sample, "random": random_sample, "rand": rand, "randn": randn,
    "standard_normal": legacy_plain("standard_normal"),
    "standard_exponential": legacy_plain("standard_exponential"),
    "standard_gamma": legacy_plain("standard_gamma", ("shape",)),
    "tomaxint": legacy_plain("tomaxint", (), True), "randint": randint,
    "random_integers": random_integers, "seed": seed, "choice": choice,
    "permutation": permutation, "shuffle": shuffle, "multinomial": multinomial,
    "dirichlet": dirichlet, "multivariate_normal": multivariate_normal,
}


# ---- generators made by the program

def made(kind: str, *given: Any) -> Generator:
    """np.random.default_rng(seed), RandomState(seed): made at every call."""
    in_loop = any(b.loop for b in current().lineage)
    operands = [value(settled(lift(x))) for x in given if x is not None]
    number, bits = emit("call_effect", operands, [(I64, ()), (I64, ())], function=run_time.make,
                        results=(("i64", ()), ("i64", ())),
                        keywords=(("in_loop", in_loop), ("kind", kind)))
    return Generator(kind == "RandomState", lambda: number, None if in_loop else lambda: bits)
