"""The experiments of `hotloop bench`: what is measured, over which sizes, in which systems."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Experiment:
    """`sizes` are the default values of n; `systems` in the order of the report."""
    name: str
    title: str
    sizes: tuple[int, ...]
    systems: tuple[str, ...]
    unit: str
    environment: tuple[tuple[str, str], ...] = ()
    """variables that its workers get"""
    on_request: tuple[str, ...] = ()
    """systems that run only if named, or with `--systems all`"""
    rounds: int = 1
    """how often all systems run, in turn; the least of each time counts"""


PI = Experiment(
    "pi", "Monte Carlo pi from n random points", tuple(10**k for k in range(3, 9)),
    ("python", "numpy", "hotloop", "numba", "jax", "tensorflow", "torchscript", "torch_compile",
     "triton"),
    "points")

JIT = Experiment(
    "jit", "n calls of one small function, plain and jitted",
    (10, 30, 100, 300, 1000, 3000, 10000),
    ("numpy", "hotloop", "numba", "jax", "tensorflow", "torchscript", "torch_compile"),
    "calls")

FIGURES = Experiment(
    "figures", "a call on 8 doubles, a sigmoid of 10^7 floats, first calls", (),
    ("numpy", "hotloop", "hotloop_warm", "numba", "jax", "numexpr", "torch_compile"), "",
    rounds=5)

GRAD = Experiment(
    "grad", "ten functions and their gradients, in double precision", (),
    ("hotloop", "jax", "torch"), "")

KERNELS = Experiment(
    "kernels", "kernels of many fields, in caches and beyond", (),
    ("numpy", "hotloop", "hotloop_warm", "hotloop_serial", "hotloop_fast", "numba",
     "numba_parallel", "jax", "numexpr", "torch_compile", "pythran"), "",
    on_request=("hotloop_serial", "hotloop_fast", "torch_compile", "pythran"))

COMPILE = Experiment(
    "compile", "the time of compiling programs of growing length", (10, 100, 1000, 10_000),
    ("hotloop", "numba", "jax"), "operations", (("HOTLOOP_CACHE", "0"),))

LIMITS = Experiment("limits", "what the machine can do", (), ("numpy",), "")
"""Part of KERNELS."""

EXPERIMENTS = {e.name: e for e in (PI, JIT, FIGURES, GRAD, KERNELS, COMPILE)}
