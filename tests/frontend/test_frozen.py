"""Arguments that are numbers and decide what the Program looks like: one Program for each value."""

import numpy as np
import pytest
from agreement import agree

import hotloop
from hotloop.errors import StagingError
from hotloop.frontend.trace import trace

X = np.arange(24.0).reshape(2, 3, 4)


def total(x, axis, keepdims):
    return np.sum(x, axis=axis, keepdims=keepdims)


def test_axis_and_flags():
    agree(total, (X, 0, False), (X, 1, False), (X, -1, True), (X, 0, False), traces=3)


def test_what_follows_from_arguments():
    def f(x, k):
        return np.moveaxis(x, k - 1, 2 * k)

    agree(f, (X, 1), (X, 1), traces=1)


def test_items_and_attributes():
    def f(x, axes, options):
        return np.sum(x, axis=axes), np.max(x, axis=options["axis"])

    agree(f, (X, (0, 2), {"axis": 1}), (X, (0, 1), {"axis": 1}), traces=2)


def test_only_what_matters():
    def f(x, axis, scale):
        return np.sum(x, axis=axis) * scale

    agree(f, (X, 0, 2), (X, 0, 3), (X, 0, 4), traces=1)


def test_errors():
    agree(total, (X, 5, False), (X, 2, False))


def test_values_that_are_no_arguments():
    with pytest.raises(StagingError, match="Python int"):
        trace(lambda x, n: x + np.zeros((1,) * n[0]), (X, np.arange(2)), {})


def test_many_values_run_as_python():
    @hotloop.jit
    def part(x, k):
        return np.sum(np.zeros((1,) * 30) + x, axis=k)

    for k in range(20):
        assert part(1.5, k).shape == (1,) * 29
    assert part.cache_info().specializations <= 16
