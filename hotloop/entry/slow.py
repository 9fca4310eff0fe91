"""Calling a kernel from Python: guards, frame, call, result. Always right, ten microseconds slow.

    slow = Slow(compiled)
    scope = Scope({"x": array})
    found = slow.match(scope)          # list of values | MISS | PYTHON
    if isinstance(found, list):
        result = slow.run(found, scope)

It is the meaning of the native machine (`entry.machine`), what calls fall back to when a platform
has no machine, and the first call of every specialization.
"""

from __future__ import annotations

import ctypes
import enum
import itertools
import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.entry import key
from hotloop.entry.calling import caller
from hotloop.entry.compiled import Compiled, Place, outputs, places
from hotloop.entry.flagged import KEEP, Flagged, copies, timed
from hotloop.entry.paths import Missing, Owner, Scope
from hotloop.entry.raising import exception_at
from hotloop.entry.results import build
from hotloop.frontend.traced import ARRAY, BYTES, CAPSULE, NUMPY, OBJECT, TEXT, Input
from hotloop.ir.core import Var
from hotloop.llvm.flags import SHIFT
from hotloop.llvm.frame import ALLOC, CALL, CONTEXT, OPERANDS, TABLE
from hotloop.ops.generators import pointer_in
from hotloop.ops.table import MAX_OPERANDS
from hotloop.ops.text_calls import codes_of


class Outcome(enum.Enum):
    MISS = "another specialization is needed"
    PYTHON = "the values are outside what compiled code handles: Python must run the function"
    FAILS = "the function raises whatever the values are: Python must run it"


FLAGGED = 1 << SHIFT
"""A kernel's result from which on it reports floating-point flags."""

MISS, PYTHON, FAILS = Outcome.MISS, Outcome.PYTHON, Outcome.FAILS

KERNEL = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
ALLOCATE = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
CALL_BACK = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)

PYTHON_TYPES: dict[str, type] = {"b": bool, "i": int, "f": float, "c": complex}


def _cells(table: tuple[int, ...]) -> Any:
    return (ctypes.c_uint64 * max(1, len(table)))(*table)


class Slow:
    """One specialization, callable from Python; `function` is what was traced."""

    def __init__(self, compiled: Compiled, function: Owner = None):
        self.compiled, self.function = compiled, function
        self.traced = compiled.traced
        self.places = places(compiled)
        self.outputs = outputs(compiled)
        self.kernel = KERNEL(compiled.kernel)
        self.table, self.tables = _cells(compiled.table), list[Any]()
        warned = self.traced.warned
        self.flagged = Flagged(warned, bool(self.traced.writes)) if warned is not None else None
        self.users: weakref.WeakSet[Any] = weakref.WeakSet()
        self.callers: dict[int, tuple[Any, Callable[[int], None]]] = {}
        self.written = [k for k, given in enumerate(self.traced.inputs) if given.written]
        compiled.users.add(self)

    def renewed(self) -> None:
        """There is a better kernel. The table comes first: it serves the old one, too."""
        self.tables.append(self.table)
        self.table = _cells(self.compiled.table)
        self.kernel = KERNEL(self.compiled.kernel)
        for user in list(self.users):
            user.renew(self)

    def call_back(self, number: int, operands: int) -> None:
        """Call a site of the kernel with operands in memory."""
        site = self.compiled.sites[number]
        known = self.callers.get(number)
        if known is None or known[0] is not site:
            known = self.callers[number] = site, caller(site, self.compiled.calls[number])
        known[1](operands)

    def needs_python(self) -> bool:
        """Must calls come by way of Python, which keeps copies of the arrays that they write? So
        it is if NumPy is to raise errors or to give all warnings."""
        return bool(self.written) and self.flagged is not None and self.flagged.strict()

    def match(self, scope: Scope) -> list[Any] | Outcome:
        """The parameters' values if the specialization fits."""
        try:
            for guard in self.traced.guards:
                if not same(scope.fetch(guard.path, guard.owner), guard.value):
                    return MISS
            for path, value in self.traced.statics:
                if not same(scope.fetch(path, None), value):
                    return MISS
            for (one, owner), (two, its_owner) in self.traced.aliases:
                if scope.fetch(one, owner) is not scope.fetch(two, its_owner):
                    return MISS
            return self._values(scope)
        except Missing:
            return MISS

    def _values(self, scope: Scope) -> list[Any] | Outcome:
        values: list[Any] = []
        python = False
        dims: dict[Var, int] = {}
        params = self.traced.program.params
        for given, param, place in zip(self.traced.inputs, params, self.places, strict=True):
            if given.path[0][0] == "random_key":
                values.append(None)
                continue
            value = scope.fetch(given.path, given.owner)
            if given.kind in (OBJECT, CAPSULE):
                value = np.int64(id(value) if given.kind == OBJECT else pointer_in(value))
            elif given.kind == ARRAY:
                if not _fits(given, value):
                    return MISS
                python |= not value.flags.aligned or (given.written and not value.flags.writeable)
                python |= given.written and place.dims < 0
                for dim, actual in zip(param.shape, value.shape, strict=True):
                    if isinstance(dim, int):
                        if dim != actual:
                            return MISS
                    elif actual == 1 or dims.setdefault(dim, actual) != actual:
                        return MISS
            elif given.kind in (TEXT, BYTES):
                if type(value).__name__ != given.kind or type(value) not in (str, bytes):
                    return MISS
                value = codes_of(value)
            elif given.kind == NUMPY:
                if type(value) is not given.dtype.type:
                    return MISS
            else:
                if type(value) is not PYTHON_TYPES[given.dtype.kind]:
                    return MISS
                python |= type(value) is int and not -(1 << 63) <= value < 1 << 63
            values.append(value)
        for param, value in zip(params, values, strict=True):
            if param in dims and dims[param] != value:
                return MISS
        for k in self.written:
            python |= any(j != k and self.traced.inputs[j].kind == ARRAY
                          and np.may_share_memory(values[k], values[j])
                          for j in range(len(values)))
        if python:
            return PYTHON
        for k, given in enumerate(self.traced.inputs):
            if given.path[0][0] == "random_key":
                values[k] = key.fresh()     # last: calls that do not run draw nothing
        return values

    def run(self, values: list[Any], scope: Scope,
            again: Callable[[], Any] | None = None) -> Any:
        """Call the kernel; returns the call's result or raises what it raised. `again` makes Python
        do the call, for NumPy's warnings; without it there are none."""
        written = [values[k] for k in self.written]
        before = copies(written) if again is not None and self.flagged is not None else None
        call = self.filled(values)
        status, seconds = timed(call.run)
        if status >= FLAGGED and again is not None:
            assert self.flagged is not None
            result = self.flagged.look(again, lambda: seconds, written, before)
            if result is not KEEP:
                return result
        elif 0 < status < FLAGGED:
            raise self.failure(status, ctypes.addressof(call.frame))
        return build(self.traced, scope, call.results())

    def filled(self, values: list[Any]) -> Call:
        """A run of the kernel with these parameters."""
        call = Call(self)
        for given, place, value in zip(self.traced.inputs, self.places, values, strict=True):
            fill(call.frame, given, place, value)
        return call

    def seconds(self, scope: Scope) -> float:
        """How long the kernel takes for these arguments, which it does not change."""
        values = self.match(scope)
        return math.inf if isinstance(values, Outcome) else timed(self.filled(values).run)[1]

    def failure(self, status: int, frame: int) -> BaseException:
        """What the failed check `status - 1` raises; its operands lie in the frame at `frame`."""
        number = status - 1
        operands = [read(frame + 8 * (OPERANDS + k), dtype).item()
                    for k, dtype in enumerate(self.compiled.checks[number][:MAX_OPERANDS])]
        return exception_at(self.compiled.errors[number], operands)


def same(a: Any, b: Any) -> bool:
    """Identity, or equality of type and value for numbers, strings and containers of such."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex, np.generic)):
        return np.asarray(a).tobytes() == np.asarray(b).tobytes()
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    return isinstance(a, (int, str, bytes, frozenset, np.dtype)) and a == b


def _fits(given: Input, value: Any) -> bool:
    return (type(value) is np.ndarray and value.dtype == given.dtype and value.dtype.isnative
            and value.ndim == given.rank
            and (not given.contiguous or value.flags.c_contiguous)
            and (not given.fortran or value.flags.f_contiguous))


def fill(frame: Any, given: Input, place: Place, value: Any) -> None:
    """Write one parameter's slots."""
    if place.dims < 0:
        write(ctypes.addressof(frame) + 8 * place.slot,
              given.dtype.type(value[()] if given.kind == ARRAY else value))
        return
    frame[place.slot] = value.ctypes.data
    at = place.dims
    for dim in (*value.shape, 2) if place.pair else value.shape:
        frame[at] = dim
        at += 1
    if place.strides >= 0:
        inner = (given.dtype.itemsize // 2,) if place.pair else ()
        for k, stride in enumerate((*value.strides, *inner)):
            frame[place.strides + k] = stride & (1 << 64) - 1


def write(address: int, value: np.generic) -> None:
    """Put a NumPy scalar in its cell or, if it is complex, its two cells."""
    for k, part in enumerate((value.real, value.imag) if value.dtype.kind == "c" else (value,)):
        ctypes.memmove(address + 8 * k, np.asarray(part).tobytes().ljust(8, b"\0"), 8)


def read(address: int, dtype: np.dtype) -> Any:
    """The NumPy scalar of `dtype` in the cell at `address` (and the next if complex)."""
    if dtype.kind == "c":
        half = dtype.itemsize // 2
        text = ctypes.string_at(address, half) + ctypes.string_at(address + 8, half)
    else:
        text = ctypes.string_at(address, dtype.itemsize)
    return np.frombuffer(text, dtype)[0]


class Call:
    """One run of a kernel: its frame, the arrays made for it, the exception raised in it."""

    def __init__(self, slow: Slow):
        self.slow = slow
        self.frame = (ctypes.c_uint64 * (slow.compiled.frame.size + 1))()
        self.arrays: dict[int, np.ndarray] = {}
        self.error: BaseException | None = None

    def run(self) -> int:
        number = next(_numbers)
        self.frame[ALLOC], self.frame[CALL] = _allocate_address, _call_address
        self.frame[TABLE] = ctypes.addressof(self.slow.table)
        self.frame[CONTEXT] = number
        _active[number] = self
        try:
            status = self.slow.kernel(ctypes.addressof(self.frame))
        finally:
            del _active[number]
        if self.error is not None:
            raise self.error
        return status

    def results(self) -> dict[int, Any]:
        return {k: self.arrays[out.number] if out.slot < 0
                else read(ctypes.addressof(self.frame) + 8 * out.slot, out.dtype)
                for k, out in self.slow.outputs.items()}

    def allocate(self, result: int, dims: int) -> int:
        out = next(o for o in self.slow.outputs.values() if o.number == result and o.slot < 0)
        shape = (ctypes.c_int64 * out.rank).from_address(dims)[:]
        array = self.arrays[result] = np.empty(shape, out.dtype)
        return array.ctypes.data

    def call(self, site: int, operands: int) -> None:
        self.slow.call_back(site, operands)


_active: dict[int, Call] = {}
_numbers = itertools.count(1)


def _running(frame: int) -> Call:
    return _active[ctypes.c_uint64.from_address(frame + 8 * CONTEXT).value]


@ALLOCATE
def _allocate(frame, result, dims):
    """A call-back must not let an exception out (ctypes would print it): it is kept for `run`."""
    call = _running(frame)
    try:
        return call.allocate(result, dims)
    except BaseException as error:
        call.error = error
        return None


@CALL_BACK
def _call(frame, site, operands):
    call = _running(frame)
    try:
        call.call(site, operands)
    except BaseException as error:
        call.error = error
        return -1
    return 0


_allocate_address = ctypes.cast(_allocate, ctypes.c_void_p).value or 0
_call_address = ctypes.cast(_call, ctypes.c_void_p).value or 0
