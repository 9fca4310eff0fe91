"""What counts as the same, and that differences are found."""

import numpy as np
import pytest

import hotloop
from hotloop import config
from hotloop.fuzz import check, compare, differences, modes, stages
from hotloop.fuzz.cases import Case
from hotloop.llvm import background

CALLS = "\ndef calls():\n    yield np.arange(4.0), 2\n"


def verdict(text, calls=CALLS):
    return check.check(Case(f"import numpy as np\n{text}\n{calls}", "case", 0))


@pytest.mark.parametrize("got, expected", [
    (np.ones(3), np.ones(3, np.float32)), (1, 1.0), (np.float64(1), 1.0), ((1,), [1]),
    (np.array([1.0]), np.array([1.1])), (0.0, -0.0), (np.array([0.0]), np.array([-0.0])),
    ({"a": 1}, {"b": 1}), ([1, 2], [1]), (complex(1, 0.0), complex(1, -0.0)), (None, 0)])
def test_differences(got, expected):
    with pytest.raises(AssertionError):
        compare.same(got, expected, exact=True)


@pytest.mark.parametrize("got, expected", [
    (np.array([np.nan, 1]), np.array([np.nan, 1])), (float("nan"), float("nan")), ([1], [1]),
    (complex("nan"), complex("nan")), ({"a": np.ones(2)}, {"a": np.ones(2)})])
def test_no_differences(got, expected):
    compare.same(got, expected, exact=True)


def test_rounding_is_forgiven_where_it_is_allowed():
    compare.same(1.0, 1.0 + 2**-50)
    with pytest.raises(AssertionError):
        compare.same(1.0, 1.0 + 2**-50, exact=True)


def test_ends():
    assert verdict("def f(a, k):\n    return a * k").end == "same"
    assert verdict("def f(a, k):\n    raise ValueError(k)").raised == 1
    assert verdict("def f(a, k):\n    return open(a)").end in ("refused", "same")
    assert verdict("def g(a, k):\n    return a * k").end == "invalid"
    assert verdict("def f(a, k):\n    while True: pass\n", "").end == "invalid"


def test_a_wrong_compiler_is_found_and_the_stage_named(monkeypatch):
    text = "def f(a, k):\n    return a * k + 1"
    broken = check.hotloop.jit

    def wrong(function, **options):
        return broken(lambda a, k: function(a, k) * 1.5, **options)
    monkeypatch.setattr(hotloop, "jit", wrong)
    found = verdict(text)
    assert (found.end, found.cause) == ("mismatch", "array")
    case = Case(f"import numpy as np\n{text}\n{CALLS}", "case", 0)
    assert stages.guilty(case).startswith("machine")


def test_results_that_share_memory_which_they_should_not(monkeypatch):
    monkeypatch.setattr(hotloop, "jit", lambda f, **options: Sharing())
    assert verdict("def f(a, k):\n    return a.copy()").cause.startswith("shares memory")


class Scaled:
    def __init__(self, factors):
        self.factors = factors

    def __call__(self, a, k):
        return a * self.factors["now"]

    def cache_info(self):
        return type("Info", (), {"calls": {}})


class Sharing:
    def __call__(self, a, k):
        return a

    def cache_info(self):
        return type("Info", (), {"calls": {}})


def test_causes_have_no_numbers():
    assert check.without_numbers("array([1., 2.]) instead of array([3.])") == "array"
    assert check.without_numbers("IndexError: index 12 is out of bounds for axis 0") == (
        "IndexError: index # is out of bounds for axis #")
    assert check.without_numbers("dtype int8 instead of float64") == (
        "dtype number instead of number")


def test_printed_numbers_may_differ_by_rounding():
    assert check.close_texts("x 5.1 nan\n", "x 5.1000000000000005 nan\n")
    assert not check.close_texts("x 5.1\n", "x 5.2\n")
    assert not check.close_texts("x 5.1\n", "y 5.1\n")


def test_a_case_says_how_it_is_compiled(monkeypatch):
    seen, before = [], (config.opt, config.tiers, config.parallel, config.fastmath)
    jit = hotloop.jit

    def noticed(function, **options):
        seen.append((config.opt, config.tiers, config.parallel, config.fastmath))
        return jit(function, **options)
    monkeypatch.setattr(hotloop, "jit", noticed)
    for mode in modes.MODES:
        text = f"def f(a, k):\n    return a * k\n{modes.line(mode)}"
        assert verdict(text).end == "same"
    assert seen == [(0, False, 20000, False), (1, False, 20000, False), (1, True, 20000, False),
                    (1, False, 0, False), (1, False, 20000, True)]
    assert (config.opt, config.tiers, config.parallel, config.fastmath) == before


def test_good_code_is_checked_too(monkeypatch):
    """Code that is wrong only after it was exchanged."""
    factors = {"now": 2}
    monkeypatch.setattr(background, "finish", lambda: factors.update(now=3))
    monkeypatch.setattr(hotloop, "jit", lambda f, **options: Scaled(factors))
    text = "def f(a, k):\n    return a * 2\n"
    assert verdict(text + modes.line("good")).end == "same"
    assert verdict(text + modes.line("tiers")).end == "mismatch"


def test_slopes_are_claimed_where_a_function_is_smooth():
    def g(x, k):
        return np.sum(x ** 3) * k + abs(x[0])
    found = differences.gradients(g, (np.array([0.0, 1.5]), 2.0), (0, 1))
    differences.close([np.array([7.0, 13.5]), 3.375], found)        # a kink: any slope will do
    for wrong in ([np.array([0.0, 13.6]), 3.375], [np.array([0.0, 13.5]), np.nan], [np.zeros(2)]):
        with pytest.raises(AssertionError):
            differences.close(wrong, found)


def test_a_case_may_bring_what_python_runs_and_how_it_is_compared():
    text = ("def f(a, k):\n    return a * k\n\ndef python(a, k):\n    return a * {}\n\n"
            "def agree(got, expected):\n    assert np.allclose(got, expected, rtol=0.1), 'far'\n")
    assert verdict(text.format("2.1")).end == "same"
    assert verdict(text.format("3.1")).cause == "far"
