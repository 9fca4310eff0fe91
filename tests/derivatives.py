"""What tests of derivatives share: programs of one equation, differences, and the four checks.

    program, args = one_equation(OPS["exp"], [x], {})
    check_forward(program, args)        # jvp against central differences, orders 1 and 2
    check_reverse(program, args)        # vjp against jvp by the dot test, orders 1 and 2

Differences are of order 8, so that a step of 1/500 leaves 1e-13 of error for smooth functions.
"""

import numpy as np

from hotloop.ir.core import Lit, Program, Var
from hotloop.ir.interp import run
from hotloop.ir.types import Type
from hotloop.ir.verify import verify
from hotloop.ops import make_eqn
from hotloop.transforms.jvp import jvp
from hotloop.transforms.vjp import vjp

STEP = 2e-3
STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))


def is_float(x):
    return x.dtype.kind in "fc"


def one_equation(row, ins, params, symbolic=False, sizes=()):
    """A Program and its arguments. `symbolic`: sizes above 1 are Vars, equal ones the same Var,
    or each one of its own if it is "apart". `sizes` are appended to the operands: those that
    results declare as ("in", k). An operand may be a Lit."""
    dims = {}

    def dim(n):
        if symbolic == "apart" and n > 1:
            dims[n] = Var(Type(np.int64))
            return dims[n]
        return dims.setdefault(n, Var(Type(np.int64))) if symbolic and n > 1 else n

    operands = [v if isinstance(v, Lit) else np.asarray(v)[()] for v in ins]
    operands = [v if isinstance(v, Lit) else (v, Var(Type(v.dtype, tuple(map(dim, np.shape(v))))))
                for v in operands]
    values, own = map(list, zip(*(o for o in operands if not isinstance(o, Lit)), strict=True))
    extra = [dims[n] if n in dims else dim(n) if symbolic else n for n in sizes]
    bound = {d for v in own for d in v.shape}
    free = [Var(Type(np.int64)) for d in extra if d not in bound]
    given = iter(free)
    atoms = [o if isinstance(o, Lit) else o[1] for o in operands] + [
        d if d in bound and isinstance(d, Var) else next(given) for d in extra]
    eqn = make_eqn(row, atoms, params)
    args = values + [np.int64(n) for n, d in zip(sizes, extra, strict=True) if d not in bound]
    return Program(own + free, [eqn], eqn.outs), args


def directions(values, seed):
    """Tangents of at most unit size for the float values."""
    rng = np.random.default_rng(seed)

    def one(v):
        t = rng.uniform(-1, 1, np.shape(v))
        if v.dtype.kind == "c":
            t = t + 1j * rng.uniform(-1, 1, np.shape(v))
        return np.asarray(t).astype(v.dtype)[()]
    return [one(v) for v in values if is_float(v)]


def moved(values, tangents, step):
    rest = iter(tangents)
    return [np.asarray(v + step * next(rest)).astype(v.dtype)[()] if is_float(v) else v
            for v in values]


def difference(f, values, tangents, step=STEP):
    """The derivative of each float result of `f(values)` along the tangents."""
    total = None
    for k, weight in STENCIL:
        ahead, behind = (f(moved(values, tangents, sign * k * step)) for sign in (1, -1))
        terms = [weight * (a - b) / step for a, b in zip(ahead, behind, strict=True) if is_float(a)]
        total = terms if total is None else [s + t for s, t in zip(total, terms, strict=True)]
    return total


def tangents_of(program, args, tangents):
    """The tangents of the float results, by forward mode."""
    forward = jvp(program, [True] * len(args))
    verify(forward)
    return run(forward, [*args, *tangents])[len(program.outs):]


def cotangents_of(program, args, cotangents):
    """The cotangents of the float parameters, by reverse mode."""
    reverse = vjp(program, [True] * len(args))
    verify(reverse)
    return run(reverse, [*args, *cotangents])[len(program.outs):]


def close(got, want, tolerance):
    for g, w in zip(got, want, strict=True):
        assert np.shape(g) == np.shape(w)
        scale = np.max(np.abs(w), initial=1.0, where=np.isfinite(w))
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance * scale)


def check_forward(program, args, tolerance=1e-10, orders=2):
    """Tangents are the differences of the results, second ones those of the first ones."""
    verify(program)
    first, second = directions(args, 1), directions(args, 2)
    close(tangents_of(program, args, first),
          difference(lambda v: run(program, v), args, first), tolerance)
    if orders < 2:
        return
    forward = jvp(program, [True] * len(args))
    count = len(program.outs)
    # the tangents themselves stay: the derivative of the derivative in x alone
    got = tangents_of(forward, [*args, *first], [*second, *[0 * t for t in first]])
    floats = sum(map(is_float, program.outs))
    want = difference(lambda v: run(forward, [*v, *first])[count:], args, second)
    close(got[floats:], want, 10 * tolerance)


def pairing(cotangents, tangents):
    return sum(float(np.real(np.sum(np.asarray(c) * t)))
               for c, t in zip(cotangents, tangents, strict=True))


def check_reverse(program, args, tolerance=1e-11, orders=2):
    """<w, J v> is <J' w, v>, and so for the derivatives of both along a direction."""
    first = directions(args, 1)
    with np.errstate(all="ignore"):
        outs = [v for v in run(program, args) if is_float(v)]
    weights = directions(outs, 3)
    pushed = tangents_of(program, args, first)
    pulled = cotangents_of(program, args, weights)
    size = sum(float(np.sum(np.abs(np.asarray(c) * t))) for c, t in zip(weights, pushed,
                                                                      strict=True))
    same(pairing(pulled, first), pairing(weights, pushed), tolerance, size)
    if orders < 2:
        return
    # the second derivative, from three programs
    second = directions(args, 2)
    forward = jvp(program, [True] * len(args))
    both = tangents_of(forward, [*args, *first], [*second, *[0 * t for t in first]])
    want = pairing(weights, both[len(outs):])
    size += sum(float(np.sum(np.abs(t))) for t in both)
    reverse = vjp(program, [True] * len(args))
    change = tangents_of(reverse, [*args, *weights], [*second, *[0 * w for w in weights]])
    same(pairing(change[len(outs):], first), want, 10 * tolerance, size)
    back = cotangents_of(reverse, [*args, *weights], [*[0 * w for w in weights], *first])
    same(pairing(back[:len(first)], second), want, 10 * tolerance, size)


def same(got, want, tolerance, size):
    assert abs(got - want) <= tolerance * max(1.0, size), (got, want)
