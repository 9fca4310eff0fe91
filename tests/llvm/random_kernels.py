"""Random Kernels around one loop that may become lanes, with arguments.

    kernel, args = random_kernel(seed=7, lanes=4)

The loop's iterations are independent: each stores to its own elements. Inside are `let`, `if`,
`while` (at most a few rounds), inner `for`, contiguous, strided, reversed, uniform and gathered
loads, some under conditions that guard them, and reductions of all combiners.
"""

from __future__ import annotations

import random

import numpy as np

from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    Buffer,
    Carry,
    Check,
    For,
    If,
    Kernel,
    Let,
    ScalarParam,
    Statement,
    Store,
    While,
)
from hotloop.loops.expr import Expr, e, lit, load, var
from hotloop.loops.rewrite import Names, copied
from hotloop.loops.scalar import identity

I64, BOOL = np.dtype("i8"), np.dtype("?")
DTYPES = tuple(np.dtype(t) for t in ("f8", "f4", "i8", "i4", "u1", "?"))
STEPS = (1, 1, 1, 2, -1, -3)


def random_kernel(seed: int, lanes: int) -> tuple[Kernel, list]:
    return _Generator(random.Random(seed), lanes).kernel()


def random_stopping_kernel(seed: int, lanes: int) -> tuple[Kernel, list]:
    """One whose loop ends when a check fails, or before; a copy of it does the rest."""
    rng = random.Random(seed)
    generator = _Generator(rng, lanes)
    kernel, args = generator.kernel()
    loop, = kernel.body
    assert isinstance(loop, For)
    (rest,), _ = copied([loop], Names(kernel))
    assert isinstance(rest, For)
    loop.stop, rest.lanes = "stop", 0
    rest.lo = var("stop")
    for carry, more in zip(loop.carries, rest.carries, strict=True):
        more.init = var(carry.name, carry.dtype)
    kernel.results = [var(c.name, c.dtype) for c in rest.carries]
    kernel.body = [loop, rest]
    scope = [generator.lane, var("s", "f8"), var("n")]
    for _ in range(rng.randrange(1, 3)):
        cond = generator.expression(scope, 2, BOOL)
        if rng.random() < 0.6:
            steps = e.sub(generator.lane, loop.lo)
            far = rng.randrange(250) * int(loop.step.args[0])
            cond = e.lt(steps, far) if far > 0 else e.gt(steps, far - 1)
        loop.body.insert(0, Check(cond, -1))
    return kernel, args


class _Generator:
    def __init__(self, rng: random.Random, lanes: int):
        self.rng, self.lanes = rng, lanes
        self.count = 0
        self.params: list = []
        self.args: list = []
        self.data = np.random.default_rng(rng.randrange(2**32))
        self.n = rng.choice((0, 1, 2, 5, 8, 13, 31, 64, 70, 130, 200))
        self.buffers: list[Buffer] = []
        self.targets: list[Buffer] = []
        self.places: dict[Buffer, Expr] = {}

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def values(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        if dtype.kind == "f":
            found = self.data.normal(size=shape) * 3
            found[self.data.random(shape) < 0.05] = np.nan
            return found.astype(dtype)
        return self.data.integers(0, 2 if dtype.kind == "b" else 50, shape).astype(dtype)

    def buffer(self, dtype: np.dtype, kind: str) -> Buffer:
        """Of shape (n, 3) or (3 * n,), contiguous or a view."""
        rank2 = self.rng.random() < 0.4
        shape = (var("n"), lit(3)) if rank2 else (e.mul(var("n"), 3),)
        array = self.values(dtype, (self.n, 3) if rank2 else (3 * self.n,))
        strides = None
        if self.rng.random() < 0.3:
            wide = np.repeat(np.repeat(array, 2, axis=0), 2, axis=-1)
            array = wide[::2] if not rank2 else wide[::2, ::2]
            array = (array[:, ::-1] if rank2 else array[::-1]) if self.rng.random() < 0.5 else array
            array = array[:3 * self.n] if not rank2 else array
            strides = tuple(var(self.name("st")) for _ in shape)
        name = self.name("b")
        buffer = Buffer(name, dtype, shape, kind, strides, len(self.params))
        self.params.append(buffer)
        self.args.append(array)
        return buffer

    def kernel(self) -> tuple[Kernel, list]:
        self.params.append(ScalarParam("n", I64))
        self.args.append(np.int64(self.n))
        self.params.append(ScalarParam("s", np.dtype("f8")))
        self.args.append(np.float64(self.rng.uniform(-2, 2)))
        self.buffers = [self.buffer(self.rng.choice(DTYPES), ARG) for _ in range(3)]
        self.buffers.append(self.buffer(I64, ARG))
        self.targets = [self.buffer(self.rng.choice(DTYPES), ARG_WRITTEN) for _ in range(2)]
        step = self.rng.choice(STEPS)
        lo, hi = (lit(0), var("n")) if step > 0 else (e.sub(var("n"), 1), lit(-1))
        self.lane = var("i")
        scope = [self.lane, var("s", "f8"), var("n")]
        body = self.statements(scope, 3, [])
        for k, target in enumerate(self.targets):
            value = e.convert(self.expression(scope, 2, self.rng.choice(DTYPES)), target.dtype)
            body.append(Store(target, self.own(target, k), value))
        carries = []
        for combine, dtype in (("add", "i8"), ("maximum", "f8"), ("minimum", "f4"), ("or", "?"),
                               ("xor", "i4"), ("and", "u1"), ("mul", "i8"), ("add", "f8")):
            if self.rng.random() < 0.4:
                name = self.name("c")
                new = e.convert(self.expression(scope, 2, np.dtype(dtype)), dtype)
                # powers of two add exactly, in any order
                if combine == "add" and dtype == "f8":
                    new = e.select(e.gt(new, 0.5), lit(0.5, "f8"), lit(-2.0, "f8"))
                init = lit(identity(combine, np.dtype(dtype)), dtype)
                carries.append(Carry(name, np.dtype(dtype), init,
                                     e.op(combine, var(name, dtype), new), combine))
        loop = For("i", lo, hi, lit(step), body, carries, lanes=self.lanes)
        results = [var(c.name, c.dtype) for c in carries]
        return Kernel("k", self.params, results, [loop]), self.args

    # ---- expressions

    def own(self, buffer: Buffer, k: int) -> tuple[Expr, ...]:
        """An element that belongs to this iteration."""
        if len(buffer.shape) == 2:
            return (self.lane, lit(k % 3))
        if buffer not in self.places:
            self.places[buffer] = self.rng.choice((
                e.mul(self.lane, 3), e.add(self.lane, var("n")), self.lane,
                e.sub(e.sub(e.mul(var("n"), 3), 1), self.lane)))
        return (self.places[buffer],)

    def index(self, buffer: Buffer, scope: list[Expr]) -> tuple[Expr, ...]:
        """In bounds whenever the loop runs at all."""
        kind = self.rng.choice(("own", "uniform", "gather", "inner"))
        inner = [x for x in scope if x.op == "var" and str(x.args[0]).startswith("k")]
        some = {"own": self.lane, "uniform": e.sub(var("n"), 1), "inner": self.lane}.get(kind)
        if some is None:
            ints = [x for x in scope if x.dtype == I64]
            some = e.irem(e.abs(self.rng.choice(ints)), var("n"))
            some = e.maximum(some, 0)            # abs of the least integer is negative
        if len(buffer.shape) == 2:
            second = inner[-1] if inner and kind == "inner" else lit(self.rng.randrange(3))
            return (some, second)
        if inner and kind == "inner":
            return (e.add(e.mul(self.lane, 3), inner[-1]),)
        return (e.add(some, e.mul(var("n"), self.rng.randrange(3))),)

    def leaf(self, scope: list[Expr], dtype: np.dtype) -> Expr:
        if self.rng.random() < 0.5:
            buffer = self.rng.choice(self.buffers)
            return e.convert(load(buffer, self.index(buffer, scope)), dtype)
        return e.convert(self.rng.choice(scope), dtype)

    def expression(self, scope: list[Expr], depth: int, dtype: np.dtype) -> Expr:
        rng = self.rng
        if depth == 0 or rng.random() < 0.2:
            return self.leaf(scope, dtype)
        x = self.expression(scope, depth - 1, dtype)
        y = self.expression(scope, depth - 1, dtype)
        choice = rng.random()
        if choice < 0.2:
            other = rng.choice(DTYPES)
            p = self.expression(scope, depth - 1, other)
            q = self.expression(scope, depth - 1, other)
            return e.select(e.op(rng.choice(("lt", "ge", "eq")), p, q), x, y)
        if choice < 0.3:
            other = rng.choice(DTYPES)
            return e.convert(self.expression(scope, depth - 1, other), dtype)
        if dtype.kind == "b":
            if rng.random() < 0.2:
                p, q = (self.expression(scope, depth - 1, I64) for _ in range(2))
                name = rng.choice(("mul_overflows", "add_overflows", "sub_overflows"))
                return e.op(name, e.mul(p, q), e.shl(q, lit(30)))
            return e.op(rng.choice(("and", "or", "xor")), x, y)
        if dtype.kind == "f":
            name = rng.choice(("add", "sub", "mul", "minimum", "maximum", "div", "copysign"))
        else:
            name = rng.choice(("add", "sub", "mul", "minimum", "and", "shl", "idiv", "irem"))
        return e.op(name, x, y)

    # ---- statements

    def statements(self, scope: list[Expr], depth: int, carried: list[str]) -> list[Statement]:
        """Extends `scope`."""
        found: list[Statement] = []
        for _ in range(self.rng.randrange(3)):
            kind = self.rng.choice(("let", "if", "for", "while") if depth else ("let",))
            found.append(getattr(self, f"make_{kind}")(scope, depth))
        return found

    def make_let(self, scope: list[Expr], depth: int) -> Statement:
        value = self.expression(scope, 2, self.rng.choice(DTYPES))
        name = self.name("t")
        scope.append(var(name, value.dtype))
        return Let(name, value)

    def make_if(self, scope: list[Expr], depth: int) -> Statement:
        cond = self.expression(scope, 2, BOOL)
        then, orelse = list(scope), list(scope)
        statements = self.statements(then, depth - 1, []), self.statements(orelse, depth - 1, [])
        if self.rng.random() < 0.5:
            target = self.rng.choice(self.targets)
            value = e.convert(self.expression(then, 2, BOOL), target.dtype)
            statements[0].append(Store(target, self.own(target, 2), value))
        dtype, name = self.rng.choice(DTYPES), self.name("o")
        out = (name, dtype, self.expression(then, 1, dtype), self.expression(orelse, 1, dtype))
        scope.append(var(name, dtype))
        return If(cond, *statements, [out])

    def carries(self, scope: list[Expr], inner: list[Expr], count: int) -> list[Carry]:
        found = []
        for _ in range(count):
            dtype = self.rng.choice(DTYPES)
            found.append(Carry(self.name("v"), dtype, self.expression(scope, 1, dtype), lit(0)))
        inner += [var(c.name, c.dtype) for c in found]
        return found

    def finish(self, carries: list[Carry], scope: list[Expr], inner: list[Expr]) -> None:
        for carry in carries:
            carry.next = self.expression(inner, 2, carry.dtype)
            scope.append(var(carry.name, carry.dtype))

    def make_for(self, scope: list[Expr], depth: int) -> Statement:
        name = self.name("k")
        inner = [*scope, var(name)]
        carries = self.carries(scope, inner, self.rng.randrange(3))
        body = self.statements(inner, depth - 1, [])
        self.finish(carries, scope, inner)
        return For(name, lit(0), lit(self.rng.randrange(4)), lit(1), body, carries)

    def make_while(self, scope: list[Expr], depth: int) -> Statement:
        inner = list(scope)
        rounds = Carry(self.name("w"), I64, lit(0), lit(0))
        inner.append(var(rounds.name))
        carries = self.carries(scope, inner, self.rng.randrange(3))
        limit = self.rng.choice((lit(2), e.irem(e.abs(self.expression(scope, 1, I64)), lit(4))))
        going = e.and_(e.lt(var(rounds.name), limit), e.le(var(rounds.name), 4))
        body = self.statements(inner, depth - 1, [])
        self.finish(carries, scope, inner)
        rounds.next = e.add(var(rounds.name), 1)
        scope.append(var(rounds.name))
        return While([], going, body, [rounds, *carries])
