"""The object that `jit` returns, and how calls find their specialization."""

import copy
import functools
import gc
import inspect
import os
import pickle
import subprocess
import sys
import threading
import traceback
import weakref

import numpy as np
import pytest

import hotloop
from hotloop import config
from hotloop.entry.slow import MISS
from hotloop.errors import UnsupportedError
from hotloop.runtime import dispatch, function


@hotloop.jit
def module_level(x, n: int = 2, *, k=1.0):
    """What it does."""
    return x * n + k


@pytest.fixture(params=["native", "plain"])
def jit(request, monkeypatch):
    """`jit` with the native machine and, as on other platforms, without."""
    gc.collect()        # what another test compiled for an equal function goes
    if request.param == "plain":
        monkeypatch.setattr(function.abi, "problem", lambda: "not this platform")
    return functools.partial(hotloop.jit, cache=False)


def test_it_looks_like_the_function(jit):
    def f(x, n: int = 2, *, k=1.0):
        """What it does."""
        return x * n + k

    f.attribute = 3
    g = jit(f)
    assert g.__wrapped__ is f
    assert (g.__name__, g.__doc__, g.__module__, g.__qualname__) == (
        f.__name__, f.__doc__, f.__module__, f.__qualname__)
    assert g.attribute == 3
    assert inspect.signature(g) == inspect.signature(f)
    assert callable(g) and "f" in repr(g)
    assert inspect.unwrap(g) is f
    g.mine = 4
    assert vars(g)["mine"] == 4
    assert weakref.ref(g)() is g
    assert hash(g) == hash(g) and g == g and g != jit(f)
    assert jit(g) is g


def test_pickling_is_by_reference():
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    assert copy.copy(module_level) is module_level
    assert copy.deepcopy(module_level) is module_level
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(hotloop.jit(lambda x: x))


def test_the_native_type_is_closed():
    kind = type(module_level)
    if kind is function.Function:
        pytest.skip("no native machine here")
    with pytest.raises(TypeError):
        type("Mine", (kind,), {})


def test_all_ways_to_pass_arguments(jit):
    def f(x, n=2, *more, k=1.0, **rest):
        return x * n + k + len(more) + len(rest)

    g = jit(f)
    for args, kwargs in (((3,), {}), ((3, 4), {}), ((3,), {"n": 5}), ((), {"x": 1.5, "n": 2}),
                         ((3, 4), {"k": 2.0}), ((3, 4, 5, 6), {"k": 2, "z": 1})):
        for _ in range(3):
            assert g(*args, **kwargs) == f(*args, **kwargs)
            assert type(g(*args, **kwargs)) is type(f(*args, **kwargs))


def test_descriptors(jit):
    class C:
        scale = 3

        @jit
        def method(self, x):
            return x * self.scale

        @staticmethod
        @jit
        def static(x):
            return x + 1

        @classmethod
        @jit
        def cls(cls, x):
            return x * cls.scale

    c = C()
    for _ in range(3):
        assert (c.method(2), C.method(c, 3), C.static(1), c.static(2), C.cls(2)) == (6, 9, 2, 3, 6)
    assert c.method.__self__ is c
    C.scale = 5
    assert (c.method(2), C.cls(2)) == (10, 10)
    assert functools.partial(c.method, 4)() == 20


def test_bound_methods_and_other_callables(jit):
    class C:
        def __init__(self, k):
            self.k = k

        def m(self, x):
            return x * self.k

        def __call__(self, x):
            return x + self.k

    one, two = C(2), C(3)
    for f, wanted in ((jit(one.m), 20), (jit(two.m), 30), (jit(one), 12), (jit(two), 13),
                      (jit(functools.partial(lambda a, b: a - b, 1)), -9)):
        assert [f(10) for _ in range(3)] == [wanted] * 3
    assert jit(int)(2.5) == 2 and jit(max)(1, 3) == 3      # of no signature


def test_cache_info_and_clear(jit):
    f = jit(lambda x: x + 1)
    assert f.cache_info() == (0, 0.0, {"compiled": 0})
    assert [f(1), f(2), f(2.5), f(3), f(10**30)] == [2, 3, 3.5, 4, 10**30 + 1]
    found = f.cache_info()
    assert found.specializations == 2 and found.seconds > 0
    assert found.calls["compiled"] == 4
    assert found.calls["python: an int of more than 64 bits"] == 1
    f.clear_cache()
    assert f.cache_info().specializations == 0
    assert f(1) == 2


def test_changed_globals_and_cells(jit):
    k = 2

    @jit
    def f(x):
        return x * k + OFFSET

    global OFFSET
    OFFSET = 10
    for _ in range(3):
        assert f(1) == 12
    k = 3
    assert f(1) == 13
    OFFSET = 20
    assert f(1) == 23
    k, OFFSET = 2, 10
    assert f(1) == 12


OFFSET = 10


def test_equivalent_functions_share_their_code(jit):
    compiled = []

    def compile(fn, args, kwargs):
        compiled.append(fn)
        return hotloop.runtime.jit._compiler((), (), False)(fn, args, kwargs)

    def make(k):
        return function.jitted(lambda x: x + k, compile, "shared")

    functions = [make(2) for _ in range(5)]
    assert [f(1) for f in functions for _ in range(3)] == [3] * 15
    assert len(compiled) == 1
    assert make(3)(1) == 4 and make(2.0)(1) == 3.0
    assert len(compiled) == 3
    one, two = make(7), make(7)
    assert one(1) == two(1) == 8
    two.__wrapped__.__closure__[0].cell_contents = 8
    assert (one(1), two(1), one(1), two(1)) == (8, 9, 8, 9)


def test_specializations_die_with_the_last_function():
    gc.collect()
    f, g = (hotloop.jit(lambda x: x - 5, cache=False) for _ in range(2))
    assert f._specializations is g._specializations
    f(1), g(1), f(1), g(1)
    watch = weakref.ref(f._specializations)
    del f
    gc.collect()
    assert watch() is not None and g(1) == -4
    del g
    gc.collect()
    assert watch() is None


def test_threads_compile_once(jit):
    compiled = []

    def compile(fn, args, kwargs):
        compiled.append(args)
        return hotloop.runtime.jit._compiler((), (), False)(fn, args, kwargs)

    f = function.jitted(lambda x: x * 2 + 1, compile, object())
    start = threading.Barrier(6)
    results = []

    def work(k):
        start.wait()
        results.append(f(k))
        results.append(f(float(k)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(2 * k + 1 for k in range(6) for _ in "ab")
    assert len(compiled) == 2


def test_functions_dropped_while_another_thread_calls_them():
    a = np.arange(100.0)
    wanted = (a * 3 - 1).tolist()
    holder = [hotloop.jit(lambda x: x * 3 - 1)]
    stop = threading.Event()
    wrong = []

    def work():
        while not stop.is_set():
            if holder[0](a).tolist() != wanted:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        holder[0] = hotloop.jit(lambda x: x * 3 - 1)
        holder[0](a)
        gc.collect()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_arrays_that_python_must_handle(jit):
    f = jit(lambda x, y: x + y)
    g = jit(store)
    a = np.arange(4.0)
    masked = np.ma.masked_array(a, [1, 0, 0, 0])
    for x in (a.astype(object), a.astype(">f8"), masked,
              np.array(["a", "b"], dtype=object)):
        for _ in range(2):
            got, wanted = f(x, x), x + x
            assert type(got) is type(wanted) and got.dtype == wanted.dtype
            assert got.tolist() == wanted.tolist()
    frozen = a.copy()
    frozen.flags.writeable = False
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            g(frozen, a.copy())
    for _ in range(3):
        b = np.arange(6.0)
        g(b[1:], b[:-1])                    # overlapping: in NumPy's order
        assert b.tolist() == [0, 0, 0, 0, 0, 0]


def store(x, y):
    for k in range(len(x)):
        x[k] = y[k]


def test_a_miss_that_no_compilation_can_serve_does_not_compile_again():
    compiled = []

    def compile(fn, args, kwargs):
        compiled.append(1)
        return hotloop.runtime.jit._compiler((), (), False)(fn, (1,), {})

    f = function.jitted(lambda x: x + 1, compile, object())
    assert [f(1.5), f(1.5), f(2.5)] == [2.5, 2.5, 3.5]
    assert len(compiled) == 1


def test_errors_of_compilation_leave_nothing_behind(jit):
    @jit
    def f(x):
        yield x

    for _ in range(2):
        with pytest.raises(hotloop.errors.UnsupportedError):
            f(1)
    assert f.cache_info().specializations == 0


def test_tracebacks_lead_from_the_call_to_the_users_line(jit):
    def f(a, k):
        return a[k] + 1

    g = jit(f)
    depths = []
    for _ in range(3):
        with pytest.raises(IndexError, match="index 7 is out of bounds") as caught:
            g(np.arange(3.0), 7)
        frames = traceback.extract_tb(caught.value.__traceback__)
        assert frames[0].filename == frames[-1].filename == __file__
        assert frames[-1].line == "return a[k] + 1" and frames[-1].name == "f"
        depths.append(len(frames))
    assert max(depths) <= 4
    if type(g) is not function.Function:
        assert depths[-1] == 2


def test_disable(jit, monkeypatch):
    calls = []

    @jit
    def f(x):
        calls.append(x)
        return x

    monkeypatch.setattr(hotloop.config, "disable", True)
    assert [f(1), f(2)] == [1, 2] and calls == [1, 2]


def test_lower(jit):
    f = jit(lambda x, n=2: x * n)
    assert "define" in f.lower(1.5).llvm
    assert f.cache_info().specializations == 0
    with pytest.raises(TypeError):
        f.lower()


def test_every_specialization_reaches_the_machine():
    f = hotloop.jit(lambda x, y: x * y, cache=False)
    values = [1, 1.5, 2j, np.float32(1), np.arange(3.0), np.arange(3), np.arange(3.0)[::2],
              np.ones((2, 3))[:, :2]]
    for x in values:
        for y in values:
            try:
                wanted = x * y
            except ValueError:
                continue
            for _ in range(3):
                got = f(x, y)
                assert type(got) is type(wanted)
                assert np.array_equal(got, wanted)
    assert None not in f._state.tables.values() if hasattr(f._state, "tables") else True


def test_nothing_fits_at_first():
    found = dispatch.Specializations(store, lambda *a: None)
    assert found.entries == () and found.binder.names == ("x", "y")
    assert found.find({"x": 1, "y": 2}, store)[:2] == (None, MISS)


def test_what_cannot_be_compiled_is_shown_without_frames_of_ours(jit):
    def f(x):
        y = x + 1
        return np.loadtxt(y)

    def generator(x):
        yield x

    for refused, line, word in ((f, 2, "loadtxt"), (generator, 0, "generator")):
        with pytest.raises(UnsupportedError, match=word) as info:
            jit(refused)(np.ones(3))
        first = refused.__code__.co_firstlineno
        frames = traceback.extract_tb(info.value.__traceback__)
        assert [frame.filename for frame in frames] == [__file__, __file__]
        assert frames[-1].lineno == first + line and "instead:" in str(info.value)
        assert f"line {first + line}" in str(info.value)


def test_the_pool_can_be_switched_off():
    code = ("import numpy as np, hotloop; from hotloop.runtime import memory\n"
            "from hotloop.llvm import background\n"
            "f = hotloop.jit(lambda x: x + 1, cache=False); x = np.ones(10**6)\n"
            "f(x), f(x), background.finish()     # the machine is there\n"
            "for _ in range(5): f(x)\n"
            "print(memory.info().reused > 0)")
    for switch, reuses in (("1", "True"), ("0", "False")):
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                               check=True, env=dict(os.environ, HOTLOOP_POOL=switch))
        assert found.stdout.strip() == reuses


@pytest.mark.parametrize("stage, function", [            # equal functions would share what is known
    ("lower", lambda x: x + 1), ("codegen", lambda x: 1 + x)])
def test_errors_of_the_compiler_are_not_taken_for_the_functions(monkeypatch, stage, function):
    def broken(*args):
        raise KeyError("lost")

    monkeypatch.setattr(f"hotloop.runtime.jit.{stage}", broken)
    monkeypatch.setattr(config, "verify", True)
    with pytest.raises(hotloop.errors.InternalError, match=r"compiling .*KeyError"):
        hotloop.jit(function, cache=False)(2)
    monkeypatch.setattr(config, "verify", False)
    f = hotloop.jit(function, cache=False)
    with pytest.warns(RuntimeWarning, match=r"(?s)plain Python: compiling .*KeyError.*a bug in hotl"
                      ) as found:
        assert [f(k) for k in range(3)] == [1, 2, 3]
    assert len(found) == 1


def test_a_traceback_shows_the_function_and_no_caret_at_a_wrong_place(tmp_path):
    path = tmp_path / "long.py"
    path.write_text("\n" * 7 + "def far(a, i):\n    s = 1.0\n" + "    # much more\n" * 9000
                    + "    if i > 2:\n        s = s + a[i] * 2\n    return s\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    with pytest.raises(IndexError) as caught:
        hotloop.jit(space["far"])(np.zeros(3), 5)
    last = traceback.TracebackException.from_exception(caught.value).stack[-1]
    assert (last.lineno, last.line, last.name) == (9011, "s = s + a[i] * 2", "far")
    assert last.colno is None
    frames = caught.value.__traceback__
    while frames.tb_next is not None:
        frames = frames.tb_next
    assert frames.tb_frame.f_code.co_firstlineno == 8


def test_functions_made_again_find_what_was_compiled(monkeypatch):
    """A function that jits another one at each call, which is collected in between: its code is
    kept from the second time on."""
    def work(f, x):
        @hotloop.jit
        def inner(x):
            return f(x) + 1
        return inner(x), inner.cache_info().specializations

    def times(k):
        return lambda t: t * k

    compiled = count_compilations(monkeypatch)
    x = np.arange(3.0)
    for k, wanted in ((2.0, 1), (2.0, 2), (2.0, 2), (3.0, 3), (2.0, 3), (3.0, 4), (3.0, 4)):
        result, specializations = work(times(k), x)
        gc.collect()
        assert result.tolist() == (x * k + 1).tolist() and specializations == 1
        assert len(compiled) == wanted


def test_one_compilation_serves_functions_that_are_made_again(monkeypatch):
    """... as arguments: what they close over is read like attributes."""
    def midpoint(f, a, b, n=10):
        h = (b - a) / n
        s = 0.0
        for i in range(n):
            s += f(a + (i + 0.5) * h)
        return s * h

    def line(c, d):
        return lambda t: c * t + d

    compiled = count_compilations(monkeypatch)
    integrate = hotloop.jit(midpoint)
    for c in (1.0, 2.5, -3.0):
        for d in (np.ones(3), np.arange(3.0)):
            f = line(c, d)
            assert integrate(f, 0.0, 1.0).tolist() == midpoint(f, 0.0, 1.0).tolist()
    assert len(compiled) == 1
    assert integrate(lambda t: t, 0.0, 1.0) == midpoint(lambda t: t, 0.0, 1.0)
    for power in (2, 3, 2, 3):              # the number shapes the program
        f = (lambda n: lambda t: sum(t**k for k in range(n)))(power)
        assert integrate(f, 0.0, 1.0) == midpoint(f, 0.0, 1.0)


def test_which_function_it_is():
    """Functions made of the same code are told apart where a program may ask which is which."""
    def make(k):
        return lambda t: t * k

    table = {make(7): 1}
    key = next(iter(table))
    both = hotloop.jit(lambda f, g, x: (f(x), g(x), f is g, f, [g]))
    look_up = hotloop.jit(lambda f, x: table[f] * f(x) if f in table else f(x))
    x = np.arange(3.0)
    a, b = make(2), make(3)
    for f, g in ((a, a), (b, b), (a, b), (b, a), (make(4), make(4))):
        first, second, same, h, others = both(f, g, x)
        assert first.tolist() == f(x).tolist() and second.tolist() == g(x).tolist()
        assert same is (f is g) and h is f and others[0] is g
    for f in (a, key, b, key, make(7)):
        assert look_up(f, x).tolist() == f(x).tolist()
    with_default = hotloop.jit(lambda f, x: f(x))
    for k in (1, 2):
        assert with_default(lambda t, k=k: t + k, 1) == 1 + k
        f = lambda t: t - 1             # noqa: E731
        f.mark = k
        assert with_default(f, 1) == 0


def count_compilations(monkeypatch):
    compiled = []
    plain = hotloop.runtime.jit.Compiler.__call__

    def call(self, fn, args, kwargs):
        compiled.append(fn.__qualname__)
        return plain(self, fn, args, kwargs)
    monkeypatch.setattr(hotloop.runtime.jit.Compiler, "__call__", call)
    return compiled
