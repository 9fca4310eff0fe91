"""Functions that call themselves on run-time values: numbers, arrays, closures, depth."""

import numpy as np
import pytest
from compare import check

import hotloop

CASES = []


def case(*inputs):
    """Each of the inputs is a tuple of arguments; the first compiles."""

    def add(f):
        CASES.append(pytest.param(f, inputs, id=f.__name__))
        return f

    return add


@case((10,), (1,), (20,))
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


@case((12, 18), (7, 0), (100, 75))
def gcd(a, b):
    return a if b == 0 else gcd(b, a % b)


@case((2, 3), (0, 5))
def ack(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ack(m - 1, 1)
    return ack(m - 1, ack(m, n - 1))


@case((5,), (0,))
def fact(n):
    return 1 if n <= 1 else n * fact(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


@case((10,), (7,))
def mutual(n):
    return is_even(n)


def qs(a, lo, hi):
    if lo < hi:
        p = a[hi]
        i = lo
        for j in range(lo, hi):
            if a[j] < p:
                a[i], a[j] = a[j], a[i]
                i += 1
        a[i], a[hi] = a[hi], a[i]
        qs(a, lo, i - 1)
        qs(a, i + 1, hi)


@case((np.array([3, 1, 4, 1, 5, 9, 2, 6]),), (np.array([3.0, 2.0, 1.0])[::1],))
def quick(a):
    qs(a, 0, len(a) - 1)
    return a


@case((np.arange(16.0),))
def treesum(a):
    def go(k):
        if k >= len(a):
            return 0.0
        return a[k] + go(2 * k + 1) + go(2 * k + 2)

    return go(0)


@case((3,), (8,))
def hanoi(n):
    moves = np.zeros(1, dtype=np.int64)

    def move(k, a, b, c):
        if k == 0:
            return
        move(k - 1, a, c, b)
        moves[0] += 1
        move(k - 1, c, b, a)

    move(n, 0, 1, 2)
    return moves[0]


@case((2.0, 10), (3.0, 5))
def power(x, n):
    if n == 0:
        return 1.0
    h = power(x, n // 2)
    return h * h if n % 2 == 0 else h * h * x


@case(
    (6,),
)
def deep(n):
    def down(k):
        return 0 if k == 0 else 1 + down(k - 1)

    return down(n * 100000)


@case((5, 3), (10, 4))
def binom(n, k):
    if k == 0 or k == n:
        return 1
    return binom(n - 1, k - 1) + binom(n - 1, k)


@case((np.array([1.0, 2.0, 3.0, 4.0, 5.0]),))
def views(x):
    def total(a):
        n = len(a)
        if n == 0:
            return 0.0
        if n == 1:
            return float(a[0])
        return total(a[: n // 2]) + total(a[n // 2 :])

    return total(x)


@case(
    (5,),
)
def noend(n):
    def f(k):
        return f(k + 1)

    return f(n)


@case(
    (5,),
)
def raising(n):
    def f(k):
        if k == 0:
            raise ValueError(f"bottom {n}")
        return f(k - 1)

    return f(n)


@case(
    (10, 0.5),
)
def mixed(n, x):
    def f(k, y):
        if k == 0:
            return y
        return f(k - 1, y * 1.5) + x

    return f(n, 1)


@case(
    (25,),
)
def tup(n):
    def f(k):
        if k == 0:
            return 0, 1
        a, b = f(k - 1)
        return b, a + b

    return f(n)


@case(
    (16,),
)
def merge(n):
    a = np.array([(i * 7) % 16 for i in range(n)])
    tmp = np.zeros_like(a)

    def sort(lo, hi):
        if hi - lo < 2:
            return
        mid = (lo + hi) // 2
        sort(lo, mid)
        sort(mid, hi)
        i = lo
        j = mid
        for k in range(lo, hi):
            if i < mid and (j >= hi or a[i] <= a[j]):
                tmp[k] = a[i]
                i += 1
            else:
                tmp[k] = a[j]
                j += 1
        for k in range(lo, hi):
            a[k] = tmp[k]

    sort(0, n)
    return a


@case((6,), (0,))
def nonlocal_counter(n):
    count = 0

    def go(k):
        nonlocal count
        count += 1
        if k <= 0:
            return
        go(k - 1)
        go(k - 2)

    go(n)
    return count


@case((4,))
def defaults_and_keywords(n):
    def f(a, b=2, *, c=3):
        if a <= 0:
            return b + c
        return f(a - 1, b=b + 1, c=c * 2)

    return f(n)


@case((10,))
def called_in_a_loop(n):
    def f(k):
        return 1 if k < 2 else f(k - 1) + f(k - 2)

    s = 0
    for i in range(n):
        s += f(i)
    return s


@pytest.mark.parametrize("f, inputs", CASES)
def test_as_python(f, inputs):
    jitted = hotloop.jit(f, cache=False)
    for args in inputs:
        check(f, *args, jitted=jitted)


def refusing(f, *args):
    with pytest.raises(hotloop.errors.UnsupportedError) as info:
        hotloop.jit(f, cache=False)(*args)
    return str(info.value)


def test_a_list_under_two_names_is_refused_where_it_changes():
    def passed_twice(n):
        def f(a, b, k):
            if k == 0:
                return len(b)
            a.append(k)
            return f(a, b, k - 1)

        p = [1]
        return f(p, p, n)

    def passed_and_named(n):
        p = [0]

        def f(q, k):
            if k == 0:
                return 0
            q.append(k)
            return f(q, k - 1) + len(p)

        return f(p, n), p

    def returned_and_named(n):
        out = []

        def f(k):
            if k == 0:
                return out
            out.append(k)
            return f(k - 1)

        result = f(n)
        result.append(99)
        return out, len(result)

    assert "one list under two names" in refusing(passed_twice, 3)
    assert "one list under two names" in refusing(passed_and_named, 3)
    assert "another name" in refusing(returned_and_named, 3)


def test_what_is_returned_may_be_what_was_passed():
    def last(x, k):
        return x if k == 0 else last(x, k - 1)

    def reads(x, k):
        y = last(x, k)
        return y.sum() + x[0]

    def stores(x, k):
        y = last(x, k)
        x[0] = 100.0
        return y[0]

    check(reads, np.arange(4.0), 3)
    assert "share" in refusing(stores, np.arange(4.0), 3)


def test_an_error_in_the_middle_gives_all_memory_back():
    def f(n):
        out = []

        def go(k):
            out.append(k * 1.5)
            if k == 3:
                raise ValueError(f"at {len(out)}")
            rest = np.arange(float(k))
            return go(k - 1) + rest.sum()

        return go(n)

    jitted = check(f, 40)
    for _ in range(200):
        with pytest.raises(ValueError, match="at 38"):
            jitted(40)


def test_arrays_of_several_axes_come_back():
    def halves(a):
        if a.shape[0] == 1:
            return a * 2
        h = a.shape[0] // 2
        return np.hstack((halves(a[:h]), halves(a[h:])))

    jitted = check(halves, np.arange(12.0).reshape(4, 3))
    check(halves, np.arange(5.0).reshape(1, 5), jitted=jitted)
    check(halves, np.arange(0.0, 16.0).reshape(8, 2), jitted=jitted)


def test_no_rows_come_back():
    def positive(a):
        if a.shape[0] <= 1:
            return a[a > 0]
        h = a.shape[0] // 2
        return np.concatenate((positive(a[:h]), positive(a[h:])))

    jitted = check(positive, np.array([1.0, -1.0, 2.0]))
    check(positive, -np.ones(7), jitted=jitted)
    check(positive, np.zeros(0), jitted=jitted)


@pytest.mark.parametrize("n", [0, 1, 5, 30])
def test_dicts_grow_in_functions(n):
    def paths(n):
        ways = {}

        def count(i, j):
            if i == 0 or j == 0:
                return 1
            if (i, j) in ways:
                return ways[i, j]
            found = count(i - 1, j) + count(i, j - 1)
            ways[i, j] = found
            return found

        return count(n, n // 2), len(ways)

    check(paths, n)
