"""Movement and creation: `transpose reshape broadcast iota`.

    y:f64[3,n] = transpose[perm=(1, 0)] x
    z:f64[k] = broadcast[axes=()] 0.0 k         # a filled array

They cost nothing: the lowering maps an index of the result to an index of the operand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Dim, Eqn
from hotloop.ir.types import DTYPES, Type
from hotloop.ops.derivative import Linear, Zero
from hotloop.ops.domains import (
    REALS,
    check_axes,
    check_count,
    check_dtype,
    check_index,
    dim_of,
    may_equal,
    same_dim,
)
from hotloop.ops.families import dtypes_of, numbers
from hotloop.ops.table import PURE, Generate, Move, OpDef, Sample, register


def _sizes(dims: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(int(d) for d in dims)


# ---- transpose

def _transpose_type(ins: tuple[Atom, ...], params: dict[str, Any],
                    blocks: tuple[Block, ...]) -> list[Type]:
    check_count("transpose", ins, 1, 1)
    perm, rank = params.get("perm"), len(ins[0].shape)
    check_axes("transpose", perm, rank)
    if len(perm) != rank:                                       # type: ignore[arg-type]
        raise TypeError(f"transpose: perm {perm!r} of an array of rank {rank}")
    return [Type(ins[0].dtype, tuple(ins[0].shape[k] for k in perm))]  # type: ignore[union-attr]


def _transpose_index(e: Any, i: tuple, operands: Any, eqn: Eqn) -> tuple:
    perm = eqn.params["perm"]
    return tuple(i[perm.index(k)] for k in range(len(perm)))


def _transpose_samples() -> Iterator[Sample]:
    for shape, perm in (((), ()), ((4,), (0,)), ((2, 3), (1, 0)), ((2, 3), (0, 1)),
                        ((2, 3, 4), (1, 2, 0)), ((0, 3), (1, 0)), ((1, 2, 3, 2), (3, 1, 0, 2))):
        yield Sample((numbers(shape, "f8"),), {"perm": perm})
    for dtype in dtypes_of("biufc"):
        yield Sample((numbers((3, 2), dtype),), {"perm": (1, 0)})


transpose = register(OpDef(
    "transpose", "axis k of the result is axis perm[k] of x", _transpose_type,
    lambda params, x: np.transpose(x, params["perm"])[()],
    Move(_transpose_index), PURE, True, None, _transpose_samples,
    Linear((0,), lambda b, eqn, ct, k: b.transpose(ct, np.argsort(eqn.params["perm"]).tolist()))))


# ---- reshape

def _reshape_type(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
    check_count("reshape", ins, 1)
    x, *sizes = ins
    for size in sizes:
        check_index("reshape", "a dimension", size)
    shape = tuple(dim_of(s) for s in sizes)
    have, want = ([d for d in dims if isinstance(d, int)] for dims in (x.shape, shape))
    if (len(have) == len(x.shape) and len(want) == len(shape)
            and math.prod(have) != math.prod(want)):
        raise TypeError(f"reshape of {x.type!r} to {shape}")
    return [Type(x.dtype, shape)]


def _common_ends(x: tuple[Dim, ...], y: tuple[Dim, ...]) -> tuple[
        list[tuple[int, int]], tuple[int, int], tuple[int, int]]:
    """Axes (of x, of y) that pass through, at the front and at the back, skipping axes of size 1,
    and the ranges of axes between them (of x, of y) where elements must be counted."""
    pairs = []
    a, b, c, d = 0, 0, len(x), len(y)
    while a < c and b < d:
        if same_dim(x[a], y[b]):
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif same_dim(x[a], 1):
            a += 1
        elif same_dim(y[b], 1):
            b += 1
        else:
            break
    while a < c and b < d:
        if same_dim(x[c - 1], y[d - 1]):
            pairs.append((c - 1, d - 1))
            c, d = c - 1, d - 1
        elif same_dim(x[c - 1], 1):
            c -= 1
        elif same_dim(y[d - 1], 1):
            d -= 1
        else:
            break
    return pairs, (a, c), (b, d)


def _reshape_index(e: Any, i: tuple, operands: Any, eqn: Eqn) -> tuple:
    """Index of x in C order. Axes that both shapes share at their ends pass through, so that only
    what is really folded costs divisions."""
    x, sizes = operands[0], operands[1:]
    pairs, (a, c), (b, d) = _common_ends(eqn.ins[0].shape, eqn.outs[0].shape)
    position = e.lit(0)
    for axis in range(b, d):
        position = e.add(e.mul(position, sizes[axis]()), i[axis])
    index = [e.lit(0)] * len(eqn.ins[0].shape)
    for axis in range(c - 1, a, -1):
        index[axis] = e.irem(position, x.shape[axis])
        position = e.idiv(position, x.shape[axis])
    if a < c:
        index[a] = position
    for of_x, of_y in pairs:
        index[of_x] = i[of_y]
    return tuple(index)


def _reshape_samples() -> Iterator[Sample]:
    for old, new in (((), ()), ((), (1,)), ((6,), (2, 3)), ((2, 3), (6,)), ((2, 3), (3, 2)),
                     ((1,), ()), ((0, 3), (0,)), ((3, 0), (5, 0)), ((2, 3, 4), (4, 3, 2)),
                     ((2, 1, 3), (2, 3)), ((2, 3, 4), (2, 12)), ((6, 4), (2, 3, 4)),
                     ((2, 3, 4), (2, 1, 3, 4)), ((1, 1), (1,)), ((4, 6, 5), (4, 2, 3, 5))):
        yield Sample((numbers(old, "f8"), *map(np.int64, new)), {})
    for dtype in dtypes_of("biufc"):
        yield Sample((numbers((3, 2), dtype), np.int64(6)), {})


reshape = register(OpDef(
    "reshape", "the same elements in C order under another shape", _reshape_type,
    lambda params, x, *dims: np.reshape(x, _sizes(dims))[()],
    Move(_reshape_index, flat=True), PURE, False, None, _reshape_samples,
    Linear((0,), lambda b, eqn, ct, k: b.reshape(ct, eqn.ins[0].shape))))


# ---- broadcast

def _broadcast_type(ins: tuple[Atom, ...], params: dict[str, Any],
                    blocks: tuple[Block, ...]) -> list[Type]:
    check_count("broadcast", ins, 1)
    x, *sizes = ins
    for size in sizes:
        check_index("broadcast", "a dimension", size)
    axes, shape = params.get("axes"), tuple(dim_of(s) for s in sizes)
    check_axes("broadcast", axes, len(shape))
    if len(axes) != len(x.shape):                               # type: ignore[arg-type]
        raise TypeError(f"broadcast: axes {axes!r} for {x.type!r}")
    for own, k in zip(x.shape, axes, strict=True):              # type: ignore[arg-type]
        if not may_equal(own, shape[k]) and own != 1:
            raise TypeError(f"broadcast of {x.type!r} to {Type(x.dtype, shape)!r}, axes {axes!r}")
    return [Type(x.dtype, shape)]


def _broadcast(params: dict[str, Any], x: Any, *dims: Any) -> Any:
    shape = _sizes(dims)
    order = np.argsort(params["axes"], kind="stable") if params["axes"] else ()
    aligned = np.transpose(x, order)
    place = [1] * len(shape)
    for axis, size in zip(sorted(params["axes"]), np.shape(aligned), strict=True):
        place[axis] = size
    return np.array(np.broadcast_to(np.reshape(aligned, place), shape))[()]


def _broadcast_index(e: Any, i: tuple, operands: Any, eqn: Eqn) -> tuple:
    """Where equality is not known while compiling, a size of 1 at run time selects index 0."""
    x, shape = eqn.ins[0].shape, eqn.outs[0].shape
    index = []
    for axis, k in enumerate(eqn.params["axes"]):
        if same_dim(x[axis], shape[k]):
            index.append(i[k])
        elif isinstance(x[axis], int):
            index.append(e.lit(0) if x[axis] == 1 else i[k])
        else:
            size = operands[0].shape[axis]
            index.append(e.select(e.eq(size, e.lit(1)), e.lit(0), i[k]))
    return tuple(index)


def _broadcast_samples() -> Iterator[Sample]:
    for old, axes, new in (((), (), ()), ((), (), (4,)), ((), (), (2, 0)), ((3,), (0,), (3,)),
                           ((3,), (1,), (2, 3)), ((3,), (0,), (3, 2)), ((1,), (0,), (5,)),
                           ((2, 1), (0, 1), (2, 4)), ((2, 3), (1, 0), (3, 2)), ((1,), (0,), (0,)),
                           ((1, 3), (0, 2), (2, 4, 3)), ((2, 3), (2, 0), (3, 5, 2))):
        yield Sample((numbers(old, "f8"), *map(np.int64, new)), {"axes": axes})
    for dtype in dtypes_of("biufc"):
        yield Sample((numbers((), dtype), np.int64(3)), {"axes": ()})


broadcast = register(OpDef(
    "broadcast", "axis k of x goes to axis axes[k]; sizes equal or 1 in x", _broadcast_type,
    _broadcast, Move(_broadcast_index), PURE, False, None, _broadcast_samples,
    Linear((0,), lambda b, eqn, ct, k: b.unbroadcast(ct, eqn.ins[0].shape,
                                                     eqn.params["axes"]))))


# ---- iota

def _iota_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    check_count("iota", ins, 1, 1)
    check_index("iota", "the size", ins[0])
    check_dtype("iota", params.get("dtype"))
    if params["dtype"].kind not in REALS:
        raise TypeError(f"iota of dtype {params['dtype']}")
    return [Type(params["dtype"], (dim_of(ins[0]),))]


def _iota_samples() -> Iterator[Sample]:
    for dtype in DTYPES.values():
        if dtype.kind in REALS:
            for n in (0, 1, 5):
                yield Sample((np.int64(n),), {"dtype": dtype})


iota = register(OpDef(
    "iota", "0, 1, ..., n-1", _iota_type,
    lambda params, n: np.arange(int(n)).astype(params["dtype"]),
    Generate(lambda e, i, operands, eqn: e.convert(i[0], eqn.params["dtype"])),
    PURE, False, None, _iota_samples, Zero()))
