"""Integer arithmetic of dimensions and indices: affine forms, facts, bounds, proofs.

Every i64 Var that is a Python int has an affine form over Vars, e.g. `n - 2`; equal forms are one
Var. A *fact* is a form known to be >= 0 in a block (from loop ranges, comparisons that passed,
dimensions); *bounds* are an interval for one Var. Together they prove most index checks, dimension
equalities and absence of overflow at trace time:

    nonnegative(form(n) - form(i) - 1)      # i < n: no bounds check needed

Proofs are budgeted: a failed proof costs a run-time check, never a hang.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.frontend.builder import Builder, Form, Settled, check, current, emit, lit
from hotloop.ir.core import Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, I64
from hotloop.ops.table import MAX_OPERANDS

MIN, MAX = -2**63, 2**63 - 1
ANY = MIN, MAX
MAX_DIM = 2**47
"""No array has more elements: the address space of a process."""

PROOF_DEPTH, PROOF_NODES = 6, 60


def form(x: Atom | int) -> Form:
    """The affine form of a dimension or i64 atom."""
    if type(x) is Lit:
        x = int(x.value)
    if type(x) is Var:
        return current().state.affine.get(x) or {x: 1}
    return {None: int(x)} if x else {}  # type: ignore[arg-type]


def plus(a: Form, b: Form, k: int = 1) -> Form:
    """a + k*b"""
    r = dict(a)
    for v, c in b.items():
        s = r.get(v, 0) + k * c
        if s:
            r[v] = s
        else:
            del r[v]
    return r


def minus(a: Form, b: Form) -> Form:
    return plus(a, b, -1)


def negate(a: Form) -> Form:
    return {v: -c for v, c in a.items()}


def scale(a: Form, k: int) -> Form:
    return {v: c * k for v, c in a.items()} if k else {}


ONE: Form = {None: 1}


# ---- bounds and facts

def var_bounds(v: Var) -> tuple[int, int]:
    """The tightest interval known for a Var in the open block."""
    return current().bounds.get(v, ANY)


def bounds(f: Form) -> tuple[int, int]:
    """An interval that holds the value of a form (over the integers, without wrapping)."""
    low = high = 0
    known = current().bounds
    for v, c in f.items():
        if v is None:
            low += c
            high += c
        elif c > 0:
            p, q = known.get(v, ANY)
            low += c * p
            high += c * q
        else:
            p, q = known.get(v, ANY)
            low += c * q
            high += c * p
    return low, high


def fits(f: Form) -> bool:
    """Is the value of the form certainly an i64?"""
    low, high = bounds(f)
    return MIN <= low and high <= MAX


def bound(v: Var, low: int = MIN, high: int = MAX, builder: Builder | None = None) -> Var:
    """Record low <= v <= high in the open (or given) block."""
    b = builder or current()
    p, q = b.bounds.get(v, (MIN, MAX))
    b.bounds[v] = max(p, low), min(q, high)
    return v


def fact(f: Form, builder: Builder | None = None) -> None:
    """Record f >= 0 in the open (or given) block."""
    b = builder or current()
    if not f or nonnegative(f):
        return
    for v, c in f.items():
        if v is None:
            continue
        b.facts[v] = (*b.facts.get(v, ()), f)
        high = bounds({u: k for u, k in f.items() if u is not v})[1]
        # c*v + rest >= 0 with rest <= high
        if c > 0:
            least = -(high // c)
            if least > MIN:
                bound(v, low=least, builder=b)
        else:
            most = high // -c
            if most < MAX:
                bound(v, high=most, builder=b)


def assume(outcome_of: Any, holds: bool, builder: Builder | None = None) -> None:
    """Record what the truth (or falsehood) of a comparison's result says."""
    if type(outcome_of) is Var:
        builder = builder or current()
        builder.truths[outcome_of] = holds
        opposite = builder.state.opposites.get(outcome_of)
        if opposite is not None:
            builder.truths[opposite] = not holds
        known = builder.state.outcomes.get(outcome_of)
        if known is not None:
            for f in known[0 if holds else 1]:
                fact(f, builder)


def nonnegative(f: Form) -> bool:
    """Is f >= 0 proved by the facts in sight?"""
    if bounds(f)[0] >= 0:
        return True
    return _prove(f, PROOF_DEPTH, set())


def _prove(f: Form, depth: int, seen: set[frozenset]) -> bool:
    """Subtract facts that hold the newest Var until the bounds suffice."""
    newest = None
    for v in f:
        if v is not None and (newest is None or v.id > newest.id):
            newest = v
    if newest is None:
        return False
    c = f[newest]
    least, most = var_bounds(newest)
    for g in (*current().facts.get(newest, ()), *_of_bounds(newest, c, least, most)):
        k = g[newest]
        if k * c > 0 and c % k == 0:
            rest = plus(f, g, -(c // k))
            if bounds(rest)[0] >= 0:
                return True
            key = frozenset(rest.items())
            if depth and key not in seen and len(seen) < PROOF_NODES:
                seen.add(key)
                if _prove(rest, depth - 1, seen):
                    return True
    return False


def _of_bounds(v: Var, c: int, least: int, most: int) -> tuple[Form, ...]:
    """What the interval of a Var says, as facts, if it helps where its coefficient is `c`."""
    if c > 0:
        return ({v: 1, None: -least} if least else {v: 1},) if least > MIN else ()
    return ({v: -1, None: most} if most else {v: -1},) if most < MAX else ()


def at_most(a: Atom | int, b: Atom | int) -> bool:
    """Is a <= b proved?"""
    return nonnegative(minus(form(b), form(a)))


def equal(a: Atom | int, b: Atom | int) -> bool:
    """Is a == b proved?"""
    if a is b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    d = minus(form(a), form(b))
    return not d or len(d) > (None in d) and nonnegative(d) and nonnegative(negate(d))


def same_dims(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> bool:
    """Equal ranks and provably equal dimensions."""
    return len(a) == len(b) and all(map(equal, a, b))


def sign(x: Atom | int) -> int:
    """1: x >= 0 is proved; -1: x < 0 is proved; 0: unknown."""
    f = form(x)
    return 1 if nonnegative(f) else -1 if nonnegative(minus(negate(f), ONE)) else 0


# ---- values

def known(f: Form) -> Dim | None:
    """An int or a visible Var with this form, if there is one."""
    if not f:
        return 0
    if len(f) == 1:
        (v, c), = f.items()
        if v is None:
            return c
        if c == 1:
            return v
    builder = current()
    var = builder.state.forms.get(frozenset(f.items()))
    return var if var is not None and builder.sees(var) else None


def name_form(var: Var, f: Form) -> Var:
    """Record that `var` has the value of the form."""
    state = current().state
    state.affine[var] = f
    state.forms[frozenset(f.items())] = var
    return var


def dim(f: Form) -> Dim:
    """The int or Var of a form that is known to fit an i64; emits the arithmetic if need be.

    Sums are built without overflow checks: two's complement sums are exact if the result fits.
    """
    found = known(f)
    if found is not None:
        return found
    result: Atom | int | None = None
    for v, c in sorted(f.items(), key=lambda t: (t[1] < 0, t[0] is None, t[0].id if t[0] else 0)):
        if v is None:
            term: Any = abs(c)
        elif abs(c) == 1:
            term = v
        else:
            term, = emit("mul", [lit(abs(c)), v], [(I64, ())])
        if result is None:
            result = term if c > 0 else emit("neg", [term], [(I64, ())])[0]
        else:
            result, = emit("sub" if c < 0 else "add", [result, term], [(I64, ())])
    assert type(result) is Var
    return name_form(result, f)


def product(dims: tuple[Dim, ...]) -> Dim:
    """The number of elements."""
    result: Dim = 1
    for d in dims:
        if isinstance(d, int) and isinstance(result, int):
            result *= d
        elif isinstance(d, int):
            result = dim(scale(form(result), d))
        elif isinstance(result, int):
            result = dim(scale(form(d), result))
        else:
            var, = emit("mul", [result, d], [(I64, ())])
            result = bound(var, 0, MAX_DIM)
    return result


def minimum(a: Dim, b: Dim) -> Dim:
    return _extreme("minimum", a, b)


def maximum(a: Dim, b: Dim) -> Dim:
    return _extreme("maximum", a, b)


def _extreme(op: str, a: Dim, b: Dim) -> Dim:
    if at_most(a, b):
        return b if op == "maximum" else a
    if at_most(b, a):
        return a if op == "maximum" else b
    return _emitted_extreme(op, a, b)


def _emitted_extreme(op: str, a: Dim, b: Dim) -> Var:
    var, = emit(op, [a, b], [(I64, ())])
    if var not in current().bounds:
        s = 1 if op == "maximum" else -1
        (p, q), (r, t) = bounds(form(a)), bounds(form(b))
        bound(var, *((max(p, r), max(q, t)) if s > 0 else (min(p, r), min(q, t))))
        for x in (a, b):
            fact(scale(minus({var: 1}, form(x)), s))
    return var


def at_least_zero(f: Form) -> Dim:
    """max(0, f); max(0, max(0, g) - h) is max(0, g - h) if h >= 0, so that slices of slices have
    one form."""
    if nonnegative(f):
        return dim(f)
    if nonnegative(negate(f)):
        return 0
    clipped = current().state.clipped
    for v in [v for v, c in f.items() if c == 1 and v in clipped]:
        rest = minus(f, {v: 1})
        if nonnegative(negate(rest)) and fits(plus(clipped[v], rest)):
            return at_least_zero(plus(clipped[v], rest))
    var = _emitted_extreme("maximum", dim(f), 0)
    clipped[var] = f
    return var


def compare(op: str, a: Dim | Atom, b: Dim | Atom) -> Atom | bool:
    """`lt le gt ge eq ne` of integers: proved at trace time, or emitted with what it implies."""
    f = minus(form(a), form(b))
    if op in ("gt", "le"):
        op, f = {"gt": "lt", "le": "ge"}[op], negate(f)
        a, b = b, a
    if op in ("lt", "ge"):
        if nonnegative(f):
            return op == "ge"
        if nonnegative(minus(negate(f), ONE)):
            return op == "lt"
    elif equal(a, b):
        return op == "eq"
    elif set(f) == {None} or nonnegative(minus(f, ONE)) or nonnegative(minus(negate(f), ONE)):
        return op == "ne"
    var, = emit(op, [a, b], [(BOOL, ())])
    less, not_less = [minus(negate(f), ONE)], [f]
    current().state.outcomes[var] = {
        "lt": (less, not_less), "ge": (not_less, less),
        "eq": ([f, negate(f)], []), "ne": ([], [f, negate(f)])}[op]
    return var


def require(op: str, a: Dim, b: Dim, exception: type[BaseException], message: str,
            *operands: Any) -> None:
    """Check `a op b` at run time unless it is proved; afterwards it is a fact."""
    ok = compare(op, a, b)
    check(ok, exception, message, *operands)
    assume(ok, True)


FEW = 16
"""Sizes that are compiled in where the function wants them."""


def settle(d: Dim, wanted: int) -> None:
    """Begin again with the sizes of arguments compiled in if they make `d` the size that the
    function wants here: `x + np.array([1.0, 2.0, 3.0])` is for an x of 3. Small arrays of known
    size have no loops, and are held in registers; other sizes are another specialization."""
    if type(d) is not Var or not 1 < wanted <= FEW:
        return
    session = current().state.session
    sizes = {dim: size for size, dim in session.dims.items()}
    parts = current().state.clipped.get(d) or form(d)
    if not all(v is None or v in sizes for v in parts) or wanted != sum(
            c if v is None else c * sizes[v] for v, c in parts.items()):
        return
    places = [(given.path, k, dim) for given, var, _ in session.inputs
              for k, dim in enumerate(var.shape) if dim in parts]
    if all(path[0][0] == "arg" for path, _, _ in places):
        raise Settled(tuple((*path, ("dim", k)) for path, k, _ in places))


def require_equal(a: Dim, b: Dim, message: str, *operands: Any,
                  exception: type[BaseException] = ValueError) -> None:
    """Two dimensions must be equal: proved, known to differ (raises now), or checked."""
    if not equal(a, b):
        for d, e in ((a, b), (b, a)):
            if isinstance(e, int):
                settle(d, e)
        require("eq", a, b, exception, message, *operands)


def broadcast_dim(a: Dim, b: Dim, shapes: tuple[tuple[Dim, ...], ...]) -> Dim:
    """The dimension that `a` and `b` (of arrays of `shapes`) broadcast to; checked at run time
    where it is not proved."""
    if isinstance(a, int) and a == 1:
        return b
    if isinstance(b, int) and b == 1 or equal(a, b):
        return b if isinstance(b, int) and not isinstance(a, int) and b != 1 else a
    for d, e in ((a, b), (b, a)):
        if isinstance(e, int):
            settle(d, e)
    if isinstance(a, int) and isinstance(b, int):
        check(lit(False), ValueError, *not_broadcast(shapes, a, b))
    same = compare("eq", a, b)
    a_is_one, b_is_one = compare("eq", a, 1), compare("eq", b, 1)
    ok, = emit("or", [same if type(same) is Var else lit(bool(same)),
                      a_is_one if type(a_is_one) is Var else lit(bool(a_is_one))], [(BOOL, ())])
    ok, = emit("or", [ok, b_is_one if type(b_is_one) is Var else lit(bool(b_is_one))],
               [(BOOL, ())])
    check(ok, ValueError, *not_broadcast(shapes, a, b))
    if a_is_one is False:
        if b_is_one is False:
            assume(same, True)
        return a
    if b_is_one is False:
        return b
    var, = emit("select", [a_is_one if type(a_is_one) is Var else lit(a_is_one), b, a],
                [(I64, ())])
    return bound(var, 0, MAX_DIM)


def not_broadcast(shapes: Sequence[tuple[Dim, ...]], a: Dim, b: Dim) -> list[Any]:
    """NumPy's message for shapes that do not broadcast, as `a` and `b` among them do not, and the
    operands it shows."""
    texts = [shape_text(shape) for shape in shapes]
    message = "operands could not be broadcast together with shapes " + "".join(
        text + " " for text, _ in texts)
    operands: list[Any] = [d for _, dims in texts for d in dims]
    if len(operands) > MAX_OPERANDS:                      # more than a check can show
        message = "operands could not be broadcast together: dimensions {} and {}"
        operands = [lit(d) if isinstance(d, int) else d for d in (a, b)]
    return [message, *operands]


def broadcast_dims(*shapes: tuple[Dim, ...],
                   outs: Sequence[tuple[Dim, ...]] = ()) -> tuple[Dim, ...]:
    """The dimensions that shapes broadcast to; raises or checks as NumPy does, whose message shows
    those of outputs, too."""
    if len(shapes) == 1:
        return shapes[0]
    rank = max(map(len, shapes))
    result: list[Dim] = [1] * rank
    for shape in shapes:
        for k, d in enumerate(shape, rank - len(shape)):
            result[k] = broadcast_dim(result[k], d, (*shapes, *outs))
    return tuple(result)


def shape_text(shape: tuple[Dim, ...]) -> tuple[str, list[Var]]:
    """`(3, n)` as a format string and its operands."""
    parts = ["{}" if isinstance(d, Var) else str(d) for d in shape]
    text = f"({parts[0]},)" if len(parts) == 1 else f"({','.join(parts)})"
    return text, [d for d in shape if isinstance(d, Var)]
