"""Every rule of `simplify` fires on its own pattern and changes no bit of any result."""

import itertools

import numpy as np
import pytest
from programs_gen import exactly

from hotloop.ir.core import Block, Lit, Program, Var
from hotloop.ir.interp import run
from hotloop.ir.text import show
from hotloop.ir.types import BOOL, DTYPES, I64, Type
from hotloop.ir.verify import verify
from hotloop.ops import OPS, make_eqn
from hotloop.ops.families import special_values
from hotloop.passes.rules import RULES, Apply, Value, exact_conversion
from hotloop.passes.simplify import simplify

SOME = [DTYPES[c] for c in ("bool", "i8", "i64", "u16", "f32", "f64", "c128")]


def shown(pattern):
    if isinstance(pattern, Apply):
        return f"{pattern.row.name}({', '.join(map(shown, pattern.args))})"
    return pattern.name if isinstance(pattern, Value) else repr(pattern)


def instance(pattern, dtype, values, eqns):
    """The pattern as equations over fresh Vars in `values`; `dtype` is that of its operands."""
    if isinstance(pattern, Value):
        return values.setdefault(pattern, Var(Type(dtype)))
    if not isinstance(pattern, Apply):
        return Lit(pattern, dtype)
    args = []
    for k, arg in enumerate(pattern.args):
        part = dtype
        if pattern.row.name == "select" and k == 0:
            part = BOOL
        if pattern.row.name in ("real", "imag"):
            part = DTYPES["f64"]
        args.append(instance(arg, part, values, eqns))
    eqns.append(make_eqn(pattern.row, args))
    return eqns[-1].outs[0]


def few(dtype):
    values = special_values(dtype)
    if dtype.kind == "f":
        return values[[0, 1, 2, 3, 8, 18, 19, 20]]
    return values[:8]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{shown(r.pattern)} {r.kinds}")
def test_rule(rule):
    fired = 0
    for dtype in SOME:
        if dtype.kind not in rule.kinds:
            continue
        values, eqns = {}, []
        try:
            out = instance(rule.pattern, dtype, values, eqns)
        except TypeError:                       # an op of the pattern does not take the dtype
            continue
        params = list(values.values())
        if rule.carry:
            carry = values[Value("A")]
            start = Var(carry.type)
            params = [p if p is not carry else start for p in params]
            loop = make_eqn(OPS["for"], [Lit(0), Lit(1), Lit(1), start],
                            blocks=[Block([Var(Type(I64)), carry], eqns, [out])])
            eqns, out = [loop], loop.outs[0]
        program = Program(params, eqns, [out])
        verify(program)
        after = simplify(program)
        verify(after)
        assert show(after) != show(program), dtype
        fired += 1
        with np.errstate(all="ignore"):
            for args in itertools.product(*[few(p.dtype) for p in params]):
                exactly(run(after, args)[0], run(program, args)[0])
    assert fired


def test_exact_conversions():
    """Converting by way of an exact middle dtype is converting directly."""
    for source, middle, target in itertools.product(DTYPES.values(), repeat=3):
        if not exact_conversion(source, middle, target):
            continue
        values = special_values(source)
        if middle.kind == "c" and target.kind not in "cb":
            values, direct = values.astype(middle).real, values.real
        else:
            values, direct = values.astype(middle), values
        with np.errstate(all="ignore"):
            exactly(values.astype(target), direct.astype(target))
