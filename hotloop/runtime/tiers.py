"""Two tiers: code that is made quickly, and good code that is made in the background.

    if tiers.quick(lowered, traced, scope):
        compiled, _ = codegen(lowered, traced, quick=True)
        tiers.improve(compiled, lowered, store)     # and `store(object, names)` when it is done

LLVM's code generator takes a third of the time without optimizing, and the text is half as long if
vectors are of one register and nothing runs in parallel; the code runs up to three times as long.
So a kernel whose first call takes less than what that saves is made quickly, and made again by a
thread while the program goes on: LLVM does not hold the interpreter's lock. A kernel's address and
its table of foreign functions are all that changes; calls that are under way end in the old code,
which stays. Both compute the same bits: sums are cut into the same lanes and parts.

With HOTLOOP_TIERS=0 all code is good at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hotloop import config
from hotloop.compile import QUICK, Lowered, level
from hotloop.entry.compiled import Compiled
from hotloop.entry.paths import Missing, Scope
from hotloop.frontend.traced import ARRAY, PYTHON, Traced
from hotloop.llvm import background, engine, externals, loader
from hotloop.loops.core import Buffer
from hotloop.loops.estimate import operations

SAVED = 4e-3, 50e-6
"""Seconds that good code takes longer to make: of a kernel, and of each of its operations."""

SLOWER = 2e-9
"""Seconds that an operation of a kernel takes longer in quick code, at most."""


def quick(lowered: Lowered, traced: Traced, scope: Scope) -> bool:
    """Does quick code pay for a call with these arguments?"""
    if not config.tiers or level() == QUICK or not background.possible():
        return False
    work, size = operations(lowered.kernel, sizes(lowered, traced, scope))
    fixed, each = SAVED
    return work * SLOWER < fixed + size * each


def sizes(lowered: Lowered, traced: Traced, scope: Scope) -> dict[str, float]:
    """Values of the kernel's names for dimensions and integers in a call."""
    found: dict[str, float] = {}
    params = iter(lowered.kernel.params)
    for given in traced.inputs:
        param = next(params)
        if given.kind != ARRAY and given.dtype.kind == "c":
            next(params)
        try:
            value = scope.fetch(given.path, given.owner)
        except Missing:
            continue
        if isinstance(param, Buffer):
            dims = zip(param.shape, np.shape(value), strict=False)
            found.update((d.args[0], n) for d, n in dims if d.op == "var")
        elif given.dtype.kind in "iu" and given.kind == PYTHON:
            found[param.name] = float(value)
    return found


def improve(compiled: Compiled, lowered: Lowered, names: tuple[str, ...],
            keep: Callable[[bytes, tuple[str, ...]], None]) -> None:
    """Make good code for what was made quickly, in the background, and call it from then on.
    `names`: of the foreign functions in the table."""
    def job() -> None:
        emitted = lowered.as_text(externals=names)
        data = engine.compile_text(emitted.text, level(), emitted.wants_passes, background=True)
        code = loader.load(data)
        compiled.renew(code["kernel"], code, tuple(map(externals.resolve, emitted.externals)))
        keep(data, emitted.externals)
    background.later(job)
