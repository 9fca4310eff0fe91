"""PNG charts of an experiment; needs matplotlib (extra `bench`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hotloop.bench.experiments import Experiment
from hotloop.bench.runner import SystemRun

COLORS = {"python": "#7f7f7f", "numpy": "#4c72b0", "hotloop": "#d62728", "numba": "#55a868",
          "jax": "#8172b2", "tensorflow": "#ff9f1c", "torchscript": "#c44e96",
          "torch_compile": "#8c564b", "triton": "#17becf", "numexpr": "#bcbd22"}


class ChartsUnavailable(ImportError):
    """matplotlib is missing."""


def pyplot() -> Any:
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ChartsUnavailable(
            "charts need matplotlib: pip install 'hotloop[bench]'") from error
    return plt


def _line(axes: Any, run: SystemRun, x: str, y: Callable[[dict], float], label: str,
          **style: Any) -> None:
    width = 2.5 if run.system == "hotloop" else 1.5
    axes.plot([e[x] for e in run.results], [y(e) for e in run.results], marker="o", markersize=4,
              linewidth=width, color=COLORS.get(run.system), label=label, **style)


def _finish(plt: Any, axes: Any, path: Path, title: str, x: str, y: str) -> Path:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8)
    axes.figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(axes.figure)
    return path


def pi_charts(experiment: Experiment, runs: list[SystemRun], folder: Path) -> list[Path]:
    """Time and error against n: all systems in one chart each, one chart a system, and the first
    calls as bars."""
    plt = pyplot()
    ok = [r for r in runs if r.results]
    paths = []
    for name, label, get in (
            ("time", "seconds (median)", lambda e: e["median"]),
            ("error", "distance to pi", lambda e: max(e["error"], 1e-12))):
        _, axes = plt.subplots(figsize=(7, 4.5))
        for run in ok:
            _line(axes, run, "n", get, run.system)
        if name == "error":
            sizes = sorted({e["n"] for r in ok for e in r.results})
            axes.plot(sizes, [1.642 / n**0.5 for n in sizes], "k--", linewidth=1,
                      label="standard deviation 1.64/sqrt(n)")
        paths.append(_finish(plt, axes, folder / f"pi-{name}.png",
                             f"{experiment.title}: {name}", "n points", label))
    for run in ok:
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
        _line(left, run, "n", lambda e: e["median"], "median")
        left.plot([e["n"] for e in run.results], [e["first"] for e in run.results], "k:",
                  marker="x", markersize=4, label="first call")
        _line(right, run, "n", lambda e: max(e["error"], 1e-12), "distance to pi")
        for axes, label in ((left, "seconds"), (right, "distance to pi")):
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("n points")
            axes.set_ylabel(label)
            axes.grid(True, alpha=0.3)
            axes.legend(fontsize=8)
        figure.suptitle(f"{run.system} {run.version}")
        path = folder / f"pi-{run.system}.png"
        figure.savefig(path, dpi=120, bbox_inches="tight")
        plt.close(figure)
        paths.append(path)
    figure, axes = plt.subplots(figsize=(7, 4))
    firsts = [max(r.results[0]["first"] - r.results[0]["median"], 1e-7) for r in ok]
    axes.barh([r.system for r in ok], firsts, color=[COLORS.get(r.system) for r in ok])
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("seconds that the first call took longer than a later one")
    axes.grid(True, axis="x", alpha=0.3)
    path = folder / "pi-first-call.png"
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    return [*paths, path]


def jit_charts(experiment: Experiment, runs: list[SystemRun], folder: Path) -> list[Path]:
    """Time against the number of calls: all jitted in one chart; plain against jitted for each."""
    plt = pyplot()
    paths = []
    _, axes = plt.subplots(figsize=(7, 4.5))
    for run in runs:
        for kind, style in (("plain", ":"), ("jit", "-")):
            part = SystemRun(run.system, results=[e for e in run.results if e["kind"] == kind])
            if part.results:
                _line(axes, part, "n", lambda e: e["seconds"], f"{run.system} {kind}",
                      linestyle=style)
    paths.append(_finish(plt, axes, folder / "jit-calls.png", experiment.title, "calls",
                         "seconds in all"))
    for run in runs:
        if not run.results:
            continue
        _, axes = plt.subplots(figsize=(6, 4))
        for kind, style in (("plain", ":"), ("jit", "-")):
            part = SystemRun(run.system, results=[e for e in run.results if e["kind"] == kind])
            if part.results:
                _line(axes, part, "n", lambda e: e["seconds"], kind, linestyle=style)
        paths.append(_finish(plt, axes, folder / f"jit-{run.system}.png",
                             f"{run.system} {run.version}", "calls", "seconds in all"))
    return paths


def figures_charts(experiment: Experiment, runs: list[SystemRun], folder: Path) -> list[Path]:
    """One row of bars a figure."""
    plt = pyplot()
    ok = [r for r in runs if r.results]
    names = (("first", "first call, s"), ("call", "call on 8 doubles, s"),
             ("sigmoid", "sigmoid of 10^7 float32, s"))
    figure, axes = plt.subplots(1, len(names), figsize=(12, 3.5), sharey=True)
    for (name, label), axis in zip(names, axes, strict=True):
        values = [next(e["seconds"] for e in r.results if e["figure"] == name) for r in ok]
        axis.barh([r.system for r in ok], values,
                  color=[COLORS.get(r.system.removesuffix("_warm")) for r in ok])
        axis.set_xscale("log")
        axis.set_xlabel(label)
        axis.grid(True, axis="x", alpha=0.3)
    axes[0].invert_yaxis()
    path = folder / "figures.png"
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    return [path]


def grad_charts(experiment: Experiment, runs: list[SystemRun], folder: Path) -> list[Path]:
    """Bars of the gradients' times, a group a function."""
    plt = pyplot()
    ok = [r for r in runs if r.results]
    names = list(dict.fromkeys(e["figure"] for r in ok for e in r.results))
    figure, axis = plt.subplots(figsize=(9, 5))
    for k, run in enumerate(ok):
        at = {e["figure"]: e["gradient"] for e in run.results}
        axis.barh([i + 0.25 * (k - (len(ok) - 1) / 2) for i, n in enumerate(names) if n in at],
                  [at[n] for n in names if n in at], height=0.25, label=run.system,
                  color=COLORS.get(run.system))
    axis.set_yticks(range(len(names)), names)
    axis.set_xscale("log")
    axis.set_xlabel("value and gradient, s")
    axis.grid(True, axis="x", alpha=0.3)
    axis.invert_yaxis()
    axis.legend()
    path = folder / "grad.png"
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
    return [path]
