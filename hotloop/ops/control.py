"""Control flow and effects: `cond for while call`, `check`, `call_host`.

    s:f64[] = for 0 n 1 0.0 { lambda i:i64[] c:f64[]. let d:f64[] = add c 1.0 in (d,) }

Blocks see the Vars around them; their parameters are only what changes from one entry to the next.
A result's dimension is a Var visible outside, or it is among the results itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.ir.core import Atom, Block, Dim, Lit
from hotloop.ir.types import BOOL, I64, Type
from hotloop.ops.derivative import Zero
from hotloop.ops.domains import check_condition, check_index, same_dim
from hotloop.ops.table import (
    IO,
    PURE,
    RAISES,
    Effect,
    OpDef,
    Out,
    Region,
    Sample,
    register,
)

text_calls = lazy.module("hotloop.ops.text_calls")
WORD = "\x01"
"""Stands before each number of a message that is a part of a text (`text_calls.with_text`)."""


def _stands_for(atom: Atom, dim: Dim) -> bool:
    """Whether `atom` is the value of dimension `dim`."""
    if isinstance(atom, Lit):
        return isinstance(dim, int) and atom.dtype == I64 and int(atom.value) == dim
    return atom is dim


def _block_count(name: str, blocks: tuple[Block, ...], count: int) -> None:
    if len(blocks) != count:
        raise TypeError(f"{name} has {count} blocks, got {len(blocks)}")


# ---- cond

def _cond_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    _block_count("cond", blocks, 2)
    if len(ins) != 1:
        raise TypeError(f"cond takes a condition only, got {len(ins)} operands")
    check_condition("cond", ins[0])
    yes, no = blocks
    if yes.params or no.params:
        raise TypeError("cond: an arm has parameters")
    if len(yes.outs) != len(no.outs):
        raise TypeError(f"cond: arms give {len(yes.outs)} and {len(no.outs)} results")
    return [_joined(k, yes.outs, no.outs) for k in range(len(yes.outs))]


def _joined(k: int, yes: Sequence[Atom], no: Sequence[Atom]) -> Type:
    a, b = yes[k].type, no[k].type
    if a.dtype != b.dtype or a.rank != b.rank:
        raise TypeError(f"cond: result {k} is {a!r} in one arm and {b!r} in the other")
    shape: list[Any] = []
    for p, q in zip(a.shape, b.shape, strict=True):
        if same_dim(p, q):
            shape.append(p)
            continue
        carried = [j for j in range(len(yes))
                   if _stands_for(yes[j], p) and _stands_for(no[j], q)]
        if carried:
            # of results that are equal now, the one before: in what uses them they may differ
            shape.append(Out(max((j for j in carried if j < k), default=carried[0])))
        else:
            raise TypeError(f"cond: result {k} is {a!r} in one arm and {b!r} in the other, and "
                            "the dimension is no result")
    return Type(a.dtype, tuple(shape))


# ---- loops

def _carry_types(name: str, body: Block, first: int, inits: tuple[Atom, ...]) -> list[Type]:
    """Types of the carries, checked at the entry and at the end of `body`; its parameters from
    `first` on are the carries."""
    carries = body.params[first:]
    if not len(carries) == len(inits) == len(body.outs):
        raise TypeError(f"{name}: {len(inits)} initial values, {len(carries)} carries, "
                        f"{len(body.outs)} results of the body")
    place = {v: k for k, v in enumerate(carries)}
    for what, values in (("starts as", inits), ("becomes", tuple(body.outs))):
        for k, (carry, value) in enumerate(zip(carries, values, strict=True)):
            fits = carry.dtype == value.dtype and len(carry.shape) == len(value.shape) and all(
                _stands_for(values[place[d]], own) if d in place else same_dim(d, own)
                for d, own in zip(carry.shape, value.shape, strict=True))
            if not fits:
                raise TypeError(f"{name}: carry {k} of type {carry.type!r} {what} "
                                f"{value.type!r}")
    return [Type(c.dtype, tuple(Out(place[d]) if d in place else d for d in c.shape))
            for c in carries]


def _for_type(ins: tuple[Atom, ...], params: dict[str, Any],
              blocks: tuple[Block, ...]) -> list[Type]:
    _block_count("for", blocks, 1)
    if len(ins) < 3:
        raise TypeError("for takes lo, hi, step and the initial values of its carries")
    for atom in ins[:3]:
        check_index("for", "a bound", atom)
    body = blocks[0]
    if not body.params or body.params[0].dtype != I64 or body.params[0].shape:
        raise TypeError("for: the first parameter of the body is the index, i64[]")
    types = _carry_types("for", body, 1, ins[3:])
    until = params.get("until")
    if until is not None and not (isinstance(until, int) and 0 <= until < len(types)
                                  and types[until] == Type(BOOL)):
        raise TypeError(f"for: until={until!r} is no carry of type bool[]")
    return types


def _while_type(ins: tuple[Atom, ...], params: dict[str, Any],
                blocks: tuple[Block, ...]) -> list[Type]:
    _block_count("while", blocks, 2)
    test, body = blocks
    types = _carry_types("while", body, 0, ins)
    if [p.dtype for p in test.params] != [p.dtype for p in body.params] or any(
            len(p.shape) != len(q.shape)
            for p, q in zip(test.params, body.params, strict=True)):
        raise TypeError("while: test and body have different parameters")
    if len(test.outs) != 1:
        raise TypeError("while: the test gives one result")
    check_condition("while", test.outs[0])
    return types


# ---- call

def _call_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    _block_count("call", blocks, 1)
    return call_type("call", ins, blocks[0])


def call_type(name: str, ins: tuple[Atom, ...], body: Block) -> list[Type]:
    """Types of the results of a block for these operands."""
    if len(body.params) != len(ins):
        raise TypeError(f"{name}: {len(ins)} operands for {len(body.params)} parameters")
    given: dict[Any, Any] = dict(zip(body.params, ins, strict=True))

    def outside(dim: Any) -> Any:
        atom = given.get(dim)
        if atom is None:
            return dim
        return int(atom.value) if isinstance(atom, Lit) else atom

    for k, (param, atom) in enumerate(zip(body.params, ins, strict=True)):
        if param.dtype != atom.dtype or len(param.shape) != len(atom.shape) or not all(
                same_dim(outside(d), own)
                for d, own in zip(param.shape, atom.shape, strict=True)):
            raise TypeError(f"{name}: operand {k} is {atom.type!r}, the parameter {param.type!r}")
    local = {v for eqn in body.eqns for v in eqn.outs}
    return [Type(a.dtype, tuple(Out(body.outs.index(d)) if d in local and d in body.outs
                                else outside(d) for d in a.shape)) for a in body.outs]


def _region(name: str, doc: str, type_rule: Callable[..., list[Type]]) -> OpDef:
    """Its meaning stands in `ir.interp`, and file tests instead of samples check it."""
    return register(OpDef(name, doc, type_rule, None, Region(name), PURE, False, None, lambda: (),
                          None))


cond = _region("cond", "the results of the first block if p, else of the second", _cond_type)
for_ = _region("for", "the carries after running the body for i in range(lo, hi, step)", _for_type)
while_ = _region("while", "the carries after running the body while the test holds", _while_type)
call = _region("call", "the results of the block for the operands", _call_type)


# ---- effects

def _check_type(ins: tuple[Atom, ...], params: dict[str, Any],
                blocks: tuple[Block, ...]) -> list[Type]:
    if not ins:
        raise TypeError("check without a condition")
    check_condition("check", ins[0])
    exception = params.get("exception")
    if not (isinstance(exception, type) and issubclass(exception, BaseException)):
        raise TypeError(f"check: exception={exception!r} is no exception class")
    if not isinstance(params.get("message"), str):
        raise TypeError("check: the message is no string")
    if any(a.shape for a in ins[1:]):
        raise TypeError("check: an operand of the message is an array")
    return []


Attributes = tuple[tuple[Any, ...], ...] | None
"""What an exception has beside its text: (name, constant), or (name, None, dtype) of one of the
last operands, a Python number if the dtype is ""."""


def exception_of(exception: type[BaseException], message: str, operands: Sequence[Any],
                 attributes: Attributes = None) -> BaseException:
    """What a failing check raises: `message` formatted with the operands, Python scalars; no
    argument at all for an empty message, like a bare `assert`. With `attributes` it is an object
    whose __init__ has run while the program was traced."""
    shown = message.format(*operands)
    text = (text_calls.with_text(shown) if WORD in shown else shown,) if message else ()
    if attributes is None:
        return _of_text(exception, text)
    error = exception.__new__(exception)
    error.args = text
    given = iter(operands[len(operands) - sum(len(a) > 2 for a in attributes):])
    for name, constant, *dtype in attributes:
        setattr(error, name, constant if not dtype else next(given) if not dtype[0]
                else np.dtype(dtype[0]).type(next(given)))
    return error


def _of_text(exception: type[BaseException], text: tuple[str, ...]) -> BaseException:
    """Or of the nearest base class that takes a text: some of NumPy's own take other things."""
    for kind in exception.__mro__:
        with contextlib.suppress(TypeError):
            return kind(*text)
    raise AssertionError("BaseException takes any text")


def _check(params: dict[str, Any], ok: Any, *operands: Any) -> tuple[()]:
    if not ok:
        raise exception_of(params["exception"], params["message"], [v.item() for v in operands],
                           params.get("attributes"))
    return ()


def _check_samples() -> Iterator[Sample]:
    yield Sample((np.bool_(True),), {"exception": AssertionError, "message": ""})
    yield Sample((np.bool_(True), np.int64(7), np.int64(5)),
                 {"exception": IndexError,
                  "message": "index {} is out of bounds for axis 0 with size {}"})


check = register(OpDef(
    "check", "raise the exception unless the condition holds", _check_type, _check,
    Effect("check"), RAISES, False, None, _check_samples, Zero()))


def _host_type(ins: tuple[Atom, ...], params: dict[str, Any],
               blocks: tuple[Block, ...]) -> list[Type]:
    if not callable(params.get("function")):
        raise TypeError("call_host without a function")
    return []


def _host(params: dict[str, Any], *operands: Any) -> tuple[()]:
    params["function"](*operands)
    return ()


def _host_samples() -> Iterator[Sample]:
    yield Sample((np.int64(3), np.arange(3.0)), {"function": np.broadcast_arrays})


call_host = register(OpDef(
    "call_host", "call a Python function for its effect", _host_type, _host, Effect("host"), IO,
    False, None, _host_samples, Zero()))
