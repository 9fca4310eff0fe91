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
import re
import sys
import time
import traceback

MODULES = {"python": None, "tensorflow": "tensorflow", "torchscript": "torch",
           "torch_compile": "torch", "triton": "triton", "hotloop_warm": "hotloop",
           "hotloop_serial": "hotloop", "hotloop_fast": "hotloop", "numba_parallel": "numba"}
PROGRAMS = {"kernels": "systems", "compile": "systems", "limits": "systems"}
MEASURES = {"kernels": "one_kernel", "compile": "one_growth", "limits": "one_limit"}
"""Modules of programs that are not called like the experiment."""


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def version(system):
    name = MODULES.get(system, system)
    if name is None:
        return platform.python_version()
    module = sys.modules.get(name)
    return getattr(module, "__version__", "?")


def reason(error):
    """One line: the first of the message, or what Numba's typing failed at."""
    lines = [line.strip() for line in re.sub("\x1b\\[[0-9;]*m", "", str(error)).splitlines()]
    lines = [line for line in lines if line] or [""]
    if type(error).__name__ == "TypingError" and len(lines) > 1:
        lines = lines[1:]
    return f"{type(error).__name__}: {lines[0]}"


def settle():
    """Wait for what hotloop compiles in the background: from now on calls are as fast as ever."""
    if "hotloop.llvm.background" in sys.modules:
        sys.modules["hotloop.llvm.background"].finish()


def run_pi(function, options, timed, metric):
    for n in options["sizes"]:
        if n > options.get("largest", n):
            break
        start = time.perf_counter()
        function(n)
        first = time.perf_counter() - start
        settle()
        measured = timed(at_least=options["at_least"])(
            metric("error", lambda value: abs(value - math.pi))(function))
        value = measured(n)
        record = measured.records[-1]
        say("result", n=n, first=first, best=record.best, median=record.median,
            repeats=len(record.seconds), value=value, error=record.metrics["error"])
        if record.best * 10 > options["limit"] and n != options["sizes"][-1]:
            say("stopped", n=n, reason=f"ten times more would take over {options['limit']} s")
            break


def run_jit(built, options, timed, metric):
    """Nobody waits for good code here: what is compiled while the calls go on is part of them."""
    plain, jitted, x = built
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
            if total * 10 > options["limit"] and n != options["sizes"][-1]:
                say("stopped", n=n, reason=f"ten times more would take over {options['limit']} s")
                break


def per_call(function, argument, seconds=0.2):
    """The best time of a call, in seconds, over batches."""
    function(argument)
    count, best, spent = 1, math.inf, 0.0
    while spent < seconds:
        start = time.perf_counter()
        for _ in range(count):
            function(argument)
        took = time.perf_counter() - start
        best, spent = min(best, took / count), spent + took
        if took < seconds / 50:
            count *= 2
    return best


def run_figures(built, options, timed, metric):
    import numpy

    took, call, sigmoid, small, large = built
    say("result", figure="import", seconds=took)
    start = time.perf_counter()
    sigmoid(large[:100])
    say("result", figure="first", seconds=time.perf_counter() - start)
    call(small)
    sigmoid(large)
    settle()
    say("result", figure="call", seconds=per_call(call, small))
    source = numpy.asarray(large)
    target = numpy.zeros_like(source)
    numpy.copyto(target, source)
    ours, copies = [], []
    for _ in range(options["repeat"]):
        start = time.perf_counter()
        result = sigmoid(large)
        ours.append(time.perf_counter() - start)
        del result
        start = time.perf_counter()
        numpy.copyto(target, source)
        copies.append(time.perf_counter() - start)
    say("result", figure="sigmoid", seconds=sorted(ours)[len(ours) // 2])
    say("result", figure="copy", seconds=sorted(copies)[len(copies) // 2])


def run_grad(built, options, timed, metric):
    """For each function the times of a call and of its gradient's, and what the gradient gave: its
    sum and its product with fixed numbers, which the report compares between systems."""
    import numpy

    for name, case in built.items():
        start = time.perf_counter()
        given = case.gradient()
        first = time.perf_counter() - start
        case.value()
        settle()
        value, *gradient = case.numbers(given)
        check = [float(numpy.sum(value))] + [
            float(numpy.sum(g * numpy.cos(numpy.arange(g.size)).reshape(g.shape)))
            for g in gradient]
        value = per_call(lambda _, f=case.value: f(), None)
        seconds = per_call(lambda _, f=case.gradient: f(), None)
        say("result", figure=name, first=first, value=value, gradient=seconds, check=check)


def main():
    experiment, system, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    sys.path.append(os.path.dirname(os.path.dirname(here)))    # an uninstalled checkout
    sys.path.append(os.path.join(here, "programs"))
    sys.path.append(here)
    measure = importlib.import_module("measure")
    programs = importlib.import_module(PROGRAMS.get(experiment, experiment))
    try:
        build = programs.SYSTEMS[system]
        start = time.perf_counter()
        built = build()
        say("ready", version=version(system), python=platform.python_version(),
            seconds=time.perf_counter() - start)
    except ImportError as error:
        say("unavailable", reason=f"not installed ({error})")
        return
    except Exception as error:
        if type(error).__name__ != "Unavailable":
            raise
        say("unavailable", reason=str(error))
        return
    if experiment in PROGRAMS:
        if not options:
            return                                  # only asked whether it is there
        try:
            importlib.import_module(MEASURES[experiment]).run(built, options, say)
        except Exception as error:
            traceback.print_exc()
            say("failed", reason=reason(error))
    else:
        runner = {"pi": run_pi, "jit": run_jit, "figures": run_figures,
                  "grad": run_grad}[experiment]
        runner(built, options, measure.timed, measure.metric)
    say("done")


if __name__ == "__main__":
    main()
