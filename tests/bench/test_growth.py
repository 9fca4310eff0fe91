"""Programs of growing length: what is written, that it computes the same, the fit."""

import numpy as np
import pytest

from hotloop.bench import growth, one_growth
from hotloop.bench.programs import systems
from hotloop.bench.runner import SystemRun


@pytest.mark.parametrize("shape", one_growth.SHAPES)
def test_programs_compile_to_what_python_computes(shape):
    system = systems.Hotloop()
    _, stages, result = one_growth.once(system, shape, 40)
    assert one_growth.right(system, shape, 40, result)
    assert {"trace", "passes", "lower", "loops", "emit", "codegen", "load"} <= set(stages)
    assert np.all(np.abs(result) < 10)


@pytest.mark.parametrize("shape", one_growth.SHAPES)
def test_length_is_what_was_asked_for(shape):
    def operations(n):
        text = one_growth.source(shape, n)
        return sum(text.count(f" {sign} ") for sign in "+-*")

    assert operations(1000) == pytest.approx(1000, rel=0.6)
    assert operations(10_000) == pytest.approx(10 * operations(1000), rel=0.02)


def test_exponent():
    assert growth.exponent([(10, 5.0), (100, 1.0), (1000, 100.0)]) == pytest.approx(2.0)
    assert growth.exponent([(10, 1.0), (100, 1.0)]) is None


def test_tables_and_chart(tmp_path):
    runs = [SystemRun(system, results=[
        {"shape": shape, "n": n, "ms": n / 10 * factor,
         "stages": {"trace": n / 20, "codegen": 3.0} if system == "hotloop" else {}}
        for shape in one_growth.SHAPES for n in (10, 100, 1000, 10_000)])
        for system, factor in (("hotloop", 1.0), ("numba", 20.0), ("jax", 3.0))]
    text = growth.tables(runs, [10, 100, 1000, 10_000])
    assert max(map(len, text.splitlines())) <= 100 and "1.00" in text
    pytest.importorskip("matplotlib")
    assert growth.draw(None, runs, tmp_path)[0].exists()
