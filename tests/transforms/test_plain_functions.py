"""Derivatives of plain functions against differences, batches against stacks of single calls."""

import copy

import numpy as np
import pytest
from plain_functions import FUNCTIONS

import hotloop
from hotloop.frontend.trees import flatten
from hotloop.testing import check_grads

NAMES = [f.__name__ for f, _ in FUNCTIONS]


def is_float(x):
    leaves = flatten(x).leaves
    return bool(leaves) and all(np.asarray(v).dtype.kind == "f" for v in leaves)


def dot(a, b):
    return sum(np.sum(np.asarray(x) * np.asarray(y)) for x, y in zip(a, b, strict=True))


def along(f, args, wanted, direction, h):
    """f at the arguments moved by h along a direction, as plain Python."""
    args = copy.deepcopy(list(args))
    for k in wanted:
        tree = flatten(args[k])
        args[k] = tree.build([type(x)(x + h * d) if not isinstance(x, np.ndarray) else x + h * d
                              for x, d in zip(tree.leaves, direction[k], strict=True)])
    return f(*args)


@pytest.mark.parametrize("f, args", FUNCTIONS, ids=NAMES)
def test_gradient(f, args):
    """Against differences along a direction; the value, and what becomes of the arguments."""
    wanted = tuple(k for k, x in enumerate(args) if is_float(x))
    given, plain = copy.deepcopy(args), copy.deepcopy(args)
    value, grads = hotloop.value_and_grad(f, wanted)(*given)
    expected = f(*plain)
    np.testing.assert_allclose(value, expected, rtol=1e-6 if f.__name__.startswith("single")
                               else 1e-12)
    assert type(value) is type(expected)
    for x, y in zip(flatten(list(given)).leaves, flatten(list(plain)).leaves, strict=True):
        if isinstance(x, np.ndarray):
            np.testing.assert_allclose(x, y, rtol=1e-12)        # f ran once
    rng = np.random.default_rng(1)
    direction = {}
    for k, g in zip(wanted, grads, strict=True):
        tree = flatten(args[k])
        for leaf, of in zip(flatten(g).leaves, tree.leaves, strict=True):
            assert type(leaf) is type(of)
            assert np.asarray(leaf).dtype == np.asarray(of).dtype
            assert np.shape(leaf) == np.shape(of)
        direction[k] = [rng.standard_normal(np.shape(x)).astype(np.asarray(x).dtype)[()]
                        for x in tree.leaves]
    h, limit = (1e-2, 1e-2) if f.__name__.startswith("single") else (1e-5, 1e-6)
    want = (along(f, args, wanted, direction, h) - along(f, args, wanted, direction, -h)) / (2 * h)
    got = sum(dot(flatten(g).leaves, direction[k]) for k, g in zip(wanted, grads, strict=True))
    assert abs(got - want) < limit * max(1.0, abs(want))
    forward = hotloop.jvp(f, copy.deepcopy(args), tuple(
        flatten(x).build(direction[k]) if k in wanted else None for k, x in enumerate(args)))[1]
    assert abs(forward - got) < (1e-4 if f.__name__.startswith("single") else 1e-10) * max(
        1.0, abs(got))


SECOND = ["sum_of_squares", "horner", "newton_root", "branches_in_loop", "changes_argument",
          "heat_in_place", "histogram", "rnn", "solves", "runge_kutta", "fills_array"]


@pytest.mark.parametrize("name", SECOND)
def test_second_derivatives(name):
    f, args = FUNCTIONS[NAMES.index(name)]
    args = tuple(x for x in args if is_float(x)) if name != "histogram" else args
    if name == "runge_kutta":
        args = (*args, 20)
    check_grads(f, copy.deepcopy(args), order=2, tolerance=1e-4)


BATCHED = [n for n in NAMES if n not in ("static_arguments",)]


@pytest.mark.parametrize("name", BATCHED)
def test_batches(name):
    """vmap of the function and of its gradient is the stack of single calls."""
    f, args = FUNCTIONS[NAMES.index(name)]
    wanted = tuple(k for k, x in enumerate(args) if is_float(x))
    rows = [[flatten(x).build([_scaled(v, 1 + 0.02 * r) for v in flatten(x).leaves])
             if k in wanted else x for k, x in enumerate(copy.deepcopy(args))] for r in range(3)]
    stacked = [flatten(x).build([np.stack([np.asarray(flatten(rows[r][k]).leaves[i])
                                           for r in range(3)])
                                 for i in range(len(flatten(x).leaves))])
               if k in wanted else x for k, x in enumerate(args)]
    axes = tuple(0 if k in wanted else None for k in range(len(args)))
    both = hotloop.vmap(hotloop.value_and_grad(f, wanted), in_axes=axes)
    values, grads = both(*copy.deepcopy(stacked))
    for r in range(3):
        value, grad = hotloop.value_and_grad(f, wanted)(*copy.deepcopy(rows[r]))
        np.testing.assert_allclose(values[r], value, rtol=1e-5 if "single" in name else 1e-11)
        for a, b in zip(flatten(grads).leaves, flatten(grad).leaves, strict=True):
            np.testing.assert_allclose(a[r], b, rtol=1e-4 if "single" in name else 1e-9,
                                       atol=1e-9)


def _scaled(x, by):
    return type(x)(x * by) if not isinstance(x, np.ndarray) else (x * by).astype(x.dtype)




