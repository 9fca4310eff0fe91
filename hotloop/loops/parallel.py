"""Which loops may run in parts, by several threads (`For.parallel`: the time they are worth).

    for i in 0..n:                          for i in 0..n parallel 30.0 * n:
      for j in 0..m lanes 4:        ->        for j in 0..m lanes 4:
        c[i, j] <- exp(a[i, j])                 c[i, j] <- exp(a[i, j])

The outermost loops whose iterations are independent: what one stores no other reads or stores, but
for accumulators that may be reordered; or the user says so (`For.independent`). Unlike lanes,
iterations of a parallel loop run in no order at all; in return there may be anything inside one:
loops, branches, checks, memory of its own. A temporary from outside that each iteration fills
before it reads it is made private to each part.

Whether a marked loop is worth threads is decided each time it is reached, by `loops.work`; loops of
which it is known now that they are not are left alone. A call into Python keeps a loop serial.
"""

from __future__ import annotations

from hotloop import config, lazy
from hotloop.loops import cost
from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    For,
    Kernel,
    Let,
    Nest,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.dependence import Iterations
from hotloop.loops.expr import BOOL, F64, I64, Expr, e, lit, substitute, var
from hotloop.loops.independence import varying_names
from hotloop.loops.rewrite import expressions, loaded, written
from hotloop.loops.work import work
from hotloop.record import replace

foreign = lazy.module("hotloop.loops.foreign")
library = lazy.module("hotloop.loops.library")

Index = tuple[Expr, ...]

FEW = 4
"""Loops of fewer iterations, if that is known, give threads too little to share: their inner loops
are looked at instead."""


def parallel(kernel: Kernel) -> Kernel:
    if config.opt and config.parallel >= 0:
        _Marking(kernel).statements(kernel.body, ())
    return kernel


class _Marking:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel

    def statements(self, body: list[Statement], around: tuple[For, ...]) -> None:
        before: Statement | None = None
        for statement in list(body):           # allocations may move out of it
            fast, before = before, statement
            if isinstance(statement, For):
                if isinstance(fast, For) and _first_of(fast, statement) and self.mark_both(
                        fast, statement, around):
                    body.remove(fast)
                elif not self.mark(statement, around):
                    self.statements(statement.body, (*around, statement))
            else:
                for inner in parts(statement):
                    self.statements(inner, around)

    def mark(self, loop: For, around: tuple[For, ...]) -> bool:
        """Mark a loop. Is there nothing to look for inside then?"""
        if loop.stop is not None or (loop.lanes and _short(loop)) or (
                cost.left_over(loop.lo, loop.hi) is not None):
            return True
        private: list[Buffer] = []
        where = f"line {loop.location.line}: " if loop.location else ""
        reason = "" if _short(loop) else serial(loop, around, self.kernel, private)
        if reason is not None:
            if reason and not loop.regular and not around:
                self.kernel.notes.append(f"{where}not parallel: {reason}")
            return bool(loop.lanes)            # all inside is done for all lanes together
        return self.worth(loop, work(loop), private)

    def mark_both(self, fast: For, rest: For, around: tuple[For, ...]) -> bool:
        """Mark a loop whose first iterations are those of `fast`. Did they become one?"""
        private: list[Buffer] = []
        for loop in (replace(fast, stop=None), replace(rest, lo=fast.lo)):
            own: list[Buffer] = []
            if _short(loop) or serial(loop, around, self.kernel, own, (fast, rest)) is not None:
                return False
            private += [b for b in own if b not in private]
        marked = self.worth(rest, work(fast), private) and rest.parallel is not None
        if marked:
            rest.first = [fast]
        return marked

    def worth(self, loop: For, time: Expr, private: list[Buffer]) -> bool:
        """Mark a loop that may be, unless it is known to be short."""
        typical = substitute(time, {var(name): lit(size)
                                    for name, size in self.kernel.sizes.items()})
        if typical.op == "lit" and float(typical.args[0]) < config.parallel:
            return True
        stored = {s.buffer for s in walk(loop.body) if isinstance(s, Store)}
        for buffer in sorted(stored, key=lambda b: b.name):
            if buffer.strides is not None:     # its elements may lie upon one another
                time = e.select(_spread(buffer, buffer.strides), time, lit(0.0, F64))
        loop.parallel, loop.private = time, private
        if private:
            _take(self.kernel.body, set(private))
        where = f"line {loop.location.line}: " if loop.location else ""
        self.kernel.notes.append(f"{where}parallel where it takes longer than "
                                 f"{config.parallel / 1000:g} us")
        return True


def _spread(buffer: Buffer, strides: Index) -> Expr:
    """Has each element memory of its own, the axes being nested as in C order or in the other?"""
    found = lit(False, BOOL)
    for order in (range(len(strides)), range(len(strides) - 1, -1, -1)):
        inner, nested = lit(buffer.dtype.itemsize), lit(True, BOOL)
        for k in reversed(order):
            nested = e.and_(nested, e.ge(e.abs(strides[k]), inner))
            inner = e.mul(e.abs(strides[k]), buffer.shape[k])
        found = e.or_(found, nested)
    return found


def _short(loop: For) -> bool:
    known = all(x.op == "lit" for x in (loop.lo, loop.hi, loop.step))
    return known and len(range(*(int(x.args[0]) for x in (loop.lo, loop.hi, loop.step)))) < FEW


def _first_of(fast: For, loop: For) -> bool:
    """Does a loop go on where the one before it has stopped (loops.speculate)?"""
    return fast.stop is not None and loop.lo is var(fast.stop) and (
        loop.hi is fast.hi and loop.step is fast.step and len(loop.carries) == len(fast.carries)
        and all(c.init is var(own.name, own.dtype) and c.reduce == own.reduce
                for c, own in zip(loop.carries, fast.carries, strict=True)))


def serial(loop: For, around: tuple[For, ...], kernel: Kernel, private: list[Buffer],
           both: tuple[For, ...] = ()) -> str | None:
    """Why the iterations of a loop can't run in any order, or None if they can; `private` gets the
    temporaries of which each part needs its own then. `both`: the loops that have its iterations,
    if there are two."""
    if loop.until is not None or loop.stop is not None:
        return "the loop may end early"
    if loop.swaps:
        return "arrays change places in each iteration"
    if any(c.reduce is None for c in loop.carries):
        return "each iteration needs a value that the one before computes"
    if loop.step.op != "lit":
        return "its step is not a constant"
    own = {s.buffer for s in walk(loop.body) if isinstance(s, Alloc)}
    accesses: dict[Buffer, dict[Index, bool]] = {}     # index: is it stored to
    values = [c.next for c in loop.carries]
    for s in walk(loop.body):
        match s:
            case Nest():
                return "it was not fused"
            case Alloc() if s.buffer.kind == RESULT:
                return "it allocates a result"
            case Call() if not (needs_nobody(s) and own.issuperset(s.outs)):
                return "it calls a library"
            case For() | While() if any(b not in own for pair in s.swaps for b in pair):
                return "a loop inside it exchanges arrays"
            case Store() if s.buffer not in own:
                accesses.setdefault(s.buffer, {})[s.index] = True
        values += expressions(s)
    for node in {node for x in values for node in x.loads}:
        if node.args[0] not in own:
            accesses.setdefault(node.args[0], {}).setdefault(node.args[1:], False)
    _spell_out(accesses, loop)
    iterations = Iterations(loop, around)
    varying = varying_names(loop)
    for buffer, indices in accesses.items():
        if not any(indices.values()) or _apart(indices, iterations, loop, varying):
            continue
        inside = buffer.kind == TEMP and only_in(both or (loop,), buffer, kernel)
        if inside and _filled(loop.body, buffer):
            private.append(buffer)
        elif inside or not loop.independent:
            return f"iterations may meet in {buffer}"
    return None


def _spell_out(accesses: dict[Buffer, dict[Index, bool]], loop: For) -> None:
    """Put for names in the indices what the loop says they are."""
    lets: dict[Expr, Expr] = {}
    memo: dict[Expr, Expr] = {}
    for s in walk(loop.body):
        if isinstance(s, Let) and s.value.dtype == I64 and not s.value.loads:
            lets[var(s.name)] = substitute(s.value, lets, memo)
    if lets:
        for buffer, indices in accesses.items():
            spelt: dict[Index, bool] = {}
            for index, stores in indices.items():
                place = tuple(substitute(x, lets, memo) for x in index)
                spelt[place] = stores or spelt.get(place, False)
            accesses[buffer] = spelt


def needs_nobody(call: Call) -> bool:
    """May the call be made without the interpreter's lock?"""
    routine = call.routine or ""
    return routine.startswith(library.KEYED) or routine == "grow" or routine in foreign.ROUTINES


def _apart(indices: dict[Index, bool], iterations: Iterations, loop: For,
           varying: frozenset[str]) -> bool:
    """Do different iterations never touch one element, of which one stores to it?"""
    stored = [index for index, stores in indices.items() if stores]
    if loop.regular and len(indices) == 1 and not any(x.loads for x in stored[0]) and any(
            not varying.isdisjoint(x.free) for x in stored[0]):
        return True                        # each element of an array once
    return all(iterations.apart(one, other) for one in stored for other in indices)


def only_in(loops: tuple[For, ...], buffer: Buffer, kernel: Kernel) -> bool:
    """Is the buffer, but for its allocation, used in these loops alone, and never exchanged?"""
    def uses(statements: list[Statement]) -> int:
        return sum(b is buffer for s in walk(statements) if not isinstance(s, Alloc)
                   for b in (*loaded(s), *written(s)))
    swapped = any(buffer in pair for s in walk(kernel.body) if isinstance(s, For | While)
                  for pair in s.swaps)
    ends = sum(node.args[0] is buffer for loop in loops for c in loop.carries
               for x in (c.init, c.next) for node in x.loads)
    return not swapped and not ends and uses(kernel.body) == sum(uses(loop.body) for loop in loops)


def _filled(body: list[Statement], buffer: Buffer) -> bool:
    """Does a list store to all elements of the buffer before it reads any?"""
    found: set[Index] = set()
    for s in body:
        if any(b is buffer for x in walk([s]) for b in (*loaded(x), *written(x))):
            before = set(found)
            if not _stores(s, buffer, (), found):
                return _all(before, buffer)
    return _all(found, buffer)


def _stores(s: Statement, buffer: Buffer, loops: tuple[For, ...], found: set[Index]) -> bool:
    """Collect the places that a statement is sure to store to, a whole axis as -1. False if it
    might read the buffer before."""
    if any(b is buffer for b in loaded(s)):
        return False
    if isinstance(s, For) and s.until is None:
        return all(_stores(x, buffer, (*loops, s), found) for x in s.body)
    if isinstance(s, Store) and s.buffer is buffer:
        place = _place(s.index, buffer, loops) if s.combine is None else None
        if place is not None:
            found.add(place)
        return True
    return not any(b is buffer for x in walk([s]) for b in (*loaded(x), *written(x)))


def _place(index: Index, buffer: Buffer, loops: tuple[For, ...]) -> Index | None:
    """What a store inside `loops` covers, if each of them runs over an axis of its own."""
    extents: Index = buffer.shape
    if len(index) != len(extents):         # counted in C order
        whole = lit(1)
        for extent in extents:
            whole = e.mul(whole, extent)
        extents = (whole,)
    left = {var(loop.var): loop for loop in loops}
    place = []
    for x, extent in zip(index, extents, strict=True):
        loop = left.pop(x, None)
        if loop is None and x.op != "lit":
            return None
        if loop is not None and not (
                loop.lo is lit(0) and loop.hi is extent and loop.step is lit(1)):
            return None
        place.append(x if loop is None else lit(-1))
    return None if left else tuple(place)


def _all(found: set[Index], buffer: Buffer) -> bool:
    """Are these places all there are: whole axes, or each index of an axis?"""
    one = next(iter(found), None)
    if one is None or any([x is lit(-1) for x in place] != [x is lit(-1) for x in one]
                          for place in found):
        return False
    wanted = 1
    for x, extent in zip(one, buffer.shape, strict=False):
        if x is not lit(-1):
            if extent.op != "lit":
                return False
            wanted *= int(extent.args[0])
    return len(found) == wanted


def _take(body: list[Statement], buffers: set[Buffer]) -> None:
    """Drop the allocations of the buffers."""
    body[:] = [s for s in body if not (isinstance(s, Alloc) and s.buffer in buffers)]
    for s in body:
        for inner in parts(s):
            _take(inner, buffers)
