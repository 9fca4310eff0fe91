"""Tuples, lists, NamedTuples and dicts whose structure is known while tracing, as their items.

    params = {"w": w, "b": b}          items_of -> [w, b];  kind_of -> Keys(("w", "b"))
    rebuilt(kind_of(x), items)         a container like x of other items

So a dict of known keys flows through branches and loops key by key, as a tuple does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.frontend.builder import current


class Keys:
    """The keys of a dict, in their order: what the type is of a tuple. `object`: the dict itself,
    which does not matter to comparisons."""

    __slots__ = ("keys", "object")
    __name__ = "dict"

    def __init__(self, keys: tuple[Any, ...], object: Any = None):
        self.keys, self.object = keys, object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keys) and self.keys == other.keys and all(
            type(p) is type(q) for p, q in zip(self.keys, other.keys, strict=True))

    def __hash__(self) -> int:
        return hash(self.keys)


def is_named_tuple(x: Any) -> bool:
    return isinstance(x, tuple) and hasattr(type(x), "_make")


def kind_of(x: Any) -> Any:
    """What `rebuilt` takes for a container like `x`; None if it is none of these."""
    if type(x) in (tuple, list) or is_named_tuple(x):
        return type(x)
    return Keys(tuple(x), x) if type(x) is dict else None


def items_of(x: Any) -> Sequence[Any]:
    """The items of a container; () for anything else."""
    if isinstance(x, tuple | list):
        return x
    return list(x.values()) if type(x) is dict else ()


def rebuilt(kind: Any, items: Sequence[Any]) -> Any:
    """A tuple, list, NamedTuple or dict of the items."""
    if isinstance(kind, Keys):
        return dict(zip(kind.keys, items, strict=True))
    return kind._make(items) if hasattr(kind, "_make") else kind(items)


def copy_only(x: Any) -> Any:
    """A dict that stands for one of several: nobody knows which, so it must not change."""
    current().state.session.one_of_two[id(x)] = x
    return x
