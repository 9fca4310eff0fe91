"""`vmap` while tracing: the function on one lane is the block of a `vmap` equation.

    vmap(f)(x)      y:f64[n] = vmap n x { lambda lane row. f in (f's result,) }

The function sees rows of the batched arrays, as if it were called with `x[lane]` in a loop: what
it stores to its row is stored to `x`. It must not change anything that the lanes share. Random
draws differ from lane to lane. `transforms.vmap` decides how lanes are run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import check, emit, lit
from hotloop.frontend.regions import Region, Result
from hotloop.frontend.tracers import Array, Scalar, Tracer, fresh, lift, value
from hotloop.frontend.transform import Transform, kind_of
from hotloop.frontend.trees import Tree, children, flatten
from hotloop.frontend.views import Transpose
from hotloop.ir.core import PYTHON_DTYPES, Atom, Block, Dim, Var

Axes = Any
"""An int or None for all of a tree, or a tree of such."""


class Vmap(Transform):
    """options: in_axes, out_axes, axis_size (the first two as `frozen` gives them)."""

    title = "vmap"

    def traced(self, *args: Any, **kwargs: Any) -> Any:
        in_axes, out_axes, axis_size = map(thawed, self.options)
        if isinstance(in_axes, list | tuple) and len(in_axes) != len(args):
            raise ValueError(f"vmap: in_axes has {len(in_axes)} entries for {len(args)} arguments")
        names = [f"argument {k}" for k in range(len(args))]
        known = list(self.__signature__.parameters)
        names = [known[k] if k < len(known) else n for k, n in enumerate(names)]
        trees = [flatten(x, n) for x, n in zip(args, names, strict=True)]
        trees += [flatten(x, n) for n, x in kwargs.items()]
        axes = [spread(in_axes[k] if isinstance(in_axes, list | tuple) else in_axes, x, names[k])
                for k, x in enumerate(args)]
        axes += [spread(0, x, n) for n, x in kwargs.items()]
        batched = _Batched(trees, axes, axis_size)
        region = Region(batched.arrays, batched.size)
        given = batched.rows(region.inside)
        found = dict(zip(kwargs, given[len(args):], strict=True))
        region.trace(lambda: self.call(*given[:len(args)], **found), [self.fn, args, kwargs])
        region.emit("vmap", [batched.size, *[value(x) for x in batched.arrays]])
        for k, position in region.stored:
            batched.write(k, region.vars[position])
        return _result(region, out_axes, batched.size)


class _Batched:
    """The arguments' leaves: `arrays` have the lanes as their first axis."""

    def __init__(self, trees: list[Tree], axes: list[list[int | None]], axis_size: int | None):
        self.trees = trees
        self.arrays: list[Array] = []
        self.given: list[tuple[Array, int]] = []
        self.where: list[list[int | None]] = []
        sizes: list[tuple[str, Dim]] = [] if axis_size is None else [("axis_size", axis_size)]
        for tree, of_leaves in zip(trees, axes, strict=True):
            found: list[int | None] = []
            for x, name, axis in zip(tree.leaves, tree.names, of_leaves, strict=True):
                if axis is None or not isinstance(x, Tracer | np.ndarray | np.generic) and (
                        type(x) not in PYTHON_DTYPES):
                    found.append(None)
                    continue
                if isinstance(x, np.ndarray):
                    x = lift(x)
                if not isinstance(x, Array) or not -len(x.dims) <= axis < len(x.dims):
                    raise ValueError(f"vmap: {name} is {kind_of(x)}, which has no axis {axis}: "
                                     "say None in in_axes for what is not batched")
                axis %= len(x.dims)
                found.append(len(self.arrays))
                self.given.append((x, axis))
                self.arrays.append(_moved(x, axis, 0))
                sizes.append((f"{name} has size {{}} along axis {axis}", x.dims[axis]))
            self.where.append(found)
        if not sizes:
            raise ValueError("vmap: no argument is batched: say in in_axes which are, "
                             "or give axis_size")
        self.size = _common(sizes)

    def rows(self, inside: Sequence[Any]) -> list[Any]:
        """The arguments for one lane."""
        return [tree.build([x if at is None else inside[at]
                            for x, at in zip(tree.leaves, found, strict=True)])
                for tree, found in zip(self.trees, self.where, strict=True)]

    def write(self, k: int, atom: Var) -> None:
        x, axis = self.given[k]
        x.assign(value(_moved(fresh(atom), 0, axis)))


def _common(sizes: list[tuple[str, Dim]]) -> Dim:
    """The number of lanes; at run time a ValueError if two sizes differ."""
    first_text, first = next((p for p in sizes if isinstance(p[1], int)), sizes[0])
    for text, size in sizes:
        if size is first or dm.equal(size, first):
            continue
        same = dm.compare("eq", first, size)
        first_text = first_text if "{}" in first_text else first_text + " is {}"
        text = text if "{}" in text else text + " is {}"
        check(same, ValueError, f"vmap: {first_text}, but {text}", _atom(first), _atom(size))
    return first


def _atom(d: Dim) -> Atom:
    return lit(d) if isinstance(d, int) else d


def _moved(x: Array, axis: int, to: int) -> Array:
    """A view of `x` with one axis moved."""
    if axis == to:
        return x
    order = [k for k in range(len(x.dims)) if k != axis]
    order.insert(to, axis)
    return x.view(Transpose(order, tuple(x.dims[k] for k in order)))


def spread(axes: Axes, x: Any, name: str) -> list[int | None]:
    """An axis for each leaf of `x`: `axes` is a tree like `x`, or one that ends earlier."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(flatten(x).leaves)
    inner, outer = children(axes), children(x)
    if x is None:
        return []
    if inner is None or outer is None or len(inner) != len(outer):
        raise ValueError(f"vmap: the axes {axes!r} do not fit {name}, {kind_of(x)}")
    if isinstance(axes, dict):
        pairs = [(axes.get(key), item, f"{name}[{key!r}]") for key, item in x.items()]
    else:
        pairs = [(a, b, name + step) for (_, a), (step, b) in zip(inner, outer, strict=True)]
    return [axis for a, b, n in pairs for axis in spread(a, b, n)]


def _result(region: Region, out_axes: Axes, size: Dim) -> Any:
    result = region.tree.build([r.object for r in region.results])
    axes = spread(out_axes, result, "the result")
    varies = _varying(region) if None in axes else set()
    return region.tree.build([
        _placed(r, axis, size, varies, region)
        for r, axis in zip(region.results, axes, strict=True)])


def _placed(r: Result, axis: int | None, size: Dim, varies: set[Var], region: Region) -> Any:
    """A result with its lanes along an axis."""
    if r.position is None:
        return r.object
    stacked = r.object
    if axis is None:
        if region.outs[r.position] in varies:
            raise ValueError("vmap: out_axes says None for a result that differs from lane "
                             "to lane")
        dm.require("ge", size, 1, ValueError, "vmap: out_axes=None for a result of no lanes")
        var = region.vars[r.position]
        row, = emit("get", [var, 0], [(var.dtype, var.shape[1:])], codes="i" + ":" * (
            len(var.shape) - 1))
        return fresh(row) if row.shape else Scalar(row)
    if not -len(stacked.dims) <= axis < len(stacked.dims):
        raise ValueError(f"vmap: out_axes says {axis} for a result of {len(stacked.dims)} axes")
    moved = _moved(stacked, 0, axis % len(stacked.dims))
    return moved if moved is stacked else fresh(moved.value())


def _varying(region: Region) -> set[Var]:
    """Vars of the block that depend on the lane."""
    varies: set[Var] = {*region.params}
    if region.lane is not None:
        varies.add(region.lane)

    def uses(block: Block) -> bool:
        return any(a in varies for a in block.outs) or any(
            any(a in varies for a in eqn.ins) or any(map(uses, eqn.blocks))
            for eqn in block.eqns)

    for eqn in region.block.eqns:
        if any(a in varies for a in eqn.ins) or any(map(uses, eqn.blocks)):
            varies.update(eqn.outs)
    return varies


# ---- options are hashable

def frozen(axes: Axes) -> Any:
    """Axes as a hashable value."""
    if isinstance(axes, dict):
        return ("dict", tuple((k, frozen(v)) for k, v in axes.items()))
    if axes is None or isinstance(axes, int):
        return axes
    inner = children(axes)
    if inner is not None:       # a NamedTuple's and a dataclass's axes stand in their order
        kind = "list" if isinstance(axes, list) else "tuple"
        return (kind, tuple(frozen(x) for _, x in inner))
    raise TypeError(f"vmap: an axis is an int or None, not {axes!r}")


def thawed(axes: Any) -> Axes:
    if not isinstance(axes, tuple):
        return axes
    kind, items = axes
    if kind == "dict":
        return {k: thawed(v) for k, v in items}
    return [thawed(x) for x in items] if kind == "list" else tuple(map(thawed, items))


