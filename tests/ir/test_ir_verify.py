"""What `verify` refuses, and that its message shows the place in the IR and in the source."""

import pytest

from hotloop.errors import InternalError, Location
from hotloop.ir.core import Block, Eqn, Lit, Program, Var
from hotloop.ir.text import parse
from hotloop.ir.types import Type
from hotloop.ir.verify import verify
from hotloop.ops import OPS, make_eqn


def scalar():
    return Var(Type("f8"))


def refused(program, message):
    with pytest.raises(InternalError) as error:
        verify(program)
    assert message in str(error.value), error.value
    return str(error.value)


@pytest.mark.parametrize("text, message", [
    ("{ lambda ; a:f64[] b:i64[]. let c:f64[] = add a b in (c,) }", "add of different dtypes"),
    ("{ lambda ; a:f64[n] b:f64[m]. let c:f64[n] = add a b in (c,) }", "add of different shapes"),
    ("{ lambda ; a:f64[]. let c:f32[] = neg a in (c,) }", "the rule of neg gives f64[]"),
    ("{ lambda ; a:f64[n]. let c:f64[3] = neg a in (c,) }", "the rule of neg gives"),
    ("{ lambda ; a:f64[]. let b:f64[] c:f64[] = neg a in (c,) }", "neg has 1 results, not 2"),
    ("{ lambda ; a:f64[n]. let c:f64[] = get[codes='s'] a 0 in (c,) }", "with 1 index operands"),
    ("{ lambda ; a:f64[n]. let c:f64[] = get[codes='ii'] a 0 0 in (c,) }", "codes 'ii'"),
    ("{ lambda ; a:f64[n,m]. let c:f64[n,m] = set[codes=':i'] a 0.0 0 in (c,) }", "set: stores"),
    ("{ lambda ; a:f64[] p:bool[]. let c:f64[] = cond p { lambda . let in (a,) }"
     " { lambda . let in (1,) } in (c,) }", "cond: result 0 is f64[] in one arm and i64[]"),
    ("{ lambda ; a:f64[]. let c:f64[] = for 0 9 1 a { lambda i:i64[] d:f64[]. let in (i,) }"
     " in (c,) }", "for: carry 0 of type f64[] becomes i64[]"),
    ("{ lambda ; a:f64[]. let c:i64[] = for 0 9 1 a { lambda i:i64[] d:i64[]. let in (d,) }"
     " in (c,) }", "for: carry 0 of type i64[] starts as f64[]"),
    ("{ lambda ; x:f64[n]. let y:f64[n] = for 0 9 1 x { lambda i:i64[] d:f64[n]. let"
     " e:f64[i] = get[codes='s'] d 0 i 1 in (e,) } in (y,) }", "becomes"),
    ("{ lambda ; a:f64[]. let c:f64[] = while a { lambda d:f64[]. let in (d,) }"
     " { lambda e:f64[]. let in (e,) } in (c,) }", "while: the condition is f64[]"),
    ("{ lambda ; a:f64[]. let c:f64[] = for[until=0] 0 9 1 a { lambda i:i64[] d:f64[]. let in (d,)"
     " } in (c,) }", "until=0 is no carry of type bool[]"),
    ("{ lambda ; a:f64[n] b:f64[m]. let in (a<-b,) }", None),
    ("{ lambda ; a:f64[n] b:f64[]. let in (a<-b,) }", "is written to a f64["),
])
def test_refused(text, message):
    program = parse(text, OPS)
    if message is None:
        verify(program)         # sizes are equal at run time, as whoever wrote it has checked
    else:
        refused(program, message)


def test_scope():
    a, inner = scalar(), make_eqn(OPS["neg"], [Lit(1.0)])
    arm = Block([], [inner], [inner.outs[0]])
    cond = make_eqn(OPS["cond"], [Lit(True)], blocks=[arm, Block([], [], [a])])
    leak = make_eqn(OPS["neg"], [inner.outs[0]])
    refused(Program([a], [cond, leak], [leak.outs[0]]), "bound in a block that has ended")
    refused(Program([a], [leak, cond], [leak.outs[0]]), "which is not bound here")
    refused(Program([a], [cond, cond], [a]), "is bound twice")
    refused(Program([a], [], [scalar()]), "a result of a block is")
    refused(Program([a], [], [a], into=[Var(Type("f8"))]), "which is no parameter")
    x = Var(Type("f8", (Var(Type("i8")),)))
    refused(Program([a, x], [], [x, x], into=[x, x]), "two results are written to one parameter")
    refused(Program([a, x], [], [1.0]), "no Var or Lit")


def test_message_shows_neighbours_and_source():
    a = scalar()
    eqns = [make_eqn(OPS["neg"], [a])]
    for _ in range(5):
        eqns.append(make_eqn(OPS["exp"], [eqns[-1].outs[0]]))
    wrong = Eqn(OPS["add"], [a, Lit(1)], [scalar()],
                location=Location("model.py", 12, 4, "energy"))
    text = refused(Program([a], [*eqns[:4], wrong, *eqns[4:]], [a], name="energy"),
                   "energy: add of different dtypes: f64[], i64[]")
    lines = text.splitlines()
    assert lines[1:6] == ["    d:f64[] = exp c", "    e:f64[] = exp d", "  > f:f64[] = add a 1",
                          "    g:f64[] = exp e", "    h:f64[] = exp g"]
    assert 'File "model.py", line 12, in energy' in text
