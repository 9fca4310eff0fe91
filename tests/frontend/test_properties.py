"""Random slices, indices, integers and axes through one Program each, against NumPy and Python."""

import functools
import operator

import numpy as np
import pytest
from agreement import bind, outcome, run, same
from hypothesis import example, given
from hypothesis import strategies as st

from hotloop.frontend.trace import trace


@functools.cache
def traced(f, ranks):
    """The Program of f, traced for arrays of size 7 (per axis) and ints."""
    args = tuple(np.ones((7,) * r) if r else 3 for r in ranks)
    return trace(f, args, {})


def compare(f, ranks, *args):
    """Python and the Program on the same arguments; both may raise the same error."""
    ours = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in args)
    theirs = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in args)
    expected = outcome(lambda: f(*theirs))
    got = outcome(lambda: run(traced(f, ranks), bind(f, ours)))
    if isinstance(expected, Exception) or isinstance(got, Exception):
        assert type(got) is type(expected), (expected, got)
        return
    assert not same(expected, got), same(expected, got)
    assert not same(list(theirs), list(ours)), same(list(theirs), list(ours))


def slice_of(x, a, b):
    return x[a:b], x[a:], x[:b], x[-a:], x[:-b], x[a:][:b], x[a:b][::-1]


def steps(x, a, b):
    return (x[a:b:2], x[a:b:3], x[a:b:-1], x[a::-2], x[:b:-3], x[::-1][a:b], x[::2][a:b],
            x[a:b:2][1:], x[5:a:-1], x[1:-1][a:b])


def slice_stores(x, a, b):
    x[a:b] = -1.0
    x[a:] += 1.0
    x[::-1][:b] *= 2.0
    x[b:a:-2] = 7.0
    return x.sum()


def known_slices(x):
    return (x[1:-1], x[2:], x[:-2], x[-3:], x[:3], x[-3:-1], x[5:2], x[::2], x[1::3], x[::-1],
            x[-1:0:-1], x[3::-1], x[:-4:-1], x[100:], x[:-100], x[-100:3], x[1:-1] + x[2:])


ints = st.integers(-10, 10)
sizes = st.sampled_from([0, 2, 3, 7, 10])


@pytest.mark.parametrize("f", [slice_of, steps, slice_stores], ids=lambda f: f.__name__)
@given(n=sizes, a=ints, b=ints)
@example(n=7, a=0, b=0)
def test_slices(f, n, a, b):
    compare(f, (1, 0, 0), np.arange(float(n)), a, b)


@given(n=sizes)
def test_known_slices(n):
    x = np.arange(float(n))
    ours = outcome(lambda: run(traced(known_slices, (1,)), bind(known_slices, (x,))))
    assert not same(outcome(lambda: known_slices(x)), ours)


def scalars(x, i, j):
    y = x[i, j]
    x[i, j] = 2.0
    x[i] += 1.0
    x[:, j] *= 3.0
    return y, x[i][j], x[-1, -i - 1]


@given(n=sizes, m=sizes, i=ints, j=ints)
def test_scalar_indices(n, m, i, j):
    x = np.arange(float(n * m)).reshape(n, m)
    ours, theirs = x.copy(), x.copy()
    # the two dimensions may differ: a Program of its own
    t = trace(scalars, (x.copy(), 1, 2), {})
    expected = outcome(lambda: scalars(theirs, i, j))
    got = outcome(lambda: run(t, bind(scalars, (ours, i, j))))
    if isinstance(expected, Exception):
        assert type(got) is type(expected)
    else:
        assert not same(expected, got) and not same(theirs, ours)


INT_OPERATORS = [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod,
                 operator.truediv, operator.and_, operator.or_, operator.xor, operator.lt,
                 operator.le, operator.eq, operator.ne, operator.gt, operator.ge,
                 operator.lshift, operator.rshift]
EDGES = [0, 1, -1, 2, -2, 3, 7, 62, 63, 64, 2**31, 2**53 + 1, 2**62, 2**63 - 1, -2**63, -2**62]
wide = st.one_of(st.sampled_from(EDGES), st.integers(-2**63, 2**63 - 1), st.integers(-100, 100))


def _operation(op):
    symbol = {"and_": "&", "or_": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "add": "+",
              "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "truediv": "/", "lt": "<",
              "le": "<=", "eq": "==", "ne": "!=", "gt": ">", "ge": ">="}[op.__name__]
    return eval(f"lambda a, b: a {symbol} b")


@functools.cache
def int_program(op):
    return trace(_operation(op), (3, 5), {})


@given(a=wide, b=wide)
def test_ints(a, b):
    for op in INT_OPERATORS:
        small = b if op not in (operator.lshift, operator.rshift) else b % 70 - 3
        expected = outcome(lambda op=op, small=small: op(a, small))
        got = outcome(lambda op=op, small=small: run(int_program(op), {"a": a, "b": small}))
        if type(expected) is int and not -2**63 <= expected < 2**63:
            assert isinstance(got, OverflowError), (op, a, small, got)
        elif isinstance(expected, Exception):
            assert type(got) is type(expected) and str(got) == str(expected), (op, a, small)
        elif op is operator.truediv and max(abs(a), abs(small)) > 2**53:
            assert abs(got - expected) <= abs(expected) * 2**-51
        else:
            assert type(got) is type(expected) and got == expected, (op, a, small, got)


@given(a=wide, b=st.floats())
def test_int_with_float(a, b):
    for op in (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge):
        for p, q in ((a, b), (b, a)):
            program = mixed_program(op, type(p) is int)
            assert run(program, {"a": p, "b": q}) is op(p, q), (op, p, q)


@functools.cache
def mixed_program(op, int_first):
    return trace(_operation(op), (3, 2.5) if int_first else (2.5, 3), {})


@given(a=st.integers(-20, 20), n=st.integers(0, 70))
def test_int_powers(a, n):
    def power(a, n):
        return a ** n
    expected = a ** n
    got = outcome(lambda: run(power_program(), {"a": a, "b": n}))
    if -2**63 <= expected < 2**63:
        assert got == expected and type(got) is int
    else:
        assert isinstance(got, OverflowError)


@functools.cache
def power_program():
    return trace(lambda a, b: a ** b, (3, 5), {})


INDEX_PARTS = st.sampled_from([
    "0", "-1", "k", "-k - 1", ":", "1:", "k:", "::-1", "::2", "None", "...", "v", "w", "m", "1:k"])


@st.composite
def indices(draw):
    """The text of an index into a (5, 5, 5) array with at most one Ellipsis and three axes."""
    parts = draw(st.lists(INDEX_PARTS, min_size=1, max_size=4))
    if sum(p not in ("None", "...") for p in parts) > 3 or parts.count("...") > 1:
        parts = parts[:1]
    return ", ".join(parts)


@given(index=indices(), k=st.integers(0, 4), store=st.booleans())
@example(index="v, :, w", k=1, store=True)
@example(index="0, :, v", k=1, store=False)
@example(index="v, None, 0", k=2, store=False)
def test_indexing(tmp_path_factory, index, k, store):
    """`x[index]` and `x[index] = ...` as NumPy does them, whatever is combined."""
    body = f"    x[{index}] = 7.0\n    return x" if store else f"    return x[{index}]"
    f = from_source(tmp_path_factory, f"def f(x, k, v, w, m):\n{body}\n")
    x = np.arange(125.0).reshape(5, 5, 5)
    v, w = np.array([0, 3, -1]), np.array([2, 2, 1])
    m = np.array([True, False, True, True, False])
    theirs, ours = x.copy(), x.copy()
    expected = outcome(lambda: f(theirs, k, v, w, m))
    if isinstance(expected, Exception):
        got = outcome(lambda: run_traced(f, (ours, k, v, w, m)))
        assert type(got) is type(expected), (expected, got)
        return
    got = run_traced(f, (ours, k, v, w, m))
    assert not same(np.asarray(expected), np.asarray(got)), index
    assert not same(theirs, ours), index


def run_traced(f, args):
    return run(trace(f, args, {}), bind(f, args))


def from_source(tmp_path_factory, text, _made=None):
    """A function that has a source file."""
    path = tmp_path_factory.mktemp("source") / "made.py"
    path.write_text(text)
    space = {}
    exec(compile(text, str(path), "exec"), space)
    return space["f"]
