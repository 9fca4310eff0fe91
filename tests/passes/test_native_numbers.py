"""Functions of the module math as equations: Python's values and errors."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hotloop
from tests.compare import check

INTS = st.one_of(st.integers(-40, 80), st.integers(-2**63, 2**63 - 1),
                 st.integers(0, 2**31).map(lambda x: x * x), st.sampled_from([-2**63, 2**63 - 1]))


def jitted(function):
    return hotloop.jit(function, cache=False)


gcd, gcd3 = jitted(lambda a, b: math.gcd(a, b)), jitted(lambda a, b: math.gcd(a, b, 12))
lcm, lcm3 = jitted(lambda a, b: math.lcm(a, b)), jitted(lambda a, b: math.lcm(a, b, 4))
comb, perm = jitted(lambda a, b: math.comb(a, b)), jitted(lambda a, b: math.perm(a, b))
isqrt, factorial = jitted(lambda a: math.isqrt(a)), jitted(lambda a: math.factorial(a))
all_perm = jitted(lambda a: math.perm(a))
gamma, lgamma = jitted(lambda x: math.gamma(x)), jitted(lambda x: math.lgamma(x))
ulp = jitted(lambda x: math.ulp(x))
nextafter = jitted(lambda x, y: math.nextafter(x, y))


def compare(function, *args):
    """Like Python's; what does not fit in 64 bits is an OverflowError."""
    plain = function.__wrapped__
    try:
        fits = isinstance(plain(*args), float) or -2**63 <= plain(*args) < 2**63
    except (ValueError, OverflowError):
        fits = True
    if fits:
        check(plain, *args, jitted=function)
    else:
        with pytest.raises(OverflowError, match="64 bits"):
            function(*args)


@settings(max_examples=300, deadline=None)
@given(INTS, INTS)
@example(-2**63, 0)
@example(-2**63, -2**63)
@example(-2**63, 6)
@example(0, 0)
def test_divisors(a, b):
    for function in (gcd, gcd3, lcm, lcm3):
        compare(function, a, b)


@settings(max_examples=300, deadline=None)
@given(INTS)
@example(3037000499**2)
@example(3037000499**2 - 1)
def test_roots_and_factorials(n):
    for function in (isqrt, factorial, all_perm):
        if n <= 80 or function is isqrt:
            compare(function, n)


@settings(max_examples=300, deadline=None)
@given(st.integers(-3, 80), st.integers(-3, 80))
@example(66, 33)
@example(67, 33)
@example(67, 34)
def test_counts(n, k):
    compare(comb, n, k)
    compare(perm, n, k)


def test_large_counts():
    for n, k in ((2**62, 1), (2**62, 2), (2**31, 2), (2**32, 2), (3_000_000, 3), (2**62, 2**62),
                 (2**62, 2**62 - 1), (4, 2**62)):
        compare(comb, n, k)
        if k < 100:
            compare(perm, n, k)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.floats(), st.integers(-200, 200).map(float), st.floats(-180, 180)))
def test_gamma(x):
    for function, plain in ((gamma, math.gamma), (lgamma, math.lgamma)):
        try:
            want = plain(x)
        except (ValueError, OverflowError) as error:
            with pytest.raises(type(error), match=str(error)):
                function(x)
            continue
        # near its zeros Python's own lgamma is exact to 1e-15 only
        np.testing.assert_allclose(function(x), want, rtol=1e-13, atol=1e-15)
    compare(ulp, x)
    compare(nextafter, x, 1.0)
    compare(nextafter, x, -math.inf)


def test_gamma_is_exact_to_rounding():
    x = np.concatenate([np.linspace(-5.3, 170, 400), 10.0 ** np.arange(-300, 2, 7.0)])
    got = np.array([gamma(float(v)) for v in x])
    want = np.array([math.gamma(float(v)) for v in x])
    assert np.max(np.abs(got / want - 1)) < 20 * 2.0**-52


rounds = {n: jitted(eval(f"lambda x: round(x, {n})")) for n in (1, 2, 5, 15, 22)}


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.floats(), st.floats(-1000, 1000), st.integers(-10**7, 10**7).map(
    lambda k: k / 1000), st.integers(-10**4, 10**4).map(lambda k: k / 64)))
@example(2.675)
@example(1.005)
@example(-0.001)
@example(-0.0)
@example(4503599627370497.5)
def test_decimal_rounding(x):
    """Python rounds the exact value, half to even."""
    for n, function in rounds.items():
        assert repr(function(x)) == repr(round(x, n)), (x, n)


def test_none_is_called_back():
    def all_of_them(a, b, x):
        return (math.gcd(a, b), math.lcm(a, b), math.comb(a, b), math.perm(a, b), math.isqrt(a),
                math.factorial(b), math.gamma(x), math.lgamma(x), math.ulp(x),
                math.nextafter(x, 2.0))
    function = jitted(all_of_them)
    check(all_of_them, 12, 5, 2.5, jitted=function)
    assert "call python" not in function.lower(12, 5, 2.5).loops


def test_errors_in_a_loop():
    def total(v):
        s = 0
        for x in v:
            s += math.isqrt(int(x))
        return s
    function = jitted(total)
    check(total, np.arange(9.0), jitted=function)
    check(total, -np.arange(9.0), jitted=function)
