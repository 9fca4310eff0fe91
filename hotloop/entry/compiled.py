"""What compiling gives: machine code and all that is needed to call it like the Python function.

    compiled = Compiled(traced, frame, kernel=address, table=addresses, code=code,
                        errors=loops.errors, checks=check_operands(loops),
                        sites=loops.sites, calls=call_sites(loops))
    entry.slow.Slow(compiled).call(bound)       # from Python
    entry.wrap.encode(compiled)                 # for the native machine

`frame`, `checks` and `calls` describe memory; everything is picklable but `code` and the addresses.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.frontend.traced import Input, Traced
from hotloop.llvm.frame import ArrayResult, ArraySlot, Frame, ScalarSlot
from hotloop.loops import core as loops
from hotloop.record import field, record


@record
class CallSite:
    """Operands of call-back number `site`: (dtype, rank) of `ins` and `outs`, dtypes of `scalars`.

    In memory: 8-byte cells, first `ins`, then `outs`, then `scalars`; a scalar is one cell, a
    buffer its data pointer followed by its dims (C order). The callable gets `ins` and returns the
    contents of `outs` followed by `scalars`: a tuple, or the value itself if there is only one.
    """
    ins: tuple[tuple[np.dtype, int], ...]
    outs: tuple[tuple[np.dtype, int], ...]
    scalars: tuple[np.dtype, ...]


@record(frozen=False)
class Compiled:
    """`kernel`: address of the kernel function. `table`: addresses for the frame's TABLE slot.
    `checks[k]`: dtypes of the operands of error k. `code`: whatever keeps the memory mapped.
    `texts`: the stages by name ("program", "loops", "llvm", "assembly") for `lower` and `explain`;
    a value may be a function that makes the text. `users` are told when better code has taken the
    kernel's place."""
    traced: Traced
    frame: Frame
    kernel: int
    table: tuple[int, ...] = ()
    code: Any = None
    errors: list[loops.ErrorSite] = field(default_factory=list)
    checks: list[tuple[np.dtype, ...]] = field(default_factory=list)
    sites: list[Callable[..., Any]] = field(default_factory=list)
    calls: list[CallSite] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str | Callable[[], str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    users: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)

    def renew(self, kernel: int, code: Any, table: tuple[int, ...]) -> None:
        """Call `kernel` from now on; the code before stays, it may be running. `table` begins as
        the one before did; errors may have been added to the list of the kernel's."""
        self.checks += [()] * (len(self.errors) - len(self.checks))
        self.code, self.table, self.kernel = (self.code, code), table, kernel
        for user in list(self.users):
            user.renewed()


def _statements(kernel: loops.Kernel) -> Iterator[loops.Statement]:
    for part in (kernel, *kernel.functions):
        yield from loops.walk(part.body)


def check_operands(kernel: loops.Kernel) -> list[tuple[np.dtype, ...]]:
    """For each of `kernel.errors` the dtypes of its operands in the frame. The checks of a loop's
    fast form (`loops.speculate`) have none: they raise nothing."""
    found: dict[int, tuple[np.dtype, ...]] = {}
    for statement in _statements(kernel):
        if isinstance(statement, loops.Check) and statement.operands:
            found[statement.error] = tuple(x.dtype for x in statement.operands)
    return [found.get(k, ()) for k in range(len(kernel.errors))]


def call_sites(kernel: loops.Kernel) -> list[CallSite]:
    """For each of `kernel.sites` the layout of its operands."""
    found: dict[int, CallSite] = {}
    for statement in _statements(kernel):
        if isinstance(statement, loops.Call) and statement.routine is None:
            ins = tuple((x.dtype, len(x.shape)) if isinstance(x, loops.Buffer) else (x.dtype, 0)
                        for x in statement.ins)
            outs = tuple((x.dtype, len(x.shape)) for x in statement.outs)
            found[statement.site] = CallSite(ins, outs, tuple(d for _, d in statement.scalars))
    return [found.get(k, CallSite((), (), ())) for k in range(len(kernel.sites))]


@record
class Place:
    """Where one Input lies. A scalar (or a 0-d array, whose value is passed) has `dims` -1; a
    complex one takes two slots. A complex array may be declared as floats with a last axis of 2
    (`pair`), whose dim and stride then follow the others'."""
    slot: int
    dims: int = -1
    strides: int = -1
    pair: bool = False


@record
class Output:
    """One fresh result: `dtype` and `rank` as the Program has them; `slot` of a scalar (-1 for an
    array, which `alloc` makes: its number there is the position among the frame's results)."""
    dtype: np.dtype
    rank: int
    slot: int
    number: int


def places(compiled: Compiled) -> list[Place]:
    """For each of `traced.inputs` its Place in the frame."""
    frame = iter(compiled.frame.params)
    return [_place(given, frame) for given in compiled.traced.inputs]


def _place(given: Input, frame: Iterator[Any]) -> Place:
    first = next(frame)
    if isinstance(first, ArraySlot):
        pair = given.dtype.kind == "c" and first.dtype.kind != "c"
        return Place(first.slot, first.dims, -1 if first.contiguous else first.strides, pair)
    if given.dtype.kind == "c" and first.dtype.kind != "c":
        next(frame)
    return Place(first.slot)


def outputs(compiled: Compiled) -> dict[int, Output]:
    """The fresh results by their position among the Program's results."""
    program = compiled.traced.program
    frame = iter(enumerate(compiled.frame.results))
    found = {}
    for k, (atom, into) in enumerate(zip(program.outs, program.into, strict=True)):
        if into is not None:
            continue
        number, first = next(frame)
        if isinstance(first, ArrayResult):
            found[k] = Output(atom.dtype, len(atom.shape), -1, number)
        else:
            assert isinstance(first, ScalarSlot)
            if atom.dtype.kind == "c" and first.dtype.kind != "c":
                next(frame)
            found[k] = Output(atom.dtype, 0, first.slot, number)
    return found
