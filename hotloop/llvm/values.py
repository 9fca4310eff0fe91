"""Expressions as LLVM values: each node is emitted once in a scope, operands first, iteratively.

    v.value(e.add(load(a, (i,)), e.lit(1.0)))      # "%v7", after the lines that compute it

A node is *varying* when it depends on a name that differs between the lanes of the vector loop
being emitted; its value is then a vector. All others are scalars, computed once and splatted where
a vector is needed: uniform loads and address arithmetic stay scalar by themselves.

Values live in `table` until their scope ends (blocks of the IR nest as scopes do, so what is in the
table dominates the place of emission) or a store changes a buffer that they were read from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from hotloop.errors import InternalError
from hotloop.llvm import frame, mathlib
from hotloop.llvm.builder import UNLIKELY, Builder, Type, iota, type_of
from hotloop.llvm.instructions import ROWS, bitcast, convert, philox_block
from hotloop.loops.core import Buffer
from hotloop.loops.expr import Expr, affine, e, from_affine, lit, operands, var
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.record import record

BOOL, I64, U64, BYTE = np.dtype("?"), np.dtype("i8"), np.dtype("u8"), np.dtype("u1")
_NO_BUFFERS: frozenset[Buffer] = frozenset()

_SPECIAL = {"load", "aff", "var", "philox", *mathlib.FUNCTIONS}
"""Nodes that need other things than their `args`, or more."""


@record(frozen=False)
class Lanes:
    """The vector loop being emitted: lane k has `var` = start + k * step."""
    var: str
    start: str
    step: int
    width: int
    mask: str | None = None            # <width x i1>; None: all lanes are active

    @property
    def first(self) -> Expr:
        """The variable in lane 0, a scalar."""
        return first_of(self.var)


def first_of(var_: str) -> Expr:
    return var(f"{var_} of lane 0")


@record
class _Row:
    """What a pointer plus an offset of elements is remembered by."""
    pointer: str
    offset: Expr


UNIFORM, UNIT, STRIDED, GATHER = "uniform", "unit", "strided", "gather"


@record(frozen=False)
class Access:
    """How the lanes reach an element of a buffer, in elements (bytes if it is strided):

    uniform   base + constant, the same for all      unit      consecutive from base + constant
    strided   base + constant + lane * stride        gather    base + constant + offset (varying)
    """
    kind: str
    base: Expr
    constant: int
    stride: Expr | None = None
    offset: Expr | None = None

    def needs(self, base: Expr) -> tuple[Expr, ...]:
        """What the lanes' addresses are computed from, `base` being what is left of the base."""
        return tuple(x for x in (base, self.stride, self.offset)
                     if x is not None and x.op != "lit")


class Values(Builder):
    def __init__(self) -> None:
        super().__init__()
        self.moving = False                # some buffers' memory is exchanged
        self.names: dict[str, str] = {}
        self.pointers: dict[Buffer, str] = {}
        self.externals: list[str] = []
        self.lanes: Lanes | None = None
        self.varying: frozenset[str] = frozenset()
        self.table: dict[Any, str] = {}
        self._scopes: list[list[Any]] = [[]]
        self._readers: dict[Buffer, list[Any]] = {}
        self._reads: dict[Any, frozenset[Buffer]] = {}
        self._strides: dict[Buffer, tuple[Expr, ...]] = {}
        self._literals: dict[tuple[Expr, int], str] = {}
        self._expansions: dict[Expr, Expr] = {}
        self._accesses: dict[tuple[Buffer, tuple[Expr, ...]], Access] = {}
        self._rows: dict[str, list[_Row]] = {}

    # ---- scopes

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Values emitted inside are forgotten at the end."""
        self._scopes.append([])
        yield
        table = self.table
        for key in self._scopes.pop():
            table.pop(key, None)

    @contextmanager
    def in_lanes(self, lanes: Lanes, varying: frozenset[str]) -> Iterator[None]:
        """Vector mode, with a scope of its own."""
        outer = self.lanes, self.varying, self._accesses
        self.lanes, self.varying, self._accesses = lanes, varying, {}
        self.bind(lanes.first.args[0], lanes.start)
        with self.scope():
            yield
        self.lanes, self.varying, self._accesses = outer

    def remember(self, key: Any, text: str, reads: frozenset[Buffer] = _NO_BUFFERS) -> str:
        self.table[key] = text
        self._scopes[-1].append(key)
        if reads:
            self._reads[key] = reads
            for buffer in reads:
                self._readers.setdefault(buffer, []).append(key)
        return text

    def forget(self, buffers: Iterable[Buffer]) -> None:
        """The contents (or the memory) of these buffers change."""
        for buffer in buffers:
            for key in self._readers.pop(buffer, ()):
                self.table.pop(key, None)

    def bind(self, name: str, text: str) -> None:
        self.names[name] = text

    # ---- expressions

    def is_varying(self, node: Expr) -> bool:
        return bool(self.varying) and not self.varying.isdisjoint(node.free)

    def type(self, node: Expr) -> Type:
        return type_of(node.dtype, self.width(node))

    def width(self, node: Expr) -> int:
        return self.lanes.width if self.lanes is not None and self.is_varying(node) else 0

    def value(self, root: Expr) -> str:
        """The value in its natural form: a vector if varying, else a scalar."""
        table = self.table
        text = table.get(root)
        if text is not None:
            return text
        if root.op == "lit":
            return self._literal(root, 0)
        stack = [root]
        while stack:
            node = stack[-1]
            if node in table:
                stack.pop()
                continue
            needs = self._needs(node) if node.op in _SPECIAL else node.args
            waiting = len(stack)
            for kid in needs:
                if kid.op != "lit" and kid not in table:
                    stack.append(kid)
            if len(stack) == waiting:
                stack.pop()
                width = self.width(node)
                row = ROWS.get(node.op)
                if row is None:
                    text = self._instruction(node, width)
                else:
                    args = node.args
                    texts = [self.operand(a, width) for a in args]
                    if width and self.watched and SCALAR_OPS[node.op].exacting:
                        texts[-1] = self._harmless(args[-1], texts[-1], width)
                    text = row(self, type_of(args[-1].dtype, width), texts, args)
                self.remember(node, text, self._read_by(node, needs) if node.loads
                              else _NO_BUFFERS)
        return table[root]

    def _harmless(self, node: Expr, text: str, width: int) -> str:
        """An operand that is 1 in lanes that are not active, where 0 would set a flag of the
        processor that stands for a warning."""
        mask = self.lanes.mask if self.lanes is not None else None
        if mask is None or node.dtype.kind != "f" or not self.is_varying(node):
            return text
        t = type_of(node.dtype, width)
        return self.op(f"select {t.of('?')} {mask}, {t} {text}, {t} {self.constant(1, t)}")

    def vector(self, node: Expr) -> str:
        """The value as a vector of all lanes."""
        assert self.lanes is not None
        return self.operand(node, self.lanes.width)

    def operand(self, node: Expr, width: int) -> str:
        """The value as a scalar (width 0) or a vector of that many lanes."""
        if node.op == "lit":
            return self._literal(node, width)
        text = self.table.get(node)
        if text is None:
            text = self.value(node)
        if width and self.varying.isdisjoint(node.free):
            return self._splatted(node, text, type_of(node.dtype, width))
        return text

    def _literal(self, node: Expr, width: int) -> str:
        key = (node, width)
        text = self._literals.get(key)
        if text is None:
            text = self._literals[key] = self.constant(node.args[0], type_of(node.dtype, width))
        return text

    def bound_value(self, name: str, value: Expr) -> str:
        """In the form in which `name` is used: a vector if the name varies."""
        return self.vector(value) if name in self.varying else self.value(value)

    def bound_type(self, name: str, dtype: np.dtype) -> Type:
        return type_of(dtype, self.lanes.width if self.lanes and name in self.varying else 0)

    def _splatted(self, node: Expr, text: str, t: Type) -> str:
        key = (node, t.lanes)
        found = self.table.get(key)
        return found if found is not None else (
            self.remember(key, self.splat(text, t), self._reads.get(node, _NO_BUFFERS)))

    def _read_by(self, node: Expr, needs: tuple[Expr, ...]) -> frozenset[Buffer]:
        """Buffers whose contents the value depends on."""
        found = frozenset((node.args[0],)) if node.op == "load" else _NO_BUFFERS
        for kid in needs:
            more = self._reads.get(kid, _NO_BUFFERS)
            found = found | more if found and more is not found else more or found
        return found

    def _needs(self, node: Expr) -> tuple[Expr, ...]:
        """What must be emitted before a node of _SPECIAL."""
        op = node.op
        if op == "load":
            access = self.access(node.args[0], node.args[1:])
            return access.needs(self._nearest(self._pointer(node.args[0]), access.base)[1])
        if op in mathlib.FUNCTIONS:
            return (self._expanded(node),)
        if op == "aff" and self.is_varying(node):
            return self._split(node)
        if op == "philox" and node.args[2].op != "lit":
            return (*node.args, e.lshr(node.args[2], lit(1, U64)))
        return operands(node)

    def _split(self, node: Expr) -> tuple[Expr, ...]:
        """Of an affine sum: its uniform part, then the varying terms."""
        terms = node.args[1]
        uniform = {t: k for t, k in terms if not self.is_varying(t)}
        return (from_affine(node.args[0], uniform), *[t for t, _ in terms if t not in uniform])

    def _instruction(self, node: Expr, width: int) -> str:
        """The nodes that are no row of instructions."""
        op, args = node.op, node.args
        if op == "var":
            return self._variable(node)
        if op == "aff":
            return self._affine(node)
        if op == "load":
            return self._load(node)
        if op in mathlib.FUNCTIONS:
            return self.value(self._expanded(node))
        if op == "philox":
            return self._philox(node, width)
        if op in ("convert", "bitcast"):
            source, target = type_of(args[0].dtype, width), type_of(node.dtype, width)
            make = convert if op == "convert" else bitcast
            return make(self, source, target, self.operand(args[0], width))
        if op.startswith("rescue_"):
            return self._rescue(node, width)
        if SCALAR_OPS[op].library:
            t = type_of(node.dtype, width)
            return self._each_lane(f"libm:{SCALAR_OPS[op].library}", t,
                                   [self.operand(a, width) for a in args])
        raise InternalError(f"no machine operation for {op} in {node!r}")

    def _expanded(self, node: Expr) -> Expr:
        """An elementary function as machine operations; its operands are left as they are."""
        found = self._expansions.get(node)
        if found is None:
            found = self._expansions[node] = mathlib.expansion(node)
        return found

    def _variable(self, node: Expr) -> str:
        name, lanes = node.args[0], self.lanes
        if lanes is not None and name == lanes.var:
            t = type_of(I64, lanes.width)
            return self.op(f"add {t} {self.splat(lanes.start, t)}, "
                           f"{iota(lanes.width, lanes.step)}")
        try:
            return self.names[name]
        except KeyError:
            raise InternalError(f"the name {name} is used where it has no value") from None

    def _affine(self, node: Expr) -> str:
        width = self.width(node)
        t = type_of(I64, width)
        constant, terms = node.args
        total = ""
        if width:
            first, *varying = self._split(node)
            coefficients = dict(terms)
            terms = [(term, coefficients[term]) for term in varying]
            constant = 0
            if not (first.op == "lit" and first.args[0] == 0):
                total = self.vector(first)
        for term, k in terms:
            text = self.operand(term, width)
            if k == -1 and total:
                total = self.op(f"sub {t} {total}, {text}")
                continue
            if k != 1:
                text = self.op(f"mul {t} {text}, {self.constant(k, t)}")
            total = self.op(f"add {t} {total}, {text}") if total else text
        return self.op(f"add {t} {total}, {self.constant(constant, t)}") if constant else total

    def _philox(self, node: Expr, width: int) -> str:
        """Streams 2j and 2j + 1 are the words of one block, which is computed once in a scope."""
        key, counter, stream = node.args
        t = type_of(U64, width)
        block = lit(int(stream.args[0]) >> 1, U64) if stream.op == "lit" else (
            e.lshr(stream, lit(1, U64)))
        words = [("philox", key, counter, block, half) for half in (0, 1)]
        if any(word not in self.table for word in words):
            pair = philox_block(self, t, *[self.operand(x, width) for x in (key, counter, block)])
            reads = self._read_by(node, node.args)
            for word, text in zip(words, pair, strict=True):
                self.remember(word, text, reads)
        first, second = (self.table[word] for word in words)
        if stream.op == "lit":
            return second if int(stream.args[0]) & 1 else first
        truth = t.of("?")
        odd = self.op(f"trunc {t} {self.operand(stream, width)} to {truth}")
        return self.op(f"select {truth} {odd}, {t} {second}, {t} {first}")

    # ---- foreign functions

    def external(self, name: str) -> str:
        """The address of a foreign function, from the frame's table."""
        if name not in self.externals:
            self.externals.append(name)
        table = self.table.get("externals")
        if table is None:
            table = self.table["externals"] = self.at_entry(
                f"load ptr, ptr {self.slot(frame.TABLE)}")
        at = self.op(f"getelementptr i8, ptr {table}, i64 {8 * self.externals.index(name)}")
        return self.op(f"load ptr, ptr {at}")

    def slot(self, number: int) -> str:
        """Address of a slot of the frame."""
        key = ("slot", number)
        if key not in self.table:
            self.table[key] = self.at_entry(f"getelementptr i8, ptr %frame, i64 {8 * number}")
        return self.table[key]

    def _rescue(self, node: Expr, width: int) -> str:
        """`cond ? libm f(x) : fast`: a branch that is hardly ever taken."""
        cond, fast, *xs = node.args
        t = type_of(node.dtype, width)
        texts = [self.operand(x, width) for x in xs]
        usual, flags = self.operand(fast, width), self.operand(cond, width)
        if width:
            assert self.lanes is not None
            if self.lanes.mask is not None:
                flags = self.op(f"and {t.of('?')} {flags}, {self.lanes.mask}")
            flag = self.any_lane(flags, width)
        else:
            flag = flags
        before, cold, after = self.block, self.label(), self.label()
        self.branch(flag, cold, after, UNLIKELY)
        name = f"libm:{node.op.removeprefix('rescue_')}"
        with self.out_of_line(cold):
            slow = self._each_lane(name, t, texts, flags, usual)
            end = self.block
            self.jump(after)
        self.begin(after)
        return self.phi(t, (usual, before), (slow, end))

    def _each_lane(self, name: str, t: Type, arguments: list[str], flags: str = "",
                   others: str = "") -> str:
        """A function of libm (for doubles, if halves: for floats) lane by lane, in a loop. With
        `flags` only for lanes that are set, `others` giving the rest."""
        if t.bits == 16:
            raise InternalError(f"{name} of f16: loops compute halves in f32")
        address = self.external(name + ("f" if t.bits == 32 else ""))
        one = t.element
        if not t.lanes:
            given = ", ".join(f"{one} {a}" for a in arguments)
            return self.op(f"call {one} {address}({given})")
        size = t.lanes * t.bits // 8
        cells = [self.stack(size) for _ in arguments]
        result = self.stack(size)
        for cell, argument in zip(cells, arguments, strict=True):
            self.lines.append(f"store {t} {argument}, ptr {cell}")
        if others:
            self.lines.append(f"store {t} {others}, ptr {result}")
        bits = self.mask_bits(flags, t.lanes) if flags else ""
        before, head, call, latch, done = (self.block, *(self.label() for _ in range(4)))
        self.jump(head)
        self.begin(head)
        k, following = self.name(), self.name()
        self.lines.append(f"{k} = phi i64 [0, %{before}], [{following}, %{latch}]")
        if flags:
            wide = f"i{t.lanes}"
            lane = k if t.lanes == 64 else (
                self.op(f"{'trunc' if t.lanes < 64 else 'zext'} i64 {k} to {wide}"))
            shifted = self.op(f"lshr {wide} {bits}, {lane}")
            self.branch(self.op(f"trunc {wide} {shifted} to i1"), call, latch)
        else:
            self.jump(call)
        self.begin(call)
        loaded = []
        for cell in cells:
            at = self.op(f"getelementptr {one}, ptr {cell}, i64 {k}")
            loaded.append(f"{one} {self.op(f'load {one}, ptr {at}')}")
        value = self.op(f"call {one} {address}({', '.join(loaded)})")
        at = self.op(f"getelementptr {one}, ptr {result}, i64 {k}")
        self.lines.append(f"store {one} {value}, ptr {at}")
        self.jump(latch)
        self.begin(latch)
        self.lines.append(f"{following} = add i64 {k}, 1")
        self.branch(self.op(f"icmp ult i64 {following}, {t.lanes}"), head, done)
        self.begin(done)
        return self.op(f"load {t}, ptr {result}")

    # ---- memory

    def strides(self, buffer: Buffer) -> tuple[Expr, ...]:
        """In bytes if the buffer has strides of its own, else in elements."""
        if buffer.strides is not None:
            return buffer.strides
        found = self._strides.get(buffer)
        if found is None:
            step, steps = lit(1), []
            for dim in reversed(buffer.shape):
                steps.append(step)
                step = e.mul(step, dim)
            found = self._strides[buffer] = tuple(reversed(steps))
        return found

    def access(self, buffer: Buffer, index: tuple[Expr, ...]) -> Access:
        key = (buffer, index)
        found = self._accesses.get(key)
        if found is None:
            found = self._accesses[key] = self._plan(buffer, index)
        return found

    def _plan(self, buffer: Buffer, index: tuple[Expr, ...]) -> Access:
        constant = 0
        terms: dict[Expr, int] = {}
        flat = len(index) == 1 and buffer.strides is None       # counts elements in C order
        one = lit(1)
        strides = (one,) if flat else self.strides(buffer)
        for position, stride in zip(index, strides, strict=True):
            c, inner = affine(position)
            steps = affine(stride)
            for term, k in (*inner.items(), (one, c)):
                for dim, q in (*steps[1].items(), (one, steps[0])):
                    if k and q:
                        c2, product = (0, {term: 1}) if dim is one and term is not one else (
                            affine(e.mul(term, dim)))
                        constant += k * q * c2
                        for t, coefficient in product.items():
                            terms[t] = terms.get(t, 0) + k * q * coefficient
        lanes = self.lanes
        varying = {t: k for t, k in terms.items() if self.is_varying(t)} if lanes else {}
        if not lanes or not varying:
            return Access(UNIFORM, from_affine(0, terms), constant)
        base = from_affine(0, {t: k for t, k in terms.items() if t not in varying})
        factor = lit(0)
        for term, k in varying.items():
            multiple = self._factor(term, lanes.var)
            if multiple is None:
                return Access(GATHER, base, constant, offset=from_affine(0, varying))
            factor = e.add(factor, e.mul(multiple, lit(k)))
        base = e.add(base, e.mul(factor, lanes.first))
        stride = e.mul(factor, lit(lanes.step))
        unit = buffer.dtype.itemsize if buffer.strides is not None else 1
        contiguous = stride.op == "lit" and int(stride.args[0]) == unit
        return Access(UNIT if contiguous else STRIDED, base, constant, stride)

    def _factor(self, term: Expr, name: str) -> Expr | None:
        """What the lane variable is multiplied by in a term, if that is uniform."""
        if term.op == "var":
            return lit(1) if term.args[0] == name else None
        if term.op == "mul":
            for a, b in (term.args, term.args[::-1]):
                if a.op == "var" and a.args[0] == name and not self.is_varying(b):
                    return b
        return None

    def element(self, buffer: Buffer) -> str:
        """The unit of an Access to the buffer."""
        return "i8" if buffer.strides is not None else memory_type(buffer.dtype, 0).element

    def address(self, buffer: Buffer, access: Access) -> str:
        """Address of the element, that of lane 0 if the lanes' addresses are `unit` or `strided`;
        without `offset` if they are a `gather`."""
        pointer, unit = self._pointer(buffer), self.element(buffer)
        key = (pointer, access.base)
        at = self.table.get(key)
        if at is None:
            at = pointer
            if access.base.op != "lit":
                at, rest = self._nearest(pointer, access.base)
                if rest.op != "lit":
                    at = self.op(f"getelementptr {unit}, ptr {at}, i64 {self.value(rest)}")
            self.remember(key, at, self._reads.get(access.base, _NO_BUFFERS))
        if access.constant:
            at = self.op(f"getelementptr {unit}, ptr {at}, i64 {access.constant}")
        return at

    def _pointer(self, buffer: Buffer) -> str:
        try:
            return self.pointers[buffer]
        except KeyError:
            raise InternalError(f"the buffer {buffer!r} is used where it has no memory") from None

    def row(self, buffer: Buffer, part: Expr) -> None:
        """Compute `buffer` plus `part`, a part of an address that does not change in the loop to be
        entered: the addresses in it begin there."""
        pointer = self.pointers[buffer]
        at, rest = self._nearest(pointer, part)
        if rest.op != "lit":
            at = self.op(f"getelementptr {self.element(buffer)}, ptr {at}, "
                         f"i64 {self.value(rest)}")
            row = _Row(pointer, part)
            self.remember(row, at)
            self._rows.setdefault(pointer, []).append(row)

    def _nearest(self, pointer: str, offset: Expr) -> tuple[str, Expr]:
        """The row that most of an offset from a pointer is in, and what is left of the offset."""
        rows = self._rows.get(pointer)
        if rows:
            while rows and rows[-1] not in self.table:       # its scope has ended
                rows.pop()
            terms = affine(offset)[1]
            for row in reversed(rows):
                inside = affine(row.offset)[1]
                if inside.items() <= terms.items():
                    return self.table[row], from_affine(
                        0, {t: k for t, k in terms.items() if t not in inside})
        return pointer, offset

    def load_at(self, address: str, dtype: np.dtype) -> str:
        """A scalar from memory."""
        stored = memory_type(dtype, 0)
        value = self.op(f"load {stored}, ptr {address}, align {dtype.itemsize}")
        return self.from_memory(value, dtype, 0)

    def store_at(self, address: str, value: str, dtype: np.dtype) -> None:
        """A scalar to memory."""
        stored = memory_type(dtype, 0)
        self.lines.append(f"store {stored} {self.to_memory(value, dtype, 0)}, ptr {address}, "
                          f"align {dtype.itemsize}")

    def from_memory(self, value: str, dtype: np.dtype, width: int) -> str:
        if dtype.kind != "b":
            return value
        stored = memory_type(dtype, width)
        return self.op(f"icmp ne {stored} {value}, {self.constant(0, stored)}")

    def to_memory(self, value: str, dtype: np.dtype, width: int) -> str:
        if dtype.kind != "b":
            return value
        return self.op(f"zext {type_of(dtype, width)} {value} to {memory_type(dtype, width)}")

    def _load(self, node: Expr) -> str:
        buffer = node.args[0]
        access = self.access(buffer, node.args[1:])
        if access.kind == UNIFORM:
            return self.load_at(self.address(buffer, access), node.dtype)
        return self.vector_load(buffer, access)

    def vector_load(self, buffer: Buffer, access: Access) -> str:
        raise InternalError("a vector load in scalar code")


def memory_type(dtype: np.dtype, width: int) -> Type:
    """The type of an element in memory: a bool is a byte."""
    return type_of(BYTE if dtype.kind == "b" else dtype, width)
