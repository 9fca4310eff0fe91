"""The text form of the IR: a printer and the parser that reads it back exactly.

    { lambda ; a:f64[n] b:f64[]. let
        c:f64[n] = mul a b
        d:f64[] = reduce_sum[axes=(0,)] c
    in (d, a<-c) }

`docs/ir.md` is the reference of the notation. `parse(show(p), OPS)` equals `p` up to the identity
of Vars, the Program's name and the locations in the user's source, which the text leaves out.
"""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block, Eqn, Lit, Op, Program, Var, dims, free_vars
from hotloop.ir.types import BOOL, C128, DTYPES, F64, I64, Type, code

WIDTH = 80
"""A block of at most this many columns prints on one line."""

PLAIN = (BOOL, I64, F64, C128)
"""Dtypes whose literals print without a dtype."""


# ---- printing

def show(block: Block) -> str:
    """The text of a block, with a Program's parameter aliases; free Vars are named like others."""
    return "\n".join(_block(block, Names(block)))


class Names(dict[Var, str]):
    """A name for each Var a block uses or binds: letters in order of definition, `n, m, k, ...`
    for dimensions that parameters bind. A Var met elsewhere (a broken program) is `%id`."""

    def __init__(self, block: Block):
        super().__init__()
        outer = dims(block) if isinstance(block, Program) else []
        for var, name in zip(outer, _dimension_names(), strict=False):
            self[var] = name
        taken = set(self.values())
        letters = (name for name in _letters() if name not in taken)
        for var in free_vars(block):
            if var not in self:
                self[var] = next(letters)
        self._bind(block, letters)

    def _bind(self, block: Block, letters: Iterator[str]) -> None:
        for var in block.params:
            self[var] = next(letters)
        for eqn in block.eqns:
            for inner in eqn.blocks:
                self._bind(inner, letters)
            for var in eqn.outs:
                self[var] = next(letters)

    def __missing__(self, var: Var) -> str:
        return repr(var)

    def binding(self, var: Var) -> str:
        """`a:f64[n,3]`"""
        shape = ",".join(self[d] if isinstance(d, Var) else str(d) for d in var.shape)
        return f"{self[var]}:{code(var.dtype)}[{shape}]"

    def atom(self, atom: Atom) -> str:
        return self[atom] if isinstance(atom, Var) else show_literal(atom)


def _letters() -> Iterator[str]:
    """a, b, ..., z, aa, ab, ..."""
    words = [""]
    while True:
        words = [word + letter for word in words for letter in string.ascii_lowercase]
        yield from (w for w in words if w not in ("in", "let", "inf", "nan", "lambda"))


def _dimension_names() -> Iterator[str]:
    """n, m, k, l, n1, m1, k1, l1, n2, ..."""
    round = 0
    while True:
        yield from (letter + (str(round) if round else "") for letter in "nmkl")
        round += 1


def show_literal(lit: Lit) -> str:
    dtype, value = lit.dtype, lit.value
    if dtype.kind in "fc":
        if np.isnan(value) and Lit(_parse_number(repr(value.item())), dtype) != lit:
            text = f"0x{int(value.view(f'V{dtype.itemsize}').tobytes()[::-1].hex(), 16):x}"
            return f"{text}:{code(dtype)}"      # a nan with unusual bits
        text = repr(value.item())
    else:
        text = repr(value.item())
    return text if dtype in PLAIN else f"{text}:{code(dtype)}"


def _parameter(value: Any) -> str:
    if isinstance(value, np.dtype):
        return code(value)
    if isinstance(value, tuple):
        inside = ", ".join(_parameter(v) for v in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if callable(value):
        module, name = _home(value)
        return f"{module}:{name}"
    raise TypeError(f"a parameter of type {type(value).__name__} has no text form: {value!r}")


def _home(value: Any) -> tuple[str, str]:
    """Where a callable can be imported from. A ufunc does not tell: numpy. An object without a
    name prints as its class, which does not parse back as the object."""
    module = getattr(value, "__module__", None) or "numpy"
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return module, name or type(value).__qualname__


def _head(eqn: Eqn, names: Names) -> str:
    """An equation up to its blocks."""
    parts = [" ".join(names.binding(v) for v in eqn.outs)] if eqn.outs else []
    params = ", ".join(f"{key}={_parameter(value)}" for key, value in eqn.params.items())
    parts += ["=" if eqn.outs else "", eqn.op.name + (f"[{params}]" if params else "")]
    return " ".join([p for p in parts if p] + [names.atom(a) for a in eqn.ins])


def show_eqn(eqn: Eqn, names: Names) -> list[str]:
    """The lines of one equation."""
    head = _head(eqn, names)
    blocks = [_block(b, names) for b in eqn.blocks]
    if all(len(b) == 1 for b in blocks):
        line = " ".join([head] + [b[0] for b in blocks])
        if len(line) <= WIDTH:
            return [line]
    return [head] + ["  " + line for b in blocks for line in b]


def _block(block: Block, names: Names) -> list[str]:
    lead = "{ lambda ; " if isinstance(block, Program) else "{ lambda "
    lead += " ".join(names.binding(p) for p in block.params) + ". let"
    into = block.into if isinstance(block, Program) else (None,) * len(block.outs)
    results = [(f"{names[v]}<-" if v is not None else "") + names.atom(a)
               for a, v in zip(block.outs, into, strict=True)]
    tail = f"in ({', '.join(results)}{',' if len(results) == 1 else ''}) }}"
    eqns = [show_eqn(eqn, names) for eqn in block.eqns]
    if all(len(lines) == 1 for lines in eqns):
        body = "; ".join(lines[0] for lines in eqns)
        line = " ".join(part for part in (lead, body, tail) if part)
        if len(line) <= WIDTH:
            return [line]
    return [lead, *("    " + line for lines in eqns for line in lines), tail]


# ---- parsing

TOKEN = re.compile(r"""
    \s+ | \#[^\n]*                                                      # skipped
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<complex>\([-+.\dainfe]+j\))
  | (?P<number>0x[0-9a-f]+|-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?j?|-?(?:inf|nan)j?\b)
  | (?P<path>[A-Za-z_][\w.]*:[A-Za-z_][\w.<>]*(?![\w.<>]*\[))
  | (?P<name>[A-Za-z_%][\w]*)
  | (?P<mark><-|[{}()\[\],;:.=])
""", re.VERBOSE)

WORDS = {"True": True, "False": False, "None": None}


DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ImportError)


def parse(text: str, ops: Mapping[str, Op], name: str = "main") -> Program:
    """The Program that `text` shows; `ops` maps names to rows. SyntaxError says where it fails."""
    parser = _Parser(text, ops)
    try:
        return parser.program(name)
    except DAMAGED as error:        # rows and names say it their own way
        parser.at = min(parser.at, len(parser.tokens) - 1)
        raise parser.error(repr(error)) from error


class _Parser:
    def __init__(self, text: str, ops: Mapping[str, Op]):
        self.text, self.ops = text, ops
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self.error(f"unexpected {text[position]!r}", position)
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match.group(), position))
            position = match.end()
        self.tokens.append(("end", "the end", len(text)))

    def error(self, message: str, position: int | None = None) -> SyntaxError:
        at = self.tokens[self.at][2] if position is None else position
        start = self.text.rfind("\n", 0, at) + 1
        line = self.text[start:].split("\n", 1)[0]
        number = self.text.count("\n", 0, at) + 1
        return SyntaxError(f"{message} in line {number}\n  {line}\n  {' ' * (at - start)}^")

    def peek(self, mark: str) -> bool:
        return self.tokens[self.at][1] == mark and self.tokens[self.at][0] != "string"

    def accept(self, mark: str) -> bool:
        found = self.peek(mark)
        self.at += found
        return found

    def expect(self, mark: str) -> None:
        if not self.accept(mark):
            raise self.error(f"expected {mark!r}, found {self.tokens[self.at][1]!r}")

    def take(self, kind: str) -> str:
        if self.tokens[self.at][0] != kind:
            raise self.error(f"expected a {kind}, found {self.tokens[self.at][1]!r}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def program(self, name: str) -> Program:
        params, eqns, outs, into = self.block({}, outermost=True)
        if self.tokens[self.at][0] != "end":
            raise self.error("text after the program")
        return Program(params, eqns, outs, name, into)

    def block(self, env: dict[str, Var], outermost: bool = False) -> tuple[
            list[Var], list[Eqn], list[Atom], list[Var | None]]:
        env = dict(env)
        self.expect("{")
        self.expect("lambda")
        self.accept(";")
        bound = self.bindings(env, ".", free=outermost)
        env.update(bound)
        self.expect(".")
        self.expect("let")
        eqns = []
        while not self.accept("in"):
            eqns.append(self.equation(env))
            self.accept(";")
        self.expect("(")
        outs: list[Atom] = []
        into: list[Var | None] = []
        while not self.accept(")"):
            target = None
            if self.tokens[self.at + 1][1] == "<-":
                target = self.var(env)
                self.expect("<-")
            outs.append(self.atom(env))
            into.append(target)
            if not self.peek(")"):
                self.expect(",")
        self.expect("}")
        return list(bound.values()), eqns, outs, into

    def bindings(self, env: dict[str, Var], end: str, free: bool = False) -> dict[str, Var]:
        """`a:f64[n] b:i64[]`; dimensions may be Vars of the same list and, if `free`, new ones,
        which `env` then has."""
        bound: dict[str, Var] = {}
        found: list[tuple[Var, np.dtype, list[tuple[str, str, int]]]] = []
        while not self.peek(end):
            kind, text, position = self.tokens[self.at]
            if kind == "path":                          # `a:f64` is one token if no `[` follows
                raise self.error(f"the type of {text} has no shape")
            name = self.take("name")
            self.expect(":")
            dtype = DTYPES.get(self.take("name"))
            if dtype is None:
                raise self.error(f"{self.tokens[self.at - 1][1]!r} is no dtype",
                                 self.tokens[self.at - 1][2])
            self.expect("[")
            shape = []
            while not self.accept("]"):
                shape.append(self.tokens[self.at])
                self.at += 1
                if not self.peek("]"):
                    self.expect(",")
            if name in bound:
                raise self.error(f"{name} is bound twice", position)
            bound[name] = Var(Type(dtype))
            found.append((bound[name], dtype, shape))
        for var, dtype, shape in found:
            var.type = Type(dtype, tuple(self.dim(t, bound, env, free) for t in shape))
        return bound

    def dim(self, token: tuple[str, str, int], bound: dict[str, Var], env: dict[str, Var],
            free: bool) -> int | Var:
        kind, text, position = token
        if kind == "number":
            return int(text)
        if text in bound:
            return bound[text]
        if text not in env:
            if not free or kind != "name":
                raise self.error(f"no value {text!r} in scope", position)
            env[text] = Var(Type(I64), text)
        return env[text]

    def equation(self, env: dict[str, Var]) -> Eqn:
        results: dict[str, Var] = {}
        if self.tokens[self.at + 1][1] == ":":
            results = self.bindings(env, "=")
            self.expect("=")
        op = self.ops.get(self.take("name"))
        if op is None:
            raise self.error(f"no op {self.tokens[self.at - 1][1]!r}", self.tokens[self.at - 1][2])
        params: dict[str, Any] = {}
        if self.accept("["):
            while not self.accept("]"):
                key = self.take("name")
                self.expect("=")
                params[key] = self.parameter()
                if not self.peek("]"):
                    self.expect(",")
        ins = []
        while self.starts_atom():
            ins.append(self.atom(env))
        blocks = []
        while self.peek("{"):
            inner, eqns, atoms, _ = self.block(env)
            blocks.append(Block(inner, eqns, atoms))
        env.update(results)
        return Eqn(op, ins, results.values(), params, blocks)

    def starts_atom(self) -> bool:
        """Whether the next token is an operand; operands stand on their equation's line."""
        kind, text, position = self.tokens[self.at]
        same_line = "\n" not in self.text[self.tokens[self.at - 1][2]:position]
        return kind in ("name", "number", "complex") and text != "in" and same_line

    def var(self, env: dict[str, Var]) -> Var:
        name = self.take("name")
        if name not in env:
            raise self.error(f"no value {name!r} in scope", self.tokens[self.at - 1][2])
        return env[name]

    def atom(self, env: dict[str, Var]) -> Atom:
        kind, text, position = self.tokens[self.at]
        if kind == "name" and text in WORDS:
            self.at += 1
            return Lit(WORDS[text])
        if kind not in ("number", "complex"):
            return self.var(env)
        self.at += 1
        dtype = None
        if self.accept(":"):
            dtype = DTYPES.get(self.take("name"))
            if dtype is None:
                raise self.error("no such dtype", position)
        if text.startswith("0x"):
            if dtype is None:
                raise self.error("a literal of bits needs a dtype", position)
            return Lit(np.frombuffer(int(text, 16).to_bytes(dtype.itemsize, "little"), dtype)[0])
        return Lit(_parse_number(text), dtype)

    def parameter(self) -> Any:
        kind, text, position = self.tokens[self.at]
        self.at += 1
        if kind == "string":
            return ast.literal_eval(text)
        if kind == "number":
            return _parse_number(text)
        if kind == "path":
            try:
                return resolve(text)
            except (ImportError, AttributeError) as error:
                raise self.error(f"{text} can't be imported ({error})", position) from None
        if text == "(":
            items = []
            while not self.accept(")"):
                items.append(self.parameter())
                if not self.peek(")"):
                    self.expect(",")
            return tuple(items)
        if text in WORDS:
            return WORDS[text]
        if text in DTYPES:
            return DTYPES[text]
        raise self.error(f"{text!r} is no parameter", position)


def _parse_number(text: str) -> int | float | complex:
    text = text.strip("()") if text.endswith(")") else text
    if text.endswith("j"):
        return complex(text)
    return int(text) if text.lstrip("-").isdigit() else float(text)


def resolve(path: str) -> Any:
    """The object that `module:qualname` names."""
    module, _, name = path.partition(":")
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


# ---- comparing

def equal(p: Program, q: Program) -> bool:
    """Whether two Programs are the same up to the identity and names of Vars."""
    same: dict[Var, Var] = dict(zip(dims(p), dims(q), strict=False))
    return (len(dims(p)) == len(dims(q)) and _equal_blocks(p, q, same)
            and [v and same[v] for v in p.into] == list(q.into))


def _equal_blocks(a: Block, b: Block, same: dict[Var, Var]) -> bool:
    if len(a.eqns) != len(b.eqns) or not _bind_equal(a.params, b.params, same):
        return False
    for x, y in zip(a.eqns, b.eqns, strict=True):
        if (x.op is not y.op or x.params != y.params or len(x.blocks) != len(y.blocks)
                or not _equal_atoms(x.ins, y.ins, same)
                or not all(_equal_blocks(i, j, same)
                           for i, j in zip(x.blocks, y.blocks, strict=True))
                or not _bind_equal(x.outs, y.outs, same)):
            return False
    return _equal_atoms(a.outs, b.outs, same)


def _equal_atoms(a: Any, b: Any, same: dict[Var, Var]) -> bool:
    return len(a) == len(b) and all(
        same.get(x, x) is y if isinstance(x, Var) else type(x) is type(y) and x == y
        for x, y in zip(a, b, strict=True))


def _bind_equal(a: Any, b: Any, same: dict[Var, Var]) -> bool:
    if len(a) != len(b):
        return False
    same.update(zip(a, b, strict=True))
    return all(x.dtype == y.dtype and _equal_atoms(x.shape, y.shape, same)
               for x, y in zip(a, b, strict=True))
