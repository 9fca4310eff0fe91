"""Reductions, scans and compaction: values that combine many elements.

    d = reduce_sum a        ->  nest over i, the last loop reduced: b[] combines a[i] by add
    y = cumsum a            ->  for i carrying c: y[i] <- c + a[i]
    k i = nonzero a         ->  count, then store the places that hold one after the other
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.ir.core import Eqn, Var
from hotloop.loops.buffers import (
    alias,
    materialize,
    memory_for,
    settle,
    stores_of,
)
from hotloop.loops.core import (
    Buffer,
    Carry,
    For,
    If,
    Nest,
    Statement,
    Store,
)
from hotloop.loops.expr import BOOL, I64, Expr, e, lit, load, var
from hotloop.loops.pull import F16, F32, element, pull
from hotloop.loops.state import Index, State, Value, float_part, parts_of
from hotloop.ops.table import OPS, Map, Reduce, Scan

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
    """`out` was computed into `buffer`; at rank 0 it is read from there. The buffer may be wider:
    f16 is computed in f32, LAPACK's f32 in f64."""
    if out.shape:
        if buffer.dtype == float_part(out.dtype):
            settle(state, out, buffer)
            return
        kind = np.result_type(buffer.dtype, np.complex64) if out.dtype.kind == "c" else buffer.dtype
        wide = Var(type(out.type)(kind, out.shape))
        state.set_where(wide, buffer)
        row = OPS["convert"]
        state.source[out] = Eqn(row, [wide], [out], {"dtype": out.dtype})
        state.readers.setdefault(wide, []).append(out)
        materialize(state, out)
        return
    value = element(buffer, (), out.dtype.kind == "c")
    part = float_part(out.dtype)
    value = (e.convert(value, part) if isinstance(value, Expr)
             else (e.convert(value[0], part), e.convert(value[1], part)))
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
    # no branch, which random masks would mispredict: every index is stored at the next place, and
    # the loops end with the last one found, so that the place is one of the vector's
    carries[-1].next = e.add(place, e.convert(holds(tuple(map(var, names))), I64))
    body: list[Statement] = [Store(b, (place,), var(name))
                             for b, name in zip(found, names, strict=True)]
    number = state.scalars[count]
    assert isinstance(number, Expr)
    for name, extent, carry in reversed(list(zip(names, extents, carries, strict=True))):
        end = Carry(state.fresh("c"), BOOL, lit(False, BOOL), e.ge(carry.next, number))
        body = [For(name, lit(0), extent, lit(1), body, [carry, end], until=end.name,
                    location=eqn.location)]
    state.emit(If(e.gt(number, lit(0)), body, []))
    for vector, buffer in zip(vectors, found, strict=True):
        state.set_where(vector, buffer)
