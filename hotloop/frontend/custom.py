"""Functions with derivatives of their own: both are traced where the function is called.

    y = custom_jvp x { f } { lambda x t. the rule in (tangent,) }
    y = custom_vjp x { f } { forward in (y, *saved) } { lambda *saved ct. backward in (cts) }

Outside of compiled code such an object is the plain function. The rule may call the function again:
beyond `DEPTH` rules inside each other it is the plain function too. Rules given later replace those
that were compiled: they are globals of a function that only guards know (`given`).
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.frontend.builder import CONTEXT, current, emit, opened, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.regions import Region
from hotloop.frontend.tangents import argument_names, as_like, fitted
from hotloop.frontend.tracers import Array, Scalar, full, zero
from hotloop.frontend.transform import Chosen, unwrapped
from hotloop.frontend.trees import flatten
from hotloop.ir.core import Atom, Block, Var

DEPTH = 2


class Custom:
    """A function, and whether its rules are being traced."""

    title = "custom"
    names: tuple[str, ...] = ()
    """What its rules are called."""

    def __init__(self, fn: Callable[..., Any]):
        if not callable(fn):
            raise TypeError(f"{self.title} takes a function, not a {type(fn).__name__}")
        self.fn = unwrapped(fn)
        self.depth = 0
        self.given = types.FunctionType((lambda: None).__code__, {
            **dict.fromkeys(self.names), "__builtins__": {}}, "given")
        self.__name__, self.__doc__ = getattr(fn, "__name__", "f"), fn.__doc__
        self.__signature__ = inspect.signature(fn)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if CONTEXT.builder is None:
            return self.fn(*args, **kwargs)
        current().state.session.depends(self.given, self.names)
        if not self.rules or self.depth >= DEPTH:
            return function(self.fn)(*args, **kwargs)
        if kwargs:
            raise unsupported(f"{self.__name__}, a {self.title} function, with keyword arguments",
                              "pass them by position")
        self.depth += 1
        try:
            return self.staged(args)
        finally:
            self.depth -= 1

    @property
    def rules(self) -> tuple[Callable[..., Any], ...]:
        """All of them, or none."""
        found = tuple(self.given.__globals__[name] for name in self.names)
        return () if None in found else found

    def staged(self, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def region(self, fn: Callable[..., Any], given: Sequence[Any], make: Callable[..., Any],
               args: tuple[Any, ...]) -> Region:
        """`fn` traced on `make(parameters)`."""
        region = Region(given)
        arguments = make(region.inside)
        state = current().state
        active, state.active = state.active, {}   # a rule may call its function (DEPTH)
        try:
            region.trace(lambda: function(fn)(*arguments), [fn, args])
        finally:
            state.active = active
        if region.stored or region.bases or region.places:
            raise unsupported(f"{self.__name__}, a {self.title} function, that changes its "
                              "arguments or what it captures", "return the new values")
        return region


class CustomJvp(Custom):
    """`defjvp(rule)`: see `hotloop.custom_jvp`."""

    title = "custom_jvp"
    names = ("rule",)

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        self.given.__globals__["rule"] = unwrapped(rule)
        return rule

    def staged(self, args: tuple[Any, ...]) -> Any:
        given_rule, = self.rules
        chosen = Chosen(self.title, args, argument_names(self.fn, len(args)), strict=False)
        objects, count = chosen.objects, len(chosen.objects)
        primal = self.region(self.fn, objects, lambda inside: [
            chosen.build(k, inside, True) for k in range(len(args))], args)
        rule = self.region(given_rule, [*objects, *objects], lambda inside: (
            tuple(chosen.build(k, inside[:count], True) for k in range(len(args))),
            tuple(chosen.build(k, inside[count:], False) for k in range(len(args)))), args)
        result = rule.tree.build([r.object for r in rule.results])
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"the rule of {self.__name__} returns (value, tangent)")
        outs = primal.differentiable(primal.results)
        leaves = len(flatten(result[0]).leaves)
        found = [rule.outs[r.position] for r in rule.results[leaves:] if r.position is not None]
        if len(found) != len(outs):
            raise TypeError(f"the rule of {self.__name__} gives {len(found)} tangents for "
                            f"{len(outs)} results")
        with opened(rule.block):
            tangents = [_typed(a, primal.vars[k], self.__name__)
                        for a, k in zip(found, outs, strict=True)]
        emit("custom_jvp", chosen.atoms, primal.vars, blocks=[
            Block(primal.params, primal.block.eqns, primal.outs),
            Block(rule.params, rule.block.eqns, tangents)], of=outs)
        return primal.result()


class CustomVjp(Custom):
    """`defvjp(forward, backward)`: see `hotloop.custom_vjp`."""

    title = "custom_vjp"
    names = ("forward", "backward")

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        self.given.__globals__.update(forward=unwrapped(forward), backward=unwrapped(backward))

    def staged(self, args: tuple[Any, ...]) -> Any:
        chosen = Chosen(self.title, args, argument_names(self.fn, len(args)), strict=False)

        def inputs(inside: Sequence[Any]) -> list[Any]:
            return [chosen.build(k, inside, True) for k in range(len(args))]

        primal = self.region(self.fn, chosen.objects, inputs, args)
        outs = primal.differentiable(primal.results)
        forward = self.region(self.rules[0], chosen.objects, inputs, args)
        result = forward.tree.build([r.object for r in forward.results])
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"the forward rule of {self.__name__} returns (value, saved)")
        leaves = len(flatten(result[0]).leaves)
        values = [r.position for r in forward.results[:leaves] if r.position is not None]
        saved = [r.position for r in forward.results[leaves:] if r.position is not None]
        with opened(forward.block):
            first = [_typed(forward.outs[k], v, self.__name__)
                     for k, v in zip(values, primal.vars, strict=True)]
        kept = [r.object for r in forward.results[leaves:] if r.position is not None]
        backward = self._backward(chosen, primal, outs, result[1], kept, args)
        emit("custom_vjp", chosen.atoms, primal.vars, blocks=[
            Block(primal.params, primal.block.eqns, primal.outs),
            Block(forward.params, forward.block.eqns,
                  [*first, *[forward.outs[k] for k in saved]]),
            backward], of=outs)
        return primal.result()

    def _backward(self, chosen: Chosen, primal: Region, outs: tuple[int, ...], saved: Any,
                  kept: list[Any], args: tuple[Any, ...]) -> Block:
        """The backward rule on what was saved and the cotangents of the results."""
        tree = flatten(saved)
        cotangents = [r.object for r in primal.results if r.position in outs]
        count = len(kept)

        def make(inside: Sequence[Any]) -> tuple[Any, Any]:
            own, cts = iter(inside[:count]), iter(inside[count:])
            return (tree.build([next(own) if _is_value(x) else x for x in tree.leaves]),
                    primal.tree.build([next(cts) if r.position in outs else None
                                       for r in primal.results]))

        region = self.region(self.rules[1], [*kept, *cotangents], make, args)
        given = region.tree.build([_Leaf(r) for r in region.results])
        if not isinstance(given, tuple) or len(given) != len(args):
            raise TypeError(f"the backward rule of {self.__name__} returns a tuple of "
                            f"{len(args)} cotangents, one for each argument")
        atoms: list[Atom] = []
        with opened(region.block):
            for k, item in enumerate(given):
                wanted = [at for at in chosen.where[k] if at is not None]
                found = [leaf.result for leaf in flatten(item).leaves] if item is not None else []
                if not found:
                    atoms += [full(zero(chosen.atoms[at].dtype), chosen.atoms[at].shape)
                              for at in wanted]
                    continue
                if len(found) != len(wanted):
                    raise TypeError(f"the backward rule of {self.__name__} gives {len(found)} "
                                    f"cotangents for argument {k}, which has {len(wanted)} values")
                atoms += [fitted(self.title, as_like(region.outs[r.position], chosen.objects[at]),
                                 chosen.objects[at], chosen.names[at])
                          for r, at in zip(found, wanted, strict=True)]
        return Block(region.params, region.block.eqns, atoms)


class _Leaf:
    """A leaf of a backward rule's result."""

    def __init__(self, result: Any):
        self.result = result


def _is_value(x: Any) -> bool:
    return isinstance(x, Array | Scalar)


def _typed(atom: Atom, like: Var, name: str) -> Atom:
    """A rule's result, of exactly the type of what it is for."""
    return fitted(name, as_like(atom, None), as_like(like, None), "the result")

