"""Generator functions that are refused, with the reason; those that work are in tests/programs."""

import numpy as np
import pytest

import hotloop
from hotloop.errors import HotloopError


def in_try(x):
    try:
        yield x[0]
    finally:
        pass


def receiving(x):
    total = 0.0
    while True:
        got = yield total
        total += got


def counting():
    i = 0
    while True:
        yield i
        i += 1


def preorder(x, k):
    if k < len(x):
        yield x[k]
        yield from preorder(x, 2 * k + 1)


def advanced(x):
    numbers = counting()
    total = 0
    for _ in x:
        total += next(numbers)
    return total


def twice(x):
    numbers = preorder(x, len(x))
    return sum(numbers) + sum(numbers)


@pytest.mark.parametrize("f, text", [
    (lambda x: sum(in_try(x)), "a yield inside of a try"),
    (lambda x: sum(receiving(x)), "the value of a yield"),
    (lambda x: list(counting()), "a generator that does not end"),
    (lambda x: list(zip(x, x, counting(), strict=False)), "a generator that does not end"),
    (lambda x: sum(preorder(x, 0)), "the recursive generator function preorder"),
    (advanced, "next"),
    (twice, "used twice"),
    (lambda x: preorder(x, 0), "an iterator over run-time values is a result"),
])
def test_is_refused(f, text):
    with pytest.raises(HotloopError, match=text):
        hotloop.jit(f, cache=False)(np.arange(50.0))


def test_wrong_arguments_raise_where_python_raises():
    def f(x):
        counting(x)
        return x
    with pytest.raises(TypeError):
        f(1)
    with pytest.raises(TypeError):
        hotloop.jit(f)(1)
