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


ARGUMENTS = """
    import dataclasses, typing
    import numpy as np
    import hotloop
    OFFSET = 1.0
    class Pair(typing.NamedTuple):
        x: np.ndarray
        k: float
    @dataclasses.dataclass
    class State:
        w: np.ndarray
        steps: int = 0
        def apply(self, x):
            self.steps += 1
            return x * self.w + OFFSET
    def shift(x):
        return x - OFFSET
    def total(tuple_, dict_, list_, pair, state, f, g):
        a, b = tuple_
        y = a * dict_["k"] + b + list_[0] + pair.x * pair.k
        return state.apply(g(f(y))).sum()
    c = 3.0
    x = np.arange(4.0)
    jitted = hotloop.jit(total)
    state = State(x + 1)
    arguments = (x, 1.0), {"k": 2.0}, [5.0], Pair(x, 2.0), state, lambda y: y * c, shift
    result = jitted(*arguments)
    assert state.steps == 1 and result == total(*arguments)
    print(float(result), "from the disk cache" in hotloop.explain(jitted))
"""


def test_containers_objects_and_functions_as_arguments(tmp_path):
    value, cached = run(tmp_path, ARGUMENTS)
    assert not cached and run(tmp_path, ARGUMENTS) == (value, True)
    for old, new, misses in (
            ("c = 3.0", "c = 4.0", True), ("y * c", "y * c + 1", True),
            ("OFFSET = 1.0", "OFFSET = 2.0", True), ("x - OFFSET", "x + OFFSET", True),
            ("x * self.w +", "x * self.w -", True), ("[5.0]", "[5.0, 1.0]", True),
            ('{"k": 2.0}', '{"k": 2.0, "l": 1.0}', True), ("(x, 1.0)", "(x, 1.5)", False),
            ("State(x + 1)", "State(x.astype(np.float32))", True)):
        changed = ARGUMENTS.replace(old, new)
        again = run(tmp_path, changed)          # it compares the result with Python's
        assert changed != ARGUMENTS and again[1] is not misses
        assert run(tmp_path, changed) == (again[0], True)


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
