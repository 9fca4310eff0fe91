"""Functions of scipy.special in compiled code, if SciPy is there."""

import numpy as np
import pytest

from hotloop import jit

special = pytest.importorskip("scipy.special")

X = np.array([-700.0, -3.0, -0.5, 0.0, 1e-20, 0.3, 0.5, 0.500001, 0.9, 1.0, 2.5, 40.0, np.inf,
              -np.inf, np.nan])


def check(function, *args, tolerance=1e-14):
    jitted = jit(function, cache=False)
    got, expected = jitted(*args), function(*args)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=0)
    assert type(got) is type(expected) and got.dtype == expected.dtype
    assert not [k for k in jitted.cache_info().calls if k.startswith("python")]


@pytest.mark.parametrize("name", ["erf", "erfc", "expit", "logit", "gamma", "gammaln", "digamma",
                                  "erfinv", "ndtr", "i0", "entr", "exprel"])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_unary(name, dtype):
    uf = getattr(special, name)
    tolerance = 1e-14 if dtype == "f8" else 2e-6
    check(lambda x: uf(x), X.astype(dtype), tolerance=tolerance)
    check(lambda x: uf(x[5]), X.astype(dtype), tolerance=tolerance)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "beta", "gammainc", "jv", "binom"])
def test_binary(name):
    uf = getattr(special, name)
    x, y = (g.ravel() for g in np.meshgrid(X[3:11], X[3:11]))
    check(lambda x, y: uf(x, y), x, y)
    check(lambda x: uf(x, 2.0), X[3:11])


def test_complex_loops_are_called_back():
    check(lambda z: special.erf(z), np.array([1 + 2j, 0.5j]))


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_functions(name):
    f = getattr(special, name)
    a = np.array([[1.0, 2.0, -700.0], [1000.0, 3.0, 2.0], [-np.inf, 1.0, 0.0]])
    check(lambda x: f(x, axis=1), a)
    check(lambda x: f(x, axis=0), a)
    check(lambda x: f(x), a)


def test_in_loops():
    def total(x):
        s = 0.0
        for v in x:
            s += special.erf(v) + special.gammaln(v + 1.0)
        return s

    x = np.linspace(0.1, 3.0, 50)
    assert abs(jit(total)(x) - total(x)) < 1e-11
