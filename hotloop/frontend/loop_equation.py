"""The equation of a loop whose carries have settled: `for` or `while`, with its body as a block.

    s = 0.0                               a = for 0 n 1 0.0 { lambda i s.
    for i in range(n): s += x[i]     ->       b = load x i; c = add s b; in (c,) }
"""

from __future__ import annotations

import itertools
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, Restart, emit, lit, opened
from hotloop.frontend.carried import Attempt, Carried
from hotloop.frontend.exchange import flags_at_start, give_back, new_flags, next_flags
from hotloop.frontend.jumps import VALUE
from hotloop.frontend.list_aliasing import check_carried, join_lists
from hotloop.frontend.loop import Loop
from hotloop.frontend.meeting import Cell, Path, cell_array
from hotloop.frontend.objects import UNBOUND, Slot, carried_over, put
from hotloop.frontend.references import Spent, settle_redirects
from hotloop.frontend.slots import Maybe, MaybeSlot, MixedSlot, ObjectSlot, flatten, make, slot_of
from hotloop.frontend.tracers import PYTHON, Array, Base, Scalar
from hotloop.ir.core import Atom, Block, Eqn, Lit, Var, rename
from hotloop.ir.types import BOOL, I64
from hotloop.ops.table import OPS


def emit_loop(carried: Carried, attempt: Attempt, end: Path, outer: Builder, body: Builder,
          died: bool) -> None:
    loop, parent, start = carried.loop, carried.parent, carried.start
    params: list[Var] = []
    inits: list[Atom] = []
    ends: list[Atom] = []
    results: list[Var] = []
    after: dict[Slot, Any] = {}
    stop_at: int | None = None
    bases: dict[Cell, Base] = {}
    for cell in carried.cells():
        kept = carried.kept_equal(cell)
        if cell not in attempt.cells:
            with opened(outer):
                attempt.cells[cell] = cell_array(cell)
        own, now = attempt.cells[cell]
        params += own
        inits += start.content(cell, kept, None)
        with opened(body):
            ends += list(own) if died else end.content(cell, kept, now)
        vars, array = cell_array(cell)
        results += vars
        bases[cell] = array.base
    for n in carried.slots:
        slot = carried.types[n]
        if slot is None and not died and returned_outer(n, carried.initial, attempt.end[n],
                                                         parent):
            after[n] = attempt.end[n]
            continue
        if n in carried.held or slot is None:
            after[n] = carried.initial[n]
            continue
        if isinstance(slot, ObjectSlot):
            after[n] = slot.object if not died else carried.initial[n]
            continue
        if n not in carried.head:
            with opened(outer):
                attempt.params[n], _ = make(
                    slot, {cell: a.base for cell, (_, a) in attempt.cells.items()})
        own, starts = attempt.params[n], flatten(carried.initial[n], slot, start)
        with opened(body):
            stops = list(own) if died else flatten(attempt.end[n], slot, end)
        vars, after[n] = make(slot, bases)
        carried_over(carried.initial[n], after[n])
        if not died and _told_by_trips(loop, slot, attempt.end[n]):
            assert attempt.index is not None
            body.eqns[:0] = _flag_of_trips(own[0], attempt.index, loop.items, starts[0], outer)
            after[n] = _after_trips(after[n], loop.items, starts[0])
            own, starts, stops, vars = own[1:], starts[1:], stops[1:], vars[1:]
        params += own
        inits += starts
        ends += stops
        results += vars
        if n == loop.stop:
            stop_at = len(ends) - 1
        join_lists(carried.initial[n], after[n])     # that of before, after no trips
        if not died:
            join_lists(attempt.end[n], after[n])
            check_carried(n, carried.initial, attempt.end, attempt.lists, [
                p for p, x in attempt.start.items() if attempt.end[p] is not x], parent)
    if carried.swapped:
        own = list(itertools.chain(*attempt.flags))
        params += own
        inits += flags_at_start(carried)
        with opened(body):
            ends += own if died else next_flags(carried, attempt)
        flags = new_flags(carried, parent)
        results += itertools.chain(*flags)
    spent = settle_redirects(body, parent)
    for base, found in spent.items():
        if base in outer.base_params:
            raise Restart(found.key)           # the next iteration asks for it
    for base in body.values:
        if base.home.encloses(parent):
            outer.current(base)                # stored to as a whole, without being read
    stored = []
    for base, (param, first) in outer.base_params.items():
        last = body.values.get(base, param)
        params.append(param)
        inits.append(first)
        ends.append(last)
        out = parent.bind(param.dtype, param.shape)
        results.append(out)
        if last is not param:
            stored.append((base, out))
    if loop.items is not None:
        blocks = [Block([attempt.index, *params], body.eqns, ends)]  # type: ignore[list-item]
        bounds = [loop.items.start, loop.items.stop, loop.items.step]
        promise = {"independent": True} if getattr(loop.items, "independent", False) else {}
        emit("for", [*bounds, *inits], results, blocks=blocks, until=stop_at, **promise)
    else:
        assert attempt.test_block is not None
        if outer.iteration is not None:                # a random draw counts the trips
            with opened(body):
                ends.append(emit("add", [outer.iteration, lit(1)], [(I64, ())])[0])
            params.append(outer.iteration)
            inits.append(lit(0))
            results.append(parent.bind(I64))
        test = attempt.test_block
        test = rename(Block(params, test.eqns, test.outs), {})
        emit("while", inits, results, blocks=[test, Block(params, body.eqns, ends)])
    for base, out in stored:
        parent.values[base] = out
    for n, base in carried.given.items():
        parent.values[base] = Spent((carried.key, str(n)))
    parent.values.update(spent)
    if carried.swapped:
        give_back(carried, flags, bases)
    for n in carried.slots:
        put(loop.cells, n, after[n])
    for name in loop.dead:
        put(loop.cells, name, UNBOUND)


def _told_by_trips(loop: Loop, slot: Any, end: Any) -> bool:
    """Does the slot's flag say no more than whether there was an iteration?"""
    if loop.items is None or not dm.sign(loop.items.step):
        return False
    if isinstance(slot, MixedSlot):
        return slot_of(end) == slot.wide
    return (isinstance(slot, MaybeSlot) and not isinstance(slot.content, MixedSlot)
            and not isinstance(end, Maybe) and end is not UNBOUND)


def _flag_of_trips(flag: Var, index: Var, items: Any, start: Atom, outer: Builder) -> list[Eqn]:
    """Equations for the head of the body: the flag is `start`, or this is not the first trip."""
    first = [index, lit(items.start) if isinstance(items.start, int) else items.start]
    if type(start) is Lit and not start.value:
        return [Eqn(OPS["ne"], first, [flag])]
    later = outer.bind(BOOL)
    return [Eqn(OPS["ne"], first, [later]), Eqn(OPS["or"], [start, later], [flag])]


def _after_trips(joined: Any, items: Any, start: Atom) -> Any:
    """The value after the loop, its flag computed from the bounds."""
    some: Any = dm.compare("lt" if dm.sign(items.step) > 0 else "gt", items.start, items.stop)
    if some is not True and type(start) is not Lit:
        some, = emit("or", [start, lit(some) if some is False else some], [(BOOL, ())])
    if some is True:
        return joined.content if isinstance(joined, Maybe) else Scalar(joined.atom, joined.kind)
    flag = lit(some) if some is False else some
    joined.flag = Scalar(flag, PYTHON) if isinstance(joined, Maybe) else flag
    return joined


def returned_outer(n: Slot, initial: dict[Slot, Any], x: Any, parent: Builder) -> bool:
    """Is it the function's result, so far an array from outside of the loop or nothing? It is read
    only where the function has returned it, so it need not be carried."""
    return (n == VALUE and initial[n] is UNBOUND and isinstance(x, Array)
            and x.seen_by(parent))
