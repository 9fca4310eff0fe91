"""Linear algebra by NumPy's products: BLAS with operands and results that ask for fusion."""

import numpy as np

from .spec import SAME, Kernel


def gemm(alpha, beta, a, b, c):
    """alpha A B + beta C"""
    return alpha * (a @ b) + beta * c


def gemver(a, u1, v1, u2, v2, y, z, alpha, beta):
    """Two updates of rank 1 and two products with a vector."""
    b = a + np.outer(u1, v1) + np.outer(u2, v2)
    x = beta * (b.T @ y) + z
    return b, x, alpha * (b @ x)


def atax(a, x):
    """A matrix and its transpose times a vector."""
    return (a @ x) @ a


def covariance(x):
    """The covariance matrix of the columns."""
    centered = x - x.mean(axis=0)
    return centered.T @ centered / (len(x) - 1)


def covariance_numba():
    def covariance(x):
        mean = np.zeros(x.shape[1])
        for i in range(len(x)):
            mean += x[i]
        centered = x - mean / len(x)
        return centered.T @ centered / (len(x) - 1)
    return covariance


def power_iteration(a, steps):
    """The largest eigenvalue: products with a vector, normalized each time."""
    v = np.ones(len(a))
    value = 0.0
    for _ in range(steps):
        w = a @ v
        value = np.sqrt(np.sum(w * w))
        v = w / value
    return value, v


def power_iteration_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def power_iteration(a, steps):
        def step(_, state):
            w = a @ state[1]
            value = jnp.sqrt(jnp.sum(w * w))
            return value, w / value
        return jax.lax.fori_loop(0, steps, step, (0.0, jnp.ones(len(a))))
    return power_iteration


def conjugate_gradient(a, b, steps):
    """Steps of conjugate gradients: a product, two dot products, three updates each."""
    x = np.zeros(len(b))
    r = b - a @ x
    p = r
    rr = r @ r
    for _ in range(steps):
        ap = a @ p
        alpha = rr / (p @ ap)
        x = x + alpha * p
        r = r - alpha * ap
        new = r @ r
        p = r + (new / rr) * p
        rr = new
    return x


def conjugate_gradient_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def conjugate_gradient(a, b, steps):
        def step(_, state):
            x, r, p, rr = state
            ap = a @ p
            alpha = rr / (p @ ap)
            x = x + alpha * p
            r = r - alpha * ap
            new = r @ r
            return x, r, r + (new / rr) * p, new
        return jax.lax.fori_loop(0, steps, step, (jnp.zeros_like(b), b, b, b @ b))[0]
    return conjugate_gradient


def batched(a, b):
    """Many small products: (n, 4, 4) times (n, 4, 4)."""
    return a @ b


def batched_numba():
    def batched(a, b):
        out = np.empty_like(a)
        for k in range(len(a)):
            for i in range(4):
                for j in range(4):
                    s = 0.0
                    for m in range(4):
                        s += a[k, i, m] * b[k, m, j]
                    out[k, i, j] = s
        return out
    return batched


def solve(a, b):
    """A system of linear equations by LAPACK."""
    return np.linalg.solve(a, b)


def definite(n, rng):
    a = rng.random((n, n))
    return a @ a.T / n + 4.0 * np.eye(n)


KERNELS = [
    Kernel(gemm, make=lambda n, rng: (1.5, 1.2, *(rng.random((n, n)) for _ in range(3))),
           sizes=(30, 200, 1_000), work=lambda n: (32 * n * n, 2 * n**3), jax=SAME,
           torch_compile=SAME),
    Kernel(gemver, make=lambda n, rng: (rng.random((n, n)), *(rng.random(n) for _ in range(6)),
                                        1.5, 1.2),
           sizes=(60, 500, 3_000), work=lambda n: (32 * n * n, 8 * n * n), jax=SAME),
    Kernel(atax, make=lambda n, rng: (rng.random((n, n)), rng.random(n)), sizes=(60, 500, 3_000),
           work=lambda n: (8 * n * n, 4 * n * n), jax=SAME, torch_compile=SAME),
    Kernel(covariance, make=lambda n, rng: (rng.random((n, 40)),), sizes=(50, 5_000, 200_000),
           work=lambda n: (320 * n, 3200 * n), jax=SAME,
           numba=covariance_numba),
    Kernel(power_iteration, make=lambda n, rng: (definite(n, rng), 20), sizes=(30, 300, 1_500),
           work=lambda n: (8 * n * n * 20, 2 * n * n * 20), jax=power_iteration_jax),
    Kernel(conjugate_gradient, make=lambda n, rng: (definite(n, rng), rng.random(n), 10),
           sizes=(30, 300, 1_500), work=lambda n: (8 * n * n * 10, 2 * n * n * 10),
           jax=conjugate_gradient_jax, tolerance=1e-7),
    Kernel(batched, make=lambda n, rng: (rng.random((n, 4, 4)), rng.random((n, 4, 4))),
           sizes=(100, 10_000, 200_000), work=lambda n: (384 * n, 128 * n), numba=batched_numba,
           jax=SAME, torch_compile=SAME),
    Kernel(solve, make=lambda n, rng: (rng.random((n, n)) + n * np.eye(n), rng.random(n)),
           sizes=(10, 100, 1_000), work=lambda n: (8 * n * n, 2 * n**3 / 3), jax=SAME),
]
