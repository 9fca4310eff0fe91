"""Random nests of loops over matrices: what may run in another order, in tiles or transposed, and
what may not.

    kernel, args = random_nest(seed=7)

Loops of any extents, also 0, in any order; arrays of one to three axes whose indices are loop
variables, shifted ones and constants; what is stored to is also read, at the same place or another.
"""

from __future__ import annotations

import itertools
import random

import numpy as np

from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    Buffer,
    Carry,
    For,
    Kernel,
    Let,
    ScalarParam,
    Statement,
    Store,
)
from hotloop.loops.expr import Expr, e, lit, load, var

I64 = np.dtype("i8")
DTYPES = tuple(np.dtype(t) for t in ("f8", "f8", "f8", "f4", "i8", "i4", "u1", "?"))
EXTENTS = {2: (0, 1, 3, 7, 8, 16, 19, 24, 33), 3: (0, 1, 5, 9, 16, 17), 4: (1, 4, 5)}
"""By how many loops are nested."""

ROOM = 2
"""Elements of an axis beyond the extent of the loops over it."""


def random_nest(seed: int) -> tuple[Kernel, list]:
    return _Nests(random.Random(seed)).kernel()


class _Nests:
    def __init__(self, rng: random.Random):
        self.rng, self.count = rng, 0
        self.dtype = rng.choice(DTYPES)
        self.square = rng.random() < 0.5
        self.depth = rng.choice((2, 2, 3, 3, 3, 4))
        sizes = {name: rng.choice(EXTENTS[self.depth]) for name in ("n", "m", "l")}
        if self.depth > 2 and not self.square:
            sizes["m"] = rng.choice((4, 5, 8))
        if self.square:
            sizes = dict.fromkeys(sizes, sizes["n"])
        self.sizes = sizes
        self.data = np.random.default_rng(rng.randrange(2**32))
        self.params: list = [ScalarParam(name, I64) for name in sizes]
        self.args: list = [np.int64(x) for x in sizes.values()]
        self.extents: dict[str, str] = {}

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def buffer(self, axes: tuple[str, ...], kind: str, dtype: np.dtype) -> Buffer:
        shape = tuple(e.add(var(x), lit(ROOM)) for x in axes)
        extents = tuple(self.sizes[x] + ROOM for x in axes)
        values = self.data.normal(size=extents) * 3 if dtype.kind == "f" else (
            self.data.integers(0, 2 if dtype.kind == "b" else 50, extents))
        buffer = Buffer(self.name("b"), dtype, shape, kind, None, len(self.params))
        self.params.append(buffer)
        self.args.append(values.astype(dtype))
        return buffer

    def kernel(self) -> tuple[Kernel, list]:
        rng = self.rng
        self.targets = [self.buffer(self.axes(2), ARG_WRITTEN, self.dtype)
                        for _ in range(rng.choice((1, 1, 2)))]
        others = [self.dtype, self.dtype, rng.choice(DTYPES)]
        self.sources = [self.buffer(self.axes(rng.choice((1, 2, 2, 3))), ARG, rng.choice(others))
                        for _ in range(3)]
        body: list[Statement] = [self.nest() for _ in range(rng.choice((1, 1, 2)))]
        return Kernel("k", self.params, [], body), self.args

    def axes(self, rank: int) -> tuple[str, ...]:
        return tuple(self.rng.choice(list(self.sizes)) for _ in range(rank))

    def nest(self) -> Statement:
        rng = self.rng
        self.extents = {}
        loops = []
        for _ in range(self.depth):
            extent = "n" if self.square and rng.random() < 0.7 else rng.choice(list(self.sizes))
            loop = For(self.name("i"), lit(0), var(extent), lit(1), [])
            if loops and self.square and rng.random() < 0.2:
                loop.hi = e.add(var(rng.choice(loops).var), lit(rng.choice((0, 1))))
            if rng.random() < 0.1:
                loop.lo = lit(1)
            self.extents[loop.var] = "n" if self.square else str(loop.hi.args[0])
            loops.append(loop)
        for outer, inner in itertools.pairwise(loops):
            outer.body = [inner]
        innermost = loops[-1]
        if rng.random() < 0.3:
            self.sum(loops[-2], innermost)
        else:
            innermost.body = self.statements(loops)
        return loops[0]

    def statements(self, loops: list[For]) -> list[Statement]:
        found: list[Statement] = []
        for _ in range(self.rng.choice((1, 1, 2))):
            target = self.rng.choice(self.targets)
            index = self.index(target)
            value = self.value(2)
            if self.rng.random() < 0.7:
                value = self.plus(load(target, index), value)
            if self.rng.random() < 0.5:
                found.append(Let(self.name("t"), value))
                value = var(found[-1].name, value.dtype)
            found.append(Store(target, index, value))
        return found

    def sum(self, outer: For, inner: For) -> None:
        """A number that the inner loop sums is stored by the one around it."""
        carry = Carry(self.name("s"), self.dtype, lit(0, self.dtype), lit(0, self.dtype))
        own = var(carry.name, self.dtype)
        if self.rng.random() < 0.5:
            term = Let(self.name("t"), self.value(2))
            inner.body = [term]
            carry.next = self.plus(own, var(term.name, self.dtype))
        else:
            carry.next = self.plus(own, self.value(2))
        inner.carries = [carry]
        del self.extents[inner.var]
        target = self.rng.choice(self.targets)
        outer.body = [inner, Store(target, self.index(target), own)]

    def plus(self, x: Expr, y: Expr) -> Expr:
        return e.or_(x, y) if self.dtype.kind == "b" else e.add(x, y)

    def index(self, buffer: Buffer) -> tuple[Expr, ...]:
        found = []
        for extent in buffer.shape:
            axis = next(x for x in self.sizes if x in extent.free)
            fitting = [x for x, size in self.extents.items() if size == axis or self.square]
            kind = self.rng.random()
            if not fitting or kind < 0.1:
                found.append(lit(self.rng.randrange(ROOM)))
            else:
                shift = self.rng.choice((0, 0, 0, 0, 1))
                found.append(e.add(var(self.rng.choice(fitting)), lit(shift)))
        return tuple(found)

    def value(self, depth: int) -> Expr:
        rng = self.rng
        if depth == 0 or rng.random() < 0.2:
            buffer = rng.choice([*self.sources, *self.sources, *self.targets])
            return e.convert(load(buffer, self.index(buffer)), self.dtype)
        x, y = self.value(depth - 1), self.value(depth - 1)
        if self.dtype.kind == "b":
            return e.op(rng.choice(("and", "or", "xor")), x, y)
        return e.op(rng.choice(("mul", "mul", "add", "sub", "minimum")), x, y)
