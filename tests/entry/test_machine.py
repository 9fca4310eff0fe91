"""The native machine: what it hands to kernels, what it refuses, what it gives back."""

import contextlib
import cProfile
import functools
import gc
import os
import subprocess
import sys
import textwrap
import threading
import traceback
from types import MethodType

import kernels
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hotloop
from hotloop.entry import abi, key, native
from hotloop.entry.paths import Scope
from hotloop.entry.slow import MISS, PYTHON, Slow
from hotloop.frontend import traced
from hotloop.frontend.traced import ARRAY, NUMPY, Constant, Container, Guard, Input, InputOut
from hotloop.ir.core import Var
from hotloop.ir.types import DTYPES, Type
from hotloop.llvm import background

pytestmark = pytest.mark.skipif(bool(abi.problem()), reason=abi.problem())


def served(f):
    return f._state.runs()


def scalar(kind, dtype):
    return [Var(Type(dtype))], [Input((("arg", "x"),), kind, np.dtype(dtype), 0, True, False)]


@pytest.mark.parametrize("value", [
    True, False, 0, -1, 2**63 - 1, -2**63, 1.5, float("nan"), -0.0, 1 - 2j,
    *(dtype.type(value) for dtype in DTYPES.values() for value in (0, 1, 3)),
    np.int8(-1), np.float16(1.5), np.complex64(1 - 2j), np.complex128(3 + 4j)])
def test_scalars_reach_the_kernel_as_from_python(value):
    kind = NUMPY if isinstance(value, np.generic) else traced.PYTHON
    dtype = value.dtype if kind == NUMPY else np.dtype(type(value))
    params, inputs = scalar(kind, dtype)
    seen = []
    made = kernels.echo(params, inputs, seen)
    slow = Slow(made)
    slow.run(slow.match(Scope({"x": value})), Scope({"x": value}))
    f = kernels.native(lambda x: None, made)
    f(value)
    f(value)
    assert served(f) == 1
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize(("wanted", "kind", "given"), [
    ("i8", "python", True), ("i8", "python", 1.0), ("i8", "python", np.int64(1)),
    ("i8", "python", 2**63), ("i8", "python", -2**63 - 1), ("f8", "python", np.float64(1)),
    ("f8", "python", 1), ("?", "python", 1), ("c16", "python", 1.0), ("f8", "numpy", 1.0),
    ("i8", "numpy", np.int32(1)), ("f8", "numpy", np.float32(1)), ("f8", "python", "x"),
    ("f8", "python", None), ("i8", "python", type("Int", (int,), {})(3))])
def test_other_scalars_are_refused(wanted, kind, given):
    params, inputs = scalar(kind, wanted)
    good = np.dtype(wanted).type(1)
    good = good if kind == "numpy" else good.item()
    seen = []
    made = kernels.echo(params, inputs, seen)
    f = kernels.native(lambda x: "python", made, made, made)
    f(good)
    f(good)
    assert served(f) == 1
    assert f(given) == "python"
    assert len(seen) == 2


def array_echo(seen, dims, contiguous, written=False, dtype="f8"):
    given = kernels.array("x", len(dims), dtype, contiguous, written)
    var = Var(Type(dtype, dims))
    return kernels.echo([var], [given], seen, into=[var] if written else None,
                        outs=(var,) if written else ())


def n():
    return Var(Type("i8"))


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("contiguous", [True, False])
def test_arrays_reach_the_kernel_as_from_python(dtype, contiguous):
    base = np.zeros((6, 10, 4), dtype)
    values = [base, base[:0], base[2:4]] + ([] if contiguous else [
        base[::-2], base.transpose(2, 0, 1), base[:, ::3, ::-1]])
    seen = []
    made = array_echo(seen, (n(), n(), n()), contiguous, dtype=dtype)
    slow = Slow(made)
    f = kernels.native(lambda x: None, made)
    f(base)
    del seen[:]
    for k, value in enumerate(values):
        f(value)
        slow.run(slow.match(Scope({"x": value})), Scope({"x": value}))
        assert seen[-2] == seen[-1]
        assert served(f) == k + 1


class Sub(np.ndarray):
    pass


def readonly(x):
    x.flags.writeable = False
    return x


REFUSED = {
    "rank": lambda x: x[0], "dtype": lambda x: x.astype("f4"), "int": lambda x: x.astype("i8"),
    "subclass": lambda x: x.view(Sub), "swapped": lambda x: x.astype(">f8"),
    "object": lambda x: x.astype(object), "strided": lambda x: np.repeat(x, 2, 1)[:, ::2],
    "fortran": np.asfortranarray, "read-only": readonly, "list": lambda x: x.tolist(),
    "one": lambda x: x[:1], "structured": lambda x: np.zeros((3, 4), "f8,f8"),
    "unaligned": lambda x: np.frombuffer(bytearray(8 * 12 + 1), "f8", 12, 1).reshape(3, 4),
    "columns": lambda x: np.zeros((3, 5)), "text": lambda x: np.zeros((3, 4), "U3"),
    "time": lambda x: np.zeros((3, 4), "M8[s]"), "masked": np.ma.masked_array,
    "none": lambda x: None, "long": lambda x: x.astype("q"),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_other_arrays_are_refused(change):
    seen = []
    made = array_echo(seen, (n(), 4), True, written=True)
    f = kernels.native(lambda x: "python", made, made, made)
    good = np.zeros((3, 4))
    f(good)
    f(good)
    assert served(f) == 1
    assert f(change(np.zeros((3, 4)))) == "python"
    assert len(seen) == 2
    f(good)
    assert served(f) == 2


def test_an_equal_dtype_of_another_identity_is_accepted():
    seen = []
    f = kernels.native(lambda x: "python", array_echo(seen, (n(),), True))
    f(np.zeros(3))
    other = np.dtype("f8", metadata={"unit": "m"})
    f(np.zeros(3, other))
    assert served(f) == 1


def test_equal_dims_and_dims_given_by_an_argument():
    rows, columns = n(), n()
    seen = []
    made = kernels.echo(
        [Var(Type("f8", (rows, columns))), Var(Type("f8", (columns,))), rows],
        [kernels.array("x", 2), kernels.array("y"),
         Input((("arg", "k"),), traced.PYTHON, np.dtype("i8"), 0, True, False)], seen)
    f = kernels.native(lambda x, y, k: "python", made, made, made)
    x = np.zeros((3, 4))
    assert f(x, x[0], 3) is None
    assert f(x, x[0], 3) is None
    assert served(f) == 1
    assert f(x, np.zeros(3), 3) == "python"
    assert f(x, x[0], 4) == "python"
    assert f(x[:2], x[0], 2) is None
    assert served(f) == 2
    assert len(seen) == 3


def two_arrays(seen, written=(True, False)):
    a, b = Var(Type("f8", (n(),))), Var(Type("f8", (n(),)))
    inputs = [kernels.array(name, 1, "f8", False, w) for name, w in zip("xy", written,
                                                                        strict=True)]
    into = [v for v, w in zip((a, b), written, strict=True) if w]
    return kernels.echo([a, b], inputs, seen, outs=tuple(into), into=into)


@pytest.mark.parametrize("written", [(True, False), (False, True), (True, True), (False, False)])
def test_overlap_with_a_written_array_is_left_to_python(written):
    seen = []
    made = two_arrays(seen, written)
    f = kernels.native(lambda x, y: "python", made)
    base = np.zeros(20)
    assert f(np.zeros(5), np.zeros(5)) is None
    cases = [(base[:5], base[5:10], False), (base[:5], base[4:10], True),
             (base[9::-1], base[10:], False), (base[10::-1], base[10:], True),
             (base[:0], base, False), (base, base, True), (base[5:5], base, False),
             (base[19:9:-2], base[:9], False), (base[19:9:-2], base[10:12], True)]
    calls = 0
    for x, y, overlap in cases:
        python = overlap and any(written)
        assert f(x, y) == ("python" if python else None)
        calls += not python
        assert served(f) == calls
        slow = Slow(made)
        assert (slow.match(Scope({"x": x, "y": y})) is PYTHON) == python


# ---- calling


def add():
    return kernels.scalar_kernel("%r = add i64 %a, %b", [("a", "python", "i8"),
                                                         ("b", "python", "i8")], "i8")


def test_keywords_and_defaults_are_put_in_order_natively():
    def f(a, b=7):
        return a + b

    g = kernels.native(f, add())
    assert g(1, 2) == 3
    assert [g(1, b=5), g(b=1, a=1), g(1), g(a=1), g(*[3], **{"b": 4})] == [6, 2, 8, 8, 7]
    assert served(g) == 5


@pytest.mark.parametrize("call", [
    lambda f: f(), lambda f: f(1, 2, 3), lambda f: f(1, c=2), lambda f: f(1, a=2),
    lambda f: f(b=3), lambda f: f(1, 2, b=3)])
def test_wrong_calls_raise_pythons_own_error(call):
    def f(a, b=7):
        return a + b

    g = kernels.native(f, add())
    g(1, 2)
    g(1, 2)
    with pytest.raises(TypeError) as expected:
        call(f)
    with pytest.raises(TypeError) as got:
        call(g)
    assert str(got.value) == str(expected.value)


def test_positional_only_and_variable_parameters():
    def only(a, /, b):
        return a + b

    f = kernels.native(only, add())
    f(1, 2)
    assert f(1, b=2) == 3
    with pytest.raises(TypeError):
        f(a=1, b=2)

    def variable(*args, **kwargs):
        return args, kwargs

    g = kernels.native(variable, kernels.echo([], [], []))
    g(1, 2, x=3)
    g(1)
    assert served(g) == 0


def test_methods():
    class Thing:
        f = kernels.native(lambda self, x: x + 1, kernels.scalar_kernel(
            "%r = add i64 %x, 1", [("x", "python", "i8")], "i8"))

    thing = Thing()
    assert [thing.f(1), thing.f(2), Thing.f(thing, 3), Thing().f(4)] == [2, 3, 4, 5]
    assert served(Thing.f) == 3


def test_two_specializations():
    one = kernels.scalar_kernel("%r = add i64 %x, 1", [("x", "python", "i8")], "i8")
    two = kernels.scalar_kernel("%r = fadd double %x, 1.0", [("x", "python", "f8")], "f8")
    f = kernels.native(lambda x: x + 1, one, two)
    assert [f(1), f(1.5), f(2), f(2.5)] == [2, 2.5, 3, 3.5]
    assert served(f) == 2
    f.clear_cache()
    assert f.cache_info().specializations == 0


# ---- results

OUT = {
    "f8": ("double", "fadd double %x, 0.5"), "i8": ("i64", "fptosi double %x to i64"),
    "?": ("i8", "add i8 0, 1")}


@pytest.mark.parametrize("kind", ["python", "numpy"])
@pytest.mark.parametrize("out", OUT)
def test_scalar_results(kind, out):
    body = "%r = " + OUT[out][1]
    f = kernels.native(lambda x: None, kernels.scalar_kernel(body, [("x", "python", "f8")], out,
                                                             kind))
    first, second = f(3.0), f(3.0)
    assert served(f) == 1
    assert type(first) is type(second) and first == second
    wanted = {"f8": 3.5, "i8": 3, "?": True}[out]
    assert second == wanted
    assert type(second) is (type(wanted) if kind == "python" else np.dtype(out).type)


def with_result(tree, **more):
    """A kernel with parameters x (an int) and y (an object) and one f8 result: x as a float."""
    text = """
    define i64 @kernel(ptr %f) {
      %p = getelementptr i64, ptr %f, i64 16
      %x = load i64, ptr %p
      %r = sitofp i64 %x to double
      %q = getelementptr i64, ptr %f, i64 17
      store double %r, ptr %q
      %odd = and i64 %x, 1
      %s = getelementptr i64, ptr %f, i64 18
      store i64 %odd, ptr %s
      ret i64 0
    }"""
    params, inputs = scalar(traced.PYTHON, "i8")
    outs = [Var(Type("f8")), Var(Type("?"))]
    return kernels.compiled(text, params, inputs, outs, tree, **more)


NESTED = Container(tuple, (
    traced.ScalarOut(0, "python"), Container(list, (traced.ScalarOut(0, "numpy"),)),
    Container(lambda items: dict(zip("ab", items, strict=True)),
              (Constant("c"), InputOut((("arg", "y"),)))),
    Container(tuple, ())))


def test_trees():
    f = kernels.native(lambda x, y: None, with_result(NESTED))
    thing = object()
    first, second = f(3, thing), f(3, thing)
    assert served(f) == 1
    assert first == second == (3.0, [np.float64(3)], {"a": "c", "b": thing}, ())
    assert type(second[1][0]) is np.float64
    assert second[2]["b"] is thing


@pytest.mark.parametrize(("narrow", "dtype", "wanted"), [
    (None, None, [None, 3.0]), ("python", "i8", [2, 3.0]), ("numpy", "f4", [np.float32(2), 3.0])])
def test_widened(narrow, dtype, wanted):
    dtype = dtype and np.dtype(dtype)
    f = kernels.native(lambda x, y: None,
                       with_result(traced.WidenedOut(1, 0, "python", narrow, dtype)))
    f(1, 1)
    got = [f(2, 0), f(3, 0)]
    assert served(f) == 2
    assert got == wanted
    assert list(map(type, got)) == list(map(type, wanted))


def test_writes_to_objects():
    class Thing:
        pass

    write = ((("arg", "y"),), ("attr", "total"), traced.ScalarOut(0, "python"))
    f = kernels.native(lambda x, y: None, with_result(Constant("r"), writes=[write]))
    thing = Thing()
    assert [f(1, thing), f(2, thing)] == ["r", "r"]
    assert served(f) == 1
    assert thing.total == 2.0


def test_writes_happen_last_and_stop_at_an_error():
    class Thing:
        def __setattr__(self, name, value):
            if name == "bad":
                raise ValueError("no")
            object.__setattr__(self, name, value)

    y = (("arg", "y"),)
    writes = [((*y, ("item", 0)), ("attr", "one"), traced.ScalarOut(0, "python")),
              (y, ("item", 1), Constant("two")),
              ((*y, ("item", 0)), ("attr", "bad"), Constant(0)),
              (y, ("item", 2), Constant("never"))]
    result = Container(list, (InputOut(y), traced.ScalarOut(0, "numpy")))
    for count in (2, 4):
        f = kernels.native(lambda x, y: None, with_result(result, writes=writes[:count]))
        for k in range(1, 4):
            items = [Thing(), 0, 0]
            before = sys.getrefcount(items)
            if count == 4:
                with pytest.raises(ValueError, match="no"):
                    f(k, items)
            else:
                got = f(k, items)
                assert got[0] is items and got[1] == k
                del got
            assert (items[0].one, items[1:]) == (k, ["two", 0])
            assert sys.getrefcount(items) == before
        assert served(f) == 2


@pytest.mark.parametrize("steps", [
    (("index", (slice(1, None),)),), (("index", (1,)),),
    (("index", (None, slice(None, None, -1))),),
    (("index", (slice({"result": 1}, {"result": 2}),)),), (("index", ({"result": 1},)),),
    (("reshape", (2, 2)), ("transpose", (1, 0))), (("reshape", (2, {"result": 2})),)])
def test_views(steps):
    text = kernels.SQUARE_PLUS_1.replace("done:", """done:
      %one = getelementptr i64, ptr %f, i64 18
      store i64 1, ptr %one
      %two = getelementptr i64, ptr %f, i64 19
      store i64 2, ptr %two""")
    a = Var(Type("f8", (n(),)))
    made = kernels.compiled(text, [a], [kernels.array("a")], [
        Var(Type("f8", a.shape)), Var(Type("i8")), Var(Type("i8"))],
        traced.ViewOut(traced.ArrayOut(0), steps))
    f = kernels.native(lambda a: None, made)
    first, second = f(np.arange(4.0)), f(np.arange(4.0))
    assert served(f) == 1
    assert first.base is not None and second.base is not None
    assert np.array_equal(first, second) and first.strides == second.strides


def array_result(tree, **more):
    a, r = Var(Type("f8", (n(),))), Var(Type("f8", (n(),)))
    r.type = Type("f8", a.shape)
    return kernels.compiled(kernels.SQUARE_PLUS_1, [a], [kernels.array("a")], [r], tree, **more)


def test_views_and_shared_results():
    whole = traced.ArrayOut(0)
    view = traced.ViewOut(whole, (("index", (slice(1, None, None),)),))
    f = kernels.native(lambda a: None, array_result(Container(tuple, (whole, view, whole))))
    a = np.arange(4.0)
    f(a)
    one, two, three = f(a)
    assert served(f) == 1
    assert one is three and two.base is one
    assert two.tolist() == [2, 5, 10]


def test_array_results_own_their_memory():
    f = kernels.native(lambda a: a * a + 1, kernels.square_plus_1())
    a = np.arange(8.0)
    f(a)
    r = f(a)
    assert served(f) == 1
    assert r.flags.owndata and r.flags.writeable and r.base is None and r.dtype is np.dtype("f8")
    assert (r == a * a + 1).all()
    assert f(a[:0]).shape == (0,)


# ---- guards and paths

SCALE = 3


def test_guards_on_globals_cells_attributes_items():
    global SCALE
    k = [1.5]

    class Thing:
        w = np.zeros(3)
        flag = "on"

    def user(x, y):
        return SCALE, k, x, y

    seen = []
    thing = Thing()
    params, inputs = scalar(traced.PYTHON, "i8")
    w = Var(Type("f8", (n(),)))
    inputs.append(Input((("arg", "y"), ("item", 1), ("attr", "w")), ARRAY, np.dtype("f8"), 1, True,
                        False))
    made = kernels.echo([*params, w], inputs, seen, InputOut(inputs[1].path), guards=[
        Guard((("global", "SCALE"),), 3, user), Guard((("cell", "k"),), k, user),
        Guard((("arg", "y"), ("item", 1), ("attr", "flag")), "on"),
        Guard((("cell", "k"), ("item", 0)), 1.5, user)], statics=[((("arg", "y"), ("item", 0)),
                                                                   (1, "a", None))])
    f = kernels.native(user, made, made, made, made, made)

    def python(*args):
        before = len(seen)
        f(*args)
        return len(seen) == before

    pair = ((1, "a", None), thing)
    assert f(1, pair) is thing.w
    assert f(1, pair) is thing.w
    assert f(1, ((1, "".join(["a"]), None), thing)) is thing.w
    assert served(f) == 2
    assert python(1, ((1, "b", None), thing))
    assert python(1, ((1, "a"), thing))
    assert python(1, ((True, "a", None), thing))
    assert python(1, (0, thing))
    assert python(1, ())
    assert python(1, None)
    SCALE = 4
    assert python(1, pair)
    SCALE = 3
    thing.flag = "off"
    assert python(1, pair)
    del thing.flag
    k[0] = 2.5
    assert python(1, pair)
    k[0] = 1.5
    del Thing.w
    assert python(1, pair)
    Thing.w = np.zeros(5)
    assert f(1, pair) is Thing.w


# ---- errors

def user_line():
    raise AssertionError("compiled code raises here")


def test_a_failing_check_raises_at_the_users_line():
    line = user_line.__code__.co_firstlineno + 1
    f = kernels.native(lambda n: None, kernels.failing("{0} then {1}", IndexError, __file__, line))
    for _ in range(2):
        with pytest.raises(IndexError, match=r"^7 then 8$") as caught:
            f(7)
    last = traceback.extract_tb(caught.value.__traceback__)
    assert served(f) == 1
    assert (last[-1].filename, last[-1].lineno, last[-1].name) == (__file__, line, "user_function")
    assert last[-1].line == 'raise AssertionError("compiled code raises here")'
    assert len(last) == 2


def test_exceptions_from_call_backs_arrive_unchanged():
    class Stop(BaseException):
        pass

    seen = []
    params, inputs = scalar(traced.PYTHON, "i8")
    made = kernels.echo(params, inputs, seen)
    error = Stop("no")

    def stop(x):
        raise error

    f = kernels.native(lambda x: None, made)
    f(1)
    made.sites[0] = stop
    for _ in range(2):
        with pytest.raises(Stop) as caught:
            f(1)
        assert caught.value is error
    assert served(f) == 2


def test_recursion_through_call_backs_ends_with_an_exception():
    params, inputs = scalar(traced.PYTHON, "i8")
    made = kernels.echo(params, inputs, [])
    f = kernels.native(lambda x: None, made)
    f(1)
    made.sites[0] = lambda x: f(int(x))
    with pytest.raises(RecursionError):
        f(1)


# ---- life and death

def references(*objects):
    return [sys.getrefcount(o) for o in objects]


@pytest.mark.parametrize("fails", [False, True])
def test_references_are_exact(fails):
    class Thing:
        w = np.zeros(3)

    thing = Thing()
    params, inputs = scalar(traced.PYTHON, "i8")
    w = Var(Type("f8", (n(),)))
    inputs.append(Input((("arg", "y"), ("attr", "w")), ARRAY, np.dtype("f8"), 1, True, False))
    result = Container(tuple, (InputOut(inputs[1].path), InputOut((("arg", "x"),)),
                               Container(list, (Constant("r"),))))
    made = kernels.echo([*params, w], inputs, [], result)

    def site(*cells):
        if fails:
            raise ValueError("no")

    made.sites[0] = site
    f = kernels.native(lambda x, y: None, made)

    def call():
        try:
            f(10**15, thing)
        except ValueError:
            assert fails
        else:
            assert not fails

    call()
    call()
    watched = (Thing.w, thing, f, np.dtype("f8"), made, made.traced, ValueError, None)
    gc.collect()
    before = references(*watched)
    for _ in range(1000):
        call()
    assert served(f) >= 1000
    after = references(*watched)
    assert all(abs(x - y) <= 5 for x, y in zip(before[:-1], after[:-1], strict=True))


def test_no_memory_is_lost():
    f = kernels.native(lambda a: a, kernels.square_plus_1())
    a = np.zeros(1000)
    f(a)

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _ in range(2000):
        f(a)
    before = resident()
    for _ in range(20000):      # 160 MB if results were kept
        f(a)
    assert resident() - before < 8e6


def test_what_keeps_a_function_alive_is_not_deleted_by_accident():
    f = kernels.native(lambda a: a, kernels.square_plus_1())
    a = np.arange(3.0)
    f(a)
    for name in ("_state", "_specializations", "_slow", "_keep"):
        with pytest.raises(AttributeError):
            delattr(f, name)
    f.__dict__.clear()
    assert f(a).tolist() == [1, 2, 5]
    with pytest.raises(TypeError):
        type(f)()(a)
    with pytest.raises(TypeError):
        f.__class__ = kernels.Compiled


def test_very_many_inputs():
    names = [f"x{k}" for k in range(200)]
    function = eval(f"lambda {', '.join(names)}: 0")
    params = [Var(Type("f8", (n(), n(), n()))) for _ in names]
    seen = []
    f = kernels.native(function, kernels.echo(
        params, [kernels.array(name, 3, "f8", False) for name in names], seen))
    arrays = [np.zeros((k + 2, 3, 2)) for k in range(200)]
    assert f(*arrays) is f(*arrays) is None
    assert served(f) == 1 and seen[0] == seen[1] and len(seen[0]) == 1400


def test_functions_are_collected_with_their_code():
    def user(x):
        return x + 1

    made = kernels.scalar_kernel("%r = add i64 %x, 1", [("x", "python", "i8")], "i8")
    f = kernels.native(user, made)
    f(1)
    f.myself = f                # a cycle
    import weakref
    watch = [weakref.ref(f), weakref.ref(f._state), weakref.ref(f._specializations)]
    code = made.code
    count = sys.getrefcount(code)
    del f, user, made
    gc.collect()
    assert [w() for w in watch] == [None] * 3
    assert sys.getrefcount(code) == count - 1


def test_clearing_the_cache_in_a_call_back():
    params, inputs = scalar(traced.PYTHON, "i8")
    made = kernels.echo(params, inputs, [])
    f = kernels.native(lambda x: None, *[made] * 50)
    f(1)

    def clear(x):
        f.clear_cache()
        gc.collect()

    made.sites[0] = clear
    for _ in range(40):
        assert f(1) is None


def test_threads():
    f = kernels.native(lambda a: a * a + 1, *[kernels.square_plus_1() for _ in range(200)])
    a = np.arange(100.0)
    wanted = a * a + 1
    wrong = []
    stop = threading.Event()

    def work():
        while not stop.is_set():
            if not (f(a) == wanted).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        f.clear_cache()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_fork():
    f = kernels.native(lambda a: a * a + 1, kernels.square_plus_1())
    a = np.arange(8.0)
    f(a)
    f(a)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if f(a).tolist() == (a * a + 1).tolist() else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_shutdown():
    """Functions alive when the interpreter ends, one called from an atexit hook and a finalizer."""
    program = textwrap.dedent("""
        import atexit, sys
        sys.path.insert(0, %r)
        import numpy as np, kernels
        f = kernels.native(lambda a: a, kernels.square_plus_1())
        a = np.arange(3.0)
        f(a), f(a)
        class Last:
            def __init__(self):
                self.f = f
            def __del__(self):
                self.f(np.arange(3.0) if np else 1)
        last = Last()
        last.cycle = last
        atexit.register(lambda: print(f(a).tolist()))
    """) % os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[1.0, 2.0, 5.0]"


# ---- random keys

def test_keys_are_fresh_and_reproducible():
    seen = []
    made = kernels.echo([Var(Type("u8"))],
                        [Input((("random_key",),), NUMPY, np.dtype("u8"), 0, True, False)], seen)
    f = kernels.native(lambda: None, made)
    f()

    def draw():
        del seen[:]
        key.seed(3)
        native = [f() for _ in range(4)]
        assert native == [None] * 4
        return list(seen)

    first = draw()
    assert len(set(first)) == 4
    assert draw() == first
    key.seed(3)
    assert [(int(key.fresh()),) for _ in range(4)] == first
    key.seed()
    f()
    assert seen[-1] not in first
    assert served(f) == 9


def test_calls_that_do_not_run_draw_no_keys():
    seen = []
    key_input = Input((("random_key",),), NUMPY, np.dtype("u8"), 0, True, False)
    params, inputs = scalar(traced.PYTHON, "i8")
    made = kernels.echo([Var(Type("u8")), *params], [key_input, *inputs], seen)
    f = kernels.native(lambda x: "python", made, made, made)
    f(1)
    key.seed(3)
    for x in (1, 1.5, 2, "x", 2**70, 3):
        f(x)
    key.seed(3)
    assert [cells[0] for cells in seen[1:]] == [int(key.fresh()) for _ in range(3)]


# ---- anything at all

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(),
    st.builds(np.float64, st.floats()), st.builds(np.int32, st.integers(-9, 9)),
    st.builds(lambda shape, dtype, step: np.zeros(shape, dtype)[..., ::step],
              st.lists(st.integers(0, 3), min_size=1, max_size=3),
              st.sampled_from(["f8", "f4", "i8", ">f8", "O", "f8,i4", "c16", "?"]),
              st.sampled_from([1, -1, 2])),
    st.lists(st.integers()), st.tuples(st.integers(), st.floats()))


@settings(max_examples=300, deadline=None)
@given(st.lists(VALUES, max_size=3),
       st.dictionaries(st.sampled_from(list(map(sys.intern, "xyz"))), VALUES, max_size=2))
def test_any_call_behaves_as_the_slow_entry(args, kwargs):
    """The machine takes a call if and only if the slow entry would."""
    f, slow, seen = _fuzzed()
    del seen[:]
    bound = f._specializations.binder.bind(tuple(args), kwargs)
    before = served(f)
    if bound is None:
        with pytest.raises(TypeError):
            f(*args, **kwargs)
        assert served(f) == before
        return
    taken = slow.match(Scope(bound)) not in (MISS, PYTHON)
    assert f(*args, **kwargs) == ("compiled" if taken else "python")
    assert served(f) - before == taken


@functools.cache
def _fuzzed():
    seen = []
    x, y = Var(Type("f8", (n(),))), Var(Type("i8"))
    x.type = Type("f8", (n(),))
    compiled = kernels.echo(
        [x, y], [kernels.array("x", 1, "f8", False, True),
                 Input((("arg", "y"),), traced.PYTHON, np.dtype("i8"), 0, True, False)],
        seen, Constant("compiled"), outs=(x,), into=[x])

    def compile(fn, args, kwargs):
        if not first:
            first.append(1)
            return compiled
        return refuses_all

    first = []
    refuses_all = kernels.echo(*scalar(NUMPY, "u1"), seen)
    f = kernels.jitted(lambda x, y=2: "python", compile)
    f(np.zeros(3), 1)
    f(np.zeros(3), 1)
    return f, Slow(compiled), seen


def test_aliases_must_hold_again():
    places = [((("arg", "x"),), None), ((("arg", "y"), ("item", 0)), None)]
    seen = []
    params, inputs = [Var(Type("f8", (n(),)))], [kernels.array("x")]
    made = kernels.echo(params, inputs, seen, aliases=[tuple(places)])
    f = kernels.native(lambda x, y: "python", made, made, made)
    x = np.zeros(3)
    for _ in range(3):
        assert f(x, [x]) is None
    assert served(f) == 2
    before = sys.getrefcount(x)
    assert f(x, [x.copy()]) == "python"
    items = [x]
    assert f(x, items) is None
    del items
    assert sys.getrefcount(x) == before


def test_a_result_that_is_one_of_two():
    tree = traced.ChosenOut(1, InputOut((("arg", "y"),)), traced.ScalarOut(0, "python"))
    f = kernels.native(lambda x, y: None, with_result(Container(tuple, (tree, Constant(0)))))
    assert [f(1, "y"), f(2, "y"), f(3, "z")] == [("y", 0), (2.0, 0), ("z", 0)]
    assert served(f) == 2


def test_how_methods_are_called_is_found_under_a_profiler():
    """The profiler takes the memory of an object as soon as nothing holds it."""
    method = MethodType(served, 1)
    native._method_vectorcall.cache_clear()
    found = cProfile.Profile().runcall(native._method_vectorcall)
    assert found == abi.word(id(method) + abi.METHOD_VECTORCALL)


def test_calls_go_on_while_the_machine_is_made(monkeypatch):
    native.machine()
    background.finish()
    monkeypatch.setattr(native, "_machine", native.machine())           # put back in the end
    monkeypatch.setattr(native.cache, "get", lambda name: None)         # it is not on disk
    jobs = []
    monkeypatch.setattr(native.background, "later", jobs.append)
    native._machine = None
    f = kernels.native(lambda a: a * a + 1, kernels.square_plus_1())
    g = kernels.native(lambda a: a * a + 1, kernels.square_plus_1())
    for _ in range(3):
        assert f(np.arange(3.0)).tolist() == g(np.arange(3.0)).tolist() == [1, 2, 5]
    assert (served(f), served(g), len(jobs)) == (0, 0, 1)
    jobs[0]()
    for _ in range(3):
        assert f(np.arange(3.0)).tolist() == g(np.arange(3.0)).tolist() == [1, 2, 5]
    assert (served(f), served(g)) == (2, 2)     # the first call after it made the table
    assert not native._coming


def test_dicts_have_the_same_keys_in_the_same_order():
    params, inputs = scalar(traced.PYTHON, "i8")
    path = (("arg", "d"), ("item", "k"))
    inputs[0] = Input(path, traced.PYTHON, np.dtype("i8"), 0, True, False)
    guards = [Guard((("arg", "d"), ("keys",)), ("k", "other", 7))]
    seen = []
    f = kernels.native(lambda d: None, kernels.echo(params, inputs, seen, guards=guards))
    f({"k": 4, "other": 0, 7: 0})       # the first call makes the table
    text = "".join(("o", "ther"))       # equal, but another object
    removed = {"x": 1, "k": 6, "other": 2, 7: 1}
    del removed["x"]
    for d in ({"k": 5, "other": 1, 7: None}, removed, {"k": 7, text: 1, 7: 0}):
        f(d)
    assert served(f) == 3 and [cells[0] for cells in seen] == [4, 5, 6, 7]
    for other in ({"other": 1, "k": 5, 7: 0}, {"k": 5, "other": 1}, {"k": 5, "other": 1, 8: 0},
                  {"k": 5, "other": 1, 7: 0, 8: 0}, {}, ["k", "other", 7],
                  {"k": 5, "other": 1, 7.0: 0}):
        with contextlib.suppress(Exception):        # there is no other kernel
            f(other)
    assert served(f) == 3 and len(seen) == 4


def test_dicts_as_arguments_reach_the_machine():
    @hotloop.jit
    def step(params, x):
        return {name: p - 0.1 * x.sum() for name, p in params.items()}

    params, x = {"w": np.ones(3), "b": 2.0}, np.arange(3.0)
    for _ in range(5):
        found = step(params, x)
        assert list(found) == ["w", "b"] and found["b"] == 2.0 - 0.1 * 3
    assert served(step) >= 3
