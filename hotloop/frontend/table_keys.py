"""Keys of dicts and sets of run-time values: their hashes, as CPython's, and their comparison.

    hash_of(x[i])           x[i] mod 2**61 - 1, and -2 for -1
    hash_of((i, j))         xxHash of the hashes of the items

What `in_tables` calls, on tracers: places of a list that are known to exist need no check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.frontend import truth
from hotloop.frontend.builder import check, current, emit, lit, unsupported
from hotloop.frontend.list_values import Text
from hotloop.frontend.lists import item, write
from hotloop.frontend.one_of import OneOf
from hotloop.frontend.slots import Either
from hotloop.frontend.tracers import PYTHON, Array, Scalar, Widened, convert, dim_of, value
from hotloop.ir.core import Atom, Var
from hotloop.ir.types import BOOL, I64

text = lazy.module("hotloop.frontend.text")

U64 = np.dtype(np.uint64)
PRIME1, PRIME2, PRIME5 = 11400714785074694791, 14029467366897019727, 2870177450012600261
"""Of xxHash, as CPython's hash of tuples has them."""

HASHES: dict[str, Callable[[Any], Any]] = {}
"""`integer` and `float`: functions of `in_tables`, traced; filled by `tables`."""


def at(x: Any, k: Any) -> Any:
    """x[k] of a place that exists."""
    return item(x, dim_of(k))


def put_at(x: Any, k: Any, new: Any) -> None:
    """x[k] = new of a place that exists; of a list of ints."""
    x.changing()
    write(x, dim_of(k), [value(new)])


def same_key(keys: Any, entry: Any, key: Any) -> Any:
    return truth.truth(truth.exactly(_same, at(keys, entry), key))


def _same(a: Any, b: Any) -> Any:
    """Python compares keys of one hash only, so a tuple with no number: NumPy's would compare with
    each item of it."""
    if isinstance(a, tuple) != isinstance(b, tuple):
        return False
    return truth.equal(a, b)


def default_of(table: Any) -> Any:
    return table.factory()


def integer_hash(k: Any) -> Any:
    return HASHES["integer"](k)


def hash_of(key: Any) -> Any:
    """hash(key), a Python int."""
    if isinstance(key, tuple):
        return Scalar(_of_tuple([_hash_atom(e) for e in key]), PYTHON)
    atom = _hash_atom(key)
    return Scalar(atom, PYTHON)


def _hash_atom(key: Any) -> Atom:
    if isinstance(key, tuple):
        return _of_tuple([_hash_atom(e) for e in key])
    if isinstance(key, Text | str | bytes) or type(key) is OneOf and text.is_text(key):
        return text.hash_atom(key)
    if type(key) is OneOf:
        return key.place
    if key is None:
        raise unsupported("None among the keys of a dict or set of run-time values",
                          "use numbers for keys")
    if isinstance(key, Widened):
        if key.narrow_kind is None and not _is_bound(key.flag):
            raise unsupported("a key of a dict or set that may be None", "test it for None before")
        key = Scalar(key.atom, key.kind)
    if isinstance(key, Array) or not isinstance(
            key, Scalar | int | float | np.integer | np.floating | np.bool_):
        raise unsupported("such a key of a dict or set of run-time values",
                          "use numbers or tuples of numbers")
    atom = value(key)
    kind = atom.dtype.kind
    if kind == "b" or kind in "iu" and atom.dtype.itemsize < 8 and kind == "u":
        return convert(atom, I64)
    if kind == "i":
        return value(HASHES["integer"](Scalar(convert(atom, I64), PYTHON)))
    if kind == "f":
        return value(HASHES["float"](Scalar(convert(atom, np.float64), PYTHON)))
    raise unsupported(f"keys of {atom.dtype} in a dict or set of run-time values",
                      "use ints or floats")


def key_of(x: Any) -> Any:
    """A key that may be None is checked not to be: `start = None` before a search for it."""
    if isinstance(x, Widened) and x.narrow_kind is None:
        _check_given(Scalar(x.flag, PYTHON))
        return Scalar(x.atom, x.kind)
    if type(x) is Either:
        for flag, none, key in ((x.flag, x.no, x.yes), (truth.not_(x.flag), x.yes, x.no)):
            if none is None:
                _check_given(flag)
                return key_of(key)
    return tuple(map(key_of, x)) if type(x) is tuple else x


def _check_given(flag: Any) -> None:
    c = truth.truth(flag)
    check(c.atom if isinstance(c, Scalar) else c, UnsupportedError,
          "not supported: None as a key of a dict or set of run-time values")


def _is_bound(flag: Atom) -> bool:
    return isinstance(flag, Var) and current().truths.get(flag) is True


def _of_tuple(hashes: list[Atom]) -> Atom:
    acc: Atom = lit(np.uint64(PRIME5), U64)

    def op(name: str, *given: Any) -> Atom:
        atoms = [a if not isinstance(a, int) else lit(np.uint64(a), U64) for a in given]
        return emit(name, atoms, [(U64, ())])[0]
    for h in hashes:
        acc = op("add", acc, op("mul", convert(h, U64), PRIME2))
        acc = op("or", op("shift_left", acc, 31), op("shift_right", acc, 33))
        acc = op("mul", acc, PRIME1)
    acc = op("add", acc, len(hashes) ^ (PRIME5 ^ 3527539))
    whole = convert(acc, I64)
    is_error, = emit("eq", [whole, lit(-1)], [(BOOL, ())])
    return emit("select", [is_error, lit(1546275796), whole], [(I64, ())])[0]


def refuse_nan(key: Any) -> None:
    """NaN is found again by identity only."""
    for e in key if isinstance(key, tuple) else (key,):
        if isinstance(e, Scalar) and not isinstance(e, Widened) and e.atom.dtype.kind == "f":
            number, = emit("eq", [e.atom, e.atom], [(BOOL, ())])
            check(number, UnsupportedError, "not supported: NaN as a key of a dict or set")
