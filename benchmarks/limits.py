"""How near to the machine's limits: bandwidth of a copy, vector operations per second.

    python benchmarks/limits.py                     # both tables, one thread
    python benchmarks/limits.py --memory --size 2e7 --threads 2
    python benchmarks/limits.py --compute

Memory: kernels of few operations on arrays beyond the caches, their bytes read and written, as a
share of what `np.copyto` of as many bytes reaches; without stores past the caches (`stream=-1`) and
with them, in turn. Goal: 0.8.

Compute: kernels on 8192 f64, which the second cache holds. Their machine code tells how many vector
operations an element takes; a loop of independent ones of each kind (`a * b + c`, `/`, `sqrt`) is
timed, and gives the limit (below 1: a division is at work beside other operations). Goal: 1.5.
"""

from __future__ import annotations

import argparse
import ctypes
import inspect
import linecache
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import hotloop
from hotloop import config
from hotloop.llvm import engine, loader
from hotloop.llvm.target import register_bytes

LANES = register_bytes() // 8
CHAINS, ROUNDS = 16, 20000


def least(calls: dict[Any, Callable[[], Any]], rounds: int) -> dict[Any, float]:
    """The least time of each, all in turn."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


# ---- memory

def scaled(a, b, c, out):
    return 2.0 * a


def triad(a, b, c, out):
    return a + 3.0 * b * c


def polynomial(a, b, c, out):
    return ((0.3 * a - 0.1) * a + 0.7) * a + 0.2


def stencil(a, b, c, out):
    m = int(len(a) ** 0.5)
    g = a[:m * m].reshape(m, m)
    return 0.25 * (g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:])


def by_loop(a, b, c, out):
    for i in range(len(out)):
        out[i] = 2.0 * a[i] + b[i]


def to_single(a, b, c, out):
    return a.astype(np.float32)


def greater(a, b, c, out):
    return a > b


def in_place(a, b, c, out):
    c *= 1.0000001


def total(a, b, c, out):
    return np.sum(a)


MEMORY = [(scaled, 16), (triad, 32), (polynomial, 16), (stencil, 16), (by_loop, 24),
          (to_single, 12), (greater, 17), (in_place, 16), (total, 8)]
"""Kernels and the bytes that they read and write for each element."""


def compiled(function: Callable[..., Any], args: list[np.ndarray], stream: int) -> Any:
    """The function as it is compiled with this setting: equal code would be compiled once."""
    config.stream = stream
    source, name = inspect.getsource(function), f"<{function.__name__} {stream}>"
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    own: dict[str, Any] = {"np": np}
    exec(compile(source, name, "exec"), own)
    jitted = hotloop.jit(own[function.__name__], cache=False)
    jitted(*args)
    return jitted


def memory(size: int, rounds: int) -> None:
    random = np.random.default_rng(0)
    args = [random.normal(size=size) for _ in range(4)]
    print(f"{size} f64: GB/s, shares of a copy of as many bytes\n"
          f"{'kernel':12} {'copy':>6} {'cached':>7} {'past':>6} {'cached':>7} {'past':>6}")
    for function, bytes_ in MEMORY:
        total_bytes = bytes_ * size
        source, target = np.ones(total_bytes // 16), np.zeros(total_bytes // 16)
        kernels = {stream: compiled(function, args, stream) for stream in (-1, 0)}
        times = least({"copy": partial(np.copyto, target, source), **{
            stream: partial(f, *args) for stream, f in kernels.items()}}, rounds)
        rates = {name: total_bytes / t / 1e9 for name, t in times.items()}
        print(f"{function.__name__:12} {rates['copy']:6.1f} {rates[-1]:7.1f} {rates[0]:6.1f} "
              f"{rates[-1] / rates['copy']:7.2f} {rates[0] / rates['copy']:6.2f}", flush=True)


# ---- compute

def horner(x):
    y = 0.1 * x - 0.3
    for c in (0.7, -0.2, 0.11, 0.4, -0.6, 0.9, 0.05, -0.8, 0.33, 0.21, -0.15):
        y = y * x + c
    return y


COMPUTE: list[Callable[..., Any]] = [
    horner, lambda x: np.exp(x), lambda x: np.sin(x), lambda x: np.log(x), lambda x: np.tanh(x),
    lambda x: 1 / (1 + np.exp(-x)), lambda x: np.sqrt(x) / (1 + x),
    lambda x: np.exp(-0.5 * x * x) * np.cos(3 * x)]
NAMES = ["horner", "exp", "sin", "log", "tanh", "sigmoid", "sqrt, divide", "wavelet"]

KINDS = {"vdiv": "div", "vsqrt": "sqrt", "v": "fma"}
"""What mnemonics begin with, and which of the timed loops they count for."""


def unit_times(rounds: int) -> dict[str, float]:
    """Seconds of one vector operation of each kind, many independent ones at a time."""
    t = f"<{LANES} x double>"
    operations = {"fma": f"call {t} @llvm.fma.v{LANES}f64({t} %x, {t} %m, {t} %a)",
                  "div": f"fdiv {t} %a, %x", "sqrt": f"call {t} @llvm.sqrt.v{LANES}f64({t} %x)"}
    found = {}
    for kind, operation in operations.items():
        body = "\n".join(f"%y{k} = {operation.replace('%x', f'%x{k}')}" for k in range(CHAINS))
        phis = "\n".join(f"%x{k} = phi {t} [%a, %entry], [%y{k}, %head]" for k in range(CHAINS))
        stores = "\n".join(f"store volatile {t} %y{k}, ptr %p, align 8" for k in range(CHAINS))
        text = f"""declare {t} @llvm.fma.v{LANES}f64({t}, {t}, {t})
declare {t} @llvm.sqrt.v{LANES}f64({t})
define void @run(ptr %p) "prefer-vector-width"="512" {{
entry:
%a = load {t}, ptr %p, align 8
%q = getelementptr {t}, ptr %p, i64 1
%m = load {t}, ptr %q, align 8
br label %head
head:
%i = phi i64 [0, %entry], [%j, %head]
{phis}
{body}
%j = add i64 %i, 1
%more = icmp ult i64 %j, {ROUNDS}
br i1 %more, label %head, label %done
done:
{stores}
ret void
}}"""
        code = loader.load(engine.compile_text(text, 2))
        data = np.full(2 * LANES, 1.0000001)
        run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code["run"])
        best = least({"": partial(run, data.ctypes.data)}, 5 * rounds)[""]
        found[kind] = best / ROUNDS / CHAINS
    return found


def operations_of(assembly: str) -> tuple[dict[str, int], int]:
    """Vector operations in the largest loop, moves apart; how many stores of vectors it has."""
    best: dict[str, int] = {}
    stored = 0
    labels: dict[str, int] = {}
    lines = assembly.splitlines()
    register = {64: "%zmm", 32: "%ymm", 16: "%xmm"}[register_bytes()]
    for number, line in enumerate(lines):
        if found := re.match(r"(\.\w+):", line):
            labels[found[1]] = number
        jump = re.match(r"\tj\w+\s+(\.\w+)", line)
        if jump is None or jump[1] not in labels:
            continue
        counts = dict.fromkeys(("fma", "div", "sqrt"), 0)
        stores = 0
        for inside in lines[labels[jump[1]]:number]:
            name = inside.split()[0] if inside.startswith("\tv") else ""
            if name.startswith("vmovu") and re.search(r"%[xyz]mm\d+, .*\(", inside):
                stores += 1
            elif name and register in inside and not name.startswith("vmov"):
                counts[next(kind for start, kind in KINDS.items() if name.startswith(start))] += 1
        if stores and sum(counts.values()) > sum(best.values()):
            best, stored = counts, stores
    return best, stored


def compute(rounds: int) -> None:
    units = unit_times(rounds)
    print("\nps of a vector operation: " + ", ".join(
        f"{kind} {1e12 * t:.0f}" for kind, t in units.items()))
    print(f"{'kernel':14} {'fma':>5} {'div':>4} {'sqrt':>5} {'limit':>7} {'takes':>7} {'times':>6}"
          "   (operations of a register; ns an element)")
    x = np.random.default_rng(0).uniform(0.1, 3.0, size=8192)
    for name, function in zip(NAMES, COMPUTE, strict=True):
        jitted = hotloop.jit(function, cache=False)
        jitted(x)
        counts, stores = operations_of(jitted.lower(x).asm)
        limit = sum(counts[kind] * units[kind] for kind in units) / stores / LANES
        took = least({"": partial(jitted, x)}, 20 * rounds)[""] / len(x)
        print(f"{name:14} {counts['fma'] / stores:5.1f} {counts['div'] / stores:4.1f} "
              f"{counts['sqrt'] / stores:5.1f} {1e9 * limit:7.3f} {1e9 * took:7.3f} "
              f"{took / limit:6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--compute", action="store_true")
    parser.add_argument("--size", type=float, default=1e7)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    config.tiers = False
    hotloop.set_num_threads(options.threads)
    both = options.memory == options.compute
    if options.memory or both:
        memory(int(options.size), options.rounds)
    if options.compute or both:
        compute(options.rounds)


if __name__ == "__main__":
    main()
