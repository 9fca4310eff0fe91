"""Checks of scalar loops cost one comparison each: what else they ask is asked where it fails.

    t3 = isnan(t1)                                 t5 = convert(t1, i64)
    check not(t3) error 0                          t6 = lt(convert(t5, u64), convert(n, u64))
    ...                                            if t6 likely
    t5 = convert(trunc(t1), i64)                     give t5
    t6 = lt(t5, 0)                         ->      else
    t7 = select(t6, t5 + n, t5)                      check not(isnan(t1)) error 0
    check and(ge(t7, 0), lt(t7, n)) error 3          ...
    a[t7] <- 0.0                                     check ... error 3
                                                     give select(lt(t5, 0), t5 + n, t5)
                                                   -> t8
                                                   a[t8] <- 0.0

* An index from 0 to n - 1 is below n as an unsigned number; -1 and the like are not, so the choice
  between i and i + n is made where that fails.
* A float that is no int64 is converted to the least one, which is no such index. So the checks of
  `int(x)` wait for one of the index, or are one comparison.

Nothing moves over a statement with an effect, nor a load over the check that guards it, and what
fails is asked in the order of the program: errors are as before. Loops in lanes have their own way
with checks (`loops.speculate`); outside of loops nothing is worth it.
"""

from __future__ import annotations

from itertools import groupby

from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    Buffer,
    Check,
    For,
    If,
    Kernel,
    Let,
    Statement,
    While,
    parts,
    walk,
)
from hotloop.loops.drop import drop
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, transform, var
from hotloop.loops.rewrite import Names, expressions, substitute
from hotloop.loops.scalar import U64
from hotloop.record import record

INT_END = 2.0**63


def checks(kernel: Kernel) -> Kernel:
    search = _Checks(kernel)
    search.outside(kernel.body)
    if search.changed:
        substitute(kernel.body, search.instead)
        drop(kernel)
    return kernel


@record
class _Place:
    """A check that `index` is in 0..size, or in -size..size: then a name stands for `place`, the
    index from the start, or for what is to be added to `index`."""
    index: Expr
    size: Expr
    name: str = ""
    place: Expr | None = None
    added: bool = False


class _Checks:
    """`instead`: what stands for names whose place is found by a branch now."""

    def __init__(self, kernel: Kernel):
        self.names = Names(kernel)
        self.sizes = {x for p in kernel.params if isinstance(p, Buffer)
                      and p.kind in (ARG, ARG_WRITTEN) for x in p.shape}
        self.values: dict[str, Expr] = {}       # what costs nothing to compute where it is needed
        self.integers: dict[str, Expr] = {}     # floats as integers
        self.choices: dict[Expr, str] = {}
        self.instead: dict[Expr, Expr] = {}
        self.found: dict[tuple[Expr, Expr], Expr] = {}      # places, of an index and a size
        self.changed = False

    # ---- where to look

    def outside(self, body: list[Statement]) -> None:
        for s in body:
            match s:
                case For() | While():
                    self.loop(s)
                case If():
                    self.outside(s.then)
                    self.outside(s.orelse)

    def loop(self, loop: For | While) -> None:
        found = dict(self.found)
        if isinstance(loop, While):
            self.inside(loop.test)
        elif loop.lanes or loop.stop is not None:
            return
        self.inside(loop.body)
        self.found = found

    def inside(self, body: list[Statement]) -> None:
        """Places that are found stay found, until the list that this one is in ends."""
        run = _List(self)
        for s in body:
            if isinstance(s, Let):
                run.let(s)
            elif isinstance(s, Check):
                run.check(s)
            else:
                run.settle()
                run.out.append(s)
                if isinstance(s, For | While):
                    self.loop(s)
                else:
                    for inner in parts(s):
                        found = dict(self.found)
                        self.inside(inner)
                        self.found = found
        run.settle()
        body[:] = run.out

    # ---- expressions

    def know(self, let: Let) -> None:
        """Remember a name that conditions may be made of."""
        x = let.value
        if x.loads:
            return
        if x.dtype == BOOL or x.op == "select" or x.op == "trunc":
            self.values[let.name] = value = self.inlined(x)
            if x.dtype == I64 and value.op == "select":
                self.choices[value] = let.name
        elif x.op == "convert" and x.dtype == I64 and x.args[0].dtype.kind == "f":
            inner = self.inlined(x.args[0])
            if inner.op == "trunc":
                let.value = e.convert(inner.args[0], I64)
            self.integers[let.name] = let.value

    def inlined(self, x: Expr) -> Expr:
        values = self.values
        if values.keys().isdisjoint(x.free):
            return x
        return transform(x, lambda node: values.get(node.args[0]) if node.op == "var" else None)

    def named(self, x: Expr) -> Expr:
        """With names for choices."""
        choices = self.choices
        return transform(x, lambda node: var(choices[node]) if node in choices else None)

    def below(self, index: Expr, size: Expr) -> Expr:
        """0 <= index < size"""
        if size not in self.sizes and not (size.op == "lit" and size.args[0] >= 0):
            size = e.maximum(size, 0)
        return e.lt(e.convert(index, U64), e.convert(size, U64))

    def place(self, cond: Expr) -> _Place | None:
        if cond.op != "and":
            return None
        for low, high in (cond.args, cond.args[::-1]):
            if low.op == "ge" and low.args[1] is lit(0) and high.op == "lt" and (
                    high.args[0] is low.args[0]):
                place, size = high.args
                return self.from_the_end(place, size) or _Place(self.named(place), size)
        return None

    def from_the_end(self, place: Expr, size: Expr) -> _Place | None:
        """Is it `i + size if i < 0 else i`? It may be named, or what is added to i."""
        if place.op == "select":
            cond, moved, index = place.args
            if cond is e.lt(index, 0) and e.sub(moved, index) is size and place in self.choices:
                return _Place(self.named(index), size, self.choices[place], place)
        for term, k in affine(place)[1].items():
            if k == 1 and term in self.choices:
                cond, moved, zero = term.args
                index = e.sub(place, term)
                if cond is e.lt(index, 0) and moved is size and zero is lit(0):
                    return _Place(self.named(index), size, self.choices[term], place, added=True)
        return None


class _List:
    """One list of statements: `out` is what is to stand there, `waiting` are checks of floats x
    which are to be ints, `hidden` the names whose values mean nothing before these."""

    def __init__(self, search: _Checks):
        self.search = search
        self.out: list[Statement] = []
        self.waiting: list[tuple[Expr, Check]] = []
        self.hidden: set[str] = set()

    def let(self, s: Let) -> None:
        if self.waiting:
            if any(not self.hidden.isdisjoint(x.free) for x in s.value.loads):
                self.settle()
            elif not self.hidden.isdisjoint(s.value.free):
                self.hidden.add(s.name)
        self.search.know(s)
        self.out.append(s)

    def settle(self) -> None:
        """Ask what waits."""
        for x, group in groupby(self.waiting, lambda pair: pair[0]):
            asked: list[Statement] = [check for _, check in group]
            if len(asked) == 1:
                self.out += asked
                continue
            is_int = e.ne(e.convert(x, I64), lit(-2**63))
            self.out.append(If(is_int, [], asked, likely=True))
            self.search.changed = True
        self.waiting, self.hidden = [], set()

    def check(self, s: Check) -> None:
        search = self.search
        cond = search.inlined(s.cond)
        x = _float(cond)
        if x is not None:
            self.waiting.append((x, Check(cond, s.error, s.operands)))
            self.hidden |= x.free
            return
        place = search.place(cond)
        if place is None or (place.name and not self.may_follow(place.name)):
            self.settle()
            self.out.append(s)
            return
        search.changed = True
        test = search.below(place.index, place.size)
        rare: list[Statement] = [*(check for _, check in self.waiting),
                                 Check(cond, s.error, s.operands)]
        if place.name:
            assert place.place is not None
            dependent = self.taken_after(place.name)
            new = search.found.get((place.index, place.size))
            if new is None:
                new = search.found[place.index, place.size] = var(search.names("t"))
                outs = [(new.args[0], I64, place.index, place.place)]
                self.out.append(If(test, [], rare, outs, likely=True))
            self.out += dependent
            search.instead[var(place.name)] = e.sub(new, place.index) if place.added else new
        elif self.waiting:
            self.out.append(If(test, [], rare, likely=True))
        else:
            self.out.append(Check(test, s.error, s.operands))
        index = place.index
        integer = search.integers.get(index.args[0]) if index.op == "var" else index
        self.waiting = [(x, check) for x, check in self.waiting
                        if integer is not e.convert(x, I64)]
        self.hidden = set().union(*(x.free for x, _ in self.waiting))

    def may_follow(self, name: str) -> bool:
        """Can the names that depend on this one be bound later, at the end of the list?"""
        at = self.bound_at(name)
        if at is None:
            return False
        names = {name}
        for s in self.out[at + 1:]:
            if any(not names.isdisjoint(x.free) for t in walk([s]) for x in expressions(t)):
                if not isinstance(s, Let) or s.value.loads:
                    return False
                names.add(s.name)
        return True

    def taken_after(self, name: str) -> list[Let]:
        at = self.bound_at(name)
        names, found = {name}, list[Let]()
        for s in self.out[at:]:
            if isinstance(s, Let) and not names.isdisjoint(s.value.free):
                names.add(s.name)
                found.append(s)
        self.out = [s for s in self.out if s not in found]
        return found

    def bound_at(self, name: str) -> int | None:
        return next((k for k, s in enumerate(self.out) if isinstance(s, Let) and s.name == name),
                    None)


def _float(cond: Expr) -> Expr | None:
    """x, if the condition is one of those of `int(x)`."""
    if cond.op == "not":
        inner = cond.args[0]
        if inner.op == "isnan":
            return inner.args[0]
        if inner.op == "eq":
            for x, end in (inner.args, inner.args[::-1]):
                if x.op == "abs" and end.op == "lit" and x.dtype.kind == "f" and (
                        end.args[0] == float("inf")):
                    return x.args[0]
    if cond.op == "and":
        for low, high in (cond.args, cond.args[::-1]):
            if low.op == "ge" and high.op == "lt" and (x := low.args[0]) is high.args[0] and (
                    x.op == "trunc" and _is(low.args[1], -INT_END) and _is(high.args[1], INT_END)):
                return x.args[0]
    return None


def _is(x: Expr, value: float) -> bool:
    return x.op == "lit" and float(x.args[0]) == value
