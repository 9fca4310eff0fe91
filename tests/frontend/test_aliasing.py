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


@cases((f8(6), 4,), (f8(6), 0,))
def view_carried_write(x, n):
    r = x[0:2]
    for i in range(n):
        r[0] = 7.0
        r = x[i:i + 2]
    return x


@cases((f8(4), f8(4) * 0, 3,), (f8(4), f8(4) * 0, 0,))
def swap_and_read_by_another_name(a, b, n):
    other = a
    s = 0.0
    for i in range(n):
        b[0] = a[1] + i
        a, b = b, a
        s += other[0]
    return s


@cases((np.ones((3, 4)), 3,), (np.ones((3, 4)), 0,))
def swap_of_rows(x, n):
    a = x[0]
    b = x[1]
    for i in range(n):
        a[0] = b[1]
        a, b = b, a
    return x


@cases((f8(4), f8(4), 3,), (f8(4), f8(4), 0,))
def two_names_of_one_array(a, b, n):
    for i in range(n):
        b = b + 1
        a = b
    a[0] = 5.0
    return a, b


@cases((f8(4), f8(4), 3,), (f8(4), f8(4), 0,))
def swapped_in_a_tuple(a, b, n):
    s = a, b
    for i in range(n):
        s = s[1], s[0]
    s[0][0] = 7.0
    return s[1]


@cases((f8(4), 3,), (f8(4), 0,))
def two_names_rebound(x, n):
    y = x.copy()
    z = y
    for i in range(n):
        y[0] = 5.0
        y = y + 1
    return y, z


@cases((f8(4), 3,), (f8(4), 0,))
def store_after_maybe_alias(x, n):
    y = x
    for i in range(n):
        y = y + 1
    y[0] = 9.0
    return x, y


@cases((f8(4), f8(4) * 2, 3, 2), (f8(4), f8(4) * 2, 2, 3), (f8(4), f8(4) * 2, 0, 3))
def swaps_in_swaps(a, b, n, k):
    for i in range(n):
        for j in range(k):
            b[1:] = a[:-1] + 1.0
            a, b = b, a
        a[0] = i
        a, b = b, a
    return a


@cases((f8(4), f8(4) * 2, f8(4) * 3, 5), (f8(4), f8(4) * 2, f8(4) * 3, 1))
def rotation_under_a_condition(a, b, c, n):
    for i in range(n):
        if i % 2 == 0:
            a, b, c = b, c, a
        a[i % 4] += b[0]
        c[1] = a[2]
    return b, c


@cases((f8(4), f8(4) * 2, 1), (f8(4), f8(4) * 2, -1))
def chosen_and_stored(a, b, k):
    x = a if k > 0 else b
    x[0] = 1.0
    x += 2
    a[1] = 7.0
    return x, x[1]


@cases((np.arange(9.0).reshape(3, 3), 1, 2), (np.arange(9.0).reshape(3, 3), -1, 1))
def row_or_column(m, k, i):
    row = m[i] if k > 0 else m[:, i]
    row += 1
    m[1, 1] = -5.0
    return row, row.sum()


@cases((f8(4), f8(4) * 2, 3), (f8(4), f8(4) * 2, 0))
def list_of_arrays(a, b, n):
    pair = [a, b]
    for i in range(n):
        pair[0], pair[1] = pair[1], pair[0]
        pair[0][i] = 10.0
    return pair[1]


@cases((f8(8), 3), (f8(8), 0), (f8(1), 2))
def halved(x, n):
    y = x
    for _ in range(n):
        y = y[::2]
        y += 1.0
    return y


@cases((f8(3), f8(3) * 2, 4), (f8(3), f8(3) * 2, 0))
def best_so_far(start, step, n):
    best, now = start, start
    for i in range(n):
        now = now - step
        if now.sum() < best.sum():
            best = now
        best[0] += 1.0
    return best, now


@cases((f8(3), 4), (f8(3), 0))
def not_given_after_all(x, n):
    y = x * 2.0
    z = y
    for i in range(n):
        y[0] += 1.0
        y = y + 1.0
    z[1] = 3.0
    return y, z


@cases((f8(3), f8(3) * 2, 2, 1), (f8(3), f8(3) * 2, 2, -1), (f8(3), f8(3) * 2, 0, 1))
def exchange_in_a_branch(a, b, n, k):
    first = a
    if k > 0:
        for i in range(n + 1):
            b[0] = a[1] + i
            a, b = b, a
    first[2] = 5.0
    a[1] = 9.0
    return a, first


@cases((f8(3), 0), (f8(3), 2))
def rebound_or_the_argument(a, n):
    b = a
    for _ in range(n):
        b = b + 1.0
    return b


@cases((f8(4), 3), (f8(4), 0), (f8(1), 2))
def view_or_the_argument(x, n):
    y = x.T
    for i in range(n):
        y = x[i % len(x):] if i % 2 else y
    return y


@cases((f8(3),))
def same_elements_as_another_object(x):
    return x.T


@cases((f8(6).reshape(2, 3),), (f8(5).reshape(1, 5),), (f8(4).reshape(4, 1),))
def raveled(m):
    m.T.ravel()[0] = 5.0
    m[:, ::2].reshape(-1)[0] = 6.0
    m[::-1].reshape(m.size)[0] = 7.0
    m.T.reshape(-1)[-1] = 8.0
    m[:1].ravel()[-1] = 9.0
    m.T.flat[1] = 10.0
    m[:, 1:].ravel()[:] = 11.0
    return m


@cases((f8(8).reshape(2, 4),), (f8(10).reshape(2, 5),), (f8(9).reshape(1, 9),))
def every_second_column(m):
    part = m[:, ::2].reshape(-1)
    part[0] = -1.0
    return part


@cases((f8(9).reshape(3, 3), 0), (f8(9).reshape(3, 3), 1), (f8(9).reshape(3, 3), 2))
def read_only_views(m, k):
    d = m.diagonal()
    b = np.broadcast_to(m[0], (4, 3))
    m[1, 1] = 20.0
    m[0] += 1.0
    if k == 1:
        d[0] = 1.0
    if k == 2:
        b += 1.0
    return d, b


@cases((f8(3), f8(3), 3), (f8(3), f8(3), 2), (f8(3), f8(3), 0))
def which_object(a, b, n):
    first, other = a, b
    for _ in range(n):
        a, b = b, a
    c = a if n > 2 else b
    return a is first, b is first, c is other, a is b, a.T is a, a[:] is not a, first is first


@cases((f8(8), 2), (f8(8), 5))
def rank_changes(x, k):
    if k > 3:
        y = x.reshape(2, 4)
    else:
        y = x
    y[0] = 1.0
    y = y * 2.0
    y += 1
    return y, y.sum()


@cases((f8(8), 2), (f8(8), 5))
def dtype_changes(x, k):
    y = x > 3 if k > 3 else x
    if x[0] < 5:
        y = y * 2
    x[1] = 4.0
    return y.sum(), y


@cases((f8(3), 4), (f8(3), 0))
def dtype_changes_in_the_loop(a, n):
    for i in range(n):
        x = a * 2 if i % 2 else a.astype(np.int64)
        a[0] += x[1]
        x[0] = 3
        a[1] += x.sum()
    return a


@cases((f8(6).reshape(2, 3), f8(6)), (f8(6).reshape(2, 3), f8(8)), (f8(6).reshape(3, 2), f8(2)))
def flat_assigned(a, b):
    a.T.flat = b
    a[:, 1:].flat = [1.0, 2.0]
    a[0].flat = 7


@cases((f8(9).reshape(3, 3), 0), (f8(9).reshape(3, 3), 1), (f8(9).reshape(3, 3), 2))
def reshaped_read_only_views(m, k):
    one = np.broadcast_to(m, (2, 3, 3))
    if k == 0:
        one[0].ravel()[1] = 1.0
    elif k == 1:
        one.ravel()[1] = 1.0
        one.reshape(18)[2] = 1.0
        m.diagonal().ravel()[0] = 2.0
    else:
        m.diagonal().reshape(3, 1)[0] = 2.0


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f], memory=True)
