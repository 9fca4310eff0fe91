"""Random well-formed Programs with arguments, for tests of passes and of lowering.

    program, args = random_program(seed=7)
    outcome(lambda: run(program, args))     # ("returns", results, host calls) or ("raises", ...)

Each has arrays of several dtypes and ranks over shared symbolic dimensions, scalars, elementwise
code, indexing, reductions, movement, nested `cond`, `for` (also with `until`), `while` and `call`,
data-dependent dimensions, checks that sometimes fail, and calls into the host. Indices are in
bounds by construction; what a Program computes makes no sense.
"""

import random

import numpy as np

from hotloop.ir.core import Block, Lit, Program, Var
from hotloop.ir.types import BOOL, DTYPES, F64, I64, Type
from hotloop.ops import OPS, make_eqn

HOST_CALLS = []
"""What `record` saw since `outcome` began."""


def record(*values):
    HOST_CALLS.append([np.array(v) for v in values])


def outcome(action):
    """What running does: ("returns", results, host calls) or ("raises", type, text, host calls)."""
    HOST_CALLS.clear()
    try:
        results = action()
    except (ValueError, IndexError, ArithmeticError) as error:
        return "raises", type(error), str(error), list(HOST_CALLS)
    return "returns", results, list(HOST_CALLS)


def assert_same_outcome(got, want, compare):
    """`compare(x, y)` raises unless two values are the same."""
    assert got[0] == want[0], f"{got} instead of {want}"
    if got[0] == "raises":
        assert got[1:3] == want[1:3]
    else:
        assert len(got[1]) == len(want[1])
        for x, y in zip(got[1], want[1], strict=True):
            compare(x, y)
    assert len(got[-1]) == len(want[-1])
    for xs, ys in zip(got[-1], want[-1], strict=True):
        for x, y in zip(xs, ys, strict=True):
            compare(x, y)


def exactly(x, y):
    """Equal dtypes, shapes and values; signs of zeros count, one nan is as good as another."""
    x, y = np.asarray(x), np.asarray(y)
    assert (x.dtype, x.shape) == (y.dtype, y.shape), f"{x!r} instead of {y!r}"
    if x.dtype.kind == "c":
        exactly(x.real, y.real)
        exactly(x.imag, y.imag)
        return
    same = x == y
    if x.dtype.kind == "f":
        same = (same & (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y))
    assert np.all(same), f"{x!r} instead of {y!r}"


def random_program(seed, size=12, depth=3, raises=True):
    """A Program of about `size` statements, each region `depth` deep at most, and arguments.
    Without `raises`, no check and no host call."""
    return _Generator(random.Random(seed), size, depth, raises).program()


FLOAT_UNARY = ["neg", "abs", "sqrt", "floor", "rint", "trunc", "ceil"]
FLOAT_BINARY = ["add", "sub", "mul", "div", "minimum", "maximum", "min", "max", "copysign", "fmod",
                "remainder", "floor_divide"]
INT_BINARY = ["add", "sub", "mul", "floor_divide", "remainder", "and", "or", "xor", "shift_left",
              "shift_right", "min", "max", "fmod", "minimum"]
BOOL_BINARY = ["and", "or", "xor", "eq", "ne", "lt", "le", "min", "maximum"]
COMPLEX_BINARY = ["add", "sub", "mul"]
COMPARE = ["lt", "le", "gt", "ge", "eq", "ne"]
SHORT = ["i8", "u8", "i32", "u64", "f32"]
"""Dtypes that appear beside bool, i64, f64, c128."""


class _Generator:
    def __init__(self, rng, size, depth, raises):
        self.rng, self.size, self.depth, self.raises = rng, size, depth, raises
        self.scope = []                     # visible Vars
        self.eqns = []                      # of the block being made
        self.positive = set()               # dimensions that are not 0

    # -- making

    def emit(self, op, *ins, blocks=(), **params):
        eqn = make_eqn(OPS[op], ins, params, blocks)
        self.eqns.append(eqn)
        self.scope.extend(eqn.outs)
        return eqn.outs[0] if len(eqn.outs) == 1 else eqn.outs

    def block(self, params, make):
        """A Block with `params`; `make()` emits its equations and gives its results."""
        outer_eqns, height = self.eqns, len(self.scope)
        self.eqns = []
        self.scope.extend(params)
        outs = make()
        block = Block(params, self.eqns, outs)
        self.eqns = outer_eqns
        del self.scope[height:]
        return block

    def program(self):
        n, m = Var(Type(I64), "n"), Var(Type(I64), "m")
        self.positive |= {n, m, 3}
        shapes = [(n,), (n,), (n, m), (m,), (n, 3), (), (), (), ()]
        dtypes = [F64, I64, F64, F64, BOOL, F64, F64, I64, I64]
        extra = DTYPES[self.rng.choice([*SHORT, "c128"])]
        params = [Var(Type(d, s)) for d, s in zip([*dtypes, extra], [*shapes, (n,)], strict=True)]
        self.scope = [*params, n, m]
        self.statements(self.size, self.depth)
        candidates = [v for v in self.scope if v not in params]
        outs = self.rng.sample(candidates, min(len(candidates), self.rng.randint(1, 5)))
        into = [None] * len(outs)
        outs += params[:1] if self.rng.random() < 0.2 else []
        into += [None] * (len(outs) - len(into))
        for k, out in enumerate(outs):
            target = next((p for p in params if p.shape and p.type == out.type
                           and p not in into), None)
            if target is not None and self.rng.random() < 0.3:
                into[k] = target
        program = Program(params, self.eqns, outs, "random", into)
        return program, self.arguments(params, {n: self.rng.randint(1, 6),
                                                m: self.rng.randint(1, 4)})

    def arguments(self, params, sizes):
        make = np.random.default_rng(self.rng.randrange(2**32))
        args = []
        for p in params:
            shape = tuple(sizes.get(d, d) for d in p.shape)
            if p.dtype.kind == "b":
                value = make.random(shape) < 0.5
            elif p.dtype.kind in "iu":
                value = make.integers(0 if p.dtype.kind == "u" else -9, 10, shape)
                if p.dtype == I64 and not shape and make.random() < 0.2:
                    value = make.choice([2**62, 2**63 - 1, -2**63, 2**32])
            else:
                value = np.round(make.normal(0, 3, shape), 2)
                if p.dtype.kind == "c":
                    value = value + 1j * np.round(make.normal(0, 3, shape), 2)
                elif shape and make.random() < 0.3:
                    value.flat[0] = make.choice([np.nan, np.inf, -0.0, 0.0])
            args.append(np.asarray(value).astype(p.dtype)[()])
        return args

    # -- choosing

    def chance(self, probability):
        return self.rng.random() < probability

    def values(self, test):
        return [v for v in self.scope if test(v)]

    def pick(self, test):
        """A visible Var, later ones more likely; None if there is none."""
        found = self.values(test)
        if not found:
            return None
        return found[max(self.rng.randrange(len(found)), self.rng.randrange(len(found)))]

    def scalar(self, dtype):
        if self.chance(0.25):
            return self.literal(dtype)
        return self.pick(lambda v: v.dtype == dtype and not v.shape) or self.literal(dtype)

    def literal(self, dtype):
        if dtype.kind == "b":
            return Lit(self.chance(0.5))
        if dtype.kind in "iu":
            return Lit(self.rng.choice([0, 1, 2, 3, 7]), dtype)
        return Lit(self.rng.choice([0.0, 1.0, -0.0, 2.0, 0.5, -1.0]), dtype)

    def array(self):
        return self.pick(lambda v: bool(v.shape))

    def small(self, bound):
        """An i64 scalar of 0 ... bound-1; bound is a positive dimension or int."""
        return self.emit("remainder", self.scalar(I64),
                         Lit(bound) if isinstance(bound, int) else bound)

    def like(self, var):
        """A value that elementwise operations can combine with `var`."""
        same = self.pick(lambda v: v.type == var.type)
        return self.scalar(var.dtype) if same is None or self.chance(0.2) else same

    # -- statements

    def statements(self, count, depth):
        for _ in range(count):
            kinds = [self.arithmetic] * 5 + [self.compare, self.choose, self.reduce, self.load,
                     self.load, self.store, self.gather, self.move, self.create, self.cut,
                     self.convert, self.scan, self.twice]
            if self.raises:
                kinds += [self.check, self.host] if self.chance(0.4) else [self.check]
            if depth:
                kinds += [self.branch, self.branch, self.loop, self.loop, self.spin, self.call,
                          self.filter, self.shrink]
            self.rng.choice(kinds)(*([depth - 1] if depth else [0]))

    def inner(self, depth):
        self.statements(self.rng.randint(1, 4), depth)

    def arithmetic(self, depth):
        x = self.pick(lambda v: True)
        kind = x.dtype.kind
        if kind == "b":
            if self.chance(0.2):
                return self.emit("not", x)
            return self.emit(self.rng.choice(BOOL_BINARY), x, self.like(x))
        if kind in "iu":
            if self.chance(0.1):
                return self.emit(self.rng.choice(["neg", "abs", "not"]), x)
            if x.dtype == I64 and self.chance(0.1):
                op = self.rng.choice(["add_overflows", "sub_overflows", "mul_overflows"])
                return self.emit(op, x, self.like(x))
            return self.emit(self.rng.choice(INT_BINARY), x, self.like(x))
        if kind == "c":
            return self.emit(self.rng.choice(COMPLEX_BINARY), x, self.like(x))
        if self.chance(0.3):
            return self.emit(self.rng.choice(FLOAT_UNARY), x)
        return self.emit(self.rng.choice(FLOAT_BINARY), x, self.like(x))

    def twice(self, depth):
        """The same equation again, for common subexpressions."""
        plain = [q for q in self.eqns if not q.blocks and q.outs]
        if plain:
            q = self.rng.choice(plain)
            self.emit(q.op.name, *q.ins, **q.params)

    def compare(self, depth):
        x = self.pick(lambda v: v.dtype.kind in "iuf")
        return self.emit(self.rng.choice(COMPARE), x, self.like(x))

    def choose(self, depth):
        x = self.pick(lambda v: True)
        mask = self.pick(lambda v: v.dtype == BOOL and (not v.shape or v.shape == x.shape))
        return self.emit("select", mask if mask is not None else self.literal(BOOL), x,
                         self.like(x))

    def reduce(self, depth):
        x = self.pick(lambda v: bool(v.shape) and all(d in self.positive for d in v.shape))
        axes = tuple(k for k in range(len(x.shape)) if self.chance(0.6))
        ops = {"b": ["reduce_and", "reduce_or"], "c": ["reduce_sum"]}.get(
            x.dtype.kind, ["reduce_sum", "reduce_prod", "reduce_min", "reduce_max"])
        return self.emit(self.rng.choice(ops), x, axes=axes)

    def scan(self, depth):
        x = self.pick(lambda v: bool(v.shape) and v.dtype.kind in "iufc")
        return self.emit(self.rng.choice(["cumsum", "cumprod"]), x,
                         axis=self.rng.randrange(len(x.shape)))

    def indexable(self):
        return self.pick(lambda v: bool(v.shape) and all(d in self.positive for d in v.shape))

    def selection(self, x):
        codes, operands = "", []
        for d in x.shape:
            code = self.rng.choice(":iis")
            if self.chance(0.1):
                codes += "n"
            codes += code
            if code == "i":
                operands.append(self.small(d))
            elif code == "s":
                operands += self.slice(d)
        return codes, operands

    def slice(self, d):
        if self.chance(0.4):                # reversed, whole
            size = Lit(d) if isinstance(d, int) else d
            return [self.emit("sub", size, Lit(1)), size, Lit(-1)]
        start = self.small(d)
        size = self.emit("sub", Lit(d) if isinstance(d, int) else d, start)
        self.positive.add(size)
        return [start, size, Lit(1)]

    def load(self, depth):
        x = self.indexable()
        codes, operands = self.selection(x)
        return self.emit("get", x, *operands, codes=codes)

    def store(self, depth):
        x = self.indexable()
        codes, operands = self.selection(x)
        selected = self.emit("get", x, *operands, codes=codes)
        value = self.emit("add", selected, self.literal(x.dtype)) if x.dtype.kind != "b" else (
            self.emit("not", selected))
        op = "addat" if x.dtype.kind != "b" and self.chance(0.4) else "set"
        return self.emit(op, x, value, *operands, codes=codes)

    def gather(self, depth):
        x = self.indexable()
        index = self.pick(lambda v: v.dtype == I64 and len(v.shape) == 1)
        size = Lit(x.shape[0]) if isinstance(x.shape[0], int) else x.shape[0]
        index = self.emit("remainder", index, size)
        codes = "a" + ":" * (len(x.shape) - 1)
        y = self.emit("get", x, index, codes=codes)
        if x.dtype.kind != "b" and self.chance(0.5):
            y = self.emit("addat", x, y, index, codes=codes)
        return y

    def move(self, depth):
        x = self.array()
        rank = len(x.shape)
        if rank > 1 and self.chance(0.6):
            return self.emit("transpose", x, perm=tuple(self.rng.sample(range(rank), rank)))
        sizes = [Lit(d) if isinstance(d, int) else d for d in x.shape]
        if self.chance(0.5):
            return self.emit("broadcast", x, Lit(2), *sizes, axes=tuple(range(1, rank + 1)))
        if self.chance(0.3):
            return self.emit("reshape", x, *sizes, Lit(1))
        total = sizes[0]
        for size in sizes[1:]:
            total = self.emit("mul", total, size)
        if all(d in self.positive for d in x.shape) and isinstance(total, Var):
            self.positive.add(total)
        return self.emit("reshape", x, total)

    def create(self, depth):
        n = self.pick(lambda v: v in self.positive)
        if self.chance(0.5):
            return self.emit("iota", n, dtype=self.rng.choice([I64, F64]))
        dtype = self.rng.choice([I64, F64, BOOL])
        return self.emit("broadcast", self.scalar(dtype), n, axes=())

    def cut(self, depth):
        """A part of an array that may be empty."""
        x = self.pick(lambda v: bool(v.shape) and v.shape[0] in self.positive)
        size = self.small(x.shape[0])
        return self.emit("get", x, Lit(0), size, Lit(1), codes="s" + ":" * (len(x.shape) - 1))

    def convert(self, depth):
        x = self.pick(lambda v: v.dtype.kind in "biu" or v.dtype == DTYPES["f32"])
        target = self.rng.choice([I64, F64, BOOL, DTYPES["i32"]])
        if x.dtype.kind == "f" and target.kind == "i":
            target = F64
        return self.emit("convert", x, dtype=target)

    def check(self, depth):
        op, bound = self.rng.choice([("lt", 1000), ("ge", -1000), ("ne", 77), ("lt", 5)])
        x = self.scalar(I64)
        ok = self.emit(op, x, Lit(bound)) if not self.chance(0.2) else self.scalar(BOOL)
        self.emit("check", ok, x, exception=self.rng.choice([ValueError, IndexError]),
                  message="value {} is out of range")

    def host(self, depth):
        self.emit("call_host", self.pick(lambda v: True), function=record)

    # -- control

    def branch(self, depth):
        kinds = [self.pick(lambda v: True) for _ in range(self.rng.randint(1, 3))]

        def arm():
            self.inner(depth)
            return [self.like(v) if not v.shape else
                    self.pick(lambda w, v=v: w.type == v.type) for v in kinds]
        condition = self.scalar(BOOL)
        blocks = [self.block([], arm), self.block([], arm)]
        self.emit("cond", condition, blocks=blocks)

    def carried(self):
        found = [self.pick(lambda v: True) for _ in range(self.rng.randint(1, 3))]
        return list(dict.fromkeys(found))

    def loop(self, depth):
        inits = self.carried()
        until = {}
        if self.chance(0.3):
            inits.append(Lit(False))
            until = {"until": len(inits) - 1}
        trips = self.rng.choice([Lit(self.rng.randint(0, 4)), self.small(5)])
        lo, hi, step = self.rng.choice([(Lit(0), trips, Lit(1)), (Lit(1), trips, Lit(2)),
                                        (trips, Lit(-1), Lit(-1))])
        index = Var(Type(I64))
        carries = [Var(v.type) for v in inits]

        def body():
            self.inner(depth)
            return [self.next(c) for c in carries]
        self.emit("for", lo, hi, step, *inits, blocks=[self.block([index, *carries], body)],
                  **until)

    def next(self, carry):
        """The value of a carry after a trip; sometimes unchanged, sometimes a conditional sum."""
        if self.chance(0.15):
            return carry
        if carry.dtype.kind in "if" and self.chance(0.2):
            total = self.emit("add", carry, self.like(carry))
            return self.emit("select", self.scalar(BOOL), total, carry)
        return self.pick(lambda v: v.type == carry.type)

    def spin(self, depth):
        inits = [Lit(0), *self.carried()]
        limit = self.small(4)
        params = [Var(v.type) for v in inits]
        test_params = [Var(v.type) for v in inits]

        def test():
            going = self.emit("lt", test_params[0], limit)
            return [self.emit("and", going, self.scalar(BOOL)) if self.chance(0.2) else going]

        def body():
            self.inner(depth)
            return [self.emit("add", params[0], Lit(1)), *map(self.next, params[1:])]
        self.emit("while", *inits, blocks=[self.block(test_params, test),
                                           self.block(params, body)])

    def call(self, depth):
        ins = self.carried()
        params = [Var(v.type) for v in ins]

        def body():
            self.inner(depth)
            # dimensions of results are visible outside
            outer = [v for v in self.scope if v not in self.local_names()]
            fits = [v for v in self.scope if all(d in outer or isinstance(d, int)
                                                 for d in v.shape)]
            return self.rng.sample(fits, min(2, len(fits)))
        self.emit("call", *ins, blocks=[self.block(params, body)], name="f")

    def local_names(self):
        return {v for eqn in self.eqns for v in eqn.outs}

    def filter(self, depth):
        """A data-dependent dimension."""
        mask = self.pick(lambda v: v.dtype == BOOL and len(v.shape) == 1)
        if mask is None:
            return
        _, index = self.emit("nonzero", mask)
        x = self.pick(lambda v: bool(v.shape) and v.shape[0] is mask.shape[0])
        if x is not None:
            codes = "a" + ":" * (len(x.shape) - 1)
            picked = self.emit("get", x, index, codes=codes)
            if x.dtype.kind in "if" and self.rng.random() < 0.5:
                new = self.emit("sub", self.emit("mul", picked, picked), Lit(2, x.dtype))
                self.emit("set", x, new, index, codes=codes)

    def shrink(self, depth):
        """A loop whose array gets shorter: the dimension is a carry."""
        x = self.pick(lambda v: len(v.shape) == 1 and v.shape[0] in self.positive)
        if x is None:
            return
        size = Lit(x.shape[0]) if isinstance(x.shape[0], int) else x.shape[0]
        index, k = Var(Type(I64)), Var(Type(I64))
        y = Var(Type(x.dtype, (k,)))

        def body():
            half = self.emit("floor_divide", k, Lit(2))
            return [half, self.emit("get", y, Lit(0), half, Lit(1), codes="s")]
        self.emit("for", Lit(0), self.small(3), Lit(1), size, x,
                  blocks=[self.block([index, k, y], body)])
