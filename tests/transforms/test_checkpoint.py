"""`checkpoint`: the same derivatives, less saved, more computed."""

import counting
import numpy as np
import pytest
from counting import work

import hotloop
from hotloop.ir.verify import verify


def chain(mark):
    """16 steps of a recurrence in 4 segments, each of which is `mark`ed."""
    def f(x):
        def segment(h):
            for k in range(4):
                h = np.tanh(h * 1.1 + x * (k + 1.0))
            return h
        segment = mark(segment)
        h = x * 0.0
        for _ in range(4):
            h = segment(h)
        return np.sum(h * h)
    return f


def branching(mark):
    """Checkpoints in a branch, around a loop that ends early, and of an array changed inside."""
    def f(x):
        def inner(v, k):
            y = v.copy()
            for i in range(len(y)):
                y[i] = np.sin(y[i] * v[k])
                if y[i] > 0.7:
                    break
            return y
        inner = mark(inner)
        s = 0.0
        for k in range(len(x)):
            if x[k] > 0.0:
                s += np.sum(inner(x, k)) * x[0]
            else:
                s -= np.exp(x[k])
        return s
    return f


def nested(mark):
    def f(x):
        def small(v):
            return np.exp(np.sin(v) * v)

        small = mark(small)

        def large(v):
            for _ in range(3):
                v = small(v) * 0.1 + x
            return v
        large = mark(large)
        return np.sum(large(large(x)))
    return f


@pytest.mark.parametrize("make", [chain, branching, nested])
def test_derivatives_are_the_same(make):
    x = np.linspace(-0.9, 1.1, 5)
    marked, plain = make(hotloop.checkpoint), make(lambda f: f)
    np.testing.assert_allclose(marked(x), plain(x), rtol=1e-14)
    np.testing.assert_allclose(hotloop.grad(marked)(x), hotloop.grad(plain)(x), rtol=1e-12)
    np.testing.assert_allclose(hotloop.jvp(marked, (x,), (x,)), hotloop.jvp(plain, (x,), (x,)),
                               rtol=1e-12)
    np.testing.assert_allclose(hotloop.hessian(marked)(x), hotloop.hessian(plain)(x), rtol=1e-10,
                               atol=1e-12)


def program_of(function, x):
    program = hotloop.make_jaxpr(hotloop.grad(function))(x).program
    verify(program)
    return program


def test_a_segment_saves_its_argument_only():
    x = np.linspace(0.1, 1.0, 8)
    marked, plain = (work(program_of(chain(mark), x), [x])
                     for mark in (hotloop.checkpoint, lambda f: f))
    assert plain["store"] >= 16 * 8                  # each step
    assert marked["store"] <= (4 + 4) * 8            # each segment, and the steps of one
    assert plain["float"] < marked["float"] < 1.7 * plain["float"]


def test_draws_that_would_be_repeated_are_refused():
    def f(x, rng):
        s = 0.0
        while s < 5.0:
            s += abs(x * rng.normal())
        return s
    with pytest.raises(hotloop.errors.UnsupportedError, match="runs this again"):
        hotloop.grad(f)(2.0, np.random.default_rng(3))


def test_draws_in_a_checkpoint_are_refused():
    def f(x, rng):
        return np.sum(hotloop.checkpoint(lambda v: np.sin(v * rng.normal()))(x))
    with pytest.raises(hotloop.errors.UnsupportedError, match="runs this again"):
        hotloop.grad(f)(np.ones(3), np.random.default_rng(3))


# ---- schedules of loops

def steps(x, n):
    y = x * 1.0
    total = 0.0
    for k in range(3, n):
        y = np.sin(y * 1.1 + x) * 0.9
        total += y[0] * y[1] * k
    return total + np.sum(y)


def backwards(x, n):
    """Steps of -2, two loops, a loop inside, an array changed in place, a while."""
    y = x.copy()
    for k in range(2 * n, 2, -2):
        for j in range(1, len(y)):
            y[j] += 0.1 * np.sin(y[j - 1] * k)
    s = 1.0
    for k in range(n):
        s = np.cos(s * y[1] + k)
    s = 1.0 + s * s
    while s < 3.0:
        s = s * 1.5 + y[0] * y[0]
    return s


@pytest.mark.parametrize("function", [steps, backwards])
@pytest.mark.parametrize("options", [{"schedule": "sqrt"}, {"schedule": 3}, *(
    {"schedule": "binomial", "slots": s} for s in (1, 2, 7))], ids=str)
def test_schedules(function, options):
    x = np.array([0.3, 0.7, -0.2])
    marked = hotloop.checkpoint(function, **options)
    for n in (0, 3, 4, 11, 50):
        np.testing.assert_allclose(marked(x, n), function(x, n), rtol=1e-14)
        np.testing.assert_allclose(hotloop.grad(marked)(x, n), hotloop.grad(function)(x, n),
                                   rtol=1e-11, atol=1e-14)


def test_a_schedule_twice_differentiated():
    x, marked = np.array([0.3, 0.7, -0.2]), hotloop.checkpoint(steps, schedule="sqrt")
    np.testing.assert_allclose(hotloop.hessian(marked)(x, 8), hotloop.hessian(steps)(x, 8),
                               rtol=1e-10, atol=1e-12)


def memory(program, args):
    """Elements of the largest array that is made at each place of the Program, summed: how many
    there are in memory at a time, at most."""
    largest = {}

    def saw(counted, eqn, ins, results):
        if eqn.op.name == "broadcast":
            key = eqn.outs[0]
            largest[key] = max(largest.get(key, 0), sum(int(np.size(r)) for r in results))
    plain, counting.count = counting.count, saw
    try:
        work(program, args)
    finally:
        counting.count = plain
    return sum(largest.values())


def test_schedules_save_few_states():
    x = np.array([0.3, 0.7, -0.2])

    def used(schedule, n):
        marked = steps if schedule is None else hotloop.checkpoint(steps, schedule=schedule)
        program = hotloop.make_jaxpr(hotloop.grad(marked))(x, n).program
        return memory(program, [x, np.int64(n)])
    everything, root, third = (used(s, 216) for s in (None, "sqrt", 3))
    assert everything > 3 * 216
    assert root < 15 * 15 and third < 25 * 6
    assert used("sqrt", 900) < 2.2 * root
    assert used(3, 1728) < 2.3 * third


@pytest.mark.parametrize("schedule", ["root", 0, 9, 1.5])
def test_other_schedules_are_refused(schedule):
    with pytest.raises(ValueError, match="schedule is"):
        hotloop.checkpoint(steps, schedule=schedule)


# ---- the binomial schedule

def sweeps(n, slots):
    """The least number of trips to be advanced, by trying all places for each state."""
    least = {(1, s): 0 for s in range(1, slots + 1)}
    for length in range(2, n + 1):
        least[length, 1] = length * (length - 1) // 2
        for s in range(2, slots + 1):
            least[length, s] = min(m + least[length - m, s - 1] + least[m, s]
                                   for m in range(1, length))
    return least[n, slots]


def sines(x, n):
    y = x
    for _ in range(n):
        y = np.sin(y)
    return np.sum(y)


@pytest.mark.parametrize("slots", [1, 2, 3, 5, 40])
def test_the_binomial_schedule_advances_as_few_trips_as_can_be(slots):
    x = np.array([0.3, 0.7])
    marked = hotloop.checkpoint(sines, schedule="binomial", slots=slots)
    program = hotloop.make_jaxpr(hotloop.grad(marked))(x, 5).program
    computed = []
    plain = counting.count

    def saw(counted, eqn, ins, results):
        computed.extend([1] * (eqn.op.name == "sin"))
    for n in (1, 2, 3, 7, 20, 33):
        computed.clear()
        counting.count = saw
        try:
            work(program, [x, np.int64(n)])
        finally:
            counting.count = plain
        # the function itself is the first sweep, one trip longer
        assert len(computed) == n + sweeps(n, slots) - (n - 1)


def test_the_binomial_schedule_saves_that_many_states():
    x = np.linspace(0.1, 0.9, 50)

    def used(n, slots):
        marked = hotloop.checkpoint(sines, schedule="binomial", slots=slots)
        program = hotloop.make_jaxpr(hotloop.grad(marked))(x, n).program
        return memory(program, [x, np.int64(n)])
    for slots in (2, 5, 9):
        assert slots * 50 <= used(200, slots) <= (slots + 1) * 51 + 4 * 50
        assert used(200, slots) == used(37, slots)
    assert used(3, 9) < used(37, 9)             # never more than there are trips


@pytest.mark.parametrize("options", [{"schedule": "binomial"}, {"schedule": "sqrt", "slots": 3},
                                     {"schedule": "binomial", "slots": 0}, {"slots": 4}])
def test_slots_belong_to_the_binomial_schedule(options):
    with pytest.raises(ValueError, match="slots"):
        hotloop.checkpoint(steps, **options)


def test_forward_mode_and_second_derivatives_of_the_binomial_schedule():
    x = np.array([0.3, 0.7, -0.2])
    marked = hotloop.checkpoint(steps, schedule="binomial", slots=3)
    want = hotloop.hessian(steps)(x, 8)
    for second in (hotloop.hessian(marked), hotloop.jacrev(hotloop.grad(marked))):
        np.testing.assert_allclose(second(x, 8), want, rtol=1e-10, atol=1e-12)
    _, pushforward = hotloop.linearize(lambda x: marked(x, 9), x)
    np.testing.assert_allclose(pushforward(x), hotloop.jvp(lambda x: steps(x, 9), (x,), (x,))[1],
                               rtol=1e-12)


def test_the_binomial_schedule_in_lanes_and_loops():
    def nested(x):
        total = 0.0
        for k in range(3):
            total += hotloop.checkpoint(backwards, schedule="binomial", slots=2)(x * k, 4 + k)
        return total

    def plain(x):
        return sum([backwards(x * k, 4 + k) for k in range(3)])
    x = np.array([[0.3, 0.7, -0.2], [0.1, 0.9, 0.4]])
    want = [hotloop.grad(plain)(row) for row in x]
    np.testing.assert_allclose(hotloop.vmap(hotloop.grad(nested))(x), want, rtol=1e-11)
