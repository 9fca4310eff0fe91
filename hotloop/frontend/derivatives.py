"""Derivatives while tracing: `linearize` equations, and `pullback` and `pushforward` of them.

    grad(f)(x)      y, t = linearize x { f };  g = pullback t 1.0
    jvp(f, x, v)    y, dy = jvp x v { f }

`transforms.expand` replaces them by plain equations before anything else looks at the Program, the
inner ones first; so any transform may stand in the function of another.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.frontend.builder import current, emit, unsupported
from hotloop.frontend.regions import Region
from hotloop.frontend.tangents import argument_names, as_like, tangents_like
from hotloop.frontend.tracers import Array, dims_of, dtype_of, full, value, zero
from hotloop.frontend.transform import Chosen, Transform, active, kind_of
from hotloop.frontend.trees import children, flatten, mutable_parts
from hotloop.ir.core import Atom, Lit, Var
from hotloop.ir.types import I64

Argnums = int | str | tuple[int | str, ...]


class Linearized:
    """`fn` traced at `chosen`: its result, and the token of its derivative."""

    def __init__(self, what: str, chosen: Chosen, call: Callable[..., Any],
                 reached: Sequence[Any], has_aux: bool = False):
        self.what, self.chosen = what, chosen
        region = Region(chosen.objects)
        given = [chosen.build(k, region.inside, True) for k in range(len(chosen))]
        held = _Held(given)
        region.trace(lambda: call(*given), reached)
        held.check(what)
        self.result, self.aux = region.result(), None
        self.leaves, self.tree = region.results, region.tree
        if has_aux:
            if not isinstance(self.result, tuple) or len(self.result) != 2:
                raise TypeError(f"{what} with has_aux needs a function that returns "
                                "(value, other results)")
            self.result, self.aux = self.result
            self.tree = flatten(self.result, "the result")
            self.leaves = self.leaves[:len(self.tree.leaves)]
        self.outs = region.differentiable(self.leaves)
        self.token, = region.emit("linearize", chosen.atoms, [(I64, ())], of=self.outs)
        self.values = [region.vars[k] for k in self.outs]
        region.write_back()

    @property
    def places(self) -> list[int | None]:
        """Of each leaf of the result, its place among the results with tangents."""
        return [self.outs.index(r.position) if r.position in self.outs else None
                for r in self.leaves]

    def pullback(self, cotangents: Sequence[Atom], of: Sequence[int] | None = None) -> list[Var]:
        atoms = self.chosen.atoms
        of = range(len(self.outs)) if of is None else of
        return emit("pullback", [self.token, *cotangents, *atoms],
                    [(a.dtype, a.shape) for a in atoms], of=tuple(of))

    def pushforward(self, tangents: Sequence[Atom], wrt: Sequence[int] | None = None) -> list[Var]:
        wrt = range(len(self.chosen.atoms)) if wrt is None else wrt
        return emit("pushforward", [self.token, *tangents, *self.values],
                    [(a.dtype, a.shape) for a in self.values], wrt=tuple(wrt))

    def wrapped(self, k: int, atoms: Sequence[Atom]) -> Any:
        """Argument k's tree around atoms of the types of the arguments' values."""
        return self.chosen.build(k, [as_like(atom, x) for atom, x in zip(
            atoms, self.chosen.objects, strict=True)], False)


class _Held:
    """The lists, dicts and objects made for the function: it must leave them as they are."""

    def __init__(self, given: list[Any]):
        self.parts = [(x, dict(_content(x))) for tree in given for x in mutable_parts(tree)]

    def check(self, what: str) -> None:
        for x, before in self.parts:
            now = dict(_content(x))
            if now.keys() != before.keys() or any(now[k] is not before[k] for k in now):
                raise unsupported(
                    f"{what} of a function that changes the {type(x).__name__} which it is "
                    "differentiated with respect to", "let it make a new one")


def _content(x: Any) -> Any:
    if isinstance(x, list):
        return enumerate(x)
    return (x if isinstance(x, dict) else x.__dict__).items()


def positional(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[
        list[Any], dict[str, Any], list[str]]:
    """The arguments of a call by position as far as possible, and the names of those."""
    signature = inspect.signature(fn)
    bound = signature.bind(*args, **kwargs)
    names = list(signature.parameters)
    return list(bound.args), bound.kwargs, [
        names[k] if k < len(names) and signature.parameters[names[k]].kind
        is not inspect.Parameter.VAR_POSITIONAL else f"argument {k}"
        for k in range(len(bound.args))]


class Wrt(Transform):
    """A Transform of some of the arguments, by `argnums`: positions and names."""

    def choose(self, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any],
               has_aux: bool = False) -> Linearized:
        given, named, names = positional(self, args, kwargs)
        wanted = (argnums,) if isinstance(argnums, int | str) else argnums
        keys: list[int | str] = []
        for k in wanted:
            if isinstance(k, str):
                k = names.index(k) if k in names else k
            elif k < 0:
                k += len(given)
            if (k not in named) if isinstance(k, str) else not 0 <= k < len(given):
                raise TypeError(f"{self.__name__}: argnums names {k!r}, but the call has "
                                f"{len(given) + len(named)} arguments: "
                                + ", ".join([*names, *named]))
            keys.append(k)
        chosen = Chosen(self.title, [named[k] if isinstance(k, str) else given[k] for k in keys],
                        [k if isinstance(k, str) else names[k] for k in keys])

        def call(*new: Any) -> Any:
            all_args, all_named = list(given), dict(named)
            for k, x in zip(keys, new, strict=True):
                if isinstance(k, str):
                    all_named[k] = x
                else:
                    all_args[k] = x
            return self.call(*all_args, **all_named)

        return Linearized(self.title, chosen, call, [self.fn, given, named], has_aux)

    def gathered(self, argnums: Argnums, parts: list[Any]) -> Any:
        """One gradient, or a tuple of them if `argnums` is one."""
        return parts[0] if isinstance(argnums, int | str) else tuple(parts)


class Grad(Wrt):
    """options: argnums, has_aux, whether the value is wanted too, holomorphic."""

    title = "grad"

    def traced(self, *args: Any, **kwargs: Any) -> Any:
        argnums, has_aux, with_value, holomorphic = self.options
        found = self.choose(argnums, args, kwargs, has_aux)
        _check_scalar(found, "c" if holomorphic else "f")
        if holomorphic and any(a.dtype.kind != "c" for a in found.chosen.atoms):
            raise TypeError("grad with holomorphic=True takes complex arguments")
        if found.outs:
            seed = Lit(1, found.values[0].dtype)
            grads: Sequence[Atom] = found.pullback([seed])
        else:
            grads = [full(zero(a.dtype), a.shape) for a in found.chosen.atoms]
        gradient = self.gathered(argnums, [
            found.wrapped(k, grads) for k in range(len(found.chosen))])
        if with_value:
            return (found.result, found.aux) if has_aux else found.result, gradient
        return (gradient, found.aux) if has_aux else gradient


def _check_scalar(found: Linearized, kind: str) -> None:
    if found.result is None or children(found.result) is not None:
        raise TypeError(
            f"{found.what} needs a function that returns one number, but it returns "
            f"{kind_of(found.result)}: with has_aux=True it may return (number, other results)")
    leaf, = found.leaves
    shape = dims_of(leaf.object) if isinstance(leaf.object, Array) else ()
    if shape:
        raise TypeError(f"{found.what} needs a function that returns one number, but it returns an "
                        f"array of rank {len(shape)}: sum it, or use jacrev or vjp")
    dtype = dtype_of(leaf.object) if leaf.position is not None else None
    if dtype is None or dtype.kind != kind:
        wanted = "a real float number" if kind == "f" else "a complex number (holomorphic=True)"
        hint = "; if it is holomorphic, say holomorphic=True" if (
            dtype is not None and dtype.kind == "c") else ""
        raise TypeError(f"{found.what} needs a function that returns {wanted}, but it "
                        f"returns {kind_of(leaf.object)}{hint}")


# ---- forward

class Jvp(Transform):
    """`(primals, tangents)`; options: has_aux."""

    title = "jvp"
    parameters = inspect.Signature([
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in ("primals", "tangents")])

    def __init__(self, fn: Callable[..., Any], *options: Any):
        super().__init__(fn, *options, signature=self.parameters)

    def traced(self, primals: Any, tangents: Any) -> Any:
        has_aux, = self.options
        primals, tangents = tuple(primals), tuple(tangents)
        if len(primals) != len(tangents):
            raise TypeError(f"jvp: {len(tangents)} tangents for {len(primals)} arguments")
        chosen = Chosen("jvp", primals, argument_names(self.fn, len(primals)), strict=False)
        atoms = [a for k, t in enumerate(tangents) for a in tangents_like(
            "jvp", chosen.objects, chosen.names, chosen.where[k], chosen.trees[k].leaves, t)]
        region = Region(chosen.objects)
        given = [chosen.build(k, region.inside, True) for k in range(len(chosen))]
        held = _Held(given)
        region.trace(lambda: self.call(*given), [self.fn, primals])
        held.check("jvp")
        result = region.result()
        if has_aux and (not isinstance(result, tuple) or len(result) != 2):
            raise TypeError("jvp with has_aux needs a function that returns "
                            "(value, other results)")
        tree = flatten(result[0]) if has_aux else region.tree
        leaves = region.results[:len(tree.leaves)]
        outs = region.differentiable(leaves)
        kinds = [(region.outs[k].dtype, region.vars[k].shape) for k in outs]
        found = region.emit("jvp", [*chosen.atoms, *atoms], kinds, of=outs)
        region.write_back()
        tangent = tree.build([
            as_like(found[outs.index(r.position)], r.object) if r.position in outs else None
            for r in leaves])
        return (result[0], tangent, result[1]) if has_aux else (result, tangent)


# ---- hints

class Checkpoint(Transform):
    """The function; where it is differentiated it is computed again instead of saved. Options:
    levels (`transforms.schedule`), 1 for all at once; slots (`transforms.revisit`), 0 for none."""

    title = "checkpoint"

    def traced(self, *args: Any, **kwargs: Any) -> Any:
        region = Region([])
        region.trace(lambda: self.call(*args, **kwargs), [self.fn, args, kwargs])
        levels, slots = self.options
        region.emit("checkpoint", [], **({"slots": slots} if slots else
                                         {"levels": levels} if levels > 1 else {}))
        return region.result()


def stop_gradient(x: Any) -> Any:
    """`x` as a constant: derivatives do not go through it."""
    tree = flatten(x)
    return tree.build([_stopped(leaf) for leaf in tree.leaves])


def _stopped(x: Any) -> Any:
    known = active("stop_gradient", x, "", False)
    if known is None:
        return x
    atom = value(known)
    if isinstance(atom, Lit):
        return x
    current().state.session.transforms = True
    return as_like(emit("stop_gradient", [atom], [(atom.dtype, atom.shape)])[0], known)

