# ruff: noqa: B007
"""Dicts and sets of run-time values: counts, groups, graphs, memos, sparse sums, what was seen."""

import math
from collections import Counter, defaultdict

import numpy as np


def mode(x):
    counts = {}
    for v in x:
        if v not in counts:
            counts[v] = 0
        counts[v] += 1
    best = None
    for v in counts:
        if best is None or counts[v] > counts[best]:
            best = v
    return best


def adjacency(edges, n):
    adj = {}
    for i in range(n):
        adj[i] = []
    for a, b in edges:
        adj[a].append(b)
        adj[b].append(a)
    return [len(adj[i]) for i in range(n)], adj


def components(edges, n):
    adj = defaultdict(list)
    for a, b in edges:
        adj[a].append(b)
        adj[b].append(a)
    seen = set()
    comps = 0
    for s in range(n):
        if s in seen:
            continue
        comps += 1
        stack = [s]
        while stack:
            u = stack.pop()
            if u in seen:
                continue
            seen.add(u)
            for v in adj[u]:
                if v not in seen:
                    stack.append(v)
    return comps


def distinct(x):
    s = set()
    out = []
    for v in x:
        if v not in s:
            s.add(v)
            out.append(v)
    return out, sorted(s), len(s), sum(s), min(s), max(s)


def filtered_dict(x):
    return {i: v for i, v in enumerate(x) if v > 2}


def deletions(x):
    d = {}
    for i, v in enumerate(x):
        d[v] = i
    del d[x[0]]
    p = d.pop(x[1], -1)
    q = d.pop(12345, -7)
    out = []
    for k, v in d.items():
        out.append((k, v))
    return out, p, q, len(d), x[0] in d


def memo_in_a_closure(d, k):
    cache = {}
    def f(n):
        if n in cache:
            return cache[n]
        r = n * n + k
        cache[n] = r
        return r
    s = 0
    for i in range(30):
        s += f(i % d)
    return s, len(cache)


def entropy(words):
    c = Counter(words)
    tot = 0.0
    n = len(words)
    for k, v in c.items():
        p = v / n
        tot -= p * math.log2(p)
    return tot, c[999], c.most_common(2)


def breadth_first(grid):
    n, m = grid.shape
    frontier = {(0, 0)}
    seen = {(0, 0)}
    steps = 0
    while frontier:
        new = set()
        for (i, j) in frontier:
            for di, dj in ((0,1),(1,0),(0,-1),(-1,0)):
                a, b = i + di, j + dj
                if 0 <= a < n and 0 <= b < m and grid[a, b] == 0 and (a, b) not in seen:
                    seen.add((a, b))
                    new.add((a, b))
        frontier = new
        steps += 1
    return steps, len(seen)


def totals_by_remainder(x):
    d = {}
    for v in x:
        d[v % 3] = d.get(v % 3, 0.0) + v * 0.5
    return d


def longest_without_repeat(x):
    last = {}
    best = 0
    start = 0
    for i, v in enumerate(x):
        if v in last and last[v] >= start:
            start = last[v] + 1
        last[v] = i
        best = max(best, i - start + 1)
    return best


def first_places(x):
    inv = {}
    for i, v in enumerate(x):
        inv.setdefault(v, i)
    return list(inv.keys()), list(inv.values()), 3 in inv, inv == {}, bool(inv)


def sparse_sums(rows):
    w = {}
    for r in rows:
        key = (r[0], r[1])
        if key in w:
            w[key] += r[2]
        else:
            w[key] = r[2]
    return w


def cycle_length(n):
    s = set()
    x = 1
    while x not in s:
        s.add(x)
        x = (x * 5 + 3) % n
    return len(s), x


def numbers(rng, n):
    return (rng.integers(0, 9, n),)


def edges(rng, n):
    return rng.integers(0, n, (n, 2)), n


PROGRAMS = [
    (mode, numbers, (12, 1, 30), 10_000),
    (adjacency, edges, (10, 2, 30), 1000),
    (components, edges, (10, 2, 30), 1000),
    (distinct, numbers, (12, 1, 30), 10_000),
    (filtered_dict, numbers, (12, 1, 30), 10_000),
    (deletions, lambda r, n: (np.arange(n),), (12, 30), 10_000),
    (memo_in_a_closure, lambda r, n: (n, 3), (7, 3), 20),
    (entropy, numbers, (12, 1, 30), 10_000),
    (breadth_first, lambda r, n: (r.integers(0, 4, (n, n)) // 3,), (5, 1, 7), 100),
    (totals_by_remainder, numbers, (12, 1, 30), 10_000),
    (longest_without_repeat, numbers, (12, 1, 30), 10_000),
    (first_places, numbers, (12, 1, 30), 10_000),
    (sparse_sums, lambda r, n: (r.integers(0, 4, (n, 3)),), (12, 2, 30), 10_000),
    (cycle_length, lambda r, n: (n,), (1000, 7), 100_000),
]
