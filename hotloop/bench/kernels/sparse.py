"""Indices that data decides: sparse matrices, histograms, clusters, graphs, particles on grids."""

import numpy as np

from .spec import Kernel


def spmv(start, column, value, x):
    """A sparse matrix (CSR) times a vector."""
    out = np.zeros(len(start) - 1)
    for i in range(len(start) - 1):
        s = 0.0
        for k in range(start[i], start[i + 1]):
            s += value[k] * x[column[k]]
        out[i] = s
    return out


def spmv_numpy():
    def spmv(start, column, value, x):
        return np.add.reduceat(value * x[column], start[:-1])
    return spmv


def spmv_parallel():
    from numba import prange

    def spmv(start, column, value, x):
        out = np.zeros(len(start) - 1)
        for i in prange(len(start) - 1):
            s = 0.0
            for k in range(start[i], start[i + 1]):
                s += value[k] * x[column[k]]
            out[i] = s
        return out
    return spmv


def spmv_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def spmv(start, column, value, x):
        rows = jnp.repeat(jnp.arange(len(start) - 1), jnp.diff(start),
                          total_repeat_length=len(column))
        return jax.ops.segment_sum(value * x[column], rows, len(start) - 1,
                                   indices_are_sorted=True)
    return spmv


def histogram(x, low, high, bins):
    """Counts of numbers in bins of equal width, by a loop."""
    counts = np.zeros(bins, dtype=np.int64)
    scale = bins / (high - low)
    for v in x:
        if low <= v < high:
            counts[int((v - low) * scale)] += 1
    return counts


def histogram_numpy():
    def histogram(x, low, high, bins):
        kept = x[(x >= low) & (x < high)]
        return np.bincount(((kept - low) * (bins / (high - low))).astype(np.int64),
                           minlength=bins)
    return histogram


def histogram_jax():
    import functools

    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, static_argnums=3)
    def histogram(x, low, high, bins):
        inside = (x >= low) & (x < high)
        at = jnp.where(inside, ((x - low) * (bins / (high - low))).astype(jnp.int64), bins)
        return jnp.zeros(bins + 1, dtype=jnp.int64).at[at].add(1)[:-1]
    return histogram


def kmeans(points, centers, steps):
    """k-means by whole arrays: distances, argmin, sums of the members."""
    n = len(points)
    k = len(centers)
    for _ in range(steps):
        d = np.zeros((n, k))
        for j in range(k):
            d[:, j] = np.sum((points - centers[j]) ** 2, axis=1)
        nearest = np.argmin(d, axis=1)
        new = np.zeros(centers.shape)
        for j in range(k):
            member = nearest == j
            count = np.sum(member)
            if count > 0:
                new[j] = np.sum(np.where(member[:, None], points, 0.0), axis=0) / count
            else:
                new[j] = centers[j]
        centers = new
    return centers


def kmeans_numba():
    def kmeans(points, centers, steps):
        n, dim = points.shape
        k = len(centers)
        centers = centers.copy()
        for _ in range(steps):
            sums = np.zeros((k, dim))
            counts = np.zeros(k, dtype=np.int64)
            for i in range(n):
                best, at = 1e300, 0
                for j in range(k):
                    d = 0.0
                    for c in range(dim):
                        d += (points[i, c] - centers[j, c]) ** 2
                    if d < best:
                        best, at = d, j
                counts[at] += 1
                for c in range(dim):
                    sums[at, c] += points[i, c]
            for j in range(k):
                if counts[j] > 0:
                    centers[j] = sums[j] / counts[j]
        return centers
    return kmeans


def kmeans_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def kmeans(points, centers, steps):
        def step(_, centers):
            d = jnp.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=2)
            member = jax.nn.one_hot(jnp.argmin(d, axis=1), len(centers), dtype=points.dtype)
            count = member.sum(axis=0)[:, None]
            return jnp.where(count > 0, member.T @ points / jnp.maximum(count, 1), centers)
        return jax.lax.fori_loop(0, steps, step, centers)
    return kmeans


def pagerank(source, target, degree, steps):
    """Ranks of a graph's nodes: a scatter over its edges each step."""
    n = len(degree)
    rank = np.full(n, 1.0 / n)
    for _ in range(steps):
        new = np.full(n, 0.15 / n)
        for e in range(len(source)):
            new[target[e]] += 0.85 * rank[source[e]] / degree[source[e]]
        rank = new
    return rank


def pagerank_numpy():
    def pagerank(source, target, degree, steps):
        n = len(degree)
        rank = np.full(n, 1.0 / n)
        for _ in range(steps):
            rank = 0.15 / n + np.bincount(target, 0.85 * (rank / degree)[source], n)
        return rank
    return pagerank


def pagerank_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def pagerank(source, target, degree, steps):
        n = len(degree)

        def step(_, rank):
            return jnp.full(n, 0.15 / n).at[target].add(0.85 * (rank / degree)[source])
        return jax.lax.fori_loop(0, steps, step, jnp.full(n, 1.0 / n))
    return pagerank


def deposit(grid, x, y, charge):
    """Charges of particles spread over the four corners of their cells."""
    for p in range(len(x)):
        i = int(x[p])
        j = int(y[p])
        fx = x[p] - i
        fy = y[p] - j
        grid[i, j] += charge[p] * (1 - fx) * (1 - fy)
        grid[i + 1, j] += charge[p] * fx * (1 - fy)
        grid[i, j + 1] += charge[p] * (1 - fx) * fy
        grid[i + 1, j + 1] += charge[p] * fx * fy


def deposit_numpy():
    def deposit(grid, x, y, charge):
        i, j = x.astype(np.int64), y.astype(np.int64)
        fx, fy = x - i, y - j
        np.add.at(grid, (i, j), charge * (1 - fx) * (1 - fy))
        np.add.at(grid, (i + 1, j), charge * fx * (1 - fy))
        np.add.at(grid, (i, j + 1), charge * (1 - fx) * fy)
        np.add.at(grid, (i + 1, j + 1), charge * fx * fy)
    return deposit


def deposit_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def deposit(grid, x, y, charge):
        i, j = x.astype(jnp.int64), y.astype(jnp.int64)
        fx, fy = x - i, y - j
        grid = grid.at[i, j].add(charge * (1 - fx) * (1 - fy))
        grid = grid.at[i + 1, j].add(charge * fx * (1 - fy))
        grid = grid.at[i, j + 1].add(charge * (1 - fx) * fy)
        return grid.at[i + 1, j + 1].add(charge * fx * fy)
    return deposit


def gather(table, index):
    """Numbers looked up by an array of indices."""
    return table[index] * 2.0


def gather_jax():
    import jax
    return jax.jit(lambda table, index: table[index] * 2.0)


def matrix(n, rng):
    counts = rng.integers(5, 16, n)
    start = np.concatenate(([0], np.cumsum(counts)))
    return (start, rng.integers(0, n, start[-1]), rng.standard_normal(start[-1]),
            rng.standard_normal(n))


def graph(n, rng):
    source = np.concatenate((np.arange(n), rng.integers(0, n, 7 * n)))
    target = rng.integers(0, n, 8 * n)
    return source, target, np.bincount(source, minlength=n).astype(float), 5


def charges(n, rng):
    return np.zeros((65, 65)), *(rng.uniform(0, 63.9, n) for _ in range(2)), rng.random(n)


KERNELS = [
    Kernel(spmv, make=matrix, sizes=(200, 10_000, 500_000),
           work=lambda n: ((10 * 16 + 24) * n, 20 * n), style="loops", numpy=spmv_numpy,
           numba_parallel=spmv_parallel, jax=spmv_jax),
    Kernel(histogram, make=lambda n, rng: (rng.standard_normal(n), -3.0, 3.0, 50),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (8 * n, 5 * n), style="loops",
           numpy=histogram_numpy, jax=histogram_jax),
    Kernel(kmeans, make=lambda n, rng: (rng.random((n, 4)), rng.random((8, 4)), 5),
           sizes=(200, 10_000, 200_000), work=lambda n: (32 * n * 5, 8 * 4 * 4 * n * 5),
           numba=kmeans_numba, jax=kmeans_jax),
    Kernel(pagerank, make=graph, sizes=(100, 5_000, 100_000),
           work=lambda n: (8 * 16 * n * 5, 8 * 3 * n * 5), style="loops", numpy=pagerank_numpy,
           jax=pagerank_jax),
    Kernel(deposit, make=charges, sizes=(500, 50_000, 2_000_000), work=lambda n: (24 * n, 20 * n),
           writes=(0,), style="loops", numpy=deposit_numpy, jax=deposit_jax),
    Kernel(gather, make=lambda n, rng: (rng.standard_normal(n), rng.integers(0, n, n)),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (24 * n, n), jax=gather_jax),
]
