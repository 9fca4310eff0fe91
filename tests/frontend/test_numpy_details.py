"""Small print of NumPy: kinds of results, messages, what is read-only, a view or a copy."""

import cmath
import math
import warnings

import numpy as np
import pytest
from compare import check, same

import hotloop
from hotloop.errors import UnsupportedError

EMPTY, ROW, MATRIX = np.zeros(0), np.arange(6.0), np.arange(12.0).reshape(3, 4)
HARD = np.array([[math.nan, math.inf], [1.0, -2.0]])
MASK = np.ones((2, 3), bool)
F4 = np.arange(4, dtype=np.float32)
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
    (lambda x: np.concatenate((2, x, 2.5), axis=None), (F4,)),
    (lambda x: (np.histogram(x, range=(-1.0, 2.0)), np.histogram(x, 3, (0, np.float64(2)))), (F4,)),
    (lambda x: (np.polyval([1.0, 2.0], x), np.union1d(2, x), np.append(x, 2.5)), (F4,)),
    (lambda x: (np.geomspace(x, 8), np.transpose(x)), (np.float32(3),)),
    (lambda x: (np.var(x, dtype=complex), np.std(x, dtype=np.complex64)), (F4,)),
    (lambda n: (np.tri(n, 2), np.tri(2, n), np.tril_indices(n, 0, 3)), (-2,)),
    (lambda x: (np.gradient(x, 0.5, x[0] ** 2), np.gradient(x[0], x[0] ** 2)), (MATRIX,)),
    (lambda x: (np.matmul(x, x.T, dtype=np.float32), np.vecdot(x, x, dtype=complex)), (MATRIX,)),
    (lambda x: np.divmod.outer(x, x + 1), (ROW,)),
    (lambda x: (np.choose(2, (x, x)), np.choose(x.size + 2, (x, x))), (EMPTY,)),
    (lambda x: np.rollaxis(x, 1, -2), (MATRIX,)),
    (lambda m, k: (np.insert(m, 1, m[:k, 0], axis=1), np.insert(m, 1, 5, axis=0)), (MATRIX, 3)),
    (lambda x: (np.argwhere(x), np.where(x > 0)), (ROW,)),
    (lambda x: (np.polyfit(x, x * 1j, 1), np.histogram(x, 2, (0, 3), density=True)), (F4,)),
    (lambda n: (range(n), range(2, n, n - 4)), (6,)),
    (lambda x: np.pad(x, np.array([[1, 2], [0, 1]]), "edge"), (MATRIX,)),
    (lambda x: np.pad(x, np.array([1, 2])), (MATRIX,)),
    (lambda m: (np.cov(m[:m.shape[0] - 2]), np.cov(m[:, 1:].T)), (MATRIX,)),
    (lambda x: (x.repeat(x.size - 2), np.linalg.norm(MATRIX, "f")), (EMPTY,)),
    (lambda x: (np.median(x, overwrite_input=True), x), (ROW[::-1].copy(),)),
    (lambda m: (np.diff(m, n=0) is m, np.eye(3, order="F").flags.f_contiguous), (MATRIX,)),
    (lambda x: np.linalg.pinv(x[:0, None]), (I8,)),
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


@pytest.mark.parametrize("function", [
    lambda x: np.rot90(x[0], k=1),
    lambda x: np.cross(1.5, x),
    lambda x: np.linalg.cross(1.5, x),
    lambda x: np.fft.fft2(x[0]),
    lambda x: np.max(x, axis=2, where=x[0] > 0),
    lambda x: np.trapezoid(x[0, 0]),
    lambda x: np.where(x > 0, x=x, y=x),
    lambda x: np.linspace(0, x[0, 0], axis=None),
    lambda x: np.indices((2, 3), dtype=bool)[x],
    lambda x: np.isfortran(x.size),
    lambda x: np.unstack([x[0], x[1]]),
    lambda x: np.split(x.size, 1),
    lambda x: np.hsplit([x[0], x[1]], 2),
    lambda x: np.rollaxis(x, 0, 7),
    lambda x: np.gradient(2, x),
    lambda x: np.gradient(x, x[0], x[0]),
    lambda x: np.gradient(x[0, :1], x[0, :1]),
    lambda x: np.frexp(x, out=None),
    lambda x: np.matmul(x, x.T, dtype=bool),
    lambda x: np.copyto([1.0, 2.0], x),
    lambda x: np.putmask([1.0, 2.0], x > 0, x),
    lambda x: np.putmask(x > 0, x[0], x),
    lambda x: np.take(x, 0, mode="full"),
    lambda x: np.put(x, 0, 1, mode="full"),
    lambda x: np.dot(x, x.T, out=np.zeros((3, 3), np.float32)),
    lambda x: x.var(correction=1),
    lambda x: x.repeat(x.size - 99),
    lambda x: np.insert(x, 0, np.ones(x.size - 7), axis=0),
    lambda x: np.gradient(x[0] > 0, x[0]),
    lambda x: np.average(x[:, :0], axis=0),
    lambda x: x.sort(axis=None),
    lambda x: np.clip(x, low=1),
    lambda x: np.sum(x, 0, axes=1),
    lambda x: np.full_like(x),
    lambda x: np.histogram(np.array([1.0, np.nextafter(1.0, x[0, 2])])),
    lambda x: np.gradient(x > 0, x[0] > 0, axis=1),
    lambda x: np.nanmean(x, dtype=int),
    lambda x: np.unstack(x, axis=None),
    lambda x: np.linalg.norm(x[0, 0], ord=2),
    lambda x: np.tensordot(x[0], x),
    lambda x: np.trim_zeros(x[0], ""),
    lambda x: x.partition(1, axis=None),
    lambda x: np.array(x.size, copy=False),
    lambda x: np.choose(x.size, (x, x)),
    lambda x: x.flat[None],
])
def test_exceptions_for_wrong_arguments_are_numpys(function):
    mine, theirs = (raised(f, MATRIX.copy()) for f in (hotloop.jit(function), function))
    assert (type(mine), str(mine)) == (type(theirs), str(theirs))


def raised(function, *args):
    with pytest.raises(Exception) as caught:
        function(*args)
    return caught.value


def handled(x):
    try:
        return np.rot90(x, k=1)
    except np.exceptions.AxisError:
        return 1.0
    except ValueError as error:
        return str(error) == "Axes must be different."


def test_the_exception_that_numpy_would_raise_is_handled():
    check(handled, ROW)


def flat_items(m):
    f = m.flat
    part = f[1:3]
    part[0] = 99.0                          # a copy
    f[2] = 7
    m.T.flat[3:6] = [1.0, 2.0]              # again and again
    f[[0, 1]] = 5.0
    f[-3:] = m[0]
    m.flat[m.ravel() > 6] = -1
    return part, f[3], f[...], len(f), f.copy(), list(f), m.flat[m.ravel() > 2], np.sum(f)


def test_items_of_flat_are_copies():
    check(flat_items, MATRIX.copy())
    with pytest.raises(UnsupportedError, match="flat as a result"):
        hotloop.jit(lambda x: x.flat)(MATRIX)
