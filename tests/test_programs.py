"""Whole programs, in the style people write NumPy, against plain Python.

Each module of tests/programs ends in a table PROGRAMS of (function, arguments for a size, sizes to
test, size for benchmarks/programs.py). The first size compiles; the others reuse that code.
"""

import copy
import importlib
from pathlib import Path

import numpy as np
import pytest
from compare import check, outcome
from programs import chance

import hotloop

MODULES = sorted(p.stem for p in (Path(__file__).parent / "programs").glob("*.py"))


def programs():
    rows = []
    for module in MODULES:
        for row in importlib.import_module(f"programs.{module}").PROGRAMS:
            rows.append(pytest.param(*row[:3], id=f"{module}-{row[0].__name__}"))
    return rows


def in_single(value):
    """float64 arrays become float32, complex128 complex64; the rest stays."""
    narrow = {"f": np.float32, "c": np.complex64}
    if isinstance(value, np.ndarray) and value.dtype.kind in narrow:
        return value.astype(narrow[value.dtype.kind])
    return value


@pytest.mark.parametrize("function, make, sizes", programs())
def test_program(function, make, sizes):
    jitted = hotloop.jit(function, cache=False)
    for n in sizes:
        args = make(np.random.default_rng(n), n)
        kind, result = outcome(function, copy.deepcopy(args), {})
        assert kind == "value", result
        check(function, *args, jitted=jitted)


SINGLE = {"gemm", "k3mm", "atax", "gemver", "gesummv", "syrk", "trmm", "doitgen", "fdtd_2d",
          "heat_3d", "jacobi_1d", "jacobi_2d", "mvt", "bicg", "trisolv"}


@pytest.mark.parametrize("function, make, sizes", [
    p for p in programs() if p.values[0].__name__ in SINGLE])
def test_program_in_single_precision(function, make, sizes):
    args = [in_single(a) for a in make(np.random.default_rng(0), sizes[0])]
    check(function, *args)


@pytest.mark.parametrize("function, args, mean, tolerance", chance.STATISTICS,
                         ids=[row[0].__name__ for row in chance.STATISTICS])
def test_program_with_random_draws(function, args, mean, tolerance):
    hotloop.seed(7)
    jitted = hotloop.jit(function, cache=False)
    first, second = jitted(*args), jitted(*args)
    assert abs(first - mean) < tolerance and abs(second - mean) < tolerance
    assert type(first) is type(function(*args))
