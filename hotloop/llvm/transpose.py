"""Blocks of a matrix whose rows are lanes: loaded row by row, transposed in registers.

    for i in 0..n lanes 2:                  rows i + k of a, 8 elements each, in vectors;
      for j in 0..m step 8:           ->    24 shuffles make of them columns j ... j + 7
        c[j, i] <- a[i, j]
        ...
        c[j + 7, i] <- a[i, j + 7]

`loops.tile` makes such loops. A gather takes four times as long (transpose of 1000 x 1000). What is
loaded early is loaded again after a store to its array.
"""

from __future__ import annotations

from collections.abc import Iterator

from hotloop.llvm.builder import Builder, Type
from hotloop.llvm.values import STRIDED, Access, Values
from hotloop.loops.core import Buffer, For, Let, Statement, Store
from hotloop.loops.cost import BLOCK
from hotloop.loops.expr import Expr, lit, operands
from hotloop.record import replace

Key = tuple[Buffer, Expr, int]


def is_block(loop: For) -> bool:
    """May the loop's body load or store blocks?"""
    return loop.step is lit(BLOCK) and all(isinstance(s, Let | Store) for s in loop.body)


def columns(values: Values, loop: For) -> dict[Key, int]:
    """The loads in a loop's body that are of all columns of a block; where each block begins."""
    assert values.lanes is not None
    if values.lanes.width % BLOCK:
        return {}
    found: dict[tuple[Buffer, Expr], set[int]] = {}
    for node in _loads(loop):
        buffer = node.args[0]
        access = values.access(buffer, node.args[1:])
        if fits(buffer, access):
            found.setdefault((buffer, access.base), set()).add(access.constant)
    blocks: dict[Key, int] = {}
    for (buffer, base), constants in found.items():
        for first in sorted(constants):
            part = range(first, first + BLOCK)
            if (buffer, base, first) not in blocks and constants.issuperset(part):
                blocks.update(((buffer, base, k), first) for k in part)
    return blocks


def fits(buffer: Buffer, access: Access) -> bool:
    """Do the lanes reach elements that lie apart?"""
    return access.kind == STRIDED and buffer.strides is None


def _loads(loop: For) -> Iterator[Expr]:
    seen: set[Expr] = set()
    stack = [c.next for c in loop.carries]
    for s in loop.body:
        assert isinstance(s, Let | Store)
        stack.append(s.value)
    while stack:
        node = stack.pop()
        if node not in seen and node.loads:
            seen.add(node)
            if node.op == "load":
                yield node
            stack += operands(node)


def addresses(values: Values, buffer: Buffer, access: Access, first: int, count: int
              ) -> list[str]:
    """Where the first column of a block is in each lane's row."""
    assert access.stride is not None
    at = values.address(buffer, replace(access, constant=first))
    stride, unit = values.value(access.stride), values.element(buffer)
    found = [at]
    for _ in range(count - 1):
        found.append(values.op(f"getelementptr {unit}, ptr {found[-1]}, i64 {stride}"))
    return found


def transposed(builder: Builder, rows: list[str], t: Type) -> list[str]:
    """BLOCK vectors of BLOCK elements, of which the k-th has the k-th of each one's: in three
    steps halves of ever larger groups change places."""
    step = 1
    while step < BLOCK:
        low = ", ".join(f"i32 {BLOCK + k - step if k & step else k}" for k in range(BLOCK))
        high = ", ".join(f"i32 {BLOCK + k if k & step else k + step}" for k in range(BLOCK))
        new = list(rows)
        for k in range(BLOCK):
            if not k & step:
                pair = f"{t} {rows[k]}, {t} {rows[k + step]}, <{BLOCK} x i32>"
                new[k] = builder.op(f"shufflevector {pair} <{low}>")
                new[k + step] = builder.op(f"shufflevector {pair} <{high}>")
        rows, step = new, 2 * step
    return rows


def stored_columns(values: Values, statements: list[Statement]) -> bool:
    """Do these statements, BLOCK of them, store all columns of a block, one after the other?"""
    assert values.lanes is not None
    first = statements[0]
    if len(statements) < BLOCK or values.lanes.width % BLOCK or not isinstance(first, Store):
        return False
    at = values.access(first.buffer, first.index)
    if not fits(first.buffer, at):
        return False
    for k, s in enumerate(statements):
        if not isinstance(s, Store) or s.buffer is not first.buffer or s.combine is not None:
            return False
        access = values.access(s.buffer, s.index)
        if access.base is not at.base or access.constant != at.constant + k or any(
                x.args[0] is s.buffer for x in s.value.loads):
            return False
    return True
