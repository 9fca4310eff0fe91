"""hotloop: a just-in-time compiler for numerical Python.

    import hotloop

    @hotloop.jit
    def f(x): ...

`jit` compiles a function of NumPy arrays and numbers; `make_jaxpr` shows it as a Program;
`explain` tells what was compiled, how and why; `seed` restarts the random numbers of compiled code.
"""

from hotloop import config, errors
from hotloop.introspection import explain, make_jaxpr
from hotloop.runtime.jit import jit
from hotloop.runtime.random import seed

__version__ = "0.1.0.dev0"
__all__ = ["config", "errors", "explain", "jit", "make_jaxpr", "seed"]
