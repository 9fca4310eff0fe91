"""Dicts and lists of lists that come in, at run-time keys and indices; classes over them."""

import numpy as np
import pytest
from compare import check

import hotloop

COST = {1: 2.5, 2: 3.5, 7: 1.0}
SQUARES = {k: k * k for k in range(20)}
PAIRS = {(i, j): i + j for i in range(3) for j in range(3)}


def costs(xs):
    total = 0.0
    for x in xs:
        total += COST[x]
    return total


def known_squares(xs):
    total = 0
    for x in xs:
        total += SQUARES.get(x, -1) + PAIRS[x % 3, 1]
        if x in SQUARES:
            total += 100
    return total


def reached(graph, start):
    seen, stack, out = set(), [start], []
    while stack:
        u = stack.pop()
        if u in seen:
            continue
        seen.add(u)
        out.append(u)
        for v in graph[u]:
            stack.append(v)
    return out, len(graph)


def smaller(table, xs):
    out = 0
    for k, v in table.items():
        for x in xs:
            if x in table and table[x] < v:
                out += k
    return out


def counted(table, xs):
    for x in xs:
        table[x] = table.get(x, 0) + 1
    return len(table)


def test_dicts_from_outside_at_run_time_keys():
    check(costs, [1, 2, 7])
    check(costs, np.array([1, 2]))
    check(known_squares, np.arange(30))
    check(reached, {0: [1, 2], 1: [3], 2: [3], 3: [], 4: [], 5: [0]}, 0)
    check(smaller, {1: 5, 2: 6}, np.array([1, 2, 5]))
    with pytest.raises(KeyError):
        hotloop.jit(costs)(np.array([1, 3]))
    check(counted, {1: 5}, np.array([1, 2]))


class Matrix:
    def __init__(self, rows):
        self.rows = rows
        self.n, self.m = len(rows), len(rows[0])

    def __getitem__(self, ij):
        i, j = ij
        return self.rows[i][j]

    def __matmul__(self, o):
        return Matrix([[sum(self[i, k] * o[k, j] for k in range(self.m)) for j in range(o.m)]
                       for i in range(self.n)])


def power(rows, p):
    m = Matrix(rows)
    r = m
    for _ in range(p - 1):
        r = r @ m
    return r.rows


def lights_out(grid):
    def press(r, c):
        for dr, dc in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)):
            if 0 <= r + dr < 6 and 0 <= c + dc < 6:
                grid[r + dr][c + dc] ^= 1
    pressed = 0
    for r in range(1, 6):
        for c in range(6):
            if grid[r - 1][c]:
                press(r, c)
                pressed += 1
    return pressed, sum(grid[5])


def weights(edges):
    return sum(w for *_, w in edges), [a + len(rest) for a, *rest in edges]


def test_lists_of_lists_and_starred_targets():
    check(power, [[1, 2], [3, 4]], 4)
    check(lights_out, [[(i * j + i) % 3 % 2 for j in range(6)] for i in range(6)])
    check(weights, [(1, 2, 0.5), (3, 4, 1.5)])
    check(weights, np.arange(6.0).reshape(2, 3))
