"""Lists of run-time length are joined as NumPy joins them; axes that count trips unroll loops."""

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.frontend.trace import trace
from hotloop.ir.core import walk
from hotloop.testing import check_grads


def of_rows(join):
    def joined(x, n):
        rows = []
        for i in range(n):
            rows.append(2.0 * x[i])
        return join(rows)
    return joined


def stacked(y):
    return (np.stack(y), np.stack(y, axis=-1, dtype=np.float32), np.vstack(y), np.hstack(y),
            np.dstack(y), np.column_stack(y), np.concatenate(y, axis=None))


@pytest.mark.parametrize(("join", "shape"), [
    (stacked, (4,)), (stacked, (4, 2, 3)), (np.concatenate, (4, 3)), (np.concatenate, (4,)),
    (lambda y: np.concatenate(y, axis=-1), (4, 2, 3))])
def test_joins_of_rows(join, shape):
    x = np.arange(float(np.prod(shape))).reshape(shape)
    jitted = hotloop.jit(of_rows(join), cache=False)
    for n in (4, 0):
        check(of_rows(join), x, n, jitted=jitted)


def applied_to_each_axis(x, n):
    for k in range(n):
        x = np.moveaxis(np.tensordot(np.array([[1.0, 2.0], [0.5, x[0, 0, 0]]]), x, (1, k)), 0, k)
    return x


def rolled(x, shifts):
    for k in range(len(shifts)):
        x = np.roll(x, shifts[k], axis=-1 - k)
    return x


def axis_in_inner_loop(x, n):
    total = 0.0
    for i in range(n):
        for j in range(2):
            total += np.sum(x, axis=j)[i, 0]
    return total


X = np.arange(8.0).reshape(2, 2, 2)


@pytest.mark.parametrize(("f", "args"), [
    (applied_to_each_axis, (X, 3)), (rolled, (X, np.array([1, 0, 1]))),
    (axis_in_inner_loop, (X, 2))])
def test_axes_that_count_trips_unroll_the_loop(f, args):
    check(f, *args)
    names = [e.op.name for e in walk(trace(f, args, {}).program)]
    assert not any(name.startswith("call_numpy") for name in names)


def test_axes_that_count_many_trips_are_numpys():
    def sums(x, n):
        total = 0.0
        for i in range(n):
            total += np.sum(x, axis=i % 2)[0]
        return total

    args = np.arange(6.0).reshape(2, 3), 100
    check(sums, *args)
    assert any(e.op.name.startswith("call_numpy") for e in walk(trace(sums, args, {}).program))


@pytest.mark.parametrize("ufunc", [np.logaddexp, np.subtract])
def test_accumulation_of_any_ufunc(ufunc):
    x = np.linspace(0.1, 1.0, 6).reshape(2, 3)
    for a in x, x[:0].astype(np.float32):
        check(lambda a: (ufunc.accumulate(a), ufunc.accumulate(a, axis=1)), a)
    check_grads(lambda a: ufunc.accumulate(a, axis=1), (x,), order=1)


class Held:
    pass


def held_by_another(n):
    o = Held()
    if n > 0:
        x = [1, 2]
        o.p = x
    else:
        raise ValueError
    x[0] = 5
    return o.p[0]


def test_a_list_that_one_side_made_and_an_object_holds():
    with pytest.raises(hotloop.errors.UnsupportedError, match="under another name"):
        hotloop.jit(held_by_another, cache=False)(1)
