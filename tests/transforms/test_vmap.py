"""`vmap` is the stack of single calls, whatever the function does."""

import dataclasses

import numpy as np
import pytest

import hotloop
from hotloop.errors import UnsupportedError

rng = np.random.default_rng(3)
A = rng.normal(size=(4, 3))


def stacked(f, *args, axes=None):
    """The results of f for each row, as arrays."""
    axes = [0] * len(args) if axes is None else axes
    n = next(a.shape[k] for a, k in zip(args, axes, strict=True) if k is not None)
    rows = [f(*[a if k is None else np.take(a, i, axis=k) for a, k in zip(args, axes, strict=True)])
            for i in range(n)]
    return np.stack(rows)


def newton(a):
    x, steps = 1.0, 0
    while abs(x * x - a) > 1e-12:
        x = x - (x * x - a) / (2 * x)
        steps += 1
    return x + steps


def first_negative(r):
    for k, v in enumerate(r):
        if v < 0:
            return k
    return -1


def count_and_sum(r):
    total, n = 0.0, 0
    for v in r:
        if v > 0:
            total += np.sqrt(v)
        else:
            n += 1
    return total * n


def local_arrays(r):
    buffer = np.zeros(3)
    for k in range(3):
        buffer[k] = r[k] * r[k - 1]
    order = np.argsort(buffer)
    return buffer[order] + np.cumsum(r)


def collatz(n):
    k = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        k += 1
    return k


def indexed(r, k):
    r[k] += 10.0
    return r[[k, 0, 2]]


@pytest.mark.parametrize("f, args", [
    (newton, (np.array([2.0, 3.0, 16.0]),)),
    (first_negative, (A,)),
    (count_and_sum, (A,)),
    (local_arrays, (A,)),
    (collatz, (np.array([1, 27, 6, 7]),)),
    (indexed, (A, np.array([0, 2, 1, 1]))),
    (lambda r: r[r > 0].sum(), (A,)),
    (lambda r: np.linalg.solve(np.outer(r, r) + np.eye(3), r), (A,)),
    (lambda r: np.tanh(r) @ r, (A,)),
    (lambda r, s: r @ s.T, (rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 5, 3)))),
    (lambda b: not b, (np.array([True, False]),)),
    (lambda z: z * 1j + z.conjugate(), (A + 1j * A,)),
    (lambda r: r.astype(np.float32) * 2, (A,)),
    (lambda r: 3, (A,)),
    (lambda r: np.arange(3), (A,)),
    (lambda r: r.sum(), (np.zeros((0, 3)),)),
], ids=lambda x: getattr(x, "__name__", ""))
def test_rows(f, args):
    mine, theirs = [a.copy() for a in args], [a.copy() for a in args]
    got = hotloop.vmap(f)(*mine)
    want = stacked(f, *theirs) if len(args[0]) else np.zeros(0)
    np.testing.assert_allclose(got, want, rtol=1e-13)
    assert got.dtype == want.dtype and type(got) is np.ndarray


def matrix(r):
    return np.outer(r, r) + np.diag(np.arange(1.0, 4.0))


@pytest.mark.parametrize("f", [
    lambda r: np.tanh(np.linalg.solve(matrix(r), r * 2)) @ r,
    lambda r: np.linalg.solve(matrix(r), np.eye(3)) + np.linalg.inv(matrix(r))[0],
    lambda r: np.linalg.solve(np.eye(3) * 2, r),
    lambda r: np.linalg.solve(matrix(r), np.ones(3)),
    lambda r: np.linalg.eigh(matrix(r))[0] * np.linalg.det(matrix(r)),
    lambda r: np.sum(np.log(np.diag(np.linalg.cholesky(matrix(r))))) + len(r),
    lambda r: np.linalg.svd(matrix(r))[1] + np.abs(np.linalg.qr(matrix(r))[1][0]),
    lambda r: sum(np.linalg.slogdet(matrix(r) * k)[1] for k in range(1, 3)),
])
def test_linear_algebra_is_called_for_all_lanes(f):
    np.testing.assert_allclose(hotloop.vmap(f)(A), stacked(f, A), rtol=1e-12)
    assert len(hotloop.vmap(f)(A[:0])) == 0
    text = repr(hotloop.make_jaxpr(hotloop.vmap(f))(A))
    assert "call_numpy" in text
    for part in text.split("for 0 n 1")[1:]:
        assert "call_numpy" not in part.split("in (")[0]


W = rng.normal(size=(11, 3))
S = rng.normal(size=(4, 2, 3))


@pytest.mark.parametrize("f, args, axes", [
    (lambda r, w: np.tanh(w @ r), (A, W), (0, None)),
    (lambda r, w: np.tanh(r * 2) @ (w.T + 1), (A, W), (0, None)),
    (lambda m, w: (m @ w.T)[0] + 1, (S, W), (0, None)),
    (lambda m, v: m @ v, (S, np.arange(40.0)[::20].repeat(2)[:3]), (0, None)),
    (lambda r, w: w @ np.cos(w @ r)[:3], (A, W), (0, None)),
    (lambda r, w: (w @ r if r[0] > 0 else -w @ r).sum() + w[0] @ r, (A, W), (0, None)),
    (lambda r, w: r @ w + len(r), (A, A.T), (0, None)),
    (lambda r, w: hotloop.grad(lambda w: np.sum(np.sin(w @ r)))(w), (A, W), (0, None)),
    (lambda r, w: hotloop.grad(lambda r: np.sum(np.sin(w @ r)))(r), (A, W), (0, None)),
    (lambda r: np.ones((70, 3)) * np.arange(3) @ r, (A,), (0,)),
])
def test_products_with_a_shared_matrix(f, args, axes):
    got = hotloop.vmap(f, in_axes=axes)(*args)
    np.testing.assert_allclose(got, stacked(f, *args, axes=axes), rtol=1e-12)


def test_the_choice_is_explained():
    f = hotloop.vmap(lambda r, w: np.linalg.solve(matrix(r), np.tanh(w @ r)[:3]), (0, None))
    got = f(A, W)
    np.testing.assert_allclose(got, stacked(
        lambda r, w: np.linalg.solve(matrix(r), np.tanh(w @ r)[:3]), A, W, axes=(0, None)),
        rtol=1e-12)
    text = hotloop.explain(f)
    assert "multiplied once for all lanes" in text and "solve called once for all lanes" in text
    assert "a loop over lanes" in text
    g = hotloop.vmap(newton)
    g(np.array([2.0, 3.0]))
    assert "a loop over lanes, each with trips of its own" in hotloop.explain(g)


def test_products_of_lanes_that_differ_stay_in_the_loop():
    """A tiny matrix, and what comes out in another order, are no reason to leave it."""
    for f in (lambda m, n: m @ n.T, lambda m, n: np.eye(3) @ m[0]):
        g = hotloop.vmap(f)
        np.testing.assert_allclose(g(S, S), stacked(f, S, S), rtol=1e-13)
        assert "once for all lanes" not in hotloop.explain(g)


def test_sizes_that_do_not_fit_are_python_errors():
    f = hotloop.vmap(lambda r, w: w @ r, (0, None))
    with pytest.raises(ValueError, match="size"):
        f(A, np.ones((20, 4)))
    assert f(A[:0], np.ones((20, 3))).shape == (0, 20)


def test_linear_algebra_with_effects_is_done_lane_by_lane(capsys):
    def f(r):
        print(r[0])
        return np.linalg.solve(matrix(r), r)
    np.testing.assert_allclose(hotloop.vmap(f)(A), stacked(f, A))
    with pytest.raises(np.linalg.LinAlgError):
        hotloop.vmap(lambda r: np.linalg.inv(np.outer(r, r) * 0.0))(A)


def test_rows_are_views():
    def f(r, k):
        r[1:] += r[:-1]
        r[k] = 0.0
        return r.sum()
    a, b = A.copy(), A.copy()
    got = hotloop.vmap(f, in_axes=(0, None))(a, 2)
    want = [f(r, 2) for r in b]
    np.testing.assert_allclose(got, want)
    np.testing.assert_allclose(a, b)
    a = A.copy()
    hotloop.vmap(f, in_axes=(1, None))(a, 0)            # columns
    b = A.copy()
    for column in b.T:
        f(column, 0)
    np.testing.assert_allclose(a, b)


@dataclasses.dataclass
class Point:
    x: np.ndarray
    y: float


def test_trees_and_axes():
    def f(p, pair, *, scale=1.0):
        return {"sum": p.x + p.y, "both": (pair[0] * scale, None, "name")}
    p = Point(A, 2.0)
    got = hotloop.vmap(f, in_axes=(0, (1, None)), out_axes={"sum": 1, "both": 0})
    with pytest.raises(ValueError, match=r"p\.y is a float, which has no axis 0"):
        got(p, (A.T, 1.0), scale=np.arange(4.0))
    p = Point(A, np.arange(4.0))
    found = got(p, (A.T, 1.0), scale=np.arange(4.0))
    np.testing.assert_allclose(found["sum"], (A + np.arange(4.0)[:, None]).T)
    np.testing.assert_allclose(found["both"][0], A * np.arange(4.0)[:, None])
    assert found["both"][1:] == (None, "name")


def test_lanes_that_share():
    w = rng.normal(size=3)
    np.testing.assert_allclose(hotloop.vmap(lambda r: r @ w)(A), A @ w)
    np.testing.assert_allclose(hotloop.vmap(lambda r, w: r @ w, in_axes=(0, None))(A, w), A @ w)
    outer = hotloop.vmap(hotloop.vmap(lambda a, b: a * b, (None, 0)), (0, None))
    np.testing.assert_allclose(outer(w, A[:, 0]), np.outer(w, A[:, 0]))
    got = hotloop.vmap(lambda r, w: (r * w, w * 2), in_axes=(0, None), out_axes=(0, None))(A, w)
    np.testing.assert_allclose(got[0], A * w)
    np.testing.assert_allclose(got[1], w * 2)
    with pytest.raises(ValueError, match="out_axes says None for a result that differs"):
        hotloop.vmap(lambda r: r * 2, out_axes=None)(A)
    np.testing.assert_array_equal(
        hotloop.vmap(lambda k: np.arange(2) * k, in_axes=None, axis_size=3)(2), [[0, 2]] * 3)


def test_random_draws_differ_from_lane_to_lane():
    hotloop.seed(1)

    def walk(x):
        for _ in range(10):
            x += np.random.normal()
        return x
    draws = hotloop.vmap(walk)(np.zeros(2000))
    assert len(set(draws)) == 2000
    assert abs(draws.mean()) < 0.3 and abs(draws.std() - 10 ** 0.5) < 0.3


def test_prints_in_the_order_of_lanes(capsys):
    def f(x):
        print("lane", x)
        return x
    hotloop.vmap(f)(np.arange(3))
    assert capsys.readouterr().out == "lane 0\nlane 1\nlane 2\n"


def test_in_compiled_code():
    @hotloop.jit
    def f(a, w):
        total = 0.0
        for _ in range(3):
            total += hotloop.vmap(lambda r: np.sum(r * w))(a).sum()
        return total
    assert f(A, 2.0) == pytest.approx(3 * 2 * A.sum())


def test_wrong_sizes_and_axes():
    add = hotloop.vmap(lambda x, y: x + y)
    with pytest.raises(ValueError, match="x has size 4 along axis 0, but y has size 3 along axis"):
        add(np.ones(4), np.ones(3))
    add(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="x has size 3 along axis 0, but y has size 4 along axis"):
        add(np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="axis_size is 2, but x has size 4"):
        hotloop.vmap(lambda x: x, axis_size=2)(np.ones(4))
    with pytest.raises(ValueError, match="x is a float, which has no axis 0: say None"):
        hotloop.vmap(lambda x: x)(3.0)
    with pytest.raises(ValueError, match="has no axis 2"):
        hotloop.vmap(lambda x: x, in_axes=2)(A)
    with pytest.raises(ValueError, match="in_axes has 1 entries for 2 arguments"):
        hotloop.vmap(lambda x, y: x, in_axes=(0,))(A, A)
    with pytest.raises(ValueError, match="no argument is batched"):
        hotloop.vmap(lambda x: x, in_axes=None)(A)
    with pytest.raises(ValueError, match="out_axes says 3 for a result of 2 axes"):
        hotloop.vmap(lambda x: x, out_axes=3)(A)
    with pytest.raises(TypeError, match="an axis is an int or None"):
        hotloop.vmap(lambda x: x, in_axes="first")
    with pytest.raises(ValueError, match="do not fit x"):
        hotloop.vmap(lambda x: x, in_axes=((0, 0),))(A)


def test_what_lanes_can_not_do():
    shared = np.zeros(3)

    def stores(r):
        shared[0] += r[0]
        return r[0]
    with pytest.raises(UnsupportedError, match="changes an array which all lanes share"):
        hotloop.vmap(stores)(A)

    def assigns(r, log):
        log[0] = r[0]
        return r[1]
    with pytest.raises(UnsupportedError, match="changes a list which all lanes share"):
        hotloop.vmap(assigns, in_axes=(0, None))(A, [1.0])
    with pytest.raises(UnsupportedError, match="a size that differs from lane to lane"):
        hotloop.vmap(lambda r: r[r > 0])(A)


def test_errors_of_lanes():
    def f(x):
        if x > 1:
            raise ValueError("too large")
        return x
    with pytest.raises(ValueError, match="too large"):
        hotloop.vmap(f)(np.array([0.0, 2.0]))
    with pytest.raises(IndexError):
        hotloop.vmap(lambda r, k: r[k])(A, np.array([0, 1, 2, 3]))
