"""Calls of functions of their own: each is a Kernel of its own beside the one that calls it.

    s, y = invoke[function=tree] x 0 n     ->     call invoke 0 (b1, n, 0, n) -> (b1) (t1: f64)

`site` is the function's place in `Kernel.functions`. An array is passed as a Buffer and its
extents; one that the function changes is among the `outs`, too. One that gets another number of
rows there is lent: the function may move it to other memory, which the caller has afterwards.
"""

from __future__ import annotations

from hotloop.ir.core import Eqn, Var
from hotloop.loops.buffers import contiguous, copy_of, materialize, own, settle
from hotloop.loops.core import ARG, Buffer, Call
from hotloop.loops.expr import Expr, lit, var
from hotloop.loops.state import State, float_part, parts_of
from hotloop.ops.invoke import Function


def invoke(state: State, eqn: Eqn) -> None:
    function: Function = eqn.params["function"]
    site = state.functions.setdefault(function, len(state.functions))
    written = function.written
    scalars = [out for out in eqn.outs if not out.shape]
    results = dict(zip(written, eqn.outs[len(scalars):], strict=True))
    ins: list[Buffer | Expr] = []
    outs: dict[int, Buffer] = {}
    moved: list[Buffer] = []
    arrays = [a for a in eqn.ins if isinstance(a, Var) and a.shape]
    for k, atom in enumerate(eqn.ins):
        if not atom.shape:
            ins += parts_of(state.scalar(atom))
            continue
        assert isinstance(atom, Var)
        if k in results:
            others = frozenset(a for a in arrays if a is not atom)
            lent = k in function.rows
            buffer = own(state, atom, results[k], eqn.location, others, tuple(outs.values()), lent)
            if lent:
                moved.append(buffer)
            elif buffer.strides is not None or buffer.kind == ARG or arrays.count(atom) > 1:
                state.destination.pop(atom, None)
                buffer = copy_of(state, atom, "a function changes it", eqn.location,
                                 (*outs.values(), buffer))
            outs[k] = buffer
        else:
            buffer = materialize(state, atom)
            same_rows = buffer.shape[1:len(atom.shape)] == state.dims(atom)[1:]
            if buffer.strides is not None or not same_rows:
                buffer = contiguous(state, atom)        # as the function expects it
        ins.append(buffer)
        ins += state.dims(atom)
        if atom.dtype.kind == "c":
            ins.append(lit(2))
    names = []
    for out in scalars:
        part = float_part(out.dtype)
        made = [state.fresh("t") for _ in range(2 if out.dtype.kind == "c" else 1)]
        names += [(name, part) for name in made]
        values = [var(name, part) for name in made]
        state.scalars[out] = values[0] if len(values) == 1 else (values[0], values[1])
    state.emit(Call("invoke", site, tuple(ins), tuple(outs.values()), tuple(names),
                    tuple(moved)))
    for k, buffer in outs.items():
        settle(state, results[k], buffer)
