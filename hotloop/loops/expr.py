"""Hash-consed scalar expressions with integer index arithmetic in affine normal form.

Equal expressions are one object, so equality is `is`. Five kinds of node:

    lit(value, dtype)     a constant              args = (value,)
    var(name, dtype)      a name                  args = (name,)
    aff                   c + sum k*t over i64    args = (c, ((t, k), ...)), sorted by t.serial
    load(buffer, index)   an element              args = (buffer, *index)
    any scalar operation  (`loops.scalar`)        args = operand expressions
    convert, bitcast      to `dtype`              args = (operand,)

i64 `add`, `sub`, `neg` and `mul` by a constant always become `aff` (exact modulo 2**64, as machine
arithmetic is), so `i + 1 - 1 is i`. Operations on constants are folded.

    >>> i = var("i")
    >>> e.sub(e.add(i, e.lit(3)), e.lit(3)) is i
    True
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from hotloop.loops.scalar import SCALAR_OPS, SECOND, TRUTH

BOOL, I64, F64 = np.dtype("?"), np.dtype("i8"), np.dtype("f8")


class Expr:
    """A node; make them with the functions of this module and the algebra `e`, never directly.

    free   names of the variables in it
    loads  load nodes in it (nested ones too)
    cost   adds that computing it takes, shared parts counted each time (capped)
    serial order of creation: what is sorted by it comes out the same in every run
    """

    __slots__ = ("op", "dtype", "args", "free", "loads", "cost", "serial", "__weakref__")

    op: str
    dtype: np.dtype
    args: tuple
    free: frozenset[str]
    loads: frozenset[Expr]
    cost: float
    serial: int

    def __repr__(self) -> str:
        if self.op == "lit":
            return repr(self.args[0].item())
        if self.op == "var":
            return str(self.args[0])
        if self.op == "aff":
            terms = [repr(t) if k == 1 else f"{k}*{t!r}" for t, k in self.args[1]]
            return "(" + " + ".join(terms + ([str(self.args[0])] if self.args[0] else [])) + ")"
        if self.op == "load":
            return f"{self.args[0]!r}[{', '.join(map(repr, self.args[1:]))}]"
        return f"{self.op}({', '.join(map(repr, self.args))})"


Table = dict[tuple, Expr]


class _Tables(threading.local):
    table: Table

    def __init__(self) -> None:
        self.table = {}


_tables = _Tables()
COST_CAP = 1e6
_EMPTY: frozenset = frozenset()


@contextmanager
def fresh_table(again: Table | None = None) -> Iterator[Table]:
    """A table of its own for one compilation: nodes of different compilations are never compared,
    and memory is freed with the last of them. Tables are per thread; what one thread began another
    may go on with (`again`) when it has ended."""
    outer, _tables.table = _tables.table, {} if again is None else again
    try:
        yield _tables.table
    finally:
        _tables.table = outer


def _make(op: str, dtype: np.dtype, args: tuple, key: tuple | None = None) -> Expr:
    key = (op, dtype, args) if key is None else key
    table = _tables.table
    node = table.get(key)
    if node is not None:
        return node
    node = Expr()
    node.op, node.dtype, node.args = op, dtype, args
    free: frozenset = _EMPTY
    loads: frozenset = _EMPTY
    cost = SCALAR_OPS[op].cost if op in SCALAR_OPS else 1 if op in ("load", "convert") else 0
    for kid in operands(node):
        cost += kid.cost
        if kid.free is not free:         # most often operands share one set
            free = free | kid.free if free else kid.free
        if kid.loads is not loads:
            loads = loads | kid.loads if loads else kid.loads
    node.free = free | {args[0]} if op == "var" else free
    node.loads = loads | {node} if op == "load" else loads
    node.cost = min(COST_CAP, cost)
    node.serial = len(table)
    table[key] = node
    return node


def normal(op: str, dtype: np.dtype, args: tuple[Expr, ...]) -> Expr:
    """The node of an operation whose operands are in normal form already: there is nothing to fold
    or to sort, and no i64 sum. For `loops.template`, which rebuilds what `e` has built before."""
    return _make(op, dtype, args)


def operands(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside a node."""
    if node.op in ("lit", "var"):
        return ()
    if node.op == "aff":
        return tuple(t for t, _ in node.args[1])
    if node.op == "load":
        return node.args[1:]
    return node.args


def nodes(root: Expr) -> Iterator[Expr]:
    """All nodes of an expression, each once."""
    seen = {root}
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        for kid in operands(node):
            if kid not in seen:
                seen.add(kid)
                stack.append(kid)


def lit(value: Any, dtype: Any = I64) -> Expr:
    if dtype is I64 and type(value) is int:          # most are
        node = _tables.table.get(("lit", value))
        if node is None:
            node = _tables.table["lit", value] = _lit(value, dtype)
        return node
    return _lit(value, dtype)


def _lit(value: Any, dtype: Any) -> Expr:
    dtype = np.dtype(dtype)
    value = value if isinstance(value, np.generic) and value.dtype == dtype else (
        np.asarray(value).astype(dtype)[()])
    return _make("lit", dtype, (value,), ("lit", dtype, value.tobytes()))


def var(name: str, dtype: Any = I64) -> Expr:
    return _make("var", np.dtype(dtype), (name,))


def load(buffer: Any, index: tuple[Expr, ...]) -> Expr:
    """`buffer` is a loops.core.Buffer; the element at `index`, one expression an axis, or a single
    one that counts elements in C order (of a buffer without strides)."""
    return _make("load", buffer.dtype, (buffer, *index))


def _wrap(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def affine(node: Expr) -> tuple[int, dict[Expr, int]]:
    """(constant, {term: coefficient}) of an i64 expression; terms are not `aff` or `lit`."""
    if node.op == "lit":
        return int(node.args[0]), {}
    if node.op == "aff":
        return node.args[0], dict(node.args[1])
    return 0, {node: 1}


def from_affine(constant: int, terms: Mapping[Expr, int]) -> Expr:
    kept = {t: _wrap(k) for t, k in terms.items() if _wrap(k)}
    constant = _wrap(constant)
    if not kept:
        return lit(constant)
    if constant == 0 and len(kept) == 1:
        (term, k), = kept.items()
        if k == 1:
            return term
    return _make("aff", I64, (constant, tuple(sorted(kept.items(), key=lambda p: p[0].serial))))


def _linear(a: Expr, b: Expr, scale: int) -> Expr:
    c, terms = affine(a)
    c2, terms2 = affine(b)
    for t, k in terms2.items():
        terms[t] = terms.get(t, 0) + scale * k
    return from_affine(c + scale * c2, terms)


def _scaled(a: Expr, k: int) -> Expr:
    c, terms = affine(a)
    return from_affine(c * k, {t: q * k for t, q in terms.items()})


class Algebra:
    """`e.add(x, y)`, `e.exp(x)`, `e.select(c, x, y)`, ...: one method for each row of
    `loops.scalar`, plus `lit`, `convert`, `bitcast`. Operands of one operation have equal dtypes
    (but the condition of `select` and of rescues); Python numbers take the dtype of the others."""

    lit = staticmethod(lit)
    var = staticmethod(var)

    def op(self, name: str, *args: Any) -> Expr:
        row = SCALAR_OPS[name]                       # most of what compiling does ends here
        nodes = args
        for a in args:
            if type(a) is not Expr:
                nodes = _coerce(name, args)
                break
        if len(nodes) != row.arity:
            raise TypeError(f"{name} takes {row.arity} operands, not {len(nodes)}")
        dtype = nodes[-1].dtype
        for node in nodes[1:] if row.dtype == SECOND else nodes:
            if node.dtype is not dtype and node.dtype != dtype:
                raise TypeError(f"{name} of {', '.join(str(n.dtype) for n in nodes)}")
        if row.sign and dtype == I64:
            if row.arity == 1:
                return _scaled(nodes[0], row.sign)
            return _linear(nodes[0], nodes[1], row.sign)
        if name == "mul" and dtype == I64:
            if nodes[0].op == "lit":
                return _scaled(nodes[1], int(nodes[0].args[0]))
            if nodes[1].op == "lit":
                return _scaled(nodes[0], int(nodes[1].args[0]))
        elif name == "select":
            if nodes[0].op == "lit":
                return nodes[1] if nodes[0].args[0] else nodes[2]
            if nodes[1] is nodes[2]:
                return nodes[1]
        if row.dtype == TRUTH:
            dtype = BOOL
        for node in nodes:
            if node.op != "lit":
                break
        else:
            with np.errstate(all="ignore"):
                return lit(row.evaluate(*[n.args[0] for n in nodes]), dtype)
        if row.commutative and nodes[0].serial > nodes[1].serial:
            nodes = (nodes[1], nodes[0])
        return _make(name, dtype, nodes)

    def convert(self, x: Expr, dtype: Any) -> Expr:
        """As NumPy's astype (int to int wraps, float to int truncates, to bool compares with 0)."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.op == "lit":
            with np.errstate(all="ignore"):
                return lit(x.args[0].astype(dtype), dtype)
        return _make("convert", dtype, (x,))

    def bitcast(self, x: Expr, dtype: Any) -> Expr:
        """The same bits as another dtype of the same size."""
        dtype = np.dtype(dtype)
        if x.dtype == dtype:
            return x
        if x.op == "lit":
            return lit(x.args[0].view(dtype), dtype)
        return _make("bitcast", dtype, (x,))

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        name = name.rstrip("_")              # and_, or_, not_
        if name not in SCALAR_OPS:
            raise AttributeError(f"no scalar operation {name!r}")

        def method(*args: Any) -> Expr:
            return self.op(name, *args)
        setattr(self, name, method)
        return method


e = Algebra()


def _coerce(name: str, args: tuple) -> tuple[Expr, ...]:
    body = args[1:] if SCALAR_OPS[name].dtype == SECOND else args
    dtype = next((a.dtype for a in body if isinstance(a, Expr)), None)
    if dtype is None:
        raise TypeError(f"{name}: no operand is an expression")
    return tuple(a if isinstance(a, Expr) else lit(a, dtype) for a in args)


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """`node` with other operands, renormalized."""
    if node.op in ("lit", "var"):
        return node
    if node.op == "aff":
        result = lit(node.args[0])
        for (_, k), t in zip(node.args[1], args, strict=True):
            result = _linear(result, t, k)
        return result
    if node.op == "load":
        return load(node.args[0], args)
    if node.op == "convert":
        return e.convert(args[0], node.dtype)
    if node.op == "bitcast":
        return e.bitcast(args[0], node.dtype)
    return e.op(node.op, *args)


def transform(node: Expr, change: Callable[[Expr], Expr | None],
              memo: dict[Expr, Expr] | None = None) -> Expr:
    """Rebuild bottom-up without recursion; `change(node)` gives a replacement for a node (not
    looked into further) or None to descend. `memo` may be shared over calls with one `change`."""
    memo = {} if memo is None else memo
    stack = [node]
    while stack:
        top = stack[-1]
        if top in memo:
            stack.pop()
            continue
        new = change(top)
        if new is not None:
            memo[top] = new
            stack.pop()
            continue
        kids = operands(top)
        missing = [k for k in kids if k not in memo]
        if missing:
            stack.extend(missing)
            continue
        args = tuple(memo[k] for k in kids)
        memo[top] = top if all(a is k for a, k in zip(args, kids, strict=True)) else (
            rebuild(top, args))
        stack.pop()
    return memo[node]


def substitute(node: Expr, values: Mapping[Expr, Expr],
               memo: dict[Expr, Expr] | None = None) -> Expr:
    """Replace nodes (variables or loads) by others; `memo` may be shared for one mapping."""
    return transform(node, values.get, memo)
