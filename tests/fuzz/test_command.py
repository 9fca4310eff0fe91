"""The processes around the checks: crashes, hangs, reduction, users' functions, the command."""

import ast
import subprocess
import sys
import textwrap
import time

import pytest

from hotloop.__main__ import main
from hotloop.fuzz import users
from hotloop.fuzz.cases import Case
from hotloop.fuzz.check import CRASH, HANG, MISMATCH, SAME, Verdict, check
from hotloop.fuzz.reduce import reduced
from hotloop.fuzz.runner import Worker, run

HEAD = "import os, signal\nimport numpy as np\n"
PROGRAMS = {
    SAME: "def f(a):\n    return a + 1\ndef calls():\n    yield (np.ones(3),)\n",
    CRASH: "def f():\n    pass\ndef calls():\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
    HANG: "def f(a):\n    pass\ndef calls():\n    while True:\n        pass\n    yield ()\n"}


def test_crashes_and_hangs_are_findings_and_the_worker_is_replaced():
    worker = Worker()
    try:
        for end in (CRASH, SAME, HANG, SAME):
            worker.seconds = 2 if end == HANG else 100
            found = worker.ask({"text": HEAD + PROGRAMS[end], "kind": end, "seed": 0})
            assert found.end == end, found
            if end == CRASH:
                assert "SIGSEGV" in found.cause
    finally:
        worker.close()


def test_run_until_the_jobs_are_done():
    jobs = ({"kind": "types", "seed": seed, "modes": ["plain"]} for seed in range(5))
    found = list(run(jobs, 2, time.monotonic() + 100))
    assert sorted(r.job["seed"] for r in found) == list(range(5))


def test_reduction_keeps_the_failure_and_drops_the_rest():
    text = textwrap.dedent("""
        def f(a, b):
            t = 0
            for i in range(3):
                t += i
                if t > 1:
                    b = np.sin(a) + bad(t * 2, b)
            return t, b
        def calls():
            yield np.array([1.0, 2.0, 3.0, 4.0]), 2
        """)

    def ask(case):
        try:
            calls = [n for n in ast.walk(ast.parse(case.text)) if isinstance(n, ast.Call)]
        except SyntaxError:
            return Verdict(SAME)
        found = any(ast.unparse(c.func) == "bad" and len(c.args) == 2 for c in calls)
        return Verdict(MISMATCH, "it") if found else Verdict(SAME)
    small = reduced(Case(text, "case", 0), Verdict(MISMATCH, "it"), ask)
    assert ask(small).end == MISMATCH
    assert len(small.text.split("\n")) <= 7 and "for" not in small.text, small.text


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(textwrap.dedent("""
        import numpy as np
        import hotloop
        SCALE = 2.0

        @hotloop.jit
        def step(x: np.ndarray, k: int, mode="a"):
            x[:k] *= SCALE
            return x.sum() + k

        def bare(x, y):
            return x * y
        """))
    return path


def test_inputs_of_a_users_function(model):
    for seed in range(15):
        found = check(users.user_case([str(model), "step", ""], seed))
        assert found.end == SAME, found
    texts = {users.user_case([str(model), "bare", "np.zeros((3, 2), 'f4'), 1j"], seed).text
             for seed in range(20)}
    assert len(texts) == 20 and all("'f4'" in text for text in texts)
    with pytest.raises(ValueError, match="what is the argument x of bare"):
        users.user_case([str(model), "bare", ""], 0)
    with pytest.raises(ValueError, match="no function missing"):
        users.user_case([str(model), "missing", ""], 0)


def test_the_command(model, tmp_path, capsys):
    out = str(tmp_path / "found")
    assert main(["fuzz", "--kinds", "types", "--programs", "4", "--jobs", "1", "--out", out]) == 0
    assert "failures: 0" in capsys.readouterr().out
    assert main(["fuzz", f"{model}::step", "--programs", "4", "--jobs", "1", "--out", out]) == 0
    assert main(["fuzz", "--kinds", "poems"]) == 2
    assert main(["fuzz", f"{model}::bare"]) == 2
    assert "Annotate it" in capsys.readouterr().err


def test_a_finding_is_written_and_runs_alone(tmp_path, capsys):
    """A function whose result depends on who calls it is a difference."""
    path = tmp_path / "odd.py"
    path.write_text("import sys\ndef odd(k: int):\n"
                    "    return k if sys._getframe(1).f_code.co_name == 'outcome' else -1 - k\n")
    out = tmp_path / "found"
    code = main(["fuzz", f"{path}::odd", "--programs", "3", "--jobs", "1", "--out", str(out),
                 "--reduce", "1"])
    text = capsys.readouterr().out
    files = sorted(out.glob("*.py"))
    if code == 0:                                  # refused, which is right as well
        assert "refused" in text
        return
    found = subprocess.run([sys.executable, str(files[0])], capture_output=True, text=True)
    assert found.returncode == 1 and "mismatch" in found.stdout
    assert files[0].read_text().startswith("# hotloop fuzz, odd")
