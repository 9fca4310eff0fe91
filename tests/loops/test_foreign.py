"""Functions of NumPy's that kernels call without Python: NumPy's own bits, on views as they lie."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hotloop
from hotloop import config
from hotloop.ir.core import Program, Var
from hotloop.ir.types import Type
from hotloop.loops import interp, lower
from hotloop.loops.core import Call, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.text import parse, show
from hotloop.loops.verify import verify
from hotloop.ops import inner_loops
from hotloop.ops.linalg import call_numpy, matmul
from hotloop.ops.table import OPS, make_eqn
from tests.compare import check

LA = np.linalg


def exact(function, *args):
    """Equal bits, twice: the first call goes another way than the others."""
    jitted = hotloop.jit(function, cache=False)
    for _ in range(2):
        check(function, *args, jitted=jitted)
        want, got = function(*args), jitted(*args)
        for x, y in zip(want if isinstance(want, tuple) else (want,),
                        got if isinstance(got, tuple) else (got,), strict=True):
            np.testing.assert_array_equal(x, y)


def calls(op, operands, params):
    """The routines of the Calls that an op becomes, and the kernel's results in NumPy."""
    arrays = [Var(Type(x.dtype, x.shape)) for x in operands]
    eqn = make_eqn(op, arrays, params)
    with fresh_table():
        kernel = lower.lower(Program(arrays, [eqn], eqn.outs), [x.flags.c_contiguous
                                                                for x in operands])
        verify(kernel)
        assert show(parse(show(kernel))) == show(kernel)
        return ([s.routine for s in walk(kernel.body) if isinstance(s, Call)],
                interp.run(kernel, operands))


def view_of(x, how):
    """The same values in another layout."""
    if how == "plain":
        return x
    if how == "transposed":
        return np.asfortranarray(x)
    if how == "strided":
        big = np.full([2 * n for n in x.shape], 7, x.dtype)
        big[tuple(slice(None, None, 2) for _ in x.shape)] = x
        return big[tuple(slice(None, None, 2) for _ in x.shape)]
    return np.ascontiguousarray(x[::-1])[::-1]


LAYOUTS = st.sampled_from(["plain", "transposed", "strided", "reversed"])
DTYPES = st.sampled_from(["f4", "f8", "c8", "c16"])


def numbers(shape, dtype, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    return (x + 1j * random.normal(size=shape) if dtype[0] == "c" else x).astype(dtype)


# Compiled once each: dtypes and layouts make specializations of one function.
sort_rows = hotloop.jit(lambda x: np.sort(x), cache=False)
sort_columns = hotloop.jit(lambda x: np.sort(x, axis=0), cache=False)
argsort_rows = hotloop.jit(lambda x: np.argsort(x), cache=False)
argsort_stable = hotloop.jit(lambda x: np.argsort(x, axis=0, stable=True), cache=False)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 4), LAYOUTS, st.integers(0, 99),
       st.sampled_from(["?", "i1", "u2", "i4", "u8", "i8", "f2", "f4", "f8"]))
def test_sorts(length, rows, layout, seed, dtype):
    random = np.random.default_rng(seed)
    x = random.integers(0, 9, (rows, length)).astype(dtype)
    if dtype[0] == "f" and length > 3:
        x[:, random.integers(0, length, 4)] = [np.nan, -0.0, np.inf, -np.inf]
    x = view_of(x, layout)
    np.testing.assert_array_equal(sort_rows(x), np.sort(x))
    np.testing.assert_array_equal(np.signbit(sort_columns(x)) if dtype[0] == "f" else 0,
                                  np.signbit(np.sort(x, axis=0)) if dtype[0] == "f" else 0)
    np.testing.assert_array_equal(sort_columns(x), np.sort(x, axis=0))
    np.testing.assert_array_equal(argsort_rows(x), np.argsort(x))
    np.testing.assert_array_equal(argsort_stable(x), np.argsort(x, axis=0, stable=True))


def test_long_sorts():
    x = np.random.default_rng(5).normal(size=100_003)
    np.testing.assert_array_equal(sort_rows(x), np.sort(x))
    np.testing.assert_array_equal(argsort_rows(x), np.argsort(x))


def test_complex_numbers_are_sorted_by_parts():
    z = np.array([[2, 1 + 1j, 1 - 1j, np.nan], [complex(0, np.nan), 3, -0.0, 1j]])
    for dtype in ("c8", "c16"):
        exact(lambda z: (np.sort(z), np.sort(z, axis=0), np.argsort(z), np.argsort(
            z, axis=0, stable=True), np.sort(z, axis=None), np.partition(z, 2)[:, 2]),
            z.astype(dtype))

    def in_place(z):
        z.sort(axis=0)
        return z[0]
    check(in_place, z[::-1].copy())


def test_a_sort_is_no_call_back():
    x = np.array([[3.0, np.nan, 1.0], [2.0, -0.0, 0.0]])
    for axis in (0, 1):
        for op in ("sort", "argsort"):
            routines, (got,) = calls(OPS[op], [x], {"axis": axis})
            assert routines == [op]
            want = np.sort(x, axis) if op == "sort" else np.argsort(x, axis, kind="stable")
            np.testing.assert_array_equal(got, want)
    # another function of NumPy's for stable sorts: -0.0 and 0.0 stay in order
    zeros = np.array([0.0, -0.0, 0.0, -0.0, -1.0] * 9)
    exact(lambda x: np.signbit(np.sort(x, stable=True)), zeros)
    exact(lambda x: np.signbit(np.sort(x, kind="stable")), zeros)


# ---- products

product = hotloop.jit(lambda a, b: a @ b, cache=False)
of_transposed = hotloop.jit(lambda a, b: (a.T @ b, b.T @ a, a.T @ a, a @ a.T), cache=False)


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 9)] * 3), st.sampled_from([
    ("nk", "km"), ("snk", "km"), ("nk", "skm"), ("snk", "skm"), ("tsnk", "skm"), ("nk", "k"),
    ("k", "km"), ("k", "k"), ("snk", "k"), ("k", "skm"), ("tsnk", "tskm"), ("1snk", "t1km")]),
    LAYOUTS, LAYOUTS, DTYPES, st.integers(0, 99))
def test_products(sizes, shapes, one, two, dtype, seed):
    size = {**dict(zip("nkm", sizes, strict=True)), "s": 3, "t": 2, "1": 1}
    a, b = (view_of(numbers([size[c] for c in shape], dtype, seed + k), how)
            for k, (shape, how) in enumerate(zip(shapes, (one, two), strict=True)))
    got, want = product(a, b), a @ b
    assert np.shape(got) == np.shape(want) and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=2e-4 if dtype in ("f4", "c8") else 1e-12,
                               atol=1e-5 if dtype in ("f4", "c8") else 1e-13)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_transposed_operands_are_not_copied(dtype):
    a, b = numbers((40, 30), dtype, 1), numbers((40, 30), dtype, 2)
    for got, want in zip(of_transposed(a, b), (a.T @ b, b.T @ a, a.T @ a, a @ a.T), strict=True):
        np.testing.assert_array_equal(got, want)

    def rows(a, b):
        return a[::2, 3:] @ b[1::2, 3:].T, a[:, 0] @ b, a[-1] @ b.T[:, ::2]
    exact(rows, a, b)
    kernel = hotloop.jit(lambda a, b: a.T @ b).lower(a, b).loops
    assert kernel.count("alloc") == 1 and "nest" not in kernel and "for" not in kernel


def test_a_product_in_numpy():
    """The interpreter of Loops does what the machine code does."""
    for a, b in (((9, 8), (8, 9)), ((5, 30, 20), (20,)), ((20,), (5, 20, 30)),
                 ((4, 5, 9, 8), (5, 8, 9)), ((3, 2), (2, 3)), ((5, 1, 2, 3), (4, 3, 2)),
                 ((4, 3, 2), (2,)), ((2,), (4, 2, 3))):
        for dtype in ("f8", "c16"):
            x, y = numbers(a, dtype, 1), numbers(b, dtype, 2)
            routines, (got,) = calls(matmul, [x, y], {})
            assert routines == (["ufunc"] if max(*a, *b) > 5 else [])
            if dtype == "c16":
                got = got[..., 0] + 1j * got[..., 1]
            np.testing.assert_allclose(got, x @ y, rtol=1e-13, atol=1e-14)


# ---- linear algebra

def inverse(a):
    return LA.inv(a)


def determinants(a):
    return LA.det(a), *LA.slogdet(a)


def decompositions(a):
    return (*LA.svd(a), *LA.svd(a, full_matrices=False), LA.svd(a, compute_uv=False),
            *LA.eigh(a), *LA.eigh(a, UPLO="U"), LA.eigvalsh(a), LA.eigvalsh(a, "U"))


def factors(a):
    b = a @ a.conj().swapaxes(-1, -2) + 9 * np.eye(a.shape[-1])
    return LA.cholesky(b), LA.cholesky(b, upper=True)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i8"])
@pytest.mark.parametrize("function", [inverse, determinants, decompositions, factors])
def test_linear_algebra(function, dtype):
    jitted = hotloop.jit(function, cache=False)
    for shape in ((3, 3), (1, 1), (0, 0), (4, 3, 3), (2, 4, 3, 3), (0, 3, 3)):
        a = numbers(shape, dtype, 3) if dtype != "i8" else np.random.default_rng(3).integers(
            -9, 9, shape) + 20 * np.eye(shape[-1], dtype=int)
        for x in (a, a.swapaxes(-1, -2), a[..., ::-1, :]):
            want, got = function(x), jitted(x)
            for p, q in zip(want, got, strict=True):
                assert p.dtype == q.dtype
                np.testing.assert_array_equal(p, q)


@pytest.mark.parametrize("shapes", [((3, 3), (3,)), ((3, 3), (3, 2)), ((4, 3, 3), (3, 2)),
                                    ((4, 3, 3), (4, 3, 1)), ((3, 3), (4, 3, 2)), ((0, 0), (0,)),
                                    ((2, 4, 3, 3), (4, 3, 2)), ((4, 3, 3), (3,)), ((3, 3), (3, 0))])
def test_systems(shapes):
    for one, two in (("f8", "f8"), ("f4", "f8"), ("f4", "f4"), ("c16", "f8")):
        a, b = numbers(shapes[0], one, 1), numbers(shapes[1], two, 2)
        exact(lambda a, b: LA.solve(a, b), a, b)


def test_failures_raise_and_leave_no_trace():
    """LAPACK's failure is told by a flag of the processor, which other code may have set."""
    @hotloop.jit(cache=False)
    def solved(a, b, x):
        y = np.sqrt(x)                    # sets the flag
        return LA.solve(a, b), y
    a, b, x = 2 * np.eye(3), np.ones(3), np.array([-1.0, 4.0])
    for _ in range(3):
        with np.errstate(all="ignore"):
            z, y = solved(a, b, x)
        assert z.tolist() == [0.5] * 3 and np.isnan(y[0])
        with np.errstate(all="ignore"), pytest.raises(LA.LinAlgError, match="Singular matrix"):
            solved(np.zeros((3, 3)), b, x)
    for function, bad in ((LA.cholesky, -np.eye(2)), (LA.inv, np.ones((4, 2, 2))),
                          (LA.eigh, np.full((2, 2), np.nan)), (LA.svd, np.full((2, 2), np.nan))):
        check(lambda a, function=function: function(a), bad)


def test_a_failure_in_a_stack_of_stacks():
    a = np.array([[np.eye(2), 3 * np.eye(2)]] * 3)
    a[2, 1] = 0
    b = np.broadcast_to(np.eye(2), (2, 1, 2, 2))
    check(lambda a: LA.inv(a.swapaxes(0, 1)), a)
    a[2, 1] = np.eye(2)
    check(lambda a: LA.inv(a.swapaxes(0, 1)), a)
    check(lambda a, b: LA.solve(a.swapaxes(0, 1), b), a, b)


def test_linear_algebra_in_numpy():
    a = numbers((4, 3, 3), "f8", 1)
    params = {"function": LA.inv, "results": (("f64", (4, 3, 3)),)}
    routines, (got,) = calls(call_numpy, [a], params)
    assert routines == ["ufunc"]
    np.testing.assert_array_equal(got, LA.inv(a))


def test_ufuncs_without_expressions():
    a, b = np.arange(-9, 9), np.arange(18)[::-1] + 1
    exact(lambda a, b: (np.gcd(a, b), np.lcm(a, b), np.gcd(a, 6)), a, b)
    x = np.array([0.5, -3.0, np.inf, np.nan, 0.0, 1e-310])
    exact(lambda x: (*np.frexp(x), np.spacing(x[1:2]), np.nextafter(x, 2.0)), x)
    exact(lambda x: np.nextafter(x[0], x[1]), x)


def test_what_has_no_loop_is_called_back():
    assert inner_loops.loop_of(LA.pinv, {}, "d", [2], "d") is None
    assert inner_loops.loop_of(LA.svd, {"hermitian": True}, "d", [2], "ddd") is None
    assert inner_loops.loop_of(np.gcd, {}, "dd", [1, 1], "d") is None
    assert inner_loops.address("numpy:matmul", "xx->x") is None
    assert inner_loops.ufunc_at("no_such_module:x") is None
    assert inner_loops.sorter("sort", np.dtype("O"), 0) is None


@pytest.mark.parametrize("least", [0, 20_000])
def test_calls_need_no_lock(least, monkeypatch):
    """Loops with such calls let other threads run, and may run in parts; failures come through."""
    monkeypatch.setattr(config, "parallel", least)

    @hotloop.jit(cache=False)
    def f(a, b, x):
        solved, middle, g = np.empty((len(a), 3)), np.empty(len(a)), np.empty(len(a))
        for i in range(len(a)):
            solved[i] = np.linalg.solve(a[i], b[i])
            middle[i] = np.sort(a[i].ravel())[4]
        for i in range(len(a)):
            g[i] = math.gamma(x[i])
        return solved, middle, g
    random = np.random.default_rng(0)
    a, b = random.random((3000, 3, 3)) + 3 * np.eye(3), random.random((3000, 3))
    x = random.random(3000) * 50 + 0.1
    want = f.__wrapped__(a, b, x)
    threads = [threading.Thread(target=lambda: found.append(f(a, b, x))) for _ in range(4)]
    found = [f(a, b, x)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got in found:
        for p, q in zip(got, want, strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-13)
    assert len(found) == 5
    x[2999] = -1
    with pytest.raises(ValueError, match=r"math domain error|got -1\.0"):
        f(a, b, x)
    a[7] = 0
    with pytest.raises(LA.LinAlgError):
        f(a, b, x)
