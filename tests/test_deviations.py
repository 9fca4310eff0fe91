"""docs/deviations.md, line by line: what a compiled function does otherwise than Python."""

import math
import random
import sys
import warnings

import numpy as np
import pytest

import hotloop


def jit(f):
    return hotloop.jit(f, cache=False)


def test_python_ints_are_64_bits_wide():
    def double(n, x):
        for _ in range(n):
            x += x
        return x

    f = jit(double)
    assert f(61, 1) == 2**61
    with pytest.raises(OverflowError) as info:
        f(70, 1)
    assert info.traceback[-1].lineno == double.__code__.co_firstlineno + 1


def test_numpy_ints_wrap():
    def double(n, x):
        for _ in range(n):
            x += x
        return x

    with np.errstate(over="ignore"):
        assert jit(double)(70, np.int64(1)) == double(70, np.int64(1)) == 0


def test_random_numbers_are_hotloops_own():
    def draws(n):
        out = np.empty(n)
        for i in range(n):
            out[i] = random.random()
        return out

    f = jit(draws)
    hotloop.seed(3)
    first = f(1000)
    hotloop.seed(3)
    assert np.array_equal(first, f(1000))
    random.seed(3)
    assert not np.array_equal(first, draws(1000))
    assert 0 <= first.min() and first.max() < 1 and abs(first.mean() - 0.5) < 0.05
    assert len(np.unique(first)) == 1000

    @jit
    def seeded():
        np.random.seed(3)
        return np.random.random()

    assert seeded() == seeded() != np.random.RandomState(3).random()


def test_floating_point_warnings_that_are_not_given():
    @jit
    def unused(x):
        x / 0.0
        return x

    @jit
    def tiny(x):
        return x * x

    @jit
    def int_scalar(x):
        return x[0] * x[0]

    @jit
    def draws(x):
        return x / (0.0 * np.random.random())

    with warnings.catch_warnings(), np.errstate(under="warn"):
        warnings.simplefilter("error")
        unused(np.ones(3))
        tiny(np.full(3, 1e-300))
        int_scalar(np.full(3, 2**62))
        assert np.all(np.isinf(draws(np.ones(3))))


def test_derivatives_and_batches_give_no_floating_point_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hotloop.grad(np.sqrt)(0.0) == np.inf
        assert np.isinf(hotloop.vmap(lambda x: 1.0 / x)(np.zeros(2))).all()


def test_warnings_that_are_errors_are_not_caught():
    def warns(x):
        try:
            warnings.warn("odd", stacklevel=1)
        except UserWarning:
            return 0.0
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert warns(1.0) == 0.0
        with pytest.raises(UserWarning, match="odd"):
            jit(warns)(1.0)


def test_stores_before_an_exception():
    def fill(a, k):
        for i in range(len(a)):
            a[i] = 1.0
        return a[k]

    a = np.zeros(4)
    with pytest.raises(IndexError):
        jit(fill)(a, 4)
    assert set(a) <= {0.0, 1.0}


def test_sums_are_within_rounding():
    a = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    exact = float(np.sum(a.astype(np.float64)))
    assert jit(lambda x: x.sum())(a) == pytest.approx(exact, rel=1e-5, abs=1e-3)


def test_sums_of_prange_are_within_rounding():
    def total(x):
        s = 0.0
        for i in hotloop.prange(len(x)):
            s += x[i]
        return s
    a = np.random.default_rng(0).standard_normal(100_000)
    assert jit(total)(a) == pytest.approx(total(a), rel=1e-9)


def test_elementary_functions_are_within_rounding():
    a = np.random.default_rng(0).standard_normal(10_000) * 10
    found = jit(lambda x: np.exp(x))(a)
    assert np.all(np.abs(found - np.exp(a)) <= 4 * np.spacing(np.exp(a)))


def test_gamma_is_the_c_librarys():
    """Python's lgamma is exact to 1e-15 near its zeros at 1 and 2, not to rounding."""
    gamma, lgamma = jit(lambda x: math.gamma(x)), jit(lambda x: math.lgamma(x))
    for x in (0.5, 1.015625, 2.25, 33.3, -1.5):
        assert math.isclose(gamma(x), math.gamma(x), rel_tol=1e-14)
        assert math.isclose(lgamma(x), math.lgamma(x), rel_tol=1e-14, abs_tol=1e-15)


def test_an_int_to_a_negative_power_is_refused():
    def power(x, n):
        return x ** n

    f = jit(power)
    assert f(3, 4) == 81
    with pytest.raises(hotloop.errors.UnsupportedError):
        f(3, -1)


def test_a_negative_float_to_a_fraction_is_refused():
    def power(x, y):
        return x ** y

    f = jit(power)
    assert f(2.0, 0.5) == pytest.approx(2.0**0.5, rel=1e-15) and f(-2.0, 3.0) == -8.0
    with pytest.raises(hotloop.errors.UnsupportedError):
        f(-2.0, 0.5)


def test_arrays_of_empty_lists_have_the_dtype_of_what_is_appended():
    def f(n, k):
        q = []
        for _ in range(n):
            q.append(k)
        return np.array(q), np.array(q, np.float32)
    compiled = jit(f)
    assert [x.dtype for x in compiled(2, 3)] == [x.dtype for x in f(2, 3)] == [int, np.float32]
    assert [x.dtype for x in compiled(0, 3)] == [int, np.float32]
    assert [x.dtype for x in f(0, 3)] == [float, np.float32]


def test_powers_of_a_half_known_at_run_time():
    a = np.array([-np.inf, 2.0])
    with np.errstate(all="ignore"):
        assert jit(lambda x, p: x ** p)(a, 0.5)[0] == np.inf
        assert np.isnan(jit(lambda x: x ** 0.5)(a)[0]) and np.isnan((a ** 0.5)[0])


def test_one_of_two_failing_checks_is_raised():
    def f(a, b, n):
        total = 0.0
        for i in range(n):
            total += a[i] / b[i]
            if total > 1e9:
                raise ValueError(i)
        return total + a[n] + b[n + 1]

    a = np.ones(3)
    assert jit(f)(np.ones(6), np.ones(6), 3) == f(np.ones(6), np.ones(6), 3)
    with pytest.raises((IndexError, ValueError)):
        jit(f)(a, a, 3)


def test_the_argument_of_a_raised_key_error_is_text():
    def f(k):
        if k > 0:
            raise KeyError(k)
        return k

    with pytest.raises(KeyError) as info:
        jit(f)(3)
    assert str(info.value.args[0]) == "3"


def test_views_by_functions_called_back_are_copies():
    def windows(x):
        return np.lib.stride_tricks.as_strided(x, (3, 2), (8, 8))

    def stored(x):
        y = windows(x)
        x[0] = 5.0
        return y + 0

    x = np.arange(4.0)
    assert np.shares_memory(windows(x), x) and not np.shares_memory(jit(windows)(x), x)
    assert np.array_equal(jit(windows)(x), windows(x))
    with pytest.raises(hotloop.errors.UnsupportedError):
        jit(stored)(x)


def test_new_arrays_are_in_c_order():
    x = np.ones((2, 3, 4)).transpose(1, 0, 2)
    assert jit(lambda x: x + 1)(x).flags.c_contiguous
    assert not (x + 1).flags.c_contiguous
    assert jit(lambda x: x.T + 1)(np.ones((2, 3))).flags.c_contiguous

    def grown(x):
        total = np.zeros(x.shape, order="F")
        for _ in range(2):
            total = total + x
        return total
    assert jit(grown)(np.ones((2, 3)).T.copy("F")).flags.c_contiguous


def test_lists_are_sorted_with_nan_last():
    def sort(x):
        values = [float(v) for v in x]
        return sorted(values)

    got = jit(sort)(np.array([2.0, np.nan, 1.0] * 20))
    assert got[:40] == [1.0] * 20 + [2.0] * 20 and all(v != v for v in got[40:])


def test_rows_that_are_returned_are_lists_of_their_own():
    def rows(n):
        row = [0] * n
        out = []
        for _ in range(n):
            out.append(row)
        return out

    expected, got = rows(40), jit(rows)(40)
    assert expected == got and expected[0] is expected[1] and got[0] is not got[1]


def test_exceptions_have_no_cause():
    def divide(a, b):
        try:
            return a // b
        except ZeroDivisionError as error:
            raise ValueError("no divisor") from error

    f = jit(divide)
    assert f(6, 3) == 2
    with pytest.raises(ValueError, match="no divisor") as info:
        f(6, 0)
    assert info.value.__cause__ is None


def test_depth_of_recursion():
    def down(k):
        return 0 if k == 0 else 1 + down(k - 1)

    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        f = jit(down)
        assert f(9_000) == 9_000
        with pytest.raises(RecursionError):
            f(20_000)
    finally:
        sys.setrecursionlimit(before)


def test_results_of_recursive_functions_are_copies():
    def last(x, k):
        return x if k == 0 else last(x, k - 1)

    x = np.arange(3.0)
    assert last(x, 2) is x
    got = jit(last)(x, 2)
    assert got is not x and (got == x).all()


class Moving:
    def __init__(self, velocity):
        self.velocity = velocity


class Velocity:
    def __init__(self, x):
        self.x = x


def accelerate(p, n):
    for k in range(n):
        p.velocity = Velocity(p.velocity.x + k)


def test_an_attribute_that_a_loop_may_bind_is_a_new_object():
    jitted = hotloop.jit(accelerate)
    p = Moving(Velocity(1.0))
    before = p.velocity
    jitted(p, 0)
    assert p.velocity is not before and p.velocity.x == 1.0
    jitted(p, 3)
    assert p.velocity.x == 4.0


def doubled(d, n):
    for _ in range(n):
        d = {"x": 2 * d["x"]}
    return d


def test_a_dict_that_a_loop_may_rebind_is_a_new_one():
    d = {"x": 3}
    same = hotloop.jit(doubled)(d, 0)
    assert same == d and same is not d


def test_a_search_in_what_is_not_sorted_looks_at_each_key_by_itself():
    a = np.array([6, 1, 7, 9])
    found = hotloop.jit(lambda a, v: np.searchsorted(a, v))(a, a)
    assert found.tolist() == [int(np.searchsorted(a, v)) for v in a]


def test_what_flat_gives_begins_anew_each_time():
    def twice(x):
        it = x.flat
        total = 0.0
        for v in it:
            total += v
        for v in it:
            total += v
        return total
    assert hotloop.jit(twice)(np.arange(4.0)) == 12.0 and twice(np.arange(4.0)) == 6.0


def test_text_in_messages_is_cut():
    def f(s):
        for c in s:
            if c not in "ACGT":
                raise ValueError(f"{c} in {s}")
    jitted = hotloop.jit(f, cache=False)
    with pytest.raises(ValueError, match=r"^U in A{26}\.\.\.$"):
        jitted("A" * 40 + "U")
    with pytest.raises(ValueError, match=r"^\ufffd in \ufffd$"):
        jitted("é")
