"""`hotloop coverage --check N`: each function of NumPy on random arguments, compared with NumPy.

    hotloop coverage --check 20 --only linalg,cumsum

    function               calls    same  errors refused  wrong
    cumsum                    58      49       9       0      0

One line a function: calls that were made on arrays of random dtypes, sizes and layouts; those whose
results are NumPy's, those that end in NumPy's exception, the programs that are not supported, and
those that differ. The arguments are made up from the names of parameters (`library`), so many are
wrong ones. Each difference is shown with its program's number; `--seed` makes others.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hotloop.fuzz import cases, library
from hotloop.fuzz.check import FAILURES, INVALID, REFUSED, Verdict
from hotloop.fuzz.runner import run

COLUMNS = ("calls", "same", "errors", "refused", "wrong")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", type=int, default=0, metavar="N",
                        help="compare N random programs of each function with NumPy")
    parser.add_argument("--only", default="", metavar="A,B,...",
                        help="functions whose names begin so (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="number of the first program")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2),
                        help="worker processes (default: half of the cores)")


def wanted(only: str) -> list[str]:
    """Names of functions. Raises ValueError if there are none."""
    starts = tuple(part for part in only.split(",") if part)
    found = [name for name, _ in library.functions() if not starts or name.startswith(starts)]
    if not found:
        raise ValueError(f"no function of NumPy begins with {only}")
    return found


def jobs(functions: list[str], count: int, seed: int) -> Iterator[dict[str, Any]]:
    for name, k in itertools.product(functions, range(seed, seed + count)):
        case = cases.numpy_call(name, k)
        yield {"text": case.text, "kind": name, "seed": k}


def counts(verdict: Verdict) -> Counter[str]:
    """What one program adds to the columns."""
    if verdict.end == INVALID:
        return Counter()
    wrong = int(verdict.end in FAILURES)
    refused = int(verdict.end == REFUSED)
    agreed = max(verdict.calls - wrong - refused, 0)
    errors = min(verdict.raised, agreed)
    return Counter(calls=verdict.calls, same=agreed - errors, errors=errors, refused=refused,
                   wrong=wrong)


def check(options: argparse.Namespace) -> int:
    """Print the table. 0 if nothing differs, 1 if something does, 2 for an unknown function."""
    try:
        functions = wanted(options.only)
    except ValueError as error:
        print(f"hotloop coverage: {error}", file=sys.stderr)
        return 2
    table: dict[str, Counter[str]] = {name: Counter() for name in functions}
    found: list[str] = []
    for job, verdict in run(jobs(functions, options.check, options.seed), options.jobs, math.inf):
        table[job["kind"]] += counts(verdict)
        if verdict.end in FAILURES:
            call = job["text"].split("def f(", 1)[1].split("return ", 1)[1].split("\n", 1)[0]
            found.append(f"{verdict.end}: {call} [program {job['seed']}]\n"
                         f"    {verdict.cause[:200]}")
    print(f"{'function':28}" + "".join(f"{column:>8}" for column in COLUMNS))
    for name, row in table.items():
        print(line(name, row))
    print(line(f"{len(table)} functions", sum(table.values(), Counter())))
    for text in found:
        print(text)
    return 1 if found else 0


def line(name: str, row: Counter[str]) -> str:
    return f"{name:28}" + "".join(f"{row[column]:8}" for column in COLUMNS)
