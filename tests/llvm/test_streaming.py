"""Stores past the caches (`loops.stream`): the same elements are stored, wherever they lie."""

import numpy as np
import pytest
from compare import check, define
from test_alignment import array

import hotloop
from hotloop import config
from hotloop.loops import stream

PROGRAMS = {
    "arrays": "def f(x, y, out):\n return 2.0 * x + y, x > y, (x * y).astype(np.float32)",
    "rows": """
def f(x, y, out):
    a, b = x[:600].reshape(6, -1), out[:600].reshape(6, -1)
    for t in range(2):
        b[1:-1, 1:-1] = 0.5 * (a[:-2, 1:-1] + a[2:, 1:-1])
    return out[3:] - y[3:]
""",
    "checked": """
def f(x, y, out):
    for i in range(len(y) + 1):
        out[i] = x[i] * 2 + y[i]
""",
    "two": """
def f(x, y, out):
    flags = np.zeros(len(x), bool)
    for i in range(len(x)):
        flags[i] = x[i] > y[i]
        out[i] = y[i] + 1
    return flags
""",
    "read again": """
def f(x, y, out):
    for i in range(1, len(x)):
        out[i] = x[i] + y[i]
        y[i - 1] = out[i]
    return out[::-1].copy()
""",
}


@pytest.mark.parametrize("parallel", [-1, 0])
@pytest.mark.parametrize("name", PROGRAMS)
def test_same_elements(name, parallel, monkeypatch):
    monkeypatch.setattr(config, "stream", 1)               # all that may go, goes
    monkeypatch.setattr(config, "parallel", parallel)
    monkeypatch.setattr(config, "tiers", False)
    f = define(PROGRAMS[name], "streamed")
    jitted = hotloop.jit(f, cache=False)
    assert " past " in jitted.lower(*(np.ones(700) for _ in range(3))).loops
    for n in (607, 3000):
        for offset in (0, 8, 40):
            x, y, out = (array(n, (k * offset) % 64) for k in (1, 2, 3))
            x[:], y[:] = np.sin(np.arange(n)), np.cos(np.arange(n))
            want = [a.copy() for a in (x, y, out)]
            try:
                expected = f(*want)
            except IndexError as error:
                with pytest.raises(IndexError, match=str(error)):
                    jitted(x, y, out)
            else:
                check(f, x.copy(), y.copy(), out.copy(), jitted=jitted)
                got = jitted(x, y, out)
                np.testing.assert_equal(got, expected)
            np.testing.assert_equal([x, y, out], want)


def test_limit(monkeypatch):
    monkeypatch.setattr(config, "stream", 0)
    assert 1 << 20 <= stream.limit() <= 1 << 30
    monkeypatch.setattr(config, "stream", -1)
    f = define(PROGRAMS["arrays"], "never")
    lowered = hotloop.jit(f, cache=False).lower(*(np.ones(700) for _ in range(3)))
    assert " past " not in lowered.loops
