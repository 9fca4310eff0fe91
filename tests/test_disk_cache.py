"""Machine code on disk: found again by another process, never stale, never trusted blindly."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

MODULE = """
    import numpy as np
    import hotloop
    SCALE = 2.0
    def helper(x):
        return x * SCALE + 1
    def outer():
        k = 3
        def inner(x):
            return helper(x) + k
        return inner
    f = hotloop.jit(outer())
    result = f(np.arange(4.0))
    text = hotloop.explain(f)
    print(float(result.sum()), "from the disk cache" in text)
"""


def run(folder, module=MODULE, **environment):
    path = Path(folder) / "program.py"
    text = textwrap.dedent(module)
    if not path.exists() or path.read_text() != text:     # others may be running it just now
        path.write_text(text)
    found = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True,
        env=dict(os.environ, HOTLOOP_CACHE_DIR=str(Path(folder) / "cache"), **environment,
                 PYTHONPATH=str(Path(__file__).resolve().parent.parent)))
    assert found.returncode == 0, found.stderr
    value, cached = found.stdout.split()[-2:]
    return float(value), cached == "True"


def files(folder):
    return [p for p in (Path(folder) / "cache").rglob("*") if p.is_file()]


def test_a_second_process_finds_it(tmp_path):
    assert run(tmp_path) == (28.0, False)
    assert run(tmp_path) == (28.0, True)


@pytest.mark.parametrize("old, new, value", [
    ("SCALE = 2.0", "SCALE = 4.0", 40.0),
    ("x * SCALE + 1", "x * SCALE + 2", 32.0),
    ("k = 3", "k = 5", 36.0),
    ("helper(x) + k", "helper(x) - k", 4.0),
], ids=["global", "callee", "closure", "itself"])
def test_a_change_is_a_miss(tmp_path, old, new, value):
    assert run(tmp_path)[0] == 28.0
    assert run(tmp_path, MODULE.replace(old, new)) == (value, False)
    assert run(tmp_path, MODULE.replace(old, new)) == (value, True)


def test_both_states_of_a_global_stay(tmp_path):
    run(tmp_path)
    run(tmp_path, MODULE.replace("SCALE = 2.0", "SCALE = 4.0"))
    assert run(tmp_path) == (28.0, True)


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:len(data) // 2], lambda data: b"x" * len(data),
    lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: data + b"more"],
    ids=["empty", "truncated", "foreign", "flipped", "longer"])
def test_damaged_entries_are_ignored_and_rewritten(tmp_path, damage):
    run(tmp_path)
    for path in files(tmp_path):
        path.write_bytes(damage(path.read_bytes()))
    assert run(tmp_path) == (28.0, False)
    assert run(tmp_path) == (28.0, True)


def test_an_unusable_folder_means_memory_only(tmp_path):
    (tmp_path / "cache").write_text("a file, not a folder")
    assert run(tmp_path) == (28.0, False)


def test_switched_off(tmp_path):
    assert run(tmp_path, HOTLOOP_CACHE="0") == (28.0, False)
    assert not files(tmp_path)


def test_concurrent_processes(tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(MODULE))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run(tmp_path)[0], range(6)))
    assert found == [28.0] * 6
    assert run(tmp_path) == (28.0, True)


def test_switches_that_change_code_are_in_the_key(tmp_path):
    run(tmp_path)
    assert run(tmp_path, HOTLOOP_OPT="0") == (28.0, False)


def test_command_line(tmp_path):
    run(tmp_path)
    environment = dict(os.environ, HOTLOOP_CACHE_DIR=str(tmp_path / "cache"),
                       PYTHONPATH=str(Path(__file__).resolve().parent.parent))

    def hotloop(*arguments):
        return subprocess.run([sys.executable, "-m", "hotloop", "cache", *arguments], check=True,
                              capture_output=True, text=True, env=environment).stdout
    assert "1" in hotloop("info")
    assert "removed 1" in hotloop("clear")
    assert run(tmp_path) == (28.0, False)
