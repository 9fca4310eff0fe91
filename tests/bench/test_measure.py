"""The two decorators, the worker's protocol, the tables."""

import json
import math
import subprocess
import sys

import pytest

from hotloop.bench import metric, timed
from hotloop.bench.experiments import JIT, PI
from hotloop.bench.report import duration, jit_tables, pi_tables, write_json
from hotloop.bench.runner import WORKER, SystemRun, least, run


def test_decorators_keep_the_value_and_record_the_call():
    @timed(repeat=3)
    @metric("error", lambda v: abs(v - 4))
    def double(x, plus=0):
        return 2 * x + plus

    assert double(2, plus=1) == 5
    record = double.records[0]
    assert record.args == (2,) and record.kwargs == {"plus": 1}
    assert len(record.seconds) == 3 and record.metrics == {"error": 1.0}
    assert record.first is None and record.best <= record.median


def test_decorators_in_the_other_order():
    @metric("square", lambda v: v * v)
    @timed
    def same(x):
        return x

    assert same(3) == 3
    assert same.records[0].metrics == {"square": 9.0} and len(same.records[0].seconds) == 1


def test_first_call_apart_and_wait():
    calls = []

    @timed(repeat=2, separate_first=True, wait=lambda v: calls.append("waited") or v)
    def f():
        calls.append("called")

    f()
    assert calls == ["called", "waited"] * 3
    assert f.records[0].first is not None and len(f.records[0].seconds) == 2


def test_exceptions_pass_and_leave_no_record():
    @timed
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert fail.records == []


def test_worker_reports_python_pi():
    out = subprocess.run(
        [sys.executable, str(WORKER), "pi", "python",
         json.dumps({"sizes": [100, 1000], "at_least": 0.0, "limit": 60})],
        capture_output=True, text=True, check=True).stdout
    events = [json.loads(line) for line in out.splitlines()]
    assert [e["event"] for e in events] == ["ready", "result", "result", "done"]
    assert abs(events[2]["value"] - math.pi) < 1 and events[2]["first"] > 0


def test_missing_systems_are_named_and_skipped(tmp_path):
    heard = []
    runs = run(PI, ["triton", "python"], [100], {"triton": str(tmp_path / "nowhere")}, 0.0, 60,
               lambda system, text: heard.append((system, text)))
    assert [r.status for r in runs] == ["unavailable", "ok"]
    assert "nowhere" in runs[0].reason and len(heard) >= 3
    text = pi_tables(runs, [100])
    assert "triton: unavailable" in text and max(map(len, text.splitlines())) <= 100
    write_json(tmp_path / "pi.json", PI, runs, {"sizes": [100]})
    assert json.loads((tmp_path / "pi.json").read_text())["systems"][1]["results"][0]["n"] == 100


def test_jit_experiment_runs_numpy():
    runs = run(JIT, ["numpy"], [2, 4], {}, 0.0, 60, lambda system, text: None)
    assert [e["n"] for e in runs[0].results] == [2, 4]
    assert "numpy plain" in jit_tables(runs, [2, 4])


@pytest.mark.parametrize("seconds, text", [
    (0.0, "0 ns"), (1.5e-9, "1.5 ns"), (0.25, "250 ms"), (12.0, "12 s"), (None, "-")])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_of_several_rounds_the_least_of_each_time_counts():
    def once(call, sigmoid, status="ok"):
        return SystemRun("x", status, results=[
            {"figure": "call", "seconds": call}, {"figure": "sigmoid", "seconds": sigmoid}])

    found = least([once(3.0, 5.0), once(2.0, 7.0), once(4.0, 6.0)])
    assert [r["seconds"] for r in found.results] == [2.0, 5.0]
    assert least([once(1.0, 1.0), once(1.0, 1.0, "failed")]).status == "failed"
    assert least([SystemRun("y", "unavailable", "not installed")]).reason == "not installed"
