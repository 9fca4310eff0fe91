"""Derivatives by differences, and how far they can be trusted: what gradients are compared with.

    found = gradients(g, (np.ones(3), 0.5), (0,))       # [Slopes(value=..., doubt=...)]
    close([grad(g)(np.ones(3), 0.5)], found)            # AssertionError names a wrong element

Central differences with two steps; where the two, or the slopes on both sides, are not the same the
function is not smooth, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.record import record

STEP = 2e-4
KINK = 1e-2
TOLERANCE = 2e-5


@record
class Slopes:
    """Derivatives of a number by the elements of an argument; `doubt` is infinite at kinks."""
    value: np.ndarray
    doubt: np.ndarray


def gradients(g: Callable[..., float], args: Sequence[Any], which: Sequence[int]) -> list[Slopes]:
    """The gradient of `g` by each argument in `which` (floats and arrays of them)."""
    return [_by_one(g, args, number) for number in which]


def along(g: Callable[..., Any], args: Sequence[Any], directions: Sequence[Any]) -> Slopes:
    """The derivative of `g`, a number or array, where all arguments move at once."""
    def moved(step: float) -> np.ndarray:
        return np.asarray(g(*[np.copy(a) + step * np.asarray(d) if np.ndim(a) else a + step * d
                              for a, d in zip(args, directions, strict=True)]), float)
    return _slopes(moved)


def _by_one(g: Callable[..., float], args: Sequence[Any], number: int) -> Slopes:
    x = np.asarray(args[number], float)
    values, doubts = np.zeros(x.shape), np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        def moved(step: float, place: tuple[int, ...] = place) -> np.ndarray:
            new = x.copy()
            new[place] += step
            given = [np.copy(a) if np.ndim(a) else a for a in args]
            given[number] = new if new.ndim else float(new)
            return np.asarray(g(*given), float)
        found = _slopes(moved)
        values[place], doubts[place] = found.value, found.doubt
    return Slopes(values, doubts)


def _slopes(moved: Callable[[float], np.ndarray]) -> Slopes:
    with np.errstate(all="ignore"):
        here, (far, near) = moved(0.0), ((moved(h), moved(-h)) for h in (STEP, STEP / 4))
        wide, value = (far[0] - far[1]) / (2 * STEP), (near[0] - near[1]) / (STEP / 2)
        sides = (near[0] - here) / (STEP / 4), (here - near[1]) / (STEP / 4)
        scale = 1 + np.abs(value)
        doubt = 4 * np.abs(value - wide) + 1e-9 * np.abs(here) / STEP
        rough = (np.abs(sides[0] - sides[1]) > KINK * scale) | ~np.isfinite(value + wide + here)
    return Slopes(value, np.where(rough, np.inf, doubt))


def close(got: Any, expected: Sequence[Slopes]) -> None:
    """Raise AssertionError if a derivative is not what differences say."""
    assert len(got) == len(expected), f"length {len(got)} instead of {len(expected)}"
    for number, (one, slopes) in enumerate(zip(got, expected, strict=True)):
        one = np.asarray(one)
        assert one.shape == slopes.value.shape, f"shape {one.shape} of derivative {number}"
        sure = np.isfinite(slopes.doubt)
        scale = 1 + np.max(np.abs(slopes.value[sure]), initial=0.0)
        with np.errstate(all="ignore"):
            wrong = sure & ~(np.abs(one - slopes.value) <= TOLERANCE * scale + slopes.doubt)
        assert not wrong.any(), f"derivative {number}: {one!r} instead of {slopes.value!r}"


def stacked(found: Sequence[Any]) -> Any:
    """The results of single calls as `vmap` gives them."""
    if isinstance(found[0], tuple):
        return tuple(map(stacked, zip(*found, strict=True)))
    return np.stack([np.asarray(one) for one in found])


def alike(got: Any, expected: Any) -> None:
    """Raise AssertionError if two numbers, arrays or tuples of them differ by more than rounding
    in another order."""
    if isinstance(expected, tuple):
        assert isinstance(got, tuple) and len(got) == len(expected), f"{got!r}"
        for one, other in zip(got, expected, strict=True):
            alike(one, other)
        return
    one, other = np.asarray(got), np.asarray(expected)
    assert one.shape == other.shape, f"shape {one.shape} instead of {other.shape}"
    assert one.dtype == other.dtype, f"dtype {one.dtype} instead of {other.dtype}"
    finite = other[np.isfinite(other)] if other.dtype.kind == "f" else other
    scale = float(np.max(np.abs(finite), initial=0.0))
    assert np.allclose(one, other, rtol=1e-9, atol=1e-10 * scale, equal_nan=True), (
        f"{one!r} instead of {other!r}")
