"""Whole programs of tests/programs, differentiated: against differences of plain Python.

The loss is a sum with random weights over all floats that a program returns or leaves in its
arguments, so every store counts. Some programs are always run, all that have a derivative with
HYPOTHESIS_PROFILE=thorough (a quarter of an hour).
"""

import copy
import importlib
import linecache
import os
from pathlib import Path

import numpy as np
import pytest

import hotloop

CHOSEN = {
    "finance_and_simulation": ["bounce", "kalman", "black_scholes_loop", "orbit",
                               "integrate_lorenz", "drawdown"],
    "images_and_signals": ["biquad", "haar", "histogram", "median3", "mandelbrot_masked"],
    "learning": ["softmax", "kmeans_loops"],
    "linear_algebra": ["thomas", "jacobi_eigen", "scattering_self_energies", "fft_in_place",
                       "householder_qr"],
    "polybench": ["cholesky", "gesummv"],
    "searching": ["running_median"],
    "textbook": ["rotate", "max_profit"],
    "weather": ["lax_wendroff"],
}


UNLIKE_DIFFERENCES = {
    "azimint_naive": "a step moves elements to other bins",
    "bisection": "comparisons alone find the result", "bisect_root": "as bisection",
    "conjugate_gradient": "a step changes the number of trips", "conjugate_gradients": "as above",
    "pagerank": "as above", "poisson_sor": "as above",
    "pairwise_distances": "the square root of 0", "rbf_network": "as above",
    "heron_of_arrays": "a step makes the tolerance negative, and the loop endless",
    "newton_steps": "as heron_of_arrays",
    "dijkstra": "a weight of 0 is no edge, a step makes it one",
    "lenet": "computes in single precision", "conv2d_bias": "as lenet",
    "resnet_basicblock": "as lenet",
    "floats": "Python runs it: math.frexp", "math_reductions": "Python runs it: math.fsum",
}
"""Programs with floats of which no differences are taken, and why."""


def programs():
    if os.environ.get("HYPOTHESIS_PROFILE") == "thorough":
        yield from every_program()
        return
    for module, names in CHOSEN.items():
        table = importlib.import_module(f"programs.{module}").PROGRAMS
        rows = {row[0].__name__: row for row in table}
        for name in names:
            f, make, sizes = rows[name][:3]
            yield pytest.param(f, make, sizes[0], id=name)


def every_program():
    """Those with floats that go in and come out."""
    for path in sorted((Path(__file__).parent.parent / "programs").glob("*.py")):
        module = importlib.import_module(f"programs.{path.stem}")
        for f, make, sizes, *_ in getattr(module, "PROGRAMS", ()):
            before = make(np.random.default_rng(sizes[0]), sizes[0])
            after = copy.deepcopy(before)
            if f.__name__ in UNLIKE_DIFFERENCES or not any(map(is_float, before)):
                continue
            with np.errstate(all="ignore"):
                result = f(*after)
            if list(floats(result)) or any(
                    is_float(x) and np.ndim(x) and not np.array_equal(x, y)
                    for x, y in zip(before, after, strict=True)):
                yield pytest.param(f, make, sizes[0], id=f.__name__)


def is_float(x):
    return isinstance(x, float | complex) or (
        isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc")


def doubled(x):
    """In the precision that differences need."""
    narrow = {"f": np.float64, "c": np.complex128}
    return x.astype(narrow[x.dtype.kind]) if isinstance(x, np.ndarray) and is_float(x) else x


def random(rng, x):
    """As a weight or a direction: a number or an array like x."""
    value = rng.uniform(-1, 1, np.shape(x))
    if np.asarray(x).dtype.kind == "c":
        value = value + 1j * rng.uniform(-1, 1, np.shape(x))
    return value if np.shape(x) else np.asarray(value).item()


def floats(result, path=""):
    if isinstance(result, tuple | list):
        for k, item in enumerate(result):
            yield from floats(item, f"{path}[{k}]")
    elif is_float(result):
        yield path, result


def loss_of(f, args, rng):
    """A function with the arguments of f, by its source: that is what is compiled."""
    after = copy.deepcopy(args)
    found = [(f"r{path}", x) for path, x in floats(f(*after))]
    found += [(f"a{k}", y) for k, (x, y) in enumerate(zip(args, after, strict=True))
              if isinstance(x, np.ndarray) and is_float(x) and not np.array_equal(x, y)]
    scope = {"np": np, "f": f, **{f"w{k}": random(rng, x) for k, (_, x) in enumerate(found)}}
    terms = [f"np.sum(np.real({name} * w{k}))" for k, (name, _) in enumerate(found)]
    names = ", ".join(f"a{k}" for k in range(len(args)))
    source = f"def loss({names}):\n    r = f({names})\n    return {' + '.join(terms)}\n"
    file = f"<loss of {f.__name__}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), scope)
    return scope["loss"]


@pytest.mark.parametrize("f, make, size", list(programs()))
def test_gradient(f, make, size):
    rng = np.random.default_rng(3)
    args = [doubled(a) for a in make(np.random.default_rng(size), size)]
    loss = loss_of(f, args, rng)
    wanted = tuple(k for k, a in enumerate(args) if is_float(a))
    direction = {k: random(rng, args[k]) for k in wanted}

    def at(step):
        moved = copy.deepcopy(args)
        for k, d in direction.items():
            moved[k] = moved[k] + step * d
        return loss(*moved)

    value, gradient = hotloop.value_and_grad(loss, wanted)(*copy.deepcopy(args))
    np.testing.assert_allclose(value, at(0), rtol=1e-11)
    terms = [np.real(np.sum(g * direction[k])) for k, g in zip(wanted, gradient, strict=True)]
    h = 1e-5
    want = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    assert abs(sum(terms) - want) <= 1e-7 * max(abs(want), *map(abs, terms))
