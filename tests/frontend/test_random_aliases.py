"""Random programs that pass arrays from name to name: views, swaps, stores through every alias.

    python tests/frontend/test_random_aliases.py FROM TO [views]      # prints differences

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
    HEAD, RESULT = HEAD, RESULT

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
            jump = self.pick("break", "continue") if loop else self.RESULT
            self.lines += [f"{pad}if {self.condition()}:", f"{pad}    {jump}"]
        elif r < 0.76:
            self.lines += [f"{pad}if {self.condition()}:", f"{pad}    {self.RESULT}"]
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
        return self.HEAD + "\n".join(self.lines) + f"\n    {self.RESULT}\n"


class Views(Writer):
    """Vectors u and v of size 3, matrices m and w of 3 x 3, and views of all kinds."""

    HEAD = """\
def put(v, j, y):
    v[j] = y
def f(u, m, k, x):
    v = u * 2.0
    w = m + 1.0
    p = m[0]
    q = m.T
"""
    RESULT = "return u, v, m, w, p, q, x"
    vectors = ("u", "v", "p")
    matrices = ("m", "w", "q")

    def name(self):
        return self.pick(*self.vectors)

    def number(self):
        return self.pick("0", "1", "-1", "k % 3", "2")

    def vector(self):
        v, m, k = self.name(), self.pick(*self.matrices), self.number()
        return self.pick(
            v, v, f"{v}[::-1]", f"{v} + 1.0", f"{v}.copy()", f"{m}[{k}]", f"{m}[:, {k}]",
            f"{m}[{k}][::-1]", f"{m}.T[{k}]", f"{m}.ravel()[:3]", f"{m}.reshape(9)[3:6]",
            f"np.split({m}, 3)[{self.pick(0, 1, 2)}][0]", f"{v}[:, None][:, 0]",
            f"np.squeeze({m}[1:2])", f"{m}.reshape(-1)[::4]", f"{v}.reshape(3, 1)[:, 0]",
            f"({v} if {self.condition()} else {m}[{k}])", f"np.flip({v})", f"np.ravel({v})",
            f"np.broadcast_to({v}, (3, 3))[1]", f"np.diagonal({m})", f"np.diag({m})",
            f"{m}.flatten()[6:]", f"np.asarray({v})", f"np.array({v})", f"{v}.view()")

    def matrix(self):
        m, v = self.pick(*self.matrices), self.name()
        return self.pick(
            m, m, f"{m}.T", f"{m}[::-1]", f"{m}[:, ::-1]", f"{m} * 0.5", f"{m}.copy()",
            f"np.swapaxes({m}, 0, 1)", f"np.moveaxis({m}, 0, 1)", f"np.transpose({m})",
            f"{m}.reshape(3, 3)", f"{m}.reshape(9).reshape(3, 3)", f"np.outer({v}, {v})",
            f"{m}[:, :]", f"{m}[None][0]", f"np.expand_dims({m}, 1)[:, 0]", f"np.rot90({m})",
            f"np.stack([{v}, {v}, {v}])", f"np.fliplr({m})", f"{m} if x > 0.5 else {m}.T",
            f"np.atleast_2d({m})", f"np.broadcast_to({m}, (2, 3, 3))[0]")

    def simple(self, loop):
        u, v, m = self.name(), self.vector(), self.pick(*self.matrices)
        number, k = self.pick("2.0", "x", "0.5", "k"), self.number()
        return self.pick(
            f"{u} = {v}", f"{u} = {v}", f"{m} = {self.matrix()}", f"{m} = {self.matrix()}",
            f"{u}[{self.index(loop)}] {self.pick('=', '+=', '*=')} {number}",
            f"{m}[{k}] {self.pick('= 0.5 +', '+=')} {v}", f"{m}[:, {k}] *= {number}",
            f"{m}[{k}, {k}] = {number}", f"{m}[{k}][{k}] += {number}", f"{m}.T[{k}] = {v} + 0.5",
            f"{u}[1:] = {u}[:-1]", f"{u}[::-1] += {u}", f"{m}[1:] = {m}[:-1]", f"{m} += {m}.T",
            f"np.add({u}, {v}, {u})", f"np.multiply({m}, {m}[::-1], out={m})", f"{u} += {v}",
            f"{m}[:] = {self.matrix()}", f"put({m}, {k}, {number})", f"{m}.flat[{k}] = {number}",
            f"{u}, {self.name()} = {self.name()}, {u}", f"{m}.ravel()[{k}] = {number}",
            f"{m}.reshape(-1)[1:4] = {v} + 0.5", f"np.copyto({m}, {v})", f"{u}.sort()",
            f"{m}, {self.pick(*self.matrices)} = {self.pick(*self.matrices)}, {m}",
            f"{m}[{m} > 1.0] = {number}", f"{m}[[0, 2]] += {v}", f"{u}[{self.index(loop)}] -= x",
            f"x = x * 0.5 + {m}[{k}, 1] + {u}[{k}]", f"{m}[..., {k}] = {v} + 0.5",
            f"np.fill_diagonal({m}, {number})", f"{u} = {u} * 0.5", f"{m} = {m} + 1.0")

    def statement(self, depth, indent, loop):
        pad = "    " * indent
        if self.random.random() < 0.08 and depth < 2:
            m = self.pick(*self.matrices)
            head, row = self.pick(
                (f"for r in {m}:", "r"), (f"for i, r in enumerate({m}):", "r"),
                (f"for r, s in zip({m}, {self.pick(*self.matrices)}):", "s"),
                (f"for r in {m}[::-1]:", "r"), (f"for r in {m}.T:", "r"))
            self.lines += [pad + head, f"{pad}    {row}[:] = {self.vector()} + 0.5",
                           f"{pad}    {row}[{self.number()}] += 1.0"]
        else:
            super().statement(depth, indent, loop)


INPUTS = [(np.arange(3.0) + 0.5, np.arange(3.0) * -1, k, x)
          for k, x in ((3, 1.0), (0, 0.2), (1, 2.0), (2, -1.0))]
MATRICES = [(u, (np.arange(9.0) * 0.5 - 1).reshape(3, 3), k, x) for u, _, k, x in INPUTS]


def outcome_of(seed, kind=Writer):
    """"ok", "refused: ...", or the text of a difference."""
    text, name = kind(seed).program(), f"<{kind.__name__} {seed}>"
    inputs = MATRICES if kind is Views else INPUTS
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {"np": np}
    exec(compile(text, name, "exec"), space)
    try:
        with np.errstate(all="ignore"):
            agree(space["f"], *inputs, memory=True)
    except InternalError as error:
        return f"{error}\n{text}"
    except UnsupportedError as error:
        return f"refused: {error.message[:60]}"
    except AssertionError as error:
        return f"{error} {error.__cause__!r}\n{text}"
    return "ok"


@pytest.mark.parametrize("kind", [Writer, Views])
@pytest.mark.parametrize("block", range(4))
def test_aliases(block, kind):
    found = [outcome_of(seed, kind) for seed in range(10 * block, 10 * block + 10)]
    wrong = [f for f in found if f != "ok" and not f.startswith("refused")]
    assert not wrong, wrong[0]
    assert found.count("ok") >= 7


def main(start, stop, kind=Writer):
    counts = Counter()
    for seed in range(start, stop):
        found = outcome_of(seed, kind)
        counts[found[:70].split("\n")[0]] += 1
        if found != "ok" and not found.startswith("refused"):
            print(f"=== {seed}: {found}", flush=True)
    for text, n in counts.most_common():
        print(n, text)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Views if "views" in sys.argv else Writer)
