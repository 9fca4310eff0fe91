# ruff: noqa: B007
"""Names of two types at the head of a loop: `best = None`, `total = 0`, ints that become floats."""

import numpy as np


def perceptron(X, y):
    w = None
    for i in range(X.shape[0]):
        if w is None:
            w = np.zeros(X.shape[1])
        if y[i] * (w @ X[i]) <= 0:
            w = w + y[i] * X[i]
    return w


def closest_pair(X):
    best = None
    best_pair = None
    for i in range(X.shape[0]):
        for j in range(i + 1, X.shape[0]):
            d = np.sqrt(((X[i] - X[j]) ** 2).sum())
            if best is None or d < best:
                best = d
                best_pair = (i, j)
    return best, best_pair


def heron_of_arrays(x, tol):
    prev = None
    it = 0
    while True:
        new = 0.5 * (x + 2.0 / x)
        if prev is not None and np.abs(new - prev).max() < tol:
            break
        prev = x
        x = new
        it += 1
    return x, it


def ints_become_floats(n):
    x = np.array([1, 2, 3])
    for k in range(n):
        x = x * 0.5
    return x


def sum_from_zero(n, x):
    y = 0
    k = 0
    while k < n:
        y = y + x * k
        k += 1
    return y


def first_large_row(X):
    out = None
    for row in X:
        if row.sum() > 3:
            out = row * 2
            break
    if out is None:
        return np.zeros(2)
    return out


def last_found(X):
    found = None
    for i in range(len(X)):
        if X[i, 0] > 1:
            found = i, X[i]
    return found


def running_maximum(x):
    m = None
    for k in range(5):
        v = x * k
        m = v if m is None else np.maximum(m, v)
    return m


def matrix_power(X, n):
    base = X
    acc = None
    while n > 0:
        if n & 1:
            acc = base if acc is None else acc @ base
        base = base @ base
        n >>= 1
    return acc


def range_of_values(x):
    lo = None
    hi = None
    for v in x:
        if lo is None or v < lo:
            lo = v
        if hi is None or v > hi:
            hi = v
    return lo, hi


def changes_of_direction(x):
    last = ""
    count = 0
    for v in x:
        kind = "up" if v > 0 else "down"
        if kind != last:
            count += 1
        last = kind
    return count


def k_means(X, k):
    centers = X[:k].copy()
    labels = None
    for it in range(10):
        d = ((X[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
        new = np.argmin(d, axis=1)
        if labels is not None and np.all(labels == new):
            break
        labels = new
        for j in range(k):
            centers[j] = X[labels == j].mean(axis=0)
    return labels, centers


def int_then_numpy_float(n):
    s = 0
    for i in range(n):
        s = s + np.float64(i) / 2
    return s


def total_or_nothing(x):
    total = None
    for v in x:
        total = v if total is None else total + v
    return total


def smoothed(X):
    state = None
    outs = np.zeros(X.shape[0])
    for t in range(X.shape[0]):
        if state is None:
            state = X[t]
        else:
            state = 0.9 * state + 0.1 * X[t]
        outs[t] = state.sum()
    return outs, state


def conjugate_gradients(A, b):
    x = 0
    r = b
    p = r
    rs = r @ r
    for k in range(len(b)):
        ap = A @ p
        alpha = rs / (p @ ap)
        x = x + alpha * p
        r = r - alpha * ap
        new = r @ r
        if new < 1e-20:
            break
        p = r + new / rs * p
        rs = new
    return x


def rows(rng, n):
    return (np.round(rng.standard_normal((n, 3)), 2),)


def numbers(rng, n):
    return (np.round(rng.standard_normal(n), 1),)


PROGRAMS = [
    (perceptron, lambda r, n: (r.standard_normal((n, 3)), np.sign(r.standard_normal(n))),
     (8, 1, 5), 2000),
    (closest_pair, rows, (8, 1, 2, 5), 200),
    (heron_of_arrays, lambda r, n: (r.random(n) + 1, 1e-8), (3, 1, 5), 1000),
    (ints_become_floats, lambda r, n: (n,), (40, 1, 0), 10_000),
    (sum_from_zero, lambda r, n: (n, np.arange(3.0)), (7, 0, 1), 10_000),
    (first_large_row, lambda r, n: (r.random((n, 2)) * 4,), (7, 1, 2), 10_000),
    (last_found, rows, (7, 1, 2, 0), 10_000),
    (running_maximum, numbers, (4, 1), 10_000),
    (matrix_power, lambda r, n: (r.random((3, 3)), n), (6, 1, 0, 7), 10_000),
    (range_of_values, numbers, (6, 1, 0, 7), 10_000),
    (changes_of_direction, numbers, (6, 1, 0, 7), 10_000),
    (k_means, lambda r, n: (r.random((n, 2)), 2), (20, 9), 2000),
    (int_then_numpy_float, lambda r, n: (n,), (40, 1, 0, 7), 10_000),
    (total_or_nothing, numbers, (6, 1, 0, 7), 10_000),
    (smoothed, rows, (8, 1, 5), 2000),
    (conjugate_gradients, lambda r, n: (np.eye(n) * n + 1, np.arange(n) + 1.0), (3, 1, 6), 100),
]
