"""Two tiers: quick code first, better code in the background, the same results throughout."""

import _thread
import math
import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import hotloop
from hotloop import config, persist
from hotloop.entry.steps import Spec
from hotloop.llvm import background, engine
from hotloop.loops.estimate import operations


@pytest.fixture(autouse=True)
def on(monkeypatch):
    background.finish()
    monkeypatch.setattr(config, "tiers", True)
    yield
    background.finish()


@pytest.fixture
def levels(monkeypatch):
    """The levels of code generation asked for, with whether it was in the background."""
    found = []
    made = engine.compile_text

    def compile_text(text, level=3, passes=False, background=False):
        found.append((level, background))
        return made(text, level, passes, background)
    monkeypatch.setattr(engine, "compile_text", compile_text)
    return found


def function():
    scale = np.random.rand()            # no two of these are equivalent

    @hotloop.jit(cache=False)
    def f(x, n):
        total = 0.0
        for i in range(n):
            total += scale * x[i]
        return total, np.exp(x) * total
    return f


def test_short_calls_run_quick_code_until_better_code_is_there(levels):
    f, x = function(), np.arange(8.0)
    before = f(x, 8)
    assert levels[0] == (0, False)
    background.finish()
    assert levels[1:] == [(3, True)]
    entry, = f._specializations.entries
    for _ in range(3):                  # by way of Python, by the table
        after = f(x, 8)
        assert after[0] == before[0] and (after[1] == before[1]).all()
    table = next(iter(entry.users)).tables[entry]
    assert table.cells[Spec.KERNEL] == entry.compiled.kernel


def test_long_calls_run_good_code_at_once(levels):
    function()(np.ones(10**7), 10**7)
    assert levels[0] == (3, False)      # the pool of threads may follow
    assert not any(background for _, background in levels)


def test_nothing_is_quick_where_nobody_knows_how_long_it_takes(levels):
    @hotloop.jit(cache=False)
    def collatz(n):
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        return steps
    assert collatz(27) == 111
    assert levels == [(3, False)]


def escape(x, n):
    k = 0
    while k < n and x < 4.0:
        x = x * x + 0.1
        k += 1
    return k


def insertion(a):
    for i in range(1, len(a)):
        j = i - 1
        while j >= 0 and a[j] > a[j + 1]:
            a[j], a[j + 1] = a[j + 1], a[j]
            j -= 1
    return a


def doubled(n):
    size = total = 1
    while size < n:
        for i in range(0, n, size):
            total += i
        size *= 2
    return total


def rows(starts, x):
    total = 0.0
    for i in range(len(starts) - 1):
        for k in range(starts[i], starts[i + 1]):
            total += x[k]
    return total


def by_one_or_two(n):
    k = 0
    while k < n:
        k += 1 if k % 3 else 2
    return k


@pytest.mark.parametrize(("f", "args", "least", "most"), [
    (escape, (0.1, 100), 300, 3000), (insertion, (np.ones(100),), 1e4, 2e5),
    (doubled, (1000,), 1e3, 2e6), (rows, (np.arange(0, 1001, 10), np.ones(1000)), 1e3, 3e4),
    (by_one_or_two, (100,), math.inf, math.inf)])
def test_how_long_while_loops_may_take(f, args, least, most, monkeypatch):
    found = []

    def noted(kernel, values):
        found.append(operations(kernel, values)[0])
        return operations(kernel, values)
    monkeypatch.setattr("hotloop.runtime.tiers.operations", noted)
    hotloop.jit(f, cache=False)(*args)
    assert least <= found[0] <= most


def test_switched_off(levels, monkeypatch):
    monkeypatch.setattr(config, "tiers", False)
    function()(np.ones(3), 3)
    assert levels == [(3, False)]


def test_without_threads_all_is_done_at_once(levels, monkeypatch):
    def start(function, arguments):
        raise RuntimeError("can't start new thread")
    monkeypatch.setattr(_thread, "start_new_thread", start)
    f = function()
    assert f(np.ones(3), 0)[0] == 0.0
    assert levels == [(0, False), (3, True)]


def test_the_disk_gets_the_good_code(monkeypatch, tmp_path):
    made, compile_text = [], engine.compile_text

    def noted(text, level=3, passes=False, background=False):
        made.append((level, compile_text(text, level, passes, background)))
        return made[-1][1]
    monkeypatch.setattr(engine, "compile_text", noted)
    monkeypatch.setattr(config, "cache_dir", str(tmp_path))
    monkeypatch.setattr(config, "cache", True)
    kept = []
    monkeypatch.setattr(persist, "store", lambda key, entry, data, names: kept.append(data))

    @hotloop.jit
    def f(x):
        return np.exp(x) + 1

    f(np.ones(4))
    background.finish()
    assert [level for level, _ in made] == [0, 3]
    assert kept == [made[1][1]]


def test_both_tiers_give_the_same_bits():
    @hotloop.jit(cache=False)
    def f(x, y):
        z = np.exp(x) * np.sin(y)
        return z, z.sum(), (x * y).mean(), np.prod(1 + x / 100), (x * y).max(), np.float32(x.sum())
    rng = np.random.default_rng(0)
    for n in (1, 7, 100, 1001, 30000):
        x, y = rng.normal(size=(2, n))
        f.clear_cache()
        quick = f(x, y)
        background.finish()
        for a, b in zip(quick, f(x, y), strict=True):
            assert np.array_equal(a, b)


def test_many_threads_while_code_is_exchanged():
    functions = [function() for _ in range(6)]
    x = np.arange(50.0)
    wrong = []

    def run():
        for f in functions:
            expected = f(x, 50)
            for _ in range(200):
                found = f(x, 50)
                if found[0] != expected[0] or (found[1] != expected[1]).any():
                    wrong.append(found)
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.filterwarnings("always")
def test_a_job_that_fails_is_reported_and_the_next_one_done(recwarn):
    done = []

    def fail():
        raise KeyError("a bug")
    background.later(fail)
    background.later(lambda: done.append(1))
    background.finish()
    assert done == [1] and not background._working
    assert "good code could not be made: KeyError('a bug')" in str(recwarn[0].message)


def run_script(text):
    env = {**os.environ, "HOTLOOP_TIERS": "1", "HOTLOOP_CACHE": "0"}
    return subprocess.run([sys.executable, "-c", textwrap.dedent(text)], env=env, text=True,
                          capture_output=True, timeout=60)


def test_a_program_may_end_while_code_is_made(tmp_path):
    file = tmp_path / "short.py"
    file.write_text(textwrap.dedent("""
        import numpy as np, hotloop
        for k in range(5):
            f = hotloop.jit(lambda x: np.exp(x) * np.sin(x) + k)
            print(f(np.zeros(3))[0])
        """))
    done = run_script(f"exec(compile(open({str(file)!r}).read(), {str(file)!r}, 'exec'))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0.0", "1.0", "2.0", "3.0", "4.0"]
    assert not done.stderr


def test_a_child_improves_what_its_parent_began(tmp_path):
    file = tmp_path / "forks.py"
    file.write_text(textwrap.dedent("""
        import os, warnings
        import numpy as np, hotloop
        from hotloop.llvm import background
        warnings.simplefilter("ignore")
        f = [hotloop.jit(lambda x, k=k: np.exp(x) * np.sin(x) + k) for k in range(4)]
        for each in f:
            each(np.zeros(3))
        child = os.fork()
        if child == 0:
            background.finish()
            ok = not background._jobs and [each(np.zeros(3))[0] for each in f] == [0, 1, 2, 3]
            os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """))
    done = run_script(f"exec(compile(open({str(file)!r}).read(), {str(file)!r}, 'exec'))")
    assert done.returncode == 0, done.stderr


def test_work_of_straight_lines_is_small():
    kernel = hotloop.jit(lambda x: x + 1.0).lower(2.0).kernel
    work, size = operations(kernel, {})
    assert 0 < work < 10 and 0 < size < 10


def test_work_grows_with_sizes():
    @hotloop.jit
    def triangle(a):
        total = 0.0
        for i in range(a.shape[0]):
            for j in range(i):
                total += a[i, j]
        return total
    kernel = triangle.lower(np.ones((5, 5))).kernel
    name = str(kernel.params[0].shape[0])
    small, large = (operations(kernel, {name: n})[0] for n in (100, 1000))
    assert 50 < large / small < 200
    assert operations(kernel, {})[0] == float("inf")


def test_bounds_out_of_arrays_are_guessed_by_sizes():
    def rows(starts, x):
        total = 0.0
        for i in range(len(starts) - 1):
            for k in range(starts[i], starts[i + 1]):
                total += x[k]
        return total
    x = np.arange(10.0)
    jitted = hotloop.jit(rows, cache=False)
    kernel = jitted.lower(np.array([0, 3, 10]), x).kernel
    assert math.isfinite(operations(kernel, {"n1": 3, "n2": 10})[0])
    assert jitted(np.array([0, 3, 10]), x) == 45.0


def test_functions_that_a_long_program_is_cut_into_are_counted(tmp_path):
    lines = "\n".join(300 * ["    y = np.sin(y) * x - (y + 0.5)"])
    file = tmp_path / "program.py"
    file.write_text(f"import numpy as np\ndef f(x):\n    y = x\n{lines}\n    return y\n")
    space = {"__name__": "program", "__file__": str(file)}
    exec(compile(file.read_text(), str(file), "exec"), space)
    kernel = hotloop.jit(hotloop.jacrev(space["f"])).lower(np.ones(3)).kernel
    assert kernel.functions
    found = [operations(kernel, {str(kernel.params[0].shape[0]): n}) for n in (100, 1000)]
    assert all(math.isfinite(work) and size > 1000 for work, size in found)
    assert found[0][0] < found[1][0]


def test_a_function_that_calls_itself_may_do_so_for_ever():
    @hotloop.jit
    def steps(n):
        return 0 if n <= 1 else 1 + steps(n // 2 if n % 2 == 0 else 3 * n + 1)

    assert operations(steps.lower(27).kernel, {"p1": 27})[0] == math.inf
