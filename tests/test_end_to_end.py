"""Whole functions, compiled and plain: what the README promises, item by item."""

import dataclasses
import math
import random
from typing import NamedTuple

import numpy as np
import pytest
from compare import check, same
from plain import refuse

import hotloop

A = np.linspace(-2.0, 3.0, 11)
M = np.arange(12.0).reshape(3, 4)
I = np.arange(7)


def layouts(a):
    """The same values as C, F, strided, reversed, read-only arrays."""
    yield a
    yield np.asfortranarray(a)
    big = np.zeros([2 * n for n in a.shape], a.dtype)
    view = big[tuple(slice(None, None, 2) for _ in a.shape)]
    view[...] = a
    yield view
    yield a[tuple(slice(None, None, -1) for _ in a.shape)]
    frozen = a.copy()
    frozen.flags.writeable = False
    yield frozen


SIMPLE = [
    lambda a: a * a + 1,
    lambda a: 1 / (1 + np.exp(-a)),
    lambda a: np.sqrt(np.abs(a)) - a / 3,
    lambda a: a.sum(),
    lambda a: (a.mean(), a.std(), a.max(), a.argmin()),
    lambda a: np.where(a > 0, a, -a),
    lambda a: a[1:] - a[:-1],
    lambda a: a[::-1],
    lambda a: a.reshape(-1) * 2,
    lambda a: (a > 0).astype(np.int32),
    lambda a: a.T + 1,
    lambda a: np.zeros(a.shape) + np.ones_like(a),
    lambda a: np.maximum(a, 0.5).cumsum(),
    lambda a: (a.shape, a.ndim, a.size, len(a)),
    lambda a: a.astype(np.float32) * 1.5,
    lambda a: a,
    lambda a: [a, (a + 1, 2.0)],
    lambda a: {"twice": 2 * a, "n": 3},
]


@pytest.mark.parametrize("k", range(len(SIMPLE)))
@pytest.mark.parametrize("a", [A, M, A[:0], M[:1], A.astype(np.float32)],
                         ids=["1d", "2d", "empty", "row", "f32"])
def test_simple_functions_of_an_array(k, a):
    check(SIMPLE[k], a)


@pytest.mark.parametrize("k", [0, 1, 3, 6, 7, 10])
def test_layouts(k):
    for a in layouts(M):
        check(SIMPLE[k], a)


@pytest.mark.parametrize("dtype", list("?bhiqBHIQefdFD"))
def test_dtypes(dtype):
    a = np.array([0, 1, 1, 0, 1], dtype)
    b = (np.arange(5) * 3).astype(dtype)
    check(lambda x, y: x + y, a, b)
    check(lambda x, y: (x * y, x == y, x.sum(), x.astype(np.float64)), a, b)


def scalars(x, y):
    return x + y, x * y, x - y, x < y, -x, abs(x), x / y, x // y, x % y


@pytest.mark.parametrize("x, y", [
    (3, 4), (-7, 2), (7, -2), (2.5, -0.5), (True, 2), (True, True), (3, 0.5),
    (np.float32(1.5), 2), (np.int8(100), np.int8(27)), (np.float64(2), 3), (1, 0), (1.0, 0.0)])
def test_scalars(x, y):
    with np.errstate(all="ignore"):
        check(scalars, x, y)


def test_complex_scalars():
    check(lambda z, w: (z * w, z + 1, z / w, z.real, abs(z)), 1 + 2j, 3 - 1j)


class Point(NamedTuple):
    x: float
    y: np.ndarray


@dataclasses.dataclass
class State:
    position: np.ndarray
    velocity: float
    name: str = "s"


def test_nested_arguments():
    check(lambda p: p[0] + p[1]["k"] * p[2][0], (1.5, {"k": A}, [2, 3]))
    check(lambda p: p.x * p.y, Point(2.0, A))
    check(lambda s: s.position + s.velocity, State(A, 0.5))
    check(lambda p: Point(p.x + 1, p.y * 2), Point(2.0, A))


def step(state, dt):
    state.position += state.velocity * dt
    state.velocity = state.velocity * 0.5
    return state.position.sum()


def test_objects_are_mutated():
    check(step, State(A.copy(), 0.5), 0.1)


class Model:
    def __init__(self):
        self.w = np.ones(11)

    @hotloop.jit
    def predict(self, x, scale=2.0):
        return (self.w * x).sum() * scale


def test_methods():
    model = Model()
    assert model.predict(A) == pytest.approx(A.sum() * 2)
    model.w = np.zeros(11)
    assert model.predict(A, scale=3.0) == 0


def keywords(a, *, b=2.0, c=None):
    if c is None:
        return a * b
    return a * b + c


def test_keywords_defaults_none():
    f = check(keywords, A)
    check(keywords, A, jitted=f, b=3.0)
    check(keywords, A, jitted=f, c=1.0)
    check(keywords, A, jitted=f, b=1, c=A)


def test_static_arguments():
    def power(x, n, mode):
        for _ in range(n):
            x = x * x
        return -x if mode == "neg" else x

    f = hotloop.jit(power, static_argnums=1, static_argnames="mode", cache=False)
    for n, mode in ((1, "neg"), (3, "pos"), (2, "neg")):
        check(power, A, n, mode, jitted=f)


# ---- control flow

def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def search(a, x):
    for i in range(len(a)):
        if a[i] >= x:
            return i
    return -1


def nested_breaks(a, limit):
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] < 0:
                continue
            total += a[i, j]
            if total > limit:
                break
        else:
            total += 0.25
        if total > 2 * limit:
            break
    return total, i


def widen(n):
    acc = 0
    for i in range(n):
        acc += i * 0.5
    return acc


def first_bound_inside(a):
    for x in a:
        if x > 1:
            found = x
    return found


def short_circuit(a, i):
    return bool(0 <= i < len(a) and a[i] > 0 or i == -1 and not a[0] > 5)


def ladder(x):
    if x < 0:
        return "neg"
    elif x == 0:
        return "zero"
    return "pos"


def classify(x):
    if x < 0:
        y = -1
    elif x < 1:
        y = 0
    else:
        y = 1
    return y if y else x


def primes(n):
    sieve = np.ones(n + 1, dtype=bool)
    sieve[:2] = False
    i = 2
    while i * i <= n:
        if sieve[i]:
            sieve[i * i::i] = False
        i += 1
    return sieve.sum()


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def newton(x):
    guess = x
    for _ in range(50):
        new = 0.5 * (guess + x / guess)
        if abs(new - guess) < 1e-12:
            return new
        guess = new
    raise RuntimeError("no convergence")


def enumerate_zip(a, b):
    total = 0.0
    for i, (x, y) in enumerate(zip(a, b)):
        total += i * x * y
    for x in reversed(a):
        total = total * 0.5 + x
    for row in b.reshape(1, -1):
        total += row.sum()
    return total


@pytest.mark.parametrize("function, cases", [
    (collatz, [(27,), (1,), (97,)]),
    (search, [(A, 0.5), (A, 99.0), (A[:0], 0.0)]),
    (nested_breaks, [(M - 3, 10.0), (M, 1e9), (M[:1], 0.0)]),
    (widen, [(5,), (0,), (1,)]),
    (first_bound_inside, [(A,), (A - 10,)]),
    (short_circuit, [(A, 3), (A, 100), (A, -1), (A, 9)]),
    (classify, [(-1.5,), (0.5,), (2.0,), (0.0,)]),
    (primes, [(100,), (2,), (1,)]),
    (gcd, [(48, 36), (7, 0), (17, 5)]),
    (newton, [(2.0,), (1e6,)]),
    (enumerate_zip, [(A, A + 1)]),
], ids=lambda x: getattr(x, "__name__", ""))
def test_control_flow(function, cases):
    jitted = hotloop.jit(function, cache=False)
    for args in cases:
        check(function, *args, jitted=jitted)


# ---- arrays in loops

def jacobi(grid, steps):
    new = grid.copy()
    for _ in range(steps):
        new[1:-1, 1:-1] = 0.25 * (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2]
                                  + grid[1:-1, 2:])
        grid, new = new, grid
    return grid


def heat(u, steps):
    for _ in range(steps):
        u[1:-1] += 0.1 * (u[:-2] - 2 * u[1:-1] + u[2:])


def matmul_loops(a, b):
    c = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    return c


def histogram(a, bins):
    counts = np.zeros(bins, dtype=np.int64)
    for x in a:
        k = int((x + 2) / 5.5 * bins)
        counts[k] += 1
    return counts


def mandelbrot(width, height, limit):
    image = np.zeros((height, width), dtype=np.int64)
    for y in range(height):
        for x in range(width):
            c = complex(-2 + 3 * x / width, -1 + 2 * y / height)
            z = 0j
            k = 0
            while k < limit and z.real * z.real + z.imag * z.imag < 4.0:
                z = z * z + c
                k += 1
            image[y, x] = k
    return image


def cholesky(a):
    n = a.shape[0]
    for i in range(n):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[j, :j]
            a[i, j] /= a[j, j]
        a[i, i] = np.sqrt(a[i, i] - a[i, :i] @ a[i, :i])


def softmax(x):
    m = x.max(axis=1, keepdims=True)
    e = np.exp(x - m)
    return e / e.sum(axis=1, keepdims=True)


def prefix(a):
    out = np.empty_like(a)
    run = 0.0
    for i in range(a.size):
        run = run * 0.5 + a[i]
        out[i] = run
    return out


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= int(byte)
        for _ in range(8):
            if value & 1:
                value = (value >> 1) ^ 0xEDB88320
            else:
                value >>= 1
    return value ^ 0xFFFFFFFF


def layers(x, w1, b1, w2):
    hidden = np.maximum(x @ w1 + b1, 0.0)
    return np.tanh(hidden @ w2)


def swap_rows(a, i, j):
    a[i], a[j] = a[j].copy(), a[i].copy()


def shift(a):
    a[1:] = a[:-1]
    return a[0]


def masks(a):
    a[a < 0] = 0
    return a[a > 1]


def bubble(a):
    n = len(a)
    for i in range(n):
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]


def extremes_so_far(a):
    return np.maximum.accumulate(a), np.minimum.accumulate(a > 0.5)


def places(a):
    return np.nonzero(a > 0), np.flatnonzero(a), a[a > 9], np.argwhere(a < 1)


def results_of_many_types(a, x):
    def inner(v):
        if v > 9:
            return "big"
        return a * v if v > 5 else None

    if x > 3:
        return inner(x)
    elif x > 2:
        return a
    elif x > 1:
        b = a[1:]
        return b, x
    for i in range(len(a)):
        if a[i] == x:
            return i, a
    if x < -5:
        raise ValueError("small")
    return None


SPD = (lambda r: r @ r.T + 5 * np.eye(5))(np.random.default_rng(0).standard_normal((5, 5)))


@pytest.mark.parametrize("function, args", [
    (jacobi, (np.random.default_rng(1).random((7, 9)), 5)),
    (jacobi, (np.random.default_rng(1).random((3, 3)), 0)),
    (heat, (A.copy(), 10)),
    (matmul_loops, (M, M.T)),
    (histogram, (A, 7)),
    (mandelbrot, (12, 8, 30)),
    (cholesky, (SPD,)),
    (softmax, (M,)),
    (prefix, (A,)),
    (crc, (np.frombuffer(b"hotloop compiles", dtype=np.uint8),)),
    (layers, (M, M.T[:, :3], A[:3], np.ones((3, 2)))),
    (swap_rows, (M.copy(), 0, 2)),
    (shift, (A.copy(),)),
    (extremes_so_far, (np.array([1.0, -2.0, 3.0, np.nan, 4.0]),)),
    (extremes_so_far, (np.array([[1, -5], [0, 7]], dtype=np.int16),)),
    (extremes_so_far, (A[:0],)),
    (places, (M,)), (places, (M * 0,)), (places, (M[:, :0],)), (places, (-M.reshape(2, 3, 2),)),
    (masks, (A.copy(),)),
    (bubble, (np.random.default_rng(2).permutation(9) * 1.0,)),
], ids=lambda x: getattr(x, "__name__", ""))
def test_arrays(function, args):
    check(function, *args)


def test_results_of_many_types():
    jitted = hotloop.jit(results_of_many_types, cache=False)
    for x in (10.0, 7.0, 4.0, 2.5, 1.5, 0.5, 0.25, -9.0):
        check(results_of_many_types, A, x, jitted=jitted)
    assert jitted.cache_info().specializations == 1


def test_one_compilation_serves_every_size():
    f = hotloop.jit(softmax, cache=False)
    for shape in ((3, 4), (7, 2), (50, 33), (0, 3), (2, 100)):
        check(softmax, np.random.default_rng(0).random(shape), jitted=f)
    assert f.cache_info().specializations <= 2


# ---- effects

def test_print_runs_each_time(capsys):
    def hello(n):
        for i in range(n):
            print("i =", i, i * 0.5, sep=" ")
        return n

    f = hotloop.jit(hello, cache=False)
    f(2)
    f(3)
    assert capsys.readouterr().out == "i = 0 0.0\ni = 1 0.5\n" * 1 + (
        "i = 0 0.0\ni = 1 0.5\ni = 2 1.0\n")


def test_random_draws():
    def pi(n):
        acc = 0
        for _ in range(n):
            x = random.random()
            y = random.random()
            if x * x + y * y < 1.0:
                acc += 1
        return 4.0 * acc / n

    f = hotloop.jit(pi, cache=False)
    hotloop.seed(1)
    first, second = f(100_000), f(100_000)
    assert abs(first - math.pi) < 0.03 and first != second
    hotloop.seed(1)
    assert f(100_000) == first


# ---- errors

def bad_index(a, i):
    return a[i]


def divide(a, b):
    return a // b


@pytest.mark.parametrize("function, args", [
    (bad_index, (A, 11)), (bad_index, (A, -12)), (bad_index, (A, 3)), (bad_index, (A, -1)),
    (divide, (1, 0)), (divide, (7, 2)), (refuse, (2,)), (refuse, (-1,)), (refuse, (1,)),
    (lambda a, b: a + b, (A, A[:3])), (lambda a, b: a @ b, (M, M)),
    (lambda a: a.max(), (A[:0],)),
])
def test_exceptions_are_pythons(function, args):
    check(function, *args)


def test_ints_that_outgrow_64_bits():
    def grow(n):
        x = 1
        for _ in range(n):
            x = x * 3
        return x

    f = hotloop.jit(grow, cache=False)
    assert f(39) == 3**39
    with pytest.raises(OverflowError):
        f(41)


def test_traceback_shows_the_users_line():
    f = hotloop.jit(bad_index, cache=False)
    with pytest.raises(IndexError) as info:
        f(A, 99)
    last = info.traceback[-1]
    assert str(last.path) == __file__
    assert last.lineno == bad_index.__code__.co_firstlineno  # 0-based: the line after `def`


# ---- looking at it

def relu(x):
    return max(0.0, x)


def test_make_jaxpr():
    assert repr(hotloop.make_jaxpr(relu)(1.0)) == (
        "{ lambda ; a:f64[]. let b:f64[] = max 0.0 a in (b,) }")


def test_lower_shows_every_stage():
    lowered = hotloop.jit(softmax, cache=False).lower(M)
    assert lowered.program.startswith("{ lambda ;")
    assert "exp" in lowered.loops
    assert "define" in lowered.llvm
    assert "ret" in lowered.asm


def test_lambdas_defined_again_compile_once():
    sizes = set()
    for _ in range(3):
        f = hotloop.jit(lambda a: a * 2 + 1, cache=False)
        f(A)
        sizes.add(f.cache_info().seconds)
    assert len(sizes) == 1


def test_explain():
    f = hotloop.jit(softmax, cache=False)
    f(M)
    text = hotloop.explain(f)
    assert "softmax" in text and "compiled in" in text


def test_results_of_two_calls_are_independent():
    f = hotloop.jit(lambda a: a + 1, cache=False)
    first = f(A)
    second = f(A * 2)
    same(first, A + 1)
    same(second, A * 2 + 1)


def test_arrays_without_axes_are_stored_to():
    def update(x, n):
        for i in range(n):
            x[...] = x * 2 + i
        x += 1.5
        x[()] -= 0.25
        return x

    def chosen(x, y, first):
        z = x if first else y
        z *= 3
        return z
    check(update, np.array(1.0), 4)
    check(update, np.array(1.0), 0)
    check(chosen, np.array(2, np.int8), np.array(3, np.int8), True)
    check(chosen, np.array(2, np.int8), np.array(3, np.int8), False)
    a = np.arange(3.0)
    hotloop.jit(update, cache=False)(a[1:2].reshape(()), 2)
    same(a, np.array([0.0, 6.25, 2.0]))


def test_read_only_views_as_results():
    def views(m, n):
        return m.diagonal(1), np.broadcast_to(m[0], (n, m.shape[1])), m.T.diagonal(), m[0].T

    jitted = check(views, M, 3)
    m = M.copy()
    for got, expected in zip(jitted(m, 2), views(m, 2), strict=True):
        assert np.shares_memory(got, m) and got is not m
        assert got.strides == expected.strides
        assert got.flags.writeable == expected.flags.writeable
