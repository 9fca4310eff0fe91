"""The passes over Programs, in order, one reason a line.

    optimize(program)
    optimize(program, lambda name, program: print(name, show(program)))
"""

from __future__ import annotations

from collections.abc import Callable

from hotloop import config
from hotloop.ir.core import Program
from hotloop.ir.verify import verify

Pass = Callable[[Program], Program]

PASSES: tuple[tuple[str, Pass], ...] = ()


def optimize(program: Program, watch: Callable[[str, Program], None] | None = None) -> Program:
    """Run all passes but those of HOTLOOP_SKIP; `watch(name, program)` after each. The Program
    given is left as it is."""
    skipped = config.skipped()
    if config.verify:
        verify(program)
    for name, run in PASSES:
        if name in skipped:
            continue
        program = run(program)
        if config.verify:
            verify(program)
        if watch is not None:
            watch(name, program)
    return program
