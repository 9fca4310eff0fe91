"""`vjp` and `linearize`: the linear half as an object that is called with tangents.

    y, pullback = vjp(f, x)         y, t = linearize x { f }
    pullback(ct)                    g = pullback t ct

While tracing, a `Half` emits such equations. Given back to Python, it becomes a `SavedHalf`: what
the linear half needs are further results of the Program, and the half itself is a Program of its
own (`transforms.expand` makes it), which is compiled when it is first called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.frontend.builder import CONTEXT, current
from hotloop.frontend.derivatives import Linearized
from hotloop.frontend.tangents import argument_names, as_like, tangents_like
from hotloop.frontend.traced import ArrayOut, Container, ScalarOut
from hotloop.frontend.tracers import NUMPY_KIND, Scalar, fresh, reshaped, value, zero
from hotloop.frontend.transform import Chosen, Transform
from hotloop.ir.core import Atom, Block, Dim, Lit, Program, Var, rename
from hotloop.record import record


@record(eq=False)
class Side:
    """A tree on one side of a linear half. `build` makes it of its leaves; `where[k]` is leaf k's
    place among those with tangents, or None; `kinds` are theirs, None for arrays."""
    build: Callable[[Sequence[Any]], Any]
    where: tuple[int | None, ...]
    names: tuple[str, ...]
    kinds: tuple[str | None, ...]

    def atoms(self, what: str, objects: Sequence[Any], given: Any) -> list[Atom]:
        """The atoms of a tree of tangents; `objects` are what they are tangents of."""
        return tangents_like(what, objects, self.names, self.where, self.where, given)

    def made(self, found: Sequence[Any]) -> Any:
        return self.build([None if k is None else found[k] for k in self.where])


def _kind(x: Any) -> str | None:
    return x.kind if isinstance(x, Scalar) else None


def argument_side(found: Linearized, k: int) -> Side:
    chosen = found.chosen
    at = [p for p in chosen.where[k] if p is not None]
    place = {p: i for i, p in enumerate(at)}
    return Side(chosen.trees[k].build, tuple(None if p is None else place[p]
                                             for p in chosen.where[k]),
                tuple(chosen.names[p] for p in at), tuple(_kind(chosen.objects[p]) for p in at))


def result_side(found: Linearized) -> Side:
    own = [r for r in found.leaves if r.position in found.outs]
    names = [n for n, r in zip(found.tree.names, found.leaves, strict=True)
             if r.position in found.outs]
    return Side(found.tree.build, tuple(found.places), tuple(names),
                tuple(_kind(r.object) for r in own))


class Linear(Transform):
    """`(*primals)` -> the result and its Half; options: forward, has_aux."""

    title = "linearize"

    def traced(self, *primals: Any) -> Any:
        forward, has_aux = self.options
        what = "linearize" if forward else "vjp"
        chosen = Chosen(what, primals, argument_names(self.fn, len(primals)), strict=False)
        found = Linearized(what, chosen, self.call, [self.fn, primals], has_aux)
        half = Half(found, forward)
        return (found.result, half, found.aux) if has_aux else (found.result, half)


@record(eq=False)
class Shape:
    """What is known of a half without its values."""
    forward: bool
    arguments: tuple[Side, ...]
    result: Side

    @property
    def what(self) -> str:
        return "linearize" if self.forward else "vjp"

    @property
    def inputs(self) -> tuple[Side, ...]:
        return self.arguments if self.forward else (self.result,)

    def read(self, objects: Sequence[Any], given: tuple[Any, ...]) -> list[Atom]:
        """The atoms of the tangents of a call; `objects` are what they belong to, in order."""
        if len(given) != len(self.inputs):
            what = f"{len(self.inputs)} tangents" if self.forward else "one cotangent"
            raise TypeError(f"{self.what}: the function takes {what}, not {len(given)}")
        atoms: list[Atom] = []
        for side, x in zip(self.inputs, given, strict=True):
            own = objects[len(atoms):len(atoms) + len(side.names)]
            atoms += side.atoms(self.what, own, x)
        return atoms

    def made(self, found: Sequence[Any]) -> Any:
        """The result of a call from tangents."""
        if self.forward:
            return self.result.made(found)
        parts, at = [], 0
        for side in self.arguments:
            parts.append(side.made(found[at:at + len(side.names)]))
            at += len(side.names)
        return tuple(parts)


class Half:
    """The linear half while tracing."""

    def __init__(self, found: Linearized, forward: bool):
        self.found = found
        self.shape = Shape(forward, tuple(
            argument_side(found, k) for k in range(len(found.chosen))), result_side(found))

    def __call__(self, *given: Any) -> Any:
        found = self.found
        outs = [r.object for r in found.leaves if r.position in found.outs]
        args = found.chosen.objects
        if self.shape.forward:
            atoms, like = found.pushforward(self.shape.read(args, given)), outs
        else:
            atoms, like = found.pullback(self.shape.read(outs, given)), args
        return self.shape.made([as_like(a, x) for a, x in zip(atoms, like, strict=True)])

    def result_tree(self, results: Any) -> HalfOut:
        """How it is given back to Python."""
        return HalfOut(results.add(self.found.token), self.shape)


# ---- given back to Python

@record
class HalfOut:
    """In a tree of results, before `transforms.expand`: the half of the token that is result k."""
    k: int
    shape: Shape


def wanted(tree: Any) -> dict[int, bool]:
    """The tokens among the results, and whether their forward halves are wanted."""
    if isinstance(tree, HalfOut):
        return {tree.k: tree.shape.forward}
    found: dict[int, bool] = {}
    for item in getattr(tree, "items", ()) if isinstance(tree, Container) else ():
        found.update(wanted(item))
    return found


def filled(tree: Any, halves: dict[int, tuple[Program, int]], outs: Sequence[Atom]) -> Any:
    """The tree with what `transforms.expand` made of the tokens: a Program whose first parameters
    are the results from a position on."""
    if isinstance(tree, HalfOut):
        program, first = halves[tree.k]
        count = len(program.params) - sum(len(side.names) for side in tree.shape.inputs)
        return Container(MakeHalf(tree.shape, program), tuple(
            ArrayOut(k) if outs[k].shape else ScalarOut(k, NUMPY_KIND)
            for k in range(first, first + count)))
    if isinstance(tree, Container):
        return Container(tree.make, tuple(filled(item, halves, outs) for item in tree.items))
    return tree


class MakeHalf:
    """Saved values -> the half as a function."""

    def __init__(self, shape: Shape, program: Program):
        self.half = ProgramHalf(shape, program)

    def __call__(self, saved: list[Any]) -> SavedHalf:
        return SavedHalf(self.half, tuple(saved))


class SavedHalf:
    """The linear half at a point: a function of tangents, or of a cotangent."""

    def __init__(self, half: ProgramHalf, saved: tuple[Any, ...]):
        self.half, self.saved = half, saved

    def __call__(self, *given: Any) -> Any:
        if CONTEXT.builder is not None:
            return self.half.traced(self.saved, given)
        if self.half.compiled is None:
            assert Transform.compile is not None
            self.half.compiled = Transform.compile(self.half)
        return self.half.compiled(self.saved, given)


def linear_half() -> None:
    """What a ProgramHalf has in place of a user's function."""


class ProgramHalf(Transform):
    """`(saved, tangents)`: a linear Program as a function to be compiled."""

    title = "derivative"
    parameters = inspect.Signature([
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in ("saved", "tangents")])

    def __init__(self, shape: Shape, program: Program):
        super().__init__(linear_half, signature=self.parameters)
        self.options = (id(self),)
        self.shape, self.program = shape, program
        self.compiled: Any = None

    def traced(self, saved: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        program, builder = self.program, current()
        params = program.params[:len(saved)]
        atoms = list(map(value, saved))
        env: dict[Any, Atom] = dict(zip(params, atoms, strict=True))
        for param, atom in zip(params, atoms, strict=True):
            for d, now in zip(param.shape, atom.shape, strict=True):
                if isinstance(d, Var):      # sizes are those of the arrays
                    env[d] = now if isinstance(now, Var) else Lit(now)

        def dim(d: Dim) -> Dim:
            atom = env.get(d, d) if isinstance(d, Var) else d
            return int(atom.value) if isinstance(atom, Lit) else atom

        for param, atom in zip(params, atoms, strict=True):
            if param.shape:                 # sizes that the Program knows, or knows as equal
                env[param] = reshaped(atom, tuple(map(dim, param.shape)))
        kinds = [kind for side in self.shape.inputs for kind in side.kinds]
        inputs = program.params[len(saved):]
        objects = [fresh(builder.bind(p.dtype, tuple(map(dim, p.shape)))) if kind is None
                   else Scalar(zero(p.dtype), kind) for p, kind in zip(inputs, kinds, strict=True)]
        env.update(zip(inputs, self.shape.read(objects, tangents), strict=True))
        made = rename(Block((), program.eqns, program.outs), env)
        builder.eqns += made.eqns
        for eqn in made.eqns:
            for out in eqn.outs:
                builder.state.home[out] = builder
        others = (self.shape.result,) if self.shape.forward else self.shape.arguments
        kinds = [kind for side in others for kind in side.kinds]
        return self.shape.made([fresh(a) if kind is None else Scalar(a, kind)
                                for a, kind in zip(made.outs, kinds, strict=True)])

