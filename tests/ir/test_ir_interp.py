"""The meaning of the IR where rows alone do not give it: control flow, effects, aliasing."""

import numpy as np
import pytest

from hotloop.errors import InternalError
from hotloop.ir.interp import run
from hotloop.ir.text import parse
from hotloop.ops import OPS

SEEN = []


def note(*values):
    SEEN.append([np.array(v).tolist() for v in values])


def results(text, *args):
    return run(parse(text, OPS), args)


def test_for_and_until():
    text = """{ lambda ; lo:i64[] hi:i64[] step:i64[]. let
        a:i64[] done:bool[] = for[until=1] lo hi step 0 False
          { lambda i:i64[] b:i64[] d:bool[]. let
              c:i64[] = add b i
              e:bool[] = eq i 3
          in (c, e) }
    in (a, done) }"""
    assert results(text, 0, 10, 1) == [6, True]         # 0+1+2+3, then it stops
    assert results(text, 10, 4, -2) == [24, False]      # 10+8+6
    assert results(text, 5, 5, 1) == [0, False]


def test_while_and_cond():
    collatz = """{ lambda ; n:i64[]. let
        m:i64[] steps:i64[] = while n 0
          { lambda a:i64[] b:i64[]. let c:bool[] = gt a 1 in (c,) }
          { lambda a:i64[] b:i64[]. let
              c:i64[] = remainder a 2
              d:bool[] = eq c 0
              e:i64[] = cond d
                { lambda . let f:i64[] = floor_divide a 2 in (f,) }
                { lambda . let g:i64[] = mul a 3; h:i64[] = add g 1 in (h,) }
              s:i64[] = add b 1
          in (e, s) }
    in (m, steps) }"""
    assert results(collatz, 27) == [1, 111]


def test_data_dependent_dimensions():
    text = """{ lambda ; x:f64[n]. let
        p:bool[n] = gt x 0.0
        k:i64[] i:i64[k] = nonzero p
        y:f64[k] = get[codes='a'] x i
        m:i64[] z:f64[m] = for 0 2 1 k y
          { lambda j:i64[] q:i64[] w:f64[q]. let
              h:i64[] = floor_divide q 2
              v:f64[h] = get[codes='s'] w 0 h 1
          in (h, v) }
    in (y, z) }"""
    y, z = results(text, np.array([1.0, -1, 2, 3, -4, 5, 6]))
    assert y.tolist() == [1, 2, 3, 5, 6] and z.tolist() == [1]


def test_results_are_fresh():
    x = np.arange(3.0)
    a, b, c = results("""{ lambda ; a:f64[n]. let
        b:f64[n] = transpose[perm=(0,)] a
    in (a, a, b) }""", x)
    assert not any(np.may_share_memory(p, q) for p, q in ((a, x), (b, x), (c, x), (a, b)))


def test_effects_in_order():
    text = """{ lambda ; n:i64[]. let
        call_host[function=test_ir_interp:note] n 0.5
        for 0 n 1 { lambda i:i64[]. let
          ok:bool[] = lt i 2
          check[exception=builtins:ValueError, message='{} of {}: {{}}'] ok i 2.5
          call_host[function=test_ir_interp:note] i
        in () }
    in (n,) }"""
    SEEN.clear()
    assert results(text, 2) == [2] and SEEN == [[2, 0.5], [0], [1]]
    SEEN.clear()
    with pytest.raises(ValueError, match=r"^2 of 2.5: \{\}$"):
        results(text, 4)
    assert SEEN == [[4, 0.5], [0], [1]]
    with pytest.raises(AssertionError) as error:
        results("{ lambda ; p:bool[]. let check[exception=builtins:AssertionError, message='']"
                " p in () }", False)
    assert error.value.args == ()


def test_wrong_types_are_found():
    with pytest.raises(InternalError, match="not a value of type"):
        results("{ lambda ; a:f64[]. let in (a,) }", np.float32(1))
    with pytest.raises(InternalError, match="has shape"):
        results("{ lambda ; a:f64[n] b:f64[n]. let in (a,) }", np.zeros(2), np.zeros(3))
    with pytest.raises(InternalError, match="has shape"):
        results("{ lambda ; a:f64[n]. let b:f64[3] = reshape a 3 in (a,) }".replace(
            "reshape a 3", "call_numpy[function=numpy:copy, results=(('f64', (3,)),)] a"),
            np.zeros(2))
    with pytest.raises(AssertionError, match="index 5"):
        results("{ lambda ; a:f64[n]. let b:f64[] = get[codes='i'] a 5 in (b,) }", np.zeros(2))
