"""Random numbers in functions that are differentiated: parameters move them, bits are constants."""

import numpy as np
import pytest

import hotloop
from hotloop.errors import UnsupportedError

DRAWS = [
    lambda rng, a, b: rng.normal(a, b),
    lambda rng, a, b: rng.normal(a, b, size=3),
    lambda rng, a, b: rng.normal(loc=a, size=(2, 2)) * b,
    lambda rng, a, b: rng.normal(a * np.ones(3), b),
    lambda rng, a, b: rng.standard_normal(3) * a + rng.random() * b,
    lambda rng, a, b: rng.uniform(a, b, 3),
    lambda rng, a, b: rng.uniform(high=b) * a,
    lambda rng, a, b: rng.exponential(b) + rng.exponential(a, 3),
    lambda rng, a, b: rng.laplace(a, b) * rng.gumbel(a, b) + rng.logistic(a, b, 2),
    lambda rng, a, b: rng.lognormal(a, b),
    lambda rng, a, b: rng.rayleigh(b) + rng.weibull(a) + rng.pareto(b) * rng.power(a),
    lambda rng, a, b: rng.gamma(2.0, b, 2) * a,
    lambda rng, a, b: rng.multivariate_normal(np.array([a, b]), np.eye(2)),
    lambda rng, a, b: rng.poisson(2.0) * b + rng.integers(3, 6) * a,
]


@pytest.mark.parametrize("draw", DRAWS)
def test_draws(draw):
    def f(a, b):
        return np.sum(draw(np.random.default_rng(3), a, b) ** 2)

    a, b, h = 0.7, 1.3, 1e-6
    want = (f(a + h, b) - f(a - h, b)) / (2 * h), (f(a, b + h) - f(a, b - h)) / (2 * h)
    np.testing.assert_allclose(hotloop.grad(f, (0, 1))(a, b), want, rtol=1e-6, atol=1e-8)


def test_draws_of_the_global_generator():
    x, gradient = hotloop.value_and_grad(lambda a, b: np.random.normal(a, b), (0, 1))(0.7, 1.3)
    np.testing.assert_allclose(gradient, (1.0, (x - 0.7) / 1.3))


def test_a_walk_of_a_generator_that_goes_on():
    def walk(rng, scale):
        x = 0.0
        for _ in range(20):
            x = 0.9 * x + rng.normal(0.0, scale)
        return x * x

    def at(scale):
        return walk(np.random.default_rng(1), scale)

    rng, plain = np.random.default_rng(1), np.random.default_rng(1)
    gradient = hotloop.grad(walk, 1)(rng, 0.5)
    np.testing.assert_allclose(gradient, (at(0.5 + 1e-6) - at(0.5 - 1e-6)) / 2e-6, rtol=1e-7)
    walk(plain, 0.5)
    assert rng.random() == plain.random()           # the function ran once


@pytest.mark.parametrize("draw, name", [
    (lambda rng, a: rng.gamma(a, 2.0), "gamma with respect to shape"),
    (lambda rng, a: rng.beta(a, 2.0), "beta"),
    (lambda rng, a: rng.choice(np.array([a, 1.0]), p=[0.5, 0.5]), "choice"),
])
def test_what_has_no_formula_says_so(draw, name):
    with pytest.raises(UnsupportedError, match=f"the derivative of {name}"):
        hotloop.grad(lambda a: draw(np.random.default_rng(3), a))(0.7)


def test_choices_and_orders_of_what_is_differentiated():
    """What is drawn are places: the derivatives are those of the elements there."""
    def weighed(x):
        rng = np.random.default_rng(3)
        y = rng.permutation(x) * np.arange(5.0)
        return y.sum() + rng.choice(x, 3, replace=False).sum() + rng.choice(x) ** 2

    x = np.arange(1.0, 6.0)
    step = np.eye(5) * 1e-6
    wanted = [(weighed(x + d) - weighed(x - d)) / 2e-6 for d in step]
    np.testing.assert_allclose(hotloop.grad(weighed)(x), wanted, rtol=1e-7)
