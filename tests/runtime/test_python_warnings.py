"""The module warnings in compiled code: the same warnings, at the same places, as Python gives."""

import warnings

import numpy as np
import pytest
from test_warnings import heard

import hotloop
from hotloop import errors, jit

X = np.array([1.0, 2.0, 3.0])


class Odd(UserWarning):
    pass


def ignores_all(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nanmean(x * np.nan) + (x / 0)[0]


def ignores_inside(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        y = x / 0
    return y + np.sqrt(-x)


def ignores_others(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return x / 0


def ignores_by_text(x):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "divide", RuntimeWarning)
        return x / 0 + np.sqrt(-x)


def ignores_in_numpy(x):
    with warnings.catch_warnings(action="ignore"):
        p = np.polynomial.polynomial.polyfit(x * 0, x, 5)
    return p + (x[0] * 1j).astype(float)


def warns_in_a_loop(x):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 1.0:
            warnings.warn(f"large: {x[i]:.2f} at {i}", Odd, stacklevel=1)
        s += x[i]
    return s


def helper(v, level):
    if v > 1:
        warnings.warn(Odd("large"), stacklevel=level)
    return v + 1


def warns_of_the_caller(x, level):
    a = helper(x[0], level)
    if a > 1:
        return helper(x[2], level)
    return a


def warns_silently(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn("unheard", stacklevel=1)
        warnings.warn("unheard", Odd, stacklevel=1)
    warnings.warn("heard", DeprecationWarning, 2)
    return x + 1


CASES = [(ignores_all, X), (ignores_inside, X), (ignores_others, X), (ignores_by_text, X),
         (ignores_in_numpy, X), (warns_in_a_loop, X), (warns_of_the_caller, X, 1),
         (warns_of_the_caller, X, 2), (warns_of_the_caller, X, 3), (warns_of_the_caller, X, 4),
         (warns_of_the_caller, X, 400), (warns_silently, X)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_warnings(case):
    function, *args = case
    jitted = jit(function, cache=False)
    for action in ("always", "error"):
        got, expected = [heard(f, args, action, 1) for f in (jitted, function)]
        assert got == expected
    calls = jitted.cache_info().calls
    assert not any(k.startswith("python") for k in calls)


def test_what_the_program_ignores_is_not_looked_into():
    def ignores(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return x / 0

    f = jit(ignores, cache=False)
    assert heard(f, (X,), "always", 1) == [(None, [])]
    f._specializations.entries[0].seconds = None       # nobody asks whether Python is quick
    assert heard(f, (X,), "always", 1) == [(None, [])]
    with np.errstate(divide="raise"), pytest.raises(TypeError):
        f(X)


def test_refused():
    def records(x):
        with warnings.catch_warnings(record=True):
            return x + 1

    def raises(x):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return x / 0

    def changes(x):
        warnings.simplefilter("ignore")
        return x + 1

    for f in (records, raises, changes):
        with pytest.raises(errors.UnsupportedError):
            hotloop.jit(f, cache=False)(X)
