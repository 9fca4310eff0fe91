"""A builder of equations for rules and transforms: `b.mul(x, 2.0)` appends one to `b.eqns`.

    b = Emit()
    y = b.sub(1.0, b.mul(x, x))                     # Python numbers are weak: of x's dtype
    s = b.reduce_sum(y, axes=(0,))
    z = b.op("get", x, k, codes="i")                # any row, by its name

Every row is a method, a name that is a keyword with an underscore (`b.and_`, `b.not_`). The methods
written out below take shapes where the rows take dimensions as operands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hotloop.errors import Location
from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Var
from hotloop.ir.types import I64, Type, same_shape
from hotloop.ops.domains import atom_of, same_dim
from hotloop.ops.table import OPS, Map, OpDef, make_eqn


class Emit:
    """Equations in the order of their emission; `location` is given to each."""

    def __init__(self, eqns: list[Eqn] | None = None, location: Location | None = None):
        self.eqns: list[Eqn] = [] if eqns is None else eqns
        self.location = location

    def __getattr__(self, name: str) -> Any:
        row = OPS.get(name.removesuffix("_"))
        if row is None:
            raise AttributeError(f"no op {name}")
        return lambda *ins, **params: self.row(row, ins, params)

    def op(self, name: str, *ins: Any, **params: Any) -> Any:
        """An equation of the row of that name: its result, or the list of its results."""
        return self.row(OPS[name], ins, params)

    def row(self, row: OpDef, ins: Sequence[Any], params: dict[str, Any] | None = None,
            blocks: Iterable[Block] = ()) -> Any:
        eqn = make_eqn(row, _typed(row, ins), params, blocks, self.location)
        self.eqns.append(eqn)
        return eqn.outs[0] if len(eqn.outs) == 1 else list(eqn.outs)

    def again(self, eqn: Eqn, ins: Sequence[Any]) -> Any:
        """The same equation on other operands."""
        return self.row(eqn.op, ins, eqn.params, eqn.blocks)    # type: ignore[arg-type]

    # ---- shapes

    def full(self, value: Any, shape: Sequence[Dim], dtype: Any) -> Atom:
        """`value` everywhere; a literal of rank 0 if it is a number and the shape is ()."""
        atom = value if isinstance(value, Var | Lit) else Lit(value, dtype)
        return self.row(OPS["broadcast"], (atom, *map(atom_of, shape)),
                        {"axes": ()}) if shape else atom

    def zeros(self, type_: Type) -> Atom:
        return self.full(0, type_.shape, type_.dtype)

    def convert(self, x: Atom, dtype: Any) -> Atom:
        dtype = np.dtype(dtype)
        return x if x.dtype == dtype else self.row(OPS["convert"], (x,), {"dtype": dtype})

    def reshape(self, x: Atom, shape: Sequence[Dim]) -> Atom:
        shape = tuple(shape)
        if same_shape(x.shape, shape):
            return x
        return self.row(OPS["reshape"], (x, *map(atom_of, shape)))

    def transpose(self, x: Atom, perm: Sequence[int]) -> Atom:
        perm = tuple(perm)
        if perm == tuple(range(len(perm))):
            return x
        return self.row(OPS["transpose"], (x,), {"perm": perm})

    def swap_last(self, x: Atom) -> Atom:
        """The last two axes exchanged: a matrix, or a stack of them, transposed."""
        rank = len(x.shape)
        return self.transpose(x, (*range(rank - 2), rank - 1, rank - 2))

    def broadcast(self, x: Atom, shape: Sequence[Dim], axes: Sequence[int] | None = None) -> Atom:
        """`axes[k]`: where axis k goes; without it, the last axes, as NumPy aligns them."""
        shape = tuple(shape)
        if axes is None:
            axes = range(len(shape) - len(x.shape), len(shape))
        if same_shape(x.shape, shape) and tuple(axes) == tuple(range(len(shape))):
            return x
        return self.row(OPS["broadcast"], (x, *map(atom_of, shape)), {"axes": tuple(axes)})

    def sum(self, x: Atom, axes: Iterable[int], keep: bool = False) -> Atom:
        """The sum over axes; with `keep` they stay as axes of size 1."""
        axes = tuple(sorted(axes))
        if not axes:
            return x
        total = self.row(OPS["reduce_sum"], (x,), {"axes": axes})
        return self.restored(total, x.shape, axes) if keep else total

    def restored(self, y: Atom, shape: Sequence[Dim], axes: Iterable[int]) -> Atom:
        """A reduction's result with its axes back, of size 1: `shape` is that of the operand."""
        axes = set(axes)
        return self.reshape(y, [1 if k in axes else d for k, d in enumerate(shape)])

    def spread(self, y: Atom, shape: Sequence[Dim], axes: Iterable[int]) -> Atom:
        """A reduction's result repeated along its axes: `shape` is that of the operand."""
        axes = set(axes)
        return self.broadcast(y, shape, [k for k in range(len(shape)) if k not in axes])

    def unbroadcast(self, x: Atom, shape: Sequence[Dim], axes: Sequence[int]) -> Atom:
        """The transpose of `broadcast` of a `shape` with these axes: what was repeated is summed.

        A size that turns out to be 1 only at run time is summed by adding everything at index 0.
        """
        axes = tuple(axes)
        lost = [k for k in range(len(x.shape)) if k not in axes or (
            same_dim(shape[axes.index(k)], 1) and not same_dim(x.shape[k], 1))]
        y = self.sum(x, lost)
        order = [k for k in range(len(x.shape)) if k not in lost]
        kept = [a for a in axes if a not in lost]
        y = self.transpose(y, [order.index(a) for a in kept])
        y = self.reshape(y, [1 if a in lost else x.shape[a] for a in axes])
        for k, dim in enumerate(shape):
            if not same_dim(dim, y.shape[k]):
                y = self._folded(y, k, dim)
        return y

    def _folded(self, x: Atom, axis: int, dim: Dim) -> Atom:
        """Axis `axis` as one of size `dim`, which is its size or, at run time, 1."""
        if isinstance(dim, int):
            return self.reshape(x, [dim if k == axis else d for k, d in enumerate(x.shape)])
        place = self.iota(atom_of(x.shape[axis]), dtype=I64)
        place = self.select(self.eq(dim, 1), 0, place)
        shape = [dim if k == axis else d for k, d in enumerate(x.shape)]
        codes = "".join("a" if k == axis else ":" for k in range(len(shape)))
        return self.row(OPS["addat"], (self.full(0, shape, x.dtype), x, place), {"codes": codes})

    def part(self, x: Atom, axis: int, start: Any, size: Any, step: Any = 1) -> Atom:
        """Elements start, start + step, ... along an axis, `size` of them (an i64 or an int)."""
        codes = ":" * axis + "s" + ":" * (len(x.shape) - axis - 1)
        return self.row(OPS["get"], (x, start, size, step), {"codes": codes})

    def put(self, x: Atom, v: Atom, axis: int, start: Any) -> Atom:
        """x with v stored along an axis from `start` on."""
        codes = ":" * axis + "s" + ":" * (len(x.shape) - axis - 1)
        return self.row(OPS["set"], (x, v, start, atom_of(v.shape[axis]), 1), {"codes": codes})

    def reversed(self, x: Atom, axis: int) -> Atom:
        """In the opposite order along an axis."""
        n = atom_of(x.shape[axis])
        return self.part(x, axis, self.minus_one(n), n, -1)

    def minus_one(self, n: Atom) -> Atom:
        return Lit(int(n.value) - 1) if isinstance(n, Lit) else self.row(OPS["sub"], (n, 1))

    def take_along(self, x: Atom, index: Atom, axis: int) -> Atom:
        """`np.take_along_axis`: `index` has x's shape but along the axis."""
        places = [index if k == axis else self.broadcast(
            self.iota(atom_of(d), dtype=I64), index.shape, (k,)) for k, d in enumerate(x.shape)]
        return self.row(OPS["get"], (x, *places), {"codes": "a" * len(places)})

    def count(self, shape: Iterable[Dim]) -> Atom:
        """How many elements a shape has, as an i64."""
        known, total = 1, None
        for dim in shape:
            if isinstance(dim, int):
                known *= dim
            else:
                total = dim if total is None else self.mul(total, dim)
        if total is None:
            return Lit(known)
        return total if known == 1 else self.mul(total, known)


def _typed(row: OpDef, ins: Sequence[Any]) -> list[Atom]:
    """Operands as atoms; Python numbers in an elementwise equation are of the others' dtype."""
    if all(isinstance(a, Var | Lit) for a in ins):
        return list(ins)
    known = [a.dtype for a in ins if isinstance(a, Var | Lit)]
    dtype = next((d for d in known if d.kind != "b"), None)
    weak = isinstance(row.lowering, Map)
    return [a if isinstance(a, Var | Lit) else
            Lit(a, dtype if dtype is not None and (weak or isinstance(a, float | complex))
                else None) for a in ins]
