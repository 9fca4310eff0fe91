"""Check that a Program is well formed; passes run between two calls of `verify`.

    InternalError: add of different dtypes: f64[], i64[]
        b:f64[] = neg a
      > d:f64[] = add b c
        e:f64[] = exp d
      File "model.py", line 3, in f

Checked: every Var is bound once and before its uses, in a block around them; results have the
types that the op's rule gives for the operands; dimensions are i64 scalars in scope; carries of
loops keep their types (in the rules of `for` and `while`); `into` names array parameters of the
results' types.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.errors import InternalError
from hotloop.ir.core import Block, Dim, Eqn, Lit, Program, Var, dims
from hotloop.ir.text import Names, show_eqn
from hotloop.ir.types import I64, Type

NEIGHBOURS = 2
"""Equations shown before and after the failing one."""


class _Wrong(Exception):
    """What is wrong, before the place is known."""


def verify(program: Program) -> None:
    """Raise InternalError with the failing equation, its neighbours and the user's line."""
    try:
        _Verifier(program).check_program()
    except _Wrong as wrong:
        raise InternalError(f"{program.name}: {wrong}") from None


class _Verifier:
    def __init__(self, program: Program):
        self.program = program
        self.bound: set[Var] = set()            # anywhere in the Program, to see double bindings
        self.visible: set[Var] = set()          # from the equation being checked

    def check_program(self) -> None:
        program = self.program
        for dim in dims(program):
            self.bind(dim)
        self.check_block(program)
        if len(program.into) != len(program.outs):
            raise _Wrong(f"{len(program.into)} targets for {len(program.outs)} results")
        targets = [v for v in program.into if v is not None]
        if len(set(targets)) != len(targets):
            raise _Wrong("two results are written to one parameter")
        for out, target in zip(program.outs, program.into, strict=True):
            if target is None:
                continue
            if target not in program.params:
                raise _Wrong(f"a result is written to {target}, which is no parameter")
            if out.dtype != target.dtype or len(out.shape) != len(target.shape):
                raise _Wrong(f"a result of type {out.type} is written to a {target.type}")

    def bind(self, var: Var) -> None:
        if var in self.bound:
            raise _Wrong(f"{var} is bound twice")
        self.bound.add(var)
        self.visible.add(var)

    def check_dims(self, var: Var) -> None:
        for dim in var.shape:
            if isinstance(dim, Var):
                self.check_visible(dim, f"a dimension of {var}")
                if dim.dtype != I64 or dim.shape:
                    raise _Wrong(f"a dimension of {var} is {dim} of type {dim.type}")
            elif not isinstance(dim, int) or dim < 0:
                raise _Wrong(f"a dimension of {var} is {dim!r}")

    def check_visible(self, atom: object, what: str) -> None:
        if isinstance(atom, Var) and atom not in self.visible:
            where = "bound in a block that has ended" if atom in self.bound else "not bound"
            raise _Wrong(f"{what} is {atom}, which is {where} here")
        if not isinstance(atom, (Var, Lit)):
            raise _Wrong(f"{what} is {atom!r}, no Var or Lit")

    def check_block(self, block: Block) -> None:
        before = set(self.visible) if block is not self.program else set()
        for param in block.params:
            self.bind(param)
        for param in block.params:
            self.check_dims(param)
        for k, eqn in enumerate(block.eqns):
            try:
                self.check_eqn(eqn)
            except (_Wrong, TypeError) as wrong:
                raise InternalError(self.describe(str(wrong), block.eqns, k),
                                    eqn.location) from None
        for out in block.outs:
            self.check_visible(out, "a result of a block")
        if block is not self.program:
            self.visible = before

    def check_eqn(self, eqn: Eqn) -> None:
        for atom in eqn.ins:
            self.check_visible(atom, "an operand")
        for inner in eqn.blocks:
            self.check_block(inner)
        types = eqn.op.type_rule(eqn.ins, eqn.params, eqn.blocks)
        if len(types) != len(eqn.outs):
            raise _Wrong(f"{eqn.op.name} has {len(types)} results, not {len(eqn.outs)}")
        for out in eqn.outs:
            self.bind(out)
        for out, expected in zip(eqn.outs, types, strict=True):
            self.check_dims(out)
            want = Type(expected.dtype, tuple(
                d if isinstance(d, (int, Var)) else eqn.outs[d.index] for d in expected.shape))
            if out.type != want and not _as_good(eqn, out.type, want):
                raise _Wrong(f"{out} has type {out.type}, the rule of {eqn.op.name} gives {want}")

    def describe(self, wrong: str, eqns: Sequence[Eqn], k: int) -> str:
        names = Names(self.program)
        lines = [f"{self.program.name}: {wrong}"]
        first = max(0, k - NEIGHBOURS)
        for at, eqn in enumerate(eqns[first:k + NEIGHBOURS + 1], first):
            mark = "  > " if at == k else "    "
            lines += [mark + line for line in show_eqn(eqn, names)]
        return "\n".join(lines)


def _as_good(eqn: Eqn, found: Type, wanted: Type) -> bool:
    """Do the dimensions differ only where two results of a branch are the same number in each arm,
    or where one is the same literal in both? The rule names the first, or the number."""
    places = {out: k for k, out in enumerate(eqn.outs)}

    def same(d: Dim, e: Dim) -> bool:
        j, k = places.get(d), places.get(e)  # type: ignore[arg-type]
        if d is e or d == e and isinstance(d, int):
            return True
        if j is not None and isinstance(e, int):
            ends = [block.outs[j] for block in eqn.blocks]
            return all(isinstance(x, Lit) and x.value == e for x in ends)
        return j is not None and k is not None and all(
            block.outs[j] == block.outs[k] for block in eqn.blocks)
    arms = bool(eqn.blocks) and all(not b.params and len(b.outs) == len(eqn.outs)
                                    for b in eqn.blocks)
    return arms and found.dtype == wanted.dtype and len(found.shape) == len(
        wanted.shape) and all(map(same, found.shape, wanted.shape))
