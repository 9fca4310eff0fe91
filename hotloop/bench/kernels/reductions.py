"""Many numbers to few: sums along axes, by NumPy and by loops; positions; order; prefix sums."""

from dataclasses import replace

import numpy as np

from .elementwise import narrow
from .spec import SAME, Kernel


def sum_rows(x):
    """Sums along the last axis of a matrix."""
    return x.sum(axis=1)


def sum_columns(x):
    """Sums along the first axis of a matrix."""
    return x.sum(axis=0)


def standardize(x):
    """Columns with mean 0 and variance 1."""
    return (x - x.mean(axis=0)) / x.std(axis=0)


def standardize_numba():
    def standardize(x):
        n, m = x.shape
        mean = np.zeros(m)
        for i in range(n):
            for j in range(m):
                mean[j] += x[i, j]
        mean /= n
        variance = np.zeros(m)
        for i in range(n):
            for j in range(m):
                variance[j] += (x[i, j] - mean[j]) ** 2
        return (x - mean) / np.sqrt(variance / n)
    return standardize


def distance(x, y):
    """The Euclidean distance of two vectors in one expression."""
    return np.sqrt(np.sum((x - y) ** 2))


def distance_numexpr():
    import numexpr
    return lambda x, y: np.sqrt(numexpr.evaluate("sum((x - y) ** 2)"))


def dot_loop(x, y):
    """A dot product as a loop, whose additions keep their order."""
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i]
    return s


def dot_loop_parallel():
    from numba import prange

    def dot_loop(x, y):
        s = 0.0
        for i in prange(len(x)):
            s += x[i] * y[i]
        return s
    return dot_loop


def dot_loop_jax():
    import jax
    return jax.jit(lambda x, y: x @ y)


def logsumexp(x):
    """Row by row: a maximum, exponentials, a sum, a logarithm."""
    top = x.max(axis=1)
    return top + np.log(np.sum(np.exp(x - top[:, None]), axis=1))


def logsumexp_numba():
    def logsumexp(x):
        out = np.empty(len(x))
        for i in range(len(x)):
            top = np.max(x[i])
            out[i] = top + np.log(np.sum(np.exp(x[i] - top)))
        return out
    return logsumexp


def nearest(points, queries):
    """For each query the number of the nearest point: argmin of distances."""
    out = np.zeros(len(queries), dtype=np.int64)
    for q in range(len(queries)):
        best = 1e300
        for p in range(len(points)):
            dx = points[p, 0] - queries[q, 0]
            dy = points[p, 1] - queries[q, 1]
            d = dx * dx + dy * dy
            if d < best:
                best = d
                out[q] = p
    return out


def nearest_numpy():
    def nearest(points, queries):
        difference = points[None, :, :] - queries[:, None, :]
        return np.argmin((difference * difference).sum(axis=2), axis=1)
    return nearest


def nearest_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def nearest(points, queries):
        d = (points[None, :, 0] - queries[:, None, 0]) ** 2
        return jnp.argmin(d + (points[None, :, 1] - queries[:, None, 1]) ** 2, axis=1)
    return nearest


def nearest_parallel():
    from numba import prange

    def nearest(points, queries):
        out = np.zeros(len(queries), dtype=np.int64)
        for q in prange(len(queries)):
            best = 1e300
            at = 0
            for p in range(len(points)):
                dx = points[p, 0] - queries[q, 0]
                dy = points[p, 1] - queries[q, 1]
                d = dx * dx + dy * dy
                if d < best:
                    best = d
                    at = p
            out[q] = at
        return out
    return nearest


def argmin_rows(x):
    """Positions of the least numbers of the rows."""
    return np.argmin(x, axis=1)


def count_between(x, low, high):
    """How many numbers lie between two."""
    return np.count_nonzero((x > low) & (x < high))


def extremes(x):
    """Least and largest number and their mean absolute value, in one loop."""
    low = x[0]
    high = x[0]
    total = 0.0
    for v in x:
        if v < low:
            low = v
        if v > high:
            high = v
        total += abs(v)
    return low, high, total / len(x)


def extremes_numpy():
    return lambda x: (x.min(), x.max(), np.abs(x).mean())


def extremes_jax():
    import jax
    import jax.numpy as jnp
    return jax.jit(lambda x: (x.min(), x.max(), jnp.abs(x).mean()))


def running(x):
    """A prefix sum by NumPy."""
    return np.cumsum(x)


def running_mean(x, width):
    """Means over a sliding window, by a running sum in a loop."""
    out = np.empty(len(x) - width + 1)
    total = 0.0
    for i in range(width):
        total += x[i]
    out[0] = total / width
    for i in range(width, len(x)):
        total += x[i] - x[i - width]
        out[i - width + 1] = total / width
    return out


def running_mean_numpy():
    def running_mean(x, width):
        sums = np.cumsum(x)
        sums[width:] -= sums[:-width].copy()
        return sums[width - 1:] / width
    return running_mean


def running_mean_jax():
    import functools

    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, static_argnums=1)
    def running_mean(x, width):
        sums = jnp.cumsum(x)
        return jnp.concatenate((sums[width - 1:width], sums[width:] - sums[:-width])) / width
    return running_mean


def sort(x):
    """Sorting floating-point numbers."""
    return np.sort(x)


def masked_mean(x, keep):
    """The mean of the elements that a mask picks."""
    return x[keep].mean()


def masked_mean_jax():
    import jax
    import jax.numpy as jnp
    return jax.jit(lambda x, keep: jnp.where(keep, x, 0.0).sum() / keep.sum())


def matrix(columns):
    return lambda n, rng: (rng.standard_normal((n, columns)),)


def vector(n, rng):
    return (rng.standard_normal(n),)


SUM_ROWS = Kernel(sum_rows, make=matrix(100), sizes=(50, 2_000, 80_000, 1_250_000),
                  work=lambda n: (808 * n, 100 * n), jax=SAME, torch_compile=SAME)

KERNELS = [
    SUM_ROWS,
    replace(SUM_ROWS, called="sum_rows_f32", make=narrow(SUM_ROWS.make), tolerance=1e-4,
            work=lambda n: (404 * n, 100 * n)),
    Kernel(sum_columns, make=matrix(100), sizes=(50, 2_000, 80_000),
           work=lambda n: (800 * n, 100 * n), jax=SAME, torch_compile=SAME),
    Kernel(standardize, make=matrix(30), sizes=(100, 5_000, 200_000),
           work=lambda n: (480 * n, 180 * n), jax=SAME,
           numba=standardize_numba),
    Kernel(distance, make=lambda n, rng: (rng.standard_normal(n), rng.standard_normal(n)),
           sizes=(2_000, 200_000, 5_000_000, 62_500_000), work=lambda n: (16 * n, 3 * n),
           jax=SAME, torch_compile=SAME, numexpr=distance_numexpr),
    Kernel(dot_loop, make=lambda n, rng: (rng.standard_normal(n), rng.standard_normal(n)),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (16 * n, 2 * n), style="loops",
           numba_parallel=dot_loop_parallel, jax=dot_loop_jax),
    Kernel(logsumexp, make=matrix(64), sizes=(30, 2_000, 60_000),
           work=lambda n: (520 * n, 64 * 14 * n), jax=SAME,
           numba=logsumexp_numba),
    Kernel(nearest, make=lambda n, rng: (rng.random((n, 2)), rng.random((n // 2, 2))),
           sizes=(200, 2_000), work=lambda n: (28 * n, 3 * n * n), style="loops",
           numpy=nearest_numpy, numba_parallel=nearest_parallel, jax=nearest_jax),
    Kernel(argmin_rows, make=matrix(100), sizes=(50, 2_000, 80_000),
           work=lambda n: (808 * n, 100 * n), jax=SAME),
    Kernel(count_between, make=lambda n, rng: (rng.standard_normal(n), -0.5, 1.0),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (8 * n, 4 * n), jax=SAME),
    Kernel(extremes, make=vector, sizes=(2_000, 200_000, 5_000_000),
           work=lambda n: (8 * n, 4 * n), style="loops", numpy=extremes_numpy,
           jax=extremes_jax),
    Kernel(running, make=vector, sizes=(2_000, 200_000, 5_000_000),
           work=lambda n: (16 * n, n), jax=SAME, torch_compile=None),
    Kernel(running_mean, make=lambda n, rng: (rng.standard_normal(n), 20),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (16 * n, 3 * n), style="loops",
           numpy=running_mean_numpy, jax=running_mean_jax, tolerance=1e-7),
    Kernel(sort, make=vector, sizes=(1_000, 100_000, 1_000_000),
           work=lambda n: (16 * n, n * max(n, 2).bit_length()), jax=SAME),
    Kernel(masked_mean, make=lambda n, rng: (rng.standard_normal(n), rng.random(n) < 0.4),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (9 * n, n), jax=masked_mean_jax),
]
