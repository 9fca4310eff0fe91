"""The meaning of a Kernel: run it on NumPy values, one statement after the other.

    run(lower(program, [True]), [np.arange(3.0)])        # the results, in order

The oracle of all passes over Loops. Nothing is fast here and nothing is left out: memory that is
allocated but not stored to holds noise, memory that was freed can't be read, an index outside its
axis is an error.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.errors import InternalError
from hotloop.loops import foreign
from hotloop.loops.core import (
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    For,
    Free,
    If,
    Kernel,
    Let,
    Nest,
    ScalarParam,
    Statement,
    Store,
    While,
)
from hotloop.loops.expr import Expr, operands
from hotloop.loops.scalar import SCALAR_OPS, identity
from hotloop.loops.text import show


def run(kernel: Kernel, args: Sequence[Any]) -> list[Any]:
    """The kernel's results in order. `args` are the Program's; complex ones are taken apart here
    (an array to floats with a last axis of 2, a scalar to two). Arrays whose parameter is
    ARG_WRITTEN are changed."""
    machine = _Machine(kernel)
    with np.errstate(all="ignore"):
        machine.bind(_floats(args))
        machine.run(kernel.body, keep=True)
        return [machine.memory[r] if isinstance(r, Buffer) else machine.value(r)
                for r in kernel.results]


def _floats(args: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in args:
        if not np.iscomplexobj(value):
            found.append(value)
        elif isinstance(value, np.ndarray):
            part = value.real.dtype
            found.append(np.lib.stride_tricks.as_strided(
                value.view(), (*value.shape, 1), (*value.strides, value.itemsize)).view(part))
        else:
            found += [np.real(value), np.imag(value)]
    return found


def _noise(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    if min(shape, default=1) < 0:
        raise InternalError(f"memory of shape {shape}")
    return np.full(shape, np.nan if dtype.kind == "f" else 77, dtype)


class _Stop(Exception):
    """A check failed in a loop that ends there."""


def _seen_as(memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The bytes of an array as those of another one."""
    if math.prod(shape) * dtype.itemsize != memory.nbytes or not memory.flags.c_contiguous:
        raise InternalError(f"{dtype}{list(shape)} over {memory.dtype}{list(memory.shape)}")
    return memory.reshape(-1).view(dtype).reshape(shape)


class _Machine:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.names: dict[str, Any] = {}
        self.memory: dict[Buffer, np.ndarray] = {}
        self.stopping = 0                   # loops around that end where a check fails

    def bind(self, args: list[Any]) -> None:
        for param, value in zip(self.kernel.params, args, strict=True):
            if isinstance(param, ScalarParam):
                self.names[param.name] = param.dtype.type(value)
                continue
            array = np.asarray(value) if np.ndim(value) else value
            if not isinstance(array, np.ndarray) or array.dtype != param.dtype:
                raise InternalError(f"{param} takes an array of {param.dtype}, not {value!r}")
            for where, sizes in ((param.shape, array.shape), (param.strides or (), array.strides)):
                for x, size in zip(where, sizes, strict=False):
                    if x.op == "var":
                        self.names.setdefault(x.args[0], np.int64(size))
            self.memory[param] = array

    # ---- expressions

    def value(self, x: Expr) -> Any:
        memo: dict[Expr, Any] = {}
        stack = [x]
        while stack:
            node = stack[-1]
            missing = [k for k in operands(node) if k not in memo]
            if missing:
                stack += missing
                continue
            memo[node] = self.apply(node, [memo[k] for k in operands(node)])
            stack.pop()
        return memo[x]

    def apply(self, node: Expr, args: list[Any]) -> Any:
        match node.op:
            case "lit":
                return node.args[0]
            case "var":
                if node.args[0] not in self.names:
                    raise InternalError(f"{node.args[0]} is not bound")
                return self.names[node.args[0]]
            case "aff":
                total = node.args[0] + sum(int(v) * k
                                           for v, (_, k) in zip(args, node.args[1], strict=True))
                return np.int64((total + 2**63) % 2**64 - 2**63)
            case "load":
                return self.array(node.args[0])[self.index(node.args[0], args)]
            case "convert":
                return args[0].astype(node.dtype)
            case "bitcast":
                return args[0].view(node.dtype)
        result = SCALAR_OPS[node.op].evaluate(*args)
        return np.asarray(result).astype(node.dtype)[()]

    def array(self, buffer: Buffer) -> np.ndarray:
        if buffer not in self.memory:
            raise InternalError(f"{buffer} has no memory")
        return self.memory[buffer]

    def index(self, buffer: Buffer, values: list[Any]) -> tuple[int, ...]:
        index = tuple(map(int, values))
        shape = self.array(buffer).shape
        if len(index) == 1 and len(shape) != 1 and buffer.strides is None and (
                0 <= index[0] < self.array(buffer).size):
            return tuple(map(int, np.unravel_index(index[0], shape)))   # counts in C order
        if len(index) == 1 and len(shape) > 1 and buffer.strides is None:
            if not 0 <= index[0] < self.array(buffer).size:
                raise InternalError(f"element {index[0]} of {buffer} of shape {shape}")
            return tuple(map(int, np.unravel_index(index[0], shape)))
        if len(index) != len(shape) or not all(
                0 <= i < n for i, n in zip(index, shape, strict=True)):
            raise InternalError(f"{buffer}[{index}] of shape {shape}")
        return index

    # ---- statements

    def run(self, statements: list[Statement], keep: bool = False) -> None:
        for statement in statements:
            try:
                self.step(statement)
            except InternalError as error:
                if "\nin " not in error.message:
                    error.message += f"\nin {show([statement])}"
                raise
        if not keep:
            self.free(statements)

    def free(self, statements: list[Statement]) -> None:
        for statement in statements:
            if isinstance(statement, Alloc):
                self.memory.pop(statement.buffer, None)

    def step(self, statement: Statement) -> None:
        match statement:
            case Let(name, value):
                self.names[name] = self.value(value)
            case Store(buffer, index, value, combine):
                self.store(buffer, [self.value(i) for i in index], self.value(value), combine)
            case For():
                self.loop_for(statement)
            case While():
                self.loop_while(statement)
            case If(cond, then, orelse, outs):
                chosen = bool(self.value(cond))
                arm = then if chosen else orelse
                self.run(arm, keep=True)
                values = [self.value(out[2] if chosen else out[3]) for out in outs]
                self.names.update(zip((out[0] for out in outs), values, strict=True))
                self.free(arm)
            case Check(cond, error, messages):
                if not self.value(cond):
                    if self.stopping:
                        raise _Stop
                    site = self.kernel.errors[error]
                    values = [self.value(x).item() for x in messages]
                    raise site.exception(*[site.message.format(*values)] if site.message else [])
            case Call():
                self.call(statement)
            case Alloc(buffer):
                sizes = tuple(int(self.value(d)) for d in statement.sizes)
                self.memory[buffer] = _noise(sizes, buffer.dtype) if statement.over is None else (
                    _seen_as(self.array(statement.over), sizes, buffer.dtype))
            case Free(buffer):
                del self.memory[buffer]
            case Nest():
                self.nest(statement)

    def store(self, buffer: Buffer, index: list[Any], value: Any, combine: str | None) -> None:
        at = self.index(buffer, index)
        array = self.array(buffer)
        if combine is not None:
            value = SCALAR_OPS[combine].evaluate(array[at], value)
        if np.asarray(value).dtype != buffer.dtype:
            raise InternalError(f"a {np.asarray(value).dtype} is stored to {buffer}")
        array[at] = value

    def begin(self, carries: list[Carry]) -> None:
        values = [self.value(c.init) for c in carries]
        self.names.update(zip((c.name for c in carries), values, strict=True))

    def end(self, loop: For | While) -> None:
        """The end of an iteration: carries and pointers change in parallel, then memory of the
        body is freed."""
        values = [self.value(c.next) for c in loop.carries]
        self.names.update(zip((c.name for c in loop.carries), values, strict=True))
        memory = [self.array(right) for _, right in loop.swaps]
        self.memory.update(zip((left for left, _ in loop.swaps), memory, strict=True))
        self.free(loop.body)

    def loop_for(self, loop: For) -> None:
        for buffer in loop.private:
            sizes = tuple(max(0, int(self.value(d))) for d in buffer.shape)
            self.memory[buffer] = _noise(sizes, buffer.dtype)
        self.run(loop.first, keep=True)
        lo, hi, step = (int(self.value(x)) for x in (loop.lo, loop.hi, loop.step))
        self.begin(loop.carries)
        if loop.stop is not None:
            self.stopping += 1
            self.names[loop.stop] = np.int64(self.loop_until_stop(loop, range(lo, hi, step)))
            self.stopping -= 1
            return
        for i in range(lo, hi, step):
            self.names[loop.var] = np.int64(i)
            self.run(loop.body, keep=True)
            self.end(loop)
            if loop.until is not None and self.names[loop.until]:
                break
        for buffer in loop.private:
            del self.memory[buffer]

    def loop_until_stop(self, loop: For, iterations: range) -> int:
        """The first iteration left out."""
        for i in iterations:
            self.names[loop.var] = np.int64(i)
            outside = {c.name: self.names[c.name] for c in loop.carries}
            try:
                self.run(loop.body, keep=True)
            except _Stop:
                self.names.update(outside)
                return i
            self.end(loop)
        return iterations[-1] + iterations.step if iterations else iterations.start

    def loop_while(self, loop: While) -> None:
        self.begin(loop.carries)
        while True:
            self.run(loop.test, keep=True)
            proceed = bool(self.value(loop.cond))
            self.free(loop.test)
            if not proceed:
                break
            self.run(loop.body, keep=True)
            self.end(loop)

    def call(self, call: Call) -> None:
        if call.routine == "grow":
            self.grow(*call.ins)  # type: ignore[arg-type]
            return
        if call.routine == "invoke":
            self.invoke(call)
            return
        if not 0 <= call.site < len(self.kernel.sites):
            raise InternalError(f"call of {call.routine} has no meaning: no site {call.site}")
        ins = [self.array(x) if isinstance(x, Buffer) else self.value(x) for x in call.ins]
        site: Any = self.kernel.sites[call.site]
        if call.routine in foreign.ROUTINES:
            values = foreign.run(call, site, ins, [self.array(b) for b in call.outs])
            self.names.update(zip((name for name, _ in call.scalars), values, strict=True))
            return
        results = site(*ins)
        if not isinstance(results, tuple):
            results = (results,)
        for buffer, result in zip(call.outs, results, strict=False):
            self.array(buffer)[...] = result
        for (name, dtype), result in zip(call.scalars, results[len(call.outs):], strict=True):
            self.names[name] = dtype.type(result)

    def invoke(self, call: Call) -> None:
        machine = _Machine(self.kernel.functions[call.site])
        given = iter(call.ins)
        for param in machine.kernel.params:
            value: Any = next(given)
            if isinstance(param, ScalarParam):
                machine.names[param.name] = self.value(value)
                continue
            sizes = [int(self.value(next(given))) for _ in param.shape]  # type: ignore[arg-type]
            for x, size in zip(param.shape, sizes, strict=True):
                if x.op == "var":
                    machine.names.setdefault(x.args[0], np.int64(size))
            machine.memory[param] = self.array(value)[tuple(map(slice, sizes))]
        machine.run(machine.kernel.body, keep=True)
        for (name, _), result in zip(call.scalars, machine.kernel.results, strict=True):
            self.names[name] = machine.value(result)  # type: ignore[arg-type]
        given = iter(call.ins)
        for param in machine.kernel.params:
            passed = next(given)
            if isinstance(param, Buffer):
                if isinstance(passed, Buffer) and passed in call.moved:
                    self.memory[passed] = machine.memory[param]
                for _ in param.shape:
                    next(given)

    def grow(self, buffer: Buffer, old: Expr, new: Expr) -> None:
        memory, kept, rows = self.array(buffer), int(self.value(old)), int(self.value(new))
        if rows > kept:
            self.memory[buffer] = more = np.zeros((rows, *memory.shape[1:]), buffer.dtype)
            more[:kept] = memory[:kept]

    def nest(self, nest: Nest) -> None:
        extents = [int(self.value(x)) for x in nest.domain]
        kept = len(extents) - nest.reduced
        for outer in itertools.product(*map(range, extents[:kept])):
            self.names.update(zip(nest.vars, map(np.int64, outer), strict=False))
            if nest.combine is not None:
                (buffer, index, _), = nest.stores
                self.store(buffer, [self.value(i) for i in index],
                           identity(nest.combine, buffer.dtype), None)
            for inner in itertools.product(*map(range, extents[kept:])):
                self.names.update(zip(nest.vars[kept:], map(np.int64, inner), strict=True))
                ready = [(b, [self.value(i) for i in index], self.value(x))
                         for b, index, x in nest.stores]
                for b, index_values, x in ready:
                    self.store(b, index_values, x, nest.combine)
