"""HOTLOOP_DEBUG, HOTLOOP_DUMP, explain, the command's print and run."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hotloop
from hotloop.__main__ import main

PROGRAM = """
import numpy as np
import hotloop
f = hotloop.jit(lambda x: 1 / (1 + np.exp(-x)))
f(np.arange(3.0))
"""


def run(tmp_path, **switches):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    root = str(Path(__file__).resolve().parent.parent)
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True,
                          env=dict(os.environ, HOTLOOP_CACHE="0", PYTHONPATH=root, **switches))


@pytest.mark.parametrize("level, shown, hidden", [
    ("0", [], ["hotloop:"]),
    ("1", ["hotloop: <lambda>:", "codegen"], ["lambda ;"]),
    ("2", ["pass fuse", "pass dce"], ["lambda ;"]),
    ("3", ["{ lambda ;", "exp"], ["kernel"]),
    ("4", ["kernel <lambda>", "nest"], ["define i64"]),
    ("5", ["define i64 @kernel"], [".text"]),
    ("6", [".text"], []),
])
def test_debug_levels(tmp_path, level, shown, hidden):
    text = run(tmp_path, HOTLOOP_DEBUG=level).stderr
    for part in shown:
        assert part in text
    for part in hidden:
        assert part not in text


def test_dump_writes_one_file_a_pass(tmp_path):
    run(tmp_path, HOTLOOP_DUMP=str(tmp_path / "dump"))
    folder, = (tmp_path / "dump").iterdir()
    names = sorted(p.name for p in folder.iterdir())
    stages = [name.split("-", 1)[1].removesuffix(".txt") for name in names]
    assert stages[0] == "trace" and "lower" in stages and "fuse" in stages
    assert stages[-1] == "asm"
    assert "exp" in (folder / names[0]).read_text()


def test_explain_names_loops():
    def f(x, out):
        total = 0.0
        for i in range(len(x)):
            total = total * 0.5 + x[i]
            out[i] = total
        return np.exp(x)

    jitted = hotloop.jit(f, cache=False)
    jitted(np.arange(5.0), np.zeros(5))
    text = hotloop.explain(jitted)
    first = f.__code__.co_firstlineno
    assert f"line {first + 2}: not vectorized:" in text
    assert f"line {first + 5}: vectorized" in text
    assert "compiled in" in text and "codegen" in text
    assert f"line {first + 2}: not parallel: each iteration needs a value" in text
    assert f"line {first + 5}: parallel where it takes longer than 20 us" in text


def test_explain_names_calls_that_python_served():
    f = hotloop.jit(lambda x: x + 1, cache=False)
    f(np.array([1, 2], dtype=object))
    assert "python" in hotloop.explain(f) and "object" in hotloop.explain(f)


def test_explain_wants_a_jitted_function():
    with pytest.raises(TypeError, match="not a jitted function"):
        hotloop.explain(len)


def test_command_shows_and_runs_a_program(tmp_path, capsys):
    path = tmp_path / "p.hl"
    path.write_text("{ lambda ; a:f64[n]. let b:f64[n] = mul a a; c:f64[n] = mul a a; "
                    "d:f64[n] = add b c in (d,) }")
    assert main(["print", str(path)]) == 0
    assert capsys.readouterr().out.count("mul") == 1
    for stage, part in (("--loops", "kernel"), ("--llvm", "define"), ("--asm", ".text")):
        assert main(["print", str(path), stage]) == 0
        assert part in capsys.readouterr().out
    assert main(["run", str(path), "--size", "2"]) == 0
    assert "result 0 = array([" in capsys.readouterr().out


def test_command_lists_switches(capsys):
    assert main(["config"]) == 0
    assert "HOTLOOP_DEBUG" in capsys.readouterr().out


def test_command_lists_coverage(capsys):
    assert main(["coverage"]) == 0
    text = capsys.readouterr().out
    assert "native: " in text and "unsupported: " in text and "linalg.svd" in text
    assert max(map(len, text.splitlines())) <= 100
