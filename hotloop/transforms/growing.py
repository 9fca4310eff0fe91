"""Lists that grow in a loop, in the linear half.

    for ...: m, y = reserve x rows; z = set y v k        (x has room for few rows, z for more)
    ->
    for ...: tz = set tx tv k                            (tx has all rows from the start)

The linear half of a loop runs when the loop has run: how many rows a list will have is known. So
its tangent has them from the start and `reserve` is the identity, in place; else each trip would
copy the list. Such a tangent is *roomy*: its first axis is longer than that of its value. Loads and
stores do not notice, other equations get the part that the value has.
"""

from __future__ import annotations

from collections.abc import Mapping

from hotloop.ir.core import Atom, Block, Dim, Eqn, Var
from hotloop.ir.types import Type
from hotloop.ops import index
from hotloop.ops.domains import atom_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import carries_from

_STORES = (index.set_, index.addat, index.reserve)


def grows(body: Block, last: Atom, param: Var) -> bool:
    """Is `last`, a result of the body, the carry `param` with rows stored and room reserved?"""
    return _comes_from(last, param, {out: eqn for eqn in body.eqns for out in eqn.outs})


def _comes_from(atom: Atom, param: Var, made: Mapping[Atom, Eqn]) -> bool:
    while atom is not param:
        eqn = made.get(atom)
        if eqn is None:
            return False
        if eqn.op in _STORES:
            atom = eqn.ins[0]
            continue
        k = eqn.outs.index(atom)
        first = carries_from(eqn)
        inside = [{**made, **{out: e for e in b.eqns for out in e.outs}} for b in eqn.blocks]
        if first is None:
            return bool(eqn.blocks) and all(
                _comes_from(b.outs[k], param, m) for b, m in zip(eqn.blocks, inside, strict=True))
        body = eqn.blocks[-1]
        if not _comes_from(body.outs[k], body.params[first + k], inside[-1]):
            return False
        atom = eqn.ins[len(eqn.ins) - len(eqn.outs) + k]
    return True


def padded(tangent: Atom | None, dtype: object, shape: tuple[Dim, ...], l: Emit) -> Atom:
    """`tangent` (None: zero) as the first rows of an array of this shape."""
    room = l.full(0, shape, dtype)
    if tangent is None:
        return room
    return l.op("set", room, tangent, 0, atom_of(tangent.shape[0]), 1,
                codes="s" + ":" * (len(shape) - 1))


def thinned(tangent: Atom, value: Type, l: Emit) -> Atom:
    """The rows that the value has, of a roomy tangent."""
    return l.op("get", tangent, 0, atom_of(value.shape[0]), 1,
                codes="s" + ":" * (len(value.shape) - 1))


def is_of_rows(eqn: Eqn) -> bool:
    """Does a load or store choose rows, so that it does not matter how many there are?"""
    return (eqn.op in (index.get, index.set_, index.addat)
            and eqn.params["codes"].lstrip("n")[:1] in ("i", "s", "a"))
