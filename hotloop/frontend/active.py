"""A function of its own while it is traced: what is known of it, and one attempt to trace it.

    attempt = Attempt(f, active)         parameters of the types that `active` has so far
    program, params = attempt.run(...)   the body traced; `active` learns types, and what it changes

`recursion` repeats this until nothing is learned any more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

from hotloop.errors import TypeInstabilityError
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import settled, traced
from hotloop.frontend.builder import (
    Builder,
    Restart,
    check,
    current,
    lit,
    opened,
    unsupported,
)
from hotloop.frontend.list_values import List, ListSlot
from hotloop.frontend.objects import UNBOUND, Place, containers, undo
from hotloop.frontend.passing import (
    Outs,
    arrays_of,
    by_content,
    general_lists,
    is_new,
    leaves,
    own_slot,
    restore,
    slot_given,
    state_of,
    vars_of,
    zeros,
)
from hotloop.frontend.references import settle_redirects
from hotloop.frontend.slots import ArraySlot, SequenceSlot, flatten, join, make, slot_of
from hotloop.frontend.tracers import Base
from hotloop.ir.core import Atom, Eqn, Lit, Program, Var
from hotloop.ir.types import I64
from hotloop.ops.invoke import Function

DEEPEST = 10_000
"""Calls inside one another that the machine's stack has room for, whatever Python's limit is."""

MESSAGE = "maximum recursion depth exceeded"


class Again(BaseException):
    """A call inside has shown that the parameters' types are wider."""


class Variable:
    """A nonlocal variable, in the form of a Place."""

    __slots__ = ("cell",)

    def __init__(self, cell: CellType):
        self.cell = cell

    def get(self) -> Any:
        try:
            return self.cell.cell_contents
        except ValueError:
            return UNBOUND

    def put(self, x: Any) -> None:
        if x is not UNBOUND:
            self.cell.cell_contents = x

    def set(self, x: Any) -> None:
        self.put(x)


class Active:
    """A function while it is traced."""

    def __init__(self, name: str, given: tuple[Any, ...]):
        self.function = Function(name)
        self.given = given
        self.limited = True                      # may it be too deep?
        self.by_content = False                  # are instances among the arguments passed so?
        self.slot: Any = slot_given(given, False)    # of the arguments, as one tuple
        self.result: Any = None                  # the slot of the result, None as long as unknown
        self.new = True                          # is the result certainly nothing that was given?
        self.bases: list[Base] = []              # arrays from outside
        self.written: set[Base] = set()
        self.writes: set[int] = set()            # leaves of the arguments that change, by place
        self.places: list[Variable | Place] = []     # variables and attributes that are assigned
        self.state: Any = SequenceSlot(tuple, ())    # ... their slots
        self.lists: list[List] = []              # lists from outside that change
        self.list_slots: list[ListSlot] = []
        self.depth: Var | None = None
        self.calls: list[Eqn] = []
        self.builder: Builder | None = None

    def known(self) -> tuple[Any, ...]:
        """What must be the same in two attempts."""
        return (self.slot, self.result, self.new, len(self.bases), set(self.written),
                set(self.writes), self.state, list(self.list_slots))

    def accept(self, given: tuple[Any, ...]) -> None:
        """Further arguments, whose types may be wider than those so far."""
        root = current().state.session.root
        try:
            wide = join(self.slot, slot_given(given, self.by_content), root,
                        self.function.__name__)
        except TypeInstabilityError:
            if self.by_content:
                raise
            self.by_content = True
            self.slot = slot_given(self.given, True)
            raise Again from None
        if wide != self.slot:
            self.slot = wide
            raise Again


class Attempt:
    """One trace of the function, with the types found so far."""

    def __init__(self, f: Any, active: Active):
        self.active, self.outer = active, current()
        cells = variables(f)
        builder = self.builder = active.builder = Builder(self.outer, loop=True)
        builder.outer = self.outer.outer | containers(
            {str(k): cell for k, cell in enumerate(cells)} | {"": CellType(active.given)})
        active.calls = []
        with opened(builder):
            active.depth = builder.bind(I64, (), "depth")
            self.vars, self.made = make(active.slot)
            self.leaves = leaves(active.slot, self.made)
            for array in arrays_of(self.made):
                array.base.pinned = True
            self.kept, contents = make(active.state)
            self.lent = [make(slot) for slot in active.list_slots]
        self.starts = {leaf.at: state_of(leaf.value) for leaf in self.leaves
                       if isinstance(leaf.slot, ListSlot)}
        for place, x in zip(active.places, contents, strict=True):
            place.put(x)
        for y, (_, now) in zip(active.lists, self.lent, strict=True):
            restore(y, state_of(now)[:3])
        self.variables = [(v, v.get()) for v in map(Variable, cells)]
        self.body = Builder(builder)

    def run(self, bound: Callable[..., Any], count: int,
            names: tuple[str, ...]) -> tuple[Program, list[Var]]:
        active, body = self.active, self.body
        outcome: list[Any] = []

        def run() -> None:
            assert active.depth is not None
            if active.limited:
                limit = lit(min(sys.getrecursionlimit(), DEEPEST))
                check(dm.compare("lt", active.depth, limit), RecursionError, MESSAGE)
            values = list(self.made)
            outcome.append(bound(*values[:count],
                                 **dict(zip(names, values[count:], strict=True))))
        active_before = dict(body.state.active)
        try:
            died = traced(body, run)
            for found in settle_redirects(body, self.builder).values():
                raise Restart(found.key)           # the next call asks for it
            body.state.active = active_before
            with opened(body):
                result = None if died else by_content(
                    settled(outcome[0], body, None), self.builder.outer)
                self.find_changes(died)
                ends = [List(x.data, x.length.dim, x.start.dim, x.queue) for x in active.lists]
        finally:
            undo(body.journal)
        with opened(body):
            outs = Outs()
            if not died:
                self.returned(result)
            if active.result is not None:
                template = vars_of(active.result)
                outs.result(template, zeros(template) if died else flatten(
                    result, active.result))
            outs.scalars += flatten(tuple(x for x in self.ends), active.state)
            self.changed_arguments(outs, died)
            for y, (own, _), slot in zip(ends, self.lent, active.list_slots, strict=False):
                outs.changed(own, flatten(y, slot))
        return self.program(outs)

    def find_changes(self, died: bool) -> None:
        """What the body has assigned outside of itself."""
        active, body, outer = self.active, self.body, self.outer
        known = {id(p.cell) for p in active.places if isinstance(p, Variable)}
        new: list[Variable | Place] = [
            v for v, x in self.variables if v.get() is not x and id(v.cell) not in known]
        for place in dict.fromkeys(place for place, _ in body.journal):
            if not isinstance(place.owner, List):
                if place not in active.places:
                    new.append(place)
            elif not any(place.owner is x for x in active.lists):
                active.lists.append(place.owner)
                active.list_slots.append(own_slot(place.owner))
        firsts = dict.fromkeys(new)
        for place, x in body.journal:
            if place in firsts and firsts[place] is None:
                firsts[place] = general_lists(slot_of(x))
        for v, x in self.variables:
            for w in new:
                if w is v:
                    firsts[w] = slot_of(x)
        active.places += new
        before = (*active.state.items, *(firsts[place] for place in new))
        self.ends = [place.get() for place in active.places]
        after = before if died else tuple(map(slot_of, self.ends))
        active.state = SequenceSlot(tuple, tuple(
            join(p, q, outer, "a nonlocal variable") for p, q in zip(before, after, strict=True)))
        if any(v.shape for v in vars_of(active.state)):
            raise unsupported("a recursive function that assigns an array or list to a nonlocal "
                              "variable or attribute", "change the array or list instead")
        if not died:
            active.list_slots = [join(slot, own_slot(x), outer, "a list") for slot, x in zip(
                active.list_slots, active.lists, strict=True)]

    def returned(self, result: Any) -> None:
        """The type of what the body has returned joins those of other attempts."""
        active = self.active
        active.new = active.new and is_new(result, self.body)
        new = general_lists(slot_of(result))
        first = new if active.result is None else active.result
        active.result = join(first, new, self.outer, "the result")

    def changed_arguments(self, outs: Outs, died: bool) -> None:
        """Arrays and lists among the arguments, as they are now."""
        active = self.active
        for leaf in self.leaves:
            own = self.vars[leaf.at:leaf.at + leaf.count]
            if isinstance(leaf.slot, ListSlot):
                now = state_of(leaf.value)
                then = self.starts[leaf.at]
                if len(now) != len(then) or any(
                        p is not q for p, q in zip(now, then, strict=True)):
                    active.writes.add(leaf.at)
            elif isinstance(leaf.slot, ArraySlot) and content_of(
                    self.body, leaf.value.base) is not own[-1]:
                active.writes.add(leaf.at)
        if not died:
            now_slot = slot_given(self.made, True) if active.by_content else slot_given(
                self.made, False)
            wide = join(active.slot, now_slot, self.outer, "an argument")
            if wide != active.slot:
                active.slot = wide
                raise Again
        for leaf in self.leaves:
            if leaf.at in active.writes:
                own = self.vars[leaf.at:leaf.at + leaf.count]
                if isinstance(leaf.slot, ListSlot):
                    outs.changed(own, flatten(leaf.value, leaf.slot))
                else:
                    outs.arrays.append((content_of(self.body, leaf.value.base), own[-1], None))

    def program(self, outs: Outs) -> tuple[Program, list[Var]]:
        active, builder, body = self.active, self.builder, self.body
        assert active.depth is not None
        params = [active.depth, *self.vars, *self.kept, *(v for own, _ in self.lent for v in own)]
        for base in list(body.values):
            if base.home.encloses(self.outer):
                builder.current(base)
        for base in builder.base_params:
            if base not in active.bases:
                active.bases.append(base)
        for base in active.bases:
            if base not in builder.base_params:
                builder.current(base)
            param = builder.base_params[base][0]
            params.append(param)
            now = content_of(body, base)
            if now is not param:
                active.written.add(base)
            if base in active.written:
                outs.arrays.append((now, param, None))
        for made, atom, rows in outs.made:
            own = made.param(builder)
            params += own
            outs.arrays.append((atom, own[-1], rows))
        into: list[Var | None] = [None] * len(outs.scalars)
        into += [param for _, param, _ in outs.arrays]
        active.function.rows = {params.index(param): rows for _, param, rows in outs.arrays
                                if rows is not None}
        program = Program(params, body.eqns, [*outs.scalars, *(a for a, _, _ in outs.arrays)],
                          active.function.__name__, into)
        return program, params


def variables(f: Any) -> list[CellType]:
    """The nonlocal variables that a function, or one that it reaches, may assign."""
    found: dict[int, CellType] = {}
    todo: list[Any] = [f]
    while todo:
        x = todo.pop()
        for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
            if id(cell) in found or name.startswith("_hl"):
                continue
            found[id(cell)] = cell
            content = Variable(cell).get()
            if isinstance(content, FunctionType):
                todo.append(content)
    return list(found.values())


def content_of(builder: Builder, base: Base) -> Atom:
    now = builder.current(base)
    if not isinstance(now, Var | Lit):
        raise unsupported("a recursive function that uses an array which a name may or may not "
                          "share", "copy the array before")
    return now
