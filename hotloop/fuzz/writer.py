"""Programs from a grammar: texts with holes, filled at random.

    Writer(random.Random(7), rules("views")).function()

A rule is (what it makes, template). Expressions are made for a *type*: a kind of number (`i` int,
`f` float, `b` bool, `c` complex), alone or after a shape (`V` (n,), `M` (n, n), `W` (3, n),
`U` (2, n, n)). `A` in a rule is any shape, `_` any kind: the ones wanted. Variables may also be `X`
an index, `K` a counter, `L` a list, `D` a dict, `O` an object, `G` a function. Holes in a template:

    @i @f @Vf @Mb     an expression of the type; `@V` of a random kind, `@V_` of the wanted kind,
    @s                `@A` of the wanted shape; `@s` is any number
    @nV @nVf @nA      the name of a variable of the type (`A`: any array); the rest of the
                      statement wants its shape and kind
    @new:Vf @set:f    a new variable; one of the type that exists, or a new one
    @last             the variable that was made last
    @idx              a new variable for indices of axes of length n
    @{x|y|z}          one of the texts, which may have holes
    @word             what a rule named `word` makes
    @body             (alone in a line) some statements, further in
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping

KINDS = "ifbc"
SHAPES = "VMWU"
HOLE = re.compile(r"@\{([^}]*)\}|@(\w+(?::\w+)?)")
LITERALS = {"i": ("0", "1", "2", "-3", "7", "n"), "f": ("0.5", "-1.25", "2.0", "x"),
            "b": ("True", "False", "k > 1"), "c": ("1j", "(1+2j)")}
DEEP = 3

Rules = Mapping[str, list[tuple[str, float]]]


class NoRule(Exception):
    """Nothing in scope fills the hole; the writer tries another template."""


class Writer:
    """Writes one function. `rules`: what is made -> (template, weight)."""

    def __init__(self, rnd: random.Random, rules: Rules):
        self.rnd, self.rules = rnd, rules
        self.lines: list[str] = []
        self.scope: dict[str, str] = {}           # variable -> type
        self.pending: dict[str, str] = {}         # assigned in the present line
        self.serial = 0
        self.last = ""
        self.wanted = "f"                         # what `A` and `_` stand for
        self.loops = 0
        self.room = 22                            # statements still wanted at most

    def chance(self, p: float) -> bool:
        return self.rnd.random() < p

    def draw(self, wanted: Iterable[str]) -> str:
        """A template that makes one of `wanted`."""
        found = [pair for key in wanted for pair in self.rules.get(key, ())]
        if not found:
            raise NoRule(wanted)
        templates, weights = zip(*found, strict=True)
        return self.rnd.choices(templates, weights)[0]

    def names(self, fits: Callable[[str], bool]) -> list[str]:
        return [name for name, type in self.scope.items() if fits(type)]

    def name(self, fits: Callable[[str], bool]) -> str:
        found = self.names(fits)
        if not found:
            raise NoRule
        return self.rnd.choice(found)

    def fresh(self, type: str) -> str:
        self.serial += 1
        name = f"{type[0].lower()}{self.serial}"
        self.pending[name] = type
        self.last = name
        return name

    # ---- expressions

    def expression(self, type: str, depth: int) -> str:
        shape, kind = (type[0], type[1]) if len(type) == 2 else ("", type)
        if depth >= DEEP or self.chance(0.25):
            found = self.names(type.__eq__) or (
                self.names(lambda t: t[0] == shape) if shape else [])
            if found and self.chance(0.85):
                return self.rnd.choice(found)
            if not shape:
                return self.rnd.choice(LITERALS[kind])
        if depth > DEEP:
            return self.fill(self.draw([shape]), type, depth + 1)
        wanted = [type, shape + "_", "A" + kind, "A_"] if shape else [type]
        return self.attempt(wanted, type, depth)

    def attempt(self, wanted: list[str], type: str, depth: int) -> str:
        for _ in range(20):
            try:
                return self.fill(self.draw(wanted), type, depth + 1)
            except NoRule:
                continue
        raise NoRule(wanted)

    def kind_like(self, kind: str) -> str:
        """Mostly the wanted kind."""
        return kind if self.chance(0.85) else self.rnd.choice(KINDS)

    def fill(self, template: str, type: str, depth: int) -> str:
        """`template` with its holes filled; `type` is what it stands for."""
        self.wanted = type

        def hole(match: re.Match[str]) -> str:
            choices, word = match.groups()
            if word is None:
                return self.fill(self.rnd.choice(choices.split("|")), self.wanted, depth)
            now = self.wanted
            made = self.hole(word, now, depth)
            self.wanted = self.scope[made] if made in self.scope and word[0] == "n" else now
            return made
        return HOLE.sub(hole, template)

    def hole(self, word: str, type: str, depth: int) -> str:
        if word in KINDS:
            return self.expression(word, depth)
        if word == "s":
            return self.expression(self.rnd.choice("iiffb"), depth)
        if word == "s_":
            return self.expression(self.kind_like(type[-1]), depth)
        if word[0] in SHAPES + "A" and len(word) <= 2:
            shape = type[0] if word[0] == "A" else word[0]
            kind = word[1] if len(word) == 2 else self.rnd.choice("iifffbc")
            return self.expression(
                shape + (self.kind_like(type[-1]) if kind == "_" else kind), depth)
        if word[0] == "n" and len(word) > 1 and word[1] in SHAPES + KINDS + "AXLDOG":
            return self.name(lambda t: t.startswith(word[1:]) or (
                word[1] == "A" and t[0] in SHAPES))
        if word == "idx":
            return self.fresh("X")
        if word == "last":
            return self.last
        if word.startswith(("new:", "set:")):
            new = word[4:].replace("_", type[-1])
            found = self.names(new.__eq__) if word[0] == "s" else []
            return self.rnd.choice(found) if found and self.chance(0.7) else self.fresh(new)
        return self.attempt([word], type, depth)

    # ---- statements

    def statement(self, depth: int) -> None:
        wanted = ["statement"]
        if self.loops:
            wanted.append("in a loop")
        if depth < 3 and self.room > 0:
            wanted.append("block")
        if depth == 1:
            wanted.append("outermost")
        for _ in range(20):
            mark, kept, serial = len(self.lines), dict(self.scope), self.serial
            try:
                self.room -= 1
                self.template(self.draw(wanted), depth)
                return
            except NoRule:
                del self.lines[mark:]
                self.scope, self.serial, self.pending = kept, serial, {}
        raise NoRule

    def template(self, text: str, depth: int) -> None:
        header: dict[str, str] = {}
        loop, later = False, {}
        for line in text.split("\n"):
            inner = depth + (len(line) - len(line.lstrip())) // 4
            if line.strip() == "@body":
                self.body(inner, header, loop)
                continue
            filled = self.line(line.strip())
            self.lines += ["    " * inner + part for part in filled.split("\n")]
            made, self.pending = self.pending, {}
            if filled.startswith("def "):         # known to the statements after it only
                later = made
            elif filled.endswith(":"):
                header, loop = made, filled.startswith(("for ", "while "))
            else:
                self.scope.update(made)
        self.scope.update(later)

    def line(self, template: str) -> str:
        kind = self.rnd.choice(KINDS)
        if template.startswith("@new:") and " = " in template:     # its type is what is right of it
            left, right = template.split(" = ", 1)
            right = self.fill(right, kind, 1)
            return f"{self.fill(left, self.wanted, 1)} = {right}"
        return self.fill(template, kind, 1)

    def body(self, depth: int, header: dict[str, str], loop: bool) -> None:
        outside = dict(self.scope)
        self.scope.update(header)
        self.loops += loop
        for _ in range(self.rnd.randrange(1, 4)):
            self.statement(depth)
        self.loops -= loop
        self.scope = self.scope if self.chance(0.06) else outside

    def function(self, arguments: Mapping[str, str], head: str,
                 result: Callable[[Mapping[str, str]], str] | None = None) -> str:
        """The text of `f`: `head`, statements, a return of everything, or of what `result` makes of
        the variables. `arguments`: name -> type."""
        self.scope = dict(arguments)
        for _ in range(self.rnd.randrange(1, 7)):
            self.statement(1)
        results = result(self.scope) if result is not None else ", ".join(
            v for v, t in list(self.scope.items())[:14] if t != "G" and v != "n")
        return "\n".join([head, *self.lines, f"    return {results}"]) + "\n"
