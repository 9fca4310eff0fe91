"""Parallel loops in machine code: what `loops.interp` gives, whatever the number of threads."""

import harness
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs_gen import random_program
from random_kernels import random_kernel
from test_emit_random import clone, same

from hotloop import config
from hotloop.errors import UnsupportedError
from hotloop.llvm import team, threads
from hotloop.llvm.emit import emit
from hotloop.loops import interp, pipeline
from hotloop.loops.core import For, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.loops.parallel import parallel
from hotloop.loops.text import parse, show
from hotloop.loops.vectorize import vectorize
from hotloop.loops.verify import verify

pytestmark = pytest.mark.skipif(not team.POSSIBLE, reason="loops run in one thread here")


@pytest.fixture(autouse=True, scope="module")
def everything_in_parts():
    before = config.parallel, config.num_threads
    config.parallel = 0
    threads.set_count(3)
    yield
    config.parallel = before[0]
    threads.set_count(before[1])


def bits(x):
    x = np.ascontiguousarray(x)
    return x.dtype, x.shape, x.tobytes()


def parallel_loops(kernel):
    return [s for s in walk(kernel.body) if isinstance(s, For) and s.parallel is not None]


@pytest.mark.parametrize("lanes", [0, 1, 4])
@settings(max_examples=settings.default.max_examples // 3)
@given(seed=st.integers(0, 2**32))
def test_random_kernels(lanes, seed):
    with fresh_table():
        kernel, args = random_kernel(seed, lanes)
        expected_args, found_args = ([clone(x) for x in args] for _ in range(2))
        with np.errstate(all="ignore"):
            expected = interp.run(kernel, expected_args)
        parallel(kernel)
        verify(kernel)
        found = harness.run(kernel, found_args)
        for got, want in zip([*found, *found_args], [*expected, *expected_args], strict=True):
            assert same(got, want), f"{got} instead of {want} of\n{show(kernel)}"


@given(seed=st.integers(0, 2**32))
def test_random_programs(seed):
    """The same bits for 1 and 3 threads, close to the interpreter's."""
    program, args = random_program(seed)
    with fresh_table():
        try:
            kernel = lower(program, [True] * len(program.params))
        except UnsupportedError:
            return
        kernel = pipeline.optimize(kernel)
        if not parallel_loops(kernel) or any(np.iscomplexobj(x) for x in args):
            return
        machine = harness.Machine(kernel)
        seen = []
        for count in (1, 3, 3):
            threads.set_count(count)
            given_ = [clone(x) for x in args]
            try:
                found = machine(*given_)
            except harness.Failed as error:
                seen.append(str(error))
                continue
            seen.append([bits(x) for x in (*found, *given_)])
        assert seen[0] == seen[1] == seen[2], show(kernel)


FIRST = """
kernel f
  x: f64[n] in
  k: i64[n] in
  w: f64[n] inout
  error builtins:IndexError 'index {}'
  body
    alloc t: f64[2]
    for i in 0..n step 1
      carry c: i64 = 7 reduce add
      check lt(k[i], 100), k[i] error 0
      t[0] <- sqrt(x[i])
      t[1] <- mul(x[i], 2.0)
      w[i] <- add(t[0], t[1])
      next c = (c + k[i])
  results c
"""


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("quick", [True, False])
def test_a_loop_of_lanes_comes_first(quick, own):
    text = FIRST.strip() + "\n"
    if not own:
        text = text.replace("    alloc t: f64[2]\n", "").replace(
            "      t[0] <- sqrt(x[i])\n      t[1] <- mul(x[i], 2.0)\n", "").replace(
            "add(t[0], t[1])", "add(sqrt(x[i]), mul(2.0, x[i]))")
    with fresh_table():
        kernel = parallel(vectorize(parse(text)))
        loop, = parallel_loops(kernel)
        assert bool(loop.first) != own and bool(loop.private) == own
        verify(kernel)
        machine = harness.Machine(kernel, quick=quick)
        x, k, w = np.arange(1000.0), np.arange(1000) % 90, np.zeros(1000)
        found, = machine(x, k, w)
        assert found == 7 + k.sum() and (w == np.sqrt(x) + 2 * x).all()
        k[[640, 800]] = [101, 102]
        with pytest.raises(harness.Failed) as caught:
            machine(x, k, w)
        assert caught.value.args[0] == 0 and (w[:640] == np.sqrt(x[:640]) + 2 * x[:640]).all()
        k[-1] = 100
        for n in (0, 1, 7, 100):
            assert machine(x[:n], k[:n], w[:n])[0] == 7 + k[:n].sum()


ROWS = """
kernel f
  a: f64[n, m] in
  body
    alloc r: f64[n, m] result 0
    alloc t: f64[m]
    for i in 0..n step 1
      for j in 0..m step 1 regular lanes 1
        t[j] <- mul(2.0, a[i, j])
      for k in 0..m step 1 regular lanes 1
        carry s: f64 = -0.0 reduce add
        next s = add(s, t[k])
      for l in 0..m step 1 regular lanes 1
        r[i, l] <- div(t[l], s)
  results r
"""


def test_each_part_has_its_own_row():
    a = np.random.default_rng(0).uniform(1, 2, (200, 50))
    with fresh_table():
        kernel = parallel(parse(ROWS.strip() + "\n"))
        loop, = parallel_loops(kernel)
        assert [b.name for b in loop.private] == ["t"]
        verify(kernel)
        for _ in range(20):
            found, = harness.run(kernel, [a])
            np.testing.assert_allclose(found, a / a.sum(axis=1)[:, None])


CHECKED = """
kernel f
  a: i64[n] in
  b: i64[n] inout
  error builtins:IndexError 'index {} at {}'
  error builtins:ValueError 'nothing'
  body
    for i in 0..n step 1
      check lt(a[i], 100), a[i], i error 0
      check ne(a[i], 50) error 1
      b[i] <- mul(a[i], 2)
  results
"""


@pytest.mark.parametrize("places", [[3, 90, 160], [199], [0], [100, 101], []])
@pytest.mark.parametrize("bad", [300, 50])
def test_the_first_failing_iteration_wins(places, bad):
    with fresh_table():
        kernel = parallel(parse(CHECKED.strip() + "\n"))
        assert parallel_loops(kernel)
        machine = harness.Machine(kernel)
        for _ in range(10):
            a = np.arange(200) % 40
            a[places] = bad
            b = np.zeros(200, np.int64)
            if not places:
                machine(a, b)
                assert (b == 2 * a).all()
                continue
            with pytest.raises(harness.Failed) as caught:
                machine(a, b)
            number, operands = caught.value.args
            assert number == (0 if bad == 300 else 1)
            if bad == 300:
                assert list(operands)[:2] == [300, places[0]]
            assert (b[:places[0]] == 2 * a[:places[0]]).all()


SUMS = """
kernel f
  a: {t}[n] in
  body
    for i in 0..n step 1 regular lanes {lanes}
      carry s: {t} = {start} reduce {combine}
      next s = {combine}(s, a[i])
  results s
"""


@pytest.mark.parametrize("lanes", [0, 1, 4])
@pytest.mark.parametrize("combine, dtype, start", [
    ("add", "f64", "-0.0"), ("add", "f32", "1.5:f32"), ("add", "i64", "7"), ("mul", "f64", "1.0"),
    ("maximum", "f64", "-inf"), ("minimum", "i32", "5:i32"), ("add", "i8", "0:i8")])
def test_accumulators(combine, dtype, start, lanes):
    random = np.random.default_rng(1)
    with fresh_table():
        kernel = parallel(parse(SUMS.format(t=dtype, lanes=lanes, combine=combine, start=start)
                                .strip() + "\n"))
        machine = harness.Machine(kernel)
        for n in (0, 1, 4, 5, 6, 63, 1000):
            a = random.uniform(-3, 3, n).astype(
                {"f64": "f8", "f32": "f4", "i64": "i8", "i32": "i4", "i8": "i1"}[dtype])
            seen = set()
            for count in (1, 2, 5):
                threads.set_count(count)
                found, = machine(a)
                seen.add(bits(found))
            assert len(seen) == 1
            want, = interp.run(kernel, [a])
            np.testing.assert_allclose(found, want, rtol=1e-5 if dtype == "f32" else 1e-12)
    threads.set_count(3)


def test_a_sum_of_nothing_but_minus_zeros_is_minus_zero():
    with fresh_table():
        kernel = parallel(parse(SUMS.format(t="f64", lanes=1, combine="add", start="-0.0")
                                .strip() + "\n"))
        found, = harness.run(kernel, [np.full(100, -0.0)])
    assert found == 0 and np.signbit(found)


def test_the_code_of_a_loop_is_there_once():
    with fresh_table():
        text = emit(parallel(parse(ROWS.strip() + "\n"))).text
    assert text.count("fdiv") == 1
