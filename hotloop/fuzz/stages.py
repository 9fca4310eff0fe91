"""Which stage is at fault? The first whose meaning, by the IRs' interpreters, is not Python's.

    guilty(case)        # "trace", "passes: fold", "lower", "loops: fuse", "machine", "no stage"

The failing call is traced anew, so a fault that needs earlier calls ends as "no stage". With a pass
named, leaving it out (HOTLOOP_SKIP) heals the result.
"""

from __future__ import annotations

import contextlib
import inspect
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import hotloop
from hotloop import config
from hotloop.entry.paths import Scope
from hotloop.entry.results import build
from hotloop.errors import HotloopError, InternalError, UnsupportedError
from hotloop.frontend.trace import trace
from hotloop.frontend.traced import ARRAY, BYTES, TEXT, Traced
from hotloop.fuzz import cases, check, compare, modes
from hotloop.fuzz.cases import Case
from hotloop.ir import interp as program_interp
from hotloop.ir import verify as program_verify
from hotloop.ir.core import Program
from hotloop.loops import expr
from hotloop.loops import interp as loops_interp
from hotloop.loops import lower as lowering
from hotloop.loops import pipeline as loops_pipeline
from hotloop.loops import verify as loops_verify
from hotloop.ops.text_calls import codes_of
from hotloop.passes import pipeline as passes_pipeline

Interpret = Callable[[Program, list[Any]], list[Any]]


def run(traced: Traced, bound: dict[str, Any],
        interpret: Interpret = program_interp.run) -> Any:
    """Call a Traced with arguments by name: interpret its Program, write the arguments back, build
    the result."""
    scope = Scope(bound)
    values: list[Any] = []
    for given in traced.inputs:
        if given.path[0][0] == "random_key":
            values.append(np.uint64(12345))
            continue
        x = scope.fetch(given.path, given.owner)
        values.append(codes_of(x) if given.kind in (TEXT, BYTES) else x if given.kind == ARRAY
                      else given.dtype.type(x))
    outs = interpret(traced.program, values)
    params = traced.program.params
    results = {}
    for k, (out, into) in enumerate(zip(outs, traced.program.into, strict=True)):
        if into is None:
            results[k] = out
        else:
            target = values[params.index(into)]
            assert out.dtype == target.dtype and np.shape(out) == target.shape
            target[...] = out
    return build(traced, Scope(bound), results)


def bind(function: Callable[..., Any], args: tuple) -> dict[str, Any]:
    bound = inspect.signature(function, follow_wrapped=False).bind(*args)
    bound.apply_defaults()
    return dict(bound.arguments)


def through_loops(contiguous: list[bool], optimize: bool) -> Interpret:
    """Lower a Program and run it by the interpreter of Loops."""
    def interpret(program: Program, values: list[Any]) -> list[Any]:
        with expr.fresh_table():
            kernel = lowering.lower(program, contiguous)
            kernel.fast = config.fastmath
            loops_verify.verify(kernel)
            if optimize:
                kernel = loops_pipeline.optimize(kernel)
                loops_verify.verify(kernel)
            values = [v.copy() if isinstance(v, np.ndarray) else v for v in values]
            results = iter(loops_interp.run(kernel, values))
            at = {p: k for k, p in enumerate(program.params)}
            return [next(results) if into is None else values[at[into]] for into in program.into]
    return interpret


def guilty(case: Case) -> str:
    """The stage at fault; "refused" if the program can't be compiled."""
    module = cases.load(case)
    with (contextlib.redirect_stdout(io.StringIO()),
          modes.switched(module.get("switches", {}))):
        for number in range(len(list(module["calls"]()))):
            try:
                stage = _guilty(module, number)
            except UnsupportedError:
                return "refused"
            if stage:
                return stage
    return "no stage"


def _guilty(module: dict[str, Any], number: int) -> str:
    def args() -> tuple:
        return list(module["calls"]())[number]

    function = module["f"]
    theirs = args()
    expected = compare.outcome(check.plain(module), theirs, {})
    try:
        traced = trace(function, args(), {})
    except HotloopError:
        raise
    except Exception as error:
        return f"trace ({type(error).__name__})"

    def wrong(call: Callable[[tuple], Any]) -> bool:
        mine = args()
        end, value = compare.outcome(call, (mine,), {})
        if isinstance(value, InternalError | AssertionError | KeyError):
            return True
        return not agrees((end, value, mine), (*expected, theirs))

    def interpreted(interpret: Interpret) -> Callable[[tuple], Any]:
        return lambda mine: run(traced, bind(function, mine), interpret)

    traced_program = traced.program
    contiguous = [g.contiguous for g in traced.inputs]
    if _invalid(traced_program) or wrong(interpreted(program_interp.run)):
        return "trace"
    traced.program = passes_pipeline.optimize(traced_program)
    if _invalid(traced.program) or wrong(interpreted(program_interp.run)):
        for name in _healing(passes_pipeline.PASSES):
            traced.program = passes_pipeline.optimize(traced_program)
            if not wrong(interpreted(program_interp.run)):
                return f"passes: {name}"
        return "passes"
    if wrong(interpreted(through_loops(contiguous, False))):
        return "lower"
    if wrong(interpreted(through_loops(contiguous, True))):
        for name in _healing(loops_pipeline.PASSES):
            if not wrong(interpreted(through_loops(contiguous, True))):
                return f"loops: {name}"
        return "loops"

    def compiled(mine: tuple) -> Any:
        return hotloop.jit(function, cache=False)(*mine)
    if not wrong(compiled):
        return ""
    for name in _healing((*passes_pipeline.PASSES, *loops_pipeline.PASSES)):
        if not wrong(compiled):
            return f"machine (not without {name})"
    return "machine"


def _healing(passes: Any) -> Iterator[str]:
    """Names of passes, each left out while it is yielded."""
    kept = config.skip
    try:
        for name in dict.fromkeys(row[0].removesuffix(" again") for row in passes):
            config.skip = name
            yield name
    finally:
        config.skip = kept


def _invalid(program: Program) -> bool:
    try:
        program_verify.verify(program)
    except InternalError:
        return True
    return False


def agrees(got: tuple[str, Any, Any], expected: tuple[str, Any, Any]) -> bool:
    """Two outcomes (end, value, arguments)."""
    if got[0] != expected[0]:
        return False
    if got[0] == "error":
        return check.same_error(got[1], expected[1])
    try:
        compare.same(got[1:], expected[1:])
    except AssertionError:
        return False
    return True
