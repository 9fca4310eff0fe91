"""What the user of `hotloop fuzz` reads: counts, causes, one file a finding.

    findings/finding-views-7.py       # runs alone: python findings/finding-views-7.py
"""

from __future__ import annotations

import platform
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np

import hotloop
from hotloop.fuzz.cases import Case
from hotloop.fuzz.check import FAILURES, REFUSED, Verdict

WIDTH = 100
FOOTER = '''

if __name__ == "__main__":
    from hotloop.fuzz.command import replay

    raise SystemExit(replay(__file__))
'''


class Tally:
    """Counts of a run."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.ends: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.failures: dict[tuple[str, str], list[Case]] = {}
        self.files: dict[tuple[str, str], Path] = {}
        self.calls = self.compiled = self.raised = 0

    def add(self, case: Case, verdict: Verdict) -> bool:
        """Count; True if it is a failure with a cause not seen before."""
        self.ends[verdict.end] += 1
        self.calls += verdict.calls
        self.compiled += verdict.compiled
        self.raised += verdict.raised
        if verdict.end == REFUSED:
            self.refusals[verdict.cause] += 1
        if verdict.end not in FAILURES:
            return False
        known = self.failures.setdefault((verdict.end, verdict.cause), [])
        known.append(case)
        return len(known) == 1

    @property
    def programs(self) -> int:
        return sum(self.ends.values())

    @property
    def failed(self) -> int:
        return sum(map(len, self.failures.values()))

    def line(self) -> str:
        seconds = time.monotonic() - self.start
        rate = self.programs / max(seconds, 1e-9)
        return (f"{seconds:6.0f} s  {self.programs} programs ({rate:.0f}/s)  "
                f"{self.ends[REFUSED]} refused  {self.failed} failed")

    def summary(self, reasons: int = 12) -> str:
        """The counts, the reasons of refusals, the failures by cause."""
        lines = [self.line().strip()]
        if self.calls:
            lines.append(f"{self.calls} calls: {self.compiled} ran compiled code, "
                         f"{self.raised} raised an exception")
        for title, counts in (("outcomes", self.ends), ("refused because", self.refusals)):
            lines.append(f"\n{title}")
            lines += [shortened(f"{n:7}  {what}") for what, n in counts.most_common(reasons)]
        lines.append(f"\nfailures: {self.failed}")
        for (end, cause), found in sorted(self.failures.items(), key=lambda item: -len(item[1])):
            lines.append(shortened(f"{len(found):7}  {end}: {cause}"))
            path = self.files.get((end, cause))
            lines.append(f"         {path if path else found[0].name}")
        return "\n".join(lines)


def shortened(line: str) -> str:
    return line if len(line) <= WIDTH else line[:WIDTH - 3] + "..."


def write(folder: Path, case: Case, verdict: Verdict, stage: str) -> Path:
    """The file of a finding; it runs alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"finding-{case.name}.py"
    path.write_text(comment(case, verdict, stage) + case.text.rstrip() + "\n" + FOOTER)
    return path


def comment(case: Case, verdict: Verdict, stage: str) -> str:
    lines = [f"hotloop fuzz, {case.kind} {case.seed}: {verdict.end}", verdict.cause,
             f"stage: {stage}" if stage else "",
             f"hotloop {hotloop.__version__}, NumPy {np.__version__}, Python "
             f"{platform.python_version()}, {platform.machine()}", "",
             *verdict.detail.strip().split("\n")[-25:]]
    wrapped = [part for line in lines if line or line == ""
               for part in textwrap.wrap(line, WIDTH - 2, drop_whitespace=False) or [""]]
    return "".join(f"# {line}".rstrip() + "\n" for line in wrapped) + "\n"
