"""Rewrites of `simplify` for conversion, movement and indexing, where params decide.

    get[codes="i"] (get[codes="s"] x 2 n 1) k  ->  get[codes="i"] x (2 + k)
    get[codes="i"] (set[codes="i"] x v k) k    ->  v

Each function looks at one equation and says what to use instead: an atom, (row, operands, params)
or None. `defined` gives the equation of a Var.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from hotloop.ir.core import Atom, Eqn, Lit, Var
from hotloop.ir.types import I64
from hotloop.ops import elementwise, index, shape
from hotloop.ops.index import TAKES
from hotloop.ops.table import OpDef
from hotloop.passes.rules import exact_conversion

Defined = Mapping[Atom, Eqn]
Build = Callable[..., Atom]
"""`build(row, *operands)` makes an equation and gives its result."""


def _source(atom: Atom, row: OpDef, defined: Defined) -> Eqn | None:
    eqn = defined.get(atom) if isinstance(atom, Var) else None
    return eqn if eqn is not None and eqn.op is row else None


def converted(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """convert to the own dtype -> x; convert of an exact conversion -> one conversion"""
    x = eqn.ins[0]
    if x.dtype == eqn.params["dtype"]:
        return x
    inner = _source(x, elementwise.convert, defined)
    if inner is not None and exact_conversion(inner.ins[0].dtype, x.dtype, eqn.params["dtype"]):
        return elementwise.convert, inner.ins, eqn.params
    return None


def transposed(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """transpose by the identity -> x; transpose of a transpose -> one"""
    perm = eqn.params["perm"]
    if perm == tuple(range(len(perm))):
        return eqn.ins[0]
    inner = _source(eqn.ins[0], shape.transpose, defined)
    if inner is not None:
        composed = tuple(inner.params["perm"][k] for k in perm)
        return shape.transpose, inner.ins, {"perm": composed}
    return None


def reshaped(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """reshape to the own shape -> x; reshape of a reshape -> one"""
    inner = _source(eqn.ins[0], shape.reshape, defined)
    if inner is not None:
        return shape.reshape, (inner.ins[0], *eqn.ins[1:]), {}
    return eqn.ins[0] if eqn.ins[0].type == eqn.outs[0].type else None


def broadcasted(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """broadcast to the own shape -> x; broadcast of a broadcast scalar -> one"""
    x, axes = eqn.ins[0], eqn.params["axes"]
    if axes == tuple(range(len(axes))) and x.type == eqn.outs[0].type:
        return x
    inner = _source(x, shape.broadcast, defined)
    if inner is not None and not inner.ins[0].shape:
        return shape.broadcast, (inner.ins[0], *eqn.ins[1:]), {"axes": ()}
    return None


def got(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """get of everything -> x; of a filled array, a transpose, a store to the same place, a get"""
    x, codes, operands = eqn.ins[0], eqn.params["codes"], eqn.ins[1:]
    if codes == ":" * len(codes):
        return x
    source = defined.get(x) if isinstance(x, Var) else None
    if source is None:
        return None
    if source.op is shape.broadcast and not source.ins[0].shape:
        if not eqn.outs[0].shape:
            return source.ins[0]
    elif source.op is shape.transpose and set(codes) == {"i"}:
        perm = source.params["perm"]
        return index.get, (source.ins[0], *[operands[perm.index(k)] for k in range(len(perm))]), {
            "codes": codes}
    elif source.op is index.set_ and source.ins[2:] == operands:
        if source.params == eqn.params and "a" not in codes:
            return source.ins[1]
    elif source.op is index.get:
        return _composed(eqn, source, build)
    return None


def _composed(outer: Eqn, inner: Eqn, build: Build) -> Any:
    """One get for two. Not where an `i` of the inner one would stand beside an `a`, among which
    NumPy counts it, nor for new axes, which the outer one may cut."""
    codes, outer_codes = inner.params["codes"], outer.params["codes"]
    if "a" in codes or "n" in codes or ("a" in outer_codes and "i" in codes):
        return None
    result, operands = "", list[Atom]()
    given = iter(outer.ins[1:])
    kept = iter(inner.ins[1:])
    letters = iter(outer_codes)
    for code in codes:
        own = list(itertools.islice(kept, TAKES[code]))
        if code == "i":
            result += "i"
            operands += own
            continue
        letter = next(letters)
        while letter == "n":
            result += "n"
            letter = next(letters)
        asked = list(itertools.islice(given, TAKES[letter]))
        if code == ":" or letter == ":":
            result += code if letter == ":" else letter
            operands += own if letter == ":" else asked
            continue
        start, _, step = own
        result += letter
        first = build(elementwise.add, start, build(elementwise.mul, asked[0], step))
        operands.append(first)
        if letter == "s":
            operands += [asked[1], build(elementwise.mul, asked[2], step)]
    result += "".join(letters)                          # new axes at the end
    return index.get, (inner.ins[0], *operands), {"codes": result}


def stored(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """set of everything -> v; of what is there -> x. (A set over a set of the same place stays: the
    array between them may be read, and a copy of it costs more than a store.)"""
    x, v, *operands = eqn.ins
    codes = eqn.params["codes"]
    if codes == ":" * len(codes) and v.type == eqn.outs[0].type:
        return v
    old = _source(v, index.get, defined)
    if old is not None and old.ins == (x, *operands) and old.params == eqn.params:
        return x
    before = _source(x, index.set_, defined)
    if before is not None and before.ins[1:] == eqn.ins[1:] and before.params == eqn.params:
        return x
    return None


def counted(eqn: Eqn, defined: Defined, build: Build) -> Any:
    """iota of one element -> a filled array"""
    if eqn.ins[0] == Lit(1, I64):
        return shape.broadcast, (Lit(0, eqn.params["dtype"]), eqn.ins[0]), {"axes": ()}
    return None


MOVEMENT: dict[OpDef, Callable[[Eqn, Defined, Build], Any]] = {
    elementwise.convert: converted, shape.transpose: transposed, shape.reshape: reshaped,
    shape.broadcast: broadcasted, shape.iota: counted, index.get: got, index.set_: stored,
}
