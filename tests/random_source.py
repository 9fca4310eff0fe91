"""Random Python functions over NumPy arrays and numbers, as source text.

    text, args = generate(random.Random(7))

Every program is valid Python that ends soon; some raise (an index out of range, a division by
zero), and then compiled code must raise the same.
"""

import random

import numpy as np


class Writer:
    """Writes one function `f(a, b, m, k, x)`: two 1-d arrays of one size, a square matrix, an int,
    a float."""

    def __init__(self, rnd: random.Random):
        self.rnd = rnd
        self.lines: list[str] = []
        self.arrays = ["a", "b"]          # full length, float64
        self.matrices = ["m"]
        self.floats = ["x"]
        self.ints = ["k", "2"]
        self.indices: list[str] = []      # 0 <= name < n
        self.serial = 0

    def pick(self, choices):
        return choices[self.rnd.randrange(len(choices))]

    def name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial}"

    def index(self):
        options = [*self.indices, "0", "1", "-1", "k % n"]
        if self.rnd.random() < 0.05:
            options = ["k", "n"]
        return self.pick(options)

    def integer(self, depth=0):
        r = self.rnd.random()
        if depth > 1 or r < 0.4:
            return self.pick([*self.ints, *self.indices, "n", "3"])
        op = self.pick(["+", "-", "*", "//", "%", "&", "|"])
        if op in ("//", "%"):
            return f"({self.integer(depth + 1)} {op} {self.pick(['3', '-2', 'n', '7'])})"
        return f"({self.integer(depth + 1)} {op} {self.integer(depth + 1)})"

    def scalar(self, depth=0):
        r = self.rnd.random()
        if depth > 2 or r < 0.3:
            return self.pick([*self.floats, "0.5", "-1.5", "2.0"])
        if r < 0.45:
            return f"{self.pick(self.arrays)}[{self.index()}]"
        if r < 0.52:
            return f"{self.pick(self.matrices)}[{self.index()}, {self.index()}]"
        if r < 0.6:
            return f"{self.pick(self.arrays)}.{self.pick(['sum', 'max', 'min', 'mean'])}()"
        if r < 0.66:
            return f"math.{self.pick(['sin', 'cos', 'atan', 'tanh'])}({self.scalar(depth + 1)})"
        if r < 0.72:
            return f"({self.scalar(depth + 1)} if {self.test()} else {self.scalar(depth + 1)})"
        if r < 0.77:
            return f"{self.pick(['max', 'min'])}({self.pick(self.floats)}, 0.25)"
        if r < 0.82:
            return f"float({self.integer(depth + 1)})"
        op = self.pick(["+", "-", "*", "*"])
        return f"({self.scalar(depth + 1)} {op} {self.scalar(depth + 1)})"

    def test(self):
        r = self.rnd.random()
        if r < 0.4:
            return f"{self.scalar(2)} {self.pick(['<', '>', '<=', '>='])} {self.scalar(2)}"
        if r < 0.7:
            return f"{self.integer(1)} {self.pick(['<', '>', '==', '!='])} {self.integer(1)}"
        op = self.pick(["and", "or"])
        if r < 0.85:
            return f"({self.scalar(2)} > 0.1 {op} {self.integer(1)} > 1)"
        return f"not ({self.scalar(2)} < 0.0)"

    def vector(self, depth=0):
        """An expression of shape (n,)."""
        r = self.rnd.random()
        if depth > 2 or r < 0.25:
            return self.pick(self.arrays)
        if r < 0.35:
            return f"{self.pick(self.matrices)}[{self.index()}]"
        if r < 0.42:
            return f"{self.pick(self.matrices)}[:, {self.index()}]"
        if r < 0.5:
            f = self.pick(["sin", "cos", "tanh", "abs", "floor", "sign"])
            return f"np.{f}({self.vector(depth + 1)})"
        if r < 0.56:
            return (f"np.where({self.vector(depth + 1)} > 0, {self.vector(depth + 1)}, "
                    f"{self.scalar(2)})")
        if r < 0.6:
            return f"{self.pick(self.arrays)}[::-1]"
        if r < 0.66:
            axis = self.pick(["0", "1"])
            return f"{self.pick(self.matrices)}.{self.pick(['sum', 'max', 'mean'])}(axis={axis})"
        if r < 0.7:
            return f"np.cumsum({self.vector(depth + 1)}) * 0.1"
        if r < 0.74:
            return f"({self.pick(self.matrices)} @ {self.pick(self.arrays)})"
        if r < 0.78:
            return f"np.concatenate(({self.pick(self.arrays)}[1:], {self.pick(self.arrays)}[:1]))"
        other = self.vector(depth + 1) if self.rnd.random() < 0.6 else self.scalar(2)
        return f"({self.vector(depth + 1)} {self.pick(['+', '-', '*'])} {other})"

    def inner(self):
        """An expression of shape (n - 2,)."""
        parts = [f"{self.pick(self.arrays)}[{s}]" for s in ("1:-1", "2:", ":-2")]
        self.rnd.shuffle(parts)
        return f"({parts[0]} {self.pick(['+', '-'])} 0.5 * {parts[1]})"

    def matrix(self):
        r = self.rnd.random()
        name = self.pick(self.matrices)
        if r < 0.25:
            return f"{name} * {self.scalar(2)}"
        if r < 0.45:
            return f"{name} + {self.pick(self.arrays)}"
        if r < 0.6:
            return f"{name}.T * 0.5"
        if r < 0.75:
            return f"np.outer({self.vector(2)}, {self.vector(2)}) * 0.1"
        if r < 0.85:
            return f"{name} - {self.pick(self.matrices)}"
        return f"{self.pick(self.arrays)}[:, None] * {name}"

    def add(self, depth, text):
        self.lines.append("    " * (depth + 1) + text)

    def statement(self, depth):
        r = self.rnd.random()
        if r < 0.12:
            new = self.name("v") if self.rnd.random() < 0.5 else self.pick(["a", "b"])
            self.add(depth, f"{new} = {self.vector()}")
            if depth == 0 and new not in self.arrays:
                self.arrays.append(new)
        elif r < 0.2:
            self.add(depth, f"{self.pick(['a', 'b'])}[{self.index()}] = {self.scalar()}")
        elif r < 0.27:
            self.add(depth, f"{self.pick(['a', 'b'])}[{self.index()}] "
                            f"{self.pick(['+=', '-=', '*='])} {self.scalar(1)}")
        elif r < 0.35:
            self.add(depth, f"{self.pick(['a', 'b'])}[1:-1] {self.pick(['=', '+='])} "
                            f"{self.inner()}")
        elif r < 0.4:
            self.add(depth, f"{self.pick(self.matrices)}[{self.index()}, {self.index()}] = "
                            f"{self.scalar(1)}")
        elif r < 0.45:
            self.add(depth, f"{self.pick(self.matrices)}[{self.index()}] = {self.vector(1)}")
        elif r < 0.49:
            self.add(depth, f"{self.pick(self.matrices)}[:, {self.index()}] += {self.vector(2)}")
        elif r < 0.54:
            new = self.name("w") if self.rnd.random() < 0.5 else "m"
            self.add(depth, f"{new} = {self.matrix()}")
            if depth == 0 and new not in self.matrices:
                self.matrices.append(new)
        elif r < 0.6:
            self.add(depth, f"x = {self.scalar()}")
        elif r < 0.64:
            self.add(depth, f"k = {self.integer()} % 11")
        elif r < 0.67:
            self.add(depth, f"{self.pick(['a', 'b'])}[{self.pick(self.arrays)} > "
                            f"{self.scalar(2)}] = {self.scalar(2)}")
        elif r < 0.7:
            self.add(depth, "a, b = b, a")
        elif r < 0.73:
            self.add(depth, f"t += {self.scalar(1)}")
        elif depth < 2 and r < 0.85:
            self.loop(depth)
        elif depth < 2:
            self.add(depth, f"if {self.test()}:")
            self.body(depth + 1)
            if self.rnd.random() < 0.6:
                self.add(depth, "else:")
                self.body(depth + 1)
        else:
            self.add(depth, f"t = t * 0.5 + {self.scalar(1)}")

    def loop(self, depth):
        r = self.rnd.random()
        i = self.name("i")
        if r < 0.6:
            bounds = self.pick(["n", "1, n", "3", "n - 1, -1, -1", "0, n, 2"])
            self.add(depth, f"for {i} in range({bounds}):")
            self.indices.append(i)
            self.body(depth + 1)
            self.indices.pop()
        elif r < 0.75:
            e = self.name("e")
            self.add(depth, f"for {e} in {self.pick(self.arrays)}:")
            self.floats.append(e)
            self.body(depth + 1)
            self.floats.pop()
        else:
            c = self.name("c")
            self.add(depth, f"{c} = 0")
            self.add(depth, f"while {c} < {self.pick(['4', 'n', 'k'])} and t < 1e3:")
            self.add(depth + 1, f"{c} += 1")
            self.body(depth + 1)

    def body(self, depth):
        arrays, matrices = list(self.arrays), list(self.matrices)
        for _ in range(self.rnd.randrange(1, 4)):
            self.statement(depth)
        self.arrays, self.matrices = arrays, matrices

    def function(self):
        for _ in range(self.rnd.randrange(2, 8)):
            self.statement(0)
        results = ["t", "x", "k", *self.arrays[:3], self.matrices[-1]]
        head = ["def f(a, b, m, k, x):", "    n = len(a)", "    t = 0.0"]
        return "\n".join([*head, *self.lines, f"    return {', '.join(results)}"]) + "\n"


def generate(rnd: random.Random):
    """(source text, arguments)."""
    text = Writer(rnd).function()
    n = rnd.choice([2, 3, 4, 5, 8, 17, 40])
    rng = np.random.default_rng(rnd.randrange(2**32))
    args = (np.round(rng.standard_normal(n), 2), np.round(rng.standard_normal(n), 2),
            np.round(rng.standard_normal((n, n)), 2), rnd.randrange(-2, 9), rnd.uniform(-2, 2))
    return text, args
