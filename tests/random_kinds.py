# ruff: noqa: E501
"""Random Python functions over arrays of many dtypes, layouts and shapes, as source text.

    text, calls = generate(random.Random(7), "views")

`calls` are argument tuples for repeated calls of one compiled function. Values are small multiples
of 1/4, so that sums are exact in any order and comparisons never hang on rounding.

Kinds: `types` (promotion, integers, masks), `views` (stores through views, overlap), `control`
(loops, jumps, containers, closures), `reduce` (axes, sorting, joining), `mixed` (all).
"""


import numpy as np

KINDS = ("types", "views", "control", "reduce", "mixed")
DTYPES = ("f8", "f8", "i8", "i8", "i4", "u1", "f4", "?", "c16", "i2", "u4", "u8", "c8")
VECTOR, SQUARE, WIDE, TALL, ROW, COLUMN, NUMBER = (
    ("n",), ("n", "n"), ("p", "n"), ("n", "p"), ("1", "n"), ("n", "1"), ())


class Writer:
    def __init__(self, rnd, kind):
        self.rnd = rnd
        self.kind = kind
        self.lines = []
        self.serial = 0
        self.vars = {}            # name -> (shape, dtype kind)
        self.indices = []
        self.lists, self.dicts, self.objects, self.functions = [], [], [], []
        self.loops = 0
        self.real = True
        self.closing = []

    def pick(self, choices):
        return choices[self.rnd.randrange(len(choices))]

    def chance(self, p):
        return self.rnd.random() < p

    def name(self, prefix):
        self.serial += 1
        return f"{prefix}{self.serial}"

    # -------------------------------------------------- expressions

    def of(self, shape, kind=None):
        return [v for v, (s, k) in self.vars.items() if s == shape and kind in (None, k)]

    def index(self):
        if self.chance(0.04):
            return self.pick(["k", "n", "-n", "j"])
        return self.pick([*self.indices, *self.indices, "0", "-1", "k % n", "n - 1"])

    def scalar(self, kind=None, depth=0):
        kind = kind or self.pick("iiffb")
        r = self.rnd.random()
        names = self.of(NUMBER, kind)
        if depth > 1 or r < 0.3:
            if names and self.chance(0.7):
                return self.pick(names)
            if kind == "i" and self.indices and self.chance(0.5):
                return self.pick(self.indices)
            return self.pick({"i": ["1", "2", "-3", "7", "n", "0"], "f": ["0.5", "-1.25", "2.0"],
                              "b": ["True", "k > 1", "False"], "c": ["1j", "(1+2j)"]}[kind])
        if r < 0.5:
            v = self.of(VECTOR, kind) or (self.of(VECTOR) if self.chance(0.3) else [])
            if v:
                return f"{self.pick(v)}[{self.index()}]"
        if r < 0.58:
            v = self.of(SQUARE, kind)
            if v:
                return self.pick([f"{self.pick(v)}[{self.index()}, {self.index()}]",
                                  f"{self.pick(v)}[{self.index()}][{self.index()}]"])
        if r < 0.64 and self.lists and kind != "b":
            return self.pick(self.lists) + f"[{self.pick(['0', '1', '-1'])}]"
        if r < 0.68 and self.dicts and kind == "f":
            return self.pick(self.dicts) + f"[{self.pick(['0', chr(39) + 'a' + chr(39)])}]"
        if r < 0.72 and self.objects and kind == "f":
            return self.pick(self.objects) + self.pick([".u", ".v"])
        if r < 0.76 and self.functions and kind == "f":
            return f"{self.pick(self.functions)}({self.scalar('f', depth + 1)})"
        if r < 0.84:
            v = self.of(VECTOR) + self.of(SQUARE)
            if v:
                v = self.pick(v)
                if kind == "b":
                    return f"{v}.{self.pick(['any', 'all'])}()"
                if kind == "i":
                    return self.pick([f"{v}.{self.pick(['argmax', 'argmin'])}()", f"len({v})",
                                      f"np.count_nonzero({v})", f"int({v}.size)"])
                return f"{v}.{self.pick(['sum', 'max', 'min', 'mean', 'prod'])}()"
        d = depth + 1
        if kind == "b":
            return self.pick([
                lambda: f"({self.scalar('i', d)} {self.pick(['<', '==', '!=', '>='])} "
                        f"{self.scalar('i', d)})",
                lambda: f"({self.scalar('f', d)} {self.pick(['<', '>', '<='])} "
                        f"{self.scalar('f', d)})",
                lambda: f"({self.scalar('i', d)} < {self.scalar('f', d)} "
                        f"<= {self.scalar('f', d)})",
                lambda: f"(not {self.scalar(None, d)})",
                lambda: f"({self.scalar('b', d)} {self.pick(['and', 'or'])} {self.scalar('b', d)})",
            ])()
        if kind == "i":
            return self.pick([
                lambda: f"({self.scalar('i', d)} {self.pick(['+', '-', '*', '//', '%', '&', '|', '^'])} "
                        f"{self.scalar('i', d)})",
                lambda: f"({self.scalar('i', d)} ** {self.pick(['2', '3', '0'])})",
                lambda: f"({self.scalar('i', d)} {self.pick(['<<', '>>'])} {self.pick(['1', '3'])})",
                lambda: f"abs({self.scalar('i', d)})",
                lambda: f"({self.scalar('i', d)} {self.pick(['and', 'or'])} {self.scalar('i', d)})",
                lambda: f"(-{self.scalar('i', d)})",
                lambda: f"(~{self.scalar('i', d)})",
                lambda: f"int({self.scalar('f', d)})",
                lambda: f"{self.pick(['min', 'max'])}({self.scalar('i', d)}, {self.scalar('i', d)})",
                lambda: f"({self.scalar('i', d)} if {self.scalar('b', d)} else {self.scalar('i', d)})",
                lambda: f"round({self.scalar('f', d)})",
            ])()
        if kind == "c":
            return f"({self.scalar('c', d)} {self.pick(['+', '-', '*'])} {self.scalar('f', d)})"
        return self.pick([
            lambda: f"({self.scalar('f', d)} {self.pick(['+', '-', '*', '*', '/', '//', '%'])} "
                    f"{self.scalar('f', d)})",
            lambda: f"({self.scalar('i', d)} {self.pick(['+', '-', '*', '/'])} "
                    f"{self.scalar('f', d)})",
            lambda: f"({self.scalar('i', d)} / {self.pick(['2', '4', 'n'])})",
            lambda: f"abs({self.scalar('f', d)})",
            lambda: f"({self.scalar('f', d)} {self.pick(['and', 'or'])} {self.scalar('f', d)})",
            lambda: f"({self.scalar('f', d)} if {self.scalar('b', d)} else {self.scalar('i', d)})",
            lambda: f"{self.pick(['min', 'max'])}({self.scalar('f', d)}, {self.scalar('i', d)})",
            lambda: f"float({self.scalar('i', d)})",
            lambda: f"np.{self.pick(['float32', 'float64', 'int32', 'uint8'])}"
                    f"({self.pick(['1', '3', 'n', 'k % 5'])})",
            lambda: f"math.{self.pick(['floor', 'ceil', 'fabs'])}({self.scalar('f', d)})",
        ])()

    def array(self, shape, kind=None, depth=0):
        d = depth + 1
        kind = kind or (self.pick("iiffbc") if self.chance(0.75) else None)
        names = self.of(shape, kind) or self.of(shape)
        r = self.rnd.random()
        if (depth > 2 or r < 0.2) and names:
            return self.pick(names)
        if depth > 3:
            return f"np.{self.pick(['zeros', 'ones'])}({self.shape(shape)})"
        options = []
        if kind == "b":
            options += [
                lambda: f"({self.array(shape, self.pick('iff'), d)} "
                        f"{self.pick(['<', '>', '<=', '==', '!='])} {self.operand(shape, d)})",
                lambda: f"(~{self.array(shape, 'b', d)})",
                lambda: f"({self.array(shape, 'b', d)} {self.pick('&|^')} "
                        f"{self.array(shape, 'b', d)})",
                lambda: f"np.isfinite({self.array(shape, 'f', d)})",
                lambda: f"np.logical_{self.pick(['and', 'or', 'xor'])}({self.array(shape, None, d)}"
                        f", {self.array(shape, None, d)})"]
        elif kind == "i":
            options += [
                lambda: f"({self.array(shape, 'i', d)} {self.pick(['+', '-', '*', '//', '%'])} "
                        f"{self.operand(shape, d, 'i')})",
                lambda: f"({self.array(shape, 'i', d)} {self.pick('&|^')} "
                        f"{self.array(shape, self.pick('ib'), d)})",
                lambda: f"({self.array(shape, 'i', d)} {self.pick(['<<', '>>'])} "
                        f"{self.pick(['1', '2', '9'])})",
                lambda: f"({self.array(shape, 'i', d)} ** {self.pick(['2', '3', '0'])})",
                lambda: f"{self.array(shape, None, d)}.astype(np.{self.pick(['int64', 'int32', 'uint8', 'int8'])})"
                        if self.chance(0.3) else
                        f"{self.array(shape, 'b', d)}.astype(np.{self.pick(['int64', 'int32'])})",
                lambda: f"np.divmod({self.array(shape, 'i', d)}, {self.operand(shape, d, 'i')})"
                        f"[{self.pick('01')}]",
                lambda: f"(~{self.array(shape, 'i', d)})"]
        elif kind == "c":
            options += [
                lambda: f"({self.array(shape, 'c', d)} {self.pick('+-*')} "
                        f"{self.operand(shape, d)})",
                lambda: f"({self.array(shape, 'f', d)} + 1j * {self.array(shape, 'f', d)})",
                lambda: f"np.conj({self.array(shape, 'c', d)})",
                lambda: f"{self.array(shape, None, d)}.astype(np.complex128)"]
        else:
            options += [
                lambda: f"({self.array(shape, 'f', d)} {self.pick(['+', '-', '*', '*', '/'])} "
                        f"{self.operand(shape, d)})",
                lambda: f"({self.array(shape, None, d)} {self.pick(['+', '-', '*'])} "
                        f"{self.operand(shape, d)})",
                lambda: f"({self.array(shape, 'f', d)} {self.pick(['//', '%'])} "
                        f"{self.operand(shape, d)})",
                lambda: f"({self.array(shape, self.pick('if'), d)} ** {self.pick(['2', '2.0', '3', '0'])})",
                lambda: f"np.sqrt(abs({self.array(shape, 'f', d)}))",
                lambda: f"np.{self.pick(['floor', 'ceil', 'rint', 'sign', 'negative', 'abs', 'square', 'trunc'])}"
                        f"({self.array(shape, self.pick('fffi'), d)})",
                lambda: f"{self.array(shape, 'c', d)}.{self.pick(['real', 'imag'])}",
                lambda: f"{self.array(shape, None, d)}.astype(np.{self.pick(['float32', 'float64'])})"]
        same = [
            lambda: f"np.where({self.array(shape, 'b', d)}, {self.operand(shape, d, kind)}, "
                    f"{self.operand(shape, d, kind)})",
            lambda: f"np.{self.pick(['maximum', 'minimum'])}({self.array(shape, kind, d)}, "
                    f"{self.operand(shape, d, kind)})",
            lambda: f"np.clip({self.array(shape, kind, d)}, {self.pick(['-1', '0', '1'])}, "
                    f"{self.pick(['2', '3'])})",
            lambda: f"(-{self.array(shape, self.pick('if'), d)})",
            lambda: f"({self.array(shape, kind, d)} if {self.scalar('b', d)} else "
                    f"{self.array(shape, kind, d)})",
            lambda: f"{self.array(shape, kind, d)}.copy()",
            lambda: f"np.{self.pick(['zeros_like', 'ones_like'])}({self.array(shape, kind, d)})"]
        options += [self.pick(same)]
        if self.kind in ("views", "mixed", "reduce") or self.chance(0.3):
            options += [lambda: self.derived(shape, kind, d)] * 3
        if self.kind in ("reduce", "mixed") or self.chance(0.2):
            options += [lambda: self.reduced(shape, kind, d)] * 3
        return self.pick(options)()

    def operand(self, shape, depth, kind=None):
        r = self.rnd.random()
        if r < 0.35:
            return self.scalar(kind if kind in ("i", "f") else None, 2)
        if shape in (SQUARE, WIDE, TALL) and r < 0.5:
            last = {SQUARE: VECTOR, WIDE: VECTOR, TALL: ("p",)}[shape]
            if last == VECTOR:
                return self.array(VECTOR, kind, depth + 1)
            if shape == TALL:
                return f"{self.array(VECTOR, kind, depth + 1)}[:, None]"
        return self.array(shape, kind, depth + 1)

    def shape(self, shape):
        return "(" + "".join(f"{s}, " for s in shape) + ")"

    def derived(self, shape, kind, d):
        """A view or a gather of the shape."""
        if shape == VECTOR:
            v = lambda: self.array(VECTOR, kind, d + 1)   # noqa: E731
            m = lambda: self.array(SQUARE, kind, d + 1)   # noqa: E731
            return self.pick([
                lambda: f"{v()}[::-1]", lambda: f"{m()}[{self.index()}]",
                lambda: f"{m()}[:, {self.index()}]", lambda: f"{m()}[..., {self.index()}]",
                lambda: f"{m()}[{self.index()}, ::-1]", lambda: f"{m()}.diagonal()",
                lambda: f"{v()}[{v()} .astype(np.int64) % n]" if self.chance(0.3) else
                        f"{v()}[{self.order()}]",
                lambda: f"{m()}[{self.order()}, {self.order()}]",
                lambda: f"{m()}[{self.order()}, {self.index()}]",
                lambda: f"{m()}.reshape(-1)[{self.pick(['::n', ':n', 'n*n-n:', '-n:'])}]",
                lambda: f"{m()}.T[{self.index()}]",
                lambda: f"{v()}[None, :][0]", lambda: f"np.roll({v()}, {self.pick(['1', '-2', 'k'])})",
                lambda: f"{m()}.ravel()[-1:-n-1:-1]",
                lambda: f"np.concatenate(({v()}[1:], {v()}[:1]))",
                lambda: f"{v()}[np.newaxis].T[:, 0]",
                lambda: f"np.flip({v()})"])()
        m = lambda s: self.array(s, kind, d + 1)          # noqa: E731
        if shape == SQUARE:
            return self.pick([
                lambda: f"{m(SQUARE)}.T", lambda: f"{m(SQUARE)}[::-1]",
                lambda: f"{m(SQUARE)}[:, ::-1]", lambda: f"{m(SQUARE)}[{self.order()}]",
                lambda: f"{m(SQUARE)}[:, {self.order()}]",
                lambda: f"{m(VECTOR)}[:, None] {self.pick('+-*')} {m(VECTOR)}",
                lambda: f"{m(SQUARE)}.swapaxes(0, 1)",
                lambda: f"{m(SQUARE)}.reshape(-1).reshape(n, n)",
                lambda: f"np.broadcast_to({m(VECTOR)}, (n, n))",
                lambda: f"np.outer({m(VECTOR)}, {m(VECTOR)})",
                lambda: f"{m(SQUARE)}[np.ix_({self.order()}, {self.order()})]",
                lambda: f"np.stack([{m(VECTOR)}] * 2)[{self.order()} % 2]",
                lambda: f"{m(SQUARE)}[..., None][:, :, 0]",
                lambda: f"{m(SQUARE)}[::-1, ::-1].T"])()
        if shape == WIDE:
            return self.pick([
                lambda: f"np.stack(({m(VECTOR)}, {m(VECTOR)}, {m(VECTOR)}))",
                lambda: f"np.zeros((p, n)) + {m(VECTOR)}", lambda: f"{m(TALL)}.T"])()
        if shape == TALL:
            return f"{m(WIDE)}.T"
        return f"np.zeros({self.shape(shape)})"

    def order(self):
        ints = self.of(VECTOR, "i")
        return self.pick(["np.arange(n)[::-1]", "np.arange(n) // 2",
                          f"({self.pick(ints)} % n)" if ints else "np.arange(n) * 0",
                          "-np.arange(n) - 1", f"np.argsort({self.array(VECTOR, None, 3)}, kind='stable')"])

    def reduced(self, shape, kind, d):
        m = lambda s, k=kind: self.array(s, k, d + 1)     # noqa: E731
        f = self.pick(["sum", "max", "min", "mean", "prod"])
        axis = self.pick(["0", "1", "-1"])
        if shape == VECTOR:
            return self.pick([
                lambda: f"{m(SQUARE)}.{f}(axis={axis})", lambda: f"np.{f}({m(SQUARE)}, {axis})",
                lambda: f"np.{self.pick(['argmax', 'argmin'])}({m(SQUARE)}, axis={axis})",
                lambda: f"np.cumsum({m(VECTOR)})", lambda: f"np.sort({m(VECTOR)})",
                lambda: f"np.cumprod({m(VECTOR)})",
                lambda: f"np.{self.pick(['any', 'all'])}({m(SQUARE)}, axis={axis})",
                lambda: f"np.argsort({m(VECTOR)}, kind='stable')",
                lambda: f"({m(SQUARE)} @ {m(VECTOR)})", lambda: f"({m(VECTOR)} @ {m(SQUARE)})",
                lambda: f"np.concatenate(({m(VECTOR)}, {m(VECTOR)}))[{self.pick(['n:', '::2', ':n'])}]",
                lambda: f"np.{self.pick(['var', 'std', 'median', 'ptp'])}({m(SQUARE, 'f')}, axis={axis})",
                lambda: f"np.count_nonzero({m(SQUARE)}, axis={axis})",
                lambda: f"np.{f}({m(SQUARE)}[:, :, None] * {m(VECTOR)}, axis=(0, 1))",
                lambda: f"np.add.reduce({m(SQUARE)})",
                lambda: f"np.maximum.accumulate({m(VECTOR)})",
                lambda: f"np.take({m(VECTOR)}, {self.order()})",
                lambda: f"np.diff({m(VECTOR)}, prepend={self.scalar('i', 2)})",
                lambda: f"np.repeat({m(VECTOR)}, 2)[::2]",
                lambda: f"np.searchsorted(np.sort({m(VECTOR)}), {m(VECTOR)})",
                lambda: f"np.einsum('ij,j->i', {m(SQUARE)}, {m(VECTOR)})",
                lambda: f"np.bincount({self.order()} % n, minlength=n)[:n]",
                lambda: f"np.tile({m(VECTOR)}, 2)[n:]"])()
        if shape == SQUARE:
            return self.pick([
                lambda: f"({m(SQUARE)} - {m(SQUARE)}.{f}(axis={axis}, keepdims=True))",
                lambda: f"np.cumsum({m(SQUARE)}, axis={axis})",
                lambda: f"np.sort({m(SQUARE)}, axis={axis})",
                lambda: f"({m(SQUARE)} @ {m(SQUARE)})",
                lambda: f"np.argsort({m(SQUARE)}, axis={axis}, kind='stable')",
                lambda: f"np.concatenate(({m(SQUARE)}, {m(SQUARE)}), axis={axis})[:n, :n]",
                lambda: f"np.{self.pick(['tril', 'triu'])}({m(SQUARE)}, {self.pick(['0', '1', '-1'])})",
                lambda: f"np.where({m(VECTOR, 'b')}, {m(SQUARE)}, {m(SQUARE)})"])()
        return self.array(shape, kind, 4)

    # -------------------------------------------------- statements

    def add(self, depth, text):
        self.lines.append("    " * (depth + 1) + text)

    def target(self):
        """(subscripted target, shape of it, dtype kind)."""
        v, (shape, kind) = self.pick([(v, s) for v, s in self.vars.items() if s[0]])
        mask = f"{self.array(shape, 'b', 2)}"
        if shape == VECTOR:
            return (*self.pick([
                (f"{v}[{self.index()}]", NUMBER), (f"{v}[:]", VECTOR), (f"{v}[::-1]", VECTOR),
                (f"{v}[...]", VECTOR), (f"{v}[{mask}]", NUMBER), (f"{v}[{self.order()}]", VECTOR),
                (f"{v}[1:]", ("n-1",)), (f"{v}[:-1]", ("n-1",)), (f"{v}[::2]", NUMBER),
                (f"{v}[:0:-1]", ("n-1",)), (f"{v}[None, :]", VECTOR),
                (f"{v}[k:]", NUMBER), (f"{v}[-3:{self.index()}]", NUMBER),
                (f"{v}[{self.index()}:k:{self.pick(['1', '2', '-1', '-2'])}]", NUMBER),
                (f"{v}.reshape(-1)[{self.index()}]", NUMBER),
                (f"{v}.reshape(1, -1)[0]", VECTOR)]), kind)
        if shape == SQUARE:
            return (*self.pick([
                (f"{v}[{self.index()}, {self.index()}]", NUMBER), (f"{v}[{self.index()}]", VECTOR),
                (f"{v}[:, {self.index()}]", VECTOR), (f"{v}[...]", SQUARE), (f"{v}.T[:]", SQUARE),
                (f"{v}[::-1]", SQUARE), (f"{v}[..., {self.index()}]", VECTOR),
                (f"{v}[{mask}]", NUMBER), (f"{v}[{self.order()}]", SQUARE),
                (f"{v}[{self.order()}, {self.order()}]", VECTOR),
                (f"{v}[1:, 1:]", ("n-1", "n-1")), (f"{v}[:-1, :-1]", ("n-1", "n-1")),
                (f"{v}.T[{self.index()}]", VECTOR), (f"{v}[{self.index()}][::-1]", VECTOR),
                (f"{v}[{self.order()}, {self.index()}]", VECTOR),
                (f"{v}.reshape(-1)[{self.pick(['0', 'n', '-1', '::2'])}]", NUMBER),
                (f"{v}[{self.array(VECTOR, 'b', 3)}]", NUMBER),
                (f"{v}[:, {self.array(VECTOR, 'b', 3)}]", NUMBER),
                (f"{v}[{self.array(VECTOR, 'b', 3)}, {self.index()}]", NUMBER)]), kind)
        return f"{v}[...]", shape, kind

    def value(self, shape, kind):
        kind = kind if self.chance(0.8) else None
        if shape == NUMBER:
            return self.scalar(kind, 0)
        if "n-1" in shape:
            cut = self.pick(["1:", ":-1", ":0:-1", "-2::-1"])
            if shape == ("n-1",):
                return f"{self.array(VECTOR, kind, 2)}[{cut}]"
            return f"{self.array(SQUARE, kind, 2)}[{cut}, {self.pick(['1:', ':-1'])}]"
        if shape == SQUARE and self.chance(0.2):
            return self.array(VECTOR, kind, 1)
        return self.array(shape, kind, 1) if self.chance(0.8) else self.scalar(kind, 1)

    def statement(self, depth):
        r = self.rnd.random()
        if self.kind == "control" and r < 0.35:
            r = 0.62 + self.rnd.random() * 0.38
        if r < 0.2:
            target, shape, kind = self.target()
            self.add(depth, f"{target} = {self.value(shape, kind)}")
        elif r < 0.32:
            target, shape, kind = self.target()
            op = self.pick(["+=", "-=", "*=", "+="] + (["//=", "%=", "&=", "|=", "^=", "<<=", ">>="]
                           if kind == "i" else ["/="] if kind in "fc" else ["&=", "|="]))
            self.add(depth, f"{target} {op} {self.value(shape, kind)}")
        elif r < 0.42:
            shape = self.pick([VECTOR, VECTOR, SQUARE, WIDE])
            kind = self.pick("iifffbc")
            names = self.of(shape)
            new = self.name("v") if self.chance(0.7) or not names else self.pick(names)
            self.add(depth, f"{new} = {self.array(shape, kind)}")
            self.vars[new] = shape, kind
        elif r < 0.5:
            v = self.pick(self.of(VECTOR) + self.of(SQUARE))
            shape, kind = self.vars[v]
            new = self.name("w")
            if shape == VECTOR:
                text = self.pick([f"{v}[::-1]", f"{v}[:]", v, f"{v}.reshape(-1)", f"{v}[:n]"])
                new_shape = VECTOR
            else:
                text, new_shape = self.pick([
                    (f"{v}.T", SQUARE), (f"{v}[::-1]", SQUARE), (f"{v}[{self.index()}]", VECTOR),
                    (f"{v}[:, {self.index()}]", VECTOR), (f"{v}.T[::-1, ::-1]", SQUARE),
                    (f"{v}.diagonal().copy()", VECTOR), (f"{v}.reshape(n * n)[:n]", VECTOR)])
            self.add(depth, f"{new} = {text}")
            self.vars[new] = new_shape, kind
        elif r < 0.56:
            v = self.pick(self.of(VECTOR) + self.of(SQUARE))
            shape, kind = self.vars[v]
            f = self.pick(["add", "multiply", "subtract", "maximum"])
            kind = kind if self.chance(0.9) else None
            other = self.array(shape, kind, 3) if self.chance(0.6) else self.scalar(kind or 'i', 2)
            out = self.pick([v, f"{v}[::-1]", v])
            self.add(depth, f"np.{f}({self.array(shape, kind, 2)}, {other}, out={out})")
        elif r < 0.6:
            v = self.pick(self.of(VECTOR) + self.of(SQUARE))
            self.add(depth, self.pick([
                f"{v}.sort()", f"{v}.fill({self.scalar(None, 1)})", f"{v} += 1", f"{v} *= 2",
                f"{v}[:] = {v}[::-1]", f"{v}[1:] = {v}[:-1]", f"{v}[1:] += {v}[:-1]",
                f"{v}[:-1] -= {v}[1:]", f"{v}[::-1] += {v}", f"{v}[...] = {v}.T",
                f"np.copyto({v}, {self.scalar('i', 1)})",
                f"{v}[0], {v}[-1] = {v}[-1], {v}[0]"]))
        elif r < 0.7:
            kind = self.pick("iiffb")
            names = self.of(NUMBER, kind)
            new = self.pick(names) if names and self.chance(0.7) else self.name("s")
            if self.chance(0.3) and kind in "if":
                new = self.pick(self.of(NUMBER))
                self.add(depth, f"{new} {self.pick(['+=', '-=', '*='])} {self.scalar(kind)}")
                return
            self.add(depth, f"{new} = {self.scalar(kind)}")
            self.vars[new] = NUMBER, kind
        elif r < 0.74 and self.kind in ("control", "mixed"):
            self.container(depth)
        elif r < 0.76:
            text = self.pick(["k", "n", f"{self.scalar()}", f"'s', {self.scalar('i')}",
                              f"'k=' + str({self.pick(['n', '1'])})"])
            self.add(depth, f"print({text})")
        elif r < 0.78 and self.loops:
            self.add(depth, f"if {self.scalar('b')}:")
            self.add(depth + 1, self.pick(["break", "continue"]))
        elif r < 0.79:
            self.add(depth, f"if {self.scalar('b')}:")
            self.add(depth + 1, self.pick([
                f"return {self.scalar('f')}", "raise ValueError('bad')", "return a",
                "return a, b, m, t, k, x", "return a, b, m, t, k, x", "return",
                f"raise IndexError('no ' + str({self.pick(['n', '3'])}))",
                "pass", "raise KeyError(k)",
                f"assert {self.scalar('b')}, 'claim'"]))
        elif depth < 2 and r < 0.91:
            self.loop(depth)
        elif depth < 2:
            self.add(depth, f"if {self.scalar('b')}:")
            self.body(depth + 1)
            if self.chance(0.3):
                self.add(depth, f"elif {self.scalar('b')}:")
                self.body(depth + 1)
            if self.chance(0.6):
                self.add(depth, "else:")
                self.body(depth + 1)
        else:
            self.add(depth, f"t = t * 0.5 + {self.scalar('f', 1)}")

    def container(self, depth):
        r = self.rnd.random()
        if r < 0.3 and (self.lists or self.dicts or self.objects):
            where = []
            for name in self.lists:
                where += [f"{name}[0]", f"{name}[1]", f"{name}[{self.index()} % 2]"]
            for name in self.dicts:
                where += [f"{name}['a']", f"{name}[0]"]
            for name in self.objects:
                where += [f"{name}.u", f"{name}.v"]
            self.add(depth, f"{self.pick(where)} {self.pick(['=', '+=', '*='])} {self.scalar('f', 1)}")
        elif r < 0.4 and self.objects:
            self.add(depth, f"{self.pick(self.objects)}.w[{self.index()}] += {self.scalar('i', 1)}")
        elif r < 0.55 and depth == 0:
            new = self.name("l")
            self.add(depth, f"{new} = [{self.scalar('f', 1)}, {self.scalar(None, 1)}]")
            self.lists.append(new)
        elif r < 0.7 and depth == 0:
            new = self.name("d")
            self.add(depth, f"{new} = {{'a': {self.scalar('f', 1)}, 0: {self.scalar('i', 1)}}}")
            self.dicts.append(new)
        elif r < 0.85 and depth == 0:
            new = self.name("o")
            self.add(depth, f"{new} = Box({self.scalar('f', 1)}, {self.scalar('i', 1)}, a)")
            self.objects.append(new)
        elif depth == 0:
            new = self.name("g")
            self.add(depth, f"def {new}(z, c=2):")
            self.add(depth + 1, "nonlocal t")
            self.add(depth + 1, f"t += {self.pick(['z', '1', 'c', 'x'])}")
            if self.chance(0.5):
                self.add(depth + 1, f"if z > {self.scalar('f', 2)}:")
                self.add(depth + 2, "return c * 1.0")
            self.add(depth + 1, f"return z * {self.scalar('f', 2)} + c")
            self.functions.append(new)
        else:
            self.add(depth, f"t += {self.scalar('f', 1)}")

    def loop(self, depth):
        r = self.rnd.random()
        i = self.name("i")
        saved = dict(self.vars)
        self.loops += 1
        if r < 0.5:
            bounds = self.pick(["n", "1, n", "3", "n - 1, -1, -1", "0, n, 2", "k", "n // 2", "-n, 0"])
            self.add(depth, f"for {i} in range({bounds}):")
            if bounds != "k" and (bounds != "3" or self.chance(0.1)):
                self.indices.append(i)
                self.body(depth + 1)
                self.indices.pop()
            else:
                self.vars[i] = NUMBER, "i"
                self.body(depth + 1)
        elif r < 0.65:
            e = self.name("e")
            source = self.pick(self.of(VECTOR))
            form = self.rnd.random()
            if form < 0.4:
                self.add(depth, f"for {e} in {source}:")
            elif form < 0.7:
                self.add(depth, f"for {i}, {e} in enumerate({source}):")
                self.indices.append(i)
            else:
                other = self.name("e")
                self.add(depth, f"for {e}, {other} in zip({source}, {self.pick(self.of(VECTOR))}):")
                self.vars[other] = NUMBER, "f"
            self.vars[e] = NUMBER, self.vars[source][1] if self.vars[source][1] != "c" else "f"
            self.body(depth + 1)
            if i in self.indices:
                self.indices.remove(i)
        elif r < 0.72 and self.of(SQUARE):
            e = self.name("r")
            source = self.pick(self.of(SQUARE))
            self.add(depth, f"for {e} in {source}{self.pick(['', '.T', '[::-1]'])}:")
            self.vars[e] = VECTOR, self.vars[source][1]
            self.body(depth + 1)
        else:
            c = self.name("c")
            self.add(depth, f"{c} = 0")
            self.add(depth, f"while {c} < {self.pick(['4', 'n', 'k'])}:")
            self.add(depth + 1, f"{c} += 1")
            self.body(depth + 1)
        self.loops -= 1
        if self.chance(0.15):
            self.add(depth, "else:")
            self.add(depth + 1, f"t += {self.scalar('f', 1)}")
        kept = self.vars if self.chance(0.1) else saved
        self.vars = kept

    def body(self, depth):
        saved = dict(self.vars)
        for _ in range(self.rnd.randrange(1, 4)):
            self.statement(depth)
        self.vars = self.vars if self.chance(0.15) else saved

    def function(self, kinds):
        self.vars = {"a": (VECTOR, kinds[0]), "b": (VECTOR, kinds[1]), "m": (SQUARE, kinds[2]),
                     "k": (NUMBER, "i"), "x": (NUMBER, "f"), "t": (NUMBER, "f"), "n": (NUMBER, "i")}
        del self.vars["n"]
        for _ in range(self.rnd.randrange(1, 7)):
            self.statement(0)
        results = ["a", "b", "m", "t", *list(self.vars)[3:9], *self.lists, *self.objects, *self.dicts]
        head = ["def f(a, b, m, k, x, p=3, j=None):", "    n = len(a)",
                "    if j is None:", "        j = n + 1", f"    t = {self.pick(['0', '0.0'])}"]
        return "\n".join([*head, *self.lines, f"    return {', '.join(dict.fromkeys(results))}"]) + "\n"


def array(rng, dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    low = 0 if dtype.kind == "u" else -12
    whole = rng.integers(low, 13, shape)
    if dtype.kind in "iu":
        if rng.random() < 0.1:
            info = np.iinfo(dtype)
            whole = rng.choice(np.array([info.min, info.max, 0, 1], dtype), shape)
        return np.asarray(whole).astype(dtype)
    values = whole / 4
    if rng.random() < 0.15:
        values = np.where(rng.random(shape) < 0.3,
                          rng.choice([np.nan, np.inf, -np.inf, -0.0], shape), values)
    if dtype.kind == "c":
        values = values + 1j * rng.integers(-4, 5, shape)
    return values.astype(dtype)


def laid_out(rnd, rng, a):
    """Equal values in another memory layout."""
    r = rnd.random()
    if r < 0.5:
        return a
    if r < 0.6:
        return np.asfortranarray(a)
    if r < 0.7:
        big = np.zeros(tuple(2 * s for s in a.shape), a.dtype)
        view = big[tuple(slice(None, None, 2) for _ in a.shape)]
        view[...] = a
        return view
    if r < 0.8:
        return np.ascontiguousarray(a[::-1])[::-1]
    if r < 0.81:
        a = a.copy()
        a.flags.writeable = False
        return a
    if r < 0.9:
        view = np.zeros((*a.shape[:-1], a.shape[-1] + 3), a.dtype)[..., 1:-2]
        view[...] = a
        return view
    if r < 0.98:
        return a.T.copy().T
    if r < 0.985 and a.size:
        raw = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
        raw[...] = a
        return raw
    return a


def arguments(rnd, dtypes):
    n = rnd.choice([0, 1, 1, 2, 3, 4, 5, 8, 17, 40])
    rng = np.random.default_rng(rnd.randrange(2**32))
    a, b = (laid_out(rnd, rng, array(rng, d, (n,))) for d in dtypes[:2])
    m = laid_out(rnd, rng, array(rng, dtypes[2], (n, n)))
    r = rnd.random()
    if r < 0.02:
        b = a
    elif r < 0.04:
        b = a[::-1]
    elif r < 0.06 and n:
        b = m[rnd.randrange(n)]
    elif r < 0.07 and n:
        m = np.broadcast_to(a, (n, n))
    k = rnd.choice([0, 1, 2, 3, -1, -2, 5, 7])
    x = rnd.choice([0.5, -1.25, 0.0, 2.0, -3.5, 1.0, 2, True, np.float64(1.5), np.float32(0.25),
                    np.int64(3)])
    return a, b, m, k, x


def generate(rnd, kind):
    """(source text, argument tuples)."""
    dtypes = [rnd.choice(DTYPES) for _ in range(3)] if kind != "control" else [
        rnd.choice(["f8", "f8", "i8"]) for _ in range(3)]
    letters = ["b" if d == "?" else "i" if d[0] in "iu" else d[0] for d in dtypes]
    text = Writer(rnd, kind).function(letters)
    calls = [arguments(rnd, dtypes)]
    for _ in range(rnd.choice([0, 0, 1, 2])):
        if rnd.random() < 0.3:
            dtypes = [rnd.choice(DTYPES) for _ in range(3)]
        calls.append(arguments(rnd, dtypes))
    return text, calls
