"""Types of the values that flow through `if` and loops, and how two of them join.

    slot_of(1) -> ScalarSlot(PYTHON, i64);  slot_of(x) -> ArraySlot(f64, (n,))
    join(int, float)  -> MixedSlot: the wide value and a flag that tells which kind it is
    join(unbound, t)  -> MaybeSlot: a value and a flag that tells whether the name is bound

`make` gives fresh Vars and the object they stand for; `flatten` gives the atoms of an object as a
slot's type. A join that fails (two ranks, two dtypes of an array, different Python objects) is an
error only if the value is used: `Unjoined`.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from hotloop.errors import HotloopError, TypeInstabilityError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, Restart, check, current, emit, here, lit
from hotloop.frontend.meeting import Cell, Key, Path, RefSlot, common, new_array
from hotloop.frontend.objects import UNBOUND, regrow
from hotloop.frontend.python_numbers import ORDER
from hotloop.frontend.structure import Keys, copy_only, items_of, kind_of, rebuilt
from hotloop.frontend.tracers import (
    EXACT,
    NUMPY_KIND,
    PYTHON,
    PYTHON_TYPES,
    Array,
    Base,
    Scalar,
    Tracer,
    Widened,
    broadcast,
    convert,
    exact_int,
    full,
    value,
    zero,
)
from hotloop.ir.core import PYTHON_DTYPES, Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, I64
from hotloop.record import record


class Unjoined(Tracer):
    """Stands for a value that could not be joined; raises when it is used."""

    __slots__ = ("reason",)

    def __init__(self, reason: HotloopError):
        object.__setattr__(self, "reason", reason)

    @property
    def error(self) -> HotloopError:
        """To be raised: at the place where the paths met, or else where the value is used."""
        reason = self.reason
        if reason.location is not None:
            return reason
        return type(reason)(reason.message, here(), reason.remedy)

    def __getattr__(self, name: str) -> Any:
        raise self.error

    def __setattr__(self, name: str, new: Any) -> None:
        raise self.error


class Either(Unjoined):
    """A value of two types, `yes` if `flag`. It can be returned; operations on it are done for each
    type (`truth.exactly`), which gives an Either again or, if the results are of one type, that."""

    __slots__ = ("flag", "no", "yes")

    def __init__(self, reason: HotloopError, flag: Scalar, yes: Any, no: Any):
        super().__init__(reason)
        for name, x in (("flag", flag), ("yes", yes), ("no", no)):
            object.__setattr__(self, name, x)


class Maybe(Tracer):
    """The content of a name that is bound only if `flag` holds; read through `control.bound`."""

    __slots__ = ("content", "flag")

    def __init__(self, content: Any, flag: Scalar):
        self.content, self.flag = content, flag


DYNAMIC = None
"""A dimension that changes from iteration to iteration: carried beside the array."""


@record
class ScalarSlot:
    kind: str
    dtype: np.dtype


@record
class MixedSlot:
    """narrow is None for Python's None."""
    narrow: ScalarSlot | None
    wide: ScalarSlot


@record
class ArraySlot:
    dtype: np.dtype
    dims: tuple[Dim | None, ...]


@record
class SequenceSlot:
    """A tuple, list, NamedTuple or dict of known structure (`structure.kind_of`)."""
    type: Any
    items: tuple[Any, ...]


@record
class MaybeSlot:
    content: Any


@record
class EitherSlot:
    """A value of one of several types (`Either`), each part with a flag but the last one. At most
    one part has arrays."""
    parts: tuple[Any, ...]


@record(eq=False)
class ObjectSlot:
    object: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectSlot) and same_object(self.object, other.object)

    def __hash__(self) -> int:
        return 0


@record
class OneOfSlot:
    """One of several constants (`one_of`)."""
    objects: tuple[Any, ...]


@record
class SliceSlot:
    """A slice; `items` are the slots of its three bounds (`slice_slots`)."""
    items: tuple[Any, ...]


class Kind:
    """A further kind of value, registered by the module that knows it (lists, objects): `slot_of` a
    value, and what the functions of this module do for its slots. In `join` one of the two slots
    may be of another kind."""

    def slot_of(self, x: Any) -> Any:
        raise NotImplementedError

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> Any:
        raise NotImplementedError

    def make(self, slot: Any) -> tuple[list[Var], Any]:
        raise NotImplementedError

    def flatten(self, x: Any, slot: Any) -> list[Atom]:
        raise NotImplementedError

    def describe(self, slot: Any) -> str:
        raise NotImplementedError

    def parts(self, x: Any) -> list[Any]:
        """The values in it that may be arrays or lists."""
        return []

    by_value = False
    """May it be one of several types of a name, and an item of lists? Then it has `columns`,
    `assemble`, `recast` and `plan` (see `list_slots` and `list_results`)."""

    takes_constants = False
    """Does it join constants, as text does?"""

    def columns(self, slot: Any) -> list[Any]:
        raise NotImplementedError

    def assemble(self, slot: Any, atoms: Any) -> Any:
        raise NotImplementedError

    def recast(self, atoms: Any, old: Any, new: Any) -> Any:
        raise NotImplementedError

    def plan(self, slot: Any) -> tuple[Any, ...]:
        raise NotImplementedError

    def items(self, slot: Any) -> tuple[Any, ...] | None:
        """The slots of which it consists, in the order of its Vars, if it can be an item of a list;
        `rebuilt` makes it of the values of these."""
        return None

    def rebuilt(self, slot: Any, items: list[Any]) -> Any:
        raise NotImplementedError


VALUES: dict[type, Kind] = {}
"""Kinds by the type of the value."""

KINDS: dict[type, Kind] = {}
"""Kinds by the type of the slot."""


def same_object(a: Any, b: Any) -> bool:
    """Is it the same for all purposes? Identity, or equality of immutable constants."""
    if a is b:
        return True
    return type(a) is type(b) and isinstance(a, str | bytes | range | np.dtype | slice
                                             ) and bool(a == b)


def slot_of(x: Any, path: Path | None = None, key: Key = ()) -> Any:
    """The type of a value; None for UNBOUND. With a path to a meeting, arrays are references
    (RefSlot), and `key` is the place of x among the names; without, they are contents."""
    if x is UNBOUND:
        return None
    if type(x) in VALUES:
        return VALUES[type(x)].slot_of(x)
    if isinstance(x, Maybe):
        return MaybeSlot(slot_of(x.content, path, key))
    if isinstance(x, Either):
        return EitherSlot((slot_of(x.yes, path, key), *_parts(slot_of(x.no, path, key))))
    if isinstance(x, Widened):
        narrow = None
        if x.narrow_kind is not None and x.narrow_dtype is not None:
            narrow = ScalarSlot(x.narrow_kind, x.narrow_dtype)
        return MixedSlot(narrow, ScalarSlot(x.kind, x.atom.dtype))
    if isinstance(x, Scalar):
        return ScalarSlot(x.kind, x.atom.dtype)
    if type(x) in PYTHON_DTYPES:
        if type(x) is int and not dm.MIN <= x <= dm.MAX:
            return ObjectSlot(x)
        return ScalarSlot(PYTHON, PYTHON_DTYPES[type(x)])
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        return ScalarSlot(NUMPY_KIND, x.dtype)
    if isinstance(x, np.ndarray):
        x = current().state.session.captured(x)
    if isinstance(x, Array):
        return ArraySlot(x.dtype, x.dims) if path is None else path.slot(x, key)
    kind = kind_of(x)
    if kind is not None:
        return SequenceSlot(kind, tuple(
            slot_of(item, path, (*key, k)) for k, item in enumerate(items_of(x))))
    return ObjectSlot(x)


def unstable(name: Any, a: Any, b: Any, why: str) -> TypeInstabilityError:
    one, other = describe(a), describe(b)
    if one == other:
        return TypeInstabilityError(
            f"{shown_name(name)} {why}: {one} on both paths, with parts of different types", here(),
            "give attributes one type; keep objects that refer to each other in lists or arrays")
    return TypeInstabilityError(
        f"{shown_name(name)} {why}: {one} on one path and {other} on the other",
        here(), "give it one type before the branch or loop, or use two names")


def shown_name(name: Any) -> str:
    if str(name).startswith("_hl_value"):
        return "the function's result"
    return "the value" if str(name).startswith("_hl") else f"'{name}'"


def describe(slot: Any) -> str:
    if slot is None:
        return "unbound"
    if type(slot) in KINDS:
        return KINDS[type(slot)].describe(slot)
    if isinstance(slot, ScalarSlot):
        if slot.kind == PYTHON:
            return f"a Python {PYTHON_TYPES[slot.dtype.kind].__name__}"
        return f"np.{slot.dtype}"
    if isinstance(slot, ArraySlot | RefSlot):
        return f"an array of {slot.dtype} of rank {len(slot.dims)}"
    if isinstance(slot, SequenceSlot):
        return f"a {slot.type.__name__} of {len(slot.items)}"
    if isinstance(slot, MaybeSlot):
        return describe(slot.content)
    if isinstance(slot, EitherSlot):
        return " or ".join(map(describe, slot.parts))
    if isinstance(slot, MixedSlot):
        return f"{'None' if slot.narrow is None else describe(slot.narrow)} or " + describe(
            slot.wide)
    return "None" if slot.object is None else f"a {type(slot.object).__name__}"


def join(a: Any, b: Any, visible: Builder, name: Any) -> Any:
    """The least slot that holds both; `visible` is the block that must see the dimensions."""
    if a is None and b is None:
        return None
    if a is None or b is None:
        other = a if b is None else b
        other = join(other, other, visible, name)
        if isinstance(other, MaybeSlot) or (isinstance(name, str) and name.startswith("_hl")):
            return other
        return MaybeSlot(other)
    if isinstance(a, MaybeSlot) or isinstance(b, MaybeSlot):
        return MaybeSlot(join(a.content if isinstance(a, MaybeSlot) else a,
                              b.content if isinstance(b, MaybeSlot) else b, visible, name))
    if isinstance(a, EitherSlot) or isinstance(b, EitherSlot):
        return either_joined(a, b, visible, name)
    if isinstance(a, MixedSlot) or isinstance(b, MixedSlot):
        return _join_mixed(a, b, visible, name)
    for p, q in ((a, b), (b, a)):
        if isinstance(p, ObjectSlot) and p.object is None and isinstance(q, ScalarSlot):
            return MixedSlot(None, q)
        if isinstance(p, ObjectSlot) and p.object is dict_of(q) is not None:
            return p
    for p in (a, b):
        if type(p) in KINDS:
            return KINDS[type(p)].join(a, b, visible, name)
    if type(a) is not type(b):
        raise unstable(name, a, b, "changes its type")
    if isinstance(a, ScalarSlot):
        return _join_scalars(a, b)
    if isinstance(a, ArraySlot | RefSlot):
        if a.dtype != b.dtype or len(a.dims) != len(b.dims):
            raise unstable(name, a, b, "changes its dtype or rank")
        if isinstance(a, RefSlot):
            return a.meeting.joined(a, b)
        return ArraySlot(a.dtype, common(a.dims, b.dims, visible))
    if isinstance(a, SequenceSlot):
        if isinstance(a.type, Keys):
            return _dicts_joined(a, b, visible, name)
        if a.type is b.type is list and len(a.items) != len(b.items) and list in KINDS:
            return KINDS[list].join(a, b, visible, name)
        if a.type is not b.type or len(a.items) != len(b.items):
            raise unstable(name, a, b, "changes its length or type")
        return SequenceSlot(a.type, tuple(
            join(p, q, visible, name) for p, q in zip(a.items, b.items, strict=True)))
    if a != b:
        if _is_constant(a) and _is_constant(b):
            return KINDS[OneOfSlot].join(a, b, visible, name)
        if type(a.object) is type(b.object) is slice:
            return KINDS[SliceSlot].join(a, b, visible, name)
        for slot in (a, b):
            if isinstance(slot, ObjectSlot) and isinstance(slot.object, dict | set):
                regrow(slot.object, unstable(name, a, b, "is a different Python object"))
        raise unstable(name, a, b, "is a different Python object")
    return a


def dict_of(slot: Any) -> Any:
    """The dict or set that a slot is of, if it is known."""
    if isinstance(slot, SequenceSlot) and isinstance(slot.type, Keys):
        return slot.type.object
    known = slot.object if isinstance(slot, ObjectSlot) else None
    return known if isinstance(known, dict | set) else None


def any_dict(slot: Any) -> Any:
    """The slot with those of any dicts of these keys for those of known dicts."""
    if not isinstance(slot, SequenceSlot):
        return slot
    kind = Keys(slot.type.keys) if isinstance(slot.type, Keys) else slot.type
    return SequenceSlot(kind, tuple(map(any_dict, slot.items)))


def _dicts_joined(a: SequenceSlot, b: Any, visible: Builder, name: Any) -> Any:
    """Two dicts of the same keys, key by key."""
    if a.type != b.type:
        error = unstable(name, a, b, "changes its keys or type")
        for x in (dict_of(a), dict_of(b)):
            regrow(x, error)
        raise error
    if dict_of(a) is dict_of(b) is not None and _seen(dict_of(a), visible):
        return ObjectSlot(dict_of(a))
    return SequenceSlot(Keys(a.type.keys), tuple(
        join(p, q, visible, f"{name}[{key!r}]")
        for key, p, q in zip(a.type.keys, a.items, b.items, strict=True)))


def _seen(x: Any, visible: Builder) -> bool:
    """Is nothing in a container made in a block inside of `visible`?"""
    if isinstance(x, Array):
        return x.seen_by(visible)
    if isinstance(x, Scalar):
        return visible.sees(x.atom)
    if type(x) in VALUES:
        return False
    return all(_seen(e, visible) for e in items_of(x))


MAX_TYPES = 4
"""Types of a name: what uses it is compiled for each of them."""


def either_joined(a: Any, b: Any, visible: Builder, name: Any) -> Any:
    """A slot for values of the types of both, which may have no common one."""
    parts = list(_parts(a))
    for new in _parts(b):
        for k, old in enumerate(parts):
            found = _one_type(old, new, visible, name)
            if found is not None:
                parts[k] = found
                break
        else:
            parts.append(new)
    if len(parts) == 1:
        return parts[0]
    if len(parts) > MAX_TYPES or not all(map(_is_value, parts)) or sum(
            map(_has_arrays, parts)) > 1:
        raise unstable(name, a, b, "changes its type")
    return EitherSlot(tuple(parts))


def _parts(slot: Any) -> tuple[Any, ...]:
    return slot.parts if isinstance(slot, EitherSlot) else (slot,)


def _one_type(a: Any, b: Any, visible: Builder, name: Any) -> Any:
    """The slot of both if it is one type, or None."""
    try:
        return join(a, b, visible, name)
    except TypeInstabilityError:
        return None


def _content(slot: Any) -> Any:
    """The slot with arrays by content instead of references."""
    if isinstance(slot, RefSlot):
        return ArraySlot(slot.dtype, slot.dims)
    if isinstance(slot, SequenceSlot):
        return SequenceSlot(slot.type, tuple(map(_content, slot.items)))
    return slot


def _is_value(slot: Any) -> bool:
    if isinstance(slot, SequenceSlot):
        return slot.type is not list and all(map(_is_value, slot.items))
    if isinstance(slot, ObjectSlot):
        return _is_constant(slot)
    return isinstance(slot, ScalarSlot | MixedSlot | RefSlot | OneOfSlot) or by_value(slot)


def by_value(slot: Any) -> bool:
    """Is it of a further kind whose values are a few numbers (text)?"""
    return type(slot) in KINDS and KINDS[type(slot)].by_value


def _has_arrays(slot: Any) -> bool:
    if isinstance(slot, SequenceSlot):
        return any(map(_has_arrays, slot.items))
    return isinstance(slot, RefSlot)


def _is_constant(slot: Any) -> bool:
    return isinstance(slot, ObjectSlot) and isinstance(slot.object, str | bytes | Enum | None)


def _join_mixed(a: Any, b: Any, visible: Builder, name: Any) -> Any:
    if not isinstance(a, MixedSlot):
        a, b = b, a
    if a == b or b in (a.narrow, a.wide):
        return a
    if isinstance(b, ObjectSlot) and b.object is None and a.narrow is None:
        return a
    raise unstable(name, a, b, "has more than two types")


def _join_scalars(a: ScalarSlot, b: ScalarSlot) -> Any:
    if a == b:
        return a
    if a.kind == b.kind == PYTHON:
        wide = ScalarSlot(PYTHON, max(a.dtype, b.dtype, key=ORDER.index))
    elif a.kind == b.kind:
        wide = ScalarSlot(NUMPY_KIND, np.promote_types(a.dtype, b.dtype))
    else:
        python, numpy = (a, b) if a.kind == PYTHON else (b, a)
        if python.dtype == BOOL:
            dtype = np.promote_types(BOOL, numpy.dtype)
        else:
            dtype = np.result_type(numpy.dtype, PYTHON_TYPES[python.dtype.kind](1))
        wide = ScalarSlot(NUMPY_KIND, dtype)
    if wide == b and _holds(b, a):
        return MixedSlot(a, b)
    if wide == a and _holds(a, b):
        return MixedSlot(b, a)
    raise unstable("the variable", a, b, "changes its type")


def _holds(wide: ScalarSlot, narrow: ScalarSlot) -> bool:
    """Can `wide` stand for `narrow`? A Python number in a narrower NumPy dtype (0.0 in float32) is
    checked to be exact where it becomes one; if it is not, tracing begins again without this."""
    if narrow.kind == PYTHON and INEXACT not in current().state.wary:
        return True
    return np.can_cast(narrow.dtype, wide.dtype, "safe")


INEXACT = "a number is not exact in the type that a variable has on another path"
"""The assumption of `_holds`, as a key of Restart."""


# ---- Vars of a slot

def make(slot: Any, bases: dict[Cell, Base] | None = None) -> tuple[list[Var], Any]:
    """Fresh Vars of the open block and the object they stand for, in which `bases` are the arrays
    of a meeting's cells."""
    builder = current()
    if slot is None:
        return [], UNBOUND
    if type(slot) in KINDS:
        return KINDS[type(slot)].make(slot)
    if isinstance(slot, ObjectSlot):
        return [], slot.object
    if isinstance(slot, MaybeSlot):
        flag = builder.bind(BOOL)
        vars, content = make(slot.content, bases)
        return [flag, *vars], Maybe(content, Scalar(flag, PYTHON))
    if isinstance(slot, EitherSlot):
        return _make_either(slot, bases)
    if isinstance(slot, ScalarSlot):
        var = builder.bind(slot.dtype)
        return [var], Scalar(var, slot.kind)
    if isinstance(slot, MixedSlot):
        flag, var = builder.bind(BOOL), builder.bind(slot.wide.dtype)
        kind = slot.narrow.kind if slot.narrow is not None else None
        dtype = slot.narrow.dtype if slot.narrow is not None else None
        return [flag, var], Widened(var, slot.wide.kind, flag, kind, dtype)
    if isinstance(slot, SequenceSlot):
        made = [make(item, bases) for item in slot.items]
        x = rebuilt(slot.type, [x for _, x in made])
        return [v for vars, _ in made for v in vars], (
            copy_only(x) if isinstance(slot.type, Keys) else x)
    if isinstance(slot, RefSlot):
        assert bases is not None
        return slot.meeting.make(slot, bases)
    return new_array(slot.dtype, slot.dims)


def _make_either(slot: EitherSlot, bases: dict[Cell, Base] | None) -> tuple[list[Var], Any]:
    vars: list[Var] = []
    made: list[tuple[Scalar | None, Any]] = []
    for k, part in enumerate(slot.parts):
        flag = None
        if k < len(slot.parts) - 1:
            vars.append(current().bind(BOOL))
            flag = Scalar(vars[-1], PYTHON)
        own, content = make(part, bases)
        vars += own
        made.append((flag, content))
    x = made.pop()[1]
    reason = TypeInstabilityError(f"a value that is {describe(slot)}", None,
                                  "give it one type before the branch or loop")
    while made:
        flag, content = made.pop()
        assert flag is not None
        x = Either(reason, flag, content, x)
    return vars, x


def _flatten_either(x: Any, slot: EitherSlot, path: Path | None) -> list[Atom]:
    found: dict[int, tuple[Atom, Any]] = {}
    last: Atom = lit(True)                    # it is none of the types so far
    while x is not UNBOUND:
        here_, rest = (x.yes, x.no) if type(x) is Either else (x, UNBOUND)
        flag = last if rest is UNBOUND else emit("and", [last, x.flag.atom], [(BOOL, ())])[0]
        own = slot_of(here_)
        for k, part in enumerate(slot.parts):
            if k not in found and _one_type(_content(part), own, current(), "") is not None:
                found[k] = flag, here_
                break
        else:
            raise unstable("the value", own, slot, "changes its type")
        if rest is not UNBOUND:
            no, = emit("not", [x.flag.atom], [(BOOL, ())])
            last, = emit("and", [last, no], [(BOOL, ())])
        x = rest
    atoms: list[Atom] = []
    for k, part in enumerate(slot.parts):
        flag, content = found.get(k, (lit(False), UNBOUND))
        if k < len(slot.parts) - 1:
            atoms.append(flag)
        atoms += flatten(content, part, path)
    return atoms


def flatten(x: Any, slot: Any, path: Path | None = None) -> list[Atom]:
    """The atoms of `x` as the slot's type, emitted in the open block; zeros for UNBOUND."""
    if slot is None or isinstance(slot, ObjectSlot):
        return []
    if type(slot) in KINDS:
        return KINDS[type(slot)].flatten(x, slot)
    if isinstance(slot, MaybeSlot):
        if x is UNBOUND:
            return [lit(False), *flatten(UNBOUND, slot.content, path)]
        if isinstance(x, Maybe):
            return [x.flag.atom, *flatten(x.content, slot.content, path)]
        return [lit(True), *flatten(x, slot.content, path)]
    if isinstance(slot, EitherSlot):
        return _flatten_either(x, slot, path)
    if isinstance(slot, SequenceSlot):
        given = (UNBOUND,) * len(slot.items) if x is UNBOUND else items_of(x)
        return [a for y, item in zip(given, slot.items, strict=True)
                for a in flatten(y, item, path)]
    if isinstance(slot, RefSlot):
        assert path is not None
        return path.flatten(slot, x is not UNBOUND)
    if isinstance(slot, MixedSlot):
        return _flatten_mixed(x, slot)
    if isinstance(slot, ScalarSlot):
        return [zero(slot.dtype) if x is UNBOUND else convert(value(x), slot.dtype)]
    if x is UNBOUND:
        empty = tuple(0 if d is DYNAMIC else d for d in slot.dims)
        return [lit(0)] * slot.dims.count(DYNAMIC) + [full(zero(slot.dtype), empty)]
    atom = value(x)
    sizes = [lit(d) if isinstance(d, int) else d
             for d, q in zip(atom.shape, slot.dims, strict=True) if q is DYNAMIC]
    exact = tuple(d if q is DYNAMIC else q for d, q in zip(atom.shape, slot.dims, strict=True))
    return [*sizes, broadcast(atom, exact)]


def _flatten_mixed(x: Any, slot: MixedSlot) -> list[Atom]:
    if x is UNBOUND or x is None:
        return [lit(False), zero(slot.wide.dtype)]
    if isinstance(x, Widened):
        return [x.flag, convert(x.atom, slot.wide.dtype)]
    is_wide = slot_of(x) == slot.wide
    atom = value(x)
    wide = convert(atom, slot.wide.dtype)
    if not is_wide and not np.can_cast(atom.dtype, wide.dtype, "safe"):
        if atom.dtype == I64 and slot.wide.dtype.kind in "fc" and slot.wide.dtype.itemsize >= 8:
            low, high = dm.bounds(dm.form(atom))
            if low < -EXACT or high > EXACT:
                exact_int(lit(False), wide)
        else:
            _check_exact(atom, wide)
    return [lit(is_wide), wide]


def _check_exact(atom: Atom, wide: Atom) -> None:
    """A Python number that takes a narrower NumPy dtype must have the same value there."""
    message = f"a Python number that {wide.dtype} does not hold, in a variable that becomes it"
    if INEXACT not in current().state.wary and (
            bool(wide.value != atom.value == atom.value)
            if isinstance(atom, Lit) and isinstance(wide, Lit)
            else atom.dtype.kind in "fc" or wide.dtype.itemsize < 4):   # most ints fit into int32
        raise Restart(INEXACT)
    if isinstance(atom, Lit) and isinstance(wide, Lit):
        if wide.value != atom.value == atom.value:
            raise TypeInstabilityError(message, here(), f"start with np.{wide.dtype}(...)")
        return
    equal, = emit("eq", [convert(wide, atom.dtype), atom], [(BOOL, ())])
    if atom.dtype.kind == "f":
        nan, = emit("isnan", [atom], [(BOOL, ())])
        equal, = emit("or", [equal, nan], [(BOOL, ())])
    check(equal, TypeInstabilityError, message)

