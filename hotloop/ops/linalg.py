"""Library calls: matrix product, sorting, `nonzero`, and pure calls back into NumPy.

    c:f64[n,m] = matmul a b
    k:i64[] i:i64[k] = nonzero mask
    x:f64[3] = call_numpy[function=numpy.linalg:solve, results=(('f64', (3,)),)] a b
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.ir.core import Atom, Block, Dim, Eqn
from hotloop.ir.types import BOOL, DTYPES, I64, Type
from hotloop.ops.derivative import Derivative, Rule, Zero
from hotloop.ops.domains import (
    check_axes,
    check_count,
    check_domain,
    check_index,
    check_same_dtype,
    dim_of,
    may_equal,
    same_dim,
)
from hotloop.ops.families import dtypes_of, numbers
from hotloop.ops.table import (
    COMPLEXES,
    FLOATS,
    PURE,
    RAISES,
    Compact,
    Extern,
    OpDef,
    Out,
    Sample,
    register,
)

numpy_rules = lazy.module("hotloop.ops.numpy_rules")


# ---- matmul


def _matmul_type(ins: tuple[Atom, ...], params: dict[str, Any],
                 blocks: tuple[Block, ...]) -> list[Type]:
    check_count("matmul", ins, 2, 2)
    check_domain("matmul", ins[0], FLOATS + COMPLEXES)
    check_same_dtype("matmul", ins)
    a, b = ins[0].shape, ins[1].shape
    if not a or not b:
        raise TypeError(f"matmul of {ins[0].type!r} and {ins[1].type!r}: a scalar operand")
    if not may_equal(a[-1], b[-2] if len(b) > 1 else b[0]):
        raise TypeError(f"matmul of {ins[0].type!r} and {ins[1].type!r}: inner sizes differ")
    batch = _batch(a[:-2], b[:-2])
    if batch is None:
        raise TypeError(f"matmul of {ins[0].type!r} and {ins[1].type!r}: stacks differ")
    rows = a[-2:-1] if len(a) > 1 else ()
    columns = b[-1:] if len(b) > 1 else ()
    return [Type(ins[0].dtype, (*batch, *rows, *columns))]


def _batch(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
    """The broadcast shape of leading axes; dimensions are equal or one is the int 1."""
    rank = max(len(a), len(b))
    shape: list[Dim] = []
    for p, q in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if same_dim(p, q) or same_dim(q, 1):
            shape.append(p)
        elif same_dim(p, 1):
            shape.append(q)
        else:
            return None
    return tuple(shape)


def _matmul_samples() -> Iterator[Sample]:
    for a, b in (((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((1, 1), (1, 1)),
                 ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((5, 2, 3), (3, 2)), ((5, 2, 3), (1, 3, 2)),
                 ((4, 5, 2, 3), (5, 3, 1)), ((0,), (0,))):
        yield Sample((numbers(a, "f8"), numbers(b, "f8", 1)), {})
    for dtype in dtypes_of(FLOATS + COMPLEXES):
        yield Sample((numbers((3, 2), dtype), numbers((2, 3), dtype, 1)), {})


def _matmul_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    (a, b), (ta, tb) = eqn.ins, tangents
    left = None if ta is None else l.matmul(ta, b)
    right = None if tb is None else l.matmul(a, tb)
    return [right if left is None else left if right is None else l.add(left, right)]


def _matmul_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    x, y = eqn.ins
    shape = eqn.ins[k].shape
    if len(x.shape) <= 2 and len(y.shape) <= 2:
        if len(x.shape) == len(y.shape) == 1:
            return b.mul(b.broadcast(ct, shape, ()), b.reshape(eqn.ins[1 - k], shape))
        if k == 0 and len(y.shape) == 1:                # x' = ct y^T: every element of both
            return b.mul(b.broadcast(ct, shape, (0,)), b.broadcast(y, shape, (1,)))
        if k == 1 and len(x.shape) == 1:
            return b.mul(b.broadcast(x, shape, (0,)), b.broadcast(ct, shape, (1,)))
        if k == 1:
            value = b.matmul(b.swap_last(x), ct)
        elif len(x.shape) == 1:
            value = b.matmul(y, ct)
        else:
            value = b.matmul(ct, b.swap_last(y))
        return b.reshape(value, shape)
    rows = x.shape if len(x.shape) > 1 else (1, *x.shape)
    columns = y.shape if len(y.shape) > 1 else (*y.shape, 1)
    stack = eqn.outs[0].shape[:max(len(rows), len(columns)) - 2]
    ct = b.reshape(ct, (*stack, rows[-2], columns[-1]))
    if k == 0:
        value, matrix = b.matmul(ct, b.swap_last(b.reshape(y, columns))), rows
    else:
        value, matrix = b.matmul(b.swap_last(b.reshape(x, rows)), ct), columns
    first = len(value.shape) - len(matrix)
    value = b.unbroadcast(value, matrix, range(first, len(value.shape)))
    return b.reshape(value, shape)


matmul = register(OpDef(
    "matmul", "matrix product, as np.matmul", _matmul_type,
    lambda params, a, b: np.matmul(a, b), Extern("matmul", "oi"), PURE, False, None,
    _matmul_samples,
    Rule(_matmul_jvp, _matmul_transpose)))


# ---- sorting

def _sort_row(name: str, doc: str, evaluate: Any, dtype: np.dtype | None,
              derivative: Derivative) -> OpDef:
    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 1, 1)
        check_axes(name, (params.get("axis"),), len(ins[0].shape))
        return [Type(dtype or ins[0].dtype, ins[0].shape)]

    def samples() -> Iterator[Sample]:
        for kind in dtypes_of("biufc"):
            yield Sample((numbers((9,), kind),), {"axis": 0})
        yield Sample((np.array([2, np.nan, -np.inf, 0.0, -0.0, 2, np.inf]),), {"axis": 0})
        for shape, axis in (((0,), 0), ((1,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), 1)):
            yield Sample((numbers(shape, "f8"),), {"axis": axis})

    return register(OpDef(name, doc, type_rule, evaluate, Extern(name), PURE, True, None, samples,
                          derivative))


def _sort_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    axis = eqn.params["axis"]
    return [l.take_along(tangents[0], p.argsort(eqn.ins[0], axis=axis), axis)]


sort = _sort_row("sort", "sorted along an axis, NaN last",
                 lambda params, x: np.sort(x, axis=params["axis"], kind=params.get("kind")),
                 None, Rule(_sort_jvp))
argsort = _sort_row("argsort", "indices that sort along an axis, stably but for another `kind`",
                    lambda params, x: np.argsort(x, axis=params["axis"],
                                                 kind=params.get("kind", "stable")),
                    I64, Zero())


# ---- nonzero

def _nonzero_type(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
    check_count("nonzero", ins, 1, 1)
    if not ins[0].shape:
        raise TypeError("nonzero of a scalar")
    return [Type(I64), *(Type(I64, (Out(0),)) for _ in ins[0].shape)]


def _nonzero(params: dict[str, Any], x: Any) -> Any:
    found = np.nonzero(x)
    return (np.int64(len(found[0])), *(f.astype(I64) for f in found))


def _nonzero_samples() -> Iterator[Sample]:
    for kind in dtypes_of("biufc"):
        yield Sample((numbers((9,), kind),), {})
    for shape in ((0,), (1,), (3, 4), (2, 3, 4), (0, 2)):
        yield Sample((numbers(shape, BOOL),), {})
    yield Sample((np.array([np.nan, 0.0, -0.0, 1]),), {})


nonzero = register(OpDef(
    "nonzero", "how many elements are not 0, and their indices in C order", _nonzero_type, _nonzero,
    Compact(), PURE, True, None, _nonzero_samples, Zero()))


# ---- pure call-back

def _call_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    if not callable(params.get("function")):
        raise TypeError("call_numpy without a function")
    types = []
    for dtype, shape in params["results"]:
        if dtype not in DTYPES:
            raise TypeError(f"call_numpy: a result of dtype {dtype!r}")
        types.append(Type(DTYPES[dtype], tuple(_call_dim(d, ins) for d in shape)))
    return types


def _call_dim(dim: Any, ins: tuple[Atom, ...]) -> Any:
    if isinstance(dim, int):
        return dim
    place, k = dim
    if place == "out":
        return Out(k)
    check_index("call_numpy", "a dimension", ins[k])
    return dim_of(ins[k])


def _call(params: dict[str, Any], *operands: Any) -> Any:
    """The first `take` operands (all if it is absent) are the function's arguments; the others
    only give dimensions. `keywords` are its keyword arguments, as (name, literal) pairs."""
    result = params["function"](*operands[:params.get("take")],
                                **dict(params.get("keywords", ())))
    given = result if isinstance(result, tuple) else (result,)
    return tuple([x if type(x) is np.ndarray and x.ndim else np.asarray(x)[()] for x in given])


def _call_samples() -> Iterator[Sample]:
    yield Sample((numbers((3, 3), "f8") + 9 * np.eye(3), numbers((3,), "f8")),
                 {"function": np.linalg.solve, "results": (("f64", (3,)),)})
    yield Sample((numbers((5,), "f8"),), {"function": np.median, "results": (("f64", ()),)})
    yield Sample((np.int64(4),), {"function": np.identity, "results": (
        ("f64", (("in", 0), ("in", 0))),)})
    yield Sample((numbers((2, 3), "f8"), np.int64(3)), {
        "function": np.median, "take": 1, "keywords": (("axis", 0),),
        "results": (("f64", (("in", 1),)),)})


_OF_ITS_FUNCTION = Rule(
    lambda p, l, eqn, tangents: numpy_rules.jvp(p, l, eqn, tangents),
    lambda b, eqn, ct, k: numpy_rules.transpose(b, eqn, ct, k))

call_numpy = register(OpDef(
    "call_numpy", "a pure function of NumPy, called back", _call_type, _call,
    Extern("function", "zoi"), PURE, False, None, _call_samples, _OF_ITS_FUNCTION))
call_numpy_checked = register(OpDef(
    "call_numpy_checked", "as call_numpy, of a function that may raise", _call_type, _call,
    Extern("function", "zoi"), RAISES, False, None, _call_samples, _OF_ITS_FUNCTION))
