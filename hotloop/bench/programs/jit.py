"""The call-count experiment: n calls of one small function, plain and jitted, in each system.

The first of the jitted calls compiles; where the lines of plain and jitted cross is where compiling
has paid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SIZE = 1000


def logistic(x, np):
    return 1.0 / (1.0 + np.exp(-x)) + 0.5 * np.sin(x) * np.sin(x)


def numpy() -> tuple[Callable[[Any], Any], None, Any]:
    import numpy as np

    return lambda x: logistic(x, np), None, np.linspace(-3.0, 3.0, SIZE)


def hotloop() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import numpy as np

    import hotloop

    def plain(x):
        return 1.0 / (1.0 + np.exp(-x)) + 0.5 * np.sin(x) * np.sin(x)

    return plain, hotloop.jit(plain), np.linspace(-3.0, 3.0, SIZE)


def numba() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import numba
    import numpy as np

    def plain(x):
        return 1.0 / (1.0 + np.exp(-x)) + 0.5 * np.sin(x) * np.sin(x)

    return plain, numba.njit(plain), np.linspace(-3.0, 3.0, SIZE)


def jax() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import jax
    import jax.numpy as jnp

    def plain(x):
        return logistic(x, jnp).block_until_ready()

    jitted = jax.jit(lambda x: logistic(x, jnp))
    return plain, lambda x: jitted(x).block_until_ready(), jnp.linspace(-3.0, 3.0, SIZE)


def tensorflow() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import tensorflow as tf

    def plain(x):
        return logistic(x, tf)

    return plain, tf.function(plain, jit_compile=True), tf.linspace(-3.0, 3.0, SIZE)


def torchscript() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import torch

    def plain(x):
        return 1.0 / (1.0 + torch.exp(-x)) + 0.5 * torch.sin(x) * torch.sin(x)

    x = torch.linspace(-3.0, 3.0, SIZE)
    return plain, torch.jit.trace(plain, x), x


def torch_compile() -> tuple[Callable[[Any], Any], Callable[[Any], Any], Any]:
    import torch

    def plain(x):
        return 1.0 / (1.0 + torch.exp(-x)) + 0.5 * torch.sin(x) * torch.sin(x)

    return plain, torch.compile(plain), torch.linspace(-3.0, 3.0, SIZE)


SYSTEMS = {f.__name__: f for f in (
    numpy, hotloop, numba, jax, tensorflow, torchscript, torch_compile)}
