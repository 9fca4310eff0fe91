"""One op is one row: `OpDef`, the kinds of lowering, and `OPS`, the table of all rows.

A row is complete by construction; no field has a default. The other modules of this package hold
the rows by family, each through a constructor for what the family shares::

    exp = unary("exp", np.exp, FLOATS, lambda e, x: e.exp(x))

A lowering *describes*, it does not build: `loops.lower` interprets the half dozen kinds below, so a
new op needs no edit outside its row. In the descriptions `e` is the expression algebra of
`loops.expr` (methods named after scalar operations), `x`, `i`, ... are its expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from hotloop.errors import Location
from hotloop.ir.core import Atom, Block, Eqn, Var
from hotloop.ir.types import Type
from hotloop.ops.derivative import Derivative
from hotloop.record import record

PURE, RAISES, IO = "pure", "raises", "io"
"""Effects: PURE may be duplicated, moved and dropped; RAISES ends the program if its condition is
false and keeps its place among RAISES and IO; IO happens each time, in order."""

ZERO_DIVIDE, OVERFLOW, INVALID = "z", "o", "i"
"""Floating-point errors of which NumPy warns; `Map.flags` is their concatenation."""

BOOLS, INTS, UINTS, FLOATS, COMPLEXES = "b", "i", "u", "f", "c"
"""Kinds of dtype (`np.dtype.kind`); a domain is their concatenation, e.g. INTS + UINTS + FLOATS."""


@record
class Map:
    """Elementwise: the result at an index is `expr(e, *operands at that index, **params)`.

    Operands have the result's shape or rank 0. `complex_expr` stands in where an operand or the
    result is complex: it takes (and gives) a complex value as a tuple (re, im) of expressions and
    any other value as one expression. None: the domain of the op has no complex dtype.
    `flags`: which of NumPy's floating-point warnings floats may cause, of ZERO_DIVIDE, OVERFLOW
    and INVALID; the expression then raises one of the processor's flags where they do.
    `dear`: a value that is needed again is kept rather than computed again.
    """
    expr: Callable[..., Any]
    complex_expr: Callable[..., Any] | None
    flags: str = ""
    dear: bool = False


@record
class Move:
    """Data movement: the result at index `i` is operand 0 at `index(e, i, operands, eqn)`.

    `operands[k](*j)` is the expression of operand k (at index j if it is an array) and
    `operands[k].shape` its dimensions as expressions. Costs nothing until consumed.
    `flat`: elements keep their C order (a reshape), so that a copy may take the place of divisions.
    """
    index: Callable[..., tuple]
    flat: bool = False


@record
class Generate:
    """The result at index `i` is `value(e, i, operands, eqn)`, from the index alone (iota)."""
    value: Callable[..., Any]


@record
class Reduce:
    """Combine over `params['axes']` with a scalar operation that is associative and commutative.

    `combine` names the scalar operation (for complex values, the op row of the same name with its
    `complex_expr`); `identity(dtype)` is its neutral value, a NumPy scalar.
    """
    combine: str
    identity: Callable[[np.dtype], Any]


@record
class Scan:
    """Running combination along `params['axis']` (cumsum); same fields as Reduce."""
    combine: str
    identity: Callable[[np.dtype], Any]


@record
class Update:
    """Functional store: operand 0 with operand 1 stored at `index(e, j, operands, eqn)` for each
    index `j` of operand 1; in place where the planner can. `operands` as for Move.

    `combine` is None (overwrite) or the name of a scalar operation (accumulate).
    """
    index: Callable[..., tuple]
    combine: str | None


@record
class Compact:
    """Result 0 is how many elements of operand 0 are not 0; the other results are their indices in
    C order, one vector an axis."""


@record
class Reserve:
    """Operand 0 with room for more rows, in place where nobody needs the old value; result 0 is how
    many rows there is room for. Memory is moved when it gets too small only."""


@record
class Invoke:
    """A call of a function of its own (`params["function"]`), a kernel beside this one."""


@record
class Extern:
    """A C function of NumPy's, where there is one for the operands: `routine` is "matmul", "sort",
    "argsort", or "function" (the ufunc that `params["function"]` calls, `ops.inner_loops`). Else,
    or if it is None, the kernel calls back into Python: `evaluate`. `flags` as of Map."""
    routine: str | None
    flags: str = ""


@record
class Region:
    """Control flow; `kind` is `cond`, `for`, `while` or `call`. `ir.interp` and `loops.lower` know
    these four, and nothing else knows an op by name."""
    kind: str


MAX_OPERANDS = 12
"""Values that the message of a check can show."""


@record
class Effect:
    """`kind` is `check` (raise unless operand 0 holds), `host` (call back with the operands) or
    `draw` (call the C function `params["function"]` with the operands)."""
    kind: str


Lowering = (Map | Move | Generate | Reduce | Scan | Update | Compact | Reserve | Invoke | Extern
            | Region | Effect)


@record
class Out:
    """A dimension in the types a type rule gives: "result `index` of the same equation"."""
    index: int


@record
class Sample:
    """Operands (NumPy values) and params for a generated test of a row."""
    ins: tuple[Any, ...]
    params: dict[str, Any]


@record(eq=False)
class OpDef:
    """A row.

    name       as in the text form
    doc        one line: what the result is
    type_rule  (ins, params, blocks) -> types of the results, which may hold `Out` dimensions;
               raises TypeError naming what is wrong
    evaluate   the meaning: (params, *NumPy operands) -> result or tuple of results. Operands are
               arrays or NumPy scalars of exactly the operands' dtypes; None only for a Region
    lowering   see above
    effect     PURE, RAISES or IO; of a Region: of the op itself, its blocks not counted
    total      defined for all operands of these types, so that it may run where the program would
               not have run it (no `get`: its index may be out of bounds there)
    interval   bounds of an int or bool result: (dtype, params, *bounds of the operands) -> (least,
               greatest) or None; see `ops.intervals`. None where nothing can be said
    samples    operands for generated tests: () -> iterable of Sample
    derivative how the results change with the operands (`ops.derivative`); None: there is no rule,
               or it is a Region's, which the transforms know
    """
    name: str
    doc: str
    type_rule: Callable[[tuple[Atom, ...], dict[str, Any], tuple[Block, ...]], list[Type]]
    evaluate: Callable[..., Any] | None
    lowering: Lowering
    effect: str
    total: bool
    interval: Callable[..., tuple[int, int] | None] | None
    samples: Callable[[], Iterable[Sample]]
    derivative: Derivative | None

    def __repr__(self) -> str:
        return self.name


def make_eqn(op: OpDef, ins: Iterable[Atom], params: dict[str, Any] | None = None,
             blocks: Iterable[Block] = (), location: Location | None = None) -> Eqn:
    """An equation whose results are fresh Vars of the types that the op's rule gives."""
    ins, params, blocks = tuple(ins), params or {}, tuple(blocks)
    types = op.type_rule(ins, params, blocks)
    outs = [Var(Type(t.dtype)) for t in types]
    for out, t in zip(outs, types, strict=True):
        out.type = Type(t.dtype, tuple(outs[d.index] if isinstance(d, Out) else d
                                       for d in t.shape))
    return Eqn(op, ins, outs, params, blocks, location)


def row(eqn: Eqn) -> OpDef:
    """The row of an equation's op (the IR itself only knows that ops have rules)."""
    return eqn.op  # type: ignore[return-value]


def region(eqn: Eqn) -> str | None:
    """`cond`, `for`, `while` or `call`; None for an op without blocks."""
    if not eqn.blocks:
        return None
    lowering = row(eqn).lowering
    return lowering.kind if isinstance(lowering, Region) else None


def carries_from(eqn: Eqn) -> int | None:
    """For a loop, the position of the first carry among its body's parameters; else None. Carry k
    is also result k, and operand k from behind the loop's own ones (`lo hi step`)."""
    return {"for": 1, "while": 0}.get(region(eqn) or "") if eqn.blocks else None


def is_check(eqn: Eqn) -> bool:
    """Does it raise unless its first operand holds, and nothing else?"""
    lowering = row(eqn).lowering
    return isinstance(lowering, Effect) and lowering.kind == "check"


def flags(op: OpDef) -> str:
    """Which of NumPy's floating-point warnings an op may cause when it gives or takes floats."""
    lowering = op.lowering
    if isinstance(lowering, Reduce | Scan):
        return flags(OPS[lowering.combine])
    return lowering.flags if isinstance(lowering, Map | Extern) else ""


def effect(eqn: Eqn) -> str:
    """What an equation does apart from its results, that of its blocks included."""
    effects = {eqn.op.effect}
    for block in eqn.blocks:
        effects.update(map(effect, block.eqns))
    return IO if IO in effects else RAISES if RAISES in effects else PURE


OPS: dict[str, OpDef] = {}
"""All rows by name, filled while the modules of this package are imported (`hotloop.ops`)."""


def register(row: OpDef) -> OpDef:
    if row.name in OPS:
        raise ValueError(f"two rows for op {row.name!r}")
    OPS[row.name] = row
    return row


def rows() -> Iterator[OpDef]:
    return iter(OPS.values())
