"""Updates that read what they overwrite at other places: in blocks, with the results of NumPy."""

import re

import numpy as np
import pytest

import hotloop
from hotloop.loops.expr import e, lit, load, var
from hotloop.loops.overlap import BLOCK, FEW, distance

SIZES = (1, 2, 5, 60, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 2, BLOCK + 3, 2 * BLOCK + 2, 3333)


def smooth(u):
    u[1:-1] = 0.25 * u[:-2] + 0.5 * u[1:-1] + 0.25 * u[2:]


def steps(u):
    for _ in range(3):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])


def down(u):
    u[1:] = u[:-1]


def up(u):
    u[:-1] = u[1:] - u[:-1]


def far(u):
    u[7:] += u[:-7] * 2


def backwards(u):
    u[::-1] = u * 2


def odd_ones(u):
    u[2::2] = u[:-2:2] + u[1:-1:2]


def run_time_shift(u, k=3):
    u[k:] = u[:-k]


def stored_and_used(u):
    v = u[:-2] + u[2:]
    u[1:-1] = v
    return v * 2


def kept_before(u):
    old = u[1:] - u[:-1]
    u[1:] = u[:-1]
    return old


@pytest.mark.parametrize("dtype", ["f8", "c16", "i4", "f2"])
@pytest.mark.parametrize("f", [smooth, steps, down, up, far, backwards, odd_ones, run_time_shift,
                               stored_and_used, kept_before])
def test_vectors(f, dtype):
    if dtype in ("c16", "f2") and f not in (smooth, up):
        return
    if dtype == "i4" and f in (smooth, steps):
        return
    g = hotloop.jit(f, cache=False)
    for n in SIZES:
        if n <= 7 and f in (far, odd_ones, run_time_shift):
            continue
        if n == 1 and f in (smooth, steps, stored_and_used):
            continue
        u = np.random.default_rng(n).integers(0, 100, n).astype(dtype)
        agree(f, g, u)


def agree(f, g, u):
    mine = u.copy()
    want, got = f(u), g(mine)
    tolerance = 1e-2 if u.dtype == np.float16 else 1e-12
    np.testing.assert_allclose(mine, u, rtol=tolerance)
    if want is not None:
        np.testing.assert_allclose(got, want, rtol=tolerance)


def laplace(u):
    for _ in range(2):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def one_row(u):
    u[1, 1:-1] += u[0, :-2] + u[2, 2:] + u[1, 2:]


def columns(u):
    u[:, 1:] -= u[:, :-1]


def two_rows(u):
    u[2:, :] = u[:-2, :] + u[2:, :]


def diagonal_shift(u):
    u[1:, :-1] = u[:-1, 1:]


def transposed(u):
    v = u.T
    v[1:] = v[:-1] + u[:, :1].T[:, :]


@pytest.mark.parametrize("f", [laplace, one_row, columns, two_rows, diagonal_shift, transposed])
def test_matrices(f):
    g = hotloop.jit(f, cache=False)
    for shape in ((3, 3), (3, 1), (4, 3000), (3000, 4), (70, 31), (5, BLOCK), (9, 2 * BLOCK + 1)):
        if min(shape) < 2 and f in (laplace, one_row):
            continue
        agree(f, g, np.random.default_rng(0).random(shape))


def test_boxes():
    def f(u):
        u[1:-1, 1:-1, 1:-1] = (u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, :-2, 2:]
                               + u[1:-1, 2:, :-2]) / 4
    g = hotloop.jit(f, cache=False)
    for shape in ((3, 3, 3), (5, 6, 700), (300, 6, 5)):
        agree(f, g, np.random.default_rng(0).random(shape))


def by_a_row_of_its_own(a):
    a[2, :] /= a[2, 1]


def by_the_first(a):
    a[::-1] = a * 2 + a[0]


def eliminated(a):
    for k in range(a.shape[0] - 1):
        a[k + 1:, k] /= a[k, k]
        a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])


def rows_by_rows(a):
    for i in range(a.shape[0]):
        for k in range(a.shape[0]):
            if i != k:
                a[i] -= 0.1 * a[i, k] * a[k]


def last_columns(a, k=2):
    a[:, k:] = a[:, k:] * a[:, k:k + 1] + a[1, k]


@pytest.mark.parametrize("dtype", ["f8", "c16"])
@pytest.mark.parametrize("f", [by_a_row_of_its_own, by_the_first, eliminated, rows_by_rows,
                               last_columns])
def test_rows_and_columns_that_are_read_everywhere(f, dtype):
    g = hotloop.jit(f, cache=False)
    for n in (3, 4, 20, 50):
        a = np.random.default_rng(n).random((n, n)) + np.eye(n)
        agree(f, g, a.astype(dtype) * (1 if dtype == "f8" else 1 + 0.5j))


def test_nothing_is_read_for_no_elements():
    def f(a, k):
        a[:k] -= a[k - 1:k]
    g = hotloop.jit(f, cache=False)
    for k in (0, 1, 5):
        agree(lambda a, k=k: f(a, k), lambda a, k=k: g(a, k), np.arange(5.0))


def temporaries(f, *args):
    loops = hotloop.jit(f, cache=False).lower(*args).loops
    return re.findall(r"alloc b\d+: \w+\[(.*)\]", loops)


def test_no_temporary_of_the_whole():
    u = np.zeros(10)
    assert temporaries(smooth, u) == [str(BLOCK)] * 2
    assert temporaries(up, u) == [str(BLOCK)]

    def other_column(u):
        u[:, 0] = u[:, 1] + u[:, 0]
    assert temporaries(other_column, np.zeros((5, 2))) == []
    assert temporaries(run_time_shift, u, 3) != []

    def rows(u):
        for i in range(1, u.shape[0] - 1):
            u[i, :] = u[i - 1, :] + u[i + 1, :]
    assert temporaries(rows, np.zeros((5, 5))) == []
    a = np.zeros((50, 50))
    assert temporaries(by_a_row_of_its_own, a) == [] == temporaries(rows_by_rows, a)
    assert all("," not in size for size in temporaries(eliminated, a))


def test_distances():
    class Memory:
        dtype = np.dtype("f8")
    u: object = Memory()
    i, j, k = var("i"), var("j"), var("k")

    def lag(at, *reads, loops=(i, j)):
        total = lit(0.0, "f8")
        for index in reads:
            total = e.add(total, load(u, index))
        return distance(at, total, u, loops)
    assert lag((i, j), (i, j)) == -1
    assert lag((i, j), (e.sub(i, 2), j), (i, e.add(j, 1))) == 2
    assert lag((i, j), (e.add(i, 2), j), (i, e.add(j, 1))) == 0
    assert lag((e.mul(i, 3),), (e.add(e.mul(i, 3), 1),), loops=(i,)) == -1
    assert lag((e.mul(i, 3),), (e.sub(e.mul(i, 3), 6),), loops=(i,)) == 2
    assert lag((e.mul(i, -1),), (e.sub(e.mul(i, -1), 6),), loops=(i,)) == 0
    assert lag((e.mul(i, -1),), (e.add(e.mul(i, -1), 6),), loops=(i,)) == 6
    assert lag((k, i), (e.sub(k, 1), e.sub(i, 1)), loops=(i,)) == -1
    assert lag((i,), (e.add(i, k),), loops=(i,)) is None
    assert lag((i,), (e.mul(i, 2),), loops=(i,)) is None
    assert lag((e.mul(i, k),), (e.add(e.mul(i, k), 1),), loops=(i,)) is None
    assert FEW < BLOCK
