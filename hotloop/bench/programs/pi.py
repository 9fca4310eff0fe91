"""Monte Carlo pi: how many of n random points of the unit square lie in the quarter circle."""

from __future__ import annotations

import random
from collections.abc import Callable


class Unavailable(Exception):
    """This system can't run here; the message says why."""


def pi(n):
    acc = 0
    for _ in range(n):
        x = random.random()
        y = random.random()
        if x * x + y * y < 1.0:
            acc += 1
    return 4.0 * acc / n


def python() -> Callable[[int], float]:
    return pi


def numpy() -> Callable[[int], float]:
    import numpy as np

    rng = np.random.default_rng()

    def pi_numpy(n: int) -> float:
        x = rng.random(n)
        y = rng.random(n)
        return 4.0 * np.count_nonzero(x * x + y * y < 1.0) / n
    return pi_numpy


def hotloop() -> Callable[[int], float]:
    import hotloop

    return hotloop.jit(pi)


def numba() -> Callable[[int], float]:
    import numba

    return numba.njit(pi)


def jax() -> Callable[[int], float]:
    import functools

    import jax

    @functools.partial(jax.jit, static_argnums=1)
    def count(key, n):
        kx, ky = jax.random.split(key)
        x = jax.random.uniform(kx, (n,))
        y = jax.random.uniform(ky, (n,))
        return (x * x + y * y < 1.0).sum()

    key = jax.random.key(0)

    def pi_jax(n: int) -> float:
        nonlocal key
        key, sub = jax.random.split(key)
        return 4.0 * int(count(sub, n)) / n
    return pi_jax


def tensorflow() -> Callable[[int], float]:
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def count(n):
        x = tf.random.uniform((n,))
        y = tf.random.uniform((n,))
        return tf.math.count_nonzero(x * x + y * y < 1.0)

    return lambda n: 4.0 * int(count(n)) / n


def torchscript() -> Callable[[int], float]:
    import torch

    def count(n: int):
        x = torch.rand(n)
        y = torch.rand(n)
        return (x * x + y * y < 1.0).sum()

    scripted = torch.jit.script(count)
    return lambda n: 4.0 * int(scripted(n)) / n


def torch_compile() -> Callable[[int], float]:
    import torch

    @torch.compile
    def count(n: int):
        x = torch.rand(n)
        y = torch.rand(n)
        return (x * x + y * y < 1.0).sum()

    return lambda n: 4.0 * int(count(n)) / n


def triton() -> Callable[[int], float]:
    try:
        import torch
        import triton
        import triton.language as tl
    except ImportError as error:
        raise Unavailable(f"{error}; Triton compiles for GPUs only") from None
    if not torch.cuda.is_available():
        raise Unavailable("Triton compiles for GPUs only, and PyTorch finds none here")

    @triton.jit
    def kernel(out, n, seed, block: tl.constexpr):
        at = tl.program_id(0) * block + tl.arange(0, block)
        x = tl.rand(seed, 2 * at)
        y = tl.rand(seed, 2 * at + 1)
        inside = (x * x + y * y < 1.0) & (at < n)
        tl.atomic_add(out, tl.sum(inside.to(tl.int64)))

    def pi_triton(n: int) -> float:
        out = torch.zeros(1, dtype=torch.int64, device="cuda")
        kernel[(triton.cdiv(n, 1024),)](out, n, random.getrandbits(31), 1024)
        return 4.0 * int(out) / n
    return pi_triton


SYSTEMS = {f.__name__: f for f in (
    python, numpy, hotloop, numba, jax, tensorflow, torchscript, torch_compile, triton)}
