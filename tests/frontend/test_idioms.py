"""What code of libraries does with NumPy and Python: one test for each rule that was missing."""

import numpy as np
import pytest
from compare import check, define

A, V = np.arange(12.0).reshape(4, 3), np.array([3.0, 1.0, 2.0])
S = np.float64(2.5)


def scalars_are_indexed(s):
    return (s[()], s[None], s[...], s[..., np.newaxis],
            np.concatenate([x[..., np.newaxis] for x in [s, 2 * s]], axis=-1))


def ranges_are_arrays(a, k):
    n = len(a)
    return (a[range(n), k], a[range(2)], np.array(range(n)), np.asarray(range(1, n, 2)) * 0.5,
            np.sum(range(n)), isinstance(range(n), range))


def first_of_a_generator(v):
    return (next(i for i, x in enumerate(v) if x < 2), next((x for x in v if x > 20), -1.0),
            next((i for i, x in enumerate(v) if x > 20), None))


def no_first(v):
    return next(x for x in v if x > 20)


def stop_is_handled(v):
    try:
        found = next(x for x in v if x > 20)
    except StopIteration:
        found = -1.0
    return found


def polynomials(p, x):
    return np.polyval(p, 0.5), np.polyval(p.T, x[0]), np.polyval(p[:, 0], x)


def grids(v):
    return np.indices(len(x) for x in [v, v])


def slices_in_lists(a):
    out = np.zeros_like(a)
    index = [slice(None)] * a.ndim
    for i in range(a.shape[1]):
        index[1] = slice(max(i - 1, 0), i + 1)
        to = [slice(None)] * a.ndim
        to[1] = i
        out[tuple(to)] = np.sum(a[tuple(index)], axis=1)
    return out


def one_of_two_slices(a, k):
    part = slice(0, 2) if k > 0 else slice(1, k + 3)
    rest = slice(k, None) if k > 1 else slice(None, 1)
    return a[part].sum(), part.start, np.sum(a[rest.start:]) if k > 1 else 0.0


def requirements(a):
    return np.require(a.T, requirements=["C", "W"]), np.require(a, np.float32)


def chosen(a, b):
    return np.choose(1 if a > b else 0, [a, b]), np.choose([0, 1], [a, b])


def aranges():
    return np.arange([2.75])


def puts(a, k):
    np.put_along_axis(a, k, 0.0, axis=None)
    return a


@pytest.mark.parametrize("function,calls", [
    (scalars_are_indexed, [(S,), (np.int32(3),)]), (ranges_are_arrays, [(A, np.arange(4) % 3)]),
    (first_of_a_generator, [(V,)]), (no_first, [(V,), (V * 9,)]),
    (stop_is_handled, [(V,), (V * 9,)]), (polynomials, [(A, V)]), (grids, [(V,)]),
    (slices_in_lists, [(A,)]), (one_of_two_slices, [(V, 1), (V, 2), (V, -1)]),
    (requirements, [(A,)]), (chosen, [(S, np.float64(1)), (S, np.float64(3))]), (aranges, [()]),
    (puts, [(A, np.array([1, 2])), (V, np.array([[0]]))])],
    ids=lambda x: getattr(x, "__name__", ""))
def test_idiom(function, calls):
    jitted = None
    for args in calls:
        jitted = check(function, *args, jitted=jitted)


M = np.arange(6.0).reshape(2, 3) ** 2


@pytest.mark.parametrize("text", [
    "np.sort(v, order='x')", "np.argsort(v, order='x')", "v.sort(order='x')",
    "np.partition(v, 1, kind='x')", "np.lexsort((v[0], v[1]), axis=3)",
    "np.geomspace(1.0, 8.0, 4, axis=2)", "np.isin(v, [1, 2], kind='table')",
    "np.trapezoid(v, x=np.stack((v, v)))", "np.trapezoid(v, x=v, axis=0)",
    "np.trapezoid(v, x=v[:, 0], axis=-2)", "np.cov(v, dtype=np.int16)",
    "np.choose(v.astype(np.uint64) % 2, [v, v])", "np.choose(v > 1, [v, v * 2], mode='same')",
    "np.asarray([v[0, 0], 2.0], copy=False)", "np.cumsum(v[0, 0], axis=1)",
    "np.cumprod(v[0, 0], axis=-1)", "np.std(v, dtype=np.int16, where=v > 2)"])
def test_arguments_that_are_rarely_given(text):
    check(define(f"def f(v):\n    return {text}\n", text), M, compiled=False)
