"""Loops: loop nests over buffers, the form in which programs are optimized for the machine.

    for i in 0..n:
      t1 = exp(-a[i])
      r0[i] <- 1.0 / (t1 + 1.0)

Expressions are hash-consed (`loops.expr`): equal expressions are one object, integer index
arithmetic is in affine normal form, so "same index", "unit stride", "overlap" are look-ups.
Statements are plain dataclasses in lists, rewritten in place by the passes of this package. Names
(str) are unique in a kernel. `loops.text` prints and parses, `loops.verify` checks, `loops.interp`
gives the meaning in NumPy, like their twins in `ir`; they and all passes are functions over these
classes.

Values are scalars of a NumPy dtype; bool is stored as one byte. There is no complex dtype here:
lowering makes it two floats, a complex buffer having a last axis of 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.errors import Location
from hotloop.loops.expr import Expr
from hotloop.record import field, record

ARG, ARG_WRITTEN, LENT, RESULT, TEMP = "arg", "argw", "lent", "result", "temp"
MOVABLE = (LENT, TEMP)


@record(eq=False, frozen=False)
class Buffer:
    """Memory for an array.

    `shape` holds i64 expressions. `strides` is None for C order, else one i64 expression an axis,
    in *bytes* (arguments only). Two different Buffers never overlap (the entry checks it for
    arguments that are written). `index` is the position among the kernel's parameters (ARG) or
    results (RESULT).
    """
    name: str
    dtype: np.dtype
    shape: tuple[Expr, ...]
    kind: str
    strides: tuple[Expr, ...] | None = None
    index: int = -1

    def __repr__(self) -> str:
        return self.name


@record(eq=False, frozen=False)
class Let:
    """`name = value`; visible to the statements after it in its list and inside them."""
    name: str
    value: Expr


@record(eq=False, frozen=False)
class Store:
    """`buffer[index] <- value`; `combine` accumulates with a scalar operation instead. A single
    index into a buffer of several axes counts its elements in C order, as in a load. `past`: if it
    is true, whole vectors go to memory past the caches (loops.stream)."""
    buffer: Buffer
    index: tuple[Expr, ...]
    value: Expr
    combine: str | None = None
    past: Expr | None = None


@record(eq=False, frozen=False)
class Carry:
    """A scalar carried by a loop: `name` is bound to `init`, then to `next` (evaluated at the end
    of the body, all carries in parallel). After the loop `name` is the last value.

    `reduce` names a combiner if the compiler may reorder: `next` is then
    `combiner(name, something that does not mention name)`; `scalar.identity` has its neutral value.
    """
    name: str
    dtype: np.dtype
    init: Expr
    next: Expr
    reduce: str | None = None


@record(eq=False, frozen=False)
class For:
    """`for var in lo..hi step step`; `step` is an expression, positive or negative, not 0.

    `until`: a carry of dtype bool; the loop ends after the iteration that makes it true.
    `swaps`: pairs (buffer, buffer): at the end of an iteration the name on the left takes over the
    memory of the one on the right, all pairs in parallel (a permutation of pointers).
    `regular`: made by the compiler from a whole-array operation: iterations are independent but for
    carries with `reduce`.
    `loose`: floats may be added to its carries in any order, which no program has written down.
    `independent`: so the user says: what an iteration stores no other one uses, and numbers that
    are accumulated may be so in any order.
    `lanes`: 0 scalar, else this loop's iterations are the lanes of vectors (loops.vectorize).
    `stop`: the loop may end early, before any iteration, and does so before one in which a check
    would fail (made by loops.speculate). Checks in it raise nothing, and stores before them may be
    done and done again. The name is bound, after the loop, to the first iteration left out (to
    `lo` if the loop has none).
    `parallel`: None, or how many ns the loop is expected to take (an f64, evaluated before it):
    its iterations are independent but for carries with `reduce`, so parts of it may run in several
    threads (loops.parallel). Each part has memory of its own for the temporaries `private`, which
    are allocated nowhere else.
    `first`: of a parallel loop, a loop with a `stop` that does its first iterations, from where to
    where it says itself; `lo` is that stop then. Both are done for each part.
    `ahead`: iterations read what later ones write; in lanes, a block of them before it writes.
    `once`: an iteration overwrites what it read, in memory with two names (loops.reuse): it can't
    be done again.
    """
    var: str
    lo: Expr
    hi: Expr
    step: Expr
    body: list[Statement]
    carries: list[Carry] = field(default_factory=list)
    until: str | None = None
    swaps: list[tuple[Buffer, Buffer]] = field(default_factory=list)
    regular: bool = False
    loose: bool = False
    lanes: int = 0
    stop: str | None = None
    note: str = ""
    location: Location | None = None
    parallel: Expr | None = None
    private: list[Buffer] = field(default_factory=list)
    first: list[Statement] = field(default_factory=list)
    independent: bool = False
    once: bool = False
    ahead: bool = False


@record(eq=False, frozen=False)
class While:
    """Evaluate `test` (statements), leave unless `cond`, run `body`, repeat; carries as in For."""
    test: list[Statement]
    cond: Expr
    body: list[Statement]
    carries: list[Carry] = field(default_factory=list)
    swaps: list[tuple[Buffer, Buffer]] = field(default_factory=list)
    location: Location | None = None


@record(eq=False, frozen=False)
class If:
    """`outs`: (name, dtype, value at the end of `then`, value at the end of `orelse`).
    `likely`: `then`, which is empty, is what nearly always happens (loops.checks).
    """
    cond: Expr
    then: list[Statement]
    orelse: list[Statement]
    outs: list[tuple[str, np.dtype, Expr, Expr]] = field(default_factory=list)
    location: Location | None = None
    likely: bool = False


@record(eq=False, frozen=False)
class Check:
    """Leave the kernel with error number `error` (index into Kernel.errors) unless `cond`;
    `operands` (up to 4 scalars) are for the message."""
    cond: Expr
    error: int
    operands: tuple[Expr, ...] = ()


@record(eq=False, frozen=False)
class Call:
    """A library routine on whole buffers, or (routine None) call-back number `site` into Python.
    The routine `grow` moves its buffer to memory of more rows (see `loops.growing`), `invoke` calls
    function `site` of the kernel (see `loops.invoke`).
    `moved`: those of `outs` that may be in other memory afterwards.

    `ins` are Buffers (whole) or scalar Exprs; `outs` Buffers already allocated. A call-back may
    also fill scalars: `scalars` are (name, dtype) bound afterwards (data-dependent sizes).
    """
    routine: str | None
    site: int
    ins: tuple[Buffer | Expr, ...]
    outs: tuple[Buffer, ...] = ()
    scalars: tuple[tuple[str, np.dtype], ...] = ()
    moved: tuple[Buffer, ...] = ()


@record(eq=False, frozen=False)
class Alloc:
    """From here on `buffer` (TEMP or RESULT) has memory, uninitialized. A TEMP is freed when the
    statement list it stands in ends: whatever memory its name then stands for, swaps of a loop
    come first. A RESULT goes to the caller.

    `shape`: the sizes now, where `buffer.shape` can't be evaluated yet because it names carries of
    a loop that follows (an array whose size changes in the loop).

    `over`: no new memory, but that of this buffer, which has as many bytes and outlives the list.
    """
    buffer: Buffer
    shape: tuple[Expr, ...] | None = None
    over: Buffer | None = None

    @property
    def sizes(self) -> tuple[Expr, ...]:
        return self.buffer.shape if self.shape is None else self.shape


@record(eq=False, frozen=False)
class Free:
    """The memory of `buffer`, a TEMP allocated in this list, goes before the list ends."""
    buffer: Buffer


@record(eq=False, frozen=False)
class Nest:
    """One einsum-like statement, the form between lowering and fusion:

    for each index in `domain` (loop variables `vars`), the last `reduced` loops being summed over:
    store (or combine with `combine`) each (buffer, index, value) of `stores`, all evaluated before
    any is stored. With `combine` there is one store, its index not mentioning the reduced
    variables, and the buffer need not be initialized.
    """
    vars: tuple[str, ...]
    domain: tuple[Expr, ...]
    stores: list[tuple[Buffer, tuple[Expr, ...], Expr]]
    reduced: int = 0
    combine: str | None = None
    location: Location | None = None


Statement = Let | Store | For | While | If | Check | Call | Alloc | Free | Nest


@record
class ErrorSite:
    """What a failing Check raises: `exception(message.format(*operands))` at `location`, with
    these attributes (`ops.control.exception_of`)."""
    exception: type[BaseException]
    message: str
    location: Location | None
    attributes: tuple[tuple[Any, ...], ...] | None = None


@record
class ScalarParam:
    name: str
    dtype: np.dtype


@record(eq=False, frozen=False)
class Kernel:
    """A whole compiled function.

    params   in the Program's order: ScalarParam or Buffer (kinds ARG, ARG_WRITTEN; of a function
             also LENT: memory that it may exchange for other memory, which is the caller's
             afterwards)
    results  in order: Buffer (kind RESULT, allocated by an Alloc) or (Expr) scalar value at the end
    body     statements
    errors   what Checks raise
    sites    what Calls with routine None call: Python callables taking and giving NumPy arrays
    notes    what the passes did, for `explain`: lines of text
    functions  the kernels that it calls, and that they call; errors and sites are shared
    sizes    names and values of dimensions that are short, for heuristics only
    watched  report floating-point flags: "" no, "set" if one is set, "always" at every call
    fast     floats may be rounded otherwise than the program says (`docs/fastmath.md`)
    """
    name: str
    params: list[ScalarParam | Buffer]
    results: list[Buffer | Expr]
    body: list[Statement]
    errors: list[ErrorSite] = field(default_factory=list)
    sites: list[Callable[..., Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    functions: list[Kernel] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    watched: str = ""
    fast: bool = False


def parts(statement: Statement) -> tuple[list[Statement], ...]:
    """The statement lists inside a statement."""
    find = _PARTS.get(type(statement))
    return find(statement) if find is not None else ()


_PARTS: dict[type, Callable[[Any], tuple[list[Statement], ...]]] = {
    For: lambda s: (s.first, s.body) if s.first else (s.body,),
    While: lambda s: (s.test, s.body),
    If: lambda s: (s.then, s.orelse)}


def walk(statements: list[Statement]) -> Iterator[Statement]:
    """All statements, outer before inner, in order. What is in a statement is looked at when the
    one after it is asked for."""
    stack = [iter(statements)]
    while stack:
        for statement in stack[-1]:
            yield statement
            find = _PARTS.get(type(statement))
            if find is not None:
                stack += [iter(inner) for inner in reversed(find(statement))]
                break
        else:
            stack.pop()
