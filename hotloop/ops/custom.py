"""Functions with derivatives of their own, as derivatives are taken of them.

    y = custom[primal=<f>, first=<...>, second=<...>, captured=0] x

`custom` stands for a `custom_jvp` or `custom_vjp` equation while `transforms.expand` works: what it
computes is in closed Programs among its params, so to the transforms it is an op with a rule. What
is left of them in the end is replaced by `primal`.

captured    how many operands are no arguments: values from outside that the functions use
primal      operands -> results
first       operands (and zeros for tangents) -> what the linear half needs (behind the results)
second      that and tangents -> tangents; of a `custom_vjp`, that and cotangents -> cotangents
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Atom, Block, Eqn, Program, rename
from hotloop.ir.types import Type
from hotloop.ops.control import call_type
from hotloop.ops.derivative import Rule
from hotloop.ops.emit import Emit
from hotloop.ops.table import PURE, OpDef, Region, register


def inlined(b: Emit, block: Block, atoms: Sequence[Atom]) -> list[Atom]:
    """The results of a block for these values of its parameters, its equations copied to `b`."""
    env: dict[Any, Atom] = dict(zip(block.params, atoms, strict=True))
    made = rename(Block((), block.eqns, block.outs), env)
    b.eqns += made.eqns
    return made.outs


def _custom_type(ins: tuple[Atom, ...], params: dict[str, Any],
                 blocks: tuple[Block, ...]) -> list[Type]:
    primal = params.get("primal")
    if not isinstance(primal, Program):
        raise TypeError("custom without what it computes")
    return call_type("custom", ins, primal)


def _custom_jvp(p: Emit, l: Emit, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    params = eqn.params
    captured = params["captured"]
    if any(t is not None for t in tangents[:captured]):
        raise UnsupportedError(
            "a function with a derivative of its own uses a variable from outside that is "
            "differentiated with respect to", eqn.location, "pass it as an argument")
    ins, given = eqn.ins[captured:], tangents[captured:]
    of, second = params["of"], params["second"]
    found: list[Any] = [None] * len(eqn.outs)
    if not params["reverse"]:
        zeros = [p.zeros(a.type) for a in ins]
        saved = inlined(p, params["first"], [*eqn.ins, *zeros])
        made = [l.zeros(a.type) if t is None else t for a, t in zip(ins, given, strict=True)]
        for k, t in zip(of, inlined(l, second, [*saved, *made]), strict=True):
            found[k] = t
        return found
    if len(of) != 1:
        raise UnsupportedError("custom_vjp of a function with more than one float result",
                               eqn.location, "return one array, or use custom_jvp")
    saved = inlined(p, params["first"], eqn.ins)
    made = [l.zeros(a.type) if t is None else t for a, t in zip(ins, given, strict=True)]
    found[of[0]] = l.row(custom_linear, [eqn.outs[of[0]], *eqn.ins[:captured], *saved, *made],
                         {"second": second, "count": len(made)})
    return found


def _linear_type(ins: tuple[Atom, ...], params: dict[str, Any],
                 blocks: tuple[Block, ...]) -> list[Type]:
    if not isinstance(params.get("second"), Program):
        raise TypeError("custom_linear without its transpose")
    return [ins[0].type]


def forward_refused(eqn: Eqn) -> UnsupportedError:
    return UnsupportedError("the forward derivative of a custom_vjp function", eqn.location,
                            "use custom_jvp, or grad, vjp and jacrev only")


def _linear_jvp(p: Emit, l: Emit, eqn: Eqn, tangents: list[Any]) -> list[Any]:
    raise forward_refused(eqn)


def _linear_transpose(b: Emit, eqn: Eqn, ct: Atom, k: int) -> Atom:
    first = len(eqn.ins) - eqn.params["count"]
    return inlined(b, eqn.params["second"], [*eqn.ins[1:first], ct])[k - first]


def closed(block: Block, free: Sequence[Any]) -> Program:
    """A block as a Program whose first parameters are these Vars from outside."""
    made = rename(Program([*free, *block.params], block.eqns, block.outs), {})
    assert isinstance(made, Program)
    return made


custom = register(OpDef(
    "custom", "the results of `primal`, with a derivative of its own", _custom_type, None,
    Region("custom"), PURE, False, None, lambda: (), Rule(_custom_jvp)))
custom_linear = register(OpDef(
    "custom_linear", "a tangent of which only the transpose is known", _linear_type, None,
    Region("custom"), PURE, False, None, lambda: (), Rule(_linear_jvp, _linear_transpose)))
