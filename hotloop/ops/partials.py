"""Derivatives of arithmetic that take more than a line in their row.

    hypot = binary(..., derivative=Partials(along(0), along(1)))

Where a function has a kink the rule chooses (docs/derivatives.md has the table): |x| has derivative
0 at 0, equal operands of a maximum have one half each, x**0 is constant.
"""

from __future__ import annotations

from typing import Any

from hotloop.ir.core import Atom, Eqn, Lit
from hotloop.ops.derivative import Over, Partials


def weight(x: Atom, value: float) -> Lit:
    """A number as a coefficient of x's tangent."""
    return Lit(value, x.dtype)


def sum_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return ct


def difference_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.neg(ct) if k else ct


def product_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.mul(ct, eqn.ins[1 - k])


def quotient_transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Atom:
    return b.div(ct, eqn.ins[1])


def sign(b: Any, x: Atom) -> Atom:
    """-1 or 1, and 0 for both zeros."""
    return b.select(b.eq(x, 0.0), 0.0, b.copysign(1.0, x))


def abs_jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """Of a complex number: Re(conj(z) t) / |z|, and 0 at 0."""
    x, y, t = eqn.ins[0], eqn.outs[0], tangents[0]
    if x.dtype.kind != "c":
        return [l.mul(t, sign(p, x))]
    size = p.convert(p.select(p.eq(y, 0.0), 1.0, y), x.dtype)
    return [l.real(l.mul(t, p.div(p.conj(x), size)))]


def power_of_base(b: Any, y: Atom, x: Atom, n: Atom) -> Any:
    """n * x**(n-1), which is 0 for n = 0 also at x = 0."""
    if isinstance(n, Lit):
        known = float(n.value)
        if known in (0.0, 1.0):
            return weight(x, known)
        if known == 2.0:
            return b.mul(x, 2.0)
        if known == 0.5:
            return Over(b.mul(y, 2.0))
        return b.mul(n, b.pow(x, known - 1))
    return b.select(b.eq(n, 0.0), 0.0, b.mul(n, b.pow(x, b.sub(n, 1.0))))


def power_of_exponent(b: Any, y: Atom, x: Atom, n: Atom) -> Atom:
    """x**n * log(x), and 0 at x = 0."""
    return b.mul(y, b.log(b.select(b.eq(x, 0.0), 1.0, x)))


def shares(test: str) -> Partials:
    """Of maximum and minimum: equal operands have one half each."""
    def share(b: Any, x: Atom, z: Atom) -> Atom:
        half = b.select(b.eq(x, z), weight(x, 0.5), weight(x, 0))
        return b.select(b.op(test, x, z), 1.0, half)
    return Partials(lambda b, y, x, z: share(b, x, z), lambda b, y, x, z: share(b, z, x))


def python_shares(test: str) -> Partials:
    """Of Python's max and min, where the first operand stays unless the second one wins."""
    def first(b: Any, y: Atom, x: Atom, z: Atom) -> Atom:
        rest = b.select(b.eq(x, z), weight(x, 0.5), weight(x, 1))
        return b.select(b.op(test, z, x), 0.0, rest)

    def second(b: Any, y: Atom, x: Atom, z: Atom) -> Atom:
        half = b.select(b.eq(x, z), weight(x, 0.5), weight(x, 0))
        return b.select(b.op(test, z, x), 1.0, half)
    return Partials(first, second)


def copysign_sign(b: Any, y: Atom, x: Atom, z: Atom) -> Atom:
    """-1 where the sign changes; 1 at x = 0, where only the zero's sign does."""
    changed = b.and_(b.ne(x, 0.0), b.xor(b.signbit(x), b.signbit(z)))
    return b.select(changed, weight(x, -1), weight(x, 1))


def along(which: int) -> Any:
    """Of hypot: x/y, and 0 at the origin."""
    return lambda b, y, *point: b.div(point[which], b.select(b.eq(y, 0.0), 1.0, y))


def squared(b: Any, x: Atom, z: Atom) -> Atom:
    return b.add(b.mul(x, x), b.mul(z, z))
