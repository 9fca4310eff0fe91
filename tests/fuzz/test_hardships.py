"""No crash, and right results, in hard moments: threads, forks, the end, interrupts, no memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and limits as on Linux")
@pytest.mark.parametrize("name", ["threads", "fork", "shutdown", "interrupt", "memory"])
def test_hardship(name):
    script = Path(__file__).with_name("hardships.py")
    found = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "ignore", str(script), name],
        capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(script.parents[2])})
    assert found.returncode == 0, f"status {found.returncode}\n{found.stderr[-3000:]}"
    assert found.stdout == "done\n"
