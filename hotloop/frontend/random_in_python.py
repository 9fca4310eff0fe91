"""Distributions of vectors, choices and orders as plain Python, traced like the user's own code.

They draw the numbers that NumPy's Generator draws, in its order: Floyd's sampling (Bentley and
Floyd, "A sample of brilliance", 1987), or the tail of a shuffle where a large part is taken.
"""

from __future__ import annotations

import numpy as np


def multinomial(n, pvals, out):
    """Each row of `out`: one binomial number after the other, of those that are left."""
    last = len(pvals) - 1
    total = 0.0
    for j in range(last):
        if not (pvals[j] >= 0.0 and pvals[j] <= 1.0):
            raise ValueError("pvals < 0, pvals > 1 or pvals contains NaNs")
        total += pvals[j]
    if total > 1.0 + 1e-12:
        raise ValueError("sum(pvals[:-1]) > 1.0")
    if n < 0:
        raise ValueError("n < 0")
    for row in range(out.shape[0]):
        left, rest = n, 1.0
        for j in range(last):
            p = pvals[j] / rest if rest > 0.0 else 1.0
            count = np.random.binomial(left, p if p < 1.0 else 1.0)
            out[row, j] = count
            left -= count
            rest -= pvals[j]
        out[row, last] = left


def normalized(gammas):
    return gammas / gammas.sum(axis=-1)[..., None]


def correlated(mean, cov, normals):
    """mean + normals A, A A^T = cov, by the singular values of cov."""
    _, s, v = np.linalg.svd(cov)
    return mean + (normals * np.sqrt(s)) @ v


def places_with_repeats(g, population, count):
    return g.integers(0, population, count)


def places(g, population, count, shuffle):
    """`count` of range(population), each once."""
    if count > population:
        raise ValueError("Cannot take a larger sample than population when replace is False")
    if population > 10000 and count > population // (50 if shuffle else 20):
        every = np.arange(population)
        order(g, every, max(population - count, 1))
        return every[population - count:].copy()
    found = np.empty(count, np.int64)
    table_size = 1
    while table_size <= int(1.2 * count):
        table_size *= 2
    table = np.full(table_size, -1)
    for k in range(count):
        last = population - count + k
        place = g.integers(0, last, endpoint=True)
        at = place & (table_size - 1)
        while table[at] != -1 and table[at] != place:
            at = (at + 1) & (table_size - 1)
        if table[at] != -1:
            place = last
            at = place & (table_size - 1)
            while table[at] != -1:
                at = (at + 1) & (table_size - 1)
        table[at] = place
        found[k] = place
    if shuffle:
        for i in range(count - 1, 0, -1):
            j = g.integers(0, i, endpoint=True)
            found[i], found[j] = found[j], found[i]
    return found


def order(g, items, first):
    """The tail from `first` on shuffled into the rest, by Fisher and Yates."""
    for i in range(len(items) - 1, first - 1, -1):
        j = g.integers(0, i, endpoint=True)
        items[i], items[j] = items[j], items[i]


def shuffle(g, items):
    """As Generator.shuffle does it: with numbers drawn otherwise than its integers."""
    for i in range(len(items) - 1, 0, -1):
        j = g._interval(i)
        items[i], items[j] = items[j], items[i]
