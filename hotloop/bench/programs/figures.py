"""Three single figures: a call on 8 doubles, a sigmoid of 10^7 floats, and its first call.

Each system gives (seconds that its import took, the call's function, the sigmoid's function, the
arguments of both); a function of arrays waits until its result is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SMALL, LARGE = 8, 10**7

Programs = tuple[float, Callable[[Any], Any] | None, Callable[[Any], Any], Any, Any]


def _arrays() -> tuple[Any, Any]:
    import numpy as np

    return (np.arange(float(SMALL)),
            np.random.default_rng(0).standard_normal(LARGE, dtype=np.float32))


def numpy() -> Programs:
    import numpy as np

    return 0.0, lambda a: a * a + 1, lambda x: 1 / (1 + np.exp(-x)), *_arrays()


def hotloop() -> Programs:
    import numpy as np

    start = time.perf_counter()
    import hotloop
    took = time.perf_counter() - start

    @hotloop.jit
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    return took, hotloop.jit(lambda a: a * a + 1), sigmoid, *_arrays()


def hotloop_warm() -> Programs:
    """The same once more, in a new process: machine code comes from the disk cache."""
    return hotloop()


def numba() -> Programs:
    import numpy as np

    start = time.perf_counter()
    import numba
    took = time.perf_counter() - start

    @numba.njit
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    return took, numba.njit(lambda a: a * a + 1), sigmoid, *_arrays()


def jax() -> Programs:
    small, large = _arrays()
    start = time.perf_counter()
    import jax
    import jax.numpy as jnp
    took = time.perf_counter() - start

    call = jax.jit(lambda a: a * a + 1)
    sigmoid = jax.jit(lambda x: 1 / (1 + jnp.exp(-x)))
    return (took, lambda a: call(a).block_until_ready(),
            lambda x: sigmoid(x).block_until_ready(), jnp.asarray(small), jnp.asarray(large))


def numexpr() -> Programs:
    small, large = _arrays()
    start = time.perf_counter()
    import numexpr as ne
    took = time.perf_counter() - start
    return (took, lambda a: ne.evaluate("a * a + 1"),
            lambda x: ne.evaluate("1 / (1 + exp(-x))"), small, large)


def torch_compile() -> Programs:
    small, large = _arrays()
    start = time.perf_counter()
    import torch
    took = time.perf_counter() - start
    return (took, torch.compile(lambda a: a * a + 1),
            torch.compile(lambda x: 1 / (1 + torch.exp(-x))),
            torch.from_numpy(small), torch.from_numpy(large))


SYSTEMS = {f.__name__: f for f in (
    numpy, hotloop, hotloop_warm, numba, jax, numexpr, torch_compile)}
