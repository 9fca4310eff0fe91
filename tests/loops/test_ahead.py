"""Loops that read what later iterations write are lanes: a block reads before it writes."""

import random

import numpy as np
import pytest
from compare import check, define
from meaning import kernel_of, loops

from hotloop.loops.expr import fresh_table
from hotloop.loops.vectorize import vectorize

LOOP = """
    kernel f
      a: f64[n] inout
      b: f64[n] inout
      body
        for i in 4..(n + -4) step STEP
          t1 = a[READ]
          FIRST
          a[WRITE] <- mul(0.5, add(t1, b[i]))
          LAST
      results
"""


@pytest.mark.parametrize(("step", "read", "write", "first", "last", "ahead"), [
    ("1", "(i + 1)", "i", "", "", True),
    ("1", "(i + 3)", "(i + -1)", "t2 = a[(i + 1)]", "", True),
    ("1", "(i + -1)", "i", "", "", False),
    ("1", "(i + 1)", "i", "", "b[i] <- a[(i + 1)]", False),       # read again behind the store
    ("1", "(i + 1)", "i", "", "b[i] <- a[(i + 2)]", False),
    ("1", "(i + 1)", "i", "t2 = a[(i + -1)]", "", False),
    ("2", "(i + 4)", "i", "", "", True),
    ("1", "(-1*i + n)", "i", "", "", False),
    ("1", "(2*i)", "i", "", "", False),
    ("1", "(i + 1)", "i", "for k in 0..3 step 1\n            b[i] <- 1.0", "", False),
])
def test_which(step, read, write, first, last, ahead):
    text = LOOP.replace("STEP", step).replace("READ", read).replace("WRITE", write)
    text = text.replace("FIRST", first).replace("LAST", last)
    text = "\n".join(line for line in text.splitlines() if line.strip())
    with fresh_table():
        loop = loops(vectorize(kernel_of(text)))[0]
        assert loop.ahead == ahead


def program(seed):
    rng = random.Random(seed)
    step = rng.choice((1, 1, 1, -1, 2))
    lo, hi = ("5", "len(a) - 5") if step > 0 else ("len(a) - 6", "4")
    lines = []
    for _ in range(rng.randrange(1, 5)):
        x, y = (f"{rng.choice('aab')}[i + {rng.randrange(-4, 5)}]" for _ in range(2))
        kind = rng.random()
        if kind < 0.6:
            lines.append(f"{rng.choice('aab')}[i + {rng.choice((0, 0, 1, -1))}] = {x} * 0.5 + {y}")
        elif kind < 0.8:
            lines.append(f"t = {x} - {y}")
        else:
            lines.append(f"if {x} > 0.3: t = {y}")
            lines.append("a[i] = t")
    body = "\n        ".join(lines)
    return (f"def f(a, b):\n    t = 0.25\n    for i in range({lo}, {hi}, {step}):\n"
            f"        t = 0.25\n        {body}\n    return t\n")


@pytest.mark.parametrize("seed", range(30))
def test_random_programs(seed):
    function = define(program(seed), f"ahead_{seed}")
    rng = np.random.default_rng(seed)
    jitted = None
    for n in (9, 11, 40, 177, 1200):
        jitted = check(function, rng.random(n), rng.random(n), jitted=jitted, exact=True)
