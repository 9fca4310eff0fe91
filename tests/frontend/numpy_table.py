"""Tables of lambdas that are traced, interpreted and compared with NumPy: a line a case.

    CASES = table(
        (lambda x: np.sum(x, axis=0), [F, I, B]),       # on each of these arguments
        (lambda x, y: np.hypot(x, y), [(f, g)]))

A case's arguments are tried as given and as a non-contiguous copy; a tuple holds several arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agree

rng = np.random.default_rng(7)

f = np.array([0.5, -1.25, 3.0, 2.0, -0.75, 0.0, 1.0])
g = np.array([1.5, 0.25, -2.0, 4.0, 0.75, 1.0, 3.0])
f4 = f.astype("f4")
h = f.astype("f2")
i = np.array([3, -1, 4, 1, -5, 9, 2])
i4, u1 = i.astype("i4"), np.array([3, 200, 7, 0, 255, 9, 2], "u1")
b = np.array([True, False, True, True, False, False, True])
c = f + 1j * g
nan = np.array([1.0, np.nan, -2.0, np.inf, 0.5, -np.inf, np.nan])
empty = np.zeros(0)
F = rng.normal(size=(3, 4))
F4 = F.astype("f4")
I = rng.integers(-9, 9, (3, 4))
I4 = I.astype("i4")
B = F > 0
C = F + 1j * rng.normal(size=(3, 4))
S = rng.normal(size=(4, 4)) + 4 * np.eye(4)
P = S @ S.T
T = rng.normal(size=(2, 3, 4))
E = np.zeros((0, 3))

ALL = [f, f4, i, i4, u1, b, c, nan]
REAL = [f, f4, i, i4, u1, b, nan]
NUMBERS = [f, f4, i, i4, u1, c]
MATRICES = [F, F4, I, I4, B, C]


def strided(x: Any) -> Any:
    """The same values behind other strides."""
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def table(*rows: Any) -> list[Any]:
    """pytest parameters (function, arguments), named after what the function calls."""
    cases = []
    for function, inputs in rows:
        name = ".".join(n for n in function.__code__.co_names if n != "np") or "operators"
        for k, args in enumerate(inputs):
            args = args if isinstance(args, tuple) else (args,)
            cases.append(pytest.param(function, args, id=f"{name}-{k}"))
            if k == 0 and any(isinstance(a, np.ndarray) and a.ndim for a in args):
                cases.append(pytest.param(function, tuple(map(strided, args)),
                                          id=f"{name}-strided"))
    return cases


def check(function: Any, args: tuple[Any, ...]) -> None:
    agree(function, args)
