"""Functions of the module math on numbers: gcd, comb, isqrt, gamma and their like.

    math.gcd(a, b)      ->  while b: a, b = b, a % b

Python's errors are checks. What does not fit in 64 bits raises OverflowError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from hotloop.errors import TOO_LARGE
from hotloop.ir.core import Atom, Block, Eqn, Lit, Var
from hotloop.ir.types import F64, I64, U64, Type
from hotloop.ops import callbacks
from hotloop.ops.emit import Emit
from hotloop.ops.table import OPS
from hotloop.passes.native_rules.table import called, either, rule


def require(b: Emit, ok: Atom, exception: type[BaseException], message: str) -> None:
    b.row(OPS["check"], (ok,), {"exception": exception, "message": message})


def message_of(function: Callable[..., Any], *sample: Any) -> str:
    """What this Python says when the function fails on the sample."""
    try:
        function(*sample)
    except (ValueError, OverflowError) as error:
        return str(error).replace("{", "{{").replace("}", "}}")
    raise AssertionError(f"{function} of {sample} is no error")


def fits(b: Emit, ok: Atom) -> None:
    require(b, ok, OverflowError, TOO_LARGE)


def times(b: Emit, x: Atom, y: Atom) -> Atom:
    """A product of ints, which must fit."""
    fits(b, b.not_(b.mul_overflows(x, y)))
    return b.mul(x, y)


def counted(b: Emit, low: Any, high: Any, start: Any,
            body: Callable[[Emit, Atom, Atom], Atom]) -> Atom:
    """`for i in range(low, high): x = body(i, x)` from x = start."""
    i, x = Var(Type(I64)), Var(Type(I64))
    inner = Emit([], b.location)
    last = body(inner, i, x)
    return b.row(OPS["for"], (_whole(low), _whole(high), Lit(1), _whole(start)), {},
                 [Block([i, x], inner.eqns, [last])])


def _whole(x: Any) -> Atom:
    return x if isinstance(x, Var | Lit) else Lit(x)


# ---- divisors

def size(b: Emit, x: Atom) -> Atom:
    """|x| as an u64, in which that of the least i64 fits."""
    return b.convert(b.abs(x), U64)


def divisor(b: Emit, x: Atom, y: Atom) -> Atom:
    """Euclid's algorithm on u64."""
    zero = Lit(np.uint64(0))
    test, body = Emit([], b.location), Emit([], b.location)
    tested = Var(Type(U64)), Var(Type(U64))
    more = test.ne(tested[1], zero)
    p, q = Var(Type(U64)), Var(Type(U64))
    rest = body.remainder(p, q)
    return b.row(OPS["while"], (x, y), {}, [Block(tested, test.eqns, [more]),
                                            Block([p, q], body.eqns, [q, rest])])[0]


@rule(math.gcd)
def gcd(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    if not eqn.ins:
        return None
    found = b.convert(reduce(lambda x, y: divisor(b, x, y), [size(b, x) for x in eqn.ins]), I64)
    fits(b, b.ge(found, 0))
    return [found]


@rule(math.lcm)
def lcm(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    if not eqn.ins:
        return None

    def both(x: Atom, y: Atom) -> Atom:
        common = b.convert(divisor(b, size(b, x), size(b, y)), I64)
        part = b.floor_divide(x, b.maximum(common, 1))
        return times(b, part, y)
    sizes = [b.abs(x) for x in eqn.ins]
    is_zero = reduce(b.or_, [b.eq(x, 0) for x in sizes])
    for x in sizes:
        fits(b, b.or_(is_zero, b.ge(x, 0)))
    return [b.select(is_zero, 0, reduce(both, sizes))]


# ---- roots and counts

@rule(math.isqrt)
def isqrt(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    """The float's root is at most 1 off."""
    n, = eqn.ins
    require(b, b.ge(n, 0), ValueError, message_of(math.isqrt, -1))
    root = b.convert(b.sqrt(b.convert(n, F64)), I64)
    above = b.gt(root, b.floor_divide(n, b.maximum(root, 1)))
    root = b.sub(root, b.convert(above, I64))
    more = b.add(root, 1)
    return [b.add(root, b.convert(b.le(more, b.floor_divide(n, more)), I64))]


def _negative(b: Emit, function: Callable[..., Any], n: Atom, k: Atom | None = None) -> None:
    if k is None:
        require(b, b.ge(n, 0), ValueError, message_of(function, -1))
        return
    require(b, b.ge(n, 0), ValueError, message_of(function, -1, 1))
    require(b, b.ge(k, 0), ValueError, message_of(function, 1, -1))


LARGEST = 20
"""Its factorial is the last one that fits."""


def _factorial(b: Emit, n: Atom) -> Atom:
    fits(b, b.le(n, LARGEST))
    return counted(b, 2, b.add(n, 1), 1, lambda inner, i, x: inner.mul(x, i))


@rule(math.factorial)
def factorial(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    n, = eqn.ins
    _negative(b, math.factorial, n)
    return [_factorial(b, n)]


@rule(math.perm)
def perm(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    n, *rest = eqn.ins
    _negative(b, math.perm, n, *rest)
    if not rest:
        return [_factorial(b, n)]
    k, = rest
    steps = b.select(b.gt(k, n), 0, k)
    found = counted(b, 0, steps, 1, lambda inner, i, x: times(inner, x, inner.sub(n, i)))
    return [b.select(b.gt(k, n), 0, found)]


@rule(math.comb)
def comb(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    """x (n - i) / (i + 1), the quotient of x first: nothing outgrows the result."""
    n, k = eqn.ins
    _negative(b, math.comb, n, k)
    beyond = b.gt(k, n)
    steps = b.select(beyond, 0, b.minimum(k, b.sub(n, k)))

    def step(inner: Emit, i: Atom, x: Atom) -> Atom:
        by, left = inner.add(i, 1), inner.sub(n, i)
        whole = times(inner, inner.floor_divide(x, by), left)
        rest = inner.floor_divide(times(inner, inner.remainder(x, by), left), by)
        fits(inner, inner.not_(inner.add_overflows(whole, rest)))
        return inner.add(whole, rest)
    return [b.select(beyond, 0, counted(b, 0, steps, 1, step))]


# ---- floats

@rule(math.nextafter)
def nextafter(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    if len(eqn.ins) != 2:
        return None
    return [_next(b, *eqn.ins)]


def _next(b: Emit, x: Atom, y: Atom) -> Atom:
    return b.call_numpy(x, y, function=np.nextafter, results=(("f64", ()),))


@rule(math.ulp)
def ulp(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    x = b.abs(eqn.ins[0])
    up, down = b.sub(_next(b, x, Lit(math.inf)), x), b.sub(x, _next(b, x, Lit(-math.inf)))
    found = b.select(b.isinf(up), down, up)
    return [b.select(b.or_(b.isnan(x), b.isinf(x)), x, found)]


@rule(math.gamma)
def gamma(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    """By the C library, which is as exact as Python's own algorithm."""
    x, = eqn.ins
    poles = b.and_(b.le(x, 0.0), b.eq(x, b.floor(x)))
    require(b, b.not_(poles), ValueError, message_of(math.gamma, -1.0))
    found = b.call_numpy(x, function=callbacks.c_gamma, results=(("f64", ()),))
    _in_range(b, math.gamma, x, found)
    return [found]


@rule(math.lgamma)
def lgamma(b: Emit, eqn: Eqn) -> Sequence[Atom]:
    x, = eqn.ins
    poles = b.and_(b.and_(b.le(x, 0.0), b.eq(x, b.floor(x))), b.isfinite(x))
    require(b, b.not_(poles), ValueError, message_of(math.lgamma, -1.0))
    found = b.call_numpy(x, function=callbacks.c_lgamma, results=(("f64", ()),))
    _in_range(b, math.lgamma, x, found)
    return [found]


SPLIT = 2.0**27 + 1


def _parts(b: Emit, x: Atom) -> tuple[Atom, Atom]:
    """x as a sum of two numbers of 26 bits, whose products are exact (Dekker 1971)."""
    wide = b.mul(x, SPLIT)
    high = b.sub(wide, b.sub(wide, x))
    return high, b.sub(x, high)


@rule(callbacks.rounded_decimal)
def rounded(b: Emit, eqn: Eqn) -> Sequence[Atom] | None:
    """The whole number z next to x 10**n, whose exact value is a sum of two floats; z and 10**n are
    exact, so z / 10**n is the float next to the decimal number."""
    digits = dict(eqn.params["keywords"])["ndigits"]
    x, = eqn.ins
    if not 0 < digits <= 22 or x.dtype != F64:
        return None
    scale = Lit(10.0 ** digits)

    def exactly(inner: Emit) -> list[Atom]:
        high = inner.mul(x, scale)
        (a, c), (d, e) = _parts(inner, x), _parts(inner, scale)
        low = inner.add(inner.mul(c, e), inner.add(
            inner.mul(c, d), inner.add(inner.mul(a, e), inner.sub(inner.mul(a, d), high))))
        whole = inner.rint(high)
        rest = inner.sub(high, whole)
        up = inner.and_(inner.eq(rest, 0.5), inner.gt(low, 0.0))
        down = inner.and_(inner.eq(rest, -0.5), inner.lt(low, 0.0))
        whole = inner.select(up, inner.add(whole, 1.0),
                             inner.select(down, inner.sub(whole, 1.0), whole))
        return [inner.div(whole, scale)]
    small = b.lt(b.abs(b.mul(x, scale)), 2.0**52)
    return either(b, small, exactly, lambda inner: called(inner, eqn))


def _in_range(b: Emit, function: Callable[..., Any], x: Atom, found: Atom) -> None:
    require(b, b.not_(b.and_(b.isinf(found), b.isfinite(x))), OverflowError,
            message_of(function, 1e306))
