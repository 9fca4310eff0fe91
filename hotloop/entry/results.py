"""A call's result and its effects on Python objects, from the Program's results.

`build(traced, scope, results)` follows `Traced.result` (the tree of `frontend.traced`): raw result
k is an ndarray, or a NumPy scalar of the Program's dtype for rank 0. Arguments that the kernel
wrote need nothing. This is the meaning of the tree; `entry.wrap` encodes the common trees for the
native machine and leaves the rest to this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hotloop.entry.paths import Scope
from hotloop.frontend.traced import (
    PYTHON,
    ArrayOut,
    ChosenOut,
    Constant,
    Container,
    InputOut,
    ScalarOut,
    Traced,
    ViewOut,
    WidenedOut,
)


def build(traced: Traced, scope: Scope, results: Mapping[int, Any]) -> Any:
    """Do `traced.writes`, in order, and return the call's result."""
    arrays: dict[int, np.ndarray] = {}
    writes = []
    for path, (kind, key), tree in traced.writes:
        writes.append((scope.fetch(path, None), kind, key, _tree(tree, scope, results, arrays)))
    result = _tree(traced.result, scope, results, arrays)
    for container, kind, key, value in writes:
        if kind == "attr":
            setattr(container, key, value)
        elif kind == "whole":                  # a dict
            container.clear()
            container.update(value)
        else:
            container[key] = value
    return result


def _tree(node: Any, scope: Scope, results: Mapping[int, Any],
          arrays: dict[int, np.ndarray]) -> Any:
    if isinstance(node, ScalarOut):
        return scalar(results[node.k], node.kind)
    if isinstance(node, ArrayOut):
        if node.k not in arrays:
            arrays[node.k] = np.asarray(results[node.k])
        return arrays[node.k]
    if isinstance(node, WidenedOut):
        if results[node.flag]:
            return scalar(results[node.k], node.kind)
        if node.narrow_kind is None:
            return None
        assert node.narrow_dtype is not None
        return scalar(narrowed(results[node.k], node.narrow_dtype), node.narrow_kind)
    if isinstance(node, ChosenOut):
        return _tree(node.yes if results[node.flag] else node.no, scope, results, arrays)
    if isinstance(node, ChosenOut):
        chosen = node.yes if results[node.flag] else node.no
        return _tree(chosen, scope, results, arrays)
    if isinstance(node, InputOut):
        return scope.fetch(node.path, node.owner)
    if isinstance(node, ViewOut):
        found = _tree(node.base, scope, results, arrays)
        for step in node.steps:
            found = _view(found, step, results)
        return found
    if isinstance(node, Container):
        return node.make([_tree(item, scope, results, arrays) for item in node.items])
    if isinstance(node, Constant):
        return node.value
    raise TypeError(f"no result tree: {node!r}")


def narrowed(raw: Any, dtype: np.dtype) -> Any:
    """A wide number that stands for one of a narrower dtype."""
    return (raw if dtype.kind == "c" else raw.real).astype(dtype)


def scalar(raw: Any, kind: str) -> Any:
    return raw.item() if kind == PYTHON else raw


def _view(base: np.ndarray, step: tuple[Any, ...], results: Mapping[int, Any]) -> np.ndarray:
    """One step of a ViewOut."""
    kind, given = step
    if kind == "transpose":
        return base.transpose(given)
    if kind == "reshape":
        return base.reshape([_number(dim, results) for dim in given])
    if kind == "part":
        return getattr(base, given)
    if kind == "diagonal":
        return base.diagonal(given)
    if kind == "einsum":
        return by_einsum(base, given)
    if kind == "windows":
        return windows(base, [_number(x, results) for x in given])
    if kind == "broadcast":
        return np.broadcast_to(base, [_number(dim, results) for dim in given])
    assert kind == "index"
    index = tuple(slice(*(_number(x, results) for x in (code.start, code.stop, code.step)))
                  if isinstance(code, slice) else _number(code, results) for code in given)
    return base[(*index, ...)]


def by_einsum(base: np.ndarray, subscripts: str) -> np.ndarray:
    """A diagonal that can be stored to."""
    view: np.ndarray = np.einsum(subscripts, base)
    return view


def windows(base: np.ndarray, given: Sequence[int]) -> np.ndarray:
    size, axis = given
    return np.lib.stride_tricks.sliding_window_view(base, size, axis)


def _number(given: Any, results: Mapping[int, Any]) -> Any:
    return int(results[given["result"]]) if isinstance(given, dict) else given
