"""Draws: kinds and shapes as NumPy's, the right distributions, nothing shared between draws."""

import math
import random

import numpy as np
import pytest
from agreement import bind, run

from hotloop.frontend.trace import trace


def drawn(function, *args):
    return run(trace(function, args, {}), bind(function, args))


N = 4000
DISTRIBUTIONS = [
    # (draw of n numbers, mean, standard deviation)
    (lambda n: np.random.random(n), 0.5, math.sqrt(1 / 12)),
    (lambda n: np.random.rand(n), 0.5, math.sqrt(1 / 12)),
    (lambda n: np.random.uniform(-1, 3, n), 1.0, 4 / math.sqrt(12)),
    (lambda n: np.random.randn(n), 0.0, 1.0),
    (lambda n: np.random.normal(2.0, 3.0, size=n), 2.0, 3.0),
    (lambda n: np.random.standard_normal(n), 0.0, 1.0),
    (lambda n: np.random.exponential(2.0, n), 2.0, 2.0),
    (lambda n: np.random.laplace(1.0, 2.0, n), 1.0, 2.0 * math.sqrt(2)),
    (lambda n: np.random.logistic(0.0, 1.0, n), 0.0, math.pi / math.sqrt(3)),
    (lambda n: np.random.gumbel(0.0, 1.0, n), 0.5772156649, math.pi / math.sqrt(6)),
    (lambda n: np.random.rayleigh(1.0, n), math.sqrt(math.pi / 2), math.sqrt(2 - math.pi / 2)),
    (lambda n: np.random.weibull(1.0, n), 1.0, 1.0),
    (lambda n: np.random.lognormal(0.0, 0.5, n), math.exp(0.125),
     math.sqrt((math.exp(0.25) - 1) * math.exp(0.25))),
    (lambda n: np.random.randint(0, 10, n), 4.5, math.sqrt(99 / 12)),
    (lambda n: np.random.randint(7, size=n), 3.0, 2.0),
    (lambda n: np.random.choice(np.array([1.0, 3.0]), n), 2.0, 1.0),
    (lambda n: np.random.choice(2, n, p=np.array([0.25, 0.75])), 0.75, math.sqrt(3) / 4),
]


@pytest.mark.parametrize(("draw", "mean", "deviation"), DISTRIBUTIONS)
def test_distribution(draw, mean, deviation):
    x = drawn(draw, N)
    real = draw(N)
    assert x.dtype == real.dtype and x.shape == real.shape
    assert abs(x.mean() - mean) < 5 * deviation / math.sqrt(N)
    assert abs(x.std() - deviation) < 0.1 * deviation


def scalars():
    return (np.random.random(), np.random.rand(), np.random.randn(), np.random.normal(),
            np.random.uniform(1, 2), np.random.randint(5), random.random(), random.uniform(1, 2),
            random.gauss(0, 1), random.randint(1, 6), random.randrange(10), random.expovariate(2))


def test_kinds_of_single_draws():
    got, real = drawn(scalars), scalars()
    assert list(map(type, got)) == list(map(type, real))
    assert 1 <= got[4] < 2 and 0 <= got[5] < 5 and 1 <= got[9] <= 6 and 0 <= got[10] < 10


def nested(n, m):
    r = np.empty((n, m, 2))
    for i in range(n):
        for j in range(m):
            r[i, j, 0] = np.random.random()
            k = 0
            while k < 1:
                r[i, j, 1] = random.random()
                k += 1
    return r


def arrays_in_a_loop(n):
    r = np.empty((n, 5))
    for i in range(n):
        r[i] = np.random.random(5)
    return r


def test_draws_differ():
    """Between trips of all loops around, between call sites, between elements."""
    for x in (drawn(nested, 40, 7), drawn(arrays_in_a_loop, 40)):
        assert len(np.unique(x)) == x.size


def helper():
    return np.random.random()


def calls(n):
    return np.array([helper(), helper()]), np.random.random(n)


def test_calls_have_their_own_stream():
    pair, rest = drawn(calls, 3)
    assert len({*pair, *rest}) == 5


def test_dimensions():
    assert drawn(lambda n: np.random.random((n, 2)), 3).shape == (3, 2)
    assert drawn(lambda n: np.random.randn(n, 4), 3).shape == (3, 4)
    assert drawn(lambda x: np.random.normal(x, 0.0), np.arange(3.0)).tolist() == [0.0, 1.0, 2.0]
    assert drawn(lambda n: np.random.random(n), 0).shape == (0,)


def shuffled(x):
    np.random.shuffle(x)
    return np.random.permutation(x), np.random.permutation(5)


def test_orders():
    x = np.arange(50.0)
    again, five = drawn(shuffled, x)
    assert sorted(x) == sorted(again) == list(range(50)) and sorted(five) == list(range(5))
    assert list(x) != list(range(50)) and list(again) != list(x)
    some = drawn(lambda x: np.random.choice(x, 10, replace=False), x)
    assert len(set(some)) == 10


def test_errors():
    with pytest.raises(ValueError, match="low >= high"):
        drawn(lambda a, b: np.random.randint(a, b), 5, 5)
    with pytest.raises(ValueError, match="scale < 0"):
        drawn(lambda s: np.random.normal(0.0, s), -1.0)
