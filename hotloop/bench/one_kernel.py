"""Measures one kernel in one system; runs in the worker's process (`worker.py kernels numba ...`).

The first call is made at the smallest size, on a function just decorated: its time, with the
decoration, is the event "first". Its results are compared with those of the source in plain Python
("wrong" ends the measurement). Then follow the sizes asked for, a "result" each.
"""

import gc
import importlib
import math
import time

MOST_REPEATS = 3000


def seconds_of(call, make):
    """(seconds, result) of one call on fresh arguments."""
    args = make()
    start = time.perf_counter()
    result = call(*args)
    return time.perf_counter() - start, result, args


class Measured:
    """One kernel in one system: makes arguments, calls, collects results."""

    def __init__(self, system, kernel, name):
        self.system, self.kernel, self.name = system, kernel, name
        self.version = kernel.version(name)

    def inputs(self, n):
        """The arguments as NumPy arrays; the same in every system."""
        import numpy as np

        return self.kernel.make(n, np.random.default_rng(n))

    def function(self, spec, args):
        if self.version == spec.SAME:
            source = self.kernel.function
            if self.system.module is not None:
                source = spec.replaced(source, np=self.system.module)
            return self.system.compiled(source, args)
        made = self.version()
        return made if self.system.built else self.system.compiled(made, args)

    def maker(self, args):
        """A function that gives the arguments of the next call: written ones are new each time."""
        given = self.system.given
        held = [given(a) for a in args]
        written = () if self.system.functional else self.kernel.writes

        def make():
            return [given(args[k]) if k in written else a for k, a in enumerate(held)]
        return make

    def results(self, result, args):
        """All results as NumPy arrays: what was returned, then the written arguments."""
        arrays = self.system.arrays(result)
        if not self.system.functional:
            arrays += [a for k in self.kernel.writes for a in self.system.arrays(args[k])]
        return arrays


def difference(ours, theirs, tolerance, dtypes):
    """How two lists of arrays differ, as text; "" if they do not."""
    import numpy as np

    if len(ours) != len(theirs):
        return f"{len(ours)} results instead of {len(theirs)}"
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.shape != b.shape:
            return f"result {k}: shape {a.shape} instead of {b.shape}"
        if dtypes and a.dtype != b.dtype:
            return f"result {k}: {a.dtype} instead of {b.dtype}"
        if b.dtype.kind in "biu":
            if not np.array_equal(a, b):
                return f"result {k}: {np.count_nonzero(a != b)} of {b.size} elements differ"
            continue
        scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
        if not np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
            with np.errstate(all="ignore"):
                worst = float(np.nanmax(np.abs(a - b)))
            return f"result {k}: off by up to {worst:.2g} (largest value {scale:.2g})"
    return ""


def digest(arrays):
    """A few numbers of each array, by which the report compares systems."""
    import numpy as np

    numbers = []
    for a in arrays:
        flat = np.nan_to_num(a.reshape(-1), posinf=0.0, neginf=0.0)
        if flat.size:
            picked = flat[:: max(1, flat.size // 8)][:8]
            total = flat.sum(dtype=np.float64 if flat.dtype.kind in "fb" else None)
            numbers += [float(abs(x)) for x in (*picked, total)]
    return numbers


class Memory:
    """Peak resident memory, from Linux's /proc; None where there is none."""

    @staticmethod
    def _status(name):
        try:
            with open("/proc/self/status") as file:
                return next(1024 * int(line.split()[1]) for line in file if line.startswith(name))
        except (OSError, StopIteration):
            return None

    def __init__(self):
        self.before = self._status("VmRSS")
        try:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            self.before = None

    def more(self):
        """Bytes by which the peak since then exceeds what was held then."""
        peak = self._status("VmHWM")
        return None if peak is None or self.before is None else max(0, peak - self.before)


def predicted(kernel, n, known):
    """Seconds of a call, from those at another n and the operations and bytes of both."""
    at, seconds = known
    ratio = max(new / max(old, 1) for new, old in zip(kernel.work(n), kernel.work(at),
                                                      strict=True))
    return seconds * ratio


def run(system, options, say):
    spec = importlib.import_module("kernels.spec")
    kernel = importlib.import_module("kernels").find(options["kernel"])
    name = options["system"]
    it = Measured(system, kernel, name)
    n = kernel.sizes[0]
    args = it.inputs(n)
    make = it.maker(args)
    mine = make()
    # what is compiled at the first call is part of it, so is what the decoration began
    start = time.perf_counter()
    call = it.function(spec, args)
    result = system.wait(call(*mine))
    first = time.perf_counter() - start
    explained = stages(call)
    found = it.results(result, mine)
    plain = Measured(importlib.import_module("systems").NumPy(), kernel, "numpy")
    copies = plain.maker(args)()
    start = time.perf_counter()
    expected = plain.results(kernel.function(*copies), copies)
    python = time.perf_counter() - start
    if kernel.agree is not None:
        wrong = "" if kernel.agree(found) else f"the result is {found}"
    else:
        wrong = difference(found, expected, kernel.tolerance, name.startswith("hotloop"))
    if wrong:
        say("wrong", reason=wrong)
        return
    say("first", seconds=first, python=python, **explained)
    del result, mine, make, found, expected, copies
    if options["first_only"]:
        return
    waiting = (lambda *a: system.wait(call(*a))) if hasattr(system, "jax") else call
    # calls more, because some systems compile a second time, some of them in the background
    seconds_of(waiting, it.maker(args))
    system.settle()
    took = seconds_of(waiting, it.maker(args))[0]
    measure(it, waiting, options, (n, took), say)


def measure(it, call, options, known, say):
    """Each size in turn, as long as the next is predicted to end in time."""
    for size in options["sizes"]:
        n = it.kernel.at(size)
        if n is None:
            continue
        expected = predicted(it.kernel, n, known)
        # what a short call costs may be overhead, which does not grow
        if expected > options["limit"] * (1 if known[1] > 0.05 * options["limit"] else 20):
            say("stopped", size=size, reason=f"would take about {expected:.0f} s a call")
            return
        inputs = it.inputs(n)
        size_of_arguments = sum(getattr(a, "nbytes", 0) for a in inputs)
        make = it.maker(inputs)
        gc.collect()
        it.system.settle()
        memory = Memory()
        first, result, args = seconds_of(call, make)
        peak = memory.more()
        arrays = it.results(result, args)
        numbers = digest(arrays)
        size_of_results = sum(a.nbytes for a in arrays)
        del arrays, result, args
        seconds = repeat(call, make, first, options["at_least"])
        known = (n, min(seconds))
        say("result", size=size, n=n, best=min(seconds), median=median(seconds),
            repeats=len(seconds), peak=peak, results=size_of_results, check=numbers,
            arguments=size_of_arguments,
            bytes=it.kernel.work(n)[0], operations=it.kernel.work(n)[1])


def repeat(call, make, first, at_least):
    """Seconds of each repetition: for `at_least` seconds in all, three at least; a call that takes
    longer than twice that is not repeated."""
    if first > 2 * at_least:
        again = seconds_of(call, make)[0] if first < 20 * at_least else math.inf
        return [min(first, again)]
    seconds: list[float] = []
    spent = 0.0
    gc.disable()
    while (spent < at_least or len(seconds) < 3) and len(seconds) < MOST_REPEATS:
        took = seconds_of(call, make)[0]
        seconds.append(took)
        spent += took
    gc.enable()
    return seconds


def median(seconds):
    ordered = sorted(seconds)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def stages(call):
    """Of hotloop: ms of each stage of the compilation, or that it came from the disk."""
    entries = getattr(getattr(call, "_specializations", None), "entries", ())
    if not entries:
        return {}
    compiled = next(iter(entries)).compiled
    return {"stages": {name: 1e3 * s for name, s in compiled.seconds.items()},
            "from_disk": "from the disk cache" in compiled.notes}
