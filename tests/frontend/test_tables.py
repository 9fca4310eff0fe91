# ruff: noqa: C416, C420
"""Dicts and sets of run-time values: every operation in random order, as CPython has them."""

import collections
import random

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.errors import HotloopError


def set_machine(ops, keys):
    s = set()
    seen = 0
    for i in range(len(ops)):
        if ops[i] < 6:
            s.add(keys[i])
        elif ops[i] < 9:
            s.discard(keys[i])
        elif keys[i] in s:
            seen += 1
    order = []
    for k in s:
        order.append(k)
    return order, seen, len(s)


def pair_machine(ops, keys):
    s = set()
    for i in range(len(ops)):
        pair = (keys[i] % 7, keys[i] // 7)
        if ops[i] < 8:
            s.add(pair)
        elif pair in s:
            s.remove(pair)
    return list(s), sorted(s)


def dict_machine(ops, keys):
    d = {}
    total = 0
    for i in range(len(ops)):
        if ops[i] < 4:
            d[keys[i]] = i
        elif ops[i] < 6:
            total += d.pop(keys[i], -1)
        elif ops[i] < 8:
            d.setdefault(keys[i], i * 2)
        elif ops[i] < 9:
            total += d.get(keys[i], 5)
        elif keys[i] in d:
            del d[keys[i]]
    return d, list(d.items()), total, sum(d.values())


@pytest.mark.parametrize("machine", [set_machine, pair_machine, dict_machine])
def test_random_operations(machine):
    jitted = hotloop.jit(machine, cache=False)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(40, 400))
        wide = (9, 60, 2**62)[seed % 3]
        check(machine, rng.integers(0, 10, n), rng.integers(-wide, wide, n), jitted=jitted)


def floats(x):
    s = set()
    for v in x:
        s.add(v)
    return list(s), 2 in s, x[0] in s


def test_floats_hash_as_in_python():
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.standard_normal(30), 10.0 ** rng.integers(-40, 18, 20),
                        rng.integers(-9, 9, 9) * 1.0, [2.0**60, -2.0**61, 1e300, -np.inf, -0.0]])
    check(floats, x)


def test_set_operations_keep_cpythons_order():
    def f(x, y):
        a, b = set(x), set(y)
        c = a.copy()
        c.update(b)
        return (list(a & b), list(a | b), list(a - b), list(b - a), list(a ^ b), list(c),
                a.isdisjoint(b), a.issubset(c), (a & b) == (b & a))
    jitted = hotloop.jit(f, cache=False)
    for seed in range(8):
        r = random.Random(seed)
        check(f, np.array([r.randrange(-50, 200) for _ in range(r.randrange(5, 60))]),
              np.array([r.randrange(-50, 200) for _ in range(r.randrange(5, 90))]), jitted=jitted)


def grown_while_iterated(x):
    d = {}
    for v in x:
        d[v] = 1
    for k in d:
        d[k + 1000] = 2
    return len(d)


def changed_in_a_branch(x, n):
    d = {}
    if n > 2:
        d[n] = 1.5
        d[x[0]] = 2.5
    e = d
    e[n + 1] = 3.5
    return d, len(e)


def rebound(x):
    old = {(0, 0)}
    for v in x:
        new = set()
        for i, j in old:
            new.add((i + v, j))
            new.add((i, j - v))
        old = new
    return sorted(old)


def nested_counts(x):
    d = collections.defaultdict(int)
    for v in x:
        d[v % 4, v % 3] += 1
    return dict(d)


def known_keys(x):
    d = {"a": 0.0, "b": 1.0}
    for v in x:
        d["a"] += v
    return d


def from_outside(d, k):
    d[k] = 1
    return d


@pytest.mark.parametrize("f, args", [
    (grown_while_iterated, (np.arange(5),)), (changed_in_a_branch, (np.arange(3), 7)),
    (changed_in_a_branch, (np.arange(3), 1)), (rebound, (np.arange(5),)),
    (nested_counts, (np.arange(30),)), (known_keys, (np.arange(4.0),)),
    (from_outside, ({1: 2}, 3))])
def test_as_python(f, args):
    kind = "python" if f is grown_while_iterated else "compiled"
    check(f, *args, compiled=kind == "compiled")


@pytest.mark.parametrize("f, args, text", [
    (lambda x: {v: 1 for v in x}, (np.array([1.0, np.nan] * 20),), "NaN as a key"),
    (lambda x: {v for v in x}, (np.ones((40, 2)),), "such a key"),
])
def test_is_refused(f, args, text):
    with pytest.raises(HotloopError, match=text):
        hotloop.jit(f, cache=False)(*args)
