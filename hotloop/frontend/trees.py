"""Nested containers, as arguments and results of transforms: their leaves, and how to rebuild them.

    tree = flatten({"w": w, "b": (b, None)}, "params")
    tree.leaves          [w, b]
    tree.names           ["params['w']", "params['b'][0]"]
    tree.build([1, 2])   {"w": 1, "b": (2, None)}

Containers are tuples, lists, dicts, NamedTuples, dataclasses and None. Anything else is a leaf.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hotloop.frontend.builder import CONTEXT, unsupported
from hotloop.frontend.instances import traced_class
from hotloop.frontend.structure import is_named_tuple
from hotloop.record import record


@record
class Tree:
    """`build(items)`: the same containers around other leaves, `items` in the order of `leaves`."""
    leaves: list[Any]
    names: list[str]
    build: Callable[[Sequence[Any]], Any]


def flatten(x: Any, name: str = "") -> Tree:
    leaves: list[Any] = []
    names: list[str] = []
    make = _walk(x, name, leaves, names)

    def build(items: Sequence[Any]) -> Any:
        return make(iter(items))
    return Tree(leaves, names, build)


Make = Callable[[Iterator[Any]], Any]


def _walk(x: Any, name: str, leaves: list[Any], names: list[str]) -> Make:
    if x is None:
        return lambda items: None
    found = children(x)
    if found is None:
        leaves.append(x)
        names.append(name)
        return next
    parts = [_walk(child, name + step, leaves, names) for step, child in found]
    rebuild = like(x)
    return lambda items: rebuild([part(items) for part in parts])


def children(x: Any) -> list[tuple[str, Any]] | None:
    """(how it is reached, item) for each item of a container; None for a leaf."""
    if type(x) in (tuple, list):
        return [(f"[{k}]", item) for k, item in enumerate(x)]
    if is_named_tuple(x):
        return [(f".{f}", item) for f, item in zip(x._fields, x, strict=True)]
    if type(x) is dict:
        return [(f"[{key!r}]", item) for key, item in x.items()]
    if is_dataclass(x):
        return [(f".{f.name}", getattr(x, f.name)) for f in dataclasses.fields(x)]
    return None


def is_dataclass(x: Any) -> bool:
    return dataclasses.is_dataclass(x) and not isinstance(x, type)


def like(x: Any) -> Callable[[list[Any]], Any]:
    """A function from items to a container like `x`."""
    kind = type(x)
    if kind in (tuple, list):
        return kind
    if type(x) is dict:
        keys = tuple(x)
        return lambda items: dict(zip(keys, items, strict=True))
    if is_named_tuple(x):
        return kind._make
    kind = getattr(kind, "_hl_class", kind)
    if CONTEXT.builder is not None:
        kind = traced_class(kind)
    if kind.__dictoffset__ == 0:
        raise unsupported(f"a dataclass with slots: {kind.__name__}", "leave slots=True out")
    names = [f.name for f in dataclasses.fields(x)]

    def rebuild(items: list[Any]) -> Any:
        made: Any = object.__new__(kind)
        made.__dict__.update(zip(names, items, strict=True))
        return made
    return rebuild


def mutable_parts(x: Any) -> list[Any]:
    """The lists, dicts and objects in a tree, with what they hold."""
    found = children(x)
    if found is None:
        return []
    own = [] if isinstance(x, tuple) else [x]
    return own + [part for _, child in found for part in mutable_parts(child)]
