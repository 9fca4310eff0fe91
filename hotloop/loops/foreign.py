"""Calls of the C functions in which NumPy computes: inner loops of ufuncs, and sorts.

    x = solve a b      ->  call ufunc 0 (1, n, m, a, 0, 0, 8*n, 8, b, ..., 0, 0, 8*m, 8) -> (x) (t)
                           check not t error 0                       # LinAlgError
    y = sort x         ->  y <- x;  for i in rows: call sort 1 (n, n*i, y) -> (y) (t)

The site of such a Call is the op's meaning, as for a call-back; `llvm.foreign` emits the call of
the loop that `loop_at` finds for it. The operands of "ufunc":

    count, *sizes                      iterations of the loop; the core dimensions, in its order
    [buffer,] offset, step, *strides   for each operand, then for each result (which is in `outs`):
                                       where the first one begins, from one to the next, along its
                                       core dimensions; in bytes
    numbers                            further operands of the site, of which the loop knows nothing

So a transposed, broadcast or sliced array is passed as it lies in memory. The operands of "sort":
elements of a row, number of its first one, values (for "argsort" only), what is sorted. A call "c"
is of a function of the C library, on numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Dim, Eqn, Lit, Var
from hotloop.ir.types import Type
from hotloop.loops.accumulate import define
from hotloop.loops.buffers import (
    contiguous,
    materialize,
    memory_for,
    nest,
    same_shape,
    store_all,
    stores_of,
)
from hotloop.loops.callback import ALL, Callback
from hotloop.loops.core import Buffer, Call, Check, ErrorSite, For, Statement, Store
from hotloop.loops.expr import BOOL, Expr, affine, e, lit, var
from hotloop.loops.pull import pull
from hotloop.loops.state import State, View, float_part, parts_of
from hotloop.ops import inner_loops
from hotloop.ops.inner_loops import InnerLoop
from hotloop.ops.table import OPS, Move
from hotloop.record import record

SORTS = frozenset({"sort", "argsort"})
ROUTINES = SORTS | {"ufunc", "c"}
"""Of a Call of this kind."""

Types = Sequence[tuple[np.dtype, int]]


@record
class Operand:
    """An array as a loop takes it: memory, and where in it the elements are, in bytes. `whole`: it
    is all of a buffer in C order."""
    buffer: Buffer
    dims: tuple[Dim, ...]
    offset: Expr
    strides: tuple[Expr, ...]
    whole: bool = False


# ---- ufuncs

def loop_at(site: Any) -> InnerLoop | None:
    """The inner loop that a "ufunc" Call to this site runs."""
    return loop_for(site.op, site.params, site.ins, site.outs)


def loop_for(op: str, params: dict[str, Any], ins: Types, outs: Types) -> InnerLoop | None:
    """That of an op on operands and results of these dtypes and ranks, if there is one."""
    routine = OPS[op].lowering.routine  # type: ignore[union-attr]
    if routine == "matmul":
        char = ins[0][0].char
        return inner_loops.matmul_loop(char) if char in "fdFD" else None
    if routine != "function":
        return None
    given = ins[:operands_of(params, len(ins))]
    return inner_loops.loop_of(
        params["function"], dict(params.get("keywords", ())), "".join(d.char for d, _ in given),
        [rank for _, rank in given], "".join(d.char for d, _ in outs))


def operands_of(params: dict[str, Any], count: int) -> int:
    """How many of an equation's operands its loop takes; the others only say sizes."""
    taken: int = params.get("take", count)
    return taken - inner_loops.SIZES.get(params.get("function"), 0)


def call_ufunc(state: State, eqn: Eqn) -> bool:
    """Emit an equation's loop; False if it has none."""
    loop = loop_for(eqn.op.name, eqn.params, _types(eqn.ins), _types(eqn.outs))
    if loop is None:
        return False
    atoms = eqn.ins[:operands_of(eqn.params, len(eqn.ins))]
    sizes = eqn.ins[len(atoms):eqn.params.get("take", len(eqn.ins))]
    inputs, _, outputs = loop.types.partition("->")
    given = [_converted(state, atom, np.dtype(char))
             for atom, char in zip(atoms, inputs, strict=True)]
    ins = [] if loop.changes else [operand(state, atom) for atom in given]
    outs: list[Operand] = []
    for out, char in zip(eqn.outs, inputs * loop.changes + outputs, strict=True):
        buffer = _memory(state, out, np.dtype(char), eqn.ins, [x.buffer for x in outs])
        outs.append(Operand(buffer, out.shape, lit(0), _dense(buffer, len(out.shape)), True))
    buffers = [x.buffer for x in outs]
    if loop.changes:
        store_all(state, given[0], buffers[0])
        ins = [outs.pop(0)]
    if loop.path == inner_loops.MATMUL:          # vectors are matrices of one row, or of one column
        size = eqn.outs[0].dtype.itemsize
        if len(ins[0].dims) == 1:
            ins[0] = _with_axis(state, ins[0], 0, size)
            end = len(outs[0].dims) - (len(ins[1].dims) > 1)
            outs[0] = _with_axis(state, outs[0], end, size)
        if len(ins[1].dims) == 1:
            ins[1] = _with_axis(state, ins[1], 1, size)
            outs[0] = _with_axis(state, outs[0], len(outs[0].dims), size)
    params = {k: v for k, v in eqn.params.items() if k != "take"}
    site = _site(state, Callback(
        eqn.op.name, params,
        (*((np.dtype(c), len(a.shape)) for c, a in zip(inputs, atoms, strict=True)),
         *_types(sizes)),
        tuple((np.dtype(c), len(o.shape)) for c, o in zip(
            inputs * loop.changes + outputs, eqn.outs, strict=True)), ALL, eqn.location))
    _over_stacks(state, eqn, loop, ins, outs, site, [state.real(x) for x in sizes])
    for out, buffer in zip(eqn.outs, buffers, strict=True):
        define(state, out, buffer)
    return True


def _types(atoms: Sequence[Atom]) -> Types:
    return [(a.dtype, len(a.shape)) for a in atoms]


def _site(state: State, meaning: Callback) -> int:
    state.kernel.sites.append(meaning)
    return len(state.kernel.sites) - 1


def _derived(state: State, op: str, atom: Var, type: Type, **params: Any) -> Var:
    """A lazy value made of another while lowering."""
    out = Var(type)
    state.source[out] = Eqn(OPS[op], (atom,), (out,), params)
    state.readers.setdefault(atom, []).append(out)
    return out


def _converted(state: State, atom: Atom, dtype: np.dtype) -> Atom:
    if atom.dtype == dtype:
        return atom
    if isinstance(atom, Lit):
        return Lit(atom.value.astype(dtype))
    if not atom.shape:
        out = Var(Type(dtype))
        state.source[out] = Eqn(OPS["convert"], (atom,), (out,), {"dtype": dtype})
        state.scalars[out] = pull(state, out, ())
        return out
    return _derived(state, "convert", atom, Type(dtype, atom.shape), dtype=dtype)


def _memory(state: State, out: Var, dtype: np.dtype, reads: Sequence[Atom],
            taken: Sequence[Buffer]) -> Buffer:
    """Memory in C order that a loop writes a result to, in the loop's dtype."""
    if out.shape and dtype == out.dtype:
        buffer = memory_for(state, out, reads, taken=taken)
        if buffer.strides is None and same_shape(state, out, buffer):
            return buffer
    return state.new_buffer(dtype, state.dims(out))


def _dense(buffer: Buffer, rank: int) -> tuple[Expr, ...]:
    """The strides of a buffer's first `rank` axes."""
    if buffer.strides is not None:
        return buffer.strides[:rank]
    strides: list[Expr] = []
    size = lit(buffer.dtype.itemsize)
    for dim in reversed(buffer.shape):
        strides.append(size)
        size = e.mul(size, dim)
    return tuple(reversed(strides))[:rank]


def _with_axis(state: State, x: Operand, at: int, size: int) -> Operand:
    """With an axis of size 1 before axis `at`, its stride as in C order: BLAS looks at it. `size`:
    bytes of an element."""
    stride = lit(size)
    if at < len(x.dims):
        stride = e.mul(x.strides[at], state.dim(x.dims[at]))
    return Operand(x.buffer, (*x.dims[:at], 1, *x.dims[at:]), x.offset,
                   (*x.strides[:at], stride, *x.strides[at:]), x.whole)


# ---- operands

def operand(state: State, atom: Atom) -> Operand:
    """An array where it lies, if it is a view with constant strides; else a copy. A number gets
    memory of its own."""
    if not atom.shape:
        buffer = state.new_buffer(atom.dtype, ())
        for to, index, value in stores_of(buffer, (), state.scalar(atom)):
            state.emit(Store(to, index, value))
        return Operand(buffer, (), lit(0), (), True)
    assert isinstance(atom, Var)
    _compute_transposed(state, atom)
    found = _view(state, atom)
    if found is None:
        buffer = contiguous(state, atom)
        found = Operand(buffer, atom.shape, lit(0), _dense(buffer, len(atom.shape)), True)
    return found


def _compute_transposed(state: State, atom: Var) -> None:
    """What is the transpose of a lazy value (`(x - m).T @ (x - m)`) becomes a view of memory with
    that value, which others may read, too, rather than a transposed copy."""
    base: Atom = atom
    while isinstance(base, Var) and base not in state.where:
        source = state.source.get(base)
        if not isinstance(source, Eqn) or not isinstance(
                source.op.lowering, Move):              # type: ignore[attr-defined]
            break
        base = source.ins[0]
    if base is not atom and isinstance(base, Var) and base not in state.where and (
            Counter(base.shape) == Counter(atom.shape)):
        materialize(state, base)


def _view(state: State, atom: Var) -> Operand | None:
    """The elements of `atom` as they lie in another array's memory."""
    if not is_moved(state, atom):
        return None
    index = tuple(var(f"?{k}") for k in range(len(atom.shape)))
    parts = parts_of(pull(state, atom, index))
    if any(x.op != "load" for x in parts):
        return None
    buffer, *where = parts[0].args
    if len(where) == 1 and len(buffer.shape) > 1:          # counts elements
        steps: tuple[Expr, ...] = (lit(buffer.dtype.itemsize),)
    else:
        steps = _dense(buffer, len(where))
    offset, strides = lit(0), [lit(0)] * len(index)
    for at, step in zip(where, steps, strict=True):
        constant, terms = affine(at)
        offset = e.add(offset, e.mul(step, lit(constant)))
        for term, factor in terms.items():
            if term in index:
                k = index.index(term)
                strides[k] = e.add(strides[k], e.mul(step, lit(factor)))
            elif any(name.startswith("?") for name in term.free):
                return None
            else:
                offset = e.add(offset, e.mul(step, e.mul(term, lit(factor))))
    whole = buffer.strides is None and same_shape(state, atom, buffer) and (
        tuple(where[:len(index)]) == index)
    start = state.let(offset)
    assert isinstance(start, Expr)
    return Operand(buffer, atom.shape, start, tuple(strides), whole)


def is_moved(state: State, atom: Var) -> bool:
    """Is it in memory, or a lazy value that only moves elements of one that is?"""
    while atom not in state.where:
        source = state.source.get(atom)
        if isinstance(source, View):
            atom = source.array
        elif isinstance(source, Eqn) and isinstance(
                source.op.lowering, Move):  # type: ignore[attr-defined]
            if not isinstance(source.ins[0], Var):
                return False
            atom = source.ins[0]
        elif isinstance(source, Var):
            atom = source
        else:
            return False
    return True


# ---- stacks

def _over_stacks(state: State, eqn: Eqn, loop: InnerLoop, ins: list[Operand],
                 outs: list[Operand], site: int, numbers: Sequence[Expr]) -> None:
    """The Call for each place in the stacks of operands: its own loop takes one axis, or all of
    them if each operand lies in one piece."""
    operands = [*ins, *outs]
    sizes: dict[str, Expr] = {}
    for x, names in zip(operands, loop.core, strict=True):
        dims = x.dims[len(x.dims) - len(names):]
        sizes.update({name: state.dim(d) for name, d in zip(names, dims, strict=True)
                      if name not in sizes or sizes[name] is lit(1)})
    rank = len(outs[0].dims) - len(loop.core[len(ins)])
    stack = tuple(state.dim(d) for d in outs[0].dims[:rank])
    steps = [_steps(x, names, outs[0].dims[:rank])
             for x, names in zip(operands, loop.core, strict=True)]
    at_once = rank <= 1 or all(
        x.whole and len(x.dims) - len(names) == rank and all(s is not lit(0) for s in step)
        or all(s is lit(0) for s in step)
        for x, names, step in zip(operands, loop.core, steps, strict=True))
    count = lit(1)
    for extent in stack if at_once else stack[-1:]:
        count = e.mul(count, extent)
    outer = () if at_once else stack[:-1]
    loops = [state.fresh("j") for _ in outer]
    body: list[Statement] = []
    with state.inside(body, "for"):
        given: list[Buffer | Expr] = [count, *(sizes[s] for s in loop.symbols)]
        for k, (x, core, step) in enumerate(zip(operands, loop.core, steps, strict=True)):
            offset = x.offset
            for name, size in zip(loops, step, strict=False):
                offset = e.add(offset, e.mul(var(name), size))
            if k < len(ins):
                given.append(x.buffer)
            given += [offset, step[-1] if step else lit(0),
                      *x.strides[len(x.strides) - len(core):]]
        changed = (*outs, *ins[:loop.changes])
        _checked(state, eqn, Call("ufunc", site, (*given, *numbers),
                                  tuple(x.buffer for x in changed)),
                 loop.failure and np.linalg.LinAlgError, loop.failure)
    for name, extent in reversed(list(zip(loops, outer, strict=True))):
        body = [For(name, lit(0), extent, lit(1), body, location=eqn.location)]
    for statement in body:
        state.emit(statement)


def _steps(x: Operand, core: tuple[str, ...], stack: tuple[Dim, ...]) -> list[Expr]:
    """From one operand to the next along each axis of the stack: 0 where it is repeated."""
    own = len(x.dims) - len(core)
    steps = [lit(0)] * (len(stack) - own)
    for dim, stride, extent in zip(x.dims[:own], x.strides[:own], stack[len(stack) - own:],
                                   strict=True):
        steps.append(lit(0) if dim == 1 and extent != 1 else stride)
    return steps


def _checked(state: State, eqn: Eqn, call: Call, exception: Any, message: str) -> None:
    """A Call that tells whether it failed, and what is raised then."""
    if exception:
        name = state.fresh("t")
        call.scalars = ((name, BOOL),)
        state.emit(call)
        state.kernel.errors.append(ErrorSite(exception, message, eqn.location))
        state.emit(Check(e.op("not", var(name, BOOL)), len(state.kernel.errors) - 1))
    else:
        state.emit(call)


# ---- numbers

def call_c(state: State, eqn: Eqn) -> bool:
    """Emit a function of numbers that the C library has; False for another one."""
    if eqn.params.get("function") not in inner_loops.C_FUNCTIONS:
        return False
    out, = eqn.outs
    name = state.fresh("t")
    site = _site(state, Callback(eqn.op.name, eqn.params, tuple(_types(eqn.ins)),
                                 tuple(_types(eqn.outs)), ALL, eqn.location))
    state.emit(Call("c", site, tuple(map(state.real, eqn.ins)), (), ((name, out.dtype),)))
    state.scalars[out] = var(name, out.dtype)
    return True


# ---- sorts

KINDS = {"quicksort": 0, "stable": 2}
"""Which of NumPy's functions sorts (`inner_loops.sorter`)."""


def kind_of(op: str, params: dict[str, Any]) -> int:
    return KINDS[params.get("kind", "quicksort" if op == "sort" else "stable")]


def call_sort(state: State, eqn: Eqn) -> bool:
    """Emit `sort` or `argsort` as calls for the rows of the result; False if NumPy's function
    can't be had."""
    array, out, name = eqn.ins[0], eqn.outs[0], eqn.op.name
    if not inner_loops.sorter(name, array.dtype, kind_of(name, eqn.params)):
        return False
    assert isinstance(array, Var)
    axis, rank = eqn.params["axis"], len(array.shape)
    order = (*(k for k in range(rank) if k != axis), axis)
    last = array
    if axis != rank - 1:
        dims = tuple(array.shape[k] for k in order)
        last = _derived(state, "transpose", array, Type(array.dtype, dims), perm=order)
    rows = out if axis == rank - 1 else Var(Type(out.dtype, last.shape))
    buffer = _memory(state, rows, rows.dtype, eqn.ins, ())
    ins: tuple[Buffer, ...] = (buffer,)
    if name == "sort":
        store_all(state, last, buffer)
    else:
        ins = (contiguous(state, last), buffer)
        nest(state, state.dims(last), lambda index: [(buffer, index, index[-1])], eqn.location)
    site = _site(state, Callback(name, {**eqn.params, "axis": 0}, ((array.dtype, 1),),
                                 ((rows.dtype, 1),), ALL, eqn.location))
    *stack, length = state.dims(last)
    count = lit(1)
    for extent in stack:
        count = e.mul(count, extent)
    row = state.fresh("j")
    body: list[Statement] = []
    with state.inside(body, "for"):
        _checked(state, eqn, Call(name, site, (length, e.mul(var(row), length), *ins), (buffer,)),
                 MemoryError, "")
    if stack:
        body = [For(row, lit(0), count, lit(1), body, location=eqn.location)]
    else:
        body[0].ins = (length, lit(0), *ins)  # type: ignore[union-attr]
    for statement in body:
        state.emit(statement)
    define(state, rows, buffer)
    if rows is not out:
        inverse = tuple(order.index(k) for k in range(rank))
        state.source[out] = Eqn(OPS["transpose"], (rows,), (out,), {"perm": inverse})
        state.readers.setdefault(rows, []).append(out)
    return True


# ---- their meaning

def run(call: Call, site: Any, ins: Sequence[Any], outs: Sequence[np.ndarray]) -> list[Any]:
    """Do a Call on arrays and numbers; gives the values of its scalars."""
    if call.routine == "c":
        return list(site(*ins))
    if call.routine == "ufunc":
        return _run_ufunc(site, iter(ins), outs)
    length, start, *arrays = ins
    rows = [x.reshape(-1, 2) if site.ins[0][0].kind == "c" and x is arrays[0] else x.reshape(-1)
            for x in arrays]
    part = slice(int(start), int(start + length))
    outs[0].reshape(rows[-1].shape)[part], = site(rows[0][part])
    return [np.False_]


def _run_ufunc(site: Any, ins: Any, outs: Sequence[np.ndarray]) -> list[Any]:
    loop = loop_at(site)
    assert loop is not None
    count = int(next(ins))
    sizes = {name: int(next(ins)) for name in loop.symbols}
    views = []
    memories = iter(outs)
    inputs = loop.types.index("->")
    types = (*site.ins[:inputs], *site.outs[loop.changes:])
    for k, ((dtype, _), core) in enumerate(zip(types, loop.core, strict=True)):
        memory = next(ins) if k < inputs else next(memories)
        offset, *strides = (int(next(ins)) for _ in range(2 + len(core)))
        views.append(_strided(memory, dtype, offset, (count, *(sizes[n] for n in core)), strides))
    given, made = views[:inputs], views[:inputs * loop.changes] + views[inputs:]
    numbers = list(ins)
    failed = False
    for n in range(count):
        cells: list[Any] = []
        for x, (dtype, rank) in zip(given, site.ins, strict=False):
            cells += [x[n]] if rank else [x[n, 0], x[n, 1]] if dtype.kind == "c" else [x[n]]
        try:
            results = list(site(*cells, *numbers))
        except np.linalg.LinAlgError:
            failed = True
            break
        for view, (dtype, rank) in zip(made, site.outs, strict=True):
            if not rank and dtype.kind == "c":
                view[n] = [results.pop(0), results.pop(0)]
            else:
                view[n] = np.reshape(results.pop(0), view[n].shape)
    return [np.bool_(failed)] if loop.failure else []


def _strided(memory: np.ndarray, dtype: np.dtype, offset: int, dims: tuple[int, ...],
             strides: list[int]) -> np.ndarray:
    """The view of an array's memory; of a complex one, as floats with a last axis of 2."""
    part = float_part(dtype)
    if dtype.kind == "c":
        dims, strides = (*dims, 2), [*strides, part.itemsize]
    place = memory.__array_interface__["data"][0] + offset
    return np.asarray(SimpleNamespace(__array_interface__={
        "data": (place, False), "shape": dims, "strides": tuple(strides), "typestr": part.str,
        "version": 3}))
