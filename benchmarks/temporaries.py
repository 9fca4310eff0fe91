"""Programs whose time is that of temporaries and of updates in place, in microseconds:

    HOTLOOP_TIERS=0 HOTLOOP_PARALLEL=-1 python benchmarks/temporaries.py [NAME ...]

The best of many calls each; run it against two checkouts in turn (PYTHONPATH) to compare them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import hotloop

SECONDS = 1.5


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def jacobi(a, b):
    for _ in range(5):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1]
                               + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.2 * (b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1]
                               + b[:-2, 1:-1])


def laplace(u):
    for _ in range(5):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def heat(u):
    for _ in range(20):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])


def nbody(pos, mass):
    d = pos[:, None, :] - pos[None, :, :]
    inverse = ((d ** 2).sum(axis=2) + 0.01) ** -1.5
    return (d * inverse[:, :, None] * mass[None, :, None]).sum(axis=1), (inverse * mass).sum()


def loss(w1, w2, w3, x, y):
    return ((np.tanh(np.tanh(x @ w1) @ w2) @ w3 - y) ** 2).mean()


def scans(a, b):
    s = np.cumsum(a, axis=0)
    u = np.cumsum(np.exp(s - s.max(axis=0)), axis=1)
    return np.cumsum(np.log(u + b), axis=0)


def lu(a):
    for k in range(a.shape[0] - 1):
        a[k + 1:, k] /= a[k, k]
        a[k + 1:, k + 1:] -= np.outer(a[k + 1:, k], a[k, k + 1:])


def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ A + z
    w += alpha * A @ x


def small(a, b):
    return np.cumsum(np.cumsum(a)[::-1] * b)


def rows() -> list[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    random = np.random.default_rng(0).standard_normal
    vectors = [1e-3 * random(1000) for _ in range(8)]
    return [
        ("softmax 1000x1000", softmax, (random((1000, 1000)),)),
        ("jacobi 300x300", jacobi, (random((300, 300)), random((300, 300)))),
        ("laplace 250x250", laplace, (random((250, 250)),)),
        ("laplace 1500x1500", laplace, (random((1500, 1500)),)),
        ("heat 1e4", heat, (random(10_000),)),
        ("heat 2e6", heat, (random(2_000_000),)),
        ("nbody 400", nbody, (random((400, 3)), random(400))),
        ("grad mlp", hotloop.grad(loss, argnums=(0, 1, 2)), (
            random((256, 256)), random((256, 256)), random((256, 10)), random((512, 256)),
            random((512, 10)))),
        ("scans 1000x1000", scans, (random((1000, 1000)), random((1000, 1000)) + 1e4)),
        ("scans 3000x2000", scans, (random((3000, 2000)), random((3000, 2000)) + 1e4)),
        ("lu 200x200", lu, (random((200, 200)) + 200 * np.eye(200),)),
        ("gemver 1000", gemver, (1.5, 1.2, random((1000, 1000)), *vectors)),
        ("small 200", small, (random(200), random(200)))]


def best(function: Callable[..., Any], args: tuple[Any, ...]) -> float:
    for _ in range(3):
        function(*args)
    least, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        function(*args)
        least = min(least, time.perf_counter() - start)
    return 1e6 * least


def main() -> None:
    np.seterr(all="ignore")
    for name, function, args in rows():
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(f"{name:20} {best(hotloop.jit(function), args):12.1f}", flush=True)


if __name__ == "__main__":
    main()
