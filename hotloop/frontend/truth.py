"""Truth values of tracers, and the operators that evaluate only one side.

    a and b, a or b, not a, x if c else y, a in (1, 2)

A known condition is decided at trace time, as Python does; a run-time condition stages both sides.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from types import CellType, FunctionType
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.frontend.branches import staged_if
from hotloop.frontend.builder import CONTEXT, check, current, emit, lit, unsupported
from hotloop.frontend.dims import compare
from hotloop.frontend.jumps import VALUE
from hotloop.frontend.list_values import List, Table, Text
from hotloop.frontend.objects import get
from hotloop.frontend.references import ChosenBase, chosen
from hotloop.frontend.slots import Either, Unjoined
from hotloop.frontend.tracers import (
    PYTHON,
    Array,
    KindMatters,
    Scalar,
    Tracer,
    Widened,
    convert,
    value,
    zero,
)
from hotloop.ir.core import Atom, Lit, Var
from hotloop.ir.types import BOOL, I64

calls = lazy.module("hotloop.frontend.calls")
tables = lazy.module("hotloop.frontend.tables")
text = lazy.module("hotloop.frontend.text")


def truth(x: Any) -> Any:
    """bool(x): a Python bool, or a PYTHON Scalar of dtype bool."""
    if not isinstance(x, Tracer):
        return _truth_of_object(x)
    if isinstance(x, Either):
        return exactly(truth, x)
    if isinstance(x, Unjoined):
        raise x.error
    if isinstance(x, Table):
        return tables.size(x) > 0
    if isinstance(x, List | Text):
        answer = compare("gt", x.n if isinstance(x, List) else x.length, 0)
        return answer if isinstance(answer, bool) else Scalar(answer, PYTHON)
    if isinstance(x, Array):
        if any(not (isinstance(d, int) and d == 1) for d in x.dims):
            raise ValueError("The truth value of an array with more than one element is "
                             "ambiguous. Use a.any() or a.all()")
        x = x[(0,) * x.ndim] if x.dims else Scalar(x.value())
    atom = value(x)
    if isinstance(x, Widened) and x.narrow_kind is None:
        true = _nonzero(atom)
        both, = emit("and", [x.flag, true], [(BOOL, ())])
        return Scalar(both, PYTHON)
    true = _nonzero(atom)
    return bool(true.value) if isinstance(true, Lit) else Scalar(true, PYTHON)


def _truth_of_object(x: Any) -> Any:
    """bool(x) of what is no tracer; methods that users wrote are traced."""
    for name in ("__bool__", "__len__"):
        method = getattr(type(x), name, None)
        if isinstance(method, FunctionType):
            result = calls.function(getattr(x, name))()
            if not isinstance(result, Scalar):
                return bool(result)
            wanted = BOOL if name == "__bool__" else I64
            if result.kind != PYTHON or result.atom.dtype != wanted:
                raise TypeError(f"{name} should return {wanted}, returned {result.atom.dtype}")
            if wanted == I64:
                check(compare("ge", value(result), 0), ValueError, "__len__() should return >= 0")
            return truth(result)
        if method is not None:
            break
    return bool(x)


def _nonzero(atom: Atom) -> Atom:
    if isinstance(atom, Lit):
        return lit(bool(atom.value))
    if atom.dtype == BOOL:
        return atom
    if atom.dtype == I64:
        answer = compare("ne", atom, 0)
        return lit(answer) if isinstance(answer, bool) else answer
    return emit("ne", [atom, zero(atom.dtype)], [(BOOL, ())])[0]


def choose(condition: Scalar, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """The value of one of two expressions, both traced."""
    cell = CellType()

    def first() -> None:
        cell.cell_contents = yes()

    def second() -> None:
        cell.cell_contents = no()
    cells = {"_hl_expression": cell}
    staged_if(condition.atom, (first, second), cells, ["_hl_expression"], [])
    result = get(cells, "_hl_expression")
    if isinstance(result, Unjoined) and not isinstance(result, Either):
        raise result.error
    return result


def exactly(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """f(*args, **kwargs); if it depends on which kind a Widened argument is, for each kind; of an
    Either for each of its types."""
    either = next(_eithers((*args, *kwargs.values())), None)
    if either is not None:
        return _for_each_type(f, either, args, kwargs)
    CONTEXT.splitting += 1
    try:
        return f(*args, **kwargs)
    except KindMatters as error:
        x = error.number
    finally:
        CONTEXT.splitting -= 1

    def with_number(new: Any) -> Any:
        changed = [_replaced(a, x, new) for a in args]
        named = {k: _replaced(a, x, new) for k, a in kwargs.items()}
        if all(map(_same, changed, args)) and all(map(_same, named.values(), kwargs.values())):
            raise unsupported("a variable of two possible types in this call",
                              "give it one type before the branch or loop")
        return exactly(f, *changed, **named)

    def narrow() -> Any:
        if x.narrow_kind is None:
            return with_number(None)
        return with_number(Scalar(convert(x.atom, x.narrow_dtype), x.narrow_kind))
    return _of_either_type(x.flag, lambda: with_number(Scalar(x.atom, x.kind)), narrow)


def _eithers(args: Sequence[Any]) -> Iterator[Either]:
    for a in args:
        if isinstance(a, Either):
            yield a
        elif type(a) in (tuple, list):
            yield from _eithers(a)


def _for_each_type(f: Callable[..., Any], either: Either, args: tuple[Any, ...],
                   kwargs: dict[str, Any]) -> Any:
    """Values that depend on the same condition are chosen together."""
    def side(name: str) -> Callable[[], Any]:
        def chosen(a: Any) -> Any:
            if isinstance(a, Either) and a.flag.atom is either.flag.atom:
                return getattr(a, name)
            return type(a)(map(chosen, a)) if type(a) in (tuple, list) else a

        return lambda: exactly(f, *map(chosen, args),
                               **{k: chosen(a) for k, a in kwargs.items()})
    return _of_either_type(either.flag.atom, side("yes"), side("no"))


def _of_either_type(flag: Atom, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """As `choose`, but values that can't be joined become an Either."""
    known = bool(flag.value) if isinstance(flag, Lit) else current().truths.get(flag)
    if known is not None:
        return yes() if known else no()
    cell = CellType()

    def first() -> None:
        cell.cell_contents = yes()

    def second() -> None:
        cell.cell_contents = no()
    cells = {VALUE: cell}
    staged_if(flag, (first, second), cells, [VALUE], [])
    return get(cells, VALUE)


def _same(a: Any, b: Any) -> bool:
    return a is b


def _replaced(a: Any, old: Any, new: Any) -> Any:
    if a is old:
        return new
    if type(a) in (tuple, list) and any(e is old for e in a):
        return type(a)(new if e is old else e for e in a)
    return a


def _is_python_bool(x: Any) -> bool:
    return isinstance(x, Scalar) and x.kind == PYTHON and x.atom.dtype == BOOL


def _is_numpy_bool(x: Any) -> bool:
    return isinstance(x, np.bool_) or (
        isinstance(x, Scalar) and x.kind != PYTHON and x.atom.dtype == BOOL)


def and_(a: Any, b: Callable[[], Any]) -> Any:
    """`a and b()`"""
    c = truth(a)
    if not isinstance(c, Scalar):
        return b() if c else a
    return choose(c, b, lambda: False if _is_python_bool(a) else a)


def or_(a: Any, b: Callable[[], Any]) -> Any:
    """`a or b()`"""
    c = truth(a)
    if not isinstance(c, Scalar):
        return a if c else b()
    return choose(c, lambda: True if _is_python_bool(a) else a, b)


def all_(a: Any, b: Callable[[], Any]) -> Any:
    """bool(a and b())"""
    c = truth(a)
    if not isinstance(c, Scalar):
        return truth(b()) if c else False
    return choose(c, lambda: truth(b()), lambda: False)


def any_(a: Any, b: Callable[[], Any]) -> Any:
    """bool(a or b())"""
    c = truth(a)
    if not isinstance(c, Scalar):
        return True if c else truth(b())
    return choose(c, lambda: True, lambda: truth(b()))


def not_(a: Any) -> Any:
    """`not a`"""
    c = truth(a)
    if not isinstance(c, Scalar):
        return not c
    result, = emit("not", [c.atom], [(BOOL, ())])
    state = current().state
    outcomes = state.outcomes
    if isinstance(c.atom, Var):
        state.opposites[result] = c.atom
    if isinstance(c.atom, Var) and c.atom in outcomes:
        yes, no = outcomes[c.atom]
        outcomes[result] = no, yes
    return Scalar(result, PYTHON)


def if_expression(condition: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """`yes() if condition else no()`"""
    c = truth(condition)
    if isinstance(c, Scalar):
        return choose(c, yes, no)
    return yes() if c else no()


def equal(a: Any, b: Any) -> Any:
    """`a == b`; tuples and lists item by item"""
    if (isinstance(a, Text) or isinstance(b, Text)) and Either not in (type(a), type(b)):
        return text.equal(a, b)
    if isinstance(a, Either) or isinstance(b, Either):
        return exactly(equal, a, b)
    kind = type(a)
    if (kind is tuple or kind is list) and type(b) is kind:
        if len(a) != len(b):
            return False
        result: Any = True
        for p, q in zip(a, b, strict=True):
            result = and_(result, functools.partial(_same_item, p, q))
            if result is False:
                return False
        return result
    if kind is dict and type(b) is dict:
        if a.keys() != b.keys():
            return False
        return equal(list(a.values()), [b[key] for key in a])
    for x, y in ((a, b), (b, a)):
        if y is None and isinstance(x, Widened) and x.narrow_kind is None:
            return is_(x, None)
    if isinstance(a, Table) or isinstance(b, Table):
        return tables.equal(a, b)
    if isinstance(a, List) or isinstance(b, List):
        other = b if isinstance(a, List) else a
        return IN_PYTHON["list_equal"](a, b) if isinstance(other, list | List) else False
    if kind.__eq__ is object.__eq__:
        _refuse_unknown(a, b, "`==`")
    return a == b


IN_PYTHON: dict[str, Callable[..., Any]] = {}
"""Functions of `in_python`, to be called with tracers: filled by `python_sequences`."""


def _ordered(name: str, compared: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def ordered(a: Any, b: Any) -> Any:
        if (isinstance(a, Text) or isinstance(b, Text)) and Either not in (type(a), type(b)):
            return text.ordered(name, a, b)
        if isinstance(a, List) or isinstance(b, List):
            x, y = (b, a) if name[0] == "g" else (a, b)
            if name.endswith("equal"):
                return not_(IN_PYTHON["list_less"](y, x))
            return IN_PYTHON["list_less"](x, y)
        if type(a) not in (tuple, list) or type(b) is not type(a) or not any(
                isinstance(e, Tracer) or type(e) is tuple for e in (*a, *b)):
            return compared(a, b)
        result: Any = compared(len(a), len(b))
        for p, q in reversed(list(zip(a, b, strict=False))):
            result = if_expression(_same_item(p, q), functools.partial(_known, result),
                                   functools.partial(ordered, p, q))
        return result
    return ordered


def _known(x: Any) -> Any:
    return x


less = _ordered("less", operator.lt)
less_equal = _ordered("less_equal", operator.le)
greater = _ordered("greater", operator.gt)
greater_equal = _ordered("greater_equal", operator.ge)


def _same_item(p: Any, q: Any) -> Any:
    return truth(p is q or equal(q, p))


def not_equal(a: Any, b: Any) -> Any:
    """`a != b`"""
    if (isinstance(a, Text) or isinstance(b, Text)) and Either not in (type(a), type(b)):
        return not_(text.equal(a, b))
    if isinstance(a, Either) or isinstance(b, Either):
        return exactly(not_equal, a, b)
    if type(a) is type(b) and (type(a) in (tuple, list, dict) or (
            type(a).__ne__ is object.__ne__)) or isinstance(a, List) or isinstance(
            b, List | Table) or isinstance(a, Table) or a is None or b is None:
        return not_(equal(a, b))
    return a != b


def in_(x: Any, items: Any) -> Any:
    """`x in items`"""
    if isinstance(items, Text) or isinstance(items, str | bytes) and isinstance(
            x, Text | Scalar) or text_in_one(x, items):
        return text.contains(x, items)
    if isinstance(x, Either) or isinstance(items, Either):
        return exactly(in_, x, items)
    if isinstance(items, Unjoined):
        raise items.error
    if isinstance(items, Array):
        return truth((items == x).any())
    if isinstance(items, List):
        return IN_PYTHON["contains"](items, x)
    if isinstance(items, Table):
        return tables.has(items, x)
    contains = getattr(type(items), "__contains__", None)
    if getattr(contains, "__name__", "") == "_hl_method":
        return truth(contains(items, x))  # type: ignore[misc]
    if not isinstance(x, Tracer) and not (
            isinstance(x, tuple) and any(isinstance(e, Tracer) for e in x)) and not (
            isinstance(items, list | tuple) and any(isinstance(e, Tracer) for e in items)):
        return x in items
    if isinstance(items, dict | set | frozenset):
        items = list(items)
    found: Any = False
    for e in items:
        found = or_(found, functools.partial(_same_item, e, x))
        if found is True:
            return True
    return truth(found)


def text_in_one(x: Any, items: Any) -> bool:
    """Is text of run time looked for in one of several constants?"""
    return isinstance(x, Text) and isinstance(items, Either) and type(items) is not Either


def not_in(x: Any, items: Any) -> Any:
    return not_(in_(x, items))


def is_(a: Any, b: Any) -> Any:
    """`a is b` for the values that have an identity: None, bools, arrays, objects."""
    for x, y in ((a, b), (b, a)):
        if type(x) is Either and y is None:
            return _is_none(x)
    if isinstance(a, Either) or isinstance(b, Either):
        return exactly(is_, a, b)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Unjoined):
            raise x.error
        if isinstance(x, Widened) and x.narrow_kind is None and y is None:
            return not_(Scalar(x.flag, PYTHON))
        if isinstance(x, Scalar) and (y is True or y is False):
            if not _is_python_bool(x):
                return False
            return x if y else not_(x)
    if _is_python_bool(a) and _is_python_bool(b):
        return equal(a, b)
    if _is_numpy_bool(a) and _is_numpy_bool(b):         # there are two of them
        return Scalar(value(equal(a, b)), PYTHON)
    if isinstance(a, Array) and isinstance(b, Array) and a is not b:
        same = same_object(a, b)
        return bool(same.value) if isinstance(same, Lit) else Scalar(same, PYTHON)
    _refuse_unknown(a, b, "`is`")
    return a is b


def _refuse_unknown(a: Any, b: Any, what: str) -> None:
    if a is not b and _may_be_one(a, b):
        name = getattr(type(a), "__name__", "").replace("List", "list")
        raise unsupported(f"{what} of a {name} that is one of several after a branch or loop, or "
                          "in a list", "compare what is in them")


def _may_be_one(a: Any, b: Any) -> bool:
    """Are these two objects of ours that may stand for one of the program's?"""
    if isinstance(a, List) and isinstance(b, List):
        return any(r() is b for r in a.group)
    session = current().state.session
    return type(a) is type(b) and any(
        known.get(id(x)) is x for x in (a, b) for known in (session.one_of_two, session.kept))


def _is_none(x: Any) -> Any:
    """`x is None` by the flags of x, so that a branch on it knows the type."""
    if type(x) is not Either:
        return is_(x, None)
    flag = current().truths.get(x.flag.atom)
    if flag is not None:
        return _is_none(x.yes if flag else x.no)
    yes, no = _is_none(x.yes), _is_none(x.no)
    if yes is no:
        return yes
    if yes is True and no is False:
        return x.flag
    if yes is False and no is True:
        return not_(x.flag)
    return if_expression(x.flag, lambda: yes, lambda: no)


def same_object(a: Array, b: Array) -> Atom:
    """Are two names one array? Views are objects of their own."""
    for x, y in ((a, b), (b, a)):
        if x.base.origin is not None:
            return same_object(x.base.origin.along(x.steps), y)
        if isinstance(x.base, ChosenBase):
            return chosen(x, functools.partial(same_object, b=y))
    return lit(a is b or a.base is b.base and not a.steps and not b.steps)


def is_not(a: Any, b: Any) -> Any:
    return not_(is_(a, b))
