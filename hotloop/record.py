"""Classes of named fields: what a dataclass with slots gives, made 20 times faster.

    @record
    class Location:
        file: str
        line: int = 0

    Location("a.py", line=3) == Location("a.py", 3)

A dataclass compiles the source of its methods when the class is created. That is 0.5 to 1 ms, most
classes here are never compared or printed, and there are ninety of them: it was half of the time
that `import hotloop` took. Here a constructor is compiled once for each *number* of fields, and its
code object is copied with other names; the other methods are shared. Type checkers know `record`
as a dataclass; that a frozen one isn't assigned to is theirs to check, not checked at run time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import attrgetter
from types import CodeType, FunctionType
from typing import Any, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")


class _Fresh:
    """The default of a field that each object gets its own of."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]):
        self.make = make


def field(*, default_factory: Callable[[], Any]) -> Any:
    """A default made anew for each object: `names: list[str] = field(default_factory=list)`."""
    return _Fresh(default_factory)


@functools.cache
def _template(fresh: tuple[bool, ...], post: bool) -> CodeType:
    """The code of a constructor whose fields are called _0, _1, ..."""
    names = [f"_{k}" for k in range(len(fresh))]
    lines = [f"def __init__({', '.join(['self', *names])}):"]
    lines += [f" if type({n}) is _Fresh: {n} = {n}.make()" for n, f in zip(names, fresh) if f]
    lines += [f" self.{n} = {n}" for n in names]
    lines += [" self.__post_init__()" if post else " pass"]
    code = compile("\n".join(lines), "<record>", "exec").co_consts[0]
    assert isinstance(code, CodeType)
    return code


def _constructor(names: tuple[str, ...], defaults: dict[str, Any], post: bool) -> FunctionType:
    fresh = tuple(type(defaults.get(n)) is _Fresh for n in names)
    template = _template(fresh, post)
    given = {f"_{k}": name for k, name in enumerate(names)}
    code = template.replace(co_names=tuple(given.get(n, n) for n in template.co_names),
                            co_varnames=("self", *names))
    made = FunctionType(code, {"_Fresh": _Fresh, "type": type}, "__init__")
    made.__defaults__ = tuple(defaults[n] for n in names if n in defaults)
    return made


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """An object -> the tuple of its fields."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda x: tuple(getattr(x, n) for n in names)


def _show(x: Any) -> str:
    fields = ", ".join(f"{n}={getattr(x, n)!r}" for n in x.__match_args__)
    return f"{type(x).__qualname__}({fields})"


def _comparison(names: tuple[str, ...]) -> dict[str, Any]:
    values = _values(names)

    def __eq__(self: Any, other: Any) -> Any:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))
    return {"__eq__": __eq__, "__hash__": __hash__}


@overload
def record(cls: type[_T], /) -> type[_T]: ...
@overload
def record(*, eq: bool = True, frozen: bool = True) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: Any = None, *, eq: bool = True, frozen: bool = True) -> Any:
    """A class with slots, a constructor and a repr for its annotated fields, bases' first.

    eq      equality and hash by the fields; else by identity
    frozen  for type checkers; an object that is not frozen has no hash by its fields
    """
    if cls is None:
        return functools.partial(record, eq=eq, frozen=frozen)
    space = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
    own = tuple(n for n, t in space.get("__annotations__", {}).items()
                if not str(t).startswith("ClassVar"))
    names = tuple(dict.fromkeys((*getattr(cls, "__match_args__", ()), *own)))
    defaults = {**getattr(cls, "_defaults", {}), **{n: space.pop(n) for n in own if n in space}}
    space["__slots__"] = own
    space["__match_args__"] = names
    space["_defaults"] = defaults
    space.setdefault("__init__", _constructor(names, defaults, hasattr(cls, "__post_init__")))
    space.setdefault("__repr__", _show)
    if eq:
        methods = _comparison(names)
        if not frozen:
            methods["__hash__"] = None
        space = {**methods, **space}
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    return made


def replace(x: _T, **changes: Any) -> _T:
    """A copy of a record with some fields changed."""
    kind: Any = type(x)
    fields = {n: getattr(x, n) for n in kind.__match_args__}
    return kind(**{**fields, **changes})
