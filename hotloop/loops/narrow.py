"""Integers in lanes are computed in as few bits as they need.

    for i in 0..n lanes 4:                            for i in 0..n lanes 4:
      t1 = convert(a[i], i64)          a of u8          t4 = convert(a[i], i16)
      t2 = 77*t1 + 150*convert(b[i], i64)     ->        t5 = add(mul(77, t4), ...)
      r0[i] <- convert(ashr(t2, 8), u8)                 r0[i] <- convert(ashr(t5, 8), u8)

Python's ints have 64 bits here, NumPy's most often too: a register holds eight of them, but 32 of
16 bits. By `loops.numbers` a value is known to fit; what is between the operations of a sum may
wrap then, as sums and products modulo 2**16 only depend on their operands modulo 2**16. Quotients,
shifts to the right and comparisons need operands that fit (column `bits` of `loops.scalar`). It is
done where afterwards no lane is as wide as before: else values would only be converted to and fro.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hotloop.loops.core import (
    Carry,
    Check,
    For,
    If,
    Kernel,
    Let,
    Statement,
    Store,
    While,
    walk,
)
from hotloop.loops.expr import BOOL, I64, Expr, affine, e, lit, transform, var
from hotloop.loops.independence import values, varying_names, widest
from hotloop.loops.numbers import Numbers
from hotloop.loops.rewrite import Names
from hotloop.loops.scalar import COUNTED, LOW, SCALAR_OPS, WHOLE
from hotloop.loops.spans import full, inside
from hotloop.record import replace

SHORT = (np.dtype("i2"), np.dtype("u2"), np.dtype("i4"))


def narrow(kernel: Kernel) -> Kernel:
    wide = [s for s in walk(kernel.body) if isinstance(s, For) and s.lanes and _may_fit(s)]
    if wide:
        numbers, names = Numbers(kernel), Names(kernel)
        for loop in wide:
            _narrowed(loop, numbers, names)
    return kernel


def _may_fit(loop: For) -> bool:
    """Are there integers of 64 bits made of shorter ones, and nothing else of 64 bits?"""
    short = long = False
    for s in walk(loop.body):
        if not isinstance(s, Let | Store | If | Check | For | While):
            return False
        for x in values(s):
            if x.dtype.kind in "fu" and x.dtype.itemsize == 8:
                return False
            long |= x.dtype == I64
            short |= any(node.dtype.itemsize < 8 for node in x.loads)
    return short and long and all(c.dtype.itemsize < 8 for c in loop.carries)


def _narrowed(loop: For, numbers: Numbers, names: Names) -> None:
    """In place, if it makes all lanes narrower."""
    varying = varying_names(loop)
    wide = [name for name, dtype in _bound(loop.body) if dtype == I64 and name in varying]
    spans = [numbers.span(var(name)) for name in wide]
    short: dict[str, str] = {}
    for dtype in SHORT:
        if all(span is not None and inside(span, full(dtype)) for span in spans):
            short = short or {name: names("t") for name in wide}
            rewriting = _Rewriting(dtype, numbers, short)
            new = replace(loop, body=rewriting.statements(loop.body))
            if widest(new, varying_names(new)) < I64.itemsize:
                loop.body = new.body
                return


def _bound(body: list[Statement]) -> Iterator[tuple[str, np.dtype]]:
    for s in walk(body):
        match s:
            case Let():
                yield s.name, s.value.dtype
            case For() | While():
                yield from ((c.name, c.dtype) for c in s.carries)
            case If():
                yield from ((out[0], out[1]) for out in s.outs)


class _Rewriting:
    """`short`: new names, of `dtype`, for those whose values fit it."""

    def __init__(self, dtype: np.dtype, numbers: Numbers, short: dict[str, str]):
        self.dtype, self.numbers, self.short = dtype, numbers, short
        self.changed: dict[Expr, Expr] = {}

    def statements(self, body: list[Statement]) -> list[Statement]:
        return [self.statement(s) for s in body]

    def statement(self, s: Statement) -> Statement:
        match s:
            case Let():
                return Let(self.short.get(s.name, s.name), self.value(s.name, s.value))
            case Store():
                return replace(s, index=tuple(map(self.same, s.index)), value=self.same(s.value))
            case Check():
                return replace(s, cond=self.same(s.cond),
                               operands=tuple(map(self.same, s.operands)))
            case If():
                return replace(
                    s, cond=self.same(s.cond), then=self.statements(s.then),
                    orelse=self.statements(s.orelse),
                    outs=[(self.short.get(name, name), self.dtype_of(name, dtype),
                           self.value(name, a), self.value(name, b))
                          for name, dtype, a, b in s.outs])
            case While():
                return replace(s, test=self.statements(s.test), cond=self.same(s.cond),
                               body=self.statements(s.body), carries=self.carries(s.carries))
            case For():
                return replace(s, lo=self.same(s.lo), hi=self.same(s.hi), step=self.same(s.step),
                               body=self.statements(s.body), carries=self.carries(s.carries))
        return s

    def carries(self, carries: list[Carry]) -> list[Carry]:
        found = []
        for c in carries:
            following = self.value(c.name, c.next)
            own = var(c.name)
            if c.name in self.short and c.reduce == "add":
                following = e.add(self.low(own), self.low(e.sub(c.next, own)))
            found.append(replace(c, name=self.short.get(c.name, c.name),
                                 dtype=self.dtype_of(c.name, c.dtype),
                                 init=self.value(c.name, c.init), next=following))
        return found

    def dtype_of(self, name: str, dtype: np.dtype) -> np.dtype:
        return self.dtype if name in self.short else dtype

    def value(self, name: str, x: Expr) -> Expr:
        return self.low(x) if name in self.short else self.same(x)

    def fits(self, x: Expr) -> bool:
        span = self.numbers.span(x)
        return span is not None and inside(span, full(self.dtype))

    def same(self, x: Expr) -> Expr:
        """x, with what is in it short where it can be."""
        return transform(x, self.instead, self.changed)

    def instead(self, node: Expr) -> Expr | None:
        if node.op == "var":
            name = self.short.get(node.args[0])
            return e.convert(var(name, self.dtype), I64) if name is not None else None
        if node.op == "convert" and node.args[0].dtype == I64:
            x, target = node.args[0], node.dtype
            if self.fits(x) or target.kind in "iu" and target.itemsize <= self.dtype.itemsize:
                return e.convert(self.low(x), target)
        if _bits(node) == WHOLE and node.dtype == BOOL and all(
                x.dtype == I64 and self.fits(x) for x in node.args):
            return e.op(node.op, *map(self.low, node.args))
        return None

    def low(self, x: Expr) -> Expr:
        """The low bits of x, an i64: x itself if it fits."""
        if x.op == "lit":
            return e.convert(x, self.dtype)
        if x.op == "var" and x.args[0] in self.short:
            return var(self.short[x.args[0]], self.dtype)
        if x.op == "aff":
            return self.sum(x)
        bits = _bits(x)
        if bits == LOW or bits == WHOLE and self.fits(x) and all(map(self.fits, x.args)):
            return e.op(x.op, *map(self.low, x.args))
        if bits == COUNTED and x.args[1].op == "lit" and (
                0 <= int(x.args[1].args[0]) < 8 * self.dtype.itemsize):
            return e.op(x.op, *map(self.low, x.args))
        if x.op == "convert" and x.args[0].dtype.kind in "iub":
            return e.convert(self.same(x.args[0]), self.dtype)
        if x.op == "select":
            return e.select(self.same(x.args[0]), *map(self.low, x.args[1:]))
        return e.convert(self.same(x), self.dtype)

    def sum(self, x: Expr) -> Expr:
        constant, terms = affine(x)
        total: Expr | None = None
        for term, k in terms.items():
            one = self.low(term)
            if k not in (1, -1):
                one = e.mul(one, self.low(lit(k)))
            if total is None:
                total = e.neg(one) if k == -1 else one
            else:
                total = e.sub(total, one) if k == -1 else e.add(total, one)
        assert total is not None
        return e.add(total, self.low(lit(constant))) if constant else total


def _bits(x: Expr) -> str:
    row = SCALAR_OPS.get(x.op)
    return "" if row is None else row.bits
