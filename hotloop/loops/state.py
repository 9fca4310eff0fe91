"""What lowering knows at a point of the Program: where each value is, and the statement lists.

A scalar Var is an expression (`scalars`; a complex one is a pair). An array Var is in a buffer
(`where`) or lazy (`source`): an equation, or another atom, that gives its elements on demand.
What a branch or a loop body finds out about outer values is true only inside it:

    with state.inside(statements, "for") as mark: ...   # on leaving, `where` is as before

Buffers that several statements need are declared once (`new_buffer`) and allocated where their
shape is known: outside the loops around, as far as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hotloop.errors import InternalError
from hotloop.ir.core import Atom, Dim, Eqn, Lit, Program, Var
from hotloop.loops.core import ARG, ARG_WRITTEN, RESULT, TEMP, Alloc, Buffer, Kernel, Let, Statement
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.liveness import Scope, Uses
from hotloop.record import record

Value = Expr | tuple[Expr, Expr]
Index = tuple[Expr, ...]

MAX_TERMS = 8
"""Affine sums of more terms get a name: a chain of n additions would else take n*n work."""


def float_part(dtype: np.dtype) -> np.dtype:
    """The dtype of the two parts of a complex, or `dtype` itself."""
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype


def literal(value: np.generic) -> Value:
    if value.dtype.kind == "c":
        return lit(value.real, value.real.dtype), lit(value.imag, value.imag.dtype)
    return lit(value, value.dtype)


def parts_of(value: Value) -> tuple[Expr, ...]:
    return value if isinstance(value, tuple) else (value,)


@record
class View:
    """A lazy value that is part of an array: its element at i is that of `array` at `index(i)`."""
    array: Var
    index: Callable[[Index], Index]


class State:
    def __init__(self, program: Program, kernel: Kernel):
        self.kernel = kernel
        self.functions: dict[Any, int] = {}         # functions that are called, by their number
        self.uses = Uses(program)
        self.scope = Scope(program, self.uses)
        self.scalars: dict[Var, Value] = {}
        self.where: dict[Var, Buffer] = {}
        self.source: dict[Var, Eqn | Atom | View] = {}
        self.cost: dict[Var, float] = {}            # of computing an element of a lazy value
        self.steps: dict[Var, dict[Var, float]] = {}    # the maps in it, each with its own cost
        self.readers: dict[Var, list[Var]] = {}     # lazy values that read a value
        self.destination: dict[Var, Buffer] = {}
        self._holders: dict[Buffer, list[Var]] = {}
        self._allocated: dict[Buffer, int] = {}     # level of the list with its Alloc
        self._number: dict[Buffer, int] = {}        # in order of allocation
        self._names: dict[str, int] = {}
        self._level: dict[str, int] = {}            # of the list in which a name is bound
        self._lists: list[tuple[list[Statement], str]] = [(kernel.body, "kernel")]
        self._undo: list[tuple[Var, Buffer | Eqn | Atom | View | None]] = []

    # ---- names and statements

    def fresh(self, prefix: str, level: int | None = None) -> str:
        """A new name, bound at the present place (or at the given level of nesting)."""
        number = self._names[prefix] = self._names.get(prefix, 0) + 1
        name = f"{prefix}{number}"
        self._level[name] = self.level if level is None else level
        return name

    def rebind(self, names: Iterable[str], level: int) -> None:
        """From here on the names count as bound at another level: carries of a loop are bound in
        its body, then after it."""
        self._level.update(dict.fromkeys(names, level))

    @property
    def level(self) -> int:
        return len(self._lists) - 1

    def emit(self, statement: Statement) -> None:
        self._lists[-1][0].append(statement)

    @contextmanager
    def inside(self, statements: list[Statement], kind: str) -> Iterator[None]:
        """Emit into `statements`, part of a `for`, `while`, or `if` about to be emitted."""
        self._lists.append((statements, kind))
        mark = len(self._undo)
        try:
            yield
        finally:
            self._lists.pop()
            while len(self._undo) > mark:
                changed, old = self._undo.pop()
                if old is None:
                    self.where.pop(changed, None)
                elif isinstance(old, Buffer):
                    self.where[changed] = old
                    self._holders[old].append(changed)
                else:
                    self.source[changed] = old

    def let(self, value: Value, prefix: str = "t") -> Value:
        """A name for what is costly, or read from memory that may change."""
        if isinstance(value, tuple):
            return self._let(value[0], prefix), self._let(value[1], prefix)
        return self._let(value, prefix)

    def _let(self, value: Expr, prefix: str) -> Expr:
        small = value.op != "aff" or len(value.args[1]) <= MAX_TERMS
        if not value.loads and value.cost == 0 and small:
            return value
        name = self.fresh(prefix)
        self.emit(Let(name, value))
        return var(name, value.dtype)

    # ---- values

    def set_where(self, array: Var, buffer: Buffer) -> None:
        self._undo.append((array, self.where.get(array)))
        self.where[array] = buffer
        self._holders.setdefault(buffer, []).append(array)

    def redirect(self, lazy: Var, view: View) -> None:
        """A lazy value is now also stored as part of an array: it is read from there."""
        self._undo.append((lazy, self.source[lazy]))
        self.source[lazy] = view
        self.readers.setdefault(view.array, []).append(lazy)

    def forget(self, array: Var) -> None:
        """`array`'s buffer is overwritten; nobody needs it any more."""
        self._undo.append((array, self.where.pop(array)))

    def holders(self, buffer: Buffer) -> list[Var]:
        """The Vars whose value is what `buffer` holds now."""
        found = [v for v in dict.fromkeys(self._holders.get(buffer, ()))
                 if self.where.get(v) is buffer]
        self._holders[buffer] = found
        return list(found)

    def scalar(self, atom: Atom) -> Value:
        if isinstance(atom, Lit):
            return literal(atom.value)
        try:
            return self.scalars[atom]
        except KeyError:
            raise InternalError(f"{atom} is read before it is computed") from None

    def real(self, atom: Atom) -> Expr:
        value = self.scalar(atom)
        assert isinstance(value, Expr)
        return value

    def dim(self, dim: Dim) -> Expr:
        return lit(dim) if isinstance(dim, int) else self.real(dim)

    def dims(self, atom: Atom) -> Index:
        return tuple(self.dim(d) for d in atom.shape)

    # ---- buffers

    def new_buffer(self, dtype: np.dtype, shape: Iterable[Expr], prefix: str = "b") -> Buffer:
        """Memory for an array (of a complex dtype: floats with a last axis of 2), allocated."""
        shape = tuple(shape) + ((lit(2),) if dtype.kind == "c" else ())
        buffer = Buffer(self.fresh(prefix), float_part(dtype), shape, TEMP)
        self.allocate(buffer)
        return buffer

    def depth(self, shape: Iterable[Expr]) -> int:
        """The outermost level at which a shape can be evaluated."""
        names = [name for dim in shape for name in dim.free]
        return max((self._level.get(name, 0) for name in names), default=0)

    def allocate(self, buffer: Buffer) -> None:
        least = self.depth(buffer.shape)
        level = self.level
        if buffer.kind == RESULT:
            level = least
        else:
            while level > least and self._lists[level][1] in ("for", "while"):
                level -= 1
        self._allocated[buffer] = level
        self._number[buffer] = len(self._number)
        self._lists[level][0].append(Alloc(buffer))

    def allocate_here(self, buffer: Buffer, sizes: Index | None = None) -> None:
        """Memory that belongs to the present list, of `sizes` if its shape isn't known yet."""
        self._allocated[buffer] = self.level
        self._number[buffer] = len(self._number)
        self.emit(Alloc(buffer, sizes))

    def borrow(self, buffer: Buffer) -> None:
        """The kernel has the memory of a parameter as if it had allocated it."""
        self._allocated[buffer] = 0
        self._number[buffer] = len(self._number)

    @property
    def buffer_count(self) -> int:
        return len(self._number)

    def is_newer(self, buffer: Buffer, count: int) -> bool:
        """Was `buffer` made when there were `count` already?"""
        return self._number.get(buffer, -1) >= count

    def is_allocated(self, buffer: Buffer) -> bool:
        return buffer in self._allocated or buffer.kind in (ARG, ARG_WRITTEN)

    def lives_outside(self, buffer: Buffer, level: int) -> bool:
        """Was `buffer` allocated outside the list at `level`?"""
        return self._allocated.get(buffer, 0) < level
