"""`while` loops that are left from the middle: the branch that sets the flag is the end."""

import numpy as np
import pytest
from compare import check

from hotloop import jit
from hotloop.llvm.leaving import chosen
from hotloop.loops.core import ARG, Buffer, Let
from hotloop.loops.expr import BOOL, e, fresh_table, lit, load, var


def sift(a):
    n, root = len(a), 0
    while True:
        child = 2 * root + 1
        if child >= n:
            break
        if child + 1 < n and a[child] < a[child + 1]:
            child += 1
        if a[root] < a[child]:
            a[root], a[child] = a[child], a[root]
            root = child
        else:
            break
    return root


def first_repeat(a):
    i, steps = 0, 0.0
    while i < len(a) - 1:
        if a[i] == a[i + 1]:
            return i, steps
        if a[i] < 0:
            i += 2
            continue
        steps += 0.5
        i += 1
    return -1, steps


def by_flag(a, limit):
    done, total, i = False, 0.0, 0
    while not done:
        total += a[i]
        i += 1
        done = total > limit or i == len(a)
    return total, i, done


def in_two(a):
    count, i = 0, 0
    while True:
        j = i
        while True:
            if j >= len(a):
                break
            if a[j] > 2:
                count += 1
                if count > 6:
                    break
            j += 1
        if count > 6 or i >= len(a):
            return count, i, j
        i += 1


def raising(a, k):
    total = 0
    while True:
        v = a[k]
        if v < 0:
            break
        if v > 100:
            raise ValueError("too large")
        total += int(v)
        k += 1
    return total, k


def line(x0, y0, x1, y1, picture):
    dx, dy = abs(x1 - x0), -abs(y1 - y0)
    sx, sy = (1 if x0 < x1 else -1), (1 if y0 < y1 else -1)
    err = dx + dy
    while True:
        picture[y0, x0] += 1
        if x0 == x1 and y0 == y1:
            break
        e2 = 2 * err
        if e2 >= dy:
            err += dy
            x0 += sx
        if e2 <= dx:
            err += dx
            y0 += sy
    return err


def overwriting(a):
    i, last, before = 0, 0.0, 0.0
    while True:
        stop = a[i] > 5
        before = last
        last = a[i]
        a[i] = 9.0
        if stop:
            break
        i += 1
        last += i
    return i, last, before


def either(a, b, n):
    """The flag is set by two branches, and by what is no branch."""
    steps = 0
    while True:
        steps += 1
        if a == b:
            a += 100
            break
        if a > b:
            a -= b
        else:
            b -= a
        if steps > n:
            break
    return a, b, steps


def swapped(a, n):
    b = np.zeros_like(a)
    while True:
        b[:] = a * 0.5 + 1
        a, b = b, a
        n -= 1
        if n <= 0:
            break
    return a.sum()


@pytest.mark.parametrize(("function", "calls"), [
    (sift, [([1.0, 9.0, 8.0, 3.0, 7.0, 2.0],), ([5.0, 4.0, 3.0],), ([1.0],), ([],)]),
    (first_repeat, [([1, 2, -3, 4, 5, 5, 6],), ([1, 2, 3],), ([],), ([7, 7],)]),
    (by_flag, [([1.0, 2.0, 3.0], 2.5), ([1.0, 2.0], 9.0), ([4.0], 0.0), ([], 1.0)]),
    (in_two, [([1, 5, 2, 3, 3],), ([1, 1],), ([],)]),
    (raising, [([3, 4, -1], 0), ([3, 400, -1], 0), ([3, 4], 0), ([3, 4, -1], -3)]),
    (line, [(0, 0, 5, 3, np.zeros((6, 6), "i8")), (5, 2, 0, 4, np.zeros((6, 6), "i8")),
            (1, 1, 1, 1, np.zeros((6, 6), "i8")), (0, 0, 9, 3, np.zeros((6, 6), "i8"))]),
    (overwriting, [([1.0, 2.0, 6.0, 1.0],), ([7.0],)]),
    (either, [(12, 18, 9), (5, 5, 9), (1, 100, 9)]),
    (swapped, [([1.0, 2.0], 3), ([1.0], 0)]),
])
def test_programs(function, calls):
    jitted = jit(function)
    for args in calls:
        kind = "i8" if function in (first_repeat, in_two, raising) else "f8"
        args = [np.array(x, kind) if isinstance(x, list) else x for x in args]
        check(function, *args, jitted=jitted)


def test_no_flag_is_left():
    """All that is left of it is what it ends as."""
    text = jit(line).lower(0, 0, 3, 3, np.zeros((4, 4), np.int64)).llvm
    assert "phi i1 [false" not in text


def test_choices_of_the_flag():
    """What goes on does not wait for them, unless what they read has been overwritten."""
    with fresh_table():
        own, t, x, y = (var(name, BOOL) for name in "ctxy")
        for flag in (e.select(t, lit(True, BOOL), own), e.or_(t, own)):
            body = [Let("f", flag), Let("n", e.select(t, x, y))]
            nexts = [var("f", BOOL), var("n", BOOL)]
            assert chosen(body, nexts, own) == ([t, x], [t, y])
        read = load(Buffer("b", BOOL, (), ARG), ())
        body[1] = Let("n", e.select(t, x, read))
        assert chosen(body, nexts, own) == ([t, x], [t, nexts[1]])
