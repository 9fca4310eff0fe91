"""Functions of functions, as they stand in a Program until `transforms.expand` replaces them.

    b:f64[] t:i64[] = linearize[of=(0,)] a { lambda x. let y:f64[] = sin x in (y,) }
    c:f64[] = pullback[of=(0,)] t 1.0 a                 # cos a

The block of an equation may use outer Vars: they are constants to the transform. `t` is a token:
it stands for all that the linear half needs, and only `pushforward` and `pullback` take it. `of`
are the positions of the block's results that have tangents. All operands have tangents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block
from hotloop.ir.types import I64, Type
from hotloop.ops.control import call_type
from hotloop.ops.derivative import Derivative, Linear, Zero
from hotloop.ops.domains import check_count, check_index, dim_of, same_dim
from hotloop.ops.table import (
    PURE,
    Map,
    OpDef,
    Region,
    Sample,
    register,
)

Types = list[Type]


def _block_types(name: str, ins: tuple[Atom, ...], blocks: tuple[Block, ...]) -> Types:
    if not blocks:
        raise TypeError(f"{name} without a block")
    return call_type(name, ins, blocks[0])


def _tangents_fit(name: str, tangents: tuple[Atom, ...], values: tuple[Atom, ...]) -> None:
    if len(tangents) != len(values):
        raise TypeError(f"{name}: {len(tangents)} tangents for {len(values)} values")
    for k, (t, v) in enumerate(zip(tangents, values, strict=True)):
        if t.dtype != v.dtype or len(t.shape) != len(v.shape) or not all(
                same_dim(p, q) for p, q in zip(t.shape, v.shape, strict=True)):
            raise TypeError(f"{name}: tangent {k} is {t.type!r}, its value {v.type!r}")


def _linearize_type(ins: tuple[Atom, ...], params: dict[str, Any],
                    blocks: tuple[Block, ...]) -> Types:
    return [*_block_types("linearize", ins, blocks), Type(I64)]


def _jvp_type(ins: tuple[Atom, ...], params: dict[str, Any],
              blocks: tuple[Block, ...]) -> Types:
    count = len(ins) // 2
    _tangents_fit("jvp", ins[count:], ins[:count])
    types = _block_types("jvp", ins[:count], blocks)
    return types + [types[k] for k in params["of"]]


def _map_type(name: str, key: str) -> Callable[..., Types]:
    """Token, a tangent for each of `params[key]`, then values of the results' types."""
    def rule(ins: tuple[Atom, ...], params: dict[str, Any], blocks: tuple[Block, ...]) -> Types:
        if not ins:
            raise TypeError(f"{name} without a token")
        check_index(name, "the token", ins[0])
        return [atom.type for atom in ins[1 + len(params[key]):]]
    return rule


def _vmap_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> Types:
    if not ins or not blocks:
        raise TypeError("vmap takes the number of lanes, the batched operands and a block")
    size, *batched = ins
    check_index("vmap", "the number of lanes", size)
    block = blocks[0]
    if len(block.params) != len(ins):
        raise TypeError(f"vmap: {len(batched)} operands for {len(block.params)} parameters")
    for k, (param, atom) in enumerate(zip(block.params[1:], batched, strict=True)):
        if param.dtype != atom.dtype or len(atom.shape) != len(param.shape) + 1 or not all(
                same_dim(p, q) for p, q in zip(param.shape, atom.shape[1:], strict=True)):
            raise TypeError(f"vmap: operand {k} is {atom.type!r}, the lane {param.type!r}")
    return [Type(a.dtype, (dim_of(size), *a.shape)) for a in block.outs]


def _checkpoint_type(ins: tuple[Atom, ...], params: dict[str, Any],
                     blocks: tuple[Block, ...]) -> Types:
    return _block_types("checkpoint", ins, blocks)


def _transform(name: str, doc: str, type_rule: Callable[..., Types]) -> OpDef:
    """`expand` removes it before anything would evaluate or lower it."""
    return register(OpDef(name, doc, type_rule, None, Region(name), PURE, False, None,
                          lambda: (), None))


def _custom_type(name: str, count: int) -> Callable[..., Types]:
    def rule(ins: tuple[Atom, ...], params: dict[str, Any], blocks: tuple[Block, ...]) -> Types:
        if len(blocks) != count:
            raise TypeError(f"{name} has {count} blocks, got {len(blocks)}")
        return _block_types(name, ins, blocks)
    return rule


linearize = _transform("linearize", "the block's results, and a token of its derivative",
                       _linearize_type)
pushforward = _transform("pushforward", "the tangents of results for those of operands",
                         _map_type("pushforward", "wrt"))
pullback = _transform("pullback", "the cotangents of operands for those of results",
                      _map_type("pullback", "of"))
jvp = _transform("jvp", "the block's results and their tangents", _jvp_type)
vmap = _transform("vmap", "the block's results for each lane, stacked", _vmap_type)
checkpoint = _transform("checkpoint", "the block's results, recomputed for derivatives",
                        _checkpoint_type)


custom_jvp = _transform("custom_jvp", "the block's results; the second block gives their tangents",
                        _custom_type("custom_jvp", 2))
custom_vjp = _transform("custom_vjp", "the block's results; the others are forward and backward",
                        _custom_type("custom_vjp", 3))


def _same_type(name: str) -> Callable[..., Types]:
    def rule(ins: tuple[Atom, ...], params: dict[str, Any], blocks: tuple[Block, ...]) -> Types:
        check_count(name, ins, 1, 1)
        return [ins[0].type]
    return rule


def _samples() -> Iterator[Sample]:
    for value in (np.float32(2.5), np.arange(3.0), np.ones((2, 0), bool),
                  np.array([[1], [-2]], np.int8), np.array([1 + 2j]), np.float64(-0.0)):
        yield Sample((value,), {})


def _identity(name: str, doc: str, derivative: Derivative) -> OpDef:
    return register(OpDef(
        name, doc, _same_type(name), lambda params, x: x.copy(),
        Map(lambda e, x: x, lambda e, x: x), PURE, True, None, _samples, derivative))


stop_gradient = _identity("stop_gradient", "x, of which derivatives do not depend on x", Zero())
anew = _identity("anew", "x, from which values are computed again rather than taken from before",
                 Linear((0,), lambda b, eqn, ct, k: ct))

__all__ = ["anew", "checkpoint", "custom_jvp", "custom_vjp", "jvp", "linearize", "pullback",
           "pushforward", "stop_gradient", "vmap"]
