"""Which loops may run in parts, and what each part has for itself."""

import pytest

from hotloop import config
from hotloop.loops.core import Alloc, For, walk
from hotloop.loops.expr import fresh_table, lit, substitute, var
from hotloop.loops.parallel import parallel
from hotloop.loops.reuse import reuse
from hotloop.loops.text import parse, show
from hotloop.loops.verify import verify

HEAD = """kernel f
  a: f64[n, m] in
  x: f64[n] in
  k: i64[n] in
  w: f64[n] inout
  v: f64[n, m] inout
  p1: f64
  p2: i64
  error builtins:ValueError 'negative'
  body
    alloc t: f64[m]
    alloc q: f64[n]
"""


@pytest.fixture(autouse=True)
def table():
    with fresh_table():
        yield


def marked(body, results="results"):
    """The variables of the loops that the pass marks, and the kernel."""
    lines = [f"    {line}" for line in body.strip("\n").splitlines()]
    kernel = parse(HEAD + "\n".join(lines) + f"\n  {results}\n")
    verify(kernel)
    parallel(kernel)
    verify(kernel)
    parse(show(kernel))
    loops = [s for s in walk(kernel.body) if isinstance(s, For)]
    return [loop.var for loop in loops if loop.parallel is not None], kernel


@pytest.mark.parametrize("body", [
    "w[i] <- x[i]",
    "w[i] <- add(w[i], 1.0)",
    "v[i, 3] <- x[i]",
    "if lt(x[i], 0.0)\n  w[i] <- 0.0",
    "w[(-1*i + n + -1)] <- x[i]",
    "for j in 0..i step 1\n  v[i, j] <- a[i, j]",
    "for j in 0..p2 step 1\n  carry s: f64 = 0.0\n  w[i] <- s\n  next s = add(s, a[i, j])",
    "alloc u: f64[m]\nfor j in 0..m step 1\n  u[j] <- x[i]\nw[i] <- u[0]",
    "w[(2*i)] <- w[(2*i + 1)]",
    "for j in 0..p2 step 1\n  w[(mul(i, p2) + j)] <- x[i]",
    "t1 = mul(i, p2)\nfor j in 0..p2 step 1\n  t2 = (t1 + j)\n  w[t2] <- x[i]",
    "for j in 0..p2 step 1 lanes 1 stop p3\n  check ge(x[j], 0.0) error 0\n"
    "  w[(mul(i, p2) + j)] <- x[i]\nfor j2 in p3..p2 step 1\n  w[(mul(i, p2) + j2)] <- x[i]",
    "for j in 1..p2 step 1\n  w[(mul(i, p2) + j)] <- w[(mul(i, p2) + j + -1)]",
])
def test_independent(body):
    inner = "\n".join("  " + line for line in body.splitlines())
    assert marked(f"for i in 0..n step 1\n{inner}")[0] == ["i"]


@pytest.mark.parametrize("body", [
    "w[i] <- w[(i + -1)]",
    "w[i] <- w[(i + 1)]",
    "w[0] <- x[i]",
    "w[k[i]] <- x[i]",
    "w[i] <- w[k[i]]",
    "for j in 0..n step 1\n  w[(mul(i, p2) + j)] <- x[i]",
    "for j in 0..p2 step 1\n  w[(mul(i, p2) + j)] <- w[(mul(i, p2) + j + -1)]",
    "for j in 0..p2 step 1\n  w[(mul(i, p2) + j)] <- w[(mul(i, p2) + j + 1)]",
    "for j in 0..p2 step 1\n  w[mul(i, p2)] <- w[j]",
    "w[maximum(mul(i, p2), 0)] <- x[i]\nfor j in 0..p2 step 1\n  w[(mul(i, p2) + j)] <- x[i]",
    "t[0] <- x[i]\nw[i] <- t[1]",
    "w[i] <- t[0]\nt[0] <- x[i]",
    "if lt(x[i], 0.0)\n  t[0] <- 1.0\nw[i] <- t[0]",
])
def test_dependent(body):
    inner = "\n".join("  " + line for line in body.splitlines())
    assert "i" not in marked(f"for i in 0..n step 1\n{inner}")[0]


def test_a_serial_loop_around():
    found, _ = marked("""
for s in 0..p2 step 1
  for i in 0..n step 1
    w[i] <- add(w[i], x[i])
""")
    assert found == ["i"]


def test_loops_of_few_iterations_are_looked_into():
    found, _ = marked("""
for s in 0..3 step 1
  for j in 0..m step 1
    v[s, j] <- a[s, j]
""")
    assert found == ["j"]


FILLED = """
for i in 0..n step 1
  for j in 0..m step 1
    t[j] <- mul(2.0, a[i, j])
  for j2 in 0..m step 1
    v[i, j2] <- t[(-1*j2 + m + -1)]
"""


def private(body):
    _, kernel = marked(body)
    return [b.name for s in walk(kernel.body) if isinstance(s, For) for b in s.private]


def test_a_filled_temporary_is_private():
    assert private(FILLED) == ["t"]
    assert private(FILLED.replace("t[j] <- ", "q[i] <- ")) == []
    assert private("for i in 0..n step 1\n  alloc u: f64[2]\n  u[0] <- x[i]\n  w[i] <- u[0]") == []
    assert private(FILLED.replace("for j in 0..m", "for j in 1..m")) == []
    assert private(FILLED.replace("t[j] <- mul(2.0, a[i, j])",
                                  "if lt(x[i], 0.0)\n      t[j] <- 1.0")) == []
    assert private(FILLED.replace("2.0, a[i, j]", "2.0, t[0]")) == []
    assert private(FILLED.replace("  for j in 0..m step 1\n    t", "  for j0 in 0..p2 step 1\n"
                                  "    for j in 0..m step 1\n      t")) == []
    assert private(FILLED + "w[0] <- t[0]") == []
    assert private("t[0] <- 1.0\n" + FILLED.lstrip("\n")) == []


def test_memory_of_a_part_is_no_other_threads():
    """A temporary of an iteration does not take the memory of one that is dead by then."""
    _, kernel = marked("""
for j in 0..m step 1
  t[j] <- a[0, j]
for j1 in 0..m step 1
  v[0, j1] <- t[(-1*j1 + m + -1)]
for i in 1..n step 1
  alloc u: f64[m]
  for j2 in 0..m step 1
    u[j2] <- a[i, j2]
  for j3 in 0..m step 1
    v[i, j3] <- u[(-1*j3 + m + -1)]
""")
    loop = kernel.body[-1]
    time, loop.parallel = loop.parallel, None
    for alone in (True, False):
        reuse(kernel)
        verify(kernel)
        over = [s.over for s in walk(kernel.body) if isinstance(s, Alloc) and s.buffer.name == "u"]
        assert (over != [None]) == alone
        for s in walk(kernel.body):
            if isinstance(s, Alloc):
                s.over = None
        loop.parallel = time


@pytest.mark.parametrize("strides, apart", [
    ((80, 8), True), ((8, 40), True), ((-160, 16), True), ((-80, 16), False), ((8, 8), False),
    ((0, 8), False), ((80, 0), False), ((4, 80), False), ((72, 8), False)])
def test_elements_that_lie_upon_one_another(strides, apart):
    """Arrays of 5 x 10 doubles."""
    kernel = parallel(parse("""kernel f
  s: f64[n, m] inout strides (s1, s2)
  body
    for i in 0..n step 1
      for j in 0..m step 1
        s[i, j] <- add(s[i, j], 1.0)
  results
"""))
    verify(kernel)
    loop, = (s for s in kernel.body if isinstance(s, For))
    names = dict(zip(("n", "m", "s1", "s2"), (5, 10, *strides), strict=True))
    time = substitute(loop.parallel, {var(n): lit(x) for n, x in names.items()})
    assert (float(time.args[0]) > 0) == apart


def test_the_switch():
    before = config.parallel
    config.parallel = -1
    try:
        assert marked("for i in 0..n step 1\n  w[i] <- x[i]")[0] == []
    finally:
        config.parallel = before


def test_what_is_known_to_be_short_stays_as_it_is():
    assert marked("for i in 0..100 step 1\n  w[i] <- x[i]")[0] == []
    assert marked("for i in 0..10000000 step 1\n  w[i] <- x[i]")[0] == ["i"]


def test_functions_have_their_own_turn():
    """Each is optimized by itself: passes before this one are still to come for the others."""
    called = parse(HEAD + "    for i in 0..n step 1\n      w[i] <- x[i]\n  results\n")
    kernel = parse(HEAD + "  results\n")
    kernel.functions.append(called)
    parallel(kernel)
    assert [s.parallel for s in called.body if isinstance(s, For)] == [None]
