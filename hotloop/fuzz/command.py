"""`hotloop fuzz`: options, the run, replaying a finding."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hotloop.fuzz import cases, check, kinds, modes, report, users, worker
from hotloop.fuzz.cases import Case
from hotloop.fuzz.check import CRASH, FAILURES, HANG, Verdict
from hotloop.fuzz.reduce import reduced
from hotloop.fuzz.runner import Worker, run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="FILE.py::FUNCTION",
                        help="make up inputs for this function instead of programs")
    parser.add_argument("--args", metavar="EXPRESSIONS", default="",
                        help="example arguments for it, e.g. 'np.zeros((3, 4)), 0.5'")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--programs", type=int, default=0, metavar="N", help="at most so many")
    parser.add_argument("--seed", type=int, default=0, help="number of the first program")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2),
                        help="worker processes (default: half of the cores)")
    parser.add_argument("--kinds", default=",".join(kinds.KINDS), metavar="A,B,...",
                        help=f"kinds of programs (default: {','.join(kinds.KINDS)})")
    parser.add_argument("--out", type=Path, default=Path("findings"), metavar="DIR",
                        help="where a file is written for each finding (default: findings)")
    parser.add_argument("--modes", default=",".join(modes.MODES), metavar="A,B,...",
                        help=f"ways of compiling (default: {','.join(modes.MODES)})")
    parser.add_argument("--reduce", type=float, default=60, metavar="SECONDS",
                        help="how long to make a failing program smaller (default: 60; 0: not)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run a finding again")


def fuzz(options: argparse.Namespace) -> int:
    """0 if nothing failed, 1 if something did, 2 for options that make no sense."""
    if options.replay:
        return replay(options.replay)
    try:
        jobs = user_jobs(options) if options.target else program_jobs(options)
    except ValueError as error:
        print(f"hotloop fuzz: {error}", file=sys.stderr)
        return 2
    tally = report.Tally()
    if options.programs:
        jobs = itertools.islice(jobs, options.programs)
    helper = Worker()
    shown = time.monotonic()
    try:
        until = time.monotonic() + options.seconds
        for job, verdict in run(jobs, options.jobs, until):
            case = case_of(job)
            if tally.add(case, verdict):
                path = finding(case, verdict, options, helper)
                tally.files[verdict.end, verdict.cause] = path
                print(report.shortened(f"{verdict.end}: {verdict.cause}") + f"\n    {path}",
                      flush=True)
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(tally.line(), flush=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    finally:
        helper.close()
    print("\n" + tally.summary())
    return 1 if tally.failed else 0


def program_jobs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    wanted = chosen("kind", options.kinds, kinds.KINDS)
    ways = chosen("mode", options.modes, modes.MODES)
    return ({"kind": kind, "seed": seed, "modes": ways}
            for seed in itertools.count(options.seed) for kind in wanted)


def chosen(what: str, text: str, known: Iterable[str]) -> list[str]:
    """The parts of an option that names some of `known`."""
    wanted = text.split(",")
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise ValueError(f"no such {what}: {', '.join(unknown)} (there are {', '.join(known)})")
    return wanted


def user_jobs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    file, _, name = options.target.partition("::")
    if not name or not Path(file).is_file():
        raise ValueError(f"{options.target!r} is not FILE.py::FUNCTION")
    place = [str(Path(file).resolve()), name, options.args]
    users.user_case(place, options.seed)        # its errors now, not in each worker
    return ({"function": place, "seed": seed} for seed in itertools.count(options.seed))


def case_of(job: dict[str, Any]) -> Case:
    if "function" in job:
        return users.user_case(job["function"], job["seed"])
    return cases.generate(job["kind"], job["seed"], job["modes"])


def finding(case: Case, verdict: Verdict, options: argparse.Namespace, helper: Worker) -> Path:
    """Reduce, find the stage, write the file."""
    def ask(candidate: Case) -> Verdict:
        return helper.ask({"text": candidate.text, "kind": case.kind, "seed": case.seed})

    if options.reduce:
        helper.seconds = 10       # an edit may have made a loop endless
        case = reduced(case, verdict, ask, options.reduce)
    stage = ""
    if verdict.end not in (CRASH, HANG):
        again = ask(case)
        verdict = again if again.end == verdict.end else verdict
        found = helper.ask({"text": case.text, "kind": case.kind, "seed": case.seed, "stage": True})
        stage = found.cause
    return report.write(options.out, case, verdict, stage)


def replay(file: str | Path) -> int:
    """Check the program of a finding in this process and say how it ends; 1 if it still fails."""
    text = Path(file).read_text()
    case = Case(text, "replay", 0)
    verdict = check.check(case)
    print(f"{verdict.end}{': ' if verdict.cause else ''}{verdict.cause}")
    if verdict.end not in FAILURES:
        return 0
    print(verdict.detail.rstrip())
    print(f"stage: {worker.stage_of(case).cause}")
    return 1
