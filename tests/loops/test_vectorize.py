"""Which loops become lanes, and why others do not; lanes in any order give the same."""

import random

import numpy as np
import pytest
from meaning import kernel_of, loops, run, transformed

import hotloop
from hotloop import config
from hotloop.loops.contract import contract
from hotloop.loops.core import Store, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.fuse import fuse
from hotloop.loops.independence import blocked
from hotloop.loops.pipeline import PASSES
from hotloop.loops.promote import promote
from hotloop.loops.vectorize import vectorize
from hotloop.loops.verify import verify

A = np.arange(12.0).reshape(3, 4) + 1


def lanes(kernel):
    return [loop.var for loop in loops(kernel) if loop.lanes]


def user_loop(body, head="for i in 0..n step 1", results="", types="f64"):
    lines = "\n".join("              " + line for line in body.strip().split("\n"))
    return f"""
        kernel f
          a: {types}[n] inout
          b: {types}[n] in
          p: i64
          error builtins:ValueError 'no {{}}'
          body
            {head}
{lines}
          results {results}
    """


VECTORS = np.arange(1.0, 9.0), np.arange(8.0) * 3, 2


@pytest.mark.parametrize("body", [
    "a[i] <- add(a[i], b[i])",
    "a[i] <- b[0]",
    "a[i] <- add(a[i], b[(-1*i + n + -1)])",
    "if lt(a[i], 3.0)\n  a[i] <- 1.0",
    "x = add(a[i], 1.0)\na[i] <- mul(x, x)",
    "for k in 0..p step 1\n  a[i] <- add(a[i], b[k])",
    "while\n  carry c: f64 = a[i]\n  unless lt(c, 100.0) leave\n"
    "  next c = mul(c, 2.0)\na[i] <- c",
])
def test_independent(body):
    kernel = transformed(user_loop(body), [promote, vectorize], *VECTORS)
    assert lanes(kernel) == ["i"]


@pytest.mark.parametrize(("body", "head", "reason"), [
    ("a[(i + 1)] <- a[i]", "for i in 0..(n + -1) step 1", "an iteration reads what another writes"),
    ("a[p] <- b[i]", "for i in 0..n step 1", "may write one element twice"),
    ("carry c: f64 = 0.0\na[i] <- c\nnext c = div(b[i], add(c, 1.0))", "for i in 0..n step 1",
     "needs a value"),
    ("carry c: f64 = 0.0\nnext c = add(b[i], c)", "for i in 0..n step 1", "order"),
    ("a[convert(b[i], i64)] <- 1.0", "for i in 0..1 step 1", "may write one element twice"),
    ("a[i] <- 1.0", "for i in 0..n step p", "step"),
])
def test_dependent(body, head, reason):
    text = user_loop(body, head)
    if "carry" in body:                 # carries and nexts stand as the loop does
        text = text.replace("              next", "              next")
    kernel = transformed(text, [vectorize], *VECTORS)
    assert lanes(kernel) == []
    assert any(reason in note for note in kernel.notes), kernel.notes


def test_steps_tell_elements_apart():
    kernel = transformed(user_loop("a[i] <- a[(i + 1)]", "for i in 0..(n + -1) step 2"),
                         [vectorize], *VECTORS)
    assert lanes(kernel) == ["i"]
    kernel = transformed(user_loop("a[i] <- a[(i + 2)]", "for i in 0..(n + -2) step 2"),
                         [vectorize], *VECTORS)
    assert lanes(kernel) == ["i"] and kernel.body[0].ahead      # a block reads before it writes
    kernel = transformed(user_loop("a[(i + 2)] <- a[i]", "for i in 0..(n + -2) step 2"),
                         [vectorize], *VECTORS)
    assert lanes(kernel) == []


def test_a_check_in_lanes():
    """Allowed while nothing that the caller sees is written."""
    kernel = transformed("""
        kernel f
          b: f64[n] in
          error builtins:ValueError 'no {}'
          body
            alloc r: f64[n] result 0
            for i in 0..n step 1
              check lt(b[i], 99.0), b[i] error 0
              r[i] <- b[i]
          results r
    """, [vectorize], VECTORS[1])
    assert lanes(kernel) == ["i"]


def test_strided_lanes_beat_a_chain_of_sums():
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          r: f64[n] inout
          body
            for i in 0..n step 1
              for k in 0..m step 1
                carry c: f64 = 0.0
                next c = add(c, a[i, k])
              r[i] <- c
          results
    """, [vectorize], A, np.zeros(3))
    assert lanes(kernel) == ["i"]


def test_unit_stride_is_preferred():
    """The triple product: j, not k, and each element is summed in its order."""
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          b: f64[m, l] in
          c: f64[n, l] inout
          body
            for i in 0..n step 1
              for j in 0..l step 1
                for k in 0..m step 1
                  c[i, j] <- add(c[i, j], mul(a[i, k], b[k, j]))
    """ + "  results\n", [promote, vectorize], A, A.T, np.ones((3, 3)))
    assert lanes(kernel) == ["j"]


@pytest.mark.parametrize(("axes", "want"), [("j, i", "j"), ("i, j", "j")])
def test_sums_over_an_axis(axes, want):
    outer, inner = axes.split(", ")
    size = {"i": "n", "j": "m"}
    kernel = transformed(f"""
        kernel f
          a: f64[n, m] in
          body
            alloc r: f64[{size[outer]}] result 0
            nest {outer} in {size[outer]}, {inner} in {size[inner]} reduce 1 by add
              r[{outer}] <- a[i, j]
          results r
    """, [fuse, contract, vectorize], A)
    assert lanes(kernel) == [want]


def test_rows_with_temporaries_run_inside():
    kernel = transformed("""
        kernel f
          a: f64[n, m] in
          body
            alloc t: f64[m]
            alloc r: f64[n] result 0
            for i in 0..n step 1 regular
              for j in 0..m step 1 regular
                t[j] <- exp(a[i, j])
              for k in 0..m step 1 regular
                carry s: f64 = 0.0 reduce add
                next s = add(s, t[k])
              r[i] <- s
          results r
    """, [vectorize], A)
    assert lanes(kernel) == ["j", "k"]


def test_opt_0_has_no_vectors(monkeypatch):
    monkeypatch.setattr(config, "opt", 0)
    kernel = transformed(user_loop("a[i] <- b[i]"), [vectorize], *VECTORS)
    assert lanes(kernel) == []


def random_loops(seed):
    """Nested loops with affine indices into arrays that they also write."""
    rng = random.Random(seed)
    names = ["i", "j", "k"][:rng.choice((1, 2, 2, 3))]
    size = 14

    def index():
        low, high = 0, size
        while high - low > 10:
            terms = [rng.choice((0, 0, 0, 1, 1, 1, 1, -1, 2)) for _ in scope]
            low = sum(min(0, 3 * t) for t in terms)
            high = sum(max(0, 3 * t) for t in terms)
        shift = rng.randrange(-low, max(-low, min(-low + 3, size - high - 1)) + 1)
        return "(" + " + ".join([f"{t}*{n}" for t, n in zip(terms, scope, strict=True) if t]
                                + [str(shift)]) + ")"

    stored = rng.choice(("a", "c", "abc"))

    def place(arrays="abc"):
        array = rng.choice(arrays)
        return f"c[{index()}, {index()}]" if array == "c" else f"{array}[{index()}]"

    def value(depth=2):
        if depth == 0 or rng.random() < 0.3:
            return place(rng.choice(("abc", "abc".replace(stored, "b"))))
        return f"{rng.choice(('add', 'sub', 'minimum'))}({value(depth - 1)}, {value(depth - 1)})"

    lines, indent, scope = [], "    ", []
    for level, name in enumerate(names):
        low, high = rng.choice((("0", "4"), ("0", "4"), ("1", "4"), ("0", "p")))
        if level and rng.random() < 0.3:
            low, high = rng.choice(((f"{names[level - 1]}", "4"),
                                    ("0", f"{names[level - 1]}"),
                                    (f"({names[level - 1]} + 1)", "4")))
        head = f"{low}..{high} step {rng.choice((1, 1, 1, 2))}"
        if rng.random() < 0.1 and low == "0" and high == "4":
            head = "3..-1 step -1"
        lines.append(f"{indent}for {name} in {head}")
        indent += "  "
        scope.append(name)
        if rng.random() < 0.3:
            lines.append(f"{indent}{place(stored)} <- {value()}")
    for k in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.3:
            lines.append(f"{indent}x{k} = {value()}")
        if rng.random() < 0.2:
            lines.append(f"{indent}if lt({place()}, {value(0)})")
            lines.append(f"{indent}  {place(stored)} <- {value()}")
        else:
            target = place(stored)
            new = f"add({target}, {value()})" if rng.random() < 0.4 else value()
            lines.append(f"{indent}{target} <- {new}")
    return "\n".join(["kernel f", "  a: f64[n] inout", "  b: f64[n] inout", "  c: f64[n, n] inout",
                      "  p: i64", "  body", *lines, "  results", ""])


def test_random_loops():
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        args = [rng.integers(0, 99, 14).astype("f8"), rng.integers(0, 99, 14).astype("f8"),
                rng.integers(0, 99, (14, 14)).astype("f8"), int(rng.integers(0, 5))]
        with fresh_table():
            text = random_loops(seed)
            kernel = kernel_of(text)
            want = run(kernel, args)
            for name, run_pass, _ in PASSES:
                kernel = run_pass(kernel)
                verify(kernel)
                for order in range(2 if name == "vectorize" else 1):
                    got = run(kernel, args, order)
                    for x, y in zip(got[1], want[1], strict=True):
                        assert np.array_equal(x, y), f"{name}, seed {seed}\n{text}"
            found += len(lanes(kernel))
    assert found > 5


def test_blocked_says_why():
    with fresh_table():
        kernel = kernel_of(user_loop("a[(i + 1)] <- a[i]"))
        assert blocked(loops(kernel)[0]) is not None
        assert any(isinstance(s, Store) for s in walk(kernel.body))


def test_the_short_axis_of_a_long_array_is_no_lane():
    def forces(pos):
        d = pos[None, :, :] - pos[:, None, :]
        return (d * d).sum(axis=2)

    def lanes(shape):
        text = hotloop.jit(forces, cache=False).lower(np.zeros(shape)).loops
        return [line for line in text.splitlines() if "lanes" in line]

    assert any("in 0..n1 " in line for line in lanes((500, 3)))
    assert all("in 0..n2 " in line for line in lanes((500, 400)))
