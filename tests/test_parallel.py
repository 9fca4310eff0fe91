"""Parallel loops as users see them: what Python gives, the same bits for any number of threads."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop import config
from hotloop.llvm import team

pytestmark = pytest.mark.skipif(not team.POSSIBLE, reason="loops run in one thread here")


@pytest.fixture
def everything_in_parts():
    before = config.parallel
    config.parallel = 0
    yield
    config.parallel = before
    hotloop.set_num_threads(None)


def softmax(a):
    z = np.exp(a - a.max(axis=1)[:, None])
    return z / z.sum(axis=1)[:, None]


def energy(p):
    out = np.zeros(len(p))
    for i in range(len(p)):
        s = 0.0
        for j in range(len(p)):
            if i != j:
                s += 1.0 / (abs(p[i] - p[j]) + 0.1)
        out[i] = s
    return out, out.sum()


def triangle(n):
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            out[i, j] = i * j
    return out


def escapes(n):
    out = np.zeros((n, n), np.int64)
    for i in range(n):
        for j in range(n):
            x = y = 0.0
            k = 0
            while x * x + y * y <= 4.0 and k < 50:
                x, y = x * x - y * y - 2.0 + 3.0 * i / n, 2 * x * y - 1.5 + 3.0 * j / n
                k += 1
            out[i, j] = k
    return out


def counts(x):
    n = small = 0
    largest = -np.inf
    for i in range(len(x)):
        if x[i] > 0:
            n += 1
        largest = max(largest, x[i])
    return n, small, largest, x.sum(), (x * x).mean(axis=0), np.cumsum(x)[-1]


def updated(x):
    for _ in range(3):
        x[1:-1] = 0.5 * (x[:-2] + x[2:])
        for i in range(len(x)):
            x[i] = x[i] * 1.5 - 1
    return x.std()


def taken(x, k):
    out = np.zeros(len(k))
    for i in range(len(k)):
        out[i] = x[k[i]]
    return out


def own_memory(a):
    out = np.zeros(len(a))
    for i in range(len(a)):
        row = np.sort(a[i]) if len(a) > 100 else a[i] * 2
        for j in range(1, len(row)):
            row[j] += row[j - 1]
        out[i] = row[-1]
    return out


R = np.random.default_rng(0)
CASES = [(softmax, R.normal(size=(37, 23))), (energy, R.normal(size=90)), (triangle, 41),
         (escapes, 33), (counts, R.normal(size=1001)), (updated, R.normal(size=200)),
         (taken, R.normal(size=50), R.integers(-50, 50, 333)),
         (own_memory, R.normal(size=(29, 17)))]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_like_python_with_any_number_of_threads(case, everything_in_parts):
    function, *args = case
    jitted = check(function, *args)
    seen = set()
    for count in (1, 2, 3, 5, 2):
        hotloop.set_num_threads(count)
        given = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
        found = jitted(*given)
        flat = found if isinstance(found, tuple) else (found,)
        seen.add(b"".join(np.asarray(x).tobytes() for x in (*flat, *given)))
    assert len(seen) == 1


def test_the_first_error_of_many(everything_in_parts):
    k = np.arange(500)
    k[[170, 340, 499]] = [600, 700, 800]
    hotloop.set_num_threads(3)
    for _ in range(5):
        check(taken, np.arange(500.0), k)


def test_warnings_of_workers(everything_in_parts):
    def inverse(x):
        out = np.zeros(len(x))
        for i in range(len(x)):
            out[i] = np.float64(1.0) / x[i] * np.sin(x[i])
        return out
    jitted = hotloop.jit(inverse, cache=False)
    x = np.ones(1000)
    jitted(x)
    x[970] = 0.0
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        jitted(x)


# ---- prange

def scattered(x, order):
    out = np.zeros(len(x))
    total = 0.0
    for i in hotloop.prange(len(x)):
        out[order[i]] = x[i] ** 2
        total += x[i]
    return out, total


def test_prange_is_range():
    assert hotloop.prange(3) == range(3) and hotloop.prange(1, 9, 2) == range(1, 9, 2)
    with pytest.raises(TypeError):
        hotloop.prange("3")


def test_prange(everything_in_parts):
    order = np.random.default_rng(1).permutation(400)
    jitted = check(scattered, np.arange(400.0), order)
    assert "parallel where" in hotloop.explain(jitted)
    check(lambda n: [sum(hotloop.prange(n)), len(hotloop.prange(n))], 5)


def test_prange_keeps_what_is_not_a_sum_in_order(everything_in_parts):
    def recurrence(x):
        s = 0.0
        for i in hotloop.prange(len(x)):
            s = 0.5 * s + x[i]
        return s
    jitted = check(recurrence, np.random.default_rng(2).normal(size=300), exact=True)
    assert "not parallel: each iteration needs a value" in hotloop.explain(jitted)


def neighbours(x):
    for i in hotloop.prange(1, len(x)):
        x[i] += x[i - 1]
    return x


def backwards(x):
    for i in hotloop.prange(len(x) - 2, -1, -1):
        x[i] += x[i + 1]
    return x


def ahead(x):
    for i in hotloop.prange(len(x) - 1):
        x[i] += x[i + 1]
    return x


def many_read_one_stores(x):
    for i in hotloop.prange(len(x)):
        if i == len(x) - 1:
            x[0] = 5.0
        else:
            x[i] = 2 * x[0]
    return x


def same_place(x):
    for i in hotloop.prange(len(x)):
        j = 0
        while j < 3:
            x[(i + j) // 3] = i
            j += 1
    return x


def apart(x):
    total = 0.0
    for i in hotloop.prange(len(x)):
        k = (i * 7) % len(x)
        row = np.zeros(3)
        for j in range(3):
            row[j] = x[k] + j
        x[k] = row.sum()
        total += row[1]
    return x, total


@pytest.mark.parametrize("f", [neighbours, backwards, ahead, many_read_one_stores, same_place])
def test_broken_promises(f, monkeypatch):
    monkeypatch.setattr(config, "check_prange", True)
    with pytest.raises(hotloop.errors.DependenceError, match=r"iterations [0-9]+ and [0-9]+ of"):
        hotloop.jit(f, cache=False)(np.arange(10.0))


def test_kept_promises(monkeypatch):
    monkeypatch.setattr(config, "check_prange", True)
    check(apart, np.arange(10.0))
    check(scattered, np.arange(50.0), np.random.default_rng(1).permutation(50))


# ---- the interpreter's lock, processes

@hotloop.jit(cache=False)
def long_chain(x, n):
    s = 0.0
    for _ in range(n):
        for i in range(len(x)):
            s = s * 0.999 + x[i]
            if s > 1e300:
                raise ValueError("large")
    return s


def test_python_runs_while_a_long_loop_does():
    x = np.random.default_rng(3).normal(size=1000)
    long_chain(x, 1)
    seen, stop = [], threading.Event()

    def other():
        while not stop.is_set():
            seen.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=other)
    thread.start()
    start = time.perf_counter()
    long_chain(x, 20_000)
    end = time.perf_counter()
    with pytest.raises(ValueError, match="large"):
        long_chain(x * 1e300, 20_000)         # it gets the lock back when it is left, too
    stop.set()
    thread.join(60)
    assert sum(start < t < end for t in seen) >= 3


PROGRAM = """
import os, sys, threading
import numpy as np
import hotloop

def f(x):
    return np.sin(x).sum(), np.exp(-x * x)

if __name__ == "__main__":
    f = hotloop.jit(f)
    x = np.arange(200_000) / 1e5
    want = f(x)[0]
    assert f(x)[0] == want
    child = os.fork()
    if child == 0:
        os._exit(0 if f(x)[0] == want else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    found = []
    callers = [threading.Thread(target=lambda: found.append(f(x)[0])) for _ in range(4)]
    for t in callers: t.start()
    for t in callers: t.join()
    assert found == [want] * 4
    threading.Thread(target=lambda: [f(x) for _ in iter(int, 1)], daemon=True).start()
    print("cached" if "from the disk cache" in hotloop.explain(f) else "compiled", want.hex())
"""


def test_a_program_that_forks_and_ends_while_threads_run(tmp_path):
    """Also from the disk cache, where LLVM is not loaded."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    lines = []
    for threads in ("2", "1", "3"):
        done = subprocess.run(
            [sys.executable, program], capture_output=True, text=True, timeout=120,
            env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "HOTLOOP_NUM_THREADS": threads,
                 "HOTLOOP_TIERS": "0", "HOTLOOP_CACHE_DIR": str(tmp_path / "cache")})
        assert done.returncode == 0, done.stderr
        lines.append(done.stdout.split())
    assert [kind for kind, _ in lines] == ["compiled", "cached", "cached"]
    assert len({sum_ for _, sum_ in lines}) == 1


def test_the_number_of_threads():
    with pytest.raises(ValueError):
        hotloop.set_num_threads(0)
    hotloop.set_num_threads(7)
    assert hotloop.get_num_threads() == 7
    hotloop.set_num_threads(None)
    assert hotloop.get_num_threads() >= 1


def damped(x):
    s, least = 1.5, 2.0
    out = np.zeros(len(x))
    for i in range(3):
        s = 0.5 * s + np.sum(x[i:] * x[i:] - s)
        least = min(least, np.min(x[i:] + least))
        out = out * 0.5 + x * s
        count = 0
        for j in range(len(x)):
            count += x[j] > s * i
    return s, least, count, out


def at_zero(x):
    s = 0
    for i in range(1, 3):
        for j in range(len(x)):
            s += 10 // int(x[j] * i + 5)
            x[j] += 1
    return s


@pytest.mark.parametrize("tiers", [False, True])
@pytest.mark.parametrize("f", [damped, at_zero])
def test_inside_other_loops(f, tiers, monkeypatch):
    """A small loop stands in place of its call, and gives what the call and the parts give."""
    monkeypatch.setattr(config, "tiers", tiers)
    monkeypatch.setattr(config, "parallel", 300)
    jitted = hotloop.jit(f, cache=False)
    for n in (3, 100, 997, 9000):
        x = np.sin(np.arange(n))
        if f is at_zero and n > 100:
            x[n // 2] = -5.0
        check(f, x, jitted=jitted)
        found = set()
        for threads in (1, 2, 2) if f is damped else ():
            hotloop.set_num_threads(threads)
            found.add(b"".join(np.asarray(part).tobytes() for part in jitted(x)))
        assert len(found) <= 1
    hotloop.set_num_threads(None)
