"""The suite of kernels: its rows, the measurement of one, its tables."""

import inspect
import json
import types

import numpy as np
import pytest

from hotloop.__main__ import main
from hotloop.bench import one_kernel, suite, suite_report
from hotloop.bench.kernels import FIELDS, every
from hotloop.bench.kernels.spec import SAME, Kernel, replaced
from hotloop.bench.programs import systems
from hotloop.bench.runner import SystemRun

ROWS = every()


def test_names_are_unique_and_short():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names) >= 40
    assert max(map(len, names)) <= suite_report.WIDTH
    assert {row.field for row in ROWS} == set(FIELDS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row):
    """Sizes grow, work is positive, NumPy's own version computes what the source does."""
    assert list(row.sizes) == sorted(set(row.sizes)) and 2 <= len(row.sizes) <= 4
    assert all(w > 0 for n in row.sizes for w in row.work(n))
    assert row.about.endswith((".", "C")) and len(row.about) < 100
    if row.version("numpy") in (SAME, None) or row.agree is not None:
        return
    plain = one_kernel.Measured(systems.NumPy(), row, "numpy")
    args = plain.inputs(row.sizes[0])
    ours, theirs = plain.maker(args)(), plain.maker(args)()
    expected = plain.results(row.function(*ours), ours)
    found = plain.results(row.version("numpy")()(*theirs), theirs)
    assert one_kernel.difference(found, expected, row.tolerance, dtypes=False) == ""


def test_versions_import_their_systems_only_when_called():
    for row in ROWS:
        for name in ("numpy", "numba", "numba_parallel", "jax", "numexpr", "torch_compile"):
            version = row.version(name)
            assert version in (None, SAME) or not inspect.signature(version).parameters


def test_replaced_globals_reach_helpers():
    scope = {"__name__": "m", "base": 1}
    exec("def helper(x):\n    return x + base\ndef f(x):\n    return helper(x)", scope)
    assert replaced(scope["f"], base=5)(1) == 6 and scope["f"](1) == 2


def test_difference():
    one = np.array([1.0, 2.0])
    assert one_kernel.difference([one], [one + 1e-12], 1e-9, True) == ""
    assert "off by up to" in one_kernel.difference([one], [one + 1e-3], 1e-9, True)
    assert "shape" in one_kernel.difference([one], [one[:1]], 1e-9, True)
    assert "float32" in one_kernel.difference([one.astype("f4")], [one], 1e-9, True)
    assert "1 of 2" in one_kernel.difference([np.array([1, 2])], [np.array([1, 3])], 1e-9, True)
    assert "0 results" in one_kernel.difference([], [one], 1e-9, True)


def adding(x, n):
    x += 1.0
    return x.sum() + n


def wrongly(x, n):
    return 0.0


def measured(monkeypatch, function, kernel, **options):
    """The events of one kernel under a system that runs `function` instead of the source."""
    system = systems.NumPy()
    monkeypatch.setattr(system, "compiled", lambda f, args: function)
    modules = {"kernels.spec": types.SimpleNamespace(SAME=SAME, replaced=replaced),
               "kernels": types.SimpleNamespace(find=lambda name: kernel), "systems": systems}
    monkeypatch.setattr(one_kernel.importlib, "import_module", modules.__getitem__)
    events = []
    one_kernel.run(system, {"kernel": "adding", "system": "numpy", "sizes": ["S", "M", "L"],
                            "at_least": 0.0, "limit": 2.0, "first_only": False, **options},
                   lambda event, **fields: events.append((event, fields)))
    return events


ADDING = Kernel(adding, make=lambda n, rng: (np.ones(n), n), sizes=(40_000, 4_000_000, 8_000_000),
                work=lambda n: (16 * n, n), writes=(0,))


def test_one_kernel_gets_fresh_arguments_and_tells_memory(monkeypatch):
    events = measured(monkeypatch, adding, ADDING)
    assert [e for e, _ in events] == ["first", "result", "result", "result"]
    for _, result in events[1:]:
        n = result["n"]
        # every call found ones: written arguments are results, and so is what is returned
        assert result["check"][0] == 3.0 * n and result["check"][2] == 2.0
        assert result["best"] <= result["median"] and result["repeats"] >= 1
        assert result["results"] == 8 * n + 8 and result["arguments"] == 8 * n
    if events[2][1]["peak"] is not None:
        assert 0.9 * 32e6 < events[2][1]["peak"] < 4 * 32e6


def test_a_wrong_result_is_told_and_not_timed(monkeypatch):
    assert [e for e, _ in measured(monkeypatch, wrongly, ADDING)] == ["wrong"]


def test_sizes_that_would_take_too_long_are_left_out(monkeypatch):
    events = measured(monkeypatch, adding, ADDING, limit=1e-9)
    assert [e for e, _ in events] == ["first", "stopped"]


def result(size, best, check=(1.0,), **more):
    return {"size": size, "n": 10, "best": best, "median": best, "repeats": 3, "peak": 8e7,
            "results": 8e7, "arguments": 8e7, "check": list(check), "bytes": 2e8,
            "operations": 1e7, **more}


def made_up():
    runs = {"numpy": SystemRun("numpy", results=[result("S", 4e-6), result("L", 8e-3)],
                               first={"seconds": 1e-3}),
            "hotloop": SystemRun("hotloop", results=[result("S", 1e-6), result("L", 1e-2)],
                                 first={"seconds": 1e-2}),
            "hotloop_warm": SystemRun("hotloop_warm", first={"seconds": 3e-3}),
            "numba": SystemRun("numba", results=[result("S", 1e-7, check=(2.0,)),
                                                 result("L", 2e-2)], first={"seconds": 1.0}),
            "jax": SystemRun("jax", "failed", reason="TypeError: " + 200 * "x")}
    found = suite.Run(list(runs), ["S", "L"], dict.fromkeys(runs, "1 (Python 3)"),
                      {"chain": runs}, {"copy": {100: 1e10, 10**9: 1e10}, "product_float64": 1e9})
    return found, [row for row in ROWS if row.name == "chain"]


def test_tables():
    found, (row,) = made_up()
    runs = found.kernels["chain"]
    lines = suite_report.rows(row, runs, found.systems, found.sizes)
    assert "wrong" in lines[0] and lines[0].split()[-1] == "4.00"     # the wrong one is no rival
    assert lines[1].split()[-1] == "0.80" and "jax failed: TypeError" in lines[2]
    text = "\n".join([suite_report.heading(found.systems, found.sizes), *lines,
                      suite_report.summary(found, [row], found.systems)])
    assert max(map(len, text.splitlines())) <= 100
    assert "numba takes 100.0 times as long as hotloop" in text
    words = [line.split() for line in text.splitlines()]
    assert ["chain", "L", "0.80", "10", "ms", "numpy", "8", "ms"] in words
    assert ["chain", "L", "200", "MB", "200", "%", "100", "%", "-", "-", "250", "%"] in words
    usual = [s for s in suite.KERNELS.systems if s not in suite.KERNELS.on_request]
    everything = suite_report.heading([*usual, "hotloop_fast", "pythran"], found.sizes)
    assert max(map(len, everything.splitlines())) <= 100


def test_charts(tmp_path):
    pytest.importorskip("matplotlib")
    found, kernels = made_up()
    paths = suite.suite_charts.draw(found, kernels, found.systems, tmp_path)
    assert sorted(p.name for p in paths) == ["kernels-roofline.png", "kernels-speed-L.png",
                                             "kernels-speed-S.png"]


def test_time_left():
    clock = suite.Clock([row for row in ROWS if row.name in ("chain", "triad")],
                        ["numpy", "hotloop"])
    assert clock.remaining() == 0.0
    clock.done("numpy", 2.0)
    assert clock.remaining() == 2.0 + 2 * 2.0     # hotloop's are not known yet
    clock.done("hotloop", 1.0)
    assert clock.remaining() == 2.0 + 1.0


def test_command(tmp_path, capsys):
    """From the command line to the JSON file, in real processes."""
    assert main(["bench", "kernels", "--only", "triad", "--systems", "numpy,hotloop_warm",
                 "--sizes", "S", "--at-least", "0", "--no-charts", "--output",
                 str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "triad" in text and "geometric means" in text
    written = json.loads((tmp_path / "kernels.json").read_text())
    runs = written["kernels"]["triad"]
    assert list(runs) == ["numpy", "hotloop", "hotloop_warm"] and written["limits"]["copy"]
    assert runs["hotloop"]["results"][0]["check"] == runs["numpy"]["results"][0]["check"]
    assert runs["hotloop_warm"]["first"]["from_disk"] and not runs["hotloop_warm"]["results"]
    assert runs["hotloop"]["first"]["stages"]["codegen"] > 0


def test_command_refuses(capsys):
    for options in (["--only", "nothing"], ["--sizes", "XXL"], ["--systems", "cobol"],
                    ["--python", "numba"]):
        assert main(["bench", "kernels", *options]) == 2
    assert "called nothing" in capsys.readouterr().err
    assert main(["bench", "kernels", "--list"]) == 0
    assert "jacobi_loops" in capsys.readouterr().out
