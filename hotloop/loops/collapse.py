"""Loops over contiguous axes become one loop.

    for i in 0..n:                              for k in 0..n*3:
      for j in 0..3:                    ->        r0[k] <- a[k] * 2.0 + 1.0
        r0[i, j] <- a[i, j] * 2.0 + 1.0

Short rows waste vectors (x*2+1 on 10000 x 3: 15-18 us, collapsed 5.9). Directly nested loops
collapse when every use of their variables is as adjacent indices, in order, of arrays in C order
whose extents there are the loops'. The order of the iterations stays. A single index into an array
of several axes counts its elements in C order.

A reduction over all of them, with an accumulator for each loop, keeps the outermost.
"""

from __future__ import annotations

from hotloop.loops.core import Buffer, Carry, For, Kernel, Statement, Store, parts, walk
from hotloop.loops.expr import Expr, e, lit, load, operands, transform, var
from hotloop.loops.rewrite import Names, change, expressions
from hotloop.loops.scalar import identity

Index = tuple[Expr, ...]


def collapse(kernel: Kernel) -> Kernel:
    _statements(kernel.body, Names(kernel))
    return kernel


def _statements(body: list[Statement], names: Names) -> None:
    for statement in body:
        if isinstance(statement, For):
            chain = _chain(statement)
            if len(chain) > 1:
                _collapse(chain, names)
            _statements(chain[-1].body if len(chain) > 1 else statement.body, names)
        else:
            for inner in parts(statement):
                _statements(inner, names)


def _chain(loop: For) -> list[For]:
    """Loops each of which is all that the one around it does, over 0..n."""
    chain: list[For] = []
    while _counts(loop) and (not chain or _accumulates(chain[-1], loop)):
        chain.append(loop)
        if len(loop.body) != 1 or not isinstance(loop.body[0], For):
            break
        loop = loop.body[0]
    return chain


def _counts(loop: For) -> bool:
    return (loop.lo is lit(0) and loop.step is lit(1) and loop.until is None and not loop.swaps)


def _accumulates(outer: For, inner: For) -> bool:
    """Are the carries of two nested loops accumulators of one reduction each?"""
    if len(outer.carries) != len(inner.carries):
        return False
    return all(_inner_of(carry, inner) is not None for carry in outer.carries)


def _inner_of(carry: Carry, inner: For) -> Carry | None:
    """The inner loop's accumulator that is combined into `carry`."""
    if carry.reduce is None:
        return None
    start = lit(identity(carry.reduce, carry.dtype), carry.dtype)
    for part in inner.carries:
        if part.dtype != carry.dtype:
            continue
        total = e.op(carry.reduce, var(carry.name, carry.dtype), var(part.name, part.dtype))
        if carry.next is total and part.init is start and part.reduce == carry.reduce:
            return part
    return None


def _collapse(chain: list[For], names: Names) -> None:
    """Collapse the longest run of loops that can be."""
    uses = _Uses(chain)
    for length in range(len(chain), 1, -1):
        for first in range(len(chain) - length + 1):
            run = chain[first:first + length]
            if uses.contiguous(run):
                _merge(run, uses, names)
                del chain[first + 1:first + length]
                return


class _Uses:
    """How the body of a chain of loops uses their variables: `accesses` are all outermost loads and
    stores, `plain` the names used outside of them."""

    def __init__(self, chain: list[For]):
        inner = chain[-1]
        self.accesses: set[tuple[Buffer, Index]] = set()
        self.plain: set[str] = set()
        stack = [c.next for c in inner.carries]
        for s in walk(inner.body):
            if isinstance(s, Store):
                self.accesses.add((s.buffer, s.index))
                stack.append(s.value)
            else:
                stack += expressions(s)
        seen: set[Expr] = set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node.op == "load":
                self.accesses.add((node.args[0], node.args[1:]))
            elif node.op == "var":
                self.plain.add(node.args[0])
            else:
                stack += operands(node)

    def contiguous(self, run: list[For]) -> bool:
        """May these loops, each directly inside the one before, be one?"""
        variables = [var(loop.var) for loop in run]
        names = {loop.var for loop in run}
        if not self.plain.isdisjoint(names):
            return False
        counted = all(loop.regular for loop in run)       # extents of loops of the user can be < 0
        for buffer, index in self.accesses:
            if all(names.isdisjoint(x.free) for x in index):
                continue
            axis = _axis(buffer, index, variables, run)
            if axis is None:
                return False
            counted = counted or buffer.shape[axis] is run[0].hi
        return counted


def _axis(buffer: Buffer, index: Index, variables: list[Expr], run: list[For]) -> int | None:
    """The axis from which on `index` is the variables, in an array with the loops' extents."""
    if buffer.strides is not None or len(index) != len(buffer.shape):
        return None
    names = {v.args[0] for v in variables}
    for axis in range(len(index) - len(run) + 1):
        end = axis + len(run)
        if index[axis] is variables[0]:
            same = all(x is v for x, v in zip(index[axis:end], variables, strict=True)) and all(
                extent is loop.hi
                for extent, loop in zip(buffer.shape[axis + 1:end], run[1:], strict=True))
            rest = all(names.isdisjoint(x.free) for x in (*index[:axis], *index[end:]))
            return axis if same and rest else None
    return None


def _merge(run: list[For], uses: _Uses, names: Names) -> None:
    """Make the first loop of the run do all of it."""
    outer, last = run[0], run[-1]
    variables = [var(loop.var) for loop in run]
    counter = var(names("k"))
    flat: dict[tuple[Buffer, Index], Index] = {}
    for buffer, index in uses.accesses:
        axis = _axis(buffer, index, variables, run)
        if axis is not None:
            flat[buffer, index] = (_element(buffer, index, axis, len(run), counter),)
    values = {load(*access): load(access[0], new) for access, new in flat.items()}
    for carry in outer.carries:
        part = carry
        for loop in run[1:]:
            inner = _inner_of(part, loop)
            assert inner is not None
            part = inner
        if part is not carry:
            values[var(part.name, part.dtype)] = var(carry.name, carry.dtype)
            carry.next = part.next
    memo: dict[Expr, Expr] = {}
    for statement in walk(last.body):
        if isinstance(statement, Store):
            statement.index = flat.get((statement.buffer, statement.index), statement.index)
        change(statement, lambda x: transform(x, values.get, memo))
    for carry in outer.carries:
        carry.next = transform(carry.next, values.get, memo)
    outer.var, outer.body = counter.args[0], last.body
    outer.regular = all(loop.regular for loop in run)
    for loop in run[1:]:
        outer.hi = e.mul(outer.hi, loop.hi)


def _element(buffer: Buffer, index: Index, axis: int, length: int, counter: Expr) -> Expr:
    """Number of the element, in C order, with `counter` for `length` indices from `axis` on."""
    number = lit(0)
    for k, x in enumerate(index):
        if axis < k < axis + length:
            continue
        if k == axis:
            number = e.mul(number, _product(buffer.shape[axis:axis + length]))
            number = e.add(number, counter)
        else:
            number = e.add(e.mul(number, buffer.shape[k]), x)
    return number


def _product(extents: Index) -> Expr:
    total = lit(1)
    for extent in extents:
        total = e.mul(total, extent)
    return total
