"""Random programs that pass arrays from name to name: views, swaps, stores through every alias.

    python tests/frontend/test_random_aliases.py FROM TO       # looks longer, prints differences

Tracing may refuse a program, but what it accepts must agree with Python on all inputs.
"""

import linecache
import random
import sys
from collections import Counter

import numpy as np
import pytest
from agreement import agree

from hotloop.errors import InternalError, UnsupportedError

RESULT = "return a, b, c, o.x, t[0], t[1], q[0], x"
HEAD = """\
def put(v, j, y):
    v[j] = y
class O:
    pass
def f(a, b, k, x):
    c = a * 2.0
    o = O()
    o.x = b
    t = (a, c)
    q = [b, c]
"""


class Writer:
    """Writes one program; `names` are arrays of size 3."""

    names = ("a", "b", "c")

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.loops = 0

    def pick(self, *choices):
        return choices[self.random.randrange(len(choices))]

    def name(self):
        return self.pick(*self.names)

    def array(self):
        v = self.name()
        return self.pick(v, v, v, v, f"{v}[::-1]", f"{v} + 1.0", f"{v}.copy()",
                         f"np.zeros(len({v}))", f"{v}[:]", "o.x", f"t[{self.pick(0, 1)}]")

    def condition(self):
        return self.pick(f"{self.name()}[{self.pick(0, 1, 2)}] > {self.pick(0, 1.5, -1)}",
                         "k > 1", "k % 2 == 0", "x > 0.5", f"{self.name()}.sum() > x")

    def index(self, loop):
        return self.pick("0", "1", "-1", "k % 3", "1:", "::2", ":", "i % 3" if loop else "2")

    def simple(self, loop):
        u, v = self.name(), self.name()
        number = self.pick("2.0", "x", "0.5", "k")
        return self.pick(
            f"{u} = {self.array()}", f"{u} = {self.array()}", f"{u}, {v} = {v}, {u}",
            f"{u}[{self.index(loop)}] {self.pick('=', '+=', '*=')} {number}",
            f"{u}[{self.index(loop)}] {self.pick('=', '+=', '*=')} {number}",
            f"{u} += {v}", f"put({u}, {self.pick('0', 'k % 3')}, x)", f"o.x = {self.array()}",
            f"o.x[{self.pick(0, 1)}] += 1.0", f"t = ({self.array()}, {self.array()})",
            f"q[{self.pick(0, 1)}] = {self.array()}", f"x = x * 0.5 + {u}[1]")

    def statement(self, depth, indent, loop):
        pad = "    " * indent
        r = self.random.random()
        if r < 0.7 or depth == 2:
            self.lines.append(pad + self.simple(loop))
        elif r < 0.74:
            jump = self.pick("break", "continue") if loop else RESULT
            self.lines += [f"{pad}if {self.condition()}:", f"{pad}    {jump}"]
        elif r < 0.76:
            self.lines += [f"{pad}if {self.condition()}:", f"{pad}    {RESULT}"]
        elif r < 0.9:
            self.lines.append(f"{pad}if {self.condition()}:")
            self.block(depth + 1, indent + 1, loop)
            if self.random.random() < 0.6:
                self.lines.append(f"{pad}else:")
                self.block(depth + 1, indent + 1, loop)
        elif r < 0.96:
            self.lines.append(f"{pad}for i in range(k):")
            self.block(depth + 1, indent + 1, True)
        else:
            self.loops += 1
            counter = f"w{self.loops}"
            self.lines += [f"{pad}{counter} = 0", f"{pad}while {counter} < k:",
                           f"{pad}    {counter} += 1", f"{pad}    i = {counter}"]
            self.block(depth + 1, indent + 1, True)

    def block(self, depth, indent, loop):
        for _ in range(self.random.randrange(1, 4)):
            self.statement(depth, indent, loop)

    def program(self):
        for _ in range(self.random.randrange(3, 8)):
            self.statement(0, 1, False)
        return HEAD + "\n".join(self.lines) + f"\n    {RESULT}\n"


INPUTS = [(np.arange(3.0) + 0.5, np.arange(3.0) * -1, k, x)
          for k, x in ((3, 1.0), (0, 0.2), (1, 2.0), (2, -1.0))]


def outcome_of(seed):
    """"ok", "refused: ...", or the text of a difference."""
    text, name = Writer(seed).program(), f"<aliases {seed}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"np": np}
    exec(compile(text, name, "exec"), space)
    try:
        agree(space["f"], *INPUTS)
    except InternalError as error:
        return f"{error}\n{text}"
    except UnsupportedError as error:
        return f"refused: {error.message[:60]}"
    except AssertionError as error:
        return f"{error} {error.__cause__!r}\n{text}"
    return "ok"


@pytest.mark.parametrize("block", range(6))
def test_aliases(block):
    found = [outcome_of(seed) for seed in range(12 * block, 12 * block + 12)]
    wrong = [f for f in found if f != "ok" and not f.startswith("refused")]
    assert not wrong, wrong[0]
    assert found.count("ok") >= 2


def main(start, stop):
    counts = Counter()
    for seed in range(start, stop):
        found = outcome_of(seed)
        counts[found[:70].split("\n")[0]] += 1
        if found != "ok" and not found.startswith("refused"):
            print(f"=== {seed}: {found}", flush=True)
    for text, n in counts.most_common():
        print(n, text)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
