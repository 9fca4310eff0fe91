"""Small print of NumPy: kinds of results, messages, what is read-only, a view or a copy."""

import cmath
import math
import warnings

import numpy as np
import pytest
from compare import check, same

import hotloop

EMPTY, ROW, MATRIX = np.zeros(0), np.arange(6.0), np.arange(12.0).reshape(3, 4)
HARD = np.array([[math.nan, math.inf], [1.0, -2.0]])
MASK = np.ones((2, 3), bool)
I8, U8 = np.arange(3, dtype=np.int8), np.arange(3, dtype=np.uint8)


@pytest.mark.parametrize(("function", "args"), [
    (lambda a: sum(a), (EMPTY,)),
    (lambda a: sum(a), (np.zeros(0, np.int32),)),
    (lambda a: sum(a), (ROW,)),
    (lambda a: sum(a), (MATRIX,)),
    (lambda a: sum(a, 2.5) / 2, (EMPTY,)),
    (lambda a: sum(a > 0) + sum(v * v for v in a), (EMPTY,)),
    (lambda x: (np.isreal(x), np.isreal(2), np.iscomplex(x)), (2,)),
    (lambda x: (np.isreal(x), np.isreal(x * 1j), np.iscomplex(x)), (2.0,)),
    (lambda x: (np.isreal(x), np.iscomplex(x)), (np.float32(2),)),
    (lambda x: (np.argmin(x, keepdims=True), np.argmax(x, 0, keepdims=True)), (2.0,)),
    (lambda x: np.argmax(x, keepdims=True), (MATRIX,)),
    (lambda a, v: np.insert(a, 1, v), (I8, 300)),
    (lambda a, v: np.insert(a, 1, v), (U8, -1)),
    (lambda a, v: np.insert(a, 1, v), (U8, 1.5)),
    (lambda a, out: np.round(a, 2, out=out), (np.ones(3), np.ones(4))),
    (lambda a, out: np.round(a, 2, out=out), (np.ones(3), np.ones((1, 3)))),
    (lambda a, out: np.round(a, 2, out=out), (np.ones(3), np.ones(3, np.float32))),
    (lambda m: (np.dot(0, m), np.dot(m, 0.0)), (HARD,)),
    (lambda m: np.dot(m, np.float32(0)), (HARD.astype(np.float32),)),
    (lambda x, m: (np.dot(x, m), np.inner(x, m[0])), (np.array(-0.0), HARD)),
    (lambda x, m: np.dot(x, m), (0.0, np.array([math.nan]))),
    (lambda x, m: np.dot(x, m), (2.0, HARD)),
    (lambda b, m: b.any(keepdims=True, where=m), (np.ones(3, bool), MASK)),
    (lambda b, m: b.sum(where=m), (np.ones(3), MASK)),
    (lambda b, m: b.sum(axis=0, where=m), (np.ones((1, 3)), MASK)),
    (lambda b, m: b.mean(where=m), (np.ones((1, 3)), MASK)),
    (lambda b, m: b.max(where=m, initial=0), (np.ones((1, 3)), MASK)),
    (lambda b, m: (b.var(where=m), b.sum(0, where=m[0])), (np.ones((2, 3)), MASK)),
    (lambda i: np.unravel_index(i, (2, 2)), (9,)),
    (lambda a: np.cov(a, ddof=1.5), (np.ones(3),)),
    (lambda f, x: np.gradient(f, x), (np.array([0, 2, 4]), np.array([3, 2, 1], np.uint8))),
    (lambda a: (np.cov(a, dtype=np.float32), np.corrcoef(a, dtype=np.float32)), (MATRIX ** 2,)),
    (lambda a, out: np.percentile(a, 5, None, out), (ROW, np.zeros(1))),
    (lambda a, out: np.percentile(a, [5, 9], axis=0, out=out), (MATRIX, np.zeros((2, 4)))),
    (lambda x, y: (np.astype(x, float), np.astype(y, float)), (np.int32(3), MATRIX)),
    (lambda x: np.astype(x, float), (3,)),
    (lambda a: np.sort(a, kind="stable", stable=True), (ROW,)),
    (lambda a, n: np.lib.stride_tricks.as_strided(a, (n, a.size - n + 1), (8, 8)), (ROW, 2)),
])
def test_as_numpy(function, args):
    check(function, *args)


@pytest.mark.parametrize("shape", [(3, 3), (7, 3), (3, 5), (2, 2, 2), (1, 4), (4, 1), (0, 3)])
@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal(shape, wrap):
    def filled(a, values):
        np.fill_diagonal(a, values, wrap=wrap)
        return a
    jitted = hotloop.jit(filled, cache=False)
    for values in (1.5, np.array([1.0, 2.0]), np.array([[1, 2], [3, 4]]), np.zeros(0),
                   [1, 2, 3, 4], np.arange(20)):
        check(filled, np.zeros(shape), values, jitted=jitted)


def test_rect():
    rect = hotloop.jit(lambda r, phi: cmath.rect(r, phi), cache=False)
    values = (0.0, -0.0, 1.5, -2.0, math.inf, -math.inf, math.nan)
    for r in values:
        for phi in values:
            check(rect.__wrapped__, r, phi, jitted=rect)


@pytest.mark.parametrize(("function", "args"), [
    (lambda a, q: np.percentile(a, q), (ROW, 101.0)),
    (lambda a, q: np.quantile(a, q), (ROW, np.array([0.1, 2.0]))),
    (lambda a, q: np.digitize(a, q), (ROW, np.array([0.1, -2.0, 5.0]))),
    (lambda a, q: np.histogram(a, q), (ROW, np.array([0.1, -2.0, 5.0]))),
    (lambda a, q: np.polyfit(a, q, 1), (EMPTY, EMPTY)),
    (lambda a, q: np.linalg.inv(a), (np.zeros((2, 2)), 0)),
])
def test_errors_of_results_that_nothing_uses(function, args):
    def unused(a, q):
        function(a, q)
        return 1.0
    check(unused, *args)


SQUARE = np.random.default_rng(0).normal(size=(4, 4))


@pytest.mark.parametrize("a", [
    SQUARE, SQUARE + SQUARE.T, np.array([[0.0, 1.0], [-1.0, 0.0]]), np.array([[1, 2], [3, 4]]),
    SQUARE.astype(np.float32), np.stack([SQUARE, np.eye(4)]), np.zeros((0, 0)), SQUARE + 1j,
    np.full((2, 2), np.nan), np.full((2, 2), np.inf) * (1 + 1j), np.ones((2, 3)),
])
def test_eigenvalues_and_ranks(a):
    for function in (lambda a: np.linalg.eigvals(a), lambda a: np.linalg.eig(a),
                     lambda a: np.abs(np.linalg.eigvals(a)).sum(),
                     lambda a: np.linalg.matrix_rank(a)):
        check(function, a)
    if a.dtype.kind != "c" and a.shape[-1] == 4:
        lowered = hotloop.jit(lambda a: np.linalg.eig(a), cache=False).lower(a)
        assert "call python" not in lowered.loops


def test_ranks_of_vectors_and_numbers():
    rank = hotloop.jit(lambda a: np.linalg.matrix_rank(a), cache=False)
    for a in (np.zeros(3), np.ones(3), 0.0, np.zeros((3, 4)), np.ones((2, 3, 4))):
        check(rank.__wrapped__, a, jitted=rank)


def test_slices_of_tuples_are_known_by_their_bounds():
    check(lambda a, i: np.zeros(a.shape[i:] + a.shape[:i]), MATRIX, 1)
    check(lambda a: (1, 2, 3, 4, 5)[a.shape[0]:], MATRIX)


def test_strides_are_taken_of_whole_arrays_only():
    """What is called gets a copy, of which other strides may leave the memory."""
    window = hotloop.jit(lambda a: np.lib.stride_tricks.as_strided(a, (2, 2), (8, 8)), cache=False)
    with pytest.raises(hotloop.errors.UnsupportedError, match="as_strided"):
        window(MATRIX.T)


def _stored(make):
    def stored(x):
        y = make(x)
        y[0] = 5.0
        return x, y
    return stored


@pytest.mark.parametrize("make", [
    lambda x: np.ascontiguousarray(x), lambda x: np.ascontiguousarray(x[:, 1:]),
    lambda x: np.ascontiguousarray(x.T), lambda x: np.ascontiguousarray(x[::2]),
    lambda x: np.asfortranarray(x), lambda x: np.asfortranarray(x.T),
    lambda x: np.asfortranarray(x[0]), lambda x: np.ascontiguousarray(x, np.float32),
])
def test_contiguous_arrays_are_copies_where_they_must_be(make):
    check(_stored(make), MATRIX)


def test_imaginary_parts_of_real_arrays_are_read_only():
    parts = hotloop.jit(lambda x: (x.imag, np.imag(x)), cache=False)
    for got in parts(ROW):
        assert not got.flags.writeable
        same(got, ROW.imag)


@pytest.mark.parametrize("divide", [
    lambda a: a // 0, lambda a: a % 0, lambda a: np.fmod(a, 0), lambda a: np.divmod(a, 0),
])
def test_division_of_integers_by_literal_zero_warns(divide):
    def told(function):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(np.arange(3))
        return [str(w.message) for w in caught]
    assert told(hotloop.jit(divide, cache=False)) == told(divide) != []
