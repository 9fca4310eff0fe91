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
from dataclasses import dataclass
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block
from hotloop.ir.types import Type

PURE, RAISES, IO = "pure", "raises", "io"
"""Effects: PURE may be duplicated, moved and dropped; RAISES ends the program if its condition is
false and keeps its place among RAISES and IO; IO happens each time, in order."""

BOOLS, INTS, UINTS, FLOATS, COMPLEXES = "b", "i", "u", "f", "c"
"""Kinds of dtype (`np.dtype.kind`); a domain is their concatenation, e.g. INTS + UINTS + FLOATS."""


@dataclass(frozen=True, slots=True)
class Map:
    """Elementwise: the result at an index is `expr(e, *operands at that index)`.

    Operands have the result's shape or rank 0. `expr` may use the keyword `params`.
    """
    expr: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Move:
    """Data movement: the result at index `i` is operand 0 at `index(e, i, operands, eqn)`.

    `operands[k](*j)` is the expression of operand k (at index j if it is an array).
    Costs nothing until consumed.
    """
    index: Callable[..., tuple]


@dataclass(frozen=True, slots=True)
class Generate:
    """The result at index `i` is `value(e, i, operands, eqn)`, from the index alone (iota)."""
    value: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Reduce:
    """Combine over `params['axes']` with a scalar operation that is associative and commutative.

    `combine(e, acc, x)`; `identity(dtype)` its neutral value, a NumPy scalar.
    """
    combine: str
    identity: Callable[[np.dtype], Any]


@dataclass(frozen=True, slots=True)
class Scan:
    """Running combination along `params['axis']` (cumsum); same fields as Reduce."""
    combine: str
    identity: Callable[[np.dtype], Any]


@dataclass(frozen=True, slots=True)
class Update:
    """Functional store: operand 0 with operand 1 stored at `index(e, j, operands, eqn)` for each
    index `j` of operand 1 (of rank `len(params-derived selection)`); in place where the planner can.

    `combine` is None (overwrite) or the name of a scalar operation (accumulate).
    """
    index: Callable[..., tuple]
    combine: str | None


@dataclass(frozen=True, slots=True)
class Extern:
    """A library call on contiguous buffers: `routine` names a row of `llvm.blas`, or None: the
    kernel calls back into NumPy with the op's `evaluate`."""
    routine: str | None


@dataclass(frozen=True, slots=True)
class Region:
    """Control flow; `kind` is `cond`, `for`, `while` or `call`. `ir.interp` and `loops.lower` know
    these four, and nothing else knows an op by name."""
    kind: str


@dataclass(frozen=True, slots=True)
class Effect:
    """`kind` is `check` (raise unless the operand holds) or `print` (call back with operands)."""
    kind: str


Lowering = Map | Move | Generate | Reduce | Scan | Update | Extern | Region | Effect


@dataclass(frozen=True, slots=True)
class Sample:
    """Operands (NumPy values) and params for a generated test of a row."""
    ins: tuple[Any, ...]
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpDef:
    """A row.

    name       as in the text form
    doc        one line: what the result is
    type_rule  (ins, params, blocks) -> types of the results; raises TypeError naming what is wrong
    evaluate   the meaning: (params, *NumPy operands) -> result or tuple of results. Operands are
               arrays or NumPy scalars of exactly the operands' dtypes; None only for a Region
    lowering   see above
    effect     PURE, RAISES or IO
    samples    operands for generated tests: () -> iterable of Sample
    """
    name: str
    doc: str
    type_rule: Callable[[tuple[Atom, ...], dict[str, Any], tuple[Block, ...]], list[Type]]
    evaluate: Callable[..., Any] | None
    lowering: Lowering
    effect: str
    samples: Callable[[], Iterable[Sample]]

    def __repr__(self) -> str:
        return self.name


OPS: dict[str, OpDef] = {}
"""All rows by name, filled while the modules of this package are imported (`hotloop.ops`)."""


def register(row: OpDef) -> OpDef:
    if row.name in OPS:
        raise ValueError(f"two rows for op {row.name!r}")
    OPS[row.name] = row
    return row


def rows() -> Iterator[OpDef]:
    return iter(OPS.values())
