"""Generated programs, compiled and in Python: a few of each kind. `hotloop fuzz` looks longer."""

import random

import pytest

from hotloop.fuzz import cases, check, kinds, library, modes, transformed
from hotloop.fuzz.check import FAILURES
from hotloop.fuzz.stages import guilty


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_generated_programs(kind):
    costly = kind in transformed.KINDS
    found = [check.check(cases.generate(kind, seed, ["plain"] if costly else list(modes.MODES)))
             for seed in range(4 if costly else 8)]
    wrong = [v for v in found if v.end in FAILURES and v.end != check.OTHER_ERROR]
    assert not wrong, f"{wrong[0].cause}\n{wrong[0].detail}"
    assert sum(v.end == check.SAME for v in found) >= 3


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_programs_are_python_and_depend_on_the_seed_only(kind):
    texts = [cases.generate(kind, seed).text for seed in range(30)]
    for text in texts:
        compile(text, "text", "exec")
    assert texts == [cases.generate(kind, seed).text for seed in range(30)]
    assert len(set(texts)) > 25


def test_every_rule_can_be_used():
    for kind in kinds.GROUPS:
        table = kinds.rules(kind)
        made = "".join(cases.generate(kind, seed).text for seed in range(40))
        made = made.replace(" @ ", "").replace("@property", "").replace("@dataclass", "")
        assert "@" not in made, "a hole that nobody filled"
        assert all(weight > 0 for rules in table.values() for _, weight in rules)


def test_library_covers_what_numpy_has():
    names = {name for name, _ in library.functions()}
    assert {"sum", "linalg.svd", "fft.fft", "where", "ndarray.cumsum", "add"} <= names
    assert len(names) > 350
    texts = {library.call(random.Random(seed)) for seed in range(300)}
    assert len(texts) > 250


def test_stages_agree_with_python():
    for seed in range(6):
        assert guilty(cases.generate("views", seed)) in ("no stage", "refused")
