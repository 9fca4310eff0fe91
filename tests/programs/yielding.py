# ruff: noqa: SIM110, SIM113, UP028
"""Generator functions: pipelines, neighbours, blocks, sequences without end, walks."""

import math

import numpy as np


def simpson_points(a, b, n):
    h = (b - a) / n
    for i in range(n + 1):
        if i == 0 or i == n:
            yield a + i * h, 1.0
        elif i % 2 == 1:
            yield a + i * h, 4.0
        else:
            yield a + i * h, 2.0


def integral(n):
    total = 0.0
    for x, w in simpson_points(0.0, 1.0, n):
        total += w * math.exp(-x * x)
    return total / (3 * n)


def naturals(start):
    i = start
    while True:
        yield i
        i += 1


def naturals_until(limit):
    i = 0
    out = []
    for i in naturals(3):
        if i > limit:
            break
        if i % 2:
            continue
        out.append(i)
    return out, i


def is_prime(n):
    if n < 2:
        return False
    for d in range(2, int(n ** 0.5) + 1):
        if n % d == 0:
            return False
    return True


def primes():
    n = 2
    while True:
        if is_prime(n):
            yield n
        n += 1


def kth_prime(k):
    count = 0
    for p in primes():
        count += 1
        if count == k:
            return p
    return -1


def blocks(A, b):
    n, m = A.shape
    for i in range(0, n, b):
        for j in range(0, m, b):
            yield i, j, A[i:i + b, j:j + b]


def centred_blocks(A, b):
    out = np.zeros_like(A)
    for i, j, block in blocks(A, b):
        out[i:i + b, j:j + b] = block - block.mean()
    return out


def neighbours(i, j, n, m):
    for di, dj in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        if 0 <= i + di < n and 0 <= j + dj < m:
            yield i + di, j + dj


def mean_of_neighbours(G):
    n, m = G.shape
    out = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            s = 0.0
            c = 0
            for a, b in neighbours(i, j, n, m):
                s += G[a, b]
                c += 1
            out[i, j] = s / c
    return out


class Tree:
    def __init__(self, values):
        self.values = values
    def __iter__(self):
        for v in self.values:
            yield v * 2


def sum_of_iterable_object(x):
    t = Tree(x)
    s = 0.0
    for v in t:
        s += v
    return s


def evens(it):
    for v in it:
        if v % 2 == 0:
            yield v


def squares(it):
    for v in it:
        yield v * v


def pipeline(n):
    found = list(squares(evens(range(n))))
    return sum(squares(evens(range(n)))), max(squares(evens(range(2, n)))), found


def names_of_both(n):
    i = 5
    s = 0
    def inner(m):
        for i in range(m):
            yield i
    for k in inner(n):
        s += k + i
    return s, i


def updates(x):
    x = x.copy()
    while True:
        x = 0.5 * (x + 2.0 / x)
        yield x


def newton_steps(x, tol):
    prev = x
    for new in updates(x):
        if np.abs(new - prev).max() < tol:
            break
        prev = new
    return prev


def random_walk(steps):
    pos = 0
    for s in steps:
        pos += s
        yield pos


def first_passage(steps):
    first = -1
    for k, pos in enumerate(random_walk(steps)):
        if pos == 3:
            first = k
            break
    return first, any(p < 0 for p in random_walk(steps))


def zipped_generators(n):
    for a, b in zip(evens(range(n)), squares(range(n))):
        last = a + b
    return last


def pairs_of(x):
    prev = None
    for v in x:
        if prev is not None:
            yield prev, v
        prev = v


def rises(x):
    return sum(b - a for a, b in pairs_of(x) if b > a)


def written_out(n):
    def up():
        yield 1
        yield 2
        yield n
    return [v * 2 for v in up()], tuple(up()), sum(up())


def limited(x, t):
    for v in x:
        if v > t:
            return
        yield v


def returning(x):
    return list(limited(x, 4.0)), len(list(limited(x, 6.0)))


def windows(x, k):
    for i in range(len(x) - k + 1):
        yield x[i:i + k]


def best_window(x):
    best = None
    for w in windows(x, 3):
        m = w.mean()
        if best is None or m > best:
            best = m
    return best


def bits(n):
    while n:
        yield n & 1
        n >>= 1


def bits_of(n):
    return sum(bits(n)), list(bits(n))


def counter_until(n, seen):
    for i in range(n):
        seen.append(i)
        yield i


def changes_a_list(n):
    seen = []
    t = 0
    for v in counter_until(n, seen):
        t += v
        if v > 40:
            break
    return t, seen


def numbers(rng, n):
    return (np.round(rng.standard_normal(n) * 4, 1),)


PROGRAMS = [
    (integral, lambda r, n: (n,), (50, 2, 8), 10_000),
    (naturals_until, lambda r, n: (n,), (50, 2, 8), 10_000),
    (kth_prime, lambda r, n: (n,), (20, 1, 2), 200),
    (centred_blocks, lambda r, n: (r.random((n, n)), 3), (6, 7), 300),
    (mean_of_neighbours, lambda r, n: (r.random((n, n)),), (5, 2, 3), 100),
    (sum_of_iterable_object, numbers, (20, 1, 0), 10_000),
    (pipeline, lambda r, n: (n,), (50, 9, 3), 10_000),
    (names_of_both, lambda r, n: (n,), (50, 0, 3), 10_000),
    (newton_steps, lambda r, n: (r.random(n) + 1, 1e-9), (5, 1), 1000),
    (first_passage, lambda r, n: (np.sign(r.standard_normal(n)).astype(int),), (40, 1, 9), 1000),
    (zipped_generators, lambda r, n: (n,), (50, 9, 3), 10_000),
    (rises, numbers, (20, 1, 0), 10_000),
    (written_out, lambda r, n: (n,), (7, 9), 3),
    (returning, numbers, (20, 1, 0), 10_000),
    (best_window, numbers, (20, 1, 0), 1000),
    (bits_of, lambda r, n: (n,), (1234567, 0, 1), 12345678912),
    (changes_a_list, lambda r, n: (n,), (60, 0, 9), 60),
]
