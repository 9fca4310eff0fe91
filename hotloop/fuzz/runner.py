"""Feeds cases to worker processes; a worker that dies or hangs is a finding, and is replaced.

    for case, verdict in run(jobs, workers=2, until=time.monotonic() + 60):
        ...

`jobs` is an iterator of what `worker` reads: {"kind": "views", "seed": 7, "modes": ["good"]}, ...
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from hotloop.fuzz.check import CRASH, HANG, Verdict

SECONDS = 60.0
"""A case that takes longer hangs: the programs end within milliseconds, a slow machine included."""
LIFE = 500
"""Cases of one worker: machine code and traces of old ones must not fill the memory."""


class Result(NamedTuple):
    job: dict[str, Any]
    verdict: Verdict


class Worker:
    """One process; `start` a job, then `finish` when its pipe is readable."""

    def __init__(self, seconds: float = SECONDS):
        self.seconds = seconds
        self.process: subprocess.Popen[str] | None = None
        self.job: dict[str, Any] | None = None
        self.done = 0
        self.since = 0.0

    def launch(self) -> subprocess.Popen[str]:
        self.errors = tempfile.TemporaryFile("w+")       # noqa: SIM115  closed by `close`
        self.done = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hotloop.fuzz.worker"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1,
            env={**os.environ, "PYTHONWARNINGS": "ignore"})
        return self.process

    @property
    def fd(self) -> int:
        assert self.process is not None and self.process.stdout is not None
        return self.process.stdout.fileno()

    def start(self, job: dict[str, Any]) -> None:
        if self.process is not None and (
                self.done >= LIFE or self.process.poll() is not None):
            self.close()
        process = self.process or self.launch()
        assert process.stdin is not None
        self.job, self.since = job, time.monotonic()
        with contextlib.suppress(BrokenPipeError):      # it has died: `finish` finds out how
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()

    def finish(self) -> Result:
        """The answer; the process may have died instead of giving one."""
        assert self.process is not None and self.process.stdout is not None
        assert self.job is not None
        line = self.process.stdout.readline()
        self.done += 1
        if line.endswith("\n"):
            return Result(self.job, Verdict(**json.loads(line)))
        code = self.process.wait()
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return Result(self.job, Verdict(CRASH, f"the process ended with {name}", self.output()))

    @property
    def overdue(self) -> bool:
        return time.monotonic() - self.since > self.seconds

    def stop(self) -> Result:
        """End a job that hangs."""
        assert self.process is not None and self.job is not None
        self.process.send_signal(signal.SIGABRT)        # faulthandler then says where it is
        self.process.wait()
        detail = self.output()
        return Result(self.job, Verdict(HANG, f"no end after {self.seconds:.0f} s", detail))

    def output(self) -> str:
        """The end of what it wrote to stderr; the process is gone after that."""
        self.errors.seek(0)
        text = self.errors.read()
        self.close()
        return text[-4000:]

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.errors.close()
            self.process = None

    def ask(self, job: dict[str, Any]) -> Verdict:
        """One job, waiting for it."""
        self.start(job)
        with selectors.DefaultSelector() as selector:
            selector.register(self.fd, selectors.EVENT_READ)
            ready = selector.select(self.seconds)
        return (self.finish() if ready else self.stop()).verdict


def run(jobs: Iterator[dict[str, Any]], workers: int, until: float) -> Iterator[Result]:
    """Results in the order they end, until `time.monotonic() > until` or the jobs are done."""
    idle = [Worker() for _ in range(workers)]
    busy: dict[int, Worker] = {}
    try:
        while True:
            while idle and time.monotonic() < until:
                job = next(jobs, None)
                if job is None:
                    break
                worker = idle.pop()
                worker.start(job)
                busy[worker.fd] = worker
            if not busy:
                return
            with selectors.DefaultSelector() as selector:
                for fd in busy:
                    selector.register(fd, selectors.EVENT_READ)
                ready = [key.fd for key, _ in selector.select(1.0)]
            for fd, worker in list(busy.items()):
                if fd in ready or worker.overdue:
                    del busy[fd]
                    result = worker.finish() if fd in ready else worker.stop()
                    idle.append(worker)
                    yield result
    finally:
        for worker in (*idle, *busy.values()):
            worker.close()
