"""Random generators as arguments, attributes, globals, or made inside: NumPy's own streams."""

import numpy as np
import pytest

import hotloop
from hotloop import jit
from hotloop.ops import generators


def state_of(rng):
    return str(getattr(rng, "bit_generator", None) and rng.bit_generator.state
               or rng._bit_generator.state)


def outcome(function, *args):
    try:
        return function(*args)
    except hotloop.errors.HotloopError:
        raise
    except Exception as error:
        return repr(error)


def same(a, b):
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, str) or isinstance(b, str):
        return a == b
    return type(a) is type(b) and np.array_equal(a, b, equal_nan=True) and (
        not isinstance(a, np.ndarray) or a.dtype == b.dtype)


def check(function, *args, kind=np.random.default_rng):
    """Three calls draw what Python draws, and leave the generator in the same state."""
    mine, theirs = kind(5), kind(5)
    jitted = jit(function, cache=False)
    for _ in range(3):
        expected = outcome(function, theirs, *args)
        got = outcome(jitted, mine, *args)
        assert same(got, expected), f"{got!r} instead of {expected!r}"
    assert state_of(mine) == state_of(theirs)
    assert not [k for k in jitted.cache_info().calls if k.startswith("python")]


ONE = {
    "random": (), "standard_normal": (), "standard_exponential": (), "standard_cauchy": (),
    "standard_gamma": (2.0,), "normal": (1.0, 2.0), "uniform": (2.0, 5.0), "exponential": (3.0,),
    "beta": (0.5, 2.0), "gamma": (0.7, 2.0), "chisquare": (2.0,), "f": (2.0, 3.0),
    "gumbel": (), "laplace": (1.0, 2.0), "logistic": (), "lognormal": (), "pareto": (2.0,),
    "power": (2.0,), "rayleigh": (2.0,), "standard_t": (3.0,), "vonmises": (0.1, 2.0),
    "wald": (1.0, 2.0), "weibull": (2.0,), "noncentral_chisquare": (2.0, 1.0),
    "noncentral_f": (2.0, 3.0, 1.0), "triangular": (0.0, 1.0, 2.0), "poisson": (3.5,),
    "geometric": (0.3,), "logseries": (0.3,), "negative_binomial": (3, 0.4), "zipf": (2.0,),
    "binomial": (10, 0.3), "hypergeometric": (5, 6, 3), "integers": (10,)}


@pytest.mark.parametrize("name", ONE)
def test_distributions(name):
    given = "".join(f"{x}, " for x in ONE[name])
    check(eval(f"lambda r: r.{name}({given})"))
    check(eval(f"lambda r, n: (r.{name}({given}size=n), r.{name}({given}))"), 5)
    check(eval(f"lambda r, n: r.{name}({given}size=(2, n))"), 3)


def in_loops(r, n):
    total = 0.0
    for _ in range(n):
        total += r.normal(0.0, 2.0) * r.random()
        if r.random() < 0.3:
            total -= r.integers(0, 5)
    return total


def integers(r, n):
    return (r.integers(0, 7), r.integers(3, 2**40), r.integers(-2**63, 2**63 - 1),
            r.integers(5, endpoint=True), r.integers(4, dtype=np.int32),
            r.integers(0, 5, n, dtype=np.uint8), r.integers(np.array([2, 3, 2**33])))


def floats(r, n):
    return (r.random(n, dtype=np.float32), r.standard_normal(dtype=np.float32),
            r.standard_exponential(3, method="inv"))


def arrays_of_parameters(r, a):
    return r.normal(a, 1.0), r.poisson(a * a), r.binomial(10, 0.5, size=a.shape)


def choices(r, a):
    return (r.choice(a), r.choice(5), r.choice(a, 3), r.choice(5, 2, replace=False),
            r.choice(a, 2, p=np.full(len(a), 1 / len(a))), r.choice(a.reshape(1, -1), 2, axis=1))


def orders(r, a):
    b = a.copy()
    r.shuffle(b)
    return r.permutation(a), r.permutation(6), b, r.permuted(a)


def vectors(r, p):
    return (r.multinomial(10, p), r.multinomial(10, p, size=4), r.dirichlet(p),
            r.multinomial(5, np.stack((p, p))), r.multinomial([[4], [5]], np.stack((p, p))),
            r.multivariate_normal(p, np.eye(3)),
            r.multivariate_hypergeometric(np.array([3, 4, 5]), 6))


def into(r, a):
    r.random(out=a)
    return r.standard_normal(out=a)


def walk(r, n):
    x = np.zeros(n)
    for i in range(1, n):
        x[i] = x[i - 1] + r.choice(np.array([-1, 1]))
    return x


def made_inside(r, seed, n):
    g = np.random.default_rng(seed)
    total = 0.0
    for _ in range(n):
        total += g.normal()
    return total, g.random(n), g.integers(10)


def made_in_a_loop(r, n):
    total = 0.0
    for i in range(n):
        g = np.random.default_rng(i)
        total += g.random() + g.uniform(1, 2)
    return total


def other_bits(r, n):
    g = np.random.Generator(np.random.PCG64(7))
    h = np.random.Generator(np.random.MT19937(3))
    return g.random(n), h.normal(size=n), h.random(), np.random.default_rng(g).random()


ARRAY = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize("function, args", [
    (in_loops, (50,)), (integers, (4,)), (floats, (3,)), (arrays_of_parameters, (ARRAY,)),
    (choices, (ARRAY,)), (orders, (ARRAY,)), (vectors, (ARRAY / 6,)), (into, (np.zeros(4),)),
    (walk, (20,)), (made_inside, (3, 5)), (made_in_a_loop, (5,)), (other_bits, (3,))],
    ids=lambda x: x.__name__ if callable(x) else "")
def test_programs(function, args):
    check(function, *args)


def test_errors():
    for scale in (2.0, 0.0, -0.0, -1.0, np.nan):
        check(lambda r, s: r.normal(0.0, s), scale)
    for low, high in ((5, 3), (3, 5), (0, 0), (-2**63, 2**63 - 1)):
        check(lambda r, a, b: r.integers(a, b), low, high)
    for low, high in ((3.0, 1.0), (1.0, 1.0), (-1e308, 1e308), (0.0, np.nan)):
        check(lambda r, a, b: r.uniform(a, b), low, high)
    for p in (0.0, 0.5, 1.0, 1.5):
        check(lambda r, p: r.geometric(p), p)
    for rate in (0.0, 1e18, 1e20, -1.0):
        check(lambda r, rate: r.poisson(rate), rate)


SEVERAL = """random(n) | random((n, 3)) | random(size=()) | random(n, dtype=np.float32) | random(0)
    normal(1.0, 2.0, n) | normal(np.zeros(n), 1.0) | uniform(-5, 5, (2, n)) | exponential(2.0, n)
    standard_normal(n) | standard_exponential(size=n) | standard_gamma(2.0, n) | gamma(2.0, 1.5, n)
    poisson(3.0, (3, n)) | geometric(0.3, n) | binomial(n, 0.5, n) | vonmises(0.1, 2.0, n)
    integers(10, size=n) | integers(-(1 << 40), 1 << 40, n, endpoint=True) | integers(n, size=())
    integers(3, size=n, dtype=np.int8) | integers(0, 1 << 33, (n, 2)) | integers(5, 5, n)
    normal(0.0, -1.0, n) | normal(0.0, -1.0, 0) | exponential(-1.0, n) | uniform(0, np.inf, n)
    choice(a) | choice(n) | choice(a, n) | choice(n, (2, 3)) | choice(m) | choice(m, 2)
    choice(a, ()) | choice(a, 5, replace=False) | choice(n, n, replace=False, shuffle=False)
    choice(20000, 3, False) | choice(20000, 1000, replace=False) | choice(m, 2, replace=False)
    choice(n, replace=False) | choice(n, n + 1, replace=False) | choice(n - 7) | choice(n - 8, 0)
    choice(a[:0]) | choice(2.5) | choice(a, n, p=a / a.sum()) | permutation(a) | permutation(n)
    permutation(m) | permutation(-n) | choice(a, -1)
    permutation(m, axis=1) | choice(m, 2, axis=1)"""


@pytest.mark.parametrize("given", [x.strip() for x in SEVERAL.replace("\n", "|").split("|")])
def test_several_numbers_choices_and_orders(given):
    function = eval(f"lambda rng, n, a, m: (rng.{given}, rng.random())", {"np": np})
    check(function, 7, np.arange(1.0, 8.0), np.arange(12).reshape(4, 3))


def test_shuffles():
    def shuffled(rng, a, m):
        x, y, z = a.copy(), m.copy(), a[::2].copy()
        rng.shuffle(x)
        rng.shuffle(y)
        rng.shuffle(z[::-1])
        return x, y, z

    check(shuffled, np.arange(30.0), np.arange(12).reshape(4, 3))


def test_many_choices_in_one_function():
    """The generator is no container that leads to everything there is while tracing."""
    def many(rng, a):
        return tuple([rng.choice(a, 3, replace=False).sum() for _ in range(12)])

    check(many, np.arange(9.0))


def test_integers_of_random_state():
    """Bits are drawn until they are few enough: not as Generator.integers does it."""
    def draws(rs, lows, highs):
        found = np.zeros((len(lows), 5))
        for k in range(len(lows)):
            found[k] = (rs.randint(lows[k], highs[k]), rs.randint(7), rs.rand(),
                        rs.randint(0, 1 << 32), rs.randint((1 << 32) - 1))
        return found, rs.randint(-(1 << 62), 1 << 62), rs.randint(5, dtype=np.int64)

    lows, highs = np.array([0, -5, 3, 10, -1000, 0]), np.array([1, 5, 4, 2000, 12345678, 1 << 40])
    check(draws, lows, highs, kind=np.random.RandomState)
    check(draws, lows, lows, kind=np.random.RandomState)        # low >= high


def test_random_state():
    def draws(r, n):
        a = np.arange(5.0)
        r.shuffle(a)
        return (r.rand(), r.rand(n, 2), r.randn(n), r.randn(), r.randint(10), r.randint(3, 9, n),
                r.normal(), r.standard_normal(2), r.uniform(-1, 1), r.choice(3), a,
                r.binomial(5, 0.5), r.exponential(2.0), r.random_sample(), r.tomaxint(),
                r.standard_gamma(2.0), r.permutation(4), r.randint(5, dtype=np.int32))

    def seeded(r):
        r.seed(3)
        return r.rand()

    def made(r, n):
        g = np.random.RandomState(42)
        return g.rand(n), g.randn(), g.randint(0, 10), g.choice(5, 2)

    check(draws, 3, kind=np.random.RandomState)
    check(seeded, kind=np.random.RandomState)
    check(made, 3)


class Model:
    def __init__(self, seed):
        self.rng, self.k = np.random.default_rng(seed), 2.0

    def step(self, x):
        return x + self.k * self.rng.normal()


def test_attributes():
    mine, theirs = Model(1), Model(1)
    step = jit(Model.step)
    assert [step(mine, 1.0) for _ in range(4)] == [theirs.step(1.0) for _ in range(4)]


RNG = np.random.default_rng(9)


def test_globals_and_closures():
    rng = np.random.default_rng(4)
    f = jit(lambda n: (RNG.random(n), rng.normal()))
    twin, other = np.random.default_rng(9), np.random.default_rng(4)
    for n in (2, 3, 2):
        assert same(f(n), (twin.random(n), other.normal()))


def test_every_bit_generator():
    for kind in generators.BIT_GENERATORS:
        check(in_loops, 20, kind=lambda s, k=kind: np.random.Generator(getattr(np.random, k)(s)))


def test_without_numpys_functions(monkeypatch):
    monkeypatch.setattr(generators, "address", lambda name: None)
    check(in_loops, 20)


def test_one_generator_twice_keeps_its_order():
    def draws(a, b):
        return a.random(), b.random(), a.random()

    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    assert jit(draws)(rng, rng) == draws(twin, twin)


def test_draws_are_not_dropped_or_shared():
    def draws(r):
        r.random()
        r.normal()
        return r.random() - r.random()

    check(draws)


def test_other_attributes_are_refused():
    with pytest.raises(hotloop.errors.UnsupportedError, match="spawn"):
        jit(lambda r: r.spawn(2))(np.random.default_rng(1))
