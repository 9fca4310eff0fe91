"""Iterations that end at different times: the Mandelbrot set three ways, roots of polynomials."""

from dataclasses import replace

import numpy as np

from .spec import Kernel

LIMIT = 60


def mandelbrot_while(x, y, limit):
    """A while for each pixel, which stops when the point escapes."""
    out = np.zeros((len(y), len(x)), dtype=np.int64)
    for i in range(len(y)):
        for j in range(len(x)):
            a, b, k = 0.0, 0.0, 0
            while k < limit and a * a + b * b < 4.0:
                a, b = a * a - b * b + x[j], 2.0 * a * b + y[i]
                k += 1
            out[i, j] = k
    return out


def mandelbrot_parallel():
    from numba import prange

    def mandelbrot_while(x, y, limit):
        out = np.zeros((len(y), len(x)), dtype=np.int64)
        for i in prange(len(y)):
            for j in range(len(x)):
                a, b, k = 0.0, 0.0, 0
                while k < limit and a * a + b * b < 4.0:
                    a, b = a * a - b * b + x[j], 2.0 * a * b + y[i]
                    k += 1
                out[i, j] = k
        return out
    return mandelbrot_while


def mandelbrot_masks(x, y, limit):
    """Whole complex arrays; a mask picks the points that have not escaped."""
    c = x[None, :] + 1j * y[:, None]
    z = np.zeros(c.shape, dtype=np.complex128)
    count = np.zeros(c.shape, dtype=np.int64)
    for _ in range(limit):
        inside = z.real * z.real + z.imag * z.imag < 4.0
        z[inside] = z[inside] * z[inside] + c[inside]
        count[inside] += 1
    return count


def mandelbrot_where(x, y, limit):
    """Whole real arrays and np.where: all points do all iterations."""
    a = np.zeros((len(y), len(x)))
    b = np.zeros((len(y), len(x)))
    count = np.zeros((len(y), len(x)), dtype=np.int64)
    for _ in range(limit):
        a2, b2 = a * a, b * b
        inside = a2 + b2 < 4.0
        b = np.where(inside, 2.0 * a * b + y[:, None], b)
        a = np.where(inside, a2 - b2 + x, a)
        count += inside
    return count


def mandelbrot_numpy():
    return mandelbrot_where


def mandelbrot_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def mandelbrot(x, y, limit):
        x, y = jnp.broadcast_arrays(x[None, :], y[:, None])

        def step(_, state):
            a, b, count = state
            inside = a * a + b * b < 4.0
            return (jnp.where(inside, a * a - b * b + x, a),
                    jnp.where(inside, 2.0 * a * b + y, b), count + inside)
        zero = jnp.zeros(x.shape)
        return jax.lax.fori_loop(0, limit, step, (zero, zero, zero.astype(jnp.int64)))[2]
    return mandelbrot


def kepler(mean, eccentricity):
    """Kepler's equation by Newton's method: a while a number, sines and cosines."""
    out = np.empty(len(mean))
    for i in range(len(mean)):
        e = mean[i]
        for _ in range(50):
            step = (e - eccentricity[i] * np.sin(e) - mean[i]) / (1.0 - eccentricity[i] * np.cos(e))
            e -= step
            if abs(step) < 1e-12:
                break
        out[i] = e
    return out


def kepler_numpy():
    def kepler(mean, eccentricity):
        e = mean.copy()
        for _ in range(50):
            step = (e - eccentricity * np.sin(e) - mean) / (1.0 - eccentricity * np.cos(e))
            e -= step
            if np.max(np.abs(step)) < 1e-12:
                break
        return e
    return kepler


def kepler_parallel():
    from numba import prange

    def kepler(mean, eccentricity):
        out = np.empty(len(mean))
        for i in prange(len(mean)):
            e = mean[i]
            for _ in range(50):
                step = ((e - eccentricity[i] * np.sin(e) - mean[i])
                        / (1.0 - eccentricity[i] * np.cos(e)))
                e -= step
                if abs(step) < 1e-12:
                    break
            out[i] = e
        return out
    return kepler


def kepler_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def kepler(mean, eccentricity):
        def unfinished(state):
            return (state[2] < 50) & (jnp.max(jnp.abs(state[1])) >= 1e-12)

        def step(state):
            e, _, k = state
            move = (e - eccentricity * jnp.sin(e) - mean) / (1.0 - eccentricity * jnp.cos(e))
            return e - move, move, k + 1
        return jax.lax.while_loop(unfinished, step, (mean, jnp.ones_like(mean), 0))[0]
    return kepler


def plane(n, rng):
    return np.linspace(-2.0, 0.6, n), np.linspace(-1.2, 1.2, n), LIMIT


MANDELBROT = Kernel(mandelbrot_where, make=plane, sizes=(30, 300, 1_000),
                    work=lambda n: (8 * n * n, 8 * 25 * n * n), jax=mandelbrot_jax)

KERNELS = [
    replace(MANDELBROT, function=mandelbrot_while, style="loops", numpy=mandelbrot_numpy,
            numba_parallel=mandelbrot_parallel),
    replace(MANDELBROT, function=mandelbrot_masks, numba=None),
    MANDELBROT,
    Kernel(kepler, make=lambda n, rng: (rng.uniform(0.0, 3.0, n), rng.uniform(0.0, 0.9, n)),
           sizes=(200, 20_000, 500_000), work=lambda n: (24 * n, 5 * 40 * n), style="loops",
           numpy=kepler_numpy, numba_parallel=kepler_parallel, jax=kepler_jax),
]
