"""Program -> Kernel: arrays become loop nests over buffers.

    { lambda ; a:f64[n]. let b:f64[n] = neg a; c:f64[n] = exp b; d:f64[] = reduce_sum[axes=(0,)] c
      in (d,) }

    b1[] <- sum over j1 in 0..n of exp(neg(a[j1]))

Op rows say by kind what they are: maps, moves and generators stay unevaluated until something reads
an element (`pull`); reductions, scans, updates and library calls are computed where they stand, in
memory that `buffers` plans; control flow is in `control`. A lazy value gets memory of its own if it
is costly and read more than once, or read in a loop.

`lower` reads the Program once, in order; what it must know of the future is in `liveness`.
"""

from __future__ import annotations

from hotloop import lazy
from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Block, Eqn, Program, Var, dims
from hotloop.ir.types import Type, same_shape
from hotloop.loops.buffers import assign, materialize, memory_for, nest, settle, stores_of
from hotloop.loops.core import ARG, ARG_WRITTEN, LENT, RESULT, Buffer, Kernel, ScalarParam
from hotloop.loops.expr import I64, e, lit, nodes, var
from hotloop.loops.growing import moved_to, reserve
from hotloop.loops.liveness import region_kind
from hotloop.loops.pull import element, map_cost, operands_of, pull
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.loops.state import Index, State, float_part, parts_of
from hotloop.ops.table import (
    Compact,
    Effect,
    Extern,
    Generate,
    Invoke,
    Map,
    Move,
    Reduce,
    Region,
    Reserve,
    Scan,
    Update,
)

accumulating = lazy.module("hotloop.loops.accumulate")
control = lazy.module("hotloop.loops.control")
invocation = lazy.module("hotloop.loops.invoke")
library = lazy.module("hotloop.loops.library")
updates = lazy.module("hotloop.loops.update")

DEAR = 8.0
"""Adds an element must cost for a value that is read twice to be stored: store and load cost about
5 adds in cache (measured: 0.06-0.1 ns per f64, an add 0.005-0.01; exp is 10 adds and more)."""

MAX_STEPS = 16
"""Maps in a lazy value up to which they are told apart when its cost is summed."""

REPEATED = 4.0
"""... for a value that a broadcast repeats along an axis."""


def lower(program: Program, contiguous: list[bool],
          examples: list[tuple[int, ...]] | None = None) -> Kernel:
    """The Kernel of a Program. `contiguous[k]`: is parameter k in C order (True for scalars)?
    Raises UnsupportedError for what has no lowering."""
    kernel = Kernel(program.name, [], [], [])
    state = State(program, kernel)
    _lower(state, program, contiguous, examples or [])
    while len(kernel.functions) < len(state.functions):
        function = list(state.functions)[len(kernel.functions)]
        called = Kernel(function.__name__, [], [], [], kernel.errors, kernel.sites, kernel.notes,
                        kernel.functions)
        kernel.functions.append(called)
        inner = State(function.program, called)
        inner.functions = state.functions
        _lower(inner, function.program, [True] * len(function.program.params), [],
               frozenset(function.rows))
    return kernel


def _lower(state: State, program: Program, contiguous: list[bool],
           examples: list[tuple[int, ...]], lent: frozenset[int] = frozenset()) -> None:
    memory = bind_parameters(state, program, contiguous, lent)
    state.kernel.sizes = short_dims(state, program, examples)
    results = declare_results(state, program, memory)
    lower_block(state, program)
    finish(state, program, results)


SHORT, FAR = 8, 8
"""A dimension counts as short for good (the 3 of `n` points) if it is 2 to SHORT and another is
FAR times as long: the first call may be a try on something small, so sizes alone say little."""


def short_dims(state: State, program: Program, examples: list[tuple[int, ...]]) -> dict[str, int]:
    """Names and sizes of the dimensions that `examples` show to be short."""
    sizes = {d: size for param, shape in zip(program.params, examples)
             for d, size in zip(param.shape, shape, strict=True) if isinstance(d, Var)}
    longest = max(sizes.values(), default=0)
    return {str(state.scalar(d)): size for d, size in sizes.items()
            if 2 <= size <= SHORT and size * FAR <= longest}


def bind_parameters(state: State, program: Program, contiguous: list[bool],
                    lent: frozenset[int] = frozenset()) -> dict[Var, Buffer]:
    """The kernel's parameters; the buffers of those that have memory. `lent`: positions of those
    whose memory may move."""
    for dim in dims(program):
        state.scalars[dim] = var(state.fresh("n"))
    written = {target for target in program.into if target is not None}
    params = state.kernel.params
    memory: dict[Var, Buffer] = {}
    for param in program.params:
        if param.shape or param in written:
            continue
        names = [state.fresh("p") for _ in range(2 if param.dtype.kind == "c" else 1)]
        part = float_part(param.dtype)
        values = tuple(var(name, part) for name in names)
        state.scalars[param] = values[0] if len(values) == 1 else (values[0], values[1])
    for place, (param, dense) in enumerate(zip(program.params, contiguous, strict=True)):
        if param in state.scalars:
            params += [ScalarParam(x.args[0], x.dtype) for x in parts_of(state.scalar(param))]
            continue
        name = state.fresh("a")
        shape, part = state.dims(param), float_part(param.dtype)
        strides = None if dense else tuple(
            var(state.fresh(f"{name}s")) for _ in shape)
        if part != param.dtype:
            shape += (lit(2),)
            strides = None if strides is None else (*strides, lit(part.itemsize))
        kind = LENT if place in lent else ARG_WRITTEN if param in written else ARG
        buffer = Buffer(name, part, shape, kind, strides, len(params))
        params.append(buffer)
        if kind == LENT:
            state.borrow(buffer)
        memory[param] = buffer
        if param.shape:
            state.set_where(param, buffer)
        else:
            state.scalars[param] = state.let(element(buffer, (), part != param.dtype))
    return memory


def declare_results(state: State, program: Program,
                    memory: dict[Var, Buffer]) -> list[Buffer | None]:
    """For each result the memory where it must end up (None for a fresh scalar)."""
    found: list[Buffer | None] = []
    results = state.kernel.results
    for atom, target in zip(program.outs, program.into, strict=True):
        buffer = None
        if target is not None:
            buffer = memory[target]
        elif atom.shape:
            buffer = Buffer(f"r{len(results)}", float_part(atom.dtype), (), RESULT, None,
                            len(results))
            results.append(buffer)
        else:
            results += [lit(0)] * (2 if atom.dtype.kind == "c" else 1)     # set by `finish`
        found.append(buffer)
        if buffer is not None and isinstance(atom, Var) and atom.shape:
            state.destination.setdefault(atom, buffer)
    send_back(state, program)
    return found


def send_back(state: State, block: Block) -> None:
    """Pass destinations from results back to what they are made from, in place where possible."""
    for eqn in reversed(block.eqns):
        wanted = [k for k, out in enumerate(eqn.outs) if out in state.destination]
        if not wanted:
            continue
        kind = region_kind(eqn)
        if kind is None:
            if isinstance(eqn.op.lowering, Update):  # type: ignore[attr-defined]
                _send(state, eqn.ins[0], eqn.outs[0])
            continue
        for k in wanted:
            if kind in ("for", "while"):
                _send(state, eqn.ins[k + (3 if kind == "for" else 0)], eqn.outs[k])
            else:
                for inner in eqn.blocks:
                    _send(state, inner.outs[k], eqn.outs[k])
        if kind not in ("for", "while"):
            for inner in eqn.blocks:
                send_back(state, inner)


def _send(state: State, atom: Atom, result: Var) -> None:
    if isinstance(atom, Var) and atom.shape and same_shape(atom.shape, result.shape):
        state.destination.setdefault(atom, state.destination[result])


def finish(state: State, program: Program, results: list[Buffer | None]) -> None:
    """Parallel assignment of the results to their memory."""
    state.scope.position = len(program.eqns)
    at = 0
    pairs = []
    late: list[tuple[Atom, Buffer]] = []
    for atom, target, buffer in zip(program.outs, program.into, results, strict=True):
        if buffer is None:
            for part in parts_of(state.let(state.scalar(atom))):
                state.kernel.results[at] = part
                at += 1
            continue
        at += target is None
        if buffer.kind == RESULT and not state.is_allocated(buffer):
            assert isinstance(atom, Var)
            buffer.shape = state.dims(atom) + ((lit(2),) if atom.dtype.kind == "c" else ())
            state.allocate(buffer)
        if buffer.kind == LENT:
            late.append((atom, buffer))
        else:
            pairs.append((atom, buffer))
    moved = moved_to(state, late)
    assign(state, pairs)
    for statement in moved:
        state.emit(statement)


# ---- blocks and equations

def lower_block(state: State, block: Block) -> None:
    """The equations of the block whose Scope is the present one."""
    for position, eqn in enumerate(block.eqns):
        state.scope.position = position
        state.scope.reading = frozenset(a for a in eqn.ins if isinstance(a, Var))
        if eqn.blocks:
            state.scope.reading |= state.uses.captures(eqn)
        lower_eqn(state, eqn)
    state.scope.position, state.scope.reading = len(block.eqns), frozenset()


def lower_eqn(state: State, eqn: Eqn) -> None:
    row = eqn.op.lowering  # type: ignore[attr-defined]
    if isinstance(row, Map | Move | Generate):
        if eqn.outs[0].shape:
            defer(state, eqn, row)
        else:
            state.source[eqn.outs[0]] = eqn
            state.scalars[eqn.outs[0]] = state.let(pull(state, eqn.outs[0], ()))
    elif isinstance(row, Reduce):
        accumulating.reduce(state, eqn, row)
    elif isinstance(row, Scan):
        accumulating.scan(state, eqn, row)
    elif isinstance(row, Update):
        updates.update(state, eqn, row)
    elif isinstance(row, Compact):
        accumulating.compact(state, eqn)
    elif isinstance(row, Reserve):
        reserve(state, eqn)
    elif isinstance(row, Invoke):
        invocation.invoke(state, eqn)
    elif isinstance(row, Extern):
        library.call_library(state, eqn, row)
    elif isinstance(row, Effect) and row.kind == "check":
        library.lower_check(state, eqn)
    elif isinstance(row, Effect) and row.kind == "draw":
        library.lower_draw(state, eqn)
    elif isinstance(row, Effect):
        library.lower_host(state, eqn)
    elif isinstance(row, Region):
        control.lower_region(state, eqn, row.kind, lower_block)
    else:
        raise UnsupportedError(f"{eqn.op.name} can't be lowered", eqn.location)


def defer(state: State, eqn: Eqn, row: Map | Move | Generate) -> None:
    """A value computed where it is read; or stored now, if that is cheaper."""
    out = eqn.outs[0]
    arrays = list(dict.fromkeys(a for a in eqn.ins if isinstance(a, Var) and a.shape))
    lazy = [a for a in arrays if a not in state.where]
    if isinstance(row, Move) and lazy and state.cost.get(lazy[0], 0) >= REPEATED and (
            repeats(state, eqn, row)):
        for array in lazy:
            materialize(state, array)
        lazy = []
    if isinstance(row, Move) and row.flat and divides(state, eqn, row):
        flatten(state, eqn)
        return
    cost = weigh(state, out, lazy, map_cost(row, eqn, var) if isinstance(row, Map) else 0.0)
    state.source[out] = eqn
    for array in arrays:
        state.readers.setdefault(array, []).append(out)
    count = state.uses.count.get(out, 0)
    dear = cost >= DEAR and count > 1
    if count and (dear or (cost > 0 and out in state.uses.captured)):
        materialize(state, out)


def weigh(state: State, out: Var, lazy: list[Var], own: float) -> float:
    """The cost of an element of a lazy value; what several operands share is counted once. Of long
    chains only a bound is kept: they are dear anyway."""
    steps: dict[Var, float] = {}
    for array in lazy:
        steps |= state.steps.get(array, {})
    if own:
        steps[out] = own
    most = max((state.cost.get(a, 0.0) for a in lazy), default=0.0)
    state.cost[out] = cost = max(most, sum(steps.values()))
    state.steps[out] = steps if len(steps) <= MAX_STEPS else {}
    return cost


def repeats(state: State, eqn: Eqn, row: Move) -> bool:
    """Does a move read an element of its operand more than once (a broadcast, a gather)?"""
    index, moved = moved_index(state, eqn, row)
    if any(x.loads for x in moved):
        return True
    used = frozenset().union(*(x.free for x in moved))
    return any(i.args[0] not in used
               for i, d in zip(index, eqn.outs[0].shape, strict=True) if d != 1)


def moved_index(state: State, eqn: Eqn, row: Move) -> tuple[Index, Index]:
    """An index of the result, and that of the operand."""
    index = tuple(var(f"?{k}") for k in range(len(eqn.outs[0].shape)))
    return index, tuple(row.index(e, index, operands_of(state, eqn, {}), eqn))


def divides(state: State, eqn: Eqn, row: Move) -> bool:
    """Does a move find its operand's index by division?"""
    _, moved = moved_index(state, eqn, row)
    return any(node.free and node.op in SCALAR_OPS and SCALAR_OPS[node.op].division is not None
               for x in moved for node in nodes(x))


def flatten(state: State, eqn: Eqn) -> None:
    """A reshape that would divide for each element: its operand is stored as one long row, with
    multiplications only, and the result indexes that."""
    array, out = eqn.ins[0], eqn.outs[0]
    extents = state.dims(array)
    total = Var(Type(I64))
    size = lit(1)
    for extent in extents:
        size = e.mul(size, extent)
    state.scalars[total] = state.let(size)
    row = out if len(out.shape) == 1 else Var(Type(out.dtype, (total,)))
    buffer = memory_for(state, row, (array,))
    nest(state, extents, lambda index: stores_of(
        buffer, (control.linear(index, extents),), pull(state, array, index)), eqn.location)
    settle(state, row, buffer)
    if row is not out:
        state.source[out] = Eqn(eqn.op, (row, *eqn.ins[1:]), eqn.outs, eqn.params, (),
                                eqn.location)
        state.readers.setdefault(row, []).append(out)
