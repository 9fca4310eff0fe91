"""Text that is known at run time: characters, and parts of one pool of codes.

    s = argument                 Text(start 2, length n)       the pool begins with such arguments
    c = s[i]                     Text(code pool[2 + i])        a character is a number
    w = s[i:j]                   Text(start 2 + i, length j - i)
    t = w + c                    Text(start m, length j - i + 1)       m: what was the pool's length

Text is immutable, so it is two numbers wherever it goes: through branches, loops, lists, tuples, as
keys of dicts. The pool is a list of run-time length of i32, which only grows. What is known while
tracing stays a str; when it meets text of run time it is in the pool from the start on, too.

An argument is known while tracing (a mode, a name) until the program looks at its characters: then
tracing begins again with its content as an input (`Regrow`). If that is refused, it stays known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import in_text, truth
from hotloop.frontend.builder import (
    Builder,
    Regrow,
    check,
    current,
    emit,
    fail,
    lit,
    opened,
    unsupported,
)
from hotloop.frontend.indexing import span
from hotloop.frontend.iterables import Indexed
from hotloop.frontend.list_buffers import exact, lay, more
from hotloop.frontend.list_values import Data, List, Text
from hotloop.frontend.lists import index_dim_of, position
from hotloop.frontend.objects import UNBOUND
from hotloop.frontend.one_of import OneOf
from hotloop.frontend.slots import (
    KINDS,
    VALUES,
    Kind,
    ObjectSlot,
    OneOfSlot,
    ScalarSlot,
    unstable,
)
from hotloop.frontend.text_codes import I32, in_range, read
from hotloop.frontend.traced import ARRAY, BYTES, TEXT, Input
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON,
    Scalar,
    Tracer,
    as_int,
    convert,
    dim_of,
    full,
    zero,
)
from hotloop.ir.core import Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, I64
from hotloop.ops.text_calls import codes_of, text_from
from hotloop.record import record

TEXTS = "text"
"""The site of the pool, as lists have sites: tracing begins again with it."""


# ---- the pool

class Pool:
    """The pool of a trace. `constants` are the codes of known text that it begins with; they are an
    array that the compiled function holds, filled when tracing has ended."""

    def __init__(self, session: Any):
        self.constants: list[int] = [0, 0]
        self.places: dict[str | bytes, int] = {}
        self.holder = FunctionType((lambda: None).__code__, {"constant": None, "__builtins__": {}},
                                   "constant")
        with opened(session.root):
            self.size = dm.bound(session.root.bind(I64), 2, dm.MAX_DIM)
            self.var = session.root.bind(I32, (self.size,), "text")
            path = (("global", "constant"),)
            session.inputs.append((Input(path, ARRAY, I32, 1, True, False, self.holder), self.var,
                                   None))
        self.total: Dim = self.size
        self.given: list[tuple[Dim, Var]] = []
        self.list: List | None = None

    @property
    def codes(self) -> List:
        """The list of all codes, made when the arguments are known."""
        if self.list is None:
            whole: Atom = self.var
            with opened(current().lineage[0]):
                if self.given:
                    whole = lay(full(zero(I32), (self.total,)), self.var, 0)
                for start, codes in self.given:
                    whole = lay(whole, codes, start)
                self.list = List(Data(ScalarSlot(NUMPY_KIND, I32), [whole]), self.total)
        return self.list

    def place(self, x: str | bytes) -> int:
        """Where known text begins."""
        found = self.places.get(x)
        if found is None:
            found = self.places[x] = len(self.constants)
            self.constants += codes_of(x).tolist()
        return found

    def finish(self, session: Any) -> None:
        self.holder.__globals__["constant"] = codes = np.array(self.constants, I32)
        session.sizes[self.size] = len(codes)


def given(session: Any, x: str | bytes, path: Any) -> Text:
    """Text among the arguments: its codes are an input."""
    n = dm.bound(session.root.bind(I64), 0, dm.MAX_DIM)
    var = session.root.bind(I32, (n,), str(path[-1][1]))
    session.sizes[n] = len(x)
    session.actual[var] = codes_of(x)
    session.inputs.append((Input(path, TEXT if type(x) is str else BYTES, I32, 1, True, False),
                           var, None))
    start = session.pool.total
    session.pool.given.append((start, var))
    session.pool.total = more(start, n)
    return Text(type(x), start, n)


def pool() -> Pool:
    session = current().state.session
    if session.pool is None:
        raise Regrow(TEXTS)
    return session.pool


def touched(x: Any) -> None:
    """The characters of known text matter: if it is an argument they become an input."""
    session = current().state.session
    path = session.known_texts.get(x)
    if path is not None and ("text", path) not in session.growing:
        raise Regrow(("text", path))


# ---- text of what may be known

def is_text(x: Any) -> bool:
    return isinstance(x, Text | str | bytes) or type(x) is OneOf and all(
        type(e) is type(x.objects[0]) and isinstance(e, str | bytes) for e in x.objects)


def kind_of(x: Any) -> type | None:
    """str, bytes, or None for what is no text."""
    if isinstance(x, Text):
        return x.kind
    if type(x) is OneOf:
        return kind_of(x.objects[0]) if is_text(x) else None
    return str if isinstance(x, str) else bytes if isinstance(x, bytes) else None


def text_of(x: Any) -> Text:
    """Text in the pool, or a character."""
    if isinstance(x, Text):
        return x
    if type(x) is OneOf:
        kind = kind_of(x)
        if kind is None:
            raise x.error
        pool()
        here = [text_of(e) for e in x.objects]
        if kind is str and all(e.code is not None for e in here):
            return character(in_range(_picked(x, [ord(e) for e in x.objects])))
        size = _picked(x, [len(e) for e in x.objects])
        start = _picked(x, [pool().place(e) for e in x.objects])
        return Text(kind, _place(start), _place(size))
    touched(x)
    if isinstance(x, str):
        if len(x) == 1:
            return character(lit(ord(x)))
        x = str(x)
    return Text(type(x), pool().place(x), len(x))


def _picked(x: OneOf, numbers: list[int]) -> Atom:
    """numbers[place]"""
    found: Atom = lit(numbers[-1])
    if len(set(numbers)) == 1:
        return found
    if len(numbers) <= 6:
        for k, number in enumerate(numbers[:-1]):
            found, = emit("select", [x.is_at(k), lit(number), found], [(I64, ())])
        return found
    table = _constant(map(lit, numbers))
    place, = emit("sub", [x.place, lit(x.first)], [(I64, ())])
    return emit("get", [table, place], [(I64, ())], codes="i")[0]


def _place(atom: Atom) -> Dim:
    return dm.bound(atom, 0, dm.MAX_DIM) if type(atom) is Var else int(atom.value)  # type: ignore[union-attr]


def character(code: Atom) -> Text:
    return Text(str, 0, 1, False, code)


def start_of(x: Text) -> Any:
    """Where it is in the pool; ~code of a character."""
    if x.code is None:
        return as_int(x.start)
    if isinstance(x.code, Lit):
        return ~int(x.code.value)
    return Scalar(emit("not", [x.code], [(I64, ())])[0], PYTHON)


def span_of(x: Text) -> tuple[Any, Any]:
    return start_of(x), as_int(x.length)


def run(name: str, *texts: Any, more: tuple[Any, ...] = ()) -> Any:
    """A function of `in_text` on these texts."""
    spans = [e for x in texts for e in span_of(text_of(x))]
    return getattr(in_text, name)(pool().codes, *spans, *more)


def end() -> Dim:
    """The length of the pool, where new text begins."""
    return pool().codes.n


def made(name: str, size: Any, *texts: Any, more: tuple[Any, ...] = (), kind: type = str) -> Text:
    """The text that a function of `in_text` puts at the end; `size` None: it says how long."""
    start = end()
    found = run(name, *texts, more=more)
    return Text(kind, start, dim_of(found if size is None else size))


# ---- operations

def size(x: Text) -> Any:
    return as_int(x.length)


def code_at(x: Text, i: Dim) -> Atom:
    """The code of a character that exists."""
    if x.code is not None:
        return x.code
    return read(pool().codes, x.start, i, x.plain)


def item(x: Text, i: Dim) -> Any:
    code = code_at(x, i)
    return character(code) if x.kind is str else Scalar(code, PYTHON)


def load(x: Any, i: Any) -> Any:
    """`x[i]`"""
    t = text_of(x)
    if isinstance(i, slice):
        return _part(t, i)
    what = "string" if t.kind is str else "byte"
    if not isinstance(i, int | np.integer | Scalar):
        fail(TypeError, f"{what} indices must be integers or slices, not {type(i).__name__}"
             if t.kind is bytes else f"string indices must be integers, not '{type(i).__name__}'")
    message = "string index out of range" if t.kind is str else "index out of range"
    return item(t, position(index_dim_of(i, what) if isinstance(i, Scalar) else dim_of(i),
                            t.length, message))


def _part(x: Text, s: slice) -> Any:
    start, size, step = span(s, x.length)
    if isinstance(step, int) and step == 1:
        return part(x, start, size)
    if isinstance(size, int) and size == 1:
        return item(x, start)
    return made("gathered", as_int(size), more=(
        start_of(x), *map(as_int, (start, size, step))), kind=x.kind)


def part(x: Text, first: Any, size: Any) -> Text:
    """Some characters in a row, which exist."""
    first, size = dim_of(first), dim_of(size)
    if isinstance(size, int) and size == 1 and x.kind is str:
        return character(code_at(x, first))
    if x.plain:
        return Text(x.kind, more(x.start, first), size)
    start = dim_of(start_of(x))
    at, = emit("add", [start, first], [(I64, ())])
    below = dm.compare("lt", start, 0)
    at, = emit("select", [below, start, at], [(I64, ())])
    return Text(x.kind, at, size, False)


def sequence(x: Any) -> Indexed:
    """Its characters, or the numbers of bytes."""
    t = text_of(x)
    return Indexed(t.length, lambda i: item(t, i))


def answer(x: Atom | bool) -> Any:
    return x if isinstance(x, bool) else Scalar(x, PYTHON)


def equal(a: Any, b: Any) -> Any:
    """`a == b` where one is text of run time."""
    if kind_of(a) is None or kind_of(a) is not kind_of(b):
        return False
    x, y = text_of(a), text_of(b)
    n, m = x.length, y.length
    if isinstance(n, int) and isinstance(m, int) and n != m:
        return False
    if 0 in (n, m):
        return answer(dm.compare("eq", n, m))
    if 1 in (n, m):
        if n != 1:
            x, y = y, x

        def same() -> Any:
            return Scalar(emit("eq", [code_at(x, 0), code_at(y, 0)], [(BOOL, ())])[0], PYTHON)
        return truth.all_(answer(dm.compare("eq", y.length, 1)), same)
    return run("equal", x, y)


SIGNS = {"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"}
SYMBOLS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}


def ordered(name: str, a: Any, b: Any) -> Any:
    """`a < b` and its like."""
    if kind_of(a) is None or kind_of(a) is not kind_of(b):
        fail(TypeError, f"'{SYMBOLS[name]}' not supported between instances of "
             f"{type_name(a)!r} and {type_name(b)!r}")
    x, y = text_of(a), text_of(b)
    if x.code is not None and y.code is not None:
        return Scalar(emit(SIGNS[name], [x.code, y.code], [(BOOL, ())])[0], PYTHON)
    return answer(dm.compare(SIGNS[name], dim_of(run("compared", x, y)), 0))


def type_name(x: Any) -> str:
    kind = kind_of(x)
    if kind is not None:
        return kind.__name__
    if isinstance(x, Scalar) and x.kind == PYTHON:
        return {"b": "bool", "i": "int", "f": "float", "c": "complex"}[x.atom.dtype.kind]
    return "NoneType" if x is None else "list" if isinstance(x, List) else type(x).__name__


MOST_COMPARED = 12
"""Characters of known text up to which one is compared with each."""


def contains(x: Any, items: Any) -> Any:
    """`x in items`, which is text"""
    kind = kind_of(items)
    if kind is bytes and not is_text(x):
        x = byte(x)
    elif kind_of(x) is not kind:
        fail(TypeError, f"'in <string>' requires string as left operand, not {type_name(x)}"
             if kind is str else f"a bytes-like object is required, not '{type_name(x)}'")
    one = text_of(x)
    if one.code is not None and isinstance(items, str) and len(items) <= MOST_COMPARED:
        found: Any = False
        for c in dict.fromkeys(items):
            same = Scalar(emit("eq", [one.code, lit(ord(c))], [(BOOL, ())])[0], PYTHON)
            found = same if found is False else Scalar(
                emit("or", [found.atom, same.atom], [(BOOL, ())])[0], PYTHON)
        return found
    return answer(dm.compare("ge", dim_of(place_in(items, one)), 0))


def byte(x: Any) -> Text:
    """The bytes of one number."""
    number = dim_of(x)
    inside = dm.compare("le", number, 255)
    check(inside, ValueError, "byte must be in range(0, 256)")
    check(dm.compare("ge", number, 0), ValueError, "byte must be in range(0, 256)")
    atom = lit(number) if isinstance(number, int) else number
    return Text(bytes, emit("not", [atom], [(I64, ())])[0], 1, False)


def place_in(items: Any, x: Any, low: Any = 0, high: Any = None, name: str = "found") -> Any:
    whole = text_of(items)
    return run(name, whole, x, more=(low, as_int(whole.length) if high is None else high))


def concatenated(a: Any, b: Any) -> Any:
    """`a + b`"""
    kind = kind_of(a)
    if kind is None or kind is not kind_of(b):
        names = type_name(a), type_name(b)
        if kind is str:
            fail(TypeError, f'can only concatenate str (not "{names[1]}") to str')
        if kind is bytes:
            fail(TypeError, f"can't concat {names[1]} to bytes")
        fail(TypeError, f"unsupported operand type(s) for +: {names[0]!r} and {names[1]!r}")
    x, y = text_of(a), text_of(b)
    for one, other in ((x, y), (y, x)):
        if isinstance(one.length, int) and one.length == 0:
            return other
    start = dim_of(run("joined", x, y))
    if isinstance(start, Var):
        dm.bound(start, 0, dm.MAX_DIM)
    return Text(kind, start, more(x.length, y.length))


def repeated(x: Any, times: Any) -> Any:
    """`x * times`"""
    t = text_of(x)
    if not isinstance(times, int | np.integer | Scalar) or isinstance(times, Scalar) and (
            times.atom.dtype.kind not in "bi"):
        fail(TypeError, f"can't multiply sequence by non-int of type '{type_name(times)}'")
    n = dm.at_least_zero(dm.form(dim_of(times)))
    return made("repeated", as_int(dm.product((n, t.length))), t, more=(as_int(n),), kind=t.kind)


def binary(name: str, a: Any, b: Any) -> Any:
    """An operator on text of which one side at least is known at run time only."""
    if name == "add":
        return concatenated(a, b)
    if name == "mul":
        return repeated(a, b) if is_text(a) else repeated(b, a)
    if name in ("eq", "ne"):
        found = equal(a, b)
        return found if name == "eq" else truth.not_(found)
    if name == "mod":
        raise unsupported("formatting of run-time values with %", "use an f-string")
    fail(TypeError, f"unsupported operand type(s): {type_name(a)!r} and {type_name(b)!r}")


def hash_atom(x: Any) -> Atom:
    """A hash of text, known or not: equal text has equal hashes."""
    if isinstance(x, str | bytes):
        h = 5381
        for c in codes_of(x).tolist():
            h = (h * 1000003 ^ c) & 1099511627775
        return lit(h)
    if type(x) is OneOf:
        numbers = [h if e is None else int(hash_atom(e).value)  # type: ignore[union-attr]
                   for e, h in ((e, 0) for e in x.objects)]
        return _picked(x, numbers)
    if x.code is not None:
        one, = emit("xor", [x.code, lit(5381 * 1000003)], [(I64, ())])
        return emit("and", [one, lit(1099511627775)], [(I64, ())])[0]
    return run("hashed", x).atom


# ---- how it flows through branches and loops

@record
class TextSlot:
    """`plain`: never a character by its code."""
    kind: type
    plain: bool


@record
class CharSlot:
    """A str of one character, by its code."""


class _Texts(Kind):
    by_value = takes_constants = True

    def slot_of(self, x: Text) -> Any:
        return TextSlot(x.kind, x.plain) if x.code is None else CharSlot()

    def join(self, a: Any, b: Any, visible: Builder, name: Any) -> Any:
        x, y = _as_slot(a), _as_slot(b)
        if x is None or y is None:
            raise unstable(name, a, b, "changes its type")
        if isinstance(x, CharSlot) and isinstance(y, CharSlot):
            return x
        kinds = {getattr(z, "kind", str) for z in (x, y)}
        if len(kinds) > 1:
            raise unstable(name, a, b, "changes its type")
        return TextSlot(kinds.pop(), all(isinstance(z, TextSlot) and z.plain for z in (x, y)))

    def make(self, slot: Any) -> tuple[list[Var], Any]:
        builder = current()
        start = builder.bind(I64)
        if isinstance(slot, CharSlot):
            return [start], character(in_range(start))
        n = dm.bound(builder.bind(I64), 0, dm.MAX_DIM)
        if slot.plain:
            dm.bound(start, 0, dm.MAX_DIM)
        return [start, n], Text(slot.kind, start, n, slot.plain)

    def flatten(self, x: Any, slot: Any) -> list[Atom]:
        if x is UNBOUND:
            return [lit(0)] if isinstance(slot, CharSlot) else [lit(0), lit(0)]
        x = text_of(x)
        if isinstance(slot, CharSlot):
            return [code_at(x, 0)]
        start = dim_of(start_of(x))
        return [lit(d) if isinstance(d, int) else d for d in (start, x.length)]

    def describe(self, slot: Any) -> str:
        return "a character" if isinstance(slot, CharSlot) else f"a {slot.kind.__name__}"

    # ---- as items of lists

    def columns(self, slot: Any) -> list[Any]:
        return [(I64, ())] * (1 if isinstance(slot, CharSlot) else 2)

    def assemble(self, slot: Any, atoms: Any) -> Text:
        if isinstance(slot, CharSlot):
            return character(in_range(next(atoms)))
        start, n = next(atoms), next(atoms)
        return Text(slot.kind, _place(start) if slot.plain else start, _place(n), slot.plain)

    def recast(self, atoms: Any, old: Any, new: Any) -> Iterator[Atom]:
        if isinstance(old, TextSlot):
            yield next(atoms)
            yield next(atoms)
        elif isinstance(old, CharSlot):
            codes = next(atoms)
            yield emit("not", [codes], [(I64, codes.shape)])[0]
            yield full(lit(1), codes.shape)
        elif isinstance(old, ObjectSlot):
            flags = next(atoms)
            for atom in self.flatten(old.object, new):
                yield full(atom, flags.shape)
        else:
            places = next(atoms)
            rows = [self.flatten(e, new) for e in old.objects]
            for column in zip(*rows, strict=True):
                table = _constant(column)
                yield emit("get", [table, places], [(I64, places.shape)], codes="a")[0]

    def plan(self, slot: Any) -> tuple[Any, ...]:
        return ("character",) if isinstance(slot, CharSlot) else ("text", slot.kind)


def _constant(atoms: Iterable[Any]) -> Atom:
    """An array of known numbers."""
    numbers = np.array([int(a.value) for a in atoms])
    return current().state.session.constant(numbers).value()


def _as_slot(slot: Any) -> Any:
    """That of known text, too."""
    if isinstance(slot, TextSlot | CharSlot):
        return slot
    known = slot.objects if isinstance(slot, OneOfSlot) else (
        (slot.object,) if isinstance(slot, ObjectSlot) else ())
    kind = kind_of(known[0]) if known else None
    if kind is None or any(kind_of(x) is not kind for x in known):
        return None
    if kind is str and all(len(x) == 1 for x in known):
        return CharSlot()
    return TextSlot(kind, all(len(x) != 1 for x in known))


def slot_kind(slot: Any) -> type | None:
    """str or bytes, if that is what the slot is of."""
    found = _as_slot(slot)
    return None if found is None else getattr(found, "kind", str)


VALUES[Text] = KINDS[TextSlot] = KINDS[CharSlot] = _Texts()


# ---- results

@record
class MakeText:
    """Text of its codes, or of the code of a character."""
    kind: type

    def __call__(self, items: list[Any]) -> Any:
        return chr(items[0]) if isinstance(items[0], int) else text_from(items[0], self.kind)


def result_parts(x: Text) -> tuple[MakeText, list[Any]]:
    """How to make it, and of what."""
    return MakeText(x.kind), [x.code if x.code is not None else codes_at(x)]


def codes_at(x: Text) -> Atom:
    """The codes of one text as an array."""
    if x.code is not None:
        return full(convert(x.code, I32), (1,))
    if not x.plain:
        x = made("copied", as_int(x.length), x, kind=x.kind)
    return emit("get", [pool().codes.data.atoms[0], x.start, x.length, lit(1)],
                [(I32, (x.length,))], codes="s")[0]


def all_codes() -> Atom:
    """The whole pool as an array, for lists of text that are results."""
    return exact(pool().codes).atoms[0]


def list_of_known(items: Any) -> List | None:
    """A list of known text, its columns two constant arrays; None if it is something else."""
    if len(items) < 3 or not all(type(x) is type(items[0]) and isinstance(x, str | bytes)
                                 for x in items):
        return None
    slot = _as_slot(OneOfSlot(tuple(items)))
    rows = [KINDS[type(slot)].flatten(x, slot) for x in items]
    return List(Data(slot, map(_constant, zip(*rows, strict=True))), len(items))


# ---- operators of tracers

def _operator(name: str, reflected: bool) -> Callable[..., Any]:
    def apply(self: Text, other: Any) -> Any:
        return binary(name, other, self) if reflected else binary(name, self, other)
    return apply


for _name in ("add", "mul", "mod", "eq", "ne"):
    setattr(Text, f"__{_name}__", _operator(_name, False))
    if _name not in ("eq", "ne"):
        setattr(Text, f"__r{_name}__", _operator(_name, True))
Text.__hash__ = Tracer.__hash__  # type: ignore[method-assign]
for _name, _long in (("lt", "less"), ("le", "less_equal"), ("gt", "greater"),
                     ("ge", "greater_equal")):
    setattr(Text, f"__{_name}__", lambda self, other, long=_long: ordered(long, self, other))
Text.__getitem__ = load  # type: ignore[method-assign]
