"""Methods of text and builtins that make it, on text and numbers of run time.

    word.upper(), sep.join(words), line.split()       loops over codes (`in_text`)
    str(n), chr(c), ord(c), int(text), f"{n}:{x:.3f}"

What has no loop of its own, and letters beyond ASCII, is a call of Python's method (`by_python`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend import in_text_parts, sequences, text, truth
from hotloop.frontend.builder import check, current, emit, fail, lit, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import Data, List, Text
from hotloop.frontend.lists import extend, item
from hotloop.frontend.numpy_callback import RAISING
from hotloop.frontend.slots import ScalarSlot
from hotloop.frontend.text import (
    as_int,
    character,
    dim_of,
    end,
    is_text,
    kind_of,
    part,
    place_in,
    run,
    text_of,
)
from hotloop.frontend.text_codes import I32, LAST_CODE
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON,
    Array,
    Scalar,
    Tracer,
    Widened,
    is_python_number,
    narrowed,
    value,
)
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import BOOL, F64, I64
from hotloop.ops import text_calls
from hotloop.ops.control import WORD

RAISING.add(text_calls.called)

UNTOLD = object()

TEXT_METHODS: dict[str, Callable[..., Any]] = {}
"""Methods of text; the first argument is the text, which may be known."""


# ---- calls of Python's own

def by_python(name: str, result: Any, x: Any, *args: Any, options: tuple[Any, ...] = ()) -> Any:
    """`x.name(*args)`, or a builtin of that name, computed by Python; `result`: str, bytes, or the
    dtype of a number."""
    operands: list[Atom] = []
    plan: list[Any] = []
    for a in (x, *args):
        if isinstance(a, Text) or type(a).__name__ == "OneOf":
            t = text_of(a)
            operands.append(text.codes_at(t))
            plan.append(t.kind.__name__)
        elif isinstance(a, Scalar):
            operands.append(value(narrowed(a) if isinstance(a, Widened) else a))
            plan.append("python" if a.kind == PYTHON else "numpy")
        elif isinstance(a, Tracer):
            raise unsupported(f"{name} of such values as text")
        else:
            plan.append((a,))
    keywords: tuple[Any, ...] = (("name", name), ("options", options), ("plan", tuple(plan)))
    params: dict[str, Any] = {"function": text_calls.called, "keywords": keywords}
    if result in (str, bytes):
        n = dm.bound(current().bind(I64), 0, dm.MAX_DIM)
        codes = current().bind(I32, (n,))
        emit("call_numpy_checked", operands, [n, codes],
             results=(("i64", ()), ("i32", (("out", 0),))), **params)
        start = end()
        extend(text.pool().codes, List(Data(ScalarSlot(NUMPY_KIND, I32), [codes]), n))
        return Text(result, start, n)
    spelled = {BOOL: "bool", I64: "i64", F64: "f64"}[result]
    found, = emit("call_numpy_checked", operands, [(result, ())], results=((spelled, ()),),
                  **params)
    return Scalar(found, PYTHON)


def method(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            TEXT_METHODS[name] = f
        return f
    return register


def of_known(x: Any, name: str) -> Callable[..., Any] | None:
    """The method of known text for arguments of run time."""
    found = TEXT_METHODS.get(name)
    return None if found is None else partial(found, x)


# ---- letters

def _mapped(plain: str, name: str, x: Any) -> Any:
    t = text_of(x)
    start = end()
    n = as_int(t.length)
    done = run(plain, t)
    result = truth.if_expression(
        truth.truth(truth.equal(done, n)), lambda: Text(t.kind, start, t.length),
        lambda: by_python(name, t.kind, t))
    return result


for _name, _plain in (("upper", "upper"), ("lower", "lower"), ("swapcase", "swapped")):
    TEXT_METHODS[_name] = partial(_mapped, _plain, _name)


def _tested(plain: str, name: str, x: Any) -> Any:
    t = text_of(x)
    found = run(plain, t)
    return truth.if_expression(
        truth.truth(found < 0), lambda: by_python(name, BOOL, t),
        lambda: truth.truth(found > 0))


for _name, _plain in (("isdigit", "all_digits"), ("isdecimal", "all_digits"),
                      ("isnumeric", "all_digits"), ("isalpha", "all_letters"),
                      ("isalnum", "all_alphanumeric"), ("isspace", "all_spaces"),
                      ("isupper", "all_upper"), ("islower", "all_lower")):
    TEXT_METHODS[_name] = partial(_tested, _plain, _name)


def _by_python(name: str, result: Any) -> None:
    def apply(x: Any, *args: Any, **options: Any) -> Any:
        kind = kind_of(x) if result is None else result
        return by_python(name, kind, text_of(x), *args, options=tuple(sorted(options.items())))
    TEXT_METHODS[_name] = apply


for _name in ("title", "capitalize", "casefold", "center", "ljust", "rjust", "zfill", "expandtabs",
              "removeprefix", "removesuffix"):
    _by_python(_name, None)
for _name in ("istitle", "isidentifier", "isprintable", "isascii"):
    _by_python(_name, BOOL)
_name = "hex"
_by_python(_name, str)


@method("translate")
def translate(x: Any, table: Any) -> Any:
    if not isinstance(table, dict) or any(isinstance(v, Tracer) for v in table.values()):
        raise unsupported("translate with a table of run-time values")
    pairs = tuple(table.items())
    return by_python("translate_by", str, text_of(x), pairs)


text_calls.PLAIN["translate_by"] = lambda x, pairs: x.translate(dict(pairs))


@method("encode")
def encode(x: Any, encoding: Any = "utf-8", errors: Any = "strict") -> Any:
    return by_python("encode", bytes, text_of(x), encoding, errors)


@method("decode")
def decode(x: Any, encoding: Any = "utf-8", errors: Any = "strict") -> Any:
    return by_python("decode", str, text_of(x), encoding, errors)


# ---- looking for parts

def _bounds(t: Text, ends: tuple[Any, ...]) -> tuple[Any, Any]:
    """Those of `s.find(x, low, high)` in t, as a slice has them."""
    n = as_int(t.length)
    low, high = (*ends, None, None)[:2]
    if low is None and high is None:
        return 0, n
    return function(in_text_parts.clipped)(0 if low is None else low, n if high is None else high,
                                           n)


def _searched(x: Any, part_: Any, ends: tuple[Any, ...], name: str) -> Any:
    t = text_of(x)
    if t.kind is bytes and isinstance(part_, int | Scalar):
        part_ = text.byte(part_)
    if kind_of(part_) is not t.kind:
        fail(TypeError, f"must be str, not {text.type_name(part_)}")
    low, high = _bounds(t, ends)
    return place_in(t, part_, low, high, name)


@method("find")
def find(x: Any, part_: Any, *ends: Any) -> Any:
    return _searched(x, part_, ends, "found")


@method("rfind")
def rfind(x: Any, part_: Any, *ends: Any) -> Any:
    return _searched(x, part_, ends, "found_last")


@method("index")
def index(x: Any, part_: Any, *ends: Any) -> Any:
    return _there(x, find(x, part_, *ends))


@method("rindex")
def rindex(x: Any, part_: Any, *ends: Any) -> Any:
    return _there(x, rfind(x, part_, *ends))


def _there(x: Any, place: Any) -> Any:
    dm.require("ge", dim_of(place), 0, ValueError,
               "substring not found" if kind_of(x) is str else "subsection not found")
    return place


@method("count")
def count(x: Any, part_: Any, *ends: Any) -> Any:
    t = text_of(x)
    if is_text(part_) and not ends and t.kind is str and text_of(part_).length == 1:
        return function(in_text_parts.count_character)(t, text_of(part_))
    return _searched(x, part_, ends, "counted")


def _begins(x: Any, part_: Any, ends: tuple[Any, ...], last: bool) -> Any:
    if isinstance(part_, tuple):
        found: Any = False
        for p in part_:
            found = truth.any_(found, partial(_begins, x, p, ends, last))
        return found
    t, p = text_of(x), text_of(part_)
    if p.kind is not t.kind:
        fail(TypeError, f"{'ends' if last else 'starts'}with first arg must be str or a tuple of "
             f"str, not {text.type_name(part_)}")
    low, high = _bounds(t, ends)
    m = as_int(p.length)

    def same() -> Any:
        return text.equal(part(t, high - m if last else low, m), p)
    return truth.all_(truth.less_equal(m, high - low), same)


@method("startswith")
def startswith(x: Any, part_: Any, *ends: Any) -> Any:
    return _begins(x, part_, ends, False)


@method("endswith")
def endswith(x: Any, part_: Any, *ends: Any) -> Any:
    return _begins(x, part_, ends, True)


# ---- parts

SPACES = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006" \
         "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
BYTE_SPACES = b" \t\n\r\x0b\x0c"


def _strip(left: bool, right: bool, x: Any, characters: Any = None) -> Any:
    t = text_of(x)
    if characters is None:
        characters = SPACES if t.kind is str else BYTE_SPACES
    first, size = run("stripped", t, characters, more=(left, right))
    return part(t, first, size)


TEXT_METHODS["strip"] = partial(_strip, True, True)
TEXT_METHODS["lstrip"] = partial(_strip, True, False)
TEXT_METHODS["rstrip"] = partial(_strip, False, True)


def _found_list(items: Any) -> Any:
    """The items of a generator as a list of run-time length."""
    found = sequences.list_from(items)
    return found if isinstance(found, List) else list_of(found)


@method("split")
def split(x: Any, sep: Any = None, maxsplit: Any = -1) -> Any:
    t = text_of(x)
    if t.kind is bytes and sep is None:
        raise unsupported("bytes.split without a separator", "name it: split(b' ')")
    if sep is None:
        return _found_list(function(in_text_parts.words)(t, maxsplit))
    p = text_of(sep)
    dm.require("gt", p.length, 0, ValueError, "empty separator")
    return _found_list(function(in_text_parts.pieces)(t, p, maxsplit))


@method("rsplit")
def rsplit(x: Any, sep: Any = None, maxsplit: Any = -1) -> Any:
    if isinstance(maxsplit, int) and maxsplit < 0:
        return split(x, sep)
    raise unsupported("rsplit with maxsplit on text of run time", "use rpartition, or split")


@method("splitlines")
def splitlines(x: Any, keepends: Any = False) -> Any:
    if text_of(x).kind is bytes:
        raise unsupported("bytes.splitlines on run-time values", "use split(b'\\n')")
    return _found_list(function(in_text_parts.lines)(text_of(x), keepends))


@method("partition")
def partition(x: Any, sep: Any) -> Any:
    return _parted(x, sep, find)


@method("rpartition")
def rpartition(x: Any, sep: Any) -> Any:
    return _parted(x, sep, rfind)


def _parted(x: Any, sep: Any, search: Callable[..., Any]) -> Any:
    t, p = text_of(x), text_of(sep)
    dm.require("gt", p.length, 0, ValueError, "empty separator")
    at = search(t, p)
    return function(in_text_parts.parted if search is find else in_text_parts.parted_last)(
        t, p, at)


@method("replace")
def replace(x: Any, old: Any, new: Any, count_: Any = -1) -> Any:
    t = text_of(x)
    start = end()
    run("replaced", t, old, new, more=(count_,))
    return Text(t.kind, start, dm.dim(dm.minus(dm.form(end()), dm.form(start))))


@method("join")
def join(x: Any, items: Any) -> Any:
    sep = text_of(x)
    if is_text(items) and kind_of(items) is str:
        items = text.sequence(items)
    known = items if isinstance(items, tuple | list) else sequences.list_from(items)
    if isinstance(known, tuple | list):
        for k, e in enumerate(known):
            if kind_of(e) is not sep.kind:
                fail(TypeError, f"sequence item {k}: expected {sep.kind.__name__} instance, "
                     f"{text.type_name(e)} found")
        if len(known) <= 8:
            found: Any = sep.kind()
            for k, e in enumerate(known):
                found = text.concatenated(found, text.concatenated(x, e) if k else e)
            return found
        known = list_of(known)
    if known.data.item is None:
        return sep.kind()
    if text.slot_kind(known.data.item) is not sep.kind:
        fail(TypeError, f"sequence item 0: expected {sep.kind.__name__} instance, "
             f"{text.type_name(item(known, 0))} found")
    start = end()
    function(in_text_parts.joined)(sep, known)
    return Text(sep.kind, start, dm.dim(dm.minus(dm.form(end()), dm.form(start))))


# ---- numbers

def ord_(x: Any, /) -> Any:
    if not is_text(x):
        fail(TypeError, f"ord() expected string of length 1, but {text.type_name(x)} found")
    t = text_of(x)
    n = as_int(t.length)
    dm.require("eq", t.length, 1, TypeError, "ord() expected a character, but string of length {} "
               "found", *([n.atom] if isinstance(n, Scalar) else [n]))
    return Scalar(text.code_at(t, 0), PYTHON)


def chr_(i: Any, /) -> Any:
    code = dim_of(i)
    for op, limit in (("ge", 0), ("le", LAST_CODE)):
        dm.require(op, code, limit, ValueError, "chr() arg not in range(0x110000)")
    return character(lit(code) if isinstance(code, int) else code)


def str_(x: Any = "", *more: Any) -> Any:
    if more:
        return decode(x, *more) if isinstance(x, Text) else str(x, *more)
    return shown(x, "", "")


def repr_(x: Any, /) -> Any:
    return shown(x, "r", "")


def ascii_(x: Any, /) -> Any:
    return shown(x, "a", "")


def format_(x: Any, spec: Any = "", /) -> Any:
    return shown(x, "", spec)


def _in_base(name: str, base: int, prefix: str) -> Callable[..., Any]:
    def shown_in(x: Any, /) -> Any:
        negative = truth.truth(x < 0)
        sign = truth.if_expression(negative, lambda: "-" + prefix, lambda: prefix)
        return text.concatenated(sign, number_text(abs(x), base))
    return shown_in


IN_BASES = {name: _in_base(name, base, prefix) for name, base, prefix in (
    ("bin", 2, "0b"), ("hex", 16, "0x"), ("oct", 8, "0o"))}


def number_text(x: Any, base: int = 10, upper: bool = False) -> Text:
    """The digits of an int."""
    start = end()
    size = run("digits", more=(x, base, upper))
    return Text(str, start, dim_of(size))


def shown(x: Any, conversion: str, spec: Any) -> Any:
    """`str(x)`, `repr(x)`, `format(x, spec)` and what f-strings do."""
    if conversion:
        if conversion == "r" and isinstance(x, Text) or conversion == "a" and isinstance(x, Tracer):
            x = by_python("repr" if conversion == "r" else "ascii", str, x)
        elif conversion in "rs":
            x = _of_value(x, conversion)
        else:
            x = ascii(x)
        conversion = ""
    if isinstance(x, Text) or type(x).__name__ == "OneOf":
        if spec == "":
            return x if kind_of(x) is str else _of_value(x, "s")
        return by_python("format", str, text_of(x), spec)
    if isinstance(x, Tracer):
        if spec == "":
            return _of_value(x, "s")
        if isinstance(x, Scalar):
            return by_python("format", str, x, spec)
        raise unsupported("such a value formatted as text")
    if isinstance(spec, Text):
        return by_python("format", str, x, spec)
    if _holds_tracer(x):
        return _of_value(x, "s")
    return format(x, spec) if spec else str(x)


def _holds_tracer(x: Any) -> bool:
    return isinstance(x, Tracer) or isinstance(x, tuple | list) and any(map(_holds_tracer, x))


def _of_value(x: Any, conversion: str) -> Any:
    """`str(x)` or `repr(x)`"""
    if isinstance(x, Widened):
        return truth.exactly(_of_value, x, conversion)
    if is_python_number(x) and isinstance(x, Scalar):
        kind = x.atom.dtype.kind
        if kind == "b":
            return truth.if_expression(truth.truth(x), lambda: "True", lambda: "False")
        if kind == "i":
            return number_text(x)
        return by_python("repr", str, x)
    if isinstance(x, Scalar):
        return by_python("repr" if conversion == "r" else "str", str, x)
    if isinstance(x, Text):
        return by_python("repr", str, x) if conversion == "r" or x.kind is bytes else x
    if type(x) in (tuple, list) and _holds_tracer(x):
        pieces: Any = "(" if type(x) is tuple else "["
        for k, e in enumerate(x):
            pieces = _plus(pieces, ", " if k else "", _of_value(e, "r"))
        return _plus(pieces, ("," if len(x) == 1 else "") + ")" if type(x) is tuple else "]")
    if isinstance(x, List) and x.queue is None and x.data.item is not None:
        return _plus("[", join(", ", sequences.Stream(x, lambda sink, items: sequences.each(
            sink, items, lambda e: sink.add(_of_value(e, "r"))))), "]")
    if isinstance(x, Array | Tracer):
        raise unsupported("such a value as text", "make text of its numbers")
    return repr(x) if conversion == "r" else str(x)


def _plus(*pieces: Any) -> Any:
    found: Any = ""
    for p in pieces:
        found = p if isinstance(found, str) and not found else found + p if isinstance(
            found, str) and isinstance(p, str) else text.concatenated(found, p)
    return found


def fstring(parts: tuple[Any, ...]) -> Any:
    """An f-string: text, and (value, conversion, spec)."""
    return _plus(*(p if isinstance(p, str) else shown(*p) for p in parts))


@method("format")
def format_method(x: Any, *args: Any, **named: Any) -> Any:
    if not isinstance(x, str):
        raise unsupported("format() of a format that is known at run time only")
    import string
    found: list[Any] = []
    count_ = 0
    for literal, name, spec, conversion in string.Formatter().parse(x):
        found.append(literal)
        if name is None:
            continue
        if spec and "{" in spec or not (name == "" or name.isalnum()):
            raise unsupported("such a format of run-time values", "use an f-string")
        if name == "":
            name, count_ = str(count_), count_ + 1
        given = args[int(name)] if name.isdigit() else named[name]
        found.append((given, conversion or "", spec))
    return fstring(tuple(found))


def packed(x: Text, spec: str, most: int) -> tuple[str, list[Atom]]:
    """Text in the message of an exception: the fields of a format, and the numbers that it takes
    (`text_calls.with_text`)."""
    if spec not in ("", "!r"):
        x, spec = by_python("format", str, x, spec), ""
    count_ = min(most, 3)
    if isinstance(x.length, int):
        count_ = min(count_, max(-(-x.length // text_calls.LETTERS), 1))
    words = [run("packed", x, more=(k * text_calls.LETTERS, count_ * text_calls.LETTERS)).atom
             for k in range(count_)]
    return WORD + WORD.join(["{}"] * count_) + ("\x03" if spec else "\x02"), words


# ---- numbers of text

OVERFLOW = "an int beyond 64 bits"


def int_of(x: Any, base: Any = UNTOLD) -> Any:
    """`int(text)`, `int(text, base)`"""
    t = text_of(x)
    if base is not UNTOLD and not (isinstance(base, int) and base == 10):
        return by_python("int", I64, t, base)
    status, number = run("parsed", t)
    number = function(in_text_parts.checked_int)(t, status, number)
    if current().state.tries:
        check(truth.truth(status == 1).atom, UnsupportedError, "not supported: int() of this text "
              "in a try statement")
        return number
    return truth.if_expression(truth.truth(status == 1), lambda: number,
                               lambda: by_python("int", I64, t))


def float_of(x: Any) -> Any:
    t = text_of(x)
    good, number = emit("call_numpy", [text.codes_at(t)], [(BOOL, ()), (F64, ())],
                        function=text_calls.float_of, results=(("bool", ()), ("f64", ())))
    return function(in_text_parts.checked_float)(
        t, Scalar(good, PYTHON), Scalar(number, PYTHON))


def from_bytes(x: Any, byteorder: Any = "big", *, signed: Any = False) -> Any:
    """`int.from_bytes` of at most 8 bytes"""
    if not isinstance(byteorder, str) or not isinstance(signed, bool):
        raise unsupported("int.from_bytes with a byte order of run time")
    return by_python("from_bytes", I64, text_of(x), byteorder, signed)


text_calls.PLAIN["from_bytes"] = lambda x, order, signed: int.from_bytes(x, order, signed=signed)


__all__ = ["BOOL", "Atom", "Var", "float_of", "from_bytes", "fstring", "int_of", "np", "of_known"]
