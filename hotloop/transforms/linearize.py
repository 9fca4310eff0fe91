"""A Program as two: one computes the results and what is to be saved, one is linear in tangents.

    { lambda ; x:f64[]. let y:f64[] = sin x in (y,) }
    ->
    { lambda ; x:f64[]. let y:f64[] = sin x; c = cos x in (y, c) }      primal
    { lambda ; c:f64[] t:f64[]. let u = mul t c in (u,) }               linear

This is `jvp` with two builders: rules emit coefficients into the primal half and equations of
tangents into the linear half. The linear half of a loop is a loop over its trips, `for k in 0..n`,
that reads what the primal half has saved for trip k (`tapes`) and computes the rest again
(`residuals`); that of a branch is a branch on the same condition.

The linear half of a body *redefines* Vars of the primal body under the same names; a Var is bound
once again after a renaming (`fresh`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, dims, free_vars, rename
from hotloop.ir.types import Type, same_shape
from hotloop.ops import control, index
from hotloop.ops.emit import Emit
from hotloop.ops.table import region
from hotloop.record import record
from hotloop.transforms import growing, loops, residuals, revisit, tapes
from hotloop.transforms.activity import active, is_float
from hotloop.transforms.finals import Finals
from hotloop.transforms.prepare import chosen, fresh, plain
from hotloop.transforms.tangents import Tangents, fitted, like, pushed


@record(frozen=False)
class Halves:
    """`program` and `linear` share Vars: `linear` is free in what it needs of the program.
    `inputs` are the tangents of the active parameters, `outs` those of the float results, None for
    a zero, `types` the types of these."""
    program: Program
    inputs: list[Var]
    linear: Emit
    outs: list[Atom | None]
    types: list[Type]


def linearize(program: Program, wrt: Sequence[bool]) -> tuple[Program, Program]:
    """(primal, linear). The primal's results are the program's, then the residuals. The linear
    half's parameters are the residuals, then the tangents of the float parameters where `wrt`; its
    results are the tangents of the float results. Raises UnsupportedError as `jvp`."""
    made = halves(program, wrt)
    outs = [made.linear.zeros(type_) if t is None else t
            for t, type_ in zip(made.outs, made.types, strict=True)]
    linear = Block(made.inputs, made.linear.eqns, outs)
    saved = list(free_vars(linear))
    primal = made.program
    return (fresh(Program(primal.params, primal.eqns, [*primal.outs, *saved], primal.name,
                          (*primal.into, *[None] * len(saved)))),
            closed(saved, linear, primal.name + " linear"))


def closed(saved: Sequence[Var], block: Block, name: str) -> Program:
    """A block as a Program whose first parameters are the Vars that it is free in."""
    return fresh(Program([*saved, *block.params], block.eqns, block.outs, name))


def halves(program: Program, wrt: Sequence[bool], of: Sequence[bool] | None = None) -> Halves:
    """The halves before they are closed, for the float results where `of`."""
    program = plain(program)
    inputs = chosen(program, wrt)
    outs = [a for k, a in enumerate(program.outs) if is_float(a) and (of is None or of[k])]
    walk = Linearizer(active(program, inputs, outs), dims(program), Finals(program))
    given = [like(v) for v in inputs]
    walk.tangent.update(zip(inputs, given, strict=True))
    primal, linear = Emit(), Emit()
    with walk.entered(primal, loop=False):
        walk.block(program.eqns, primal, linear)
    changed = Program(program.params, primal.eqns, program.outs, program.name, program.into)
    return Halves(changed, given, linear, [walk.of(a) for a in outs],
                  [a.type for a in outs])


@record(frozen=False)
class Level:
    """A block being linearized: where its primal half goes, and how many loops are around."""
    primal: Emit
    loops: int


class Linearizer(Tangents):
    """`levels` are the blocks around the present equation, the Program first; `level_of` says in
    which of them a Var is bound. `stores` are the results of regions that hold residuals,
    `fillers` what stands for the residuals of an arm in the other one, `sizes` ints that are not
    negative, `finals` what can be loaded when a loop has ended, `roomy` tangents with more rows
    than their values (`growing`)."""

    def __init__(self, active: set[Var], sizes: Iterable[Var], finals: Finals):
        super().__init__(active)
        self.sizes = frozenset(sizes)
        self.finals = finals
        self.levels: list[Level] = []
        self.level_of: dict[Var, int] = {}
        self.stores: dict[Eqn, set[int]] = {}
        self.fillers: set[Atom] = set()
        self.roomy: set[Atom] = set()

    # ---- tangents with more rows than their values

    def made(self, atom: Atom, l: Emit) -> Atom:
        tangent = super().made(atom, l)
        return growing.thinned(tangent, atom.type, l) if tangent in self.roomy else tangent

    def equation(self, eqn: Eqn, p: Emit, l: Emit) -> None:
        roomy = [a for a in eqn.ins if self.of(a) in self.roomy] if self.roomy else []
        if not roomy or not self.is_active(eqn):
            super().equation(eqn, p, l)
            return
        l.location = eqn.location
        tangents = [self.of(a) for a in eqn.ins]
        if eqn.op is index.reserve:
            self.tangent[eqn.outs[1]] = tangents[0]             # type: ignore[assignment]
        elif tangents[0] in self.roomy and len(roomy) == 1 and growing.is_of_rows(eqn):
            self.tangent[eqn.outs[0]] = made = pushed(eqn, tangents, p, l)[0]  # type: ignore
            if eqn.op is not index.get:
                self.roomy.add(made)                            # type: ignore[arg-type]
        else:
            kept = {a: self.tangent[a] for a in roomy}          # type: ignore[index]
            self.tangent.update({a: self.made(a, l) for a in roomy})    # type: ignore[misc]
            super().equation(eqn, p, l)
            self.tangent.update(kept)                           # type: ignore[arg-type]

    # ---- blocks

    def entered(self, primal: Emit, loop: bool) -> Entered:
        return Entered(self, primal, loop)

    def bind(self, variables: Iterable[Var]) -> None:
        level = len(self.levels) - 1
        for var in variables:
            self.level_of[var] = level

    def block(self, eqns: Sequence[Eqn], p: Emit, l: Emit) -> None:
        for eqn in eqns:
            before = len(p.eqns)
            if eqn.blocks and self.is_active(eqn):
                kind = region(eqn)
                if kind == "cond":
                    self.branch(eqn, p, l)
                elif kind == "checkpoint":
                    self.checkpoint(eqn, p, l)
                else:
                    loops.linearize(self, eqn, p, l)
            else:
                p.eqns.append(eqn)
                self.equation(eqn, p, l)
            for new in p.eqns[before:]:
                self.bind(new.outs)

    def outermost(self, atoms: Iterable[Atom], make: Callable[[Emit], Atom]) -> Atom:
        """What `make` makes of these in the primal half of the outermost block that knows them."""
        level = max((self.level_of.get(a, 0) for a in atoms if isinstance(a, Var)), default=0)
        b = self.levels[level].primal
        before = len(b.eqns)
        made = make(b)
        for eqn in b.eqns[before:]:
            self.level_of.update(dict.fromkeys(eqn.outs, level))
        return made

    def costs(self, paid: Iterable[Var], loop: bool) -> Mapping[Var, float]:
        """What it costs to refer to a Var of a block around the one that has just ended; nothing
        for those in `paid`."""
        return Costs(self, set(paid), loop)

    # ---- branches

    def branch(self, eqn: Eqn, p: Emit, l: Emit) -> None:
        primal, linear = (Emit(), Emit()), (Emit(), Emit())
        for block, pb, lb in zip(eqn.blocks, primal, linear, strict=True):
            with self.entered(pb, loop=False):
                self.block(block.eqns, pb, lb)
        wanted = [k for k, out in enumerate(eqn.outs) if out in self.active
                  and any(self.of(b.outs[k]) is not None for b in eqn.blocks)]
        if not wanted:
            p.eqns.append(eqn)
            return
        roomy = {k: self.of(eqn.blocks[0].outs[k]) for k in wanted
                 if all(self.of(b.outs[k]) in self.roomy for b in eqn.blocks)}
        arms, saved = [], list[list[Any]]()
        for block, pb, lb in zip(eqn.blocks, primal, linear, strict=True):
            outs = [self.of(block.outs[k]) if k in roomy else
                    fitted(self.made(block.outs[k], lb), eqn.outs[k].shape, lb) for k in wanted]
            arm = Block((), lb.eqns, outs)                      # type: ignore[arg-type]
            own = {out for e in pb.eqns for out in e.outs}
            free = free_vars(arm)
            plan = residuals.plan(pb.eqns, (), [v for v in free if v in own],
                                  self.costs(free, False), self.finals.of)
            sizes = [d for v in plan.saved for d in v.shape if d in own]    # types name them
            saved.append(list(dict.fromkeys(sizes + plan.saved)))
            again = [e for e in plan.recomputed if not set(e.outs) <= set(sizes)]
            arms.append(Block((), again + lb.eqns, outs))       # type: ignore[arg-type]
        slots = list(_slots(*saved))
        outs_of: list[list[Atom]] = [
            [self.slot(pair, k, pb, saved) for pair in slots] for k, pb in enumerate(primal)]
        results = [v for a, b in slots for v in (a or b,) if v is not None]
        arms[1].eqns[:0] = [renamed(a, b) for a, b in slots if a and b]
        made = Eqn(eqn.op, eqn.ins, (*eqn.outs, *results), eqn.params,
                   [Block((), pb.eqns, block.outs + extra) for pb, block, extra in zip(
                       primal, eqn.blocks, outs_of, strict=True)], eqn.location)
        p.eqns.append(made)
        self.stores[made] = set(range(len(eqn.outs), len(made.outs)))
        tangents = [like(roomy.get(k, eqn.outs[k])) for k in wanted]    # type: ignore[arg-type]
        self.roomy.update(t for k, t in zip(wanted, tangents, strict=True) if k in roomy)
        self.tangent.update(zip([eqn.outs[k] for k in wanted], tangents, strict=True))
        l.eqns.append(Eqn(control.cond, eqn.ins, tangents, {}, arms, eqn.location))

    def slot(self, pair: tuple[Var | None, Var | None], arm: int, pb: Emit,
             saved: list[list[Var]]) -> Atom:
        """What an arm gives for a slot; zeros, of size 0 where the size is not known here, if the
        slot is the other arm's."""
        own = pair[arm]
        if own is not None:
            return own
        other = pair[1 - arm]
        assert other is not None
        local = saved[1 - arm]
        filler = pb.full(0, [0 if d in local else d for d in other.shape], other.dtype)
        if isinstance(filler, Var):
            self.fillers.add(filler)
        return filler


    # ---- what is computed again

    def checkpoint(self, eqn: Eqn, p: Emit, l: Emit) -> None:
        """The primal half is as it was. The linear half computes again all that it needs, from what
        the block took from outside; as a `call`, so that its transpose does so when its turn comes,
        and from other names (`anew`), so that nothing is shared with the first time."""
        block, = eqn.blocks
        if "slots" in eqn.params:
            loop, = block.eqns
            revisit.linearize(self, Eqn(loop.op, loop.ins, eqn.outs, loop.params, loop.blocks,
                                        loop.location), eqn.params["slots"], p, l)
            return
        pb, lb = Emit(location=eqn.location), Emit(location=eqn.location)
        with self.entered(pb, loop=False):
            self.block(block.eqns, pb, lb)
        p.eqns.append(eqn)
        wanted = [k for k, out in enumerate(eqn.outs)
                  if out in self.active and self.of(block.outs[k]) is not None]
        outs = [fitted(self.made(block.outs[k], lb), eqn.outs[k].shape, lb) for k in wanted]
        head = Emit(location=eqn.location)
        quiet = tapes.pure(pb.eqns, self.stores)
        env: dict[Var, Atom] = {
            v: head.anew(v) for v in free_vars(Block((), quiet, ())) if v.shape or is_float(v)}
        body = rename(Block((), quiet + lb.eqns, outs), env)
        tangents = [like(eqn.outs[k]) for k in wanted]
        self.tangent.update(zip([eqn.outs[k] for k in wanted], tangents, strict=True))
        l.eqns.append(Eqn(control.call, (), tangents, {"name": "checkpoint"},
                          [Block((), head.eqns + body.eqns, body.outs)], eqn.location))


def _slots(yes: list[Var], no: list[Var]) -> Iterator[tuple[Var | None, Var | None]]:
    """Residuals of the two arms of equal type share a slot; sizes don't: in the arm without they
    are 0."""
    sizes = {d for v in yes + no for d in v.shape}
    left = list(no)
    for a in yes:
        b = None if a in sizes else next(
            (b for b in left if b not in sizes and b.dtype == a.dtype
             and same_shape(a.shape, b.shape)), None)
        if b is not None:
            left.remove(b)
        yield a, b
    for b in left:
        yield None, b


def renamed(old: Atom, new: Var) -> Eqn:
    """`new`, another name for `old`."""
    b = Emit()
    if new.shape:
        dims = [d if isinstance(d, Var) else Lit(d) for d in new.shape]
        b.op("reshape", old, *dims)
    else:
        b.op("broadcast", old, axes=())
    made = b.eqns[0]
    return Eqn(made.op, made.ins, [new], made.params)


class Entered:
    """A context: the block that is being linearized."""

    def __init__(self, walk: Linearizer, primal: Emit, loop: bool):
        self.walk, self.primal, self.loop = walk, primal, loop

    def __enter__(self) -> None:
        levels = self.walk.levels
        levels.append(Level(self.primal, (levels[-1].loops if levels else 0) + self.loop))

    def __exit__(self, *error: object) -> None:
        self.walk.levels.pop()


class Costs(Mapping[Var, float]):
    """See `Linearizer.costs`."""

    def __init__(self, walk: Linearizer, paid: set[Var], loop: bool):
        self.walk, self.paid, self.inside = walk, paid, walk.levels[-1].loops + loop

    def __contains__(self, var: object) -> bool:
        level = self.walk.level_of.get(var, 0)                  # type: ignore[call-overload]
        return 0 < level < len(self.walk.levels)

    def __getitem__(self, var: Var) -> float:
        if var in self.paid:
            return 0.0
        around = self.inside - self.walk.levels[self.walk.level_of[var]].loops
        return residuals.weight(var) * residuals.outer_factor(around)

    def __iter__(self) -> Iterator[Var]:
        return iter(self.walk.level_of)

    def __len__(self) -> int:
        return len(self.walk.level_of)
