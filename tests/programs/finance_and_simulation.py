"""Simulations: particles, orbits, filters, option prices; callbacks and dataclasses."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

G = 6.674e-2
SQRT1_2 = 0.7071067811865476


def arc_distance(theta_1, phi_1, theta_2, phi_2):
    temp = (np.sin((theta_2 - theta_1) / 2)**2
            + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2)**2)
    return 2 * (np.arctan2(np.sqrt(temp), np.sqrt(1 - temp)))


def norm_cdf(x):
    k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    poly = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (
        -1.821255978 + k * 1.330274429))))
    tail = np.exp(-0.5 * x * x) * 0.3989422804014327 * poly
    return np.where(x > 0, 1.0 - tail, tail)


def black_scholes(S, X, T, R=0.02, V=0.30):
    sqrt_t = np.sqrt(T)
    d1 = (np.log(S / X) + (R + 0.5 * V * V) * T) / (V * sqrt_t)
    d2 = d1 - V * sqrt_t
    cdf1, cdf2 = norm_cdf(d1), norm_cdf(d2)
    discount = np.exp(-R * T)
    call = S * cdf1 - X * discount * cdf2
    put = X * discount * (1.0 - cdf2) - S * (1.0 - cdf1)
    return call, put


def black_scholes_loop(S, X, T):
    out = np.empty(len(S))
    for i in range(len(S)):
        d1 = (math.log(S[i] / X[i]) + 0.065 * T[i]) / (0.3 * math.sqrt(T[i]))
        d2 = d1 - 0.3 * math.sqrt(T[i])
        out[i] = (S[i] * 0.5 * (1 + math.erf(d1 * SQRT1_2))
                  - X[i] * math.exp(-0.02 * T[i]) * 0.5 * math.erfc(-d2 * SQRT1_2))
    return out


def binomial_option(S, K, T, r, sigma, steps):
    dt = T / steps
    u = np.exp(sigma * np.sqrt(dt))
    d = 1 / u
    p = (np.exp(r * dt) - d) / (u - d)
    prices = S * d ** np.arange(steps, -1, -1) * u ** np.arange(0, steps + 1)
    values = np.maximum(K - prices, 0)
    for i in range(steps - 1, -1, -1):
        values[:i + 1] = np.exp(-r * dt) * (p * values[1:i + 2] + (1 - p) * values[0:i + 1])
        prices[:i + 1] = prices[:i + 1] * u
        values[:i + 1] = np.maximum(values[:i + 1], K - prices[:i + 1])
    return values[0]


def get_acc(pos, mass, softening):
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx = x.T - x
    dy = y.T - y
    dz = z.T - z
    inv_r3 = (dx**2 + dy**2 + dz**2 + softening**2)
    inv_r3[inv_r3 > 0] = inv_r3[inv_r3 > 0]**(-1.5)
    ax = G * (dx * inv_r3) @ mass
    ay = G * (dy * inv_r3) @ mass
    az = G * (dz * inv_r3) @ mass
    return np.hstack((ax, ay, az))


def get_energy(pos, vel, mass):
    KE = 0.5 * np.sum(mass * vel**2)
    x = pos[:, 0:1]
    y = pos[:, 1:2]
    z = pos[:, 2:3]
    dx, dy, dz = x.T - x, y.T - y, z.T - z
    inv_r = np.sqrt(dx**2 + dy**2 + dz**2)
    inv_r[inv_r > 0] = 1.0 / inv_r[inv_r > 0]
    PE = G * np.sum(np.triu(-(mass * mass.T) * inv_r, 1))
    return KE, PE


def nbody(mass, pos, vel, Nt, dt, softening):
    vel -= np.mean(mass * vel, axis=0) / np.mean(mass)
    acc = get_acc(pos, mass, softening)
    KE = np.ndarray(Nt + 1, dtype=np.float64)
    PE = np.ndarray(Nt + 1, dtype=np.float64)
    KE[0], PE[0] = get_energy(pos, vel, mass)
    t = 0.0
    for i in range(Nt):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = get_acc(pos, mass, softening)
        vel += acc * dt / 2.0
        t += dt
        KE[i + 1], PE[i + 1] = get_energy(pos, vel, mass)
    return KE, PE


def nbody_loops(positions, velocities, masses, dt, steps):
    n = len(masses)
    for _ in range(steps):
        for i in range(n):
            for j in range(i + 1, n):
                d = positions[i] - positions[j]
                dist2 = (d * d).sum() + 0.01
                mag = dt / (dist2 * math.sqrt(dist2))
                velocities[i] -= d * masses[j] * mag
                velocities[j] += d * masses[i] * mag
        positions += dt * velocities
    energy = 0.0
    for i in range(n):
        energy += 0.5 * masses[i] * np.dot(velocities[i], velocities[i])
        for j in range(i + 1, n):
            energy -= masses[i] * masses[j] / np.linalg.norm(positions[i] - positions[j])
    return energy


@dataclass
class Particle:
    x: float
    y: float
    vx: float = 0.0
    vy: float = 1.0

    def step(self, dt):
        r3 = (self.x ** 2 + self.y ** 2) ** 1.5
        self.vx -= self.x / r3 * dt
        self.vy -= self.y / r3 * dt
        self.x += self.vx * dt
        self.y += self.vy * dt

    @property
    def energy(self):
        return 0.5 * (self.vx * self.vx + self.vy * self.vy) - 1 / math.hypot(self.x, self.y)


def orbit(particle, steps, dt):
    drift = 0.0
    start = particle.energy
    for _ in range(steps):
        particle.step(dt)
        drift = max(drift, abs(particle.energy - start))
    return drift


class Vec(NamedTuple):
    x: float
    y: float

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


def bounce(height, steps):
    pos, vel = Vec(0.0, height), Vec(1.0, 0.0)
    bounces = 0
    for _ in range(steps):
        vel = vel + Vec(0.0, -9.81) * 0.01
        pos = pos + vel * 0.01
        if pos.y < 0:
            pos = Vec(pos.x, -pos.y)
            vel = Vec(vel.x, -vel.y * 0.9)
            bounces += 1
    return pos, vel.dot(vel), bounces


@dataclass
class Tank:
    level: float
    capacity: float = 10.0
    history: np.ndarray = field(default_factory=lambda: np.zeros(64))

    def fill(self, amount):
        self.level += amount
        if self.level > self.capacity:
            spilled = self.level - self.capacity
            self.level = self.capacity
            return spilled
        return 0.0


def reservoir(tank, inflow):
    spilled = 0.0
    for t, amount in enumerate(inflow):
        spilled += tank.fill(amount)
        tank.level *= 0.9
        tank.history[t % 64] = tank.level
    return spilled


class Pendulum:
    g = 9.81

    def __init__(self, length):
        self.length = length
        self.calls = 0

    def __call__(self, t, y):
        self.calls += 1
        return np.array([y[1], -self.g / self.length * np.sin(y[0])])


def rk4(f, y0, t0, t1, n):
    h = (t1 - t0) / n
    y = y0.copy()
    t = t0
    for _ in range(n):
        k1 = f(t, y)
        k2 = f(t + h / 2, y + h / 2 * k1)
        k3 = f(t + h / 2, y + h / 2 * k2)
        k4 = f(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
    return y


def lorenz(t, y):
    s, r, b = 10.0, 28.0, 8 / 3
    return np.array([s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]])


def integrate_lorenz(y0, n):
    return rk4(lorenz, y0, 0.0, 0.5, n)


def integrate_pendulum(length, n):
    model = Pendulum(length)
    y = rk4(model, np.array([0.3, 0.0]), 0.0, 1.0, n)
    return y, model.calls


def simpson(f, a, b, n):
    h = (b - a) / n
    total = f(a) + f(b)
    for i in range(1, n):
        total += (4 if i % 2 else 2) * f(a + i * h)
    return total * h / 3


def integrals(n):
    return (simpson(math.sin, 0.0, 1.0, n), simpson(lambda x: x * math.exp(-x), 0.0, 2.0, n),
            simpson(np.cos, 0.0, 1.0, n))


def adaptive_euler(y, tol):
    t, h, steps = 0.0, 0.1, 0
    while t < 1.0:
        h = min(h, 1.0 - t)
        full = y + h * (-2 * y + t)
        half = y + h / 2 * (-2 * y + t)
        half = half + h / 2 * (-2 * half + t + h / 2)
        error = abs(full - half)
        if error < tol:
            t += h
            y = half
        h *= 0.9 * min(2.0, max(0.3, (tol / (error + 1e-300)) ** 0.5))
        steps += 1
    return y, steps


def kalman(z, q=1e-5, r=0.01):
    n = len(z)
    xhat, P = np.zeros(n), np.zeros(n)
    xhat[0], P[0] = z[0], 1.0
    for k in range(1, n):
        xminus, Pminus = xhat[k - 1], P[k - 1] + q
        K = Pminus / (Pminus + r)
        xhat[k] = xminus + K * (z[k] - xminus)
        P[k] = (1 - K) * Pminus
    return xhat


def kalman_matrix(zs, F, H, Q, R):
    n = F.shape[0]
    x = np.zeros(n)
    P = np.eye(n)
    out = []
    estimates = np.empty((len(zs), n))
    for t, z in enumerate(zs):
        x = F @ x
        P = F @ P @ F.T + Q
        S = H @ P @ H.T + R
        K = P @ H.T @ np.linalg.inv(S)
        x = x + K @ (z - H @ x)
        P = (np.eye(n) - K @ H) @ P
        estimates[t] = x
    out.append(P)
    return estimates, out


def predator_prey(days, a=1.1, b=0.4, c=0.1, d=0.4):
    trace = np.zeros((days, 2))
    hares, foxes = 10.0, 5.0
    for day in range(days):
        hares, foxes = (hares + 0.01 * (a * hares - b * hares * foxes),
                        foxes + 0.01 * (c * hares * foxes - d * foxes))
        trace[day] = hares, foxes
    return trace


def moving_average(prices, w):
    c = np.cumsum(np.insert(prices, 0, 0.0))
    return (c[w:] - c[:-w]) / w


def backtest(prices, fast, slow):
    cash, shares, trades = 1000.0, 0, 0
    for t in range(slow, len(prices)):
        quick = prices[t - fast:t].mean()
        long = prices[t - slow:t].mean()
        if quick > long and shares == 0:
            shares = int(cash // prices[t])
            cash -= shares * prices[t]
            trades += 1
        elif quick < long and shares > 0:
            cash += shares * prices[t]
            shares = 0
            trades += 1
    return cash + shares * prices[-1], trades


def drawdown(prices):
    peak = np.maximum.accumulate(prices)
    return ((peak - prices) / peak).max()


PROGRAMS = [
    (arc_distance, lambda r, n: tuple(r.random(n) for _ in range(4)), (5, 9), 100000),
    (black_scholes, lambda r, n: (r.random(n) * 25 + 5, r.random(n) * 90 + 10,
                                  r.random(n) * 9 + 1), (5, 9), 100000),
    (black_scholes_loop, lambda r, n: (r.random(n) * 25 + 5, r.random(n) * 90 + 10,
                                       r.random(n) * 9 + 1), (5, 9), 10000),
    (binomial_option, lambda r, n: (100.0, 105.0, 1.0, 0.05, 0.2, n), (5, 9), 500),
    (nbody, lambda r, n: (np.full((n, 1), 20 / n), r.random((n, 3)), r.random((n, 3)), 4, 0.01,
                          0.1), (4, 7), 60),
    (nbody_loops, lambda r, n: (r.random((n, 3)), r.random((n, 3)), r.random(n), 0.01, 4),
     (4, 7), 20),
    (orbit, lambda r, n: (Particle(1.0, 0.1 * n), 20, 0.01), (1, 3), 1000),
    (bounce, lambda r, n: (1.0 * n, 300), (1, 3), 5),
    (reservoir, lambda r, n: (Tank(3.0), r.random(n) * 3), (9, 20), 10000),
    (integrate_lorenz, lambda r, n: (np.array([1.0, 1.0, 1.0]), n), (5, 20), 1000),
    (integrate_pendulum, lambda r, n: (1.5, n), (5, 20), 1000),
    (integrals, lambda r, n: (n,), (4, 10), 10000),
    (adaptive_euler, lambda r, n: (1.0, 10.0 ** -n), (2, 4), 8),
    (kalman, lambda r, n: (r.random(n),), (6, 13), 10000),
    (kalman_matrix, lambda r, n: (r.random((n, 1)), np.array([[1.0, 0.1], [0.0, 1.0]]),
                                  np.array([[1.0, 0.0]]), 0.01 * np.eye(2), np.eye(1)),
     (6, 13), 1000),
    (predator_prey, lambda r, n: (n,), (6, 13), 10000),
    (moving_average, lambda r, n: (r.random(n), 4), (6, 13), 100000),
    (backtest, lambda r, n: (r.random(n) + 5, 3, 7), (12, 30), 3000),
    (drawdown, lambda r, n: (r.random(n) + 5,), (6, 13), 100000),
]
