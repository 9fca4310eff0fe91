"""Hard moments for compiled code, each run in a process of its own: `python hardships.py NAME`."""

import os
import resource
import signal
import sys
import threading
import time

import numpy as np

import hotloop


@hotloop.jit(cache=False)
def slow(a, n):
    t = 0.0
    for _ in range(n):
        for x in a:
            t = t * 0.5 + x
    return t


@hotloop.jit(cache=False)
def work(a, k):
    b = np.sin(a) * k
    for i in range(len(a)):
        b[i] += i
    return b.sum(), b


def compare(x, k):
    got, expected = work(x, k), work.__wrapped__(x, k)
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-5)


def expression(k):
    return hotloop.jit(eval(f"lambda x: x * {k} + 1"), cache=False)


def threads():
    """Many specialize one function at once, some throw its code away."""
    failed = []

    def body(seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(8):
                dtype = ("f8", "f4", "i8", "c16", "u1", "f2")[rng.integers(6)]
                x = rng.integers(0, 5, rng.integers(0, 50)).astype(dtype)
                compare(x[::rng.integers(1, 3)], (2, 0.5, np.float32(2), True)[rng.integers(4)])
                if rng.random() < 0.05:
                    work.clear_cache()
        except BaseException as error:
            failed.append(error)
    workers = [threading.Thread(target=body, args=(seed,)) for seed in range(4)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    assert not failed, failed


def fork():
    """Children use compiled code and compile, also while the parent's thread compiles."""
    compare(np.arange(5.0), 2)
    busy = threading.Thread(target=lambda: [expression(k)(np.ones(3)) for k in range(8)])
    busy.start()
    for _ in range(4):
        child = os.fork()
        if child == 0:
            signal.alarm(50)
            compare(np.arange(5.0), 2)
            compare(np.arange(7, dtype="f4"), 3)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    busy.join()


def shutdown():
    """The interpreter ends while threads compile and run compiled code."""
    slow(np.ones(3), 1)
    threading.Thread(target=slow, args=(np.ones(1000), 2 * 10**5), daemon=True).start()
    for start in (0, 1000):
        threading.Thread(target=lambda start=start: [
            expression(k)(np.ones(3)) for k in range(start, start + 1000)], daemon=True).start()
    time.sleep(0.3)


def interrupt():
    """KeyboardInterrupt comes during a kernel and during compilation; both work after it."""
    # Python drops an exception that a signal raises inside a weak reference's call-back
    # ("Exception ignored in ..."), so the signal comes again until one arrives. It is not SIGINT,
    # which is ignored by what a shell runs in the background.
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    slow(np.ones(3), 1)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.5)
    try:
        slow(np.ones(1000), 5 * 10**4)
        time.sleep(5)
        raise AssertionError("no KeyboardInterrupt")
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    found = 0
    for k in range(4):
        signal.setitimer(signal.ITIMER_REAL, 0.005 * (k + 1), 0.5)
        try:
            while True:
                expression(k)(np.ones(3))
        except KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)
            found += 1
    assert found == 4
    compare(np.arange(5.0), 2)


def memory():
    """Results and temporaries that don't fit are MemoryErrors; smaller ones work after them."""
    large = hotloop.jit(lambda a, n: np.zeros(n) + a[0], cache=False)
    square = hotloop.jit(lambda a, b: np.sort(a[:, None] * b, axis=0)[0].sum(), cache=False)
    large(np.ones(2), 3)
    square(np.ones(3), np.ones(4))
    with open("/proc/self/statm") as sizes:
        pages = int(sizes.read().split()[0])
    limit = pages * resource.getpagesize() + (100 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    many = np.ones(10**4)
    for function, args in ((large, (many, 10**9)), (large, (many, 10**13)), (square, (many, many))):
        try:
            function(*args)
        except MemoryError:
            continue
        raise AssertionError("no MemoryError")
    assert large(np.ones(2), 3).sum() == 3 and square(np.ones(3), np.ones(4)) == 4


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("done")
