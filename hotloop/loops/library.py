"""Library calls and effects.

    c = matmul a b          ->  a C function of NumPy's (`loops.foreign`); or a nest
    m = call_numpy a        ->  such a function if there is one, or a call-back into Python
    check p n               ->  check p, n error 0
"""

from __future__ import annotations

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Eqn, Var
from hotloop.loops.accumulate import accumulate, combiner
from hotloop.loops.buffers import (
    contiguous,
    materialize,
    memory_for,
    settle,
)
from hotloop.loops.callback import ALL, ARRAYS, SIZES, Callback
from hotloop.loops.core import (
    Buffer,
    Call,
    Check,
    ErrorSite,
)
from hotloop.loops.expr import Expr, e, lit, var
from hotloop.loops.foreign import SORTS, call_c, call_sort, call_ufunc, is_moved
from hotloop.loops.pull import F16, F32, pull
from hotloop.loops.state import Index, State, Value, float_part, parts_of
from hotloop.ops.table import MAX_OPERANDS, Extern, Reduce

KEYED = "keyed_"
"""What the routine of a draw from a key begins with: "keyed_3_random_normal" for stream 3."""

# ---- library calls

def call_library(state: State, eqn: Eqn, row: Extern) -> None:
    """Loops, a C function of NumPy's, or a call-back. Results whose size only the call knows take
    two calls."""
    if row.routine == "matmul" and loops_are_better(state, eqn):
        contract(state, eqn)
        return
    if row.routine in SORTS:
        if call_sort(state, eqn):
            return
    elif row.routine is not None and (call_c(state, eqn) or call_ufunc(state, eqn)):
        return
    ins: list[Buffer | Expr] = []
    for atom in eqn.ins:
        if atom.shape:
            ins.append(contiguous(state, atom))
        else:
            ins += parts_of(state.scalar(atom))
    if any(d in eqn.outs for o in eqn.outs for d in o.shape if isinstance(d, Var)):
        scalars = name_scalars(state, eqn)
        state.emit(Call(None, add_site(state, eqn, SIZES), tuple(ins), (), scalars))
        arrays = result_buffers(state, eqn)
        state.emit(Call(None, add_site(state, eqn, ARRAYS), tuple(ins), arrays))
    else:
        arrays = result_buffers(state, eqn)
        scalars = name_scalars(state, eqn)
        state.emit(Call(None, add_site(state, eqn, ALL), tuple(ins), arrays, scalars))


def whole_memory_for(state: State, out: Var, eqn: Eqn) -> Buffer:
    """Memory in C order, which is all that a library writes to."""
    buffer = memory_for(state, out, eqn.ins) if out.shape else None
    if buffer is None or buffer.strides is not None:
        buffer = state.new_buffer(out.dtype, state.dims(out))
    return buffer


def result_buffers(state: State, eqn: Eqn) -> tuple[Buffer, ...]:
    found = []
    for out in eqn.outs:
        if out.shape:
            buffer = whole_memory_for(state, out, eqn)
            if buffer in found:
                buffer = state.new_buffer(out.dtype, state.dims(out))
            settle(state, out, buffer)
            found.append(buffer)
    return tuple(found)


def name_scalars(state: State, eqn: Eqn) -> tuple[tuple[str, np.dtype], ...]:
    found: list[tuple[str, np.dtype]] = []
    for out in eqn.outs:
        if not out.shape:
            part = float_part(out.dtype)
            names = [state.fresh("t") for _ in range(2 if out.dtype.kind == "c" else 1)]
            values = [var(name, part) for name in names]
            state.scalars[out] = values[0] if len(values) == 1 else (values[0], values[1])
            found += [(name, part) for name in names]
    return tuple(found)


def add_site(state: State, eqn: Eqn, stage: str) -> int:
    sites = state.kernel.sites
    sites.append(Callback(eqn.op.name, eqn.params,
                          tuple((a.dtype, len(a.shape)) for a in eqn.ins),
                          tuple((o.dtype, len(o.shape)) for o in eqn.outs), stage,
                          eqn.location))
    return len(sites) - 1


TINY = 512
"""Multiplications of a product of matrices up to which loops of constant size beat a call."""


def loops_are_better(state: State, eqn: Eqn) -> bool:
    """Is a product better done in a nest than by BLAS? If it is tiny, one of two vectors, or of a
    vector and a matrix that would have to be computed into memory first."""
    a, b = eqn.ins
    n, k = (1, *a.shape)[-2:]
    m = b.shape[-1] if len(b.shape) > 1 else 1
    if isinstance(n, int) and isinstance(k, int) and isinstance(m, int) and n * k * m <= TINY:
        return True
    if len(a.shape) > 2 or len(b.shape) > 2 or len(a.shape) == len(b.shape) == 2:
        return False
    return not any(len(x.shape) == 2 and isinstance(x, Var) and is_moved(state, x)
                   for x in eqn.ins)


def contract(state: State, eqn: Eqn) -> None:
    """A product of vectors, matrices or stacks of them as a nest."""
    a, b = eqn.ins
    rank = len(eqn.outs[0].shape) - (len(a.shape) > 1) - (len(b.shape) > 1)
    rows, columns = a.shape[-2:-1], b.shape[-1:] if len(b.shape) > 1 else ()
    product = combiner(Reduce("mul", lambda dtype: 1), a.dtype)
    if a.dtype == F16:                       # the sum is kept in f32, so are its terms
        def product(x: Expr, y: Expr) -> Expr:
            return e.mul(e.convert(x, F32), e.convert(y, F32))

    def value(loops: Index) -> Value:
        stack, (*outer, k) = loops[:rank], loops[rank:]
        i, j = tuple(outer[:len(rows)]), tuple(outer[len(rows):])
        return product(pull(state, a, (*_in_stack(a, stack), *i, k)),
                       pull(state, b, (*_in_stack(b, stack), k, *j)))
    stacks = eqn.outs[0].shape[:rank]
    for operand, matrix, times in ((a, len(rows) + 1, columns), (b, len(columns) + 1, rows)):
        again = times or operand.shape[:-matrix] != stacks      # is each element read once?
        if isinstance(operand, Var) and state.cost.get(operand, 0.0) > 0 and again:
            materialize(state, operand)
    accumulate(state, eqn, Reduce("add", lambda dtype: 0),
               (*state.dims(eqn.outs[0]), state.dims(a)[-1]), 1, value)


def _in_stack(operand: Atom, index: Index) -> Index:
    """The place of a matrix in an operand's stack, which broadcasts."""
    own = operand.shape[:-2]
    return tuple(lit(0) if d == 1 else i
                 for d, i in zip(own, index[len(index) - len(own):], strict=True))


# ---- effects

def lower_check(state: State, eqn: Eqn) -> None:
    operands = [part for atom in eqn.ins[1:] for part in parts_of(state.scalar(atom))]
    if len(operands) > MAX_OPERANDS:
        raise UnsupportedError(f"a message with more than {MAX_OPERANDS} values", eqn.location)
    errors = state.kernel.errors
    errors.append(ErrorSite(eqn.params["exception"], eqn.params["message"], eqn.location,
                            eqn.params.get("attributes")))
    state.emit(Check(state.real(eqn.ins[0]), len(errors) - 1, tuple(operands)))


def lower_host(state: State, eqn: Eqn) -> None:
    ins: list[Buffer | Expr] = []
    for atom in eqn.ins:
        if atom.shape:
            ins.append(contiguous(state, atom))
        else:
            ins += parts_of(state.scalar(atom))
    state.emit(Call(None, add_site(state, eqn, ALL), tuple(ins)))


def lower_draw(state: State, eqn: Eqn) -> None:
    """A C function on a bit generator, or on a key and the literal `stream`; gives one number."""
    ins = tuple(state.real(atom) for atom in eqn.ins)
    site = add_site(state, eqn, ALL)
    name = eqn.params["function"]
    if "stream" in eqn.params:
        name = f"{KEYED}{eqn.params['stream']}_{name}"
    state.emit(Call(name, site, ins, (), name_scalars(state, eqn)))
