"""Draws from NumPy's own generators: effects, done each time and in order.

    x:f64[] = draw[function='random_normal'] p 0.0 1.0
    z:f64[] = draw_keyed[function='random_normal', stream=0] key 0.0 1.0
    y:f64[n] = call_effect[function=hotloop.ops.generators:drawn, keywords=(...), ...] g n

`draw` is a C function of NumPy's, which its extension module exports, on the memory of a bit
generator (`bitgen_t` of numpy/random/bitgen.h) at the address p: the very code that the method of a
Generator runs. `draw_keyed` is pure: its bits are `random_bits[stream] key i`, i = 0, 1, ...
`call_effect` calls the method itself; g says which object: the address of one that
came in as an argument, or the negative number of one that compiled code made.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.ir.core import Atom, Block
from hotloop.ir.types import DTYPES, I64, U64, Type
from hotloop.ops.derivative import Rule
from hotloop.ops.domains import check_count, check_scalar
from hotloop.ops.linalg import call_numpy
from hotloop.ops.random import philox
from hotloop.ops.table import IO, PURE, Effect, Extern, OpDef, Sample, register

FUNCTIONS: dict[str, tuple[str, str]] = {
    "random_standard_uniform": ("f64", ""), "random_standard_normal": ("f64", ""),
    "random_standard_exponential": ("f64", ""), "random_standard_cauchy": ("f64", ""),
    "random_standard_gamma": ("f64", "d"), "random_standard_t": ("f64", "d"),
    "random_normal": ("f64", "dd"), "random_gamma": ("f64", "dd"),
    "random_exponential": ("f64", "d"), "random_beta": ("f64", "dd"),
    "random_chisquare": ("f64", "d"), "random_f": ("f64", "dd"), "random_pareto": ("f64", "d"),
    "random_weibull": ("f64", "d"), "random_power": ("f64", "d"), "random_laplace": ("f64", "dd"),
    "random_gumbel": ("f64", "dd"), "random_logistic": ("f64", "dd"),
    "random_lognormal": ("f64", "dd"), "random_rayleigh": ("f64", "d"),
    "random_noncentral_chisquare": ("f64", "dd"), "random_noncentral_f": ("f64", "ddd"),
    "random_wald": ("f64", "dd"), "random_vonmises": ("f64", "dd"),
    "random_poisson": ("i64", "d"), "random_logseries": ("i64", "d"),
    "random_geometric": ("i64", "d"), "random_bounded_uint64": ("u64", "QQQi"),
    "random_triangular": ("f64", "ddd"), "random_zipf": ("i64", "d"),
    "random_negative_binomial": ("i64", "dd"), "random_hypergeometric": ("i64", "qqq"),
    "random_binomial": ("i64", "dqS"),
}
"""Results and further operands (dtype characters) of NumPy's C functions, whose first argument is
the bit generator: numpy/random/distributions.h. `S` is no operand: scratch memory, all zeros."""

SCRATCH = 256
"""Bytes of it: `binomial_t` has 160."""


@functools.cache
def address(function: str) -> int | None:
    """Where one of FUNCTIONS is in this process; None if NumPy's module does not export it."""
    try:
        library = ctypes.CDLL(np.random._generator.__file__)
        return ctypes.cast(getattr(library, function), ctypes.c_void_p).value
    except (AttributeError, OSError):
        return None


_C_TYPES: dict[str, Any] = {"d": ctypes.c_double, "Q": ctypes.c_uint64, "i": ctypes.c_int32,
            "q": ctypes.c_int64, "S": ctypes.c_char_p,
            "f64": ctypes.c_double, "i64": ctypes.c_int64, "u64": ctypes.c_uint64}


def _draw(params: dict[str, Any], bits: Any, *operands: Any) -> Any:
    result, given = FUNCTIONS[params["function"]]
    call = ctypes.CFUNCTYPE(_C_TYPES[result], ctypes.c_void_p, *(_C_TYPES[c] for c in given))(
        address(params["function"]) or 0)
    scratch = [bytes(SCRATCH)] * given.count("S")
    return DTYPES[result].type(call(int(bits), *(x.item() for x in operands), *scratch))


def _draw_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    if params.get("function") not in FUNCTIONS:
        raise TypeError(f"draw: no function {params.get('function')!r}")
    result, given = FUNCTIONS[params["function"]]
    given = given.replace("S", "")
    check_count("draw", ins, 1 + len(given), 1 + len(given))
    check_scalar("draw", "the source of bits", ins[0], U64 if "stream" in params else I64)
    for atom, char in zip(ins[1:], given, strict=True):
        if atom.shape or atom.dtype != np.dtype(char):
            raise TypeError(f"draw: {params['function']} of {atom.type!r}")
    return [Type(DTYPES[result])]


def _draw_samples() -> Iterator[Sample]:
    """Draws that come out the same twice."""
    bits = np.int64(bits_of(_sample_generator()))
    yield Sample((bits, np.float64(3), np.float64(0)), {"function": "random_normal"})
    yield Sample((bits, np.uint64(5), np.uint64(0), np.uint64(0), np.int32(0)),
                 {"function": "random_bounded_uint64"})


@functools.cache
def _sample_generator() -> Any:
    return np.random.default_rng(0)


rules = lazy.module("hotloop.ops.numpy_rules.draws")
_OF_PARAMETERS = Rule(lambda p, l, eqn, tangents: rules.draw(p, l, eqn, tangents))

draw = register(OpDef(
    "draw", "a number drawn by a C function of NumPy's", _draw_type, _draw, Effect("draw"), IO,
    False, None, _draw_samples, _OF_PARAMETERS))


class _Bits(ctypes.Structure):
    """numpy/random/bitgen.h"""
    _fields_ = (("state", ctypes.c_void_p), ("uint64", ctypes.c_void_p),
                ("uint32", ctypes.c_void_p), ("double", ctypes.c_void_p),
                ("raw", ctypes.c_void_p))


def _draw_keyed(params: dict[str, Any], key: Any, *operands: Any) -> Any:
    counter = itertools.count()

    def bits(_: Any) -> int:
        return int(philox(key, np.int64(next(counter)), params["stream"]))

    functions = (ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(bits),
                 ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)(lambda s: bits(s) >> 32),
                 ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)(
                     lambda s: (bits(s) >> 11) * 2.0**-53))
    pointers = [ctypes.cast(f, ctypes.c_void_p).value for f in functions]
    source = _Bits(None, *pointers, pointers[0])
    return _draw(params, ctypes.addressof(source), *operands)


def _keyed_samples() -> Iterator[Sample]:
    for name, given in (("random_standard_normal", ()), ("random_poisson", (2.5,)),
                        ("random_gamma", (0.5, 2.0)), ("random_standard_uniform", ())):
        for stream in (0, 3):
            yield Sample((np.uint64(12345), *map(np.float64, given)),
                         {"function": name, "stream": stream})
    yield Sample((np.uint64(7), np.float64(0.3), np.int64(100)),
                 {"function": "random_binomial", "stream": 1})


draw_keyed = register(OpDef(
    "draw_keyed", "a number drawn by a C function of NumPy's from the bits of a key", _draw_type,
    _draw_keyed, Effect("draw"), PURE, False, None, _keyed_samples, _OF_PARAMETERS))

call_effect = register(OpDef(
    "call_effect", "as call_numpy, for its effect, too: each time and in order",
    call_numpy.type_rule, call_numpy.evaluate, Extern(None), IO, False, None, call_numpy.samples,
    Rule(lambda p, l, eqn, tangents: rules.effect(p, l, eqn, tangents))))


# ---- the objects, and their methods as functions for `call_effect`

KEPT = 1024
"""Generators made by compiled code that are kept for each thread, the latest ones; those made in
loops are counted by themselves, so that a function's others outlive them."""


class _Made(threading.local):
    def __init__(self) -> None:
        self.objects: dict[bool, dict[int, Any]] = {True: {}, False: {}}


_made = _Made()
_numbers = itertools.count(1)


def find(generator: Any) -> Any:
    """The object that a number stands for."""
    number = int(generator)
    if number >= 0:
        return ctypes.cast(number, ctypes.py_object).value
    for objects in _made.objects.values():
        if -number in objects:
            return objects[-number]
    raise RuntimeError(f"more than {KEPT} random generators in use in compiled code")


def make(*seed: Any, kind: str, in_loop: bool) -> tuple[int, int]:
    """A new generator: the number that stands for it, and the address of its bit generator."""
    given = [x.item() if np.ndim(x) == 0 else x for x in seed]
    made = MAKERS[kind](*given)
    objects = _made.objects[in_loop]
    number = next(_numbers)
    objects[number] = made
    if len(objects) > KEPT:
        del objects[next(iter(objects))]
    return -number, bits_of(made)


def _by(bits: str) -> Callable[..., Any]:
    return lambda *seed: np.random.Generator(getattr(np.random, bits)(*seed))


BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
MAKERS: dict[str, Callable[..., Any]] = {
    "default_rng": lambda *seed: np.random.default_rng(*seed),
    "RandomState": lambda *seed: np.random.RandomState(*seed),
    **{name: _by(name) for name in BIT_GENERATORS}}


def capsule_of(generator: Any) -> Any:
    bits = getattr(generator, "bit_generator", None) or generator._bit_generator
    return bits.capsule


def bits_of(generator: Any) -> int:
    """The address of the `bitgen_t` of a Generator or RandomState."""
    return pointer_in(capsule_of(generator))


@functools.cache
def _get_pointer() -> Any:
    return ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi))


def pointer_in(capsule: Any) -> int:
    return int(_get_pointer()(capsule, b"BitGenerator"))


def drawn(generator: Any, *given: Any, method: str, names: tuple[str, ...], rank: int,
          options: tuple[tuple[str, Any], ...]) -> Any:
    """`generator.method(**names)`; behind the arguments come `rank` dimensions of `size`, none
    for -1. A dtype among the options is given by its name."""
    arguments = dict(zip(names, (x.item() if np.ndim(x) == 0 else x for x in given), strict=False))
    arguments.update((k, np.dtype(v).type if k == "dtype" else v) for k, v in options)
    if rank >= 0:
        sizes = tuple(int(x) for x in given[len(names):])
        arguments["size"] = sizes
    return getattr(find(generator), method)(**arguments)


def seeded(generator: Any, *given: Any) -> tuple[()]:
    """`RandomState.seed`"""
    find(generator).seed(*(x.item() if np.ndim(x) == 0 else x for x in given))
    return ()


def changed(generator: Any, x: Any, *, method: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """A copy of x that `generator.method` has changed in place."""
    copy = np.array(x)
    getattr(find(generator), method)(copy, **dict(options))
    return copy
