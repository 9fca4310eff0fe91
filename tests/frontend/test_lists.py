"""Lists of run-time length: growing, indexing, slices, comprehensions, sorting, by value."""

import subprocess
import sys
from collections import deque

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.frontend.trace import trace

CASES = []


def case(*inputs):
    """Each of the inputs is a tuple of arguments; the first compiles."""

    def add(f):
        CASES.append(pytest.param(f, inputs, id=f.__name__))
        return f

    return add


@case((10,))
def appends(n):
    out = []
    for i in range(n):
        out.append(i * i)
    return out


@case((np.arange(20.0) - 10,))
def positives(x):
    out = []
    for v in x:
        if v > 0:
            out.append(float(v) * 2)
    return out, len(out)


@case((50,))
def primes(n):
    found = []
    for k in range(2, n):
        ok = True
        for p in found:
            if p * p > k:
                break
            if k % p == 0:
                ok = False
                break
        if ok:
            found.append(k)
    return found


@case((7,))
def comp(n):
    return [i * 0.5 for i in range(n)]


@case((7,))
def comp2(n):
    return [i * j for i in range(n) for j in range(i) if (i + j) % 2 == 0]


@case((50,))
def sieve(n):
    s = [True] * (n + 1)
    s[0] = s[1] = False
    i = 2
    while i * i <= n:
        if s[i]:
            for j in range(i * i, n + 1, i):
                s[j] = False
        i += 1
    return [k for k in range(n + 1) if s[k]]


@case((5,))
def stack(n):
    st = [n]
    total = 0
    while st:
        k = st.pop()
        total += k
        if k > 0:
            st.append(k - 1)
            if k > 2:
                st.append(k - 2)
    return total


@case((8,))
def mixed(n):
    out = [0]
    for _ in range(n):
        out.append(out[-1] + 0.5)
    return out


@case((10,))
def fibs(n):
    f = [0, 1]
    for i in range(2, n):
        f.append(f[i - 1] + f[i - 2])
    return f


@case((10,))
def as_np(n):
    out = []
    for i in range(n):
        out.append(i / 3)
    return np.array(out)


@case((6,))
def pairs(n):
    out = []
    for i in range(n):
        for j in range(i):
            out.append((i, j * 1.5))
    return out


@case((10,))
def gens(n):
    return (
        sum(i * i for i in range(n)),
        any(i > 5 for i in range(n)),
        all(i > 5 for i in range(n)),
        max(i % 7 for i in range(n)),
        min((i - 4) ** 2 for i in range(n)),
    )


@case((10,))
def empty_index(n):
    out = []
    for i in range(n):
        if i > 100:
            out.append(i)
    return out[0]


@case((10,))
def pascal(n):
    row = [1]
    for _ in range(n):
        new = [1]
        for j in range(len(row) - 1):
            new.append(row[j] + row[j + 1])
        new.append(1)
        row = new
    return row


@case((12,))
def srt(n):
    a = [(i * 7) % 5 for i in range(n)]
    b = sorted(a)
    c = sorted(a, reverse=True)
    a.sort(key=lambda v: -v)
    return a, b, c


@case((6,))
def slicing(n):
    a = list(range(n))
    b = a[1:-1]
    c = a[::-1]
    a[1:3] = [9, 9, 9]
    return a, b, c, a + b, b * 2, a == c, a < c, 3 in a


@case((10,))
def dp(n):
    d = [0] * (n + 1)
    d[0] = 1
    for c in (1, 2, 5):
        for i in range(c, n + 1):
            d[i] += d[i - c]
    return d[n]


@case((10,))
def rolling(n):
    prev = [0] * (n + 1)
    for i in range(n):
        cur = [0] * (n + 1)
        for j in range(1, n + 1):
            cur[j] = max(prev[j], cur[j - 1]) + i * j % 3
        prev = cur
    return prev


@case((10,))
def swap(n):
    prev = [0] * (n + 1)
    cur = [1] * (n + 1)
    for i in range(n):
        for j in range(1, n + 1):
            cur[j] = prev[j - 1] + i
        prev, cur = cur, prev
    return prev, cur


@case((10,))
def bfs_growing(n):
    q = [1]
    for x in q:
        if x < n:
            q.append(2 * x)
            q.append(2 * x + 1)
    return q


@case((10,))
def table(n):
    t = [3, 1, 4, 1, 5, 9]
    s = 0
    for i in range(n):
        s += t[i % 6]
    return s, t[n % 6]


@case((10,))
def dq(n):

    return 1


@case(
    (
        [
            5,
            3,
            8,
            1,
            9,
            2,
            7,
            4,
            6,
            0,
            11,
            10,
            5,
            5,
            5,
            3,
            8,
            1,
            9,
            2,
            7,
            4,
            6,
            0,
            11,
            10,
            5,
            5,
            5,
            3,
            8,
            1,
            9,
            2,
            7,
            4,
            6,
            0,
            11,
            10,
        ],
    )
)
def bubble(arr):
    n = len(arr)
    for i in range(n):
        for j in range(n - i - 1):
            if arr[j] > arr[j + 1]:
                arr[j], arr[j + 1] = arr[j + 1], arr[j]
    return arr


@case(([1, 3, 5, 7, 9], 7), ([1, 3, 5, 7, 9], 4))
def bsearch(a, x):
    lo, hi = 0, len(a) - 1
    while lo <= hi:
        m = (lo + hi) // 2
        if a[m] == x:
            return m
        if a[m] < x:
            lo = m + 1
        else:
            hi = m - 1
    return -1


@case(([1.5, 2.5, 3.5], 2))
def appended(a, n):
    for i in range(n):
        a.append(i * 0.5)
    return sum(a)


@case(
    ([[1, 2], [3, 4], [5, 6]],),
)
def matsum(g):
    s = 0
    for i in range(len(g)):
        for j in range(len(g[0])):
            s += g[i][j]
    return s


@case(
    ([3, 1, 2],),
)
def sorted_argument(a):
    a.sort()
    return a[0], sorted(a, reverse=True), max(a), sum(a)


@case((list(range(100)), 7))
def long_index(a, k):
    s = 0
    for i in range(len(a)):
        s += a[(i * k) % len(a)]
    return s


@case(
    ([2, 7, 11, 15], 9),
)
def two_sum(nums, target):
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            if nums[i] + nums[j] == target:
                return [i, j]
    return []


@case((5,))
def two_names(n):
    a = []
    b = a
    for i in range(n):
        a.append(i)
    return b, len(b)


@case((5,))
def two_names2(n):
    a = [0] * n
    b = a
    for i in range(n):
        b[i] = i
    return a


@case((5,))
def row_alias(n):
    g = [[0] * n for _ in range(n)]
    r = g[1]
    r[2] = 5
    g[1][3] = 6
    return g, r


@case((5,))
def row_swap(n):
    g = [[i] * n for i in range(n)]
    g[0], g[1] = g[1], g[0]
    g[0][0] = 50
    return g


@case((5,))
def slice_is_copy(n):
    a = list(range(n))
    b = a[:]
    b[0] = 9
    a[1] = 7
    return a, b


@case((5,))
def grid_copy(n):
    g = [[i + j for j in range(n)] for i in range(n)]
    h = [r[:] for r in g]
    h[0][0] = 99
    return g, h


@case((5,))
def in_closure(n):
    out = []

    def add(v):
        out.append(v)

    for i in range(n):
        add(i * 2)
    return out


@case((5,))
def passed(n):
    def fill(a):
        for i in range(len(a)):
            a[i] = i

    x = [0] * n
    fill(x)
    return x


@case(
    (
        np.arange(4.0),
        3,
    )
)
def array_copies(x, n):
    out = []
    for _i in range(n):
        out.append(x.copy())
        x[0] += 1
    return np.array(out)


@case((4,))
def list_attr(n):
    class S:
        pass

    s = S()
    s.items = []
    for i in range(n):
        s.items.append(i)
    return s.items


@case(
    (
        4,
        1,
    )
)
def cond_append(n, c):
    a = [1, 2]
    if c > 0:
        a.append(n)
    return a, len(a), sum(a)


@case((6,))
def pop_mid(n):
    a = list(range(n))
    x = a.pop(2)
    y = a.pop(0)
    a.insert(1, 99)
    a.insert(-1, 98)
    a.remove(4)
    del a[0]
    return a, x, y, a.index(99), a.count(98), a[::-1], a[-1]


@case((6,))
def dict_of_lists(n):
    d = {"a": [], "b": []}
    for i in range(n):
        if i % 2:
            d["a"].append(i)
        else:
            d["b"].append(i * 0.5)
    return d


@case((3,))
def loop_state(n):
    state = [0, 0]
    for i in range(n):
        state[0] += i
        state[1] = state[0] * 2
    return state


@case((4,))
def tuple_unpack(n):
    q = [(0, 1)]
    for _i in range(n):
        a, b = q[-1]
        q.append((b, a + b))
    return q


@case((4,))
def negative_rep(n):
    return [0] * (n - 10), [1, 2] * n, list(range(n, 0, -1)), list(range(0, n * 2, 3))


@case((5,))
def none_items(n):
    best = [None] * n
    for i in range(n):
        if i % 2:
            best[i] = i * 1.5
    return best


@case((5,))
def bools_strings(n):
    out = []
    for i in range(n):
        out.append(i > 2)
    return out, any(out), out.count(True)


REFUSED = []


def refused(*args):
    """What would need two names to be one list: an error, never another result."""

    def add(f):
        REFUSED.append(pytest.param(f, args, id=f.__name__))
        return f

    return add


@refused(5, 1)
def chosen(n, c):
    a = [0] * n
    b = [1] * n
    z = a if c > 0 else b
    z[0] = 9
    return a, b


@refused(5)
def rebound(n):
    a = [0] * n
    keep = a
    for i in range(n):
        a[0] += 1
        a = [i] * n
    return keep, a


@refused(5)
def rows_same(n):
    row = [0] * n
    g = []
    for _i in range(n):
        g.append(row)
    g[0][0] = 5
    return g


@refused(5)
def rows_then_change(n):
    g = []
    for i in range(n):
        row = [i] * 3
        g.append(row)
        row[0] = 77
    return g


@refused(5)
def shallow(n):
    g = [[i + j for j in range(n)] for i in range(n)]
    h = g[:]
    h[0][0] = 99
    return g, h


@refused(np.arange(4.0), 3)
def array_in_list(x, n):
    out = []
    for _i in range(n):
        out.append(x)
        x[0] += 1
    return out


@refused(np.ones(2), 1)
def rebound_list_changed_under_another_name(x, n):
    p = [x, 1.0]
    q = p
    for _i in range(n):
        p[1] = p[1] + 1
        p = [p[0] * 2, p[1]]
    return q[1]


@refused(1.0, 0)
def rebound_list_changed_after_the_loop(x, n):
    p = [x, 1.0]
    q = p
    for _i in range(n):
        p = [p[0] * 2, p[1]]
    p[1] = 99.0
    return q[1]


@pytest.mark.parametrize("f, inputs", CASES)
def test_as_python(f, inputs):
    jitted = hotloop.jit(f, cache=False)
    for args in inputs:
        check(f, *args, jitted=jitted)


@pytest.mark.parametrize("f, args", REFUSED)
def test_is_refused(f, args):
    with pytest.raises(UnsupportedError):
        trace(f, args, {})


def test_appends_are_amortized():
    def squares(n):
        out = []
        for i in range(n):
            if i % 3:
                out.append(i * i)
        return out

    lines = hotloop.jit(squares).lower(10).loops.splitlines()
    grown = next(k for k, line in enumerate(lines) if "call grow" in line)
    before = [line for line in lines[:grown] if line.lstrip().startswith(("for ", "while "))]
    before = [line for line in before if "0..0" not in line]
    assert len(before) == 1  # the user's loop: nothing is copied for each append
    assert sum("call grow" in line for line in lines) == 1


def window_means(xs, k):
    window = deque(maxlen=k)
    out = []
    for x in xs:
        window.append(x)
        out.append(sum(window) / len(window))
    return out, window


def limited_from_both_ends(xs):
    d = deque(xs, maxlen=3)
    d.appendleft(9)
    d.extend([4, 5])
    e = d.copy()
    e.extendleft([1, 2])
    d.rotate(1)
    return d, e, d.maxlen, len(d), d[0], list(d)


def beyond_the_limit(k):
    q = deque(maxlen=k)
    for x in range(4):
        q.append(x)
        q.appendleft(x)
    try:
        q.insert(0, 5)
    except IndexError:
        return -1, q
    return len(q), q


def test_deques_with_maxlen():
    check(window_means, [1.0, 2.0, 3.0, 4.0], 2)
    check(window_means, np.arange(6.0), 3)
    check(limited_from_both_ends, [1, 2, 3, 4])
    jitted = check(beyond_the_limit, 3)
    check(beyond_the_limit, 0, jitted=jitted)
    check(beyond_the_limit, 10, jitted=jitted)


FIRST_OPERATORS = """
import hotloop

def joined(n):
    a = [0.5] * n
    b = [0.5] * n
    return a + b

assert hotloop.jit(joined)(2) == [0.5] * 4
"""


def test_the_first_operator_of_a_list_is_that_of_lists(tmp_path):
    """What lists do is loaded late: in a process of its own."""
    script = tmp_path / "first.py"
    script.write_text(FIRST_OPERATORS)
    subprocess.run([sys.executable, script], check=True)


@pytest.mark.parametrize("function", [
    lambda n: [1] * n - [1] * n, lambda n: -([1] * n), lambda n: [1] * n % 2])
def test_operators_that_lists_do_not_have(function):
    with pytest.raises(TypeError):
        hotloop.jit(function)(2)
