"""User loops that lanes make fast:

    python benchmarks/lanes.py [NAME ...]
    HOTLOOP_SKIP=vectorize,recur python benchmarks/lanes.py     # as they were without

A line a loop: us of the fastest call, on one thread, on arguments as NumPy makes them (stores to
those begin in the middle of a cache line).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import hotloop
from hotloop import config

RNG = np.random.default_rng(0)
N = 20000
X, Y = RNG.normal(size=N), RNG.normal(size=N)
SMALL = RNG.integers(-1000, 1000, N)
SQUARE = RNG.normal(size=(200, 200))


def scaled(x, y, out):
    for i in range(len(x)):
        out[i] = x[i] * 2 + y[i]


def checked(x, y, out, n):
    for i in range(n):
        out[i] = x[i] * 2 + y[i]


def place_of_largest(x):
    m, k = x[0], 0
    for i in range(1, len(x)):
        if x[i] > m:
            m, k = x[i], i
    return k


def extremes(x):
    low = high = x[0]
    for i in range(len(x)):
        if x[i] < low:
            low = x[i]
        elif x[i] > high:
            high = x[i]
    return low, high


def search(x):
    for i in range(len(x)):
        if x[i] > 100.0:
            return i
    return -1


def total(a):
    s = 0
    for i in range(len(a)):
        s += int(a[i])
    return s


def roots(x, out):
    for i in range(len(x)):
        out[i] = math.sqrt(x[i]) + math.log(x[i])


def rows(a, out):
    for i in range(a.shape[0]):
        s = 0.0
        for j in range(a.shape[1]):
            s += a[i, j]
        out[i] = s


def interleaved(x, out):
    for i in range(len(x)):
        out[2 * i] = x[i]
        out[2 * i + 1] = x[i] + 1


def smoothed(x, out):
    out[0] = x[0]
    for i in range(1, len(x)):
        out[i] = 0.9 * out[i - 1] + x[i]


LOOPS: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = (
    (scaled, (X, Y, np.zeros(N))), (checked, (X, Y, np.zeros(N), N)), (place_of_largest, (X,)),
    (extremes, (X,)), (search, (X,)), (total, (SMALL,)), (roots, (abs(X), np.zeros(N))),
    (rows, (SQUARE, np.zeros(200))), (interleaved, (X, np.zeros(2 * N))),
    (smoothed, (X, np.zeros(N))))


def best(f: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """us of the fastest call."""
    jitted = hotloop.jit(f, cache=False)
    jitted(*args)
    times = []
    for _ in range(300):
        start = time.perf_counter()
        jitted(*args)
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*")
    wanted = parser.parse_args().names
    config.tiers, config.parallel = False, -1
    for f, args in LOOPS:
        if not wanted or f.__name__ in wanted:
            print(f"{f.__name__:20}{best(f, args):9.1f} us", flush=True)


if __name__ == "__main__":
    main()
