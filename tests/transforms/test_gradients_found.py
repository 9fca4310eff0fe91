"""Gradients that were wrong, or did not compile, and why."""

import numpy as np
import pytest

import hotloop
from hotloop.testing import check_grads


def products_under_a_condition(g, d, s):
    """The tape of the inner loop is stored by an arm of a branch into that of the outer loop."""
    for k in range(g.shape[0]):
        for w in range(d.shape[0]):
            if k - w >= 0:
                a = g[k - w] @ g[k]
                s[k] += a @ (g[w] * d[w])
    return np.sum(s ** 2)


def rotations_of_some(a):
    n = len(a)
    for p in range(n - 1):
        for q in range(p + 1, n):
            if abs(a[p, q]) < 0.05:
                continue
            t = (a[q, q] - a[p, p]) / a[p, q]
            c = 1 / np.sqrt(t * t + 1)
            for k in range(n):
                x, y = a[k, p], a[k, q]
                a[k, p], a[k, q] = c * x - t * y, t * x + c * y
    return np.sum(a)


def largest_of_segments(x, y):
    """`ufunc.at` is a loop."""
    segments = np.array([0, 1, 0, 2, 1, 2])
    largest, product = np.full(3, -np.inf), np.ones((3, 2))
    np.maximum.at(largest, segments, x)
    np.multiply.at(product, segments, y)
    return np.sum(largest[:, None] * product ** 2)


def trained(params, x):
    """A dict of parameters, made again by each step."""
    def loss(p):
        return np.mean(np.tanh(x @ p["w"] + p["b"]) ** 2)
    for _ in range(3):
        slopes = hotloop.grad(loss)(params)
        params = {name: value - 0.5 * slopes[name] for name, value in params.items()}
    return loss(params)


def values(*shape):
    return np.random.default_rng(len(shape)).uniform(0.1, 1, shape)


@pytest.mark.parametrize("f, args", [
    (products_under_a_condition, (values(3, 2, 2), values(2), values(3, 2, 2))),
    (rotations_of_some, (np.where(np.arange(16).reshape(4, 4) == 2, 0.01, values(4, 4)),)),
    (largest_of_segments, (np.random.default_rng(0).permutation(6) * 0.1, values(6, 2))),
    (trained, ({"w": values(3, 2), "b": 0.25}, values(4, 3))),
])
def test_gradient(f, args):
    check_grads(f, args)


def test_second_derivatives_of_arrays_whose_sizes_a_branch_computes():
    """The size that is saved with such an array is not computed again beside it."""
    def f(a):
        if a[0] > 0.1:
            v = np.concatenate((a, a))
            return np.sum(v * v * v)
        return 0.0
    a = np.array([0.5, 0.25])
    direction = np.array([1.0, 2.0])
    assert np.allclose(hotloop.hvp(f, (a,), (direction,))[0], 12 * a * direction)


def with_jitter(a):
    """As Gaussian processes are written."""
    for jitter in (0.0, 0.5, 3.0):
        try:
            lower = np.linalg.cholesky(a @ a.T - jitter * a[0, 0] ** 2 * np.eye(len(a)))
        except np.linalg.LinAlgError:
            break
    else:
        return 0.0
    return np.sum(np.log(np.diag(lower))) + np.sum(lower * lower)


def solved_or_not(a):
    total = 0.0
    for k in range(2):
        try:
            total += np.sum(np.linalg.solve(a * (1 - k), a[0] * a[1]))
        except np.linalg.LinAlgError:
            total += np.sum(a ** 3)
    return total


@pytest.mark.parametrize("f, order", [(with_jitter, 1), (solved_or_not, 2)])
def test_library_calls_in_a_try(f, order):
    """What they give has the derivative it always has; where they fail there is none, and no NaN
    of the rule gets out."""
    check_grads(f, (values(3, 3) + np.eye(3),), order=order)
