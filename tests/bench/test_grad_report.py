"""The tables of `hotloop bench grad`, and that its functions' gradients are right."""

import numpy as np

from hotloop.bench import report
from hotloop.bench.programs import grad
from hotloop.bench.runner import SystemRun


def test_tables_mark_what_differs():
    ours = {"figure": "f", "first": 0.1, "value": 1e-5, "gradient": 2e-5, "check": [1.0, 2.0]}
    theirs = {**ours, "gradient": 8e-5, "check": [1.0, 2.1]}
    text = report.grad_tables([SystemRun("hotloop", results=[ours]),
                               SystemRun("jax", results=[theirs])], [])
    assert "80 us differs" in text and "20 us " in text and "jax: 4.00" in text


def test_gradients_by_differences(monkeypatch):
    """Along the direction of each gradient."""
    cases, given = grad.hotloop(), grad.data()
    h = 1e-6
    for name in ("rnn", "hmm", "process"):
        _, grads = cases[name].gradient()
        args, wanted = given[name], grad.wanted(name, given[name])
        size = np.sqrt(sum(np.sum(g * g) for g in grads))
        values = []
        for sign in (h, -h):
            moved = list(args)
            for k, g in zip(wanted, grads, strict=True):
                moved[k] = args[k] + sign * g / size
            monkeypatch.setattr(grad, "data", lambda moved=tuple(moved), name=name: {
                **given, name: moved})
            values.append(grad.hotloop()[name].value())
        assert abs((values[0] - values[1]) / (2 * h) - size) < 1e-5 * max(1.0, size)
