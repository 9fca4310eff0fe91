"""NumPy's floating-point warnings and errors: the same ones, at the same lines, as Python gives."""

import warnings

import numpy as np
import pytest

import hotloop
from hotloop import jit


def heard(function, args, action, calls=3):
    """What each of some calls warns of or raises."""
    found = []
    for _ in range(calls):
        given = [x.copy() if isinstance(x, np.ndarray) else x for x in args]
        with warnings.catch_warnings(record=True) as log:
            warnings.simplefilter(action)
            try:
                function(*given)
                error = None
            except hotloop.errors.HotloopError:
                raise
            except Exception as raised:
                error = repr(raised)
        found.append((error, [(w.category, str(w.message), w.filename, w.lineno) for w in log]))
    return found


def check(function, *args, compiled=True):
    jitted = jit(function, cache=False)
    for action in ("always", "error"):
        assert heard(jitted, args, action) == heard(function, args, action)
    calls = jitted.cache_info().calls
    assert not compiled or not any(k.startswith("python") for k in calls)


# ---- ufuncs

UNARY = ("sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "tan", "arcsin",
         "arccos", "sinh", "cosh", "tanh", "arccosh", "arctanh", "absolute", "square",
         "reciprocal", "cbrt", "floor", "sign")
BINARY = ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "fmod", "power",
          "hypot", "arctan2", "maximum", "fmin", "logaddexp", "heaviside")


def values(dtype):
    largest = np.finfo(dtype).max
    return np.array([0, -0.0, 1, -1, -2, 1000, largest, -largest, np.inf, -np.inf, np.nan], dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, dtype):
    function = eval(f"lambda x: np.{name}(x)")
    jitted = jit(function, cache=False)
    for value in values(dtype):
        for size in 3, 64:                           # whole vectors have no lanes left over
            args = [np.full(size, value)]
            assert heard(jitted, args, "always", 1) == heard(function, args, "always", 1), value


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    function = eval(f"lambda x, y: np.{name}(x, y)")
    jitted = jit(function, cache=False)
    for a in values("f8"):
        for b in values("f8"):
            args = np.array([a, a]), np.array([b, b])
            assert heard(jitted, args, "always", 1) == heard(function, args, "always", 1), (a, b)


# ---- programs

ZEROS, ONES, LARGE, NANS = np.zeros(3), np.ones(3), np.full(3, 1e308), np.full((2, 3), np.nan)
INTS = np.array([1, 0, 2])


def scalars(a):
    x = a[0]
    return (x * x, x + x, 1 / (x - x), np.sqrt(-x), np.log(x - x), x**5)


def loop(a):
    total = 0.0
    for x in a:
        total += 1 / x
    return total


def branch_avoids(a, b):
    out = np.zeros(len(a))
    for i in range(len(a)):
        if b[i] != 0:
            out[i] = a[i] / b[i]
        else:
            out[i] = -1
    return out


def branch_divides(a, b):
    out = np.zeros(len(a))
    for i in range(len(a)):
        if b[i] == 0:
            out[i] = a[i] / b[i]
    return out


def chosen_afterwards(a, b):
    return np.where(b != 0, a / b, 0)


def chosen_before(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def two_lines(a):
    b = np.exp(a)
    c = b / b
    return c


def helper(x):
    return np.log(x)


def through_helper(a):
    y = helper(a)
    return y * 2


def diverges(n):
    x = np.float64(2.0)
    for _ in range(n):
        x = x * x
    return x


def python_numbers(x, y):
    return x * y, x / (y + 1)


def ints_by_zero(a, b):
    return a // b, a % b, np.divmod(a, b), np.fmod(a, b)


def int_numbers_by_zero(a, b):
    total = 0
    for k in range(len(a)):
        total += a[k] // b[k]
    return total


def all_nan(a):
    return np.nanmean(a), np.nanmax(a), np.nanmin(a, axis=0), np.nanstd(a)


def called_back(a):
    return np.nanmedian(a)


def empty(a):
    return np.mean(a[:0]), np.var(a, ddof=3)


def casts(a):
    return a.astype(np.int32), a.astype(np.float32), a.astype(np.int64)


def discards(a):
    b = a.astype(np.float64)
    return b


def stores_complex(a, c):
    a[...] = c


def reductions(a):
    return a.sum(), np.prod(a), np.cumsum(a), np.cumprod(a), a @ a, a.mean(), a.std()


def softmax(a):
    e = np.exp(a)
    return e / e.sum()


def complexes(z):
    return z / (z - z), z * z, np.exp(z)


def in_place(a, b):
    a /= b


def in_place_loop(a, b):
    for i in range(len(a)):
        a[i] = a[i] / b[i]


def in_place_twice(a):
    a *= a
    a -= a
    return a.sum()


def stencil(a):
    for _ in range(3):
        a[1:-1] = a[:-2] * a[2:]


@pytest.mark.parametrize("function, args", [
    (scalars, (LARGE,)), (scalars, (ONES,)), (loop, (ZEROS,)), (loop, (ONES,)),
    (branch_avoids, (ONES, ZEROS)), (branch_divides, (ONES, ZEROS)),
    (chosen_afterwards, (ONES, ZEROS)), (chosen_before, (ONES, ZEROS)),
    (two_lines, (np.full(3, 1e3),)), (through_helper, (ZEROS,)), (diverges, (20,)),
    (python_numbers, (1e308, 1e308)), (ints_by_zero, (INTS, INTS)),
    (int_numbers_by_zero, (INTS, INTS)), (all_nan, (NANS,)), (called_back, (NANS,)),
    (empty, (ONES,)), (casts, (LARGE,)),
    (casts, (NANS,)), (casts, (ONES,)), (discards, (ONES + 1j,)),
    (stores_complex, (ZEROS, ONES + 1j)), (reductions, (LARGE,)),
    (reductions, (np.array([np.inf, -np.inf]),)), (softmax, (np.full(3, 1e3),)),
    (complexes, (LARGE + 1e308j,)), (in_place, (ONES, ZEROS)), (in_place_loop, (ONES, ZEROS)),
    (in_place_twice, (LARGE,)), (stencil, (np.full(9, 1e200),))],
    ids=lambda x: x.__name__ if callable(x) else "")
def test_programs(function, args):
    check(function, *args)


# ---- the error state

def divides(a, b):
    return a / b


def ignores(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        c = a / b
    return c - c


def raises(a, b):
    with np.errstate(all="raise"):
        c = a / b
    return c


def test_the_state_inside():
    check(ignores, ONES, ZEROS)
    check(raises, ONES, ZEROS)
    check(raises, ONES, ONES)


@pytest.mark.parametrize("function", [divides, in_place, ignores])
def test_the_state_of_the_caller(function):
    f = jit(function, cache=False)
    for state in ({"all": "ignore"}, {"divide": "raise"}, {"invalid": "raise"}, {"all": "raise"},
                  {"over": "raise"}, {"all": "warn"}):
        with np.errstate(**state):
            for a, b in ((ONES, ZEROS), (ZEROS, ZEROS), (LARGE, ONES / 1e10), (ONES, ONES)):
                assert heard(f, (a, b), "always") == heard(function, (a, b), "always"), state


class Counter:
    def __init__(self):
        self.count, self.log = 0, []

    def divide(self, a, b):
        self.count += 1
        return a / b


def test_objects_are_changed_once():
    counter = Counter()
    divide = jit(Counter.divide, cache=False)
    with warnings.catch_warnings(record=True) as log:
        warnings.simplefilter("always")
        for k in range(4):
            assert np.all(np.isinf(divide(counter, ONES, ZEROS)))
            assert counter.count == k + 1 == len(log)


@np.errstate(divide="ignore")
def decorated(a, b):
    return a / b


def test_the_state_of_a_decorator():
    f = jit(decorated, cache=False)
    for args in ((ONES, ZEROS), (ZEROS, ZEROS)):
        assert heard(f, args, "always") == heard(decorated, args, "always")


def test_nested_compiled_functions():
    inner = jit(divides, cache=False)

    def outer(a, b):
        return inner(a, b) + 1

    def plain(a, b):
        return divides(a, b) + 1

    f = jit(outer, cache=False)
    assert heard(f, (ONES, ZEROS), "always") == heard(plain, (ONES, ZEROS), "always")


def test_handlers():
    def calls(function):
        log = []
        with np.errstate(all="call", call=lambda *given: log.append(given)):
            function(ONES, ZEROS)
            function(ZEROS, ZEROS)
        return log

    class Log:
        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

    def written(function):
        log = Log()
        with np.errstate(all="log", call=log):
            function(ONES, ZEROS)
        return log.text

    f = jit(divides, cache=False)
    assert calls(f) == calls(divides) != []
    assert written(f) == written(divides) != ""


def test_an_error_handled_inside():
    def safe(a, b):
        with np.errstate(all="raise"):
            try:
                return a / b
            except FloatingPointError:
                return a * 0.0

    f = jit(safe, cache=False)
    try:
        results = [f(ONES, b) for b in (ONES, ZEROS, ZEROS, ONES)]
    except hotloop.errors.UnsupportedError:
        return
    assert [r[0] for r in results] == [1.0, 0.0, 0.0, 1.0]


def test_the_traceback_leads_to_the_users_line():
    with np.errstate(all="raise"), pytest.raises(FloatingPointError) as caught:
        jit(divides, cache=False)(ONES, ZEROS)
    frames = [entry.frame.code.name for entry in caught.traceback]
    assert frames[-1] == "divides" and "look" not in frames


# ---- what it costs

def test_python_runs_ever_more_seldom_where_a_warning_is_shown_once():
    ran = 0

    def counted(a, b):
        with np.errstate(over="ignore"):
            return a / b

    def again(*args):
        nonlocal ran
        ran += 1
        return counted(*args)

    f = jit(counted, cache=False)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")
        f(ONES, ONES.copy())
        entry = f._specializations.entries[0]
        look = entry.flagged.look
        entry.flagged.look = lambda run, *given: look(lambda: again(ONES, ZEROS), *given)
        for _ in range(100):
            f(ONES, ZEROS)
    assert 1 <= ran <= 8


def test_nothing_is_looked_into_if_nobody_listens(monkeypatch):
    f = jit(divides, cache=False)
    f(ONES, ONES.copy())
    monkeypatch.setattr(f._specializations.entries[0], "seconds", None)
    with np.errstate(all="ignore"):
        f(ONES, ZEROS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        f(ONES, ZEROS)


def test_functions_of_python_numbers_are_not_watched():
    def area(r):
        return 3.14 * r * r / (1 + r)

    f = jit(area, cache=False)
    f(1.5)
    assert f._specializations.entries[0].flagged is None
    assert "mxcsr" not in f.lower(1.5).llvm
