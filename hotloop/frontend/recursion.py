"""Recursion on run-time values: the function becomes a Program of its own, which `invoke` calls.

    def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)

Its arguments' numbers, arrays and lists are parameters, everything else in them must stay the same.
Types of parameters and results are found by fixpoint: while nothing is known of the result, a path
that calls the function again ends there, so the first trace gives the type of the base cases.
Arrays from outside that the body reaches are further parameters, in and out; what else it changes
there (nonlocal variables, lists, attributes) as well. `passing` has how lists and new arrays go in
and out.

A call of depth Python's recursion limit raises RecursionError.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.active import Active, Again, Attempt, Variable, variables
from hotloop.frontend.builder import (
    Dead,
    current,
    emit,
    lit,
    unsupported,
)
from hotloop.frontend.list_values import List, ListSlot, mark, marks_taken_back
from hotloop.frontend.passing import (
    Leaf,
    leaves,
    lifted,
    lists_of,
    made_arrays,
    may_be,
    put,
    restore,
    slot_given,
    state_of,
)
from hotloop.frontend.slots import ArraySlot, flatten, make, slot_of
from hotloop.frontend.tracers import Array, Base
from hotloop.ir.core import Eqn, Program, Var, free_vars, rename
from hotloop.ir.types import I64

ATTEMPTS = 12


def call(f: Any, bound: Callable[..., Any], args: tuple[Any, ...],
         kwargs: dict[str, Any]) -> Any:
    """The value of a call of a function that is known to be recursive."""
    state = current().state
    named = inspect.signature(bound).bind(*args, **kwargs)
    named.apply_defaults()
    args, kwargs = named.args, named.kwargs
    given = lifted((*args, *kwargs.values()))
    active = state.recursive.get(f.__code__)
    if active is not None:
        active.accept(given)
        return _inner(f, active, given)
    active = Active(f.__name__, given)
    state.recursive[f.__code__] = active
    try:
        free = _completed(f, active, bound, len(args), tuple(kwargs))
    finally:
        del state.recursive[f.__code__]
    return _emitted(f, active, given, 0, lambda eqn: None, free)


# ---- functions that are compiled once (`separate`)

def types_of(args: tuple[Any, ...]) -> Any:
    """What the code of such a function depends on."""
    return slot_given(args, False)


def complete(f: Any, bound: Callable[..., Any], args: tuple[Any, ...]) -> Active | None:
    """The function for arguments of these types; None if it needs something else from outside."""
    active = Active(f.__name__, lifted(args))
    active.limited = False
    state = current().state
    raising = state.raising
    free = _completed(f, active, bound, len(args), ())
    state.raising = raising                    # nothing that handlers of the user's see
    return None if free or active.bases or active.lists or active.places else active


def called(active: Active, args: tuple[Any, ...]) -> Any:
    state = current().state
    raising = state.raising
    result = _emitted(None, active, lifted(args), 0, lambda eqn: None, [])
    state.raising = raising
    return result


def _completed(f: Any, active: Active, bound: Callable[..., Any], count: int,
               names: tuple[str, ...]) -> list[Var]:
    """Trace the function; gives what the caller has to pass behind the parameters."""
    state = current().state
    tries, state.tries = state.tries, []
    try:
        program, params = _settled(f, active, bound, count, names)
    finally:
        state.tries = tries
    known = set(params)
    free = [v for v in free_vars(program) if v not in known]
    for p in params:
        free += [d for d in p.shape if isinstance(d, Var) and d not in known and d not in free]
    for eqn in active.calls:
        eqn.ins = (*eqn.ins, *free)
    whole = Program([*program.params, *free], program.eqns, program.outs, program.name,
                    program.into)
    active.function.program = rename(whole, {})  # type: ignore[assignment]
    return free


def _settled(f: Any, active: Active, bound: Callable[..., Any], count: int,
             names: tuple[str, ...]) -> tuple[Program, list[Var]]:
    """Trace until types and arrays settle; gives the program and its parameters."""
    state = current().state
    for _ in range(ATTEMPTS):
        before = active.known()
        outside = [(place, place.get()) for place in (*map(Variable, variables(f)),
                                                      *active.places)]
        lists = [(x, state_of(x)) for x in active.lists]
        marked = len(state.marks)
        try:
            found = Attempt(f, active).run(bound, count, names)
        except Again:
            continue
        finally:
            for place, x in outside:
                place.put(x)
            for y, at_start in lists:
                restore(y, at_start)
            marks = marks_taken_back(marked)
        if before == active.known():
            if active.result is not None:
                for y, name in marks:
                    mark(y, name)
                return found
            active.result = slot_of(None)      # it never returns: it raises in the end
    raise unsupported(f"the types of the recursive function {f.__name__} don't settle",
                      "return values of one type")


def _inner(f: Any, active: Active, given: tuple[Any, ...]) -> Any:
    """A call of the function inside of itself."""
    if active.result is None:
        raise Dead                       # nothing is known of the result yet
    assert active.depth is not None and active.builder is not None
    deeper = dm.dim(dm.plus(dm.form(active.depth), dm.ONE))
    return _emitted(f, active, given, deeper, active.calls.append, [])


def _emitted(f: Any, active: Active, given: tuple[Any, ...], depth: Any,
             note: Callable[[Eqn], None], free: list[Var]) -> Any:
    builder = current()
    parts = leaves(active.slot, given)
    _check_memory(active, parts)
    _check_lists(f, active, parts)
    atoms = flatten(given, active.slot)
    contents = [builder.current(base) for base in active.bases]
    vars, result = make(active.result)
    state = flatten(tuple(place.get() for place in active.places), active.state)
    new_state, values = make(active.state)
    lists = [a for x, slot in zip(active.lists, active.list_slots, strict=True)
             for a in flatten(x, slot)]
    made = made_arrays(vars)
    lent = [a for m in made for a in (lit(0), m.empty())]
    scalars = [v for v in vars if not v.shape]
    rows = {m: builder.bind(I64) for m in made if m.rows is None}
    scalars += rows.values()
    scalars += new_state
    arrays: list[Var] = []
    stores: list[tuple[Any, Any]] = []
    changed = [(leaf.value, leaf.slot) for leaf in parts if leaf.at in active.writes]
    for x, slot in [*changed, *zip(active.lists, active.list_slots, strict=True)]:
        if isinstance(slot, ListSlot):
            own, new = make(slot)
            scalars += [v for v in own if not v.shape]
            arrays += [v for v in own if v.shape]
            stores.append((x, new))
        else:
            arrays.append(builder.bind(x.dtype, x.dims))
            stores.append((x, arrays[-1]))
    for base, atom in zip(active.bases, contents, strict=True):
        if base in active.written:
            arrays.append(builder.bind(atom.dtype, atom.shape))
            stores.append((base, arrays[-1]))
    flat = {m: builder.bind(m.var.dtype, (total,)) for m, total in rows.items()}
    arrays += [flat.get(m, m.var) for m in made]
    emit("invoke", [depth, *atoms, *state, *lists, *contents, *lent, *free],
         [*scalars, *arrays], function=active.function)
    note(builder.eqns[-1])
    for m, row in flat.items():
        emit("reshape", [row, *m.var.shape], [m.var])
    for place, x in zip(active.places, values, strict=True):
        place.set(x)
    for target, new in stores:
        if isinstance(target, List):
            put(target, new)
        elif isinstance(target, Array):
            target.assign(new)
        else:
            target.store((), new)
    if not active.new:
        may_be(result, [*(leaf.value for leaf in parts), *active.lists,
                        *(Array(base, (), base.shape) for base in active.bases)])
    return result


def _check_memory(active: Active, parts: Iterable[Leaf]) -> None:
    """Arrays that may share memory, of which the function changes one, are not passed."""
    memory: list[Base] = [b for base in active.bases for b in base.memory]
    changed = bool(active.writes or active.written)
    for leaf in parts:
        if not isinstance(leaf.slot, ArraySlot):
            continue
        for base in leaf.value.base.memory:
            if changed and (base in memory or any(b in memory for b in base.group)):
                raise unsupported("a recursive function is passed two arrays of the same memory, "
                                  "of which it changes one", "pass one array and indices")
            memory.append(base)


def _check_lists(f: Any, active: Active, parts: Iterable[Leaf]) -> None:
    """The same for lists: those that are passed, and those that the function has by name."""
    given = [(leaf.value, leaf.at in active.writes) for leaf in parts
             if isinstance(leaf.slot, ListSlot)]
    cells = [] if f is None else variables(f)
    named = [y for cell in cells for y in lists_of(Variable(cell).get())]
    others = [(y, any(x is y for x in active.lists)) for y in named]
    for k, (x, changes) in enumerate(given):
        same = {id(x), *(id(y) for r in x.group if (y := r()) is not None)}
        for y, also in [*given[k + 1:], *others]:
            if (changes or also) and id(y) in same:
                raise unsupported("a recursive function has one list under two names, and "
                                  "changes it", "pass the list, or use it by its name only")
