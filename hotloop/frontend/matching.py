"""The tests of `match` on sequences, classes and mappings: what the rewritten code calls.

    case (x, 0): ...      if _hl.matches_sequence(s, 2, False) and s[1] == 0: x = s[0]; ...
"""

from __future__ import annotations

from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.list_values import List
from hotloop.frontend.python_names import isinstance_
from hotloop.frontend.tracers import PYTHON, Scalar


def matches_sequence(x: Any, count: int, more: bool) -> Any:
    """Is it a sequence of `count` items (with a starred pattern: of at least `count - 1`)?"""
    if isinstance(x, List):
        answer = dm.compare("ge" if more else "eq", x.n, count - more)
        return answer if isinstance(answer, bool) else Scalar(answer, PYTHON)
    if not isinstance(x, list | tuple | range):
        return False
    return len(x) >= count - 1 if more else len(x) == count


def matched_rest(x: Any, before: int, after: int) -> list[Any]:
    """What a starred pattern binds."""
    return list(x[before:len(x) - after])


def matches_class(x: Any, kind: Any) -> bool:
    return bool(isinstance_(x, kind))


SELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Classes whose one positional pattern is the object itself."""


def matched_attribute(x: Any, kind: Any, k: int) -> Any:
    """What positional pattern k of a class is matched with."""
    if kind in SELF and k == 0:
        return x
    return getattr(x, kind.__match_args__[k])


def matches_mapping(x: Any, keys: tuple[Any, ...]) -> bool:
    return isinstance(x, dict) and all(k in x for k in keys)


__all__ = ["matched_attribute", "matched_rest", "matches_class", "matches_mapping",
           "matches_sequence"]
