"""Runs an experiment's systems one after the other, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotloop.bench.experiments import Experiment

WORKER = Path(__file__).with_name("worker.py")


@dataclass
class SystemRun:
    """What one system's process reported. `status`: "ok", "unavailable", "failed", "wrong"."""
    system: str
    status: str = "ok"
    reason: str = ""
    version: str = ""
    python: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    first: dict[str, Any] = field(default_factory=dict)
    """of a kernel: seconds of the first call; for hotloop ms of each stage"""


def run(experiment: Experiment, systems: list[str], sizes: list[int],
        pythons: dict[str, str], at_least: float, limit: float,
        progress: Callable[[str, str], None],
        timeout: float | None = None, rounds: int = 1) -> list[SystemRun]:
    """Measure each system; `pythons` maps systems to interpreters, `progress(system, text)` hears
    of every event. `limit` is the number of seconds that one size may be predicted to take,
    `timeout` that a system may take in all. All systems run `rounds` times, in turn: a machine that
    others share is slow for seconds at a time."""
    options = {"sizes": sizes, "at_least": at_least, "limit": limit, "repeat": 15}
    tried: dict[str, list[SystemRun]] = {system: [] for system in systems}
    for k in range(rounds):
        with tempfile.TemporaryDirectory() as fresh:
            for system in systems:
                if k and tried[system][0].status != "ok":
                    continue
                tried[system].append(run_one(
                    experiment, system, options, pythons.get(system, sys.executable), fresh,
                    progress if rounds == 1 else _numbered(progress, k + 1), timeout))
    return [least(found) for found in tried.values()]


TIMES = frozenset(("seconds", "first", "best", "median", "value", "gradient"))
"""Fields of results that are seconds."""


def least(runs: list[SystemRun]) -> SystemRun:
    """The least of each time in runs of one system; the first that did not end well, if any."""
    for found in runs:
        if found.status != "ok":
            return found
    best = runs[0]
    for other in runs[1:]:
        for mine, theirs in zip(best.results, other.results, strict=False):
            for name in TIMES & mine.keys():
                mine[name] = min(mine[name], theirs[name])
    return best


def _numbered(progress: Callable[[str, str], None], k: int) -> Callable[[str, str], None]:
    return lambda system, text: progress(f"{system}, round {k}", text)


ENVIRONMENT = {"hotloop_serial": {"HOTLOOP_NUM_THREADS": "1"}}
"""What makes a system of another's module."""


def run_one(experiment: Experiment, system: str, options: dict[str, Any], python: str,
            cache: str, progress: Callable[[str, str], None],
            timeout: float | None = None) -> SystemRun:
    """Run one worker to its end, or for `timeout` seconds; `cache` is hotloop's disk cache."""
    result = SystemRun(system)
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", PYTHONWARNINGS="ignore",
                       HOTLOOP_CACHE_DIR=cache,      # empty at first: nobody starts warm unasked
                       **ENVIRONMENT.get(system, {}), **dict(experiment.environment))
    for name in "HOTLOOP_VERIFY", "PYTHONDONTWRITEBYTECODE":      # an import would compile sources
        environment.pop(name, None)
    progress(system, "starting")
    with tempfile.TemporaryFile("w+") as errors:     # a pipe that nobody reads could fill
        try:
            process = subprocess.Popen(
                [python, str(WORKER), experiment.name, system, json.dumps(options)],
                stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        except OSError as error:
            result.status, result.reason = "unavailable", f"can't run {python}: {error.strerror}"
            progress(system, result.reason)
            return result
        clock = threading.Timer(timeout or 0.0, process.kill)
        clock.daemon = True
        if timeout is not None:
            clock.start()
        try:
            _listen(process, result, progress)
        finally:
            clock.cancel()
            if process.poll() is None:
                process.kill()
        if process.wait() != 0:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:] or [
                f"exit status {process.returncode}"]
            if process.returncode == -signal.SIGKILL and timeout is not None:
                last = [f"stopped after {timeout:.0f} s"]
            result.status, result.reason = "failed", last[0]
            progress(system, "failed: " + result.reason)
    return result


def _listen(process: subprocess.Popen[str], result: SystemRun,
            progress: Callable[[str, str], None]) -> None:
    """Fill `result` from the lines that a worker prints, until it closes its output and ends."""
    system = result.system
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("{"):
            continue
        event = json.loads(line)
        kind = event.pop("event")
        if kind == "ready":
            result.version, result.python = event["version"], event["python"]
            progress(system, f"version {result.version}")
        elif kind == "result":
            result.results.append(event)
            progress(system, f"n = {event['n']:,}" if "n" in event else event["figure"])
        elif kind == "stopped":
            at = event.get("size") or f"n = {event['n']:,}"
            result.reason = f"stopped at {at}: {event['reason']}"
            progress(system, result.reason)
        elif kind in ("unavailable", "failed", "wrong"):
            result.status, result.reason = kind, event["reason"]
            progress(system, f"{kind}: {result.reason}")
        elif kind == "first":
            result.first = event
    process.wait()


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[str, str], None]]:
    """A bar over the systems on stderr: rich's if it is installed, plain lines if not."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        start = time.perf_counter()

        def plain(system: str, text: str) -> None:
            seconds = time.perf_counter() - start
            print(f"[{seconds:6.1f} s] {system}: {text}", file=sys.stderr, flush=True)
        yield plain
        return
    with Progress(TextColumn(title), BarColumn(), TextColumn("{task.completed}/{task.total}"),
                  TextColumn("{task.fields[now]}"), TimeElapsedColumn(),
                  console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, now="")
        seen: list[str] = []

        def rich(system: str, text: str) -> None:
            if system not in seen:
                seen.append(system)
            bar.update(task, completed=len(seen) - 1, now=f"{system}: {text}"[:50])
        yield rich
        bar.update(task, completed=total, now="")
