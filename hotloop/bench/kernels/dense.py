"""Dense linear algebra as textbooks write it: loops over rows and columns, and parts of them."""

import numpy as np

from .spec import Kernel


def matmul_loops(a, b):
    """A matrix product as three loops."""
    n, m = a.shape
    c = np.zeros((n, b.shape[1]))
    for i in range(n):
        for k in range(m):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]
    return c


def matmul_parallel():
    from numba import prange

    def matmul_loops(a, b):
        n, m = a.shape
        c = np.zeros((n, b.shape[1]))
        for i in prange(n):
            for k in range(m):
                for j in range(b.shape[1]):
                    c[i, j] += a[i, k] * b[k, j]
        return c
    return matmul_loops


def matmul_numpy():
    return lambda a, b: a @ b


def matmul_jax():
    import jax
    return jax.jit(lambda a, b: a @ b)


def lu(a):
    """LU factorization in place, without pivots, in scalars."""
    n = len(a)
    for i in range(n):
        for j in range(i):
            for k in range(j):
                a[i, j] -= a[i, k] * a[k, j]
            a[i, j] /= a[j, j]
        for j in range(i, n):
            for k in range(i):
                a[i, j] -= a[i, k] * a[k, j]


def lu_numpy():
    def lu(a):
        n = len(a)
        for k in range(n - 1):
            a[k + 1:, k] /= a[k, k]
            a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])
    return lu


def lu_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def lu(a):
        rows = jnp.arange(len(a))

        def column(k, a):
            factors = jnp.where(rows > k, a[:, k] / a[k, k], 0.0)
            rest = jnp.where(rows > k, a[k], 0.0)
            a = a - factors[:, None] * rest[None, :]
            return a.at[:, k].set(jnp.where(rows > k, factors, a[:, k]))
        return jax.lax.fori_loop(0, len(a) - 1, column, a)
    return lu


def cholesky(a):
    """Cholesky factorization in place, in scalars."""
    n = len(a)
    for i in range(n):
        for j in range(i):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            a[i, j] = s / a[j, j]
        d = a[i, i]
        for k in range(i):
            d -= a[i, k] * a[i, k]
        a[i, i] = np.sqrt(d)


def cholesky_numpy():
    def cholesky(a):
        a[:] = np.tril(np.linalg.cholesky(a)) + np.triu(a, 1)
    return cholesky


def cholesky_jax():
    import jax
    import jax.numpy as jnp
    return jax.jit(lambda a: jnp.linalg.cholesky(a) + jnp.triu(a, 1))


def gram_schmidt(a):
    """Modified Gram-Schmidt: dot products and updates of columns."""
    q = a.copy()
    n = a.shape[1]
    r = np.zeros((n, n))
    for k in range(n):
        r[k, k] = np.sqrt(np.sum(q[:, k] * q[:, k]))
        q[:, k] /= r[k, k]
        for j in range(k + 1, n):
            r[k, j] = np.sum(q[:, k] * q[:, j])
            q[:, j] -= q[:, k] * r[k, j]
    return q, r


def gram_schmidt_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def gram_schmidt(a):
        n = a.shape[1]
        columns = jnp.arange(n)

        def step(k, state):
            q, r = state
            length = jnp.sqrt(jnp.sum(q[:, k] ** 2))
            unit = q[:, k] / length
            row = jnp.where(columns > k, unit @ q, 0.0)
            q = (q - unit[:, None] * row[None, :]).at[:, k].set(unit)
            return q, r.at[k].set(row.at[k].set(length))
        return jax.lax.fori_loop(0, n, step, (a, jnp.zeros((n, n))))
    return gram_schmidt


def trisolve(lower, b):
    """A lower triangular system by forward substitution."""
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        s = b[i]
        for j in range(i):
            s -= lower[i, j] * x[j]
        x[i] = s / lower[i, i]
    return x


def trisolve_numpy():
    def trisolve(lower, b):
        x = np.zeros(len(b))
        for i in range(len(b)):
            x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
        return x
    return trisolve


def trisolve_jax():
    import jax
    import jax.scipy.linalg
    return jax.jit(lambda lower, b: jax.scipy.linalg.solve_triangular(lower, b, lower=True))


def transpose_add(a):
    """A matrix plus its transpose: two orders of memory at once."""
    return a + a.T


def transpose_loops(a):
    """A transpose by loops."""
    n, m = a.shape
    out = np.empty((m, n))
    for i in range(n):
        for j in range(m):
            out[j, i] = a[i, j]
    return out


def transpose_numpy():
    return lambda a: a.T.copy()


def transpose_parallel():
    from numba import prange

    def transpose_loops(a):
        n, m = a.shape
        out = np.empty((m, n))
        for i in prange(n):
            for j in range(m):
                out[j, i] = a[i, j]
        return out
    return transpose_loops


def transpose_jax():
    import jax
    import jax.numpy as jnp
    return jax.jit(lambda a: jnp.array(a.T, copy=True))


def transpose_add_jax():
    import jax
    return jax.jit(lambda a: a + a.T)


def rotations(axes, angles, vectors):
    """A small rotation matrix for each vector (Rodrigues), and their products, by loops."""
    out = np.empty_like(vectors)
    for p in range(len(vectors)):
        x, y, z = axes[p, 0], axes[p, 1], axes[p, 2]
        c, s = np.cos(angles[p]), np.sin(angles[p])
        m = np.array([[c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
                      [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
                      [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)]])
        for i in range(3):
            t = 0.0
            for j in range(3):
                t += m[i, j] * vectors[p, j]
            out[p, i] = t
    return out


def rotations_jax():
    import jax
    import jax.numpy as jnp

    def one(axis, angle, vector):
        c, s = jnp.cos(angle), jnp.sin(angle)
        return (vector * c + jnp.cross(axis, vector) * s
                + axis * jnp.dot(axis, vector) * (1 - c))
    return jax.jit(jax.vmap(one))


def rotations_numpy():
    def rotations(axes, angles, vectors):
        c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
        along = np.sum(axes * vectors, axis=1)[:, None]
        return vectors * c + np.cross(axes, vectors) * s + axes * along * (1 - c)
    return rotations


def rotations_parallel():
    from numba import prange

    def rotations(axes, angles, vectors):
        out = np.empty_like(vectors)
        for p in prange(len(vectors)):
            x, y, z = axes[p, 0], axes[p, 1], axes[p, 2]
            c, s = np.cos(angles[p]), np.sin(angles[p])
            u, v, w = vectors[p, 0], vectors[p, 1], vectors[p, 2]
            d = (x * u + y * v + z * w) * (1 - c)
            out[p, 0] = u * c + (y * w - z * v) * s + x * d
            out[p, 1] = v * c + (z * u - x * w) * s + y * d
            out[p, 2] = w * c + (x * v - y * u) * s + z * d
        return out
    return rotations


def square(n, rng):
    return (rng.random((n, n)),)


def dominant(n, rng):
    return (rng.random((n, n)) + n * np.eye(n),)


def positive(n, rng):
    a = rng.random((n, n))
    return (a @ a.T + n * np.eye(n),)


def turned(n, rng):
    axes = rng.standard_normal((n, 3))
    axes /= np.sqrt((axes**2).sum(axis=1, keepdims=True))
    return axes, rng.uniform(-3, 3, n), rng.standard_normal((n, 3))


KERNELS = [
    Kernel(matmul_loops, make=lambda n, rng: (rng.random((n, n)), rng.random((n, n))),
           sizes=(30, 200, 800), work=lambda n: (24 * n * n, 2 * n**3), style="loops",
           numpy=matmul_numpy, numba_parallel=matmul_parallel, jax=matmul_jax),
    Kernel(lu, make=dominant, sizes=(40, 250, 800), work=lambda n: (16 * n * n, 2 * n**3 / 3),
           style="loops", writes=(0,), numpy=lu_numpy, jax=lu_jax),
    Kernel(cholesky, make=positive, sizes=(40, 250, 800),
           work=lambda n: (16 * n * n, n**3 / 3), style="loops", writes=(0,),
           numpy=cholesky_numpy, jax=cholesky_jax),
    Kernel(gram_schmidt, make=lambda n, rng: (rng.random((n + n // 5, n)) + np.eye(n + n // 5, n),),
           sizes=(30, 150, 400), work=lambda n: (40 * n * n, 4.8 * n**3), jax=gram_schmidt_jax,
           tolerance=1e-7),
    Kernel(trisolve, make=lambda n, rng: (rng.random((n, n)) + n * np.eye(n), rng.random(n)),
           sizes=(60, 500, 4_000), work=lambda n: (4 * n * n, n * n), style="loops",
           numpy=trisolve_numpy, jax=trisolve_jax),
    Kernel(transpose_add, make=square, sizes=(40, 400, 3_000, 8_000),
           work=lambda n: (16 * n * n, n * n), jax=transpose_add_jax),
    Kernel(transpose_loops, make=square, sizes=(40, 400, 3_000), work=lambda n: (16 * n * n, n * n),
           style="loops", numpy=transpose_numpy, numba_parallel=transpose_parallel,
           jax=transpose_jax),
    Kernel(rotations, make=turned, sizes=(200, 10_000, 500_000),
           work=lambda n: (80 * n, 80 * n), style="loops", numpy=rotations_numpy,
           numba_parallel=rotations_parallel, jax=rotations_jax),
]
