"""Names bound inside of expressions, and by functions inside that declare them nonlocal."""

import numpy as np
import pytest
from compare import check

import hotloop


def after_and(n):
    y = 0
    if n > 2 and (y := n * 2) > 7:
        return y
    return -y


def in_one_arm(n):
    z = (y := n + 1) if n > 3 else 7
    return z + (y if n > 3 else 0)


def in_while(xs):
    t = 0
    while t < 100 and (v := xs[t]) > 0:
        t += v
    return t, v


def first_negative(xs):
    if any((bad := x) < 0 for x in xs):
        return bad
    return 99


def last_of_list(xs):
    last = -1
    ys = [last := x * 2 for x in xs if x > 1]
    return last, ys


def running(n):
    total = 0
    ps = [total := total + i for i in range(n)]
    return ps, total


def in_two_parts(xs):
    if all((w := x) > 0 for x in xs if x != 5) and w > 1:
        return w
    return w


def make():
    state, n = False, 0

    def put(k):
        nonlocal state, n
        state = True
        n += k

    def get():
        return state, n
    return put, get


def closure_in_branch(x):
    put, get = make()
    if x > 0:
        put(3)
    return get()


def two_closures(xs):
    put, get = make()
    more, both = make()
    for x in xs:
        if x > 2:
            put(x)
        else:
            more(1)
    return get(), both()


def closures_made_in_loop(xs):
    out = 0
    for x in xs:
        put, get = make()
        if x > 1:
            put(x)
        _, b = get()
        out += b
    return out


LONG = np.array([5, 2, -3, 4, 1])


@pytest.mark.parametrize("function, calls", [
    (after_and, [(1,), (3,), (5,)]), (in_one_arm, [(2,), (5,)]),
    (in_while, [([1, 2, 3, -1, 5],)]), (first_negative, [([1, -2, 3],), ([1, 2, 3],), (LONG,)]),
    (last_of_list, [([1, 2, 3],), (LONG,), (LONG[:1] - 5,)]), (running, [(5,), (0,)]),
    (in_two_parts, [(LONG,), (LONG[:1],)]), (closure_in_branch, [(1,), (-1,)]),
    (two_closures, [([1, 2, 3],), (LONG,)]), (closures_made_in_loop, [([1, 2, 3],), (LONG,)])])
def test_names_bound_in_expressions_and_closures(function, calls):
    jitted = hotloop.jit(function, cache=False)
    for args in calls:
        check(function, *args, jitted=jitted)
