"""Rules of random draws: the bits are constants, parameters are not.

    x = rng.normal(loc, scale)      # x' = loc' + scale' * (x - loc) / scale

A draw by a formula from bits (the inverse of a distribution function) moves with its parameters as
the formula does, and what the bits were follows from the result. Draws that reject, as those of
gamma's shape, have no such formula: there is no derivative with respect to these parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop.ir.core import Atom, Eqn, Lit
from hotloop.ops import generators
from hotloop.ops.numpy_rules.table import keyword, unsupported

Given = dict[str, Any]
Coefficients = dict[str, Callable[[Any, Atom, Given], Any]]


def _steps(p: Any, y: Atom, g: Given) -> Any:
    """How many scales from the location."""
    return p.div(p.sub(y, g["loc"]), g["scale"])


def _place(p: Any, y: Atom, g: Given) -> Any:
    return p.div(p.sub(y, g["low"]), p.sub(g["high"], g["low"]))


def _log_steps(p: Any, y: Atom, g: Given) -> Any:
    return p.mul(y, p.div(p.sub(p.log(y), g["mean"]), g["sigma"]))


def _power(p: Any, y: Atom, g: Given) -> Any:
    """Of b ** (1/a), b from the bits."""
    return p.neg(p.div(p.mul(y, p.log(y)), g["a"]))


def _one(p: Any, y: Atom, g: Given) -> Any:
    return Lit(1, y.dtype)


LOCATION_AND_SCALE: Coefficients = {"loc": _one, "scale": _steps}
SCALE: Coefficients = {"scale": lambda p, y, g: p.div(y, g["scale"])}

DISTRIBUTIONS: dict[str, Coefficients] = {
    "normal": LOCATION_AND_SCALE, "laplace": LOCATION_AND_SCALE, "gumbel": LOCATION_AND_SCALE,
    "logistic": LOCATION_AND_SCALE, "exponential": SCALE, "rayleigh": SCALE, "gamma": SCALE,
    "uniform": {"low": lambda p, y, g: p.sub(1.0, _place(p, y, g)), "high": _place},
    "lognormal": {"mean": lambda p, y, g: y, "sigma": _log_steps},
    "weibull": {"a": _power}, "power": {"a": _power},
    "pareto": {"a": lambda p, y, g: p.neg(p.div(p.mul(p.add(y, 1.0), p.log1p(y)), g["a"]))},
    "multivariate_normal": {"mean": _one},
}
"""By the method of a Generator: the derivatives with respect to its parameters, if known."""

ORDER = {"gamma": ("shape", "scale"), "uniform": ("low", "high"), "lognormal": ("mean", "sigma"),
         "exponential": ("scale",), "rayleigh": ("scale",), "weibull": ("a",), "power": ("a",),
         "pareto": ("a",)}
"""The parameters of NumPy's C functions; of the others `loc` and `scale`."""

SELECTIONS = ("choice", "permutation", "permuted", "shuffle")

DEFAULTS = {"loc": 0.0, "scale": 1.0, "low": 0.0, "high": 1.0, "mean": 0.0, "sigma": 1.0}


def draw(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """Of `draw` and `draw_keyed`: a number."""
    name = eqn.params["function"].removeprefix("random_")
    names = ORDER.get(name, ("loc", "scale") if name in DISTRIBUTIONS else None)
    return [_moved(p, l, eqn, name, names or (), tangents)]


def effect(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """Of `call_effect`: a method of a generator."""
    function = eqn.params["function"]
    if function is not generators.drawn:
        raise unsupported(eqn, f"the derivative of what {function.__name__} gives is not known")
    return [_moved(p, l, eqn, keyword(eqn, "method"), keyword(eqn, "names"), tangents)]


def _moved(p: Any, l: Any, eqn: Eqn, method: str, names: tuple[str, ...],
           tangents: list[Any]) -> Any:
    y = eqn.outs[0]
    known = DISTRIBUTIONS.get(method, {})

    def spread(b: Any, x: Atom) -> Atom:
        return b.broadcast(b.convert(x, y.dtype), y.shape)

    given: Given = {n: p.full(DEFAULTS[n], y.shape, y.dtype) for n in known if n in DEFAULTS}
    total = None
    operands = dict(zip(names, zip(eqn.ins[1:], tangents[1:], strict=True), strict=False))
    given.update((n, spread(p, x)) for n, (x, _) in operands.items()
                 if n in known and len(x.shape) <= len(y.shape))
    for k, t in enumerate(tangents):
        if t is None:
            continue
        name = names[k - 1] if 1 <= k <= len(names) else None
        if name not in known:
            raise unsupported(eqn, f"the derivative of {method} with respect to "
                              f"{name or 'its parameters'} is not known",
                              "draw indices and select with them" if method in SELECTIONS else
                              "stop_gradient it, or give the function a rule with custom_vjp")
        term = l.mul(spread(l, t), known[name](p, y, given))
        total = term if total is None else l.add(total, term)
    return total
