"""The text form: notation, exact literals, errors that point at the place."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotloop.ir.core import Lit, Program, Var
from hotloop.ir.text import equal, parse, show
from hotloop.ir.types import DTYPES, Type
from hotloop.ops import OPS, make_eqn


def test_one_line_and_many():
    line = "{ lambda ; a:f64[]. let b:f64[] = max 0.0 a in (b,) }"
    assert show(parse(line, OPS)) == line
    lines = """\
{ lambda ; a:f64[n,3] b:f64[]. let
    c:f64[n,3] = mul a b
    d:f64[3] = reduce_sum[axes=(0,)] c
    e:f64[n,3] = set[codes='i:'] c d 0
in (d, a<-e) }"""
    assert show(parse(lines, OPS)) == lines


def test_names():
    """Letters in order of definition, without those of dimensions and the words `in`, `let`."""
    a = Var(Type("f8"))
    eqns, last = [], a
    for _ in range(500):
        eqns.append(make_eqn(OPS["neg"], [last]))
        last = eqns[-1].outs[0]
    x = Var(Type("f8", (Var(Type("i8")),)))
    program = Program([a, x], eqns, [last])
    text = show(program)
    names = [line.split(":")[0].strip() for line in text.splitlines()[1:-1]]
    assert names[:3] == ["c", "d", "e"] and "n" not in names and "in" not in names
    assert "if" in names and "or" in names      # names of ops are fine
    assert equal(parse(text, OPS), program)


def test_comments_and_dimensions():
    program = parse("""# a program
        { lambda ; a:f64[n,m] b:f64[m,n] . let   # dimensions are bound here
            c:f64[n,n] = matmul a b in (c,) }""", OPS)
    n, m = program.params[0].shape
    assert program.params[1].shape == (m, n) and program.eqns[0].outs[0].shape == (n, n)


@pytest.mark.parametrize("code", DTYPES)
def test_literals(code):
    dtype = DTYPES[code]
    if dtype.kind == "b":
        values = [True, False]
    elif dtype.kind in "iu":
        values = [0, 1, np.iinfo(dtype).max, np.iinfo(dtype).min]
    else:
        values = [0.0, -0.0, 1.5, 1e-7, 1 / 3, np.inf, -np.inf, np.nan, np.finfo(dtype).max]
        if dtype.kind == "c":
            values = [complex(a, b) for a in values for b in values]
    for value in values:
        with np.errstate(all="ignore"):
            lit = Lit(np.array(value).astype(dtype)[()])
        program = Program([], [], [lit])
        assert parse(show(program), OPS).outs[0] == lit, show(program)


@given(st.binary(min_size=8, max_size=8))
def test_every_bit_of_a_float(data):
    lit = Lit(np.frombuffer(data, "f8")[0])
    assert parse(show(Program([], [], [lit])), OPS).outs[0] == lit


@pytest.mark.parametrize("text, message", [
    ("{ lambda ; a:f64[]. let b:f64[] = frobnicate a in (b,) }", "no op 'frobnicate' in line 1"),
    ("{ lambda ; a:f64[]. let\n b:f64[] = neg x\n in (b,) }", "no value 'x' in scope in line 2"),
    ("{ lambda ; a:f65[]. let in (a,) }", "'f65' is no dtype"),
    ("{ lambda ; a:f64[]. let b:f64[k] = neg a in (b,) }", "no value 'k' in scope"),
    ("{ lambda ; a:f64[]. let in (a,) } more", "text after the program"),
    ("{ lambda ; a:f64[]. let in (a,)", "expected '}', found 'the end'"),
    ("{ lambda ; a:f64[]. let b:f64[] = neg ?a in (b,) }", "unexpected '?'"),
    ("{ lambda ; a:f64[] a:f64[]. let in (a,) }", "a is bound twice"),
    ("{ lambda ; a:bool[]. let check[exception=builtins:NoError, message=''] a in () }",
     "can't be imported"),
])
def test_errors(text, message):
    with pytest.raises(SyntaxError) as error:
        parse(text, OPS)
    assert message in str(error.value)
    assert str(error.value).splitlines()[-1].strip() == "^"


def test_equal():
    p = parse("{ lambda ; a:f64[n]. let b:f64[n] = neg a in (b,) }", OPS)
    for other in ("{ lambda ; a:f64[n]. let b:f64[n] = exp a in (b,) }",
                  "{ lambda ; a:f64[n]. let b:f64[n] = neg a in (a,) }",
                  "{ lambda ; a:f64[n]. let b:f64[n] = neg a in (a<-b,) }",
                  "{ lambda ; a:f32[n]. let b:f32[n] = neg a in (b,) }",
                  "{ lambda ; a:f64[3]. let b:f64[3] = neg a in (b,) }"):
        assert not equal(p, parse(other, OPS))
    assert equal(p, parse("{ lambda ; x:f64[k]. let y:f64[k] = neg x in (y,) }", OPS))


@pytest.mark.parametrize("function", [np.linalg.solve, np.median, np.add, np.fft.fft, np.cross,
                                      math.gamma, print])
def test_functions_parse_back(function):
    x = Var(Type("f8", (3,)))
    eqn = make_eqn(OPS["call_numpy"], [x], {"function": function, "results": (("f64", (3,)),)})
    program = Program([x], [eqn], eqn.outs)
    assert equal(parse(show(program), OPS), program), show(program)
