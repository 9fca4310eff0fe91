"""Charts of `hotloop bench kernels`: speed-ups, first calls against later ones, a roofline."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotloop.bench import charts
from hotloop.bench import suite_report as report
from hotloop.bench.kernels.spec import Kernel

if TYPE_CHECKING:
    from hotloop.bench.suite import Run

COLORS = {**charts.COLORS, "numba_parallel": "#1b7a3d", "pythran": "#e377c2",
          "hotloop_serial": "#ff9896", "hotloop_warm": "#ff9896", "hotloop_fast": "#8c1a1a"}
MARKS = {"numpy": "s", "numba": "o", "numba_parallel": "D", "jax": "^", "numexpr": "v",
         "torch_compile": "P", "pythran": "X"}
MIDDLE = "M"


def draw(result: Run, kernels: list[Kernel], systems: list[str], folder: Path) -> list[Path]:
    """Raises charts.ChartsUnavailable without matplotlib."""
    plt = charts.pyplot()
    paths = []
    for size in result.sizes:
        if report.against(result, kernels, report.RIVALS, lambda row: True, size):
            paths.append(speed_ups(plt, result, kernels, size, folder))
    return [p for p in (*paths, first_calls(plt, result, kernels, systems, folder),
                        roofline(plt, result, kernels, folder)) if p is not None]


def _save(plt: Any, figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def speed_ups(plt: Any, result: Run, kernels: list[Kernel], size: str, folder: Path) -> Path:
    """A line a kernel: how much longer each rival takes than hotloop; sorted by the best one."""
    best = report.against(result, kernels, report.RIVALS, lambda row: True, size)
    names = [name for name, _ in sorted(best, key=lambda key: best[key])]
    by_name = {row.name: row for row in kernels}
    half = math.ceil(len(names) / 2) if len(names) > 40 else len(names)
    parts = [p for p in (names[:half], names[half:]) if p]
    figure, panels = plt.subplots(1, len(parts), figsize=(7 * len(parts), 1.6 + 0.2 * half),
                                  squeeze=False, sharex=True)
    for part, axes in zip(parts, panels[0], strict=True):
        for system, mark in MARKS.items():
            points = [(other / ours, y) for y, name in enumerate(part)
                      if (other := report.least(by_name[name], result.kernels[name], system, size))
                      and (ours := report.least(by_name[name], result.kernels[name], report.OURS,
                                                size))]
            if points:
                axes.scatter(*zip(*points, strict=True), marker=mark, s=22,
                             color=COLORS.get(system), label=system, zorder=3)
        axes.axvline(1.0, color=COLORS["hotloop"], linewidth=1.5)
        axes.set_yticks(range(len(part)), part, fontsize=8)
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_xscale("log")
        axes.set_xlabel("time / hotloop's time (right of the line: hotloop is faster)")
        axes.grid(True, alpha=0.3)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="lower center", ncols=len(labels),
                  bbox_to_anchor=(0.5, 1.0))
    figure.tight_layout()
    return _save(plt, figure, folder / f"kernels-speed-{size}.png")


def first_calls(plt: Any, result: Run, kernels: list[Kernel], systems: list[str],
                folder: Path) -> Path | None:
    """First call against a later one, a point a kernel and system."""
    figure, axes = plt.subplots(figsize=(8, 5))
    drawn = False
    for system in systems:
        if system in ("numpy", "hotloop_serial"):
            continue
        steady = report.OURS if system == "hotloop_warm" else system
        points = []
        for row in kernels:
            runs = result.kernels.get(row.name, {})
            found = runs.get(system)
            later = report.least(row, runs, steady, MIDDLE)
            if found and found.first and later:
                points.append((later, found.first["seconds"]))
        if points:
            drawn = True
            axes.scatter(*zip(*points, strict=True), s=16, color=COLORS.get(system), label=system,
                         marker="*" if system == "hotloop_warm" else MARKS.get(system, "o"),
                         alpha=0.8)
    if not drawn:
        plt.close(figure)
        return None
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(f"seconds of a later call (size {MIDDLE})")
    axes.set_ylabel("seconds of the first call (size S)")
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return _save(plt, figure, folder / "kernels-first-call.png")


def roofline(plt: Any, result: Run, kernels: list[Kernel], folder: Path) -> Path | None:
    """hotloop's operations per second against operations per byte, under what the machine can do;
    the kernels are numbered in the order of their place, with a list beside."""
    limits = result.limits
    points = []
    for row in kernels:
        runs = result.kernels.get(row.name, {})
        for size in reversed(result.sizes):
            t, found = report.least(row, runs, report.OURS, size), runs.get(report.OURS)
            entry = report.at(found, size)
            if t and entry and entry["operations"] and entry["bytes"] > 1000:
                points.append((entry["operations"] / entry["bytes"], entry["operations"] / t,
                               f"{row.name} {size}"))
                break
    if not points or not limits:
        return None
    points.sort()
    figure, axes = plt.subplots(figsize=(11, 7.5))
    low, high = points[0][0] / 2, max(points[-1][0] * 2, 100.0)
    peak = limits["product_float64"]
    for label, rate, style in (
            ("copy in a cache", max(limits["copy"].values()), "--"),
            ("copy in memory", limits["copy"][max(limits["copy"])], "-")):
        axes.plot([low, peak / rate], [low * rate, peak], "k" + style, linewidth=1,
                  label=f"{label}: {rate / 1e9:.0f} GB/s")
    axes.plot([low, high], [peak, peak], "k:", linewidth=1,
              label=f"matrix product: {peak / 1e9:.0f} Gflop/s")
    axes.scatter([p[0] for p in points], [p[1] for p in points], s=12, color=COLORS["hotloop"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(min(p[1] for p in points) / 2, max(peak, *(p[1] for p in points)) * 2)
    spread(figure, axes, points)
    axes.set_xlabel("operations per byte that must be moved")
    axes.set_ylabel("operations per second")
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
    columns = math.ceil(len(points) / 34)
    for c in range(columns):
        part = list(enumerate(points, 1))[c * 34:(c + 1) * 34]
        axes.text(1.02 + 0.25 * c, 1.0, "\n".join(f"{k:3} {p[2]}" for k, p in part),
                  transform=axes.transAxes, fontsize=7, family="monospace", va="top")
    return _save(plt, figure, folder / "kernels-roofline.png")


def spread(figure: Any, axes: Any, points: list[tuple[float, float, str]]) -> None:
    """Number the points, each number at the first place around its point that is free."""
    figure.canvas.draw()
    taken: list[tuple[float, float]] = [tuple(axes.transData.transform(p[:2])) for p in points]
    ring = [(dx, dy) for r in (9, 17, 26, 36) for dx, dy in (
        (r, 0), (-r, 0), (0, r), (0, -r), (r, r), (-r, r), (r, -r), (-r, -r))]
    for k, point in enumerate(points, 1):
        x, y = axes.transData.transform(point[:2])
        dx, dy = next((d for d in ring if all(
            abs(x + d[0] - u) > 13 or abs(y + d[1] - v) > 8 for u, v in taken)), ring[0])
        taken.append((x + dx, y + dy))
        scale = 72 / figure.dpi
        axes.annotate(str(k), point[:2], (dx * scale, dy * scale), textcoords="offset points",
                      fontsize=6, ha="center", va="center",
                      arrowprops={"arrowstyle": "-", "lw": 0.3, "color": "#999999"}
                      if max(abs(dx), abs(dy)) > 10 else None)
