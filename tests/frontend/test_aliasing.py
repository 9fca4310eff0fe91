# ruff: noqa: B007
"""Views and mutation: stores through views, aliases in branches, arrays rebound in loops."""

import numpy as np
import pytest
from agreement import Cases, agree

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


@cases((f8(6), 4), (f8(6), 1))
def view_carried_read(x, n):
    r = x[0:2]
    s = 0.0
    for i in range(n):
        s += r[0] * 2.0
        r = x[i:i + 2]
    return s + r[1]


@cases((f8(4), 3), (f8(4), 2), (f8(4), 0))
def swap_local(x, n):
    a = x.copy()
    b = x * 0
    for i in range(n):
        b[:] = a + 1
        a, b = (b, a)
    return a


@cases((f8(4), f8(4) * 2, 1), (f8(4), f8(4) * 2, -1))
def alias_branch(x, y, k):
    if k > 0:
        a = x
    else:
        a = y
    a[0] = 9.0
    return x[0] + y[0]


@cases((f8(4), 1), (f8(4), -1))
def alias_or_copy(x, k):
    a = x
    if k > 0:
        a = x.copy()
    a[0] = 9.0
    return a


@cases((f8(4), 1), (f8(4), -1))
def alias_or_copy_read(x, k):
    a = x
    if k > 0:
        a = x * 2
    return a + 1


@cases((f8(6),))
def overlap(x):
    x[1:] = x[:-1]
    x[:3] += x[3:]
    x[::2] *= 2
    np.add(x, 1, out=x)


@cases((f8(6),))
def ret_alias(x):
    return x


@cases((f8(4), 3), (f8(4), 0))
def copy_then_mutate(x, n):
    y = x.copy()
    for i in range(n):
        y[i] = 0.0
        y = y + 1
    return (y, x)


@cases((np.arange(12.0).reshape(3, 4), 2))
def swap_views(x, n):
    a = x[0]
    b = x[1]
    for i in range(n):
        a, b = (b, a)
    return a + 1


@cases((f8(5), 3))
def inner_fn_mut(x, n):

    def put(a, i):
        a[i] = 0.0
    for i in range(n):
        put(x, i)


@cases((f8(4), 1), (f8(4), -1))
def phi_loop(x, k):
    z = x * 0
    a = x if k > 0 else z
    for i in range(4):
        a[i] = i
    return (x, z)


@cases((np.ones((2, 3)), np.ones((3, 2))))
def aug_matmul(a, b):
    c = a @ b
    c -= 1
    c @= c
    return (c, (a.T + b).T)


@cases((f8(4), f8(4)))
def same_shape_unroll(x, y):
    for a in (x, y):
        a += 1
    for i, s in enumerate(('p', 'q')):
        x[i] = len(s)
    return x


@cases((f8(4), 2))
def ellipsis(x, n):
    y = x[...]
    y[n] = 3.0
    x[-1] = y[-n]
    return y


@cases((np.arange(6.0).reshape(2, 3),))
def shape_attr(x):
    y = x.copy()
    y.shape = (6,)
    y[5] = 0.0
    z = y.reshape(3, 2)
    z[0, 0] = 9.0
    t = y.reshape(2, 3).T
    t[0, 1] = 4.0
    return (y, z, t)


@cases((np.arange(12.0).reshape(3, 4),))
def iter_rows(x):
    s = 0.0
    for r in x:
        r[0] = -1.0
        s += r.sum()
    return s


@cases((4,))
def array_in_list_loop(n):
    r = [np.zeros(3), np.ones(3)]
    for i in range(n):
        r[0][:] = r[0] + r[1]
    return r[0]


@cases((f8(6), 2))
def loop_in_branch(x, n):
    if n > 1:
        for i in range(n):
            x[i] = x[i + 1]
    else:
        x[:] = 0
    return x[0]


@cases((f8(4), f8(4) * 0, 3), (f8(4), f8(4) * 0, 2), (f8(4), f8(4) * 0, 0))
def swap_arguments(a, b, n):
    for i in range(n):
        b[:] = a + 1
        a, b = b, a
    return a


@cases((f8(6), 3), (f8(6), 2), (f8(6), 0))
def jacobi(grid, steps):
    new = grid.copy()
    for _ in range(steps):
        new[1:-1] = 0.5 * (grid[2:] + grid[:-2])
        grid, new = new, grid
    new[0] = 9.0
    return grid


@cases((f8(4), f8(4) * 2, f8(4) * 3, 4), (f8(4), f8(4) * 2, f8(4) * 3, 0))
def rotate_three(a, b, c, n):
    k = 0
    while k < n:
        a[k % 4] = b[0] + c[1]
        a, b, c = b, c, a
        k += 1
    c[0] = -1
    return a, b


@cases((f8(4), f8(4) * 2, 3), (f8(4), f8(4) * 2, 2))
def swap_with_a_third_name(a, b, n):
    other = a
    for i in range(n):
        b[0] = a[1] + i
        a, b = b, a
    other[2] = 5
    return a, other


@cases((f8(6),))
def stores_through_views(x):
    y = x[1:4]
    y += 1
    y[0] *= 3
    z = x.reshape(2, 3)[1]
    z -= 1
    x[::2][1:] = 0
    w = x[2:]
    w[:] = w[::-1]
    return y, z


@cases((f8(4),))
def one_array_several_times(x):
    y = x * 2
    return y, y, y[1:], (y, x)


@cases((f8(4), 1), (f8(4), -1))
def argument_or_new(x, k):
    return x if k > 0 else x * 2


@cases((f8(6), f8(6) * 2, 3), (f8(6), f8(6) * 2, 0))
def pair_chosen_in_a_loop(x, y, n):
    for k in range(n):
        src, dst = (x, y) if k % 2 == 0 else (y[::1], x)
        for i in range(1, 5):
            dst[i] = src[i - 1] + src[1:][i]
        dst[np.array([0, 2])] += src[:2]
        dst[3:][::-1] -= 1
    return x.sum()


@cases((f8(5),), (f8(2),), (f8(0),))
def list_of_views(x):
    views = [x[i:] for i in range(3)]
    for v in views:
        v += 1
    return x, [v.sum() for v in views]


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])
