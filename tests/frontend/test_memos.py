"""What functions keep: lru_cache, mutable defaults, dicts that are arguments."""

import functools
import types

import pytest
from compare import check

import hotloop


@functools.cache
def paths(i, j):
    return 1 if i == 0 or j == 0 else paths(i - 1, j) + paths(i, j - 1)


def of_two_arguments(n):
    return paths(n, n)


def made_inside(n):
    @functools.cache
    def fib(k):
        return k if k < 2 else fib(k - 1) + fib(k - 2)
    return fib(n)


class Stairs:
    def __init__(self, first):
        self.first = first

    @functools.lru_cache(None)  # noqa: B019
    def climb(self, n):
        if n <= 1:
            return self.first
        return self.climb(n - 1) + self.climb(n - 2)


def of_two_objects(n):
    a, b = Stairs(1), Stairs(2)
    return a.climb(n) + b.climb(n - 1)


@pytest.mark.parametrize("f, n", [(of_two_arguments, 14), (made_inside, 80), (of_two_objects, 70)],
                         ids=lambda x: getattr(x, "__name__", ""))
def test_what_lru_cache_remembers_is_not_computed_again(f, n):
    check(f, n)


def fresh(f):
    """The function with a default of its own."""
    made = types.FunctionType(f.__code__, globals(), f.__name__, f.__defaults__)
    made.__defaults__ = tuple(type(d)(d) for d in f.__defaults__)
    return made


def squares(n, memo={}):  # noqa: B006
    if n in memo:
        return memo[n] + 1000
    memo[n] = n * n
    return memo[n]


def gathered(x, seen=[]):  # noqa: B006
    seen.append(x)
    return seen


@pytest.mark.parametrize("f, given", [(squares, (3, 4, 3)), (gathered, (1, 2))],
                         ids=lambda x: getattr(x, "__name__", ""))
def test_defaults_keep_what_calls_put_into_them(f, given):
    mine, theirs = fresh(f), fresh(f)
    jitted = hotloop.jit(mine, cache=False)
    for x in given:
        assert jitted(x) == theirs(x)
        assert mine.__defaults__ == theirs.__defaults__
    assert jitted.cache_info().calls == {"compiled": len(given)}
    if f is gathered:
        assert jitted(5) is mine.__defaults__[0]


def line(x, weights=[1.0, 2.0]):  # noqa: B006
    return x * weights[0] + weights[1]


def both(x):
    return line(x) + line(x, [3.0, 4.0])


def test_a_default_of_a_function_that_is_called():
    jitted = check(both, 2.0)
    line.__defaults__[0][0] = 5.0
    try:
        assert jitted(2.0) == both(2.0) == 22.0
    finally:
        line.__defaults__[0][0] = 1.0


def counted(d, keys):
    for k in keys:
        d[k] = d.get(k, 0) + 1
        if k == 7 and 3 in d:
            del d[3]
    return d


def test_a_dict_that_is_an_argument_has_other_keys_afterwards():
    jitted = hotloop.jit(counted, cache=False)
    mine, theirs = {1: 2, 3: 4}, {1: 2, 3: 4}
    assert jitted(mine, [5, 1, 7]) is mine
    assert list(mine.items()) == list(counted(theirs, [5, 1, 7]).items())
