"""Gradients, and products with the Hessian, of plain NumPy functions against JAX's.

Skipped where JAX is not installed. A function is given to JAX with `np` meaning `jax.numpy`; what
that can't express (mutation, loops whose length it may not unroll) has a second form.
"""

import math
import types
import zlib

import numpy as np
import pytest

import hotloop

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
jnp = jax.numpy
lax = jax.lax

CASES = []


def values(name, *shapes, low=-1.0, high=1.0):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return [rng.uniform(low, high, s) if s else float(rng.uniform(low, high)) for s in shapes]


def case(*args, jax_form=None, tolerance=1e-10, hessian=True, **shapes):
    """The arguments of a function, or the shapes of random ones by name."""
    def add(f):
        given = list(args) or values(f.__name__, *shapes.values())
        CASES.append(pytest.param(f, given, jax_form, tolerance, hessian, id=f.__name__))
        return f
    return add


class Math(types.SimpleNamespace):
    """`math` for JAX."""
    def __init__(self):
        special = jax.scipy.special
        super().__init__(**{n: getattr(jnp, n) for n in ("exp", "log", "sqrt", "sin", "cos")},
                         erf=special.erf, lgamma=special.gammaln, pi=math.pi)


def for_jax(f):
    scope = {**f.__globals__, "np": jnp, "math": Math()}
    return types.FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)


def equal(got, want, tolerance):
    for g, w in zip(got, want, strict=True):
        w = np.asarray(w)
        scale = float(np.max(np.abs(w), initial=1e-3))
        assert np.shape(g) == w.shape
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance * scale)


# ---- learning

@case(w=(3, 4), b=(4,), v=(4,), x=(7, 3), y=(7,))
def perceptron(w, b, v, x, y):
    return np.mean((np.tanh(x @ w + b) @ v - y) ** 2)


@case(w=(4,), x=(9, 4), y=(9,))
def logistic_regression(w, x, y):
    z = x @ w
    return np.mean(np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - z * (y > 0)) + 0.1 * w @ w


@case(x=(5, 3), w=(3, 4))
def softmax_entropy(x, w):
    z = x @ w
    z = z - np.max(z, axis=1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.sum(p * np.log(p))


@case(q=(4, 3), k=(5, 3), v=(5, 2))
def attention(q, k, v):
    s = q @ k.T / math.sqrt(3.0)
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return np.sum((e / e.sum(axis=-1, keepdims=True) @ v) ** 2)


@case(x=(4, 6), g=(6,), b=(6,))
def layer_norm(x, g, b):
    m = x.mean(axis=-1, keepdims=True)
    s = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return np.sum(np.sin((x - m) / s * g + b))


@case(points=(8, 2), centers=(3, 2))
def k_means(points, centers):
    d = np.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=-1)
    return np.sum(np.min(d, axis=1))


def rnn_jax(w, u, x):
    def step(h, xt):
        h = jnp.tanh(w @ h + u @ xt)
        return h, jnp.sum(h * h)
    return jnp.sum(lax.scan(step, jnp.zeros(3), x)[1])


@case(w=(3, 3), u=(3, 2), x=(10, 2), jax_form=rnn_jax)
def rnn(w, u, x):
    h = np.zeros(3)
    total = 0.0
    for t in range(len(x)):
        h = np.tanh(w @ h + u @ x[t])
        total += np.sum(h * h)
    return total


# ---- functions of optimization

@case(x=(6,))
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@case(x=(5,))
def ackley(x):
    a = -20 * np.exp(-0.2 * np.sqrt(np.mean(x ** 2)))
    return a - np.exp(np.mean(np.cos(2 * np.pi * x))) + 20 + np.e


@case(x=(4,), y=(4,))
def elementary(x, y):
    a = np.hypot(x, y) + np.arctan2(x, y) + np.expm1(x) * np.log1p(y * y)
    b = np.arcsinh(x) + np.cbrt(y + 2) + np.exp2(x) * np.log2(y + 3) + np.tanh(x) * np.sinh(y)
    return np.sum(a * b + np.arctan(x) * np.arccos(y) + np.logaddexp(x, y) + np.sinc(x))


@case(x=(6,), y=(6,))
def choices(x, y):
    a = np.where(x > y, np.sin(x), np.cos(y)) + np.clip(x, -0.5, 0.5) * y
    return np.sum(a * np.abs(x - y) + np.maximum(x, y) * np.minimum(x * x, y) + np.sign(x) * y)


@case(x=(5,), y=(5,))
def powers(x, y):
    a = np.abs(x) + 0.5
    return np.sum(a ** y + a ** 3 + a ** -1.5 + 2.0 ** x + np.square(y) + np.reciprocal(a))


@case(x=(7,), y=(7,))
def remainders(x, y):
    z = y * y + 0.3
    return np.sum(np.mod(x * 5, z) ** 2 + np.fmod(x * 7, z) * x + np.floor(x * 3) * y)


# ---- statistics

@case(x=(5, 6))
def moments(x):
    c = x - np.mean(x, axis=0)
    return np.sum(np.std(x, axis=1)) + np.var(x) + np.sum(np.ptp(x, axis=0)) + np.sum(c ** 3)


@case(x=(11,), y=(4, 5))
def order(x, y):
    a = np.median(x) ** 2 + np.quantile(x, 0.3) * np.percentile(y, 80.0)
    return a + np.sum(np.sort(y, axis=1) * np.arange(5.0)) + np.sum(np.median(y, axis=0) ** 2)


@case(x=(6,))
def running(x):
    a = np.cumsum(x) ** 2
    return np.sum(a * np.cumprod(x + 1.5)) + np.prod(x + 2) + np.sum(np.diff(a) ** 2)


@case(np.array([1.5, 0.0, -2.0, 0.0, 3.0]))
def product_with_zeros(x):
    return np.prod(x) + np.prod(x[:3]) ** 2 + np.prod(x[1:4] + 1)


@case(s=(), k=(), t=())
def option_price(s, k, t):
    s, k, t = s + 3.0, k + 3.0, t + 2.0
    d = (math.log(s / k) + 0.06 * t) / (0.3 * math.sqrt(t))
    e = d - 0.3 * math.sqrt(t)
    normal = 0.5 * (1 + math.erf(d / math.sqrt(2.0)))
    return s * normal - k * math.exp(-0.02 * t) * 0.5 * (1 + math.erf(e / math.sqrt(2.0)))


@case(a=(), b=())
def beta_density(a, b):
    a, b = a + 2.5, b + 3.5
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return (a - 1) * math.log(0.3) + (b - 1) * math.log(0.7) - log_beta


# ---- linear algebra

@case(x=(4, 4), y=(4,))
def gaussian_density(x, y):
    s = x @ x.T + np.eye(4)
    c = np.linalg.cholesky(s)
    z = np.linalg.solve(c, y)
    return -0.5 * z @ z - np.sum(np.log(np.diag(c)))


@case(x=(6, 2), y=(6,), h=())
def gaussian_process(x, y, h):
    d = np.sum((x[:, None] - x[None]) ** 2, axis=-1)
    k = np.exp(-d / (h + 2.0) ** 2) + 0.1 * np.eye(6)
    return y @ np.linalg.solve(k, y) + np.linalg.slogdet(k)[1]


@case(x=(3, 3))
def determinants(x):
    a = x + 2 * np.eye(3)
    return np.linalg.det(a) + np.sum(np.linalg.inv(a) ** 2) + np.trace(a @ a @ a)


@case(x=(4, 4), t=(4,), tolerance=1e-8)
def spectrum(x, t):
    w, v = np.linalg.eigh(x + x.T + np.diag(3.0 * np.arange(4)))
    return np.sum(np.exp(w * 0.1)) + (v @ (w * (v.T @ t))) @ t + np.sum(v[:, 0] ** 4)


@case(x=(4, 3), tolerance=1e-8)
def singular(x):
    a = x + np.eye(4, 3) * np.arange(1.0, 4.0)
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.sum(np.sqrt(s)) + np.sum((u * s ** 2) @ vh) + np.linalg.norm(a, "nuc")


@case(x=(4, 3), y=(4,), tolerance=1e-8)
def least_squares(x, y):
    a = x + np.eye(4, 3)
    q, r = np.linalg.qr(a)
    z = np.linalg.solve(r, q.T @ y)
    return z @ z + np.sum(np.linalg.pinv(a) @ y) + np.sum(q[0] ** 2)


@case(x=(3, 4), y=(5,))
def norms(x, y):
    a = np.linalg.norm(x) + np.linalg.norm(y, 1) + np.linalg.norm(y, np.inf)
    return a + np.linalg.norm(y, 3) + np.sum(np.linalg.norm(x, axis=1)) + np.linalg.norm(x, 1)


@case(a=(3, 4), b=(4, 2), c=(3, 2))
def contractions(a, b, c):
    return (np.einsum("ij,jk,ik->", a, b, c) + np.sum(np.tensordot(a, b, 1) ** 2)
            + np.sum(np.outer(a[0], b[:, 1])) + np.vdot(a, a) + np.sum(np.kron(c, b)))


@case(x=(2, 3, 4), y=(5, 1, 4, 2))
def stacks(x, y):
    return np.sum((x @ y) ** 2) + np.sum(np.matmul(x[0], y[0, 0]) ** 3)


# ---- signals

@case(x=(8,), w=(8,))
def filtered(x, w):
    f = np.fft.rfft(x)
    y = np.fft.irfft(f * (1 + np.fft.rfft(w)), 8)
    return np.sum(np.abs(np.fft.fft(y * w)) ** 2) + np.sum(y ** 2)


@case(x=(4, 6))
def images(x):
    return np.sum(np.abs(np.fft.fft2(x)) ** 3) + np.sum(np.real(np.fft.ifft(x, axis=0)) ** 2)


@case(x=(7,), k=(3,))
def convolved(x, k):
    a = np.convolve(x, k)
    return np.sum(a ** 2) + np.sum(np.convolve(x, k, "same")) * np.sum(np.convolve(x, k, "valid"))


@case(x=(6,), f=(5,))
def interpolated(x, f):
    grid = np.array([-1.0, -0.4, 0.0, 0.3, 1.0])
    return np.sum(np.interp(x, grid, f) ** 2) + np.sum(np.interp(2 * x, grid, f, 3.0, 4.0))


@case(c=(4,), x=(5,))
def polynomials(c, x):
    return np.sum(np.polyval(c, x) ** 2) + np.sum(np.trapezoid(x * x, x))


@case(x=(3, 4), y=(2, 4))
def moved(x, y):
    a = np.concatenate([x, y], axis=0)
    b = np.roll(np.transpose(a), 1, axis=0).reshape(2, 10)
    return np.sum(np.stack([b, b ** 2]) * np.flip(b, 1)) + np.sum(np.tile(y, (2, 1))[::3] ** 2)


@case(x=(5,))
def gathered(x):
    i = np.array([0, 2, 2, 4])
    return np.sum(x[i] ** 2 * x[i[::-1]]) + np.sum(np.take(x, i) * x[1:]) + x[np.argmax(x)] ** 3


@case(z=(4,), w=(4,))
def complex_numbers(z, w):
    c = z + 1j * w
    a = np.exp(c) * np.sqrt(c + 2) / (c + 3)
    return np.sum(np.abs(a)) + np.sum(np.real(np.sin(c) * np.conj(a))) + np.sum(np.angle(c + 2))


# ---- loops and branches

def pendulum_jax(q, p):
    def step(i, s):
        q, p = s
        p = p - 0.1 * jnp.sin(q)
        return q + 0.1 * p, p
    q, p = lax.fori_loop(0, 20, step, (q, p))
    return q * q + jnp.cos(p)


@case(q=(), p=(), jax_form=pendulum_jax)
def pendulum(q, p):
    for _ in range(20):
        p = p - 0.1 * math.sin(q)
        q = q + 0.1 * p
    return q * q + math.cos(p)


def lorenz(s):
    return np.array([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])


def runge_kutta_jax(s):
    def field(s):
        return jnp.array([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1],
                          s[0] * s[1] - 8 / 3 * s[2]])

    def step(s, _):
        k1 = field(s)
        k2 = field(s + 0.005 * k1)
        k3 = field(s + 0.005 * k2)
        k4 = field(s + 0.01 * k3)
        return s + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4), 0
    s, _ = lax.scan(step, s, None, length=30)
    return s @ s


@case(s=(3,), jax_form=runge_kutta_jax)
def runge_kutta(s):
    for _ in range(30):
        k1 = lorenz(s)
        k2 = lorenz(s + 0.005 * k1)
        k3 = lorenz(s + 0.005 * k2)
        k4 = lorenz(s + 0.01 * k3)
        s = s + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s @ s


def heat_jax(u, c):
    def step(u, _):
        inner = u[1:-1] + 0.2 * c * (u[2:] - 2 * u[1:-1] + u[:-2])
        return u.at[1:-1].set(inner), 0
    return jnp.sum(lax.scan(step, u, None, length=15)[0] ** 2)


@case(u=(9,), c=(), jax_form=heat_jax)
def heat(u, c):
    u = u.copy()
    for _ in range(15):
        u[1:-1] = u[1:-1] + 0.2 * c * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u ** 2)


def branching_jax(x):
    def step(s, v):
        return lax.cond(v > 0, lambda s: s * jnp.cos(v), lambda s: s + v * v, s), 0
    return lax.scan(step, 1.0, x)[0]


@case(x=(9,), jax_form=branching_jax)
def branching(x):
    s = 1.0
    for v in x:
        if v > 0:
            s = s * np.cos(v)
        else:
            s = s + v * v
    return s


def factored_jax(x):
    c = jnp.linalg.cholesky(x @ x.T + 3 * jnp.eye(4))
    return jnp.sum(jnp.tril(c) ** 3)


@case(x=(4, 4), jax_form=factored_jax)
def factored(x):
    a = x @ x.T + 3 * np.eye(4)
    n = len(a)
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= c[i, k] * c[j, k]
            if i == j:
                c[i, i] = np.sqrt(s)
            else:
                c[i, j] = s / c[j, j]
    return np.sum(c ** 3)


def newton_jax(a):
    x = a + 3.0
    for _ in range(30):
        x = 0.5 * (x + (a + 3.0) / x)
    return x * a


@case(a=(), jax_form=newton_jax)
def newton(a):
    x = a + 3.0
    while abs(x * x - a - 3.0) > 1e-14:
        x = 0.5 * (x + (a + 3.0) / x)
    return x * a


def forward_algorithm_jax(t, e, o):
    t, e = jnp.asarray(t), jnp.asarray(e)

    def step(alpha, k):
        alpha = (alpha @ (jnp.exp(t) / jnp.sum(jnp.exp(t), axis=1, keepdims=True))) * jnp.exp(
            e[:, k])
        return alpha / jnp.sum(alpha), jnp.log(jnp.sum(alpha))
    return jnp.sum(lax.scan(step, jnp.ones(3) / 3, o)[1])


@case(*values("hmm", (3, 3), (3, 4)), np.array([0, 3, 1, 1, 2, 0, 3]),
      jax_form=forward_algorithm_jax)
def forward_algorithm(t, e, o):
    move = np.exp(t) / np.sum(np.exp(t), axis=1, keepdims=True)
    alpha = np.ones(3) / 3
    total = 0.0
    for k in o:
        alpha = (alpha @ move) * np.exp(e[:, k])
        total += np.log(np.sum(alpha))
        alpha = alpha / np.sum(alpha)
    return total


def alignment_jax(x, y):
    cost = (x[:, None] - y[None]) ** 2
    table = {}
    for i in range(len(x)):
        for j in range(len(y)):
            before = [table[p] for p in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if p in table]
            soft = -jnp.log(sum(jnp.exp(-b) for b in before)) if before else 0.0
            table[i, j] = cost[i, j] + soft
    return table[len(x) - 1, len(y) - 1]


@case(x=(5,), y=(4,), jax_form=alignment_jax)
def alignment(x, y):
    n, m = len(x), len(y)
    r = np.full((n + 1, m + 1), np.inf)
    r[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            s = np.exp(-r[i - 1, j]) + np.exp(-r[i, j - 1]) + np.exp(-r[i - 1, j - 1])
            r[i, j] = (x[i - 1] - y[j - 1]) ** 2 - np.log(s)
    return r[n, m]


@pytest.mark.parametrize("f, args, jax_form, tolerance, hessian", CASES)
def test_against_jax(f, args, jax_form, tolerance, hessian):
    floats = tuple(k for k, a in enumerate(args) if np.asarray(a).dtype.kind == "f")
    theirs = jax_form or for_jax(f)
    np.testing.assert_allclose(hotloop.jit(f)(*args), theirs(*args), rtol=1e-12)
    gradient, want = hotloop.grad(f, floats), jax.grad(theirs, floats)
    equal(gradient(*args), want(*args), tolerance)
    if not hessian:
        return
    rng = np.random.default_rng(1)
    along = [rng.uniform(-1, 1, np.shape(args[k]))[()] for k in floats]

    def of_floats(g):
        def call(*chosen):
            rest = list(args)
            for k, v in zip(floats, chosen, strict=True):
                rest[k] = v
            return g(*rest)
        return call

    chosen = tuple(args[k] for k in floats)
    _, got = hotloop.jvp(of_floats(gradient), chosen, tuple(along))
    _, second = jax.jvp(of_floats(want), chosen, tuple(along))
    equal(got, second, 100 * tolerance)
