"""The tables of `hotloop bench kernels`, at most 100 columns wide."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hotloop.bench.kernels.spec import SIZES, Kernel
from hotloop.bench.report import duration, table
from hotloop.bench.runner import SystemRun

if TYPE_CHECKING:
    from hotloop.bench.suite import Run

HEADS = {"hotloop_warm": "warm", "hotloop_serial": "serial", "hotloop_fast": "fast",
         "numba_parallel": "numba+", "torch_compile": "torch"}
OURS = "hotloop"
RIVALS = ("numpy", "numba", "numba_parallel", "jax", "numexpr", "torch_compile", "pythran")
NUMBAS = ("numba", "numba_parallel")
WIDTH, CELL = 18, 7
RATIO = 7
"""Columns of a kernel's name, of a time, of the ratio."""


def timed_systems(systems: Iterable[str]) -> list[str]:
    return [s for s in systems if s != "hotloop_warm"]


def heading(systems: list[str], sizes: list[str]) -> str:
    cells = [HEADS.get(s, s).rjust(CELL) for s in timed_systems(systems)]
    head = f"{'kernel':{WIDTH}} {'':2}" + " ".join(["", *cells]) + "ratio".rjust(RATIO)
    return ("least time of a call; ratio: how much longer the best rival takes than hotloop"
            + ("\nnumba+: parallel=True, fastmath=True" if "numba_parallel" in systems else "")
            + "\n" + head + "\n" + "-" * len(head))


def at(found: SystemRun | None, size: str) -> dict[str, Any] | None:
    """The result at a size, if there is one."""
    if found is None:
        return None
    return next((e for e in found.results if e["size"] == size), None)


def reference(runs: dict[str, SystemRun], size: str) -> list[float] | None:
    """The numbers that others' results are compared with: NumPy's, or else of most systems."""
    digests = [e["check"] for s in ("numpy", *runs) if (e := at(runs.get(s), size))]
    if not digests or at(runs.get("numpy"), size):
        return digests[0] if digests else None
    return max(digests, key=lambda d: sum(alike(d, other, 1e-6) for other in digests))


def alike(a: list[float], b: list[float], tolerance: float) -> bool:
    """Equal up to rounding? Each number is compared on the scale of the largest of its eight."""
    if len(a) != len(b):
        return False
    scale = max([abs(x) for x in b if math.isfinite(x)], default=0.0)
    return all(math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance * scale)
               or math.isnan(x) and math.isnan(y) for x, y in zip(a, b, strict=True))


def correct(row: Kernel, runs: dict[str, SystemRun], system: str, size: str) -> bool:
    found = at(runs.get(system), size)
    expected = reference(runs, size)
    if found is None or expected is None or row.agree is not None:
        return True
    return alike(found["check"], expected, max(1e-6, 10 * row.tolerance))


def least(row: Kernel, runs: dict[str, SystemRun], system: str, size: str) -> float | None:
    """Seconds of the fastest call; None if not measured or wrong."""
    found = at(runs.get(system), size)
    return found["best"] if found and correct(row, runs, system, size) else None


def best(row: Kernel, runs: dict[str, SystemRun], systems: Iterable[str],
         size: str) -> float | None:
    known = [t for s in systems if (t := least(row, runs, s, size)) is not None]
    return min(known, default=None)


def rows(row: Kernel, runs: dict[str, SystemRun], systems: list[str],
         sizes: list[str]) -> list[str]:
    """The lines of one kernel, and why systems have no time."""
    lines = []
    for size in [s for s in sizes if row.at(s) is not None]:
        cells = [cell(row, runs, s, size).rjust(CELL) for s in timed_systems(systems)]
        ours, rival = least(row, runs, OURS, size), best(row, runs, RIVALS, size)
        ratio = f"{rival / ours:.2f}" if ours and rival else "-"
        lines.append(f"{row.name:{WIDTH}} {size:2}" + " ".join(["", *cells]) + ratio.rjust(RATIO))
    for system, found in runs.items():
        if found.status != "ok":
            text = f"  {HEADS.get(system, system)} {found.status}: {found.reason}"
            lines.append(text if len(text) <= 100 else text[:97] + "...")
    return lines


def cell(row: Kernel, runs: dict[str, SystemRun], system: str, size: str) -> str:
    found = runs.get(system)
    if found is None:
        return "-"
    result = at(found, size)
    if result is None:
        return "-" if found.status == "ok" else found.status
    return duration(result["best"]) if correct(row, runs, system, size) else "wrong"


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def against(result: Run, kernels: list[Kernel], rivals: tuple[str, ...],
            which: Callable[[Kernel], bool] = lambda row: True,
            only: str = "") -> dict[tuple[str, str], float]:
    """(kernel, size) -> how much longer the best of the rivals takes than hotloop; `only` a size
    if one is named."""
    ratios = {}
    for row in kernels:
        runs = result.kernels.get(row.name, {})
        for size in result.sizes:
            ours, rival = least(row, runs, OURS, size), best(row, runs, rivals, size)
            if ours and rival and which(row) and only in ("", size):
                ratios[row.name, size] = rival / ours
    return ratios


def means_table(result: Run, kernels: list[Kernel]) -> str:
    """Geometric means over kernels and sizes, and the worst kernel."""
    lines = []
    cases: list[tuple[str, tuple[str, ...], Callable[[Kernel], bool]]] = [
        ("NumPy, array kernels", ("numpy",), lambda row: row.style == "arrays"),
        ("NumPy, loop kernels", ("numpy",), lambda row: row.style == "loops"),
        ("best Numba", NUMBAS, lambda row: True), ("jax", ("jax",), lambda row: True),
        ("numexpr", ("numexpr",), lambda row: True),
        ("torch.compile", ("torch_compile",), lambda row: True),
        ("pythran", ("pythran",), lambda row: True),
        ("best rival", RIVALS, lambda row: True)]
    for name, rivals, which in cases:
        found = against(result, kernels, rivals, which)
        if found:
            by_size = []
            for s in SIZES:
                ratios = [v for (_, size), v in found.items() if size == s]
                by_size.append(f"{mean(ratios):.2f}" if ratios else "-")
            (kernel, size), worst = min(found.items(), key=lambda item: item[1])
            lines.append([name, str(len({k for k, _ in found})), *by_size,
                          f"{mean(list(found.values())):.2f}", f"{worst:.2f}", f"{kernel} {size}"])
    if not lines:
        return ""
    return ("how much longer others take than hotloop: geometric means\n" + table(
        ["against", "kernels", *SIZES, "all", "least", "at"], lines))


def behind(result: Run, kernels: list[Kernel]) -> str:
    """Where a rival is faster, worst first."""
    lines = []
    for (name, size), ratio in sorted(against(result, kernels, RIVALS).items(),
                                      key=lambda item: item[1]):
        if ratio >= 1:
            break
        row = next(r for r in kernels if r.name == name)
        runs = result.kernels[name]
        times = {s: t for s in RIVALS if (t := least(row, runs, s, size))}
        fastest = min(times, key=lambda s: times[s])
        lines.append([name, size, f"{ratio:.2f}", duration(least(row, runs, OURS, size)), fastest,
                      duration(times[fastest])])
    if not lines:
        return ""
    return "where a rival is faster\n" + table(
        ["kernel", "size", "ratio", "hotloop", "best rival", "takes"], lines)


def first_calls(result: Run, kernels: list[Kernel], systems: list[str]) -> str:
    """First calls, which compile, and peak memory beyond the arguments."""
    shown = [s for s in systems if s not in ("numpy", "hotloop_serial")]
    lines = []
    for row in kernels:
        runs = result.kernels.get(row.name, {})
        line = [row.name]
        for s in shown:
            found = runs.get(s)
            line.append(duration(found.first["seconds"]) if found and found.first else "-")
        lines.append(line)
    ratios = []
    for rival in ("numba", "jax"):
        known = [runs[rival].first["seconds"] / runs[OURS].first["seconds"]
                 for runs in result.kernels.values()
                 if OURS in runs and rival in runs and runs[OURS].first and runs[rival].first]
        if known:
            ratios.append(f"{rival} takes {mean(known):.1f} times as long as hotloop (geometric "
                          f"mean), {min(known):.1f} times at least")
    warm = [(f.first["seconds"], name) for name, runs in result.kernels.items()
            if (f := runs.get("hotloop_warm")) and f.first]
    if warm:
        middle = statistics.median(t for t, _ in warm)
        slowest, name = max(warm)
        ratios.append(f"warm: {duration(middle)} in the middle, {duration(slowest)} at most "
                      f"({name})")
    return "the first call, which compiles (warm: machine code comes from the disk)\n" + "\n".join(
        [table(["kernel", *(HEADS.get(s, s) for s in shown)], lines), *ratios])


def size_text(n: float) -> str:
    """
    >>> size_text(8_000_000), size_text(999_999_000)
    ('8 MB', '1 GB')
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= 0.9995 * scale:
            return f"{n / scale:.3g} {unit}"
    return f"{n:.0f} B"


LARGE = 3e7
"""Bytes from which on peaks tell: some MB come and go anyway."""


def memory_table(result: Run, kernels: list[Kernel], systems: list[str]) -> str:
    """Peak memory beyond the arguments, where the results are large enough to tell."""
    shown = [s for s in systems if s in ("numpy", OURS, *NUMBAS, "jax", "torch_compile")]
    lines = []
    for row in kernels:
        runs = result.kernels.get(row.name, {})
        sizes = [s for s in result.sizes if (e := at(runs.get(OURS), s))
                 and e["peak"] is not None and e["results"] + e["arguments"] >= LARGE]
        if sizes:
            results = at(runs[OURS], sizes[-1])
            assert results is not None
            lines.append([row.name, sizes[-1], size_text(results["results"]),
                          *[size_text(e["peak"]) if (e := at(runs.get(s), sizes[-1]))
                            and e["peak"] is not None else "-" for s in shown]])
    if not lines:
        return ""
    return "peak memory beyond the arguments\n" + table(
        ["kernel", "size", "results", *(HEADS.get(s, s) for s in shown)], lines)


def copy_rate(limits: dict[str, Any], size: float) -> float:
    """Bytes a second of a copy that moves as many bytes: between the two nearest measured."""
    known = sorted(limits["copy"].items())
    for (low, slow), (high, fast) in pairwise(known):
        if size <= high:
            part = min(1.0, max(0.0, math.log(size / low) / math.log(high / low)))
            return slow ** (1 - part) * fast ** part
    return known[-1][1]


def bandwidth_table(result: Run, kernels: list[Kernel]) -> str:
    """For kernels of few operations a byte: their bandwidth as a share of a copy's of as much."""
    if not result.limits:
        return ""
    lines = []
    for row in kernels:
        runs = result.kernels.get(row.name, {})
        for size in reversed(result.sizes):
            entry = at(runs.get(OURS), size)
            if not entry or entry["bytes"] < 1e6 or entry["operations"] > entry["bytes"]:
                continue
            shares = []
            for s in (OURS, *NUMBAS, "jax", "numpy"):
                t = least(row, runs, s, size)
                share = entry["bytes"] / t / copy_rate(result.limits, entry["bytes"]) if t else None
                shares.append(f"{100 * share:.0f} %" if share else "-")
            lines.append([row.name, size, size_text(entry["bytes"]), *shares])
            break
    if not lines:
        return ""
    return ("bandwidth as a share of a copy of as many bytes, where operations are few\n" + table(
        ["kernel", "size", "bytes", OURS, "numba", "numba+", "jax", "numpy"], lines))


def twins(result: Run, kernels: list[Kernel]) -> str:
    """How much faster the 32-bit twin of a kernel is."""
    by_name = {row.name: row for row in kernels}
    parts = []
    for row in kernels:
        double = by_name.get(row.name.removesuffix("_f32"))
        if double is None or double is row:
            continue
        factors = []
        for size in result.sizes:
            if row.at(size) != double.at(size):
                continue
            t = least(row, result.kernels[row.name], OURS, size)
            slow = least(double, result.kernels[double.name], OURS, size)
            if t and slow:
                factors.append(f"{slow / t:.2f}")
        if factors:
            parts.append(f"{double.name} {' '.join(factors)}")
    return "64-bit time over 32-bit time, by size: " + ", ".join(parts) if parts else ""


def summary(result: Run, kernels: list[Kernel], systems: list[str]) -> str:
    parts = [first_calls(result, kernels, systems), memory_table(result, kernels, systems),
             bandwidth_table(result, kernels), twins(result, kernels),
             behind(result, kernels), means_table(result, kernels),
             "\n".join(f"{s} {result.versions[s]}" for s in systems)]
    return "\n\n".join(p for p in parts if p)
