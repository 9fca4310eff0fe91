"""Elementary functions as expressions of machine operations.

    expand(e.exp(x))      # multiply-adds, shifts and selects of x; nothing of libm

The formulas are branch-free, so they vectorize in whatever loop uses them, and take part in its
common subexpressions. They stay within 2.5 ulp over the whole range (`benchmarks/accuracy.py` has
the table), and agree with NumPy on NaN, infinities, signed zeros and subnormals. The few arguments
that no short formula serves (sin(1e300)) are left to libm by a `rescue` node.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from hotloop.llvm.mathlib import error, exponential, inverse, logarithm, power, trigonometric
from hotloop.llvm.mathlib.formats import format_of
from hotloop.loops.expr import Expr, fresh_table, rebuild, transform, var
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.loops.template import Template

FUNCTIONS: dict[str, Callable[..., Expr]] = {
    name: getattr(module, name)
    for module, names in (
        (exponential, "exp exp2 expm1 sinh cosh tanh"),
        (logarithm, "log log2 log10 log1p arcsinh arccosh arctanh"),
        (trigonometric, "sin cos tan"),
        (inverse, "arctan arctan2 arcsin arccos"),
        (power, "pow cbrt hypot"),
        (error, "erf erfc"),
    )
    for name in names.split()
}


@functools.cache
def _template(name: str, dtype: np.dtype) -> Template:
    with fresh_table():
        operands = tuple(var(v, dtype) for v in ("x", "y")[:SCALAR_OPS[name].arity])
        return Template(FUNCTIONS[name](format_of(operands[0]), *operands), operands)


def expansion(node: Expr) -> Expr:
    """One elementary function of f32 or f64 as machine operations of its operands as they are."""
    if any(x.op == "lit" for x in node.args):
        return FUNCTIONS[node.op](format_of(node), *node.args)
    return _template(node.op, node.dtype)(*node.args)


def expand(expr: Expr, memo: dict[Expr, Expr] | None = None) -> Expr:
    """`expr` without elementary functions. `memo` may be shared over calls."""
    memo = {} if memo is None else memo

    def change(node: Expr) -> Expr | None:
        if node.op not in FUNCTIONS or any(x not in memo for x in node.args):
            return None                  # comes again when its operands are done
        node = rebuild(node, tuple(memo[x] for x in node.args))
        return expansion(node) if node.op in FUNCTIONS else node
    return transform(expr, change, memo)
