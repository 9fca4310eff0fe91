"""The function's result and its writes to Python objects, as trees over the Program's results.

    return x[1:], {"n": n}      Container(tuple, (ViewOut(InputOut(x), ...), Container(dict, ...)))

An input comes back as the very object, a view of an input as a view of it; an array made by the
function is a fresh array, and views of one that is returned twice stay views of the same memory.
"""

from __future__ import annotations

import enum
import types
from collections import Counter, OrderedDict
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.builder import emit, lit, unsupported
from hotloop.frontend.control import unbound
from hotloop.frontend.dims import MIN
from hotloop.frontend.instances import InstanceSlot, attributes
from hotloop.frontend.list_results import RESULTS, plan_of
from hotloop.frontend.list_results import parts as list_parts
from hotloop.frontend.list_values import List, Table, Text
from hotloop.frontend.messages import has_marks
from hotloop.frontend.references import ChosenBase, leaves, leaves_of
from hotloop.frontend.session import Session, StandIn
from hotloop.frontend.slots import Either, Maybe, Unjoined
from hotloop.frontend.structure import is_named_tuple
from hotloop.frontend.traced import (
    PYTHON,
    ArrayOut,
    ChosenOut,
    Constant,
    Container,
    InputOut,
    Path,
    ScalarOut,
    ViewOut,
    WidenedOut,
)
from hotloop.frontend.tracers import Array, Base, Flat, Scalar, Widened
from hotloop.frontend.views import Broadcast, Diagonal, Index, Part, Reshape, Transpose, Windows
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL, I64
from hotloop.record import record

tables = lazy.module("hotloop.frontend.tables")
text = lazy.module("hotloop.frontend.text")

CONSTANTS = (bool, int, float, complex, str, bytes, type(None), type, np.dtype, range, slice,
             enum.Enum, frozenset, np.generic, type(Ellipsis), types.ModuleType,
             types.BuiltinFunctionType, np.ufunc, np.finfo, np.iinfo)


NOT_USERS = ("hotloop", "numpy", "scipy")
"""Whose objects are more than their attributes: stand-ins, generators, polynomials."""


@record
class MakeTuple:
    """A NamedTuple of its items."""
    type: type

    def __call__(self, items: list[Any]) -> Any:
        return self.type._make(items)  # type: ignore[attr-defined]


@record
class MakeDict:
    keys: tuple[Any, ...]

    def __call__(self, items: list[Any]) -> dict[Any, Any]:
        return dict(zip(self.keys, items, strict=True))


@record
class MakeOrdered:
    keys: tuple[Any, ...]

    def __call__(self, items: list[Any]) -> OrderedDict[Any, Any]:
        return OrderedDict(zip(self.keys, items, strict=True))


@record
class MakeObject:
    """An instance of a Python class with these attributes."""
    type: type
    names: tuple[str, ...]

    def __call__(self, items: list[Any]) -> Any:
        made: Any = object.__new__(self.type)
        for name, x in zip(self.names, items, strict=True):
            object.__setattr__(made, name, x)
        return made


def _plan_of_objects(slot: InstanceSlot) -> tuple[Any, ...]:
    kind = getattr(slot.type, "_hl_class", slot.type)
    return "made", MakeObject(kind, slot.names), tuple(map(plan_of, slot.items))


RESULTS[InstanceSlot] = _plan_of_objects


def make_slice(items: list[Any]) -> slice:
    return slice(*items)


class Results:
    """Collects the Program's results while trees are made."""

    def __init__(self, session: Session):
        self.session = session
        self.outs: list[Atom] = []
        self.bases: dict[Base, int] = {}
        self.uses: Counter[Base] = Counter()
        self.stand_ins = {id(s.made): s for s in session.stand_ins}
        self.making: set[int] = set()
        self.others: list[Atom] = []

    def add(self, atom: Atom) -> int:
        self.outs.append(atom)
        return len(self.outs) - 1

    def count(self, x: Any, seen: set[int]) -> None:
        """How often each array base is referred to in a tree."""
        if isinstance(x, Maybe):
            x = x.content
        if isinstance(x, Either):
            self.count(x.yes, seen)
            self.count(x.no, seen)
        elif isinstance(x, Array):
            if x.base.origin is not None:
                x = x.base.origin.along(x.steps)
            self.uses.update(leaf.base for leaf in leaves(x))
        elif id(x) not in seen:
            seen.add(id(x))
            if isinstance(x, tuple | list | set):
                for item in x:
                    self.count(item, seen)
            elif isinstance(x, dict):
                for item in x.values():
                    self.count(item, seen)

    def chosen(self, x: Any, other: Atom) -> Any:
        """The tree of an alternative; where `other` holds it does not count."""
        self.others.append(other)
        try:
            return self.tree(x)
        finally:
            self.others.pop()

    def tree(self, x: Any) -> Any:
        """The tree of a value."""
        if isinstance(x, Maybe):
            flag = x.flag.atom
            for other in self.others:
                flag, = emit("or", [flag, other], [(BOOL, ())])
            unbound(flag, "result")
            x = x.content
        if isinstance(x, Either):
            chosen = x.flag.atom
            k = self.add(chosen)
            yes = self.chosen(x.yes, emit("not", [chosen], [(BOOL, ())])[0])
            return ChosenOut(k, yes, self.chosen(x.no, chosen))
        if isinstance(x, Unjoined):
            raise x.error
        if isinstance(x, List) and id(x) not in self.stand_ins:
            return self.growing(x)
        if isinstance(x, Table) and id(x) not in self.stand_ins:
            return self.table(x)
        if isinstance(x, Text):
            return self.made_of(*text.result_parts(x))
        if isinstance(x, np.ndarray):
            x = self.session.captured(x)
        if isinstance(x, Array):
            if type(x) is Flat:
                raise unsupported("x.flat as a result", "return x.ravel()")
            return self.array(x)
        if isinstance(x, Widened):
            return WidenedOut(self.add(x.flag), self.add(x.atom), x.kind, x.narrow_kind,
                              x.narrow_dtype)
        if isinstance(x, Scalar):
            return ScalarOut(self.add(x.atom), x.kind)
        known = self.stand_ins.get(id(x))
        if known is not None:
            return InputOut(known.path, known.owner)
        if id(x) in self.making:
            raise unsupported("a result that contains itself")
        self.making.add(id(x))
        try:
            return self._container(x)
        finally:
            self.making.discard(id(x))

    def _container(self, x: Any) -> Any:
        kind = type(x)
        if hasattr(kind, "result_tree"):
            return x.result_tree(self)
        if kind in (tuple, list, set):
            return Container(kind, tuple(self.tree(e) for e in x))
        if is_named_tuple(x):
            return Container(MakeTuple(kind), tuple(self.tree(e) for e in x))
        if kind is OrderedDict:
            return Container(MakeOrdered(tuple(x)), tuple(self.tree(e) for e in x.values()))
        if kind is dict:
            return Container(MakeDict(tuple(x)), tuple(self.tree(e) for e in x.values()))
        if has_marks(x):
            raise unsupported("text with run-time values as a result", "return the values")
        if isinstance(x, types.FunctionType):
            if id(x.__code__) in self.session.born:
                raise unsupported("a function made by the compiled function as its result")
            place = self.session.given.place(x)
            return InputOut(*place) if place else Constant(x)
        if kind is slice:
            bounds = tuple(self.tree(e) for e in (x.start, x.stop, x.step))
            if not all(isinstance(e, Constant) for e in bounds):
                return Container(make_slice, bounds)
        if isinstance(x, CONSTANTS):
            return Constant(x)
        if hasattr(x, "__dict__") and kind.__new__ is object.__new__ and not isinstance(
                x, BaseException) and kind.__module__.split(".")[0] not in NOT_USERS:
            own = attributes(x)
            return Container(MakeObject(getattr(kind, "_hl_class", kind), tuple(own)),
                             tuple(map(self.tree, own.values())))
        raise unsupported(f"a {kind.__name__} as a result", "return arrays, numbers, tuples, dicts")

    def table(self, x: Table) -> Container:
        return self.made_of(*tables.table_parts(x))

    def growing(self, x: List) -> Container:
        return self.made_of(*list_parts(x))

    def made_of(self, make: Any, atoms: list[Any]) -> Container:
        return Container(make, tuple(
            Constant(a) if isinstance(a, int) else ArrayOut(self.add(a)) if a.shape
            else ScalarOut(self.add(a), PYTHON) for a in atoms))

    def array(self, x: Array, certain: bool = True) -> Any:
        """The tree of an array; `certain`: it is not one of several that may be the result."""
        if x.base.origin is not None:
            x = x.base.origin.along(x.steps)
        base = x.base
        if isinstance(base, ChosenBase):
            own = Counter(leaf.base for leaf in leaves_of(base))
            if any(k.path is not None or k.origin is not None or self.uses[k] > own[k]
                   for k in own):
                return ChosenOut(self.add(base.condition),
                                 self.array(base.yes.along(x.steps), False),
                                 self.array(base.no.along(x.steps), False))
            return ArrayOut(self.add(x.value()))
        if base.path is not None:
            given = InputOut(*base.path)
            return self.view(given, x) if x.steps else given
        if certain and x.steps and self.uses[base] == 1 and not x.readonly and not all(
                isinstance(step, Transpose) for step in x.steps):
            return ArrayOut(self.add(x.value()))
        if base not in self.bases:
            self.bases[base] = self.add(base.read())
        whole = ArrayOut(self.bases[base])
        return self.view(whole, x) if x.steps else whole

    def view(self, base: Any, x: Array) -> Any:
        steps: list[Any] = []
        for step in x.steps:
            if isinstance(step, Transpose):
                steps.append(("transpose", step.perm))
            elif isinstance(step, Reshape):
                steps.append(("reshape", tuple(map(self.number, step.shape))))
            elif isinstance(step, Index):
                steps.append(("index", self.index(step)))
            elif isinstance(step, Part):
                steps.append(("part", step.name))
            elif isinstance(step, Diagonal):
                steps.append(("diagonal", step.offset) if step.readonly
                             else ("einsum", "ii...->...i"))
            elif isinstance(step, Windows):
                steps.append(("windows", (self.number(step.shape[-1]), step.axis)))
            elif isinstance(step, Broadcast):
                steps.append(("broadcast", tuple(map(self.number, step.shape))))
        return ViewOut(base, tuple(steps)) if steps else base

    def number(self, d: Any) -> Any:
        if isinstance(d, int):
            return d
        return int(d.value) if isinstance(d, Lit) else {"result": self.add(d)}

    def index(self, step: Index) -> tuple[Any, ...]:
        operands = iter(step.operands)
        codes: list[Any] = []
        for code in step.codes:
            if code == ":":
                codes.append(slice(None))
            elif code == "n":
                codes.append(None)
            elif code == "i":
                codes.append(self.number(next(operands)))
            else:
                codes.append(self._slice(next(operands), next(operands), next(operands)))
        return tuple(codes)

    def _slice(self, start: Atom, size: Atom, step: Atom) -> slice:
        """NumPy's slice for (start, size, step); the stop is computed by the Program."""
        by = self.number(step)
        if isinstance(start, Lit) and isinstance(size, Lit) and isinstance(by, int):
            from_start, count = int(start.value), int(size.value)
            stop = from_start + count * by if count else from_start
            return slice(from_start, stop if stop >= 0 else None, by)
        one, (zero, n) = lit(1), (lit(0), size)
        empty, = emit("eq", [n, zero], [(BOOL, ())])
        last, = emit("add", [start, emit("mul", [emit("sub", [n, one], [(I64, ())])[0], step],
                                         [(I64, ())])[0]], [(I64, ())])
        # first and last element are in bounds; a backward slice that ends at 0 has no stop >= 0
        backward, = emit("lt", [step, zero], [(BOOL, ())])
        beyond, = emit("add", [last, emit("select", [backward, lit(-1), one], [(I64, ())])[0]],
                       [(I64, ())])
        wraps, = emit("lt", [beyond, zero], [(BOOL, ())])
        beyond, = emit("select", [wraps, lit(MIN), beyond], [(I64, ())])
        first, = emit("select", [empty, zero, start], [(I64, ())])
        beyond, = emit("select", [empty, zero, beyond], [(I64, ())])
        return slice(self.number(first), self.number(beyond), by)

    # ---- writes

    def writes(self) -> list[tuple[Path, tuple[str, Any], Any]]:
        """What the function changed in its arguments' objects."""
        found = []
        for s in self.session.stand_ins:
            for key, new in _changes(s):
                if s.owner is not None or not s.is_argument:
                    raise unsupported(f"a change of a captured {type(s.real).__name__}",
                                      "pass the object as an argument")
                found.append((s.path, key, self.growing(new.list) if isinstance(new, Copied)
                              else self.made_of(*tables.table_parts(new, True))
                              if key[0] == "whole" else self.tree(new)))
        return found


class Copied:
    """The items of a list that came in, to be written back."""

    def __init__(self, x: List):
        self.list = x


def _changes(s: StandIn) -> list[tuple[tuple[str, Any], Any]]:
    made, before = s.made, s.before
    if isinstance(made, List):
        return [(("item", slice(None)), Copied(made))] if made.changed else []
    if isinstance(made, Table):
        return [(("whole", None), made)] if any(part.changed for part in made.lists) else []
    if isinstance(made, list):
        if len(made) != len(before):
            return [(("item", slice(None)), list(made))]
        return [(("item", k), x) for k, x in enumerate(made) if x is not before[k]]
    if isinstance(made, dict):
        if any(key not in made for key in before):
            raise unsupported("removal of a key from a dict that is an argument")
        return [(("item", k), x) for k, x in made.items()
                if k not in before or x is not before[k]]
    own = object.__getattribute__(made, "__dict__")
    return [(("attr", n), x) for n, x in own.items()
            if not n.startswith("_hl_") and (n not in before or x is not before[n])]

