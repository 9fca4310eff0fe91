"""Derivatives of functions that call themselves (`invoke`): functions of their own.

    s:f64[] = invoke[function=tree] x 0
    ->                                              tangents: the function along a direction
    s:f64[] t:f64[] = invoke[function=tree_tangent] x 0 tx
    ->                                              transposed: from the result to what went in
    c:f64[n] = invoke[function=tree_cotangent] x 0 ct cx

Both call themselves where the function does. In reverse mode nothing is saved but the operands:
each call computes its own equations again, the calls in it included, and then goes backwards. So a
call at depth d is computed d + 1 times: that is a factor log(n) for functions that halve their
argument, and n / 2 for those that go down one by one, which are better written as loops.

An array that the function changes has its cotangent before in the place of that after; to those
of the others is added, in place, which is why they are operands (`cx` above). A new array that it
returns is one without rows that the caller lends, and so is its tangent, of as many rows; its
cotangent is an operand that is only read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Eqn, Program, Var
from hotloop.ir.types import I64, Type
from hotloop.ops.dce import dce
from hotloop.ops.emit import Emit
from hotloop.ops.invoke import Function, invoke
from hotloop.transforms import growing
from hotloop.transforms.activity import is_float
from hotloop.transforms.jvp import jvp
from hotloop.transforms.linearize import halves
from hotloop.transforms.prepare import fresh
from hotloop.transforms.tangents import like
from hotloop.transforms.tapes import pure
from hotloop.transforms.transpose import Cotangents, Transposer

# ---- along a direction

def along(eqn: Eqn, tangents: Sequence[Atom]) -> tuple[Eqn, list[Var]]:
    """The call that gives the results again and their tangents, with a tangent for each float
    operand; (equation, tangents of the float results). The results are the equation's own. Raises
    UnsupportedError where lists that are passed get another length."""
    if any(eqn.ins[k].shape[0] != 0 for k in eqn.params["function"].rows):
        raise UnsupportedError(
            "not supported: the derivative of a recursive function that changes a list's length",
            eqn.location, "return an array, or store into one that is passed to it")
    derived = tangent_of(eqn.params["function"])
    made = {out: like(out) for out in eqn.outs if is_float(out)}
    return Eqn(invoke, (*eqn.ins, *tangents),
               [v for group in _in_order(eqn.outs, made) for v in group],
               {"function": derived}, (), eqn.location), list(made.values())


def _in_order(outs: Sequence[Var], made: dict[Var, Var]) -> Iterator[list[Var]]:
    """Scalars, their tangents, arrays, theirs: scalars come first in a call's results."""
    for has_shape in (False, True):
        group = [v for v in outs if bool(v.shape) is has_shape]
        yield group
        yield [made[v] for v in group if v in made]


def tangent_of(function: Function) -> Function:
    """The function with a parameter more for each float one and a result more for each float
    result: what `jvp` makes of it. Arrays are written where the tangent came in."""
    if "tangent" not in function.derived:
        derived = function.derived["tangent"] = Function(f"{function.__name__}_tangent")
        derived.origin = function
        program = function.program
        assert program is not None
        made = jvp(program, [True] * len(program.params))
        count = len(program.params)
        of = dict(zip([v for v in program.params if is_float(v)], made.params[count:], strict=True))
        found = iter(zip(made.outs[len(program.outs):],
                         [target for a, target in zip(program.outs, program.into, strict=True)
                          if is_float(a)], strict=True))
        rows: list[tuple[bool, bool, Atom, Var | None]] = []
        places = dict(zip(program.params, made.params, strict=False))
        for a, old, target in zip(made.outs, program.outs, program.into, strict=False):
            rows.append((target is not None, False, a, None if target is None else places[target]))
            if is_float(old):
                tangent, into = next(found)
                rows.append((into is not None, True, tangent, None if into is None else of[into]))
        rows.sort(key=lambda r: r[:2])
        derived.rows = dict(function.rows)
        for k, length in function.rows.items():
            if program.params[k] in of:
                derived.rows[made.params.index(of[program.params[k]])] = length
        derived.program = Program(made.params, made.eqns, [r[2] for r in rows], derived.__name__,
                                  [r[3] for r in rows])
    return function.derived["tangent"]


# ---- backwards

def added_to(eqn: Eqn) -> list[Atom]:
    """Tangents of arrays that the function of a call `along` a direction does not change."""
    function = eqn.params["function"].origin
    if function is None:                # not along any: what a checkpoint computes again
        return []
    primals = eqn.ins[:len(function.program.params)]
    floats = [k for k, a in enumerate(primals) if is_float(a)]
    return [t for k, t in zip(floats, eqn.ins[len(primals):], strict=True)
            if t.shape and k not in function.written]


def transpose(eqn: Eqn, walk: Transposer, b: Emit, cotangents: Cotangents) -> None:
    """Of a call `along` a direction: the cotangents of its tangent operands."""
    function = eqn.params["function"].origin
    assert function is not None and function.program is not None
    count = len(function.program.params)
    primals, tangents = eqn.ins[:count], eqn.ins[count:]
    floats = [out for out in eqn.outs if is_float(out)]
    own = function.program.outs         # scalars first; tangents stand as `_in_order` has them
    scalars = [k for k, a in enumerate(own) if is_float(a) and not a.shape]
    arrays = [k for k, a in enumerate(own) if is_float(a) and a.shape]
    ends = floats[len(scalars):2 * len(scalars)] + floats[2 * len(scalars) + len(arrays):]
    given = [cotangents.taken(b, v) for v in ends]
    if all(ct is None for ct in given):
        return
    seeds = [b.zeros(_known(v.type, eqn.outs)) if ct is None else ct
             for v, ct in zip(ends, given, strict=True)]
    after = dict(zip([p for p in function.written if is_float(primals[p])],
                     seeds[len(scalars):], strict=True))
    new = [after[k] for k in after if k in function.rows]
    starts: list[Atom] = []
    kept: list[tuple[Atom, bool]] = []          # tangent operands: scalars', then arrays'
    pairs = list(zip([k for k, a in enumerate(primals) if is_float(a)], tangents, strict=True))
    for k, t in pairs:
        if not primals[k].shape or k in function.rows:
            continue
        if k in after:
            starts.append(after[k])
            kept.append((t, False))
        else:
            total = cotangents.taken(b, t) if isinstance(t, Var) and t in walk.linear else None
            starts.append(b.zeros(primals[k].type) if total is None else total)
            kept.append((t, True))
    results = [t for k, t in pairs if not primals[k].shape]
    made = Eqn(invoke, (*primals, *seeds[:len(scalars)], *new, *starts),
               [Var(Type(a.dtype, a.shape)) for a in (*results, *starts)],
               {"function": cotangent_of(function)}, (), eqn.location)
    b.eqns.append(made)
    for t, result in zip(results, made.outs, strict=False):
        cotangents.add(b, t, result)
    for (t, adds), result in zip(kept, made.outs[len(results):], strict=True):
        if isinstance(t, Var) and t in walk.linear:
            if adds and t not in cotangents:
                cotangents.replace(t, result)
            else:
                cotangents.add(b, t, result)


def _known(type_: Type, outs: Sequence[Var]) -> Type:
    """For a new array that has no cotangent: without rows, whatever their number was."""
    return Type(type_.dtype, tuple(0 if d in outs else d for d in type_.shape))


def cotangent_of(function: Function) -> Function:
    """Parameters: the function's, the cotangents of its float scalars and of new float arrays that
    it returns, those of its float arrays (after the call, if it changes them; else what is added
    to). Results: the cotangents of float parameters, scalars first."""
    if "cotangent" not in function.derived:
        derived = function.derived["cotangent"] = Function(f"{function.__name__}_cotangent")
        program = function.program
        assert program is not None
        derived.program = _backwards(program, derived.__name__, function.rows)
    return function.derived["cotangent"]


def _backwards(program: Program, name: str, rows: Collection[int]) -> Program:
    made = halves(program, [True] * len(program.params))
    params = made.program.params
    primal = pure(made.program.eqns, {})
    b = Emit()
    walk = Transposer(made.inputs, made.linear.eqns)
    later = walk.mark(made.linear.eqns, b)
    cotangents = Cotangents(walk)
    changed = {target for target in made.program.into if target is not None}
    inputs = dict(zip([p for p in params if is_float(p)], made.inputs, strict=True))
    targets = [t for a, t in zip(made.program.outs, made.program.into, strict=True) if is_float(a)]
    seeds: list[Var] = []
    new: dict[Var, Var] = {}
    lent = {params[k] for k in rows}
    of_array: dict[Var, Var] = {p: Var(p.type) for p in inputs if p.shape and p not in lent}
    for out, type_, target in zip(made.outs, made.types, targets, strict=True):
        given: Atom
        if target is None:
            given = Var(type_)
            seeds.append(given)
        elif target in lent:
            new[target] = Var(Type(type_.dtype, (Var(Type(I64)), *type_.shape[1:])))
            given = growing.padded(new[target], type_.dtype, type_.shape, b)
        else:
            given = of_array[target]
        if out is not None:
            cotangents.add(b, out, given)
    for p, given in of_array.items():
        if p not in changed:
            cotangents.add(b, inputs[p], given)
    walk.sweep(later, b, cotangents)
    ends = {p: cotangents.taken_or_zeros(b, v) for p, v in inputs.items() if p not in lent}
    scalars = [a for p, a in ends.items() if not p.shape]
    arrays = [a for p, a in ends.items() if p.shape]
    return dce(fresh(Program([*params, *seeds, *new.values(), *of_array.values()],
                             [*primal, *b.eqns], [*scalars, *arrays], name,
                             [*[None] * len(scalars), *of_array.values()])))
