"""What a row of the suite is: a kernel, its arguments, and how rivals' users would write it.

    Kernel(softmax, make=lambda n, rng: (rng.standard_normal((n, 64)),),
           sizes=(100, 10_000, 200_000), work=lambda n: (16 * 64 * n, 5 * 64 * n),
           jax=SAME, torch_compile=softmax_torch)

`function` is what NumPy and hotloop get, unmodified; Numba and Pythran get it too unless the row
has a version for them. A version is a function without arguments that imports its system and gives
the function to call (so that nothing is imported in the processes of other systems); SAME is the
source itself with `np` replaced by the system's module; None means that nobody would.

Standard library and NumPy only: rivals' interpreters import it without hotloop.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as parameter
from typing import Any

SIZES = ("S", "M", "L", "XL")
"""In caches of a core; a few ms; beyond the caches; about 1 GB."""

SAME = "same"
Version = Callable[[], Callable[..., Any]] | str | None


@dataclass(frozen=True, kw_only=True)
class Kernel:
    function: Callable[..., Any] = parameter(kw_only=False)
    make: Callable[..., tuple[Any, ...]]
    """(n, NumPy generator) -> the arguments"""
    sizes: tuple[int, ...]
    """n for S, M, L, XL; fewer if larger ones say nothing new"""
    work: Callable[[int], tuple[float, float]]
    """n -> (bytes of arguments read and results written once, operations)"""
    style: str = "arrays"
    """"arrays": whole-array NumPy; "loops": plain Python loops"""
    called: str = ""
    """its name, if it is not the function's"""
    writes: tuple[int, ...] = ()
    """arguments that it writes; every call gets fresh copies, and they are results, too"""
    tolerance: float = 1e-9
    agree: Callable[[list[Any]], bool] | None = None
    """for random results, instead of a comparison with NumPy's"""
    numpy: Version = SAME
    numba: Version = SAME
    numba_parallel: Version = SAME
    jax: Version = None
    numexpr: Version = None
    torch_compile: Version = None
    pythran: Version = SAME

    @property
    def name(self) -> str:
        return self.called or self.function.__name__

    @property
    def about(self) -> str:
        return (self.function.__doc__ or "").strip().splitlines()[0]

    @property
    def field(self) -> str:
        """The file it is in: `stencils`."""
        return self.function.__module__.rsplit(".", 1)[-1]

    def at(self, size: str) -> int | None:
        """n for S, M, L or XL."""
        k = SIZES.index(size)
        return self.sizes[k] if k < len(self.sizes) else None

    def version(self, system: str) -> Version:
        """What `system` runs; hotloop, and NumPy unless the row says otherwise, the source."""
        if system.startswith("hotloop"):
            return SAME
        found = getattr(self, system)
        if system == "numba_parallel" and found == SAME:
            return self.numba
        return found


def replaced(function: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    """The function with other globals, e.g. `np=jax.numpy`; so are those that it calls."""
    assert isinstance(function, types.FunctionType)
    scope = dict(function.__globals__, **names)
    for name in function.__code__.co_names:
        called = function.__globals__.get(name)
        if isinstance(called, types.FunctionType) and called is not function \
                and called.__module__ == function.__module__:
            scope[name] = replaced(called, **names)
    return types.FunctionType(function.__code__, scope, function.__name__,
                              function.__defaults__, function.__closure__)
