"""Loops over matrices, beside Numba's code for them if Numba is there:

    python benchmarks/matrices.py [--size 200] [NAME ...]
    HOTLOOP_SKIP=interchange,tile,split python benchmarks/matrices.py     # as they were without

A line a loop: us of the fastest call, in turn, on one thread, on arguments as NumPy makes them.
Results must be equal to the last bit.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("HOTLOOP_TIERS", "0")
os.environ.setdefault("HOTLOOP_NUM_THREADS", "1")

import numpy as np

import hotloop


def product_ikj(a, b, c):
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


def product_ijk(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


def product_kji(a, b, c):
    for k in range(a.shape[1]):
        for j in range(b.shape[1]):
            for i in range(a.shape[0]):
                c[i, j] += a[i, k] * b[k, j]


def product_transposed(a, b, c):
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            total = 0.0
            for k in range(a.shape[1]):
                total += a[i, k] * b[j, k]
            c[i, j] = total


def triangle(a, b, c):
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(i + 1):
                c[i, j] += a[i, k] * a[j, k]


def transpose(a, b, c):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            c[j, i] = a[i, j]


def transpose_array(a, b, c):
    c[:] = a.T


def transpose_sum(a, b, c):
    c[:] = a.T + b


def shortest_paths(a, b, c):
    n = len(c)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if c[i, k] + c[k, j] < c[i, j]:
                    c[i, j] = c[i, k] + c[k, j]


LOOPS: tuple[Callable[..., Any], ...] = (
    product_ikj, product_ijk, product_kji, product_transposed, triangle, transpose,
    transpose_array, transpose_sum, shortest_paths)


def measure(function: Callable[..., Any], size: int, seconds: float) -> dict[str, float]:
    rng = np.random.default_rng(0)
    a, b, start = (rng.random((size, size)) for _ in range(3))
    calls = {"hotloop": hotloop.jit(function)}
    try:
        import numba
    except ImportError:
        pass
    else:
        calls["numba"] = numba.njit(function)
    targets = {}
    for name, call in calls.items():
        targets[name] = start.copy()
        call(a, b, targets[name])
        assert np.array_equal(targets[name], targets["hotloop"]), name
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            np.copyto(targets[name], start)
            before = time.perf_counter()
            call(a, b, targets[name])
            best[name] = min(best[name], time.perf_counter() - before)
    return {name: 1e6 * t for name, t in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    for function in LOOPS:
        if not given.names or function.__name__ in given.names:
            found = measure(function, given.size, given.seconds)
            print(f"{function.__name__:20}", *(f"{k} {t:9.1f}" for k, t in found.items()),
                  flush=True)


if __name__ == "__main__":
    main()
