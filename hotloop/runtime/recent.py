"""What was used last, so that `grad(f)(x)` in a loop finds what it has compiled.

    recent = Recent()
    recent.put(key, made, light(f))
    recent.get(key)

A function that holds arrays or objects in its closure keeps them alive: few of those are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from types import FunctionType, ModuleType
from typing import Any

MANY, FEW = 256, 8


class Recent:
    """The last values put or got: MANY light ones and FEW others."""

    def __init__(self) -> None:
        self.parts: tuple[OrderedDict[Hashable, Any], ...] = (OrderedDict(), OrderedDict())

    def get(self, key: Hashable) -> Any:
        for part in self.parts:
            if key in part:
                part.move_to_end(key)
                return part[key]
        return None

    def put(self, key: Hashable, value: Any, is_light: bool) -> None:
        part = self.parts[is_light]
        part[key] = value
        part.move_to_end(key)
        if len(part) > (MANY if is_light else FEW):
            part.popitem(last=False)

    def __bool__(self) -> bool:
        return any(self.parts)


SIMPLE = (bool, int, float, complex, str, bytes, type(None), type, ModuleType)


def light(fn: Any, depth: int = 4) -> bool:
    """Does a function keep nothing alive but code and numbers?"""
    fn = getattr(fn, "__wrapped__", fn)
    if depth and hasattr(type(fn), "traced"):           # a transform
        return light(fn.fn, depth - 1)
    if not depth or not isinstance(fn, FunctionType):
        return False
    held = [*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()]
    for cell in fn.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:                              # not filled yet: the function itself, say
            return False
    return all(isinstance(x, SIMPLE) or light(x, depth - 1) for x in held)
