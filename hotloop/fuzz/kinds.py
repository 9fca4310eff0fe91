"""The kinds of random programs: for each, which groups of rules it draws from and how often.

    text = program(random.Random(7), "views")      # a module with `f` and `calls`
"""

from __future__ import annotations

import functools
import random

from hotloop.fuzz import inputs, library, transformed
from hotloop.fuzz.arrays import PICKS, PRODUCTS
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
from hotloop.fuzz.language import CALLS, CLASSES, IMPORTS, TABLES, TEXTS, YIELDS
from hotloop.fuzz.memory import DRAWS, MEMORY
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
    "yields": (*BASE, (YIELDS, 5.0), (JUMPS, 0.5)),             # generator functions
    "tables": (*BASE, (TABLES, 4.0), (JUMPS, 0.5)),             # dicts, sets, deques, heaps
    "calls": (*BASE, (CALLS, 4.0), (JUMPS, 0.5)),               # recursion, classes, exceptions
    "texts": (*BASE, (TEXTS, 5.0), (CONTAINERS, 0.5)),          # strings
    "memory": (*BASE, (MEMORY, 3.0), (DRAWS, 1.0), (NAMES, 0.5)),       # out=, overlap, order
    "products": (*BASE, (PRODUCTS, 4.0), (JUMPS, 0.3)),         # einsum, linalg in loops and tries
    "picks": (*BASE, (PICKS, 4.0), (VIEWS, 0.5)),               # masks and index arrays mixed
}
KINDS = (*GROUPS, "numpy", *transformed.KINDS)
"""`numpy`: single calls of NumPy's public functions (`library`)."""

FLOATS = ("f8", "f8", "f8", "i8", "f4")
USUAL = {"control": ("f8", "f8", "i8"), "objects": FLOATS, "yields": FLOATS, "tables": FLOATS,
         "calls": FLOATS, "texts": FLOATS, "products": (*FLOATS, "f8", "c16")}
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
LIBRARY = ("deque", "defaultdict", "Counter", "heappush", "heappop")
OWN = ("Odd", "Point", "Pair", "Walk", "Slow", "Guard", "suppress")
"""What of `language.IMPORTS` and `language.CLASSES` a function may call."""

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


def numpy_call(rnd: random.Random, name: str) -> str:
    """The same for one call of a function of NumPy."""
    return HEAD + inputs.UNALIGNED + "\n" + library.program_of(rnd, name)


def program(rnd: random.Random, kind: str) -> str:
    """The text of a module with a function `f` and a generator `calls` of its arguments."""
    if kind == "numpy":
        return HEAD + inputs.UNALIGNED + "\n" + library.program(rnd)
    if kind in transformed.KINDS:
        return HEAD + transformed.program(rnd, kind)
    usual = USUAL.get(kind, inputs.DTYPES)
    dtypes = tuple(rnd.choice(usual) for _ in range(3))
    letters = iter(map(inputs.kind_of, dtypes))
    arguments = {name: type + (next(letters) if type in "VM" else "")
                 for name, type in ARGUMENTS.items()}
    function = Writer(rnd, rules(kind)).function(
        arguments, START.format(zero=rnd.choice(("0", "0.0"))))
    body = "\n    ".join(inputs.calls(rnd, dtypes))
    text = HEAD
    if any(f"{name}(" in function for name in LIBRARY):
        text = IMPORTS + HEAD
    if any(f"{name}(" in function for name in OWN):
        text = IMPORTS + HEAD + CLASSES
    if "unaligned(" in body:
        text += inputs.UNALIGNED + "\n"
    if "Box(" in function:
        text += BOX
    return f"{text}\n{function}\n\ndef calls():\n    {body}\n"
