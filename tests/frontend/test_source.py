"""Finding the source of functions: lambdas by position, decorators, places in the user's file."""

import functools
import threading

import numpy as np
import pytest
from agreement import agree, bind, run

from hotloop.errors import SourceError
from hotloop.frontend.trace import trace
from hotloop.ir.core import walk

PAIR = (lambda x: x + 1, lambda x: x * 2)
NESTED = [lambda x, k=k: (lambda y: y - k)(x) for k in (1, 2)]
SPREAD = functools.partial(
    lambda x, y: (x
                  + y),
    y=3.0)


def test_lambdas_of_one_line_are_told_apart():
    x = np.arange(3.0)
    for f in PAIR:
        agree(f, (x,))


def test_lambdas_in_comprehensions():
    for f in NESTED:
        agree(f, (np.arange(3.0), 5), (np.arange(3.0), 0))


def test_lambda_over_several_lines():
    agree(SPREAD.func, (np.arange(3.0), 2.0))


def decorated(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args) + 1
    return inner


@decorated
@decorated
def with_decorators(x):
    if x[0] > 0:
        return x.sum()
    return 0.0


def test_decorators():
    agree(with_decorators, (np.ones(3),), (np.zeros(3),))


def located(x, n):
    s = 0.0
    for i in range(n):
        if x[i] > 1:
            s += (x[i]
                  * 2.0)
    return s


def test_equations_know_their_place():
    program = trace(located, (np.ones(3), 2), {}).program
    first = located.__code__.co_firstlineno
    places = {eqn.op.name: eqn.location for eqn in walk(program)}
    assert places["for"].line == first + 2
    assert places["cond"].line == first + 3
    assert places["mul"].line in (first + 4, first + 5)
    assert all(p.file == __file__ and p.function == "located" for p in places.values())
    assert places["gt"].column == 11


def no_source():
    space = {}
    exec("def f(x): return x * 2 + 1\ndef g(x):\n  if x > 1: return 1\n  return 2", space)
    return space["f"], space["g"]


def test_functions_without_source_are_traced_plainly():
    f, g = no_source()
    agree(f, (np.arange(3.0),))
    agree(g, (2.0,), (1.0,), (2.0,), traces=2)           # each number has its Program
    with pytest.raises(SourceError, match=r"truth value.*the source of g is not known"):
        trace(lambda x: g(x[0]), (np.ones(2),), {})


def test_generators_run_at_trace_time():
    def halves(x):
        for k in range(3):
            yield x[k] * 0.5

    def total(x):
        s = 0.0
        for v in halves(x):
            s += v
        return s
    agree(total, (np.arange(4.0),))


def test_functions_collected():
    names = [f.__name__ for f in trace(calls_two, (np.ones(3),), {}).functions]
    assert names == ["calls_two", "first", "second"]


def first(x):
    return x + 1


def second(x):
    return first(x) * 2


def calls_two(x):
    return first(x) + second(x)


def test_threads_trace_at_the_same_time():
    wrong = []

    def work(k):
        def f(x, n):
            s = 0.0
            for i in range(n):
                s += x[i] * k
            return s
        for _ in range(10):
            got = run(trace(f, (np.ones(4), 3), {}), bind(f, (np.arange(4.0), 3)))
            if got != 3.0 * k:
                wrong.append((k, got))
    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_deep_nest_is_traced_in_linear_time():
    """One trace of a body for each loop; a retrace of each level would be 2**12."""
    lines, name = ["def f(n):", "    s = 0"], "<deep nest>"
    for depth in range(12):
        lines.append("    " * (depth + 1) + f"for i{depth} in range(n):")
    lines += ["    " * 13 + "s += 1", "    return s"]
    import linecache
    text = "\n".join(lines)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = {}
    exec(compile(text, name, "exec"), space)
    traced = trace(space["f"], (1,), {})
    assert sum(1 for _ in walk(traced.program)) < 100
    agree(space["f"], (1,), (0,))


def prints(x, n):
    for i in range(n):
        print("step", i, x[i], f"{x[i]:.2f} {n}", (i, x), sep="|")
    print("done", x, end="!\n")


def test_print(capsys):
    x = np.arange(3.0)
    traced = trace(prints, (x, 2), {})
    prints(x, 2)
    expected = capsys.readouterr().out
    run(traced, bind(prints, (x, 2)))
    assert capsys.readouterr().out == expected != ""
