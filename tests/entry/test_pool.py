"""The memory pool of large results and of temporaries."""

import ctypes
import gc
import os
import threading

import kernels
import numpy as np
import pytest

from hotloop.entry import abi, native
from hotloop.entry.pool import GRAIN, LARGE, SLOTS
from hotloop.llvm import background, externals
from hotloop.runtime import memory

pytestmark = pytest.mark.skipif(bool(abi.problem()), reason=abi.problem())

BIG = LARGE // 8


@pytest.fixture
def f():
    f = kernels.native(lambda a: a * a + 1, kernels.square_plus_1())
    f(np.zeros(3))
    gc.collect()
    memory.trim()
    cap = memory.info().cap
    memory.set_cap(64 << 20)
    yield f
    memory.set_cap(cap)
    memory.trim()


def handler(array):
    return np._core.multiarray.get_handler_name(array)


def test_large_results_reuse_memory(f):
    a = np.arange(BIG + 10.0)
    before = memory.info()
    r = f(a)
    assert handler(r) == "hotloop" and handler(f(a[:8])) == "default_allocator"
    assert handler(np.zeros(BIG)) == "default_allocator"
    assert r.flags.owndata and r.ctypes.data % GRAIN == 0
    first = r.ctypes.data
    del r
    assert memory.info().held == GRAIN
    r = f(a)
    assert r.ctypes.data == first
    assert memory.info().held == 0 and memory.info().reused == before.reused + 1
    assert (r == a * a + 1).all()


def test_arrays_that_live_are_never_given_out(f):
    a = np.arange(BIG * 1.0)
    results = [f(a) for _ in range(5)]
    assert len({r.ctypes.data for r in results}) == 5
    view = results[0][5:]
    del results
    others = [f(a * 0) for _ in range(10)]
    assert (view == a[5:] ** 2 + 1).all()
    del others


def test_the_cap_holds_and_old_blocks_go(f):
    arrays = [f(np.zeros(BIG * (k + 1))) for k in range(20)]
    del arrays
    assert 0 < memory.info().held <= 64 << 20
    memory.set_cap(GRAIN)
    assert memory.info().held == 0
    r = f(np.zeros(BIG * 4))
    del r
    assert memory.info().held == 0
    arrays = [f(np.zeros(BIG)) for _ in range(SLOTS + 3)]
    del arrays
    assert memory.info().held == GRAIN


def test_resized_results(f):
    """`resize` takes a block through realloc, shrinking and growing."""
    for first, then in ((BIG, 10), (BIG, 40 * BIG), (10, BIG)):
        r = f(np.ones(first))
        r.resize(then, refcheck=False)
        assert (r[:min(first, then)] == 2).all()
        r[:] = 3
        del r
        s = f(np.ones(then))
        t = f(np.ones(first))
        assert (s == 2).all() and (t == 2).all()


def test_switching_it_off(f):
    background.finish()                 # a better machine may be on its way
    machine = native.machine()
    machine.use_pool(False)
    try:
        assert handler(f(np.zeros(BIG))) == "default_allocator"
    finally:
        machine.use_pool(True)
    assert handler(f(np.zeros(BIG))) == "hotloop"


def test_impossible_sizes_raise():
    f = kernels.native(lambda a: a, kernels.square_plus_1())
    f(np.zeros(3))
    big = np.lib.stride_tricks.as_strided(np.zeros(1), (2**45,), (8,), writeable=False)
    with pytest.raises(MemoryError):
        f(big)


def test_threads(f):
    a = np.arange(BIG * 1.0)
    wanted = a * a + 1
    wrong = []

    def work():
        for _ in range(30):
            if not np.array_equal(f(a), wanted):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_fork(f):
    a = np.arange(BIG * 1.0)
    kept = f(a)
    f(a)
    pid = os.fork()
    if pid == 0:
        ok = np.array_equal(f(a), kept) and memory.info().reused > 0
        os._exit(0 if ok else 1)
    assert os.waitpid(pid, 0)[1] == 0


# ---- temporaries

def take(size):
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint64)(externals.resolve("pool:take"))(size)


def give(memory):
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(externals.resolve("pool:give"))(memory)


SIZES = [0, 1, 63, 64, 65, 1000, 65343, 65344, 65345, 65536, 10**5, 131072, 2**20, 2**21 - 193,
         2**21 - 192, 2**21 - 191, 2**21, 2**21 + 1, 5 * 10**6]


def test_temporaries_are_whole_lines_that_do_not_overlap(f):
    kept = []
    for size in SIZES * 2:
        memory = take(size)
        assert memory % 64 == 0
        ctypes.memset(memory, len(kept), -(-max(size, 1) // 64) * 64)
        kept.append((memory, size))
    for number, (memory, size) in enumerate(kept):
        assert ctypes.string_at(memory, size) == bytes([number]) * size
        give(memory)


def test_temporaries_reuse_memory_of_temporaries_and_results(f):
    memory.trim()
    for size in (10**5, 3 * 2**20):
        first = take(size)
        give(first)
        before = memory.info()
        assert size < before.held <= 1.25 * size + GRAIN
        again = take(size - size // 100)
        assert again == first and memory.info().reused == before.reused + 1
        give(again)
    r = f(np.zeros(3 * 2**17))
    assert abs(r.ctypes.data - first) < 4096
    memory.trim()
    small = take(1000)
    give(small)
    assert memory.info().held == 0


def test_no_memory_gives_what_is_kept_back(f):
    give(take(10**6))
    assert memory.info().held
    assert take(2**62) is None and memory.info().held == 0
    assert take(2**64 - 1) is None and take(2**63) is None and take(2**63 - 1) is None


def test_without_a_pool_nothing_is_kept(f):
    memory.set_cap(0)
    for size in SIZES:
        give(take(size))
        assert memory.info().held == 0
