"""`fastmath`: results to rounding, the same for any number of threads; NaN and infinities stay."""

import textwrap

import numpy as np
import pytest
from compare import define

import hotloop
from hotloop import config, persist

PROGRAMS = {
    "triple": """
        def f(a, b):
            s = 1.0
            for i in range(len(b)):
                if b[i] > 0.5:
                    s = s + a[0, i] * b[i] - 2.0
                else:
                    s -= b[i] / 3.0
            return s
        """,
    "rows": """
        def f(a, b):
            total, out = 0.0, np.zeros(len(a))
            for i in range(len(a)):
                s = b[0]
                for j in range(a.shape[1]):
                    s += a[i, j] / b[1]
                    total += a[i, j] * a[i, j]
                out[i] = s
            return total, out
        """,
    "substitution": """
        def f(a, b):
            n = len(a)
            x = np.zeros(n)
            for i in range(n):
                s = b[i]
                for j in range(i):
                    s -= a[i, j] * x[j]
                x[i] = s / (n + a[i, i])
            return x
        """,
    "factor": """
        def f(a, b):
            n = len(a)
            for i in range(n):
                a[i, i] += n
                for j in range(i):
                    for k in range(j):
                        a[i, j] -= a[i, k] * a[k, j]
                    a[i, j] /= a[j, j]
                for j in range(i, n):
                    for k in range(i):
                        a[i, j] -= a[i, k] * a[k, j]
            return a
        """,
    "products": """
        def f(a, b):
            p, s = 1.0, np.float32(0)
            for i in range(len(b)):
                p = p * (1 + b[i]) / 1.5
                s += np.float32(b[i]) * np.float32(0.5)
            return p, s, (a - b.mean()) / b[3] + a * b[2]
        """,
    "complex": """
        def f(a, b):
            z = 0j
            for i in range(len(b)):
                z += a[0, i] * np.exp(1j * b[i])
            return z
        """,
}


def defined(text, name):
    return define(textwrap.dedent(text), name)


def arguments(n):
    rng = np.random.default_rng(n)
    return rng.random((n, n)), rng.random(n)


@pytest.mark.parametrize("tiers", [True, False])
@pytest.mark.parametrize("program", PROGRAMS)
def test_results_are_pythons_to_rounding(program, tiers, monkeypatch):
    monkeypatch.setattr(config, "tiers", tiers)
    python = defined(PROGRAMS[program], program)
    fast = hotloop.jit(python, fastmath=True, cache=False)
    for n in (4, 5, 8, 21, 70):
        got, want = fast(*arguments(n)), python(*arguments(n))
        for g, w in zip(got if isinstance(want, tuple) else [got],
                        want if isinstance(want, tuple) else [want], strict=True):
            assert type(g) is type(w)
            np.testing.assert_allclose(g, w, rtol=1e-4 if g.dtype == np.float32 else 1e-11)


def test_sums_are_the_same_with_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(config, "parallel", 0)
    monkeypatch.setattr(config, "tiers", False)
    fast = hotloop.jit(defined(PROGRAMS["triple"], "threads"), fastmath=True, cache=False)
    a, b = arguments(700)
    found = set()
    for threads in (1, 2, 3):
        hotloop.set_num_threads(threads)
        found.add(float(fast(a, b)))
    hotloop.set_num_threads(None)
    assert len(found) == 1


def test_nan_and_infinities_keep_their_meaning():
    python = defined("""
        def f(x, y):
            least, bad, s, t = np.inf, 0, 0.0, 0.0
            for i in range(len(x)):
                if np.isnan(x[i]) or x[i] != x[i]:
                    bad += 1
                elif x[i] < least:
                    least = x[i]
                s += x[i] - x[i]
                t += x[i] * 0.0
            return least, bad, s, t, x / y, x / 0.3
        """, "nan")
    fast = hotloop.jit(python, fastmath=True, cache=False)
    nan, inf = float("nan"), float("inf")
    for values in ([], [1.0, 2.0], [nan, 3.0], [inf, 1.0], [-inf, nan, -1.0], [0.0, -0.0]):
        for y in (2.0, inf, -inf, nan):
            x = np.array(values)
            with np.errstate(all="ignore"):
                got, want = fast(x, y), python(x, y)
            for g, w in zip(got, want, strict=True):
                np.testing.assert_allclose(g, w, rtol=1e-15)


def test_the_option_is_part_of_what_is_compiled(monkeypatch):
    python = defined("""
        def f(x):
            s = 0.0
            for v in x:
                s += v
            return s
        """, "option")
    x = np.arange(5.0)

    def is_fast(f):
        return "\n  fast\n" in f.lower(x).loops

    plain = hotloop.jit(python, cache=False)
    fast = hotloop.jit(python, cache=False, fastmath=True)
    assert not is_fast(plain) and is_fast(fast) and is_fast(hotloop.jit(plain, fastmath=True))
    assert plain(x) == fast(x) == 10.0
    assert "fastmath" in hotloop.explain(fast) and "fastmath" not in hotloop.explain(plain)
    before = persist.key_of(python, (x,), {}, {})
    monkeypatch.setattr(config, "fastmath", True)
    assert is_fast(hotloop.jit(python, cache=False))
    assert not is_fast(hotloop.jit(python, cache=False, fastmath=False))
    assert persist.key_of(python, (x,), {}, {}) != before
