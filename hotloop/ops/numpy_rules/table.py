"""The table of rules by function, how equations find theirs, and the calls that rules emit.

    @rule(np.linalg.inv)
    def inv(p, l, eqn, tangents): ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Dim, Eqn, Var
from hotloop.ir.types import CODE_OF
from hotloop.ops.derivative import Rule, Zero
from hotloop.ops.emit import Emit
from hotloop.ops.table import OPS

RULES: dict[Any, Rule | Zero] = {}
INVOKED: dict[Any, Rule | Zero] = {}
"""By the functions that `frontend.numpy_invocation` calls: arguments and results are its trees."""

Jvp = Callable[[Any, Any, Eqn, list[Any]], list[Any]]
Equal = Callable[[Eqn], Iterable[tuple[Dim, Dim]]]


def rule(*functions: Any, transpose: Callable[..., Any] | None = None,
         equal: Equal | None = None) -> Callable[[Jvp], Jvp]:
    """The decorated function is the `jvp` of these functions' calls. `equal`: pairs of dimensions
    that NumPy has found to be equal; for the rule they are one."""
    def add(jvp: Jvp) -> Jvp:
        for function in functions:
            RULES[function] = Rule(jvp if equal is None else _unified(jvp, equal), transpose)
        return jvp
    return add


def square(eqn: Eqn) -> Iterable[tuple[Dim, Dim]]:
    """The first operand is a stack of square matrices, and so are the results, or they have one or
    both of its last axes less."""
    a = eqn.ins[0].shape
    return [(a[-2], a[-1]), *(pair for y in eqn.outs for pair in zip(a, y.shape, strict=False))]


def rectangular(eqn: Eqn, *others: tuple[Dim, Dim]) -> list[tuple[Dim, Dim]]:
    """The first operand and the results are stacks of matrices or vectors; and `others`."""
    stack = eqn.ins[0].shape[:-2]
    return [*(pair for y in eqn.outs for pair in zip(stack, y.shape, strict=False)), *others]


def _unified(jvp: Jvp, equal: Equal) -> Jvp:
    """The rule on operands and results whose equal dimensions have one name."""
    def apply(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
        names: dict[Dim, Dim] = {}
        for a, b in equal(eqn):
            a, b = names.get(a, a), names.get(b, b)
            if isinstance(b, Var) and b is not a:
                names = {**{k: a if v is b else v for k, v in names.items()}, b: a}
            elif isinstance(a, Var) and b is not a:
                names = {**{k: b if v is a else v for k, v in names.items()}, a: b}
        if not names:
            return jvp(p, l, eqn, tangents)

        def named(b: Any, atom: Any) -> Any:
            return None if atom is None else b.reshape(atom, [names.get(d, d) for d in atom.shape])

        view = Eqn(eqn.op, [named(p, a) for a in eqn.ins], [named(p, a) for a in eqn.outs],
                   eqn.params, (), eqn.location)
        return jvp(p, l, view, [named(l, t) for t in tangents])
    return apply


def linear(*functions: Any, transpose: Callable[..., Any]) -> None:
    """Functions that are linear in their first operand and depend on no other tangent."""
    @rule(*functions, transpose=transpose)
    def jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
        return [l.again(eqn, (tangents[0], *eqn.ins[1:]))]


def zero(*functions: Any) -> None:
    for function in functions:
        RULES[function] = Zero()


def known(eqn: Eqn) -> Rule:
    """The rule of an equation; raises UnsupportedError if its function has none."""
    found = _found(eqn)
    if isinstance(found, Rule):
        return found
    function = eqn.params["function"]
    name = getattr(getattr(function, "function", function), "__name__", str(function))
    raise unsupported(eqn, f"the derivative of {name} is not known")


def _found(eqn: Eqn) -> Rule | Zero | None:
    function = eqn.params["function"]
    if hasattr(function, "failures"):
        return Rule(_tried)
    found = RULES.get(function)
    return INVOKED.get(getattr(function, "function", None)) if found is None else found


def _tried(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    """Of a call in a `try`, whose last result is 0 if it went well. If not, nothing has a tangent,
    and the rule, which may call NumPy on what it gets, gets NaN."""
    tried = eqn.params["function"]
    well = p.eq(eqn.outs[-1], 0)

    def used(x: Any) -> Any:
        return p.select(well, x, math.nan) if x.dtype.kind in "fc" else x
    params = {"function": tried.function, "results": tried.results}
    if tried.take is not None:
        params["take"] = tried.take
    if tried.keywords:
        params["keywords"] = tried.keywords
    plain = Eqn(eqn.op, [used(x) for x in eqn.ins], [used(x) for x in eqn.outs[:-1]], params, (),
                eqn.location)
    given = [None if t is None else l.select(well, t, 0) for t in tangents]
    found = jvp(p, l, plain, given)
    return [*(None if t is None else l.select(well, t, 0) for t in found), None]


def unsupported(eqn: Eqn, message: str,
                remedy: str = "give the function a rule with custom_jvp or custom_vjp, or "
                "stop_gradient its argument") -> UnsupportedError:
    return UnsupportedError(message, eqn.location, remedy)


def jvp(p: Any, l: Any, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    if isinstance(_found(eqn), Zero):
        return [None] * len(eqn.outs)
    return known(eqn).jvp(p, l, eqn, tangents)


def transpose(b: Any, eqn: Eqn, ct: Atom, k: int) -> Any:
    found = known(eqn).transpose
    if found is None:
        raise unsupported(eqn, f"{eqn.params['function'].__name__} is not linear")
    return found(b, eqn, ct, k)


def keyword(eqn: Eqn, name: str, default: Any = None) -> Any:
    return dict(eqn.params.get("keywords", ())).get(name, default)


def call(b: Emit, function: Callable[..., Any], operands: Sequence[Atom],
         results: Sequence[tuple[Any, Sequence[Dim]]], **keywords: Any) -> Any:
    """A `call_numpy`: its result, or the list of its results, of these dtypes and dimensions."""
    places: dict[Var, int] = {}
    declared = []
    for dtype, dims in results:
        for d in dims:
            if isinstance(d, Var):
                places.setdefault(d, len(operands) + len(places))
        declared.append((CODE_OF[np.dtype(dtype)], tuple(
            ("in", places[d]) if isinstance(d, Var) else d for d in dims)))
    params: dict[str, Any] = {"function": function, "results": tuple(declared)}
    if places:
        params["take"] = len(operands)
    if keywords:
        params["keywords"] = tuple(sorted(keywords.items()))
    return b.row(OPS["call_numpy"], [*operands, *places], params)
