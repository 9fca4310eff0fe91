"""The memory of large results, used again: a NumPy memory handler, in machine code.

    capsule(code)      # for the machine: results of a MiB and more come from here

Page faults are what a large fresh array costs: a sigmoid of 1e7 floats took 33 ms into fresh 4 KiB
pages, 4.4 ms into what `np.empty` gives, 2.3 ms into a block used before. So freed blocks are kept,
up to a cap: SLOTS of them, 2 MiB aligned, of huge pages, sizes rounded up to 2 MiB. An array
remembers its handler and owns its data: it frees them into the pool however late.

    slots     SLOTS pairs (pointer, size); size 0 is free
    state     0 lock  8 bytes held  16 cap  24 next slot to evict  32 blocks used again

Functions of the handler are called with the GIL held; the lock makes them right without it, too
(who finds it taken goes to malloc). Blocks that `realloc` or `calloc` made are not aligned: they
are freed.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from hotloop.entry.text import Function

SLOTS = 8
GRAIN = 1 << 21
_HUGE_PAGES = 14          # MADV_HUGEPAGE
_LOCK, _HELD, _CAP, _NEXT, _HITS = range(0, 40, 8)

_HEAD = f"""@hl_slots = global [{2 * SLOTS} x i64] zeroinitializer
@hl_state = global [5 x i64] zeroinitializer
declare ptr @malloc(i64)
declare ptr @calloc(i64, i64)
declare ptr @realloc(ptr, i64)
declare void @free(ptr)
declare i32 @posix_memalign(ptr, i64, i64)
declare i32 @madvise(ptr, i64, i32)
declare i64 @malloc_usable_size(ptr)"""


def text(large: int) -> str:
    """The handler's functions; blocks of less than `large` bytes are malloc's."""
    return "\n\n".join([_HEAD, _malloc(large), _free(large), _calloc(), _realloc()])


def _round(f: Function, size: str) -> str:
    return f.op(f"and i64 {f.op(f'add i64 {size}, {GRAIN - 1}')}, {-GRAIN}")


def _lock(f: Function, taken: str) -> None:
    before = f.op("atomicrmw xchg ptr @hl_state, i64 1 acquire")
    f.leave_unless(f.test(f"eq i64 {before}, 0"), taken)


def _unlock(f: Function) -> None:
    f.line("store atomic i64 0, ptr @hl_state release, align 8")


def _malloc(large: int) -> str:
    f = Function("define ptr @hl_malloc(ptr %context, i64 %size)")
    place = f.variable("ptr", "null")
    small, fresh, hit, miss, fail = (f.label() for _ in range(5))
    f.leave_if(f.test(f"ult i64 %size, {large}"), small)
    rounded = _round(f, "%size")
    f.leave_if(f.test(f"ult i64 {rounded}, %size"), fail)
    _lock(f, fresh)
    with f.loop(str(SLOTS)) as k:
        slot = f.cell("@hl_slots", f.op(f"shl i64 {k}, 1"))
        on = f.label()
        f.branch(f.test(f"eq i64 {f.load('i64', slot, 8)}, {rounded}"), hit, on)
        f.begin(on)
    f.jump(miss)
    f.begin(hit)
    block = f.load("ptr", slot)
    f.store("i64", "0", slot, 8)
    held = f.load("i64", "@hl_state", _HELD)
    f.store("i64", f.op(f"sub i64 {held}, {rounded}"), "@hl_state", _HELD)
    f.add(f.at("@hl_state", _HITS), 1)
    _unlock(f)
    f.line(f"ret ptr {block}")
    f.begin(miss)
    _unlock(f)
    f.jump(fresh)
    f.begin(fresh)
    status = f.op(f"call i32 @posix_memalign(ptr {place}, i64 {GRAIN}, i64 {rounded})")
    f.leave_unless(f.test(f"eq i32 {status}, 0"), fail)
    made = f.load("ptr", place)
    f.op(f"call i32 @madvise(ptr {made}, i64 {rounded}, i32 {_HUGE_PAGES})")
    f.line(f"ret ptr {made}")
    f.begin(small)
    f.line(f"ret ptr {f.op('call ptr @malloc(i64 %size)')}")
    f.begin(fail)
    f.line("ret ptr null")
    return f.text()


def _free(large: int) -> str:
    """Keep the block if it is one of ours, evicting older ones to stay below the cap."""
    f = Function("define void @hl_free(ptr %context, ptr %block, i64 %size)")
    release, room, evict, put, search = (f.label() for _ in range(5))
    f.leave_if(f.test("eq ptr %block, null"), release)
    f.leave_if(f.test(f"ult i64 %size, {large}"), release)
    rounded = _round(f, "%size")
    address = f.op("ptrtoint ptr %block to i64")
    f.leave_unless(f.test(f"eq i64 {f.op(f'and i64 {address}, {GRAIN - 1}')}, 0"), release)
    usable = f.op("call i64 @malloc_usable_size(ptr %block)")
    f.leave_unless(f.test(f"uge i64 {usable}, {rounded}"), release)
    cap = f.load("i64", "@hl_state", _CAP)
    f.leave_if(f.test(f"ugt i64 {rounded}, {cap}"), release)
    _lock(f, release)
    f.jump(room)

    f.begin(room)
    held = f.load("i64", "@hl_state", _HELD)
    wanted = f.op(f"add i64 {held}, {rounded}")
    f.leave_if(f.test(f"ugt i64 {wanted}, {cap}"), evict)
    f.jump(search)
    f.begin(search)
    with f.loop(str(SLOTS)) as k:
        slot = f.cell("@hl_slots", f.op(f"shl i64 {k}, 1"))
        on = f.label()
        f.branch(f.test(f"eq i64 {f.load('i64', slot, 8)}, 0"), put, on)
        f.begin(on)
    f.jump(evict)

    f.begin(put)
    f.store("ptr", "%block", slot)
    f.store("i64", rounded, slot, 8)
    f.store("i64", wanted, "@hl_state", _HELD)
    _unlock(f)
    f.line("ret void")

    f.begin(evict)
    number = f.load("i64", "@hl_state", _NEXT)
    next_ = f.op(f"and i64 {f.op(f'add i64 {number}, 1')}, {SLOTS - 1}")
    f.store("i64", next_, "@hl_state", _NEXT)
    slot = f.cell("@hl_slots", f.op(f"shl i64 {number}, 1"))
    size = f.load("i64", slot, 8)
    f.leave_if(f.test(f"eq i64 {size}, 0"), room)
    f.line(f"call void @free(ptr {f.load('ptr', slot)})")
    f.store("i64", "0", slot, 8)
    before = f.load("i64", "@hl_state", _HELD)
    f.store("i64", f.op(f"sub i64 {before}, {size}"), "@hl_state", _HELD)
    f.jump(room)

    f.begin(release)
    f.line("call void @free(ptr %block)")
    f.line("ret void")
    return f.text()


def _calloc() -> str:
    f = Function("define ptr @hl_calloc(ptr %context, i64 %count, i64 %size)")
    f.line(f"ret ptr {f.op('call ptr @calloc(i64 %count, i64 %size)')}")
    return f.text()


def _realloc() -> str:
    f = Function("define ptr @hl_realloc(ptr %context, ptr %block, i64 %size)")
    f.line(f"ret ptr {f.op('call ptr @realloc(ptr %block, i64 %size)')}")
    return f.text()


class _Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy's ndarraytypes.h, version 1."""
    _fields_ = (("name", ctypes.c_char * 127), ("version", ctypes.c_uint8),
                *((name, ctypes.c_void_p)
                  for name in ("context", "malloc", "calloc", "realloc", "free")))


class Pool:
    """The handler of a loaded machine. Neither may ever go: arrays point to it."""

    def __init__(self, code: Any):
        self.handler = _Handler(b"hotloop", 1, None, code["hl_malloc"], code["hl_calloc"],
                                code["hl_realloc"], code["hl_free"])
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p,
                                ctypes.c_void_p)(("PyCapsule_New", ctypes.pythonapi))
        self.name = ctypes.create_string_buffer(b"mem_handler")
        self.capsule = new(ctypes.addressof(self.handler), ctypes.addressof(self.name), None)
        self.state = (ctypes.c_uint64 * 5).from_address(code["hl_state"])
        self.slots = (ctypes.c_uint64 * (2 * SLOTS)).from_address(code["hl_slots"])
        self.cap = default_cap()

    @property
    def held(self) -> int:
        """Bytes of freed blocks that are kept."""
        return self.state[_HELD // 8]

    @property
    def hits(self) -> int:
        """Blocks used again so far."""
        return self.state[_HITS // 8]

    @property
    def cap(self) -> int:
        return self.state[_CAP // 8]

    @cap.setter
    def cap(self, bytes_: int) -> None:
        self.state[_CAP // 8] = bytes_

    def trim(self) -> None:
        """Give the kept blocks back to the system."""
        free = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("free", ctypes.pythonapi))
        for k in range(0, 2 * SLOTS, 2):
            if self.slots[k + 1]:
                block, size = self.slots[k], self.slots[k + 1]
                self.slots[k + 1] = 0
                self.state[_HELD // 8] -= size
                free(block)


def default_cap() -> int:
    """A sixteenth of the memory, from 64 MiB to 1 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(memory // 16, 64 << 20), 1 << 30)
