"""Functions of scipy.special in functions that are differentiated; skipped without SciPy."""

import numpy as np
import pytest
from derivatives import check_forward, check_reverse, one_equation

import hotloop
from hotloop.errors import UnsupportedError
from hotloop.ir.core import Lit
from hotloop.ops import OPS, callbacks
from hotloop.ops.numpy_rules.scipy_special import RULES

special = pytest.importorskip("scipy.special")
X = np.array([0.3, 0.5, 0.7])


@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    """With respect to the operands that have a rule; the others are literals."""
    operands = [X + 0.1 * k if known else Lit(2.5) for k, known in enumerate(RULES[name])]
    params = {"function": callbacks.of_scipy, "keywords": (("name", name),),
              "results": (("f64", (3,)),)}
    program, args = one_equation(OPS["call_numpy"], operands, params)
    check_forward(program, args, 1e-8)
    check_reverse(program, args, 1e-9)


@pytest.mark.parametrize("f", [
    lambda x: np.sum(special.expit(x) ** 2), lambda x: np.sum(special.logsumexp(x) * x),
    lambda x: np.sum(special.gammaln(x + 1.0)), lambda x: special.logsumexp(x) * np.sum(x * x),
    lambda x: np.sum(special.ndtr(x) * special.erf(x) * special.betaln(x + 1, 2.0)),
    lambda x: np.sum(special.softmax(x) ** 2),
])
def test_gradients(f):
    h, x = 1e-6, np.array([0.0, 0.5, 0.7])
    want = [(f(x + h * d) - f(x - h * d)) / (2 * h) for d in np.eye(3)]
    np.testing.assert_allclose(hotloop.grad(f)(x), want, rtol=1e-6, atol=1e-8)


def test_what_has_no_rule_says_so():
    with pytest.raises(UnsupportedError, match=r"derivative of scipy.special.struve is not known"):
        hotloop.grad(lambda x: special.struve(1.0, x))(0.5)
