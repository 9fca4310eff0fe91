"""What the machine can do: bandwidth of copies by size, operations of a matrix product per second.

A copy of n bytes reads n and writes n; both count. The product runs on as many threads as NumPy's
BLAS takes.
"""

import time

COPIES = (32_000, 300_000, 3_000_000, 30_000_000, 100_000_000, 300_000_000)
"""Bytes read and written by one copy."""
ORDER = 1200


def least(call, seconds):
    best = spent = None
    while spent is None or spent < seconds:
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        best = took if best is None else min(best, took)
        spent = (spent or 0.0) + took
    return best


def run(system, options, say):
    import numpy as np

    for size in COPIES:
        source = np.ones(size // 16)
        target = np.zeros(size // 16)
        took = least(lambda s=source, t=target: np.copyto(t, s), options["at_least"])
        say("result", figure="copy", bytes=size, rate=size / took)
    for dtype in (np.float64, np.float32):
        a = np.ones((ORDER, ORDER), dtype)
        out = np.empty_like(a)
        took = least(lambda a=a, out=out: np.matmul(a, a, out=out), options["at_least"])
        say("result", figure=f"product_{a.dtype}", rate=2 * ORDER**3 / took)
