"""Indexing: `get`, `set`, `addat`, described by one letter an axis.

    y:f64[m] = get[codes="is"] x 2 0 m 1            # x[2, 0:m]
    z:f64[n,3] = set[codes=":i"] x v 0              # x with x[:, 0] = v

Letters (docs/ir.md): `:` whole axis, `i` scalar index, `s` slice (start, size, step), `a` index
array, `n` new axis. Indices are in bounds: whoever emits a `get` has emitted the checks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Dim, Eqn
from hotloop.ir.types import I64, Type, same_shape
from hotloop.ops.derivative import Linear, Rule
from hotloop.ops.domains import (
    NUMBERS,
    check_count,
    check_domain,
    check_index,
    check_same_dtype,
    dim_of,
    may_equal,
)
from hotloop.ops.families import dtypes_of, numbers
from hotloop.ops.table import PURE, Move, OpDef, Out, Reserve, Sample, Update, register
from hotloop.record import record

TAKES = {":": 0, "i": 1, "s": 3, "a": 1, "n": 0}


@record
class Part:
    """A letter: the axis of x it selects from (None for `n`), its operands, and the axis of the
    result that it gives (the first one for `a`, None for `i`)."""
    letter: str
    axis: Any
    operands: tuple[Any, ...]
    result: Any


def selection(codes: str, operands: tuple[Any, ...], array_rank: int) -> tuple[list[Part], int]:
    """The parts of a selection and the rank of its result; `array_rank` is that of the index
    arrays. `operands` may be anything, atoms or expressions."""
    arrays = [k for k, c in enumerate(codes) if c == "a"]
    advanced = [k for k, c in enumerate(codes) if c in "ai"] if arrays else []
    together = bool(arrays) and advanced == list(range(advanced[0], advanced[-1] + 1))
    gathered = array_rank if arrays else 0
    place = 0 if not together else sum(c in ":sn" for c in codes[:advanced[0]])
    position = itertools.count()
    axes = itertools.count()
    rest = iter(operands)
    parts = []
    for letter in codes:
        given = tuple(itertools.islice(rest, TAKES[letter]))
        result = None
        if letter == "a":
            result = place
        elif letter != "i":
            at = next(position)
            result = at if at < place else at + gathered
        parts.append(Part(letter, None if letter == "n" else next(axes), given, result))
    return parts, next(position) + gathered


def check_codes(name: str, x: Atom, params: dict[str, Any], operands: tuple[Atom, ...]) -> int:
    """The rank of the index arrays, having checked letters, operands and their types."""
    codes = params.get("codes")
    if not isinstance(codes, str) or not set(codes) <= set(TAKES):
        raise TypeError(f"{name}: codes {codes!r}; letters are {' '.join(TAKES)}")
    if len(codes) - codes.count("n") != len(x.shape):
        raise TypeError(f"{name}: codes {codes!r} for an array of type {x.type!r}")
    if sum(TAKES[c] for c in codes) != len(operands):
        raise TypeError(f"{name}: codes {codes!r} with {len(operands)} index operands")
    rest = iter(operands)
    arrays: list[Atom] = []
    for letter in codes:
        for atom in itertools.islice(rest, TAKES[letter]):
            if letter == "a":
                if atom.dtype != I64:
                    raise TypeError(f"{name}: an index array of type {atom.type!r}, not i64")
                arrays.append(atom)
            else:
                check_index(name, "an index", atom)
    if any(not same_shape(a.shape, arrays[0].shape) for a in arrays):
        raise TypeError(f"{name}: index arrays of different shapes "
                        + ", ".join(repr(a.type) for a in arrays))
    return len(arrays[0].shape) if arrays else 0


def selected_shape(x: Atom, codes: str, operands: tuple[Atom, ...],
                   array_rank: int) -> tuple[Dim, ...]:
    parts, rank = selection(codes, operands, array_rank)
    shape: list[Dim] = [1] * rank
    for part in parts:
        if part.letter == "a":
            shape[part.result:part.result + array_rank] = part.operands[0].shape
        elif part.letter == ":":
            shape[part.result] = x.shape[part.axis]
        elif part.letter == "s":
            shape[part.result] = dim_of(part.operands[1])
    return tuple(shape)


# ---- meaning

def numpy_index(codes: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """What to put in x[...]."""
    rest = iter(operands)
    index: list[Any] = []
    for letter in codes:
        if letter == ":":
            index.append(slice(None))
        elif letter == "n":
            index.append(None)
        elif letter == "s":
            index.append(_slice(*(int(next(rest)) for _ in range(3))))
        else:
            index.append(next(rest))
    return tuple(index)


def _slice(start: int, size: int, step: int) -> slice:
    if size <= 0:
        return slice(0, 0)
    last = start + (size - 1) * step
    if step < 0:
        return slice(start, last - 1 if last > 0 else None, step)
    return slice(start, last + 1, step or 1)


def _check_bounds(x: Any, codes: str, operands: tuple[Any, ...]) -> None:
    """NumPy would clamp a slice and wrap an index; here that is a bug of who emitted it."""
    parts, _ = selection(codes, operands, 0)
    for part in parts:
        if part.letter in ":n":
            continue
        indices = np.asarray(part.operands[0])
        if part.letter == "s":
            start, size, step = (int(v) for v in part.operands)
            indices = np.array([start, start + (size - 1) * step] if size > 0 else [], int)
        bound = x.shape[part.axis]
        if indices.size and (indices.min() < 0 or indices.max() >= bound):
            raise AssertionError(f"index {indices.min()}..{indices.max()} of an axis of {bound}")


def _get(params: dict[str, Any], x: Any, *operands: Any) -> Any:
    _check_bounds(x, params["codes"], operands)
    return x[numpy_index(params["codes"], operands)]


def _set(params: dict[str, Any], x: Any, v: Any, *operands: Any) -> Any:
    _check_bounds(x, params["codes"], operands)
    y = np.array(x)
    y[numpy_index(params["codes"], operands)] = v
    return y


def _addat(params: dict[str, Any], x: Any, v: Any, *operands: Any) -> Any:
    _check_bounds(x, params["codes"], operands)
    y = np.array(x)
    with np.errstate(all="ignore"):
        np.add.at(y, numpy_index(params["codes"], operands), v)
    return y


# ---- lowering

def source_index(e: Any, j: tuple, codes: str, operands: tuple[Any, ...]) -> tuple:
    """The index of x that the index `j` of the selection stands for."""
    array_rank = next((len(o.shape) for c, o in _by_operand(codes, operands) if c == "a"), 0)
    parts, _ = selection(codes, operands, array_rank)
    index = []
    for part in parts:
        if part.letter == "i":
            index.append(part.operands[0]())
        elif part.letter == "a":
            index.append(part.operands[0](*j[part.result:part.result + array_rank]))
        elif part.letter == ":":
            index.append(j[part.result])
        elif part.letter == "s":
            start, _, step = part.operands
            index.append(e.add(start(), e.mul(j[part.result], step())))
    return tuple(index)


def _by_operand(codes: str, operands: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """(letter, operand) for each operand."""
    return zip("".join(c * TAKES[c] for c in codes), operands, strict=True)


# ---- rows

def _get_type(ins: tuple[Atom, ...], params: dict[str, Any],
              blocks: tuple[Block, ...]) -> list[Type]:
    check_count("get", ins, 1)
    x, *operands = ins
    array_rank = check_codes("get", x, params, tuple(operands))
    return [Type(x.dtype, selected_shape(x, params["codes"], tuple(operands), array_rank))]


def _store_type(name: str, domain: str | None) -> Any:
    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 2)
        x, v, *operands = ins
        if domain is not None:
            check_domain(name, x, domain)
        check_same_dtype(name, (x, v))
        array_rank = check_codes(name, x, params, tuple(operands))
        shape = selected_shape(x, params["codes"], tuple(operands), array_rank)
        if len(v.shape) != len(shape) or not all(map(may_equal, v.shape, shape)):
            raise TypeError(f"{name}: stores {v.type!r} where {Type(x.dtype, shape)!r} is selected")
        return [x.type]
    return type_rule


def _samples() -> Iterator[tuple[Any, str, tuple[Any, ...]]]:
    """(x, codes, index operands) of all letters, ranks, empty selections and repeated indices."""
    i, a = np.int64, np.array
    line, table, cube = numbers((6,), "f8"), numbers((4, 5), "f8"), numbers((3, 4, 2), "f8")
    yield from ((line, "i", (i(k),)) for k in (0, 3, 5))
    yield from ((line, "s", tuple(map(i, s))) for s in (
        (0, 6, 1), (1, 4, 1), (5, 6, -1), (4, 2, -3), (0, 3, 2), (2, 0, 1), (6, 0, 1), (5, 1, -1)))
    yield line, ":", ()
    yield line, "n:n", ()
    yield line, "a", (a([5, 0, 0, 2]),)
    yield line, "a", (a([[1, 2], [3, 1]]),)
    yield line, "a", (np.zeros((0,), int),)
    yield line, "a", (np.array(4),)
    yield table, "ii", (i(3), i(4))
    yield table, "i:", (i(2),)
    yield table, ":i", (i(2),)
    yield table, "is", (i(1), i(4), i(3), i(-2))
    yield table, "sns", (i(1), i(2), i(1), i(0), i(5), i(1))
    yield table, "a:", (a([3, 3, 0]),)
    yield table, ":a", (a([[0, 1], [4, 4]]),)
    yield table, "aa", (a([0, 1, 0]), a([4, 2, 4]))
    yield table, "ai", (a([0, 2]), i(1))
    yield table, "ia", (i(1), a([0, 2]))
    yield table, "ana", (a([0, 2]), a([1, 1]))
    yield table, "nna:", (a([0, 2]),)
    yield cube, "a:a", (a([0, 2, 1]), a([1, 1, 0]))
    yield cube, "i:a", (i(1), a([1, 0]))
    yield cube, ":ai", (a([1, 3]), i(1))
    yield cube, ":aa", (a([[1], [3]]), a([[0], [1]]))
    yield cube, "asi", (a([0, 2, 2]), i(0), i(2), i(2), i(1))
    yield cube, "s:s", (i(2), i(3), i(-1), i(1), i(2), i(-1))
    yield numbers((0, 3), "f8"), ":i", (i(2),)
    for dtype in dtypes_of("biufc"):
        yield numbers((3, 2), dtype), "i:", (i(1),)


def _get_samples() -> Iterator[Sample]:
    for x, codes, operands in _samples():
        yield Sample((x, *operands), {"codes": codes})


def _store_samples(domain: str) -> Iterator[Sample]:
    for x, codes, operands in _samples():
        if x.dtype.kind in domain:
            value = numbers(np.shape(x[numpy_index(codes, operands)]), x.dtype, 1)
            yield Sample((x, value, *operands), {"codes": codes})


# ---- derivatives

def _get_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    x, *operands = eqn.ins
    return b.addat(b.zeros(x.type), ct, *operands, codes=eqn.params["codes"])


def _set_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    """Stored values take what is at their place, unless a later one was stored there too."""
    x, v, *operands = eqn.ins
    codes = eqn.params["codes"]
    if k == 0:
        return b.set(ct, b.zeros(v.type), *operands, codes=codes)
    found = b.reshape(b.get(ct, *operands, codes=codes), v.shape)
    if "a" not in codes:
        return found
    order = b.reshape(b.iota(b.count(v.shape), dtype=I64), v.shape)
    writer = b.set(b.full(-1, x.shape, I64), order, *operands, codes=codes)
    last = b.eq(b.reshape(b.get(writer, *operands, codes=codes), v.shape), order)
    return b.select(last, found, 0.0)


def _addat_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    _, v, *operands = eqn.ins
    return b.reshape(b.get(ct, *operands, codes=eqn.params["codes"]), v.shape) if k else ct


get = register(OpDef(
    "get", "elements selected by indices", _get_type, _get,
    Move(lambda e, i, operands, eqn: source_index(e, i, eqn.params["codes"],
                                                  tuple(operands[1:]))),
    PURE, False, None, _get_samples, Linear((0,), _get_transpose)))


def _target(e: Any, j: tuple, operands: Any, eqn: Any) -> tuple:
    return source_index(e, j, eqn.params["codes"], tuple(operands[2:]))


set_ = register(OpDef(
    "set", "x with v stored at the selected elements", _store_type("set", None), _set,
    Update(_target, None), PURE, False, None, lambda: _store_samples("biufc"),
    Linear((0, 1), _set_transpose)))
addat = register(OpDef(
    "addat", "x with v added at the selected elements, repeated ones too",
    _store_type("addat", NUMBERS), _addat, Update(_target, "add"), PURE, False, None,
    lambda: _store_samples(NUMBERS), Linear((0, 1), _addat_transpose)))


# ---- reserve

LEAST_ROOM = 16
"""Rows there is room for after the first growth."""


def _reserve_type(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
    check_count("reserve", ins, 2, 2)
    x, rows = ins
    if not x.shape:
        raise TypeError("reserve of a scalar")
    check_index("reserve", "the number of rows", rows)
    return [Type(I64), Type(x.dtype, (Out(0), *x.shape[1:]))]


def _reserve(params: dict[str, Any], x: Any, rows: Any) -> Any:
    room = x.shape[0]
    if rows > room:
        room = max(int(rows), 2 * room, LEAST_ROOM)
    y = np.zeros((room, *x.shape[1:]), x.dtype)
    y[:x.shape[0]] = x
    return np.int64(room), y


def _reserve_samples() -> Iterator[Sample]:
    for kind in dtypes_of("biufc"):
        yield Sample((numbers((3,), kind), np.int64(4)), {})
    for shape, rows in (((0,), 1), ((0,), 0), ((5,), 5), ((20,), 21), ((4, 3), 50), ((0, 2), -1)):
        yield Sample((numbers(shape, "f8"), np.int64(rows)), {})


def _reserve_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    return [None, l.put(l.zeros(eqn.outs[1].type), tangents[0], 0, 0)]


reserve = register(OpDef(
    "reserve", "x with room for so many rows: how many now, and x followed by zeros",
    _reserve_type, _reserve, Reserve(), PURE, True, None, _reserve_samples, Rule(_reserve_jvp)))
