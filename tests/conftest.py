"""Hypothesis profiles: `ci` is deterministic; `thorough` looks longer (HYPOTHESIS_PROFILE).

Kernels are compiled once, and well, unless HOTLOOP_TIERS says otherwise: what quick code may do
wrong is the business of `runtime/test_tiers.py`."""

import os

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HOTLOOP_TIERS", "0")     # before hotloop is imported

common = {"deadline": None, "suppress_health_check": list(HealthCheck)}
settings.register_profile("default", max_examples=30, **common)
settings.register_profile("ci", max_examples=30, derandomize=True, **common)
settings.register_profile("thorough", max_examples=2000, **common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session", autouse=True)
def the_native_machine():
    """It is there from the first test on: calls do not wait for it (`entry.native`)."""
    from hotloop.entry import native
    from hotloop.llvm import background

    if native.machine() is None:
        background.finish()


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true",
                     help="rewrite the expected parts of tests/files/**/*.hl")
