"""Where the time of compiling the whole programs of tests/programs goes:

    python benchmarks/compile_time.py [--every 4]

CPU milliseconds by stage, summed over every fourth program; `emit` and `codegen` of the quick tier
(what a short first call waits for) and of the good one (`hotloop.runtime.tiers`).
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import hotloop
from hotloop.errors import HotloopError
from hotloop.llvm import engine


def rows():
    """Those of benchmarks/programs.py, whose name tests/programs has, too."""
    place = Path(__file__).with_name("programs.py")
    spec = importlib.util.spec_from_file_location("programs_to_measure", place)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found.rows([])


def compiled(function, args, times: Counter) -> None:
    lowered = hotloop.jit(function, cache=False).lower(*copy.deepcopy(args))
    for quick, tier, level in ((True, "quick", 0), (False, "good", 3)):
        lowered.watch.times.pop("emit", None)
        text = lowered.as_text(quick=quick).text
        times[f"emit {tier}"] += lowered.watch.times.pop("emit")
        start = time.process_time()
        engine.compile_text(text, level)
        times[f"codegen {tier}"] += 1e3 * (time.process_time() - start)
        times[f"lines {tier}"] += text.count("\n")
    times.update(lowered.watch.times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--every", type=int, default=4)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    time.perf_counter = time.process_time       # the stages are timed by it
    times: Counter = Counter()
    count = 0
    for k, (_, function, args) in enumerate(rows()):
        if k % parser.parse_args().every == 0:
            try:
                compiled(function, args, times)
            except (HotloopError, ArithmeticError):
                continue                        # ints too large at the size to measure
            count += 1
    print(f"{count} programs")
    for name, value in times.items():
        print(f"{name:16}{value:10.0f}{'' if 'lines' in name else ' ms'}")


if __name__ == "__main__":
    main()
