"""A process that checks cases: `python -m hotloop.fuzz.worker` reads and writes JSON lines.

    {"kind": "views", "seed": 7, "modes": ["good"]}   -> {"end": "same", ...}
    {"text": "...", "kind": "...", "seed": 7}      # a given program
    {"text": ..., "stage": true}                   # which stage is at fault?

It limits its memory. What kills it is found out by `runner`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import resource
import sys

from hotloop import config
from hotloop.fuzz import cases, check, stages
from hotloop.fuzz.cases import Case
from hotloop.fuzz.check import Verdict
from hotloop.fuzz.users import user_case

GIGABYTES = 6


def stage_of(case: Case) -> Verdict:
    """The guilty stage as the cause of a Verdict."""
    try:
        return Verdict("stage", stages.guilty(case))
    except Exception as error:      # the triage of a broken compiler may break: the finding counts
        return Verdict("stage", f"unknown ({type(error).__name__} while looking)")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)                       # whatever prints past sys.stdout does not disturb answers
    faulthandler.enable()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (GIGABYTES << 30, GIGABYTES << 30))
    config.cache = False
    gc.freeze()                         # a tenth of the time went to collections
    gc.set_threshold(200_000, 20, 100)
    for line in sys.stdin:
        job = json.loads(line)
        if "text" in job:
            case = Case(job["text"], job["kind"], job["seed"])
        elif "function" in job:
            case = user_case(job["function"], job["seed"])
        else:
            case = cases.generate(job["kind"], job["seed"], job["modes"])
        verdict = stage_of(case) if job.get("stage") else check.check(case)
        answer = {name: getattr(verdict, name) for name in Verdict.__match_args__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
