"""NumPy's functions as loops of our own: the same values, for every layout of the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import hotloop
from hotloop.ops.linalg import call_numpy
from tests.compare import check

FLOATS = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 2.0, np.inf, -np.inf, np.nan]),
                   st.floats(-4, 4, width=32))
DTYPES = st.sampled_from(["?", "i1", "u4", "i8", "f4", "f8"])


def vectors(dtype, least=0, most=12):
    if dtype[0] == "f":
        return arrays.arrays(dtype, st.integers(least, most), elements=FLOATS)
    return arrays.arrays(dtype, st.integers(least, most), elements=(
        st.booleans() if dtype == "?" else st.integers(0, 5)))


def jitted(function):
    return hotloop.jit(function, cache=False)


search = jitted(lambda a, v: (np.searchsorted(a, v), np.searchsorted(a, v, "right"),
                              np.searchsorted(a, v[::-1]), a.searchsorted(v.reshape(-1, 1))))
digits = jitted(lambda a, v: (np.digitize(v, a), np.digitize(v, a, right=True)))
counts = jitted(lambda a, v: np.histogram(v, a))
between = jitted(lambda x, p, f: np.interp(x, p, f))
bounded = jitted(lambda x, p, f: (np.interp(x, p, f, left=-1), np.interp(x, p, f, right=2.5),
                                  np.interp(x, p, f, left=7, right=8)))
medians = jitted(lambda x: np.median(x))
of_rows = jitted(lambda x: (np.median(x, axis=0), np.median(x, axis=1, keepdims=True)))


def compare(function, *args):
    """Like Python's call, exactly. Where NumPy raises, so does the compiled function."""
    with np.errstate(all="ignore"):
        check(function.__wrapped__, *args, jitted=function, compiled=False, exact=True)


@settings(max_examples=30, deadline=None)
@given(st.data(), DTYPES)
def test_searches(data, dtype):
    a, v = np.sort(data.draw(vectors(dtype))), data.draw(vectors(dtype))
    compare(search, a, v)
    compare(search, a[::2], v[::-1])


@settings(max_examples=30, deadline=None)
@given(st.data(), st.sampled_from(["i8", "f4", "f8"]), st.sampled_from(["up", "down", "any"]))
def test_digits_and_histograms(data, dtype, order):
    edges, v = data.draw(vectors(dtype, 1)), data.draw(vectors(dtype))
    edges = edges if order == "any" else np.sort(edges)[::1 if order == "up" else -1]
    compare(digits, np.ascontiguousarray(edges), v)
    if not len(edges) or np.isfinite(edges).all() and np.isfinite(v).all():
        compare(counts, np.ascontiguousarray(edges), v)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.booleans())
def test_interpolation(data, complex):
    points = np.unique(data.draw(vectors("f8", 1)))
    values = data.draw(arrays.arrays("f8", len(points), elements=FLOATS))
    x = np.concatenate([data.draw(vectors("f8")), points, points + 0.25])
    if complex:
        values = values + 1j * values[::-1]
    compare(between, x, points, values)
    compare(between, x.reshape(-1, 1), points, values)
    if not complex:
        compare(bounded, x, points, values)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(["i1", "u8", "i8", "f2", "f4", "f8"]))
def test_medians(data, dtype):
    x = data.draw(vectors(dtype, 1))
    compare(medians, x)
    grid = data.draw(arrays.arrays(dtype, st.tuples(st.integers(1, 5), st.integers(1, 5)),
                                   elements=FLOATS if dtype[0] == "f" and dtype != "f2"
                                   else st.integers(0, 9)))
    compare(of_rows, grid)


def test_zeros_of_medians():
    for dtype in ("f4", "f8"):
        for x in ([-0.0], [-0.0, -0.0], [0.0, -np.finfo(dtype).smallest_subnormal], [-1, -0.0, 3]):
            compare(medians, np.array(x, dtype))


def test_long_medians_are_numpys():
    x = np.random.default_rng(0).normal(size=20_001)
    compare(medians, x)
    compare(medians, x[1:])


quantiles = jitted(lambda x, q: (np.quantile(x, q), np.percentile(x, 100 * q, axis=-1)))
of_columns = jitted(lambda x, q: (np.quantile(x, q, axis=0), np.percentile(x, 30, axis=0),
                                  np.quantile(x, q[0], axis=1, keepdims=True)))


@settings(max_examples=60, deadline=None)
@given(vectors("f8", 1), st.one_of(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=4).map(
    np.array)))
def test_quantiles(x, q):
    compare(quantiles, x + 0.0, q)          # which of two equal zeros comes first is not told


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (3, 7), (2, 40)])
def test_quantiles_of_matrices(shape):
    x = np.random.default_rng(3).normal(size=shape)
    compare(of_columns, x, np.array([0.0, 0.25, 0.5, 1.0]))
    compare(of_columns, x.T, np.array([0.9]))


def test_long_quantiles_and_wrong_fractions_are_numpys():
    x = np.random.default_rng(4).normal(size=20_001)
    compare(quantiles, x, 0.3)
    compare(quantiles, x[:9], 1.5)
    compare(quantiles, x[:9], np.array([0.5, np.nan]))


def test_none_of_them_is_called_back():
    a, v = np.sort(np.random.default_rng(1).random(9)), np.random.default_rng(2).random((3, 4))
    for function, args in ((search, (a, v)), (between, (v, a, a)), (bounded, (v, a, a))):
        assert "call python" not in function.lower(*args).loops
    fixed = jitted(lambda v: np.median(np.concatenate((v[0, :2], np.zeros(9)))))
    assert "call python" not in fixed.lower(v).loops
    for function, args in ((digits, (a, v)), (counts, (a, v)), (medians, (v,)),
                           (quantiles, (a, 0.5))):
        assert "if " in function.lower(*args).loops       # NumPy's only in one arm


@pytest.mark.parametrize("transform", [hotloop.grad, lambda f: hotloop.jit(hotloop.grad(f))])
def test_rules_of_derivatives_know_the_functions(transform):
    def f(x):
        return np.sum(np.interp(x, np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 3.0]))) + (
            np.median(x) * np.searchsorted(x, np.array([0.5, 2.0]))[1])
    x = np.array([0.25, 2.0, 2.5])
    np.testing.assert_allclose(transform(f)(x), [2.0, 0.5 + 1.0, 0.5])


def test_kinds_that_stay_calls():
    """What the rules leave to NumPy is right, too."""
    z = np.array([1 + 1j, 2, 3])
    compare(jitted(lambda z: np.searchsorted(z, z)), z)
    compare(jitted(lambda x: np.searchsorted(x, x)), np.arange(4).astype("f2"))
    compare(jitted(lambda x, w: np.histogram(x, 3, weights=w)), np.arange(4.0), np.ones(4))
    compare(jitted(lambda x, e: np.histogram(x, e)), np.arange(4.0), np.array([0, 2, 3]))
    compare(jitted(lambda x, e: np.histogram(x, e)), np.arange(4), np.array([0.5, 2, 3]))
    assert call_numpy.name == "call_numpy"
