"""What a start costs: importing NumPy, importing hotloop, the first call of a sigmoid.

    python benchmarks/start_up.py [--repeats 10] [--stages]

Each line is the least of many new processes, in ms of CPU time and of wall time: "cold" compiles,
"warm" finds the machine code in the disk cache. On a machine that does other work, compare with
NumPy's import in the same line. --stages adds the wall time of each package's own modules.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("import numpy", "import hotloop", "first call")


def clock() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()


def measured() -> None:
    """The steps, timed, in this process."""
    times = [clock()]
    import numpy as np
    times.append(clock())
    import hotloop
    times.append(clock())
    function = hotloop.jit(lambda x: 1 / (1 + np.exp(-x)))
    x = np.linspace(-3, 3, 1000, dtype=np.float32)
    start = clock()
    function(x)
    times.append(tuple(b + t - s for b, t, s in zip(times[-1], clock(), start)))
    print(*(1e3 * (b - a) for before, after in pairwise(times)
            for a, b in zip(before, after)))


def run(command: list[str], **switches: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **switches}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)     # or each import would compile its source
    return subprocess.run([sys.executable, *command], env=environment, check=True, text=True,
                          capture_output=True)


def least(rows: list[list[float]]) -> list[float]:
    return [min(column) for column in zip(*rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measured()
    command = [__file__, "--measure"]
    with tempfile.TemporaryDirectory() as folder:
        def times(cache: str) -> list[float]:
            out = run(command, HOTLOOP_CACHE=cache, HOTLOOP_CACHE_DIR=folder).stdout
            return [float(part) for part in out.split()]
        times("1")
        rows = [(times("0"), times("1")) for _ in range(options.repeats)]
    for name, column in (("cold", [r[0] for r in rows]), ("warm", [r[1] for r in rows])):
        found = least(column)
        print(name, *(f"  {step} {cpu:.1f} (wall {wall:.1f})"
                      for step, cpu, wall in zip(STEPS, found[::2], found[1::2])))
    if options.stages:
        text = run(["-X", "importtime", "-c", "import numpy, hotloop"]).stderr
        own: Counter[str] = Counter()
        for spent, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(hotloop\S*)", text):
            own[".".join(name.split(".")[:2])] += int(spent)
        print(*(f"{ms / 1e3:6.1f}  {name}" for name, ms in own.most_common()), sep="\n")


if __name__ == "__main__":
    main()
