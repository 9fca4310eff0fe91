"""Statements by hand: memory, pointers, calls, exits, corner cases of loops."""

from __future__ import annotations

import re

import harness
import numpy as np
import pytest
from test_emit_random import clone, same

from hotloop.llvm import externals
from hotloop.llvm.emit import emit
from hotloop.loops import interp
from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    ErrorSite,
    For,
    If,
    Kernel,
    Let,
    ScalarParam,
    Store,
    While,
)
from hotloop.loops.expr import e, fresh_table, lit, load, var
from hotloop.loops.scalar import SCALAR_OPS

F4, F8, I8, BOOL = (np.dtype(t) for t in ("f4", "f8", "i8", "?"))
n, m, i, j = (var(x) for x in "nmij")


@pytest.fixture(autouse=True)
def table():
    with fresh_table():
        yield


def agree(kernel: Kernel, *args) -> list:
    """Machine code and interpreter give the same; the results."""
    expected_args, found_args = ([clone(x) for x in args] for _ in range(2))
    expected = interp.run(kernel, expected_args)
    found = harness.run(kernel, found_args)
    for got, want in zip([*found, *found_args], [*expected, *expected_args], strict=True):
        assert same(got, want), (got, want)
    return found


def argument(k: int, dtype=F8, kind=ARG, strides=None) -> Buffer:
    return Buffer(f"a{k}", np.dtype(dtype), (n,), kind, strides, k)


def test_frees_and_exits() -> None:
    """Temporaries are freed on all ways out; operands of the check reach the frame."""
    a, t, r = argument(0), Buffer("t", F8, (n,), TEMP), Buffer("r", F8, (n,), RESULT, None, 0)
    inner = Buffer("u", F8, (lit(1000),), TEMP)
    body = [Alloc(r), Alloc(t), For("i", lit(0), n, lit(1), [
        Alloc(inner), Store(inner, (lit(3),), load(a, (i,))),
        Store(t, (i,), e.mul(load(inner, (lit(3),)), 2.0)),
        Check(e.ge(load(t, (i,)), 0.0), 0, (i, load(t, (i,)))),
        Store(r, (i,), load(t, (i,)))])]
    kernel = Kernel("k", [a], [r], body, [ErrorSite(ValueError, "{} {}", None)])
    agree(kernel, np.arange(5.0))
    with pytest.raises(harness.Failed) as failed:
        harness.run(kernel, [np.array([1.0, 2.0, -3.0, 4.0])])
    assert failed.value.args == (0, (2, -6.0))
    assert len(re.findall(r"call void %\w+\(ptr %\w+\)", emit(kernel).text)) == 5


def test_memory_that_can_not_be_had() -> None:
    t = Buffer("t", F8, (n, n), TEMP)
    kernel = Kernel("k", [ScalarParam("n", I8)], [load(t, (lit(0), lit(0)))],
                    [Alloc(t), Store(t, (lit(0), lit(0)), lit(1.0, F8))])
    assert harness.run(kernel, [np.int64(2)]) == [1.0]
    for size in (2**40, 2**62):
        with pytest.raises(harness.Failed):
            harness.run(kernel, [np.int64(size)])
        assert kernel.errors[-1].exception is MemoryError
    assert len(kernel.errors) == 1


def test_alloc_callback_that_fails() -> None:
    r = Buffer("r", F8, (n,), RESULT, None, 0)
    machine = harness.Machine(Kernel("k", [ScalarParam("n", I8)], [r], [Alloc(r)]))
    machine.alloc = harness._ALLOC(lambda frame, number, dims: None)
    with pytest.raises(MemoryError):
        machine(np.int64(3))


@pytest.mark.parametrize("step", [1, 2, -1, -3, 7])
@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("literal", [True, False])
def test_steps(step: int, lanes: int, literal: bool) -> None:
    by = lit(step) if literal else var("by")
    total = Carry("s", I8, lit(0), e.add(var("s"), e.mul(i, i)), "add")
    loop = For("i", var("lo"), var("hi"), by, [], [total], lanes=lanes)
    params = [ScalarParam(x, I8) for x in ("lo", "hi", "by")]
    machine = harness.Machine(Kernel("k", params, [var("s")], [loop]))
    large = 2**63 - 1
    for lo, hi in ((0, 0), (0, 1), (0, 100), (100, 0), (5, -7), (large - 20, large), (-large, -large
                                                                                      + 9)):
        with np.errstate(over="ignore"):
            want = np.int64(0)
            for k in range(lo, hi, step):
                want += np.int64(k) * np.int64(k)
        assert machine(np.int64(lo), np.int64(hi), np.int64(step)) == [want], (lo, hi)


def test_until_and_swaps() -> None:
    """a, b = b, a in each iteration, leaving when the sum passes 30."""
    x, y = Buffer("x", F8, (lit(4),), TEMP), Buffer("y", F8, (lit(4),), TEMP)
    z = Buffer("z", F8, (lit(4),), TEMP)

    def fill(buffer: Buffer, k: float) -> list:
        return [Alloc(buffer), For(f"f{buffer.name}", lit(0), lit(4), lit(1), [
            Store(buffer, (var(f"f{buffer.name}"),), lit(k, F8))])]
    loop = For("i", lit(0), n, lit(1),
               [Store(x, (lit(0),), e.add(load(x, (lit(0),)), 1.0)),
                For("j", lit(0), lit(2), lit(1), [], swaps=[(y, z), (z, y)])],
               [Carry("s", F8, lit(0.0, F8), e.add(var("s", F8), load(x, (lit(0),)))),
                Carry("stop", BOOL, lit(False, BOOL), e.gt(var("s", F8), 30.0))],
               until="stop", swaps=[(x, y), (y, z), (z, x)])
    results = [var("s", F8), *(load(b, (lit(0),)) for b in (x, y, z))]
    body = [*fill(x, 1.0), *fill(y, 2.0), *fill(z, 3.0), loop]
    kernel = Kernel("k", [ScalarParam("n", I8)], results, body)
    for count in (0, 1, 2, 3, 8, 50):
        agree(kernel, np.int64(count))


def test_swap_with_memory_of_the_body() -> None:
    x, y = Buffer("x", F8, (lit(2),), TEMP), Buffer("y", F8, (lit(2),), TEMP)
    loop = While([], e.lt(var("k"), n),
                 [Alloc(y), Store(y, (lit(0),), e.mul(load(x, (lit(0),)), 1.5)),
                  If(e.gt(load(y, (lit(0),)), 4.0), [Store(y, (lit(0),), lit(0.5, F8))], [])],
                 [Carry("k", I8, lit(0), e.add(var("k"), 1))], [(x, y), (y, x)])
    body = [Alloc(x), Store(x, (lit(0),), lit(1.0, F8)), loop]
    kernel = Kernel("k", [ScalarParam("n", I8)], [load(x, (lit(0),)), var("k")], body)
    for count in (0, 1, 5, 100):
        agree(kernel, np.int64(count))


@pytest.mark.parametrize("lanes", [0, 1, 4])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 64, 100])
def test_first_failing_lane(lanes: int, size: int) -> None:
    """The first iteration to fail is reported, as in scalar code, wherever it is."""
    a = argument(0, "f4")
    loop = For("i", lit(0), n, lit(1), [
        If(e.gt(load(a, (i,)), 0.0), [Check(e.lt(load(a, (i,)), 9.0), 0, (i, load(a, (i,))))], [])],
        lanes=lanes)
    kernel = Kernel("k", [a], [], [loop], [ErrorSite(ValueError, "", None)])
    machine = harness.Machine(kernel)
    x = np.linspace(-2, 2, size).astype(F4)
    assert machine(x) == []
    for at in {0, size // 2, size - 1} & set(range(size)):
        y = x.copy()
        y[at:] = 9.5
        with pytest.raises(harness.Failed) as failed:
            machine(y)
        assert failed.value.args == (0, (at, 9.5))


@pytest.mark.parametrize("lanes", [0, 1, 4])
def test_loads_under_conditions_touch_nothing_else(lanes: int) -> None:
    """Uniform, contiguous and gathered loads where there is memory only if the condition holds."""
    a, b = argument(0), Buffer("b", F8, (m,), ARG, None, 1)
    r = Buffer("r", F8, (n,), RESULT, None, 0)
    far = e.mul(i, 1 << 40)
    loop = For("i", lit(0), n, lit(1), [
        If(e.gt(load(a, (i,)), 0.0),
           [Let("t", e.add(load(b, (far,)), load(b, (e.mul(m, 1 << 40),))))], [],
           [("o", F8, e.add(var("t", F8), load(b, (e.add(i, 1 << 40),))), lit(1.0, F8))]),
        Store(r, (i,), var("o", F8))], lanes=lanes)
    kernel = Kernel("k", [a, b], [r], [Alloc(r), loop])
    found, = harness.run(kernel, [-np.ones(100), np.ones(3)])
    assert np.all(found == 1.0)


@pytest.mark.parametrize("lanes", [0, 1, 4])
def test_loads_behind_a_check_stay_there(lanes: int) -> None:
    b = Buffer("b", F8, (m,), ARG, None, 0)
    far = e.mul(var("k"), 1 << 40)
    total = Carry("s", F8, lit(0.0, F8), e.add(var("s", F8), load(b, (far,))), "add")
    loop = For("i", lit(0), n, lit(1), [Check(e.lt(var("k"), m), 0)], [total], lanes=lanes,
               regular=True)
    kernel = Kernel("k", [b, ScalarParam("n", I8), ScalarParam("k", I8)], [var("s", F8)], [loop],
                    [ErrorSite(IndexError, "", None)])
    assert harness.run(kernel, [np.ones(3), np.int64(20), np.int64(0)]) == [20.0]
    with pytest.raises(harness.Failed):
        harness.run(kernel, [np.ones(3), np.int64(20), np.int64(7)])
    assert harness.run(kernel, [np.ones(3), np.int64(0), np.int64(7)]) == [0.0]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "?"])
@pytest.mark.parametrize("lanes", [0, 1, 2])
def test_strides(dtype: str, lanes: int) -> None:
    strided = argument(0, dtype, strides=(var("st"),))
    target = Buffer("w", np.dtype(dtype), (n,), ARG_WRITTEN, (var("sw"),), 1)
    loop = For("i", lit(0), n, lit(1), [Store(target, (e.sub(e.sub(n, 1), i),),
                                              load(strided, (i,)))], regular=True, lanes=lanes)
    kernel = Kernel("k", [strided, target], [], [loop])
    data = (np.arange(600) % 7 % 3).astype(dtype)
    for view in (data[:70], data[:70][::-1], data[::3][:51], data[::-2][:100], data[:0]):
        agree(kernel, view, np.zeros(4 * len(view), dtype)[::4])
        agree(kernel, view, np.zeros(len(view), dtype)[::-1])


def test_written_array_of_rank_0() -> None:
    cell = Buffer("c", F8, (), ARG_WRITTEN, None, 0)
    kernel = Kernel("k", [cell], [load(cell, ())], [Store(cell, (), e.add(load(cell, ()), 1.0))])
    array = np.array(2.5)
    assert harness.run(kernel, [array]) == [3.5]
    assert array == 3.5


def test_combining_stores() -> None:
    a, c = argument(0), Buffer("c", F8, (lit(3),), ARG_WRITTEN, None, 1)
    loop = For("i", lit(0), n, lit(1), [Store(c, (e.irem(i, lit(3)),), load(a, (i,)), "add"),
                                        Store(c, (lit(1),), load(a, (i,)), "maximum")])
    agree(Kernel("k", [a, c], [], [loop]), np.arange(10.0), np.zeros(3))


def test_lanes_that_store_to_one_place_leave_the_last() -> None:
    a, c = argument(0), Buffer("c", F8, (lit(3),), ARG_WRITTEN, None, 1)
    loop = For("i", lit(0), n, lit(1), [
        If(e.gt(load(a, (i,)), 0.0), [Store(c, (lit(2),), load(a, (i,)))], [])], lanes=2)
    rng = np.random.default_rng(3)
    for size in (0, 1, 5, 16, 40):
        agree(Kernel("k", [a, c], [], [loop]), rng.normal(size=size), np.zeros(3))


def test_call_back() -> None:
    seen = []

    def site(x, k, flag):
        seen.append((x.copy(), k, flag))
        return x * k, np.int64(len(x)), np.float32(2.5)
    a, t = argument(0), Buffer("t", F8, (n,), TEMP)
    r = Buffer("r", F8, (var("q"),), RESULT, None, 0)
    body = [Alloc(t), Call(None, 0, (a, var("k"), e.gt(var("k"), 2)), (t,),
                           (("q", I8), ("h", F4))),
            Alloc(r), For("i", lit(0), var("q"), lit(1), [Store(r, (i,), load(t, (i,)))])]
    kernel = Kernel("k", [a, ScalarParam("k", I8)], [r, var("h", F4)], body, sites=[site])
    found, half = harness.run(kernel, [np.arange(4.0), np.int64(3)])
    assert found.tolist() == [0, 3, 6, 9] and half == 2.5
    assert seen[0][1:] == (3, True) and seen[0][0].tolist() == [0, 1, 2, 3]

    def fails(x, k, flag):
        raise ValueError("no")
    kernel.sites[0] = fails
    with pytest.raises(ValueError, match="no"):
        harness.run(kernel, [np.arange(4.0), np.int64(3)])


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (0, 4, 5), (3, 0, 5), (3, 4, 0)])
def test_matrix_product(shape: tuple[int, int, int]) -> None:
    rows, inner, columns = (var(x) for x in "rsc")
    a = Buffer("a", F8, (rows, inner), ARG, None, 0)
    b = Buffer("b", F8, (inner, columns), ARG, None, 1)
    r = Buffer("r", F8, (rows, columns), RESULT, None, 0)
    kernel = Kernel("k", [a, b], [r], [Alloc(r), Call("gemm", 0, (a, b), (r,))])
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=shape[:2]), rng.normal(size=shape[1:])
    found, = harness.run(kernel, [x, y])
    np.testing.assert_allclose(found, x @ y, rtol=1e-13)
    assert all(map(externals.resolve, emit(kernel).externals))


@pytest.mark.parametrize("lanes", [0, 4])
def test_deep_expressions(lanes: int) -> None:
    """10,000 operations on top of each other: no recursion."""
    a, r = argument(0), argument(1, kind=ARG_WRITTEN)
    x = load(a, (i,))
    for k in range(3000):
        x = e.sub(e.mul(x, 0.5), float(k % 3))
    loop = For("i", lit(0), n, lit(1), [Store(r, (i,), x)], lanes=lanes)
    kernel = Kernel("k", [a, r], [], [loop])
    column, out = np.linspace(0, 1, 9), np.empty(9)
    harness.Machine(kernel, level=0)(column, out)
    want = column
    for k in range(3000):
        want = want * 0.5 - k % 3
    assert np.array_equal(out, want)


@pytest.mark.parametrize("lanes", [0, 1, 2, 4])
@pytest.mark.parametrize("combine", ["add", "mul", "minimum", "maximum"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_reductions_of_floats(lanes: int, combine: str, dtype: str) -> None:
    """NaN wins, empty gives the initial value, -0.0 stays."""
    a = argument(0, dtype)
    start = {"add": -0.0, "mul": 1.0, "minimum": np.inf, "maximum": -np.inf}[combine]
    total = Carry("s", np.dtype(dtype), lit(start, dtype),
                  e.op(combine, var("s", dtype), load(a, (i,))), combine)
    kernel = Kernel("k", [a], [var("s", dtype)],
                    [For("i", lit(0), n, lit(1), [], [total], regular=True, lanes=lanes)])
    machine = harness.Machine(kernel)
    rng = np.random.default_rng(0)
    for size in (0, 1, 2, 7, 8, 16, 63, 64, 65, 130, 500):
        x = rng.choice([1.0, -1.0, 2.0, 0.5], size).astype(dtype)
        ufunc = SCALAR_OPS[combine].evaluate
        assert machine(x) == [ufunc.reduce(x, initial=np.dtype(dtype).type(start))]
        for at in range(0, size, 5):
            y = x.copy()
            y[at] = np.nan
            assert np.isnan(machine(y)[0])
    zeros = np.full(77, -0.0).astype(dtype)
    if combine == "add":
        assert np.signbit(machine(zeros)[0])


def test_mandelbrot_in_lanes() -> None:
    """`while` whose lanes leave at different times."""
    counts = {}
    for lanes in (0, 1, 4):
        c, r = argument(0), argument(1, I8, ARG_WRITTEN)
        z = var("z", F8)
        loop = For("i", lit(0), n, lit(1), [
            While([], e.and_(e.lt(var("k"), 50), e.le(e.abs(z), 2.0)), [],
                  [Carry("k", I8, lit(0), e.add(var("k"), 1)),
                   Carry("z", F8, lit(0.0, F8), e.add(e.mul(z, z), load(c, (i,))))]),
            Store(r, (i,), var("k"))], lanes=lanes)
        out = np.empty(333, np.int64)
        harness.run(Kernel("k", [c, r], [], [loop]), [np.linspace(-3, 1, 333), out])
        counts[lanes] = out
    assert len(set(counts[0].tolist())) > 10
    assert np.array_equal(counts[0], counts[1]) and np.array_equal(counts[0], counts[4])


@pytest.mark.parametrize("dtype", ["f8", "f4", "u1", "?"])
@pytest.mark.parametrize("parts", [2, 3, 4])
def test_interleaved_parts(dtype: str, parts: int) -> None:
    """Complex numbers, colours, points: parts are exchanged, in place and into another array."""
    t = np.dtype(dtype)
    a, c = (Buffer(f"a{k}", t, (n, lit(parts)), ARG_WRITTEN, None, k) for k in range(2))
    rng = np.random.default_rng(1)
    for lanes in (1, 2, 4):
        body: list = [Let(f"t{k}", load(a, (i, lit(k)))) for k in range(parts)]
        body += [Store(a, (i, lit(k)), var(f"t{(k + 1) % parts}", t)) for k in range(parts)]
        body += [Store(c, (i, lit(k)), var(f"t{parts - 1 - k}", t)) for k in range(parts - 1)]
        kernel = Kernel("k", [a, c], [], [For("i", lit(0), n, lit(1), body, lanes=lanes)])
        for size in (0, 1, 16, 64, 67, 200):
            x = (rng.integers(0, 2, (size, parts)) * 1.0).astype(dtype)
            agree(kernel, x, np.zeros((size, parts), dtype))


@pytest.mark.parametrize("lanes", [0, 1, 4])
def test_interleaved_rows(lanes: int) -> None:
    """Rows of complex numbers, with bounds that are not aligned to anything."""
    a = Buffer("a", F8, (n, m, lit(2)), ARG_WRITTEN, None, 0)
    re, im = (load(a, (j, e.add(i, 1), lit(k))) for k in range(2))
    row = For("i", lit(1), e.sub(m, 2), lit(1), [
        Let("p", e.sub(e.mul(re, re), e.mul(im, im))), Let("q", e.mul(e.mul(re, im), 2.0)),
        Store(a, (j, i, lit(1)), var("q", F8)), Store(a, (j, i, lit(0)), var("p", F8))],
        regular=True, lanes=lanes)
    kernel = Kernel("k", [a], [], [For("j", lit(0), n, lit(1), [row])])
    rng = np.random.default_rng(1)
    for shape in ((3, 40, 2), (5, 71, 2), (2, 2, 2), (0, 9, 2)):
        if lanes:            # the elements that an iteration reads are those the next one writes
            x = rng.normal(size=shape)
            machine = harness.Machine(kernel)
            y = x.copy()
            machine(y)
            z = x[..., 0] + 1j * x[..., 1]
            want = z.copy()
            want[:, 1:-2] = z[:, 2:-1] ** 2
            np.testing.assert_allclose(y[..., 0] + 1j * y[..., 1], want, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["f8", "i4", "?"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_backwards(dtype: str, lanes: int) -> None:
    """a[::-1] of contiguous memory, under conditions too."""
    t = np.dtype(dtype)
    a, c = argument(0, dtype), argument(1, dtype, ARG_WRITTEN)
    back = e.sub(e.sub(n, 1), i)
    loop = For("i", lit(0), n, lit(1), [
        If(e.ne(e.irem(i, lit(3)), 1),
           [Store(c, (back,), e.select(e.gt(i, 9), load(a, (back,)), load(a, (i,))))], [])],
        lanes=lanes)
    kernel = Kernel("k", [a, c], [], [loop])
    for size in (0, 1, 5, 16, 63, 64, 200):
        agree(kernel, (np.arange(size) % 5 % 2).astype(t), np.zeros(size, t))
    assert "masked.gather" not in emit(kernel).text
