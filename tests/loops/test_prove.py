"""Checks that loop bounds prove are dropped, others stay."""

import numpy as np
import pytest
from meaning import transformed

from hotloop.loops.core import Check, If, walk
from hotloop.loops.prove import prove
from hotloop.loops.text import show


@pytest.mark.parametrize(("cond", "proven"), [
    ("lt((i + 1), n)", True),
    ("ge((i + -1), 0)", True),
    ("gt(n, i)", True),
    ("le((i + j), n)", True),
    ("lt((i + j), n)", True),
    ("and(lt(i, n), not(lt(i, 1)))", True),
    ("or(lt(i, p), lt(i, n))", True),
    ("lt((i + 2), n)", False),
    ("ge((i + -2), 0)", False),
    ("lt(i, p)", False),
    ("lt((i + j), (n + -1))", False),
    ("and(lt(i, n), lt(i, p))", False),
    ("lt(m[i], n)", False),
])
def test_checks(cond, proven):
    kernel = transformed(f"""
        kernel f
          a: f64[n] inout
          m: i64[n] in
          p: i64
          error builtins:ValueError 'no'
          body
            for i in 1..(n + -1) step 1
              for j in 1..-2 step -1
                t = {cond}
                check t error 0
                a[i] <- 1.0
    """ + "  results\n", [prove], *((np.arange(3.0), np.zeros(3, "i8"), 9) if proven else ()))
    assert proven != any(isinstance(s, Check) for s in walk(kernel.body))


@pytest.mark.parametrize(("cond", "decided"), [
    ("True", True), ("lt(i, n)", True), ("lt(n, i)", True), ("eq(i, 0)", False)])
def test_branches(cond, decided):
    kernel = transformed(f"""
        kernel f
          a: f64[n] inout
          body
            for i in 0..n step 1
              if {cond}
                x = 1.0
                give x
              else
                a[i] <- 3.0
                give 2.0
              -> t: f64
              a[i] <- add(a[i], t)
    """ + "  results\n", [prove], np.arange(3.0))
    assert decided != any(isinstance(s, If) for s in walk(kernel.body))


@pytest.mark.parametrize(("value", "decided"), [
    # Python's remainder and division of what is not negative
    ("select(and(ne(0, irem(i, 3)), ne(False, lt(irem(i, 3), 0))), (irem(i, 3) + 3), irem(i, 3))",
     True),
    ("select(lt(idiv(i, 2), 0), (idiv(i, 2) + -1), idiv(i, 2))", True),
    ("select(lt((i + -1), 0), (i + n + -1), (i + -1))", False),
    ("select(lt(i, n), mul(i, i), 0)", True),
    ("select(lt(irem((i + -5), 3), 0), 1, irem(i, 3))", False),
    ("select(ge(maximum(i, n), n), minimum(i, n), maximum(0, i))", True),
    ("select(lt(maximum((i + -5), 0), 3), minimum((i + -5), 2), maximum((2*i), n))", False),
])
def test_choices(value, decided):
    kernel = transformed(f"""
        kernel f
          m: i64[n] inout
          body
            for i in 0..n step 1
              m[i] <- {value}
    """ + "  results\n", [prove], np.zeros(9, "i8"))
    assert decided != ("select" in show(kernel))


EXTREMES = np.array([3, -4, 2**63 - 1, -2**63, 0, 9, -1, 8])


@pytest.mark.parametrize(("cond", "asked", "decided"), [
    ("and(ge(k, 0), lt(k, n))", "lt(k, n)", True),
    ("and(ge(k, 0), lt(k, n))", "ge(k, 0)", True),
    ("not(or(lt(k, 0), ge(k, n)))", "and(ge(k, 0), lt(k, n))", True),
    ("ge(k, 3)", "gt(k, 1)", True),
    ("lt(k, i)", "lt(k, n)", True),                    # i < n by its loop
    ("lt(k, i)", "le(k, i)", True),
    ("ge(k, 0)", "lt(k, n)", False),
    ("or(ge(k, 0), lt(k, n))", "ge(k, 0)", False),
    ("ge(k, 0)", "ge((k + 1), 0)", False),             # 2**63 - 1 and 1 are below 0
    ("lt((k + 1), n)", "lt(k, n)", False),             # likewise
    ("gt(n, (k + -1))", "gt(n, k)", False),
    ("le(k, 3)", "lt(k, 3)", False),
])
def test_facts_of_branches(cond, asked, decided):
    kernel = transformed(f"""
        kernel f
          m: i64[n] inout
          body
            for i in 0..n step 1
              k = m[i]
              c = {cond}
              if c
                m[i] <- select({asked}, 1, 2)
    """ + "  results\n", [prove], EXTREMES.copy())
    assert decided != ("select" in show(kernel))


@pytest.mark.parametrize(("first", "second", "kept"), [
    ("ge(k, 0)", "ge(k, -5)", 1), ("ge(k, 0)", "lt(k, n)", 2), ("lt(k, n)", "le(k, n)", 1),
    ("lt((k + 1), n)", "lt(k, n)", 2)])
def test_facts_of_checks(first, second, kept):
    kernel = transformed(f"""
        kernel f
          m: i64[n] inout
          p: i64
          error builtins:ValueError 'no'
          body
            k = p
            a = {first}
            check a error 0
            b = {second}
            check b error 0
            m[0] <- k
    """ + "  results\n", [prove], np.zeros(3, "i8"), 1)
    assert sum(isinstance(s, Check) for s in walk(kernel.body)) == kept


def test_the_other_side_of_a_branch_knows_the_opposite():
    kernel = transformed("""
        kernel f
          m: i64[n] inout
          body
            for i in 0..n step 1
              k = m[i]
              if lt(k, 0)
                m[i] <- 0
              else
                m[i] <- select(ge(k, 0), 1, 2)
    """ + "  results\n", [prove], EXTREMES.copy())
    assert "select" not in show(kernel)


def test_a_while_loop_knows_its_condition():
    kernel = transformed("""
        kernel f
          m: i64[n] inout
          p: i64
          body
            while
              carry j: i64 = p
              unless gt(j, 0) leave
              m[select(lt(j, 0), (j + n), j)] <- 1
              next j = (j + -1)
    """ + "  results\n", [prove], np.zeros(5, "i8"), 4)
    assert "select" not in show(kernel)
