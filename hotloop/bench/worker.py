"""Runs one system's program of one experiment in a process of its own; prints a JSON line an event.

    python worker.py pi numba '{"sizes": [1000, 10000], "at_least": 0.2, "limit": 60}'

Started as a script under any interpreter, with or without hotloop installed: it imports its
neighbours by name from its own folder.
"""

import importlib
import json
import math
import os
import platform
import sys
import time

MODULES = {"python": None, "tensorflow": "tensorflow", "torchscript": "torch",
           "torch_compile": "torch", "triton": "triton"}


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def version(system):
    name = MODULES.get(system, system)
    if name is None:
        return platform.python_version()
    module = sys.modules.get(name)
    return getattr(module, "__version__", "?")


def run_pi(build, options, timed, metric):
    function = build()
    for n in options["sizes"]:
        if n > options.get("largest", n):
            break
        measured = timed(at_least=options["at_least"], separate_first=True)(
            metric("error", lambda value: abs(value - math.pi))(function))
        started = time.perf_counter()
        value = measured(n)
        record = measured.records[-1]
        say("result", n=n, first=record.first, best=record.best, median=record.median,
            repeats=len(record.seconds), value=value, error=record.metrics["error"])
        if (time.perf_counter() - started) * 10 > options["limit"]:
            say("stopped", n=n, reason=f"ten times more would take over {options['limit']} s")
            break


def run_jit(build, options, timed, metric):
    plain, jitted, x = build()
    for kind, function in (("plain", plain), ("jit", jitted)):
        if function is None:
            continue
        done, total = 0, 0.0
        for n in options["sizes"]:
            start = time.perf_counter()
            for _ in range(n - done):
                function(x)
            total += time.perf_counter() - start
            done = n
            say("result", n=n, kind=kind, seconds=total)
            if total * 10 > options["limit"]:
                say("stopped", n=n, reason=f"ten times more would take over {options['limit']} s")
                break


def main():
    experiment, system, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    sys.path.append(os.path.dirname(os.path.dirname(here)))    # an uninstalled checkout
    sys.path.append(os.path.join(here, "programs"))
    sys.path.append(here)
    measure = importlib.import_module("measure")
    programs = importlib.import_module(experiment)
    try:
        build = programs.SYSTEMS[system]
        start = time.perf_counter()
        probe = build()
        say("ready", version=version(system), python=platform.python_version(),
            seconds=time.perf_counter() - start)
        del probe
    except ImportError as error:
        say("unavailable", reason=f"not installed ({error})")
        return
    except Exception as error:
        if type(error).__name__ != "Unavailable":
            raise
        say("unavailable", reason=str(error))
        return
    runner = {"pi": run_pi, "jit": run_jit}[experiment]
    runner(build, options, measure.timed, measure.metric)
    say("done")


if __name__ == "__main__":
    main()
