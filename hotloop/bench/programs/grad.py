"""Ten functions and their gradients, as one would write them for each system, in double precision.

`SYSTEMS[name]()` gives {function: Case}; all systems get the same numbers (`data`). The Jacobian of
`bundle` has a row a residual; it is summed to one number only to be checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Case:
    """`value()` runs the function, `gradient()` gives (value, gradients) as the system has them;
    `numbers(x)` makes NumPy arrays of either."""
    value: Callable[[], Any]
    gradient: Callable[[], Any]
    numbers: Callable[[Any], list[Any]]


def data() -> dict[str, tuple[Any, ...]]:
    """The arguments; all are differentiated but those in `FIXED`."""
    import numpy as np

    rng = np.random.default_rng(0)
    normal = rng.standard_normal
    x = normal((1000, 20))
    transition, emission = normal((16, 16)), normal((16, 8))
    grid = np.linspace(0.0, 3.0, 64)
    return {
        "logistic": (normal(20), x, (x[:, 0] > 0).astype(float)),
        "mlp": (normal((20, 32)) * 0.2, normal(32), normal((32, 10)) * 0.2, normal(10),
                normal((128, 20)), np.eye(10)[rng.integers(0, 10, 128)]),
        "rnn": (normal((32, 32)) * 0.15, normal((32, 8)) * 0.3, normal((50, 8))),
        "ode": (np.array([1.1, 0.4, 0.4, 0.1]), np.array([5.0, 3.0])),
        "hmm": (transition, emission, rng.integers(0, 8, 100)),
        "mixture": (normal((8, 4)), normal((8, 4)) * 0.1, normal(8), normal((1000, 4))),
        "bundle": (normal((20, 6)) * 0.1, normal((100, 3)) + np.array([0.0, 0.0, 5.0]),
                   rng.integers(0, 20, 300), rng.integers(0, 100, 300), normal((300, 2))),
        "process": (np.array([0.1, -0.5, -2.0]), grid, np.sin(grid) + 0.1 * normal(64)),
        "stencil": (normal((64, 64)), np.array(0.1)),
        "kepler": (rng.uniform(0.0, 3.0, 500), rng.uniform(0.0, 0.9, 500)),
    }


FIXED = {"logistic": 2, "mlp": 2, "hmm": 1, "mixture": 1, "bundle": 3, "process": 2}
"""How many of the last arguments are not differentiated."""

STEPS, TIMES = 200, 50


def wanted(name: str, args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(range(len(args) - FIXED.get(name, 0)))


def hotloop() -> dict[str, Case]:
    import numpy as np

    import hotloop

    def logistic(w, x, y):
        p = 1.0 / (1.0 + np.exp(-(x @ w)))
        return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))

    def mlp(w1, b1, w2, b2, x, y):
        h = np.tanh(x @ w1 + b1)
        z = h @ w2 + b2
        z = z - np.max(z, axis=1)[:, None]
        return -np.mean(np.sum(y * z, axis=1) - np.log(np.sum(np.exp(z), axis=1)))

    def rnn(w, u, xs):
        h = np.zeros(len(w))
        for x in xs:
            h = np.tanh(w @ h + u @ x)
        return np.sum(h * h)

    def field(y, p):
        return np.array([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])

    def ode(p, y):
        h = 10.0 / STEPS
        for _ in range(STEPS):
            k1 = field(y, p)
            k2 = field(y + 0.5 * h * k1, p)
            k3 = field(y + 0.5 * h * k2, p)
            k4 = field(y + h * k3, p)
            y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        return y[0] * y[1]

    def hmm(transition, emission, seen):
        a = np.exp(transition)
        a = a / np.sum(a, axis=1)[:, None]
        b = np.exp(emission)
        b = b / np.sum(b, axis=1)[:, None]
        alpha = np.full(len(a), 1.0 / len(a))
        total = 0.0
        for o in seen:
            alpha = (alpha @ a) * b[:, o]
            scale = np.sum(alpha)
            total += np.log(scale)
            alpha = alpha / scale
        return total

    def mixture(means, logs, weights, x):
        d = (x[:, None, :] - means[None]) * np.exp(-logs)[None]
        parts = weights[None] - 0.5 * np.sum(d * d, axis=2) - np.sum(logs, axis=1)[None]
        top = np.max(parts, axis=1)
        return np.mean(top + np.log(np.sum(np.exp(parts - top[:, None]), axis=1))) - np.log(
            np.sum(np.exp(weights)))

    def project(camera, point):
        angle = np.sqrt(camera[0] ** 2 + camera[1] ** 2 + camera[2] ** 2 + 1e-12)
        k = camera[:3] / angle
        c, s = np.cos(angle), np.sin(angle)
        cross = np.array([k[1] * point[2] - k[2] * point[1], k[2] * point[0] - k[0] * point[2],
                          k[0] * point[1] - k[1] * point[0]])
        turned = point * c + cross * s + k * ((k @ point) * (1.0 - c)) + camera[3:]
        return turned[:2] / turned[2]

    def residual(camera, point, seen):
        return project(camera, point) - seen

    def bundle_value(cameras, points, i, j, seen):
        return hotloop.vmap(residual)(cameras[i], points[j], seen)

    def bundle_jacobian(cameras, points, i, j, seen):
        rows = hotloop.vmap(hotloop.jacfwd(residual, (0, 1)))(cameras[i], points[j], seen)
        return bundle_value(cameras, points, i, j, seen), rows

    def process(p, x, y):
        amplitude, length, noise = np.exp(p)
        d = (x[:, None] - x[None]) / length
        k = amplitude * np.exp(-0.5 * d * d) + noise * np.eye(len(x))
        c = np.linalg.cholesky(k)
        z = np.linalg.solve(c, y)
        return 0.5 * (z @ z) + np.sum(np.log(np.diag(c)))

    def stencil(u, k):
        u = u.copy()
        for _ in range(TIMES):
            u[1:-1, 1:-1] += k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                                  - 4.0 * u[1:-1, 1:-1])
        return np.sum(u * u)

    def kepler(m, e):
        total = 0.0
        for k in range(len(m)):
            x = m[k]
            step = 1.0
            while abs(step) > 1e-12:
                step = (x - e[k] * math.sin(x) - m[k]) / (1.0 - e[k] * math.cos(x))
                x -= step
            total += math.sin(x)
        return total

    def numbers(x):
        return [np.asarray(a) for a in leaves(x)]

    found = {}
    functions = (logistic, mlp, rnn, ode, hmm, mixture, process, stencil, kepler)
    given = data()
    for f in functions:
        args = given[f.__name__]
        if f is stencil:
            args = (args[0], 0.1)
        value = hotloop.jit(f)
        gradient = hotloop.value_and_grad(f, wanted(f.__name__, args))
        found[f.__name__] = Case(_call(value, args), _call(gradient, args), numbers)
    args = given["bundle"]
    found["bundle"] = Case(_call(hotloop.jit(bundle_value), args),
                           _call(hotloop.jit(bundle_jacobian), args), numbers)
    return found


def _call(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[], Any]:
    return lambda: f(*args)


def leaves(x: Any) -> list[Any]:
    return [leaf for item in x for leaf in leaves(item)] if isinstance(x, tuple | list) else [x]


def jax() -> dict[str, Case]:
    import jax
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import numpy as np
    from jax import lax

    def logistic(w, x, y):
        p = 1.0 / (1.0 + jnp.exp(-(x @ w)))
        return -jnp.mean(y * jnp.log(p) + (1.0 - y) * jnp.log(1.0 - p))

    def mlp(w1, b1, w2, b2, x, y):
        h = jnp.tanh(x @ w1 + b1)
        z = h @ w2 + b2
        z = z - jnp.max(z, axis=1)[:, None]
        return -jnp.mean(jnp.sum(y * z, axis=1) - jnp.log(jnp.sum(jnp.exp(z), axis=1)))

    def rnn(w, u, xs):
        def step(h, x):
            return jnp.tanh(w @ h + u @ x), None
        h, _ = lax.scan(step, jnp.zeros(w.shape[0]), xs)
        return jnp.sum(h * h)

    def field(y, p):
        return jnp.array([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])

    def ode(p, y):
        h = 10.0 / STEPS

        def step(y, _):
            k1 = field(y, p)
            k2 = field(y + 0.5 * h * k1, p)
            k3 = field(y + 0.5 * h * k2, p)
            k4 = field(y + h * k3, p)
            return y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), None
        y, _ = lax.scan(step, y, None, length=STEPS)
        return y[0] * y[1]

    def hmm(transition, emission, seen):
        a = jnp.exp(transition)
        a = a / jnp.sum(a, axis=1)[:, None]
        b = jnp.exp(emission)
        b = b / jnp.sum(b, axis=1)[:, None]

        def step(carry, o):
            alpha, total = carry
            alpha = (alpha @ a) * b[:, o]
            scale = jnp.sum(alpha)
            return (alpha / scale, total + jnp.log(scale)), None
        start = jnp.full(a.shape[0], 1.0 / a.shape[0])
        (_, total), _ = lax.scan(step, (start, 0.0), seen)
        return total

    def mixture(means, logs, weights, x):
        d = (x[:, None, :] - means[None]) * jnp.exp(-logs)[None]
        parts = weights[None] - 0.5 * jnp.sum(d * d, axis=2) - jnp.sum(logs, axis=1)[None]
        top = jnp.max(parts, axis=1)
        return jnp.mean(top + jnp.log(jnp.sum(jnp.exp(parts - top[:, None]), axis=1))) - jnp.log(
            jnp.sum(jnp.exp(weights)))

    def project(camera, point):
        angle = jnp.sqrt(camera[0] ** 2 + camera[1] ** 2 + camera[2] ** 2 + 1e-12)
        k = camera[:3] / angle
        c, s = jnp.cos(angle), jnp.sin(angle)
        turned = point * c + jnp.cross(k, point) * s + k * ((k @ point) * (1.0 - c)) + camera[3:]
        return turned[:2] / turned[2]

    def residual(camera, point, seen):
        return project(camera, point) - seen

    def bundle(cameras, points, i, j, seen):
        return jax.vmap(residual)(cameras[i], points[j], seen)

    def jacobian(cameras, points, i, j, seen):
        rows = jax.vmap(jax.jacfwd(residual, (0, 1)))(cameras[i], points[j], seen)
        return bundle(cameras, points, i, j, seen), rows

    def process(p, x, y):
        amplitude, length, noise = jnp.exp(p)
        d = (x[:, None] - x[None]) / length
        k = amplitude * jnp.exp(-0.5 * d * d) + noise * jnp.eye(x.shape[0])
        c = jnp.linalg.cholesky(k)
        z = jax.scipy.linalg.solve_triangular(c, y, lower=True)
        return 0.5 * (z @ z) + jnp.sum(jnp.log(jnp.diag(c)))

    def stencil(u, k):
        def step(u, _):
            change = k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                          - 4.0 * u[1:-1, 1:-1])
            return u.at[1:-1, 1:-1].add(change), None
        u, _ = lax.scan(step, u, None, length=TIMES)
        return jnp.sum(u * u)

    def anomaly(m, e):
        def body(state):
            x, _ = state
            step = (x - e * jnp.sin(x) - m) / (1.0 - e * jnp.cos(x))
            return x - step, step
        x, _ = lax.while_loop(lambda s: jnp.abs(s[1]) > 1e-12, body, (m, jnp.ones_like(m)))
        return jnp.sin(x)

    def kepler(m, e):
        return jnp.sum(jax.vmap(anomaly)(m, e))

    def kepler_gradient(m, e):      # a while loop has no reverse mode: forward, element by element
        y, dm = jax.vmap(lambda m, e: jax.jvp(lambda t: anomaly(t, e), (m,), (1.0,)))(m, e)
        _, de = jax.vmap(lambda m, e: jax.jvp(lambda t: anomaly(m, t), (e,), (1.0,)))(m, e)
        return jnp.sum(y), (dm, de)

    def numbers(x):
        return [np.asarray(a) for a in leaves(x)]

    def ready(f, args):
        return lambda: jax.block_until_ready(f(*args))

    found = {}
    given = data()
    for f in (logistic, mlp, rnn, ode, hmm, mixture, process, stencil, bundle, kepler):
        name = f.__name__
        args = tuple(jnp.asarray(a) for a in given[name])
        special = {"bundle": jacobian, "kepler": kepler_gradient}
        gradient = special.get(name) or jax.value_and_grad(f, wanted(name, args))
        found[name] = Case(ready(jax.jit(f), args), ready(jax.jit(gradient), args), numbers)
    return found


def torch() -> dict[str, Case]:
    import torch

    def logistic(w, x, y):
        p = 1.0 / (1.0 + torch.exp(-(x @ w)))
        return -torch.mean(y * torch.log(p) + (1.0 - y) * torch.log(1.0 - p))

    def mlp(w1, b1, w2, b2, x, y):
        h = torch.tanh(x @ w1 + b1)
        z = torch.log_softmax(h @ w2 + b2, dim=1)
        return -torch.mean(torch.sum(y * z, dim=1))

    def rnn(w, u, xs):
        h = torch.zeros(len(w), dtype=w.dtype)
        for x in xs:
            h = torch.tanh(w @ h + u @ x)
        return torch.sum(h * h)

    def field(y, p):
        return torch.stack([p[0] * y[0] - p[1] * y[0] * y[1],
                            p[3] * y[0] * y[1] - p[2] * y[1]])

    def ode(p, y):
        h = 10.0 / STEPS
        for _ in range(STEPS):
            k1 = field(y, p)
            k2 = field(y + 0.5 * h * k1, p)
            k3 = field(y + 0.5 * h * k2, p)
            k4 = field(y + h * k3, p)
            y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        return y[0] * y[1]

    def hmm(transition, emission, seen):
        a, b = torch.softmax(transition, dim=1), torch.softmax(emission, dim=1)
        alpha = torch.full((len(a),), 1.0 / len(a), dtype=a.dtype)
        total = torch.zeros((), dtype=a.dtype)
        for o in seen:
            alpha = (alpha @ a) * b[:, o]
            scale = torch.sum(alpha)
            total = total + torch.log(scale)
            alpha = alpha / scale
        return total

    def mixture(means, logs, weights, x):
        d = (x[:, None, :] - means[None]) * torch.exp(-logs)[None]
        parts = weights[None] - 0.5 * torch.sum(d * d, dim=2) - torch.sum(logs, dim=1)[None]
        return torch.mean(torch.logsumexp(parts, dim=1)) - torch.logsumexp(weights, dim=0)

    def project(camera, point):
        angle = torch.sqrt(torch.sum(camera[:3] ** 2) + 1e-12)
        k = camera[:3] / angle
        c, s = torch.cos(angle), torch.sin(angle)
        turned = (point * c + torch.linalg.cross(k, point) * s
                  + k * (torch.sum(k * point) * (1.0 - c)) + camera[3:])
        return turned[:2] / turned[2]

    def residual(camera, point, seen):
        return project(camera, point) - seen

    def bundle(cameras, points, i, j, seen):
        return torch.func.vmap(residual)(cameras[i], points[j], seen)

    def jacobian(cameras, points, i, j, seen):
        rows = torch.func.vmap(torch.func.jacfwd(residual, (0, 1)))(cameras[i], points[j], seen)
        return bundle(cameras, points, i, j, seen), rows

    def process(p, x, y):
        amplitude, length, noise = torch.exp(p)
        d = (x[:, None] - x[None]) / length
        k = amplitude * torch.exp(-0.5 * d * d) + noise * torch.eye(len(x), dtype=x.dtype)
        c = torch.linalg.cholesky(k)
        z = torch.linalg.solve_triangular(c, y[:, None], upper=False)[:, 0]
        return 0.5 * (z @ z) + torch.sum(torch.log(torch.diag(c)))

    def stencil(u, k):
        u = u.clone()
        for _ in range(TIMES):
            change = k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
                          - 4.0 * u[1:-1, 1:-1])
            u = torch.nn.functional.pad(change, (1, 1, 1, 1)) + u
        return torch.sum(u * u)

    def kepler(m, e):
        x = m
        step = torch.ones_like(m)
        while bool((torch.abs(step) > 1e-12).any()):
            step = (x - e * torch.sin(x) - m) / (1.0 - e * torch.cos(x))
            x = x - step
        return torch.sum(torch.sin(x))

    def gradient_of(f, args, chosen):
        given = [a.clone().requires_grad_(k in chosen) for k, a in enumerate(args)]

        def run():
            value = f(*given)
            return value, torch.autograd.grad(value, [given[k] for k in chosen])
        return run

    def numbers(x):
        return [a.detach().numpy() for a in leaves(x)]

    found = {}
    given = data()
    for f in (logistic, mlp, rnn, ode, hmm, mixture, process, stencil, kepler):
        args = tuple(torch.as_tensor(a) for a in given[f.__name__])
        found[f.__name__] = Case(_call(f, args),
                                 gradient_of(f, args, wanted(f.__name__, args)), numbers)
    args = tuple(torch.as_tensor(a) for a in given["bundle"])
    found["bundle"] = Case(_call(bundle, args), _call(jacobian, args), numbers)
    return found


SYSTEMS = {f.__name__: f for f in (hotloop, jax, torch)}
