"""Distributions of vectors as plain Python, traced like the user's own code."""

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
