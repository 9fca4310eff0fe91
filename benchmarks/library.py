"""What a library function costs inside of a compiled loop, against NumPy called from Python.

    python benchmarks/library.py                 # a table: us of a call, NumPy and hotloop
    python benchmarks/library.py --only sort --sizes 10,1000 --repeats 20

Each function stands in a loop that changes its operand, so that nothing is hoisted. Both systems
are timed in turn, the least time counts. "calls Python" says that the kernel still calls back.
"""

import argparse
import linecache
import time

import numpy as np

import hotloop

FUNCTIONS = {
    "a @ p": "(a @ p)[0, 0]", "a.T @ p": "(a.T @ p)[0, 0]", "a @ v": "(a @ v)[0]",
    "stack @ stack": "(s @ s)[0, 0, 0]",
    "solve": "np.linalg.solve(a, v)[0]", "inv": "np.linalg.inv(a)[0, 0]",
    "det": "np.linalg.det(a)", "cholesky": "np.linalg.cholesky(p)[0, 0]",
    "eigh": "np.linalg.eigh(p)[0][0]", "svd": "np.linalg.svd(a)[1][0]",
    "qr": "np.linalg.qr(a)[1][0, 0]", "inv of a stack": "np.linalg.inv(s)[0, 0, 0]",
    "lstsq": "np.linalg.lstsq(a, v)[0][0]", "pinv": "np.linalg.pinv(a)[0, 0]",
    "fft": "np.fft.fft(v)[0].real", "rfft": "np.fft.rfft(v)[0].real",
    "sort": "np.sort(v)[0]", "sort of columns": "np.sort(a, axis=0)[0, 0]",
    "argsort": "np.argsort(v)[0]", "argsort, stable": "np.argsort(v, kind='stable')[0]",
    "median": "np.median(v)", "percentile": "np.percentile(v, 30.0)",
    "partition": "np.partition(v, 1)[1]", "searchsorted": "np.searchsorted(w, v)[0]",
    "digitize": "np.digitize(v, w)[0]", "interp": "np.interp(v, w, w)[0]",
    "histogram": "np.histogram(v, w)[0][0]", "gcd": "np.gcd(k, 12)[0]",
    "unique": "np.unique(v)[0]", "bincount": "np.bincount(k)[0]",
}


def function(expression, number):
    text = ("def f(a, p, s, v, w, k, n):\n    total = 0.0\n    for i in range(n):\n"
            "        v[0] = i % 2\n        a[0, 0] = s[0, 0, 0] = 2 + i % 2\n"
            "        p[0, 0] = 1e6 + i\n"
            f"        k[0] = i % 2\n        total += {expression}\n    return total\n")
    name = f"<library {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    found = {"np": np}
    exec(compile(text, name, "exec"), found)
    return found["f"]


def operands(n):
    random = np.random.default_rng(1)
    side = max(2, min(n, 200))
    a = random.normal(size=(side, side)) / side + np.eye(side)
    stack = np.array([a[:3, :3]] * n) if side >= 3 else np.array([a] * n)
    v = random.random(n)
    square = v[:side] if n >= side else np.resize(v, side)
    return {"a": a, "p": a @ a.T + np.eye(side), "s": stack, "v": v, "w": np.sort(random.random(n)),
            "k": random.integers(0, 99, n), "square": square}


def times(functions, args, repeats):
    """The least time of each, in turn."""
    best = [9.0] * len(functions)
    for _ in range(repeats):
        for k, f in enumerate(functions):
            start = time.perf_counter()
            f(*args)
            best[k] = min(best[k], time.perf_counter() - start)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--sizes", default="3,10,100,1000")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    sizes = [int(x) for x in given.sizes.split(",")]
    print(f"{'us of a call: NumPy, hotloop':24}" + "".join(f"{n:>18}" for n in sizes))
    for number, (name, expression) in enumerate(FUNCTIONS.items()):
        if given.only not in name:
            continue
        plain, line, calls = function(expression, number), f"{name:24}", ""
        compiled = hotloop.jit(plain, cache=False)
        for n in sizes:
            x = operands(n)
            if any(word in expression for word in ("@ v", "solve", "lstsq")):
                x["v"] = x["square"]
            args = [x[key] for key in "apsvwk"]
            trips = max(1, min(1000, 5000 // n))
            for _ in range(3):
                compiled(*args, trips)
            for found in times((plain, compiled), (*args, trips), given.repeats):
                line += f"{1e6 * found / trips:9.2f}"
            if "call python" in compiled.lower(*args, trips).loops:
                calls = "  calls Python"
        print(line + calls, flush=True)


if __name__ == "__main__":
    main()
