"""Checks for tests of users' functions.

    hotloop.testing.check_grads(f, (x, 2.0), order=2)       # raises AssertionError if one is wrong
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.derivatives import jvp, vjp
from hotloop.frontend.trees import Tree, flatten

STEPS = {2: 1e-1, 4: 1e-2, 8: 1e-5}
TOLERANCES = {2: 1e-1, 4: 2e-2, 8: 1e-5}
"""By the size of a real number in bytes: relative to the largest derivative."""


def check_grads(f: Callable[..., Any], args: Sequence[Any], order: int = 2,
                modes: Sequence[str] = ("fwd", "rev"), tolerance: float | None = None,
                step: float | None = None, seed: int = 0) -> None:
    """Compare derivatives of `f` at `args` with central differences along random directions.

    `modes`: "fwd" for `jvp`, "rev" for `vjp`; both are applied to each other up to `order`. For the
    differences `f` runs as plain Python on copies: it must be smooth near `args`. Arguments and
    results are numbers, arrays and containers of them; what is not a float or complex number is
    kept as it is. Raises AssertionError naming the mode and order that are wrong.

    >>> import hotloop, numpy as np
    >>> hotloop.testing.check_grads(lambda x: np.sum(np.sin(x) ** 2), (np.arange(3.0),))
    """
    wrong = set(modes) - {"fwd", "rev"}
    if wrong or not modes:
        raise ValueError(f"modes are 'fwd' and 'rev', not {sorted(wrong)}")
    rng = np.random.default_rng(seed)
    _check(f, tuple(args), order, tuple(modes), tolerance, step, rng, "")


def _check(f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: tuple[str, ...],
           tolerance: float | None, step: float | None, rng: np.random.Generator,
           path: str) -> None:
    tree = flatten(args)
    size = min([_size(x) for x in tree.leaves if _is_float(x)], default=8)
    h = STEPS[size] if step is None else step
    limit = TOLERANCES[size] if tolerance is None else tolerance
    v = tree.build([_random(x, rng) if _is_float(x) else None for x in tree.leaves])
    plus, minus = (flatten(f(*_moved(tree, _with_none(v, tree), s))) for s in (h, -h))
    numeric = [(np.asarray(p) - np.asarray(q)) / (2 * h) if _is_float(p) else None
               for p, q in zip(plus.leaves, minus.leaves, strict=True)]
    w = [_random(x, rng) if _is_float(x) else None for x in plus.leaves]
    cotangent = plus.build(w)
    if "fwd" in modes:
        _, tangent = jvp(f, _copies(tree), v)
        for got, want in zip(_with_none(tangent, plus), numeric, strict=True):
            if want is not None:
                _close(got, want, limit, f"{path}jvp")
    if "rev" in modes:
        _, pullback = vjp(f, *_copies(tree))
        back = _with_none(pullback(cotangent), tree)
        got = sum(_dot(a, b) for a, b in zip(back, _with_none(v, tree), strict=True))
        want = sum(_dot(a, b) for a, b in zip(w, numeric, strict=True))
        scale = sum(abs(_dot(np.abs(a), np.abs(b))) for a, b in zip(w, numeric, strict=True)
                    if a is not None and b is not None)
        _close(got, want, limit * max(1.0, float(scale)), f"{path}vjp", absolute=True)
    if order > 1:
        if "fwd" in modes:
            _check(lambda *a: jvp(f, a, v)[1], args, order - 1, modes, tolerance, step, rng,
                   path + "jvp of ")
        if "rev" in modes:
            _check(lambda *a: vjp(f, *a)[1](cotangent), args, order - 1, modes, tolerance, step,
                   rng, path + "vjp of ")


def _is_float(x: Any) -> bool:
    return isinstance(x, float | complex | np.ndarray | np.generic) and np.asarray(
        x).dtype.kind in "fc"


def _size(x: Any) -> int:
    return int(np.asarray(x).real.dtype.itemsize)


def _random(x: Any, rng: np.random.Generator) -> Any:
    """A tangent of the type of `x`."""
    a = np.asarray(x)
    drawn = rng.standard_normal(a.shape)
    if a.dtype.kind == "c":
        drawn = drawn + 1j * rng.standard_normal(a.shape)
    made = np.asarray(drawn, a.dtype)
    if isinstance(x, np.ndarray):
        return made
    return made[()] if isinstance(x, np.generic) else made.item()


def _with_none(x: Any, like: Tree) -> list[Any]:
    """The leaves of `x`, which has None for some leaves of `like`."""
    found = iter(flatten(x).leaves)
    return [next(found) if _is_float(leaf) else None for leaf in like.leaves]


def _copies(tree: Tree) -> Any:
    return tree.build([x.copy() if isinstance(x, np.ndarray) else x for x in tree.leaves])


def _moved(tree: Tree, tangents: list[Any], by: float) -> Any:
    """The arguments moved along the tangents, of the same types."""
    return tree.build([
        (x.copy() if isinstance(x, np.ndarray) else x) if t is None else
        type(x)(x + by * t) if not isinstance(x, np.ndarray) else (x + by * t).astype(x.dtype)
        for x, t in zip(tree.leaves, tangents, strict=True)])


def _dot(a: Any, b: Any) -> Any:
    return 0.0 if a is None or b is None else np.sum(np.asarray(a) * np.asarray(b)).real


def _close(got: Any, want: Any, limit: float, what: str, absolute: bool = False) -> None:
    scale = 1.0 if absolute else max(1.0, float(np.max(np.abs(want), initial=0.0)))
    if not np.allclose(got, want, rtol=0.0, atol=limit * scale):
        raise AssertionError(f"{what}: {got!r} instead of {want!r}, which differences give")
