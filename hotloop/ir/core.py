"""The IR: functional array SSA with structured control flow. Read this file first.

    { lambda ; a:f64[n]. let b:f64[n] = neg a; c:f64[n] = exp b; d:f64[n] = add 1.0 c in (d,) }

* An *atom* is a `Var` (defined once) or a `Lit` (a scalar constant).
* An `Eqn` applies an op to atoms, gives new Vars, and may own `Block`s (the arms of a `cond`, the
  body of a `for`). Ops without effect are pure: an update of an array gives a new array.
* A `Block` has parameters, equations and result atoms. It sees the Vars of the blocks around it
  (lexical scope); its parameters are only what changes from one entry to the next.
* A `Program` is a Block with a name. A Var used as a dimension in the type of a parameter is bound
  by that parameter (`n` above); `dims` lists such Vars. Equal Vars are equal dimensions, guarded at
  the entry.

Everything that is true *about* the IR is a function over these classes, here or in `verify`, `text`
and `interp`; the classes know nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np

from hotloop.errors import Location
from hotloop.ir.types import I64, Type

_ids = itertools.count()


class Var:
    """A value defined once: a parameter or a result of an equation. Compared by identity."""

    __slots__ = ("type", "id", "hint")

    def __init__(self, type: Type, hint: str = ""):
        self.type, self.hint, self.id = type, hint, next(_ids)

    @property
    def dtype(self) -> np.dtype:
        return self.type.dtype

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.type.shape

    def __repr__(self) -> str:
        return f"%{self.id}"


class Lit:
    """A scalar constant of a dtype. Equal bits and dtype are equal Lits (nan equals nan)."""

    __slots__ = ("value", "type")

    def __init__(self, value: Any, dtype: Any = None):
        if dtype is None:
            dtype = value.dtype if isinstance(value, np.generic) else PYTHON_DTYPES[type(value)]
        self.type = Type(dtype)
        self.value = self.type.dtype.type(value)

    dtype = property(lambda self: self.type.dtype)
    shape = property(lambda self: ())

    def key(self) -> tuple[np.dtype, bytes]:
        return self.type.dtype, self.value.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lit) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def __repr__(self) -> str:
        return repr(self.value.item())


PYTHON_DTYPES = {bool: np.dtype(bool), int: I64, float: np.dtype(float),
                 complex: np.dtype(complex)}

Atom = Var | Lit
Dim = int | Var


class Op(Protocol):
    """What an Eqn needs to know of its op; the rows are `ops.table.OpDef`."""

    @property
    def name(self) -> str: ...
    @property
    def type_rule(self) -> Callable[..., list[Type]]: ...
    @property
    def evaluate(self) -> Callable[..., Any] | None: ...
    @property
    def effect(self) -> str: ...


class Eqn:
    """`outs = op[params] ins { blocks }`, made at `location` of the user's source."""

    __slots__ = ("op", "ins", "outs", "params", "blocks", "location")

    def __init__(self, op: Op, ins: Iterable[Atom], outs: Iterable[Var],
                 params: dict[str, Any] | None = None, blocks: Iterable[Block] = (),
                 location: Location | None = None):
        self.op, self.ins, self.outs = op, tuple(ins), tuple(outs)
        self.params, self.blocks, self.location = params or {}, tuple(blocks), location

    def __repr__(self) -> str:
        return f"{self.outs} = {self.op.name}{self.params or ''} {self.ins}"


class Block:
    """Parameters, equations in order, results."""

    __slots__ = ("params", "eqns", "outs")

    def __init__(self, params: Iterable[Var], eqns: Iterable[Eqn], outs: Iterable[Atom]):
        self.params, self.eqns, self.outs = list(params), list(eqns), list(outs)


class Program(Block):
    """A Block that can be compiled.

    `into[k]` is the array parameter whose memory receives `outs[k]` when the program returns (an
    argument that the function mutates), or None for a fresh result.
    """

    __slots__ = ("name", "into")

    def __init__(self, params: Iterable[Var], eqns: Iterable[Eqn], outs: Iterable[Atom],
                 name: str = "main", into: Iterable[Var | None] | None = None):
        super().__init__(params, eqns, outs)
        self.name = name
        self.into = tuple(into) if into is not None else (None,) * len(self.outs)


def dims(program: Program) -> list[Var]:
    """Vars bound by the parameters' shapes, in order of first appearance."""
    params = set(program.params)
    return list(dict.fromkeys(d for p in program.params for d in p.shape
                              if isinstance(d, Var) and d not in params))


def walk(block: Block) -> Iterator[Eqn]:
    """All equations of a block and of the blocks inside it, outer before inner."""
    for eqn in block.eqns:
        yield eqn
        for inner in eqn.blocks:
            yield from walk(inner)


def count(block: Block) -> int:
    return sum(1 for _ in walk(block))


def reads(eqn: Eqn) -> Iterator[Var]:
    """Vars an equation itself uses: operands and the dimensions of its results' types."""
    for atom in eqn.ins:
        if isinstance(atom, Var):
            yield atom
    for out in eqn.outs:
        for dim in out.shape:
            if isinstance(dim, Var) and dim not in eqn.outs:
                yield dim


def free_vars(block: Block) -> dict[Var, None]:
    """Vars of outer blocks that a block uses, in order of first use."""
    own: set[Var] = set(block.params)
    free: dict[Var, None] = {}

    def use(var: object) -> None:
        if isinstance(var, Var) and var not in own:
            free[var] = None

    for param in block.params:
        for dim in param.shape:
            use(dim)
    for eqn in block.eqns:
        own.update(eqn.outs)
        for var in reads(eqn):
            use(var)
        for inner in eqn.blocks:
            for var in free_vars(inner):
                use(var)
    for out in block.outs:
        use(out)
    return free


def rename(block: Block, env: dict[Var, Atom]) -> Block:
    """A copy of `block` with fresh Vars for everything it binds and `env` applied to the rest.

    `env` is extended with the new bindings. Passes that rebuild a block go through here, so that
    a Var is bound once in the whole Program.
    """
    def atom(a: Atom) -> Atom:
        return env.get(a, a) if isinstance(a, Var) else a

    def dim(d: Dim) -> Dim:
        r = env.get(d, d) if isinstance(d, Var) else d
        return int(r.value) if isinstance(r, Lit) else r

    def bind(v: Var) -> Var:
        new = env[v] = Var(Type(v.dtype), v.hint)
        return new

    params = [bind(p) for p in block.params]
    for new, old in zip(params, block.params, strict=True):
        new.type = Type(old.dtype, tuple(dim(d) for d in old.shape))
    eqns = []
    for eqn in block.eqns:
        ins = [atom(a) for a in eqn.ins]
        blocks = [rename(b, env) for b in eqn.blocks]
        outs = [bind(o) for o in eqn.outs]
        for new, old in zip(outs, eqn.outs, strict=True):
            new.type = Type(old.dtype, tuple(dim(d) for d in old.shape))
        eqns.append(Eqn(eqn.op, ins, outs, eqn.params, blocks, eqn.location))
    outs_ = [atom(a) for a in block.outs]
    if isinstance(block, Program):
        into = [None if v is None else env[v] for v in block.into]
        return Program(params, eqns, outs_, block.name, into)  # type: ignore[arg-type]
    return Block(params, eqns, outs_)
