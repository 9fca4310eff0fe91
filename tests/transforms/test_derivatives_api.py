"""What `grad` and its like take and give: structures, kinds, options, nesting, errors."""

import copy
import dataclasses
import gc
import math
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.runtime import recent
from hotloop.testing import check_grads

X = np.array([0.5, 1.0, 2.0])


def cubes(x):
    return np.sum(x ** 3)


# ---- kinds and structures

@pytest.mark.parametrize("x", [2.0, np.float64(2.0), np.float32(2.0), np.array(2.0),
                               np.array([1.0, 2.0]), np.ones((2, 1), np.float32), np.zeros(0)])
def test_a_gradient_has_the_type_of_its_argument(x):
    got = hotloop.grad(lambda x: np.sum(x * x * 1))(x)
    assert type(got) is type(x)
    np.testing.assert_array_equal(got, 2 * x)
    assert np.asarray(got).dtype == np.asarray(x).dtype


@dataclasses.dataclass(frozen=True)
class Model:
    w: np.ndarray
    b: float

    def __call__(self, x):
        return x @ self.w + self.b


class Pair(NamedTuple):
    a: float
    b: np.ndarray


def test_trees():
    g = hotloop.grad(lambda p: p["m"](X) * p["p"].a + np.sum(p["p"].b) + p["t"][0][0])(
        {"m": Model(X, 1.0), "p": Pair(2.0, X), "t": ([3.0], None)})
    assert list(g) == ["m", "p", "t"]
    assert type(g["m"]) is Model and type(g["m"].b) is float
    np.testing.assert_allclose(g["m"].w, 2 * X)
    assert type(g["p"]) is Pair and g["p"].a == pytest.approx(X @ X + 1)
    np.testing.assert_allclose(g["p"].b, np.ones(3))
    assert g["t"] == ([1.0], None)


@dataclasses.dataclass
class Particle:
    x: float
    v: float = 1.0

    @property
    def energy(self):
        return 0.5 * self.v ** 2 - 1 / math.hypot(self.x, 1.0)

    def step(self, dt):
        self.v -= self.x * dt
        self.x += self.v * dt


def test_objects_with_properties_that_change():
    def run(p, n):
        p = Particle(p.x, p.v)
        for _ in range(n):
            p.step(0.1)
        return p.energy
    check_grads(run, (Particle(1.0, 0.5), 5), order=1)


def test_lists_of_run_time_length():
    def positive(x):
        found = [v * v for v in x if v > 0.6]
        return np.sum(np.array(found)), found
    g, found = hotloop.grad(positive, has_aux=True)(X)
    np.testing.assert_array_equal(g, [0.0, 2.0, 4.0])
    assert found == [1.0, 4.0]
    with pytest.raises(UnsupportedError, match="derivative of a list of run-time length"):
        hotloop.jvp(positive, (X,), (X,))


def test_argnums():
    def f(a, b, *, c=1.0):
        return a * b * b * c
    assert hotloop.grad(f, 1)(2.0, 3.0) == 12.0
    assert hotloop.grad(f, (1, 0))(2.0, 3.0) == (12.0, 9.0)
    assert hotloop.grad(f, "b")(2.0, 3.0) == 12.0
    assert hotloop.grad(f, ("a", "c"))(2.0, 3.0, c=5.0) == (45.0, 18.0)
    assert hotloop.grad(f, -1)(2.0, b=3.0) == 12.0
    with pytest.raises(TypeError, match="argnums names 'z', but the call has 3 arguments: a, b, c"):
        hotloop.grad(f, "z")(2.0, 3.0)
    with pytest.raises(TypeError, match="argnums is a position"):
        hotloop.grad(f, ())


def test_auxiliary_results():
    def f(x):
        return np.sum(x * x), {"x": x, "n": len(x), "name": "f"}
    g, aux = hotloop.grad(f, has_aux=True)(X)
    np.testing.assert_array_equal(g, 2 * X)
    assert aux["x"] is X and aux["n"] == 3 and aux["name"] == "f"
    (value, aux), g = hotloop.value_and_grad(f, has_aux=True)(X)
    assert value == np.sum(X * X) and aux["n"] == 3
    y, dy, aux = hotloop.jvp(f, (X,), (X,), has_aux=True)
    assert dy == 2 * y and aux["n"] == 3
    y, pullback, aux = hotloop.vjp(f, X, has_aux=True)
    np.testing.assert_array_equal(pullback(1.0)[0], 2 * X)
    assert hotloop.jacrev(f, has_aux=True)(X)[1]["n"] == 3


def test_methods_and_closures():
    class Counter:
        def __init__(self):
            self.w = np.ones(3)

        def loss(self, x):
            return np.sum(self.w * x * x)
    c = Counter()
    g = hotloop.grad(c.loss)
    np.testing.assert_array_equal(g(X), 2 * X)
    c.w = 2 * np.ones(3)
    np.testing.assert_array_equal(g(X), 4 * X)
    scale = np.full(3, 3.0)
    np.testing.assert_array_equal(hotloop.grad(lambda x: np.sum(scale * x))(X), scale)


def test_a_captured_array_is_constant():
    np.testing.assert_array_equal(hotloop.grad(lambda t: np.sum(t * X))(X), X)
    both = hotloop.jit(lambda x: hotloop.grad(lambda t: np.sum(t * x))(x))
    np.testing.assert_array_equal(both(X), X)


def test_int_where_the_loop_does_not_run():
    def total(x):
        s = 0
        for v in x:
            s += v
        return s
    value, g = hotloop.value_and_grad(total)(np.zeros(0))
    assert value == 0 and type(value) is int and g.shape == (0,)
    value, g = hotloop.value_and_grad(total)(X)
    assert type(value) is np.float64


# ---- effects

def test_effects_happen_once(capsys):
    def f(x, log):
        print("called with", x[0])
        x[0] = 7.0
        log[0] = len(x)
        return np.sum(x * x)
    x, log = X.copy(), [0]
    g = hotloop.grad(f)(x, log)
    assert capsys.readouterr().out == "called with 0.5\n"
    assert x[0] == 7.0 and log == [3]
    np.testing.assert_array_equal(g, [0.0, 2.0, 4.0])


def test_a_changed_argument_inside_of_compiled_code():
    @hotloop.jit
    def f(x):
        def inner(t):
            t *= 2.0
            return np.sum(t ** 2)
        return hotloop.grad(inner)(x), x.sum()
    x = X.copy()
    g, total = f(x)
    np.testing.assert_array_equal(g, 8 * X)
    np.testing.assert_array_equal(x, 2 * X)
    assert total == 2 * X.sum()


def test_a_changed_argument_that_is_reached_twice_is_refused():
    def f(a, b):
        a[0] = b[1]
        return np.sum(a)
    x = X.copy()
    with pytest.raises(UnsupportedError, match="pass a copy"):
        hotloop.grad(f)(x, x)
    np.testing.assert_array_equal(hotloop.grad(f)(x, x.copy()), [0.0, 1.0, 1.0])


def test_errors_of_the_function_are_raised():
    def f(x, k):
        if x[0] > 1:
            raise ValueError("too large")
        return x[k]
    with pytest.raises(ValueError, match="too large"):
        hotloop.grad(f)(np.array([2.0]), 0)
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        hotloop.grad(f)(np.array([0.5, 0.5]), 5)


# ---- directions

def test_jvp():
    y, dy = hotloop.jvp(lambda x, n: {"y": x * n, "n": n}, (X, 3), (X, None))
    np.testing.assert_array_equal(dy["y"], 3 * X)
    assert dy["n"] is None and y["n"] == 3
    assert hotloop.jvp(lambda x: x * x, (3.0,), (1,))[1] == 6.0


def test_vjp_and_linearize_keep_the_point():
    x = X.copy()
    y, pullback = hotloop.vjp(lambda x, k: (x * x, k), x, 2)
    _, pushforward = hotloop.linearize(lambda x: x * x, x)
    x[:] = 0
    np.testing.assert_array_equal(pullback((np.ones(3), None))[0], 2 * X)
    assert pullback((np.ones(3), None))[1] is None
    np.testing.assert_array_equal(pushforward(np.ones(3)), 2 * X)
    np.testing.assert_array_equal(y[0], X * X)
    with pytest.raises(TypeError, match="one cotangent"):
        pullback(1.0, 2.0)


def test_the_first_half_runs_once(capsys):
    def f(x):
        print("once")
        for v in x:
            v *= 1.0
        return np.sum(x * np.random.normal(size=3)) * x[0]
    y, pullback = hotloop.vjp(f, X)
    a, b = pullback(1.0)[0], pullback(1.0)[0]
    assert capsys.readouterr().out == "once\n"
    np.testing.assert_array_equal(a, b)
    assert a @ X == pytest.approx(2 * y)            # of the same draws: f is quadratic


def test_halves_given_back():
    f = hotloop.jit(lambda x, n: {"half": hotloop.vjp(lambda x: x[:n] ** 2, x)[1], "n": n})
    half = f(X, 2)["half"]
    np.testing.assert_array_equal(half(np.ones(2))[0], [1.0, 2.0, 0.0])
    with pytest.raises(ValueError, match="the tangent of the result has size 3"):
        half(np.ones(3))
    np.testing.assert_array_equal(hotloop.grad(lambda ct: np.sum(half(ct)[0]))(np.ones(2)),
                                  2 * X[:2])
    _, push = hotloop.linearize(lambda x, k: (np.sin(x) * k, k), X, 3)
    for k in range(3):
        got, none = push(np.eye(3)[k], None)
        np.testing.assert_allclose(got, 3 * np.cos(X) * np.eye(3)[k])
        assert none is None
    _, pullback = hotloop.vjp(lambda p: p["a"] * p["b"], {"a": 2.0, "b": np.float32(3)})
    assert pullback(1.0) == ({"a": 3.0, "b": np.float32(2)},)


def test_halves_in_compiled_code():
    @hotloop.jit
    def f(x, n):
        y, pullback = hotloop.vjp(cubes, x)
        total = np.zeros(3)
        for k in range(n):
            total += pullback(float(k))[0]
        value, push = hotloop.linearize(np.sin, x)
        return y, total, push(value)
    _, total, dy = f(X, 4)
    np.testing.assert_allclose(total, 6 * 3 * X ** 2)
    np.testing.assert_allclose(dy, np.cos(X) * np.sin(X))


# ---- matrices of derivatives

def test_jacobians():
    def f(x, s):
        return {"a": np.cumsum(x) * s, "b": x[0] * x[1]}
    want = np.tril(np.ones((3, 3))) * 2.0
    for jacobian in (hotloop.jacfwd, hotloop.jacrev):
        got = jacobian(f, (0, 1))(X, 2.0)
        np.testing.assert_allclose(got["a"][0], want)
        np.testing.assert_allclose(got["a"][1], np.cumsum(X))
        np.testing.assert_allclose(got["b"][0], [1.0, 0.5, 0.0])
        assert got["b"][1] == 0.0
        assert jacobian(lambda x: x * x)(3.0) == 6.0
        shaped = jacobian(lambda a: a.T @ a)(np.arange(6.0).reshape(3, 2))
        assert shaped.shape == (2, 2, 3, 2)
    np.testing.assert_allclose(hotloop.jacfwd(lambda a: a.T @ a)(np.arange(6.0).reshape(3, 2)),
                               hotloop.jacrev(lambda a: a.T @ a)(np.arange(6.0).reshape(3, 2)))


def test_hessians():
    def f(x):
        s = 1.0
        for k in range(len(x) - 1):
            s *= np.sin(x[k]) * x[k + 1]
        return s
    want = hotloop.hessian(f)(X)
    np.testing.assert_allclose(want, want.T)
    for outer in (hotloop.jacfwd, hotloop.jacrev):
        for inner in (hotloop.jacfwd, hotloop.jacrev):
            np.testing.assert_allclose(outer(inner(f))(X), want, atol=1e-14)
    v = np.array([1.0, -1.0, 0.5])
    product, = hotloop.hvp(f, (X,), (v,))
    np.testing.assert_allclose(product, want @ v)
    pair = hotloop.hessian(lambda x, y: x * x * y, (0, 1))(2.0, 3.0)
    assert pair == ((6.0, 4.0), (4.0, 0.0))


# ---- nesting

def test_orders_and_nesting():
    f = hotloop.jit(lambda x: x ** 5)
    g = f
    for want in (5 * 16.0, 20 * 8.0, 60 * 4.0, 120 * 2.0):
        g = hotloop.grad(g)
        assert g(2.0) == pytest.approx(want)
    assert hotloop.jit(hotloop.grad(f))(2.0) == 80.0
    assert hotloop.grad(hotloop.jit(hotloop.grad(f)))(2.0) == 160.0

    def outer(x):
        return hotloop.grad(lambda y: x * y * y)(x) * x         # 2 x**3
    assert hotloop.grad(outer)(3.0) == 54.0


def test_all_orders_of_transforms():
    def f(x):
        s = 0.0
        for v in x:
            if v > 0.8:
                s += np.sin(v) * x[0]
        return s
    rows = np.stack([X, X + 0.1])
    single = np.stack([hotloop.grad(f)(r) for r in rows])
    np.testing.assert_allclose(hotloop.vmap(hotloop.grad(f))(rows), single)
    np.testing.assert_allclose(hotloop.grad(lambda a: np.sum(hotloop.vmap(f)(a)))(rows), single)
    np.testing.assert_allclose(hotloop.jit(hotloop.vmap(hotloop.jacrev(f)))(rows), single)
    both = hotloop.vmap(hotloop.hessian(f))(rows)
    for k in range(2):
        np.testing.assert_allclose(both[k], hotloop.hessian(f)(rows[k]), atol=1e-14)
    np.testing.assert_allclose(
        hotloop.jvp(hotloop.vmap(f), (rows,), (rows,))[1],
        [single[0] @ rows[0], single[1] @ rows[1]])


def test_gradient_descent_in_compiled_code():
    @hotloop.jit
    def fit(x, y, steps):
        w = np.zeros(x.shape[1])
        for _ in range(steps):
            w -= 0.2 * hotloop.grad(lambda w: np.mean((x @ w - y) ** 2))(w)
        return w
    x = np.random.default_rng(0).normal(size=(30, 3))
    np.testing.assert_allclose(fit(x, x @ X, 200), X, atol=1e-6)


def test_made_again_at_each_call():
    """`grad(f)(x)` in a loop compiles once."""
    hotloop.grad(cubes)(X)
    assert hotloop.grad(cubes).cache_info().specializations == 1
    before = hotloop.grad(cubes).cache_info().seconds
    hotloop.grad(cubes)(X + 1)
    assert hotloop.grad(cubes).cache_info().seconds == before
    grads = [hotloop.grad(lambda x, k=k: np.sum(x * k))(X) for k in (2.0, 3.0)]
    np.testing.assert_array_equal(grads, [[2.0] * 3, [3.0] * 3])


def test_what_functions_hold_is_not_kept_for_long():
    held = []
    for k in range(20):
        x = np.full(3, float(k))
        held.append(weakref.ref(x))
        assert hotloop.grad(lambda y, x=x: np.sum(x * y))(X)[0] == k
        assert hotloop.grad(lambda y: np.sum(y * k))(X)[0] == k     # noqa: B023
    del x
    gc.collect()
    assert sum(r() is not None for r in held) <= 2 * recent.FEW
    x0 = X
    assert recent.light(cubes) and not recent.light(lambda y: y * x0)
    assert recent.light(lambda y, n=3: cubes(y) * n)


# ---- hints and rules of the user's

def test_stop_gradient():
    assert hotloop.grad(lambda x: x * hotloop.stop_gradient(x))(3.0) == 3.0
    assert hotloop.stop_gradient({"x": 2.0}) == {"x": 2.0}
    np.testing.assert_array_equal(
        hotloop.grad(lambda x: np.sum(x * hotloop.stop_gradient((x, "s"))[0]))(X), X)


def test_checkpoint():
    @hotloop.checkpoint
    def step(x, k):
        for _ in range(k):
            x = np.sin(x) * x
        return x
    def f(x):
        return np.sum(step(step(x, 3), k=2))
    check_grads(f, (X,))
    np.testing.assert_allclose(step(X, 0), X)


def test_custom_jvp():
    @hotloop.custom_jvp
    def root(a, n):
        x = a
        for _ in range(n):
            x = 0.5 * (x + a / x)
        return x

    @root.defjvp
    def rule(primals, tangents):
        (a, n), (t, none) = primals, tangents
        assert none is None
        y = root(a, n)
        return y, t / (2 * y)
    assert root(4.0, 30) == 2.0
    assert hotloop.grad(root)(4.0, 30) == 0.25
    assert hotloop.grad(root)(4.0, 1) == 1 / (2 * 2.5)           # the rule, not the iteration
    assert hotloop.grad(hotloop.grad(root))(4.0, 30) == pytest.approx(-0.25 * 4 ** -1.5)
    assert hotloop.jvp(root, (4.0, 30), (2.0, None))[1] == 0.5
    np.testing.assert_allclose(hotloop.vmap(hotloop.grad(root), in_axes=(0, None))(
        np.array([4.0, 9.0]), 30), [1 / 4, 1 / 6])


def test_custom_vjp():
    @hotloop.custom_vjp
    def f(x, s):
        return x * s
    f.defvjp(lambda x, s: (x * s, (x, s)),
             lambda saved, ct: (np.clip(ct * saved[1], -1, 1), None))
    np.testing.assert_array_equal(f(X, 2.0), 2 * X)
    gx, gs = hotloop.grad(lambda x, s: np.sum(f(x, s) * 3), (0, 1))(X, 2.0)
    np.testing.assert_array_equal(gx, np.ones(3))
    assert gs == 0.0
    with pytest.raises(UnsupportedError, match="use custom_jvp"):
        hotloop.jvp(f, (X, 2.0), (X, 1.0))


# ---- errors

@pytest.mark.parametrize("f, x, message", [
    (lambda x: x, 3, "x is an int: convert it"),
    (lambda x: np.sum(x), np.arange(3), "x is an array of int64"),
    (lambda x: x["a"], {"a": 1.0, "n": 2}, r"x\['n'\] is an int"),
    (lambda x: x.sum, "text", "x is a str"),
    (lambda x: x * 2, X, "returns an array of rank 1: sum it, or use jacrev or vjp"),
    (lambda x: (x, x), 1.0, "returns a tuple: with has_aux=True"),
    (lambda x: None, 1.0, "returns a NoneType"),
    (lambda x: int(x), 1.0, "returns an int"),
    (lambda x: x * 1j, 1.0, "real float number, but it returns a complex"),
])
def test_wrong_arguments_and_results(f, x, message):
    with pytest.raises(TypeError, match=message):
        hotloop.grad(f)(x)


def test_wrong_tangents():
    with pytest.raises(ValueError, match="axis 0 of the tangent of x has size 2, that of"):
        hotloop.jvp(lambda x: x, (X,), (X[:2],))
    with pytest.raises(ValueError, match="has rank 0, the value rank 1"):
        hotloop.jvp(lambda x: x, (X,), (1.0,))
    with pytest.raises(TypeError, match="is an array of float32, the value an array of float64"):
        hotloop.jvp(lambda x: x, (X,), (X.astype(np.float32),))
    with pytest.raises(TypeError, match="1 tangents for 2 arguments"):
        hotloop.jvp(lambda x, y: x, (X, X), (X,))
    with pytest.raises(TypeError, match="0 tangents for 1 values"):
        hotloop.jvp(lambda x: x, (X,), (None,))
    with pytest.raises(TypeError, match="takes a function"):
        hotloop.grad(3.0)


def test_what_has_no_derivative():
    def f(x):
        return np.sum(np.abs(np.roots(x)))
    with pytest.raises(UnsupportedError, match="the derivative of roots is not known"):
        hotloop.grad(f)(X)


def test_what_can_not_be_compiled_does_not_run_as_python():
    with pytest.raises(UnsupportedError, match="can't run as plain Python"):
        hotloop.grad(lambda x: x[0])(np.array([1.0, None], object))


def test_check_grads_finds_wrong_rules():
    @hotloop.custom_jvp
    def f(x):
        return x * x

    @f.defjvp
    def rule(primals, tangents):
        return f(primals[0]), 3 * primals[0] * tangents[0]
    with pytest.raises(AssertionError, match="jvp: "):
        check_grads(f, (2.0,), order=1)
    with pytest.raises(AssertionError, match="vjp: "):
        check_grads(f, (2.0,), order=1, modes=("rev",))
    with pytest.raises(ValueError, match="modes"):
        check_grads(f, (2.0,), modes=("both",))
    check_grads(lambda x, n, y: {"a": x * n, "b": (y, n)}, (X, 3, np.float32(2)), order=1)


def test_looking():
    text = repr(hotloop.make_jaxpr(hotloop.grad(np.sin))(1.0))
    assert "cos" in text and "linearize" not in text
    g = hotloop.grad(cubes)
    g(copy.copy(X))
    assert "grad(cubes)" in hotloop.explain(g)
    assert "mul" in g.lower(X).program
    assert hotloop.grad(cubes).__name__ == "grad(cubes)"


def test_holomorphic_functions():
    z = np.array([1 + 2j, 0.5 - 0.3j])
    np.testing.assert_allclose(
        hotloop.grad(lambda z: np.sum(np.exp(z) * z), holomorphic=True)(z), np.exp(z) * (1 + z))
    value, slope = hotloop.value_and_grad(lambda z: z ** 3, holomorphic=True)(1 + 2j)
    assert type(slope) is complex and abs(slope - 3 * (1 + 2j) ** 2) < 1e-12
    assert abs(value - (1 + 2j) ** 3) < 1e-12
    cubic = hotloop.grad(hotloop.grad(lambda z: z ** 4, holomorphic=True), holomorphic=True)
    assert abs(cubic(1 + 1j) - 12 * (1 + 1j) ** 2) < 1e-12
    # of others, the gradient of the real part
    assert hotloop.grad(np.conj, holomorphic=True)(2 + 3j) == hotloop.grad(np.real)(2 + 3j) == 1
    with pytest.raises(TypeError, match="say holomorphic=True"):
        hotloop.grad(lambda z: z * z)(1j)
    with pytest.raises(TypeError, match="takes complex arguments"):
        hotloop.grad(lambda x: x * 1j, holomorphic=True)(1.0)
    with pytest.raises(TypeError, match="returns a complex number"):
        hotloop.grad(abs, holomorphic=True)(1j)


def test_a_loop_instead_of_recursion():
    def tree(x, depth):
        if depth == 0:
            return np.sin(x)
        return tree(x * 0.5, depth - 1) + tree(x * 1.5, depth - 1) * x

    def as_loop(x, depth):
        total, rest = 0.0, [(x, 1.0, depth)]
        while rest:
            value, weight, left = rest.pop()
            if left == 0:
                total += weight * np.sin(value)
            else:
                rest.append((value * 0.5, weight, left - 1))
                rest.append((value * 1.5, weight * value, left - 1))
        return total
    assert abs(as_loop(0.3, 4) - tree(0.3, 4)) < 1e-14
    want = (tree(0.3 + 1e-6, 4) - tree(0.3 - 1e-6, 4)) / 2e-6
    assert abs(hotloop.jvp(as_loop, (0.3, 4), (1.0, None))[1] - want) < 1e-8
    assert abs(hotloop.grad(tree)(0.3, 4) - want) < 1e-8


def test_a_rule_given_later_replaces_the_one_that_was_compiled():
    @hotloop.custom_jvp
    def cube(x):
        return x * x * x

    def doubled(x):
        return 2.0 * cube(x)

    functions = hotloop.grad(doubled), hotloop.grad(cube), hotloop.hessian(doubled)
    within = hotloop.jit(lambda x: hotloop.grad(doubled)(x))
    assert [f(2.0) for f in (*functions, within)] == [24.0, 12.0, 24.0, 24.0]
    cube.defjvp(lambda primals, tangents: (cube(*primals), 10.0 * tangents[0]))
    assert [f(2.0) for f in (*functions, within)] == [20.0, 10.0, 0.0, 20.0]
    cube.defjvp(lambda primals, tangents: (cube(*primals), 7.0 * primals[0] * tangents[0]))
    assert [f(2.0) for f in (*functions, within)] == [28.0, 14.0, 14.0, 28.0]

    square = hotloop.custom_vjp(lambda x: x * x)
    slope = hotloop.grad(lambda x: square(x) + x)
    assert slope(3.0) == 7.0
    square.defvjp(lambda x: (x * x, x), lambda x, ct: (100.0 * x * ct,))
    assert slope(3.0) == 301.0
