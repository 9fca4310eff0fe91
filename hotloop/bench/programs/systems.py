"""How each system of the suite compiles a function, takes arguments and gives results.

    >>> system = SYSTEMS["numpy"]()
    >>> call = system.compiled(lambda a: a + 1, None)
    >>> system.wait(call(1))
    2
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import tempfile
import textwrap
import types
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

Function = Callable[..., Any]


class NumPy:
    """Python as it is. The others differ from it in what their class says."""
    module: Any = None
    """what `np` becomes in a source that is SAME"""
    functional = False
    """written arguments are results, nothing is written"""
    built = False
    """versions other than SAME come compiled"""

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        """The function to call; `args` are those of the first call."""
        return function

    def given(self, value: Any) -> Any:
        """An argument as the system's users hold it: a new array."""
        return value.copy() if isinstance(value, np.ndarray) else value

    def wait(self, value: Any) -> Any:
        return value

    def settle(self) -> None:
        """Wait for what compiles in the background: from now on calls are as fast as ever."""

    def arrays(self, value: Any) -> list[np.ndarray]:
        """Results as NumPy arrays; tuples are several, None is none."""
        if value is None:
            return []
        if isinstance(value, tuple | list):
            return [a for v in value for a in self.arrays(v)]
        return [np.asarray(value)]


class Hotloop(NumPy):
    def __init__(self) -> None:
        import hotloop
        from hotloop.llvm import background

        self.jit, self.settle = hotloop.jit, background.finish    # type: ignore[method-assign]

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        return self.jit(function)


class HotloopFast(Hotloop):
    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        return self.jit(function, fastmath=True)


class Numba(NumPy):
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        import numba

        warnings.simplefilter("ignore", numba.NumbaWarning)
        self.jit = numba.njit

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:      # helpers of the same file
            called = scope.get(name)
            if inspect.isfunction(called) and called.__module__ == function.__module__:
                scope[name] = self.jit(**self.options)(called)
        return self.jit(**self.options)(types.FunctionType(
            function.__code__, scope, function.__name__, function.__defaults__,
            function.__closure__))


class NumbaParallel(Numba):
    options: ClassVar = {"parallel": True, "fastmath": True}


class Jax(NumPy):
    functional = True
    built = True

    def __init__(self) -> None:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax
        import jax.numpy

        jax.config.update("jax_enable_x64", True)
        self.jax, self.module = jax, jax.numpy

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        return self.jax.jit(function)

    def given(self, value: Any) -> Any:
        return self.module.array(value) if isinstance(value, np.ndarray) else value

    def wait(self, value: Any) -> Any:
        return self.jax.block_until_ready(value)


class NumExpr(NumPy):
    built = True

    def __init__(self) -> None:
        import numexpr  # noqa: F401


class Torch(NumPy):
    def __init__(self) -> None:
        import torch

        self.module = torch

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        return self.module.compile(function)

    def given(self, value: Any) -> Any:
        return self.module.tensor(value) if isinstance(value, np.ndarray) else value


PYTHRAN_NAMES = {"bool": "bool", "float64": "float64", "float32": "float32", "int64": "int64",
                 "int32": "int32", "uint8": "uint8", "uint32": "uint32", "uint64": "uint64",
                 "complex128": "complex128"}


class Pythran(NumPy):
    """Ahead of time: the source and the types of its arguments go through a C++ compiler."""

    def __init__(self) -> None:
        import pythran

        self.pythran = pythran

    def compiled(self, function: Function, args: tuple[Any, ...] | None) -> Function:
        name = function.__name__
        parts = [inspect.getsource(function)]
        for used in function.__code__.co_names:
            called = function.__globals__.get(used)
            if inspect.isfunction(called):
                parts.insert(0, inspect.getsource(called))
            elif isinstance(called, int | float):
                parts.insert(0, f"{used} = {called!r}\n")
        signature = ", ".join(self._type(a) for a in args or ())
        source = (f"# pythran export {name}({signature})\nimport math\nimport numpy as np\n\n"
                  + "\n\n".join(map(textwrap.dedent, parts)))
        folder = tempfile.mkdtemp(prefix="hotloop-pythran-")
        # flags of its documentation for users who want speed
        path = self.pythran.compile_pythrancode(
            f"pythran_{name}", source, output_file=os.path.join(folder, f"pythran_{name}.so"),
            extra_compile_args=["-O3", "-march=native", "-fopenmp", "-DUSE_XSIMD"],
            extra_link_args=["-fopenmp"])
        sys.path.append(os.path.dirname(path))
        return getattr(importlib.import_module(f"pythran_{name}"), name)

    def _type(self, value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"{PYTHRAN_NAMES[value.dtype.name]}[{', '.join(':' * value.ndim)}]"
        return type(value).__name__


SYSTEMS: dict[str, Callable[[], NumPy]] = {
    "numpy": NumPy, "hotloop": Hotloop, "hotloop_warm": Hotloop, "hotloop_serial": Hotloop,
    "hotloop_fast": HotloopFast,
    "numba": Numba, "numba_parallel": NumbaParallel, "jax": Jax, "numexpr": NumExpr,
    "torch_compile": Torch, "pythran": Pythran}
