"""`hotloop bench NAME`: run an experiment, print its tables, write JSON and charts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hotloop.bench import charts, growth, report, runner, suite
from hotloop.bench.experiments import EXPERIMENTS

TABLES = {"pi": report.pi_tables, "jit": report.jit_tables,
          "figures": report.figures_tables, "grad": report.grad_tables,
          "compile": growth.tables}
CHARTS = {"pi": charts.pi_charts, "jit": charts.jit_charts,
          "figures": charts.figures_charts, "grad": charts.grad_charts,
          "compile": growth.draw}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("experiment", choices=sorted(EXPERIMENTS))
    parser.add_argument("--systems", metavar="A,B,...",
                        help="only these, or all (default: all; of kernels those that compile "
                             "quickly)")
    parser.add_argument("--sizes", metavar="N,N,...",
                        help="values of n, e.g. 1e3,1e5 (default: all of the experiment); of "
                             "kernels: S,M,L,XL")
    parser.add_argument("--only", metavar="NAME,...",
                        help="kernels or their fields, or beginnings of their names")
    parser.add_argument("--large", action="store_true", help="kernels: also 1 GB (XL)")
    parser.add_argument("--list", action="store_true", help="kernels: only list them")
    parser.add_argument("--python", action="append", default=[], metavar="SYSTEM=PATH",
                        help="interpreter for a system; may be given several times")
    parser.add_argument("--at-least", type=float, metavar="SECONDS",
                        help="repeat each size for at least this long (default: 0.3; kernels: "
                             "0.2)")
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="run all systems N times in turn, in new processes, and keep the "
                             "least of each time (default: 1; figures: 5)")
    parser.add_argument("--limit", type=float, metavar="SECONDS",
                        help="leave out sizes predicted to take longer (default: 120; a call of "
                             "a kernel: 2; a compilation: 60)")
    parser.add_argument("--timeout", type=float, default=90, metavar="SECONDS",
                        help="of a kernel in one system, compilation included (default: 90)")
    parser.add_argument("--output", type=Path, default=Path("results"), metavar="DIR",
                        help="where the JSON file and the charts go (default: results)")
    parser.add_argument("--no-charts", action="store_true")


def run(options: argparse.Namespace) -> int:
    experiment = EXPERIMENTS[options.experiment]
    systems = (list(experiment.systems) if options.systems == "all"
               else options.systems.split(",") if options.systems
               else [s for s in experiment.systems if s not in experiment.on_request])
    unknown = [s for s in systems if s not in experiment.systems]
    if unknown:
        print(f"no such system: {', '.join(unknown)} (there are "
              f"{', '.join(experiment.systems)})", file=sys.stderr)
        return 2
    if options.at_least is None:
        options.at_least = 0.2 if experiment.name == "kernels" else 0.3
    if options.limit is None:
        options.limit = {"kernels": 2.0, "compile": 60.0}.get(experiment.name, 120.0)
    try:
        pythons = dict(item.split("=", 1) for item in options.python)
    except ValueError:
        print("--python takes SYSTEM=PATH", file=sys.stderr)
        return 2
    if experiment.name == "kernels":
        return suite.run(options, systems, pythons)
    try:
        sizes = ([int(float(n)) for n in options.sizes.split(",")] if options.sizes
                 else list(experiment.sizes))
    except ValueError as error:
        print(f"can't read the options: {error}", file=sys.stderr)
        return 2
    rounds = options.rounds or experiment.rounds
    with runner.progress_bar(experiment.name, rounds * len(systems)) as progress:
        runs = runner.run(experiment, systems, sizes, pythons, options.at_least, options.limit,
                          progress, 20 * options.limit if experiment.name == "compile" else None,
                          rounds)
    print(experiment.title + "\n")
    print(TABLES[experiment.name](runs, sizes))
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{experiment.name}.json"
    report.write_json(path, experiment, runs, {
        "sizes": sizes, "at_least": options.at_least, "limit": options.limit,
        "rounds": rounds, "python": pythons})
    written = [path]
    if not options.no_charts:
        try:
            written += CHARTS[experiment.name](experiment, runs, options.output)
        except charts.ChartsUnavailable as error:
            print(f"no charts: {error}", file=sys.stderr)
    print("\nwritten: " + ", ".join(str(p) for p in written[:1]),
          f"and {len(written) - 1} charts in {options.output}" if written[1:] else "")
    return 1 if any(r.status == "failed" for r in runs) else 0
