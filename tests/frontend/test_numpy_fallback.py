"""Functions without a lowering of their own: NumPy is called, and everything is as in Python."""

import pickle

import numpy as np
import pytest
from agreement import agree

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.frontend import numpy_invocation as invocation
from hotloop.frontend.trace import trace
from hotloop.ir.core import walk

rng = np.random.default_rng(3)
P = np.array([2.0, -3.0, 1.0])
F = rng.normal(size=(3, 3)) + 3 * np.eye(3)
B = np.array([True, False, True])
U = np.array([3, 200, 7], "u1")


def jitted(f, *args):
    """Compiled and plain on the same arguments."""
    got, expected = hotloop.jit(f, cache=False)(*args), f(*args)
    assert type(got) is type(expected)
    if isinstance(expected, np.ndarray):
        assert got.dtype == expected.dtype
    np.testing.assert_equal(got, expected)


@pytest.mark.parametrize("f, args", [
    (lambda p: np.poly(p), (P,)),
    (lambda p: np.polydiv(p, np.array([1.0, 1.0])), (P,)),
    (lambda b: np.packbits(b), (B,)),
    (lambda u: np.unpackbits(u).sum(), (U,)),
    (lambda p, q: np.histogram2d(p, q, bins=4)[0].sum(axis=0), (P, P[::-1])),
    (lambda a, b: np.linalg.lstsq(a, b, rcond=None), (F, P)),
    (lambda a, b: np.linalg.lstsq(a, b)[0] + b, (F, P)),
    (lambda a: np.linalg.tensorinv(a.reshape(1, 3, 3), ind=2), (F,)),
    (lambda x: np.polynomial.chebyshev.chebval(x, np.array([1.0, 2.0])) * 2, (P,)),
    (lambda x: np.polynomial.polynomial.polyfit(x, x * x, 2), (P,)),
    (lambda x: np.unique(x, axis=0), (np.array([[1, 2], [1, 2], [0, 1]]),)),
    (lambda x: np.apply_over_axes(np.sum, x, [0, 1]), (np.round(F),)),
    (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2).mean(axis=1), (P,)),
    (lambda x: np.add.reduceat(x, [0, 2]), (P,)),
    (lambda a: np.linalg.qr(a, mode="raw"), (F,)),
    (lambda a: np.linalg.pinv(a, 0.1), (F,)),
    (lambda x: np.ndarray.sum(x, axis=0), (F,)),
    (lambda x: x.searchsorted(2.0, sorter=np.argsort(x)), (P,)),
    (lambda x, n: np.fft.fft(x, n), (P, 5)),
    (lambda x, k: np.sum(x, axis=k[0]), (F, np.array([1]))),
], ids=lambda x: ".".join(x.__code__.co_names[1:]) if callable(x) else "")
def test_agrees(f, args):
    agree(f, args)
    jitted(f, *args)


def test_sizes_that_turn_out_to_be_equal():
    """Nothing says that the system has as many rows as its right side; a clipped slice does not."""
    def solved(a, b, n):
        rows = a.copy()
        for k in range(n):
            if rows[k + 1, k] < -5.0:
                break
        right = np.zeros(k + 2)
        right[0] = b
        return np.linalg.lstsq(rows[:k + 2, :k + 1], right, rcond=None)[0]

    a = np.random.default_rng(0).random((6, 5))
    agree(solved, (a, 1.0, 5))


def test_sizes_vary():
    agree(lambda p: np.poly(p), (P,), (np.arange(1.0, 7.0),), (np.zeros(0),), traces=1)


@pytest.mark.parametrize("p", [P, np.array([1.0, 0.0, 1.0])])
def test_types_that_depend_on_values(p):
    jitted(lambda p: np.roots(p), p)
    jitted(lambda p: (np.roots(p), 1), p)
    jitted(lambda a: np.linalg.eigvals(a), np.array([[0.0, 1.0], [-p[2], 0.0]]))


def test_stores():
    def place(x, mask):
        y = x
        np.place(x, mask, [7.0, 8.0])
        return y + x

    agree(place, (P, P > 0), (P, P > 9))
    x = P.copy()
    hotloop.jit(place, cache=False)(x, B)
    assert list(x) == [7.0, -3.0, 8.0]


def test_loops():
    def f(a, n):
        total = 0.0
        for k in range(n):
            total += np.linalg.lstsq(a * (k + 1), a[0], rcond=None)[0].sum()
        return total

    agree(f, (F, 4), (F, 0))


def test_exceptions():
    agree(lambda a: np.linalg.lstsq(a, np.ones(5)), (F,))
    agree(lambda u: np.unpackbits(u), (P,))
    agree(lambda a: np.linalg.inv(a), (np.zeros((2, 2)),))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        hotloop.jit(lambda x: np.testing.assert_allclose(x, x + 1), cache=False)(P)


def test_calls_are_kept():
    traced = trace(lambda a: np.linalg.lstsq(a, a) and None, (F,), {})
    assert [e.op.name for e in walk(traced.program)].count("call_numpy_checked") == 1


@pytest.mark.parametrize("f, why", [
    (lambda x: np.savetxt("/tmp/none", x), "files"),
    (lambda x: np.shares_memory(x, x[1:]), "shares_memory"),
    (lambda x: np.array_str(x), "text"),
])
def test_reasons(f, why):
    with pytest.raises(UnsupportedError, match=why):
        hotloop.jit(f, cache=False)(P)


def test_views_are_not_silently_copies():
    def f(x):
        y = np.lib.stride_tricks.sliding_window_view(x, 2, writeable=True)
        x[0] = 5.0
        return y + 0

    with pytest.raises(UnsupportedError, match="may or may not share"):
        hotloop.jit(f, cache=False)(P.copy())


def test_an_invocation_is_data():
    call = invocation.Invocation(np.roots, (invocation.Operand(0, "array"),), (), ("array",),
                                 (invocation.ArrayResult("f64", 1),), ())
    assert getattr(invocation, call.__name__) == call == pickle.loads(pickle.dumps(call))
    assert invocation.Known(1) != invocation.Known(True) != invocation.Known(1.0)
    assert invocation.Known(0.0) != invocation.Known(-0.0)
    with pytest.raises(UnsupportedError, match="unlike"):
        call(np.array([1.0, 0.0, 1.0]))


def decomposed(a):
    w, v = np.linalg.eig(a)
    return v @ np.diag(w) @ np.linalg.inv(v)


def radius(a):
    return np.max(np.abs(np.linalg.eigvals(a)))


def largest(a):
    w, v = np.linalg.eig(a)
    k = np.argmax(np.abs(w))
    return w[k], v[:, k], w.dtype, len(w), np.iscomplexobj(w)


def changed(a):
    w = np.linalg.eigvals(a) * 2
    w[0] = 1.0
    w += 1
    return w.sum(), np.sort(w.real), -w


def grown(a):
    total = 0.0
    for k in range(3):
        w = np.linalg.eigvals(a + k)
        if np.any(np.abs(w) > 2.0):
            total += np.abs(w).sum()
    return total


def polynomial(a):
    r = np.roots(a[0])
    return np.poly(r), r.real.sum(), 1.0 + r


@pytest.mark.parametrize("f", [decomposed, radius, largest, changed, grown, polynomial])
def test_use_of_values_of_two_types(f):
    """One program for real and complex eigenvalues."""
    agree(f, *[(np.array([[0.5, 1.0], [b, 0.25]]),) for b in (-1.0, 1.0, -1.0)], traces=1)


def test_another_library(monkeypatch):
    """SciPy's functions (here somebody else's under its name) are not traced but called, and tried
    with nothing but the call's own arguments."""
    seen = []

    def solve_with_pivots(a, pivots):
        seen.append(list(pivots))
        if a.sum() < 0:
            raise np.linalg.LinAlgError("negative")
        return a[pivots], len(pivots)
    solve_with_pivots.__module__ = "scipy.linalg.fake"

    @hotloop.jit(cache=False)
    def f(a, pivots):
        x, n = solve_with_pivots(a * 2, pivots)
        return x + n

    assert list(f(P, np.array([2, 0]))) == [4.0, 6.0]
    assert seen and all(p == [2, 0] for p in seen)
    assert list(f(P, np.array([1]))) == [-5.0]
    with pytest.raises(np.linalg.LinAlgError, match="negative"):
        f(-P - 9, np.array([1]))

    @hotloop.jit(cache=False)
    def g(a, pivots):
        total = 0.0
        for k in range(len(pivots)):
            total += solve_with_pivots(a, pivots + k)[0].sum()
        return total

    seen.clear()
    assert g(P, np.array([0, 1])) == -1.0 + -2.0
    assert all(set(p) == {0} for p in seen[:-2])


QUADRATIC = np.poly1d([1.0, 2.0, 3.0])
CUBIC = np.polynomial.Polynomial([1.0, 0.0, 2.0, 1.0])


def test_polynomials():
    agree(lambda x: QUADRATIC(x) + CUBIC(x) + QUADRATIC.deriv()(x), (P,))
    with pytest.raises(UnsupportedError, match="polyval"):
        trace(lambda x: np.poly1d(x)(2.0), (P,), {})


def test_nditer():
    def total(x):
        s = 0.0
        for v in np.nditer(x):
            s += v * 2
        return s

    def doubled(x):
        for v in np.nditer(x, op_flags=["readwrite"]):
            v[...] = 2 * v
        return x

    agree(total, (F,), (np.zeros((2, 0)),))
    agree(doubled, (F,))
    with pytest.raises(UnsupportedError, match="ndindex"):
        trace(total, (F.T,), {})


def test_views_of_other_dtypes():
    agree(lambda x: x.view(np.int64) + 1, (P,))
    agree(lambda x: (x + 1).view(np.uint8).sum(), (P,))
    agree(lambda x: (x + 0).base is None, (P,))


def test_a_function_that_changes_a_list_is_not_called():
    def push(items):
        items.append(1.0)

    def look(items):
        return items[0]

    push.__module__ = look.__module__ = "numpy.fake"
    x = np.array([2.0, 1.0])
    assert hotloop.jit(lambda x: look([x[0], x[1]]), cache=False)(x) == 2.0
    with pytest.raises(UnsupportedError, match=r"np.push"):
        hotloop.jit(lambda x: push([x[0], x[1]]), cache=False)(x)
