"""Functions as people write them, with control flow and mutation, and a point to differentiate at.

    for f, args in FUNCTIONS: ...          # the float arguments are differentiated

All are smooth near their point.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

FUNCTIONS = []
rng = np.random.default_rng(7)


def at(*args):
    def keep(f):
        FUNCTIONS.append((f, args))
        return f
    return keep


X = rng.uniform(0.2, 1.5, 6)
Y = rng.uniform(-1.0, 1.0, 6)
M = rng.normal(size=(4, 4))
SPD = M @ M.T + 4 * np.eye(4)
V = rng.normal(size=4)


# ---- loops over numbers

@at(X)
def sum_of_squares(x):
    total = 0
    for v in x:
        total += v * v
    return total


@at(X, 0.3)
def horner(c, x):
    y = 0.0
    for k in range(len(c) - 1, -1, -1):
        y = y * x + c[k]
    return y


@at(1.7)
def python_number(x):
    y = x
    for k in range(5):
        y = math.sin(y) * x + k / (1 + y * y)
    return y


@at(0.4, 7)
def trip_count_from_argument(x, n):
    y = 1.0
    for _ in range(n):
        y = y * x + math.exp(-y)
    return y


@at(X)
def enumerate_and_zip(x):
    s = 0.0
    for k, (a, b) in enumerate(zip(x, x[::-1], strict=True)):
        s += (k + 1) * a * b
    return s


@at(X)
def continues(x):
    s = 0.0
    for k, v in enumerate(x):
        if k % 2:
            continue
        s += v ** 3
    return s


@at(X)
def breaks(x):
    s = 0.0
    for v in x:
        s += math.sqrt(v)
        if s > 2.5:
            break
    return s * s


@at(X)
def returns_early(x):
    p = 1.0
    for v in x:
        p *= v + 0.5
        if p > 3.0:
            return p * v
    return p


@at(2.0)
def newton_root(a):
    x = a
    while abs(x * x - a) > 1e-13:
        x = 0.5 * (x + a / x)
    return x


@at(0.2, 1.3)
def while_two_conditions(x, y):
    k = 0
    while x < 10.0 and k < 50:
        x = x * 1.5 + y
        k += 1
    return x * y


@at(X, Y)
def nested_loops(x, y):
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s += math.tanh(x[i] * y[j])
    return s


@at(X)
def while_in_for(x):
    s = 0.0
    for v in x:
        w = v
        while w < 3.0:
            w = w * 1.7
        s += w * v
    return s


# ---- branches

@at(Y)
def branches_in_loop(x):
    s = 1.0
    for v in x:
        if v > 0:
            s = s * (1 + v)
        elif v > -0.5:
            s = s - v * v
        else:
            s = s + math.sin(v)
    return s


@at(0.7, -0.3)
def conditional_expression(x, y):
    return (x * y if x > y else x + y) * max(x, y) - min(x, y) ** 2


@at(Y)
def relu_network(x):
    h = np.where(x > 0, x, 0.01 * x)
    return np.sum(np.maximum(h[:-1] * h[1:], -0.1)) + np.abs(h).sum()


@at(X)
def branch_stores(x):
    y = np.zeros(6)
    for i in range(6):
        if x[i] > 0.7:
            y[i] = x[i] ** 2
        else:
            y[5 - i] += 3 * x[i]
    return y @ x


# ---- stores

@at(X)
def fills_array(x):
    y = np.empty(6)
    for i in range(6):
        y[i] = x[i] * x[(i + 1) % 6]
    return np.sum(np.sin(y))


@at(X)
def changes_argument(x):
    x[1:] *= x[:-1]
    x[0] = 0.5
    return np.sum(x * x)


@at(X)
def running_update(x):
    for i in range(1, 6):
        x[i] = x[i] + 0.5 * x[i - 1] * x[i]
    return x[5] + x[2]


@at(rng.normal(size=(6, 5)), 0.1)
def heat_in_place(u, k):
    for _ in range(4):
        u[1:-1, 1:-1] += k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                              - 4 * u[1:-1, 1:-1])
    return np.sum(u ** 2)


@at(X)
def swaps_buffers(x):
    a, b = x.copy(), np.zeros(6)
    for _ in range(3):
        for i in range(6):
            b[i] = a[i] * a[i - 1]
        a, b = b, a
    return a.sum()


@at(X)
def overwrites(x):
    y = x * 2.0
    y[2] = 1.0
    y[3:5] = y[0:2]
    z = y
    z[0] = z[1] * z[4]
    return np.prod(y)


@at(X, np.array([0, 2, 2, 5, 1]))
def histogram(x, idx):
    bins = np.zeros(6)
    for k in idx:
        bins[k] += x[k] ** 2
    return np.sum(bins ** 2)


@at(X, np.array([0, 2, 2, 5]))
def fancy_indexing(x, idx):
    y = x[idx] * 3
    x[idx[1:]] = y[1:] * 0.5
    return np.sum(x) * y[0]


@at(X)
def masks(x):
    big = x > 0.8
    x[big] = x[big] ** 2
    return np.sum(x[~big]) * np.sum(x)


@at(rng.normal(size=(4, 3)))
def rows_of_matrix(a):
    s = 0.0
    for row in a:
        row -= row.mean()
        s += np.sqrt(np.sum(row * row) + 1)
    return s * a[0, 0]


# ---- whole arrays

@at(rng.normal(size=(5, 3)), rng.normal(size=3), np.array([0, 1, 1, 0, 1.0]))
def logistic_regression(x, w, y):
    p = 1 / (1 + np.exp(-(x @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


@at([rng.normal(size=(4, 6)), rng.normal(size=(2, 4))], X)
def mlp(weights, x):
    for w in weights:
        x = np.tanh(w @ x)
    return np.sum(x ** 2)


@at(rng.normal(size=(4, 4)) * 0.5, rng.normal(size=(5, 4)))
def rnn(w, xs):
    h = np.zeros(4)
    for t in range(len(xs)):
        h = np.tanh(w @ h + xs[t])
    return h @ h


@at(X)
def statistics(x):
    z = (x - x.mean()) / x.std()
    return np.sum(z ** 3) + np.var(x) + np.max(x) * np.min(x)


@at(X)
def cumulative(x):
    return np.sum(np.cumsum(x) * np.cumprod(x)) + np.cumsum(x[::-1])[2]


@at(X)
def sorting(x):
    y = np.sort(x)
    return y[0] * y[-1] + np.sum(y[1:4] * np.arange(3)) + x[np.argsort(x)[2]]


@at(X, Y)
def joins(x, y):
    z = np.concatenate([x, y[:3] * 2, np.stack([x[0] * y, y]).ravel()])
    return np.sum(z[::2] * z[1::2][:len(z[::2])].mean())


@at(rng.normal(size=(3, 4)))
def axes_and_shapes(a):
    b = a.T.reshape(2, 6)
    return np.sum(b[:, ::-1] * b) + np.sum(a[:, None, 1] * a[None, :, 2])


@at(SPD, V)
def solves(a, b):
    return b @ np.linalg.solve(a, b) + np.log(np.linalg.det(a))


@at(SPD, V)
def gaussian_log_density(a, b):
    c = np.linalg.cholesky(a)
    z = np.linalg.solve(c, b)
    return -0.5 * z @ z - np.sum(np.log(np.diag(c)))


@at(SPD)
def cholesky_by_loops(a):
    n = len(a)
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= c[i, k] * c[j, k]
            if i == j:
                c[i, i] = math.sqrt(s)
            else:
                c[i, j] = s / c[j, j]
    return np.sum(c * c * c)


# ---- models

@at(rng.normal(size=3), rng.normal(size=(3, 3)), np.array([0, 2, 1, 1]))
def hidden_markov(start, transition, seen):
    a = np.exp(transition)
    a = a / a.sum(axis=1)[:, None]
    alpha = np.exp(start)
    total = 0.0
    for o in seen:
        alpha = (alpha @ a) * np.exp(start[o] * np.arange(3) / 3)
        scale = alpha.sum()
        total += math.log(scale)
        alpha = alpha / scale
    return total


@at(1.1, 0.4, 20)
def runge_kutta(y, k, n):
    h = 1.0 / n

    def f(y, t):
        return k * y * (1 - y) + math.sin(t)
    for i in range(n):
        t = i * h
        k1 = f(y, t)
        k2 = f(y + h / 2 * k1, t + h / 2)
        k3 = f(y + h / 2 * k2, t + h / 2)
        k4 = f(y + h * k3, t + h)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


@dataclass
class Body:
    position: np.ndarray
    velocity: np.ndarray
    mass: float


@at(Body(np.array([1.0, 0.2]), np.array([0.1, 0.8]), 1.5), 10)
def orbit(body, steps):
    x, v = body.position.copy(), body.velocity.copy()
    for _ in range(steps):
        r = np.sqrt(np.sum(x * x))
        v -= 0.05 * body.mass * x / r ** 3
        x += 0.05 * v
    return x @ v


class Line(NamedTuple):
    slope: float
    offset: float


@at(Line(0.5, -0.2), X, Y)
def least_squares(line, x, y):
    s = 0.0
    for a, b in zip(x, y, strict=True):
        s += (line.slope * a + line.offset - b) ** 2
    return s / len(x)


@at({"w": rng.normal(size=(3, 2)), "b": [0.1, None, np.float64(0.2)]}, rng.normal(size=(4, 3)))
def tree_of_parameters(p, x):
    y = x @ p["w"] + p["b"][0]
    return np.mean(y ** 2) * p["b"][2]


@at(np.float32(0.7), rng.normal(size=4).astype(np.float32))
def single_precision(a, x):
    return np.sum(np.exp(-a * x * x))


@at(X, "cubic", None)
def static_arguments(x, kind, weights):
    power = {"square": 2, "cubic": 3}[kind]
    return np.sum(x ** power) if weights is None else np.sum(weights * x)
