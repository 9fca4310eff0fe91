"""The rewrites of `simplify` as data, with the algebra beside them, by theme.

    Rule(op.mul(X, 1), X, REALS),       # x*1 -> x

All are exact: no rule changes a float in a single bit (but which nan), none makes a program dearer.
X, Y, ... match any value, the same name the same value; a number matches that constant in the
operands' dtype, zero with its sign. A result is built by the same notation; numbers in it take the
result's dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.ops import OPS
from hotloop.ops.table import BOOLS, COMPLEXES, FLOATS, INTS, UINTS, OpDef
from hotloop.record import record

ANY = BOOLS + INTS + UINTS + FLOATS + COMPLEXES
WHOLE = INTS + UINTS
REALS = WHOLE + FLOATS


@record
class Value:
    """Matches any atom."""
    name: str


@record
class Apply:
    """Matches the result of an op."""
    row: OpDef
    args: tuple[Any, ...]


class _Ops:
    """`op.add(X, 0)`; trailing underscores for Python's keywords."""

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        row = OPS.get(name.rstrip("_"))
        if row is None:
            raise AttributeError(f"no op {name!r}")
        return lambda *args: Apply(row, args)


@record
class Rule:
    """`pattern -> result` if the pattern's first operand has a dtype of `kinds` (that of the second
    for `select`) and, given `carry`, A is carried by a loop."""
    pattern: Apply
    result: Any
    kinds: str = ANY
    carry: bool = False


op = _Ops()
A, C, D, X, Y, Z = map(Value, "ACDXYZ")

RULES = (
    # neutral elements; x + 0.0 is not x for x = -0.0, but x + -0.0 is
    Rule(op.add(X, 0), X, WHOLE),
    Rule(op.add(0, X), X, WHOLE),
    Rule(op.add(X, -0.0), X, FLOATS),
    Rule(op.add(-0.0, X), X, FLOATS),
    Rule(op.sub(X, 0), X, REALS),
    Rule(op.mul(X, 1), X, REALS),
    Rule(op.mul(1, X), X, REALS),
    Rule(op.div(X, 1), X, FLOATS),
    Rule(op.floor_divide(X, 1), X, WHOLE),
    Rule(op.shift_left(X, 0), X),
    Rule(op.shift_right(X, 0), X),

    # absorbing elements, equal operands; not for floats (nan, inf)
    Rule(op.mul(X, 0), 0, WHOLE),
    Rule(op.mul(0, X), 0, WHOLE),
    Rule(op.remainder(X, 1), 0, WHOLE),
    Rule(op.sub(X, X), 0, WHOLE),
    Rule(op.xor(X, X), 0, WHOLE + BOOLS),
    Rule(op.min(X, X), X),
    Rule(op.max(X, X), X),
    Rule(op.minimum(X, X), X),
    Rule(op.maximum(X, X), X),

    # inverses
    Rule(op.neg(op.neg(X)), X),
    Rule(op.not_(op.not_(X)), X),
    Rule(op.conj(op.conj(X)), X),
    Rule(op.sub(op.add(X, Y), Y), X, WHOLE),            # modulo 2**width
    Rule(op.sub(op.add(X, Y), X), Y, WHOLE),
    Rule(op.add(op.sub(X, Y), Y), X, WHOLE),
    Rule(op.add(X, op.neg(Y)), op.sub(X, Y), REALS),
    Rule(op.sub(X, op.neg(Y)), op.add(X, Y), REALS),
    Rule(op.real(op.complex(X, Y)), X),
    Rule(op.imag(op.complex(X, Y)), Y),

    # truth
    Rule(op.and_(X, X), X),
    Rule(op.or_(X, X), X),
    Rule(op.and_(X, True), X, BOOLS),
    Rule(op.and_(True, X), X, BOOLS),
    Rule(op.and_(X, False), False, BOOLS),
    Rule(op.and_(False, X), False, BOOLS),
    Rule(op.or_(X, False), X, BOOLS),
    Rule(op.or_(False, X), X, BOOLS),
    Rule(op.or_(X, True), True, BOOLS),
    Rule(op.or_(True, X), True, BOOLS),
    Rule(op.xor(X, False), X, BOOLS),
    Rule(op.ne(X, False), X, BOOLS),
    Rule(op.eq(X, True), X, BOOLS),
    Rule(op.eq(X, False), op.not_(X), BOOLS),
    Rule(op.ne(X, True), op.not_(X), BOOLS),

    # comparisons; a nan makes both `x < y` and `x >= y` False
    Rule(op.not_(op.eq(X, Y)), op.ne(X, Y)),
    Rule(op.not_(op.ne(X, Y)), op.eq(X, Y)),
    Rule(op.lt(X, X), False),
    Rule(op.gt(X, X), False),
    Rule(op.le(X, X), True, WHOLE + BOOLS),
    Rule(op.ge(X, X), True, WHOLE + BOOLS),
    Rule(op.eq(X, X), True, WHOLE + BOOLS),
    Rule(op.ne(X, X), False, WHOLE + BOOLS),

    # choice
    Rule(op.select(C, X, X), X),
    Rule(op.select(True, X, Y), X),
    Rule(op.select(False, X, Y), Y),
    Rule(op.select(C, True, False), C, BOOLS),
    Rule(op.select(C, False, True), op.not_(C), BOOLS),
    Rule(op.select(C, True, X), op.or_(C, X), BOOLS),
    Rule(op.select(C, X, False), op.and_(C, X), BOOLS),
    Rule(op.select(op.not_(C), X, Y), op.select(C, Y, X)),
    Rule(op.select(C, op.select(C, X, Y), Z), op.select(C, X, Z)),
    Rule(op.select(C, X, op.select(C, Y, Z)), op.select(C, X, Z)),
    Rule(op.select(C, op.select(D, X, Y), Y), op.select(op.and_(C, D), X, Y)),

    # conditional accumulation becomes accumulation, which is a reduction: a + -0.0 is a
    Rule(op.select(C, op.add(A, D), A), op.add(A, op.select(C, D, 0)), WHOLE, carry=True),
    Rule(op.select(C, op.add(D, A), A), op.add(A, op.select(C, D, 0)), WHOLE, carry=True),
    Rule(op.select(C, op.add(A, D), A), op.add(A, op.select(C, D, -0.0)), FLOATS, carry=True),
    Rule(op.select(C, op.add(D, A), A), op.add(A, op.select(C, D, -0.0)), FLOATS, carry=True),
    Rule(op.select(C, op.sub(A, D), A), op.sub(A, op.select(C, D, 0)), REALS, carry=True),
    Rule(op.select(C, op.mul(A, D), A), op.mul(A, op.select(C, D, 1)), REALS, carry=True),
    Rule(op.select(C, op.mul(D, A), A), op.mul(A, op.select(C, D, 1)), REALS, carry=True),
    Rule(op.select(C, A, op.add(A, D)), op.add(A, op.select(C, 0, D)), WHOLE, carry=True),
    Rule(op.select(C, A, op.add(A, D)), op.add(A, op.select(C, -0.0, D)), FLOATS, carry=True),
    Rule(op.select(C, A, op.sub(A, D)), op.sub(A, op.select(C, 0, D)), REALS, carry=True),
    Rule(op.select(C, op.minimum(A, D), A), op.minimum(A, op.select(C, D, np.inf)), FLOATS,
         carry=True),
    Rule(op.select(C, op.maximum(A, D), A), op.maximum(A, op.select(C, D, -np.inf)), FLOATS,
         carry=True),
)


def exact_conversion(source: np.dtype, middle: np.dtype, target: np.dtype) -> bool:
    """Whether converting `source` to `middle` to `target` is converting directly: every value has
    its own one in `middle`, and what float to int makes of values out of range does not show."""
    if middle.kind in "fc" and target.kind in "iu" and not np.can_cast(source, target, "safe"):
        return False
    if source.kind in "iu" and middle.kind in "fc":
        part = middle if middle.kind == "f" else np.dtype(f"f{middle.itemsize // 2}")
        return source.itemsize * 8 - (source.kind == "i") <= np.finfo(part).nmant + 1
    return np.can_cast(source, middle, "safe")
