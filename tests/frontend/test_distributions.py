"""np.random's distributions and Python's random on hotloop's own stream: distributions, errors."""

import random

import numpy as np
import pytest

import hotloop
from hotloop import jit

DISTRIBUTIONS = {
    "beta": (1.5, 2.5), "binomial": (20, 0.3), "chisquare": (3.0,), "f": (5.0, 20.0),
    "gamma": (2.0, 3.0), "geometric": (0.3,), "hypergeometric": (10, 15, 8), "logseries": (0.4,),
    "negative_binomial": (5, 0.4), "noncentral_chisquare": (3.0, 2.0),
    "noncentral_f": (5.0, 20.0, 2.0), "pareto": (3.0,), "poisson": (12.0,), "power": (2.0,),
    "standard_gamma": (0.5,), "standard_t": (8.0,), "triangular": (0.0, 1.0, 3.0),
    "vonmises": (0.5, 2.0), "wald": (1.0, 2.0), "zipf": (3.0,)}
SIZE = 8000


def distance(x, y):
    """Kolmogorov and Smirnov's: the largest difference of the empirical distribution functions."""
    both = np.concatenate([x, y])
    ranks = [np.searchsorted(np.sort(s), both, side="right") / len(s) for s in (x, y)]
    return np.abs(ranks[0] - ranks[1]).max()


def close(x, y):
    """Not told apart at the level of 1e-4."""
    limit = np.sqrt(-np.log(1e-4 / 2) / 2 * (len(x) + len(y)) / (len(x) * len(y)))
    assert distance(np.asarray(x), np.asarray(y)) < limit


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions(name):
    args = DISTRIBUTIONS[name]
    draw = getattr(np.random, name)
    many = jit(lambda a, n: draw(*a, size=n))
    single = jit(lambda a: draw(*a))
    hotloop.seed(11)
    theirs = getattr(np.random.RandomState(3), name)(*args, size=SIZE)
    mine = many(args, SIZE)
    assert mine.dtype == theirs.dtype and type(single(args)) is type(
        getattr(np.random, name)(*args))
    close(mine, theirs)
    assert not np.array_equal(mine, many(args, SIZE))
    if name not in ("pareto", "zipf", "f", "noncentral_f"):
        assert abs(mine.mean() - theirs.mean()) < 6 * theirs.std() / np.sqrt(SIZE) * 2**0.5


def test_draws_in_loops_are_independent():
    @jit
    def draws(n):
        out = np.zeros((n, 2))
        for i in range(n):
            for j in range(2):
                out[i, j] = np.random.gamma(2.0, 1.0)
        return out

    hotloop.seed(5)
    found = draws(4000)
    close(found[:, 0], found[:, 1])
    close(found.ravel(), np.random.RandomState(1).gamma(2.0, 1.0, 8000))
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.08
    assert abs(np.corrcoef(found[1:, 0], found[:-1, 0])[0, 1]) < 0.08


def test_arrays_of_parameters():
    @jit
    def draws(rates, n):
        return np.random.poisson(rates), np.random.normal(rates), np.random.gamma(
            rates[:, None], size=(len(rates), n))

    hotloop.seed(2)
    rates = np.array([0.5, 20.0, 300.0])
    counts, _, gammas = draws(rates, 4000)
    assert counts.dtype == np.int64 and counts[2] > counts[1] > 3
    assert np.all(np.abs(gammas.mean(axis=1) - rates) < 6 * np.sqrt(rates / 4000))


ERRORS = {
    "beta": [(0.0, 1.0), (1.0, 0.0)], "binomial": [(-1, 0.5), (3, 1.5), (3, np.nan)],
    "chisquare": [(0.0,)], "gamma": [(-1.0, 1.0), (1.0, -1.0), (0.0, 1.0)],
    "geometric": [(0.0,), (1.5,), (np.nan,), (1.0,)],
    "hypergeometric": [(-1, 2, 1), (1, 2, 5)], "logseries": [(-0.1,), (1.0,)],
    "negative_binomial": [(0, 0.5), (1, 1.5)], "pareto": [(0.0,)],
    "poisson": [(-1.0,), (1e20,)], "standard_t": [(0.0,)],
    "triangular": [(1.0, 0.0, 2.0), (0.0, 3.0, 2.0), (1.0, 1.0, 1.0)], "vonmises": [(0.0, -1.0)],
    "wald": [(0.0, 1.0)], "zipf": [(1.0,), (np.nan,)]}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    draw = getattr(np.random, name)
    for args in ERRORS[name]:
        for given in (args, tuple(np.array([x, x]) for x in args)):
            errors = []
            for f in (draw, jit(lambda *a: draw(*a))):
                try:
                    f(*given)
                    errors.append("")
                except ValueError as error:
                    errors.append(str(error))
            assert errors[0] == errors[1], given


def test_vectors():
    @jit
    def draws(p, c, n):
        return (np.random.multinomial(20, p, size=n), np.random.dirichlet(p * 3, n),
                np.random.multivariate_normal(p, c, size=n), np.random.multinomial(7, p))

    hotloop.seed(7)
    p, c = np.array([0.2, 0.3, 0.5]), np.array([[2.0, 0.5, 0], [0.5, 1, 0], [0, 0, 3]])
    counts, parts, normals, one = draws(p, c, 5000)
    assert np.all(counts.sum(axis=1) == 20) and one.sum() == 7 and one.shape == (3,)
    assert np.allclose(counts.mean(axis=0), 20 * p, atol=0.2)
    assert np.allclose(parts.sum(axis=1), 1) and np.allclose(parts.mean(axis=0), p, atol=0.03)
    assert np.allclose(normals.mean(axis=0), p, atol=0.15)
    assert np.allclose(np.cov(normals.T), c, atol=0.3)
    with pytest.raises(ValueError, match="pvals"):
        draws(np.array([0.7, 0.6, 0.5]), c, 2)


# ---- seeds

def test_seeding_inside():
    @jit
    def twice(k):
        np.random.seed(k)
        a = np.random.random(3)
        np.random.seed(k)
        return a, np.random.random(3), random.random()

    first, again, other = twice(3)
    assert np.array_equal(first, again)
    assert np.array_equal(first, twice(3)[0]) and other == twice(3)[2]
    assert not np.array_equal(first, twice(4)[0])

    later = jit(lambda: np.random.random())
    twice(3)
    drawn = later()
    twice(3)
    assert later() == drawn != later()


def test_seeding_in_a_branch_is_refused():
    @jit
    def f(k):
        if k > 2:
            np.random.seed(1)
        return np.random.random()

    with pytest.raises(hotloop.errors.UnsupportedError, match="seed at the beginning"):
        f(3)


# ---- the module random

def numbers(f, *args):
    f = jit(f)
    return np.array([f(*args) for _ in range(2500)])


@pytest.mark.parametrize("name, args", [
    ("betavariate", (1.5, 2.0)), ("gammavariate", (2.0, 3.0)), ("triangular", (0.0, 2.0, 0.5)),
    ("triangular", ()), ("paretovariate", (3.0,)), ("weibullvariate", (2.0, 1.5)),
    ("vonmisesvariate", (0.5, 2.0)), ("lognormvariate", (0.0, 0.5)), ("expovariate", (2.0,)),
    ("gauss", (1.0, 2.0)), ("uniform", (2.0, 5.0)), ("randint", (3, 9)),
    ("randrange", (0, 100, 7)), ("getrandbits", (5,))])
def test_python_random(name, args):
    hotloop.seed(4)
    theirs = random.Random(8)
    draw = getattr(random, name)
    mine = numbers(lambda: draw(*args))
    close(mine, [getattr(theirs, name)(*args) for _ in range(2500)])
    assert type(jit(lambda: draw(*args))()) in (int, float)


def test_sequences():
    @jit
    def draws(x, n):
        y = x.copy()
        random.shuffle(y)
        return (random.choice([1, 2, 3]), random.choice(x), random.choice(range(n)),
                random.sample(range(10, 20), 4), y, random.sample([1.5, 2.5], 1))

    x = np.arange(5.0)
    for _ in range(20):
        item, element, k, some, y, floats = draws(x, 6)
        assert type(item) is int and item in (1, 2, 3)
        assert type(element) is np.float64 and element in x and 0 <= k < 6
        assert len(set(some)) == 4 and all(type(s) is int and 10 <= s < 20 for s in some)
        assert sorted(y) == list(x) and floats[0] in (1.5, 2.5)
    with pytest.raises((ValueError, IndexError)):
        jit(lambda: random.sample(range(3), 5))()
