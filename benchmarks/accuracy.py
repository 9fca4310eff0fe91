"""The largest error of each elementary function, in ulp, over its whole range:

    python benchmarks/accuracy.py [--quick] [--only exp,log]

Points: random bit patterns (all magnitudes alike), uniform ones where the function bends, and
neighbours of the places where formulas meet. The reference is the C library's 80-bit long double;
the worst points of each function are computed again by mpmath, and its figure is the one printed.
An error of 0.5 is the least possible. NumPy's own error at the same points stands beside.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import mpmath
import numpy as np

FUNCTIONS = {
    # name: intervals in which points are uniform, besides all magnitudes
    "exp": [(-750, 711), (-1, 1)], "exp2": [(-1080, 1025), (-1, 1)],
    "expm1": [(-40, 711), (-1, 1)], "log": [(0, 4), (0.9, 1.1)], "log2": [(0, 4), (0.9, 1.1)],
    "log10": [(0, 4), (0.9, 1.1)], "log1p": [(-1, 3), (-0.1, 0.1)],
    "sin": [(-10, 10), (-1e5, 1e5)], "cos": [(-10, 10), (-1e5, 1e5)],
    "tan": [(-10, 10), (-1e5, 1e5)], "arcsin": [(-1, 1), (0.49, 0.51)],
    "arccos": [(-1, 1), (0.49, 0.51)], "arctan": [(-4, 4), (0.4, 0.43)], "arctan2": [(-3, 3)],
    "sinh": [(-712, 712), (-2, 2)], "cosh": [(-712, 712), (-2, 2)],
    "tanh": [(-25, 25), (-1, 1)], "arcsinh": [(-4, 4), (-100, 100)],
    "arccosh": [(1, 4), (1, 1.01)], "arctanh": [(-1, 1), (-0.2, 0.2)], "pow": [(0, 4)],
    "cbrt": [(-8, 8)], "hypot": [(-3, 3)],
    "erf": [(-7, 7), (-1, 1)], "erfc": [(-7, 28), (0.7, 1.1)],
}
PYTHON = ("erf", "erfc")
"""Functions of Python's math instead of NumPy's: the reference is mpmath at fewer points."""
FEWER = 25
NUMPY = {"pow": "power"}
MPMATH = {"exp2": lambda x: mpmath.mpf(2) ** x, "log2": lambda x: mpmath.log(x, 2),
          "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan,
          "arctan2": mpmath.atan2, "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh,
          "arctanh": mpmath.atanh, "pow": mpmath.power,
          "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x))}
BINARY = ("arctan2", "pow", "hypot")


def ufunc(name: str) -> Callable:
    if name in PYTHON:
        each = np.vectorize(getattr(math, name), otypes=["d"])
        return lambda x: each(x).astype(x.dtype)
    return getattr(np, NUMPY.get(name, name))


def by_elements(name: str) -> Callable:
    """A function of Python's math on an array."""
    function = getattr(math, name)

    def each(x):
        out = np.empty_like(x)
        for k in range(len(x)):
            out[k] = function(x[k])
        return out
    return each


def _magnitudes(dtype: np.dtype, count: int, random: np.random.Generator) -> np.ndarray:
    ints = np.dtype(f"u{dtype.itemsize}")
    x = random.integers(0, np.iinfo(ints).max, count, ints, endpoint=True).view(dtype)
    return x[np.isfinite(x)]


def _neighbours(dtype: np.dtype) -> np.ndarray:
    places = [0.5, 1, 2, 3, 10, np.pi, np.e, 2**0.5, 0.5**0.5, 0.41421356, 2.41421356, 0.17328680,
              0.34657359, 100, 1000, 88.72284, 709.782712893384, 745.13, 103.97, *np.arange(1, 400)
              * (np.pi / 2), *10.0 ** np.arange(-30, 31)]
    x = np.array(places).astype(dtype)
    near = [x]
    for direction in (np.inf, -np.inf):
        y = x
        for _ in range(4):
            y = np.nextafter(y, dtype.type(direction))
            near.append(y)
    both = np.concatenate(near)
    return np.concatenate([both, -both])


def points(name: str, dtype: np.dtype, count: int, random: np.random.Generator) -> list[np.ndarray]:
    """Operands for a function, about `count` of each kind."""
    def line() -> np.ndarray:
        parts = [_magnitudes(dtype, count, random), _neighbours(dtype)]
        parts += [random.uniform(a, b, count).astype(dtype) for a, b in FUNCTIONS[name]]
        return np.concatenate(parts)
    x = line()
    if name not in BINARY:
        return [x]
    y = random.permutation(line())
    x, y = x[:min(len(x), len(y))], y[:min(len(x), len(y))]
    if name == "pow":              # results spread over the exponents, and whole exponents
        base = np.abs(x[(x != 0) & (np.abs(x) != 1)])
        goal = random.uniform(-1080, 1030, len(base)) / (1 if dtype.itemsize == 8 else 7)
        with np.errstate(all="ignore"):
            exponent = (goal / np.log2(base.astype("f8"))).astype(dtype)
            whole = random.integers(-9, 10, len(x)).astype(dtype)
        return [np.concatenate([x, base, x]), np.concatenate([y, exponent, whole])]
    with np.errstate(all="ignore"):
        close = (x * random.uniform(-3, 3, len(x))).astype(dtype)
    return [np.concatenate([x, x]), np.concatenate([y, close])]


def reference(name: str, operands: list[np.ndarray]) -> np.ndarray:
    if name in PYTHON:
        function = getattr(mpmath, name)
        with mpmath.workdps(25):                 # both are constant beyond 1000
            return np.array([np.longdouble(mpmath.nstr(function(mpmath.mpf(float(x))), 25))
                             for x in np.clip(operands[0], -1000, 1000)])
    with np.errstate(all="ignore"):
        return ufunc(name)(*[x.astype(np.longdouble) for x in operands])


def ulps(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Distances of results from exact values, in units of the last place of the exact value. A
    wrong NaN or infinity is an infinite distance."""
    with np.errstate(all="ignore"):
        rounded = want.astype(got.dtype)
        alike = (got == rounded) & np.isinf(got) | np.isnan(got) & np.isnan(want)
        unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(got.dtype).max))
        distance = np.abs(got.astype(np.longdouble) - want) / unit.astype(np.longdouble)
        return np.where(alike, 0.0, np.where(np.isnan(distance), np.inf, distance)).astype("f8")


def exact_ulps(name: str, operands: tuple, got: np.floating) -> float:
    """The error at one point by mpmath."""
    with mpmath.workdps(60):
        function = MPMATH.get(name) or getattr(mpmath, name)
        want = function(*[mpmath.mpf(float(x)) for x in operands])
        unit = float(np.spacing(np.abs(got.dtype.type(float(want)))))
        return float(abs(mpmath.mpf(float(got)) - want) / unit)


def measure(name: str, function: Callable, operands: list[np.ndarray]) -> tuple[float, tuple]:
    """(largest error in ulp, where)"""
    with np.errstate(all="ignore"):
        got = np.asarray(function(*operands))
    errors = ulps(got, reference(name, operands))
    worst = int(np.argmax(errors))
    return float(errors[worst]), tuple(x[worst] for x in operands)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20,000 points a kind, not 500,000")
    parser.add_argument("--only", default="", help="comma-separated names")
    options = parser.parse_args()
    import hotloop  # the heavy part, after --help

    count = 20_000 if options.quick else 500_000
    print(f"{'ulp':10}{'f32':>8}{'numpy':>8}{'f64':>8}{'numpy':>8}   worst at (f64)")
    for name in options.only.split(",") if options.only else FUNCTIONS:
        numpy = ufunc(name)
        compiled = hotloop.jit(by_elements(name) if name in PYTHON else
                               (lambda f: lambda x, y: f(x, y))(numpy) if name in BINARY else
                               (lambda f: lambda x: f(x))(numpy))
        row = f"{name:10}"
        for dtype in (np.dtype("f4"), np.dtype("f8")):
            operands = points(name, dtype, count // (FEWER if name in PYTHON else 1),
                              np.random.default_rng(1))
            ours, where = measure(name, compiled, operands)
            if np.isfinite(ours):
                with np.errstate(all="ignore"):
                    got = np.asarray(compiled(*[np.array([x]) for x in where]))[0]
                ours = exact_ulps(name, where, got)
            row += f"{ours:8.2f}{measure(name, numpy, operands)[0]:8.2f}"
        print(row, "  ", ", ".join(repr(float(x)) for x in where), flush=True)


if __name__ == "__main__":
    main()
