# ruff: noqa: B007, B023, F821, F841
"""What is bound where: names bound in loops and branches, loop variables, del, walrus, closures."""

import numpy as np
import pytest
from agreement import Cases, agree

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


@cases((f8(5), 3), (f8(5), 0))
def first_bound_in_loop(x, n):
    for i in range(n):
        y = x[i]
    return y


@cases((f8(5), 3), (f8(5), 0))
def loopvar_after(x, n):
    for i in range(n):
        pass
    return i


@cases((2.0, 1), (2.0, -1))
def bound_in_one_branch(a, k):
    if k > 0:
        b = a * 2
    c = 1.0
    if k > 0:
        c += b
    return c


@cases((2.0, 1), (2.0, -1))
def unbound_after_branch(a, k):
    if k > 0:
        b = a * 2
    return b


@cases((f8(5), 3), (f8(5), 0))
def bound_earlier_iteration(x, n):
    s = 0.0
    for i in range(n):
        if i > 0:
            s += prev
        prev = x[i]
    return s


@cases((5,))
def rebind_loopvar(n):
    s = 0
    for i in range(n):
        i = i * 2
        s += i
    return s


@cases((10,))
def walrus(n):
    s = 0
    while (n := (n - 1)) > 0:
        s += n
    return s


@cases((5,))
def late_closure(n):
    fs = 0
    for i in range(n):

        def g(k):
            return k + i
        fs += g(1)
    return fs


@cases((f8(5), 2))
def parameter_of_a_nested_function(x, n):
    y = x + 1

    def twice(z):
        return z * 2

    for _ in range(n):
        for z in (x, y):
            z += 1
        y += twice(x)
    return y, sum(z for z in (n, 1))


@cases((f8(5), 3))
def deletion(x, n):
    t = x * 2
    for i in range(n):
        u = t[i]
        del u
    return t


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
