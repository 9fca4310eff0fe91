"""The pipeline, on one page: source and types -> Program -> Loops -> LLVM text -> machine code.

    trace          frontend: Python on tracers gives a Program and how to call it
    transforms     derivatives and batches, if it has any, become plain equations
    passes.*       Program -> Program (passes/pipeline.py has the list)
    lower          Program -> loop nests over buffers
    loops.*        Loops -> Loops (loops/pipeline.py has the list)
    emit           Loops -> LLVM text
    codegen        LLVM -> an object file
    load           the object file -> callable code

This is the only module that knows the order. Every stage is timed; with HOTLOOP_DUMP=dir it leaves
its text in a file, so that `diff` shows what a pass did.
"""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hotloop import config, lazy
from hotloop.entry.compiled import Compiled, call_sites, check_operands
from hotloop.frontend import trace
from hotloop.frontend.traced import Traced
from hotloop.ir.core import Program
from hotloop.llvm import emit, engine, externals, flags, loader
from hotloop.loops import expr
from hotloop.loops import lower as lowering
from hotloop.loops import pipeline as loops_pipeline
from hotloop.loops.core import Kernel
from hotloop.ops.invoke import functions_of
from hotloop.passes import pipeline as passes_pipeline
from hotloop.record import field, record

ir_text = lazy.module("hotloop.ir.text")
transforms = lazy.module("hotloop.transforms.expand")
linear_halves = lazy.module("hotloop.frontend.halves")
loops_text = lazy.module("hotloop.loops.text")

_numbers = itertools.count()


@record(frozen=False)
class Watch:
    """Times of the stages, in ms, and their texts on stderr or in files; `notes` of transforms."""
    name: str
    times: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_numbers))
    steps: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.times[name] = self.times.get(name, 0.0) + 1e3 * (time.perf_counter() - start)

    @property
    def wanted(self) -> bool:
        return bool(config.dump) or config.debug >= 2

    def show(self, stage: str, level: int, text: Callable[[], str]) -> None:
        """Print the text of a stage if HOTLOOP_DEBUG >= level; write it if HOTLOOP_DUMP is set."""
        if config.debug >= level:
            print(f"--- {self.name}: {stage}\n{text()}", file=sys.stderr)
        elif config.debug >= 2 and level <= 4:
            print(f"hotloop: {self.name}: pass {stage}", file=sys.stderr)
        if config.dump:
            name = re.sub(r"[^A-Za-z0-9_]+", "_", self.name)
            folder = Path(config.dump) / f"{self.number:03}-{name}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{next(self.steps):02}-{stage}.txt").write_text(text() + "\n")

    def program(self, stage: str, program: Program) -> None:
        self.show(stage, 3, lambda: ir_text.show(program))

    def kernel(self, stage: str, kernel: Kernel) -> None:
        self.show(stage, 4, lambda: loops_text.show(kernel))


@record(frozen=False)
class Lowered:
    """A Program compiled as far as LLVM text; its stages as text."""
    optimized: Program
    kernel: Kernel
    table: expr.Table
    watch: Watch
    text: emit.Emitted | None = None

    def as_text(self, quick: bool = False, externals: tuple[str, ...] = ()) -> emit.Emitted:
        """The text; `quick` and `externals` as `llvm.emit.emit` has them."""
        with expr.fresh_table(self.table), self.watch.stage("emit"):
            return emit.emit(self.kernel, quick, externals)

    @property
    def emitted(self) -> emit.Emitted:
        if self.text is None:
            self.text = self.as_text()
        return self.text

    @property
    def program(self) -> str:
        """The Program after the passes, in jaxpr notation."""
        return ir_text.show(self.optimized)

    @property
    def loops(self) -> str:
        """The loop nests after their passes."""
        return loops_text.show(self.kernel)

    @property
    def llvm(self) -> str:
        return self.emitted.text

    @property
    def asm(self) -> str:
        return engine.assembly(self.llvm, self.level, self.emitted.wants_passes)

    @property
    def level(self) -> int:
        return level()


QUICK = 0
"""LLVM's level of code generation for code that is soon replaced (`runtime.tiers`)."""


def level() -> int:
    """LLVM's level of code generation."""
    return 3 if config.opt else QUICK


def prepare() -> None:
    """Begin to load LLVM: a function will be compiled."""
    engine.preload(QUICK if config.tiers else level())


def trace_function(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any], watch: Watch,
                   **statics: Any) -> Traced:
    """Raises errors.UnsupportedError for what can't be compiled."""
    with watch.stage("trace"):
        traced = trace.trace(fn, args, kwargs, **statics)
    if traced.transforms:
        with watch.stage("transforms"):
            traced.program, halves = transforms.expand(
                traced.program, passes_pipeline.canonical, linear_halves.wanted(traced.result),
                watch.notes)
            traced.result = linear_halves.filled(traced.result, halves, traced.program.outs)
    watch.program("trace", traced.program)
    return traced


def lower(program: Program, contiguous: list[bool], watch: Watch,
          examples: list[tuple[int, ...]] | None = None, watched: str = "",
          fast: bool = False) -> Lowered:
    """Program -> LLVM text. `contiguous`: for each parameter, whether it is in C order;
    `examples`: typical shapes, which guide heuristics; `watched` and `fast` as in `Kernel`."""
    with watch.stage("passes"):
        program = passes_pipeline.optimize(program, watch.program if watch.wanted else None)
        for function in functions_of(program):
            if not function.optimized:
                assert function.program is not None
                function.program = passes_pipeline.optimize(function.program)
                function.optimized = True
    with expr.fresh_table() as table:
        with watch.stage("lower"):
            kernel = lowering.lower(program, contiguous, examples)
            kernel.fast = fast
            kernel.notes += ["fastmath: floats may be rounded otherwise than Python does"] * fast
        watch.kernel("lower", kernel)
        with watch.stage("loops"):
            kernel = loops_pipeline.optimize(kernel, watch.kernel if watch.wanted else None)
        kernel.watched = watched if flags.NATIVE else ""
    return Lowered(program, kernel, table, watch)


def codegen(lowered: Lowered, traced: Traced, quick: bool = False
            ) -> tuple[Compiled, bytes, tuple[str, ...]]:
    """(callable code, the object file it was loaded from, the names of the foreign functions in
    its table)."""
    watch, kernel = lowered.watch, lowered.kernel
    emitted = lowered.as_text(quick=True) if quick else lowered.emitted
    watch.show("llvm", 5, lambda: emitted.text)
    with watch.stage("codegen"):
        data = engine.compile_text(emitted.text, QUICK if quick else level(),
                                   emitted.wants_passes)
    watch.show("asm", 6, lambda: lowered.asm)
    with watch.stage("load"):
        code = loader.load(data)
    if config.debug >= 1:
        stages = "  ".join(f"{k} {v:.1f}" for k, v in watch.times.items())
        print(f"hotloop: {watch.name}: {sum(watch.times.values()):.1f} ms ({stages})",
              file=sys.stderr)
    traced.program = lowered.optimized
    compiled = Compiled(
        traced, emitted.frame, code["kernel"],
        table=tuple(map(externals.resolve, emitted.externals)), code=code,
        errors=kernel.errors, checks=check_operands(kernel), sites=kernel.sites,
        calls=call_sites(kernel), notes=watch.notes + kernel.notes,
        seconds={name: ms / 1e3 for name, ms in watch.times.items()})
    return compiled, data, emitted.externals
