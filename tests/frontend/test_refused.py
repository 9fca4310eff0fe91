# ruff: noqa: B007
"""What tracing refuses, each with an error that names the construct and the user's line."""

import time

import numpy as np
import pytest

from hotloop.errors import StagingError, TypeInstabilityError, UnsupportedError
from hotloop.frontend.trace import trace


def f8(n):
    return np.arange(n) * 1.5 + 0.25


class Refused(dict):
    def __call__(self, error, words, *args):
        def add(f):
            self[f] = error, words, args
            return f
        return add


refused = Refused()


class Recorder:
    def __init__(self):
        self.items = []

    def record(self, v):
        self.items.append(v)


@refused(StagingError, "next()", 3)
def next_in_a_loop(n):
    it = iter([1.0, 2.0, 3.0])
    s = 0.0
    for i in range(n):
        s += next(it)
    return s


@refused(StagingError, "iterator", 3)
def iterator_from_outside(n):
    it = iter([1.0, 2.0, 3.0])
    s = 0.0
    for i in range(n):
        for v in it:
            s += v
    return s


@refused(UnsupportedError, "class set", {1, 2}, 3.0)
def set_as_argument(values, x):
    return x in values


@refused(TypeInstabilityError, "'y' changes its type", f8(4), 3)
def list_or_none(x, k):
    y = None
    if k > 0:
        y = [x[0]]
    return y[0]


@refused(UnsupportedError, "time", f8(3))
def clock(x):
    return x * time.time()


@refused(UnsupportedError, "a call of open", f8(3))
def opens_a_file(x):
    with open("/dev/null") as f:
        f.write("x")
    return x


@refused(UnsupportedError, "global variable", f8(3))
def assigns_a_global(x):
    global f8_count
    f8_count = 1
    return x


@refused(UnsupportedError, "as text", f8(4))
def formats_an_array(x):
    return {f"{x}": 1}


@refused(UnsupportedError, "dtype", np.array([None, 1]))
def object_array(x):
    return x


@refused(UnsupportedError, "class", np.ma.array([1.0, 2.0], mask=[0, 1]))
def masked_array(x):
    return x + 1


@pytest.mark.parametrize("f", refused, ids=lambda f: f.__name__)
def test_is_refused(f):
    error, words, args = refused[f]
    with pytest.raises(error) as caught:
        trace(f, args, {})
    assert words in str(caught.value)


@pytest.mark.parametrize("f", [f for f in refused if refused[f][2] and f.__name__ not in
                               ("object_array", "masked_array")], ids=lambda f: f.__name__)
def test_names_the_users_line(f):
    _, _, args = refused[f]
    with pytest.raises(UnsupportedError) as caught:
        trace(f, args, {})
    location = caught.value.location
    first = f.__code__.co_firstlineno
    assert location is not None and location.file == __file__
    assert first < location.line < first + 12
    assert location.function == f.__name__
    assert "^" in str(caught.value) or location.column < 0
