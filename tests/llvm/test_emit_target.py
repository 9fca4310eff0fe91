"""How wide the emitter makes vectors for which CPU."""

import pytest

from hotloop import config
from hotloop.llvm.target import register_bytes


@pytest.mark.parametrize("cpu, size", [
    ("x86-64-v4", 64), ("skylake-avx512", 64), ("sapphirerapids", 64), ("znver4", 64),
    ("haswell", 32), ("x86-64-v3", 32), ("znver3", 32), ("x86-64", 16), ("x86-64-v2", 16),
    ("apple-m1", 16)])
def test_width_of_named_cpus(monkeypatch, cpu, size):
    monkeypatch.setattr(config, "cpu", cpu)
    assert register_bytes() == size


def test_this_machine(monkeypatch):
    monkeypatch.setattr(config, "cpu", "")
    assert register_bytes() in (16, 32, 64)
