"""Tables and chart of `hotloop bench compile`: is compiling linear in the length of the program?

The exponent p of time = c n^p is fitted to the sizes from 100 on, since below them what every
compilation costs covers the growth. Linear is 1.
"""

from __future__ import annotations

import math
from pathlib import Path

from hotloop.bench import charts, report
from hotloop.bench.experiments import Experiment
from hotloop.bench.runner import SystemRun

ABOUT = {"line": "one expression after the other on arrays", "scalars": "the same on numbers",
         "loops": "loops one after the other", "nested": "the same, three deep",
         "calls": "functions, each called once"}
SMALLEST = 100


def exponent(points: list[tuple[float, float]]) -> float | None:
    """The slope of log(time) over log(n), by least squares; None for fewer than two sizes.

    >>> round(exponent([(100, 1.0), (1000, 10.0), (10000, 100.0)]), 3)
    1.0
    """
    logs = [(math.log(n), math.log(t)) for n, t in points if n >= SMALLEST and t > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    mx = sum(x for x, _ in logs) / len(logs)
    my = sum(y for _, y in logs) / len(logs)
    return sum((x - mx) * (y - my) for x, y in logs) / sum((x - mx) ** 2 for x, _ in logs)


def _shown(p: float | None) -> str:
    return "-" if p is None else f"{p:.2f}"


def tables(runs: list[SystemRun], sizes: list[int]) -> str:
    shapes = list(dict.fromkeys(e["shape"] for r in runs for e in r.results))
    rows = []
    for shape in shapes:
        for run in runs:
            at = {e["n"]: e["ms"] / 1e3 for e in run.results if e["shape"] == shape}
            if at:
                rows.append([shape, run.system, *[report.duration(at.get(n)) for n in sizes],
                             _shown(exponent(list(at.items())))])
    parts = ["the first call of a function of n operations; exponent: 1 is linear\n"
             + report.table(["shape", "system", *map(report.power, sizes), "exponent"], rows),
             "\n".join(f"{s}: {ABOUT[s]}" for s in shapes)]
    for run in runs:
        if any(e["stages"] for e in run.results):
            parts.append(stage_table(run, shapes))
    return "\n\n".join([*parts, report.notes(runs)])


def stage_table(run: SystemRun, shapes: list[str]) -> str:
    """For each stage its time for the longest program, and the exponent of its growth."""
    stages = list(dict.fromkeys(name for e in run.results for name in e["stages"]))
    rows: list[list[str]] = []
    longest: dict[str, int] = {}
    for stage in stages:
        row = [stage]
        for shape in shapes:
            points = [(e["n"], e["stages"].get(stage, 0.0) / 1e3) for e in run.results
                      if e["shape"] == shape]
            if points:
                longest[shape] = points[-1][0]
            row += [report.duration(points[-1][1]) if points else "-", _shown(exponent(points))]
        rows.append(row)
    lengths = ["operations", *(h for s in shapes for h in (report.power(longest[s]), ""))]
    return f"{run.system}: stages of the longest programs, and the exponents (^)\n" + report.table(
        ["stage", *(h for s in shapes for h in (s, "^"))], [lengths, *rows])


def draw(experiment: Experiment, runs: list[SystemRun], folder: Path) -> list[Path]:
    """One panel a shape: first calls against the number of operations."""
    plt = charts.pyplot()
    shapes = list(dict.fromkeys(e["shape"] for r in runs for e in r.results))
    figure, panels = plt.subplots(1, len(shapes), figsize=(3.2 * len(shapes), 3.8), sharey=True,
                                  squeeze=False)
    for shape, axes in zip(shapes, panels[0], strict=True):
        for run in runs:
            points = [(e["n"], e["ms"] / 1e3) for e in run.results if e["shape"] == shape]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=4,
                          color=charts.COLORS.get(run.system), label=run.system)
        low = min(e["ms"] / 1e3 for r in runs for e in r.results if e["shape"] == shape)
        ns = sorted({e["n"] for r in runs for e in r.results if e["shape"] == shape})
        axes.plot(ns, [low * n / ns[0] for n in ns], "k:", linewidth=1, label="linear")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(shape, fontsize=10)
        axes.set_xlabel("operations")
        axes.grid(True, alpha=0.3)
    panels[0][0].set_ylabel("seconds of the first call")
    panels[0][0].legend(fontsize=8)
    path = folder / "compile.png"
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    return [path]
