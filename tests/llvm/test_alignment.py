"""Long loops align their stores: the second block of lanes overlaps the first."""

import numpy as np
import pytest

import hotloop

RNG = np.random.default_rng(0)


def array(n, offset, dtype="f8"):
    """n elements, `offset` bytes behind the beginning of a cache line."""
    size = np.dtype(dtype).itemsize
    memory = np.zeros(n * size + 128, "u1")
    start = -memory.ctypes.data % 64 + offset
    return memory[start:start + n * size].view(dtype)


def scaled(x, y, out):
    for i in range(len(x)):
        out[i] = x[i] * 2 + y[i]


def checked(x, y, out):
    for i in range(len(y) + 1):
        out[i] = x[i] * 2 + y[i]


def two(x, y, out):
    flags = np.zeros(len(x), bool)
    for i in range(len(x)):
        flags[i] = x[i] > y[i]
        out[i] = y[i]
    return flags


def in_place(x, y, out):
    for i in range(len(x)):
        out[i] += x[i]


def rows(x, y, out):
    a, b = x.reshape(5, -1), out.reshape(5, -1)
    for i in range(1, 4):
        for j in range(1, a.shape[1] - 1):
            b[i, j] = a[i, j - 1] + a[i + 1, j]


def outcome(f, args):
    try:
        return f(*args)
    except IndexError as error:
        return str(error)


@pytest.mark.parametrize("f", [scaled, checked, two, in_place, rows])
def test_any_alignment(f):
    jitted = hotloop.jit(f, cache=False)
    for n in (5120, 0, 5, 30, 510, 515, 520, 545, 600, 1025, 2050, 2605):
        n = n // 5 * 5 if f is rows else n
        for offset in (0, 8, 16, 40, 56):
            for dtype in ("f8", "f4") if n < 1000 else ("f8",):
                x, y = (RNG.normal(size=n).astype(dtype) for _ in range(2))
                out, want = array(n, offset, dtype), np.zeros(n, dtype)
                expected, got = outcome(f, (x, y, want)), outcome(jitted, (x, y, out))
                assert np.array_equal(out, want), (n, offset, dtype)
                assert np.array_equal(got, expected)


def two_parts(x, out):
    for i in range(len(x)):
        out[2 * i] = x[i]
        out[2 * i + 1] = x[i] + 1


def three_parts(x, out):
    for i in range(len(x)):
        out[3 * i + 2] = x[i]
        t = x[i] * 2
        out[3 * i] = t
        out[3 * i + 1] = x[i] + t


def one_needs_the_other(x, out):
    for i in range(len(x)):
        out[2 * i] = x[i]
        out[2 * i + 1] = out[2 * i] + 1


@pytest.mark.parametrize("f", [two_parts, three_parts, one_needs_the_other])
def test_interleaved_stores(f):
    """All parts of a group together, what is computed between them notwithstanding."""
    jitted = hotloop.jit(f, cache=False)
    for n in (200, 0, 1, 31, 33, 65):
        for room in (0, 1, -1):
            x = RNG.normal(size=n)
            size = max(0, (3 if f is three_parts else 2) * n + room)
            out, want = np.zeros(size), np.zeros(size)
            assert outcome(jitted, (x, out)) == outcome(f, (x, want))
            assert np.array_equal(out, want)


def swapped(x, out):
    for i in range(len(x) // 3):
        for k in range(3):
            out[3 * i + k] = x[3 * i + (k + 1) % 3] + out[3 * i + k]


def in_turn(x, out):
    """Parts of two groups in turn, which read one another's old values and the new ones."""
    a, b = x.reshape(-1, 3), out.reshape(-1, 3)
    for i in range(min(len(a), len(b))):
        t = b[i, 2]
        for k in range(3):
            b[i, k] = b[i, k] * 2 + t
            a[i, k] = a[i, k] + b[i, k]


def one_needs_the_next(x, out):
    a, b = x.reshape(-1, 3), out.reshape(-1, 3)
    for i in range(min(len(a), len(b))):
        for k in range(3):
            b[i, k] = a[i, k]
            a[i, k] = b[i, 2 - k]


def branches(x, out):
    a, b = x.reshape(-1, 3), out.reshape(-1, 3)
    for i in range(min(len(a), len(b))):
        for k in range(3):
            b[i, k] += a[i, k]
            if b[i, k] < 0:
                b[i, k] = -b[i, k]
                a[i, k] = 0


def arrays(x, out):
    a, b = x.reshape(-1, 3), out.reshape(-1, 3)
    b += a * 0.5
    a[:, 2] -= 1
    a[b[:, 0] < 0] *= -0.5
    b[:] = (b - a[:, ::-1]) * a[:, :1] + b.sum(axis=1)[:, None]


@pytest.mark.parametrize("f", [swapped, in_turn, one_needs_the_next, branches, arrays])
def test_rows_of_three(f):
    jitted = hotloop.jit(f, cache=False)
    for n in (99, 0, 1, 31, 130):
        x, out = RNG.normal(size=3 * n), RNG.normal(size=3 * n)
        y, want = x.copy(), out.copy()
        assert outcome(jitted, (x, out)) == outcome(f, (y, want))
        assert np.array_equal(out, want)
        assert np.array_equal(x, y)
