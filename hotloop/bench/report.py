"""Tables for the terminal (at most 100 columns) and the JSON file."""

from __future__ import annotations

import json
import math
import platform
from pathlib import Path
from typing import Any

from hotloop.bench.experiments import Experiment
from hotloop.bench.runner import SystemRun

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float | None) -> str:
    """Three figures and a unit: `1.23 ms`.

    >>> duration(0.0012345)
    '1.23 ms'
    """
    if seconds is None:
        return "-"
    scale, unit = next((s for s in UNITS if seconds >= s[0]), UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Left-aligned first column, the others right-aligned."""
    widths = [max(len(r[k]) for r in [header, *rows]) for k in range(len(header))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()
    rule = "  ".join("-" * w for w in widths)
    return "\n".join([line(header), rule, *map(line, rows)])


def power(n: int) -> str:
    """`10^4` for powers of ten, else the number."""
    zeros = len(str(n)) - 1
    return f"10^{zeros}" if n == 10**zeros and zeros else str(n)


def pi_tables(runs: list[SystemRun], sizes: list[int]) -> str:
    ok = [r for r in runs if r.results]
    times, errors = [], []
    for run in ok:
        at = {e["n"]: e for e in run.results}
        first = run.results[0]["first"] - run.results[0]["median"]
        times.append([run.system, *[duration(at[n]["median"]) if n in at else "-" for n in sizes],
                      duration(max(first, 0.0))])
        errors.append([run.system, *[f"{at[n]['error']:.1e}" if n in at else "-" for n in sizes]])
    head = [power(n) for n in sizes]
    return "\n\n".join([
        "median time against the number of points; first: what the first call took longer\n"
        + table(["system", *head, "first"], times),
        "distance to pi\n" + table(["system", *head], errors),
        *_ratios(ok, sizes), notes(runs)])


def _ratios(ok: list[SystemRun], sizes: list[int]) -> list[str]:
    ours = next((r for r in ok if r.system == "hotloop"), None)
    if ours is None or len(ok) < 2:
        return []
    mine = {e["n"]: e["median"] for e in ours.results}
    rows = []
    for run in ok:
        if run is not ours:
            at = {e["n"]: e["median"] for e in run.results}
            rows.append([run.system, *[f"{at[n] / mine[n]:.3g}" if n in at and n in mine else "-"
                                       for n in sizes]])
    return ["times slower than hotloop\n"
            + table(["system", *[power(n) for n in sizes]], rows)]


def jit_tables(runs: list[SystemRun], sizes: list[int]) -> str:
    rows = []
    for run in runs:
        for kind in ("plain", "jit"):
            at = {e["n"]: e["seconds"] for e in run.results if e["kind"] == kind}
            if at:
                rows.append([f"{run.system} {kind}",
                             *[duration(at.get(n)) for n in sizes]])
    return "\n\n".join(["time of n calls, the first (which compiles) included\n"
                        + table(["system", *map(str, sizes)], rows), notes(runs)])


def figures_tables(runs: list[SystemRun], sizes: list[int]) -> str:
    """The single figures; the sigmoid also as multiples of a copy in the same process."""
    rows = []
    for run in runs:
        at = {e["figure"]: e["seconds"] for e in run.results}
        if at:
            rows.append([run.system, duration(at["import"]) if at["import"] else "-",
                         duration(at["first"]), duration(at["call"]), duration(at["sigmoid"]),
                         f"{at['sigmoid'] / at['copy']:.2f}"])
    head = ["system", "import", "first call", "a*a + 1 of 8", "sigmoid 10^7", "copies"]
    return "\n\n".join([
        "import: beyond NumPy's; first call: of a new sigmoid on 100 floats; copies: the time of\n"
        "the sigmoid of 10^7 float32 in numpy.copyto of the same bytes\n" + table(head, rows),
        notes(runs)])


def grad_tables(runs: list[SystemRun], sizes: list[int]) -> str:
    """Times of gradients, as multiples of the function's own and of hotloop's; marks wrong ones."""
    ok = [r for r in runs if r.results]
    at = {r.system: {e["figure"]: e for e in r.results} for r in ok}
    names = list(dict.fromkeys(name for found in at.values() for name in found))
    ours = at.get("hotloop", {})
    rows = []
    factors: dict[str, list[float]] = {r.system: [] for r in ok}
    for name in names:
        row = [name]
        for system, found in at.items():
            e = found.get(name)
            if e is None:
                row += ["-", "-"]
                continue
            mine = ours.get(name, e)
            wrong = "" if agree(e["check"], mine["check"]) else " differs"
            row += [duration(e["gradient"]) + wrong, f"{e['gradient'] / e['value']:.1f}"]
            if name in ours:
                factors[system].append(e["gradient"] / mine["gradient"])
        rows.append(row)
    head = ["function"] + [h for r in ok for h in (r.system, "/ value")]
    means = [f"{s}: {math.exp(sum(map(math.log, f)) / len(f)):.2f}" for s, f in factors.items()
             if f and s != "hotloop"]
    first = [[name, *[duration(found[name]["first"]) if name in found else "-"
                      for found in at.values()]] for name in names]
    return "\n\n".join([
        "time of a value and gradient; and as a multiple of the function in the same system\n"
        + table(head, rows),
        *(["times slower than hotloop, geometric mean\n" + ", ".join(means)] if means else []),
        "the first call, which compiles\n" + table(["function", *at], first), notes(runs)])


def agree(a: list[float], b: list[float]) -> bool:
    """Are two systems' gradients the same up to rounding?"""
    return len(a) == len(b) and all(
        math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-8) for x, y in zip(a, b, strict=True))


def notes(runs: list[SystemRun]) -> str:
    lines = [f"{r.system} {r.version} (Python {r.python})" for r in runs if r.version]
    lines += [f"{r.system}: {r.status if r.status != 'ok' else 'note'}: {r.reason}"
              for r in runs if r.reason]
    return "\n".join(line if len(line) <= 100 else line[:97] + "..." for line in lines)


def machine() -> dict[str, Any]:
    """The processor's name and the system, for the JSON file."""
    name = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return {"processor": name, "system": platform.platform()}


def write_json(path: Path, experiment: Experiment, runs: list[SystemRun],
               options: dict[str, Any]) -> None:
    path.write_text(json.dumps({
        "experiment": experiment.name, "title": experiment.title, "machine": machine(),
        "options": options,
        "systems": [{"system": r.system, "status": r.status, "reason": r.reason,
                     "version": r.version, "python": r.python, "results": r.results}
                    for r in runs]}, indent=1) + "\n")
