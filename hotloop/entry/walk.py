"""`hl_run` while it is written: the variables of a walk along a table's steps.

    run = Run(f)
    run.begin(Step.FLOAT)                       # the block of a step
    value = f.load("ptr", run.current)
    ...
    run.next(1)                                 # on, past its one operand
"""

from __future__ import annotations

import enum

from hotloop.entry import abi
from hotloop.entry.layout import MISS
from hotloop.entry.steps import Spec
from hotloop.entry.text import Function
from hotloop.llvm.frame import ALLOC, CALL, CONTEXT, TABLE

INPUTS, OUTPUTS = "input", "output"
LEAVE, CLEARED = "leave", "cleared"
"""Blocks that end the walk: with the answer so far; the same without Python's exception."""


class Run:
    def __init__(self, f: Function):
        self.f, self.here = f, ""
        self.step = f.variable("ptr", f.load("ptr", "%spec", 8 * Spec.INPUT))
        self.current = f.variable("ptr", "null")
        self.answer = f.variable("ptr", MISS)
        self.overflow = f.variable("i32", "0")
        self.items = f.variable("ptr", "null")
        self.position = f.variable("i64", "0")
        self.scratch = f.op("alloca [16 x i8], align 16")
        self.frame = f.op(f"alloca i64, i64 {f.load('i64', '%spec', 8 * Spec.CELLS)}, align 16")
        self.owned = f.cell(self.frame, f.load("i64", "%spec", 8 * Spec.OWNED))
        self.owned_count = f.load("i64", "%spec", 8 * Spec.OWNED_COUNT)
        with f.loop(self.owned_count) as k:
            f.store("ptr", "null", f.cell(self.owned, k))
        self.top = f.variable("ptr", f.cell(self.frame, f.load("i64", "%spec", 8 * Spec.STACK)))
        for cell, what in ((ALLOC, "@hl_allocate"), (CALL, "@hl_call_back"), (CONTEXT, "%spec"),
                           (TABLE, f.load("ptr", "%spec", 8 * Spec.EXTERNALS))):
            f.store("ptr", what, self.frame, 8 * cell)
        f.jump(INPUTS)

    def switch(self, block: str, steps: type[enum.IntEnum], other: str) -> None:
        """The block that goes to the block of the next step."""
        f = self.f
        f.begin(block)
        self.here = f.load("ptr", self.step)
        cases = " ".join(f"i64 {int(s)}, label %{_name(s)}" for s in steps)
        f.line(f"switch i64 {f.load('i64', self.here)}, label %{other} [ {cases} ]")

    def begin(self, step: enum.IntEnum) -> None:
        self.f.begin(_name(step))

    def operand(self, number: int, type: str = "i64") -> str:
        return self.f.load(type, self.here, 8 + 8 * number)

    def operand_cell(self, number: int) -> str:
        """The cell of the frame that an operand names."""
        return self.f.cell(self.frame, self.operand(number))

    def next(self, operands: int, block: str = INPUTS) -> None:
        """On to the step after this one."""
        self.f.store("ptr", self.f.at(self.here, 8 + 8 * operands), self.step)
        self.f.jump(block)

    def own(self, value: str, number: int) -> None:
        """Keep a reference in the owned cell that operand `number` names; make it current."""
        self.f.store("ptr", value, self.operand_cell(number))
        self.f.store("ptr", value, self.current)

    def is_a(self, value: str, type: str) -> str:
        return self.f.test(f"eq ptr {self.f.load('ptr', value, abi.TYPE)}, {type}")

    def push(self, value: str, operands: int) -> None:
        """Put a reference on the stack, and on to the next output step."""
        place = self.f.load("ptr", self.top)
        self.f.store("ptr", value, place)
        self.f.store("ptr", self.f.at(place, 8), self.top)
        self.next(operands, OUTPUTS)

    def push_own(self, value: str, operands: int) -> None:
        self.push(self.f.own(value), operands)


def _name(step: enum.IntEnum) -> str:
    return f"{'in' if type(step).__name__ == 'Step' else 'out'}_{step.name}"
