"""The transpose of a linear half: cotangents of results -> cotangents of inputs.

    { lambda ; c:f64[] t:f64[]. let u = mul t c in (u,) }
    ->
    { lambda ; c:f64[] v:f64[]. let w = mul v c in (w,) }

Equations are visited from the last to the first. The cotangent of a Var is a dense value, if there
is one, and pending loads: `y = x[i]` gives x the pair (i, cotangent of y), which becomes an `addat`
when x's own equation is reached. So loads and stores of a loop cost what they cost, and no array of
zeros is made where a dense value comes anyway.

A cotangent that went through a `select` is 0 where the other side was chosen, and stays so, even
if a coefficient there is infinite (`where(x > 0, sqrt(x), 0)` at 0): the mask is kept beside it and
applied after the coefficients. Elements chosen by index arrays (`x[m] = 1 / x[m]`) are masks too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hotloop import lazy
from hotloop.errors import InternalError
from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Var, free_vars, walk
from hotloop.ir.types import I64, Type
from hotloop.ops import control, elementwise, index, shape
from hotloop.ops.derivative import Linear, Partials, Rule
from hotloop.ops.domains import atom_of
from hotloop.ops.emit import Emit
from hotloop.ops.table import Invoke, Map, Move, Reduce, make_eqn, region, row
from hotloop.record import field, record
from hotloop.transforms import revisit
from hotloop.transforms.activity import is_float
from hotloop.transforms.linearize import Halves
from hotloop.transforms.tangents import fitted, like

recursion = lazy.module("hotloop.transforms.recursion")


def transposed(halves: Halves, of: Sequence[bool]) -> Block:
    """A block whose parameters are the cotangents of the results `of` (positions in `halves.outs`),
    and whose results are those of `halves.inputs`. It is free in what the linear half is."""
    b = Emit()
    turn = Transposer(halves.inputs, halves.linear.eqns)
    later = turn.mark(halves.linear.eqns, b)
    cotangents = Cotangents(turn)
    given = []
    for out, type_, wanted in zip(halves.outs, halves.types, of, strict=True):
        if wanted:
            given.append(Var(type_))
            if out is not None:
                cotangents.add(b, out, given[-1])
    turn.sweep(later, b, cotangents)
    return Block(given, b.eqns, [cotangents.taken_or_zeros(b, v) for v in halves.inputs])


@record(frozen=False)
class Cotangent:
    """The sum of `dense` and of `pending` (codes, index operands, value)."""
    dense: Atom | None = None
    pending: list[tuple[str, tuple[Atom, ...], Atom]] = field(default_factory=list)


class Cotangents:
    """Those of the Vars of one block, so far."""

    def __init__(self, walk: Transposer):
        self.walk = walk
        self.of: dict[Var, Cotangent] = {}

    def __contains__(self, var: Var) -> bool:
        return var in self.of

    def dense(self, var: Var) -> bool:
        return var in self.of and self.of[var].dense is not None

    def add(self, b: Emit, atom: Atom, value: Atom | None) -> None:
        """A contribution. A scalar operand of an elementwise equation gets the sum."""
        if value is None or not isinstance(atom, Var) or atom not in self.walk.linear:
            return
        if atom not in self.walk.resized:
            if not atom.shape and value.shape:
                value = b.sum(value, range(len(value.shape)))
            value = fitted(value, atom.shape, b)
        value = b.convert(value, atom.dtype)
        entry = self.of.setdefault(atom, Cotangent())
        entry.dense = value if entry.dense is None else self.walk.sum(entry.dense, value, b)

    def load(self, eqn: Eqn, value: Atom) -> None:
        """The contribution of a `get`."""
        source = eqn.ins[0]
        if isinstance(source, Var) and source in self.walk.linear:
            self.of.setdefault(source, Cotangent()).pending.append(
                (eqn.params["codes"], eqn.ins[1:], value))

    def replace(self, var: Var, value: Atom) -> None:
        self.of[var] = Cotangent(value)

    def taken(self, b: Emit, var: Var) -> Atom | None:
        """The sum, None for zero; it is no longer here."""
        entry = self.of.pop(var, None)
        if entry is None:
            return None
        total = entry.dense
        masked = total is None or total in self.walk.masked
        if total is None and entry.pending:
            total = b.zeros(var.type)
        for codes, operands, value in entry.pending:
            assert total is not None
            total = b.op("addat", total, value, *operands, codes=codes)
        if total is not None and masked and any("a" in codes for codes, _, _ in entry.pending):
            self.walk.masked[total] = None, total
        return total

    def taken_or_zeros(self, b: Emit, var: Var) -> Atom:
        total = self.taken(b, var)
        return b.zeros(var.type) if total is None else total


class Transposer:
    """`linear`: the Vars that depend on tangents. `masked[v]`: (condition, u) of a cotangent v that
    is u where the condition holds and else 0; a condition None says "where it is not 0".
    `cleared[v]`: the (codes, operands) of the place where a cotangent v is 0. `resized`: carries
    whose size changes, with their shape as the primal half knows it: that is what a reshape makes
    of them before any other use. `handed`: arrays passed to functions that add to their cotangents
    in place."""

    def __init__(self, inputs: Iterable[Var], eqns: Iterable[Eqn]):
        self.linear = set(inputs)
        self.handed = {a for eqn in walk(Block((), eqns, ()))
                       if isinstance(row(eqn).lowering, Invoke) for a in recursion.added_to(eqn)}
        self.masked: dict[Atom, tuple[Atom | None, Atom]] = {}
        self.cleared: dict[Atom, tuple[Any, ...]] = {}
        self.unsized: set[Atom] = set()
        self.resized: dict[Var, tuple[Dim, ...]] = {}

    def mark(self, eqns: Iterable[Eqn], b: Emit | None = None) -> list[Eqn]:
        """The linear equations; the others go to `b`: they come first."""
        found = []
        for eqn in eqns:
            if eqn.op is shape.reshape and eqn.ins[0] in self.unsized:
                self.resized[eqn.ins[0]] = eqn.outs[0].shape        # type: ignore[index]
            if any(a in self.linear for a in eqn.ins if isinstance(a, Var)) or (
                    eqn.blocks and self.captured(eqn.blocks)):
                found.append(eqn)
                self.linear.update(v for v in eqn.outs if is_float(v))
                self.unsized.update(v for v in eqn.outs if any(d in eqn.outs for d in v.shape))
            elif b is not None:
                b.eqns.append(eqn)
        return found

    def captured(self, blocks: Iterable[Block]) -> list[Var]:
        """Linear Vars that blocks take from outside."""
        free: dict[Var, None] = {}
        for block in blocks:
            free.update(free_vars(block))
        return [v for v in free if v in self.linear]

    def sweep(self, eqns: Sequence[Eqn], b: Emit, cotangents: Cotangents) -> None:
        for eqn in reversed(eqns):
            b.location = eqn.location
            kind = region(eqn)
            if kind == "for":
                self.loop(eqn, b, cotangents)
            elif kind in ("cond", "call"):
                self.branch(eqn, b, cotangents)
            elif kind is not None:
                raise InternalError(f"a linear {kind}", eqn.location)
            elif isinstance(row(eqn).lowering, Invoke):
                recursion.transpose(eqn, self, b, cotangents)
            else:
                given = [cotangents.taken(b, v) for v in eqn.outs if v in self.linear]
                if given and given[-1] is not None:
                    self.equation(eqn, given[-1], b, cotangents)

    # ---- equations

    def equation(self, eqn: Eqn, ct: Atom, b: Emit, cotangents: Cotangents) -> None:
        if eqn.op is index.get:
            cotangents.load(eqn, ct)
        elif eqn.op is index.set_:
            self.store(eqn, ct, b, cotangents)
        elif eqn.op is elementwise.select:
            for k in (1, 2):
                if eqn.ins[k] in self.linear:
                    cotangents.add(b, eqn.ins[k], self.chosen(eqn.ins[0], k == 1, ct, b))
        elif eqn.op is shape.reshape and eqn.ins[0] in self.resized:
            cotangents.add(b, eqn.ins[0], ct)
        else:
            for k, atom in enumerate(eqn.ins):
                if atom in self.linear:
                    cotangents.add(b, atom, self.contribution(eqn, ct, k, b))

    def contribution(self, eqn: Eqn, ct: Atom, k: int, b: Emit) -> Atom | None:
        rule = row(eqn).derivative
        turn = rule.transpose if isinstance(rule, Partials | Linear | Rule) else None
        if turn is None:
            raise InternalError(f"{eqn.op.name} has no transpose", eqn.location)
        if ct not in self.masked:
            return turn(b, eqn, ct, k)
        if isinstance(row(eqn).lowering, Map):
            condition, value = self.mask(ct, b)
            return self.masking(condition, turn(b, eqn, value, k), b)
        moved = turn(b, eqn, ct, k)
        if moved is not None and isinstance(row(eqn).lowering, Move | Reduce):
            self.masked[moved] = None, moved
        return moved

    # ---- masks

    def mask(self, ct: Atom, b: Emit) -> tuple[Atom, Atom]:
        condition, value = self.masked[ct]
        return b.ne(ct, 0) if condition is None else condition, value

    def sum(self, x: Atom, y: Atom, b: Emit) -> Atom:
        """Of two cotangents; it is masked if both are."""
        if x not in self.masked or y not in self.masked:
            return b.add(x, y)
        (p, u), (q, v) = self.mask(x, b), self.mask(y, b)
        if p is q:
            return self.masking(p, b.add(u, v), b)
        total = b.add(x, y)
        self.masked[total] = b.or_(p, q), total
        return total

    def masking(self, condition: Atom, value: Atom, b: Emit) -> Atom:
        result = b.select(condition, value, Lit(0, value.dtype))
        self.masked[result] = condition, value
        return result

    def chosen(self, condition: Atom, holds: bool, ct: Atom, b: Emit) -> Atom:
        """`ct` where the condition holds (or does not hold), else 0."""
        if not holds:
            condition = b.not_(condition)
        if ct in self.masked:
            before, ct = self.mask(ct, b)
            condition = b.and_(before, condition)
        return self.masking(condition, ct, b)

    def store(self, eqn: Eqn, ct: Atom, b: Emit, cotangents: Cotangents) -> None:
        """What was stored gets the cotangent there, what was overwritten gets none: in place, the
        two are an exchange. Where several values were stored to one place, the last one counts."""
        x, v, *operands = eqn.ins
        codes = eqn.params["codes"]
        place = (codes, *operands)
        if v in self.linear and self.cleared.get(ct) != place:
            part = b.op("get", ct, *operands, codes=codes)
            if "a" in codes:
                part = self.last_written(eqn, part, b)
            if ct in self.masked:
                self.masked[part] = None, part
            cotangents.add(b, v, part)
        if x in self.linear:
            zero = b.full(0, v.shape, v.dtype)
            rest = b.op("set", ct, zero, *operands, codes=codes)
            self.cleared[rest] = place
            if ct in self.masked or "a" in codes:
                self.masked[rest] = None, rest
            cotangents.add(b, x, rest)

    def last_written(self, eqn: Eqn, part: Atom, b: Emit) -> Atom:
        """`part` where the value is still there after the store: found by storing numbers."""
        x, _, *operands = eqn.ins
        codes = eqn.params["codes"]
        numbers = b.reshape(b.iota(b.count(part.shape), dtype=I64), part.shape)
        places = b.op("set", b.full(-1, x.shape, I64), numbers, *operands, codes=codes)
        found = b.op("get", places, *operands, codes=codes)
        return b.select(b.eq(found, numbers), part, Lit(0, part.dtype))

    # ---- branches

    def branch(self, eqn: Eqn, b: Emit, cotangents: Cotangents) -> None:
        """Both arms are swept, then it is known what they contribute to. A dense contribution is a
        result, zero in an arm without; where all are loads, the arms update the array itself. A
        `call` is a branch of one arm."""
        given = [cotangents.taken(b, v) for v in eqn.outs]
        if all(ct is None for ct in given):
            return
        taken = self.captured(eqn.blocks)
        bases = {v: cotangents.taken_or_zeros(b, v) for v in taken if v in self.handed}
        arms, parts = [], []
        for block in eqn.blocks:
            arm, inner = Emit(location=eqn.location), Cotangents(self)
            for var, base in bases.items():
                inner.replace(var, base)
            later = self.mark(block.eqns, arm)
            for out, ct in zip(block.outs, given, strict=True):
                inner.add(arm, out, ct)
            self.sweep(later, arm, inner)
            arms.append(arm)
            parts.append(inner)
        taken = [v for v in taken if any(v in inner for inner in parts)]
        outs: list[list[Atom]] = [[] for _ in arms]
        updated = []
        for var in taken:
            update = var in bases or bool(var.shape) and not any(
                inner.dense(var) for inner in parts)
            if update and var not in bases:
                base = cotangents.taken_or_zeros(b, var)
            for arm, inner, results in zip(arms, parts, outs, strict=True):
                if update and var not in bases:
                    inner.of.setdefault(var, Cotangent()).dense = base
                results.append(inner.taken_or_zeros(arm, var))
            updated.append(update)
        if not taken:
            return
        made = Eqn(eqn.op, eqn.ins, [like(v) for v in taken], eqn.params,
                   [Block((), arm.eqns, results) for arm, results in zip(arms, outs, strict=True)],
                   eqn.location)
        b.eqns.append(made)
        for var, result, update in zip(taken, made.outs, updated, strict=True):
            if update:
                cotangents.replace(var, result)
            else:
                cotangents.add(b, var, result)

    # ---- loops

    def loop(self, eqn: Eqn, b: Emit, cotangents: Cotangents) -> None:
        """`for k in 0..n` becomes `for k in n-1..0`. It carries the cotangents of the carries, and
        those of what the body takes from outside, to which each trip adds: in any order, so it is
        `loose`. A half that computes states beside (`revisit`) gets those before each trip."""
        body = eqn.blocks[0]
        index_, params = body.params[0], body.params[1:]
        inits = eqn.ins[3:]
        lo, hi, step = eqn.ins[:3]
        if lo != Lit(0) or step != Lit(1) or eqn.params.get("until") is not None:
            raise InternalError("a linear loop that does not count its trips", eqn.location)
        given = [cotangents.taken(b, v) if v in self.linear else None for v in eqn.outs]
        if all(ct is None for ct in given):
            return
        again = "slots" in eqn.params
        states, plain = revisit.states_of(eqn) if again else ([], 0)
        carried = [k for k, v in enumerate(eqn.outs) if v in self.linear and k >= plain]
        self.linear.update(params[k] for k in carried)
        taken = self.captured([body])
        starts = [b.zeros(self.type(eqn.outs[k])) if ct is None else ct
                  for k, ct in enumerate(given) if k in carried]
        totals = [cotangents.taken_or_zeros(b, v) for v in taken]

        sizes = _Sizes(params)
        own = [Var(Type(params[k].dtype, sizes.shape(params[k]))) for k in carried]
        sums = [like(v) for v in taken]
        arm, inner = Emit(location=eqn.location), Cotangents(self)
        self.unsized.update(params[k] for k in carried if sizes.changing(params[k]))
        later = self.mark(body.eqns, arm)
        saved: list[Atom] = list(inits[len(states):plain])
        stack = [Var(a.type) for a in saved]
        if again:
            head = Emit(location=eqn.location)
            *arrays, places, top = stack
            kept = revisit.restored(head, eqn, arm.eqns, revisit.Stack(arrays, places, top))
            arm.eqns[:0] = head.eqns
        for var, total in zip(taken, sums, strict=True):
            inner.replace(var, total)
        for k, ct in zip(carried, own, strict=True):
            inner.add(arm, body.outs[k], ct)
        self.sweep(later, arm, inner)
        outs = [self.carry(params[k], arm, inner) for k in carried]
        ends = [inner.taken_or_zeros(arm, v) for v in taken]
        heads = [atom_of(self.resized[params[k]][axis]) for k, axis in sizes.where]
        finals = [atom_of(self.resized[eqn.outs[k]][axis]) for k, axis in sizes.where]
        left = revisit.popped(arm, eqn, kept).atoms if again else []
        made = make_eqn(
            control.for_, (b.sub(hi, 1), Lit(-1), Lit(-1), *finals, *saved, *starts, *totals),
            {"until": None, "loose": True},
            [Block([index_, *sizes.vars, *stack, *own, *sums], arm.eqns,
                   [*heads, *left, *outs, *ends])],
            eqn.location)
        b.eqns.append(made)
        results = made.outs[len(sizes.vars) + len(stack):]
        for var, result in zip(taken, results[len(carried):], strict=True):
            cotangents.replace(var, result)         # before what follows is added to them
        for k, result in zip(carried, results, strict=False):
            cotangents.add(b, inits[k], result)

    def type(self, var: Var) -> Type:
        return Type(var.dtype, self.resized.get(var, var.shape))

    def carry(self, param: Var, arm: Emit, inner: Cotangents) -> Atom:
        """The cotangent of a carry before the trip."""
        total = inner.taken(arm, param)
        if total is None:
            return arm.zeros(self.type(param))
        return fitted(total, self.type(param).shape, arm)


class _Sizes:
    """Sizes of a loop's carries that change from trip to trip: the transposed loop carries them
    from the last to the first. `where` is a (carry, axis) with each size."""

    def __init__(self, params: Sequence[Var]):
        self.where: list[tuple[int, int]] = []
        self.of: dict[Dim, Var] = {}
        for k, param in enumerate(params):
            for axis, d in enumerate(param.shape):
                if d in params and d not in self.of:
                    self.of[d] = Var(Type(I64))
                    self.where.append((k, axis))
        self.vars = list(self.of.values())

    def changing(self, param: Var) -> bool:
        return any(d in self.of for d in param.shape)

    def shape(self, param: Var) -> tuple[Dim, ...]:
        return tuple(self.of.get(d, d) for d in param.shape)
