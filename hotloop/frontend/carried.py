"""What a loop carries from one iteration to the next, as far as its traces have shown.

    for i in range(n):        s: a number           types["s"] is its slot
        s += x[i]             x: never rebound      held: it refers to what it did before the loop
        a, b = b, a           a, b: exchanged       swapped
        y = y * 2             y: a new array        given, if nobody else needs the first one
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend.branches import arrays_in, references
from hotloop.frontend.builder import current, here
from hotloop.frontend.exchange import Flags
from hotloop.frontend.jumps import VALUE
from hotloop.frontend.list_values import List, Table
from hotloop.frontend.loop import Loop
from hotloop.frontend.meeting import Cell, Meeting, Path, RefSlot
from hotloop.frontend.objects import UNBOUND, Place, Slot, get
from hotloop.frontend.references import ChosenBase
from hotloop.frontend.slots import join, slot_of
from hotloop.frontend.tracers import Array, Base
from hotloop.ir.core import Block, Var


class Attempt:
    """One trace of a loop's body with the carried types assumed so far."""

    def __init__(self) -> None:
        self.params: dict[Slot, list[Var]] = {}
        self.cells: dict[Cell, tuple[list[Var], Array]] = {}
        self.flags: Flags = []
        self.lists: dict[Slot, list[List]] = {}
        self.start: dict[Slot, Any] = {}
        self.end: dict[Slot, Any] = {}
        self.places: list[Place] = []
        self.test_block: Block | None = None
        self.index: Var | None = None


class Carried:
    """What a loop carries, as far as its traces have shown.

    `types`: of the slots; `held`: those that still refer to what they did before the loop (no trace
    has shown otherwise), which need not be carried. Arrays are references (`meeting`): `start` is
    the path into the loop. `given`: slots whose array of before the loop nobody else needs: the
    loop has its memory. `swapped`: slots that exchange whole arrays of before the loop, see
    `exchange`; None if they turned out not to.
    """

    def __init__(self, loop: Loop):
        self.loop, self.parent = loop, current()
        self.head = set(loop.head)
        if get(loop.cells, VALUE) is UNBOUND:
            self.head.discard(VALUE)       # a loop that has set the function's result has ended
        # a new array is in the cell of the first name: one that the next iteration reads
        self.slots: list[Slot] = sorted(loop.slots, key=lambda n: n not in self.head)
        self.initial: dict[Slot, Any] = {}
        self.types: dict[Slot, Any] = {}
        self.held: set[Slot] = set()
        self.meeting = Meeting(self.parent)
        self.start = Path(self.meeting)
        self.given: dict[Slot, Base] = {}
        self.refused: set[Slot] = set()
        self.swapped: list[Slot] | None = []
        self.key = here()
        for n in self.slots:
            self.initial[n] = get(loop.cells, n)
        self.begin()

    def add(self, p: Place) -> None:
        """A Place that the body writes."""
        self.slots.insert(len(self.head), p)
        self.head.add(p)
        self.initial[p] = p.get()
        self.begin()

    def begin(self) -> None:
        """Types from before the loop, whatever the traces have shown so far."""
        self.start = Path(self.meeting)
        self.start.count([a for n in self.slots for a in arrays_in(self.initial[n], (n,))])
        for n, base in self.given.items():
            self.start.give(base, (n,))
        for n in self.swapped or ():
            self.start.give(self.initial[n].base, (n,))
        for n in self.slots:
            if n not in self.types and n in self.head and isinstance(self.initial[n], (
                    Array if isinstance(n, Place) else Array | List | list | dict | Table)):
                self.held.add(n)
            if n in self.held:
                self.types[n] = None
                continue
            if n not in self.head:
                self.types.setdefault(n, None)
            else:
                before = slot_of(self.initial[n], self.start, (n,))
                known = self.types.get(n)
                self.types[n] = before if known is None or known == before else join(
                    known, before, self.parent, n)

    def eligible(self, n: Slot) -> bool:
        """Does nobody else seem to need the slot's array of before the loop?"""
        x = self.initial[n]
        base = x.base
        return (not x.steps and base.path is None and not base.pinned
                and not isinstance(base, ChosenBase) and base.origin is None
                and not base.readonly and n not in self.refused
                and (self.key, str(n)) not in self.parent.state.wary
                and self.parent.redirect(base) is None and self.start.uses[base] == 1
                and not any(b is not base and b.live for b in base.group))

    def drop(self, n: Slot) -> None:
        """The slot ends as another array than it was before the loop."""
        self.held.discard(n)
        if isinstance(self.initial[n], Array) and self.eligible(n):
            self.given[n] = self.initial[n].base

    def exchange(self, swapped: list[Slot] | None) -> None:
        """Let these slots exchange their arrays."""
        for n in (*(self.swapped or ()), *(swapped or ())):
            self.held.discard(n)
            self.types[n] = None
        self.swapped = swapped
        self.begin()

    def cells(self) -> list[Cell]:
        """The cells that the slots' arrays are in."""
        found = [a.target for n in self.slots for ref in references(self.types[n])
                 for a in ref.alternatives if isinstance(a.target, Cell)]
        found += self.start.labels.values()
        return list(dict.fromkeys(found))

    def kept_equal(self, cell: Cell) -> RefSlot | None:
        """The reference whose content the cell has, whichever array that is."""
        for n in self.slots:
            for ref in references(self.types[n]):
                if (*ref.key, 0) == cell.key and self.meeting.cached(ref) is cell:
                    return ref
        return None
