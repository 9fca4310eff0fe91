"""The memory pool of large results."""

import gc
import os
import threading

import kernels
import numpy as np
import pytest

from hotloop.entry import abi, native
from hotloop.entry.machine import LARGE
from hotloop.entry.pool import GRAIN, SLOTS
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
