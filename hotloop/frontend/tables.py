"""Dicts and sets of run-time values: `Table`s, made of lists of run-time length.

    seen = set()                 places, own_keys, living, counts: see `in_tables`
    seen.add(x[i])               the function `add` of `in_tables`, traced
    count[k] = count.get(k, 0) + 1

A dict or set display is a Python dict or set while its keys are known. When it is changed by
run-time values tracing begins again with a Table there (`objects.needs_length`). Tables flow
through branches and loops by their lists, whose rules of aliasing hold for them.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend import dims as dm
from hotloop.frontend import in_tables, lists, table_keys
from hotloop.frontend.branches import settled_kinds
from hotloop.frontend.builder import Builder, current, opened, staging, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.iterables import touched
from hotloop.frontend.list_results import MakeList
from hotloop.frontend.list_results import parts as list_parts
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import TABLE_METHODS, Data, List, Table, TableSlot, snapshot
from hotloop.frontend.objects import UNBOUND, regrow
from hotloop.frontend.sequences import noted
from hotloop.frontend.slots import (
    KINDS,
    VALUES,
    Kind,
    ObjectSlot,
    OneOfSlot,
    flatten,
    join,
    make,
    slot_of,
    unstable,
)
from hotloop.frontend.slots import dict_of as dict_of_slot
from hotloop.frontend.tracers import Tracer, lift
from hotloop.ir.core import Atom, Var
from hotloop.record import record

text = lazy.module("hotloop.frontend.text")


def traced(name: str) -> Callable[..., Any]:
    f = function(getattr(in_tables, name))
    if name not in KEYED:
        return f
    return lambda table, key, *more: f(table, table_keys.key_of(key), *more)


KEYED = frozenset(("add", "counted", "delete_item", "discard", "get", "get_item", "get_or_make",
                   "has", "pop", "pop_default", "set_default", "set_item"))
"""Functions of `in_tables` whose second argument is a key."""



def new(kind: str, factory: Any = None) -> Table:
    return Table(kind, factory, [list_of([-1] * 8), _empty(), _empty(), _empty(),
                                 list_of([0, 0])])


def _empty() -> List:
    return List(Data(None, ()), 0)


def of_known(x: Any) -> Table:
    """A Table for a dict or set that is known while tracing."""
    if isinstance(x, dict):
        return filled(list(x), list(x.values()))
    else:
        made = new("set")
        for key in x:
            traced("add")(made, key)
    return made


def filled(keys: list[Any], items: list[Any]) -> Table:
    """A dict of these keys and values: one loop over them, if they can be items of lists."""
    made = new("dict")
    kinds = {type(k) for k in keys}
    if len(keys) > MOST_WRITTEN_OUT and len(kinds) == 1 and kinds <= {int, float, tuple, str}:
        traced("fill")(made, _list_of(keys), _list_of(items))
    else:
        for key, x in zip(keys, items, strict=True):
            traced("set_item")(made, key, x)
    return made


def _list_of(items: list[Any]) -> List:
    known = isinstance(items[0], str | bytes) and text.list_of_known(items)
    return known if isinstance(known, List) else list_of(items)


MOST_WRITTEN_OUT = 4
"""Items of a known dict up to which each is put into it by itself."""


def constant(x: dict[Any, Any]) -> Table:
    """A dict that the function has not made and does not change, as a Table, made once."""
    builder = current()
    key = "table", id(x)
    found = builder.state.selections.get(key)
    if found is None:
        root = builder.lineage[0]
        with opened(root):
            made = filled(list(x), list(x.values()))
        found = builder.state.selections[key] = root, made
    return found[1]


def is_constant(x: Any) -> bool:
    """Is it a dict from outside that is no argument (so nothing may change it)?"""
    return type(x) is dict and any(s.made is x and not s.is_argument
                                   for s in current().state.session.stand_ins)


# ---- making them

def _has_tracers(x: Any) -> bool:
    return isinstance(x, Tracer) or isinstance(x, tuple) and any(map(_has_tracers, x))


def set_of(items: Any = ()) -> Any:
    """set(items)"""
    if isinstance(items, np.ndarray):
        items = lift(items)
    known = _known(items)
    if known is not None and not any(map(_has_tracers, known)):
        return noted(set(known))
    return made_set(items)


def _known(items: Any) -> list[Any] | None:
    """The items, if they can be told without a loop and are few."""
    if isinstance(items, str | bytes):
        touched(items)
    if isinstance(items, list | tuple | set | frozenset | dict | str | range):
        return list(items)
    return None


def dict_of(*given: Any, **named: Any) -> Any:
    """dict(...)"""
    if given and isinstance(given[0], Table) and given[0].kind != "set":
        made = copied(given[0])
        made.kind = "dict"
    elif not given or isinstance(given[0], dict):
        return noted(dict(*given, **named))
    else:
        known = _known(given[0])
        if known is not None and not any(_has_tracers(pair[0]) for pair in known
                                         if isinstance(pair, tuple | list) and pair):
            return noted(dict(known, **named))
        made = new("dict")
        traced("update")(made, _in_memory(given[0]))
    for name, x in named.items():
        traced("set_item")(made, name, x)
    return made


def default_dict(factory: Any = None, *given: Any) -> Table:
    if given:
        raise unsupported("a defaultdict of given items", "update it")
    one = None if factory is None else function(factory)
    return new("dict" if factory is None else "defaultdict", one)


def counter(items: Any = (), /) -> Table:
    made = new("Counter")
    if isinstance(items, dict):
        raise unsupported("a Counter of a dict", "count its items")
    traced("count_all")(made, _in_memory(items))
    return made


def copied(x: Table) -> Table:
    return Table(x.kind, x.factory, [lists.copied(y) for y in x.lists])


# ---- operations

def size(x: Table) -> Any:
    n = table_keys.at(x.counts, 0)
    dm.bound(n.atom, 0, dm.MAX_DIM) if isinstance(n.atom, Var) else None
    return n


def load(x: Table, key: Any) -> Any:
    if x.kind == "set":
        raise TypeError("'set' object is not subscriptable")
    return traced({"defaultdict": "get_or_make", "Counter": "counted"}.get(
        x.kind, "get_item"))(x, key)


def store(x: Table, key: Any, new_item: Any) -> None:
    if x.kind == "set":
        raise TypeError("'set' object does not support item assignment")
    traced("set_item")(x, key, new_item)


def has(x: Table, key: Any) -> Any:
    """`key in x`; None is a key where text may be, too."""
    if key is None and not isinstance(x.own_keys.data.item, OneOfSlot | ObjectSlot):
        return False
    return traced("has")(x, key)


def iterated(x: Table) -> Any:
    return traced("members" if x.kind == "set" else "keys")(x)


def equal(a: Any, b: Any) -> Any:
    a, b = (of_known(z) if isinstance(z, dict | set) else z for z in (a, b))
    if not isinstance(a, Table) or not isinstance(b, Table) or (a.kind == "set") != (
            b.kind == "set"):
        return False
    return traced("same_members" if a.kind == "set" else "same_items")(a, b)


# ---- methods

def method(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            TABLE_METHODS[name] = f
        return f
    return register


def _in_plain(name: str, own: str) -> None:
    TABLE_METHODS[own] = lambda x, *given: traced(name)(x, *given)


for _own, _name in (("dict.get", "get"), ("dict.setdefault", "set_default"),
                    ("dict.clear", "clear"), ("set.clear", "clear"), ("set.add", "add"),
                    ("set.discard", "discard"), ("set.remove", "delete_item"),
                    ("dict.keys", "keys"), ("dict.values", "values"), ("dict.items", "items"),
                    ("set.issubset", "is_subset"), ("set.isdisjoint", "is_disjoint")):
    _in_plain(_name, _own)


@method("dict.pop")
def pop(x: Table, key: Any, *default: Any) -> Any:
    return traced("pop_default" if default else "pop")(x, key, *default)


@method("dict.copy", "set.copy")
def copy(x: Table) -> Table:
    return made_set(x) if x.kind == "set" else copied(x)


@method("set.update")
def update_set(x: Table, *others: Any) -> None:
    for items in others:
        if isinstance(items, set | frozenset):
            items = of_known(items)
        traced("merge" if isinstance(items, Table) and items.kind == "set" else "add_all")(x, items)


@method("dict.update")
def update(x: Table, other: Any) -> None:
    if x.kind == "Counter":
        traced("count_all")(x, other)
        return
    pairs: Any = list(other.items()) if isinstance(other, dict) else other
    if isinstance(other, Table):
        pairs = traced("items")(other)
    traced("update")(x, pairs)


@method("set.issuperset")
def is_superset(x: Table, other: Any) -> Any:
    return traced("is_subset")(as_set(other), x)


@method("Counter.most_common")
def most_common(x: Table, n: Any = None) -> Any:
    found = function(sorted)(traced("items")(x), key=_count_of, reverse=True)
    return found if n is None else found[:n] if isinstance(n, int) else found[slice(None, n)]


def _count_of(pair: Any) -> Any:
    return pair[1]


def as_set(x: Any) -> Table:
    return x if isinstance(x, Table) else of_known(set(x)) if isinstance(
        x, set | frozenset) else made_set(x)


def made_set(x: Any) -> Table:
    made = new("set")
    if isinstance(x, Table) and x.kind == "set":
        traced("merge")(made, x)
    else:
        traced("add_all")(made, _in_memory(x))
    return made


def _in_memory(x: Any) -> Any:
    """Many known items as a list of run-time length: one loop over them instead of copies."""
    known = _known(x)
    return x if known is None or len(known) < 3 else list_of(known)


def _binary(name: str) -> Callable[[Table, Any], Any]:
    def combined(a: Any, b: Any) -> Any:
        a, b = as_set(a), as_set(b)
        if name == "union":
            made = made_set(a)
            update_set(made, b)
            return made
        made = new("set")
        traced(name)(made, a, b)
        return made
    return combined


for _name, _symbol in (("union", "or"), ("intersection", "and"), ("difference", "sub"),
                       ("symmetric_difference", "xor")):
    _f = _binary(_name)
    TABLE_METHODS[f"set.{_name}"] = _f
    TABLE_METHODS[f"set.__{_symbol}__"] = _f


def _operator(symbol: str, turned: bool) -> Callable[[Any, Any], Any]:
    def apply(a: Any, b: Any) -> Any:
        if not isinstance(b, Table | set | frozenset) or a.kind != "set":
            return NotImplemented
        f = TABLE_METHODS[f"set.__{symbol}__"]
        return f(b, a) if turned else f(a, b)
    return apply


for _symbol in ("or", "and", "sub", "xor"):
    setattr(Table, f"__{_symbol}__", _operator(_symbol, False))
    setattr(Table, f"__r{_symbol}__", _operator(_symbol, True))


# ---- how they flow through branches and loops

class _Tables(Kind):
    def slot_of(self, x: Table) -> TableSlot:
        return TableSlot(x.kind, x.factory, tuple(map(slot_of, x.lists)))

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> TableSlot:
        for slot in (a, b):
            if dict_of_slot(slot) is not None:
                regrow(dict_of_slot(slot), unstable(name, a, b, "is a known dict or set"))
        if not (isinstance(a, TableSlot) and isinstance(b, TableSlot)) or a.kind != b.kind:
            raise unstable(name, a, b, "changes its type")
        return TableSlot(a.kind, a.factory, tuple(
            join(p, q, visible, name) for p, q in zip(a.lists, b.lists, strict=True)))

    def make(self, slot: TableSlot) -> tuple[list[Var], Table]:
        made = [make(part) for part in slot.lists]
        return [v for vars, _ in made for v in vars], Table(
            slot.kind, slot.factory, [x for _, x in made])

    def flatten(self, x: Any, slot: TableSlot) -> list[Atom]:
        return [a for k, part in enumerate(slot.lists)
                for a in flatten(UNBOUND if x is UNBOUND else x.lists[k], part)]

    def describe(self, slot: TableSlot) -> str:
        return f"a {slot.kind} of run-time values"

    def parts(self, x: Any) -> list[Any]:
        return list(x.lists)


VALUES[Table] = KINDS[TableSlot] = _Tables()


def settled_table(x: Table, changed: Callable[[List], bool]) -> Table:
    if not any(map(changed, x.lists)):
        return x
    return Table(x.kind, x.factory, [snapshot(y) for y in x.lists])


settled_kinds[Table] = settled_table


# ---- results

@record
class MakeTable:
    """The dict or set again: of the lists of keys, values and flags."""
    kind: str
    makers: tuple[MakeList, ...]
    counts: tuple[int, ...]

    def __call__(self, items: list[Any]) -> Any:
        columns = []
        at = 0
        for maker, count in zip(self.makers, self.counts, strict=True):
            columns.append(maker(items[at:at + count]))
            at += count
        if self.kind == "set":
            keys, living = columns
            return {k for k, alive in zip(keys, living, strict=True) if alive}
        keys, living, values = columns
        found = {k: v for k, alive, v in zip(keys, living, values, strict=True) if alive}
        return collections.Counter(found) if self.kind == "Counter" else found


def table_parts(x: Table, items_only: bool = False) -> tuple[MakeTable, list[Any]]:
    """How to make it, and of what; `items_only`: any dict of these items will do."""
    if x.kind == "defaultdict" and not items_only:
        raise staging("a defaultdict of run-time values is a result", "return dict(d)")
    found = [list_parts(y) for y in (
        x.own_keys, x.living, *([] if x.kind == "set" else [x.own_values]))]
    return (MakeTable(x.kind, tuple(maker for maker, _ in found),
                      tuple(len(atoms) for _, atoms in found)),
            [a for _, atoms in found for a in atoms])


table_keys.HASHES["integer"] = lambda k: traced("hash_integer")(k)
table_keys.HASHES["float"] = lambda x: traced("hash_float")(x)

__all__ = ["dict_of", "equal", "iterated", "load", "new", "of_known", "set_of", "size", "store",
           "table_parts", "traced"]
