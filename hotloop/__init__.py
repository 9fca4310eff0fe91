"""hotloop: a just-in-time compiler for numerical Python.

    import hotloop

    @hotloop.jit
    def f(x): ...

`jit` compiles a function of NumPy arrays and numbers; `make_jaxpr` shows it as a Program;
`explain` tells what was compiled, how and why; `seed` restarts the random numbers of compiled code.
`grad`, `jvp`, `vmap` and the other transforms are in `hotloop.derivatives`. `prange` is a range of
independent iterations; `set_num_threads` and `get_num_threads` are about parallel loops.
"""

from typing import Any

from hotloop import config, errors, lazy

with lazy.uncollected():
    from hotloop.introspection import explain, make_jaxpr
    from hotloop.runtime.jit import jit
    from hotloop.runtime.random import seed

__version__ = "0.1.0.dev0"
__all__ = ["config", "errors", "explain", "jit", "make_jaxpr", "seed"]

derivatives = lazy.module("hotloop.derivatives")
testing = lazy.module("hotloop.testing")

TRANSFORMS = ("checkpoint", "custom_jvp", "custom_vjp", "grad", "hessian", "hvp", "jacfwd",
              "jacrev", "jvp", "linearize", "stop_gradient", "value_and_grad", "vjp", "vmap")

LATER = {**dict.fromkeys(TRANSFORMS, derivatives),
         "prange": lazy.module("hotloop.frontend.prange"),
         **dict.fromkeys(("get_num_threads", "set_num_threads"),
                         lazy.module("hotloop.runtime.threads"))}
"""Loaded when they are first used."""

__all__ += LATER


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module 'hotloop' has no attribute {name!r}")
    found = globals()[name] = getattr(LATER[name], name)
    return found
