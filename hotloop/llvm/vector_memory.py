"""Loads and stores of lanes: contiguous, interleaved, strided, scattered, of one element for all.

    a[i], a[n - i]     one load of a vector              (masked where lanes are inactive)
    z[i, 0], z[i, 1]   of a z[n, 2]: two vectors in one piece, taken apart by shuffles
    a[n * i], a[k[i]]  gather

Interleaved stores are made when all parts come together, one statement after the other: the real
and the imaginary part of complex numbers, red, green and blue, the coordinates of points.
"""

from __future__ import annotations

from hotloop.errors import InternalError
from hotloop.llvm import transpose
from hotloop.llvm.builder import UNLIKELY, Type, iota, type_of
from hotloop.llvm.statements import Statements
from hotloop.llvm.target import register_bytes
from hotloop.llvm.values import (
    BOOL,
    GATHER,
    I64,
    STRIDED,
    UNIFORM,
    UNIT,
    Access,
    Lanes,
    memory_type,
)
from hotloop.loops.core import Buffer, For, Kernel, Let, Statement, Store
from hotloop.loops.cost import BLOCK, MOST_BYTES, MOST_PARTS
from hotloop.loops.expr import affine, e, lit, substitute, var
from hotloop.loops.rewrite import bound
from hotloop.record import replace

LINE = 64
"""Bytes of a cache line."""

AHEAD = 4
"""Iterations from fetching lines to storing to them."""


class VectorMemory(Statements):

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self._columns: dict[transpose.Key, int] | None = None    # of the loop that is emitted
        self._fetched: For | None = None       # whose body begins with fetching what it stores to
        self.past: dict[Store, str] = {}       # of the stores here: may this block pass the caches?

    def loop(self, loop: For) -> None:
        outer, self._columns = self._columns, None
        if self.lanes is not None and self.lanes.mask is None and transpose.is_block(loop):
            self._columns = transpose.columns(self, loop)
            self._fetched = loop if self._columns else None
        super().loop(loop)
        self._columns = outer

    def _addresses(self, buffer: Buffer, access: Access) -> str:
        """A vector of pointers."""
        assert self.lanes is not None
        width = self.lanes.width
        at, t = self.address(buffer, access), type_of(I64, width)
        if access.kind == GATHER:
            assert access.offset is not None
            offsets = self.vector(access.offset)
        else:
            assert access.stride is not None
            if access.stride.op == "lit":
                offsets = iota(width, int(access.stride.args[0]))
            else:
                offsets = self.op(f"mul {t} {iota(width)}, {self.vector(access.stride)}")
        return self.op(f"getelementptr {self.element(buffer)}, ptr {at}, {t} {offsets}")

    def vector_load(self, buffer: Buffer, access: Access) -> str:
        assert self.lanes is not None
        width, dtype = self.lanes.width, buffer.dtype
        t, size = memory_type(dtype, width), dtype.itemsize
        truth = t.of("?")
        backwards = self._backwards(buffer, access)
        if access.kind == UNIT or backwards:
            at, mask = self._block(buffer, access, backwards)
            if mask is None:
                value = self.op(f"load {t}, ptr {at}, align {size}")
            else:
                name = f"llvm.masked.load.{t.suffix}.p0"
                self.declare(name, t, f"ptr, i32, {truth}, {t}")
                value = self.op(f"call {t} @{name}(ptr {at}, i32 {size}, {truth} {mask}, "
                                f"{t} {self._absent(t)})")
            if backwards:
                value = self._reversed(value, t)
        elif self._columns and (buffer, access.base, access.constant) in self._columns:
            value = self._load_column(buffer, access)
        elif self._parts(buffer, access):
            value = self._load_part(buffer, access)
        else:
            addresses, active = self._scattered(buffer, access, size >= 4)
            name = f"llvm.masked.gather.{t.suffix}.v{width}p0"
            self.declare(name, t, f"<{width} x ptr>, i32, {truth}, {t}")
            value = self.op(f"call {t} @{name}(<{width} x ptr> {addresses}, i32 {size}, "
                            f"{truth} {active}, {t} {self._absent(t)})")
        return self.from_memory(value, dtype, width)

    def _absent(self, t: Type) -> str:
        """What is loaded in lanes that are not active: no function warns of 1."""
        return self.constant(1, t) if self.watched and t.kind == "f" else "zeroinitializer"

    def _backwards(self, buffer: Buffer, access: Access) -> bool:
        """Are the elements consecutive, that of the last lane first?"""
        stride = access.stride
        return access.kind == STRIDED and buffer.strides is None and (
            stride is not None and stride.op == "lit" and int(stride.args[0]) == -1)

    def _block(self, buffer: Buffer, access: Access, backwards: bool) -> tuple[str, str | None]:
        """Address of consecutive elements, and the mask in their order."""
        assert self.lanes is not None
        at, mask, width = self.address(buffer, access), self.lanes.mask, self.lanes.width
        if backwards:
            element = memory_type(buffer.dtype, 0)
            at = self.op(f"getelementptr {element}, ptr {at}, i64 {1 - width}")
            if mask is not None:
                mask = self._reversed(mask, type_of(BOOL, width))
        return at, mask

    def _reversed(self, value: str, t: Type) -> str:
        order = ", ".join(f"i32 {k}" for k in reversed(range(t.lanes)))
        return self.op(f"shufflevector {t} {value}, {t} poison, <{t.lanes} x i32> <{order}>")

    def _scattered(self, buffer: Buffer, access: Access, native: bool) -> tuple[str, str]:
        """Addresses of all lanes and the mask to use with them. Where the CPU has no masked
        instruction LLVM would branch for every lane, so there inactive lanes go to a cell on the
        stack, and all are active."""
        assert self.lanes is not None
        addresses, mask, width = self._addresses(buffer, access), self.lanes.mask, self.lanes.width
        everybody = "splat (i1 true)"
        if mask is None or native:
            return addresses, mask or everybody
        t = f"<{width} x ptr>"
        aside = self.op(f"insertelement {t} poison, ptr {self.stack(8)}, i64 0")
        aside = self.op(f"shufflevector {t} {aside}, {t} poison, <{width} x i32> zeroinitializer")
        return self.op(f"select <{width} x i1> {mask}, {t} {addresses}, {t} {aside}"), everybody

    def _vector_store(self, buffer: Buffer, access: Access, value: str,
                      past: str | None) -> None:
        assert self.lanes is not None
        width, dtype = self.lanes.width, buffer.dtype
        t, size = memory_type(dtype, width), dtype.itemsize
        truth, value = t.of("?"), self.to_memory(value, dtype, width)
        backwards = self._backwards(buffer, access)
        if access.kind == UNIT or backwards:
            at, mask = self._block(buffer, access, backwards)
            if backwards:
                value = self._reversed(value, t)
            if mask is None:
                plain = f"store {t} {value}, ptr {at}"
                if past is None:
                    self.lines.append(f"{plain}, align {size}")
                else:
                    self._past_caches(plain, past, size)
                return
            name = f"llvm.masked.store.{t.suffix}.p0"
            self.declare(name, "void", f"{t}, ptr, i32, {truth}")
            self.lines.append(f"call void @{name}({t} {value}, ptr {at}, i32 {size}, "
                              f"{truth} {mask})")
            return
        addresses, active = self._scattered(buffer, access, size >= 4 and register_bytes() == 64)
        name = f"llvm.masked.scatter.{t.suffix}.v{width}p0"
        self.declare(name, "void", f"{t}, <{width} x ptr>, i32, {truth}")
        self.lines.append(f"call void @{name}({t} {value}, <{width} x ptr> {addresses}, "
                          f"i32 {size}, {truth} {active})")

    def _past_caches(self, store: str, past: str, size: int) -> None:
        """A store of whole cache lines, or of elements of a size."""
        around, within, on = self.label(), self.label(), self.label()
        self.branch(past, around, within, UNLIKELY)
        with self.out_of_line(around):
            self.lines.append(f"{store}, align {LINE}, !nontemporal !2")
            self.jump(on)
        self.begin(within)
        self.lines.append(f"{store}, align {size}")
        self.jump(on)
        self.begin(on)

    def passing(self, loop: For, lo: str, width: int, ahead: str,
                varying: frozenset[str]) -> dict[Store, str]:
        """For the stores of a loop that may go past the caches: do they, if each block from the
        second on, which is `ahead` of the first, lies in lines of its own?"""
        found: dict[Store, str] = {}
        if self.quick:
            return found
        names = bound([loop])
        with self.in_lanes(Lanes(loop.var, lo, 1, width), varying):
            for s in loop.body:
                if not isinstance(s, Store) or s.past is None or loop.step is not lit(1):
                    continue
                access, size = self.access(s.buffer, s.index), s.buffer.dtype.itemsize
                if access.kind != UNIT or width * size % LINE or access.base.loads or (
                        not names.isdisjoint(access.base.free)):
                    continue
                at = self.op(f"ptrtoint ptr {self.address(s.buffer, access)} to i64")
                by = self.op(f"mul i64 {ahead}, {size}") if ahead else str(width * size)
                into = self.op(f"and i64 {self.op(f'add i64 {at}, {by}')}, {LINE - 1}")
                found[s] = self.op(f"and i1 {self.op(f'icmp eq i64 {into}, 0')}, "
                                   f"{self.value(s.past)}")
        return found

    def store(self, store: Store) -> None:
        if self.lanes is None:
            super().store(store)
            return
        access = self.access(store.buffer, store.index)
        dtype = store.buffer.dtype
        if access.kind == UNIFORM:
            self._store_one(store, access)
        else:
            value = self.vector(store.value)
            if store.combine is not None:
                old = self.vector_load(store.buffer, access)
                value = self.combined(store.combine, dtype, old, value, self.lanes.width)
            self._vector_store(store.buffer, access, value, self.past.get(store))
        self.forget([store.buffer])

    def _store_one(self, store: Store, access: Access) -> None:
        """All active lanes store to one element: the last of them wins."""
        assert self.lanes is not None
        if store.combine is not None:
            raise InternalError(f"lanes accumulate in one element of {store.buffer!r}")
        value = self.value(store.value)
        if self.is_varying(store.value):
            width = self.lanes.width
            last = str(width - 1)
            if self.lanes.mask is not None:
                bits = self.mask_bits(self.lanes.mask, width)
                self.declare(f"llvm.ctlz.i{width}", f"i{width}", f"i{width}, i1")
                zeros = self.op(f"call i{width} @llvm.ctlz.i{width}(i{width} {bits}, i1 false)")
                last = self.op(f"sub i{width} {width - 1}, {zeros}")
            value = self.op(f"extractelement {type_of(store.buffer.dtype, width)} {value}, "
                            f"i{width} {last}")
        self.store_at(self.address(store.buffer, access), value, store.buffer.dtype)

    # ---- blocks of columns

    def _fetch(self, loop: For) -> None:
        """Fetch the lines that iterations to come will store to. A store over the end of a line
        waits for both of its lines, and no other passes it."""
        assert self.lanes is not None
        self.declare("llvm.prefetch.p0", "void", "ptr, i32, i32, i32")
        later = {var(loop.var): e.add(var(loop.var), lit(AHEAD * BLOCK))}
        for s in loop.body:
            if not isinstance(s, Store) or loop.var not in {n for x in s.index for n in x.free}:
                continue
            access = self.access(s.buffer, tuple(substitute(x, later) for x in s.index))
            if access.kind != UNIT or access.base.loads:
                continue
            at, last = self.address(s.buffer, access), self.lanes.width * s.buffer.dtype.itemsize
            for byte in (*range(0, last, LINE), last - 1):
                place = self.op(f"getelementptr i8, ptr {at}, i64 {byte}")
                self.lines.append(f"call void @llvm.prefetch.p0(ptr {place}, i32 1, i32 3, i32 1)")

    def _load_column(self, buffer: Buffer, access: Access) -> str:
        assert self.lanes is not None and self._columns is not None
        first = self._columns[buffer, access.base, access.constant]
        key = ("block", buffer, access.base, first)
        if (key, 0) not in self.table:
            t, size = memory_type(buffer.dtype, BLOCK), buffer.dtype.itemsize
            rows = [self.op(f"load {t}, ptr {at}, align {size}") for at in transpose.addresses(
                self, buffer, access, first, self.lanes.width)]
            pieces = [transpose.transposed(self, rows[k:k + BLOCK], t)
                      for k in range(0, len(rows), BLOCK)]
            reads = self._read_by(access.base, ()) | {buffer}
            for k in range(BLOCK):
                self.remember((key, k), self._joined([piece[k] for piece in pieces], t), reads)
        return self.table[key, access.constant - first]

    def _store_columns(self, stores: list[Statement]) -> None:
        assert self.lanes is not None
        first = stores[0]
        assert isinstance(first, Store)
        buffer, width = first.buffer, self.lanes.width
        t, one = memory_type(buffer.dtype, width), memory_type(buffer.dtype, BLOCK)
        access = self.access(buffer, first.index)
        values = [self.to_memory(self.vector(s.value), buffer.dtype, width)
                  for s in stores if isinstance(s, Store)]
        rows = transpose.addresses(self, buffer, access, access.constant, width)
        for k in range(0, width, BLOCK):
            pieces = [self._slice(v, t, k, BLOCK) for v in values]
            for at, row in zip(rows[k:], transpose.transposed(self, pieces, one), strict=False):
                self.lines.append(f"store {one} {row}, ptr {at}, align {buffer.dtype.itemsize}")
        self.forget([buffer])

    # ---- interleaved parts

    def _parts(self, buffer: Buffer, access: Access, whole: bool = False) -> int:
        """How many parts are interleaved where the access takes one of them; 0: it is no such
        access. Whole groups lie in the buffer if its last axis is a multiple of them, or if all
        parts of each are stored (`whole`)."""
        assert self.lanes is not None
        if access.kind != STRIDED or self.lanes.mask is not None or buffer.strides is not None:
            return 0
        stride, last = access.stride, buffer.shape[-1]
        if stride is None or stride.op != "lit":
            return 0
        parts = int(stride.args[0])
        if not 2 <= parts <= MOST_PARTS:
            return 0
        if not whole and (last.op != "lit" or int(last.args[0]) % parts):
            return 0
        if parts * buffer.dtype.itemsize > MOST_BYTES:
            return 0
        return parts if all(k % parts == 0 for k in affine(access.base)[1].values()) else 0

    def _group(self, buffer: Buffer, access: Access, parts: int) -> tuple[str, int]:
        """Address of the group that lane 0's element is in, and which part it is."""
        part = access.constant % parts
        whole = replace(access, constant=access.constant - part)
        return self.address(buffer, whole), part

    def _pieces(self, buffer: Buffer) -> tuple[int, int]:
        """(registers of a value, lanes in each)."""
        assert self.lanes is not None
        lanes = min(self.lanes.width, max(1, register_bytes() // buffer.dtype.itemsize))
        return self.lanes.width // lanes, lanes

    def _load_part(self, buffer: Buffer, access: Access) -> str:
        parts = self._parts(buffer, access)
        count, lanes = self._pieces(buffer)
        wide, t = memory_type(buffer.dtype, lanes * parts), memory_type(buffer.dtype, lanes)
        part = access.constant % parts
        key = ("group", buffer, access.base, access.constant - part)
        if (key, 0) not in self.table:
            at, _ = self._group(buffer, access, parts)
            for k in range(count):
                piece = at if not k else self.op(
                    f"getelementptr {t.element}, ptr {at}, i64 {k * lanes * parts}")
                self.remember((key, k), self.op(
                    f"load {wide}, ptr {piece}, align {buffer.dtype.itemsize}"),
                    self._read_by(access.base, ()) | {buffer})
        picked = ", ".join(f"i32 {parts * k + part}" for k in range(lanes))
        return self._joined([self.op(
            f"shufflevector {wide} {self.table[key, k]}, {wide} poison, <{lanes} x i32> <{picked}>")
            for k in range(count)], t)

    def _joined(self, pieces: list[str], t: Type) -> str:
        """Vectors of type t, one after the other, as one vector; their number is a power of 2."""
        lanes = t.lanes
        while len(pieces) > 1:
            one = type_of(t.dtype, lanes)
            lanes *= 2
            order = ", ".join(f"i32 {k}" for k in range(lanes))
            pieces = [self.op(f"shufflevector {one} {a}, {one} {b}, <{lanes} x i32> <{order}>")
                      for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
        return pieces[0]

    def _slice(self, value: str, t: Type, first: int, lanes: int) -> str:
        if lanes == t.lanes:
            return value
        order = ", ".join(f"i32 {k}" for k in range(first, first + lanes))
        return self.op(f"shufflevector {t} {value}, {t} poison, <{lanes} x i32> <{order}>")

    def run(self, statements: list[Statement]) -> None:
        at = 0
        if self._fetched is not None and statements is self._fetched.body:
            loop, self._fetched = self._fetched, None
            self._fetch(loop)
        while at < len(statements):
            group = self._stores_of_a_group(statements, at) if self.lanes is not None else 0
            if self._columns is not None and transpose.stored_columns(
                    self, statements[at:at + BLOCK]):
                group = BLOCK
                self._store_columns(statements[at:at + BLOCK])
            elif group:
                mine, others = _divided(statements[at:at + group])
                self.run(others)
                self._store_group(mine)
            else:
                super().run(statements[at:at + 1])
            at += max(group, 1)

    def _stores_of_a_group(self, statements: list[Statement], at: int) -> int:
        """How many statements from `at` on store all parts of a group, with names bound and others
        stored to between the stores, which do not depend on them; 0 if they don't."""
        first = statements[at]
        if not isinstance(first, Store) or not first.index:
            return 0
        one = self.access(first.buffer, first.index)
        parts = self._parts(first.buffer, one, True)
        seen: set[int] = set()
        if not parts:
            return 0
        for number, s in enumerate(statements[at:], 1):
            if not isinstance(s, Let | Store) or not self._reads_others(s, first, one, parts, seen):
                return 0
            if isinstance(s, Let) or s.buffer is not first.buffer:
                continue
            access = self.access(s.buffer, s.index)
            if s.combine is not None or access.base is not one.base or (
                    access.constant // parts != one.constant // parts
                    or access.constant % parts in seen):
                return 0
            seen.add(access.constant % parts)
            if len(seen) == parts:
                mine, others = _divided(statements[at:at + number])
                stored = {s.buffer for s in others if isinstance(s, Store)}
                late = any(x.args[0] in stored for s in mine for x in s.value.loads)
                return 0 if late else number
        return 0

    def _reads_others(self, s: Let | Store, first: Store, one: Access, parts: int,
                      seen: set[int]) -> bool:
        """Is nothing that a statement reads stored by those before it, whose parts are `seen`? What
        is reached in steps of whole groups from another part is other elements."""
        for load in s.value.loads:
            if load.args[0] is first.buffer:
                access = self.access(first.buffer, load.args[1:])
                if access.stride is not one.stride or access.base is not one.base or (
                        access.constant % parts in seen):
                    return not seen
        return True

    def _store_group(self, stores: list[Store]) -> None:
        assert self.lanes is not None
        buffer, parts, width = stores[0].buffer, len(stores), self.lanes.width
        count, lanes = self._pieces(buffer)
        t, one = memory_type(buffer.dtype, width), memory_type(buffer.dtype, lanes)
        values = [""] * parts
        for s in stores:
            part = self.access(buffer, s.index).constant % parts
            values[part] = self.to_memory(self.vector(s.value), buffer.dtype, width)
        at, _ = self._group(buffer, self.access(buffer, stores[0].index), parts)
        empty = "poison"
        order = ", ".join(f"i32 {part * lanes + k}" for k in range(lanes) for part in range(parts))
        half = type_of(one.dtype, lanes * (2 if parts > 2 else 1))
        total = type_of(one.dtype, lanes * parts)
        for k in range(count):
            pieces = [self._slice(v, t, k * lanes, lanes) for v in values]
            if parts > 2:
                pieces += [empty] * (4 - parts)
                pieces = [self._joined(pieces[:2], one), self._joined(pieces[2:], one)]
            mixed = self.op(f"shufflevector {half} {pieces[0]}, {half} {pieces[1]}, "
                            f"<{lanes * parts} x i32> <{order}>")
            piece = at if not k else self.op(
                f"getelementptr {one.element}, ptr {at}, i64 {k * lanes * parts}")
            self.lines.append(f"store {total} {mixed}, ptr {piece}, "
                              f"align {buffer.dtype.itemsize}")
        self.forget([buffer])


def _divided(statements: list[Statement]) -> tuple[list[Store], list[Statement]]:
    """The stores to the buffer that the first of them stores to, and the other statements."""
    first = statements[0]
    assert isinstance(first, Store)
    mine = [s for s in statements if isinstance(s, Store) and s.buffer is first.buffer]
    return mine, [s for s in statements if s not in mine]
