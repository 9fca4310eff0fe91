"""Passes are linear and do not recurse over equations: long straight code, long bodies."""

import numpy as np

from hotloop.ir.core import Block, Lit, Program, Var
from hotloop.ir.interp import run
from hotloop.ir.text import equal, parse, show
from hotloop.ir.types import I64, Type
from hotloop.ir.verify import verify
from hotloop.ops import OPS, make_eqn
from hotloop.passes.pipeline import optimize


def chain(start, length):
    """Integer code in which each equation uses the one before it."""
    eqns, last = [], start
    for k in range(length):
        row = OPS[("add", "xor", "sub")[k % 3]]
        eqns.append(make_eqn(row, [last, Lit(k % 7 + 1)]))
        last = eqns[-1].outs[0]
    return eqns, last


def test_ten_thousand_equations():
    a = Var(Type(I64))
    eqns, last = chain(a, 10_000)
    program = Program([a], eqns, [last])
    verify(program)
    after = optimize(program)
    assert run(after, [np.int64(5)]) == run(program, [np.int64(5)])
    assert equal(parse(show(after), OPS), after)


def test_long_body():
    a, i, c = Var(Type(I64)), Var(Type(I64)), Var(Type(I64))
    eqns, last = chain(c, 5_000)
    loop = make_eqn(OPS["for"], [Lit(0), a, Lit(1), Lit(3)], blocks=[Block([i, c], eqns, [last])])
    program = Program([a], [loop], [loop.outs[0]])
    after = optimize(program)
    verify(after)
    assert run(after, [np.int64(3)]) == run(program, [np.int64(3)])


def test_deep_nest():
    """Twenty loops deep: time must not double with each level."""
    text = ""
    for k in range(20):
        inner = f"s{k - 1}" if k else "1"
        text = (f"s{k}:i64[] = for 0 n 1 0 {{ lambda i{k}:i64[] c{k}:i64[]. let {text} "
                f"d{k}:i64[] = add c{k} {inner} in (d{k},) }};")
    program = parse(f"{{ lambda ; n:i64[]. let {text} in (s19,) }}", OPS)
    after = optimize(program)
    verify(after)
    assert run(after, [np.int64(1)]) == [1]
