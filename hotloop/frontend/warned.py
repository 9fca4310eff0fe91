"""NumPy's floating-point warnings: where a traced function may cause them.

    with np.errstate(divide="ignore"):
        y = a / b               # Site("zoi", "divide", here, (("divide", "ignore"), ...))
    z = y + 1.0                 # Site("oi", "add", here, ())

While tracing, NumPy's own error state is "call" for everything, so what a `with np.errstate` of the
program sets is told from what it leaves to its caller. `builder.emit` notes a site for each op that
has `flags`, but for arithmetic of Python's own numbers, which never warns (`quiet`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from hotloop.errors import Location
from hotloop.frontend.traced import Input, Site, Warned
from hotloop.ir.core import Eqn, Program, walk
from hotloop.ops.table import INVALID, IO, OVERFLOW, ZERO_DIVIDE, OpDef, effect, flags
from hotloop.record import record

NAMES = {ZERO_DIVIDE: "divide", OVERFLOW: "over", INVALID: "invalid"}
"""Kinds of errors as `np.errstate` calls them."""


UNHEARD = "unheard"
"""The mode of an error that the program leaves to its caller, but for warnings: it ignores them."""


@record
class Ignored:
    """A `with warnings.catch_warnings()`, traced in `block`: the categories ignored inside."""
    block: Any
    categories: tuple[type[Warning], ...]


class Notes:
    """What one trace has found. `quiet`: how many arithmetics of Python's numbers are open;
    `ufunc`: the name of the NumPy function at work, as its warnings give it; `ignored`: the blocks
    of warning filters that are open."""

    def __init__(self) -> None:
        self.sites: dict[Site, None] = {}
        self.always = False
        self.quiet = 0
        self.ufunc = ""
        self.ignored: tuple[Ignored, ...] = ()

    def ignores(self, category: type[Warning]) -> bool:
        """Does the program itself ignore all warnings of a category here?"""
        return any(issubclass(category, ignored) for block in self.ignored
                   for ignored in block.categories)

    def dropped(self) -> None:
        """Imaginary parts are dropped here, always with a warning."""
        self.always |= not self.ignores(ComplexWarning)

    def note(self, op: OpDef, location: Location | None) -> None:
        self.add(flags(op), self.ufunc or op.name, location)

    def add(self, kinds: str, name: str, location: Location | None) -> None:
        self.sites[Site(kinds, name, location, self.modes(kinds))] = None

    def modes(self, kinds: str) -> tuple[tuple[str, str], ...]:
        """What the program itself says of these kinds of errors here."""
        state: dict[str, str] = np.geterr()  # type: ignore[assignment]
        if self.ignores(RuntimeWarning):
            state = {k: {"call": UNHEARD, "warn": "ignore"}.get(v, v) for k, v in state.items()}
        return tuple((NAMES[k], state[NAMES[k]]) for k in kinds if state[NAMES[k]] != "call")


def _ignored(kind: str, flag: int) -> None:
    """NumPy's operations on constants, done while tracing, warn when the function runs."""


@contextmanager
def traced_state() -> Iterator[None]:
    """NumPy's error state while a function is traced."""
    with np.errstate(all="call", call=_ignored):
        yield


def found(notes: Notes, program: Program, inputs: Sequence[Input],
          draws: bool) -> Warned | None:
    """What calls of the Program need to know; None if it can't cause a warning."""
    sites = tuple(s for s in notes.sites if set(dict(s.modes).values()) != {"ignore"}
                  or len(s.modes) < len(s.kinds))
    if not sites and not notes.always:
        return None
    repeatable = not draws and not any(_is_io(eqn) for eqn in program.eqns)
    return Warned(sites, notes.always, repeatable, any(eqn.blocks for eqn in walk(program)))


def _is_io(eqn: Eqn) -> bool:
    return effect(eqn) == IO
