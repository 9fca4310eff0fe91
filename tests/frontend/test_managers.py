"""with statements and `finally` that returns: every way out of them, as Python does it."""

import contextlib

import numpy as np
import pytest
from compare import check

import hotloop


class Box:
    def __init__(self):
        self.v, self.log = 1.0, 0

    @contextlib.contextmanager
    def locked(self, k):
        self.v *= k
        try:
            yield self.v
        except ValueError:
            self.log += 100
        finally:
            self.v /= k
            self.log += 1

    def __enter__(self):
        self.log += 1
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, KeyError):
            self.log += 1000
            return True
        self.log += 10
        return False


def swallowed_in_a_loop(xs):
    box, total = Box(), 0.0
    for x in xs:
        with box.locked(2.0) as v:
            if x < 0:
                raise ValueError("negative")
            total += v * x
    return total, box.v, box.log


def some_errors_pass(box, xs):
    total = 0.0
    with box as same:
        for x in xs:
            if x < 0:
                raise IndexError("negative")
            if x == 0:
                raise KeyError("zero")
            total += x
    return total, same.log


def jumps_out(xs):
    box = Box()
    for i, x in enumerate(xs):
        with box:
            if x > 2:
                return i, box.log
            if x == 1:
                continue
            box.v += x
        box.v += 100
    return -1, box.v, box.log


def two_managers(x):
    a, b = Box(), Box()
    with a as p, b as q:
        p.v += x
        q.v -= x
        r = 10 // x
    return a.log, b.log, p.v, q.v, r


def unbound_after(x):
    with contextlib.suppress(ZeroDivisionError):
        y = 10 // x
    return y


@contextlib.contextmanager
def lifted(box):
    box.v += 1
    yield box
    box.v -= 1


def thrown_into_a_generator(n):
    box = Box()
    try:
        with lifted(box) as same:
            same.v *= n
            if n > 2:
                raise ValueError("large")
            if same.v > 3:
                return same.v
    except ValueError:
        return -box.v
    return box.v


def returned_by_finally(xs):
    total = 0
    for x in xs:
        total += 10 * one(x)
    return total


def one(x):
    try:
        if x == 0:
            return 1
        if x == 1:
            raise ValueError("one")
        y = 10 // (x - 2)
    except ValueError:
        return 2
    else:
        y += 1
    finally:
        z = 7
        return z + x  # noqa: B012, SIM107


def all_errors_lost(n):
    total = 0
    try:
        for i in range(n):
            total += 10 // (i - 3)
    finally:
        total += 100
        return total  # noqa: B012


@pytest.mark.parametrize("f, calls", [
    (swallowed_in_a_loop, [([1.0, -2.0, 3.0],)]),
    (some_errors_pass, [(Box(), [1, 2]), (Box(), [1, -1]), (Box(), [2, 0])]),
    (jumps_out, [([0, 1, 5],), ([0, 1],)]),
    (two_managers, [(2,), (0,)]),
    (unbound_after, [(2,), (0,)]),
    (thrown_into_a_generator, [(1,), (2,), (3,)]),
    (returned_by_finally, [([0, 1, 2, 3],)]),
    (all_errors_lost, [(3,), (8,)]),
], ids=lambda x: getattr(x, "__name__", ""))
def test_every_way_out(f, calls):
    jitted = hotloop.jit(f, cache=False)
    for args in calls:
        check(f, *args, jitted=jitted)


@contextlib.contextmanager
def at_times(x):
    if x > 0:
        yield x


def conditional(x):
    with at_times(x) as y:
        return y


def jump(x):
    for _ in range(3):
        try:
            x = 1 // x
        finally:
            if x > 2:
                continue  # noqa: B012
    return x


@pytest.mark.parametrize("f, words", [
    (conditional, "yield that is not its only one, or under a condition"),
    (jump, "a jump out of finally"),
], ids=lambda x: getattr(x, "__name__", ""))
def test_refused(f, words):
    with pytest.raises(hotloop.errors.UnsupportedError, match=words):
        hotloop.jit(f, cache=False)(np.int64(2))
