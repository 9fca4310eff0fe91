"""The memory of large arrays, used again: what results and temporaries have in common.

    capsule(code)       # for the machine: results of a MiB and more come from here
    pool:take(size)     # for kernels: memory for a temporary, in whole cache lines
    pool:give(memory)   # ... and back

Page faults are what a large fresh array costs: a sigmoid of 1e7 floats took 33 ms into fresh 4 KiB
pages, 4.4 ms into what `np.empty` gives, 2.3 ms into a block used before. So freed blocks are kept,
up to a cap: SLOTS of them, each of a size that fits many requests (`_capacity`), from GRAIN on
aligned to it and of huge pages. An array remembers its handler and owns its data: it frees them
into the pool however late.

    slots     SLOTS pairs (pointer, size); size 0 is free
    state     0 lock  8 bytes held  16 cap  24 next slot to evict  32 blocks used again

A temporary lies behind a header, two words before its first byte: its block, and the block's size
(0: it is malloc's, as all below SMALL are). Functions of the handler are called with the GIL held,
kernels also without it: who finds the lock taken goes to malloc. If the system has no memory, the
kept blocks are given back before an allocation fails. Blocks that `realloc` or `calloc` made are
not aligned: they are freed.

All this is an object of its own, in memory once a process: a kernel needs it before there is a
machine, and where there is none.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from typing import Any

from hotloop import config
from hotloop.digest import blake2b
from hotloop.entry.text import Function
from hotloop.llvm import cache, engine, externals, loader

SLOTS = 32
GRAIN = 1 << 21
SMALL = 1 << 16
LARGE = 1 << 20
"""Results of at least so many bytes come from the pool, if it is on."""
_LINE, _PAGE = 64, 4096
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
declare i64 @malloc_usable_size(ptr)
declare i64 @llvm.ctlz.i64(i64, i1)
declare i64 @llvm.uadd.sat.i64(i64, i64)"""


def text() -> str:
    """All functions, as an LLVM module."""
    return "\n\n".join([_HEAD, _capacity(), _get(), _put(), _release(), _malloc(), _free(),
                        _calloc(), _realloc(), _take(), _give()])


def _capacity() -> str:
    """The size of the block for a request: whole GRAINs, or below a GRAIN one of four sizes an
    octave (so up to a quarter is spare). -1 if the request is too large."""
    f = Function("define internal i64 @hl_capacity(i64 %size)")
    large = f.test(f"uge i64 %size, {GRAIN}")
    less = f.op("sub i64 %size, 1")
    width = f.op(f"sub i64 63, {f.op(f'call i64 @llvm.ctlz.i64(i64 {less}, i1 false)')}")
    octave = f.op(f"shl i64 1, {f.op(f'sub i64 {width}, 2')}")
    grain = f.op(f"select i1 {large}, i64 {GRAIN}, i64 {octave}")
    padded = f.op(f"call i64 @llvm.uadd.sat.i64(i64 %size, i64 {f.op(f'sub i64 {grain}, 1')})")
    rounded = f.op(f"and i64 {padded}, {f.op(f'sub i64 0, {grain}')}")
    wraps = f.test(f"slt i64 {rounded}, 0")
    f.line(f"ret i64 {f.op(f'select i1 {wraps}, i64 -1, i64 {rounded}')}")
    return f.text()


def _lock(f: Function, taken: str) -> None:
    before = f.op("atomicrmw xchg ptr @hl_state, i64 1 acquire")
    f.leave_unless(f.test(f"eq i64 {before}, 0"), taken)


def _unlock(f: Function) -> None:
    f.line("store atomic i64 0, ptr @hl_state release, align 8")


def _slot(f: Function, number: str) -> str:
    return f.cell("@hl_slots", f.op(f"shl i64 {number}, 1"))


def _get() -> str:
    """A block of exactly this size, kept or new; null if there is no memory."""
    f = Function("define internal ptr @hl_get(i64 %size)")
    place = f.variable("ptr", "null")
    fresh, hit, miss, again, fail, huge, done = (f.label() for _ in range(7))
    f.leave_unless(f.test("sgt i64 %size, 0"), fail)
    _lock(f, fresh)
    with f.loop(str(SLOTS)) as k:
        slot = _slot(f, k)
        on = f.label()
        f.branch(f.test(f"eq i64 {f.load('i64', slot, 8)}, %size"), hit, on)
        f.begin(on)
    f.jump(miss)
    f.begin(hit)
    block = f.load("ptr", slot)
    f.store("i64", "0", slot, 8)
    held = f.load("i64", "@hl_state", _HELD)
    f.store("i64", f.op(f"sub i64 {held}, %size"), "@hl_state", _HELD)
    f.add(f.at("@hl_state", _HITS), 1)
    _unlock(f)
    f.line(f"ret ptr {block}")
    f.begin(miss)
    _unlock(f)
    f.jump(fresh)
    f.begin(fresh)
    large = f.test(f"uge i64 %size, {GRAIN}")
    align = f.op(f"select i1 {large}, i64 {GRAIN}, i64 {_PAGE}")
    made = f.label()
    status = f.op(f"call i32 @posix_memalign(ptr {place}, i64 {align}, i64 %size)")
    f.branch(f.test(f"eq i32 {status}, 0"), made, again)
    f.begin(again)
    f.line("call void @hl_release()")
    status = f.op(f"call i32 @posix_memalign(ptr {place}, i64 {align}, i64 %size)")
    f.branch(f.test(f"eq i32 {status}, 0"), made, fail)
    f.begin(made)
    new = f.load("ptr", place)
    f.branch(large, huge, done)
    f.begin(huge)
    f.op(f"call i32 @madvise(ptr {new}, i64 %size, i32 {_HUGE_PAGES})")
    f.jump(done)
    f.begin(done)
    f.line(f"ret ptr {new}")
    f.begin(fail)
    f.line("ret ptr null")
    return f.text()


def _put() -> str:
    """Keep a block of `size` bytes, evicting older ones to stay below the cap."""
    f = Function("define internal void @hl_put(ptr %block, i64 %size)")
    release, room, evict, put, search = (f.label() for _ in range(5))
    cap = f.load("i64", "@hl_state", _CAP)
    f.leave_if(f.test(f"ugt i64 %size, {cap}"), release)
    _lock(f, release)
    f.jump(room)

    f.begin(room)
    held = f.load("i64", "@hl_state", _HELD)
    wanted = f.op(f"add i64 {held}, %size")
    f.leave_if(f.test(f"ugt i64 {wanted}, {cap}"), evict)
    f.jump(search)
    f.begin(search)
    with f.loop(str(SLOTS)) as k:
        slot = _slot(f, k)
        on = f.label()
        f.branch(f.test(f"eq i64 {f.load('i64', slot, 8)}, 0"), put, on)
        f.begin(on)
    f.jump(evict)

    f.begin(put)
    f.store("ptr", "%block", slot)
    f.store("i64", "%size", slot, 8)
    f.store("i64", wanted, "@hl_state", _HELD)
    _unlock(f)
    f.line("ret void")

    f.begin(evict)
    number = f.load("i64", "@hl_state", _NEXT)
    next_ = f.op(f"and i64 {f.op(f'add i64 {number}, 1')}, {SLOTS - 1}")
    f.store("i64", next_, "@hl_state", _NEXT)
    slot = _slot(f, number)
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


def _release() -> str:
    """Give all kept blocks back to the system."""
    f = Function("define void @hl_release()")
    taken = f.label()
    _lock(f, taken)
    with f.loop(str(SLOTS)) as k:
        slot = _slot(f, k)
        full, on = f.label(), f.label()
        f.branch(f.test(f"eq i64 {f.load('i64', slot, 8)}, 0"), on, full)
        f.begin(full)
        f.line(f"call void @free(ptr {f.load('ptr', slot)})")
        f.store("i64", "0", slot, 8)
        f.jump(on)
        f.begin(on)
    f.store("i64", "0", "@hl_state", _HELD)
    _unlock(f)
    f.line("ret void")
    f.begin(taken)
    f.line("ret void")
    return f.text()


# ---- NumPy's handler

def _malloc() -> str:
    f = Function("define ptr @hl_malloc(ptr %context, i64 %size)")
    small = f.label()
    f.leave_if(f.test(f"ult i64 %size, {LARGE}"), small)
    rounded = f.op(f"call i64 @hl_capacity(i64 {_at_least_a_grain(f)})")
    f.line(f"ret ptr {f.op(f'call ptr @hl_get(i64 {rounded})')}")
    f.begin(small)
    f.line(f"ret ptr {f.op('call ptr @malloc(i64 %size)')}")
    return f.text()


def _at_least_a_grain(f: Function) -> str:
    return f.op(f"select i1 {f.test(f'ult i64 %size, {GRAIN}')}, i64 {GRAIN}, i64 %size")


def _free() -> str:
    """Keep the block if it is one of ours."""
    f = Function("define void @hl_free(ptr %context, ptr %block, i64 %size)")
    release = f.label()
    f.leave_if(f.test("eq ptr %block, null"), release)
    f.leave_if(f.test(f"ult i64 %size, {LARGE}"), release)
    rounded = f.op(f"call i64 @hl_capacity(i64 {_at_least_a_grain(f)})")
    address = f.op("ptrtoint ptr %block to i64")
    f.leave_unless(f.test(f"eq i64 {f.op(f'and i64 {address}, {GRAIN - 1}')}, 0"), release)
    usable = f.op("call i64 @malloc_usable_size(ptr %block)")
    f.leave_unless(f.test(f"uge i64 {usable}, {rounded}"), release)
    f.line(f"call void @hl_put(ptr %block, i64 {rounded})")
    f.line("ret void")
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


# ---- temporaries

def _take() -> str:
    """Memory of at least one cache line, aligned to lines, the last one whole."""
    f = Function("define ptr @hl_take(i64 %size)")
    small, fail = f.label(), f.label()
    padded = f.op(f"call i64 @llvm.uadd.sat.i64(i64 %size, i64 {3 * _LINE})")
    f.leave_if(f.test(f"ult i64 {padded}, {SMALL}"), small)
    wanted = f.op(f"call i64 @hl_capacity(i64 {padded})")
    block = f.op(f"call ptr @hl_get(i64 {wanted})")
    f.leave_if(f.test(f"eq ptr {block}, null"), fail)
    f.line(f"ret ptr {_headed(f, block, wanted)}")
    f.begin(small)
    block = f.op(f"call ptr @malloc(i64 {padded})")
    f.leave_if(f.test(f"eq ptr {block}, null"), fail)
    f.line(f"ret ptr {_headed(f, block, '0')}")
    f.begin(fail)
    f.line("ret ptr null")
    return f.text()


def _headed(f: Function, block: str, size: str) -> str:
    """The first line behind the header."""
    behind = f.op(f"add i64 {f.op(f'ptrtoint ptr {block} to i64')}, {_LINE + 16 - 1}")
    first = f.op(f"inttoptr i64 {f.op(f'and i64 {behind}, {-_LINE}')} to ptr")
    f.store("ptr", block, first, -16)
    f.store("i64", size, first, -8)
    return first


def _give() -> str:
    f = Function("define void @hl_give(ptr %memory)")
    small = f.label()
    block, size = f.load("ptr", "%memory", -16), f.load("i64", "%memory", -8)
    f.leave_if(f.test(f"eq i64 {size}, 0"), small)
    f.line(f"call void @hl_put(ptr {block}, i64 {size})")
    f.line("ret void")
    f.begin(small)
    f.line(f"call void @free(ptr {block})")
    f.line("ret void")
    return f.text()


# ---- in this process

class _Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy's ndarraytypes.h, version 1."""
    _fields_ = (("name", ctypes.c_char * 127), ("version", ctypes.c_uint8),
                *((name, ctypes.c_void_p)
                  for name in ("context", "malloc", "calloc", "realloc", "free")))


class Pool:
    """The loaded pool. It may never go: arrays point to its handler, kernels to its functions."""

    def __init__(self, code: Any):
        self.code = code
        self.state = (ctypes.c_uint64 * 5).from_address(code["hl_state"])
        self.cap = default_cap() if config.pool else 0

    @functools.cached_property
    def capsule(self) -> Any:
        """NumPy's handler, as `PyDataMem_SetHandler` takes it."""
        code = self.code
        self.handler = _Handler(b"hotloop", 1, None, code["hl_malloc"], code["hl_calloc"],
                                code["hl_realloc"], code["hl_free"])
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p,
                                ctypes.c_void_p)(("PyCapsule_New", ctypes.pythonapi))
        self.name = ctypes.create_string_buffer(b"mem_handler")
        return new(ctypes.addressof(self.handler), ctypes.addressof(self.name), None)

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
        ctypes.CFUNCTYPE(None)(self.code["hl_release"])()


def default_cap() -> int:
    """A sixteenth of the memory, from 64 MiB to 1 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(memory // 16, 64 << 20), 1 << 30)


def _key() -> str:
    """The cache key of the pool's object file: all that decides what it is."""
    folder = os.path.dirname(__file__)
    sources = [os.stat(os.path.join(folder, file)).st_mtime_ns for file in ("pool.py", "text.py")]
    parts = ("pool", sources, engine.versions(), engine.host(), config.cpu)
    return blake2b(repr(parts).encode()).hexdigest()


_pool: Pool | None = None
_lock_pool = threading.Lock()
os.register_at_fork(before=_lock_pool.acquire, after_in_parent=_lock_pool.release,
                    after_in_child=_lock_pool.release)


def pool(make: bool = True) -> Pool | None:
    """The pool of this process; its code comes from disk if it is there. Without `make` None if
    nothing has asked for it yet."""
    global _pool
    if _pool is None and make:
        with _lock_pool:
            if _pool is None:
                name = _key()
                object = cache.get(name) if config.cache else None
                if object is None:
                    object = engine.compile_text(text(), 1)
                    if config.cache:
                        cache.put(name, object)
                _pool = Pool(loader.load(object))
                # through the interpreter's end, too
                ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))(_pool)
    return _pool


def _address(name: str) -> int:
    found = pool()
    assert found is not None
    return int(found.code["hl_" + name])


externals.KINDS["pool"] = _address
