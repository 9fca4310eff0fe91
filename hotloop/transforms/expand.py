"""Replace the equations of transforms by what they stand for.

    y, t = linearize x { f };  g = pullback t 1.0      ->      f's equations, then the backward ones

Front to back, and what stands in a block before the block's own equation: so the function of a
transform is plain when it is transformed, whatever it calls. A token becomes the linear half, which
each `pushforward` and `pullback` of it gets a copy of; it refers to values of the first half, which
are in scope wherever the token is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hotloop.ir.core import Atom, Block, Dim, Eqn, Lit, Program, Var, free_vars, rename, walk
from hotloop.ir.types import Type
from hotloop.ops.custom import closed, custom, forward_refused, inlined
from hotloop.ops.dce import dce
from hotloop.ops.emit import Emit
from hotloop.record import record
from hotloop.transforms.jvp import jvp
from hotloop.transforms.linearize import Halves, halves, linearize
from hotloop.transforms.rebuild import Rebuild
from hotloop.transforms.transpose import transposed
from hotloop.transforms.vmap import vmap
from hotloop.transforms.zeros import without


def expand(program: Program, prepare: Callable[[Program], Program],
           returned: Mapping[int, bool], notes: list[str] | None = None
           ) -> tuple[Program, dict[int, tuple[Program, int]]]:
    """The Program without equations of transforms, for the same arguments. Raises
    UnsupportedError where something has no derivative. `prepare` brings a function into canonical
    form before it is differentiated (`passes.pipeline.canonical`).

    `returned`: results that are tokens, and whether their pushforward or their pullback is wanted.
    For each: a Program of that, and the position of the first of the further results that are its
    first parameters. `notes` gets lines for `explain`."""
    walked = _Expand({v for eqn in walk(program) for v in eqn.ins if isinstance(v, Var)}
                     | {v for k in returned if isinstance(v := program.outs[k], Var)}, prepare,
                     [] if notes is None else notes)
    made = walked.program(program)
    halves = {k: walked.half(program.outs[k], made, forward) for k, forward in returned.items()}
    if walked.marked:
        made = _Plain().program(made)
        halves = {k: (_Plain().program(half), first) for k, (half, first) in halves.items()}
    return made, halves


@record
class Token:
    """The linear half of a `linearize`, and the environment in which its Vars have their names."""
    halves: Halves
    env: dict[Var, Atom]


class _Plain(Rebuild):
    """What only mattered to derivatives, now that all are taken."""

    rules = frozenset(("stop_gradient", "checkpoint", "custom", "custom_linear"))

    def stop_gradient(self, eqn: Eqn, out: Emit) -> None:
        self.replace(eqn.outs, [self.atom(eqn.ins[0])])

    def checkpoint(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        out.eqns += block.eqns
        self.replace(eqn.outs, block.outs)

    def custom(self, eqn: Eqn, out: Emit) -> None:
        self.replace(eqn.outs, inlined(out, eqn.params["primal"], list(map(self.atom, eqn.ins))))

    def custom_linear(self, eqn: Eqn, out: Emit) -> None:
        raise forward_refused(eqn)


class _Expand(Rebuild):
    """`used`: Vars that are operands somewhere; `marked`: there is work for `_Plain`."""

    rules = frozenset(("linearize", "pushforward", "pullback", "jvp", "vmap", "checkpoint",
                       "custom_jvp", "custom_vjp", "stop_gradient"))

    def __init__(self, used: set[Var], prepare: Callable[[Program], Program], notes: list[str]):
        super().__init__()
        self.used, self.prepare, self.notes = used, prepare, notes
        self.tokens: dict[Var, Token] = {}
        self.marked = False

    def stop_gradient(self, eqn: Eqn, out: Emit) -> None:
        self.marked = True
        self.replace(eqn.outs, [out.again(eqn, [self.atom(eqn.ins[0])])])

    # ---- one method for each op

    def linearize(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        token = eqn.outs[-1]
        ins = [self.atom(a) for a in eqn.ins]
        env: dict[Var, Atom] = {}
        if token in self.used:
            program = self.prepare(Program(block.params, block.eqns, block.outs))
            of = [k in eqn.params["of"] for k in range(len(block.outs))]
            found = halves(program, [True] * len(ins), of)
            self.tokens[token] = Token(found, env)
            block = found.program
        env.update(zip(block.params, ins, strict=True))
        plain = rename(Block((), block.eqns, block.outs), env)
        out.eqns += plain.eqns
        self.replace(eqn.outs, [*plain.outs, Lit(0)])

    def pushforward(self, eqn: Eqn, out: Emit) -> None:
        token = self.tokens[eqn.ins[0]]     # type: ignore[index]
        given = dict(zip(eqn.params["wrt"], map(self.atom, eqn.ins[1:]), strict=False))
        half = token.halves
        zero = [v for k, v in enumerate(half.inputs) if k not in given]
        eqns, outs = without(half.linear.eqns, half.outs, half.inputs, zero)
        env = {**token.env, **{half.inputs[k]: tangent for k, tangent in given.items()}}
        made = rename(Block((), eqns, [a for a in outs if a is not None]), env)
        out.eqns += made.eqns
        found = iter(made.outs)
        tangents = [None if a is None else next(found) for a in outs]
        self.replace(eqn.outs, [
            out.zeros(self.type(v, self.env)) if t is None else t
            for v, t in zip(eqn.outs, tangents, strict=False)])

    def type(self, var: Var, env: dict[Var, Atom]) -> Type:
        """The type of a Var that is bound under other names."""
        shape: list[Dim] = []
        for d in var.shape:
            atom = env.get(d, d) if isinstance(d, Var) else d
            shape.append(int(atom.value) if isinstance(atom, Lit) else atom)
        return Type(var.dtype, tuple(shape))

    def pullback(self, eqn: Eqn, out: Emit) -> None:
        token = self.tokens[eqn.ins[0]]     # type: ignore[index]
        given = dict(zip(eqn.params["of"], map(self.atom, eqn.ins[1:]), strict=False))
        half = token.halves
        block = transposed(half, [k in given for k in range(len(half.outs))])
        env = {**token.env, **dict(zip(block.params, [given[k] for k in sorted(given)],
                                       strict=True))}
        made = rename(Block((), block.eqns, block.outs), env)
        out.eqns += made.eqns
        self.replace(eqn.outs, made.outs)

    def jvp(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        count = len(block.params)
        made = jvp(self.prepare(Program(block.params, block.eqns, block.outs)), [True] * count)
        env: dict[Var, Atom] = dict(zip(made.params, map(self.atom, eqn.ins), strict=True))
        plain = rename(Block((), made.eqns, made.outs), env)
        out.eqns += plain.eqns
        floats = [k for k, a in enumerate(block.outs) if a.dtype.kind in "fc"]
        tangents = dict(zip(floats, plain.outs[len(block.outs):], strict=True))
        self.replace(eqn.outs, [*plain.outs[:len(block.outs)],
                                *[tangents[k] for k in eqn.params["of"]]])

    def vmap(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        size, *stacks = map(self.atom, eqn.ins)
        self.replace(eqn.outs, vmap(block, size, stacks, out, self.notes))

    def checkpoint(self, eqn: Eqn, out: Emit) -> None:
        block = self.block(eqn.blocks[0])
        env: dict[Var, Atom] = dict(zip(block.params, map(self.atom, eqn.ins), strict=True))
        plain = rename(Block((), block.eqns, block.outs), env)
        self.marked = True
        out.eqns.append(Eqn(eqn.op, (), self.bind(eqn.outs), eqn.params, [plain], eqn.location))

    def half(self, token: Atom, made: Program, forward: bool) -> tuple[Program, int]:
        """See `returned` of `expand`; the token's place among the results stays."""
        found = self.tokens[token]          # type: ignore[index]
        if forward:
            b = Emit(list(found.halves.linear.eqns))
            outs = [b.zeros(t) if a is None else a for a, t in zip(
                found.halves.outs, found.halves.types, strict=True)]
            block = Block(found.halves.inputs, b.eqns, outs)
        else:
            block = transposed(found.halves, [True] * len(found.halves.outs))
        saved = list(free_vars(block))
        first = len(made.outs)
        made.outs += [found.env.get(v, v) for v in saved]
        made.into = (*made.into, *[None] * len(saved))
        return dce(closed(block, saved)), first

    # ---- derivatives of the user's own

    def custom_jvp(self, eqn: Eqn, out: Emit) -> None:
        primal, rule = map(self.block, eqn.blocks)
        count = len(primal.params)
        first, second = linearize(Program(rule.params, rule.eqns, rule.outs),
                                  [False] * count + [True] * count)
        first = Program(first.params, first.eqns, first.outs[len(rule.outs):])
        self.custom(eqn, out, primal, first, second, reverse=False)

    def custom_vjp(self, eqn: Eqn, out: Emit) -> None:
        primal, forward, backward = map(self.block, eqn.blocks)
        first = Block(forward.params, forward.eqns, forward.outs[len(primal.outs):])
        self.custom(eqn, out, primal, first, backward, reverse=True)

    def custom(self, eqn: Eqn, out: Emit, primal: Block, first: Block, second: Block,
               reverse: bool) -> None:
        self.marked = True
        free = list({**free_vars(primal), **free_vars(first), **free_vars(second)})
        made = out.row(custom, [*free, *map(self.atom, eqn.ins)], {
            "primal": closed(primal, free), "first": closed(first, free),
            "second": closed(second, free) if reverse else closed(second, ()),
            "captured": len(free), "of": eqn.params["of"], "reverse": reverse})
        self.replace(eqn.outs, made if isinstance(made, list) else [made])
