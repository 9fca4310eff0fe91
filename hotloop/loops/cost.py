"""What loops cost: the constants of all heuristics, with their measurements.

Unit: one vector add of one f64 element. Measured on one core with AVX-512, 8 f64 a register
(ns per element, in L1): copy 0.055, one more operand +0.02, add 0.005-0.01, div +0.08, sqrt +0.19,
exp +0.38, sum 0.046. Scalar operations of one element take about LANES as long.
"""

from __future__ import annotations

from collections.abc import Mapping

from hotloop.loops.expr import Expr, e, lit, operands, substitute, var
from hotloop.loops.scalar import SCALAR_OPS

LANES = 8
"""Elements in a register, for weighing: f64 with AVX-512; with less all vector code loses alike."""

ACCESS = {"uniform": 1.0, "unit": 2.0, "columns": 5.0, "parts": 6.0, "strided": 12.0,
          "gather": 14.0}
"""A load or store per element by how lanes reach it. Loops with gathers ran 2.4 times slower than
their children with unit stride (softmax with recomputation: 0.50 against 0.21 ms). Columns are
loaded 8 x 8 and transposed by 24 shuffles."""

MOST_PARTS, MOST_BYTES = 4, 24
"""Up to this many parts and bytes of a row its parts are shuffled; beyond, shuffles cost as much as
gathers. ns for each row of c[i, k] = a[i, k] * b[i, k + 1] + a[i, k + 1] in L1, by gathers and by
shuffles: two f64 1.6 and 0.5, three 2.3 and 1.4, four 2.0 and 2.7; two f32 1.0 and 0.25, three 1.4
and 0.6, four 1.9 and 1.0."""

BLOCK = 8
"""Rows and columns that are transposed together."""

SCALAR_ACCESS = 4.0
"""A load or store in scalar code: less than LANES vector accesses, since it overlaps."""

CHAIN = 40.0
"""An iteration that waits for what the one before computed in floats: sums of rows ran in 11 us as
lanes with strided loads, in 27 one after the other (200 x 200; 1000 x 1000: 380 and 640)."""

LOOP = 30.0
"""Entering a vector loop and combining its accumulators (rows of 3: 126 us against 12 flat)."""

DIVERGENCE = 1.5
"""A `while` in lanes runs until the last lane is done; an `if` runs both sides."""

TRIPS = 100
"""Iterations of a loop of whose bounds nothing is known."""

SHORT = 64
"""Constant trip counts up to here get one register: wider ones would mostly be tail (rows of 3:
softmax 306 us with 32 lanes against 126 with 8)."""

LEFT_OVER, WORTH_TWO_LOOPS = 0.1, 0.6
"""A loop that is speculated on runs in part as it was, and is code twice: the part, and up to which
part of its cost that pays."""

DISAPPOINTMENT = 0.25
"""Which part of what speculation should save is not believed where lanes of a loop around it need
no luck (a Mandelbrot set by masks, 60 x 60: 980 us for lanes of what happens when nothing changes
any more, 96 for lanes of points)."""

FEW_NODES, MANY_NODES = 60, 250
"""Operations up to which a loop's values are 4 or 2 registers: 100 operations cost 9.6 ms to
compile at one and 15 at four, 1000 cost 72 and 134; short bodies need the parallelism."""

MATH_NODES = 60
"""Operations that a function of `llvm.mathlib` counts as here: it is 25 to 60 instructions, enough
to keep a core busy (1 / (1 + exp(-x)), 1e4 f32: 6.1 us at four registers, 6.3 at two, 6.7 at one;
13.5, 10.8 and 10.3 ms to compile)."""


def trips(lo: Expr, hi: Expr, step: Expr, sizes: Mapping[str, int]) -> int:
    """Iterations of a loop; `sizes` are guesses for names in its bounds."""
    known = [_typical(x, sizes) for x in (lo, hi, step)]
    if any(x.op != "lit" for x in known):
        left = left_over(lo, hi)
        return TRIPS if left is None else left // 2
    start, stop, by = (int(x.args[0]) for x in known)
    return len(range(start, stop, by)) if by else 0


def left_over(lo: Expr, hi: Expr) -> int | None:
    """Of a loop that does what whole blocks left (`loops.tile`): how many iterations at most."""
    if lo.op != "maximum":
        return None
    for start in lo.args:
        left = e.sub(hi, start)
        if left.op == "and":
            return next((int(x.args[0]) for x in left.args
                         if x.op == "lit" and int(x.args[0]) >= 0), None)
    return None


def _typical(x: Expr, sizes: Mapping[str, int]) -> Expr:
    if x.op == "lit" or not x.free or not x.free <= sizes.keys() or x.loads:
        return x
    return substitute(x, {var(name): lit(sizes[name]) for name in x.free})


def own_cost(node: Expr) -> float:
    """Adds that a node itself takes, accesses apart."""
    if node.op in SCALAR_OPS:
        return SCALAR_OPS[node.op].cost
    return 1.0 if node.op == "convert" else 0.0


def nodes(roots: list[Expr], seen: set[Expr]) -> list[Expr]:
    """The distinct nodes of expressions that are not in `seen`, which grows by them."""
    found = []
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            found.append(node)
            stack += operands(node)
    return found
