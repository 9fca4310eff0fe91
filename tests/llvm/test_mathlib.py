"""The elementary functions against the C library's long double, and their special values."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from elementwise import Compiled

from hotloop.llvm import mathlib
from hotloop.llvm.mathlib.formats import format_of
from hotloop.loops.expr import e, fresh_table, operands, var
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.loops.template import Template

_spec = importlib.util.spec_from_file_location(
    "accuracy", Path(__file__).parents[2] / "benchmarks" / "accuracy.py")
accuracy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(accuracy)

DTYPES = [np.dtype("f4"), np.dtype("f8")]
LIMIT = 2.5


@functools.cache
def compiled(name, dtype):
    with fresh_table():
        params = tuple(var(v, dtype) for v in "xy"[:SCALAR_OPS[name].arity])
        return Compiled(mathlib.expand(e.op(name, *params)), params)


def numpy(name, *operands):
    with np.errstate(all="ignore"):
        return accuracy.ufunc(name)(*operands)


def specials(dtype):
    f = np.finfo(dtype)
    values = [0.0, 1.0, 0.5, 2.0, 3.0, 1.5, 0.1, 4.0, 1e5, np.inf, f.max, f.tiny, f.tiny / 2,
              f.smallest_subnormal, f.eps, f.eps / 4, 1 - f.epsneg, 1 + f.eps, 2.0**f.nmant,
              2.0 ** (f.nmant + 1), 2.0 ** (f.nmant + 1) - 1, 2.0 ** (f.nmant + 2), f.max / 2]
    with np.errstate(all="ignore"):
        x = np.array(values, dtype)
    return np.concatenate([x, -x, [dtype.type(np.nan)]])


def assert_close(name, operands, got, limit=LIMIT):
    errors = accuracy.ulps(got, accuracy.reference(name, operands))
    worst = int(np.argmax(errors))
    where = tuple(float(x[worst]) for x in operands)
    assert errors[worst] <= limit, f"{name}{where} = {got[worst]!r}: {errors[worst]} ulp"


def test_every_function_is_there():
    assert set(mathlib.FUNCTIONS) == {row.name for row in SCALAR_OPS.values() if row.math}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", mathlib.FUNCTIONS)
def test_accuracy(name, dtype):
    count = 8000 // (10 if name in accuracy.PYTHON else 1)
    operands = accuracy.points(name, dtype, count, np.random.default_rng(3))
    assert_close(name, operands, compiled(name, dtype)(*operands))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", mathlib.FUNCTIONS)
def test_specials(name, dtype):
    x = specials(dtype)
    operands = [x]
    if SCALAR_OPS[name].arity == 2:
        operands = [g.ravel() for g in np.meshgrid(x, x)]
    got, want = compiled(name, dtype)(*operands), numpy(name, *operands)
    for k in np.ndindex(got.shape):
        where = f"{name}({', '.join(repr(float(o[k])) for o in operands)})"
        assert np.isnan(got[k]) == np.isnan(want[k]), f"{where} = {got[k]}, NumPy: {want[k]}"
        if want[k] == 0 or np.isinf(want[k]):
            assert got[k] == want[k], f"{where} = {got[k]}, NumPy: {want[k]}"
        if not np.isnan(want[k]):
            assert np.signbit(got[k]) == np.signbit(want[k]), f"{where} = {got[k]}"
    assert_close(name, operands, got)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["exp", "exp2", "sinh", "cosh", "expm1"])
def test_overflow_and_underflow_happen_where_they_must(name, dtype):
    f = np.finfo(dtype)
    edges = {"exp": [np.log(np.longdouble(f.max)), np.log(np.longdouble(f.smallest_subnormal) / 2)],
             "exp2": [np.longdouble(f.maxexp), np.longdouble(f.minexp - f.nmant - 1)],
             "expm1": [np.log(np.longdouble(f.max))],
             "sinh": [np.log(np.longdouble(f.max)) + np.log(np.longdouble(2))],
             "cosh": [np.log(np.longdouble(f.max)) + np.log(np.longdouble(2))]}[name]
    x = np.array([v + d for v in edges for d in np.linspace(-1e-3, 1e-3, 301)]).astype(dtype)
    x = np.unique(np.concatenate([x, *[np.nextafter(x, dtype.type(s)) for s in (-9e9, 9e9)]]))
    assert_close(name, [x], compiled(name, dtype)(x))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_exact_results(dtype):
    f = np.finfo(dtype)
    k = np.arange(f.minexp - f.nmant, f.maxexp).astype(dtype)
    powers = np.ldexp(dtype.type(1), k.astype(int))
    np.testing.assert_array_equal(compiled("exp2", dtype)(k), powers)
    np.testing.assert_array_equal(compiled("log2", dtype)(powers), k)
    np.testing.assert_array_equal(compiled("pow", dtype)(np.full_like(k, 2), k), powers)
    tens = np.arange(0, 23 if dtype.itemsize == 8 else 11).astype(dtype)
    exact = np.array([10**int(t) for t in tens]).astype(dtype)
    np.testing.assert_array_equal(compiled("log10", dtype)(exact), tens)
    np.testing.assert_array_equal(compiled("pow", dtype)(np.full_like(tens, 10), tens), exact)
    n = np.arange(-100, 101).astype(dtype)
    np.testing.assert_array_equal(compiled("cbrt", dtype)(n * n * n), n)
    np.testing.assert_array_equal(compiled("pow", dtype)(n, np.full_like(n, 2)), n * n)
    np.testing.assert_array_equal(compiled("pow", dtype)(n, np.full_like(n, 1)), n)
    np.testing.assert_array_equal(compiled("hypot", dtype)(3 * n, 4 * n), abs(5 * n))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_huge_angles(name, dtype):
    """On both sides of the limit beyond which libm serves; near multiples of pi/2 throughout."""
    random = np.random.default_rng(5)
    multiples = np.rint(10.0 ** random.uniform(0, 15, 20_000)) * (np.longdouble(np.pi) / 2 +
                                                                  np.longdouble(6.123233995736766e-17))
    x = np.concatenate([multiples.astype(dtype), 10.0 ** random.uniform(4, 38, 5000).astype(dtype),
                        dtype.type(2) ** np.arange(15, 50).astype(dtype)])
    assert_close(name, [x], compiled(name, dtype)(x))


def test_whole_expressions():
    """Functions of functions, shared parts, constants as operands."""
    with fresh_table():
        x, y = var("x", "f8"), var("y", "f8")
        t = e.exp(e.neg(x))
        root = e.add(e.div(1.0, e.add(t, 1.0)), e.mul(e.pow(t, 2.5), e.sin(e.mul(t, y))))
        root = e.add(root, e.pow(2.0, y))
        expanded = mathlib.expand(root)
        f = Compiled(expanded, (x, y))
        assert mathlib.expand(x) is x
        seen, stack = set(), [expanded]
        while stack:
            node = stack.pop()
            assert node.op not in mathlib.FUNCTIONS
            seen.add(node)
            stack.extend(k for k in operands(node) if k not in seen)
    a, b = np.random.default_rng(1).normal(size=(2, 999))
    t = np.exp(-a)
    np.testing.assert_allclose(f(a, b), 1 / (1 + t) + t**2.5 * np.sin(t * b) + 2**b, rtol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", mathlib.FUNCTIONS)
def test_a_template_builds_what_the_function_builds(name, dtype):
    with fresh_table():
        params = tuple(var(v, dtype) for v in "xy"[:SCALAR_OPS[name].arity])
        direct = mathlib.FUNCTIONS[name](format_of(params[0]), *params)
        assert mathlib.expansion(e.op(name, *params)) is direct


def test_template_of_integers():
    with fresh_table():
        i, j = var("i"), var("j")
        template = Template(e.mul(e.add(e.mul(3, i), 1), i), (i,))
    with fresh_table():
        j = var("j")
        k = e.add(j, 7)
        assert template(k) is e.mul(e.add(e.mul(3, k), 1), k)
