"""The whole programs of tests/programs, plain and compiled, at a medium size:

    python benchmarks/programs.py [NAME ...]       # names or modules; all by default

A line a program: ms as Python and NumPy, ms compiled, their ratio, ms of the first call (tracing
and compiling). Times are the best of a few calls on fresh copies of the arguments. Slow lines
(ratio < 1) are marked.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import hotloop

TESTS = Path(__file__).resolve().parents[1] / "tests"
ENOUGH = 0.3
"""Seconds after which no further call is measured."""


def rows(wanted: list[str]) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """(name, function, arguments at the size to measure)"""
    sys.path[0] = str(TESTS)
    for file in sorted((TESTS / "programs").glob("*.py")):
        for function, make, _, size in importlib.import_module(f"programs.{file.stem}").PROGRAMS:
            if not wanted or file.stem in wanted or function.__name__ in wanted:
                yield (f"{file.stem}.{function.__name__}", function,
                       make(np.random.default_rng(0), size))


def best(function: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """Milliseconds of the fastest call."""
    times: list[float] = []
    while len(times) < 2 or sum(times) < ENOUGH and len(times) < 20:
        mine = copy.deepcopy(args)
        start = time.perf_counter()
        function(*mine)
        times.append(time.perf_counter() - start)
        if times[0] > 5 * ENOUGH:
            break
    return 1e3 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*")
    wanted = parser.parse_args().names
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    ratios = []
    print(f"{'program':45} {'Python ms':>10} {'hotloop ms':>10} {'ratio':>8} {'first ms':>8}")
    for name, function, args in rows(wanted):
        jitted = hotloop.jit(function, cache=False)
        mine = copy.deepcopy(args)
        start = time.perf_counter()
        try:
            jitted(*mine)
        except hotloop.errors.HotloopError as error:
            print(f"{name:45} {error.message}")
            continue
        first = 1e3 * (time.perf_counter() - start)
        compiled, plain = best(jitted, args), best(function, args)
        ratios.append(plain / compiled)
        print(f"{name:45} {plain:10.3f} {compiled:10.4f} {ratios[-1]:8.2f} {first:8.1f}"
              + ("  slow" if ratios[-1] < 1 else ""), flush=True)
    if ratios:
        print(f"geometric mean {np.exp(np.mean(np.log(ratios))):.1f} of {len(ratios)}")


if __name__ == "__main__":
    main()
