"""`invoke`: a call of a function of its own, which may call itself.

    s:f64[] y:f64[n] = invoke[function=tree] x 0 n      # y: x as the function leaves it

The function is a Program beside the one that calls it. Its parameters are the operands, its results
first scalars, then what it makes of the arrays that it changes (`Program.into`). Such an array may
get another number of rows, which is one of the scalars (`Function.rows`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.ir.core import Atom, Block, Eqn, Program, Var
from hotloop.ir.types import F64, I64, Type
from hotloop.ops.table import OPS, RAISES, Invoke, OpDef, Out, Sample, register

interp = lazy.module("hotloop.ir.interp")


class Function:
    """`program` is None while it is traced: then its calls in itself are put together. `derived`:
    its derivatives (`transforms.recursion`), `origin` the function of which this is one. `rows`:
    parameters that get another number of rows, with the scalar result that says it."""

    def __init__(self, name: str):
        self.__name__ = self.__qualname__ = name
        self.__module__ = "hotloop.functions"
        self.program: Program | None = None
        self.optimized = False
        self.derived: dict[str, Function] = {}
        self.origin: Function | None = None
        self.rows: dict[int, int] = {}

    def __call__(self, *operands: Any) -> Any:
        assert self.program is not None
        return tuple(interp.run(self.program, list(operands)))

    @property
    def written(self) -> list[int]:
        """Positions of the parameters that it changes, in the order of the results."""
        assert self.program is not None
        places = {p: k for k, p in enumerate(self.program.params)}
        return [places[target] for target in self.program.into if target is not None]


def _invoke_type(ins: tuple[Atom, ...], params: dict[str, Any],
                 blocks: tuple[Block, ...]) -> list[Type]:
    function = params.get("function")
    if not isinstance(function, Function) or function.program is None:
        raise TypeError("invoke without a function")
    program = function.program
    if [(p.dtype, len(p.shape)) for p in program.params] != [
            (a.dtype, len(a.shape)) for a in ins]:
        raise TypeError(f"invoke: {len(ins)} operands that are not those of {function.__name__}")
    written = iter(function.written)
    return [Type(a.dtype) if target is None else _changed_type(function, ins, next(written))
            for a, target in zip(program.outs, program.into, strict=True)]


def _changed_type(function: Function, ins: tuple[Atom, ...], place: int) -> Type:
    before = ins[place].type
    if place not in function.rows:
        return before
    return Type(before.dtype, (Out(function.rows[place]), *before.shape[1:]))


def changed_by(eqn: Eqn) -> dict[Var, Atom]:
    """The results of a call that are arrays which it changes: what they were before."""
    written = eqn.params["function"].written
    arrays = eqn.outs[len(eqn.outs) - len(written):]
    return {out: eqn.ins[k] for out, k in zip(arrays, written, strict=True)}


def _invoke(params: dict[str, Any], *operands: Any) -> Any:
    return params["function"](*operands)


def functions_of(program: Program) -> list[Function]:
    """The functions that a Program calls, and those that they call."""
    found: dict[Function, None] = {}
    todo = [program]
    while todo:
        stack: list[Block] = [todo.pop()]
        while stack:
            for eqn in stack.pop().eqns:
                stack += eqn.blocks
                if isinstance(eqn.op, OpDef) and isinstance(eqn.op.lowering, Invoke):
                    called = eqn.params["function"]
                    if called not in found:
                        found[called] = None
                        todo.append(called.program)
    return list(found)


def _samples() -> Iterator[Sample]:
    if EXAMPLE.program is None:
        n = Var(Type(I64))
        k, x, twice = Var(Type(I64)), Var(Type(F64, (n,))), Var(Type(F64, (n,)))
        EXAMPLE.program = Program([k, x], [Eqn(OPS["add"], [x, x], [twice])], [k, twice], "twice",
                                  [None, x])
    for size in (0, 3):
        yield Sample((np.int64(5), np.arange(float(size))), {"function": EXAMPLE})


EXAMPLE = Function("EXAMPLE")
EXAMPLE.__module__ = __name__
"""For the samples: gives its number and doubles its array."""

invoke = register(OpDef(
    "invoke", "what a function of its own gives, which may call itself", _invoke_type, _invoke,
    Invoke(), RAISES, False, None, _samples, None))

__all__ = ["Function", "changed_by", "functions_of", "invoke"]
