"""The helpers that rewritten code calls, as attributes of the module-like object `HELPERS`.

    _hl.if_(test, then, else_, live, dead)      _hl.for_(items, body, ...)      _hl.load(x, i)

Each decides at trace time: known values run as plain Python, run-time values are staged. The names
are those that `rewrite` writes.
"""

from __future__ import annotations

import builtins
import functools
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import HotloopError
from hotloop.frontend import dims as dm
from hotloop.frontend import indexing, instances, lists, sequences, truth
from hotloop.frontend.branches import staged_if
from hotloop.frontend.builder import Dead, check, current, here, inputs_of, staging, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.dims import assume
from hotloop.frontend.iterables import Indexed, Range, own_iterator, sequence_of, touched
from hotloop.frontend.list_values import List, Table, Text
from hotloop.frontend.messages import attributes_of, message, template
from hotloop.frontend.objects import (
    Place,
    Variable,
    cells_made,
    cells_of,
    needs_length,
    refuse_change,
    refuse_change_of_either,
)
from hotloop.frontend.registry import NUMPY
from hotloop.frontend.slots import Either, Maybe, Unjoined
from hotloop.frontend.tracers import (
    NUMBERS,
    Array,
    Scalar,
    Tracer,
    Widened,
    as_int,
    attribute_of,
    dim_of,
    known_by,
    lift,
    stored,
)

loops = lazy.module("hotloop.frontend.loops")
managers = lazy.module("hotloop.frontend.managers")
matching = lazy.module("hotloop.frontend.matching")
tables = lazy.module("hotloop.frontend.tables")
text = lazy.module("hotloop.frontend.text")
text_builtins = lazy.module("hotloop.frontend.text_builtins")
trying = lazy.module("hotloop.frontend.trying")

IN_PLACE: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.iadd, "Sub": operator.isub, "Mult": operator.imul, "Div": operator.itruediv,
    "FloorDiv": operator.ifloordiv, "Mod": operator.imod, "Pow": operator.ipow,
    "BitAnd": operator.iand, "BitOr": operator.ior, "BitXor": operator.ixor,
    "LShift": operator.ilshift, "RShift": operator.irshift, "MatMult": operator.imatmul}


def if_(test: Any, then: Callable[[], Any], otherwise: Callable[[], Any], live: tuple[str, ...],
        dead: tuple[str, ...], sink: Any = None) -> None:
    c = truth.truth(test)
    if not isinstance(c, Scalar):
        (then if c else otherwise)()
        return
    cells = cells_of(then, otherwise)
    if sink is not None:                       # the consumer of a generator changes its names
        sink.stage()
        cells, live, dead = cells | sink.cells, (*live, *sink.names), (*dead, *sink.dead)
    staged_if(c.atom, (then, otherwise), cells, list(live), list(dead))


def known_truth(x: Any) -> bool:
    """The condition of a comprehension."""
    c = truth.truth(x)
    if isinstance(c, Tracer):
        raise staging("a comprehension's condition depends on a run-time value",
                      "use a for statement, or a boolean mask")
    return bool(c)


# ---- names

def bound(read: Callable[[], Any], name: str) -> Any:
    """A local name that may be unbound."""
    try:
        x = read()
    except NameError:
        if current().parent is None:
            raise
        unbound(False, name)
    if isinstance(x, Maybe):
        unbound(x.flag.atom, name)
        return x.content
    return x


def unbound(flag: Any, name: str) -> None:
    text = f"cannot access local variable '{name}' where it is not associated with a value"
    check(flag, UnboundLocalError, text)


def named(read: Callable[[], Any], new: Any) -> Any:
    """`name := new`; `read` reads the name."""
    for name, cell in cells_of(read).items():
        Variable(cell, name).set(new)
    return new


def returned(read: Callable[[], Any]) -> Any:
    """The value of the function."""
    x = read()
    if isinstance(x, Unjoined) and not isinstance(x, Either):
        raise x.error
    return x.content if isinstance(x, Maybe) else x


# ---- raise, assert, try, with

def assert_(test: Any, make: Callable[[], Any] | None) -> None:
    c = truth.truth(test)
    if c is True:
        return
    text = message(make) if make is not None else ""
    shown, operands = template(text if isinstance(text, str) else message(lambda: str(text)))
    atom = c.atom if isinstance(c, Scalar) else False
    check(atom, AssertionError, shown, *operands)
    assume(atom, True)


def raise_(make: Callable[[], Any] | None) -> None:
    if make is None:
        trying.reraise()
        return
    error = message(make)
    if isinstance(error, type) and issubclass(error, BaseException):
        error = error()
    if not isinstance(error, BaseException):
        raise TypeError("exceptions must derive from BaseException")
    if isinstance(error, HotloopError):
        raise error
    args = error.args
    text = args[0] if len(args) == 1 and isinstance(args[0], str) else message(
        lambda: str(args[0]) if len(args) == 1 else str(error))
    shown, operands = template(text)
    attributes, values = attributes_of(error)
    state = current().state
    state.raised = error
    try:
        check(False, type(error), shown, *operands, *values, attributes=attributes)
    finally:
        state.raised = None


# ---- items and attributes

def attribute(x: Any, name: str) -> Any:
    """`x.name` where tracers have something else under that name."""
    return attribute_of(x, name) if isinstance(x, Array | Scalar) else getattr(x, name)


def _has_tracer(x: Any) -> bool:
    if isinstance(x, Tracer):
        return True
    if isinstance(x, slice):
        return any(isinstance(e, Tracer) for e in (x.start, x.stop, x.step))
    return isinstance(x, tuple | list) and any(map(_has_tracer, x))


def load(x: Any, index: Any) -> Any:
    if isinstance(x, Array | Scalar):
        return indexing.load(x, index)
    if isinstance(x, List):
        return lists.load(x, index)
    if isinstance(x, Table):
        return tables.load(x, index)
    if isinstance(x, Text) or isinstance(x, str | bytes) and _has_tracer(index):
        return text.load(x, index)
    if isinstance(x, np.ndarray):
        return indexing.load(lift(x), index)
    if isinstance(x, Range):
        return _range_item(x, index)
    if type(x) in INDEX_TRICKS:
        return NUMPY[type(x)](x, index)
    if isinstance(x, types.FunctionType | type):
        return x[index]  # type: ignore[index]
    if isinstance(index, Either):
        return truth.exactly(load, x, index)
    if isinstance(index, Scalar) and isinstance(x, list | tuple | range):
        return lists.load_from(x, index)
    if type(x) is list and isinstance(index, slice) and _has_tracer(index):
        return lists.load(lists.list_of(x), index)
    if isinstance(x, dict) and _has_tracer(index) and tables.is_constant(x):
        return tables.load(tables.constant(x), index)
    if _has_tracer(index) and isinstance(x, list | tuple | dict):
        error = staging(f"a Python {type(x).__name__} indexed by a run-time value",
                        "make it a NumPy array")
        if isinstance(index, slice):
            bounds = [e for e in (index.start, index.stop, index.step) if isinstance(e, Tracer)]
            paths = [inputs_of(known_by(e)) for e in bounds]
            if all(paths):                         # tracing begins again with their values
                error.inputs = tuple(dict.fromkeys(p for found in paths for p in found))
        raise needs_length(x, error)
    if isinstance(x, Either):
        if type(x) is not Either and _has_tracer(index) and text.is_text(x):
            return text.load(x, index)
        return truth.exactly(load, x, index)
    if isinstance(x, Unjoined):
        raise x.error
    if isinstance(x, str | bytes):
        touched(x)
    if isinstance(getattr(type(x), "__getitem__", None), types.FunctionType):
        return function(x.__getitem__)(index)
    return x[index]


def _range_item(x: Range, index: Any) -> Any:
    known = x.known()
    if known is not None and not _has_tracer(index):
        return known[index]
    if isinstance(index, slice):
        return x.sliced(index)
    if not isinstance(x.step, int):
        raise staging("an item of a range whose step is known at run time only")
    place = lists.position(dim_of(index), dim_of(x.length()), "range object index out of range")
    return as_int(dm.dim(dm.plus(dm.form(x.start), dm.scale(dm.form(place), x.step))))


INDEX_TRICKS = (type(np.mgrid), type(np.ogrid), type(np.r_), type(np.c_), type(np.s_))


def _item_of(x: Array, new: Any) -> Any:
    """A number as the array will hold it, so that numbers of several types are of one."""
    return Scalar(stored(new, x.dtype)) if isinstance(new, (Scalar, *NUMBERS)) else new


def store(x: Any, index: Any, new: Any) -> None:
    if isinstance(x, Array | Scalar):
        if isinstance(new, Either) and isinstance(x, Array):
            new = truth.exactly(functools.partial(_item_of, x), new)
        if isinstance(new, Either | Widened):
            truth.exactly(indexing.store, x, index, new)
        else:
            indexing.store(x, index, new)
    elif isinstance(x, List):
        lists.store(x, index, new)
    elif isinstance(x, Table):
        tables.store(x, index, new)
    elif isinstance(x, np.ndarray):
        indexing.store(lift(x), index, new)
    elif isinstance(x, Either):
        truth.exactly(store, x, index, new)
    elif isinstance(x, Unjoined):
        raise x.error
    elif _has_tracer(index) or isinstance(index, slice) and isinstance(new, List):
        raise needs_length(x, staging(
            f"a store to a Python {type(x).__name__} at a run-time index",
            "make it a NumPy array"))
    elif isinstance(x, list | dict):
        if isinstance(index, slice) or (isinstance(x, dict) and index not in x):
            refuse_change(x, "an assignment")
            x[index] = new
            return
        if x[index] is new:
            return
        refuse_change_of_either(x)
        Place(x, True, index).set(new)
    elif isinstance(getattr(type(x), "__setitem__", None), types.FunctionType):
        function(x.__setitem__)(index, new)
    else:
        refuse_change(x, "an assignment")
        x[index] = new


def delete_item(x: Any, index: Any) -> None:
    if isinstance(x, List):
        lists.delete(x, index)
        return
    if isinstance(x, Table):
        tables.traced("delete_item")(x, index)
        return
    if _has_tracer(index):
        raise needs_length(x, staging(f"del of a run-time index of a {type(x).__name__}"))
    refuse_change(x, "del")
    del x[index]


def set_attribute(x: Any, name: str, new: Any) -> None:
    if isinstance(x, Tracer):
        if current().parent is not None and isinstance(x, Array) and name == "shape":
            raise unsupported("assignment to .shape in a branch or loop", "use reshape")
        setattr(x, name, new)
    elif isinstance(x, types.ModuleType | type | types.FunctionType):
        raise unsupported(f"assignment to an attribute of a {type(x).__name__}")
    elif (error := instances.check_unkept(x)) is not None:
        raise error
    elif isinstance(getattr(type(x), name, None), property):
        setter = getattr(type(x), name).fset
        if setter is None:
            setattr(x, name, new)
        setter(x, new) if setter.__name__ == "_hl_method" else function(setter)(x, new)
    else:
        Place(x, False, name).set(new)


def augment(x: Any, op: str, y: Any) -> Any:
    """`x op= y` of a local name"""
    if isinstance(x, List) and op in ("Add", "Mult"):
        if op == "Add":
            lists.extend(x, y)
        else:
            x.changing()
            lists.become(x, lists.repeated(x, y))
        return x
    if type(x) is list and (op == "Add" and _of_run_time_length(y)
                            or op == "Mult" and isinstance(y, Tracer)):
        raise needs_length(x, staging("a list grows by a run-time length"))
    if isinstance(x, Table):
        return _augment_table(x, op, y)
    if isinstance(x, list | dict | set):
        if isinstance(y, Table):
            raise needs_length(x, staging("an augmented assignment of run-time values"))
        refuse_change(x, "an augmented assignment")
    if isinstance(x, np.ndarray):
        x = lift(x)
    if isinstance(x, Either) and _has_array(x):
        return truth.exactly(lambda part: augment(part, op, y), x)      # arrays in place
    return IN_PLACE[op](x, y)


def _has_array(x: Any) -> bool:
    return _has_array(x.yes) or _has_array(x.no) if isinstance(x, Either) else isinstance(x, Array)


def _augment_table(x: Table, op: str, y: Any) -> Any:
    if op == "BitOr":
        x.update(y)
        return x
    raise unsupported(f"such an augmented assignment of a {x.kind} of run-time values",
                      "make a new one: a = a & b")


def _of_run_time_length(x: Any) -> bool:
    return isinstance(x, List | Array | np.ndarray | Range | Indexed
                      | sequences.Stream)


def joined(x: Any, y: Any) -> Any:
    """`x + y` where one is written as a list."""
    if isinstance(x, List) and type(y) is list or isinstance(y, List) and type(x) is list:
        return lists.joined([sequences.as_list(x), sequences.as_list(y)])
    return sequences.made(x + y, here())


def repeated(x: Any, y: Any) -> Any:
    """`x * y` where one is written as a list."""
    items, times = (x, y) if isinstance(x, list | List) else (y, x)
    if isinstance(items, List) or type(items) is list and (
            isinstance(times, Scalar) or here() in current().state.session.growing):
        return lists.repeated(items, times)
    return sequences.made(x * y, here())


def loaded(x: Any, index: Any) -> tuple[Any, Any, Any]:
    """The target of `x[index] op= y`, read before y is computed."""
    return x, index, load(x, index)


def loaded_attribute(x: Any, name: str) -> tuple[Any, str, Any]:
    return x, name, getattr(x, name)


def augment_item(target: tuple[Any, Any, Any], op: str, y: Any) -> None:
    x, index, old = target
    store(x, index, augment(old, op, y))


def augment_attribute(target: tuple[Any, str, Any], op: str, y: Any) -> None:
    x, name, old = target
    set_attribute(x, name, augment(old, op, y))


def store_value(new: Any, x: Any, index: Any) -> None:
    """`x[index] = new`, its parts in Python's order of evaluation."""
    store(x, index, new)


def assign_attribute(new: Any, x: Any, name: str) -> None:
    set_attribute(x, name, new)


def unpacked(x: Any, before: int, after: int) -> Any:
    """The value of an unpacking assignment, iterable in plain Python."""
    if isinstance(x, np.ndarray):
        x = lift(x)
    own = own_iterator(x)
    if own is not x:
        x = own.items() if isinstance(own, sequences.Stream) else own
    if isinstance(x, Array):
        if not x.dims:
            raise TypeError("iteration over a 0-d array")
        n = x.dims[0]
        if after < 0:
            indexing.dm.require_equal(n, before, "cannot unpack an array of length {} here",
                                      indexing._atom(n))
            return [x[k] for k in range(before)]
        if not isinstance(n, int):
            raise staging("a starred assignment from an array of run-time length", "", n)
        return [x[k] for k in range(n)]
    if isinstance(x, List):
        count = before if after < 0 else x.n
        if not isinstance(count, int):
            raise staging("a starred assignment from a list of run-time length")
        if after < 0:
            lists.check_unpacked(x, before)
        return [lists.item(x, k) for k in range(count)]
    return iterated(x)


def parted(x: Any, before: int, after: int) -> Any:
    """The items of `x` for the names of a comprehension's target, of which one may be starred."""
    items = unpacked(x, before, after)
    if after < 0:
        return items
    found = list(items)
    end = len(found) - after
    if end < before:
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got "
                         f"{len(found)})")
    return [*found[:before], found[before:end], *found[end:]]


def iterated(x: Any) -> Any:
    """The iterable of a comprehension or a starred argument."""
    if isinstance(x, np.ndarray):
        x = lift(x)
    if isinstance(x, Array):
        n = x.dims[0] if x.dims else 0
        if not isinstance(n, int):
            raise staging("an array of run-time length is iterated in a comprehension or call",
                          "loop over it with a for statement and store into an array", n)
        return [x[as_int(k)] for k in range(n)]
    if isinstance(x, List):
        return sequence_of(x)
    if isinstance(x, Table):
        return tables.iterated(x)
    if isinstance(x, Range | Indexed):
        return iter(x)
    if isinstance(x, Unjoined):
        raise x.error
    own = own_iterator(x)
    if own is not x:
        return iterated(own.items() if isinstance(own, sequences.Stream) else own)
    return x


LATER = {
    "fstring": (text_builtins, "fstring"),
    "for_": (loops, "for_loop"), "while_": (loops, "while_loop"), "try_": (trying, "try_"),
    "with_": (managers, "with_"),
    **{name: (matching, name) for name in (
        "matches_sequence", "matches_class", "matches_mapping", "matched_attribute",
        "matched_rest")}}
"""Helpers whose modules are loaded when a function is met that needs them."""


class Helpers:
    """What `_hl` is in rewritten code."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name not in LATER:
            raise AttributeError(name)
        module, function = LATER[name]
        found = getattr(module, function)
        setattr(Helpers, name, staticmethod(found))
        return found

    if_ = staticmethod(if_)
    and_ = staticmethod(truth.and_)
    or_ = staticmethod(truth.or_)
    all_ = staticmethod(truth.all_)
    any_ = staticmethod(truth.any_)
    not_ = staticmethod(truth.not_)
    in_ = staticmethod(truth.in_)
    not_in = staticmethod(truth.not_in)
    less = staticmethod(truth.less)
    less_equal = staticmethod(truth.less_equal)
    greater = staticmethod(truth.greater)
    greater_equal = staticmethod(truth.greater_equal)
    display = staticmethod(sequences.display)
    listed = staticmethod(sequences.listed)
    dictionary = staticmethod(sequences.dictionary)
    set_display = staticmethod(sequences.set_display)
    noted = staticmethod(sequences.noted)
    stream = staticmethod(sequences.stream)
    each = staticmethod(sequences.each)
    when = staticmethod(sequences.when)
    joined = staticmethod(joined)
    repeated = staticmethod(repeated)
    equal = staticmethod(truth.equal)
    not_equal = staticmethod(truth.not_equal)
    is_ = staticmethod(truth.is_)
    is_not = staticmethod(truth.is_not)
    if_expression = staticmethod(truth.if_expression)
    known_truth = staticmethod(known_truth)
    bound = staticmethod(bound)
    named = staticmethod(named)
    cells_made = staticmethod(cells_made)
    returned = staticmethod(returned)
    assert_ = staticmethod(assert_)
    raise_ = staticmethod(raise_)
    attribute = staticmethod(attribute)
    load = staticmethod(load)
    store = staticmethod(store_value)
    delete_item = staticmethod(delete_item)
    assign_attribute = staticmethod(assign_attribute)
    loaded = staticmethod(loaded)
    loaded_attribute = staticmethod(loaded_attribute)
    augment = staticmethod(augment)
    augment_item = staticmethod(augment_item)
    augment_attribute = staticmethod(augment_attribute)
    unpacked = staticmethod(unpacked)
    parted = staticmethod(parted)
    iterated = staticmethod(iterated)
    function = staticmethod(function)
    message = staticmethod(message)
    slice = builtins.slice


HELPERS = Helpers()

__all__ = ["HELPERS", "Dead"]
