"""Jacobians while tracing: a pullback or pushforward for each element, as lanes of a `vmap`.

    jacrev(f)(x)    y, t = linearize x { f };  vmap n { lambda lane. pullback t (unit lane) }
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, emit, opened
from hotloop.frontend.derivatives import Linearized, Wrt
from hotloop.frontend.tangents import as_like
from hotloop.frontend.tracers import Array, convert, fresh, iota, reshaped
from hotloop.ir.core import Atom, Block, Lit, Var
from hotloop.ir.types import BOOL, I64


class Jacobian(Wrt):
    """options: argnums, has_aux, forward."""

    title = "jacobian"

    def traced(self, *args: Any, **kwargs: Any) -> Any:
        argnums, has_aux, forward = self.options
        found = self.choose(argnums, args, kwargs, has_aux)
        if any(k is None for k in found.places):
            raise TypeError(f"{self.__name__} needs a function that returns float or complex "
                            "numbers or arrays")
        rows = _columns(found) if forward else _rows(found)
        objects = [r.object for r in found.leaves]
        result = found.tree.build([
            self.gathered(argnums, [
                found.chosen.build(k, [_entry(found, rows, j, i, out) for i in range(
                    len(found.chosen.objects))], False) for k in range(len(found.chosen))])
            for j, out in enumerate(objects)])
        return (result, found.aux) if has_aux else result


def _entry(found: Linearized, entries: dict[tuple[int, int], Atom], j: int, i: int,
           out: Any) -> Any:
    """d result j / d argument i"""
    atom = entries[j, i]
    if atom.shape or isinstance(out, Array):
        return fresh(atom)
    return as_like(atom, found.chosen.objects[i])


def _rows(found: Linearized) -> dict[tuple[int, int], Atom]:
    """Reverse: one pullback for each element of each result."""
    entries: dict[tuple[int, int], Atom] = {}
    atoms = found.chosen.atoms
    for j, out in enumerate(found.values):
        if not out.shape:
            stacks = list(found.pullback([Lit(1, out.dtype)], [j]))
        else:
            stacks = _for_each(out, partial(_pulled, found, j), atoms)
        for i, (stack, atom) in enumerate(zip(stacks, atoms, strict=True)):
            entries[j, i] = reshaped(stack, (*out.shape, *atom.shape))
    return entries


def _columns(found: Linearized) -> dict[tuple[int, int], Atom]:
    """Forward: one pushforward for each element of each argument."""
    entries: dict[tuple[int, int], Atom] = {}
    for i, atom in enumerate(found.chosen.atoms):
        if not atom.shape:
            stacks = list(found.pushforward([Lit(1, atom.dtype)], [i]))
        else:
            stacks = _for_each(atom, partial(_pushed, found, i), found.values)
        for j, (stack, out) in enumerate(zip(stacks, found.values, strict=True)):
            if atom.shape and out.shape:
                perm = (*range(1, len(stack.shape)), 0)
                shape = tuple(stack.shape[k] for k in perm)
                stack, = emit("transpose", [stack], [(stack.dtype, shape)], perm=perm)
            entries[j, i] = reshaped(stack, (*out.shape, *atom.shape))
    return entries


def _pulled(found: Linearized, j: int, unit: Var) -> list[Var]:
    return found.pullback([unit], [j])


def _pushed(found: Linearized, i: int, unit: Var) -> list[Var]:
    return found.pushforward([unit], [i])


def _for_each(of: Atom, apply: Callable[[Var], Sequence[Var]], like: Sequence[Atom]) -> list[Var]:
    """apply(unit array of the type of `of`) for each of its elements, stacked."""
    parent = current()
    count = dm.product(of.shape)
    block = Builder(parent)
    with opened(block):
        lane = block.bind(I64)
        here, = emit("eq", [iota(count), lane], [(BOOL, (count,))])
        unit = reshaped(convert(here, of.dtype), of.shape)
        assert isinstance(unit, Var)
        outs = apply(unit)
    return emit("vmap", [count], [(x.dtype, (count, *x.shape)) for x in like],
                blocks=[Block([lane], block.eqns, outs)])
