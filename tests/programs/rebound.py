"""Lists that a branch or loop may have bound to another list: runs, chunks, lines, frontiers."""

import numpy as np


def ascending_runs(x):
    runs = []
    current = []
    for v in x:
        if len(current) > 0 and v < current[-1]:
            runs.append(current)
            current = []
        current.append(v)
    runs.append(current)
    return runs


def longest_run(x):
    best = []
    current = []
    for v in x:
        if not current or v >= current[-1]:
            current.append(v)
        else:
            current = [v]
        if len(current) > len(best):
            best = current[:]
    return best


def since_last_negative(x):
    out = []
    for v in x:
        if v < 0:
            out = []
        out.append(v)
    return out


def chunks(x, size):
    rows = []
    row = []
    for i in range(len(x)):
        row.append(x[i])
        if len(row) == size:
            rows.append(row)
            row = []
    if row:
        rows.append(row)
    return rows


def filled_lines(words, width):
    lines = []
    line = []
    used = 0
    for w in words:
        if used + w > width and line:
            lines.append(line)
            line = []
            used = 0
        line.append(w)
        used += w + 1
    lines.append(line)
    return lines


def groups_of_rising(x):
    groups = [[x[0]]]
    for v in x[1:]:
        if v > groups[-1][-1]:
            groups[-1].append(v)
        else:
            groups.append([v])
    return groups


def levels_of_tree(n):
    queue = [0]
    sizes = []
    while queue:
        following = []
        for u in queue:
            for v in (2 * u + 1, 2 * u + 2):
                if v < n:
                    following.append(v)
        sizes.append(len(queue))
        queue = following
    return sizes


def changed_or_new(x):
    a = [1.0, 2.0]
    if x[0] > 0:
        a[0] = x[0]
    else:
        a = [3.0, 4.0]
    return a


def chosen_list_grows(x):
    a = [1.0, 2.0]
    b = [2.0]
    if x[0] > 0:
        a = b
    a.append(4.0)
    a[0] += 1.0
    return a


def numbers(rng, n):
    return (np.round(rng.standard_normal(n), 1),)


PROGRAMS = [
    (ascending_runs, numbers, (30, 1, 12), 20_000),
    (longest_run, numbers, (30, 1, 12), 20_000),
    (since_last_negative, numbers, (30, 1, 12), 20_000),
    (chunks, lambda rng, n: (rng.random(n), 5), (30, 1, 15), 20_000),
    (filled_lines, lambda rng, n: (rng.integers(1, 9, n), 20), (30, 1, 12), 20_000),
    (groups_of_rising, numbers, (30, 1, 12), 20_000),
    (levels_of_tree, lambda rng, n: (n,), (30, 1, 100), 20_000),
    (changed_or_new, numbers, (3, 4, 5, 6), 8),
    (chosen_list_grows, numbers, (3, 4, 5, 6), 8),
]
