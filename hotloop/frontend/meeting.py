"""Where paths meet, at the end of a branch or the head of a loop: which arrays the names are.

    if c: x = a             x: a RefSlot of two alternatives: a, and a cell
    else: x = a * 2         what x is there: a flag (is it a?) and the cell's content

Arrays from outside of the block stay what they are. An array that a path made is given a *cell*: an
array of the meeting, whose content comes from the path. The cell's key is the name by which it was
met first, so that the arrays of different paths (or iterations) under one name are one cell. In a
loop `a, b = b, a * 2` moves what was in the cell of b to that of a: contents change places, names
keep their cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, lit
from hotloop.frontend.references import ChosenBase, chosen, leaves, mapped
from hotloop.frontend.tracers import Array, Base, fresh, full, zero
from hotloop.frontend.views import Cast, Step, all_of, composed
from hotloop.ir.core import Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, I64
from hotloop.record import record

CARRIED = None
"""An operand or dimension of a view that is not the same on all paths."""

Key = tuple[Any, ...]


class Cell:
    """An array of the meeting: `key` names it, `type` is (dtype, dims), None for a dim that
    differs from path to path. `contiguous`: certainly in C order."""

    __slots__ = ("contiguous", "dims", "dtype", "key")

    def __init__(self, key: Key, dtype: np.dtype):
        self.key, self.dtype = key, dtype
        self.dims: tuple[Dim | None, ...] | None = None
        self.contiguous = True

    def __repr__(self) -> str:
        return f"<cell {self.key}>"


class Alternative:
    """One array that a name may be: a base or cell, and the steps of a view with `atoms` in place
    of theirs (CARRIED where they come from the path)."""

    __slots__ = ("atoms", "steps", "target")

    def __init__(self, target: Base | Cell, steps: tuple[Step, ...], atoms: tuple[Any, ...]):
        self.target, self.steps, self.atoms = target, steps, atoms

    def __eq__(self, other: object) -> bool:
        return (isinstance(other, Alternative) and self.alike(other)
                and all(map(_same_atom, self.atoms, other.atoms)))

    def __hash__(self) -> int:
        return 0

    def alike(self, other: Alternative) -> bool:
        """The same but for atoms?"""
        return (self.target is other.target and len(self.steps) == len(other.steps)
                and all(p.like(q) for p, q in zip(self.steps, other.steps, strict=True)))

    def merged(self, other: Alternative, visible: Builder) -> Alternative:
        return Alternative(self.target, self.steps, tuple(
            p if p is not CARRIED and q is not CARRIED and dm.equal(p, q) and visible.sees(p)
            else q if p is not CARRIED and q is not CARRIED and dm.equal(p, q) and visible.sees(q)
            else CARRIED for p, q in zip(self.atoms, other.atoms, strict=True)))

    def view(self, base: Base, carried: Callable[[], Var]) -> Array:
        """The array, with Vars for what is carried."""
        array = Array(base, (), base.shape)
        atoms = iter(self.atoms)
        for step in self.steps:
            now = [next(atoms) for _ in step.atoms()]
            made = step.rebuilt([carried() if a is CARRIED else a for a in now], array.dims)
            for d in made.shape:
                if isinstance(d, Var):
                    dm.bound(d, 0, dm.MAX_DIM)
            array = array.view(made)
        return array


def _same_atom(p: Any, q: Any) -> bool:
    return p is q or isinstance(p, int | Lit) and type(p) is type(q) and p == q


def atoms_of(x: Array) -> tuple[Any, ...]:
    return tuple(a for step in steps_of(x) for a in step.atoms())


def steps_of(x: Array) -> tuple[Step, ...]:
    """The steps that tell x from other views: at their end, a Cast does not matter."""
    n = len(x.steps)
    while n and isinstance(x.steps[n - 1], Cast):
        n -= 1
    return x.steps[:n]


@record
class RefSlot:
    """The type of a name that is an array where paths meet. `key`: its place among the names."""
    dtype: np.dtype
    dims: tuple[Dim | None, ...]
    alternatives: tuple[Alternative, ...]
    key: Key
    meeting: Any


class Meeting:
    """`visible`: the block in which the paths meet. `split`: keys of cells that are not kept equal
    to what their name is."""

    def __init__(self, visible: Builder):
        self.visible = visible
        self.cells: dict[Key, Cell] = {}
        self.split: set[Key] = set()

    def cached(self, slot: RefSlot) -> Cell | None:
        """The cell with the content of the name, whichever of its alternatives it is."""
        if len(slot.alternatives) < 2 or slot.key in self.split:
            return None
        cell = self.cells.get((*slot.key, 0))
        if cell is None or not any(a.target is cell and not a.steps for a in slot.alternatives):
            return None
        assert cell.dims is not None
        cell.dims = common(cell.dims, slot.dims, self.visible)
        return cell

    def joined(self, a: RefSlot, b: RefSlot) -> RefSlot:
        """The slot for both; the caller has compared dtypes and ranks."""
        found = list(a.alternatives)
        for new in b.alternatives:
            k = next((k for k, old in enumerate(found) if old.alike(new)), None)
            if k is None:
                found.append(new)
            else:
                found[k] = found[k].merged(new, self.visible)
        return RefSlot(a.dtype, common(a.dims, b.dims, self.visible), tuple(found), a.key,
                       self)

    def make(self, slot: RefSlot, bases: dict[Cell, Base]) -> tuple[list[Var], Array]:
        """Fresh Vars of the open block and the array that they tell."""
        builder = current()
        vars: list[Var] = []

        def carried(dtype: np.dtype = I64) -> Var:
            vars.append(builder.bind(dtype))
            return vars[-1]

        many = len(slot.alternatives) > 1
        cell = self.cached(slot)
        dims: tuple[Dim, ...] = ()
        if many:
            if cell is not None:
                dims = bases[cell].shape
            else:
                dims = tuple(dm.bound(carried(), 0, dm.MAX_DIM) if d is CARRIED else d
                             for d in slot.dims)
        flags = [carried(BOOL) for _ in slot.alternatives[1:]]
        arrays = []
        for a in slot.alternatives:
            base = a.target if isinstance(a.target, Base) else bases[a.target]
            arrays.append(a.view(base, carried))
        if not many:
            return vars, arrays[0]
        arrays = [a.cast(dims) for a in arrays]
        cache = None if cell is None else Array(bases[cell], (), dims)
        made = arrays[-1]
        for k in range(len(arrays) - 2, -1, -1):
            base = ChosenBase(flags[k], arrays[k], made, None if k else cache, slot.key)
            made = Array(base, (), dims)
        return vars, made


def common(a: Iterable[Dim | None], b: Iterable[Dim | None], visible: Builder
           ) -> tuple[Dim | None, ...]:
    """Dimensions that are equal on both paths and visible; else None."""
    return tuple(
        p if p is not None and q is not None and dm.equal(p, q) and visible.sees(p)
        else q if p is not None and q is not None and dm.equal(p, q) and visible.sees(q)
        else None for p, q in zip(a, b, strict=True))


class Path:
    """One path to a meeting: which of its arrays are in which cells (`labels`, and `held` the other
    way around). `values`: the references by key. `uses`: how many names refer to a base. `spent`:
    outer arrays that do not outlive the meeting."""

    def __init__(self, meeting: Meeting):
        self.meeting = meeting
        self.labels: dict[Base, Cell] = {}
        self.held: dict[Cell, list[Base]] = {}
        self.values: dict[Key, Array] = {}
        self.uses: Counter[Base] = Counter()
        self.spent: set[Base] = set()
        self.merged: dict[Base, list[tuple[Array, Base]]] = {}

    def give(self, base: Base, key: Key) -> None:
        """An outer array that the path gives away to the cell of that key."""
        self._cell(base, key)

    def count(self, arrays: Iterable[tuple[Key, Array]]) -> None:
        """All the arrays that names are on this path, known beforehand. A new array is for the
        first name of the whole of it, rather than one of a view."""
        whole: list[tuple[Key, list[Base]]] = []
        for key, x in arrays:
            x = self._settled(x)
            self.uses.update(leaf.base for leaf in leaves(x))
            whole.append((key, list(dict.fromkeys(
                leaf.base for leaf in leaves(x) if not steps_of(leaf)))))
        for key, bases in whole:
            new = [base for base in bases if not self.outer(base) and base not in self.labels]
            if len(new) == 1 and self.uses[new[0]] > 1:
                self._cell(new[0], key)

    def outer(self, base: Base) -> bool:
        return (base.home.encloses(self.meeting.visible) and base not in self.labels
                and base not in self.spent)

    def _settled(self, x: Array) -> Array:
        """`x` over bases that exist outside of the path, or have a cell, or are new."""
        def settled(leaf: Array) -> Array:
            base = leaf.base
            if base.origin is None or base in self.labels or self.outer(base):
                return leaf
            return self._settled(base.origin.along(leaf.steps))
        result = mapped(x, settled) if any(
            settled(leaf) is not leaf for leaf in leaves(x)) else x
        assert result is not None
        return result

    def slot(self, x: Array, key: Key) -> RefSlot:
        """What x is, its new arrays in cells."""
        x = self.values[key] = self._owned(self._settled(x), key)
        visible = self.meeting.visible
        found: list[Alternative] = []
        for leaf in leaves(x):
            target: Base | Cell = leaf.base
            if not self.outer(leaf.base):
                target = self.labels[leaf.base]
            new = Alternative(target, steps_of(leaf), atoms_of(leaf))
            new = new.merged(new, visible)
            k = next((k for k, old in enumerate(found) if old.alike(new)), None)
            if k is None:
                found.append(new)
            else:
                found[k] = found[k].merged(new, visible)
        return RefSlot(x.dtype, common(x.dims, x.dims, visible), tuple(found), key, self.meeting)

    def _owned(self, x: Array, key: Key) -> Array:
        """The reference with short chains of steps, each new array in it in a cell."""
        own = Counter(leaf.base for leaf in leaves(x))

        if any(leaf.steps for leaf in leaves(x)):
            if all(base not in self.labels and not self.outer(base) and self.uses[base] <= own[base]
                   for base in own):
                x = fresh(x.value())           # nobody else sees what it is a view of
                own = Counter([x.base])
            short = mapped(x, _short)
            assert short is not None
            short_x = Array(short.base, (), x.dims) if isinstance(
                short.base, ChosenBase) else short.cast(x.dims)
        else:
            short_x = x
        if any(leaf.base in self.merged for leaf in leaves(short_x)):
            apart = mapped(short_x, self._told_apart)
            assert apart is not None
            short_x = Array(apart.base, apart.steps, short_x.dims)
        new = list(dict.fromkeys(leaf.base for leaf in leaves(short_x)
                                 if not self.outer(leaf.base) and leaf.base not in self.labels))
        alone = [base for base in new if self.uses[base] <= own[base]]
        if len(new) > 1 and len(alone) < len(new) and all(
                base.dtype == new[0].dtype and dm.same_dims(base.shape, new[0].shape)
                for base in new):
            return self._merge(short_x, new, key)
        first: Cell | None = None
        for base in new:
            if base in alone and first is not None and _fits(first, base, self.meeting.visible):
                self._put(base, first)         # no other name tells them apart
                continue
            cell = self._cell(base, key)
            if base in alone and first is None:
                first = cell
        return short_x

    def _merge(self, x: Array, new: list[Base], key: Key) -> Array:
        """`x` with one array in place of the new ones, of which it is one: so every name needs one
        cell at most. Other names share it if they are that same array."""
        whole = mapped(x, lambda leaf: Array(leaf.base, (), new[0].shape)
                       if leaf.base in new else None)
        assert whole is not None
        one = fresh(whole.value()).base
        self._cell(one, key)
        for base in new:
            self.merged.setdefault(base, []).append((x, one))
        result = mapped(x, lambda leaf: Array(one, leaf.steps, leaf.dims)
                        if leaf.base in new else leaf)
        assert result is not None
        return result

    def _told_apart(self, leaf: Array) -> Array:
        """A leaf that may be the array of an earlier name, which is in that name's cell."""
        found = leaf
        for x, one in self.merged.get(leaf.base, ()):
            same = chosen(x, lambda other: lit(other.base is leaf.base))
            if isinstance(same, Lit) and not same.value:
                continue
            own = Array(one, leaf.steps, leaf.dims)
            found = Array(ChosenBase(same, own, found), (), leaf.dims)
        return found

    def _cell(self, base: Base, key: Key) -> Cell:
        """A cell of that key that is free on this path."""
        cells, k = self.meeting.cells, 0
        while True:
            cell = cells.get((*key, k))
            if cell is None:
                cell = cells[*key, k] = Cell((*key, k), base.dtype)
            if cell not in self.held and _fits(cell, base, self.meeting.visible):
                self._put(base, cell)
                return cell
            k += 1

    def _put(self, base: Base, cell: Cell) -> None:
        visible = self.meeting.visible
        self.labels[base] = cell
        self.held.setdefault(cell, []).append(base)
        cell.contiguous = cell.contiguous and base.contiguous
        cell.dims = common(base.shape if cell.dims is None else cell.dims, base.shape, visible)

    def agrees(self, slot: RefSlot) -> bool:
        """May the cell of a name be kept equal to what the name is, on this path?"""
        x = self.values.get(slot.key)
        cell = self.meeting.cells.get((*slot.key, 0))
        if x is None or cell is None:
            return True
        new = [leaf for leaf in leaves(x) if not self.outer(leaf.base)]
        if any(steps_of(leaf) or self.labels[leaf.base] is not cell for leaf in new):
            return False
        if not isinstance(x.base, ChosenBase):
            return True
        own = Counter(leaf.base for leaf in leaves(x))
        return all(self.uses[leaf.base] <= own[leaf.base] for leaf in new)

    def flatten(self, slot: RefSlot, bound: bool) -> list[Atom]:
        """The atoms that tell which array the name is, emitted in the open block."""
        many = len(slot.alternatives) > 1
        x = self.values.get(slot.key) if bound else None
        atoms: list[Atom] = []
        if many:
            if self.meeting.cached(slot) is None:
                atoms += [lit(0) if x is None else _atom(x.dims[k])
                          for k, d in enumerate(slot.dims) if d is CARRIED]
            for k in range(len(slot.alternatives) - 1):
                atoms.append(lit(False) if x is None else self._is(x, slot, k))
        for k, alternative in enumerate(slot.alternatives):
            for j, a in enumerate(alternative.atoms):
                if a is CARRIED:
                    atoms.append(lit(0) if x is None else self._operand(x, slot, k, j))
        return atoms

    def _which(self, leaf: Array, slot: RefSlot) -> int:
        target = leaf.base if self.outer(leaf.base) else self.labels[leaf.base]
        mine = Alternative(target, steps_of(leaf), ())
        return next(k for k, a in enumerate(slot.alternatives) if a.alike(mine))

    def _is(self, x: Array, slot: RefSlot, k: int) -> Atom:
        """Is x alternative k?"""
        return chosen(x, lambda leaf: lit(self._which(leaf, slot) == k))

    def _operand(self, x: Array, slot: RefSlot, k: int, j: int) -> Atom:
        """Operand j of the steps of those leaves that are alternative k."""
        mine = mapped(x, lambda leaf: leaf if self._which(leaf, slot) == k else None)
        return lit(0) if mine is None else chosen(mine, lambda leaf: _atom(atoms_of(leaf)[j]))

    def content(self, cell: Cell, slot: RefSlot | None, otherwise: Array | None) -> list[Atom]:
        """The content of a cell on this path, with its sizes before it, emitted in the open block.
        `slot`: that of the name it is kept equal to. `otherwise`: if the path has nothing there."""
        x: Array | None = None
        if slot is not None:
            x = self.values.get(slot.key)
        elif cell in self.held:
            bases = self.held[cell]
            owner = self.values.get(cell.key[:-1])
            if len(bases) == 1:
                x = Array(bases[0], (), bases[0].shape)
            elif owner is not None:
                x = mapped(owner, lambda leaf: leaf if leaf.base in bases else None)
        if x is None:
            x = otherwise
        assert cell.dims is not None
        if x is None:
            empty = tuple(0 if d is CARRIED else d for d in cell.dims)
            return [*[lit(0)] * cell.dims.count(CARRIED), full(zero(cell.dtype), empty)]
        sizes = [_atom(n) for n, d in zip(x.dims, cell.dims, strict=True) if d is CARRIED]
        exact = tuple(n if d is CARRIED else d for n, d in zip(x.dims, cell.dims, strict=True))
        return [*sizes, x.cast(exact).value()]


def _short(leaf: Array) -> Array:
    """The view by as few steps as possible; its dimensions may be other Vars."""
    steps = composed([step for step in leaf.steps if not isinstance(step, Cast)])
    if len(steps) == len(leaf.steps):
        return leaf
    if not steps and steps_of(leaf):
        steps = (all_of(leaf.base.shape),)
    found = Array(leaf.base, (), leaf.base.shape)
    for step in steps:
        found = found.view(step.rebuilt(step.atoms(), found.dims))
    return found


def _fits(cell: Cell, base: Base, visible: Builder) -> bool:
    return cell.dtype == base.dtype and (
        cell.dims is None or len(cell.dims) == len(base.shape))


def _atom(d: Any) -> Atom:
    return lit(d) if isinstance(d, int) else d


def cell_array(cell: Cell, dims: tuple[Dim | None, ...] | None = None) -> tuple[list[Var], Array]:
    """Fresh Vars of the open block for a cell's sizes and content, and the array of them."""
    vars, array = new_array(cell.dtype, (cell.dims or ()) if dims is None else dims)
    array.base.contiguous = cell.contiguous
    return vars, array


def new_array(dtype: np.dtype, dims: tuple[Dim | None, ...]) -> tuple[list[Var], Array]:
    """Fresh Vars of the open block for the sizes that are CARRIED and the content, and the array
    of them."""
    builder = current()
    sizes: list[Var] = []
    known: list[Dim] = []
    for d in dims:
        if d is CARRIED:
            d = dm.bound(builder.bind(I64), 0, dm.MAX_DIM)
            sizes.append(d)
        known.append(d)
    var = builder.bind(dtype, tuple(known))
    return [*sizes, var], fresh(var)


__all__ = ["Cell", "Key", "Meeting", "Path", "RefSlot", "cell_array", "common", "new_array"]
