"""Builtins on tracers: len, max, sum, round, int, range, enumerate, zip, isinstance, ...

    max(a, b)        the op max for two Python numbers of one dtype, else `a if ... else b`
    int(x)           truncates; OverflowError for inf, ValueError for nan, as Python

A stand-in gets whatever the builtin is called with; without tracers among the arguments it does
what the builtin does.
"""

from __future__ import annotations

import builtins
import collections
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend import in_python, python_numbers, sequences, truth, ufuncs
from hotloop.frontend.builder import check, current, fail, here, staging, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.indexing import load, store
from hotloop.frontend.iterables import Indexed, KnownIterator, Range, sequence_of, touched
from hotloop.frontend.list_values import List, Table, Text
from hotloop.frontend.lists import load_from as load_item
from hotloop.frontend.numpy_arrays import scalar_of, settled
from hotloop.frontend.numpy_atoms import both, negate, op, select
from hotloop.frontend.numpy_callback import through_numpy
from hotloop.frontend.numpy_elementwise import truth as truth_of
from hotloop.frontend.operators import binary, in_place, unary
from hotloop.frontend.python_sequences import extreme as extreme_of
from hotloop.frontend.python_sequences import quantified, sorted_list, staged, summed
from hotloop.frontend.registry import NUMPY, call
from hotloop.frontend.sequences import Generated, Stream
from hotloop.frontend.slots import Unjoined
from hotloop.frontend.tracers import (
    NUMPY_KIND,
    PYTHON,
    PYTHON_TYPES,
    Array,
    Scalar,
    Tracer,
    Widened,
    as_int,
    convert,
    dim_of,
    dtype_of,
    is_python_number,
    known_by,
    narrowed,
    value,
)
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import BOOL, C128, F64, I64

callbacks = lazy.module("hotloop.ops.callbacks")


def python(atom: Atom) -> Scalar:
    return Scalar(atom, PYTHON)


def has_tracer(x: Any) -> bool:
    return isinstance(x, Tracer) or isinstance(x, list | tuple) and any(map(has_tracer, x))


tables = lazy.module("hotloop.frontend.tables")
text_names = lazy.module("hotloop.frontend.text_names")


# ---- sequences

@call(len)
def len_(x: Any, /) -> Any:
    if isinstance(x, Array):
        if not x.dims:
            fail(TypeError, "len() of unsized object")
        return as_int(x.dims[0])
    if isinstance(x, Scalar):
        fail(TypeError, f"object of type '{kind_name(x)}' has no len()")
    if isinstance(x, List):
        return x.size
    if isinstance(x, Table):
        return tables.size(x)
    if isinstance(x, Text):
        return as_int(x.length)
    if isinstance(x, str | bytes):
        touched(x)
    own = getattr(type(x), "__len__", None)
    if getattr(own, "__name__", "") == "_hl_method":       # of a user's class
        return own(x)  # type: ignore[misc]
    return x.length() if isinstance(x, Range | Indexed) else builtins.len(x)


def kind_name(x: Scalar) -> str:
    return PYTHON_TYPES[x.atom.dtype.kind].__name__ if x.kind == PYTHON else f"numpy.{x.dtype}"


@call(range)
def range_(*args: Any) -> Any:
    return Range(*args)


@call(enumerate)
def enumerate_(iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, Generated):
        return function(in_python.numbered)(iterable, start)
    items = sequence_of(stored(iterable))
    if not isinstance(items, Indexed):
        return builtins.enumerate(items, start) if not has_tracer(start) else (
            (start + k, x) for k, x in builtins.enumerate(items))
    first = dm.form(dim_of(start))
    return Indexed(items.stop, lambda i: (
        as_int(dm.dim(dm.plus(dm.form(i), first))), items.item(i)), items.over)


HAVE_ITEMS = (Array, List, Range, range, list, tuple, np.ndarray)


@call(zip)
def zip_(*iterables: Any, strict: bool = False) -> Any:
    if len(iterables) == 2 and not strict:
        x, y = iterables
        if isinstance(y, Generated) and isinstance(x, HAVE_ITEMS):
            return function(in_python.beside_generator)(x, y)
        if isinstance(x, Generated) and isinstance(y, HAVE_ITEMS):
            return function(in_python.generator_beside)(x, y)
    parts = [sequence_of(stored(x)) for x in iterables]
    if any(hasattr(p, "__next__") for p in parts):      # of which no item too many may be taken
        parts = [listed(p) if isinstance(p, Indexed) else p for p in parts]
    if not any(isinstance(p, Indexed) for p in parts):
        return builtins.zip(*parts, strict=strict)
    parts = [p if isinstance(p, Indexed | list | tuple | range) else list(p) for p in parts]
    sizes = [p.stop if isinstance(p, Indexed) else len(p) for p in parts]
    n = sizes[0]
    for d in sizes[1:]:
        if strict:
            dm.require_equal(n, d, "zip() arguments have different lengths")
        n = dm.minimum(n, d)

    def item(p: Any, i: Any) -> Any:
        if isinstance(p, Indexed):
            return p.item(i)
        return p[i] if isinstance(i, int) else load_item(p, as_int(i))
    over = tuple(x for p in parts if isinstance(p, Indexed) for x in p.over)
    return Indexed(n, lambda i: tuple(item(p, i) for p in parts), over)


def stored(x: Any) -> Any:
    """A generator expression as a list; other iterables as they are."""
    if isinstance(x, Table):
        return sequences.list_from(x)
    return x.items() if isinstance(x, Stream) else x


def known_or_list(x: Any) -> Any:
    """The characters of text as a list."""
    if isinstance(x, str | bytes):
        touched(x)
    return sequences.list_from(x) if isinstance(x, Text) else x


@call(set)
def set_(items: Any = (), /) -> Any:
    return tables.set_of(items)


@call(dict)
def dict_(*given: Any, **named: Any) -> Any:
    return tables.dict_of(*given, **named)


@call(iter)
def iter_(x: Any, /, *sentinel: Any) -> Any:
    if isinstance(x, Array | List | Table | Range | Indexed) and not sentinel:
        return sequences.Once(x)
    if type(x) in (list, tuple):
        return KnownIterator(x)
    return x if isinstance(x, Stream) else builtins.iter(x, *sentinel)


@call(reversed)
def reversed_(x: Any, /) -> Any:
    if isinstance(x, Range):
        return x.reversed()
    items = sequence_of(x)
    if not isinstance(items, Indexed):
        return builtins.reversed(items)
    last = dm.minus(dm.form(items.stop), dm.ONE)
    return Indexed(items.stop, lambda i: items.item(dm.dim(dm.minus(last, dm.form(i)))),
                   items.over)


def listed(x: Any) -> list[Any]:
    """The items of a sequence of known length."""
    items = sequence_of(x)
    if isinstance(items, Indexed):
        known = items.known()
        if known is None:
            raise staging("a Python list or tuple of run-time length", "keep it as an array")
        return [items.item(i) for i in known]
    return list(items)


@call(list)
def list_(x: Any = (), /) -> Any:
    return sequences.list_from(x)


@call(tuple)
def tuple_(x: Any = (), /) -> Any:
    return tuple(listed(stored(x)))


@call(sorted)
def sorted_(x: Any, /, *, key: Any = None, reverse: Any = False) -> Any:
    x = known_or_list(stored(x))
    place = here()
    if isinstance(x, np.ndarray | Array | List) or staged(x) or (
            place in current().state.session.growing):
        return sorted_list(x, key, reverse)
    items = listed(x)
    if has_tracer(items) and (key is not None or reverse or any(
            not (is_python_number(e) or isinstance(e, Scalar)) for e in items)):
        return sorted_list(items, key, reverse)
    return sequences.made(sorted_known(items, key, reverse), place)


def sorted_known(items: list[Any], key: Any, reverse: Any) -> list[Any]:
    if not has_tracer(items) and key is None:
        return builtins.sorted(items, reverse=reverse)
    if key is not None or not all(is_python_number(e) or isinstance(e, Scalar) for e in items):
        if has_tracer(items):
            raise unsupported("sorted of run-time values with a key", "use np.argsort")
        return builtins.sorted(items, key=key and function(key), reverse=reverse)
    return sorted_network(items)


def chosen(condition: Any, yes: Any, no: Any) -> Any:
    return truth.if_expression(condition, lambda: yes, lambda: no)


def sorted_network(items: list[Any]) -> list[Any]:
    """Insertion by exchanges: equal items keep their order, kinds of numbers stay with them."""
    for end in range(1, len(items)):
        for k in range(end, 0, -1):
            a, b = items[k - 1], items[k]
            if dtype_of(a) != dtype_of(b) or is_python_number(a) != is_python_number(b):
                raise unsupported("sorted of run-time numbers of different types")
            swap = binary("lt", b, a) if has_tracer([a, b]) else b < a
            items[k - 1], items[k] = chosen(swap, b, a), chosen(swap, a, b)
    return items


# ---- reductions of sequences

@call(sum)
def sum_(iterable: Any, /, start: Any = 0) -> Any:
    if isinstance(iterable, Array):
        a = iterable
        if not a.dims:
            fail(TypeError, "iteration over a 0-d array")
        total = NUMPY[np.sum](a, axis=0) if a.dtype.kind in "fc" else NUMPY[np.sum](
            a, axis=0, dtype=I64 if a.dtype == BOOL else a.dtype)
        some = dm.compare("gt", a.dims[0], 0)
        if isinstance(some, bool):
            total = total if some else 0
        elif isinstance(total, Array):
            check(some, UnsupportedError, "not supported: sum() of an array without rows, which "
                  "is an int")
        else:
            total = Widened(value(total), NUMPY_KIND, some, PYTHON, I64)
        return binary("add", start, total) if has_tracer([start, total]) else start + total
    return summed(iterable, start)


@call(next)
def next_(iterator: Any, /, *default: Any) -> Any:
    """Of a generator expression the first item, of other iterators what Python's `next` gives."""
    if type(iterator) is Stream and iterator.home is current():
        return function(in_python.first_or if default else in_python.first)(iterator, *default)
    if current().parent is not None:
        raise staging("next() in a branch or loop", "use a for statement or an index")
    return next(iterator, *default)


def _quantifier(name: str, decided: bool) -> Callable[..., Any]:
    def quantifier(iterable: Any, /) -> Any:
        if isinstance(iterable, Array):
            if len(iterable.dims) > 1:
                fail(ValueError, "The truth value of an array with more than one element is "
                     "ambiguous. Use a.any() or a.all()")
            return python(value(NUMPY[getattr(np, name)](iterable)))
        return quantified(iterable, decided)
    return quantifier


any_ = call(any)(_quantifier("any", True))
all_ = call(all)(_quantifier("all", False))


def _extreme(name: str, builtin: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*args: Any, key: Any = None, **options: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], Array):
            a = args[0]
            if len(a.dims) != 1:
                fail(ValueError, "The truth value of an array with more than one element is "
                     "ambiguous. Use a.any() or a.all()")
            empty = f"{name}() {'iterable argument is empty' if NEW_MESSAGE else ARG_EMPTY}"
            dm.require("gt", a.dims[0], 0, ValueError, empty)
            return array_extreme(a, name)
        default = (options["default"],) if len(args) == 1 and "default" in options else ()
        if len(args) == 1:
            args = (known_or_list(stored(args[0])),)
        if len(args) == 1 and staged(args[0]):
            return extreme_of(name, args[0], key, default)
        items = listed(args[0]) if len(args) == 1 else list(args)
        if not has_tracer(items) or not items:
            return builtin(items, key=key and function(key), **options)
        if key is not None:
            return extreme_of(name, items, key, ())
        result = items[0]
        for x in items[1:]:
            result = extreme_of_two(name, builtin, result, x)
        return result
    return extreme


ARG_EMPTY = "arg is an empty sequence"
try:
    max([])
except ValueError as _error:
    NEW_MESSAGE = "iterable argument" in str(_error)


def array_extreme(a: Array, name: str) -> Any:
    """Python's max over an array: NaN is kept only if it comes first."""
    if a.dtype.kind != "f":
        return NUMPY[getattr(np, name)](a)
    first = a[0]
    best = NUMPY[np.nanmax if name == "max" else np.nanmin](a)
    return Scalar(select(op("isnan", value(first)), value(first), value(best)))


def extreme_of_two(name: str, builtin: Callable[..., Any], a: Any, b: Any) -> Any:
    if not has_tracer([a, b]):
        return builtin(a, b)
    if isinstance(a, Text | List | tuple) or isinstance(b, Text | List | tuple):
        better = (truth.greater if name == "max" else truth.less)(b, a)
        return truth.if_expression(better, lambda: b, lambda: a)
    if isinstance(a, Widened) or isinstance(b, Widened):
        better = binary("gt" if name == "max" else "lt", b, a)
        return truth.if_expression(better, lambda: b, lambda: a)
    a, b = settled(a), settled(b)
    if isinstance(a, Array) or isinstance(b, Array):
        a, b = scalar_of(a), scalar_of(b)
        if isinstance(a, Array) or isinstance(b, Array):
            fail(ValueError, "The truth value of an array with more than one element is "
                 "ambiguous. Use a.any() or a.all()")
    if is_python_number(a) and is_python_number(b) and dtype_of(a) == dtype_of(b):
        if dtype_of(a) == I64:
            d = (dm.maximum if name == "max" else dm.minimum)(dim_of(a), dim_of(b))
            return as_int(d)
        if dtype_of(a) == F64:
            return python(op(name, value(a), value(b)))
    elif not is_python_number(a) and not is_python_number(b) and dtype_of(a) == dtype_of(b):
        if dtype_of(a).kind in "iuf":
            return Scalar(op(name, value(a), value(b)))
    better = binary("gt" if name == "max" else "lt", b, a)
    return truth.if_expression(better, lambda: b, lambda: a)


max_ = call(max)(_extreme("max", max))
min_ = call(min)(_extreme("min", min))


# ---- numbers

def not_a_number(x: Any, wanted: str) -> Any:
    """The scalar of an array of one element; other arrays are Python's error."""
    if isinstance(x, Widened):
        return x if x.narrow_kind is not None else settled(x)
    if not isinstance(x, Array):
        return x
    if x.dims and ONLY_RANK_ZERO:
        fail(TypeError, "only 0-dimensional arrays can be converted to Python scalars")
    for n in x.dims:
        dm.require("eq", n, 1, TypeError, "only length-1 arrays can be converted to Python scalars")
    return scalar_of(x[(0,) * x.ndim] if x.dims else x)


ONLY_RANK_ZERO = np.lib.NumpyVersion(np.__version__) >= "2.4.0"


@call(int)
def int_(x: Any = 0, /, *base: Any) -> Any:
    if isinstance(x, str | bytes):
        touched(x)
    if isinstance(x, Text):
        return text_names.int_of(x, *base)
    if not isinstance(x, Tracer):
        return int(x, *base)
    atom = value(not_a_number(x, "int"))
    if atom.dtype.kind == "c":
        if is_python_number(x) or isinstance(x, Array):         # an array's is Python's
            fail(TypeError, "int() argument must be a string, a bytes-like object or a real "
                 "number, not 'complex'")
        atom = op("real", atom)         # with a ComplexWarning
    return whole(atom, op("trunc", atom) if atom.dtype.kind == "f" else atom)


def whole(atom: Atom, rounded: Atom) -> Any:
    """The Python int of an already rounded number; its errors for nan, inf and above 64 bits."""
    if atom.dtype.kind == "f":
        check(negate(op("isnan", atom)), ValueError, "cannot convert float NaN to integer")
        check(negate(op("isinf", atom)), OverflowError, "cannot convert float infinity to integer")
        wide = convert(rounded, F64)
        check(both(op("ge", wide, Lit(-2.0**63)), op("lt", wide, Lit(2.0**63))), OverflowError,
              python_numbers.OVERFLOW)
    elif atom.dtype == np.uint64:
        check(op("le", atom, Lit(np.uint64(2**63 - 1))), OverflowError, python_numbers.OVERFLOW)
    return as_int(dim_of(python(convert(rounded, I64)))) if atom.dtype != I64 else python(atom)


@call(float)
def float_(x: Any = 0.0, /) -> Any:
    if isinstance(x, str | bytes):
        touched(x)
    if isinstance(x, Text):
        return text_names.float_of(x)
    if not isinstance(x, Tracer):
        return float(x)
    atom = value(not_a_number(x, "float"))
    if atom.dtype.kind == "c" and (is_python_number(x) or isinstance(x, Array)):
        fail(TypeError, "float() argument must be a string or a real number, not 'complex'")
    return python(convert(atom, F64))


@call(complex)
def complex_(real: Any = 0, imag: Any = None) -> Any:
    if not has_tracer([real, imag]):
        return complex(real) if imag is None else complex(real, imag)
    a = convert(value(not_a_number(real, "complex")), C128)
    if imag is None:
        return python(a)
    b = value(not_a_number(imag, "complex"))
    if b.dtype.kind == "c" or value(real).dtype.kind == "c":
        turned = op("mul", convert(b, C128), Lit(1j))
        return python(op("add", a, turned))
    return python(op("complex", convert(value(not_a_number(real, "complex")), F64),
                     convert(b, F64)))


@call(bool, operator.truth)
def bool_(x: Any = False, /) -> Any:
    return truth.truth(x) if isinstance(x, Tracer) else bool(x)


@call(abs, operator.abs)
def abs_(x: Any, /) -> Any:
    return unary("abs", x) if isinstance(x, Tracer) else abs(x)


def _divmod_message(a: Any, b: Any) -> str:
    """What this Python says when `divmod` divides by zero."""
    try:
        divmod(a, b)
    except ZeroDivisionError as error:
        return str(error)
    raise AssertionError("no error")


INT_DIVMOD, FLOAT_DIVMOD = _divmod_message(1, 0), _divmod_message(1.0, 0.0)


@call(divmod)
def divmod_(a: Any, b: Any, /) -> Any:
    if not has_tracer([a, b]):
        return divmod(a, b)
    if is_python_number(a) and is_python_number(b):
        divisor = value(settled(b))
        whole_numbers = dtype_of(a).kind in "bi" and divisor.dtype.kind in "bi"
        check(truth_of(divisor), ZeroDivisionError,
              INT_DIVMOD if whole_numbers else FLOAT_DIVMOD)
        return binary("floordiv", a, b), binary("mod", a, b)
    return ufuncs.call(np.divmod, a, b)


@call(pow)
def pow_(base: Any, exp: Any, mod: Any = None) -> Any:
    if not has_tracer([base, exp, mod]):
        return pow(base, exp, mod) if mod is not None else pow(base, exp)
    return binary("pow", base, exp) if mod is None else truth.exactly(power_modulo, base, exp, mod)


def power_modulo(base: Any, exp: Any, mod: Any) -> Any:
    """`pow(base, exp, mod)`"""
    given = [narrowed(x) if isinstance(x, Widened) and x.narrow_kind != x.kind else x
             for x in (base, exp, mod)]
    if not all(map(is_python_number, given)):
        kinds = [("" if is_python_number(x) else "numpy.") + python_type(x).__name__ for x in given]
        fail(TypeError, "unsupported operand type(s) for ** or pow(): "
             + ", ".join(map(repr, kinds)))
    if any(dtype_of(x).kind not in "bi" for x in given):
        fail(TypeError, "pow() 3rd argument not allowed unless all arguments are integers")
    return function(in_python.power_modulo)(*given)


@call(round)
def round_(number: Any, ndigits: Any = None) -> Any:
    if not isinstance(number, Tracer):
        return round(number) if ndigits is None else round(number, ndigits)
    x = settled(number)
    if isinstance(x, Array):
        return NUMPY[np.round](x, 0 if ndigits is None else ndigits)
    atom = value(x)
    if x.kind != PYTHON:
        if atom.dtype.kind in "bc":
            fail(TypeError, f"type numpy.{atom.dtype} doesn't define __round__ method")
        if ndigits is None:
            return whole(atom, op("rint", atom) if atom.dtype.kind == "f" else atom)
        return NUMPY[np.round](x, ndigits)
    if atom.dtype.kind in "bi":
        whole_number = python(convert(atom, I64))
        if ndigits is None or isinstance(ndigits, int) and ndigits >= 0:
            return whole_number
        return function(in_python.rounded_to_tens)(whole_number, ndigits)
    if atom.dtype.kind == "c":
        fail(TypeError, "type complex doesn't define __round__ method")
    if ndigits is None:
        return whole(atom, op("rint", atom))
    if not isinstance(ndigits, int):
        raise staging("the number of digits of round()", "", known_by(ndigits))
    return python(rounded_decimal(atom, ndigits))


def rounded_decimal(x: Atom, digits: int) -> Atom:
    """`round(x, digits)` of a float: correctly rounded decimal, by Python itself.

    A product with 10**digits would be wrong for halves that are none in binary (2.675).
    """
    return through_numpy(callbacks.rounded_decimal, [x], [(F64, ())], ndigits=digits)[0]


# ---- types

def python_type(x: Any) -> type:
    if isinstance(x, List):
        return collections.deque if x.queue else list
    if isinstance(x, Text):
        return x.kind
    if isinstance(x, Scalar):
        return PYTHON_TYPES[x.atom.dtype.kind] if x.kind == PYTHON else x.atom.dtype.type
    return np.ndarray if isinstance(x, Array) else type(x)


@call(isinstance)
def isinstance_(x: Any, classes: Any, /) -> bool:
    if isinstance(x, Unjoined):
        raise x.error
    if not isinstance(x, Tracer):
        kind = getattr(type(x), "_hl_class", None)
        return isinstance(x, classes) or kind is not None and issubclass(kind, classes)
    isinstance(None, classes)                # its own error for what are no classes
    return issubclass(python_type(settled(x)), classes)


@call(type)
def type_(x: Any, *rest: Any) -> Any:
    if rest:
        raise unsupported("a class made by type()", "define it outside")
    if isinstance(x, Unjoined):
        raise x.error
    if isinstance(x, Tracer):
        return python_type(settled(x))
    return getattr(type(x), "_hl_class", type(x))


@call(callable)
def callable_(x: Any, /) -> bool:
    if isinstance(x, Unjoined):
        raise x.error
    return not isinstance(x, Tracer) and callable(x)


@call(hasattr)
def hasattr_(x: Any, name: str, /) -> bool:
    if isinstance(x, Unjoined):
        raise x.error
    return hasattr(python_type(x), name) if isinstance(x, Tracer) else hasattr(x, name)


@call(getattr)
def getattr_(x: Any, name: str, *default: Any) -> Any:
    return getattr(x, name, *default)


@call(id, hash)
def identity(x: Any, /) -> Any:
    raise unsupported("id() or hash() of a value", "compare with `is` or `==`")


# ---- the operator module

def _binary_function(name: str, native: Callable[..., Any]) -> None:
    def stand_in(a: Any, b: Any, /) -> Any:
        return binary(name, a, b) if has_tracer([a, b]) else native(a, b)
    call(native)(stand_in)


def _unary_function(name: str, native: Callable[..., Any]) -> None:
    def stand_in(a: Any, /) -> Any:
        return unary(name, a) if isinstance(a, Tracer) else native(a)
    call(native)(stand_in)


def _update_function(name: str, native: Callable[..., Any]) -> None:
    def stand_in(a: Any, b: Any, /) -> Any:
        if isinstance(a, Array):
            return in_place(name, a, b)
        return binary(name, a, b) if has_tracer([a, b]) else native(a, b)
    call(native)(stand_in)


for _name, _function in (
        ("add", operator.add), ("sub", operator.sub), ("mul", operator.mul),
        ("truediv", operator.truediv), ("floordiv", operator.floordiv), ("mod", operator.mod),
        ("pow", operator.pow), ("lt", operator.lt), ("le", operator.le), ("gt", operator.gt),
        ("ge", operator.ge), ("eq", operator.eq), ("ne", operator.ne), ("and", operator.and_),
        ("or", operator.or_), ("xor", operator.xor), ("lshift", operator.lshift),
        ("rshift", operator.rshift), ("matmul", operator.matmul)):
    _binary_function(_name, _function)

_unary_function("neg", operator.neg)
_unary_function("pos", operator.pos)
_unary_function("invert", operator.invert)

for _name, _function in (
        ("add", operator.iadd), ("sub", operator.isub), ("mul", operator.imul),
        ("truediv", operator.itruediv), ("floordiv", operator.ifloordiv),
        ("mod", operator.imod), ("pow", operator.ipow)):
    _update_function(_name, _function)


@call(operator.getitem)
def getitem(x: Any, index: Any, /) -> Any:
    return load(x, index) if isinstance(x, Tracer) else x[index]


@call(operator.setitem)
def setitem(x: Any, index: Any, new: Any, /) -> None:
    if isinstance(x, Tracer):
        store(x, index, new)
    else:
        x[index] = new


@call(operator.not_)
def not_(x: Any, /) -> Any:
    return truth.not_(x)


@call(operator.index)
def index(x: Any, /) -> Any:
    return as_int(dim_of(x)) if isinstance(x, Tracer) else operator.index(x)
