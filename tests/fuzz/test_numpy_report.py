"""`hotloop coverage --check`: what the columns count."""

import pytest

from hotloop.__main__ import main
from hotloop.fuzz import coverage
from hotloop.fuzz.check import INVALID, MISMATCH, REFUSED, SAME, Verdict


@pytest.mark.parametrize("verdict,expected", [
    (Verdict(SAME, calls=3, raised=1), (3, 2, 1, 0, 0)),
    (Verdict(MISMATCH, calls=3, raised=1), (3, 1, 1, 0, 1)),
    (Verdict(MISMATCH, calls=1, raised=1), (1, 0, 0, 0, 1)),
    (Verdict(REFUSED, calls=1), (1, 0, 0, 1, 0)), (Verdict(INVALID), (0, 0, 0, 0, 0))])
def test_counts(verdict, expected):
    row = coverage.counts(verdict)
    assert tuple(row[column] for column in coverage.COLUMNS) == expected


def test_programs_are_of_one_function():
    made = list(coverage.jobs(["cumsum", "ndarray.sum"], 3, 7))
    assert [(job["kind"], job["seed"]) for job in made] == [
        (name, k) for name in ("cumsum", "ndarray.sum") for k in (7, 8, 9)]
    assert all("np.cumsum(" in job["text"] for job in made[:3])
    assert made == list(coverage.jobs(["cumsum", "ndarray.sum"], 3, 7))


def test_the_table(monkeypatch, capsys):
    def run(jobs, workers, until):
        ends = iter((Verdict(SAME, calls=2, raised=1), Verdict(MISMATCH, "why", calls=1)))
        for job in jobs:
            yield job, next(ends)
    monkeypatch.setattr(coverage, "run", run)
    assert main(["coverage", "--check", "2", "--only", "cumsum"]) == 1
    head, row, total, found, cause = capsys.readouterr().out.splitlines()
    assert head.split() == ["function", *coverage.COLUMNS]
    assert row.split() == ["cumsum", "3", "1", "1", "0", "1"]
    assert total.split() == ["1", "functions", "3", "1", "1", "0", "1"]
    assert found.startswith("mismatch: np.cumsum(") and cause == "    why"
    assert main(["coverage", "--check", "2", "--only", "nothing"]) == 2
