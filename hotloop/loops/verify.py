"""Is a Kernel well formed? Run after lowering and after each pass (HOTLOOP_VERIFY).

    verify(kernel)      # raises InternalError that shows the statement

Names are bound once, before they are used, in a list that encloses the use; dtypes fit; buffers
have memory where they are read or written; indices have the buffer's rank; a combiner combines.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hotloop.errors import InternalError
from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    LENT,
    MOVABLE,
    RESULT,
    TEMP,
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
from hotloop.loops.expr import BOOL, F64, I64, Expr, operands, var
from hotloop.loops.rewrite import binds
from hotloop.loops.scalar import SCALAR_OPS, is_combiner
from hotloop.loops.text import show


def verify(kernel: Kernel) -> None:
    """Raise InternalError if `kernel` breaks a rule, with the statement and what is wrong."""
    _Verifier(kernel).run()


class _Verifier:
    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.names: dict[str, np.dtype] = {}
        self.taken: set[str] = set()
        self.alive: set[Buffer] = set()
        self.known: set[Expr] = set()       # expressions found right, in the present scope
        self.stopping = False               # inside a loop whose checks raise nothing

    def fail(self, message: str) -> InternalError:
        return InternalError(message)

    def run(self) -> None:
        for param in self.kernel.params:       # a size may be a parameter of its own, too
            if isinstance(param, ScalarParam):
                self.bind(param.name, param.dtype)
        for position, param in enumerate(self.kernel.params):
            if isinstance(param, ScalarParam):
                continue
            if param.kind not in (ARG, ARG_WRITTEN, LENT) or param.index != position:
                raise self.fail(f"parameter {position} is {param} of kind {param.kind}")
            for x in (*param.shape, *(param.strides or ())):
                if x.op == "var" and x.args[0] not in self.names:
                    self.bind(x.args[0], I64)
            self.alive.add(param)
        for param in self.kernel.params:
            if isinstance(param, Buffer):
                self.integers(param.shape, f"the shape of {param}")
                self.integers(param.strides or (), f"the strides of {param}")
        self.statements(self.kernel.body)
        for position, result in enumerate(self.kernel.results):
            if isinstance(result, Expr):
                self.expression(result)
            elif result.kind != RESULT or result.index != position:
                raise self.fail(f"result {position} is {result} of kind {result.kind}")
            elif result not in self.alive:
                raise self.fail(f"result {result} is never allocated")

    # ---- names and expressions

    def bind(self, name: str, dtype: np.dtype) -> None:
        if name in self.taken:
            raise self.fail(f"{name} is bound twice")
        self.taken.add(name)
        self.names[name] = dtype

    def integers(self, values: Iterable[Expr], what: str) -> None:
        for x in values:
            if x.dtype != I64:
                raise self.fail(f"{what} has a {x.dtype}")
            self.expression(x)

    def boolean(self, x: Expr) -> None:
        if x.dtype != BOOL:
            raise self.fail(f"the condition {x!r} is a {x.dtype}")
        self.expression(x)

    def expression(self, x: Expr) -> None:
        stack = [x]
        while stack:
            node = stack.pop()
            if node in self.known:
                continue
            self.node(node)
            self.known.add(node)
            stack += operands(node)

    def node(self, node: Expr) -> None:
        if node.op == "var":
            dtype = self.names.get(node.args[0])
            if dtype is None:
                raise self.fail(f"{node!r} is not bound here")
            if dtype != node.dtype:
                raise self.fail(f"{node!r} is a {dtype}, used as a {node.dtype}")
        elif node.op == "load":
            self.access(node.args[0], node.args[1:])
        elif node.op in SCALAR_OPS and len(node.args) != SCALAR_OPS[node.op].arity:
            raise self.fail(f"{node.op} of {len(node.args)} operands")

    def access(self, buffer: Buffer, index: tuple[Expr, ...]) -> None:
        if buffer not in self.alive:
            raise self.fail(f"{buffer} has no memory here")
        counted = len(index) == 1 and buffer.strides is None
        if len(index) != len(buffer.shape) and not counted:
            raise self.fail(f"{buffer} of rank {len(buffer.shape)} at {len(index)} indices")
        if any(i.dtype != I64 for i in index):
            raise self.fail(f"an index of {buffer} is no i64")

    def store(self, buffer: Buffer, index: tuple[Expr, ...], value: Expr,
              combine: str | None) -> None:
        self.access(buffer, index)
        for x in (*index, value):
            self.expression(x)
        if buffer.kind == ARG:
            raise self.fail(f"a store to the argument {buffer}")
        if value.dtype != buffer.dtype:
            raise self.fail(f"a {value.dtype} is stored to {buffer} of {buffer.dtype}")
        if combine is not None and not is_combiner(combine):
            raise self.fail(f"{combine} is no combiner")

    # ---- statements

    def statements(self, statements: list[Statement]) -> None:
        for statement in statements:
            try:
                self.statement(statement)
            except InternalError as error:
                if "\nin " not in error.message:
                    raise InternalError(f"{error.message}\nin {show([statement])}") from None
                raise

    def inside(self, statements: list[Statement], ends: Iterable[Expr] = ()) -> None:
        """A list of its own scope, with the expressions evaluated at its end."""
        names, alive, known = dict(self.names), set(self.alive), set(self.known)
        self.statements(statements)
        for x in ends:
            self.expression(x)
        results = {b for b in self.alive if b.kind == RESULT}
        self.names, self.alive, self.known = names, alive | results, known

    def statement(self, s: Statement) -> None:
        match s:
            case Let():
                self.expression(s.value)
                self.bind(s.name, s.value.dtype)
            case Store():
                self.store(s.buffer, s.index, s.value, s.combine)
                if s.past is not None:
                    self.boolean(s.past)
            case Alloc():
                if s.buffer.kind not in (TEMP, RESULT) or s.buffer in self.alive:
                    raise self.fail(f"{s.buffer} is allocated again")
                self.integers(s.sizes, f"the shape of {s.buffer}")
                if s.over is not None and (s.over not in self.alive or s.buffer.kind != TEMP
                                           or s.over.kind not in (TEMP, RESULT)):
                    raise self.fail(f"{s.buffer} can't have the memory of {s.over}")
                self.alive.add(s.buffer)
            case Free():
                if s.buffer not in self.alive or s.buffer.kind != TEMP:
                    raise self.fail(f"{s.buffer} is freed again")
                self.alive.remove(s.buffer)
            case Check():
                self.boolean(s.cond)
                for x in s.operands:
                    self.expression(x)
                if not 0 <= s.error < len(self.kernel.errors) and not self.stopping:
                    raise self.fail(f"no error {s.error}")
            case Call():
                self.call(s)
            case Nest():
                self.nest(s)
            case If():
                self.boolean(s.cond)
                if s.likely and s.then:
                    raise self.fail("what is likely has statements")
                self.inside(s.then, [out[2] for out in s.outs])
                self.inside(s.orelse, [out[3] for out in s.outs])
                for name, dtype, a, b in s.outs:
                    if not a.dtype == b.dtype == dtype:
                        raise self.fail(f"{name} of {dtype} gets a {a.dtype} or a {b.dtype}")
                    self.bind(name, dtype)
            case For():
                names = dict(self.names)
                if s.first:
                    self.first(s)
                self.integers((s.lo, s.hi, s.step), "a bound of a loop")
                if s.parallel is not None:
                    self.shared(s)
                self.loop(s)
                if s.first:
                    self.names = {name: dtype for name, dtype in self.names.items()
                                  if name in names or name in binds(s)}
            case While():
                self.loop(s)

    def call(self, s: Call) -> None:
        for x in s.ins:
            if isinstance(x, Expr):
                self.expression(x)
        for buffer in (*(x for x in s.ins if isinstance(x, Buffer)), *s.outs):
            if buffer not in self.alive:
                raise self.fail(f"{buffer} has no memory here")
            if buffer.strides is not None and s.routine != "ufunc":
                raise self.fail(f"{buffer} is not in C order")
        grows = s.routine == "grow" and s.outs[0].kind in MOVABLE or s.routine in (
            "invoke", "ufunc", "sort", "argsort")
        if any(buffer.kind == ARG or buffer in s.ins and not grows for buffer in s.outs):
            raise self.fail("a call writes to what it reads or must not change")
        if any(buffer.kind not in MOVABLE or buffer not in s.outs for buffer in s.moved):
            raise self.fail("a call moves memory that is not a temporary")
        if s.routine is None and not 0 <= s.site < len(self.kernel.sites):
            raise self.fail(f"no call-back {s.site}")
        for name, dtype in s.scalars:
            self.bind(name, dtype)

    def nest(self, s: Nest) -> None:
        self.integers(s.domain, "the domain")
        if len(s.vars) != len(s.domain) or not 0 <= s.reduced <= len(s.vars):
            raise self.fail("the loops of the nest don't fit its domain")
        names, known = dict(self.names), set(self.known)
        for name in s.vars:
            self.bind(name, I64)
        for store in s.stores:
            self.store(*store, s.combine)
        if s.combine is not None:
            inner = set(s.vars[len(s.vars) - s.reduced:])
            if len(s.stores) != 1 or any(inner & i.free for i in s.stores[0][1]):
                raise self.fail("a reduction stores once, at an index of the kept loops")
        elif s.reduced:
            raise self.fail("reduced loops without a combiner")
        self.names, self.known = names, known

    def carries(self, carries: list[Carry]) -> None:
        for carry in carries:
            self.expression(carry.init)
            if not carry.init.dtype == carry.next.dtype == carry.dtype:
                raise self.fail(f"the carry {carry.name} of {carry.dtype} gets a "
                                f"{carry.init.dtype} and a {carry.next.dtype}")
            if carry.reduce is not None and not is_combiner(carry.reduce):
                raise self.fail(f"{carry.reduce} is no combiner")
        for carry in carries:
            self.bind(carry.name, carry.dtype)

    def loop(self, s: For | While) -> None:
        self.carries(s.carries)
        outer = dict(self.names)
        known = set(self.known)
        if isinstance(s, For):
            self.bind(s.var, I64)
            if s.until is not None and not any(
                    c.name == s.until and c.dtype == BOOL for c in s.carries):
                raise self.fail(f"until {s.until}, which is no bool carry")
            outside = self.stopping
            self.stopping = outside or s.stop is not None
            self.body(s)
            self.stopping = outside
        else:
            alive = set(self.alive)
            self.statements(s.test)
            self.boolean(s.cond)
            self.body(s)
            self.alive = alive
        self.names, self.known = outer, known
        if isinstance(s, For) and s.stop is not None:
            if s.until is not None or s.swaps:
                raise self.fail("a loop with a stop has an until or swaps")
            self.bind(s.stop, I64)

    def first(self, s: For) -> None:
        """What does the first iterations of a parallel loop."""
        one, = s.first
        if not isinstance(one, For) or one.stop is None or s.parallel is None or (
                s.lo is not var(one.stop)):
            raise self.fail("what comes first is no loop that stops where this one begins")
        self.alive |= set(s.private)
        self.statement(one)
        self.alive -= set(s.private)

    def shared(self, s: For) -> None:
        """A loop whose parts may run in several threads."""
        assert s.parallel is not None
        self.expression(s.parallel)
        if s.parallel.dtype != F64:
            raise self.fail(f"its time is a {s.parallel.dtype}")
        if s.until is not None or s.swaps or s.step.op != "lit" or any(
                c.reduce is None for c in s.carries):
            raise self.fail("the iterations of a parallel loop depend on one another")

    def body(self, s: For | While) -> None:
        alive = set(self.alive)
        if isinstance(s, For):
            for buffer in s.private:
                self.integers(buffer.shape, f"the shape of {buffer}")
                if buffer.kind != TEMP or buffer in self.alive or s.parallel is None:
                    raise self.fail(f"{buffer} can't be private to a part")
                self.alive.add(buffer)
        names, known = dict(self.names), set(self.known)
        self.statements(s.body)
        for carry in s.carries:
            self.expression(carry.next)
        self.swaps(s)
        self.names, self.known = names, known
        self.alive = alive | {b for b in self.alive if b.kind == RESULT}

    def swaps(self, s: For | While) -> None:
        left = [a for a, _ in s.swaps]
        if len(set(left)) != len(left) or set(left) != {b for _, b in s.swaps}:
            raise self.fail("the swaps are no permutation")
        for buffer in left:
            if buffer.kind not in MOVABLE:
                raise self.fail(f"{buffer} of kind {buffer.kind} changes its memory")
            if buffer not in self.alive:
                raise self.fail(f"{buffer} has no memory here")
