"""Recursion on run-time values: the function becomes a Program of its own, which `invoke` calls.

    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)

Its arguments' numbers and arrays are parameters, everything else in them must stay the same. Types
of parameters and results are found by fixpoint: while nothing is known of the result, a path that
calls the function again ends there, so the first trace gives the type of the base cases. Arrays
from outside that the body reaches are further parameters, in and out; values from outside as well.

A call of depth Python's recursion limit raises RecursionError.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.branches import traced
from hotloop.frontend.builder import (
    Builder,
    Dead,
    Restart,
    check,
    current,
    emit,
    lit,
    opened,
    unsupported,
)
from hotloop.frontend.objects import UNBOUND, containers
from hotloop.frontend.references import settle_redirects
from hotloop.frontend.slots import ArraySlot, SequenceSlot, flatten, join, make, slot_of
from hotloop.frontend.tracers import Array, Base, lift
from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, free_vars, rename
from hotloop.ir.types import I64
from hotloop.ops.invoke import Function

DEEPEST = 10_000
"""Calls inside one another that the machine's stack has room for, whatever Python's limit is."""

MESSAGE = "maximum recursion depth exceeded"
ATTEMPTS = 10


class Again(BaseException):
    """A call inside has shown that the parameters' types are wider."""


class Active:
    """A function while it is traced."""

    def __init__(self, name: str, slot: Any):
        self.function = Function(name)
        self.slot = slot                         # of the arguments, as one tuple
        self.result: Any = None                  # the slot of the result, None as long as unknown
        self.bases: list[Base] = []              # arrays from outside
        self.written: set[Base] = set()
        self.writes: set[int] = set()            # arguments' atoms that are written
        self.cells: list[CellType] = []          # nonlocal variables that the body assigns
        self.state: Any = SequenceSlot(tuple, ())     # ... their slots
        self.depth: Var | None = None
        self.calls: list[Eqn] = []
        self.builder: Builder | None = None


def structure(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments as one tuple of slots' values; arrays as arrays."""
    return tuple(_lifted(x) for x in (*args, *kwargs.values()))


def _lifted(x: Any) -> Any:
    if type(x).__module__ == "numpy" and hasattr(x, "__array__") and x.ndim:
        return lift(x)
    return tuple(map(_lifted, x)) if type(x) is tuple else x


def general(slot: Any) -> Any:
    """The slot with arrays of any size."""
    if isinstance(slot, ArraySlot):
        return ArraySlot(slot.dtype, (None,) * len(slot.dims))
    if isinstance(slot, SequenceSlot):
        return SequenceSlot(slot.type, tuple(map(general, slot.items)))
    return slot


def arrays_of(x: Any) -> list[Array]:
    if isinstance(x, Array):
        return [x]
    return [a for e in x for a in arrays_of(e)] if isinstance(x, tuple) else []


def call(f: Any, bound: Callable[..., Any], args: tuple[Any, ...],
         kwargs: dict[str, Any]) -> Any:
    """The value of a call of a function that is known to be recursive."""
    state = current().state
    named = inspect.signature(bound).bind(*args, **kwargs)
    named.apply_defaults()
    args, kwargs = named.args, named.kwargs
    given = structure(args, kwargs)
    slot = general(slot_of(given))
    active = state.recursive.get(f.__code__)
    if active is not None:
        wide = join(active.slot, slot, state.session.root, f.__name__)
        if wide != active.slot:
            active.slot = wide
            raise Again
        return _inner(active, given)
    active = Active(f.__name__, slot)
    state.recursive[f.__code__] = active
    tries, state.tries = state.tries, []
    try:
        program, params = _settled(f, active, bound, len(args), tuple(kwargs))
    finally:
        del state.recursive[f.__code__]
        state.tries = tries
    return _outer(active, given, program, params)


def _settled(f: Any, active: Active, bound: Callable[..., Any], count: int,
             names: tuple[str, ...]) -> tuple[Block, list[Var]]:
    """Trace until types and arrays settle; gives the block and its parameters."""
    for _ in range(ATTEMPTS):
        before = (active.result, len(active.bases), set(active.written), set(active.writes),
                  active.state)
        outside = [(cell, _get(cell)) for cell in variables(f)]
        try:
            found = _traced(f, active, bound, count, names, outside)
        except Again:
            continue
        finally:
            for cell, x in outside:
                _put(cell, x)
        after = (active.result, len(active.bases), set(active.written), set(active.writes),
                 active.state)
        if before == after:
            if active.result is not None:
                return found
            active.result = slot_of(None)      # it never returns: it raises in the end
    raise unsupported(f"the types of the recursive function {f.__name__} don't settle",
                      "return values of one type")


def _traced(f: Any, active: Active, bound: Callable[..., Any], count: int,
            names: tuple[str, ...],
            outside: list[tuple[CellType, Any]]) -> tuple[Block, list[Var]]:
    outer = current()
    builder = active.builder = Builder(outer, loop=True)
    builder.outer = outer.outer | containers({})
    active.calls = []
    outcome: list[Any] = []
    with opened(builder):
        active.depth = builder.bind(I64, (), "depth")
        vars, made = make(active.slot)
        for array in arrays_of(made):
            array.base.pinned = True
        kept, contents = make(active.state)
        for cell, x in zip(active.cells, contents, strict=True):
            _put(cell, x)
        body = Builder(builder)
        with opened(body):
            limit = lit(min(sys.getrecursionlimit(), DEEPEST))
            check(dm.compare("lt", active.depth, limit), RecursionError, MESSAGE)

    def run() -> None:
        values = list(made)
        outcome.append(bound(*values[:count], **dict(zip(names, values[count:], strict=True))))
    active_before = dict(body.state.active)
    died = traced(body, run)
    for found in settle_redirects(body, builder).values():
        raise Restart(found.key)               # the next call asks for it
    body.state.active = active_before
    if body.journal:
        raise unsupported("a recursive function that changes objects or lists from outside",
                          "pass and return numbers, or change arrays")
    outs: list[Atom] = []
    if not died:
        if arrays_in_result(outcome[0]):
            raise unsupported("a recursive function that returns arrays",
                              "store into an array that is passed to it")
        with opened(body):
            new = slot_of(outcome[0])
            wide = new if active.result is None else join(
                active.result, new, outer, "the result")
            active.result = wide
            outs = flatten(outcome[0], wide)
    elif active.result is not None:
        outs = [_zero(v) for v in make_types(active.result)]
    changed = [cell for cell, x in outside if _get(cell) is not x and cell not in active.cells]
    active.cells += changed
    before = {id(cell): x for cell, x in outside}
    starts = [slot_of(before[id(cell)]) for cell in active.cells]
    with opened(body):
        ends = starts if died else [slot_of(_get(cell)) for cell in active.cells]
        active.state = SequenceSlot(tuple, tuple(
            join(p, q, outer, "a nonlocal variable") for p, q in zip(starts, ends, strict=True)))
        if any(v.shape for v in make_types(active.state)):
            raise unsupported("a recursive function that assigns an array or list to a nonlocal "
                              "variable", "store into an array")
        outs += flatten(tuple(map(_get, active.cells)), active.state)
    own = {a.base: v for a, v in zip(arrays_of(made), [v for v in vars if v.shape], strict=True)}
    params = [active.depth, *vars, *kept]
    into: list[Var | None] = [None] * len(outs)
    active.writes = set()
    for base, var in own.items():
        now = _content(body, base)
        if now is not var:
            active.writes.add(params.index(var))
            outs.append(now)
            into.append(var)
    for base in list(body.values):
        if base.home.encloses(outer):
            builder.current(base)
    for base in builder.base_params:
        if base not in active.bases:
            active.bases.append(base)
    for base in active.bases:
        if base not in builder.base_params:
            builder.current(base)
        param = builder.base_params[base][0]
        params.append(param)
        now = _content(body, base)
        if now is not param:
            active.written.add(base)
        if base in active.written:
            outs.append(now)
            into.append(param)
    program = Program(params, body.eqns, outs, f.__name__, into)
    return program, params


def variables(f: Any) -> list[CellType]:
    """The nonlocal variables that a function, or one that it reaches, may assign."""
    found: dict[int, CellType] = {}
    todo: list[Any] = [f]
    while todo:
        x = todo.pop()
        for name, cell in zip(x.__code__.co_freevars, x.__closure__ or (), strict=True):
            if id(cell) in found or name.startswith("_hl"):
                continue
            found[id(cell)] = cell
            content = _get(cell)
            if isinstance(content, FunctionType):
                todo.append(content)
    return list(found.values())


def _get(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return UNBOUND


def _put(cell: CellType, x: Any) -> None:
    if x is not UNBOUND:
        cell.cell_contents = x


def _content(builder: Builder, base: Base) -> Atom:
    now = builder.current(base)
    if not isinstance(now, Var | Lit):
        raise unsupported("a recursive function that uses an array which a name may or may not "
                          "share", "copy the array before")
    return now


def make_types(slot: Any) -> list[Var]:
    with opened(Builder(current())):
        return make(slot)[0]


def _zero(v: Var) -> Atom:
    return Lit(v.dtype.type(0))


def arrays_in_result(x: Any) -> bool:
    return bool(arrays_of(x)) or type(x).__name__ in ("List", "Row", "Table")


def _inner(active: Active, given: tuple[Any, ...]) -> Any:
    """A call of the function inside of itself."""
    if active.result is None:
        raise Dead                       # nothing is known of the result yet
    assert active.depth is not None and active.builder is not None
    deeper = dm.dim(dm.plus(dm.form(active.depth), dm.ONE))
    return _emitted(active, given, deeper, lambda eqn: active.calls.append(eqn), [])


def _outer(active: Active, given: tuple[Any, ...], program: Block, params: list[Var]) -> Any:
    """The call that everything begins with; the function is complete."""
    bound = set(params)
    free = [v for v in free_vars(program) if v not in bound]
    for p in params:
        free += [d for d in p.shape if isinstance(d, Var) and d not in bound and d not in free]
    assert isinstance(program, Program)
    for eqn in active.calls:
        eqn.ins = (*eqn.ins, *free)
    whole = Program([*program.params, *free], program.eqns, program.outs, program.name,
                    program.into)
    active.function.program = rename(whole, {})  # type: ignore[assignment]
    return _emitted(active, given, 0, lambda eqn: None, free)


def _emitted(active: Active, given: tuple[Any, ...], depth: Any, note: Callable[[Eqn], None],
             free: list[Var]) -> Any:
    builder = current()
    passed = arrays_of(given)
    atoms = flatten(given, active.slot)
    _check_memory(active, passed)
    contents = [builder.current(base) for base in active.bases]
    vars, result = make(active.result)
    state = flatten(tuple(map(_get, active.cells)), active.state)
    new_state, values = make(active.state)
    ins = [depth, *atoms, *state, *contents, *free]
    outs: list[Any] = [*vars, *new_state]
    stores: list[tuple[Any, Var]] = []
    number = 0
    for k, atom in enumerate([lit(0), *atoms]):
        if not atom.shape:
            continue
        if k in active.writes:
            new = builder.bind(atom.dtype, atom.shape)
            outs.append(new)
            stores.append((passed[number], new))
        number += 1
    for base, atom in zip(active.bases, contents, strict=True):
        if base in active.written:
            new = builder.bind(atom.dtype, atom.shape)
            outs.append(new)
            stores.append((base, new))
    emit("invoke", ins, outs, function=active.function)
    note(builder.eqns[-1])
    for cell, x in zip(active.cells, values, strict=True):
        _put(cell, x)
    for target, new in stores:
        if isinstance(target, Array):
            target.assign(new)
        else:
            target.store((), new)
    return result


def _check_memory(active: Active, passed: list[Array]) -> None:
    """Arrays that may share memory, of which the function changes one, are not passed."""
    memory: list[Base] = [b for base in active.bases for b in base.memory]
    changed = bool(active.writes or active.written)
    for a in passed:
        for base in a.base.memory:
            if changed and (base in memory or any(b in memory for b in base.group)):
                raise unsupported("a recursive function is passed two arrays of the same memory, "
                                  "of which it changes one", "pass one array and indices")
            memory.append(base)

