"""Derivatives of functions that call themselves: both modes, twice, against differences."""

import numpy as np
import pytest

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.ir.core import walk as every


def tree(x, k, n):
    if k >= n:
        return np.sin(x[k % len(x)]) * 0.5
    return tree(x, 2 * k + 1, n) * x[k % len(x)] + np.cos(tree(x, 2 * k + 2, n))


def power(x, n):
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


def branching(x):
    return tree(x, 0, 12)


def numbers(x):
    return power(x[0] * x[1], 13) + power(x[2], 2) * power(x[2], 0)


def in_a_while(x):
    s, i = 0.0, 0
    while i < len(x):
        s += power(x[i] * s + 1.0, i + 2) * 0.1
        if s > 3.0:
            break
        i += 1
    return s


def blend(x, lo, hi):
    if hi - lo < 2:
        return
    mid = (lo + hi) // 2
    blend(x, lo, mid)
    blend(x, mid, hi)
    for k in range(mid, hi):
        x[k] = x[k] + x[mid - 1] * np.sin(x[k])


def in_place(x):
    y = x * 1.0
    blend(y, 0, len(y))
    return np.sum(y * y)


def walk(x, out, k):
    if k == 0:
        return 0.0
    out[k] += x[k] * x[k - 1]
    return walk(x, out, k - 1) * x[k] + out[k]


def array_and_number(x):
    out = np.zeros(len(x))
    v = walk(x, out, len(x) - 1)
    return v + np.sum(out * out)


def sums(x, k):
    if k == 0:
        return np.sum(x)
    t = 0.0
    for j in range(k):
        t += sums(x * 0.5, j) * np.sin(x[j])
    return t


def loops_inside(x):
    return sums(x, 3)


def even(v, n):
    return v if n == 0 else odd(v * np.cos(v), n - 1)


def odd(v, n):
    return v * 2.0 if n == 0 else even(np.sin(v) * v, n - 1)


def by_turns(x):
    return even(x[0], 5) + odd(x[1], 4)


def greatest(x):
    best = -1e9

    def visit(k, v):
        nonlocal best
        if k == len(x):
            if v > best:
                best = v
            return
        visit(k + 1, v + x[k])
        visit(k + 1, v * x[k] + 0.1)
    visit(0, 1.0)
    return best


def batched(x):
    return np.sum(hotloop.vmap(lambda v: power(v, 5))(x))


def checkpointed(x):
    return hotloop.checkpoint(lambda v: power(v[0], 3) * tree(v, 0, 3))(x) * x[1]


def complex_power(z, n):
    return z * 0 + 1 if n == 0 else complex_power(z, n - 1) * z


def complex_numbers(x):
    z = complex_power(x[0] + 1j * x[1], 3)
    return z.real * z.imag


def fourier(x):
    n = len(x)
    if n == 1:
        return x
    even, odd = fourier(x[::2]), fourier(x[1::2])
    turned = np.exp(-2j * np.pi * np.arange(n // 2) / n) * odd
    return np.concatenate([even + turned, even - turned])


def new_arrays(x):
    return np.sum(np.abs(fourier(x.astype(complex))) ** 3)


def quicksort(x):
    if len(x) < 2:
        return x
    rest = x[1:]
    return np.concatenate([quicksort(rest[rest < x[0]]), x[:1], quicksort(rest[rest >= x[0]])])


def arrays_under_a_condition(x):
    if x[0] > 0:
        x = hotloop.checkpoint(lambda x: quicksort(x) * x)(x)
    return np.sum(x ** 2 * np.arange(4.0))


def both(x, k):
    if k == 0:
        return np.sin(x), x[0] * x[1]
    (a, b), (c, d) = both(x * 0.5, k - 1), both(x + 1.0, k - 1)
    return a * c + b, d * np.sum(a)


def an_array_and_a_number(x):
    a, b = both(x, len(x) // 2)
    return np.sum(a * a) * b


def squares(x, lo, hi):
    if hi - lo == 1:
        return [x[lo] ** 2]
    mid = (lo + hi) // 2
    return squares(x, lo, mid) + squares(x, mid, hi)


def new_lists(x):
    total = 0.0
    for k, v in enumerate(squares(x, 0, len(x))):
        total += k * np.sin(v)
    return total


def differences(f, x, h):
    """d f / d x[k] as the first axis."""
    return np.stack([(8 * (f(x + h * e) - f(x - h * e)) - f(x + 2 * h * e) + f(x - 2 * h * e))
                     / (12 * h) for e in np.eye(len(x))])


@pytest.mark.parametrize("f", [
    branching, numbers, in_a_while, in_place, array_and_number, loops_inside, by_turns, greatest,
    batched, checkpointed, complex_numbers, new_arrays, arrays_under_a_condition,
    an_array_and_a_number, new_lists])
def test_derivatives(f):
    x = np.array([0.3, 0.8, 1.1, 0.5])
    np.testing.assert_allclose(hotloop.jit(f)(x), f(x), rtol=1e-13)
    want = differences(f, x, 1e-3)
    gradient = hotloop.grad(f)
    np.testing.assert_allclose(gradient(x), want, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(hotloop.jacfwd(f)(x), gradient(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(hotloop.hessian(f)(x), differences(gradient, x, 1e-3), rtol=1e-6,
                               atol=1e-8)


def test_reverse_over_reverse():
    x = np.array([0.3, 0.8, 1.1, 0.5])
    for f in (branching, in_place, an_array_and_a_number):
        np.testing.assert_allclose(hotloop.jacrev(hotloop.grad(f))(x), hotloop.hessian(f)(x),
                                   rtol=1e-11, atol=1e-12)


def test_gradients_of_lanes():
    x = np.random.default_rng(0).uniform(0.2, 1.0, (3, 4))
    np.testing.assert_allclose(hotloop.vmap(hotloop.grad(branching))(x),
                               [hotloop.grad(branching)(row) for row in x], rtol=1e-13)


def test_an_array_passed_on_without_copies():
    """The cotangent of an array is added to in place, whatever the number of calls."""
    def total(x, lo, hi):
        if hi - lo == 1:
            return np.sin(x[lo])
        mid = (lo + hi) // 2
        return total(x, lo, mid) + total(x, mid, hi)
    x = np.linspace(0.0, 1.0, 500)
    np.testing.assert_allclose(hotloop.grad(lambda x: total(x, 0, len(x)))(x), np.cos(x),
                               rtol=1e-13)
    program = hotloop.make_jaxpr(hotloop.grad(lambda x: total(x, 0, len(x))))(x).program
    functions = {e.params["function"] for e in program.eqns if e.op.name == "invoke"}
    backward = next(f for f in functions if f.__name__ == "total_cotangent")
    assert not [e for e in every(backward.program) if e.op.name == "broadcast"]


def test_too_deep():
    def down(v, n):
        return v if n == 0 else down(v * 0.999, n - 1)
    np.testing.assert_allclose(hotloop.grad(down)(1.0, 300), 0.999 ** 300)
    with pytest.raises(RecursionError):
        hotloop.grad(down)(1.0, 100_000)


def test_lists_that_get_another_length_are_refused():
    def collect(x, k, out):
        if k < len(x):
            out.append(x[k] * x[k])
            collect(x, k + 1, out)

    def f(x):
        out = []
        collect(x, 0, out)
        return sum(out)
    with pytest.raises(UnsupportedError, match="changes a list's length"):
        hotloop.grad(f)(np.ones(3))


def noisy(v, n):
    print(n)
    return v if n == 0 else noisy(v * v, n - 1)


def drawn(v, n, rng):
    return v if n == 0 else drawn(v * rng.normal(), n - 1, rng)


@pytest.mark.parametrize("f, more", [(noisy, ()), (drawn, (np.random.default_rng(0),))],
                         ids=["noisy", "drawn"])
def test_effects_that_would_be_repeated_are_refused(f, more, capsys):
    with pytest.raises(UnsupportedError, match="runs this again"):
        hotloop.grad(f)(1.1, 3, *more)
    hotloop.jvp(f, (1.1, 3, *more), (1.0, None, *[None for _ in more]))
    assert len(capsys.readouterr().out.split()) in (0, 4)
