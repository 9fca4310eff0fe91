"""The passes over Programs, in order, one reason a line.

    optimize(program)
    optimize(program, lambda name, program: print(name, show(program)))
"""

from __future__ import annotations

from collections.abc import Callable

from hotloop import config, lazy
from hotloop.ir.core import Program
from hotloop.ops.dce import dce
from hotloop.passes.accumulate import accumulate
from hotloop.passes.cse import cse
from hotloop.passes.fold import fold
from hotloop.passes.hoist import hoist
from hotloop.passes.if_convert import if_convert
from hotloop.passes.inline import inline
from hotloop.passes.invariant import invariant
from hotloop.passes.masked import masked
from hotloop.passes.native import native
from hotloop.passes.ranges import ranges
from hotloop.passes.simplify import simplify
from hotloop.passes.unroll import unroll

checks = lazy.module("hotloop.ir.verify")

Pass = Callable[[Program], Program]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("native", native),             # loops instead of call-backs, for all that follows
    ("inline", inline),             # the others need not know calls
    ("dce", dce),                   # what tracing made and nobody reads: less work for the rest
    ("unroll", unroll),             # literal indices for fold
    ("ranges", ranges),             # decides overflow tests and comparisons: literals for fold
    ("fold", fold),                 # constants decide branches and checks
    ("invariant", invariant),       # what loops hand through is visible as what it is
    ("cse", cse),                   # equal loads are one value: arms without loads of their own
    ("if_convert", if_convert),     # branches between scalars become values
    ("simplify", simplify),         # algebra, also on the values that were branches
    ("masked", masked),             # a[mask] = f(a[mask]) needs no indices
    ("hoist", hoist),               # out of loops
    ("cse again", cse),             # what came together by hoisting
    ("dce again", dce),             # what the passes made superfluous
)


def optimize(program: Program, watch: Callable[[str, Program], None] | None = None) -> Program:
    """Run all passes but those of HOTLOOP_SKIP (`cse` skips `cse again` too); `watch(name,
    program)` after each. The Program given is left as it is."""
    skipped = config.skipped()
    if config.verify:
        checks.verify(program)
    for name, run in PASSES:
        if name.removesuffix(" again") in skipped:
            continue
        program = run(program)
        if config.verify:
            checks.verify(program)
        if watch is not None:
            watch(name, program)
    return program


def canonical(program: Program) -> Program:
    """What is done to a function before it is differentiated: chains of views are one selection,
    what does not change in a loop stands before it, `x[i] += d` is an addition. The backward
    program would be slower without, and save more. Calls stay, since rules know the functions.
    `program` may use outer Vars."""
    skipped = config.skipped() | {"native"}
    for name, run in (*PASSES, ("accumulate", accumulate), ("dce again", dce)):
        if name.removesuffix(" again") not in skipped:
            program = run(program)
    return program
