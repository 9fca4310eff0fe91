"""What gradients cost: their time in that of the function, and the time to compile them.

    python benchmarks/gradients.py              # ratios, also of `hotloop bench grad`'s kernels
    python benchmarks/gradients.py --compile loops 50 100 200

Ratios are of the least of many calls, function and gradient in turn. Compiling is measured in CPU
time of the calling thread: the machine may be busy, and good code may be made in the background
while quick code runs. `line` is n operations on an array, `numbers` the same on a number, `loops` n
loops one after the other.
"""

import argparse
import importlib.util
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

import hotloop
from hotloop import config
from hotloop.bench.programs import grad
from hotloop.llvm import background


def cholesky(p, x, y):
    """Minus the logarithm of a Gaussian process' likelihood, all by loops."""
    n = len(x)
    k = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            d = x[i] - x[j]
            k[i, j] = p[0] * np.exp(-0.5 * d * d / p[1] ** 2)
        k[i, i] += p[2]
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = k[i, j]
            for m in range(j):
                s -= lower[i, m] * lower[j, m]
            lower[i, j] = np.sqrt(s) if i == j else s / lower[j, j]
    z, total = np.zeros(n), 0.0
    for i in range(n):
        s = y[i]
        for m in range(i):
            s -= lower[i, m] * z[m]
        z[i] = s / lower[i, i]
        total += 0.5 * z[i] * z[i] + np.log(lower[i, i])
    return total


def roots(a):
    total = 0.0
    for k in range(len(a)):
        x = 1.0
        while abs(x * x - a[k]) > 1e-12:
            x = 0.5 * (x + a[k] / x)
        total += x
    return total


def lstm(w, u, b, xs):
    n = len(b) // 4
    h, c = np.zeros(n), np.zeros(n)
    for x in xs:
        z = w @ h + u @ x + b
        s = 1.0 / (1.0 + np.exp(-z[:3 * n]))
        c = s[n:2 * n] * c + s[:n] * np.tanh(z[3 * n:])
        h = s[2 * n:] * np.tanh(c)
    return np.sum(h * h)


def cases():
    rng = np.random.default_rng(0)
    found = {name: (case.value, case.gradient) for name, case in grad.hotloop().items()}
    more = {"lstm": (lstm, (0.2 * rng.normal(size=(64, 16)), 0.2 * rng.normal(size=(64, 8)),
                            rng.normal(size=64), rng.normal(size=(50, 8)))),
            "roots": (roots, (np.linspace(1.0, 3.0, 300),))}
    for n in (64, 100, 128):
        x = np.sort(rng.uniform(0.0, 5.0, n))
        more[f"cholesky {n}"] = cholesky, (np.array([1.0, 0.5, 0.1]), x, np.sin(x))
    for name, (function, args) in more.items():
        value, gradient = hotloop.jit(function), hotloop.value_and_grad(function)
        found[name] = partial(value, *args), partial(gradient, *args)
    return found


def least(f, best, seconds=0.1):
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        f()
        best = min(best, time.perf_counter() - start)
    return best


def ratios():
    for name, (value, gradient) in cases().items():
        value(), gradient()
        a = b = float("inf")
        for _ in range(5):
            a, b = least(value, a), least(gradient, b)
        print(f"{name:14} function {1e6 * a:8.1f} us   gradient {1e6 * b:8.1f} us   {b / a:5.2f}")


def program(shape, n):
    if shape == "loops":
        body = ["    s = 0.5"] + n * ["    for i in range(len(x)):\n        s += np.sin(s * x[i])"]
        text = "\n".join([*body, "    return s"])
    else:
        end = "np.sum(y)" if shape == "line" else "y"
        text = "\n".join(["    y = x", *(n // 4) * ["    y = np.sin(y) * x - (y + 0.5)"],
                          f"    return {end}"])
    path = Path(tempfile.mkdtemp()) / "program.py"
    path.write_text(f"import numpy as np\n\ndef f(x):\n{text}\n")
    spec = importlib.util.spec_from_file_location("program", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def compiling(shape, sizes):
    config.cache = False
    x = 0.3 if shape == "numbers" else np.linspace(0.0, 1.0, 100)
    hotloop.grad(program(shape, 4))(x)
    for n in sizes:
        f = program(shape, n)
        seconds = []
        for g in (hotloop.jit(f), hotloop.grad(f)):
            start = time.thread_time()
            g(x)
            seconds.append(time.thread_time() - start)
            background.finish()
        print(f"{shape} {n:6}: function {seconds[0]:6.2f} s   gradient {seconds[1]:6.2f} s",
              flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--compile", choices=("line", "numbers", "loops"))
    parser.add_argument("sizes", type=int, nargs="*")
    options = parser.parse_args()
    if options.compile:
        compiling(options.compile, options.sizes or [100, 200, 400])
    else:
        ratios()
