"""Tables filled from their neighbours: paths, sequences, recursive filters."""

import numpy as np

from .spec import Kernel


def floyd_warshall(path):
    """Shortest paths between all nodes, by loops."""
    n = len(path)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if path[i, k] + path[k, j] < path[i, j]:
                    path[i, j] = path[i, k] + path[k, j]


def floyd_warshall_numpy():
    def floyd_warshall(path):
        for k in range(len(path)):
            np.minimum(path, path[:, k, None] + path[None, k, :], out=path)
    return floyd_warshall


def floyd_warshall_parallel():
    from numba import prange

    def floyd_warshall(path):
        n = len(path)
        for k in range(n):
            for i in prange(n):
                for j in range(n):
                    if path[i, k] + path[k, j] < path[i, j]:
                        path[i, j] = path[i, k] + path[k, j]
    return floyd_warshall


def floyd_warshall_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def floyd_warshall(path):
        def step(k, path):
            return jnp.minimum(path, path[:, k, None] + path[None, k, :])
        return jax.lax.fori_loop(0, len(path), step, path)
    return floyd_warshall


def nussinov(seq):
    """The largest number of pairs in a folded sequence."""
    n = len(seq)
    table = np.zeros((n, n), dtype=np.int64)
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            best = table[i, j]
            if j - 1 >= 0:
                best = max(best, table[i, j - 1])
            if i + 1 < n:
                best = max(best, table[i + 1, j])
            if i < j - 1:
                best = max(best, table[i + 1, j - 1] + (1 if seq[i] + seq[j] == 3 else 0))
            else:
                best = max(best, table[i + 1, j - 1])
            for k in range(i + 1, j):
                best = max(best, table[i, k] + table[k + 1, j])
            table[i, j] = best
    return table


def alignment(a, b, match, gap):
    """The best local alignment of two sequences (Smith-Waterman)."""
    score = np.zeros((len(a) + 1, len(b) + 1))
    best = 0.0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            same = match if a[i - 1] == b[j - 1] else -match
            s = max(0.0, score[i - 1, j - 1] + same, score[i - 1, j] - gap, score[i, j - 1] - gap)
            score[i, j] = s
            if s > best:
                best = s
    return best


def alignment_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def alignment(a, b, match, gap):
        places = gap * jnp.arange(len(b) + 1)

        def line(row, letter):
            same = jnp.where(b == letter, match, -match)
            new = jnp.maximum(0.0, jnp.maximum(row[:-1] + same, row[1:] - gap))
            new = jnp.concatenate((jnp.zeros(1), new))
            new = jax.lax.cummax(new + places) - places
            return new, jnp.max(new)
        return jnp.max(jax.lax.scan(line, jnp.zeros(len(b) + 1), a)[1])
    return alignment


def knapsack(weight, value, room):
    """The best value of things that fit into a knapsack."""
    best = np.zeros(room + 1)
    for k in range(len(weight)):
        for r in range(room, weight[k] - 1, -1):
            if best[r - weight[k]] + value[k] > best[r]:
                best[r] = best[r - weight[k]] + value[k]
    return best[room]


def knapsack_numpy():
    def knapsack(weight, value, room):
        best = np.zeros(room + 1)
        for w, v in zip(weight, value, strict=True):
            best[w:] = np.maximum(best[w:], best[:room + 1 - w] + v)
        return best[room]
    return knapsack


def smooth(image, alpha):
    """A recursive filter along rows, forwards and backwards (as in edge detection)."""
    n, m = image.shape
    k = (1.0 - np.exp(-alpha)) ** 2 / (1.0 + 2.0 * alpha * np.exp(-alpha) - np.exp(2.0 * alpha))
    a1, a2 = k, k * np.exp(-alpha) * (alpha - 1.0)
    b1, b2 = 2.0 ** (-alpha), -np.exp(-2.0 * alpha)
    forth = np.empty((n, m))
    back = np.empty((n, m))
    for i in range(n):
        y1 = y2 = x1 = 0.0
        for j in range(m):
            y = a1 * image[i, j] + a2 * x1 + b1 * y1 + b2 * y2
            forth[i, j] = y
            x1, y2, y1 = image[i, j], y1, y
        y1 = y2 = x1 = x2 = 0.0
        for j in range(m - 1, -1, -1):
            y = a2 * x1 + a1 * x2 + b1 * y1 + b2 * y2
            back[i, j] = y
            x2, x1, y2, y1 = x1, image[i, j], y1, y
    return forth + back


def smooth_jax():
    import jax
    import jax.numpy as jnp
    from jax import lax

    @jax.jit
    def smooth(image, alpha):
        e = jnp.exp(-alpha)
        k = (1.0 - e) ** 2 / (1.0 + 2.0 * alpha * e - jnp.exp(2.0 * alpha))
        a1, a2, b1, b2 = k, k * e * (alpha - 1.0), 2.0 ** (-alpha), -jnp.exp(-2.0 * alpha)
        zero = jnp.zeros(image.shape[0])

        def onwards(state, x):
            x1, y1, y2 = state
            y = a1 * x + a2 * x1 + b1 * y1 + b2 * y2
            return (x, y, y1), y

        def backwards(state, x):
            x1, x2, y1, y2 = state
            y = a2 * x1 + a1 * x2 + b1 * y1 + b2 * y2
            return (x, x1, y, y1), y
        columns = image.T
        _, forth = lax.scan(onwards, (zero,) * 3, columns)
        _, back = lax.scan(backwards, (zero,) * 4, columns, reverse=True)
        return (forth + back).T
    return smooth


def binomial_tree(spot, strike, years, rate, volatility, n):
    """The price of an American put by a tree, backwards in place."""
    dt = years / n
    up = np.exp(volatility * np.sqrt(dt))
    p = (np.exp(rate * dt) - 1.0 / up) / (up - 1.0 / up)
    discount = np.exp(-rate * dt)
    prices = np.empty(n + 1)
    for j in range(n + 1):
        prices[j] = max(0.0, strike - spot * up ** (2.0 * j - n))
    for i in range(n - 1, -1, -1):
        for j in range(i + 1):
            held = discount * (p * prices[j + 1] + (1.0 - p) * prices[j])
            prices[j] = max(held, strike - spot * up ** (2.0 * j - i))
    return prices[0]


def binomial_tree_numpy():
    def binomial_tree(spot, strike, years, rate, volatility, n):
        dt = years / n
        up = np.exp(volatility * np.sqrt(dt))
        p = (np.exp(rate * dt) - 1.0 / up) / (up - 1.0 / up)
        discount = np.exp(-rate * dt)
        prices = np.maximum(0.0, strike - spot * up ** (2.0 * np.arange(n + 1) - n))
        for i in range(n - 1, -1, -1):
            held = discount * (p * prices[1:i + 2] + (1.0 - p) * prices[:i + 1])
            prices[:i + 1] = np.maximum(held,
                                        strike - spot * up ** (2.0 * np.arange(i + 1) - i))
        return prices[0]
    return binomial_tree


def graph(n, rng):
    return (np.where(rng.random((n, n)) < 0.3, rng.uniform(1, 100, (n, n)), 1e9),)


def sequences(n, rng):
    return rng.integers(0, 4, n), rng.integers(0, 4, n), 2.0, 1.0


KERNELS = [
    Kernel(floyd_warshall, make=graph, sizes=(40, 250, 700), writes=(0,), style="loops",
           work=lambda n: (16 * n * n, 2 * n**3), numpy=floyd_warshall_numpy,
           numba_parallel=floyd_warshall_parallel, jax=floyd_warshall_jax),
    Kernel(nussinov, make=lambda n, rng: (rng.integers(0, 4, n),), sizes=(60, 300),
           style="loops", work=lambda n: (8 * n * n, n**3 / 3)),
    Kernel(alignment, make=sequences, sizes=(100, 1_500), style="loops",
           work=lambda n: (16 * n, 6 * n * n), jax=alignment_jax),
    Kernel(knapsack, make=lambda n, rng: (rng.integers(5, 60, n), rng.uniform(1, 20, n), 10 * n),
           sizes=(50, 600), style="loops", work=lambda n: (96 * n, 20 * n * n),
           numpy=knapsack_numpy),
    Kernel(smooth, make=lambda n, rng: (rng.random((n, n)), 0.25), sizes=(60, 500, 2_000),
           style="loops", work=lambda n: (16 * n * n, 15 * n * n), jax=smooth_jax),
    Kernel(binomial_tree, make=lambda n, rng: (100.0, 105.0, 1.0, 0.03, 0.2, n),
           sizes=(60, 800), style="loops", work=lambda n: (8 * n, 15 * n * n),
           numpy=binomial_tree_numpy),
]
