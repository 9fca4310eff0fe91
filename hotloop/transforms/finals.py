"""What is still in an array when the loop that fills it has ended need not be saved.

    for i in 0..n:  x[i + 1] = sin(x[i])      in the linear half of trip i, both x[i] and x[i + 1]
                                              are loads from x as it is after the loop

A load from an array that a loop carries gives what the array holds at the end if no store that
comes later goes to that place; a value that is stored can be loaded from there. So what programs
compute place by place (factorizations, tables of dynamic programming, trajectories, lists) is its
own tape.

Stores that come later are compared as in dependence analysis: is there a trip of the load, a later
one of the store, and equal indices? Indices, bounds and conditions are linear forms of the loops'
trips (`affine`); whatever else is an unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hotloop.ir.core import Atom, Block, Eqn, Lit, Var
from hotloop.ir.types import I64
from hotloop.ops import index
from hotloop.ops.table import Move, carries_from, region, row
from hotloop.record import record
from hotloop.transforms.activity import is_float
from hotloop.transforms.affine import Compared, Form, Joint, System, meaning, plus
from hotloop.transforms.residuals import is_cheap

BUDGET = 2000
"""Systems solved for one Program; a few hundred take as long as one small kernel in LLVM."""

DEEP = 20
"""Equations that are followed for an index."""

_STORES = (index.set_, index.addat)
_UPDATES = (*_STORES, index.reserve)


@record(eq=False, frozen=False)
class Segment:
    """What a block does to one array: `steps` update it, each the result of the one before; `eqn`
    owns the block, and its result `k` is the array; `start` is the array before. `step` is its
    place among `parent`'s steps."""
    eqn: Eqn
    k: int
    block: Block
    steps: list[Eqn]
    inner: dict[Eqn, list[Segment]]
    start: Atom | None = None
    parent: Segment | None = None
    step: int = 0

    @property
    def loop(self) -> bool:
        return carries_from(self.eqn) is not None


Path = list[tuple[Segment, int]]


class Finals:
    """`of(var)` is an equation that gives a Var from an array after a loop; None if there is
    none."""

    def __init__(self, program: Block):
        self.made: dict[Var, Eqn] = {}
        self.home: dict[Var, Block] = {}
        self.owner: dict[Block, tuple[Eqn, Block]] = {}
        self.versions: dict[Var, tuple[Segment, int]] = {}
        self.stored: dict[Var, Eqn] = {}
        self.found: dict[Var, Eqn | None] = {}
        self.budget = BUDGET
        self.segments: dict[tuple[Eqn, int], Segment | None] = {}
        self._enter(program)

    def _enter(self, block: Block) -> None:
        for v in block.params:
            self.home[v] = block
        for eqn in block.eqns:
            for v in eqn.outs:
                self.home[v], self.made[v] = block, eqn
            for inner in eqn.blocks:
                self.owner[inner] = eqn, block
                self._enter(inner)
            if carries_from(eqn) is not None:
                for k, out in enumerate(eqn.outs):
                    if out.shape:
                        self._segment(eqn, k)
            elif eqn.op is index.set_ and isinstance(eqn.ins[1], Var):
                self.stored.setdefault(eqn.ins[1], eqn)

    # ---- arrays that are updated

    def _segment(self, eqn: Eqn, k: int) -> Segment | None:
        """That of a loop, if its carry `k` is only ever updated; its versions become known."""
        if (eqn, k) not in self.segments:
            first = carries_from(eqn)
            assert first is not None
            body = eqn.blocks[-1]
            param = body.params[first + k]
            made = self._chain(eqn, k, body)
            if made is not None and made.start is not param:
                made = None
            if made is not None:
                self.versions[param] = made, 0
                self._number(made)
            self.segments[eqn, k] = made
        return self.segments[eqn, k]

    def _chain(self, eqn: Eqn, k: int, block: Block) -> Segment | None:
        """From result k of the block back to an array that the block does not make."""
        made = Segment(eqn, k, block, [], {})
        at = block.outs[k]
        while isinstance(at, Var) and at in self.made and self.home[at] is block:
            step = self.made[at]
            before = self._before(step, step.outs.index(at), made)
            if before is None:
                return None
            made.steps.append(step)
            at = before
        made.steps.reverse()
        made.start = at
        return made

    def _before(self, step: Eqn, k: int, into: Segment) -> Atom | None:
        """The array before a step."""
        if step.op in _UPDATES:
            return step.ins[0]
        if carries_from(step) is not None:
            loop = self._segment(step, k)
            if loop is None:
                return None
            into.inner[step] = [loop]
            return step.ins[len(step.ins) - len(step.outs) + k]
        if region(step) != "cond":
            return None
        arms = [arm for arm in (self._chain(step, k, block) for block in step.blocks) if arm]
        if len(arms) < 2 or arms[0].start is not arms[1].start:
            return None
        into.inner[step] = arms
        return arms[0].start

    def _result(self, segment: Segment, at: int) -> int:
        """Which result of a step is the array."""
        step = segment.steps[at]
        if step.op in _UPDATES:
            return len(step.outs) - 1
        return segment.inner[step][0].k

    def _number(self, segment: Segment) -> None:
        for at, step in enumerate(segment.steps):
            self.versions[step.outs[self._result(segment, at)]] = segment, at + 1
            for inner in segment.inner.get(step, ()):
                inner.parent, inner.step = segment, at
                if not inner.loop:
                    self._number(inner)

    # ---- what a Var can be loaded from

    def of(self, var: Var) -> Eqn | None:
        if var not in self.found:
            self.found[var] = self._find(var)
        return self.found[var]

    def _find(self, var: Var) -> Eqn | None:
        eqn = self.made.get(var)
        if eqn is not None and eqn.op is index.get and isinstance(eqn.ins[0], Var):
            return self._final(eqn, eqn.ins[0], eqn.ins[1:], var, self.home[var])
        eqn = self.stored.get(var)
        if eqn is None or not is_float(var) or self.home.get(var) is not self.home[eqn.outs[0]]:
            return None
        places = eqn.ins[2:]
        if "a" in eqn.params["codes"] or not all(self._simple(a, DEEP) for a in places):
            return None
        return self._final(eqn, eqn.outs[0], places, var, self.home[var])

    def _simple(self, atom: Atom, depth: int) -> bool:
        """Is an index made of loops' numbers and of what is known before the loop? Then it does not
        depend on what is stored there."""
        if isinstance(atom, Lit):
            return True
        eqn = self.made.get(atom)
        if eqn is None:
            return atom.dtype == I64
        return depth > 0 and atom.dtype == I64 and is_cheap(eqn) and not isinstance(
            row(eqn).lowering, Move) and all(self._simple(a, depth - 1) for a in eqn.ins)

    def _final(self, eqn: Eqn, version: Var, places: Sequence[Atom], var: Var,
               block: Block) -> Eqn | None:
        """A load of the same place after the outermost loop for which that is right."""
        place = self.versions.get(version)
        if place is None:
            return None
        path: Path = [place]
        chain = [place[0]]
        while (segment := path[0][0]).parent is not None:
            path.insert(0, (segment.parent, segment.step))
            chain.insert(0, segment.parent)
        for k, segment in enumerate(chain):
            if segment.loop and self._fits(segment, version) and self._lasts(
                    path[k:], eqn.params["codes"], places, block):
                return Eqn(index.get, (segment.eqn.outs[segment.k], *places), [var],
                           {"codes": eqn.params["codes"]}, (), eqn.location)
        return None

    def _fits(self, segment: Segment, version: Var) -> bool:
        """Is the array after the loop of the same size, or longer, as lists that grow are?"""
        after = segment.eqn.outs[segment.k].shape
        return after[1:] == version.shape[1:] and (
            after[0] is version.shape[0] or after[0] == version.shape[0] or self._grows(segment))

    def _grows(self, segment: Segment) -> bool:
        return any(step.op is index.reserve for step in segment.steps) or any(
            self._grows(s) for inner in segment.inner.values() for s in inner)

    def _lasts(self, path: Path, codes: str, places: Sequence[Atom], block: Block) -> bool:
        """Does no store to the place come after the version at the end of the path?"""
        root = path[0][0]
        if codes.startswith(":") and self._grows(root):
            return False
        load = _Instance(self, root, 0)
        start = System()
        own = load.subscripts(codes, places, start)
        load.around(block, start)
        for store, where in self._stores(root, []):
            if not self._apart(path, where, store, own, start):
                return False
        return True

    def _stores(self, segment: Segment, path: Path) -> Iterator[tuple[Eqn, Path]]:
        for at, step in enumerate(segment.steps):
            here = [*path, (segment, at)]
            if step.op in _STORES:
                yield step, here
            for inner in segment.inner.get(step, ()):
                yield from self._stores(inner, here)

    def _apart(self, path: Path, where: Path, store: Eqn, own: list[Form | None],
               start: System) -> bool:
        """Does a store that comes after the load go elsewhere?"""
        root = path[0][0]
        other = _Instance(self, root, 1)
        system = System(start)
        for a, b in zip(own, other.subscripts(store.params["codes"], store.ins[2:], system),
                        strict=True):
            if a is not None and b is not None:
                system.equal(a, b)
        other.around(self.home[store.outs[0]], system)
        after = False
        for depth, ((mine, at), (its, place)) in enumerate(zip(path, where, strict=False)):
            if mine is not its:
                break                                       # the other arm
            if mine.loop:
                later = System(system)
                later.at_least(other.trip(mine.eqn), plus(_ONE, _trip(mine.eqn, 0)))
                if self._solvable(later):
                    return False
                system.equal(other.trip(mine.eqn), _trip(mine.eqn, 0))
            last = depth == len(path) - 1
            if last or place != at:
                after = place >= at if last else place > at
                break
        return not after or not self._solvable(system)

    def _solvable(self, system: System) -> bool:
        self.budget -= 1
        return self.budget < 0 or system.feasible()


_ONE: Form = {1: 1}


def _trip(loop: Eqn, copy: int) -> Form:
    return {(loop, copy): 1}


class _Instance:
    """The load (0) or the store (1): linear forms of what is computed in its trips. Loops around
    `root` are in the same trip for both."""

    def __init__(self, finals: Finals, root: Segment, copy: int):
        self.finals, self.copy = finals, copy
        self.inside = root.block

    def trip(self, loop: Eqn) -> Form:
        return _trip(loop, self.copy if self.is_inside(loop.blocks[-1]) else 0)

    def is_inside(self, block: Block) -> bool:
        owner = self.finals.owner
        while block is not self.inside:
            if block not in owner:
                return False
            block = owner[block][1]
        return True

    def form(self, atom: Atom, depth: int = DEEP) -> Form:
        if isinstance(atom, Lit):
            value = int(atom.value)
            return {1: value} if value else {}
        finals = self.finals
        block = finals.home.get(atom)
        eqn = finals.made.get(atom)
        if depth and eqn is not None:
            made = meaning(eqn, lambda x: self.form(x, depth - 1))
            if isinstance(made, dict):
                return made
        elif depth and block in finals.owner:
            counted = self.counter(atom, block, depth)
            if counted is not None:
                return counted
        local = block is not None and self.copy and self.is_inside(block)
        return {(atom, 1 if local else 0): 1}

    def counter(self, param: Var, block: Block, depth: int) -> Form | None:
        """A parameter that changes by the same number at each trip."""
        loop = self.finals.owner[block][0]
        first = carries_from(loop)
        if first is None or param not in block.params:
            return None
        at = block.params.index(param)
        if at < first:
            lo, _, step = loop.ins[:3]
            if not isinstance(step, Lit):
                return None
            return plus(self.form(lo, depth - 1), self.trip(loop), int(step.value))
        if block is not loop.blocks[-1]:
            return None
        init = loop.ins[len(loop.ins) - len(loop.outs) + at - first]
        change = self.finals.made.get(block.outs[at - first])       # type: ignore[arg-type]
        after = change and meaning(change, lambda x: {1: int(x.value)} if isinstance(x, Lit)
                                   else {x: 1})
        if not isinstance(after, dict) or after.get(param) != 1 or not after.keys() <= {param, 1}:
            return None
        return plus(self.form(init, depth - 1), self.trip(loop), after.get(1, 0))

    def around(self, block: Block, system: System) -> None:
        """What is known where a block runs: the bounds of loops, the conditions of arms."""
        owner = self.finals.owner
        while block in owner:
            eqn, outer = owner[block]
            if carries_from(eqn) is not None:
                system.at_least(self.trip(eqn), {})
                if carries_from(eqn) and isinstance(eqn.ins[2], Lit):
                    number, hi = self.form(block.params[0]), self.form(eqn.ins[1])
                    if int(eqn.ins[2].value) > 0:
                        system.at_least(hi, plus(number, _ONE))
                    else:
                        system.at_least(number, plus(hi, _ONE))
            elif region(eqn) == "cond":
                self.holds(eqn.ins[0], block is eqn.blocks[0], system, DEEP)
            block = outer

    def holds(self, condition: Atom, truth: bool, system: System, depth: int) -> None:
        eqn = self.finals.made.get(condition)           # type: ignore[arg-type]
        if eqn is None or not depth:
            return
        known = meaning(eqn, self.form)
        if isinstance(known, Joint):
            if known.kind == "not":
                self.holds(known.parts[0], not truth, system, depth - 1)
            elif known.kind == ("and" if truth else "or"):
                for a in known.parts:
                    self.holds(a, truth, system, depth - 1)
        elif isinstance(known, Compared):
            left, right = known.left, known.right
            kind = known.kind if truth else _OPPOSITE[known.kind]
            if kind == "eq":
                system.equal(left, right)
            elif kind == "ne":
                system.different(left, right)
            else:
                if kind in ("lt", "le"):
                    left, right = right, left
                system.at_least(left, right if kind in ("le", "ge") else plus(right, _ONE))

    def subscripts(self, codes: str, places: Sequence[Atom], system: System) -> list[Form | None]:
        """The place in each axis; None: anywhere. A place in a slice is a new unknown."""
        found: list[Form | None] = []
        rest = iter(places)
        for code in codes:
            if code == "i":
                found.append(self.form(next(rest)))
            elif code == "s":
                start, size, step = next(rest), next(rest), next(rest)
                if not isinstance(step, Lit):
                    found.append(None)
                    continue
                k: Form = {("slice", self.copy, len(found)): 1}
                system.at_least(k, {})
                system.at_least(self.form(size), plus(k, _ONE))
                found.append(plus(self.form(start), k, int(step.value)))
            elif code != "n":
                if code == "a":
                    next(rest)
                found.append(None)
        return found


_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
"""Comparisons (of the scalar algebra) and their opposites."""
