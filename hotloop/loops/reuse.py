"""Memory of temporaries: each has some only while it is needed, and several have it in turn.

    alloc b1[n]; alloc b2[n]; alloc b3[n]         alloc b1[n]
    call gemv (a0, a1) -> (b1)                    call gemv (a0, a1) -> (b1)
    for i: b2[i] <- tanh(b1[i])                   alloc b2[n] over b1
    call gemv (a0, b2) -> (b3)              ->    for i: b2[i] <- tanh(b1[i])
    ...                                           alloc b3[n]
                                                  call gemv (a0, b2) -> (b3)
                                                  free b1
                                                  ...

A temporary lives from the first to the last statement that mentions it, in the innermost list that
has them all. In the body of a user's loop that is the same in each iteration, wherever it was
allocated: what is carried from one iteration to the next is mentioned outside or exchanged. So all
lives are intervals of one numbering of the statements, and one scan in their order gives each the
memory of a buffer of the same size that is dead by then (linear scan, Poletto and Sarkar 1999):
a temporary's, or a result's that is not computed yet. A statement may read the old and write the
new value in one memory if each element is read only where, and before, it is overwritten.

Who has memory of its own gets it right before its first use and gives it back after the last one.
Runs last: the passes before take different buffers for different memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    For,
    Free,
    If,
    Kernel,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.expr import Expr, var
from hotloop.loops.rewrite import at_entry, binds, expressions, loaded, written
from hotloop.record import field, record

STACK_BYTES = 1024
"""Temporaries of a constant size up to this lie on the stack."""
REACH = 32
"""How many memories of one size are looked at for a temporary, so that time stays linear."""

Size = tuple[int, tuple[int, ...]]


def reuse(kernel: Kernel) -> Kernel:
    if any(isinstance(s, Alloc) and s.buffer.kind == TEMP for s in walk(kernel.body)):
        lives = _Lives(kernel)
        _place(_share(lives))
    return kernel


def size_of(alloc: Alloc) -> Size:
    """A number, and extents by which it is multiplied: equal for equally many bytes."""
    number, extents = alloc.buffer.dtype.itemsize, []
    for d in alloc.sizes:
        if d.op == "lit":
            number *= max(0, int(d.args[0]))
        else:
            extents.append(d.serial)
    return number, tuple(sorted(extents))


def small(alloc: Alloc) -> bool:
    """Is the size known, and no more than STACK_BYTES?"""
    number, extents = size_of(alloc)
    return not extents and number <= STACK_BYTES


# ---- when memory is needed

@record(eq=False, frozen=False)
class _List:
    """A statement list, the one around it, and the numbers of its statements; `begin` to `end` are
    those of all statements inside. `threads`: the parallel loop around it, of which several
    iterations may run at the same time."""
    statements: list[Statement]
    outer: _List | None
    depth: int
    begin: int
    threads: For | None = None
    numbers: list[int] = field(default_factory=list)
    end: int = 0

    def child(self, number: int) -> int:
        """The position in the list of the statement that is, or has inside, this number."""
        return bisect_right(self.numbers, number) - 1


@record(eq=False, frozen=False)
class _Life:
    """`home`: the innermost list with all mentions of a buffer, which are from number `begin` to
    `end`. `place`: the list with its Alloc, `home` or one around it. `fixed`: the memory moves."""
    alloc: Alloc
    place: _List
    fixed: bool
    home: _List | None = None
    begin: int = -1
    end: int = -1


class _Lives:
    """Of all allocated buffers, by one walk over the kernel."""

    def __init__(self, kernel: Kernel):
        self.count = 0
        self.lives: dict[Buffer, _Life] = {}
        self.bound: dict[str, int] = {}             # number of the statement that binds a name
        self.root = _List(kernel.body, None, 0, 0)
        self.run(self.root, self.root)
        for result in kernel.results:
            if isinstance(result, Expr):
                self.reads([result], self.root)
            else:
                self.mention(result, self.root)
        self.root.end = self.count + 1

    def run(self, inner: _List, seen: _List) -> None:
        """Number the statements of a list; what they mention counts as mentioned in `seen`."""
        for s in inner.statements:
            self.count += 1
            inner.numbers.append(self.count)
            self.bound.update(dict.fromkeys(binds(s), self.count))
            if isinstance(s, Alloc):
                fixed = s.shape is not None or seen is not inner or s.buffer in self.lives
                self.lives.setdefault(s.buffer, _Life(s, inner, fixed)).fixed |= fixed
                self.reads(s.sizes, seen)
            elif isinstance(s, For | While | If):
                self.reads([s.cond] if isinstance(s, If) else at_entry(s), seen)
                self.inside(s, inner, seen)
            else:
                for buffer in (*written(s), *loaded(s)):
                    self.mention(buffer, seen)
                if isinstance(s, Call):
                    self.fix(s.moved)

    def inside(self, s: For | While | If, inner: _List, seen: _List) -> None:
        # lanes, and iterations of loops made by the compiler, may run at the same time
        one_by_one = seen is inner and not (isinstance(s, For) and (s.regular or s.lanes))
        for statements in parts(s):
            body = _List(statements, inner, inner.depth + 1, self.count + 1, inner.threads)
            if isinstance(s, For) and s.parallel is not None:
                body.threads = s
            where = body if one_by_one else seen
            self.run(body, where)
            self.count += 1                         # number of what is evaluated at its end
            body.end = self.count
            if isinstance(s, If):
                k = 2 if statements is s.then else 3
                self.reads([out[k] for out in s.outs], where)  # type: ignore[misc]
            elif isinstance(s, While) and statements is s.test:
                self.reads([s.cond], where)
            else:
                self.reads([c.next for c in s.carries], where)
        if isinstance(s, For | While):
            for pair in s.swaps:
                self.fix(pair)

    def fix(self, buffers: Iterable[Buffer]) -> None:
        for buffer in buffers:
            if buffer in self.lives:
                self.lives[buffer].fixed = True

    def reads(self, roots: Iterable[Expr], where: _List) -> None:
        for x in roots:
            for node in x.loads:
                self.mention(node.args[0], where)

    def mention(self, buffer: Buffer, where: _List) -> None:
        life = self.lives.get(buffer)
        if life is None:
            return
        if life.home is None:
            life.home, life.begin = where, self.count
        life.end = self.count
        while life.home is not where:
            if life.home.depth > where.depth:
                assert life.home.outer is not None
                life.home = life.home.outer
            else:
                assert where.outer is not None
                where = where.outer

    def planned(self) -> list[_Life]:
        """The buffers of which memory is planned, in the order of their first use; from now on they
        live for whole statements of `home`."""
        found = []
        for life in self.lives.values():
            home, buffer = life.home, life.alloc.buffer
            if home is None or life.fixed or any(d.loads for d in life.alloc.sizes) or (
                    buffer.kind == TEMP and small(life.alloc)):
                continue
            life.begin = home.numbers[home.child(life.begin)]
            last = home.child(life.end)
            ends = home.numbers[last + 1] - 1 if last + 1 < len(home.numbers) else home.end
            life.end = max(life.end, ends)
            if buffer.kind == TEMP or life.place is self.root:
                found.append(life)
        return sorted(found, key=lambda life: life.begin)


# ---- who shares

@record(eq=False, frozen=False)
class _Memory:
    """The memory of `owner`: temporaries have it in turn before a result is computed there."""
    owner: _Life
    users: list[_Life]


def _share(lives: _Lives) -> list[_Memory]:
    memories: dict[Size, list[_Memory]] = {}
    planned = lives.planned()
    for life in planned:
        if life.alloc.buffer.kind == RESULT:
            memories.setdefault(size_of(life.alloc), []).append(_Memory(life, []))
    for life in planned:
        if life.alloc.buffer.kind == RESULT:
            continue
        several = memories.setdefault(size_of(life.alloc), [])
        fitting = [memory for memory in several[-REACH:] if _fits(life, memory, lives)]
        if fitting:
            # results' first, then what is most likely in a cache
            chosen = max(fitting, key=lambda memory: (
                memory.owner.alloc.buffer.kind == RESULT,
                memory.users[-1].end if memory.users else 0))
        else:
            chosen = _Memory(life, [])
            several.append(chosen)
        chosen.users.append(life)
    return [memory for several in memories.values() for memory in several if memory.users]


def _fits(life: _Life, memory: _Memory, lives: _Lives) -> bool:
    """May the temporary have this memory?"""
    owner, place = memory.owner, memory.owner.place
    if not place.begin <= life.begin <= place.end:
        return False
    if life.home is None or life.home.threads is not place.threads:
        return False
    if owner.alloc.buffer.kind == RESULT:
        if not memory.users:        # it will be allocated where the temporary is used first
            at = place.numbers[place.child(life.begin)]
            if any(lives.bound.get(name, 0) >= at for d in owner.alloc.sizes for name in d.free):
                return False
        if owner.begin <= life.end and not _in_place(life, owner):
            return False
    return not memory.users or memory.users[-1].end < life.begin or (
        _in_place(memory.users[-1], life))


def _in_place(old: _Life, new: _Life) -> bool:
    """Is the last statement that reads `old` the first that writes `new`, and may it do so in one
    memory?"""
    home = old.home
    before, after = old.alloc.buffer, new.alloc.buffer
    if home is None or home is not new.home or before.shape != after.shape or (
            before.dtype.itemsize != after.dtype.itemsize):
        return False
    at = home.child(new.begin)
    return home.child(old.end) == at and pointwise(home.statements[at], before, after)


def pointwise(statement: Statement, old: Buffer, new: Buffer) -> bool:
    """Does the statement read elements of `old` only where, and before, it writes those of `new`?

    So it is for `for i in 0..n: for j in 0..m: new[i, j] <- exp(old[i, j])`.
    """
    if any(old in written(s) for s in walk([statement])):
        return False
    body, loops = [statement], []
    while True:
        writing = [k for k, s in enumerate(body) if any(new in written(x) for x in walk([s]))]
        if len(writing) != 1:
            return False
        at, = writing
        store = body[at]
        if isinstance(store, Store):
            break
        if not isinstance(store, For) or store.stop is not None or store.first or any(
                node.args[0] is old for c in store.carries for node in c.next.loads) or (
                _reads([s for s in body if s is not store], old)):
            return False
        loops.append(var(store.var))
        body = store.body
    index = store.index
    if store.combine is not None or any(index.count(name) != 1 for name in loops):
        return False
    places = _reads(body[:at + 1], old)
    return places <= {index} and not _reads(body[:at + 1], new) and not _reads(body[at + 1:], old)


def _reads(statements: list[Statement], buffer: Buffer) -> set[tuple[Expr, ...]]:
    """The indices at which the statements read a buffer; () if a routine gets it."""
    found: set[tuple[Expr, ...]] = set()
    for s in walk(statements):
        if isinstance(s, Call) and buffer in s.ins:
            found.add(())
        for x in expressions(s):
            found |= {node.args[1:] for node in x.loads if node.args[0] is buffer}
    return found


def _mark(memory: _Memory) -> None:
    """The loops that read and write the memory under two names."""
    lives = memory.users
    if memory.owner is not lives[0]:
        lives = [*lives, memory.owner]
    for old, new in pairwise(lives):
        if new.begin <= old.end:
            assert new.home is not None
            for s in walk([new.home.statements[new.home.child(new.begin)]]):
                if isinstance(s, For):
                    s.once = True


# ---- allocations, where memory is needed first

def _place(memories: list[_Memory]) -> None:
    lists: dict[int, _List] = {}
    before: dict[tuple[int, int], list[Statement]] = {}
    after: dict[tuple[int, int], list[Statement]] = {}
    moved: set[Statement] = set()

    def move(life: _Life, to: _List, index: int) -> None:
        moved.add(life.alloc)
        for changed in (life.place, to):
            lists[id(changed)] = changed
        before.setdefault((id(to), index), []).append(life.alloc)

    for memory in memories:
        _mark(memory)
        owner, place = memory.owner, memory.owner.place
        first = place.child(memory.users[0].begin)
        if owner.alloc.buffer.kind == TEMP:
            move(owner, place, first)
            last = place.child(max(life.end for life in memory.users))
            if last + 1 < len(place.statements):
                after.setdefault((id(place), last), []).append(Free(owner.alloc.buffer))
        elif first < place.statements.index(owner.alloc):
            move(owner, place, first)
        for life in memory.users:
            if life is not owner:
                assert life.home is not None
                life.alloc.over = owner.alloc.buffer
                move(life, life.home, life.home.child(life.begin))
    for key, changed in lists.items():
        out: list[Statement] = []
        for index, statement in enumerate(changed.statements):
            out += before.get((key, index), ())
            if statement not in moved:
                out.append(statement)
            out += after.get((key, index), ())
        changed.statements[:] = out
