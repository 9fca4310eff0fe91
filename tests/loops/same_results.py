"""Comparing a Program with its Kernel: the same arguments through both interpreters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.ir import interp as ir_interp
from hotloop.ir.core import Program
from hotloop.loops import interp
from hotloop.loops.core import Kernel
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.loops.verify import verify

TOLERANCE = {"f2": 2e-2, "f4": 1e-4, "c8": 1e-4}


def joined(program: Program, parts: list[Any], args: list[Any]) -> list[Any]:
    """The results of a kernel as the Program has them: complex numbers put together, those that
    are written to arguments read from there."""
    left = iter(parts)
    found = []
    for atom, target in zip(program.outs, program.into, strict=True):
        if target is not None:
            found.append(args[program.params.index(target)])
        elif atom.dtype.kind != "c":
            found.append(next(left))
        elif atom.shape:
            found.append(np.ascontiguousarray(next(left)).view(atom.dtype)[..., 0])
        else:
            found.append(atom.dtype.type(complex(next(left), next(left))))
    return found


def assert_same(got: list[Any], want: list[Any]) -> None:
    for k, (g, w) in enumerate(zip(got, want, strict=True)):
        w = np.asarray(w)
        assert np.asarray(g).dtype == w.dtype, (k, g, w)
        tolerance = TOLERANCE.get(w.dtype.str[1:], 1e-9)
        if w.dtype.kind in "fc":
            np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance, err_msg=f"result {k}")
        else:
            np.testing.assert_array_equal(g, w, err_msg=f"result {k}")


def check(program: Program, args: list[Any],
          change: Callable[[Kernel], Kernel] = lambda kernel: kernel) -> Kernel:
    """Lower, verify, run, compare; arguments that the Program does not write stay as they are."""
    given = [np.array(a, order="K") if isinstance(a, np.ndarray) else a for a in args]
    dense = [not isinstance(a, np.ndarray) or a.flags.c_contiguous for a in given]
    with np.errstate(all="ignore"):
        want = ir_interp.run(program, args)
        with fresh_table():
            kernel = lower(program, dense)
            verify(kernel)
            kernel = change(kernel)
            got = interp.run(kernel, given)
    assert_same(joined(program, got, given), want)
    for param, before, after in zip(program.params, args, given, strict=True):
        if param not in program.into and isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before, err_msg="an argument changed")
    return kernel
