"""Functions traced into a block of their own, for the equations of transforms.

    region = Region(function, [x, 2.0])         # x an Array, 2.0 differentiated, too
    region.trace(lambda x, c: f(x, c, mode="fast"))
    outs = region.emit("linearize", ...)

The function sees new arrays and numbers in place of the ones it is given: they are the block's
parameters. All else that it reaches is lexical, so to the transform it is constant. What it does to
arrays, lists and objects happens once, as if it had been called: new contents are results of the
block. An array that it was given and stores to, and reaches by another way as well, is refused.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hotloop.frontend.branches import record_sharing, settled
from hotloop.frontend.branches import traced as traced_block
from hotloop.frontend.builder import (
    Builder,
    Dead,
    Restart,
    check,
    current,
    emit,
    opened,
    unsupported,
)
from hotloop.frontend.control import unbound
from hotloop.frontend.objects import Place, containers, undo
from hotloop.frontend.references import Spent
from hotloop.frontend.slots import VALUES, Maybe, Unjoined, flatten, join, make, slot_of
from hotloop.frontend.tracers import NUMPY_KIND, Array, Base, Scalar, fresh, value
from hotloop.frontend.trees import Tree
from hotloop.frontend.trees import flatten as tree_of
from hotloop.ir.core import PYTHON_DTYPES, Atom, Block, Dim, Eqn, Var
from hotloop.ir.types import I64
from hotloop.ops.table import PURE, row


class RegionBuilder(Builder):
    """The block: it remembers which outer arrays were used in it."""

    def __init__(self, parent: Builder, loop: bool = False):
        super().__init__(parent, loop)
        self.touched: set[Base] = set()

    def current(self, base: Any) -> Atom:
        found = self.values.get(base)
        if found is None:
            assert self.parent is not None
            self.touched.add(base)
            found = self.parent.current(base)
        return found


class Result:
    """A leaf of the function's result. `position` among the block's results is that of its number
    or array, None if it is no such thing; `object` is what stands for it outside. `opaque`: it has
    values that can't be differentiated (a list of run-time length)."""

    __slots__ = ("object", "opaque", "position")

    def __init__(self, obj: Any, position: int | None = None, opaque: bool = False):
        self.object, self.position, self.opaque = obj, position, opaque


class Region:
    """`given`: Arrays and Scalars in whose place the function sees parameters (`inside`).

    `lanes`: the block is run for each number below it, on rows: `given` are Arrays, and what
    stands for results outside are Arrays with a first axis more.
    """

    def __init__(self, given: Sequence[Any], lanes: Dim | None = None):
        self.parent = current()
        self.parent.state.session.transforms = True
        self.given, self.lanes = list(given), lanes
        self.results: list[Result] = []
        self.outs: list[Atom] = []
        self.vars: list[Var] = []
        self.stored: list[tuple[int, int]] = []        # (parameter, position of its new content)
        self.bases: list[tuple[Base, int]] = []
        self.spent: dict[Base, Spent] = {}
        self.places: list[tuple[Place, Any]] = []
        self.params: list[Var] = []
        self.inside: list[Any] = []
        self.lane: Var | None = None
        self.tree: Tree
        top = RegionBuilder(self.parent, loop=lanes is not None)
        self.block = top
        if lanes is not None:
            self.lane = top.iteration = top.bind(I64)
            self.block = RegionBuilder(top)
        atoms = list(map(value, self.given))
        with opened(top):
            for x, atom in zip(self.given, atoms, strict=True):
                param = top.bind(atom.dtype, atom.shape if lanes is None else atom.shape[1:])
                self.params.append(param)
                if param.shape or lanes is None and isinstance(x, Array):
                    made: Any = fresh(param)
                    made.base.contiguous = x.contiguous
                    made.base.pinned = True
                else:
                    made = Scalar(param, x.kind if isinstance(x, Scalar) else NUMPY_KIND)
                self.inside.append(made)

    def trace(self, call: Callable[[], Any], reached: Iterable[Any]) -> None:
        """Run the function on what stands for the given (`inside`); `reached`: all that it can
        reach, so that changes of older objects are seen."""
        block, outcome = self.block, []
        cell = types.CellType([roots(x) for x in reached])
        block.outer = self.parent.outer | containers({"": cell})
        try:
            died = traced_block(block, lambda: outcome.append(call()))
        except BaseException:
            undo(block.journal)
            raise
        places = list(dict.fromkeys(place for place, _ in block.journal))
        ends = [settled(place.get(), block, None) for place in places]
        undo(block.journal)
        if died:
            self._raise()
        with opened(block):
            contents = [made.base.read() if isinstance(made, Array) else param
                        for made, param in zip(self.inside, self.params, strict=True)]
        self._check_memory([a is not p for a, p in zip(contents, self.params, strict=True)])
        self.tree = tree_of(outcome[0], "the result")
        self._collect(contents, places, ends)

    def _raise(self) -> None:
        """The function always raises: so does the equation that stands for it."""
        ins = [value(x) for x in self.given]
        if self.lane is None:
            emit("checkpoint", ins, [], blocks=[Block(self.params, self.block.eqns, [])])
            raise Dead
        emit("vmap", [self.lanes, *ins], [],
             blocks=[Block([self.lane, *self.params], self.block.eqns, [])])
        check(False, ValueError, "vmap of a function that always raises over no lanes")

    # ---- memory

    def _check_memory(self, changed: list[bool]) -> None:
        """`changed`: the parameters that the function stored to."""
        block = self.block
        outside = {b for b in (*block.touched, *block.values) if b.home.encloses(self.parent)}
        stored = {b for b in block.values if b.home.encloses(self.parent)}
        for k, (x, made) in enumerate(zip(self.given, self.inside, strict=True)):
            if not isinstance(x, Array) or not isinstance(made, Array):
                continue
            memory = set(x.base.memory)
            others = [y for j, y in enumerate(self.given) if j != k and isinstance(y, Array)
                      and memory & set(y.base.memory)]
            if memory & stored or changed[k] and (memory & outside or others):
                raise unsupported(
                    "a function that stores to an array which it gets as an argument of a "
                    "transform and reaches in another way, too", "pass a copy of it")

    def _collect(self, contents: list[Atom], places: list[Place], ends: list[Any]) -> None:
        """The block's results, and Vars for them outside."""
        block = self.block
        pairs: list[tuple[Array, Array]] = []
        inside = {made.base: x for x, made in zip(self.given, self.inside, strict=True)
                  if isinstance(made, Array)}
        for leaf in self.tree.leaves:
            self.results.append(self._result(leaf, inside, pairs))
        for k, (now, param) in enumerate(zip(contents, self.params, strict=True)):
            if now is not param:
                self.stored.append((k, self._add(now, param.shape)))
        for base, found in list(block.values.items()):
            if not base.home.encloses(self.parent):
                continue
            if isinstance(found, Spent):
                if self.lane is not None:
                    raise Restart(found.key)        # the next lane would ask for it
                self.spent[base] = found
                continue
            with opened(block):
                self.bases.append((base, self._add(base.read(), base.shape)))
        if self.lane is not None and (self.bases or places):
            what = "an array" if self.bases else f"a {type(places[0].owner).__name__}"
            raise unsupported(f"vmap of a function that changes {what} which all lanes share",
                              "return the values, or write a for loop over the lanes")
        for place, end in zip(places, ends, strict=True):
            _, joined = self._slot(end, place, pairs)
            self.places.append((place, joined))
        record_sharing(pairs, self.parent)

    def _add(self, atom: Atom, shape: tuple[Dim, ...]) -> int:
        self.outs.append(atom)
        self.vars.append(self.parent.bind(
            atom.dtype, shape if self.lanes is None else (self.lanes, *shape)))
        return len(self.outs) - 1

    def _result(self, x: Any, inside: dict[Base, Any], pairs: list[Any]) -> Result:
        if isinstance(x, Maybe):
            with opened(self.block):
                unbound(x.flag.atom, "result")
            x = x.content
        if isinstance(x, Unjoined):
            raise x.error
        if isinstance(x, np.ndarray):
            with opened(self.block):
                x = self.block.state.session.captured(x)
        if type(x) in VALUES:
            if self.lane is not None:
                raise unsupported(f"vmap of a function that returns a {_name(x)} of run-time "
                                  "length", "return an array")
            return Result(self._slot(x, "_hl_result", pairs)[1], None, True)
        if not isinstance(x, Array | Scalar | np.generic) and type(x) not in PYTHON_DTYPES:
            return Result(x)
        if self.lane is not None:
            return self._row(x)
        position, made = self._slot(x, "_hl_result", pairs)
        if isinstance(x, Array):
            if x.seen_by(self.parent):
                return Result(x, position)
            given = inside.get(x.base)
            if given is not None and all(self.parent.sees(a) for step in x.steps for a in (
                    *getattr(step, "operands", ()), *step.shape)):
                return Result(given.along(x.steps), position)
        return Result(made, position)

    def _row(self, x: Any) -> Result:
        """A lane's result: a row of an array."""
        if isinstance(x, Array):
            self._hoist(x.dims)
            if not all(map(self.parent.sees, x.dims)):
                raise unsupported("vmap of a function whose result has a size that differs from "
                                  "lane to lane", "return an array of a fixed size")
        with opened(self.block):
            atom = value(x)
        position = self._add(atom, atom.shape)
        return Result(fresh(self.vars[position]), position)

    def _slot(self, x: Any, name: Any, pairs: list[Any]) -> tuple[int, Any]:
        """Results for a value, and the object of their Vars; the position of the last one."""
        if isinstance(x, Array):
            self._hoist(x.dims)
        with opened(self.parent):
            slot = slot_of(x)
            slot = join(slot, slot, self.parent, name)
            made, joined = make(slot)
        with opened(self.block):
            self.outs += flatten(x, slot)
        self.vars += made
        if isinstance(x, Array):
            pairs.append((x, joined))
        return len(self.outs) - 1, joined

    def _hoist(self, dims: Iterable[Dim]) -> None:
        """Compute dimensions outside of the block, where what they are made of is known there."""
        block, parent = self.block, self.parent
        makers = {out: eqn for eqn in block.eqns for out in eqn.outs}
        wanted: list[Eqn] = []

        def movable(var: Any) -> bool:
            if parent.sees(var) or makers.get(var) in wanted:
                return True
            eqn = makers.get(var)
            if eqn is None or eqn.blocks or eqn.op.effect != PURE or not row(eqn).total or any(
                    o.shape for o in eqn.outs) or not all(map(movable, eqn.ins)):
                return False
            wanted.append(eqn)
            return True

        for d in dims:
            if isinstance(d, Var) and not parent.sees(d):
                mark = len(wanted)
                if not movable(d):
                    del wanted[mark:]
        for eqn in wanted:
            block.eqns.remove(eqn)
            parent.eqns.append(eqn)
            for out in eqn.outs:
                block.state.home[out] = parent
                if out in block.bounds:
                    parent.bounds.setdefault(out, block.bounds[out])

    # ---- the equation

    def emit(self, name: str, ins: Sequence[Any], more: Sequence[Any] = (),
             **params: Any) -> list[Var]:
        """Append the equation and make its results the new contents; gives the results `more`."""
        params_ = self.params if self.lane is None else [self.lane, *self.params]
        block = Block(params_, self.block.eqns, self.outs)
        found = emit(name, ins, [*self.vars, *more], blocks=[block], **params)
        for base, k in self.bases:
            self.parent.values[base] = self.vars[k]
        self.parent.values.update(self.spent)
        for place, joined in self.places:
            place.set(joined)
        return found[len(self.vars):]

    def write_back(self) -> None:
        """Store to the arrays that were given what the function stored to them."""
        for k, position in self.stored:
            self.given[k].assign(self.vars[position])

    def differentiable(self, leaves: Iterable[Result]) -> tuple[int, ...]:
        """Positions of the block's results that have tangents, among those of `leaves`."""
        leaves = list(leaves)
        for r in leaves:
            if r.opaque:
                raise unsupported(f"the derivative of a {_name(r.object)} of run-time length",
                                  "return an array, or return it beside the value with has_aux")
        return tuple(r.position for r in leaves
                     if r.position is not None and self.outs[r.position].dtype.kind in "fc")

    def result(self) -> Any:
        """What the function returned."""
        return self.tree.build([r.object for r in self.results])


def _name(x: Any) -> str:
    return type(x).__name__.lower()


def roots(f: Any) -> Any:
    """A callable with what it reaches while it is traced: the function over stand-ins."""
    if isinstance(f, types.FunctionType):
        if (f.__module__ or "").split(".")[0] in ("hotloop", "numpy"):
            return f
        return current().state.session.traceable(f) or f
    if isinstance(f, types.MethodType):
        return roots(f.__func__), f.__self__
    inner = getattr(f, "__wrapped__", None) or getattr(f, "fn", None)
    return (f, roots(inner)) if callable(inner) else f

