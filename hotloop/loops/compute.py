"""What is computed where it stands: reductions, scans, updates, library calls, checks.

    d = reduce_sum a        ->  nest over i, the last loop reduced: b[] combines a[i] by add
    y = set x v i           ->  x[i] <- v, in place if x is not needed later
    c = matmul a b          ->  c = call gemm(a, b) on whole buffers
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Eqn, Var
from hotloop.loops.buffers import (
    alias,
    contiguous,
    materialize,
    memory_for,
    nest,
    own,
    settle,
    stores_of,
)
from hotloop.loops.callback import ALL, ARRAYS, SIZES, Callback
from hotloop.loops.core import (
    Buffer,
    Call,
    Carry,
    Check,
    ErrorSite,
    For,
    If,
    Let,
    Nest,
    Statement,
    Store,
)
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, load, var
from hotloop.loops.pull import F16, F32, Operand, element, operands_of, pull
from hotloop.loops.state import Index, State, Value, View, float_part, parts_of
from hotloop.ops.table import OPS, Extern, Map, Reduce, Scan, Update

MAX_OPERANDS = 4

MASK_COST = 3.0
"""Adds a mask's element may cost to be computed twice, to count and to store, without memory."""


# ---- reductions and scans

def reduce(state: State, eqn: Eqn, row: Reduce) -> None:
    array, out = eqn.ins[0], eqn.outs[0]
    axes = eqn.params["axes"]
    if not axes:
        alias(state, out, array)
        return
    rank = len(array.shape)
    order = [a for a in range(rank) if a not in axes] + list(axes)
    extents = state.dims(array)
    domain = tuple(extents[a] for a in order)

    def value(loops: Index) -> Value:
        index: list[Expr] = [lit(0)] * rank
        for axis, loop in zip(order, loops, strict=True):
            index[axis] = loop
        return pull(state, array, tuple(index))
    accumulate(state, eqn, row, domain, len(axes), value)


def accumulate(state: State, eqn: Eqn, row: Reduce, domain: Index, reduced: int,
               value: Callable[[Index], Value]) -> None:
    """Combine `value` over the last `reduced` loops of `domain`; the others index the result."""
    out = eqn.outs[0]
    kept = len(domain) - reduced
    if out.dtype.kind == "c" and row.combine != "add":
        accumulate_pairs(state, eqn, row, domain, kept, value)
        return
    wide = F32 if out.dtype == F16 else out.dtype
    if wide != out.dtype:
        buffer = state.new_buffer(wide, state.dims(out))
    else:
        buffer = memory_for(state, out, eqn.ins)
    for part in range(2 if out.dtype.kind == "c" else 1):
        names = tuple(state.fresh("j") for _ in domain)
        loops = tuple(map(var, names))
        x = parts_of(value(loops))[part]
        target = loops[:kept] + ((lit(part),) if out.dtype.kind == "c" else ())
        state.emit(Nest(names, domain, [(buffer, target, e.convert(x, buffer.dtype))],
                        reduced, row.combine, eqn.location))
    define(state, out, buffer)


def define(state: State, out: Var, buffer: Buffer) -> None:
    """`out` was computed into `buffer`; at rank 0 it is read from there, f16 from an f32."""
    if out.shape:
        if buffer.dtype == float_part(out.dtype):
            settle(state, out, buffer)
            return
        wide = Var(type(out.type)(buffer.dtype, out.shape))
        state.set_where(wide, buffer)
        row = OPS["convert"]
        state.source[out] = Eqn(row, [wide], [out], {"dtype": out.dtype})
        state.readers.setdefault(wide, []).append(out)
        materialize(state, out)
        return
    value = element(buffer, (), out.dtype.kind == "c")
    if isinstance(value, Expr):
        value = e.convert(value, out.dtype)
    if out.dtype == I64:
        value = state.let(value)        # may become a size, which must not depend on memory
    state.scalars[out] = value


def combiner(row: Reduce | Scan, dtype: np.dtype) -> Any:
    """`combine(acc, x)` on values: the scalar operation, for complex that of the op row."""
    if dtype.kind == "c":
        lowering = OPS[row.combine].lowering
        assert isinstance(lowering, Map) and lowering.complex_expr is not None
        complex_expr = lowering.complex_expr
        return lambda acc, x: complex_expr(e, acc, x)
    if dtype == F16:
        return lambda acc, x: e.convert(
            e.op(row.combine, e.convert(acc, F32), e.convert(x, F32)), F16)
    return lambda acc, x: e.op(row.combine, acc, x)


def carries_of(state: State, dtype: np.dtype, start: Any) -> tuple[Value, list[Carry]]:
    """Carries (two for a complex) with the running value."""
    part = float_part(dtype)
    if dtype.kind == "c":
        inits = [lit(complex(start).real, part), lit(complex(start).imag, part)]
    else:
        inits = [lit(start, part)]
    carries = [Carry(state.fresh("c"), part, init, init) for init in inits]
    names = [var(c.name, part) for c in carries]
    return (names[0] if len(names) == 1 else (names[0], names[1])), carries


def loops_over(state: State, names: list[str], extents: Index, body: list[Statement],
               eqn: Eqn) -> list[Statement]:
    """`body` in regular loops, the first outermost."""
    for name, extent in reversed(list(zip(names, extents, strict=True))):
        body = [For(name, lit(0), extent, lit(1), body, regular=True, location=eqn.location)]
    return body


def accumulate_pairs(state: State, eqn: Eqn, row: Reduce, domain: Index, kept: int,
                     element_at: Callable[[Index], Value]) -> None:
    """A reduction whose combiner needs both parts of the complex numbers."""
    out = eqn.outs[0]
    buffer = memory_for(state, out, eqn.ins)
    names = [state.fresh("j") for _ in domain]
    combine = combiner(row, out.dtype)
    innermost: list[Statement] = []
    value = element_at(tuple(map(var, names)))
    running, carries = carries_of(state, out.dtype, row.identity(out.dtype))
    levels = [carries]
    for _ in range(len(domain) - kept - 1):
        inner, more = carries_of(state, out.dtype, 0)
        for carry, outer in zip(more, parts_of(running), strict=True):
            carry.init = outer
        levels.append(more)
        running = inner
    for carry, new in zip(levels[-1], parts_of(combine(running, value)), strict=True):
        carry.next = new
    body = innermost
    for depth in range(len(levels) - 1, -1, -1):
        loop = For(names[kept + depth], lit(0), domain[kept + depth], lit(1), body, levels[depth],
                   location=eqn.location)
        if depth:
            for carry, last in zip(levels[depth - 1], levels[depth], strict=True):
                carry.next = var(last.name, last.dtype)
        body = [loop]
    done = tuple(var(c.name, c.dtype) for c in levels[0])
    body += [Store(*s) for s in stores_of(buffer, tuple(map(var, names[:kept])),
                                          (done[0], done[1]))]
    for statement in loops_over(state, names[:kept], domain[:kept], body, eqn):
        state.emit(statement)
    define(state, out, buffer)


def scan(state: State, eqn: Eqn, row: Scan) -> None:
    array, out = eqn.ins[0], eqn.outs[0]
    axis = eqn.params["axis"]
    extents = state.dims(array)
    buffer = memory_for(state, out, eqn.ins)
    names = [state.fresh("j") for _ in extents]
    index = tuple(map(var, names))
    running, carries = carries_of(state, out.dtype, row.identity(out.dtype))
    value = combiner(row, out.dtype)(running, pull(state, array, index))
    for carry, new in zip(carries, parts_of(value), strict=True):
        carry.next = new
    body: list[Statement] = [Store(*s) for s in stores_of(buffer, index, value)]
    body = [For(names[axis], lit(0), extents[axis], lit(1), body, carries,
                location=eqn.location)]
    kept = [k for k in range(len(names)) if k != axis]
    for statement in loops_over(state, [names[k] for k in kept],
                                tuple(extents[k] for k in kept), body, eqn):
        state.emit(statement)
    settle(state, out, buffer)


# ---- compaction

def compact(state: State, eqn: Eqn) -> None:
    """Count the elements that hold, then store their indices one after the other."""
    array, count, vectors = eqn.ins[0], eqn.outs[0], eqn.outs[1:]
    if isinstance(array, Var) and state.cost.get(array, 0.0) > MASK_COST:
        materialize(state, array)
    extents = state.dims(array)

    def holds(index: Index) -> Expr:
        tests = [e.convert(x, BOOL) for x in parts_of(pull(state, array, index))]
        return tests[0] if len(tests) == 1 else e.or_(*tests)
    names = tuple(state.fresh("j") for _ in extents)
    total = state.new_buffer(I64, ())
    state.emit(Nest(names, extents, [(total, (), e.convert(holds(tuple(map(var, names))), I64))],
                    len(extents), "add", eqn.location))
    state.scalars[count] = state.let(load(total, ()))
    if not any(state.uses.count.get(v) for v in vectors):
        return
    found = [state.new_buffer(I64, state.dims(v)) for v in vectors]
    names = tuple(state.fresh("j") for _ in extents)
    carries = [Carry(state.fresh("c"), I64, lit(0), lit(0)) for _ in names]
    for outer, inner in itertools.pairwise(carries):
        inner.init, outer.next = var(outer.name), var(inner.name)
    place = var(carries[-1].name)
    flag = state.fresh("t")
    test = var(flag, BOOL)
    carries[-1].next = e.add(place, e.convert(test, I64))
    stores: list[Statement] = [Store(b, (place,), var(name))
                               for b, name in zip(found, names, strict=True)]
    body: list[Statement] = [Let(flag, holds(tuple(map(var, names)))), If(test, stores, [])]
    for name, extent, carry in reversed(list(zip(names, extents, carries, strict=True))):
        body = [For(name, lit(0), extent, lit(1), body, [carry], location=eqn.location)]
    state.emit(body[0])
    for vector, buffer in zip(vectors, found, strict=True):
        state.set_where(vector, buffer)


# ---- updates

class _Changed(Operand):
    """Operand 0 of an update: only its shape may be asked for, its memory is being changed."""

    __slots__ = ()

    def __call__(self, *index: Expr) -> Value:
        raise UnsupportedError("an update whose index depends on the array itself")


def update(state: State, eqn: Eqn, row: Update) -> None:
    """A functional store. What is stored may read the array itself: then it must read exactly the
    element it overwrites, or is computed before."""
    array, value, out = eqn.ins[0], eqn.ins[1], eqn.outs[0]
    assert isinstance(array, Var)
    buffer = own(state, array, out, eqn.location)
    names = tuple(state.fresh("j") for _ in value.shape)
    index = tuple(map(var, names))

    def place_and_value() -> tuple[Index, Value]:
        memo: dict = {}
        operands = (_Changed(state, array, memo), *operands_of(state, eqn, memo)[1:])
        return tuple(row.index(e, index, operands, eqn)), pull(state, value, index, memo)
    at, new = place_and_value()
    serial = not injective(at, index)        # an index array may name a place twice
    late = [a for a in eqn.ins[2:] if isinstance(a, Var) and a.shape
            and buffer in _buffers(state, a)]
    if isinstance(value, Var) and value.shape and any(
            node.args[0] is buffer and (serial or node.args[1:1 + len(at)] != at)
            for part in parts_of(new) for node in part.loads):
        late.append(value)
    for operand in late:
        separate(state, operand)
    if late:
        at, new = place_and_value()
        serial = not injective(at, index)
    emit_update(state, eqn, row, buffer, names, at, new, serial)
    settle(state, out, buffer)
    if (row.combine is None and not serial and isinstance(value, Var) and value.shape
            and value not in state.where and state.cost.get(value, 0.0) > 0
            and not any(a.shape for a in eqn.ins[2:])):
        # whoever reads the value again need not compute it again
        operands = (_Changed(state, array, {}), *operands_of(state, eqn, {})[1:])
        state.redirect(value, View(out, lambda i: tuple(row.index(e, i, operands, eqn))))


def injective(at: Index, loops: Index) -> bool:
    """Is the place `at` another one for each value of the loop variables? True if each index is
    `start + step * loop` for one loop (or none), and no loop is in two; a loop that is in none has
    one iteration."""
    names = {loop.args[0] for loop in loops}
    seen: set[str] = set()
    for x in at:
        inside = names & x.free
        if not inside:
            continue
        moving = [t for t in affine(x)[1] if names & t.free]
        if len(inside) > 1 or inside & seen or len(moving) != 1:
            return False
        seen |= inside
        term = moving[0]
        factors = term.args if term.op == "mul" else (term,)
        if [f in loops for f in factors].count(True) != 1 or any(
                f not in loops and names & f.free for f in factors):
            return False
    return True


def separate(state: State, array: Var) -> None:
    """Move a value to memory of its own, what it is in is about to change."""
    buffer = state.new_buffer(array.dtype, state.dims(array))
    nest(state, state.dims(array),
         lambda index: stores_of(buffer, index, pull(state, array, index)))
    state.set_where(array, buffer)


def _buffers(state: State, atom: Atom) -> set[Buffer]:
    index = tuple(var(f"?{k}") for k in range(len(atom.shape)))
    return {node.args[0] for part in parts_of(pull(state, atom, index)) for node in part.loads}


def emit_update(state: State, eqn: Eqn, row: Update, buffer: Buffer, names: tuple[str, ...],
                at: Index, new: Value, serial: bool) -> None:
    extents = state.dims(eqn.ins[1])
    dtype = eqn.outs[0].dtype
    if row.combine is not None and not serial:
        old = element(buffer, at, dtype.kind == "c")
        new = combiner(Reduce(row.combine, lambda dtype: 0), dtype)(old, new)
    stores = stores_of(buffer, at, new)
    if not names:
        if len(stores) > 1:                # the parts may read one another's old value
            value = state.let(new)
            stores = stores_of(buffer, at, value)
        for target, index, stored in stores:
            state.emit(Store(target, index, stored))
    elif not serial:
        state.emit(Nest(names, extents, stores, location=eqn.location))
    else:
        body: list[Statement] = [
            Store(target, index, stored, row.combine) for target, index, stored in stores]
        for name, extent in reversed(list(zip(names, extents, strict=True))):
            body = [For(name, lit(0), extent, lit(1), body, location=eqn.location)]
        state.emit(body[0])


# ---- library calls

def call_library(state: State, eqn: Eqn, row: Extern) -> None:
    """A routine or a call-back. Results whose size only the call knows take two calls."""
    if row.routine in CONTRACTIONS and loops_are_better(state, eqn):
        contract(state, eqn)
        return
    ins: list[Buffer | Expr] = []
    for atom in eqn.ins:
        if atom.shape:
            ins.append(contiguous(state, atom))
        else:
            ins += parts_of(state.scalar(atom))
    sized = any(d in eqn.outs for o in eqn.outs for d in o.shape if isinstance(d, Var))
    if row.routine is not None and not sized:
        name = routine_for(row.routine, eqn)
        if name is not None:
            out = eqn.outs[0]
            buffer = (memory_for(state, out, eqn.ins) if out.shape
                      else state.new_buffer(out.dtype, ()))
            site = add_site(state, eqn, ALL)
            state.emit(Call(name, site, tuple(ins), (buffer,)))
            define(state, out, buffer)
            return
    if sized:
        scalars = name_scalars(state, eqn)
        state.emit(Call(None, add_site(state, eqn, SIZES), tuple(ins), (), scalars))
        arrays = result_buffers(state, eqn)
        state.emit(Call(None, add_site(state, eqn, ARRAYS), tuple(ins), arrays))
    else:
        arrays = result_buffers(state, eqn)
        scalars = name_scalars(state, eqn)
        state.emit(Call(None, add_site(state, eqn, ALL), tuple(ins), arrays, scalars))


def result_buffers(state: State, eqn: Eqn) -> tuple[Buffer, ...]:
    found = []
    for out in eqn.outs:
        if out.shape:
            buffer = memory_for(state, out, eqn.ins)
            if buffer.strides is not None or buffer in found:
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
                          tuple((o.dtype, len(o.shape)) for o in eqn.outs), stage))
    return len(sites) - 1


CONTRACTIONS: dict[str | None, dict[tuple[int, ...], str]] = {
    "matmul": {(2, 2): "gemm", (2, 1): "gemv", (1, 2): "gevm", (1, 1): "dot"},
}
"""Routines that sum over the last axis of the first operand and the last but one (or only) axis of
the second: their rows of `llvm.blas` by the ranks of the operands."""

TINY = 512
"""Multiplications up to which loops of constant size beat a call."""


def routine_for(name: str, eqn: Eqn) -> str | None:
    """The row of `llvm.blas` for these operands, or None: call back."""
    dtype = eqn.ins[0].dtype
    if dtype.char not in "fdFD":
        return None
    ranks = tuple(len(a.shape) for a in eqn.ins)
    found = CONTRACTIONS[name].get(ranks) if name in CONTRACTIONS else name
    return f"complex_{found}" if found and dtype.kind == "c" else found


def loops_are_better(state: State, eqn: Eqn) -> bool:
    """Is a contraction better done in a nest than by a library? If an operand would have to be
    copied first for as much work as the contraction itself, or if it is tiny."""
    if any(len(a.shape) > 2 for a in eqn.ins):
        return False
    sizes = {d for a in eqn.ins for d in a.shape}
    if all(isinstance(d, int) for d in sizes):
        a, b = (list(x.shape) for x in eqn.ins)
        work = int(np.prod(a + b[-1:] if len(b) > 1 else a))
        if work <= TINY:
            return True
    if all(len(a.shape) == 2 for a in eqn.ins):
        return False
    matrices = [a for a in eqn.ins if len(a.shape) == 2]
    return not matrices or not _whole(state, matrices[0])


def _whole(state: State, atom: Atom) -> bool:
    buffer = state.where.get(atom) if isinstance(atom, Var) else None
    return buffer is not None and buffer.strides is None


def contract(state: State, eqn: Eqn) -> None:
    """A product of vectors or matrices as a nest."""
    a, b = eqn.ins
    rows, columns = state.dims(a)[:-1], state.dims(b)[1:]
    product = combiner(Reduce("mul", lambda dtype: 1), a.dtype)
    if a.dtype == F16:                       # the sum is kept in f32, so are its terms
        def product(x: Expr, y: Expr) -> Expr:
            return e.mul(e.convert(x, F32), e.convert(y, F32))

    def value(loops: Index) -> Value:
        *outer, k = loops
        i, j = tuple(outer[:len(rows)]), tuple(outer[len(rows):])
        return product(pull(state, a, (*i, k)), pull(state, b, (k, *j)))
    for operand in eqn.ins:                  # each element is read once for each row or column
        if isinstance(operand, Var) and state.cost.get(operand, 0.0) > 0 and (rows or columns):
            materialize(state, operand)
    accumulate(state, eqn, Reduce("add", lambda dtype: 0),
               (*rows, *columns, state.dims(a)[-1]), 1, value)


# ---- effects

def lower_check(state: State, eqn: Eqn) -> None:
    operands = [part for atom in eqn.ins[1:] for part in parts_of(state.scalar(atom))]
    if len(operands) > MAX_OPERANDS:
        raise UnsupportedError("a message with more than 4 values", eqn.location)
    errors = state.kernel.errors
    errors.append(ErrorSite(eqn.params["exception"], eqn.params["message"], eqn.location))
    state.emit(Check(state.real(eqn.ins[0]), len(errors) - 1, tuple(operands)))


def lower_host(state: State, eqn: Eqn) -> None:
    ins: list[Buffer | Expr] = []
    for atom in eqn.ins:
        if atom.shape:
            ins.append(contiguous(state, atom))
        else:
            ins += parts_of(state.scalar(atom))
    state.emit(Call(None, add_site(state, eqn, ALL), tuple(ins)))
