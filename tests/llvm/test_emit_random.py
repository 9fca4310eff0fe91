"""Random kernels: scalar and vector machine code do what `loops.interp` does, to the last bit."""

from __future__ import annotations

import harness
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from random_kernels import random_kernel, random_stopping_kernel

from hotloop.loops import interp
from hotloop.loops.expr import fresh_table
from hotloop.loops.text import show


def same(x, y) -> bool:
    x, y = np.asarray(x), np.asarray(y)
    return x.dtype == y.dtype and x.shape == y.shape and bool(
        np.all((x == y) | ((x != x) & (y != y))))


def clone(x):
    """A copy with the same strides."""
    if not isinstance(x, np.ndarray) or x.flags.c_contiguous:
        return x.copy() if isinstance(x, np.ndarray) else x
    memory = x.base
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    start = x.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
    return np.ndarray(x.shape, x.dtype, memory.copy(), start, x.strides)


@pytest.mark.parametrize("lanes, quick", [(0, False), (1, False), (4, False), (4, True)])
@given(seed=st.integers(0, 2**32))
def test_random_kernels(lanes: int, quick: bool, seed: int) -> None:
    with fresh_table():
        compare(*random_kernel(seed, lanes), quick)


@example(seed=384997)              # a carry that no expression mentions
@given(seed=st.integers(0, 2**32))
def test_random_stopping_kernels(seed: int) -> None:
    """Loops that end in lanes wherever a check fails, and others that go on from there."""
    with fresh_table():
        compare(*random_stopping_kernel(seed, 1 + seed % 4), False)


def compare(kernel, args, quick: bool) -> None:
    expected_args, found_args = ([clone(x) for x in args] for _ in range(2))
    with np.errstate(all="ignore"):
        expected = interp.run(kernel, expected_args)
    found = harness.run(kernel, found_args, level=0 if quick else 3, quick=quick)
    for got, want in zip([*found, *found_args], [*expected, *expected_args], strict=True):
        assert same(got, want), f"{got} instead of {want} of\n{show(kernel)}"
