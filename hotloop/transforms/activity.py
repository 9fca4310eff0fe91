"""Which Vars carry a derivative: those that depend on an active input and that a result depends on.

    active(program, [x], program.outs)      # a set of Vars

Two walks over one graph of float Vars, for the whole Program at once: loops are cycles in it, so no
rule is applied twice and the time is linear, whatever the nesting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hotloop.ir.core import Atom, Block, Eqn, Var, walk
from hotloop.ops.derivative import Linear, Partials, Zero
from hotloop.ops.table import carries_from, row


def is_float(atom: Atom) -> bool:
    """Has it tangents? Ints and bools have none."""
    return atom.dtype.kind in "fc"


def active(block: Block, varied: Iterable[Var], useful: Iterable[Atom]) -> set[Var]:
    """The Vars between the `varied` inputs and the `useful` results."""
    forward: dict[Var, list[Var]] = {}
    backward: dict[Var, list[Var]] = {}
    for eqn in walk(block):
        for source, target in flows(eqn):
            forward.setdefault(source, []).append(target)
            backward.setdefault(target, []).append(source)
    ahead = _reached(varied, forward)
    return ahead & _reached((a for a in useful if isinstance(a, Var)), backward)


def _reached(start: Iterable[Var], edges: dict[Var, list[Var]]) -> set[Var]:
    seen = {v for v in start if is_float(v)}
    stack = list(seen)
    while stack:
        for other in edges.get(stack.pop(), ()):
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


def flows(eqn: Eqn) -> Iterator[tuple[Var, Var]]:
    """(source, target): the float Vars of an equation and its blocks between which a derivative
    may pass."""
    first = carries_from(eqn)
    pairs: Iterable[tuple[Atom, Atom]]
    if first is not None:
        body = eqn.blocks[-1]
        inits = eqn.ins[len(eqn.ins) - len(eqn.outs):]
        pairs = [pair for init, param, last, out in zip(
            inits, body.params[first:], body.outs, eqn.outs, strict=True)
            for pair in ((init, param), (init, out), (last, param), (last, out))]
    elif eqn.blocks:
        pairs = [(last, out) for block in eqn.blocks
                 for last, out in zip(block.outs, eqn.outs, strict=True)]
    else:
        passes = through(eqn)
        pairs = [(atom, out) for k, atom in enumerate(eqn.ins) if passes(k) for out in eqn.outs]
    for source, target in pairs:
        if isinstance(source, Var) and is_float(source) and is_float(target):
            yield source, target                        # type: ignore[misc]


def through(eqn: Eqn) -> Callable[[int], bool]:
    """Which operands of an equation without blocks its results may have a derivative in. An op
    without a rule counts as having all, so that its use is noticed."""
    rule = row(eqn).derivative
    if isinstance(rule, Zero):
        return lambda k: False
    if isinstance(rule, Linear):
        return rule.operands.__contains__
    if isinstance(rule, Partials):
        partials = rule.of
        return lambda k: partials[k] is not None
    return lambda k: True
