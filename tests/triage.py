"""Which stage is at fault? For random programs, the first stage whose meaning is not Python's.

    python tests/triage.py FROM TO          # a line a failing seed: stage, what
    python tests/triage.py SEED             # that program, its stages' texts
"""

import copy
import os
import random
import sys
from pathlib import Path

import numpy as np
from compare import outcome, same

sys.path.insert(0, str(Path(__file__).parent / "frontend"))
from agreement import bind
from agreement import run as run_program
from random_source import generate
from test_random_programs import define

import hotloop
from hotloop.errors import HotloopError, InternalError
from hotloop.frontend.trace import trace
from hotloop.ir import text, verify
from hotloop.loops import expr, pipeline
from hotloop.loops import interp as loops_interp
from hotloop.loops import lower as lowering
from hotloop.loops import text as loops_text
from hotloop.loops import verify as lv
from hotloop.passes import pipeline as passes


def agrees(expected, theirs, kind, got):
    """"" or how `got` (kind, value, arguments) differs."""
    got_kind, value, mine = got
    if kind != got_kind:
        return f"{got_kind} {value!r} instead of {kind} {expected!r}"[:150]
    if kind == "error":
        same_error = type(value) is type(expected) and str(value) == str(expected)
        return "" if same_error else f"{value!r} instead of {expected!r}"
    try:
        same(value, expected)
        same(mine, theirs)
    except AssertionError as error:
        return str(error).replace("\n", " ")[:150]
    return ""


def through_loops(traced, optimize, bound, show=False):
    """Run a Traced by the interpreter of Loops, results put together as for Programs."""
    import hotloop.ir.interp as ir_interp

    original = ir_interp.run
    def run(program, values):
        with expr.fresh_table():
            kernel = lowering.lower(program, [g.contiguous for g in traced.inputs])
            lv.verify(kernel)
            if optimize:
                kernel = pipeline.optimize(kernel)
                lv.verify(kernel)
            if show:
                print(loops_text.show(kernel))
            values = [v.copy() if isinstance(v, np.ndarray) else v for v in values]
            results = iter(loops_interp.run(kernel, values))
            at = {p: k for k, p in enumerate(program.params)}
            return [next(results) if into is None else values[at[into]]
                    for into in program.into]
    ir_interp.run = run
    try:
        return run_program(traced, bound)
    finally:
        ir_interp.run = original


def triage(seed, show=False):
    source, args = generate(random.Random(seed))
    f = define(source, f"<random {seed}>")
    theirs = copy.deepcopy(args)
    kind, expected = outcome(f, theirs, {})
    if show:
        print(source, args)
    try:
        traced = trace(f, args, {})
    except HotloopError as error:
        return "refused", error.message
    except Exception as error:
        return "crash", f"trace {error!r}"[:150]
    if show:
        print(text.show(traced.program))

    def stage(run):
        mine = copy.deepcopy(args)
        got_kind, value = outcome(run, (bind(f, mine),), {})
        if got_kind == "error" and isinstance(value, InternalError | AssertionError | KeyError):
            raise value
        return agrees(expected, theirs, kind, (got_kind, value, mine))

    steps = []
    name = "verify trace"
    try:
        verify.verify(traced.program)
        name = "trace"
        steps.append((name, stage(lambda b: run_program(traced, b))))
        name = "passes"
        before = traced.program
        traced.program = passes.optimize(before)
        if show:
            print(text.show(traced.program))
        name = "verify passes"
        verify.verify(traced.program)
        name = "passes"
        steps.append((name, stage(lambda b: run_program(traced, b))))
        name = "lower"
        steps.append((name, stage(lambda b: through_loops(traced, False, b, show))))
        name = "loops"
        steps.append((name, stage(lambda b: through_loops(traced, True, b, show))))
        for where, wrong in steps:
            if wrong:
                return where, wrong
        if os.environ.get("TRIAGE") == "interpreters":
            return "ok", ""
        name = "machine"
        f2 = hotloop.jit(f, cache=False)
        mine = copy.deepcopy(args)
        got_kind, value = outcome(f2, mine, {})
        wrong = agrees(expected, theirs, kind, (got_kind, value, mine))
        if wrong:
            return "machine", wrong
    except Exception as error:
        for where, wrong in steps:
            if wrong:
                return where, wrong
        return name, f"{error!r}"[:300]
    return "ok", ""


def main():
    if len(sys.argv) == 2:
        print(triage(int(sys.argv[1]), show=True))
        return
    counts = {}
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        where, what = triage(seed)
        counts[where] = counts.get(where, 0) + 1
        if where not in ("ok",):
            print(seed, where, what, flush=True)
    print(counts)


if __name__ == "__main__":
    main()
