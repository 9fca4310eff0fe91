"""What a row says about its derivative: the field `derivative` of `OpDef`, None or one of these.

    exp    = unary(..., derivative=Partials(lambda b, y, x: y))
    div    = binary(..., derivative=Partials(lambda b, y, x, z: Over(z),
                                             lambda b, y, x, z: b.neg(b.div(y, z)),
                                             transpose=lambda b, eqn, ct, k: b.div(ct, eqn.ins[1])))
    floor  = unary(..., derivative=Zero())
    reduce_sum = ... derivative=Linear((0,), transpose)

None: there is no rule, and differentiating through the op is an UnsupportedError.

Rules write equations with a builder (`ops.emit.Emit`), where Python numbers are weak: they take the
dtype of the operands beside them, so a rule is the same for f32 and f64. Coefficients are operands
or the result wherever possible (1 - y*y for tanh): then nothing has to be saved for the backward
pass. A tangent has the type of the value; ints and bools have none. A transpose does not conjugate:
the gradient of a real function of z = x + iy is df/dx - i df/dy, as JAX has it.

A `transpose` is for equations that are linear: `(b, eqn, ct, k)` -> the cotangent of operand k, or
None for no contribution, where `ct` is the cotangent of the only result and the tangents that the
equation works on enter at operand k (and others, for `Linear`). Shapes of elementwise contributions
need not be reduced to a scalar operand's: that is done for all rows alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop.record import record

ONE, MINUS_ONE = "one", "minus one"
"""Coefficients that need no multiplication."""


@record
class Over:
    """The coefficient 1/d: the tangent is divided by d."""
    d: Any


@record
class Zero:
    """The results do not change with the operands: comparisons, floor, random bits."""


Partial = Callable[..., Any] | None


@record
class Partials:
    """Elementwise: `of[k](b, y, *operands)` is the coefficient of operand k's tangent: an atom,
    ONE, MINUS_ONE or `Over(d)`; the entry itself is None if the result does not depend on it. `y`
    is the result. Params of the equation come as keywords, if it has any."""
    of: tuple[Partial, ...]
    transpose: Callable[..., Any] | None

    def __init__(self, *of: Partial, transpose: Callable[..., Any] | None = None):
        self.of, self.transpose = of, transpose     # type: ignore[misc]


@record
class Linear:
    """Jointly linear in the operands at these positions: the tangent is the same equation on their
    tangents (zeros of the operand's type where there is none)."""
    operands: tuple[int, ...]
    transpose: Callable[..., Any]


@record
class Rule:
    """`jvp(p, l, eqn, tangents)` -> a tangent for each result, None for zero; `tangents[k]` is None
    if operand k has none. What does not depend on tangents is emitted with p, what does with l: by
    equations that are linear in the tangents, of rows that have a transpose."""
    jvp: Callable[..., list[Any]]
    transpose: Callable[..., Any] | None = None


Derivative = Zero | Partials | Linear | Rule
