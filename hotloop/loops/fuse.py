"""Nests to loops: consecutive nests share loops where dependences allow.

    nest i j in n, m: e[i, j] <- exp(a[i, j])         for i in 0..n:
    nest i j in n, m: add s[i] <- e[i, j]        ->     for j in 0..m carry r = 0.0:
    nest i j in n, m: a[i, j] <- e[i, j] / s[i]           e[i, j] <- exp(a[i, j])
                                                          next r = r + e[i, j]
                                                        s[i] <- r
                                                        for j in 0..m:
                                                          a[i, j] <- e[i, j] / s[i]

From outside in, loop d is shared by nests of which every dependence, in either direction, stays
inside one iteration of it, and of which none reads what another is still summing. They must play
one role there (kept or reduced) or have equally many loops, so that a map and a reduction over one
domain share all of theirs, and a deep nest does not spoil a flat one. Each reduced loop has an
accumulator of its own, a Carry with `reduce`.

A nest moves up to its partners over statements it commutes with; definitions, allocations and
checks between nests move up out of the way.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotloop.loops.core import (
    ARG_WRITTEN,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
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
from hotloop.loops.expr import Expr, affine, e, lit, substitute, transform, var
from hotloop.loops.rewrite import Names, binds, expressions, loaded, written
from hotloop.loops.scalar import accumulator, identity
from hotloop.record import field, record

MAX_BUFFERS = 32
"""Buffers the nests of one loop may touch: beyond, their addresses do not fit the registers."""
REACH = 64
"""How many statements up a nest looks for a partner, so that time stays linear."""

Index = tuple[Expr, ...]


def fuse(kernel: Kernel, share: bool = True) -> Kernel:
    """Replace all nests by loops; `share=False` gives each nest loops of its own."""
    _Fusion(kernel, share).statements(kernel.body)
    return kernel


@record(eq=False, frozen=False)
class _Member:
    """A nest on its way into loops. `rename` maps its variables to those of the loops it joined;
    `value` is what its reduction adds in the loop around (set from inside out)."""
    nest: Nest
    reads: dict[Buffer, set[Index]] = field(default_factory=dict)
    writes: dict[Buffer, set[Index]] = field(default_factory=dict)
    uses: set[str] = field(default_factory=set)
    rename: dict[Expr, Expr] = field(default_factory=dict)
    value: Expr | None = None

    @property
    def depth(self) -> int:
        return len(self.nest.vars)

    def reduces(self, depth: int) -> bool:
        return depth >= self.depth - self.nest.reduced


@record(eq=False, frozen=False)
class _Group:
    """Members that share a loop (or one that has no loop left), or any other statement."""
    members: list[_Member]
    statement: Statement | None
    looping: bool
    reads: set[Buffer]
    writes: set[Buffer]
    uses: set[str]
    binds: set[str]
    pinned: bool                    # ordered among checks and calls
    moves: bool = False             # a definition, allocation or check: may go up over loops


def _member(nest: Nest) -> _Member:
    _drop_unit_loops(nest)
    member = _Member(nest)
    for buffer, index, value in nest.stores:
        member.writes.setdefault(buffer, set()).add(index)
        for x in (value, *index):
            member.uses |= x.free
            for node in x.loads:
                member.reads.setdefault(node.args[0], set()).add(node.args[1:])
    for extent in nest.domain:
        member.uses |= extent.free
        for node in extent.loads:
            member.reads.setdefault(node.args[0], set()).add(node.args[1:])
    return member


def _drop_unit_loops(nest: Nest) -> None:
    """A loop over 0..1 is no loop: its variable is 0."""
    one = lit(1)
    if one not in nest.domain:
        return
    zero = {var(name): lit(0) for name, extent in zip(nest.vars, nest.domain, strict=True)
            if extent is one}
    memo: dict[Expr, Expr] = {}
    nest.stores = [(buffer, tuple(transform(x, zero.get, memo) for x in index),
                    transform(value, zero.get, memo)) for buffer, index, value in nest.stores]
    kept = len(nest.vars) - nest.reduced
    nest.reduced -= sum(extent is one for extent in nest.domain[kept:])
    nest.vars = tuple(v for v, extent in zip(nest.vars, nest.domain, strict=True)
                      if extent is not one)
    nest.domain = tuple(extent for extent in nest.domain if extent is not one)


def _group(member: _Member, depth: int) -> _Group:
    return _Group([member], None, member.depth > depth, set(member.reads), set(member.writes),
                  set(member.uses), set(), pinned=False)


def _other(statement: Statement) -> _Group:
    """The summary of a statement that is not a nest, with what is inside it."""
    reads: set[Buffer] = set()
    writes: set[Buffer] = set()
    uses: set[str] = set()
    names: set[str] = set()
    pinned = False
    for s in walk([statement]):
        reads.update(loaded(s))
        writes.update(written(s))
        for x in expressions(s):
            uses |= x.free
        names.update(binds(s))
        pinned = pinned or isinstance(s, (Check, Call, While))
    return _Group([], statement, False, reads, writes, uses, names, pinned,
                  moves=isinstance(statement, (Let, Alloc, Check)))


def _commute(a: _Group, b: _Group) -> bool:
    """May `b`, which stands after `a`, stand before it?"""
    if (a.pinned and b.pinned) or a.binds & b.uses:
        return False
    if a.writes & b.writes or a.writes & b.reads or a.reads & b.writes:
        return False
    if a.pinned and b.reads:
        return False                # the check may be of the index that is read at
    for pin, nest in ((a, b), (b, a)):
        # What a check or call guards may not run before it, nor what the caller sees of before it
        # be missing when it leaves; results and temporaries are not seen then.
        if pin.pinned and nest.members:
            if pin is a or any(buffer.kind == ARG_WRITTEN for buffer in nest.writes):
                return False
    return True


class _Fusion:
    def __init__(self, kernel: Kernel, share: bool):
        self.kernel, self.share, self.names = kernel, share, Names(kernel)

    def statements(self, body: list[Statement]) -> None:
        """Fuse in a list and in the lists inside it, in place."""
        nests = False
        for statement in body:
            nests = nests or isinstance(statement, Nest)
            for inner in parts(statement):
                self.statements(inner)
        if not nests:
            return
        groups: list[_Group] = []
        for statement in body:
            if isinstance(statement, Nest):
                self.place(groups, _group(_member(statement), 0), 0)
            else:
                self.lift(groups, _other(statement))
        body[:] = self.emit(groups, 0)

    def lift(self, groups: list[_Group], new: _Group) -> None:
        """Put a statement at the end, or higher if it may go up over the loops before it."""
        at = len(groups)
        if new.moves and self.share:
            k = at
            floor = max(0, k - REACH)
            while k > floor and _commute(groups[k - 1], new) and (
                    groups[k - 1].members or groups[k - 1].moves):
                k -= 1
                if groups[k].members:
                    at = k
        groups.insert(at, new)

    def place(self, groups: list[_Group], new: _Group, depth: int) -> None:
        """Let a nest join the last group that it can, or put it at the end."""
        if new.looping and self.share:
            for group in reversed(groups[-REACH:]):
                if group.looping and _shareable(group, new.members[0], depth):
                    group.members += new.members
                    group.reads |= new.reads
                    group.writes |= new.writes
                    group.uses |= new.uses
                    return
                if not _commute(group, new):
                    break
        groups.append(new)

    def emit(self, groups: list[_Group], depth: int) -> list[Statement]:
        out: list[Statement] = []
        for group in groups:
            if group.statement is not None:
                out.append(group.statement)
            elif group.looping:
                out += self.loop(group.members, depth)
            else:
                out += self.leaf(group.members[0])
        return out

    def loop(self, members: list[_Member], depth: int) -> list[Statement]:
        first = members[0].nest
        name = first.vars[depth]
        for member in members[1:]:
            member.rename[var(member.nest.vars[depth])] = var(name)
        inner: list[_Group] = []
        for member in members:
            self.place(inner, _group(member, depth + 1), depth + 1)
        body = self.emit(inner, depth + 1)
        carries, after = [], []
        for member in members:
            nest = member.nest
            if not member.reduces(depth):
                continue
            assert nest.combine is not None and member.value is not None
            dtype, combine = member.value.dtype, nest.combine
            total = var(self.names("r"), dtype)
            carries.append(Carry(total.args[0], dtype, lit(identity(combine, dtype), dtype),
                                 e.op(combine, total, member.value), combine))
            member.value = total
            if depth == member.depth - nest.reduced:
                buffer, index, _ = nest.stores[0]
                index = tuple(substitute(x, member.rename) for x in index)
                after.append(Store(buffer, index, e.convert(total, buffer.dtype)))
        loop = For(name, lit(0), first.domain[depth], lit(1), body, carries, regular=True,
                   location=first.location)
        if len(members) > 1 and depth == 0:
            self.kernel.notes.append(_note(members))
        return [loop, *after]

    def leaf(self, member: _Member) -> list[Statement]:
        """The innermost statements of a nest: all values are evaluated before any is stored."""
        nest = member.nest
        stores = nest.stores
        if member.rename:
            memo: dict[Expr, Expr] = {}
            rename = member.rename.get
            stores = [(buffer, tuple(transform(x, rename, memo) for x in index),
                       transform(value, rename, memo)) for buffer, index, value in stores]
        out: list[Statement] = []
        if nest.reduced:
            (buffer, _, value), = stores
            assert nest.combine is not None
            value = e.convert(value, accumulator(nest.combine, buffer.dtype))
            if value.loads:                # a later member may overwrite what it reads
                value = self.let(out, value)
            member.value = value
            return out
        if len(stores) > 1:
            targets = {store[0] for store in stores}

            def settled(x: Expr) -> Expr:
                return self.let(out, x) if any(n.args[0] in targets for n in x.loads) else x

            stores = [(buffer, tuple(map(settled, index)), settled(value))
                      for buffer, index, value in stores]
        return out + [Store(*store) for store in stores]

    def let(self, out: list[Statement], value: Expr) -> Expr:
        name = self.names("t")
        out.append(Let(name, value))
        return var(name, value.dtype)


def _shareable(group: _Group, new: _Member, depth: int) -> bool:
    """May `new`, which comes after the group's members, share their loop at `depth`?"""
    first = group.members[0].nest
    if new.nest.domain[depth] is not first.domain[depth]:
        return False
    if any(m.depth != new.depth and m.reduces(depth) != new.reduces(depth)
           for m in group.members):
        return False
    if len(group.reads | group.writes | new.reads.keys() | new.writes.keys()) > MAX_BUFFERS:
        return False
    touched = group.writes & (new.reads.keys() | new.writes.keys()) or (
        group.reads & new.writes.keys())
    return not touched or all(_together(m, new, depth) for m in group.members)


def _together(a: _Member, b: _Member, depth: int) -> bool:
    """Do all dependences between two nests, `a` before `b`, stay in one iteration of the loop?"""
    for buffer, stored in a.writes.items():
        touched = b.reads.get(buffer, set()) | b.writes.get(buffer, set())
        if touched and (a.reduces(depth) or not _same(a, stored, b, touched, depth)):
            return False
        if buffer in b.writes and b.reduces(depth):
            return False
    for buffer, stored in b.writes.items():
        read = a.reads.get(buffer)
        if read and (b.reduces(depth) or not _same(a, read, b, stored, depth)):
            return False
    return True


def _same(a: _Member, of_a: Iterable[Index], b: _Member, of_b: Iterable[Index],
          depth: int) -> bool:
    """For each two indices: equal elements only in equal iterations of loop `depth`? So it is if in
    some axis both are c + k*v + (terms of outer loops), k not 0, v the variable of the loop."""
    own = [var(name) for name in a.nest.vars]
    to_a = {var(name): own[k] for k, name in enumerate(b.nest.vars[:depth + 1])}
    inner = {x.args[0] for x in own[depth:]}

    def pins(x: Expr) -> bool:
        terms = affine(x)[1] if x.dtype == own[depth].dtype else {}
        return own[depth] in terms and all(
            not (t.free & inner or t.loads) for t in terms if t is not own[depth])

    of_b = [tuple(substitute(x, to_a) for x in index) for index in of_b]
    return all(any(x is y and pins(x) for x, y in zip(i, j, strict=True))
               for i in of_a for j in of_b)


def _note(members: list[_Member]) -> str:
    lines = sorted({m.nest.location.line for m in members if m.nest.location is not None})
    where = f" (line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))})" if lines else ""
    return f"fused {len(members)} loops{where}"
