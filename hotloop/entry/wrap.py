"""A specialization as a table for the native machine (`entry.machine`).

    table = encode(slow, binder, scope)     # scope: a call that the specialization fits
    table.address                           # cells that `hl_run` reads
    table.runs()                            # how many calls it has served

For `def f(a): return a * a + 1` with a:f8[n] the table is

    ARG 0; ARRAY f8, rank 1, contiguous -> slots 8, 9; RUN
    RESULT 0; RETURN

What the machine has no step for makes `encode` raise `NotEncodable`; calls then go through
`entry.slow`. Result trees beyond scalars, arrays, arguments and containers of these are built by
`entry.results`, called from the table.
"""

from __future__ import annotations

import ctypes
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.entry import abi, key
from hotloop.entry.bind import Binder
from hotloop.entry.compiled import Place
from hotloop.entry.flagged import ERROR_STATE, KEEP, Attention
from hotloop.entry.paths import Missing, Owner, Scope, cell, globals_with
from hotloop.entry.raising import users_frames
from hotloop.entry.results import build, by_einsum, narrowed, scalar, windows
from hotloop.entry.slow import Slow
from hotloop.entry.steps import Out, Spec, Step
from hotloop.frontend.traced import (
    ARRAY,
    BYTES,
    CAPSULE,
    NUMPY,
    OBJECT,
    PYTHON,
    TEXT,
    ArrayOut,
    ChosenOut,
    Constant,
    Container,
    Input,
    InputOut,
    Path,
    ScalarOut,
    ViewOut,
    WidenedOut,
)
from hotloop.ir.core import Var

MAX_CELLS = 1 << 15
COMPARED = (int, str, bytes, frozenset)
"""Types whose values the machine may compare by ==: no code of the user's runs."""
CAPSULE_TYPE = type(np._core._multiarray_umath._ARRAY_API)  # type: ignore[attr-defined]


class NotEncodable(Exception):
    """The machine has no step for something in this specialization."""


class Table:
    """A specialization's cells in memory, and all the objects that they point to."""

    def __init__(self, cells: list[int], keep: list[Any], state: Any):
        self.cells = (ctypes.c_uint64 * len(cells))(*(c & (1 << 64) - 1 for c in cells))
        self.address = ctypes.addressof(self.cells)
        self.keep, self.state = keep, state
        self.kept_state: object = None

    def expect(self, state: object) -> None:
        """Fit no call under another error state of NumPy, if that matters."""
        if self.state is not None:
            self.state[0] = id(state)
            self.kept_state = state

    def renew(self, slow: Slow) -> None:
        """Run the kernel that `slow` has now."""
        self.cells[Spec.EXTERNALS] = ctypes.addressof(slow.table)
        self.cells[Spec.KERNEL] = slow.compiled.kernel

    def runs(self) -> int:
        return self.cells[Spec.RUNS]


def encode(slow: Slow, binder: Binder, scope: Scope) -> Table:
    """The table of `slow`; raises NotEncodable. `scope` tells tuples from dicts on paths, and the
    function that the table is for."""
    if not binder.simple:
        raise NotEncodable("keyword-only or variable parameters")
    return _Encoder(slow, binder, scope).table()


class _Encoder:
    def __init__(self, slow: Slow, binder: Binder, scope: Scope):
        self.slow, self.traced, self.scope = slow, slow.traced, scope
        self.arguments = {name: k for k, name in enumerate(binder.names)}
        self.frame = slow.compiled.frame
        self.next_cell = self.frame.size + len(self.frame.results)   # after the array results
        self.found: dict[tuple[Path, int], int] = {}
        self.keep: list[Any] = [slow]
        self.steps: list[int] = []
        self.outs: list[int] = []
        self.depth = self.deepest = 0

    def pointer(self, value: Any) -> int:
        self.keep.append(value)
        return id(value)

    def table(self) -> Table:
        """The tree comes first: it may need paths that are looked up before the kernel runs."""
        self.state = self.error_state()
        self.inputs()
        self.checks()
        self.output()
        for given, place in zip(self.traced.inputs, self.slow.places, strict=True):
            if given.path[0][0] == "random_key":    # last: calls that do not run draw nothing
                self.steps += [Step.RANDOM, ctypes.addressof(key.cell), place.slot]
        self.steps.append(Step.RUN)
        stack, self.next_cell = self.next_cell, self.next_cell + self.deepest
        owned_count = self.next_cell - self.frame.size
        self.extents = {k: self.next_cell + 2 * k for k in range(len(self.traced.inputs))}
        self.patch_extents()
        cells = self.next_cell + 2 * len(self.extents)
        if cells > MAX_CELLS:
            raise NotEncodable("a frame too large for the stack")
        outs = _words(self.outs)
        base = ctypes.addressof(outs)
        for at in self.targets:
            outs[at] = base + 8 * outs[at]
        steps, records = _words(self.steps), _words(self.records())
        compiled, slow = self.slow.compiled, self.slow
        fail, call = slow.failure, _CallBack(slow)
        flagged = _LookInto(slow, tuple(self.arguments), self.scope.called)
        self.keep += [outs, steps, records, fail, call, flagged]
        spec = [0] * len(Spec)
        for at, value in ((Spec.CELLS, cells), (Spec.OWNED, self.frame.size),
                          (Spec.OWNED_COUNT, owned_count), (Spec.KERNEL, compiled.kernel),
                          (Spec.EXTERNALS, ctypes.addressof(slow.table)),
                          (Spec.RESULTS, ctypes.addressof(records)), (Spec.FAIL, id(fail)),
                          (Spec.CALL_BACK, id(call)), (Spec.INPUT, ctypes.addressof(steps)),
                          (Spec.OUTPUT, base), (Spec.STACK, stack),
                          (Spec.FLAGGED, id(flagged)), (Spec.PARAMETERS, len(self.arguments))):
            spec[at] = value
        return Table(spec, self.keep, self.state)

    def error_state(self) -> Any:
        """A function that changes its arguments comes to Python when np.errstate was changed: it
        may have to raise errors now (`Slow.needs_python`)."""
        if not self.slow.written or self.slow.flagged is None:
            return None
        cell = (ctypes.c_uint64 * 1)()
        self.keep.append(cell)
        self.steps += [Step.STATE, self.pointer(ERROR_STATE), ctypes.addressof(cell),
                       self.next_cell]
        self.next_cell += 1
        return cell

    def records(self) -> list[int]:
        """For each of the frame's results: dtype, rank, item size, 0."""
        found = [0, 0, 0, 0] * max(1, len(self.frame.results))
        for out in self.slow.outputs.values():
            if out.slot < 0:
                found[4 * out.number:4 * out.number + 4] = [
                    self.pointer(out.dtype), out.rank, out.dtype.itemsize, 0]
        return found

    # ---- paths

    def locate(self, path: Path, owner: Owner) -> None:
        """Make the object at `path` current."""
        kind, *name = path[0]
        if len(path) == 1 and kind == "arg":
            self.steps += [Step.ARG, self.arguments[name[0]]]
            return
        known = (path, id(owner))
        if known in self.found:
            self.steps += [Step.OWNED, self.found[known]]
            return
        if len(path) > 1:
            self.locate(path[:-1], owner)
            step, operand = self.step(path, owner)
        elif kind == "global":
            space = globals_with(self.scope.owner(owner), name[0])
            step, operand = Step.GLOBAL, [self.pointer(space), self.pointer(name[0])]
        elif kind == "cell":
            step = Step.CELL
            operand = [self.pointer(cell(self.scope.owner(owner), name[0]))]
        else:
            raise NotEncodable(f"a path from {kind}")
        self.found[known] = self.next_cell
        self.steps += [step, *operand, self.next_cell]
        self.next_cell += 1

    def step(self, path: Path, owner: Owner) -> tuple[Step, list[int]]:
        kind, *rest = path[-1]
        container = self.object(path[:-1], owner)
        if kind == "attr":
            return Step.ATTR, [self.pointer(rest[0])]
        if kind == "item" and type(container) is dict:
            return Step.KEY, [self.pointer(rest[0])]
        if kind == "item" and type(container) in (tuple, list) and rest[0] >= 0:
            return Step.INDEX, [rest[0]]
        raise NotEncodable(f"a path through {kind} of {type(container).__name__}")

    def object(self, path: Path, owner: Owner) -> Any:
        try:
            return self.scope.fetch(path, owner)
        except Missing:
            raise NotEncodable(f"nothing at {path}") from None

    # ---- inputs

    def inputs(self) -> None:
        self.extent_words: list[tuple[int, int]] = []     # (place in steps, input)
        dims: dict[Var, int] = {}
        params = self.traced.program.params
        written = [k for k, given in enumerate(self.traced.inputs) if given.written]
        for k, (given, place, param) in enumerate(
                zip(self.traced.inputs, self.slow.places, params, strict=True)):
            if given.path[0][0] == "random_key":
                continue
            self.locate(given.path, given.owner)
            if given.kind in (TEXT, BYTES):
                raise NotEncodable("text of run time")
            if given.kind == ARRAY and place.dims >= 0:
                self.array(k, given, place, param, dims, bool(written))
            else:
                self.value(given, place)
                if given.kind == ARRAY and written:
                    raise NotEncodable("a 0-d array beside one that is written")
        for param, place in zip(params, self.slow.places, strict=True):
            if param in dims:
                self.steps += [Step.SAME, place.slot, dims[param]]
        arrays = [k for k, given in enumerate(self.traced.inputs) if given.kind == ARRAY]
        for j in written:
            for k in arrays:
                if k < j or (k > j and k not in written):
                    self.steps += [Step.APART, 0, 0]
                    end = len(self.steps)
                    self.extent_words += [(end - 2, j), (end - 1, k)]

    def array(self, k: int, given: Input, place: Place, param: Var, dims: dict[Var, int],
              measured: bool) -> None:
        flags = abi.ALIGNED | (abi.CONTIGUOUS if given.contiguous else 0)
        flags |= abi.FORTRAN if given.fortran else 0
        flags |= abi.WRITEABLE if given.written else 0
        inner = given.dtype.itemsize // 2 if place.pair else 0
        self.steps += [Step.ARRAY, self.pointer(given.dtype), given.dtype.num, given.rank, flags,
                       place.slot, place.dims, place.strides, inner, -1, given.dtype.itemsize]
        if measured:
            self.extent_words.append((len(self.steps) - 2, k))
        for axis, dim in enumerate(param.shape):
            if isinstance(dim, int):
                self.steps.append(dim)
            elif dim in dims:
                self.steps.append(-2 - dims[dim])
            else:
                dims[dim] = place.dims + axis
                self.steps.append(-1)

    def patch_extents(self) -> None:
        for at, k in self.extent_words:
            self.steps[at] = self.extents[k]

    def value(self, given: Input, place: Place) -> None:
        dtype, half = given.dtype, given.dtype.itemsize // 2
        if given.kind == OBJECT:
            self.steps += [Step.OBJECT, place.slot]
        elif given.kind == CAPSULE:
            self.steps += [Step.TYPE, self.pointer(CAPSULE_TYPE), Step.CAPSULE, place.slot]
        elif given.kind == ARRAY:
            self.steps += [Step.POINT, self.pointer(dtype), dtype.num,
                           -half if dtype.kind == "c" else dtype.itemsize, place.slot]
        elif given.kind == NUMPY:
            is_pair = dtype.kind == "c"
            self.steps += [Step.PAIR if is_pair else Step.SCALAR, self.pointer(dtype.type),
                           half if is_pair else dtype.itemsize, place.slot]
        else:
            step = {"f": Step.FLOAT, "i": Step.INT, "b": Step.BOOL, "c": Step.COMPLEX}[dtype.kind]
            self.steps += [step, place.slot]

    # ---- guards

    def hold(self, path: Path, owner: Owner) -> int:
        """The owned cell of the object at `path`."""
        known = (path, id(owner))
        if known not in self.found:
            self.locate(path, owner)
            if known not in self.found:      # an argument: nothing else owns it here
                self.found[known] = self.next_cell
                self.steps += [Step.HOLD, self.next_cell]
                self.next_cell += 1
        return self.found[known]

    def checks(self) -> None:
        for (one, owner), (two, its_owner) in self.traced.aliases:
            cells = self.hold(one, owner), self.hold(two, its_owner)
            self.steps += [Step.ALIAS, *cells]
        for path, value in self.traced.statics:
            self.locate(path, None)
            self.equal(path, None, value)
        for guard in self.traced.guards:
            path = guard.path
            if path[-1][0] == "type":
                self.locate(path[:-1], guard.owner)
                self.steps += [Step.TYPE, self.pointer(guard.value)]
            elif path[-1][0] == "len":
                self.locate(path[:-1], guard.owner)
                if type(self.object(path[:-1], guard.owner)) not in (tuple, list):
                    raise NotEncodable("the length of another container")
                self.steps += [Step.TYPE, self.pointer(type(self.object(path[:-1], guard.owner)))]
                self.steps += [Step.SIZE, guard.value]
            elif path[-1][0] == "keys":
                self.locate(path[:-1], guard.owner)
                if type(self.object(path[:-1], guard.owner)) is not dict or not all(
                        type(key) in COMPARED for key in guard.value):
                    raise NotEncodable("keys that are not text or ints")
                self.steps += [Step.KEYS, self.pointer(guard.value)]
            else:
                self.locate(path, guard.owner)
                self.equal(path, guard.owner, guard.value)

    def equal(self, path: Path, owner: Owner, value: Any) -> None:
        """`slow.same` of the current object, which is at `path`, and `value`."""
        if type(value) is float:
            self.steps += [Step.BITS, int(np.float64(value).view(np.uint64))]
        elif type(value) in (tuple, list):
            self.steps += [Step.TYPE, self.pointer(type(value)), Step.SIZE, len(value)]
            for k, item in enumerate(value):
                inner = (*path, ("item", k))
                self.locate(inner, owner)
                self.equal(inner, owner, item)
        elif type(value) in COMPARED or isinstance(value, np.dtype) or (
                type(value) is dict and not value):
            self.steps += [Step.EQUAL, self.pointer(value)]
        else:
            self.steps += [Step.IS, self.pointer(value)]

    # ---- results

    def output(self) -> None:
        """The values of all writes, then the result, then the writes themselves."""
        self.targets: list[int] = []
        trees = [tree for _, _, tree in self.traced.writes]
        self.uses = Counter(k for tree in [*trees, self.traced.result] for k in _arrays(tree))
        start = list(self.steps), self.next_cell, dict(self.found)
        try:
            for path, _, tree in self.traced.writes:
                self.tree(InputOut(path))
                self.tree(tree)
            self.tree(self.traced.result)
            for k, (_, (kind, name), _) in enumerate(self.traced.writes):
                if kind == "whole":
                    raise NotEncodable("a dict of other keys")
                self.outs += [Out.SET_ATTR if kind == "attr" else Out.SET_ITEM, 2 * k,
                              self.pointer(name)]
        except NotEncodable:
            self.steps, self.next_cell, self.found = start
            self.outs, self.targets, self.depth = [], [], 0
            self.finish()
        self.outs.append(Out.RETURN)

    def push(self, *words: int) -> None:
        self.outs += words
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)

    def call(self, function: Any, count: int) -> None:
        self.push(Out.CALL, self.pointer(function), count)
        self.depth -= count

    def tree(self, node: Any) -> None:
        if isinstance(node, ScalarOut):
            self.scalar(node.k, node.kind)
        elif isinstance(node, ArrayOut):
            out = self.output_of(node.k)
            if out.slot >= 0:
                raise NotEncodable("a 0-d array")
            self.push(Out.TAKE if self.uses[node.k] == 1 else Out.RESULT, out.number)
        elif isinstance(node, Constant):
            self.push(Out.OBJECT, self.pointer(node.value))
        elif isinstance(node, InputOut):
            self.input(node)
        elif isinstance(node, WidenedOut):
            self.choice(node.flag, lambda: self.scalar(node.k, node.kind),
                        lambda: self.narrow(node))
        elif isinstance(node, ChosenOut):
            self.choice(node.flag, lambda: self.tree(node.yes), lambda: self.tree(node.no))
        elif isinstance(node, Container):
            for item in node.items:
                self.tree(item)
            plain = Out.TUPLE if node.make is tuple else Out.LIST if node.make is list else None
            self.push(plain or Out.LIST, len(node.items))
            self.depth -= len(node.items)
            if plain is None:
                self.call(node.make, 1)
        else:
            assert isinstance(node, ViewOut)
            self.tree(node.base)
            for step in node.steps:
                self.view(step)

    def view(self, step: tuple[Any, ...]) -> None:
        """A view of the topmost value, by a call of NumPy."""
        kind, given = step
        if kind == "part":
            self.call(operator.attrgetter(given), 1)
            return
        if kind in ("diagonal", "einsum"):
            self.push(Out.OBJECT, self.pointer(given))
        else:
            self.number((*given, ...) if kind == "index" else tuple(given))
        self.call({"index": operator.getitem, "transpose": np.ndarray.transpose,
                   "reshape": np.ndarray.reshape, "broadcast": np.broadcast_to,
                   "diagonal": np.ndarray.diagonal, "einsum": by_einsum,
                   "windows": windows}[kind], 2)

    def number(self, given: Any) -> None:
        """A constant, a result, or a tuple or slice of such."""
        if not any(_numbers(given)):
            self.push(Out.OBJECT, self.pointer(given))
        elif isinstance(given, dict):
            self.scalar(given["result"], PYTHON)
        elif isinstance(given, slice):
            for part in (given.start, given.stop, given.step):
                self.number(part)
            self.call(slice, 3)
        else:
            for part in given:
                self.number(part)
            self.push(Out.TUPLE, len(given))
            self.depth -= len(given)

    def output_of(self, k: int) -> Any:
        if k not in self.slow.outputs:
            raise NotEncodable("a result that lies in an argument")
        return self.slow.outputs[k]

    def scalar(self, k: int, kind: str) -> None:
        out = self.output_of(k)
        if out.slot < 0:
            raise NotEncodable("a scalar in an array")
        plain = {"?": Out.BOOL, "l": Out.INT, "q": Out.INT, "L": Out.UNSIGNED, "Q": Out.UNSIGNED,
                 "d": Out.FLOAT, "D": Out.COMPLEX}.get(out.dtype.char)
        if kind == PYTHON and plain is not None:
            self.push(plain, out.slot)
            return
        if out.dtype.kind == "c":
            self.push(Out.PAIR, self.pointer(out.dtype), out.dtype.itemsize // 2, out.slot)
        else:
            self.push(Out.SCALAR, self.pointer(out.dtype), out.slot)
        if kind == PYTHON:
            self.call(out.dtype.type.item, 1)

    def input(self, node: InputOut) -> None:
        if len(node.path) == 1 and node.path[0][0] == "arg":
            self.push(Out.ARG, self.arguments[node.path[0][1]])
            return
        known = (node.path, id(node.owner))
        if known not in self.found:
            self.locate(node.path, node.owner)
        self.push(Out.OWNED, self.found[known])

    def choice(self, flag: int, yes: Callable[[], None], no: Callable[[], None]) -> None:
        """The value of `yes` if result `flag` is true, else that of `no`."""
        self.outs += [Out.UNLESS, self.output_of(flag).slot, 0]
        to_no = len(self.outs) - 1
        yes()
        self.outs += [Out.GOTO, 0]
        to_end = len(self.outs) - 1
        self.depth -= 1
        self.outs[to_no] = len(self.outs)
        no()
        self.outs[to_end] = len(self.outs)
        self.targets += [to_no, to_end]

    def narrow(self, node: WidenedOut) -> None:
        if node.narrow_kind is None:
            self.push(Out.OBJECT, self.pointer(None))
        else:
            self.scalar(node.k, NUMPY)
            self.call(_Narrow(node.narrow_dtype, node.narrow_kind), 1)

    def finish(self) -> None:
        """All arguments and results to `entry.results.build`."""
        for k in range(len(self.arguments)):
            self.push(Out.ARG, k)
        for k, out in self.slow.outputs.items():
            if out.slot < 0:
                self.push(Out.RESULT, out.number)
            else:
                self.scalar(k, NUMPY)
        finish = _Finish(self.slow, tuple(self.arguments), self.scope.called)
        self.call(finish, len(self.arguments) + len(self.slow.outputs))


def _arrays(node: Any) -> Iterator[int]:
    """The array results in a tree, each as often as it stands there."""
    if isinstance(node, ArrayOut):
        yield node.k
    elif isinstance(node, ViewOut):
        yield from _arrays(node.base)
    elif isinstance(node, Container):
        for item in node.items:
            yield from _arrays(item)
    elif isinstance(node, ChosenOut):
        yield from _arrays(node.yes)
        yield from _arrays(node.no)


def _numbers(given: Any) -> Iterator[bool]:
    """True for each result that a step of a view refers to."""
    if isinstance(given, dict):
        yield True
    elif isinstance(given, tuple):
        for part in given:
            yield from _numbers(part)
    elif isinstance(given, slice):
        yield from _numbers((given.start, given.stop, given.step))


class _Finish:
    """Builds the result from all arguments and results."""

    def __init__(self, slow: Slow, names: tuple[str, ...], called: Owner):
        self.slow, self.names, self.called = slow, names, called

    def __call__(self, *given: Any) -> Any:
        bound = dict(zip(self.names, given, strict=False))
        results = dict(zip(self.slow.outputs, given[len(self.names):], strict=True))
        return build(self.slow.traced, Scope(bound, self.slow.function, self.called), results)


class _Narrow:
    def __init__(self, dtype: np.dtype | None, kind: str):
        self.dtype, self.kind = dtype, kind

    def __call__(self, raw: Any) -> Any:
        return scalar(raw if self.dtype is None else narrowed(raw, self.dtype), self.kind)


class _CallBack:
    def __init__(self, slow: Slow):
        self.slow = slow

    def __call__(self, site: int, operands: int) -> None:
        try:
            self.slow.call_back(site, operands)
        except BaseException as error:
            error.__traceback__ = users_frames(error.__traceback__)
            raise


class _LookInto:
    """Gives a call's warnings (`entry.flagged`), by the function `called`; itself, or the result
    that Python had."""

    def __init__(self, slow: Slow, names: tuple[str, ...], called: Owner):
        self.slow, self.names, self.called = slow, names, called

    def __call__(self, *args: Any) -> Any:
        slow, function = self.slow, self.called or self.slow.function
        assert slow.flagged is not None and function is not None

        def seconds() -> float:
            return slow.seconds(Scope(dict(zip(self.names, args, strict=True)), slow.function,
                                      self.called))
        try:
            if slow.written:
                if slow.flagged.attention(slow.flagged.modes()) is not Attention.NONE:
                    for state in list(slow.users):      # too late for this call, but not the next
                        state.uninstall(slow)
                return self
            result = slow.flagged.look(lambda: function(*args), seconds)
        except BaseException as error:
            error.__traceback__ = users_frames(error.__traceback__)
            raise
        return self if result is KEEP else result


def _words(values: list[int]) -> Any:
    return (ctypes.c_uint64 * len(values))(*(v & (1 << 64) - 1 for v in values))
