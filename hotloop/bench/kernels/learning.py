"""Layers and steps of learning: softmax, networks, attention, regressions."""

from dataclasses import replace

import numpy as np

from .elementwise import narrow
from .spec import SAME, Kernel


def softmax(x):
    """Row by row: a maximum, exponentials, a sum, a division."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_torch():
    import torch
    return lambda x: torch.softmax(x, -1)


def mlp(x, w1, b1, w2, b2, w3, b3):
    """Three layers of a network, with ramps and a softmax, in single precision."""
    h = np.maximum(x @ w1 + b1, 0)
    h = np.maximum(h @ w2 + b2, 0)
    z = h @ w3 + b3
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def mlp_numba():
    def mlp(x, w1, b1, w2, b2, w3, b3):
        h = np.maximum(x @ w1 + b1, np.float32(0))
        h = np.maximum(h @ w2 + b2, np.float32(0))
        z = h @ w3 + b3
        for i in range(len(z)):
            z[i] = np.exp(z[i] - np.max(z[i]))
            z[i] /= np.sum(z[i])
        return z
    return mlp


def mlp_torch():
    import torch

    def mlp(x, w1, b1, w2, b2, w3, b3):
        h = torch.relu(x @ w1 + b1)
        h = torch.relu(h @ w2 + b2)
        return torch.softmax(h @ w3 + b3, -1)
    return mlp


def layer_norm(x, gain, shift):
    """Rows with mean 0 and variance 1, scaled and shifted."""
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gain + shift


def layer_norm_torch():
    import torch
    return lambda x, gain, shift: torch.nn.functional.layer_norm(x, (x.shape[-1],), gain, shift)


def rows_numba(body):
    """A version by rows, since Numba has no keepdims."""
    def build():
        if body == "softmax":
            def softmax(x):
                out = np.empty_like(x)
                for i in range(len(x)):
                    out[i] = np.exp(x[i] - np.max(x[i]))
                    out[i] /= np.sum(out[i])
                return out
            return softmax

        def layer_norm(x, gain, shift):
            out = np.empty_like(x)
            for i in range(len(x)):
                d = x[i] - x[i].mean()
                out[i] = d / np.sqrt((d * d).mean() + 1e-5) * gain + shift
            return out
        return layer_norm
    return build


def attention(q, k, v):
    """One head of attention: two products with a softmax between them."""
    s = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(s - s.max(axis=1)[:, None])
    return (e / e.sum(axis=1)[:, None]) @ v


def attention_torch():
    import torch

    def attention(q, k, v):
        return torch.softmax(q @ k.T / q.shape[1] ** 0.5, 1) @ v
    return attention


def attention_numba():
    def attention(q, k, v):
        s = q @ k.T / np.sqrt(q.shape[1])
        for i in range(len(s)):
            s[i] = np.exp(s[i] - np.max(s[i]))
            s[i] /= np.sum(s[i])
        return s @ v
    return attention


def logistic(w, x, y, rate, steps):
    """Logistic regression by gradient descent."""
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-(x @ w)))
        w = w - rate * (x.T @ (p - y)) / len(y)
    return w


def logistic_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def logistic(w, x, y, rate, steps):
        def step(_, w):
            p = 1.0 / (1.0 + jnp.exp(-(x @ w)))
            return w - rate * (x.T @ (p - y)) / len(y)
        return jax.lax.fori_loop(0, steps, step, w)
    return logistic


def pairwise(x):
    """Distances between all rows: an array of three axes, reduced to two."""
    return np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2))


def rbf(x, y, gamma):
    """A Gaussian kernel matrix by loops."""
    out = np.empty((len(x), len(y)))
    for i in range(len(x)):
        for j in range(len(y)):
            d = 0.0
            for k in range(x.shape[1]):
                d += (x[i, k] - y[j, k]) ** 2
            out[i, j] = np.exp(-gamma * d)
    return out


def rbf_numpy():
    def rbf(x, y, gamma):
        return np.exp(-gamma * ((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=2))
    return rbf


def rbf_jax():
    import jax
    import jax.numpy as jnp

    from .spec import replaced
    return jax.jit(replaced(rbf_numpy(), np=jnp))


def rbf_parallel():
    from numba import prange

    def rbf(x, y, gamma):
        out = np.empty((len(x), len(y)))
        for i in prange(len(x)):
            for j in range(len(y)):
                d = 0.0
                for k in range(x.shape[1]):
                    d += (x[i, k] - y[j, k]) ** 2
                out[i, j] = np.exp(-gamma * d)
        return out
    return rbf


def network(n, rng):
    def normal(*shape):
        return rng.standard_normal(shape).astype(np.float32) * np.float32(0.2)
    return (normal(n, 64), normal(64, 128), normal(128), normal(128, 128), normal(128),
            normal(128, 10), normal(10))


def heads(n, rng):
    return tuple(rng.standard_normal((n, 64)) for _ in range(3))


def samples(n, rng):
    x = rng.standard_normal((n, 20))
    return np.zeros(20), x, (x[:, 0] > 0).astype(float), 0.1, 10


SOFTMAX = Kernel(softmax, make=lambda n, rng: (rng.standard_normal((n, 128)),),
                 sizes=(16, 1_000, 40_000), work=lambda n: (2048 * n, 128 * 16 * n), jax=SAME,
                 numba=rows_numba("softmax"), torch_compile=softmax_torch)

KERNELS = [
    SOFTMAX,
    replace(SOFTMAX, called="softmax_f32", make=narrow(SOFTMAX.make), tolerance=1e-4,
            work=lambda n: (1024 * n, 128 * 16 * n)),
    Kernel(mlp, make=network, sizes=(8, 256, 8_000), tolerance=1e-4,
           work=lambda n: (4 * 74 * n, 2 * (64 * 128 + 128 * 128 + 1280) * n), jax=SAME,
           numba=mlp_numba, torch_compile=mlp_torch),
    Kernel(layer_norm, make=lambda n, rng: (rng.standard_normal((n, 128)),
                                            rng.standard_normal(128), rng.standard_normal(128)),
           sizes=(16, 1_000, 40_000), work=lambda n: (2048 * n, 128 * 9 * n), jax=SAME,
           numba=rows_numba("layer_norm"), torch_compile=layer_norm_torch),
    Kernel(attention, make=heads, sizes=(32, 256, 1_500),
           work=lambda n: (2048 * n, 270 * n * n), jax=SAME, numba=attention_numba,
           torch_compile=attention_torch),
    Kernel(logistic, make=samples, sizes=(100, 5_000, 100_000),
           work=lambda n: (10 * 168 * n, 10 * 100 * n), jax=logistic_jax),
    Kernel(pairwise, make=lambda n, rng: (rng.random((n, 3)),), sizes=(40, 500, 2_500),
           work=lambda n: (8 * n * n, 9 * n * n), jax=SAME),
    Kernel(rbf, make=lambda n, rng: (rng.random((n, 5)), rng.random((n, 5)), 0.7),
           sizes=(40, 400, 2_000), work=lambda n: (8 * n * n, 25 * n * n), style="loops",
           numpy=rbf_numpy, numba_parallel=rbf_parallel, jax=rbf_jax),
]
