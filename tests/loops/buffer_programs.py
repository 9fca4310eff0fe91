"""Random Programs that are hard on buffer planning: slices, overlapping updates, nested loops and
branches, permuted carries, arguments written back, results that are aliases.

    program, args = random_program(seed)

Three vectors and two matrices of one dtype are rewritten step by step; what a step reads is picked
at random among them, temporaries and scalars, so that every read-after-write question comes up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var
from hotloop.ir.types import I64, Type
from hotloop.ops import OPS, make_eqn

DTYPES = ("f8", "f8", "f8", "i8", "f4", "c16", "f2")


class Builder:
    """Appends equations to the innermost open block."""

    def __init__(self) -> None:
        self.open: list[list[Eqn]] = [[]]

    def op(self, name: str, *ins: Any, blocks: Sequence[Block] = (), **params: Any) -> Any:
        atoms = [a if isinstance(a, (Var, Lit)) else Lit(a) for a in ins]
        eqn = make_eqn(OPS[name], atoms, params, blocks)
        self.open[-1].append(eqn)
        return eqn.outs[0] if len(eqn.outs) == 1 else eqn.outs

    def block(self, params: Sequence[Var], body: Callable[..., Sequence[Atom]]) -> Block:
        self.open.append([])
        outs = body(*params)
        return Block(params, self.open.pop(), outs)

    def like(self, values: Sequence[Atom]) -> list[Var]:
        return [Var(Type(v.dtype, v.shape)) for v in values]

    def for_(self, lo: Any, hi: Any, step: Any, inits: Sequence[Atom],
             body: Callable[..., Sequence[Atom]], until: int | None = None) -> list[Var]:
        block = self.block([Var(Type(I64)), *self.like(inits)], body)
        outs = self.op("for", lo, hi, step, *inits, blocks=[block], until=until)
        return list(outs) if isinstance(outs, tuple) else [outs]

    def while_(self, inits: Sequence[Atom], test: Callable[..., Sequence[Atom]],
               body: Callable[..., Sequence[Atom]]) -> list[Var]:
        blocks = [self.block(self.like(inits), test), self.block(self.like(inits), body)]
        outs = self.op("while", *inits, blocks=blocks)
        return list(outs) if isinstance(outs, tuple) else [outs]

    def cond(self, p: Atom, yes: Callable[[], Sequence[Atom]],
             no: Callable[[], Sequence[Atom]]) -> list[Var]:
        outs = self.op("cond", p, blocks=[self.block([], yes), self.block([], no)])
        return list(outs) if isinstance(outs, tuple) else [outs]


class _Writer:
    """Random steps on the present vectors and matrices."""

    def __init__(self, rnd: random.Random, dtype: np.dtype):
        self.rnd, self.dtype, self.b = rnd, dtype, Builder()
        self.n = Var(Type(I64))
        self.m: Any = None
        self.depth = 0

    def number(self, value: float) -> Lit:
        return Lit(self.dtype.type(value if self.dtype.kind in "fc" else int(value * 4)))

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.rnd.randrange(len(options))]

    # ---- reads

    def place(self, counters: list[Var]) -> Atom:
        if counters and self.rnd.random() < 0.6:
            return self.b.op("add", self.pick(counters), self.rnd.randrange(1, 3))
        return Lit(self.rnd.randrange(3))

    def window(self, vectors: list[Var]) -> Var:
        return self.b.op("get", self.pick(vectors), self.rnd.randrange(3), self.m, 1, codes="s")

    def line(self, matrices: list[Var], counters: list[Var]) -> Var:
        return self.b.op("get", self.pick(matrices), self.place(counters),
                         codes=self.pick(["i:", ":i"]))

    def combine(self, x: Atom, y: Atom) -> Var:
        name = self.pick(["add", "sub", "mul"] + (["maximum"] if self.dtype.kind != "c" else []))
        half = self.b.op("mul", y, self.number(0.5))
        if name == "mul":
            return self.b.op("mul", x, self.number(0.25))
        return self.b.op(name, self.b.op("mul", x, self.number(0.5)), half)

    def small(self, state: _State, counters: list[Var]) -> Var:
        """A vector of n - 2."""
        c = self.rnd.random()
        if c < 0.35:
            return self.window(state.vectors)
        if c < 0.5 and state.temporaries:
            return self.pick(state.temporaries)
        if c < 0.6:
            line = self.line(state.matrices, counters)
            return self.b.op("get", line, self.rnd.randrange(3), self.m, 1, codes="s")
        if c < 0.7:
            return self.b.op("get", self.pick(state.vectors), self.b.op("sub", self.n, 1), self.m,
                             -1, codes="s")
        if c < 0.9:
            return self.combine(self.window(state.vectors), self.window(state.vectors))
        return self.b.op("mul", self.window(state.vectors), self.scalar(state, counters))

    def full(self, state: _State, counters: list[Var]) -> Var:
        """A vector of n."""
        c = self.rnd.randrange(8)
        x = self.pick(state.vectors)
        if c == 0:
            return self.b.op("mul", x, self.number(0.5))
        if c == 1:
            return self.combine(x, self.pick(state.vectors))
        if c == 2:
            return x
        if c == 3:
            return self.line(state.matrices, counters)
        if c == 4 and self.dtype.kind == "f":
            small = self.b.op("mul", x, self.number(0.01))
            return self.b.op("mul", self.b.op("exp", small), self.number(0.1))
        if c == 5:
            return self.b.op("cumsum", self.b.op("mul", x, self.number(0.25)), axis=0)
        if c == 6:
            return self.b.op("reduce_sum", self.b.op(
                "mul", self.pick(state.matrices), self.number(0.25)), axes=(self.rnd.randrange(2),))
        if c == 7 and self.dtype.kind in "fi":
            order = self.b.op("argsort", x, axis=0)
            return self.b.op("get", self.pick(state.vectors), order, codes="a")
        return self.b.op("broadcast", self.scalar(state, counters), self.n, axes=())

    def square(self, state: _State) -> Var:
        """A matrix of n by n."""
        c = self.rnd.randrange(5)
        x = self.pick(state.matrices)
        if c == 0:
            turned = self.b.op("transpose", self.pick(state.matrices), perm=(1, 0))
            return self.combine(turned, x)
        if c == 1:
            return self.b.op("broadcast", self.pick(state.vectors), self.n, self.n,
                             axes=(self.rnd.randrange(2),))
        if c == 2 and self.dtype.kind in "fc" and self.dtype.itemsize > 2:
            product = self.b.op("matmul", x, self.pick(state.matrices))
            return self.b.op("mul", product, self.number(0.05))
        if c == 3:
            flat = self.b.op("reshape", x, self.b.op("mul", self.n, self.n))
            return self.b.op("reshape", flat, self.n, self.n)
        return self.b.op("transpose", x, perm=(1, 0))

    def scalar(self, state: _State, counters: list[Var]) -> Var:
        c = self.rnd.randrange(5)
        if c == 0:
            return self.b.op("get", self.pick(state.vectors), self.place(counters), codes="i")
        if c == 1:
            total = self.b.op("reduce_sum", self.pick(state.vectors), axes=(0,))
            return self.b.op("mul", total, self.number(0.25))
        if c == 2:
            return self.b.op("get", self.pick(state.matrices), self.place(counters),
                             self.place(counters), codes="ii")
        if c == 3 and self.dtype.kind != "c":
            return self.b.op("reduce_max", self.window(state.vectors), axes=(0,))
        return self.pick(state.scalars) if state.scalars else self.scalar(state, counters)

    def condition(self, state: _State, counters: list[Var]) -> Var:
        value = self.scalar(state, counters)
        if self.dtype.kind == "c":
            value = self.b.op("real", value)
        return self.b.op("gt", value, Lit(value.dtype.type(0)))

    # ---- steps

    def steps(self, count: int, state: _State, counters: list[Var]) -> _State:
        state = state.copy()
        for _ in range(count):
            self.step(state, counters)
        return state

    def step(self, state: _State, counters: list[Var]) -> None:
        b, c = self.b, self.rnd.random()
        j, q = self.rnd.randrange(len(state.vectors)), self.rnd.randrange(len(state.matrices))
        if c < 0.20:
            value = b.op("mul", self.small(state, counters), self.number(0.5))
            state.vectors[j] = b.op("set", state.vectors[j], value, self.rnd.randrange(3), self.m,
                                    1, codes="s")
        elif c < 0.25:
            value = self.small(state, counters)
            state.vectors[j] = b.op(self.pick(["set", "addat"]), state.vectors[j], value,
                                    b.op("sub", self.n, 1), self.m, -1, codes="s")
        elif c < 0.30:
            state.vectors[j] = b.op("set", state.vectors[j], self.full(state, counters), codes=":")
        elif c < 0.38:
            state.vectors[j] = b.op("set", state.vectors[j], self.scalar(state, counters),
                                    self.place(counters), codes="i")
        elif c < 0.42:
            places = b.op("remainder", b.op("iota", self.m, dtype=I64), 3)
            state.vectors[j] = b.op(self.pick(["set", "addat"]), state.vectors[j],
                                    self.small(state, counters), places, codes="a")
        elif c < 0.48:
            state.matrices[q] = b.op("set", state.matrices[q], self.scalar(state, counters),
                                     self.place(counters), self.place(counters), codes="ii")
        elif c < 0.53:
            state.matrices[q] = b.op("set", state.matrices[q], self.full(state, counters),
                                     self.place(counters), codes=self.pick(["i:", ":i"]))
        elif c < 0.57:
            state.temporaries.append(self.small(state, counters))
        elif c < 0.61:
            state.scalars.append(self.scalar(state, counters))
        elif c < 0.66:
            part = b.op("get", self.pick(state.matrices), self.rnd.randrange(3), self.m, 1,
                        self.rnd.randrange(3), self.m, 1, codes="ss")
            state.matrices[q] = b.op("set", state.matrices[q], b.op("mul", part, self.number(0.5)),
                                     self.rnd.randrange(3), self.m, 1, self.rnd.randrange(3),
                                     self.m, 1, codes="ss")
        elif c < 0.72:
            state.matrices[q] = self.square(state)
        elif c < 0.79:
            state.vectors[j] = self.full(state, counters)
        elif self.depth < 2:
            self.depth += 1
            self.pick([self.loop, self.loop, self.branch, self.repeat])(state, counters)
            self.depth -= 1

    def loop(self, state: _State, counters: list[Var]) -> None:
        scalars = state.scalars[:self.rnd.randrange(2)]
        permute = self.rnd.random() < 0.3
        stop = self.rnd.random() < 0.2
        flags: list[Atom] = [Lit(False)] if stop else []

        def body(i: Var, *carries: Var) -> list[Atom]:
            inner = state.split(carries[len(flags):], len(scalars))
            done = self.steps(self.rnd.randrange(1, 4), inner, [*counters, i])
            v = done.vectors
            if permute:
                done.vectors = self.pick([[v[1], v[0], v[2]], [v[1], v[2], v[0]],
                                          [v[0], v[0], v[1]]])
            news = [self.scalar(done, [i]) for _ in scalars]
            ends = [self.condition(done, [i])] if stop else []
            return [*ends, *done.vectors, *done.matrices, *news]
        bounds = self.pick([(0, 3, 1), (0, self.b.op("minimum", self.m, 4), 1), (0, 0, 1),
                            (2, -1, -1), (0, 3, 2)])
        outs = self.b.for_(*bounds, [*flags, *state.vectors, *state.matrices, *scalars], body,
                           until=0 if stop else None)
        state.take(outs[len(flags):], len(scalars))

    def repeat(self, state: _State, counters: list[Var]) -> None:
        def test(k: Var, *carries: Var) -> list[Atom]:
            inner = state.split(carries, 0)
            less = self.b.op("lt", k, 3)
            if self.rnd.random() < 0.5:
                return [less]
            changed = self.steps(1, inner, [])
            return [self.b.op("and", less, self.condition(changed, []))]

        def body(k: Var, *carries: Var) -> list[Atom]:
            inner = self.steps(self.rnd.randrange(1, 3), state.split(carries, 0), [*counters, k])
            return [self.b.op("add", k, 1), *inner.vectors, *inner.matrices]
        outs = self.b.while_([Lit(0), *state.vectors, *state.matrices], test, body)
        state.take(outs[1:], 0)

    def branch(self, state: _State, counters: list[Var]) -> None:
        def arm() -> list[Atom]:
            inner = self.steps(self.rnd.randrange(0, 3), state, counters)
            v = inner.vectors
            if self.rnd.random() < 0.2:
                v = [v[2], v[1], v[0]]
            return [*v, *inner.matrices]
        state.take(self.b.cond(self.condition(state, counters), arm, arm), 0)


class _State:
    def __init__(self, vectors: list[Var], matrices: list[Var], temporaries: list[Var],
                 scalars: list[Var]):
        self.vectors, self.matrices = vectors, matrices
        self.temporaries, self.scalars = temporaries, scalars

    def copy(self) -> _State:
        return _State(list(self.vectors), list(self.matrices), list(self.temporaries),
                      list(self.scalars))

    def split(self, values: Sequence[Var], scalars: int) -> _State:
        """The state with other vectors, matrices and (the first) scalars."""
        vectors, matrices = len(self.vectors), len(self.matrices)
        return _State(list(values[:vectors]), list(values[vectors:vectors + matrices]),
                      list(self.temporaries),
                      [*values[vectors + matrices:], *self.scalars[scalars:]])

    def take(self, values: Sequence[Var], scalars: int) -> None:
        new = self.split(values, scalars)
        self.vectors, self.matrices, self.scalars = new.vectors, new.matrices, new.scalars


def random_program(seed: int) -> tuple[Program, list[Any]]:
    """A Program and arguments for it."""
    rnd = random.Random(seed)
    dtype = np.dtype(rnd.choice(DTYPES))
    writer = _Writer(rnd, dtype)
    n = writer.n
    vectors = [Var(Type(dtype, (n,))) for _ in range(3)]
    matrices = [Var(Type(dtype, (n, n))) for _ in range(2)]
    writer.m = writer.b.op("sub", n, 2)
    state = writer.steps(rnd.randrange(1, 8), _State(vectors, matrices, [], []), [])
    params = [*vectors, *matrices]
    results: list[Atom] = [*state.vectors, *state.matrices]
    into = [p if rnd.random() < 0.5 else None for p in params]
    if rnd.random() < 0.2:
        into[0], into[1] = into[1], into[0]
    results += state.scalars + state.temporaries[:2]
    into += [None] * (len(results) - len(into))
    program = Program(params, writer.b.open[0], results, f"random{seed}", into)
    data = np.random.default_rng(seed)
    size = int(data.integers(5, 9))
    return program, [_values(data, dtype, (size,) * len(p.shape)) for p in params]


def _values(data: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if dtype.kind == "i":
        return data.integers(-9, 9, shape, dtype)
    values = data.standard_normal(shape)
    if dtype.kind == "c":
        return (values + 1j * data.standard_normal(shape)).astype(dtype)
    return values.astype(dtype)
