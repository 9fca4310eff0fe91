"""Derivatives where functions have none: the conventions of docs/derivatives.md, both modes."""

import numpy as np
import pytest
from derivatives import check_forward, check_reverse, cotangents_of, one_equation, tangents_of

import hotloop
from hotloop.ir.interp import run
from hotloop.ir.text import parse
from hotloop.ops import OPS
from hotloop.transforms.jvp import jvp

INF, NAN = np.inf, np.nan


def gradients(name, *ins, **params):
    """The derivative with respect to each operand: both modes, which agree."""
    program, args = one_equation(OPS[name], [np.asarray(x)[()] for x in ins], params)
    with np.errstate(all="ignore"):
        ones = [np.ones_like(v) for v in run(program, args)]
        pulled = cotangents_of(program, args, ones)
        for k, got in enumerate(pulled):
            forward = jvp(program, [j == k for j in range(len(args))])
            pushed = run(forward, [*args, np.ones_like(args[k])])[-1]
            np.testing.assert_allclose(np.sum(pushed), np.sum(got), atol=1e-15)
    return [np.asarray(g).tolist() for g in pulled]


@pytest.mark.parametrize("name, ins, want", [
    ("abs", [0.0], [0.0]), ("abs", [-0.0], [0.0]), ("abs", [0j], [0j]),
    ("sqrt", [0.0], [INF]), ("cbrt", [0.0], [INF]), ("log", [0.0], [INF]),
    ("arcsin", [1.0], [INF]), ("arctanh", [1.0], [INF]), ("arccosh", [1.0], [INF]),
    ("maximum", [2.0, 2.0], [0.5, 0.5]), ("minimum", [2.0, 2.0], [0.5, 0.5]),
    ("maximum", [0.0, -0.0], [0.5, 0.5]),
    ("max", [2.0, 2.0], [0.5, 0.5]), ("min", [2.0, 2.0], [0.5, 0.5]),
    ("max", [3.0, NAN], [1.0, 0.0]), ("max", [2.0, 3.0], [0.0, 1.0]),
    ("min", [2.0, 3.0], [1.0, 0.0]), ("pow", [0.0, 2.0], [0.0, 0.0]),
    ("pow", [0.0, 1.0], [1.0, 0.0]), ("pow", [0.0, 0.0], [0.0, 0.0]),
    ("pow", [0.0, 0.5], [INF, 0.0]), ("pow", [2.0, 0.0], [0.0, np.log(2)]),
    ("pow", [-2.0, 3.0], [12.0, NAN]),
    ("hypot", [0.0, 0.0], [0.0, 0.0]),
    ("copysign", [0.0, -1.0], [1.0, 0.0]), ("copysign", [-3.0, 1.0], [-1.0, 0.0]),
    ("floor", [2.0], [0.0]), ("floor_divide", [4.0, 2.0], [0.0, 0.0]),
    ("remainder", [-7.0, 3.0], [1.0, 3.0]), ("fmod", [-7.0, 3.0], [1.0, 2.0]),
    ("mul", [0.0, INF], [INF, 0.0]),
])
def test_of_one_element(name, ins, want):
    np.testing.assert_array_equal(gradients(name, *ins), want)


@pytest.mark.parametrize("name, x, params, want", [
    ("reduce_max", [1.0, 3, 3, 2], {"axes": (0,)}, [0, 0.5, 0.5, 0]),
    ("reduce_min", [1.0, 3, 1, 1], {"axes": (0,)}, [1 / 3, 0, 1 / 3, 1 / 3]),
    ("reduce_max", [1.0, NAN, 3], {"axes": (0,)}, [0, 1, 0]),
    ("reduce_prod", [2.0, 0, 3], {"axes": (0,)}, [0, 6, 0]),
    ("reduce_prod", [2.0, 0, 0], {"axes": (0,)}, [0, 0, 0]),
    ("cummax", [1.0, 3, 3, 2], {"axis": 0}, [1, 3, 0, 0]),
    ("cummin", [2.0, NAN, 3], {"axis": 0}, [1, 2, 0]),
    ("sort", [3.0, 1, 3], {"axis": 0}, [1, 1, 1]),
])
def test_along_an_axis(name, x, params, want):
    np.testing.assert_array_equal(gradients(name, x, **params)[0], want)


@pytest.mark.parametrize("x", [[2.0, 0, 3], [2.0, 0, 0], [0.0, 0, 0], [0.0, 5, 0, 2]])
@pytest.mark.parametrize("name, params", [("reduce_prod", {"axes": (0,)}),
                                          ("cumprod", {"axis": 0})])
def test_products_with_zeros(x, name, params):
    """Also the second derivative: products are polynomials."""
    program, args = one_equation(OPS[name], [np.array(x)], params)
    check_forward(program, args)
    check_reverse(program, args)


def test_third_derivative_of_a_product_of_zeros():
    program, args = one_equation(OPS["reduce_prod"], [np.zeros(3)], {"axes": (0,)})
    third = jvp(jvp(jvp(program, [True]), [True] * 2), [True] * 4)
    i, j, k = np.eye(3)
    zero = np.zeros(3)
    assert run(third, [*args, i, j, zero, k, zero, zero, zero])[-1] == 1


@pytest.mark.parametrize("name", ["sqrt", "log", "cbrt"])
def test_the_branch_not_taken_leaks_nothing(name):
    """where(x > 0, sqrt(x), 0) has derivative 0 at 0, not 0 * inf, through whatever is between."""
    program = parse(f"""{{ lambda ; x:f64[]. let
        c:bool[] = gt x 0.0
        a:f64[] = mul 2.0 x
        b:f64[] = {name} a
        d:f64[] = mul b 3.0
        y:f64[] = select c d 0.0
        in (y,) }}""", OPS)
    with np.errstate(all="ignore"):
        assert tangents_of(program, [np.float64(0)], [np.float64(1)]) == [0]
        assert cotangents_of(program, [np.float64(0)], [np.float64(1)]) == [0]
    check_reverse(program, [np.float64(0.5)])


def reciprocal_distances(x):
    d = np.sqrt((x[:, None] - x[None]) ** 2)
    d[d > 0] = 1 / d[d > 0]
    return np.sum(np.triu(d, 1))


def roots_of_some(x):
    y = np.zeros(4)
    m = x > 0
    y[m] = np.sqrt(x)[m]
    return np.sum(y * y * y)


@pytest.mark.parametrize("f, x, want", [
    (reciprocal_distances, np.array([0.0, 1.0, 3.0]), [10 / 9, -3 / 4, -13 / 36]),
    (roots_of_some, np.array([0.0, 4.0, 0.0, 1.0]), [0, 3, 0, 1.5]),
])
def test_elements_that_a_mask_leaves_out_leak_nothing(f, x, want):
    np.testing.assert_allclose(hotloop.grad(f)(x), want)


@pytest.mark.parametrize("f, first, second", [
    (lambda x: np.logaddexp(x, 0.5), 0.5, 0.25),
    (lambda x: np.logaddexp2(x, 0.5), 0.5, np.log(2) / 4),
    (lambda x: np.sinc(x - 0.5), 0.0, None),
    (lambda x: np.modf(x - 2.5)[0], 1.0, 0.0),
])
def test_smooth_functions_in_pieces(f, first, second):
    """Where the pieces of a formula meet."""
    np.testing.assert_allclose(hotloop.grad(f)(0.5), first)
    if second is not None:
        np.testing.assert_allclose(hotloop.hessian(f)(0.5), second)


def test_random_numbers_are_constants():
    """x + s*u has derivative u with respect to s: the bits do not depend on anything."""
    program = parse("""{ lambda ; s:f64[] k:u64[]. let
        u:f64[] = random_uniform[stream=0] k 3
        y:f64[] = mul s u
        in (y, u) }""", OPS)
    args = [np.float64(2), np.uint64(7)]
    u = run(program, args)[1]
    assert tangents_of(program, args, [np.float64(1)]) == [u, 0]
