"""Long lists of statements are divided among functions, so that compiling takes linear time.

    s1; ...; s900             ->      call invoke 0 (b1, n) -> (t7)
                                      call invoke 1 (b1, b2, n, t7)

LLVM's register allocator takes time that is quadratic in the number of values of a function: the
gradient of 800 operations in a row took 3 s. So a list of more than `MOST` is cut into pieces of
about `PIECE`, each a function of its own. What pieces compute for each other crosses in memory, as
registers are not enough for all of it anyway. Allocations stay where the list is.
"""

from __future__ import annotations

import numpy as np

from hotloop.loops.core import (
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    For,
    Free,
    If,
    Kernel,
    Let,
    ScalarParam,
    Statement,
    Store,
    While,
    parts,
    walk,
)
from hotloop.loops.expr import I64, Expr, lit, load, var
from hotloop.loops.rewrite import Names, binds, bound, expressions, loaded, written
from hotloop.record import field, record

PIECE = 1500.0
"""Cost of the expressions of a piece; a call takes as long as a dozen operations."""

MOST = 2 * PIECE
"""Cost of a list that is left in one piece."""

LOOP = 20.0
"""A loop counts as this much beside its expressions."""


def divide(kernel: Kernel) -> bool:
    """Divide what is too long, in place. Was anything?"""
    count = len(kernel.functions)
    for part in (kernel, *kernel.functions):
        weights: dict[Statement, float] = {}
        if _weigh(part.body, weights) > MOST:
            _Division(kernel, part, weights).run()
    return len(kernel.functions) > count


def _weigh(statements: list[Statement], weights: dict[Statement, float]) -> float:
    total = 0.0
    for s in statements:
        weight = 1.0 + sum(x.cost for x in expressions(s))
        if isinstance(s, For | While):
            weight += LOOP
        for inner in parts(s):
            weight += _weigh(inner, weights)
        weights[s] = weight
        total += weight
    return total


@record(eq=False, frozen=False)
class _Piece:
    """Statements that become a function, if `weight` is enough; allocations before and releases
    after it stay in the list, as everything does of a piece that is none."""
    before: list[Statement] = field(default_factory=list)
    inside: list[Statement] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)
    weight: float = 0.0
    names: set[str] = field(default_factory=set)
    called: bool = True

    @property
    def staying(self) -> list[Statement]:
        return [*self.before, *([] if self.called else self.inside), *self.after]


class _Division:
    """Of one kernel, `part`, beside others of `kernel`. `memory` has a buffer for each dtype, in
    which pieces hand on what they computed."""

    def __init__(self, kernel: Kernel, part: Kernel, weights: dict[Statement, float]):
        self.kernel, self.part, self.weights = kernel, part, weights
        self.names = Names(part)
        self.dtypes: dict[str, np.dtype] = {
            p.name: p.dtype for p in part.params if isinstance(p, ScalarParam)}
        for s in walk(part.body):
            if isinstance(s, Let):
                self.dtypes[s.name] = s.value.dtype
            elif isinstance(s, For | While):
                self.dtypes.update((c.name, c.dtype) for c in s.carries)
            elif isinstance(s, If):
                self.dtypes.update((out[0], out[1]) for out in s.outs)
            elif isinstance(s, Call):
                self.dtypes.update(s.scalars)
        self.memory: dict[np.dtype, Buffer] = {}

    def run(self) -> None:
        scope: set[str] = set()
        for p in self.part.params:
            scope |= {p.name} if isinstance(p, ScalarParam) else _shape_names([p])
        self.divide(self.part.body, scope, [x for x in self.part.results if isinstance(x, Expr)])
        self.part.body[:0] = [Alloc(buffer) for buffer in self.memory.values()]

    def divide(self, body: list[Statement], scope: set[str], ends: list[Expr]) -> None:
        """Divide a list; `scope` are the names that are bound before it, `ends` what is evaluated
        at its end."""
        if sum(self.weights[s] for s in body) <= MOST:
            return
        scope = set(scope)
        pieces: list[_Piece] = []
        for s in body:
            if self.weights[s] > MOST and not (
                    isinstance(s, For) and (s.lanes or s.parallel is not None)):
                self.inner(s, scope)
            self.place(s, pieces, scope)
            scope.update(binds(s))
        kept = {name for x in ends for name in x.free}
        for p in pieces:
            p.called = p.called and p.weight > PIECE / 10
            kept |= _names(p.staying)
            if p.called:
                kept |= _shape_names(_buffers(p.inside))
        made: list[Statement] = []
        handed: dict[str, Expr] = {}
        needed = self.needed(pieces)
        for p, later in zip(pieces, needed, strict=True):
            call = [self.call(p, kept, handed, later)] if p.called else p.inside
            made += [*p.before, *call, *p.after]
        body[:] = made

    def inner(self, s: Statement, scope: set[str]) -> None:
        """Divide the lists of a statement."""
        scope = scope.union(binds(s))
        if isinstance(s, For | While):
            self.divide(s.body, scope, [c.next for c in s.carries])
        elif isinstance(s, If):
            self.divide(s.then, scope, [out[2] for out in s.outs])
            self.divide(s.orelse, scope, [out[3] for out in s.outs])
        _weigh([s], self.weights)

    def place(self, s: Statement, pieces: list[_Piece], scope: set[str]) -> None:
        """Into the last piece, or into a new one. `scope`: the names bound before s."""
        last = pieces[-1] if pieces and pieces[-1].called else None
        if isinstance(s, Alloc):
            if last is None or any(
                    x.loads or not last.names.isdisjoint(x.free) for x in s.sizes):
                last = _Piece()
                pieces.append(last)
            last.before.append(s)
            return
        if isinstance(s, Free):
            if last is None:
                last = _Piece()
                pieces.append(last)
            last.after.append(s)
            return
        extents = _shape_names(_buffers([s]))     # of what is passed: known before the call
        movable = _movable(s) and extents <= scope
        if last is None or last.weight + self.weights[s] > PIECE or not movable or (
                not last.names.isdisjoint(extents)):
            last = _Piece(called=movable)
            pieces.append(last)
        last.inside.append(s)
        last.weight += self.weights[s]
        last.names.update(binds(s))

    def needed(self, pieces: list[_Piece]) -> list[set[str]]:
        """For each piece, the names that later ones need."""
        found = []
        later: set[str] = set()
        for p in reversed(pieces):
            found.append(set(later))
            if p.called:
                later |= _names(p.inside) - bound(p.inside)
        return found[::-1]

    def call(self, piece: _Piece, kept: set[str], handed: dict[str, Expr],
             later: set[str]) -> Call:
        """The piece as a function, and its call. `handed`: where names are that are not `kept` in
        the list."""
        inside = piece.inside
        wanted = sorted((_names(inside) | _shape_names(_buffers(inside))) - bound(inside))
        body: list[Statement] = [Let(n, handed[n]) for n in wanted if n in handed]
        scalars = [n for n in wanted if n not in handed]
        body += inside
        made = [n for s in inside for n in binds(s) if not isinstance(s, For) or n != s.var]
        results = [n for n in made if n in kept]
        for name in made:
            if name in later and name not in kept:
                memory = self.room(self.dtype(name))
                place = lit(int(memory.shape[0].args[0]) - 1)
                body.append(Store(memory, (place,), var(name, self.dtype(name))))
                handed[name] = load(memory, (place,))
        buffers = _buffers(body)
        params = [ScalarParam(n, self.dtype(n)) for n in scalars]
        self.kernel.functions.append(Kernel(
            f"{self.part.name} piece", [*params, *buffers],
            [var(n, self.dtype(n)) for n in results], body, self.kernel.errors, self.kernel.sites,
            [], self.kernel.functions, self.kernel.sizes))
        ins: list[Buffer | Expr] = [var(p.name, p.dtype) for p in params]
        for b in buffers:
            ins += [b, *b.shape]
        return Call("invoke", len(self.kernel.functions) - 1, tuple(ins),
                    tuple(_changed(body, buffers)), tuple((n, self.dtype(n)) for n in results))

    def dtype(self, name: str) -> np.dtype:
        return self.dtypes.get(name, I64)

    def room(self, dtype: np.dtype) -> Buffer:
        """The memory for names of a dtype, one larger than before."""
        if dtype not in self.memory:
            self.memory[dtype] = Buffer(self.names("b"), dtype, (lit(0),), TEMP)
        memory = self.memory[dtype]
        memory.shape = (lit(int(memory.shape[0].args[0]) + 1),)
        return memory


def _movable(s: Statement) -> bool:
    """May it stand in a function? Not if memory changes its name, has strides, or is the caller's
    from here on."""
    if any(isinstance(x, For | While) and x.swaps or isinstance(x, Call) and x.moved
           or isinstance(x, Alloc) and x.buffer.kind == RESULT for x in walk([s])):
        return False
    return all(b.strides is None for b in _buffers([s]))


def _names(statements: list[Statement]) -> set[str]:
    """Names in the expressions of the statements and of those inside them."""
    return {name for s in walk(statements) for x in expressions(s) for name in x.free}


def _buffers(statements: list[Statement]) -> list[Buffer]:
    """Buffers that the statements use and do not allocate, in order."""
    found: dict[Buffer, None] = {}
    own: set[Buffer] = set()
    for s in walk(statements):
        if isinstance(s, Alloc):
            own.add(s.buffer)
            if s.over is not None:
                found[s.over] = None
        if isinstance(s, For):
            own.update(s.private)
        found.update(dict.fromkeys((*loaded(s), *written(s))))
    return [b for b in found if b not in own]


def _changed(statements: list[Statement], buffers: list[Buffer]) -> list[Buffer]:
    changed = {b for s in walk(statements) for b in written(s)}
    return [b for b in buffers if b in changed]


def _shape_names(buffers: list[Buffer]) -> set[str]:
    return {name for b in buffers for x in (*b.shape, *(b.strides or ())) for name in x.free}
