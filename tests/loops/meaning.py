"""Running kernels given as text, before and after passes, for the tests of the loop passes.

Lanes are run in a random order: what may not be lanes shows up as another result.
"""

import contextlib
import copy
import random
import textwrap

import numpy as np

from hotloop.loops import interp
from hotloop.loops.core import Alloc, Buffer, Check, For, Nest, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.text import parse
from hotloop.loops.verify import verify


class ShuffledLanes(interp._Machine):
    """Loops chosen as lanes run their iterations in any order (but where a check may fail); those
    that may stop do so anywhere, having done or not what comes before the checks."""

    def __init__(self, kernel, seed):
        super().__init__(kernel)
        self.random = random.Random(seed)

    def loop_until_stop(self, loop, iterations):
        first = iterations[:self.random.randrange(len(iterations) + 1)]
        stop = super().loop_until_stop(loop, first)
        if stop in iterations and self.random.random() < 0.5:       # once more, for nothing
            outside = {c.name: self.names[c.name] for c in loop.carries}
            self.stopped(loop, stop)
            self.names.update(outside)
        return stop

    def stopped(self, loop, i):
        """What comes before the last check of an iteration, which then is taken as failed."""
        last = max((k for k, s in enumerate(loop.body)
                    if any(isinstance(t, Check) for t in walk([s]))), default=0)
        self.names[loop.var] = np.int64(i)
        with contextlib.suppress(interp._Stop):
            self.run(loop.body[:last], keep=True)

    def loop_for(self, loop):
        if not loop.lanes or loop.stop or any(isinstance(s, Check) for s in walk(loop.body)):
            super().loop_for(loop)
            return
        assert all(c.reduce for c in loop.carries)
        lo, hi, step = (int(self.value(x)) for x in (loop.lo, loop.hi, loop.step))
        self.begin(loop.carries)
        iterations = list(range(lo, hi, step))
        if not loop.ahead:
            self.random.shuffle(iterations)
        for i in iterations:
            self.names[loop.var] = np.int64(i)
            self.run(loop.body, keep=True)
            self.end(loop)


def run(kernel, args, seed=0):
    """(results, arguments afterwards)"""
    args = [copy.deepcopy(a) for a in args]
    machine = ShuffledLanes(kernel, seed)
    with np.errstate(all="ignore"):
        machine.bind(interp._floats(args))
        machine.run(kernel.body, keep=True)
        results = [machine.memory[r] if isinstance(r, Buffer) else machine.value(r)
                   for r in kernel.results]
    return results, args


def close(x, y):
    """Equal but for rounding of sums in another order."""
    x, y = np.asarray(x), np.asarray(y)
    assert (x.dtype, x.shape) == (y.dtype, y.shape), f"{x!r} instead of {y!r}"
    if x.dtype.kind not in "fc":
        assert np.array_equal(x, y), f"{x!r} instead of {y!r}"
        return
    eps = float(np.finfo(x.dtype).eps)
    finite = np.abs(y[np.isfinite(y)])
    scale = float(np.max(finite, initial=0.0))
    with np.errstate(all="ignore"):
        assert np.allclose(x, y, rtol=1e3 * eps, atol=1e3 * eps * scale, equal_nan=True), (
            f"{x!r} instead of {y!r}")


def kernel_of(body):
    return parse(textwrap.dedent(body).strip() + "\n")


def transformed(body, passes, *args):
    """The kernel of a text after the passes; running it must give what it gave before."""
    with fresh_table():
        kernel = kernel_of(body)
        want = run(kernel, list(args)) if args else None
        for run_pass in passes:
            kernel = run_pass(kernel)
            verify(kernel)
            if want is not None:
                got = run(kernel, list(args))
                for x, y in zip([*got[0], *got[1]], [*want[0], *want[1]], strict=True):
                    close(x, y)
        return kernel


def loops(kernel):
    """Its For loops, outer before inner."""
    assert not any(isinstance(s, Nest) for s in walk(kernel.body))
    return [s for s in walk(kernel.body) if isinstance(s, For)]


def shapes(kernel):
    """Text of the shapes of what it allocates, by name."""
    return {s.buffer.name: ", ".join(map(str, s.buffer.shape)) for s in walk(kernel.body)
            if isinstance(s, Alloc)}
