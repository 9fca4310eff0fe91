"""`hotloop bench kernels`: kernel by kernel, each system in a process of its own.

Kernels are the outer loop, so that what else the machine does meets all systems of a kernel alike;
rows are printed as they are finished, and the JSON file is written after each.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hotloop.bench import suite_charts, suite_report
from hotloop.bench.charts import ChartsUnavailable
from hotloop.bench.experiments import KERNELS, LIMITS
from hotloop.bench.kernels import every
from hotloop.bench.kernels.spec import SIZES, Kernel
from hotloop.bench.report import duration, machine
from hotloop.bench.runner import SystemRun, run_one

FIRST_ONLY = ("hotloop_warm",)
"""Systems of which only the first call is measured."""
DEFAULT_SIZES = ("S", "M", "L")


@dataclass
class Run:
    """Everything measured: for each kernel a SystemRun a system."""
    systems: list[str]
    sizes: list[str]
    versions: dict[str, str] = field(default_factory=dict)
    kernels: dict[str, dict[str, SystemRun]] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    """{"copy": {bytes: bytes a second}, "product_float64": operations a second, ...}"""


def chosen(only: str | None) -> list[Kernel]:
    """The rows that `--only` names: kernels or fields, or the beginnings of their names.

    Raises ValueError for a word that names none.
    """
    rows = every()
    if not only:
        return rows
    words = only.split(",")
    for word in words:
        if not any(matches(row, word) for row in rows):
            raise ValueError(f"no kernel or field is called {word} (see --list)")
    return [row for row in rows if any(matches(row, w) for w in words)]


def matches(row: Kernel, word: str) -> bool:
    return row.name == word or row.field == word or row.name.startswith(word)


def listing() -> str:
    """`--list`: name, field, sizes and what it does."""
    rows = []
    for row in every():
        text = f"{row.name:18} {row.field:11} {row.about}"
        rows.append(text if len(text) <= 100 else text[:97] + "...")
    return "\n".join(rows)


class Clock:
    """Estimates the time left from what each system's runs took so far."""

    def __init__(self, kernels: list[Kernel], systems: list[str]):
        self.left = {s: sum(wanted(row, s) for row in kernels) for s in systems}
        self.spent: dict[str, list[float]] = {s: [] for s in systems}
        self.start = time.perf_counter()

    def done(self, system: str, seconds: float) -> None:
        self.left[system] -= 1
        self.spent[system].append(seconds)

    def remaining(self) -> float:
        """Seconds; systems not yet run count like the mean of the others."""
        known = [t for spent in self.spent.values() for t in spent]
        mean = sum(known) / len(known) if known else 0.0
        return sum(left * (sum(self.spent[s]) / len(self.spent[s]) if self.spent[s] else mean)
                   for s, left in self.left.items())


def wanted(row: Kernel, system: str) -> bool:
    return row.version(system.removesuffix("_warm").removesuffix("_serial")) is not None


def run(options: argparse.Namespace, systems: list[str], pythons: dict[str, str]) -> int:
    if options.list:
        print(listing())
        return 0
    try:
        kernels = chosen(options.only)
        sizes = size_names(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if "hotloop_warm" in systems and "hotloop" not in systems:
        k = systems.index("hotloop_warm")
        systems = [*systems[:k], "hotloop", *systems[k:]]       # which fills the disk cache
    result = Run(systems, sizes)
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "kernels.json"
    with tempfile.TemporaryDirectory() as cache:
        heard = Progress(len(kernels))
        available = probe(result, pythons, cache, heard)
        result.limits = limits(pythons, cache, heard, options.at_least)
        clock = Clock(kernels, available)
        print(suite_report.heading(available, sizes), flush=True)
        for k, row in enumerate(kernels):
            runs = result.kernels[row.name] = {}
            for system in available:
                if not wanted(row, system):
                    continue
                heard.at(k, row.name, system, clock.remaining())
                start = time.perf_counter()
                runs[system] = run_one(
                    KERNELS, system,
                    {"kernel": row.name, "system": system.replace("_warm", ""), "sizes": sizes,
                     "at_least": options.at_least, "limit": options.limit,
                     "first_only": system in FIRST_ONLY},
                    interpreter(system, pythons), cache, heard.text,
                    timeout=options.timeout)
                clock.done(system, time.perf_counter() - start)
            heard.clear()
            for line in suite_report.rows(row, runs, available, sizes):
                print(line, flush=True)
            write_json(path, result, options, pythons)
        heard.clear()
    print("\n" + suite_report.summary(result, kernels, available))
    if not options.no_charts:
        try:
            drawn = suite_charts.draw(result, kernels, available, options.output)
            print(f"\n{len(drawn)} charts: {options.output}/kernels-*.png")
        except ChartsUnavailable as error:
            print(f"no charts: {error}", file=sys.stderr)
    print(f"\n{duration(time.perf_counter() - clock.start)} in all; written: {path}")
    return 1 if any(r.status in ("wrong", "failed") for runs in result.kernels.values()
                    for s, r in runs.items() if s.startswith("hotloop")) else 0


def size_names(options: argparse.Namespace) -> list[str]:
    if not options.sizes:
        return [*DEFAULT_SIZES, "XL"] if options.large else list(DEFAULT_SIZES)
    found = options.sizes.upper().split(",")
    unknown = [s for s in found if s not in SIZES]
    if unknown:
        raise ValueError(f"sizes are {', '.join(SIZES)}, not {', '.join(unknown)}")
    return [s for s in SIZES if s in found]


def interpreter(system: str, pythons: dict[str, str]) -> str:
    """The system's interpreter; `numba_parallel` has that of `numba`, unless it has its own."""
    family = system
    for variant in ("_parallel", "_serial", "_warm", "_fast"):
        family = family.removesuffix(variant)
    return pythons.get(system) or pythons.get(family) or sys.executable


def probe(result: Run, pythons: dict[str, str], cache: str, heard: Progress) -> list[str]:
    """The systems that can run here; the others are named on stderr."""
    available = []
    for system in result.systems:
        found = run_one(KERNELS, system, {}, interpreter(system, pythons), cache, heard.text)
        if found.status == "ok":
            available.append(system)
            result.versions[system] = f"{found.version} (Python {found.python})"
        else:
            heard.clear()
            print(f"left out: {system}: {found.reason}"[:100], file=sys.stderr)
    return available


def limits(pythons: dict[str, str], cache: str, heard: Progress,
           at_least: float) -> dict[str, Any]:
    found = run_one(LIMITS, "numpy", {"at_least": at_least},
                    interpreter("numpy", pythons), cache, heard.text)
    copies = {e["bytes"]: e["rate"] for e in found.results if e["figure"] == "copy"}
    others = {e["figure"]: e["rate"] for e in found.results if e["figure"] != "copy"}
    return {"copy": copies, **others} if copies else {}


class Progress:
    """One line on stderr that is written over, if it is a terminal; else nothing."""

    def __init__(self, total: int):
        self.total = total
        self.now = ""
        self.shown = sys.stderr.isatty()

    def at(self, done: int, kernel: str, system: str, left: float) -> None:
        about = f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"
        self.now = f"[{done + 1}/{self.total}{about if left else ''}] {kernel}: "
        self.text(system, "starting")

    def text(self, system: str, text: str) -> None:
        if self.shown:
            line = f"{self.now}{system}: {text}"[:99]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def write_json(path: Path, result: Run, options: argparse.Namespace,
               pythons: dict[str, str]) -> None:
    path.write_text(json.dumps({
        "experiment": "kernels", "title": KERNELS.title, "machine": machine(),
        "options": {"at_least": options.at_least, "limit": options.limit, "python": pythons,
                    "sizes": result.sizes},
        "versions": result.versions, "limits": result.limits,
        "kernels": {name: {s: _entry(r) for s, r in runs.items()}
                    for name, runs in result.kernels.items()}}, indent=1) + "\n")


def _entry(found: SystemRun) -> dict[str, Any]:
    entry = asdict(found)
    for name in ("system", "version", "python"):
        del entry[name]
    return entry


