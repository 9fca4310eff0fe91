"""try, except, else, finally around staged code.

    try:                           ok = b != 0               a check in a try statement is a
        q = a // b                 cond ok { q = a // b      condition: what follows it in its
        done = True         ->            done = True }      block is one arm (`Arm`), the other
    except ZeroDivisionError:           { code = 1 }         notes which check failed
        q = 0                      cond code == 1 { q = 0 } { }

Python runs the body once, on tracers: at a check the rest of the block is traced into an arm that
stays open until the block ends, a loop's body, a branch, or the try body itself. The code is an
attribute written as any other (`Place`), so loops carry it and branches join it. A loop ends when
it is not 0, and after a branch or loop that may have failed the rest of the block around it is an
arm as well. A handler is a branch on the code; what no handler takes is raised after `finally`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import CellType
from typing import Any

from hotloop.errors import HotloopError, Location
from hotloop.frontend import dims as dm
from hotloop.frontend.branches import hooks, join_sides, refuse_foreign, settled, staged_if
from hotloop.frontend.builder import (
    CONTEXT,
    Builder,
    Dead,
    Failed,
    at_place,
    check,
    current,
    emit,
    here,
    lit,
    opened,
    raised_at,
    unsupported,
)
from hotloop.frontend.messages import marked_text
from hotloop.frontend.objects import (
    UNBOUND,
    Cells,
    Homed,
    Place,
    cells_of,
    containers,
    get,
    put,
    undo,
)
from hotloop.frontend.slots import Maybe
from hotloop.frontend.tracers import PYTHON, KindMatters, Scalar, value
from hotloop.frontend.truth import truth
from hotloop.ir.core import Atom, Lit, Var
from hotloop.ir.types import BOOL
from hotloop.ops.control import Attributes


class Site:
    """A check in a try statement: its number, and what it raises. `error` is the exception object
    that the user made, if there is one."""

    def __init__(self, number: int, exception: type[BaseException], message: str, count: int,
                 error: BaseException | None, location: Location | None,
                 attributes: Attributes):
        self.number, self.exception, self.message = number, exception, message
        self.count, self.error, self.location = count, error, location
        self.attributes = attributes


class Status(Homed):
    """`code`: the number of the site that failed, or 0; the operands of site k are v<k>_<j>."""

    def __init__(self) -> None:
        super().__init__()
        self.code: Any = 0

    def set(self, site: Site, operands: Sequence[Atom]) -> None:
        Place(self, False, "code").set(site.number)
        for j, atom in enumerate(operands):
            Place(self, False, f"v{site.number}_{j}").set(Scalar(atom, PYTHON))

    def operands(self, site: Site) -> list[Any]:
        found = []
        for j in range(site.count):
            x = getattr(self, f"v{site.number}_{j}")
            found.append(x.content if isinstance(x, Maybe) else x)
        return found


class Arm:
    """The rest of a block after a check: `builder` is open as long as the block is."""

    def __init__(self, builder: Builder, parent: Builder, condition: Atom, otherwise: Any,
                 before: dict[str, Any]):
        self.builder, self.parent, self.condition = builder, parent, condition
        self.otherwise, self.before = otherwise, before


class Block:
    """A block in a try statement: the names that it may bind, and its arms."""

    def __init__(self, cells: Cells, names: Sequence[str]):
        self.cells, self.names = cells, list(names)
        self.arms: list[Arm] = []


class Frame:
    """A try statement while its body is traced."""

    def __init__(self) -> None:
        self.status = Status()
        self.sites: dict[Any, Site] = {}
        self.blocks: list[Block] = []
        self.sure: list[str] = []              # names that are bound where nothing has failed

    def site(self, exception: type[BaseException], message: str, count: int,
             error: BaseException | None, attributes: Attributes = None) -> Site:
        place = here()
        key = exception, message, place, count, attributes
        found = self.sites.get(key)
        if found is None:
            found = self.sites[key] = Site(len(self.sites) + 1, exception, message, count, error,
                                           place, attributes)
        if error is not None:
            found.error = error
        return found

    def check(self, ok: Atom, exception: type[BaseException], message: str,
              operands: Sequence[Any], attributes: Attributes) -> None:
        """In place of the equation `check`."""
        atoms = [a if isinstance(a, Var | Lit) else lit(a) for a in operands]
        site = self.site(exception, message, len(atoms), current().state.raised, attributes)
        if isinstance(ok, Lit):
            self.status.set(site, atoms)
            raise Failed
        self.split(ok, lambda: self.status.set(site, atoms))

    def split(self, ok: Var, otherwise: Callable[[], None]) -> None:
        """The rest of the block is an arm, under the condition `ok`."""
        parent, block = current(), self.blocks[-1]
        arm = Builder(parent)
        arm.outer = parent.outer | containers(block.cells) | {id(self.status)}
        dm.assume(ok, True, arm)
        before = {n: get(block.cells, n) for n in block.names}
        block.arms.append(Arm(arm, parent, ok, otherwise, before))
        CONTEXT.builder = arm

    def close(self, block: Block, died: bool) -> bool:
        """The end of a block: its arms are joined with what failing checks leave, innermost
        first. Gives whether the path as a whole ends in an exception."""
        for arm in reversed(block.arms):
            died = self._join(arm, block, died)
        block.arms.clear()
        return died

    def _join(self, arm: Arm, block: Block, died: bool) -> bool:
        builder, cells = arm.builder, block.cells
        slots: list[Any] = list(block.names)
        written = list(dict.fromkeys(place for place, _ in builder.journal))
        end = {n: settled(get(cells, n), builder, arm.before.get(n)) for n in [*slots, *written]}
        undo(builder.journal)
        for n, x in arm.before.items():
            put(cells, n, x)
        CONTEXT.builder = arm.parent
        other = Builder(arm.parent)
        other.outer = builder.outer
        with opened(other):
            arm.otherwise()
        places = list(dict.fromkeys([*written, *(place for place, _ in other.journal)]))
        failed = {n: get(cells, n) for n in [*slots, *places]}
        undo(other.journal)
        before = dict(arm.before)
        for place in places:
            before[place] = place.get()
            end.setdefault(place, before[place])
        join_sides(arm.condition, cells, [*slots, *places], before,  # type: ignore[arg-type]
                   [builder, other], [end, failed], [died, False])
        return False

    def failed_inside(self) -> None:
        """After a branch or loop in which a check may have failed: the rest is an arm, too."""
        code = self.status.code
        if isinstance(code, int):
            if code:
                raise Failed
            return
        ok = dm.compare("eq", value(code), 0)
        if ok is False:
            raise Failed
        if isinstance(ok, Var):
            self.split(ok, _nothing)


def _nothing() -> None:
    pass


def _is_bound(x: Any) -> bool:
    return x is not UNBOUND and not isinstance(x, Maybe)


def _succeeded(frame: Frame, cells: Cells, then: Callable[[], Any] = _nothing) -> None:
    """What follows where no check of the body has failed: its names are bound, whatever flags they
    have from where one failed."""
    for n in frame.sure:
        x = get(cells, n)
        if isinstance(x, Maybe):
            put(cells, n, x.content)
    then()


# ---- hooks of `branches` and `loops`

def begin(builder: Builder) -> Block | None:
    """A block is opened: if it is in a try statement, its arms are collected."""
    tries = builder.state.tries
    if not tries:
        return None
    block = Block(*getattr(builder, "scope", ({}, ())))
    tries[-1].blocks.append(block)
    return block


def end(builder: Builder, block: Block, died: bool) -> bool:
    frame = builder.state.tries[-1]
    assert frame.blocks.pop() is block
    return frame.close(block, died)


def abandon(builder: Builder, block: Block) -> None:
    """Tracing the block has been given up."""
    frame = builder.state.tries[-1]
    while frame.blocks and frame.blocks.pop() is not block:
        pass
    for arm in block.arms:
        undo(arm.builder.journal)


def mark() -> Any:
    """The code before a branch or loop."""
    tries = current().state.tries
    return tries[-1].status.code if tries else None


def after(before: Any) -> None:
    """A branch or loop has ended."""
    tries = current().state.tries
    if tries and tries[-1].status.code is not before:
        tries[-1].failed_inside()


def enter() -> None:
    """An iteration of a loop starts: nothing has failed."""
    status = current().state.tries[-1].status
    if not isinstance(status.code, int):
        Place(status, False, "code").set(0)


def stopped() -> Any:
    """Has a check failed in this iteration? (False, or a condition: the loop must end.)"""
    tries = current().state.tries
    if not tries:
        return False
    code = tries[-1].status.code
    return bool(code) if isinstance(code, int) else truth(code)


hooks.begin, hooks.end, hooks.abandon, hooks.after = begin, end, abandon, after
hooks.stopped, hooks.mark, hooks.enter = stopped, mark, enter


# ---- the statement

Handler = tuple[Callable[[], Any] | None, Callable[..., Any], str | None]


def try_(body: Callable[[], Any], handlers: Sequence[Handler], orelse: Callable[[], Any] | None,
         final: Callable[[], Any] | None, live: Sequence[str], dead: Sequence[str],
         sink: Any = None) -> None:
    """The helper behind a try statement. A handler: (its classes, its body, its name). `sink`: of a
    context manager's generator, whose consumer's body stands in it."""
    every = [f for f in (body, *(h[1] for h in handlers), orelse, final) if f is not None]
    cells, names = cells_of(*every), [*live, *dead]
    if sink is not None:
        sink.stage()
        cells, names = cells | sink.cells, [*names, *sink.names, *sink.dead]
        dead = (*dead, *sink.dead)
    if final is None:
        _attempt(body, handlers, orelse, cells, names)
    else:
        frame = Frame()
        _run(frame, lambda: _attempt(body, handlers, orelse, cells, names), cells, names)
        final()
        _raise(frame, list(frame.sites.values()))
        _succeeded(frame, cells)
    for n in dead:
        put(cells, n, UNBOUND)


def _run(frame: Frame, body: Callable[[], Any], cells: Cells, names: list[str]) -> None:
    """Trace the body of a try statement, its checks caught by `frame`."""
    state = current().state
    builder, mark = current(), state.raising
    active, depth = dict(state.active), state.depth
    block = Block(cells, names)
    frame.blocks.append(block)
    state.tries.append(frame)
    try:
        try:
            body()
        except Failed:
            state.active, state.depth = active, depth
        except (HotloopError, KindMatters):
            raise
        except Dead:            # not by a check that a handler may take: the arms go on without it
            if state.raising == mark and frame.close(block, True):
                raise
        except Exception as error:
            state.active, state.depth = active, depth
            _caught(frame, error)
        else:
            frame.sure = [n for n in names if _is_bound(get(cells, n))]
        if state.raising != mark:
            raise unsupported("a try statement around a call of NumPy that may raise",
                              "test its arguments with an if before")
        frame.close(block, False)
    except BaseException:
        CONTEXT.builder = builder
        for arm in block.arms:
            undo(arm.builder.journal)
        raise
    finally:
        state.tries.remove(frame)
        frame.blocks.clear()


def _caught(frame: Frame, error: Exception) -> None:
    """What tracing met raises at run time, too."""
    refuse_foreign(error)
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    with at_place(raised_at(error)):
        site = frame.site(type(error), message.replace("{", "{{").replace("}", "}}"), 0, error)
    frame.status.set(site, ())


def _attempt(body: Callable[[], Any], handlers: Sequence[Handler],
             orelse: Callable[[], Any] | None, cells: Cells, names: list[str]) -> None:
    frame = Frame()
    _run(frame, body, cells, names)
    left = list(frame.sites.values())
    cases: list[tuple[list[Site], Callable[[], Any]]] = []
    for classes, handler, name in handlers:
        kinds = classes() if classes is not None else BaseException
        taken = [s for s in left if issubclass(s.exception, kinds)]
        left = [s for s in left if s not in taken]
        groups = [[s] for s in taken] if name else [taken] if taken else []
        cases += [(g, _handling(frame, g, handler, name, cells)) for g in groups]
    status = frame.status

    def dispatch(k: int) -> None:
        if k == len(cases) - 1 and not left:
            cases[k][1]()                      # nothing else can have failed
        elif k < len(cases):
            sites, run = cases[k]
            _if(_one_of(status, sites), run, lambda: dispatch(k + 1), cells, names)
        else:
            _raise(frame, left)
            raise Dead                         # it was one of them
    if not frame.sites:
        if orelse is not None:
            orelse()
        return
    _if(_no_error(status), partial(_succeeded, frame, cells, orelse or _nothing),
        lambda: dispatch(0), cells, names)


def _if(condition: Any, yes: Callable[[], Any], no: Callable[[], Any], cells: Cells,
        names: list[str]) -> None:
    if isinstance(condition, bool):
        (yes if condition else no)()
    else:
        staged_if(condition, (yes, no), cells, list(names), [])


def _no_error(status: Status) -> Any:
    code = status.code
    return code == 0 if isinstance(code, int) else dm.compare("eq", value(code), 0)


def _one_of(status: Status, sites: list[Site]) -> Any:
    code = status.code
    if isinstance(code, int):
        return code in [s.number for s in sites]
    result: Any = False
    for s in sites:
        one = dm.compare("eq", value(code), s.number)
        if one is True or result is True:
            return True
        if one is not False:
            result = one if result is False else emit("or", [result, one], [(BOOL, ())])[0]
    return result


def _handling(frame: Frame, sites: list[Site], handler: Callable[..., Any], name: str | None,
              cells: Cells) -> Callable[[], None]:
    def run() -> None:
        state = current().state
        state.handled.append((frame, sites))
        try:
            if name:
                cells.setdefault(name, CellType()).cell_contents = _exception(frame, sites[0])
            handler()
            if name:
                put(cells, name, UNBOUND)
        finally:
            state.handled.pop()
    return run


def _exception(frame: Frame, site: Site) -> BaseException:
    """The object that `as` binds: its text may show run-time values."""
    if not site.count and site.error is not None:
        return site.error
    operands = frame.status.operands(site)
    text = marked_text(site.message, operands)
    made = site.exception.__new__(site.exception)
    made.args = (text,) if text else ()
    attributes = site.attributes or ()
    given = iter(operands[len(operands) - sum(len(a) > 2 for a in attributes):])
    for name, constant, *dtype in attributes:
        setattr(made, name, constant if not dtype else next(given) if not dtype[0]
                else Scalar(value(next(given))))
    return made


def _raise(frame: Frame, sites: list[Site]) -> None:
    """Raise what has failed, if it is one of the sites."""
    state = current().state
    code = frame.status.code
    for site in sites:
        ok = (code != site.number) if isinstance(code, int) else dm.compare(
            "ne", value(code), site.number)
        if ok is True:
            continue
        before, state.raised = state.raised, site.error
        try:
            with at_place(site.location):
                operands = [value(x) for x in frame.status.operands(site)]
                check(ok, site.exception, site.message, *operands, attributes=site.attributes)
        finally:
            state.raised = before


def reraise() -> None:
    """`raise` in a handler."""
    handled = current().state.handled
    if not handled:
        check(False, RuntimeError, "No active exception to reraise")
    frame, sites = handled[-1]
    _raise(frame, sites)
    raise Dead


__all__ = ["reraise", "try_"]
