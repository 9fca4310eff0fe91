"""Carries that are reductions are found and run in any order; flags are not carried."""

import numpy as np
import pytest
from meaning import loops, transformed

from hotloop.loops.reductions import reductions
from hotloop.loops.settle import settle
from hotloop.loops.vectorize import vectorize

NUMPY = {"f64": "f8", "f32": "f4", "i64": "i8", "i32": "i4", "u64": "u8"}
ONE = {"f64": "1.0", "f32": "1.0:f32", "i64": "1", "i32": "1:i32", "u64": "1:u64"}


def loop_of(body, following, dtype="f64", init=None, more=""):
    lines = "\n".join("              " + line for line in body.strip().split("\n") if line)
    return f"""
        kernel f
          a: {dtype}[n] inout
          b: {dtype}[n] in
          m: i64[n] in
          x: {dtype}
          body
            for i in 0..n step 1
              carry c: {dtype} = {init or ONE[dtype]}{more}
{lines}
              next c = {following}
          results c
    """


def args(dtype, x=2):
    a = np.array([3, 1, 4, 1, 5, 9, 2, 6], NUMPY[dtype])
    return [a, a[::-1].copy(), np.array([0, 1] * 4), x]


@pytest.mark.parametrize(("body", "following", "dtype", "combine"), [
    ("", "(c + b[i])", "i64", "add"),
    ("", "(c + -1*b[i])", "i64", "add"),
    ("t = add(b[i], c)", "t", "i32", "add"),
    ("t = c\nu = mul(t, b[i])", "u", "i64", "mul"),
    ("", "maximum(b[i], c)", "f64", "maximum"),
    ("", "minimum(c, b[i])", "f32", "minimum"),
    ("", "xor(c, b[i])", "u64", "xor"),
    ("t = gt(b[i], 2)\nu = select(t, (c + 1), c)", "u", "i64", "add"),
    ("", "select(gt(b[i], 2), (c + 3), select(lt(b[i], 1), c, (c + i)))", "i64", "add"),
    ("if gt(m[i], 0)\n  t = b[i]\n  u = (c + t)\n  give u\nelse\n  give c\n-> v: i64", "v", "i64",
     "add"),
    ("if gt(m[i], 0)\n  give maximum(c, b[i])\nelse\n  give c\n-> v: f64", "v", "f64", "maximum"),
    # the larger by comparison
    ("", "select(gt(b[i], c), b[i], c)", "i64", "maximum"),
    ("", "select(gt(c, b[i]), c, b[i])", "i32", "maximum"),
    ("t = b[i]\nu = le(t, c)\nv = select(u, t, c)", "v", "i64", "minimum"),
    ("if lt(b[i], c)\n  t = b[i]\n  give t\nelse\n  give c\n-> v: i64", "v", "i64", "minimum"),
    # not reductions
    ("", "add(c, b[i])", "f64", None),
    ("", "sub(b[i], c)", "i32", None),
    ("", "add(c, c)", "i32", None),
    ("", "(2*c + b[i])", "i64", None),
    ("a[i] <- c", "(c + b[i])", "i64", None),
    ("t = (c + b[i])\na[i] <- t", "t", "i64", None),
    ("", "select(gt(b[i], c), (c + 1), c)", "i64", None),
    ("", "select(gt(m[i], 0), (c + 1), mul(c, 2))", "i64", None),
    ("if gt(c, 5)\n  give (c + 1)\nelse\n  give c\n-> v: i64", "v", "i64", None),
    ("if gt(m[i], 0)\n  give (c + 1)\nelse\n  give c\n-> v: i64\na[i] <- v", "v", "i64", None),
    ("", "select(gt(c, b[i]), b[i], mul(c, 2))", "i64", None),
])
def test_reductions(body, following, dtype, combine):
    for x in (2, 7):
        kernel = transformed(loop_of(body, following, dtype), [reductions, vectorize],
                             *args(dtype, x))
        assert [c.reduce for c in loops(kernel)[0].carries] == [combine]
        assert bool(loops(kernel)[0].lanes) == (combine is not None)


NAN = float("nan")


@pytest.mark.parametrize(("following", "combine"), [
    ("add(c, b[i])", "add"), ("mul(c, b[i])", None), ("sub(c, b[i])", None)])
def test_a_loose_loop_adds_floats_in_any_order(following, combine):
    text = loop_of("", following).replace("step 1", "step 1 loose")
    kernel = transformed(text, [reductions], *args("f64"))
    loop, = loops(kernel)
    assert loop.loose and loop.carries[0].reduce == combine


@pytest.mark.parametrize(("following", "combine"), [
    ("add(c, b[i])", "add"), ("sub(c, b[i])", "add"), ("sub(add(b[i], c), x)", "add"),
    ("add(sub(c, b[i]), mul(b[i], x))", "add"), ("div(c, b[i])", "mul"),
    ("mul(div(mul(x, c), b[i]), 0.5)", "mul"),
    ("select(gt(b[i], x), sub(c, b[i]), c)", "add"),
    ("sub(b[i], c)", None), ("div(b[i], c)", None), ("mul(add(c, b[i]), x)", None),
    ("add(c, mul(c, b[i]))", None), ("sub(c, mul(c, b[i]))", None),
    ("select(gt(c, x), sub(c, b[i]), c)", None)])
def test_fast_kernels_sum_floats_in_any_order(following, combine):
    text = loop_of("", following).replace("a: f64[n]", "fast\n          a: f64[n]", 1)
    kernel = transformed(text, [reductions, vectorize], *args("f64"))
    assert loops(kernel)[0].carries[0].reduce == combine


@pytest.mark.parametrize(("inner", "after", "combine"), [
    ("next d = (d + m[j])", "(d + i)", "add"),
    ("next d = (d + m[j])", "d", "add"),
    ("next d = mul(d, m[j])", "mul(d, i)", "mul"),
    ("next d = mul(d, m[j])", "(d + 3)", None),            # not the same combiner
    ("next d = (d + c)", "d", None),                       # the outer one is looked at inside
    ("b[j] <- d\nnext d = (d + m[j])", "d", None),
    ("next d = (d + m[j])", "(2*d + i)", None)])
def test_what_inner_loops_accumulate_is_accumulated(inner, after, combine):
    lines = "\n".join("                " + line for line in inner.split("\n"))
    kernel = transformed(f"""
        kernel f
          b: i64[n] inout
          m: i64[n] in
          body
            for i in 0..n step 1
              carry c: i64 = 5
              for j in 0..i step 1
                carry d: i64 = c
{lines}
              next c = {after}
          results c
    """, [reductions, vectorize], np.arange(6), np.array([3, 1, 4, 1, 5, 9]))
    assert loops(kernel)[0].carries[0].reduce == combine


@pytest.mark.parametrize("following", [
    "select(gt(b[i], c), b[i], c)", "select(lt(b[i], c), b[i], c)",
    "select(ge(b[i], c), b[i], c)", "select(lt(c, b[i]), b[i], c)"])
@pytest.mark.parametrize("values", [
    [3.0, NAN, 7.0, 1.0], [NAN, NAN], [], [5.0], [NAN, -2.0], [-np.inf, np.inf]])
@pytest.mark.parametrize("x", [2.0, NAN, np.inf, -np.inf])
def test_extremes_of_floats_ignore_nan(following, values, x):
    b = np.array(values, "f8")
    kernel = transformed(loop_of("", following, init="x"), [reductions, vectorize],
                         b, b, np.zeros(len(b), "i8"), x)
    assert loops(kernel)[0].lanes


def test_an_extreme_that_takes_nan_keeps_its_order():
    b = np.array([1.0, NAN, 3.0])
    kernel = transformed(loop_of("", "select(gt(c, b[i]), c, b[i])", init="x"),
                         [reductions, vectorize], b, b, np.zeros(3, "i8"), 2.0)
    assert not loops(kernel)[0].lanes


def test_where_the_extreme_is_needs_order():
    body = "t = gt(b[i], c)\nu = select(t, b[i], c)"
    text = loop_of(body, "u\n              next k = select(t, i, k)", init="x",
                   more="\n              carry k: i64 = 0").replace("results c", "results c, k")
    kernel = transformed(text, [reductions, vectorize], *args("f64"))
    assert not loops(kernel)[0].lanes


@pytest.mark.parametrize("n", [0, 1, 3])
def test_flags_are_not_carried(n):
    kernel = transformed("""
        kernel f
          a: f64[n] inout
          p: f64
          body
            for i in 0..n step 1
              carry seen: bool = False
              carry last: f64 = 7.0
              t = select(seen, a[i], last)
              a[i] <- t
              next seen = True
              next last = p
          results seen, last
    """, [settle, vectorize], np.arange(float(n)), 2.5)
    assert loops(kernel)[0].carries == []
    assert loops(kernel)[0].lanes


def test_what_changes_in_the_loop_is_carried():
    kernel = transformed("""
        kernel f
          a: f64[n] inout
          body
            for i in 0..n step 1
              carry last: f64 = 7.0
              a[0] <- add(a[0], last)
              next last = a[0]
          results last
    """, [settle], np.arange(3.0))
    assert len(loops(kernel)[0].carries) == 1


@pytest.mark.parametrize("x", [0.0, 5.0, 9.0, 99.0, NAN])
@pytest.mark.parametrize("compare", ["lt(c, t)", "le(t, c)"])
def test_a_flag_that_the_extreme_was_replaced(x, compare):
    body = f"t = b[i]\nu = {compare}\nv = or(k, u)\nw = select(u, t, c)"
    text = loop_of(body, "w\n              next k = v", init="x",
                   more="\n              carry k: bool = False").replace(
        "results c", "results c, k")
    kernel = transformed(text, [reductions, vectorize], *args("f64", x))
    assert loops(kernel)[0].lanes
