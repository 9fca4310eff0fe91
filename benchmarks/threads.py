"""One thread against two: compute-bound kernels, and the same with a busy second core.

    python benchmarks/threads.py                # idle machine: goal 1.8 times
    python benchmarks/threads.py --busy         # a process keeps one core busy: never > 3 % slower
    python benchmarks/threads.py --repeats 200

Each kernel runs in turn in one thread and in two, RUN calls at a time, so that both see the same
machine; the least time of a call counts. With --busy it is the mean that counts: what a program
takes in the end, stalls included. `bits`: are the results the same to the last bit?
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import hotloop

RUN = 10
"""Calls in a row, so that threads are awake as in a program."""

R = np.random.default_rng(0)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sum_of_sines(x):
    return np.sum(np.sin(x) * x)


def softmax(a):
    z = np.exp(a - a.max(axis=1)[:, None])
    return z / z.sum(axis=1)[:, None]


def forces(p):
    out = np.zeros(len(p))
    for i in range(len(p)):
        s = 0.0
        for j in range(len(p)):
            d = p[i] - p[j]
            s += d / (abs(d) ** 3 + 0.01)
        out[i] = s
    return out


def mandelbrot(n):
    out = np.zeros((n, n), np.int64)
    for i in range(n):
        for j in range(n):
            x0, y0 = -2.0 + 3.0 * j / n, -1.5 + 3.0 * i / n
            x = y = 0.0
            k = 0
            while x * x + y * y <= 4.0 and k < 100:
                x, y = x * x - y * y + x0, 2 * x * y + y0
                k += 1
            out[i, j] = k
    return out


def inside_circle(n):
    count = 0
    for i in range(n):
        x, y = ((i * 7919) % 10007) / 10007, ((i * 104729) % 10009) / 10009
        if x * x + y * y <= 1.0:
            count += 1
    return count


KERNELS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (sigmoid, (R.normal(size=100_000),)), (sum_of_sines, (R.normal(size=100_000),)),
    (softmax, (R.normal(size=(500, 300)),)), (forces, (R.normal(size=600),)),
    (mandelbrot, (200,)), (inside_circle, (200_000,))]


def spin() -> None:
    while True:
        pass


def bits(x: Any) -> bytes:
    return np.asarray(x).tobytes()


def measured(f: Callable[..., Any], args: tuple[Any, ...],
             repeats: int) -> tuple[dict[int, list[float]], bool]:
    """Seconds of each call in one thread and in two; whether the results are the same."""
    times: dict[int, list[float]] = {1: [], 2: []}
    results: dict[int, set[bytes]] = {1: set(), 2: set()}
    for _ in range(repeats):
        for threads in (1, 2):
            hotloop.set_num_threads(threads)
            f(*args)
            for _ in range(RUN):
                start = time.perf_counter()
                result = f(*args)
                times[threads].append(time.perf_counter() - start)
            results[threads].add(bits(result))
    return times, results[1] == results[2] and len(results[1]) == 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--busy", action="store_true", help="another process holds a core")
    options = parser.parse_args()
    hotloop.config.tiers = False        # quick code has no parallel loops
    others = []
    if options.busy:
        others = [multiprocessing.Process(target=spin, daemon=True)
                  for _ in range(len(os.sched_getaffinity(0)) - 1)]
        for other in others:
            other.start()
    kind = "mean" if options.busy else "least"
    print(f"{'kernel':14} {'1 thread':>10} {'2 threads':>10} {'ratio':>6}  bits   ({kind}, us)")
    for function, args in KERNELS:
        jitted = hotloop.jit(function)
        jitted(*args)
        times, same = measured(jitted, args, options.repeats)
        one, two = (1e6 * (sum(t) / len(t) if options.busy else min(t))
                    for t in (times[1], times[2]))
        print(f"{function.__name__:14} {one:10.1f} {two:10.1f} {one / two:6.2f}  "
              f"{'same' if same else 'DIFFER'}")
    for other in others:
        other.terminate()


if __name__ == "__main__":
    main()
