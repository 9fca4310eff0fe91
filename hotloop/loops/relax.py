"""What `fastmath` lets expressions be: products are added unrounded, divisors become factors.

    for i in 0..n:                            for i in 0..n:
      t1 = mul(a[i], b[i])            ->        r0[i] <- mul(fma(a[i], b[i], c[i]), div(1.0, p1))
      r0[i] <- div(add(t1, c[i]), p1)

Run on kernels that are `fast`. A product that is added or subtracted, at most a name away, is a
`fma`; a divisor that the innermost loop does not change is inverted, which is done before the loop,
and a constant one is inverted here. All this is written out and not left to LLVM, so that quick and
good code have the same bits. NaN and infinities are what they were, but for products and
reciprocals beyond what the dtype holds (`docs/fastmath.md`).

The order of sums is the business of `loops.reductions`.
"""

from __future__ import annotations

import numpy as np

from hotloop.loops.core import For, Kernel, Let, Statement, While, parts
from hotloop.loops.drop import drop
from hotloop.loops.expr import Expr, e, lit, nodes, operands, rebuild
from hotloop.loops.rewrite import bound, change
from hotloop.loops.scalar import SCALAR_OPS

WIDTHS = (4, 8)
"""Bytes of the floats that processors multiply and add at once."""


def relax(kernel: Kernel) -> Kernel:
    _Relaxing({}).statements(kernel.body, frozenset(), {})
    return drop(kernel)


class _Relaxing:
    """`products`: what is multiplied in the products that have names."""

    def __init__(self, products: dict[str, tuple[Expr, Expr]]):
        self.products = products

    def statements(self, body: list[Statement], inside: frozenset[str],
                   memo: dict[Expr, Expr]) -> None:
        """`inside`: the names that the innermost loop binds; `memo` what became of the expressions
        in it."""
        for statement in body:
            if isinstance(statement, For | While):
                self.loop(statement, inside, memo)
                continue
            change(statement, lambda x: self.relaxed(x, inside, memo))
            if isinstance(statement, Let):
                x = statement.value
                if x.op == "mul" and _is_float(x) and not x.loads:
                    self.products[statement.name] = x.args
            for inner in parts(statement):
                self.statements(inner, inside, memo)

    def loop(self, loop: For | While, outside: frozenset[str], memo: dict[Expr, Expr]) -> None:
        for carry in loop.carries:
            carry.init = self.relaxed(carry.init, outside, memo)
        inside, own = frozenset(bound([loop])), dict[Expr, Expr]()
        for inner in parts(loop):
            self.statements(inner, inside, own)
        if isinstance(loop, While):
            loop.cond = self.relaxed(loop.cond, inside, own)
        for carry in loop.carries:
            carry.next = self.relaxed(carry.next, inside, own)

    def relaxed(self, x: Expr, inside: frozenset[str], memo: dict[Expr, Expr]) -> Expr:
        if x not in memo:
            # operands are made before what they are operands of
            for node in sorted(nodes(x), key=lambda node: node.serial):
                if node not in memo:
                    memo[node] = self.rule(_with(node, memo), inside)
        return memo[x]

    def rule(self, x: Expr, inside: frozenset[str]) -> Expr:
        if x.op == "div":
            return _by_reciprocal(x, inside) if _is_float(x) else x
        row = SCALAR_OPS.get(x.op)
        if row is None or not row.sign or row.arity < 2 or not _is_float(x):
            return x
        a, b = x.args
        product = self.product(a)
        if product is not None:
            return e.fma(*product, b if row.sign > 0 else _negative(b))
        product = self.product(b)
        if product is not None:
            u, v = product
            return e.fma(u if row.sign > 0 else _negative(u), v, a)
        return x

    def product(self, x: Expr) -> tuple[Expr, Expr] | None:
        """The factors of a product, or of what a name stands for."""
        if x.op == "neg":
            product = self.product(x.args[0])
            return product and (_negative(product[0]), product[1])
        if x.op == "mul":
            return x.args[0], x.args[1]
        return self.products.get(x.args[0]) if x.op == "var" else None


def _with(node: Expr, memo: dict[Expr, Expr]) -> Expr:
    kids = operands(node)
    new = tuple(memo[k] for k in kids)
    return node if all(a is k for a, k in zip(new, kids, strict=True)) else rebuild(node, new)


def _negative(x: Expr) -> Expr:
    return x.args[0] if x.op == "neg" else e.neg(x)


def _is_float(x: Expr) -> bool:
    return x.dtype.kind == "f" and x.dtype.itemsize in WIDTHS


def _by_reciprocal(x: Expr, inside: frozenset[str]) -> Expr:
    """A division, by something that does not change in a loop, as a product."""
    dividend, divisor = x.args
    if divisor.op == "lit":
        with np.errstate(all="ignore"):
            inverse = np.ones((), x.dtype)[()] / divisor.args[0]
        tiny = np.finfo(x.dtype).tiny
        return e.mul(dividend, lit(inverse, x.dtype)) if tiny <= abs(inverse) < np.inf else x
    once = not divisor.loads and inside.isdisjoint(divisor.free)
    if inside and once and (dividend.loads or not inside.isdisjoint(dividend.free)):
        return e.mul(dividend, e.div(lit(1, x.dtype), divisor))
    return x
