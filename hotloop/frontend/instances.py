"""Objects of the user's classes that compiled code makes, and how they flow through `if` and loops.

    v = v + dt * a        Vector.__add__ is traced: the object is of a subclass of Vector whose
                          operators and properties are (`traced_class`)
    p = Vector(...)       in a loop: carried by value, attribute by attribute

Nobody can say whether the object that a name has after a loop is the one of before, so neither may
be changed after that: attributes of such objects can't be stored to.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from hotloop.errors import UnsupportedError
from hotloop.frontend.builder import Builder, current, unsupported
from hotloop.frontend.calls import CLASSES, function
from hotloop.frontend.objects import UNBOUND, made_here
from hotloop.frontend.slots import (
    KINDS,
    VALUES,
    Kind,
    ObjectSlot,
    flatten,
    join,
    make,
    slot_of,
    unstable,
)
from hotloop.frontend.truth import and_, equal
from hotloop.ir.core import Atom, Var
from hotloop.record import record

LEFT_ALONE = frozenset((
    "__init__", "__new__", "__init_subclass__", "__class_getitem__", "__getattribute__",
    "__getattr__", "__setattr__", "__delattr__", "__del__", "__reduce__", "__reduce_ex__",
    "__hash__", "__post_init__", "__getstate__", "__setstate__", "__dir__", "__sizeof__",
    "__set_name__", "__subclasshook__", "__replace__", "__repr__"))

FIELDS = "__dataclass_fields__"

_classes: dict[type, type] = {}


def traced_class(kind: type) -> type:
    """The subclass of which objects made by compiled code are."""
    kind = getattr(kind, "_hl_class", kind)
    made = _classes.get(kind)
    if made is None:
        own: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__,
                               "_hl_class": kind}
        for base in reversed(kind.__mro__[:-1]):
            for name, x in vars(base).items():
                wrapped = _wrapped(kind, name, x)
                if wrapped is not None:
                    own[name] = wrapped
        if "__eq__" in own:
            own["__hash__"] = kind.__hash__
        try:
            made = type(kind.__name__, (kind,), own)
        except TypeError:                       # a class that can't have subclasses
            made = kind
        _classes[kind] = made
        if made is not kind:
            VALUES[made] = _INSTANCES
    return made


def _wrapped(kind: type, name: str, x: Any) -> Any:
    if isinstance(x, property):
        get, put, delete = (f and _calling(f) for f in (x.fget, x.fset, x.fdel))
        return property(get, put, delete)
    if not (isinstance(x, types.FunctionType) and name.startswith("__") and name.endswith("__")
            ) or name in LEFT_ALONE:
        return None
    if name == "__eq__" and hasattr(kind, FIELDS) and x.__code__.co_filename[:1] == "<":
        return _equal_fields
    return _calling(x)


def _calling(f: Callable[..., Any]) -> Callable[..., Any]:
    def _hl_method(*args: Any) -> Any:
        return function(f)(*args)
    return _hl_method


def _equal_fields(self: Any, other: Any) -> Any:
    """`==` of a dataclass."""
    if type(other) is not type(self):
        return NotImplemented
    result: Any = True
    for field in getattr(self, FIELDS).values():
        if field.compare and field._field_type.name == "_FIELD":
            result = and_(result, _fields_of(self, other, field.name))
            if result is False:
                return False
    return result


def _fields_of(a: Any, b: Any, name: str) -> Callable[[], Any]:
    return lambda: equal(getattr(a, name), getattr(b, name))


def attributes(x: Any) -> dict[str, Any]:
    """What an object has: its __dict__ and its slots."""
    found = {}
    for base in reversed(type(x).__mro__):
        names = vars(base).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__") and hasattr(x, name):
                found[name] = getattr(x, name)
    return found | dict(object.__getattribute__(x, "__dict__"))


@record
class InstanceSlot:
    """An object by value."""
    type: type
    names: tuple[str, ...]
    items: tuple[Any, ...]


def _by_value(slot: Any) -> Any:
    """The slot of an object that came in as one by value: on another path there is one that
    compiled code made."""
    if not (isinstance(slot, ObjectSlot) and hasattr(type(slot.object), "_hl_class")):
        return slot
    x = slot.object
    source = object.__getattribute__(x, "__dict__").get("_hl_source")
    if source is None:
        return slot
    names = tuple(n for n in attributes(source.real) if n[:4] != "_hl_")
    return InstanceSlot(traced_class(type(x)), names,
                        tuple(slot_of(getattr(x, n)) for n in names))


class _Instances(Kind):
    def slot_of(self, x: Any) -> InstanceSlot:
        own = attributes(x)
        return InstanceSlot(type(x), tuple(own), tuple(map(slot_of, own.values())))

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> InstanceSlot:
        a, b = _by_value(a), _by_value(b)
        if not (isinstance(a, InstanceSlot) and isinstance(b, InstanceSlot)) or (
                a.type is not b.type or set(a.names) != set(b.names)):
            raise unstable(name, a, b, "changes its class or its attributes")
        items = dict(zip(b.names, b.items, strict=True))
        return InstanceSlot(a.type, a.names, tuple(
            join(p, items[n], visible, f"{name}.{n}")
            for n, p in zip(a.names, a.items, strict=True)))

    def make(self, slot: InstanceSlot) -> tuple[list[Var], Any]:
        made = [make(item) for item in slot.items]
        return [v for vars, _ in made for v in vars], self.rebuilt(slot, [x for _, x in made])

    def items(self, slot: InstanceSlot) -> tuple[Any, ...]:
        return slot.items

    def rebuilt(self, slot: InstanceSlot, items: list[Any]) -> Any:
        made: Any = object.__new__(slot.type)
        made_here(made)
        for name, x in zip(slot.names, items, strict=True):
            object.__setattr__(made, name, x)
        _keep(made)
        return made

    def flatten(self, x: Any, slot: InstanceSlot) -> list[Atom]:
        if x is not UNBOUND:
            _keep(x)
        return [a for name, item in zip(slot.names, slot.items, strict=True)
                for a in flatten(UNBOUND if x is UNBOUND else getattr(x, name), item)]

    def describe(self, slot: InstanceSlot) -> str:
        return f"a {slot.type.__name__}"

    def parts(self, x: Any) -> list[Any]:
        return list(attributes(x).values())


_INSTANCES = _Instances()
KINDS[InstanceSlot] = _INSTANCES
CLASSES.append(traced_class)


def _keep(x: Any) -> None:
    """From here on the object must not change."""
    current().state.session.kept[id(x)] = x


def check_unkept(x: Any) -> UnsupportedError | None:
    """The error of storing to an attribute, if the object must not change."""
    if current().state.session.kept.get(id(x)) is x:
        return unsupported(
            f"an attribute of a {type(x).__name__} is changed after a branch or loop in which a "
            "variable that refers to it was bound to another object, or after it was put into a "
            "list of run-time length", "make a new object, or change attributes of one object only")
    return None
