"""Random numbers: other draws than NumPy's, so only shapes and statistics agree."""

import numpy as np


def option_price(S, K, r, sigma, T, paths):
    Z = np.random.standard_normal(paths)
    ST = S * np.exp((r - 0.5 * sigma ** 2) * T + sigma * np.sqrt(T) * Z)
    payoff = np.maximum(ST - K, 0.0)
    return np.exp(-r * T) * payoff.mean()


def asian_option(S0, K, r, sigma, T, steps, paths):
    dt = T / steps
    total = 0.0
    for _ in range(paths):
        S, acc = S0, 0.0
        for _ in range(steps):
            S *= np.exp((r - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * np.random.normal())
            acc += S
        total += max(acc / steps - K, 0.0)
    return np.exp(-r * T) * total / paths


def estimate_pi(n):
    x = np.random.rand(n)
    y = np.random.rand(n)
    return 4 * np.mean(x * x + y * y <= 1)


def random_walk(steps, walkers):
    moves = np.random.choice(np.array([-1, 1]), size=(steps, walkers))
    return np.sqrt((moves.sum(axis=0) ** 2.0).mean() / steps)


def metropolis(n):
    x, accepted, total = 0.0, 0, 0.0
    for _ in range(n):
        proposal = x + np.random.uniform(-2.0, 2.0)
        if np.random.rand() < np.exp(-(proposal**2 - x**2) / 2):
            x = proposal
            accepted += 1
        total += x * x
    return total / n


def ising(size, beta, sweeps):
    spins = np.where(np.random.rand(size, size) < 0.9, 1, -1)
    for _ in range(sweeps * size * size):
        i = np.random.randint(size)
        j = np.random.randint(size)
        around = (spins[(i + 1) % size, j] + spins[i - 1, j] + spins[i, (j + 1) % size]
                  + spins[i, j - 1])
        dE = 2 * spins[i, j] * around
        if dE <= 0 or np.random.rand() < np.exp(-dE * beta):
            spins[i, j] = -spins[i, j]
    return abs(spins.mean())


def dice(n):
    return np.random.randint(1, 7, size=n).mean()


def bootstrap(data, rounds):
    means = np.empty(rounds)
    for k in range(rounds):
        sample = data[np.random.randint(0, len(data), len(data))]
        means[k] = sample.mean()
    return means.mean()


STATISTICS = [
    (option_price, (100.0, 100.0, 0.05, 0.2, 1.0, 200_000), 10.45, 0.2),
    (asian_option, (100.0, 100.0, 0.05, 0.2, 1.0, 12, 20_000), 6.1, 0.4),
    (estimate_pi, (200_000,), 3.1416, 0.02),
    (random_walk, (100, 5000), 1.0, 0.05),
    (metropolis, (200_000,), 1.0, 0.05),
    (ising, (8, 1.0, 20), 1.0, 0.1),
    (dice, (100_000,), 3.5, 0.03),
    (bootstrap, (np.arange(100.0), 500), 49.5, 1.0),
]
PROGRAMS = []
