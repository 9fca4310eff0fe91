"""Choices of floats in scalar code: by the kind of the condition, never by another bit."""

import numpy as np
import pytest
from compare import check

import hotloop

ODD = np.array([0xFFF8000000000123], "u8").view("f8")[0]       # a NaN with a payload
NUMBERS = (0.0, -0.0, 1.5, -np.inf, np.nan, ODD)


def by_integers(k, x, y, out):
    last = 0.0
    for i in range(len(k)):
        last = x[i] if k[i] == 3 else y[i]
        out[i] = last if k[i] != 4 else out[i - 1]
    return last


def by_floats(k, x, y, out):
    last = 0.0
    for i in range(len(k)):
        last = x[i] if x[i] > last else y[i]
        out[i] = last if last < 1.0 or k[i] == 3 else out[i - 1]
    return last


@pytest.mark.parametrize("function", [by_integers, by_floats])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_same_bits(function, dtype):
    pairs = [(k, x, y) for k in (3, 4, 5) for x in NUMBERS for y in NUMBERS]
    k, x, y = (np.array(column) for column in zip(*pairs, strict=True))
    x, y = x.astype(dtype), y.astype(dtype)
    mine, theirs = np.zeros(len(k), dtype), np.zeros(len(k), dtype)
    jitted = check(function, k, x, y, np.zeros(len(k), dtype))
    jitted(k, x, y, mine)
    function(k, x, y, theirs)
    assert mine.tobytes() == theirs.tobytes()


def chain(k, a, b):
    s = 0.0
    for i in range(len(k)):
        s = max(0.0, s + (a if k[i] == 3 else b))
    return s


def test_flags_stay_out_of_masks():
    text = str(hotloop.jit(chain, cache=False).lower(np.arange(9), 1.0, -1.0).llvm)
    assert "select i1" in text
    chosen = [line for line in text.splitlines() if "= select i1" in line and " i64 " in line]
    assert chosen
