"""Where equations go while tracing: the open blocks, `emit`, and the state of one trace.

    sum, = emit("add", [a, b], [(a.dtype, a.shape)])

A `Builder` collects the equations of one block. Inner blocks use outer Vars directly; every operand
is checked to be visible where it is used, so that a value that escaped from a block by way of
Python state is an error at the user's line and never a broken Program.

The state is thread-local: two threads may trace at the same time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, NoReturn

from hotloop.errors import (
    HotloopError,
    InternalError,
    Location,
    StagingError,
    UnsupportedError,
)
from hotloop.frontend.warned import Notes
from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Var
from hotloop.ir.types import BOOL, Type
from hotloop.ops.table import OPS, PURE, RAISES, flags

Form = dict[Any, int]
"""An affine form of i64 Vars: {var: coefficient, None: constant}, without zeros."""


class Redirect:
    """What an array base has for a value where it has no content of its own: `read` and `store`
    say where its content is now, or that nobody should ask (see `references`)."""

    __slots__ = ()

    def read(self) -> Atom:
        raise NotImplementedError

    def store(self, steps: tuple[Any, ...], new: Atom) -> None:
        raise NotImplementedError


class Restart(BaseException):
    """An assumption about a loop was wrong: `trace` begins again without it."""

    def __init__(self, key: Any):
        super().__init__(key)
        self.key = key


class Settled(BaseException):
    """The sizes of arguments at these paths can be compiled in: `trace` begins again with them."""

    def __init__(self, paths: tuple[Any, ...]):
        super().__init__(paths)
        self.paths = paths


class Regrow(BaseException):
    """A list, dict or set made at `site` must be one of run-time length: `trace` begins again."""

    def __init__(self, site: Any):
        super().__init__(site)
        self.site = site


class Dead(BaseException):
    """This path of the user's program has raised. No Exception: users' handlers must not see it."""


class Failed(BaseException):
    """This path has raised inside of a try statement: the rest of the block does not run."""


class Certain(BaseException):
    """A check that fails for certain, by the stand-in of a function of NumPy's: NumPy is to raise
    (`registry.guarded`)."""

    def __init__(self, *check: Any):
        super().__init__(*check)
        self.check = check


class TraceState:
    """What belongs to one trace, whatever block is open."""

    def __init__(self) -> None:
        self.home: dict[Var, Builder] = {}
        self.affine: dict[Var, Form] = {}
        self.forms: dict[frozenset, Var] = {}
        self.outcomes: dict[Var, tuple[list[Form], list[Form]]] = {}
        self.clipped: dict[Var, Form] = {}              # max(0, form) -> form
        self.numbered: dict[Any, list[Var]] = {}
        self.selections: dict[Any, tuple[Builder, Any]] = {}
        self.raising = 0
        self.nested: dict[Any, int] = {}               # calls of functions inside themselves
        self.recursive: dict[Any, Any] = {}            # recursive functions being traced, by code
        self.separate: dict[Any, Any] = {}             # functions that are compiled once
        self.tries: list[Any] = []                     # the try statements being traced
        self.handled: list[Any] = []                   # what the open except clauses handle
        self.raised: BaseException | None = None       # the user's exception object
        self.active: dict[Any, int] = {}               # calls that are being traced
        self.depth = 0
        self.unrolled = 1                              # trips of the loops being unrolled
        self.session: Any = None
        self.streams = 0
        self.memos = 0
        self.formatting = 0
        self.marked: list[tuple[Any, str]] = []
        self.marks: list[tuple[Any, str]] = []         # of lists, in order (`list_values.mark`)
        self.clock = 0
        self.opposites: dict[Var, Var] = {}            # of conditions that were negated
        self.peeled: set[Any] = set()                  # loops whose first iteration is by itself
        self.notes = Notes()
        self.wary: frozenset[Any] = frozenset()        # keys of the Restarts so far


class Builder:
    """One open block: its equations, the current values of array bases, facts and intervals
    (those of the blocks around it when it was opened, and its own)."""

    def __init__(self, parent: Builder | None, loop: bool = False, state: TraceState | None = None):
        self.parent, self.loop = parent, loop
        self.state: TraceState = parent.state if parent is not None else state or TraceState()
        self.lineage: tuple[Builder, ...] = (*(parent.lineage if parent else ()), self)
        self.eqns: list[Eqn] = []
        self.values: dict[Any, Any] = {}               # base -> Atom or Redirect
        self.base_params: dict[Any, tuple[Var, Atom]] = {}
        self.facts: dict[Var, tuple[Form, ...]] = dict(parent.facts) if parent else {}
        self.bounds: dict[Var, tuple[int, int]] = dict(parent.bounds) if parent else {}
        self.journal: list[tuple[Any, Any]] = []
        self.outer: frozenset[int] = parent.outer if parent else frozenset()
        self.iteration: Var | None = None
        self.trips: tuple[Any, Any, Any] | None = None     # start, stop, step of its `iteration`
        self.scope: tuple[dict[str, Any], Sequence[str]] = {}, ()     # names that its code binds
        self.truths: dict[Var, bool] = dict(parent.truths) if parent and parent.truths else {}
        self.assumed: dict[Any, None] = {}             # choices read by their cache (a loop)

    def sees(self, atom: Any) -> bool:
        """May `atom` be used here? (A literal, or a Var of this block or one around it.)"""
        if type(atom) is not Var:
            return True
        home = self.state.home.get(atom)
        if home is None:
            return False
        depth = len(home.lineage)
        return depth <= len(self.lineage) and self.lineage[depth - 1] is home

    def encloses(self, other: Builder) -> bool:
        """Is this builder `other` or one of the builders around it?"""
        depth = len(self.lineage)
        return depth <= len(other.lineage) and other.lineage[depth - 1] is self

    def bind(self, dtype: Any, shape: tuple[Dim, ...] = (), hint: str = "") -> Var:
        """A new Var that this block defines (a parameter, or the result of an equation to come)."""
        var = Var(Type(dtype, shape), hint)
        self.state.home[var] = self
        return var

    def current(self, base: Any) -> Any:
        """The value (or Redirect) that an array base has now; entering a loop a value becomes a
        parameter."""
        value = self.values.get(base)
        if value is None:
            assert self.parent is not None, "an array without a value"
            value = self.parent.current(base)
            if self.loop and not isinstance(value, Redirect):
                param = self.bind(value.dtype, value.shape)
                self.base_params[base] = param, value
                self.values[base] = value = param
        return value

    def redirect(self, base: Any) -> Redirect | None:
        """Where the content of a base is, if it is not its own here."""
        for b in reversed(self.lineage):
            value = b.values.get(base)
            if value is not None:
                return value if isinstance(value, Redirect) else None
        return None


class _Context(threading.local):
    builder: Builder | None = None
    place: Location | None = None
    splitting: int = 0
    guarded: Builder | None = None          # the block that a call of NumPy's is traced in


CONTEXT = _Context()


def current() -> Builder:
    """The open builder of this thread."""
    builder = CONTEXT.builder
    if builder is None:
        raise InternalError("a traced value is used after its trace has ended")
    return builder


class opened:
    """`with opened(builder):` equations go there."""

    __slots__ = ("builder", "before")

    def __init__(self, builder: Builder):
        self.builder = builder

    def __enter__(self) -> Builder:
        self.before, CONTEXT.builder = CONTEXT.builder, self.builder
        return self.builder

    def __exit__(self, *exc: object) -> None:
        CONTEXT.builder = self.before


# ---- atoms and equations

_lits: dict[Any, Lit] = {}


def lit(value: Any, dtype: Any = None) -> Lit:
    """A constant; small ints and bools are shared."""
    if dtype is None and type(value) in (int, bool):
        key = (type(value), value)
        made = _lits.get(key)
        if made is None:
            if not -2**63 <= value < 2**63:
                raise OverflowError(f"Python int {value} does not fit in 64 bits")
            made = Lit(value)
            if len(_lits) < 10_000:
                _lits[key] = made
        return made
    return Lit(value, dtype)


def _key(atom: Atom) -> Any:
    if type(atom) is Var:
        return atom
    assert isinstance(atom, Lit)
    return (atom.dtype.char, atom.value.tobytes())


OutType = tuple[Any, tuple[Dim, ...]] | Var


def emit(name: str, ins: Sequence[Any], outs: Iterable[OutType], blocks: Sequence[Block] = (),
         **params: Any) -> list[Var]:
    """Append `outs = name[params] ins {blocks}` to the open block and give the result Vars.

    `outs` are (dtype, shape) pairs, or Vars made before (`Builder.bind`). Operands are atoms or
    Python ints. An equal pure equation with scalar results that is visible is used again.
    """
    builder = current()
    state = builder.state
    try:
        op = OPS[name]
    except KeyError:
        raise InternalError(f"no op {name!r}") from None
    atoms = [a if type(a) is Var or type(a) is Lit else lit(a) for a in ins]
    for a in atoms:
        if type(a) is Var and not builder.sees(a):
            raise escaped(a)
    outs = list(outs)
    if flags(op) and not state.notes.quiet and any(a.dtype.kind in "fc" for a in atoms):
        state.notes.note(op, here())
    key = None
    if op.effect == PURE and not blocks and all(type(o) is tuple and not o[1] for o in outs):
        key = (name, tuple(map(_key, atoms)), *((k, str(v)) for k, v in sorted(params.items())))
        found = state.numbered.get(key)
        if found is not None and builder.sees(found[0]):
            return found
    results = []
    for out in outs:
        if type(out) is tuple:
            var = Var(Type(*out))
            for d in out[1]:
                if type(d) is Var and not builder.sees(d):
                    raise escaped(d)
        else:
            assert isinstance(out, Var)
            var = out
        state.home[var] = builder
        results.append(var)
    if op.effect == RAISES and not issubclass(params.get("exception", Exception), HotloopError):
        state.raising += 1              # what users' handlers may catch
    builder.eqns.append(Eqn(op, atoms, results, params, blocks, here()))
    if key is not None:
        state.numbered[key] = results
    return results


@contextmanager
def quiet() -> Iterator[None]:
    """What is emitted inside is arithmetic of Python's own numbers: NumPy has no part in it."""
    notes = current().state.notes
    notes.quiet += 1
    try:
        yield
    finally:
        notes.quiet -= 1


def cause(kinds: str) -> None:
    """What is emitted here sets a floating-point flag where NumPy warns: of errors of `kinds`, or
    for none of them always."""
    notes = current().state.notes
    if kinds:
        notes.add(kinds, notes.ufunc or "cast", here())
    elif not notes.quiet:
        notes.dropped()


@contextmanager
def named(ufunc: str, arrays: bool) -> Iterator[None]:
    """What is emitted inside is what this ufunc does: its warnings say so."""
    notes = current().state.notes
    before, notes.ufunc = notes.ufunc, ufunc if arrays else "scalar " + ufunc
    try:
        yield
    finally:
        notes.ufunc = before


def escaped(var: Var) -> StagingError:
    return StagingError(
        f"a value ({var.type.dtype}) computed inside a staged branch or loop is used outside of it",
        here(), "keep such values in local variables, arrays, or attributes assigned in plain code")


def check(ok: Any, exception: type[BaseException], message: str, *operands: Any,
          attributes: tuple[tuple[Any, ...], ...] | None = None) -> None:
    """At run time: raise exception(message formatted with the operands) unless `ok` holds, with
    `attributes` (`ops.control.exception_of`).

    If `ok` is known to be false the path ends here: raises Dead. Users' try statements handle it
    unless it is an error of hotloop's own.
    """
    if not isinstance(ok, (Var, Lit)):
        ok = lit(bool(ok))
    if type(ok) is Lit:
        if bool(ok.value):
            return
        if CONTEXT.guarded is not None and CONTEXT.guarded is CONTEXT.builder and not issubclass(
                exception, HotloopError):
            raise Certain(exception, message, operands, attributes)
    tries = current().state.tries
    if tries and not issubclass(exception, HotloopError):
        tries[-1].check(ok, exception, message, operands, attributes)
        return
    more: dict[str, Any] = {} if attributes is None else {"attributes": attributes}
    emit("check", [ok, *operands], [], exception=exception, message=message, **more)
    if type(ok) is Lit:
        raise Dead


def fail(exception: type[BaseException], message: str) -> NoReturn:
    """The user's program raises exception(message) here: emits the check and ends the path."""
    check(False, exception, message.replace("{", "{{").replace("}", "}}"))
    raise Dead


# ---- where in the user's source

_internal: dict[int, tuple[Any, bool]] = {}
_places: dict[tuple[int, int], tuple[CodeType, Location]] = {}
_positions: dict[int, tuple[CodeType, list[Any]]] = {}
"""Of the code objects met, by id: the code, its places, the positions of all its instructions."""


def _is_internal(namespace: dict[str, Any]) -> bool:
    known = _internal.get(id(namespace))
    if known is None:
        name = str(namespace.get("__name__", ""))
        answer = name.startswith("hotloop.") or name.split(".")[0] in ("numpy", "contextlib")
        known = _internal[id(namespace)] = namespace, answer
    return known[1]


def here() -> Location | None:
    """The place in the user's source that is being traced."""
    if CONTEXT.place is not None:
        return CONTEXT.place
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_internal(frame.f_globals):
        frame = frame.f_back
    return None if frame is None else _place(frame, frame.f_lasti)


def place_of(frame: FrameType) -> Location:
    """Where a frame stands."""
    return _place(frame, frame.f_lasti)


def raised_at(error: BaseException) -> Location | None:
    """The innermost place in the user's source on the traceback of an error."""
    found = None
    step = error.__traceback__
    while step is not None:
        if not _is_internal(step.tb_frame.f_globals):
            found = _place(step.tb_frame, step.tb_lasti)
        step = step.tb_next
    return found


@contextmanager
def at_place(place: Location | None) -> Iterator[None]:
    """Equations emitted inside belong to `place`."""
    before, CONTEXT.place = CONTEXT.place, place
    try:
        yield
    finally:
        CONTEXT.place = before


def _place(frame: FrameType, last: int) -> Location:
    code = frame.f_code
    found = _places.get((id(code), last))
    if found is None:
        known = _positions.get(id(code))
        if known is None:
            known = _positions[id(code)] = code, list(code.co_positions())
        position = known[1][last // 2]
        line = position[0] or frame.f_lineno
        column = -1 if position[2] is None else position[2]
        place = Location(code.co_filename, line, column, code.co_name)
        found = _places[id(code), last] = code, place
    return found[1]


def unsupported(message: str, remedy: str = "") -> UnsupportedError:
    """An UnsupportedError at the user's line, to be raised."""
    return UnsupportedError("not supported: " + message, here(), remedy)


def staging(message: str, remedy: str = "", known: Any = None) -> StagingError:
    """A StagingError at the user's line, to be raised. `known`: the atom whose value is needed: if
    it follows from numbers or sizes among the arguments, the trace begins again with them."""
    error = StagingError(message, here(), remedy)
    error.inputs, error.counted = _sources_of(known)
    return error


UNROLL_LIMIT = 32
"""A loop that can't be staged is unrolled if it has at most this many trips."""


def inputs_of(atom: Any) -> tuple[Any, ...]:
    """Paths of the arguments (numbers, sizes of arrays) that an atom is computed from; () if from
    other things, too: elements of arrays, variables of long loops."""
    return _sources_of(atom)[0]


def _sources_of(atom: Any) -> tuple[tuple[Any, ...], bool]:
    """`inputs_of`, and whether the atom follows from numbers of trips that are known: if loops
    around are unrolled, it is known."""
    builder = CONTEXT.builder
    if type(atom) is not Var or builder is None:
        return (), False
    session = builder.state.session
    loops = {b.iteration: b.trips for b in builder.lineage if b.trips is not None}
    sizes = {**session.actual, **{d: n for n, d in session.dims.items()}} if loops else {}
    paths: dict[Var, list[Any]] = {}
    for given, var, base in builder.state.session.inputs:
        if given.path[0][0] == "arg":
            if base is None:
                paths.setdefault(var, []).append(given.path)
            for k, d in enumerate(var.shape):
                if type(d) is Var:
                    paths.setdefault(d, []).append((*given.path, ("dim", k)))
    made = {out: eqn for b in builder.lineage for eqn in b.eqns for out in eqn.outs}
    found: dict[Any, None] = {}
    counted = False
    todo = [atom]
    while todo:
        var = todo.pop()
        if var in loops:
            trips = loops[var]
            ends = [sizes.get(x, x) if type(x) is Var else x for x in trips]
            if any(type(x) is Var for x in ends) or len(range(*map(int, ends))) >= UNROLL_LIMIT:
                return (), False
            counted = True
            todo += [x for x in trips if type(x) is Var]
        elif var in paths:
            found.update(dict.fromkeys(paths[var]))
        elif var in made and not made[var].blocks and made[var].op.effect == PURE:
            todo += [a for a in made[var].ins if type(a) is Var]
        else:
            return (), False
    return tuple(found), counted


def is_true(atom: Any) -> bool:
    return type(atom) is Lit and atom.dtype == BOOL and bool(atom.value)
