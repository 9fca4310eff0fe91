"""Lists of run-time length: growing, indexing, slices, comprehensions, sorting, by value."""

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


@pytest.mark.parametrize("f, inputs", CASES)
def test_as_python(f, inputs):
    jitted = hotloop.jit(f, cache=False)
    for args in inputs:
        check(f, *args, jitted=jitted)
