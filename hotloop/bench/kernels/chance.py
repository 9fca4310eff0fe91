"""Random draws: Monte Carlo in loops and whole arrays. Results are checked by what is known."""

import random

import numpy as np

from .spec import Kernel


def pi_loop(n):
    """Points in the quarter circle, one after the other."""
    inside = 0
    for _ in range(n):
        x = random.random()
        y = random.random()
        if x * x + y * y < 1.0:
            inside += 1
    return 4.0 * inside / n


def pi_arrays(n):
    """Points in the quarter circle, by arrays of draws."""
    x = np.random.random(n)
    y = np.random.random(n)
    return 4.0 * np.sum(x * x + y * y < 1.0) / n


def pi_numpy():
    return pi_arrays


def pi_parallel():
    from numba import prange

    def pi_loop(n):
        inside = 0
        for _ in prange(n):
            x = random.random()
            y = random.random()
            if x * x + y * y < 1.0:
                inside += 1
        return 4.0 * inside / n
    return pi_loop


def pi_jax():
    import functools

    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, static_argnums=0)
    def draw(n, key):
        x, y = jax.random.uniform(key, (2, n), dtype=jnp.float64)
        return 4.0 * jnp.sum(x * x + y * y < 1.0) / n
    keys = iter(jax.random.split(jax.random.key(0), 100_000))
    return lambda n: draw(n, next(keys))


def asian_option(paths, steps, spot, rate, volatility):
    """The price of an Asian option: random walks, one normal draw a step."""
    drift = (rate - 0.5 * volatility * volatility) / steps
    spread = volatility / np.sqrt(steps)
    total = 0.0
    for _ in range(paths):
        price = spot
        mean = 0.0
        for _ in range(steps):
            price *= np.exp(drift + spread * np.random.standard_normal())
            mean += price
        total += max(mean / steps - spot, 0.0)
    return np.exp(-rate) * total / paths


def asian_option_numpy():
    def asian_option(paths, steps, spot, rate, volatility):
        drift = (rate - 0.5 * volatility * volatility) / steps
        moves = drift + volatility / np.sqrt(steps) * np.random.standard_normal((paths, steps))
        means = np.exp(np.cumsum(moves, axis=1)).mean(axis=1) * spot
        return np.exp(-rate) * np.mean(np.maximum(means - spot, 0.0))
    return asian_option


def asian_option_jax():
    import functools

    import jax
    import jax.numpy as jnp

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def price(paths, steps, spot, rate, volatility, key):
        drift = (rate - 0.5 * volatility * volatility) / steps
        draws = jax.random.normal(key, (paths, steps), dtype=jnp.float64)
        moves = drift + volatility / jnp.sqrt(steps) * draws
        means = jnp.exp(jnp.cumsum(moves, axis=1)).mean(axis=1) * spot
        return jnp.exp(-rate) * jnp.mean(jnp.maximum(means - spot, 0.0))
    keys = iter(jax.random.split(jax.random.key(0), 100_000))
    return lambda *args: price(*args, next(keys))


def asian_option_parallel():
    from numba import prange

    def asian_option(paths, steps, spot, rate, volatility):
        drift = (rate - 0.5 * volatility * volatility) / steps
        spread = volatility / np.sqrt(steps)
        total = 0.0
        for _ in prange(paths):
            price = spot
            mean = 0.0
            for _ in range(steps):
                price *= np.exp(drift + spread * np.random.standard_normal())
                mean += price
            total += max(mean / steps - spot, 0.0)
        return np.exp(-rate) * total / paths
    return asian_option


def near(value, tolerance):
    """agree: the only result is close to a number."""
    return lambda results: len(results) == 1 and abs(float(results[0]) - value) < tolerance


KERNELS = [
    Kernel(pi_loop, make=lambda n, rng: (n,), sizes=(20_000, 1_000_000), style="loops",
           work=lambda n: (8, 25 * n), agree=near(np.pi, 0.15), numpy=pi_numpy,
           numba_parallel=pi_parallel, jax=pi_jax, pythran=None),
    Kernel(pi_arrays, make=lambda n, rng: (n,), sizes=(20_000, 1_000_000),
           work=lambda n: (8, 25 * n), agree=near(np.pi, 0.15), jax=pi_jax, pythran=None),
    Kernel(asian_option, make=lambda n, rng: (n, 50, 100.0, 0.03, 0.2), sizes=(200, 10_000),
           style="loops", work=lambda n: (8, 50 * 60 * n), agree=near(5.3, 3.0),
           numpy=asian_option_numpy, numba_parallel=asian_option_parallel,
           jax=asian_option_jax, pythran=None),
]
