"""The passes over Loops, in order, one reason a line.

    optimize(kernel)                         # in place, and returned
    optimize(kernel, lambda name, kernel: print(name, show(kernel)))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hotloop import config, lazy
from hotloop.loops.abreast import abreast
from hotloop.loops.checks import checks
from hotloop.loops.coalesce import coalesce
from hotloop.loops.collapse import collapse
from hotloop.loops.contract import contract
from hotloop.loops.core import Alloc, Buffer, For, Kernel, walk
from hotloop.loops.divide import divide
from hotloop.loops.fuse import fuse
from hotloop.loops.interchange import interchange
from hotloop.loops.interleave import interleave
from hotloop.loops.overwritten import overwritten
from hotloop.loops.parallel import parallel
from hotloop.loops.promises import promises
from hotloop.loops.promote import promote
from hotloop.loops.prove import prove
from hotloop.loops.recur import recur
from hotloop.loops.reductions import reductions
from hotloop.loops.reuse import reuse
from hotloop.loops.settle import settle
from hotloop.loops.split import split
from hotloop.loops.tile import tile
from hotloop.loops.vectorize import vectorize
from hotloop.loops.write_out import write_out

verifying = lazy.module("hotloop.loops.verify")
late = lazy.module("hotloop.loops.latest")          # few kernels need the passes of these
relaxing = lazy.module("hotloop.loops.relax")
streaming = lazy.module("hotloop.loops.stream")
narrowing = lazy.module("hotloop.loops.narrow")

Pass = Callable[[Kernel], Kernel]


def latest(kernel: Kernel) -> Kernel:
    sums = any(isinstance(s, For) and s.lanes and s.carries for s in walk(kernel.body))
    return late.latest(kernel) if sums else kernel


def stream(kernel: Kernel) -> Kernel:
    lanes = any(isinstance(s, For) and s.lanes for s in walk(kernel.body))
    return streaming.stream(kernel) if lanes else kernel


def narrow(kernel: Kernel) -> Kernel:
    buffers = [p for p in kernel.params if isinstance(p, Buffer)]
    buffers += [s.buffer for s in walk(kernel.body) if isinstance(s, Alloc)]
    short = any(b.dtype.kind in "iu" and b.dtype.itemsize < 8 for b in buffers)
    return narrowing.narrow(kernel) if short else kernel


def relax(kernel: Kernel) -> Kernel:
    return relaxing.relax(kernel) if kernel.fast else kernel


PASSES: tuple[tuple[str, Pass, Pass | None], ...] = (
    # name, pass, what stands in for it when it is skipped
    ("coalesce", coalesce, None),      # a temporary only copied into a result is the result
    ("overwritten", overwritten, None),    # np.empty and needless np.zeros cost nothing
    ("fuse", fuse, partial(fuse, share=False)),        # nests become loops, shared where possible
    ("write_out", write_out, None),    # loops over few elements keep values in memory
    ("contract", contract, None),      # temporaries that fusion made pointless vanish or shrink
    ("abreast", abreast, None),        # sums of few columns read the rows once
    ("settle", settle, None),          # flags of "bound by now" would keep loops from lanes
    ("prove", prove, None),            # checks that loop bounds prove would keep loops from lanes
    ("interchange", interchange, None),    # loops that sum go inside, for sums in registers
    ("promote", promote, None),        # places rewritten by an inner loop live in registers
    ("promises", promises, None),      # with HOTLOOP_CHECK_PRANGE: the user's loops check theirs
    ("recur", recur, None),            # what the last iteration stored is not loaded again
    ("split", split, None),            # an iteration that stores what all others read is by itself
    ("reductions", reductions, None),  # counts and extremes of the user's loops may be in lanes
    ("collapse", collapse, None),      # loops over contiguous axes become one, for long vectors
    ("interleave", interleave, None),  # short rows are written out, for lanes across them
    ("vectorize", vectorize, None),    # chooses the loops whose iterations are lanes of vectors
    ("narrow", narrow, None),          # integers of lanes in as few bits as they need
    ("tile", tile, None),              # several rows at once, blocks transposed in registers
    ("latest", latest, None),          # sums of what was just stored end with it
    ("parallel", parallel, None),      # and those of which parts may run in several threads
    ("relax", relax, None),            # with fastmath, products are added unrounded
    ("checks", checks, None),          # checks of scalar loops cost one comparison
    ("reuse", reuse, None),            # temporaries have memory only while they are needed
    ("stream", stream, None),          # what no cache can hold is stored past them
)


def optimize(kernel: Kernel, watch: Callable[[str, Kernel], None] | None = None) -> Kernel:
    """Run all passes but those of HOTLOOP_SKIP; `watch(name, kernel)` after each, and with
    HOTLOOP_VERIFY the checks of loops.verify."""
    for function in kernel.functions:
        function.fast = kernel.fast
        _optimize(function, None)
    return _divided(_optimize(kernel, watch), watch)


def _divided(kernel: Kernel, watch: Callable[[str, Kernel], None] | None) -> Kernel:
    """The last pass: it makes functions, which the others are not run on again."""
    if "divide" not in config.skipped() and divide(kernel):
        if config.verify:
            verifying.verify(kernel)
        if watch is not None:
            watch("divide", kernel)
    return kernel


def _optimize(kernel: Kernel, watch: Callable[[str, Kernel], None] | None) -> Kernel:
    skipped = config.skipped()
    for name, run, instead in PASSES:
        if name in skipped:
            if instead is None:
                continue
            run = instead
        kernel = run(kernel)
        if config.verify:
            verifying.verify(kernel)
        if watch is not None:
            watch(name, kernel)
    return kernel
