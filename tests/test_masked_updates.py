"""Updates of what a mask picks: what is not picked keeps its bits, and nobody hears of it."""

import warnings

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.entry import flagged

R = np.random.default_rng(3)


def logs(a, m):
    a[m] = np.log(a[m]) / a[m]


def roots(a, m):
    a[m] = 1 / np.sqrt(a[m] - 0.5)


def two(a, m):
    b = a * 2
    a[m] = a[m] + b[m]
    b[~m] -= a[~m]
    return b, a[m]


def rows(a, m):
    c = np.ones((len(a), 3))
    c[m] = c[m] * np.arange(3.0) + 1
    c[m] += a[m][:, None]
    return c


def iterated(a, m):
    z = a + 0j
    count = np.zeros(len(a), np.int64)
    for _ in range(12):
        inside = abs(z) < 2
        z[inside] = z[inside]**2 + a[inside]
        count[inside] += 1
    return z, count


@pytest.mark.parametrize("f", [logs, roots, two, rows, iterated])
def test_updates(f):
    for n in (1, 50):
        a = R.uniform(-3, 3, n)
        if n > 1:
            a[::7] = 0, np.inf, -np.inf, np.nan, 1e300, -0.0, 5e-324, 2
        for m in (a > 1, a > 5, np.isfinite(a)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(f, a, m)


def test_what_is_not_picked_warns_nobody():
    a = np.array([0.0, -1.0, np.inf, 2.0, 0.5, 1e-320])
    jitted = hotloop.jit(roots)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            got, want = a.copy(), a.copy()
            jitted(got, a == 2)
            roots(want, a == 2)
            np.testing.assert_array_equal(got, want)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        jitted(a, a == 0.5)


def inverse(x):
    return np.log(x) / x


def branches(x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        d = x[i] - 0.5
        if d > 0:
            out[i] = 1.0 / d
            if d > 1:
                out[i] += np.sqrt(d - 1)
    return out


def chosen(x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        d = x[i] - 0.5
        v = np.log(d) if d > 0 else -1.0
        out[i] = v if d == 0 else v / d
    return out


@pytest.mark.parametrize("f", [inverse, branches, chosen])
def test_lanes_that_are_not_active_raise_no_flag(f, monkeypatch):
    """The rest of a loop, and branches that not all lanes take: looking into flags takes longer
    than short loops."""
    looks = []
    look = flagged.Flagged.look
    monkeypatch.setattr(flagged.Flagged, "look",
                        lambda *args: looks.append(args) or look(*args))
    jitted = hotloop.jit(f, cache=False)
    for n in (67, 1, 64):
        x = np.linspace(0.25, 2, n)
        x[n // 3] = 0.5
        for _ in range(2):
            np.testing.assert_allclose(jitted(x), f(x), rtol=1e-15)
    assert not looks
    if f is inverse:
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            jitted(np.array([1.0, 0.0, 2.0] * 7))


def test_the_arm_that_is_taken_warns():
    def f(x):
        return np.log(x) if x >= 0 else 0.0 * x
    jitted = hotloop.jit(f)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert jitted(np.float64(0.0)) == -np.inf
    assert jitted(np.float64(-1.0)) == 0
