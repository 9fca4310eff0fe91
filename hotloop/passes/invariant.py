"""Values that a loop or a branch hands through unchanged become lexical.

    b:f64[n] c:f64[] = for 0 9 1 x y { lambda i d e. let f = mul e 2.0 in (d, f) }
    ->
    c:f64[] = for 0 9 1 y { lambda i e. let f = mul e 2.0 in (f,) }       # b is x, d is x

A result of `cond` that is the same in both arms is that value. First all such Vars are found, inner
blocks before outer ones, so that what an inner loop hands through the outer one does too; then the
Program is rebuilt once.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.ir.core import Atom, Block, Eqn, Program, Var
from hotloop.ops.table import carries_from, region
from hotloop.passes.forward import Forward


def invariant(program: Program) -> Program:
    same: dict[Var, Atom] = {}
    _find(program, same)
    if not same:
        return program
    rebuilt = _Drop()
    rebuilt.replaced = {var: _resolved(var, same) for var in same}
    rebuilt.dropped = set(same)
    return rebuilt.run(program)


def _resolved(atom: Atom, same: dict[Var, Atom]) -> Atom:
    while isinstance(atom, Var) and atom in same:
        atom = same[atom]
    return atom


def _find(block: Block, same: dict[Var, Atom]) -> None:
    for eqn in block.eqns:
        for inner in eqn.blocks:
            _find(inner, same)
        first = carries_from(eqn)
        if first is not None:
            _find_carries(eqn, first, same)
        elif region(eqn) == "cond":
            for out, yes, no in zip(eqn.outs, eqn.blocks[0].outs, eqn.blocks[1].outs, strict=True):
                value = _resolved(yes, same)
                if _alike(value, _resolved(no, same)):
                    same[out] = value


def _find_carries(eqn: Eqn, first: int, same: dict[Var, Atom]) -> None:
    body = eqn.blocks[-1]
    inits = eqn.ins[len(eqn.ins) - len(eqn.outs):]
    for k, (init, last) in enumerate(zip(inits, body.outs, strict=True)):
        param = body.params[first + k]
        value = _resolved(last, same)
        if k == eqn.params.get("until"):        # what ends the loop stays, though it is known
            continue
        if value is param or _alike(value, _resolved(init, same)):
            same[param] = same[eqn.outs[k]] = init
            for test in eqn.blocks[:-1]:
                same[test.params[k]] = init


def _alike(a: Atom, b: Atom) -> bool:
    return a is b or (not isinstance(a, Var) and not isinstance(b, Var) and a == b)


class _Drop(Forward):
    dropped: set[Var]

    def visit(self, eqn: Eqn, out: list[Eqn]) -> Sequence[Atom] | None:
        """Rebuild regions without the positions of dropped results."""
        if not eqn.blocks:
            return None
        kept = [k for k, var in enumerate(eqn.outs) if var not in self.dropped]
        if len(kept) == len(eqn.outs):
            return None
        first = carries_from(eqn)
        blocks = []
        for block in eqn.blocks:
            skip = 0 if first is None or block is not eqn.blocks[-1] else first
            params = block.params if first is None else (
                block.params[:skip] + [block.params[skip + k] for k in kept])
            outs = block.outs if first is not None and block is not eqn.blocks[-1] else (
                [block.outs[k] for k in kept])
            blocks.append(Block(params, block.eqns, outs))
        ins, params_ = eqn.ins, eqn.params
        if first is not None:
            head = len(eqn.ins) - len(eqn.outs)
            ins = (*ins[:head], *[ins[head + k] for k in kept])
            if params_.get("until") is not None:
                params_ = {**params_, "until": kept.index(params_["until"])}
        smaller = Eqn(eqn.op, ins, [eqn.outs[k] for k in kept], params_, blocks, eqn.location)
        self.equation(smaller, out)
        return [self.replaced.get(v, v) for v in eqn.outs]
