"""The kinds of random programs: for each, which groups of rules it draws from and how often.

    text = program(random.Random(7), "views")      # a module with `f` and `calls`
"""

from __future__ import annotations

import functools
import random

from hotloop.fuzz import inputs, library
from hotloop.fuzz.grammar import (
    ARRAYS,
    CONTAINERS,
    JUMPS,
    NAMES,
    NUMBERS,
    REDUCTIONS,
    STATEMENTS,
    VIEWS,
    Group,
)
from hotloop.fuzz.writer import Rules, Writer

BASE = ((NUMBERS, 1.0), (ARRAYS, 1.0), (STATEMENTS, 1.0))
GROUPS: dict[str, tuple[tuple[Group, float], ...]] = {
    "types": BASE,                                              # promotion, integers, masks
    "views": (*BASE, (VIEWS, 3.0), (NAMES, 3.0)),               # stores through views, overlap
    "control": (*BASE, (JUMPS, 4.0), (VIEWS, 0.3)),             # loops, jumps, exceptions
    "objects": (*BASE, (CONTAINERS, 5.0), (JUMPS, 0.5)),        # lists, dicts, objects, closures
    "reduce": (*BASE, (REDUCTIONS, 3.0), (VIEWS, 0.5)),         # axes, sorting, joining, products
    "mixed": (*BASE, (VIEWS, 1.0), (NAMES, 1.0), (JUMPS, 1.0), (CONTAINERS, 2.0),
              (REDUCTIONS, 1.0)),
}
KINDS = (*GROUPS, "numpy")
"""`numpy`: single calls of NumPy's public functions (`library`)."""

USUAL = {"control": ("f8", "f8", "i8"), "objects": ("f8", "f8", "f8", "i8", "f4")}
"""Dtypes of the kinds that are not about dtypes."""

HEAD = '''\
import math

import numpy as np
from numpy import inf, nan

'''
BOX = '''
class Box:
    def __init__(self, u, v, w):
        self.u, self.v, self.w = u, v, w

    def scaled(self, z):
        return self.u * z

    def grow(self, z):
        self.u += z

    @property
    def area(self):
        return self.u * self.v

'''
ARGUMENTS = {"a": "V", "b": "V", "m": "M", "k": "i", "x": "f", "t": "f"}
START = '''\
def f(a, b, m, k, x, p=3, j=None):
    n = len(a)
    t = {zero}'''


@functools.cache
def rules(kind: str) -> Rules:
    """What a kind of program draws from, one table."""
    table: dict[str, list[tuple[str, float]]] = {}
    for group, weight in GROUPS[kind]:
        for made, templates in group.items():
            table.setdefault(made, []).extend((t, weight / len(templates) ** 0.5)
                                              for t in templates)
    return table


def program(rnd: random.Random, kind: str) -> str:
    """The text of a module with a function `f` and a generator `calls` of its arguments."""
    if kind == "numpy":
        return HEAD + inputs.UNALIGNED + "\n" + library.program(rnd)
    usual = USUAL.get(kind, inputs.DTYPES)
    dtypes = tuple(rnd.choice(usual) for _ in range(3))
    letters = iter(map(inputs.kind_of, dtypes))
    arguments = {name: type + (next(letters) if type in "VM" else "")
                 for name, type in ARGUMENTS.items()}
    function = Writer(rnd, rules(kind)).function(
        arguments, START.format(zero=rnd.choice(("0", "0.0"))))
    body = "\n    ".join(inputs.calls(rnd, dtypes))
    text = HEAD
    if "unaligned(" in body:
        text += inputs.UNALIGNED + "\n"
    if "Box(" in function:
        text += BOX
    return f"{text}\n{function}\n\ndef calls():\n    {body}\n"
