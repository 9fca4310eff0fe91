"""Long lists of statements are functions, and do the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meaning import close, run
from programs_gen import assert_same_outcome, outcome, random_program

import hotloop
from hotloop import config
from hotloop.errors import UnsupportedError
from hotloop.loops import divide as division
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.loops.pipeline import optimize
from hotloop.loops.verify import verify


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(division, "PIECE", 20.0)
    monkeypatch.setattr(division, "MOST", 25.0)
    monkeypatch.setattr(config, "cache", False)


divided = []


@given(st.integers(0, 2**32))
def test_random_programs(seed):
    program, args = random_program(seed)
    changed = []

    def action():
        results, after = run(kernel, args)
        changed[:] = after
        return results

    with fresh_table():
        try:
            kernel = lower(program, [True] * len(program.params))
        except UnsupportedError:
            return
        want = outcome(action)
        seen = list(changed)
        before = len(kernel.functions)
        kernel = optimize(kernel)
        verify(kernel)
        divided.append(len(kernel.functions) > before)
        assert_same_outcome(outcome(action), want, close)
        if want[0] == "returns":
            for x, y in zip(changed, seen, strict=True):
                close(np.asarray(x), np.asarray(y))


def test_some_were_divided():
    assert not divided or sum(divided) > len(divided) / 5


def straight(x, y):
    a = np.sin(x) * y
    b = np.cos(a) + x
    c = a * b - np.exp(-b)
    d = a + b * c
    if d > 0.5:
        c = c * d + a
        d = np.sin(c) + b
    return a + b * c - d / (1.0 + c * c)


def loops(x, n):
    s = np.zeros(len(x))
    total = 0.0
    for i in range(n):
        for j in range(1, len(x)):
            s[j] = s[j - 1] * 0.5 + np.sin(x[j] + i)
        t = np.cumsum(s)
        if t[-1] > 0.0:
            total += np.sum(np.cos(t)) / len(x)
        u = s * t + total
        s = u - np.mean(u)
        total -= s[0] * t[1]
    return total, s


def fails(x, i):
    a = x[i] * 2.0
    b = np.zeros(len(x))
    for k in range(len(x)):
        b[k] = x[k] / (1.0 + a) + np.sin(a * k)
    c = b[i + 1] * a + np.sum(np.exp(b))
    for k in range(len(x)):
        b[k] = c + b[k - i] * np.cos(a * k)
    return b


@pytest.mark.parametrize("function, args", [
    (straight, (0.3, 0.7)), (straight, (-1.3, 2.7)), (loops, (np.arange(7.0), 3)),
    (fails, (np.arange(5.0), 2))])
def test_compiled_functions(function, args):
    compiled = hotloop.jit(function)
    got, want = compiled(*args), function(*args)
    for g, w in zip(*((x,) if not isinstance(x, tuple) else x for x in (got, want)), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-12)
    assert "call @function" in compiled.lower(*args).llvm.replace("i64 @f", "@f")


def test_errors_leave_from_pieces():
    compiled = hotloop.jit(fails)
    for i in (4, 7):
        with pytest.raises(IndexError):
            compiled(np.arange(5.0), i)
    np.testing.assert_allclose(compiled(np.arange(5.0), 2), fails(np.arange(5.0), 2))


def test_gradients():
    hotloop.testing.check_grads(straight, (0.3, 0.7))
    hotloop.testing.check_grads(lambda x: loops(x, 3), (np.linspace(0.1, 1.0, 5),), order=1)


def test_many_temporaries_are_given_back_by_shared_blocks():
    """The text of n temporaries and n checks is linear in n."""
    def lines(n):
        text = "\n".join(
            ["def f(x, i):"] + [f"    a{k} = np.cumsum(x * {k}.5); s{k} = a{k}[i]"
                                for k in range(n)]
            + ["    return " + " + ".join(f"np.sum(a{k} * s{k})" for k in range(n))])
        scope = {"np": np}
        exec(compile(text, f"lines{n}", "exec"), scope)
        return hotloop.jit(scope["f"]).lower(np.ones(4), 1).llvm.count("\n")
    assert lines(32) - lines(16) < 2.5 * (lines(16) - lines(8))


def test_the_longest_function_of_a_gradient_does_not_grow(monkeypatch):
    monkeypatch.undo()

    def longest(n):
        lines = ["def f(x):", "    y = x", *n * ["    y = np.sin(y) * x - (y + 0.5)"]]
        scope = {"np": np}
        exec(compile("\n".join([*lines, "    return y"]), f"longest{n}", "exec"), scope)
        text = hotloop.grad(scope["f"]).lower(0.3).llvm
        return max(function.count("\n") for function in text.split("define "))
    assert longest(200) < 1.3 * longest(100)
