"""The pipeline, on one page: source and types -> Program -> Loops -> LLVM text -> machine code.

    trace          frontend: Python on tracers gives a Program and how to call it
    passes.*       Program -> Program (passes/pipeline.py has the list)
    lower          Program -> loop nests over buffers
    loops.*        Loops -> Loops (loops/pipeline.py has the list)
    emit           Loops -> LLVM text
    codegen        LLVM -> an object file
    load           the object file -> callable code

This is the only module that knows the order. `Lowered` is a function half-way (texts of each stage,
nothing loaded); `compile_function` goes all the way. Every stage is timed; with HOTLOOP_DUMP=dir it
leaves its text in a file, so that `diff` shows what a pass did.
"""

from __future__ import annotations

import itertools
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotloop import config
from hotloop.entry.compiled import Compiled, call_sites, check_operands
from hotloop.frontend import trace
from hotloop.frontend.traced import Traced
from hotloop.ir import text as ir_text
from hotloop.ir.core import Program
from hotloop.llvm import emit, engine, externals, loader
from hotloop.loops import expr
from hotloop.loops import lower as lowering
from hotloop.loops import pipeline as loops_pipeline
from hotloop.loops import text as loops_text
from hotloop.loops.core import Kernel
from hotloop.passes import pipeline as passes_pipeline

_numbers = itertools.count()


@dataclass
class Watch:
    """Times of the stages, in ms, and their texts on stderr or in files."""
    name: str
    times: dict[str, float] = field(default_factory=dict)
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
        if config.dump:
            folder = Path(config.dump) / f"{self.number:03}-{re.sub(r'[^A-Za-z0-9_]+', '_', self.name)}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{next(self.steps):02}-{stage}.txt").write_text(text() + "\n")

    def program(self, stage: str, program: Program) -> None:
        self.show(stage, 3, lambda: ir_text.show(program))

    def kernel(self, stage: str, kernel: Kernel) -> None:
        self.show(stage, 4, lambda: loops_text.show(kernel))


@dataclass
class Lowered:
    """A function compiled as far as LLVM text, for given argument types."""
    traced: Traced
    kernel: Kernel
    emitted: emit.Emitted
    watch: Watch

    @property
    def program(self) -> str:
        """The optimized Program in jaxpr notation."""
        return ir_text.show(self.traced.program)

    @property
    def loops(self) -> str:
        return loops_text.show(self.kernel)

    @property
    def llvm(self) -> str:
        return self.emitted.text

    @property
    def asm(self) -> str:
        return engine.assembly(self.llvm, self.level, self.emitted.wants_passes)

    @property
    def level(self) -> int:
        return 3 if config.opt else 0


def lower(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any],
          **options: Any) -> Lowered:
    """All stages that stay in Python. Raises errors.UnsupportedError for what can't be compiled."""
    watch = Watch(getattr(fn, "__qualname__", repr(fn)))
    with watch.stage("trace"):
        traced = trace.trace(fn, args, kwargs, **options)
    watch.program("trace", traced.program)
    with watch.stage("passes"):
        traced.program = passes_pipeline.optimize(
            traced.program, watch.program if watch.wanted else None)
    with expr.fresh_table():
        with watch.stage("lower"):
            kernel = lowering.lower(traced.program, [i.contiguous for i in traced.inputs])
        watch.kernel("lower", kernel)
        with watch.stage("loops"):
            kernel = loops_pipeline.optimize(kernel, watch.kernel if watch.wanted else None)
        with watch.stage("emit"):
            emitted = emit.emit(kernel)
    watch.show("llvm", 5, lambda: emitted.text)
    return Lowered(traced, kernel, emitted, watch)


def compile_function(fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any],
                     **options: Any) -> Compiled:
    """Compile `fn` for the types of these arguments (and the values of its static ones)."""
    lowered = lower(fn, args, kwargs, **options)
    watch = lowered.watch
    with watch.stage("codegen"):
        data = engine.compile_text(lowered.llvm, lowered.level, lowered.emitted.wants_passes)
    watch.show("asm", 6, lambda: lowered.asm)
    with watch.stage("load"):
        code = loader.load(data)
    if config.debug >= 1:
        stages = "  ".join(f"{k} {v:.1f}" for k, v in watch.times.items())
        print(f"hotloop: {watch.name}: {sum(watch.times.values()):.1f} ms ({stages})",
              file=sys.stderr)
    kernel = lowered.kernel
    return Compiled(
        lowered.traced, lowered.emitted.frame, code["kernel"],
        table=tuple(map(externals.resolve, lowered.emitted.externals)), code=code,
        errors=kernel.errors, checks=check_operands(kernel), sites=kernel.sites,
        calls=call_sites(kernel), notes=kernel.notes,
        seconds={name: ms / 1e3 for name, ms in watch.times.items()})
