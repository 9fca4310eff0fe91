"""Nests of loops that sum, in the order in which they run best: what sums goes inside.

    for i in 0..n:                              for j in 0..l:
      for k in 0..m:                              for i in 0..n:
        for j in 0..l:                    ->        for k in 0..m:
          c[i, j] += a[i, k] * b[k, j]                c[i, j] += a[i, k] * b[k, j]

Then `loops.promote` keeps each sum in a register. Two iterations depend on each other only if they
touch one element of an array that is stored to, so only if the variables that are its indices are
equal; the other loops keep their order among themselves, and with it every element the order of its
sum. The loop whose elements are contiguous becomes lanes: it stays next to the sums, or goes
outside if an operand is reused by the loops between, which then lies in the cache.

A matrix that each iteration reads another element of is read faster in the order it lies in, and
nothing is gained; but one of which the lanes would read columns is worth it, for blocks of it are
transposed in registers (`loops.tile`). For their sake maps are reordered too:

    for i in 0..n:                              for j in 0..m:
      for j in 0..m:                    ->        for i in 0..n:
        c[i, j] = a[j, i] + b[i, j]                 c[i, j] = a[j, i] + b[i, j]
"""

from __future__ import annotations

from hotloop import config
from hotloop.loops import cost
from hotloop.loops.core import Buffer, For, If, Kernel, Let, Statement, Store, parts, walk
from hotloop.loops.expr import Expr, affine
from hotloop.loops.rewrite import bound, expressions

Index = tuple[Expr, ...]
Accesses = set[tuple[Buffer, Index]]


def interchange(kernel: Kernel) -> Kernel:
    if config.opt and not config.check_prange:     # that is of the loops as they are written
        _statements(kernel.body, kernel.sizes)
    return kernel


def _statements(body: list[Statement], sizes: dict[str, int]) -> None:
    for statement in body:
        if isinstance(statement, For):
            nest = _nest(statement)
            if len(nest) > 1:
                _reorder(nest, sizes)
            _statements(nest[-1].body, sizes)
        else:
            for inner in parts(statement):
                _statements(inner, sizes)


def _nest(loop: For) -> list[For]:
    """The loop and those each of which is all that the one around it does."""
    nest = [loop]
    while len(nest[-1].body) == 1 and isinstance(inner := nest[-1].body[0], For):
        nest.append(inner)
    return nest


def _plain(loop: For) -> bool:
    return (not loop.carries and loop.until is None and not loop.swaps and not loop.once
            and loop.step.op == "lit")


def _reorder(nest: list[For], sizes: dict[str, int]) -> None:
    body = nest[-1].body
    if not all(map(_plain, nest)) or not all(
            isinstance(s, Let | Store | If) or isinstance(s, For) and _inner(s)
            for s in walk(body)):
        return
    stored = {s.buffer for s in walk(body) if isinstance(s, Store)}
    roots = [x for s in walk(body) for x in expressions(s)]
    if any(x.loads for loop in nest for x in (loop.lo, loop.hi)):
        return
    reads = {(node.args[0], node.args[1:]) for x in roots for node in x.loads}
    writes = {(s.buffer, s.index) for s in walk(body) if isinstance(s, Store)}
    variables = {loop.var for loop in nest}
    own = _owned(reads | writes, stored, variables, bound(body))
    if len(own) == len(nest):
        long = [loop for loop in nest
                if cost.trips(loop.lo, loop.hi, loop.step, sizes) >= cost.BLOCK]
        order = _map_order(nest, long, reads, writes)
    else:
        order = _sum_order(nest, own, reads, writes)
    if order is not None and order != nest and _bounds_known(order):
        _put(nest, order)


def _inner(loop: For) -> bool:
    return loop.until is None and not loop.swaps


def _owned(accesses: Accesses, stored: set[Buffer], variables: set[str],
           inside: set[str]) -> set[str]:
    """Variables that are equal in all iterations that touch one element that is stored to."""
    owned = set(variables)
    for buffer in stored:
        indices = [index for b, index in accesses if b is buffer]
        first, equal = indices[0], set()
        if any(len(index) != len(first) for index in indices):
            return set()
        for axis, x in enumerate(first):
            moving = [t for t in affine(x)[1] if not variables.isdisjoint(t.free)]
            if len(moving) == 1 and moving[0].op == "var" and not x.loads and (
                    inside.isdisjoint(x.free)) and all(index[axis] is x for index in indices):
                equal.add(moving[0].args[0])
        owned &= equal
    return owned


def _map_order(nest: list[For], long: list[For], reads: Accesses, writes: Accesses
               ) -> list[For] | None:
    """Where nothing is summed: what is stored side by side becomes lanes, and the columns of what
    is not are inside, to be transposed."""
    if len(long) < 2:
        return None
    best = max(long, key=lambda loop: (_contiguous(reads | writes, loop.var),
                                       _contiguous(writes, loop.var)))
    for _, index in sorted(reads | writes, key=lambda access: access[0].name):
        for inner in long:
            if inner is not best and _last(index, inner.var) and _mentions(index, best.var):
                return [*(loop for loop in nest if loop not in (best, inner)), best, inner]
    return None


def _sum_order(nest: list[For], own: set[str], reads: Accesses, writes: Accesses
               ) -> list[For] | None:
    sums = [loop for loop in nest if loop.var not in own]
    free = [loop for loop in nest if loop.var in own]
    if not free:
        return None
    best = max(free, key=lambda loop: _contiguous(reads | writes, loop.var))
    if not any(_last(index, best.var) for _, index in writes):
        return None
    for _, index in reads - writes:
        used = {loop.var for loop in nest if _mentions(index, loop.var)}
        if len(used) == len(nest) <= len(index) and not _last(index, sums[-1].var):
            return None
    between = [loop for loop in free if loop is not best]
    reused = any(_mentions(index, best.var) and any(
        not _mentions(index, loop.var) for loop in between) for _, index in reads)
    wanted = [best, *between] if reused else [*between, best]
    return next((order for order in ([*wanted, *sums], [*free, *sums]) if _bounds_known(order)),
                None)


def _bounds_known(order: list[For]) -> bool:
    """Do the bounds of each loop depend on loops around it only?"""
    return all(loop.var not in x.free for k, loop in enumerate(order)
               for outer in order[:k + 1] for x in (outer.lo, outer.hi))


def _mentions(index: Index, name: str) -> bool:
    return any(name in x.free for x in index)


def _last(index: Index, name: str) -> bool:
    """Are the elements of the iterations of a loop consecutive?"""
    return bool(index) and not _mentions(index[:-1], name) and any(
        t.op == "var" and t.args[0] == name and k == 1
        for t, k in affine(index[-1])[1].items())


def _contiguous(accesses: Accesses, name: str) -> int:
    return sum(1 if _last(index, name) else -2
               for _, index in accesses if _mentions(index, name))


def _put(nest: list[For], order: list[For]) -> None:
    """Let the loops, whose objects stay where they are, be those of `order`."""
    fields = [(loop.var, loop.lo, loop.hi, loop.step, loop.regular, loop.loose, loop.location,
               loop.independent) for loop in order]
    for loop, values in zip(nest, fields, strict=True):
        (loop.var, loop.lo, loop.hi, loop.step, loop.regular, loop.loose, loop.location,
         loop.independent) = values
