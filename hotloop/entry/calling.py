"""Calls from a kernel into Python: operands in memory become arrays and numbers, results go back.

    call = caller(site, layout)       # once for each call-back of a kernel
    call(address)                     # reads operands at the address, stores what the site gives

A call-back comes in a loop as often as not, so everything that can be is decided beforehand: where
each operand lies among the cells, its dtype, the class of buffers of its size.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hotloop.entry.compiled import CallSite
from hotloop.loops.callback import ALL, ARRAYS, SIZES, Callback, keep, kept

Reader = Callable[[Any, list[int]], Any]
Writer = Callable[[Any, list[int], Any], None]


@functools.lru_cache(4096)
def _bytes(size: int) -> Any:
    """The class of buffers of so many bytes."""
    return ctypes.c_char * size


def _array(address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = math.prod(shape) * dtype.itemsize
    if size == 0:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _bytes(size).from_address(address))


def _reader(dtype: np.dtype, rank: int, at: int, pair: bool) -> Reader:
    """Of the operand whose first cell is number `at`: `read(cells, words)`. `pair`: a complex
    operand lies there as floats, an array with a last axis of 2."""
    if rank:
        first, last = at + 1, at + 1 + rank
        return lambda cells, words: _array(words[at], tuple(words[first:last]), dtype)
    if pair:
        part = np.dtype(f"f{dtype.itemsize // 2}")
        return lambda cells, words: dtype.type(complex(
            np.ndarray((), part, cells, 8 * at)[()], np.ndarray((), part, cells, 8 * at + 8)[()]))
    return lambda cells, words: np.ndarray((), dtype, cells, 8 * at)[()]


def _writer(dtype: np.dtype, rank: int, at: int, pair: bool, site: Any) -> Writer:
    if rank:
        read = _reader(dtype, rank, at, pair)

        def write(cells: Any, words: list[int], value: Any) -> None:
            out = read(cells, words)
            if np.shape(value) != out.shape:
                raise ValueError(f"{site!r} returned shape {np.shape(value)}, "
                                 f"expected {out.shape}")
            out[...] = value
        return write
    parts = [np.dtype(f"f{dtype.itemsize // 2}")] * 2 if pair else [dtype]

    def put(cells: Any, words: list[int], value: Any) -> None:
        if np.shape(value):
            raise ValueError(f"{site!r} returned shape {np.shape(value)}, expected ()")
        for k, part in enumerate(parts):
            given = value if not pair else value.imag if k else value.real
            np.ndarray((), part, cells, 8 * (at + k))[...] = given
    return put


def _cells(types: Sequence[tuple[np.dtype, int]], at: int, pairs: bool
           ) -> Iterator[tuple[np.dtype, int, int, bool]]:
    """(dtype, rank, first cell, pair) of each operand, then the number of cells as another rank."""
    for dtype, rank in types:
        pair = pairs and dtype.kind == "c"
        yield dtype, rank, at, pair
        at += 1 + rank + pair if rank else 1 + pair
    yield np.dtype(bool), at, 0, False


def caller(site: Any, layout: CallSite) -> Callable[[int], None]:
    """What calls `site` with the operands at an address and stores its results there. Any callable
    gets a copy of each array; a Callback, which keeps none, the kernel's own memory."""
    if isinstance(site, Callback):
        stage = site.stage
        ins, function = site.ins, site.prepared() if stage != ARRAYS else None
        arrays = [k for k, (_, rank) in enumerate(site.outs) if rank and stage != SIZES]
        numbers = [k for k, (_, rank) in enumerate(site.outs) if not rank and stage != ARRAYS]
        order, types = [*arrays, *numbers], site.outs
    else:
        stage, ins = ALL, layout.ins
        types = (*layout.outs, *((dtype, 0) for dtype in layout.scalars))
        order, function = list(range(len(types))), _copying(site, len(types))
    pairs = isinstance(site, Callback)
    *places, (_, end, _, _) = _cells(ins, 0, pairs)
    readers = [_reader(*place) for place in places]
    *places, (_, end, _, _) = _cells([types[k] for k in order], end, pairs)
    writers = [(k, _writer(*place, site)) for k, place in zip(order, places, strict=True)]
    layout_of_cells = ctypes.c_int64 * max(1, end)
    count = len(types)

    def call(address: int) -> None:
        cells = layout_of_cells.from_address(address)
        words = cells[:]
        if function is None:
            results = kept()
        else:
            results = function(*[read(cells, words) for read in readers])
            if stage == SIZES:
                keep(results)
        if len(results) != count:
            raise TypeError(f"{site!r} returned {len(results)} values, not {count}")
        for k, write in writers:
            write(cells, words, results[k])
    return call


def _copying(site: Any, count: int) -> Callable[..., tuple[Any, ...]]:
    def call(*operands: Any) -> tuple[Any, ...]:
        given = site(*[np.array(x) if isinstance(x, np.ndarray) else x for x in operands])
        if not count:
            return ()
        return (given,) if count == 1 and not isinstance(given, (tuple, list)) else tuple(given)
    return call
